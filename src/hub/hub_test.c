/*
 * hub_test.c: the hub's calls over a real store: registry, bulk, twins, queries, statistics.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "hub/identity.h"

#define START ((instant)17000000000000000) /* 2023-11-14T22:13:20Z */
#define HUB   SLICE("hub1")
#define ROOM  (64u << 20)

struct scene {
	char place[64];
	struct arena *arena;
	struct seal *seal;
	struct loop *loop;
	struct store *store;
	struct hubs *hubs;

	/* The last answer, copied. */
	int times;
	struct hub_answer got;
};

/* --- a hub to try --- */

static int begin(void **state)
{
	static const unsigned char key[32] = "a key of thirty-two bytes, no le";
	struct scene *s = calloc(1, sizeof(*s));
	struct store_conf conf = {.readers = 2};
	char url[128];
	const char *why = NULL;

	snprintf(s->place, sizeof(s->place), "/tmp/berth-hub-XXXXXX");
	assert_non_null(mkdtemp(s->place));
	snprintf(url, sizeof(url), "sqlite:%s/store.db", s->place);
	assert_int_equal(seal_from_key(key, &s->seal), OK);
	assert_int_equal(loop_new_manual(START, &s->loop), OK);
	s->arena = arena_new(ROOM);
	conf.url = url;
	conf.seal = s->seal;
	if (store_open(&conf, s->arena, &s->store, &why) != OK)
		fail_msg("%s", why);
	assert_int_equal(hubs_new(s->loop, s->store, &s->hubs), OK);
	*state = s;
	return 0;
}

static int end(void **state)
{
	static const char *const names[] = {"store.db", "store.db-wal", "store.db-shm", "store.db-lock"};
	struct scene *s = *state;
	char path[128];

	hubs_free(&s->hubs);
	store_close(&s->store);
	loop_settle(s->loop);
	loop_free(&s->loop);
	seal_free(&s->seal);
	arena_free(&s->arena);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", s->place, names[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(s->place), 0);
	free(s);
	return 0;
}

static void done(void *cookie, const struct hub_answer *a)
{
	struct scene *s = cookie;

	s->times++;
	s->got = *a;
	s->got.sentence = arena_str(s->arena, slice_str(a->sentence));
	s->got.body = arena_copy(s->arena, a->body);
	s->got.etag = arena_copy(s->arena, a->etag);
	s->got.continuation = arena_copy(s->arena, a->continuation);
}

/* Turn the loop until the call is answered: later, and once. */
static enum err answer(struct scene *s, struct hub_ask *ask)
{
	int times = s->times;

	assert_non_null(ask);
	assert_int_equal(s->times, times);
	loop_settle(s->loop);
	assert_int_equal(s->times, times + 1);
	if (s->got.e == OK)
		assert_null(s->got.code);
	else
		assert_non_null(s->got.code);
	return s->got.e;
}

static enum err put(struct scene *s, const char *id, const char *if_match, const char *body)
{
	return answer(s, hub_device_put(s->hubs, HUB, slice_str(id), slice_str(if_match), slice_str(body), done, s));
}

static enum err get(struct scene *s, const char *id)
{
	return answer(s, hub_device_get(s->hubs, HUB, slice_str(id), done, s));
}

static enum err drop(struct scene *s, const char *id, const char *if_match)
{
	return answer(s, hub_device_delete(s->hubs, HUB, slice_str(id), slice_str(if_match), done, s));
}

static enum err twin(struct scene *s, const char *id)
{
	return answer(s, hub_twin_get(s->hubs, HUB, slice_str(id), done, s));
}

static enum err patch(struct scene *s, const char *id, const char *if_match, const char *body)
{
	return answer(s, hub_twin_write(s->hubs, HUB, slice_str(id), slice_str(if_match), slice_str(body), false, done, s));
}

static enum err bulk(struct scene *s, const char *body)
{
	return answer(s, hub_device_bulk(s->hubs, HUB, slice_str(body), done, s));
}

static enum err query(struct scene *s, const char *text, struct slice continuation, int max)
{
	const char *body = arena_printf(s->arena, "{\"query\":\"%s\"}", text);

	return answer(s, hub_query(s->hubs, HUB, slice_str(body), continuation, max, done, s));
}

static void code_is(const struct scene *s, const char *code)
{
	assert_non_null(s->got.code);
	assert_string_equal(s->got.code, code);
}

/* A member of the answer's body by its dotted path, as JSON text. */
static struct slice member(const struct scene *s, const char *path)
{
	struct slice at = s->got.body, rest = slice_str(path), name;
	char text[64];

	while (slice_next(&rest, '.', &name)) {
		snprintf(text, sizeof(text), "%.*s", SLICE_ARG(name));
		at = json_member(at, text, false);
	}
	return at;
}

