/*
 * test_stream.h: a stream whose peer and network are the test itself. Included by tests only.
 *
 * What the peer sends is fed; what is written to it is kept, all of it, and leaves the outbox in the next turn of the
 * loop, unless the stream is `stuck`.
 */
#ifndef BERTH_IO_TEST_STREAM_H
#define BERTH_IO_TEST_STREAM_H

#include <assert.h>

#include "base/buf.h"
#include "io/stream.h"

#define TEST_STREAM_PEER "192.0.2.7:5123"

struct test_stream {
	struct stream s;
	struct buf in, out;    /* `out` is all that was ever written */
	size_t outbox, writes; /* bytes that wait; calls */
	bool stuck;            /* the peer takes nothing */
	bool closed, aborted;  /* by its user */
	struct task drained;
};

static inline struct slice test_stream_inbox(struct stream *s)
{
	return buf_slice(&((struct test_stream *)s)->in);
}

static inline void test_stream_eat(struct stream *s, size_t n)
{
	struct test_stream *t = (struct test_stream *)s;

	assert(n <= t->in.n);
	buf_eat(&t->in, n);
}

/* What is in the outbox has gone out. */
static inline void test_stream_drain(struct test_stream *t)
{
	if (t->outbox == 0 || t->closed)
		return;
	t->outbox = 0;
	if (t->s.user->on_drained)
		t->s.user->on_drained(t->s.cookie);
}

static inline void test_stream_on_drained(struct task *task)
{
	struct test_stream *t = LIST_ITEM(task, struct test_stream, drained);

	if (!t->stuck)
		test_stream_drain(t);
}

static inline enum err test_stream_write(struct stream *s, struct slice bytes)
{
	struct test_stream *t = (struct test_stream *)s;

	assert(!t->closed);
	if (bytes.n > STREAM_OUTBOX_MAX - t->outbox)
		return ERR_TOO_BIG;
	t->outbox += bytes.n;
	t->writes++;
	buf_add(&t->out, bytes);
	assert(!buf_failed(&t->out));
	if (!t->drained.queued)
		loop_post(s->loop, &t->drained);
	return OK;
}

static inline void test_stream_close(struct stream *s, bool abort)
{
	struct test_stream *t = (struct test_stream *)s;

	assert(!t->closed);
	t->closed = true;
	t->aborted = abort;
	loop_unpost(s->loop, &t->drained);
}

/* Its memory stays the test's, also after its user has closed it. */
static inline struct stream *test_stream_init(struct test_stream *t, struct loop *loop)
{
	static const struct stream_kind kind = {
		.inbox = test_stream_inbox, .eat = test_stream_eat, .write = test_stream_write, .close = test_stream_close};

	*t = (struct test_stream){.s = {.kind = &kind, .loop = loop, .peer_address = TEST_STREAM_PEER}};
	t->drained.run = test_stream_on_drained;
	buf_init(&t->in, STREAM_INBOX_MAX);
	buf_init(&t->out, 64 * STREAM_OUTBOX_MAX);
	return &t->s;
}

static inline void test_stream_fini(struct test_stream *t)
{
	if (!t->closed)
		loop_unpost(t->s.loop, &t->drained);
	buf_fini(&t->in);
	buf_fini(&t->out);
}

/* The peer sends; as much as there is room for arrives, and is told in this call. Returns how much that was. */
static inline size_t test_stream_feed(struct test_stream *t, struct slice bytes)
{
	bytes = slice_to(bytes, STREAM_INBOX_MAX - t->in.n);
	if (t->closed || t->s.ended || bytes.n == 0)
		return 0;
	buf_add(&t->in, bytes);
	t->s.user->on_bytes(t->s.cookie);
	return bytes.n;
}

/* The peer sends no more. */
static inline void test_stream_end(struct test_stream *t)
{
	if (t->closed || t->s.ended)
		return;
	t->s.ended = true;
	t->s.user->on_bytes(t->s.cookie);
}

static inline void test_stream_break(struct test_stream *t, enum err why)
{
	if (!t->closed)
		t->s.user->on_broken(t->s.cookie, why);
}

#endif
