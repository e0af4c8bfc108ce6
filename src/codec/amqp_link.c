/*
 * amqp_link.c: links come, get credit, and go ([AMQP-2.6]).
 */
#include "codec/amqp_own.h"

#define CODE_SOURCE 0x28
#define CODE_TARGET 0x29
#define NO_HANDLE   UINT32_MAX

struct amqp_link *link_of(struct amqp *a, const struct amqp_session *s, uint32_t peer_handle)
{
	for (size_t i = 0; i < AMQP_LINKS_MAX; i++) {
		struct amqp_link *l = &a->links[i];

		if (l->state != LINK_NONE && &a->sessions[l->session] == s && l->peer_handle == peer_handle)
			return l;
	}
	return NULL;
}

struct amqp_link *link_numbered(struct amqp *a, uint32_t number)
{
	for (size_t i = 0; i < AMQP_LINKS_MAX; i++)
		if (a->links[i].state != LINK_NONE && a->links[i].number == number)
			return &a->links[i];
	return NULL;
}

static struct amqp_link *link_place(struct amqp *a)
{
	for (size_t i = 0; i < AMQP_LINKS_MAX; i++)
		if (a->links[i].state == LINK_NONE)
			return &a->links[i];
	return NULL;
}

static uint32_t handle(const struct amqp *a, const struct amqp_link *l)
{
	return (uint32_t)(l - a->links);
}

void link_forget(struct amqp_link *l)
{
	buf_release(&l->message);
	*l = (struct amqp_link){.message = l->message};
}

/* --- attach --- */

static void send_attach(struct amqp *a, struct amqp_link *l, struct slice source, struct slice target)
{
	struct amqp_out o;
	size_t at = frame_begin(a, FRAME_AMQP, l->session, CODE_ATTACH, &o);

	amqp_put_string(&o, l->name);
	amqp_put_uint(&o, handle(a, l));
	amqp_put_bool(&o, l->peer_sends); /* then we receive */
	amqp_put_null(&o);                /* how the sender and the receiver settle: as they like */
	amqp_put_null(&o);
	amqp_put_raw(&o, source);
	amqp_put_raw(&o, target);
	amqp_put_null(&o); /* nothing is unsettled from before, and all of that is told */
	amqp_put_null(&o);
	if (l->peer_sends)
		amqp_put_null(&o);
	else
		amqp_put_uint(&o, l->count);
	amqp_put_ulong(&o, AMQP_MESSAGE_MAX);
	amqp_close_list(&o);
	frame_end(a, at);
	l->name = l->source = l->target = NO_SLICE; /* they lie in the frame */
}

void amqp_link_accept(struct amqp *a, uint32_t link)
{
	struct amqp_link *l = link_numbered(a, link);

	if (a->phase != PHASE_TALK || l == NULL || l->state != LINK_ASKED)
		return;
	l->state = LINK_UP;
	send_attach(a, l, l->source, l->target);
}

/* [AMQP-2.6.3] A link is refused by attaching it without a terminus at our end, and detaching it. */
void amqp_link_refuse(struct amqp *a, uint32_t link, const char *condition, const char *description)
{
	struct amqp_link *l = link_numbered(a, link);

	if (a->phase != PHASE_TALK || l == NULL || l->state != LINK_ASKED)
		return;
	send_attach(a, l, l->peer_sends ? l->source : NO_SLICE, l->peer_sends ? NO_SLICE : l->target);
	link_detach(a, l, condition, description);
}

void links_refuse_asked(struct amqp *a)
{
	for (size_t i = 0; i < AMQP_LINKS_MAX; i++)
		if (a->links[i].state == LINK_ASKED)
			amqp_link_refuse(a, a->links[i].number, "amqp:not-allowed", "nobody answers for this link");
}

/* The address of the terminus at our end. False: it is none that we have, as a transaction coordinator. */
static bool read_address(struct amqp_cursor *f, const struct amqp_value *terminus, uint8_t code, struct slice *address)
{
	struct amqp_cursor c = amqp_over(terminus->bytes);

	*address = NO_SLICE;
	if (terminus->kind == AMQP_NULL)
		return true;
	if (terminus->kind != AMQP_LIST || !terminus->described || terminus->descriptor != code)
		return false;
	*address = amqp_next_text(&c);
	f->bad |= c.bad;
	return true;
}

static bool place_link(struct amqp *a, struct amqp_session *s, const struct amqp_link *read, struct amqp_event *event)
{
	struct amqp_link *l = link_place(a);
	struct buf message;

	if (link_of(a, s, read->peer_handle)) {
		amqp_fail(a, "amqp:session:handle-in-use", "there is a link with this handle already");
		return false;
	}
	if (l == NULL) {
		amqp_fail(a, "amqp:resource-limit-exceeded", "too many links");
		return false;
	}
	message = l->message;
	*l = *read;
	l->message = message;
	l->session = (uint8_t)(s - a->sessions);
	l->number = ++a->last_number;
	l->state = LINK_ASKED;
	event->kind = AMQP_ATTACHED;
	event->link = l->number;
	event->name = l->name;
	event->peer_sends = l->peer_sends;
	return true;
}

