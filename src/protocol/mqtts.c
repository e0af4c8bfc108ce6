/*
 * mqtts.c: devices register over MQTT (device-api.md 10).
 *
 * A request is a message to a topic that names the operation and carries an identifier, `$rid`; its answer is a message to a topic with the
 * status and the same identifier. Answers keep the order of the requests, since one client uses the same identifier for all of them; and
 * each comes ANSWER_AFTER_MS after its request at the earliest, since another deadlocks on a quicker one (10.4).
 */
#include <stdlib.h>

#include "api/api.h"
#include "crypto/digest.h"
#include "io/claim.h"
#include "protocol/mqtt_server.h"

#define ANSWER_AFTER_MS  12
#define REQUESTS_MAX     8   /* under way on one connection: then nothing more is read */
#define RID_MAX          256 /* bytes */
#define ANSWER_TOPIC_MAX (RID_MAX + 96)

#define REGISTER_TOPIC SLICE("$dps/registrations/PUT/iotdps-register/")
#define STATUS_TOPIC   SLICE("$dps/registrations/GET/iotdps-get-operationstatus/")
#define ANSWERS        SLICE("$dps/registrations/res/#")

struct session;

struct request {
	struct list link; /* in session->requests, the oldest first */
	struct session *session;
	struct provision_ask *ask;
	struct timer *timer; /* until the answer may go out */
	bool answered, ready;
	char id[37];
	char rid[RID_MAX + 1];
	int status, retry_after;
	struct buf body;
};

struct session {
	struct connection *connection;
	struct provision_ask *login;
	char login_id[37];
	struct buf identity; /* user name and password, as they came */
	struct slice scope, registration_id, token;
	struct claim claim; /* on the client ID, by who has proven to be the device */
	bool superseded;    /* it has lost that */
	struct list requests;
	int request_count;
	bool subscribed;
	uint8_t qos;
};

/* --- who it is --- */

/* "{scope}/registrations/{registration ID}[/{pairs}]" (3.2, 10.1). */
static bool read_user(struct slice user, struct slice *scope, struct slice *id)
{
	struct slice word;

	return slice_next(&user, '/', scope) && slice_next(&user, '/', &word) && slice_next(&user, '/', id) && scope->n > 0 && id->n > 0 &&
	       slice_eq_fold(word, SLICE("registrations"));
}

static struct device_question question(struct session *s, enum device_op op, const char *request_id)
{
	const struct stream *stream = mqtt_stream(s->connection);

	return (struct device_question){
		.op = op,
		.scope = s->scope,
		.registration_id = s->registration_id,
		.token = s->token,
		.chain = stream->chain,
		.chain_count = stream->chain_count,
		.protocol = stream->websocket ? "mqtt-ws" : "mqtt",
		.peer = stream->peer_address,
		.request_id = request_id,
	};
}

static void turn_away(struct session *s, enum mqtt_code code, const char *why)
{
	const struct stream *stream = mqtt_stream(s->connection);

	log_info(NULL, "connection-refused", "protocol", stream->websocket ? "mqtt-ws" : "mqtt", "peer", stream->peer_address, "reason",
		 why, NULL);
	mqtt_connack(s->connection, code);
}

/* What was asked is answered first. */
static void leave_if_superseded(struct session *s)
{
	if (s->superseded && s->request_count == 0)
		mqtt_fail(s->connection, "another connection of the device took its place");
}

static void on_lost(struct claim *claim)
{
	struct session *s = LIST_ITEM(claim, struct session, claim);

	s->superseded = true;
	leave_if_superseded(s);
}

/* [MQTT-3.1.4-2]: a client ID has one connection within its ID scope; "{scope}/registrations/{registration ID}" names it. */
static bool take_the_place(struct session *s)
{
	const char *name = buf_slice(&s->identity).p, *end = s->registration_id.p + s->registration_id.n;

	s->claim = (struct claim){.loop = mqtt_loop(s->connection), .name = {name, (size_t)(end - name)}, .lost = on_lost};
	return claim_take(api_claims(mqtt_house(s->connection)), &s->claim) == OK;
}

/* 10.1: a wrong credential is refused here; whatever else speaks against the device it hears when it registers. Why, provision has
 * logged and kept. */
