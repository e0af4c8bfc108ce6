/*
 * http.c: a connection's bytes through the HTTP server. The first byte decides how they arrive: the low six bits are the
 * size of a piece (0: 64), the next one makes the service slow.
 *
 * Fed whole or in pieces, the same requests are asked, none is asked while another is, none has a body beyond its limit,
 * and each gets one answer that a strict client can read. A peer that falls silent does not keep the connection.
 */
#include "base/text.h"
#include "fuzz.h"
#include "protocol/http_server.h"

#define START     ((instant)1790000000 * INSTANT_SECOND)
#define ASKED_MAX 1024
#define OUT_MAX   (64 * 1024 * 1024)
#define SILENCE   300000 /* ms; longer than any deadline, and the phases one after the other */

struct asked {
	bool head, expects;
	int minor, status;
	uint64_t length; /* of the answer */
};

/* One connection: the stream it reads, the service it asks, and what came of it. */
struct stage {
	struct stream stream;
	struct loop *loop;
	struct protocol_env env;
	struct buf in, out, seen;
	struct task drained;
	bool closed, gone, slow;

	struct asked asked[ASKED_MAX];
	size_t count;
	const struct api_question *question; /* under way */
	api_done *done;
	void *cookie;
	struct task reply;
	struct timer *later;
};

/* --- the stream --- */

static struct slice stage_inbox(struct stream *s)
{
	return buf_slice(&((struct stage *)s)->in);
}

static void stage_eat(struct stream *s, size_t n)
{
	need(n <= ((struct stage *)s)->in.n);
	buf_eat(&((struct stage *)s)->in, n);
}

static enum err stage_write(struct stream *s, struct slice bytes)
{
	struct stage *st = (struct stage *)s;

	need(!st->closed);
	buf_add(&st->out, bytes);
	need(!buf_failed(&st->out));
	if (!st->drained.queued)
		loop_post(st->loop, &st->drained);
	return OK;
}

static void stage_close(struct stream *s, bool abort)
{
	struct stage *st = (struct stage *)s;

	(void)abort;
	need(!st->closed);
	st->closed = true;
	loop_unpost(st->loop, &st->drained);
}

static const struct stream_kind kind = {stage_inbox, stage_eat, stage_write, stage_close};

static void tell_drained(struct task *task)
{
	struct stage *st = LIST_ITEM(task, struct stage, drained);

	if (st->stream.user->on_drained)
		st->stream.user->on_drained(st->stream.cookie);
}

/* --- the service --- */

static size_t body_max(struct slice path)
{
	return slice_starts(path, SLICE("/small")) ? 16 : 1024;
}

static void give_answer(struct stage *st)
{
	static const char filling[3 * HTTP_CHUNK + 5];
	struct slice path = st->question->head->path;
	struct asked *a = &st->asked[st->count - 1];
	struct api_answer answer = {.status = 200, .body = SLICE("{}"), .headers = {{"ETag", SLICE("\"1\"")}}};

	if (slice_starts(path, SLICE("/long")))
		answer.body = slice_over(filling, path.n % 2 ? sizeof(filling) : 2 * HTTP_CHUNK);
	else if (slice_starts(path, SLICE("/none")))
		answer.status = 204, answer.body = NO_SLICE;
	else if (slice_starts(path, SLICE("/bare")))
		answer.body = NO_SLICE;
	a->status = answer.status;
	a->length = answer.body.n;
	st->question = NULL;
	st->done(st->cookie, &answer);
}

static void reply_now(struct task *task)
{
	give_answer(LIST_ITEM(task, struct stage, reply));
}

static void reply_later(void *cookie)
{
	((struct stage *)cookie)->later = NULL;
	give_answer(cookie);
}

/* The words of the path and of the query, as the api takes them apart: escapes are undone once, and what is left comes
 * back the same when it is escaped again. */
static void decode(struct slice text, struct arena *a)
{
	struct slice plain = percent_decode(a, text);

	if (slice_absent(plain))
		return;
	need(plain.n <= text.n);
	need(slice_eq(percent_decode(a, percent_encode(a, plain)), plain));
}

static void take_apart(const struct http_head *h)
{
	struct arena *a = arena_new(API_ARENA_MAX);
	struct slice rest = slice_from(h->path, 1), query = h->query, piece, value;

	need(a != NULL);
	need(api_body_max(h->path) > 0 && api_body_max(h->path) <= API_BODY_MAX);
	while (slice_next(&rest, '/', &piece))
		decode(piece, a);
	while (http_next_pair(&query, &piece, &value)) {
		need(slice_find(piece, '&') < 0 && slice_find(piece, '=') < 0 && slice_find(value, '&') < 0);
		need(!slice_absent(http_query(h->query, arena_str(a, piece))));
		decode(piece, a);
		decode(value, a);
	}
	need(!arena_failed(a));
	arena_free(&a);
}

