#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include "base/clock.h"
#include "give_up.h"
#include "visit.h"

#define SILENCE_MS 10000
#define EVENTS_MAX 64
#define NAME       "global.berth.test"

struct guest {
	struct party *party;
	int number, fd;
	SSL *ssl;
	enum { CONNECTING, SHAKING, ASKING, LISTENING } state;
	int64_t began_us;
	uint32_t watched;
	bool shown; /* the server has asked who it is */
	struct buf request, answer;
};

struct party {
	const struct visit_conf *conf;
	struct visit *visit;
	int poll, started;
};

static int tickets; /* that servers sent although they were told not to */

/* --- what every connection agrees on --- */

static int on_ticket(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	(void)session;
	tickets++;
	return 0;
}

SSL_CTX *visit_tls(void)
{
	SSL_CTX *c = SSL_CTX_new(TLS_client_method());

	if (c == NULL || SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_ciphersuites(c, "TLS_AES_128_GCM_SHA256") != 1 || SSL_CTX_set1_groups_list(c, "X25519") != 1)
		give_up("no TLS 1.3 here");
	SSL_CTX_set_mode(c, SSL_MODE_NO_AUTO_CHAIN); /* what a device shows is what it was given */
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(c, on_ticket);
	return c;
}

/* --- one connection --- */

static void watch(struct guest *g, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = g};

	if (events != g->watched && epoll_ctl(g->party->poll, g->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, g->fd, &e) != 0)
		give_up("epoll: %s", strerror(errno));
	g->watched = events;
}

/* OpenSSL calls it when the server asks for a certificate. */
static int on_asked(SSL *ssl, void *arg)
{
	struct guest *g = arg;
	const struct visit_conf *conf = g->party->conf;

	g->shown = true;
	if (conf->show)
		conf->show(conf->cookie, g->number, ssl);
	return 1;
}

static void arrive(struct guest *g)
{
	struct party *p = g->party;
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)p->conf->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int one = 1;

	g->number = p->started++;
	g->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (g->fd < 0 || setsockopt(g->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0 || (g->ssl = SSL_new(p->conf->tls)) == NULL)
		give_up("no socket: %s", strerror(errno));
	SSL_set_fd(g->ssl, g->fd);
	SSL_set_connect_state(g->ssl);
	SSL_set_cert_cb(g->ssl, on_asked, g);
	SSL_set_tlsext_host_name(g->ssl, NAME);
	p->conf->ask(p->conf->cookie, g->number, &g->request); /* before the clock runs: it is the device's own work */
	g->state = CONNECTING;
	g->watched = 0;
	g->shown = false;
	g->began_us = clock_mono_us();
	if (connect(g->fd, (struct sockaddr *)&to, sizeof(to)) != 0 && errno != EINPROGRESS)
		give_up("port %d: %s", p->conf->port, strerror(errno));
	watch(g, EPOLLOUT);
}

/* The next of the party takes the place. */
static void leave(struct guest *g)
{
	struct party *p = g->party;

	p->visit->latency_us[p->visit->count++] = (double)(clock_mono_us() - g->began_us);
	SSL_shutdown(g->ssl);
	SSL_free(g->ssl);
	g->ssl = NULL;
	close(g->fd);
	buf_clear(&g->request);
	buf_clear(&g->answer);
	if (p->started < p->conf->count)
		arrive(g);
}

/* True: go on at once. False: wait, for reading unless OpenSSL wants to write. */
static bool went_on(struct guest *g, int result)
{
	if (result == 1)
		return true;
	switch (SSL_get_error(g->ssl, result)) {
	case SSL_ERROR_WANT_READ: watch(g, EPOLLIN); return false;
	case SSL_ERROR_WANT_WRITE: watch(g, EPOLLOUT); return false;
	default: give_up("connection %d to port %d broke in state %d", g->number, g->party->conf->port, (int)g->state);
	}
}

static void look_at_session(struct guest *g)
{
	X509 *certificate = SSL_get0_peer_certificate(g->ssl);

	if (certificate == NULL || X509_cmp(certificate, g->party->conf->expects) != 0)
		give_up("port %d has another certificate", g->party->conf->port);
	if (g->party->conf->show && !g->shown)
		give_up("port %d asks for no certificate", g->party->conf->port);
	if (SSL_session_reused(g->ssl))
		give_up("port %d resumed a session", g->party->conf->port);
	g->party->visit->session = SSL_CIPHER_get_name(SSL_get_current_cipher(g->ssl));
}

