/*
 * err.h: what went wrong, in words that mean the same in every room.
 *
 * A function that can fail returns one of these. Each protocol owns the table
 * that turns the word into its own status numbers; the sentence for a human
 * travels beside it, in the request's arena.
 */
#ifndef BERTH_BASE_ERR_H
#define BERTH_BASE_ERR_H

#define ERRORS(E)                                                               \
	E(OK, "ok")                                                             \
	E(ERR_NO_MEMORY, "out of memory")                                       \
	E(ERR_MALFORMED, "malformed")             /* the bytes break the grammar */ \
	E(ERR_INVALID, "invalid argument")        /* the grammar holds, a rule does not */ \
	E(ERR_TOO_BIG, "too big")                 /* a named limit was met */   \
	E(ERR_UNAUTHORIZED, "unauthorized")       /* who are you? */            \
	E(ERR_FORBIDDEN, "forbidden")             /* we know, and you may not */ \
	E(ERR_NOT_FOUND, "not found")                                           \
	E(ERR_EXISTS, "already exists")                                         \
	E(ERR_PRECONDITION, "precondition failed") /* the etag has moved on */  \
	E(ERR_CONFLICT, "conflict")               /* somebody else is at it */  \
	E(ERR_THROTTLED, "throttled")             /* later, please */           \
	E(ERR_UNSUPPORTED, "not supported")                                     \
	E(ERR_AGAIN, "again")                     /* not an error: not finished */ \
	E(ERR_TIMEOUT, "timed out")                                             \
	E(ERR_UNREACHABLE, "unreachable")         /* no connection could be made */ \
	E(ERR_CLOSED, "closed")                   /* the peer has gone */       \
	E(ERR_CORRUPT, "corrupt")                 /* our own data does not read back */ \
	E(ERR_IO, "input or output failed")                                     \
	E(ERR_INTERNAL, "internal error")

enum err {
#define E(name, text) name,
	ERRORS(E)
#undef E
};

/* A result that the compiler will not let you drop. */
#define MUST_USE __attribute__((warn_unused_result))

/* The words of ERRORS above, for logs. Never NULL. */
const char *err_text(enum err);

#endif
