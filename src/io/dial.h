/*
 * dial.h: a TLS connection to a server, as a stream (io/stream.h).
 *
 * Name, connection and handshake under one absolute deadline: a host's addresses are tried in turn, and the server's
 * certificate must be signed by somebody trusted and name the host. TLS 1.2 and 1.3. Resuming sessions and asking
 * again is not done here.
 */
#ifndef BERTH_IO_DIAL_H
#define BERTH_IO_DIAL_H

#include "io/credential.h"
#include "io/stream.h"

#define DIAL_WHY_MAX 512

struct dialer; /* one per loop: whom it trusts, and the threads that look up names */
struct dial;   /* one opening */

struct dialer_conf {
	const char *ca_files[2]; /* PEM: trusted beside the system's roots; NULL: none */
};

/* ERR_NO_MEMORY, ERR_IO, or as trust_get says of `ca_files`. */
MUST_USE enum err dialer_new(struct loop *, const struct dialer_conf *, struct dialer **);

/* Pending openings are dropped, silently; open streams live on. Waits for name servers as resolver_free does. */
void dialer_free(struct dialer **);

struct dial_ask {
	const char *host; /* a name or an address: what the server's certificate must be for */
	int port;
	const char *connect_to;              /* "address:port" or "[address]:port" in place of host and port; NULL: those */
	const struct credential *credential; /* shown when the server asks for a certificate; NULL: none */
	int deadline_ms;                     /* until the stream is open */
	int linger_ms;                       /* of its goodbye, io/socket.h */
};

struct dial_answer {
	enum err e;            /* ERR_INVALID: `connect_to` or the credential; ERR_UNREACHABLE, ERR_TIMEOUT, ERR_NO_MEMORY */
	const char *why;       /* a sentence when e is not OK; lives only while done() runs */
	struct stream *stream; /* open: the asker's, to be taken over by stream_use or ended before done() returns */
};

typedef void dial_done(void *cookie, const struct dial_answer *answer);

/* done() runs exactly once, later, from the loop. NULL: it could not start (out of memory). */
struct dial *dial_start(struct dialer *, const struct dial_ask *, dial_done *, void *cookie);

/* Give up: done() stays silent. Sets *d to NULL; NULL is welcome. */
void dial_cancel(struct dial **d);

#endif
