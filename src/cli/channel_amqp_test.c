/* A device that asks over AMQP, and a service that answers as the test wants. */
#include "codec/amqp.h"
#include "cli/test_channel.h"

#define NAME      "0ne1/registrations/d1"
#define ASSIGNING "{\"operationId\":\"5.o\",\"status\":\"assigning\"}"
#define EITHER    for (const struct channel_kind *kind = &channel_amqp; kind; kind = kind == &channel_amqp ? &channel_amqp_ws : NULL)

static const char *const mechanisms[] = {"PLAIN"};
static const struct amqp_conf server_conf = {"berth", mechanisms, 1, 240000, 600000};

/* How the service behaves, and what it saw. */
static struct amqp *amqp; /* of the last connection */
static struct stream *amqp_stream;
static uint32_t answers; /* the link */
static bool refuses_login, hangs_up, is_silent, stray_first, closes_now, farewell;
static const char *refuses_links;
static const struct amqp_refusal *rejects;
static struct slice answer_body;
static int retry_after;
static char seen[2048];

static void be_good(void)
{
	refuses_login = hangs_up = is_silent = stray_first = closes_now = farewell = false;
	refuses_links = NULL;
	rejects = NULL;
	answer_body = SLICE(ASSIGNING);
	retry_after = 3;
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

static void on_login(const struct amqp_event *e)
{
	note("login ");
	for (size_t i = 0; i < e->response.n; i++)
		note("%c", e->response.p[i] ? e->response.p[i] : '|');
	note("\n");
	if (refuses_login)
		amqp_login_refuse(amqp);
	else
		amqp_login_accept(amqp);
}

static void on_attached(const struct amqp_event *e)
{
	note("%s %.*s\n", e->peer_sends ? "to" : "from", SLICE_ARG(e->address));
	if (refuses_links) {
		amqp_link_refuse(amqp, e->link, refuses_links, "not yours");
		return;
	}
	amqp_link_accept(amqp, e->link);
	if (e->peer_sends)
		amqp_link_credit(amqp, e->link, 50);
	else
		answers = e->link;
}

static void on_message(const struct amqp_event *e)
{
	struct amqp_value operation = amqp_map_find(e->message.properties, "iotdps-operation-type");
	struct amqp_value id = amqp_map_find(e->message.properties, "iotdps-operation-id");
	const struct amqp_answer stray = {.correlation = SLICE("\xa1\1z"), .body = SLICE("stray")};
	const struct amqp_answer answer = {.correlation = e->message.correlation, .retry_after = retry_after, .body = answer_body};

	note("%.*s \"%.*s\" %.*s\n", SLICE_ARG(operation.bytes), SLICE_ARG(id.bytes), SLICE_ARG(e->message.body));
	if (rejects) {
		amqp_reject(amqp, &e->delivery, rejects);
		return;
	}
	amqp_accept(amqp, &e->delivery);
	if (stray_first)
		assert_int_equal(OK, amqp_send(amqp, answers, &stray));
	if (!is_silent)
		assert_int_equal(OK, amqp_send(amqp, answers, &answer));
	if (closes_now)
		amqp_close(amqp, NULL, NULL);
}

static void on_event(const struct amqp_event *e)
{
	switch (e->kind) {
	case AMQP_LOGIN: on_login(e); break;
	case AMQP_ATTACHED: on_attached(e); break;
	case AMQP_MESSAGE: on_message(e); break;
	case AMQP_CLOSED: farewell = !e->by_us && slice_absent(e->condition); break;
	default: break;
	}
}

static void hear(struct channel_world *w)
{
	struct slice rest = buf_slice(&w->in), out;
	struct amqp_event e;

	if (amqp_stream != w->peer) {
		amqp_free(&amqp);
		amqp = amqp_new(&server_conf);
		amqp_stream = w->peer;
	}
	while (amqp_read(amqp, &rest, &e)) {
		if (hangs_up && e.kind == AMQP_MESSAGE) {
			stream_close(&w->peer);
			return;
		}
		on_event(&e);
	}
	buf_clear(&w->in);
	out = amqp_output(amqp);
	if (out.n)
		(void)!stream_write(w->peer, out); /* who has left may leave */
	amqp_output_taken(amqp, out.n);
	if (amqp_ended(amqp))
		stream_close(&w->peer);
}

static void begin(struct channel_world *w, const struct channel_kind *kind)
{
	amqp_stream = NULL;
	channel_world_init(w, kind, hear);
}

static void end(struct channel_world *w)
{
	channel_world_fini(w);
	amqp_free(&amqp);
}

/* --- */

static void a_device_logs_in_asks_and_leaves(void **state)
{
	struct channel_world w;

	(void)state;
	EITHER
	{
		be_good();
		begin(&w, kind);
		channel_ask_and_wait(&w, NULL);
		assert_int_equal(OK, w.e);
		assert_int_equal(200, w.status);
		assert_int_equal(3, w.retry_after);
		assert_string_equal(ASSIGNING, w.body);
		retry_after = 0;
		channel_ask_and_wait(&w, "5.o");
		assert_int_equal(-1, w.retry_after);
		assert_string_equal("login |" NAME "|SharedAccessSignature sr=x\n"
				    "from " NAME "\n"
				    "to " NAME "\n"
				    "iotdps-register \"\" {\"registrationId\":\"d1\"}\n"
				    "iotdps-get-operationstatus \"5.o\" \n",
				    seen);
		assert_int_equal(1, w.server.accepted);
		assert_true((w.request[0] != '\0') == (kind == &channel_amqp_ws));
		if (w.websocket)
			assert_non_null(strstr(w.request, "Sec-WebSocket-Protocol: AMQPWSB10\r\n"));
		channel_close(&w.channel);
		test_server_wait_empty(&w.server);
		assert_true(farewell);
		end(&w);
	}
}

static void a_device_with_a_certificate_skips_sasl(void **state)
{
	struct test_certificate own = test_make((struct test_wish){.name = "d1"});
	const struct credential credential = {.leaf = own.x, .key = own.key};
	struct channel_world w;

	(void)state;
	be_good();
	begin(&w, &channel_amqp);
	w.device.token = NULL;
	w.device.credential = &credential;
	channel_ask_and_wait(&w, NULL);
	assert_int_equal(200, w.status);
	assert_non_null(strstr(seen, "login \n"));
	assert_int_equal(i2d_X509(own.x, NULL), w.leaf_n);
	end(&w);
	test_unmake(&own);
}

static void a_rejection_has_the_status_of_its_error_code(void **state)
{
	static const struct amqp_refusal throttled = {"com.microsoft:device-container-throttled", SLICE("{\"errorCode\":429001}"), 7};
	struct channel_world w;

	(void)state;
	be_good();
	rejects = &throttled;
	begin(&w, &channel_amqp);
	channel_ask_and_wait(&w, NULL);
	assert_int_equal(OK, w.e);
	assert_int_equal(429, w.status);
	assert_int_equal(7, w.retry_after);
	assert_string_equal("{\"errorCode\":429001}", w.body);
	rejects = NULL;
	channel_ask_and_wait(&w, NULL); /* the connection goes on */
	assert_int_equal(200, w.status);
	assert_int_equal(1, w.server.accepted);
	end(&w);
}

static void a_rejection_without_a_code_is_told_in_its_own_words(void **state)
{
	static const struct amqp_refusal refusal = {"amqp:not-allowed", SLICE("because"), 0};
	struct channel_world w;

	(void)state;
	be_good();
	rejects = &refusal;
	begin(&w, &channel_amqp);
	channel_ask_and_wait(&w, NULL);
	assert_channel_failed(&w, ERR_INVALID, "amqp:not-allowed because");
	end(&w);
}

static void who_is_not_let_in_is_told_so(void **state)
{
	struct channel_world w;

	(void)state;
	be_good();
	refuses_login = true;
	begin(&w, &channel_amqp);
	channel_ask_and_wait(&w, NULL);
	assert_channel_failed(&w, ERR_UNAUTHORIZED, "does not let the device in");
	end(&w);
	be_good();
	refuses_links = "amqp:unauthorized-access";
	begin(&w, &channel_amqp);
	channel_ask_and_wait(&w, NULL);
	assert_channel_failed(&w, ERR_CLOSED, "amqp:unauthorized-access not yours");
	end(&w);
}

static void a_long_answer_arrives_whole(void **state)
{
	char *text = malloc(AMQP_ANSWER_MAX);
	struct channel_world w;

	(void)state;
	memset(text, 'x', AMQP_ANSWER_MAX);
	EITHER
	{
		be_good();
		answer_body = slice_over(text, AMQP_ANSWER_MAX);
		begin(&w, kind);
		channel_ask_and_wait(&w, NULL);
		assert_int_equal(OK, w.e);
		assert_int_equal(AMQP_ANSWER_MAX, w.body_n);
		end(&w);
	}
	free(text);
}

static void answers_to_others_are_passed_over(void **state)
{
	struct channel_world w;

	(void)state;
	be_good();
	stray_first = true;
	begin(&w, &channel_amqp);
	channel_ask_and_wait(&w, NULL);
	assert_string_equal(ASSIGNING, w.body);
	assert_int_equal(1, w.answers);
	end(&w);
}

static void a_connection_that_ended_between_two_questions_is_made_anew(void **state)
{
	struct channel_world w;

	(void)state;
	EITHER
	{
		be_good();
		closes_now = true;
		begin(&w, kind);
		channel_ask_and_wait(&w, NULL);
		assert_int_equal(200, w.status);
		test_server_wait_empty(&w.server);
		channel_ask_and_wait(&w, "5.o");
		assert_int_equal(200, w.status);
		assert_int_equal(2, w.server.accepted);
		end(&w);
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
		begin(&w, kind);
		channel_ask_and_wait(&w, NULL);
		assert_channel_failed(&w, ERR_CLOSED, "ended before the answer");
		end(&w);
	}
}

static void hear_rubbish(struct channel_world *w)
{
	assert_int_equal(OK, stream_write(w->peer, SLICE("this is no AMQP at all")));
}

static void rubbish_is_told_as_such(void **state)
{
	struct channel_world w;

	(void)state;
	be_good();
	channel_world_init(&w, &channel_amqp, hear_rubbish);
	channel_ask_and_wait(&w, NULL);
	assert_channel_failed(&w, ERR_CLOSED, "another protocol");
	channel_world_fini(&w);
}

static void a_channel_may_be_closed_in_its_own_done_and_at_any_moment(void **state)
{
	static const int pauses[] = {0, 1, 5, 20};
	struct channel_world w;

	(void)state;
	EITHER
	{
		be_good();
		begin(&w, kind);
		w.closes = true;
		channel_ask_and_wait(&w, NULL);
		assert_string_equal(ASSIGNING, w.body); /* it lives until done() ends */
		end(&w);
		for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
			be_good();
			is_silent = true;
			begin(&w, kind);
			channel_start(&w, NULL);
			if (pauses[i])
				channel_pause(&w, pauses[i]);
			channel_close(&w.channel);
			channel_pause(&w, 20);
			assert_int_equal(0, w.answers);
			end(&w);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_logs_in_asks_and_leaves),
		cmocka_unit_test(a_device_with_a_certificate_skips_sasl),
		cmocka_unit_test(a_rejection_has_the_status_of_its_error_code),
		cmocka_unit_test(a_rejection_without_a_code_is_told_in_its_own_words),
		cmocka_unit_test(who_is_not_let_in_is_told_so),
		cmocka_unit_test(a_long_answer_arrives_whole),
		cmocka_unit_test(answers_to_others_are_passed_over),
		cmocka_unit_test(a_connection_that_ended_between_two_questions_is_made_anew),
		cmocka_unit_test(a_connection_that_ends_before_the_answer_is_told_as_such),
		cmocka_unit_test(rubbish_is_told_as_such),
		cmocka_unit_test(a_channel_may_be_closed_in_its_own_done_and_at_any_moment),
	};

	return cmocka_run_group_tests(tests, make_channel_files, remove_channel_files);
}
