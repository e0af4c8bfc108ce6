/* TLS and plain streams on real sockets, against clients of OpenSSL's in a thread of their own. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "io/plain.h"
#include "crypto/test_keys.h"
#include "io/tls.h"

#define MANY        (1024 * 1024)
#define TOO_LONG_MS 20000

/* One test: a server on the test's own thread, a client's script on another. */
struct world {
	struct loop *loop;
	struct tls *tls; /* NULL: plain */
	int listener, port;
	struct watch *accepting;
	struct timer *too_long;
	struct socket_conf conf;
	struct stream_user user;

	/* the server's side of the connection, and what happened to it */
	struct stream *stream;
	int accepted, opened, drained, broken, gone;
	enum err why;
	char server_name[64];
	char *heard; /* all that was eaten */
	size_t heard_n, chain_count;
	struct slice chain[TLS_CHAIN_COUNT_MAX];
	struct timer *timer;
	void (*hears)(struct world *); /* on_bytes; NULL: eat, and close when the peer has ended */

	/* the client */
	void (*script)(struct world *);
	pthread_t thread;
	struct task finished;
	bool client_done;
	int fd;
	SSL_CTX *client_ctx;
	SSL *ssl;
	int said; /* of the handshake: 1 is good */
	size_t read_n;
	bool read_same, read_end; /* as patterned; with close_notify or FIN */
	int facts[4];
};

static struct test_folder folder;
static struct test_certificate authority, server;
static struct tls_pair server_pair;

static char pattern_at(size_t i)
{
	return (char)('a' + (i * 7 + i / 251) % 26);
}

static char *pattern(size_t n)
{
	char *p = malloc(n);

	for (size_t i = 0; i < n; i++)
		p[i] = pattern_at(i);
	return p;
}

/* --- the server's side --- */

static void finish(struct world *w)
{
	if (w->client_done && w->gone == w->accepted)
		loop_stop(w->loop);
}

static void on_gone(void *cookie)
{
	struct world *w = cookie;

	w->gone++;
	finish(w);
}

static void on_finished(struct task *t)
{
	struct world *w = LIST_ITEM(t, struct world, finished);

	w->client_done = true;
	finish(w);
}

static void on_open(void *cookie)
{
	struct world *w = cookie;

	w->opened++;
	snprintf(w->server_name, sizeof(w->server_name), "%s", w->stream->server_name ? w->stream->server_name : "(none)");
	assert_in_range(w->stream->chain_count, 0, TLS_CHAIN_COUNT_MAX);
	w->chain_count = w->stream->chain_count;
	for (size_t i = 0; i < w->chain_count; i++) {
		char *copy = malloc(w->stream->chain[i].n);

		memcpy(copy, w->stream->chain[i].p, w->stream->chain[i].n);
		w->chain[i] = slice_over(copy, w->stream->chain[i].n);
	}
}

static void hear_all(struct world *w)
{
	struct slice in = stream_inbox(w->stream);

	assert_in_range(in.n, 0, STREAM_INBOX_MAX);
	w->heard = realloc(w->heard, w->heard_n + in.n + 1);
	memcpy(w->heard + w->heard_n, in.p, in.n);
	w->heard_n += in.n;
	w->heard[w->heard_n] = '\0';
	stream_eat(w->stream, in.n);
}

static void hear_and_close(struct world *w)
{
	hear_all(w);
	if (w->stream->ended)
		stream_close(&w->stream);
}

static void on_bytes(void *cookie)
{
	struct world *w = cookie;

	if (w->hears)
		w->hears(w);
	else
		hear_and_close(w);
}

static void on_drained(void *cookie)
{
	struct world *w = cookie;

	w->drained++;
}

static void on_broken(void *cookie, enum err why)
{
	struct world *w = cookie;

	w->broken++;
	w->why = why;
	stream_close(&w->stream);
}

