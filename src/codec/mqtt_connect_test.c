/* CONNECT as it arrives (section 3.1 of MQTT 3.1.1): who is let in to be judged, and who is sent away why. */
#include "codec/test_mqtt.h"

/* Up to the client id, with a keep alive of a minute. */
#define START(flags) MQTT4 flags "\x00\x3c" CLIENT_ID

#define NO_TEXT(body, reason) MALFORMED(0x10, body, "The " reason " is no text.")

static void all_that_a_connect_can_say_is_read(void **state)
{
	(void)state;
	TAKEN(0x10, MQTT4 "\xf4\xff\xfe" CLIENT_ID "\x00\x04will\x00\x02\xff\x00\x00\x04user\x00\x03\x00\xfe\x00");
	assert_int_equal(packet.connect.level, 4);
	assert_false(packet.connect.clean_session);
	assert_int_equal(packet.connect.keep_alive, 0xfffe);
	is(packet.connect.client_id, "dev-1");
	is(packet.connect.will_topic, "will");
	assert_true(slice_eq(packet.connect.will_message, SLICE("\xff\x00")));
	assert_int_equal(packet.connect.will_qos, 2);
	assert_true(packet.connect.will_retain);
	is(packet.connect.user, "user");
	assert_true(slice_eq(packet.connect.password, SLICE("\x00\xfe\x00")));
}

static void what_was_not_sent_is_absent_and_what_is_empty_is_not(void **state)
{
	(void)state;
	TAKEN(0x10, START("\x02"));
	assert_true(packet.connect.clean_session);
	assert_true(slice_absent(packet.connect.user) && slice_absent(packet.connect.password));
	assert_true(slice_absent(packet.connect.will_topic) && slice_absent(packet.connect.will_message));
	TAKEN(0x10, START("\xc6") "\x00\x01t\x00\x00\x00\x00\x00\x00");
	is(packet.connect.will_message, "");
	is(packet.connect.user, "");
	is(packet.connect.password, "");
}

/* [MQTT-3.1.2-1] */
static void another_protocol_is_malformed(void **state)
{
	(void)state;
	MALFORMED(0x10, "\x00\x04mqtt\x04\x02\x00\x3c" CLIENT_ID, "The protocol is not MQTT.");
	MALFORMED(0x10, "\x00\x04MQTX\x04\x02\x00\x3c" CLIENT_ID, "The protocol is not MQTT.");
	MALFORMED(0x10, "\x00\x05MQTTT\x04\x02\x00\x3c" CLIENT_ID, "The protocol is not MQTT.");
	MALFORMED(0x10, "\x00\x00\x04\x02\x00\x3c" CLIENT_ID, "The protocol is not MQTT.");
}

static void is_of_level(struct slice body, uint8_t level)
{
	refused(ERR_UNSUPPORTED, 0x10, body, "The only MQTT spoken here is 3.1.1, protocol level 4.");
	assert_int_equal(packet.connect.level, level);
	assert_int_equal(size, 2 + body.n);
}

/* [MQTT-3.1.2-2] */
static void another_level_is_told_to_the_caller(void **state)
{
	(void)state;
	is_of_level(SLICE("\x00\x06MQIsdp\x03\x02\x00\x3c" CLIENT_ID), 3);
	is_of_level(SLICE("\x00\x04MQTT\x05\x02\x00\x3c\x00" CLIENT_ID), 5);
	is_of_level(SLICE("\x00\x04MQTT\x00\x02\x00\x3c" CLIENT_ID), 0);
	is_of_level(SLICE("\x00\x04MQTT\x03\x02\x00\x3c" CLIENT_ID), 3);
	is_of_level(SLICE("\x00\x04MQTT\x84\x02\x00\x3c" CLIENT_ID), 0x84); /* how bridges of mosquitto begin */
	is_of_level(SLICE("\x00\x04MQTT\x06what else it has is its own"), 6);
}

/* [MQTT-3.1.2-3] */
static void the_reserved_flag_is_zero(void **state)
{
	(void)state;
	MALFORMED(0x10, START("\x03"), "The reserved flag of CONNECT is set.");
	MALFORMED(0x10, START("\x01"), "The reserved flag of CONNECT is set.");
}

