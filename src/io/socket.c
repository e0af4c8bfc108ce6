#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/socket_own.h"

#define READ_MAX    16384  /* at a time: one TLS record */
#define DISCARD_MAX 262144 /* what a peer may still send after our goodbye */

/* --- the end --- */

static void socket_gone(struct socket *k)
{
	k->phase = SOCKET_GONE;
	watch_stop(&k->watch);
	timer_cancel(&k->deadline);
	loop_unpost(k->s.loop, &k->turn);
	list_remove(&k->guest.link);
	k->transport->fini(k);
	close(k->fd);
	buf_fini(&k->inbox);
	buf_fini(&k->outbox);
	if (k->conf.gone)
		k->conf.gone(k->conf.gone_cookie);
	if (!k->in_turn)
		free(k);
}

static void socket_break(struct socket *k, enum err why)
{
	k->phase = SOCKET_BROKEN;
	timer_cancel(&k->deadline);
	watch_stop(&k->watch);
	k->s.user->on_broken(k->s.cookie, why); /* may free it: nothing after this */
}

static void on_deadline(void *cookie)
{
	struct socket *k = cookie;

	k->deadline = NULL;
	if (k->unintroduced)
		k->fault = "it did not come in time";
	if (k->phase == SOCKET_OPENING)
		socket_break(k, ERR_TIMEOUT);
	else
		socket_gone(k);
}

/* --- a turn: what a socket does when it is ready, or was asked to write --- */

static enum err be_introduced(struct socket *k)
{
	enum err e = introduction_read(k);

	if (e != OK)
		return e;
	k->unintroduced = false;
	if (k->s.user->on_introduced)
		k->s.user->on_introduced(k->s.cookie);
	return OK;
}

static void do_opening(struct socket *k)
{
	enum err e = OK;

	k->read_wants = WATCH_READ;
	if (k->unintroduced)
		e = be_introduced(k);
	if (k->phase != SOCKET_OPENING)
		return; /* whoever was introduced is not wanted */
	if (e == OK && k->transport->open)
		e = k->transport->open(k);
	if (e == ERR_AGAIN)
		return;
	if (e != OK) {
		socket_break(k, e);
		return;
	}
	timer_cancel(&k->deadline);
	k->phase = SOCKET_OPEN;
	if (k->s.user->on_open)
		k->s.user->on_open(k->s.cookie);
}

/* Read until the transport has no more, or we no room: what the kernel still has makes the watch
 * ready again. OK, or why the stream is broken; *news: there is
 * something to tell. */
static enum err fill_inbox(struct socket *k, bool *news)
{
	char bytes[READ_MAX];
	size_t got = 0;
	enum err e = OK;

	*news = false;
	while (!k->s.ended && k->inbox.n < STREAM_INBOX_MAX) {
		size_t room = STREAM_INBOX_MAX - k->inbox.n;

		if ((e = k->transport->read(k, bytes, room < READ_MAX ? room : READ_MAX, &got)) != OK)
			break;
		buf_add(&k->inbox, slice_over(bytes, got));
		if (buf_failed(&k->inbox))
			return ERR_NO_MEMORY;
		k->s.ended = got == 0;
		*news = true;
		if (!k->more)
			break;
	}
	return e == ERR_AGAIN ? OK : e;
}

/* OK: the outbox is empty. ERR_AGAIN: it is not. */
static enum err empty_outbox(struct socket *k)
{
	size_t taken = 0;
	enum err e;

	while (k->outbox.n > 0) {
		if ((e = k->transport->write(k, buf_slice(&k->outbox), &taken)) != OK)
			return e;
		buf_eat(&k->outbox, taken);
	}
	buf_release(&k->outbox);
	return OK;
}

static void do_read(struct socket *k)
{
	bool news;
	enum err e;

	k->read_wants = WATCH_READ;
	e = fill_inbox(k, &news);
	if (news)
		k->s.user->on_bytes(k->s.cookie);
	if (e != OK && k->phase == SOCKET_OPEN)
		socket_break(k, e);
}

static void do_write(struct socket *k)
{
	enum err e;

	if (k->outbox.n == 0)
		return;
	k->write_wants = WATCH_WRITE;
	e = empty_outbox(k);
	if (e == OK && k->s.user->on_drained)
		k->s.user->on_drained(k->s.cookie);
	else if (e != OK && e != ERR_AGAIN)
		socket_break(k, e);
}

static void do_flush(struct socket *k)
{
	enum err e;

	k->write_wants = WATCH_WRITE;
	e = empty_outbox(k);
	if (e == OK && k->transport->goodbye)
		e = k->transport->goodbye(k);
	if (e == ERR_AGAIN)
		return;
	/* A peer that has said its own goodbye sends nothing that could hurt ours. */
	if (e != OK || k->s.ended || shutdown(k->fd, SHUT_WR) != 0)
		socket_gone(k);
	else
		k->phase = SOCKET_LINGERING;
}

