/*
 * loop.h: the event loop, and the only face of libuv and of time.
 *
 * Three promises of everything asynchronous in Berth:
 *   1. the callback runs later, from the loop, never inside the call that asked;
 *   2. it runs exactly once, unless cancelled; once cancelled it stays silent;
 *   3. whoever started it can cancel it at any moment, also from another callback.
 *
 * A loop belongs to the thread that runs it. Only loop_post, loop_stop may be called
 * from elsewhere. A manual loop has no sockets and a clock moved by hand: tests play
 * minutes in no time with it.
 */
#ifndef BERTH_IO_LOOP_H
#define BERTH_IO_LOOP_H

#include "base/clock.h"
#include "base/err.h"
#include "base/list.h"

struct loop;
struct timer;

/* With sockets and the machine's clock. ERR_NO_MEMORY, ERR_IO. */
MUST_USE enum err loop_new(struct loop **out);

/* A loop whose clock starts at `wall` and moves only by loop_advance. ERR_NO_MEMORY. */
MUST_USE enum err loop_new_manual(instant wall, struct loop **out);

/* Everything started on it must have been cancelled or have ended. Tasks that have not run never do. */
void loop_free(struct loop **l);

/* Until loop_stop; runs what is ready, waits for more. Making a real loop sets SIGPIPE to be
 * ignored in the whole process. */
void loop_run(struct loop *l);

/* From any thread, and from loop_on_signal's callback: loop_run returns soon. */
void loop_stop(struct loop *l);

int64_t loop_now_ms(const struct loop *l); /* monotonic, as of this turn of the loop */
instant loop_wall(const struct loop *l);   /* the time of day */

/* --- later --- */

/* One callback `ms` from now, or a little later, never earlier. NULL: out of memory. The timer is freed after it has fired. */
struct timer *loop_after(struct loop *l, int64_t ms, void (*fire)(void *cookie), void *cookie);

/* Sets *t to NULL; NULL inside is welcome. Call it also (or just forget the pointer)
 * when the timer has fired: `fire` must then have cleared it. */
void timer_cancel(struct timer **t);

/* A deadline is memory of the caller's, and thousands of them cost the loop one timer: for connections that only sit there. It passes
 * at its time or up to a second later. Zeroed is a good start. */
struct deadline {
	struct list link;
	int64_t due_ms; /* loop_now_ms */
	void (*passed)(struct deadline *);
};

/* Set it, or set it anew. It passes once; then it may be set again, or be gone. */
void deadline_set(struct loop *l, struct deadline *d, int64_t ms, void (*passed)(struct deadline *));
void deadline_clear(struct deadline *d);

/* A task is memory of the caller's: posting it cannot fail. Posted from any thread, it
 * runs once on the loop's own; until then it may not be posted again. */
struct task {
	struct list link;
	void (*run)(struct task *);
	bool queued;
};

/* The tasks of a thread run in the order of their posting. */
void loop_post(struct loop *l, struct task *t);

/* Take back a task that has not run yet; from the loop's own thread. */
void loop_unpost(struct loop *l, struct task *t);

/* Another thread owes this loop a task: loop_settle waits for it. The work queues call this;
 * from the loop's own thread, in pairs. */
void loop_hold(struct loop *l);
void loop_release(struct loop *l);

/* What goes on after its owner has left, like the goodbye of a stream: loop_free calls end()
 * for those that are still there. A guest leaves by list_remove(&guest->link). */
struct loop_guest {
	struct list link;
	void (*end)(struct loop_guest *);
};

/* From the loop's own thread; the guest's memory stays its own. */
void loop_invite(struct loop *l, struct loop_guest *guest);

/* --- descriptors and signals (not on a manual loop) --- */

enum watch_for { WATCH_READ = 1, WATCH_WRITE = 2 };

struct watch;

/* `ready` runs each time the descriptor is ready for what is watched, with the WATCH_
 * bits, until watch_stop. The descriptor stays the caller's. NULL: out of memory. */
struct watch *loop_watch(struct loop *l, int fd, int events, void (*ready)(void *cookie, int events), void *cookie);
void watch_change(struct watch *w, int events); /* 0: none for now */
void watch_stop(struct watch **w);              /* the descriptor may be closed after this */

struct signal_watch;

/* got() runs from the loop, once or more for each time the signal came, until signal_watch_stop.
 * NULL: out of memory, or no such signal. */
struct signal_watch *loop_on_signal(struct loop *l, int signo, void (*got)(void *cookie), void *cookie);

/* The signal does its default again. Sets *s to NULL; NULL inside is welcome. */
void signal_watch_stop(struct signal_watch **s);

/* --- for tests: manual loops --- */

/* Run what is due until nothing is; the clock stands still. Waits for work that is out on
 * threads. (loop_run on a manual loop does just this.) */
void loop_settle(struct loop *l);

/* Move the clock forward, firing timers at their times, in order. */
void loop_advance(struct loop *l, int64_t ms);

#endif
