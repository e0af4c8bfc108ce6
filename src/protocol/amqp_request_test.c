/* A device's requests over AMQP (device-api.md 12.3, 12.4, 12.6): what is asked, what is answered, what is refused. */
#include "protocol/test_amqps.h"

static pn_link_t *sender;

/* Both links, and so much credit for answers. */
static void connect_with(int credit)
{
	log_in();
	client_receiver(&c, "in", NAME, credit);
	sender = client_sender(&c, "out", NAME);
	talk();
	assert_int_equal(pn_link_credit(sender), AMQPS_CREDIT);
}

static void request(const struct client_message *m)
{
	client_send(&c, sender, m);
	talk();
}

static void register_once(void)
{
	static const struct client_message m = {"6f0c", "iotdps-register", .data = "{\"registrationId\":\"dev-1\"}"};

	request(&m);
}

/* --- asked and answered --- */

static void a_registration_is_asked_with_the_token_of_the_login(void **state)
{
	(void)state;
	connect_with(10);
	register_once();
	assert_int_equal(asked_count, 1);
	assert_int_equal(asked[0].op, DEVICE_REGISTER);
	assert_string_equal(asked[0].scope, "0ne00AB12CD");
	assert_string_equal(asked[0].id, "dev-1");
	assert_string_equal(asked[0].token, TOKEN);
	assert_string_equal(asked[0].body, "{\"registrationId\":\"dev-1\"}");
	assert_string_equal(asked[0].protocol, "amqp");
	assert_int_equal(strlen(asked[0].request), 36);
	assert_int_equal(c.settled, 0);
	answer(0, 202, 3, "{\"status\":\"assigning\"}");
	talk();
	assert_int_equal(c.settled, 1);
	assert_int_equal(c.outcome, PN_ACCEPTED);
	assert_int_equal(c.answer_count, 1);
	assert_string_equal(c.answers[0].body, "{\"status\":\"assigning\"}");
	assert_string_equal(c.answers[0].correlation, "\"6f0c\"");
	assert_int_equal(c.answers[0].sections, 1);
	assert_int_equal(c.answers[0].retry_after, 3);
	assert_int_equal(c.answers[0].capital_retry_after, 3);
}

static void an_operation_is_asked_for_by_its_id(void **state)
{
	static const struct client_message polls[] = {
		{"a1", "iotdps-get-operationstatus", "5.1-op", .value = ""},                           /* Node */
		{"a1", "iotdps-get-operationstatus", "5.1-op", .value = "iotdps-get-operationstatus"}, /* .NET */
		{NULL, "iotdps-get-operationstatus", "5.1-op"},                                        /* Java */
		{NULL, "iotdps-get-operationstatus", "5.1-op", .data = "{}"},                          /* C */
	};

	(void)state;
	connect_with(10);
	for (size_t i = 0; i < 4; i++) {
		request(&polls[i]);
		assert_int_equal(asked_count, i + 1);
		assert_int_equal(asked[i].op, DEVICE_OPERATION_STATUS);
		assert_string_equal(asked[i].operation, "5.1-op");
		assert_int_equal(asked[i].with_body, i == 3);
		answer(i, 200, 0, "{\"status\":\"assigned\"}");
		talk();
		assert_int_equal(c.answer_count, i + 1);
		assert_string_equal(c.answers[i].correlation, i < 2 ? "\"a1\"" : "");
		assert_int_equal(c.answers[i].retry_after, -1);
	}
	assert_string_not_equal(asked[0].request, asked[1].request);
}

static void a_registration_may_be_asked_for_and_may_have_no_body(void **state)
{
	static const struct client_message bare = {NULL, "iotdps-get-registration"}, empty = {NULL, "iotdps-register"},
					   text = {NULL, "iotdps-register", .value = "{\"payload\":1}"};

	(void)state;
	connect_with(10);
	request(&bare);
	request(&empty);
	request(&text);
	assert_int_equal(asked[0].op, DEVICE_REGISTRATION_STATUS);
	assert_int_equal(asked[1].op, DEVICE_REGISTER);
	assert_int_equal(asked[1].body_size, 0);
	assert_string_equal(asked[2].body, "{\"payload\":1}");
}

static void the_disposition_leaves_before_the_answer(void **state)
{
	struct slice bytes;

	(void)state;
	connect_with(10);
	register_once();
	answer(0, 200, 0, "{}");
	bytes = unseen();
	assert_true(bytes.n > 24);
	assert_memory_equal(bytes.p + 8, "\x00\x53\x15", 3);
	assert_memory_equal(bytes.p + (unsigned char)bytes.p[3] + 8, "\x00\x53\x14", 3);
	talk();
}

static void two_requests_under_way_are_told_apart_by_their_correlation(void **state)
{
	static const struct client_message one = {"one", "iotdps-register", .data = "{}"}, two = {"two", "iotdps-register", .data = "{}"};

	(void)state;
	connect_with(10);
	request(&one);
	request(&two);
	answer(1, 200, 0, "2");
	answer(0, 200, 0, "1");
	talk();
	assert_string_equal(c.answers[0].correlation, "\"two\"");
	assert_string_equal(c.answers[0].body, "2");
	assert_string_equal(c.answers[1].correlation, "\"one\"");
	assert_string_equal(c.answers[1].body, "1");
}

