#include <stdlib.h>

#include "base/cursor.h"
#include "codec/amqp_client_own.h"

#define OUT_MAX (2 * AMQP_CLIENT_MESSAGE_MAX)

/* --- the ends --- */

/* The server broke a rule. */
static void fail(struct amqp_client *c, const char *why)
{
	if (c->phase != CLIENT_END)
		c->fault = why;
	c->phase = CLIENT_END;
}

void amqp_client_close(struct amqp_client *c)
{
	if (c->phase == CLIENT_TALK)
		client_say_close(c);
	c->phase = CLIENT_END;
}

/* --- SASL, [AMQP-5.3] --- */

/* No other identity than our own. */
static void plain_begin(const struct amqp_client *c, struct buf *response)
{
	buf_add_char(response, '\0');
	buf_add(response, c->conf.user);
	buf_add_char(response, '\0');
	buf_add(response, c->conf.password);
}

static bool take_mechanisms(struct amqp_client *c, struct amqp_cursor *f)
{
	struct amqp_value mechanisms = amqp_next(f);
	const char *mine = client_has_tpm(c) ? "TPM" : "PLAIN";
	struct buf response;

	if (slice_search(mechanisms.raw, slice_str(mine)) < 0) {
		fail(c, client_has_tpm(c) ? "it does not let anybody in by TPM" : "it does not let anybody in by PLAIN");
		return false;
	}
	buf_init(&response, AMQP_SASL_FRAME_MAX);
	(client_has_tpm(c) ? client_tpm_begin : plain_begin)(c, &response);
	client_say_init(c, mine, buf_slice(&response));
	buf_fini(&response);
	c->phase = client_has_tpm(c) ? CLIENT_CHALLENGE : CLIENT_OUTCOME;
	return false;
}

static bool take_challenge(struct amqp_client *c, struct amqp_cursor *f, struct amqp_client_event *event)
{
	const char *why = NULL;
	bool told = client_tpm_take(c, amqp_next_binary(f), event, &why);

	if (why)
		fail(c, why);
	return told;
}

static bool take_outcome(struct amqp_client *c, struct amqp_cursor *f, struct amqp_client_event *event)
{
	struct amqp_value code = amqp_next(f);

	if (code.kind != AMQP_UNSIGNED || code.number > 1) { /* 2 and above: [AMQP-5.3.3.6] it cannot tell */
		fail(c, "it cannot let anybody in now");
		return false;
	}
	if (code.number == 1) {
		c->phase = CLIENT_END;
		event->kind = AMQP_CLIENT_REFUSED;
		return true;
	}
	if (c->phase == CLIENT_CHALLENGE) {
		fail(c, "it lets a TPM in that it has not seen");
		return false;
	}
	buf_add(&c->out, AMQP_PLAIN_HEADER);
	c->phase = CLIENT_HEADER;
	return false;
}

static bool take_sasl(struct amqp_client *c, uint64_t code, struct amqp_cursor *f, struct amqp_client_event *event)
{
	if (c->phase == CLIENT_MECHANISMS && code == CODE_SASL_MECHANISMS)
		return take_mechanisms(c, f);
	if (c->phase == CLIENT_CHALLENGE && code == CODE_SASL_CHALLENGE)
		return take_challenge(c, f, event);
	if ((c->phase == CLIENT_OUTCOME || c->phase == CLIENT_CHALLENGE) && code == CODE_SASL_OUTCOME)
		return take_outcome(c, f, event);
	fail(c, "its SASL frames come out of turn");
	return false;
}

/* --- connection, session, links --- */

static void take_open(struct amqp_client *c, struct amqp_cursor *f)
{
	uint32_t frame_max;

	(void)amqp_next_text(f);
	(void)amqp_next_text(f);
	frame_max = amqp_next_uint(f, UINT32_MAX);
	c->peer_frame_max = frame_max < AMQP_FRAME_MIN          ? AMQP_FRAME_MIN
			    : frame_max < AMQP_CLIENT_FRAME_MAX ? frame_max
								: AMQP_CLIENT_FRAME_MAX;
	c->phase = CLIENT_TALK;
}

static void take_begin(struct amqp_client *c, struct amqp_cursor *f)
{
	(void)amqp_next(f);
	c->next_in = amqp_next_uint(f, 0);
	c->begun = true;
}

static bool tell_ready(struct amqp_client *c, struct amqp_client_event *event)
{
	if (c->ready || !c->attached[RECEIVER] || !c->attached[SENDER] || !client_has_credit(c))
		return false;
	c->ready = true;
	event->kind = AMQP_CLIENT_READY;
	return true;
}

static bool take_attach(struct amqp_client *c, struct amqp_cursor *f, struct amqp_client_event *event)
{
	struct slice name = amqp_next_text(f);
	uint32_t handle = amqp_next_uint(f, 0);

	if (slice_eq(name, RECEIVER_NAME)) {
		c->attached[RECEIVER] = true;
	} else if (slice_eq(name, SENDER_NAME)) {
		c->attached[SENDER] = true;
		c->sender_handle = handle;
	}
	return tell_ready(c, event);
}

