/* The doors: who is let in, to which certificate, and how all leave. */
#include <sys/resource.h>

#include <openssl/ssl.h>

#include "listen/test_world.h"

/* --- letting in --- */

static void visit_once(struct world *w)
{
	w->fds[0] = dial(w);
	w->facts[0] = say(w->fds[0], 'x');
	on_loop(w, count);
	w->facts[1] = (int)w->counts.open;
	close(w->fds[0]);
	w->fds[0] = -1;
	await_open(w, 0);
}

static void a_connection_reaches_its_protocol(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_open(&w);
	world_play(&w, visit_once);
	assert_int_equal('x', w.facts[0]);
	assert_int_equal(1, w.facts[1]);
	assert_int_equal(1, w.house.opened);
	assert_int_equal(1, w.house.closed);
	assert_int_equal(1, w.counts.accepted);
	assert_int_equal(0, w.counts.open);
	world_fini(&w);
}

static void visit_both_families(struct world *w)
{
	int port = listener_port(w->listener);

	w->fds[0] = dial_at(AF_INET, port);
	w->fds[1] = dial_at(AF_INET6, port);
	w->facts[0] = say(w->fds[0], '4');
	w->facts[1] = say(w->fds[1], '6');
}

static void both_families_share_a_port(void **state)
{
	struct world w;
	struct sockaddr_in6 here = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int probe = socket(AF_INET6, SOCK_STREAM, 0);
	int usable = bind(probe, (struct sockaddr *)&here, sizeof(here));

	(void)state;
	close(probe);
	if (usable != 0)
		skip(); /* a machine without IPv6 */
	world_init(&w);
	w.addresses[1] = "::1";
	world_open(&w);
	world_play(&w, visit_both_families);
	assert_int_equal('4', w.facts[0]);
	assert_int_equal('6', w.facts[1]);
	world_fini(&w);
}

static void visit_one_too_many(struct world *w)
{
	for (int i = 0; i < 4; i++) {
		w->fds[i] = dial(w);
		w->got[i] = (char)say(w->fds[i], 'a');
	}
	close(w->fds[0]);
	w->fds[0] = -1;
	await_open(w, 2);
	w->fds[4] = dial(w);
	w->got[4] = (char)say(w->fds[4], 'b');
	on_loop(w, count);
}

static void assert_one_was_too_many(const struct world *w)
{
	for (int i = 0; i < 3; i++)
		assert_int_equal('a', w->got[i]);
	assert_true(w->got[3] <= 0);
	assert_int_equal('b', w->got[4]); /* there is room again */
	assert_int_equal(1, w->counts.refused);
	assert_int_equal(4, w->counts.accepted);
	assert_int_equal(3, w->counts.open);
}

static void more_connections_than_allowed_are_refused(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.conf.limits.connections_max = 3;
	world_open(&w);
	world_play(&w, visit_one_too_many);
	assert_one_was_too_many(&w);
	world_fini(&w);
}

static void one_peer_cannot_take_all_places(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.conf.limits.per_peer_max = 3;
	world_open(&w);
	world_play(&w, visit_one_too_many);
	assert_one_was_too_many(&w);
	world_fini(&w);
}

static void loosen(struct world *w)
{
	struct listen_limits limits = w->conf.limits;

	limits.connections_max = 10;
	listener_set_limits(w->listener, &limits);
}

static void visit_before_and_after(struct world *w)
{
	w->fds[0] = dial(w);
	w->got[0] = (char)say(w->fds[0], 'a');
	w->fds[1] = dial(w);
	w->got[1] = (char)say(w->fds[1], 'a');
	on_loop(w, loosen);
	w->fds[2] = dial(w);
	w->got[2] = (char)say(w->fds[2], 'a');
}

static void limits_change_with_a_reload(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.conf.limits.connections_max = 1;
	world_open(&w);
	world_play(&w, visit_before_and_after);
	assert_int_equal('a', w.got[0]);
	assert_true(w.got[1] <= 0);
	assert_int_equal('a', w.got[2]);
	world_fini(&w);
}

