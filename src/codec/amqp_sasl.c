/*
 * amqp_sasl.c: the layer before a connection, in which the peer says who it is ([AMQP-5.3]).
 *
 * What the bytes of a mechanism mean is the owner's; here they are only carried.
 */
#include "codec/amqp_own.h"

/* [AMQP-5.3.3.6] */
#define OUTCOME_OK   0
#define OUTCOME_AUTH 1

void sasl_begin(struct amqp *a)
{
	struct amqp_out o;
	size_t at;

	buf_add(&a->out, AMQP_SASL_HEADER);
	at = frame_begin(a, FRAME_SASL, 0, CODE_SASL_MECHANISMS, &o);
	amqp_put_symbols(&o, a->conf->mechanisms, a->conf->mechanism_count);
	amqp_close_list(&o);
	frame_end(a, at);
	a->phase = PHASE_SASL_INIT;
}

static bool read_init(struct amqp_cursor *f, struct amqp_event *event)
{
	event->kind = AMQP_LOGIN;
	event->mechanism = amqp_next_text(f);
	event->response = amqp_next_binary(f);
	return !f->bad && !slice_absent(event->mechanism);
}

static bool read_response(struct amqp_cursor *f, struct amqp_event *event)
{
	event->kind = AMQP_RESPONSE;
	event->response = amqp_next_binary(f);
	return !f->bad;
}

bool sasl_frame(struct amqp *a, struct slice body, struct amqp_event *event)
{
	bool first = a->phase == PHASE_SASL_INIT;
	struct amqp_cursor c = amqp_over(body), f;
	struct amqp_value v = amqp_next(&c);

	f = amqp_over(v.bytes);
	if (v.described && v.kind == AMQP_LIST && v.descriptor == (first ? CODE_SASL_INIT : CODE_SASL_RESPONSE) &&
	    (first ? read_init(&f, event) : read_response(&f, event))) {
		a->phase = PHASE_SASL_ASKED;
		return true;
	}
	amqp_fail(a, "amqp:decode-error", "not the SASL frame that was expected");
	return false;
}

void amqp_login_challenge(struct amqp *a, struct slice challenge)
{
	struct amqp_out o;
	size_t at;

	if (a->phase != PHASE_SASL_ASKED)
		return;
	at = frame_begin(a, FRAME_SASL, 0, CODE_SASL_CHALLENGE, &o);
	amqp_put_binary(&o, challenge);
	amqp_close_list(&o);
	frame_end(a, at);
	a->phase = PHASE_SASL_RESPONSE;
}

void sasl_outcome(struct amqp *a, bool good)
{
	struct amqp_out o;
	size_t at = frame_begin(a, FRAME_SASL, 0, CODE_SASL_OUTCOME, &o);

	amqp_put_ubyte(&o, good ? OUTCOME_OK : OUTCOME_AUTH);
	amqp_close_list(&o);
	frame_end(a, at);
}
