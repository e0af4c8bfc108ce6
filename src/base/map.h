/*
 * map.h: from a short key (bytes) to a pointer.
 *
 * Open hashing with SipHash-2-4 under a random key, so that no peer can choose
 * keys that collide. Keys are copied, values are only pointed at. Born with its
 * ceiling. One thread at a time.
 */
#ifndef BERTH_BASE_MAP_H
#define BERTH_BASE_MAP_H

#include "base/err.h"
#include "base/slice.h"

struct map;

/* `max` entries at most. NULL: out of memory. */
struct map *map_new(size_t max);

/* The values stay. Sets *m to NULL; NULL inside is welcome. */
void map_free(struct map **m);

/* NULL: not in it. */
void *map_get(const struct map *m, struct slice key);

/* Put or replace. ERR_TOO_BIG at the ceiling, ERR_NO_MEMORY. */
MUST_USE enum err map_put(struct map *m, struct slice key, void *value);

/* What stood there, or NULL. */
void *map_remove(struct map *m, struct slice key);

/* Entries, not buckets. */
size_t map_count(const struct map *m);

/* One after the other in no order: start with *at = 0, until NULL. `key` may be NULL.
 * The current entry may be removed while walking; nothing may be put. */
void *map_each(const struct map *m, size_t *at, struct slice *key);

/* The hash itself, unkeyed and the same everywhere: FNV-1a, for sharding. */
uint64_t hash_bytes(struct slice s);

#endif
