#include "base/utf8.h"
#include "codec/mqtt.h"

/* --- texts and topics, sections 1.5.3 and 4.7 --- */

bool mqtt_text_good(struct slice text)
{
	return text.n <= MQTT_TEXT_MAX && slice_find(text, '\0') < 0 && utf8_good(text);
}

bool mqtt_topic_good(struct slice topic)
{
	return topic.n > 0 && slice_find(topic, '+') < 0 && slice_find(topic, '#') < 0 && mqtt_text_good(topic);
}

bool mqtt_filter_good(struct slice filter)
{
	struct slice rest = filter, level;

	if (filter.n == 0 || !mqtt_text_good(filter))
		return false;
	while (slice_next(&rest, '/', &level)) {
		bool single = slice_find(level, '+') >= 0, multi = slice_find(level, '#') >= 0;

		if ((single || multi) && level.n > 1) /* [MQTT-4.7.1-2] [MQTT-4.7.1-3] a level of its own */
			return false;
		if (multi && !slice_absent(rest)) /* [MQTT-4.7.1-2] the last one */
			return false;
	}
	return true;
}

static bool is_wildcard(struct slice filter)
{
	return filter.n > 0 && (filter.p[0] == '+' || filter.p[0] == '#');
}

bool mqtt_filter_matches(struct slice filter, struct slice topic)
{
	struct slice wanted, level;

	if (is_wildcard(filter) && slice_starts(topic, SLICE("$"))) /* [MQTT-4.7.2-1] */
		return false;
	while (slice_next(&filter, '/', &wanted)) {
		if (slice_eq(wanted, SLICE("#"))) /* the level above it, too: "a/#" covers "a" */
			return true;
		if (!slice_next(&topic, '/', &level))
			return false;
		if (!slice_eq(wanted, SLICE("+")) && !slice_eq(wanted, level))
			return false;
	}
	return slice_absent(topic);
}

/* --- packets: each function gives a sentence, or NULL when there is nothing to say --- */

static const char *fault_of_will(const struct mqtt_connect *m)
{
	bool absent = slice_absent(m->will_topic);

	if (absent != slice_absent(m->will_message)) /* [MQTT-3.1.2-9] */
		return "A will has a topic and a message.";
	if (absent && (m->will_qos || m->will_retain)) /* [MQTT-3.1.2-11] [MQTT-3.1.2-13] [MQTT-3.1.2-15] */
		return "There are flags of a will, but no will.";
	if (m->will_qos > MQTT_QOS_MAX) /* [MQTT-3.1.2-14] */
		return "The QoS of the will is not 0, 1 or 2.";
	if (!absent && !mqtt_topic_good(m->will_topic)) /* [MQTT-3.1.3-10] [MQTT-4.7.1-1] */
		return "The topic of the will is no topic name.";
	if (m->will_message.n > MQTT_TEXT_MAX)
		return "The message of the will is too long.";
	return NULL;
}

static const char *fault_of_connect(const struct mqtt_connect *m)
{
	if (!slice_absent(m->password) && slice_absent(m->user)) /* [MQTT-3.1.2-22] */
		return "There is a password, but no user name.";
	if (!mqtt_text_good(m->client_id)) /* [MQTT-3.1.3-4] */
		return "The client id is no text.";
	if (!mqtt_text_good(m->user)) /* [MQTT-3.1.3-11] */
		return "The user name is no text.";
	if (m->password.n > MQTT_TEXT_MAX)
		return "The password is too long.";
	return fault_of_will(m);
}

static const char *fault_of_connack(const struct mqtt_connack *m)
{
	if (m->code > MQTT_NOT_AUTHORIZED)
		return "The return code is none of MQTT 3.1.1.";
	if (m->session_present && m->code != MQTT_ACCEPTED) /* [MQTT-3.2.2-4] */
		return "There is a session, but no connection.";
	return NULL;
}