static void login_judged(void *cookie, const struct device_answer *a)
{
	struct session *s = cookie;

	s->login = NULL;
	if (a->status == 401)
		mqtt_connack(s->connection, MQTT_NOT_AUTHORIZED);
	else if (a->status == 200 && !take_the_place(s))
		turn_away(s, MQTT_UNAVAILABLE, "there is no memory to remember one more client ID");
	else
		mqtt_connack(s->connection, MQTT_ACCEPTED);
}

static void begin(void *session, struct connection *connection)
{
	struct session *s = session;

	s->connection = connection;
	buf_init(&s->identity, 2 * MQTT_TEXT_MAX);
	list_init(&s->requests);
}

/* The names of the device stay with the session; 10.1 has what they must be. */
static bool remember(struct session *s, const struct mqtt_connect *p)
{
	buf_add(&s->identity, p->user);
	buf_add(&s->identity, p->password);
	if (buf_failed(&s->identity))
		return false;
	s->token = slice_absent(p->password) ? NO_SLICE : slice_from(buf_slice(&s->identity), p->user.n);
	return true;
}

static void connect(void *session, const struct mqtt_connect *p)
{
	struct session *s = session;
	struct device_question q;

	if (mqtt_draining(s->connection)) {
		turn_away(s, MQTT_UNAVAILABLE, "the server is about to stop");
	} else if (!remember(s, p)) {
		turn_away(s, MQTT_UNAVAILABLE, "out of memory");
	} else if (!read_user(slice_to(buf_slice(&s->identity), p->user.n), &s->scope, &s->registration_id)) {
		turn_away(s, MQTT_BAD_USER, "the user name is not {ID scope}/registrations/{registration ID}/api-version=...");
	} else if (!slice_eq_fold(p->client_id, s->registration_id)) {
		turn_away(s, MQTT_BAD_CLIENT_ID, "the client ID is not the registration ID of the user name");
	} else {
		random_uuid(s->login_id);
		q = question(s, DEVICE_CONNECT, s->login_id);
		s->login = api_ask_device(mqtt_house(s->connection), &q, login_judged, s);
		if (s->login == NULL)
			turn_away(s, MQTT_UNAVAILABLE, "out of memory");
	}
}

/* --- what it hears --- */

static uint8_t subscribe(void *session, const struct mqtt_filter *filter)
{
	struct session *s = session;

	if (!slice_eq(filter->text, ANSWERS))
		return MQTT_NOT_SUBSCRIBED; /* 10.2: there is nothing else to hear */
	s->subscribed = true;
	s->qos = filter->qos > 1 ? 1 : filter->qos;
	return s->qos;
}

static void unsubscribe(void *session, struct slice filter)
{
	struct session *s = session;

	if (slice_eq(filter, ANSWERS))
		s->subscribed = false;
}

/* --- answers, in the order of their requests --- */

static void request_free(struct request *r)
{
	provision_cancel(&r->ask);
	timer_cancel(&r->timer);
	list_remove(&r->link);
	r->session->request_count--;
	buf_fini(&r->body);
	free(r);
}

/* 10.3. */
static void send_answer(struct session *s, const struct request *r)
{
	struct buf topic;

	if (!s->subscribed)
		return; /* it does not listen */
	buf_init(&topic, ANSWER_TOPIC_MAX);
	buf_printf(&topic, "$dps/registrations/res/%d/?$rid=%s", r->status, r->rid);
	if (r->retry_after > 0)
		buf_printf(&topic, "&retry-after=%d", r->retry_after);
	if (buf_failed(&topic) || buf_failed(&r->body))
		mqtt_fail(s->connection, "out of memory");
	else
		mqtt_send(s->connection, s->qos, buf_slice(&topic), buf_slice(&r->body));
	buf_fini(&topic);
}

static void send_what_is_ready(struct session *s)
{
	while (!list_empty(&s->requests)) {
		struct request *r = LIST_ITEM(s->requests.next, struct request, link);

		if (!r->answered || !r->ready)
			break;
		send_answer(s, r);
		request_free(r);
	}
	leave_if_superseded(s);
	mqtt_rested(s->connection);
}

