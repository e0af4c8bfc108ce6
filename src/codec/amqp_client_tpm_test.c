/* A device logs in over AMQP by its TPM, and our own server challenges it (device-api.md 14.4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/amqp.h"
#include "codec/amqp_client.h"

#define ENDORSEMENT SLICE("\1\2\0endorsement")
#define ROOT        SLICE("\1\2\0root")
#define WRAPPED     "wrapped for this TPM alone"
#define HEARD_MAX   8

static const char *const both[] = {"TPM", "PLAIN"}, *const plain[] = {"PLAIN"};
static const struct amqp_client_conf conf = {.container = "d1",
					     .host = "global.berth.test",
					     .tpm = {SLICE("0ne1"), SLICE("d1"), ENDORSEMENT, ROOT},
					     .user = SLICE("d1-user"),
					     .address = SLICE("0ne1/registrations/d1"),
					     .api = "2021-06-01",
					     .client = "test/1"};
static struct amqp_conf server_conf;
static struct amqp *server;
static struct amqp_client *client;

/* What the server says to one login or response after another, and what it hears. An absent one: it lets the device in; an empty one: it
 * refuses. */
static const struct slice *script;
static size_t script_n;
static char mechanism[16];
static struct {
	size_t n;
	char bytes[64];
} heard[HEARD_MAX];
static size_t heard_n;
static bool opened;

/* What the device is told. */
static struct {
	int challenges, refused, closed;
	size_t challenge_n;
	char challenge[64], why[128];
} told;

static void answer_login(void)
{
	struct slice words = heard_n <= script_n ? script[heard_n - 1] : NO_SLICE;

	if (slice_absent(words))
		amqp_login_accept(server);
	else if (words.n == 0)
		amqp_login_refuse(server);
	else
		amqp_login_challenge(server, words);
}

static void on_server_event(const struct amqp_event *e)
{
	opened |= e->kind == AMQP_OPENED;
	if (e->kind != AMQP_LOGIN && e->kind != AMQP_RESPONSE)
		return;
	assert_in_range(heard_n, 0, HEARD_MAX - 1);
	assert_in_range(e->response.n, 1, sizeof(heard[0].bytes));
	if (e->kind == AMQP_LOGIN)
		snprintf(mechanism, sizeof(mechanism), "%.*s", SLICE_ARG(e->mechanism));
	memcpy(heard[heard_n].bytes, e->response.p, e->response.n);
	heard[heard_n++].n = e->response.n;
	answer_login();
}

static void on_client_event(const struct amqp_client_event *e)
{
	if (e->kind == AMQP_CLIENT_CHALLENGE) {
		told.challenges++;
		told.challenge_n = e->challenge.n;
		assert_in_range(e->challenge.n, 1, sizeof(told.challenge));
		memcpy(told.challenge, e->challenge.p, e->challenge.n);
		amqp_client_prove(client, SLICE("token"));
		amqp_client_prove(client, SLICE("token")); /* once is enough */
	}
	told.refused += e->kind == AMQP_CLIENT_REFUSED;
	told.closed += e->kind == AMQP_CLIENT_CLOSED;
	if (e->kind == AMQP_CLIENT_CLOSED)
		snprintf(told.why, sizeof(told.why), "%.*s", SLICE_ARG(e->description));
}

static void talk(void)
{
	struct amqp_event to_server;
	struct amqp_client_event to_client;
	struct slice rest;

	while ((rest = amqp_client_output(client)).n > 0) {
		while (amqp_read(server, &rest, &to_server))
			on_server_event(&to_server);
		amqp_client_output_taken(client);
		rest = amqp_output(server);
		while (amqp_client_read(client, &rest, &to_client))
			on_client_event(&to_client);
		amqp_output_taken(server, amqp_output(server).n);
	}
}

static int set_up(void **state)
{
	(void)state;
	memset(&told, 0, sizeof(told));
	heard_n = 0;
	opened = false;
	server_conf = (struct amqp_conf){"berth", both, 2, 240000, 600000};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	amqp_client_free(&client);
	amqp_free(&server);
	return 0;
}

#define LOG_IN(...)                                                                                                                        \
	do {                                                                                                                               \
		static const struct slice words[] = {__VA_ARGS__};                                                                         \
		script = words;                                                                                                            \
		script_n = sizeof(words) / sizeof(words[0]);                                                                               \
		server = amqp_new(&server_conf);                                                                                           \
		client = amqp_client_new(&conf);                                                                                           \
		talk();                                                                                                                    \
	} while (0)

#define BYTES(literal)                                                                                                                     \
	{                                                                                                                                  \
		(literal), sizeof(literal) - 1                                                                                             \
	}

