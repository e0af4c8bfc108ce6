/*
 * expiry.h: how soon certificates end, for /metrics.
 *
 * Counting them is the store's work, one service after the other. So the figures are those of the last look, and asking for
 * them starts the next one unless it was a moment ago: what nobody scrapes costs nothing. The first scrape after a start
 * finds no figures yet.
 */
#ifndef BERTH_API_EXPIRY_H
#define BERTH_API_EXPIRY_H

#include "api/metrics.h"

#define EXPIRY_LOOK_MS 60000 /* at most so often */

struct expiry;

/* The loop and the store are lent. NULL: out of memory. */
struct expiry *expiry_new(struct loop *, struct store *);
void expiry_free(struct expiry **);

/* From the loop. */
void expiry_collect(struct expiry *, struct metrics *);

#endif