static void shows(const struct scene *s, const char *path, const char *expected)
{
	struct slice value = member(s, path);

	if (!slice_eq(value, slice_str(expected)))
		fail_msg("%s is %.*s, not %s", path, SLICE_ARG(value), expected);
}

static void body_is(const struct scene *s, const char *expected)
{
	if (!slice_eq(s->got.body, slice_str(expected)))
		fail_msg("%.*s", SLICE_ARG(s->got.body));
}

static size_t rows(const struct scene *s)
{
	size_t at = 0, n = 0;
	struct slice row;

	while (json_each(s->got.body, &at, NULL, &row))
		n++;
	return n;
}

static void make(struct scene *s, const char *id)
{
	assert_int_equal(put(s, id, NULL, arena_printf(s->arena, "{\"deviceId\":\"%s\"}", id)), OK);
}

/* --- identities --- */

static void a_created_device_has_keys_and_the_published_shape(void **state)
{
	struct scene *s = *state;
	struct slice key;

	assert_int_equal(put(s, "pump-17", NULL,
			     "{\"deviceId\":\"pump-17\",\"authentication\":{\"type\":\"sas\",\"symmetricKey\":{\"primaryKey\":\"\","
			     "\"secondaryKey\":\"\"}}}"),
			 OK);
	shows(s, "deviceId", "\"pump-17\"");
	shows(s, "connectionState", "\"Disconnected\"");
	shows(s, "status", "\"enabled\"");
	shows(s, "statusReason", "null");
	shows(s, "statusUpdatedTime", "\"0001-01-01T00:00:00Z\"");
	shows(s, "cloudToDeviceMessageCount", "0");
	shows(s, "authentication.type", "\"sas\"");
	shows(s, "authentication.x509Thumbprint", "{\"primaryThumbprint\":null,\"secondaryThumbprint\":null}");
	shows(s, "capabilities", "{\"iotEdge\":false}");
	shows(s, "generationId", "\"638355968000000000\"");
	key = member(s, "authentication.symmetricKey.primaryKey");
	assert_int_equal(base64_decode(s->arena, slice_over(key.p + 1, key.n - 2)).n, 32);
	assert_false(slice_eq(key, member(s, "authentication.symmetricKey.secondaryKey")));
	assert_true(slice_eq(member(s, "etag"), arena_format(s->arena, "\"%.*s\"", SLICE_ARG(s->got.etag))));
}

static void what_was_created_is_there_and_the_id_keeps_its_case(void **state)
{
	struct scene *s = *state;
	struct slice made;

	make(s, "Pump");
	made = s->got.body;
	assert_int_equal(get(s, "Pump"), OK);
	assert_true(slice_eq(s->got.body, made));
	assert_int_equal(get(s, "pump"), ERR_NOT_FOUND);
	code_is(s, "DeviceNotFound");
}

static void creating_twice_is_refused(void **state)
{
	struct scene *s = *state;

	make(s, "pump");
	assert_int_equal(put(s, "pump", NULL, "{\"deviceId\":\"pump\"}"), ERR_EXISTS);
	code_is(s, "DeviceAlreadyExists");
	assert_string_equal(s->got.sentence, "A device with ID 'pump' is already registered.");
}

static void an_update_keeps_keys_and_generation_and_moves_the_etag(void **state)
{
	struct scene *s = *state;
	struct slice key, generation, etag;

	make(s, "pump");
	key = member(s, "authentication.symmetricKey.primaryKey");
	generation = member(s, "generationId");
	etag = s->got.etag;
	loop_advance(s->loop, 1000);
	assert_int_equal(put(s, "pump", "\"*\"", "{\"deviceId\":\"pump\",\"status\":\"disabled\",\"statusReason\":\"worn out\"}"), OK);
	assert_true(slice_eq(member(s, "authentication.symmetricKey.primaryKey"), key));
	assert_true(slice_eq(member(s, "generationId"), generation));
	assert_false(slice_eq(s->got.etag, etag));
	shows(s, "status", "\"disabled\"");
	shows(s, "statusReason", "\"worn out\"");
	shows(s, "statusUpdatedTime", "\"2023-11-14T22:13:21.0000000Z\"");
	assert_int_equal(put(s, "pump", "*", "{\"deviceId\":\"pump\"}"), OK);
	shows(s, "status", "\"enabled\"");
	shows(s, "statusReason", "null");
}

