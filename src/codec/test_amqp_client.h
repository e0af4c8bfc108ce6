/*
 * test_amqp_client.h: an AMQP client that is not ours: Qpid Proton's connection driver, in memory. Included by tests only.
 *
 * It begins where SASL has ended. Bytes go in and out by hand; what came of them stands in the struct.
 */
#ifndef BERTH_CODEC_TEST_AMQP_CLIENT_H
#define BERTH_CODEC_TEST_AMQP_CLIENT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <proton/connection.h>
#include <proton/connection_driver.h>
#include <proton/delivery.h>
#include <proton/disposition.h>
#include <proton/event.h>
#include <proton/link.h>
#include <proton/message.h>
#include <proton/session.h>
#include <proton/transport.h>

#include "base/buf.h"

#define CLIENT_ANSWERS_MAX 64
#define CLIENT_BODY_MAX    100000

struct client_answer {
	char body[1024]; /* its beginning */
	size_t size;
	char correlation[64];                 /* with its type, as Proton prints it: "id", b"id", 7 */
	int sections;                         /* of data */
	int retry_after, capital_retry_after; /* -1: none, or no int */
};

struct client {
	pn_connection_driver_t driver;
	pn_session_t *session;
	bool opened, closed;
	char condition[64], description[512]; /* of the close, or of a link's end */
	char attached[256];                   /* what was attached, in order: "name source target;" */
	unsigned detached;
	struct client_answer answers[CLIENT_ANSWERS_MAX];
	size_t answer_count;
	unsigned tags;

	/* Of the delivery that was settled last. */
	unsigned settled;
	uint64_t outcome;
	char outcome_condition[64], outcome_description[1024];
	int outcome_retry_after, outcome_capital_retry_after;
};

static inline void client_init(struct client *c)
{
	*c = (struct client){0};
	assert_int_equal(pn_connection_driver_init(&c->driver, NULL, NULL), 0);
	pn_connection_set_container(c->driver.connection, "test");
	pn_connection_open(c->driver.connection);
	c->session = pn_session(c->driver.connection);
	pn_session_open(c->session);
}

static inline void client_fini(struct client *c)
{
	pn_connection_driver_destroy(&c->driver);
}

/* NULL address: no terminus. */
static inline pn_link_t *client_receiver(struct client *c, const char *name, const char *address, int credit)
{
	pn_link_t *l = pn_receiver(c->session, name);

	if (address)
		pn_terminus_set_address(pn_link_source(l), address);
	pn_link_open(l);
	pn_link_flow(l, credit);
	return l;
}

static inline pn_link_t *client_sender(struct client *c, const char *name, const char *address)
{
	pn_link_t *l = pn_sender(c->session, name);

	if (address)
		pn_terminus_set_address(pn_link_target(l), address);
	pn_link_open(l);
	return l;
}

/* A message as the SDKs send it. NULLs leave parts out. */
struct client_message {
	const char *correlation; /* a string */
	const char *operation, *operation_id;
	const char *data;  /* a data section */
	size_t data_size;  /* 0: up to its NUL */
	const char *value; /* else an amqp-value */
	bool settled;
};

static inline void client_send_bytes(struct client *c, pn_link_t *l, const char *bytes, size_t n, bool settled)
{
	char tag[16];
	pn_delivery_t *d;

	snprintf(tag, sizeof(tag), "%u", ++c->tags);
	d = pn_delivery(l, pn_dtag(tag, strlen(tag)));
	assert_int_equal(pn_link_send(l, bytes, n), n);
	if (settled)
		pn_delivery_settle(d);
	pn_link_advance(l);
}

static inline void client_send(struct client *c, pn_link_t *l, const struct client_message *m)
{
	static char bytes[4 * CLIENT_BODY_MAX];
	size_t n = sizeof(bytes);
	pn_message_t *message = pn_message();
	pn_data_t *data = pn_message_properties(message);

	if (m->correlation)
		pn_data_put_string(pn_message_correlation_id(message), pn_bytes(strlen(m->correlation), m->correlation));
	if (m->operation) {
		pn_data_put_map(data);
		pn_data_enter(data);
		pn_data_put_string(data, pn_bytes(21, "iotdps-operation-type"));
		pn_data_put_string(data, pn_bytes(strlen(m->operation), m->operation));
		if (m->operation_id) {
			pn_data_put_string(data, pn_bytes(19, "iotdps-operation-id"));
			pn_data_put_string(data, pn_bytes(strlen(m->operation_id), m->operation_id));
		}
		pn_data_put_string(data, pn_bytes(24, "iotdps-forceRegistration"));
		pn_data_put_bool(data, false);
		pn_data_exit(data);
	}
	pn_message_set_inferred(message, m->data != NULL);
	if (m->data)
		pn_data_put_binary(pn_message_body(message), pn_bytes(m->data_size ? m->data_size : strlen(m->data), m->data));
	else if (m->value)
		pn_data_put_string(pn_message_body(message), pn_bytes(strlen(m->value), m->value));
	assert_int_equal(pn_message_encode(message, bytes, &n), 0);
	pn_message_free(message);
	client_send_bytes(c, l, bytes, n, m->settled);
}

/* --- what the server says --- */

static inline int client_int(pn_data_t *map, const char *name, bool symbols)
{
	int value = -1;

	pn_data_rewind(map);
	if (!pn_data_next(map) || pn_data_type(map) != PN_MAP)
		return -1;
	pn_data_enter(map);
	while (pn_data_next(map)) {
		pn_bytes_t key = symbols ? pn_data_get_symbol(map) : pn_data_get_string(map);
		bool typed = pn_data_type(map) == (symbols ? PN_SYMBOL : PN_STRING);
		bool same = typed && key.size == strlen(name) && memcmp(key.start, name, key.size) == 0;

		if (!pn_data_next(map))
			break;
		if (same && pn_data_type(map) == PN_INT)
			value = pn_data_get_int(map);
	}
	pn_data_exit(map);
	return value;
}

