/* Questions to a small HTTPS server that lives on the same loop. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "io/fetch.h"
#include "crypto/test_certificates.h"
#include "io/tls.h"

#define TOO_LONG_MS 20000
#define VISITS_MAX  16
#define ASKS_MAX    16

struct visit {
	struct world *world;
	struct stream *stream;
	size_t requests;
};

struct asked {
	struct world *world;
	struct fetch *fetch;
	int answers;
	enum err e;
	int status, retry_after;
	char why[256], body[256], header[64];
	size_t body_n;
};

struct world {
	struct loop *loop;
	struct tls *tls;
	int listener;
	struct watch *accepting;
	struct timer *too_long, *later;
	struct socket_conf conf;
	char connect_to[32];
	struct visit visits[VISITS_MAX];
	int accepted, open, requests;
	bool deaf; /* takes connections and never speaks TLS */
	int deaf_fds[VISITS_MAX];
	char request[4096]; /* the last one, whole */

	/* What the server does with a request; `v->stream` is its to write to and close. */
	void (*serve)(struct visit *v);

	struct fetcher *fetcher;
	struct asked asked[ASKS_MAX];
	int answered, expected;
	void (*after)(struct asked *); /* at the end of done(); may be NULL */
	struct slice left;             /* what serve_slowly has still to say */
	size_t pieces, pieces_n;       /* told to on_piece */
};

static struct test_folder folder;
static struct test_certificate authority;
static char files[3][2][128]; /* good, wrong name, expired */
static char authority_file[128];

/* --- the server --- */

static void serve_ok(struct visit *v)
{
	assert_int_equal(OK, stream_write(v->stream, SLICE("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Thing: some\r\n\r\nhello")));
}

static void serve_nothing(struct visit *v)
{
	(void)v;
}

static void on_visit_bytes(void *cookie)
{
	struct visit *v = cookie;
	struct world *w = v->world;
	struct slice in = stream_inbox(v->stream);
	ptrdiff_t head = slice_search(in, SLICE("\r\n\r\n"));
	ptrdiff_t length = slice_search(in, SLICE("Content-Length: "));
	size_t whole = head < 0 ? 0 : (size_t)head + 4 + (length < 0 ? 0 : (size_t)atoi(in.p + length + 16));

	if (v->stream->ended) {
		stream_close(&v->stream);
		return;
	}
	if (head < 0 || in.n < whole)
		return;
	snprintf(w->request, sizeof(w->request), "%.*s", (int)whole, in.p);
	stream_eat(v->stream, whole);
	v->requests++;
	w->requests++;
	w->serve(v);
}

static void on_visit_broken(void *cookie, enum err why)
{
	struct visit *v = cookie;

	(void)why;
	stream_close(&v->stream);
}

static void on_visit_gone(void *cookie)
{
	struct world *w = cookie;

	w->open--;
}

static const struct stream_user visitor = {.on_bytes = on_visit_bytes, .on_broken = on_visit_broken};

