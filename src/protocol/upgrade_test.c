/* From HTTP to a WebSocket: who may, what is answered, and how the connection ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/log.h"
#include "io/test_stream.h"
#include "protocol/http_server.h"

#define START   ((instant)17000000000000000)
#define GET     "GET /$iothub/websocket HTTP/1.1\r\n"
#define HOST    "Host: global.berth.test\r\n"
#define KEY     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define ASK     "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define MQTT    "Sec-WebSocket-Protocol: mqtt\r\n"
#define END     "\r\n"
#define GOOD    GET HOST ASK KEY VERSION MQTT END
#define MASK0   "\0\0\0\0"

/* What a server answers to KEY, and nothing more. */
#define SWITCHING(subprotocol)                                                                                                             \
	"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"                                                \
	"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: " subprotocol "\r\n\r\n"

/* --- one connection --- */

static struct loop *loop;
static struct test_stream stream;
static struct connection *http; /* NULL: it has ended */
static int closed, asked;
static const char *found; /* the last that was looked for */

static void on_closed(void *cookie, struct connection *c)
{
	assert_ptr_equal(&closed, cookie);
	assert_true(http == NULL || http == c);
	closed++;
	http = NULL;
}

static int house;
static const struct protocol_env env = {&house, on_closed, &closed};

/* The ordinary way: every request is answered with 204, later. */
static struct task reply;
static api_done *reply_done;
static void *reply_cookie;

static void on_reply(struct task *task)
{
	(void)task;
	reply_done(reply_cookie, &(struct api_answer){.status = 204});
}

static void *ask(void *asked_house, const struct api_question *q, api_done *done, void *cookie)
{
	(void)q;
	assert_ptr_equal(&house, asked_house);
	asked++;
	reply_done = done;
	reply_cookie = cookie;
	reply = (struct task){.run = on_reply};
	loop_post(loop, &reply);
	return &reply;
}

static void cancel(void *call)
{
	loop_unpost(loop, call);
}

static size_t body_max(struct slice path)
{
	(void)path;
	return 100;
}

/* --- the protocol in the WebSocket: says everything back; at "q" it leaves --- */

struct inner {
	struct stream *stream;
	const struct protocol_env *env;
	struct task start;
};

static struct inner *inner; /* NULL: none now */
static int opened, inner_broken;
static bool was_drained, was_aborted, was_websocket;
static enum { OPENS, ENDS_IN_OPEN, HAS_NO_MEMORY } mood;

static void inner_end(struct inner *i, bool abort)
{
	const struct protocol_env *inner_env = i->env;

	loop_unpost(loop, &i->start);
	if (abort)
		stream_abort(&i->stream);
	else
		stream_close(&i->stream);
	inner = NULL;
	inner_env->closed(inner_env->cookie, (struct connection *)i);
	free(i);
}

static void inner_bytes(void *cookie)
{
	struct inner *i = cookie;
	struct slice in = stream_inbox(i->stream);
	bool leave = slice_find(in, 'q') >= 0;

	if (!i->stream->ended)
		assert_int_equal(OK, stream_write(i->stream, in));
	stream_eat(i->stream, in.n);
	if (leave || i->stream->ended)
		inner_end(i, false);
}

static void inner_break(void *cookie, enum err why)
{
	(void)why;
	inner_broken++;
	inner_end(cookie, true);
}

static void inner_start(struct task *task)
{
	inner_bytes(LIST_ITEM(task, struct inner, start));
}

static const struct stream_user inner_user = {.on_bytes = inner_bytes, .on_broken = inner_break};

static struct connection *inner_open(struct loop *its_loop, struct stream **its_stream, const struct protocol_env *its_env)
{
	struct inner *i;

	opened++;
	assert_ptr_equal(loop, its_loop);
	assert_ptr_equal(&house, its_env->house);
	was_websocket = (*its_stream)->websocket;
	assert_string_equal(TEST_STREAM_PEER, (*its_stream)->peer_address);
	if (mood == HAS_NO_MEMORY) {
		stream_abort(its_stream);
		return NULL;
	}
	i = calloc(1, sizeof(*i));
	*i = (struct inner){.stream = *its_stream, .env = its_env, .start.run = inner_start};
	*its_stream = NULL;
	stream_use(i->stream, &inner_user, i);
	loop_post(loop, &i->start);
	if (mood == ENDS_IN_OPEN)
		inner_end(i, false);
	else
		inner = i;
	return (struct connection *)i;
}

static void inner_drain(struct connection *c)
{
	was_drained = true;
	inner_end((struct inner *)c, false);
}

