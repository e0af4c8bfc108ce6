/*
 * answer.c: what a device is told, as JSON (device-api.md 5.3 to 5.8).
 *
 * Clients are picky: no null, no empty string for what is absent, the order of the published examples (5.7).
 */
#include "provision/registration.h"

static void text_if_any(struct json_out *out, const char *name, struct slice text)
{
	if (text.n > 0)
		json_text(out, name, text);
}

static void date(struct json_out *out, const char *name, instant t)
{
	char text[INSTANT_TEXT];

	if (t != 0)
		json_str(out, name, instant_print(t, INSTANT_ISO7, text));
}

/* 5.7, rule 5. */
static void payload(struct json_out *out, struct slice json)
{
	struct slice trimmed = slice_trim(json);

	if (trimmed.n > 0 && trimmed.p[0] == '{' && trimmed.n <= CUSTOM_PAYLOAD_MAX)
		json_raw(out, "payload", trimmed);
	else if (trimmed.n > 0)
		log_warn(NULL, "payload-dropped", "reason", "A payload for a device is a JSON object of at most 48 KiB.", NULL);
}

/* 5.4: empty or complete, nothing between, or Java throws. */
static void x509(struct json_out *out, const struct result *result, struct arena *arena)
{
	json_open(out, "x509", '{');
	if (result->group.n > 0 && result->leaf_info && result->signer.n > 0) {
		json_text(out, "enrollmentGroupId", result->group);
		certificate_write_described(out, "certificateInfo", result->leaf_info);
		if (!certificate_write_info(out, "signingCertificateInfo", result->signer, arena))
			out->to->failed = true;
	}
	json_close(out, '}');
}

/* 14.1: the key for the hub, for this TPM alone. What it is wrapped for was looked at when the device was judged. */
static void tpm(struct json_out *out, const struct result *result, struct arena *arena)
{
	struct slice key = attest_tpm_wrap(result->tpm, result->storage_root_key, result->hub_key, arena);

	if (slice_absent(key))
		return;
	json_open(out, "tpm", '{');
	json_text(out, "authenticationKey", key);
	json_close(out, '}');
}

/* 5.4: how it was attested; for a key only when the key is a group's (5.7, rule 3). */
static void attestation(struct json_out *out, const struct result *result, struct arena *arena)
{
	if (result->tpm) {
		tpm(out, result, arena);
	} else if (result->x509) {
		x509(out, result, arena);
	} else if (result->group.n > 0) {
		json_open(out, "symmetricKey", '{');
		json_text(out, "enrollmentGroupId", result->group);
		json_close(out, '}');
	}
}

static void members(struct json_out *out, const struct result *result, struct arena *arena)
{
	const struct registration_record *record = result->record;
	bool assigned = record_has_status(record, "assigned");

	date(out, "createdDateTimeUtc", record->created);
	if (assigned) {
		text_if_any(out, "assignedHub", record->assigned_hub);
		text_if_any(out, "deviceId", record->device_id);
	}
	json_text(out, "status", record->status);
	if (assigned)
		text_if_any(out, "substatus", record->substatus);
	if (!assigned && record->error_code != INT_NONE) {
		json_int(out, "errorCode", record->error_code);
		text_if_any(out, "errorMessage", record->error_message);
	}
	date(out, "lastUpdatedDateTimeUtc", record->updated);
	text_if_any(out, "etag", record->etag);
	if (assigned) {
		payload(out, record->payload);
		attestation(out, result, arena);
	}
}

/* 5.4; while it is assigning the examples of 5.8 have two members. */
static void state(struct json_out *out, const char *name, const struct result *result, struct arena *arena)
{
	json_open(out, name, '{');
	json_text(out, "registrationId", result->record->name);
	if (result->shape == SHAPE_OPERATION && record_has_status(result->record, "assigning"))
		json_text(out, "status", result->record->status);
	else
		members(out, result, arena);
	json_close(out, '}');
}

