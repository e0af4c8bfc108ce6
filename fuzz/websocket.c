/*
 * websocket.c: a connection's bytes through HTTP, the upgrade and a WebSocket. The first byte decides how: the low six bits
 * are the size of a piece (0: 64), the next one lets the bytes begin with a request of their own, the last one makes the
 * protocol in the WebSocket a slow eater.
 *
 * Fed whole or in pieces, the same arrives at the inner protocol and the connection ends alike; what we send is what a strict
 * client reads. And the bytes taken as a script for a client: what it writes arrives, and comes back as it was.
 */
#include "fuzz.h"
#include "io/test_stream.h"
#include "io/websocket.h"
#include "protocol/http_server.h"

#define START    ((instant)1790000000 * INSTANT_SECOND)
#define SILENCE  300000 /* ms; longer than HTTP's deadlines */
#define MOUTHFUL 997    /* of a slow eater */
#define ROOM     (16 * 1024 * 1024)
#define MASK_AT  0x2a
#define GOOD                                                                                                                               \
	"GET /mqtt HTTP/1.1\r\nHost: x.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"                 \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"

/* One connection, and the protocol in its WebSocket. */
static struct stage {
	struct test_stream stream;
	struct loop *loop;
	struct protocol_env env;
	bool gone, slow, echo;

	/* ordinary requests: 204 at once */
	struct task reply;
	api_done *done;
	void *cookie;

	struct stream *inner;
	const struct protocol_env *inner_env;
	struct task eat;
	struct buf heard;
	bool upgraded, ended, broken;
} * st;

/* --- the protocol in the WebSocket: hears, and perhaps says it again --- */

static void inner_end(bool abort)
{
	loop_unpost(st->loop, &st->eat);
	if (abort)
		stream_abort(&st->inner);
	else
		stream_close(&st->inner);
	st->inner_env->closed(st->inner_env->cookie, (struct connection *)st);
}

static void inner_hear(void)
{
	struct slice in = stream_inbox(st->inner);

	need(in.n <= STREAM_INBOX_MAX);
	if (st->slow)
		in = slice_to(in, MOUTHFUL);
	buf_add(&st->heard, in);
	if (st->echo && !st->inner->ended)
		need(stream_write(st->inner, in) == OK);
	stream_eat(st->inner, in.n);
	if (stream_inbox(st->inner).n > 0 && !st->eat.queued)
		loop_post(st->loop, &st->eat);
	st->ended = st->inner->ended;
	if (st->ended && stream_inbox(st->inner).n == 0)
		inner_end(false);
}

static void on_eat(struct task *task)
{
	(void)task;
	inner_hear();
}

static void inner_bytes(void *cookie)
{
	(void)cookie;
	inner_hear();
}

static void inner_break(void *cookie, enum err why)
{
	(void)cookie;
	(void)why;
	while (stream_inbox(st->inner).n > 0 && !st->inner->ended)
		inner_hear();
	st->broken = true;
	inner_end(true);
}

static const struct stream_user inner_user = {.on_bytes = inner_bytes, .on_broken = inner_break};

static struct connection *inner_open(struct loop *loop, struct stream **stream, const struct protocol_env *env)
{
	(void)loop;
	need(!st->upgraded && (*stream)->websocket);
	st->upgraded = true;
	st->inner = *stream;
	st->inner_env = env;
	st->eat.run = on_eat;
	*stream = NULL;
	stream_use(st->inner, &inner_user, st);
	return (struct connection *)st;
}

static void inner_drain(struct connection *c)
{
	(void)c;
	inner_end(false);
}

static void inner_abort(struct connection *c)
{
	(void)c;
	inner_end(true);
}

static const struct protocol inner = {"inner", 1, inner_open, inner_drain, inner_abort};

static const struct protocol *find(const char *name)
{
	(void)name;
	return &inner;
}

/* --- the service of ordinary requests --- */

static size_t body_max(struct slice path)
{
	(void)path;
	return 1024;
}

