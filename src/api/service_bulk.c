/*
 * service_bulk.c: up to ten enrollments in one request (service-api.md 6.5). Each is judged and written by itself: what
 * succeeded stays, whatever becomes of the others, and the answer is 200.
 */
#include "codec/json.h"
#include "api/service.h"

enum mode { MODE_CREATE, MODE_UPDATE, MODE_UPDATE_IF_MATCH, MODE_DELETE };

static const char *const mode_names[] = {"create", "update", "updateIfMatchETag", "delete"};

struct bulk {
	struct entry_context context; /* first: entry_context_read */
	const struct entry_kind *kind;
	enum mode mode;
	size_t count, at;
	struct entry {
		struct enrollment *given;
		struct slice etag; /* of the entry; absent: none */
		struct no no;
		struct store_change change[1 + FORGET_CHANGES];
	} entry[BULK_MAX];
	struct registration_record *record_like;
	struct store_want want[BULK_MAX + ENTRY_CONTEXT_WANTS];
};

static void write_next(struct api_call *call);

static void answer(struct api_call *call)
{
	struct bulk *bulk = call->state;
	bool fine = true;

	json_open(&call->out, NULL, '{');
	json_open(&call->out, "errors", '[');
	for (size_t i = 0; i < bulk->count; i++) {
		const struct entry *entry = &bulk->entry[i];

		if (entry->no.status == 0)
			continue;
		fine = false;
		json_open(&call->out, NULL, '{');
		json_text(&call->out, bulk->kind->id_name, entry->given ? entry->given->name : SLICE(""));
		json_int(&call->out, "errorCode", entry->no.code);
		json_str(&call->out, "errorStatus", entry->no.sentence);
		json_close(&call->out, '}');
	}
	json_close(&call->out, ']');
	json_bool(&call->out, "isSuccessful", fine);
	json_close(&call->out, '}');
	api_answer_out(call, 200);
}

static void entry_written(struct api_call *call, enum err e, size_t failed)
{
	struct bulk *bulk = call->state;
	struct entry *entry = &bulk->entry[bulk->at++];

	(void)failed;
	if (e == ERR_EXISTS)
		entry->no = (struct no){409, bulk->kind->exists, bulk->kind->exists_text};
	else if (e == ERR_PRECONDITION)
		entry->no = (struct no){412, 412000, "Precondition failed: the etag is not the current one."};
	else if (e == ERR_NOT_FOUND)
		entry->no = (struct no){404, bulk->kind->missing, bulk->kind->missing_text};
	else if (e != OK)
		entry->no = (struct no){500, 500001, "The store failed."};
	write_next(call);
}

static void write_next(struct api_call *call)
{
	struct bulk *bulk = call->state;

	while (bulk->at < bulk->count && bulk->entry[bulk->at].no.status)
		bulk->at++;
	if (bulk->at == bulk->count) {
		answer(call);
		return;
	}
	api_write(call, bulk->entry[bulk->at].change, bulk->entry[bulk->at].change[1].noun ? 1 + FORGET_CHANGES : 1, entry_written);
}

/* What the mode and the tag say of an entry, given what is stored (the table of service-api.md 6.5). */
static struct no condition(const struct bulk *bulk, const struct entry *entry, const struct enrollment *stored)
{
	const struct no missing = {404, bulk->kind->missing, bulk->kind->missing_text};
	const struct no exists = {409, bulk->kind->exists, bulk->kind->exists_text};
	const struct no changed = {412, 412000, "Precondition failed: the etag is not the current one."};
	const struct no fine = {0, 0, NULL};

	switch (bulk->mode) {
	case MODE_CREATE: return stored ? exists : fine;
	case MODE_UPDATE:
		if (stored == NULL)
			return missing;
		return slice_absent(entry->etag) ? exists : fine; /* odd, and recorded twice */
	case MODE_UPDATE_IF_MATCH:
		if (stored == NULL)
			return missing;
		return slice_absent(entry->etag) || !etag_matches(entry->etag, stored->etag) ? changed : fine;
	case MODE_DELETE:
		if (stored == NULL)
			return missing;
		return etag_matches(entry->etag, stored->etag) ? fine : changed;
	}
	return fine;
}

static void decide(struct api_call *call, struct bulk *bulk, size_t i, const struct entry_context *x)
{
	struct entry *entry = &bulk->entry[i];
	const struct enrollment *stored = bulk->want[i].count ? bulk->want[i].records : NULL;

	if ((entry->no = condition(bulk, entry, stored)).status)
		return;
	if (bulk->mode != MODE_DELETE) {
		entry->no = entry_prepare(x, entry->given, stored, call->arena);
		entry->change[0] = (struct store_change){stored ? STORE_UPDATE : STORE_INSERT, bulk->kind->noun, entry->given,
							 stored ? stored->etag : NO_SLICE, 0};
		return;
	}
	entry->change[0] = (struct store_change){STORE_DELETE, bulk->kind->noun, entry->given, NO_SLICE, 0};
	if (!entry_forget(bulk->kind, entry->given->scope, entry->given->id, call->arena, &entry->change[1]))
		entry->no = (struct no){500, 500001, "Out of memory."};
}

