/* A device's AMQP, and our own server's as its peer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/amqp.h"
#include "codec/amqp_client.h"

#define ADDRESS "0ne1/registrations/d1"
#define LONG    90000

static const char *const plain[] = {"TPM", "PLAIN"}, *const tpm[] = {"TPM"};
static struct amqp_conf server_conf;
static struct amqp_client_conf conf;
static struct amqp *server;
static struct amqp_client *client;
static struct buf to_client;
static size_t piece; /* bytes that the client gets at a time */

/* What the server is to do, and what it saw. */
static struct {
	bool refuses_login;
	const char *refuses_links; /* with this condition */
	uint32_t credit;
	uint32_t incoming, outgoing;
	char login[128], address[2][64], api[32], client[32], operation[64], operation_id[64], correlation[64];
	struct amqp_delivery delivery;
	struct buf body;
	int messages;
	bool closed, closed_badly;
} seen;

/* What the client told. */
static struct {
	int ready, answers, rejected, refused, closed, retry_after;
	char body[64], correlation[64], condition[64], description[128];
	size_t body_n;
} told;

/* --- the server --- */

static void copy(char *to, size_t room, struct slice from)
{
	snprintf(to, room, "%.*s", SLICE_ARG(from));
	for (size_t i = 0; i < from.n && i < room - 1; i++)
		if (to[i] == '\0')
			to[i] = '|';
}

static void on_login(const struct amqp_event *e)
{
	char response[64] = "";

	for (size_t i = 0; i < e->response.n && i < sizeof(response) - 1; i++)
		response[i] = e->response.p[i] ? e->response.p[i] : '|';
	snprintf(seen.login, sizeof(seen.login), "%.*s %s", SLICE_ARG(e->mechanism), response);
	if (seen.refuses_login)
		amqp_login_refuse(server);
	else
		amqp_login_accept(server);
}

static void on_attached(const struct amqp_event *e)
{
	copy(seen.address[e->peer_sends], sizeof(seen.address[0]), e->address);
	copy(seen.api, sizeof(seen.api), amqp_map_find(e->properties, "com.microsoft:api-version").bytes);
	copy(seen.client, sizeof(seen.client), amqp_map_find(e->properties, "com.microsoft:client-version").bytes);
	*(e->peer_sends ? &seen.incoming : &seen.outgoing) = e->link;
	if (seen.refuses_links) {
		amqp_link_refuse(server, e->link, seen.refuses_links, "not yours");
		return;
	}
	amqp_link_accept(server, e->link);
	if (e->peer_sends)
		amqp_link_credit(server, e->link, seen.credit);
}

static void on_message(const struct amqp_event *e)
{
	assert_false(e->malformed);
	seen.messages++;
	seen.delivery = e->delivery;
	copy(seen.operation, sizeof(seen.operation), amqp_map_find(e->message.properties, "iotdps-operation-type").bytes);
	copy(seen.operation_id, sizeof(seen.operation_id), amqp_map_find(e->message.properties, "iotdps-operation-id").bytes);
	copy(seen.correlation, sizeof(seen.correlation), e->message.correlation);
	buf_clear(&seen.body);
	buf_add(&seen.body, e->message.body);
	assert_true(e->message.has_data);
}

static void on_server_event(const struct amqp_event *e)
{
	switch (e->kind) {
	case AMQP_LOGIN: on_login(e); break;
	case AMQP_ATTACHED: on_attached(e); break;
	case AMQP_MESSAGE: on_message(e); break;
	case AMQP_CLOSED:
		seen.closed = true;
		seen.closed_badly = e->by_us;
		break;
	default: break;
	}
}

static void on_client_event(const struct amqp_client_event *e)
{
	struct amqp_cursor c = amqp_over(e->message.correlation);

	told.retry_after = e->retry_after;
	copy(told.condition, sizeof(told.condition), e->condition);
	copy(told.description, sizeof(told.description), e->description);
	switch (e->kind) {
	case AMQP_CLIENT_CHALLENGE: fail(); break;
	case AMQP_CLIENT_READY: told.ready++; break;
	case AMQP_CLIENT_REJECTED: told.rejected++; break;
	case AMQP_CLIENT_REFUSED: told.refused++; break;
	case AMQP_CLIENT_CLOSED: told.closed++; break;
	case AMQP_CLIENT_ANSWER:
		told.answers++;
		told.body_n = e->message.body.n;
		copy(told.body, sizeof(told.body), e->message.body);
		copy(told.correlation, sizeof(told.correlation), amqp_next_text(&c));
		break;
	}
}

