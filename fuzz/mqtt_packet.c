/*
 * mqtt_packet.c: any bytes as a stream of MQTT packets.
 *
 * A packet that is read lies within the input, was waited for until its last byte, and is the same when it is written
 * and read again. What is refused says why, and is not written either.
 */
#include "codec/mqtt.h"
#include "fuzz.h"

#define NO_LIMIT MQTT_LENGTH_MAX

static void lies_within(struct slice part, struct slice whole)
{
	need(slice_absent(part) || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n));
}

static void parts_lie_within(const struct mqtt_packet *p, struct slice whole)
{
	const struct mqtt_connect *m = &p->connect;

	switch (p->type) {
	case MQTT_CONNECT:
		lies_within(m->client_id, whole);
		lies_within(m->will_topic, whole);
		lies_within(m->will_message, whole);
		lies_within(m->user, whole);
		lies_within(m->password, whole);
		break;
	case MQTT_PUBLISH:
		lies_within(p->publish.topic, whole);
		lies_within(p->publish.payload, whole);
		break;
	case MQTT_SUBSCRIBE:
	case MQTT_UNSUBSCRIBE: lies_within(p->filters.list, whole); break;
	case MQTT_SUBACK: lies_within(p->suback.codes, whole); break;
	default: break;
	}
}

/* From every beginning of it, one would have waited; and one byte less of room would have been too little. */
static void was_waited_for(struct slice whole)
{
	struct mqtt_packet p;
	const char *why;
	size_t size;

	for (size_t n = 0; n < whole.n; n++) {
		need(mqtt_read(slice_to(whole, n), NO_LIMIT, &p, &size, &why) == ERR_AGAIN);
		need(size == 0 || size == whole.n);
	}
}

/* What follows the fixed header. */
static struct slice body_of(struct slice whole)
{
	size_t head = 1;

	while (whole.p[head++] & 0x80)
		;
	return slice_from(whole, head);
}

static void keeps_to_the_limit(struct slice whole)
{
	size_t length = body_of(whole).n, size;
	struct mqtt_packet p;
	const char *why;

	need(mqtt_read(whole, length, &p, &size, &why) == OK);
	if (length == 0)
		return;
	need(mqtt_read(whole, length - 1, &p, &size, &why) == ERR_TOO_BIG);
	need(size == whole.n && why != NULL);
}

/* The fixed header may have been longer than it needs to be; everything else is the same, byte by byte. */
static void comes_back(const struct mqtt_packet *p, struct slice whole)
{
	struct mqtt_packet again;
	const char *why;
	struct buf b;
	size_t size;

	buf_init(&b, whole.n);
	mqtt_write(&b, p);
	need(!buf_failed(&b));
	need(b.p[0] == whole.p[0]);
	need(slice_eq(body_of(buf_slice(&b)), body_of(whole)));
	need(mqtt_read(buf_slice(&b), NO_LIMIT, &again, &size, &why) == OK);
	need(size == b.n && again.type == p->type);
	buf_fini(&b);
}

static void filters_come_back(const struct mqtt_packet *p, struct slice topic)
{
	struct slice rest = p->filters.list;
	struct mqtt_filter f;
	struct buf list;

	buf_init(&list, rest.n);
	while (mqtt_next_filter(p->type, &rest, &f)) {
		bool matches = mqtt_filter_matches(f.text, topic);

		need(mqtt_filter_good(f.text) && f.qos <= MQTT_QOS_MAX);
		need(!mqtt_topic_good(f.text) || matches == slice_eq(f.text, topic));
		mqtt_add_filter(p->type, &list, f);
	}
	need(rest.n == 0 && !buf_failed(&list));
	need(slice_eq(buf_slice(&list), p->filters.list));
	buf_fini(&list);
}

static void is_refused(enum err e, const struct mqtt_packet *p, const char *why)
{
	struct buf b;

	need(e == ERR_MALFORMED || (p->type == MQTT_CONNECT && (e == ERR_INVALID || e == ERR_UNSUPPORTED)));
	need(why != NULL);
	buf_init(&b, 1 << 20);
	if (e == ERR_INVALID) {
		mqtt_write(&b, p);
		need(buf_failed(&b) && b.n == 0);
	} else if (e == ERR_UNSUPPORTED) {
		mqtt_write_unsupported(&b, p->connect.level);
		need(!buf_failed(&b) && b.n >= 4);
	}
	buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice rest = slice_over(data, n), topic = SLICE("t");
	struct mqtt_packet p;
	const char *why;
	size_t size;
	enum err e;

	while ((e = mqtt_read(rest, NO_LIMIT, &p, &size, &why)) == OK) {
		struct slice whole = slice_to(rest, size);

		need(size >= 2 && size <= rest.n && why == NULL);
		parts_lie_within(&p, whole);
		was_waited_for(whole);
		keeps_to_the_limit(whole);
		comes_back(&p, whole);
		if (p.type == MQTT_PUBLISH)
			topic = p.publish.topic;
		if (p.type == MQTT_SUBSCRIBE || p.type == MQTT_UNSUBSCRIBE)
			filters_come_back(&p, topic);
		rest = slice_from(rest, size);
	}
	if (e == ERR_AGAIN)
		need(why == NULL && (size == 0 || size > rest.n));
	else
		is_refused(e, &p, why);
	return 0;
}
