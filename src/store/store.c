/*
 * store.c: opening and closing, and the life of a question.
 *
 * A question or change becomes a unit with memory of its own; the caller's is touched when
 * it is asked and when it is answered, both on the caller's loop, and never in between. So a
 * cancelled ask can be left to its thread, and frees itself when it comes back.
 */
#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "store/change.h"
#include "store/question.h"
#include "store/rows.h"
#include "store/schema.h"

#define TABLES_MAX     24
#define STORE_MEMORY   (4 << 20)
#define ASK_MEMORY_MAX (64 << 20) /* of one question and its answer, or one change */
#define WAITING_MAX    4096       /* questions, and as many changes */
#define READERS_MAX    64
#define ASK_MAGIC      0x61736b21u

struct store {
	const struct seal *seal;
	struct db *db; /* NULL: closed, but asks are still on their way back */
	struct arena *arena;
	struct table tables[TABLES_MAX];
	size_t table_count;
	atomic_int users; /* the owner and the asks */
};

struct store_ask {
	unsigned magic;
	struct unit unit;
	struct store *store;
	bool dropped;            /* cancelled: done() stays silent */
	struct loop_guest guest; /* from then on */
	bool late;               /* it did not get to the driver; `answer` is posted */
	struct task answer;

	store_done *read_done;
	store_changed *write_done; /* one of the two */
	void *cookie;
	struct arena *arena; /* the caller's, and so are the wants */
	struct store_want *wants;
	const struct table **tables; /* reading: of each statement; NULL: it only counts */
};

/* --- opening and closing --- */

static const struct store_driver *const drivers[] = {
#define DRIVER(d) &store_##d,
#include "store/drivers.def"
#undef DRIVER
};

static const struct store_driver *driver_of(const char *url, const char **place)
{
	struct slice rest = slice_str(url), word;

	if (!slice_next(&rest, ':', &word) || rest.n == 0)
		return NULL;
	*place = rest.p;
	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
		if (slice_eq(word, slice_str(drivers[i]->name)))
			return drivers[i];
	return NULL;
}

static void store_release(struct store *s)
{
	if (atomic_fetch_sub(&s->users, 1) > 1)
		return;
	arena_free(&s->arena);
	free(s);
}

static enum err make_tables(struct store *s)
{
	enum err e = OK;

	for (size_t i = 0; nouns[i] && e == OK; i++) {
		assert(i < TABLES_MAX);
		e = table_init(&s->tables[s->table_count++], nouns[i], s->arena);
	}
	return e;
}

static enum err open_db(struct store *s, const struct store_conf *conf, struct arena *arena, const char **why)
{
	struct db_conf db = {.readers = conf->readers, .waiting_max = conf->waiting_max ? conf->waiting_max : WAITING_MAX};
	const struct store_driver *driver = driver_of(conf->url, &db.place);

	if (driver == NULL) {
		*why = arena_printf(arena, "no database is known by the address \"%s\"; \"sqlite:PATH\" is one", conf->url);
		return ERR_INVALID;
	}
	if (conf->readers < 1 || conf->readers > READERS_MAX || db.waiting_max < 1) {
		*why = arena_printf(arena, "a store has 1 to %d readers", READERS_MAX);
		return ERR_INVALID;
	}
	return driver->open(&db, s->arena, &s->db, why);
}

enum err store_open_schema(const struct store_conf *conf, const struct schema *schema, struct arena *arena, struct store **out,
			   const char **why)
{
	struct store *s = calloc(1, sizeof(*s));
	enum err e = ERR_NO_MEMORY;

	*why = "out of memory";
	if (s == NULL || (s->arena = arena_new(STORE_MEMORY)) == NULL)
		goto fail;
	s->seal = conf->seal;
	atomic_init(&s->users, 1);
	if ((e = make_tables(s)) != OK || (e = open_db(s, conf, arena, why)) != OK)
		goto fail_arena;
	if ((e = schema_ready(s->db, schema, s->seal, s->tables, s->table_count, arena, why)) != OK)
		goto fail_db;
	*out = s;
	return OK;

fail_db:
	s->db->driver->close(&s->db);
fail_arena:
	*why = *why ? arena_str(arena, slice_str(*why)) : NULL; /* it may lie in memory that goes now */
	arena_free(&s->arena);
fail:
	free(s);
	return e;
}

enum err store_open(const struct store_conf *conf, struct arena *arena, struct store **out, const char **why)
{
	return store_open_schema(conf, &schema_current, arena, out, why);
}

