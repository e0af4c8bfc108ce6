#include <pthread.h>
#include <stdlib.h>

#include "io/mailbox.h"

struct mailbox {
	struct loop *loop;
	void (*got)(void *cookie, struct list *letters);
	void (*drop)(struct list *letter);
	void *cookie;
	pthread_mutex_t guard;
	struct list letters; /* under the guard */
	bool posted;         /* under the guard: the task is on its way */
	struct task task;
};

static void empty(struct task *task)
{
	struct mailbox *box = LIST_ITEM(task, struct mailbox, task);
	struct list letters, *left;

	list_init(&letters);
	pthread_mutex_lock(&box->guard);
	list_move_all(&letters, &box->letters);
	box->posted = false;
	pthread_mutex_unlock(&box->guard);
	box->got(box->cookie, &letters);
	while ((left = list_shift(&letters)) != NULL)
		box->drop(left);
}

struct mailbox *mailbox_new(struct loop *loop, void (*got)(void *, struct list *), void (*drop)(struct list *), void *cookie)
{
	struct mailbox *box = calloc(1, sizeof(*box));

	if (box == NULL)
		return NULL;
	box->loop = loop;
	box->got = got;
	box->drop = drop;
	box->cookie = cookie;
	box->task.run = empty;
	list_init(&box->letters);
	pthread_mutex_init(&box->guard, NULL);
	return box;
}

void mailbox_free(struct mailbox **it)
{
	struct mailbox *box = *it;
	struct list *left;

	*it = NULL;
	if (box == NULL)
		return;
	loop_unpost(box->loop, &box->task);
	while ((left = list_shift(&box->letters)) != NULL)
		box->drop(left);
	pthread_mutex_destroy(&box->guard);
	free(box);
}

void mailbox_put(struct mailbox *box, struct list *letter)
{
	bool first;

	pthread_mutex_lock(&box->guard);
	list_append(&box->letters, letter);
	first = !box->posted;
	box->posted = true;
	pthread_mutex_unlock(&box->guard);
	/* Once it is posted nobody posts it again until it has run. */
	if (first)
		loop_post(box->loop, &box->task);
}
