/*
 * test_world.h: a listener on the test's own loop, a protocol that says back what it hears, and clients in a thread of their own. Included
 * by tests only.
 */
#ifndef BERTH_LISTEN_TEST_WORLD_H
#define BERTH_LISTEN_TEST_WORLD_H

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "crypto/test_certificates.h"
#include "listen/listen.h"

#define TOO_LONG_MS 20000
#define CLIENTS     32

static struct test_folder folder;
static char files[2][2][128];

/* A protocol for tests: says back each byte; "?" is a question that is answered 100 ms later. */
struct connection {
	struct loop *loop;
	struct stream *stream;
	const struct protocol_env *env;
	struct timer *answer;
	bool draining;
};

struct house {
	int opened, closed;
	bool refuse_all, close_in_open;
	char peer[64]; /* of the last that was opened */
};

static inline void connection_end(struct connection *c, bool abort)
{
	const struct protocol_env *env = c->env;
	struct house *house = env->house;

	timer_cancel(&c->answer);
	if (abort)
		stream_abort(&c->stream);
	else
		stream_close(&c->stream);
	house->closed++;
	env->closed(env->cookie, c);
	free(c);
}

static inline void answer(void *cookie)
{
	struct connection *c = cookie;

	c->answer = NULL;
	assert_int_equal(OK, stream_write(c->stream, SLICE("!")));
	if (c->draining)
		connection_end(c, false);
}

static inline void echo_bytes(void *cookie)
{
	struct connection *c = cookie;
	struct slice in = stream_inbox(c->stream);

	if (slice_find(in, '?') >= 0 && c->answer == NULL)
		c->answer = loop_after(c->loop, 100, answer, c);
	else if (in.n > 0)
		assert_int_equal(OK, stream_write(c->stream, in));
	stream_eat(c->stream, in.n);
	if (c->stream->ended)
		connection_end(c, false);
}

static inline void echo_broken(void *cookie, enum err why)
{
	(void)why;
	connection_end(cookie, true);
}

static const struct stream_user echo_user = {.on_bytes = echo_bytes, .on_broken = echo_broken};

static inline struct connection *echo_open(struct loop *loop, struct stream **stream, const struct protocol_env *env)
{
	struct house *house = env->house;
	struct connection *c;

	if (house->refuse_all) {
		stream_abort(stream);
		return NULL;
	}
	c = calloc(1, sizeof(*c));
	house->opened++;
	snprintf(house->peer, sizeof(house->peer), "%s", (*stream)->peer_address);
	c->loop = loop;
	c->stream = *stream;
	c->env = env;
	*stream = NULL;
	stream_use(c->stream, &echo_user, c);
	if (house->close_in_open) {
		connection_end(c, false);
		return c;
	}
	return c;
}

static inline void echo_drain(struct connection *c)
{
	c->draining = true;
	if (c->answer == NULL)
		connection_end(c, false);
}

static inline void echo_abort(struct connection *c)
{
	connection_end(c, true);
}

static const struct protocol echo = {.name = "echo", .open = echo_open, .drain = echo_drain, .abort = echo_abort};

/* --- one test's world --- */

struct world {
	struct loop *loop;
	struct house house;
	struct listener *listener;
	struct listener_conf conf;
	const char *addresses[3];
	struct timer *too_long, *later;
	int idle, idle_seen; /* the second is for the script to read */
	int64_t idle_at;
	struct listener_counts counts;

	void (*script)(struct world *);
	pthread_t thread;
	struct task finished, ask;
	void (*asked)(struct world *); /* run on the loop for the script */
	pthread_mutex_t guard;
	pthread_cond_t done_asking;
	bool asking;
	int fds[CLIENTS];
	char got[CLIENTS];
	int facts[4];
	char names[4][64];
};

static inline void on_too_long(void *cookie)
{
	(void)cookie;
	fail_msg("the test did not come to its end");
}

static inline void on_finished(struct task *t)
{
	loop_stop(LIST_ITEM(t, struct world, finished)->loop);
}

static inline void on_ask(struct task *t)
{
	struct world *w = LIST_ITEM(t, struct world, ask);

	w->asked(w);
	pthread_mutex_lock(&w->guard);
	w->asking = false;
	pthread_cond_signal(&w->done_asking);
	pthread_mutex_unlock(&w->guard);
}

