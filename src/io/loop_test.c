/* The three promises of loop.h, on both kinds of loop. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/loop.h"

#define WALL ((instant)1700000000 * INSTANT_SECOND)

struct diary {
	struct loop *loop;
	char text[256];
	size_t n;
	struct timer *other;
	struct task task, second;
	struct watch *watch;
	int fd, left;
};

struct entry {
	struct diary *diary;
	char letter;
};

static void write_letter(void *cookie)
{
	struct entry *e = cookie;

	e->diary->text[e->diary->n++] = e->letter;
}

static void new_manual(struct diary *d)
{
	memset(d, 0, sizeof(*d));
	assert_int_equal(OK, loop_new_manual(WALL, &d->loop));
}

static void new_real(struct diary *d)
{
	memset(d, 0, sizeof(*d));
	assert_int_equal(OK, loop_new(&d->loop));
}

static void stop(void *cookie)
{
	struct diary *d = cookie;

	loop_stop(d->loop);
}

static void timers_fire_in_the_order_of_their_times(void **state)
{
	struct diary d;
	struct entry a = {&d, 'a'}, b = {&d, 'b'}, c = {&d, 'c'}, e = {&d, 'e'};

	(void)state;
	new_manual(&d);
	loop_after(d.loop, 300, write_letter, &c);
	loop_after(d.loop, 100, write_letter, &a);
	loop_after(d.loop, 200, write_letter, &b);
	loop_after(d.loop, 301, write_letter, &e);
	loop_advance(d.loop, 99);
	assert_string_equal("", d.text);
	loop_advance(d.loop, 201);
	assert_string_equal("abc", d.text);
	loop_advance(d.loop, 1);
	assert_string_equal("abce", d.text);
	loop_free(&d.loop);
}

static void timers_of_the_same_time_fire_in_the_order_of_their_start(void **state)
{
	struct diary d;
	struct entry entries[26];

	(void)state;
	new_manual(&d);
	for (int i = 0; i < 26; i++) {
		entries[i] = (struct entry){&d, (char)('a' + i)};
		loop_after(d.loop, 5, write_letter, &entries[i]);
	}
	loop_advance(d.loop, 5);
	assert_string_equal("abcdefghijklmnopqrstuvwxyz", d.text);
	loop_free(&d.loop);
}

static int64_t last_seen;
static size_t seen;

static void check_order(void *cookie)
{
	int64_t due = (int64_t)(intptr_t)cookie;

	assert_true(due >= last_seen);
	last_seen = due;
	seen++;
}

static void a_thousand_timers_with_cancellations_keep_their_order(void **state)
{
	struct diary d;
	struct timer *timers[1000];
	unsigned random = 12345;
	size_t kept = 0;

	(void)state;
	new_manual(&d);
	for (int i = 0; i < 1000; i++) {
		random = random * 1103515245 + 12345;
		timers[i] = loop_after(d.loop, (random >> 8) % 500, check_order, (void *)(intptr_t)((random >> 8) % 500));
	}
	for (int i = 0; i < 1000; i++) {
		if (i % 3 == 0)
			timer_cancel(&timers[i]);
		else
			kept++;
	}
	last_seen = -1;
	seen = 0;
	loop_advance(d.loop, 500);
	assert_int_equal(kept, seen);
	loop_free(&d.loop);
}

static void cancel_the_other(void *cookie)
{
	struct diary *d = cookie;

	timer_cancel(&d->other);
	assert_null(d->other);
}

static void a_timer_cancelled_from_another_timer_stays_silent(void **state)
{
	struct diary d;
	struct entry a = {&d, 'a'};

	(void)state;
	new_manual(&d);
	loop_after(d.loop, 10, cancel_the_other, &d);
	d.other = loop_after(d.loop, 10, write_letter, &a);
	loop_advance(d.loop, 100);
	assert_string_equal("", d.text);
	loop_free(&d.loop);
}

static void again_at_once(void *cookie)
{
	struct diary *d = cookie;

	d->text[d->n++] = 'x';
	if (--d->left > 0)
		assert_non_null(loop_after(d->loop, 0, again_at_once, d));
}

static void a_timer_of_zero_fires_later_and_never_inside(void **state)
{
	struct diary d;

	(void)state;
	new_manual(&d);
	d.left = 3;
	again_at_once(&d);
	assert_int_equal(1, d.n);
	loop_settle(d.loop);
	assert_int_equal(3, d.n);
	loop_free(&d.loop);
}

static void run_second(struct task *t)
{
	struct diary *d = LIST_ITEM(t, struct diary, second);

	d->text[d->n++] = 's';
}

static void again_beside_a_task(void *cookie)
{
	struct diary *d = cookie;

	loop_post(d->loop, &d->second);
	again_at_once(d);
}

static void a_timer_that_starts_itself_again_lets_others_run(void **state)
{
	struct diary d;

	(void)state;
	new_manual(&d);
	d.second.run = run_second;
	d.left = 3;
	loop_after(d.loop, 0, again_beside_a_task, &d); /* starts one, that one another */
	loop_settle(d.loop);
	assert_string_equal("xsxx", d.text);
	loop_free(&d.loop);
}

