/* AMQP values and messages: every encoding read, the shortest written, nothing read beyond its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/amqp_message.h"

static struct amqp_cursor cursor;
static struct buf written;
static struct amqp_out out;

static int set_up(void **state)
{
	(void)state;
	buf_init(&written, 100000);
	amqp_out_init(&out, &written);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	buf_fini(&written);
	return 0;
}

/* From a place of its own size, so that the sanitizer sees a step too far. */
static struct amqp_value read_value(struct slice bytes)
{
	static char *place;

	free(place);
	place = malloc(bytes.n ? bytes.n : 1);
	memcpy(place, bytes.p, bytes.n);
	cursor = amqp_over(slice_over(place, bytes.n));
	return amqp_next(&cursor);
}

static void is(struct slice s, struct slice expected)
{
	if (!slice_eq(s, expected))
		fail_msg("\"%.*s\" should be \"%.*s\"", SLICE_ARG(s), SLICE_ARG(expected));
}

static void wrote(struct slice expected)
{
	assert_false(buf_failed(&written));
	assert_int_equal(written.n, expected.n);
	assert_memory_equal(written.p, expected.p, expected.n);
	buf_clear(&written);
}

/* --- values in --- */

static void numbers_are_read_in_every_width(void **state)
{
	const struct {
		struct slice bytes;
		enum amqp_kind kind;
		int64_t number;
	} all[] = {
		{SLICE("\x41"), AMQP_BOOL, 1},
		{SLICE("\x42"), AMQP_BOOL, 0},
		{SLICE("\x56\x01"), AMQP_BOOL, 1},
		{SLICE("\x56\x00"), AMQP_BOOL, 0},
		{SLICE("\x43"), AMQP_UNSIGNED, 0},
		{SLICE("\x44"), AMQP_UNSIGNED, 0},
		{SLICE("\x50\xff"), AMQP_UNSIGNED, 255},
		{SLICE("\x52\x80"), AMQP_UNSIGNED, 128},
		{SLICE("\x53\x10"), AMQP_UNSIGNED, 16},
		{SLICE("\x60\x12\x34"), AMQP_UNSIGNED, 0x1234},
		{SLICE("\x70\x80\x00\x00\x01"), AMQP_UNSIGNED, 0x80000001},
		{SLICE("\x80\x00\x00\x00\x01\x00\x00\x00\x02"), AMQP_UNSIGNED, 0x100000002},
		{SLICE("\x51\xff"), AMQP_SIGNED, -1},
		{SLICE("\x54\x7f"), AMQP_SIGNED, 127},
		{SLICE("\x55\x80"), AMQP_SIGNED, -128},
		{SLICE("\x61\xff\xfe"), AMQP_SIGNED, -2},
		{SLICE("\x71\xff\xff\xff\xfd"), AMQP_SIGNED, -3},
		{SLICE("\x81\xff\xff\xff\xff\xff\xff\xff\xfc"), AMQP_SIGNED, -4},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct amqp_value v = read_value(all[i].bytes);

		assert_false(cursor.bad);
		assert_int_equal(v.kind, all[i].kind);
		assert_int_equal((int64_t)v.number, all[i].number);
		is(v.raw, all[i].bytes);
	}
}

static void bytes_and_text_are_read_in_both_lengths(void **state)
{
	(void)state;
	is(read_value(SLICE("\xa0\x02\x00\x01")).bytes, SLICE("\x00\x01"));
	is(read_value(SLICE("\xb0\x00\x00\x00\x01x")).bytes, SLICE("x"));
	is(read_value(SLICE("\xa1\x03"
			    "abc"))
		   .bytes,
	   SLICE("abc"));
	is(read_value(SLICE("\xb1\x00\x00\x00\x00")).bytes, SLICE(""));
	assert_int_equal(read_value(SLICE("\xa3\x01x")).kind, AMQP_SYMBOL);
	assert_int_equal(read_value(SLICE("\xb3\x00\x00\x00\x01x")).kind, AMQP_SYMBOL);
	assert_int_equal(read_value(SLICE("\x98"
					  "0123456789abcdef"))
				 .kind,
			 AMQP_UUID);
	assert_int_equal(read_value(SLICE("\x83\x00\x00\x00\x00\x00\x00\x00\x00")).kind, AMQP_OTHER);
	assert_false(cursor.bad);
}