static void if_match_is_judged_in_every_spelling(void **state)
{
	struct scene *s = *state;
	const char *etag;

	make(s, "pump");
	etag = arena_str(s->arena, s->got.etag);
	assert_int_equal(put(s, "pump", "\"b3RoZXI=\"", "{\"deviceId\":\"pump\"}"), ERR_PRECONDITION);
	code_is(s, "PreconditionFailed");
	assert_int_equal(put(s, "pump", "b3RoZXI=", "{\"deviceId\":\"pump\"}"), ERR_PRECONDITION);
	assert_int_equal(put(s, "pump", arena_printf(s->arena, "\"%s\"", etag), "{\"deviceId\":\"pump\"}"), OK);
	assert_int_equal(put(s, "pump", etag, "{\"deviceId\":\"pump\"}"), ERR_PRECONDITION);
	assert_int_equal(put(s, "none", "*", "{\"deviceId\":\"none\"}"), ERR_NOT_FOUND);
	assert_int_equal(drop(s, "pump", etag), ERR_PRECONDITION);
	assert_int_equal(get(s, "pump"), OK);
}

static void a_deleted_device_is_gone_and_its_successor_is_another(void **state)
{
	struct scene *s = *state;
	struct slice generation;

	make(s, "pump");
	generation = member(s, "generationId");
	assert_int_equal(patch(s, "pump", NULL, "{\"tags\":{\"a\":1}}"), OK);
	assert_int_equal(drop(s, "pump", "\"*\""), OK);
	assert_true(slice_absent(s->got.body));
	assert_int_equal(get(s, "pump"), ERR_NOT_FOUND);
	assert_int_equal(drop(s, "pump", NULL), ERR_NOT_FOUND);
	code_is(s, "DeviceNotFound");
	make(s, "pump"); /* at the same tick of a clock that stands still */
	assert_false(slice_eq(member(s, "generationId"), generation));
	assert_int_equal(twin(s, "pump"), OK);
	shows(s, "tags", "{}");
}

static void bad_identities_are_refused(void **state)
{
	static const char *const bodies[] = {
		"",
		"[]",
		"{\"deviceId\":\"other\"}",
		"{}",
		"{\"deviceId\":\"pump\",\"status\":\"asleep\"}",
		"{\"deviceId\":\"pump\",\"authentication\":{\"symmetricKey\":{\"primaryKey\":\"c2hvcnQ=\"}}}",
		"{\"deviceId\":\"pump\",\"authentication\":{\"symmetricKey\":{\"primaryKey\":\"not base64!\"}}}",
		"{\"deviceId\":\"pump\",\"authentication\":{\"x509Thumbprint\":{\"primaryThumbprint\":\"AB:CD\"}}}",
		"{\"deviceId\":\"pump\",\"authentication\":{\"type\":\"selfSigned\"}}",
		"{\"deviceId\":\"pump\",\"authentication\":{\"type\":\"password\"}}",
	};
	struct scene *s = *state;
	char reason[STATUS_REASON_MAX + 2];

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		assert_int_equal(put(s, "pump", NULL, bodies[i]), ERR_INVALID);
		code_is(s, "ArgumentInvalid");
	}
	memset(reason, 'x', sizeof(reason));
	reason[sizeof(reason) - 1] = '\0';
	assert_int_equal(put(s, "pump", NULL, arena_printf(s->arena, "{\"deviceId\":\"pump\",\"statusReason\":\"%s\"}", reason)),
			 ERR_INVALID);
	assert_int_equal(put(s, "a/b", NULL, "{\"deviceId\":\"a/b\"}"), ERR_INVALID);
	assert_int_equal(get(s, "pump"), ERR_NOT_FOUND);
}

static void a_thumbprint_makes_a_self_signed_device_without_keys(void **state)
{
	static const char body[] = "{\"deviceId\":\"pump\",\"authentication\":{\"x509Thumbprint\":{\"primaryThumbprint\":"
				   "\"0123456789abcdef0123456789ABCDEF01234567\"}}}";
	struct scene *s = *state;

	assert_int_equal(put(s, "pump", NULL, body), OK);
	shows(s, "authentication.type", "\"selfSigned\"");
	shows(s, "authentication.symmetricKey", "{\"primaryKey\":null,\"secondaryKey\":null}");
	/* Nothing said about credentials: they stay. */
	assert_int_equal(put(s, "pump", "*", "{\"deviceId\":\"pump\",\"status\":\"disabled\"}"), OK);
	shows(s, "authentication.type", "\"selfSigned\"");
	shows(s, "authentication.x509Thumbprint.primaryThumbprint", "\"0123456789abcdef0123456789ABCDEF01234567\"");
	/* Another kind of credentials: the old ones must not open the door any more. */
	assert_int_equal(put(s, "pump", "*", "{\"deviceId\":\"pump\",\"authentication\":{\"type\":\"sas\"}}"), OK);
	shows(s, "authentication.x509Thumbprint", "{\"primaryThumbprint\":null,\"secondaryThumbprint\":null}");
}

