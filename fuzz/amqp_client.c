/*
 * amqp_client.c: any bytes as what a server says to a device over AMQP.
 *
 * The first byte says whether the device logs in, and whether by a TPM. However the bytes are cut, the same comes of them; nothing follows
 * the end, and an end that is the server's fault has a sentence.
 */
#include "codec/amqp_client.h"
#include "fuzz.h"

#define TALK_MAX (8u << 20)

/* All that was told to the device, and all that it said. */
struct talk {
	struct buf told, said;
};

static void talk_init(struct talk *t)
{
	buf_init(&t->told, TALK_MAX);
	buf_init(&t->said, TALK_MAX);
}

static void talk_fini(struct talk *t)
{
	buf_fini(&t->told);
	buf_fini(&t->said);
}

static void note(struct buf *told, const struct amqp_client_event *e)
{
	buf_printf(told, "%d %d %zu ", (int)e->kind, e->retry_after, e->message.body.n);
	buf_add(told, e->message.correlation);
	buf_add(told, e->message.body);
	buf_add(told, e->condition);
	buf_add(told, e->description);
	buf_add(told, e->challenge);
}

static void say(struct amqp_client *c, struct talk *t)
{
	buf_add(&t->said, amqp_client_output(c));
	amqp_client_output_taken(c);
}

static void on_event(struct amqp_client *c, const struct amqp_client_event *e, struct talk *t, bool *ended)
{
	const struct amqp_question q = {.correlation = "1", .operation = "op", .operation_id = "5.o", .body = SLICE("{}")};

	need(!*ended);
	if (e->kind == AMQP_CLIENT_CHALLENGE)
		amqp_client_prove(c, SLICE("t"));
	note(&t->told, e);
	*ended = e->kind == AMQP_CLIENT_CLOSED || e->kind == AMQP_CLIENT_REFUSED;
	if (e->kind == AMQP_CLIENT_READY || e->kind == AMQP_CLIENT_ANSWER || e->kind == AMQP_CLIENT_REJECTED) {
		enum err err = amqp_client_ask(c, &q);

		need(err == OK || err == ERR_AGAIN);
	} else {
		need(amqp_client_ask(c, &q) == ERR_AGAIN);
	}
	say(c, t);
}

static void run(unsigned how, struct slice all, size_t piece, struct talk *t)
{
	const struct amqp_client_conf conf = {.container = "c",
					      .host = "h",
					      .user = how & 1 ? SLICE("u") : NO_SLICE,
					      .tpm = {SLICE("s"), SLICE("r"), how & 2 ? SLICE("e") : NO_SLICE, SLICE("k")},
					      .password = SLICE("p"),
					      .address = SLICE("a"),
					      .api = "1",
					      .client = "f"};
	struct amqp_client *c = amqp_client_new(&conf);
	struct amqp_client_event e;
	struct buf waiting;
	bool ended = false;

	buf_init(&waiting, TALK_MAX);
	for (size_t at = 0; at < all.n; at += piece) {
		struct slice rest;

		buf_add(&waiting, slice_to(slice_from(all, at), piece));
		rest = buf_slice(&waiting);
		while (amqp_client_read(c, &rest, &e))
			on_event(c, &e, t, &ended);
		say(c, t);
		buf_eat(&waiting, waiting.n - rest.n);
	}
	buf_fini(&waiting);
	amqp_client_free(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const size_t pieces[] = {1, 7, 100};
	struct slice all = slice_over(data + 1, n ? n - 1 : 0);
	struct talk whole, cut;

	if (n == 0)
		return 0;
	talk_init(&whole);
	run(data[0], all, all.n ? all.n : 1, &whole);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		talk_init(&cut);
		run(data[0], all, pieces[i], &cut);
		need(slice_eq(buf_slice(&whole.told), buf_slice(&cut.told)));
		need(slice_eq(buf_slice(&whole.said), buf_slice(&cut.said)));
		talk_fini(&cut);
	}
	talk_fini(&whole);
	return 0;
}
