/*
 * provision.c: the room, and the way of a question from the loop that asks to the loop of its device and back.
 */
#include <assert.h>
#include <stdlib.h>

#include "provision/registration.h"

enum err provision_new(const struct provision_conf *conf, struct provision **out)
{
	struct provision *p = calloc(1, sizeof(*p));
	enum err e = ERR_NO_MEMORY;

	if (p == NULL)
		goto fail;
	p->conf = *conf;
	if (p->conf.max_attempts_kept <= 0)
		p->conf.max_attempts_kept = ATTEMPTS_KEPT;
	p->alone[0] = p;
	p->all = p->alone;
	p->all_count = 1;
	list_init(&p->registrations);
	list_init(&p->asks);
	list_init(&p->attempts.waiting);
	if ((p->leaders = map_new(REGISTRATIONS_MAX)) == NULL)
		goto fail_room;
	if ((p->counts.map = map_new(COUNTS_MAX)) == NULL)
		goto fail_leaders;
	if (lists_cache_new(&p->lists_cache) != OK)
		goto fail_counts;
	if ((p->trim_timer = loop_after(conf->loop, TRIM_EVERY_MS, attempts_trim, p)) == NULL)
		goto fail_lists;
	if (conf->fetcher && (p->list_fetcher = list_fetcher_new(conf->loop, conf->store, conf->fetcher)) == NULL)
		goto fail_timer;
	resume_arm(p);
	*out = p;
	return OK;

fail_timer:
	timer_cancel(&p->trim_timer);
fail_lists:
	lists_cache_free(&p->lists_cache);
fail_counts:
	map_free(&p->counts.map);
fail_leaders:
	map_free(&p->leaders);
fail_room:
	free(p);
fail:
	return e;
}

static void ask_free(struct provision_ask *ask)
{
	struct provision *on = ask->returning ? ask->from : ask->home;

	if (ask->trip.queued)
		loop_unpost(on->conf.loop, &ask->trip);
	list_remove(&ask->link);
	ask->magic = 0;
	arena_free(&ask->arena);
	buf_fini(&ask->body);
	free(ask);
}

/* The loops stand still by now, so it does not matter on whose thread this runs. */
void provision_halt(struct provision *p)
{
	struct list *link;

	while ((link = list_shift(&p->registrations)) != NULL)
		registration_free(LIST_ITEM(link, struct registration, link));
	while ((link = list_shift(&p->asks)) != NULL)
		ask_free(LIST_ITEM(link, struct provision_ask, link));
}

void provision_free(struct provision **it)
{
	struct provision *p = *it;

	*it = NULL;
	if (p == NULL)
		return;
	provision_halt(p);
	resume_free(p);
	list_fetcher_free(&p->list_fetcher);
	timer_cancel(&p->trim_timer);
	store_cancel(&p->trim_ask);
	attempts_free(p);
	counts_free(p);
	lists_cache_free(&p->lists_cache);
	map_free(&p->leaders);
	free(p);
}

void provision_join(struct provision **all, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		all[i]->all = all;
		all[i]->all_count = count;
		all[i]->index = i;
	}
}

struct lists_cache *provision_lists(struct provision *p)
{
	return p->lists_cache;
}

size_t provision_running(const struct provision *p)
{
	return atomic_load(&p->running);
}

/* --- there and back --- */

static void arrive(struct task *trip)
{
	struct provision_ask *ask = LIST_ITEM(trip, struct provision_ask, trip);

	assert(ask->magic == ASK_MAGIC && !ask->returning);
	registration_begin(ask->home, ask);
}

static void come_home(struct task *trip)
{
	struct provision_ask *ask = LIST_ITEM(trip, struct provision_ask, trip);
	provision_done *done = ask->done;

	assert(ask->magic == ASK_MAGIC && ask->returning);
	/* In no list any more: done() may end the whole room. */
	list_remove(&ask->link);
	if (done)
		done(ask->cookie, &ask->answer);
	ask_free(ask);
}

void ask_return(struct provision_ask *ask)
{
	ask->returning = true;
	ask->trip.run = come_home;
	loop_post(ask->from->conf.loop, &ask->trip);
}

/* --- asking --- */

static const struct slice *copy_chain(struct arena *arena, const struct device_question *q)
{
	struct slice *chain = arena_array(arena, q->chain_count, sizeof(*chain));

	for (size_t i = 0; chain && i < q->chain_count; i++)
		chain[i] = arena_copy(arena, q->chain[i]);
	return chain;
}

static bool copy_question(struct arena *arena, const struct device_question *q, struct device_question *copy)
{
	*copy = (struct device_question){
		.op = q->op,
		.scope = arena_copy(arena, q->scope),
		.registration_id = arena_copy(arena, q->registration_id),
		.operation_id = arena_copy(arena, q->operation_id),
		.token = arena_copy(arena, q->token),
		.chain = copy_chain(arena, q),
		.chain_count = q->chain_count,
		.endorsement_key = arena_copy(arena, q->endorsement_key),
		.storage_root_key = arena_copy(arena, q->storage_root_key),
		.body = arena_copy(arena, q->body),
		.protocol = arena_str(arena, slice_str(q->protocol ? q->protocol : "")),
		.peer = arena_str(arena, slice_str(q->peer ? q->peer : "")),
		.request_id = arena_str(arena, slice_str(q->request_id ? q->request_id : "")),
	};
	return !arena_failed(arena);
}

/* One device has one loop, so what is asked about it meets there without a lock. */
static struct provision *home_of(struct provision *p, struct arena *arena, const struct device_question *q)
{
	struct slice id = arena_fold(arena, q->registration_id);
	struct slice key = arena_format(arena, "%.*s/%.*s", SLICE_ARG(scope_key(arena, q->scope)), SLICE_ARG(id));

	return p->all[hash_bytes(key) % p->all_count];
}

struct provision_ask *provision_ask(struct provision *p, const struct device_question *q, provision_done *done, void *cookie)
{
	struct provision_ask *ask = calloc(1, sizeof(*ask));

	if (ask == NULL)
		goto fail;
	if ((ask->arena = arena_new(REGISTRATION_MEMORY)) == NULL)
		goto fail_ask;
	if (!copy_question(ask->arena, q, &ask->q))
		goto fail_arena;
	ask->magic = ASK_MAGIC;
	ask->from = p;
	ask->home = home_of(p, ask->arena, &ask->q);
	ask->done = done;
	ask->cookie = cookie;
	ask->trip.run = arrive;
	buf_init(&ask->body, ANSWER_MAX);
	list_append(&p->asks, &ask->link);
	loop_post(ask->home->conf.loop, &ask->trip);
	return ask;

fail_arena:
	arena_free(&ask->arena);
fail_ask:
	free(ask);
fail:
	return NULL;
}

/* The device's loop is not told: the registration goes on, and its answer ends here unheard. */
void provision_cancel(struct provision_ask **it)
{
	struct provision_ask *ask = *it;

	*it = NULL;
	if (ask == NULL)
		return;
	assert(ask->magic == ASK_MAGIC);
	ask->done = NULL;
}