static void an_edge_device_gets_its_scope_and_stays_one(void **state)
{
	struct scene *s = *state;

	assert_int_equal(put(s, "edge", NULL, "{\"deviceId\":\"edge\",\"capabilities\":{\"iotEdge\":true}}"), OK);
	shows(s, "capabilities", "{\"iotEdge\":true}");
	shows(s, "deviceScope", "\"ms-azure-iot-edge://edge-638355968000000000\"");
	assert_int_equal(put(s, "edge", "*", "{\"deviceId\":\"edge\"}"), OK);
	shows(s, "capabilities", "{\"iotEdge\":true}");
}

static void a_list_is_cut_at_top_and_sees_one_hub_only(void **state)
{
	struct scene *s = *state;

	make(s, "b");
	make(s, "a");
	make(s, "c");
	assert_int_equal(answer(s, hub_device_put(s->hubs, SLICE("hub2"), SLICE("d"), NO_SLICE, SLICE("{\"deviceId\":\"d\"}"), done, s)),
			 OK);
	assert_int_equal(answer(s, hub_device_list(s->hubs, HUB, 0, done, s)), OK);
	assert_int_equal(rows(s), 3);
	assert_int_equal(answer(s, hub_device_list(s->hubs, HUB, 2, done, s)), OK);
	assert_int_equal(rows(s), 2);
	assert_true(slice_search(s->got.body, SLICE("\"deviceId\":\"a\"")) >= 0);
	assert_int_equal(answer(s, hub_device_list(s->hubs, SLICE("hub3"), 5, done, s)), OK);
	body_is(s, "[]");
}

/* --- twins --- */

static void a_twin_is_patched_replaced_and_guarded_by_its_etag(void **state)
{
	struct scene *s = *state;

	make(s, "pump");
	assert_int_equal(twin(s, "pump"), OK);
	shows(s, "version", "2");
	shows(s, "etag", "\"AAAAAAAAAAE=\"");
	assert_int_equal(patch(s, "pump", "\"AAAAAAAAAAE=\"", "{\"tags\":{\"a\":1,\"b\":2},\"properties\":{\"desired\":{\"x\":1}}}"), OK);
	shows(s, "etag", "\"AAAAAAAAAAI=\"");
	shows(s, "version", "3");
	shows(s, "properties.desired.$version", "2");
	assert_true(slice_eq(s->got.etag, SLICE("AAAAAAAAAAI=")));
	assert_int_equal(patch(s, "pump", "\"AAAAAAAAAAE=\"", "{\"tags\":{\"a\":9}}"), ERR_PRECONDITION);
	code_is(s, "PreconditionFailed");
	assert_int_equal(patch(s, "pump", "\"*\"", "{\"tags\":{\"a\":null}}"), OK);
	shows(s, "tags", "{\"b\":2}");
	assert_int_equal(answer(s, hub_twin_write(s->hubs, HUB, SLICE("pump"), NO_SLICE, SLICE("{\"tags\":{\"c\":3}}"), true, done, s)),
			 OK);
	shows(s, "tags", "{\"c\":3}");
	shows(s, "properties.desired.x", "1");
	assert_int_equal(twin(s, "pump"), OK);
	shows(s, "etag", "\"AAAAAAAAAAQ=\"");
	assert_int_equal(patch(s, "none", NULL, "{}"), ERR_NOT_FOUND);
	assert_int_equal(patch(s, "pump", NULL, "{\"properties\":{\"reported\":{}}}"), ERR_INVALID);
}

static void a_patch_of_nothing_writes_nothing(void **state)
{
	struct scene *s = *state;

	make(s, "pump");
	assert_int_equal(patch(s, "pump", NULL, "{\"deviceId\":\"pump\"}"), OK);
	shows(s, "etag", "\"AAAAAAAAAAE=\"");
	shows(s, "version", "2");
}

static void an_identity_update_leaves_the_twin_and_a_twin_write_the_identity(void **state)
{
	struct scene *s = *state;
	struct slice etag;

	make(s, "pump");
	etag = s->got.etag;
	assert_int_equal(patch(s, "pump", NULL, "{\"tags\":{\"a\":1}}"), OK);
	assert_true(slice_eq(member(s, "deviceEtag"), arena_format(s->arena, "\"%.*s\"", SLICE_ARG(etag))));
	assert_int_equal(put(s, "pump", arena_str(s->arena, etag), "{\"deviceId\":\"pump\"}"), OK);
	assert_int_equal(twin(s, "pump"), OK);
	shows(s, "tags", "{\"a\":1}");
	shows(s, "etag", "\"AAAAAAAAAAI=\"");
}

static void patches_at_the_same_moment_are_all_kept(void **state)
{
	struct scene *s = *state;

	make(s, "pump");
	s->times = 0;
	for (int i = 0; i < 3; i++) {
		const char *body = arena_printf(s->arena, "{\"tags\":{\"t%d\":%d}}", i, i);

		assert_non_null(hub_twin_write(s->hubs, HUB, SLICE("pump"), NO_SLICE, slice_str(body), false, done, s));
	}
	loop_settle(s->loop);
	assert_int_equal(s->times, 3);
	assert_int_equal(s->got.e, OK);
	assert_int_equal(twin(s, "pump"), OK);
	shows(s, "etag", "\"AAAAAAAAAAQ=\"");
	shows(s, "tags.t0", "0");
	shows(s, "tags.t1", "1");
	shows(s, "tags.t2", "2");
}