static void on_connection(void *cookie, int events)
{
	struct world *w = cookie;
	int fd;

	(void)events;
	while ((fd = accept4(w->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct visit *v = &w->visits[w->accepted];

		assert_in_range(w->accepted, 0, VISITS_MAX - 1);
		w->deaf_fds[w->accepted++] = w->deaf ? fd : -1;
		if (w->deaf)
			continue;
		v->world = w;
		w->open++;
		assert_int_equal(OK, tls_accept(w->loop, w->tls, fd, &w->conf, &visitor, v, &v->stream));
	}
}

static void on_too_long(void *cookie)
{
	(void)cookie;
	fail_msg("the test did not come to its end");
}

static void world_init(struct world *w, int which)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	struct fetcher_conf conf = {.ca_files = {NULL, authority_file}, .connections_per_host = 2, .user_agent = "berth-test/1"};
	char why[256];

	memset(w, 0, sizeof(*w));
	assert_int_equal(OK, loop_new(&w->loop));
	assert_int_equal(OK, tls_new(&(struct tls_pair){files[which][0], files[which][1]}, 1, &w->tls, why));
	w->conf = (struct socket_conf){.handshake_ms = 5000, .linger_ms = 1000, .gone = on_visit_gone, .gone_cookie = w};
	w->serve = serve_ok;
	w->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(0, bind(w->listener, (struct sockaddr *)&address, size));
	assert_int_equal(0, listen(w->listener, 16));
	getsockname(w->listener, (struct sockaddr *)&address, &size);
	snprintf(w->connect_to, sizeof(w->connect_to), "127.0.0.1:%d", ntohs(address.sin_port));
	w->accepting = loop_watch(w->loop, w->listener, WATCH_READ, on_connection, w);
	w->too_long = loop_after(w->loop, TOO_LONG_MS, on_too_long, w);
	assert_int_equal(OK, fetcher_new(w->loop, &conf, &w->fetcher));
}

static void world_fini(struct world *w)
{
	fetcher_free(&w->fetcher);
	timer_cancel(&w->later);
	timer_cancel(&w->too_long);
	for (int i = 0; i < w->accepted; i++) {
		if (w->deaf_fds[i] >= 0)
			close(w->deaf_fds[i]);
		stream_abort(&w->visits[i].stream);
	}
	watch_stop(&w->accepting);
	close(w->listener);
	tls_free(&w->tls);
	loop_free(&w->loop);
}

/* --- the asker --- */

static void on_answer(void *cookie, const struct fetch_answer *answer)
{
	struct asked *a = cookie;
	const char *header = answer->header(answer, "x-thing");

	a->fetch = NULL;
	a->answers++;
	a->e = answer->e;
	a->status = answer->status;
	a->retry_after = answer->retry_after;
	a->body_n = answer->body.n;
	snprintf(a->why, sizeof(a->why), "%s", answer->why ? answer->why : "");
	snprintf(a->body, sizeof(a->body), "%.*s", SLICE_ARG(answer->body));
	snprintf(a->header, sizeof(a->header), "%s", header ? header : "(none)");
	if (++a->world->answered == a->world->expected)
		loop_stop(a->world->loop);
	if (a->world->after)
		a->world->after(a);
}

static struct fetch_ask usual(const struct world *w)
{
	return (struct fetch_ask){.method = "GET",
				  .url = "https://hub-a.berth.test/devices/x?api-version=1",
				  .connect_to = w->connect_to,
				  .answer_max = 1000,
				  .connect_ms = 3000,
				  .deadline_ms = 5000};
}

static struct asked *ask(struct world *w, int i, struct fetch_ask question)
{
	struct asked *a = &w->asked[i];

	memset(a, 0, sizeof(*a));
	a->world = w;
	a->fetch = fetch_start(w->fetcher, &question, on_answer, a);
	assert_non_null(a->fetch);
	assert_int_equal(0, a->answers); /* never inside the call */
	return a;
}

static void run_until(struct world *w, int answers)
{
	w->answered = 0;
	w->expected = answers;
	loop_run(w->loop);
}

static void stop(void *cookie)
{
	struct world *w = cookie;

	w->later = NULL;
	loop_stop(w->loop);
}

static void run_for(struct world *w, int ms)
{
	w->expected = -1;
	w->later = loop_after(w->loop, ms, stop, w);
	loop_run(w->loop);
}

static struct asked *ask_and_wait(struct world *w, struct fetch_ask question)
{
	struct asked *a = ask(w, 0, question);

	run_until(w, 1);
	return a;
}

/* --- good answers --- */

static void a_question_gets_its_answer(void **state)
{
	struct world w;
	struct asked *a;

	(void)state;
	world_init(&w, 0);
	a = ask_and_wait(&w, usual(&w));
	assert_int_equal(OK, a->e);
	assert_int_equal(200, a->status);
	assert_string_equal("hello", a->body);
	assert_string_equal("some", a->header);
	assert_int_equal(-1, a->retry_after);
	assert_string_equal("GET /devices/x?api-version=1 HTTP/1.1\r\n"
			    "Host: hub-a.berth.test\r\n"
			    "User-Agent: berth-test/1\r\n"
			    "Accept: */*\r\n\r\n",
			    w.request);
	assert_string_equal("hub-a.berth.test", w.visits[0].stream->server_name);
	world_fini(&w);
}

static void a_body_and_headers_arrive_as_given(void **state)
{
	static const char *const headers[] = {"If-Match: \"*\"", "Content-Type: application/json", NULL};
	struct world w;
	struct fetch_ask q;

	(void)state;
	world_init(&w, 0);
	q = usual(&w);
	q.method = "PUT";
	q.url = "https://hub-a.berth.test/devices/../x";
	q.headers = headers;
	q.body = SLICE("{\"deviceId\":\"x\"}");
	assert_int_equal(OK, ask_and_wait(&w, q)->e);
	assert_non_null(strstr(w.request, "PUT /devices/../x HTTP/1.1\r\n")); /* the path as it is */
	assert_non_null(strstr(w.request, "If-Match: \"*\"\r\n"));
	assert_non_null(strstr(w.request, "Content-Type: application/json\r\n"));
	assert_non_null(strstr(w.request, "Content-Length: 16\r\n"));
	assert_null(strstr(w.request, "Expect"));
	assert_non_null(strstr(w.request, "\r\n\r\n{\"deviceId\":\"x\"}"));

	q.method = "POST"; /* without a body, and without a word about forms */
	q.headers = NULL;
	q.body = NO_SLICE;
	assert_int_equal(OK, ask_and_wait(&w, q)->e);
	assert_non_null(strstr(w.request, "Content-Length: 0\r\n"));
	assert_null(strstr(w.request, "Content-Type"));

	q.method = "DELETE";
	assert_int_equal(OK, ask_and_wait(&w, q)->e);
	assert_non_null(strstr(w.request, "DELETE /"));
	assert_null(strstr(w.request, "Content-Length"));
	world_fini(&w);
}

static void a_long_body_does_not_wait_for_permission(void **state)
{
	struct world w;
	struct fetch_ask q;
	char *body = malloc(20000);

	(void)state;
	memset(body, 'b', 20000);
	world_init(&w, 0);
	q = usual(&w);
	q.method = "PUT";
	q.body = slice_over(body, 20000);
	assert_int_equal(OK, ask_and_wait(&w, q)->e);
	assert_null(strstr(w.request, "Expect"));
	world_fini(&w);
	free(body);
}

/* --- piece by piece --- */

static void on_piece(void *cookie, struct slice bytes)
{
	struct asked *a = cookie;

	assert_int_equal(0, a->answers);
	for (size_t i = 0; i < bytes.n; i++)
		assert_int_equal('a' + (int)((a->world->pieces_n + i) % 26), bytes.p[i]);
	a->world->pieces++;
	a->world->pieces_n += bytes.n;
}

static char alphabets[26 * 2000];

static void say_more(void *cookie)
{
	struct visit *v = cookie;
	struct slice some = slice_to(v->world->left, 13000);

	v->world->later = NULL;
	assert_int_equal(OK, stream_write(v->stream, some));
	v->world->left = slice_from(v->world->left, some.n);
	if (v->world->left.n)
		v->world->later = loop_after(v->world->loop, 200, say_more, v);
}

static void serve_slowly(struct visit *v)
{
	char head[80];

	for (size_t i = 0; i < sizeof(alphabets); i++)
		alphabets[i] = (char)('a' + i % 26);
	v->world->left = slice_over(alphabets, sizeof(alphabets));
	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", sizeof(alphabets));
	assert_int_equal(OK, stream_write(v->stream, slice_str(head)));
	say_more(v);
}

/* Longer than the longest answer, and longer under way than the deadline, which is for each piece. */
static void a_long_answer_goes_on_as_it_comes(void **state)
{
	struct world w;
	struct fetch_ask q;
	struct asked *a;

	(void)state;
	world_init(&w, 0);
	w.serve = serve_slowly;
	q = usual(&w);
	q.piece = on_piece;
	q.deadline_ms = 550;
	a = ask_and_wait(&w, q);
	assert_int_equal(OK, a->e);
	assert_int_equal(200, a->status);
	assert_int_equal(sizeof(alphabets), w.pieces_n);
	assert_true(w.pieces > 1);
	assert_int_equal(0, a->body_n);
	world_fini(&w);
}

static void serve_trouble(struct visit *v)
{
	assert_int_equal(OK, stream_write(v->stream, SLICE("HTTP/1.1 400 Bad Request\r\nContent-Length: 4\r\n\r\noops")));
}

static void serve_two_of_four(struct visit *v)
{
	assert_int_equal(OK, stream_write(v->stream, SLICE("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")));
}

static void a_bad_answer_is_kept_whole_and_a_pause_has_its_end(void **state)
{
	struct world w;
	struct fetch_ask q;
	struct asked *a;

	(void)state;
	world_init(&w, 0);
	w.serve = serve_trouble;
	q = usual(&w);
	q.piece = on_piece;
	a = ask_and_wait(&w, q);
	assert_int_equal(400, a->status);
	assert_string_equal("oops", a->body);
	assert_int_equal(0, w.pieces);
	w.serve = serve_two_of_four;
	q.deadline_ms = 300;
	a = ask_and_wait(&w, q);
	assert_int_equal(ERR_TIMEOUT, a->e);
	assert_int_equal(2, w.pieces_n);
	world_fini(&w);
}

static void connections_are_used_again(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(OK, ask_and_wait(&w, usual(&w))->e);
	assert_int_equal(1, w.accepted);
	assert_int_equal(5, w.visits[0].requests);
	world_fini(&w);
}

static void a_fresh_question_has_a_connection_of_its_own(void **state)
{
	struct world w;
	struct fetch_ask q;

	(void)state;
	world_init(&w, 0);
	q = usual(&w);
	q.fresh = true;
	for (int i = 0; i < 3; i++)
		assert_int_equal(OK, ask_and_wait(&w, q)->e);
	run_for(&w, 50);
	assert_int_equal(3, w.accepted);
	assert_int_equal(0, w.open); /* and closed afterwards */
	world_fini(&w);
}

static size_t seen[3];

static void serve_and_note(struct visit *v)
{
	seen[v->world->requests - 1] = v->stream->chain_count;
	serve_ok(v);
}

static struct slice read_file(const char *path, char to[4096])
{
	FILE *f = fopen(path, "r");
	size_t n = fread(to, 1, 4096, f);

	fclose(f);
	return slice_over(to, n);
}

static void a_certificate_is_shown_for_one_question_only(void **state)
{
	struct world w;
	struct fetch_ask q;
	char certificate[4096], key[4096];
	struct credential *credential;
	const char *why;

	(void)state;
	assert_int_equal(OK, credential_read(read_file(files[0][0], certificate), read_file(files[0][1], key), &credential, &why));
	world_init(&w, 0);
	w.serve = serve_and_note;
	for (int i = 0; i < 3; i++) {
		q = usual(&w);
		q.credential = i == 1 ? credential : NULL;
		assert_int_equal(OK, ask_and_wait(&w, q)->e);
	}
	assert_int_equal(0, seen[0]);
	assert_int_equal(1, seen[1]);
	assert_int_equal(0, seen[2]);
	assert_int_equal(2, w.accepted); /* the others share one */
	world_fini(&w);
	credential_free(&credential);
}

static void a_host_sees_no_more_connections_than_agreed(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 0);
	for (int i = 0; i < 10; i++)
		ask(&w, i, usual(&w));
	run_until(&w, 10);
	for (int i = 0; i < 10; i++)
		assert_int_equal(OK, w.asked[i].e);
	assert_int_equal(2, w.accepted);
	world_fini(&w);
}