/* --- between them --- */

static void server_hears(void)
{
	struct slice rest = amqp_client_output(client);
	struct amqp_event e;

	while (amqp_read(server, &rest, &e))
		on_server_event(&e);
	amqp_client_output_taken(client);
}

/* As a channel does it: what is left of a piece waits for the next. */
static void client_hears(void)
{
	static struct buf waiting;
	struct slice all = buf_slice(&to_client), rest;
	struct amqp_client_event e;

	buf_init(&waiting, 1000000);
	for (size_t at = 0; at < all.n; at += piece) {
		buf_add(&waiting, slice_to(slice_from(all, at), piece));
		rest = buf_slice(&waiting);
		while (amqp_client_read(client, &rest, &e))
			on_client_event(&e);
		buf_eat(&waiting, waiting.n - rest.n);
	}
	buf_fini(&waiting);
	buf_clear(&to_client);
}

/* Until neither has anything more to say. */
static void talk(void)
{
	while (amqp_client_output(client).n > 0 || amqp_output(server).n > 0) {
		struct slice said;

		server_hears();
		said = amqp_output(server);
		buf_add(&to_client, said);
		amqp_output_taken(server, said.n);
		client_hears();
	}
}

static void begin(void)
{
	server = amqp_new(&server_conf);
	client = amqp_client_new(&conf);
	talk();
}

static int set_up(void **state)
{
	(void)state;
	memset(&seen, 0, sizeof(seen));
	memset(&told, 0, sizeof(told));
	seen.credit = 5;
	piece = 1000000;
	buf_init(&seen.body, 1000000);
	buf_init(&to_client, 1000000);
	server_conf = (struct amqp_conf){"berth", plain, 2, 240000, 600000};
	conf = (struct amqp_client_conf){.container = "d1",
					 .host = "global.berth.test",
					 .user = SLICE("d1-user"),
					 .password = SLICE("token"),
					 .address = SLICE(ADDRESS),
					 .api = "2021-06-01",
					 .client = "test/1"};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	amqp_client_free(&client);
	amqp_free(&server);
	buf_fini(&seen.body);
	buf_fini(&to_client);
	return 0;
}

static void ask(const char *operation_id, struct slice body)
{
	const struct amqp_question question = {
		.correlation = "c1", .operation = "iotdps-register", .operation_id = operation_id, .body = body};

	assert_int_equal(OK, amqp_client_ask(client, &question));
	talk();
}

static void answer(struct slice body, int retry_after)
{
	const struct amqp_answer a = {.correlation = SLICE("\xa1\x02"
							   "c1"),
				      .retry_after = retry_after,
				      .body = body};

	amqp_accept(server, &seen.delivery);
	assert_int_equal(OK, amqp_send(server, seen.outgoing, &a));
	talk();
}

/* --- the tests --- */

static void a_device_logs_in_and_has_two_links(void **state)
{
	(void)state;
	begin();
	assert_string_equal("PLAIN |d1-user|token", seen.login);
	assert_string_equal(ADDRESS, seen.address[0]);
	assert_string_equal(ADDRESS, seen.address[1]);
	assert_string_equal("2021-06-01", seen.api);
	assert_string_equal("test/1", seen.client);
	assert_int_equal(1, told.ready);
	assert_int_equal(0, told.closed);
}

static void a_device_with_a_certificate_skips_sasl(void **state)
{
	(void)state;
	conf.user = NO_SLICE;
	begin();
	assert_string_equal(" ", seen.login);
	assert_int_equal(1, told.ready);
}

static void a_question_is_answered_and_the_next_one_too(void **state)
{
	(void)state;
	begin();
	for (int i = 1; i < 20; i++) {
		ask(i > 1 ? "5.o" : NULL, SLICE("{\"a\":1}"));
		assert_int_equal(i, seen.messages);
		assert_string_equal("iotdps-register", seen.operation);
		assert_string_equal(i > 1 ? "5.o" : "", seen.operation_id);
		assert_true(slice_eq(SLICE("{\"a\":1}"), buf_slice(&seen.body)));
		amqp_link_credit(server, seen.incoming, 1);
		answer(SLICE("{\"b\":2}"), i % 2 ? 3 : 0);
		assert_int_equal(i, told.answers);
		assert_string_equal("{\"b\":2}", told.body);
		assert_string_equal("c1", told.correlation);
		assert_int_equal(i % 2 ? 3 : -1, told.retry_after);
	}
	assert_int_equal(0, told.rejected);
	assert_false(seen.closed);
}

