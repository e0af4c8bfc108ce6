/*
 * record.c: JSON into each record. The first byte picks the noun, '0' the first of `nouns`; the rest is the text.
 *
 * What is accepted must come back: written out and read again, every member that was set is the same, and the second
 * text equals the first.
 */
#include "model/model.h"
#include "fuzz.h"

#define ROOM (8 * 1024 * 1024)

static void write_text(const struct noun *noun, const void *record, struct arena *a, struct buf *text)
{
	struct json_out out;

	buf_clear(text);
	json_out_init(&out, text);
	noun_write(noun, record, VIEW_SECRETS, &out, NULL, a);
	need(!buf_failed(text));
}

static size_t count_of(const struct noun *const *list)
{
	size_t n = 0;

	while (list[n] != NULL)
		n++;
	return n;
}

/* A certificate is read but never written: leave it out of the comparison. */
static void drop_certificates(const struct noun *noun, void *record)
{
	for (size_t i = 0; i < noun->count; i++)
		if (noun->fields[i].type == FIELD_CERT)
			*(struct slice *)field_of(&noun->fields[i], record) = NO_SLICE;
}

static bool same_list(const struct slices *a, const struct slices *b)
{
	if (a->n != b->n || a->given != b->given)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!slice_eq(a->at[i], b->at[i]))
			return false;
	return true;
}

static bool same_slice(const struct slice *a, const struct slice *b)
{
	return slice_absent(*a) == slice_absent(*b) && slice_eq(*a, *b);
}

/* Whether what is set in `a` is set alike in `b`: what was absent may have been written as its default. */
static bool same_member(const struct field *f, void *a, void *b)
{
	void *x = field_of(f, a), *y = field_of(f, b);

	switch (f->type) {
	case FIELD_FLAG: return *(enum flag *)x == FLAG_NONE || *(enum flag *)x == *(enum flag *)y;
	case FIELD_INT: return *(int64_t *)x == INT_NONE || *(int64_t *)x == *(int64_t *)y;
	case FIELD_TIME: return *(instant *)x == *(instant *)y;
	case FIELD_LIST: return same_list(x, y);
	default: return slice_absent(*(struct slice *)x) || same_slice(x, y);
	}
}

static void there_and_back(const struct noun *noun, struct slice text, struct arena *a)
{
	void *first = noun_new(noun, a), *second = noun_new(noun, a), *copy;
	const char *why = NULL;
	struct buf once, twice;

	need(first != NULL && second != NULL);
	if (noun_read(noun, text, a, first, &why) != OK) {
		need(why != NULL);
		return;
	}
	buf_init(&once, ROOM);
	buf_init(&twice, ROOM);
	write_text(noun, first, a, &once);
	drop_certificates(noun, first);
	need((copy = noun_copy(noun, first, a)) != NULL);
	write_text(noun, copy, a, &once);
	need(noun_read(noun, buf_slice(&once), a, second, &why) == OK);
	for (size_t i = 0; i < noun->count; i++)
		need(same_member(&noun->fields[i], first, second));
	write_text(noun, second, a, &twice);
	need(slice_eq(buf_slice(&once), buf_slice(&twice)));
	buf_fini(&once);
	buf_fini(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a;

	if (size < 1)
		return 0;
	need((a = arena_new(ROOM)) != NULL);
	there_and_back(nouns[(unsigned char)(data[0] - '0') % count_of(nouns)], slice_over(data + 1, size - 1), a);
	arena_free(&a);
	return 0;
}
