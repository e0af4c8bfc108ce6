/*
 * http_server.h: HTTP/1.1 over a stream, for whoever answers requests.
 *
 * Reads one request after the other (pipelined ones wait in the inbox), asks, and writes the answer: with a
 * length when it is short, in chunks as the peer takes them when it is long. Every phase has an absolute
 * deadline, so a peer that sends a byte a second gets nowhere. RFC 9112. A request may turn the connection into a WebSocket
 * (protocol/upgrade.h); then another protocol has it until its end.
 */
#ifndef BERTH_PROTOCOL_HTTP_SERVER_H
#define BERTH_PROTOCOL_HTTP_SERVER_H

#include "protocol/upgrade.h"

#define HTTP_IDLE_MS      75000 /* between requests */
#define HTTP_HEAD_MS      10000 /* from the first byte of a head to its end */
#define HTTP_BODY_MS      30000 /* from the end of the head to the end of the body */
#define HTTP_WRITE_MS     30000 /* for the peer to take what is in the outbox */
#define HTTP_CHUNK        65536 /* longer answers go out in chunks of this size */
#define HTTP_UNTAKEN_MAX  262144 /* of an answer without end: beyond it pieces are left out until the peer has read */
#define HTTP_REQUESTS_MAX 10000 /* on one connection; then it is closed */

/* Who answers. The promises are those of api_ask and api_cancel. */
struct http_service {
	size_t (*body_max)(struct slice path);
	void *(*ask)(void *house, const struct api_question *, api_done *, void *cookie);
	void (*cancel)(void *call);
	const char *protocol;     /* as questions name it */
	upgrade_find *websockets; /* who goes on in one; NULL: requests for WebSockets are ordinary ones */
	/* What is at hand and need not be asked for: true, and the answer's parts live as long as the process. NULL: nothing is. */
	bool (*at_hand)(void *house, const struct api_question *, struct api_answer *);
	/* Who asks, where proxies may stand between: `peer`, or written into `room`. NULL: it is the peer. */
	const char *(*client)(void *house, const char *peer, const struct http_head *, char room[ADDRESS_TEXT]);
	/* There is room again for a piece that was left out. NULL: nobody sends an answer in pieces. */
	void (*room)(void *call);
};

struct connection *http_server_open(struct loop *, struct stream **, const struct protocol_env *, const struct http_service *);
void http_server_drain(struct connection *);
void http_server_abort(struct connection *);

#endif
