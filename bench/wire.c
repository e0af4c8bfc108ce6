#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include "crypto/digest.h"
#include "give_up.h"
#include "wire.h"

#define NAME     "global.berth.test"
#define RAW_MAX  131072
#define READ_MAX 16384

SSL_CTX *wire_tls(void)
{
	SSL_CTX *c = SSL_CTX_new(TLS_client_method());

	if (c == NULL || SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_ciphersuites(c, "TLS_AES_128_GCM_SHA256") != 1 || SSL_CTX_set1_groups_list(c, "X25519") != 1)
		give_up("no TLS 1.3 here");
	SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	return c;
}

static void watch(struct wire *w, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = w->cookie};

	if (events != w->watched && epoll_ctl(w->conf->poll, w->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, w->fd, &e) != 0)
		give_up("epoll: %s", strerror(errno));
	w->watched = events;
}

/* Without a port: connect() takes one that is free for this address. */
static void choose_address(int fd, unsigned which)
{
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + which)};
	int one = 1;

	if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one)) != 0 ||
	    bind(fd, (struct sockaddr *)&from, sizeof(from)) != 0)
		give_up("no address: %s", strerror(errno));
}

void wire_open(struct wire *w, const struct wire_conf *conf, unsigned number, void *cookie)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)conf->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int one = 1;

	*w = (struct wire){.conf = conf, .cookie = cookie, .fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
	buf_init(&w->raw, RAW_MAX);
	if (w->fd < 0 || setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0)
		give_up("no socket: %s", strerror(errno));
	choose_address(w->fd, number % conf->addresses);
	if (connect(w->fd, (struct sockaddr *)&to, sizeof(to)) != 0 && errno != EINPROGRESS)
		give_up("port %d: %s", conf->port, strerror(errno));
	watch(w, EPOLLOUT);
}

void wire_close(struct wire *w)
{
	ERR_clear_error();
	if (w->state > WIRE_SHAKING)
		SSL_shutdown(w->ssl);
	SSL_free(w->ssl);
	close(w->fd);
	websocket_free(&w->frames);
	buf_fini(&w->raw);
}

/* --- steps; false: it has to wait --- */

/* Reading is always of interest, writing when OpenSSL wants to. */
static bool went_on(struct wire *w, int result)
{
	if (result == 1)
		return true;
	switch (SSL_get_error(w->ssl, result)) {
	case SSL_ERROR_WANT_READ: watch(w, EPOLLIN); return false;
	case SSL_ERROR_WANT_WRITE: watch(w, EPOLLIN | EPOLLOUT); return false;
	case SSL_ERROR_ZERO_RETURN: w->ended = true; return false;
	default: give_up("a connection to port %d broke in state %d", w->conf->port, (int)w->state);
	}
}

static bool begin_tls(struct wire *w)
{
	int error = 0;
	socklen_t size = sizeof(error);

	if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0)
		give_up("port %d: %s", w->conf->port, strerror(error));
	if ((w->ssl = SSL_new(w->conf->tls)) == NULL)
		give_up("no memory for TLS");
	SSL_set_app_data(w->ssl, w->cookie);
	SSL_set_fd(w->ssl, w->fd);
	SSL_set_connect_state(w->ssl);
	SSL_set_tlsext_host_name(w->ssl, NAME);
	w->state = WIRE_SHAKING;
	return true;
}

static bool shake(struct wire *w)
{
	if (!went_on(w, SSL_do_handshake(w->ssl)))
		return false;
	w->state = WIRE_OPEN;
	if (w->conf->subprotocol == NULL)
		return true;
	buf_printf(&w->raw, "GET /$iothub/websocket HTTP/1.1\r\nHost: " NAME "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
	buf_add_str(&w->raw, "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIGJlbmNoJ3Mga2V5IQ==\r\n");
	buf_printf(&w->raw, "Sec-WebSocket-Protocol: %s\r\n\r\n", w->conf->subprotocol);
	w->state = WIRE_UPGRADING;
	return true;
}

/* What cannot leave now does when the wire is next looked at. */
static void send_raw(struct wire *w)
{
	size_t sent;

	while (w->raw.n > 0 && went_on(w, SSL_write_ex(w->ssl, w->raw.p, w->raw.n, &sent)))
		buf_eat(&w->raw, sent);
	if (buf_failed(&w->raw))
		give_up("port %d does not take what it is sent", w->conf->port);
	if (w->raw.n == 0)
		buf_release(&w->raw);
}

static void wrap(struct wire *w, struct buf *out)
{
	if (w->frames)
		websocket_write(w->frames, buf_slice(out), &w->raw);
	else
		buf_add(&w->raw, buf_slice(out));
	buf_release(out);
}

static void unwrap(struct wire *w, struct slice bytes, struct buf *in)
{
	struct websocket_event event;
	enum err e;

	while ((e = websocket_read(w->frames, &bytes, &event)) == OK)
		if (event.kind == WEBSOCKET_DATA)
			buf_add(in, event.bytes);
	if (e == ERR_CLOSED)
		w->ended = true;
	else if (e != ERR_AGAIN)
		give_up("a WebSocket on port %d ends: %s", w->conf->port, err_text(e));
}

/* Nothing follows the head yet: it is for us to begin. */
static void see_upgrade(struct wire *w, struct buf *in)
{
	struct slice head = buf_slice(in);

	if (slice_search(head, SLICE("\r\n\r\n")) < 0)
		return;
	if (!slice_starts(head, SLICE("HTTP/1.1 101 ")))
		give_up("port %d will have no WebSocket: %.*s", w->conf->port, SLICE_ARG(head));
	buf_release(in);
	if ((w->frames = websocket_new(WEBSOCKET_CLIENT, random_bytes)) == NULL)
		give_up("no memory for a WebSocket");
	w->state = WIRE_OPEN;
}

/* False: there is no more. */
static bool receive(struct wire *w, struct buf *in)
{
	static char bytes[READ_MAX];
	size_t got;

	if (!went_on(w, SSL_read_ex(w->ssl, bytes, sizeof(bytes), &got)))
		return false;
	if (w->frames)
		unwrap(w, slice_over(bytes, got), in);
	else
		buf_add(in, slice_over(bytes, got));
	if (buf_failed(in))
		give_up("port %d says more than was asked", w->conf->port);
	if (w->state == WIRE_UPGRADING)
		see_upgrade(w, in);
	return true;
}

void wire_receive(struct wire *w, struct buf *in)
{
	ERR_clear_error();
	if ((w->state == WIRE_CONNECTING && !begin_tls(w)) || (w->state == WIRE_SHAKING && !shake(w)))
		return;
	while (receive(w, in))
		;
}

void wire_send(struct wire *w, struct buf *out)
{
	ERR_clear_error();
	if (w->state == WIRE_OPEN && out->n > 0)
		wrap(w, out);
	if (w->state >= WIRE_UPGRADING)
		send_raw(w);
}
