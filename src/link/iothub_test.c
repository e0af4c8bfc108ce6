/*
 * iothub_test.c: what is asked of a hub (hub-api.md 5.1, 5.2) and what its answers mean (4.5, 4.10, 5.3).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/json.h"
#include "link/iothub.h"

#define ROOM    (4u << 20)
#define VERSION "?api-version=2021-04-12"

static struct arena *arena;

static int begin(void **state)
{
	(void)state;
	arena = arena_new(ROOM);
	return arena == NULL;
}

static int end(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

#define PURE_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

static struct link_identity pump(void)
{
	return (struct link_identity){.device_id = SLICE("pump-17"),
				      .authentication = "sas",
				      .primary_key = SLICE("cHJpbWFyeQ=="),
				      .secondary_key = SLICE("c2Vjb25kYXJ5")};
}

static struct link_identity press(void)
{
	return (struct link_identity){.device_id = SLICE("press-07"), .authentication = "selfSigned", .primary_thumbprint = SLICE("A1B2")};
}

static void is(struct slice text, const char *expected)
{
	assert_string_equal(arena_str(arena, text), expected);
}

/* --- requests --- */

static void a_first_assignment_is_one_bulk_entry_with_credentials_and_twin(void **state)
{
	struct link_identity d = pump();
	const struct link_identity *one = &d;
	struct hub_request r;

	(void)state;
	d.tags = SLICE("{\"site\":\"north\"}");
	d.desired = SLICE("{\"rate\":5}");
	iothub_create(arena, &one, 1, &r);
	assert_string_equal(r.method, "POST");
	assert_string_equal(r.path, "/devices" VERSION);
	assert_true(slice_absent(r.if_match));
	is(r.body, "[{\"id\":\"pump-17\",\"importMode\":\"create\",\"status\":\"enabled\",\"authentication\":{\"type\":\"sas\","
		   "\"symmetricKey\":{\"primaryKey\":\"cHJpbWFyeQ==\",\"secondaryKey\":\"c2Vjb25kYXJ5\"}},"
		   "\"capabilities\":{\"iotEdge\":false},\"tags\":{\"site\":\"north\"},\"properties\":{\"desired\":{\"rate\":5}}}]");
}

static void a_migration_brings_what_the_device_has_reported(void **state)
{
	struct link_identity d = pump();
	const struct link_identity *one = &d;
	struct hub_request r;

	(void)state;
	d.reported = SLICE("{\"fw\":\"1.0\"}");
	d.iot_edge = true;
	iothub_create(arena, &one, 1, &r);
	assert_true(slice_search(r.body, SLICE("\"capabilities\":{\"iotEdge\":true},\"properties\":{\"reported\":{\"fw\":\"1.0\"}}}]")) >
		    0);
}

static void a_certificate_is_written_as_its_thumbprint_and_a_secondary_only_if_there_is_one(void **state)
{
	struct link_identity d = press();
	const struct link_identity *one = &d;
	struct hub_request r;

	(void)state;
	iothub_create(arena, &one, 1, &r);
	assert_true(slice_search(r.body, SLICE("{\"type\":\"selfSigned\",\"x509Thumbprint\":{\"primaryThumbprint\":\"A1B2\"}}")) > 0);
	assert_true(slice_search(r.body, SLICE("symmetricKey")) < 0);
	d.secondary_thumbprint = SLICE("C3D4");
	iothub_create(arena, &one, 1, &r);
	assert_true(slice_search(r.body, SLICE("{\"primaryThumbprint\":\"A1B2\",\"secondaryThumbprint\":\"C3D4\"}")) > 0);
}

static void many_travel_in_one_array_in_their_order(void **state)
{
	struct link_identity a = pump(), b = press();
	const struct link_identity *both[] = {&a, &b};
	struct hub_request r;
	struct slice entry;
	size_t at = 0;

	(void)state;
	iothub_create(arena, both, 2, &r);
	assert_true(json_each(r.body, &at, NULL, &entry));
	is(json_member(entry, "id", false), "\"pump-17\"");
	assert_true(json_each(r.body, &at, NULL, &entry));
	is(json_member(entry, "id", false), "\"press-07\"");
	assert_false(json_each(r.body, &at, NULL, &entry));
}

