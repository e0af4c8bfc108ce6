/*
 * channel_mqtt.c: a device that asks over MQTT 3.1.1 (device-api.md 10, 11).
 */
#include <stdlib.h>

#include "base/text.h"
#include "codec/http.h"
#include "codec/mqtt.h"
#include "cli/channel_stream.h"

#define ANSWERS     "$dps/registrations/res/"
#define SCRATCH_MAX 16384
#define PACKET_MAX  (CHANNEL_ANSWER_MAX + SCRATCH_MAX)

struct mqtt_channel {
	struct stream_channel s;
	uint16_t packet_id; /* the last one that we used */
	unsigned request;   /* the last $rid */
};

/* --- out --- */

static enum err put(struct stream_channel *c, const struct mqtt_packet *packet)
{
	struct buf bytes;
	enum err e = ERR_TOO_BIG;

	buf_init(&bytes, PACKET_MAX);
	mqtt_write(&bytes, packet);
	if (!buf_failed(&bytes))
		e = stream_write(c->stream, buf_slice(&bytes));
	buf_fini(&bytes);
	return e;
}

static void say(struct stream_channel *c, const struct mqtt_packet *packet)
{
	enum err e = put(c, packet);

	if (e != OK)
		stream_channel_fail(c, e, "the server cannot be told: %s", err_text(e));
}

static uint16_t next_id(struct stream_channel *c)
{
	struct mqtt_channel *m = (struct mqtt_channel *)c;

	if (++m->packet_id == 0)
		m->packet_id = 1; /* [MQTT-2.3.1-1] */
	return m->packet_id;
}

static void greet(struct stream_channel *c)
{
	struct arena *a = arena_new(SCRATCH_MAX);
	struct mqtt_packet connect = {.type = MQTT_CONNECT};

	if (a == NULL) {
		stream_channel_fail(c, ERR_NO_MEMORY, "out of memory");
		return;
	}
	connect.connect = (struct mqtt_connect){
		.clean_session = true,
		.client_id = slice_str(c->device->id),
		.user = arena_format(a, "%s/registrations/%s/api-version=" DEVICE_API_VERSION "&ClientVersion=%.*s", c->conf->scope,
				     c->device->id, SLICE_ARG(percent_encode(a, SLICE(DEVICE_CLIENT)))),
		.password = slice_str(c->device->token),
	};
	say(c, &connect);
	arena_free(&a);
}

static void subscribe(struct stream_channel *c)
{
	struct mqtt_packet packet = {.type = MQTT_SUBSCRIBE, .filters.id = next_id(c)};
	struct buf list;

	buf_init(&list, 64);
	mqtt_add_filter(MQTT_SUBSCRIBE, &list, (struct mqtt_filter){.text = SLICE(ANSWERS "#"), .qos = 1});
	packet.filters.list = buf_slice(&list);
	say(c, &packet);
	buf_fini(&list);
}

static void ask(struct stream_channel *c)
{
	struct mqtt_channel *m = (struct mqtt_channel *)c;
	const char *operation = c->question.operation;
	struct mqtt_packet packet = {.type = MQTT_PUBLISH, .publish = {.qos = 1, .id = next_id(c), .payload = c->question.body}};
	struct arena *a = arena_new(SCRATCH_MAX);

	if (a == NULL) {
		stream_channel_fail(c, ERR_NO_MEMORY, "out of memory");
		return;
	}
	m->request++;
	if (operation) {
		packet.publish.payload = SLICE("");
		packet.publish.topic =
			arena_format(a, "$dps/registrations/GET/iotdps-get-operationstatus/?$rid=%u&operationId=%s", m->request, operation);
	} else {
		packet.publish.topic = arena_format(a, "$dps/registrations/PUT/iotdps-register/?$rid=%u", m->request);
	}
	say(c, &packet);
	arena_free(&a);
}

static void leave(struct stream_channel *c)
{
	(void)!put(c, &(struct mqtt_packet){.type = MQTT_DISCONNECT}); /* as far as it still can be said */
}

static void forget(struct stream_channel *c)
{
	(void)c; /* what counts on goes on counting */
}

/* --- in --- */

