#include <assert.h>

#include "codec/amqp_value.h"

/* --- reading --- */

static uint64_t big_endian(struct slice s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n = n << 8 | (unsigned char)s.p[i];
	return n;
}

static struct slice take(struct amqp_cursor *c, size_t n)
{
	struct slice s = slice_to(c->rest, n);

	if (n > c->rest.n) {
		c->bad = true;
		return SLICE("");
	}
	c->rest = slice_from(c->rest, n);
	return s;
}

static uint8_t take_byte(struct amqp_cursor *c)
{
	struct slice s = take(c, 1);

	return s.n ? (uint8_t)s.p[0] : 0;
}

/* [AMQP-1.2] The upper half of a constructor says how long the value is: 4 to 9 of fixed width, A and B bytes behind
 * their length, C and D compounds, E and F arrays. */
static struct slice take_body(struct amqp_cursor *c, uint8_t code)
{
	static const uint8_t fixed[] = {[0x4] = 0, [0x5] = 1, [0x6] = 2, [0x7] = 4, [0x8] = 8, [0x9] = 16};
	uint8_t width = code >> 4;

	if (width < 0x4) {
		c->bad = true;
		return SLICE("");
	}
	if (width < 0xA)
		return take(c, fixed[width]);
	return take(c, big_endian(take(c, width % 2 ? 4 : 1)));
}

/* What a compound holds, its count left out: how many there are is seen by reading them. */
static struct slice within(struct amqp_cursor *c, struct slice body, size_t count_width)
{
	if (body.n < count_width)
		c->bad = true;
	return slice_from(body, count_width);
}

static void read_body(struct amqp_cursor *c, uint8_t code, struct amqp_value *v)
{
	struct slice body = take_body(c, code);

	v->bytes = body;
	v->number = body.n <= 8 ? big_endian(body) : 0;
	switch (code) {
	case 0x40: v->kind = AMQP_NULL; break;
	case 0x41: v->kind = AMQP_BOOL, v->number = 1; break;
	case 0x42: v->kind = AMQP_BOOL, v->number = 0; break;
	case 0x56: v->kind = AMQP_BOOL, v->number = v->number != 0; break;
	case 0x43:
	case 0x44:
	case 0x50:
	case 0x52:
	case 0x53:
	case 0x60:
	case 0x70:
	case 0x80: v->kind = AMQP_UNSIGNED; break;
	case 0x51:
	case 0x54:
	case 0x55: v->kind = AMQP_SIGNED, v->number = (uint64_t)(int8_t)v->number; break;
	case 0x61: v->kind = AMQP_SIGNED, v->number = (uint64_t)(int16_t)v->number; break;
	case 0x71: v->kind = AMQP_SIGNED, v->number = (uint64_t)(int32_t)v->number; break;
	case 0x81: v->kind = AMQP_SIGNED; break;
	case 0x98: v->kind = AMQP_UUID; break;
	case 0xa0:
	case 0xb0: v->kind = AMQP_BINARY; break;
	case 0xa1:
	case 0xb1: v->kind = AMQP_STRING; break;
	case 0xa3:
	case 0xb3: v->kind = AMQP_SYMBOL; break;
	case 0x45: v->kind = AMQP_LIST; break;
	case 0xc0: v->kind = AMQP_LIST, v->bytes = within(c, body, 1); break;
	case 0xd0: v->kind = AMQP_LIST, v->bytes = within(c, body, 4); break;
	case 0xc1: v->kind = AMQP_MAP, v->bytes = within(c, body, 1); break;
	case 0xd1: v->kind = AMQP_MAP, v->bytes = within(c, body, 4); break;
	default: v->kind = AMQP_OTHER; break;
	}
}

struct amqp_value amqp_next(struct amqp_cursor *c)
{
	struct amqp_value v = {0};
	const char *start = c->rest.p;
	uint8_t code;

