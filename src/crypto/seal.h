/*
 * seal.h: secrets at rest, AES-256-GCM under the data folder's master key.
 *
 * A sealed secret is bound to the place where it lies (`where`, for example
 * "enrollment/0ne00AB12CD/press-07/primary_key"): moved elsewhere it does not open.
 * Layout: version byte 1, 12 bytes of nonce, cipher text, 16 bytes of tag.
 */
#ifndef BERTH_CRYPTO_SEAL_H
#define BERTH_CRYPTO_SEAL_H

#include "base/arena.h"
#include "base/err.h"

struct seal;

/* Read the master key (32 bytes, base64 text with or without a line end) from `path`;
 * with `create` a missing file is made, mode 0600, synced. ERR_IO, ERR_MALFORMED (a
 * file that holds no key), ERR_INVALID (no plain file, or open to others), ERR_TOO_BIG (the
 * path), ERR_NO_MEMORY, each with a sentence in `why`. Safe from every thread after this. */
MUST_USE enum err seal_open_file(const char *path, bool create, struct seal **out, const char **why);

/* From 32 bytes at hand: for tests. ERR_NO_MEMORY. */
MUST_USE enum err seal_from_key(const unsigned char key[32], struct seal **out);

/* Wipes the key; sets *s to NULL. NULL inside is welcome. */
void seal_free(struct seal **s);

/* Absent when the arena is full, or the secret longer than a megabyte. */
struct slice seal_close(const struct seal *s, struct arena *a, struct slice where, struct slice secret);

/* The secret, in the arena with a NUL behind it. ERR_CORRUPT: not ours, altered, or from
 * another place or master key. ERR_TOO_BIG: the arena is full. */
MUST_USE enum err seal_reveal(const struct seal *s, struct arena *a, struct slice where, struct slice sealed, struct slice *out);

/* A secret of its own for one use: the same for the same `use` and master key, and of no help in finding either. */
void seal_derive(const struct seal *s, struct slice use, unsigned char out[32]);

#endif
