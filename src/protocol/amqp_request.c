/*
 * amqp_request.c: a device's messages become questions, and the answers messages (device-api.md 12.3, 12.4, 12.6).
 */
#include <stdlib.h>

#include "codec/json.h"
#include "crypto/digest.h"
#include "protocol/amqp_own.h"

#define REFUSAL_MAX 1024

/* A request under way. */
struct ask {
	struct list link; /* in the connection's list */
	struct connection *c;
	struct provision_ask *asked;
	struct amqp_delivery delivery;
	char request_id[37];
	char correlation[AMQP_CORRELATION_MAX];
	size_t correlation_size;
};

/* What waits for the client's credit. */
struct answer {
	struct list link;
	uint32_t from; /* the link of its request, which gets a credit back */
	struct amqp_answer message;
	size_t size;
	char bytes[]; /* of its slices */
};

/* --- answers --- */

static void answer_free(struct connection *c, struct answer *a)
{
	list_remove(&a->link);
	c->answer_bytes -= a->size;
	free(a);
}

void amqp_send_answers(struct connection *c)
{
	while (!list_empty(&c->answers) && amqp_output_waiting(c->amqp) < AMQPS_OUTPUT_PAUSE) {
		struct answer *a = LIST_ITEM(c->answers.next, struct answer, link);
		enum err e = amqp_send(c->amqp, c->answer_link, &a->message);

		if (e == ERR_AGAIN || e == ERR_NOT_FOUND)
			return;
		if (e != OK) {
			amqps_log_refusal(c, NULL, "an answer cannot be sent");
			amqp_close(c->amqp, "amqp:internal-error", "an answer cannot be sent");
			return;
		}
		amqp_link_credit(c->amqp, a->from, 1);
		answer_free(c, a);
	}
}

static void queue_answer(struct connection *c, const struct ask *ask, const struct device_answer *from)
{
	size_t size = ask->correlation_size + from->body.n;
	struct answer *a = c->answer_bytes + size > AMQPS_ANSWERS_MAX ? NULL : malloc(sizeof(*a) + size);

	if (a == NULL) {
		amqps_log_refusal(c, NULL, "the client does not take its answers");
		amqp_close(c->amqp, "amqp:resource-limit-exceeded", "the client does not take its answers");
		return;
	}
	*a = (struct answer){.from = ask->delivery.link, .size = size};
	if (ask->correlation_size)
		memcpy(a->bytes, ask->correlation, ask->correlation_size);
	if (from->body.n)
		memcpy(a->bytes + ask->correlation_size, from->body.p, from->body.n);
	a->message = (struct amqp_answer){
		.correlation = slice_over(a->bytes, ask->correlation_size),
		.retry_after = from->retry_after,
		.body = slice_over(a->bytes + ask->correlation_size, from->body.n),
	};
	c->answer_bytes += size;
	list_append(&c->answers, &a->link);
}

/* --- refusals --- */

/* device-api.md 12.6 */
static const char *condition_of(int status)
{
	switch (status) {
	case 401:
	case 403: return "amqp:unauthorized-access";
	case 404: return "amqp:not-found";
	case 409: return "amqp:precondition-failed";
	case 429: return "com.microsoft:device-container-throttled";
	default: return status >= 500 ? "amqp:internal-error" : "amqp:not-allowed";
	}
}

static void reject(struct connection *c, const struct amqp_delivery *delivery, const struct device_answer *why)
{
	bool later = why->status == 429 || why->status >= 500;
	const struct amqp_refusal refusal = {
		.condition = condition_of(why->status),
		.description = why->body,
		.retry_after = !later                 ? 0
			       : why->retry_after > 0 ? why->retry_after
						      : RETRY_AFTER_SECONDS,
	};

	amqp_reject(c->amqp, delivery, &refusal);
	amqp_link_credit(c->amqp, delivery->link, 1);
}

/* What is no question is refused here, in the words of 5.5. */
static void refuse(struct connection *c, const struct amqp_delivery *delivery, const char *request_id, int status, const char *sentence)
{
	char at[INSTANT_TEXT];
	struct device_answer why = {.status = status};
	struct buf body;
	struct json_out out;

	buf_init(&body, REFUSAL_MAX);
	json_out_init(&out, &body);
	json_open(&out, NULL, '{');
	json_int(&out, "errorCode", status * 1000 + 1);
	json_str(&out, "trackingId", request_id);
	json_str(&out, "message", sentence);
	json_str(&out, "timestampUtc", instant_print(loop_wall(c->loop), INSTANT_ISO7, at));
	json_close(&out, '}');
	why.body = buf_slice(&body);
	amqps_log_refusal(c, request_id, sentence);
	reject(c, delivery, &why);
	buf_fini(&body);
}