static void hear_connack(struct stream_channel *c, const struct mqtt_connack *connack)
{
	switch (connack->code) {
	case MQTT_ACCEPTED: subscribe(c); break;
	case MQTT_BAD_USER:
	case MQTT_NOT_AUTHORIZED:
		stream_channel_fail(c, ERR_UNAUTHORIZED, "the service does not let the device in (MQTT code %d)", connack->code);
		break;
	case MQTT_UNAVAILABLE: /* [MQTT-3.2.2-5] it closes */
		stream_channel_disconnect(c);
		stream_channel_tell(c, &(struct channel_answer){.status = 503, .retry_after = -1});
		break;
	default: stream_channel_fail(c, ERR_UNSUPPORTED, "the server refuses the connection (MQTT code %d)", connack->code);
	}
}

static void hear_suback(struct stream_channel *c, const struct mqtt_suback *suback)
{
	if (suback->codes.n == 1 && (uint8_t)suback->codes.p[0] <= MQTT_QOS_MAX)
		stream_channel_ready(c);
	else
		stream_channel_fail(c, ERR_UNSUPPORTED, "the server does not let the device hear its answers");
}

/* "$dps/registrations/res/202/?$rid=1&retry-after=3". False: not an answer, or not to this question. */
static bool read_topic(const struct mqtt_channel *m, struct slice topic, struct channel_answer *out)
{
	struct slice status, name, value;
	uint64_t number;
	bool ours = false;

	if (!slice_starts(topic, SLICE(ANSWERS)))
		return false;
	topic = slice_from(topic, sizeof(ANSWERS) - 1);
	if (!slice_next(&topic, '/', &status) || !slice_to_u64(status, &number) || number > 999 || !slice_starts(topic, SLICE("?")))
		return false;
	out->status = (int)number;
	topic = slice_from(topic, 1);
	while (http_next_pair(&topic, &name, &value)) {
		if (slice_eq(name, SLICE("$rid")))
			ours = slice_to_u64(value, &number) && number == m->request;
		else if (slice_eq(name, SLICE("retry-after")) && slice_to_u64(value, &number) && number <= INT32_MAX)
			out->retry_after = (int)number;
	}
	return ours;
}

static void hear_publish(struct stream_channel *c, const struct mqtt_publish *publish)
{
	struct channel_answer answer = {.retry_after = -1, .body = publish->payload};

	if (publish->qos > 0)
		(void)!put(c, &(struct mqtt_packet){.type = MQTT_PUBACK, .id = publish->id}); /* who has closed may have answered */
	if (read_topic((struct mqtt_channel *)c, publish->topic, &answer))
		stream_channel_tell(c, &answer);
}

static void take(struct stream_channel *c, const struct mqtt_packet *packet)
{
	switch (packet->type) {
	case MQTT_CONNACK: hear_connack(c, &packet->connack); break;
	case MQTT_SUBACK: hear_suback(c, &packet->suback); break;
	case MQTT_PUBLISH: hear_publish(c, &packet->publish); break;
	default: break; /* acknowledgements, which the answer makes needless */
	}
}

static void hear(struct stream_channel *c)
{
	struct mqtt_packet packet;
	const char *why;
	size_t size;
	enum err e = ERR_AGAIN;

	while (c->stream && (e = mqtt_read(buf_slice(&c->in), PACKET_MAX, &packet, &size, &why)) == OK) {
		take(c, &packet);
		if (c->stream)
			buf_eat(&c->in, size);
	}
	if (c->stream && e != ERR_AGAIN)
		stream_channel_fail(c, ERR_MALFORMED, "what the server says is not MQTT: %s", why);
}

/* --- the two kinds --- */

static const struct speech mqtt = {
	.size = sizeof(struct mqtt_channel), .greet = greet, .hear = hear, .ask = ask, .leave = leave, .forget = forget};

static struct channel *open_bare(const struct channel_conf *conf, const struct channel_device *device)
{
	return stream_channel_open(&channel_mqtt, &mqtt, conf, device, conf->mqtts_port, NULL);
}

static struct channel *open_websocket(const struct channel_conf *conf, const struct channel_device *device)
{
	return stream_channel_open(&channel_mqtt_ws, &mqtt, conf, device, conf->https_port, "mqtt");
}

const struct channel_kind channel_mqtt = {.name = "mqtt", .open = open_bare, .ask = stream_channel_ask, .close = stream_channel_close};
const struct channel_kind channel_mqtt_ws = {
	.name = "mqtt-ws", .open = open_websocket, .ask = stream_channel_ask, .close = stream_channel_close};