static void do_linger(struct socket *k)
{
	char bytes[READ_MAX];
	ssize_t n;

	while ((n = recv(k->fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0 && k->discarded < DISCARD_MAX)
		k->discarded += (size_t)n;
	if (n >= 0 || (errno != EAGAIN && errno != EINTR))
		socket_gone(k);
}

static int socket_interest(const struct socket *k)
{
	switch (k->phase) {
	case SOCKET_OPENING: return k->read_wants;
	case SOCKET_OPEN:
		return (!k->s.ended && k->inbox.n < STREAM_INBOX_MAX ? k->read_wants : 0) | (k->outbox.n > 0 ? k->write_wants : 0);
	case SOCKET_FLUSHING: return k->write_wants;
	case SOCKET_LINGERING: return WATCH_READ;
	default: return 0;
	}
}

static void schedule(struct socket *k)
{
	if (!k->turn.queued)
		loop_post(k->s.loop, &k->turn);
}

static void socket_turn(struct socket *k, bool readable)
{
	k->in_turn = true;
	if (k->phase == SOCKET_OPENING) {
		do_opening(k);
		readable = true; /* the first bytes may have come with the end of the handshake */
	}
	if (k->phase == SOCKET_OPEN && readable)
		do_read(k);
	if (k->phase == SOCKET_OPEN)
		do_write(k);
	if (k->phase == SOCKET_FLUSHING)
		do_flush(k);
	if (k->phase == SOCKET_LINGERING)
		do_linger(k);
	k->in_turn = false;
	if (k->phase == SOCKET_GONE) {
		free(k);
		return;
	}
	if (k->resume && k->phase == SOCKET_OPEN)
		schedule(k);
	if (k->watch)
		watch_change(k->watch, socket_interest(k));
}

static void on_ready(void *cookie, int events)
{
	struct socket *k = cookie;

	socket_turn(k, events & k->read_wants);
}

static void on_turn(struct task *t)
{
	struct socket *k = LIST_ITEM(t, struct socket, turn);
	bool resume = k->resume;

	k->resume = false;
	socket_turn(k, resume);
}

/* --- the stream's face --- */

static struct slice socket_inbox(struct stream *s)
{
	return buf_slice(&((struct socket *)s)->inbox);
}

static void socket_eat(struct stream *s, size_t n)
{
	struct socket *k = (struct socket *)s;
	bool was_full = k->inbox.n == STREAM_INBOX_MAX;

	buf_eat(&k->inbox, n);
	if (k->inbox.n == 0)
		buf_release(&k->inbox);
	if (!was_full || n == 0 || k->phase != SOCKET_OPEN)
		return;
	/* Bytes that the transport has taken from the kernel already make no watch ready: ask it. */
	k->resume = true;
	if (!k->in_turn)
		schedule(k);
}

static enum err socket_write(struct stream *s, struct slice bytes)
{
	struct socket *k = (struct socket *)s;

	if (k->phase != SOCKET_OPENING && k->phase != SOCKET_OPEN)
		return ERR_CLOSED;
	if (bytes.n > STREAM_OUTBOX_MAX - k->outbox.n)
		return ERR_TOO_BIG;
	buf_add(&k->outbox, bytes);
	if (buf_failed(&k->outbox))
		return ERR_NO_MEMORY;
	if (k->phase == SOCKET_OPEN && !k->in_turn)
		schedule(k);
	return OK;
}

static void socket_close(struct stream *s, bool abort)
{
	struct socket *k = (struct socket *)s;

	if (abort || k->phase != SOCKET_OPEN || (k->deadline = loop_after(s->loop, k->conf.linger_ms, on_deadline, k)) == NULL) {
		socket_gone(k);
		return;
	}
	k->phase = SOCKET_FLUSHING;
	buf_release(&k->inbox);
	loop_invite(s->loop, &k->guest);
	if (!k->in_turn)
		schedule(k);
}

static void on_loop_end(struct loop_guest *guest)
{
	socket_gone(LIST_ITEM(guest, struct socket, guest));
}

static const struct stream_kind socket_stream = {
	.inbox = socket_inbox,
	.eat = socket_eat,
	.write = socket_write,
	.close = socket_close,
};

/* --- the start --- */

static void name_peer(struct socket *k)
{
	struct sockaddr_storage address = {0};
	socklen_t size = sizeof(address);
	char host[INET6_ADDRSTRLEN] = "unknown";
	struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;

	getpeername(k->fd, (struct sockaddr *)&address, &size);
	if (address.ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
		snprintf(k->peer, sizeof(k->peer), "[%s]:%d", host, ntohs(v6->sin6_port));
	} else if (address.ss_family == AF_INET) {
		inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
		snprintf(k->peer, sizeof(k->peer), "%s:%d", host, ntohs(v4->sin_port));
	} else {
		snprintf(k->peer, sizeof(k->peer), "%s", host);
	}
}

enum err socket_start(struct socket *k, const struct transport *transport, struct loop *loop, int fd, const struct socket_conf *conf,
		      const struct stream_user *user, void *cookie)
{
	k->s = (struct stream){.kind = &socket_stream, .user = user, .cookie = cookie, .loop = loop, .peer_address = k->peer};
	k->transport = transport;
	k->conf = *conf;
	k->fd = fd;
	k->phase = SOCKET_OPENING;
	k->turn.run = on_turn;
	k->guest.end = on_loop_end;
	list_init(&k->guest.link);
	buf_init(&k->inbox, STREAM_INBOX_MAX);
	buf_init(&k->outbox, STREAM_OUTBOX_MAX);
	k->unintroduced = conf->proxied;
	name_peer(k);
	if (k->read_wants == 0)
		k->read_wants = WATCH_READ;
	if ((k->watch = loop_watch(loop, fd, k->read_wants, on_ready, k)) == NULL)
		return ERR_NO_MEMORY;
	if (transport->open == NULL && !k->unintroduced) {
		schedule(k); /* nothing to wait for: open in the next turn */
	} else if ((k->deadline = loop_after(loop, conf->handshake_ms, on_deadline, k)) == NULL) {
		watch_stop(&k->watch);
		return ERR_NO_MEMORY;
	}
	return OK;
}

const char *socket_header_fault(const struct stream *s)
{
	return ((const struct socket *)s)->fault;
}
