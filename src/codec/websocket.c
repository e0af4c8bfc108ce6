/*
 * websocket.c: wslay takes frames apart and puts them together; the rules about what may follow what are here.
 *
 * What wslay needs for that is some 4 KiB. A connection that only sits there does without: between frames there is nothing in it.
 */
#include <assert.h>
#include <stdlib.h>

#include <wslay/wslay.h>

#include "base/utf8.h"
#include "codec/websocket.h"

#define CODE_SIZE 2 /* of a close code, before the reason */

struct websocket {
	enum websocket_role role;
	void (*random)(void *out, size_t n);
	wslay_frame_context_ptr frames; /* NULL: between frames */
	struct slice in;                /* lent during a read */
	size_t unread;                  /* of what wslay was given, what it has not handed on */
	struct buf *to;                 /* lent during a write */

	/* The frame that is being read, once its header has been judged. */
	bool in_frame;
	uint64_t left; /* of its payload */
	char control[WEBSOCKET_CONTROL_MAX];
	size_t control_n;

	/* The message, which other frames than its own may interrupt. */
	bool in_message;
	uint64_t message_n; /* of payload, as its headers announced it */

	/* Other than OK: what every further read says. */
	enum err over;
	struct websocket_event last;
};

/* --- bytes to and from wslay --- */

static ssize_t give(uint8_t *to, size_t room, int flags, void *cookie)
{
	struct websocket *w = cookie;
	size_t n = w->in.n < room ? w->in.n : room;

	(void)flags;
	if (n == 0)
		return -1;
	memcpy(to, w->in.p, n);
	w->in = slice_from(w->in, n);
	w->unread += n;
	return (ssize_t)n;
}

/* A full buffer fails by itself; the frame is finished nevertheless, so that the next one begins with a header. */
static ssize_t take(const uint8_t *bytes, size_t n, int flags, void *cookie)
{
	struct websocket *w = cookie;

	(void)flags;
	buf_add(w->to, slice_over(bytes, n));
	return (ssize_t)n;
}

static int mask(uint8_t *to, size_t n, void *cookie)
{
	struct websocket *w = cookie;

	w->random(to, n);
	return 0;
}

/* False: out of memory. */
static bool begin_frames(struct websocket *w)
{
	static const struct wslay_frame_callbacks callbacks = {.send_callback = take, .recv_callback = give, .genmask_callback = mask};

	return w->frames || wslay_frame_context_init(&w->frames, &callbacks, w) == 0;
}

static void end_frames(struct websocket *w)
{
	if (w->in_frame || w->unread > 0)
		return;
	wslay_frame_context_free(w->frames);
	w->frames = NULL;
}

struct websocket *websocket_new(enum websocket_role role, void (*random)(void *out, size_t n))
{
	struct websocket *w = calloc(1, sizeof(*w));

	assert(random || role == WEBSOCKET_SERVER);
	if (w) {
		w->role = role;
		w->random = random;
	}
	return w;
}

void websocket_free(struct websocket **w)
{
	if (*w && (*w)->frames)
		wslay_frame_context_free((*w)->frames);
	free(*w);
	*w = NULL;
}

/* --- reading --- */

/* The peer broke a rule: it gets to know which. */
static enum err broken(struct websocket *w, enum err e, int code, const char *sentence)
{
	w->over = e;
	w->last = (struct websocket_event){.kind = WEBSOCKET_CLOSE, .code = code, .bytes = slice_str(sentence)};
	return e;
}

static enum err malformed(struct websocket *w, const char *sentence)
{
	return broken(w, ERR_MALFORMED, WEBSOCKET_PROTOCOL_ERROR, sentence);
}

