/*
 * service_revocation.c: the revocation lists of enrollment groups, and of the service about certificates of TPMs. All of it is ours: the
 * original has none.
 */
#include "crypto/certificate.h"
#include "provision/lists.h"
#include "api/service.h"

/* /berth/enrollmentgroups/{group}/revocationlists[/{name}], /berth/endorsementrevocationlists[/{name}] */
enum { SEGMENT_KIND = 1, SEGMENT_GROUP = 2, SEGMENT_LIST = 4, SEGMENT_LIST_OF_TPMS = 2 };

#define URL_MAX     2048
#define REFRESH_MIN 1
#define REFRESH_MAX 43200 /* minutes: 30 days */

struct lists {
	struct enrollment *group; /* NULL: they are about certificates of TPMs */
	size_t name_at;           /* the segment that names the list */
	struct revocation_list like, *given;
	const struct revocation_list *stored; /* the one of the path; NULL: there is none */
	struct revocation_body body;
	struct store_want want[1 + LIST_SIGNERS_WANTS]; /* the lists, and who may sign them */
	struct store_change change[3];
	void (*then)(struct api_call *);
};

/* --- what is stored --- */

static void refuse_group(struct api_call *call)
{
	api_refuse(call, 404, 404204, NULL, "There is no enrollment group %.*s.", SLICE_ARG(call->segment[SEGMENT_GROUP]));
}

static void lists_read(struct api_call *call, enum err e)
{
	struct lists *l = call->state;
	const struct revocation_list *all = l->want[0].records;
	bool of_group = l->want[1].noun == &noun_group;

	if (e != OK) {
		api_refuse_store(call, e);
		return;
	}
	if (of_group && l->want[1].count == 0) {
		refuse_group(call);
		return;
	}
	l->group = of_group ? l->want[1].records : NULL;
	for (size_t i = 0; i < l->want[0].count; i++)
		if (slice_eq(all[i].id, l->like.id))
			l->stored = &all[i];
	l->then(call);
}

/* Whose lists the path is about, and where it names one. Absent: nobody's; what cannot name a group may not name ENDORSEMENT_LISTS. */
static struct slice owner_of(struct api_call *call, size_t *name_at)
{
	bool of_tpms = slice_eq_fold(call->segment[SEGMENT_KIND], SLICE("endorsementrevocationlists"));

	*name_at = of_tpms ? SEGMENT_LIST_OF_TPMS : SEGMENT_LIST;
	if (of_tpms)
		return SLICE(ENDORSEMENT_LISTS);
	return id_is_good(call->segment[SEGMENT_GROUP]) ? arena_fold(call->arena, call->segment[SEGMENT_GROUP]) : NO_SLICE;
}

static struct lists *begin(struct api_call *call, void (*then)(struct api_call *))
{
	struct lists *l = arena_alloc(call->arena, sizeof(*l));
	struct slice owner;
	size_t wants;

	if (l == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return NULL;
	}
	owner = owner_of(call, &l->name_at);
	if (slice_absent(owner)) {
		refuse_group(call);
		return NULL;
	}
	if (call->segments > l->name_at && !service_name_is_good(call, call->segment[l->name_at], "a revocation list"))
		return NULL;
	call->state = l;
	l->then = then;
	noun_clear(&noun_revocation_list, &l->like);
	noun_clear(&noun_revocation_body, &l->body);
	l->like.scope = l->body.scope = call->service->scope;
	l->like.group_id = l->body.group_id = owner;
	if (call->segments > l->name_at)
		l->like.id = l->body.id = arena_fold(call->arena, call->segment[l->name_at]);
	l->want[0] = lists_want(call->service->scope, owner, call->arena);
	wants = 1 + lists_want_signers(call->service->scope, owner, call->arena, &l->want[1]);
	if (arena_failed(call->arena)) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return NULL;
	}
	api_read(call, l->want, wants, lists_read);
	return l;
}

/* The list of the path, fit to be changed; NULL: refused. */
static const struct revocation_list *stored_list(struct api_call *call)
{
	struct lists *l = call->state;

	if (l->stored == NULL) {
		api_refuse(call, 404, 404001, NULL, "There is no revocation list %.*s.", SLICE_ARG(call->segment[l->name_at]));
		return NULL;
	}
	return service_is_current(call, l->stored->etag) ? l->stored : NULL;
}

static void write_list(struct api_call *call, const struct revocation_list *list)
{
	noun_write(&noun_revocation_list, list, VIEW_PLAIN, &call->out, NULL, call->arena);
}

/* --- GET --- */

static void get_one(struct api_call *call)
{
	const struct revocation_list *list = stored_list(call);

	if (list == NULL)
		return;
	write_list(call, list);
	api_answer_out(call, 200);
}

static void get_all(struct api_call *call)
{
	struct lists *l = call->state;
	const struct revocation_list *all = l->want[0].records;

	json_open(&call->out, NULL, '[');
	for (size_t i = 0; i < l->want[0].count; i++)
		write_list(call, &all[i]);
	json_close(&call->out, ']');
	api_answer_out(call, 200);
}

