/*
 * deadline.c: a wheel with a slot for each second, turned by one timer.
 */
#include "io/loop_own.h"

#define SECOND_MS 1000

static void tick(void *cookie);

void deadlines_init(struct deadlines *ds)
{
	for (size_t i = 0; i < DEADLINE_SLOTS; i++)
		list_init(&ds->slots[i]);
}

static struct list *slot_of(struct deadlines *ds, int64_t second)
{
	return &ds->slots[(uint64_t)second % DEADLINE_SLOTS];
}

static bool any(const struct deadlines *ds)
{
	for (size_t i = 0; i < DEADLINE_SLOTS; i++)
		if (!list_empty(&ds->slots[i]))
			return true;
	return false;
}

/* Without memory for the timer the wheel stands still until the next deadline is set. */
static void keep_turning(struct loop *l)
{
	struct deadlines *ds = &l->deadlines;
	int64_t now = loop_now_ms(l);

	if (ds->tick == NULL)
		ds->tick = loop_after(l, SECOND_MS - now % SECOND_MS, tick, l);
}

/* What passes may set and clear any of them, itself too: so take those that are due out first, one by one. */
static void pass_slot(struct loop *l, struct list *slot)
{
	struct list waiting, *link;
	int64_t now = loop_now_ms(l);

	list_init(&waiting);
	list_move_all(&waiting, slot);
	while ((link = list_shift(&waiting)) != NULL) {
		struct deadline *d = LIST_ITEM(link, struct deadline, link);

		if (d->due_ms > now)
			list_append(slot, link);
		else
			d->passed(d);
	}
}

static void tick(void *cookie)
{
	struct loop *l = cookie;
	struct deadlines *ds = &l->deadlines;
	int64_t now = loop_now_ms(l) / SECOND_MS;

	ds->tick = NULL;
	if (now - ds->second > DEADLINE_SLOTS)
		ds->second = now - DEADLINE_SLOTS;
	while (ds->second < now)
		pass_slot(l, slot_of(ds, ds->second++));
	if (any(ds))
		keep_turning(l);
}

void deadline_set(struct loop *l, struct deadline *d, int64_t ms, void (*passed)(struct deadline *))
{
	struct deadlines *ds = &l->deadlines;

	deadline_clear(d);
	if (ds->tick == NULL && !any(ds))
		ds->second = loop_now_ms(l) / SECOND_MS;
	d->due_ms = loop_now_ms(l) + (ms > 0 ? ms : 0);
	d->passed = passed;
	list_append(slot_of(ds, d->due_ms / SECOND_MS), &d->link);
	keep_turning(l);
}

void deadline_clear(struct deadline *d)
{
	if (d->link.next)
		list_remove(&d->link);
	else
		list_init(&d->link);
}
