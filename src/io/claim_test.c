/* A name is held by the last who took it, whichever loop it is on; who lost it hears of it, once, unless it is gone. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "io/claim.h"

static const struct slice name = SLICE("0ne/registrations/dev-1");
static struct claims *claims;
static struct loop *loop;
static int losses;
static struct claim *last_lost;

static void on_lost(struct claim *claim)
{
	losses++;
	last_lost = claim;
}

static struct claim holder(struct slice called)
{
	return (struct claim){.loop = loop, .name = called, .lost = on_lost};
}

static int set_up(void **state)
{
	(void)state;
	losses = 0;
	claims = claims_new();
	return loop_new_manual(0, &loop) == OK && claims ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	claims_free(&claims);
	loop_free(&loop);
	return 0;
}

static void the_former_holder_hears_of_it_later_and_once(void **state)
{
	struct claim one = holder(name), two = holder(name);

	(void)state;
	assert_int_equal(claim_take(claims, &one), OK);
	assert_int_equal(claim_take(claims, &two), OK);
	assert_int_equal(losses, 0);
	loop_settle(loop);
	loop_settle(loop);
	assert_int_equal(losses, 1);
	assert_ptr_equal(last_lost, &one);
	claim_drop(&one);
	claim_drop(&two);
}

static void other_names_are_left_alone(void **state)
{
	struct claim one = holder(name), two = holder(SLICE("0ne/registrations/dev-2"));

	(void)state;
	assert_int_equal(claim_take(claims, &one), OK);
	assert_int_equal(claim_take(claims, &two), OK);
	loop_settle(loop);
	assert_int_equal(losses, 0);
	claim_drop(&one);
	claim_drop(&two);
}

static void who_dropped_it_hears_nothing(void **state)
{
	struct claim one = holder(name), two = holder(name), none = holder(name);

	(void)state;
	claim_drop(&none);
	assert_int_equal(claim_take(claims, &one), OK);
	assert_int_equal(claim_take(claims, &two), OK);
	claim_drop(&one);
	loop_settle(loop);
	assert_int_equal(losses, 0);
	claim_drop(&two);
}

/* The former holder's drop is not the present holder's. */
static void a_late_drop_takes_nothing_away(void **state)
{
	struct claim one = holder(name), two = holder(name), three = holder(name);

	(void)state;
	assert_int_equal(claim_take(claims, &one), OK);
	assert_int_equal(claim_take(claims, &two), OK);
	claim_drop(&one);
	claim_drop(&one);
	assert_int_equal(claim_take(claims, &three), OK);
	loop_settle(loop);
	assert_int_equal(losses, 1);
	assert_ptr_equal(last_lost, &two);
	claim_drop(&two);
	claim_drop(&three);
}

/* --- threads, each with a loop, that take one name from each other --- */

#define THREADS 4
#define ROUNDS  2000

struct contender {
	struct loop *loop;
	int lost;
	bool held; /* at the end */
};

struct turn {
	struct claim claim;
	struct contender *contender;
};

static void on_turn_lost(struct claim *claim)
{
	struct turn *turn = (struct turn *)((char *)claim - offsetof(struct turn, claim));

	turn->contender->lost++;
	turn->contender->held = false;
	claim_drop(claim);
	free(turn);
}

static void *contend(void *cookie)
{
	struct contender *c = cookie;
	struct turn *turn = NULL;

	for (int i = 0; i < ROUNDS; i++) {
		if (!c->held) {
			turn = calloc(1, sizeof(*turn));
			*turn = (struct turn){{.loop = c->loop, .name = name, .lost = on_turn_lost}, c};
			c->held = true;
			if (claim_take(claims, &turn->claim) != OK)
				return NULL;
		} else if (i % 3 == 0) {
			claim_drop(&turn->claim);
			free(turn);
			c->held = false;
		}
		loop_settle(c->loop);
	}
	if (c->held) {
		claim_drop(&turn->claim);
		free(turn);
	}
	return c;
}

static void threads_take_it_from_each_other_and_nothing_is_touched_after_its_end(void **state)
{
	struct contender contenders[THREADS] = {{0}};
	pthread_t threads[THREADS];
	struct claim last = holder(name);
	void *went_well;

	(void)state;
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(loop_new_manual(0, &contenders[i].loop), OK);
		assert_int_equal(pthread_create(&threads[i], NULL, contend, &contenders[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &went_well);
		assert_non_null(went_well);
	}
	for (int i = 0; i < THREADS; i++)
		loop_free(&contenders[i].loop);
	assert_int_equal(claim_take(claims, &last), OK);
	claim_drop(&last);
}

#define SCENE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(the_former_holder_hears_of_it_later_and_once),
		SCENE(other_names_are_left_alone),
		SCENE(who_dropped_it_hears_nothing),
		SCENE(a_late_drop_takes_nothing_away),
		SCENE(threads_take_it_from_each_other_and_nothing_is_touched_after_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