/* Enough of HTTP for answers with a Content-Length. False: more is to come. */
static bool read_answer(struct slice text, int *status, struct slice *body)
{
	static const char length_name[] = "content-length:";
	ptrdiff_t head = slice_search(text, SLICE("\r\n\r\n"));
	const char *length;

	if (head < 0 || sscanf(text.p, "HTTP/1.1 %d", status) != 1)
		return false;
	length = strcasestr(text.p, length_name);
	if (length == NULL || length > text.p + head)
		give_up("an answer without a length: %.*s", (int)head, text.p);
	*body = slice_from(text, (size_t)head + 4);
	return body->n >= strtoul(length + sizeof(length_name) - 1, NULL, 10);
}

static bool listen_on(struct guest *g)
{
	const struct visit_conf *conf = g->party->conf;
	struct slice body;
	char *room = buf_room(&g->answer, ANSWER_MAX / 2);
	size_t got = 0;
	int status;

	if (room == NULL)
		give_up("an answer of more than %d bytes", ANSWER_MAX);
	if (!went_on(g, SSL_read_ex(g->ssl, room, ANSWER_MAX / 2 - 1, &got)))
		return false;
	room[got] = 0;
	buf_claim(&g->answer, got);
	if (!read_answer(buf_slice(&g->answer), &status, &body))
		return true;
	if (!conf->check(conf->cookie, g->number, status, body))
		give_up("port %d, connection %d: not the answer that was to come:\n%.*s\n%.*s", conf->port, g->number,
			SLICE_ARG(buf_slice(&g->request)), SLICE_ARG(buf_slice(&g->answer)));
	leave(g);
	return false;
}

static bool step(struct guest *g)
{
	size_t written;
	int error = 0;
	socklen_t size = sizeof(error);

	switch (g->state) {
	case CONNECTING:
		if (getsockopt(g->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0)
			give_up("port %d: %s", g->party->conf->port, strerror(error));
		g->state = SHAKING;
		return true;
	case SHAKING:
		if (!went_on(g, SSL_do_handshake(g->ssl)))
			return false;
		look_at_session(g);
		g->state = ASKING;
		return true;
	case ASKING:
		if (!went_on(g, SSL_write_ex(g->ssl, g->request.p, g->request.n, &written)))
			return false;
		g->state = LISTENING;
		return true;
	case LISTENING: return listen_on(g);
	}
	return false;
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
		if ((n = epoll_wait(p->poll, events, EVENTS_MAX, SILENCE_MS)) == 0)
			give_up("port %d has been silent for %d ms", p->conf->port, SILENCE_MS);
		for (int i = 0; i < n; i++) {
			ERR_clear_error();
			while (step(events[i].data.ptr))
				;
		}
	}
}

void visit_run(const struct visit_conf *conf, struct visit *out)
{
	struct party party = {.conf = conf, .visit = out, .poll = epoll_create1(EPOLL_CLOEXEC)};
	int at_once = conf->at_once < conf->count ? conf->at_once : conf->count;
	struct guest *guests = calloc((size_t)at_once, sizeof(*guests));
	int64_t began = clock_mono_us();

	*out = (struct visit){.latency_us = calloc((size_t)conf->count, sizeof(double))};
	if (guests == NULL || out->latency_us == NULL || party.poll < 0)
		give_up("out of memory");
	tickets = 0;
	for (int i = 0; i < at_once; i++) {
		guests[i].party = &party;
		buf_init(&guests[i].request, REQUEST_MAX);
		buf_init(&guests[i].answer, ANSWER_MAX);
		arrive(&guests[i]);
	}
	run_guests(&party);
	out->took_us = clock_mono_us() - began;
	qsort(out->latency_us, (size_t)out->count, sizeof(double), by_size);
	if (tickets > 0)
		give_up("port %d sends session tickets (%d)", conf->port, tickets);
	for (int i = 0; i < at_once; i++) {
		buf_fini(&guests[i].request);
		buf_fini(&guests[i].answer);
	}
	close(party.poll);
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
