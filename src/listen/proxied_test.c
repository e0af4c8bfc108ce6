/* Connections that come through proxies: who must say for whom, who is never asked, and whose places are taken. */
#include "listen/test_world.h"

#define LINE(client) "PROXY TCP4 " client " 192.0.2.1 12345 443\r\n"

static struct networks here; /* 127.0.0.1 */

static void behind_proxies(struct world *w)
{
	world_init(w);
	w->conf.proxies = &here;
}

/* A header, and then as say(). */
static int say_through(int fd, const char *header, char c)
{
	if (send(fd, header, strlen(header), MSG_NOSIGNAL) != (ssize_t)strlen(header))
		return -1;
	return say(fd, c);
}

static void speak_as_a_client(struct world *w)
{
	w->fds[0] = dial(w);
	w->facts[0] = say_through(w->fds[0], LINE("203.0.113.7"), 'x');
	on_loop(w, count);
}

static void a_client_behind_a_proxy_is_served_under_its_own_address(void **state)
{
	struct world w;

	(void)state;
	behind_proxies(&w);
	world_open(&w);
	world_play(&w, speak_as_a_client);
	assert_int_equal('x', w.facts[0]);
	assert_string_equal("203.0.113.7:12345", w.house.peer);
	assert_int_equal(1, w.counts.accepted);
	assert_int_equal(0, w.counts.header_refused);
	world_fini(&w);
}

static void speak_without_a_header(struct world *w)
{
	w->fds[0] = dial(w);
	w->facts[0] = say(w->fds[0], 'x');
	await_open(w, 0);
}

static void a_proxy_without_a_header_is_refused(void **state)
{
	struct world w;

	(void)state;
	behind_proxies(&w);
	world_open(&w);
	world_play(&w, speak_without_a_header);
	assert_in_range(w.facts[0] + 1, 0, 1); /* the end, or a reset */
	assert_int_equal(1, w.counts.header_refused);
	assert_int_equal(0, w.counts.handshake_failed);
	assert_int_equal(0, w.house.opened);
	world_fini(&w);
}

static void look_whether_somebody_is_there(struct world *w)
{
	close(dial(w));
	for (int i = 0; i < 500 && w->counts.handshake_failed == 0; i++) {
		on_loop(w, count);
		usleep(10000);
	}
}

static void a_proxy_that_only_looks_is_not_told_about(void **state)
{
	struct world w;

	(void)state;
	behind_proxies(&w);
	world_open(&w);
	world_play(&w, look_whether_somebody_is_there);
	assert_int_equal(0, w.counts.header_refused);
	assert_int_equal(1, w.counts.handshake_failed);
	world_fini(&w);
}

static void speak_from_two_places(struct world *w)
{
	w->fds[0] = dial_at(AF_INET, listener_port(w->listener));
	w->fds[1] = dial_at(AF_INET6, listener_port(w->listener));
	w->facts[0] = say(w->fds[0], 'x');
	w->facts[1] = say(w->fds[1], 'P');
	await_open(w, 1);
}

/* What others send is theirs, even if it looks like a header. */
static void nobody_else_is_asked_for_a_header(void **state)
{
	struct world w;

	(void)state;
	behind_proxies(&w);
	w.addresses[1] = "::1";
	world_open(&w);
	world_play(&w, speak_from_two_places);
	assert_int_equal('P', w.facts[1]);
	assert_memory_equal("[::1]:", w.house.peer, 6);
	assert_in_range(w.facts[0] + 1, 0, 1);
	assert_int_equal(1, w.counts.header_refused);
	world_fini(&w);
}

static void crowd(struct world *w)
{
	static const char *const lines[] = {LINE("203.0.113.7"), LINE("203.0.113.7"), LINE("203.0.113.7"), LINE("203.0.113.8"),
					    "PROXY UNKNOWN\r\n", "PROXY UNKNOWN\r\n", "PROXY UNKNOWN\r\n"};

	for (int i = 0; i < 7; i++) {
		w->fds[i] = dial(w);
		w->got[i] = (char)say_through(w->fds[i], lines[i], 'x');
	}
	await_open(w, 5);
	close(w->fds[0]);
	w->fds[0] = -1;
	await_open(w, 4);
	w->fds[7] = dial(w);
	w->got[7] = (char)say_through(w->fds[7], LINE("203.0.113.7"), 'x');
}

