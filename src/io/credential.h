/*
 * credential.h: what we show of ourselves in a TLS handshake: a certificate, those that signed it, and its key.
 *
 * Read once and shown as often as one likes; it must outlive what it was given to.
 */
#ifndef BERTH_IO_CREDENTIAL_H
#define BERTH_IO_CREDENTIAL_H

#include <openssl/x509.h>

#include "base/err.h"
#include "base/slice.h"

#define CREDENTIAL_CHAIN_MAX 10 /* certificates above the first */

struct credential {
	X509 *leaf;
	EVP_PKEY *key;
	STACK_OF(X509) * chain; /* above the leaf, the nearest first; without the root, if one likes */
};

/* From PEM text: the leaf comes first, other things between the certificates are skipped. The key has no pass phrase.
 * ERR_MALFORMED, ERR_TOO_BIG (CREDENTIAL_CHAIN_MAX), ERR_INVALID (the key is another's), ERR_NO_MEMORY; `why` gets a
 * constant sentence. */
MUST_USE enum err credential_read(struct slice certificates, struct slice key, struct credential **out, const char **why);

/* Sets *c to NULL; NULL inside is welcome. */
void credential_free(struct credential **c);

#endif
