/*
 * sql.c: the statements of a table, and the building of others.
 */
#include <assert.h>

#include "base/buf.h"
#include "store/sql.h"

#define SQL_TEXT_MAX 65536

/* --- piece by piece --- */

void sql_init(struct sql *sql, struct arena *arena)
{
	buf_init(&sql->text, SQL_TEXT_MAX);
	sql->arena = arena;
	sql->count = 0;
	sql->failed = false;
}

void sql_fini(struct sql *sql)
{
	buf_fini(&sql->text);
}

void sql_add(struct sql *sql, const char *fmt, ...)
{
	va_list ap;
	char piece[256]; /* names of ours and words of SQL */
	int n;

	va_start(ap, fmt);
	n = vsnprintf(piece, sizeof(piece), fmt, ap);
	va_end(ap);
	assert(n >= 0 && (size_t)n < sizeof(piece));
	buf_add(&sql->text, slice_over(piece, (size_t)n));
}

void sql_param(struct sql *sql, struct value value)
{
	if (sql->count == PARAMS_MAX) {
		sql->failed = true;
		return;
	}
	sql->params[sql->count++] = value;
	sql_add(sql, "$%zu", sql->count);
}

void sql_equals(struct sql *sql, const char *column, struct value value)
{
	if (value.type == VALUE_NULL) {
		sql_add(sql, "%s IS NULL", column);
		return;
	}
	sql_add(sql, "%s = ", column);
	sql_param(sql, value);
}

static enum err take_text(struct sql *sql, struct slice *out)
{
	const char *text;

	if (sql->failed || buf_failed(&sql->text))
		return ERR_TOO_BIG;
	if ((text = arena_str(sql->arena, buf_slice(&sql->text))) == NULL)
		return ERR_NO_MEMORY;
	*out = slice_str(text);
	return OK;
}

enum err sql_finish(struct sql *sql, struct statement *out)
{
	struct value *params;
	enum err e;

	if ((e = take_text(sql, &out->sql)) != OK)
		return e;
	if ((params = arena_array(sql->arena, sql->count, sizeof(*params))) == NULL)
		return ERR_NO_MEMORY;
	memcpy(params, sql->params, sql->count * sizeof(*params));
	out->params = params;
	out->param_count = sql->count;
	return OK;
}

/* --- what a table is --- */

enum value_type column_type(const struct field *f)
{
	switch (f->type) {
	case FIELD_FLAG:
	case FIELD_INT:
	case FIELD_TIME: return VALUE_INT;
	case FIELD_KEY:
	case FIELD_CERT: return VALUE_BLOB;
	case FIELD_TEXT:
	case FIELD_ENUM:
	case FIELD_JSON:
	case FIELD_LIST: return VALUE_TEXT;
	}
	return VALUE_TEXT;
}

bool column_is_key(const struct table *t, int column)
{
	return (t->columns[column]->rules & FIELD_ID) != 0;
}

/* A row longer than a quarter of a page spills over when it lives in the tree of its key; so those
 * with certificates, twins and other documents are kept apart from theirs. */
#define LONG_FIELDS_OF_SMALL_ROW 2

static void choose_columns(struct table *t)
{
	int long_fields = 0;

	for (size_t i = 0; i < t->noun->count; i++) {
		const struct field *f = &t->noun->fields[i];

		if (f->rules & FIELD_UNSTORED)
			continue;
		assert(t->column_count < COLUMNS_MAX);
		if (f->rules & FIELD_ID) {
			assert(t->key_count < KEYS_MAX);
			t->keys[t->key_count++] = t->column_count;
		}
		long_fields += f->type == FIELD_JSON || f->type == FIELD_LIST || f->type == FIELD_CERT;
		t->columns[t->column_count++] = f;
	}
	assert(t->key_count > 0);
	t->small = long_fields <= LONG_FIELDS_OF_SMALL_ROW;
}

/* --- its statements; the values come later, so the parameters stand for nothing yet --- */

static const struct value later = {.type = VALUE_NULL};

static void add_columns(struct sql *sql, const struct table *t)
{
	for (int i = 0; i < t->column_count; i++)
		sql_add(sql, "%s%s", i ? ", " : "", t->columns[i]->name);
}

static void add_insert(struct sql *sql, const struct table *t)
{
	sql_add(sql, "INSERT INTO %s (", t->noun->name);
	add_columns(sql, t);
	sql_add(sql, ") VALUES (");
	for (int i = 0; i < t->column_count; i++) {
		sql_add(sql, "%s", i ? ", " : "");
		sql_param(sql, later);
	}
	sql_add(sql, ") ON CONFLICT ");
}

