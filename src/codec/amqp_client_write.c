/*
 * amqp_client_write.c: what a device says: frames, and questions in them.
 */
#include "codec/amqp_client_own.h"

#define CREDIT 8 /* answers that may come before the next question */

#define CODE_SOURCE 0x28
#define CODE_TARGET 0x29

#define SECTION_PROPERTIES             0x73
#define SECTION_APPLICATION_PROPERTIES 0x74
#define SECTION_DATA                   0x75

/* --- frames out --- */

static void put_nulls(struct amqp_out *o, int n)
{
	while (n-- > 0)
		amqp_put_null(o);
}

/* A frame's size is known at its end. */
static size_t begin_frame(struct amqp_client *c, enum amqp_frame_type type, enum amqp_code code, struct amqp_out *o)
{
	const char head[AMQP_FRAME_HEADER] = {0, 0, 0, 0, 2, (char)type};
	size_t at = c->out.n;

	buf_add(&c->out, slice_over(head, sizeof(head)));
	amqp_out_init(o, &c->out);
	amqp_describe(o, (uint8_t)code);
	amqp_open_list(o);
	return at;
}

static void end_frame(struct amqp_client *c, size_t at)
{
	size_t size = c->out.n - at;

	for (int i = 0; i < 4 && !buf_failed(&c->out); i++)
		c->out.p[at + (size_t)i] = (char)(size >> 8 * (3 - i));
}

void client_say_init(struct amqp_client *c, const char *mechanism, struct slice response)
{
	struct amqp_out o;
	size_t at = begin_frame(c, FRAME_SASL, CODE_SASL_INIT, &o);

	amqp_put_symbol(&o, mechanism);
	amqp_put_binary(&o, response);
	amqp_put_string(&o, slice_str(c->conf.host));
	amqp_close_list(&o);
	end_frame(c, at);
}

void client_say_response(struct amqp_client *c, struct slice response)
{
	struct amqp_out o;
	size_t at = begin_frame(c, FRAME_SASL, CODE_SASL_RESPONSE, &o);

	amqp_put_binary(&o, response);
	amqp_close_list(&o);
	end_frame(c, at);
}

static void say_open(struct amqp_client *c)
{
	struct amqp_out o;
	size_t at = begin_frame(c, FRAME_AMQP, CODE_OPEN, &o);

	amqp_put_string(&o, slice_str(c->conf.container));
	amqp_put_string(&o, slice_str(c->conf.host));
	amqp_put_uint(&o, AMQP_CLIENT_FRAME_MAX);
	amqp_put_ushort(&o, 0); /* one channel */
	amqp_close_list(&o);
	end_frame(c, at);
}

static void say_begin(struct amqp_client *c)
{
	struct amqp_out o;
	size_t at = begin_frame(c, FRAME_AMQP, CODE_BEGIN, &o);

	amqp_put_null(&o);
	amqp_put_uint(&o, 0);
	amqp_put_uint(&o, AMQP_WINDOW);
	amqp_put_uint(&o, AMQP_WINDOW);
	amqp_close_list(&o);
	end_frame(c, at);
}

static void put_terminus(struct amqp_out *o, uint8_t code, struct slice address)
{
	amqp_describe(o, code);
	amqp_open_list(o);
	amqp_put_string(o, address);
	amqp_close_list(o);
}

static void say_attach(struct amqp_client *c, uint32_t handle)
{
	bool receives = handle == RECEIVER;
	struct amqp_out o;
	size_t at = begin_frame(c, FRAME_AMQP, CODE_ATTACH, &o);

	amqp_put_string(&o, receives ? RECEIVER_NAME : SENDER_NAME);
	amqp_put_uint(&o, handle);
	amqp_put_bool(&o, receives);
	put_nulls(&o, 2); /* settling is as usual */
	put_terminus(&o, CODE_SOURCE, receives ? c->conf.address : SLICE(""));
	put_terminus(&o, CODE_TARGET, receives ? SLICE("") : c->conf.address);
	put_nulls(&o, 2); /* nothing is unsettled from before */
	if (receives)
		amqp_put_null(&o);
	else
		amqp_put_uint(&o, 0);
	amqp_put_ulong(&o, AMQP_CLIENT_MESSAGE_MAX);
	put_nulls(&o, 2);
	amqp_open_map(&o);
	amqp_put_symbol(&o, "com.microsoft:api-version");
	amqp_put_string(&o, slice_str(c->conf.api));
	amqp_put_symbol(&o, "com.microsoft:client-version");
	amqp_put_string(&o, slice_str(c->conf.client));
	amqp_close_map(&o);
	amqp_close_list(&o);
	end_frame(c, at);
}