static void serve_redirect(struct visit *v)
{
	assert_int_equal(OK, stream_write(v->stream, SLICE("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")));
}

static void a_redirect_is_an_answer_like_any_other(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 0);
	w.serve = serve_redirect;
	assert_int_equal(302, ask_and_wait(&w, usual(&w))->status);
	assert_int_equal(1, w.requests);
	world_fini(&w);
}

static void serve_busy(struct visit *v)
{
	assert_int_equal(OK, stream_write(v->stream, SLICE("HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n")));
}

static void retry_after_is_told(void **state)
{
	struct world w;
	struct asked *a;

	(void)state;
	world_init(&w, 0);
	w.serve = serve_busy;
	a = ask_and_wait(&w, usual(&w));
	assert_int_equal(OK, a->e);
	assert_int_equal(429, a->status);
	assert_int_equal(7, a->retry_after);
	world_fini(&w);
}

/* --- bad answers --- */

static void a_refused_connection_is_told_as_such(void **state)
{
	struct world w;
	struct fetch_ask q;
	struct asked *a;

	(void)state;
	world_init(&w, 0);
	q = usual(&w);
	watch_stop(&w.accepting);
	close(w.listener);
	w.listener = -1;
	a = ask_and_wait(&w, q);
	assert_int_equal(ERR_UNREACHABLE, a->e);
	assert_string_equal("no connection: Connection refused", a->why);
	world_fini(&w);
}

