/* AMQP messages, byte by byte: credit, transfers in and out, settling. */
#include "codec/test_amqp_bytes.h"

/* --- messages in --- */

static void credit_is_told_with_what_was_counted(void **state)
{
	struct amqp_cursor f;
	uint32_t link;

	(void)state;
	talk();
	attach(5, false, NULL, "here");
	(void)next_frame(CODE_ATTACH, NULL);
	link = last()->link;
	for (uint32_t round = 0; round < 2; round++) {
		amqp_link_credit(a, link, 2);
		take_output();
		f = next_frame(CODE_FLOW, NULL);
		assert_int_equal(amqp_next_uint(&f, 0), 100 + round); /* transfers */
		assert_int_equal(amqp_next_uint(&f, 0), AMQP_WINDOW);
		assert_int_equal(amqp_next_uint(&f, 1), 0);
		amqp_skip(&f, 1);
		assert_int_equal(amqp_next_uint(&f, 9), 0);
		assert_int_equal(amqp_next_uint(&f, 0), 7 + round); /* deliveries */
		assert_int_equal(amqp_next_uint(&f, 0), 2 + round);
		transfer(round, false, false, SLICE(DATA("\x01", "x")));
	}
}

static void a_message_is_told_and_settled(void **state)
{
	struct amqp_refusal refusal = {"amqp:not-found", SLICE("{}"), 0};
	struct amqp_cursor f, e;
	struct amqp_value v;

	(void)state;
	talk();
	(void)incoming_link(10);
	transfer(40, false, false, SLICE(DATA("\x02", "{}")));
	assert_int_equal(last()->kind, AMQP_MESSAGE);
	assert_string_equal(last()->body, "{}");
	assert_true(last()->has_data && !last()->malformed);
	nothing_more();
	amqp_accept(a, &last()->delivery);
	take_output();
	f = next_frame(CODE_DISPOSITION, NULL);
	assert_true(amqp_next_bool(&f, false));
	assert_int_equal(amqp_next_uint(&f, 0), 40);
	assert_int_equal(amqp_next_uint(&f, 0), 40);
	assert_true(amqp_next_bool(&f, false));
	assert_int_equal(amqp_next(&f).descriptor, CODE_ACCEPTED);
	transfer(41, false, false, SLICE(""));
	assert_int_equal(last()->body_size, 0);
	amqp_reject(a, &last()->delivery, &refusal);
	take_output();
	f = next_frame(CODE_DISPOSITION, NULL);
	amqp_skip(&f, 4);
	v = amqp_next(&f);
	assert_int_equal(v.descriptor, CODE_REJECTED);
	e = amqp_over(v.bytes);
	e = amqp_over(amqp_next(&e).bytes);
	assert_true(slice_eq(amqp_next_text(&e), SLICE("amqp:not-found")));
	assert_true(slice_eq(amqp_next_text(&e), SLICE("{}")));
	assert_int_equal(amqp_next(&e).kind, AMQP_NULL);
}

static void a_message_that_cannot_be_read_is_told_as_such(void **state)
{
	(void)state;
	talk();
	(void)incoming_link(10);
	transfer(0, false, false, SLICE("\x00\x53\x75"));
	assert_int_equal(last()->kind, AMQP_MESSAGE);
	assert_true(last()->malformed);
	assert_false(amqp_ended(a));
}

static void what_the_peer_has_settled_itself_is_not_settled_again(void **state)
{
	(void)state;
	talk();
	(void)incoming_link(10);
	begin(0, FRAME_AMQP, CODE_TRANSFER);
	amqp_put_uint(&o, 5);
	amqp_put_uint(&o, 0);
	amqp_put_binary(&o, SLICE("t"));
	amqp_put_uint(&o, 0);
	amqp_put_bool(&o, true);
	end(SLICE(DATA("\x02", "{}")));
	assert_true(last()->delivery.settled);
	amqp_accept(a, &last()->delivery);
	take_output();
	nothing_more();
}

static void a_message_may_come_in_several_transfers(void **state)
{
	(void)state;
	talk();
	(void)incoming_link(10);
	transfer(0, true, false,
		 SLICE("\x00\x53\x75\xa0\x04"
		       "a"));
	transfer(NO_ID, true, false, SLICE("b"));
	transfer(0, true, false, SLICE(""));
	assert_int_equal(last()->kind, AMQP_ATTACHED);
	transfer(NO_ID, false, false, SLICE("cd"));
	assert_int_equal(last()->kind, AMQP_MESSAGE);
	assert_string_equal(last()->body, "abcd");
	transfer(1, false, false, SLICE(DATA("\x01", "x")));
	assert_string_equal(last()->body, "x");
}

