/* Buckets that fill evenly: bursts, the rate after them, names apart from each other, many threads. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "io/rate.h"

static const struct slice a = SLICE("a"), b = SLICE("b");

static void without_a_limit_everything_may_happen(void **state)
{
	struct rate *r = rate_new(0, RATE_MINUTE_MS);

	(void)state;
	for (int i = 0; i < 10000; i++)
		assert_int_equal(rate_take(r, a, 5), 0);
	assert_int_equal(rate_take(NULL, a, 5), 0);
	rate_free(&r);
	assert_null(r);
}

static void a_minutes_worth_may_come_at_once_and_then_waits(void **state)
{
	struct rate *r = rate_new(60, RATE_MINUTE_MS);

	(void)state;
	for (int i = 0; i < 60; i++)
		assert_int_equal(rate_take(r, a, 7000), 0);
	assert_int_equal(rate_take(r, a, 7000), 1000);
	assert_int_equal(rate_take(r, a, 7999), 1);
	assert_int_equal(rate_take(r, a, 8000), 0);
	assert_int_equal(rate_take(r, a, 8000), 1000);
	rate_free(&r);
}

static void the_wait_that_is_told_is_long_enough_and_not_longer(void **state)
{
	static const int limits[] = {1, 7, 59, 1000, 61234, 100000000};

	(void)state;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct rate *r = rate_new(limits[i], RATE_MINUTE_MS);
		int64_t now = 1000;
		int wait = 0;

		while (limits[i] <= 61234 && (wait = rate_take(r, a, now)) == 0)
			;
		if (wait > 1)
			assert_int_not_equal(rate_take(r, a, now + wait - 1), 0);
		assert_int_equal(rate_take(r, a, now + wait), 0);
		rate_free(&r);
	}
}

static void names_do_not_share_a_bucket(void **state)
{
	struct rate *r = rate_new(1, RATE_MINUTE_MS);

	(void)state;
	assert_int_equal(rate_take(r, a, 0), 0);
	assert_int_equal(rate_take(r, b, 0), 0);
	assert_int_equal(rate_take(r, a, 0), 60000);
	rate_free(&r);
}

static void a_clock_that_lags_gives_nothing_away(void **state)
{
	struct rate *r = rate_new(60, RATE_MINUTE_MS);

	(void)state;
	for (int i = 0; i < 60; i++)
		assert_int_equal(rate_take(r, a, 5000), 0);
	assert_int_equal(rate_take(r, a, 4000), 1000);
	assert_int_equal(rate_take(r, a, 5999), 1);
	rate_free(&r);
}

static void a_new_limit_holds_at_once(void **state)
{
	struct rate *r = rate_new(60, RATE_MINUTE_MS);

	(void)state;
	for (int i = 0; i < 60; i++)
		assert_int_equal(rate_take(r, a, 0), 0);
	rate_set(r, 120);
	assert_int_equal(rate_take(r, a, 0), 0);
	rate_set(r, 0);
	assert_int_equal(rate_take(r, a, 0), 0);
	rate_set(r, 1);
	assert_true(rate_take(r, a, 0) > 0);
	rate_free(&r);
}

static void names_of_long_ago_make_room(void **state)
{
	struct rate *r = rate_new(1, RATE_MINUTE_MS);
	char name[24];

	(void)state;
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < RATE_NAMES_MAX; i++) {
			snprintf(name, sizeof(name), "%d-%d", round, i);
			assert_int_equal(rate_take(r, slice_str(name), round * 200000), 0);
			assert_true(rate_take(r, slice_str(name), round * 200000) > 0);
		}
	rate_free(&r);
}

static void what_is_given_back_may_be_taken_again(void **state)
{
	struct rate *r = rate_new(2, RATE_MINUTE_MS);

	(void)state;
	rate_give_back(NULL, a);
	rate_give_back(r, a);
	assert_int_equal(rate_take(r, a, 0), 0);
	assert_int_equal(rate_take(r, a, 0), 0);
	rate_give_back(r, b);
	assert_int_equal(rate_take(r, a, 0), 30000);
	rate_give_back(r, a);
	assert_int_equal(rate_take(r, a, 0), 0);
	assert_int_equal(rate_take(r, a, 0), 30000);
	rate_give_back(r, a);
	assert_int_equal(rate_take(r, a, 30000), 0);
	assert_int_equal(rate_take(r, a, 30000), 0);
	assert_int_equal(rate_take(r, a, 30000), 30000);
	rate_free(&r);
}

static void *take_many(void *cookie)
{
	static _Thread_local size_t let_in;

	for (int i = 0; i < 20000; i++)
		let_in += rate_take(cookie, a, 0) == 0;
	return (void *)let_in;
}

static void threads_together_get_no_more_than_the_limit(void **state)
{
	struct rate *r = rate_new(30000, RATE_MINUTE_MS);
	pthread_t threads[4];
	size_t sum = 0;
	void *let_in;

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_many, r), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &let_in);
		sum += (size_t)let_in;
	}
	assert_int_equal(sum, 30000);
	rate_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_limit_everything_may_happen),
		cmocka_unit_test(a_minutes_worth_may_come_at_once_and_then_waits),
		cmocka_unit_test(the_wait_that_is_told_is_long_enough_and_not_longer),
		cmocka_unit_test(names_do_not_share_a_bucket),
		cmocka_unit_test(a_clock_that_lags_gives_nothing_away),
		cmocka_unit_test(a_new_limit_holds_at_once),
		cmocka_unit_test(names_of_long_ago_make_room),
		cmocka_unit_test(what_is_given_back_may_be_taken_again),
		cmocka_unit_test(threads_together_get_no_more_than_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