static void lists_and_maps_show_what_they_hold(void **state)
{
	(void)state;
	is(read_value(SLICE("\x45")).bytes, SLICE(""));
	is(read_value(SLICE("\xc0\x03\x02\x41\x42")).bytes, SLICE("\x41\x42"));
	is(read_value(SLICE("\xd0\x00\x00\x00\x05\x00\x00\x00\x01\x43")).bytes, SLICE("\x43"));
	assert_int_equal(read_value(SLICE("\xc1\x01\x00")).kind, AMQP_MAP);
	assert_int_equal(read_value(SLICE("\xd1\x00\x00\x00\x04\x00\x00\x00\x00")).kind, AMQP_MAP);
	assert_int_equal(read_value(SLICE("\xe0\x04\x01\xa3\x01x")).kind, AMQP_OTHER);
	assert_false(cursor.bad);
}

static void a_descriptor_is_a_number_before_its_value(void **state)
{
	struct amqp_value v = read_value(SLICE("\x00\x53\x10\xc0\x01\x00"));

	(void)state;
	assert_true(v.described && v.kind == AMQP_LIST);
	assert_int_equal(v.descriptor, 0x10);
	assert_int_equal(v.raw.n, 6);
	assert_int_equal(read_value(SLICE("\x00\x80\x00\x00\x00\x00\x00\x00\x00\x24\x45")).descriptor, 0x24);
	(void)read_value(SLICE("\x00\xa3\x01x\x45"));
	assert_true(cursor.bad);
	(void)read_value(SLICE("\x00\x00\x53\x10\x45"));
	assert_true(cursor.bad);
}

