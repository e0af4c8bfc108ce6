/*
 * amqp_transfer.c: messages come and go in transfers, and are settled ([AMQP-2.6.12], [AMQP-2.7.5], [AMQP-2.7.6]).
 */
#include "codec/amqp_own.h"

#define TRANSFER_OVERHEAD 64 /* a frame's header and the performative, at most */

/* --- coming in --- */

struct transfer {
	struct amqp_value id;
	bool settled, more, aborted;
};

static struct transfer read_fields(struct amqp_cursor *f)
{
	struct transfer t = {.id = amqp_next(f)};

	if (t.id.kind != AMQP_NULL && (t.id.kind != AMQP_UNSIGNED || t.id.number > UINT32_MAX))
		f->bad = true;
	(void)amqp_next_binary(f);  /* the tag: the id is enough */
	(void)amqp_next_uint(f, 0); /* the format: there is only one */
	t.settled = amqp_next_bool(f, false);
	t.more = amqp_next_bool(f, false);
	amqp_skip(f, 3);
	t.aborted = amqp_next_bool(f, false);
	return t;
}

/* A delivery begins, or goes on. False: the peer may not. */
static bool take_up(struct amqp *a, struct amqp_link *l, const struct transfer *t)
{
	bool named = t->id.kind != AMQP_NULL;

	if (l->more) {
		if (named && (uint32_t)t->id.number != l->delivery.id) {
			amqp_fail(a, "amqp:not-allowed", "a delivery begins before the last one has ended");
			return false;
		}
		l->delivery.settled |= t->settled;
		return true;
	}
	if (!named) {
		amqp_fail(a, "amqp:decode-error", "a delivery begins without its id");
		return false;
	}
	if (l->credit == 0) {
		amqp_fail(a, "amqp:link:transfer-limit-exceeded", "a delivery came without credit");
		return false;
	}
	l->credit--;
	l->count++;
	l->delivery = (struct amqp_delivery){l->number, (uint32_t)t->id.number, t->settled};
	return true;
}

/* The sender has thought better of it: as if it had never begun. */
static void abort_delivery(struct amqp *a, struct amqp_link *l)
{
	l->more = false;
	buf_release(&l->message);
	amqp_link_credit(a, l->number, 1);
}

static bool too_large(struct amqp *a, struct amqp_link *l, struct amqp_event *event)
{
	event->kind = AMQP_DETACHED;
	event->link = l->number;
	event->by_us = true;
	event->condition = SLICE("amqp:link:message-size-exceeded");
	event->description = SLICE("a message is larger than the attach allowed");
	link_detach(a, l, event->condition.p, event->description.p);
	return true;
}

static bool deliver(struct amqp *a, struct amqp_link *l, struct slice payload, struct amqp_event *event)
{
	bool whole = l->message.n > 0;

	event->kind = AMQP_MESSAGE;
	event->link = l->number;
	event->delivery = l->delivery;
	/* Either way the bytes lie in a buffer of ours, which the sections of the body may be pushed together in. */
	event->malformed =
		amqp_message_read(whole ? l->message.p : (char *)payload.p, whole ? l->message.n : payload.n, &event->message) != OK;
	if (whole)
		a->delivered = l;
	return true;
}

bool read_transfer(struct amqp *a, struct amqp_session *s, struct amqp_cursor *f, struct slice payload, struct amqp_event *event)
{
	struct amqp_link *l = link_of(a, s, amqp_next_uint(f, UINT32_MAX));
	struct transfer t = read_fields(f);

	s->next_in++;
	if (f->bad || l == NULL || !l->peer_sends) {
		amqp_fail(a, f->bad ? "amqp:decode-error" : "amqp:session:unattached-handle", "a transfer is malformed, or of no link");
		return false;
	}
	if (l->state == LINK_LEAVING || !take_up(a, l, &t))
		return false;
	if (t.aborted) {
		abort_delivery(a, l);
		return false;
	}
	if (payload.n > AMQP_MESSAGE_MAX - l->message.n)
		return too_large(a, l, event);
	if (t.more || l->message.n > 0)
		buf_add(&l->message, payload);
	if (buf_failed(&l->message)) {
		amqp_fail(a, "amqp:resource-limit-exceeded", "out of memory");
		return false;
	}
	l->more = t.more;
	return !t.more && deliver(a, l, payload, event);
}

/* --- settling --- */

/* The session of a delivery that may be settled; NULL: it is gone, or settled. */
static struct amqp_session *unsettled(struct amqp *a, const struct amqp_delivery *delivery)
{
	struct amqp_link *l = link_numbered(a, delivery->link);

	if (a->phase != PHASE_TALK || l == NULL || delivery->settled)
		return NULL;
	return &a->sessions[l->session];
}

static size_t begin_disposition(struct amqp *a, struct amqp_session *s, bool receiver, uint32_t first, uint32_t last, struct amqp_out *o)
{
	size_t at = frame_begin(a, FRAME_AMQP, (uint16_t)(s - a->sessions), CODE_DISPOSITION, o);

	amqp_put_bool(o, receiver);
	amqp_put_uint(o, first);
	amqp_put_uint(o, last);
	amqp_put_bool(o, true);
	return at;
}