static void a_certificate_for_another_name_is_not_trusted(void **state)
{
	struct world w;
	struct asked *a;

	(void)state;
	world_init(&w, 1);
	a = ask_and_wait(&w, usual(&w));
	assert_int_equal(ERR_UNREACHABLE, a->e);
	assert_non_null(strstr(a->why, "hub-a.berth.test"));
	assert_int_equal(0, w.requests);
	world_fini(&w);
}

static void an_expired_certificate_is_not_trusted(void **state)
{
	struct world w;
	struct asked *a;

	(void)state;
	world_init(&w, 2);
	a = ask_and_wait(&w, usual(&w));
	assert_int_equal(ERR_UNREACHABLE, a->e);
	assert_non_null(strstr(a->why, "expired"));
	world_fini(&w);
}

static void an_unknown_authority_is_not_trusted(void **state)
{
	struct fetcher_conf conf = {.connections_per_host = 2};
	struct world w;
	struct asked *a;

	(void)state;
	world_init(&w, 0);
	fetcher_free(&w.fetcher);
	assert_int_equal(OK, fetcher_new(w.loop, &conf, &w.fetcher));
	a = ask_and_wait(&w, usual(&w));
	assert_int_equal(ERR_UNREACHABLE, a->e);
	assert_non_null(strstr(a->why, "certificate"));
	world_fini(&w);
}