static void inner_abort(struct connection *c)
{
	was_aborted = true;
	inner_end((struct inner *)c, true);
}

static const struct protocol echo = {"echo", 1, inner_open, inner_drain, inner_abort};

static const struct protocol *find(const char *name)
{
	found = name;
	return &echo;
}

static const struct protocol *find_nobody(const char *name)
{
	found = name;
	return NULL;
}

/* --- the play --- */

static const struct http_service service = {body_max, ask, cancel, "https", find};

static void open_with(const struct http_service *which)
{
	struct stream *s = test_stream_init(&stream, loop);

	closed = asked = opened = inner_broken = 0;
	was_drained = was_aborted = was_websocket = false;
	found = NULL;
	http = http_server_open(loop, &s, &env, which);
	assert_non_null(http);
}

static int set_up(void **state)
{
	(void)state;
	log_set_level(LOG_ERROR);
	mood = OPENS;
	assert_int_equal(OK, loop_new_manual(START, &loop));
	open_with(&service);
	return 0;
}

/* Whatever happened: in the end everything has been closed, once. */
static void the_end(void)
{
	if (http)
		http_server_abort(http);
	loop_settle(loop);
	assert_int_equal(1, closed);
	assert_true(stream.closed && inner == NULL);
	test_stream_fini(&stream);
}

static int tear_down(void **state)
{
	(void)state;
	the_end();
	loop_free(&loop);
	return 0;
}

static void feed(struct slice bytes)
{
	assert_int_equal(bytes.n, test_stream_feed(&stream, bytes));
	loop_settle(loop);
}

static void answered(struct slice expected)
{
	if (!slice_eq(buf_slice(&stream.out), expected))
		fail_msg("%.*s", SLICE_ARG(buf_slice(&stream.out)));
}

static bool says(const char *text)
{
	return slice_search(buf_slice(&stream.out), slice_str(text)) >= 0;
}

/* The only request of a connection of its own. */
static void begin(const struct http_service *which, const char *request)
{
	the_end();
	open_with(which);
	feed(slice_str(request));
}

/* --- who may --- */

static void a_good_request_gets_101_and_nothing_more(void **state)
{
	(void)state;
	feed(SLICE(GOOD));
	answered(SLICE(SWITCHING("mqtt")));
	assert_string_equal("mqtts", found);
	assert_int_equal(1, opened);
	assert_true(was_websocket);
	assert_int_equal(0, asked + closed);
}

