/* A device that logs in by its TPM: device-api.md 14.4. */
#include "base/text.h"
#include "protocol/test_amqps.h"

#define LATE 1001 /* a deadline passes up to a second after its time */

#define EK                                                                                                                                 \
	"\x01\x3a"                                                                                                                         \
	"an endorsement key, \0 and all"
#define SRK                                                                                                                                \
	"\x01\x1a"                                                                                                                         \
	"a storage root key"
#define INIT                                                                                                                               \
	SLICE("\0"                                                                                                                         \
	      "0ne00AB12CD"                                                                                                                \
	      "\0"                                                                                                                         \
	      "dev-1"                                                                                                                      \
	      "\0" EK)
#define EMPTY    SLICE("\x00\x00\x00\x11\x02\x01\x00\x00\x00\x53\x42\xc0\x04\x01\xa0\x01\x00")
#define PART(n)  SLICE("\x00\x00\x01\xaf\x02\x01\x00\x00\x00\x53\x42\xd0\x00\x00\x01\x9f\x00\x00\x00\x01\xb0\x00\x00\x01\x96" n)
#define BLOB     810
#define TOO_LONG 600

static void respond(struct slice response)
{
	struct buf frame;
	struct amqp_out o;

	sasl_frame_begin(&frame, &o, 0x43);
	amqp_put_binary(&o, response);
	sasl_frame_arrives(&frame, &o);
}

static const char *const blob_byte = "\x01\x02\x03";

/* The answer of the provisioning to the first round: a challenge of `n` bytes. */
static void challenge(size_t n)
{
	struct arena *a = arena_new(65536);
	char *blob = arena_alloc(a, n);

	for (size_t i = 0; i < n; i++)
		blob[i] = blob_byte[i % 3];
	answer(asked_count - 1, 401, 0,
	       arena_printf(a, "{\"message\":\"m\",\"authenticationKey\":\"%s\",\"keyName\":\"registration\"}",
			    base64_encode(a, slice_over(blob, n)).p));
	arena_free(&a);
}

static void half_was_sent(size_t from, size_t n)
{
	struct slice bytes = slice_to(unseen(), n);

	for (size_t i = 0; i < n; i++)
		assert_int_equal(bytes.p[i], blob_byte[(from + i) % 3]);
	seen += n;
}

static void up_to_the_token(void)
{
	sasl_init("TPM", INIT);
	sent(EMPTY);
	respond(SLICE("\0" SRK));
	challenge(BLOB);
	sent(PART("\x80"));
	half_was_sent(0, BLOB / 2);
	respond(SLICE("\0"));
	sent(PART("\xc1"));
	half_was_sent(BLOB / 2, BLOB / 2);
	respond(SLICE("\0" TOKEN));
}

static void base64_is(const char *text, struct slice bytes)
{
	struct arena *a = arena_new(4096);

	assert_string_equal(text, base64_encode(a, bytes).p);
	arena_free(&a);
}

static void a_tpm_is_challenged_in_two_parts_and_let_in(void **state)
{
	(void)state;
	up_to_the_token();
	assert_int_equal(asked_count, 2);
	assert_int_equal(asked[0].op, DEVICE_CONNECT);
	assert_string_equal(asked[0].scope, "0ne00AB12CD");
	assert_string_equal(asked[0].id, "dev-1");
	assert_false(asked[0].with_token);
	base64_is(asked[0].endorsement_key, SLICE(EK));
	base64_is(asked[0].storage_root_key, SLICE(SRK));
	assert_string_equal(asked[1].token, TOKEN);
	assert_string_equal(asked[1].id, "dev-1");
	base64_is(asked[1].endorsement_key, SLICE(EK));
	answer(1, 200, 0, "{}");
	sent(OUTCOME("\x00"));
	asked_count = 0;
	talk();
	assert_true(c.opened);
}

static void a_token_that_is_not_accepted_is_outcome_1(void **state)
{
	(void)state;
	up_to_the_token();
	answer(1, 401, 0, "{}");
	sent(OUTCOME("\x01"));
	assert_true(gone && logged("connection-refused", "the credential is not accepted"));
}

/* 14.3: its register message brings the reason. */
static void a_device_without_an_enrollment_is_let_in_to_hear_of_it(void **state)
{
	(void)state;
	up_to_the_token();
	answer(1, 404, 0, "{}");
	sent(OUTCOME("\x00"));
	assert_false(gone);
}