static void on_connection(void *cookie, int events)
{
	struct world *w = cookie;
	int fd;

	(void)events;
	while ((fd = accept4(w->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		w->accepted++;
		if (w->tls)
			assert_int_equal(OK, tls_accept(w->loop, w->tls, fd, &w->conf, &w->user, w, &w->stream));
		else
			assert_int_equal(OK, plain_accept(w->loop, fd, &w->conf, &w->user, w, &w->stream));
	}
}

static void on_too_long(void *cookie)
{
	(void)cookie;
	fail_msg("the test did not come to its end");
}

static void listen_here(struct world *w)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int on = 1, small = 16384;

	w->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(w->listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(w->listener, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)); /* so that writing blocks */
	assert_int_equal(0, bind(w->listener, (struct sockaddr *)&address, size));
	assert_int_equal(0, listen(w->listener, 16));
	getsockname(w->listener, (struct sockaddr *)&address, &size);
	w->port = ntohs(address.sin_port);
	w->accepting = loop_watch(w->loop, w->listener, WATCH_READ, on_connection, w);
}

static void world_init(struct world *w, bool with_tls)
{
	char why[256];

	memset(w, 0, sizeof(*w));
	assert_int_equal(OK, loop_new(&w->loop));
	if (with_tls)
		assert_int_equal(OK, tls_new(&server_pair, 1, &w->tls, why));
	w->conf = (struct socket_conf){.handshake_ms = 5000, .linger_ms = 5000, .gone = on_gone, .gone_cookie = w};
	w->user = (struct stream_user){on_open, on_bytes, on_drained, on_broken};
	w->finished.run = on_finished;
	w->fd = -1;
	w->client_ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_security_level(w->client_ctx, 0);
	listen_here(w);
}

static void *client_thread(void *cookie)
{
	struct world *w = cookie;

	w->script(w);
	if (w->ssl)
		SSL_free(w->ssl);
	if (w->fd >= 0)
		close(w->fd);
	loop_post(w->loop, &w->finished);
	return NULL;
}

/* Until the client's script is over and the server has let go of all connections. */
static void world_play(struct world *w, void (*script)(struct world *))
{
	w->script = script;
	w->too_long = loop_after(w->loop, TOO_LONG_MS, on_too_long, w);
	assert_int_equal(0, pthread_create(&w->thread, NULL, client_thread, w));
	loop_run(w->loop);
	pthread_join(w->thread, NULL);
	timer_cancel(&w->too_long);
	w->client_done = false;
	w->ssl = NULL;
	w->fd = -1;
}

static void forget_chain(struct world *w)
{
	for (size_t i = 0; i < w->chain_count; i++)
		free((char *)w->chain[i].p);
	w->chain_count = 0;
}

static void world_fini(struct world *w)
{
	forget_chain(w);
	watch_stop(&w->accepting);
	close(w->listener);
	tls_free(&w->tls);
	loop_free(&w->loop);
	SSL_CTX_free(w->client_ctx);
	free(w->heard);
}

/* --- the client's side: blocking calls --- */

static void dial(struct world *w)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)w->port)};

	int small = 16384;

	w->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(w->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)); /* so that the server feels a slow reader */
	if (connect(w->fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		abort();
}

static void dial_tls(struct world *w, const char *name)
{
	dial(w);
	w->ssl = SSL_new(w->client_ctx);
	if (name)
		SSL_set_tlsext_host_name(w->ssl, name);
	SSL_set_fd(w->ssl, w->fd);
	w->said = SSL_connect(w->ssl);
}

/* False: the connection broke first. */
static bool say(struct world *w, const char *p, size_t n)
{
	while (n > 0) {
		int sent = w->ssl ? SSL_write(w->ssl, p, (int)n) : (int)send(w->fd, p, n, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		p += sent;
		n -= (size_t)sent;
	}
	return true;
}

/* Read to the end; note whether all was as patterned, and whether the end was an orderly one. */
static void read_to_end(struct world *w)
{
	char bytes[4096];
	int n;

	w->read_same = true;
	while ((n = w->ssl ? SSL_read(w->ssl, bytes, sizeof(bytes)) : (int)recv(w->fd, bytes, sizeof(bytes), 0)) > 0) {
		for (int i = 0; i < n; i++)
			w->read_same &= bytes[i] == pattern_at(w->read_n + (size_t)i);
		w->read_n += (size_t)n;
	}
	w->read_end = w->ssl ? SSL_get_error(w->ssl, n) == SSL_ERROR_ZERO_RETURN : n == 0;
}

/* The usual visit: handshake, a word, goodbye, and what the server says until its own. */
static void visit(struct world *w)
{
	dial_tls(w, "global.berth.test");
	if (w->said != 1)
		return;
	say(w, "hello", 5);
	SSL_shutdown(w->ssl);
	read_to_end(w);
}

/* --- handshakes --- */

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

static void use_version(struct world *w, int version)
{
	SSL_CTX_set_min_proto_version(w->client_ctx, version);
	SSL_CTX_set_max_proto_version(w->client_ctx, version);
}

static void a_client_without_certificate_is_welcome(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct world w;

		world_init(&w, true);
		use_version(&w, versions[i]);
		world_play(&w, visit);
		assert_int_equal(1, w.said);
		assert_int_equal(1, w.opened);
		assert_int_equal(0, w.broken);
		assert_int_equal(0, w.chain_count);
		assert_string_equal("global.berth.test", w.server_name);
		assert_string_equal("hello", w.heard);
		assert_true(w.read_end);
		world_fini(&w);
	}
}

static void assert_chain_is(const struct world *w, const struct test_certificate *chain, size_t count)
{
	assert_int_equal(count, w->chain_count);
	for (size_t i = 0; i < count; i++) {
		int n;
		unsigned char *der = test_der(chain[i].x, &n);

		assert_int_equal(n, w->chain[i].n);
		assert_memory_equal(der, w->chain[i].p, (size_t)n);
		OPENSSL_free(der);
	}
}

/* Show `chain` in a handshake of both versions; the server must see just it. */
static void assert_accepted(const struct test_certificate *chain, size_t count)
{
	for (size_t i = 0; i < 2; i++) {
		struct world w;

		world_init(&w, true);
		use_version(&w, versions[i]);
		assert_int_equal(1, SSL_CTX_use_certificate(w.client_ctx, chain[0].x));
		assert_int_equal(1, SSL_CTX_use_PrivateKey(w.client_ctx, chain[0].key));
		for (size_t j = 1; j < count; j++)
			assert_int_equal(1, SSL_CTX_add1_chain_cert(w.client_ctx, chain[j].x));
		world_play(&w, visit);
		assert_int_equal(1, w.said);
		assert_string_equal("hello", w.heard);
		assert_chain_is(&w, chain, count);
		world_fini(&w);
	}
}

static void every_kind_of_client_key_is_accepted(void **state)
{
	static const char *const kinds[] = {"P-256",    "P-384",    "P-521",    "RSA-2048", "RSA-3072",
					    "RSA-4096", "RSA-1024", "PSS-2048", "ED25519",  "ED448"};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct test_certificate c = test_make((struct test_wish){.kind = kinds[i], .name = "device", .issuer = &authority});

		assert_accepted(&c, 1);
		test_unmake(&c);
	}
}

