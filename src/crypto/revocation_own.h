/*
 * revocation_own.h: decoded lists, for chain.c.
 */
#ifndef BERTH_CRYPTO_REVOCATION_OWN_H
#define BERTH_CRYPTO_REVOCATION_OWN_H

#include <openssl/x509.h>

#include "crypto/revocation.h"

/* NULL: there are none. */
STACK_OF(X509_CRL) * revocations_all(const struct revocations *);
bool revocations_strict(const struct revocations *, const X509_CRL *);
/* Lives as long as they do; NULL: it is none of them. */
const char *revocations_name(const struct revocations *, const X509_CRL *);

#endif
