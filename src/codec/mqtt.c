#include "base/cursor.h"
#include "codec/mqtt.h"

static enum err refuse(enum err e, const char *sentence, const char **why)
{
	*why = sentence;
	return e;
}

/* --- pieces that packets are written from --- */

static void put_u16(struct buf *to, size_t n)
{
	buf_add_char(to, (char)(n >> 8));
	buf_add_char(to, (char)n);
}

static void put_text(struct buf *to, struct slice s)
{
	put_u16(to, s.n);
	buf_add(to, s);
}

static size_t text_size(struct slice s)
{
	return 2 + s.n;
}

/* Section 2.2.2: what the flags of the fixed header are [MQTT-3.6.1-1] [MQTT-3.8.1-1] [MQTT-3.10.1-1]; those of PUBLISH vary. */
static unsigned flags_of(enum mqtt_type type)
{
	return type == MQTT_PUBREL || type == MQTT_SUBSCRIBE || type == MQTT_UNSUBSCRIBE ? 2 : 0;
}

/* Section 2.2. Takes the room for the whole packet, so that it is written whole or not at all. */
static void put_header(struct buf *to, enum mqtt_type type, unsigned flags, size_t length)
{
	char head[5] = {(char)((unsigned)type << 4 | flags)};
	size_t n = 1, rest = length;

	if (length > MQTT_LENGTH_MAX) {
		to->failed = true;
		return;
	}
	for (; rest > 0x7f; rest >>= 7) /* seven bits a byte, the lowest first */
		head[n++] = (char)(0x80 | (rest & 0x7f));
	head[n++] = (char)rest;
	if (buf_room(to, n + length) != NULL)
		buf_add(to, slice_over(head, n));
}

/* --- CONNECT, section 3.1 --- */

enum { RESERVED = 0x01, CLEAN_SESSION = 0x02, WILL = 0x04, WILL_QOS_SHIFT = 3, WILL_RETAIN = 0x20, PASSWORD = 0x40, USER = 0x80 };

static enum err check_protocol(struct slice name, uint8_t level, const char **why)
{
	bool ours = slice_eq(name, SLICE("MQTT"));

	if (!ours && !slice_eq(name, SLICE("MQIsdp"))) /* [MQTT-3.1.2-1] */
		return refuse(ERR_MALFORMED, "The protocol is not MQTT.", why);
	if (!ours || level != MQTT_LEVEL) /* [MQTT-3.1.2-2] */
		return refuse(ERR_UNSUPPORTED, "The only MQTT spoken here is 3.1.1, protocol level 4.", why);
	return OK;
}

static enum err read_connect(struct cursor *c, struct mqtt_packet *out, const char **why)
{
	struct mqtt_connect *m = &out->connect;
	struct slice protocol = cur_str16(c);
	uint8_t flags;
	enum err e;

	m->level = cur_u8(c);
	if ((e = check_protocol(protocol, m->level, why)) != OK)
		return e;
	flags = cur_u8(c);
	m->clean_session = flags & CLEAN_SESSION;
	m->will_qos = flags >> WILL_QOS_SHIFT & 3;
	m->will_retain = flags & WILL_RETAIN;
	m->keep_alive = cur_u16(c);
	m->client_id = cur_str16(c); /* [MQTT-3.1.3-1] and in this order */
	if (flags & WILL) {
		m->will_topic = cur_str16(c);
		m->will_message = cur_str16(c);
	}
	if (flags & USER)
		m->user = cur_str16(c);
	if (flags & PASSWORD)
		m->password = cur_str16(c);
	return flags & RESERVED ? refuse(ERR_MALFORMED, "The reserved flag of CONNECT is set.", why) : OK; /* [MQTT-3.1.2-3] */
}

static void write_connect(struct buf *to, const struct mqtt_packet *p)
{
	const struct mqtt_connect *m = &p->connect;
	const struct slice optional[] = {m->will_topic, m->will_message, m->user, m->password};
	const unsigned present[] = {WILL, WILL, USER, PASSWORD};
	size_t length = text_size(SLICE("MQTT")) + 4 + text_size(m->client_id);
	unsigned flags =
		(m->clean_session ? CLEAN_SESSION : 0) | (unsigned)m->will_qos << WILL_QOS_SHIFT | (m->will_retain ? WILL_RETAIN : 0);

	for (size_t i = 0; i < 4; i++)
		if (!slice_absent(optional[i])) {
			length += text_size(optional[i]);
			flags |= present[i];
		}
	put_header(to, MQTT_CONNECT, 0, length);
	put_text(to, SLICE("MQTT"));
	buf_add_char(to, MQTT_LEVEL);
	buf_add_char(to, (char)flags);
	put_u16(to, m->keep_alive);
	put_text(to, m->client_id);
	for (size_t i = 0; i < 4; i++)
		if (!slice_absent(optional[i]))
			put_text(to, optional[i]);
}

/* --- CONNACK, section 3.2 --- */

static enum err read_connack(struct cursor *c, struct mqtt_packet *out, const char **why)
{
	uint8_t flags = cur_u8(c);

