/*
 * slice.h: some bytes that somebody else owns.
 *
 * A slice is two words, passed by value. `p` NULL means "absent", which is not
 * the same as empty; every function here takes both. Nothing is NUL-terminated
 * unless its owner says so.
 */
#ifndef BERTH_BASE_SLICE_H
#define BERTH_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const char *p;
	size_t      n;
};

#define NO_SLICE ((struct slice){NULL, 0})
/* A string literal as a slice, at compile time. */
#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})
/* For printf's "%.*s". */
#define SLICE_ARG(s) (int)(s).n, (s).p ? (s).p : ""

/* Lends, never copies. */
static inline struct slice slice_over(const void *p, size_t n)
{
	return (struct slice){p, n};
}

/* NULL becomes the absent slice. */
static inline struct slice slice_str(const char *s)
{
	return (struct slice){s, s ? strlen(s) : 0};
}

/* Not there at all; the empty slice is there. */
static inline bool slice_absent(struct slice s)
{
	return s.p == NULL;
}

/* Same bytes. An absent slice equals an empty one. */
bool slice_eq(struct slice a, struct slice b);

/* Same bytes when A-Z count as a-z; other bytes, UTF-8 included, as they are. */
bool slice_eq_fold(struct slice a, struct slice b);

/* Ordering by bytes, the shorter first: for sorting and searching. */
int slice_cmp(struct slice a, struct slice b);

/* With an empty or absent prefix everything does. */
bool slice_starts(struct slice s, struct slice prefix);

/* The same, and the same at the other end, as slice_eq_fold compares. */
bool slice_starts_fold(struct slice s, struct slice prefix);
bool slice_ends_fold(struct slice s, struct slice suffix);

/* Where `c` first stands, or -1. */
ptrdiff_t slice_find(struct slice s, char c);

/* Where `needle` first starts, or -1. An empty needle is at 0. */
ptrdiff_t slice_search(struct slice s, struct slice needle);

/* The part from `from` on; empty from the end on. */
struct slice slice_from(struct slice s, size_t from);

/* The part before `to`; all of it from the end on. */
struct slice slice_to(struct slice s, size_t to);

/* Without blanks and tabs on either side. */
struct slice slice_trim(struct slice s);

/* Take from *rest up to the next `sep`, and leave *rest behind it. Returns false
 * when *rest is absent; the last piece leaves *rest absent. "a,,b" has three pieces. */
bool slice_next(struct slice *rest, char sep, struct slice *piece);

/* Decimal digits only, no sign, no blanks, no overflow: otherwise false. */
bool slice_to_u64(struct slice s, uint64_t *out);

#endif
