/*
 * change.c: read one device, decide, write.
 *
 * The write holds only if the row is still the one that was decided about. If not, the whole is done again with what
 * is there now: a condition of the caller's is then judged against the newer record, so nobody's change is lost and
 * nobody without a condition hears of the race.
 */
#include "hub/hub_own.h"

static void look(struct change *c);

static void end(struct change *c, struct hub_no no)
{
	c->done(c, no);
}

static void again(struct change *c)
{
	if (++c->tries < CHANGE_TRIES)
		look(c);
	else
		end(c, (struct hub_no){ERR_THROTTLED, "ThrottlingException", "The device is being changed too often. Try again."});
}

static void written(void *cookie, enum err e, size_t failed)
{
	struct change *c = cookie;

	(void)failed;
	c->store_ask = NULL;
	if (e == OK)
		end(c, HUB_FINE);
	else if (e == ERR_EXISTS && c->create)
		end(c, hub_no_exists(c->ask->arena, c->device_id));
	else if (e == ERR_EXISTS || e == ERR_PRECONDITION || e == ERR_NOT_FOUND)
		again(c);
	else
		end(c, hub_no_store(e));
}

static void decide(struct change *c, const struct device *stored)
{
	struct hub_ask *ask = c->ask;
	struct store_change write = {.noun = &noun_device, .record = &c->row};
	struct hub_no no;

	if ((no = c->decide(c, stored)).e != OK || c->settled) {
		end(c, no);
		return;
	}
	write.how = c->how;
	if (c->how != STORE_INSERT)
		write.if_etag = c->version;
	c->row = *c->device;
	c->row.hub = ask->hub;
	c->row.etag = row_version(c->device, ask->arena);
	if (slice_absent(c->row.etag)) {
		end(c, hub_no_memory());
		return;
	}
	c->store_ask = store_write(ask->hubs->store, ask->hubs->loop, ask->arena, &write, 1, written, c);
	if (c->store_ask == NULL)
		end(c, hub_no_store(ERR_NO_MEMORY));
}

static void looked(void *cookie, enum err e)
{
	struct change *c = cookie;
	struct device *stored = c->want.count ? c->want.records : NULL;

	c->store_ask = NULL;
	if (e != OK) {
		end(c, hub_no_store(e));
		return;
	}
	if (stored)
		row_open(stored, &c->version);
	decide(c, stored);
}

static void look(struct change *c)
{
	struct hub_ask *ask = c->ask;
	struct device *like = device_like(ask, c->device_id);

	if (like == NULL) {
		end(c, hub_no_memory());
		return;
	}
	c->want = (struct store_want){.noun = &noun_device, .like = like, .keys = 2};
	c->store_ask = store_read(ask->hubs->store, ask->hubs->loop, ask->arena, &c->want, 1, looked, c);
	if (c->store_ask == NULL)
		end(c, hub_no_store(ERR_NO_MEMORY));
}

void change_start(struct change *c)
{
	if (c->create)
		decide(c, NULL);
	else
		look(c);
}

void change_stop(struct change *c)
{
	store_cancel(&c->store_ask);
}
