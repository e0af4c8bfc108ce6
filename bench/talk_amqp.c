/*
 * talk_amqp.c: AMQP 1.0 as devices speak it to a provisioning service (device-api.md 12), step by step as their libraries do.
 */
#include "codec/amqp_message.h"
#include "give_up.h"
#include "talk.h"

#define HEADER_SIZE  8 /* of a protocol, and of a frame */
#define FRAME_MAX    65536
#define CREDIT       10000
#define WINDOW       0x7fffffff
#define SASL_HEADER  SLICE("AMQP\3\1\0\0")
#define PLAIN_HEADER SLICE("AMQP\0\1\0\0")

enum frame { FRAME_AMQP, FRAME_SASL };

enum code {
	OPEN = 0x10,
	BEGIN,
	ATTACH,
	FLOW,
	TRANSFER,
	DISPOSITION,
	CLOSE = 0x18,
	ACCEPTED = 0x24,
	SOURCE = 0x28,
	TARGET,
	MECHANISMS = 0x40,
	INIT,
	OUTCOME = 0x44,
	PROPERTIES = 0x73,
	APPLICATION_PROPERTIES,
	DATA,
};

enum link { RECEIVER, SENDER }; /* their handles too */

/* --- out --- */

static size_t frame_begin(struct talk *t, enum frame type, enum code code, struct amqp_out *o)
{
	char head[HEADER_SIZE] = {0, 0, 0, 0, 2, (char)type};
	size_t at = t->out.n;

	buf_add(&t->out, slice_over(head, sizeof(head)));
	amqp_out_init(o, &t->out);
	amqp_describe(o, (uint8_t)code);
	amqp_open_list(o);
	return at;
}

/* The size of the frame, now that it is known. */
static void frame_end(struct talk *t, size_t at)
{
	size_t size = t->out.n - at;

	if (buf_failed(&t->out))
		give_up("amqp: a frame does not fit");
	for (int i = 0; i < 4; i++)
		t->out.p[at + (size_t)i] = (char)(size >> 8 * (3 - i));
}

static void list_end(struct talk *t, struct amqp_out *o, size_t at)
{
	amqp_close_list(o);
	frame_end(t, at);
}

/* Without an authorization identity (RFC 4616). */
static void say_init(struct talk *t)
{
	struct talk_words w = talk_words(t);
	struct buf response;
	struct amqp_out o;
	size_t at = frame_begin(t, FRAME_SASL, INIT, &o);

	buf_init(&response, TALK_BUFFER_MAX);
	buf_add_char(&response, 0);
	buf_add(&response, w.resource);
	buf_add_char(&response, 0);
	buf_add(&response, w.token);
	amqp_put_symbol(&o, "PLAIN");
	amqp_put_binary(&o, buf_slice(&response));
	list_end(t, &o, at);
	buf_fini(&response);
	talk_words_free(&w);
}

static void say_open(struct talk *t)
{
	struct talk_words w = talk_words(t);
	struct amqp_out o;
	size_t at;

	buf_add(&t->out, PLAIN_HEADER);
	at = frame_begin(t, FRAME_AMQP, OPEN, &o);
	amqp_put_string(&o, w.device.id);
	amqp_put_string(&o, SLICE("global.berth.test"));
	amqp_put_uint(&o, FRAME_MAX);
	list_end(t, &o, at);
	talk_words_free(&w);
}

static void say_begin(struct talk *t)
{
	struct amqp_out o;
	size_t at = frame_begin(t, FRAME_AMQP, BEGIN, &o);

	amqp_put_null(&o);
	amqp_put_uint(&o, 0);
	amqp_put_uint(&o, WINDOW);
	amqp_put_uint(&o, WINDOW);
	list_end(t, &o, at);
}

static void put_terminus(struct amqp_out *o, enum code code, struct slice address)
{
	amqp_describe(o, (uint8_t)code);
	amqp_open_list(o);
	amqp_put_string(o, address);
	amqp_close_list(o);
}