static void assert_heard(size_t i, struct slice expected)
{
	assert_in_range(i, 0, heard_n - 1);
	assert_true(slice_eq(expected, slice_over(heard[i].bytes, heard[i].n)));
}

static void assert_challenged(void)
{
	assert_int_equal(1, told.challenges);
	assert_true(slice_eq(SLICE(WRAPPED), slice_over(told.challenge, told.challenge_n)));
}

static void assert_left(const char *why)
{
	assert_int_equal(1, told.closed);
	assert_string_equal(why, told.why);
	assert_false(opened);
	tear_down(NULL);
	set_up(NULL);
}

/* --- */

static void a_tpm_shows_its_keys_and_answers_a_challenge_of_two_parts(void **state)
{
	(void)state;
	LOG_IN(BYTES("\0"), BYTES("\x80wrapped for "), BYTES("\xc1this TPM alone"));
	assert_string_equal("TPM", mechanism);
	assert_int_equal(4, heard_n);
	assert_heard(0, SLICE("\0000ne1\0d1\0\1\2\0endorsement"));
	assert_heard(1, SLICE("\0\1\2\0root"));
	assert_heard(2, SLICE("\0"));
	assert_heard(3, SLICE("\0token"));
	assert_challenged();
	assert_true(opened);
}

static void one_part_and_five_are_as_good(void **state)
{
	(void)state;
	LOG_IN(BYTES("\0"), BYTES("\xc0" WRAPPED));
	assert_challenged();
	assert_true(opened);
	tear_down(NULL);
	set_up(NULL);
	LOG_IN(BYTES("\0"), BYTES("\x80w"), BYTES("\x81r"),
	       BYTES("\x82"
		     "a"),
	       BYTES("\x83pped for this TPM "),
	       BYTES("\xc0"
		     "alone"));
	assert_challenged();
	assert_true(opened);
}

static void a_tpm_that_is_not_accepted_is_told_so_in_every_phase(void **state)
{
	(void)state;
	LOG_IN(SLICE(""));
	assert_int_equal(1, told.refused);
	tear_down(NULL);
	set_up(NULL);
	LOG_IN(BYTES("\0"), SLICE(""));
	assert_int_equal(1, told.refused);
	tear_down(NULL);
	set_up(NULL);
	LOG_IN(BYTES("\0"), BYTES("\xc0" WRAPPED), SLICE(""));
	assert_int_equal(1, told.refused);
	assert_int_equal(1, told.challenges);
	assert_false(opened);
}

static void a_server_that_breaks_the_rules_is_left_with_a_reason(void **state)
{
	(void)state;
	LOG_IN(NO_SLICE);
	assert_left("it lets a TPM in that it has not seen");
	LOG_IN(BYTES("\0"), NO_SLICE);
	assert_left("it lets a TPM in that it has not seen");
	LOG_IN(BYTES("\xc0" WRAPPED));
	assert_left("it challenges the TPM out of turn");
	LOG_IN(BYTES("\0"), BYTES("\0" WRAPPED));
	assert_left("the parts of its challenge come out of turn");
	LOG_IN(BYTES("\0"), BYTES("\x80wrapped"),
	       BYTES("\xc2"
		     "for"));
	assert_left("the parts of its challenge come out of turn");
	LOG_IN(BYTES("\0"), BYTES("\x80"));
	assert_left("a part of its challenge is empty");
	server_conf.mechanisms = plain;
	server_conf.mechanism_count = 1;
	LOG_IN(NO_SLICE);
	assert_left("it does not let anybody in by TPM");
}

static void a_challenge_has_a_limit(void **state)
{
	static char parts[2][1 + AMQP_CHALLENGE_MAX / 2 + 1];
	const struct slice words[] = {SLICE("\0"), slice_over(parts[0], sizeof(parts[0])), slice_over(parts[1], sizeof(parts[1]))};

	(void)state;
	memset(parts, 'x', sizeof(parts));
	parts[0][0] = (char)0x80;
	parts[1][0] = (char)0xc1;
	script = words;
	script_n = 3;
	server = amqp_new(&server_conf);
	client = amqp_client_new(&conf);
	talk();
	assert_left("its challenge is too long for a TPM");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_tpm_shows_its_keys_and_answers_a_challenge_of_two_parts),
		TEST(one_part_and_five_are_as_good),
		TEST(a_tpm_that_is_not_accepted_is_told_so_in_every_phase),
		TEST(a_server_that_breaks_the_rules_is_left_with_a_reason),
		TEST(a_challenge_has_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