/* hub-api.md 4.1: decoded once by the hub. An ID may hold anything that could end a path. */
static void the_id_in_a_path_is_percent_encoded(void **state)
{
	const struct slice id = SLICE("a/b?c#d%20 e'+.-_~");
	struct hub_request r;

	(void)state;
	iothub_look(arena, id, &r);
	assert_string_equal(r.method, "GET");
	assert_string_equal(r.path, "/devices/a%2Fb%3Fc%23d%2520%20e%27%2B.-_~" VERSION);
	iothub_twin(arena, id, &r);
	assert_string_equal(r.method, "GET");
	assert_string_equal(r.path, "/twins/a%2Fb%3Fc%23d%2520%20e%27%2B.-_~" VERSION);
	assert_true(slice_absent(r.body) && slice_absent(r.if_match));
}

static void credentials_are_corrected_only_on_the_identity_that_was_looked_at(void **state)
{
	struct link_identity d = pump();
	struct hub_request r;

	(void)state;
	iothub_correct(arena, &d, &(struct hub_seen){.etag = SLICE("ODQx")}, &r);
	assert_string_equal(r.method, "PUT");
	assert_string_equal(r.path, "/devices/pump-17" VERSION);
	is(r.if_match, "\"ODQx\"");
	is(r.body, "{\"deviceId\":\"pump-17\",\"authentication\":{\"type\":\"sas\",\"symmetricKey\":"
		   "{\"primaryKey\":\"cHJpbWFyeQ==\",\"secondaryKey\":\"c2Vjb25kYXJ5\"}},\"capabilities\":{\"iotEdge\":false}}");
}

static void a_removal_is_unconditional_and_a_probe_asks_for_statistics(void **state)
{
	struct hub_request r;

	(void)state;
	iothub_remove(arena, SLICE("pump-17"), &r);
	assert_string_equal(r.method, "DELETE");
	assert_string_equal(r.path, "/devices/pump-17" VERSION);
	is(r.if_match, "\"*\"");
	assert_true(slice_absent(r.body));
	iothub_statistics(&r);
	assert_string_equal(r.method, "GET");
	assert_string_equal(r.path, "/statistics/devices" VERSION);
}

/* --- answers --- */

/* hub-api.md 5.3, and 4.10 for the rest. */
static void every_status_has_its_meaning_and_a_sentence_that_names_it(void **state)
{
	static const struct {
		int status;
		enum hub_verdict means;
	} rows[] = {
		{400, HUB_WRONG},  {401, HUB_DENIED},  {403, HUB_DENIED}, {404, HUB_ABSENT}, {405, HUB_WRONG}, {408, HUB_BUSY},
		{409, HUB_EXISTS}, {412, HUB_CHANGED}, {413, HUB_WRONG},  {429, HUB_BUSY},   {500, HUB_BUSY},  {502, HUB_BUSY},
		{503, HUB_BUSY},   {504, HUB_BUSY},    {301, HUB_WRONG},  {302, HUB_WRONG},  {100, HUB_WRONG},
	};
	const struct slice body = SLICE("{\"Message\":\"ErrorCode:DeviceNotFound;no\"}");

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *why = NULL;

		assert_int_equal(iothub_judge_status(rows[i].status, body, arena, &why), rows[i].means);
		assert_non_null(strstr(why, arena_printf(arena, "answered %d", rows[i].status)));
	}
}

static void only_the_hub_can_say_that_a_device_is_not_there(void **state)
{
	static const char *const others[] = {"", "<html>404 Not Found</html>", "{\"message\":\"no Route matched with those values\"}"};
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(iothub_judge_status(404, slice_str(others[i]), arena, &why), HUB_WRONG);
	/* Both shapes of hub-api.md 4.10. */
	assert_int_equal(iothub_judge_status(404, SLICE("{\"Message\":\"ErrorCode:DeviceNotFound;x\"}"), arena, &why), HUB_ABSENT);
	assert_int_equal(iothub_judge_status(404, SLICE("{\"Message\":\"{\\\"errorCode\\\":404001}\"}"), arena, &why), HUB_ABSENT);
}

