/*
 * mqtt.h: MQTT 3.1.1 packets as bytes, in both directions, for a server and for a client.
 *
 * Reading takes no memory: every slice of a packet points into the bytes it was read from.
 * Writing mirrors it: what mqtt_read gave, mqtt_write puts back. The rules that make a packet
 * good are asked of what arrives and of what is sent, by one function, mqtt_check; each is
 * cited by its number in the standard, [MQTT-x.y.z-n] (docs/protocols.md lists them all).
 * No sockets, no clock, no sessions: which packet may come when is for others to judge.
 */
#ifndef BERTH_CODEC_MQTT_H
#define BERTH_CODEC_MQTT_H

#include "base/buf.h"
#include "base/err.h"

#define MQTT_LEVEL      4         /* the protocol level of MQTT 3.1.1 */
#define MQTT_LENGTH_MAX 268435455 /* what the remaining length can say */
#define MQTT_TEXT_MAX   65535     /* of one text, and of a password */
#define MQTT_QOS_MAX    2

enum mqtt_type {
	MQTT_CONNECT = 1,
	MQTT_CONNACK,
	MQTT_PUBLISH,
	MQTT_PUBACK,
	MQTT_PUBREC,
	MQTT_PUBREL,
	MQTT_PUBCOMP,
	MQTT_SUBSCRIBE,
	MQTT_SUBACK,
	MQTT_UNSUBSCRIBE,
	MQTT_UNSUBACK,
	MQTT_PINGREQ,
	MQTT_PINGRESP,
	MQTT_DISCONNECT,
};

struct mqtt_connect {
	uint8_t level; /* what was asked for; MQTT_LEVEL is always written */
	bool clean_session;
	uint16_t keep_alive;       /* in seconds; 0: no limit */
	struct slice client_id;    /* perhaps empty */
	struct slice will_topic;   /* absent: there is no will */
	struct slice will_message; /* any bytes; absent just as the topic is */
	uint8_t will_qos;
	bool will_retain;
	struct slice user;     /* absent: none */
	struct slice password; /* any bytes; absent: none */
};

/* What a CONNACK answers. All but the first are followed by closing [MQTT-3.2.2-5]. */
enum mqtt_code { MQTT_ACCEPTED, MQTT_BAD_LEVEL, MQTT_BAD_CLIENT_ID, MQTT_UNAVAILABLE, MQTT_BAD_USER, MQTT_NOT_AUTHORIZED };

struct mqtt_connack {
	bool session_present;
	uint8_t code; /* enum mqtt_code */
};

struct mqtt_publish {
	uint8_t qos;
	bool dup, retain;
	uint16_t id; /* 0 with QoS 0 */
	struct slice topic;
	struct slice payload; /* any bytes, perhaps none */
};

/* SUBSCRIBE and UNSUBSCRIBE. */
struct mqtt_filters {
	uint16_t id;
	struct slice list; /* see mqtt_next_filter and mqtt_add_filter */
};

struct mqtt_filter {
	struct slice text;
	uint8_t qos; /* the highest asked for; 0 in UNSUBSCRIBE */
};

#define MQTT_NOT_SUBSCRIBED 0x80

struct mqtt_suback {
	uint16_t id;
	struct slice codes; /* a byte for each filter, in order: the QoS granted, or MQTT_NOT_SUBSCRIBED */
};

struct mqtt_packet {
	enum mqtt_type type;
	union {
		struct mqtt_connect connect;
		struct mqtt_connack connack;
		struct mqtt_publish publish;
		struct mqtt_filters filters;
		struct mqtt_suback suback;
		uint16_t id; /* PUBACK, PUBREC, PUBREL, PUBCOMP, UNSUBACK */
	};
};

/* Read the packet at the start of `in`, of which at most `max` bytes may follow its fixed header.
 *
 * OK: it is the first *size bytes. ERR_AGAIN: not all of it is here yet. ERR_TOO_BIG: it is
 * beyond `max`, which the fixed header tells, before the rest is there. ERR_MALFORMED: close
 * the connection and answer nothing [MQTT-3.1.4-1] [MQTT-4.8.0-1]. Two answers are only for CONNECT:
 * ERR_UNSUPPORTED, it is of another MQTT: out->connect.level says which, and nothing more was
 * read (mqtt_write_unsupported); ERR_INVALID, an empty client id wants a session that lasts:
 * CONNACK with MQTT_BAD_CLIENT_ID [MQTT-3.1.3-8].
 *
 * *size is that of the whole packet from the moment that its fixed header is there, and 0 before;
 * out->type is right from the first byte on; neither when the fixed header itself is malformed.
 * `why` gets a constant sentence when the packet is refused, NULL otherwise. */
MUST_USE enum err mqtt_read(struct slice in, size_t max, struct mqtt_packet *out, size_t *size, const char **why);

/* Append a packet. One that mqtt_read would not take back, mqtt_check says which, fails the
 * buffer, as does one that does not fit: then nothing of it was appended. */
void mqtt_write(struct buf *to, const struct mqtt_packet *p);

/* Whether MQTT allows these values: OK, ERR_MALFORMED or ERR_INVALID, with `why` as mqtt_read. */
MUST_USE enum err mqtt_check(const struct mqtt_packet *p, const char **why);

/* The answer to a client of another level, in words that it understands: CONNACK 1
 * [MQTT-3.1.2-2], or for level 5 its own CONNACK with reason 0x84 (MQTT 5.0, section 3.1.2.2). */
void mqtt_write_unsupported(struct buf *to, uint8_t level);

/* Take the next filter from the front of *list. False: there is no more, or, while *list is not
 * empty, what is there is no filter (never in a packet that mqtt_read took). */
bool mqtt_next_filter(enum mqtt_type type, struct slice *list, struct mqtt_filter *out);

/* Append a filter to the list of a SUBSCRIBE or UNSUBSCRIBE that will be written, unless the list has failed. */
void mqtt_add_filter(enum mqtt_type type, struct buf *list, struct mqtt_filter f);

/* "CONNECT"; "?" for a number that is no type. For logs. */
const char *mqtt_type_name(enum mqtt_type type);

/* --- texts and topics: mqtt_rules.c --- */

/* Well-formed UTF-8 without U+0000, and not too long [MQTT-1.5.3-1] [MQTT-1.5.3-2] [MQTT-4.7.3-3].
 * Control characters and non-characters, which a receiver may refuse, are let in. */
bool mqtt_text_good(struct slice text);

/* A text that names one topic: not empty, no wildcards [MQTT-3.3.2-2] [MQTT-4.7.3-1]. */
bool mqtt_topic_good(struct slice topic);

/* A text that is a filter: not empty, each wildcard a level of its own, '#' only as the last
 * one [MQTT-4.7.1-2] [MQTT-4.7.1-3]. */
bool mqtt_filter_good(struct slice filter);

/* Whether a good filter covers a good topic (section 4.7). Byte by byte, nothing normalised [MQTT-4.7.3-4]. */
bool mqtt_filter_matches(struct slice filter, struct slice topic);

#endif
