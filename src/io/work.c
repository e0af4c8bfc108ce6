#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "io/work.h"

#define WORK_MAGIC    0x776f726bu
#define WORK_NAME_MAX 15 /* what the kernel keeps of a thread's name */

enum { WORK_IDLE, WORK_WAITS, WORK_OUT };

struct worker {
	struct work_queue *queue;
	int number;
	pthread_t thread;
	struct work **batch;
};

struct work_queue {
	unsigned magic;
	struct work_conf conf;
	pthread_mutex_t guard;
	pthread_cond_t more;
	struct list waiting; /* under `guard`, as is the rest */
	bool closing;
	atomic_int depth; /* written under `guard`, read by anybody */
	int started;      /* threads */
	struct worker *workers;
};

/* Back on the loop that asked. */
static void work_is_back(struct task *t)
{
	struct work *w = LIST_ITEM(t, struct work, back);

	loop_release(w->loop);
	w->state = WORK_IDLE;
	w->done(w); /* may free it, or start it again */
}

/* Take what waits, up to a batch; 0: the queue is closing and empty. */
static int take_batch(struct worker *me)
{
	struct work_queue *q = me->queue;
	struct list *link;
	int count = 0;

	pthread_mutex_lock(&q->guard);
	while (list_empty(&q->waiting) && !q->closing)
		pthread_cond_wait(&q->more, &q->guard);
	while (count < q->conf.batch_max && (link = list_shift(&q->waiting)) != NULL) {
		me->batch[count] = LIST_ITEM(link, struct work, link);
		me->batch[count++]->state = WORK_OUT;
		atomic_fetch_sub(&q->depth, 1);
	}
	pthread_mutex_unlock(&q->guard);
	return count;
}

static void *worker_run(void *cookie)
{
	struct worker *me = cookie;
	const struct work_conf *conf = &me->queue->conf;
	int count;

	if (conf->thread_start)
		conf->thread_start(conf->cookie, me->number);
	while ((count = take_batch(me)) > 0) {
		conf->run(conf->cookie, me->number, me->batch, count);
		for (int i = 0; i < count; i++)
			loop_post(me->batch[i]->loop, &me->batch[i]->back);
	}
	if (conf->thread_end)
		conf->thread_end(conf->cookie, me->number);
	return NULL;
}

static enum err worker_start(struct worker *me, struct work_queue *q, int number)
{
	char name[WORK_NAME_MAX + 1] = {0};

	me->queue = q;
	me->number = number;
	if ((me->batch = calloc((size_t)q->conf.batch_max, sizeof(struct work *))) == NULL)
		return ERR_NO_MEMORY;
	if (pthread_create(&me->thread, NULL, worker_run, me) != 0) {
		free(me->batch);
		return ERR_IO;
	}
	strncpy(name, q->conf.name, WORK_NAME_MAX);
	pthread_setname_np(me->thread, name);
	return OK;
}

/* Signals are the loops' business: the workers begin with all of them blocked. */
static enum err start_workers(struct work_queue *q)
{
	sigset_t all, before;
	enum err e = OK;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (; q->started < q->conf.threads && e == OK; q->started += e == OK)
		e = worker_start(&q->workers[q->started], q, q->started);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return e;
}

enum err work_queue_new(const struct work_conf *conf, struct work_queue **out)
{
	struct work_queue *q;
	enum err e = ERR_NO_MEMORY;

	assert(conf->run != NULL && conf->name != NULL);
	if (conf->threads < 1 || conf->batch_max < 1 || conf->depth_max < 1)
		return ERR_INVALID;
	if ((q = calloc(1, sizeof(*q))) == NULL)
		return ERR_NO_MEMORY;
	q->magic = WORK_MAGIC;
	q->conf = *conf;
	list_init(&q->waiting);
	pthread_mutex_init(&q->guard, NULL);
	pthread_cond_init(&q->more, NULL);
	if ((q->workers = calloc((size_t)conf->threads, sizeof(*q->workers))) == NULL || (e = start_workers(q)) != OK) {
		work_queue_free(&q);
		return e;
	}
	*out = q;
	return OK;
}

void work_queue_free(struct work_queue **q)
{
	struct work_queue *it = *q;

	*q = NULL;
	if (it == NULL)
		return;
	pthread_mutex_lock(&it->guard);
	it->closing = true;
	pthread_cond_broadcast(&it->more);
	pthread_mutex_unlock(&it->guard);
	for (int i = 0; i < it->started; i++) {
		pthread_join(it->workers[i].thread, NULL);
		free(it->workers[i].batch);
	}
	assert(list_empty(&it->waiting));
	pthread_cond_destroy(&it->more);
	pthread_mutex_destroy(&it->guard);
	free(it->workers);
	free(it);
}

enum err work_start(struct work_queue *q, struct work *w)
{
	enum err e = OK;

	assert(q->magic == WORK_MAGIC && w->done != NULL && w->loop != NULL);
	w->back = (struct task){.run = work_is_back};
	pthread_mutex_lock(&q->guard);
	if (atomic_load(&q->depth) >= q->conf.depth_max) {
		e = ERR_THROTTLED;
	} else {
		list_append(&q->waiting, &w->link);
		w->state = WORK_WAITS;
		atomic_fetch_add(&q->depth, 1);
		loop_hold(w->loop);
	}
	pthread_mutex_unlock(&q->guard);
	/* Not under the guard: the worker that wakes wants it, and would only be put to sleep again. */
	if (e == OK)
		pthread_cond_signal(&q->more);
	return e;
}

bool work_take_back(struct work_queue *q, struct work *w)
{
	bool taken;

	pthread_mutex_lock(&q->guard);
	if ((taken = w->state == WORK_WAITS)) {
		list_remove(&w->link);
		w->state = WORK_IDLE;
		atomic_fetch_sub(&q->depth, 1);
		loop_release(w->loop);
	}
	pthread_mutex_unlock(&q->guard);
	return taken;
}

int work_queue_depth(const struct work_queue *q)
{
	return atomic_load(&q->depth);
}
