/*
 * manage_certificate.c: the CA certificates of a provisioning service, and the proof that their owners have the keys (service-api.md
 * 11.6).
 */
#include "base/text.h"
#include "crypto/certificate.h"
#include "crypto/digest.h"
#include "api/manage.h"

enum { SEGMENT_CERTIFICATE = 9 };

#define CODE_BYTES 24 /* 48 hex digits */
#define USERS_TOLD 5  /* enrollments named when a CA that they need is deleted */

struct call_state {
	struct service service_like;
	struct store_want service;
	struct ca_certificate all_like;
	struct enrollment user_like;
	struct store_want want[5];           /* the service's CA certificates, then those who use this one */
	const struct ca_certificate *stored; /* the one of the path; NULL: there is none */
	struct ca_certificate *next;         /* what is being written */
	struct store_change change;
	bool with_users;
	void (*then)(struct api_call *);
};

/* --- what is stored --- */

static void refuse_missing(struct api_call *call)
{
	api_refuse(call, 404, 404001, "ResourceNotFound", "The service %.*s has no CA certificate %.*s.",
		   SLICE_ARG(call->segment[SEGMENT_NAME]), SLICE_ARG(call->segment[SEGMENT_CERTIFICATE]));
}

static void certificates_read(struct api_call *call, enum err e)
{
	struct call_state *s = call->state;
	const struct ca_certificate *all = s->want[0].records;

	if (e != OK) {
		api_refuse_store(call, e);
		return;
	}
	for (size_t i = 0; call->segments > SEGMENT_CERTIFICATE && i < s->want[0].count; i++)
		if (slice_eq_fold(all[i].name, call->segment[SEGMENT_CERTIFICATE]))
			s->stored = &all[i];
	s->then(call);
}

static void want_users(struct api_call *call, struct call_state *s)
{
	s->user_like.scope = s->all_like.scope;
	s->user_like.ca_primary_id = s->user_like.ca_secondary_id = arena_fold(call->arena, call->segment[SEGMENT_CERTIFICATE]);
	s->want[1] = (struct store_want){.noun = &noun_group, .by = GROUP_BY_CA_PRIMARY};
	s->want[2] = (struct store_want){.noun = &noun_group, .by = GROUP_BY_CA_SECONDARY};
	s->want[3] = (struct store_want){.noun = &noun_individual, .by = INDIVIDUAL_BY_CA_PRIMARY};
	s->want[4] = (struct store_want){.noun = &noun_individual, .by = INDIVIDUAL_BY_CA_SECONDARY};
	for (size_t i = 1; i < 5; i++) {
		s->want[i].like = &s->user_like;
		s->want[i].keys = 2;
		s->want[i].limit = USERS_TOLD;
	}
}

static void service_read(struct api_call *call, enum err e)
{
	struct call_state *s = call->state;
	const struct service *service = s->service.count ? s->service.records : NULL;
	struct resource r;

	if (e != OK) {
		api_refuse_store(call, e);
		return;
	}
	if (service)
		r = resource_of_service(service);
	if (service == NULL || !resource_is_at(call, &r)) {
		refuse_missing_resource(call, &service_kind, call->segment[SEGMENT_NAME]);
		return;
	}
	s->all_like.scope = service->scope;
	s->want[0] = (struct store_want){.noun = &noun_ca_certificate, .like = &s->all_like, .keys = 1, .limit = CA_CERTIFICATES_MAX};
	if (s->with_users)
		want_users(call, s);
	api_read(call, s->want, s->with_users ? 5 : 1, certificates_read);
}

/* Read the service and its certificates, then go on. */
static struct call_state *begin(struct api_call *call, bool with_users, void (*then)(struct api_call *))
{
	struct call_state *s = arena_alloc(call->arena, sizeof(*s));

	if (s == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return NULL;
	}
	call->state = s;
	s->with_users = with_users;
	s->then = then;
	noun_clear(&noun_group, &s->user_like);
	s->service_like.name_folded = arena_fold(call->arena, call->segment[SEGMENT_NAME]);
	s->service = (struct store_want){.noun = &noun_service, .by = SERVICE_BY_NAME, .like = &s->service_like, .keys = 1};
	api_read(call, &s->service, 1, service_read);
	return s;
}