/* --- questions --- */

static void ask_free(struct ask *ask)
{
	list_remove(&ask->link);
	ask->c->ask_count--;
	provision_cancel(&ask->asked);
	free(ask);
}

static void answered(void *cookie, const struct device_answer *answer)
{
	struct ask *ask = cookie;
	struct connection *c = ask->c;

	ask->asked = NULL;
	if (answer->status >= 400) {
		reject(c, &ask->delivery, answer);
	} else {
		amqp_accept(c->amqp, &ask->delivery);
		queue_answer(c, ask, answer);
		amqp_send_answers(c);
	}
	ask_free(ask);
	amqps_go_on(c);
}

struct device_question amqp_question(const struct connection *c, enum device_op op, const char *request_id)
{
	return (struct device_question){
		.op = op,
		.scope = c->scope,
		.registration_id = c->registration_id,
		.token = c->token,
		.endorsement_key = amqp_tpm_endorsement_key(c),
		.storage_root_key = amqp_tpm_storage_root_key(c),
		.chain = c->stream->chain,
		.chain_count = c->stream->chain_count,
		.protocol = amqps_name(c),
		.peer = c->stream->peer_address,
		.request_id = request_id,
	};
}

static const struct operation {
	const char *name;
	enum device_op op;
} operations[] = {
	{"iotdps-register", DEVICE_REGISTER},
	{"iotdps-get-operationstatus", DEVICE_OPERATION_STATUS},
	{"iotdps-get-registration", DEVICE_REGISTRATION_STATUS},
};

/* NULL: none that we know. */
static const struct operation *operation_of(const struct amqp_message *message)
{
	struct amqp_value name = amqp_map_find(message->properties, "iotdps-operation-type");

	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
		if (name.kind == AMQP_STRING && slice_eq(name.bytes, slice_str(operations[i].name)))
			return &operations[i];
	return NULL;
}

/* What a message asks. NULL: a question; else the sentence that refuses it. */
static const char *read_question(const struct amqp_event *event, struct device_question *q)
{
	const struct amqp_message *message = &event->message;
	const struct operation *operation;
	struct amqp_value id;

	if (event->malformed)
		return "The message cannot be read.";
	if ((operation = operation_of(message)) == NULL)
		return "The application property iotdps-operation-type names no operation.";
	q->op = operation->op;
	/* Beside a status, Node and .NET send text that is no document (device-api.md 12.3). */
	q->body = q->op == DEVICE_REGISTER || message->has_data ? message->body : NO_SLICE;
	if (q->op == DEVICE_OPERATION_STATUS) {
		id = amqp_map_find(message->properties, "iotdps-operation-id");
		if (id.kind != AMQP_STRING || id.bytes.n == 0)
			return "The application property iotdps-operation-id is missing.";
		q->operation_id = id.bytes;
	}
	return NULL;
}

static void put_question(struct connection *c, const struct amqp_event *event, struct device_question *q, const char *request_id)
{
	struct slice correlation = event->message.correlation;
	struct ask *ask = calloc(1, sizeof(*ask));

	if (ask == NULL) {
		refuse(c, &event->delivery, request_id, 500, "Out of memory.");
		return;
	}
	ask->c = c;
	ask->delivery = event->delivery;
	ask->correlation_size = correlation.n;
	if (correlation.n)
		memcpy(ask->correlation, correlation.p, correlation.n);
	memcpy(ask->request_id, request_id, sizeof(ask->request_id));
	q->request_id = ask->request_id;
	list_append(&c->asks, &ask->link);
	c->ask_count++;
	ask->asked = api_ask_device(c->env->house, q, answered, ask);
	if (ask->asked == NULL) {
		refuse(c, &event->delivery, request_id, 500, "Out of memory.");
		ask_free(ask);
	}
}

void amqp_request(struct connection *c, const struct amqp_event *event)
{
	char request_id[37];
	struct device_question q = amqp_question(c, DEVICE_REGISTER, NULL);
	const char *why = read_question(event, &q);

	random_uuid(request_id);
	if (why)
		refuse(c, &event->delivery, request_id, 400, why);
	else
		put_question(c, event, &q, request_id);
}

void amqp_forget_requests(struct connection *c)
{
	while (!list_empty(&c->asks))
		ask_free(LIST_ITEM(c->asks.next, struct ask, link));
	while (!list_empty(&c->answers))
		answer_free(c, LIST_ITEM(c->answers.next, struct answer, link));
}
