/*
 * cookie.h: the Cookie header of a request (RFC 6265 section 4.2).
 *
 * A host is shared with other programs, whatever their port, so cookies of any make may stand there. Those that were not asked
 * for are passed over; the one that was stands there once, or it is nobody's word.
 */
#ifndef BERTH_CODEC_COOKIE_H
#define BERTH_CODEC_COOKIE_H

#include "codec/http.h"

/* The value of the cookie of that name, case and quotes counting. Absent: there is none, or more than one. */
struct slice cookie_find(const struct http_head *, struct slice name);

#endif
