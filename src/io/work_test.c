/* Work on threads: order, batches, limits, and the way back. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/work.h"

#define ITEMS 200

struct item {
	struct work work;
	struct scene *scene;
	int number, ran_as, thread;
	bool dropped;
	bool back;
};

/* One test's world. `gate` closed: the threads wait inside run(). */
struct scene {
	struct loop *loop;
	struct work_queue *queue;
	pthread_mutex_t guard;
	pthread_cond_t opened;
	bool gate_open;
	int inside, ran, largest_batch, started, ended;
	int back, until;
	struct item items[ITEMS];
};

static void run_items(void *cookie, int thread, struct work **works, int count)
{
	struct scene *s = cookie;

	pthread_mutex_lock(&s->guard);
	s->inside++;
	pthread_cond_broadcast(&s->opened);
	while (!s->gate_open)
		pthread_cond_wait(&s->opened, &s->guard);
	if (count > s->largest_batch)
		s->largest_batch = count;
	for (int i = 0; i < count; i++) {
		struct item *item = LIST_ITEM(works[i], struct item, work);

		item->ran_as = s->ran++;
		item->thread = thread;
	}
	pthread_mutex_unlock(&s->guard);
}

static void count_start(void *cookie, int thread)
{
	struct scene *s = cookie;

	(void)thread;
	pthread_mutex_lock(&s->guard);
	s->started++;
	pthread_mutex_unlock(&s->guard);
}

static void count_end(void *cookie, int thread)
{
	struct scene *s = cookie;

	(void)thread;
	pthread_mutex_lock(&s->guard);
	s->ended++;
	pthread_mutex_unlock(&s->guard);
}

static void item_done(struct work *w)
{
	struct item *item = LIST_ITEM(w, struct item, work);

	assert_false(item->back);
	item->back = true;
	if (++item->scene->back == item->scene->until)
		loop_stop(item->scene->loop);
}

static struct scene *scene_new(bool manual, int threads, int batch_max, int depth_max, bool gate_open)
{
	struct scene *s = calloc(1, sizeof(*s));
	struct work_conf conf = {
		.name = "test-work",
		.threads = threads,
		.batch_max = batch_max,
		.depth_max = depth_max,
		.run = run_items,
		.thread_start = count_start,
		.thread_end = count_end,
		.cookie = s,
	};

	assert_int_equal(OK, manual ? loop_new_manual(0, &s->loop) : loop_new(&s->loop));
	pthread_mutex_init(&s->guard, NULL);
	pthread_cond_init(&s->opened, NULL);
	s->gate_open = gate_open;
	assert_int_equal(OK, work_queue_new(&conf, &s->queue));
	for (int i = 0; i < ITEMS; i++) {
		s->items[i].scene = s;
		s->items[i].number = i;
		s->items[i].ran_as = -1;
		s->items[i].work.loop = s->loop;
		s->items[i].work.done = item_done;
	}
	return s;
}

static void scene_free(struct scene *s)
{
	work_queue_free(&s->queue);
	assert_null(s->queue);
	assert_int_equal(s->started, s->ended);
	loop_free(&s->loop);
	pthread_cond_destroy(&s->opened);
	pthread_mutex_destroy(&s->guard);
	free(s);
}

static void open_gate(struct scene *s)
{
	pthread_mutex_lock(&s->guard);
	s->gate_open = true;
	pthread_cond_broadcast(&s->opened);
	pthread_mutex_unlock(&s->guard);
}

/* Until `n` batches are held at the gate. */
static void await_inside(struct scene *s, int n)
{
	pthread_mutex_lock(&s->guard);
	while (s->inside < n)
		pthread_cond_wait(&s->opened, &s->guard);
	pthread_mutex_unlock(&s->guard);
}

static void items_run_in_the_order_of_their_arrival(void **state)
{
	struct scene *s = scene_new(true, 1, 1, ITEMS, true);

	(void)state;
	for (int i = 0; i < ITEMS; i++)
		assert_int_equal(OK, work_start(s->queue, &s->items[i].work));
	assert_int_equal(0, s->back); /* never inside the call */
	loop_settle(s->loop);
	assert_int_equal(ITEMS, s->back);
	for (int i = 0; i < ITEMS; i++)
		assert_int_equal(i, s->items[i].ran_as);
	assert_int_equal(1, s->largest_batch);
	scene_free(s);
}

static void what_waits_is_taken_as_one_batch(void **state)
{
	struct scene *s = scene_new(true, 1, 16, ITEMS, false);

	(void)state;
	assert_int_equal(OK, work_start(s->queue, &s->items[0].work));
	await_inside(s, 1);
	for (int i = 1; i < 1 + 40; i++)
		assert_int_equal(OK, work_start(s->queue, &s->items[i].work));
	assert_int_equal(40, work_queue_depth(s->queue));
	open_gate(s);
	loop_settle(s->loop);
	assert_int_equal(41, s->back);
	assert_int_equal(16, s->largest_batch);
	assert_int_equal(1 + 3, s->inside); /* 1, 16, 16, 8 */
	assert_int_equal(0, work_queue_depth(s->queue));
	scene_free(s);
}

