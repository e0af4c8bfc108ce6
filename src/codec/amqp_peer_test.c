/* Our AMQP server and a client that is not ours (Qpid Proton) understand each other. */
#include "codec/amqp.h"
#include "codec/test_amqp_client.h"

#define ADDRESS "0ne00AB12CD/registrations/dev-1"

static const char *const plain[] = {"PLAIN"};
static const struct amqp_conf conf = {"berth", plain, 1, 240000, 600000};
static struct amqp *a;
static struct client c;

/* What the server was told, and what it is to do about it. */
static struct {
	uint32_t incoming, outgoing; /* links */
	const char *refuse;          /* links, with this condition */
	struct amqp_delivery deliveries[64];
	char correlation[AMQP_CORRELATION_MAX];
	size_t correlation_size;
	struct buf body;
	bool has_data;
	unsigned messages, detached;
	char operation[64], condition[64];
	bool closed;
} server;

static void on_message(const struct amqp_event *e)
{
	struct amqp_value operation = amqp_map_find(e->message.properties, "iotdps-operation-type");

	assert_false(e->malformed);
	server.deliveries[server.messages++] = e->delivery;
	server.correlation_size = e->message.correlation.n;
	if (e->message.correlation.n)
		memcpy(server.correlation, e->message.correlation.p, e->message.correlation.n);
	buf_clear(&server.body);
	buf_add(&server.body, e->message.body);
	server.has_data = e->message.has_data;
	snprintf(server.operation, sizeof(server.operation), "%.*s", SLICE_ARG(operation.bytes));
}

static void on_event(const struct amqp_event *e)
{
	switch (e->kind) {
	case AMQP_LOGIN: amqp_login_accept(a); break;
	case AMQP_ATTACHED:
		if (server.refuse) {
			amqp_link_refuse(a, e->link, server.refuse, "no");
			break;
		}
		amqp_link_accept(a, e->link);
		*(e->peer_sends ? &server.incoming : &server.outgoing) = e->link;
		if (e->peer_sends)
			amqp_link_credit(a, e->link, 50);
		break;
	case AMQP_DETACHED: server.detached++; break;
	case AMQP_MESSAGE: on_message(e); break;
	case AMQP_CLOSED:
		server.closed = true;
		snprintf(server.condition, sizeof(server.condition), "%.*s", SLICE_ARG(e->condition));
		break;
	default: break;
	}
}

/* Until neither has anything more to say. */
static void talk(void)
{
	struct buf bytes;
	bool more = true;

	buf_init(&bytes, 10000000);
	while (more) {
		struct slice rest, answer;
		struct amqp_event e;

		buf_clear(&bytes);
		client_output(&c, &bytes);
		rest = buf_slice(&bytes);
		while (amqp_read(a, &rest, &e))
			on_event(&e);
		answer = amqp_output(a);
		more = bytes.n > 0 || answer.n > 0;
		client_feed(&c, answer);
		amqp_output_taken(a, answer.n);
	}
	buf_fini(&bytes);
}

static int set_up(void **state)
{
	(void)state;
	memset(&server, 0, sizeof(server));
	buf_init(&server.body, 200000);
	a = amqp_new(&conf);
	client_init(&c);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	client_fini(&c);
	amqp_free(&a);
	buf_fini(&server.body);
	return 0;
}

static struct amqp_answer answer(const char *body)
{
	return (struct amqp_answer){.correlation = slice_over(server.correlation, server.correlation_size), .body = slice_str(body)};
}

/* --- the tests --- */

static void links_come_up_with_the_names_and_addresses_of_the_client(void **state)
{
	(void)state;
	client_receiver(&c, "in", ADDRESS, 1);
	client_sender(&c, "out", ADDRESS);
	talk();
	assert_true(c.opened);
	assert_string_equal(pn_connection_remote_container(c.driver.connection), "berth");
	assert_string_equal(c.attached, "in " ADDRESS " none;out null " ADDRESS ";");
}

