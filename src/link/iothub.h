/*
 * iothub.h: the requests of hub-api.md 5.2 and what their answers mean. Pure: text in, text out.
 */
#ifndef BERTH_LINK_IOTHUB_H
#define BERTH_LINK_IOTHUB_H

#include "link/link.h"

/* A request as it travels, by HTTPS or through a function. Slices lie in the arena given. */
struct hub_request {
	const char *method, *path;
	struct slice if_match, body; /* absent: none */
};

/* What a look has found, and a correction keeps: a device that somebody switched off at the hub stays off, and a leaf keeps
 * its parents. Texts are JSON; absent: not there. */
#define HUB_KEPT 4
struct hub_seen {
	struct slice etag, kept[HUB_KEPT];
};

/* What an answer says of one device. */
enum hub_verdict {
	HUB_DONE,
	HUB_EXISTS,    /* create: it is there already */
	HUB_ABSENT,    /* no such device */
	HUB_DIFFERENT, /* look: it is there, with other credentials */
	HUB_CHANGED,   /* 412: somebody else was faster; look again */
	HUB_DENIED,    /* 401, 403 */
	HUB_BUSY,      /* 429, 503 and other 5xx: later */
	HUB_WRONG,     /* the hub says no; to a question that changes nothing: or what came makes no sense */
	HUB_GARBLED,   /* create: what came makes no sense, and it may have been done */
};

void iothub_create(struct arena *, const struct link_identity *const *, size_t count, struct hub_request *);
void iothub_look(struct arena *, struct slice device_id, struct hub_request *);
void iothub_correct(struct arena *, const struct link_identity *, const struct hub_seen *, struct hub_request *);
void iothub_twin(struct arena *, struct slice device_id, struct hub_request *);
void iothub_remove(struct arena *, struct slice device_id, struct hub_request *);
void iothub_statistics(struct hub_request *);

/* By the status alone, for answers that are not 2xx. `why` gets a sentence that quotes at most a little of the body. */
enum hub_verdict iothub_judge_status(int status, struct slice body, struct arena *, const char **why);

/* The answer to a creation: one verdict and one sentence for each device, in the order of the request (hub-api.md 4.5). */
void iothub_judge_create(int status, struct slice body, struct arena *, const struct link_identity *const *, size_t count,
			 enum hub_verdict *verdicts, const char **whys);

/* DONE: the identity is as it should be; DIFFERENT: *seen is what to correct it with. */
enum hub_verdict iothub_judge_look(int status, struct slice body, struct arena *, const struct link_identity *, struct hub_seen *seen,
				   const char **why);

/* DONE: the parts of the twin, without $metadata and $version. */
enum hub_verdict iothub_judge_twin(int status, struct slice body, struct arena *, struct link_answer *out, const char **why);

/* An answer of which only success matters, and that it is JSON where there is a body. */
enum hub_verdict iothub_judge_plain(int status, struct slice body, struct arena *, const char **why);

#endif
