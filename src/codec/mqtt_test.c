/* MQTT packets that arrive: what is read, what is waited for, and every form that is refused. */
#include "codec/test_mqtt.h"

/* --- what the SDKs send, device-api.md 10 --- */

#define NODE_USER "0ne00AB12CD/registrations/dev-1/api-version=2019-03-31&ClientVersion=azure-iot-provisioning-device%2F1.9.1"
#define NODE_PASSWORD                                                                                                                      \
	"SharedAccessSignature sr=0ne00AB12CD/registrations/dev-1&sig=stU8soTcmETMkYY%2FCPplafneE6HmQ3WrfADLHTzcfbs%3D"                    \
	"&skn=registration&se=1790000000"

/* 10.1 */
static void the_connect_of_the_node_sdk_is_read(void **state)
{
	(void)state;
	assert_int_equal(read_bytes(SLICE("\x10\x8b\x02\x00\x04\x4d\x51\x54\x54\x04\xc2\x00\xb4" CLIENT_ID "\x00\x6a" NODE_USER
					  "\x00\x8c" NODE_PASSWORD)),
			 OK);
	assert_int_equal(size, 270);
	assert_int_equal(packet.type, MQTT_CONNECT);
	assert_int_equal(packet.connect.level, MQTT_LEVEL);
	assert_true(packet.connect.clean_session);
	assert_int_equal(packet.connect.keep_alive, 180);
	is(packet.connect.client_id, "dev-1");
	is(packet.connect.user, NODE_USER);
	is(packet.connect.password, NODE_PASSWORD);
	assert_true(slice_absent(packet.connect.will_topic) && slice_absent(packet.connect.will_message));
}

/* 10.2 */
static void a_subscribe_to_the_answers_is_read(void **state)
{
	struct mqtt_filter f;

	(void)state;
	assert_int_equal(read_bytes(SLICE("\x82\x1d\x00\x01\x00\x18\x24\x64\x70\x73\x2f\x72\x65\x67\x69\x73\x74\x72\x61\x74\x69\x6f\x6e\x73"
					  "\x2f\x72\x65\x73\x2f\x23\x01")),
			 OK);
	assert_int_equal(packet.type, MQTT_SUBSCRIBE);
	assert_int_equal(packet.filters.id, 1);
	assert_true(mqtt_next_filter(MQTT_SUBSCRIBE, &packet.filters.list, &f));
	is(f.text, "$dps/registrations/res/#");
	assert_int_equal(f.qos, 1);
	assert_false(mqtt_next_filter(MQTT_SUBSCRIBE, &packet.filters.list, &f));
	assert_int_equal(packet.filters.list.n, 0);
}

/* 10.5 */
static void a_register_is_read(void **state)
{
	(void)state;
	assert_int_equal(read_bytes(SLICE("\x32\x4c\x00\x2e$dps/registrations/PUT/iotdps-register/?$rid=1\x00\x02"
					  "{\"registrationId\":\"dev-1\"}")),
			 OK);
	assert_int_equal(packet.type, MQTT_PUBLISH);
	assert_int_equal(packet.publish.qos, 1);
	assert_int_equal(packet.publish.id, 2);
	assert_false(packet.publish.dup || packet.publish.retain);
	is(packet.publish.topic, "$dps/registrations/PUT/iotdps-register/?$rid=1");
	is(packet.publish.payload, "{\"registrationId\":\"dev-1\"}");
}

/* 10.4: .NET acknowledges a delivery that had no id; for all others [MQTT-2.3.1-6] [MQTT-2.3.1-7]. */
static void an_acknowledgement_has_the_id_of_what_it_answers_but_for_the_puback_of_dotnet(void **state)
{
	(void)state;
	TAKEN(0x40, "\x00\x00");
	assert_int_equal(packet.type, MQTT_PUBACK);
	assert_int_equal(packet.id, 0);
	TAKEN(0x40, "\xff\xfe");
	assert_int_equal(packet.id, 0xfffe);
	MALFORMED(0x50, "\x00\x00", "The packet id is 0.");
	MALFORMED(0x62, "\x00\x00", "The packet id is 0.");
	MALFORMED(0x70, "\x00\x00", "The packet id is 0.");
	MALFORMED(0xb0, "\x00\x00", "The packet id is 0.");
	MALFORMED(0x90, "\x00\x00\x01", "The packet id is 0.");
}