static void add_put(struct sql *sql, const struct table *t)
{
	const char *comma = "";

	add_insert(sql, t);
	for (int i = 0; i < t->key_count; i++)
		sql_add(sql, "%s%s", i ? ", " : "(", t->columns[t->keys[i]]->name);
	sql_add(sql, ") DO UPDATE SET ");
	for (int i = 0; i < t->column_count; i++) {
		const char *name = t->columns[i]->name;

		if (column_is_key(t, i))
			continue;
		sql_add(sql, "%s%s = excluded.%s", comma, name, name);
		comma = ", ";
	}
}

static void add_row_condition(struct sql *sql, const struct table *t, bool with_etag)
{
	for (int i = 0; i < t->key_count; i++) {
		sql_add(sql, " %s %s = ", i ? "AND" : "WHERE", t->columns[t->keys[i]]->name);
		sql_param(sql, later);
	}
	if (with_etag) {
		sql_add(sql, " AND etag = ");
		sql_param(sql, later);
	}
}

static void add_update(struct sql *sql, const struct table *t, bool with_etag)
{
	const char *comma = "";

	sql_add(sql, "UPDATE %s SET ", t->noun->name);
	for (int i = 0; i < t->column_count; i++) {
		if (column_is_key(t, i))
			continue;
		sql_add(sql, "%s%s = ", comma, t->columns[i]->name);
		sql_param(sql, later);
		comma = ", ";
	}
	add_row_condition(sql, t, with_etag);
}

static void add_delete(struct sql *sql, const struct table *t, bool with_etag)
{
	sql_add(sql, "DELETE FROM %s", t->noun->name);
	add_row_condition(sql, t, with_etag);
}

static void add_find(struct sql *sql, const struct table *t)
{
	sql_add(sql, "SELECT ");
	add_columns(sql, t);
	sql_add(sql, " FROM %s", t->noun->name);
	add_row_condition(sql, t, false);
}

/* End one text and begin the next. */
static enum err keep(struct sql *sql, struct slice *out)
{
	enum err e = take_text(sql, out);

	buf_clear(&sql->text);
	sql->count = 0;
	return e;
}

static enum err write_texts(struct table *t, struct sql *sql)
{
	bool has_etag = noun_field(t->noun, "etag") != NULL;
	enum err e;

	add_columns(sql, t);
	if ((e = keep(sql, &t->columns_text)) != OK)
		return e;
	add_find(sql, t);
	if ((e = keep(sql, &t->find)) != OK)
		return e;
	add_insert(sql, t);
	sql_add(sql, "DO NOTHING");
	if ((e = keep(sql, &t->insert)) != OK)
		return e;
	add_put(sql, t);
	if ((e = keep(sql, &t->put)) != OK)
		return e;
	add_update(sql, t, false);
	if ((e = keep(sql, &t->update)) != OK)
		return e;
	add_delete(sql, t, false);
	if ((e = keep(sql, &t->delete)) != OK || !has_etag)
		return e;
	add_update(sql, t, true);
	if ((e = keep(sql, &t->update_if)) != OK)
		return e;
	add_delete(sql, t, true);
	return keep(sql, &t->delete_if);
}

static bool is_among(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (strcmp(name, *names) == 0)
			return true;
	return false;
}

enum err table_narrow(const struct table *t, const char *const *only, struct arena *arena, struct table *out)
{
	struct sql sql;
	enum err e;

	*out = (struct table){.noun = t->noun, .small = t->small};
	for (int i = 0; i < t->column_count; i++) {
		if (!column_is_key(t, i) && !is_among(t->columns[i]->name, only))
			continue;
		if (column_is_key(t, i))
			out->keys[out->key_count++] = out->column_count;
		out->columns[out->column_count++] = t->columns[i];
	}
	sql_init(&sql, arena);
	add_columns(&sql, out);
	e = take_text(&sql, &out->columns_text);
	sql_fini(&sql);
	return e;
}

enum err table_init(struct table *t, const struct noun *noun, struct arena *arena)
{
	struct sql sql;
	enum err e;

	*t = (struct table){.noun = noun};
	choose_columns(t);
	sql_init(&sql, arena);
	e = write_texts(t, &sql);
	sql_fini(&sql);
	return e;
}
