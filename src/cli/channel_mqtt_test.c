/* A device that asks over MQTT, and a service that answers as the test wants. */
#include "codec/mqtt.h"
#include "cli/test_channel.h"

#define ASSIGNING "{\"operationId\":\"5.o\",\"status\":\"assigning\"}"
#define EITHER    for (const struct channel_kind *kind = &channel_mqtt; kind; kind = kind == &channel_mqtt ? &channel_mqtt_ws : NULL)

/* How the service behaves, and what it saw of the last connection. */
static uint8_t connack, granted;
static const char *answer_topic; /* "%u" is the request's $rid; NULL: none */
static const char *stray_topic;  /* the same, of an answer before it; NULL: none */
static struct slice answer_body;
static bool hangs_up;   /* in place of an answer */
static bool closes_now; /* after it */
static int pubacks, disconnects;
static char seen[4096]; /* of each packet what matters, a line each */

static void be_good(void)
{
	connack = MQTT_ACCEPTED;
	granted = 1;
	answer_topic = "$dps/registrations/res/202/?$rid=%u&retry-after=3";
	stray_topic = NULL;
	answer_body = SLICE(ASSIGNING);
	hangs_up = closes_now = false;
	pubacks = disconnects = 0;
	seen[0] = '\0';
}

static void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), fmt, ap);
	va_end(ap);
}

static void say(struct channel_world *w, const struct mqtt_packet *packet)
{
	struct buf bytes;

	buf_init(&bytes, 1024 * 1024);
	mqtt_write(&bytes, packet);
	assert_false(buf_failed(&bytes));
	assert_int_equal(OK, stream_write(w->peer, buf_slice(&bytes)));
	buf_fini(&bytes);
}

static void answer(struct channel_world *w, const struct mqtt_publish *p, const char *form, struct slice body)
{
	ptrdiff_t rid = slice_search(p->topic, SLICE("$rid="));
	char topic[256];

	assert_true(rid > 0);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(topic, sizeof(topic), form, (unsigned)strtoul(p->topic.p + rid + 5, NULL, 10));
#pragma GCC diagnostic pop
	say(w, &(struct mqtt_packet){.type = MQTT_PUBLISH, .publish = {.qos = 1, .id = 7, .topic = slice_str(topic), .payload = body}});
}

/* PUBACK first, then the answer, as the service does. */
static void hear_publish(struct channel_world *w, const struct mqtt_publish *p)
{
	note("publish q%d %.*s %.*s\n", p->qos, SLICE_ARG(p->topic), SLICE_ARG(p->payload));
	if (hangs_up) {
		stream_close(&w->peer);
		return;
	}
	say(w, &(struct mqtt_packet){.type = MQTT_PUBACK, .id = p->id});
	if (stray_topic)
		answer(w, p, stray_topic, SLICE("stray"));
	if (answer_topic)
		answer(w, p, answer_topic, answer_body);
	if (closes_now)
		stream_close(&w->peer);
}

static void hear_packet(struct channel_world *w, const struct mqtt_packet *p)
{
	struct mqtt_filter filter;
	struct slice list;
	char code = (char)granted;

	switch (p->type) {
	case MQTT_CONNECT:
		note("connect %d %d \"%.*s\" \"%.*s\" \"%.*s\"\n", p->connect.clean_session, p->connect.keep_alive,
		     SLICE_ARG(p->connect.client_id), SLICE_ARG(p->connect.user), SLICE_ARG(p->connect.password));
		say(w, &(struct mqtt_packet){.type = MQTT_CONNACK, .connack.code = connack});
		break;
	case MQTT_SUBSCRIBE:
		list = p->filters.list;
		assert_true(mqtt_next_filter(MQTT_SUBSCRIBE, &list, &filter));
		note("subscribe q%d %.*s\n", filter.qos, SLICE_ARG(filter.text));
		say(w, &(struct mqtt_packet){.type = MQTT_SUBACK, .suback = {.id = p->filters.id, .codes = slice_over(&code, 1)}});
		break;
	case MQTT_PUBLISH: hear_publish(w, &p->publish); break;
	case MQTT_PUBACK: pubacks += p->id == 7; break;
	case MQTT_DISCONNECT: disconnects++; break;
	default: fail_msg("%s is not for a server", mqtt_type_name(p->type));
	}
}

static void hear(struct channel_world *w)
{
	struct mqtt_packet packet;
	const char *why;
	size_t size;

	while (w->peer && mqtt_read(buf_slice(&w->in), 200000, &packet, &size, &why) == OK) {
		hear_packet(w, &packet);
		buf_eat(&w->in, size);
	}
}

/* --- */

