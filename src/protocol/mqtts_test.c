/*
 * Devices over MQTT, with a provisioning service that is played by the test: it answers when it is told to (linked with
 * --wrap=api_ask_device,--wrap=provision_cancel).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/api.h"
#include "base/log.h"
#include "codec/mqtt.h"
#include "io/claim.h"
#include "io/test_stream.h"
#include "protocol/protocol.h"

#define START   ((instant)17000000000000000)
#define USER    "0ne00AB12CD/registrations/dev-1/api-version=2019-03-31&ClientVersion=azure-iot-provisioning-device%2F1.9.1"
#define ANSWERS "$dps/registrations/res/#"

/* --- the provisioning service --- */

#define ASKS_MAX 64

struct asked {
	enum device_op op;
	char scope[32], id[160], operation[160], token[64], body[256], protocol[16], request_id[64];
	provision_done *done;
	void *cookie;
	bool cancelled;
};

static struct asked asks[ASKS_MAX];
static int asked;
static bool out_of_memory;
static int login_status; /* answered at once; 0: not before the test says so */

static void copy(char *to, size_t room, struct slice from)
{
	snprintf(to, room, "%.*s", SLICE_ARG(from));
}

static void answer(int which, int status, int retry_after, const char *body)
{
	const struct device_answer a = {.status = status, .retry_after = retry_after, .body = slice_str(body)};

	assert_false(asks[which].cancelled);
	asks[which].done(asks[which].cookie, &a);
}

static struct task login_task;
static int login_asked;

static void answer_login(struct task *task)
{
	(void)task;
	if (!asks[login_asked].cancelled)
		answer(login_asked, login_status, 0, "{}");
}

struct provision_ask *__wrap_api_ask_device(struct api *, const struct device_question *, provision_done *, void *);
void __wrap_provision_cancel(struct provision_ask **);

static struct loop *loop;

struct provision_ask *__wrap_api_ask_device(struct api *api, const struct device_question *q, provision_done *done, void *cookie)
{
	struct asked *a = &asks[asked];

	assert_non_null(api);
	assert_true(asked < ASKS_MAX);
	if (out_of_memory)
		return NULL;
	*a = (struct asked){.op = q->op, .done = done, .cookie = cookie};
	copy(a->scope, sizeof(a->scope), q->scope);
	copy(a->id, sizeof(a->id), q->registration_id);
	copy(a->operation, sizeof(a->operation), q->operation_id);
	copy(a->token, sizeof(a->token), q->token);
	copy(a->body, sizeof(a->body), q->body);
	copy(a->protocol, sizeof(a->protocol), slice_str(q->protocol));
	copy(a->request_id, sizeof(a->request_id), slice_str(q->request_id));
	if (q->op == DEVICE_CONNECT && login_status) {
		login_asked = asked;
		login_task = (struct task){.run = answer_login};
		loop_post(loop, &login_task);
	}
	asked++;
	return (struct provision_ask *)a;
}

void __wrap_provision_cancel(struct provision_ask **ask)
{
	if (*ask)
		((struct asked *)*ask)->cancelled = true;
	*ask = NULL;
}

static struct claims *claims;
static int house;

struct claims *__wrap_api_claims(const struct api *);

struct claims *__wrap_api_claims(const struct api *api)
{
	assert_ptr_equal(api, &house);
	return claims;
}

/* --- the scene --- */

static struct test_stream stream;
static struct connection *connection;
static size_t seen;
static const struct protocol *mqtts;

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
	claims = claims_new();
	asked = 0;
	seen = 0;
	out_of_memory = false;
	login_status = 200;
	mqtts = protocol_find("mqtts");
	s = test_stream_init(&stream, loop);
	connection = mqtts->open(loop, &s, &env);
	loop_settle(loop);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (connection)
		mqtts->abort(connection);
	for (int i = 0; i < asked; i++)
		if (login_task.queued)
			loop_unpost(loop, &login_task);
	test_stream_fini(&stream);
	claims_free(&claims);
	loop_free(&loop);
	return 0;
}

static void send_packet(struct mqtt_packet p)
{
	struct buf bytes;

	buf_init(&bytes, 200000);
	mqtt_write(&bytes, &p);
	assert_false(buf_failed(&bytes));
	test_stream_feed(&stream, buf_slice(&bytes));
	loop_settle(loop);
	buf_fini(&bytes);
}