/* --- showing --- */

static void http_date(struct json_out *out, const char *name, instant t)
{
	char text[INSTANT_TEXT];

	json_str(out, name, instant_print(t, INSTANT_HTTP, text));
}

/* `asked`: the answer to generateVerificationCode, which alone shows the certificate again. */
static void write_one(struct api_call *call, const struct ca_certificate *ca, bool asked)
{
	struct json_out *out = &call->out;
	struct certificate_info info;

	if (certificate_describe(ca->certificate, call->arena, &info) != OK)
		info = (struct certificate_info){.common_name = SLICE(""), .sha1 = SLICE("")};
	json_open(out, NULL, '{');
	json_open(out, "properties", '{');
	json_text(out, "subject", info.common_name.n ? info.common_name : info.subject);
	http_date(out, "expiry", info.not_after);
	json_text(out, "thumbprint", info.sha1);
	json_bool(out, "isVerified", ca->verified == FLAG_YES);
	http_date(out, "created", ca->created);
	http_date(out, "updated", ca->updated);
	if (asked) {
		json_text(out, "certificate", base64_encode(call->arena, ca->certificate));
		json_text(out, "verificationCode", ca->code);
	} else {
		json_none(out, "certificate");
	}
	json_close(out, '}');
	json_text(out, "id",
		  arena_format(call->arena, "/subscriptions/%.*s/resourceGroups/%.*s/providers/%s/%.*s/certificates/%.*s",
			       SLICE_ARG(call->segment[SEGMENT_SUBSCRIPTION]), SLICE_ARG(call->segment[SEGMENT_GROUP]), service_kind.type,
			       SLICE_ARG(call->segment[SEGMENT_NAME]), SLICE_ARG(ca->name)));
	json_text(out, "name", ca->name);
	json_str(out, "type", "Microsoft.Devices/provisioningServices/Certificates");
	json_text(out, "etag", ca->etag);
	json_close(out, '}');
}

static void list_read(struct api_call *call)
{
	struct call_state *s = call->state;
	const struct ca_certificate *all = s->want[0].records;

	json_open(&call->out, NULL, '{');
	json_open(&call->out, "value", '[');
	for (size_t i = 0; i < s->want[0].count; i++)
		write_one(call, &all[i], false);
	json_close(&call->out, ']');
	json_close(&call->out, '}');
	api_answer_out(call, 200);
}

void manage_certificate_list(struct api_call *call)
{
	begin(call, false, list_read);
}

static void one_read(struct api_call *call)
{
	struct call_state *s = call->state;

	if (s->stored == NULL) {
		refuse_missing(call);
		return;
	}
	write_one(call, s->stored, false);
	api_answer_out(call, 200);
}

void manage_certificate_get(struct api_call *call)
{
	begin(call, false, one_read);
}

/* --- writing --- */

/* The step's condition: `must`: it has to be there. False: refused. */
static bool condition_holds(struct api_call *call, const struct ca_certificate *stored, bool must)
{
	struct slice given = api_header(call, "if-match");

	if (slice_absent(given) && must) {
		api_refuse(call, 400, 400001, NULL, "If-Match is missing: name the etag of the certificate, or *.");
		return false;
	}
	if (slice_absent(given) || etag_matches(given, stored->etag))
		return true;
	api_refuse(call, 412, 412001, "PreconditionFailed", "The certificate has changed since: its etag is not the one given.");
	return false;
}

static void written(struct api_call *call, enum err e, size_t failed)
{
	struct call_state *s = call->state;

	(void)failed;
	if (e == ERR_PRECONDITION || e == ERR_EXISTS || e == ERR_NOT_FOUND) {
		api_refuse(call, 412, 412001, "PreconditionFailed", "The certificate was changed at the same moment.");
	} else if (e != OK) {
		api_refuse_store(call, e);
	} else if (s->next == NULL) {
		api_answer_empty(call, 204);
	} else {
		write_one(call, s->next, !slice_absent(s->next->code));
		api_answer_out(call, 200);
	}
}

