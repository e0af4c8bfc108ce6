/*
 * stream.h: bytes in, bytes out, over something.
 *
 * A TLS connection is a stream; a WebSocket is a stream over a stream, so that
 * protocols do not notice. Reading is by looking: bytes that have arrived wait in the
 * inbox until they are eaten. Writing copies into a bounded outbox.
 */
#ifndef BERTH_IO_STREAM_H
#define BERTH_IO_STREAM_H

#include "io/loop.h"

struct stream;

/* What a stream over a socket holds at most. */
#define STREAM_INBOX_MAX  32768
#define STREAM_OUTBOX_MAX (1024 * 1024)

/* Who listens to a stream. All run from the loop; none runs after stream_close. */
struct stream_user {
	/* The stream is there: what is known about the peer is filled in. Once, before the first
	 * on_bytes. May be NULL; a user who takes over later never sees it. */
	void (*on_open)(void *cookie);
	/* New bytes are in the inbox, or the peer has finished sending (`ended`). */
	void (*on_bytes)(void *cookie);
	/* The outbox has run empty. May be NULL. */
	void (*on_drained)(void *cookie);
	/* The stream broke or timed out; only stream_close may follow. */
	void (*on_broken)(void *cookie, enum err why);
	/* A proxy has said for whom it connects (io/socket.h): peer_address is that one's, unless it speaks for itself. Once, before the
	 * handshake. May be NULL. */
	void (*on_introduced)(void *cookie);
};

/* What a kind of stream fills in. */
struct stream_kind {
	struct slice (*inbox)(struct stream *);
	void (*eat)(struct stream *, size_t n);
	enum err (*write)(struct stream *, struct slice bytes);
	void (*close)(struct stream *, bool abort);
};

/* The head of every stream: the kind's own struct begins with it. */
struct stream {
	const struct stream_kind *kind;
	const struct stream_user *user;
	void *cookie;
	struct loop *loop;
	bool ended;     /* the peer will send no more */
	bool websocket; /* these bytes travel in frames: for logs and counts, nothing else depends on it */
	/* About the peer; lent as long as the stream lives. */
	const char *peer_address;  /* "192.0.2.7:51234", "[2001:db8::1]:51234" */
	const char *server_name;   /* SNI; NULL when none was sent */
	const struct slice *chain; /* client certificates as DER, leaf first */
	size_t chain_count;
};

/* Another user from now on. Bytes that are in the inbox already are not announced again: look. */
static inline void stream_use(struct stream *s, const struct stream_user *user, void *cookie)
{
	s->user = user;
	s->cookie = cookie;
}

/* What has arrived and was not eaten; until the next call on this stream. */
static inline struct slice stream_inbox(struct stream *s)
{
	return s->kind->inbox(s);
}

/* Done with the first `n` bytes: this lets more come when the inbox was full. */
static inline void stream_eat(struct stream *s, size_t n)
{
	s->kind->eat(s, n);
}

/* Copies. ERR_TOO_BIG: the outbox is full (nothing was taken); ERR_CLOSED. */
MUST_USE static inline enum err stream_write(struct stream *s, struct slice bytes)
{
	return s->kind->write(s, bytes);
}

/* Send what is in the outbox, say goodbye as the protocol below wants it, and free:
 * the stream is gone for the caller at once, NULL is left behind. */
static inline void stream_close(struct stream **s)
{
	if (*s)
		(*s)->kind->close(*s, false);
	*s = NULL;
}

/* The same without goodbye: what is in the outbox is lost. */
static inline void stream_abort(struct stream **s)
{
	if (*s)
		(*s)->kind->close(*s, true);
	*s = NULL;
}

#endif
