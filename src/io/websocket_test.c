/* A WebSocket over a stream that the test holds in its hands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "io/test_stream.h"
#include "io/websocket.h"

#define MASK0 "\0\0\0\0"
#define START ((instant)17000000000000000)

/* The WebSocket under test, its user, and the stream below. */
static struct loop *loop;
static struct test_stream below;
static struct stream *ws;
static struct buf heard; /* all that was eaten */
static int bytes_told, drained, broken;
static enum err why;
static bool in_call; /* of ours to the stream: no callback may come now */
static bool greedy;  /* eats at once */
static enum { NEVER, ON_BYTES, ON_DRAINED, ON_BROKEN } closes;
static bool by_abort;

static void leave(void)
{
	in_call = true;
	if (by_abort)
		stream_abort(&ws);
	else
		stream_close(&ws);
	assert_null(ws);
	in_call = false;
}

static void eat(size_t n)
{
	in_call = true;
	buf_add(&heard, slice_to(stream_inbox(ws), n));
	stream_eat(ws, n);
	in_call = false;
}

static void on_bytes(void *cookie)
{
	assert_true(cookie == &heard && ws && !in_call);
	bytes_told++;
	assert_in_range(stream_inbox(ws).n, 0, STREAM_INBOX_MAX);
	if (greedy)
		eat(stream_inbox(ws).n);
	if (closes == ON_BYTES)
		leave();
}

static void on_drained(void *cookie)
{
	assert_true(cookie == &heard && ws && !in_call);
	drained++;
	if (closes == ON_DRAINED)
		leave();
}

static void on_broken(void *cookie, enum err e)
{
	assert_true(cookie == &heard && ws && !in_call);
	broken++;
	why = e;
	assert_string_equal(TEST_STREAM_PEER, ws->peer_address); /* a log may name it even now */
	if (closes == ON_BROKEN)
		leave();
}

static const struct stream_user user = {.on_bytes = on_bytes, .on_drained = on_drained, .on_broken = on_broken};

static void open_as(enum websocket_role role)
{
	struct stream *s = &below.s;

	in_call = true;
	assert_int_equal(OK, websocket_stream_open(&s, role, &ws));
	assert_null(s);
	stream_use(ws, &user, &heard);
	in_call = false;
}

static enum err say(struct slice bytes)
{
	enum err e;

	in_call = true;
	e = stream_write(ws, bytes);
	in_call = false;
	return e;
}

static void feed(struct slice bytes)
{
	assert_int_equal(bytes.n, test_stream_feed(&below, bytes));
}

static void wrote(struct slice bytes)
{
	if (!slice_eq(buf_slice(&below.out), bytes))
		fail_msg("%zu bytes were written, not %zu, or others", below.out.n, bytes.n);
}

static void heard_is(const char *text)
{
	assert_true(slice_eq(buf_slice(&heard), slice_str(text)));
}

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(OK, loop_new_manual(START, &loop));
	test_stream_init(&below, loop);
	buf_init(&heard, 64 * STREAM_OUTBOX_MAX);
	bytes_told = drained = broken = 0;
	why = OK;
	in_call = by_abort = false;
	greedy = true;
	closes = NEVER;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (ws)
		stream_abort(&ws);
	loop_settle(loop);
	assert_true(below.closed || below.s.user == NULL); /* unless nothing was opened over it */
	test_stream_fini(&below);
	buf_fini(&heard);
	loop_free(&loop);
	return 0;
}

/* --- in --- */

static void messages_are_bytes_however_they_were_cut(void **state)
{
	(void)state;
	open_as(WEBSOCKET_SERVER);
	loop_settle(loop);
	assert_int_equal(0, bytes_told);
	feed(SLICE("\x82\x83" MASK0 "one\x02\x82" MASK0 " t"));
	heard_is("one t");
	assert_int_equal(1, bytes_told);
	feed(SLICE("\x8a\x80" MASK0 "\x80\x82"));
	assert_int_equal(1, bytes_told); /* no news */
	feed(SLICE(MASK0 "wo"));
	heard_is("one two");
}