static void *ask(void *house, const struct api_question *q, api_done *done, void *cookie)
{
	struct stage *st = house;
	const struct http_head *h = q->head;

	need(st->question == NULL && st->count < ASKED_MAX);
	need(q->body.n <= body_max(h->path));
	need(!h->has_length || q->body.n == h->length);
	need(h->path.n > 0 && (h->path.p[0] == '/' || slice_eq(h->path, SLICE("*"))));
	need(strlen(q->request_id) == 36);
	take_apart(h);
	st->asked[st->count++] = (struct asked){.head = h->method == HTTP_HEAD, .expects = h->expect_continue, .minor = h->minor};
	buf_printf(&st->seen, "%.*s %.*s 1.%d %.*s", SLICE_ARG(h->method_text), SLICE_ARG(h->target), h->minor, SLICE_ARG(q->host));
	for (size_t i = 0; i < h->header_count; i++)
		buf_printf(&st->seen, "\n%.*s:%.*s", SLICE_ARG(h->headers[i].name), SLICE_ARG(h->headers[i].value));
	buf_printf(&st->seen, "\n%zu\n", q->body.n);
	buf_add(&st->seen, q->body);
	st->question = q;
	st->done = done;
	st->cookie = cookie;
	if (st->slow)
		need((st->later = loop_after(st->loop, 1000, reply_later, st)) != NULL);
	else
		loop_post(st->loop, &st->reply);
	return st;
}

static void cancel(void *call)
{
	struct stage *st = call;

	need(st->question != NULL);
	st->question = NULL;
	timer_cancel(&st->later);
	loop_unpost(st->loop, &st->reply);
}

static const struct http_service service = {body_max, ask, cancel, "https"};

static void connection_closed(void *cookie, struct connection *c)
{
	struct stage *st = cookie;

	(void)c;
	need(!st->gone && st->closed);
	st->gone = true;
}

/* --- what a strict client reads --- */

static struct slice take_line(struct slice *rest)
{
	ptrdiff_t end = slice_search(*rest, SLICE("\r\n"));
	struct slice line = slice_to(*rest, end < 0 ? 0 : (size_t)end);

	need(end >= 0);
	for (size_t i = 0; i < line.n; i++)
		need(line.p[i] >= ' ' && line.p[i] <= '~');
	*rest = slice_from(*rest, (size_t)end + 2);
	return line;
}

struct reply {
	uint64_t status, length;
	bool has_length, chunked, close;
};

static void take_head(struct slice *rest, struct reply *r)
{
	struct slice line = take_line(rest), name;
	ptrdiff_t colon;

	*r = (struct reply){0};
	need(slice_starts(line, SLICE("HTTP/1.1 ")) && line.n > 13 && line.p[12] == ' ');
	need(slice_to_u64(slice_to(slice_from(line, 9), 3), &r->status));
	while ((line = take_line(rest)).n > 0) {
		need((colon = slice_find(line, ':')) > 0);
		name = slice_to(line, (size_t)colon);
		line = slice_trim(slice_from(line, (size_t)colon + 1));
		r->close |= slice_eq(name, SLICE("Connection")) && slice_eq(line, SLICE("close"));
		if (slice_eq(name, SLICE("Transfer-Encoding"))) {
			need(!r->chunked && slice_eq(line, SLICE("chunked")));
			r->chunked = true;
		} else if (slice_eq(name, SLICE("Content-Length"))) {
			need(!r->has_length && slice_to_u64(line, &r->length));
			r->has_length = true;
		}
	}
	need(!(r->chunked && r->has_length));
}

static uint64_t take_body(struct slice *rest, const struct reply *r)
{
	struct http_chunks chunks;
	struct buf body;
	size_t used = r->length;
	uint64_t n = r->length;

	if (r->chunked) {
		buf_init(&body, OUT_MAX);
		http_chunks_init(&chunks);
		need(http_read_chunks(&chunks, *rest, &body, &used) == OK);
		n = body.n;
		buf_fini(&body);
	}
	need(rest->n >= used);
	*rest = slice_from(*rest, used);
	return n;
}

/* The answer to a request that was asked. */
static void check_answer(const struct asked *a, struct slice *rest, bool last)
{
	struct reply r;

	take_head(rest, &r);
	if (r.status == 100) {
		need(a->expects && a->minor == 1); /* RFC 9110 section 10.1.1 */
		take_head(rest, &r);
	}
	need(r.status == (uint64_t)a->status);
	need(!r.chunked || a->minor == 1);
	need(!r.close || last);
	if (a->head)
		return;
	need((a->status == 204) == (!r.has_length && !r.chunked));
	need(take_body(rest, &r) == a->length);
}

