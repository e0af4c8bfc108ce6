/*
 * twin_test.c: merging, metadata, versions, sizes and limits of twins (hub-api.md 4.6).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hub/twin.h"

#define ROOM (8u << 20)
#define BORN ((instant)17000000000000000) /* 2023-11-14T22:13:20Z */

struct scene {
	struct arena *arena;
	struct device d;
	instant now;
};

static int begin(void **state)
{
	struct arena *arena = arena_new(ROOM);
	struct scene *s = arena_alloc(arena, sizeof(*s));

	s->arena = arena;
	noun_clear(&noun_device, &s->d);
	s->d.device_id = SLICE("pump-17");
	s->d.etag = SLICE("MTAwMDAwMDE=");
	s->d.created = s->now = BORN;
	twin_start(&s->d);
	*state = s;
	return 0;
}

static int end(void **state)
{
	struct arena *arena = ((struct scene *)*state)->arena;

	arena_free(&arena);
	return 0;
}

static struct hub_no apply(struct scene *s, const char *body, enum twin_how how)
{
	struct twin_parts parts;
	struct hub_no no = twin_parts_read(slice_str(body), true, s->arena, &parts);

	if (no.e == OK)
		no = twin_apply(&s->d, &parts, how, s->now, s->arena);
	twin_parts_free(&parts);
	return no;
}

static void merge(struct scene *s, const char *body)
{
	assert_int_equal(apply(s, body, TWIN_MERGE).e, OK);
}

static void refuses(struct scene *s, const char *body)
{
	struct device before = s->d;
	struct hub_no no = apply(s, body, TWIN_MERGE);

	assert_int_equal(no.e, ERR_INVALID);
	assert_string_equal(no.code, "ArgumentInvalid");
	assert_memory_equal(&before, &s->d, sizeof(before));
}

static void is(struct slice text, const char *expected)
{
	char got[4096];

	assert_true(text.n < sizeof(got));
	memcpy(got, text.p ? text.p : "", text.n);
	got[text.n] = '\0';
	assert_string_equal(got, expected);
}

/* A string of `n` times `c`, in the arena. */
static const char *many(struct scene *s, char c, size_t n)
{
	char *text = arena_alloc(s->arena, n + 1);

	memset(text, c, n);
	return text;
}

static void a_new_twin_has_version_two_and_the_first_etag(void **state)
{
	struct scene *s = *state;

	is(twin_etag(&s->d, s->arena), "AAAAAAAAAAE=");
	assert_int_equal(twin_version(&s->d), 2);
	assert_int_equal(s->d.desired_version, 1);
}

static void the_document_has_the_published_shape(void **state)
{
	struct scene *s = *state;
	struct json_out out;
	struct buf text;

	/* The example of hub-api.md 4.6: etag AAAAAAAAAAM=, version 5, desired and reported at 2. */
	s->d.authentication = SLICE("sas");
	s->d.status = SLICE("enabled");
	s->now = BORN + INSTANT_SECOND;
	merge(s, "{\"properties\":{\"desired\":{\"rate\":5}}}");
	s->now = BORN + 2 * INSTANT_SECOND;
	merge(s, "{\"tags\":{\"site\":\"north\"}}");
	merge(s, "{\"properties\":{\"reported\":{\"fw\":\"1.0\"}}}");
	buf_init(&text, ROOM);
	json_out_init(&out, &text);
	twin_write(&s->d, &out, s->arena);
	is(buf_slice(&text),
	   "{\"deviceId\":\"pump-17\",\"etag\":\"AAAAAAAAAAM=\",\"deviceEtag\":\"MTAwMDAwMDE=\",\"status\":\"enabled\","
	   "\"statusUpdateTime\":\"0001-01-01T00:00:00Z\",\"connectionState\":\"Disconnected\","
	   "\"lastActivityTime\":\"0001-01-01T00:00:00Z\",\"cloudToDeviceMessageCount\":0,\"authenticationType\":\"sas\","
	   "\"x509Thumbprint\":{\"primaryThumbprint\":null,\"secondaryThumbprint\":null},\"modelId\":\"\",\"version\":5,"
	   "\"tags\":{\"site\":\"north\"},\"properties\":{"
	   "\"desired\":{\"rate\":5,\"$metadata\":{\"$lastUpdated\":\"2023-11-14T22:13:21.0000000Z\",\"$lastUpdatedVersion\":2,"
	   "\"rate\":{\"$lastUpdated\":\"2023-11-14T22:13:21.0000000Z\",\"$lastUpdatedVersion\":2}},\"$version\":2},"
	   "\"reported\":{\"fw\":\"1.0\",\"$metadata\":{\"$lastUpdated\":\"2023-11-14T22:13:22.0000000Z\","
	   "\"fw\":{\"$lastUpdated\":\"2023-11-14T22:13:22.0000000Z\"}},\"$version\":2}},"
	   "\"capabilities\":{\"iotEdge\":false}}");
	buf_fini(&text);
}