/* Credit for the next answers. */
static void say_flow(struct amqp_client *c)
{
	struct amqp_out o;
	size_t at = begin_frame(c, FRAME_AMQP, CODE_FLOW, &o);

	if (c->begun)
		amqp_put_uint(&o, c->next_in);
	else
		amqp_put_null(&o); /* [AMQP-2.7.4] it is not known yet */
	amqp_put_uint(&o, AMQP_WINDOW);
	amqp_put_uint(&o, c->transfers);
	amqp_put_uint(&o, AMQP_WINDOW);
	amqp_put_uint(&o, RECEIVER);
	amqp_put_uint(&o, c->heard);
	amqp_put_uint(&o, CREDIT);
	amqp_close_list(&o);
	end_frame(c, at);
}

void client_introduce(struct amqp_client *c)
{
	say_open(c);
	say_begin(c);
	say_attach(c, RECEIVER);
	say_flow(c);
	say_attach(c, SENDER);
}

/* One frame of a message. *rest moves behind what it took. */
static void say_transfer(struct amqp_client *c, struct slice *rest, bool first)
{
	size_t room = c->peer_frame_max - 64; /* more than this performative takes */
	char tag[4] = {(char)(c->asked >> 24), (char)(c->asked >> 16), (char)(c->asked >> 8), (char)c->asked};
	struct amqp_out o;
	size_t at = begin_frame(c, FRAME_AMQP, CODE_TRANSFER, &o);

	amqp_put_uint(&o, SENDER);
	if (first) {
		amqp_put_uint(&o, c->asked);
		amqp_put_binary(&o, slice_over(tag, sizeof(tag)));
		amqp_put_uint(&o, 0);
	} else {
		put_nulls(&o, 3);
	}
	amqp_put_bool(&o, false);
	amqp_put_bool(&o, rest->n > room);
	amqp_close_list(&o);
	buf_add(&c->out, slice_to(*rest, room));
	end_frame(c, at);
	*rest = slice_from(*rest, room);
	c->transfers++;
}

void client_say_accepted(struct amqp_client *c)
{
	struct amqp_out o;
	size_t at = begin_frame(c, FRAME_AMQP, CODE_DISPOSITION, &o);

	amqp_put_bool(&o, true); /* of what we receive */
	amqp_put_uint(&o, c->delivery);
	amqp_put_null(&o);
	amqp_put_bool(&o, true);
	amqp_describe(&o, CODE_ACCEPTED);
	amqp_open_list(&o);
	amqp_close_list(&o);
	amqp_close_list(&o);
	end_frame(c, at);
}

void client_say_close(struct amqp_client *c)
{
	struct amqp_out o;
	size_t at = begin_frame(c, FRAME_AMQP, CODE_CLOSE, &o);

	amqp_close_list(&o);
	end_frame(c, at);
}

/* --- questions --- */

static void put_pair(struct amqp_out *o, const char *name, const char *value)
{
	amqp_put_string(o, slice_str(name));
	amqp_put_string(o, slice_str(value));
}

static void write_question(struct buf *to, const struct amqp_question *question)
{
	struct amqp_out o;

	amqp_out_init(&o, to);
	amqp_describe(&o, SECTION_PROPERTIES);
	amqp_open_list(&o);
	put_nulls(&o, 5);
	amqp_put_string(&o, slice_str(question->correlation));
	amqp_close_list(&o);
	amqp_describe(&o, SECTION_APPLICATION_PROPERTIES);
	amqp_open_map(&o);
	put_pair(&o, "iotdps-operation-type", question->operation);
	if (question->operation_id)
		put_pair(&o, "iotdps-operation-id", question->operation_id);
	amqp_close_map(&o);
	amqp_describe(&o, SECTION_DATA);
	amqp_put_binary(&o, slice_absent(question->body) ? SLICE("") : question->body);
}

enum err amqp_client_ask(struct amqp_client *c, const struct amqp_question *question)
{
	struct buf message;
	struct slice rest;
	enum err e = ERR_AGAIN;

	c->ready &= client_has_credit(c); /* or is to be told again */
	if (!c->ready || c->phase != CLIENT_TALK)
		return e;
	buf_init(&message, AMQP_CLIENT_MESSAGE_MAX);
	write_question(&message, question);
	e = buf_failed(&message) ? ERR_TOO_BIG : OK;
	rest = buf_slice(&message);
	if (e == OK) {
		say_flow(c);
		for (bool first = true; rest.n > 0; first = false)
			say_transfer(c, &rest, first);
		c->asked++;
		e = buf_failed(&c->out) ? ERR_NO_MEMORY : OK;
	}
	buf_fini(&message);
	return e;
}
