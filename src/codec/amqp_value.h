/*
 * amqp_value.h: the types of AMQP 1.0, in and out (OASIS AMQP 1.0, part 1).
 *
 * Reading is by cursor: a performative is read like the list of its fields, and asked once, at the end, whether all of
 * them were what they should be. Nothing recurses, so nothing nests too deep. Writing goes straight into a buffer.
 */
#ifndef BERTH_CODEC_AMQP_VALUE_H
#define BERTH_CODEC_AMQP_VALUE_H

#include "base/buf.h"
#include "base/err.h"

enum amqp_kind {
	AMQP_NULL,
	AMQP_BOOL,
	AMQP_UNSIGNED, /* of any width */
	AMQP_SIGNED,
	AMQP_UUID,
	AMQP_BINARY,
	AMQP_STRING,
	AMQP_SYMBOL,
	AMQP_LIST,
	AMQP_MAP,
	AMQP_OTHER, /* arrays, reals, characters, times: only passed on */
};

struct amqp_value {
	enum amqp_kind kind;
	bool described;
	uint64_t descriptor; /* when described */
	uint64_t number;     /* BOOL, UNSIGNED; of SIGNED the two's complement */
	struct slice bytes;  /* UUID, BINARY, STRING, SYMBOL: itself; LIST, MAP: the values in it, one after the other */
	struct slice raw;    /* all of it, as it came */
};

struct amqp_cursor {
	struct slice rest;
	bool bad; /* a value broke the grammar, or was of another kind than asked for */
};

static inline struct amqp_cursor amqp_over(struct slice values)
{
	return (struct amqp_cursor){values, false};
}

/* The next value. At the end, and once the cursor is bad, it is null: fields at the end of a list may be left out
 * ([AMQP-1.4]). A descriptor that is not a number makes it bad. */
struct amqp_value amqp_next(struct amqp_cursor *c);

/* The next value, which must be of that kind or null; then it is absent, or `otherwise`. */
struct slice amqp_next_text(struct amqp_cursor *c); /* string or symbol */
struct slice amqp_next_binary(struct amqp_cursor *c);
uint32_t amqp_next_uint(struct amqp_cursor *c, uint32_t otherwise); /* too large a number is bad */
bool amqp_next_bool(struct amqp_cursor *c, bool otherwise);

/* Pass over values whose kind does not matter. */
void amqp_skip(struct amqp_cursor *c, unsigned count);

/* The value of a text key in what a map holds; null when it is not there. Of two the first counts. */
struct amqp_value amqp_map_find(struct slice map, const char *key);

/* --- writing --- */

#define AMQP_OUT_DEPTH 8

struct amqp_out {
	struct buf *to;
	int depth;
	struct {
		size_t at;
		uint32_t count;
	} open[AMQP_OUT_DEPTH];
};

/* What does not fit fails the buffer: ask it at the end. */
void amqp_out_init(struct amqp_out *o, struct buf *to);

/* Each takes the shortest form. Absent slices and NULL are written as null. */
void amqp_put_null(struct amqp_out *o);
void amqp_put_bool(struct amqp_out *o, bool value);
void amqp_put_ubyte(struct amqp_out *o, uint8_t value);
void amqp_put_ushort(struct amqp_out *o, uint16_t value);
void amqp_put_uint(struct amqp_out *o, uint32_t value);
void amqp_put_ulong(struct amqp_out *o, uint64_t value);
void amqp_put_int(struct amqp_out *o, int32_t value);
void amqp_put_binary(struct amqp_out *o, struct slice value);
void amqp_put_string(struct amqp_out *o, struct slice value);
void amqp_put_symbol(struct amqp_out *o, const char *value);

/* An array of symbols, each below 256 bytes. */
void amqp_put_symbols(struct amqp_out *o, const char *const *values, size_t count);

/* Values that came from a peer, or none. */
void amqp_put_raw(struct amqp_out *o, struct slice value);

/* The value that follows is described so. */
void amqp_describe(struct amqp_out *o, uint8_t descriptor);

void amqp_open_list(struct amqp_out *o);
void amqp_close_list(struct amqp_out *o);
void amqp_open_map(struct amqp_out *o);
void amqp_close_map(struct amqp_out *o);

#endif
