/*
 * arena.h: memory that dies all at once.
 *
 * One arena per request, one per registration. It is born with a ceiling, and an
 * allocation that would pass it returns NULL: that one request ends, politely,
 * with ERR_TOO_BIG. Everything is wiped as it is freed, so keys may lie in it.
 * One thread at a time.
 */
#ifndef BERTH_BASE_ARENA_H
#define BERTH_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "base/slice.h"

struct arena;

/* `ceiling` in bytes, bookkeeping included. NULL: out of memory. */
struct arena *arena_new(size_t ceiling);

/* Wipes and frees all; sets *a to NULL. NULL inside is welcome. */
void arena_free(struct arena **a);

/* Zeroed, aligned for anything. NULL: the ceiling or no memory. A size of 0 is an address too. */
void *arena_alloc(struct arena *a, size_t size);

/* `count` times `size`, safe against overflow. */
void *arena_array(struct arena *a, size_t count, size_t size);

/* A copy with a NUL behind it. The absent slice stays absent: NULL. */
char *arena_str(struct arena *a, struct slice s);

/* The same, as a slice without its NUL. */
struct slice arena_copy(struct arena *a, struct slice s);

/* Printed text, NUL-terminated. NULL when it does not fit. */
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The same for a caller with arguments of its own. */
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* The same as a slice, up to the first NUL. The absent slice when it does not fit. */
struct slice arena_format(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A copy with A-Z made a-z: the form in which identifiers are compared. */
struct slice arena_fold(struct arena *a, struct slice s);

/* Bytes handed out so far, for limits and tests. */
size_t arena_used(const struct arena *a);

/* Whether an allocation has failed since arena_new: code that builds many small
 * things may ask once at the end instead of after each. */
bool arena_failed(const struct arena *a);

#endif