static void every_kind_of_server_key_serves(void **state)
{
	static const char *const kinds[] = {"P-256", "P-384", "P-521", "RSA-2048", "RSA-4096", "ED25519", "ED448"};
	char paths[2][128], why[256];

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct test_certificate c = test_make((struct test_wish){.kind = kinds[i / 2], .name = "kind", .issuer = &authority});
		const struct tls_pair pair = {paths[0], paths[1]};
		struct world w;

		test_save(&folder, "kind", &c, 1, paths[0], paths[1]);
		world_init(&w, true);
		use_version(&w, versions[i % 2]);
		tls_free(&w.tls);
		assert_int_equal(OK, tls_new(&pair, 1, &w.tls, why));
		world_play(&w, visit);
		assert_int_equal(1, w.said);
		assert_string_equal("hello", w.heard);
		world_fini(&w);
		test_unmake(&c);
	}
}

/* device-api.md 6: old stacks have nothing newer than CBC. */
static void every_suite_of_tls_1_2_works(void **state)
{
	static const char *const suites[] = {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
					     "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-SHA256",
					     "ECDHE-ECDSA-AES256-SHA384",     "ECDHE-ECDSA-AES256-SHA"};

	(void)state;
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		struct world w;

		world_init(&w, true);
		use_version(&w, TLS1_2_VERSION);
		assert_int_equal(1, SSL_CTX_set_cipher_list(w.client_ctx, suites[i]));
		world_play(&w, visit);
		assert_int_equal(1, w.said);
		assert_string_equal("hello", w.heard);
		world_fini(&w);
	}
}

static void expired_and_self_signed_certificates_are_not_judged_here(void **state)
{
	struct test_certificate expired =
		test_make((struct test_wish){.name = "old", .issuer = &authority, .from = -2 * TEST_DAY, .to = -TEST_DAY});
	struct test_certificate alone = test_make((struct test_wish){.name = "alone"});

	(void)state;
	assert_accepted(&expired, 1);
	assert_accepted(&alone, 1);
	test_unmake(&expired);
	test_unmake(&alone);
}

static void a_chain_of_three_arrives_leaf_first(void **state)
{
	struct test_certificate chain[3];

	(void)state;
	chain[2] = test_make((struct test_wish){.name = "root", .ca = 1});
	chain[1] = test_make((struct test_wish){.name = "middle", .ca = 1, .issuer = &chain[2]});
	chain[0] = test_make((struct test_wish){.name = "leaf", .issuer = &chain[1]});
	assert_accepted(chain, 3);
	for (int i = 0; i < 3; i++)
		test_unmake(&chain[i]);
}

static void a_leaf_sent_twice_counts_once(void **state)
{
	struct test_certificate c = test_make((struct test_wish){.name = "twice", .issuer = &authority});
	struct world w;

	(void)state;
	world_init(&w, true);
	SSL_CTX_use_certificate(w.client_ctx, c.x);
	SSL_CTX_use_PrivateKey(w.client_ctx, c.key);
	SSL_CTX_add1_chain_cert(w.client_ctx, c.x);
	SSL_CTX_add1_chain_cert(w.client_ctx, authority.x);
	world_play(&w, visit);
	assert_chain_is(&w, (struct test_certificate[]){c, authority}, 2);
	world_fini(&w);
	test_unmake(&c);
}

static void a_chain_longer_than_the_limit_ends_the_handshake(void **state)
{
	struct test_certificate c = test_make((struct test_wish){.name = "bomb", .issuer = &authority});
	struct world w;

	(void)state;
	world_init(&w, true);
	use_version(&w, TLS1_2_VERSION); /* there the client learns of it before it may speak */
	SSL_CTX_use_certificate(w.client_ctx, c.x);
	SSL_CTX_use_PrivateKey(w.client_ctx, c.key);
	for (int i = 0; i < 60; i++)
		SSL_CTX_add1_chain_cert(w.client_ctx, authority.x);
	world_play(&w, visit);
	assert_int_not_equal(1, w.said);
	assert_int_equal(0, w.opened);
	assert_int_equal(1, w.broken);
	assert_int_equal(ERR_IO, w.why);
	assert_int_equal(1, w.gone);
	world_fini(&w);
	test_unmake(&c);
}

/* `above` so many times above a leaf that is fine. */
static void show_crowd(int version, X509 *above, int times, bool welcome)
{
	struct test_certificate c = test_make((struct test_wish){.name = "device", .issuer = &authority});
	struct world w;

	world_init(&w, true);
	use_version(&w, version);
	SSL_CTX_use_certificate(w.client_ctx, c.x);
	SSL_CTX_use_PrivateKey(w.client_ctx, c.key);
	for (int i = 0; i < times; i++)
		assert_int_equal(1, SSL_CTX_add1_chain_cert(w.client_ctx, above));
	world_play(&w, visit);
	assert_int_equal(welcome, w.opened);
	assert_int_equal(welcome ? times + 1 : 0, w.chain_count);
	if (!welcome)
		assert_int_equal(ERR_IO, w.why);
	world_fini(&w);
	test_unmake(&c);
}

/* The authority's certificate with another key, and with no names or extensions where it is to be small. */
static X509 *with_key(struct slice spki, bool small)
{
	struct arena *a = arena_new(MANY);
	struct test_parts p = test_take_apart(test_der_of(a, authority.x));
	const unsigned char *at;
	struct slice der;
	X509 *x;

	if (spki.n)
		p.field[FIELD_OF_PUBLIC_KEY] = spki;
	if (small) {
		p.field[FIELD_OF_ISSUER] = p.field[FIELD_OF_SUBJECT] = SLICE("\x30\x00");
		p.field[FIELD_OF_EXTENSIONS] = SLICE("");
	}
	der = test_put_together(a, &p);
	at = (const unsigned char *)der.p;
	x = d2i_X509(NULL, &at, (long)der.n);
	arena_free(&a);
	return x;
}