static void an_aborted_message_never_was(void **state)
{
	struct amqp_cursor f;

	(void)state;
	talk();
	(void)incoming_link(1);
	transfer(0, true, false,
		 SLICE("\x00\x53\x75\xa0\x04"
		       "ab"));
	transfer(0, false, true, SLICE(""));
	assert_int_equal(last()->kind, AMQP_ATTACHED);
	f = next_frame(CODE_FLOW, NULL);
	amqp_skip(&f, 6);
	assert_int_equal(amqp_next_uint(&f, 0), 1);
	transfer(1, false, false, SLICE(DATA("\x01", "x")));
	assert_string_equal(last()->body, "x");
}

static void a_message_as_large_as_allowed_comes_through(void **state)
{
	static char part[32768];

	(void)state;
	talk();
	(void)incoming_link(1);
	transfer(0, true, false, SLICE("\x00\x53\x75\xb0\x00\x01\x7f\xf8"));
	transfer(0, true, false, slice_over(part, 32768));
	transfer(0, true, false, slice_over(part, 32768));
	transfer(0, false, false, slice_over(part, 32768 - 8));
	assert_int_equal(last()->kind, AMQP_MESSAGE);
	assert_int_equal(last()->body_size, AMQP_MESSAGE_MAX - 8);
	assert_false(last()->malformed);
}

static void a_larger_one_ends_its_link(void **state)
{
	static char part[32768];
	struct amqp_cursor f, e;
	uint32_t link;

	(void)state;
	talk();
	link = incoming_link(1);
	for (int i = 0; i < 3; i++)
		transfer(0, true, false, slice_over(part, 32768));
	nothing_more();
	transfer(0, true, false, SLICE("x"));
	assert_int_equal(last()->kind, AMQP_DETACHED);
	assert_int_equal(last()->link, link);
	assert_true(last()->by_us);
	assert_string_equal(last()->condition, "amqp:link:message-size-exceeded");
	f = next_frame(CODE_DETACH, NULL);
	amqp_skip(&f, 1);
	assert_true(amqp_next_bool(&f, false));
	e = amqp_over(amqp_next(&f).bytes);
	assert_true(slice_eq(amqp_next_text(&e), SLICE("amqp:link:message-size-exceeded")));
	transfer(0, false, false, SLICE("x"));
	nothing_more();
	assert_false(amqp_ended(a));
}

static void transfers_keep_to_the_rules(void **state)
{
	static const char *const expected[] = {"amqp:decode-error", "amqp:link:transfer-limit-exceeded", "amqp:not-allowed",
					       "amqp:session:unattached-handle"};

	for (int i = 0; i < 4; i++) {
		talk();
		(void)incoming_link(i == 1 ? 0 : 10);
		if (i == 3) {
			(void)outgoing_link();
			begin(0, FRAME_AMQP, CODE_TRANSFER);
			amqp_put_uint(&o, 6);
			amqp_put_uint(&o, 0);
			end(NO_SLICE);
		} else {
			/* A first transfer without an id is what makes Qpid Proton 0.37 end its process. */
			transfer(i == 0 ? NO_ID : 0, i != 1, false, SLICE("x"));
		}
		if (i == 2)
			transfer(1, true, false, SLICE("x"));
		closed_with(expected[i]);
		tear_down(state);
		set_up(state);
	}
}

/* --- messages out --- */

static const struct amqp_answer answer = {.correlation = {"\xa1\x02id", 4}, .retry_after = 3, .body = {"{\"a\":1}", 7}};

static void an_answer_waits_for_credit(void **state)
{
	struct amqp_cursor f;
	struct slice payload;
	uint32_t link;

	(void)state;
	talk();
	link = outgoing_link();
	assert_int_equal(amqp_send(a, link, &answer), ERR_AGAIN);
	flow(0, 1000, 0, 1, false, false);
	assert_int_equal(last()->kind, AMQP_CREDIT);
	assert_int_equal(amqp_send(a, link, &answer), OK);
	assert_int_equal(amqp_send(a, link, &answer), ERR_AGAIN);
	take_output();
	f = next_frame(CODE_TRANSFER, &payload);
	assert_int_equal(amqp_next_uint(&f, 9), 0);
	assert_int_equal(amqp_next_uint(&f, 9), 0);
	assert_true(amqp_next_binary(&f).n > 0);
	assert_int_equal(amqp_next_uint(&f, 9), 0);
	assert_false(amqp_next_bool(&f, true));
	assert_false(amqp_next_bool(&f, true));
	assert_true(slice_starts(payload, SLICE("\x00\x53\x73")));
	nothing_more();
	/* Its count is one ahead of what the peer counted from. */
	flow(1, 1000, 0, 2, false, false);
	assert_int_equal(amqp_send(a, link, &answer), OK);
	assert_int_equal(amqp_send(a, link, &answer), ERR_AGAIN);
	flow(2, 1000, 1, 0, false, false);
	assert_int_equal(amqp_send(a, link, &answer), ERR_AGAIN);
}

