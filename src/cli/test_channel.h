/*
 * test_channel.h: a channel, and a server on the same loop that says what the test wants. Included by tests only.
 */
#ifndef BERTH_CLI_TEST_CHANNEL_H
#define BERTH_CLI_TEST_CHANNEL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/http.h"
#include "crypto/test_certificates.h"
#include "cli/channel.h"
#include "io/test_server.h"
#include "io/websocket.h"

#define TOO_LONG_MS 20000

struct channel_world {
	struct loop *loop;
	struct timer *too_long;
	struct test_server server;

	/* The last connection to it: what came in it, TLS or WebSocket taken off. */
	struct stream *peer;
	struct buf in;
	bool ended; /* by the device, in order */
	bool websocket;
	char request[1024]; /* for it; "" when there was none */
	void (*hear)(struct channel_world *);
	size_t leaf_n; /* bytes of the certificate that was shown */

	struct channel_conf conf;
	struct channel_device device;
	struct channel *channel;
	bool closes; /* in done() */

	int answers;
	enum err e;
	int status, retry_after;
	char why[DIAL_WHY_MAX], body[256];
	size_t body_n;
};

static struct test_folder channel_folder;
static char channel_files[2][128], channel_authority[128];

/* --- the server --- */

static inline void on_peer_bytes(void *cookie)
{
	struct channel_world *w = cookie;
	struct slice bytes = stream_inbox(w->peer);

	buf_add(&w->in, bytes);
	stream_eat(w->peer, bytes.n);
	w->hear(w);
	if (w->peer && w->peer->ended) {
		stream_close(&w->peer);
		w->ended = true;
	}
}

static inline void on_peer_broken(void *cookie, enum err why)
{
	struct channel_world *w = cookie;

	(void)why;
	stream_close(&w->peer);
}

static const struct stream_user channel_peer = {.on_bytes = on_peer_bytes, .on_broken = on_peer_broken};

/* The connection is the protocol's from now on; the one before is over. */
static inline void meet_peer(struct channel_world *w, struct stream *peer)
{
	stream_close(&w->peer);
	w->peer = peer;
	buf_clear(&w->in);
	w->ended = false;
	stream_use(peer, &channel_peer, w);
}

static inline void on_visit_open(void *cookie)
{
	struct test_visit *v = cookie;
	struct channel_world *w = LIST_ITEM(v->server, struct channel_world, server);
	struct stream *peer = v->stream;

	w->leaf_n = v->stream->chain_count ? v->stream->chain[0].n : 0;
	if (w->websocket)
		return;
	v->stream = NULL;
	meet_peer(w, peer);
}

static inline void on_visit_bytes(void *cookie)
{
	struct test_visit *v = cookie;
	struct channel_world *w = LIST_ITEM(v->server, struct channel_world, server);
	struct arena *a = arena_new(4096);
	struct http_head head;
	struct stream *peer;
	const char *why;
	size_t used;

	if (http_read_head(stream_inbox(v->stream), &head, &used, &why) == OK) {
		struct slice accept = websocket_accept(a, http_header(&head, "Sec-WebSocket-Key"));
		struct slice chosen = http_header(&head, "Sec-WebSocket-Protocol");
		struct slice answer = arena_format(a,
						   "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
						   "Sec-WebSocket-Accept: %.*s\r\nSec-WebSocket-Protocol: %.*s\r\n\r\n",
						   SLICE_ARG(accept), SLICE_ARG(chosen));

		snprintf(w->request, sizeof(w->request), "%.*s", (int)used, stream_inbox(v->stream).p);
		assert_int_equal(OK, stream_write(v->stream, answer));
		stream_eat(v->stream, used);
		assert_int_equal(OK, websocket_stream_open(&v->stream, WEBSOCKET_SERVER, &peer));
		meet_peer(w, peer);
	}
	arena_free(&a);
}

static inline void on_visit_broken(void *cookie, enum err why)
{
	struct test_visit *v = cookie;

	(void)why;
	stream_close(&v->stream);
}

static const struct stream_user channel_visitor = {.on_open = on_visit_open, .on_bytes = on_visit_bytes, .on_broken = on_visit_broken};

