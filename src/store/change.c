/*
 * change.c: from a change to a statement.
 */
#include <assert.h>

#include "store/change.h"
#include "store/rows.h"

/* The columns that are no keys, then the keys. */
static void order_for_update(const struct table *t, const struct value *cells, struct value *out)
{
	for (int i = 0; i < t->column_count; i++)
		if (!column_is_key(t, i))
			*out++ = cells[i];
	for (int i = 0; i < t->key_count; i++)
		*out++ = cells[t->keys[i]];
}

static enum err write_keys(const struct table *t, const struct store_change *c, struct arena *arena, struct value *out)
{
	enum err e = OK;

	for (int i = 0; i < t->key_count && e == OK; i++)
		e = field_to_value(t->columns[t->keys[i]], c->record, arena, &out[i]);
	return e;
}

static enum err write_delete_all(const struct table *t, const struct store_change *c, struct arena *arena, struct statement *out)
{
	struct value key;
	struct sql sql;
	enum err e = OK;

	assert(c->keys > 0 && c->keys <= t->key_count);
	sql_init(&sql, arena);
	sql_add(&sql, "DELETE FROM %s", t->noun->name);
	for (int i = 0; i < c->keys && e == OK; i++) {
		const struct field *f = t->columns[t->keys[i]];

		sql_add(&sql, i ? " AND " : " WHERE ");
		e = field_to_value(f, c->record, arena, &key);
		sql_equals(&sql, f->name, key);
	}
	if (e == OK)
		e = sql_finish(&sql, out);
	sql_fini(&sql);
	return e;
}

/* Text, number of parameters and expectation of a change of one row. */
static void choose_statement(const struct table *t, const struct store_change *c, struct statement *out)
{
	bool with_etag = !slice_absent(c->if_etag) && (c->how == STORE_UPDATE || c->how == STORE_DELETE);

	out->expects_row = true;
	out->param_count = (size_t)(c->how == STORE_DELETE ? t->key_count : t->column_count) + with_etag;
	switch (c->how) {
	case STORE_INSERT:
		out->sql = t->insert;
		out->otherwise = ERR_EXISTS;
		break;
	case STORE_PUT:
		out->sql = t->put;
		out->otherwise = ERR_INTERNAL;
		break;
	case STORE_UPDATE:
		out->sql = with_etag ? t->update_if : t->update;
		out->otherwise = ERR_PRECONDITION;
		break;
	case STORE_DELETE:
		out->sql = with_etag ? t->delete_if : t->delete;
		out->otherwise = with_etag ? ERR_PRECONDITION : ERR_NOT_FOUND;
		break;
	case STORE_DELETE_ALL: break;
	}
	assert(!slice_absent(out->sql));
}

enum err change_write(const struct table *t, const struct seal *seal, const struct store_change *c, struct arena *arena,
		      struct statement *out)
{
	struct value *params, cells[COLUMNS_MAX];
	enum err e;

	if (c->how == STORE_DELETE_ALL)
		return write_delete_all(t, c, arena, out);
	choose_statement(t, c, out);
	if ((params = arena_array(arena, out->param_count, sizeof(*params))) == NULL)
		return ERR_NO_MEMORY;
	out->params = params;
	if (c->how == STORE_DELETE)
		e = write_keys(t, c, arena, params);
	else
		e = record_to_values(t, seal, c->record, arena, cells);
	if (e != OK)
		return e;
	if (c->how == STORE_UPDATE)
		order_for_update(t, cells, params);
	else if (c->how != STORE_DELETE)
		memcpy(params, cells, (size_t)t->column_count * sizeof(cells[0]));
	if (out->sql.p == t->update_if.p || out->sql.p == t->delete_if.p)
		params[out->param_count - 1] = (struct value){.type = VALUE_TEXT, .text = arena_copy(arena, c->if_etag)};
	return arena_failed(arena) ? ERR_NO_MEMORY : OK;
}

/* --- attempts --- */

static const char beyond_each[] = "DELETE FROM attempt WHERE (scope, id, at) IN (SELECT scope, id, at FROM (SELECT scope, id, at,"
				  " ROW_NUMBER() OVER (PARTITION BY scope, id ORDER BY at DESC) AS place FROM attempt) AS placed"
				  " WHERE place > $1)";
/* Offset without limit is spelled differently everywhere, so the limit is beyond all numbers of rows. */
static const char beyond_all[] = "DELETE FROM attempt WHERE (scope, id, at) IN (SELECT scope, id, at FROM attempt"
				 " ORDER BY at DESC, scope, id LIMIT 1000000000000 OFFSET $1)";

static enum err write_trim(const char *text, int keep, struct arena *arena, struct statement *out)
{
	struct value *param = arena_alloc(arena, sizeof(*param));

	if (param == NULL)
		return ERR_NO_MEMORY;
	*param = (struct value){.type = VALUE_INT, .number = keep};
	*out = (struct statement){.sql = slice_str(text), .rare = true, .params = param, .param_count = 1};
	return OK;
}

enum err change_write_trim(int per_id, int in_all, struct arena *arena, struct statement out[2])
{
	enum err e = write_trim(beyond_each, per_id, arena, &out[0]);

	return e == OK ? write_trim(beyond_all, in_all, arena, &out[1]) : e;
}
