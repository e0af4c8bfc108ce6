/* Slices, absent and empty ones too, and lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/list.h"
#include "base/slice.h"

static void an_absent_slice_equals_an_empty_one_and_is_still_absent(void **state)
{
	(void)state;
	assert_true(slice_eq(NO_SLICE, SLICE("")));
	assert_true(slice_eq_fold(NO_SLICE, SLICE("")));
	assert_int_equal(slice_cmp(NO_SLICE, SLICE("")), 0);
	assert_true(slice_absent(NO_SLICE));
	assert_false(slice_absent(SLICE("")));
	assert_true(slice_absent(slice_str(NULL)));
	assert_true(slice_absent(slice_from(NO_SLICE, 3)));
	assert_true(slice_absent(slice_trim(NO_SLICE)));
}

static void bytes_are_the_same_or_not(void **state)
{
	(void)state;
	assert_true(slice_eq(SLICE("a\0b"), SLICE("a\0b")));
	assert_false(slice_eq(SLICE("a\0b"), SLICE("a\0c")));
	assert_false(slice_eq(SLICE("ab"), SLICE("abc")));
	assert_false(slice_eq(SLICE("a"), SLICE("A")));
}

static void only_the_letters_of_ascii_fold(void **state)
{
	(void)state;
	assert_true(slice_eq_fold(SLICE("AbZ-09"), SLICE("aBz-09")));
	assert_false(slice_eq_fold(SLICE("@"), SLICE("`"))); /* the neighbours of A and a, 32 apart like them */
	assert_false(slice_eq_fold(SLICE("["), SLICE("{")));
	assert_false(slice_eq_fold(SLICE("\xc3\x84"), SLICE("\xc3\xa4")));
	assert_false(slice_eq_fold(SLICE("ab"), SLICE("abc")));
	assert_true(slice_starts_fold(SLICE("Bearer x"), SLICE("bearer ")));
	assert_false(slice_starts_fold(SLICE("Bear"), SLICE("bearer ")));
	assert_true(slice_ends_fold(SLICE("hub.EXAMPLE.test"), SLICE(".example.TEST")));
	assert_false(slice_ends_fold(SLICE("test"), SLICE(".example.test")));
}

static void order_is_by_bytes_and_the_shorter_comes_first(void **state)
{
	(void)state;
	assert_true(slice_cmp(SLICE("a"), SLICE("b")) < 0);
	assert_true(slice_cmp(SLICE("b"), SLICE("a")) > 0);
	assert_true(slice_cmp(SLICE("a"), SLICE("aa")) < 0);
	assert_true(slice_cmp(SLICE("aa"), SLICE("a")) > 0);
	assert_true(slice_cmp(SLICE("\x7f"), SLICE("\x80")) < 0); /* bytes have no sign */
	assert_int_equal(slice_cmp(SLICE("same"), SLICE("same")), 0);
}

static void everything_starts_with_nothing(void **state)
{
	(void)state;
	assert_true(slice_starts(SLICE("abc"), NO_SLICE));
	assert_true(slice_starts(NO_SLICE, SLICE("")));
	assert_true(slice_ends_fold(NO_SLICE, NO_SLICE));
	assert_false(slice_starts(NO_SLICE, SLICE("a")));
}

static void the_first_one_is_found(void **state)
{
	(void)state;
	assert_int_equal(slice_find(SLICE("a=b=c"), '='), 1);
	assert_int_equal(slice_find(SLICE("abc"), '='), -1);
	assert_int_equal(slice_find(SLICE("a\0b"), 'b'), 2);
	assert_int_equal(slice_find(NO_SLICE, 'a'), -1);
	assert_int_equal(slice_search(SLICE("abcabc"), SLICE("ca")), 2);
	assert_int_equal(slice_search(SLICE("ab"), SLICE("abc")), -1);
	assert_int_equal(slice_search(SLICE("ab"), NO_SLICE), 0);
	assert_int_equal(slice_search(NO_SLICE, SLICE("a")), -1);
}

static void parts_clamp_to_the_end(void **state)
{
	(void)state;
	assert_true(slice_eq(slice_from(SLICE("abc"), 1), SLICE("bc")));
	assert_int_equal(slice_from(SLICE("abc"), SIZE_MAX).n, 0);
	assert_false(slice_absent(slice_from(SLICE("abc"), 4)));
	assert_true(slice_eq(slice_to(SLICE("abc"), 2), SLICE("ab")));
	assert_true(slice_eq(slice_to(SLICE("abc"), SIZE_MAX), SLICE("abc")));
}

