/* A device over AMQP (device-api.md 12): who is let in, which links, and how a connection ends. */
#include "protocol/test_amqps.h"

#define LATE 1001 /* a deadline passes up to a second after its time */

/* --- login --- */

static void a_token_is_asked_about_before_the_device_is_in(void **state)
{
	(void)state;
	sasl_init("PLAIN", SLICE("\0" NAME "\0" TOKEN));
	assert_int_equal(asked_count, 1);
	assert_int_equal(asked[0].op, DEVICE_CONNECT);
	assert_string_equal(asked[0].scope, "0ne00AB12CD");
	assert_string_equal(asked[0].id, "dev-1");
	assert_string_equal(asked[0].token, TOKEN);
	assert_string_equal(asked[0].protocol, "amqp");
	assert_string_equal(asked[0].peer, TEST_STREAM_PEER);
	assert_int_equal(strlen(asked[0].request), 36);
	assert_int_equal(unseen().n, 0);
	answer(0, 200, 0, "{}");
	sent(OUTCOME("\x00"));
	talk();
	assert_true(c.opened);
}

static void a_token_that_is_not_accepted_is_outcome_1_and_the_end(void **state)
{
	(void)state;
	sasl_init("PLAIN", SLICE("\0" NAME "\0" TOKEN));
	answer(0, 401, 0, "{}");
	sent(OUTCOME("\x01"));
	assert_int_equal(unseen().n, 0);
	assert_true(gone && !t.aborted);
	assert_true(logged("connection-refused", "the credential is not accepted"));
}

static void whatever_else_speaks_against_a_device_is_for_its_register_to_hear(void **state)
{
	static const int others[] = {400, 403, 404, 409, 429, 500, 503};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		sasl_init("PLAIN", SLICE("\0" NAME "\0" TOKEN));
		answer(0, others[i], 3, "{}");
		sent(OUTCOME("\x00"));
		assert_false(gone);
		tear_down(state);
		set_up(state);
	}
}

static void the_identity_to_act_as_may_be_the_device_itself(void **state)
{
	(void)state;
	sasl_init("PLAIN", SLICE(NAME "\0" NAME "\0" TOKEN));
	assert_int_equal(asked_count, 1);
	answer(0, 200, 0, "{}");
}

static void what_is_not_plain_is_refused_and_nobody_asked(void **state)
{
	static const struct {
		struct slice response;
		const char *reason;
	} all[] = {
		{{NULL, 0}, "not one of PLAIN"},
		{{"", 0}, "not one of PLAIN"},
		{{"\0" NAME, sizeof(NAME)}, "not one of PLAIN"},
		{{"\0" NAME "\0", sizeof(NAME) + 1}, "not one of PLAIN"},
		{{"\0" NAME "\0t\0", sizeof(NAME) + 3}, "not one of PLAIN"},
		{{"x\0" NAME "\0t", sizeof(NAME) + 3}, "not one of PLAIN"},
		{{"\0dev-1\0t", 8}, "user name"},
		{{"\0/registrations/d\0t", 19}, "user name"},
		{{"\0s/registrations/\0t", 19}, "user name"},
		{{"\0s/registration/d\0t", 19}, "user name"},
		{{"\0s/registrations/d/e\0t", 22}, "user name"},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		sasl_init("PLAIN", all[i].response);
		sent(OUTCOME("\x01"));
		assert_true(gone && logged("connection-refused", all[i].reason));
		assert_int_equal(asked_count, 0);
		tear_down(state);
		set_up(state);
	}
}

static void anonymous_and_strange_mechanisms_are_outcome_1(void **state)
{
	sasl_init("ANONYMOUS", SLICE("me"));
	sent(OUTCOME("\x01"));
	assert_true(gone && logged("connection-refused", "ANONYMOUS is not for devices"));
	tear_down(state);
	set_up(state);
	sasl_init("plain", SLICE("\0" NAME "\0" TOKEN));
	sent(OUTCOME("\x01"));
	assert_true(gone && logged("connection-refused", "a SASL mechanism that was not offered"));
	assert_int_equal(asked_count, 0);
}

