/*
 * record.c: empty records, copies of records, and finding a row.
 */
#include "model/model.h"

void noun_clear(const struct noun *noun, void *record)
{
	memset(record, 0, noun->size);
	for (size_t i = 0; i < noun->count; i++)
		if (noun->fields[i].type == FIELD_INT)
			*(int64_t *)field_of(&noun->fields[i], record) = INT_NONE;
}

void *noun_new(const struct noun *noun, struct arena *arena)
{
	void *record;

	if ((record = arena_alloc(arena, noun->size)) != NULL)
		noun_clear(noun, record);
	return record;
}

static bool copy_slice(struct arena *arena, struct slice *s)
{
	struct slice from = *s;

	*s = arena_copy(arena, from);
	return slice_absent(from) || !slice_absent(*s);
}

static bool copy_list(struct arena *arena, struct slices *list)
{
	struct slice *at;

	if (list->n == 0) {
		list->at = NULL;
		return true;
	}
	if ((at = arena_array(arena, list->n, sizeof(*at))) == NULL)
		return false;
	memcpy(at, list->at, list->n * sizeof(*at));
	list->at = at;
	for (size_t i = 0; i < list->n; i++)
		if (!copy_slice(arena, &at[i]))
			return false;
	return true;
}

/* The record already holds the original's words; what they point at is replaced. */
static bool copy_member(const struct field *f, struct arena *arena, void *record)
{
	switch (f->type) {
	case FIELD_TEXT:
	case FIELD_ENUM:
	case FIELD_JSON:
	case FIELD_KEY:
	case FIELD_CERT: return copy_slice(arena, field_of(f, record));
	case FIELD_LIST: return copy_list(arena, field_of(f, record));
	case FIELD_FLAG:
	case FIELD_INT:
	case FIELD_TIME: return true;
	}
	return true;
}

void *noun_copy(const struct noun *noun, const void *record, struct arena *arena)
{
	void *copy;

	if ((copy = arena_alloc(arena, noun->size)) == NULL)
		return NULL;
	memcpy(copy, record, noun->size);
	for (size_t i = 0; i < noun->count; i++)
		if (!copy_member(&noun->fields[i], arena, copy))
			return NULL;
	return copy;
}

const struct field *noun_field(const struct noun *noun, const char *name)
{
	for (size_t i = 0; i < noun->count; i++)
		if (strcmp(noun->fields[i].name, name) == 0)
			return &noun->fields[i];
	return NULL;
}

const struct field *noun_field_json(const struct noun *noun, const char *path)
{
	for (size_t i = 0; i < noun->count; i++)
		if (noun->fields[i].json != NULL && strcmp(noun->fields[i].json, path) == 0)
			return &noun->fields[i];
	return NULL;
}