static void blanks_and_tabs_are_trimmed_and_nothing_else(void **state)
{
	(void)state;
	assert_true(slice_eq(slice_trim(SLICE(" \t a b\t ")), SLICE("a b")));
	assert_int_equal(slice_trim(SLICE(" \t ")).n, 0);
	assert_true(slice_eq(slice_trim(SLICE("\r\na\v")), SLICE("\r\na\v")));
}

static void pieces_come_one_by_one(void **state)
{
	struct slice rest = SLICE("a,,b"), piece;

	(void)state;
	assert_true(slice_next(&rest, ',', &piece) && slice_eq(piece, SLICE("a")));
	assert_true(slice_next(&rest, ',', &piece) && piece.n == 0);
	assert_true(slice_next(&rest, ',', &piece) && slice_eq(piece, SLICE("b")));
	assert_true(slice_absent(rest));
	assert_false(slice_next(&rest, ',', &piece));
	rest = SLICE("a,");
	assert_true(slice_next(&rest, ',', &piece) && slice_next(&rest, ',', &piece) && piece.n == 0);
	assert_false(slice_next(&rest, ',', &piece));
	rest = SLICE("");
	assert_true(slice_next(&rest, ',', &piece) && piece.n == 0);
	assert_false(slice_next(&rest, ',', &piece));
}

static void a_number_is_digits_that_fit(void **state)
{
	static const char *const wrong[] = {"", "+3", "-3", " 3", "3 ", "0x3", "3.0", "18446744073709551616", "99999999999999999999"};
	uint64_t n = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(slice_to_u64(slice_str(wrong[i]), &n));
	assert_false(slice_to_u64(NO_SLICE, &n));
	assert_int_equal(n, 7);
	assert_true(slice_to_u64(SLICE("18446744073709551615"), &n));
	assert_true(n == UINT64_MAX);
	assert_true(slice_to_u64(SLICE("007"), &n) && n == 7);
}

struct item {
	int n;
	struct list link;
};

static int shift(struct list *from)
{
	struct list *link = list_shift(from);

	return link ? LIST_ITEM(link, struct item, link)->n : 0;
}

static void what_is_appended_first_is_taken_first(void **state)
{
	struct item items[] = {{.n = 1}, {.n = 2}, {.n = 3}, {.n = 4}};
	struct list a, b;

	(void)state;
	list_init(&a);
	list_init(&b);
	assert_true(list_empty(&a));
	list_append(&a, &items[0].link);
	list_append(&b, &items[1].link);
	list_append(&b, &items[2].link);
	list_append(&b, &items[3].link);
	list_remove(&items[2].link);
	list_remove(&items[2].link); /* in no list now: nothing happens */
	list_move_all(&a, &b);
	assert_true(list_empty(&b));
	assert_int_equal(shift(&a), 1);
	assert_int_equal(shift(&a), 2);
	assert_int_equal(shift(&a), 4);
	assert_int_equal(shift(&a), 0);
	assert_true(list_empty(&a));
}

static void every_error_has_words(void **state)
{
	(void)state;
	for (int e = OK; e <= ERR_INTERNAL; e++)
		assert_true(strlen(err_text((enum err)e)) > 1);
	assert_string_equal(err_text(ERR_PRECONDITION), "precondition failed");
	assert_string_equal(err_text((enum err)9999), "unknown error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_absent_slice_equals_an_empty_one_and_is_still_absent),
		cmocka_unit_test(bytes_are_the_same_or_not),
		cmocka_unit_test(only_the_letters_of_ascii_fold),
		cmocka_unit_test(order_is_by_bytes_and_the_shorter_comes_first),
		cmocka_unit_test(everything_starts_with_nothing),
		cmocka_unit_test(the_first_one_is_found),
		cmocka_unit_test(parts_clamp_to_the_end),
		cmocka_unit_test(blanks_and_tabs_are_trimmed_and_nothing_else),
		cmocka_unit_test(pieces_come_one_by_one),
		cmocka_unit_test(a_number_is_digits_that_fit),
		cmocka_unit_test(what_is_appended_first_is_taken_first),
		cmocka_unit_test(every_error_has_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
