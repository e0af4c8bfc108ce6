#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "io/websocket.h"

struct websocket_stream {
	struct stream s;
	struct stream *below;
	struct websocket *frames;
	struct task turn;
	struct buf inbox;
	char client[STREAM_CLIENT_MAX]; /* who is at the other end, when that is not the peer of the stream below */
	struct slice piece; /* of a message, what has no room in the inbox: the frames' until they are read on */

	char pong[WEBSOCKET_CONTROL_MAX];
	size_t pong_n;
	bool owes_pong;
	bool pong_out; /* one is in the outbox, perhaps */

	int peer_code; /* of the peer's close, once it has come */
	bool written;  /* by the user, or in vain, since it was last told that the outbox is empty */
	bool said_bye; /* our close frame has gone out: nothing may follow it */
	bool broken;   /* its user was told: waits for the close */
	bool telling;  /* the user is being called: if it closes, the memory goes afterwards */
	bool gone;     /* nothing left but the memory */
};

/* --- out --- */

/* The frames in one piece, so that TLS makes one record of them. */
static enum err put(struct websocket_stream *w, struct buf *frames)
{
	enum err e = buf_failed(frames) ? ERR_NO_MEMORY : stream_write(w->below, buf_slice(frames));

	buf_fini(frames);
	return e;
}

static void say_bye(struct websocket_stream *w, int code, struct slice reason)
{
	struct buf frame;

	if (w->said_bye)
		return;
	w->said_bye = true;
	buf_init(&frame, STREAM_OUTBOX_MAX);
	websocket_write_close(w->frames, code, reason, &frame);
	(void)!put(w, &frame); /* without room for it the peer has not been listening for long */
}

/* One at a time: who pings and does not read gets no further. The last ping is the one that is answered (section 5.5.3). */
static void send_pong(struct websocket_stream *w)
{
	struct buf frame;

	if (!w->owes_pong || w->pong_out || w->said_bye)
		return;
	buf_init(&frame, STREAM_OUTBOX_MAX);
	websocket_write_pong(w->frames, slice_over(w->pong, w->pong_n), &frame);
	w->pong_out = put(w, &frame) == OK;
	w->owes_pong = !w->pong_out;
}

static void keep_ping(struct websocket_stream *w, struct slice bytes)
{
	memcpy(w->pong, bytes.p, bytes.n);
	w->pong_n = bytes.n;
	w->owes_pong = true;
}

/* --- in --- */

static void take_event(struct websocket_stream *w, const struct websocket_event *event)
{
	switch (event->kind) {
	case WEBSOCKET_DATA: w->piece = event->bytes; break;
	case WEBSOCKET_PING:
		keep_ping(w, event->bytes);
		send_pong(w);
		break;
	case WEBSOCKET_PONG: break; /* we ask for none; unasked ones need no answer (section 5.5.3) */
	case WEBSOCKET_CLOSE: w->peer_code = event->code; break;
	}
}

/* OK: an event was read. ERR_AGAIN: there is none yet. Otherwise the stream is broken, and the peer has been told. */
static enum err read_event(struct websocket_stream *w)
{
	struct slice in = stream_inbox(w->below), rest = in;
	struct websocket_event event;
	enum err e = websocket_read(w->frames, &rest, &event);

	stream_eat(w->below, in.n - rest.n);
	if (e == OK) {
		take_event(w, &event);
	} else if (e != ERR_AGAIN) {
		log_debug(NULL, "websocket-refused", "peer", w->s.peer_address, "why", event.bytes.p, NULL);
		say_bye(w, event.code, event.bytes);
	} else if (w->below->ended) {
		e = ERR_CLOSED; /* section 7.1.5: cut off */
	}
	return e;
}

static void take_piece(struct websocket_stream *w)
{
	struct slice fits = slice_to(w->piece, STREAM_INBOX_MAX - w->inbox.n);

	buf_add(&w->inbox, fits);
	w->piece = slice_from(w->piece, fits.n);
}

/* Read until there is no more, or no room. OK, or why the stream is broken. */
static enum err fill_inbox(struct websocket_stream *w)
{
	enum err e = OK;

	while (e == OK && w->peer_code == 0) {
		take_piece(w);
		if (buf_failed(&w->inbox))
			return ERR_NO_MEMORY;
		if (w->piece.n > 0)
			return OK;
		e = read_event(w);
	}
	return e == ERR_AGAIN ? OK : e;
}

/* --- telling the user --- */

static void told(struct websocket_stream *w)
{
	w->telling = false;
	if (w->gone)
		free(w);
}

static void tell_broken(struct websocket_stream *w, enum err why)
{
	w->broken = true;
	w->s.user->on_broken(w->s.cookie, why);
}

/* The peer's close is returned, and nothing can be said any more. */
static void end(struct websocket_stream *w)
{
	say_bye(w, w->peer_code, NO_SLICE);
	w->s.ended = true;
}