bool read_attach(struct amqp *a, struct amqp_session *s, struct amqp_cursor *f, struct amqp_event *event)
{
	struct amqp_link l = {0};
	struct amqp_value source, target, properties;
	bool ours;

	l.name = amqp_next_text(f);
	l.peer_handle = amqp_next_uint(f, NO_HANDLE);
	l.peer_sends = !amqp_next_bool(f, false); /* the role is: receiver */
	amqp_skip(f, 2);
	source = amqp_next(f);
	target = amqp_next(f);
	l.source = source.raw;
	l.target = target.raw;
	amqp_skip(f, 2);
	l.count = amqp_next_uint(f, 0);
	amqp_skip(f, 3);
	properties = amqp_next(f);
	ours = read_address(f, l.peer_sends ? &target : &source, l.peer_sends ? CODE_TARGET : CODE_SOURCE, &event->address);
	if (f->bad || slice_absent(l.name) || l.peer_handle == NO_HANDLE) {
		amqp_fail(a, "amqp:decode-error", "the attach performative is malformed");
		return false;
	}
	if (!l.peer_sends)
		l.count = 0;
	if (properties.kind == AMQP_MAP)
		event->properties = properties.bytes;
	if (!place_link(a, s, &l, event))
		return false;
	if (!ours)
		amqp_link_refuse(a, event->link, "amqp:not-implemented", "no such terminus here");
	return ours;
}

/* --- detach --- */

static void send_detach(struct amqp *a, struct amqp_link *l, bool closed, const char *condition, const char *description)
{
	struct amqp_out o;
	size_t at = frame_begin(a, FRAME_AMQP, l->session, CODE_DETACH, &o);

	amqp_put_uint(&o, handle(a, l));
	amqp_put_bool(&o, closed);
	put_error(&o, condition, slice_str(description), 0);
	amqp_close_list(&o);
	frame_end(a, at);
}

void link_detach(struct amqp *a, struct amqp_link *l, const char *condition, const char *description)
{
	l->state = LINK_LEAVING;
	buf_release(&l->message);
	send_detach(a, l, true, condition, description);
}

bool read_detach(struct amqp *a, struct amqp_session *s, struct amqp_cursor *f, struct amqp_event *event)
{
	struct amqp_link *l = link_of(a, s, amqp_next_uint(f, NO_HANDLE));
	bool closed = amqp_next_bool(f, false), told;

	read_error(f, event);
	if (f->bad || l == NULL) {
		amqp_fail(a, "amqp:session:unattached-handle", "a detach of no link");
		return false;
	}
	told = l->state == LINK_LEAVING;
	event->kind = AMQP_DETACHED;
	event->link = l->number;
	if (!told)
		send_detach(a, l, closed, NULL, NULL);
	link_forget(l);
	return !told;
}

/* --- flow --- */

void send_flow(struct amqp *a, struct amqp_session *s, struct amqp_link *l)
{
	struct amqp_out o;
	size_t at = frame_begin(a, FRAME_AMQP, (uint16_t)(s - a->sessions), CODE_FLOW, &o);

	amqp_put_uint(&o, s->next_in);
	amqp_put_uint(&o, AMQP_WINDOW);
	amqp_put_uint(&o, s->next_out);
	amqp_put_uint(&o, AMQP_WINDOW);
	if (l) {
		amqp_put_uint(&o, handle(a, l));
		amqp_put_uint(&o, l->count);
		amqp_put_uint(&o, l->credit);
		amqp_put_null(&o);
		amqp_put_bool(&o, l->drain);
	}
	amqp_close_list(&o);
	frame_end(a, at);
}

void amqp_link_credit(struct amqp *a, uint32_t link, uint32_t more)
{
	struct amqp_link *l = link_numbered(a, link);

	if (a->phase != PHASE_TALK || l == NULL || l->state != LINK_UP || !l->peer_sends)
		return;
	l->credit += more;
	send_flow(a, &a->sessions[l->session], l);
}

/* What is left of a limit that the peer counted from `from`, while we are at `now`; it may have been overtaken. */
static uint32_t left(uint32_t from, uint32_t limit, uint32_t now)
{
	int64_t n = (int64_t)limit + (int32_t)(from - now);

	return n < 0 ? 0 : n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

/* The link's part of a flow. False: there is no such link. */
static bool read_link_flow(struct amqp *a, struct amqp_session *s, struct amqp_cursor *f, uint32_t peer_handle, struct amqp_link **out)
{
	struct amqp_link *l = link_of(a, s, peer_handle);
	uint32_t count = amqp_next_uint(f, 0), credit = amqp_next_uint(f, 0);
	bool drain;

	amqp_skip(f, 1);
	drain = amqp_next_bool(f, false);
	if (l && l->state == LINK_UP && !l->peer_sends) {
		l->credit = left(count, credit, l->count);
		l->drain = drain;
	}
	*out = l;
	return l != NULL || peer_handle == NO_HANDLE;
}

bool read_flow(struct amqp *a, struct amqp_session *s, struct amqp_cursor *f, struct amqp_event *event)
{
	uint32_t next_in = amqp_next_uint(f, 0), window = amqp_next_uint(f, 0), peer_handle;
	struct amqp_link *l;
	bool attached;

	amqp_skip(f, 2);
	peer_handle = amqp_next_uint(f, NO_HANDLE);
	attached = read_link_flow(a, s, f, peer_handle, &l);
	if (amqp_next_bool(f, false) && attached && (l == NULL || l->state == LINK_UP))
		send_flow(a, s, l);
	if (f->bad || !attached) {
		amqp_fail(a, f->bad ? "amqp:decode-error" : "amqp:session:unattached-handle", "a flow is malformed, or of no link");
		return false;
	}
	s->peer_window = left(next_in, window, s->next_out);
	send_waiting(a, s);
	event->kind = AMQP_CREDIT;
	return true;
}

/* [AMQP-2.6.7] With nothing left to send, the credit is used up at once. */
void links_drain(struct amqp *a)
{
	for (size_t i = 0; i < AMQP_LINKS_MAX; i++) {
		struct amqp_link *l = &a->links[i];

		if (l->state != LINK_UP || l->peer_sends || !l->drain || l->credit == 0 || l->message.n > 0)
			continue;
		l->count += l->credit;
		l->credit = 0;
		send_flow(a, &a->sessions[l->session], l);
	}
}
