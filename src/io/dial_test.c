/* Connections to a small TLS server that lives on the same loop. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "crypto/test_certificates.h"
#include "io/dial.h"
#include "io/lookup.h"
#include "io/test_server.h"

#define TOO_LONG_MS 20000
#define MANY        8

enum served { GOOD, OTHER, EXPIRED, ADDRESS, SERVED };

/* What the server does with a connection. */
static enum manner { GREETS, STAYS_DEAF, HANGS_UP, SPEAKS_NO_TLS } manner;
static bool stops_at_meeting; /* the loop */

struct dialled {
	struct world *world;
	struct dial *dial;
	struct stream *stream;
	int answers, broken;
	enum err e;
	char why[DIAL_WHY_MAX], heard[64];
};

struct world {
	struct loop *loop;
	struct test_server server;
	struct timer *too_long, *later;

	/* what the server saw of the last one */
	char server_name[64], heard[64];
	struct slice leaf;

	struct dialer *dialer;
	struct dialled dialled[MANY];
	int answered, expected;
	void (*after)(struct dialled *); /* at the end of done(); may be NULL */
};

static struct test_folder folder;
static struct test_certificate authority, device;
static char files[SERVED][2][128], authority_file[128];

/* --- the server --- */

static struct world *world_of(struct test_visit *v)
{
	return LIST_ITEM(v->server, struct world, server);
}

static void on_visit_open(void *cookie)
{
	struct test_visit *v = cookie;
	struct world *w = world_of(v);

	snprintf(w->server_name, sizeof(w->server_name), "%s", v->stream->server_name ? v->stream->server_name : "(none)");
	if (v->stream->chain_count) {
		char *copy = malloc(v->stream->chain[0].n);

		memcpy(copy, v->stream->chain[0].p, v->stream->chain[0].n);
		w->leaf = slice_over(copy, v->stream->chain[0].n);
	}
	assert_int_equal(OK, stream_write(v->stream, SLICE("welcome")));
}

static void on_visit_bytes(void *cookie)
{
	struct test_visit *v = cookie;
	struct world *w = world_of(v);
	struct slice in = stream_inbox(v->stream);

	snprintf(w->heard + strlen(w->heard), sizeof(w->heard) - strlen(w->heard), "%.*s", SLICE_ARG(in));
	stream_eat(v->stream, in.n);
	if (!v->stream->ended)
		return;
	stream_close(&v->stream);
	loop_stop(w->loop);
}

static void on_visit_broken(void *cookie, enum err why)
{
	struct test_visit *v = cookie;

	(void)why;
	stream_close(&v->stream);
}

static const struct stream_user visitor = {.on_open = on_visit_open, .on_bytes = on_visit_bytes, .on_broken = on_visit_broken};

static bool meets(struct test_visit *v, int fd)
{
	switch (manner) {
	case GREETS: return false;
	case HANGS_UP: close(fd); return true;
	case SPEAKS_NO_TLS: assert_int_equal(15, send(fd, "220 not a TLS\r\n", 15, MSG_NOSIGNAL)); break;
	case STAYS_DEAF:
		if (stops_at_meeting)
			loop_stop(v->server->loop);
		break;
	}
	v->fd = fd;
	return true;
}

static void on_too_long(void *cookie)
{
	(void)cookie;
	fail_msg("the test did not come to its end");
}

static void world_init(struct world *w, enum served which)
{
	const struct dialer_conf conf = {.ca_files = {authority_file}};

	memset(w, 0, sizeof(*w));
	manner = GREETS;
	stops_at_meeting = false;
	assert_int_equal(OK, loop_new(&w->loop));
	test_server_open(&w->server, w->loop, files[which][0], files[which][1], &visitor);
	w->server.meets = meets;
	w->too_long = loop_after(w->loop, TOO_LONG_MS, on_too_long, w);
	assert_int_equal(OK, dialer_new(w->loop, &conf, &w->dialer));
}

static void world_fini(struct world *w)
{
	dialer_free(&w->dialer);
	timer_cancel(&w->later);
	timer_cancel(&w->too_long);
	for (int i = 0; i < MANY; i++)
		stream_abort(&w->dialled[i].stream);
	test_server_close(&w->server);
	loop_free(&w->loop);
	free((char *)w->leaf.p);
}

/* --- the dialling side --- */

