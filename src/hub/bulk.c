/*
 * bulk.c: up to a hundred devices in one call (hub-api.md 4.5).
 *
 * Each entry is a change of its own, all of them under way together, and the store commits them together. What
 * succeeded stays, whatever becomes of the others; so an entry is all or nothing, and the call is not.
 */
#include "hub/identity.h"
#include "hub/twin.h"

enum {
	MAY_CREATE = 1,
	MAY_OVERWRITE = 2,
	IF_MATCH = 4, /* overwrite only when the tag is the current one */
	DELETES = 8,
	TWIN_ONLY = 16,
};

static const struct import_mode {
	const char *name; /* read without regard to case: clients differ */
	unsigned may;
} import_modes[] = {
	{"createOrUpdate", MAY_CREATE | MAY_OVERWRITE}, /* the default comes first */
	{"create", MAY_CREATE},
	{"createOrUpdateIfMatchETag", MAY_CREATE | MAY_OVERWRITE | IF_MATCH},
	{"update", MAY_OVERWRITE},
	{"updateIfMatchETag", MAY_OVERWRITE | IF_MATCH},
	{"delete", DELETES},
	{"deleteIfMatchETag", DELETES | IF_MATCH},
	{"updateTwin", TWIN_ONLY},
	{"updateTwinIfMatchETag", TWIN_ONLY | IF_MATCH},
};

struct bulk {
	size_t count, pending;
	struct entry {
		struct change change;
		const struct import_mode *mode;
		struct slice text;          /* the entry as it came */
		struct slice tag, twin_tag; /* conditions, empty when not given: these match nothing */
		struct identity_given given;
		struct twin_parts parts;
		struct hub_no no;
	} entry[HUB_BULK_MAX];
};

static void bulk_fini(struct hub_ask *ask)
{
	struct bulk *bulk = ask->state;

	for (size_t i = 0; i < bulk->count; i++) {
		change_stop(&bulk->entry[i].change);
		twin_parts_free(&bulk->entry[i].parts);
	}
}

/* --- the answer --- */

static void write_error(struct json_out *out, const struct entry *entry)
{
	json_open(out, NULL, '{');
	json_text(out, "deviceId", entry->change.device_id);
	json_str(out, "errorCode", entry->no.code);
	json_str(out, "errorStatus", entry->no.sentence);
	json_str(out, "operation", entry->mode->name);
	json_close(out, '}');
}

/* The same shape whether all went well or not. */
static void answer(struct hub_ask *ask)
{
	struct bulk *bulk = ask->state;
	size_t failed = 0;

	for (size_t i = 0; i < bulk->count; i++)
		failed += bulk->entry[i].no.e != OK;
	json_open(&ask->out, NULL, '{');
	json_bool(&ask->out, "isSuccessful", failed == 0);
	json_open(&ask->out, "errors", '[');
	for (size_t i = 0; i < bulk->count; i++)
		if (bulk->entry[i].no.e != OK)
			write_error(&ask->out, &bulk->entry[i]);
	json_close(&ask->out, ']');
	json_open(&ask->out, "warnings", '[');
	json_close(&ask->out, ']');
	json_close(&ask->out, '}');
	if (failed) {
		ask->answer.e = ERR_INVALID;
		ask->answer.code = "BulkRegistryOperationFailure";
		ask->answer.sentence = "Some entries could not be applied.";
	}
	ask_answer(ask);
}

static void entry_done(struct change *c, struct hub_no no)
{
	struct entry *entry = LIST_ITEM(c, struct entry, change);
	struct bulk *bulk = c->ask->state;

	entry->no = no;
	twin_parts_free(&entry->parts);
	if (--bulk->pending == 0)
		answer(c->ask);
}

/* --- deciding --- */

/* The table of hub-api.md 4.5. */
static struct hub_no condition(const struct entry *entry, const struct device *stored, struct arena *arena)
{
	unsigned may = entry->mode->may;