static void what_came_right_behind_the_handshake_is_read(void **state)
{
	(void)state;
	buf_add(&below.in, SLICE("\x82\x83" MASK0 "now"));
	open_as(WEBSOCKET_SERVER);
	assert_int_equal(0, bytes_told);
	loop_settle(loop);
	heard_is("now");
}

static void what_is_known_about_the_peer_is_handed_through(void **state)
{
	const struct slice chain[] = {SLICE("leaf"), SLICE("issuer")};

	(void)state;
	below.s.server_name = "global.berth.test";
	below.s.chain = chain;
	below.s.chain_count = 2;
	open_as(WEBSOCKET_SERVER);
	assert_string_equal(TEST_STREAM_PEER, ws->peer_address);
	assert_string_equal("global.berth.test", ws->server_name);
	assert_true(ws->chain == chain && ws->chain_count == 2);
	assert_true(ws->websocket && !below.s.websocket);
	assert_true(ws->loop == loop);
}

/* A frame of a masked message; masks nothing. */
static void frame_of(struct buf *to, size_t n)
{
	buf_add(to, SLICE("\x82\xfe"));
	buf_add_char(to, (char)(n >> 8));
	buf_add_char(to, (char)n);
	buf_add(to, SLICE(MASK0));
	for (size_t i = 0; i < n; i++)
		buf_add_char(to, (char)(i * 7 + i / 256));
}

static void a_full_inbox_stops_the_reading_until_something_is_eaten(void **state)
{
	struct buf bytes;
	struct slice rest;
	size_t fed;

	(void)state;
	buf_init(&bytes, STREAM_OUTBOX_MAX);
	for (int i = 0; i < 10; i++)
		frame_of(&bytes, 20000);
	rest = buf_slice(&bytes);
	greedy = false;
	open_as(WEBSOCKET_SERVER);
	while ((fed = test_stream_feed(&below, rest)) > 0)
		rest = slice_from(rest, fed);
	/* The one inbox, the other, and what lies between them. */
	assert_int_equal(STREAM_INBOX_MAX, stream_inbox(ws).n);
	assert_int_equal(STREAM_INBOX_MAX, below.in.n);
	assert_in_range(bytes.n - rest.n, 2 * STREAM_INBOX_MAX, 2 * STREAM_INBOX_MAX + 8192);
	while (heard.n < 200000) {
		int before = bytes_told;

		rest = slice_from(rest, test_stream_feed(&below, rest));
		eat(1000);
		loop_settle(loop);
		if (heard.n < 150000)
			assert_int_equal(before + 1, bytes_told);
	}
	for (int i = 0; i < 10; i++)
		assert_memory_equal(bytes.p + 8, heard.p + i * 20000, 20000);
	assert_int_equal(0, below.in.n + stream_inbox(ws).n);
	buf_fini(&bytes);
}

/* --- pings --- */

static void a_ping_is_answered_with_its_own_bytes(void **state)
{
	(void)state;
	open_as(WEBSOCKET_SERVER);
	feed(SLICE("\x89\x84" MASK0 "here\x82\x81" MASK0 "x"));
	wrote(SLICE("\x8a\x04here"));
	heard_is("x");
	loop_settle(loop);
	assert_int_equal(0, drained); /* the user has written nothing */
	assert_int_equal(OK, say(SLICE("y")));
	loop_settle(loop);
	feed(SLICE("\x89\x80" MASK0));
	wrote(SLICE("\x8a\x04here\x82\x01y\x8a\x00"));
	loop_settle(loop);
	assert_int_equal(1, drained);
}

/* Section 5.5.3 */
static void who_pings_without_reading_gets_one_pong_and_then_the_last(void **state)
{
	(void)state;
	open_as(WEBSOCKET_SERVER);
	below.stuck = true;
	for (char c = 'a'; c <= 'z'; c++) {
		char frame[] = {(char)0x89, (char)0x81, 0, 0, 0, 0, c};

		feed(slice_over(frame, sizeof(frame)));
		loop_settle(loop);
	}
	wrote(SLICE("\x8a\x01"
		    "a"));
	test_stream_drain(&below);
	wrote(SLICE("\x8a\x01"
		    "a\x8a\x01z"));
	test_stream_drain(&below);
	assert_int_equal(2, below.writes);
	assert_int_equal(0, drained);
}