static void a_full_queue_refuses(void **state)
{
	struct scene *s = scene_new(true, 1, 1, 3, false);

	(void)state;
	assert_int_equal(OK, work_start(s->queue, &s->items[0].work));
	await_inside(s, 1);
	for (int i = 1; i <= 3; i++)
		assert_int_equal(OK, work_start(s->queue, &s->items[i].work));
	assert_int_equal(ERR_THROTTLED, work_start(s->queue, &s->items[4].work));
	open_gate(s);
	loop_settle(s->loop);
	assert_int_equal(4, s->back);
	assert_false(s->items[4].back);
	assert_int_equal(OK, work_start(s->queue, &s->items[4].work));
	loop_settle(s->loop);
	assert_true(s->items[4].back);
	scene_free(s);
}

static void an_item_that_waits_can_be_taken_back(void **state)
{
	struct scene *s = scene_new(true, 1, 1, ITEMS, false);

	(void)state;
	assert_int_equal(OK, work_start(s->queue, &s->items[0].work));
	await_inside(s, 1);
	assert_int_equal(OK, work_start(s->queue, &s->items[1].work));
	assert_int_equal(OK, work_start(s->queue, &s->items[2].work));
	assert_true(work_take_back(s->queue, &s->items[1].work));
	assert_false(work_take_back(s->queue, &s->items[1].work));
	assert_int_equal(1, work_queue_depth(s->queue));
	open_gate(s);
	loop_settle(s->loop);
	assert_true(s->items[0].back);
	assert_false(s->items[1].back);
	assert_int_equal(-1, s->items[1].ran_as);
	assert_true(s->items[2].back);
	scene_free(s);
}

/* The pattern of work.h: marked as dropped, freed when it comes back. */
static int freed;

static void drop_when_back(struct work *w)
{
	struct item *item = LIST_ITEM(w, struct item, work);

	assert_true(item->dropped);
	free(item);
	freed++;
}

static void an_item_at_work_is_dropped_and_freed_when_it_comes_back(void **state)
{
	struct scene *s = scene_new(true, 1, 1, ITEMS, false);
	struct item *item = calloc(1, sizeof(*item));

	(void)state;
	freed = 0;
	item->scene = s;
	item->work = (struct work){.done = drop_when_back, .loop = s->loop};
	assert_int_equal(OK, work_start(s->queue, &item->work));
	await_inside(s, 1);
	assert_false(work_take_back(s->queue, &item->work));
	item->dropped = true;
	assert_int_equal(0, freed);
	open_gate(s);
	loop_settle(s->loop);
	assert_int_equal(1, freed);
	scene_free(s);
}

static void closing_a_queue_runs_what_is_queued(void **state)
{
	struct scene *s = scene_new(true, 2, 4, ITEMS, true);

	(void)state;
	for (int i = 0; i < ITEMS; i++)
		assert_int_equal(OK, work_start(s->queue, &s->items[i].work));
	work_queue_free(&s->queue);
	assert_int_equal(ITEMS, s->ran);
	loop_settle(s->loop);
	assert_int_equal(ITEMS, s->back);
	scene_free(s);
}

static void several_threads_share_a_queue(void **state)
{
	struct scene *s = scene_new(true, 3, 1, ITEMS, false);
	bool seen[3] = {false};

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(OK, work_start(s->queue, &s->items[i].work));
	await_inside(s, 3); /* all three at once */
	open_gate(s);
	loop_settle(s->loop);
	for (int i = 0; i < 3; i++)
		seen[s->items[i].thread] = true;
	assert_true(seen[0] && seen[1] && seen[2]);
	scene_free(s);
}

static void work_comes_back_on_a_real_loop(void **state)
{
	struct scene *s = scene_new(false, 2, 8, ITEMS, true);

	(void)state;
	s->until = ITEMS;
	for (int i = 0; i < ITEMS; i++)
		assert_int_equal(OK, work_start(s->queue, &s->items[i].work));
	loop_run(s->loop);
	assert_int_equal(ITEMS, s->back);
	scene_free(s);
}

static void ask_again(struct work *w)
{
	struct item *item = LIST_ITEM(w, struct item, work);

	if (++item->scene->back < 1000)
		assert_int_equal(OK, work_start(item->scene->queue, w));
	else
		loop_stop(item->scene->loop);
}

static void an_item_may_be_started_again_from_its_done(void **state)
{
	struct scene *s = scene_new(false, 1, 1, ITEMS, true);

	(void)state;
	s->items[0].work.done = ask_again;
	assert_int_equal(OK, work_start(s->queue, &s->items[0].work));
	loop_run(s->loop);
	assert_int_equal(1000, s->ran);
	scene_free(s);
}

static void a_queue_without_threads_is_invalid(void **state)
{
	struct work_conf conf = {.name = "none", .threads = 0, .batch_max = 1, .depth_max = 1, .run = run_items};
	struct work_queue *q = NULL;

	(void)state;
	assert_int_equal(ERR_INVALID, work_queue_new(&conf, &q));
	assert_null(q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_run_in_the_order_of_their_arrival),
		cmocka_unit_test(what_waits_is_taken_as_one_batch),
		cmocka_unit_test(a_full_queue_refuses),
		cmocka_unit_test(an_item_that_waits_can_be_taken_back),
		cmocka_unit_test(an_item_at_work_is_dropped_and_freed_when_it_comes_back),
		cmocka_unit_test(closing_a_queue_runs_what_is_queued),
		cmocka_unit_test(several_threads_share_a_queue),
		cmocka_unit_test(work_comes_back_on_a_real_loop),
		cmocka_unit_test(an_item_may_be_started_again_from_its_done),
		cmocka_unit_test(a_queue_without_threads_is_invalid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
