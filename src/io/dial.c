#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "io/dial.h"
#include "io/lookup.h"
#include "io/tls_own.h"
#include "io/trust.h"

struct dialer {
	struct loop *loop;
	SSL_CTX *context;
	X509_STORE *trust;
	struct resolver *resolver;
	struct list dials;
};

struct dial {
	struct dialer *dialer;
	struct list link;
	dial_done *done;
	void *cookie;
	char name[LOOKUP_HOST_MAX + 1]; /* that the certificate must bear */
	char host[LOOKUP_HOST_MAX + 1]; /* where we connect */
	int deadline_ms, linger_ms;
	int64_t deadline; /* loop_now_ms */
	struct timer *timer;

	/* The steps, each its own: a lookup, then connections, then the handshake. */
	struct lookup *lookup;
	struct endpoint addresses[LOOKUP_ADDRESSES];
	size_t count, next;
	int fd;
	struct watch *watch;
	SSL *ssl; /* until the stream has it */
	struct stream *stream;

	struct task failed; /* before anything was begun */
	bool telling;
	enum err e;
	char why[DIAL_WHY_MAX];
};

/* --- the end --- */

/* Let go of everything but the memory. */
static void release(struct dial *d)
{
	list_remove(&d->link);
	loop_unpost(d->dialer->loop, &d->failed);
	lookup_cancel(&d->lookup);
	timer_cancel(&d->timer);
	watch_stop(&d->watch);
	if (d->fd >= 0)
		close(d->fd);
	stream_abort(&d->stream);
	SSL_free(d->ssl);
}

/* In done() the dial may be cancelled and the dialer be freed. */
static void tell(struct dial *d, struct stream *stream)
{
	const struct dial_answer answer = {.e = d->e, .why = d->why, .stream = stream};

	release(d);
	d->telling = true;
	d->done(d->cookie, &answer);
	free(d);
}

static void on_failed(struct task *t)
{
	tell(LIST_ITEM(t, struct dial, failed), NULL);
}

