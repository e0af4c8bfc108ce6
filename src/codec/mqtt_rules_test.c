/* Texts, topic names and topic filters (sections 1.5.3 and 4.7 of MQTT 3.1.1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "codec/mqtt.h"

/* [MQTT-1.5.3-1] [MQTT-1.5.3-2] [MQTT-1.5.3-3] [MQTT-4.7.3-2] */
static void a_text_is_utf8_without_nul(void **state)
{
	(void)state;
	assert_true(mqtt_text_good(SLICE("")));
	assert_true(mqtt_text_good(SLICE("A\xf0\xaa\x9b\x94"))); /* the example of the standard */
	assert_true(mqtt_text_good(SLICE("\xef\xbb\xbf")));
	assert_true(mqtt_text_good(SLICE("\x01\x1f\x7f\xc2\x80\xef\xbf\xbf"))); /* it may be refused, and is not */
	assert_false(mqtt_text_good(SLICE("a\0")));
	assert_false(mqtt_text_good(SLICE("\xed\xa0\x80")));
	assert_false(mqtt_text_good(SLICE("a\xff")));
	assert_false(mqtt_text_good(SLICE("\xc0\xaf")));
}

/* [MQTT-4.7.3-3] */
static void a_text_has_at_most_65535_bytes(void **state)
{
	static char longer[MQTT_TEXT_MAX + 1];

	(void)state;
	memset(longer, 'x', sizeof(longer));
	assert_true(mqtt_text_good(slice_over(longer, MQTT_TEXT_MAX)));
	assert_true(mqtt_topic_good(slice_over(longer, MQTT_TEXT_MAX)));
	assert_true(mqtt_filter_good(slice_over(longer, MQTT_TEXT_MAX)));
	assert_false(mqtt_text_good(slice_over(longer, sizeof(longer))));
	assert_false(mqtt_topic_good(slice_over(longer, sizeof(longer))));
	assert_false(mqtt_filter_good(slice_over(longer, sizeof(longer))));
}

/* [MQTT-4.7.1-1] [MQTT-4.7.3-1] */
static void a_topic_name_has_no_wildcards_and_is_not_empty(void **state)
{
	(void)state;
	assert_true(mqtt_topic_good(SLICE("/")));
	assert_true(mqtt_topic_good(SLICE("$dps/registrations/PUT/iotdps-register/?$rid=1")));
	assert_true(mqtt_topic_good(SLICE("Accounts payable//\xc3\xa9")));
	assert_false(mqtt_topic_good(SLICE("")));
	assert_false(mqtt_topic_good(NO_SLICE));
	assert_false(mqtt_topic_good(SLICE("a/+")));
	assert_false(mqtt_topic_good(SLICE("a+")));
	assert_false(mqtt_topic_good(SLICE("#")));
	assert_false(mqtt_topic_good(SLICE("a\xff")));
	assert_false(mqtt_topic_good(SLICE("a\0")));
}

static void are_filters(bool good, const char *const *filters, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (mqtt_filter_good(slice_str(filters[i])) != good)
			fail_msg("\"%s\" is %s filter", filters[i], good ? "a" : "no");
}