static bool given_twice(const struct bulk *bulk, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (bulk->entry[j].given && slice_eq(bulk->entry[j].given->id, bulk->entry[i].given->id))
			return true;
	return false;
}

static void bulk_read(struct api_call *call, enum err e)
{
	struct bulk *bulk = call->state;
	struct entry_context *x = &bulk->context;

	if (e != OK) {
		api_refuse_store(call, e);
		return;
	}
	for (size_t i = 0; i < bulk->count; i++) {
		if (bulk->entry[i].no.status)
			continue;
		if (given_twice(bulk, i))
			bulk->entry[i].no = (struct no){400, 400004, "It is named twice in this request."};
		else
			decide(call, bulk, i, x);
		if (bulk->entry[i].no.status == 0 && bulk->mode == MODE_CREATE &&
		    slice_eq(bulk->entry[i].given->attestation, SLICE("symmetricKey")))
			x->key_groups++;
	}
	write_next(call);
}

/* A deletion may name nothing but the ID, so its entry is read without the rules of a whole one. */
static struct no read_for_delete(struct bulk *bulk, struct slice json, struct arena *arena, struct enrollment **out)
{
	struct enrollment *e = noun_new(bulk->kind->noun, arena);
	const char *why = NULL;
	json_t *object = NULL;
	struct no no = {400, 400004, "An entry must be an object that names its ID."};

	if (e && json_read(json, arena, &object, &why) == OK)
		e->name = arena_copy(arena, slice_str(json_string_value(json_get_fold(object, bulk->kind->id_name))));
	json_decref(object);
	if (e == NULL || !id_is_good(e->name))
		return no;
	e->id = arena_fold(arena, e->name);
	*out = e;
	no.status = 0;
	return no;
}

static void read_entry(struct api_call *call, struct bulk *bulk, struct slice json)
{
	struct entry *entry = &bulk->entry[bulk->count];
	struct store_want *want = &bulk->want[bulk->count++];
	struct enrollment *like = noun_new(bulk->kind->noun, call->arena);
	const char *why;
	json_t *object = NULL;

	entry->no = bulk->mode == MODE_DELETE ? read_for_delete(bulk, json, call->arena, &entry->given)
					      : entry_read(bulk->kind, json, NO_SLICE, call->arena, &entry->given);
	if (json_read(json, call->arena, &object, &why) == OK && json_is_object(object))
		entry->etag = arena_copy(call->arena, slice_str(json_string_value(json_get_fold(object, "etag"))));
	json_decref(object);
	if (like == NULL)
		return;
	like->scope = call->service->scope;
	like->id = entry->given ? entry->given->id : SLICE("");
	if (entry->given) {
		entry->given->scope = like->scope;
		bulk->context.certificates |= entry_has_certificate(entry->given);
	}
	*want = (struct store_want){.noun = bulk->kind->noun, .like = like, .keys = 2};
}

static bool read_mode(struct slice text, enum mode *out)
{
	for (size_t i = 0; i < sizeof(mode_names) / sizeof(mode_names[0]); i++)
		if (slice_eq_fold(text, slice_str(mode_names[i]))) {
			*out = (enum mode)i;
			return true;
		}
	return false;
}

void service_bulk(struct api_call *call)
{
	struct bulk *bulk = arena_alloc(call->arena, sizeof(*bulk));
	const char *why = NULL;
	json_t *json = NULL;
	struct slice list, item;
	bool mode_is_good;
	size_t at = 0;

	if (bulk == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return;
	}
	call->state = bulk;
	bulk->kind = bulk->context.kind = kind_of_path(call);
	if (json_read(call->q->body, call->arena, &json, &why) != OK) {
		api_refuse(call, 400, 400004, NULL, "%s", why);
		return;
	}
	mode_is_good = read_mode(slice_str(json_string_value(json_get_fold(json, "mode"))), &bulk->mode);
	json_decref(json);
	list = json_member(call->q->body, bulk->kind->list_name, true);
	if (!mode_is_good || list.n == 0 || list.p[0] != '[') {
		api_refuse(call, 400, 400004, NULL,
			   "A bulk request has a mode (create, update, updateIfMatchETag or delete) and %s, an array.",
			   bulk->kind->list_name);
		return;
	}
	while (json_each(list, &at, NULL, &item)) {
		if (bulk->count == BULK_MAX) {
			api_refuse(call, 400, 400004, NULL, "A bulk request takes at most %d entries.", BULK_MAX);
			return;
		}
		read_entry(call, bulk, item);
	}
	entry_context_read(call, bulk->want, bulk->count, bulk_read);
}
