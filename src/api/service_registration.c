/*
 * service_registration.c: registration records, and why a device was turned away (service-api.md 6.6).
 */
#include "api/service.h"

#define ATTEMPTS_SHOWN 100

struct lookup {
	struct registration_record *like;
	struct enrollment entry_like;
	struct attempt *attempt_like;
	struct presented presented_like;
	struct store_want want[3];
	struct store_change change[2];
};

/* The certificates by which it was attested, behind the members of the original (device-api.md 5.4 has them so). */
static void write_presented(struct json_out *out, const struct presented *p, struct arena *arena)
{
	json_open(out, "x509", '{');
	(void)certificate_write_info(out, "certificateInfo", p->leaf, arena);
	if (p->signer.n)
		(void)certificate_write_info(out, "signingCertificateInfo", p->signer, arena);
	json_close(out, '}');
}

struct slice registration_text(const struct registration_record *r, const struct presented *p, struct arena *arena)
{
	struct json_out out;
	struct buf text;
	struct slice copy;

	buf_init(&text, API_BODY_MAX);
	json_out_init(&out, &text);
	noun_write_open(&noun_registration, r, VIEW_PLAIN, &out, NULL, arena);
	if (p)
		write_presented(&out, p, arena);
	json_close(&out, '}');
	copy = arena_copy(arena, buf_slice(&text));
	buf_fini(&text);
	return copy;
}

bool registration_forget(struct slice scope, struct slice id, struct arena *arena, struct store_change out[FORGET_CHANGES])
{
	struct registration_record *record = noun_new(&noun_registration, arena);
	struct presented *presented = noun_new(&noun_presented, arena);

	if (record == NULL || presented == NULL)
		return false;
	record->scope = presented->scope = scope;
	record->id = presented->id = id;
	out[0] = (struct store_change){.how = STORE_DELETE_ALL, .noun = &noun_registration, .record = record, .keys = 2};
	out[1] = (struct store_change){.how = STORE_DELETE_ALL, .noun = &noun_presented, .record = presented, .keys = 2};
	return true;
}

/* The wants of record, individual enrollment and attempts for the ID in segment `at`. NULL: refused. */
static struct lookup *lookup_begin(struct api_call *call, size_t at)
{
	struct lookup *l = arena_alloc(call->arena, sizeof(*l));

	if (l)
		l->like = noun_new(&noun_registration, call->arena);
	if (l && l->like)
		l->attempt_like = noun_new(&noun_attempt, call->arena);
	if (l == NULL || l->like == NULL || l->attempt_like == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return NULL;
	}
	if (!id_is_good(call->segment[at])) {
		api_refuse(call, 400, 400004, NULL, "The registration ID is not a valid one.");
		return NULL;
	}
	call->state = l;
	l->like->scope = l->entry_like.scope = l->attempt_like->scope = call->service->scope;
	l->like->id = l->entry_like.id = l->attempt_like->id = arena_fold(call->arena, call->segment[at]);
	noun_clear(&noun_presented, &l->presented_like);
	l->presented_like.scope = l->like->scope;
	l->presented_like.id = l->like->id;
	l->want[0] = (struct store_want){.noun = &noun_registration, .like = l->like, .keys = 2};
	l->want[1] = (struct store_want){.noun = &noun_individual, .like = &l->entry_like, .keys = 2};
	l->want[2] =
		(struct store_want){.noun = &noun_attempt, .like = l->attempt_like, .keys = 2, .limit = ATTEMPTS_SHOWN, .backwards = true};
	return l;
}

static void refuse_missing(struct api_call *call)
{
	api_refuse(call, 404, 404202, NULL, "No device has registered with this ID.");
}

static void registration_read(struct api_call *call, enum err e)
{
	struct lookup *l = call->state;

	if (e != OK) {
		api_refuse_store(call, e);
	} else if (l->want[0].count) {
		api_answer_text(call, 200,
				registration_text(l->want[0].records, l->want[2].count ? l->want[2].records : NULL, call->arena));
	} else if (l->want[1].count) {
		json_open(&call->out, NULL, '{');
		json_text(&call->out, "registrationId", ((struct enrollment *)l->want[1].records)->name);
		json_str(&call->out, "status", "unassigned");
		json_close(&call->out, '}');
		api_answer_out(call, 200);
	} else {
		refuse_missing(call);
	}
}

void service_registration_get(struct api_call *call)
{
	struct lookup *l = lookup_begin(call, 1);

	if (l == NULL)
		return;
	l->want[2] = (struct store_want){.noun = &noun_presented, .like = &l->presented_like, .keys = 2};
	api_read(call, l->want, 3, registration_read);
}

static void registration_deleted(struct api_call *call, enum err e, size_t failed)
{
	(void)failed;
	if (e == ERR_NOT_FOUND)
		refuse_missing(call);
	else if (e == ERR_PRECONDITION)
		api_refuse(call, 412, 412000, NULL, "Precondition failed: it was changed at the same moment.");
	else if (e != OK)
		api_refuse_store(call, e);
	else
		api_answer_empty(call, 204);
}