static void on_reply(struct task *task)
{
	(void)task;
	st->done(st->cookie, &(struct api_answer){.status = 204});
}

static void *ask(void *house, const struct api_question *q, api_done *done, void *cookie)
{
	(void)q;
	need(house == st && !st->upgraded);
	st->done = done;
	st->cookie = cookie;
	st->reply = (struct task){.run = on_reply};
	loop_post(st->loop, &st->reply);
	return st;
}

static void cancel(void *call)
{
	(void)call;
	loop_unpost(st->loop, &st->reply);
}

static const struct http_service service = {body_max, ask, cancel, "https", find};

/* --- what a strict client reads --- */

static void count_up(void *out, size_t n)
{
	static unsigned char next = MASK_AT;

	for (unsigned char *to = out; n-- > 0;)
		*to++ = next++;
}

/* Frames to the end, and at most one close, which is the last; `said` gets what was in them. True: there was a close. */
static bool read_frames(struct slice in, struct buf *said)
{
	struct websocket *client = websocket_new(WEBSOCKET_CLIENT, count_up);
	struct websocket_event event;
	enum err e;

	need(client != NULL);
	while ((e = websocket_read(client, &in, &event)) == OK)
		if (event.kind == WEBSOCKET_DATA)
			buf_add(said, event.bytes);
	need(in.n == 0 && !buf_failed(said));
	need(e == ERR_AGAIN || e == ERR_CLOSED);
	websocket_free(&client);
	return e == ERR_CLOSED;
}

/* What was written after the 101. */
static bool check_written(struct buf *said)
{
	struct slice out = buf_slice(&st->stream.out);
	ptrdiff_t at = slice_search(out, SLICE("HTTP/1.1 101 "));

	need(st->upgraded == (at >= 0));
	if (at < 0)
		return false;
	out = slice_from(out, (size_t)at);
	return read_frames(slice_from(out, (size_t)slice_search(out, SLICE("\r\n\r\n")) + 4), said);
}

/* --- the play --- */

static void connection_closed(void *cookie, struct connection *c)
{
	(void)c;
	need(cookie == st && !st->gone && st->stream.closed);
	st->gone = true;
}

static struct connection *begin(struct stage *stage, bool slow, bool echo)
{
	struct stream *stream;
	struct connection *c;

	st = stage;
	*st = (struct stage){.slow = slow, .echo = echo};
	need(loop_new_manual(START, &st->loop) == OK);
	stream = test_stream_init(&st->stream, st->loop);
	buf_init(&st->heard, ROOM);
	st->env = (struct protocol_env){st, connection_closed, st};
	need((c = http_server_open(st->loop, &stream, &st->env, &service)) != NULL);
	return c;
}

static void feed(struct slice bytes, size_t piece)
{
	while (bytes.n > 0 && !st->stream.closed) {
		bytes = slice_from(bytes, test_stream_feed(&st->stream, slice_to(bytes, piece)));
		loop_settle(st->loop);
	}
}

/* The peer leaves, and then all comes to its end. */
static void finish(void)
{
	test_stream_end(&st->stream);
	loop_settle(st->loop);
	if (!st->gone)
		loop_advance(st->loop, SILENCE);
	need(st->gone && st->stream.closed);
	test_stream_fini(&st->stream);
	loop_free(&st->loop);
}

/* True: there was a close in what we wrote. */
static bool play(struct stage *stage, struct slice bytes, size_t piece, bool raw, bool slow)
{
	struct buf said;
	bool closed;

	(void)begin(stage, slow, false);
	if (!raw)
		feed(SLICE(GOOD), piece);
	feed(bytes, piece);
	buf_init(&said, ROOM);
	test_stream_end(&st->stream);
	loop_settle(st->loop);
	closed = check_written(&said);
	need(said.n == 0);
	buf_fini(&said);
	finish();
	return closed;
}

