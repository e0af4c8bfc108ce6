/*
 * query_row.c: one device, judged by a query and cut to its columns.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "hub/query.h"

#define NUMBER_MAX 63

/* --- values --- */

struct slice query_follow(const struct query_path *path, const struct query_row *row)
{
	struct slice value = row->document, key, member;

	for (size_t i = 0; i < path->count; i++) {
		size_t at = 0;
		bool found = false;

		if (value.n == 0 || value.p[0] != '{')
			return NO_SLICE;
		while (!found && json_each(value, &at, &key, &member))
			found = slice_eq(key, path->name[i]);
		if (!found)
			return NO_SLICE;
		value = member;
	}
	return value;
}

/* The string without its quotes and escapes. */
static struct slice string_of(struct slice json, struct query_row *row)
{
	struct slice text = NO_SLICE;
	json_t *value = NULL;

	if (slice_find(json, '\\') < 0)
		return slice_over(json.p + 1, json.n - 2);
	if (json_read(json, row->scratch, &value, NULL) == OK)
		text = arena_copy(row->scratch, slice_str(json_string_value(value)));
	json_decref(value);
	return text;
}

static double number_of(struct slice json)
{
	char text[NUMBER_MAX + 1];

	json = slice_to(json, NUMBER_MAX);
	memcpy(text, json.p, json.n);
	text[json.n] = '\0';
	return strtod(text, NULL);
}

static struct query_value value_of(const struct query_operand *o, struct query_row *row)
{
	struct slice json;

	if (!o->is_path)
		return o->value;
	json = query_follow(o->path, row);
	if (json.n == 0)
		return (struct query_value){.type = VALUE_UNDEFINED};
	switch (json.p[0]) {
	case '{': return (struct query_value){.type = VALUE_OBJECT};
	case '[': return (struct query_value){.type = VALUE_ARRAY};
	case '"': return (struct query_value){.type = VALUE_STRING, .text = string_of(json, row)};
	case 't':
	case 'f': return (struct query_value){.type = VALUE_BOOL, .truth = json.p[0] == 't'};
	case 'n': return (struct query_value){.type = VALUE_NULL};
	default: return (struct query_value){.type = VALUE_NUMBER, .number = number_of(json)};
	}
}

/* --- comparisons --- */

static bool is_primitive(const struct query_value *v)
{
	return v->type >= VALUE_NULL && v->type <= VALUE_STRING;
}

static bool equal(const struct query_value *a, const struct query_value *b)
{
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case VALUE_UNDEFINED:
	case VALUE_NULL: return true;
	case VALUE_BOOL: return a->truth == b->truth;
	case VALUE_NUMBER: return a->number == b->number;
	case VALUE_STRING: return slice_eq(a->text, b->text);
	default: return false;
	}
}

/* Numbers with numbers and texts with texts, these by their bytes; false: they have no order. */
static bool ordered(const struct query_value *a, const struct query_value *b, int *order)
{
	if (a->type != b->type)
		return false;
	if (a->type == VALUE_NUMBER) {
		*order = (a->number > b->number) - (a->number < b->number);
		return true;
	}
	if (a->type == VALUE_STRING) {
		*order = slice_cmp(a->text, b->text);
		return true;
	}
	return false;
}

/* `undefined` written in the query asks whether there is something; a path that leads nowhere equals nothing else. */
static bool is_word_undefined(const struct query_operand *o)
{
	return !o->is_path && o->value.type == VALUE_UNDEFINED;
}

static bool compare(const struct query_condition *c, struct query_row *row)
{
	struct query_value a = value_of(&c->a, row), b = value_of(&c->b, row);
	int order;

	if (is_word_undefined(&c->a) || is_word_undefined(&c->b)) {
		bool none = a.type == VALUE_UNDEFINED && b.type == VALUE_UNDEFINED;

		return c->op == QUERY_EQ ? none : c->op == QUERY_NE && !none;
	}
	if (!is_primitive(&a) || !is_primitive(&b))
		return false;
	if (c->op == QUERY_EQ || c->op == QUERY_NE)
		return equal(&a, &b) == (c->op == QUERY_EQ);
	if (!ordered(&a, &b, &order))
		return false;
	switch (c->op) {
	case QUERY_LT: return order < 0;
	case QUERY_LE: return order <= 0;
	case QUERY_GT: return order > 0;
	default: return order >= 0;
	}
}