/* --- bulk --- */

static void a_hundred_devices_are_created_in_one_call(void **state)
{
	struct scene *s = *state;
	struct buf body;

	buf_init(&body, ROOM);
	for (int i = 0; i < HUB_BULK_MAX; i++)
		buf_printf(&body, "%s{\"id\":\"d%03d\",\"importMode\":\"create\",\"tags\":{\"n\":%d}}", i ? "," : "[", i, i);
	buf_add(&body, slice_over("]", 2)); /* with the NUL */
	assert_int_equal(bulk(s, body.p), OK);
	body_is(s, "{\"isSuccessful\":true,\"errors\":[],\"warnings\":[]}");
	assert_int_equal(answer(s, hub_device_list(s->hubs, HUB, 0, done, s)), OK);
	assert_int_equal(rows(s), HUB_BULK_MAX);
	assert_int_equal(twin(s, "d042"), OK);
	shows(s, "tags", "{\"n\":42}");
	shows(s, "etag", "\"AAAAAAAAAAE=\"");

	body.n -= 2;
	buf_add(&body, SLICE(",{\"id\":\"one too many\"}]"));
	buf_add_char(&body, '\0');
	assert_int_equal(bulk(s, body.p), ERR_INVALID);
	assert_true(slice_absent(s->got.body));
	buf_fini(&body);
}

static void one_failed_entry_does_not_keep_the_others_from_being_applied(void **state)
{
	struct scene *s = *state;

	make(s, "old");
	assert_int_equal(bulk(s, "[{\"id\":\"new\",\"importMode\":\"create\"},{\"id\":\"old\",\"importMode\":\"create\"}]"), ERR_INVALID);
	code_is(s, "BulkRegistryOperationFailure");
	body_is(s, "{\"isSuccessful\":false,\"errors\":[{\"deviceId\":\"old\",\"errorCode\":\"DeviceAlreadyExists\",\"errorStatus\":"
		   "\"A device with ID 'old' is already registered.\",\"operation\":\"create\"}],\"warnings\":[]}");
	assert_int_equal(get(s, "new"), OK);
}

static void every_import_mode_does_as_the_table_says(void **state)
{
	static const struct {
		const char *mode;
		bool exists;
		const char *code; /* NULL: it is applied */
	} cases[] = {
		{"Create", true, "DeviceAlreadyExists"},
		{"CREATE", false, NULL},
		{"createOrUpdate", true, NULL},
		{"CreateOrUpdate", false, NULL},
		{"createOrUpdateIfMatchETag", true, "PreconditionFailed"},
		{"createOrUpdateIfMatchETag", false, NULL},
		{"Update", true, NULL},
		{"update", false, "DeviceNotFound"},
		{"UpdateIfMatchETag", true, "PreconditionFailed"},
		{"updateIfMatchETag", false, "DeviceNotFound"},
		{"Delete", true, NULL},
		{"delete", false, "DeviceNotFound"},
		{"DeleteIfMatchETag", true, "PreconditionFailed"},
		{"deleteIfMatchETag", false, "DeviceNotFound"},
		{"updateTwin", true, NULL},
		{"updateTwin", false, "DeviceNotFound"},
		{"updateTwinIfMatchETag", true, "PreconditionFailed"},
		{"updateTwinIfMatchETag", false, "DeviceNotFound"},
		{"sideways", true, "ArgumentInvalid"},
	};
	struct scene *s = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *id = arena_printf(s->arena, "d%zu", i);
		const char *body = arena_printf(
			s->arena, "[{\"id\":\"%s\",\"importMode\":\"%s\",\"etag\":\"wrong\",\"twinETag\":\"wrong\"}]", id, cases[i].mode);

		if (cases[i].exists)
			make(s, id);
		if (cases[i].code == NULL) {
			if (bulk(s, body) != OK)
				fail_msg("%s, %d: %.*s", cases[i].mode, cases[i].exists, SLICE_ARG(s->got.body));
			continue;
		}
		assert_int_equal(bulk(s, body), ERR_INVALID);
		if (slice_search(s->got.body, arena_format(s->arena, "\"errorCode\":\"%s\"", cases[i].code)) < 0)
			fail_msg("%s, %d: %.*s", cases[i].mode, cases[i].exists, SLICE_ARG(s->got.body));
	}
}

