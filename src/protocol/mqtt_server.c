/*
 * mqtt_server.c: one connection, packet by packet.
 *
 * The phases: FRESH (the CONNECT is to come), ASKED (the service thinks about it), OPEN, ENDING (to be closed in a turn of its own, so that
 * nobody who calls in here finds the ground gone).
 */
#include <stdlib.h>

#include "base/log.h"
#include "protocol/mqtt_server.h"

#define WRITE_MAX (MQTT_PACKET_MAX + 5) /* a fixed header is 5 bytes at most */

enum phase { FRESH, ASKED, OPEN, ENDING };

struct connection {
	struct loop *loop;
	struct stream *stream;
	const struct protocol_env *env;
	const struct mqtt_service *service;
	void *session;
	enum phase phase;
	bool draining, clean; /* clean: an end in order, with a goodbye */
	struct deadline deadline;
	int64_t heard_ms, silence_ms; /* when the last packet came; how long it may be quiet */
	struct task turn;
	struct buf large; /* of a packet that the inbox does not hold */
	size_t large_size;
	uint16_t last_id;
	uint16_t unacked[MQTT_UNACKED];
	size_t unacked_count;
};

static void go_on(struct connection *c);

/* --- the end --- */

static void connection_free(struct connection *c, bool abort)
{
	const struct protocol_env *env = c->env;

	deadline_clear(&c->deadline);
	loop_unpost(c->loop, &c->turn);
	c->service->end(c->session);
	if (abort)
		stream_abort(&c->stream);
	else
		stream_close(&c->stream);
	buf_fini(&c->large);
	free(c->session);
	env->closed(env->cookie, c);
	free(c);
}

static void end_soon(struct connection *c, bool clean)
{
	if (c->phase == ENDING)
		return;
	c->phase = ENDING;
	c->clean = clean;
	if (!c->turn.queued)
		loop_post(c->loop, &c->turn);
}

static const char *protocol_name(const struct connection *c)
{
	return c->stream->websocket ? "mqtt-ws" : "mqtt";
}

void mqtt_fail(struct connection *c, const char *why)
{
	if (c->phase == ENDING)
		return;
	log_info(NULL, "connection-ended", "protocol", protocol_name(c), "peer", c->stream->peer_address, "reason", why, NULL);
	/* What was written before, a refusal perhaps, still goes out; that is all the goodbye there is [MQTT-4.8.0-1]. */
	end_soon(c, true);
}

static void on_broken(void *cookie, enum err why)
{
	struct connection *c = cookie;

	(void)why;
	connection_free(c, true);
}

static bool listens(const struct connection *c)
{
	return c->phase == FRESH || (c->phase == OPEN && !c->service->full(c->session));
}

/* [MQTT-3.1.2-24]: one and a half times the keep-alive without a packet. It is looked at when it would be over if nothing had
 * come since, so a busy connection costs no more than a quiet one. While we do not listen the silence is ours. */
static void look_at_clock(struct deadline *d)
{
	struct connection *c = LIST_ITEM(d, struct connection, deadline);
	int64_t left;

	if (!listens(c))
		c->heard_ms = loop_now_ms(c->loop);
	left = c->heard_ms + c->silence_ms - loop_now_ms(c->loop);
	if (left > 0)
		deadline_set(c->loop, d, left, look_at_clock);
	else
		mqtt_fail(c, c->phase == FRESH ? "no CONNECT within 10 seconds" : "no packet within one and a half times the keep-alive");
}

static void be_heard_within(struct connection *c, int64_t ms)
{
	c->heard_ms = loop_now_ms(c->loop);
	c->silence_ms = ms;
	deadline_set(c->loop, &c->deadline, ms, look_at_clock);
}

/* --- writing --- */

static void write_bytes(struct connection *c, struct buf *bytes)
{
	if (c->phase != ENDING && (buf_failed(bytes) || stream_write(c->stream, buf_slice(bytes)) != OK))
		mqtt_fail(c, "what was to be sent does not fit: the client does not read");
	buf_fini(bytes);
}

static void write_packet(struct connection *c, const struct mqtt_packet *p)
{
	struct buf bytes;

	buf_init(&bytes, WRITE_MAX);
	mqtt_write(&bytes, p);
	write_bytes(c, &bytes);
}

static void write_id(struct connection *c, enum mqtt_type type, uint16_t id)
{
	write_packet(c, &(struct mqtt_packet){.type = type, .id = id});
}

static bool is_unacked(const struct connection *c, uint16_t id)
{
	for (size_t i = 0; i < c->unacked_count; i++)
		if (c->unacked[i] == id)
			return true;
	return false;
}

/* [MQTT-2.3.1-4]: one that is not in use. There are more of them than can be in flight. */
static uint16_t next_id(struct connection *c)
{
	do {
		c->last_id = c->last_id == UINT16_MAX ? 1 : (uint16_t)(c->last_id + 1);
	} while (is_unacked(c, c->last_id));
	return c->last_id;
}