static void the_hand_moved_clock_moves_both_times(void **state)
{
	struct diary d;
	int64_t before;

	(void)state;
	new_manual(&d);
	before = loop_now_ms(d.loop);
	assert_true(WALL == loop_wall(d.loop));
	loop_advance(d.loop, 31000);
	assert_int_equal(31000, loop_now_ms(d.loop) - before);
	assert_true(WALL + 31 * INSTANT_SECOND == loop_wall(d.loop));
	loop_free(&d.loop);
}

static void run_task(struct task *t)
{
	struct diary *d = LIST_ITEM(t, struct diary, task);

	d->text[d->n++] = 't';
	if (--d->left > 0) {
		loop_post(d->loop, t);
		assert_int_equal('t', d->text[d->n - 1]); /* not run inside the post */
	}
}

static void a_task_may_post_itself_again(void **state)
{
	struct diary d;

	(void)state;
	new_manual(&d);
	d.task.run = run_task;
	d.second.run = run_second;
	d.left = 2;
	loop_post(d.loop, &d.task);
	loop_post(d.loop, &d.second);
	assert_string_equal("", d.text);
	loop_settle(d.loop);
	assert_string_equal("tst", d.text);
	loop_free(&d.loop);
}

static void a_task_taken_back_does_not_run(void **state)
{
	struct diary d;

	(void)state;
	new_manual(&d);
	d.task.run = run_task;
	loop_post(d.loop, &d.task);
	loop_unpost(d.loop, &d.task);
	loop_unpost(d.loop, &d.task); /* once more does no harm */
	loop_settle(d.loop);
	assert_string_equal("", d.text);
	loop_free(&d.loop);
}

static void take_back_second(struct task *t)
{
	struct diary *d = LIST_ITEM(t, struct diary, task);

	loop_unpost(d->loop, &d->second);
}

static void a_task_is_taken_back_by_one_of_the_same_turn(void **state)
{
	struct diary d;

	(void)state;
	new_manual(&d);
	d.task.run = take_back_second;
	d.second.run = run_second;
	loop_post(d.loop, &d.task);
	loop_post(d.loop, &d.second);
	loop_settle(d.loop);
	assert_string_equal("", d.text);
	loop_free(&d.loop);
}

/* --- the real loop --- */

static void post_from_timer(void *cookie)
{
	struct diary *d = cookie;

	d->left = 3;
	loop_post(d->loop, &d->task);
	d->text[d->n++] = 'p';
}

static void a_real_loop_runs_timers_and_tasks(void **state)
{
	struct diary d;
	struct entry a = {&d, 'a'}, b = {&d, 'b'};
	int64_t start;

	(void)state;
	new_real(&d);
	d.task.run = run_task;
	start = loop_now_ms(d.loop);
	loop_after(d.loop, 40, stop, &d);
	loop_after(d.loop, 20, post_from_timer, &d);
	loop_after(d.loop, 30, write_letter, &b);
	loop_after(d.loop, 10, write_letter, &a);
	loop_run(d.loop);
	assert_string_equal("aptttb", d.text);
	assert_in_range(loop_now_ms(d.loop) - start, 40, 2000);
	loop_free(&d.loop);
}

static int64_t started_us;

static void note_how_late(void *cookie)
{
	struct diary *d = cookie;

	d->left = (int)(clock_mono_us() - started_us);
	loop_stop(d->loop);
}