/* [MQTT-3.1.2-11] [MQTT-3.1.2-13] [MQTT-3.1.2-15] */
static void without_a_will_there_is_nothing_of_a_will(void **state)
{
	(void)state;
	MALFORMED(0x10, START("\x0a"), "There are flags of a will, but no will.");
	MALFORMED(0x10, START("\x12"), "There are flags of a will, but no will.");
	MALFORMED(0x10, START("\x1a"), "There are flags of a will, but no will.");
	MALFORMED(0x10, START("\x22"), "There are flags of a will, but no will.");
	MALFORMED(0x10, START("\x02") TOPIC "\x00\x01w", "Something follows the last field.");
}

static void a_will_has_a_topic_a_message_and_a_qos(void **state)
{
	(void)state;
	TAKEN(0x10, START("\x06") TOPIC "\x00\x01w");
	TAKEN(0x10, START("\x0e") TOPIC "\x00\x01w");
	assert_int_equal(packet.connect.will_qos, 1);
	assert_false(packet.connect.will_retain);
	TAKEN(0x10, START("\x26") TOPIC "\x00\x01w");
	assert_true(packet.connect.will_retain);
	MALFORMED(0x10, START("\x1e") TOPIC "\x00\x01w", "The QoS of the will is not 0, 1 or 2."); /* [MQTT-3.1.2-14] */
	MALFORMED(0x10, START("\x06"), "The packet ends before its last field.");                  /* [MQTT-3.1.2-9] */
	MALFORMED(0x10, START("\x06") TOPIC, "The packet ends before its last field.");            /* [MQTT-3.1.2-9] */
}

/* [MQTT-3.1.3-10], and it is the name of one topic [MQTT-4.7.1-1] [MQTT-4.7.3-1] */
static void the_topic_of_a_will_names_one_topic(void **state)
{
	(void)state;
	MALFORMED(0x10, START("\x06") "\x00\x01\xff\x00\x01w", "The topic of the will is no topic name.");
	MALFORMED(0x10, START("\x06") "\x00\x01\x00\x00\x01w", "The topic of the will is no topic name.");
	MALFORMED(0x10, START("\x06") "\x00\x00\x00\x01w", "The topic of the will is no topic name.");
	MALFORMED(0x10, START("\x06") "\x00\x03t/#\x00\x01w", "The topic of the will is no topic name.");
	MALFORMED(0x10, START("\x06") "\x00\x01+\x00\x01w", "The topic of the will is no topic name.");
}

/* [MQTT-3.1.2-18] [MQTT-3.1.2-19] [MQTT-3.1.2-20] [MQTT-3.1.2-21] */
static void user_name_and_password_are_there_when_their_flags_say_so(void **state)
{
	(void)state;
	TAKEN(0x10, START("\x82") "\x00\x01u");
	assert_true(slice_absent(packet.connect.password));
	MALFORMED(0x10, START("\x82"), "The packet ends before its last field.");
	MALFORMED(0x10, START("\xc2") "\x00\x01u", "The packet ends before its last field.");
	MALFORMED(0x10, START("\x02") "\x00\x01u", "Something follows the last field.");
	MALFORMED(0x10, START("\x82") "\x00\x01u\x00\x01p", "Something follows the last field.");
	MALFORMED(0x10, START("\xc2") "\x00\x01u\x00\x01p\x00", "Something follows the last field.");
}

/* [MQTT-3.1.2-22] */
static void a_password_comes_with_a_user_name(void **state)
{
	(void)state;
	MALFORMED(0x10, START("\x42") "\x00\x01p", "There is a password, but no user name.");
}

/* [MQTT-3.1.3-1] [MQTT-3.1.3-3] */
static void the_fields_come_in_their_order_the_client_id_first(void **state)
{
	(void)state;
	TAKEN(0x10, MQTT4 "\xc6\x00\x3c\x00\x01"
			  "a\x00\x01"
			  "b\x00\x01"
			  "c\x00\x01"
			  "d\x00\x01"
			  "e");
	is(packet.connect.client_id, "a");
	is(packet.connect.will_topic, "b");
	is(packet.connect.will_message, "c");
	is(packet.connect.user, "d");
	is(packet.connect.password, "e");
	MALFORMED(0x10, MQTT4 "\x02\x00\x3c", "The packet ends before its last field.");
}