static void the_right_tag_lets_an_entry_through_under_either_name(void **state)
{
	static const char *const names[] = {"etag", "eTag"};
	struct scene *s = *state;

	make(s, "pump");
	for (size_t i = 0; i < 2; i++) {
		const char *body = arena_printf(s->arena, "[{\"id\":\"pump\",\"importMode\":\"updateIfMatchETag\",\"%s\":\"%.*s\"}]",
						names[i], SLICE_ARG(s->got.etag));

		assert_int_equal(bulk(s, body), OK);
		assert_int_equal(get(s, "pump"), OK);
	}
	assert_int_equal(
		bulk(s, "[{\"id\":\"pump\",\"importMode\":\"updateTwinIfMatchETag\",\"twinETag\":\"AAAAAAAAAAE=\",\"tags\":{\"a\":1}}]"),
		OK);
	assert_int_equal(twin(s, "pump"), OK);
	shows(s, "tags", "{\"a\":1}");
}

static void an_entry_brings_a_whole_twin_along(void **state)
{
	struct scene *s = *state;

	assert_int_equal(bulk(s, "[{\"id\":\"pump\",\"importMode\":\"create\",\"status\":\"disabled\",\"authentication\":{\"type\":\"sas\","
				 "\"symmetricKey\":{\"primaryKey\":\"MDEyMzQ1Njc4OWFiY2RlZg==\"}},\"tags\":{\"site\":\"north\"},"
				 "\"properties\":{\"desired\":{\"rate\":5},\"reported\":{\"fw\":\"1\",\"$version\":9}}}]"),
			 OK);
	assert_int_equal(twin(s, "pump"), OK);
	shows(s, "version", "2");
	shows(s, "status", "\"disabled\"");
	shows(s, "tags", "{\"site\":\"north\"}");
	shows(s, "properties.desired.rate", "5");
	shows(s, "properties.reported.fw", "\"1\"");
	shows(s, "properties.reported.$version", "1");
	assert_int_equal(get(s, "pump"), OK);
	shows(s, "authentication.symmetricKey.primaryKey", "\"MDEyMzQ1Njc4OWFiY2RlZg==\"");
	/* Overwriting replaces the sections that are given, and those alone. */
	assert_int_equal(bulk(s, "[{\"id\":\"pump\",\"tags\":{\"floor\":2}}]"), OK);
	assert_int_equal(twin(s, "pump"), OK);
	shows(s, "tags", "{\"floor\":2}");
	shows(s, "properties.desired.rate", "5");
	shows(s, "status", "\"enabled\"");
}

static void a_device_named_twice_is_told_so(void **state)
{
	struct scene *s = *state;

	assert_int_equal(bulk(s, "[{\"id\":\"a\"},{\"id\":\"b\"},{\"id\":\"a\"}]"), ERR_INVALID);
	assert_true(slice_search(s->got.body, SLICE("[{\"deviceId\":\"a\",\"errorCode\":\"DeviceDefinedMultipleTimes\"")) >= 0);
	assert_int_equal(get(s, "b"), OK);
}

static void entries_that_are_no_entries_are_refused_one_by_one(void **state)
{
	struct scene *s = *state;

	assert_int_equal(
		bulk(s, "[1,{},{\"id\":\"a/b\"},{\"id\":\"m\",\"moduleId\":\"x\"},{\"id\":\"t\",\"tags\":{\"a b\":1}},{\"id\":\"good\"}]"),
		ERR_INVALID);
	shows(s, "isSuccessful", "false");
	s->got.body = member(s, "errors");
	assert_int_equal(rows(s), 5);
	assert_int_equal(get(s, "good"), OK);
	assert_int_equal(bulk(s, "[]"), ERR_INVALID);
	assert_int_equal(bulk(s, "{}"), ERR_INVALID);
	assert_int_equal(bulk(s, "["), ERR_INVALID);
}

/* --- queries and counts --- */

/* `n` devices d000, d001, ... with tags.n their number and every third one disabled. */
static void populate(struct scene *s, int n)
{
	for (int from = 0; from < n; from += HUB_BULK_MAX) {
		struct buf body;

		buf_init(&body, ROOM);
		for (int i = from; i < n && i < from + HUB_BULK_MAX; i++)
			buf_printf(&body,
				   "%s{\"id\":\"d%04d\",\"importMode\":\"create\",\"status\":\"%s\",\"tags\":{\"n\":%d,\"third\":%d}}",
				   i > from ? "," : "[", i, i % 3 ? "enabled" : "disabled", i, i % 3);
		buf_add(&body, slice_over("]", 2));
		assert_int_equal(bulk(s, body.p), OK);
		buf_fini(&body);
	}
}

