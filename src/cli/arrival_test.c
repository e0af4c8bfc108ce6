/* A device's arrival over a transport that a script plays, on a clock that is moved by hand. */
#include "cli/test_arrival.h"

/* --- */

static void a_device_that_is_assigned_at_once_asks_once(void **state)
{
	struct scene s;

	(void)state;
	PLAY(&s, ANSWER(202, -1, ASSIGNED));
	assert_ended(&s, ARRIVAL_ASSIGNED, NULL);
	assert_string_equal("hub-a.berth.test", s.device.hub);
	assert_string_equal("d1", s.device.device_id);
	assert_string_equal("initialAssignment", s.device.substatus);
	assert_int_equal(202, s.device.status);
	assert_true(slice_eq(SLICE(ASSIGNED), s.device.answer));
	assert_int_equal(1, seen.asks);
	assert_int_equal(0, s.device.polls);
	assert_string_equal("", seen.asked[0].operation);
	assert_string_equal("{\"registrationId\":\"d1\"}", seen.asked[0].body);
	scene_fini(&s);
}

static void a_device_that_is_assigning_waits_as_told_and_asks_after_its_operation(void **state)
{
	struct scene s;

	(void)state;
	PLAY(&s, ANSWER(202, 3, ASSIGNING), ANSWER(202, 5, ASSIGNING), ANSWER(202, -1, ASSIGNING), ANSWER(200, -1, ASSIGNED));
	assert_int_equal(0, s.done);
	loop_advance(s.conf.channel.loop, 10000);
	assert_ended(&s, ARRIVAL_ASSIGNED, NULL);
	assert_int_equal(4, seen.asks);
	assert_int_equal(3, s.device.polls);
	assert_string_equal("5.o", seen.asked[1].operation);
	assert_int_equal(3000, seen.asked[1].at_ms - seen.asked[0].at_ms);
	assert_int_equal(5000, seen.asked[2].at_ms - seen.asked[1].at_ms);
	assert_int_equal(2000, seen.asked[3].at_ms - seen.asked[2].at_ms); /* told nothing */
	scene_fini(&s);
}

static void a_service_that_is_too_busy_is_asked_the_same_again(void **state)
{
	struct scene s;

	(void)state;
	PLAY(&s, ANSWER(429, 7, "{}"), ANSWER(202, 1, ASSIGNING), ANSWER(503, -1, "no JSON at all"), ANSWER(200, -1, ASSIGNED));
	loop_advance(s.conf.channel.loop, 10000);
	assert_ended(&s, ARRIVAL_ASSIGNED, NULL);
	assert_string_equal("", seen.asked[1].operation);
	assert_int_equal(7000, seen.asked[1].at_ms - seen.asked[0].at_ms);
	assert_string_equal("5.o", seen.asked[2].operation);
	assert_string_equal("5.o", seen.asked[3].operation);
	scene_fini(&s);
}

static void a_refusal_is_told_in_the_services_words(void **state)
{
	struct scene s;

	(void)state;
	PLAY(&s, ANSWER(401, -1, "{\"errorCode\":401002,\"message\":\"Unauthorized\"}"));
	assert_ended(&s, ARRIVAL_REFUSED, "Unauthorized");
	assert_int_equal(401, s.device.status);
	scene_fini(&s);
	PLAY(&s, ANSWER(202, -1, "{\"status\":\"failed\",\"registrationState\":{\"errorMessage\":\"no hub\"}}"));
	assert_ended(&s, ARRIVAL_REFUSED, "no hub");
	scene_fini(&s);
	PLAY(&s, ANSWER(404, -1, "{}"));
	assert_ended(&s, ARRIVAL_REFUSED, "no reason given");
	scene_fini(&s);
	PLAY(&s, NO_ANSWER(ERR_UNAUTHORIZED, "the server does not take the token"));
	assert_ended(&s, ARRIVAL_REFUSED, "the server does not take the token");
	scene_fini(&s);
}

static void no_answer_is_a_failure_and_so_is_one_without_sense(void **state)
{
	struct scene s;

	(void)state;
	PLAY(&s, NO_ANSWER(ERR_UNREACHABLE, "connection refused"));
	assert_ended(&s, ARRIVAL_FAILED, "connection refused");
	scene_fini(&s);
	PLAY(&s, ANSWER(202, -1, "not JSON"));
	assert_ended(&s, ARRIVAL_FAILED, NULL);
	scene_fini(&s);
	PLAY(&s, ANSWER(202, -1, "{\"status\":\"assigned\"}"));
	assert_ended(&s, ARRIVAL_FAILED, "the answer says assigned, but not where");
	scene_fini(&s);
}

