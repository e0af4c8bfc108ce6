/* Cursors: what they take, and that they stop at the end for good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cursor.h"

static void numbers_have_the_high_byte_first(void **state)
{
	struct cursor c = cursor_over(SLICE("\xfe\x01\x02\xff\xfe"));

	(void)state;
	assert_int_equal(cur_u8(&c), 0xfe);
	assert_int_equal(cur_u16(&c), 0x0102);
	assert_int_equal(cur_u16(&c), 0xfffe);
	assert_false(c.bad);
	assert_int_equal(c.rest.n, 0);
}

static void bytes_are_lent_from_what_is_read(void **state)
{
	struct slice in = SLICE("\x00\x02"
				"ab\x00\x00rest");
	struct cursor c = cursor_over(in);
	struct slice s = cur_str16(&c);

	(void)state;
	assert_true(slice_eq(s, SLICE("ab")));
	assert_ptr_equal(s.p, in.p + 2);
	s = cur_str16(&c);
	assert_false(slice_absent(s));
	assert_int_equal(s.n, 0);
	assert_true(slice_eq(cur_bytes(&c, 1), SLICE("r")));
	assert_true(slice_eq(cur_rest(&c), SLICE("est")));
	assert_false(slice_absent(cur_rest(&c)));
	assert_false(c.bad);
}

static void a_step_too_far_takes_nothing_and_cannot_be_taken_back(void **state)
{
	struct cursor c = cursor_over(SLICE("\x01\x02\x03"));

	(void)state;
	assert_int_equal(cur_u16(&c), 0x0102);
	assert_int_equal(cur_u16(&c), 0);
	assert_true(c.bad);
	assert_int_equal(cur_u8(&c), 0); /* though one byte was left */
	assert_true(slice_absent(cur_bytes(&c, 0)));
	assert_true(slice_absent(cur_rest(&c)));
	assert_true(slice_absent(cur_str16(&c)));
	assert_true(c.bad);
	c = cursor_over(SLICE("\x00\x03"
			      "ab"));
	assert_true(slice_absent(cur_str16(&c)));
	assert_true(c.bad);
	c = cursor_over(SLICE("a"));
	assert_true(slice_absent(cur_bytes(&c, SIZE_MAX)));
	assert_true(c.bad);
}

static void over_nothing_there_is_nothing_to_take(void **state)
{
	struct cursor c = cursor_over(NO_SLICE);

	(void)state;
	assert_false(slice_absent(cur_rest(&c)));
	assert_false(slice_absent(cur_bytes(&c, 0)));
	assert_false(c.bad);
	assert_int_equal(cur_u8(&c), 0);
	assert_true(c.bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_have_the_high_byte_first),
		cmocka_unit_test(bytes_are_lent_from_what_is_read),
		cmocka_unit_test(a_step_too_far_takes_nothing_and_cannot_be_taken_back),
		cmocka_unit_test(over_nothing_there_is_nothing_to_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
