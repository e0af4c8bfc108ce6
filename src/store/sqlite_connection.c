/*
 * sqlite_connection.c: one connection to a SQLite file, and running units on it.
 */
#include <assert.h>
#include <stdio.h>

#include "base/log.h"
#include "store/sqlite_connection.h"

#define PREPARED_MAX      256
#define COMPLAIN_MS       1000
#define BUSY_MS           1000 /* for an operator who looks into the file beside us */
#define READ_MS_MAX       5000 /* a read that takes longer holds back the log: it is broken off */
#define READ_OPS_PER_LOOK 20000

/* The write-ahead log, in pages of 4 KB. Past the first size the writer copies what no reader needs any more; that
 * never waits. Readers that overlap without a gap can keep the log from starting anew, so past the second size the
 * writer waits for them a little and truncates it. */
#define WAL_PAGES_COPY     4000
#define WAL_PAGES_TRUNCATE 16000
#define WAL_WAIT_MS        200

/* --- opening and closing --- */

static const char pragmas[] = "PRAGMA synchronous = FULL;"     /* on disk before it is answered */
			      "PRAGMA wal_autocheckpoint = 0;" /* connection_tidy does it, between batches */
			      "PRAGMA foreign_keys = OFF;"
			      "PRAGMA trusted_schema = OFF;"
			      "PRAGMA cell_size_check = ON;" /* a damaged page is an error, not a guess */
			      "PRAGMA temp_store = MEMORY;";
static const char writer_pragmas[] = "PRAGMA cache_size = -32000;";
/* Nothing is mapped: SQLite lets go of the whole map whenever another connection has written, and with registrations
 * coming in that is before nearly every read. Mapping anew and faulting the pages in costs more than reading them. */
static const char reader_pragmas[] = "PRAGMA cache_size = -4000;"
				     "PRAGMA query_only = ON;";

enum err sqlite_meaning(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
	case SQLITE_ROW: return OK;
	case SQLITE_NOMEM: return ERR_NO_MEMORY;
	case SQLITE_TOOBIG: return ERR_TOO_BIG;
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT: return ERR_CORRUPT;
	case SQLITE_INTERRUPT: return ERR_TIMEOUT;
	case SQLITE_CONSTRAINT:
		return rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY || rc == SQLITE_CONSTRAINT_ROWID ? ERR_EXISTS
															     : ERR_INTERNAL;
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_BUSY:
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM: return ERR_IO;
	default: return ERR_INTERNAL;
	}
}

/* What the operator must know; a taken key or a slow read is everyday. A full disk fails every commit, and says so
 * once a second. */
static enum err complain(struct connection *c, int rc, const char *at)
{
	enum err e = sqlite_meaning(rc);

	if (e == OK || e == ERR_EXISTS || e == ERR_TIMEOUT || clock_mono_ms() < c->silent_until)
		return e;
	c->silent_until = clock_mono_ms() + COMPLAIN_MS;
	log_error(NULL, "store_failed", "at", at, "why", sqlite3_errmsg(c->db), NULL);
	return e;
}

static int look_at_clock(void *cookie)
{
	const struct connection *c = cookie;

	return c->read_deadline && clock_mono_ms() > c->read_deadline;
}

static int note_wal(void *cookie, sqlite3 *db, const char *name, int pages)
{
	struct connection *c = cookie;

	(void)db;
	(void)name;
	c->wal_pages = pages;
	return SQLITE_OK;
}

/* Where the file system cannot do it SQLite only mentions that it stays with the old way. */
static int must_say_wal(void *cookie, int columns, char **values, char **names)
{
	(void)cookie;
	(void)names;
	return columns == 1 && values[0] && strcmp(values[0], "wal") == 0 ? 0 : 1;
}