static void a_sentence_quotes_little_of_the_answer_and_only_what_can_be_printed(void **state)
{
	char body[4096];
	const char *why = NULL;

	(void)state;
	memset(body, '\n', sizeof(body));
	memcpy(body, "<html>\x1b[31m\xff\0secret", 19);
	iothub_judge_status(500, slice_over(body, sizeof(body)), arena, &why);
	assert_true(strlen(why) < 200);
	for (const char *p = why; *p; p++)
		assert_in_range(*p, ' ', '~');
}

/* Two devices are created in one request. */
static void create_means(int status, const char *body, enum hub_verdict first, enum hub_verdict second)
{
	struct link_identity a = pump(), b = press();
	const struct link_identity *both[] = {&a, &b};
	enum hub_verdict verdicts[2];
	const char *whys[2] = {NULL, NULL};

	iothub_judge_create(status, slice_str(body), arena, both, 2, verdicts, whys);
	if (verdicts[0] != first || verdicts[1] != second)
		fail_msg("%d %s means %d and %d", status, body, verdicts[0], verdicts[1]);
	for (int i = 0; i < 2; i++)
		assert_true(whys[i] != NULL && (verdicts[i] == HUB_DONE || *whys[i] != '\0'));
}

static void a_creation_has_succeeded_when_the_hub_says_so(void **state)
{
	(void)state;
	create_means(200, "{\"isSuccessful\":true,\"errors\":[],\"warnings\":[]}", HUB_DONE, HUB_DONE);
	create_means(200, "{\"isSuccessful\":true}", HUB_DONE, HUB_DONE);
	create_means(200, "{\"IsSuccessful\":true,\"Errors\":[]}", HUB_DONE, HUB_DONE);
}

static void one_failing_entry_does_not_fail_the_others(void **state)
{
	(void)state;
	create_means(400,
		     "{\"isSuccessful\":false,\"errors\":[{\"deviceId\":\"pump-17\",\"errorCode\":\"DeviceAlreadyExists\","
		     "\"errorStatus\":\"It is there.\",\"operation\":\"create\"}],\"warnings\":[]}",
		     HUB_EXISTS, HUB_DONE);
	create_means(400,
		     "{\"isSuccessful\":false,\"errors\":[{\"deviceId\":\"press-07\",\"errorCode\":\"ArgumentInvalid\"},"
		     "{\"deviceId\":\"pump-17\",\"errorCode\":\"DeviceAlreadyExists\"}]}",
		     HUB_EXISTS, HUB_WRONG);
	/* Clients read 200 and 400 alike. */
	create_means(200, "{\"isSuccessful\":false,\"errors\":[{\"deviceId\":\"pump-17\",\"errorCode\":409001}]}", HUB_EXISTS, HUB_DONE);
}

