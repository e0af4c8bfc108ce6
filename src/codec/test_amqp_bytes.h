/*
 * test_amqp_bytes.h: an AMQP peer by hand: performatives for the server, and what it says to them. Included by tests only.
 */
#ifndef BERTH_CODEC_TEST_AMQP_BYTES_H
#define BERTH_CODEC_TEST_AMQP_BYTES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/amqp_own.h"

#define TOLD_MAX 64
#define IDLE_MS  600000

/* An event, with what it pointed at. */
struct told {
	enum amqp_event_kind kind;
	bool skipped, peer_sends, by_us, malformed, has_data;
	uint32_t link;
	char mechanism[32], response[64], name[64], address[64], condition[64], description[128], body[64];
	size_t body_size;
	struct amqp_delivery delivery;
};

static const char *const both[] = {"PLAIN", "TPM"};
static struct amqp_conf conf;
static struct amqp *a;
static struct told told[TOLD_MAX];
static size_t told_count;
static bool pass_by; /* links are not answered */
static struct buf in, out;
static struct amqp_out o;

/* --- the stage --- */

static inline int set_up(void **state)
{
	(void)state;
	conf = (struct amqp_conf){"berth", both, 2, 240000, IDLE_MS};
	a = amqp_new(&conf);
	told_count = 0;
	pass_by = false;
	buf_init(&in, 1000000);
	buf_init(&out, 10000000);
	return 0;
}

static inline int tear_down(void **state)
{
	(void)state;
	amqp_free(&a);
	buf_fini(&in);
	buf_fini(&out);
	return 0;
}

static inline void copy(char *to, size_t room, struct slice s)
{
	snprintf(to, room, "%.*s", SLICE_ARG(s));
}

static inline void note(const struct amqp_event *e)
{
	struct told *t = &told[told_count++];

	assert_true(told_count <= TOLD_MAX);
	*t = (struct told){.kind = e->kind,
			   .skipped = slice_absent(e->mechanism),
			   .peer_sends = e->peer_sends,
			   .by_us = e->by_us,
			   .malformed = e->malformed,
			   .has_data = e->message.has_data,
			   .link = e->link,
			   .delivery = e->delivery,
			   .body_size = e->message.body.n};
	copy(t->mechanism, sizeof(t->mechanism), e->mechanism);
	copy(t->response, sizeof(t->response), e->response);
	copy(t->name, sizeof(t->name), e->name);
	copy(t->address, sizeof(t->address), e->address);
	copy(t->condition, sizeof(t->condition), e->condition);
	copy(t->description, sizeof(t->description), e->description);
	copy(t->body, sizeof(t->body), e->message.body);
}

static inline void take_output(void)
{
	struct slice bytes = amqp_output(a);

	buf_add(&out, bytes);
	amqp_output_taken(a, bytes.n);
}

static inline void feed(struct slice bytes)
{
	struct amqp_event e;

	while (amqp_read(a, &bytes, &e)) {
		note(&e);
		if (e.kind == AMQP_LOGIN || (e.kind == AMQP_ATTACHED && pass_by))
			break;
		if (e.kind == AMQP_ATTACHED)
			amqp_link_accept(a, e.link);
	}
	take_output();
}

static inline const struct told *last(void)
{
	assert_true(told_count > 0);
	return &told[told_count - 1];
}

static inline void sent(struct slice expected)
{
	assert_true(out.n >= expected.n);
	assert_memory_equal(out.p, expected.p, expected.n);
	buf_eat(&out, expected.n);
}

/* A performative for the server: begin, put its fields, end. */
static inline void begin(uint16_t channel, uint8_t type, uint8_t code)
{
	char head[8] = {0, 0, 0, 0, 2, (char)type, (char)(channel >> 8), (char)channel};

	buf_clear(&in);
	buf_add(&in, slice_over(head, sizeof(head)));
	amqp_out_init(&o, &in);
	amqp_describe(&o, code);
	amqp_open_list(&o);
}

static inline void end(struct slice payload)
{
	amqp_close_list(&o);
	buf_add(&in, payload);
	for (int i = 0; i < 4; i++)
		in.p[i] = (char)(in.n >> 8 * (3 - i));
	feed(buf_slice(&in));
}

/* The next frame that the server sent: its fields and its payload. */
static inline struct amqp_cursor next_frame(uint8_t code, struct slice *payload)
{
	size_t size;
	struct amqp_cursor c;
	struct amqp_value v;

	assert_true(out.n >= 8);
	size = (size_t)(unsigned char)out.p[1] << 16 | (size_t)(unsigned char)out.p[2] << 8 | (unsigned char)out.p[3];
	assert_true(size >= 8 && size <= out.n && out.p[4] == 2);
	c = amqp_over(slice_over(out.p + 8, size - 8));
	v = amqp_next(&c);
	assert_true(!c.bad && v.described);
	assert_int_equal(v.descriptor, code);
	if (payload)
		*payload = c.rest;
	buf_eat(&out, size);
	return amqp_over(v.bytes);
}

static inline void nothing_more(void)
{
	assert_int_equal(out.n, 0);
}