/* --- the world --- */

static inline void on_too_long(void *cookie)
{
	(void)cookie;
	fail_msg("the test did not come to its end");
}

static inline void channel_world_init(struct channel_world *w, const struct channel_kind *kind, void (*hear)(struct channel_world *))
{
	const struct dialer_conf conf = {.ca_files = {channel_authority}};

	*w = (struct channel_world){.hear = hear,
				    .websocket = strstr(kind->name, "-ws") != NULL,
				    .device = {.id = "d1", .token = "SharedAccessSignature sr=x"}};
	assert_int_equal(OK, loop_new(&w->loop));
	w->too_long = loop_after(w->loop, TOO_LONG_MS, on_too_long, w);
	buf_init(&w->in, 1024 * 1024);
	test_server_open(&w->server, w->loop, channel_files[0], channel_files[1], &channel_visitor);
	w->conf = (struct channel_conf){.loop = w->loop,
					.host = "global.berth.test",
					.address = "127.0.0.1",
					.https_port = w->server.port,
					.mqtts_port = w->server.port,
					.amqps_port = w->server.port,
					.scope = "0ne1"};
	assert_int_equal(OK, dialer_new(w->loop, &conf, &w->conf.dialer));
	w->channel = channel_open(kind, &w->conf, &w->device);
	assert_non_null(w->channel);
}

static inline void channel_world_fini(struct channel_world *w)
{
	channel_close(&w->channel);
	dialer_free(&w->conf.dialer);
	timer_cancel(&w->too_long);
	stream_abort(&w->peer);
	test_server_close(&w->server);
	buf_fini(&w->in);
	loop_free(&w->loop);
}

static inline void on_channel_answer(void *cookie, const struct channel_answer *answer)
{
	struct channel_world *w = cookie;

	if (w->closes)
		channel_close(&w->channel);
	w->answers++;
	w->e = answer->e;
	w->status = answer->status;
	w->retry_after = answer->retry_after;
	w->body_n = answer->body.n;
	snprintf(w->why, sizeof(w->why), "%s", answer->why ? answer->why : "");
	snprintf(w->body, sizeof(w->body), "%.*s", SLICE_ARG(answer->body));
	loop_stop(w->loop);
}

/* NULL: register. */
static inline void channel_start(struct channel_world *w, const char *operation)
{
	const struct channel_ask ask = {.operation = operation, .body = SLICE("{\"registrationId\":\"d1\"}")};
	int before = w->answers;

	assert_int_equal(OK, channel_ask(w->channel, &ask, on_channel_answer, w));
	assert_int_equal(before, w->answers); /* never inside the call */
}

static inline void channel_ask_and_wait(struct channel_world *w, const char *operation)
{
	channel_start(w, operation);
	loop_run(w->loop);
}

static inline void on_pause_over(void *cookie)
{
	loop_stop(((struct channel_world *)cookie)->loop);
}

/* For what must not happen meanwhile. */
static inline void channel_pause(struct channel_world *w, int ms)
{
	struct timer *t = loop_after(w->loop, ms, on_pause_over, w);

	assert_non_null(t);
	loop_run(w->loop);
}

static inline void assert_channel_failed(const struct channel_world *w, enum err e, const char *words)
{
	assert_int_equal(e, w->e);
	if (strstr(w->why, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", w->why, words);
}

/* Group set-up and the opposite. */
static inline int make_channel_files(void **state)
{
	struct test_certificate authority = test_make((struct test_wish){.name = "authority", .ca = 1});
	struct test_certificate server = test_make((struct test_wish){.name = "server", .alt = "DNS:*.berth.test", .issuer = &authority});
	char unused[128];

	(void)state;
	channel_folder = test_folder();
	test_save(&channel_folder, "authority", &authority, 1, channel_authority, unused);
	test_save(&channel_folder, "server", &server, 1, channel_files[0], channel_files[1]);
	test_unmake(&authority);
	test_unmake(&server);
	return 0;
}

static inline int remove_channel_files(void **state)
{
	(void)state;
	test_folder_remove(&channel_folder);
	return 0;
}

#endif
