/* A device's AMQP and a server that is not ours (Qpid Proton) understand each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <proton/condition.h>
#include <proton/connection.h>
#include <proton/connection_driver.h>
#include <proton/delivery.h>
#include <proton/event.h>
#include <proton/link.h>
#include <proton/message.h>
#include <proton/session.h>
#include <proton/transport.h>

#include "codec/amqp_client.h"

#define ADDRESS  "0ne1/registrations/d1"
#define BODY_MAX 100000

static pn_connection_driver_t server;
static struct amqp_client *client;
static struct buf to_server, to_client;

/* What the server is to do, and what it saw. */
static const char *answer_body, *rejects; /* NULL: it does not */
static size_t answer_n;
static char seen[512];
static size_t seen_body_n;
static int seen_settled; /* of its answers, as accepted */
static bool seen_closed;
static pn_link_t *answers;

static struct {
	int ready, answers, rejected, closed, retry_after;
	size_t body_n;
	char correlation[32], condition[64], description[64];
} told;

static void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), fmt, ap);
	va_end(ap);
}

/* --- the server --- */

static const char *formatted(pn_data_t *data)
{
	static char text[256];
	size_t room = sizeof(text);

	assert_int_equal(0, pn_data_format(data, text, &room));
	return text;
}

static void send_answer(pn_atom_t correlation)
{
	static char bytes[2 * BODY_MAX];
	size_t n = sizeof(bytes);
	pn_message_t *m = pn_message();
	pn_data_t *properties = pn_message_properties(m);

	pn_data_put_string(pn_message_correlation_id(m), correlation.u.as_bytes);
	pn_data_put_map(properties);
	pn_data_enter(properties);
	pn_data_put_string(properties, pn_bytes(11, "retry-after"));
	pn_data_put_int(properties, 300);
	pn_data_exit(properties);
	pn_message_set_inferred(m, true);
	pn_data_put_binary(pn_message_body(m), pn_bytes(answer_n, answer_body));
	assert_int_equal(0, pn_message_encode(m, bytes, &n));
	pn_message_free(m);
	pn_delivery(answers, pn_dtag("tag", 3));
	assert_int_equal(n, pn_link_send(answers, bytes, n));
	pn_link_advance(answers);
}

static void take_question(pn_delivery_t *d)
{
	static char bytes[2 * BODY_MAX];
	pn_link_t *l = pn_delivery_link(d);
	ssize_t n = pn_link_recv(l, bytes, sizeof(bytes));
	pn_message_t *m = pn_message();
	pn_condition_t *condition;
	pn_atom_t correlation;

	assert_true(n > 0);
	assert_int_equal(0, pn_message_decode(m, bytes, (size_t)n));
	correlation = pn_message_get_correlation_id(m);
	assert_int_equal(PN_STRING, correlation.type);
	note("\"%.*s\" ", (int)correlation.u.as_bytes.size, correlation.u.as_bytes.start);
	note("%s\n", formatted(pn_message_properties(m)));
	pn_data_rewind(pn_message_body(m));
	assert_true(pn_data_next(pn_message_body(m)));
	seen_body_n = pn_data_get_binary(pn_message_body(m)).size;
	pn_link_advance(l);
	if (rejects) {
		condition = pn_disposition_condition(pn_delivery_local(d));
		pn_condition_set_name(condition, rejects);
		pn_condition_set_description(condition, "no");
	}
	pn_delivery_update(d, rejects ? PN_REJECTED : PN_ACCEPTED);
	pn_delivery_settle(d);
	pn_link_flow(l, 1);
	if (!rejects)
		send_answer(correlation);
	pn_message_free(m);
}

static void open_link(pn_link_t *l)
{
	pn_terminus_copy(pn_link_source(l), pn_link_remote_source(l));
	pn_terminus_copy(pn_link_target(l), pn_link_remote_target(l));
	pn_link_open(l);
	if (pn_link_is_receiver(l)) {
		note("sends to %s\n", pn_terminus_get_address(pn_link_remote_target(l)));
		pn_link_flow(l, 1);
	} else {
		note("hears from %s %s\n", pn_terminus_get_address(pn_link_remote_source(l)), formatted(pn_link_remote_properties(l)));
		answers = l;
	}
}

static void on_delivery(pn_delivery_t *d)
{
	if (pn_delivery_readable(d) && !pn_delivery_partial(d))
		take_question(d);
	else if (pn_link_is_sender(pn_delivery_link(d)) && pn_delivery_settled(d)) {
		seen_settled += pn_delivery_remote_state(d) == PN_ACCEPTED;
		pn_delivery_settle(d);
	}
}

static void server_events(void)
{
	pn_event_t *e;

	while ((e = pn_connection_driver_next_event(&server)) != NULL)
		switch (pn_event_type(e)) {
		case PN_CONNECTION_REMOTE_OPEN: pn_connection_open(pn_event_connection(e)); break;
		case PN_SESSION_REMOTE_OPEN: pn_session_open(pn_event_session(e)); break;
		case PN_LINK_REMOTE_OPEN: open_link(pn_event_link(e)); break;
		case PN_DELIVERY: on_delivery(pn_event_delivery(e)); break;
		case PN_CONNECTION_REMOTE_CLOSE:
			seen_closed = !pn_condition_is_set(pn_connection_remote_condition(pn_event_connection(e)));
			break;
		case PN_TRANSPORT_ERROR: fail_msg("%s", pn_condition_get_description(pn_transport_condition(server.transport))); break;
		default: break;
		}
}

