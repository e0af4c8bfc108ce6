/*
 * loop_own.h: inside the loop. Only loop.c, loop_manual.c and timer.c look here.
 *
 * Timers are a heap of our own, ordered by time and then by age, so that the real and
 * the manual loop fire them in the same order. A loop differs from the other kind in
 * its `face` only: how it learns that something was posted, and when to wake up.
 */
#ifndef BERTH_IO_LOOP_OWN_H
#define BERTH_IO_LOOP_OWN_H

#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

#include "base/err.h"
#include "io/loop.h"

#define LOOP_MAGIC 0x6c6f6f70u

struct timer {
	struct loop *loop;
	int64_t due;  /* loop_now_ms at which it fires */
	uint64_t age; /* smaller is older */
	size_t place; /* in the heap; TIMER_FIRING while fire() runs */
	void (*fire)(void *cookie);
	void *cookie;
};

#define TIMER_FIRING SIZE_MAX

struct timers {
	struct timer **heap;
	size_t count, room;
	uint64_t next_age;
};

/* The earliest; NULL: none. */
struct timer *timers_first(const struct timers *ts);

/* Fire what is due at `now` and was started before this call, the earliest first. Returns how many. */
size_t timers_fire(struct timers *ts, int64_t now);

struct loop_face {
	int64_t (*now_ms)(const struct loop *);
	int64_t (*ahead_ms)(const struct loop *); /* now_ms as it is by now, and never less than the truth */
	instant (*wall)(const struct loop *);
	void (*timer_started)(struct loop *, struct timer *); /* it may be the earliest now */
	void (*task_posted)(struct loop *, bool own_thread);  /* `guard` is held */
	void (*run)(struct loop *);
	void (*free)(struct loop *);
};

/* Deadlines by the second in which they are due, so far as a turn of the wheel goes; those of later turns wait in the same place. */
#define DEADLINE_SLOTS 256

struct deadlines {
	struct list slots[DEADLINE_SLOTS];
	int64_t second;     /* all before it has been looked at */
	struct timer *tick; /* each second while there are any; NULL: there are none */
};

struct loop {
	unsigned magic;
	const struct loop_face *face;
	struct timers timers;
	struct deadlines deadlines;
	int holds;
	struct list guests;
	atomic_bool stop;

	pthread_mutex_t guard;
	struct list tasks;     /* under `guard` */
	pthread_cond_t posted; /* manual: with `guard` */

	/* manual */
	int64_t hand_ms;
	instant hand_wall;

	/* real */
	uv_loop_t uv;
	uv_async_t async;
	uv_timer_t alarm;
	int64_t alarm_due; /* INT64_MAX: not set */
	uv_check_t check;  /* runs the tasks after each poll */
	uv_idle_t idle;    /* active while tasks wait: the poll does not sleep */
};

void deadlines_init(struct deadlines *);

/* What both kinds have in common, in a zeroed struct. */
void loop_init(struct loop *l, const struct loop_face *face);

/* Cancels the timers that are left. */
void loop_fini(struct loop *l);

/* Run the tasks that wait now; those posted meanwhile stay for the next turn. Returns how many ran. */
size_t loop_run_tasks(struct loop *l);

/* The loop that this thread runs now, or NULL. */
extern _Thread_local struct loop *loop_here;

#endif
