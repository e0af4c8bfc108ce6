/*
 * geo.h: where an address is, by a database in MaxMind's format, which the operator keeps up to date.
 *
 * The file is mapped into memory: a look costs some microseconds, and may be taken on a loop. One of these is shared by all loops.
 */
#ifndef BERTH_IO_GEO_H
#define BERTH_IO_GEO_H

#include "base/arena.h"
#include "base/err.h"
#include "base/globe.h"

#define GEO_NAME_MAX 96  /* bytes, with the NUL */
#define GEO_WHY_MAX  128 /* likewise */

struct geo;

struct geo_place {
	bool found;
	struct coordinates at;
	char name[GEO_NAME_MAX]; /* "Zurich, CH", for operators; empty: it has none */
	char why[GEO_WHY_MAX];   /* nothing was found: a sentence */
};

/* Knows no address until geo_load. NULL: no memory. */
struct geo *geo_new(void);
void geo_free(struct geo **);

/* Take that file from now on, in place of the one before; NULL: none. What is wrong with it leaves things as they were. ERR_NOT_FOUND,
 * ERR_MALFORMED, ERR_NO_MEMORY with a sentence in `why`, in the arena. From one thread at a time, while others look. */
MUST_USE enum err geo_load(struct geo *, const char *path, struct arena *, const char **why);

/* Whether there is a database. */
bool geo_loaded(struct geo *);

/* `address` as text, IPv4 or IPv6, with or without a port ("203.0.113.7:4711", "[2001:db8::7]:4711"). From any thread. NULL for
 * `geo` is as one without a database. */
void geo_find(struct geo *, struct slice address, struct geo_place *out);

#endif