static void places_are_counted_for_clients_and_not_for_the_proxy(void **state)
{
	static const bool welcome[] = {true, true, false, true, true, true, false, true};
	struct world w;

	(void)state;
	behind_proxies(&w);
	w.conf.limits.per_peer_max = 2;
	world_open(&w);
	world_play(&w, crowd);
	for (int i = 0; i < 8; i++)
		assert_int_equal(welcome[i], w.got[i] == 'x');
	assert_int_equal(2, w.counts.refused);
	assert_int_equal(0, w.counts.header_refused);
	world_fini(&w);
}

static void wait_silently(struct world *w)
{
	for (int i = 0; i < 3; i++)
		w->fds[i] = dial(w);
	w->facts[0] = hear(w->fds[2]); /* turned away: there are two already */
	w->facts[1] = hear(w->fds[0]);
	await_open(w, 0);
}

static void who_has_not_spoken_takes_a_place_and_not_forever(void **state)
{
	struct world w;

	(void)state;
	behind_proxies(&w);
	w.conf.limits.connections_max = 2;
	w.conf.limits.handshake_ms = 200;
	world_open(&w);
	world_play(&w, wait_silently);
	assert_in_range(w.facts[0] + 1, 0, 1);
	assert_in_range(w.facts[1] + 1, 0, 1);
	assert_int_equal(2, w.counts.accepted);
	assert_int_equal(1, w.counts.refused);
	assert_int_equal(2, w.counts.header_refused);
	world_fini(&w);
}

static void ask_no_more(struct world *w)
{
	listener_set_proxies(w->listener, &(struct networks){.count = 0});
}

static void speak_around_a_reload(struct world *w)
{
	w->fds[0] = dial(w);
	await_open(w, 1);
	on_loop(w, ask_no_more);
	w->facts[0] = say_through(w->fds[0], LINE("203.0.113.7"), 'x');
	w->fds[1] = dial(w);
	w->facts[1] = say(w->fds[1], 'y');
}

static void a_reload_counts_for_those_who_come_after_it(void **state)
{
	struct world w;

	(void)state;
	behind_proxies(&w);
	world_open(&w);
	world_play(&w, speak_around_a_reload);
	assert_int_equal('x', w.facts[0]);
	assert_int_equal('y', w.facts[1]);
	world_fini(&w);
}

static void leave_without_a_word(struct world *w)
{
	w->fds[0] = dial(w);
	w->fds[1] = dial(w);
	await_open(w, 2);
}

static void a_listener_may_be_freed_while_a_header_is_awaited(void **state)
{
	struct world w;

	(void)state;
	behind_proxies(&w);
	world_open(&w);
	world_play(&w, leave_without_a_word);
	world_fini(&w);
}

static int set_up(void **state)
{
	here.count = 1;
	here.at[0].bits = 32;
	return make_all(state) || !address_read(SLICE("127.0.0.1"), &here.at[0].address);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_behind_a_proxy_is_served_under_its_own_address),
		cmocka_unit_test(a_proxy_without_a_header_is_refused),
		cmocka_unit_test(a_proxy_that_only_looks_is_not_told_about),
		cmocka_unit_test(nobody_else_is_asked_for_a_header),
		cmocka_unit_test(places_are_counted_for_clients_and_not_for_the_proxy),
		cmocka_unit_test(who_has_not_spoken_takes_a_place_and_not_forever),
		cmocka_unit_test(a_reload_counts_for_those_who_come_after_it),
		cmocka_unit_test(a_listener_may_be_freed_while_a_header_is_awaited),
	};

	return cmocka_run_group_tests(tests, set_up, unmake_all);
}