static void external_is_as_good_as_the_certificate_behind_it(void **state)
{
	sasl_init("EXTERNAL", NO_SLICE);
	sent(OUTCOME("\x01"));
	assert_true(gone && logged("connection-refused", "EXTERNAL without a client certificate"));
	tear_down(state);
	set_up(state);
	show_certificate();
	sasl_init("EXTERNAL", NO_SLICE);
	sent(OUTCOME("\x00"));
	talk();
	assert_true(c.opened);
	assert_int_equal(asked_count, 0);
}

static void sasl_may_be_skipped_with_a_certificate_alone(void **state)
{
	show_certificate();
	talk();
	assert_true(c.opened);
	assert_int_equal(asked_count, 0);
	tear_down(state);
	set_up(state);
	t.s.chain_count = 0;
	arrive(SLICE("AMQP\0\1\0\0"));
	sent(SASL_HEADER);
	assert_int_equal(unseen().n, 0);
	assert_true(gone && logged("connection-refused", "no SASL and no client certificate"));
}

static void a_question_that_cannot_be_put_refuses_the_login(void **state)
{
	(void)state;
	no_memory = true;
	sasl_init("PLAIN", SLICE("\0" NAME "\0" TOKEN));
	sent(OUTCOME("\x01"));
	assert_true(gone);
}

static void a_login_has_ten_seconds(void **state)
{
	loop_advance(loop, AMQPS_LOGIN_MS - 1);
	assert_false(gone);
	loop_advance(loop, LATE);
	assert_true(gone && logged("connection-refused", "the login took too long"));
	tear_down(state);
	set_up(state);
	/* Whatever of it has come already. */
	sasl_init("PLAIN", SLICE("\0" NAME "\0" TOKEN));
	loop_advance(loop, AMQPS_LOGIN_MS + LATE);
	assert_true(gone && asked[0].cancelled);
	tear_down(state);
	set_up(state);
	log_in();
	loop_advance(loop, AMQPS_LOGIN_MS + LATE);
	assert_false(gone);
}

/* --- links --- */

static void links_name_the_device_in_any_of_the_sdks_spellings(void **state)
{
	static const char *const all[] = {
		NAME,
		"/" NAME,
		"amqps://global.berth.test/" NAME,
		"AMQPS://global.berth.test:5671/" NAME,
		"0NE00ab12cd/registrations/DEV-1",
		"0ne00AB12CD/registrations/dev%2D1",
		NULL,
		"",
	};

	(void)state;
	log_in();
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		pn_link_t *l = i % 2 ? client_sender(&c, "out", all[i]) : client_receiver(&c, "in", all[i], 1);

		talk();
		assert_string_equal(c.condition, "");
		if (i % 2)
			assert_int_equal(pn_link_credit(l), 50);
		pn_link_close(l);
		talk();
	}
	assert_false(gone);
}

static void a_link_to_another_device_is_refused(void **state)
{
	static const char *const all[] = {
		"0ne00AB12CD/registrations/dev-2",
		"0ne00AB12CE/registrations/dev-1",
		"0ne00AB12CD/registrations/dev-1/",
		"0ne00AB12CD%2Fregistrations%2Fdev-1",
		"amqps://0ne00AB12CD/registrations/dev-1",
		"amqps://global.berth.test",
		"dev-1",
		"0ne00AB12CD/registrations/dev%2",
	};

	(void)state;
	log_in();
	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (i % 2)
			client_sender(&c, "out", all[i]);
		else
			client_receiver(&c, "in", all[i], 1);
		talk();
		assert_int_equal(c.detached, i + 1);
		assert_string_equal(c.condition, "amqp:unauthorized-access");
	}
	assert_true(logged("connection-refused", "names another registration"));
	assert_false(gone);
}

