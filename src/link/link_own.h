/*
 * link_own.h: inside the room: a hub with its breaker and token (link_hub.c), the questions that wait for it and what becomes of
 * them (link.c).
 */
#ifndef BERTH_LINK_LINK_OWN_H
#define BERTH_LINK_LINK_OWN_H

#include "base/map.h"
#include "link/iothub.h"
#include "link/link.h"

#define HUBS_MAX       10000
#define RETRY_FIRST_MS 200
#define RETRY_MAX_MS   10000
#define SMOOTHING      8 /* the share of a round trip in the smoothed one is one by this */
#define OUTLIER        4 /* one that took longer, by this factor, counts as if it had taken that */

enum phase { CREATE, LOOK, CORRECT, TWIN, REMOVE, PROBE };

struct far_hub {
	struct link *link;
	char *key;              /* in the map */
	struct slice name;      /* as devices know it */
	char *name_text, *base; /* "https://name[:port]" */
	char *key_name;
	struct slice secret; /* raw policy key; absent: a hub of this process, linked by name */
	char *authorization; /* "Authorization: SharedAccessSignature ..." */
	instant authorized_until;
	struct list waiting; /* questions that want to be asked */
	int waiting_count, in_flight;
	int failures;            /* in a row */
	int64_t closed_until_ms; /* breaker, or the hub asked for patience */
	bool broken_off, probing;
	struct timer *wake;
	uint64_t asked, failed;
	int64_t smoothed_us;
	char last_failure[256];
};

struct link {
	struct link_conf conf;
	struct map *hubs;
	struct list exchanges;
	bool halted;
};

struct exchange;

struct link_ask {
	struct far_hub *hub;
	struct arena *arena;
	struct link_identity identity; /* device_id counts for all kinds */
	enum phase phase;
	link_done *done;
	void *cookie;
	struct list link;          /* in hub->waiting, while it waits */
	struct exchange *exchange; /* while it is being asked */
	size_t place;              /* in the exchange */
	struct timer *deadline, *again;
	int tries, denials, conflicts;
	bool may_exist, existed;
	bool alone;           /* it does not travel in company: it may be what spoils it for the others */
	struct hub_seen seen; /* CORRECT */
	const char *sentence;
	int status;
};

/* One request on its way, for one question or for many creations. */
struct exchange {
	struct list link;
	struct far_hub *hub;
	struct arena *arena;
	enum phase phase;
	bool probe; /* it goes ahead of the others, while the breaker is open */
	size_t count;
	struct link_ask *asks[LINK_BULK_MAX]; /* NULL: it has been cancelled, or its deadline has passed */
	const struct link_identity *devices[LINK_BULK_MAX];
	struct fetch *fetch;
	void *local;
	int64_t started_us;
};

/* Send what may be sent. */
void link_pump(struct far_hub *);

/* --- link_hub.c --- */

/* The hub of a record, by host, port and credentials; made when it is asked for first. NULL: no memory, or too many. */
struct far_hub *hub_of(struct link *, const struct linked_hub *);
void hub_free(struct far_hub *);

/* The header with a token that is good for a while; NULL: the hub needs none, or no memory. */
const char *hub_authorization(struct far_hub *);

/* Pump at that time, or now when it has passed. */
void hub_wake_at(struct far_hub *, int64_t at_ms);

/* No answer came, or one that tells of a failure; and one that does not. `probe`: it was the one question that went ahead. */
void hub_failed(struct far_hub *, const char *why, bool probe);
void hub_answered(struct far_hub *, int64_t took_us);
/* What becomes of the smoothed round trip (0: there was none yet) with another one. */
int64_t link_smoothed(int64_t smoothed_us, int64_t took_us);

/* Nobody asks it for so long. */
void hub_leave_alone(struct far_hub *, int64_t ms);

/* A wait that grows, with jitter: many that failed together do not come back together. */
int64_t hub_backoff(int tries, int64_t first, int64_t most);

#endif
