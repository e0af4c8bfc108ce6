/* An AMQP connection, byte by byte: login, frames, sessions, time. */
#include "codec/test_amqp_bytes.h"

/* --- headers and SASL --- */

static void sasl_begins_as_in_the_examples_of_device_api_12_1(void **state)
{
	(void)state;
	feed(SLICE(SASL_HEADER));
	sent(SLICE(SASL_HEADER));
	sent(SLICE("\x00\x00\x00\x1c\x02\x01\x00\x00\x00\x53\x40\xc0\x0f\x01\xe0\x0c\x02\xa3\x05PLAIN\x03TPM"));
	nothing_more();
	assert_int_equal(told_count, 0);
}

#define INIT_PLAIN "\x00\x00\x00\x1d\x02\x01\x00\x00\x00\x53\x41\xc0\x10\x02\xa3\x05PLAIN\xa0\x06\x00us\x00pw"

static void log_in(void)
{
	feed(SLICE(SASL_HEADER));
	feed(SLICE(INIT_PLAIN));
	assert_int_equal(last()->kind, AMQP_LOGIN);
	buf_clear(&out);
}

static void the_mechanism_comes_with_its_response(void **state)
{
	(void)state;
	log_in();
	assert_false(last()->skipped);
	assert_string_equal(last()->mechanism, "PLAIN");
	assert_memory_equal(last()->response, "", 1);
	amqp_login_accept(a);
	take_output();
	sent(SLICE("\x00\x00\x00\x10\x02\x01\x00\x00\x00\x53\x44\xc0\x03\x01\x50\x00"));
	feed(SLICE(PLAIN_HEADER));
	sent(SLICE(PLAIN_HEADER));
	open_with(65536, 0);
	assert_int_equal(last()->kind, AMQP_OPENED);
}

static void a_refused_login_is_the_end(void **state)
{
	(void)state;
	log_in();
	amqp_login_refuse(a);
	take_output();
	sent(SLICE("\x00\x00\x00\x10\x02\x01\x00\x00\x00\x53\x44\xc0\x03\x01\x50\x01"));
	assert_true(amqp_ended(a));
	feed(SLICE(PLAIN_HEADER));
	nothing_more();
	assert_int_equal(told_count, 1);
}

static void nothing_is_read_while_the_owner_thinks(void **state)
{
	struct slice bytes = SLICE(INIT_PLAIN PLAIN_HEADER);
	struct amqp_event e;

	(void)state;
	feed(SLICE(SASL_HEADER));
	assert_true(amqp_read(a, &bytes, &e));
	assert_true(slice_eq(e.response, slice_over("\0us\0pw", 6)));
	assert_false(amqp_read(a, &bytes, &e));
	assert_int_equal(bytes.n, 8);
	amqp_login_accept(a);
	assert_false(amqp_read(a, &bytes, &e));
	assert_int_equal(bytes.n, 0);
}

static void challenges_go_out_and_responses_come_in(void **state)
{
	static char large[406];
	struct slice whole = slice_over(large, sizeof(large));

	(void)state;
	log_in();
	amqp_login_challenge(a, SLICE("\x00"));
	take_output();
	sent(SLICE("\x00\x00\x00\x11\x02\x01\x00\x00\x00\x53\x42\xc0\x04\x01\xa0\x01\x00"));
	feed(SLICE("\x00\x00\x00\x12\x02\x01\x00\x00\x00\x53\x43\xc0\x05\x01\xa0\x02hi"));
	assert_int_equal(last()->kind, AMQP_RESPONSE);
	assert_string_equal(last()->response, "hi");
	memset(large, 'x', sizeof(large));
	amqp_login_challenge(a, whole);
	take_output();
	sent(SLICE("\x00\x00\x01\xaf\x02\x01\x00\x00\x00\x53\x42\xd0\x00\x00\x01\x9f\x00\x00\x00\x01\xb0\x00\x00\x01\x96"));
	sent(whole);
	nothing_more();
	/* Another choice of mechanism is no response. */
	feed(SLICE(INIT_PLAIN));
	assert_int_equal(last()->kind, AMQP_CLOSED);
	assert_string_equal(last()->condition, "amqp:decode-error");
	nothing_more();
}

static void a_peer_may_skip_sasl_if_its_owner_lets_it(void **state)
{
	(void)state;
	skip_sasl();
	assert_true(told[0].skipped);
	open_with(65536, 0);
	assert_int_equal(last()->kind, AMQP_OPENED);
}

static void a_peer_that_may_not_skip_sasl_is_told_its_header(void **state)
{
	(void)state;
	feed(SLICE(PLAIN_HEADER));
	nothing_more();
	amqp_login_refuse(a);
	take_output();
	sent(SLICE(SASL_HEADER));
	nothing_more();
	assert_true(amqp_ended(a));
}