static void a_silent_server_is_given_up_at_the_deadline(void **state)
{
	struct world w;
	struct fetch_ask q;
	struct asked *a;
	int64_t start;

	(void)state;
	world_init(&w, 0);
	w.serve = serve_nothing;
	q = usual(&w);
	q.deadline_ms = 120;
	start = loop_now_ms(w.loop);
	a = ask_and_wait(&w, q);
	assert_int_equal(ERR_TIMEOUT, a->e);
	assert_string_equal("no answer within 120 ms", a->why);
	assert_int_equal(1, w.requests);
	assert_in_range(loop_now_ms(w.loop) - start, 120, 2000);
	world_fini(&w);
}

/* libcurl alone would let those that wait for a connection wait for ever. */
static void the_deadline_holds_for_those_that_wait_for_a_connection(void **state)
{
	struct world w;
	struct fetch_ask q;

	(void)state;
	world_init(&w, 0);
	w.serve = serve_nothing;
	q = usual(&w);
	for (int i = 0; i < 2; i++)
		ask(&w, i, q);
	q.deadline_ms = 100;
	ask(&w, 2, q);
	run_until(&w, 1);
	assert_int_equal(1, w.asked[2].answers);
	assert_int_equal(ERR_TIMEOUT, w.asked[2].e);
	assert_int_equal(0, w.asked[0].answers + w.asked[1].answers);
	world_fini(&w);
}

static void a_server_that_does_not_shake_hands_is_unreachable(void **state)
{
	struct world w;
	struct fetch_ask q;
	struct asked *a;

	(void)state;
	world_init(&w, 0);
	w.deaf = true;
	q = usual(&w);
	q.connect_ms = 100;
	a = ask_and_wait(&w, q);
	assert_int_equal(ERR_UNREACHABLE, a->e);
	assert_string_equal("no connection within 100 ms", a->why);
	world_fini(&w);
}

