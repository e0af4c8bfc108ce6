/*
 * custom.h: what the webhook of a custom allocation has answered, or its rule in the same form, judged (service-api.md 8).
 *
 * Pure: somebody else asks, and brings what came of it, good or bad. A good answer names one of the hubs among which the device may
 * be placed; it may bring a twin for the hub and a payload for the device. Anything else is a failure with words of its own.
 */
#ifndef BERTH_ALLOCATE_CUSTOM_H
#define BERTH_ALLOCATE_CUSTOM_H

#include "allocate/allocate.h"

#define CUSTOM_ANSWER_MAX  (96 << 10) /* bytes of an answer that are read: RULE of service-api.md 8 */
#define CUSTOM_PAYLOAD_MAX 49152      /* so that it fits into what a device is told: device-api.md 5.7, rule 6 */
#define CUSTOM_FAILED      400207     /* device-api.md 18 */

/* How the asking ended. */
struct custom_reply {
	enum err e;      /* OK: an HTTP answer came, whatever its status; else as a fetch ends */
	const char *why; /* e is not OK: in words */
	int status;
	const char *location; /* where it redirects to; NULL: it does not say */
	struct slice body;
};

struct custom_choice {
	const struct linked_hub *hub; /* NULL: it failed */
	struct slice initial_twin;    /* in place of the enrollment's; a JSON object, or absent */
	struct slice payload;         /* for the device; a JSON object, or absent */
	bool payload_dropped;         /* there was one that no client would read: device-api.md 5.7, rule 5 */
	const char *message;          /* it failed: for the device */
	const char *seen;             /* ... for the operator, in a few words */
	const char *sentence;         /* why this hub, or why it failed: for the operator */
};

/* `asked` is the choice that was left to the webhook. Everything lies in the arena. ERR_NO_MEMORY only. */
MUST_USE enum err custom_judge(const struct custom_reply *, const struct allocation *, const struct choice *asked, struct arena *,
			       struct custom_choice *);

#endif