static void bytes_may_come_in_pieces_of_any_size(void **state)
{
	(void)state;
	for (piece = 1; piece < 100; piece += 7) {
		amqp_client_free(&client);
		amqp_free(&server);
		memset(&told, 0, sizeof(told));
		begin();
		ask(NULL, SLICE("{}"));
		answer(SLICE("{\"b\":2}"), 1);
		assert_int_equal(1, told.ready);
		assert_int_equal(1, told.answers);
		assert_string_equal("{\"b\":2}", told.body);
	}
}

static void long_questions_and_answers_travel_in_several_frames(void **state)
{
	char *text = malloc(LONG);

	(void)state;
	memset(text, 'x', LONG);
	begin();
	ask(NULL, slice_over(text, LONG));
	assert_true(slice_eq(slice_over(text, LONG), buf_slice(&seen.body)));
	answer(slice_over(text, AMQP_ANSWER_MAX), 0);
	assert_int_equal(AMQP_ANSWER_MAX, told.body_n);
	free(text);
}

static void a_question_that_is_too_long_is_not_asked(void **state)
{
	const size_t n = AMQP_CLIENT_MESSAGE_MAX;
	char *text = calloc(1, n);

	(void)state;
	begin();
	assert_int_equal(ERR_TOO_BIG, amqp_client_ask(client, &(struct amqp_question){"c", "op", NULL, slice_over(text, n)}));
	ask(NULL, SLICE("{}")); /* nothing was hurt */
	assert_int_equal(1, seen.messages);
	free(text);
}

static void a_rejection_is_told_with_its_reason_and_the_link_goes_on(void **state)
{
	(void)state;
	begin();
	ask(NULL, SLICE("{}"));
	amqp_reject(server, &seen.delivery,
		    &(struct amqp_refusal){"com.microsoft:device-container-throttled", SLICE("{\"errorCode\":429001}"), 7});
	talk();
	assert_int_equal(1, told.rejected);
	assert_string_equal("com.microsoft:device-container-throttled", told.condition);
	assert_string_equal("{\"errorCode\":429001}", told.description);
	assert_int_equal(7, told.retry_after);
	ask(NULL, SLICE("{}"));
	answer(SLICE("{}"), 0);
	assert_int_equal(1, told.rejected);
	assert_int_equal(1, told.answers);
}

static void who_is_not_let_in_is_told_so(void **state)
{
	(void)state;
	seen.refuses_login = true;
	begin();
	assert_int_equal(1, told.refused);
	assert_int_equal(0, told.ready);
	assert_int_equal(0, told.closed);
}

static void a_server_that_does_not_know_plain_is_left(void **state)
{
	(void)state;
	server_conf.mechanisms = tpm;
	server_conf.mechanism_count = 1;
	begin();
	assert_int_equal(1, told.closed);
	assert_non_null(strstr(told.description, "PLAIN"));
}

static void a_refused_link_is_told_with_its_reason(void **state)
{
	(void)state;
	seen.refuses_links = "amqp:unauthorized-access";
	begin();
	assert_int_equal(0, told.ready);
	assert_int_equal(1, told.closed);
	assert_string_equal("amqp:unauthorized-access", told.condition);
	assert_string_equal("not yours", told.description);
}

static void the_servers_close_is_told_with_its_reason(void **state)
{
	(void)state;
	begin();
	amqp_close(server, "amqp:connection:forced", "draining");
	talk();
	assert_int_equal(1, told.closed);
	assert_string_equal("amqp:connection:forced", told.condition);
	assert_string_equal("draining", told.description);
}

static void without_credit_there_is_no_asking(void **state)
{
	const struct amqp_question question = {.correlation = "c1", .operation = "iotdps-register"};

	(void)state;
	seen.credit = 0;
	begin();
	assert_int_equal(0, told.ready);
	assert_int_equal(ERR_AGAIN, amqp_client_ask(client, &question));
	amqp_link_credit(server, seen.incoming, 1);
	talk();
	assert_int_equal(1, told.ready);
	ask(NULL, SLICE("{}"));
	answer(SLICE("{}"), 0);
	assert_int_equal(ERR_AGAIN, amqp_client_ask(client, &question)); /* it is used up */
	amqp_link_credit(server, seen.incoming, 1);
	talk();
	assert_int_equal(2, told.ready); /* told once more */
	ask(NULL, SLICE("{}"));
	assert_int_equal(2, seen.messages);
}

