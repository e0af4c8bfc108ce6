#include "codec/amqp_message.h"

/* [AMQP-3.2] In this order. */
enum section {
	SECTION_HEADER = 0x70,
	SECTION_PROPERTIES = 0x73,
	SECTION_APPLICATION_PROPERTIES = 0x74,
	SECTION_DATA = 0x75,
	SECTION_SEQUENCE = 0x76,
	SECTION_VALUE = 0x77,
	SECTION_FOOTER = 0x78,
};

static bool is_body(uint64_t section)
{
	return section >= SECTION_DATA && section <= SECTION_VALUE;
}

/* Each section once and in order, but data and sequences as often as they like; a body is of one kind. */
static bool may_follow(uint64_t before, uint64_t section)
{
	if (section == before)
		return section == SECTION_DATA || section == SECTION_SEQUENCE;
	return section > before && section <= SECTION_FOOTER && !(is_body(section) && is_body(before));
}

/* The correlation-id is the sixth property. [AMQP-3.2.11] to [AMQP-3.2.14] say of which types it may be. */
static enum err read_properties(struct slice fields, struct amqp_message *out)
{
	struct amqp_cursor c = amqp_over(fields);
	struct amqp_value id;

	amqp_skip(&c, 5);
	id = amqp_next(&c);
	if (c.bad || id.described)
		return ERR_MALFORMED;
	switch (id.kind) {
	case AMQP_NULL: return OK;
	case AMQP_UNSIGNED:
	case AMQP_UUID:
	case AMQP_BINARY:
	case AMQP_STRING: break;
	default: return ERR_MALFORMED;
	}
	if (id.raw.n > AMQP_CORRELATION_MAX)
		return ERR_TOO_BIG;
	out->correlation = id.raw;
	return OK;
}

/* Behind what is there of the body already. The body lies in `bytes`, before `piece`. */
static void join(char *bytes, struct slice piece, struct amqp_message *out)
{
	if (!out->has_data) {
		out->body = piece;
		out->has_data = true;
		return;
	}
	memmove(bytes + (out->body.p - bytes) + out->body.n, piece.p, piece.n);
	out->body.n += piece.n;
}

static enum err read_section(char *bytes, const struct amqp_value *v, struct amqp_message *out)
{
	switch (v->descriptor) {
	case SECTION_PROPERTIES: return v->kind == AMQP_LIST ? read_properties(v->bytes, out) : ERR_MALFORMED;
	case SECTION_APPLICATION_PROPERTIES:
		if (v->kind != AMQP_MAP)
			return ERR_MALFORMED;
		out->properties = v->bytes;
		return OK;
	case SECTION_DATA:
		if (v->kind != AMQP_BINARY)
			return ERR_MALFORMED;
		join(bytes, v->bytes, out);
		return OK;
	case SECTION_VALUE:
		if (v->kind == AMQP_STRING || v->kind == AMQP_BINARY)
			out->body = v->bytes;
		return OK;
	default: return OK;
	}
}

enum err amqp_message_read(char *bytes, size_t n, struct amqp_message *out)
{
	struct amqp_cursor c = amqp_over(slice_over(bytes, n));
	uint64_t before = SECTION_HEADER - 1;
	enum err e;

	*out = (struct amqp_message){0};
	while (c.rest.n > 0) {
		struct amqp_value v = amqp_next(&c);

		if (c.bad || !v.described || !may_follow(before, v.descriptor))
			return ERR_MALFORMED;
		if ((e = read_section(bytes, &v, out)) != OK)
			return e;
		before = v.descriptor;
	}
	return OK;
}

void amqp_put_retry_after(struct amqp_out *o, int seconds, bool symbols)
{
	static const char *const names[] = {"retry-after", "Retry-After"};

	amqp_open_map(o);
	for (size_t i = 0; seconds > 0 && i < sizeof(names) / sizeof(names[0]); i++) {
		if (symbols)
			amqp_put_symbol(o, names[i]);
		else
			amqp_put_string(o, slice_str(names[i]));
		amqp_put_int(o, seconds);
	}
	amqp_close_map(o);
}

void amqp_message_write(struct buf *to, const struct amqp_answer *answer)
{
	struct amqp_out o;

	amqp_out_init(&o, to);
	if (answer->correlation.n > 0) {
		amqp_describe(&o, SECTION_PROPERTIES);
		amqp_open_list(&o);
		for (int i = 0; i < 5; i++)
			amqp_put_null(&o);
		amqp_put_raw(&o, answer->correlation);
		amqp_close_list(&o);
	}
	amqp_describe(&o, SECTION_APPLICATION_PROPERTIES);
	amqp_put_retry_after(&o, answer->retry_after, false);
	amqp_describe(&o, SECTION_DATA);
	amqp_put_binary(&o, slice_absent(answer->body) ? SLICE("") : answer->body);
}