/* OpenSSL would compute as it decodes it. */
static void a_curve_that_is_spelled_out_ends_the_handshake(void **state)
{
	struct arena *a = arena_new(MANY);
	X509 *costly = with_key(test_costly_spki(a), false);

	(void)state;
	for (size_t i = 0; i < 2; i++)
		show_crowd(versions[i], costly, 1, false);
	X509_free(costly);
	arena_free(&a);
}

static void a_crowd_of_small_certificates_ends_the_handshake(void **state)
{
	X509 *tiny = with_key(NO_SLICE, true);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		show_crowd(versions[i], tiny, TLS_CHAIN_COUNT_MAX - 1, true);
		show_crowd(versions[i], tiny, TLS_CHAIN_COUNT_MAX, false);
	}
	X509_free(tiny);
}

static int no_authorities, was_asked;

static int on_certificate_asked(SSL *ssl, void *arg)
{
	const STACK_OF(X509_NAME) *names = SSL_get0_peer_CA_list(ssl);

	(void)arg;
	was_asked++;
	no_authorities += names == NULL || sk_X509_NAME_num(names) == 0;
	return 1;
}

/* device-api.md 6: ask, demand nothing, and name no authorities. */
static void the_request_for_a_certificate_names_no_authorities(void **state)
{
	struct world w;

	(void)state;
	was_asked = no_authorities = 0;
	for (size_t i = 0; i < 2; i++) {
		world_init(&w, true);
		use_version(&w, versions[i]);
		SSL_CTX_set_cert_cb(w.client_ctx, on_certificate_asked, NULL);
		world_play(&w, visit);
		world_fini(&w);
	}
	assert_true(was_asked >= 2);
	assert_int_equal(was_asked, no_authorities);
}

static int sessions;

static int on_session(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	(void)session;
	sessions++;
	return 0;
}

static void visit_twice_with_one_session(struct world *w)
{
	SSL_SESSION *session;

	visit(w);
	session = SSL_get1_session(w->ssl);
	SSL_free(w->ssl);
	close(w->fd);
	dial(w);
	w->ssl = SSL_new(w->client_ctx);
	SSL_set_session(w->ssl, session);
	SSL_set_fd(w->ssl, w->fd);
	w->said = SSL_connect(w->ssl);
	w->facts[0] = SSL_session_reused(w->ssl);
	SSL_shutdown(w->ssl);
	read_to_end(w);
	SSL_SESSION_free(session);
}

/* device-api.md 6, RULE: resumption is off, for it would lose the client's chain. */
static void a_session_is_never_resumed(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct world w;

		world_init(&w, true);
		use_version(&w, versions[i]);
		sessions = 0;
		SSL_CTX_set_session_cache_mode(w.client_ctx, SSL_SESS_CACHE_CLIENT);
		SSL_CTX_sess_set_new_cb(w.client_ctx, on_session);
		world_play(&w, visit_twice_with_one_session);
		assert_int_equal(1, w.said);
		assert_int_equal(2, w.opened);
		assert_int_equal(0, w.facts[0]);
		if (versions[i] == TLS1_3_VERSION)
			assert_int_equal(0, sessions); /* no ticket was sent */
		world_fini(&w);
	}
}

/* --- bad clients --- */

static void stay_silent(struct world *w)
{
	char c;

	dial(w);
	recv(w->fd, &c, 1, 0); /* until the server has had enough */
}

static void a_silent_client_is_cut_off_at_the_deadline(void **state)
{
	struct world w;
	int64_t start;

	(void)state;
	world_init(&w, true);
	w.conf.handshake_ms = 80;
	start = loop_now_ms(w.loop);
	world_play(&w, stay_silent);
	assert_int_equal(ERR_TIMEOUT, w.why);
	assert_int_equal(0, w.opened);
	assert_in_range(loop_now_ms(w.loop) - start, 80, 2000);
	world_fini(&w);
}

/* The first bytes of a ClientHello, one each 10 ms: never idle, never finished. */
static void drip(struct world *w)
{
	static const unsigned char hello[100] = {0x16, 3, 1, 0x02, 0x00, 1, 0, 1, 0xfc, 3, 3};

	dial(w);
	for (size_t i = 0; i < sizeof(hello) && send(w->fd, hello + i, 1, MSG_NOSIGNAL) == 1; i++)
		usleep(10000);
}

static void a_dripping_handshake_is_cut_off_at_the_deadline(void **state)
{
	struct world w;
	int64_t start;

	(void)state;
	world_init(&w, true);
	w.conf.handshake_ms = 150;
	start = loop_now_ms(w.loop);
	world_play(&w, drip);
	assert_int_equal(ERR_TIMEOUT, w.why);
	assert_in_range(loop_now_ms(w.loop) - start, 150, 900); /* all bytes would take a second */
	world_fini(&w);
}

static void speak_plainly(struct world *w)
{
	dial(w);
	say(w, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27);
	read_to_end(w);
}

static void a_client_that_does_not_speak_tls_is_sent_away(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, true);
	world_play(&w, speak_plainly);
	assert_int_equal(ERR_IO, w.why);
	assert_int_equal(0, w.opened);
	world_fini(&w);
}

static void hang_up(struct world *w)
{
	dial_tls(w, NULL);
	say(w, "half a wo", 9);
	/* and the descriptor is closed without the goodbye of TLS */
}

static void a_connection_cut_off_is_not_an_orderly_end(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, true);
	world_play(&w, hang_up);
	assert_int_equal(1, w.broken);
	assert_int_equal(ERR_CLOSED, w.why);
	assert_string_equal("half a wo", w.heard); /* what came before is not lost */
	assert_string_equal("(none)", w.server_name);
	world_fini(&w);
}