/* --- out --- */

static void a_write_leaves_as_one_frame_in_one_write(void **state)
{
	(void)state;
	open_as(WEBSOCKET_SERVER);
	assert_int_equal(OK, say(SLICE("hello")));
	assert_int_equal(OK, say(NO_SLICE));
	assert_int_equal(1, below.writes);
	wrote(SLICE("\x82\x05hello"));
	assert_int_equal(0, drained);
	loop_settle(loop);
	assert_int_equal(1, drained);
}

static void a_write_without_room_takes_nothing_and_hears_of_room(void **state)
{
	static char many[4 * STREAM_OUTBOX_MAX];

	(void)state;
	open_as(WEBSOCKET_SERVER);
	assert_int_equal(ERR_TOO_BIG, say(slice_over(many, sizeof(many))));
	assert_int_equal(0, below.writes);
	assert_int_equal(OK, say(slice_over(many, STREAM_OUTBOX_MAX / 2)));
	assert_int_equal(ERR_TOO_BIG, say(slice_over(many, STREAM_OUTBOX_MAX / 2)));
	assert_int_equal(1, below.writes);
	loop_settle(loop);
	assert_int_equal(1, drained);
	/* A pong alone is in the way: the user must hear of it nevertheless. */
	feed(SLICE("\x89\x80" MASK0));
	assert_int_equal(ERR_TOO_BIG, say(slice_over(many, STREAM_OUTBOX_MAX)));
	loop_settle(loop);
	assert_int_equal(2, drained);
}

/* A pong that found no room goes out when there is some. */
static void a_ping_into_a_full_outbox_is_answered_later(void **state)
{
	static char many[STREAM_OUTBOX_MAX];
	size_t n;

	(void)state;
	open_as(WEBSOCKET_SERVER);
	below.stuck = true;
	for (int i = 0; i < 16; i++) /* each with a header of 10 bytes: to the last byte but six */
		assert_int_equal(OK, say(slice_over(many, i < 15 ? 65536 : 65536 - 15 * 10 - 4 - 6)));
	n = below.out.n;
	feed(SLICE("\x89\x85" MASK0 "later"));
	assert_int_equal(n, below.out.n);
	test_stream_drain(&below);
	assert_memory_equal("\x8a\x05later", below.out.p + n, 7);
	assert_int_equal(n + 7, below.out.n);
}

/* --- the end --- */

/* Section 5.5.1 */
static void the_close_of_the_peer_is_returned_and_ends_the_stream(void **state)
{
	(void)state;
	open_as(WEBSOCKET_SERVER);
	loop_settle(loop);
	feed(SLICE("\x82\x81" MASK0 "x\x88\x86" MASK0 "\x03\xe9"
		   "away\x82\x81" MASK0 "y"));
	assert_false(ws->ended); /* what came with it can be answered */
	assert_int_equal(OK, say(SLICE("!")));
	assert_int_equal(1, bytes_told);
	loop_settle(loop);
	assert_true(ws->ended);
	assert_int_equal(2, bytes_told);
	heard_is("x");
	assert_int_equal(ERR_CLOSED, say(SLICE("z")));
	feed(SLICE("\x82\x81" MASK0 "y"));
	test_stream_end(&below);
	loop_settle(loop);
	assert_int_equal(2, bytes_told);
	leave();
	wrote(SLICE("\x82\x01!\x88\x02\x03\xe9"));
	assert_true(below.closed && !below.aborted);
}

static void a_close_without_a_code_is_returned_without_one(void **state)
{
	(void)state;
	open_as(WEBSOCKET_SERVER);
	feed(SLICE("\x88\x80" MASK0));
	assert_int_equal(1, bytes_told);
	leave();
	wrote(SLICE("\x88\x00"));
}

