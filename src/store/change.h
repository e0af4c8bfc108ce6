/*
 * change.h: from a change to a statement.
 */
#ifndef BERTH_STORE_CHANGE_H
#define BERTH_STORE_CHANGE_H

#include "store/sql.h"

/* Everything is copied into the arena, keys sealed. ERR_TOO_BIG, ERR_NO_MEMORY. */
MUST_USE enum err change_write(const struct table *, const struct seal *, const struct store_change *, struct arena *,
			       struct statement *out);

/* The two statements of store_trim_attempts. */
MUST_USE enum err change_write_trim(int per_id, int in_all, struct arena *, struct statement out[2]);

#endif