static void a_device_connects_subscribes_asks_and_leaves(void **state)
{
	struct channel_world w;

	(void)state;
	EITHER
	{
		be_good();
		channel_world_init(&w, kind, hear);
		channel_ask_and_wait(&w, NULL);
		assert_int_equal(OK, w.e);
		assert_int_equal(202, w.status);
		assert_int_equal(3, w.retry_after);
		assert_string_equal(ASSIGNING, w.body);
		channel_ask_and_wait(&w, "5.o");
		assert_string_equal("connect 1 0 \"d1\" \"0ne1/registrations/d1/api-version=2021-06-01&ClientVersion=berth%2F" BERTH_VERSION
				    "\" \"SharedAccessSignature sr=x\"\n"
				    "subscribe q1 $dps/registrations/res/#\n"
				    "publish q1 $dps/registrations/PUT/iotdps-register/?$rid=1 {\"registrationId\":\"d1\"}\n"
				    "publish q1 $dps/registrations/GET/iotdps-get-operationstatus/?$rid=2&operationId=5.o \n",
				    seen);
		assert_int_equal(1, w.server.accepted);
		assert_true((w.request[0] != '\0') == (kind == &channel_mqtt_ws));
		channel_close(&w.channel);
		test_server_wait_empty(&w.server);
		assert_int_equal(2, pubacks);
		assert_int_equal(1, disconnects);
		assert_true(w.ended);
		channel_world_fini(&w);
	}
}

static void a_device_with_a_certificate_gives_no_password(void **state)
{
	struct test_certificate own = test_make((struct test_wish){.name = "d1"});
	const struct credential credential = {.leaf = own.x, .key = own.key};
	struct channel_world w;

	(void)state;
	be_good();
	channel_world_init(&w, &channel_mqtt, hear);
	w.device.token = NULL;
	w.device.credential = &credential;
	channel_ask_and_wait(&w, NULL);
	assert_int_equal(202, w.status);
	assert_non_null(strstr(seen, "\" \"\"\n"));
	assert_int_equal(i2d_X509(own.x, NULL), w.leaf_n);
	channel_world_fini(&w);
	test_unmake(&own);
}

static void statuses_are_those_of_http(void **state)
{
	struct channel_world w;

	(void)state;
	be_good();
	answer_topic = "$dps/registrations/res/401/?$rid=%u";
	answer_body = SLICE("{\"errorCode\":401002}");
	channel_world_init(&w, &channel_mqtt, hear);
	channel_ask_and_wait(&w, NULL);
	assert_int_equal(OK, w.e);
	assert_int_equal(401, w.status);
	assert_int_equal(-1, w.retry_after);
	assert_string_equal("{\"errorCode\":401002}", w.body);
	channel_world_fini(&w);
}

static void a_long_answer_arrives_whole(void **state)
{
	char *text = malloc(CHANNEL_ANSWER_MAX);
	struct channel_world w;

	(void)state;
	memset(text, 'x', CHANNEL_ANSWER_MAX);
	EITHER
	{
		be_good();
		answer_body = slice_over(text, CHANNEL_ANSWER_MAX);
		channel_world_init(&w, kind, hear);
		channel_ask_and_wait(&w, NULL);
		assert_int_equal(OK, w.e);
		assert_int_equal(CHANNEL_ANSWER_MAX, w.body_n);
		channel_world_fini(&w);
	}
	free(text);
}

static void who_is_not_let_in_is_told_so(void **state)
{
	static const struct {
		uint8_t code;
		enum err e;
		const char *words;
	} cases[] = {
		{MQTT_NOT_AUTHORIZED, ERR_UNAUTHORIZED, "does not let the device in (MQTT code 5)"},
		{MQTT_BAD_USER, ERR_UNAUTHORIZED, "MQTT code 4"},
		{MQTT_BAD_LEVEL, ERR_UNSUPPORTED, "refuses the connection (MQTT code 1)"},
	};
	struct channel_world w;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		be_good();
		connack = cases[i].code;
		channel_world_init(&w, &channel_mqtt, hear);
		channel_ask_and_wait(&w, NULL);
		assert_channel_failed(&w, cases[i].e, cases[i].words);
		channel_world_fini(&w);
	}
	be_good();
	granted = MQTT_NOT_SUBSCRIBED;
	channel_world_init(&w, &channel_mqtt, hear);
	channel_ask_and_wait(&w, NULL);
	assert_channel_failed(&w, ERR_UNSUPPORTED, "hear its answers");
	channel_world_fini(&w);
}

static void a_service_that_is_not_ready_is_asked_again_on_a_new_connection(void **state)
{
	struct channel_world w;

	(void)state;
	be_good();
	connack = MQTT_UNAVAILABLE;
	channel_world_init(&w, &channel_mqtt, hear);
	channel_ask_and_wait(&w, NULL);
	assert_int_equal(OK, w.e);
	assert_int_equal(503, w.status);
	connack = MQTT_ACCEPTED;
	channel_ask_and_wait(&w, NULL);
	assert_int_equal(202, w.status);
	assert_int_equal(2, w.server.accepted);
	channel_world_fini(&w);
}

