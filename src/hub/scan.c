/*
 * scan.c: the devices of a hub, page by page, a few of them in each turn of the loop.
 */
#include "hub/hub_own.h"

static void fetch(struct scan *s);

static void end(struct scan *s, enum scan_end how, enum err e)
{
	arena_free(&s->page);
	s->done(s, how, e);
}

static bool limit_met(const struct scan *s)
{
	if (s->rows_max && s->seen >= s->rows_max)
		return true;
	return s->ms_max && loop_now_ms(s->ask->hubs->loop) - s->started_ms >= s->ms_max;
}

/* Look at one row. The ID is kept in the scan: the page may go before the next is asked for. */
static bool row_taken(struct scan *s)
{
	struct device *d = (struct device *)s->want.records + s->at++;

	row_open(d, NULL);
	s->seen++;
	s->after = slice_over(s->last, d->device_id.n < sizeof(s->last) ? d->device_id.n : sizeof(s->last));
	memcpy(s->last, d->device_id.p, s->after.n);
	return s->row(s, d);
}

static void turn(struct task *task)
{
	struct scan *s = LIST_ITEM(task, struct scan, turn);

	for (int i = 0; i < SCAN_TURN_ROWS; i++) {
		bool more = s->at < s->want.count || s->want.more;

		if (!more) {
			end(s, SCAN_ALL, OK);
			return;
		}
		if (limit_met(s)) {
			end(s, SCAN_LIMITED, OK);
			return;
		}
		if (s->at == s->want.count) {
			fetch(s);
			return;
		}
		if (!row_taken(s)) {
			end(s, s->at < s->want.count || s->want.more ? SCAN_ENOUGH : SCAN_ALL, OK);
			return;
		}
	}
	loop_post(s->ask->hubs->loop, &s->turn);
}

static void fetched(void *cookie, enum err e)
{
	struct scan *s = cookie;

	s->store_ask = NULL;
	if (e == ERR_TOO_BIG && s->page_rows > 1) {
		s->page_rows /= 2;
		fetch(s);
	} else if (e != OK) {
		end(s, SCAN_FAILED, e);
	} else {
		turn(&s->turn);
	}
}

static void fetch(struct scan *s)
{
	struct hubs *hubs = s->ask->hubs;
	struct device *like;

	arena_free(&s->page);
	s->at = 0;
	s->want = (struct store_want){.noun = &noun_device, .keys = 1, .after = s->after, .limit = s->page_rows};
	if ((s->page = arena_new(SCAN_PAGE_MAX)) == NULL || (like = noun_new(&noun_device, s->page)) == NULL)
		goto fail;
	like->hub = s->ask->hub;
	s->want.like = like;
	if ((s->store_ask = store_read(hubs->store, hubs->loop, s->page, &s->want, 1, fetched, s)) == NULL)
		goto fail;
	return;

fail:
	end(s, SCAN_FAILED, ERR_NO_MEMORY);
}

/* The first page is asked for in a turn of its own, so that done() is never early. */
static void begin(struct task *task)
{
	struct scan *s = LIST_ITEM(task, struct scan, turn);

	s->turn = (struct task){.run = turn};
	fetch(s);
}

void scan_start(struct scan *s)
{
	s->started_ms = loop_now_ms(s->ask->hubs->loop);
	if (s->page_rows < 1 || s->page_rows > SCAN_PAGE_ROWS)
		s->page_rows = SCAN_PAGE_ROWS;
	s->turn = (struct task){.run = begin};
	loop_post(s->ask->hubs->loop, &s->turn);
}

void scan_stop(struct scan *s)
{
	store_cancel(&s->store_ask);
	if (s->ask)
		loop_unpost(s->ask->hubs->loop, &s->turn);
	arena_free(&s->page);
}