/* --- the fixed header, section 2.2 --- */

static void a_packet_is_waited_for_until_its_last_byte(void **state)
{
	(void)state;
	assert_int_equal(TYPES, MQTT_DISCONNECT);
	for (size_t i = 0; i < TYPES; i++) {
		struct slice whole = every_type[i].bytes;

		for (size_t n = 0; n < whole.n; n++) {
			assert_int_equal(read_bytes(slice_to(whole, n)), ERR_AGAIN);
			assert_int_equal(size, n < 2 ? 0 : whole.n);
			assert_int_equal(packet.type, n < 1 ? 0 : every_type[i].type);
		}
		assert_int_equal(read_bytes(whole), OK);
		assert_int_equal(size, whole.n);
		assert_int_equal(packet.type, every_type[i].type);
	}
}

static void the_next_packet_is_left_alone(void **state)
{
	char bytes[128];

	(void)state;
	for (size_t i = 0; i < TYPES; i++) {
		struct slice whole = every_type[i].bytes;

		memcpy(bytes, whole.p, whole.n);
		memset(bytes + whole.n, 0xff, sizeof(bytes) - whole.n);
		assert_int_equal(read_bytes(slice_over(bytes, sizeof(bytes))), OK);
		assert_int_equal(size, whole.n);
	}
}

static void a_packet_that_ends_before_its_last_field_is_malformed(void **state)
{
	(void)state;
	for (size_t i = 0; i < TYPES; i++) {
		uint8_t first = (uint8_t)every_type[i].bytes.p[0];
		struct slice body = slice_from(every_type[i].bytes, 2);

		for (size_t n = 0; n < every_type[i].least; n++)
			if (read_packet(first, slice_to(body, n)) != ERR_MALFORMED)
				fail_msg("%s with %zu bytes", mqtt_type_name(every_type[i].type), n);
		taken(first, slice_to(body, every_type[i].least));
	}
	MALFORMED(0x30, "\x00\x04t/1", "The packet ends before its last field.");
}

/* [MQTT-2.2.2-1] [MQTT-2.2.2-2] [MQTT-3.6.1-1] [MQTT-3.8.1-1] [MQTT-3.10.1-1] [MQTT-3.14.1-1] */
static void the_flags_are_those_of_the_type(void **state)
{
	(void)state;
	for (size_t i = 0; i < TYPES; i++) {
		uint8_t first = (uint8_t)every_type[i].bytes.p[0];

		for (uint8_t flags = 0; flags < 16; flags++) {
			uint8_t byte = (uint8_t)((first & 0xf0) | flags);

			if (every_type[i].type == MQTT_PUBLISH || byte == first)
				continue;
			assert_int_equal(read_bytes(slice_over(&byte, 1)), ERR_MALFORMED);
			assert_string_equal(why, "The flags are not those of the packet type.");
		}
	}
}

static void two_types_are_reserved(void **state)
{
	(void)state;
	assert_int_equal(read_bytes(SLICE("\x00")), ERR_MALFORMED);
	assert_int_equal(read_bytes(SLICE("\xf0")), ERR_MALFORMED);
	assert_string_equal(why, "The packet type is reserved.");
	assert_int_equal(packet.type, 0);
}

