/*
 * One MQTT connection, with a service that lets in who has the user name "good", and sends back to "answers/..." what comes to
 * "ask/...". The names of the tests stand in docs/protocols.md.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/log.h"
#include "io/test_stream.h"
#include "protocol/mqtt_server.h"

#define START ((instant)17000000000000000)

/* --- the service --- */

struct session {
	struct connection *c;
	bool holds; /* requests are kept until the test lets go */
	bool subscribed, asked_late;
	uint8_t qos;
	int pending, published;
};

static struct session *session;
static int ended;

static void begin(void *it, struct connection *c)
{
	session = it;
	session->c = c;
}

static void connect(void *it, const struct mqtt_connect *p)
{
	struct session *s = it;

	if (slice_eq(p->user, SLICE("late"))) {
		s->asked_late = true;
		return;
	}
	mqtt_connack(s->c, slice_eq(p->user, SLICE("good")) ? MQTT_ACCEPTED : MQTT_NOT_AUTHORIZED);
}

static uint8_t subscribe(void *it, const struct mqtt_filter *f)
{
	struct session *s = it;

	if (!slice_eq(f->text, SLICE("answers/#")))
		return MQTT_NOT_SUBSCRIBED;
	s->subscribed = true;
	s->qos = f->qos > 1 ? 1 : f->qos;
	return s->qos;
}

static void unsubscribe(void *it, struct slice filter)
{
	struct session *s = it;

	if (slice_eq(filter, SLICE("answers/#")))
		s->subscribed = false;
}

static const char *publish(void *it, const struct mqtt_publish *p)
{
	struct session *s = it;

	if (!slice_starts(p->topic, SLICE("ask/")))
		return "a topic that nobody has";
	s->published++;
	if (s->holds)
		s->pending++;
	else if (s->subscribed)
		mqtt_send(s->c, s->qos, SLICE("answers/1"), p->payload);
	return NULL;
}

static bool busy(const void *it)
{
	return ((const struct session *)it)->pending > 0;
}

static bool full(const void *it)
{
	return ((const struct session *)it)->pending >= 2;
}

static void end(void *it)
{
	assert_ptr_equal(it, session);
	session = NULL;
	ended++;
}

static const struct mqtt_service service = {sizeof(struct session), begin, connect, subscribe, unsubscribe, publish, busy, full, end};

/* --- the scene --- */

static struct loop *loop;
static struct test_stream stream;
static struct connection *connection; /* NULL: it has ended */
static size_t seen;                   /* how much of what was written has been looked at */
static int house;

static void on_closed(void *cookie, struct connection *c)
{
	(void)cookie;
	(void)c;
	connection = NULL;
}

static const struct protocol_env env = {&house, on_closed, NULL};

static int set_up(void **state)
{
	struct stream *s;

	(void)state;
	log_set_level(LOG_ERROR);
	assert_int_equal(loop_new_manual(START, &loop), OK);
	s = test_stream_init(&stream, loop);
	ended = 0;
	seen = 0;
	connection = mqtt_server_open(loop, &s, &env, &service);
	assert_non_null(connection);
	assert_null(s);
	loop_settle(loop);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (connection)
		mqtt_server_abort(connection);
	assert_int_equal(ended, 1);
	assert_true(stream.closed);
	test_stream_fini(&stream);
	loop_free(&loop);
	return 0;
}

static void send_bytes(struct slice bytes)
{
	while (bytes.n > 0 && !stream.closed) {
		size_t n = test_stream_feed(&stream, bytes);

		loop_settle(loop);
		if (n == 0)
			break;
		bytes = slice_from(bytes, n);
	}
}

static void send_packet(struct mqtt_packet p)
{
	struct buf bytes;

	buf_init(&bytes, 200000);
	mqtt_write(&bytes, &p);
	assert_false(buf_failed(&bytes));
	send_bytes(buf_slice(&bytes));
	buf_fini(&bytes);
}

/* The next packet that was sent to the client. */
static struct mqtt_packet next_packet(void)
{
	struct mqtt_packet p;
	const char *why;
	size_t size;