	if (stored == NULL)
		return may & MAY_CREATE ? HUB_FINE : hub_no_device(arena, entry->change.device_id);
	if (may == MAY_CREATE)
		return hub_no_exists(arena, entry->change.device_id);
	if (!(may & IF_MATCH))
		return HUB_FINE;
	if (may & TWIN_ONLY)
		return etag_matches(entry->twin_tag, twin_etag(stored, arena)) ? HUB_FINE : hub_no_etag();
	return etag_matches(entry->tag, stored->etag) ? HUB_FINE : hub_no_etag();
}

/* What is to be stored: the identity unless only the twin is meant, and those parts of the twin that are given. */
static struct hub_no prepare(struct entry *entry, struct device *stored)
{
	struct hub_ask *ask = entry->change.ask;
	instant now = loop_wall(ask->hubs->loop);
	struct slice generation = stored ? NO_SLICE : generation_make(ask->hubs, ask->arena);
	struct hub_no no;

	entry->change.device = stored;
	entry->change.how = stored ? STORE_UPDATE : STORE_INSERT;
	if (!(entry->mode->may & TWIN_ONLY) &&
	    (no = identity_prepare(&entry->given, stored, generation, now, ask->arena, &entry->change.device)).e != OK)
		return no;
	if (stored == NULL)
		twin_start(entry->change.device);
	if (!twin_parts_given(&entry->parts)) {
		entry->change.settled = (entry->mode->may & TWIN_ONLY) != 0;
		return HUB_FINE;
	}
	return twin_apply(entry->change.device, &entry->parts, stored ? TWIN_REPLACE : TWIN_FRESH, now, ask->arena);
}

static struct hub_no decide_entry(struct change *c, const struct device *stored)
{
	struct entry *entry = LIST_ITEM(c, struct entry, change);
	struct device *mine = stored ? c->want.records : NULL;
	struct hub_no no = condition(entry, stored, c->ask->arena);

	if (no.e != OK)
		return no;
	if (!(entry->mode->may & DELETES))
		return prepare(entry, mine);
	c->device = mine;
	c->how = STORE_DELETE;
	return HUB_FINE;
}

/* --- reading --- */

static const struct import_mode *find_mode(struct slice name)
{
	for (size_t i = 0; i < sizeof(import_modes) / sizeof(import_modes[0]); i++)
		if (slice_eq_fold(name, slice_str(import_modes[i].name)))
			return &import_modes[i];
	return NULL;
}

static struct slice text_member(const json_t *object, const char *name, struct arena *arena)
{
	return arena_copy(arena, slice_str(json_string_value(json_get_fold(object, name))));
}

/* The entry's own members, and the rules about them. */
static struct hub_no read_head(struct entry *entry, const json_t *object, struct arena *arena)
{
	struct slice mode = text_member(object, "importMode", arena);
	const json_t *module = json_get_fold(object, "moduleId");

	entry->change.device_id = text_member(object, "id", arena);
	if (slice_absent(entry->change.device_id))
		entry->change.device_id = SLICE("");
	entry->tag = text_member(object, "eTag", arena);
	entry->twin_tag = text_member(object, "twinETag", arena);
	/* An absent If-Match matches all; a condition that was asked for and not given does not. */
	if (slice_absent(entry->tag))
		entry->tag = SLICE("");
	if (slice_absent(entry->twin_tag))
		entry->twin_tag = SLICE("");
	if (!slice_absent(mode) && (entry->mode = find_mode(mode)) == NULL) {
		entry->mode = &import_modes[0];
		return hub_no_invalid(arena, "importMode '%.*s' is not known.", SLICE_ARG(mode));
	}
	if (!device_id_is_good(entry->change.device_id))
		return hub_no_invalid(arena, "An entry needs an id of 1 to %d characters that a device ID may have.", ID_MAX);
	if (module && !json_is_null(module))
		return (struct hub_no){ERR_UNSUPPORTED, "InvalidOperation", "Modules are not supported."};
	return HUB_FINE;
}

/* The part of an entry that an identity document has too, spelled as one: the ID has another name there. */
static struct slice identity_text(const struct entry *entry, struct arena *arena)
{
	static const char *const members[] = {"status", "statusReason", "authentication", "capabilities", "deviceScope", "parentScopes"};
	struct json_out out;
	struct slice text;
	struct buf buf;

