/*
 * test_mqtt.h: what the tests of MQTT share: reading and refusing, and one packet of every type. Included by tests only.
 */
#ifndef BERTH_CODEC_TEST_MQTT_H
#define BERTH_CODEC_TEST_MQTT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/mqtt.h"

#define ENOUGH 98304

#define MQTT4 "\x00\x04MQTT\x04"
#define TOPIC "\x00\x03t/1"
#define CLIENT_ID                                                                                                                          \
	"\x00\x05"                                                                                                                         \
	"dev-1"

static struct mqtt_packet packet;
static size_t size;
static const char *why;

/* From a place of its own size, so that the sanitizer sees a step too far. */
static inline enum err read_up_to(size_t max, struct slice in)
{
	static char *place;
	enum err e;

	free(place); /* the packet points into the last one */
	place = malloc(in.n ? in.n : 1);
	memcpy(place, in.p, in.n);
	e = mqtt_read(slice_over(place, in.n), max, &packet, &size, &why);
	assert_int_equal(why == NULL, e == OK || e == ERR_AGAIN);
	return e;
}

static inline enum err read_bytes(struct slice in)
{
	return read_up_to(ENOUGH, in);
}

/* Of the type and flags in the first byte, with the right remaining length. */
static inline enum err read_packet(uint8_t first, struct slice body)
{
	char bytes[512] = {(char)first, (char)(body.n < 0x80 ? body.n : 0x80 | (body.n & 0x7f)), (char)(body.n >> 7)};
	size_t head = body.n < 0x80 ? 2 : 3;

	assert_true(head + body.n <= sizeof(bytes));
	memcpy(bytes + head, body.p, body.n);
	return read_bytes(slice_over(bytes, head + body.n));
}

static inline void taken(uint8_t first, struct slice body)
{
	enum err e = read_packet(first, body);

	if (e != OK)
		fail_msg("%s: %s", err_text(e), why);
}

static inline void refused(enum err expected, uint8_t first, struct slice body, const char *sentence)
{
	enum err e = read_packet(first, body);

	if (e != expected || why == NULL || strcmp(why, sentence) != 0)
		fail_msg("%s (%s) instead of: %s", err_text(e), why ? why : "", sentence);
}

#define TAKEN(first, body)             taken(first, SLICE(body))
#define MALFORMED(first, body, reason) refused(ERR_MALFORMED, first, SLICE(body), reason)

static inline void is(struct slice s, const char *expected)
{
	assert_false(slice_absent(s));
	if (!slice_eq(s, slice_str(expected)))
		fail_msg("\"%.*s\" should be \"%s\"", SLICE_ARG(s), expected);
}

/* One packet of every type, in order. */
static const struct {
	enum mqtt_type type;
	struct slice bytes;
	size_t least; /* the shortest part of what follows the fixed header that would be a packet, too */
} every_type[] = {
	{MQTT_CONNECT, SLICE("\x10\x20" MQTT4 "\xee\x01\x02" CLIENT_ID TOPIC "\x00\x01w\x00\x01u\x00\x02pw"), 32},
	{MQTT_CONNACK, SLICE("\x20\x02\x00\x05"), 2},
	{MQTT_PUBLISH, SLICE("\x33\x0a" TOPIC "\x00\x07xyz"), 7},
	{MQTT_PUBACK, SLICE("\x40\x02\x00\x01"), 2},
	{MQTT_PUBREC, SLICE("\x50\x02\x00\x01"), 2},
	{MQTT_PUBREL, SLICE("\x62\x02\x00\x01"), 2},
	{MQTT_PUBCOMP, SLICE("\x70\x02\x00\x01"), 2},
	{MQTT_SUBSCRIBE, SLICE("\x82\x0d\x00\x01" TOPIC "\x01\x00\x02+/\x02"), 8},
	{MQTT_SUBACK, SLICE("\x90\x04\x00\x01\x01\x80"), 3},
	{MQTT_UNSUBSCRIBE, SLICE("\xa2\x0b\x00\x01" TOPIC "\x00\x02+/"), 7},
	{MQTT_UNSUBACK, SLICE("\xb0\x02\x00\x01"), 2},
	{MQTT_PINGREQ, SLICE("\xc0\x00"), 0},
	{MQTT_PINGRESP, SLICE("\xd0\x00"), 0},
	{MQTT_DISCONNECT, SLICE("\xe0\x00"), 0},
};

#define TYPES (sizeof(every_type) / sizeof(every_type[0]))

#endif
