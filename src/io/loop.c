#include <assert.h>
#include <signal.h>
#include <stdlib.h>

#include "io/loop_own.h"

_Thread_local struct loop *loop_here;

/* --- what both kinds of loop share --- */

void loop_init(struct loop *l, const struct loop_face *face)
{
	l->magic = LOOP_MAGIC;
	l->face = face;
	list_init(&l->guests);
	list_init(&l->tasks);
	deadlines_init(&l->deadlines);
	pthread_mutex_init(&l->guard, NULL);
}

void loop_fini(struct loop *l)
{
	struct timer *t;

	while ((t = timers_first(&l->timers)) != NULL)
		timer_cancel(&t);
	free(l->timers.heap);
	l->magic = 0;
	pthread_mutex_destroy(&l->guard);
}

void loop_free(struct loop **l)
{
	struct loop *it = *l;
	struct list *link;

	*l = NULL;
	if (it == NULL)
		return;
	/* Who posts or stops holds the guard to the end: after this nobody is still inside. */
	pthread_mutex_lock(&it->guard);
	pthread_mutex_unlock(&it->guard);
	/* What will never run must not lie in a list beside what is freed now. */
	while ((link = list_shift(&it->tasks)) != NULL)
		LIST_ITEM(link, struct task, link)->queued = false;
	while ((link = list_shift(&it->guests)) != NULL) {
		struct loop_guest *guest = LIST_ITEM(link, struct loop_guest, link);

		guest->end(guest);
	}
	it->face->free(it);
}

void loop_run(struct loop *l)
{
	assert(l->magic == LOOP_MAGIC);
	l->face->run(l);
}

int64_t loop_now_ms(const struct loop *l)
{
	return l->face->now_ms(l);
}

instant loop_wall(const struct loop *l)
{
	return l->face->wall(l);
}

void loop_post(struct loop *l, struct task *t)
{
	assert(l->magic == LOOP_MAGIC && t->run != NULL);
	pthread_mutex_lock(&l->guard);
	assert(!t->queued);
	t->queued = true;
	list_append(&l->tasks, &t->link);
	l->face->task_posted(l, loop_here == l);
	pthread_mutex_unlock(&l->guard);
}

void loop_unpost(struct loop *l, struct task *t)
{
	if (!t->queued)
		return;
	pthread_mutex_lock(&l->guard);
	list_remove(&t->link);
	t->queued = false;
	pthread_mutex_unlock(&l->guard);
}

size_t loop_run_tasks(struct loop *l)
{
	struct list batch;
	struct list *link;
	size_t ran = 0;

	list_init(&batch);
	pthread_mutex_lock(&l->guard);
	list_move_all(&batch, &l->tasks);
	pthread_mutex_unlock(&l->guard);
	while ((link = list_shift(&batch)) != NULL) {
		struct task *t = LIST_ITEM(link, struct task, link);

		t->queued = false; /* it may post itself again, or be freed, in run() */
		t->run(t);
		ran++;
	}
	return ran;
}

void loop_hold(struct loop *l)
{
	l->holds++;
}

void loop_release(struct loop *l)
{
	assert(l->holds > 0);
	l->holds--;
}

void loop_invite(struct loop *l, struct loop_guest *guest)
{
	assert(guest->end != NULL);
	list_append(&l->guests, &guest->link);
}

/* --- the real loop: libuv --- */

static int64_t real_now_ms(const struct loop *l)
{
	/* Between runs nobody moves libuv's clock. */
	if (loop_here != l)
		uv_update_time((uv_loop_t *)&l->uv);
	return (int64_t)uv_now(&l->uv);
}

/* The turn may have gone on for long since it began, and its time is rounded down. */
static int64_t real_ahead_ms(const struct loop *l)
{
	(void)l;
	return (int64_t)(uv_hrtime() / 1000000) + 1;
}

static instant real_wall(const struct loop *l)
{
	(void)l;
	return clock_wall();
}

static void on_alarm(uv_timer_t *alarm);

/* The alarm may ring too early, after its timer was cancelled; it never rings too late. */
static void set_alarm(struct loop *l)
{
	struct timer *first = timers_first(&l->timers);
	int64_t now = (int64_t)uv_now(&l->uv);

	if (first == NULL || first->due >= l->alarm_due)
		return;
	l->alarm_due = first->due;
	uv_timer_start(&l->alarm, on_alarm, first->due > now ? (uint64_t)(first->due - now) : 0, 0);
}

static void on_alarm(uv_timer_t *alarm)
{
	struct loop *l = alarm->data;

	l->alarm_due = INT64_MAX;
	timers_fire(&l->timers, (int64_t)uv_now(&l->uv));
	set_alarm(l);
}

static void real_timer_started(struct loop *l, struct timer *t)
{
	if (t->place == 0)
		set_alarm(l);
}

static void on_idle(uv_idle_t *idle)
{
	(void)idle; /* being active is all: see real_task_posted */
}

/* From its own thread a task needs no wake-up through the kernel: it runs right after the poll of
 * this turn, and an active idle handle keeps that poll from sleeping. */
static void real_task_posted(struct loop *l, bool own_thread)
{
	if (!own_thread)
		uv_async_send(&l->async);
	else if (!uv_is_active((uv_handle_t *)&l->idle))
		uv_idle_start(&l->idle, on_idle);
}

static void on_check(uv_check_t *check)
{
	struct loop *l = check->data;
	bool more;

	loop_run_tasks(l);
	pthread_mutex_lock(&l->guard);
	more = !list_empty(&l->tasks);
	pthread_mutex_unlock(&l->guard);
	if (!more && uv_is_active((uv_handle_t *)&l->idle))
		uv_idle_stop(&l->idle);
}