static void twenty_five_devices_are_three_pages_of_ten(void **state)
{
	struct scene *s = *state;

	populate(s, 25);
	assert_int_equal(query(s, "SELECT * FROM devices", NO_SLICE, 10), OK);
	assert_string_equal(s->got.item_type, "Twin");
	assert_int_equal(rows(s), 10);
	assert_int_equal(query(s, "SELECT * FROM devices", s->got.continuation, 10), OK);
	assert_int_equal(rows(s), 10);
	assert_int_equal(query(s, "SELECT * FROM devices", s->got.continuation, 10), OK);
	assert_int_equal(rows(s), 5);
	assert_true(slice_absent(s->got.continuation));
}

static void a_last_page_that_is_full_is_still_the_last(void **state)
{
	struct scene *s = *state;

	populate(s, 20);
	assert_int_equal(query(s, "SELECT * FROM devices", NO_SLICE, 10), OK);
	assert_int_equal(query(s, "SELECT * FROM devices", s->got.continuation, 10), OK);
	assert_int_equal(rows(s), 10);
	assert_true(slice_absent(s->got.continuation));
}

static void pages_hold_every_match_once_and_in_order(void **state)
{
	struct scene *s = *state;
	struct slice from = NO_SLICE;
	struct buf all;

	populate(s, 700); /* more than one page of the store's */
	buf_init(&all, ROOM);
	do {
		assert_int_equal(query(s, "SELECT deviceId FROM devices WHERE tags.third = 0 AND tags.n >= 10", from, 50), OK);
		assert_string_equal(s->got.item_type, "Raw");
		from = s->got.continuation;
		buf_add(&all, s->got.body);
	} while (!slice_absent(from));
	for (int i = 12, at = 0; i < 700; i += 3) {
		ptrdiff_t found =
			slice_search(slice_from(buf_slice(&all), (size_t)at), arena_format(s->arena, "{\"deviceId\":\"d%04d\"}", i));

		assert_true(found >= 0 && found <= 2);
		at += (int)found + 20;
	}
	buf_fini(&all);
}

static void top_counts_over_all_pages(void **state)
{
	struct scene *s = *state;

	populate(s, 25);
	assert_int_equal(query(s, "SELECT TOP 12 * FROM devices", NO_SLICE, 10), OK);
	assert_int_equal(rows(s), 10);
	assert_int_equal(query(s, "SELECT TOP 12 * FROM devices", s->got.continuation, 10), OK);
	assert_int_equal(rows(s), 2);
	assert_true(slice_absent(s->got.continuation));
	assert_int_equal(query(s, "SELECT TOP 0 * FROM devices", NO_SLICE, 10), OK);
	body_is(s, "[]");
}

static void devices_are_counted_alone_and_in_groups(void **state)
{
	struct scene *s = *state;

	populate(s, 25);
	assert_int_equal(query(s, "SELECT COUNT() AS n FROM devices", NO_SLICE, 0), OK);
	body_is(s, "[{\"n\":25}]");
	assert_int_equal(query(s, "SELECT COUNT() AS n FROM devices WHERE status = 'disabled'", NO_SLICE, 0), OK);
	body_is(s, "[{\"n\":9}]");
	assert_int_equal(query(s, "SELECT COUNT() AS n FROM devices WHERE status = 'gone'", NO_SLICE, 0), OK);
	body_is(s, "[{\"n\":0}]");
	assert_int_equal(query(s, "SELECT status, COUNT() AS n FROM devices GROUP BY status", NO_SLICE, 0), OK);
	body_is(s, "[{\"status\":\"disabled\",\"n\":9},{\"status\":\"enabled\",\"n\":16}]");
	assert_int_equal(query(s, "SELECT tags.x, COUNT() FROM devices GROUP BY tags.x", NO_SLICE, 0), OK);
	body_is(s, "[{\"$2\":25}]");
	assert_int_equal(query(s, "SELECT TOP 1 tags.third AS t FROM devices GROUP BY tags.third", NO_SLICE, 0), OK);
	body_is(s, "[{\"t\":0}]");
}

static void modules_and_jobs_are_none(void **state)
{
	struct scene *s = *state;

	populate(s, 2);
	assert_int_equal(query(s, "SELECT * FROM devices.modules", NO_SLICE, 0), OK);
	body_is(s, "[]");
	assert_int_equal(query(s, "SELECT * FROM devices.jobs", NO_SLICE, 0), OK);
	body_is(s, "[]");
	assert_string_equal(s->got.item_type, "DeviceJob");
	assert_int_equal(query(s, "SELECT COUNT() AS n FROM devices.modules", NO_SLICE, 0), OK);
	body_is(s, "[{\"n\":0}]");
}

