/*
 * roster.c: see roster.h.
 */
#include <stdlib.h>

#include "base/map.h"
#include "api/roster.h"

struct roster {
	struct roster_conf conf;
	struct pages *records, *individuals;
	struct map *groups; /* folded ID -> struct store_want: its answer */
	struct arena *groups_arena;
	struct store_want *asked; /* being read */
	struct store_ask *ask;
	bool waited_for;
	enum err error;
};

static void tell(void *cookie)
{
	struct roster *r = cookie;

	if (!r->waited_for)
		return;
	r->waited_for = false;
	r->conf.more_is_here(r->conf.cookie);
}

static struct pages *open_pages(struct roster *r, const struct noun *noun, const char *const *only)
{
	return pages_open(&(struct pages_conf){.store = r->conf.store,
					       .loop = r->conf.loop,
					       .noun = noun,
					       .scope = r->conf.scope,
					       .only = only,
					       .more_is_here = tell,
					       .cookie = r});
}

static void forget_groups(struct roster *r)
{
	map_free(&r->groups);
	arena_free(&r->groups_arena);
}

static bool begin_groups(struct roster *r)
{
	forget_groups(r);
	r->groups = map_new(ROSTER_GROUPS_MAX);
	r->groups_arena = arena_new(ROSTER_GROUPS_MEMORY);
	return r->groups && r->groups_arena;
}

struct roster *roster_open(const struct roster_conf *conf)
{
	struct roster *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->conf = *conf;
	r->records = open_pages(r, &noun_registration, conf->record_columns);
	r->individuals = open_pages(r, &noun_individual, conf->enrollment_columns);
	if (r->records == NULL || r->individuals == NULL || !begin_groups(r))
		roster_close(&r);
	return r;
}

void roster_close(struct roster **it)
{
	struct roster *r = *it;

	*it = NULL;
	if (r == NULL)
		return;
	store_cancel(&r->ask);
	pages_close(&r->records);
	pages_close(&r->individuals);
	forget_groups(r);
	free(r);
}

/* --- groups --- */

static void group_is_here(void *cookie, enum err e)
{
	struct roster *r = cookie;
	const struct enrollment *like = r->asked->like;

	r->ask = NULL;
	if (e == OK)
		e = map_put(r->groups, like->id, r->asked);
	r->error = e;
	tell(r);
}

/* A group that is longer than what has room beside the others has it alone. */
static enum err ask_group(struct roster *r, struct slice id)
{
	struct enrollment *like;

	if ((map_count(r->groups) == ROSTER_GROUPS_MAX || arena_used(r->groups_arena) > ROSTER_GROUPS_MEMORY / 2) && !begin_groups(r))
		return ERR_NO_MEMORY;
	like = noun_new(&noun_group, r->groups_arena);
	r->asked = arena_alloc(r->groups_arena, sizeof(*r->asked));
	if (like == NULL || r->asked == NULL)
		return ERR_NO_MEMORY;
	like->scope = r->conf.scope;
	like->id = arena_copy(r->groups_arena, id);
	*r->asked = (struct store_want){.noun = &noun_group, .like = like, .keys = 2, .only = r->conf.enrollment_columns};
	r->ask = store_read(r->conf.store, r->conf.loop, r->groups_arena, r->asked, 1, group_is_here, r);
	return r->ask ? OK : ERR_NO_MEMORY;
}

static enum pages_look look_at_group(struct roster *r, struct slice id, const struct enrollment **out)
{
	const struct store_want *known = map_get(r->groups, id);

	if (known) {
		*out = known->count ? known->records : NULL;
		return PAGES_RECORD;
	}
	if (r->error != OK || (r->error = ask_group(r, id)) != OK)
		return PAGES_FAILED;
	return PAGES_WAIT;
}

/* --- side by side --- */

/* The individual enrollment of that ID: PAGES_END when there is none. */
static enum pages_look look_at_individual(struct roster *r, struct slice id, const struct enrollment **out)
{
	enum pages_look look;
	const void *record;

	do {
		pages_skip_to(r->individuals, id);
		if ((look = pages_look(r->individuals, &record)) != PAGES_RECORD)
			return look;
		*out = record;
	} while (slice_cmp((*out)->id, id) < 0);
	return slice_eq((*out)->id, id) ? PAGES_RECORD : PAGES_END;
}

static enum pages_look look(struct roster *r, struct enrolled *out)
{
	enum pages_look look;
	const void *record;

	if (r->ask)
		return PAGES_WAIT;
	if ((look = pages_look(r->records, &record)) != PAGES_RECORD)
		return look;
	*out = (struct enrolled){.record = record};
	look = look_at_individual(r, out->record->id, &out->enrollment);
	if (look != PAGES_END)
		return look;
	out->enrollment = NULL;
	return out->record->group_id.n > 0 ? look_at_group(r, out->record->group_id, &out->enrollment) : PAGES_RECORD;
}

enum pages_look roster_look(struct roster *r, struct enrolled *out)
{
	enum pages_look it = look(r, out);

	r->waited_for = it == PAGES_WAIT;
	return it;
}

void roster_next(struct roster *r)
{
	pages_next(r->records);
}

enum err roster_error(const struct roster *r)
{
	enum err e = r->error != OK ? r->error : pages_error(r->records);

	return e != OK ? e : pages_error(r->individuals);
}