static void other_protocols_are_told_ours(void **state)
{
	const struct slice all[] = {SLICE("GET / HT"), SLICE("AMQP\0\0\x09\1"), SLICE("AMQP\2\1\0\0"), SLICE("\x16\3\1\0\xa5\1\0\0")};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		feed(all[i]);
		sent(SLICE(SASL_HEADER));
		nothing_more();
		assert_int_equal(last()->kind, AMQP_CLOSED);
		assert_true(last()->by_us && amqp_ended(a));
		tear_down(state);
		set_up(state);
	}
	log_in();
	amqp_login_accept(a);
	take_output();
	buf_clear(&out);
	feed(SLICE(SASL_HEADER));
	sent(SLICE(PLAIN_HEADER));
	nothing_more();
	assert_true(amqp_ended(a));
}

static void sasl_frames_are_strict(void **state)
{
	const struct slice all[] = {
		SLICE("\x00\x00\x10\x01\x02\x01\x00\x00"),                                 /* too large */
		SLICE("\x00\x00\x00\x08\x02\x01\x00\x00"),                                 /* empty */
		SLICE("\x00\x00\x00\x0f\x02\x00\x00\x00\x00\x53\x41\xc0\x02\x01\x40"),     /* of another type */
		SLICE("\x00\x00\x00\x0f\x02\x01\x00\x00\x00\x53\x41\xc0\x02\x01\x40"),     /* no mechanism */
		SLICE("\x00\x00\x00\x0f\x02\x01\x00\x00\x00\x53\x43\xc0\x02\x01\x40"),     /* a response to nothing */
		SLICE("\x00\x00\x00\x10\x02\x01\x00\x00\x00\x53\x41\xc0\x03\x01\xa3\x09"), /* cut short */
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		feed(SLICE(SASL_HEADER));
		buf_clear(&out);
		feed(all[i]);
		assert_int_equal(last()->kind, AMQP_CLOSED);
		assert_true(last()->by_us && amqp_ended(a));
		nothing_more();
		tear_down(state);
		set_up(state);
	}
}

/* --- open, frames, close --- */

static void our_open_says_who_we_are_and_what_we_take(void **state)
{
	struct amqp_cursor f;

	(void)state;
	skip_sasl();
	open_with(65536, 0);
	f = next_frame(CODE_OPEN, NULL);
	assert_true(slice_eq(amqp_next_text(&f), SLICE("berth")));
	assert_int_equal(amqp_next(&f).kind, AMQP_NULL);
	assert_int_equal(amqp_next_uint(&f, 0), 65536);
	assert_int_equal(amqp_next_uint(&f, 0), AMQP_SESSIONS_MAX - 1);
	assert_int_equal(amqp_next_uint(&f, 0), 240000);
	nothing_more();
}

static void a_close_is_answered(void **state)
{
	(void)state;
	talk();
	begin(0, FRAME_AMQP, CODE_CLOSE);
	amqp_describe(&o, CODE_ERROR);
	amqp_open_list(&o);
	amqp_put_symbol(&o, "test:reason");
	amqp_put_string(&o, SLICE("because"));
	amqp_close_list(&o);
	end(NO_SLICE);
	assert_int_equal(last()->kind, AMQP_CLOSED);
	assert_false(last()->by_us);
	assert_string_equal(last()->condition, "test:reason");
	assert_string_equal(last()->description, "because");
	(void)next_frame(CODE_CLOSE, NULL);
	nothing_more();
	assert_true(amqp_ended(a));
}

static void we_close_with_a_condition_in_every_phase(void **state)
{
	(void)state;
	skip_sasl();
	amqp_close(a, "amqp:connection:forced", "draining");
	take_output();
	(void)next_frame(CODE_OPEN, NULL);
	(void)next_frame(CODE_CLOSE, NULL);
	nothing_more();
	assert_true(amqp_ended(a));
	amqp_close(a, "amqp:connection:forced", "again");
	take_output();
	nothing_more();
	tear_down(state);
	set_up(state);
	amqp_close(a, "amqp:connection:forced", "draining");
	take_output();
	nothing_more();
	assert_true(amqp_ended(a));
}