static void on_bytes(void *cookie)
{
	struct dialled *d = cookie;
	struct slice in = stream_inbox(d->stream);

	snprintf(d->heard, sizeof(d->heard), "%.*s", SLICE_ARG(in));
	stream_eat(d->stream, in.n);
	loop_stop(d->world->loop);
}

static void on_broken(void *cookie, enum err why)
{
	struct dialled *d = cookie;

	(void)why;
	d->broken++;
	stream_close(&d->stream);
}

static const struct stream_user listener = {.on_bytes = on_bytes, .on_broken = on_broken};

static void on_dialled(void *cookie, const struct dial_answer *answer)
{
	struct dialled *d = cookie;

	d->answers++;
	d->e = answer->e;
	d->stream = answer->stream;
	snprintf(d->why, sizeof(d->why), "%s", answer->why);
	if (d->stream)
		stream_use(d->stream, &listener, d);
	if (++d->world->answered == d->world->expected)
		loop_stop(d->world->loop);
	if (d->world->after)
		d->world->after(d);
	d->dial = NULL;
}

static struct dial_ask usual(const struct world *w)
{
	return (struct dial_ask){.host = "hub-a.berth.test", .connect_to = w->server.address, .deadline_ms = 5000, .linger_ms = 1000};
}

static struct dialled *start(struct world *w, int i, struct dial_ask ask)
{
	struct dialled *d = &w->dialled[i];

	*d = (struct dialled){.world = w};
	d->dial = dial_start(w->dialer, &ask, on_dialled, d);
	assert_non_null(d->dial);
	assert_int_equal(0, d->answers); /* never inside the call */
	return d;
}

static struct dialled *start_and_wait(struct world *w, struct dial_ask ask)
{
	struct dialled *d = start(w, 0, ask);

	w->expected = w->answered + 1;
	loop_run(w->loop);
	assert_int_equal(1, d->answers);
	return d;
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
	timer_cancel(&w->later);
}

static void assert_says(const struct dialled *d, enum err e, const char *words)
{
	assert_int_equal(e, d->e);
	assert_null(d->stream);
	if (strstr(d->why, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", d->why, words);
}

/* --- open --- */

static void bytes_go_both_ways_and_the_first_are_not_lost(void **state)
{
	struct world w;
	struct dialled *d;

	(void)state;
	world_init(&w, GOOD);
	d = start_and_wait(&w, usual(&w));
	assert_int_equal(OK, d->e);
	assert_string_equal(w.server.address, d->stream->peer_address);
	loop_run(w.loop);
	assert_string_equal("welcome", d->heard);
	assert_int_equal(OK, stream_write(d->stream, SLICE("hello")));
	stream_close(&d->stream);
	loop_run(w.loop);
	assert_string_equal("hello", w.heard);
	assert_string_equal("hub-a.berth.test", w.server_name);
	assert_true(slice_absent(w.leaf));
	world_fini(&w);
}

static void a_host_may_be_an_address(void **state)
{
	struct world w;
	struct dial_ask ask;

	(void)state;
	world_init(&w, ADDRESS);
	ask = usual(&w);
	ask.host = "127.0.0.1";
	ask.port = w.server.port;
	ask.connect_to = NULL;
	assert_int_equal(OK, start_and_wait(&w, ask)->e);
	loop_run(w.loop);                             /* the server speaks once it has seen who is there */
	assert_string_equal("(none)", w.server_name); /* RFC 6066 section 3: no addresses in it */
	ask.host = "127.0.0.2";
	ask.connect_to = w.server.address;
	stream_abort(&w.dialled[0].stream);
	assert_says(start_and_wait(&w, ask), ERR_UNREACHABLE, "does not name 127.0.0.2");
	world_fini(&w);
}

/* Where the machine knows localhost by an address of IPv6 too, nobody listens there. */
static void the_addresses_of_a_host_are_tried_in_turn(void **state)
{
	struct world w;
	struct dial_ask ask;
	char connect_to[32];

	(void)state;
	world_init(&w, GOOD);
	ask = usual(&w);
	snprintf(connect_to, sizeof(connect_to), "localhost:%d", w.server.port);
	ask.connect_to = connect_to;
	assert_int_equal(OK, start_and_wait(&w, ask)->e);
	world_fini(&w);
}

static struct slice pem_of(const struct test_certificate *chain, int count)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text, *copy;
	long n;

	for (int i = 0; i < count; i++)
		PEM_write_bio_X509(bio, chain[i].x);
	n = BIO_get_mem_data(bio, &text);
	copy = malloc((size_t)n);
	memcpy(copy, text, (size_t)n);
	BIO_free(bio);
	return slice_over(copy, (size_t)n);
}

static struct slice key_pem_of(const struct test_certificate *c, const char *pass_phrase)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text, *copy;
	long n;

	PEM_write_bio_PrivateKey(bio, c->key, pass_phrase ? EVP_aes_128_cbc() : NULL, (const unsigned char *)pass_phrase,
				 pass_phrase ? (int)strlen(pass_phrase) : 0, NULL, NULL);
	n = BIO_get_mem_data(bio, &text);
	copy = malloc((size_t)n);
	memcpy(copy, text, (size_t)n);
	BIO_free(bio);
	return slice_over(copy, (size_t)n);
}

