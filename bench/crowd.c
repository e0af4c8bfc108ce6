#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "crowd.h"
#include "give_up.h"

#define SILENCE_MS 30000
#define EVENTS_MAX 256

struct guest {
	struct wire wire;
	struct talk talk;
	bool busy;
};

struct crowd {
	const struct crowd_conf *conf;
	struct wire_conf wires;
	struct guest *guests;
	unsigned count;

	/* What they were told last. */
	enum talk_wish wish;
	unsigned told, begun, done;
};

/* OpenSSL calls it when the server asks for a certificate. */
static int on_asked(SSL *ssl, void *crowd)
{
	const struct crowd *c = crowd;
	const struct guest *g = SSL_get_app_data(ssl);

	target_show(c->conf->target, g->talk.number, ssl);
	return 1;
}

struct crowd *crowd_new(const struct crowd_conf *conf)
{
	struct crowd *c = calloc(1, sizeof(*c));

	if (c == NULL)
		give_up("out of memory");
	c->conf = conf;
	c->wires = (struct wire_conf){.tls = wire_tls(),
				      .poll = epoll_create1(EPOLL_CLOEXEC),
				      .port = conf->target->port,
				      .addresses = conf->addresses,
				      .subprotocol = conf->target->websocket ? conf->target->talk->subprotocol : NULL};
	SSL_CTX_set_cert_cb(c->wires.tls, on_asked, c);
	return c;
}

void crowd_free(struct crowd *c)
{
	crowd_leave(c);
	close(c->wires.poll);
	SSL_CTX_free(c->wires.tls);
	free(c);
}

/* --- one after the other --- */

static void begin(struct crowd *c);

static void over(struct crowd *c, struct guest *g)
{
	g->busy = false;
	c->done++;
	if (c->begun < c->told)
		begin(c);
}

static void attend(struct crowd *c, struct guest *g)
{
	wire_receive(&g->wire, &g->talk.in);
	if (g->wire.state == WIRE_OPEN && talk_hear(&g->talk) && g->busy)
		over(c, g);
	if (g->wire.ended)
		give_up("%s says goodbye to device %u", c->conf->target->name, g->talk.number);
	wire_send(&g->wire, &g->talk.out);
}

/* The next in turn. */
static void begin(struct crowd *c)
{
	struct guest *g = &c->guests[(size_t)c->begun++ * c->count / c->told];

	g->busy = true;
	if (c->wish == TALK_LOGIN)
		wire_open(&g->wire, &c->wires, g->talk.number, g);
	if (talk_say(&g->talk, c->wish))
		over(c, g);
	wire_send(&g->wire, &g->talk.out);
}

/* False: nothing has happened for so long. */
static bool look(struct crowd *c, int ms)
{
	struct epoll_event events[EVENTS_MAX];
	int n = epoll_wait(c->wires.poll, events, EVENTS_MAX, ms);

	for (int i = 0; i < n; i++)
		attend(c, events[i].data.ptr);
	return n > 0;
}

static void run(struct crowd *c, enum talk_wish wish, unsigned count)
{
	c->wish = wish;
	c->told = count;
	c->begun = c->done = 0;
	while (c->begun < count && c->begun < c->conf->at_once)
		begin(c);
	while (c->done < count)
		if (!look(c, SILENCE_MS))
			give_up("%s has been silent for %d ms", c->conf->target->name, SILENCE_MS);
}

/* --- what they are told --- */

void crowd_come(struct crowd *c, unsigned count)
{
	if (c->count > 0 || (c->guests = calloc(count, sizeof(*c->guests))) == NULL)
		give_up("there is a crowd already, or no memory for this one");
	for (unsigned i = 0; i < count; i++)
		talk_init(&c->guests[i].talk, c->conf->target->talk, c->conf->owner, i);
	c->count = count;
	run(c, TALK_LOGIN, count);
}

void crowd_do(struct crowd *c, enum talk_wish wish, unsigned count)
{
	if (count > c->count)
		give_up("there are only %u", c->count);
	run(c, wish, count);
}

void crowd_sit(struct crowd *c, int ms)
{
	int64_t until = clock_mono_us() + (int64_t)ms * 1000, left;

	do {
		left = (until - clock_mono_us()) / 1000;
		look(c, left > 0 ? (int)left : 0);
	} while (left > 0);
}

unsigned crowd_leave(struct crowd *c)
{
	unsigned left = c->count;

	crowd_sit(c, 0);
	for (unsigned i = 0; i < c->count; i++) {
		struct guest *g = &c->guests[i];

		talk_say(&g->talk, TALK_BYE);
		wire_send(&g->wire, &g->talk.out);
		wire_close(&g->wire);
		talk_fini(&g->talk);
	}
	free(c->guests);
	c->guests = NULL;
	c->count = 0;
	return left;
}
