/* The request for a WebSocket, to a server that the test plays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "io/test_stream.h"
#include "io/websocket.h"
#include "io/websocket_dial.h"

#define START ((instant)17900000000000000)

static struct loop *loop;
static struct test_stream below;
static struct websocket_dial *dial;
static struct stream *stream;
static int answers;
static enum err e;
static char why[DIAL_WHY_MAX], heard[64];
static bool cancels; /* in done() */

static void on_bytes(void *cookie)
{
	struct slice in = stream_inbox(stream);

	(void)cookie;
	snprintf(heard, sizeof(heard), "%.*s", SLICE_ARG(in));
	stream_eat(stream, in.n);
}

static void on_broken(void *cookie, enum err error)
{
	(void)cookie;
	(void)error;
	stream_close(&stream);
}

static const struct stream_user user = {.on_bytes = on_bytes, .on_broken = on_broken};

static void on_done(void *cookie, const struct dial_answer *answer)
{
	assert_ptr_equal(&below, cookie);
	answers++;
	e = answer->e;
	snprintf(why, sizeof(why), "%s", answer->why);
	stream = answer->stream;
	if (stream)
		stream_use(stream, &user, NULL);
	if (cancels)
		websocket_dial_cancel(&dial);
	dial = NULL;
}

static void begin(int port)
{
	const struct websocket_ask ask = {.host = "global.berth.test",
					  .port = port,
					  .path = "/$iothub/websocket",
					  .subprotocol = "mqtt",
					  .user_agent = "berth-test/1",
					  .deadline_ms = 5000};
	struct stream *s;

	assert_int_equal(OK, loop_new_manual(START, &loop));
	s = test_stream_init(&below, loop);
	answers = 0;
	stream = NULL;
	heard[0] = '\0';
	cancels = false;
	dial = websocket_dial_start(&s, &ask, on_done, &below);
	assert_non_null(dial);
	assert_null(s);
	assert_int_equal(0, answers);
	loop_settle(loop);
}

static void end(void)
{
	websocket_dial_cancel(&dial);
	stream_abort(&stream);
	loop_settle(loop);
	test_stream_fini(&below);
	loop_free(&loop);
}

/* What was asked, up to the key and behind it. */
static struct slice key_of(struct slice *head, struct slice *tail)
{
	struct slice request = buf_slice(&below.out);
	ptrdiff_t at = slice_search(request, SLICE("Sec-WebSocket-Key: "));
	struct slice key;

	assert_true(at > 0);
	*head = slice_to(request, (size_t)at);
	*tail = slice_from(request, (size_t)at + 19);
	assert_true(slice_next(tail, '\r', &key));
	return key;
}

/* Answer 101; "%s" in `headers` becomes the accept value. `more` follows at once. */
static void agree(const char *headers, struct slice more)
{
	struct arena *a = arena_new(4096);
	struct slice head, tail;
	char text[1024];
	struct buf answer;

	snprintf(text, sizeof(text), headers, websocket_accept(a, key_of(&head, &tail)).p);
	buf_init(&answer, 4096);
	buf_printf(&answer, "HTTP/1.1 101 Switching Protocols\r\n%s\r\n", text);
	buf_add(&answer, more);
	test_stream_feed(&below, buf_slice(&answer));
	loop_settle(loop);
	buf_fini(&answer);
	arena_free(&a);
}

#define GOOD                                                                                                                               \
	"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n"                                                        \
	"Sec-WebSocket-Protocol: mqtt\r\n"

