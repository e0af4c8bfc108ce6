#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"

#define CAPACITY_FIRST 256

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max};
}

void buf_fini(struct buf *b)
{
	buf_release(b);
}

void buf_release(struct buf *b)
{
	if (b->mem)
		explicit_bzero(b->mem, b->cap);
	free(b->mem);
	*b = (struct buf){.max = b->max};
}

void buf_clear(struct buf *b)
{
	b->p = b->mem;
	b->n = 0;
	b->failed = false;
}

/* Move what is in it to the front, or to a larger place. The old place is wiped: it may have held a key. */
static bool make_room(struct buf *b, size_t need)
{
	size_t cap = b->cap ? b->cap : CAPACITY_FIRST;
	char *mem;

	if (need <= b->cap && b->p != b->mem) {
		memmove(b->mem, b->p, b->n);
		b->p = b->mem;
		return true;
	}
	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	if ((mem = malloc(cap)) == NULL)
		return false;
	if (b->n)
		memcpy(mem, b->p, b->n);
	if (b->mem)
		explicit_bzero(b->mem, b->cap);
	free(b->mem);
	b->mem = b->p = mem;
	b->cap = cap;
	return true;
}

/* Room for `n` bytes, and for `spare` more that do not count against the ceiling. */
static char *room(struct buf *b, size_t n, size_t spare)
{
	size_t start = (size_t)(b->p - b->mem), need;

	if (b->failed || n > b->max - b->n || __builtin_add_overflow(b->n + n, spare, &need))
		goto fail;
	if ((b->mem == NULL || need > b->cap - start) && !make_room(b, need))
		goto fail;
	return b->p + b->n;
fail:
	b->failed = true;
	return NULL;
}

char *buf_room(struct buf *b, size_t n)
{
	return room(b, n, 0);
}

void buf_claim(struct buf *b, size_t n)
{
	b->n += n;
}

void buf_add(struct buf *b, struct slice s)
{
	char *to = buf_room(b, s.n);

	if (to == NULL || s.n == 0)
		return;
	memcpy(to, s.p, s.n);
	b->n += s.n;
}

void buf_add_str(struct buf *b, const char *s)
{
	buf_add(b, slice_str(s));
}

void buf_add_char(struct buf *b, char c)
{
	buf_add(b, (struct slice){&c, 1});
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	char *to;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		b->failed = true;
	/* One byte more for printf's NUL, which is not claimed. */
	if ((to = room(b, (size_t)n, 1)) == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(to, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
}

void buf_eat(struct buf *b, size_t n)
{
	if (n >= b->n) {
		b->p = b->mem;
		b->n = 0;
		return;
	}
	b->p += n;
	b->n -= n;
}
