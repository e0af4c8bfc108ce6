#include <assert.h>
#include <stdlib.h>

#include "io/loop_own.h"

/* A test that never comes to rest has two sides waking each other for ever. */
#define SETTLE_TURNS_MAX 10000000

static int64_t manual_now_ms(const struct loop *l)
{
	return l->hand_ms;
}

static instant manual_wall(const struct loop *l)
{
	return l->hand_wall;
}

static void manual_timer_started(struct loop *l, struct timer *t)
{
	(void)l;
	(void)t;
}

static void manual_task_posted(struct loop *l, bool own_thread)
{
	(void)own_thread;
	pthread_cond_signal(&l->posted);
}

static void manual_free(struct loop *l)
{
	loop_fini(l);
	pthread_cond_destroy(&l->posted);
	free(l);
}

static const struct loop_face manual = {
	.now_ms = manual_now_ms,
	.ahead_ms = manual_now_ms,
	.wall = manual_wall,
	.timer_started = manual_timer_started,
	.task_posted = manual_task_posted,
	.run = loop_settle,
	.free = manual_free,
};

enum err loop_new_manual(instant wall, struct loop **out)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return ERR_NO_MEMORY;
	loop_init(l, &manual);
	pthread_cond_init(&l->posted, NULL);
	l->hand_wall = wall;
	*out = l;
	return OK;
}

/* Somebody on another thread owes us a task: sleep until it is here. */
static void await_task(struct loop *l)
{
	pthread_mutex_lock(&l->guard);
	while (list_empty(&l->tasks))
		pthread_cond_wait(&l->posted, &l->guard);
	pthread_mutex_unlock(&l->guard);
}

void loop_settle(struct loop *l)
{
	struct loop *before = loop_here;
	int turns = 0;

	assert(l->face == &manual);
	loop_here = l;
	while (!atomic_load(&l->stop)) {
		size_t ran = loop_run_tasks(l) + timers_fire(&l->timers, l->hand_ms);

		if (ran == 0 && l->holds == 0)
			break;
		if (ran == 0)
			await_task(l);
		assert(++turns < SETTLE_TURNS_MAX);
	}
	atomic_store(&l->stop, false);
	loop_here = before;
}

static void move_clock(struct loop *l, int64_t to_ms)
{
	l->hand_wall += (to_ms - l->hand_ms) * (INSTANT_SECOND / 1000);
	l->hand_ms = to_ms;
}

void loop_advance(struct loop *l, int64_t ms)
{
	int64_t until = l->hand_ms + ms;
	struct timer *t;

	loop_settle(l);
	while ((t = timers_first(&l->timers)) != NULL && t->due <= until) {
		move_clock(l, t->due);
		loop_settle(l);
	}
	move_clock(l, until);
	loop_settle(l);
}
