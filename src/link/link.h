/*
 * link.h: makes a linked hub know the device.
 *
 * The questions of hub-api.md section 5, put to a hub over its REST API: create an identity
 * with its twin, look whether it is as it should be, read a twin, remove an identity. A hub of
 * our own process is asked the same questions through a function instead of a socket.
 *
 * Per hub: at most LINK_IN_FLIGHT requests at once; creations that wait meanwhile go out together
 * in one bulk request (hub-api.md 4.5). A breaker per hub: after LINK_BREAKER failures in a row the
 * hub is left alone for a while, with jitter, and asked by a single probe first, so that a dead hub
 * costs the others nothing. What may be asked twice is asked again with back-off until the deadline.
 */
#ifndef BERTH_LINK_LINK_H
#define BERTH_LINK_LINK_H

#include "io/fetch.h"
#include "model/model.h"

#define LINK_IN_FLIGHT 16
#define LINK_BULK_MAX 100
#define LINK_WAITING_MAX 20000 /* questions waiting for one hub */
#define LINK_BREAKER 5

struct link;     /* the links of one loop */
struct link_ask; /* one question under way */

/* How a request reaches a hub that lives in this process. Same promises as a fetch. `authorization` absent: the
 * link was made by name and is trusted. The hub's answer is as on the wire. */
struct link_local_ask {
	struct slice hub;           /* host name */
	const char  *method, *path; /* "/devices/x?api-version=..." */
	struct slice authorization, if_match, body;
};
struct link_local {
	/* NULL: no memory. *mine false (and NULL): no such hub here, ask by HTTPS. */
	void *(*start)(void *cookie, const struct link_local_ask *, fetch_done *, void *done_cookie, bool *mine);
	void (*cancel)(void *cookie, void *ask);
	void *cookie;
};

struct link_conf {
	struct loop             *loop;
	struct fetcher          *fetcher;
	const struct link_local *local;      /* NULL: none */
	const char              *connect_to; /* for tests: every hub is here; NULL: resolve */
};

MUST_USE enum err link_new(const struct link_conf *, struct link **);
void              link_free(struct link **); /* every question has ended or been cancelled */

/* What is on its way to hubs is dropped, and nothing is sent any more: before `local` goes. Questions can still be cancelled. */
void link_halt(struct link *);

/* What the hub is to know. */
struct link_identity {
	struct slice device_id;
	const char  *authentication; /* "sas", "selfSigned" */
	struct slice primary_key, secondary_key;               /* base64 */
	struct slice primary_thumbprint, secondary_thumbprint; /* hex */
	bool         iot_edge;
	struct slice tags, desired, reported; /* JSON objects, without $metadata and $version; absent: nothing */
};

enum link_outcome {
	LINK_DONE,     /* it is so now */
	LINK_ABSENT,   /* twin, remove: no such device there */
	LINK_REFUSED,  /* our credentials: 401, 403 (device-api.md 18: 400209) */
	LINK_INVALID,  /* the hub says the request is wrong, or answers rubbish: asking again will not help */
	LINK_FAILED,   /* unreachable, silent, throttling or broken until the deadline */
};

struct link_answer {
	enum link_outcome outcome;
	bool              existed;    /* ensure: the identity was there already */
	bool              may_exist;  /* all but DONE: a creation went out to which no clear answer came */
	const char       *sentence;   /* for the operator: what the hub said, what we asked; never NULL */
	int               status;     /* the last HTTP status; 0: none */
	struct slice      tags, desired, reported; /* twin */
};

/* `answer` lives only while done() runs. */
typedef void link_done(void *cookie, const struct link_answer *answer);

/* The device is on the hub with these credentials. A new identity gets the twin given; one that exists keeps its
 * twin and gets its credentials corrected when they differ (hub-api.md 5.2). Everything is copied. NULL: out of memory. */
struct link_ask *link_ensure(struct link *, const struct linked_hub *, const struct link_identity *, int deadline_ms, link_done *, void *cookie);

/* Its twin, without $metadata and $version. */
struct link_ask *link_twin(struct link *, const struct linked_hub *, struct slice device_id, int deadline_ms, link_done *, void *cookie);

/* The device is not on the hub. */
struct link_ask *link_remove(struct link *, const struct linked_hub *, struct slice device_id, int deadline_ms, link_done *, void *cookie);

/* Whether the hub can be reached and takes our credentials: GET /statistics/devices, once, no retry. */
struct link_ask *link_probe(struct link *, const struct linked_hub *, int deadline_ms, link_done *, void *cookie);

/* done() stays silent; what is on its way to the hub may still happen there. NULL inside is welcome. */
void link_cancel(struct link_ask **);

/* One hub as this loop sees it, for metrics and lists. Start with *at = 0; false at the end. */
struct link_state {
	const char *hub;
	int         in_flight, waiting;
	bool        broken_off; /* the breaker is open */
	uint64_t    asked, failed;
	int64_t     smoothed_us; /* round trip; 0: none measured */
	const char *last_failure; /* NULL: none since the last success */
};
bool link_each(const struct link *, size_t *at, struct link_state *out);

#endif
