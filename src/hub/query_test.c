/*
 * query_test.c: reading queries, and judging one twin by them (hub-api.md 4.7).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hub/query.h"

#define ROOM (1u << 20)

static const char document[] =
	"{\"deviceId\":\"pump-17\",\"status\":\"enabled\",\"version\":5,\"authenticationType\":\"sas\",\"tags\":{\"site\":\"north\","
	"\"Site\":\"south\",\"floor\":3,\"hot\":true,\"note\":null,\"quote\":\"a \\\"b\\\"\",\"list\":[1,2],\"a "
	"b\":1,\"deep\":{\"er\":1.5}},"
	"\"properties\":{\"desired\":{\"rate\":5,\"$version\":2},\"reported\":{\"fw\":\"1.10.0\"}},\"capabilities\":{\"iotEdge\":false}}";

struct scene {
	struct arena *arena;
	struct query_row row;
};

static int begin(void **state)
{
	struct arena *arena = arena_new(ROOM);
	struct scene *s = arena_alloc(arena, sizeof(*s));

	s->arena = arena;
	s->row = (struct query_row){SLICE(document), arena};
	*state = s;
	return 0;
}

static int end(void **state)
{
	struct arena *arena = ((struct scene *)*state)->arena;

	arena_free(&arena);
	return 0;
}

static struct query read_query(struct scene *s, const char *text)
{
	struct query q;
	const char *why = NULL;

	if (query_read(slice_str(text), s->arena, &q, &why) != OK)
		fail_msg("%s: %s", text, why);
	assert_null(why);
	return q;
}

static bool holds(struct scene *s, const char *condition)
{
	struct query q = read_query(s, arena_printf(s->arena, "SELECT * FROM devices WHERE %s", condition));

	return query_matches(&q, &s->row);
}

static void all_hold(struct scene *s, const char *const *conditions, bool expected)
{
	for (; *conditions; conditions++)
		if (holds(s, *conditions) != expected)
			fail_msg("%s should %s", *conditions, expected ? "hold" : "not hold");
}

static void projects(struct scene *s, const char *columns, const char *expected)
{
	struct query q = read_query(s, arena_printf(s->arena, "SELECT %s FROM devices", columns));
	struct json_out out;
	struct buf text;

	buf_init(&text, ROOM);
	json_out_init(&out, &text);
	query_project(&q, &s->row, NULL, &out);
	buf_add_char(&text, '\0');
	assert_string_equal(text.p, expected);
	buf_fini(&text);
}

static void is_malformed_at(struct scene *s, const char *text, const char *sentence)
{
	struct query q;
	const char *why = NULL;

	assert_int_equal(query_read(slice_str(text), s->arena, &q, &why), ERR_MALFORMED);
	assert_string_equal(why, sentence);
}

static void comparisons_hold(void **state)
{
	static const char *const conditions[] = {"deviceId = 'pump-17'",
						 "deviceId = \"pump-17\"",
						 "'pump-17' = deviceId",
						 "deviceId != 'pump-18'",
						 "deviceId <> 'x'",
						 "version = 5",
						 "version = 5.0",
						 "version = 0x5",
						 "version >= 5",
						 "version <= 5",
						 "version > 4.5",
						 "version < 6",
						 "deviceId > 'pump-16'",
						 "tags.hot = true",
						 "tags.note = null",
						 "tags.deep.er = 1.5",
						 "tags.deep.er < 2",
						 "tags.floor != 'x'",
						 "properties.desired.rate = 5",
						 "properties.desired.$version = 2",
						 "capabilities.iotEdge = false",
						 "tags.hot",
						 "tags.quote = 'a \"b\"'",
						 "tags.quote = \"a \\\"b\\\"\"",
						 "tags.floor > -1",
						 "1 = 1",
						 NULL};
	all_hold(*state, conditions, true);
}

static void comparisons_do_not_hold(void **state)
{
	static const char *const conditions[] = {"deviceId = 'PUMP-17'", "deviceId != 'pump-17'", "version = '5'",
						 "version > 5",          "version < '9'",         "tags.hot = 'true'",
						 "tags.note != null",    "capabilities.iotEdge",  "deviceId",
						 "tags.floor = true",    "tags.hot < true",       NULL};
	all_hold(*state, conditions, false);
}

static void what_is_missing_or_no_primitive_makes_a_comparison_false(void **state)
{
	static const char *const conditions[] = {"tags.gone = 1",
						 "tags.gone != 1",
						 "tags.gone = null",
						 "tags.gone < 1",
						 "tags.gone IN [1]",
						 "tags.gone NIN [1]",
						 "tags.list = 1",
						 "tags.list != 1",
						 "tags.deep = tags.deep",
						 "tags.site.x = 1",
						 "tags.gone = tags.gone",
						 "other = 1",
						 NULL};
	all_hold(*state, conditions, false);
}

static void undefined_asks_whether_something_is_there(void **state)
{
	static const char *const yes[] = {"tags.gone = undefined",     "tags.site != undefined", "IS_DEFINED(tags.site)",
					  "NOT is_defined(tags.gone)", "IS_DEFINED(tags.note)",  NULL};
	static const char *const no[] = {"tags.site = undefined", "tags.gone != undefined", "IS_DEFINED(tags.gone)", NULL};

	all_hold(*state, yes, true);
	all_hold(*state, no, false);
}

static void and_binds_closer_than_or(void **state)
{
	static const char *const yes[] = {"1=1 OR 1=1 AND 1=2",
					  "(1=1 OR 1=1) AND 1=1",
					  "NOT 1=2 AND 1=1",
					  "not (1=2 or 1=3)",
					  "1=2 OR 1=2 OR 1=1",
					  "1=1 AND 1=1 AND 1=1",
					  NULL};
	static const char *const no[] = {"(1=1 OR 1=1) AND 1=2", "NOT 1=1 OR 1=2",        "1=1 AND 1=1 AND 1=2",
					 "1=2 OR 1=2 OR 1=2",    "NOT (1=1 AND NOT 1=2)", NULL};

	all_hold(*state, yes, true);
	all_hold(*state, no, false);
}

static void lists_and_functions(void **state)
{
	static const char *const yes[] = {"tags.floor IN [1, 2, 3]",
					  "deviceId in ['x','pump-17']",
					  "tags.floor NIN [4, 5]",
					  "STARTSWITH(deviceId, 'pump')",
					  "starts_with(properties.reported.fw, '1.')",
					  "ENDSWITH(deviceId, '17')",
					  "CONTAINS(deviceId, 'p-1')",
					  "IS_NUMBER(tags.floor)",
					  "IS_STRING(tags.site)",
					  "IS_BOOL(tags.hot)",
					  "IS_NULL(tags.note)",
					  "IS_ARRAY(tags.list)",
					  "IS_OBJECT(tags.deep)",
					  "IS_PRIMITIVE(tags.floor)",
					  NULL};
	static const char *const no[] = {"tags.floor IN []",
					 "tags.floor IN ['3']",
					 "tags.floor NIN [3]",
					 "STARTSWITH(deviceId, 'Pump')",
					 "STARTSWITH(version, '5')",
					 "ENDSWITH('7', deviceId)",
					 "IS_NUMBER(tags.site)",
					 "IS_PRIMITIVE(tags.list)",
					 NULL};

	all_hold(*state, yes, true);
	all_hold(*state, no, false);
}

static void own_names_compare_without_case_and_the_twins_with_it(void **state)
{
	static const char *const yes[] = {"DEVICEID = 'pump-17'",
					  "Properties.Desired.rate = 5",
					  "TAGS.site = 'north'",
					  "tags.Site = 'south'",
					  "Capabilities.IOTEDGE = false",
					  "tags.[[a b]] = 1",
					  NULL};
	static const char *const no[] = {"properties.desired.Rate = 5", "tags.SITE = 'north'", NULL};

	all_hold(*state, yes, true);
	all_hold(*state, no, false);
}

static void columns_are_named_by_their_last_name_or_as_told(void **state)
{
	projects(*state, "deviceId", "{\"deviceId\":\"pump-17\"}");
	projects(*state, "DeviceId, tags.site AS place", "{\"deviceId\":\"pump-17\",\"place\":\"north\"}");
	projects(*state, "tags.gone, tags.deep, tags.list", "{\"deep\":{\"er\":1.5},\"list\":[1,2]}");
	projects(*state, "tags.[[a b]], tags.quote as [[q\"q]]", "{\"a b\":1,\"q\\\"q\":\"a \\\"b\\\"\"}");
	projects(*state, "tags.gone", "{}");
}

static void the_parts_of_a_query_are_found(void **state)
{
	struct scene *s = *state;
	struct query q = read_query(s, "select top 5 * from devices where status = 'enabled'");

	assert_true(q.all && q.top == 5 && q.where && !q.group && q.source == QUERY_DEVICES);
	q = read_query(s, "SELECT status AS s, COUNT() AS n FROM devices GROUP BY Status");
	assert_true(!q.all && q.counts && q.columns == 2 && q.group && q.top == INT_NONE);
	assert_true(slice_eq(q.column[1].name, SLICE("n")));
	q = read_query(s, "SELECT COUNT(*) FROM devices.modules");
	assert_int_equal(q.source, QUERY_MODULES);
	assert_true(slice_eq(q.column[0].name, SLICE("$1")));
	assert_int_equal(read_query(s, "SELECT * FROM devices.jobs").source, QUERY_JOBS);
}

static void a_malformed_query_is_told_where(void **state)
{
	struct scene *s = *state;

	is_malformed_at(s, "", "The query ends at character 1, where SELECT is expected.");
	is_malformed_at(s, "SELECT *", "The query ends at character 9, where FROM is expected.");
	is_malformed_at(s, "SELECT * FROM device", "The query is malformed at character 15: devices is expected.");
	is_malformed_at(s, "SELECT * FROM devices WHERE", "The query ends at character 28, where a path or a value is expected.");
	is_malformed_at(s, "SELECT * FROM devices WHERE a = ", "The query ends at character 33, where a path or a value is expected.");
	is_malformed_at(s, "SELECT * FROM devices WHERE a = 'x", "The query is malformed at character 33: a path or a value is expected.");
	is_malformed_at(s, "SELECT * FROM devices x", "The query is malformed at character 23: WHERE, GROUP BY or the end is expected.");
	is_malformed_at(s, "SELECT * FROM devices WHERE (a = 1", "The query ends at character 35, where ) is expected.");
	is_malformed_at(s, "SELECT * FROM devices WHERE a = 1 b",
			"The query is malformed at character 35: the end, AND or OR is expected.");
	is_malformed_at(s, "SELECT a FROM devices WHERE f(1)",
			"The query is malformed at character 30: the name of a function before this is expected.");
	is_malformed_at(s, "SELECT tags.v, tags.w.v FROM devices",
			"The query is malformed at character 25: another name for this column (by AS) is expected.");
	is_malformed_at(s, "SELECT a, COUNT() FROM devices", "Beside COUNT() only the path of GROUP BY can be selected.");
	is_malformed_at(s, "SELECT * FROM devices GROUP BY a", "SELECT * does not go with GROUP BY.");
}

static void nesting_is_bounded(void **state)
{
	struct scene *s = *state;
	char text[4096] = "SELECT * FROM devices WHERE ";
	struct query q;
	const char *why;

	for (int i = 0; i < 1000; i++)
		strcat(text, "(");
	assert_int_equal(query_read(slice_str(text), s->arena, &q, &why), ERR_MALFORMED);
	assert_true(slice_search(slice_str(why), SLICE("fewer parentheses")) >= 0);
}

static void a_long_chain_is_no_nesting(void **state)
{
	struct scene *s = *state;
	char text[8192] = "1=2";

	for (int i = 0; i < 1000; i++)
		strcat(text, " OR 1=2");
	assert_false(holds(s, text));
	strcat(text, " OR 1=1");
	assert_true(holds(s, text));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(comparisons_hold),
		TEST(comparisons_do_not_hold),
		TEST(what_is_missing_or_no_primitive_makes_a_comparison_false),
		TEST(undefined_asks_whether_something_is_there),
		TEST(and_binds_closer_than_or),
		TEST(lists_and_functions),
		TEST(own_names_compare_without_case_and_the_twins_with_it),
		TEST(columns_are_named_by_their_last_name_or_as_told),
		TEST(the_parts_of_a_query_are_found),
		TEST(a_malformed_query_is_told_where),
		TEST(nesting_is_bounded),
		TEST(a_long_chain_is_no_nesting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
