/* A proxy's header on real sockets: before TLS and before plain bytes, whole and in pieces, and nothing behind it is lost. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>

#include <openssl/ssl.h>

#include "codec/proxy_header.h"
#include "crypto/test_certificates.h"
#include "io/plain.h"
#include "io/tls.h"

#define TOO_LONG_MS 20000
#define LINE        "PROXY TCP4 203.0.113.130 192.0.2.1 12345 8883\r\n"
#define SIGNATURE   "\r\n\r\n\0\r\nQUIT\n"
#define V6          SIGNATURE "\x21\x21\0\x24\x20\x01\x0d\xb8\0\x08\0\0\0\0\0\0\0\0\0\x07\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x30\x39\x22\xb3"
#define LOCAL       SIGNATURE "\x20\0\0\0"

static struct test_folder folder;
static char files[2][128];

/* What the client does when the header is sent. */
enum then { SPEAKS, STAYS, HANGS_UP };

/* A server and its one client, both on this loop. */
struct play {
	struct loop *loop;
	struct tls *tls;
	struct timer *too_long, *next;

	/* the server's side */
	struct stream *stream;
	char own[64], peer[64]; /* the client's address, and what it was when the stream opened */
	const char *fault;
	char heard[64];
	size_t heard_n;
	int introduced, opened, broken;
	enum err why;
	bool unwanted; /* abort whoever is introduced */

	/* the client's */
	int fd;
	struct watch *watch;
	char bytes[2 * PROXY_HEADER_MAX]; /* to be sent */
	size_t n, sent, piece;
	enum then then;
	SSL_CTX *ctx;
	SSL *ssl; /* NULL: it speaks plainly */
	bool said;
};

/* --- the server --- */

static void on_gone(void *cookie)
{
	loop_stop(((struct play *)cookie)->loop);
}

static void on_introduced(void *cookie)
{
	struct play *p = cookie;

	p->introduced++;
	assert_int_equal(p->opened, 0);
	if (p->unwanted)
		stream_abort(&p->stream);
}

static void on_open(void *cookie)
{
	struct play *p = cookie;

	p->opened++;
	snprintf(p->peer, sizeof(p->peer), "%s", p->stream->peer_address);
}

static void on_bytes(void *cookie)
{
	struct play *p = cookie;
	struct slice in = stream_inbox(p->stream);

	assert_in_range(p->heard_n + in.n, 0, sizeof(p->heard) - 1);
	memcpy(p->heard + p->heard_n, in.p, in.n);
	p->heard_n += in.n;
	stream_eat(p->stream, in.n);
	if (p->stream->ended)
		stream_abort(&p->stream);
}

static void on_broken(void *cookie, enum err why)
{
	struct play *p = cookie;

	p->broken++;
	p->why = why;
	p->fault = socket_header_fault(p->stream);
	stream_abort(&p->stream);
}

static const struct stream_user user = {.on_introduced = on_introduced, .on_open = on_open, .on_bytes = on_bytes, .on_broken = on_broken};

/* --- the client --- */

static void take_from_tls(struct play *p)
{
	int n = BIO_read(SSL_get_wbio(p->ssl), p->bytes + p->n, (int)(sizeof(p->bytes) - p->n));

	if (n > 0)
		p->n += (size_t)n;
}

/* A piece each millisecond, so that each arrives alone. */
static void send_piece(void *cookie)
{
	struct play *p = cookie;
	size_t n = p->n - p->sent < p->piece ? p->n - p->sent : p->piece;

	p->next = NULL;
	if (send(p->fd, p->bytes + p->sent, n, MSG_NOSIGNAL) == (ssize_t)n)
		p->sent += n;
	if (p->sent < p->n)
		p->next = loop_after(p->loop, 1, send_piece, p);
	else if (p->then != STAYS && (p->ssl == NULL || p->said))
		shutdown(p->fd, SHUT_WR);
}

