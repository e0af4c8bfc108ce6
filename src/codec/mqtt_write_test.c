/* MQTT packets that are sent: their bytes, that they come back the same, and what is not sent. */
#include "codec/test_mqtt.h"

#define OUT_MAX (4 * 1024 * 1024)

static struct buf out;

static int set_up(void **state)
{
	(void)state;
	buf_init(&out, OUT_MAX);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	buf_fini(&out);
	return 0;
}

/* What was read is written as the same bytes. */
static void comes_back(struct slice bytes)
{
	assert_int_equal(read_bytes(bytes), OK);
	buf_clear(&out);
	mqtt_write(&out, &packet);
	assert_false(buf_failed(&out));
	if (!slice_eq(buf_slice(&out), slice_to(bytes, size)))
		fail_msg("%s comes back differently", mqtt_type_name(packet.type));
}

static void every_type_comes_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < TYPES; i++)
		comes_back(every_type[i].bytes);
}

/* device-api.md 10.2 and 10.5 */
static void what_the_sdks_wait_for_is_written_as_they_want_it(void **state)
{
	(void)state;
	mqtt_write(&out, &(struct mqtt_packet){MQTT_CONNACK});
	mqtt_write(&out, &(struct mqtt_packet){MQTT_SUBACK, .suback = {1, SLICE("\x01")}});
	mqtt_write(&out, &(struct mqtt_packet){MQTT_PUBACK, .id = 2});
	mqtt_write(&out, &(struct mqtt_packet){MQTT_PUBLISH, .publish = {1, .id = 1, .topic = SLICE("t/1"), .payload = SLICE("{}")}});
	mqtt_write(&out, &(struct mqtt_packet){MQTT_PINGRESP});
	assert_true(slice_eq(buf_slice(&out), SLICE("\x20\x02\x00\x00"
						    "\x90\x03\x00\x01\x01"
						    "\x40\x02\x00\x02"
						    "\x32\x09\x00\x03t/1\x00\x01{}"
						    "\xd0\x00")));
}

/* The forms that the packets of every_type do not have. */
static void a_connect_comes_back_with_what_it_has(void **state)
{
	(void)state;
	comes_back(SLICE("\x10\x0c" MQTT4 "\x02\x00\x00\x00\x00"));
	comes_back(SLICE("\x10\x11" MQTT4 "\x00\xff\xff" CLIENT_ID));
	comes_back(SLICE("\x10\x14" MQTT4 "\x82\x00\x3c" CLIENT_ID "\x00\x01u"));
	comes_back(SLICE("\x10\x15" MQTT4 "\xc2\x00\x3c" CLIENT_ID "\x00\x00\x00\x00"));
	comes_back(SLICE("\x10\x19" MQTT4 "\x36\x00\x3c" CLIENT_ID TOPIC "\x00\x01w"));
	comes_back(SLICE("\x10\x18" MQTT4 "\x04\x00\x3c" CLIENT_ID TOPIC "\x00\x00"));
}

static void a_publish_comes_back_with_what_it_has(void **state)
{
	(void)state;
	comes_back(SLICE("\x30\x05" TOPIC));
	comes_back(SLICE("\x31\x08" TOPIC "xyz"));
	comes_back(SLICE("\x32\x07" TOPIC "\x00\x01"));
	comes_back(SLICE("\x3a\x07" TOPIC "\xff\xff"));
	comes_back(SLICE("\x3c\x08" TOPIC "\x00\x01z"));
}

static void the_puback_of_dotnet_comes_back(void **state)
{
	(void)state;
	comes_back(SLICE("\x40\x02\x00\x00")); /* device-api.md 10.4: devices that are simulated may send it, too */
}

static void a_session_that_is_there_comes_back(void **state)
{
	(void)state;
	comes_back(SLICE("\x20\x02\x01\x00"));
}