void service_revocation_get(struct api_call *call)
{
	(void)begin(call, get_one);
}

void service_revocation_list(struct api_call *call)
{
	(void)begin(call, get_all);
}

/* --- PUT --- */

static struct no bad(const char *sentence)
{
	return (struct no){400, 400004, sentence};
}

/* The body's member of that name as text; absent: it is not there. False: it is there and no string. */
static bool text_member(struct api_call *call, const char *name, struct slice *out)
{
	const char *why = NULL;
	json_t *json = NULL, *member;
	bool fine = json_read(call->q->body, call->arena, &json, &why) == OK;

	*out = NO_SLICE;
	member = fine ? json_get_fold(json, name) : NULL;
	if (member && json_is_string(member))
		*out = arena_copy(call->arena, slice_over(json_string_value(member), json_string_length(member)));
	fine = fine && (member == NULL || json_is_null(member) || json_is_string(member));
	json_decref(json);
	return fine;
}

static struct no take_issuer(struct api_call *call, struct revocation_list *given, const struct revocation_list *stored)
{
	struct slice pem;
	const char *why = NULL;

	if (!text_member(call, "issuerCertificate", &pem))
		return bad("issuerCertificate must be the PEM text of a certificate.");
	given->issuer_certificate = stored ? stored->issuer_certificate : NO_SLICE;
	if (pem.n == 0)
		return (struct no){0};
	if (certificate_read(pem, call->arena, &given->issuer_certificate, &why) != OK || !certificate_is_ca(given->issuer_certificate))
		return bad(arena_printf(call->arena, "issuerCertificate must be the certificate of a CA%s%s.", why ? ": " : "",
					why ? why : ""));
	return (struct no){0};
}

/* A list that was given along: it is looked at before it is taken. */
static struct no take_body(struct api_call *call, struct revocation_list *given, struct slice text)
{
	struct lists *l = call->state;
	struct revocation_info info;
	const char *why = NULL;

	if (revocation_read(text, call->arena, &l->body.list, &why) != OK ||
	    revocation_describe(l->body.list, call->arena, &info, &why) != OK)
		return bad(arena_printf(call->arena, "list cannot be used: %s.", why ? why : "it does not read"));
	if (!lists_are_signed(l->body.list, given, &l->want[1]))
		return bad(arena_printf(call->arena,
					"list was issued by %.*s, but %s. If that is right, give the certificate of its issuer in "
					"issuerCertificate.",
					SLICE_ARG(info.issuer), lists_signers_words(given->group_id)));
	given->version = etag_make(call->arena, loop_wall(call->conf->loop));
	given->issuer = info.issuer;
	given->entries = info.entries;
	given->this_update = info.this_update;
	given->next_update = info.next_update;
	return (struct no){0};
}

static void keep_what_is_known(struct revocation_list *given, const struct revocation_list *stored)
{
	given->version = stored->version;
	given->issuer = stored->issuer;
	given->entries = stored->entries;
	given->this_update = stored->this_update;
	given->next_update = stored->next_update;
	given->fetched = stored->fetched;
	given->trouble = stored->trouble;
	if (given->url.n == 0)
		given->url = stored->url;
	if (given->strict == FLAG_NONE)
		given->strict = stored->strict;
	if (given->refresh == INT_NONE)
		given->refresh = stored->refresh;
}

static struct no prepare(struct api_call *call, struct revocation_list *given)
{
	struct lists *l = call->state;
	instant now = loop_wall(call->conf->loop);
	struct slice text;
	struct no no;

	given->scope = l->like.scope;
	given->group_id = l->like.group_id;
	given->id = l->like.id;
	given->name = l->stored ? l->stored->name : call->segment[l->name_at];
	given->created = l->stored ? l->stored->created : now;
	given->updated = now;
	given->etag = etag_make(call->arena, now);
	if (!text_member(call, "list", &text))
		return bad("list must be the PEM text of a revocation list (X.509 CRL).");
	if (text.n && given->url.n)
		return bad("Give either list or url, not both.");
	if (l->stored)
		keep_what_is_known(given, l->stored);
	if (given->url.n == 0 && text.n == 0 && l->stored == NULL)
		return bad("A revocation list needs either list, its PEM text, or url, where it is published.");
	if (given->url.n > URL_MAX ||
	    (given->url.n && !slice_starts(given->url, SLICE("http://")) && !slice_starts(given->url, SLICE("https://"))))
		return bad("url must be an http or https address of at most 2048 characters.");
	if (given->refresh != INT_NONE && (given->refresh < REFRESH_MIN || given->refresh > REFRESH_MAX))
		return bad("refreshMinutes must be a number from 1 to 43200.");
	if ((no = take_issuer(call, given, l->stored)).status)
		return no;
	if (text.n)
		given->url = NO_SLICE;
	given->due = given->url.n ? now : 0;
	return text.n ? take_body(call, given, text) : (struct no){0};
}