static void operation(struct json_out *out, const struct result *result, struct arena *arena)
{
	json_open(out, NULL, '{');
	json_text(out, "operationId", result->operation_id);
	json_text(out, "status", result->record->status);
	if (result->shape == SHAPE_OPERATION)
		state(out, "registrationState", result, arena);
	json_close(out, '}');
}

static void sentences(struct json_out *out, const char *name, const struct slices *list)
{
	json_open(out, name, '[');
	for (size_t i = 0; i < list->n; i++)
		json_text(out, NULL, list->at[i]);
	json_close(out, ']');
}

/* How a device would be judged, for the operator: the members are those of an attempt. */
static void judgement(struct json_out *out, const struct registration *r)
{
	const struct verdict *v = &r->verdict;

	json_open(out, NULL, '{');
	json_text(out, "registrationId", r->q.registration_id);
	json_bool(out, "attested", v->error_code == 0);
	if (r->enrollment)
		json_text(out, r->by_group ? "enrollmentGroupId" : "enrollment", r->enrollment->name);
	if (v->error_code) {
		json_int(out, "errorCode", v->error_code);
		json_str(out, "message", v->message);
		json_str(out, "check", v->check);
		json_str(out, "seen", v->seen);
		json_str(out, "expected", v->expected);
		json_str(out, "reason", v->sentence);
	}
	if (r->explanation.presented.n)
		json_raw(out, "presented", r->explanation.presented);
	if (r->explanation.nearest.n)
		sentences(out, "nearest", &r->explanation.nearest);
	json_close(out, '}');
}

/* 5.5, without `info`. */
static void refusal(struct json_out *out, const struct result *result, const char *request_id, instant now)
{
	char at[INSTANT_TEXT];

	json_open(out, NULL, '{');
	json_int(out, "errorCode", result->code);
	json_str(out, "trackingId", request_id);
	json_str(out, "message", result->message);
	json_str(out, "timestampUtc", instant_print(now, INSTANT_ISO7, at));
	json_close(out, '}');
}

/* 14.3: without a status, or the C SDK takes it for an operation. */
static void challenge(struct json_out *out, const struct result *result)
{
	json_open(out, NULL, '{');
	json_str(out, "message", result->message);
	json_text(out, "authenticationKey", result->challenge);
	json_str(out, "keyName", "registration");
	json_close(out, '}');
}

/* The numbers of HTTP: a code is one of them with three digits behind (device-api.md 18). */
static void number(const struct result *result, struct device_answer *answer)
{
	*answer = (struct device_answer){.status = 200};
	if (result->shape == SHAPE_JUDGEMENT || result->shape == SHAPE_WELCOME)
		return;
	if (result->shape == SHAPE_CHALLENGE) {
		answer->status = 401;
	} else if (result->shape == SHAPE_REFUSAL) {
		answer->error_code = result->code;
		answer->status = result->code / 1000;
		if (answer->status == 429 || answer->status >= 500)
			answer->retry_after = result->retry_after ? result->retry_after : RETRY_AFTER_SECONDS;
	} else if (result->shape != SHAPE_RECORD && record_has_status(result->record, "assigning")) {
		answer->status = 202;
		answer->retry_after = RETRY_AFTER_SECONDS;
	}
}

bool answer_write(const struct result *result, const char *request_id, instant now, struct arena *arena, struct device_answer *answer,
		  struct buf *body)
{
	struct json_out out;

	buf_clear(body);
	json_out_init(&out, body);
	switch (result->shape) {
	case SHAPE_REFUSAL: refusal(&out, result, request_id, now); break;
	case SHAPE_JUDGEMENT: judgement(&out, result->judged); break;
	case SHAPE_WELCOME: buf_add_str(body, "{}"); break;
	case SHAPE_CHALLENGE: challenge(&out, result); break;
	case SHAPE_RECORD: state(&out, NULL, result, arena); break;
	case SHAPE_STARTED:
	case SHAPE_OPERATION: operation(&out, result, arena); break;
	}
	number(result, answer);
	answer->body = buf_slice(body);
	return !buf_failed(body);
}
