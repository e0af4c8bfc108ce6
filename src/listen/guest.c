/*
 * guest.c: one connection, from accept to the last of its goodbye.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "io/plain.h"
#include "listen/listen_own.h"

#define REASON_MAX 128

/* --- the end --- */

static void guest_drop(struct guest *g)
{
	struct listener *l = g->listener;

	if (--g->needed_by > 0)
		return;
	timer_cancel(&g->last_word);
	list_remove(&g->link);
	free(g);
	listener_guest_left(l);
}

static void on_stream_gone(void *cookie)
{
	struct guest *g = cookie;
	struct listener *l = g->listener;

	peer_leave(l->peers, &g->peer);
	atomic_fetch_sub(&l->open, 1);
	guest_drop(g);
}

static void on_connection_closed(void *cookie, struct connection *c)
{
	struct guest *g = cookie;

	assert(g->connection == NULL || g->connection == c);
	g->connection = NULL;
	g->closed = true;
	timer_cancel(&g->last_word);
	guest_drop(g);
}

/* During the handshake. The guest goes with its stream. */
static void guest_leave(struct guest *g)
{
	struct stream *stream = g->stream;

	g->stream = NULL;
	stream_abort(&stream);
}

/* --- the handshake, and handing over --- */

/* A proxy has said for whom it connects: that one's place is taken. */
static void on_introduced(void *cookie)
{
	struct guest *g = cookie;
	struct listener *l = g->listener;
	struct address from;

	if (address_read(slice_str(g->stream->peer_address), &from) && peer_enter(l->peers, &from, l->limits.per_peer_max, &g->peer) == OK)
		return;
	atomic_fetch_add(&l->refused, 1);
	guest_leave(g);
}

static void on_last_word(void *cookie)
{
	struct guest *g = cookie;

	g->last_word = NULL;
	g->listener->protocol->drain(g->connection);
}

static void on_open(void *cookie)
{
	struct guest *g = cookie;
	struct listener *l = g->listener;

	g->needed_by += 2; /* the connection, which may end while it begins, and this call */
	g->connection = l->protocol->open(l->loop, &g->stream, &g->env);
	if (g->connection == NULL)
		g->needed_by--;
	else if (g->closed)
		g->connection = NULL; /* it has been and gone */
	else if (l->draining && (g->last_word = loop_after(l->loop, LISTEN_LAST_WORD_MS, on_last_word, g)) == NULL)
		l->protocol->drain(g->connection);
	guest_drop(g);
}

static void on_bytes(void *cookie)
{
	(void)cookie; /* on_open comes first, and hands the stream over */
}

/* Nothing that a client did: the proxy is not set up as the operator believes, and all behind it are shut out. */
static void tell_fault(const struct guest *g, const char *fault)
{
	char reason[REASON_MAX];

	snprintf(reason, sizeof(reason), "PROXY header (--proxy-protocol): %s", fault);
	log_warn(NULL, "connection-refused", "protocol", g->listener->protocol->name, "peer", g->stream->peer_address, "reason", reason,
		 NULL);
}

static void on_broken(void *cookie, enum err why)
{
	struct guest *g = cookie;
	const char *fault = socket_header_fault(g->stream);

	if (fault) {
		tell_fault(g, fault);
		atomic_fetch_add(&g->listener->header_refused, 1);
	} else {
		log_debug(NULL, "handshake failed", "peer", g->stream->peer_address, "why", err_text(why), NULL);
		atomic_fetch_add(&g->listener->handshake_failed, 1);
	}
	guest_leave(g);
}

static const struct stream_user doorman = {
	.on_introduced = on_introduced, .on_open = on_open, .on_bytes = on_bytes, .on_broken = on_broken};

/* Takes over the descriptor. */
static enum err guest_stream(struct guest *g, int fd, bool proxied)
{
	struct listener *l = g->listener;
	struct socket_conf conf = {.handshake_ms = l->limits.handshake_ms,
				   .linger_ms = l->limits.linger_ms,
				   .proxied = proxied,
				   .gone = on_stream_gone,
				   .gone_cookie = g};

	if (l->tls)
		return tls_accept(l->loop, l->tls, fd, &conf, &doorman, g, &g->stream);
	return plain_accept(l->loop, fd, &conf, &doorman, g, &g->stream);
}

void guest_let_in(struct listener *l, int fd, struct peer *peer, bool proxied)
{
	struct guest *g = calloc(1, sizeof(*g));

	if (g == NULL) {
		close(fd);
		goto fail;
	}
	g->listener = l;
	g->env = (struct protocol_env){.house = l->house, .closed = on_connection_closed, .cookie = g};
	g->peer = peer;
	g->needed_by = 1; /* the stream */
	if (guest_stream(g, fd, proxied) != OK)
		goto fail;
	list_append(&l->guests, &g->link);
	atomic_fetch_add(&l->open, 1);
	atomic_fetch_add(&l->accepted, 1);
	return;

fail:
	free(g);
	peer_leave(l->peers, &peer);
	atomic_fetch_add(&l->refused, 1);
}

/* --- when the doors close --- */

void guest_drain(struct guest *g)
{
	if (g->connection)
		g->listener->protocol->drain(g->connection);
}

void guest_abort(struct guest *g)
{
	if (g->connection)
		g->listener->protocol->abort(g->connection);
	else if (g->stream)
		guest_leave(g);
}
