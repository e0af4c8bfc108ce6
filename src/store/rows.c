/*
 * rows.c: records to values and back.
 */
#include <assert.h>

#include "base/buf.h"
#include "base/log.h"
#include "codec/json.h"
#include "store/rows.h"

#define LIST_TEXT_MAX (1 << 20)

/* --- where a key lies --- */

/* "table/key/key/column". Keys hold no slash except a policy's owner, which comes first and has
 * always one, so no two places read alike. */
static struct slice sealed_place(const struct table *t, const struct value *cells, const struct field *f, struct arena *arena)
{
	char number[24];
	struct buf place;
	struct slice out;

	buf_init(&place, 4096);
	buf_add_str(&place, t->noun->name);
	for (int i = 0; i < t->key_count; i++) {
		const struct value *key = &cells[t->keys[i]];

		buf_add_char(&place, '/');
		if (key->type == VALUE_INT)
			buf_add_str(&place, log_num(number, key->number));
		else
			buf_add(&place, key->text);
	}
	buf_add_char(&place, '/');
	buf_add_str(&place, f->name);
	out = buf_failed(&place) ? NO_SLICE : arena_copy(arena, buf_slice(&place));
	buf_fini(&place);
	return out;
}

/* --- from records --- */

static bool text_value(struct slice text, enum value_type type, struct arena *arena, struct value *out)
{
	if (slice_absent(text))
		return true;
	out->type = type;
	out->text = arena_copy(arena, text);
	return !slice_absent(out->text);
}

static void number_value(int64_t number, struct value *out)
{
	out->type = VALUE_INT;
	out->number = number;
}

static bool list_value(const struct slices *list, struct arena *arena, struct value *out)
{
	struct json_out json;
	struct buf text;

	if (list->n == 0 && !list->given)
		return true;
	buf_init(&text, LIST_TEXT_MAX);
	json_out_init(&json, &text);
	json_open(&json, NULL, '[');
	for (size_t i = 0; i < list->n; i++)
		json_text(&json, NULL, slice_absent(list->at[i]) ? SLICE("") : list->at[i]);
	json_close(&json, ']');
	out->type = VALUE_TEXT;
	out->text = buf_failed(&text) ? NO_SLICE : arena_copy(arena, buf_slice(&text));
	buf_fini(&text);
	return !slice_absent(out->text);
}

static bool plain_value(const struct field *f, const void *member, struct arena *arena, struct value *out)
{
	switch (f->type) {
	case FIELD_TEXT:
	case FIELD_ENUM:
	case FIELD_JSON: return text_value(*(const struct slice *)member, VALUE_TEXT, arena, out);
	case FIELD_KEY:
	case FIELD_CERT: return text_value(*(const struct slice *)member, VALUE_BLOB, arena, out);
	case FIELD_LIST: return list_value(member, arena, out);
	case FIELD_FLAG:
		if (*(const enum flag *)member != FLAG_NONE)
			number_value(*(const enum flag *)member == FLAG_YES, out);
		return true;
	case FIELD_INT:
		if (*(const int64_t *)member != INT_NONE)
			number_value(*(const int64_t *)member, out);
		return true;
	case FIELD_TIME:
		if (*(const instant *)member != 0)
			number_value(*(const instant *)member, out);
		return true;
	}
	return false;
}

enum err field_to_value(const struct field *f, const void *record, struct arena *arena, struct value *out)
{
	*out = (struct value){.type = VALUE_NULL};
	if (!plain_value(f, (const char *)record + f->offset, arena, out))
		return ERR_NO_MEMORY;
	/* A key column is never NULL, for then it would equal nothing. */
	if (out->type == VALUE_NULL && (f->rules & FIELD_ID))
		*out = (struct value){.type = column_type(f), .text = SLICE("")};
	return OK;
}

static enum err sealed_value(const struct table *t, const struct seal *seal, const struct field *f, const void *record, struct arena *arena,
			     const struct value *cells, struct value *out)
{
	struct slice secret = *(const struct slice *)((const char *)record + f->offset);
	struct slice place;

	*out = (struct value){.type = VALUE_NULL};
	if (slice_absent(secret))
		return OK;
	place = sealed_place(t, cells, f, arena);
	out->type = VALUE_BLOB;
	if (slice_absent(place) || slice_absent(out->text = seal_close(seal, arena, place, secret)))
		return ERR_NO_MEMORY;
	return OK;
}

enum err record_to_values(const struct table *t, const struct seal *seal, const void *record, struct arena *arena, struct value *out)
{
	enum err e = OK;

	/* Keys stand before what is sealed to them. */
	for (int i = 0; i < t->column_count && e == OK; i++)
		if (t->columns[i]->type != FIELD_KEY)
			e = field_to_value(t->columns[i], record, arena, &out[i]);
	for (int i = 0; i < t->column_count && e == OK; i++)
		if (t->columns[i]->type == FIELD_KEY)
			e = sealed_value(t, seal, t->columns[i], record, arena, out, &out[i]);
	return e;
}