void store_close(struct store **store)
{
	struct store *s = *store;

	*store = NULL;
	if (s == NULL)
		return;
	s->db->driver->close(&s->db);
	store_release(s);
}

static const struct table *table_of(const struct store *s, const struct noun *noun)
{
	for (size_t i = 0; i < s->table_count; i++)
		if (s->tables[i].noun == noun)
			return &s->tables[i];
	assert(!"a noun of the store");
	return NULL;
}

/* --- the life of an ask --- */

static void ask_free(struct store_ask *ask)
{
	ask->magic = 0;
	arena_free(&ask->unit.arena);
	store_release(ask->store);
	free(ask);
}

/* Rows become records in the caller's arena; only the caller's loop may do that. */
static enum err answer_want(const struct table *t, const struct statement *s, struct arena *arena, struct store_want *want)
{
	size_t count = s->row_count, limit = want->limit > 0 ? (size_t)want->limit : 1;
	const struct row *row = s->rows;
	char *records;
	enum err e = OK;

	if (want->count_only) {
		want->count = (size_t)row->cells[0].number;
		return OK;
	}
	want->more = want->limit > 0 && count > limit;
	count = count > limit ? limit : count;
	if ((records = arena_array(arena, count, t->noun->size)) == NULL)
		return ERR_TOO_BIG;
	for (size_t i = 0; i < count && e == OK; i++, row = row->next)
		e = row_to_record(t, row, arena, records + i * t->noun->size);
	if (e != OK)
		return e == ERR_NO_MEMORY ? ERR_TOO_BIG : e;
	want->records = records;
	want->count = count;
	return OK;
}

static enum err answer_wants(struct store_ask *ask)
{
	enum err e = ask->unit.result;

	for (size_t i = 0; i < ask->unit.count && e == OK; i++)
		e = answer_want(ask->tables[i], &ask->unit.statements[i], ask->arena, &ask->wants[i]);
	return e;
}

/* The last thing in the life of an ask, on the loop that asked. */
static void ask_end(struct store_ask *ask)
{
	store_done *read_done = ask->read_done;
	store_changed *write_done = ask->write_done;
	void *cookie = ask->cookie;
	bool dropped = ask->dropped;
	size_t failed = ask->unit.failed;
	enum err e = ask->unit.result;

	assert(ask->magic == ASK_MAGIC);
	if (dropped)
		list_remove(&ask->guest.link);
	else if (read_done)
		e = answer_wants(ask);
	ask_free(ask);
	if (dropped)
		return;
	if (read_done)
		read_done(cookie, e);
	else
		write_done(cookie, e, failed);
}

static void unit_is_done(struct unit *unit)
{
	ask_end(LIST_ITEM(unit, struct store_ask, unit));
}

/* The loop ends before it has heard of an answer that nobody waits for. */
static void on_loop_end(struct loop_guest *guest)
{
	ask_free(LIST_ITEM(guest, struct store_ask, guest));
}

static void late_answer(struct task *task)
{
	ask_end(LIST_ITEM(task, struct store_ask, answer));
}

/* On the reader's thread: opening what is sealed is no work for a loop. */
static enum err reveal_rows(struct unit *unit)
{
	struct store_ask *ask = LIST_ITEM(unit, struct store_ask, unit);
	enum err e = OK;

	for (size_t i = 0; i < unit->count; i++) {
		for (struct row *row = ask->tables[i] ? unit->statements[i].rows : NULL; row && e == OK; row = row->next)
			e = row_reveal(ask->tables[i], ask->store->seal, row, unit->arena);
	}
	return e == ERR_NO_MEMORY ? ERR_TOO_BIG : e;
}

static struct store_ask *ask_new(struct store *s, struct loop *loop, size_t statements, void *cookie)
{
	struct store_ask *ask = calloc(1, sizeof(*ask));

	if (ask == NULL)
		return NULL;
	ask->magic = ASK_MAGIC;
	ask->cookie = cookie;
	ask->store = s;
	ask->answer.run = late_answer;
	ask->guest.end = on_loop_end;
	ask->unit.loop = loop;
	ask->unit.done = unit_is_done;
	ask->unit.count = statements;
	atomic_fetch_add(&s->users, 1);
	if ((ask->unit.arena = arena_new(ASK_MEMORY_MAX)) == NULL ||
	    (ask->unit.statements = arena_array(ask->unit.arena, statements, sizeof(struct statement))) == NULL) {
		ask_free(ask);
		return NULL;
	}
	return ask;
}

