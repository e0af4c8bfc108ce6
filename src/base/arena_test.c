/* Arenas and buffers: their ceilings, what failing looks like, and what is wiped. */
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"

#define ROOM                      65536
#define MORE_THAN_ANY_MACHINE_HAS ((size_t)1 << 58)

/* Memory that is not there is NULL under the sanitizer as well, not the end of the test. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

/* These stand in for libc's, the second for fortified code: how many bytes were wiped since it was last set to 0. */
static size_t wiped;

void __explicit_bzero_chk(void *p, size_t n, size_t room);

void explicit_bzero(void *p, size_t n)
{
	memset(p, 0, n);
	wiped += n;
}

void __explicit_bzero_chk(void *p, size_t n, size_t room)
{
	assert_true(n <= room);
	memset(p, 0, n);
	wiped += n;
}

/* --- arenas --- */

static void what_is_handed_out_is_zeroed_aligned_and_apart(void **state)
{
	struct arena *a = arena_new(ROOM);
	unsigned char *last = NULL;
	size_t sum = 0;

	(void)state;
	for (size_t n = 0; n < 200; n++) {
		unsigned char *p = arena_alloc(a, n);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, n);
		assert_ptr_not_equal(p, last);
		last = p;
		sum += n;
	}
	assert_int_equal(arena_used(a), sum);
	assert_false(arena_failed(a));
	arena_free(&a);
	assert_null(a);
	arena_free(&a);
}

static void the_ceiling_holds_for_one_piece_and_for_many(void **state)
{
	struct arena *a = arena_new(10000);
	size_t n = 0;

	(void)state;
	assert_null(arena_alloc(a, 10001));
	assert_null(arena_alloc(a, 10000)); /* the bookkeeping counts too */
	assert_true(arena_failed(a));
	while (arena_alloc(a, 100) != NULL)
		n++;
	assert_in_range(n, 60, 99); /* most of it is of use, and never more than all */
	assert_int_equal(arena_used(a), n * 100);
	arena_free(&a);
}

static void an_arena_that_failed_still_serves_what_fits(void **state)
{
	struct arena *a = arena_new(8192);

	(void)state;
	assert_null(arena_alloc(a, 9000));
	assert_non_null(arena_alloc(a, 100));
	assert_true(arena_failed(a)); /* and remembers */
	arena_free(&a);
}

static void a_size_that_overflows_fits_nowhere(void **state)
{
	struct arena *a = arena_new(SIZE_MAX);

	(void)state;
	assert_null(arena_array(a, SIZE_MAX / 2, 3));
	assert_true(arena_failed(a));
	assert_null(arena_alloc(a, SIZE_MAX));
	assert_null(arena_alloc(a, SIZE_MAX - 40));
	assert_non_null(arena_array(a, 3, 5));
	arena_free(&a);
}

static void memory_that_is_not_there_is_a_failure_like_the_ceiling(void **state)
{
	struct arena *a = arena_new(SIZE_MAX / 2);

	(void)state;
	assert_null(arena_alloc(a, MORE_THAN_ANY_MACHINE_HAS));
	assert_true(arena_failed(a));
	assert_non_null(arena_alloc(a, 10));
	arena_free(&a);
}

static void a_copy_has_a_nul_behind_it_and_the_absent_stays_absent(void **state)
{
	struct arena *a = arena_new(ROOM);
	struct slice from = {"abcdef", 3}, copy = arena_copy(a, from);

	(void)state;
	assert_true(slice_eq(copy, SLICE("abc")));
	assert_int_equal(copy.p[3], 0);
	assert_ptr_not_equal(copy.p, from.p);
	assert_string_equal(arena_str(a, from), "abc");
	assert_null(arena_str(a, NO_SLICE));
	assert_true(slice_absent(arena_copy(a, NO_SLICE)));
	assert_true(slice_absent(arena_fold(a, NO_SLICE)));
	assert_false(slice_absent(arena_copy(a, SLICE(""))));
	assert_true(slice_eq(arena_fold(a, SLICE("Press-07\xc3\x84[@")), SLICE("press-07\xc3\x84[@")));
	assert_false(arena_failed(a));
	arena_free(&a);
}

static void printed_text_fits_or_is_none(void **state)
{
	struct arena *a = arena_new(ROOM);

	(void)state;
	assert_string_equal(arena_printf(a, "%s-%02d", "press", 7), "press-07");
	assert_true(slice_eq(arena_format(a, "%.*s", SLICE_ARG(SLICE("abc"))), SLICE("abc")));
	assert_null(arena_printf(a, "%*d", ROOM, 1));
	assert_true(slice_absent(arena_format(a, "%*d", ROOM, 1)));
	assert_true(arena_failed(a));
	arena_free(&a);
}

static void all_that_was_handed_out_is_wiped(void **state)
{
	struct arena *a = arena_new(ROOM);

	(void)state;
	for (int i = 0; i < 20; i++)
		assert_non_null(arena_alloc(a, 1600));
	wiped = 0;
	arena_free(&a);
	assert_in_range(wiped, 20 * 1600, ROOM);
}

/* --- buffers --- */

static void every_place_that_a_buffer_leaves_is_wiped(void **state)
{
	struct buf b;
	size_t left;

	(void)state;
	buf_init(&b, ROOM);
	buf_add_str(&b, "secret");
	left = b.cap;
	wiped = 0;
	assert_non_null(buf_room(&b, 10000)); /* it moves */
	assert_int_equal(wiped, left);
	left = b.cap;
	wiped = 0;
	buf_fini(&b);
	assert_int_equal(wiped, left);
}