enum err connection_open(struct connection *c, const char *path, bool writer, struct arena *arena, const char **why)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | (writer ? SQLITE_OPEN_CREATE : 0);
	enum err e;
	int rc;

	*c = (struct connection){.read_ms_max = READ_MS_MAX};
	if ((c->prepared = map_new(PREPARED_MAX)) == NULL)
		return ERR_NO_MEMORY;
	rc = sqlite3_open_v2(path, &c->db, flags, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(c->db, "PRAGMA journal_mode = WAL", must_say_wal, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(c->db, pragmas, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(c->db, writer ? writer_pragmas : reader_pragmas, NULL, NULL, NULL);
	if (rc != SQLITE_OK) {
		e = sqlite_meaning(rc) == ERR_INTERNAL ? ERR_IO : sqlite_meaning(rc);
		*why = arena_printf(arena, "%s cannot be opened as a store: %s", path, c->db ? sqlite3_errmsg(c->db) : "out of memory");
		connection_close(c);
		return e;
	}
	sqlite3_busy_timeout(c->db, BUSY_MS);
	if (writer)
		sqlite3_wal_hook(c->db, note_wal, c);
	else
		sqlite3_progress_handler(c->db, READ_OPS_PER_LOOK, look_at_clock, c);
	return OK;
}

void connection_close(struct connection *c)
{
	sqlite3_stmt *stmt;
	size_t at = 0;

	while (c->prepared && (stmt = map_each(c->prepared, &at, NULL)) != NULL)
		sqlite3_finalize(stmt);
	map_free(&c->prepared);
	sqlite3_close(c->db); /* the last one to close brings the log home */
	c->db = NULL;
}

/* --- one statement --- */

/* BEGIN and its like. */
static enum err run_text(struct connection *c, const char *sql)
{
	struct slice key = slice_str(sql);
	sqlite3_stmt *stmt = map_get(c->prepared, key);
	int rc;

	if (stmt == NULL) {
		if ((rc = sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL)) != SQLITE_OK)
			return complain(c, rc, sql);
		if (map_put(c->prepared, key, stmt) != OK) {
			sqlite3_finalize(stmt);
			return ERR_NO_MEMORY;
		}
	}
	rc = sqlite3_step(stmt);
	sqlite3_reset(stmt);
	return complain(c, rc, sql);
}

/* `kept`: it is in the map, and is reset after use; otherwise finalized. */
static enum err prepare(struct connection *c, const struct statement *s, sqlite3_stmt **out, bool *kept)
{
	int rc;

	*kept = true;
	if ((*out = map_get(c->prepared, s->sql)) != NULL)
		return OK;
	*kept = !s->rare;
	rc = sqlite3_prepare_v3(c->db, s->sql.p, (int)s->sql.n + 1, s->rare ? 0 : SQLITE_PREPARE_PERSISTENT, out, NULL);
	if (rc != SQLITE_OK)
		return complain(c, rc, "prepare");
	assert(*out != NULL && (size_t)sqlite3_bind_parameter_count(*out) == s->param_count);
	if (!s->rare && map_put(c->prepared, s->sql, *out) != OK)
		*kept = false; /* the map is full: it lives this once */
	return OK;
}

/* "$7" is a name to SQLite, which counts parameters as they first appear. */
static int bind(sqlite3_stmt *stmt, int at, const struct value *v)
{
	switch (v->type) {
	case VALUE_INT: return sqlite3_bind_int64(stmt, at, v->number);
	case VALUE_TEXT: return sqlite3_bind_text64(stmt, at, v->text.p, v->text.n, SQLITE_STATIC, SQLITE_UTF8);
	case VALUE_BLOB: return sqlite3_bind_blob64(stmt, at, v->text.p, v->text.n, SQLITE_STATIC);
	case VALUE_NULL:
	case VALUE_TYPES: break;
	}
	return sqlite3_bind_null(stmt, at);
}

static int bind_all(sqlite3_stmt *stmt, const struct statement *s)
{
	int rc = SQLITE_OK;

	for (size_t i = 0; i < s->param_count && rc == SQLITE_OK; i++)
		rc = bind(stmt, (int)i + 1, &s->params[i]);
	return rc;
}

/* Type and bytes of a column as they lie in SQLite, until the next step. */
static void look_at_cell(sqlite3_stmt *stmt, int column, struct value *out)
{
	*out = (struct value){.type = VALUE_NULL};
	switch (sqlite3_column_type(stmt, column)) {
	case SQLITE_INTEGER:
		out->type = VALUE_INT;
		out->number = sqlite3_column_int64(stmt, column);
		return;
	case SQLITE_TEXT:
		out->type = VALUE_TEXT;
		out->text.p = (const char *)sqlite3_column_text(stmt, column);
		break;
	case SQLITE_BLOB:
		out->type = VALUE_BLOB;
		out->text.p = sqlite3_column_blob(stmt, column);
		break;
	default: return;
	}
	out->text.n = (size_t)sqlite3_column_bytes(stmt, column);
	if (out->text.p == NULL) /* a blob of no bytes has no address */
		out->text = SLICE("");
}

/* A row and its bytes are one allocation each. */
static struct row *keep_row(sqlite3_stmt *stmt, struct arena *arena)
{
	int columns = sqlite3_column_count(stmt);
	struct row *row = arena_alloc(arena, sizeof(*row) + (size_t)columns * sizeof(row->cells[0]));
	size_t bytes = 0;
	char *to;

	if (row == NULL)
		return NULL;
	for (int i = 0; i < columns; i++) {
		look_at_cell(stmt, i, &row->cells[i]);
		bytes += row->cells[i].text.n;
	}
	if ((to = arena_alloc(arena, bytes)) == NULL)
		return NULL;
	for (int i = 0; i < columns; i++) {
		struct slice *text = &row->cells[i].text;

		if (slice_absent(*text))
			continue;
		memcpy(to, text->p, text->n);
		text->p = to;
		to += text->n;
	}
	return row;
}

static enum err step_through(struct connection *c, sqlite3_stmt *stmt, struct statement *s, struct arena *arena)
{
	struct row **end = &s->rows;
	int rc;

	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		if ((*end = keep_row(stmt, arena)) == NULL)
			return ERR_TOO_BIG;
		end = &(*end)->next;
		s->row_count++;
	}
	return complain(c, rc, "step");
}