	out->connack.session_present = flags;
	out->connack.code = cur_u8(c);
	return flags > 1 ? refuse(ERR_MALFORMED, "A reserved flag of CONNACK is set.", why) : OK;
}

static void write_connack(struct buf *to, const struct mqtt_packet *p)
{
	put_header(to, MQTT_CONNACK, 0, 2);
	buf_add_char(to, p->connack.session_present);
	buf_add_char(to, (char)p->connack.code);
}

void mqtt_write_unsupported(struct buf *to, uint8_t level)
{
	if (level == 5)
		buf_add(to, SLICE("\x20\x03\x00\x84\x00")); /* the last byte: no properties */
	else
		mqtt_write(to, &(struct mqtt_packet){.type = MQTT_CONNACK, .connack.code = MQTT_BAD_LEVEL});
}

/* --- PUBLISH, section 3.3 --- */

enum { RETAIN = 0x01, QOS_SHIFT = 1, DUP = 0x08 };

static enum err read_publish(struct cursor *c, struct mqtt_packet *out, const char **why)
{
	struct mqtt_publish *m = &out->publish; /* its flags are there already */

	(void)why;
	m->topic = cur_str16(c); /* [MQTT-3.3.2-1] */
	if (m->qos > 0)          /* [MQTT-2.3.1-5] */
		m->id = cur_u16(c);
	m->payload = cur_rest(c);
	return OK;
}

static void write_publish(struct buf *to, const struct mqtt_packet *p)
{
	const struct mqtt_publish *m = &p->publish;
	unsigned flags = (m->dup ? DUP : 0) | (unsigned)m->qos << QOS_SHIFT | (m->retain ? RETAIN : 0);

	put_header(to, MQTT_PUBLISH, flags, text_size(m->topic) + (m->qos > 0 ? 2 : 0) + m->payload.n);
	put_text(to, m->topic);
	if (m->qos > 0)
		put_u16(to, m->id);
	buf_add(to, m->payload);
}

/* --- what carries a packet id and nothing else, sections 3.4 to 3.7 and 3.11 --- */

static enum err read_id(struct cursor *c, struct mqtt_packet *out, const char **why)
{
	(void)why;
	out->id = cur_u16(c);
	return OK;
}

static void write_id(struct buf *to, const struct mqtt_packet *p)
{
	put_header(to, p->type, flags_of(p->type), 2);
	put_u16(to, p->id);
}

/* --- SUBSCRIBE and UNSUBSCRIBE, sections 3.8 and 3.10 --- */

bool mqtt_next_filter(enum mqtt_type type, struct slice *list, struct mqtt_filter *out)
{
	struct cursor c = cursor_over(*list);

	out->text = cur_str16(&c);
	out->qos = type == MQTT_SUBSCRIBE ? cur_u8(&c) : 0;
	if (c.bad)
		return false;
	*list = c.rest;
	return true;
}

void mqtt_add_filter(enum mqtt_type type, struct buf *list, struct mqtt_filter f)
{
	if (f.text.n > MQTT_TEXT_MAX)
		list->failed = true;
	put_text(list, f.text);
	if (type == MQTT_SUBSCRIBE)
		buf_add_char(list, (char)f.qos);
}

static enum err read_filters(struct cursor *c, struct mqtt_packet *out, const char **why)
{
	(void)why;
	out->filters.id = cur_u16(c);
	out->filters.list = cur_rest(c);
	return OK;
}

static void write_filters(struct buf *to, const struct mqtt_packet *p)
{
	put_header(to, p->type, flags_of(p->type), 2 + p->filters.list.n);
	put_u16(to, p->filters.id);
	buf_add(to, p->filters.list);
}

/* --- SUBACK, section 3.9 --- */

static enum err read_suback(struct cursor *c, struct mqtt_packet *out, const char **why)
{
	(void)why;
	out->suback.id = cur_u16(c);
	out->suback.codes = cur_rest(c);
	return OK;
}

static void write_suback(struct buf *to, const struct mqtt_packet *p)
{
	put_header(to, MQTT_SUBACK, 0, 2 + p->suback.codes.n);
	put_u16(to, p->suback.id);
	buf_add(to, p->suback.codes);
}

/* --- what carries nothing, sections 3.12 to 3.14 --- */

static enum err read_nothing(struct cursor *c, struct mqtt_packet *out, const char **why)
{
	(void)c, (void)out, (void)why;
	return OK;
}

static void write_nothing(struct buf *to, const struct mqtt_packet *p)
{
	put_header(to, p->type, 0, 0);
}

/* --- the types, section 2.2.1 --- */

#define VARIES -1

struct form {
	const char *name;
	int length; /* the remaining length, where it is always the same */
	enum err (*read)(struct cursor *, struct mqtt_packet *, const char **why);
	void (*write)(struct buf *, const struct mqtt_packet *);
};