	buf_init(&buf, HUB_BODY_MAX);
	json_out_init(&out, &buf);
	json_open(&out, NULL, '{');
	json_text(&out, "deviceId", entry->change.device_id);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		struct slice value = json_member(entry->text, members[i], true);

		if (!slice_absent(value))
			json_raw(&out, members[i], value);
	}
	json_close(&out, '}');
	text = buf_failed(&buf) ? NO_SLICE : arena_copy(arena, buf_slice(&buf));
	buf_fini(&buf);
	return text;
}

static struct hub_no read_parts(struct entry *entry, struct arena *arena)
{
	struct slice text = NO_SLICE;
	struct hub_no no = HUB_FINE;

	if (entry->mode->may & DELETES)
		return HUB_FINE;
	if (!(entry->mode->may & TWIN_ONLY)) {
		text = identity_text(entry, arena);
		no = slice_absent(text) ? hub_no_memory() : identity_read(text, entry->change.device_id, arena, &entry->given);
	}
	return no.e == OK ? twin_parts_read(entry->text, true, arena, &entry->parts) : no;
}

static bool named_before(const struct bulk *bulk, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (bulk->entry[j].change.device_id.n && slice_eq(bulk->entry[j].change.device_id, bulk->entry[i].change.device_id))
			return true;
	return false;
}

static struct hub_no read_entry(struct hub_ask *ask, size_t i)
{
	struct bulk *bulk = ask->state;
	struct entry *entry = &bulk->entry[i];
	struct hub_no no = hub_no_invalid(ask->arena, "An entry must be an object.");
	json_t *object = NULL;

	entry->change.device_id = SLICE("");
	entry->mode = &import_modes[0];
	if (json_read(entry->text, ask->arena, &object, NULL) == OK && json_is_object(object))
		no = read_head(entry, object, ask->arena);
	json_decref(object);
	if (no.e == OK && named_before(bulk, i))
		no = (struct hub_no){ERR_INVALID, "DeviceDefinedMultipleTimes", "The request names this device more than once."};
	return no.e == OK ? read_parts(entry, ask->arena) : no;
}

/* The entries as text; false: the call has been refused. */
static bool split(struct hub_ask *ask, struct slice body)
{
	struct bulk *bulk = ask->state;
	const char *why = NULL;
	json_t *json = NULL;
	struct slice text;
	bool array;
	size_t at = 0;

	if (json_read(body, ask->arena, &json, &why) != OK) {
		ask_refuse(ask, hub_no_invalid(ask->arena, "%s", why ? why : "The JSON is malformed."));
		return false;
	}
	array = json_is_array(json) && json_array_size(json) > 0 && json_array_size(json) <= HUB_BULK_MAX;
	json_decref(json);
	if (!array) {
		ask_refuse(ask, hub_no_invalid(ask->arena, "The body must be an array of 1 to %d entries.", HUB_BULK_MAX));
		return false;
	}
	while (json_each(body, &at, NULL, &text))
		bulk->entry[bulk->count++].text = text;
	return true;
}

struct hub_ask *hub_device_bulk(struct hubs *hubs, struct slice hub, struct slice body, hub_done *done, void *cookie)
{
	struct hub_ask *ask = ask_new(hubs, hub, sizeof(struct bulk), bulk_fini, done, cookie);
	struct bulk *bulk;

	if (ask == NULL)
		return NULL;
	if (!split(ask, body))
		return ask;
	bulk = ask->state;
	bulk->pending = bulk->count;
	for (size_t i = 0; i < bulk->count; i++) {
		struct entry *entry = &bulk->entry[i];
		struct hub_no no;

		entry->change = (struct change){.ask = ask, .decide = decide_entry, .done = entry_done};
		no = read_entry(ask, i);
		entry->change.create = entry->mode->may == MAY_CREATE;
		if (no.e != OK)
			entry_done(&entry->change, no);
		else
			change_start(&entry->change);
	}
	return ask;
}
