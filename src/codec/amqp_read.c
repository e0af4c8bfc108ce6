/*
 * amqp_read.c: bytes in: headers, frames, and the performatives of connections and sessions.
 */
#include "codec/amqp_own.h"

/* --- performatives --- */

static bool read_open(struct amqp *a, struct amqp_cursor *f, struct amqp_event *event)
{
	struct slice container = amqp_next_text(f);
	uint32_t frame_max;

	(void)amqp_next_text(f); /* the host name; device-api.md 12.1 says why it does not matter */
	frame_max = amqp_next_uint(f, UINT32_MAX);
	(void)amqp_next_uint(f, 0); /* channels: we begin no sessions of our own */
	a->peer_idle_ms = amqp_next_uint(f, 0);
	if (f->bad || slice_absent(container)) {
		amqp_fail(a, "amqp:decode-error", "the open performative is malformed");
		return false;
	}
	a->peer_frame_max = frame_max < AMQP_FRAME_MIN ? AMQP_FRAME_MIN : frame_max < AMQP_FRAME_MAX ? frame_max : AMQP_FRAME_MAX;
	send_open(a);
	if (a->phase == PHASE_END)
		return false;
	a->phase = PHASE_TALK;
	event->kind = AMQP_OPENED;
	return true;
}

struct amqp_session *session_of(struct amqp *a, uint16_t channel)
{
	for (size_t i = 0; i < AMQP_SESSIONS_MAX; i++)
		if (a->sessions[i].begun && a->sessions[i].peer_channel == channel)
			return &a->sessions[i];
	return NULL;
}

static struct amqp_session *session_place(struct amqp *a)
{
	for (size_t i = 0; i < AMQP_SESSIONS_MAX; i++)
		if (!a->sessions[i].begun)
			return &a->sessions[i];
	return NULL;
}

static void send_begin(struct amqp *a, const struct amqp_session *s)
{
	struct amqp_out o;
	size_t at = frame_begin(a, FRAME_AMQP, (uint16_t)(s - a->sessions), CODE_BEGIN, &o);

	amqp_put_ushort(&o, s->peer_channel);
	amqp_put_uint(&o, s->next_out);
	amqp_put_uint(&o, AMQP_WINDOW);
	amqp_put_uint(&o, AMQP_WINDOW);
	amqp_put_uint(&o, AMQP_LINKS_MAX - 1);
	amqp_close_list(&o);
	frame_end(a, at);
}

static void read_begin(struct amqp *a, uint16_t channel, struct amqp_cursor *f)
{
	struct amqp_session *s = session_place(a);
	bool answers = amqp_next(f).kind != AMQP_NULL;
	uint32_t next_in = amqp_next_uint(f, 0), window = amqp_next_uint(f, 0);

	if (f->bad || answers) {
		amqp_fail(a, "amqp:decode-error", "the begin performative is malformed, or answers a session that is not ours");
	} else if (session_of(a, channel)) {
		amqp_fail(a, "amqp:not-allowed", "there is a session on this channel already");
	} else if (s == NULL) {
		amqp_fail(a, "amqp:resource-limit-exceeded", "too many sessions");
	} else {
		*s = (struct amqp_session){.begun = true, .peer_channel = channel, .next_in = next_in, .peer_window = window};
		send_begin(a, s);
	}
}

static void read_end(struct amqp *a, struct amqp_session *s)
{
	struct amqp_out o;
	size_t at = frame_begin(a, FRAME_AMQP, (uint16_t)(s - a->sessions), CODE_END, &o);

	amqp_close_list(&o);
	frame_end(a, at);
	for (size_t i = 0; i < AMQP_LINKS_MAX; i++) {
		struct amqp_link *l = &a->links[i];

		if (l->state == LINK_NONE || &a->sessions[l->session] != s)
			continue;
		if (l->state != LINK_LEAVING)
			a->gone[a->gone_count++] = l->number;
		link_forget(l);
	}
	s->begun = false;
}

void read_error(struct amqp_cursor *f, struct amqp_event *event)
{
	struct amqp_value error = amqp_next(f);
	struct amqp_cursor c = amqp_over(error.bytes);

	if (error.kind != AMQP_LIST)
		return;
	event->condition = amqp_next_text(&c);
	event->description = amqp_next_text(&c);
}

static bool read_close(struct amqp *a, struct amqp_cursor *f, struct amqp_event *event)
{
	read_error(f, event);
	event->kind = AMQP_CLOSED;
	amqp_close(a, NULL, NULL);
	return true;
}

/* What happens within a session. */
static bool read_on_session(struct amqp *a, uint16_t channel, enum amqp_code code, struct amqp_cursor *f, struct slice payload,
			    struct amqp_event *event)
{
	struct amqp_session *s = session_of(a, channel);

	if (s == NULL) {
		amqp_fail(a, "amqp:not-allowed", "there is no session on this channel");
		return false;
	}
	switch (code) {
	case CODE_ATTACH: return read_attach(a, s, f, event);
	case CODE_DETACH: return read_detach(a, s, f, event);
	case CODE_FLOW: return read_flow(a, s, f, event);
	case CODE_TRANSFER: return read_transfer(a, s, f, payload, event);
	case CODE_DISPOSITION: read_disposition(a, s, f); return false;
	default: read_end(a, s); return false;
	}
}