static void a_buffer_takes_no_memory_before_it_is_written(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	assert_null(b.mem);
	assert_int_equal(buf_slice(&b).n, 0);
	assert_non_null(buf_slice(&b).p);
	buf_eat(&b, 5);
	buf_clear(&b);
	buf_fini(&b);
	assert_null(b.mem);
}

static void bytes_up_to_the_ceiling_fit_and_not_one_more(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	for (int i = 0; i < 1000; i++)
		buf_add_char(&b, (char)('a' + i % 26));
	assert_false(buf_failed(&b));
	buf_add(&b, NO_SLICE);
	assert_false(buf_failed(&b));
	buf_add_char(&b, '!');
	assert_true(buf_failed(&b));
	assert_int_equal(b.n, 1000);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(b.p[i], 'a' + i % 26);
	buf_fini(&b);
}

static void failure_sticks_until_the_buffer_is_cleared(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 4);
	buf_add_str(&b, "ab");
	buf_add_str(&b, "cdefg");
	assert_true(buf_failed(&b));
	buf_add_str(&b, "c");
	buf_printf(&b, "c");
	assert_null(buf_room(&b, 1));
	assert_true(slice_eq(buf_slice(&b), SLICE("ab"))); /* half an append is never there */
	buf_eat(&b, 2);
	buf_add_str(&b, "c");
	assert_true(buf_failed(&b));
	buf_clear(&b);
	assert_false(buf_failed(&b));
	buf_add_str(&b, "abcd");
	assert_true(slice_eq(buf_slice(&b), SLICE("abcd")));
	buf_fini(&b);
	assert_false(buf_failed(&b));
	assert_int_equal(b.max, 4);
}

static void printing_needs_no_room_for_a_nul(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 4);
	buf_printf(&b, "%d", 1234);
	assert_false(buf_failed(&b));
	assert_true(slice_eq(buf_slice(&b), SLICE("1234")));
	buf_printf(&b, "%s", "");
	assert_false(buf_failed(&b));
	buf_printf(&b, "%d", 5);
	assert_true(buf_failed(&b));
	assert_int_equal(b.max, 4);
	buf_fini(&b);
	buf_init(&b, SIZE_MAX);
	buf_printf(&b, "%d", 1234);
	assert_true(slice_eq(buf_slice(&b), SLICE("1234")));
	buf_fini(&b);
}

/* Written at the end and eaten at the front, a stream of any length passes through a small buffer. */
static void what_goes_in_comes_out_in_order(void **state)
{
	unsigned in = 0, out = 0, seed = 1;
	struct buf b;

	(void)state;
	buf_init(&b, 600);
	while (out < 20000) {
		size_t add, eat;

		seed = seed * 1103515245 + 12345;
		add = seed >> 16 & 127;
		eat = seed >> 8 & 127;
		for (; add && b.n < 600; add--)
			buf_add_char(&b, (char)in++);
		for (size_t i = 0; i < eat && i < b.n; i++)
			assert_int_equal((unsigned char)b.p[i], (unsigned char)out++);
		buf_eat(&b, eat); /* perhaps more than there is */
	}
	assert_false(buf_failed(&b));
	assert_int_equal(b.n, in - out);
	assert_true(b.cap <= 1200);
	buf_fini(&b);
}

static void room_is_written_by_the_caller_and_then_claimed(void **state)
{
	struct buf b;
	char *to;

	(void)state;
	buf_init(&b, 5000);
	buf_add_str(&b, "head:");
	assert_non_null(to = buf_room(&b, 4995));
	memset(to, 'x', 4995); /* the sanitizer sees whether it is all there */
	assert_int_equal(b.n, 5);
	buf_claim(&b, 3);
	assert_true(slice_eq(buf_slice(&b), SLICE("head:xxx")));
	assert_null(buf_room(&b, 4993));
	assert_true(buf_failed(&b));
	buf_release(&b);
	assert_null(b.mem);
	assert_non_null(buf_room(&b, 5000));
	buf_fini(&b);
}

static void a_buffer_without_memory_has_failed_and_keeps_what_it_had(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, SIZE_MAX);
	buf_add_str(&b, "kept");
	assert_null(buf_room(&b, MORE_THAN_ANY_MACHINE_HAS));
	assert_true(buf_failed(&b));
	assert_true(slice_eq(buf_slice(&b), SLICE("kept")));
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_handed_out_is_zeroed_aligned_and_apart),
		cmocka_unit_test(the_ceiling_holds_for_one_piece_and_for_many),
		cmocka_unit_test(an_arena_that_failed_still_serves_what_fits),
		cmocka_unit_test(a_size_that_overflows_fits_nowhere),
		cmocka_unit_test(memory_that_is_not_there_is_a_failure_like_the_ceiling),
		cmocka_unit_test(a_copy_has_a_nul_behind_it_and_the_absent_stays_absent),
		cmocka_unit_test(printed_text_fits_or_is_none),
		cmocka_unit_test(all_that_was_handed_out_is_wiped),
		cmocka_unit_test(every_place_that_a_buffer_leaves_is_wiped),
		cmocka_unit_test(a_buffer_takes_no_memory_before_it_is_written),
		cmocka_unit_test(bytes_up_to_the_ceiling_fit_and_not_one_more),
		cmocka_unit_test(failure_sticks_until_the_buffer_is_cleared),
		cmocka_unit_test(printing_needs_no_room_for_a_nul),
		cmocka_unit_test(what_goes_in_comes_out_in_order),
		cmocka_unit_test(room_is_written_by_the_caller_and_then_claimed),
		cmocka_unit_test(a_buffer_without_memory_has_failed_and_keeps_what_it_had),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