static void a_farewell_is_a_close_in_peace(void **state)
{
	(void)state;
	begin();
	amqp_client_close(client);
	talk();
	assert_true(seen.closed);
	assert_false(seen.closed_badly);
	assert_int_equal(0, told.closed);
	assert_int_equal(ERR_AGAIN, amqp_client_ask(client, &(struct amqp_question){"c", "op", NULL, SLICE("{}")}));
}

/* Bytes in place of a server, each behind the greetings of one that is good; the client ends it with a sentence. */
static void assert_left(bool sasl, struct slice bytes)
{
	struct slice rest;
	struct amqp_client_event e;
	char *place = malloc(bytes.n); /* of its own size, so that the sanitizer sees a step too far */
	int closed = 0;

	memcpy(place, bytes.p, bytes.n);
	conf.user = sasl ? SLICE("u") : NO_SLICE;
	amqp_client_free(&client);
	client = amqp_client_new(&conf);
	rest = slice_over(place, bytes.n);
	while (amqp_client_read(client, &rest, &e)) {
		assert_int_equal(AMQP_CLIENT_CLOSED, e.kind);
		assert_true(e.description.n > 0);
		closed++;
	}
	assert_int_equal(1, closed);
	free(place);
}

#define HEADER "AMQP\0\1\0\0"
#define SASL   "AMQP\3\1\0\0"
#define OPEN   "\0\0\0\x11\2\0\0\0\0\x53\x10\xc0\x04\1\xa1\1x"

static void what_is_not_amqp_is_left_with_a_reason(void **state)
{
	(void)state;
	assert_left(false, SLICE("HTTP/1.1 400 Bad Request"));
	assert_left(false, SLICE(SASL));
	assert_left(true, SLICE(HEADER));
	assert_left(true, SLICE(SASL "\0\0\0\x11\2\0\0\0\0\x53\x10\xc0\x04\1\xa1\1x")); /* of another type */
	assert_left(true, SLICE(SASL "\0\0\0\x10\2\1\0\0\0\x53\x44\xc0\3\1\x50\0"));    /* an outcome of nothing */
	assert_left(true, SLICE(SASL "\0\0\0\x09\2\1\0\0\x40"));                        /* nothing described */
	assert_left(false, SLICE(HEADER "\0\0\0\7\2\0\0\0"));                           /* too small */
	assert_left(false, SLICE(HEADER "\0\1\0\1\2\0\0\0"));                           /* too large */
	assert_left(false, SLICE(HEADER "\0\0\0\x0c\4\0\0\0abcd"));                     /* its head is longer than it is */
	assert_left(false, SLICE(HEADER "\0\0\0\x0c\1\0\0\0abcd"));                     /* or shorter than a head */
	assert_left(false, SLICE(HEADER "\0\0\0\x0c\2\0\0\0\0\x53\x18\x45"));           /* a close before the open */
	assert_left(false, SLICE(HEADER OPEN OPEN));                                    /* twice */
	assert_left(false, SLICE(HEADER OPEN "\0\0\0\x0c\2\0\0\0\0\x53\x19\x45"));      /* no performative */
	assert_left(false, SLICE(HEADER OPEN "\0\0\0\x0e\2\0\0\0\0\x53\x14\xc0\2\1"));  /* a list that ends too late */
	assert_left(false, SLICE(HEADER OPEN "\0\0\0\x15\2\0\0\0\0\x53\x14\xc0\5\4\x43\x43\x40\x43zzz")); /* transfer: no message */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_device_logs_in_and_has_two_links),
		TEST(a_device_with_a_certificate_skips_sasl),
		TEST(a_question_is_answered_and_the_next_one_too),
		TEST(bytes_may_come_in_pieces_of_any_size),
		TEST(long_questions_and_answers_travel_in_several_frames),
		TEST(a_question_that_is_too_long_is_not_asked),
		TEST(a_rejection_is_told_with_its_reason_and_the_link_goes_on),
		TEST(who_is_not_let_in_is_told_so),
		TEST(a_server_that_does_not_know_plain_is_left),
		TEST(a_refused_link_is_told_with_its_reason),
		TEST(the_servers_close_is_told_with_its_reason),
		TEST(without_credit_there_is_no_asking),
		TEST(a_farewell_is_a_close_in_peace),
		TEST(what_is_not_amqp_is_left_with_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
