/*
 * cursor.h: a read position that cannot run off the end.
 *
 * For binary formats, numbers with the high byte first. A step too far makes the cursor
 * bad and leaves nothing to take: from then on numbers are 0 and bytes are absent. So a
 * parser reads like the packet it reads, and asks `bad` once, at the end.
 */
#ifndef BERTH_BASE_CURSOR_H
#define BERTH_BASE_CURSOR_H

#include "base/slice.h"

struct cursor {
	struct slice rest; /* what is still to be taken; never absent before a step too far */
	bool bad;
};

/* At the first byte of `in`, which is lent: what is taken points into it. */
static inline struct cursor cursor_over(struct slice in)
{
	return (struct cursor){.rest = slice_absent(in) ? SLICE("") : in};
}

/* The next `n` bytes. Absent only when the cursor is bad. */
static inline struct slice cur_bytes(struct cursor *c, size_t n)
{
	struct slice taken = slice_to(c->rest, n);

	if (taken.n < n) {
		*c = (struct cursor){.rest = NO_SLICE, .bad = true};
		return NO_SLICE;
	}
	c->rest = slice_from(c->rest, n);
	return taken;
}

/* Everything up to the end, perhaps nothing. */
static inline struct slice cur_rest(struct cursor *c)
{
	return cur_bytes(c, c->rest.n);
}

static inline uint8_t cur_u8(struct cursor *c)
{
	struct slice s = cur_bytes(c, 1);

	return c->bad ? 0 : (uint8_t)s.p[0];
}

static inline uint16_t cur_u16(struct cursor *c)
{
	struct slice s = cur_bytes(c, 2);

	return c->bad ? 0 : (uint16_t)((uint8_t)s.p[0] << 8 | (uint8_t)s.p[1]);
}

/* As many bytes as the two before them say. */
static inline struct slice cur_str16(struct cursor *c)
{
	return cur_bytes(c, cur_u16(c));
}

#endif