/* --- flow --- */

static void say_many(struct world *w)
{
	char *p = pattern(MANY);

	if (w->tls)
		dial_tls(w, NULL);
	else
		dial(w);
	say(w, p, MANY);
	if (w->tls)
		SSL_shutdown(w->ssl);
	else
		shutdown(w->fd, SHUT_WR);
	read_to_end(w);
	free(p);
}

static void wake_up(void *cookie)
{
	struct world *w = cookie;

	w->timer = NULL;
	w->facts[0] = (int)stream_inbox(w->stream).n;
	w->hears = NULL;
	hear_and_close(w);
}

static void sleep_first(struct world *w)
{
	assert_in_range(stream_inbox(w->stream).n, 0, STREAM_INBOX_MAX);
	if (w->timer == NULL)
		w->timer = loop_after(w->loop, 150, wake_up, w);
}

static void a_full_inbox_stops_the_peer_and_loses_nothing(void **state)
{
	(void)state;
	for (int with_tls = 0; with_tls < 2; with_tls++) {
		struct world w;

		world_init(&w, with_tls);
		w.hears = sleep_first;
		world_play(&w, say_many);
		assert_int_equal(STREAM_INBOX_MAX, w.facts[0]);
		assert_int_equal(MANY, w.heard_n);
		for (size_t i = 0; i < MANY; i++)
			assert_int_equal(pattern_at(i), w.heard[i]);
		assert_true(w.read_end);
		world_fini(&w);
	}
}

/* Eats a byte now and then, from a timer, while more lies with OpenSSL than in the kernel. */
static void nibble(void *cookie)
{
	struct world *w = cookie;
	struct slice in = stream_inbox(w->stream);
	size_t n = in.n < 5000 ? in.n : 5000;

	for (size_t i = 0; i < n; i++)
		assert_int_equal(pattern_at(w->heard_n + i), in.p[i]);
	w->heard_n += n;
	stream_eat(w->stream, n);
	if (w->stream->ended && stream_inbox(w->stream).n == 0)
		stream_close(&w->stream);
	else
		w->timer = loop_after(w->loop, 1, nibble, w);
}

static void nibble_from_now_on(struct world *w)
{
	if (w->timer == NULL)
		w->timer = loop_after(w->loop, 1, nibble, w);
}

static void a_slow_eater_gets_everything(void **state)
{
	(void)state;
	for (int with_tls = 0; with_tls < 2; with_tls++) {
		struct world w;

		world_init(&w, with_tls);
		w.hears = nibble_from_now_on;
		world_play(&w, say_many);
		assert_int_equal(MANY, w.heard_n);
		world_fini(&w);
	}
}

#define A_LITTLE_MORE (STREAM_INBOX_MAX + 7000)

/* Wait for the answer without a goodbye: nothing more comes to wake the server. */
static void say_a_little_more_than_fits(struct world *w)
{
	char *p = pattern(A_LITTLE_MORE), c = 0;

	dial_tls(w, NULL);
	say(w, p, A_LITTLE_MORE);
	w->facts[0] = SSL_read(w->ssl, &c, 1);
	SSL_shutdown(w->ssl);
	read_to_end(w);
	free(p);
}

static void wake_up_and_count(void *cookie)
{
	struct world *w = cookie;

	w->timer = NULL;
	hear_and_close(w);
}

static void answer_when_all_is_here(struct world *w)
{
	if (w->heard_n == 0) {
		if (w->timer == NULL)
			w->timer = loop_after(w->loop, 50, wake_up_and_count, w);
		return;
	}
	hear_all(w);
	if (w->heard_n == A_LITTLE_MORE && !w->stream->ended)
		assert_int_equal(OK, stream_write(w->stream, SLICE("!")));
	if (w->stream->ended)
		stream_close(&w->stream);
}

/* They are with OpenSSL already; the kernel has nothing that would make the descriptor ready. */
static void the_last_bytes_behind_a_full_inbox_arrive_by_themselves(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, true);
	w.hears = answer_when_all_is_here;
	world_play(&w, say_a_little_more_than_fits);
	assert_int_equal(A_LITTLE_MORE, w.heard_n);
	assert_int_equal(1, w.facts[0]);
	world_fini(&w);
}

static void ask_and_read_slowly(struct world *w)
{
	if (w->tls)
		dial_tls(w, NULL);
	else
		dial(w);
	say(w, "?", 1);
	usleep(100000); /* the kernel's buffers are full by now */
	read_to_end(w);
}

static void answer_many(struct world *w)
{
	char *p = pattern(STREAM_OUTBOX_MAX);

	assert_int_equal(OK, stream_write(w->stream, slice_over(p, 100)));
	assert_int_equal(OK, stream_write(w->stream, slice_over(p + 100, STREAM_OUTBOX_MAX - 100)));
	assert_int_equal(ERR_TOO_BIG, stream_write(w->stream, SLICE("x")));
	free(p);
	hear_all(w);
	w->hears = hear_and_close;
}

static void drained_then_close(void *cookie)
{
	struct world *w = cookie;

	w->drained++;
	stream_close(&w->stream);
}

static void a_full_outbox_drains_and_says_so(void **state)
{
	(void)state;
	for (int with_tls = 0; with_tls < 2; with_tls++) {
		struct world w;

		world_init(&w, with_tls);
		w.hears = answer_many;
		w.user.on_drained = drained_then_close;
		world_play(&w, ask_and_read_slowly);
		assert_int_equal(1, w.drained);
		assert_int_equal(STREAM_OUTBOX_MAX, w.read_n);
		assert_true(w.read_same);
		assert_true(w.read_end);
		world_fini(&w);
	}
}

