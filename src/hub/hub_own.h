/*
 * hub_own.h: what the files of this room share.
 *
 * A call (struct hub_ask) has an arena of its own, asks the store, and ends with exactly one of ask_answer and
 * ask_refuse; the answer goes out in a later turn of the loop, and takes the call with it. What is decided about a
 * device is decided by pure functions (identity.h, twin.h, query.h); change.c and scan.c fetch what they decide about.
 */
#ifndef BERTH_HUB_HUB_OWN_H
#define BERTH_HUB_HUB_OWN_H

#include "base/list.h"
#include "hub/hub.h"

#define HUB_ARENA_MAX (64u << 20) /* one call: a bulk request of 1 MB, and twins with their metadata */
#define HUB_BODY_MAX  (16u << 20) /* one answer */

/* Why something is refused: a code of hub-api.md 4.10 and a sentence. e OK: it is not. npm cuts the sentence at a
 * semicolon, so ours have none. */
struct hub_no {
	enum err e;
	const char *code, *sentence;
};
#define HUB_FINE ((struct hub_no){OK, NULL, NULL})

/* ArgumentInvalid. */
struct hub_no hub_no_invalid(struct arena *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
struct hub_no hub_no_device(struct arena *, struct slice device_id);
struct hub_no hub_no_exists(struct arena *, struct slice device_id);
struct hub_no hub_no_etag(void);
struct hub_no hub_no_store(enum err);
struct hub_no hub_no_memory(void);

/* --- a call --- */

struct hubs {
	struct loop *loop;
	struct store *store;
	struct list asks;
	int64_t last_generation; /* they never repeat, however fast devices are created */
};

struct hub_ask {
	struct hubs *hubs;
	struct list link;
	struct arena *arena; /* the call itself lies in it */
	struct slice hub;
	hub_done *done;
	void *cookie;
	struct hub_answer answer;
	struct buf body;
	struct json_out out; /* writes into body */
	struct task finish;
	bool delivering;

	/* The operation's own. `fini` cancels what it has under way and frees what is not in the arena; NULL: nothing. */
	void *state;
	void (*fini)(struct hub_ask *);
};

/* A call with `state_size` bytes of state. NULL: out of memory. */
struct hub_ask *ask_new(struct hubs *, struct slice hub, size_t state_size, void (*fini)(struct hub_ask *), hub_done *, void *cookie);

/* End the call: with what was written through ask->out (nothing: no body), or with a refusal. */
void ask_answer(struct hub_ask *);
void ask_refuse(struct hub_ask *, struct hub_no);

/* A generationId, hub-api.md 4.3: ticks since the year 1, never the same twice. Absent: the arena is full. */
struct slice generation_make(struct hubs *, struct arena *);

/* The record that a question about this device is put with. NULL: the arena is full. */
struct device *device_like(struct hub_ask *, struct slice device_id);

/* --- rows --- */

/* The stored etag of a device is the version of its row: identity etag, twin counter and reported version, so that
 * any change by anybody else is seen by if_etag, although a twin write leaves the identity's etag alone
 * (hub-api.md 4.6). row_open leaves the identity's etag in the record, and the row's in *version. */
void row_open(struct device *, struct slice *version);
struct slice row_version(const struct device *, struct arena *);

/* --- change.c: read one device, decide, write; and again when somebody was faster --- */

#define CHANGE_TRIES 4

struct change {
	/* The asker's: */
	struct hub_ask *ask;
	struct slice device_id;
	bool create; /* it must not exist: no need to look first */

	/* `stored` is NULL when there is none. Fills `how` and `device` when it lets the change happen, or `settled`
	 * when nothing need be written. May run again, with a newer record. */
	struct hub_no (*decide)(struct change *, const struct device *stored);
	void (*done)(struct change *, struct hub_no);

	/* The decision. */
	enum store_how how;
	struct device *device; /* as it is to be, or is; for a deletion the one that goes */
	bool settled;

	/* change.c's own. */
	struct store_want want;
	struct store_ask *store_ask;
	struct slice version; /* of the row that was read */
	struct device row;    /* what is written */
	int tries;
};

/* done() runs exactly once, unless change_stop was called; it may run before this returns. */
void change_start(struct change *);
void change_stop(struct change *);

/* --- scan.c: the devices of a hub, one after the other in the order of their IDs --- */

#define SCAN_PAGE_ROWS 500
#define SCAN_PAGE_MAX  (32u << 20) /* memory for one page; where it does not fit, pages get shorter */
#define SCAN_TURN_ROWS 50          /* looked at in one turn of the loop */

enum scan_end {
	SCAN_ALL,     /* there are no more */
	SCAN_ENOUGH,  /* row() said so, and there are more */
	SCAN_LIMITED, /* rows_max or ms_max was met, and there are more */
	SCAN_FAILED,
};

struct scan {
	/* The asker's: */
	struct hub_ask *ask;
	struct slice after; /* start behind this device ID; absent: from the start. At the end: the last one seen */
	int page_rows;      /* to fetch at once: 1 to SCAN_PAGE_ROWS */
	size_t rows_max;    /* 0: no limit */
	int64_t ms_max;     /* 0: no limit */
	bool (*row)(struct scan *, const struct device *); /* false: enough; the record lives during the call */
	void (*done)(struct scan *, enum scan_end, enum err);

	/* scan.c's own. */
	struct arena *page;
	struct store_want want;
	struct store_ask *store_ask;
	struct task turn;
	size_t at, seen;
	int64_t started_ms;
	char last[ID_MAX];
};

/* done() runs exactly once and later, unless scan_stop was called. */
void scan_start(struct scan *);
void scan_stop(struct scan *);

#endif
