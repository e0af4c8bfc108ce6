/*
 * talk_mqtt.c: MQTT 3.1.1 as devices speak it to a provisioning service (device-api.md 10).
 */
#include "codec/mqtt.h"
#include "give_up.h"
#include "talk.h"

#define ANSWERS     SLICE("$dps/registrations/res/#")
#define REGISTER    SLICE("$dps/registrations/PUT/iotdps-register/?$rid=1")
#define SUBSCRIBE   1 /* packet identifiers */
#define PUBLISH     2
#define API_VERSION "2019-03-31"

static bool say(struct talk *t, const struct mqtt_packet *p)
{
	mqtt_write(&t->out, p);
	return false;
}

static bool connect(struct talk *t)
{
	struct talk_words w = talk_words(t);

	say(t, &(struct mqtt_packet){.type = MQTT_CONNECT,
				     .connect = {.clean_session = true,
						 .client_id = w.device.id,
						 .user = arena_format(w.arena, "%.*s/api-version=" API_VERSION, SLICE_ARG(w.resource)),
						 .password = w.token}});
	talk_words_free(&w);
	return false;
}

static void subscribe(struct talk *t)
{
	struct buf list;

	buf_init(&list, ANSWERS.n + 3);
	mqtt_add_filter(MQTT_SUBSCRIBE, &list, (struct mqtt_filter){ANSWERS, 1});
	say(t, &(struct mqtt_packet){.type = MQTT_SUBSCRIBE, .filters = {SUBSCRIBE, buf_slice(&list)}});
	buf_fini(&list);
}

static bool ask_to_register(struct talk *t)
{
	struct talk_words w = talk_words(t);

	say(t, &(struct mqtt_packet){.type = MQTT_PUBLISH, .publish = {.qos = 1, .id = PUBLISH, .topic = REGISTER, .payload = w.body}});
	talk_words_free(&w);
	return false;
}

static bool begin(struct talk *t)
{
	switch (t->wish) {
	case TALK_LOGIN: return connect(t);
	case TALK_PING: return say(t, &(struct mqtt_packet){.type = MQTT_PINGREQ});
	case TALK_REGISTER: return ask_to_register(t);
	default: return !say(t, &(struct mqtt_packet){.type = MQTT_DISCONNECT});
	}
}

static enum talk_heard take_connack(struct talk *t, const struct mqtt_connack *p)
{
	if (p->code != MQTT_ACCEPTED)
		give_up("mqtt: device %u is turned away with %d", t->number, p->code);
	subscribe(t);
	return TALK_GOES_ON;
}

static enum talk_heard take_publish(struct talk *t, const struct mqtt_publish *p)
{
	if (p->qos > 0)
		say(t, &(struct mqtt_packet){.type = MQTT_PUBACK, .id = p->id});
	return talk_registered(t, p->payload);
}

/* What may come while a wish is being fulfilled. */
static enum talk_heard take(struct talk *t, const struct mqtt_packet *p)
{
	if (t->wish == TALK_LOGIN && p->type == MQTT_CONNACK)
		return take_connack(t, &p->connack);
	if (t->wish == TALK_LOGIN && p->type == MQTT_SUBACK && slice_eq(p->suback.codes, SLICE("\x01")))
		return TALK_DONE;
	if (t->wish == TALK_PING && p->type == MQTT_PINGRESP)
		return TALK_DONE;
	if (t->wish == TALK_REGISTER && p->type == MQTT_PUBACK && p->id == PUBLISH)
		return TALK_GOES_ON;
	if (t->wish == TALK_REGISTER && p->type == MQTT_PUBLISH)
		return take_publish(t, &p->publish);
	give_up("mqtt: device %u did not expect a %s", t->number, mqtt_type_name(p->type));
}

static enum talk_heard hear(struct talk *t)
{
	struct mqtt_packet p;
	const char *why;
	size_t size;
	enum talk_heard heard;

	switch (mqtt_read(buf_slice(&t->in), TALK_BUFFER_MAX, &p, &size, &why)) {
	case OK: break;
	case ERR_AGAIN: return TALK_WAITS;
	default: give_up("mqtt: %s", why);
	}
	heard = take(t, &p);
	buf_eat(&t->in, size);
	return heard;
}

const struct talk_kind talk_mqtt = {"mqtt", begin, hear};
