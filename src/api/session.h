/*
 * session.h: operators who are signed in (docs/decisions/0008-portal-sessions.md).
 *
 * The browser keeps 32 random bytes in a cookie; the store keeps their SHA-256 alone. What proves that a change was asked for by one
 * of our pages follows from the same bytes, and from nothing else.
 */
#ifndef BERTH_API_SESSION_H
#define BERTH_API_SESSION_H

#include "api/api_call.h"

#define SESSION_COOKIE     "__Host-berth"
#define SESSION_KEY_BYTES  32
#define SESSION_HEX        (2 * SESSION_KEY_BYTES + 1)
#define SESSION_IDLE       (12 * 3600 * INSTANT_SECOND)
#define SESSION_LIFE       (7 * 86400 * INSTANT_SECOND)
#define SESSION_NOTE_AFTER (300 * INSTANT_SECOND) /* use is noted no more often than this */
#define SESSIONS_MAX       20                     /* of an operator; the one that was used least lately makes room */

/* --- what the browser keeps --- */

struct session_key {
	char secret[SESSION_HEX]; /* the cookie's value */
	char id[SESSION_HEX];     /* by which the store knows it */
	char csrf[SESSION_HEX];   /* X-Berth-CSRF */
};

void session_key_make(struct session_key *);

/* False: the request has no such cookie, or one that is none of ours. */
bool session_key_of(const struct http_head *, struct session_key *);

/* Whether a session that was begun and used then has ended by `now`. */
bool session_is_over(const struct session_record *, instant now);

/* --- letting in: used by access.c --- */

/* The session of the request's cookie, as something to read. False: there is no such cookie. */
bool session_wanted(struct api_call *, struct store_want *);

/* Judge what was read: the session lives, a change was asked for by our own page, the role may. True: call->session is set. Else the
 * call has been refused. */
bool session_accepted(struct api_call *, const struct store_want *);

/* Run the handler, having noted that the session is in use. */
void session_go_on(struct api_call *);

/* Whether the browser, if it tells, says that a page of ours asks. Else the call has been refused. */
bool session_origin_accepted(struct api_call *);

/* --- handlers --- */
void session_sign_in(struct api_call *);
void session_show(struct api_call *);
void session_sign_out(struct api_call *);
void session_password(struct api_call *);
void operator_list(struct api_call *);
void operator_put(struct api_call *);
void operator_delete(struct api_call *);

#endif