static void a_request_that_is_settled_already_is_answered_all_the_same(void **state)
{
	static const struct client_message m = {"1", "iotdps-register", .data = "{}", .settled = true};

	(void)state;
	connect_with(10);
	request(&m);
	answer(0, 200, 0, "{}");
	talk();
	assert_int_equal(c.answer_count, 1);
	request(&m);
	answer(1, 404, 0, "{}");
	talk();
	assert_int_equal(c.settled, 0);
	assert_int_equal(pn_link_credit(sender), AMQPS_CREDIT);
}

/* --- refused --- */

static void refusals_have_the_conditions_of_the_table(void **state)
{
	static const struct {
		int status, retry_after;
		const char *condition;
		int told;
	} all[] = {
		{400, 0, "amqp:not-allowed", -1},
		{401, 0, "amqp:unauthorized-access", -1},
		{403, 0, "amqp:unauthorized-access", -1},
		{404, 0, "amqp:not-found", -1},
		{409, 0, "amqp:precondition-failed", -1},
		{415, 0, "amqp:not-allowed", -1},
		{429, 7, "com.microsoft:device-container-throttled", 7},
		{429, 0, "com.microsoft:device-container-throttled", RETRY_AFTER_SECONDS},
		{500, 0, "amqp:internal-error", RETRY_AFTER_SECONDS},
		{503, 5, "amqp:internal-error", 5},
	};

	(void)state;
	connect_with(10);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		register_once();
		answer(i, all[i].status, all[i].retry_after, "{\"errorCode\":1}");
		talk();
		assert_int_equal(c.settled, i + 1);
		assert_int_equal(c.outcome, PN_REJECTED);
		assert_string_equal(c.outcome_condition, all[i].condition);
		assert_string_equal(c.outcome_description, "{\"errorCode\":1}");
		assert_int_equal(c.outcome_retry_after, all[i].told);
		assert_int_equal(c.outcome_capital_retry_after, all[i].told);
	}
	assert_int_equal(c.answer_count, 0);
}

/* Refused here, with a document like every other refusal. */
static void refused_with_400(const char *sentence)
{
	json_t *document;
	struct arena *arena = arena_new(65536);

	assert_int_equal(c.outcome, PN_REJECTED);
	assert_string_equal(c.outcome_condition, "amqp:not-allowed");
	assert_int_equal(json_read(slice_str(c.outcome_description), arena, &document, NULL), OK);
	assert_int_equal(json_integer_value(json_object_get(document, "errorCode")), 400001);
	assert_string_equal(json_string_value(json_object_get(document, "message")), sentence);
	assert_int_equal(strlen(json_string_value(json_object_get(document, "trackingId"))), 36);
	assert_string_equal(json_string_value(json_object_get(document, "timestampUtc")), "2023-11-14T22:13:20.0000000Z");
	assert_true(logged("request-refused", sentence) &&
		    logged("request-refused", json_string_value(json_object_get(document, "trackingId"))));
	json_decref(document);
	arena_free(&arena);
}

static void what_is_no_request_is_refused(void **state)
{
	static const struct client_message strange = {NULL, "iotdps-unregister", .data = "{}"}, nothing = {.data = "{}"},
					   nameless = {NULL, "iotdps-get-operationstatus", .data = "{}"},
					   empty = {NULL, "iotdps-get-operationstatus", ""};

	(void)state;
	connect_with(10);
	request(&strange);
	refused_with_400("The application property iotdps-operation-type names no operation.");
	request(&nothing);
	refused_with_400("The application property iotdps-operation-type names no operation.");
	request(&nameless);
	refused_with_400("The application property iotdps-operation-id is missing.");
	request(&empty);
	refused_with_400("The application property iotdps-operation-id is missing.");
	client_send_bytes(&c, sender, "\x00\x53\x75", 3, false);
	talk();
	refused_with_400("The message cannot be read.");
	assert_int_equal(asked_count, 0);
	assert_int_equal(pn_link_credit(sender), AMQPS_CREDIT);
	assert_false(gone);
}

static void a_question_that_cannot_be_put_is_refused(void **state)
{
	(void)state;
	connect_with(10);
	no_memory = true;
	register_once();
	assert_string_equal(c.outcome_condition, "amqp:internal-error");
	assert_non_null(strstr(c.outcome_description, "500001"));
	assert_false(gone);
}

static void a_message_that_is_too_large_ends_its_link(void **state)
{
	static char body[API_DEVICE_BODY_MAX];
	const struct client_message large = {NULL, "iotdps-register", .data = body, .data_size = sizeof(body)};

	(void)state;
	connect_with(10);
	request(&large);
	assert_int_equal(c.detached, 1);
	assert_string_equal(c.condition, "amqp:link:message-size-exceeded");
	assert_true(logged("connection-refused", "a message is larger than the attach allowed"));
	assert_int_equal(asked_count, 0);
	sender = client_sender(&c, "again", NAME);
	talk();
	register_once();
	assert_int_equal(asked_count, 1);
}