static void say(struct dial *d, enum err e, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void say(struct dial *d, enum err e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(d->why, sizeof(d->why), fmt, ap);
	va_end(ap);
	d->e = e;
}

static void say_no_memory(struct dial *d)
{
	say(d, ERR_NO_MEMORY, "out of memory");
}

static int64_t time_left(const struct dial *d)
{
	int64_t left = d->deadline - loop_now_ms(d->dialer->loop);

	return left > 0 ? left : 0;
}

/* --- the handshake --- */

static void on_open(void *cookie)
{
	struct dial *d = cookie;
	struct stream *stream = d->stream;

	d->stream = NULL;
	tell(d, stream);
}

static void on_bytes(void *cookie)
{
	(void)cookie; /* none before on_open */
}

static void say_not_trusted(struct dial *d, long verdict)
{
	if (verdict == X509_V_ERR_HOSTNAME_MISMATCH || verdict == X509_V_ERR_IP_ADDRESS_MISMATCH)
		say(d, ERR_UNREACHABLE, "the server's certificate does not name %s", d->name);
	else
		say(d, ERR_UNREACHABLE, "the certificate of %s is not trusted: %s", d->name, X509_verify_cert_error_string(verdict));
}

static void on_broken(void *cookie, enum err why)
{
	struct dial *d = cookie;
	struct tls_failure failure = tls_stream_failure(d->stream);

	if (why == ERR_TIMEOUT)
		say(d, ERR_TIMEOUT, "no TLS handshake with %s within %d ms", d->stream->peer_address, d->deadline_ms);
	else if (failure.verdict != X509_V_OK)
		say_not_trusted(d, failure.verdict);
	else if (why == ERR_CLOSED)
		say(d, ERR_UNREACHABLE, "%s hung up during the TLS handshake", d->stream->peer_address);
	else
		say(d, ERR_UNREACHABLE, "no TLS with %s: %s", d->stream->peer_address, failure.reason ? failure.reason : err_text(why));
	tell(d, NULL);
}

static const struct stream_user opening = {.on_open = on_open, .on_bytes = on_bytes, .on_broken = on_broken};

static void shake_hands(struct dial *d)
{
	const struct socket_conf conf = {.handshake_ms = (int)time_left(d), .linger_ms = d->linger_ms};
	SSL *ssl = d->ssl;
	int fd = d->fd;

	d->ssl = NULL;
	d->fd = -1;
	if (tls_stream_new(d->dialer->loop, NULL, ssl, fd, &conf, &opening, d, &d->stream) == OK)
		return;
	say_no_memory(d);
	tell(d, NULL);
}

/* --- the connection --- */

static void say_no_connection(struct dial *d, const struct endpoint *to, int error)
{
	char host[INET6_ADDRSTRLEN] = "";

	if (to->to.any.sa_family == AF_INET6)
		inet_ntop(AF_INET6, &to->to.v6.sin6_addr, host, sizeof(host));
	else
		inet_ntop(AF_INET, &to->to.v4.sin_addr, host, sizeof(host));
	say(d, error == ETIMEDOUT ? ERR_TIMEOUT : ERR_UNREACHABLE, "no connection to %s, port %d: %s", host, ntohs(to->to.v4.sin_port),
	    strerror(error));
}

static void connect_next(struct dial *d);

static void give_up_address(struct dial *d, int error)
{
	timer_cancel(&d->timer);
	watch_stop(&d->watch);
	close(d->fd);
	d->fd = -1;
	say_no_connection(d, &d->addresses[d->next - 1], error);
	connect_next(d);
}

static void on_connected(void *cookie, int events)
{
	struct dial *d = cookie;
	int error = 0;
	socklen_t size = sizeof(error);

	(void)events;
	getsockopt(d->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error) {
		give_up_address(d, error);
		return;
	}
	d->e = OK;
	timer_cancel(&d->timer);
	watch_stop(&d->watch);
	shake_hands(d);
}

static void on_slow_address(void *cookie)
{
	struct dial *d = cookie;

	d->timer = NULL;
	give_up_address(d, ETIMEDOUT);
}

/* False: it failed at once. Each address has its share of the time that is left. */
static bool connect_begin(struct dial *d, const struct endpoint *to, int64_t share)
{
	struct loop *loop = d->dialer->loop;
	int on = 1, error;

	if ((d->fd = socket(to->to.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) < 0) {
		say_no_connection(d, to, errno);
		return false;
	}
	setsockopt(d->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	error = connect(d->fd, &to->to.any, to->size) == 0 ? 0 : errno;
	if (error == 0 || error == EINPROGRESS) {
		d->watch = loop_watch(loop, d->fd, WATCH_WRITE, on_connected, d);
		d->timer = loop_after(loop, share, on_slow_address, d);
		if (d->watch && d->timer)
			return true;
		error = ENOMEM;
	}
	timer_cancel(&d->timer);
	watch_stop(&d->watch);
	close(d->fd);
	d->fd = -1;
	say_no_connection(d, to, error);
	return false;
}

static void connect_next(struct dial *d)
{
	while (d->next < d->count) {
		int64_t share = time_left(d) / (int64_t)(d->count - d->next);

		if (connect_begin(d, &d->addresses[d->next++], share))
			return;
	}
	tell(d, NULL);
}

/* --- the name --- */

static void on_addresses(void *cookie, const struct lookup_answer *answer)
{
	struct dial *d = cookie;

	d->lookup = NULL;
	timer_cancel(&d->timer);
	if (answer->e != OK) {
		say(d, answer->e == ERR_NO_MEMORY ? ERR_NO_MEMORY : ERR_UNREACHABLE, "no address for %s: %s", d->host, answer->why);
		tell(d, NULL);
		return;
	}
	memcpy(d->addresses, answer->addresses, answer->count * sizeof(*answer->addresses));
	d->count = answer->count;
	connect_next(d);
}

static void on_slow_name(void *cookie)
{
	struct dial *d = cookie;

	d->timer = NULL;
	say(d, ERR_TIMEOUT, "no address for %s: no name server has answered within %d ms", d->host, d->deadline_ms);
	tell(d, NULL);
}

/* --- the beginning --- */

/* "host:port", "[2001:db8::1]:port" */
static bool split_where(struct slice text, char host[LOOKUP_HOST_MAX + 1], int *port)
{
	ptrdiff_t colon = -1;
	uint64_t number;

	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] == ':')
			colon = (ptrdiff_t)i;
	if (colon <= 0 || !slice_to_u64(slice_from(text, (size_t)colon + 1), &number) || number == 0 || number > 65535)
		return false;
	text = slice_to(text, (size_t)colon);
	if (text.p[0] == '[' && text.p[text.n - 1] == ']')
		text = slice_over(text.p + 1, text.n - 2);
	*port = (int)number;
	return snprintf(host, LOOKUP_HOST_MAX + 1, "%.*s", SLICE_ARG(text)) <= LOOKUP_HOST_MAX;
}

static bool find_out_where(struct dial *d, const struct dial_ask *ask, int *port)
{
	*port = ask->port;
	snprintf(d->host, sizeof(d->host), "%s", ask->host);
	if (snprintf(d->name, sizeof(d->name), "%s", ask->host) > LOOKUP_HOST_MAX)
		say(d, ERR_INVALID, "no host has a name that long");
	else if (ask->connect_to && !split_where(slice_str(ask->connect_to), d->host, port))
		say(d, ERR_INVALID, "\"%.300s\" is not an address and a port", ask->connect_to);
	return d->e == OK;
}

/* The certificate must be for this name or address; a name is told to the server (RFC 6066 section 3). */
static bool expect_name(struct dial *d)
{
	X509_VERIFY_PARAM *expected = SSL_get0_param(d->ssl);

	X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (X509_VERIFY_PARAM_set1_ip_asc(expected, d->name) == 1)
		return true;
	if (SSL_set1_host(d->ssl, d->name) == 1 && SSL_set_tlsext_host_name(d->ssl, d->name) == 1)
		return true;
	say(d, ERR_INVALID, "\"%s\" is no name of a host", d->name);
	return false;
}

static bool take_credential(struct dial *d, const struct credential *c)
{
	const char *reason;

	if (c == NULL || SSL_use_cert_and_key(d->ssl, c->leaf, c->key, c->chain, 1) == 1)
		return true;
	reason = ERR_reason_error_string(ERR_peek_last_error());
	say(d, ERR_INVALID, "the device's certificate cannot be shown: %s", reason ? reason : "unknown reason");
	return false;
}

static bool prepare(struct dial *d, const struct dial_ask *ask, int *port)
{
	bool good;

	if (!find_out_where(d, ask, port))
		return false;
	ERR_clear_error();
	if ((d->ssl = SSL_new(d->dialer->context)) == NULL) {
		say_no_memory(d);
		return false;
	}
	SSL_set_connect_state(d->ssl);
	good = expect_name(d) && take_credential(d, ask->credential);
	ERR_clear_error();
	return good;
}

struct dial *dial_start(struct dialer *dialer, const struct dial_ask *ask, dial_done *done, void *cookie)
{
	struct dial *d = calloc(1, sizeof(*d));
	int port;

	if (d == NULL)
		return NULL;
	*d = (struct dial){.dialer = dialer, .done = done, .cookie = cookie, .fd = -1, .failed.run = on_failed};
	d->deadline_ms = ask->deadline_ms;
	d->linger_ms = ask->linger_ms;
	d->deadline = loop_now_ms(dialer->loop) + ask->deadline_ms;
	list_append(&dialer->dials, &d->link);
	if (!prepare(d, ask, &port)) {
		loop_post(dialer->loop, &d->failed);
		return d;
	}
	d->timer = loop_after(dialer->loop, ask->deadline_ms, on_slow_name, d);
	d->lookup = lookup_start(dialer->resolver, dialer->loop, d->host, port, on_addresses, d);
	if (d->timer == NULL || d->lookup == NULL)
		dial_cancel(&d);
	return d;
}

void dial_cancel(struct dial **dial)
{
	struct dial *d = *dial;

	*dial = NULL;
	if (d == NULL || d->telling) /* else the teller frees it */
		return;
	release(d);
	free(d);
}

/* --- the dialer --- */

static void context_set_up(SSL_CTX *c, X509_STORE *trust)
{
	SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
	SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	SSL_CTX_set1_cert_store(c, trust);
	SSL_CTX_set_verify(c, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_max_cert_list(c, TLS_CHAIN_MAX);
	SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				    SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_read_ahead(c, 1);
	tls_guard(c);
}

enum err dialer_new(struct loop *loop, const struct dialer_conf *conf, struct dialer **out)
{
	struct dialer *r = calloc(1, sizeof(*r));
	enum err e = ERR_NO_MEMORY;

	if (r == NULL)
		goto fail;
	r->loop = loop;
	list_init(&r->dials);
	if ((r->context = SSL_CTX_new(TLS_client_method())) == NULL)
		goto fail_dialer;
	if ((e = trust_get(conf->ca_files, &r->trust)) != OK)
		goto fail_context;
	if ((e = resolver_new(&r->resolver)) != OK)
		goto fail_trust;
	context_set_up(r->context, r->trust);
	*out = r;
	return OK;

fail_trust:
	trust_drop(&r->trust);
fail_context:
	SSL_CTX_free(r->context);
fail_dialer:
	free(r);
fail:
	return e;
}

void dialer_free(struct dialer **dialer)
{
	struct dialer *r = *dialer;

	*dialer = NULL;
	if (r == NULL)
		return;
	while (!list_empty(&r->dials)) {
		struct dial *d = LIST_ITEM(r->dials.next, struct dial, link);

		dial_cancel(&d);
	}
	resolver_free(&r->resolver);
	SSL_CTX_free(r->context);
	trust_drop(&r->trust);
	free(r);
}