static void an_empty_section_shows_when_the_device_was_born(void **state)
{
	struct scene *s = *state;
	struct json_out out;
	struct buf text;

	buf_init(&text, ROOM);
	json_out_init(&out, &text);
	twin_write(&s->d, &out, s->arena);
	is(json_member(json_member(buf_slice(&text), "properties", false), "desired", false),
	   "{\"$metadata\":{\"$lastUpdated\":\"2023-11-14T22:13:20.0000000Z\"},\"$version\":1}");
	is(json_member(buf_slice(&text), "tags", false), "{}");
	buf_fini(&text);
}

static void tags_alone_leave_the_desired_version(void **state)
{
	struct scene *s = *state;

	merge(s, "{\"tags\":{\"a\":1}}");
	assert_int_equal(s->d.desired_version, 1);
	assert_int_equal(s->d.twin_writes, 2);
	assert_true(slice_absent(s->d.desired_metadata));
}

static void what_the_device_reports_moves_the_version_and_not_the_etag(void **state)
{
	struct scene *s = *state;

	merge(s, "{\"properties\":{\"reported\":{\"fw\":1}}}");
	is(twin_etag(&s->d, s->arena), "AAAAAAAAAAE=");
	assert_int_equal(twin_version(&s->d), 3);
}

static void etag_and_version_add_up_as_in_published_twins(void **state)
{
	static const struct {
		int64_t writes, reported, version;
	} seen[] = {{11, 313, 324}, {18, 444, 462}, {5, 48, 53}, {12, 1, 13}, {5, 1, 6}, {1, 1, 2}};
	struct scene *s = *state;

	for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++) {
		s->d.twin_writes = seen[i].writes;
		s->d.reported_version = seen[i].reported;
		assert_int_equal(twin_version(&s->d), seen[i].version);
	}
	s->d.twin_writes = 258;
	is(twin_etag(&s->d, s->arena), "AAAAAAAAAQI=");
}

static void objects_merge_null_deletes_and_arrays_are_replaced(void **state)
{
	struct scene *s = *state;

	merge(s, "{\"tags\":{\"a\":{\"b\":1,\"c\":2},\"d\":[1,2,3],\"e\":true}}");
	merge(s, "{\"tags\":{\"a\":{\"b\":null,\"f\":1.5},\"d\":[4],\"e\":null,\"g\":{\"h\":null}}}");
	is(s->d.twin_tags, "{\"a\":{\"c\":2,\"f\":1.5},\"d\":[4],\"g\":{}}");
	merge(s, "{\"tags\":{\"a\":\"no object\"}}");
	is(s->d.twin_tags, "{\"a\":\"no object\",\"d\":[4],\"g\":{}}");
	merge(s, "{\"tags\":{\"a\":{\"again\":\"an \\\"object\\\"\"}}}");
	is(s->d.twin_tags, "{\"a\":{\"again\":\"an \\\"object\\\"\"},\"d\":[4],\"g\":{}}");
}

static void metadata_follows_the_members_at_every_level(void **state)
{
	struct scene *s = *state;

	merge(s, "{\"properties\":{\"desired\":{\"a\":{\"b\":1,\"c\":2},\"d\":3}}}");
	s->now += INSTANT_SECOND;
	merge(s, "{\"properties\":{\"desired\":{\"a\":{\"b\":9},\"d\":null}}}");
	is(s->d.desired, "{\"a\":{\"b\":9,\"c\":2}}");
	is(s->d.desired_metadata, "{\"$lastUpdated\":\"2023-11-14T22:13:21.0000000Z\",\"$lastUpdatedVersion\":3,"
				  "\"a\":{\"$lastUpdated\":\"2023-11-14T22:13:21.0000000Z\",\"$lastUpdatedVersion\":3,"
				  "\"b\":{\"$lastUpdated\":\"2023-11-14T22:13:21.0000000Z\",\"$lastUpdatedVersion\":3},"
				  "\"c\":{\"$lastUpdated\":\"2023-11-14T22:13:20.0000000Z\",\"$lastUpdatedVersion\":2}}}");
}

