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

char *buf_room(struct buf *b, size_t n)
{
	size_t start = (size_t)(b->p - b->mem);

	if (b->failed || n > b->max - b->n)
		goto fail;
	if ((b->mem == NULL || n > b->cap - start - b->n) && !make_room(b, b->n + n))
		goto fail;
	return b->p + b->n;
fail:
	b->failed = true;
	return NULL;
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
	/* One byte more for printf's NUL, which is not claimed. */
	if (n < 0 || (size_t)n > b->max - b->n) {
		b->failed = true;
		return;
	}
	b->max++;
	to = buf_room(b, (size_t)n + 1);
	b->max--;
	if (to == NULL)
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
