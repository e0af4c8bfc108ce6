/* Lines of the log, as whoever reads them gets them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"

static int ends[2];
static char line[32768];

static int set_up(void **state)
{
	(void)state;
	return pipe2(ends, O_NONBLOCK | O_CLOEXEC);
}

static int tear_down(void **state)
{
	(void)state;
	log_setup(2, LOG_AUTO, LOG_INFO);
	close(ends[0]);
	close(ends[1]);
	return 0;
}

/* What was written, without the time in front (in JSON its value) and the level that the test knows. */
static const char *written(void)
{
	ssize_t n = read(ends[0], line, sizeof(line) - 1);

	line[n > 0 ? n : 0] = 0;
	return line;
}

static void contains(const char *part)
{
	if (strstr(line, part) == NULL)
		fail_msg("\"%s\" is not in: %s", part, line);
}

static void lacks(const char *part)
{
	if (strstr(line, part) != NULL)
		fail_msg("\"%s\" is in: %s", part, line);
}

static void is_one_line(void)
{
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

static void the_text_form_reads_like_a_sentence(void **state)
{
	(void)state;
	log_setup(ends[1], LOG_TEXT, LOG_INFO);
	log_info(NULL, "assigned", "device", "press-07", "hub", "hub one", "gone", NULL, "empty", "", NULL);
	written();
	assert_string_equal(line + 24, " info  assigned device=press-07 hub=\"hub one\" empty=\"\"\n");
	assert_int_equal(line[4], '-');
	assert_int_equal(line[23], 'Z');
}

static void the_json_form_is_one_object_a_line(void **state)
{
	(void)state;
	log_setup(ends[1], LOG_JSON, LOG_INFO);
	log_warn(NULL, "assigned", "device", "press-07", "gone", NULL, "n", log_num((char[24]){0}, -9223372036854775807 - 1), NULL);
	written();
	assert_memory_equal(line, "{\"time\":\"2", 10);
	contains("Z\",\"level\":\"warn\",\"event\":\"assigned\",\"device\":\"press-07\",\"n\":\"-9223372036854775808\"}\n");
}

static void a_pipe_is_no_terminal(void **state)
{
	(void)state;
	log_setup(ends[1], LOG_AUTO, LOG_INFO);
	log_info(NULL, "x", NULL);
	assert_int_equal(written()[0], '{');
}

static void levels_below_the_lowest_are_silent(void **state)
{
	enum log_level level = LOG_DEBUG;

	(void)state;
	log_setup(ends[1], LOG_TEXT, LOG_WARN);
	log_info(NULL, "x", NULL);
	assert_string_equal(written(), "");
	log_error(NULL, "x", NULL);
	assert_string_equal(written() + 24, " error x\n");
	log_set_level(LOG_DEBUG);
	log_debug(NULL, "x", NULL);
	assert_string_equal(written() + 24, " debug x\n");
	assert_true(log_parse_level(SLICE("WARN"), &level) && level == LOG_WARN);
	assert_false(log_parse_level(SLICE("loud"), &level));
	assert_false(log_parse_level(SLICE(""), &level));
}

static void bound_fields_come_outermost_first(void **state)
{
	struct log connection = {NULL, "peer", "192.0.2.1"}, request = {&connection, "request", "17"};

	(void)state;
	log_setup(ends[1], LOG_TEXT, LOG_INFO);
	log_info(&request, "x", "a", "b", NULL);
	assert_string_equal(written() + 24, " info  x a=b peer=192.0.2.1 request=17\n");
}

static void no_value_can_break_its_line_or_forge_a_field(void **state)
{
	static const char nasty[] = "a\r\nb\tc\x1b[31m\x7f\"q\\ hub=forged";

	(void)state;
	for (int form = LOG_TEXT; form <= LOG_JSON; form++) {
		log_setup(ends[1], (enum log_form)form, LOG_INFO);
		log_info(NULL, "x", "v", nasty, NULL);
		written();
		is_one_line();
		contains("\"a\\u000d\\u000ab\\u0009c\\u001b[31m\\u007f\\\"q\\\\ hub=forged\"");
	}
}

/* C1 controls: on a terminal U+009B begins what ESC [ begins; U+0085 is a line's end to some readers, U+2028 and U+2029 too. */
static void controls_and_line_ends_beyond_ascii_are_escaped_too(void **state)
{
	(void)state;
	for (int form = LOG_TEXT; form <= LOG_JSON; form++) {
		log_setup(ends[1], (enum log_form)form, LOG_INFO);
		log_info(NULL, "x", "v",
			 "a\xc2\x9b"
			 "31m\xc2\x85\xe2\x80\xa8\xe2\x80\xa9z\xc3\xa9",
			 NULL);
		written();
		contains("\"a\\u009b31m\\u0085\\u2028\\u2029z\xc3\xa9\"");
	}
}

static void bytes_that_are_not_utf_8_do_not_spoil_the_object(void **state)
{
	static const char *const wrong[] = {
		"a\xff.", "a\xc3.", "a\xc0\xaf.", "a\xe0\x80\x80.", "a\xed\xa0\x80.", "a\xf4\x90\x80\x80.", "a\x9b.", "a\xf0\x9f\x98"};

	(void)state;
	for (int form = LOG_TEXT; form <= LOG_JSON; form++) {
		log_setup(ends[1], (enum log_form)form, LOG_INFO);
		for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
			log_info(NULL, "x", "v", wrong[i], NULL);
			written();
			contains("\"a\\ufffd");
			for (const char *p = line; *p; p++)
				assert_true((unsigned char)*p < 0x80);
		}
		log_info(NULL, "x", "v", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", NULL);
		written();
		contains("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
		lacks("\\u");
	}
}

static void an_event_that_is_too_long_is_still_one_line(void **state)
{
	static char long_value[20000];

	(void)state;
	memset(long_value, 'x', sizeof(long_value) - 1);
	for (int form = LOG_TEXT; form <= LOG_JSON; form++) {
		log_setup(ends[1], (enum log_form)form, LOG_INFO);
		log_info(NULL, "too_much", "v", long_value, NULL);
		written();
		is_one_line();
		contains("too_much");
		contains("the event was too long");
	}
}

static void a_closed_pipe_loses_the_line_and_nothing_else(void **state)
{
	(void)state;
	log_setup(-1, LOG_TEXT, LOG_INFO);
	log_info(NULL, "x", NULL);
	log_setup(ends[1], LOG_TEXT, LOG_INFO);
	log_info(NULL, "y", NULL);
	assert_string_equal(written() + 24, " info  y\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_text_form_reads_like_a_sentence),
		TEST(the_json_form_is_one_object_a_line),
		TEST(a_pipe_is_no_terminal),
		TEST(levels_below_the_lowest_are_silent),
		TEST(bound_fields_come_outermost_first),
		TEST(no_value_can_break_its_line_or_forge_a_field),
		TEST(controls_and_line_ends_beyond_ascii_are_escaped_too),
		TEST(bytes_that_are_not_utf_8_do_not_spoil_the_object),
		TEST(an_event_that_is_too_long_is_still_one_line),
		TEST(a_closed_pipe_loses_the_line_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