static void server_hears(struct slice bytes)
{
	while (bytes.n > 0) {
		pn_rwbytes_t room = pn_connection_driver_read_buffer(&server);
		struct slice part = slice_to(bytes, room.size);

		assert_true(room.size > 0);
		memcpy(room.start, part.p, part.n);
		pn_connection_driver_read_done(&server, part.n);
		bytes = slice_from(bytes, part.n);
		server_events();
	}
}

static void server_speaks(void)
{
	pn_bytes_t bytes;

	server_events();
	while ((bytes = pn_connection_driver_write_buffer(&server)).size > 0) {
		buf_add(&to_client, slice_over(bytes.start, bytes.size));
		pn_connection_driver_write_done(&server, bytes.size);
		server_events();
	}
}

/* --- the client --- */

static void on_event(const struct amqp_client_event *e)
{
	struct amqp_cursor c = amqp_over(e->message.correlation);
	struct slice correlation = amqp_next_text(&c);

	told.ready += e->kind == AMQP_CLIENT_READY;
	told.rejected += e->kind == AMQP_CLIENT_REJECTED;
	told.closed += e->kind == AMQP_CLIENT_CLOSED;
	snprintf(told.condition, sizeof(told.condition), "%.*s", SLICE_ARG(e->condition));
	snprintf(told.description, sizeof(told.description), "%.*s", SLICE_ARG(e->description));
	if (e->kind != AMQP_CLIENT_ANSWER)
		return;
	told.answers++;
	told.retry_after = e->retry_after;
	told.body_n = e->message.body.n;
	snprintf(told.correlation, sizeof(told.correlation), "%.*s", SLICE_ARG(correlation));
}

/* Until neither has anything more to say. */
static void talk(void)
{
	struct amqp_client_event e;
	bool more = true;

	while (more) {
		struct slice rest;

		buf_clear(&to_server);
		buf_add(&to_server, amqp_client_output(client));
		amqp_client_output_taken(client);
		more = to_server.n > 0;
		server_hears(buf_slice(&to_server));
		buf_clear(&to_client);
		server_speaks();
		rest = buf_slice(&to_client);
		more |= rest.n > 0;
		while (amqp_client_read(client, &rest, &e))
			on_event(&e);
		assert_int_equal(0, rest.n);
	}
}

static void ask(size_t body_n)
{
	char *body = calloc(1, body_n);
	const struct amqp_question q = {
		.correlation = "c1", .operation = "iotdps-get-operationstatus", .operation_id = "5.o", .body = slice_over(body, body_n)};

	assert_int_equal(OK, amqp_client_ask(client, &q));
	free(body);
	talk();
}

static int set_up(void **state)
{
	const struct amqp_client_conf conf = {
		.container = "d1", .host = "global.berth.test", .address = SLICE(ADDRESS), .api = "2021-06-01", .client = "test/1"};

	(void)state;
	memset(&told, 0, sizeof(told));
	seen[0] = '\0';
	seen_settled = 0;
	seen_closed = false;
	rejects = NULL;
	answer_body = "{}";
	answer_n = 2;
	buf_init(&to_server, 1000000);
	buf_init(&to_client, 1000000);
	assert_int_equal(0, pn_connection_driver_init(&server, NULL, NULL));
	pn_transport_set_server(server.transport);
	client = amqp_client_new(&conf);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	amqp_client_free(&client);
	pn_connection_driver_destroy(&server);
	buf_fini(&to_server);
	buf_fini(&to_client);
	return 0;
}

/* --- the tests --- */

static void questions_and_answers_are_understood(void **state)
{
	(void)state;
	talk();
	assert_int_equal(1, told.ready);
	for (int i = 1; i < 30; i++) {
		ask(10);
		assert_int_equal(i, told.answers);
		assert_int_equal(300, told.retry_after);
		assert_string_equal("c1", told.correlation);
		assert_int_equal(i, seen_settled);
		if (i == 1)
			assert_string_equal("hears from " ADDRESS " {:\"com.microsoft:api-version\"=\"2021-06-01\", "
					    ":\"com.microsoft:client-version\"=\"test/1\"}\n"
					    "sends to " ADDRESS "\n"
					    "\"c1\" {\"iotdps-operation-type\"=\"iotdps-get-operationstatus\", "
					    "\"iotdps-operation-id\"=\"5.o\"}\n",
					    seen);
		seen[0] = '\0';
	}
	assert_int_equal(10, seen_body_n);
	amqp_client_close(client);
	talk();
	assert_true(seen_closed);
	assert_int_equal(0, told.closed);
}

static void frames_are_as_large_as_the_peer_takes_them(void **state)
{
	char *body = calloc(1, BODY_MAX);

	(void)state;
	pn_transport_set_max_frame(server.transport, 512);
	answer_body = body;
	answer_n = BODY_MAX;
	talk();
	for (int i = 1; i < 4; i++) {
		ask(BODY_MAX);
		assert_int_equal(BODY_MAX, seen_body_n);
		assert_int_equal(i, told.answers);
		assert_int_equal(BODY_MAX, told.body_n);
	}
	free(body);
}

static void a_rejection_is_understood(void **state)
{
	(void)state;
	rejects = "amqp:not-found";
	talk();
	ask(10);
	assert_int_equal(1, told.rejected);
	assert_int_equal(0, told.answers);
	rejects = NULL;
	ask(10);
	assert_int_equal(1, told.answers);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(questions_and_answers_are_understood),
		TEST(frames_are_as_large_as_the_peer_takes_them),
		TEST(a_rejection_is_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