/* Section 5.4: the frames of a message follow each other, and only control frames may stand between them. */
static enum err judge_data(struct websocket *w, const struct wslay_frame_iocb *f)
{
	if (f->opcode == WSLAY_CONTINUATION_FRAME && !w->in_message)
		return malformed(w, "A continuation continues nothing.");
	if (f->opcode != WSLAY_CONTINUATION_FRAME && w->in_message)
		return malformed(w, "A message begins within another.");
	if (f->opcode == WSLAY_TEXT_FRAME)
		return broken(w, ERR_UNSUPPORTED, WEBSOCKET_NO_TEXT, "Only binary messages are understood here.");
	if (f->payload_length > WEBSOCKET_MESSAGE_MAX - w->message_n)
		return broken(w, ERR_TOO_BIG, WEBSOCKET_TOO_BIG, "The message is too long.");
	w->message_n += f->payload_length;
	w->in_message = !f->fin;
	if (f->fin)
		w->message_n = 0;
	return OK;
}

static enum err judge_frame(struct websocket *w, const struct wslay_frame_iocb *f)
{
	/* Section 5.1: what a client sends is masked, what a server sends is not. */
	if (f->mask != (w->role == WEBSOCKET_SERVER))
		return malformed(w, f->mask ? "A frame is masked." : "A frame is not masked.");
	/* Section 5.2: nothing has been negotiated that would give these bits a meaning. */
	if (f->rsv != 0)
		return malformed(w, "A reserved bit is set.");
	switch (f->opcode) {
	case WSLAY_CONTINUATION_FRAME:
	case WSLAY_TEXT_FRAME:
	case WSLAY_BINARY_FRAME: return judge_data(w, f);
	case WSLAY_CONNECTION_CLOSE:
	case WSLAY_PING:
	case WSLAY_PONG: return OK;
	default: return malformed(w, "An opcode is reserved.");
	}
}