static void say_attach(struct talk *t, enum link link)
{
	struct talk_words w = talk_words(t);
	struct amqp_out o;
	size_t at = frame_begin(t, FRAME_AMQP, ATTACH, &o);

	amqp_put_string(&o, arena_format(w.arena, "%s-%.*s", link == SENDER ? "sender" : "receiver", SLICE_ARG(w.device.id)));
	amqp_put_uint(&o, link);
	amqp_put_bool(&o, link == RECEIVER);
	amqp_put_null(&o);
	amqp_put_null(&o);
	put_terminus(&o, SOURCE, link == RECEIVER ? w.resource : NO_SLICE);
	put_terminus(&o, TARGET, link == SENDER ? w.resource : NO_SLICE);
	amqp_put_null(&o);
	amqp_put_null(&o);
	if (link == SENDER)
		amqp_put_uint(&o, 0);
	list_end(t, &o, at);
	talk_words_free(&w);
}

/* Of the session; `credit` above 0: of the receiver. */
static void say_flow(struct talk *t, uint32_t credit, bool echo)
{
	struct amqp_out o;
	size_t at = frame_begin(t, FRAME_AMQP, FLOW, &o);

	amqp_put_uint(&o, 0);
	amqp_put_uint(&o, WINDOW);
	amqp_put_uint(&o, 0);
	amqp_put_uint(&o, WINDOW);
	for (int i = 0; i < 5 && credit == 0; i++)
		amqp_put_null(&o);
	if (credit > 0) {
		amqp_put_uint(&o, RECEIVER);
		amqp_put_uint(&o, 0);
		amqp_put_uint(&o, credit);
		amqp_put_null(&o);
		amqp_put_null(&o);
	}
	amqp_put_bool(&o, echo);
	list_end(t, &o, at);
}

static void put_request(struct amqp_out *o, struct slice id, struct slice body)
{
	amqp_describe(o, PROPERTIES);
	amqp_open_list(o);
	for (int i = 0; i < 5; i++)
		amqp_put_null(o);
	amqp_put_string(o, id); /* the correlation */
	amqp_close_list(o);
	amqp_describe(o, APPLICATION_PROPERTIES);
	amqp_open_map(o);
	amqp_put_string(o, SLICE("iotdps-operation-type"));
	amqp_put_string(o, SLICE("iotdps-register"));
	amqp_put_string(o, SLICE("iotdps-forceRegistration"));
	amqp_put_bool(o, false);
	amqp_close_map(o);
	amqp_describe(o, DATA);
	amqp_put_binary(o, body);
}

static void say_register(struct talk *t)
{
	struct talk_words w = talk_words(t);
	struct amqp_out o;
	size_t at = frame_begin(t, FRAME_AMQP, TRANSFER, &o);

	amqp_put_uint(&o, SENDER);
	amqp_put_uint(&o, t->deliveries);
	amqp_put_binary(&o, slice_over(&t->deliveries, sizeof(t->deliveries)));
	t->deliveries++;
	amqp_put_uint(&o, 0);
	amqp_put_bool(&o, false);
	amqp_close_list(&o);
	put_request(&o, w.device.id, w.body);
	frame_end(t, at);
	talk_words_free(&w);
}

static void say_accepted(struct talk *t, uint32_t delivery)
{
	struct amqp_out o;
	size_t at = frame_begin(t, FRAME_AMQP, DISPOSITION, &o);

	amqp_put_bool(&o, true);
	amqp_put_uint(&o, delivery);
	amqp_put_uint(&o, delivery);
	amqp_put_bool(&o, true);
	amqp_describe(&o, ACCEPTED);
	amqp_open_list(&o);
	amqp_close_list(&o);
	list_end(t, &o, at);
}

static void say_close(struct talk *t)
{
	struct amqp_out o;
	size_t at = frame_begin(t, FRAME_AMQP, CLOSE, &o);

	list_end(t, &o, at);
}

/* Of a login: each is what the server was brought to say by what follows the last one. */
enum login_step { SASL_BEGUN, MECHANISMS_OFFERED, LET_IN, OPENED, BEGUN, RECEIVING, SENDING };

/* With a certificate there is no SASL. */
static void say_hello(struct talk *t)
{
	struct talk_words w = talk_words(t);

	if (slice_absent(w.token)) {
		say_open(t);
		t->step = LET_IN;
	} else {
		buf_add(&t->out, SASL_HEADER);
	}
	talk_words_free(&w);
}

static bool begin(struct talk *t)
{
	switch (t->wish) {
	case TALK_LOGIN: say_hello(t); break;
	case TALK_PING: say_flow(t, 0, true); break;
	case TALK_REGISTER: say_register(t); break;
	case TALK_BYE: say_close(t); break;
	}
	return false;
}