static void a_certificate_is_shown_when_there_is_one(void **state)
{
	struct slice certificates = pem_of((struct test_certificate[]){device, authority}, 2), key = key_pem_of(&device, NULL);
	struct credential *credential;
	struct world w;
	struct dial_ask ask;
	const char *why;
	unsigned char *der;
	int n;

	(void)state;
	assert_int_equal(OK, credential_read(certificates, key, &credential, &why));
	assert_int_equal(1, sk_X509_num(credential->chain));
	world_init(&w, GOOD);
	ask = usual(&w);
	ask.credential = credential;
	assert_int_equal(OK, start_and_wait(&w, ask)->e);
	loop_run(w.loop); /* the server speaks once it has seen it */
	der = test_der(device.x, &n);
	assert_int_equal(n, w.leaf.n);
	assert_memory_equal(der, w.leaf.p, (size_t)n);
	OPENSSL_free(der);
	world_fini(&w);
	credential_free(&credential);
	free((char *)certificates.p);
	free((char *)key.p);
}

static void assert_refused(enum err e, const char *words, struct slice certificates, struct slice key)
{
	struct credential *credential = NULL;
	const char *why = "";

	assert_int_equal(e, credential_read(certificates, key, &credential, &why));
	assert_null(credential);
	assert_non_null(strstr(why, words));
}

static void a_credential_that_is_none_is_refused_with_a_reason(void **state)
{
	struct slice certificate = pem_of(&device, 1), key = key_pem_of(&device, NULL), other = key_pem_of(&authority, NULL);
	struct slice locked = key_pem_of(&device, "secret");
	struct test_certificate many[CREDENTIAL_CHAIN_MAX + 2];
	struct slice long_chain;

	(void)state;
	for (int i = 0; i < CREDENTIAL_CHAIN_MAX + 2; i++)
		many[i] = device;
	long_chain = pem_of(many, CREDENTIAL_CHAIN_MAX + 2);
	assert_refused(ERR_MALFORMED, "no certificate", NO_SLICE, key);
	assert_refused(ERR_MALFORMED, "no certificate", key, key);
	assert_refused(ERR_MALFORMED, "no private key", certificate, certificate);
	assert_refused(ERR_MALFORMED, "pass phrase", certificate, locked);
	assert_refused(ERR_INVALID, "not that of the certificate", certificate, other);
	assert_refused(ERR_TOO_BIG, "too many", long_chain, key);
	free((char *)certificate.p);
	free((char *)key.p);
	free((char *)other.p);
	free((char *)locked.p);
	free((char *)long_chain.p);
}

/* --- not open, and why --- */

static void a_certificate_that_is_not_good_is_told_as_such(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, OTHER);
	assert_says(start_and_wait(&w, usual(&w)), ERR_UNREACHABLE, "does not name hub-a.berth.test");
	world_fini(&w);
	world_init(&w, EXPIRED);
	assert_says(start_and_wait(&w, usual(&w)), ERR_UNREACHABLE, "is not trusted: certificate has expired");
	world_fini(&w);
}

static void an_unknown_authority_is_not_trusted(void **state)
{
	const struct dialer_conf conf = {.ca_files = {NULL}};
	struct world w;

	(void)state;
	world_init(&w, GOOD);
	dialer_free(&w.dialer);
	assert_int_equal(OK, dialer_new(w.loop, &conf, &w.dialer));
	assert_says(start_and_wait(&w, usual(&w)), ERR_UNREACHABLE, "is not trusted");
	world_fini(&w);
}