static void an_object_in_the_place_of_a_value_starts_new_metadata(void **state)
{
	struct scene *s = *state;

	merge(s, "{\"properties\":{\"desired\":{\"a\":{\"b\":{\"c\":1}}}}}");
	merge(s, "{\"properties\":{\"desired\":{\"a\":5}}}");
	merge(s, "{\"properties\":{\"desired\":{\"a\":{\"x\":1}}}}");
	is(s->d.desired, "{\"a\":{\"x\":1}}");
	assert_true(slice_absent(json_member(json_member(s->d.desired_metadata, "a", false), "b", false)));
	assert_false(slice_absent(json_member(json_member(s->d.desired_metadata, "a", false), "x", false)));
}

static void replacing_forgets_what_was_there_and_drops_nulls(void **state)
{
	struct scene *s = *state;

	merge(s, "{\"tags\":{\"a\":1},\"properties\":{\"desired\":{\"b\":1}}}");
	assert_int_equal(apply(s, "{\"properties\":{\"desired\":{\"c\":2,\"d\":null}}}", TWIN_REPLACE).e, OK);
	is(s->d.desired, "{\"c\":2}");
	is(s->d.twin_tags, "{\"a\":1}");
	assert_true(slice_absent(json_member(s->d.desired_metadata, "b", false)));
	assert_int_equal(s->d.desired_version, 3);
}

static void the_first_content_of_a_new_twin_is_of_version_one(void **state)
{
	struct scene *s = *state;

	assert_int_equal(apply(s, "{\"tags\":{\"t\":1},\"properties\":{\"desired\":{\"a\":1},\"reported\":{\"r\":1}}}", TWIN_FRESH).e, OK);
	assert_int_equal(s->d.desired_version, 1);
	assert_int_equal(twin_version(&s->d), 2);
	is(json_member(s->d.desired_metadata, "$lastUpdatedVersion", false), "1");
	assert_true(slice_absent(json_member(s->d.reported_metadata, "$lastUpdatedVersion", false)));
}

static void an_echoed_version_and_metadata_are_ignored(void **state)
{
	struct scene *s = *state;

	merge(s,
	      "{\"deviceId\":\"other\",\"version\":99,\"properties\":{\"desired\":{\"a\":1,\"$version\":77,\"$metadata\":{\"x y\":1}}}}");
	is(s->d.desired, "{\"a\":1}");
	assert_int_equal(s->d.desired_version, 2);
}

static void a_null_section_is_not_given(void **state)
{
	struct scene *s = *state;
	struct twin_parts parts;

	assert_int_equal(twin_parts_read(SLICE("{\"tags\":null,\"properties\":null}"), false, s->arena, &parts).e, OK);
	assert_false(twin_parts_given(&parts));
	twin_parts_free(&parts);
}

static void a_service_may_not_write_what_the_device_reports(void **state)
{
	struct scene *s = *state;
	struct twin_parts parts;

	assert_int_equal(twin_parts_read(SLICE("{\"properties\":{\"reported\":{}}}"), false, s->arena, &parts).e, ERR_INVALID);
	assert_int_equal(twin_parts_read(SLICE("{\"Properties\":{\"Reported\":null}}"), false, s->arena, &parts).e, ERR_INVALID);
}

static void keys_with_forbidden_characters_are_refused(void **state)
{
	static const char *const keys[] = {"a.b", "a$b", "a b", "a\\u0007b", "a\\u007fb", "a\\u0085b"};
	struct scene *s = *state;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		refuses(s, arena_printf(s->arena, "{\"tags\":{\"%s\":1}}", keys[i]));
		refuses(s, arena_printf(s->arena, "{\"properties\":{\"desired\":{\"in\":[{\"%s\":1}]}}}", keys[i]));
	}
	refuses(s, "{\"tags\":{\"in\":{\"$metadata\":1}}}");
	merge(s, "{\"tags\":{\"\\u00e9-_#\":1}}");
}

static void keys_and_texts_have_their_longest(void **state)
{
	struct scene *s = *state;

	merge(s, arena_printf(s->arena, "{\"tags\":{\"%s\":1}}", many(s, 'k', TWIN_KEY_MAX)));
	refuses(s, arena_printf(s->arena, "{\"tags\":{\"%s\":1}}", many(s, 'k', TWIN_KEY_MAX + 1)));
	merge(s, arena_printf(s->arena, "{\"tags\":{\"a\":\"%s\"}}", many(s, 'v', TWIN_STRING_MAX)));
	refuses(s, arena_printf(s->arena, "{\"tags\":{\"a\":\"%s\"}}", many(s, 'v', TWIN_STRING_MAX + 1)));
}

static void integers_stay_within_two_to_the_power_of_52(void **state)
{
	struct scene *s = *state;

	merge(s, "{\"tags\":{\"a\":4503599627370496,\"b\":-4503599627370496}}");
	refuses(s, "{\"tags\":{\"a\":4503599627370497}}");
	refuses(s, "{\"tags\":{\"a\":[-4503599627370497]}}");
}

