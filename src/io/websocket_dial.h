/*
 * websocket_dial.h: from an open stream to a server to a WebSocket over it: the client's side of the handshake, an HTTP request to
 * upgrade (RFC 6455 section 4.1).
 */
#ifndef BERTH_IO_WEBSOCKET_DIAL_H
#define BERTH_IO_WEBSOCKET_DIAL_H

#include "io/dial.h"

struct websocket_dial; /* one handshake */

struct websocket_ask {
	const char *host; /* of the server, and its port: for the Host header */
	int port;
	const char *path;        /* "/$iothub/websocket" */
	const char *subprotocol; /* "mqtt": the server must choose it */
	const char *user_agent;
	int deadline_ms; /* until the server has agreed */
};

/* Take over *below, which becomes NULL. done() runs exactly once, later, from the loop: with a stream as dial.h hands it over, or
 * a sentence, when the stream below is gone too. NULL: out of memory; *below stays the caller's. */
struct websocket_dial *websocket_dial_start(struct stream **below, const struct websocket_ask *, dial_done *, void *cookie);

/* Give up: done() stays silent, the stream is gone. Sets *d to NULL; NULL is welcome. */
void websocket_dial_cancel(struct websocket_dial **d);

#endif