/* The payloads of transfers, put together again; how many there were. */
static size_t reassemble(struct buf *whole)
{
	size_t n = 0;
	bool more = true;

	while (more && out.n > 0) {
		struct slice payload;
		struct amqp_cursor f;

		assert_true((size_t)(unsigned char)out.p[2] << 8 | (unsigned char)out.p[3]);
		f = next_frame(CODE_TRANSFER, &payload);
		amqp_skip(&f, 5);
		more = amqp_next_bool(&f, false);
		buf_add(whole, payload);
		n++;
	}
	return n;
}

static void small_frames_and_windows_carry_an_answer_in_parts(void **state)
{
	static char body[2000];
	struct amqp_answer large = {.body = slice_over(body, sizeof(body))};
	struct amqp_message message;
	struct buf whole;
	uint32_t link;

	(void)state;
	memset(body, 'x', sizeof(body));
	buf_init(&whole, 10000);
	talk_with(512, 0);
	link = outgoing_link();
	flow(0, 2, 0, 10, false, false);
	assert_int_equal(amqp_send(a, link, &large), OK);
	assert_int_equal(amqp_send(a, link, &large), ERR_AGAIN);
	take_output();
	assert_int_equal(reassemble(&whole), 2);
	flow(2, 1, 0, 10, false, false);
	assert_int_equal(reassemble(&whole), 1);
	flow(3, 100, 0, 10, false, false);
	assert_int_equal(reassemble(&whole), 2);
	assert_int_equal(amqp_message_read(whole.p, whole.n, &message), OK);
	assert_true(slice_eq(message.body, large.body));
	assert_int_equal(amqp_send(a, link, &large), OK);
	take_output();
	assert_int_equal(reassemble(&whole), 5);
	buf_fini(&whole);
}

static void an_answer_has_a_limit(void **state)
{
	static char body[AMQP_ANSWER_MAX + 1];
	struct amqp_answer large = {.body = slice_over(body, sizeof(body))};
	uint32_t link;

	(void)state;
	talk();
	link = outgoing_link();
	flow(0, 1000, 0, 10, false, false);
	assert_int_equal(amqp_send(a, link, &large), ERR_TOO_BIG);
	large.body.n--;
	assert_int_equal(amqp_send(a, link, &large), OK);
}

static void credit_that_is_drained_is_given_back(void **state)
{
	struct amqp_cursor f;
	uint32_t link;

	(void)state;
	talk();
	link = outgoing_link();
	flow(0, 1000, 0, 10, true, false);
	f = next_frame(CODE_FLOW, NULL);
	amqp_skip(&f, 5);
	assert_int_equal(amqp_next_uint(&f, 0), 10);
	assert_int_equal(amqp_next_uint(&f, 9), 0);
	assert_int_equal(amqp_send(a, link, &answer), ERR_AGAIN);
	nothing_more();
}

static void a_flow_is_echoed_when_asked_for(void **state)
{
	struct amqp_cursor f;

	(void)state;
	talk();
	(void)outgoing_link();
	flow(0, 1000, 0, 10, false, true);
	f = next_frame(CODE_FLOW, NULL);
	amqp_skip(&f, 4);
	assert_int_equal(amqp_next_uint(&f, 9), 0);
	begin(0, FRAME_AMQP, CODE_FLOW);
	for (int i = 0; i < 4; i++)
		amqp_put_uint(&o, 0);
	for (int i = 0; i < 5; i++)
		amqp_put_null(&o);
	amqp_put_bool(&o, true);
	end(NO_SLICE);
	f = next_frame(CODE_FLOW, NULL);
	amqp_skip(&f, 4);
	assert_int_equal(amqp_next(&f).kind, AMQP_NULL);
	begin(0, FRAME_AMQP, CODE_FLOW);
	for (int i = 0; i < 5; i++)
		amqp_put_uint(&o, 99);
	end(NO_SLICE);
	closed_with("amqp:session:unattached-handle");
}

