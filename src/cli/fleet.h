/*
 * fleet.h: devices that register, many at a time, as device SDKs do over HTTPS (device-api.md 9, 16).
 *
 * Each device opens a connection of its own, registers with a token signed by its key, polls while it is told
 * "assigning", and is done when it is assigned, refused, or out of patience. How long that took is kept.
 */
#ifndef BERTH_CLI_FLEET_H
#define BERTH_CLI_FLEET_H

#include "io/fetch.h"

enum fleet_end { FLEET_RUNNING, FLEET_ASSIGNED, FLEET_REFUSED, FLEET_FAILED };

struct fleet_device {
	const char *id;
	struct slice key; /* raw bytes */
	/* How it went. */
	enum fleet_end end;
	const char *hub, *device_id, *substatus; /* assigned */
	const char *why;                         /* refused or failed: what the server said */
	int status;                              /* the last HTTP status */
	int polls;
	int64_t started_us, took_us;
	struct slice answer; /* the last one, whole */
};

struct fleet_conf {
	struct loop *loop;
	struct fetcher *fetcher;
	struct arena *arena;
	const char *host, *port; /* "global.berth.test", ":8443" or "" */
	const char *connect_to;  /* NULL: resolve the host */
	const char *scope;
	struct fleet_device *devices;
	size_t count;
	int rate;                                                    /* devices started per second; 0: as fast as they go */
	int at_once;                                                 /* under way together */
	int patience_ms;                                             /* of each device */
	struct slice payload;                                        /* JSON; absent: none */
	void (*progress)(void *cookie, size_t done, size_t running); /* now and then; may be NULL */
	void *cookie;
};

/* Run them all; returns when the last one is done. Runs the loop. ERR_NO_MEMORY. */
MUST_USE enum err fleet_run(const struct fleet_conf *);

/* Microseconds below which `share` (0 to 1) of the assigned devices stayed; 0: none is assigned. */
int64_t fleet_percentile(const struct fleet_conf *, double share);

#endif
