/*
 * Tables: as RFC 4180 has them, and as spreadsheets in other countries write them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/csv.h"

static struct arena *a;
static struct csv csv;
static struct slice fields[CSV_FIELDS_MAX];
static size_t count;

static int set_up(void **state)
{
	(void)state;
	a = arena_new(1 << 20);
	return a == NULL;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(&a);
	return 0;
}

static void expect(const char *one, const char *two, size_t line)
{
	assert_int_equal(csv_next(&csv, a, fields, &count), OK);
	assert_int_equal(count, two ? 2 : 1);
	assert_true(slice_eq(fields[0], slice_str(one)));
	if (two)
		assert_true(slice_eq(fields[1], slice_str(two)));
	assert_int_equal(csv.line, line);
}

static void assert_end(enum err e)
{
	assert_int_equal(csv_next(&csv, a, fields, &count), e);
}

static void fields_stand_between_commas(void **state)
{
	(void)state;
	csv_init(&csv, SLICE("id,name\r\n1,one\r\n\r\n2,\n3,three"));
	expect("id", "name", 1);
	expect("1", "one", 2);
	expect("2", "", 4);
	expect("3", "three", 5);
	assert_end(ERR_NOT_FOUND);
}

static void quotes_hold_what_would_separate(void **state)
{
	(void)state;
	csv_init(&csv, SLICE("\"a,b\",\"say \"\"hi\"\"\"\n\"two\nlines\",x\nlast,y"));
	expect("a,b", "say \"hi\"", 1);
	expect("two\nlines", "x", 2);
	expect("last", "y", 4);
	assert_end(ERR_NOT_FOUND);
}

static void semicolons_and_tabs_are_known_by_the_first_line(void **state)
{
	(void)state;
	csv_init(&csv, SLICE("\xef\xbb\xbfid;name\n1,5;x"));
	expect("id", "name", 1);
	expect("1,5", "x", 2);
	csv_init(&csv, SLICE("id\tname\n1;2\tx"));
	expect("id", "name", 1);
	expect("1;2", "x", 2);
	csv_init(&csv, SLICE("alone\nx"));
	expect("alone", NULL, 1);
}

static void what_is_not_closed_is_malformed(void **state)
{
	(void)state;
	csv_init(&csv, SLICE("\"abc"));
	assert_end(ERR_MALFORMED);
	csv_init(&csv, SLICE("\"abc\"d,e"));
	assert_end(ERR_MALFORMED);
	csv_init(&csv, SLICE(""));
	assert_end(ERR_NOT_FOUND);
	csv_init(&csv, SLICE("\n\r\n"));
	assert_end(ERR_NOT_FOUND);
}

static void too_many_fields_are_refused(void **state)
{
	char line[CSV_FIELDS_MAX + 1];

	(void)state;
	memset(line, ',', sizeof(line));
	csv_init(&csv, slice_over(line, CSV_FIELDS_MAX - 1));
	assert_end(OK);
	assert_int_equal(count, CSV_FIELDS_MAX);
	csv_init(&csv, slice_over(line, CSV_FIELDS_MAX));
	assert_end(ERR_TOO_BIG);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(fields_stand_between_commas),
		TEST(quotes_hold_what_would_separate),
		TEST(semicolons_and_tabs_are_known_by_the_first_line),
		TEST(what_is_not_closed_is_malformed),
		TEST(too_many_fields_are_refused),
	};

	return cmocka_run_group_tests_name("csv", tests, NULL, NULL);
}
