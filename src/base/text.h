/*
 * text.h: base64, hexadecimal and percent escapes.
 *
 * Pure. Results go to the arena given; the absent slice comes back when the input
 * breaks the grammar or the arena is full (arena_failed tells which).
 */
#ifndef BERTH_BASE_TEXT_H
#define BERTH_BASE_TEXT_H

#include "base/arena.h"
#include "base/err.h"

/* RFC 4648 section 4, padded. The absent slice gives an empty one. */
struct slice base64_encode(struct arena *a, struct slice bytes);

/* RFC 4648 section 4, strict: right padding, no line breaks, no stray bits. */
struct slice base64_decode(struct arena *a, struct slice text);

/* The same, but spaces and line breaks are skipped: for PEM bodies. */
struct slice base64_decode_lines(struct arena *a, struct slice text);

/* Two digits a byte. The absent slice gives an empty one. */
struct slice hex_lower(struct arena *a, struct slice bytes);
struct slice hex_upper(struct arena *a, struct slice bytes);

/* Two digits a byte, either case. */
struct slice hex_decode(struct arena *a, struct slice text);

/* RFC 3986 section 2.1: %XX in either case; '+' is a plus. A stray '%' is malformed. */
struct slice percent_decode(struct arena *a, struct slice text);

/* Everything but the unreserved set (letters, digits, - . _ ~) escaped, upper case. */
struct slice percent_encode(struct arena *a, struct slice text);

#endif
