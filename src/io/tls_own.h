/*
 * tls_own.h: inside TLS: tls.c has the certificates, tls_guard.c keeps watch over what clients send, tls_stream.c has the
 * connections.
 */
#ifndef BERTH_IO_TLS_OWN_H
#define BERTH_IO_TLS_OWN_H

#include <openssl/ssl.h>

#include "io/tls.h"

/* End handshakes in which the client's certificates would take too long to decode. */
void tls_guard(SSL_CTX *);

/* A new server connection, without its socket. NULL: out of memory. Holds on to `t` until tls_drop. */
SSL *tls_begin(struct tls *t);

/* One holder fewer; the last one frees it. */
void tls_drop(struct tls *t);

#endif