static void serve_much(struct visit *v)
{
	char bytes[1001];

	memset(bytes, 'm', sizeof(bytes));
	assert_int_equal(OK, stream_write(v->stream, SLICE("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n")));
	assert_int_equal(OK, stream_write(v->stream, slice_over(bytes, sizeof(bytes))));
}

static void an_answer_longer_than_allowed_is_too_big(void **state)
{
	struct world w;
	struct fetch_ask q;
	struct asked *a;

	(void)state;
	world_init(&w, 0);
	w.serve = serve_much;
	q = usual(&w);
	a = ask_and_wait(&w, q);
	assert_int_equal(ERR_TOO_BIG, a->e);
	assert_string_equal("the answer is too long", a->why);
	q.answer_max = 1001;
	a = ask_and_wait(&w, q);
	assert_int_equal(OK, a->e);
	assert_int_equal(1001, a->body_n);
	world_fini(&w);
}

static void serve_rubbish(struct visit *v)
{
	assert_int_equal(OK, stream_write(v->stream, SLICE("\x01\x02 what do you want?\r\n\r\n")));
	stream_close(&v->stream);
}

static void rubbish_is_malformed(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 0);
	w.serve = serve_rubbish;
	assert_int_equal(ERR_MALFORMED, ask_and_wait(&w, usual(&w))->e);
	world_fini(&w);
}

static void serve_half(struct visit *v)
{
	assert_int_equal(OK, stream_write(v->stream, SLICE("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")));
	stream_close(&v->stream);
}

static void half_an_answer_is_none(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 0);
	w.serve = serve_half;
	assert_int_equal(ERR_CLOSED, ask_and_wait(&w, usual(&w))->e);
	world_fini(&w);
}

static void serve_and_leave(struct visit *v)
{
	serve_ok(v);
	stream_close(&v->stream);
}

static void a_connection_that_its_server_closed_is_replaced(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 0);
	w.serve = serve_and_leave; /* without a word of "Connection: close" */
	assert_int_equal(OK, ask_and_wait(&w, usual(&w))->e);
	run_for(&w, 50);
	assert_int_equal(OK, ask_and_wait(&w, usual(&w))->e);
	assert_int_equal(2, w.accepted);
	world_fini(&w);
}

static void a_name_that_nobody_has_is_unreachable(void **state)
{
	struct world w;
	struct fetch_ask q;
	struct asked *a;

	(void)state;
	world_init(&w, 0);
	q = usual(&w);
	q.connect_to = NULL;
	q.url = "https://nobody.invalid/";
	q.deadline_ms = 2000; /* a name server may be slow to say so */
	a = ask_and_wait(&w, q);
	assert_true(a->e == ERR_UNREACHABLE || a->e == ERR_TIMEOUT);
	assert_true(a->why[0] != '\0');
	world_fini(&w);
}

static void a_broken_url_fails_like_everything_else_later(void **state)
{
	struct world w;
	struct fetch_ask q;

	(void)state;
	world_init(&w, 0);
	q = usual(&w);
	q.url = "https://[::bad/";
	assert_int_equal(ERR_INVALID, ask_and_wait(&w, q)->e);
	q.url = "ftp://hub-a.berth.test/";
	assert_int_equal(ERR_MALFORMED, ask_and_wait(&w, q)->e);
	world_fini(&w);
}

/* --- promise 3: cancelled at any moment --- */

static void assert_silent_after_cancel(struct world *w, struct asked *a)
{
	fetch_cancel(&a->fetch);
	assert_null(a->fetch);
	run_for(w, 60);
	assert_int_equal(0, a->answers);
	w->serve = serve_ok;
	assert_int_equal(OK, ask_and_wait(w, usual(w))->e); /* nothing else was hurt */
}

static void serve_and_stop(struct visit *v)
{
	loop_stop(v->world->loop);
}

static void serve_head_and_stop(struct visit *v)
{
	assert_int_equal(OK, stream_write(v->stream, SLICE("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")));
	v->world->later = loop_after(v->world->loop, 30, stop, v->world);
}