/* The server leaves in the middle: politely, or not. */
static void leave(struct slice bytes, size_t piece, bool raw, bool abort)
{
	struct stage stage;
	struct connection *c = begin(&stage, false, false);

	if (!raw)
		feed(SLICE(GOOD), piece);
	feed(bytes, piece);
	if (!st->gone && abort)
		http_server_abort(c);
	else if (!st->gone)
		http_server_drain(c);
	finish();
	buf_fini(&stage.heard);
}

/* --- the bytes as a script --- */

/* A client that speaks as the script says: each step is a kind and a length, and its bytes follow in the script. */
struct script {
	struct websocket *client;
	struct slice rest;
	struct buf frames, data;
	bool in_message;
};

static void write_step(struct script *s, unsigned char how, struct slice bytes)
{
	size_t at = s->frames.n;
	bool more = how & 4;

	if ((how & 3) == 0) {
		websocket_write_ping(s->client, bytes, &s->frames);
	} else if ((how & 3) == 1) {
		websocket_write_pong(s->client, bytes, &s->frames);
	} else if (bytes.n > 0) {
		websocket_write(s->client, bytes, &s->frames);
		/* Our own writer makes no fragments; a client may. */
		s->frames.p[at] = (char)((more ? 0 : 0x80) | (s->in_message ? 0 : 2));
		s->in_message = more;
		buf_add(&s->data, bytes);
	}
}

static void write_script(struct script *s, struct slice script)
{
	*s = (struct script){.rest = script, .client = websocket_new(WEBSOCKET_CLIENT, count_up)};
	need(s->client != NULL);
	buf_init(&s->frames, ROOM);
	buf_init(&s->data, ROOM);
	while (s->rest.n >= 2) {
		unsigned char how = (unsigned char)s->rest.p[0], n = (unsigned char)s->rest.p[1];

		s->rest = slice_from(s->rest, 2);
		write_step(s, how, slice_to(s->rest, n));
		s->rest = slice_from(s->rest, n);
	}
	websocket_write_close(s->client, 3000, SLICE("done"), &s->frames);
	websocket_free(&s->client);
	need(!buf_failed(&s->frames) && !buf_failed(&s->data));
}

static void speak(struct slice script, size_t piece, bool slow)
{
	struct stage stage;
	struct script s;
	struct buf said;

	write_script(&s, script);
	(void)begin(&stage, slow, true);
	feed(SLICE(GOOD), piece);
	feed(buf_slice(&s.frames), piece);
	need(st->gone && st->ended && !st->broken);
	need(slice_eq(buf_slice(&st->heard), buf_slice(&s.data)));
	buf_init(&said, ROOM);
	need(check_written(&said));
	/* What a slow eater finds after the close cannot be said back any more. */
	need(slice_eq(buf_slice(&said), slice_to(buf_slice(&s.data), said.n)) && (slow || said.n == s.data.n));
	finish();
	buf_fini(&stage.heard);
	buf_fini(&s.frames);
	buf_fini(&s.data);
	buf_fini(&said);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stage whole, pieces;
	struct slice bytes = slice_over(data + 1, size ? size - 1 : 0);
	bool raw, slow, closed;
	size_t piece;

	if (size < 1 || size > STREAM_INBOX_MAX)
		return 0;
	log_set_level(LOG_ERROR);
	raw = data[0] & 64;
	slow = data[0] & 128;
	piece = data[0] & 63 ? data[0] & 63 : 64;
	closed = play(&whole, bytes, STREAM_INBOX_MAX, raw, slow);
	need(play(&pieces, bytes, piece, raw, slow) == closed);
	need(whole.upgraded == pieces.upgraded && whole.ended == pieces.ended && whole.broken == pieces.broken);
	need(slice_eq(buf_slice(&whole.heard), buf_slice(&pieces.heard)));
	buf_fini(&whole.heard);
	buf_fini(&pieces.heard);
	leave(bytes, piece, raw, slow);
	speak(bytes, piece, slow);
	return 0;
}