static void a_request_is_heard_settled_and_answered(void **state)
{
	static const struct client_message request = {"6f0c", "iotdps-register", .data = "{\"registrationId\":\"dev-1\"}"};
	struct amqp_answer reply;
	pn_link_t *sender;

	(void)state;
	client_receiver(&c, "in", ADDRESS, 1);
	sender = client_sender(&c, "out", ADDRESS);
	talk();
	assert_int_equal(pn_link_credit(sender), 50);
	client_send(&c, sender, &request);
	talk();
	assert_int_equal(server.messages, 1);
	assert_string_equal(server.operation, "iotdps-register");
	assert_true(slice_eq(buf_slice(&server.body), slice_str(request.data)));
	amqp_accept(a, &server.deliveries[0]);
	reply = answer("{\"status\":\"assigning\"}");
	reply.retry_after = 3;
	assert_int_equal(amqp_send(a, server.outgoing, &reply), OK);
	talk();
	assert_int_equal(c.outcome, PN_ACCEPTED);
	assert_int_equal(c.answer_count, 1);
	assert_string_equal(c.answers[0].body, "{\"status\":\"assigning\"}");
	assert_string_equal(c.answers[0].correlation, "\"6f0c\"");
	assert_int_equal(c.answers[0].sections, 1);
	assert_int_equal(c.answers[0].retry_after, 3);
	assert_int_equal(c.answers[0].capital_retry_after, 3);
}

static void a_correlation_id_of_any_type_comes_back_as_it_was(void **state)
{
	pn_message_t *message = pn_message();
	pn_data_t *id = pn_message_correlation_id(message);
	struct amqp_answer reply;
	pn_link_t *sender;
	char bytes[1000], expected[64];

	(void)state;
	client_receiver(&c, "in", ADDRESS, 10);
	sender = client_sender(&c, "out", ADDRESS);
	talk();
	for (int i = 0; i < 5; i++) {
		size_t n = sizeof(bytes), room = sizeof(expected);

		pn_data_clear(id);
		switch (i) {
		case 0: pn_data_put_string(id, pn_bytes(2, "id")); break;
		case 1: pn_data_put_binary(id, pn_bytes(3, "\0\1\2")); break;
		case 2: pn_data_put_ulong(id, UINT64_MAX); break;
		case 3: pn_data_put_uuid(id, (pn_uuid_t){"0123456789abcde"}); break;
		default: pn_data_put_null(id); break;
		}
		assert_int_equal(pn_message_encode(message, bytes, &n), 0);
		client_send_bytes(&c, sender, bytes, n, false);
		talk();
		reply = answer("{}");
		assert_int_equal(amqp_send(a, server.outgoing, &reply), OK);
		talk();
		pn_data_rewind(id);
		pn_data_format(id, expected, &room);
		assert_string_equal(c.answers[i].correlation, i < 4 ? expected : "");
		assert_int_equal(c.answers[i].retry_after, -1);
	}
	pn_message_free(message);
}

static void a_rejection_brings_condition_description_and_delay(void **state)
{
	static const struct client_message request = {NULL, "iotdps-register", .data = "{}"};
	struct amqp_refusal refusal = {"amqp:internal-error", SLICE("{\"errorCode\":500001}"), 3};
	pn_link_t *sender;

	(void)state;
	sender = client_sender(&c, "out", ADDRESS);
	talk();
	client_send(&c, sender, &request);
	talk();
	amqp_reject(a, &server.deliveries[0], &refusal);
	talk();
	assert_int_equal(c.outcome, PN_REJECTED);
	assert_string_equal(c.outcome_condition, "amqp:internal-error");
	assert_string_equal(c.outcome_description, "{\"errorCode\":500001}");
	assert_int_equal(c.outcome_retry_after, 3);
	assert_int_equal(c.outcome_capital_retry_after, 3);
	refusal.retry_after = 0;
	client_send(&c, sender, &request);
	talk();
	amqp_reject(a, &server.deliveries[1], &refusal);
	talk();
	assert_int_equal(c.settled, 2);
	assert_int_equal(c.outcome_retry_after, -1);
}

static void a_refused_link_says_why(void **state)
{
	(void)state;
	server.refuse = "amqp:unauthorized-access";
	client_receiver(&c, "in", ADDRESS, 1);
	client_sender(&c, "out", ADDRESS);
	talk();
	assert_int_equal(c.detached, 2);
	assert_string_equal(c.condition, "amqp:unauthorized-access");
	assert_string_equal(c.attached, "in null none;out null null;");
	/* Both places are free again: there are eight. */
	server.refuse = NULL;
	c.attached[0] = 0;
	for (int i = 0; i < AMQP_LINKS_MAX; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%d", i);
		client_receiver(&c, name, "x", 1);
	}
	talk();
	assert_false(server.closed);
	assert_non_null(strstr(c.attached, "7 x none;"));
}