static struct mqtt_packet expect(enum mqtt_type type)
{
	struct mqtt_packet p;
	const char *why;
	size_t size;

	assert_int_equal(mqtt_read(slice_from(buf_slice(&stream.out), seen), 200000, &p, &size, &why), OK);
	seen += size;
	assert_string_equal(mqtt_type_name(p.type), mqtt_type_name(type));
	return p;
}

static void assert_nothing_more(void)
{
	assert_int_equal(stream.out.n, seen);
}

static struct mqtt_connect credentials(const char *client_id, const char *user)
{
	return (struct mqtt_connect){.level = MQTT_LEVEL,
				     .client_id = slice_str(client_id),
				     .user = slice_str(user),
				     .password = SLICE("SharedAccessSignature sr=x")};
}

static void connect_as(struct mqtt_connect c)
{
	send_packet((struct mqtt_packet){.type = MQTT_CONNECT, .connect = c});
}

static void assert_code(enum mqtt_code code)
{
	assert_int_equal(expect(MQTT_CONNACK).connack.code, code);
	assert_true((connection == NULL) == (code != MQTT_ACCEPTED));
}

static void subscribe(uint8_t qos)
{
	struct buf list;

	buf_init(&list, 4096);
	mqtt_add_filter(MQTT_SUBSCRIBE, &list, (struct mqtt_filter){SLICE(ANSWERS), qos});
	send_packet((struct mqtt_packet){.type = MQTT_SUBSCRIBE, .filters = {1, buf_slice(&list)}});
	buf_fini(&list);
	assert_int_equal(expect(MQTT_SUBACK).suback.codes.p[0], qos > 1 ? 1 : qos);
}

static void log_in(void)
{
	connect_as(credentials("dev-1", USER));
	assert_code(MQTT_ACCEPTED);
	subscribe(1);
}

static void publish(const char *topic, const char *payload)
{
	send_packet((struct mqtt_packet){.type = MQTT_PUBLISH,
					 .publish = {.qos = 1, .id = 2, .topic = slice_str(topic), .payload = slice_str(payload)}});
}

static void ask(const char *topic, const char *payload)
{
	publish(topic, payload);
	assert_int_equal(expect(MQTT_PUBACK).id, 2);
}

static void expect_answer(const char *topic, const char *payload)
{
	struct mqtt_packet p = expect(MQTT_PUBLISH);

	assert_true(slice_eq(p.publish.topic, slice_str(topic)));
	assert_true(slice_eq(p.publish.payload, slice_str(payload)));
}

/* --- who it is --- */

static void the_user_name_says_which_device_of_which_service(void **state)
{
	(void)state;
	connect_as(credentials("dev-1", USER));
	assert_code(MQTT_ACCEPTED);
	assert_int_equal(asks[0].op, DEVICE_CONNECT);
	assert_string_equal(asks[0].scope, "0ne00AB12CD");
	assert_string_equal(asks[0].id, "dev-1");
	assert_string_equal(asks[0].token, "SharedAccessSignature sr=x");
	assert_string_equal(asks[0].protocol, "mqtt");
	assert_int_equal(strlen(asks[0].request_id), 36);
}

static void a_user_name_without_a_tail_will_do(void **state)
{
	(void)state;
	connect_as(credentials("DEV-1", "0ne00AB12CD/Registrations/dev-1"));
	assert_code(MQTT_ACCEPTED);
}

static void a_user_name_of_another_form_is_refused_with_4(void **state)
{
	static const char *const users[] = {"",
					    "0ne00AB12CD",
					    "0ne00AB12CD/dev-1",
					    "0ne00AB12CD/devices/dev-1/api-version=1",
					    "/registrations/dev-1/x",
					    "0ne00AB12CD/registrations//x"};

	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		connect_as(credentials("dev-1", users[i]));
		assert_code(MQTT_BAD_USER);
		assert_int_equal(asked, 0);
		tear_down(state);
		set_up(state);
	}
}

static void the_client_id_is_the_registration_id(void **state)
{
	(void)state;
	connect_as(credentials("dev-2", USER));
	assert_code(MQTT_BAD_CLIENT_ID);
	assert_int_equal(asked, 0);
}

static void a_wrong_credential_is_refused_with_5(void **state)
{
	(void)state;
	login_status = 401;
	connect_as(credentials("dev-1", USER));
	assert_code(MQTT_NOT_AUTHORIZED);
}

