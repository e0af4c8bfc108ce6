#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "give_up.h"
#include "visit.h"
#include "wire.h"

#define SILENCE_MS 10000
#define EVENTS_MAX 64

struct guest {
	struct party *party;
	struct wire wire;
	struct talk talk;
	size_t wish; /* of `wishes` */
	int64_t began_us;
	bool shown; /* the server has asked who it is */
	bool seen;  /* we have looked at the server */
};

struct party {
	const struct visit_conf *conf;
	struct wire_conf wires;
	struct visit *visit;
	int started;
};

static const enum talk_wish wishes[] = {TALK_LOGIN, TALK_REGISTER, TALK_BYE};

static int tickets; /* that servers sent although they were told not to */

/* --- what every connection agrees on --- */

static int on_ticket(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	(void)session;
	tickets++;
	return 0;
}

/* OpenSSL calls it when the server asks for a certificate. */
static int on_asked(SSL *ssl, void *unused)
{
	struct guest *g = SSL_get_app_data(ssl);

	(void)unused;
	g->shown = true;
	target_show(g->party->conf->target, g->talk.number, ssl);
	return 1;
}

SSL_CTX *visit_tls(void)
{
	SSL_CTX *c = wire_tls();

	SSL_CTX_set_mode(c, SSL_MODE_NO_AUTO_CHAIN); /* what a device shows is what it was given */
	SSL_CTX_set_cert_cb(c, on_asked, NULL);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(c, on_ticket);
	return c;
}

/* --- one connection --- */

/* From one wish to the next; those that need no answer are fulfilled at once. True: that was the last. */
static bool wish_on(struct guest *g, size_t next)
{
	const size_t all = sizeof(wishes) / sizeof(wishes[0]);

	for (g->wish = next; g->wish < all; g->wish++)
		if (!talk_say(&g->talk, wishes[g->wish]))
			return false;
	return true;
}

static void arrive(struct guest *g)
{
	struct party *p = g->party;
	const struct visit_conf *conf = p->conf;

	talk_init(&g->talk, conf->target->talk, conf->owner, conf->number(conf->cookie, p->started++));
	g->shown = g->seen = false;
	wish_on(g, 0); /* before the clock runs: it is the device's own work */
	g->began_us = clock_mono_us();
	wire_open(&g->wire, &p->wires, 0, g);
}

/* The next of the party takes the place. */
static void leave(struct guest *g)
{
	struct party *p = g->party;

	p->visit->latency_us[p->visit->count++] = (double)(clock_mono_us() - g->began_us);
	wire_close(&g->wire);
	talk_fini(&g->talk);
	if (p->started < p->conf->count)
		arrive(g);
}

static void look_at_session(struct guest *g)
{
	const struct visit_conf *conf = g->party->conf;
	X509 *certificate = SSL_get0_peer_certificate(g->wire.ssl);

	if (certificate == NULL || X509_cmp(certificate, conf->expects) != 0)
		give_up("%s has another certificate", conf->target->name);
	if (conf->target->shown.count > 0 && !g->shown)
		give_up("%s asks for no certificate", conf->target->name);
	if (SSL_session_reused(g->wire.ssl))
		give_up("%s resumed a session", conf->target->name);
	g->party->visit->session = SSL_CIPHER_get_name(SSL_get_current_cipher(g->wire.ssl));
	g->seen = true;
}

static void attend(struct guest *g)
{
	bool over;

	wire_receive(&g->wire, &g->talk.in);
	if (!g->seen && g->wire.state > WIRE_SHAKING)
		look_at_session(g);
	over = g->wire.state == WIRE_OPEN && talk_hear(&g->talk) && wish_on(g, g->wish + 1);
	if (g->wire.ended && !over)
		give_up("%s says goodbye to device %u", g->party->conf->target->name, g->talk.number);
	wire_send(&g->wire, &g->talk.out);
	if (over)
		leave(g);
}

/* --- all of them --- */

static int by_size(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static void run_guests(struct party *p)
{
	struct epoll_event events[EVENTS_MAX];
	int n;

	while (p->visit->count < p->conf->count) {
		if ((n = epoll_wait(p->wires.poll, events, EVENTS_MAX, SILENCE_MS)) == 0)
			give_up("%s has been silent for %d ms", p->conf->target->name, SILENCE_MS);
		for (int i = 0; i < n; i++)
			attend(events[i].data.ptr);
	}
}

void visit_run(const struct visit_conf *conf, struct visit *out)
{
	const struct target *t = conf->target;
	struct party party = {.conf = conf, .visit = out};
	int at_once = conf->at_once < conf->count ? conf->at_once : conf->count;
	struct guest *guests = calloc((size_t)at_once, sizeof(*guests));
	int64_t began = clock_mono_us();

	*out = (struct visit){.latency_us = calloc((size_t)conf->count, sizeof(double))};
	party.wires = (struct wire_conf){.tls = conf->tls,
					 .poll = epoll_create1(EPOLL_CLOEXEC),
					 .port = t->port,
					 .addresses = 1,
					 .subprotocol = t->websocket ? t->talk->subprotocol : NULL};
	if (guests == NULL || out->latency_us == NULL || party.wires.poll < 0)
		give_up("out of memory");
	tickets = 0;
	for (int i = 0; i < at_once; i++) {
		guests[i].party = &party;
		arrive(&guests[i]);
	}
	run_guests(&party);
	out->took_us = clock_mono_us() - began;
	qsort(out->latency_us, (size_t)out->count, sizeof(double), by_size);
	if (tickets > 0)
		give_up("%s sends session tickets (%d)", t->name, tickets);
	close(party.wires.poll);
	free(guests);
}

void visit_free(struct visit *v)
{
	free(v->latency_us);
	v->latency_us = NULL;
}

double visit_latency(const struct visit *v, double share)
{
	return v->count ? v->latency_us[(size_t)(share * (v->count - 1))] : 0;
}