static void assert_failed(enum err expected, const char *words)
{
	assert_int_equal(1, answers);
	assert_int_equal(expected, e);
	assert_null(stream);
	assert_true(below.closed);
	if (strstr(why, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", why, words);
}

static void the_request_is_as_the_standard_wants_it(void **state)
{
	struct arena *a = arena_new(4096);
	struct slice head, tail, key;
	char first[64];

	(void)state;
	begin(443);
	key = key_of(&head, &tail);
	assert_true(slice_eq(head, SLICE("GET /$iothub/websocket HTTP/1.1\r\nHost: global.berth.test\r\nUser-Agent: berth-test/1\r\n"
					 "Upgrade: websocket\r\nConnection: Upgrade\r\n")));
	assert_true(slice_eq(tail, SLICE("\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n")));
	assert_int_equal(24, key.n); /* base64 of 16 bytes */
	snprintf(first, sizeof(first), "%.*s", SLICE_ARG(key));
	end();
	begin(8443);
	key = key_of(&head, &tail);
	assert_true(slice_search(head, SLICE("Host: global.berth.test:8443\r\n")) > 0);
	assert_false(slice_eq(key, slice_str(first))); /* section 4.1: chosen anew each time */
	end();
	arena_free(&a);
}

static void a_server_that_agrees_makes_it_a_websocket(void **state)
{
	(void)state;
	begin(443);
	agree(GOOD, SLICE("\x82\x05hello"));
	assert_int_equal(1, answers);
	assert_int_equal(OK, e);
	assert_true(stream->websocket);
	assert_string_equal("hello", heard); /* came with the answer */
	assert_int_equal(OK, stream_write(stream, SLICE("hi")));
	assert_true(slice_search(buf_slice(&below.out), SLICE("\x82\x82")) > 0); /* masked, as a client must */
	loop_advance(loop, 10000);
	assert_int_equal(1, answers);
	assert_false(below.closed);
	end();
}

static void an_answer_may_come_byte_by_byte(void **state)
{
	struct arena *a = arena_new(4096);
	struct slice head, tail, answer;

	(void)state;
	begin(443);
	answer = arena_format(a, "HTTP/1.1 101 Switching Protocols\r\n" GOOD "\r\n", websocket_accept(a, key_of(&head, &tail)).p);
	for (size_t i = 0; i < answer.n; i++) {
		assert_int_equal(0, answers);
		test_stream_feed(&below, slice_over(answer.p + i, 1));
	}
	assert_int_equal(OK, e);
	assert_int_equal(1, answers);
	end();
	arena_free(&a);
}

static void a_server_that_agrees_to_something_else_is_left(void **state)
{
	static const struct {
		const char *headers, *words;
	} cases[] = {
		{"Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: mqtt\r\n", "another protocol"},
		{"Upgrade: websocket\r\nSec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: mqtt\r\n", "another protocol"},
		{"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x%s\r\nSec-WebSocket-Protocol: mqtt\r\n",
		 "another request"},
		{"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n", "subprotocol"},
		{"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: AMQPWSB10\r\n",
		 "subprotocol"},
		{GOOD "Sec-WebSocket-Extensions: permessage-deflate\r\n", "extensions"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(443);
		agree(cases[i].headers, NO_SLICE);
		assert_failed(ERR_UNREACHABLE, cases[i].words);
		end();
	}
}

static void a_server_that_does_not_agree_is_told_as_such(void **state)
{
	(void)state;
	begin(443);
	test_stream_feed(&below, SLICE("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"));
	assert_failed(ERR_UNREACHABLE, TEST_STREAM_PEER " answers 404");
	end();
	begin(443);
	test_stream_feed(&below, SLICE("220 mail.example ready\r\n\r\n"));
	assert_failed(ERR_UNREACHABLE, "is not HTTP");
	end();
	begin(443);
	test_stream_feed(&below, SLICE("HTTP/1.1 101"));
	test_stream_end(&below);
	assert_failed(ERR_UNREACHABLE, "ended in the request");
	end();
	begin(443);
	test_stream_break(&below, ERR_IO);
	assert_failed(ERR_UNREACHABLE, "ended in the request");
	end();
	begin(443);
	loop_advance(loop, 4999);
	assert_int_equal(0, answers);
	loop_advance(loop, 1);
	assert_failed(ERR_TIMEOUT, "within 5000 ms");
	end();
}

static void a_cancelled_request_stays_silent(void **state)
{
	(void)state;
	begin(443);
	websocket_dial_cancel(&dial);
	assert_null(dial);
	assert_true(below.closed);
	loop_advance(loop, 10000);
	assert_int_equal(0, answers);
	end();
	begin(443);
	cancels = true; /* too late, and harmless */
	agree(GOOD, NO_SLICE);
	assert_int_equal(1, answers);
	assert_non_null(stream);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_request_is_as_the_standard_wants_it),
		cmocka_unit_test(a_server_that_agrees_makes_it_a_websocket),
		cmocka_unit_test(an_answer_may_come_byte_by_byte),
		cmocka_unit_test(a_server_that_agrees_to_something_else_is_left),
		cmocka_unit_test(a_server_that_does_not_agree_is_told_as_such),
		cmocka_unit_test(a_cancelled_request_stays_silent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
