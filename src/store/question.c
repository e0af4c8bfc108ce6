/*
 * question.c: from what is wanted to a statement.
 *
 * Pages go by key, never by offset: a page is an equality on the first key columns, perhaps
 * "behind this" on the next, and the order of the rest, so it is one walk along one tree.
 */
#include <assert.h>

#include "store/question.h"
#include "store/rows.h"

#define CONDITIONS_MAX 100 /* joints and leaves of one `where` */

/* The columns by which the answer is found and ordered: those of the index, then, where several rows
 * may be equal in those, what is missing of the primary key. */
struct order {
	const struct field *by[2 * KEYS_MAX];
	int count, named; /* `named` of them belong to the index itself */
};

static bool order_has(const struct order *o, const struct field *f)
{
	for (int i = 0; i < o->count; i++)
		if (o->by[i] == f)
			return true;
	return false;
}

static void choose_order(const struct table *t, int by, struct order *o)
{
	const struct noun_index *index = by > 0 ? &t->noun->indexes[by - 1] : NULL;

	*o = (struct order){0};
	assert(by >= 0 && (size_t)by <= t->noun->index_count);
	if (index) {
		for (int i = 0; i < KEYS_MAX && index->columns[i]; i++)
			o->by[o->count++] = noun_field(t->noun, index->columns[i]);
	}
	o->named = by > 0 ? o->count : t->key_count;
	for (int i = 0; i < t->key_count && !(index && index->unique); i++)
		if (!order_has(o, t->columns[t->keys[i]]))
			o->by[o->count++] = t->columns[t->keys[i]];
}

/* --- conditions --- */

static enum err add_keys(struct sql *sql, const struct order *o, const struct store_want *want)
{
	struct value value;
	enum err e = OK;

	assert(want->keys >= 0 && want->keys <= o->named);
	for (int i = 0; i < want->keys && e == OK; i++) {
		sql_add(sql, " AND ");
		e = field_to_value(o->by[i], want->like, sql->arena, &value);
		sql_equals(sql, o->by[i]->name, value);
	}
	return e;
}

/* A bound on the column behind those that are equal. */
static enum err add_bound(struct sql *sql, const struct order *o, int keys, const char *relation, struct slice bound)
{
	struct value value;

	if (slice_absent(bound))
		return OK;
	if (keys >= o->count || !text_to_value(o->by[keys], bound, sql->arena, &value))
		return ERR_INVALID;
	if (value.type == VALUE_NULL)
		return ERR_NO_MEMORY;
	sql_add(sql, " AND %s %s ", o->by[keys]->name, relation);
	sql_param(sql, value);
	return OK;
}

static enum err add_bounds(struct sql *sql, const struct order *o, const struct store_want *want)
{
	enum err e = add_bound(sql, o, want->keys, want->backwards ? "<" : ">", want->after);

	return e == OK ? add_bound(sql, o, want->keys, want->backwards ? ">=" : "<=", want->until) : e;
}

static bool is_comparable(const struct table *t, const struct field *f)
{
	if (f->type == FIELD_KEY || f->type == FIELD_CERT || f->type == FIELD_JSON || f->type == FIELD_LIST)
		return false;
	for (int i = 0; i < t->column_count; i++)
		if (t->columns[i] == f)
			return true;
	return false;
}

/* Either this equals that or it does not: null differs from every value, and NE is the opposite of EQ. */
static enum err add_comparison(struct sql *sql, const struct table *t, const struct store_where *w)
{
	bool equal = w->op == WHERE_EQ;
	struct value value;

	if (!is_comparable(t, w->field))
		return ERR_INVALID;
	if (!text_to_value(w->field, w->value, sql->arena, &value)) {
		sql_add(sql, equal ? "1 = 0" : "1 = 1");
		return OK;
	}
	if (value.type == VALUE_NULL && !slice_absent(w->value))
		return ERR_NO_MEMORY;
	if (value.type == VALUE_NULL) {
		sql_add(sql, "%s %s", w->field->name, equal ? "IS NULL" : "IS NOT NULL");
		return OK;
	}
	sql_add(sql, equal ? "%s = " : "(%s <> ", w->field->name);
	sql_param(sql, value);
	if (!equal)
		sql_add(sql, " OR %s IS NULL)", w->field->name);
	return OK;
}

