/*
 * upgrade.h: from an HTTP request to a WebSocket with another protocol in it (RFC 6455 section 4.2; device-api.md 11, 13).
 *
 * The judge only looks at the head. What follows a good one is a connection of the protocol that the client chose, over a
 * WebSocket over the stream that HTTP had; to whoever counts connections it still is the one that HTTP opened.
 */
#ifndef BERTH_PROTOCOL_UPGRADE_H
#define BERTH_PROTOCOL_UPGRADE_H

#include "api/api.h"
#include "protocol/protocol.h"

#define UPGRADE_ACCEPT_MAX 32

/* By name, as protocol_find does it; NULL: it is not served. */
typedef const struct protocol *upgrade_find(const char *name);

struct upgrade {
	int status;                      /* 101, or that of the refusal */
	const char *why;                 /* of the refusal: a constant sentence */
	const struct protocol *protocol; /* what goes on */
	struct slice subprotocol;        /* in the client's spelling; lent from the head */
	char accept[UPGRADE_ACCEPT_MAX]; /* Sec-WebSocket-Accept */
};

/* Whether the request would like to become a WebSocket, however clumsily it says so. */
bool upgrade_asked(const struct http_head *);

/* What becomes of it: 101, 400, 404, 426, 500, or 501 where `find` knows nobody. */
void upgrade_judge(const struct http_head *, upgrade_find *find, struct upgrade *out);

/* The three headers that a 426 must have (section 4.4; RFC 9110 section 15.5.22). */
void upgrade_hint(struct api_header *to);

struct upgraded;

/* Say 101, and hand the stream over, which is from now on that of `client` (copied): what waits in its inbox is frames already. over() runs when the connection of the other
 * protocol has ended, also from within upgraded_drain and upgraded_abort; what it was given is freed then.
 * NULL: nothing goes on, for want of memory or because it ended at once; the stream is gone, and over() stays silent. */
struct upgraded *upgrade_open(const struct upgrade *, struct stream **stream, const char *client, void *house, void (*over)(void *cookie), void *cookie);

/* As struct protocol promises it. */
void upgraded_drain(struct upgraded *);
void upgraded_abort(struct upgraded *);

#endif