void amqp_accept(struct amqp *a, const struct amqp_delivery *delivery)
{
	struct amqp_session *s = unsettled(a, delivery);
	struct amqp_out o;
	size_t at;

	if (s == NULL)
		return;
	at = begin_disposition(a, s, true, delivery->id, delivery->id, &o);
	amqp_describe(&o, CODE_ACCEPTED);
	amqp_open_list(&o);
	amqp_close_list(&o);
	amqp_close_list(&o);
	frame_end(a, at);
}

void amqp_reject(struct amqp *a, const struct amqp_delivery *delivery, const struct amqp_refusal *refusal)
{
	struct amqp_session *s = unsettled(a, delivery);
	bool fits = refusal->description.n + 3 * TRANSFER_OVERHEAD + strlen(refusal->condition) <= a->peer_frame_max;
	struct amqp_out o;
	size_t at;

	if (s == NULL)
		return;
	at = begin_disposition(a, s, true, delivery->id, delivery->id, &o);
	amqp_describe(&o, CODE_REJECTED);
	amqp_open_list(&o);
	put_error(&o, refusal->condition, fits ? refusal->description : NO_SLICE, refusal->retry_after);
	amqp_close_list(&o);
	amqp_close_list(&o);
	frame_end(a, at);
}

/* What the peer says of its own deliveries does not matter. Ours are settled once it has; if it waits for us to go first, we do. */
void read_disposition(struct amqp *a, struct amqp_session *s, struct amqp_cursor *f)
{
	bool receiver = amqp_next_bool(f, false);
	uint32_t first = amqp_next_uint(f, 0), last = amqp_next_uint(f, first);
	bool settled = amqp_next_bool(f, false);
	struct amqp_value state = amqp_next(f);
	struct amqp_out o;
	size_t at;

	if (f->bad) {
		amqp_fail(a, "amqp:decode-error", "the disposition performative is malformed");
		return;
	}
	if (!receiver || settled || state.kind == AMQP_NULL || state.descriptor == CODE_RECEIVED)
		return;
	at = begin_disposition(a, s, false, first, last, &o);
	amqp_put_raw(&o, state.raw);
	amqp_close_list(&o);
	frame_end(a, at);
}

/* --- going out --- */

/* The next part of the link's message. */
static void send_transfer(struct amqp *a, struct amqp_session *s, struct amqp_link *l)
{
	struct slice part = slice_to(buf_slice(&l->message), a->peer_frame_max - TRANSFER_OVERHEAD);
	char tag[4] = {(char)(l->delivery.id >> 24), (char)(l->delivery.id >> 16), (char)(l->delivery.id >> 8), (char)l->delivery.id};
	bool more = part.n < l->message.n;
	struct amqp_out o;
	size_t at = frame_begin(a, FRAME_AMQP, l->session, CODE_TRANSFER, &o);

	amqp_put_uint(&o, (uint32_t)(l - a->links));
	amqp_put_uint(&o, l->delivery.id);
	amqp_put_binary(&o, l->more ? NO_SLICE : slice_over(tag, sizeof(tag)));
	amqp_put_uint(&o, 0);
	amqp_put_bool(&o, false);
	amqp_put_bool(&o, more);
	amqp_close_list(&o);
	buf_add(&a->out, part);
	frame_end(a, at);
	buf_eat(&l->message, part.n);
	l->more = more;
	s->peer_window--;
	s->next_out++;
}

void send_waiting(struct amqp *a, struct amqp_session *s)
{
	for (size_t i = 0; i < AMQP_LINKS_MAX; i++) {
		struct amqp_link *l = &a->links[i];

		if (l->state != LINK_UP || l->peer_sends || &a->sessions[l->session] != s || l->message.n == 0)
			continue;
		while (a->phase == PHASE_TALK && l->message.n > 0 && s->peer_window > 0)
			send_transfer(a, s, l);
		if (l->message.n == 0)
			buf_release(&l->message);
	}
}

enum err amqp_send(struct amqp *a, uint32_t link, const struct amqp_answer *answer)
{
	struct amqp_link *l = link_numbered(a, link);
	struct amqp_session *s;

	if (a->phase != PHASE_TALK || l == NULL || l->state != LINK_UP || l->peer_sends)
		return ERR_NOT_FOUND;
	if (l->credit == 0 || l->message.n > 0)
		return ERR_AGAIN;
	if (answer->body.n > AMQP_ANSWER_MAX)
		return ERR_TOO_BIG;
	amqp_message_write(&l->message, answer);
	if (buf_failed(&l->message)) {
		buf_release(&l->message);
		return ERR_NO_MEMORY;
	}
	s = &a->sessions[l->session];
	l->credit--;
	l->count++;
	l->delivery.id = s->next_delivery++;
	send_waiting(a, s);
	return OK;
}