/* A copy of what is stored, with a new tag; the caller changes the rest and writes it. NULL: refused. */
static struct ca_certificate *next_version(struct api_call *call)
{
	struct call_state *s = call->state;

	if ((s->next = noun_new(&noun_ca_certificate, call->arena)) == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return NULL;
	}
	if (s->stored)
		*s->next = *s->stored;
	s->next->updated = loop_wall(call->conf->loop);
	s->next->etag = etag_make(call->arena, s->next->updated);
	return s->next;
}

static void write_next(struct api_call *call)
{
	struct call_state *s = call->state;

	s->change = (struct store_change){.how = s->stored ? STORE_UPDATE : STORE_INSERT, .noun = &noun_ca_certificate, .record = s->next};
	if (s->stored)
		s->change.if_etag = s->stored->etag;
	api_write(call, &s->change, 1, written);
}

/* --- upload --- */

struct upload {
	struct slice certificate; /* DER */
	enum flag verified;
};

/* Flat, as until 2021-10-15, or in `properties`, as from 2022-02-05: whatever the version says. */
static bool read_upload(struct api_call *call, struct upload *out)
{
	const char *why = NULL;
	struct slice text;
	json_t *json = NULL, *properties;
	enum err e = json_read(call->q->body, call->arena, &json, &why);

	if (e != OK || !json_is_object(json)) {
		api_refuse(call, 400, 400001, NULL, "%s", why ? why : "The body must be an object.");
		json_decref(json);
		return false;
	}
	properties = json_get_fold(json, "properties");
	if (!json_is_object(properties))
		properties = json;
	text = slice_str(json_string_value(json_get_fold(properties, "certificate")));
	out->verified = json_is_true(json_get_fold(properties, "isVerified")) ? FLAG_YES : FLAG_NO;
	e = slice_absent(text) ? ERR_MALFORMED : certificate_read(text, call->arena, &out->certificate, &why);
	if (e != OK)
		api_refuse(call, 400, 400001, NULL, "certificate does not hold an X.509 certificate: %s.",
			   why ? why : "it must be the base64 text of a PEM or DER file");
	json_decref(json);
	return e == OK;
}

static void put_read(struct api_call *call)
{
	struct call_state *s = call->state;
	struct certificate_info info;
	struct ca_certificate *ca;
	struct upload upload;

	if (s->stored && !condition_holds(call, s->stored, false))
		return;
	if (!read_upload(call, &upload))
		return;
	if (!certificate_is_ca(upload.certificate) || certificate_describe(upload.certificate, call->arena, &info) != OK) {
		api_refuse(call, 400, 400001, NULL,
			   "The certificate is no CA's: its basic constraints or key usage do not let it sign others.");
		return;
	}
	if (s->stored == NULL && s->want[0].count >= CA_CERTIFICATES_MAX) {
		api_refuse(call, 403, 403001, "Forbidden", "There are %d CA certificates already; a service holds no more.",
			   CA_CERTIFICATES_MAX);
		return;
	}
	if ((ca = next_version(call)) == NULL)
		return;
	if (s->stored == NULL) {
		ca->scope = s->all_like.scope;
		ca->id = arena_fold(call->arena, call->segment[SEGMENT_CERTIFICATE]);
		ca->name = call->segment[SEGMENT_CERTIFICATE];
		ca->created = ca->updated;
	}
	/* RULE of service-api.md 11.6: another certificate under the name has nothing of what the former one had proven. */
	if (upload.verified == FLAG_YES || !slice_eq(ca->certificate, upload.certificate))
		ca->verified = upload.verified;
	ca->code = NO_SLICE;
	ca->certificate = upload.certificate;
	ca->subject_mark = certificate_subject_mark(upload.certificate, call->arena);
	ca->certificate_end = info.not_after;
	write_next(call);
}

void manage_certificate_put(struct api_call *call)
{
	struct slice name = call->segment[SEGMENT_CERTIFICATE];

	if (!id_is_good(name) || name.n > 64) {
		api_refuse(call, 400, 400001, NULL, "The name of a certificate has 1 to 64 letters, digits, '-', '.', '_' or ':'.");
		return;
	}
	begin(call, false, put_read);
}