/* Section 7.4: what may be in a close frame. 1012 to 1014 were registered later; 3000 and above are the applications'. */
static bool may_be_sent(int code)
{
	return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

static enum err read_close(struct websocket *w, struct slice payload, struct websocket_event *out)
{
	*out = (struct websocket_event){.kind = WEBSOCKET_CLOSE, .code = WEBSOCKET_NO_CODE};
	if (payload.n == 1)
		return malformed(w, "Half a close code.");
	if (payload.n >= CODE_SIZE) {
		out->code = (unsigned char)payload.p[0] << 8 | (unsigned char)payload.p[1];
		out->bytes = slice_from(payload, CODE_SIZE);
		if (!may_be_sent(out->code))
			return malformed(w, "The close code may not be sent.");
	}
	/* Section 5.5.1 */
	if (!utf8_good(out->bytes))
		return broken(w, ERR_MALFORMED, WEBSOCKET_NOT_UTF8, "The reason of a close is not UTF-8.");
	w->over = ERR_CLOSED;
	w->last = *out;
	return OK;
}

static enum err control_event(struct websocket *w, uint8_t opcode, struct websocket_event *out)
{
	struct slice payload = slice_over(w->control, w->control_n);

	w->control_n = 0;
	if (opcode == WSLAY_CONNECTION_CLOSE)
		return read_close(w, payload, out);
	*out = (struct websocket_event){.kind = opcode == WSLAY_PING ? WEBSOCKET_PING : WEBSOCKET_PONG, .bytes = payload};
	return OK;
}

/* Section 5.2: a length takes the shortest form; wslay lets no other pass. */
static size_t header_size(const struct wslay_frame_iocb *f)
{
	size_t length = f->payload_length < 126 ? 0 : f->payload_length <= UINT16_MAX ? 2 : 8;

	return 2 + length + (f->mask ? 4 : 0);
}

/* Some of a frame, or all. ERR_AGAIN: it makes no event. */
static enum err read_piece(struct websocket *w, const struct wslay_frame_iocb *f, struct websocket_event *out)
{
	struct slice piece = slice_over(f->data, f->data_length);

	if (!w->in_frame) {
		enum err e = judge_frame(w, f);

		if (e != OK)
			return e;
		w->left = f->payload_length;
		w->unread -= header_size(f);
	}
	w->left -= piece.n;
	w->unread -= piece.n;
	w->in_frame = w->left > 0;
	if (!wslay_is_ctrl_frame(f->opcode)) {
		*out = (struct websocket_event){.kind = WEBSOCKET_DATA, .bytes = piece};
		return piece.n > 0 ? OK : ERR_AGAIN;
	}
	memcpy(w->control + w->control_n, piece.p, piece.n); /* wslay lets none pass that is longer, or a fragment: section 5.5 */
	w->control_n += piece.n;
	return w->in_frame ? ERR_AGAIN : control_event(w, f->opcode, out);
}

static enum err read_event(struct websocket *w, struct websocket_event *out)
{
	struct wslay_frame_iocb frame;
	enum err e = ERR_AGAIN;
	ssize_t n = 0;

	while (e == ERR_AGAIN && (n = wslay_frame_recv(w->frames, &frame)) >= 0)
		e = read_piece(w, &frame, out);
	if (e == ERR_AGAIN && n != WSLAY_ERR_WANT_READ)
		e = malformed(w, "The header of a frame is malformed.");
	if (e == ERR_AGAIN)
		end_frames(w);
	return e;
}

enum err websocket_read(struct websocket *w, struct slice *in, struct websocket_event *out)
{
	enum err e = w->over;

	if (e == OK && !begin_frames(w))
		e = broken(w, ERR_NO_MEMORY, WEBSOCKET_INTERNAL, "Out of memory.");
	if (e == OK) {
		w->in = *in;
		e = read_event(w, out);
		*in = w->in;
		w->in = NO_SLICE;
	}
	if (e != OK && e != ERR_AGAIN)
		*out = w->last;
	return e;
}

/* --- writing --- */

static void write_frame(struct websocket *w, uint8_t opcode, struct slice payload, struct buf *to)
{
	struct wslay_frame_iocb frame = {.fin = 1,
					 .opcode = opcode,
					 .mask = w->role == WEBSOCKET_CLIENT,
					 .payload_length = payload.n,
					 .data = (const uint8_t *)payload.p,
					 .data_length = payload.n};
	bool reading = w->frames != NULL; /* what it has read may still be lent */
	ssize_t sent;

	if (!begin_frames(w)) {
		to->failed = true;
		return;
	}
	w->to = to;
	sent = wslay_frame_send(w->frames, &frame);
	assert(sent == (ssize_t)payload.n); /* take() takes all */
	(void)sent;
	w->to = NULL;
	if (!reading)
		end_frames(w);
}

void websocket_write(struct websocket *w, struct slice bytes, struct buf *to)
{
	for (; bytes.n > 0; bytes = slice_from(bytes, WEBSOCKET_MESSAGE_MAX))
		write_frame(w, WSLAY_BINARY_FRAME, slice_to(bytes, WEBSOCKET_MESSAGE_MAX), to);
}

void websocket_write_ping(struct websocket *w, struct slice bytes, struct buf *to)
{
	write_frame(w, WSLAY_PING, slice_to(bytes, WEBSOCKET_CONTROL_MAX), to);
}

void websocket_write_pong(struct websocket *w, struct slice bytes, struct buf *to)
{
	write_frame(w, WSLAY_PONG, slice_to(bytes, WEBSOCKET_CONTROL_MAX), to);
}

/* As much of a text as fits, in whole characters. */
static struct slice cut(struct slice text, size_t room)
{
	size_t at = 0, n;

	while ((n = utf8_length(slice_from(text, at))) > 0 && at + n <= room)
		at += n;
	return slice_to(text, at);
}

void websocket_write_close(struct websocket *w, int code, struct slice reason, struct buf *to)
{
	char payload[WEBSOCKET_CONTROL_MAX] = {(char)(code >> 8), (char)code};

	reason = cut(reason, sizeof(payload) - CODE_SIZE);
	if (reason.n > 0)
		memcpy(payload + CODE_SIZE, reason.p, reason.n);
	write_frame(w, WSLAY_CONNECTION_CLOSE, slice_over(payload, code == WEBSOCKET_NO_CODE ? 0 : CODE_SIZE + reason.n), to);
}