static void on_async(uv_async_t *async)
{
	struct loop *l = async->data;

	if (atomic_load(&l->stop))
		uv_stop(&l->uv);
}

static void real_run(struct loop *l)
{
	struct loop *before = loop_here;

	loop_here = l;
	uv_update_time(&l->uv);
	uv_run(&l->uv, UV_RUN_DEFAULT);
	atomic_store(&l->stop, false);
	loop_here = before;
}

void loop_stop(struct loop *l)
{
	pthread_mutex_lock(&l->guard);
	atomic_store(&l->stop, true);
	l->face->task_posted(l, false); /* a wake-up */
	pthread_mutex_unlock(&l->guard);
}

static void free_watch(uv_handle_t *handle)
{
	free(handle->data);
}

/* The handles that live in struct loop have it as their data; the rest are watches. */
static void close_handle(uv_handle_t *handle, void *loop)
{
	if (!uv_is_closing(handle))
		uv_close(handle, handle->data == loop ? NULL : free_watch);
}

static void real_free(struct loop *l)
{
	uv_walk(&l->uv, close_handle, l);
	while (uv_loop_close(&l->uv) == UV_EBUSY)
		uv_run(&l->uv, UV_RUN_NOWAIT);
	loop_fini(l);
	free(l);
}

static const struct loop_face real = {
	.now_ms = real_now_ms,
	.ahead_ms = real_ahead_ms,
	.wall = real_wall,
	.timer_started = real_timer_started,
	.task_posted = real_task_posted,
	.run = real_run,
	.free = real_free,
};

enum err loop_new(struct loop **out)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return ERR_NO_MEMORY;
	if (uv_loop_init(&l->uv) != 0)
		goto fail_loop;
	if (uv_async_init(&l->uv, &l->async, on_async) != 0)
		goto fail_uv;
	loop_init(l, &real);
	uv_timer_init(&l->uv, &l->alarm); /* these three cannot fail */
	uv_check_init(&l->uv, &l->check);
	uv_idle_init(&l->uv, &l->idle);
	l->async.data = l->alarm.data = l->check.data = l->idle.data = l;
	uv_check_start(&l->check, on_check);
	l->alarm_due = INT64_MAX;
	/* Writing to a connection that its peer has closed is an error to handle, not a reason to die. */
	signal(SIGPIPE, SIG_IGN);
	*out = l;
	return OK;

fail_uv:
	uv_loop_close(&l->uv);
fail_loop:
	free(l);
	return ERR_IO;
}

/* --- descriptors --- */

struct watch {
	uv_poll_t poll;
	int events; /* wanted */
	bool armed; /* libuv polls for them */
	void (*ready)(void *cookie, int events);
	void *cookie;
};

static void on_poll(uv_poll_t *poll, int status, int events);

static void watch_arm(struct watch *w)
{
	int uv_events = (w->events & WATCH_READ ? UV_READABLE : 0) | (w->events & WATCH_WRITE ? UV_WRITABLE : 0);

	if (uv_events == 0)
		uv_poll_stop(&w->poll);
	else
		uv_poll_start(&w->poll, uv_events, on_poll);
	w->armed = uv_events != 0;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct watch *w = poll->data;
	int ready = (events & UV_READABLE ? WATCH_READ : 0) | (events & UV_WRITABLE ? WATCH_WRITE : 0);

	/* A broken descriptor: libuv has stopped polling it. Who reads or writes will learn why. */
	if (status < 0) {
		w->armed = false;
		ready = w->events;
	}
	w->ready(w->cookie, ready);
	/* A watch that was stopped in ready() is freed only after this turn. */
	if (!w->armed && !uv_is_closing((uv_handle_t *)&w->poll))
		watch_arm(w);
}

struct watch *loop_watch(struct loop *l, int fd, int events, void (*ready)(void *cookie, int events), void *cookie)
{
	struct watch *w;

	assert(l->magic == LOOP_MAGIC && l->face == &real);
	if ((w = calloc(1, sizeof(*w))) == NULL)
		return NULL;
	if (uv_poll_init(&l->uv, &w->poll, fd) != 0) {
		free(w);
		return NULL;
	}
	w->poll.data = w;
	w->ready = ready;
	w->cookie = cookie;
	w->events = events;
	watch_arm(w);
	return w;
}

void watch_change(struct watch *w, int events)
{
	if (w->events == events && (w->armed || events == 0))
		return;
	w->events = events;
	watch_arm(w);
}

void watch_stop(struct watch **w)
{
	struct watch *it = *w;

	*w = NULL;
	if (it == NULL)
		return;
	uv_poll_stop(&it->poll);
	uv_close((uv_handle_t *)&it->poll, free_watch);
}

/* --- signals --- */

struct signal_watch {
	uv_signal_t signal;
	void (*got)(void *cookie);
	void *cookie;
};

static void on_signal(uv_signal_t *signal, int signo)
{
	struct signal_watch *s = signal->data;

	(void)signo;
	s->got(s->cookie);
}

struct signal_watch *loop_on_signal(struct loop *l, int signo, void (*got)(void *cookie), void *cookie)
{
	struct signal_watch *s;

	assert(l->magic == LOOP_MAGIC && l->face == &real);
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return NULL;
	uv_signal_init(&l->uv, &s->signal);
	s->signal.data = s;
	s->got = got;
	s->cookie = cookie;
	if (uv_signal_start(&s->signal, on_signal, signo) == 0)
		return s;
	uv_close((uv_handle_t *)&s->signal, free_watch);
	return NULL;
}

void signal_watch_stop(struct signal_watch **s)
{
	struct signal_watch *it = *s;

	*s = NULL;
	if (it == NULL)
		return;
	uv_signal_stop(&it->signal);
	uv_close((uv_handle_t *)&it->signal, free_watch);
}