/* --- proof of possession --- */

static void code_read(struct api_call *call)
{
	struct call_state *s = call->state;
	unsigned char bytes[CODE_BYTES];
	struct ca_certificate *ca;

	if (s->stored == NULL) {
		refuse_missing(call);
		return;
	}
	if (!condition_holds(call, s->stored, true) || (ca = next_version(call)) == NULL)
		return;
	random_bytes(bytes, sizeof(bytes));
	ca->code = hex_upper(call->arena, slice_over(bytes, sizeof(bytes)));
	write_next(call);
}

void manage_certificate_code(struct api_call *call)
{
	begin(call, false, code_read);
}

/* Why the leaf proves nothing; NULL: it does. */
static const char *find_fault(struct api_call *call, const struct ca_certificate *ca, struct slice leaf)
{
	instant now = loop_wall(call->conf->loop);
	struct certificate_info mine, its;

	if (certificate_describe(leaf, call->arena, &mine) != OK || certificate_describe(ca->certificate, call->arena, &its) != OK)
		return "it does not read";
	if (!slice_eq_fold(mine.common_name, ca->code))
		return arena_printf(call->arena, "its common name is %.*s, but must be the latest verification code",
				    SLICE_ARG(mine.subject));
	if (now < mine.not_before || now > mine.not_after)
		return "it is not valid at this time";
	if (now < its.not_before || now > its.not_after)
		return "the CA certificate is not valid at this time";
	if (!certificate_signed_by(leaf, ca->certificate))
		return arena_printf(call->arena, "it was not signed with the key of %.*s", SLICE_ARG(its.subject));
	return NULL;
}

static void verify_read(struct api_call *call)
{
	struct call_state *s = call->state;
	struct ca_certificate *ca;
	struct upload leaf;
	const char *fault;

	if (s->stored == NULL) {
		refuse_missing(call);
		return;
	}
	if (!condition_holds(call, s->stored, true) || !read_upload(call, &leaf))
		return;
	if (s->stored->code.n == 0) {
		api_refuse(call, 400, 400001, NULL,
			   "No verification code is open: generate one, and sign a certificate with it as common name.");
		return;
	}
	if ((fault = find_fault(call, s->stored, leaf.certificate)) != NULL) {
		api_refuse(call, 400, 400001, NULL, "The verification certificate proves nothing: %s.", fault);
		return;
	}
	if ((ca = next_version(call)) == NULL)
		return;
	ca->verified = FLAG_YES;
	ca->code = NO_SLICE;
	write_next(call);
}

void manage_certificate_verify(struct api_call *call)
{
	begin(call, false, verify_read);
}

/* --- delete --- */

static const char *tell_users(struct api_call *call, const struct call_state *s)
{
	const char *list = NULL;

	for (size_t i = 1; i < 5; i++)
		for (size_t k = 0; k < s->want[i].count; k++) {
			const struct enrollment *e = (const struct enrollment *)s->want[i].records + k;
			const char *kind = s->want[i].noun == &noun_group ? "enrollment group" : "enrollment";

			list = list ? arena_printf(call->arena, "%s, %s %.*s", list, kind, SLICE_ARG(e->name))
				    : arena_printf(call->arena, "%s %.*s", kind, SLICE_ARG(e->name));
		}
	return list;
}

static void delete_read(struct api_call *call)
{
	struct call_state *s = call->state;
	const char *users = tell_users(call, s);

	if (s->stored == NULL) {
		refuse_missing(call);
		return;
	}
	if (!condition_holds(call, s->stored, true))
		return;
	if (users) {
		api_refuse(call, 409, 409001, "Conflict", "The CA certificate is in use by %s. Change or delete these first.", users);
		return;
	}
	s->change =
		(struct store_change){.how = STORE_DELETE, .noun = &noun_ca_certificate, .record = s->stored, .if_etag = s->stored->etag};
	api_write(call, &s->change, 1, written);
}

void manage_certificate_delete(struct api_call *call)
{
	begin(call, true, delete_read);
}