static void be_busy_then_start_a_timer(struct task *t)
{
	struct diary *d = LIST_ITEM(t, struct diary, task);
	int64_t until = clock_mono_us() + 30000;

	while (clock_mono_us() < until)
		;
	started_us = clock_mono_us();
	loop_after(d->loop, 10, note_how_late, d);
}

/* What a client can rely on: device-api.md 10.4 has an answer that must not come too early. */
static void a_timer_is_not_early_however_long_the_turn_in_which_it_was_started(void **state)
{
	struct diary d;

	(void)state;
	new_real(&d);
	d.task.run = be_busy_then_start_a_timer;
	loop_post(d.loop, &d.task);
	loop_run(d.loop);
	assert_true(d.left >= 10000);
	loop_free(&d.loop);
}

static void the_earliest_timer_cancelled_leaves_the_later_one(void **state)
{
	struct diary d;
	struct entry a = {&d, 'a'};

	(void)state;
	new_real(&d);
	d.other = loop_after(d.loop, 5, write_letter, &a);
	loop_after(d.loop, 30, stop, &d);
	timer_cancel(&d.other);
	loop_run(d.loop);
	assert_string_equal("", d.text);
	loop_free(&d.loop);
}

static void on_byte(void *cookie, int events)
{
	struct diary *d = cookie;
	char c;

	assert_int_equal(WATCH_READ, events);
	assert_int_equal(1, read(d->fd, &c, 1));
	d->text[d->n++] = c;
	if (c == '.') {
		watch_stop(&d->watch);
		loop_stop(d->loop);
	}
}

