/*
 * hub.h: the IoT hub that we host ourselves: identities and twins (hub-api.md 4).
 *
 * What a hub can be asked, free of HTTP: api/hub.c turns requests into these calls and their errors
 * into hub-api.md 4.10's. Devices that talk to the hub come with their protocols.
 */
#ifndef BERTH_HUB_HUB_H
#define BERTH_HUB_HUB_H

#include "store/store.h"

#define HUB_BULK_MAX  100
#define HUB_PAGE_MAX  1000
#define HUB_QUERY_MAX 8192 /* characters of a query, hub-api.md 4.7 */

struct hubs;    /* one per loop */
struct hub_ask; /* one call under way */

MUST_USE enum err hubs_new(struct loop *, struct store *, struct hubs **);
void hubs_free(struct hubs **);

/* How a call ended. `code` and `sentence` are hub-api.md 4.10's name and text, NULL when e is OK. */
struct hub_answer {
	enum err e;
	const char *code; /* "DeviceNotFound" */
	const char *sentence;
	struct slice body;         /* JSON to be sent; absent: none. A bulk call in which an entry failed has one too, beside its
				    * "BulkRegistryOperationFailure" */
	struct slice etag;         /* of what the body shows; absent: none */
	struct slice continuation; /* query: more follows; absent: no */
	const char *item_type;     /* query: "Twin" or "Raw" */
};

/* `answer` lives only while done() runs. */
typedef void hub_done(void *cookie, const struct hub_answer *answer);

/* `hub` is the folded name. Bodies are JSON text as received; all is lent until done() or the cancel. `if_match` as
 * received, absent: none. NULL: out of memory. */
struct hub_ask *hub_device_get(struct hubs *, struct slice hub, struct slice device_id, hub_done *, void *cookie);
struct hub_ask *hub_device_put(struct hubs *, struct slice hub, struct slice device_id, struct slice if_match, struct slice body,
			       hub_done *, void *cookie);
struct hub_ask *hub_device_delete(struct hubs *, struct slice hub, struct slice device_id, struct slice if_match, hub_done *, void *cookie);
/* `top` outside 1 to HUB_PAGE_MAX means that. */
struct hub_ask *hub_device_list(struct hubs *, struct slice hub, int top, hub_done *, void *cookie);
struct hub_ask *hub_device_bulk(struct hubs *, struct slice hub, struct slice body, hub_done *, void *cookie);
struct hub_ask *hub_twin_get(struct hubs *, struct slice hub, struct slice device_id, hub_done *, void *cookie);
/* `replace`: PUT, each section given is replaced; else PATCH, merged (hub-api.md 4.6). */
struct hub_ask *hub_twin_write(struct hubs *, struct slice hub, struct slice device_id, struct slice if_match, struct slice body,
			       bool replace, hub_done *, void *cookie);
struct hub_ask *hub_statistics(struct hubs *, struct slice hub, bool service, hub_done *, void *cookie);
/* `max_items` below 1: 100. A page may be short or empty and still have a continuation. */
struct hub_ask *hub_query(struct hubs *, struct slice hub, struct slice body, struct slice continuation, int max_items, hub_done *,
			  void *cookie);

/* done() stays silent; a change may still happen. NULL inside is welcome. */
void hub_cancel(struct hub_ask **);

#endif
