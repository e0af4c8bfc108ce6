#include <assert.h>
#include <stdlib.h>

#include "io/loop_own.h"

#define HEAP_FIRST_ROOM 64

static bool earlier(const struct timer *a, const struct timer *b)
{
	return a->due != b->due ? a->due < b->due : a->age < b->age;
}

static void put(struct timers *ts, size_t place, struct timer *t)
{
	ts->heap[place] = t;
	t->place = place;
}

static void sift_up(struct timers *ts, size_t place, struct timer *t)
{
	while (place > 0) {
		size_t parent = (place - 1) / 2;

		if (!earlier(t, ts->heap[parent]))
			break;
		put(ts, place, ts->heap[parent]);
		place = parent;
	}
	put(ts, place, t);
}

static void sift_down(struct timers *ts, size_t place, struct timer *t)
{
	for (;;) {
		size_t child = 2 * place + 1;

		if (child >= ts->count)
			break;
		if (child + 1 < ts->count && earlier(ts->heap[child + 1], ts->heap[child]))
			child++;
		if (!earlier(ts->heap[child], t))
			break;
		put(ts, place, ts->heap[child]);
		place = child;
	}
	put(ts, place, t);
}

static bool timers_grow(struct timers *ts)
{
	size_t room = ts->room ? ts->room * 2 : HEAP_FIRST_ROOM;
	struct timer **heap = realloc(ts->heap, room * sizeof(struct timer *));

	if (heap == NULL)
		return false;
	ts->heap = heap;
	ts->room = room;
	return true;
}

static void timers_remove(struct timers *ts, struct timer *t)
{
	size_t hole = t->place;
	struct timer *last = ts->heap[--ts->count];

	assert(hole <= ts->count && (last == t || ts->heap[hole] == t));
	if (last == t)
		return;
	if (hole > 0 && earlier(last, ts->heap[(hole - 1) / 2]))
		sift_up(ts, hole, last);
	else
		sift_down(ts, hole, last);
}

struct timer *timers_first(const struct timers *ts)
{
	return ts->count ? ts->heap[0] : NULL;
}

size_t timers_fire(struct timers *ts, int64_t now)
{
	uint64_t young = ts->next_age; /* started by what fires here: for the next turn */
	struct timer *t;
	size_t fired = 0;

	while ((t = timers_first(ts)) != NULL && t->due <= now && t->age < young) {
		timers_remove(ts, t);
		t->place = TIMER_FIRING;
		t->fire(t->cookie);
		free(t);
		fired++;
	}
	return fired;
}

struct timer *loop_after(struct loop *l, int64_t ms, void (*fire)(void *cookie), void *cookie)
{
	struct timers *ts = &l->timers;
	struct timer *t;

	assert(l->magic == LOOP_MAGIC && fire != NULL);
	if (ts->count == ts->room && !timers_grow(ts))
		return NULL;
	if ((t = calloc(1, sizeof(*t))) == NULL)
		return NULL;
	t->loop = l;
	t->due = ms > 0 ? l->face->ahead_ms(l) + ms : l->face->now_ms(l);
	t->age = ts->next_age++;
	t->fire = fire;
	t->cookie = cookie;
	sift_up(ts, ts->count++, t);
	l->face->timer_started(l, t);
	return t;
}

void timer_cancel(struct timer **t)
{
	struct timer *it = *t;

	*t = NULL;
	if (it == NULL || it->place == TIMER_FIRING) /* firing: timers_fire frees it */
		return;
	timers_remove(&it->loop->timers, it);
	free(it);
}
