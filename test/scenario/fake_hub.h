/*
 * fake_hub.h: an IoT hub played by a script.
 *
 * It has the registry and twins of hub-api.md 4 as far as a link needs them, in memory, and moods: a test says how it
 * behaves from now on. Every request that it hears is written down.
 */
#ifndef BERTH_TEST_SCENARIO_FAKE_HUB_H
#define BERTH_TEST_SCENARIO_FAKE_HUB_H

#include "link/link.h"

#define FAKE_DEVICES_MAX 256
#define FAKE_SILENCE_MS  4000 /* then the client's own deadline ends the exchange */

enum mood {
	MOOD_WELL,
	MOOD_UNREACHABLE, /* no connection */
	MOOD_SILENT,      /* hears, does nothing, says nothing */
	MOOD_FORGETFUL,   /* does it, and says nothing */
	MOOD_BROKEN,      /* 500 */
	MOOD_REFUSING,    /* 401 */
	MOOD_THROTTLING,  /* 429, Retry-After: 5 */
	MOOD_RUBBISH,     /* 200 and no JSON */
};

struct fake_device {
	char id[160];
	json_t *authentication, *tags, *desired, *reported;
	int version; /* of the identity: its etag */
};

struct fake_hub {
	const char *name; /* host name */
	struct loop *loop;
	enum mood mood;
	int delay_ms; /* before it does anything */
	struct fake_device devices[FAKE_DEVICES_MAX];
	size_t device_count;
	struct list asks;  /* under way */
	int calls, writes; /* heard; of them, those that change something */
	/* Called when a request has changed something: false, and the hub does not answer any more. NULL: none. */
	bool (*witness)(void *cookie);
	void *cookie;
	const bool *ended; /* true: the world has ended, nothing gets here any more */
};

void fake_hub_init(struct fake_hub *, struct loop *, const char *name);
void fake_hub_fini(struct fake_hub *);

/* NULL: it does not know the device. */
struct fake_device *fake_hub_find(struct fake_hub *, const char *id);

/* The hub has a device that nobody told it of through a link; JSON texts may be NULL. */
struct fake_device *fake_hub_add(struct fake_hub *, const char *id, const char *desired, const char *reported, const char *tags);

/* Somebody has removed it at the hub. */
void fake_hub_drop(struct fake_hub *, const char *id);

/* As the start and cancel of a struct link_local. */
void *fake_hub_ask(struct fake_hub *, const struct link_local_ask *, fetch_done *, void *cookie);
void fake_hub_cancel(void *ask);

#endif