	assert_int_equal(mqtt_read(slice_from(buf_slice(&stream.out), seen), MQTT_PACKET_MAX, &p, &size, &why), OK);
	seen += size;
	return p;
}

static void assert_nothing_more(void)
{
	assert_int_equal(stream.out.n, seen);
}

static void assert_closed(void)
{
	assert_nothing_more();
	assert_null(connection);
}

static void send_connect(const char *user, uint16_t keep_alive)
{
	send_packet((struct mqtt_packet){.type = MQTT_CONNECT,
					 .connect = {.level = MQTT_LEVEL,
						     .client_id = SLICE("dev-1"),
						     .keep_alive = keep_alive,
						     .user = slice_str(user),
						     .password = SLICE("secret")}});
}

static void log_in(uint16_t keep_alive)
{
	struct mqtt_packet p;

	send_connect("good", keep_alive);
	p = next_packet();
	assert_int_equal(p.type, MQTT_CONNACK);
	assert_int_equal(p.connack.code, MQTT_ACCEPTED);
	assert_false(p.connack.session_present);
}

static void subscribe_to(const char *filter, uint8_t qos, uint16_t id)
{
	struct buf list;

	buf_init(&list, 4096);
	mqtt_add_filter(MQTT_SUBSCRIBE, &list, (struct mqtt_filter){slice_str(filter), qos});
	send_packet((struct mqtt_packet){.type = MQTT_SUBSCRIBE, .filters = {id, buf_slice(&list)}});
	buf_fini(&list);
}

static void ask(uint8_t qos, uint16_t id, struct slice payload)
{
	send_packet((struct mqtt_packet){.type = MQTT_PUBLISH,
					 .publish = {.qos = qos, .id = id, .topic = SLICE("ask/it"), .payload = payload}});
}

static struct mqtt_packet expect(enum mqtt_type type)
{
	struct mqtt_packet p = next_packet();

	assert_string_equal(mqtt_type_name(p.type), mqtt_type_name(type));
	return p;
}

/* --- CONNECT --- */

static void the_first_packet_is_a_connect_or_the_end(void **state)
{
	(void)state;
	send_packet((struct mqtt_packet){.type = MQTT_PINGREQ});
	assert_closed();
}

static void a_second_connect_is_the_end(void **state)
{
	(void)state;
	log_in(0);
	send_connect("good", 0);
	assert_closed();
}

static void a_good_connect_is_answered_first_and_without_a_session(void **state)
{
	(void)state;
	log_in(0);
	assert_nothing_more();
	assert_non_null(connection);
}

static void who_is_refused_hears_the_code_and_nothing_more(void **state)
{
	struct buf bytes;

	(void)state;
	buf_init(&bytes, 4096);
	mqtt_write(&bytes, &(struct mqtt_packet){.type = MQTT_CONNECT,
						 .connect = {.level = MQTT_LEVEL, .client_id = SLICE("dev-1"), .user = SLICE("bad")}});
	mqtt_write(&bytes, &(struct mqtt_packet){.type = MQTT_PINGREQ});
	send_bytes(buf_slice(&bytes));
	buf_fini(&bytes);
	assert_int_equal(expect(MQTT_CONNACK).connack.code, MQTT_NOT_AUTHORIZED);
	assert_closed();
	assert_false(stream.aborted);
}

static void another_level_is_answered_in_its_own_words(void **state)
{
	(void)state;
	send_bytes(SLICE("\x10\x0c\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x00"));
	assert_memory_equal(stream.out.p, "\x20\x03\x00\x84\x00", 5);
	assert_int_equal(stream.out.n, 5);
	assert_null(connection);
}

static void an_empty_client_id_that_wants_to_last_is_refused_with_2(void **state)
{
	(void)state;
	send_bytes(SLICE("\x10\x0c\x00\x04MQTT\x04\x00\x00\x3c\x00\x00"));
	assert_int_equal(expect(MQTT_CONNACK).connack.code, MQTT_BAD_CLIENT_ID);
	assert_closed();
}

static void a_connect_that_breaks_a_rule_is_not_answered(void **state)
{
	(void)state;
	send_bytes(SLICE("\x10\x0c\x00\x04MQTT\x04\x01\x00\x3c\x00\x00"));
	assert_int_equal(stream.out.n, 0);
	assert_closed();
}