/* Section 2.2.3, the table of limits. */
static void the_remaining_length_takes_no_more_bytes_than_it_needs(void **state)
{
	static const struct {
		size_t length;
		struct slice head;
	} cases[] = {
		{127, SLICE("\x30\x7f")},           {128, SLICE("\x30\x80\x01")},         {16383, SLICE("\x30\xff\x7f")},
		{16384, SLICE("\x30\x80\x80\x01")}, {2097151, SLICE("\x30\xff\xff\x7f")}, {2097152, SLICE("\x30\x80\x80\x80\x01")},
	};
	static char zeros[2097152];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slice payload = slice_over(zeros, cases[i].length - 5);

		buf_clear(&out);
		mqtt_write(&out, &(struct mqtt_packet){MQTT_PUBLISH, .publish = {.topic = SLICE("t/1"), .payload = payload}});
		assert_true(slice_starts(buf_slice(&out), cases[i].head));
		assert_int_equal(out.n, cases[i].head.n + cases[i].length);
		assert_int_equal(read_up_to(cases[i].length, buf_slice(&out)), OK);
		assert_int_equal(packet.publish.payload.n, payload.n);
	}
}

static void texts_may_be_as_long_as_their_length_can_say(void **state)
{
	static char text[MQTT_TEXT_MAX];
	struct slice t = slice_over(memset(text, 'x', sizeof(text)), sizeof(text));
	struct buf list;

	(void)state;
	mqtt_write(&out, &(struct mqtt_packet){MQTT_CONNECT,
					       .connect = {.client_id = t, .will_topic = t, .will_message = t, .user = t, .password = t}});
	assert_false(buf_failed(&out));
	assert_int_equal(read_up_to(out.n, buf_slice(&out)), OK);
	assert_true(slice_eq(packet.connect.will_message, t) && slice_eq(packet.connect.password, t));
	buf_init(&list, OUT_MAX);
	mqtt_add_filter(MQTT_SUBSCRIBE, &list, (struct mqtt_filter){t, 1});
	assert_false(buf_failed(&list));
	buf_clear(&out);
	mqtt_write(&out, &(struct mqtt_packet){MQTT_SUBSCRIBE, .filters = {1, buf_slice(&list)}});
	assert_int_equal(read_bytes(buf_slice(&out)), OK);
	buf_fini(&list);
}

static void filters_are_added_to_a_list(void **state)
{
	struct buf list;

	(void)state;
	buf_init(&list, 100);
	mqtt_add_filter(MQTT_SUBSCRIBE, &list, (struct mqtt_filter){SLICE("t/1"), 1});
	mqtt_add_filter(MQTT_SUBSCRIBE, &list, (struct mqtt_filter){SLICE("+/"), 2});
	mqtt_write(&out, &(struct mqtt_packet){MQTT_SUBSCRIBE, .filters = {1, buf_slice(&list)}});
	assert_true(slice_eq(buf_slice(&out), every_type[MQTT_SUBSCRIBE - 1].bytes));
	buf_clear(&list);
	buf_clear(&out);
	mqtt_add_filter(MQTT_UNSUBSCRIBE, &list, (struct mqtt_filter){SLICE("t/1"), 1});
	mqtt_add_filter(MQTT_UNSUBSCRIBE, &list, (struct mqtt_filter){SLICE("+/"), 0});
	mqtt_write(&out, &(struct mqtt_packet){MQTT_UNSUBSCRIBE, .filters = {1, buf_slice(&list)}});
	assert_true(slice_eq(buf_slice(&out), every_type[MQTT_UNSUBSCRIBE - 1].bytes));
	buf_fini(&list);
}

static void a_filter_that_does_not_fit_fails_its_list(void **state)
{
	static char longer[MQTT_TEXT_MAX + 1];
	struct buf list;

	(void)state;
	buf_init(&list, OUT_MAX);
	mqtt_add_filter(MQTT_SUBSCRIBE, &list, (struct mqtt_filter){slice_over(longer, sizeof(longer)), 1});
	assert_true(buf_failed(&list));
	buf_fini(&list);
	buf_init(&list, 5);
	mqtt_add_filter(MQTT_SUBSCRIBE, &list, (struct mqtt_filter){SLICE("t/1"), 1});
	assert_true(buf_failed(&list));
	buf_fini(&list);
}

