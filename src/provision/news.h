/*
 * news.h: what happens to devices, for those who watch: the portal's live picture and its curves.
 *
 * Each loop gathers what happens there, and every NEWS_EVERY_MS sends a bulletin for each service to the desk, which lives on one
 * loop: it keeps the curve of each service, and hands the bulletin on to whoever watches, each on his own loop. Nobody on the
 * way of a registration waits for any of it, and when too much happens the numbers stay right and the names become a sample.
 */
#ifndef BERTH_PROVISION_NEWS_H
#define BERTH_PROVISION_NEWS_H

#include <stdatomic.h>

#include "base/arena.h"
#include "io/loop.h"

#define NEWS_EVERY_MS 250
#define NEWS_SAMPLE   20   /* devices that a bulletin names */
#define NEWS_REFUSALS 10   /* refusals that it tells */
#define NEWS_HUBS     64   /* that it counts apart; the rest together */
#define NEWS_SERVICES 1024 /* in one gathering, and with a curve */
#define NEWS_MINUTES  1440 /* of a curve */
#define NEWS_WATCHERS 1000

enum news_what { NEWS_ASSIGNED, NEWS_REFUSED, NEWS_FAILED, NEWS_KINDS };

struct news_item {
	enum news_what what;
	struct slice scope, service, device, hub; /* hub: of those assigned */
	const char *protocol;
	int64_t ms; /* assigned: from the question on */
	int code;   /* refused, failed */
	const char *sentence;
};

/* What happened to the devices of one service in a moment. */
struct bulletin {
	struct slice scope, service;
	instant at;
	unsigned n[NEWS_KINDS];
	struct bulletin_hub {
		struct slice name; /* empty: all others */
		unsigned n;
	} hubs[NEWS_HUBS];
	size_t hub_count;
	struct bulletin_device {
		struct slice id, hub, protocol, sentence;
		int64_t ms;
		int code;
	} sample[NEWS_SAMPLE], refusals[NEWS_REFUSALS]; /* refusals: failed ones too */
	size_t sample_count, refusal_count;

	/* Own. */
	struct arena *arena;
	atomic_int holders;
};

struct news_desk;
struct news; /* one loop's part */
struct news_watch;
struct news_ask;

struct news_desk *news_desk_new(struct loop *); /* NULL: out of memory */
struct news *news_new(struct loop *, struct news_desk *);
/* When no loop runs any more: the parts first, then the desk. */
void news_free(struct news **);
void news_desk_free(struct news_desk **);

/* On the part's loop. NULL is welcome: nobody is told. */
void news_report(struct news *, const struct news_item *);

/* told() runs from the part's loop for each bulletin, which is lent, until news_unwatch. NULL: out of memory, or there are enough. */
struct news_watch *news_watch(struct news *, void (*told)(void *cookie, const struct bulletin *), void *cookie);
void news_unwatch(struct news_watch **);

/* The last `minutes` of a service, the oldest first; the last is the minute that is not over yet. */
struct news_curve {
	instant from; /* the start of the first minute */
	int minutes;
	const unsigned *n[NEWS_KINDS];
};

/* done() runs once, later, from the part's loop; the curve is lent. NULL: out of memory. */
struct news_ask *news_ask_curve(struct news *, struct slice scope, int minutes, void (*done)(void *cookie, const struct news_curve *),
				void *cookie);
void news_cancel(struct news_ask **);

#endif