static void keys_that_get_no_challenge_are_outcome_1(void **state)
{
	static const int statuses[] = {200, 401, 404, 429, 500};

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		sasl_init("TPM", INIT);
		sent(EMPTY);
		respond(SLICE("\0" SRK));
		answer(0, statuses[i], 0, "{\"errorCode\":1}");
		sent(OUTCOME("\x01"));
		assert_true(gone && logged("connection-refused", "the keys of the TPM are not accepted"));
		tear_down(state);
		set_up(state);
	}
}

static void the_largest_challenge_fits_into_two_frames(void **state)
{
	(void)state;
	sasl_init("TPM", INIT);
	sent(EMPTY);
	respond(SLICE("\0" SRK));
	challenge(TPM_BLOB_MAX);
	assert_int_equal(unseen().n, 512);
	respond(SLICE("\0"));
	assert_int_equal(unseen().n, 2 * 512);
	seen += unseen().n;
	tear_down(state);
	set_up(state);
	sasl_init("TPM", INIT);
	sent(EMPTY);
	respond(SLICE("\0" SRK));
	challenge(TPM_BLOB_MAX + 1);
	sent(OUTCOME("\x01"));
}

static void what_is_no_beginning_is_refused_and_nobody_asked(void **state)
{
	static char long_key[20 + TOO_LONG] = "\0s\0d\0";
	const struct {
		struct slice response;
		const char *reason;
	} all[] = {
		{NO_SLICE, "not one of TPM"},
		{SLICE(""), "not one of TPM"},
		{SLICE("\0scope"), "not one of TPM"},
		{SLICE("\0scope\0dev"), "not one of TPM"},
		{SLICE("\x80scope\0dev\0key"), "not one of TPM"},
		{SLICE("\0\0dev\0key"), "is missing"},
		{SLICE("\0scope\0\0key"), "is missing"},
		{SLICE("\0scope\0dev\0"), "odd size"},
		{slice_over(long_key, sizeof(long_key)), "odd size"},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		sasl_init("TPM", all[i].response);
		sent(OUTCOME("\x01"));
		assert_true(gone && logged("connection-refused", all[i].reason));
		assert_int_equal(asked_count, 0);
		tear_down(state);
		set_up(state);
	}
}

static void what_is_no_response_is_refused(void **state)
{
	static char long_key[TOO_LONG];
	const struct {
		struct slice response;
		const char *reason;
	} all[] = {
		{NO_SLICE, "comes in one piece"},
		{SLICE(""), "comes in one piece"},
		{SLICE("\x80part"), "comes in one piece"},
		{SLICE("\0"), "odd size"},
		{slice_over(long_key, sizeof(long_key)), "odd size"},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		sasl_init("TPM", INIT);
		sent(EMPTY);
		respond(all[i].response);
		sent(OUTCOME("\x01"));
		assert_true(gone && logged("connection-refused", all[i].reason));
		assert_int_equal(asked_count, 0);
		tear_down(state);
		set_up(state);
	}
}

static void a_token_must_be_there(void **state)
{
	(void)state;
	sasl_init("TPM", INIT);
	sent(EMPTY);
	respond(SLICE("\0" SRK));
	challenge(BLOB);
	respond(SLICE("\0"));
	respond(SLICE("\0"));
	assert_true(gone && logged("connection-refused", "the token is missing"));
}

static void a_tpm_has_a_minute(void **state)
{
	(void)state;
	sasl_init("TPM", INIT);
	sent(EMPTY);
	loop_advance(loop, AMQPS_TPM_LOGIN_MS - 1);
	assert_false(gone);
	loop_advance(loop, LATE);
	assert_true(gone && logged("connection-refused", "the login took too long"));
}

static void a_connection_that_ends_between_the_rounds_asks_nothing_more(void **state)
{
	(void)state;
	sasl_init("TPM", INIT);
	sent(EMPTY);
	respond(SLICE("\0" SRK));
	protocol_amqps.abort(connection);
	assert_true(gone && asked[0].cancelled);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_tpm_is_challenged_in_two_parts_and_let_in),
		TEST(a_token_that_is_not_accepted_is_outcome_1),
		TEST(a_device_without_an_enrollment_is_let_in_to_hear_of_it),
		TEST(keys_that_get_no_challenge_are_outcome_1),
		TEST(the_largest_challenge_fits_into_two_frames),
		TEST(what_is_no_beginning_is_refused_and_nobody_asked),
		TEST(what_is_no_response_is_refused),
		TEST(a_token_must_be_there),
		TEST(a_tpm_has_a_minute),
		TEST(a_connection_that_ends_between_the_rounds_asks_nothing_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
