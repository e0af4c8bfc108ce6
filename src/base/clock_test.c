/* Instants as text and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

static instant parsed(const char *text)
{
	instant t = -1;

	assert_int_equal(instant_parse(slice_str(text), &t), OK);
	return t;
}

static void prints(instant t, enum instant_form form, const char *expected)
{
	char text[INSTANT_TEXT];

	assert_ptr_equal(instant_print(t, form, text), text);
	assert_string_equal(text, expected);
}

/* service-api.md 4.5 */
static void trailing_zeros_are_dropped(void **state)
{
	(void)state;
	prints(parsed("2023-05-19T23:10:43.9486465Z"), INSTANT_ISO, "2023-05-19T23:10:43.9486465Z");
	prints(parsed("2023-05-19T23:10:47.6869680Z"), INSTANT_ISO, "2023-05-19T23:10:47.686968Z");
	prints(parsed("2023-05-19T23:10:47.5Z"), INSTANT_ISO, "2023-05-19T23:10:47.5Z");
	prints(parsed("2023-05-19T23:10:47.0000001Z"), INSTANT_ISO, "2023-05-19T23:10:47.0000001Z");
	prints(parsed("2023-05-19T23:10:40.0Z"), INSTANT_ISO, "2023-05-19T23:10:40Z");
}

/* device-api.md 4 */
static void seven_digits_are_always_seven(void **state)
{
	(void)state;
	prints(parsed("2022-08-31T22:02:50.5163352Z"), INSTANT_ISO7, "2022-08-31T22:02:50.5163352Z");
	prints(parsed("2022-08-31T22:02:50Z"), INSTANT_ISO7, "2022-08-31T22:02:50.0000000Z");
	prints(parsed("2022-08-31T22:02:50.12Z"), INSTANT_ISO7, "2022-08-31T22:02:50.1200000Z");
}

static void a_certificate_and_http_tell_whole_seconds(void **state)
{
	(void)state;
	prints(parsed("2023-05-19T23:10:43.9999999Z"), INSTANT_SECONDS, "2023-05-19T23:10:43Z");
	prints(parsed("2022-08-31T22:02:50.9Z"), INSTANT_HTTP, "Wed, 31 Aug 2022 22:02:50 GMT");
	prints(784111777 * INSTANT_SECOND, INSTANT_HTTP, "Sun, 06 Nov 1994 08:49:37 GMT"); /* RFC 9110 section 5.6.7 */
}

/* hub-api.md 1 */
static void never_is_the_year_one_and_back(void **state)
{
	(void)state;
	prints(0, INSTANT_ISO, "0001-01-01T00:00:00Z");
	prints(0, INSTANT_ISO7, "0001-01-01T00:00:00Z");
	assert_true(parsed("0001-01-01T00:00:00Z") == 0);
	assert_true(parsed("0001-01-01T00:00:00") == 0);
}

static void instants_are_ticks_since_1970(void **state)
{
	(void)state;
	assert_true(parsed("2026-09-21T14:13:20Z") == 1790000000 * INSTANT_SECOND); /* `se` of device-api.md 7.3 */
	assert_true(parsed("1970-01-01T00:00:00.0000001Z") == 1);
	assert_true(parsed("1969-12-31T23:59:59.9999999Z") == -1);
	assert_true(parsed("2024-02-29t00:00:00z") == parsed("2024-02-29T00:00:00"));
	assert_true(parsed("9999-12-31T23:59:59Z") == 253402300799 * INSTANT_SECOND);
}

static void before_1970_the_fraction_counts_forward_too(void **state)
{
	(void)state;
	prints(-1, INSTANT_ISO, "1969-12-31T23:59:59.9999999Z");
	prints(parsed("1601-01-01T00:00:00.25Z"), INSTANT_ISO7, "1601-01-01T00:00:00.2500000Z");
	prints(parsed("9999-12-31T23:59:59.9999999Z"), INSTANT_ISO, "9999-12-31T23:59:59.9999999Z");
}

static void what_is_printed_reads_back(void **state)
{
	instant step = 987654321987654321 / 1000, back;
	char text[INSTANT_TEXT];

	(void)state;
	for (instant t = -500 * step + 1; t < 2000 * step; t += step) {
		instant_print(t, INSTANT_ISO, text);
		assert_int_equal(instant_parse(slice_str(text), &back), OK);
		assert_true(back == t);
		instant_print(t, INSTANT_ISO7, text);
		assert_int_equal(instant_parse(slice_str(text), &back), OK);
		assert_true(back == t);
	}
}

static void what_is_not_a_date_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		"2023",
		"2023-05-19",
		"2023-05-19T23:10",
		"2023-05-19 23:10:43Z",
		"2023-05-19T23:10:43.Z",
		"2023-05-19T23:10:43.12345678Z",
		"2023-05-19T23:10:43+00:00",
		"2023-05-19T23:10:43ZZ",
		"2023-05-19T23:10:43Z ",
		" 2023-05-19T23:10:43Z",
		"2023-5-19T23:10:43Z",
		"2023-02-29T00:00:00Z",
		"2023-04-31T00:00:00Z",
		"2023-00-10T00:00:00Z",
		"2023-13-10T00:00:00Z",
		"2023-01-00T00:00:00Z",
		"2023-01-32T00:00:00Z",
		"2023-01-10T24:00:00Z",
		"2023-01-10T00:60:00Z",
		"2023-01-10T00:00:61Z",
		"0000-01-01T00:00:00Z",
		"-023-05-19T23:10:43Z",
		"+023-05-19T23:10:43Z",
		"2023/05/19T23:10:43Z",
		"2023-05-19T23.10.43Z",
		"2023-05-19T23:10:43,5Z",
	};
	instant t = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(instant_parse(slice_str(wrong[i]), &t), ERR_MALFORMED);
	assert_int_equal(instant_parse(NO_SLICE, &t), ERR_MALFORMED);
	assert_true(t == 42);
}

/* A minute of 61 seconds ends in a second that no instant can hold: taken anywhere or nowhere. */
static void a_leap_second_is_refused_at_midnight_as_at_noon(void **state)
{
	instant t;

	(void)state;
	assert_int_equal(instant_parse(SLICE("2016-12-31T23:59:60Z"), &t), ERR_MALFORMED);
	assert_int_equal(instant_parse(SLICE("2016-12-31T12:00:60Z"), &t), ERR_MALFORMED);
}

static void the_clocks_go(void **state)
{
	int64_t ms = clock_mono_ms(), us = clock_mono_us();

	(void)state;
	assert_true(clock_mono_ms() >= ms);
	assert_true(clock_mono_us() >= us);
	assert_true(clock_wall() > parsed("2020-01-01T00:00:00Z"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trailing_zeros_are_dropped),
		cmocka_unit_test(seven_digits_are_always_seven),
		cmocka_unit_test(a_certificate_and_http_tell_whole_seconds),
		cmocka_unit_test(never_is_the_year_one_and_back),
		cmocka_unit_test(instants_are_ticks_since_1970),
		cmocka_unit_test(before_1970_the_fraction_counts_forward_too),
		cmocka_unit_test(what_is_printed_reads_back),
		cmocka_unit_test(what_is_not_a_date_is_refused),
		cmocka_unit_test(a_leap_second_is_refused_at_midnight_as_at_noon),
		cmocka_unit_test(the_clocks_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