static void a_bad_query_or_continuation_is_refused(void **state)
{
	struct scene *s = *state;

	assert_int_equal(query(s, "SELECT * FROM things", NO_SLICE, 0), ERR_INVALID);
	code_is(s, "ArgumentInvalid");
	assert_string_equal(s->got.sentence, "The query is malformed at character 15: devices is expected.");
	assert_int_equal(query(s, "SELECT * FROM devices", SLICE("rubbish!"), 0), ERR_INVALID);
	assert_int_equal(query(s, "SELECT * FROM devices", SLICE("YWJj"), 0), ERR_INVALID);
	assert_int_equal(answer(s, hub_query(s->hubs, HUB, SLICE("{}"), NO_SLICE, 0, done, s)), ERR_INVALID);
	assert_int_equal(answer(s, hub_query(s->hubs, HUB, SLICE(""), NO_SLICE, 0, done, s)), ERR_INVALID);
}

static void statistics_count_the_enabled_and_the_disabled(void **state)
{
	struct scene *s = *state;

	populate(s, 10);
	assert_int_equal(answer(s, hub_statistics(s->hubs, HUB, false, done, s)), OK);
	body_is(s, "{\"totalDeviceCount\":10,\"enabledDeviceCount\":6,\"disabledDeviceCount\":4}");
	assert_int_equal(answer(s, hub_statistics(s->hubs, HUB, true, done, s)), OK);
	body_is(s, "{\"connectedDeviceCount\":0}");
}

/* --- the promises of everything asynchronous --- */

static void a_cancelled_call_stays_silent_wherever_it_is(void **state)
{
	struct scene *s = *state;
	struct hub_ask *ask[6];

	populate(s, 3);
	s->times = 0;
	ask[0] = hub_device_get(s->hubs, HUB, SLICE("d0000"), done, s);
	ask[1] = hub_device_put(s->hubs, HUB, SLICE("x"), NO_SLICE, SLICE("{\"deviceId\":\"x\"}"), done, s);
	ask[2] = hub_device_bulk(s->hubs, HUB, SLICE("[{\"id\":\"y\"},{\"id\":\"z\",\"importMode\":\"create\",\"tags\":{}}]"), done, s);
	ask[3] = hub_query(s->hubs, HUB, SLICE("{\"query\":\"SELECT * FROM devices\"}"), NO_SLICE, 0, done, s);
	ask[4] = hub_device_put(s->hubs, HUB, SLICE("x"), NO_SLICE, SLICE("refused at once"), done, s);
	ask[5] = hub_statistics(s->hubs, HUB, false, done, s);
	for (size_t i = 0; i < 6; i++) {
		assert_non_null(ask[i]);
		hub_cancel(&ask[i]);
		assert_null(ask[i]);
	}
	loop_settle(s->loop);
	assert_int_equal(s->times, 0);
}

static void calls_that_are_open_end_with_their_hubs(void **state)
{
	struct scene *s = *state;

	assert_non_null(hub_device_list(s->hubs, HUB, 0, done, s));
	assert_non_null(hub_device_bulk(s->hubs, HUB, SLICE("[{\"id\":\"y\"}]"), done, s));
	hubs_free(&s->hubs);
	loop_settle(s->loop);
	assert_int_equal(s->times, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_created_device_has_keys_and_the_published_shape),
		TEST(what_was_created_is_there_and_the_id_keeps_its_case),
		TEST(creating_twice_is_refused),
		TEST(an_update_keeps_keys_and_generation_and_moves_the_etag),
		TEST(if_match_is_judged_in_every_spelling),
		TEST(a_deleted_device_is_gone_and_its_successor_is_another),
		TEST(bad_identities_are_refused),
		TEST(a_thumbprint_makes_a_self_signed_device_without_keys),
		TEST(an_edge_device_gets_its_scope_and_stays_one),
		TEST(a_list_is_cut_at_top_and_sees_one_hub_only),
		TEST(a_twin_is_patched_replaced_and_guarded_by_its_etag),
		TEST(a_patch_of_nothing_writes_nothing),
		TEST(an_identity_update_leaves_the_twin_and_a_twin_write_the_identity),
		TEST(patches_at_the_same_moment_are_all_kept),
		TEST(a_hundred_devices_are_created_in_one_call),
		TEST(one_failed_entry_does_not_keep_the_others_from_being_applied),
		TEST(every_import_mode_does_as_the_table_says),
		TEST(the_right_tag_lets_an_entry_through_under_either_name),
		TEST(an_entry_brings_a_whole_twin_along),
		TEST(a_device_named_twice_is_told_so),
		TEST(entries_that_are_no_entries_are_refused_one_by_one),
		TEST(twenty_five_devices_are_three_pages_of_ten),
		TEST(a_last_page_that_is_full_is_still_the_last),
		TEST(pages_hold_every_match_once_and_in_order),
		TEST(top_counts_over_all_pages),
		TEST(devices_are_counted_alone_and_in_groups),
		TEST(modules_and_jobs_are_none),
		TEST(a_bad_query_or_continuation_is_refused),
		TEST(statistics_count_the_enabled_and_the_disabled),
		TEST(a_cancelled_call_stays_silent_wherever_it_is),
		TEST(calls_that_are_open_end_with_their_hubs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