/* Hand it to the driver, or come back with what was wrong, later. */
static struct store_ask *ask_start(struct store_ask *ask, enum err e)
{
	struct db *db = ask->store->db;

	if (e == OK)
		e = db->driver->start(db, &ask->unit);
	if (e != OK) {
		ask->unit.result = e;
		ask->late = true;
		loop_post(ask->unit.loop, &ask->answer);
	}
	return ask;
}

void store_cancel(struct store_ask **it)
{
	struct store_ask *ask = *it;
	struct db *db;

	*it = NULL;
	if (ask == NULL)
		return;
	assert(ask->magic == ASK_MAGIC && !ask->dropped);
	db = ask->store->db;
	if (ask->late)
		loop_unpost(ask->unit.loop, &ask->answer);
	else if (db == NULL || !db->driver->take_back(db, &ask->unit)) {
		ask->dropped = true;
		loop_invite(ask->unit.loop, &ask->guest);
		return;
	}
	ask_free(ask);
}

/* --- questions --- */

static const struct table *table_shown(const struct table *t, const char *const *only, struct arena *arena)
{
	struct table *narrow;

	if (only == NULL)
		return t;
	narrow = arena_alloc(arena, sizeof(*narrow));
	return narrow && table_narrow(t, only, arena, narrow) == OK ? narrow : NULL;
}

static enum err write_questions(struct store_ask *ask, struct store_want *wants, size_t count)
{
	struct store *s = ask->store;
	enum err e = OK;

	if ((ask->tables = arena_array(ask->unit.arena, count, sizeof(struct table *))) == NULL)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < count && e == OK; i++) {
		const struct table *t = table_of(s, wants[i].noun), *shown = table_shown(t, wants[i].only, ask->unit.arena);

		if (shown == NULL)
			return ERR_NO_MEMORY;
		ask->tables[i] = wants[i].count_only ? NULL : shown;
		wants[i].records = NULL;
		wants[i].count = 0;
		wants[i].more = false;
		e = question_write(t, shown, &wants[i], ask->unit.arena, &ask->unit.statements[i]);
		ask->unit.failed = i;
	}
	return e;
}

struct store_ask *store_read(struct store *s, struct loop *loop, struct arena *arena, struct store_want *wants, size_t count,
			     store_done *done, void *cookie)
{
	struct store_ask *ask = ask_new(s, loop, count, cookie);

	if (ask == NULL)
		return NULL;
	ask->read_done = done;
	ask->arena = arena;
	ask->wants = wants;
	ask->unit.rows_read = reveal_rows;
	return ask_start(ask, write_questions(ask, wants, count));
}

/* --- changes --- */

struct store_ask *store_write(struct store *s, struct loop *loop, struct arena *arena, const struct store_change *changes, size_t count,
			      store_changed *done, void *cookie)
{
	struct store_ask *ask = ask_new(s, loop, count, cookie);
	enum err e = OK;

	(void)arena; /* everything is copied, for the change may outlive its caller */
	if (ask == NULL)
		return NULL;
	ask->write_done = done;
	ask->unit.writes = true;
	for (size_t i = 0; i < count && e == OK; i++) {
		ask->unit.failed = i;
		e = change_write(table_of(s, changes[i].noun), s->seal, &changes[i], ask->unit.arena, &ask->unit.statements[i]);
	}
	return ask_start(ask, e);
}

struct store_ask *store_trim_attempts(struct store *s, struct loop *loop, struct arena *arena, int per_id, int in_all, store_changed *done,
				      void *cookie)
{
	struct store_ask *ask = ask_new(s, loop, 2, cookie);
	enum err e;

	(void)arena;
	if (ask == NULL)
		return NULL;
	ask->write_done = done;
	ask->unit.writes = true;
	e = change_write_trim(per_id, in_all, ask->unit.arena, ask->unit.statements);
	return ask_start(ask, e);
}

/* --- looking in from outside --- */

void store_counts(const struct store *s, struct store_counts *out)
{
	s->db->driver->counts(s->db, out);
}

enum err store_backup(struct store *s, const char *path, struct arena *arena, const char **why)
{
	if (s->db->driver->backup == NULL) {
		*why = arena_printf(arena, "a copy of this store is made with the tools of %s", s->db->driver->name);
		return ERR_UNSUPPORTED;
	}
	return s->db->driver->backup(s->db, path, arena, why);
}
