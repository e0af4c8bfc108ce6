/*
 * tls.h: TLS on an accepted socket, as a stream (io/stream.h).
 *
 * OpenSSL works on the descriptor itself; the loop only says when. A client
 * certificate is asked for and never demanded, and none is refused here, unless reading it
 * would hold up the loop (certificate_spells_out_a_curve): whether it is
 * acceptable is decided after the request has named its enrollment (design.md 2).
 * No resumption, no tickets: a resumed session has lost the peer's chain.
 */
#ifndef BERTH_IO_TLS_H
#define BERTH_IO_TLS_H

#include "io/socket.h"

struct tls; /* a server's certificates and settings; one per loop, replaced whole on reload */

struct tls_pair {
	const char *certificate_file, *key_file; /* PEM; the chain without the root */
};

/* Among several pairs the one whose certificate has the DNS name asked for serves, an exact name
 * before a wildcard of one label. The first pair serves names that no other fits and clients that
 * send none.
 * ERR_IO, ERR_MALFORMED with a sentence in `why`. Connections made under an older `struct tls`
 * keep it alive themselves. */
MUST_USE enum err tls_new(const struct tls_pair *pairs, size_t count, struct tls **out, char why[256]);

/* Connections go on. Sets *t to NULL; NULL inside is welcome. */
void tls_free(struct tls **t);

#define TLS_INBOX_MAX  STREAM_INBOX_MAX
#define TLS_OUTBOX_MAX STREAM_OUTBOX_MAX

/* Certificates that a client sends, together: a longer list ends the handshake, for decoding it
 * costs us twenty times what it costs the client to send. */
#define TLS_CHAIN_MAX       16384
#define TLS_CHAIN_COUNT_MAX 64 /* how many they may be */

/* Take over the connected, non-blocking `fd`. The handshake runs by itself; on_open is called
 * after it, on_broken if it fails (ERR_TIMEOUT, ERR_CLOSED, ERR_IO). On failure here the
 * descriptor is closed, and gone() is not called. */
MUST_USE enum err tls_accept(struct loop *, struct tls *, int fd, const struct socket_conf *, const struct stream_user *, void *cookie,
			     struct stream **out);

#endif
