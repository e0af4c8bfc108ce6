/* A device's arrival with a TPM that a script plays, too (device-api.md 14.3). */
#include "cli/test_arrival.h"

#define CHALLENGE "{\"message\":\"m\",\"authenticationKey\":\"b25l\",\"keyName\":\"registration\"}" /* "one" */
#define REFUSAL   "{\"errorCode\":401002,\"message\":\"Unauthorized\"}"
#define ASSIGNED_WITH_KEY                                                                                                                  \
	"{\"operationId\":\"5.o\",\"status\":\"assigned\",\"registrationState\":{\"assignedHub\":\"hub-a.berth.test\",\"deviceId\":"       \
	"\"d1\",\"tpm\":{\"authenticationKey\":\"dHdv\"}}}" /* "two" */

/* What the TPM saw, and what it does not do. */
static struct {
	int proofs, kept;
	char challenge[16], wrapped[16], hub[32], device_id[16], token[24];
	bool takes_no_challenge, takes_no_key;
} tpm_saw;

static const char *prove(void *cookie, struct slice challenge, const char **why)
{
	(void)cookie;
	*why = "it is meant for another TPM";
	if (tpm_saw.takes_no_challenge)
		return NULL;
	snprintf(tpm_saw.challenge, sizeof(tpm_saw.challenge), "%.*s", SLICE_ARG(challenge));
	snprintf(tpm_saw.token, sizeof(tpm_saw.token), "token-%d", ++tpm_saw.proofs);
	return tpm_saw.token;
}

static bool keep(void *cookie, struct slice wrapped, const char *hub, const char *device_id, const char **why)
{
	(void)cookie;
	*why = "it is damaged";
	if (tpm_saw.takes_no_key)
		return false;
	snprintf(tpm_saw.wrapped, sizeof(tpm_saw.wrapped), "%.*s", SLICE_ARG(wrapped));
	snprintf(tpm_saw.hub, sizeof(tpm_saw.hub), "%s", hub);
	snprintf(tpm_saw.device_id, sizeof(tpm_saw.device_id), "%s", device_id);
	tpm_saw.kept++;
	return true;
}

static const struct channel_tpm tpm = {.endorsement_key = {"EK", 2}, .storage_root_key = {"SRK", 3}, .prove = prove, .keep = keep};

/* With so many channels: each proof takes a new one, and so does asking without it. */
static void scene_tpm(struct scene *s, int channels)
{
	scene_init(s);
	s->channels = channels;
	s->device.key = NO_SLICE;
	s->device.tpm = &tpm;
}

static int forget(void **state)
{
	(void)state;
	memset(&tpm_saw, 0, sizeof(tpm_saw));
	return 0;
}

#define PLAY_TPM(s, channels, ...)                                                                                                         \
	do {                                                                                                                               \
		static const struct channel_answer answers[] = {__VA_ARGS__};                                                              \
		scene_tpm(s, channels);                                                                                                    \
		scene_start(s, answers, sizeof(answers) / sizeof(answers[0]));                                                             \
	} while (0)

static void a_tpm_shows_its_keys_proves_itself_and_keeps_the_hubs_key(void **state)
{
	struct scene s;

	(void)state;
	PLAY_TPM(&s, 2, ANSWER(401, -1, CHALLENGE), ANSWER(202, 1, ASSIGNING), ANSWER(200, -1, ASSIGNED_WITH_KEY));
	loop_advance(s.conf.channel.loop, 1000);
	assert_ended(&s, ARRIVAL_ASSIGNED, NULL);
	assert_string_equal("{\"registrationId\":\"d1\",\"tpm\":{\"endorsementKey\":\"RUs=\",\"storageRootKey\":\"U1JL\"}}",
			    seen.asked[0].body);
	assert_string_equal("(none)", seen.asked[0].token);
	assert_string_equal(seen.asked[0].body, seen.asked[1].body);
	assert_string_equal("token-1", seen.asked[1].token);
	assert_string_equal("token-1", seen.asked[2].token);
	assert_string_equal("5.o", seen.asked[2].operation);
	assert_string_equal("one", tpm_saw.challenge);
	assert_string_equal("two", tpm_saw.wrapped);
	assert_string_equal("hub-a.berth.test", tpm_saw.hub);
	assert_string_equal("d1", tpm_saw.device_id);
	assert_int_equal(1, tpm_saw.kept);
	scene_fini(&s);
}

