/*
 * first_operator.h: a server that nobody can sign in to yet gets an operator.
 */
#ifndef BERTH_DAEMON_FIRST_OPERATOR_H
#define BERTH_DAEMON_FIRST_OPERATOR_H

#include "crypto/password.h"
#include "store/store.h"

#define FIRST_OPERATOR "admin"

/* Make the administrator FIRST_OPERATOR with a random password, left in `password`, unless there are operators already: then that is
 * empty. Turns the loop until it is on disk: before anything else lives there. Errors as of the store. */
MUST_USE enum err first_operator(struct loop *, struct store *, char password[PASSWORD_MADE_SIZE]);

#endif