#define FILTERS(good, ...)                                                                                                                 \
	are_filters(good, (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

/* [MQTT-4.7.1-2] */
static void the_wildcard_for_the_rest_is_the_whole_last_level(void **state)
{
	(void)state;
	FILTERS(true, "#", "/#", "sport/tennis/#", "sport/tennis/player1/#", "$dps/registrations/res/#");
	FILTERS(false, "sport/tennis#", "sport/tennis/#/ranking", "##", "#/", "/#/", "#a", "#/#", "#+");
}

/* [MQTT-4.7.1-3] */
static void the_wildcard_for_one_level_is_the_whole_level(void **state)
{
	(void)state;
	FILTERS(true, "+", "/+", "+/", "+/+", "+/tennis/#", "sport/+/player1", "a/+/b/+/c");
	FILTERS(false, "sport+", "+sport", "a/b+/c", "++", "+#", "+/++");
}

/* [MQTT-4.7.3-1] [MQTT-4.7.3-2] */
static void a_filter_is_a_text_and_not_empty(void **state)
{
	(void)state;
	FILTERS(true, "/", "//", "a", " ", "\xc3\xa9/+");
	FILTERS(false, "", "\xff", "\xc3/#");
	assert_false(mqtt_filter_good(NO_SLICE));
	assert_false(mqtt_filter_good(SLICE("a\0/b")));
}

static void match(bool expected, const char *filter, const char *topic)
{
	assert_true(mqtt_filter_good(slice_str(filter)) && mqtt_topic_good(slice_str(topic)));
	if (mqtt_filter_matches(slice_str(filter), slice_str(topic)) != expected)
		fail_msg("\"%s\" %s \"%s\"", filter, expected ? "covers" : "does not cover", topic);
}

/* Section 4.7.1.2 */
static void the_wildcard_for_the_rest_covers_the_level_above_it_too(void **state)
{
	(void)state;
	match(true, "sport/tennis/player1/#", "sport/tennis/player1");
	match(true, "sport/tennis/player1/#", "sport/tennis/player1/ranking");
	match(true, "sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon");
	match(true, "sport/#", "sport");
	match(true, "sport/#", "sport/");
	match(true, "#", "sport");
	match(true, "#", "/");
	match(true, "/#", "/");
	match(false, "sport/#", "sports");
	match(false, "sport/#", "spor");
	match(false, "/#", "sport");
	match(false, "sport/tennis/#", "sport");
}

/* Section 4.7.1.3 */
static void the_wildcard_for_one_level_covers_one_level(void **state)
{
	(void)state;
	match(true, "sport/tennis/+", "sport/tennis/player1");
	match(false, "sport/tennis/+", "sport/tennis/player1/ranking");
	match(false, "sport/+", "sport");
	match(true, "sport/+", "sport/");
	match(true, "+/+", "/finance");
	match(true, "/+", "/finance");
	match(false, "+", "/finance");
	match(true, "+/tennis/#", "sport/tennis");
	match(true, "sport/+/player1", "sport//player1");
	match(false, "sport/+/player1", "sport/tennis/player2");
}

/* [MQTT-4.7.2-1] */
static void a_leading_wildcard_does_not_cover_topics_of_the_server(void **state)
{
	(void)state;
	match(false, "#", "$SYS/monitor/Clients");
	match(false, "+/monitor/Clients", "$SYS/monitor/Clients");
	match(false, "+", "$SYS");
	match(true, "$SYS/#", "$SYS/monitor/Clients");
	match(true, "$SYS/monitor/+", "$SYS/monitor/Clients");
	match(true, "$dps/registrations/res/#", "$dps/registrations/res/202/?$rid=1&retry-after=3");
	match(true, "+/monitor", "a$/monitor");
	match(true, "/#", "/$SYS");
}

/* [MQTT-4.7.3-4] */
static void nothing_is_made_equal_that_is_not(void **state)
{
	(void)state;
	match(true, "Accounts payable", "Accounts payable");
	match(false, "ACCOUNTS", "Accounts");
	match(false, "/finance", "finance");
	match(false, "finance", "finance/");
	match(false, "finance/", "finance");
	match(false, "a/b", "a//b");
	match(false, "\xc3\xa9", "e\xcc\x81"); /* the same letter, spelled otherwise */
	match(false, "a",
	      "\xef\xbb\xbf"
	      "a");
	match(true, "/", "/");
	match(false, "/", "//");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_is_utf8_without_nul),
		cmocka_unit_test(a_text_has_at_most_65535_bytes),
		cmocka_unit_test(a_topic_name_has_no_wildcards_and_is_not_empty),
		cmocka_unit_test(the_wildcard_for_the_rest_is_the_whole_last_level),
		cmocka_unit_test(the_wildcard_for_one_level_is_the_whole_level),
		cmocka_unit_test(a_filter_is_a_text_and_not_empty),
		cmocka_unit_test(the_wildcard_for_the_rest_covers_the_level_above_it_too),
		cmocka_unit_test(the_wildcard_for_one_level_covers_one_level),
		cmocka_unit_test(a_leading_wildcard_does_not_cover_topics_of_the_server),
		cmocka_unit_test(nothing_is_made_equal_that_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