static void read_on(struct websocket_stream *w)
{
	size_t before = w->inbox.n;
	enum err e;

	if (w->broken || w->s.ended)
		return;
	e = fill_inbox(w);
	/* What came together with the close can still be answered: the end is for the next turn. */
	if (w->peer_code && w->inbox.n == before)
		end(w);
	else if (w->peer_code && !w->turn.queued)
		loop_post(w->s.loop, &w->turn);
	w->telling = true;
	if (w->inbox.n > before || w->s.ended)
		w->s.user->on_bytes(w->s.cookie);
	if (e != OK && !w->gone)
		tell_broken(w, e);
	told(w);
}

static void on_turn(struct task *t)
{
	read_on(LIST_ITEM(t, struct websocket_stream, turn));
}

static void on_bytes(void *cookie)
{
	read_on(cookie);
}

static void on_drained(void *cookie)
{
	struct websocket_stream *w = cookie;
	bool news = w->written && !w->broken;

	w->pong_out = false;
	send_pong(w);
	if (!news || w->s.user->on_drained == NULL)
		return;
	w->written = false;
	w->telling = true;
	w->s.user->on_drained(w->s.cookie);
	told(w);
}

static void on_broken(void *cookie, enum err why)
{
	struct websocket_stream *w = cookie;

	if (w->broken)
		return;
	w->telling = true;
	tell_broken(w, why);
	told(w);
}

static const struct stream_user user = {.on_bytes = on_bytes, .on_drained = on_drained, .on_broken = on_broken};

/* --- the stream's face --- */

static struct slice face_inbox(struct stream *s)
{
	return buf_slice(&((struct websocket_stream *)s)->inbox);
}

static void face_eat(struct stream *s, size_t n)
{
	struct websocket_stream *w = (struct websocket_stream *)s;

	buf_eat(&w->inbox, n);
	if (w->inbox.n == 0)
		buf_release(&w->inbox);
	if (n > 0 && w->piece.n > 0 && !w->turn.queued)
		loop_post(w->s.loop, &w->turn);
}

static enum err face_write(struct stream *s, struct slice bytes)
{
	struct websocket_stream *w = (struct websocket_stream *)s;
	struct buf frames;
	enum err e;

	if (w->said_bye || w->broken)
		return ERR_CLOSED;
	if (bytes.n == 0)
		return OK;
	if (bytes.n > STREAM_OUTBOX_MAX)
		return ERR_TOO_BIG;
	buf_init(&frames, 2 * STREAM_OUTBOX_MAX); /* with the headers; whether it fits is for the stream below to say */
	websocket_write(w->frames, bytes, &frames);
	e = put(w, &frames);
	w->written |= e == OK || e == ERR_TOO_BIG;
	return e;
}

static void face_close(struct stream *s, bool abort)
{
	struct websocket_stream *w = (struct websocket_stream *)s;

	if (w->broken) {
		/* The last word has been said, and the peer is to read it even if the user is in a hurry. */
		stream_close(&w->below);
	} else if (abort) {
		stream_abort(&w->below);
	} else {
		say_bye(w, WEBSOCKET_NORMAL, NO_SLICE);
		stream_close(&w->below);
	}
	loop_unpost(w->s.loop, &w->turn);
	websocket_free(&w->frames);
	buf_fini(&w->inbox);
	w->gone = true;
	if (!w->telling)
		free(w);
}

static const struct stream_kind kind = {.inbox = face_inbox, .eat = face_eat, .write = face_write, .close = face_close};

enum err websocket_stream_open(struct stream **below, enum websocket_role role, struct stream **out)
{
	struct websocket_stream *w = calloc(1, sizeof(*w));
	struct stream *b = *below;

	if (w == NULL || (w->frames = websocket_new(role, random_bytes)) == NULL) {
		free(w);
		return ERR_NO_MEMORY;
	}
	w->s = (struct stream){.kind = &kind,
			       .loop = b->loop,
			       .websocket = true,
			       .peer_address = b->peer_address,
			       .server_name = b->server_name,
			       .chain = b->chain,
			       .chain_count = b->chain_count};
	w->below = b;
	w->turn.run = on_turn;
	buf_init(&w->inbox, STREAM_INBOX_MAX);
	stream_use(b, &user, w);
	loop_post(b->loop, &w->turn);
	*below = NULL;
	*out = &w->s;
	return OK;
}

void websocket_stream_from(struct stream *s, const char *client)
{
	struct websocket_stream *w = (struct websocket_stream *)s;

	snprintf(w->client, sizeof(w->client), "%s", client);
	w->s.peer_address = w->client;
}

/* --- the handshake's value --- */

struct slice websocket_accept(struct arena *a, struct slice key)
{
	struct slice text = arena_format(a, "%.*s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", SLICE_ARG(key));
	unsigned char digest[SHA1_SIZE];

	if (slice_absent(text))
		return NO_SLICE;
	sha1(text, digest);
	return base64_encode(a, slice_over(digest, sizeof(digest)));
}