static bool in_list(const struct query_condition *c, struct query_row *row)
{
	struct query_value a = value_of(&c->a, row);
	bool found = false;

	if (!is_primitive(&a))
		return false;
	for (size_t i = 0; i < c->list_count; i++)
		found |= equal(&a, &c->list[i]);
	return found == (c->op == QUERY_IN);
}

/* --- functions --- */

static bool holds_is_defined(const struct query_value *a, const struct query_value *b)
{
	(void)b;
	return a->type != VALUE_UNDEFINED;
}

static bool holds_starts_with(const struct query_value *a, const struct query_value *b)
{
	return a->type == VALUE_STRING && b->type == VALUE_STRING && slice_starts(a->text, b->text);
}

static bool holds_ends_with(const struct query_value *a, const struct query_value *b)
{
	return a->type == VALUE_STRING && b->type == VALUE_STRING && a->text.n >= b->text.n &&
	       slice_eq(slice_from(a->text, a->text.n - b->text.n), b->text);
}

static bool holds_contains(const struct query_value *a, const struct query_value *b)
{
	return a->type == VALUE_STRING && b->type == VALUE_STRING && slice_search(a->text, b->text) >= 0;
}

#define HOLDS_IS(name, condition)                                                                                                          \
	static bool holds_is_##name(const struct query_value *a, const struct query_value *b)                                              \
	{                                                                                                                                  \
		(void)b;                                                                                                                   \
		return condition;                                                                                                          \
	}
HOLDS_IS(null, a->type == VALUE_NULL)
HOLDS_IS(bool, a->type == VALUE_BOOL)
HOLDS_IS(number, a->type == VALUE_NUMBER)
HOLDS_IS(string, a->type == VALUE_STRING)
HOLDS_IS(object, a->type == VALUE_OBJECT)
HOLDS_IS(array, a->type == VALUE_ARRAY)
HOLDS_IS(primitive, is_primitive(a))

static const struct query_function functions[] = {
	{"IS_DEFINED", 1, holds_is_defined},   {"IS_NULL", 1, holds_is_null},           {"IS_BOOL", 1, holds_is_bool},
	{"IS_NUMBER", 1, holds_is_number},     {"IS_STRING", 1, holds_is_string},       {"IS_OBJECT", 1, holds_is_object},
	{"IS_ARRAY", 1, holds_is_array},       {"IS_PRIMITIVE", 1, holds_is_primitive}, {"STARTSWITH", 2, holds_starts_with},
	{"STARTS_WITH", 2, holds_starts_with}, {"ENDSWITH", 2, holds_ends_with},        {"ENDS_WITH", 2, holds_ends_with},
	{"CONTAINS", 2, holds_contains},
};

const struct query_function *query_function_find(struct slice name)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		if (slice_eq_fold(name, slice_str(functions[i].name)))
			return &functions[i];
	return NULL;
}

/* --- the whole --- */

/* As deep as query_read lets conditions nest. */
static bool holds(const struct query_condition *c, struct query_row *row)
{
	struct query_value a, b;

	for (; c->op == QUERY_AND || c->op == QUERY_OR; c = c->right)
		if (holds(c->left, row) == (c->op == QUERY_OR))
			return c->op == QUERY_OR;
	switch (c->op) {
	case QUERY_NOT: return !holds(c->left, row);
	case QUERY_IN:
	case QUERY_NIN: return in_list(c, row);
	case QUERY_CALL:
		a = value_of(&c->a, row);
		b = value_of(&c->b, row);
		return c->function(&a, &b);
	case QUERY_TRUTH: a = value_of(&c->a, row); return a.type == VALUE_BOOL && a.truth;
	default: return compare(c, row);
	}
}

bool query_matches(const struct query *q, struct query_row *row)
{
	return q->where == NULL || holds(q->where, row);
}

void query_project(const struct query *q, const struct query_row *row, const struct query_group *group, struct json_out *out)
{
	bool first = true;

	json_raw(out, NULL, SLICE("{"));
	for (size_t i = 0; i < q->columns; i++) {
		const struct query_column *column = &q->column[i];
		struct slice value = NO_SLICE;

		if (!column->counts)
			value = group ? group->value : query_follow(column->path, row);
		if (!column->counts && slice_absent(value))
			continue;
		buf_printf(out->to, "%s\"%.*s\":", first ? "" : ",", SLICE_ARG(column->name)); /* its escapes are in it */
		if (column->counts)
			buf_printf(out->to, "%" PRId64, group->count);
		else
			buf_add(out->to, value);
		first = false;
	}
	buf_add_char(out->to, '}');
}
