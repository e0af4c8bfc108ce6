/*
 * registry.c: identities one by one: get, create, update, delete, list (hub-api.md 4.3, 4.4).
 */
#include "hub/identity.h"
#include "hub/twin.h"

struct one {
	struct change change;
	struct identity_given given;
	struct slice if_match;
};

static void one_fini(struct hub_ask *ask)
{
	struct one *one = ask->state;

	change_stop(&one->change);
}

static struct hub_ask *one_new(struct hubs *hubs, struct slice hub, struct slice device_id, struct slice if_match, hub_done *done,
			       void *cookie)
{
	struct hub_ask *ask = ask_new(hubs, hub, sizeof(struct one), one_fini, done, cookie);
	struct one *one;

	if (ask == NULL)
		return NULL;
	one = ask->state;
	one->change.ask = ask;
	one->change.device_id = device_id;
	one->if_match = if_match;
	return ask;
}

static void answer_identity(struct change *c, struct hub_no no)
{
	struct hub_ask *ask = c->ask;

	if (no.e != OK) {
		ask_refuse(ask, no);
		return;
	}
	identity_write(c->device, &ask->out, ask->arena);
	ask->answer.etag = c->device->etag;
	ask_answer(ask);
}

/* --- get --- */

static struct hub_no decide_get(struct change *c, const struct device *stored)
{
	if (stored == NULL)
		return hub_no_device(c->ask->arena, c->device_id);
	c->device = c->want.records;
	c->settled = true;
	return HUB_FINE;
}

struct hub_ask *hub_device_get(struct hubs *hubs, struct slice hub, struct slice device_id, hub_done *done, void *cookie)
{
	struct hub_ask *ask = one_new(hubs, hub, device_id, NO_SLICE, done, cookie);
	struct one *one;

	if (ask == NULL)
		return NULL;
	one = ask->state;
	one->change.decide = decide_get;
	one->change.done = answer_identity;
	change_start(&one->change);
	return ask;
}

/* --- put --- */

/* The table of hub-api.md 4.4. */
static struct hub_no decide_put(struct change *c, const struct device *stored)
{
	struct one *one = LIST_ITEM(c, struct one, change);
	struct hub_ask *ask = c->ask;
	instant now = loop_wall(ask->hubs->loop);
	struct hub_no no;

	if (!c->create && stored == NULL)
		return hub_no_device(ask->arena, c->device_id);
	if (stored && !etag_matches(one->if_match, stored->etag))
		return hub_no_etag();
	no = identity_prepare(&one->given, stored, stored ? NO_SLICE : generation_make(ask->hubs, ask->arena), now, ask->arena, &c->device);
	if (no.e != OK)
		return no;
	if (stored == NULL)
		twin_start(c->device);
	c->how = stored ? STORE_UPDATE : STORE_INSERT;
	return HUB_FINE;
}

struct hub_ask *hub_device_put(struct hubs *hubs, struct slice hub, struct slice device_id, struct slice if_match, struct slice body,
			       hub_done *done, void *cookie)
{
	struct hub_ask *ask = one_new(hubs, hub, device_id, if_match, done, cookie);
	struct one *one;
	struct hub_no no;

	if (ask == NULL)
		return NULL;
	one = ask->state;
	if ((no = identity_read(body, device_id, ask->arena, &one->given)).e != OK) {
		ask_refuse(ask, no);
		return ask;
	}
	one->change.create = slice_absent(if_match);
	one->change.decide = decide_put;
	one->change.done = answer_identity;
	change_start(&one->change);
	return ask;
}

/* --- delete --- */

static struct hub_no decide_delete(struct change *c, const struct device *stored)
{
	struct one *one = LIST_ITEM(c, struct one, change);

	if (stored == NULL)
		return hub_no_device(c->ask->arena, c->device_id);
	if (!etag_matches(one->if_match, stored->etag))
		return hub_no_etag();
	c->device = c->want.records;
	c->how = STORE_DELETE;
	return HUB_FINE;
}

static void deleted(struct change *c, struct hub_no no)
{
	if (no.e != OK)
		ask_refuse(c->ask, no);
	else
		ask_answer(c->ask);
}

struct hub_ask *hub_device_delete(struct hubs *hubs, struct slice hub, struct slice device_id, struct slice if_match, hub_done *done,
				  void *cookie)
{
	struct hub_ask *ask = one_new(hubs, hub, device_id, if_match, done, cookie);
	struct one *one;

	if (ask == NULL)
		return NULL;
	one = ask->state;
	one->change.decide = decide_delete;
	one->change.done = deleted;
	change_start(&one->change);
	return ask;
}

/* --- list --- */

struct list_state {
	struct scan scan;
	int top, rows;
};

static void list_fini(struct hub_ask *ask)
{
	struct list_state *l = ask->state;

	scan_stop(&l->scan);
}

static bool list_row(struct scan *s, const struct device *d)
{
	struct list_state *l = LIST_ITEM(s, struct list_state, scan);

	identity_write(d, &s->ask->out, s->page);
	return ++l->rows < l->top;
}

static void listed(struct scan *s, enum scan_end how, enum err e)
{
	if (how == SCAN_FAILED) {
		ask_refuse(s->ask, hub_no_store(e));
		return;
	}
	json_close(&s->ask->out, ']');
	ask_answer(s->ask);
}

struct hub_ask *hub_device_list(struct hubs *hubs, struct slice hub, int top, hub_done *done, void *cookie)
{
	struct hub_ask *ask = ask_new(hubs, hub, sizeof(struct list_state), list_fini, done, cookie);
	struct list_state *l;

	if (ask == NULL)
		return NULL;
	l = ask->state;
	l->top = top < 1 || top > HUB_PAGE_MAX ? HUB_PAGE_MAX : top; /* hub-api.md 4.2 */
	l->scan = (struct scan){.ask = ask, .page_rows = l->top, .row = list_row, .done = listed};
	json_open(&ask->out, NULL, '[');
	scan_start(&l->scan);
	return ask;
}
