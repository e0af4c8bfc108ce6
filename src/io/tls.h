/*
 * tls.h: TLS on an accepted socket, as a stream (io/stream.h).
 *
 * OpenSSL works on the descriptor itself; the loop only says when. A client
 * certificate is asked for and never demanded, and none is refused here: whether it is
 * acceptable is decided after the request has named its enrollment (design.md 2).
 * No resumption, no tickets: a resumed session has lost the peer's chain.
 */
#ifndef BERTH_IO_TLS_H
#define BERTH_IO_TLS_H

#include "io/stream.h"

struct tls; /* a server's certificates and settings; one per loop, replaced whole on reload */

struct tls_pair {
	const char *certificate_file, *key_file; /* PEM; the chain without the root */
};

/* The first pair serves names that no other fits and clients that send none.
 * ERR_IO, ERR_MALFORMED with a sentence in `why` (an arena is not needed: static text or
 * OpenSSL's). Connections made under an older `struct tls` keep it alive themselves. */
MUST_USE enum err tls_new(const struct tls_pair *pairs, size_t count, struct tls **out, char why[256]);
void tls_free(struct tls **t);

#define TLS_INBOX_MAX  32768
#define TLS_OUTBOX_MAX (1024 * 1024)

struct tls_limits {
	int handshake_ms; /* absolute, from accept to the end of the handshake */
	int linger_ms;    /* for the goodbye of stream_close */
};

/* Take over the connected, non-blocking `fd`. The handshake runs by itself; on_bytes is
 * first called after it, on_broken if it fails (why: ERR_TIMEOUT, ERR_CLOSED, ERR_IO).
 * On failure here the descriptor is closed. */
MUST_USE enum err tls_accept(struct loop *, struct tls *, int fd, const struct tls_limits *, const struct stream_user *, void *cookie,
			     struct stream **out);

/* Handshakes that failed, and the ones under way, since the start: for the metrics. */
struct tls_counts {
	unsigned long accepted, failed;
};

#endif