static bool read_performative(struct amqp *a, uint16_t channel, struct slice body, struct amqp_event *event)
{
	struct amqp_cursor c = amqp_over(body), f;
	struct amqp_value v = amqp_next(&c);

	f = amqp_over(v.bytes);
	if (c.bad || !v.described || v.kind != AMQP_LIST || v.descriptor < CODE_OPEN || v.descriptor > CODE_CLOSE) {
		amqp_fail(a, "amqp:decode-error", "a frame holds no performative");
		return false;
	}
	if ((v.descriptor == CODE_OPEN) != (a->phase == PHASE_OPEN)) {
		amqp_fail(a, "amqp:illegal-state", "a connection begins with an open, and has only one");
		return false;
	}
	switch (v.descriptor) {
	case CODE_OPEN: return read_open(a, &f, event);
	case CODE_BEGIN: read_begin(a, channel, &f); return false;
	case CODE_CLOSE: return read_close(a, &f, event);
	default: return read_on_session(a, channel, (enum amqp_code)v.descriptor, &f, c.rest, event);
	}
}

/* --- bytes in --- */

static uint32_t number_at(const char *p, int width)
{
	uint32_t n = 0;

	for (int i = 0; i < width; i++)
		n = n << 8 | (unsigned char)p[i];
	return n;
}

static bool in_sasl(const struct amqp *a)
{
	return a->phase == PHASE_SASL_INIT || a->phase == PHASE_SASL_RESPONSE;
}

static bool expects_header(const struct amqp *a)
{
	return a->phase == PHASE_HEADER || a->phase == PHASE_HEADER_AGAIN;
}

static bool is_deaf(const struct amqp *a)
{
	return a->phase == PHASE_END || a->phase == PHASE_SASL_ASKED || a->phase == PHASE_BARE_ASKED;
}

/* Until there are `need` bytes of the frame. */
static bool gather(struct amqp *a, struct slice *in, size_t need)
{
	size_t n = need - a->frame.n;

	if (a->frame.n >= need)
		return true;
	n = n < in->n ? n : in->n;
	buf_add(&a->frame, slice_to(*in, n));
	*in = slice_from(*in, n);
	if (buf_failed(&a->frame))
		amqp_fail(a, "amqp:resource-limit-exceeded", "out of memory");
	return a->frame.n >= need;
}

/* A header, or a frame. False: more bytes are needed, or the size is not one. */
static bool gather_frame(struct amqp *a, struct slice *in)
{
	size_t size;

	if (is_deaf(a) || !gather(a, in, expects_header(a) ? AMQP_HEADER_SIZE : 4))
		return false;
	if (expects_header(a))
		return true;
	size = number_at(a->frame.p, 4);
	if (size < AMQP_FRAME_HEADER || size > (in_sasl(a) ? AMQP_SASL_FRAME_MAX : AMQP_FRAME_MAX)) {
		amqp_fail(a, "amqp:connection:framing-error", "a frame of an impossible size");
		return false;
	}
	return gather(a, in, size);
}

static bool read_header(struct amqp *a, struct amqp_event *event)
{
	struct slice header = buf_slice(&a->frame);
	bool plain = slice_eq(header, AMQP_PLAIN_HEADER), again = a->phase == PHASE_HEADER_AGAIN;

	if (again)
		buf_add(&a->out, AMQP_PLAIN_HEADER);
	if (again && plain) {
		a->phase = PHASE_OPEN;
	} else if (plain) {
		a->phase = PHASE_BARE_ASKED;
		event->kind = AMQP_LOGIN;
		return true;
	} else if (!again && slice_eq(header, AMQP_SASL_HEADER)) {
		sasl_begin(a);
	} else {
		if (!again)
			buf_add(&a->out, AMQP_SASL_HEADER);
		amqp_fail(a, "amqp:connection:framing-error", "the protocol header is not one of AMQP 1.0 and its SASL");
	}
	return false;
}

static bool read_frame(struct amqp *a, struct amqp_event *event)
{
	struct slice frame = buf_slice(&a->frame);
	size_t body = (size_t)4 * (unsigned char)frame.p[4];
	uint8_t type = (uint8_t)frame.p[5];

	if (body < AMQP_FRAME_HEADER || body > frame.n || type != (in_sasl(a) ? FRAME_SASL : FRAME_AMQP)) {
		amqp_fail(a, "amqp:connection:framing-error", "a frame's header is malformed");
		return false;
	}
	a->frames_in++;
	if (in_sasl(a))
		return sasl_frame(a, slice_from(frame, body), event);
	if (body == frame.n)
		return false; /* [AMQP-2.4.5] a heartbeat */
	return read_performative(a, (uint16_t)number_at(frame.p + 6, 2), slice_from(frame, body), event);
}

/* What happened without a frame of its own. */
static bool tell(struct amqp *a, struct amqp_event *event)
{
	if (a->gone_count > 0) {
		event->kind = AMQP_DETACHED;
		event->link = a->gone[--a->gone_count];
		return true;
	}
	if (a->tell_closed) {
		a->tell_closed = false;
		event->kind = AMQP_CLOSED;
		event->by_us = true;
		event->condition = slice_str(a->condition);
		event->description = slice_str(a->description);
		return true;
	}
	return false;
}

/* The last event's slices end here. */
static void tidy(struct amqp *a)
{
	links_refuse_asked(a);
	if (a->delivered)
		buf_release(&a->delivered->message);
	a->delivered = NULL;
	if (a->whole)
		buf_clear(&a->frame);
	a->whole = false;
}

bool amqp_read(struct amqp *a, struct slice *in, struct amqp_event *event)
{
	for (;;) {
		*event = (struct amqp_event){0};
		tidy(a);
		if (tell(a, event))
			return true;
		if (!gather_frame(a, in))
			break;
		a->whole = true;
		if (expects_header(a) ? read_header(a, event) : read_frame(a, event))
			return true;
	}
	if (a->frame.n == 0)
		buf_release(&a->frame);
	return tell(a, event); /* of a failure just now */
}
