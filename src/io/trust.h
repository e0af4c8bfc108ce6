/*
 * trust.h: the certificates that our own HTTPS requests trust.
 *
 * Reading the system's bundle costs 45 ms, so each set is read once and shared by all loops.
 */
#ifndef BERTH_IO_TRUST_H
#define BERTH_IO_TRUST_H

#include <openssl/x509.h>

#include "base/err.h"

#define TRUST_FILES 2

/* The system's roots and those of these files (PEM; NULL: none). From any thread; as
 * long as anybody holds a set, the next asker gets the same. ERR_IO, ERR_MALFORMED. */
MUST_USE enum err trust_get(const char *const ca_files[TRUST_FILES], X509_STORE **out);

/* No longer held by the caller. Sets *store to NULL; NULL inside is welcome. */
void trust_drop(X509_STORE **store);

#endif