/* device-api.md 11, 13 */
static void every_client_finds_its_way(void **state)
{
	static const struct {
		const char *request, *answer, *protocol;
	} cases[] = {
		{"GET / HTTP/1.1\r\n" HOST ASK KEY VERSION MQTT END, SWITCHING("mqtt"), "mqtts"},
		{"GET /mqtt HTTP/1.1\r\n" HOST ASK KEY VERSION MQTT END, SWITCHING("mqtt"), "mqtts"},
		{"GET /%24iothub/websocket?a=b HTTP/1.1\r\n" HOST ASK KEY VERSION MQTT END, SWITCHING("mqtt"), "mqtts"},
		{GET HOST ASK KEY VERSION "Sec-WebSocket-Protocol: MQTT\r\n" END, SWITCHING("MQTT"), "mqtts"},
		{GET HOST ASK KEY VERSION "Sec-WebSocket-Protocol: AMQPWSB10\r\n" END, SWITCHING("AMQPWSB10"), "amqps"},
		{"GET https://global.berth.test/$iothub/websocket?iothub-no-client-cert=true HTTP/1.1\r\n" HOST
		 "Upgrade: websocket\r\nConnection: Upgrade,Keep-Alive\r\n" KEY VERSION "Sec-WebSocket-Protocol: AMQPWSB10\r\n" END,
		 SWITCHING("AMQPWSB10"), "amqps"},
		{GET HOST "upgrade: WebSocket\r\nconnection: keep-alive, upgrade\r\n" KEY VERSION MQTT END, SWITCHING("mqtt"), "mqtts"},
		{GET HOST ASK KEY VERSION MQTT "Content-Length: 0\r\n" END, SWITCHING("mqtt"), "mqtts"},
		{GET HOST ASK KEY VERSION "Sec-WebSocket-Protocol: mqttv3.1 ,  amqpwsb10, mqtt\r\n" END, SWITCHING("amqpwsb10"), "amqps"},
		{GET HOST ASK KEY VERSION "Sec-WebSocket-Protocol: mqttv3.1\r\n" MQTT "Sec-WebSocket-Protocol: AMQPWSB10\r\n" END,
		 SWITCHING("mqtt"), "mqtts"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(&service, cases[i].request);
		answered(slice_str(cases[i].answer));
		assert_string_equal(cases[i].protocol, found);
	}
}

static void what_is_wrong_is_said_and_the_connection_closed(void **state)
{
	static const struct {
		int status;
		const char *word, *request;
	} cases[] = {
		{400, "GET", "POST / HTTP/1.1\r\n" HOST ASK KEY VERSION MQTT "Content-Length: 0\r\n" END},
		{400, "proxy", GET HOST "Upgrade: websocket\r\n" KEY VERSION MQTT END},
		{400, "proxy", GET HOST "Upgrade: websocket\r\nConnection: keep-alive\r\n" KEY VERSION MQTT END},
		{400, "body", GET HOST ASK KEY VERSION MQTT "Content-Length: 1\r\n" END},
		{400, "body", GET HOST ASK KEY VERSION MQTT "Transfer-Encoding: chunked\r\n" END},
		{404, "/mqtt", "GET /devices HTTP/1.1\r\n" HOST ASK KEY VERSION MQTT END},
		{404, "/mqtt", "GET /mqtt/ HTTP/1.1\r\n" HOST ASK KEY VERSION MQTT END},
		{426, "13", GET HOST ASK KEY MQTT END},
		{426, "13", GET HOST ASK KEY MQTT "Sec-WebSocket-Version: 8\r\n" END},
		{426, "13", GET HOST ASK KEY MQTT VERSION VERSION END},
		{400, "Key", GET HOST ASK VERSION MQTT END},
		{400, "Key", GET HOST ASK VERSION MQTT KEY KEY END},
		{400, "Key", GET HOST ASK VERSION MQTT "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ\r\n" END},
		{400, "Key", GET HOST ASK VERSION MQTT "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j\r\n" END},
		{400, "Protocol", GET HOST ASK KEY VERSION END},
		{400, "Protocol", GET HOST ASK KEY VERSION "Sec-WebSocket-Protocol: mqttv3.1\r\n" END},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char line[32], code[32], header[48];

		begin(&service, cases[i].request);
		snprintf(line, sizeof(line), "HTTP/1.1 %d ", cases[i].status);
		snprintf(code, sizeof(code), "{\"errorCode\":%d001,", cases[i].status);
		snprintf(header, sizeof(header), "\r\nx-ms-error-code: %d001\r\n", cases[i].status);
		if (!slice_starts(buf_slice(&stream.out), slice_str(line)))
			fail_msg("%s\n%.*s", cases[i].request, SLICE_ARG(buf_slice(&stream.out)));
		assert_true(says(code) && says(cases[i].word) && says("\r\nContent-Type: application/json"));
		assert_true(says(header) && says("\"trackingId\":\"") && says("\"timestampUtc\":\"2023-11-14T22:13:20.0000000Z\"}"));
		assert_int_equal(cases[i].status == 426,
				 says("\r\nSec-WebSocket-Version: 13\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"));
		assert_int_equal(1, closed);
		assert_true(stream.closed && !stream.aborted);
		assert_int_equal(0, opened + asked);
	}
}

static void a_protocol_that_is_not_served_is_not_implemented(void **state)
{
	static const struct http_service nobody = {body_max, ask, cancel, "https", find_nobody};

	(void)state;
	begin(&nobody, GOOD);
	assert_true(says("HTTP/1.1 501 Not Implemented\r\n") && says("{\"errorCode\":501001,"));
	assert_int_equal(1, closed);
}

static void who_does_not_upgrade_takes_it_for_an_ordinary_request(void **state)
{
	static const struct http_service plain = {body_max, ask, cancel, "admin"};

	(void)state;
	begin(&plain, GOOD);
	assert_true(says("HTTP/1.1 204 "));
	/* RFC 9110 section 7.8 */
	begin(&service, "GET / HTTP/1.0\r\n" HOST ASK KEY VERSION MQTT END);
	assert_true(says("HTTP/1.1 204 "));
	begin(&service, "GET / HTTP/1.1\r\n" HOST "Upgrade: h2c\r\nConnection: Upgrade\r\n" END);
	assert_true(says("HTTP/1.1 204 "));
	assert_int_equal(0, opened);
}

/* --- what goes on --- */

static void bytes_behind_the_head_belong_to_the_websocket(void **state)
{
	(void)state;
	feed(SLICE(GOOD "\x82\x82" MASK0 "hi\x82\x81" MASK0));
	answered(SLICE(SWITCHING("mqtt") "\x82\x02hi"));
	feed(SLICE("!"));
	answered(SLICE(SWITCHING("mqtt") "\x82\x02hi\x82\x01!"));
}

static void an_ordinary_request_may_come_before(void **state)
{
	static const char ordinary[] = "GET /x HTTP/1.1\r\n" HOST END;

	(void)state;
	feed(slice_str(ordinary));
	assert_int_equal(1, asked);
	feed(SLICE(GOOD "\x82\x82" MASK0 "hi"));
	assert_true(says(SWITCHING("mqtt") "\x82\x02hi"));
	assert_int_equal(1, asked);
}

/* HTTP's time-outs are over. */
static void a_silent_websocket_is_kept(void **state)
{
	(void)state;
	feed(SLICE(GOOD));
	loop_advance(loop, 10 * HTTP_IDLE_MS);
	assert_int_equal(0, closed);
	feed(SLICE("\x82\x82" MASK0 "hi"));
	assert_true(says("\x82\x02hi"));
}

/* --- the end, from every side --- */

static void the_close_of_the_peer_ends_both(void **state)
{
	(void)state;
	feed(SLICE(GOOD "\x88\x82" MASK0 "\x03\xe8"));
	answered(SLICE(SWITCHING("mqtt") "\x88\x02\x03\xe8"));
	assert_int_equal(1, closed);
	assert_true(stream.closed && !stream.aborted);
}

static void when_the_inner_protocol_leaves_both_end(void **state)
{
	(void)state;
	feed(SLICE(GOOD));
	feed(SLICE("\x82\x81" MASK0 "q"));
	answered(SLICE(SWITCHING("mqtt") "\x82\x01q\x88\x02\x03\xe8"));
	assert_int_equal(1, closed);
	assert_true(stream.closed && !stream.aborted);
}

static void a_broken_stream_ends_both(void **state)
{
	(void)state;
	feed(SLICE(GOOD));
	test_stream_break(&stream, ERR_IO);
	assert_int_equal(1, closed);
	assert_int_equal(1, inner_broken);
}

static void an_inner_protocol_may_end_while_it_begins(void **state)
{
	(void)state;
	mood = ENDS_IN_OPEN;
	feed(SLICE(GOOD));
	answered(SLICE(SWITCHING("mqtt") "\x88\x02\x03\xe8"));
	assert_int_equal(1, closed);
	assert_int_equal(1, opened);
}

static void an_inner_protocol_without_memory_ends_the_connection(void **state)
{
	(void)state;
	mood = HAS_NO_MEMORY;
	feed(SLICE(GOOD));
	assert_int_equal(1, closed);
	assert_true(stream.aborted);
}

static void draining_is_the_inner_protocols_matter(void **state)
{
	(void)state;
	feed(SLICE(GOOD));
	http_server_drain(http);
	assert_true(was_drained && !was_aborted);
	assert_int_equal(1, closed);
	assert_true(stream.closed && !stream.aborted);
}

static void aborting_aborts_the_inner_protocol(void **state)
{
	(void)state;
	feed(SLICE(GOOD));
	http_server_abort(http);
	assert_true(was_aborted && !was_drained);
	assert_int_equal(1, closed);
	assert_true(stream.aborted);
}

static void no_websocket_begins_while_the_server_drains(void **state)
{
	(void)state;
	feed(SLICE(GET));
	http_server_drain(http);
	feed(SLICE(HOST ASK KEY VERSION MQTT END));
	assert_true(says("HTTP/1.1 503 ") && says("\r\nRetry-After: 3\r\n"));
	assert_int_equal(0, opened);
	assert_int_equal(1, closed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_good_request_gets_101_and_nothing_more),
		TEST(every_client_finds_its_way),
		TEST(what_is_wrong_is_said_and_the_connection_closed),
		TEST(a_protocol_that_is_not_served_is_not_implemented),
		TEST(who_does_not_upgrade_takes_it_for_an_ordinary_request),
		TEST(bytes_behind_the_head_belong_to_the_websocket),
		TEST(an_ordinary_request_may_come_before),
		TEST(a_silent_websocket_is_kept),
		TEST(the_close_of_the_peer_ends_both),
		TEST(when_the_inner_protocol_leaves_both_end),
		TEST(a_broken_stream_ends_both),
		TEST(an_inner_protocol_may_end_while_it_begins),
		TEST(an_inner_protocol_without_memory_ends_the_connection),
		TEST(draining_is_the_inner_protocols_matter),
		TEST(aborting_aborts_the_inner_protocol),
		TEST(no_websocket_begins_while_the_server_drains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