static void ten_levels_are_allowed_and_eleven_are_not(void **state)
{
	struct scene *s = *state;

	merge(s, "{\"tags\":{\"1\":{\"2\":{\"3\":{\"4\":{\"5\":{\"6\":{\"7\":{\"8\":{\"9\":{\"10\":{\"p\":1}}}}}}}}}}}}");
	refuses(s, "{\"tags\":{\"1\":{\"2\":{\"3\":{\"4\":{\"5\":{\"6\":{\"7\":{\"8\":{\"9\":{\"10\":{\"11\":{}}}}}}}}}}}}}");
}

static void size_counts_keys_and_values_and_nothing_else(void **state)
{
	struct scene *s = *state;
	json_t *json;

	/* a 1+8, bc 2+4, d 1+3 (the bytes of a text), e 1 + (f 1 + 8 + 4 + 2), g 1 + 8 */
	assert_int_equal(json_read(SLICE("{\"a\":1,\"bc\":true,\"d\":\"x\\u00e9\",\"e\":{\"f\":[1,false,\"yz\"]},\"g\":1.5}"), s->arena,
				   &json, NULL),
			 OK);
	assert_int_equal(twin_size(json), 9 + 6 + 4 + 16 + 9);
	json_decref(json);
}

static void a_number_with_a_fraction_keeps_it(void **state)
{
	struct scene *s = *state;

	merge(s, "{\"tags\":{\"a\":5.0,\"e\":[-0e-300,1e300],\"b\":4503599627370501.0,\"c\":0.1,\"d\":5}}");
	is(s->d.twin_tags, "{\"a\":5.0,\"e\":[-0.0,1e+300],\"b\":4503599627370501.0,\"c\":0.1,\"d\":5}");
}

static void tags_of_eight_kilobytes_fit_and_one_byte_more_does_not(void **state)
{
	struct scene *s = *state;

	/* Two texts of 4095 bytes, each under a key of one byte: 8192. */
	merge(s, arena_printf(s->arena, "{\"tags\":{\"a\":\"%s\",\"b\":\"%s\"}}", many(s, 'x', 4095), many(s, 'y', 4095)));
	refuses(s, "{\"tags\":{\"c\":\"\"}}");
	merge(s, "{\"tags\":{\"b\":null,\"c\":\"\"}}");
}

static void desired_may_be_larger_than_tags(void **state)
{
	struct scene *s = *state;
	char key[] = "a";

	for (; key[0] < 'a' + 8; key[0]++)
		merge(s, arena_printf(s->arena, "{\"properties\":{\"desired\":{\"%s\":\"%s\"}}}", key, many(s, 'x', 4095)));
	refuses(s, "{\"properties\":{\"desired\":{\"z\":\"\"}}}");
}

static void sections_must_be_objects(void **state)
{
	struct scene *s = *state;

	refuses(s, "{\"tags\":[]}");
	refuses(s, "{\"tags\":1}");
	refuses(s, "{\"properties\":[]}");
	refuses(s, "{\"properties\":{\"desired\":\"x\"}}");
	refuses(s, "[]");
	refuses(s, "nonsense");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_new_twin_has_version_two_and_the_first_etag),
		TEST(the_document_has_the_published_shape),
		TEST(an_empty_section_shows_when_the_device_was_born),
		TEST(tags_alone_leave_the_desired_version),
		TEST(what_the_device_reports_moves_the_version_and_not_the_etag),
		TEST(etag_and_version_add_up_as_in_published_twins),
		TEST(objects_merge_null_deletes_and_arrays_are_replaced),
		TEST(metadata_follows_the_members_at_every_level),
		TEST(an_object_in_the_place_of_a_value_starts_new_metadata),
		TEST(replacing_forgets_what_was_there_and_drops_nulls),
		TEST(the_first_content_of_a_new_twin_is_of_version_one),
		TEST(an_echoed_version_and_metadata_are_ignored),
		TEST(a_null_section_is_not_given),
		TEST(a_service_may_not_write_what_the_device_reports),
		TEST(keys_with_forbidden_characters_are_refused),
		TEST(keys_and_texts_have_their_longest),
		TEST(integers_stay_within_two_to_the_power_of_52),
		TEST(ten_levels_are_allowed_and_eleven_are_not),
		TEST(size_counts_keys_and_values_and_nothing_else),
		TEST(a_number_with_a_fraction_keeps_it),
		TEST(tags_of_eight_kilobytes_fit_and_one_byte_more_does_not),
		TEST(desired_may_be_larger_than_tags),
		TEST(sections_must_be_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