static void a_refused_connection_is_told_as_such(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, GOOD);
	test_server_refuse(&w.server);
	assert_says(start_and_wait(&w, usual(&w)), ERR_UNREACHABLE, "Connection refused");
	world_fini(&w);
}

static void a_name_that_nobody_has_is_told_as_such(void **state)
{
	struct world w;
	struct dial_ask ask;
	struct dialled *d;

	(void)state;
	world_init(&w, GOOD);
	ask = usual(&w);
	ask.host = "nobody.invalid";
	ask.port = 443;
	ask.connect_to = NULL;
	d = start_and_wait(&w, ask);
	assert_true(d->e == ERR_UNREACHABLE || d->e == ERR_TIMEOUT); /* a name server may be slow to say so */
	assert_says(d, d->e, "no address for nobody.invalid: ");
	world_fini(&w);
}

static void a_server_that_shakes_no_hands_is_told_as_such(void **state)
{
	static const struct {
		enum manner manner;
		enum err e;
		const char *words;
	} cases[] = {
		{STAYS_DEAF, ERR_TIMEOUT, "no TLS handshake with 127.0.0.1:"},
		{HANGS_UP, ERR_UNREACHABLE, "hung up during the TLS handshake"},
		{SPEAKS_NO_TLS, ERR_UNREACHABLE, "wrong version number"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world w;
		struct dial_ask ask;

		world_init(&w, GOOD);
		manner = cases[i].manner;
		ask = usual(&w);
		if (manner == STAYS_DEAF)
			ask.deadline_ms = 300;
		assert_says(start_and_wait(&w, ask), cases[i].e, cases[i].words);
		world_fini(&w);
	}
}

static void what_makes_no_sense_fails_like_everything_else_later(void **state)
{
	static const char *const places[] = {"127.0.0.1", ":443", "127.0.0.1:0", "127.0.0.1:70000", "127.0.0.1:x", ""};
	char long_name[LOOKUP_HOST_MAX + 2] = "";
	struct world w;
	struct dial_ask ask;

	(void)state;
	world_init(&w, GOOD);
	ask = usual(&w);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		ask.connect_to = places[i];
		assert_says(start_and_wait(&w, ask), ERR_INVALID, "is not an address and a port");
	}
	memset(long_name, 'a', sizeof(long_name) - 1);
	ask = usual(&w);
	ask.host = long_name;
	assert_says(start_and_wait(&w, ask), ERR_INVALID, "that long");
	world_fini(&w);
}

static void a_missing_authority_file_is_refused(void **state)
{
	struct dialer_conf conf = {.ca_files = {"/nowhere.pem"}};
	struct dialer *dialer = NULL;
	struct loop *loop;

	(void)state;
	assert_int_equal(OK, loop_new(&loop));
	assert_int_equal(ERR_IO, dialer_new(loop, &conf, &dialer));
	assert_null(dialer);
	loop_free(&loop);
}

/* --- promise 3: cancelled at any moment --- */

static void assert_silent_after_cancel(struct world *w)
{
	struct dialled *d = &w->dialled[0];

	dial_cancel(&d->dial);
	assert_null(d->dial);
	run_for(w, 30);
	assert_int_equal(0, d->answers);
	manner = GREETS;
	assert_int_equal(OK, start_and_wait(w, usual(w))->e); /* nothing else was hurt */
}

static void a_cancelled_opening_stays_silent_in_every_phase(void **state)
{
	struct world w;
	struct dial_ask ask;

	(void)state;
	world_init(&w, GOOD);
	start(&w, 0, usual(&w)); /* the name is being looked up */
	assert_silent_after_cancel(&w);
	world_fini(&w);

	world_init(&w, GOOD);
	ask = usual(&w);
	ask.connect_to = "nonsense";
	start(&w, 0, ask); /* it has failed already */
	assert_silent_after_cancel(&w);
	world_fini(&w);

	world_init(&w, GOOD);
	manner = STAYS_DEAF;
	stops_at_meeting = true;
	start(&w, 0, usual(&w));
	loop_run(w.loop); /* connected: in the handshake */
	assert_silent_after_cancel(&w);
	world_fini(&w);
}