/* [MQTT-3.1.2-2], and MQTT 5.0 section 3.1.2.2 for those who speak that. */
static void a_client_of_another_level_is_told_in_its_own_words(void **state)
{
	(void)state;
	mqtt_write_unsupported(&out, 3);
	assert_true(slice_eq(buf_slice(&out), SLICE("\x20\x02\x00\x01")));
	buf_clear(&out);
	mqtt_write_unsupported(&out, 5);
	assert_true(slice_eq(buf_slice(&out), SLICE("\x20\x03\x00\x84\x00")));
	buf_clear(&out);
	mqtt_write_unsupported(&out, 0x84);
	assert_true(slice_eq(buf_slice(&out), SLICE("\x20\x02\x00\x01")));
}

static void is_not_sent(struct mqtt_packet p, const char *sentence)
{
	enum err e = mqtt_check(&p, &why);

	if (e == OK || strcmp(why, sentence) != 0)
		fail_msg("%s (%s) instead of: %s", err_text(e), why ? why : "", sentence);
	buf_clear(&out);
	mqtt_write(&out, &p);
	assert_true(buf_failed(&out));
	assert_int_equal(out.n, 0);
}

#define NOT_SENT(sentence, ...) is_not_sent((struct mqtt_packet){__VA_ARGS__}, sentence)

/* Each rule for values is tested where packets are read; these can only be broken by a sender. */
static void what_no_reader_would_take_is_not_sent(void **state)
{
	static char longer[MQTT_TEXT_MAX + 1];
	struct slice too_long = slice_over(memset(longer, 'x', sizeof(longer)), sizeof(longer));
	struct slice t = SLICE("t/1");

	(void)state;
	NOT_SENT("The packet type is reserved.", 0);
	NOT_SENT("The packet type is reserved.", 15);
	NOT_SENT("The client id is no text.", MQTT_CONNECT, .connect = {.client_id = too_long});
	NOT_SENT("The user name is no text.", MQTT_CONNECT, .connect = {.client_id = t, .user = too_long});
	NOT_SENT("The password is too long.", MQTT_CONNECT, .connect = {.client_id = t, .user = t, .password = too_long});
	NOT_SENT("A will has a topic and a message.", MQTT_CONNECT, .connect = {.client_id = t, .will_topic = t});
	NOT_SENT("A will has a topic and a message.", MQTT_CONNECT, .connect = {.client_id = t, .will_message = t});
	NOT_SENT("The QoS of the will is not 0, 1 or 2.", MQTT_CONNECT,
		 .connect = {.client_id = t, .will_topic = t, .will_message = t, .will_qos = 4});
	NOT_SENT("The message of the will is too long.", MQTT_CONNECT,
		 .connect = {.client_id = t, .will_topic = t, .will_message = too_long});
	NOT_SENT("A session that lasts needs a client id.", MQTT_CONNECT, .connect = {.clean_session = false});
	NOT_SENT("The QoS is not 0, 1 or 2.", MQTT_PUBLISH, .publish = {.qos = 8, .id = 1, .topic = t});
	NOT_SENT("The packet id does not go with the QoS.", MQTT_PUBLISH, .publish = {.id = 1, .topic = t}); /* [MQTT-2.3.1-5] */
	NOT_SENT("The topic is no topic name.", MQTT_PUBLISH, .publish = {.topic = too_long});               /* [MQTT-4.7.3-3] */
	NOT_SENT("The topic is no topic name.", MQTT_PUBLISH, .publish = {.payload = SLICE("x")});
}