static void patience_has_an_end_at_which_the_device_asks_a_last_time(void **state)
{
	struct scene s;

	(void)state;
	PLAY(&s, ANSWER(202, 25, ASSIGNING));
	loop_advance(s.conf.channel.loop, 59999);
	assert_int_equal(0, s.done);
	loop_advance(s.conf.channel.loop, 1);
	assert_ended(&s, ARRIVAL_FAILED, "still not assigned when patience ran out");
	assert_int_equal(4, seen.asks); /* at 0, 25, 50 and 60 s */
	scene_fini(&s);
}

static void a_device_with_a_key_shows_a_token_that_it_signed(void **state)
{
	struct arena *arena = arena_new(65536);
	struct token token;
	struct scene s;
	const char *why;

	(void)state;
	PLAY(&s, ANSWER(202, -1, ASSIGNED));
	assert_int_equal(OK, token_read(slice_str(seen.token), arena, &token, &why));
	assert_true(token_signed_by(&token, SLICE("secret")));
	assert_true(slice_eq(SLICE("0ne1/registrations/d1"), token.resource));
	assert_true(slice_eq(SLICE("registration"), token.key_name));
	assert_false(token_expired(&token, WALL + 60 * INSTANT_SECOND)); /* not before its patience ends */
	scene_fini(&s);
	arena_free(&arena);
}

static void a_device_with_a_certificate_shows_no_token(void **state)
{
	static const struct channel_answer answer[] = {ANSWER(202, -1, ASSIGNED)};
	static const struct credential credential;
	struct scene s;

	(void)state;
	scene_init(&s);
	s.device.key = NO_SLICE;
	s.device.credential = &credential;
	scene_start(&s, answer, 1);
	assert_string_equal("(none)", seen.token);
	assert_ptr_equal(&credential, seen.credential);
	scene_fini(&s);
}

static void a_payload_goes_along(void **state)
{
	static const struct channel_answer answer[] = {ANSWER(202, -1, ASSIGNED)};
	struct scene s;

	(void)state;
	scene_init(&s);
	s.conf.payload = SLICE("{\"a\":1}");
	scene_start(&s, answer, 1);
	assert_string_equal("{\"registrationId\":\"d1\",\"payload\":{\"a\":1}}", seen.asked[0].body);
	scene_fini(&s);
}

static void a_cancelled_arrival_stays_silent_in_every_phase(void **state)
{
	static const struct channel_answer answer[] = {ANSWER(202, 3, ASSIGNING)};
	struct scene s;

	(void)state;
	for (int waiting = 0; waiting < 2; waiting++) {
		scene_init(&s);
		script = answer;
		script_n = 1;
		s.arrival = arrival_start(&s.conf, &s.device, on_done, &s);
		if (waiting)
			loop_settle(s.conf.channel.loop);
		arrival_cancel(&s.arrival);
		assert_null(s.arrival);
		loop_advance(s.conf.channel.loop, 100000);
		assert_int_equal(0, s.done);
		assert_int_equal(1, seen.asks);
		scene_fini(&s);
	}
}

static void every_transport_is_found_by_its_name(void **state)
{
	(void)state;
	for (size_t i = 0; channel_kinds[i]; i++)
		assert_ptr_equal(channel_kinds[i], channel_find(slice_str(channel_kinds[i]->name)));
	assert_null(channel_find(SLICE("carrier-pigeon")));
	assert_null(channel_find(SLICE("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_that_is_assigned_at_once_asks_once),
		cmocka_unit_test(a_device_that_is_assigning_waits_as_told_and_asks_after_its_operation),
		cmocka_unit_test(a_service_that_is_too_busy_is_asked_the_same_again),
		cmocka_unit_test(a_refusal_is_told_in_the_services_words),
		cmocka_unit_test(no_answer_is_a_failure_and_so_is_one_without_sense),
		cmocka_unit_test(patience_has_an_end_at_which_the_device_asks_a_last_time),
		cmocka_unit_test(a_device_with_a_key_shows_a_token_that_it_signed),
		cmocka_unit_test(a_device_with_a_certificate_shows_no_token),
		cmocka_unit_test(a_payload_goes_along),
		cmocka_unit_test(a_cancelled_arrival_stays_silent_in_every_phase),
		cmocka_unit_test(every_transport_is_found_by_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