static void registration_to_delete(struct api_call *call, enum err e)
{
	struct lookup *l = call->state;
	const struct registration_record *r = l->want[0].records;
	struct slice if_match = api_header(call, "if-match");

	if (e != OK) {
		api_refuse_store(call, e);
		return;
	}
	if (l->want[0].count == 0) {
		refuse_missing(call);
		return;
	}
	if (!etag_matches(if_match, r->etag)) {
		api_refuse(call, 412, 412000, NULL, "Precondition failed: the etag is not the current one.");
		return;
	}
	l->change[0] = (struct store_change){.how = STORE_DELETE, .noun = &noun_registration, .record = r};
	if (!slice_absent(if_match) && !etag_is_any(if_match))
		l->change[0].if_etag = r->etag;
	l->change[1] = (struct store_change){.how = STORE_DELETE_ALL, .noun = &noun_presented, .record = &l->presented_like, .keys = 2};
	api_write(call, l->change, 2, registration_deleted);
}

void service_registration_delete(struct api_call *call)
{
	struct lookup *l = lookup_begin(call, 1);

	if (l)
		api_read(call, l->want, 1, registration_to_delete);
}

/* --- explain --- */

static void attempts_read(struct api_call *call, enum err e)
{
	struct lookup *l = call->state;
	const struct attempt *attempts = l->want[2].records;

	if (e != OK) {
		api_refuse_store(call, e);
		return;
	}
	json_open(&call->out, NULL, '{');
	json_text(&call->out, "registrationId", call->segment[2]);
	json_bool(&call->out, "enrolled", l->want[1].count > 0);
	if (l->want[0].count && ((const struct registration_record *)l->want[0].records)->group_id.n)
		json_text(&call->out, "enrollmentGroupId", ((const struct registration_record *)l->want[0].records)->group_id);
	if (l->want[0].count)
		noun_write(&noun_registration, l->want[0].records, VIEW_PLAIN, &call->out, "registrationState", call->arena);
	if (l->want[0].count && ((const struct registration_record *)l->want[0].records)->source_address.n)
		json_text(&call->out, "sourceAddress", ((const struct registration_record *)l->want[0].records)->source_address);
	json_open(&call->out, "attempts", '[');
	for (size_t i = 0; i < l->want[2].count; i++)
		noun_write(&noun_attempt, &attempts[i], VIEW_PLAIN, &call->out, NULL, call->arena);
	json_close(&call->out, ']');
	json_close(&call->out, '}');
	api_answer_out(call, 200);
}

void service_registration_attempts(struct api_call *call)
{
	struct lookup *l = lookup_begin(call, 2);

	if (l)
		api_read(call, l->want, 3, attempts_read);
}

/* --- history: where the device was placed, and what went wrong, the latest first --- */

static void write_move(struct api_call *call, struct slice move)
{
	struct slice at, substatus;

	(void)slice_next(&move, ' ', &at);
	(void)slice_next(&move, ' ', &substatus);
	json_open(&call->out, NULL, '{');
	json_text(&call->out, "at", at);
	json_str(&call->out, "what", slice_eq(substatus, SLICE("initialAssignment")) ? "assigned" : "moved");
	json_text(&call->out, "substatus", substatus);
	json_text(&call->out, "hub", slice_to(move, (size_t)slice_find(move, '/')));
	json_text(&call->out, "deviceId", slice_from(move, (size_t)slice_find(move, '/') + 1));
	json_close(&call->out, '}');
}

static void write_trouble(struct api_call *call, const struct attempt *a)
{
	char at[INSTANT_TEXT];

	json_open(&call->out, NULL, '{');
	json_str(&call->out, "at", instant_print(a->at, INSTANT_ISO7, at));
	/* device-api.md 18: codes of hubs and of ours end a registration; the others turn a device away. */
	json_str(&call->out, "what", a->error_code >= 500000 || a->error_code / 100 == 4002 ? "failed" : "refused");
	json_int(&call->out, "errorCode", a->error_code);
	json_text(&call->out, "check", a->check_name);
	json_text(&call->out, "reason", a->sentence);
	json_text(&call->out, "protocol", a->protocol);
	json_text(&call->out, "callerIpAddress", a->peer);
	json_text(&call->out, "trackingId", a->request_id);
	json_close(&call->out, '}');
}

static void history_read(struct api_call *call, enum err e)
{
	struct lookup *l = call->state;
	const struct registration_record *r = l->want[0].count ? l->want[0].records : NULL;
	const struct attempt *attempts = l->want[2].records;
	size_t a = 0, m = r ? r->moves.n : 0;
	char at[INSTANT_TEXT];

	if (e != OK) {
		api_refuse_store(call, e);
		return;
	}
	json_open(&call->out, NULL, '[');
	/* Dates of one form sort as texts. */
	while (a < l->want[2].count || m > 0) {
		bool trouble = m == 0 || (a < l->want[2].count &&
					  slice_cmp(slice_str(instant_print(attempts[a].at, INSTANT_ISO7, at)), r->moves.at[m - 1]) > 0);

		if (trouble)
			write_trouble(call, &attempts[a++]);
		else
			write_move(call, r->moves.at[--m]);
	}
	json_close(&call->out, ']');
	api_answer_out(call, 200);
}

void service_registration_history(struct api_call *call)
{
	struct lookup *l = lookup_begin(call, 2);

	if (l)
		api_read(call, l->want, 3, history_read);
}
