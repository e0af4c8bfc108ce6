#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"

#define BLOCK_FIRST 4096
#define BLOCK_MAX   65536

/* Blocks hang in a list, the newest first; each is filled from its start. */
struct block {
	struct block *older;
	size_t size, used; /* of data */
	alignas(max_align_t) char data[];
};

struct arena {
	struct block *newest;
	size_t ceiling, taken; /* bytes, with the blocks' heads */
	size_t used;           /* bytes handed out */
	size_t next_size;
	bool failed;
};

struct arena *arena_new(size_t ceiling)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (a) {
		a->ceiling = ceiling;
		a->next_size = BLOCK_FIRST;
	}
	return a;
}

void arena_free(struct arena **a)
{
	struct block *b, *older;

	if (*a == NULL)
		return;
	for (b = (*a)->newest; b; b = older) {
		older = b->older;
		explicit_bzero(b->data, b->used);
		free(b);
	}
	free(*a);
	*a = NULL;
}

static struct block *block_new(struct arena *a, size_t at_least)
{
	size_t size = a->next_size > at_least ? a->next_size : at_least, left = a->ceiling - a->taken;
	struct block *b;

	if (size + sizeof(*b) > left)
		size = at_least;
	if (at_least > SIZE_MAX - sizeof(*b) || size + sizeof(*b) > left)
		return NULL;
	if ((b = malloc(sizeof(*b) + size)) == NULL)
		return NULL;
	b->size = size;
	b->used = 0;
	b->older = a->newest;
	a->newest = b;
	a->taken += sizeof(*b) + size;
	if (a->next_size < BLOCK_MAX)
		a->next_size *= 2;
	return b;
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct block *b = a->newest;
	size_t rounded = (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
	void *p;

	if (size == 0)
		rounded = alignof(max_align_t);
	if (size > a->ceiling || rounded < size || ((b == NULL || b->size - b->used < rounded) && (b = block_new(a, rounded)) == NULL)) {
		a->failed = true;
		return NULL;
	}
	p = b->data + b->used;
	b->used += rounded;
	a->used += size;
	return memset(p, 0, rounded);
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
	size_t all;

	if (__builtin_mul_overflow(count, size, &all)) {
		a->failed = true;
		return NULL;
	}
	return arena_alloc(a, all);
}

char *arena_str(struct arena *a, struct slice s)
{
	char *copy;

	if (slice_absent(s) || (copy = arena_alloc(a, s.n + 1)) == NULL)
		return NULL;
	memcpy(copy, s.p, s.n);
	return copy;
}

struct slice arena_copy(struct arena *a, struct slice s)
{
	char *copy = arena_str(a, s);

	return copy ? (struct slice){copy, s.n} : NO_SLICE;
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	va_list again;
	char *text;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	text = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1);
	if (text)
		vsnprintf(text, (size_t)n + 1, fmt, again);
	va_end(again);
	return text;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return text;
}

struct slice arena_format(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return slice_str(text);
}

struct slice arena_fold(struct arena *a, struct slice s)
{
	char *copy = arena_str(a, s);

	for (size_t i = 0; copy && i < s.n; i++)
		if (copy[i] >= 'A' && copy[i] <= 'Z')
			copy[i] = (char)(copy[i] + ('a' - 'A'));
	return copy ? (struct slice){copy, s.n} : NO_SLICE;
}

size_t arena_used(const struct arena *a)
{
	return a->used;
}

bool arena_failed(const struct arena *a)
{
	return a->failed;
}