void mqtt_send(struct connection *c, uint8_t qos, struct slice topic, struct slice payload)
{
	struct mqtt_packet p = {.type = MQTT_PUBLISH, .publish = {.qos = qos, .topic = topic, .payload = payload}};

	if (c->phase != OPEN)
		return;
	if (qos > 0) {
		if (c->unacked_count == MQTT_UNACKED) {
			mqtt_fail(c, "the client acknowledges nothing that it is sent");
			return;
		}
		p.publish.id = next_id(c);
		c->unacked[c->unacked_count++] = p.publish.id;
	}
	write_packet(c, &p);
}

void mqtt_connack(struct connection *c, enum mqtt_code code)
{
	if (c->phase != ASKED)
		return;
	/* Never a session that was there before: device-api.md 10.1, [MQTT-3.2.2-1] to [MQTT-3.2.2-4]. */
	write_packet(c, &(struct mqtt_packet){.type = MQTT_CONNACK, .connack = {.code = code}});
	if (c->phase == ENDING)
		return;
	if (code != MQTT_ACCEPTED) {
		end_soon(c, true); /* [MQTT-3.2.2-5] */
		return;
	}
	c->phase = OPEN;
	mqtt_rested(c);
}

/* --- what may come --- */

static void take_connect(struct connection *c, const struct mqtt_connect *p)
{
	if (c->phase != FRESH) {
		mqtt_fail(c, "a second CONNECT"); /* [MQTT-3.1.0-2] */
		return;
	}
	c->phase = ASKED;
	be_heard_within(c, p->keep_alive ? p->keep_alive * (int64_t)1500 : MQTT_IDLE_MS);
	c->service->connect(c->session, p);
}

static void take_publish(struct connection *c, const struct mqtt_publish *p)
{
	const char *why;

	if (p->qos > 1) {
		mqtt_fail(c, "a message with QoS 2, which is not offered");
		return;
	}
	/* The acknowledgement first: device-api.md 10.4. */
	if (p->qos == 1)
		write_id(c, MQTT_PUBACK, p->id);
	if (c->phase == OPEN && (why = c->service->publish(c->session, p)) != NULL)
		mqtt_fail(c, why);
}

/* .NET acknowledges a message of QoS 0 with the identifier 0 (device-api.md 10.4): it is none of ours, like any other unknown one. */
static void take_puback(struct connection *c, uint16_t id)
{
	for (size_t i = 0; i < c->unacked_count; i++)
		if (c->unacked[i] == id) {
			c->unacked[i] = c->unacked[--c->unacked_count];
			return;
		}
}

#define FILTERS_MAX 64 /* in one packet */

static void take_subscribe(struct connection *c, struct mqtt_filters f)
{
	char codes[FILTERS_MAX];
	struct mqtt_filter filter;
	size_t n = 0;

	while (n < FILTERS_MAX && mqtt_next_filter(MQTT_SUBSCRIBE, &f.list, &filter))
		codes[n++] = (char)c->service->subscribe(c->session, &filter);
	if (f.list.n > 0)
		mqtt_fail(c, "more than 64 filters in one SUBSCRIBE");
	else
		write_packet(c, &(struct mqtt_packet){.type = MQTT_SUBACK, .suback = {f.id, slice_over(codes, n)}});
}

static void take_unsubscribe(struct connection *c, struct mqtt_filters f)
{
	struct mqtt_filter filter;

	while (mqtt_next_filter(MQTT_UNSUBSCRIBE, &f.list, &filter))
		c->service->unsubscribe(c->session, filter.text);
	write_id(c, MQTT_UNSUBACK, f.id); /* also when there was no such subscription [MQTT-3.10.4-5] */
}

static void take(struct connection *c, const struct mqtt_packet *p)
{
	c->heard_ms = loop_now_ms(c->loop);
	if (c->phase == FRESH && p->type != MQTT_CONNECT) {
		mqtt_fail(c, "the first packet is no CONNECT"); /* [MQTT-3.1.0-1] */
		return;
	}
	switch (p->type) {
	case MQTT_CONNECT: take_connect(c, &p->connect); break;
	case MQTT_PUBLISH: take_publish(c, &p->publish); break;
	case MQTT_PUBACK: take_puback(c, p->id); break;
	case MQTT_SUBSCRIBE: take_subscribe(c, p->filters); break;
	case MQTT_UNSUBSCRIBE: take_unsubscribe(c, p->filters); break;
	case MQTT_PINGREQ: write_packet(c, &(struct mqtt_packet){.type = MQTT_PINGRESP}); break;
	case MQTT_DISCONNECT:
		end_soon(c, true);
		break; /* [MQTT-3.14.4-3]; Java waits for the socket's end */
	/* Handshakes of QoS 2 that was never agreed on, and what only servers send [MQTT-4.8.0-1]. */
	default: mqtt_fail(c, "a packet that a client may not send here"); break;
	}
}