static void frames_that_cannot_be_are_refused(void **state)
{
	const struct slice all[] = {
		SLICE("\x00\x00\x00\x07\x02\x00\x00\x00"),                     /* smaller than its header */
		SLICE("\x00\x01\x00\x01\x02\x00\x00\x00"),                     /* larger than we said */
		SLICE("\x00\x00\x00\x08\x01\x00\x00\x00"),                     /* the body begins in the header */
		SLICE("\x00\x00\x00\x08\x03\x00\x00\x00"),                     /* or behind the end */
		SLICE("\x00\x00\x00\x08\x02\x01\x00\x00"),                     /* of SASL */
		SLICE("\x00\x00\x00\x09\x02\x00\x00\x00\x43"),                 /* no performative */
		SLICE("\x00\x00\x00\x0c\x02\x00\x00\x00\x00\x53\x19\x45"),     /* none that there is */
		SLICE("\x00\x00\x00\x0c\x02\x00\x00\x00\x00\x53\x10\x45"),     /* a second open */
		SLICE("\x00\x00\x00\x0c\x02\x00\x00\x09\x00\x53\x13\x45"),     /* no session on channel 9 */
		SLICE("\x00\x00\x00\x0d\x02\x00\x00\x01\x00\x53\x11\xc0\x00"), /* a list of nothing, not even a count */
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		talk();
		feed(all[i]);
		(void)next_frame(CODE_CLOSE, NULL);
		nothing_more();
		assert_int_equal(last()->kind, AMQP_CLOSED);
		assert_true(last()->by_us && strncmp(last()->condition, "amqp:", 5) == 0 && amqp_ended(a));
		tear_down(state);
		set_up(state);
	}
}

static void the_first_performative_is_an_open(void **state)
{
	skip_sasl();
	begin_session(0, 10);
	(void)next_frame(CODE_OPEN, NULL);
	closed_with("amqp:illegal-state");
	tear_down(state);
	set_up(state);
	skip_sasl();
	begin(0, FRAME_AMQP, CODE_OPEN);
	end(NO_SLICE);
	(void)next_frame(CODE_OPEN, NULL);
	closed_with("amqp:decode-error");
}

static void an_empty_frame_is_a_sign_of_life(void **state)
{
	(void)state;
	talk();
	feed(SLICE("\x00\x00\x00\x08\x02\x00\x00\x00\x00\x00\x00\x0c\x03\x00\x00\x00\x01\x02\x03\x04"));
	nothing_more();
	assert_false(amqp_ended(a));
}

/* --- sessions --- */

static void a_session_is_begun_on_a_channel_of_ours(void **state)
{
	struct amqp_cursor f;

	(void)state;
	talk();
	begin_session(7, 10);
	assert_int_equal(out.p[7], 1);
	f = next_frame(CODE_BEGIN, NULL);
	assert_int_equal(amqp_next_uint(&f, 0), 7);
	assert_int_equal(amqp_next_uint(&f, 9), 0);
	assert_int_equal(amqp_next_uint(&f, 0), AMQP_WINDOW);
	assert_int_equal(amqp_next_uint(&f, 0), AMQP_WINDOW);
	assert_int_equal(amqp_next_uint(&f, 0), AMQP_LINKS_MAX - 1);
}

static void sessions_are_few_and_on_channels_of_their_own(void **state)
{
	talk();
	begin_session(0, 10);
	closed_with("amqp:not-allowed");
	tear_down(state);
	set_up(state);
	talk();
	for (uint16_t i = 1; i < AMQP_SESSIONS_MAX; i++) {
		begin_session(i, 10);
		(void)next_frame(CODE_BEGIN, NULL);
	}
	begin_session(100, 10);
	closed_with("amqp:resource-limit-exceeded");
}

static void the_end_of_a_session_is_the_end_of_its_links(void **state)
{
	uint32_t first, second;
	struct amqp_delivery delivery = {0};

	(void)state;
	talk();
	first = incoming_link(1);
	second = outgoing_link();
	begin(0, FRAME_AMQP, CODE_END);
	end(NO_SLICE);
	(void)next_frame(CODE_END, NULL);
	nothing_more();
	assert_int_equal(last()->kind, AMQP_DETACHED);
	assert_int_equal(told[told_count - 2].kind, AMQP_DETACHED);
	assert_int_equal(last()->link + told[told_count - 2].link, first + second);
	/* Whoever still holds on to them is passed over. */
	delivery.link = first;
	amqp_accept(a, &delivery);
	amqp_link_credit(a, first, 1);
	assert_int_equal(amqp_send(a, second, &(struct amqp_answer){.body = SLICE("{}")}), ERR_NOT_FOUND);
	take_output();
	nothing_more();
	begin_session(0, 10);
	(void)next_frame(CODE_BEGIN, NULL);
}

/* --- time --- */

