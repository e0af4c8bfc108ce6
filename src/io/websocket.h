/*
 * websocket.h: a WebSocket as a stream over a stream (io/stream.h), for both sides (RFC 6455).
 *
 * What is written travels in binary frames; what arrives in them is the inbox, however it was
 * cut. Pings are answered and closes returned in here. The limits are those of stream.h: a full
 * inbox stops the reading below, and the outbox is the one below. The handshake is HTTP and
 * over before this begins.
 *
 * Beyond what stream.h says: `ended` means that the peer has closed in order; then nothing can
 * be written either (section 5.5.1), ERR_CLOSED. A peer that leaves without a close, or breaks
 * the rules of codec/websocket.h, breaks the stream; it is told why all the same.
 */
#ifndef BERTH_IO_WEBSOCKET_H
#define BERTH_IO_WEBSOCKET_H

#include "codec/websocket.h"
#include "base/arena.h"
#include "io/stream.h"

/* Take over *below, which becomes NULL; what is in its inbox is read as frames, later. Give the new stream its user
 * (stream_use) before the loop goes on; on_open is not called. ERR_NO_MEMORY: *below stays the caller's. */
MUST_USE enum err websocket_stream_open(struct stream **below, enum websocket_role, struct stream **out);

/* Let peer_address of such a stream be that of whoever is behind a proxy; copied, and cut to STREAM_CLIENT_MAX with its NUL. */
#define STREAM_CLIENT_MAX 64
void websocket_stream_from(struct stream *, const char *client);

/* What a server answers to a client's Sec-WebSocket-Key (section 4.2.2). Absent: the arena is full. */
struct slice websocket_accept(struct arena *a, struct slice key);

#endif