static void answer_many_and_close(struct world *w)
{
	answer_many(w);
	stream_close(&w->stream);
}

static void closing_sends_what_is_in_the_outbox_first(void **state)
{
	(void)state;
	for (int with_tls = 0; with_tls < 2; with_tls++) {
		struct world w;

		world_init(&w, with_tls);
		w.hears = answer_many_and_close;
		world_play(&w, ask_and_read_slowly);
		assert_int_equal(STREAM_OUTBOX_MAX, w.read_n);
		assert_true(w.read_same);
		assert_true(w.read_end);
		assert_int_equal(0, w.drained); /* nobody listens after the close */
		world_fini(&w);
	}
}

static void answer_and_close_unread(struct world *w)
{
	char *p = pattern(5000);

	assert_int_equal(OK, stream_write(w->stream, slice_over(p, 5000)));
	free(p);
	stream_close(&w->stream);
}

static void say_much_then_read(struct world *w)
{
	char *p = pattern(200000);
	int error = 0;
	socklen_t size = sizeof(error);

	if (w->tls)
		dial_tls(w, NULL);
	else
		dial(w);
	w->facts[0] = say(w, p, 100000);
	usleep(50000);
	w->facts[0] &= say(w, p + 100000, 100000);
	usleep(50000);
	read_to_end(w);
	getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	w->facts[1] = error; /* of a reset, though Linux lets us read on */
	free(p);
}

/* RFC 9112 section 9.6: an answer given before the whole question was read must not be lost to a reset. */
static void an_early_answer_survives_the_rest_of_the_question(void **state)
{
	(void)state;
	for (int with_tls = 0; with_tls < 2; with_tls++) {
		struct world w;

		world_init(&w, with_tls);
		w.hears = answer_and_close_unread;
		world_play(&w, say_much_then_read);
		assert_int_equal(5000, w.read_n);
		assert_true(w.read_same);
		assert_true(w.read_end);
		assert_true(w.facts[0]);
		assert_int_equal(0, w.facts[1]);
		world_fini(&w);
	}
}

static void answer_after_end(struct world *w)
{
	hear_all(w);
	if (!w->stream->ended)
		return;
	answer_and_close_unread(w);
}

static void visit_plainly(struct world *w)
{
	dial(w);
	say(w, "hello", 5);
	shutdown(w->fd, SHUT_WR);
	read_to_end(w);
}

static void a_peer_that_has_finished_sending_still_gets_its_answer(void **state)
{
	(void)state;
	for (int with_tls = 0; with_tls < 2; with_tls++) {
		struct world w;

		world_init(&w, with_tls);
		w.hears = answer_after_end;
		world_play(&w, with_tls ? visit : visit_plainly);
		assert_string_equal("hello", w.heard);
		assert_int_equal(5000, w.read_n);
		assert_true(w.read_same && w.read_end);
		world_fini(&w);
	}
}

#define PIECE (STREAM_OUTBOX_MAX / 4)

static void write_piece(void *cookie)
{
	struct world *w = cookie;
	char *p = pattern(STREAM_OUTBOX_MAX);

	assert_int_equal(OK, stream_write(w->stream, slice_over(p + w->facts[0], PIECE)));
	w->facts[0] += PIECE;
	free(p);
	if (w->facts[0] < STREAM_OUTBOX_MAX)
		w->timer = loop_after(w->loop, 5, write_piece, w);
	else
		stream_close(&w->stream);
}

static void write_in_pieces(struct world *w)
{
	hear_all(w);
	if (w->facts[0] == 0)
		write_piece(w);
}

/* OpenSSL has seen the start of the outbox when the rest makes it move elsewhere. */
static void what_is_added_while_the_peer_is_slow_comes_after(void **state)
{
	(void)state;
	for (int with_tls = 0; with_tls < 2; with_tls++) {
		struct world w;

		world_init(&w, with_tls);
		w.hears = write_in_pieces;
		world_play(&w, ask_and_read_slowly);
		assert_int_equal(STREAM_OUTBOX_MAX, w.read_n);
		assert_true(w.read_same && w.read_end);
		world_fini(&w);
	}
}

static void answer_in_two_pieces(struct world *w)
{
	hear_all(w);
	if (w->heard_n < 5)
		return;
	assert_int_equal(OK, stream_write(w->stream, SLICE("head, ")));
	assert_int_equal(OK, stream_write(w->stream, SLICE("body")));
	w->hears = NULL;
}

static void read_one_record(struct world *w)
{
	char bytes[100];

	dial_tls(w, NULL);
	say(w, "hello", 5);
	w->facts[0] = SSL_read(w->ssl, bytes, sizeof(bytes));
	SSL_shutdown(w->ssl);
	SSL_read(w->ssl, bytes, sizeof(bytes));
}

static void what_one_turn_writes_is_one_record(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, true);
	w.hears = answer_in_two_pieces;
	world_play(&w, read_one_record);
	assert_int_equal(10, w.facts[0]);
	assert_int_equal(1, w.drained);
	world_fini(&w);
}

/* --- the end --- */

static void say_and_wait(struct world *w)
{
	if (w->tls)
		dial_tls(w, NULL);
	else
		dial(w);
	say(w, "hello", 5);
	usleep(400000);
}

static void close_at_once(struct world *w)
{
	stream_close(&w->stream);
	assert_null(w->stream);
}

static void count_gone(void *cookie)
{
	struct world *w = cookie;

	w->facts[1] = (int)loop_now_ms(w->loop);
	on_gone(w);
}