/* `left` bounds the recursion: it counts down over the whole tree. */
static enum err add_where(struct sql *sql, const struct table *t, const struct store_where *w, int *left)
{
	enum err e;

	if (--*left < 0)
		return ERR_TOO_BIG;
	if (w->op == WHERE_EQ || w->op == WHERE_NE)
		return add_comparison(sql, t, w);
	sql_add(sql, "(");
	if ((e = add_where(sql, t, w->left, left)) != OK)
		return e;
	sql_add(sql, w->op == WHERE_AND ? " AND " : " OR ");
	if ((e = add_where(sql, t, w->right, left)) != OK)
		return e;
	sql_add(sql, ")");
	return OK;
}

static enum err add_conditions(struct sql *sql, const struct table *t, const struct order *o, const struct store_want *want)
{
	const char *only = want->by > 0 ? t->noun->indexes[want->by - 1].where : NULL;
	int left = CONDITIONS_MAX;
	enum err e;

	sql_add(sql, " WHERE 1 = 1");
	/* A partial index is only used when its condition stands there in so many words. */
	if (only)
		sql_add(sql, " AND %s", only);
	if ((e = add_keys(sql, o, want)) != OK || (e = add_bounds(sql, o, want)) != OK || want->where == NULL)
		return e;
	sql_add(sql, " AND ");
	return add_where(sql, t, want->where, &left);
}

/* --- the whole --- */

static bool is_plain_find(const struct table *t, const struct store_want *want)
{
	return want->by == 0 && want->keys == t->key_count && want->where == NULL && want->only == NULL && !want->count_only && slice_absent(want->after) && slice_absent(want->until);
}

static enum err write_find(const struct table *t, const struct store_want *want, struct arena *arena, struct statement *out)
{
	struct value *params = arena_array(arena, (size_t)t->key_count, sizeof(*params));
	enum err e = params ? OK : ERR_NO_MEMORY;

	for (int i = 0; i < t->key_count && e == OK; i++)
		e = field_to_value(t->columns[t->keys[i]], want->like, arena, &params[i]);
	out->sql = t->find;
	out->params = params;
	out->param_count = (size_t)t->key_count;
	return e;
}

/* Ordered by what is not already said to be equal. */
static void add_order(struct sql *sql, const struct order *o, const struct store_want *want)
{
	for (int i = want->keys; i < o->count; i++)
		sql_add(sql, "%s%s%s", i == want->keys ? " ORDER BY " : ", ", o->by[i]->name, want->backwards ? " DESC" : "");
	/* One more than asked for tells whether there is more. */
	sql_add(sql, " LIMIT ");
	sql_param(sql, (struct value){.type = VALUE_INT, .number = want->limit ? (int64_t)want->limit + 1 : 1});
}

enum err question_write(const struct table *t, const struct table *shown, const struct store_want *want, struct arena *arena,
			struct statement *out)
{
	struct order order;
	struct sql sql;
	enum err e;

	assert(want->limit >= 0);
	*out = (struct statement){.rare = want->where != NULL};
	if (is_plain_find(t, want))
		return write_find(t, want, arena, out);
	choose_order(t, want->by, &order);
	sql_init(&sql, arena);
	sql_add(&sql, "SELECT ");
	buf_add(&sql.text, want->count_only ? SLICE("COUNT(*)") : shown->columns_text);
	sql_add(&sql, " FROM %s", t->noun->name);
	e = add_conditions(&sql, t, &order, want);
	if (!want->count_only)
		add_order(&sql, &order, want);
	if (e == OK)
		e = sql_finish(&sql, out);
	sql_fini(&sql);
	return e;
}