/* --- in --- */

static enum talk_heard step(struct talk *t, enum login_step next)
{
	t->step = next;
	return TALK_GOES_ON;
}

static enum talk_heard hear_header(struct talk *t)
{
	struct slice header = slice_to(buf_slice(&t->in), HEADER_SIZE);

	if (!slice_eq(header, t->step == SASL_BEGUN ? SASL_HEADER : PLAIN_HEADER))
		give_up("amqp: device %u gets another protocol", t->number);
	return TALK_GOES_ON;
}

static enum talk_heard login(struct talk *t, enum code code, struct amqp_cursor *fields)
{
	switch (code) {
	case MECHANISMS: say_init(t); return step(t, MECHANISMS_OFFERED);
	case OUTCOME:
		if (amqp_next(fields).number != 0)
			give_up("amqp: device %u is turned away", t->number);
		say_open(t);
		return step(t, LET_IN);
	case OPEN: say_begin(t); return step(t, OPENED);
	case BEGIN:
		say_attach(t, RECEIVER);
		say_flow(t, CREDIT, false);
		return step(t, BEGUN);
	case ATTACH:
		if (t->step == BEGUN)
			say_attach(t, SENDER);
		return step(t, t->step == BEGUN ? RECEIVING : SENDING);
	case FLOW: return t->step == SENDING ? TALK_DONE : TALK_GOES_ON;
	default: give_up("amqp: device %u did not expect a %#x", t->number, code);
	}
}

static enum talk_heard take_answer(struct talk *t, struct amqp_cursor *fields, struct slice payload)
{
	struct amqp_message message;

	amqp_skip(fields, 1);
	say_accepted(t, amqp_next_uint(fields, 0));
	if (amqp_message_read((char *)payload.p, payload.n, &message) != OK)
		give_up("amqp: device %u gets an answer that cannot be read", t->number);
	return talk_registered(t, message.body);
}

static void see_accepted(struct talk *t, struct amqp_cursor *fields)
{
	amqp_skip(fields, 4);
	if (amqp_next(fields).descriptor != ACCEPTED)
		give_up("amqp: device %u is refused: %.*s", t->number, SLICE_ARG(fields->rest));
}

static enum talk_heard take(struct talk *t, enum code code, struct amqp_cursor *fields, struct slice payload)
{
	if (t->wish == TALK_LOGIN)
		return login(t, code, fields);
	if (t->wish == TALK_BYE && code == CLOSE)
		return TALK_DONE;
	if (t->wish == TALK_PING && code == FLOW)
		return TALK_DONE;
	if (t->wish == TALK_REGISTER && code == TRANSFER)
		return take_answer(t, fields, payload);
	if (t->wish == TALK_REGISTER && code == DISPOSITION)
		see_accepted(t, fields);
	else if (code != FLOW)
		give_up("amqp: device %u did not expect a %#x", t->number, code);
	return TALK_GOES_ON;
}

static size_t size_of(struct slice frame)
{
	size_t n = 0;

	for (int i = 0; i < 4; i++)
		n = n << 8 | (unsigned char)frame.p[i];
	return n;
}

static enum talk_heard hear_frame(struct talk *t, struct slice frame)
{
	struct amqp_cursor c = amqp_over(slice_from(frame, HEADER_SIZE)), fields;
	struct amqp_value performative;

	if (frame.n == HEADER_SIZE)
		return TALK_GOES_ON; /* a heartbeat */
	performative = amqp_next(&c);
	fields = amqp_over(performative.bytes);
	if (c.bad)
		give_up("amqp: device %u gets a frame that cannot be read", t->number);
	return take(t, (enum code)performative.descriptor, &fields, c.rest);
}

static enum talk_heard hear(struct talk *t)
{
	struct slice in = buf_slice(&t->in);
	enum talk_heard heard;
	size_t size = HEADER_SIZE;

	if (in.n < HEADER_SIZE)
		return TALK_WAITS;
	if (slice_starts(in, SLICE("AMQP"))) {
		heard = hear_header(t);
	} else if ((size = size_of(in)) < HEADER_SIZE || in.n < size) {
		return TALK_WAITS;
	} else {
		heard = hear_frame(t, slice_to(in, size));
	}
	buf_eat(&t->in, size);
	return heard;
}

const struct talk_kind talk_amqp = {"AMQPWSB10", begin, hear};