/* NULL: 0 and 15 are reserved. */
static const struct form *form_of(enum mqtt_type type)
{
	static const struct form forms[] = {
		[MQTT_CONNECT] = {"CONNECT", VARIES, read_connect, write_connect},
		[MQTT_CONNACK] = {"CONNACK", 2, read_connack, write_connack},
		[MQTT_PUBLISH] = {"PUBLISH", VARIES, read_publish, write_publish},
		[MQTT_PUBACK] = {"PUBACK", 2, read_id, write_id},
		[MQTT_PUBREC] = {"PUBREC", 2, read_id, write_id},
		[MQTT_PUBREL] = {"PUBREL", 2, read_id, write_id},
		[MQTT_PUBCOMP] = {"PUBCOMP", 2, read_id, write_id},
		[MQTT_SUBSCRIBE] = {"SUBSCRIBE", VARIES, read_filters, write_filters},
		[MQTT_SUBACK] = {"SUBACK", VARIES, read_suback, write_suback},
		[MQTT_UNSUBSCRIBE] = {"UNSUBSCRIBE", VARIES, read_filters, write_filters},
		[MQTT_UNSUBACK] = {"UNSUBACK", 2, read_id, write_id},
		[MQTT_PINGREQ] = {"PINGREQ", 0, read_nothing, write_nothing},
		[MQTT_PINGRESP] = {"PINGRESP", 0, read_nothing, write_nothing},
		[MQTT_DISCONNECT] = {"DISCONNECT", 0, read_nothing, write_nothing},
	};

	return type >= MQTT_CONNECT && type <= MQTT_DISCONNECT ? &forms[type] : NULL;
}

const char *mqtt_type_name(enum mqtt_type type)
{
	const struct form *form = form_of(type);

	return form ? form->name : "?";
}

void mqtt_write(struct buf *to, const struct mqtt_packet *p)
{
	const char *why;

	if (mqtt_check(p, &why) == OK)
		form_of(p->type)->write(to, p);
	else
		to->failed = true;
}

/* --- the fixed header, section 2.2 --- */

static enum err read_flags(struct mqtt_packet *out, unsigned flags, const char **why)
{
	if (out->type == MQTT_PUBLISH) {
		out->publish.dup = flags & DUP;
		out->publish.qos = flags >> QOS_SHIFT & 3;
		out->publish.retain = flags & RETAIN;
	} else if (flags != flags_of(out->type)) { /* [MQTT-2.2.2-1] [MQTT-2.2.2-2] [MQTT-3.14.1-1] */
		return refuse(ERR_MALFORMED, "The flags are not those of the packet type.", why);
	}
	return OK;
}

/* ERR_AGAIN: it ends before the length does. */
static enum err read_length(struct cursor *c, size_t *length, const char **why)
{
	*length = 0;
	for (unsigned shift = 0; shift < 28; shift += 7) {
		uint8_t byte = cur_u8(c);

		if (c->bad)
			return ERR_AGAIN;
		*length |= (size_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return OK;
	}
	return refuse(ERR_MALFORMED, "The remaining length has more than four bytes.", why);
}

/* What is wrong is told from its first byte on. */
static enum err read_header(struct cursor *c, struct mqtt_packet *out, size_t *length, const char **why)
{
	uint8_t first = cur_u8(c);
	const struct form *form = form_of(first >> 4);
	enum err e;

	if (c->bad)
		return ERR_AGAIN;
	if (form == NULL)
		return refuse(ERR_MALFORMED, "The packet type is reserved.", why);
	out->type = first >> 4;
	if ((e = read_flags(out, first & 0x0f, why)) != OK || (e = read_length(c, length, why)) != OK)
		return e;
	if (form->length != VARIES && *length != (size_t)form->length)
		return refuse(ERR_MALFORMED, "The length is not that of the packet type.", why);
	return OK;
}

static enum err read_body(struct slice body, struct mqtt_packet *out, const char **why)
{
	struct cursor c = cursor_over(body);
	enum err e = form_of(out->type)->read(&c, out, why);

	if (c.bad) /* [MQTT-3.1.2-19] [MQTT-3.1.2-21] and wherever something is to be present */
		return refuse(ERR_MALFORMED, "The packet ends before its last field.", why);
	if (e != OK)
		return e;
	if (c.rest.n) /* [MQTT-3.1.2-18] [MQTT-3.1.2-20] */
		return refuse(ERR_MALFORMED, "Something follows the last field.", why);
	return mqtt_check(out, why);
}

enum err mqtt_read(struct slice in, size_t max, struct mqtt_packet *out, size_t *size, const char **why)
{
	struct cursor c = cursor_over(in);
	size_t length;
	enum err e;

	*out = (struct mqtt_packet){0};
	*size = 0;
	*why = NULL;
	if ((e = read_header(&c, out, &length, why)) != OK)
		return e;
	*size = in.n - c.rest.n + length;
	if (length > max)
		return refuse(ERR_TOO_BIG, "The packet is too long.", why);
	return c.rest.n < length ? ERR_AGAIN : read_body(slice_to(c.rest, length), out, why);
}
