/*
 * rate.h: how often something may happen, under each of many names, over all loops together.
 *
 * Each name has a bucket that holds a window's worth and fills up evenly: a burst may take all of it at once, and after that
 * things happen at the rate. Names that nobody has used for a window's length are forgotten, for their buckets are full again.
 * All calls may come from any thread.
 */
#ifndef BERTH_IO_RATE_H
#define BERTH_IO_RATE_H

#include "base/err.h"
#include "base/slice.h"

#define RATE_NAMES_MAX 65536 /* with a bucket that is not full; what comes under further names is not counted */

#define RATE_MINUTE_MS 60000

struct rate;

/* So many in a window of so many milliseconds (at most an hour); 0 of them: no limit. NULL: out of memory. */
struct rate *rate_new(int count, int window_ms);
void rate_free(struct rate **);

/* From now on; what the buckets hold stays, as far as it fits. */
void rate_set(struct rate *, int count);

/* One more of `name` at `now_ms` of the monotonic clock. 0: it may happen, and counts. Else how many milliseconds until it
 * may; it does not count. A NULL rate limits nothing. */
int rate_take(struct rate *, struct slice name, int64_t now_ms);

/* What rate_take let happen shall not count after all. */
void rate_give_back(struct rate *, struct slice name);

#endif