static inline void client_take(struct client *c, pn_delivery_t *d)
{
	static char bytes[4 * CLIENT_BODY_MAX];
	struct client_answer *a = &c->answers[c->answer_count++];
	ssize_t n = pn_link_recv(pn_delivery_link(d), bytes, sizeof(bytes));
	pn_message_t *message = pn_message();
	pn_bytes_t body;
	size_t room = sizeof(a->correlation);

	assert_true(c->answer_count <= CLIENT_ANSWERS_MAX && n > 0);
	assert_int_equal(pn_message_decode(message, bytes, (size_t)n), 0);
	pn_data_format(pn_message_correlation_id(message), a->correlation, &room);
	pn_data_rewind(pn_message_body(message));
	while (pn_data_next(pn_message_body(message)))
		a->sections++;
	pn_data_rewind(pn_message_body(message));
	pn_data_next(pn_message_body(message));
	body = pn_data_get_binary(pn_message_body(message));
	a->size = body.size;
	snprintf(a->body, sizeof(a->body), "%.*s", (int)body.size, body.start ? body.start : "");
	a->retry_after = client_int(pn_message_properties(message), "retry-after", false);
	a->capital_retry_after = client_int(pn_message_properties(message), "Retry-After", false);
	pn_message_free(message);
	pn_delivery_update(d, PN_ACCEPTED);
	pn_delivery_settle(d);
}

static inline void client_settled(struct client *c, pn_delivery_t *d)
{
	pn_condition_t *condition = pn_disposition_condition(pn_delivery_remote(d));
	const char *name = pn_condition_get_name(condition), *text = pn_condition_get_description(condition);

	c->settled++;
	c->outcome = pn_delivery_remote_state(d);
	snprintf(c->outcome_condition, sizeof(c->outcome_condition), "%s", name ? name : "");
	snprintf(c->outcome_description, sizeof(c->outcome_description), "%s", text ? text : "");
	c->outcome_retry_after = client_int(pn_condition_info(condition), "retry-after", true);
	c->outcome_capital_retry_after = client_int(pn_condition_info(condition), "Retry-After", true);
	pn_delivery_settle(d);
}

static inline void client_ended(struct client *c, pn_condition_t *condition)
{
	if (!pn_condition_is_set(condition))
		return;
	snprintf(c->condition, sizeof(c->condition), "%s", pn_condition_get_name(condition));
	snprintf(c->description, sizeof(c->description), "%s", pn_condition_get_description(condition));
}

static inline const char *client_address(pn_terminus_t *t)
{
	if (pn_terminus_get_type(t) == PN_UNSPECIFIED)
		return "null";
	return pn_terminus_get_address(t) ? pn_terminus_get_address(t) : "none";
}

static inline void client_attached(struct client *c, pn_link_t *l)
{
	size_t n = strlen(c->attached);

	snprintf(c->attached + n, sizeof(c->attached) - n, "%s %s %s;", pn_link_name(l), client_address(pn_link_remote_source(l)),
		 client_address(pn_link_remote_target(l)));
}

static inline void client_event(struct client *c, pn_event_t *e)
{
	pn_delivery_t *d;

	switch (pn_event_type(e)) {
	case PN_CONNECTION_REMOTE_OPEN: c->opened = true; break;
	case PN_CONNECTION_REMOTE_CLOSE:
		c->closed = true;
		client_ended(c, pn_connection_remote_condition(pn_event_connection(e)));
		break;
	case PN_LINK_REMOTE_OPEN: client_attached(c, pn_event_link(e)); break;
	case PN_LINK_REMOTE_CLOSE:
		c->detached++;
		client_ended(c, pn_link_remote_condition(pn_event_link(e)));
		pn_link_close(pn_event_link(e));
		break;
	case PN_DELIVERY:
		d = pn_event_delivery(e);
		if (pn_delivery_readable(d) && !pn_delivery_partial(d))
			client_take(c, d);
		else if (pn_link_is_sender(pn_delivery_link(d)) && pn_delivery_settled(d))
			client_settled(c, d);
		break;
	case PN_TRANSPORT_ERROR: client_ended(c, pn_transport_condition(c->driver.transport)); break;
	default: break;
	}
}

static inline void client_events(struct client *c)
{
	pn_event_t *e;

	while ((e = pn_connection_driver_next_event(&c->driver)) != NULL)
		client_event(c, e);
}

/* What the server sent. */
static inline void client_feed(struct client *c, struct slice bytes)
{
	while (bytes.n > 0) {
		pn_rwbytes_t room = pn_connection_driver_read_buffer(&c->driver);
		struct slice part = slice_to(bytes, room.size);

		if (room.size == 0)
			return;
		memcpy(room.start, part.p, part.n);
		pn_connection_driver_read_done(&c->driver, part.n);
		bytes = slice_from(bytes, part.n);
		client_events(c);
	}
}

/* What the server is to be sent is added to `to`. */
static inline void client_output(struct client *c, struct buf *to)
{
	pn_bytes_t bytes;

	client_events(c);
	while ((bytes = pn_connection_driver_write_buffer(&c->driver)).size > 0) {
		buf_add(to, slice_over(bytes.start, bytes.size));
		pn_connection_driver_write_done(&c->driver, bytes.size);
		client_events(c);
	}
}

#endif
