/*
 * webhook.h: ask the webhook of an enrollment where a device belongs (service-api.md 8).
 *
 * One question, one outcome, within WEBHOOK_MS. Where no connection came about it is tried once more, for then nobody can have heard
 * the question; redirects are not followed. What the outcome means is for allocate/custom.h to say.
 */
#ifndef BERTH_PROVISION_WEBHOOK_H
#define BERTH_PROVISION_WEBHOOK_H

#include "allocate/custom.h"
#include "base/buf.h"
#include "crypto/chain.h"
#include "io/fetch.h"

#define WEBHOOK_MS           10000 /* for the whole of it: RULE of service-api.md 8 */
#define WEBHOOK_CONNECT_MS   4000
#define WEBHOOK_TRIES        2
#define WEBHOOK_PAUSE_MS     500         /* before it is tried once more */
#define WEBHOOK_QUESTION_MAX (512 << 10) /* bytes of a question: enrollments and payloads have limits of their own */

struct webhook_question {
	const struct enrollment *enrollment;
	bool by_group;
	struct slice registration_id;
	struct slice hub, device_id;         /* where the device is; hub absent: nowhere yet */
	const struct certificate_info *leaf; /* what an X.509 device presented; NULL: nothing */
	struct slice payload;                /* JSON that the device sent along; absent: none */
	const struct linked_hub *const *candidates;
	size_t candidate_count;
};

/* The body of the request. Secrets are left out of it. Whether it fits, `out` tells. */
void webhook_write(const struct webhook_question *, struct arena *, struct buf *out);

/* The part of its address that may be shown: keys stand in the query. Out of memory: absent. */
struct slice webhook_mask(struct arena *, struct slice url);

struct webhook_ask; /* one question under way */

/* `reply` lives only while done() runs. */
typedef void webhook_done(void *cookie, const struct custom_reply *reply);

/* Everything is copied. done() runs exactly once, later, from the loop. NULL: out of memory, or too long a question. */
struct webhook_ask *webhook_start(struct loop *, struct fetcher *, const struct webhook_question *, int deadline_ms, webhook_done *,
				  void *cookie);

/* done() stays silent. NULL inside is welcome. */
void webhook_cancel(struct webhook_ask **);

#endif