static void large_messages_go_both_ways_in_small_frames(void **state)
{
	static char body[60000];
	struct client_message request = {"1", "iotdps-register", .data = body, .data_size = sizeof(body)};
	struct amqp_answer reply;
	pn_link_t *sender;

	(void)state;
	memset(body, ' ', sizeof(body));
	pn_transport_set_max_frame(c.driver.transport, 512);
	client_receiver(&c, "in", ADDRESS, 10);
	sender = client_sender(&c, "out", ADDRESS);
	talk();
	client_send(&c, sender, &request);
	talk();
	assert_true(slice_eq(buf_slice(&server.body), slice_over(body, sizeof(body))));
	reply = answer("");
	reply.body = slice_over(body, sizeof(body));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(amqp_send(a, server.outgoing, &reply), OK);
		talk();
		assert_int_equal(c.answers[i].size, sizeof(body));
	}
}

static void an_oversized_message_ends_its_link_alone(void **state)
{
	static char body[AMQP_MESSAGE_MAX];
	struct client_message request = {.operation = "iotdps-register", .data = body, .data_size = sizeof(body)};

	(void)state;
	client_send(&c, client_sender(&c, "out", ADDRESS), &request);
	talk();
	assert_int_equal(server.messages, 0);
	assert_int_equal(server.detached, 1);
	assert_string_equal(c.condition, "amqp:link:message-size-exceeded");
	assert_false(server.closed);
}

static void many_requests_are_settled_in_any_order(void **state)
{
	static const struct client_message request = {.operation = "iotdps-register", .value = "x"};
	pn_link_t *sender = client_sender(&c, "out", ADDRESS);

	(void)state;
	talk();
	for (int i = 0; i < 50; i++)
		client_send(&c, sender, &request);
	talk();
	assert_int_equal(server.messages, 50);
	assert_false(server.has_data);
	for (int i = 0; i < 50; i++)
		amqp_accept(a, &server.deliveries[i * 7 % 50]);
	amqp_link_credit(a, server.incoming, 50);
	talk();
	assert_int_equal(c.settled, 50);
	assert_int_equal(pn_link_credit(sender), 50);
}

static void a_close_has_its_condition(void **state)
{
	(void)state;
	talk();
	amqp_close(a, "amqp:connection:forced", "draining");
	talk();
	assert_true(c.closed);
	assert_string_equal(c.condition, "amqp:connection:forced");
	assert_string_equal(c.description, "draining");
}

static void the_client_leaves_in_order(void **state)
{
	pn_link_t *sender = client_sender(&c, "out", ADDRESS);

	(void)state;
	talk();
	pn_link_close(sender);
	talk();
	assert_int_equal(server.detached, 1);
	client_receiver(&c, "in", ADDRESS, 1);
	talk();
	pn_session_close(c.session);
	talk();
	assert_int_equal(server.detached, 2);
	pn_connection_close(c.driver.connection);
	talk();
	assert_true(server.closed && c.closed);
	assert_string_equal(c.condition, "");
	assert_true(amqp_ended(a));
}

static void heartbeats_keep_the_client_content(void **state)
{
	int64_t next;

	(void)state;
	pn_transport_set_idle_timeout(c.driver.transport, 10000);
	talk();
	pn_transport_tick(c.driver.transport, 1000);
	next = amqp_tick(a, 1000);
	for (int64_t now = 1000; now < 120000; now += 500) {
		if (now >= next)
			next = amqp_tick(a, now);
		talk();
		pn_transport_tick(c.driver.transport, now);
	}
	talk();
	assert_string_equal(c.condition, "");
	for (int64_t now = 120000; now < 140000; now += 500)
		pn_transport_tick(c.driver.transport, now);
	client_events(&c);
	assert_string_equal(c.condition, "amqp:resource-limit-exceeded");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(links_come_up_with_the_names_and_addresses_of_the_client),
		TEST(a_request_is_heard_settled_and_answered),
		TEST(a_correlation_id_of_any_type_comes_back_as_it_was),
		TEST(a_rejection_brings_condition_description_and_delay),
		TEST(a_refused_link_says_why),
		TEST(large_messages_go_both_ways_in_small_frames),
		TEST(an_oversized_message_ends_its_link_alone),
		TEST(many_requests_are_settled_in_any_order),
		TEST(a_close_has_its_condition),
		TEST(the_client_leaves_in_order),
		TEST(heartbeats_keep_the_client_content),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