static void a_tpm_that_is_refused_is_not_tried_again(void **state)
{
	struct scene s;

	(void)state;
	PLAY_TPM(&s, 1, ANSWER(401, -1, REFUSAL));
	assert_ended(&s, ARRIVAL_REFUSED, "Unauthorized");
	assert_int_equal(1, seen.asks);
	scene_fini(&s);
	PLAY_TPM(&s, 2, ANSWER(401, -1, CHALLENGE), ANSWER(401, -1, REFUSAL));
	assert_ended(&s, ARRIVAL_REFUSED, "Unauthorized");
	assert_int_equal(2, seen.asks);
	scene_fini(&s);
	PLAY_TPM(&s, 2, ANSWER(401, -1, CHALLENGE)); /* again and again */
	assert_ended(&s, ARRIVAL_REFUSED, "m");
	assert_int_equal(2, seen.asks);
	scene_fini(&s);
}

static void a_proof_that_was_good_and_is_no_more_is_made_anew(void **state)
{
	struct scene s;

	(void)state;
	/* too late for a poll */
	PLAY_TPM(&s, 4, ANSWER(401, -1, CHALLENGE), ANSWER(202, 30, ASSIGNING), ANSWER(401, -1, REFUSAL), ANSWER(401, -1, CHALLENGE),
		 ANSWER(200, -1, ASSIGNED_WITH_KEY));
	loop_advance(s.conf.channel.loop, 30000);
	assert_ended(&s, ARRIVAL_ASSIGNED, NULL);
	assert_string_equal("token-1", seen.asked[2].token);
	assert_string_equal("(none)", seen.asked[3].token);
	assert_string_equal("token-2", seen.asked[4].token);
	assert_string_equal("5.o", seen.asked[4].operation);
	scene_fini(&s);
	/* used up by a registration that came to nothing; and where the login has the proof, a new login is enough */
	PLAY_TPM(&s, 2, ANSWER(503, 1, "{}"), ANSWER(401, -1, REFUSAL), ANSWER(200, -1, ASSIGNED_WITH_KEY));
	loop_advance(s.conf.channel.loop, 1000);
	assert_ended(&s, ARRIVAL_ASSIGNED, NULL);
	scene_fini(&s);
	/* but not more than once without anything good between */
	PLAY_TPM(&s, 2, ANSWER(503, 1, "{}"), ANSWER(401, -1, REFUSAL));
	loop_advance(s.conf.channel.loop, 1000);
	assert_ended(&s, ARRIVAL_REFUSED, "Unauthorized");
	assert_int_equal(3, seen.asks);
	scene_fini(&s);
}

static void what_the_tpm_does_not_take_is_told(void **state)
{
	struct scene s;

	(void)state;
	PLAY_TPM(&s, 1, ANSWER(401, -1, "{\"authenticationKey\":\"???\"}"));
	assert_ended(&s, ARRIVAL_FAILED, "the service's challenge is not base64");
	scene_fini(&s);
	tpm_saw.takes_no_challenge = true;
	PLAY_TPM(&s, 1, ANSWER(401, -1, CHALLENGE));
	assert_ended(&s, ARRIVAL_FAILED, "it is meant for another TPM");
	scene_fini(&s);
	tpm_saw.takes_no_key = true;
	PLAY_TPM(&s, 1, ANSWER(200, -1, ASSIGNED_WITH_KEY));
	assert_ended(&s, ARRIVAL_FAILED, "hub-a.berth.test was to be its hub, but its TPM does not take the key for that: it is damaged");
	scene_fini(&s);
	PLAY_TPM(&s, 1, ANSWER(200, -1, ASSIGNED));
	assert_ended(&s, ARRIVAL_FAILED, "the answer says assigned, but holds no key for the TPM");
	scene_fini(&s);
}

static void who_has_no_tpm_is_refused_by_a_challenge(void **state)
{
	struct scene s;

	(void)state;
	PLAY(&s, ANSWER(401, -1, CHALLENGE));
	assert_ended(&s, ARRIVAL_REFUSED, "m");
	scene_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_tpm_shows_its_keys_proves_itself_and_keeps_the_hubs_key, forget),
		cmocka_unit_test_setup(a_tpm_that_is_refused_is_not_tried_again, forget),
		cmocka_unit_test_setup(a_proof_that_was_good_and_is_no_more_is_made_anew, forget),
		cmocka_unit_test_setup(what_the_tpm_does_not_take_is_told, forget),
		cmocka_unit_test_setup(who_has_no_tpm_is_refused_by_a_challenge, forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