static void a_protocol_that_opens_nothing_leaves_no_trace(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.house.refuse_all = true;
	world_open(&w);
	world_play(&w, visit_once);
	assert_true(w.facts[0] <= 0);
	assert_int_equal(0, w.counts.open);
	world_fini(&w);
}

static void a_connection_may_be_gone_before_it_was_opened(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.house.close_in_open = true;
	world_open(&w);
	world_play(&w, visit_once);
	assert_true(w.facts[0] <= 0);
	assert_int_equal(1, w.house.closed);
	assert_int_equal(0, w.counts.open);
	world_fini(&w);
}

static long used_ms(const struct rusage *u)
{
	return (u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1000 + (u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1000;
}

/* Out of descriptors: no spinning, and the connection is served once there is one. */
static void visit_without_descriptors(struct world *w)
{
	struct rlimit before, none;
	struct rusage start, end;

	w->fds[0] = dial(w);
	w->facts[0] = say(w->fds[0], 'a');
	w->fds[1] = socket(AF_INET, SOCK_STREAM, 0);
	getrlimit(RLIMIT_NOFILE, &before);
	none = before;
	none.rlim_cur = (rlim_t)w->fds[1] + 1;
	setrlimit(RLIMIT_NOFILE, &none);
	connect(w->fds[1],
		(struct sockaddr *)&(struct sockaddr_in){.sin_family = AF_INET,
							 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
							 .sin_port = htons((uint16_t)listener_port(w->listener))},
		sizeof(struct sockaddr_in));
	getrusage(RUSAGE_SELF, &start);
	usleep(250000);
	getrusage(RUSAGE_SELF, &end);
	w->facts[2] = (int)(used_ms(&end) - used_ms(&start));
	setrlimit(RLIMIT_NOFILE, &before);
	w->facts[1] = say(w->fds[1], 'b');
}

static void without_descriptors_the_doors_wait(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_open(&w);
	world_play(&w, visit_without_descriptors);
	assert_int_equal('a', w.facts[0]);
	assert_int_equal('b', w.facts[1]);
	assert_in_range(w.facts[2], 0, 120); /* ms of processor in 250 ms */
	world_fini(&w);
}

/* --- opening --- */

static void a_second_server_does_not_share_the_port(void **state)
{
	struct world w;
	struct listener *second = NULL;
	char why[LISTEN_WHY_MAX], expected[LISTEN_WHY_MAX];

	(void)state;
	world_init(&w);
	world_open(&w);
	w.conf.port = listener_port(w.listener);
	assert_int_equal(ERR_CONFLICT, listener_open(&w.conf, &second, why));
	snprintf(expected, sizeof(expected), "cannot listen on 127.0.0.1 port %d: Address already in use", w.conf.port);
	assert_string_equal(expected, why);
	assert_null(second);
	world_fini(&w);
}

static void text_that_is_no_address_is_refused(void **state)
{
	struct world w;
	struct listener *l = NULL;
	char why[LISTEN_WHY_MAX];

	(void)state;
	world_init(&w);
	w.addresses[1] = "localhost";
	assert_int_equal(ERR_INVALID, listener_open(&w.conf, &l, why));
	assert_string_equal("localhost is not an IPv4 or IPv6 address", why);
	w.addresses[0] = NULL;
	assert_int_equal(ERR_INVALID, listener_open(&w.conf, &l, why));
	assert_null(l);
	world_fini(&w);
}

struct neighbour {
	struct loop *loop;
	struct listener *listener;
	struct house house;
	pthread_t thread;
};

static void *neighbour_run(void *cookie)
{
	struct neighbour *n = cookie;

	loop_run(n->loop);
	return NULL;
}

static void visit_many(struct world *w)
{
	for (int i = 0; i < CLIENTS; i++) {
		w->fds[i] = dial(w);
		w->got[i] = (char)say(w->fds[i], 'n');
	}
}

static void two_loops_share_the_connections(void **state)
{
	struct world w;
	struct neighbour n = {0};
	char why[LISTEN_WHY_MAX];

	(void)state;
	world_init(&w);
	world_open(&w);
	assert_int_equal(OK, loop_new(&n.loop));
	w.conf.loop = n.loop;
	w.conf.house = &n.house;
	w.conf.beside = w.listener;
	assert_int_equal(OK, listener_open(&w.conf, &n.listener, why));
	assert_int_equal(listener_port(w.listener), listener_port(n.listener));
	assert_int_equal(0, pthread_create(&n.thread, NULL, neighbour_run, &n));
	world_play(&w, visit_many);
	loop_stop(n.loop);
	pthread_join(n.thread, NULL);
	for (int i = 0; i < CLIENTS; i++)
		assert_int_equal('n', w.got[i]);
	assert_int_equal(CLIENTS, w.house.opened + n.house.opened);
	assert_true(w.house.opened > 0 && n.house.opened > 0); /* by the kernel's hash: 1 in 2^31 that one gets none */
	listener_free(&n.listener);
	loop_free(&n.loop);
	world_fini(&w);
}

/* --- TLS --- */

static void see_certificate(struct world *w, int i)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(ctx);
	char c = 0;

	w->fds[i] = dial(w);
	SSL_set_fd(ssl, w->fds[i]);
	if (SSL_connect(ssl) == 1) {
		X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(ssl)), NID_commonName, w->names[i],
					  sizeof(w->names[i]));
		SSL_write(ssl, "t", 1);
		SSL_read(ssl, &c, 1);
		w->got[i] = c;
	}
	SSL_free(ssl);
	SSL_CTX_free(ctx);
}