static void closing_says_so_and_closes_below(void **state)
{
	(void)state;
	open_as(WEBSOCKET_SERVER);
	assert_int_equal(OK, say(SLICE("bye")));
	leave();
	wrote(SLICE("\x82\x03"
		    "bye\x88\x02\x03\xe8"));
	assert_true(below.closed && !below.aborted);
	loop_settle(loop);
	assert_int_equal(0, bytes_told + drained + broken);
}

static void aborting_says_nothing(void **state)
{
	(void)state;
	by_abort = true;
	open_as(WEBSOCKET_SERVER);
	leave();
	wrote(NO_SLICE);
	assert_true(below.aborted);
}

/* Section 7.1.7. Its users abort what is broken; the peer is to learn the reason all the same. */
static void a_broken_rule_is_named_to_the_peer(void **state)
{
	(void)state;
	by_abort = true;
	closes = ON_BROKEN;
	open_as(WEBSOCKET_SERVER);
	feed(SLICE("\x82\x81" MASK0 "x\x81\x81" MASK0 "t"));
	heard_is("x");
	assert_int_equal(1, broken);
	assert_int_equal(ERR_UNSUPPORTED, why);
	wrote(SLICE("\x88\x2b\x03\xebOnly binary messages are understood here."));
	assert_true(below.closed && !below.aborted);
}

static void nothing_can_be_written_to_what_is_broken(void **state)
{
	(void)state;
	open_as(WEBSOCKET_SERVER);
	feed(SLICE("\x82\x01x"));
	assert_int_equal(ERR_MALFORMED, why);
	assert_int_equal(ERR_CLOSED, say(SLICE("x")));
	feed(SLICE("\x82\x81" MASK0 "x"));
	test_stream_break(&below, ERR_IO);
	loop_settle(loop);
	assert_int_equal(1, broken);
	assert_int_equal(0, bytes_told + drained);
}

/* Section 7.1.5 */
static void a_peer_that_leaves_without_a_close_was_cut_off(void **state)
{
	(void)state;
	open_as(WEBSOCKET_SERVER);
	feed(SLICE("\x82\x81" MASK0 "x"));
	test_stream_end(&below);
	assert_int_equal(1, broken);
	assert_int_equal(ERR_CLOSED, why);
	assert_false(ws->ended);
}

static void what_arrived_before_the_end_is_still_heard(void **state)
{
	struct buf bytes;

	(void)state;
	buf_init(&bytes, STREAM_OUTBOX_MAX);
	frame_of(&bytes, 30000);
	greedy = false;
	open_as(WEBSOCKET_SERVER);
	feed(buf_slice(&bytes));
	feed(buf_slice(&bytes));
	test_stream_end(&below);
	assert_int_equal(0, broken);
	eat(STREAM_INBOX_MAX);
	loop_settle(loop);
	assert_int_equal(1, broken);
	eat(stream_inbox(ws).n);
	assert_int_equal(60000, heard.n);
	buf_fini(&bytes);
}

static void what_breaks_below_breaks_above(void **state)
{
	(void)state;
	closes = ON_BROKEN;
	open_as(WEBSOCKET_SERVER);
	test_stream_break(&below, ERR_TIMEOUT);
	assert_int_equal(1, broken);
	assert_int_equal(ERR_TIMEOUT, why);
	wrote(NO_SLICE);
}

static void its_user_may_close_in_any_callback(void **state)
{
	(void)state;
	for (int when = ON_BYTES; when <= ON_BROKEN; when++)
		for (int abort = 0; abort <= 1; abort++) {
			int all;

			tear_down(state);
			set_up(state);
			closes = when;
			by_abort = abort;
			open_as(WEBSOCKET_SERVER);
			assert_int_equal(OK, say(SLICE("x")));
			if (when == ON_DRAINED)
				loop_settle(loop);
			if (when != ON_BROKEN)
				(void)test_stream_feed(&below, SLICE("\x82\x81" MASK0 "x\x89\x80" MASK0 "\x82\x01y"));
			test_stream_break(&below, ERR_IO);
			assert_null(ws);
			all = bytes_told + drained + broken;
			assert_int_equal(1, all);
			assert_int_equal(when == ON_BROKEN ? false : by_abort, below.aborted);
			loop_settle(loop);
			assert_int_equal(all, bytes_told + drained + broken);
		}
}