static void the_first_link_names_the_device_behind_a_certificate(void **state)
{
	static const struct client_message request = {.operation = "iotdps-register", .data = "{}"};
	pn_link_t *sender;

	(void)state;
	show_certificate();
	client_sender(&c, "nameless", NULL);
	talk();
	assert_int_equal(c.detached, 1);
	sender = client_sender(&c, "out", "amqps://global.berth.test/0ne00AB12CD/registrations/dev%3A1");
	client_receiver(&c, "in", NULL, 1);
	talk();
	assert_int_equal(c.detached, 1);
	client_receiver(&c, "other", "0ne00AB12CD/registrations/dev-2", 1);
	talk();
	assert_int_equal(c.detached, 2);
	client_send(&c, sender, &request);
	talk();
	assert_int_equal(asked_count, 1);
	assert_string_equal(asked[0].scope, "0ne00AB12CD");
	assert_string_equal(asked[0].id, "dev:1");
	assert_int_equal(asked[0].chain_count, 1);
	assert_false(asked[0].with_token);
}

/* --- the end, and what comes before it --- */

static void a_connection_closes_when_the_client_does(void **state)
{
	(void)state;
	log_in();
	pn_connection_close(c.driver.connection);
	talk();
	assert_true(c.closed && gone && !t.aborted);
	assert_string_equal(c.condition, "");
}

static void a_broken_stream_and_an_end_without_a_close_are_the_end_too(void **state)
{
	static const struct client_message request = {.operation = "iotdps-register", .data = "{}"};

	log_in();
	client_send(&c, client_sender(&c, "out", NAME), &request);
	talk();
	test_stream_break(&t, ERR_CLOSED);
	assert_true(gone && t.aborted && asked[0].cancelled);
	tear_down(state);
	set_up(state);
	log_in();
	test_stream_end(&t);
	assert_true(gone);
}

static void a_peer_that_breaks_the_rules_is_closed_and_logged(void **state)
{
	(void)state;
	log_in();
	arrive(SLICE("\x00\x00\x00\x0c\x02\x00\x00\x07\x00\x53\x13\x45"));
	client_feed(&c, unseen());
	assert_string_equal(c.condition, "amqp:not-allowed");
	assert_true(gone && !t.aborted);
	assert_true(logged("connection-refused", "there is no session on this channel"));
}

static void ten_silent_minutes_are_the_end(void **state)
{
	(void)state;
	log_in();
	assert_int_equal(pn_transport_get_remote_idle_timeout(c.driver.transport), AMQPS_IDLE_ANNOUNCE_MS);
	loop_advance(loop, AMQPS_IDLE_MS - 1);
	assert_false(gone);
	/* What came meanwhile counts from the next look at the clock. */
	arrive(SLICE("\x00\x00\x00\x08\x02\x00\x00\x00"));
	loop_advance(loop, AMQPS_IDLE_MS - 1);
	assert_false(gone);
	loop_advance(loop, AMQPS_IDLE_MS + 2 * LATE);
	assert_true(gone && logged("connection-refused", "no frame has come for too long"));
}

static void the_clients_own_patience_is_respected(void **state)
{
	(void)state;
	pn_transport_set_idle_timeout(c.driver.transport, 20000);
	log_in();
	pn_transport_tick(c.driver.transport, 1);
	for (int64_t now = 0; now < 120000; now += 1000) {
		loop_advance(loop, 1000);
		talk();
		pn_transport_tick(c.driver.transport, now + 1);
	}
	talk();
	assert_string_equal(c.condition, "");
	assert_false(gone);
}

static void a_peer_that_takes_nothing_is_cut_off(void **state)
{
	(void)state;
	log_in();
	t.stuck = true;
	client_receiver(&c, "in", NAME, 1);
	talk();
	assert_true(unseen().n > 0);
	/* Meanwhile nothing more is read. */
	client_sender(&c, "out", NAME);
	talk();
	assert_true(t.in.n > 0);
	loop_advance(loop, AMQPS_WRITE_MS - 1);
	assert_false(gone);
	loop_advance(loop, LATE);
	assert_true(gone && t.aborted && logged("connection-refused", "does not take what it is sent"));
}