/* --- from the spelling of a condition --- */

static bool read_number(struct slice text, int64_t *out)
{
	bool minus = slice_starts(text, SLICE("-"));
	uint64_t n;

	if (!slice_to_u64(slice_from(text, minus), &n) || n > INT64_MAX)
		return false;
	*out = minus ? -(int64_t)n : (int64_t)n;
	return true;
}

/* As the choice is spelled in the table; other words stay, and equal nothing. */
static struct slice choice_of(const struct field *f, struct slice text)
{
	for (int i = 0; f->choices && f->choices[i]; i++)
		if (slice_eq_fold(text, slice_str(f->choices[i])))
			return slice_str(f->choices[i]);
	return text;
}

bool text_to_value(const struct field *f, struct slice text, struct arena *arena, struct value *out)
{
	*out = (struct value){.type = VALUE_NULL};
	if (slice_absent(text))
		return true;
	switch (f->type) {
	case FIELD_ENUM: text = choice_of(f, text); /* fall through */
	case FIELD_TEXT:
		if (!text_value(text, VALUE_TEXT, arena, out))
			out->type = VALUE_NULL;
		return true;
	case FIELD_FLAG: number_value(slice_eq_fold(text, SLICE("true")), out); return out->number || slice_eq_fold(text, SLICE("false"));
	case FIELD_INT: out->type = VALUE_INT; return read_number(text, &out->number);
	case FIELD_TIME: out->type = VALUE_INT; return instant_parse(text, &out->number) == OK;
	case FIELD_JSON:
	case FIELD_LIST:
	case FIELD_KEY:
	case FIELD_CERT: return false;
	}
	return false;
}

/* --- to records --- */

enum err row_reveal(const struct table *t, const struct seal *seal, struct row *row, struct arena *arena)
{
	for (int i = 0; i < t->column_count; i++) {
		struct value *cell = &row->cells[i];
		struct slice place;
		enum err e;

		if (t->columns[i]->type != FIELD_KEY || cell->type == VALUE_NULL)
			continue;
		place = sealed_place(t, row->cells, t->columns[i], arena);
		if (slice_absent(place))
			return ERR_NO_MEMORY;
		if ((e = seal_reveal(seal, arena, place, cell->text, &cell->text)) != OK)
			return e;
		if (slice_absent(cell->text))
			cell->text = SLICE("");
	}
	return OK;
}

static enum err list_from(struct slice text, struct arena *arena, struct slices *out)
{
	json_t *list = NULL, *item;
	enum err e;
	size_t i;

	if ((e = json_read(text, arena, &list, NULL)) != OK)
		return e == ERR_MALFORMED ? ERR_CORRUPT : e;
	out->given = true;
	e = json_is_array(list) ? OK : ERR_CORRUPT;
	if (e == OK && json_array_size(list) && (out->at = arena_array(arena, json_array_size(list), sizeof(*out->at))) == NULL)
		e = ERR_NO_MEMORY;
	if (e == OK) {
		out->n = json_array_size(list);
		json_array_foreach(list, i, item) out->at[i] =
			arena_copy(arena, slice_over(json_string_value(item), json_string_length(item)));
		e = arena_failed(arena) ? ERR_NO_MEMORY : OK;
	}
	json_decref(list);
	return e;
}

static enum err cell_to_member(const struct field *f, const struct value *cell, struct arena *arena, void *member)
{
	if (cell->type == VALUE_NULL)
		return OK;
	if (cell->type != column_type(f))
		return ERR_CORRUPT;
	switch (f->type) {
	case FIELD_FLAG: *(enum flag *)member = cell->number ? FLAG_YES : FLAG_NO; return OK;
	case FIELD_INT: *(int64_t *)member = cell->number; return OK;
	case FIELD_TIME: *(instant *)member = cell->number; return OK;
	case FIELD_LIST: return list_from(cell->text, arena, member);
	case FIELD_TEXT:
	case FIELD_ENUM:
	case FIELD_JSON:
	case FIELD_KEY:
	case FIELD_CERT:
		*(struct slice *)member = arena_copy(arena, cell->text);
		return slice_absent(*(struct slice *)member) ? ERR_NO_MEMORY : OK;
	}
	return ERR_CORRUPT;
}

enum err row_to_record(const struct table *t, const struct row *row, struct arena *arena, void *record)
{
	enum err e = OK;

	noun_clear(t->noun, record);
	for (int i = 0; i < t->column_count && e == OK; i++)
		e = cell_to_member(t->columns[i], &row->cells[i], arena, field_of(t->columns[i], record));
	return e;
}
