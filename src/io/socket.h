/*
 * socket.h: what the streams over sockets, plain.h and tls.h, have in common.
 *
 * Both keep to the limits of stream.h. A full inbox stops reading until something is
 * eaten, so the peer feels it. What one turn of the loop writes leaves in one piece.
 *
 * Closing is polite: what is in the outbox is sent, then the protocol's own goodbye and
 * the end of our side; then the peer's end is awaited, for closing a socket with unread
 * bytes would destroy the answer on its way (RFC 9112 section 9.6). All that takes
 * linger_ms at most and needs nobody.
 */
#ifndef BERTH_IO_SOCKET_H
#define BERTH_IO_SOCKET_H

#include "io/stream.h"

struct socket_conf {
	int handshake_ms; /* absolute, from the start to the end of the handshake */
	int linger_ms;    /* for the goodbye of stream_close */

	/* It is a proxy that connects, and it says first for whom (codec/proxy_header.h): that comes before the handshake and within its
	 * time, or the stream breaks. */
	bool proxied;

	/* The descriptor is closed, after whatever goodbye: once for each stream. It runs where
	 * that happens, also inside stream_close; it only keeps books. May be NULL. */
	void (*gone)(void *cookie);
	void *gone_cookie;
};

/* What was wrong with the header of a proxy, as a constant sentence about it: to be asked of a stream over a socket, in on_broken. NULL:
 * nothing, the stream broke otherwise, or the proxy hung up before its first byte. */
const char *socket_header_fault(const struct stream *);

#endif