static void a_packet_that_breaks_a_rule_is_not_sent_either(void **state)
{
	struct slice t = SLICE("t/1");

	(void)state;
	NOT_SENT("There is a session, but no connection.", MQTT_CONNACK, .connack = {true, MQTT_BAD_USER}); /* [MQTT-3.2.2-4] */
	NOT_SENT("The return code is none of MQTT 3.1.1.", MQTT_CONNACK, .connack = {false, 6});
	NOT_SENT("A message of QoS 0 is sent a second time.", MQTT_PUBLISH, .publish = {.dup = true, .topic = t}); /* [MQTT-3.3.1-2] */
	NOT_SENT("The packet id does not go with the QoS.", MQTT_PUBLISH, .publish = {.qos = 1, .topic = t});      /* [MQTT-2.3.1-1] */
	NOT_SENT("The topic is no topic name.", MQTT_PUBLISH, .publish = {.topic = SLICE("t/+")});                 /* [MQTT-3.3.2-2] */
	NOT_SENT("The packet id is 0.", MQTT_PUBREL, .id = 0);
	NOT_SENT("The packet id is 0.", MQTT_SUBACK, .suback = {0, SLICE("\x01")});
	NOT_SENT("A return code is reserved.", MQTT_SUBACK, .suback = {1, SLICE("\x03")}); /* [MQTT-3.9.3-2] */
	NOT_SENT("There is no topic filter.", MQTT_UNSUBSCRIBE, .filters = {1, SLICE("")});
	NOT_SENT("The last topic filter is cut short.", MQTT_SUBSCRIBE, .filters = {1, SLICE("\x00\x01t")});
}

static void a_packet_is_written_whole_or_not_at_all(void **state)
{
	(void)state;
	for (size_t i = 0; i < TYPES; i++) {
		struct slice whole = every_type[i].bytes;

		assert_int_equal(read_bytes(whole), OK);
		for (size_t room = 0; room < whole.n; room++) {
			buf_fini(&out);
			buf_init(&out, room);
			mqtt_write(&out, &packet);
			assert_true(buf_failed(&out));
			assert_int_equal(out.n, 0);
		}
		buf_fini(&out);
		buf_init(&out, whole.n);
		mqtt_write(&out, &packet);
		assert_false(buf_failed(&out));
	}
}

static void a_packet_is_not_longer_than_its_length_can_say(void **state)
{
	static const char byte;
	struct slice never_read = slice_over(&byte, MQTT_LENGTH_MAX - 4);

	(void)state;
	buf_fini(&out);
	buf_init(&out, SIZE_MAX);
	mqtt_write(&out, &(struct mqtt_packet){MQTT_PUBLISH, .publish = {.topic = SLICE("t/1"), .payload = never_read}});
	assert_true(buf_failed(&out));
	assert_int_equal(out.n, 0);
}

static void every_type_has_a_name(void **state)
{
	(void)state;
	assert_string_equal(mqtt_type_name(MQTT_CONNECT), "CONNECT");
	assert_string_equal(mqtt_type_name(MQTT_UNSUBACK), "UNSUBACK");
	assert_string_equal(mqtt_type_name(MQTT_DISCONNECT), "DISCONNECT");
	assert_string_equal(mqtt_type_name(0), "?");
	assert_string_equal(mqtt_type_name(15), "?");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_type_comes_back),
		TEST(what_the_sdks_wait_for_is_written_as_they_want_it),
		TEST(a_connect_comes_back_with_what_it_has),
		TEST(a_publish_comes_back_with_what_it_has),
		TEST(the_puback_of_dotnet_comes_back),
		TEST(a_session_that_is_there_comes_back),
		TEST(the_remaining_length_takes_no_more_bytes_than_it_needs),
		TEST(texts_may_be_as_long_as_their_length_can_say),
		TEST(filters_are_added_to_a_list),
		TEST(a_filter_that_does_not_fit_fails_its_list),
		TEST(a_client_of_another_level_is_told_in_its_own_words),
		TEST(what_no_reader_would_take_is_not_sent),
		TEST(a_packet_that_breaks_a_rule_is_not_sent_either),
		TEST(a_packet_is_written_whole_or_not_at_all),
		TEST(a_packet_is_not_longer_than_its_length_can_say),
		TEST(every_type_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