static void what_else_speaks_against_a_device_it_hears_when_it_registers(void **state)
{
	(void)state;
	login_status = 404;
	log_in();
	ask("$dps/registrations/PUT/iotdps-register/?$rid=1", "{}");
	answer(1, 404, 0, "{\"errorCode\":404201}");
	loop_advance(loop, 50);
	expect_answer("$dps/registrations/res/404/?$rid=1", "{\"errorCode\":404201}");
	assert_non_null(connection);
}

static void on_former_closed(void *cookie, struct connection *c)
{
	(void)c;
	*(bool *)cookie = true;
}

/* A second connection beside the scene's, which takes its bytes from here on. */
static void connect_again(bool *former_gone)
{
	static struct test_stream former;
	static struct protocol_env former_env;
	struct stream *s = test_stream_init(&former, loop);
	struct connection *c;
	struct buf bytes;

	*former_gone = false;
	former_env = (struct protocol_env){&house, on_former_closed, former_gone};
	c = mqtts->open(loop, &s, &former_env);
	buf_init(&bytes, 1000);
	mqtt_write(&bytes, &(struct mqtt_packet){.type = MQTT_CONNECT, .connect = credentials("dev-1", USER)});
	loop_settle(loop);
	test_stream_feed(&former, buf_slice(&bytes));
	loop_settle(loop);
	buf_fini(&bytes);
	assert_false(*former_gone);

	log_in();
	loop_settle(loop);
	if (!*former_gone)
		mqtts->abort(c);
	else
		c = NULL;
	test_stream_fini(&former);
}

/* [MQTT-3.1.4-2] */
static void who_connects_again_takes_the_place_of_the_former_connection(void **state)
{
	bool former_gone;

	(void)state;
	connect_again(&former_gone);
	assert_true(former_gone);
	ask("$dps/registrations/PUT/iotdps-register/?$rid=1", "{}");
	assert_non_null(connection);
}

static void lose_the_place(void)
{
	static struct claim next;

	next = (struct claim){.loop = loop, .name = SLICE("0ne00AB12CD/registrations/dev-1")};
	assert_int_equal(claim_take(claims, &next), OK);
	loop_settle(loop);
	claim_drop(&next);
}

static void what_the_former_connection_has_asked_is_answered_before_it_ends(void **state)
{
	(void)state;
	log_in();
	ask("$dps/registrations/PUT/iotdps-register/?$rid=1", "{}");
	lose_the_place();
	assert_non_null(connection);
	answer(1, 200, 0, "{\"status\":\"assigned\"}");
	loop_advance(loop, 50);
	expect_answer("$dps/registrations/res/200/?$rid=1", "{\"status\":\"assigned\"}");
	assert_null(connection);
}

static void a_former_connection_may_not_ask_any_more(void **state)
{
	(void)state;
	log_in();
	ask("$dps/registrations/PUT/iotdps-register/?$rid=1", "{}");
	lose_the_place();
	publish("$dps/registrations/PUT/iotdps-register/?$rid=2", "{}");
	assert_null(connection);
	assert_int_equal(asked, 2);
}

static void who_has_proven_nothing_takes_nobodys_place(void **state)
{
	struct claim held = {.loop = loop, .name = SLICE("0ne00AB12CD/registrations/dev-1")};

	(void)state;
	assert_int_equal(claim_take(claims, &held), OK);
	login_status = 404;
	log_in();
	assert_false(held.task.queued);
	claim_drop(&held);
}

static void a_client_with_a_will_is_let_in(void **state)
{
	struct mqtt_connect c = credentials("dev-1", USER);

	(void)state;
	c.will_topic = SLICE("a/b");
	c.will_message = SLICE("gone");
	connect_as(c);
	assert_code(MQTT_ACCEPTED);
}

static void while_the_server_drains_the_code_is_3(void **state)
{
	(void)state;
	send_packet((struct mqtt_packet){.type = MQTT_PINGREQ});
	tear_down(state);
	set_up(state);
	mqtts->drain(connection);
	/* It comes in the same turn as the end of the loop's patience. */
	test_stream_feed(&stream, SLICE("\x10\x0f\x00\x04MQTT\x04\x02\x00\x00\x00\x03"
					"abc"));
	loop_settle(loop);
	assert_int_equal(expect(MQTT_CONNACK).connack.code, MQTT_UNAVAILABLE);
	assert_null(connection);
}

static void without_memory_the_code_is_3(void **state)
{
	(void)state;
	out_of_memory = true;
	connect_as(credentials("dev-1", USER));
	assert_code(MQTT_UNAVAILABLE);
}