static void put_written(struct api_call *call, enum err e, size_t failed)
{
	struct lists *l = call->state;

	(void)failed;
	if (!service_is_written(call, e))
		return;
	write_list(call, l->given);
	api_answer_out(call, 200);
}

static void write_given(struct api_call *call)
{
	struct lists *l = call->state;
	size_t n = 0;

	l->change[n++] = (struct store_change){.how = l->stored ? STORE_UPDATE : STORE_INSERT,
					       .noun = &noun_revocation_list,
					       .record = l->given,
					       .if_etag = l->stored ? l->stored->etag : NO_SLICE};
	if (l->body.list.n)
		l->change[n++] = (struct store_change){.how = STORE_PUT, .noun = &noun_revocation_body, .record = &l->body};
	if (l->group && l->group->revocation_lists != FLAG_YES) {
		struct slice before = l->group->etag;

		/* A new etag, so that a change of the group at the same moment does not take this back. */
		l->group->revocation_lists = FLAG_YES;
		l->group->etag = etag_make(call->arena, loop_wall(call->conf->loop));
		l->change[n++] = (struct store_change){.how = STORE_UPDATE, .noun = &noun_group, .record = l->group, .if_etag = before};
	}
	api_write(call, l->change, n, put_written);
}

static struct no check_put(struct api_call *call, const struct lists *l)
{
	if (l->group && !slice_eq_fold(l->group->attestation, SLICE("x509")))
		return bad("Only the devices of an x509 group have certificates that can be revoked.");
	if (l->stored == NULL && l->want[0].count >= lists_max(l->like.group_id))
		return (struct no){403, 403001,
				   arena_printf(call->arena, "%s holds no more than %zu revocation lists.",
						l->group ? "A group" : "About certificates of TPMs a service",
						lists_max(l->like.group_id))};
	return prepare(call, l->given);
}

static void put(struct api_call *call)
{
	struct lists *l = call->state;
	struct no no;

	if (!service_is_current(call, l->stored ? l->stored->etag : NO_SLICE))
		return;
	if ((no = check_put(call, l)).status)
		api_refuse_no(call, &no);
	else if (arena_failed(call->arena))
		api_refuse(call, 413, 413001, NULL, "The revocation list is too large to be given; publish it and give its url.");
	else
		write_given(call);
}

void service_revocation_put(struct api_call *call)
{
	struct revocation_list *given = noun_new(&noun_revocation_list, call->arena);
	const char *why = NULL;
	struct lists *l;

	if (given == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return;
	}
	if (noun_read(&noun_revocation_list, call->q->body, call->arena, given, &why) != OK) {
		api_refuse(call, 400, 400004, NULL, "%s", why ? why : "The body is not a JSON object.");
		return;
	}
	if ((l = begin(call, put)) != NULL)
		l->given = given;
}

/* --- refresh: fetch it now --- */

static void refresh(struct api_call *call)
{
	struct lists *l = call->state;
	const struct revocation_list *stored = stored_list(call);

	if (stored == NULL)
		return;
	if (stored->url.n == 0) {
		api_refuse(call, 409, 409001, NULL, "This revocation list was given and is not fetched: give a newer one.");
		return;
	}
	*l->given = *stored;
	l->given->due = loop_wall(call->conf->loop);
	l->change[0] =
		(struct store_change){.how = STORE_UPDATE, .noun = &noun_revocation_list, .record = l->given, .if_etag = stored->etag};
	api_write(call, l->change, 1, put_written);
}

void service_revocation_refresh(struct api_call *call)
{
	struct revocation_list *given = noun_new(&noun_revocation_list, call->arena);
	struct lists *l = given ? begin(call, refresh) : NULL;

	if (l)
		l->given = given;
	else if (given == NULL)
		api_refuse_store(call, ERR_NO_MEMORY);
}

/* --- DELETE --- */

static void delete (struct api_call *call)
{
	struct lists *l = call->state;
	const struct revocation_list *stored = stored_list(call);

	if (stored == NULL)
		return;
	l->change[0] = (struct store_change){.how = STORE_DELETE, .noun = &noun_revocation_list, .record = stored, .if_etag = stored->etag};
	l->change[1] = (struct store_change){.how = STORE_DELETE_ALL, .noun = &noun_revocation_body, .record = &l->body, .keys = 3};
	api_write(call, l->change, 2, service_deleted);
}

void service_revocation_delete(struct api_call *call)
{
	(void)begin(call, delete);
}

bool revocation_forget(struct slice scope, struct slice group, struct arena *arena, struct store_change out[FORGET_CHANGES])
{
	struct revocation_list *list = noun_new(&noun_revocation_list, arena);
	struct revocation_body *body = noun_new(&noun_revocation_body, arena);

	if (list == NULL || body == NULL)
		return false;
	list->scope = body->scope = scope;
	list->group_id = body->group_id = group;
	out[0] = (struct store_change){.how = STORE_DELETE_ALL, .noun = &noun_revocation_list, .record = list, .keys = 2};
	out[1] = (struct store_change){.how = STORE_DELETE_ALL, .noun = &noun_revocation_body, .record = body, .keys = 2};
	return true;
}