static void a_cancelled_question_stays_silent_in_every_phase(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 0);
	assert_silent_after_cancel(&w, ask(&w, 0, usual(&w))); /* just asked */
	world_fini(&w);

	world_init(&w, 0);
	w.deaf = true;
	ask(&w, 0, usual(&w));
	run_for(&w, 30); /* in the handshake */
	w.deaf = false;
	assert_silent_after_cancel(&w, &w.asked[0]);
	world_fini(&w);

	world_init(&w, 0);
	w.serve = serve_and_stop;
	ask(&w, 0, usual(&w));
	run_until(&w, -1); /* the request has arrived */
	assert_silent_after_cancel(&w, &w.asked[0]);
	world_fini(&w);

	world_init(&w, 0);
	w.serve = serve_head_and_stop;
	ask(&w, 0, usual(&w));
	run_until(&w, -1); /* half an answer is here */
	assert_silent_after_cancel(&w, &w.asked[0]);
	world_fini(&w);

	world_init(&w, 0);
	w.serve = serve_nothing;
	for (int i = 1; i < 3; i++)
		ask(&w, i, usual(&w));
	ask(&w, 0, usual(&w));
	run_for(&w, 50); /* waiting for a connection, and then all */
	fetch_cancel(&w.asked[1].fetch);
	fetch_cancel(&w.asked[2].fetch);
	assert_silent_after_cancel(&w, &w.asked[0]);
	world_fini(&w);
}

static void a_cancelled_name_lookup_does_not_hold_up_the_loop(void **state)
{
	struct world w;
	struct fetch_ask q;
	int64_t start;

	(void)state;
	world_init(&w, 0);
	q = usual(&w);
	q.connect_to = NULL;
	q.url = "https://nobody.invalid/";
	ask(&w, 0, q);
	run_for(&w, 1);
	start = clock_mono_ms();
	fetch_cancel(&w.asked[0].fetch);
	assert_in_range(clock_mono_ms() - start, 0, 200);
	world_fini(&w);
}

static struct fetch *own;

static void cancel_itself(struct asked *a)
{
	(void)a;
	fetch_cancel(&own);
}

static void a_question_may_be_cancelled_in_its_own_done(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 0);
	w.after = cancel_itself;
	own = ask(&w, 0, usual(&w))->fetch;
	run_until(&w, 1);
	assert_int_equal(1, w.asked[0].answers);
	assert_null(own);
	world_fini(&w);
}

static void cancel_all_others(struct asked *a)
{
	for (int i = 0; i < ASKS_MAX; i++)
		fetch_cancel(&a->world->asked[i].fetch);
	a->world->after = NULL;
}

static void others_may_be_cancelled_in_a_done(void **state)
{
	struct world w;
	int answers = 0;

	(void)state;
	world_init(&w, 0);
	w.after = cancel_all_others;
	for (int i = 0; i < 8; i++)
		ask(&w, i, usual(&w));
	run_until(&w, 1);
	run_for(&w, 60);
	for (int i = 0; i < 8; i++)
		answers += w.asked[i].answers;
	assert_int_equal(1, answers);
	world_fini(&w);
}

static void ask_once_more(struct asked *a)
{
	a->world->after = NULL;
	ask(a->world, 1, usual(a->world));
}

static void a_question_may_be_asked_in_a_done(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 0);
	w.after = ask_once_more;
	ask(&w, 0, usual(&w));
	run_until(&w, 2);
	assert_int_equal(OK, w.asked[1].e);
	assert_int_equal(1, w.accepted);
	world_fini(&w);
}

static void free_the_fetcher(struct asked *a)
{
	fetcher_free(&a->world->fetcher);
}

static void the_fetcher_may_be_freed_in_a_done(void **state)
{
	struct world w;
	int answers = 0;

	(void)state;
	world_init(&w, 0);
	w.after = free_the_fetcher;
	for (int i = 0; i < 4; i++)
		ask(&w, i, usual(&w));
	run_until(&w, 1);
	for (int i = 0; i < 4; i++)
		answers += w.asked[i].answers;
	assert_int_equal(1, answers);
	assert_null(w.fetcher);
	world_fini(&w);
}

