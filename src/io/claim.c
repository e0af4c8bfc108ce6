#include <pthread.h>
#include <stdlib.h>

#include "base/map.h"
#include "io/claim.h"

struct claims {
	pthread_mutex_t lock;
	struct map *held; /* by name */
};

struct claims *claims_new(void)
{
	struct claims *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	if ((c->held = map_new(CLAIMS_MAX)) == NULL) {
		free(c);
		return NULL;
	}
	pthread_mutex_init(&c->lock, NULL);
	return c;
}

void claims_free(struct claims **claims)
{
	struct claims *c = *claims;

	if (c == NULL)
		return;
	map_free(&c->held);
	pthread_mutex_destroy(&c->lock);
	free(c);
	*claims = NULL;
}

static void tell(struct task *task)
{
	struct claim *claim = LIST_ITEM(task, struct claim, task);

	claim->lost(claim);
}

enum err claim_take(struct claims *c, struct claim *claim)
{
	struct claim *former;
	enum err e;

	claim->task.run = tell;
	pthread_mutex_lock(&c->lock);
	former = map_get(c->held, claim->name);
	if ((e = map_put(c->held, claim->name, claim)) == OK) {
		claim->in = c;
		/* Under the lock: its holder drops it under the lock, too, and cannot be gone yet. */
		if (former)
			loop_post(former->loop, &former->task);
	}
	pthread_mutex_unlock(&c->lock);
	return e;
}

void claim_drop(struct claim *claim)
{
	struct claims *c = claim->in;

	if (c == NULL)
		return;
	pthread_mutex_lock(&c->lock);
	if (map_get(c->held, claim->name) == claim)
		map_remove(c->held, claim->name);
	pthread_mutex_unlock(&c->lock);
	/* Once it is not in the map nobody posts it any more. */
	loop_unpost(claim->loop, &claim->task);
	claim->in = NULL;
}
