/*
 * utf8.h: which bytes are text (RFC 3629).
 *
 * Strict: no character in more bytes than it needs, no halves of surrogate pairs, nothing
 * beyond U+10FFFF. U+0000 is a character like any other.
 */
#ifndef BERTH_BASE_UTF8_H
#define BERTH_BASE_UTF8_H

#include "base/slice.h"

/* How many bytes the character at the start has; 0: there is none, or it is no UTF-8. */
size_t utf8_length(struct slice s);

/* Whether all of it is characters. Nothing is, too. */
bool utf8_good(struct slice s);

#endif
