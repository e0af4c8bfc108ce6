/*
 * passwords.h: passwords judged and hashed on threads of their own, and tried no more often than a person mistypes.
 *
 * One for all loops. Trying is counted by operator and by address before a password is judged, so that many at once are no way
 * around it; what turned out right is taken off again.
 */
#ifndef BERTH_API_PASSWORDS_H
#define BERTH_API_PASSWORDS_H

#include "io/loop.h"

#define WRONG_PER_MINUTE   5
#define PASSWORD_BYTES_MAX 512 /* 128 characters, at their longest; nobody's password is longer */

struct passwords;
struct password_ask;

/* ERR_NO_MEMORY, ERR_IO. */
MUST_USE enum err passwords_new(struct passwords **);

/* Before the loops are freed, after all asks were cancelled. */
void passwords_free(struct passwords **);

/* Somebody at `peer` ("192.0.2.7:51234") tries a password of `name`. 0: judge it. Else it is one too many, and may be tried again in so
 * many milliseconds. */
int passwords_try(struct passwords *, struct slice name, const char *peer, int64_t now_ms);

/* ... and it was right. */
void passwords_was_right(struct passwords *, struct slice name, const char *peer);

/* OK: it is the right one, or here is the hash, which lives only while done() runs. ERR_UNAUTHORIZED: it is wrong. ERR_NO_MEMORY. */
typedef void password_done(void *cookie, enum err e, struct slice hash);

/* Judge a password against a hash; an absent hash is nobody's, and takes as long. The password is copied. ERR_THROTTLED: too many
 * wait; ERR_NO_MEMORY. done() stays silent then. */
MUST_USE enum err password_judge(struct passwords *, struct loop *, struct slice password, struct slice hash, password_done *, void *cookie,
				 struct password_ask **);

/* Make the hash that is kept of a new password. As above, and ERR_TOO_BIG. */
MUST_USE enum err password_keep(struct passwords *, struct loop *, struct slice password, password_done *, void *cookie,
				struct password_ask **);

/* done() stays silent. Sets *ask to NULL; NULL is welcome. */
void password_cancel(struct password_ask **);

#endif