static void may_answer(void *cookie)
{
	struct request *r = cookie;

	r->timer = NULL;
	r->ready = true;
	send_what_is_ready(r->session);
}

static void answered(void *cookie, const struct device_answer *a)
{
	struct request *r = cookie;

	r->ask = NULL;
	r->answered = true;
	r->status = a->status;
	r->retry_after = a->retry_after;
	buf_add(&r->body, a->body);
	send_what_is_ready(r->session);
}

/* --- requests --- */

/* The value of a pair "{name}={value}" behind the '?' of a topic; absent: there is none. */
static struct slice pair(struct slice pairs, struct slice name)
{
	struct slice one;

	while (slice_next(&pairs, '&', &one))
		if (slice_starts(one, name))
			return slice_from(one, name.n);
	return NO_SLICE;
}

static const char *read_rid(struct slice pairs, struct request *r)
{
	struct slice rid = pair(pairs, SLICE("$rid="));

	if (slice_absent(rid))
		return "a request whose topic has no $rid";
	if (rid.n > RID_MAX || slice_find(rid, '$') >= 0)
		return "a request whose $rid is longer than 256 bytes, or has a $ in it";
	memcpy(r->rid, rid.p, rid.n);
	r->rid[rid.n] = 0;
	return NULL;
}

static const char *ask(struct session *s, struct device_question *q, struct slice pairs)
{
	struct request *r = calloc(1, sizeof(*r));
	const char *why;

	if (r == NULL)
		return "out of memory";
	if ((why = read_rid(pairs, r)) != NULL) {
		free(r);
		return why;
	}
	r->session = s;
	random_uuid(r->id);
	q->request_id = r->id;
	buf_init(&r->body, MQTT_PACKET_MAX);
	list_append(&s->requests, &r->link);
	s->request_count++;
	r->timer = loop_after(mqtt_loop(s->connection), ANSWER_AFTER_MS, may_answer, r);
	r->ask = api_ask_device(mqtt_house(s->connection), q, answered, r);
	return r->timer && r->ask ? NULL : "out of memory";
}

static const char *publish(void *session, const struct mqtt_publish *p)
{
	struct session *s = session;
	struct device_question q = question(s, DEVICE_REGISTER, NULL);
	struct slice pairs;

	q.body = p->payload;
	if (slice_starts(p->topic, REGISTER_TOPIC)) {
		pairs = slice_from(p->topic, REGISTER_TOPIC.n);
	} else if (slice_starts(p->topic, STATUS_TOPIC)) {
		pairs = slice_from(p->topic, STATUS_TOPIC.n);
		q.op = DEVICE_OPERATION_STATUS;
	} else {
		return "a message to a topic that is none of a provisioning service";
	}
	if (s->superseded)
		return "another connection of the device took its place";
	if (pairs.n == 0 || pairs.p[0] != '?')
		return "a request whose topic has no $rid";
	pairs = slice_from(pairs, 1);
	if (q.op == DEVICE_OPERATION_STATUS)
		q.operation_id = pair(pairs, SLICE("operationId="));
	return ask(s, &q, pairs);
}

/* --- life --- */

static bool busy(const void *session)
{
	return ((const struct session *)session)->request_count > 0;
}

static bool full(const void *session)
{
	return ((const struct session *)session)->request_count >= REQUESTS_MAX;
}

static void end(void *session)
{
	struct session *s = session;

	provision_cancel(&s->login);
	claim_drop(&s->claim);
	while (!list_empty(&s->requests))
		request_free(LIST_ITEM(s->requests.next, struct request, link));
	buf_fini(&s->identity);
}

static const struct mqtt_service service = {
	.session_size = sizeof(struct session),
	.begin = begin,
	.connect = connect,
	.subscribe = subscribe,
	.unsubscribe = unsubscribe,
	.publish = publish,
	.busy = busy,
	.full = full,
	.end = end,
};

static struct connection *open_connection(struct loop *loop, struct stream **stream, const struct protocol_env *env)
{
	return mqtt_server_open(loop, stream, env, &service);
}

const struct protocol protocol_mqtts = {"mqtts", 8883, open_connection, mqtt_server_drain, mqtt_server_abort};