/* --- reading --- */

static void refuse_connect(struct connection *c, enum err e, const struct mqtt_packet *p, const char *why)
{
	struct buf bytes;

	buf_init(&bytes, WRITE_MAX);
	if (e == ERR_UNSUPPORTED)
		mqtt_write_unsupported(&bytes, p->connect.level);
	else
		mqtt_write(&bytes, &(struct mqtt_packet){.type = MQTT_CONNACK, .connack = {.code = MQTT_BAD_CLIENT_ID}});
	write_bytes(c, &bytes);
	mqtt_fail(c, why);
}

static void refuse(struct connection *c, enum err e, const struct mqtt_packet *p, const char *why)
{
	if (c->phase == FRESH && p->type == MQTT_CONNECT && (e == ERR_UNSUPPORTED || e == ERR_INVALID))
		refuse_connect(c, e, p, why);
	else
		mqtt_fail(c, why ? why : "a packet that does not read");
}

/* A packet that the inbox cannot hold is gathered; true: it is whole, in c->large. */
static bool gather(struct connection *c)
{
	struct slice in = slice_to(stream_inbox(c->stream), c->large_size - c->large.n);

	buf_add(&c->large, in);
	stream_eat(c->stream, in.n);
	if (buf_failed(&c->large))
		mqtt_fail(c, "no memory for a large packet");
	return c->phase != ENDING && c->large.n == c->large_size;
}

/* False: there is no whole packet. */
static bool take_next(struct connection *c)
{
	struct mqtt_packet p;
	struct slice in;
	const char *why = NULL;
	size_t size = 0;
	enum err e;

	if (c->large_size > 0 && !gather(c))
		return false;
	in = c->large_size > 0 ? buf_slice(&c->large) : stream_inbox(c->stream);
	if (in.n == 0)
		return false;
	e = mqtt_read(in, MQTT_PACKET_MAX, &p, &size, &why);
	if (e == ERR_AGAIN && size > STREAM_INBOX_MAX) {
		c->large_size = size;
		return true;
	}
	if (e == OK)
		take(c, &p);
	else if (e != ERR_AGAIN)
		refuse(c, e, &p, why);
	if (e != OK || c->phase == ENDING)
		return false;
	if (c->large_size > 0) {
		buf_release(&c->large);
		c->large_size = 0;
	} else {
		stream_eat(c->stream, size);
	}
	return true;
}

static void go_on(struct connection *c)
{
	while (listens(c) && take_next(c))
		;
	if (c->stream->ended && listens(c))
		end_soon(c, false); /* it has gone without a DISCONNECT */
}

static void on_bytes(void *cookie)
{
	go_on(cookie);
}

static void turn(struct task *task)
{
	struct connection *c = LIST_ITEM(task, struct connection, turn);

	go_on(c);
	/* Whoever is asked about yet, or has asked, hears the answer before we go. */
	if (c->draining && (c->phase == FRESH || (c->phase == OPEN && !c->service->busy(c->session))))
		end_soon(c, true);
	if (c->phase == ENDING)
		connection_free(c, !c->clean);
}

void mqtt_rested(struct connection *c)
{
	if (!c->turn.queued)
		loop_post(c->loop, &c->turn);
}

/* --- life --- */

static const struct stream_user user = {.on_bytes = on_bytes, .on_broken = on_broken};

struct connection *mqtt_server_open(struct loop *loop, struct stream **stream, const struct protocol_env *env,
				    const struct mqtt_service *service)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (c == NULL || (c->session = calloc(1, service->session_size)) == NULL) {
		free(c);
		stream_abort(stream);
		return NULL;
	}
	c->loop = loop;
	c->stream = *stream;
	c->env = env;
	c->service = service;
	c->turn.run = turn;
	buf_init(&c->large, WRITE_MAX);
	*stream = NULL;
	stream_use(c->stream, &user, c);
	be_heard_within(c, MQTT_CONNECT_MS);
	service->begin(c->session, c);
	mqtt_rested(c); /* the first bytes may have come together with the end of the handshake */
	return c;
}

void mqtt_server_drain(struct connection *c)
{
	c->draining = true;
	mqtt_rested(c);
}

void mqtt_server_abort(struct connection *c)
{
	connection_free(c, true);
}

struct stream *mqtt_stream(const struct connection *c)
{
	return c->stream;
}

void *mqtt_house(const struct connection *c)
{
	return c->env->house;
}

struct loop *mqtt_loop(const struct connection *c)
{
	return c->loop;
}

bool mqtt_draining(const struct connection *c)
{
	return c->draining;
}