static void on_client_ready(void *cookie, int events)
{
	struct play *p = cookie;
	char bytes[16384];
	ssize_t n = recv(p->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	(void)events;
	if (n <= 0 || p->ssl == NULL || p->said) {
		watch_stop(&p->watch);
		return;
	}
	BIO_write(SSL_get_rbio(p->ssl), bytes, (int)n);
	if (SSL_connect(p->ssl) == 1) {
		assert_int_equal(SSL_write(p->ssl, "hello", 5), 5);
		SSL_shutdown(p->ssl);
		p->said = true;
	}
	take_from_tls(p);
	if (p->next == NULL)
		send_piece(p);
}

static void connect_both(struct play *p, int *server)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	socklen_t size = sizeof(at);

	assert_int_equal(bind(listener, (struct sockaddr *)&at, size) | listen(listener, 1), 0);
	getsockname(listener, (struct sockaddr *)&at, &size);
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(p->fd, (struct sockaddr *)&at, size), 0);
	setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	assert_in_range(*server = accept4(listener, (struct sockaddr *)&at, &size, SOCK_NONBLOCK | SOCK_CLOEXEC), 0, 1 << 20);
	snprintf(p->own, sizeof(p->own), "127.0.0.1:%d", ntohs(at.sin_port));
	close(listener);
}

static void on_too_long(void *cookie)
{
	(void)cookie;
	fail_msg("the test did not come to its end");
}

/* --- one play --- */

static void play_init(struct play *p, bool with_tls)
{
	char why[256];

	*p = (struct play){.piece = sizeof(p->bytes)};
	assert_int_equal(loop_new(&p->loop), OK);
	if (!with_tls)
		return;
	assert_int_equal(tls_new(&(struct tls_pair){files[0], files[1]}, 1, &p->tls, why), OK);
	p->ctx = SSL_CTX_new(TLS_client_method());
	p->ssl = SSL_new(p->ctx);
	SSL_set_bio(p->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
}

/* The client sends this, then begins TLS in the same breath, or says hello plainly, or neither. */
static void play_run(struct play *p, struct slice header, int handshake_ms)
{
	struct socket_conf conf = {.handshake_ms = handshake_ms, .linger_ms = 1000, .proxied = true, .gone = on_gone, .gone_cookie = p};
	int server;

	memcpy(p->bytes, header.p, header.n);
	p->n = header.n;
	if (p->ssl) {
		SSL_connect(p->ssl);
		take_from_tls(p);
		assert_in_range(p->n, header.n + 100, sizeof(p->bytes));
	} else if (p->then == SPEAKS) {
		memcpy(p->bytes + p->n, "hello", 5);
		p->n += 5;
	}
	connect_both(p, &server);
	if (p->tls)
		assert_int_equal(tls_accept(p->loop, p->tls, server, &conf, &user, p, &p->stream), OK);
	else
		assert_int_equal(plain_accept(p->loop, server, &conf, &user, p, &p->stream), OK);
	p->watch = loop_watch(p->loop, p->fd, WATCH_READ, on_client_ready, p);
	p->too_long = loop_after(p->loop, TOO_LONG_MS, on_too_long, p);
	send_piece(p);
	loop_run(p->loop);
}

static void play_fini(struct play *p)
{
	assert_null(p->stream);
	watch_stop(&p->watch);
	timer_cancel(&p->next);
	timer_cancel(&p->too_long);
	close(p->fd);
	SSL_free(p->ssl);
	SSL_CTX_free(p->ctx);
	tls_free(&p->tls);
	loop_free(&p->loop);
}

static void comes_from(bool with_tls, struct slice header, size_t piece, const char *peer)
{
	struct play p;

	play_init(&p, with_tls);
	p.piece = piece;
	play_run(&p, header, 10000);
	assert_int_equal(p.introduced, 1);
	assert_int_equal(p.opened, 1);
	assert_int_equal(p.broken, 0);
	assert_string_equal(p.peer, peer ? peer : p.own);
	assert_string_equal(p.heard, "hello");
	play_fini(&p);
}

static void the_handshake_may_come_with_the_header(void **state)
{
	(void)state;
	comes_from(true, SLICE(LINE), SIZE_MAX, "203.0.113.130:12345");
	comes_from(true, SLICE(V6), SIZE_MAX, "[2001:db8:8::7]:12345");
	comes_from(true, SLICE(LOCAL), SIZE_MAX, NULL);
	comes_from(true, SLICE("PROXY UNKNOWN\r\n"), SIZE_MAX, NULL);
}

static void the_header_may_come_in_pieces(void **state)
{
	static const size_t pieces[] = {1, 2, 5, 13, 47, 50};

	(void)state;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		comes_from(true, SLICE(LINE), pieces[i], "203.0.113.130:12345");
		comes_from(true, SLICE(V6), pieces[i], "[2001:db8:8::7]:12345");
		comes_from(false, SLICE(LINE), pieces[i], "203.0.113.130:12345");
		comes_from(false, SLICE(LOCAL), pieces[i], NULL);
	}
}