/* Section 2.2.3, the table of limits. */
static void the_remaining_length_has_one_to_four_bytes(void **state)
{
	static const struct {
		struct slice bytes;
		size_t size;
	} cases[] = {
		{SLICE("\x30\x7f"), 2 + 127},
		{SLICE("\x30\x80\x01"), 3 + 128},
		{SLICE("\x30\xff\x7f"), 3 + 16383},
		{SLICE("\x30\x80\x80\x01"), 4 + 16384},
		{SLICE("\x30\xff\xff\x7f"), 4 + 2097151},
		{SLICE("\x30\x80\x80\x80\x01"), 5 + 2097152},
		{SLICE("\x30\xff\xff\xff\x7f"), 5 + MQTT_LENGTH_MAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(read_up_to(MQTT_LENGTH_MAX, cases[i].bytes), ERR_AGAIN);
		assert_int_equal(size, cases[i].size);
	}
	assert_int_equal(read_bytes(SLICE("\x30\xff\xff\xff")), ERR_AGAIN);
	assert_int_equal(size, 0);
	assert_int_equal(read_bytes(SLICE("\x30\x80\x80\x80\x80")), ERR_MALFORMED);
	assert_string_equal(why, "The remaining length has more than four bytes.");
	/* More bytes than it needs: the standard lets them be. */
	assert_int_equal(read_bytes(SLICE("\x40\x82\x80\x80\x00\x00\x01")), OK);
	assert_int_equal(size, 7);
	assert_int_equal(packet.id, 1);
}

static void a_packet_beyond_the_limit_is_refused_before_it_has_arrived(void **state)
{
	(void)state;
	assert_int_equal(read_up_to(1000, SLICE("\x30\xe9\x07")), ERR_TOO_BIG);
	assert_int_equal(size, 3 + 1001);
	assert_int_equal(packet.type, MQTT_PUBLISH);
	assert_int_equal(read_up_to(1000, SLICE("\x30\xe8\x07")), ERR_AGAIN);
	assert_int_equal(read_up_to(2, SLICE("\x40\x02\x00\x01")), OK);
	assert_int_equal(read_up_to(1, SLICE("\x40\x02\x00\x01")), ERR_TOO_BIG);
	assert_int_equal(read_up_to(0, SLICE("\xc0\x00")), OK);
}

static void a_type_of_one_length_has_no_other(void **state)
{
	(void)state;
	for (size_t i = 0; i < TYPES; i++) {
		char bytes[2] = {every_type[i].bytes.p[0]};
		char length = every_type[i].bytes.p[1];

		if (length > 2 || every_type[i].type == MQTT_SUBACK)
			continue;
		for (bytes[1] = 0; bytes[1] < 10; bytes[1]++) {
			enum err e = read_bytes(slice_over(bytes, 2));

			assert_int_equal(e, bytes[1] != length ? ERR_MALFORMED : length == 0 ? OK : ERR_AGAIN);
		}
	}
	MALFORMED(0xe0, "\x00", "The length is not that of the packet type.");
}

/* --- the other packets; CONNECT has a file of its own --- */

static void a_connack_is_read(void **state)
{
	(void)state;
	TAKEN(0x20, "\x01\x00");
	assert_true(packet.connack.session_present);
	assert_int_equal(packet.connack.code, MQTT_ACCEPTED);
	TAKEN(0x20, "\x00\x05");
	assert_false(packet.connack.session_present);
	assert_int_equal(packet.connack.code, MQTT_NOT_AUTHORIZED);
	MALFORMED(0x20, "\x02\x00", "A reserved flag of CONNACK is set.");
	MALFORMED(0x20, "\x81\x00", "A reserved flag of CONNACK is set.");
	MALFORMED(0x20, "\x00\x06", "The return code is none of MQTT 3.1.1.");
	MALFORMED(0x20, "\x01\x01", "There is a session, but no connection."); /* [MQTT-3.2.2-4] */
}

/* [MQTT-2.3.1-1] [MQTT-2.3.1-5] */
static void a_publish_has_an_id_when_it_is_to_be_answered(void **state)
{
	(void)state;
	TAKEN(0x30, TOPIC "\x00\x07");
	assert_int_equal(packet.publish.id, 0);
	assert_true(slice_eq(packet.publish.payload, SLICE("\x00\x07")));
	TAKEN(0x32, TOPIC "\x00\x07");
	assert_int_equal(packet.publish.id, 7);
	assert_int_equal(packet.publish.payload.n, 0);
	TAKEN(0x3d, TOPIC "\x00\x07");
	assert_int_equal(packet.publish.qos, 2);
	assert_true(packet.publish.dup && packet.publish.retain);
	MALFORMED(0x32, TOPIC "\x00\x00", "The packet id does not go with the QoS.");
	MALFORMED(0x34, TOPIC "\x00\x00", "The packet id does not go with the QoS.");
}

static void a_publish_has_a_qos_that_there_is(void **state)
{
	(void)state;
	MALFORMED(0x36, TOPIC "\x00\x07", "The QoS is not 0, 1 or 2.");      /* [MQTT-3.3.1-4] */
	MALFORMED(0x38, TOPIC, "A message of QoS 0 is sent a second time."); /* [MQTT-3.3.1-2] */
}

/* [MQTT-3.3.2-1] [MQTT-3.3.2-2] [MQTT-4.7.1-1] [MQTT-4.7.3-1] */
static void a_publish_names_one_topic(void **state)
{
	(void)state;
	MALFORMED(0x30, "\x00\x00payload", "The topic is no topic name.");
	MALFORMED(0x30, "\x00\x03t/+", "The topic is no topic name.");
	MALFORMED(0x30, "\x00\x03t/#", "The topic is no topic name.");
	MALFORMED(0x30, "\x00\x03t\xff/", "The topic is no topic name.");
	MALFORMED(0x30, "\x00\x03t\x00/", "The topic is no topic name.");
	TAKEN(0x30, "\x00\x04\xef\xbb\xbft"); /* [MQTT-1.5.3-3] */
	is(packet.publish.topic, "\xef\xbb\xbft");
}

static void filters_come_one_by_one(void **state)
{
	struct mqtt_filter f;

	(void)state;
	TAKEN(0x82, "\x01\x00" TOPIC "\x00\x00\x01#\x02\x00\x01/\x01");
	assert_int_equal(packet.filters.id, 256);
	for (uint8_t i = 0; i < 3; i++) {
		assert_true(mqtt_next_filter(MQTT_SUBSCRIBE, &packet.filters.list, &f));
		is(f.text, ((const char *[]){"t/1", "#", "/"})[i]);
		assert_int_equal(f.qos, ((uint8_t[]){0, 2, 1})[i]);
	}
	assert_false(mqtt_next_filter(MQTT_SUBSCRIBE, &packet.filters.list, &f));
	TAKEN(0xa2, "\x01\x00" TOPIC "\x00\x01#");
	assert_true(mqtt_next_filter(MQTT_UNSUBSCRIBE, &packet.filters.list, &f));
	is(f.text, "t/1");
	assert_int_equal(f.qos, 0);
	assert_true(mqtt_next_filter(MQTT_UNSUBSCRIBE, &packet.filters.list, &f));
	is(f.text, "#");
	assert_false(mqtt_next_filter(MQTT_UNSUBSCRIBE, &packet.filters.list, &f));
}

static void a_subscribe_asks_for_something(void **state)
{
	(void)state;
	MALFORMED(0x82, "\x00\x01", "There is no topic filter.");        /* [MQTT-3.8.3-3] */
	MALFORMED(0x82, "\x00\x00" TOPIC "\x01", "The packet id is 0."); /* [MQTT-2.3.1-1] */
	MALFORMED(0x82, "\x00\x01" TOPIC "\x01" TOPIC, "The last topic filter is cut short.");
	MALFORMED(0x82, "\x00\x01" TOPIC "\x01\x00", "The last topic filter is cut short.");
	MALFORMED(0x82, "\x00\x01" TOPIC "\x03", "The QoS asked for is not 0, 1 or 2."); /* [MQTT-3-8.3-4] */
	MALFORMED(0x82, "\x00\x01" TOPIC "\x01" TOPIC "\x04", "The QoS asked for is not 0, 1 or 2.");
	MALFORMED(0x82, "\x00\x01" TOPIC "\x81", "The QoS asked for is not 0, 1 or 2.");
	MALFORMED(0x82, "\x00\x01\x00\x02\xc3/\x01", "A topic filter is no text."); /* [MQTT-3.8.3-1] */
	MALFORMED(0x82, "\x00\x01\x00\x01\x00\x01", "A topic filter is no text.");  /* [MQTT-4.7.3-2] */
	MALFORMED(0x82, "\x00\x01\x00\x00\x01", "A topic filter is empty, or has a wildcard where none may be.");
	MALFORMED(0x82, "\x00\x01\x00\x03#/a\x01", "A topic filter is empty, or has a wildcard where none may be.");
}

static void an_unsubscribe_asks_for_something(void **state)
{
	(void)state;
	MALFORMED(0xa2, "\x00\x01", "There is no topic filter."); /* [MQTT-3.10.3-2] */
	MALFORMED(0xa2, "\x00\x00" TOPIC, "The packet id is 0."); /* [MQTT-2.3.1-1] */
	MALFORMED(0xa2, "\x00\x01" TOPIC "\x00\x04t/1", "The last topic filter is cut short.");
	MALFORMED(0xa2, "\x00\x01\x00\x01\xff", "A topic filter is no text."); /* [MQTT-3.10.3-1] */
	MALFORMED(0xa2, "\x00\x01\x00\x00", "A topic filter is empty, or has a wildcard where none may be.");
}

/* [MQTT-3.8.4-5] [MQTT-3.9.3-2] */
static void a_suback_has_codes_that_there_are(void **state)
{
	(void)state;
	TAKEN(0x90, "\x00\x01\x00\x01\x02\x80");
	assert_int_equal(packet.suback.id, 1);
	assert_true(slice_eq(packet.suback.codes, SLICE("\x00\x01\x02\x80")));
	MALFORMED(0x90, "\x00\x01\x01\x03", "A return code is reserved.");
	MALFORMED(0x90, "\x00\x01\x81", "A return code is reserved.");
	MALFORMED(0x90, "\x00\x01", "There is no return code.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_connect_of_the_node_sdk_is_read),
		cmocka_unit_test(a_subscribe_to_the_answers_is_read),
		cmocka_unit_test(a_register_is_read),
		cmocka_unit_test(an_acknowledgement_has_the_id_of_what_it_answers_but_for_the_puback_of_dotnet),
		cmocka_unit_test(a_packet_is_waited_for_until_its_last_byte),
		cmocka_unit_test(the_next_packet_is_left_alone),
		cmocka_unit_test(a_packet_that_ends_before_its_last_field_is_malformed),
		cmocka_unit_test(the_flags_are_those_of_the_type),
		cmocka_unit_test(two_types_are_reserved),
		cmocka_unit_test(the_remaining_length_has_one_to_four_bytes),
		cmocka_unit_test(a_packet_beyond_the_limit_is_refused_before_it_has_arrived),
		cmocka_unit_test(a_type_of_one_length_has_no_other),
		cmocka_unit_test(a_connack_is_read),
		cmocka_unit_test(a_publish_has_an_id_when_it_is_to_be_answered),
		cmocka_unit_test(a_publish_has_a_qos_that_there_is),
		cmocka_unit_test(a_publish_names_one_topic),
		cmocka_unit_test(filters_come_one_by_one),
		cmocka_unit_test(a_subscribe_asks_for_something),
		cmocka_unit_test(an_unsubscribe_asks_for_something),
		cmocka_unit_test(a_suback_has_codes_that_there_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