static void renew(struct world *w)
{
	struct tls *t = new_tls(1);

	listener_set_tls(w->listener, &t);
	assert_null(t);
}

static void visit_around_a_reload(struct world *w)
{
	see_certificate(w, 0);
	on_loop(w, renew);
	see_certificate(w, 1);
}

static void a_new_certificate_serves_from_now_on(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.conf.tls = new_tls(0);
	world_open(&w);
	world_play(&w, visit_around_a_reload);
	assert_string_equal("first", w.names[0]);
	assert_string_equal("second", w.names[1]);
	assert_int_equal('t', w.got[0]);
	assert_int_equal('t', w.got[1]);
	world_fini(&w);
}

static void speak_plainly_and_silently(struct world *w)
{
	w->fds[0] = dial(w);
	w->fds[1] = dial(w);
	w->facts[0] = say(w->fds[0], 'x');
	w->facts[1] = hear(w->fds[1]);
	await_open(w, 0);
}

static void failed_handshakes_are_counted(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.conf.tls = new_tls(0);
	w.conf.limits.handshake_ms = 100;
	world_open(&w);
	world_play(&w, speak_plainly_and_silently);
	assert_int_equal(2, w.counts.accepted);
	assert_int_equal(2, w.counts.handshake_failed);
	assert_int_equal(0, w.house.opened);
	assert_int_equal(0, w.counts.open);
	world_fini(&w);
}

/* --- leaving --- */

static void on_idle(void *cookie)
{
	struct world *w = cookie;

	w->idle++;
	w->idle_at = loop_now_ms(w->loop);
}

static void drain(struct world *w)
{
	listener_drain(w->listener, 5000, on_idle, w);
	assert_int_equal(0, w->idle); /* never inside */
}

static void await_idle(struct world *w)
{
	for (int i = 0; i < 500; i++) {
		on_loop(w, count);
		if (w->idle_seen)
			return;
		usleep(10000);
	}
}

static void drain_alone(struct world *w)
{
	on_loop(w, drain);
	await_idle(w);
	w->facts[0] = dial(w);
}

static void an_empty_house_is_idle_at_once(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_open(&w);
	world_play(&w, drain_alone);
	assert_int_equal(1, w.idle);
	assert_int_equal(-1, w.facts[0]); /* the door is closed */
	world_fini(&w);
}

