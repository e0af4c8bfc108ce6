/*
 * amqps.c: a device's connection over AMQP 1.0 (device-api.md 12).
 *
 * Its life is that of its stream: what comes in is read frame by frame, what happens is handed to amqp_login.c,
 * amqp_link.c and amqp_request.c, and what is to be sent leaves in one piece. While the peer does not take that, or has
 * enough requests under way, nothing more is read.
 */
#include <stdlib.h>

#include "base/log.h"
#include "protocol/amqp_own.h"

const char *amqps_name(const struct connection *c)
{
	return c->stream->websocket ? "amqp-ws" : "amqp";
}

void amqps_log_refusal(const struct connection *c, const char *request, const char *reason)
{
	if (request)
		log_info(NULL, "request-refused", "protocol", amqps_name(c), "peer", c->stream->peer_address, "request", request, "reason",
			 reason, NULL);
	else
		log_info(NULL, "connection-refused", "protocol", amqps_name(c), "peer", c->stream->peer_address, "reason", reason, NULL);
}

static void connection_free(struct connection *c, bool abort)
{
	const struct protocol_env *env = c->env;

	deadline_clear(&c->deadline);
	loop_unpost(c->loop, &c->start);
	provision_cancel(&c->login_ask);
	amqp_forget_requests(c);
	if (abort)
		stream_abort(&c->stream);
	else
		stream_close(&c->stream);
	amqp_free(&c->amqp);
	buf_fini(&c->identity);
	amqp_tpm_free(&c->tpm);
	env->closed(env->cookie, c);
	free(c);
}

/* --- events --- */

/* Of a link, or of the connection, when it is we who ended it. */
static void log_end(const struct connection *c, const struct amqp_event *event)
{
	char reason[128];

	if (!event->by_us)
		return;
	snprintf(reason, sizeof(reason), "%.*s", SLICE_ARG(event->description));
	amqps_log_refusal(c, NULL, reason);
}

static void on_event(struct connection *c, const struct amqp_event *event)
{
	switch (event->kind) {
	case AMQP_LOGIN: amqp_login(c, event); break;
	case AMQP_RESPONSE: amqp_login_response(c, event); break;
	case AMQP_OPENED:
		c->login_by = 0;
		c->tick_at = amqp_tick(c->amqp, loop_now_ms(c->loop));
		break;
	case AMQP_ATTACHED: amqp_link_attached(c, event); break;
	case AMQP_DETACHED:
	case AMQP_CLOSED: log_end(c, event); break;
	case AMQP_MESSAGE: amqp_request(c, event); break;
	case AMQP_CREDIT: amqp_send_answers(c); break;
	}
}

/* False: there is nothing to read, or it has to wait. */
static bool read_one(struct connection *c)
{
	struct slice in = stream_inbox(c->stream), rest = in;
	struct amqp_event event;
	bool full = c->write_by || c->ask_count >= AMQPS_ASKS_MAX || amqp_output_waiting(c->amqp) >= AMQPS_OUTPUT_PAUSE, happened;

	if ((full || c->draining) && !amqp_ended(c->amqp))
		return false;
	happened = amqp_read(c->amqp, &rest, &event);
	stream_eat(c->stream, in.n - rest.n);
	if (happened)
		on_event(c, &event);
	return happened;
}

/* --- time --- */

static void look_at_clock(struct deadline *d)
{
	struct connection *c = LIST_ITEM(d, struct connection, deadline);
	int64_t now = loop_now_ms(c->loop);

	c->armed_for = 0;
	if (c->write_by && now >= c->write_by) {
		amqps_log_refusal(c, NULL, "the peer does not take what it is sent");
		connection_free(c, true);
		return;
	}
	if (c->login_by && now >= c->login_by) {
		amqps_log_refusal(c, NULL, "the login took too long");
		amqp_close(c->amqp, "amqp:resource-limit-exceeded", "the login took too long");
	}
	if (c->tick_at && now >= c->tick_at)
		c->tick_at = amqp_tick(c->amqp, now);
	amqps_go_on(c);
}

static int64_t nearer(int64_t a, int64_t b)
{
	return a == 0 || (b && b < a) ? b : a;
}

/* One that passes too early is set again; so most deadlines come and go without being set. */
static void arm(struct connection *c)
{
	int64_t at = nearer(nearer(c->login_by, c->write_by), c->tick_at);

	if (at == 0 || (c->armed_for && c->armed_for <= at))
		return;
	c->armed_for = at;
	deadline_set(c->loop, &c->deadline, at - loop_now_ms(c->loop), look_at_clock);
}

/* --- the stream --- */

static bool flush(struct connection *c)
{
	struct slice out = amqp_output(c->amqp);

	if (out.n == 0)
		return true;
	if (stream_write(c->stream, out) != OK)
		return false;
	amqp_output_taken(c->amqp, out.n);
	if (c->write_by == 0)
		c->write_by = loop_now_ms(c->loop) + AMQPS_WRITE_MS;
	return true;
}

/* What was asked has been answered, or cannot be. */
static bool at_rest(const struct connection *c)
{
	return c->ask_count == 0 && c->login_ask == NULL;
}

void amqps_go_on(struct connection *c)
{
	while (read_one(c))
		;
	if (c->draining && at_rest(c))
		amqp_close(c->amqp, "amqp:connection:forced", "draining");
	if (!flush(c))
		connection_free(c, true);
	else if (amqp_ended(c->amqp) || (c->stream->ended && stream_inbox(c->stream).n == 0))
		connection_free(c, false);
	else
		arm(c);
}

static void on_bytes(void *cookie)
{
	amqps_go_on(cookie);
}

static void on_drained(void *cookie)
{
	struct connection *c = cookie;

	c->write_by = 0;
	amqp_send_answers(c);
	amqps_go_on(c);
}

static void on_broken(void *cookie, enum err why)
{
	(void)why;
	connection_free(cookie, true);
}

/* The first bytes may have come together with the end of the handshake. */
static void start(struct task *task)
{
	amqps_go_on(LIST_ITEM(task, struct connection, start));
}

static const struct stream_user user = {.on_bytes = on_bytes, .on_drained = on_drained, .on_broken = on_broken};

static struct connection *open_connection(struct loop *loop, struct stream **stream, const struct protocol_env *env)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (c == NULL || (c->amqp = amqp_new(&amqps_conf)) == NULL) {
		free(c);
		stream_abort(stream);
		return NULL;
	}
	c->loop = loop;
	c->stream = *stream;
	c->env = env;
	c->login_by = loop_now_ms(loop) + AMQPS_LOGIN_MS;
	list_init(&c->asks);
	list_init(&c->answers);
	buf_init(&c->identity, AMQPS_IDENTITY_MAX);
	*stream = NULL;
	stream_use(c->stream, &user, c);
	c->start = (struct task){.run = start};
	loop_post(loop, &c->start);
	return c;
}

static void drain(struct connection *c)
{
	c->draining = true;
	amqps_go_on(c);
}

static void abort_connection(struct connection *c)
{
	connection_free(c, true);
}

const struct protocol protocol_amqps = {"amqps", 5671, open_connection, drain, abort_connection};
