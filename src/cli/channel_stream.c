#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/channel_stream.h"

#define IN_MAX         (CHANNEL_ANSWER_MAX + 8192) /* the answer, and what is wrapped around it */
#define WEBSOCKET_PATH "/$iothub/websocket"        /* device-api.md 11, 13 */

/* --- the end of a connection, of an answer, of a channel --- */

void stream_channel_disconnect(struct stream_channel *c)
{
	loop_unpost(c->conf->loop, &c->turn);
	dial_cancel(&c->dial);
	websocket_dial_cancel(&c->upgrade);
	stream_close(&c->stream);
	c->speech->forget(c);
	c->ready = false;
}

void stream_channel_tell(struct stream_channel *c, const struct channel_answer *answer)
{
	channel_done *done = c->done;

	timer_cancel(&c->deadline);
	c->done = NULL;
	if (done)
		done(c->cookie, answer);
}

void stream_channel_fail(struct stream_channel *c, enum err e, const char *fmt, ...)
{
	char why[DIAL_WHY_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	stream_channel_disconnect(c);
	stream_channel_tell(c, &(struct channel_answer){.e = e, .why = why, .retry_after = -1});
}

static void channel_free(struct stream_channel *c)
{
	buf_fini(&c->in);
	free(c);
}

/* Calls that may end in a done(), in which the channel may be closed, stand between these two. */
static void begin(struct stream_channel *c)
{
	c->busy = true;
}

static void end(struct stream_channel *c)
{
	c->busy = false;
	if (c->gone)
		channel_free(c);
}

void stream_channel_close(struct channel *channel)
{
	struct stream_channel *c = (struct stream_channel *)channel;

	if (c->stream)
		c->speech->leave(c);
	c->done = NULL;
	timer_cancel(&c->deadline);
	stream_channel_disconnect(c);
	c->gone = true;
	if (!c->busy)
		channel_free(c);
}

/* --- the stream --- */

static void lost(struct stream_channel *c, enum err e)
{
	stream_channel_fail(c, ERR_CLOSED, "the connection ended before the answer: %s", err_text(e));
}

static void on_bytes(void *cookie)
{
	struct stream_channel *c = cookie;
	struct slice bytes = stream_inbox(c->stream);

	begin(c);
	buf_add(&c->in, bytes);
	stream_eat(c->stream, bytes.n);
	if (buf_failed(&c->in))
		stream_channel_fail(c, ERR_TOO_BIG, "the answer is too long");
	else
		c->speech->hear(c);
	if (c->stream && c->stream->ended)
		lost(c, ERR_CLOSED);
	end(c);
}

static void on_broken(void *cookie, enum err why)
{
	struct stream_channel *c = cookie;

	begin(c);
	lost(c, why);
	end(c);
}

static const struct stream_user user = {.on_bytes = on_bytes, .on_broken = on_broken};

/* --- connecting --- */

static void connected(struct stream_channel *c, struct stream *stream)
{
	c->stream = stream;
	buf_clear(&c->in);
	stream_use(stream, &user, c);
	c->speech->greet(c);
}

static void on_upgraded(void *cookie, const struct dial_answer *answer)
{
	struct stream_channel *c = cookie;

	begin(c);
	c->upgrade = NULL;
	if (answer->e == OK)
		connected(c, answer->stream);
	else
		stream_channel_fail(c, answer->e, "%s", answer->why);
	end(c);
}

static void upgrade(struct stream_channel *c, struct stream *stream)
{
	const struct websocket_ask ask = {.host = c->conf->host,
					  .port = c->port,
					  .path = WEBSOCKET_PATH,
					  .subprotocol = c->subprotocol,
					  .user_agent = DEVICE_CLIENT,
					  .deadline_ms = CHANNEL_CONNECT_MS};

	if ((c->upgrade = websocket_dial_start(&stream, &ask, on_upgraded, c)) != NULL)
		return;
	stream_abort(&stream);
	stream_channel_fail(c, ERR_NO_MEMORY, "out of memory");
}

static void on_dialled(void *cookie, const struct dial_answer *answer)
{
	struct stream_channel *c = cookie;

	begin(c);
	c->dial = NULL;
	if (answer->e != OK)
		stream_channel_fail(c, answer->e, "%s", answer->why);
	else if (c->subprotocol)
		upgrade(c, answer->stream);
	else
		connected(c, answer->stream);
	end(c);
}

static void connect_stream(struct stream_channel *c)
{
	char connect_to[LOOKUP_HOST_MAX + 16];
	const struct dial_ask ask = {.host = c->conf->host,
				     .port = c->port,
				     .connect_to = c->conf->address ? connect_to : NULL,
				     .credential = c->device->credential,
				     .deadline_ms = CHANNEL_CONNECT_MS,
				     .linger_ms = CHANNEL_LINGER_MS};

	snprintf(connect_to, sizeof(connect_to), "%s:%d", c->conf->address ? c->conf->address : "", c->port);
	if ((c->dial = dial_start(c->conf->dialer, &ask, on_dialled, c)) == NULL)
		stream_channel_fail(c, ERR_NO_MEMORY, "out of memory");
}

/* --- asking --- */

static void on_deadline(void *cookie)
{
	struct stream_channel *c = cookie;

	begin(c);
	c->deadline = NULL;
	stream_channel_fail(c, ERR_TIMEOUT, "no answer within %d ms", CHANNEL_ANSWER_MS);
	end(c);
}

void stream_channel_ready(struct stream_channel *c)
{
	c->ready = true;
	c->speech->ask(c);
}

/* Later than the call that asked, for it may fail at once. */
static void on_turn(struct task *t)
{
	struct stream_channel *c = LIST_ITEM(t, struct stream_channel, turn);

	begin(c);
	if (c->ready)
		c->speech->ask(c);
	else
		connect_stream(c);
	end(c);
}

enum err stream_channel_ask(struct channel *channel, const struct channel_ask *ask, channel_done *done, void *cookie)
{
	struct stream_channel *c = (struct stream_channel *)channel;

	if ((c->deadline = loop_after(c->conf->loop, CHANNEL_ANSWER_MS, on_deadline, c)) == NULL)
		return ERR_NO_MEMORY;
	c->question = *ask;
	c->done = done;
	c->cookie = cookie;
	loop_post(c->conf->loop, &c->turn);
	return OK;
}

struct channel *stream_channel_open(const struct channel_kind *kind, const struct speech *speech, const struct channel_conf *conf,
				    const struct channel_device *device, int port, const char *subprotocol)
{
	struct stream_channel *c = calloc(1, speech->size);

	if (c == NULL)
		return NULL;
	*c = (struct stream_channel){.c.kind = kind,
				     .speech = speech,
				     .conf = conf,
				     .device = device,
				     .port = port,
				     .subprotocol = subprotocol,
				     .turn.run = on_turn};
	buf_init(&c->in, IN_MAX);
	return &c->c;
}
