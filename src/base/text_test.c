/* base64, hexadecimal and percent escapes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"

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

static void is(struct slice s, struct slice expected)
{
	assert_false(slice_absent(s));
	if (!slice_eq(s, expected))
		fail_msg("\"%.*s\" should be \"%.*s\"", SLICE_ARG(s), SLICE_ARG(expected));
}

/* RFC 4648 section 10 */
static void base64_of_the_standard(void **state)
{
	static const char *const vectors[][2] = {{"", ""},
						 {"f", "Zg=="},
						 {"fo", "Zm8="},
						 {"foo", "Zm9v"},
						 {"foob", "Zm9vYg=="},
						 {"fooba", "Zm9vYmE="},
						 {"foobar", "Zm9vYmFy"},
						 {"\xfb\xff\xbf", "+/+/"}};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		is(base64_encode(a, slice_str(vectors[i][0])), slice_str(vectors[i][1]));
		is(base64_decode(a, slice_str(vectors[i][1])), slice_str(vectors[i][0]));
	}
}

static void all_bytes_survive_every_alphabet(void **state)
{
	char bytes[256];
	struct slice s;

	(void)state;
	for (int i = 0; i < 256; i++)
		bytes[i] = (char)(i * 7);
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		s = slice_over(bytes, n);
		is(base64_decode(a, base64_encode(a, s)), s);
		is(hex_decode(a, hex_lower(a, s)), s);
		is(hex_decode(a, hex_upper(a, s)), s);
		is(percent_decode(a, percent_encode(a, s)), s);
	}
}

static void base64_is_strict(void **state)
{
	static const char *const wrong[] = {
		"Zg",         "Zg=",  "Zg===",    "Zh==",    "Zm9=",     "====",   "=Zg=",  "Z===", "Zg==Zg==", "Zm9v\n", "Zm 9v",
		"Zm9vZg==\n", "Zm-_", "Zm9v!A==", "Zm9\xc3", "Zm9v====", "\nZm9v", " Zm9v", "Zm=v", "Zg=g",     "A=A=",   "AAA\xff"};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (!slice_absent(base64_decode(a, slice_str(wrong[i]))))
			fail_msg("\"%s\" was taken", wrong[i]);
	assert_true(slice_absent(base64_decode(a, NO_SLICE)));
	assert_true(slice_absent(base64_decode(a, SLICE("Zm9\0"))));
	assert_false(arena_failed(a));
}

static void base64_of_lines_skips_blanks_and_nothing_else(void **state)
{
	(void)state;
	is(base64_decode_lines(a, SLICE("\r\n Zm9v\r\n\tYmFy \n")), SLICE("foobar"));
	is(base64_decode_lines(a, SLICE("Z\ng\n=\n=")), SLICE("f"));
	is(base64_decode_lines(a, SLICE(" \n")), SLICE(""));
	assert_true(slice_absent(base64_decode_lines(a, SLICE("Zm9v\vYmFy"))));
	assert_true(slice_absent(base64_decode_lines(a, SLICE("Zm9v-Ym"))));
	assert_true(slice_absent(base64_decode_lines(a, SLICE("Zh==\n"))));
	assert_true(slice_absent(base64_decode_lines(a, NO_SLICE)));
	assert_false(arena_failed(a));
}

static void hexadecimal_is_pairs_of_digits(void **state)
{
	(void)state;
	is(hex_lower(a, SLICE("\x00\xa1\xff")), SLICE("00a1ff"));
	is(hex_upper(a, SLICE("\x00\xa1\xff")), SLICE("00A1FF"));
	is(hex_decode(a, SLICE("00aBFf")), SLICE("\x00\xab\xff"));
	is(hex_decode(a, SLICE("")), SLICE(""));
	assert_true(slice_absent(hex_decode(a, SLICE("abc"))));
	assert_true(slice_absent(hex_decode(a, SLICE("0g"))));
	assert_true(slice_absent(hex_decode(a, SLICE("0x"))));
	assert_true(slice_absent(hex_decode(a, SLICE("+1"))));
	assert_true(slice_absent(hex_decode(a, SLICE("a:"))));
	assert_true(slice_absent(hex_decode(a, NO_SLICE)));
}

static void percent_escapes_are_undone_once(void **state)
{
	static const char *const wrong[] = {"%", "a%", "%2", "a%2", "%zz", "%2g", "%g2", "%%41", "%+1", "% 1", "%u0041"};

	(void)state;
	is(percent_decode(a, SLICE("a%2Fb%2fc+d%2525")), SLICE("a/b/c+d%25"));
	is(percent_decode(a, SLICE("%00")), SLICE("\0"));
	is(percent_decode(a, SLICE("%C3%a9")), SLICE("\xc3\xa9"));
	is(percent_decode(a, SLICE("")), SLICE(""));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_true(slice_absent(percent_decode(a, slice_str(wrong[i]))));
	assert_true(slice_absent(percent_decode(a, NO_SLICE)));
	is(percent_encode(a, SLICE("aZ09-._~ /:+%\xc3\0")), SLICE("aZ09-._~%20%2F%3A%2B%25%C3%00"));
	assert_true(slice_absent(percent_encode(a, NO_SLICE)));
}

static void without_room_there_is_nothing(void **state)
{
	char text[64] = {0};
	struct slice s = slice_over(text, sizeof(text));

	(void)state;
	memset(text, 'A', sizeof(text));
	for (int i = 0; i < 7; i++) {
		struct arena *small = arena_new(24);
		const struct slice results[] = {base64_encode(small, s), base64_decode(small, s), base64_decode_lines(small, s),
						hex_lower(small, s),     hex_decode(small, s),    percent_decode(small, s),
						percent_encode(small, s)};

		assert_true(slice_absent(results[i]));
		assert_true(arena_failed(small));
		arena_free(&small);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(base64_of_the_standard),
		TEST(all_bytes_survive_every_alphabet),
		TEST(base64_is_strict),
		TEST(base64_of_lines_skips_blanks_and_nothing_else),
		TEST(hexadecimal_is_pairs_of_digits),
		TEST(percent_escapes_are_undone_once),
		TEST(without_room_there_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