/* Each request its answer, and then at most one refusal, which says goodbye. True: there was one. */
static bool check_answers(const struct stage *st, size_t answered)
{
	struct slice rest = buf_slice(&st->out);
	struct reply r;

	for (size_t i = 0; i < answered; i++)
		check_answer(&st->asked[i], &rest, i + 1 == st->count);
	if (rest.n == 0)
		return false;
	take_head(&rest, &r);
	if (r.status == 100 && rest.n == 0)
		return false;
	if (r.status == 100)
		take_head(&rest, &r);
	need(r.status >= 400 && r.close && r.has_length);
	need(rest.n == 0 || take_body(&rest, &r) > 0);
	need(rest.n == 0);
	return true;
}

/* --- the play --- */

static struct connection *stage_open(struct stage *st, bool slow)
{
	struct stream *stream = &st->stream;
	struct connection *c;

	*st = (struct stage){.slow = slow};
	need(loop_new_manual(START, &st->loop) == OK);
	st->stream = (struct stream){.kind = &kind, .loop = st->loop, .peer_address = "192.0.2.7:5123", .server_name = "sni.test"};
	st->env = (struct protocol_env){st, connection_closed, st};
	st->drained.run = tell_drained;
	st->reply.run = reply_now;
	buf_init(&st->in, STREAM_INBOX_MAX);
	buf_init(&st->out, OUT_MAX);
	buf_init(&st->seen, OUT_MAX);
	need((c = http_server_open(st->loop, &stream, &st->env, &service)) != NULL && stream == NULL);
	return c;
}

static void stage_fini(struct stage *st)
{
	need(st->gone && st->question == NULL);
	buf_fini(&st->in);
	buf_fini(&st->out);
	buf_fini(&st->seen);
	loop_free(&st->loop);
}

/* Bytes arrive as far as there is room for them; time passes only when there is none. */
static void feed(struct stage *st, struct slice bytes, size_t piece)
{
	while (bytes.n > 0 && !st->closed) {
		size_t room = STREAM_INBOX_MAX - st->in.n, n = bytes.n < piece ? bytes.n : piece;

		n = n < room ? n : room;
		buf_add(&st->in, slice_to(bytes, n));
		bytes = slice_from(bytes, n);
		if (n > 0)
			st->stream.user->on_bytes(st->stream.cookie);
		loop_settle(st->loop);
		if (n == 0)
			loop_advance(st->loop, 1000);
	}
}

static void hang_up(struct stage *st)
{
	if (!st->closed) {
		st->stream.ended = true;
		st->stream.user->on_bytes(st->stream.cookie);
	}
	loop_settle(st->loop);
	for (size_t i = 0; i < ASKED_MAX && !st->closed; i++)
		loop_advance(st->loop, 1000);
}

static bool play(struct stage *st, struct slice bytes, size_t piece, bool slow)
{
	(void)stage_open(st, slow);
	feed(st, bytes, piece);
	hang_up(st);
	return check_answers(st, st->count);
}

static void fall_silent(struct slice bytes, size_t piece, bool slow)
{
	struct stage st;
	struct connection *c = stage_open(&st, slow);

	feed(&st, bytes, piece);
	loop_advance(st.loop, SILENCE);
	need(st.gone);
	(void)check_answers(&st, st.count);
	stage_fini(&st);
	/* The same, but the server leaves first: drained, then cut off. */
	c = stage_open(&st, slow);
	feed(&st, bytes, piece);
	if (!st.gone)
		http_server_drain(c);
	loop_settle(st.loop);
	if (!st.gone)
		http_server_abort(c);
	stage_fini(&st);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct stage whole, pieces;
	struct slice bytes = slice_over(data + 1, size ? size - 1 : 0);
	bool slow, refused;
	size_t piece;

	if (size < 1 || size > STREAM_INBOX_MAX)
		return 0;
	log_set_level(LOG_ERROR);
	slow = data[0] & 64;
	piece = data[0] & 63 ? data[0] & 63 : 64;
	refused = play(&whole, bytes, bytes.n, slow);
	need(play(&pieces, bytes, piece, slow) == refused);
	need(slice_eq(buf_slice(&whole.seen), buf_slice(&pieces.seen)));
	stage_fini(&whole);
	stage_fini(&pieces);
	fall_silent(bytes, piece, slow);
	return 0;
}
