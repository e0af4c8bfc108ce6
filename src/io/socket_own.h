/*
 * socket_own.h: inside the streams over sockets. Only socket.c, introduction.c, plain.c and tls_stream.c
 * look here.
 */
#ifndef BERTH_IO_SOCKET_OWN_H
#define BERTH_IO_SOCKET_OWN_H

#include "base/buf.h"
#include "io/socket.h"

struct socket;

/* What is spoken on a socket. Where a call answers ERR_AGAIN, it has left in read_wants or
 * write_wants what to wait for. */
struct transport {
	/* One step of the handshake: OK, it is over; ERR_AGAIN, read_wants says for what; or why it
	 * failed. NULL: no handshake. */
	enum err (*open)(struct socket *);

	/* OK with *got 0 is the peer's orderly end, and `more` tells whether it is worth asking again
	 * at once. ERR_CLOSED: cut off; ERR_IO: broken. */
	enum err (*read)(struct socket *, char *to, size_t room, size_t *got);
	enum err (*write)(struct socket *, struct slice bytes, size_t *taken);

	/* Our orderly end; ERR_AGAIN: once more, please. NULL: none beside TCP's own. */
	enum err (*goodbye)(struct socket *);

	/* Undo what the kind has set up; the descriptor is socket.c's. Called once. */
	void (*fini)(struct socket *);
};

enum socket_phase {
	SOCKET_OPENING, /* handshake */
	SOCKET_OPEN,
	SOCKET_BROKEN,    /* on_broken was called: waits for its user's close */
	SOCKET_FLUSHING,  /* closed by its user: the outbox, then the goodbye */
	SOCKET_LINGERING, /* all said: waits for the peer's end */
	SOCKET_GONE,      /* nothing left but the memory */
};

#define PEER_ADDRESS_TEXT 64

/* The kind's own struct begins with it. */
struct socket {
	struct stream s;
	const struct transport *transport;
	struct socket_conf conf;
	enum socket_phase phase;
	int fd;
	int read_wants, write_wants;
	bool in_turn;      /* gone now: freed when the turn ends */
	bool more;         /* of transport->read */
	bool resume;       /* the inbox was full and has room again */
	bool unintroduced; /* a proxy's header is still to come; until then the inbox holds its beginning */
	const char *fault; /* of that header */
	struct watch *watch;
	struct timer *deadline;
	struct task turn;
	struct buf inbox, outbox;
	size_t discarded;
	struct loop_guest guest;
	char peer[PEER_ADDRESS_TEXT];
};

/* Set up a zeroed socket and start it; who speaks first has put WATCH_WRITE in read_wants. On failure
 * nothing is kept; `fd` and the transport stay the caller's to undo. */
MUST_USE enum err socket_start(struct socket *k, const struct transport *, struct loop *, int fd, const struct socket_conf *,
			       const struct stream_user *, void *cookie);

/* Take the header of a proxy, and nothing of what stands behind it, and name the peer. ERR_AGAIN: read_wants is to wait for. ERR_MALFORMED with
 * the fault in `fault`; ERR_CLOSED, ERR_IO, with one if it had begun; ERR_NO_MEMORY. */
MUST_USE enum err introduction_read(struct socket *k);

#endif