static void plain_bytes_behind_it_stay_whole(void **state)
{
	(void)state;
	comes_from(false, SLICE(LINE), SIZE_MAX, "203.0.113.130:12345");
	comes_from(false, SLICE(V6), SIZE_MAX, "[2001:db8:8::7]:12345");
	comes_from(false, SLICE("PROXY TCP6 ::ffff:203.0.113.7 ::ffff:192.0.2.1 1 2\r\n"), SIZE_MAX, "203.0.113.7:1");
}

static void the_longest_header_is_taken(void **state)
{
	char header[PROXY_HEADER_MAX] = LOCAL;

	(void)state;
	header[14] = (char)((PROXY_HEADER_MAX - 16) >> 8), header[15] = (char)(PROXY_HEADER_MAX - 16);
	comes_from(true, slice_over(header, sizeof(header)), SIZE_MAX, NULL);
	comes_from(false, slice_over(header, sizeof(header)), 1000, NULL);
}

static void breaks(struct slice bytes, enum then then, int handshake_ms, enum err why, const char *fault)
{
	struct play p;

	for (int with_tls = 0; with_tls < 2; with_tls++) {
		play_init(&p, with_tls);
		SSL_free(p.ssl); /* whatever it sends, it is not TLS */
		p.ssl = NULL;
		p.then = then;
		play_run(&p, bytes, handshake_ms);
		assert_int_equal(p.broken, 1);
		assert_int_equal(p.introduced + p.opened, 0);
		assert_int_equal(p.why, why);
		if (fault)
			assert_string_equal(p.fault, fault);
		else
			assert_null(p.fault);
		play_fini(&p);
	}
}

static void what_is_no_header_breaks_the_stream(void **state)
{
	(void)state;
	breaks(SLICE("GET / HTTP/1.1\r\n"), STAYS, 10000, ERR_MALFORMED, "there is none");
	breaks(SLICE("\x16\x03\x01\x02"), STAYS, 10000, ERR_MALFORMED, "there is none, TLS begins at once");
	breaks(SLICE("PROXY TCP4 here there 1 2\r\n"), SPEAKS, 10000, ERR_MALFORMED, "an address in its line does not read");
}

static void a_header_that_does_not_come_in_time_breaks_the_stream(void **state)
{
	(void)state;
	breaks(SLICE(""), STAYS, 50, ERR_TIMEOUT, "it did not come in time");
	breaks(SLICE("PROXY TC"), STAYS, 50, ERR_TIMEOUT, "it did not come in time");
}

/* Who hangs up without a word only wanted to know whether somebody is there. */
static void an_end_within_the_header_is_its_fault(void **state)
{
	(void)state;
	breaks(SLICE(""), HANGS_UP, 10000, ERR_CLOSED, NULL);
	breaks(SLICE("PROXY TC"), HANGS_UP, 10000, ERR_CLOSED, "the connection ended within it");
	breaks(SLICE(SIGNATURE "\x20\0\0\x03x"), HANGS_UP, 10000, ERR_CLOSED, "the connection ended within it");
}

static void whoever_is_introduced_may_be_sent_away(void **state)
{
	struct play p;

	(void)state;
	for (int with_tls = 0; with_tls < 2; with_tls++) {
		play_init(&p, with_tls);
		p.unwanted = true;
		play_run(&p, SLICE(LINE), 10000);
		assert_int_equal(p.introduced, 1);
		assert_int_equal(p.opened + p.broken, 0);
		play_fini(&p);
	}
}

static int make_all(void **state)
{
	struct test_certificate c = test_make((struct test_wish){.name = "server", .alt = "DNS:*.berth.test"});

	(void)state;
	folder = test_folder();
	test_save(&folder, "server", &c, 1, files[0], files[1]);
	test_unmake(&c);
	return 0;
}

static int unmake_all(void **state)
{
	(void)state;
	test_folder_remove(&folder);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_handshake_may_come_with_the_header),
		cmocka_unit_test(the_header_may_come_in_pieces),
		cmocka_unit_test(plain_bytes_behind_it_stay_whole),
		cmocka_unit_test(the_longest_header_is_taken),
		cmocka_unit_test(what_is_no_header_breaks_the_stream),
		cmocka_unit_test(a_header_that_does_not_come_in_time_breaks_the_stream),
		cmocka_unit_test(an_end_within_the_header_is_its_fault),
		cmocka_unit_test(whoever_is_introduced_may_be_sent_away),
	};

	return cmocka_run_group_tests(tests, make_all, unmake_all);
}