static void while_it_is_asked_who_somebody_is_nothing_else_is_read(void **state)
{
	(void)state;
	send_connect("late", 60);
	send_packet((struct mqtt_packet){.type = MQTT_PINGREQ});
	assert_true(session->asked_late);
	assert_nothing_more();
	mqtt_connack(session->c, MQTT_ACCEPTED);
	loop_settle(loop);
	expect(MQTT_CONNACK);
	expect(MQTT_PINGRESP);
	assert_nothing_more();
}

/* --- silence --- */

static void who_never_says_connect_is_cut_off(void **state)
{
	(void)state;
	loop_advance(loop, MQTT_CONNECT_MS - 1000);
	assert_non_null(connection);
	send_bytes(SLICE("\x10"));
	loop_advance(loop, 3000);
	assert_closed();
}

static void one_and_a_half_keep_alives_of_silence_are_the_end(void **state)
{
	(void)state;
	log_in(60);
	loop_advance(loop, 89000);
	send_packet((struct mqtt_packet){.type = MQTT_PINGREQ});
	expect(MQTT_PINGRESP);
	loop_advance(loop, 89000);
	assert_non_null(connection);
	loop_advance(loop, 3000);
	assert_closed();
}

static void without_a_keep_alive_ten_minutes_are(void **state)
{
	(void)state;
	log_in(0);
	loop_advance(loop, MQTT_IDLE_MS - 1000);
	assert_non_null(connection);
	loop_advance(loop, 3000);
	assert_closed();
}

static void bytes_of_a_packet_that_never_ends_are_silence_too(void **state)
{
	(void)state;
	log_in(10);
	send_bytes(SLICE("\x30\x20"));
	for (int i = 0; i < 20; i++) {
		loop_advance(loop, 1000);
		send_bytes(SLICE("x"));
	}
	assert_closed();
}

static void while_the_service_thinks_the_silence_is_ours(void **state)
{
	(void)state;
	send_connect("late", 1);
	loop_advance(loop, 60000);
	assert_non_null(connection);
	mqtt_connack(session->c, MQTT_ACCEPTED);
	loop_settle(loop);
	expect(MQTT_CONNACK);
	loop_advance(loop, 4000);
	assert_closed();
}

/* --- subscribing --- */

static void each_filter_gets_its_code_in_order_under_the_id_of_the_packet(void **state)
{
	struct mqtt_packet p;
	struct buf list;

	(void)state;
	log_in(0);
	buf_init(&list, 4096);
	mqtt_add_filter(MQTT_SUBSCRIBE, &list, (struct mqtt_filter){SLICE("a/+"), 1});
	mqtt_add_filter(MQTT_SUBSCRIBE, &list, (struct mqtt_filter){SLICE("answers/#"), 2});
	mqtt_add_filter(MQTT_SUBSCRIBE, &list, (struct mqtt_filter){SLICE("#"), 0});
	send_packet((struct mqtt_packet){.type = MQTT_SUBSCRIBE, .filters = {777, buf_slice(&list)}});
	buf_fini(&list);
	p = expect(MQTT_SUBACK);
	assert_int_equal(p.suback.id, 777);
	assert_true(slice_eq(p.suback.codes, SLICE("\x80\x01\x80")));
	assert_nothing_more();
}

static void the_same_filter_again_replaces_the_subscription(void **state)
{
	(void)state;
	log_in(0);
	subscribe_to("answers/#", 1, 1);
	expect(MQTT_SUBACK);
	subscribe_to("answers/#", 0, 2);
	assert_true(slice_eq(expect(MQTT_SUBACK).suback.codes, SLICE("\0")));
	ask(0, 0, SLICE("x"));
	assert_int_equal(expect(MQTT_PUBLISH).publish.qos, 0);
	assert_nothing_more();
}