static void a_missing_authority_file_is_refused(void **state)
{
	struct fetcher_conf conf = {.ca_files = {"/nowhere.pem"}, .connections_per_host = 1};
	struct fetcher *r = NULL;
	struct world w;

	(void)state;
	world_init(&w, 0);
	assert_int_equal(ERR_IO, fetcher_new(w.loop, &conf, &r));
	conf.ca_files[0] = files[0][1]; /* a key */
	assert_int_equal(ERR_MALFORMED, fetcher_new(w.loop, &conf, &r));
	conf.ca_files[0] = authority_file;
	conf.ca_files[1] = files[0][1]; /* neither may be wrong */
	assert_int_equal(ERR_MALFORMED, fetcher_new(w.loop, &conf, &r));
	assert_null(r);
	world_fini(&w);
}

static int make_all(void **state)
{
	static const struct test_wish wishes[] = {
		{.name = "good", .alt = "DNS:*.berth.test"},
		{.name = "other", .alt = "DNS:other.test"},
		{.name = "expired", .alt = "DNS:*.berth.test", .from = -2 * TEST_DAY, .to = -TEST_DAY},
	};
	char unused[128];

	(void)state;
	folder = test_folder();
	authority = test_make((struct test_wish){.name = "authority", .ca = 1});
	test_save(&folder, "authority", &authority, 1, authority_file, unused);
	for (int i = 0; i < 3; i++) {
		struct test_wish wish = wishes[i];
		struct test_certificate c;

		wish.issuer = &authority;
		c = test_make(wish);
		test_save(&folder, wish.name, &c, 1, files[i][0], files[i][1]);
		test_unmake(&c);
	}
	return 0;
}

static int unmake_all(void **state)
{
	(void)state;
	test_unmake(&authority);
	test_folder_remove(&folder);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_gets_its_answer),
		cmocka_unit_test(a_body_and_headers_arrive_as_given),
		cmocka_unit_test(a_long_body_does_not_wait_for_permission),
		cmocka_unit_test(a_long_answer_goes_on_as_it_comes),
		cmocka_unit_test(a_bad_answer_is_kept_whole_and_a_pause_has_its_end),
		cmocka_unit_test(connections_are_used_again),
		cmocka_unit_test(a_fresh_question_has_a_connection_of_its_own),
		cmocka_unit_test(a_certificate_is_shown_for_one_question_only),
		cmocka_unit_test(a_host_sees_no_more_connections_than_agreed),
		cmocka_unit_test(a_redirect_is_an_answer_like_any_other),
		cmocka_unit_test(retry_after_is_told),
		cmocka_unit_test(a_refused_connection_is_told_as_such),
		cmocka_unit_test(a_certificate_for_another_name_is_not_trusted),
		cmocka_unit_test(an_expired_certificate_is_not_trusted),
		cmocka_unit_test(an_unknown_authority_is_not_trusted),
		cmocka_unit_test(a_silent_server_is_given_up_at_the_deadline),
		cmocka_unit_test(the_deadline_holds_for_those_that_wait_for_a_connection),
		cmocka_unit_test(a_server_that_does_not_shake_hands_is_unreachable),
		cmocka_unit_test(an_answer_longer_than_allowed_is_too_big),
		cmocka_unit_test(rubbish_is_malformed),
		cmocka_unit_test(half_an_answer_is_none),
		cmocka_unit_test(a_connection_that_its_server_closed_is_replaced),
		cmocka_unit_test(a_name_that_nobody_has_is_unreachable),
		cmocka_unit_test(a_broken_url_fails_like_everything_else_later),
		cmocka_unit_test(a_cancelled_question_stays_silent_in_every_phase),
		cmocka_unit_test(a_cancelled_name_lookup_does_not_hold_up_the_loop),
		cmocka_unit_test(a_question_may_be_cancelled_in_its_own_done),
		cmocka_unit_test(others_may_be_cancelled_in_a_done),
		cmocka_unit_test(a_question_may_be_asked_in_a_done),
		cmocka_unit_test(the_fetcher_may_be_freed_in_a_done),
		cmocka_unit_test(a_missing_authority_file_is_refused),
	};

	return cmocka_run_group_tests(tests, make_all, unmake_all);
}