/* [MQTT-3.1.3-7] [MQTT-3.1.3-8] */
static void an_empty_client_id_is_for_a_clean_session_only(void **state)
{
	(void)state;
	TAKEN(0x10, MQTT4 "\x02\x00\x3c\x00\x00");
	is(packet.connect.client_id, "");
	refused(ERR_INVALID, 0x10, SLICE(MQTT4 "\x00\x00\x3c\x00\x00"), "A session that lasts needs a client id.");
	assert_int_equal(packet.type, MQTT_CONNECT);
	assert_int_equal(size, 14);
	/* What is wrong besides comes first: it gets no answer [MQTT-3.1.4-1]. */
	MALFORMED(0x10, MQTT4 "\x40\x00\x3c\x00\x00\x00\x01p", "There is a password, but no user name.");
}

/* [MQTT-1.5.3-1] [MQTT-1.5.3-2] [MQTT-3.1.3-4] [MQTT-3.1.3-11] */
static void client_id_and_user_name_are_text(void **state)
{
	(void)state;
	NO_TEXT(MQTT4 "\x02\x00\x3c\x00\x02\xc3(", "client id");
	NO_TEXT(MQTT4 "\x02\x00\x3c\x00\x03\xed\xa0\x80", "client id"); /* U+D800 */
	NO_TEXT(MQTT4 "\x02\x00\x3c\x00\x03\xed\xbf\xbf", "client id"); /* U+DFFF */
	NO_TEXT(MQTT4 "\x02\x00\x3c\x00\x02\xc0\x80", "client id");     /* U+0000, too long */
	NO_TEXT(MQTT4 "\x02\x00\x3c\x00\x03"
		      "a\x00"
		      "b",
		"client id");
	NO_TEXT(START("\x82") "\x00\x01\x80", "user name");
	NO_TEXT(START("\x82") "\x00\x01\x00", "user name");
	TAKEN(0x10, MQTT4 "\x02\x00\x3c\x00\x05\xef\xbb\xbf\xc3\xa9"); /* [MQTT-1.5.3-3] */
	is(packet.connect.client_id, "\xef\xbb\xbf\xc3\xa9");
}

static enum err read_with_client_id(struct slice id)
{
	struct buf b;
	enum err e;

	buf_init(&b, ENOUGH);
	mqtt_write(&b, &(struct mqtt_packet){.type = MQTT_CONNECT, .connect = {.client_id = id}});
	assert_false(buf_failed(&b));
	e = read_bytes(buf_slice(&b));
	buf_fini(&b);
	return e;
}

/* [MQTT-3.1.3-5], and as long as a text can be */
static void a_client_id_has_any_length(void **state)
{
	static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static char longest[MQTT_TEXT_MAX];

	(void)state;
	memset(longest, 'x', sizeof(longest));
	for (size_t n = 1; n <= 23; n++)
		for (size_t at = 0; at + n < sizeof(letters); at++) {
			struct slice id = slice_over(letters + at, n);

			assert_int_equal(read_with_client_id(id), OK);
			assert_true(slice_eq(packet.connect.client_id, id));
		}
	assert_int_equal(read_with_client_id(slice_over(longest, sizeof(longest))), OK);
	assert_int_equal(packet.connect.client_id.n, MQTT_TEXT_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_a_connect_can_say_is_read),
		cmocka_unit_test(what_was_not_sent_is_absent_and_what_is_empty_is_not),
		cmocka_unit_test(another_protocol_is_malformed),
		cmocka_unit_test(another_level_is_told_to_the_caller),
		cmocka_unit_test(the_reserved_flag_is_zero),
		cmocka_unit_test(without_a_will_there_is_nothing_of_a_will),
		cmocka_unit_test(a_will_has_a_topic_a_message_and_a_qos),
		cmocka_unit_test(the_topic_of_a_will_names_one_topic),
		cmocka_unit_test(user_name_and_password_are_there_when_their_flags_say_so),
		cmocka_unit_test(a_password_comes_with_a_user_name),
		cmocka_unit_test(the_fields_come_in_their_order_the_client_id_first),
		cmocka_unit_test(an_empty_client_id_is_for_a_clean_session_only),
		cmocka_unit_test(client_id_and_user_name_are_text),
		cmocka_unit_test(a_client_id_has_any_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