static void a_watch_tells_of_each_byte_until_stopped(void **state)
{
	struct diary d;
	int pair[2];

	(void)state;
	new_real(&d);
	assert_int_equal(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	d.fd = pair[0];
	d.watch = loop_watch(d.loop, pair[0], WATCH_READ, on_byte, &d);
	assert_int_equal(4, write(pair[1], "abc.", 4));
	loop_run(d.loop);
	assert_string_equal("abc.", d.text);
	close(pair[0]);
	close(pair[1]);
	loop_free(&d.loop);
}

static void count_down_writable(void *cookie, int events)
{
	struct diary *d = cookie;

	d->n++;
	assert_int_equal(WATCH_WRITE, events);
	if (d->n == 3)
		watch_change(d->watch, 0);
}

static void a_watch_for_nothing_is_silent(void **state)
{
	struct diary d;
	int pair[2];

	(void)state;
	new_real(&d);
	assert_int_equal(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	d.watch = loop_watch(d.loop, pair[0], WATCH_READ | WATCH_WRITE, count_down_writable, &d);
	loop_after(d.loop, 30, stop, &d);
	loop_run(d.loop);
	assert_int_equal(3, d.n);
	watch_stop(&d.watch);
	close(pair[0]);
	close(pair[1]);
	loop_free(&d.loop);
}

#define POSTERS 4
#define POSTS   2000

struct poster {
	struct diary *diary;
	struct task tasks[POSTS];
	pthread_t thread;
};

static struct diary *counting;

static void count_task(struct task *t)
{
	(void)t;
	if (++counting->n == POSTERS * POSTS)
		loop_stop(counting->loop);
}

static void *post_many(void *cookie)
{
	struct poster *p = cookie;

	for (int i = 0; i < POSTS; i++) {
		p->tasks[i].run = count_task;
		loop_post(p->diary->loop, &p->tasks[i]);
	}
	return NULL;
}

static void tasks_from_many_threads_all_run(void **state)
{
	struct diary d;
	struct poster *posters = calloc(POSTERS, sizeof(*posters));

	(void)state;
	new_real(&d);
	counting = &d;
	for (int i = 0; i < POSTERS; i++) {
		posters[i].diary = &d;
		assert_int_equal(0, pthread_create(&posters[i].thread, NULL, post_many, &posters[i]));
	}
	loop_run(d.loop);
	assert_int_equal(POSTERS * POSTS, d.n);
	for (int i = 0; i < POSTERS; i++)
		pthread_join(posters[i].thread, NULL);
	free(posters);
	loop_free(&d.loop);
}

static void *stop_from_outside(void *cookie)
{
	struct diary *d = cookie;

	usleep(10000);
	loop_stop(d->loop);
	return NULL;
}

static void a_loop_is_stopped_from_another_thread(void **state)
{
	struct diary d;
	pthread_t thread;

	(void)state;
	new_real(&d);
	assert_int_equal(0, pthread_create(&thread, NULL, stop_from_outside, &d));
	loop_run(d.loop);
	loop_free(&d.loop);
	pthread_join(thread, NULL);
}

static void a_signal_arrives_on_the_loop(void **state)
{
	struct diary d;
	struct signal_watch *s;

	(void)state;
	new_real(&d);
	s = loop_on_signal(d.loop, SIGUSR1, stop, &d);
	assert_non_null(s);
	kill(getpid(), SIGUSR1);
	loop_run(d.loop);
	signal_watch_stop(&s);
	loop_free(&d.loop);
}

struct visitor {
	struct loop_guest guest;
	int ended;
};

static void end_visit(struct loop_guest *g)
{
	LIST_ITEM(g, struct visitor, guest)->ended++;
}

static void guests_that_are_left_are_ended_with_the_loop(void **state)
{
	struct diary d;
	struct visitor stays = {.guest = {.end = end_visit}}, leaves = {.guest = {.end = end_visit}};

	(void)state;
	new_real(&d);
	loop_invite(d.loop, &stays.guest);
	loop_invite(d.loop, &leaves.guest);
	list_remove(&leaves.guest.link);
	loop_free(&d.loop);
	assert_int_equal(1, stays.ended);
	assert_int_equal(0, leaves.ended);
}

struct leaver {
	struct loop *loop;
	struct loop_guest guest;
	struct task task;
};

static void end_leaver(struct loop_guest *g)
{
	struct leaver *l = LIST_ITEM(g, struct leaver, guest);

	loop_unpost(l->loop, &l->task);
	free(l);
}

static void end_without_a_word(struct loop_guest *g)
{
	free(LIST_ITEM(g, struct leaver, guest));
}

static void never(struct task *t)
{
	(void)t;
	fail_msg("nobody turns this loop");
}

/* What is freed with its task posted is no neighbour to the next that takes its own back; the sanitizers watch. */
static void tasks_that_never_run_may_be_freed_with_the_loop(void **state)
{
	struct diary d;

	(void)state;
	new_real(&d);
	for (int i = 0; i < 4; i++) {
		struct leaver *l = calloc(1, sizeof(*l));

		assert_non_null(l);
		*l = (struct leaver){.loop = d.loop, .guest = {.end = i % 2 ? end_leaver : end_without_a_word}, .task = {.run = never}};
		loop_invite(d.loop, &l->guest);
		loop_post(d.loop, &l->task);
	}
	loop_free(&d.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_fire_in_the_order_of_their_times),
		cmocka_unit_test(timers_of_the_same_time_fire_in_the_order_of_their_start),
		cmocka_unit_test(a_thousand_timers_with_cancellations_keep_their_order),
		cmocka_unit_test(a_timer_cancelled_from_another_timer_stays_silent),
		cmocka_unit_test(a_timer_of_zero_fires_later_and_never_inside),
		cmocka_unit_test(a_timer_that_starts_itself_again_lets_others_run),
		cmocka_unit_test(the_hand_moved_clock_moves_both_times),
		cmocka_unit_test(a_task_may_post_itself_again),
		cmocka_unit_test(a_task_taken_back_does_not_run),
		cmocka_unit_test(a_task_is_taken_back_by_one_of_the_same_turn),
		cmocka_unit_test(a_real_loop_runs_timers_and_tasks),
		cmocka_unit_test(a_timer_is_not_early_however_long_the_turn_in_which_it_was_started),
		cmocka_unit_test(the_earliest_timer_cancelled_leaves_the_later_one),
		cmocka_unit_test(a_watch_tells_of_each_byte_until_stopped),
		cmocka_unit_test(a_watch_for_nothing_is_silent),
		cmocka_unit_test(tasks_from_many_threads_all_run),
		cmocka_unit_test(a_loop_is_stopped_from_another_thread),
		cmocka_unit_test(a_signal_arrives_on_the_loop),
		cmocka_unit_test(guests_that_are_left_are_ended_with_the_loop),
		cmocka_unit_test(tasks_that_never_run_may_be_freed_with_the_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