static bool take_flow(struct amqp_client *c, struct amqp_cursor *f, struct amqp_client_event *event)
{
	struct amqp_value handle, count;
	uint32_t credit;

	amqp_skip(f, 4);
	handle = amqp_next(f);
	count = amqp_next(f);
	credit = amqp_next_uint(f, 0);
	if (handle.kind != AMQP_UNSIGNED || !c->attached[SENDER] || handle.number != c->sender_handle)
		return false;
	c->granted = (uint32_t)count.number + credit; /* [AMQP-2.6.7] */
	return tell_ready(c, event);
}

/* --- what comes back --- */

static int seconds_in(struct slice map)
{
	struct amqp_value v = amqp_map_find(map, "retry-after");

	if (v.kind == AMQP_NULL)
		v = amqp_map_find(map, "Retry-After");
	if ((v.kind != AMQP_SIGNED && v.kind != AMQP_UNSIGNED) || v.number > INT32_MAX)
		return -1;
	return (int)v.number;
}

/* [AMQP-2.8.14] */
static void read_fault(struct amqp_value error, struct amqp_client_event *event)
{
	struct amqp_cursor c = amqp_over(error.bytes);
	struct amqp_value info;

	if (error.kind != AMQP_LIST)
		return;
	event->condition = amqp_next_text(&c);
	event->description = amqp_next_text(&c);
	info = amqp_next(&c);
	event->retry_after = info.kind == AMQP_MAP ? seconds_in(info.bytes) : -1;
}

static bool take_disposition(struct amqp_client *c, struct amqp_cursor *f, struct amqp_client_event *event)
{
	bool receives = amqp_next_bool(f, false);
	uint32_t first = amqp_next_uint(f, 0), last = amqp_next_uint(f, first);
	struct amqp_value state;
	struct amqp_cursor outcome;

	(void)amqp_next(f);
	state = amqp_next(f);
	if (!receives || c->asked == 0 || c->asked - 1 < first || c->asked - 1 > last || !state.described ||
	    state.descriptor == CODE_ACCEPTED || state.descriptor == CODE_RECEIVED)
		return false;
	event->kind = AMQP_CLIENT_REJECTED;
	outcome = amqp_over(state.bytes);
	if (state.descriptor == CODE_REJECTED)
		read_fault(amqp_next(&outcome), event);
	return true;
}

static bool tell_message(struct amqp_client *c, struct amqp_client_event *event)
{
	enum err e = amqp_message_read(c->message.p, c->message.n, &event->message);

	if (!c->settled)
		client_say_accepted(c);
	c->heard++;
	if (e != OK) {
		fail(c, "its answer is no message");
		return false;
	}
	event->kind = AMQP_CLIENT_ANSWER;
	event->retry_after = seconds_in(event->message.properties);
	return true;
}

static bool take_transfer(struct amqp_client *c, struct amqp_cursor *f, struct slice payload, struct amqp_client_event *event)
{
	bool more, settled, aborted;

	(void)amqp_next(f); /* the handle: one link only brings messages */
	if (!c->more) {
		buf_clear(&c->message);
		c->delivery = amqp_next_uint(f, 0);
		c->settled = false;
	} else {
		(void)amqp_next(f);
	}
	amqp_skip(f, 2);
	settled = amqp_next_bool(f, false);
	more = amqp_next_bool(f, false);
	amqp_skip(f, 3);
	aborted = amqp_next_bool(f, false);
	c->next_in++;
	c->more = more && !aborted;
	c->settled |= settled;
	if (f->bad || aborted) /* whoever asks for the fields of a bad frame sees that it is bad */
		return false;
	buf_add(&c->message, payload);
	if (buf_failed(&c->message)) {
		fail(c, "its answer is too long");
		return false;
	}
	return !c->more && tell_message(c, event);
}

static bool take_end(struct amqp_client *c, uint64_t code, struct amqp_cursor *f, struct amqp_client_event *event)
{
	if (code == CODE_DETACH)
		amqp_skip(f, 2);
	read_fault(amqp_next(f), event);
	amqp_client_close(c);
	event->kind = AMQP_CLIENT_CLOSED;
	return true;
}

static bool take_performative(struct amqp_client *c, uint64_t code, struct amqp_cursor *f, struct slice payload,
			      struct amqp_client_event *event)
{
	if ((code == CODE_OPEN) != (c->phase == CLIENT_OPEN)) {
		fail(c, "its frames come out of turn");
		return false;
	}
	switch (code) {
	case CODE_OPEN: take_open(c, f); return false;
	case CODE_BEGIN: take_begin(c, f); return false;
	case CODE_ATTACH: return take_attach(c, f, event);
	case CODE_FLOW: return take_flow(c, f, event);
	case CODE_TRANSFER: return take_transfer(c, f, payload, event);
	case CODE_DISPOSITION: return take_disposition(c, f, event);
	case CODE_DETACH:
	case CODE_END:
	case CODE_CLOSE: return take_end(c, code, f, event);
	default: fail(c, "it speaks in performatives that nobody knows"); return false;
	}
}

