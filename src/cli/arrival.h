/*
 * arrival.h: one device that registers, as device SDKs do, over any transport (device-api.md 16).
 *
 * It asks with a token signed by its key, or showing its certificate, or with its TPM, which is challenged first; waits as long as it is told, and asks again while it
 * is "assigning" or the service is too busy; and is done when it is assigned, refused, or out of patience.
 */
#ifndef BERTH_CLI_ARRIVAL_H
#define BERTH_CLI_ARRIVAL_H

#include "base/arena.h"
#include "cli/channel.h"

enum arrival_end { ARRIVAL_RUNNING, ARRIVAL_ASSIGNED, ARRIVAL_REFUSED, ARRIVAL_FAILED };

struct newcomer {
	const char *id;
	const struct channel_kind *kind;
	struct slice key;                    /* raw bytes; absent: the certificate speaks */
	const struct credential *credential; /* NULL: the key */
	const struct channel_tpm *tpm;       /* in place of both; NULL: they speak. Once it is assigned, it keeps the hub's key */
	/* How it went. */
	enum arrival_end end;
	const char *hub, *device_id, *substatus; /* assigned */
	const char *why;                         /* refused or failed: what the server said */
	int status;                              /* the last one, as HTTP numbers them */
	int polls;
	int64_t started_us, took_us;
	struct slice answer; /* the last one, whole */
};

/* The same for many, and there as long as any arrival. */
struct arrival_conf {
	struct channel_conf channel;
	struct arena *arena;  /* for what is told of the devices */
	int patience_ms;      /* of each device */
	struct slice payload; /* JSON; absent: none */
	bool keep_answers;
};

struct arrival;

/* The arrival is gone when done() runs. */
typedef void arrival_done(void *cookie, struct newcomer *);

/* done() runs exactly once, later, from the loop. NULL: out of memory. */
struct arrival *arrival_start(const struct arrival_conf *, struct newcomer *, arrival_done *, void *cookie);

/* Give up: done() stays silent. Sets *a to NULL; NULL is welcome. */
void arrival_cancel(struct arrival **a);

#endif