/* From the script: run `what` on the loop, and wait for it. */
static inline void on_loop(struct world *w, void (*what)(struct world *))
{
	w->asked = what;
	w->asking = true;
	loop_post(w->loop, &w->ask);
	pthread_mutex_lock(&w->guard);
	while (w->asking)
		pthread_cond_wait(&w->done_asking, &w->guard);
	pthread_mutex_unlock(&w->guard);
}

static inline struct tls *new_tls(int which)
{
	struct tls *t;
	char why[256];

	assert_int_equal(OK, tls_new(&(struct tls_pair){files[which][0], files[which][1]}, 1, &t, why));
	return t;
}

static inline void world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	assert_int_equal(OK, loop_new(&w->loop));
	pthread_mutex_init(&w->guard, NULL);
	pthread_cond_init(&w->done_asking, NULL);
	w->finished.run = on_finished;
	w->ask.run = on_ask;
	w->addresses[0] = "127.0.0.1";
	w->conf = (struct listener_conf){.loop = w->loop,
					 .protocol = &echo,
					 .house = &w->house,
					 .addresses = w->addresses,
					 .limits = {.connections_max = 100, .handshake_ms = 5000, .linger_ms = 1000}};
}

static inline void world_open(struct world *w)
{
	char why[LISTEN_WHY_MAX] = "";

	assert_int_equal(OK, listener_open(&w->conf, &w->listener, why));
	assert_string_equal("", why);
	assert_in_range(listener_port(w->listener), 1, 65535);
}

static inline void *client_thread(void *cookie)
{
	struct world *w = cookie;

	for (int i = 0; i < CLIENTS; i++)
		w->fds[i] = -1;
	w->script(w);
	for (int i = 0; i < CLIENTS; i++)
		if (w->fds[i] >= 0)
			close(w->fds[i]);
	loop_post(w->loop, &w->finished);
	return NULL;
}

static inline void world_play(struct world *w, void (*script)(struct world *))
{
	w->script = script;
	w->too_long = loop_after(w->loop, TOO_LONG_MS, on_too_long, w);
	assert_int_equal(0, pthread_create(&w->thread, NULL, client_thread, w));
	loop_run(w->loop);
	pthread_join(w->thread, NULL);
	timer_cancel(&w->too_long);
}

static inline void world_fini(struct world *w)
{
	listener_free(&w->listener);
	assert_null(w->listener);
	loop_free(&w->loop);
	assert_int_equal(w->house.opened, w->house.closed);
	pthread_mutex_destroy(&w->guard);
	pthread_cond_destroy(&w->done_asking);
}

static inline void count(struct world *w)
{
	listener_count(w->listener, &w->counts);
	w->idle_seen = w->idle;
}

/* --- clients: blocking --- */

static inline int dial_at(int family, int port)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT, .sin6_port = htons((uint16_t)port)};
	struct timeval patience = {.tv_sec = 10};
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, family == AF_INET ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6, family == AF_INET ? sizeof(v4) : sizeof(v6)) ==
	    0)
		return fd;
	close(fd);
	return -1;
}

static inline int dial(struct world *w)
{
	return dial_at(AF_INET, listener_port(w->listener));
}

/* One byte there, one byte back: 0 when the connection ends instead, -1 when it is reset. */
static inline int say(int fd, char c)
{
	char back = 0;

	if (send(fd, &c, 1, MSG_NOSIGNAL) != 1)
		return -1;
	switch (recv(fd, &back, 1, 0)) {
	case 1: return back;
	case 0: return 0;
	default: return -1;
	}
}

static inline int hear(int fd)
{
	char back = 0;
	ssize_t n = recv(fd, &back, 1, 0);

	return n == 1 ? back : (int)n;
}

/* Until the listener has `n` open connections; the loop needs a moment to see things. */
static inline void await_open(struct world *w, unsigned long n)
{
	for (int i = 0; i < 500; i++) {
		on_loop(w, count);
		if (w->counts.open == n)
			return;
		usleep(10000);
	}
}

/* --- the certificates of all tests --- */

static inline int make_all(void **state)
{
	static const char *const names[] = {"first", "second"};

	(void)state;
	folder = test_folder();
	for (int i = 0; i < 2; i++) {
		struct test_certificate c = test_make((struct test_wish){.name = names[i], .alt = "DNS:*.berth.test"});

		test_save(&folder, names[i], &c, 1, files[i][0], files[i][1]);
		test_unmake(&c);
	}
	return 0;
}

static inline int unmake_all(void **state)
{
	(void)state;
	test_folder_remove(&folder);
	return 0;
}

#endif