	if (c->bad || c->rest.n == 0)
		return v;
	if ((code = take_byte(c)) == 0) {
		struct amqp_value descriptor = {0};

		read_body(c, take_byte(c), &descriptor);
		c->bad |= descriptor.kind != AMQP_UNSIGNED;
		v.described = true;
		v.descriptor = descriptor.number;
		code = take_byte(c);
	}
	read_body(c, code, &v);
	if (c->bad)
		return (struct amqp_value){0};
	v.raw = slice_over(start, (size_t)(c->rest.p - start));
	return v;
}

/* A value of one of two kinds, or null. */
static struct amqp_value next_of(struct amqp_cursor *c, enum amqp_kind one, enum amqp_kind other)
{
	struct amqp_value v = amqp_next(c);

	if (v.kind != AMQP_NULL && v.kind != one && v.kind != other) {
		c->bad = true;
		v = (struct amqp_value){0};
	}
	return v;
}

struct slice amqp_next_text(struct amqp_cursor *c)
{
	struct amqp_value v = next_of(c, AMQP_STRING, AMQP_SYMBOL);

	return v.kind == AMQP_NULL ? NO_SLICE : v.bytes;
}

struct slice amqp_next_binary(struct amqp_cursor *c)
{
	struct amqp_value v = next_of(c, AMQP_BINARY, AMQP_BINARY);

	return v.kind == AMQP_NULL ? NO_SLICE : v.bytes;
}

uint32_t amqp_next_uint(struct amqp_cursor *c, uint32_t otherwise)
{
	struct amqp_value v = next_of(c, AMQP_UNSIGNED, AMQP_UNSIGNED);

	c->bad |= v.number > UINT32_MAX;
	return v.kind == AMQP_NULL ? otherwise : (uint32_t)v.number;
}

bool amqp_next_bool(struct amqp_cursor *c, bool otherwise)
{
	struct amqp_value v = next_of(c, AMQP_BOOL, AMQP_BOOL);

	return v.kind == AMQP_NULL ? otherwise : v.number != 0;
}

void amqp_skip(struct amqp_cursor *c, unsigned count)
{
	while (count-- > 0)
		(void)amqp_next(c);
}

struct amqp_value amqp_map_find(struct slice map, const char *key)
{
	struct amqp_cursor c = amqp_over(map);

	while (c.rest.n > 0 && !c.bad) {
		struct amqp_value name = amqp_next(&c), value = amqp_next(&c);

		if ((name.kind == AMQP_STRING || name.kind == AMQP_SYMBOL) && slice_eq(name.bytes, slice_str(key)))
			return value;
	}
	return (struct amqp_value){0};
}

/* --- writing --- */

void amqp_out_init(struct amqp_out *o, struct buf *to)
{
	*o = (struct amqp_out){.to = to};
}

static void put_number(struct amqp_out *o, uint64_t n, int width)
{
	while (width-- > 0)
		buf_add_char(o->to, (char)(n >> 8 * width));
}

/* A value begins here: it is one more in the list or map that is open. */
static void begin(struct amqp_out *o, uint8_t code)
{
	if (o->depth > 0)
		o->open[o->depth - 1].count++;
	buf_add_char(o->to, (char)code);
}

void amqp_put_null(struct amqp_out *o)
{
	begin(o, 0x40);
}

void amqp_put_bool(struct amqp_out *o, bool value)
{
	begin(o, value ? 0x41 : 0x42);
}

void amqp_put_ubyte(struct amqp_out *o, uint8_t value)
{
	begin(o, 0x50);
	put_number(o, value, 1);
}

void amqp_put_ushort(struct amqp_out *o, uint16_t value)
{
	begin(o, 0x60);
	put_number(o, value, 2);
}

void amqp_put_uint(struct amqp_out *o, uint32_t value)
{
	int width = value == 0 ? 0 : value < 256 ? 1 : 4;

	begin(o, width == 0 ? 0x43 : width == 1 ? 0x52 : 0x70);
	put_number(o, value, width);
}