static void who_leaves_during_the_login_is_forgotten(void **state)
{
	(void)state;
	login_status = 0;
	connect_as(credentials("dev-1", USER));
	test_stream_break(&stream, ERR_CLOSED);
	assert_true(asks[0].cancelled);
}

/* --- requests --- */

static void a_register_and_its_poll_as_the_standard_exchange_has_them(void **state)
{
	(void)state;
	log_in();
	ask("$dps/registrations/PUT/iotdps-register/?$rid=1", "{\"registrationId\":\"dev-1\"}");
	assert_int_equal(asks[1].op, DEVICE_REGISTER);
	assert_string_equal(asks[1].body, "{\"registrationId\":\"dev-1\"}");
	answer(1, 202, 3, "{\"status\":\"assigning\"}");
	loop_advance(loop, 50);
	expect_answer("$dps/registrations/res/202/?$rid=1&retry-after=3", "{\"status\":\"assigning\"}");
	ask("$dps/registrations/GET/iotdps-get-operationstatus/?$rid=2&operationId=5.ab.cd", " ");
	assert_int_equal(asks[2].op, DEVICE_OPERATION_STATUS);
	assert_string_equal(asks[2].operation, "5.ab.cd");
	answer(2, 200, 0, "{\"status\":\"assigned\"}");
	loop_advance(loop, 50);
	expect_answer("$dps/registrations/res/200/?$rid=2", "{\"status\":\"assigned\"}");
	assert_nothing_more();
}

static void the_order_of_the_pairs_does_not_matter(void **state)
{
	(void)state;
	log_in();
	ask("$dps/registrations/GET/iotdps-get-operationstatus/?operationId=5.x&other=1&$rid=abc%20d", "");
	assert_string_equal(asks[1].operation, "5.x");
	answer(1, 200, 0, "{}");
	loop_advance(loop, 50);
	expect_answer("$dps/registrations/res/200/?$rid=abc%20d", "{}"); /* byte for byte */
}

static void an_answer_takes_ten_milliseconds_at_least(void **state)
{
	(void)state;
	log_in();
	ask("$dps/registrations/PUT/iotdps-register/?$rid=1", "{}");
	answer(1, 200, 0, "{}");
	loop_advance(loop, 9);
	assert_nothing_more();
	loop_advance(loop, 11);
	expect_answer("$dps/registrations/res/200/?$rid=1", "{}");
	ask("$dps/registrations/PUT/iotdps-register/?$rid=1", "{}");
	loop_advance(loop, 500);
	answer(2, 200, 0, "{}");
	loop_settle(loop);
	expect_answer("$dps/registrations/res/200/?$rid=1", "{}"); /* it took longer anyway */
}

static void answers_keep_the_order_of_the_requests(void **state)
{
	(void)state;
	log_in();
	for (int i = 0; i < 3; i++)
		ask("$dps/registrations/PUT/iotdps-register/?$rid=1", "{}");
	answer(3, 200, 0, "\"third\"");
	answer(2, 200, 0, "\"second\"");
	loop_advance(loop, 1000);
	assert_nothing_more();
	answer(1, 200, 0, "\"first\"");
	loop_settle(loop);
	expect_answer("$dps/registrations/res/200/?$rid=1", "\"first\"");
	expect_answer("$dps/registrations/res/200/?$rid=1", "\"second\"");
	expect_answer("$dps/registrations/res/200/?$rid=1", "\"third\"");
}

static void an_answer_comes_to_who_has_subscribed_and_only_then(void **state)
{
	(void)state;
	connect_as(credentials("dev-1", USER));
	assert_code(MQTT_ACCEPTED);
	ask("$dps/registrations/PUT/iotdps-register/?$rid=1", "{}");
	answer(1, 200, 0, "{}");
	loop_advance(loop, 1000);
	assert_nothing_more();
	subscribe(2);
	ask("$dps/registrations/PUT/iotdps-register/?$rid=2", "{}");
	answer(2, 200, 0, "{}");
	loop_advance(loop, 1000);
	expect_answer("$dps/registrations/res/200/?$rid=2", "{}");
}