static void a_close_before_the_first_turn_is_silent(void **state)
{
	(void)state;
	buf_add(&below.in, SLICE("\x82\x81" MASK0 "x"));
	open_as(WEBSOCKET_SERVER);
	leave();
	loop_settle(loop);
	assert_int_equal(0, bytes_told);
}

/* --- both sides --- */

static void carry(struct test_stream *from, size_t *sent, struct test_stream *to)
{
	*sent += test_stream_feed(to, slice_from(buf_slice(&from->out), *sent));
}

static void echo_bytes(void *cookie)
{
	struct stream *s = *(struct stream **)cookie;
	struct slice in = stream_inbox(s);

	assert_int_equal(OK, stream_write(s, in));
	stream_eat(s, in.n);
}

static void echo_broken(void *cookie, enum err e)
{
	(void)cookie;
	fail_msg("%s", err_text(e));
}

static void a_client_and_a_server_understand_each_other(void **state)
{
	static const struct stream_user echo = {.on_bytes = echo_bytes, .on_broken = echo_broken};
	struct test_stream far;
	struct stream *s = test_stream_init(&far, loop), *server;
	size_t there = 0, back = 0;
	static char many[3 * WEBSOCKET_MESSAGE_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(many); i++)
		many[i] = (char)(i * 13 + i / 1000);
	assert_int_equal(OK, websocket_stream_open(&s, WEBSOCKET_SERVER, &server));
	stream_use(server, &echo, &server);
	open_as(WEBSOCKET_CLIENT);
	assert_int_equal(OK, say(slice_over(many, sizeof(many))));
	assert_int_equal(1, below.writes);
	while (there < below.out.n || back < far.out.n) {
		carry(&below, &there, &far);
		loop_settle(loop);
		carry(&far, &back, &below);
		loop_settle(loop);
	}
	assert_int_equal(sizeof(many), heard.n);
	assert_memory_equal(many, heard.p, sizeof(many));
	stream_close(&server);
	carry(&far, &back, &below);
	assert_true(ws->ended);
	test_stream_fini(&far);
}

/* Section 1.3 */
static void the_accept_value_of_the_standard(void **state)
{
	struct arena *a = arena_new(1024), *small = arena_new(100);

	(void)state;
	assert_true(slice_eq(websocket_accept(a, SLICE("dGhlIHNhbXBsZSBub25jZQ==")), SLICE("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")));
	assert_true(slice_absent(websocket_accept(small, SLICE("dGhlIHNhbXBsZSBub25jZQ=="))));
	arena_free(&a);
	arena_free(&small);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(messages_are_bytes_however_they_were_cut),
		TEST(what_came_right_behind_the_handshake_is_read),
		TEST(what_is_known_about_the_peer_is_handed_through),
		TEST(a_full_inbox_stops_the_reading_until_something_is_eaten),
		TEST(a_ping_is_answered_with_its_own_bytes),
		TEST(who_pings_without_reading_gets_one_pong_and_then_the_last),
		TEST(a_write_leaves_as_one_frame_in_one_write),
		TEST(a_write_without_room_takes_nothing_and_hears_of_room),
		TEST(a_ping_into_a_full_outbox_is_answered_later),
		TEST(the_close_of_the_peer_is_returned_and_ends_the_stream),
		TEST(a_close_without_a_code_is_returned_without_one),
		TEST(closing_says_so_and_closes_below),
		TEST(aborting_says_nothing),
		TEST(a_broken_rule_is_named_to_the_peer),
		TEST(nothing_can_be_written_to_what_is_broken),
		TEST(a_peer_that_leaves_without_a_close_was_cut_off),
		TEST(what_arrived_before_the_end_is_still_heard),
		TEST(what_breaks_below_breaks_above),
		TEST(its_user_may_close_in_any_callback),
		TEST(a_close_before_the_first_turn_is_silent),
		TEST(a_client_and_a_server_understand_each_other),
		TEST(the_accept_value_of_the_standard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
