/*
 * websocket.h: WebSocket frames as bytes, for both sides (RFC 6455 sections 5 and 7).
 *
 * Bytes in, events out; and frames to append to a buffer, whole, so that header and payload
 * leave together. Payload streams through: a frame need not fit into memory. What the
 * standard calls a MUST is kept on both ways, and text is refused, for MQTT and AMQP are
 * binary. No sockets, no clock; the handshake is HTTP's (protocol/upgrade.h).
 */
#ifndef BERTH_CODEC_WEBSOCKET_H
#define BERTH_CODEC_WEBSOCKET_H

#include "base/buf.h"
#include "base/err.h"

#define WEBSOCKET_MESSAGE_MAX (256 * 1024) /* payload of a message, all its frames together */
#define WEBSOCKET_CONTROL_MAX 125          /* payload of a close, ping or pong: section 5.5 */

enum websocket_role { WEBSOCKET_SERVER, WEBSOCKET_CLIENT }; /* which side we are */

/* Close codes of ours, section 7.4.1. */
enum websocket_code {
	WEBSOCKET_NORMAL = 1000,
	WEBSOCKET_PROTOCOL_ERROR = 1002,
	WEBSOCKET_NO_TEXT = 1003,
	WEBSOCKET_NO_CODE = 1005, /* never sent: the close frame had none */
	WEBSOCKET_NOT_UTF8 = 1007,
	WEBSOCKET_TOO_BIG = 1009,
	WEBSOCKET_INTERNAL = 1011,
};

enum websocket_event_kind { WEBSOCKET_DATA, WEBSOCKET_PING, WEBSOCKET_PONG, WEBSOCKET_CLOSE };

struct websocket_event {
	enum websocket_event_kind kind;
	/* Some of a message, never nothing; what a ping or pong carries; why the peer closes. Lent until the next read. */
	struct slice bytes;
	int code; /* of a close */
};

struct websocket;

/* `random` makes the client's masks, which nobody may foresee (section 5.3); a server needs none. NULL: out of memory. */
struct websocket *websocket_new(enum websocket_role, void (*random)(void *out, size_t n));

/* Sets *w to NULL; NULL inside is welcome. */
void websocket_free(struct websocket **w);

/* Read on; *in moves behind what was taken, which may be more than the event needed.
 * OK: an event. ERR_AGAIN: all of *in was taken, and more is needed. ERR_CLOSED: the close was read already, and nothing
 * counts behind it. Otherwise the peer broke a rule, for good: `out` is the close that it is due, with a constant sentence.
 * ERR_MALFORMED: frames that the standard forbids; ERR_UNSUPPORTED: text; ERR_TOO_BIG: WEBSOCKET_MESSAGE_MAX. Or it is ours:
 * ERR_NO_MEMORY. */
MUST_USE enum err websocket_read(struct websocket *, struct slice *in, struct websocket_event *out);

/* Append `bytes` as messages that a reader with our limits takes; nothing when there are none. */
void websocket_write(struct websocket *, struct slice bytes, struct buf *to);

/* Append one ping or pong, with up to WEBSOCKET_CONTROL_MAX bytes. */
void websocket_write_ping(struct websocket *, struct slice bytes, struct buf *to);
void websocket_write_pong(struct websocket *, struct slice bytes, struct buf *to);

/* Append a close; the code WEBSOCKET_NO_CODE leaves code and reason out. A reason that is too long is cut. */
void websocket_write_close(struct websocket *, int code, struct slice reason, struct buf *to);

#endif
