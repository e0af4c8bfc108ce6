/*
 * amqp.c: a device's AMQP connection, byte after byte. The first byte says how: the low five bits are the size of a piece
 * (0: 32), then a client certificate, a slow provisioning, and a session begun already; the second what is answered, and
 * whether the device takes anything.
 *
 * Fed whole or in pieces, the same is asked. What is sent is headers and frames, one open, at most one close and nothing behind
 * it. No more is asked at once than the limit says, and a peer that falls silent does not keep the connection.
 */
#include "base/log.h"
#include "fuzz.h"
#include "io/test_stream.h"
#include "protocol/amqp_own.h"

#define START     ((instant)1790000000 * INSTANT_SECOND)
#define ASKED_MAX 4096
#define SILENCE   (3 * AMQPS_IDLE_MS)
#define SAME_UPTO 40 /* questions: beyond, credit may run out earlier in one of both */

extern const struct protocol protocol_amqps;

struct asked {
	struct task task;
	struct timer *later;
	struct stage *stage;
	bool first_round;     /* of a TPM */
	provision_done *done; /* NULL: answered, or cancelled */
	void *cookie;
};

/* One connection, and what came of it. */
struct stage {
	struct test_stream t;
	struct loop *loop;
	struct protocol_env env;
	struct connection *connection;
	bool gone, slow;
	int status;
	struct asked asked[ASKED_MAX];
	size_t count, pending;
	struct buf seen; /* the questions */
};

struct options {
	size_t piece;
	bool certificate, slow, begun, stuck;
	int status;
};

/* --- the provisioning (ld --wrap) --- */

struct provision_ask *__wrap_api_ask_device(struct api *, const struct device_question *, provision_done *, void *);
void __wrap_provision_cancel(struct provision_ask **);

static void give_answer(struct asked *a)
{
	const struct device_answer told = {.status = a->stage->status,
					   .retry_after = a->stage->status == 202 ? RETRY_AFTER_SECONDS : 0,
					   .body = SLICE("{\"status\":\"x\"}")};
	const struct device_answer challenge = {.status = 401, .body = SLICE("{\"authenticationKey\":\"AAECAwQFBgcI\"}")};
	provision_done *done = a->done;

	a->done = NULL;
	a->stage->pending--;
	done(a->cookie, a->first_round ? &challenge : &told);
}

static void answer_now(struct task *task)
{
	give_answer(LIST_ITEM(task, struct asked, task));
}

static void answer_later(void *cookie)
{
	((struct asked *)cookie)->later = NULL;
	give_answer(cookie);
}

struct provision_ask *__wrap_api_ask_device(struct api *api, const struct device_question *q, provision_done *done, void *cookie)
{
	struct stage *st = (struct stage *)api;
	struct asked *a = &st->asked[st->count++];

	need(st->count < ASKED_MAX);
	need(++st->pending <= AMQPS_ASKS_MAX);
	need(q->scope.n > 0 && q->registration_id.n > 0);
	need(!slice_absent(q->token) || q->chain_count > 0 || (q->op == DEVICE_CONNECT && q->storage_root_key.n > 0));
	need(q->body.n <= API_DEVICE_BODY_MAX);
	need((q->op == DEVICE_OPERATION_STATUS) == (q->operation_id.n > 0));
	need(strlen(q->request_id) == 36);
	buf_printf(&st->seen, "%d %.*s %.*s %.*s %zu\n", q->op, SLICE_ARG(q->scope), SLICE_ARG(q->registration_id),
		   SLICE_ARG(q->operation_id), q->body.n);
	buf_add(&st->seen, q->body);
	*a = (struct asked){.task = {.run = answer_now},
			    .stage = st,
			    .first_round = q->endorsement_key.n > 0 && slice_absent(q->token),
			    .done = done,
			    .cookie = cookie};
	if (st->slow)
		need((a->later = loop_after(st->loop, 1000, answer_later, a)) != NULL);
	else
		loop_post(st->loop, &a->task);
	return (struct provision_ask *)a;
}

void __wrap_provision_cancel(struct provision_ask **ask)
{
	struct asked *a = (struct asked *)*ask;

	*ask = NULL;
	if (a == NULL)
		return;
	need(a->done != NULL);
	a->done = NULL;
	a->stage->pending--;
	timer_cancel(&a->later);
	loop_unpost(a->stage->loop, &a->task);
}

/* --- what was sent --- */

static bool take(struct slice *rest, struct slice prefix)
{
	bool there = slice_starts(*rest, prefix);

	if (there)
		*rest = slice_from(*rest, prefix.n);
	return there;
}

static uint32_t number_at(struct slice s)
{
	uint32_t n = 0;

	for (size_t i = 0; i < 4; i++)
		n = n << 8 | (unsigned char)s.p[i];
	return n;
}

