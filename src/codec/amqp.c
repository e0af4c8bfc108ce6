/*
 * amqp.c: the connection: its memory, its frames on their way out, its login, its end, its heartbeats.
 */
#include <stdlib.h>

#include "codec/amqp_own.h"

struct amqp *amqp_new(const struct amqp_conf *conf)
{
	struct amqp *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->conf = conf;
	a->peer_frame_max = AMQP_FRAME_MIN;
	buf_init(&a->frame, AMQP_FRAME_MAX);
	buf_init(&a->out, AMQP_OUTPUT_MAX);
	for (size_t i = 0; i < AMQP_LINKS_MAX; i++)
		buf_init(&a->links[i].message, AMQP_MESSAGE_MAX);
	return a;
}

void amqp_free(struct amqp **it)
{
	struct amqp *a = *it;

	*it = NULL;
	if (a == NULL)
		return;
	for (size_t i = 0; i < AMQP_LINKS_MAX; i++)
		buf_fini(&a->links[i].message);
	buf_fini(&a->frame);
	buf_fini(&a->out);
	free(a);
}

/* --- frames out --- */

static void set_number(char *at, size_t n, int width)
{
	for (int i = 0; i < width; i++)
		at[i] = (char)(n >> 8 * (width - 1 - i));
}

size_t frame_begin(struct amqp *a, enum amqp_frame_type type, uint16_t channel, enum amqp_code code, struct amqp_out *o)
{
	char head[AMQP_FRAME_HEADER] = {0, 0, 0, 0, 2, (char)type, (char)(channel >> 8), (char)channel};
	size_t at = a->out.n;

	buf_add(&a->out, slice_over(head, sizeof(head)));
	amqp_out_init(o, &a->out);
	amqp_describe(o, code);
	amqp_open_list(o);
	return at;
}

void frame_end(struct amqp *a, size_t at)
{
	size_t size = a->out.n - at;
	bool failed = buf_failed(&a->out);

	if (!failed && (a->phase < PHASE_TALK || size <= a->peer_frame_max)) {
		set_number(a->out.p + at, size, 4);
		a->frames_out++;
		return;
	}
	a->out.n = at;
	a->out.failed = false;
	if (failed)
		amqp_fail(a, "amqp:resource-limit-exceeded", "too much is waiting to be sent");
	else
		amqp_fail(a, "amqp:connection:framing-error", "an answer does not fit into a frame of the peer's");
}

void put_error(struct amqp_out *o, const char *condition, struct slice description, int retry_after)
{
	if (condition == NULL) {
		amqp_put_null(o);
		return;
	}
	amqp_describe(o, CODE_ERROR);
	amqp_open_list(o);
	amqp_put_symbol(o, condition);
	amqp_put_string(o, description);
	if (retry_after > 0)
		amqp_put_retry_after(o, retry_after, true);
	amqp_close_list(o);
}

void send_open(struct amqp *a)
{
	struct amqp_out o;
	size_t at = frame_begin(a, FRAME_AMQP, 0, CODE_OPEN, &o);

	amqp_put_string(&o, slice_str(a->conf->container));
	amqp_put_null(&o); /* the host name is for the client to say */
	amqp_put_uint(&o, AMQP_FRAME_MAX);
	amqp_put_ushort(&o, AMQP_SESSIONS_MAX - 1);
	amqp_put_uint(&o, (uint32_t)a->conf->idle_announce_ms);
	amqp_close_list(&o);
	frame_end(a, at);
}

static void send_close(struct amqp *a, const char *condition, const char *description)
{
	struct amqp_out o;
	size_t at = frame_begin(a, FRAME_AMQP, 0, CODE_CLOSE, &o);

	put_error(&o, condition, slice_str(description), 0);
	amqp_close_list(&o);
	frame_end(a, at);
}

void amqp_close(struct amqp *a, const char *condition, const char *description)
{
	enum amqp_phase before = a->phase;

	if (before == PHASE_END)
		return;
	a->phase = PHASE_END;
	/* [AMQP-2.4.3] Nothing comes before an open, not even a close. */
	if (before == PHASE_OPEN)
		send_open(a);
	if (before == PHASE_OPEN || before == PHASE_TALK)
		send_close(a, condition, description);
}

void amqp_fail(struct amqp *a, const char *condition, const char *description)
{
	if (a->phase == PHASE_END)
		return;
	amqp_close(a, condition, description);
	a->condition = condition;
	a->description = description;
	a->tell_closed = true;
}

/* --- login --- */

void amqp_login_accept(struct amqp *a)
{
	if (a->phase == PHASE_BARE_ASKED) {
		buf_add(&a->out, AMQP_PLAIN_HEADER);
		a->phase = PHASE_OPEN;
	} else if (a->phase == PHASE_SASL_ASKED) {
		sasl_outcome(a, true);
		a->phase = PHASE_HEADER_AGAIN;
	}
}

void amqp_login_refuse(struct amqp *a)
{
	/* [AMQP-2.2] Who will not speak the protocol that was asked for names another, and hangs up. */
	if (a->phase == PHASE_BARE_ASKED)
		buf_add(&a->out, AMQP_SASL_HEADER);
	else if (a->phase == PHASE_SASL_ASKED)
		sasl_outcome(a, false);
	else
		return;
	a->phase = PHASE_END;
}

/* --- bytes out --- */

struct slice amqp_output(struct amqp *a)
{
	if (a->phase == PHASE_TALK)
		links_drain(a);
	return buf_slice(&a->out);
}

void amqp_output_taken(struct amqp *a, size_t n)
{
	buf_eat(&a->out, n);
	if (a->out.n == 0)
		buf_release(&a->out);
}

size_t amqp_output_waiting(const struct amqp *a)
{
	return a->out.n;
}

bool amqp_ended(const struct amqp *a)
{
	return a->phase == PHASE_END;
}

/* --- time --- */

static void send_heartbeat(struct amqp *a)
{
	static const char empty[AMQP_FRAME_HEADER] = {0, 0, 0, AMQP_FRAME_HEADER, 2};

	buf_add(&a->out, slice_over(empty, sizeof(empty)));
	a->frames_out++;
}

int64_t amqp_tick(struct amqp *a, int64_t now_ms)
{
	/* What was sent is noticed at the next tick, so a third of the peer's patience keeps within two thirds of it. */
	int64_t beat = a->peer_idle_ms / 3 < HEARTBEAT_MIN_MS ? HEARTBEAT_MIN_MS : a->peer_idle_ms / 3;
	int64_t next;

	if (!a->ticked || a->frames_in != a->ticked_in)
		a->heard_ms = now_ms;
	if (!a->ticked || a->frames_out != a->ticked_out)
		a->spoke_ms = now_ms;
	a->ticked = true;
	if (now_ms - a->heard_ms >= a->conf->idle_ms)
		amqp_fail(a, "amqp:resource-limit-exceeded", "no frame has come for too long");
	if (a->phase == PHASE_TALK && a->peer_idle_ms && now_ms - a->spoke_ms >= beat) {
		send_heartbeat(a);
		a->spoke_ms = now_ms;
	}
	a->ticked_in = a->frames_in;
	a->ticked_out = a->frames_out;
	next = a->heard_ms + a->conf->idle_ms;
	return a->peer_idle_ms && a->spoke_ms + beat < next ? a->spoke_ms + beat : next;
}
