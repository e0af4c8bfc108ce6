/*
 * service_endorsement.c: the certificates with which manufacturers of TPMs vouch for endorsement keys, as far as the operator trusts them.
 * All of it is ours: the original asks nobody.
 */
#include "crypto/certificate.h"
#include "api/service.h"

enum { SEGMENT_ROOT = 2 };

struct roots {
	struct endorsement_root like, given;
	const struct endorsement_root *stored; /* the one of the path; NULL: there is none */
	struct store_want want;                /* all of the service */
	struct store_change change;
	void (*then)(struct api_call *);
};

/* --- what is stored --- */

static void roots_read(struct api_call *call, enum err e)
{
	struct roots *r = call->state;
	const struct endorsement_root *all = r->want.records;

	if (e != OK) {
		api_refuse_store(call, e);
		return;
	}
	for (size_t i = 0; i < r->want.count; i++)
		if (slice_eq(all[i].id, r->like.id))
			r->stored = &all[i];
	r->then(call);
}

static struct roots *begin(struct api_call *call, void (*then)(struct api_call *))
{
	struct roots *r = arena_alloc(call->arena, sizeof(*r));

	if (r == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return NULL;
	}
	if (call->segments > SEGMENT_ROOT && !service_name_is_good(call, call->segment[SEGMENT_ROOT], "an endorsement root"))
		return NULL;
	call->state = r;
	r->then = then;
	noun_clear(&noun_endorsement_root, &r->like);
	r->like.scope = call->service->scope;
	if (call->segments > SEGMENT_ROOT)
		r->like.id = arena_fold(call->arena, call->segment[SEGMENT_ROOT]);
	r->want = (struct store_want){.noun = &noun_endorsement_root, .like = &r->like, .keys = 1, .limit = ENDORSEMENT_ROOTS_MAX};
	return r;
}

static void go(struct api_call *call, struct roots *r)
{
	if (r)
		api_read(call, &r->want, 1, roots_read);
}

static const struct endorsement_root *stored_root(struct api_call *call)
{
	struct roots *r = call->state;

	if (r->stored)
		return r->stored;
	api_refuse(call, 404, 404001, NULL, "The service has no endorsement root %.*s.", SLICE_ARG(call->segment[SEGMENT_ROOT]));
	return NULL;
}

/* --- GET --- */

static void write_root(struct api_call *call, const struct endorsement_root *root)
{
	struct json_out *out = &call->out;
	struct certificate_info info;
	char at[INSTANT_TEXT];

	json_open(out, NULL, '{');
	json_text(out, "name", root->name);
	if (certificate_describe(root->certificate, call->arena, &info) == OK) {
		json_text(out, "subject", info.subject);
		json_text(out, "issuer", info.issuer);
		json_text(out, "thumbprint", info.sha256);
		json_str(out, "notBefore", instant_print(info.not_before, INSTANT_ISO7, at));
		json_str(out, "notAfter", instant_print(info.not_after, INSTANT_ISO7, at));
	}
	json_str(out, "createdDateTimeUtc", instant_print(root->created, INSTANT_ISO7, at));
	json_str(out, "lastUpdatedDateTimeUtc", instant_print(root->updated, INSTANT_ISO7, at));
	json_text(out, "etag", root->etag);
	json_close(out, '}');
}

static void get_one(struct api_call *call)
{
	const struct endorsement_root *root = stored_root(call);

	if (root == NULL)
		return;
	write_root(call, root);
	api_answer_out(call, 200);
}

static void get_all(struct api_call *call)
{
	struct roots *r = call->state;
	const struct endorsement_root *all = r->want.records;

	json_open(&call->out, NULL, '{');
	json_open(&call->out, "value", '[');
	for (size_t i = 0; i < r->want.count; i++)
		write_root(call, &all[i]);
	json_close(&call->out, ']');
	json_close(&call->out, '}');
	api_answer_out(call, 200);
}

void service_endorsement_get(struct api_call *call)
{
	go(call, begin(call, get_one));
}

void service_endorsement_list(struct api_call *call)
{
	go(call, begin(call, get_all));
}

/* --- PUT --- */

static void put_written(struct api_call *call, enum err e, size_t failed)
{
	struct roots *r = call->state;

	(void)failed;
	if (!service_is_written(call, e))
		return;
	write_root(call, &r->given);
	api_answer_out(call, 200);
}

static void put(struct api_call *call)
{
	struct roots *r = call->state;
	instant now = loop_wall(call->conf->loop);

	if (!service_is_current(call, r->stored ? r->stored->etag : NO_SLICE))
		return;
	if (r->stored == NULL && r->want.count >= ENDORSEMENT_ROOTS_MAX) {
		api_refuse(call, 403, 403001, NULL, "A service holds no more than %d endorsement roots.", ENDORSEMENT_ROOTS_MAX);
		return;
	}
	r->given.scope = r->like.scope;
	r->given.id = r->like.id;
	r->given.name = r->stored ? r->stored->name : call->segment[SEGMENT_ROOT];
	r->given.created = r->stored ? r->stored->created : now;
	r->given.updated = now;
	r->given.etag = etag_make(call->arena, now);
	r->change = (struct store_change){.how = r->stored ? STORE_UPDATE : STORE_INSERT,
					  .noun = &noun_endorsement_root,
					  .record = &r->given,
					  .if_etag = r->stored ? r->stored->etag : NO_SLICE};
	api_write(call, &r->change, 1, put_written);
}

/* The body's `certificate`: one, of a CA. False: refused. */
static bool take_certificate(struct api_call *call, struct endorsement_root *given)
{
	const char *why = NULL;
	json_t *json = NULL;
	struct slice text = NO_SLICE;

	if (json_read(call->q->body, call->arena, &json, &why) == OK && json_is_string(json_get_fold(json, "certificate")))
		text = arena_copy(call->arena, slice_str(json_string_value(json_get_fold(json, "certificate"))));
	json_decref(json);
	noun_clear(&noun_endorsement_root, given);
	if (text.n == 0 || certificate_read(text, call->arena, &given->certificate, &why) != OK) {
		api_refuse(call, 400, 400004, NULL, "certificate must be the PEM text of a certificate, or base64 of its DER%s%s.", why ? ": " : "",
			   why ? why : "");
		return false;
	}
	if (!certificate_is_ca(given->certificate)) {
		api_refuse(call, 400, 400004, NULL,
			   "certificate must be that of a CA, with which a manufacturer signs endorsement certificates; this one may sign none.");
		return false;
	}
	given->subject_mark = certificate_subject_mark(given->certificate, call->arena);
	return true;
}

void service_endorsement_put(struct api_call *call)
{
	struct roots *r = begin(call, put);

	if (r && take_certificate(call, &r->given))
		go(call, r);
}

/* --- DELETE --- */

static void delete_it(struct api_call *call)
{
	struct roots *r = call->state;

	if (stored_root(call) == NULL || !service_is_current(call, r->stored->etag))
		return;
	r->change = (struct store_change){
		.how = STORE_DELETE, .noun = &noun_endorsement_root, .record = r->stored, .if_etag = r->stored->etag};
	api_write(call, &r->change, 1, service_deleted);
}

void service_endorsement_delete(struct api_call *call)
{
	go(call, begin(call, delete_it));
}
