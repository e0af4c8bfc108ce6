/* JSON: what is refused, what passes through unchanged, and what is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/json.h"

#define ROOM (1024 * 1024)

static struct arena *a;

static int set_up(void **state)
{
	(void)state;
	return (a = arena_new(ROOM)) == NULL;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(&a);
	return 0;
}

static void is(struct slice s, const char *expected)
{
	assert_false(slice_absent(s));
	if (!slice_eq(s, slice_str(expected)))
		fail_msg("%.*s should be %s", SLICE_ARG(s), expected);
}

static json_t *read_good(struct slice text)
{
	json_t *json;

	assert_int_equal(json_read(text, a, &json, NULL), OK);
	assert_non_null(json);
	return json;
}

static void refused(struct slice text)
{
	json_t *json = (json_t *)a;
	const char *why = NULL;

	if (json_read(text, a, &json, &why) != ERR_MALFORMED)
		fail_msg("%.*s was taken", SLICE_ARG(text));
	assert_null(json);
	assert_non_null(why);
	assert_true(strlen(why) > 10);
	assert_int_equal(json_read(text, a, &json, NULL), ERR_MALFORMED);
}

static void what_is_not_json_is_refused(void **state)
{
	static const char *const wrong[] = {"",           " ",           "{",          "}",         "{}}",   "{} {}",         "[1,]",
					    "{\"a\":1,}", "{a:1}",       "'a'",        "[01]",      "[+1]",  "[.5]",          "[1.]",
					    "[0x1]",      "[NaN]",       "[Infinity]", "True",      "nul",   "\"\t\"",        "\"\\x\"",
					    "\"\\u12\"",  "\"\\ud800\"", "// c\n{}",   "{\"a\" 1}", "{1:2}", "\xef\xbb\xbf{}"};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		refused(slice_str(wrong[i]));
	refused(NO_SLICE);
}

static void a_key_stands_once(void **state)
{
	(void)state;
	refused(SLICE("{\"a\":1,\"a\":1}"));
	refused(SLICE("{\"x\":{\"a\":1,\"b\":2,\"a\":3}}"));
	refused(SLICE("{\"a\":1,\"\\u0061\":2}")); /* written otherwise, the same key */
	json_decref(read_good(SLICE("{\"a\":1,\"A\":2,\"x\":{\"a\":3}}")));
}