static void drain_with_guests(struct world *w)
{
	w->fds[0] = dial(w);
	w->facts[0] = say(w->fds[0], 'x');
	w->fds[1] = dial(w);
	send(w->fds[1], "?", 1, MSG_NOSIGNAL);
	await_open(w, 2);
	usleep(30000);
	on_loop(w, drain);
	w->facts[1] = hear(w->fds[0]); /* nothing was asked: closed */
	w->facts[2] = hear(w->fds[1]); /* the question is answered, */
	w->facts[3] = hear(w->fds[1]); /* then closed */
	close(w->fds[0]);
	close(w->fds[1]);
	w->fds[0] = w->fds[1] = -1;
	await_idle(w);
}

static void a_drain_lets_questions_end(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_open(&w);
	world_play(&w, drain_with_guests);
	assert_int_equal('x', w.facts[0]);
	assert_int_equal(0, w.facts[1]);
	assert_int_equal('!', w.facts[2]);
	assert_int_equal(0, w.facts[3]);
	assert_int_equal(1, w.idle);
	world_fini(&w);
}

static void drain_quickly(struct world *w)
{
	listener_drain(w->listener, 50, on_idle, w);
}

static void drain_with_a_stubborn_guest(struct world *w)
{
	w->fds[0] = dial(w);
	send(w->fds[0], "?", 1, MSG_NOSIGNAL);
	await_open(w, 1);
	usleep(20000);
	on_loop(w, drain_quickly);
	w->facts[0] = hear(w->fds[0]);
	await_idle(w);
}

static void a_drain_ends_at_its_deadline(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_open(&w);
	world_play(&w, drain_with_a_stubborn_guest);
	assert_true(w.facts[0] <= 0); /* the answer would have taken 100 ms */
	assert_int_equal(1, w.idle);
	assert_int_equal(1, w.house.closed);
	world_fini(&w);
}

static void drain_then_insist(struct world *w)
{
	w->fds[0] = dial(w);
	send(w->fds[0], "?", 1, MSG_NOSIGNAL);
	await_open(w, 1);
	usleep(20000);
	on_loop(w, drain);
	on_loop(w, drain_quickly);
	w->facts[0] = hear(w->fds[0]);
	await_idle(w);
}

static void a_second_drain_sets_a_new_deadline(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_open(&w);
	world_play(&w, drain_then_insist);
	assert_true(w.facts[0] <= 0);
	assert_int_equal(1, w.idle);
	world_fini(&w);
}

/* The loop is busy while clients connect, so they wait in the kernel's queue when the drain begins. */
static void be_busy_then_drain(struct world *w)
{
	for (int i = 0; i < CLIENTS; i++) {
		w->fds[i] = dial(w);
		send(w->fds[i], "q", 1, MSG_NOSIGNAL);
	}
	drain(w);
}

static void come_at_the_last_moment(struct world *w)
{
	on_loop(w, be_busy_then_drain);
	for (int i = 0; i < CLIENTS; i++)
		w->got[i] = (char)hear(w->fds[i]);
	for (int i = 0; i < CLIENTS; i++) {
		close(w->fds[i]);
		w->fds[i] = -1;
	}
	await_idle(w);
	usleep(1000 * (LISTEN_LAST_WORD_MS + 100)); /* what was to happen to them then happens no more */
}

static void who_waits_at_the_door_when_it_closes_is_served(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_open(&w);
	world_play(&w, come_at_the_last_moment);
	for (int i = 0; i < CLIENTS; i++)
		assert_int_equal('q', w.got[i]);
	assert_int_equal(CLIENTS, w.house.opened);
	assert_int_equal(1, w.idle);
	world_fini(&w);
}

static void drain_a_handshake(struct world *w)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(ctx);
	char c = 0;

	w->fds[0] = dial(w);
	await_open(w, 1);
	on_loop(w, drain);
	SSL_set_fd(ssl, w->fds[0]);
	w->facts[0] = SSL_connect(ssl);
	SSL_write(ssl, "t", 1);
	SSL_read(ssl, &c, 1);
	w->got[0] = c;
	w->facts[1] = SSL_read(ssl, &c, 1);
	w->facts[2] = SSL_get_error(ssl, w->facts[1]);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(w->fds[0]);
	w->fds[0] = -1;
	await_idle(w);
}

