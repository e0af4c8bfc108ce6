/*
 * Deadlines: thousands on one timer, none early, none more than a second late.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "io/loop.h"

#define MANY 5000

struct watched {
	struct deadline deadline;
	struct loop *loop;
	int64_t due_ms;
	int passed;
	struct watched *clears, *sets;
};

static int set_up(void **state)
{
	struct loop *loop = NULL;

	assert_int_equal(loop_new_manual(0, &loop), OK);
	*state = loop;
	return 0;
}

static int tear_down(void **state)
{
	struct loop *loop = *state;

	loop_free(&loop);
	return 0;
}

static void passed(struct deadline *d)
{
	struct watched *w = LIST_ITEM(d, struct watched, deadline);

	w->passed++;
	assert_true(loop_now_ms(w->loop) >= w->due_ms);
	assert_true(loop_now_ms(w->loop) <= w->due_ms + 1000);
	if (w->clears)
		deadline_clear(&w->clears->deadline);
	if (w->sets) {
		w->sets->due_ms = loop_now_ms(w->loop) + 1500;
		deadline_set(w->loop, &w->sets->deadline, 1500, passed);
	}
}

static void set(struct watched *w, struct loop *loop, int64_t ms)
{
	w->loop = loop;
	w->due_ms = loop_now_ms(loop) + ms;
	deadline_set(loop, &w->deadline, ms, passed);
}

static void each_passes_once_within_its_second(void **state)
{
	static struct watched many[MANY];
	struct loop *loop = *state;

	srand(3);
	for (int i = 0; i < MANY; i++)
		set(&many[i], loop, rand() % 1200000); /* several turns of the wheel */
	loop_advance(loop, 1201000);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(many[i].passed, 1);
}

static void one_that_is_cleared_does_not_pass(void **state)
{
	struct loop *loop = *state;
	struct watched a = {0}, b = {0};

	deadline_clear(&b.deadline); /* never set: welcome */
	set(&a, loop, 3000);
	set(&b, loop, 3000);
	deadline_clear(&a.deadline);
	loop_advance(loop, 10000);
	assert_int_equal(a.passed, 0);
	assert_int_equal(b.passed, 1);
}

static void setting_it_anew_moves_it(void **state)
{
	struct loop *loop = *state;
	struct watched a = {0};

	set(&a, loop, 3000);
	loop_advance(loop, 2500);
	set(&a, loop, 3000);
	loop_advance(loop, 2500);
	assert_int_equal(a.passed, 0);
	loop_advance(loop, 2000);
	assert_int_equal(a.passed, 1);
}

static void one_may_clear_another_of_the_same_moment(void **state)
{
	struct loop *loop = *state;
	struct watched a = {0}, b = {0};

	a.clears = &b;
	b.clears = &a;
	set(&a, loop, 3000);
	set(&b, loop, 3000);
	loop_advance(loop, 10000);
	assert_int_equal(a.passed + b.passed, 1);
}

static void one_may_set_itself_again_as_it_passes(void **state)
{
	struct loop *loop = *state;
	struct watched a = {0};

	a.sets = &a;
	set(&a, loop, 0);
	loop_advance(loop, 100000);
	assert_in_range(a.passed, 39, 67); /* every 1.5 to 2.5 seconds */
	deadline_clear(&a.deadline);
}

static void after_a_long_silence_none_is_forgotten(void **state)
{
	struct loop *loop = *state;
	struct watched a = {0}, b = {0};

	set(&a, loop, 1000);
	loop_advance(loop, 5000);
	loop_advance(loop, 1000000);
	set(&b, loop, 700000);
	loop_advance(loop, 702000);
	assert_int_equal(a.passed, 1);
	assert_int_equal(b.passed, 1);
}

#define LOOP_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP_TEST(each_passes_once_within_its_second),
		LOOP_TEST(one_that_is_cleared_does_not_pass),
		LOOP_TEST(setting_it_anew_moves_it),
		LOOP_TEST(one_may_clear_another_of_the_same_moment),
		LOOP_TEST(one_may_set_itself_again_as_it_passes),
		LOOP_TEST(after_a_long_silence_none_is_forgotten),
	};

	return cmocka_run_group_tests_name("deadline", tests, NULL, NULL);
}