void amqp_put_ulong(struct amqp_out *o, uint64_t value)
{
	int width = value == 0 ? 0 : value < 256 ? 1 : 8;

	begin(o, width == 0 ? 0x44 : width == 1 ? 0x53 : 0x80);
	put_number(o, value, width);
}

void amqp_put_int(struct amqp_out *o, int32_t value)
{
	bool small = value >= INT8_MIN && value <= INT8_MAX;

	begin(o, small ? 0x54 : 0x71);
	put_number(o, (uint64_t)(int64_t)value, small ? 1 : 4);
}

/* Bytes behind their length: one byte of it, or four. */
static void put_bytes(struct amqp_out *o, uint8_t short_code, uint8_t long_code, struct slice value)
{
	if (slice_absent(value)) {
		amqp_put_null(o);
		return;
	}
	begin(o, value.n < 256 ? short_code : long_code);
	put_number(o, value.n, value.n < 256 ? 1 : 4);
	buf_add(o->to, value);
}

void amqp_put_binary(struct amqp_out *o, struct slice value)
{
	put_bytes(o, 0xa0, 0xb0, value);
}

void amqp_put_string(struct amqp_out *o, struct slice value)
{
	put_bytes(o, 0xa1, 0xb1, value);
}

void amqp_put_symbol(struct amqp_out *o, const char *value)
{
	put_bytes(o, 0xa3, 0xb3, slice_str(value));
}

void amqp_put_symbols(struct amqp_out *o, const char *const *values, size_t count)
{
	size_t size = 2; /* the count and the constructor of all */

	for (size_t i = 0; i < count; i++)
		size += 1 + strlen(values[i]);
	assert(size < 256 && count < 256);
	begin(o, 0xe0);
	put_number(o, size, 1);
	put_number(o, count, 1);
	put_number(o, 0xa3, 1);
	for (size_t i = 0; i < count; i++) {
		put_number(o, strlen(values[i]), 1);
		buf_add_str(o->to, values[i]);
	}
}

void amqp_put_raw(struct amqp_out *o, struct slice value)
{
	if (value.n == 0) {
		amqp_put_null(o);
		return;
	}
	begin(o, (uint8_t)value.p[0]);
	buf_add(o->to, slice_from(value, 1));
}

void amqp_describe(struct amqp_out *o, uint8_t descriptor)
{
	buf_add_char(o->to, 0);
	buf_add_char(o->to, 0x53);
	buf_add_char(o->to, (char)descriptor);
}

/* The long form first; how much there will be is not known yet. */
static void open_compound(struct amqp_out *o, uint8_t long_code)
{
	assert(o->depth < AMQP_OUT_DEPTH);
	begin(o, long_code);
	put_number(o, 0, 8);
	o->open[o->depth].at = o->to->n;
	o->open[o->depth++].count = 0;
}

static void set_number(char *at, uint32_t n, int width)
{
	for (int i = 0; i < width; i++)
		at[i] = (char)(n >> 8 * (width - 1 - i));
}

static void close_compound(struct amqp_out *o, uint8_t short_code)
{
	size_t at = o->open[--o->depth].at, size = o->to->n - at;
	uint32_t count = o->open[o->depth].count;
	char *head;

	if (buf_failed(o->to))
		return;
	head = o->to->p + at - 8; /* behind the code */
	if (size >= 255 || count >= 256) {
		set_number(head, (uint32_t)size + 4, 4);
		set_number(head + 4, count, 4);
		return;
	}
	head[-1] = (char)short_code;
	set_number(head, (uint32_t)size + 1, 1);
	set_number(head + 1, count, 1);
	memmove(head + 2, head + 8, size);
	o->to->n -= 6;
}

void amqp_open_list(struct amqp_out *o)
{
	open_compound(o, 0xd0);
}

void amqp_close_list(struct amqp_out *o)
{
	close_compound(o, 0xc0);
}

void amqp_open_map(struct amqp_out *o)
{
	open_compound(o, 0xd1);
}

void amqp_close_map(struct amqp_out *o)
{
	close_compound(o, 0xc1);
}