static const char *fault_of_publish(const struct mqtt_publish *m)
{
	if (m->qos > MQTT_QOS_MAX) /* [MQTT-3.3.1-4] */
		return "The QoS is not 0, 1 or 2.";
	if (m->dup && m->qos == 0) /* [MQTT-3.3.1-2] */
		return "A message of QoS 0 is sent a second time.";
	if ((m->qos > 0) != (m->id != 0)) /* [MQTT-2.3.1-1] [MQTT-2.3.1-5] */
		return "The packet id does not go with the QoS.";
	if (!mqtt_topic_good(m->topic)) /* [MQTT-3.3.2-1] [MQTT-3.3.2-2] [MQTT-4.7.1-1] [MQTT-4.7.3-1] */
		return "The topic is no topic name.";
	return NULL;
}

static const char *fault_of_id(uint16_t id)
{
	return id == 0 ? "The packet id is 0." : NULL;
}

static const char *fault_of_filter(const struct mqtt_filter *f)
{
	if (f->qos > MQTT_QOS_MAX) /* [MQTT-3-8.3-4] the bits above are reserved */
		return "The QoS asked for is not 0, 1 or 2.";
	if (!mqtt_text_good(f->text)) /* [MQTT-3.8.3-1] [MQTT-3.10.3-1] */
		return "A topic filter is no text.";
	if (!mqtt_filter_good(f->text)) /* [MQTT-4.7.1-2] [MQTT-4.7.1-3] [MQTT-4.7.3-1] */
		return "A topic filter is empty, or has a wildcard where none may be.";
	return NULL;
}

static const char *fault_of_filters(enum mqtt_type type, const struct mqtt_filters *m)
{
	struct slice rest = m->list;
	struct mqtt_filter f;
	const char *fault;

	if (m->list.n == 0) /* [MQTT-3.8.3-3] [MQTT-3.10.3-2] */
		return "There is no topic filter.";
	while (mqtt_next_filter(type, &rest, &f))
		if ((fault = fault_of_filter(&f)) != NULL)
			return fault;
	return rest.n ? "The last topic filter is cut short." : fault_of_id(m->id); /* [MQTT-2.3.1-1] */
}

static const char *fault_of_suback(const struct mqtt_suback *m)
{
	if (m->codes.n == 0) /* [MQTT-3.8.4-5] */
		return "There is no return code.";
	for (size_t i = 0; i < m->codes.n; i++)
		if ((uint8_t)m->codes.p[i] > MQTT_QOS_MAX && (uint8_t)m->codes.p[i] != MQTT_NOT_SUBSCRIBED) /* [MQTT-3.9.3-2] */
			return "A return code is reserved.";
	return fault_of_id(m->id);
}

static const char *fault_of(const struct mqtt_packet *p)
{
	switch (p->type) {
	case MQTT_CONNECT: return fault_of_connect(&p->connect);
	case MQTT_CONNACK: return fault_of_connack(&p->connack);
	case MQTT_PUBLISH: return fault_of_publish(&p->publish);
	case MQTT_SUBSCRIBE:
	case MQTT_UNSUBSCRIBE: return fault_of_filters(p->type, &p->filters);
	case MQTT_SUBACK: return fault_of_suback(&p->suback);
	case MQTT_PUBREC:
	case MQTT_PUBREL:
	case MQTT_PUBCOMP:
	case MQTT_UNSUBACK:
		return fault_of_id(p->id); /* [MQTT-2.3.1-6] [MQTT-2.3.1-7] what they answer has none that is 0 */
	/* The .NET SDK acknowledges deliveries of QoS 0 too, with the id 0 that these did not have (device-api.md 10.4).
	 * To refuse that would cut off each such device as its answer arrives; taken, it answers nothing that waits. */
	case MQTT_PUBACK:
	case MQTT_PINGREQ:
	case MQTT_PINGRESP:
	case MQTT_DISCONNECT: return NULL;
	}
	return "The packet type is reserved.";
}

enum err mqtt_check(const struct mqtt_packet *p, const char **why)
{
	if ((*why = fault_of(p)) != NULL)
		return ERR_MALFORMED;
	if (p->type == MQTT_CONNECT && p->connect.client_id.n == 0 && !p->connect.clean_session) { /* [MQTT-3.1.3-7] [MQTT-3.1.3-8] */
		*why = "A session that lasts needs a client id.";
		return ERR_INVALID;
	}
	return OK;
}