/* --- limits --- */

static void answers_wait_for_credit_in_their_order(void **state)
{
	pn_link_t *receiver;

	(void)state;
	log_in();
	sender = client_sender(&c, "out", NAME);
	talk();
	register_once();
	answer(0, 200, 0, "1");
	talk();
	assert_int_equal(c.outcome, PN_ACCEPTED);
	receiver = client_receiver(&c, "in", NAME, 0);
	talk();
	register_once();
	answer(1, 200, 0, "2");
	talk();
	assert_int_equal(c.answer_count, 0);
	assert_int_equal(pn_link_credit(sender), AMQPS_CREDIT - 2);
	pn_link_flow(receiver, 1);
	talk();
	assert_int_equal(c.answer_count, 1);
	assert_string_equal(c.answers[0].body, "1");
	pn_link_flow(receiver, 5);
	talk();
	assert_int_equal(c.answer_count, 2);
	assert_string_equal(c.answers[1].body, "2");
	assert_int_equal(pn_link_credit(sender), AMQPS_CREDIT);
}

static void a_receiver_may_be_replaced(void **state)
{
	pn_link_t *receiver;

	(void)state;
	log_in();
	receiver = client_receiver(&c, "in", NAME, 10);
	sender = client_sender(&c, "out", NAME);
	talk();
	pn_link_close(receiver);
	talk();
	register_once();
	answer(0, 200, 0, "1");
	talk();
	assert_int_equal(c.answer_count, 0);
	client_receiver(&c, "in again", NAME, 10);
	talk();
	assert_int_equal(c.answer_count, 1);
}

static void answers_that_nobody_takes_have_a_limit(void **state)
{
	static char body[60000];

	(void)state;
	memset(body, ' ', sizeof(body) - 1);
	connect_with(0);
	for (size_t i = 0; i < 5; i++) {
		assert_false(gone);
		register_once();
		answer(i, 200, 0, body);
		talk();
	}
	assert_true(gone && logged("connection-refused", "does not take its answers"));
	assert_string_equal(c.condition, "amqp:resource-limit-exceeded");
}

static void answers_leave_as_fast_as_the_client_takes_them(void **state)
{
	static char body[60000];
	pn_link_t *receiver;
	size_t count = 0;

	(void)state;
	memset(body, ' ', sizeof(body) - 1);
	log_in();
	receiver = client_receiver(&c, "in", NAME, 0);
	sender = client_sender(&c, "out", NAME);
	talk();
	for (size_t round = 0; round < 3; round++) {
		for (size_t i = 0; i < 4; i++) {
			register_once();
			answer(count++, 200, 0, body);
		}
		pn_link_flow(receiver, 4);
		talk();
		assert_int_equal(c.answer_count, count);
		assert_int_equal(c.answers[count - 1].size, sizeof(body) - 1);
	}
	assert_false(gone);
}

static void few_requests_are_asked_at_once_and_the_others_wait(void **state)
{
	(void)state;
	connect_with(100);
	for (int i = 0; i < 20; i++)
		register_once();
	assert_int_equal(asked_count, AMQPS_ASKS_MAX);
	for (size_t i = 0; i < 20; i++) {
		answer(i, 200, 0, "{}");
		talk();
		assert_int_equal(asked_count, i + 1 + AMQPS_ASKS_MAX < 20 ? i + 1 + AMQPS_ASKS_MAX : 20);
	}
	assert_int_equal(c.answer_count, 20);
	assert_int_equal(pn_link_credit(sender), AMQPS_CREDIT);
}

static void an_answer_to_a_link_that_is_gone_is_dropped(void **state)
{
	(void)state;
	connect_with(10);
	register_once();
	pn_link_close(sender);
	talk();
	answer(0, 404, 0, "{}");
	talk();
	assert_false(gone);
	pn_session_close(c.session);
	talk();
	assert_false(gone);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_registration_is_asked_with_the_token_of_the_login),
		TEST(an_operation_is_asked_for_by_its_id),
		TEST(a_registration_may_be_asked_for_and_may_have_no_body),
		TEST(the_disposition_leaves_before_the_answer),
		TEST(two_requests_under_way_are_told_apart_by_their_correlation),
		TEST(a_request_that_is_settled_already_is_answered_all_the_same),
		TEST(refusals_have_the_conditions_of_the_table),
		TEST(what_is_no_request_is_refused),
		TEST(a_question_that_cannot_be_put_is_refused),
		TEST(a_message_that_is_too_large_ends_its_link),
		TEST(answers_wait_for_credit_in_their_order),
		TEST(a_receiver_may_be_replaced),
		TEST(answers_that_nobody_takes_have_a_limit),
		TEST(answers_leave_as_fast_as_the_client_takes_them),
		TEST(few_requests_are_asked_at_once_and_the_others_wait),
		TEST(an_answer_to_a_link_that_is_gone_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
