/*
 * slim.h: OpenSSL with less to search through.
 *
 * To read the key in a certificate OpenSSL 3.0 goes through all its decoders, all its key types and whatever else its context has ever
 * fetched, each time; that is most of what a certificate costs. Here are contexts of our own whose provider is the default one, but for
 * what no certificate needs: it has the key types of certificates and of TLS, and decoders for public keys alone. Private keys,
 * requests and so on are for OpenSSL's own context.
 */
#ifndef BERTH_CRYPTO_SLIM_H
#define BERTH_CRYPTO_SLIM_H

#include <openssl/types.h>

enum slim_use {
	SLIM_CERTIFICATES, /* reading and judging them */
	SLIM_TLS,          /* handshakes, which fetch much */
};

/* For all threads, and as long as the process lives. NULL, which is OpenSSL's own context, when there was no memory for one: what was asked
 * for works all the same, only slower. */
OSSL_LIB_CTX *slim_library(enum slim_use);

#endif