/* --- frames in --- */

static bool in_sasl(const struct amqp_client *c)
{
	return c->phase == CLIENT_MECHANISMS || c->phase == CLIENT_CHALLENGE || c->phase == CLIENT_OUTCOME;
}

static void take_header(struct amqp_client *c, struct slice header)
{
	bool sasl = c->phase == CLIENT_SASL_HEADER;

	if (!slice_eq(header, sasl ? AMQP_SASL_HEADER : AMQP_PLAIN_HEADER))
		fail(c, "it speaks another protocol, or lets nobody in this way");
	else if (sasl)
		c->phase = CLIENT_MECHANISMS;
	else {
		client_introduce(c);
		c->phase = CLIENT_OPEN;
	}
}

static bool take_frame(struct amqp_client *c, uint8_t type, struct slice body, struct amqp_client_event *event)
{
	struct amqp_cursor all = amqp_over(body), f;
	struct amqp_value v = amqp_next(&all);
	bool told;

	if (type != (in_sasl(c) ? FRAME_SASL : FRAME_AMQP) || all.bad || !v.described || v.kind != AMQP_LIST) {
		fail(c, "a frame of its is malformed");
		return false;
	}
	f = amqp_over(v.bytes);
	told = in_sasl(c) ? take_sasl(c, v.descriptor, &f, event) : take_performative(c, v.descriptor, &f, all.rest, event);
	if (f.bad) {
		fail(c, "a frame of its has fields that do not belong there");
		return false;
	}
	return told;
}

/* Take a header or a frame from *in. False: it is not there yet. *told: it was an event. */
static bool take_next(struct amqp_client *c, struct slice *in, struct amqp_client_event *event, bool *told)
{
	bool header = c->phase == CLIENT_SASL_HEADER || c->phase == CLIENT_HEADER;
	struct cursor head = cursor_over(slice_to(*in, AMQP_FRAME_HEADER));
	size_t size = (size_t)cur_u16(&head) << 16 | cur_u16(&head), offset = 4 * (size_t)cur_u8(&head);
	uint8_t type = cur_u8(&head);

	if (in->n < AMQP_FRAME_HEADER)
		return false;
	if (header)
		size = AMQP_HEADER_SIZE;
	if (!header && (size > AMQP_CLIENT_FRAME_MAX || offset < AMQP_FRAME_HEADER || offset > size)) {
		fail(c, "a frame of its has an impossible size");
		return false;
	}
	if (in->n < size)
		return false;
	if (header)
		take_header(c, slice_to(*in, size));
	else if (size > offset) /* else it is a heartbeat, [AMQP-2.4.5] */
		*told = take_frame(c, type, slice_from(slice_to(*in, size), offset), event);
	*in = slice_from(*in, size);
	return true;
}

bool amqp_client_read(struct amqp_client *c, struct slice *in, struct amqp_client_event *event)
{
	bool told = false;

	*event = (struct amqp_client_event){.retry_after = -1};
	while (c->phase != CLIENT_END && !told && take_next(c, in, event, &told))
		;
	if (c->fault == NULL && buf_failed(&c->out))
		fail(c, "there is no memory to answer it");
	if (!told && c->fault) {
		*event = (struct amqp_client_event){.kind = AMQP_CLIENT_CLOSED, .retry_after = -1, .description = slice_str(c->fault)};
		c->fault = NULL;
		told = true;
	}
	return told;
}

/* --- the whole --- */

struct slice amqp_client_output(const struct amqp_client *c)
{
	return buf_slice(&c->out);
}

void amqp_client_output_taken(struct amqp_client *c)
{
	buf_release(&c->out);
}

struct amqp_client *amqp_client_new(const struct amqp_client_conf *conf)
{
	struct amqp_client *c = calloc(1, sizeof(*c));
	bool sasl = !slice_absent(conf->user) || conf->tpm.endorsement_key.n > 0;

	if (c == NULL)
		return NULL;
	c->conf = *conf;
	c->phase = sasl ? CLIENT_SASL_HEADER : CLIENT_HEADER;
	buf_init(&c->out, OUT_MAX);
	buf_init(&c->message, AMQP_CLIENT_MESSAGE_MAX);
	buf_add(&c->out, sasl ? AMQP_SASL_HEADER : AMQP_PLAIN_HEADER);
	return c;
}

void amqp_client_free(struct amqp_client **c)
{
	struct amqp_client *it = *c;

	*c = NULL;
	if (it == NULL)
		return;
	buf_fini(&it->out);
	buf_fini(&it->message);
	free(it);
}