/* The server has closed, with this condition. */
static inline void closed_with(const char *condition)
{
	struct amqp_cursor f = next_frame(CODE_CLOSE, NULL), e;
	struct amqp_value error = amqp_next(&f);

	e = amqp_over(error.bytes);
	assert_int_equal(error.descriptor, CODE_ERROR);
	assert_true(slice_eq(amqp_next_text(&e), slice_str(condition)));
	nothing_more();
	assert_int_equal(last()->kind, AMQP_CLOSED);
	assert_true(last()->by_us);
	assert_string_equal(last()->condition, condition);
	assert_true(last()->description[0] != 0);
	assert_true(amqp_ended(a));
}

/* --- common beginnings --- */

#define PLAIN_HEADER "AMQP\0\1\0\0"
#define SASL_HEADER  "AMQP\3\1\0\0"

static inline void skip_sasl(void)
{
	feed(SLICE(PLAIN_HEADER));
	assert_int_equal(last()->kind, AMQP_LOGIN);
	amqp_login_accept(a);
	take_output();
	sent(SLICE(PLAIN_HEADER));
}

static inline void open_with(uint32_t frame_max, uint32_t idle_ms)
{
	begin(0, FRAME_AMQP, CODE_OPEN);
	amqp_put_string(&o, SLICE("test"));
	amqp_put_null(&o);
	amqp_put_uint(&o, frame_max);
	amqp_put_null(&o);
	if (idle_ms)
		amqp_put_uint(&o, idle_ms);
	end(NO_SLICE);
}

static inline void begin_session(uint16_t channel, uint32_t window)
{
	begin(channel, FRAME_AMQP, CODE_BEGIN);
	amqp_put_null(&o);
	amqp_put_uint(&o, 100);
	amqp_put_uint(&o, window);
	amqp_put_uint(&o, 1000);
	end(NO_SLICE);
}

/* A terminus, or null. */
static inline void put_terminus(uint8_t code, const char *address)
{
	if (address == NULL) {
		amqp_put_null(&o);
		return;
	}
	amqp_describe(&o, code);
	amqp_open_list(&o);
	amqp_put_string(&o, slice_str(address));
	amqp_close_list(&o);
}

static inline void attach(uint32_t handle, bool peer_receives, const char *source, const char *target)
{
	begin(0, FRAME_AMQP, CODE_ATTACH);
	amqp_put_string(&o, peer_receives ? SLICE("in") : SLICE("out"));
	amqp_put_uint(&o, handle);
	amqp_put_bool(&o, peer_receives);
	amqp_put_null(&o);
	amqp_put_null(&o);
	put_terminus(0x28, source);
	put_terminus(0x29, target);
	amqp_put_null(&o);
	amqp_put_null(&o);
	if (!peer_receives)
		amqp_put_uint(&o, 7); /* deliveries counted so far */
	end(NO_SLICE);
}

/* Up to a session on channel 0. */
static inline void talk_with(uint32_t frame_max, uint32_t window)
{
	skip_sasl();
	open_with(frame_max, 0);
	begin_session(0, window);
	assert_int_equal(last()->kind, AMQP_OPENED);
	(void)next_frame(CODE_OPEN, NULL);
	(void)next_frame(CODE_BEGIN, NULL);
	nothing_more();
}

static inline void talk(void)
{
	talk_with(65536, 1000);
}

/* A link on which the peer sends, with handle 5 and so much credit. */
static inline uint32_t incoming_link(uint32_t credit)
{
	attach(5, false, NULL, "here");
	(void)next_frame(CODE_ATTACH, NULL);
	amqp_link_credit(a, last()->link, credit);
	take_output();
	(void)next_frame(CODE_FLOW, NULL);
	return last()->link;
}

/* One on which it receives, with handle 6. */
static inline uint32_t outgoing_link(void)
{
	attach(6, true, "here", NULL);
	(void)next_frame(CODE_ATTACH, NULL);
	return last()->link;
}

static inline void flow(uint32_t next_in, uint32_t window, uint32_t count, uint32_t credit, bool drain, bool echo)
{
	begin(0, FRAME_AMQP, CODE_FLOW);
	amqp_put_uint(&o, next_in);
	amqp_put_uint(&o, window);
	amqp_put_uint(&o, 100);
	amqp_put_uint(&o, 1000);
	amqp_put_uint(&o, 6);
	amqp_put_uint(&o, count);
	amqp_put_uint(&o, credit);
	amqp_put_null(&o);
	amqp_put_bool(&o, drain);
	amqp_put_bool(&o, echo);
	end(NO_SLICE);
}

#define NO_ID UINT32_MAX

static inline void transfer(uint32_t id, bool more, bool aborted, struct slice payload)
{
	begin(0, FRAME_AMQP, CODE_TRANSFER);
	amqp_put_uint(&o, 5);
	if (id == NO_ID)
		amqp_put_null(&o);
	else
		amqp_put_uint(&o, id);
	amqp_put_binary(&o, SLICE("t"));
	amqp_put_uint(&o, 0);
	amqp_put_bool(&o, false);
	amqp_put_bool(&o, more);
	amqp_put_null(&o);
	amqp_put_null(&o);
	amqp_put_null(&o);
	amqp_put_bool(&o, aborted);
	end(payload);
}

#define DATA(n, s) "\x00\x53\x75\xa0" n s

#endif