static void a_silent_peer_is_closed(void **state)
{
	(void)state;
	talk();
	assert_int_equal(amqp_tick(a, 1000), 1000 + IDLE_MS);
	feed(SLICE("\x00\x00\x00\x08\x02\x00\x00\x00"));
	assert_int_equal(amqp_tick(a, 1000 + IDLE_MS), 1000 + 2 * IDLE_MS);
	assert_false(amqp_ended(a));
	(void)amqp_tick(a, 999 + 2 * IDLE_MS);
	feed(NO_SLICE);
	assert_false(amqp_ended(a));
	(void)amqp_tick(a, 1000 + 2 * IDLE_MS);
	feed(NO_SLICE);
	closed_with("amqp:resource-limit-exceeded");
}

static void heartbeats_come_before_the_peer_loses_patience(void **state)
{
	(void)state;
	skip_sasl();
	open_with(65536, 9000);
	buf_clear(&out);
	assert_int_equal(amqp_tick(a, 0), 3000);
	take_output();
	nothing_more();
	assert_int_equal(amqp_tick(a, 3000), 6000);
	take_output();
	sent(SLICE("\x00\x00\x00\x08\x02\x00\x00\x00"));
	nothing_more();
	/* Anything else that is sent is as good. */
	begin_session(0, 10);
	(void)next_frame(CODE_BEGIN, NULL);
	assert_int_equal(amqp_tick(a, 6000), 9000);
	take_output();
	nothing_more();
}

static void an_impatient_peer_does_not_keep_us_busy(void **state)
{
	(void)state;
	skip_sasl();
	open_with(65536, 1);
	assert_int_equal(amqp_tick(a, 0), HEARTBEAT_MIN_MS);
}

/* --- in pieces --- */

static void a_conversation_byte_by_byte_is_the_same(void **state)
{
	static const char all[] = SASL_HEADER INIT_PLAIN PLAIN_HEADER
		"\x00\x00\x00\x12\x02\x00\x00\x00\x00\x53\x10\xc0\x05\x01\xa1\x02me"
		"\x00\x00\x00\x13\x02\x00\x00\x00\x00\x53\x11\xc0\x06\x04\x40\x43\x52\x7f\x43"
		"\x00\x00\x00\x1b\x02\x00\x00\x00\x00\x53\x12\xc0\x0e\x07\xa1\x02in\x43\x41\x40\x40\x00\x53\x28\x45\x40"
		"\x00\x00\x00\x0c\x02\x00\x00\x00\x00\x53\x18\x45";
	struct buf first;

	buf_init(&first, 10000);
	for (size_t piece = 1; piece < sizeof(all) + 1; piece++) {
		struct slice rest = SLICE(all);

		while (rest.n > 0 && !amqp_ended(a)) {
			struct slice part = slice_to(rest, piece), left = part;
			struct amqp_event e;

			while (amqp_read(a, &left, &e)) {
				note(&e);
				if (e.kind == AMQP_LOGIN)
					amqp_login_accept(a);
				else if (e.kind == AMQP_ATTACHED)
					amqp_link_accept(a, e.link);
			}
			take_output();
			assert_int_equal(left.n, 0);
			rest = slice_from(rest, part.n);
		}
		assert_int_equal(told_count, 4);
		assert_int_equal(last()->kind, AMQP_CLOSED);
		assert_false(last()->by_us);
		if (piece == 1)
			buf_add(&first, buf_slice(&out));
		assert_true(slice_eq(buf_slice(&first), buf_slice(&out)));
		tear_down(state);
		set_up(state);
	}
	buf_fini(&first);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sasl_begins_as_in_the_examples_of_device_api_12_1),
		TEST(the_mechanism_comes_with_its_response),
		TEST(a_refused_login_is_the_end),
		TEST(nothing_is_read_while_the_owner_thinks),
		TEST(challenges_go_out_and_responses_come_in),
		TEST(a_peer_may_skip_sasl_if_its_owner_lets_it),
		TEST(a_peer_that_may_not_skip_sasl_is_told_its_header),
		TEST(other_protocols_are_told_ours),
		TEST(sasl_frames_are_strict),
		TEST(our_open_says_who_we_are_and_what_we_take),
		TEST(a_close_is_answered),
		TEST(we_close_with_a_condition_in_every_phase),
		TEST(frames_that_cannot_be_are_refused),
		TEST(the_first_performative_is_an_open),
		TEST(an_empty_frame_is_a_sign_of_life),
		TEST(a_session_is_begun_on_a_channel_of_ours),
		TEST(sessions_are_few_and_on_channels_of_their_own),
		TEST(the_end_of_a_session_is_the_end_of_its_links),
		TEST(a_silent_peer_is_closed),
		TEST(heartbeats_come_before_the_peer_loses_patience),
		TEST(an_impatient_peer_does_not_keep_us_busy),
		TEST(a_conversation_byte_by_byte_is_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