static void reading_goes_on_when_the_peer_has_taken_what_it_was_sent(void **state)
{
	(void)state;
	log_in();
	t.stuck = true;
	client_receiver(&c, "in", NAME, 1);
	talk();
	client_sender(&c, "out", NAME);
	talk();
	assert_true(t.in.n > 0);
	t.stuck = false;
	test_stream_drain(&t);
	talk();
	assert_int_equal(t.in.n, 0);
	loop_advance(loop, AMQPS_WRITE_MS + LATE);
	assert_false(gone);
}

/* --- draining --- */

static void an_idle_connection_is_drained_at_once(void **state)
{
	log_in();
	protocol_amqps.drain(connection);
	client_feed(&c, unseen());
	assert_true(gone && !t.aborted && c.closed);
	assert_string_equal(c.condition, "amqp:connection:forced");
	assert_string_equal(c.description, "draining");
	tear_down(state);
	set_up(state);
	protocol_amqps.drain(connection);
	assert_true(gone);
	assert_int_equal(unseen().n, 0);
}

static void what_is_asked_is_answered_before_the_connection_is_drained(void **state)
{
	static const struct client_message request = {.operation = "iotdps-register", .data = "{}"};
	pn_link_t *sender;

	(void)state;
	log_in();
	client_receiver(&c, "in", NAME, 10);
	sender = client_sender(&c, "out", NAME);
	client_send(&c, sender, &request);
	talk();
	protocol_amqps.drain(connection);
	client_send(&c, sender, &request);
	talk();
	assert_false(gone);
	assert_int_equal(asked_count, 1);
	answer(0, 200, 0, "{\"status\":\"assigned\"}");
	client_feed(&c, unseen());
	assert_int_equal(c.answer_count, 1);
	assert_string_equal(c.condition, "amqp:connection:forced");
	assert_true(gone);
}

static void a_login_under_way_is_finished_before_the_end(void **state)
{
	(void)state;
	sasl_init("PLAIN", SLICE("\0" NAME "\0" TOKEN));
	protocol_amqps.drain(connection);
	assert_false(gone);
	answer(0, 200, 0, "{}");
	sent(OUTCOME("\x00"));
	assert_true(gone);
}

static void an_abort_forgets_what_is_asked(void **state)
{
	static const struct client_message request = {.operation = "iotdps-register", .data = "{}"};

	(void)state;
	log_in();
	client_send(&c, client_sender(&c, "out", NAME), &request);
	talk();
	protocol_amqps.abort(connection);
	assert_true(gone && t.aborted && asked[0].cancelled);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_token_is_asked_about_before_the_device_is_in),
		TEST(a_token_that_is_not_accepted_is_outcome_1_and_the_end),
		TEST(whatever_else_speaks_against_a_device_is_for_its_register_to_hear),
		TEST(the_identity_to_act_as_may_be_the_device_itself),
		TEST(what_is_not_plain_is_refused_and_nobody_asked),
		TEST(anonymous_and_strange_mechanisms_are_outcome_1),
		TEST(external_is_as_good_as_the_certificate_behind_it),
		TEST(sasl_may_be_skipped_with_a_certificate_alone),
		TEST(a_question_that_cannot_be_put_refuses_the_login),
		TEST(a_login_has_ten_seconds),
		TEST(links_name_the_device_in_any_of_the_sdks_spellings),
		TEST(a_link_to_another_device_is_refused),
		TEST(the_first_link_names_the_device_behind_a_certificate),
		TEST(a_connection_closes_when_the_client_does),
		TEST(a_broken_stream_and_an_end_without_a_close_are_the_end_too),
		TEST(a_peer_that_breaks_the_rules_is_closed_and_logged),
		TEST(ten_silent_minutes_are_the_end),
		TEST(the_clients_own_patience_is_respected),
		TEST(a_peer_that_takes_nothing_is_cut_off),
		TEST(reading_goes_on_when_the_peer_has_taken_what_it_was_sent),
		TEST(an_idle_connection_is_drained_at_once),
		TEST(what_is_asked_is_answered_before_the_connection_is_drained),
		TEST(a_login_under_way_is_finished_before_the_end),
		TEST(an_abort_forgets_what_is_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