static void what_was_unsubscribed_is_heard_no_more_and_each_unsubscribe_is_answered(void **state)
{
	struct buf list;

	(void)state;
	log_in(0);
	subscribe_to("answers/#", 1, 1);
	expect(MQTT_SUBACK);
	buf_init(&list, 4096);
	mqtt_add_filter(MQTT_UNSUBSCRIBE, &list, (struct mqtt_filter){SLICE("answers/+"), 0});
	mqtt_add_filter(MQTT_UNSUBSCRIBE, &list, (struct mqtt_filter){SLICE("never/was"), 0});
	send_packet((struct mqtt_packet){.type = MQTT_UNSUBSCRIBE, .filters = {5, buf_slice(&list)}});
	assert_int_equal(expect(MQTT_UNSUBACK).id, 5);
	ask(0, 0, SLICE("x"));
	expect(MQTT_PUBLISH); /* another filter, though it covers the topic, is another subscription */
	buf_clear(&list);
	mqtt_add_filter(MQTT_UNSUBSCRIBE, &list, (struct mqtt_filter){SLICE("answers/#"), 0});
	send_packet((struct mqtt_packet){.type = MQTT_UNSUBSCRIBE, .filters = {6, buf_slice(&list)}});
	buf_fini(&list);
	assert_int_equal(expect(MQTT_UNSUBACK).id, 6);
	ask(0, 0, SLICE("x"));
	assert_nothing_more();
}

static void more_filters_than_we_count_are_the_end(void **state)
{
	struct buf list;

	(void)state;
	log_in(0);
	buf_init(&list, 4096);
	for (int i = 0; i < 65; i++)
		mqtt_add_filter(MQTT_SUBSCRIBE, &list, (struct mqtt_filter){SLICE("a"), 0});
	send_packet((struct mqtt_packet){.type = MQTT_SUBSCRIBE, .filters = {1, buf_slice(&list)}});
	buf_fini(&list);
	assert_closed();
}

/* --- messages --- */

static void a_message_of_qos_1_is_acknowledged_before_it_is_answered(void **state)
{
	struct mqtt_packet p;

	(void)state;
	log_in(0);
	subscribe_to("answers/#", 1, 1);
	expect(MQTT_SUBACK);
	ask(1, 4711, SLICE("hello"));
	assert_int_equal(expect(MQTT_PUBACK).id, 4711);
	p = expect(MQTT_PUBLISH);
	assert_true(slice_eq(p.publish.payload, SLICE("hello")));
	assert_int_equal(p.publish.qos, 1);
	assert_false(p.publish.dup);
	assert_false(p.publish.retain);
	assert_nothing_more();
}

static void a_message_of_qos_0_is_not_acknowledged(void **state)
{
	(void)state;
	log_in(0);
	ask(0, 0, SLICE("hello"));
	assert_int_equal(session->published, 1);
	assert_nothing_more();
}

static void a_message_sent_twice_counts_twice_and_says_nothing_of_ours(void **state)
{
	(void)state;
	log_in(0);
	subscribe_to("answers/#", 1, 1);
	expect(MQTT_SUBACK);
	ask(1, 7, SLICE("x"));
	send_packet((struct mqtt_packet){
		.type = MQTT_PUBLISH,
		.publish = {.qos = 1, .dup = true, .retain = true, .id = 7, .topic = SLICE("ask/it"), .payload = SLICE("x")}});
	for (int i = 0; i < 2; i++) {
		struct mqtt_packet p;

		assert_int_equal(expect(MQTT_PUBACK).id, 7);
		p = expect(MQTT_PUBLISH);
		assert_false(p.publish.dup || p.publish.retain);
	}
	assert_int_equal(session->published, 2);
}

static void a_message_of_qos_2_is_the_end(void **state)
{
	(void)state;
	log_in(0);
	ask(2, 1, SLICE("x"));
	assert_closed();
}

static void a_topic_that_nobody_has_is_the_end(void **state)
{
	(void)state;
	log_in(0);
	send_packet((struct mqtt_packet){.type = MQTT_PUBLISH, .publish = {.topic = SLICE("other")}});
	assert_closed();
}

static void an_id_is_free_before_it_is_used_again(void **state)
{
	(void)state;
	log_in(0);
	subscribe_to("answers/#", 1, 1);
	expect(MQTT_SUBACK);
	/* Three times around all identifiers, while the second message is never acknowledged. */
	for (int i = 0; i < 200000; i++) {
		uint16_t id;

		ask(0, 0, SLICE("x"));
		id = expect(MQTT_PUBLISH).publish.id;
		assert_int_not_equal(id, 0);
		if (i > 1)
			assert_int_not_equal(id, 2);
		if (i != 1)
			send_packet((struct mqtt_packet){.type = MQTT_PUBACK, .id = id});
	}
}