static void text_is_utf_8_without_nul(void **state)
{
	static const char *const wrong[] = {
		"\"\xff\"", "\"\xc3\"", "\"\xc0\xaf\"", "\"\xe0\x80\x80\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "{\"\x80\":1}"};
	json_t *json;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		refused(slice_str(wrong[i]));
	refused(SLICE("\"a\0b\""));
	refused(SLICE("\"a\\u0000b\""));
	refused(SLICE("{\"a\\u0000b\":1}"));
	refused(SLICE("{}\0"));
	json = read_good(SLICE("\"\xc3\xa9\\ud83d\\ude00\""));
	assert_string_equal(json_string_value(json), "\xc3\xa9\xf0\x9f\x98\x80");
	json_decref(json);
}

static struct slice nested(char *to, int depth, char open, char close)
{
	memset(to, open, (size_t)depth);
	memset(to + depth, close, (size_t)depth);
	return slice_over(to, (size_t)depth * 2);
}

static void depth_is_bounded_before_the_parser_recurses(void **state)
{
	static char text[400000];

	(void)state;
	json_decref(read_good(nested(text, JSON_DEPTH, '[', ']')));
	refused(nested(text, JSON_DEPTH + 1, '[', ']'));
	refused(nested(text, 200000, '[', ']'));
	refused(nested(text, 200000, '{', '}'));
	json_decref(read_good(SLICE("\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"")));
	json_decref(read_good(
		SLICE("[[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[]]")));
}

static void numbers_are_kept_to_the_last_digit_or_refused(void **state)
{
	json_t *json = read_good(SLICE("[9223372036854775807,-9223372036854775808,0.1,1e300]"));

	(void)state;
	assert_true(json_integer_value(json_array_get(json, 0)) == INT64_MAX);
	assert_true(json_integer_value(json_array_get(json, 1)) == INT64_MIN);
	assert_true(json_real_value(json_array_get(json, 2)) == 0.1);
	json_decref(json);
	refused(SLICE("9223372036854775808"));
	refused(SLICE("1e999"));
}

/* The parser asks this one for memory; the n-th time there is none. */
static int until_failure;

static void *failing_malloc(size_t n)
{
	return until_failure-- == 1 ? NULL : malloc(n);
}

static void without_memory_it_fails_and_leaves_nothing_behind(void **state)
{
	enum err e = ERR_NO_MEMORY;
	json_t *json;
	int n;

	(void)state;
	for (n = 1; e != OK; n++) {
		until_failure = n;
		json_set_alloc_funcs(failing_malloc, free);
		e = json_read(SLICE("{\"a\":[1,2.5,\"three\",null,{\"b\":true}],\"a longer key than most\":{}}"), a, &json, NULL);
		json_set_alloc_funcs(malloc, free);
		if (e == OK)
			json_decref(json);
		else
			assert_true(e == ERR_NO_MEMORY || e == ERR_MALFORMED); /* jansson does not always know why it failed */
	}
	assert_true(n > 10);
}

/* --- the text as it came --- */

static void a_member_is_the_text_that_came(void **state)
{
	struct slice text = SLICE(" { \"tags\" : {\"n\":12345678901234567890.10e+05, \"s\":\"\\u00e9 }]\\\"\"} ,\"deep\":[[1, 2],{\"x\" "
				  ":null}]\n,\"e\":-0.0 , \"s\":\"a,b\"}");

	(void)state;
	is(json_member(text, "tags", false), "{\"n\":12345678901234567890.10e+05, \"s\":\"\\u00e9 }]\\\"\"}");
	is(json_member(json_member(text, "tags", false), "n", false), "12345678901234567890.10e+05");
	is(json_member(text, "deep", false), "[[1, 2],{\"x\" :null}]");
	is(json_member(text, "e", false), "-0.0");
	is(json_member(text, "s", false), "\"a,b\"");
	assert_true(slice_absent(json_member(text, "n", false))); /* not looked for inside */
	assert_true(slice_absent(json_member(text, "TAGS", false)));
	is(json_member(text, "DEEP", true), "[[1, 2],{\"x\" :null}]");
	assert_true(slice_absent(json_member(SLICE("[1]"), "a", false)));
	assert_true(slice_absent(json_member(SLICE("{}"), "a", false)));
	assert_true(slice_absent(json_member(SLICE("\"a\""), "a", false)));
	assert_true(slice_absent(json_member(NO_SLICE, "a", false)));
}

static void the_exact_spelling_is_preferred_by_both_readers(void **state)
{
	struct slice text = SLICE("{\"Payload\":1,\"payload\":2}");
	json_t *json = read_good(text);

	(void)state;
	assert_int_equal(json_integer_value(json_get_fold(json, "payload")), 2);
	is(json_member(text, "payload", true), "2");
	assert_int_equal(json_integer_value(json_get_fold(json, "Payload")), 1);
	is(json_member(text, "Payload", true), "1");
	assert_non_null(json_get_fold(json, "PAYLOAD"));
	assert_null(json_get_fold(json, "pay"));
	json_decref(json);
}

static void a_name_with_escapes_is_found_by_both_readers(void **state)
{
	struct slice text = SLICE("{\"p\\u0061yl\\u006Fad\":1,\"a\\/b\":2,\"\\u00e9\":3}");
	json_t *json = read_good(text);

	(void)state;
	assert_int_equal(json_integer_value(json_get_fold(json, "payload")), 1);
	is(json_member(text, "payload", false), "1");
	is(json_member(text, "PAYLOAD", true), "1");
	is(json_member(text, "a/b", false), "2");
	assert_true(slice_absent(json_member(text, "pAyload", false)));
	assert_true(slice_absent(json_member(text, "payloa", false)));
	assert_true(slice_absent(json_member(text, "payload2", false)));
	json_decref(json);
}

static void members_and_elements_come_one_after_the_other(void **state)
{
	struct slice name, value;
	size_t at = 0;

	(void)state;
	assert_true(json_each(SLICE(" [ 1 ,\"a\" , [] ] "), &at, &name, &value));
	assert_true(slice_absent(name));
	is(value, "1");
	assert_true(json_each(SLICE(" [ 1 ,\"a\" , [] ] "), &at, NULL, &value));
	is(value, "\"a\"");
	assert_true(json_each(SLICE(" [ 1 ,\"a\" , [] ] "), &at, NULL, &value));
	is(value, "[]");
	assert_false(json_each(SLICE(" [ 1 ,\"a\" , [] ] "), &at, NULL, &value));
	at = 0;
	assert_true(json_each(SLICE("{\"a\\\"b\" : true}"), &at, &name, &value));
	is(name, "a\\\"b"); /* raw */
	is(value, "true");
	at = 0;
	assert_false(json_each(SLICE("{}"), &at, &name, &value));
	assert_false(json_each(SLICE("7"), &at, &name, &value));
}

/* The scanner may be wrong about what json_read has not accepted, but it stays inside. */
static void half_a_text_is_never_read_beyond(void **state)
{
	static const char text[] = "{\"a\\\"\\u0041\":[1,{\"b\":\"c\\\\\"},[]],\"d\" : -1.5e3, \"e\":{}}";

	(void)state;
	for (size_t n = 0; n < sizeof(text); n++) {
		char *place = malloc(n ? n : 1);
		struct slice half = slice_over(memcpy(place, text, n), n), name, value;
		size_t at = 0;

		(void)json_member(half, "e", true);
		while (json_each(half, &at, &name, &value))
			assert_true(value.p >= half.p && value.p + value.n <= half.p + half.n);
		(void)json_compact(a, half);
		free(place);
	}
}

static void compacting_drops_only_blanks_between_tokens(void **state)
{
	(void)state;
	is(json_compact(a, SLICE(" { \"b\" : [ 1 , 2.50 ] ,\r\n\t\"a b\" : \" x  \\\" y \" } ")),
	   "{\"b\":[1,2.50],\"a b\":\" x  \\\" y \"}");
	assert_true(slice_absent(json_compact(a, NO_SLICE)));
	assert_true(slice_absent(json_compact(a, SLICE("{\"a"))));
}

/* --- writing --- */

static void what_is_written_is_json(void **state)
{
	struct json_out j;
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	json_out_init(&j, &b);
	json_open(&j, NULL, '{');
	json_str(&j, "s", "a\"b\\c\n\r\t\x01\x7f\xc3\xa9");
	json_text(&j, "nul", SLICE("a\0b"));
	json_text(&j, "absent", NO_SLICE);
	json_int(&j, "least", INT64_MIN);
	json_double(&j, "d", 0.1);
	json_bool(&j, "yes", true);
	json_none(&j, "none");
	json_open(&j, "list", '[');
	json_int(&j, NULL, 1);
	json_open(&j, NULL, '[');
	json_close(&j, ']');
	json_raw(&j, NULL, SLICE("{\"as\":  1.50}"));
	json_close(&j, ']');
	json_bool(&j, "k\"", false);
	json_close(&j, '}');
	assert_false(buf_failed(&b));
	is(buf_slice(&b), "{\"s\":\"a\\\"b\\\\c\\n\\u000d\\u0009\\u0001\x7f\xc3\xa9\",\"nul\":\"a\\u0000b\",\"absent\":\"\",\"least\":-"
			  "9223372036854775808,"
			  "\"d\":0.1,\"yes\":true,\"none\":null,\"list\":[1,[],{\"as\":  1.50}],\"k\\\"\":false}");
	buf_fini(&b);
}

static void a_double_reads_back_as_itself(void **state)
{
	static const double numbers[] = {0, 1, -2.5, 0.1, 1.0 / 3, 1e21, 5e-324, 1.7976931348623157e308, 123456789.125, 4503599627370497.5};
	struct json_out j;
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		json_t *json;

		buf_clear(&b);
		json_out_init(&j, &b);
		json_double(&j, NULL, numbers[i]);
		json = read_good(buf_slice(&b));
		assert_true(json_number_value(json) == numbers[i]);
		json_decref(json);
	}
	buf_fini(&b);
}

static void writing_too_deep_or_too_much_fails_the_buffer(void **state)
{
	struct json_out j;
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	json_out_init(&j, &b);
	for (int i = 0; i < JSON_OUT_DEPTH + 10; i++)
		json_open(&j, NULL, '[');
	for (int i = 0; i < JSON_OUT_DEPTH + 10; i++)
		json_close(&j, ']');
	assert_true(buf_failed(&b));
	buf_fini(&b);
	buf_init(&b, 5);
	json_quote(&b, SLICE("abcd"));
	assert_true(buf_failed(&b));
	buf_fini(&b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_not_json_is_refused),
		TEST(a_key_stands_once),
		TEST(text_is_utf_8_without_nul),
		TEST(depth_is_bounded_before_the_parser_recurses),
		TEST(numbers_are_kept_to_the_last_digit_or_refused),
		TEST(without_memory_it_fails_and_leaves_nothing_behind),
		TEST(a_member_is_the_text_that_came),
		TEST(the_exact_spelling_is_preferred_by_both_readers),
		TEST(a_name_with_escapes_is_found_by_both_readers),
		TEST(members_and_elements_come_one_after_the_other),
		TEST(half_a_text_is_never_read_beyond),
		TEST(compacting_drops_only_blanks_between_tokens),
		TEST(what_is_written_is_json),
		TEST(a_double_reads_back_as_itself),
		TEST(writing_too_deep_or_too_much_fails_the_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
