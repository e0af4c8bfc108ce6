/*
 * buf.h: bytes that grow at the end and are eaten at the front.
 *
 * Born with its ceiling. Failure sticks: once an append did not fit, every later
 * one is ignored and buf_failed() stays true, so a writer asks once, at the end.
 */
#ifndef BERTH_BASE_BUF_H
#define BERTH_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>

#include "base/slice.h"

struct buf {
	char  *p;      /* the bytes now in it start here */
	size_t n;      /* how many */
	char  *mem;    /* what was allocated, and how much */
	size_t cap;
	size_t max;    /* the ceiling for n */
	bool   failed; /* an append did not fit */
};

/* No memory is taken before the first append. */
void buf_init(struct buf *b, size_t max);

/* Wipes and frees; the buffer is as after buf_init. */
void buf_fini(struct buf *b);

/* Append all of it, or nothing: then the buffer has failed. */
void buf_add(struct buf *b, struct slice s);

/* NULL adds nothing. */
void buf_add_str(struct buf *b, const char *s);
void buf_add_char(struct buf *b, char c);

/* No NUL is left in the buffer, and none needs room under the ceiling. */
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Room for `n` more bytes, to be written by the caller and then claimed with
 * buf_claim. NULL: it does not fit (and the buffer has failed). */
char *buf_room(struct buf *b, size_t n);

/* At most what buf_room was asked for. */
void buf_claim(struct buf *b, size_t n);

/* Forget the first `n` bytes, or all when there are fewer. */
void buf_eat(struct buf *b, size_t n);

/* Forget all bytes and a failure, but keep the memory. */
void buf_clear(struct buf *b);

/* The same, and the memory is wiped and given back. */
void buf_release(struct buf *b);

/* Whether an append did not fit, or found no memory, since buf_init or buf_clear. */
static inline bool buf_failed(const struct buf *b)
{
	return b->failed;
}

/* What is in it, until the next change. */
static inline struct slice buf_slice(const struct buf *b)
{
	return (struct slice){b->p ? b->p : "", b->n};
}

#endif
