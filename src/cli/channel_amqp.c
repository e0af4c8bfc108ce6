/*
 * channel_amqp.c: a device that asks over AMQP 1.0 (device-api.md 12, 13).
 */
#include <stdio.h>
#include <stdlib.h>

#include "codec/amqp_client.h"
#include "codec/json.h"
#include "cli/channel_stream.h"

#define NAME_MAX_BYTES  1024 /* scope and registration ID */
#define CORRELATION_MAX 12

struct amqp_channel {
	struct stream_channel s;
	struct amqp_client *amqp;  /* of the connection that there is */
	char name[NAME_MAX_BYTES]; /* "{scope}/registrations/{id}": user and address */
	unsigned question;
	char correlation[CORRELATION_MAX]; /* of the last one */
};

static struct amqp_channel *channel_of(struct stream_channel *c)
{
	return (struct amqp_channel *)c;
}

/* --- out --- */

static enum err put_output(struct stream_channel *c)
{
	struct amqp_client *amqp = channel_of(c)->amqp;
	struct slice bytes = amqp_client_output(amqp);
	enum err e = bytes.n ? stream_write(c->stream, bytes) : OK;

	amqp_client_output_taken(amqp);
	return e;
}

static void say_output(struct stream_channel *c)
{
	enum err e = put_output(c);

	if (e != OK)
		stream_channel_fail(c, e, "the server cannot be told: %s", err_text(e));
}

static void greet(struct stream_channel *c)
{
	struct amqp_channel *m = channel_of(c);

	snprintf(m->name, sizeof(m->name), "%s/registrations/%s", c->conf->scope, c->device->id);
	const struct channel_tpm *tpm = c->device->tpm;
	const struct amqp_client_conf conf = {
		.tpm = {.scope = slice_str(c->conf->scope),
			.registration_id = slice_str(c->device->id),
			.endorsement_key = tpm ? tpm->endorsement_key : NO_SLICE,
			.storage_root_key = tpm ? tpm->storage_root_key : NO_SLICE},
		.container = c->device->id,
		.host = c->conf->host,
		.user = c->device->token ? slice_str(m->name) : NO_SLICE,
		.password = slice_str(c->device->token),
		.address = slice_str(m->name),
		.api = DEVICE_API_VERSION,
		.client = DEVICE_CLIENT,
	};

	if ((m->amqp = amqp_client_new(&conf)) == NULL)
		stream_channel_fail(c, ERR_NO_MEMORY, "out of memory");
	else
		say_output(c);
}

static void ask(struct stream_channel *c)
{
	struct amqp_channel *m = channel_of(c);
	const char *operation = c->question.operation;
	const struct amqp_question question = {
		.correlation = m->correlation,
		.operation = operation ? "iotdps-get-operationstatus" : "iotdps-register",
		.operation_id = operation,
		.body = operation ? NO_SLICE : c->question.body,
	};
	enum err e;

	snprintf(m->correlation, sizeof(m->correlation), "%u", ++m->question);
	e = amqp_client_ask(m->amqp, &question);
	if (e == OK)
		say_output(c);
	else if (e != ERR_AGAIN) /* else it will be ready again */
		stream_channel_fail(c, e, "the question cannot be put: %s", err_text(e));
}

static void leave(struct stream_channel *c)
{
	amqp_client_close(channel_of(c)->amqp);
	(void)!put_output(c); /* as far as it still can be said */
}

static void forget(struct stream_channel *c)
{
	amqp_client_free(&channel_of(c)->amqp);
}

/* --- in --- */

/* What is told must live longer than the connection, which may be closed meanwhile. */
static void tell(struct stream_channel *c, int status, int retry_after, struct slice body)
{
	struct buf copy;

	buf_init(&copy, AMQP_CLIENT_MESSAGE_MAX);
	buf_add(&copy, body);
	if (buf_failed(&copy))
		stream_channel_fail(c, ERR_NO_MEMORY, "out of memory");
	else
		stream_channel_tell(c, &(struct channel_answer){.status = status, .retry_after = retry_after, .body = buf_slice(&copy)});
	buf_fini(&copy);
}