static void a_receiver_that_wants_us_to_settle_first_gets_it(void **state)
{
	struct amqp_cursor f;

	(void)state;
	talk();
	for (int settled = 1; settled >= 0; settled--) {
		begin(0, FRAME_AMQP, CODE_DISPOSITION);
		amqp_put_bool(&o, true);
		amqp_put_uint(&o, 0);
		amqp_put_uint(&o, UINT32_MAX); /* however many: nothing counts them */
		amqp_put_bool(&o, settled);
		amqp_describe(&o, CODE_ACCEPTED);
		amqp_open_list(&o);
		amqp_close_list(&o);
		end(NO_SLICE);
		if (settled)
			nothing_more();
	}
	f = next_frame(CODE_DISPOSITION, NULL);
	assert_false(amqp_next_bool(&f, true));
	assert_int_equal(amqp_next_uint(&f, 9), 0);
	assert_int_equal(amqp_next_uint(&f, 9), UINT32_MAX);
	assert_true(amqp_next_bool(&f, false));
	assert_int_equal(amqp_next(&f).descriptor, CODE_ACCEPTED);
}

static void a_reason_that_fits_no_frame_of_the_peers_is_left_out(void **state)
{
	char reason[500];
	struct amqp_refusal refusal = {"amqp:not-found", slice_over(reason, sizeof(reason)), 7};
	struct amqp_cursor f, e;

	(void)state;
	memset(reason, 'x', sizeof(reason));
	talk_with(512, 10);
	(void)incoming_link(1);
	transfer(0, false, false, SLICE(""));
	amqp_reject(a, &last()->delivery, &refusal);
	take_output();
	f = next_frame(CODE_DISPOSITION, NULL);
	amqp_skip(&f, 4);
	e = amqp_over(amqp_next(&f).bytes);
	e = amqp_over(amqp_next(&e).bytes);
	assert_true(slice_eq(amqp_next_text(&e), SLICE("amqp:not-found")));
	assert_true(slice_absent(amqp_next_text(&e)));
	assert_int_equal(amqp_map_find(amqp_next(&e).bytes, "retry-after").number, 7);
	assert_false(amqp_ended(a));
}

static void an_echo_that_fits_no_frame_of_the_peers_closes(void **state)
{
	char address[600];

	(void)state;
	memset(address, 'x', sizeof(address) - 1);
	address[sizeof(address) - 1] = 0;
	talk_with(512, 10);
	attach(5, false, NULL, address);
	closed_with("amqp:connection:framing-error");
}

static void what_nobody_takes_has_a_limit(void **state)
{
	static char body[AMQP_ANSWER_MAX];
	struct amqp_answer large = {.body = slice_over(body, sizeof(body))};
	struct slice nothing = NO_SLICE;
	struct amqp_event e;
	uint32_t link;

	(void)state;
	talk();
	link = outgoing_link();
	flow(0, 100000, 0, 1000, false, false);
	for (int i = 0; i < 100 && amqp_send(a, link, &large) == OK; i++)
		;
	assert_true(amqp_output(a).n <= AMQP_OUTPUT_MAX);
	assert_true(amqp_read(a, &nothing, &e));
	assert_int_equal(e.kind, AMQP_CLOSED);
	assert_true(slice_eq(e.condition, SLICE("amqp:resource-limit-exceeded")));
	assert_true(amqp_ended(a));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(credit_is_told_with_what_was_counted),
		TEST(a_message_is_told_and_settled),
		TEST(a_message_that_cannot_be_read_is_told_as_such),
		TEST(what_the_peer_has_settled_itself_is_not_settled_again),
		TEST(a_message_may_come_in_several_transfers),
		TEST(an_aborted_message_never_was),
		TEST(a_message_as_large_as_allowed_comes_through),
		TEST(a_larger_one_ends_its_link),
		TEST(transfers_keep_to_the_rules),
		TEST(an_answer_waits_for_credit),
		TEST(small_frames_and_windows_carry_an_answer_in_parts),
		TEST(an_answer_has_a_limit),
		TEST(credit_that_is_drained_is_given_back),
		TEST(a_flow_is_echoed_when_asked_for),
		TEST(a_receiver_that_wants_us_to_settle_first_gets_it),
		TEST(a_reason_that_fits_no_frame_of_the_peers_is_left_out),
		TEST(an_echo_that_fits_no_frame_of_the_peers_closes),
		TEST(what_nobody_takes_has_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
