/*
 * digest.h: hashes, MACs, random bytes, and comparing in constant time.
 */
#ifndef BERTH_CRYPTO_DIGEST_H
#define BERTH_CRYPTO_DIGEST_H

#include "base/arena.h"
#include "base/err.h"

#define SHA1_SIZE   20
#define SHA256_SIZE 32

/* FIPS 180-4. As with random_bytes there is no failure to handle. Safe from every thread. */
void sha1(struct slice data, unsigned char out[SHA1_SIZE]);
void sha256(struct slice data, unsigned char out[SHA256_SIZE]);

/* FIPS 198-1. An absent key is an empty one. */
void hmac_sha256(struct slice key, struct slice data, unsigned char out[SHA256_SIZE]);

/* Takes as long whatever the bytes are; the lengths may show. */
bool same_secret(struct slice a, struct slice b);

/* From the operating system's generator; there is no failure to handle: a machine
 * that cannot make random bytes ends the process. */
void random_bytes(void *out, size_t n);

/* A random UUID (RFC 9562 version 4), lower case, NUL-terminated. */
void random_uuid(char out[37]);

/* A new symmetric key: `n` random bytes in base64 (service-api.md 5.3: 64 bytes for
 * enrollments). Absent: the arena is full. */
struct slice random_key(struct arena *a, size_t n);

#endif