static void hear_answer(struct stream_channel *c, const struct amqp_client_event *event)
{
	struct amqp_cursor correlation = amqp_over(event->message.correlation);

	if (slice_eq(amqp_next_text(&correlation), slice_str(channel_of(c)->correlation)))
		tell(c, 200, event->retry_after, event->message.body);
}

/* The status in the words of HTTP, from the error code in the description (device-api.md 12.6). 0: it has none. */
static int status_of(struct slice description)
{
	struct arena *a = arena_new(2 * CHANNEL_ANSWER_MAX);
	json_t *json = NULL;
	json_int_t code = 0;

	if (a && json_read(description, a, &json, NULL) == OK)
		code = json_integer_value(json_object_get(json, "errorCode"));
	json_decref(json);
	arena_free(&a);
	return code >= 100000 && code <= 999999 ? (int)(code / 1000) : 0;
}

static void hear_rejection(struct stream_channel *c, const struct amqp_client_event *event)
{
	int status = status_of(event->description);

	if (status)
		tell(c, status, event->retry_after, event->description);
	else
		stream_channel_fail(c, ERR_INVALID, "the service rejects the question: %.*s %.*s", SLICE_ARG(event->condition),
				    SLICE_ARG(event->description));
}

static void prove(struct stream_channel *c, const struct amqp_client_event *event)
{
	const struct channel_tpm *tpm = c->device->tpm;
	const char *why, *token = tpm->prove(tpm->cookie, event->challenge, &why);

	if (token == NULL) {
		stream_channel_fail(c, ERR_IO, "%s", why);
		return;
	}
	amqp_client_prove(channel_of(c)->amqp, slice_str(token));
	say_output(c);
}

static void take(struct stream_channel *c, const struct amqp_client_event *event)
{
	switch (event->kind) {
	case AMQP_CLIENT_CHALLENGE: prove(c, event); break;
	case AMQP_CLIENT_READY: stream_channel_ready(c); break;
	case AMQP_CLIENT_ANSWER: hear_answer(c, event); break;
	case AMQP_CLIENT_REJECTED: hear_rejection(c, event); break;
	case AMQP_CLIENT_REFUSED:
		stream_channel_fail(c, ERR_UNAUTHORIZED, "the service does not let the device in%s",
				    c->device->tpm ? ": it does not accept its TPM" : "");
		break;
	case AMQP_CLIENT_CLOSED:
		stream_channel_fail(c, ERR_CLOSED, "the server ends it: %.*s %.*s", SLICE_ARG(event->condition),
				    SLICE_ARG(event->description));
		break;
	}
}

static void hear(struct stream_channel *c)
{
	struct amqp_channel *m = channel_of(c);
	struct amqp_client_event event;
	bool told = true;

	while (c->stream && told) {
		struct slice rest = buf_slice(&c->in);

		told = amqp_client_read(m->amqp, &rest, &event);
		(void)!put_output(c); /* who has closed may have answered */
		if (told)
			take(c, &event);
		if (c->stream)
			buf_eat(&c->in, c->in.n - rest.n);
	}
}

/* --- the two kinds --- */

static const struct speech amqp = {
	.size = sizeof(struct amqp_channel), .greet = greet, .hear = hear, .ask = ask, .leave = leave, .forget = forget};

static struct channel *open_bare(const struct channel_conf *conf, const struct channel_device *device)
{
	return stream_channel_open(&channel_amqp, &amqp, conf, device, conf->amqps_port, NULL);
}

static struct channel *open_websocket(const struct channel_conf *conf, const struct channel_device *device)
{
	return stream_channel_open(&channel_amqp_ws, &amqp, conf, device, conf->https_port, "AMQPWSB10");
}

const struct channel_kind channel_amqp = {
	.name = "amqp", .tpm = true, .open = open_bare, .ask = stream_channel_ask, .close = stream_channel_close};
const struct channel_kind channel_amqp_ws = {
	.name = "amqp-ws", .tpm = true, .open = open_websocket, .ask = stream_channel_ask, .close = stream_channel_close};