static void a_handshake_under_way_gets_its_last_word(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.conf.tls = new_tls(0);
	world_open(&w);
	world_play(&w, drain_a_handshake);
	assert_int_equal(1, w.facts[0]);
	assert_int_equal('t', w.got[0]);
	assert_int_equal(SSL_ERROR_ZERO_RETURN, w.facts[2]); /* closed, and properly */
	assert_int_equal(1, w.idle);
	world_fini(&w);
}

static void stay(struct world *w)
{
	for (int i = 0; i < 4; i++) {
		w->fds[i] = dial(w);
		w->got[i] = (char)say(w->fds[i], 's');
	}
	w->fds[5] = dial(w);
	await_open(w, 5);
	w->fds[0] = w->fds[1] = w->fds[2] = w->fds[3] = w->fds[5] = -1; /* left open */
}

static void freeing_a_listener_aborts_its_connections(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_open(&w);
	world_play(&w, stay);
	assert_int_equal(5, w.house.opened);
	listener_free(&w.listener);
	assert_int_equal(5, w.house.closed);
	world_fini(&w);
}

static void leave_lingering(struct world *w)
{
	w->fds[0] = dial(w);
	w->facts[0] = say(w->fds[0], 'x');
	on_loop(w, drain);
	w->facts[1] = hear(w->fds[0]);
	w->fds[0] = -1; /* our side stays open: the goodbye lingers */
}

static void a_listener_may_be_freed_while_goodbyes_linger(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.conf.limits.linger_ms = 10000;
	world_open(&w);
	world_play(&w, leave_lingering);
	assert_int_equal(0, w.idle); /* it is waited for */
	assert_int_equal(1, w.house.closed);
	world_fini(&w);
}

static void free_it(void *cookie)
{
	struct world *w = cookie;

	w->idle++;
	listener_free(&w->listener);
	loop_stop(w->loop);
}

static void a_listener_may_be_freed_when_idle(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_open(&w);
	listener_drain(w.listener, 1000, free_it, &w);
	loop_run(w.loop);
	assert_int_equal(1, w.idle);
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_reaches_its_protocol),
		cmocka_unit_test(both_families_share_a_port),
		cmocka_unit_test(more_connections_than_allowed_are_refused),
		cmocka_unit_test(one_peer_cannot_take_all_places),
		cmocka_unit_test(limits_change_with_a_reload),
		cmocka_unit_test(a_protocol_that_opens_nothing_leaves_no_trace),
		cmocka_unit_test(a_connection_may_be_gone_before_it_was_opened),
		cmocka_unit_test(without_descriptors_the_doors_wait),
		cmocka_unit_test(a_second_server_does_not_share_the_port),
		cmocka_unit_test(text_that_is_no_address_is_refused),
		cmocka_unit_test(two_loops_share_the_connections),
		cmocka_unit_test(a_new_certificate_serves_from_now_on),
		cmocka_unit_test(failed_handshakes_are_counted),
		cmocka_unit_test(an_empty_house_is_idle_at_once),
		cmocka_unit_test(a_drain_lets_questions_end),
		cmocka_unit_test(a_drain_ends_at_its_deadline),
		cmocka_unit_test(a_second_drain_sets_a_new_deadline),
		cmocka_unit_test(who_waits_at_the_door_when_it_closes_is_served),
		cmocka_unit_test(a_handshake_under_way_gets_its_last_word),
		cmocka_unit_test(freeing_a_listener_aborts_its_connections),
		cmocka_unit_test(a_listener_may_be_freed_while_goodbyes_linger),
		cmocka_unit_test(a_listener_may_be_freed_when_idle),
	};

	return cmocka_run_group_tests(tests, make_all, unmake_all);
}