static enum err run_statement(struct connection *c, struct statement *s, struct arena *arena)
{
	sqlite3_stmt *stmt;
	bool kept;
	enum err e;
	int rc;

	if ((e = prepare(c, s, &stmt, &kept)) != OK)
		return e;
	if ((rc = bind_all(stmt, s)) != SQLITE_OK)
		e = complain(c, rc, "bind");
	else if ((e = step_through(c, stmt, s, arena)) == OK && s->expects_row && sqlite3_changes(c->db) == 0)
		e = s->otherwise;
	if (kept) {
		sqlite3_reset(stmt);
		sqlite3_clear_bindings(stmt); /* they point into the unit */
	} else {
		sqlite3_finalize(stmt);
	}
	return e;
}

static enum err run_unit(struct connection *c, struct unit *u)
{
	u->result = OK;
	for (size_t i = 0; i < u->count && u->result == OK; i++) {
		u->failed = i;
		u->result = run_statement(c, &u->statements[i], u->arena);
	}
	return u->result;
}

/* --- reading --- */

void connection_read(struct connection *c, struct unit *u)
{
	bool many = u->count > 1; /* a single statement is a snapshot of its own */

	c->read_deadline = clock_mono_ms() + c->read_ms_max;
	u->result = many ? run_text(c, "BEGIN") : OK;
	if (u->result == OK)
		run_unit(c, u);
	c->read_deadline = 0;
	if (many && !sqlite3_get_autocommit(c->db) && run_text(c, "COMMIT") != OK)
		u->result = ERR_IO;
	if (u->result == OK && u->rows_read)
		u->result = u->rows_read(u);
}

/* --- writing --- */

/* One of several: what it did is undone when it fails. The result of a savepoint that does not obey is
 * that of the whole batch. */
static enum err run_one_of_many(struct connection *c, struct unit *u)
{
	enum err e = run_text(c, "SAVEPOINT unit");

	if (e != OK)
		return e;
	if (run_unit(c, u) != OK && !sqlite3_get_autocommit(c->db))
		e = run_text(c, "ROLLBACK TO unit");
	/* A full disk or worse may have ended the whole transaction, earlier units and all. */
	if (sqlite3_get_autocommit(c->db))
		return u->result != OK ? u->result : ERR_IO;
	return e != OK ? e : run_text(c, "RELEASE unit");
}

static enum err commit(struct connection *c)
{
	int64_t begin = clock_mono_us();
	enum err e = run_text(c, "COMMIT");

	c->commit_us = clock_mono_us() - begin;
	return e;
}

bool connection_write(struct connection *c, struct unit **units, int count)
{
	enum err e;

	for (int i = 0; i < count; i++)
		units[i]->result = OK;
	e = run_text(c, "BEGIN IMMEDIATE");
	if (e == OK && count == 1)
		e = run_unit(c, units[0]);
	for (int i = 0; i < count && count > 1 && e == OK; i++)
		e = run_one_of_many(c, units[i]);
	if (e == OK)
		e = commit(c);
	if (e == OK)
		return true;
	if (!sqlite3_get_autocommit(c->db))
		(void)run_text(c, "ROLLBACK");
	for (int i = 0; i < count; i++)
		if (units[i]->result == OK)
			units[i]->result = e;
	return false;
}

/* --- the log --- */

void connection_tidy(struct connection *c)
{
	bool large = c->wal_pages >= WAL_PAGES_TRUNCATE;
	int rc;

	if (c->wal_pages < WAL_PAGES_COPY)
		c->wal_tried = 0;
	if (c->wal_pages - c->wal_tried < WAL_PAGES_COPY)
		return;
	c->wal_tried = c->wal_pages;
	sqlite3_busy_timeout(c->db, WAL_WAIT_MS);
	rc = sqlite3_wal_checkpoint_v2(c->db, NULL, large ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	sqlite3_busy_timeout(c->db, BUSY_MS);
	if (rc == SQLITE_OK && large)
		c->wal_pages = c->wal_tried = 0;
	else if ((rc & 0xff) != SQLITE_BUSY)
		complain(c, rc, "checkpoint");
}