static void a_peer_that_never_ends_is_cut_off_after_the_linger(void **state)
{
	(void)state;
	for (int with_tls = 0; with_tls < 2; with_tls++) {
		struct world w;
		int start;

		world_init(&w, with_tls);
		w.hears = close_at_once;
		w.conf.linger_ms = 100;
		w.conf.gone = count_gone;
		start = (int)loop_now_ms(w.loop);
		world_play(&w, say_and_wait);
		assert_in_range(w.facts[1] - start, 100, 390);
		assert_int_equal(1, w.gone);
		world_fini(&w);
	}
}

static void abort_at_once(struct world *w)
{
	char bytes[100] = {0};

	assert_int_equal(OK, stream_write(w->stream, slice_over(bytes, sizeof(bytes))));
	stream_abort(&w->stream);
	assert_null(w->stream);
	w->facts[2] = w->gone;
}

static void an_abort_lets_go_at_once_and_sends_nothing(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, true);
	w.hears = abort_at_once;
	world_play(&w, ask_and_read_slowly);
	assert_int_equal(1, w.facts[2]);
	assert_int_equal(0, w.read_n);
	assert_false(w.read_end);
	world_fini(&w);
}

static void stop_the_loop(struct world *w)
{
	stream_close(&w->stream);
	loop_stop(w->loop);
}

static void a_goodbye_under_way_ends_with_the_loop(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, true);
	w.hears = stop_the_loop;
	w.too_long = loop_after(w.loop, TOO_LONG_MS, on_too_long, &w);
	w.script = say_and_wait;
	assert_int_equal(0, pthread_create(&w.thread, NULL, client_thread, &w));
	loop_run(w.loop);
	assert_int_equal(0, w.gone);
	pthread_join(w.thread, NULL);
	timer_cancel(&w.too_long);
	watch_stop(&w.accepting);
	loop_free(&w.loop);
	assert_int_equal(1, w.gone);
	close(w.listener);
	tls_free(&w.tls);
	SSL_CTX_free(w.client_ctx);
}

static void renew(struct world *w)
{
	char why[256];

	tls_free(&w->tls);
	assert_int_equal(OK, tls_new(&server_pair, 1, &w->tls, why));
	w->hears = answer_after_end;
	answer_after_end(w); /* the end may have come together with the bytes */
}

static void connections_outlive_a_reload(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, true);
	w.hears = renew;
	world_play(&w, visit);
	assert_int_equal(5000, w.read_n);
	world_fini(&w);
}

/* --- which certificate --- */

static const char *names_asked[] = {"exact.alpha.test", "other.alpha.test", "deep.other.alpha.test",
				    "EXACT.alpha.test", "nobody.test",      NULL};
static char names_seen[6][64];

static void ask_each_name(struct world *w)
{
	for (int i = 0; i < 6; i++) {
		X509 *seen;

		dial_tls(w, names_asked[i]);
		seen = SSL_get0_peer_certificate(w->ssl);
		X509_NAME_get_text_by_NID(X509_get_subject_name(seen), NID_commonName, names_seen[i], sizeof(names_seen[i]));
		SSL_shutdown(w->ssl);
		read_to_end(w);
		SSL_free(w->ssl);
		close(w->fd);
	}
	w->ssl = NULL;
	w->fd = -1;
}

static void the_certificate_is_chosen_by_the_name_asked_for(void **state)
{
	static const struct test_wish wishes[] = {
		{.name = "first", .alt = "DNS:first.test"},
		{.name = "wild", .alt = "DNS:beta.test,DNS:*.alpha.test"},
		{.name = "exact", .alt = "DNS:exact.alpha.test"},
	};
	struct tls_pair pairs[3];
	char paths[3][2][128], why[256];
	struct world w;

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct test_certificate c = test_make(wishes[i]);

		test_save(&folder, wishes[i].name, &c, 1, paths[i][0], paths[i][1]);
		pairs[i] = (struct tls_pair){paths[i][0], paths[i][1]};
		test_unmake(&c);
	}
	for (size_t i = 0; i < 2; i++) {
		world_init(&w, true);
		use_version(&w, versions[i]);
		tls_free(&w.tls);
		assert_int_equal(OK, tls_new(pairs, 3, &w.tls, why));
		world_play(&w, ask_each_name);
		assert_string_equal("exact", names_seen[0]);
		assert_string_equal("wild", names_seen[1]);
		assert_string_equal("first", names_seen[2]); /* a wildcard stands for one label */
		assert_string_equal("exact", names_seen[3]);
		assert_string_equal("first", names_seen[4]);
		assert_string_equal("first", names_seen[5]);
		world_fini(&w);
	}
}

static void a_chosen_certificate_keeps_the_rules_for_clients(void **state)
{
	struct test_certificate mine = test_make((struct test_wish){.name = "device"});
	struct test_certificate second = test_make((struct test_wish){.name = "second", .alt = "DNS:global.berth.test"});
	struct tls_pair pairs[2];
	char paths[2][128], why[256];
	struct world w;

	(void)state;
	test_save(&folder, "second", &second, 1, paths[0], paths[1]);
	pairs[0] = (struct tls_pair){server_pair.certificate_file, server_pair.key_file};
	pairs[1] = (struct tls_pair){paths[0], paths[1]};
	world_init(&w, true);
	tls_free(&w.tls);
	assert_int_equal(OK, tls_new(pairs, 2, &w.tls, why));
	SSL_CTX_use_certificate(w.client_ctx, mine.x);
	SSL_CTX_use_PrivateKey(w.client_ctx, mine.key);
	world_play(&w, visit);
	assert_int_equal(1, w.said);
	assert_chain_is(&w, &mine, 1);
	world_fini(&w);
	test_unmake(&mine);
	test_unmake(&second);
}