static void what_is_cut_short_is_bad_wherever_it_is_cut(void **state)
{
	const struct slice all[] = {
		SLICE("\x70\x80\x00\x00\x01"),
		SLICE("\xa1\x03"
		      "abc"),
		SLICE("\xb0\x00\x00\x00\x02xy"),
		SLICE("\xc0\x03\x02\x41\x42"),
		SLICE("\xd1\x00\x00\x00\x05\x00\x00\x00\x01\x43"),
		SLICE("\x00\x53\x10\x45"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		for (size_t n = 1; n < all[i].n; n++) {
			assert_int_equal(read_value(slice_to(all[i], n)).kind, AMQP_NULL);
			assert_true(cursor.bad);
		}
		(void)read_value(all[i]);
		assert_false(cursor.bad);
		assert_int_equal(cursor.rest.n, 0);
	}
	(void)read_value(SLICE("\xc0\x00"));
	assert_true(cursor.bad);
	(void)read_value(SLICE("\xd0\x00\x00\x00\x03\x00\x00\x00"));
	assert_true(cursor.bad);
	(void)read_value(SLICE("\x30"));
	assert_true(cursor.bad);
}

static void fields_that_are_left_out_are_null(void **state)
{
	(void)state;
	cursor = amqp_over(SLICE("\x40\x52\x07"));
	assert_int_equal(amqp_next_uint(&cursor, 3), 3);
	assert_int_equal(amqp_next_uint(&cursor, 3), 7);
	assert_int_equal(amqp_next_uint(&cursor, 3), 3);
	assert_true(amqp_next_bool(&cursor, true));
	assert_true(slice_absent(amqp_next_text(&cursor)));
	assert_true(slice_absent(amqp_next_binary(&cursor)));
	amqp_skip(&cursor, 100);
	assert_false(cursor.bad);
}

static void a_field_of_another_type_is_bad(void **state)
{
	(void)state;
	cursor = amqp_over(SLICE("\x41"));
	(void)amqp_next_uint(&cursor, 0);
	assert_true(cursor.bad);
	cursor = amqp_over(SLICE("\x43"));
	(void)amqp_next_bool(&cursor, false);
	assert_true(cursor.bad);
	cursor = amqp_over(SLICE("\xa0\x01x"));
	assert_true(slice_absent(amqp_next_text(&cursor)));
	assert_true(cursor.bad);
	cursor = amqp_over(SLICE("\xa1\x01x"));
	assert_true(slice_absent(amqp_next_binary(&cursor)));
	assert_true(cursor.bad);
	cursor = amqp_over(SLICE("\x80\x00\x00\x00\x01\x00\x00\x00\x00"));
	(void)amqp_next_uint(&cursor, 0);
	assert_true(cursor.bad);
}

static void a_map_is_searched_by_text(void **state)
{
	struct slice map = SLICE("\xa1\x01"
				 "a\x54\x01\x43\xa1\x01"
				 "b\xa3\x01"
				 "c\xa1\x01x\xa1\x01"
				 "c\x41\xa1\x01"
				 "d");

	(void)state;
	assert_int_equal(amqp_map_find(map, "a").number, 1);
	is(amqp_map_find(map, "c").bytes, SLICE("x"));
	assert_int_equal(amqp_map_find(map, "b").kind, AMQP_NULL);
	assert_int_equal(amqp_map_find(map, "d").kind, AMQP_NULL);
	assert_int_equal(amqp_map_find(SLICE("\xa1\x05"), "a").kind, AMQP_NULL);
	assert_int_equal(amqp_map_find(NO_SLICE, "a").kind, AMQP_NULL);
}

/* --- values out --- */

static void values_are_written_in_their_shortest_form(void **state)
{
	(void)state;
	amqp_put_null(&out);
	amqp_put_bool(&out, true);
	amqp_put_bool(&out, false);
	amqp_put_ubyte(&out, 0);
	amqp_put_ushort(&out, 258);
	wrote(SLICE("\x40\x41\x42\x50\x00\x60\x01\x02"));
	amqp_put_uint(&out, 0);
	amqp_put_uint(&out, 255);
	amqp_put_uint(&out, 256);
	wrote(SLICE("\x43\x52\xff\x70\x00\x00\x01\x00"));
	amqp_put_ulong(&out, 0);
	amqp_put_ulong(&out, 16);
	amqp_put_ulong(&out, 98304);
	wrote(SLICE("\x44\x53\x10\x80\x00\x00\x00\x00\x00\x01\x80\x00"));
	amqp_put_int(&out, 3);
	amqp_put_int(&out, -1);
	amqp_put_int(&out, 128);
	wrote(SLICE("\x54\x03\x54\xff\x71\x00\x00\x00\x80"));
	amqp_put_binary(&out, SLICE("\x00"));
	amqp_put_string(&out, SLICE("ab"));
	amqp_put_symbol(&out, "c");
	amqp_put_string(&out, NO_SLICE);
	amqp_put_symbol(&out, NULL);
	amqp_put_raw(&out, NO_SLICE);
	amqp_put_raw(&out, SLICE("\x54\x03"));
	wrote(SLICE("\xa0\x01\x00\xa1\x02"
		    "ab\xa3\x01"
		    "c\x40\x40\x40\x54\x03"));
}

static void long_text_has_a_long_length(void **state)
{
	char text[300];

	(void)state;
	memset(text, 'x', sizeof(text));
	amqp_put_string(&out, slice_over(text, 255));
	assert_memory_equal(written.p, "\xa1\xff", 2);
	buf_clear(&written);
	amqp_put_string(&out, slice_over(text, 256));
	assert_memory_equal(written.p, "\xb1\x00\x00\x01\x00", 5);
	assert_int_equal(written.n, 261);
}

static void lists_count_what_is_in_them_and_shrink_when_they_can(void **state)
{
	char text[250];

	(void)state;
	amqp_describe(&out, 0x10);
	amqp_open_list(&out);
	amqp_put_uint(&out, 1);
	amqp_describe(&out, 0x1d);
	amqp_open_list(&out);
	amqp_close_list(&out);
	amqp_open_map(&out);
	amqp_put_symbol(&out, "k");
	amqp_put_bool(&out, true);
	amqp_close_map(&out);
	amqp_close_list(&out);
	wrote(SLICE("\x00\x53\x10\xc0\x10\x03\x52\x01\x00\x53\x1d\xc0\x01\x00\xc1\x05\x02\xa3\x01k\x41"));
	/* 254 bytes and the count are the most that a short one can hold. */
	memset(text, 'x', sizeof(text));
	for (size_t more = 0; more < 2; more++) {
		amqp_open_list(&out);
		amqp_put_string(&out, slice_over(text, sizeof(text)));
		amqp_put_null(&out);
		amqp_put_null(&out);
		if (more)
			amqp_put_null(&out);
		amqp_close_list(&out);
		if (more)
			assert_memory_equal(written.p, "\xd0\x00\x00\x01\x03\x00\x00\x00\x04\xa1\xfa", 11);
		else
			assert_memory_equal(written.p, "\xc0\xff\x03\xa1\xfa", 5);
		assert_int_equal(read_value(buf_slice(&written)).raw.n, written.n);
		assert_false(cursor.bad);
		buf_clear(&written);
	}
}

static void what_does_not_fit_fails_the_buffer(void **state)
{
	struct buf small;
	struct amqp_out o;

	(void)state;
	buf_init(&small, 12);
	amqp_out_init(&o, &small);
	amqp_open_list(&o);
	amqp_put_ulong(&o, UINT64_MAX);
	amqp_close_list(&o);
	assert_true(buf_failed(&small));
	buf_fini(&small);
}

/* --- messages --- */

static struct amqp_message message;

static enum err read_message(struct slice bytes)
{
	static char *place;

	free(place);
	place = malloc(bytes.n ? bytes.n : 1);
	memcpy(place, bytes.p, bytes.n);
	return amqp_message_read(place, bytes.n, &message);
}

#define HEADER     "\x00\x53\x70\xc0\x02\x01\x41"
#define PROPERTIES "\x00\x53\x73\xc0\x0a\x06\x40\x40\x40\x40\x40\xa1\x02id"
#define APP        "\x00\x53\x74\xc1\x07\x02\xa1\x01k\xa1\x01v"
#define DATA(n, s) "\x00\x53\x75\xa0" n s
#define VALUE      "\x00\x53\x77\xa1\x02"

static void a_message_is_read_section_by_section(void **state)
{
	(void)state;
	assert_int_equal(read_message(SLICE(HEADER "\x00\x53\x71\xc1\x01\x00\x00\x53\x72\xc1\x01\x00" PROPERTIES APP DATA(
				 "\x02", "{}") "\x00\x53\x78\xc1\x01\x00")),
			 OK);
	is(message.correlation, SLICE("\xa1\x02id"));
	is(amqp_map_find(message.properties, "k").bytes, SLICE("v"));
	is(message.body, SLICE("{}"));
	assert_true(message.has_data);
}

static void nothing_at_all_is_a_message_without_a_body(void **state)
{
	(void)state;
	assert_int_equal(read_message(SLICE("")), OK);
	assert_true(slice_absent(message.body) && slice_absent(message.correlation) && !message.has_data);
	assert_int_equal(read_message(SLICE(PROPERTIES)), OK);
	assert_true(slice_absent(message.body));
}

static void data_sections_are_one_body(void **state)
{
	(void)state;
	assert_int_equal(read_message(SLICE(APP DATA("\x02", "{\"") DATA("\x00", "") "\x00\x53\x75\xb0\x00\x00\x00\x04"
										     "a\":1" DATA("\x01", "}"))),
			 OK);
	is(message.body, SLICE("{\"a\":1}"));
	is(amqp_map_find(message.properties, "k").bytes, SLICE("v"));
}

static void a_value_is_a_body_when_it_is_text(void **state)
{
	(void)state;
	assert_int_equal(read_message(SLICE(APP VALUE "ab")), OK);
	is(message.body, SLICE("ab"));
	assert_false(message.has_data);
	assert_int_equal(read_message(SLICE(APP "\x00\x53\x77\x43")), OK);
	assert_true(slice_absent(message.body));
	assert_int_equal(read_message(SLICE(APP "\x00\x53\x76\x45\x00\x53\x76\x45")), OK);
	assert_true(slice_absent(message.body));
}

static void sections_come_once_and_in_order(void **state)
{
	const struct slice all[] = {
		SLICE(APP PROPERTIES),
		SLICE(APP APP),
		SLICE(DATA("\x00", "") VALUE "ab"),
		SLICE(VALUE "ab" VALUE "ab"),
		SLICE(DATA("\x00", "") APP),
		SLICE("\x00\x53\x6f\x45"),
		SLICE("\x00\x53\x79\x45"),
		SLICE("\x45"),
		SLICE("\x00\x53\x75\x43"),
		SLICE("\x00\x53\x74\x45"),
		SLICE("\x00\x53\x73\xc1\x01\x00"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		assert_int_equal(read_message(all[i]), ERR_MALFORMED);
	for (size_t n = 1; n < sizeof(APP) - 1; n++)
		assert_int_equal(read_message(slice_to(SLICE(APP), n)), ERR_MALFORMED);
}

static void a_correlation_id_keeps_its_type(void **state)
{
	const struct slice good[] = {SLICE("\x53\x07"), SLICE("\x44"),
				     SLICE("\x98"
					   "0123456789abcdef"),
				     SLICE("\xa0\x01\x00"), SLICE("\xa1\x00")};
	const struct slice bad[] = {SLICE("\x41"), SLICE("\xa3\x01x"), SLICE("\x45"), SLICE("\x00\x53\x10\xa1\x01x"), SLICE("\xa1\x09")};
	struct buf text;

	(void)state;
	buf_init(&text, 1000);
	for (size_t i = 0; i < 2 * sizeof(good) / sizeof(good[0]); i++) {
		struct slice id = i % 2 ? bad[i / 2] : good[i / 2];

		buf_clear(&text);
		buf_add(&text, SLICE("\x00\x53\x73\xc0"));
		buf_add_char(&text, (char)(6 + id.n));
		buf_add(&text, SLICE("\x06\x40\x40\x40\x40\x40"));
		buf_add(&text, id);
		assert_int_equal(read_message(buf_slice(&text)), i % 2 ? ERR_MALFORMED : OK);
		if (i % 2 == 0)
			is(message.correlation, id);
	}
	buf_fini(&text);
}

static void a_correlation_id_has_a_limit(void **state)
{
	char id[AMQP_CORRELATION_MAX] = "";

	(void)state;
	for (size_t more = 0; more < 2; more++) {
		buf_clear(&written);
		amqp_describe(&out, 0x73);
		amqp_open_list(&out);
		for (int i = 0; i < 5; i++)
			amqp_put_null(&out);
		amqp_put_binary(&out, slice_over(id, AMQP_CORRELATION_MAX - 2 + more));
		amqp_close_list(&out);
		assert_int_equal(read_message(buf_slice(&written)), more ? ERR_TOO_BIG : OK);
	}
}

static void an_answer_has_one_data_section_and_both_names_of_the_delay(void **state)
{
	struct amqp_answer answer = {.correlation = SLICE("\xa1\x02id"), .retry_after = 3, .body = SLICE("{}")};

	(void)state;
	amqp_message_write(&written, &answer);
	wrote(SLICE("\x00\x53\x73\xc0\x0a\x06\x40\x40\x40\x40\x40\xa1\x02id"
		    "\x00\x53\x74\xc1\x1f\x04\xa1\x0bretry-after\x54\x03\xa1\x0bRetry-After\x54\x03"
		    "\x00\x53\x75\xa0\x02{}"));
	answer = (struct amqp_answer){.body = SLICE("")};
	amqp_message_write(&written, &answer);
	wrote(SLICE("\x00\x53\x74\xc1\x01\x00\x00\x53\x75\xa0\x00"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(numbers_are_read_in_every_width),
		TEST(bytes_and_text_are_read_in_both_lengths),
		TEST(lists_and_maps_show_what_they_hold),
		TEST(a_descriptor_is_a_number_before_its_value),
		TEST(what_is_cut_short_is_bad_wherever_it_is_cut),
		TEST(fields_that_are_left_out_are_null),
		TEST(a_field_of_another_type_is_bad),
		TEST(a_map_is_searched_by_text),
		TEST(values_are_written_in_their_shortest_form),
		TEST(long_text_has_a_long_length),
		TEST(lists_count_what_is_in_them_and_shrink_when_they_can),
		TEST(what_does_not_fit_fails_the_buffer),
		TEST(a_message_is_read_section_by_section),
		TEST(nothing_at_all_is_a_message_without_a_body),
		TEST(data_sections_are_one_body),
		TEST(a_value_is_a_body_when_it_is_text),
		TEST(sections_come_once_and_in_order),
		TEST(a_correlation_id_keeps_its_type),
		TEST(a_correlation_id_has_a_limit),
		TEST(an_answer_has_one_data_section_and_both_names_of_the_delay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