static void a_client_that_acknowledges_nothing_is_cut_off(void **state)
{
	(void)state;
	log_in(0);
	subscribe_to("answers/#", 1, 1);
	expect(MQTT_SUBACK);
	for (int i = 0; i < MQTT_UNACKED; i++) {
		ask(0, 0, SLICE("x"));
		expect(MQTT_PUBLISH);
	}
	assert_non_null(connection);
	ask(0, 0, SLICE("x"));
	assert_closed();
}

static void an_acknowledgement_of_nothing_is_let_pass(void **state)
{
	(void)state;
	log_in(0);
	send_bytes(SLICE("\x40\x02\x00\x00"));
	send_packet((struct mqtt_packet){.type = MQTT_PUBACK, .id = 99});
	send_packet((struct mqtt_packet){.type = MQTT_PINGREQ});
	expect(MQTT_PINGRESP);
}

static void packets_that_only_servers_send_are_the_end(void **state)
{
	(void)state;
	log_in(0);
	send_packet((struct mqtt_packet){.type = MQTT_PINGRESP});
	assert_closed();
}

static void a_malformed_packet_is_the_end(void **state)
{
	(void)state;
	log_in(0);
	send_bytes(SLICE("\xc1\x00"));
	assert_closed();
}

/* --- sizes --- */

static void a_message_larger_than_the_inbox_arrives_whole(void **state)
{
	static char large[98304];

	(void)state;
	memset(large, 'x', sizeof(large));
	log_in(0);
	subscribe_to("answers/#", 1, 1);
	expect(MQTT_SUBACK);
	for (int i = 0; i < 2; i++) {
		ask(1, 3, slice_over(large, sizeof(large)));
		expect(MQTT_PUBACK);
		assert_int_equal(expect(MQTT_PUBLISH).publish.payload.n, sizeof(large));
	}
	send_packet((struct mqtt_packet){.type = MQTT_PINGREQ});
	expect(MQTT_PINGRESP);
}

static void a_message_beyond_the_limit_is_the_end_before_it_has_arrived(void **state)
{
	(void)state;
	log_in(0);
	send_bytes(SLICE("\x30\xff\xff\xff\x7f"));
	assert_closed();
}

static void a_byte_at_a_time_is_as_good(void **state)
{
	static const char packets[] = "\x10\x1a\x00\x04MQTT\x04\xc2\x00\x00\x00\x05"
				      "dev-1\x00\x04good\x00\x01x"
				      "\xc0\x00"
				      "\x82\x0e\x00\x07\x00\x09"
				      "answers/#\x01";

	(void)state;
	for (size_t i = 0; i < sizeof(packets) - 1; i++)
		send_bytes(slice_over(packets + i, 1));
	expect(MQTT_CONNACK);
	expect(MQTT_PINGRESP);
	assert_int_equal(expect(MQTT_SUBACK).suback.id, 7);
}

static void a_client_that_does_not_read_is_cut_off(void **state)
{
	static char large[98304];

	(void)state;
	log_in(0);
	subscribe_to("answers/#", 0, 1);
	stream.stuck = true;
	for (int i = 0; i < 12 && connection; i++)
		ask(0, 0, slice_over(large, sizeof(large)));
	assert_null(connection);
}

static void a_service_that_is_full_is_not_given_more(void **state)
{
	(void)state;
	log_in(0);
	session->holds = true;
	for (int i = 0; i < 5; i++)
		ask(1, (uint16_t)(i + 1), SLICE("x"));
	assert_int_equal(session->published, 2);
	session->pending = 0;
	mqtt_rested(session->c);
	loop_settle(loop);
	assert_int_equal(session->published, 4);
	session->pending = 0;
	mqtt_rested(session->c);
	loop_settle(loop);
	for (int i = 0; i < 5; i++)
		assert_int_equal(expect(MQTT_PUBACK).id, i + 1);
}

