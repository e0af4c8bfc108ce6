/*
 * twin_ask.c: reading and writing one twin (hub-api.md 4.6).
 */
#include "hub/twin.h"

struct twin_ask {
	struct change change;
	struct twin_parts parts;
	struct slice if_match;
	enum twin_how how;
};

static void twin_fini(struct hub_ask *ask)
{
	struct twin_ask *t = ask->state;

	change_stop(&t->change);
	twin_parts_free(&t->parts);
}

static void answer_twin(struct change *c, struct hub_no no)
{
	struct hub_ask *ask = c->ask;

	if (no.e != OK) {
		ask_refuse(ask, no);
		return;
	}
	twin_write(c->device, &ask->out, ask->arena);
	ask->answer.etag = twin_etag(c->device, ask->arena);
	ask_answer(ask);
}

static struct hub_no decide_write(struct change *c, const struct device *stored)
{
	struct twin_ask *t = LIST_ITEM(c, struct twin_ask, change);
	struct hub_ask *ask = c->ask;

	if (stored == NULL)
		return hub_no_device(ask->arena, c->device_id);
	if (!etag_matches(t->if_match, twin_etag(stored, ask->arena)))
		return hub_no_etag();
	c->device = c->want.records;
	c->how = STORE_UPDATE;
	c->settled = !twin_parts_given(&t->parts);
	return c->settled ? HUB_FINE : twin_apply(c->device, &t->parts, t->how, loop_wall(ask->hubs->loop), ask->arena);
}

static struct hub_ask *twin_ask_new(struct hubs *hubs, struct slice hub, struct slice device_id, hub_done *done, void *cookie)
{
	struct hub_ask *ask = ask_new(hubs, hub, sizeof(struct twin_ask), twin_fini, done, cookie);
	struct twin_ask *t;

	if (ask == NULL)
		return NULL;
	t = ask->state;
	t->change = (struct change){.ask = ask, .device_id = device_id, .decide = decide_write, .done = answer_twin};
	return ask;
}

/* A read is a write of nothing. */
struct hub_ask *hub_twin_get(struct hubs *hubs, struct slice hub, struct slice device_id, hub_done *done, void *cookie)
{
	struct hub_ask *ask = twin_ask_new(hubs, hub, device_id, done, cookie);

	if (ask)
		change_start(&((struct twin_ask *)ask->state)->change);
	return ask;
}

struct hub_ask *hub_twin_write(struct hubs *hubs, struct slice hub, struct slice device_id, struct slice if_match, struct slice body,
			       bool replace, hub_done *done, void *cookie)
{
	struct hub_ask *ask = twin_ask_new(hubs, hub, device_id, done, cookie);
	struct twin_ask *t;
	struct hub_no no;

	if (ask == NULL)
		return NULL;
	t = ask->state;
	t->if_match = if_match;
	t->how = replace ? TWIN_REPLACE : TWIN_MERGE;
	if ((no = twin_parts_read(body, false, ask->arena, &t->parts)).e != OK)
		ask_refuse(ask, no);
	else
		change_start(&t->change);
	return ask;
}
