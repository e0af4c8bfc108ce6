/*
 * tls_own.h: inside TLS: tls.c has a server's certificates, dial.c what a client trusts, tls_guard.c keeps watch over what
 * clients send, tls_stream.c has the connections of both.
 */
#ifndef BERTH_IO_TLS_OWN_H
#define BERTH_IO_TLS_OWN_H

#include <openssl/ssl.h>

#include "io/tls.h"

/* End handshakes in which the peer's certificates would take too long to decode. */
void tls_guard(SSL_CTX *);

/* A new server connection, without its socket. NULL: out of memory. Holds on to `t` until tls_drop. */
SSL *tls_begin(struct tls *t);

/* One holder fewer; the last one frees it. */
void tls_drop(struct tls *t);

/* What `ssl`, told already whether it accepts or connects, makes of the connected, non-blocking `fd`. Both are taken over, and
 * one hold on `tls` (NULL: none), also on failure; otherwise as tls_accept. */
MUST_USE enum err tls_stream_new(struct loop *, struct tls *tls, SSL *ssl, int fd, const struct socket_conf *, const struct stream_user *,
				 void *cookie, struct stream **out);

/* Why the handshake failed: to be asked in on_broken. */
struct tls_failure {
	long verdict;       /* on the peer's certificates: X509_V_OK, or what was wrong */
	const char *reason; /* in OpenSSL's words; NULL: none */
};

struct tls_failure tls_stream_failure(const struct stream *);

#endif