/* --- the end --- */

static void a_disconnect_closes_at_once(void **state)
{
	(void)state;
	log_in(0);
	send_packet((struct mqtt_packet){.type = MQTT_DISCONNECT});
	assert_closed();
	assert_false(stream.aborted);
}

static void who_leaves_without_a_word_is_let_go(void **state)
{
	(void)state;
	log_in(0);
	test_stream_end(&stream);
	loop_settle(loop);
	assert_closed();
}

static void a_broken_stream_is_the_end(void **state)
{
	(void)state;
	log_in(0);
	test_stream_break(&stream, ERR_CLOSED);
	assert_closed();
}

static void a_drain_waits_for_what_was_asked(void **state)
{
	(void)state;
	log_in(0);
	session->holds = true;
	ask(0, 0, SLICE("x"));
	mqtt_server_drain(connection);
	loop_settle(loop);
	assert_non_null(connection);
	session->pending = 0;
	mqtt_rested(session->c);
	loop_settle(loop);
	assert_closed();
}

static void a_drain_ends_those_who_ask_nothing(void **state)
{
	(void)state;
	log_in(0);
	mqtt_server_drain(connection);
	loop_settle(loop);
	assert_closed();
}

static void a_drain_does_not_wait_for_a_connect(void **state)
{
	(void)state;
	mqtt_server_drain(connection);
	loop_settle(loop);
	assert_closed();
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(the_first_packet_is_a_connect_or_the_end),
		SCENE(a_second_connect_is_the_end),
		SCENE(a_good_connect_is_answered_first_and_without_a_session),
		SCENE(who_is_refused_hears_the_code_and_nothing_more),
		SCENE(another_level_is_answered_in_its_own_words),
		SCENE(an_empty_client_id_that_wants_to_last_is_refused_with_2),
		SCENE(a_connect_that_breaks_a_rule_is_not_answered),
		SCENE(while_it_is_asked_who_somebody_is_nothing_else_is_read),
		SCENE(who_never_says_connect_is_cut_off),
		SCENE(one_and_a_half_keep_alives_of_silence_are_the_end),
		SCENE(without_a_keep_alive_ten_minutes_are),
		SCENE(bytes_of_a_packet_that_never_ends_are_silence_too),
		SCENE(while_the_service_thinks_the_silence_is_ours),
		SCENE(each_filter_gets_its_code_in_order_under_the_id_of_the_packet),
		SCENE(the_same_filter_again_replaces_the_subscription),
		SCENE(what_was_unsubscribed_is_heard_no_more_and_each_unsubscribe_is_answered),
		SCENE(more_filters_than_we_count_are_the_end),
		SCENE(a_message_of_qos_1_is_acknowledged_before_it_is_answered),
		SCENE(a_message_of_qos_0_is_not_acknowledged),
		SCENE(a_message_sent_twice_counts_twice_and_says_nothing_of_ours),
		SCENE(a_message_of_qos_2_is_the_end),
		SCENE(a_topic_that_nobody_has_is_the_end),
		SCENE(an_id_is_free_before_it_is_used_again),
		SCENE(a_client_that_acknowledges_nothing_is_cut_off),
		SCENE(an_acknowledgement_of_nothing_is_let_pass),
		SCENE(packets_that_only_servers_send_are_the_end),
		SCENE(a_malformed_packet_is_the_end),
		SCENE(a_message_larger_than_the_inbox_arrives_whole),
		SCENE(a_message_beyond_the_limit_is_the_end_before_it_has_arrived),
		SCENE(a_byte_at_a_time_is_as_good),
		SCENE(a_client_that_does_not_read_is_cut_off),
		SCENE(a_service_that_is_full_is_not_given_more),
		SCENE(a_disconnect_closes_at_once),
		SCENE(who_leaves_without_a_word_is_let_go),
		SCENE(a_broken_stream_is_the_end),
		SCENE(a_drain_waits_for_what_was_asked),
		SCENE(a_drain_ends_those_who_ask_nothing),
		SCENE(a_drain_does_not_wait_for_a_connect),
	};

	return cmocka_run_group_tests_name("mqtt_server", tests, NULL, NULL);
}