static void unusable_files_are_refused_with_a_sentence(void **state)
{
	struct test_certificate other = test_make((struct test_wish){.name = "other"});
	char paths[2][128], locked[128], why[256];
	struct tls *t = NULL;
	FILE *f;

	(void)state;
	test_save(&folder, "other", &other, 1, paths[0], paths[1]);
	assert_int_equal(ERR_IO, tls_new(&(struct tls_pair){"/nowhere.pem", paths[1]}, 1, &t, why));
	assert_string_equal("/nowhere.pem: No such file or directory", why);
	assert_int_equal(ERR_MALFORMED, tls_new(&(struct tls_pair){paths[1], paths[1]}, 1, &t, why));
	assert_non_null(strstr(why, "no usable certificate"));
	assert_int_equal(ERR_MALFORMED, tls_new(&(struct tls_pair){paths[0], server_pair.key_file}, 1, &t, why));
	assert_non_null(strstr(why, "no usable key"));
	assert_int_equal(ERR_INVALID, tls_new(NULL, 0, &t, why));

	/* A key under a pass phrase is refused, and nobody is asked for it. */
	snprintf(locked, sizeof(locked), "%s/locked.key", folder.path);
	f = fopen(locked, "w");
	PEM_write_PrivateKey(f, other.key, EVP_aes_128_cbc(), (unsigned char *)"secret", 6, NULL, NULL);
	fclose(f);
	assert_int_equal(ERR_MALFORMED, tls_new(&(struct tls_pair){paths[0], locked}, 1, &t, why));
	assert_null(t);
	test_unmake(&other);
}

static void note_address(struct world *w)
{
	snprintf(w->server_name, sizeof(w->server_name), "%s", w->stream->peer_address);
	stream_close(&w->stream);
}

static void visit_from_a_known_port(struct world *w)
{
	struct sockaddr_in mine;
	socklen_t size = sizeof(mine);

	dial(w);
	getsockname(w->fd, (struct sockaddr *)&mine, &size);
	w->facts[0] = ntohs(mine.sin_port);
	say(w, "hello", 5);
	shutdown(w->fd, SHUT_WR);
	read_to_end(w);
}

static void the_peer_is_known_by_its_address(void **state)
{
	struct world w;
	char expected[64];

	(void)state;
	world_init(&w, false);
	w.hears = note_address;
	world_play(&w, visit_from_a_known_port);
	snprintf(expected, sizeof(expected), "127.0.0.1:%d", w.facts[0]);
	assert_string_equal(expected, w.server_name);
	world_fini(&w);
}

static int make_all(void **state)
{
	static char paths[2][128];

	(void)state;
	folder = test_folder();
	authority = test_make((struct test_wish){.name = "authority", .ca = 1});
	server = test_make((struct test_wish){.name = "server", .alt = "DNS:*.berth.test", .issuer = &authority});
	test_save(&folder, "server", &server, 1, paths[0], paths[1]);
	server_pair = (struct tls_pair){paths[0], paths[1]};
	return 0;
}

static int unmake_all(void **state)
{
	(void)state;
	test_unmake(&authority);
	test_unmake(&server);
	test_folder_remove(&folder);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_without_certificate_is_welcome),
		cmocka_unit_test(every_kind_of_client_key_is_accepted),
		cmocka_unit_test(every_kind_of_server_key_serves),
		cmocka_unit_test(every_suite_of_tls_1_2_works),
		cmocka_unit_test(expired_and_self_signed_certificates_are_not_judged_here),
		cmocka_unit_test(a_chain_of_three_arrives_leaf_first),
		cmocka_unit_test(a_leaf_sent_twice_counts_once),
		cmocka_unit_test(a_chain_longer_than_the_limit_ends_the_handshake),
		cmocka_unit_test(a_curve_that_is_spelled_out_ends_the_handshake),
		cmocka_unit_test(a_crowd_of_small_certificates_ends_the_handshake),
		cmocka_unit_test(the_request_for_a_certificate_names_no_authorities),
		cmocka_unit_test(a_session_is_never_resumed),
		cmocka_unit_test(a_silent_client_is_cut_off_at_the_deadline),
		cmocka_unit_test(a_dripping_handshake_is_cut_off_at_the_deadline),
		cmocka_unit_test(a_client_that_does_not_speak_tls_is_sent_away),
		cmocka_unit_test(a_connection_cut_off_is_not_an_orderly_end),
		cmocka_unit_test(a_full_inbox_stops_the_peer_and_loses_nothing),
		cmocka_unit_test(a_slow_eater_gets_everything),
		cmocka_unit_test(the_last_bytes_behind_a_full_inbox_arrive_by_themselves),
		cmocka_unit_test(a_full_outbox_drains_and_says_so),
		cmocka_unit_test(closing_sends_what_is_in_the_outbox_first),
		cmocka_unit_test(an_early_answer_survives_the_rest_of_the_question),
		cmocka_unit_test(a_peer_that_has_finished_sending_still_gets_its_answer),
		cmocka_unit_test(what_is_added_while_the_peer_is_slow_comes_after),
		cmocka_unit_test(what_one_turn_writes_is_one_record),
		cmocka_unit_test(a_peer_that_never_ends_is_cut_off_after_the_linger),
		cmocka_unit_test(an_abort_lets_go_at_once_and_sends_nothing),
		cmocka_unit_test(a_goodbye_under_way_ends_with_the_loop),
		cmocka_unit_test(connections_outlive_a_reload),
		cmocka_unit_test(the_certificate_is_chosen_by_the_name_asked_for),
		cmocka_unit_test(a_chosen_certificate_keeps_the_rules_for_clients),
		cmocka_unit_test(unusable_files_are_refused_with_a_sentence),
		cmocka_unit_test(the_peer_is_known_by_its_address),
	};

	return cmocka_run_group_tests(tests, make_all, unmake_all);
}
