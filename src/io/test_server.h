/*
 * test_server.h: a TLS server on the test's own loop, on a port of its own. Included by tests only.
 */
#ifndef BERTH_IO_TEST_SERVER_H
#define BERTH_IO_TEST_SERVER_H

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/tls.h"

#define TEST_VISITS_MAX 16

/* One connection to it: the cookie of the server's stream_user. */
struct test_visit {
	struct test_server *server;
	struct stream *stream; /* NULL: closed, or none was made */
	int fd;                /* without a stream; -1: none */
};

struct test_server {
	struct loop *loop;
	struct tls *tls;
	int listener, port;
	char address[32]; /* "127.0.0.1:12345" */
	struct watch *accepting;
	const struct stream_user *user;
	struct test_visit visits[TEST_VISITS_MAX];
	int accepted;

	/* Does something else with a connection than TLS: true, and it has the descriptor. May be NULL. */
	bool (*meets)(struct test_visit *v, int fd);
	int left;         /* TLS connections that have gone, on both sides */
	bool waits_empty; /* stop the loop when none is left */
};

static inline void test_server_on_gone(void *cookie)
{
	struct test_server *s = cookie;

	s->left++;
	if (s->waits_empty && s->left == s->accepted)
		loop_stop(s->loop);
}

static inline void test_server_on_connection(void *cookie, int events)
{
	struct test_server *s = cookie;
	const struct socket_conf conf = {.handshake_ms = 10000, .linger_ms = 10000, .gone = test_server_on_gone, .gone_cookie = s};
	int fd;

	(void)events;
	while ((fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct test_visit *v = &s->visits[s->accepted++];

		assert(s->accepted <= TEST_VISITS_MAX);
		*v = (struct test_visit){.server = s, .fd = -1};
		if (s->meets && s->meets(v, fd))
			continue;
		assert(tls_accept(s->loop, s->tls, fd, &conf, s->user, v, &v->stream) == OK);
	}
}

/* `certificate` and `key` are PEM files. */
static inline void test_server_open(struct test_server *s, struct loop *loop, const char *certificate, const char *key,
				    const struct stream_user *user)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	char why[256];
	enum err e;

	*s = (struct test_server){.loop = loop, .user = user};
	e = tls_new(&(struct tls_pair){certificate, key}, 1, &s->tls, why);
	assert(e == OK);
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	e = bind(s->listener, (struct sockaddr *)&address, size) == 0 && listen(s->listener, TEST_VISITS_MAX) == 0 ? OK : ERR_IO;
	assert(e == OK);
	getsockname(s->listener, (struct sockaddr *)&address, &size);
	s->port = ntohs(address.sin_port);
	snprintf(s->address, sizeof(s->address), "127.0.0.1:%d", s->port);
	s->accepting = loop_watch(loop, s->listener, WATCH_READ, test_server_on_connection, s);
}

/* Run the loop until all TLS connections have gone, on both sides. Only for a server without meets(). */
static inline void test_server_wait_empty(struct test_server *s)
{
	s->waits_empty = true;
	if (s->left < s->accepted)
		loop_run(s->loop);
	s->waits_empty = false;
}

/* Nobody listens any more; connections live on. */
static inline void test_server_refuse(struct test_server *s)
{
	watch_stop(&s->accepting);
	if (s->listener >= 0)
		close(s->listener);
	s->listener = -1;
}

static inline void test_server_close(struct test_server *s)
{
	test_server_refuse(s);
	s->waits_empty = false;
	for (int i = 0; i < s->accepted; i++) {
		stream_abort(&s->visits[i].stream);
		if (s->visits[i].fd >= 0)
			close(s->visits[i].fd);
	}
	tls_free(&s->tls);
}

#endif
