/*
 * work.h: the only threads besides the loops, for calls that block.
 *
 * A queue has threads of its own and a limit. Items are run in the order of their
 * arrival, one by one or, when the queue was made so, all that wait as one batch
 * (a database writer commits them together). done() comes back on the loop that asked.
 */
#ifndef BERTH_IO_WORK_H
#define BERTH_IO_WORK_H

#include "io/loop.h"

struct work_queue;

/* One piece of work: embed it, fill the upper part, and keep it until done() has begun or
 * work_take_back has said true. */
struct work {
	void (*done)(struct work *);
	struct loop *loop;

	struct list link; /* the queue's own from here on */
	struct task back;
	int state;
};

struct work_conf {
	const char *name; /* of the threads, at most 15 bytes */
	int threads;
	int batch_max; /* 1: one by one */
	int depth_max; /* waiting items; more are refused */
	/* Runs on thread number `thread` (0 to threads - 1); `count` is at most batch_max. */
	void (*run)(void *cookie, int thread, struct work **items, int count);
	/* At the start and the end of each thread; both may be NULL. */
	void (*thread_start)(void *cookie, int thread);
	void (*thread_end)(void *cookie, int thread);
	void *cookie;
};

/* The threads have begun when it returns. ERR_INVALID: a number below 1; ERR_NO_MEMORY, ERR_IO. */
MUST_USE enum err work_queue_new(const struct work_conf *conf, struct work_queue **out);

/* Runs what is queued, then ends the threads and waits for them. Their done() calls are then on
 * their way: the loops must turn once more, or must have been told to drop what they stand for. */
void work_queue_free(struct work_queue **q);

/* From the loop of `w`. ERR_THROTTLED: the queue is full; done() will not run. */
MUST_USE enum err work_start(struct work_queue *q, struct work *w);

/* Take back an item that no thread has begun; from the loop of `w`. True: done() stays silent.
 * False: it is at work or on its way back, and done() runs still: let the item outlive whoever
 * asked, mark it as dropped, and free it in done(). */
bool work_take_back(struct work_queue *q, struct work *w);

/* How many wait now: for the metrics. From any thread. */
int work_queue_depth(const struct work_queue *q);

#endif