/* hub-api.md 4.5: whether the real service says names or numbers is not known. */
static void the_code_of_an_entry_may_be_a_name_or_a_number(void **state)
{
	static const struct {
		const char *code;
		enum hub_verdict means;
	} rows[] = {
		{"\"DeviceAlreadyExists\"", HUB_EXISTS},
		{"\"devicealreadyexists\"", HUB_EXISTS},
		{"409001", HUB_EXISTS},
		{"\"ThrottlingException\"", HUB_BUSY},
		{"\"ServerError\"", HUB_BUSY},
		{"\"ServiceUnavailable\"", HUB_BUSY},
		{"\"GatewayTimeout\"", HUB_BUSY},
		{"401003", HUB_DENIED},
		{"429001", HUB_BUSY},
		{"500001", HUB_BUSY},
		{"503001", HUB_BUSY},
		{"\"IotHubUnauthorized\"", HUB_DENIED},
		{"\"ArgumentInvalid\"", HUB_WRONG},
		{"400004", HUB_WRONG},
		{"\"\"", HUB_WRONG},
		{"true", HUB_WRONG},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		create_means(400,
			     arena_printf(arena, "{\"isSuccessful\":false,\"errors\":[{\"deviceId\":\"press-07\",\"errorCode\":%s}]}",
					  rows[i].code),
			     HUB_DONE, rows[i].means);
}

/* "assigned" must never rest on less than a clear yes. */
static void a_creation_that_failed_without_saying_for_whom_is_a_success_for_nobody(void **state)
{
	(void)state;
	create_means(200, "{\"isSuccessful\":false,\"errors\":[],\"warnings\":[]}", HUB_GARBLED, HUB_GARBLED);
	create_means(400, "{\"errors\":[]}", HUB_GARBLED, HUB_GARBLED);
	create_means(400, "{\"isSuccessful\":true,\"errors\":[]}", HUB_GARBLED, HUB_GARBLED);
	create_means(400, "{\"isSuccessful\":false,\"errors\":[{\"errorCode\":\"ArgumentInvalid\"}]}", HUB_GARBLED, HUB_GARBLED);
	create_means(400, "{\"isSuccessful\":false,\"errors\":[{\"deviceId\":\"nobody\",\"errorCode\":\"ArgumentInvalid\"}]}", HUB_GARBLED,
		     HUB_GARBLED);
	create_means(400,
		     "{\"isSuccessful\":false,\"errors\":[{\"deviceId\":\"pump-17\",\"errorCode\":409001},{\"deviceId\":\"PRESS-07\","
		     "\"errorCode\":409001}]}",
		     HUB_EXISTS, HUB_GARBLED);
	create_means(200, "{\"isSuccessful\":true,\"errors\":[{\"deviceId\":\"pump-17\",\"errorCode\":409001}]}", HUB_EXISTS, HUB_DONE);
}

/* It may have been done, and only the answer was spoiled on its way. */
static void an_answer_that_makes_no_sense_is_neither_yes_nor_no(void **state)
{
	(void)state;
	create_means(200, "<html>welcome</html>", HUB_GARBLED, HUB_GARBLED);
	create_means(200, "{\"isSuccessful\":tr", HUB_GARBLED, HUB_GARBLED);
	create_means(200, "", HUB_GARBLED, HUB_GARBLED);
	create_means(200, "[]", HUB_GARBLED, HUB_GARBLED);
	create_means(200, "{\"isSuccessful\":\"true\"}", HUB_GARBLED, HUB_GARBLED);
	create_means(204, "", HUB_GARBLED, HUB_GARBLED);
	create_means(400, "{\"isSuccessful\":false,\"errors\":[{", HUB_GARBLED, HUB_GARBLED);
}

static void a_creation_refused_as_a_whole_is_refused_to_each(void **state)
{
	(void)state;
	create_means(401, "{\"Message\":\"ErrorCode:IotHubUnauthorized;no\"}", HUB_DENIED, HUB_DENIED);
	create_means(429, "", HUB_BUSY, HUB_BUSY);
	create_means(503, "<html>", HUB_BUSY, HUB_BUSY);
	create_means(400, "{\"Message\":\"ErrorCode:ArgumentInvalid;BadRequest\"}", HUB_WRONG, HUB_WRONG);
}

#define SAS_OF(keys)                                                                                                                       \
	"{\"deviceId\":\"pump-17\",\"etag\":\"ODQx\",\"status\":\"enabled\",\"authentication\":{\"type\":\"sas\",\"symmetricKey\":" keys   \
	"}}"

static enum hub_verdict look(struct link_identity d, int status, const char *body, struct hub_seen *seen)
{
	const char *why = NULL;
	enum hub_verdict v = iothub_judge_look(status, slice_str(body), arena, &d, seen, &why);

	if (v != HUB_DONE && v != HUB_DIFFERENT)
		assert_true(why != NULL && *why != '\0');
	return v;
}

static void an_identity_with_the_same_credentials_is_as_it_should_be(void **state)
{
	struct hub_seen seen = {0};

	(void)state;
	assert_int_equal(look(pump(), 200, SAS_OF("{\"primaryKey\":\"cHJpbWFyeQ==\",\"secondaryKey\":\"c2Vjb25kYXJ5\"}"), &seen), HUB_DONE);
	is(seen.etag, "ODQx");
	/* Thumbprints are hex, in either case; the other kind's members are null. */
	assert_int_equal(look(press(), 200,
			      "{\"deviceId\":\"press-07\",\"eTag\":\"x\",\"authentication\":{\"type\":\"SelfSigned\",\"symmetricKey\":"
			      "{\"primaryKey\":null},\"x509Thumbprint\":{\"primaryThumbprint\":\"a1b2\",\"secondaryThumbprint\":null}}}",
			      &seen),
			 HUB_DONE);
}

static void another_key_another_kind_or_none_is_different(void **state)
{
	struct hub_seen seen = {0};

	(void)state;
	assert_int_equal(look(pump(), 200, SAS_OF("{\"primaryKey\":\"cHJpbWFyeQ==\",\"secondaryKey\":\"other\"}"), &seen), HUB_DIFFERENT);
	assert_int_equal(look(pump(), 200, SAS_OF("{\"primaryKey\":\"chjpbwfyeq==\",\"secondaryKey\":\"c2Vjb25kYXJ5\"}"), &seen),
			 HUB_DIFFERENT);
	assert_int_equal(look(pump(), 200, SAS_OF("null"), &seen), HUB_DIFFERENT);
	assert_int_equal(look(pump(), 200, "{\"deviceId\":\"pump-17\",\"etag\":\"e\"}", &seen), HUB_DIFFERENT);
	is(seen.etag, "e");
}

/* hub-api.md 4.4: what a PUT leaves out is reset. The operator's word at the hub counts. */
static void a_correction_leaves_a_disabled_device_disabled_and_a_leaf_with_its_parents(void **state)
{
	struct link_identity d = pump();
	struct hub_seen seen = {0};
	struct hub_request r;

	(void)state;
	assert_int_equal(
		look(d, 200,
		     "{\"deviceId\":\"pump-17\",\"etag\":\"e\",\"status\":\"disabled\",\"statusReason\":\"stolen \\u00e9\",\"deviceScope\":"
		     "null,\"parentScopes\":[\"ms-azure-iot-edge://x\"],\"authentication\":{\"type\":\"none\"}}",
		     &seen),
		HUB_DIFFERENT);
	iothub_correct(arena, &d, &seen, &r);
	assert_true(slice_starts(r.body, SLICE("{\"deviceId\":\"pump-17\",\"status\":\"disabled\",\"statusReason\":\"stolen \\u00e9\","
					       "\"parentScopes\":[\"ms-azure-iot-edge://x\"],\"authentication\":{")));
}

static void an_answer_about_another_device_or_without_an_etag_is_wrong(void **state)
{
	struct hub_seen seen = {0};

	(void)state;
	assert_int_equal(look(press(), 200, SAS_OF("{}"), &seen), HUB_WRONG);
	assert_int_equal(look(pump(), 200, "{\"deviceId\":\"pump-17\",\"authentication\":{}}", &seen), HUB_WRONG);
	assert_int_equal(look(pump(), 200, "[]", &seen), HUB_WRONG);
	assert_int_equal(look(pump(), 200, "<html>", &seen), HUB_WRONG);
	assert_int_equal(look(pump(), 200, "", &seen), HUB_WRONG);
	assert_int_equal(look(pump(), 404, "{\"Message\":\"ErrorCode:DeviceNotFound;\"}", &seen), HUB_ABSENT);
}

static enum hub_verdict twin(int status, const char *body, struct link_answer *out)
{
	const char *why = NULL;
	enum hub_verdict v = iothub_judge_twin(status, slice_str(body), arena, out, &why);

	assert_true(v == HUB_DONE || (why && *why));
	return v;
}

static void a_twin_is_carried_without_what_the_hub_has_added(void **state)
{
	struct link_answer out = {0};

	(void)state;
	assert_int_equal(twin(200,
			      "{\"deviceId\":\"d\",\"version\":5,\"tags\":{\"a\":{\"$x\":1}},\"properties\":{\"desired\":{\"rate\":5.0,"
			      "\"n\\u00e9\":[1,{\"q\":null}],\"$metadata\":{\"rate\":{}},\"$version\":2},\"reported\":{\"$version\":1}}}",
			      &out),
			 HUB_DONE);
	is(out.tags, "{\"a\":{\"$x\":1}}");
	/* Numbers and escapes as they came. */
	is(out.desired, "{\"rate\":5.0,\"n\\u00e9\":[1,{\"q\":null}]}");
	is(out.reported, "{}");
}

static void what_is_no_twin_is_wrong(void **state)
{
	struct link_answer out = {0};

	(void)state;
	assert_int_equal(twin(200, "{\"deviceId\":\"d\"}", &out), HUB_WRONG);
	assert_int_equal(twin(200, "{\"properties\":[]}", &out), HUB_WRONG);
	assert_int_equal(twin(200, "{\"properties\":{\"desired\":{\"a\":1", &out), HUB_WRONG);
	assert_int_equal(twin(200, "<html>", &out), HUB_WRONG);
	assert_int_equal(twin(204, "", &out), HUB_WRONG);
	assert_true(slice_absent(out.tags) && slice_absent(out.desired) && slice_absent(out.reported));
}

static void a_removal_is_done_by_any_2xx_that_is_empty_or_json(void **state)
{
	const char *why = "";

	(void)state;
	assert_int_equal(iothub_judge_plain(204, SLICE(""), arena, &why), HUB_DONE);
	assert_int_equal(iothub_judge_plain(200, SLICE("{}"), arena, &why), HUB_DONE);
	assert_int_equal(iothub_judge_plain(200, SLICE("<html>welcome</html>"), arena, &why), HUB_WRONG);
	assert_int_equal(iothub_judge_plain(302, SLICE(""), arena, &why), HUB_WRONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PURE_TEST(a_first_assignment_is_one_bulk_entry_with_credentials_and_twin),
		PURE_TEST(a_migration_brings_what_the_device_has_reported),
		PURE_TEST(a_certificate_is_written_as_its_thumbprint_and_a_secondary_only_if_there_is_one),
		PURE_TEST(many_travel_in_one_array_in_their_order),
		PURE_TEST(the_id_in_a_path_is_percent_encoded),
		PURE_TEST(credentials_are_corrected_only_on_the_identity_that_was_looked_at),
		PURE_TEST(a_removal_is_unconditional_and_a_probe_asks_for_statistics),
		PURE_TEST(every_status_has_its_meaning_and_a_sentence_that_names_it),
		PURE_TEST(only_the_hub_can_say_that_a_device_is_not_there),
		PURE_TEST(a_sentence_quotes_little_of_the_answer_and_only_what_can_be_printed),
		PURE_TEST(a_creation_has_succeeded_when_the_hub_says_so),
		PURE_TEST(one_failing_entry_does_not_fail_the_others),
		PURE_TEST(the_code_of_an_entry_may_be_a_name_or_a_number),
		PURE_TEST(a_creation_that_failed_without_saying_for_whom_is_a_success_for_nobody),
		PURE_TEST(an_answer_that_makes_no_sense_is_neither_yes_nor_no),
		PURE_TEST(a_creation_refused_as_a_whole_is_refused_to_each),
		PURE_TEST(an_identity_with_the_same_credentials_is_as_it_should_be),
		PURE_TEST(another_key_another_kind_or_none_is_different),
		PURE_TEST(a_correction_leaves_a_disabled_device_disabled_and_a_leaf_with_its_parents),
		PURE_TEST(an_answer_about_another_device_or_without_an_etag_is_wrong),
		PURE_TEST(a_twin_is_carried_without_what_the_hub_has_added),
		PURE_TEST(what_is_no_twin_is_wrong),
		PURE_TEST(a_removal_is_done_by_any_2xx_that_is_empty_or_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