static void names_that_are_still_looked_up_may_be_left_behind(void **state)
{
	struct world w;
	struct dial_ask ask;

	(void)state;
	world_init(&w, GOOD);
	ask = usual(&w);
	ask.host = "nobody.invalid";
	ask.connect_to = NULL;
	for (int i = 0; i < MANY; i++)
		start(&w, i, ask);
	sched_yield(); /* some are with a thread now, some wait for one */
	for (int i = 0; i < MANY; i++)
		dial_cancel(&w.dialled[i].dial);
	world_fini(&w);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(0, w.dialled[i].answers);
}

static void cancel_itself(struct dialled *d)
{
	dial_cancel(&d->dial);
}

static void an_opening_may_be_cancelled_in_its_own_done(void **state)
{
	struct world w;
	struct dial_ask ask;

	(void)state;
	world_init(&w, GOOD);
	w.after = cancel_itself;
	assert_int_equal(OK, start_and_wait(&w, usual(&w))->e);
	ask = usual(&w);
	ask.connect_to = "nonsense";
	stream_abort(&w.dialled[0].stream);
	assert_int_equal(ERR_INVALID, start_and_wait(&w, ask)->e);
	world_fini(&w);
}

static void free_the_dialer(struct dialled *d)
{
	dialer_free(&d->world->dialer);
}

static void the_dialer_may_be_freed_in_a_done(void **state)
{
	struct world w;
	int answers = 0;

	(void)state;
	world_init(&w, GOOD);
	w.after = free_the_dialer;
	for (int i = 1; i < 4; i++)
		start(&w, i, usual(&w));
	start_and_wait(&w, (struct dial_ask){.host = "hub-a.berth.test", .connect_to = "nonsense"});
	run_for(&w, 30);
	for (int i = 0; i < 4; i++)
		answers += w.dialled[i].answers;
	assert_int_equal(1, answers);
	assert_null(w.dialer);
	world_fini(&w);
}

static void an_open_stream_outlives_its_dialer(void **state)
{
	struct world w;
	struct dialled *d;

	(void)state;
	world_init(&w, GOOD);
	d = start_and_wait(&w, usual(&w));
	dialer_free(&w.dialer);
	loop_run(w.loop);
	assert_string_equal("welcome", d->heard);
	world_fini(&w);
}

static int make_all(void **state)
{
	static const struct test_wish wishes[SERVED] = {
		[GOOD] = {.name = "good", .alt = "DNS:*.berth.test"},
		[OTHER] = {.name = "other", .alt = "DNS:other.test"},
		[EXPIRED] = {.name = "expired", .alt = "DNS:*.berth.test", .from = -2 * TEST_DAY, .to = -TEST_DAY},
		[ADDRESS] = {.name = "address", .alt = "IP:127.0.0.1"},
	};
	char unused[128];

	(void)state;
	folder = test_folder();
	authority = test_make((struct test_wish){.name = "authority", .ca = 1});
	device = test_make((struct test_wish){.name = "device", .issuer = &authority});
	test_save(&folder, "authority", &authority, 1, authority_file, unused);
	for (int i = 0; i < SERVED; i++) {
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
	test_unmake(&device);
	test_folder_remove(&folder);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_go_both_ways_and_the_first_are_not_lost),
		cmocka_unit_test(a_host_may_be_an_address),
		cmocka_unit_test(the_addresses_of_a_host_are_tried_in_turn),
		cmocka_unit_test(a_certificate_is_shown_when_there_is_one),
		cmocka_unit_test(a_credential_that_is_none_is_refused_with_a_reason),
		cmocka_unit_test(a_certificate_that_is_not_good_is_told_as_such),
		cmocka_unit_test(an_unknown_authority_is_not_trusted),
		cmocka_unit_test(a_refused_connection_is_told_as_such),
		cmocka_unit_test(a_name_that_nobody_has_is_told_as_such),
		cmocka_unit_test(a_server_that_shakes_no_hands_is_told_as_such),
		cmocka_unit_test(what_makes_no_sense_fails_like_everything_else_later),
		cmocka_unit_test(a_missing_authority_file_is_refused),
		cmocka_unit_test(a_cancelled_opening_stays_silent_in_every_phase),
		cmocka_unit_test(names_that_are_still_looked_up_may_be_left_behind),
		cmocka_unit_test(an_opening_may_be_cancelled_in_its_own_done),
		cmocka_unit_test(the_dialer_may_be_freed_in_a_done),
		cmocka_unit_test(an_open_stream_outlives_its_dialer),
	};

	return cmocka_run_group_tests(tests, make_all, unmake_all);
}