static void eight_requests_are_under_way_and_the_ninth_waits(void **state)
{
	(void)state;
	log_in();
	for (int i = 0; i < 10; i++)
		publish("$dps/registrations/PUT/iotdps-register/?$rid=1", "{}");
	assert_int_equal(asked, 1 + 8);
	answer(1, 200, 0, "{}");
	answer(2, 200, 0, "{}");
	loop_advance(loop, 100);
	assert_int_equal(asked, 1 + 10);
}

static void who_leaves_during_a_request_is_forgotten(void **state)
{
	(void)state;
	log_in();
	ask("$dps/registrations/PUT/iotdps-register/?$rid=1", "{}");
	ask("$dps/registrations/PUT/iotdps-register/?$rid=2", "{}");
	answer(2, 200, 0, "{}");
	send_packet((struct mqtt_packet){.type = MQTT_DISCONNECT});
	assert_null(connection);
	assert_true(asks[1].cancelled);
	loop_advance(loop, 1000);
}

static void what_is_no_request_is_the_end(void **state)
{
	static const char *const topics[] = {
		"$dps/registrations/PUT/iotdps-register/",
		"$dps/registrations/PUT/iotdps-register/?",
		"$dps/registrations/PUT/iotdps-register/?rid=1",
		"$dps/registrations/PUT/iotdps-register/$rid=1",
		"$dps/registrations/PUT/iotdps-register/?$rid=a$b",
		"$dps/registrations/POST/iotdps-register/?$rid=1",
		"$dps/registrations/res/200/?$rid=1",
		"devices/dev-1/messages/events/",
	};

	for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
		log_in();
		ask(topics[i], "{}");
		assert_null(connection);
		assert_int_equal(asked, 1);
		tear_down(state);
		set_up(state);
	}
}

static void a_rid_that_is_too_long_is_the_end(void **state)
{
	char topic[512] = "$dps/registrations/PUT/iotdps-register/?$rid=";
	size_t n = strlen(topic);

	memset(topic + n, 'r', 256);
	(void)state;
	log_in();
	ask(topic, "{}");
	assert_non_null(connection);
	topic[n + 256] = 'r';
	ask(topic, "{}");
	assert_null(connection);
}

static void without_memory_for_a_request_it_is_the_end(void **state)
{
	(void)state;
	log_in();
	out_of_memory = true;
	ask("$dps/registrations/PUT/iotdps-register/?$rid=1", "{}");
	assert_null(connection);
}

static void a_drain_lets_a_request_end(void **state)
{
	(void)state;
	log_in();
	ask("$dps/registrations/PUT/iotdps-register/?$rid=1", "{}");
	mqtts->drain(connection);
	loop_settle(loop);
	assert_non_null(connection);
	answer(1, 200, 0, "{}");
	loop_advance(loop, 100);
	expect_answer("$dps/registrations/res/200/?$rid=1", "{}");
	assert_null(connection);
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(the_user_name_says_which_device_of_which_service),
		SCENE(a_user_name_without_a_tail_will_do),
		SCENE(a_user_name_of_another_form_is_refused_with_4),
		SCENE(the_client_id_is_the_registration_id),
		SCENE(a_wrong_credential_is_refused_with_5),
		SCENE(what_else_speaks_against_a_device_it_hears_when_it_registers),
		SCENE(who_connects_again_takes_the_place_of_the_former_connection),
		SCENE(what_the_former_connection_has_asked_is_answered_before_it_ends),
		SCENE(a_former_connection_may_not_ask_any_more),
		SCENE(who_has_proven_nothing_takes_nobodys_place),
		SCENE(a_client_with_a_will_is_let_in),
		SCENE(while_the_server_drains_the_code_is_3),
		SCENE(without_memory_the_code_is_3),
		SCENE(who_leaves_during_the_login_is_forgotten),
		SCENE(a_register_and_its_poll_as_the_standard_exchange_has_them),
		SCENE(the_order_of_the_pairs_does_not_matter),
		SCENE(an_answer_takes_ten_milliseconds_at_least),
		SCENE(answers_keep_the_order_of_the_requests),
		SCENE(an_answer_comes_to_who_has_subscribed_and_only_then),
		SCENE(eight_requests_are_under_way_and_the_ninth_waits),
		SCENE(who_leaves_during_a_request_is_forgotten),
		SCENE(what_is_no_request_is_the_end),
		SCENE(a_rid_that_is_too_long_is_the_end),
		SCENE(without_memory_for_a_request_it_is_the_end),
		SCENE(a_drain_lets_a_request_end),
	};

	return cmocka_run_group_tests_name("mqtts", tests, NULL, NULL);
}
