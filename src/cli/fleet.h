/*
 * fleet.h: devices that register, many at a time: each by an arrival of its own (arrival.h). How long that took is kept.
 */
#ifndef BERTH_CLI_FLEET_H
#define BERTH_CLI_FLEET_H

#include "cli/arrival.h"

struct fleet_conf {
	struct arrival_conf arrival;
	struct newcomer *devices;
	size_t count;
	int rate;                                                    /* devices started per second; 0: as fast as they go */
	int at_once;                                                 /* under way together */
	void (*progress)(void *cookie, size_t done, size_t running); /* now and then; may be NULL */
	void *cookie;
};

/* Run them all; returns when the last one is done. Runs the loop. ERR_NO_MEMORY. */
MUST_USE enum err fleet_run(const struct fleet_conf *);

/* Microseconds below which `share` (0 to 1) of the assigned devices stayed; 0: none is assigned. */
int64_t fleet_percentile(const struct fleet_conf *, double share);

#endif
