/* AMQP links, byte by byte: they come, are refused, and go. */
#include "codec/test_amqp_bytes.h"

/* --- links --- */

static void an_attach_is_answered_with_its_own_words(void **state)
{
	struct amqp_cursor f;

	(void)state;
	talk();
	attach(5, false, "from", "scope/registrations/dev-1");
	assert_int_equal(last()->kind, AMQP_ATTACHED);
	assert_true(last()->peer_sends);
	assert_string_equal(last()->name, "out");
	assert_string_equal(last()->address, "scope/registrations/dev-1");
	f = next_frame(CODE_ATTACH, NULL);
	assert_true(slice_eq(amqp_next_text(&f), SLICE("out")));
	assert_int_equal(amqp_next_uint(&f, 99), 0);
	assert_true(amqp_next_bool(&f, false));
	amqp_skip(&f, 2);
	assert_true(slice_eq(amqp_next(&f).raw, SLICE("\x00\x53\x28\xc0\x07\x01\xa1\x04"
						      "from")));
	assert_true(slice_eq(slice_to(amqp_next(&f).raw, 8), SLICE("\x00\x53\x29\xc0\x1c\x01\xa1\x19")));
	amqp_skip(&f, 2);
	assert_int_equal(amqp_next(&f).kind, AMQP_NULL);
	assert_int_equal(amqp_next_uint(&f, 0), AMQP_MESSAGE_MAX);
	nothing_more();
}

static void a_terminus_may_be_null(void **state)
{
	struct amqp_cursor f;

	(void)state;
	talk();
	attach(6, true, NULL, NULL);
	assert_false(last()->peer_sends);
	assert_string_equal(last()->address, "");
	f = next_frame(CODE_ATTACH, NULL);
	amqp_skip(&f, 2);
	assert_false(amqp_next_bool(&f, true));
	amqp_skip(&f, 2);
	assert_int_equal(amqp_next(&f).kind, AMQP_NULL);
	assert_int_equal(amqp_next(&f).kind, AMQP_NULL);
	amqp_skip(&f, 2);
	assert_int_equal(amqp_next(&f).kind, AMQP_UNSIGNED); /* [AMQP-2.7.3] a sender says where it begins to count */
	nothing_more();
}

/* Attached without our end, and detached with this condition. */
static void refused_with(const char *condition, bool peer_sends)
{
	struct amqp_cursor f = next_frame(CODE_ATTACH, NULL), e;

	amqp_skip(&f, peer_sends ? 6 : 5);
	assert_int_equal(amqp_next(&f).kind, AMQP_NULL);
	f = next_frame(CODE_DETACH, NULL);
	amqp_skip(&f, 1);
	assert_true(amqp_next_bool(&f, false));
	e = amqp_over(amqp_next(&f).bytes);
	assert_true(slice_eq(amqp_next_text(&e), slice_str(condition)));
	nothing_more();
}

static void a_refused_link_is_attached_without_our_end_and_detached(void **state)
{
	struct amqp_cursor f;

	(void)state;
	talk();
	pass_by = true;
	attach(5, false, "from", "to");
	amqp_link_refuse(a, last()->link, "amqp:unauthorized-access", "not yours");
	take_output();
	refused_with("amqp:unauthorized-access", true);
	/* What it sends before it knows is not heard. */
	transfer(0, false, false, SLICE(""));
	nothing_more();
	assert_int_equal(last()->kind, AMQP_ATTACHED);
	begin(0, FRAME_AMQP, CODE_DETACH);
	amqp_put_uint(&o, 5);
	amqp_put_bool(&o, true);
	end(NO_SLICE);
	nothing_more();
	assert_int_equal(last()->kind, AMQP_ATTACHED);
	/* The place is free again. */
	pass_by = false;
	attach(5, false, "from", "to");
	f = next_frame(CODE_ATTACH, NULL);
	amqp_skip(&f, 1);
	assert_int_equal(amqp_next_uint(&f, 99), 0);
}

static void a_link_that_nobody_answers_is_refused(void **state)
{
	(void)state;
	talk();
	pass_by = true;
	attach(6, true, "from", "to");
	feed(SLICE("\x00\x00\x00\x08\x02\x00\x00\x00"));
	refused_with("amqp:not-allowed", false);
}

static void there_are_no_transactions(void **state)
{
	(void)state;
	talk();
	begin(0, FRAME_AMQP, CODE_ATTACH);
	amqp_put_string(&o, SLICE("x"));
	amqp_put_uint(&o, 5);
	amqp_put_bool(&o, false);
	amqp_put_null(&o);
	amqp_put_null(&o);
	amqp_put_null(&o);
	put_terminus(0x30, "coordinator");
	end(NO_SLICE);
	refused_with("amqp:not-implemented", true);
	assert_int_equal(last()->kind, AMQP_OPENED);
}

static void links_have_handles_of_their_own_and_are_few(void **state)
{
	talk();
	attach(5, false, NULL, "x");
	(void)next_frame(CODE_ATTACH, NULL);
	attach(5, true, "x", NULL);
	closed_with("amqp:session:handle-in-use");
	tear_down(state);
	set_up(state);
	talk();
	for (uint32_t i = 0; i < AMQP_LINKS_MAX; i++) {
		attach(i, true, "x", NULL);
		(void)next_frame(CODE_ATTACH, NULL);
	}
	attach(100, true, "x", NULL);
	closed_with("amqp:resource-limit-exceeded");
}

static void an_attach_that_is_none_closes(void **state)
{
	for (int i = 0; i < 4; i++) {
		talk();
		begin(0, FRAME_AMQP, CODE_ATTACH);
		if (i > 0)
			amqp_put_string(&o, SLICE("x"));
		if (i > 1)
			amqp_put_uint(&o, 5);
		if (i > 2) {
			amqp_put_bool(&o, true);
			amqp_put_null(&o);
			amqp_put_null(&o);
			amqp_describe(&o, 0x28);
			amqp_open_list(&o);
			amqp_put_uint(&o, 1); /* an address that is no text */
			amqp_close_list(&o);
		}
		end(NO_SLICE);
		if (i == 2)
			(void)next_frame(CODE_ATTACH, NULL); /* the role may be left out, as may the rest */
		else
			closed_with("amqp:decode-error");
		tear_down(state);
		set_up(state);
	}
}

static void a_detach_is_answered_in_kind(void **state)
{
	struct amqp_cursor f;
	uint32_t link;

	(void)state;
	talk();
	link = incoming_link(1);
	begin(0, FRAME_AMQP, CODE_DETACH);
	amqp_put_uint(&o, 5);
	end(NO_SLICE);
	assert_int_equal(last()->kind, AMQP_DETACHED);
	assert_int_equal(last()->link, link);
	f = next_frame(CODE_DETACH, NULL);
	amqp_skip(&f, 1);
	assert_false(amqp_next_bool(&f, true));
	assert_int_equal(amqp_next(&f).kind, AMQP_NULL);
	begin(0, FRAME_AMQP, CODE_DETACH);
	amqp_put_uint(&o, 5);
	end(NO_SLICE);
	closed_with("amqp:session:unattached-handle");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_attach_is_answered_with_its_own_words),
		TEST(a_terminus_may_be_null),
		TEST(a_refused_link_is_attached_without_our_end_and_detached),
		TEST(a_link_that_nobody_answers_is_refused),
		TEST(there_are_no_transactions),
		TEST(links_have_handles_of_their_own_and_are_few),
		TEST(an_attach_that_is_none_closes),
		TEST(a_detach_is_answered_in_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
