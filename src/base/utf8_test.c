/* UTF-8: every code point there is, and every way to be none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/utf8.h"

/* RFC 3629 section 3, and the forms of one byte more that it forbids: by `length`, whether the number fits or not. */
static struct slice spell(char to[4], uint32_t c, size_t length)
{
	static const uint8_t marks[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = length; i-- > 1; c >>= 6)
		to[i] = (char)(0x80 | (c & 0x3f));
	to[0] = (char)(marks[length] | c);
	return slice_over(to, length);
}

static size_t bytes_needed(uint32_t c)
{
	return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
}

static void every_character_is_text_in_its_shortest_form_only(void **state)
{
	char to[4];

	(void)state;
	for (uint32_t c = 0; c <= 0x1fffff; c++) {
		bool exists = c <= 0x10ffff && !(c >= 0xd800 && c <= 0xdfff);
		size_t n = bytes_needed(c);

		if (utf8_length(spell(to, c, n)) != (exists ? n : 0))
			fail_msg("U+%04X", c);
		for (size_t longer = n + 1; longer <= 4; longer++)
			if (utf8_length(spell(to, c, longer)) != 0)
				fail_msg("U+%04X in %zu bytes", c, longer);
	}
}

/* In a place of its own size, so that the sanitizer sees a step too far. */
static void is_no_text(const char *bytes)
{
	size_t n = strlen(bytes);
	char *place = malloc(n);

	memcpy(place, bytes, n);
	if (utf8_good(slice_over(place, n)))
		fail_msg("%zu bytes from %02x are taken for text", n, (unsigned char)place[0]);
	free(place);
}

static void pieces_of_a_character_are_no_text(void **state)
{
	(void)state;
	is_no_text("\x80");
	is_no_text("\xbf");
	is_no_text("\xc2");
	is_no_text("\xe2\x82");
	is_no_text("\xf0\x9f\x98");
	is_no_text("\xc2\x41");
	is_no_text("\xe2\x82\x41");
	is_no_text("\xe2\x41\xac");
	is_no_text("\xf0\x9f\x98\xc0");
	is_no_text("\xf0\x9f\xff\x80");
	is_no_text("\xc0\x80");
	is_no_text("\xc1\xbf");
	is_no_text("\xf5\x80\x80\x80");
	is_no_text("\xfe");
	is_no_text("\xff");
	is_no_text("good until \xc3");
	is_no_text("\xed\xa0\xbd\xed\xb8\x80"); /* a surrogate pair */
}

static void text_is_characters_one_after_the_other(void **state)
{
	(void)state;
	assert_true(utf8_good(SLICE("")));
	assert_true(utf8_good(NO_SLICE));
	assert_true(utf8_good(SLICE("a\0b")));
	assert_true(utf8_good(SLICE("\xef\xbb\xbf gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80")));
	assert_int_equal(utf8_length(SLICE("\xc3\xbc rest")), 2);
	assert_int_equal(utf8_length(SLICE("")), 0);
	assert_int_equal(utf8_length(NO_SLICE), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_character_is_text_in_its_shortest_form_only),
		cmocka_unit_test(pieces_of_a_character_are_no_text),
		cmocka_unit_test(text_is_characters_one_after_the_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