/* The next frame's performative; 0: a heartbeat. */
static uint64_t take_frame(struct slice *rest, uint8_t type)
{
	struct amqp_cursor c;
	struct amqp_value v;
	uint32_t size;

	need(rest->n >= 8);
	size = number_at(*rest);
	need(size >= 8 && size <= rest->n && size <= AMQP_FRAME_MAX && rest->p[4] == 2 && rest->p[5] == type);
	c = amqp_over(slice_to(slice_from(*rest, 8), size - 8));
	*rest = slice_from(*rest, size);
	if (size == 8)
		return 0;
	v = amqp_next(&c);
	need(!c.bad && v.described && v.kind == AMQP_LIST);
	for (c = amqp_over(v.bytes); c.rest.n > 0; need(!c.bad))
		(void)amqp_next(&c);
	return v.descriptor;
}

static void check_sent(const struct stage *st)
{
	struct slice rest = buf_slice(&st->t.out), plain = SLICE("AMQP\0\1\0\0");
	bool opened = false;

	if (take(&rest, SLICE("AMQP\3\1\0\0")))
		while (rest.n > 0 && !slice_starts(rest, plain))
			(void)take_frame(&rest, 1);
	if (rest.n > 0)
		need(take(&rest, plain));
	while (rest.n > 0) {
		uint64_t code = take_frame(&rest, 0);

		need((code == 0x10) == !opened);
		need(code != 0x18 || rest.n == 0);
		opened = true;
	}
}

/* --- the play --- */

static void connection_closed(void *cookie, struct connection *c)
{
	struct stage *st = cookie;

	need(!st->gone && st->t.closed && c == st->connection);
	st->gone = true;
}

static void stage_open(struct stage *st, const struct options *o)
{
	static const struct slice certificate = {"a certificate", 13};
	struct stream *stream;

	memset(st, 0, sizeof(*st));
	need(loop_new_manual(START, &st->loop) == OK);
	stream = test_stream_init(&st->t, st->loop);
	stream->chain = &certificate;
	stream->chain_count = o->certificate;
	st->t.stuck = o->stuck;
	st->slow = o->slow;
	st->status = o->status;
	st->env = (struct protocol_env){st, connection_closed, st};
	buf_init(&st->seen, 64 * STREAM_OUTBOX_MAX);
	st->connection = protocol_amqps.open(st->loop, &stream, &st->env);
	need(st->connection != NULL && stream == NULL);
}

static void stage_fini(struct stage *st)
{
	need(st->gone && st->pending == 0);
	check_sent(st);
	test_stream_fini(&st->t);
	buf_fini(&st->seen);
	loop_free(&st->loop);
}

/* Bytes arrive as far as they are taken; time passes only when they are not. */
static void feed(struct stage *st, struct slice bytes, size_t piece)
{
	while (bytes.n > 0 && !st->t.closed) {
		size_t n = test_stream_feed(&st->t, slice_to(bytes, piece));

		bytes = slice_from(bytes, n);
		loop_settle(st->loop);
		if (n == 0)
			loop_advance(st->loop, 1000);
	}
}

/* A device with a certificate that has opened and begun a session. */
static void feed_beginning(struct stage *st, const struct options *o)
{
	if (o->begun)
		feed(st,
		     SLICE("AMQP\0\1\0\0"
			   "\x00\x00\x00\x12\x02\x00\x00\x00\x00\x53\x10\xc0\x05\x01\xa1\x02me"
			   "\x00\x00\x00\x14\x02\x00\x00\x00\x00\x53\x11\xc0\x07\x04\x40\x43\x52\x7f\x52\x7f"),
		     64);
}

static void play(struct stage *st, struct slice bytes, const struct options *o, size_t piece)
{
	stage_open(st, o);
	feed_beginning(st, o);
	feed(st, bytes, piece);
	if (!st->gone)
		loop_advance(st->loop, 2000);
}

/* It falls silent, and after a while there is nobody. */
static void fall_silent(struct stage *st)
{
	loop_advance(st->loop, SILENCE);
	need(st->gone);
	stage_fini(st);
}

/* The server leaves first: drained, then cut off. */
static void leave(struct stage *st)
{
	if (!st->gone)
		protocol_amqps.drain(st->connection);
	loop_settle(st->loop);
	if (!st->gone)
		protocol_amqps.abort(st->connection);
	stage_fini(st);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int statuses[] = {200, 202, 400, 401, 404, 409, 429, 500};
	static struct stage whole, pieces;
	struct slice bytes;
	struct options o;

	if (size < 2 || size > 65536)
		return 0;
	log_set_level(LOG_ERROR);
	bytes = slice_over(data + 2, size - 2);
	o = (struct options){
		.piece = data[0] & 31 ? data[0] & 31 : 32,
		.certificate = data[0] & (32 | 128),
		.slow = data[0] & 64,
		.begun = data[0] & 128,
		.status = statuses[data[1] & 7],
		.stuck = data[1] & 8,
	};
	play(&whole, bytes, &o, bytes.n ? bytes.n : 1);
	play(&pieces, bytes, &o, o.piece);
	if (whole.count < SAME_UPTO && pieces.count < SAME_UPTO && !o.stuck)
		need(slice_eq(buf_slice(&whole.seen), buf_slice(&pieces.seen)));
	fall_silent(&whole);
	leave(&pieces);
	return 0;
}
