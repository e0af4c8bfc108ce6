/*
 * password.h: the passwords of people, by argon2id (RFC 9106).
 *
 * Costly on purpose: tens of milliseconds and 64 MiB a call, so never on a loop. Safe from every thread.
 */
#ifndef BERTH_CRYPTO_PASSWORD_H
#define BERTH_CRYPTO_PASSWORD_H

#include "base/err.h"
#include "base/slice.h"

#define PASSWORD_HASH_SIZE 128 /* with its NUL */
#define PASSWORD_MADE_SIZE 24  /* with its NUL */

/* What is kept of a password: its hash under a salt of its own, with the parameters that made it, as text. ERR_NO_MEMORY. */
MUST_USE enum err password_hash(struct slice password, char out[PASSWORD_HASH_SIZE]);

/* Whether it is the password behind the hash. An absent hash is nobody's: false, after as much work as for a wrong password. */
bool password_is(struct slice password, struct slice hash);

/* A random one of 100 bits, in characters that nobody confuses: "kx4hm-2wqtb-..." */
void password_make(char out[PASSWORD_MADE_SIZE]);

#endif
