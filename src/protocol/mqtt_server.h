/*
 * mqtt_server.h: MQTT 3.1.1 over a stream, for whoever answers devices.
 *
 * Here are the rules that hold whatever a server is for: packets whole and in order, the CONNECT first and only once, keep-alive, packet
 * identifiers, acknowledgements, limits. What a client may publish, what it hears and who it is, is the service's. Sessions
 * end with their connection. QoS 2 is not offered: a subscription is granted 1 at most, and a message with QoS 2 ends the connection.
 *
 * docs/protocols.md has each statement of the standard, and where it is shown.
 */
#ifndef BERTH_PROTOCOL_MQTT_SERVER_H
#define BERTH_PROTOCOL_MQTT_SERVER_H

#include "codec/mqtt.h"
#include "protocol/protocol.h"

#define MQTT_PACKET_MAX (98304 + 1024) /* a message of device-api.md 18 and what is around it */
#define MQTT_CONNECT_MS 10000          /* from the handshake to the whole of the CONNECT */
#define MQTT_IDLE_MS    600000         /* without a packet, for those whose keep-alive is 0: device-api.md 10.1 */
#define MQTT_UNACKED    32             /* messages that the client has not acknowledged */

struct mqtt_service {
	size_t session_size; /* of the service's own struct, zeroed for each connection */

	/* All get the service's struct, which begins with nothing in particular; the connection is given once. */
	void (*begin)(void *session, struct connection *);

	/* Who is it? Answer with mqtt_connack, now or later; nothing more is read until then. `packet` is lent for the call. */
	void (*connect)(void *session, const struct mqtt_connect *packet);

	/* The QoS that is granted, or MQTT_NOT_SUBSCRIBED. */
	uint8_t (*subscribe)(void *session, const struct mqtt_filter *);
	void (*unsubscribe)(void *session, struct slice filter);

	/* A message of QoS 0 or 1; the acknowledgement is on its way already. NULL, or why it ends the connection: a constant. */
	const char *(*publish)(void *session, const struct mqtt_publish *);

	/* Whether something is being worked on: a drain waits for it, see mqtt_rested. */
	bool (*busy)(const void *session);

	/* Whether it takes no more for now: nothing is read until mqtt_rested. */
	bool (*full)(const void *session);

	/* The connection is gone: cancel what is pending. */
	void (*end)(void *session);
};

/* As struct protocol promises it. */
struct connection *mqtt_server_open(struct loop *, struct stream **, const struct protocol_env *, const struct mqtt_service *);
void mqtt_server_drain(struct connection *);
void mqtt_server_abort(struct connection *);

/* --- for the service; none of these calls back into it --- */

struct stream *mqtt_stream(const struct connection *); /* to know the peer by */
void *mqtt_house(const struct connection *);
struct loop *mqtt_loop(const struct connection *);
bool mqtt_draining(const struct connection *);

/* Answer the CONNECT. A code but MQTT_ACCEPTED ends the connection. */
void mqtt_connack(struct connection *, enum mqtt_code);

/* Send a message with that QoS, 0 or 1. */
void mqtt_send(struct connection *, uint8_t qos, struct slice topic, struct slice payload);

/* Less is being worked on than before. */
void mqtt_rested(struct connection *);

/* End it; `why` is a constant, for the log. */
void mqtt_fail(struct connection *, const char *why);

#endif