static void a_connection_that_ended_between_two_questions_is_made_anew(void **state)
{
	struct channel_world w;

	(void)state;
	EITHER
	{
		be_good();
		closes_now = true;
		channel_world_init(&w, kind, hear);
		channel_ask_and_wait(&w, NULL);
		assert_int_equal(202, w.status);
		test_server_wait_empty(&w.server);
		channel_ask_and_wait(&w, "5.o");
		assert_int_equal(OK, w.e);
		assert_int_equal(202, w.status);
		assert_int_equal(2, w.server.accepted);
		channel_world_fini(&w);
	}
}

static void a_connection_that_ends_before_the_answer_is_told_as_such(void **state)
{
	struct channel_world w;

	(void)state;
	EITHER
	{
		be_good();
		hangs_up = true;
		channel_world_init(&w, kind, hear);
		channel_ask_and_wait(&w, NULL);
		assert_channel_failed(&w, ERR_CLOSED, "ended before the answer");
		channel_world_fini(&w);
	}
}

static void hear_rubbish(struct channel_world *w)
{
	assert_int_equal(OK, stream_write(w->peer, SLICE("\xff\xff\xff\xff\xff rubbish")));
}

static void rubbish_is_told_as_such(void **state)
{
	struct channel_world w;

	(void)state;
	be_good();
	channel_world_init(&w, &channel_mqtt, hear_rubbish);
	channel_ask_and_wait(&w, NULL);
	assert_channel_failed(&w, ERR_MALFORMED, "is not MQTT");
	channel_world_fini(&w);
}

static void no_connection_is_told_as_such(void **state)
{
	struct channel_world w;

	(void)state;
	EITHER
	{
		be_good();
		channel_world_init(&w, kind, hear);
		test_server_refuse(&w.server);
		channel_ask_and_wait(&w, NULL);
		assert_channel_failed(&w, ERR_UNREACHABLE, "Connection refused");
		channel_world_fini(&w);
	}
}

static void answers_to_others_are_passed_over(void **state)
{
	static const char *const topics[] = {
		"$dps/registrations/res/202/?$rid=999%u",
		"$dps/registrations/res/202/?retry-after=%u",
		"$dps/registrations/res/abc/?$rid=%u",
		"$dps/registrations/res/202?$rid=%u",
		"somewhere/else/202/?$rid=%u",
	};
	struct channel_world w;

	(void)state;
	for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
		be_good();
		stray_topic = topics[i];
		channel_world_init(&w, &channel_mqtt, hear);
		channel_ask_and_wait(&w, NULL);
		assert_int_equal(1, w.answers);
		assert_string_equal(ASSIGNING, w.body);
		channel_world_fini(&w);
	}
}

static void a_channel_may_be_closed_in_its_own_done_and_at_any_moment(void **state)
{
	static const int pauses[] = {0, 1, 5, 20};
	struct channel_world w;

	(void)state;
	EITHER
	{
		be_good();
		channel_world_init(&w, kind, hear);
		w.closes = true;
		channel_ask_and_wait(&w, NULL);
		assert_string_equal(ASSIGNING, w.body); /* it lives until done() ends */
		channel_world_fini(&w);
		for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
			be_good();
			answer_topic = NULL;
			channel_world_init(&w, kind, hear);
			channel_start(&w, NULL);
			if (pauses[i])
				channel_pause(&w, pauses[i]);
			channel_close(&w.channel);
			channel_pause(&w, 20);
			assert_int_equal(0, w.answers);
			channel_world_fini(&w);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_connects_subscribes_asks_and_leaves),
		cmocka_unit_test(a_device_with_a_certificate_gives_no_password),
		cmocka_unit_test(statuses_are_those_of_http),
		cmocka_unit_test(a_long_answer_arrives_whole),
		cmocka_unit_test(who_is_not_let_in_is_told_so),
		cmocka_unit_test(a_service_that_is_not_ready_is_asked_again_on_a_new_connection),
		cmocka_unit_test(a_connection_that_ended_between_two_questions_is_made_anew),
		cmocka_unit_test(a_connection_that_ends_before_the_answer_is_told_as_such),
		cmocka_unit_test(rubbish_is_told_as_such),
		cmocka_unit_test(no_connection_is_told_as_such),
		cmocka_unit_test(answers_to_others_are_passed_over),
		cmocka_unit_test(a_channel_may_be_closed_in_its_own_done_and_at_any_moment),
	};

	return cmocka_run_group_tests(tests, make_channel_files, remove_channel_files);
}
