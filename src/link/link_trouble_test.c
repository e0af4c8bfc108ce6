/*
 * link_trouble_test.c: hubs that are down, slow, throttling, broken or refusing (hub-api.md 5.3), under a clock moved by hand.
 */
#include "link/test_transport.h"

#define FIRST_RETRY_MS 200
#define BREAK_MAX_MS   15000

static const struct reply dead = {.e = ERR_UNREACHABLE}, well = {.status = 200, .body = ALL_DONE},
			  refusing = {.status = 401, .body = NO_ENTRY};

static const char *const hub1 = "hub1.elsewhere.test";

/* --- asking again --- */

static void what_failed_is_asked_again_later_and_later_with_jitter(void **state)
{
	struct scene *s = *state;
	struct heard h = {0};
	int64_t gap, most = FIRST_RETRY_MS;

	s->moods[0] = &dead;
	ensure(s, HUB1, "pump-17", &h);
	loop_advance(s->loop, 44999);
	assert_int_equal(h.times, 0);
	assert_in_range(s->count, 5, 20);
	/* Until the breaker has its own way with the hub. */
	for (size_t i = 1; i < LINK_BREAKER; i++) {
		gap = s->requests[i].at_ms - s->requests[i - 1].at_ms;
		assert_in_range(gap, most / 2, most);
		most *= 2;
	}
	loop_advance(s->loop, 1);
	assert_ended(&h, LINK_FAILED);
	assert_false(h.may_exist);
	assert_non_null(strstr(h.sentence, hub1));
	assert_non_null(strstr(h.sentence, "the line is dead"));
}

/* With full jitter, many that failed together do not come back together. */
static void those_who_failed_together_do_not_come_back_together(void **state)
{
	struct scene *s = *state;
	struct linked_hub hub = HUB1;
	struct heard h[LINK_IN_FLIGHT] = {0};
	int64_t first = INT64_MAX, last = 0;

	for (int i = 0; i < LINK_IN_FLIGHT; i++)
		assert_non_null(link_twin(s->link, &hub, SLICE("d"), 45000, note, &h[i]));
	loop_settle(s->loop);
	for (int i = 0; i < LINK_IN_FLIGHT; i++)
		answer(&s->requests[i], 408, "");
	loop_advance(s->loop, FIRST_RETRY_MS);
	assert_int_equal(s->count, 2 * LINK_IN_FLIGHT);
	for (size_t i = LINK_IN_FLIGHT; i < s->count; i++) {
		first = s->requests[i].at_ms < first ? s->requests[i].at_ms : first;
		last = s->requests[i].at_ms > last ? s->requests[i].at_ms : last;
	}
	assert_true(last - first >= 10);
}

static void a_hub_that_comes_back_gets_the_device_that_waited(void **state)
{
	static const struct reply troubles[] = {{.e = ERR_UNREACHABLE}, {.status = 500}, {.status = 502},
						{.status = 503},        {.status = 429}, {.status = 408}};
	struct scene *s = *state;

	for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++) {
		struct heard h = {0};

		s->moods[0] = &troubles[i];
		ensure(s, HUB1, "pump-17", &h);
		loop_advance(s->loop, 20000);
		assert_int_equal(h.times, 0);
		s->moods[0] = &well;
		loop_advance(s->loop, BREAK_MAX_MS + 10000);
		assert_ended(&h, LINK_DONE);
	}
}

/* A PUT or POST without an answer may have arrived: who asks for the same again must not be taken for somebody else. */
static void a_creation_whose_answer_is_lost_is_looked_for_first(void **state)
{
	static const enum err losses[] = {ERR_TIMEOUT, ERR_CLOSED, ERR_TOO_BIG, ERR_MALFORMED, ERR_IO};
	struct scene *s = *state;

	for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++) {
		struct heard made = {0}, lost = {0};

		ensure(s, HUB1, "made", &made);
		lose(expect(s, "POST", "/devices"), losses[i]);
		loop_advance(s->loop, FIRST_RETRY_MS);
		answer(expect(s, "GET", "/devices/made"), 200, IDENTITY("made", "e", "cHJp"));
		assert_ended(&made, LINK_DONE);
		ensure(s, HUB1, "lost", &lost);
		lose(expect(s, "POST", "/devices"), losses[i]);
		loop_advance(s->loop, FIRST_RETRY_MS);
		answer(expect(s, "GET", "/devices/lost"), 404, NOT_THERE);
		answer(expect(s, "POST", "/devices"), 200, ALL_DONE);
		assert_ended(&lost, LINK_DONE);
	}
}

static void a_creation_that_never_reached_the_hub_is_simply_put_again(void **state)
{
	struct scene *s = *state;
	struct heard h = {0};

	ensure(s, HUB1, "pump-17", &h);
	lose(expect(s, "POST", "/devices"), ERR_UNREACHABLE);
	loop_advance(s->loop, FIRST_RETRY_MS);
	answer(expect(s, "POST", "/devices"), 200, ALL_DONE);
	assert_ended(&h, LINK_DONE);
}

static void a_refused_key_is_tried_once_more_and_then_it_is_the_operator_s_turn(void **state)
{
	struct scene *s = *state;
	struct heard h = {0}, late = {0};

	s->moods[0] = &refusing;
	ensure(s, HUB1, "pump-17", &h);
	loop_advance(s->loop, FIRST_RETRY_MS);
	assert_ended(&h, LINK_REFUSED);
	assert_int_equal(h.status, 401);
	assert_non_null(strstr(h.sentence, "401"));
	assert_int_equal(s->count, 2);
	/* It has answered, so the breaker has no part in it. */
	assert_false(state_of(s, hub1).broken_off);
	s->moods[0] = NULL;
	s->seen = s->count;
	ensure(s, HUB1, "pump-18", &late);
	answer(expect(s, "POST", "/devices"), 403, NO_ENTRY);
	loop_advance(s->loop, FIRST_RETRY_MS);
	answer(expect(s, "POST", "/devices"), 200, ALL_DONE);
	assert_ended(&late, LINK_DONE);
}

static void rubbish_ends_in_words_and_is_never_taken_for_a_yes(void **state)
{
	static const char *const answers[] = {"<html>hello</html>",
					      "",
					      "{\"isSuccessful\":tr",
					      "[]",
					      "{}",
					      "null",
					      "\"yes\"",
					      "{\"isSuccessful\":\"true\"}",
					      "{\"isSuccessful\":false}",
					      "{\"errors\":{}}"};
	struct scene *s = *state;

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct heard h = {0};

		ensure(s, HUB1, "pump-17", &h);
		answer(expect(s, "POST", "/devices"), 200, answers[i]);
		assert_ended(&h, LINK_INVALID);
		assert_true(h.sentence[0] != '\0');
		expect_silence(s);
	}
}

/* What lies there unknown would come back to life with an old twin one day: whoever asked must remember the place. */
static void a_creation_that_may_have_been_made_says_so_however_it_ends(void **state)
{
	static const struct reply spoiled[] = {{.status = 200, .body = "<html>"},
					       {.status = 200, .body = "{\"isSuccessful\":tr"},
					       {.status = 400, .body = "{\"isSuccessful\":false,\"errors\":[]}"}};
	static const struct reply bad[] = {{.status = 500}, {.status = 502}, {.status = 504}, {.e = ERR_CLOSED}};
	static const struct reply clean[] = {{.status = 503}, {.status = 429}, {.status = 401, .body = NO_ENTRY}, {.e = ERR_UNREACHABLE}};
	struct scene *s = *state;
	struct heard h[20] = {0}, *at = h;

	for (size_t i = 0; i < sizeof(spoiled) / sizeof(spoiled[0]); i++, at++) {
		ensure(s, HUB1, "pump-17", at);
		reply_to(expect(s, "POST", "/devices"), &spoiled[i]);
		assert_ended(at, LINK_INVALID);
		assert_true(at->may_exist);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++, at++) {
		/* Then the key is rolled, so that it ends with something else. */
		s->moods[0] = &bad[i];
		ensure(s, HUB1, "pump-17", at);
		loop_settle(s->loop);
		s->moods[0] = &refusing;
		loop_advance(s->loop, 40000);
		assert_ended(at, LINK_REFUSED);
		assert_true(at->may_exist);
	}
	for (size_t i = 0; i < sizeof(clean) / sizeof(clean[0]); i++, at++) {
		s->moods[0] = &clean[i];
		ensure(s, HUB1, "pump-17", at);
		loop_advance(s->loop, 60000);
		assert_int_equal(at->times, 1);
		assert_false(at->may_exist);
	}
}

/* A proxy in front of two hubs, or a hub that is not of one mind. */
static void a_hub_that_has_the_device_and_has_it_not_is_not_asked_without_a_pause(void **state)
{
	struct scene *s = *state;
	struct heard h = {0};
	struct request *r;

	ensure(s, HUB1, "pump-17", &h);
	for (int ms = 0; ms < 45000; ms += 50) {
		while (s->count < 1000 && (r = next_request(s)) != NULL) {
			if (*r->method == 'P')
				answer(r, 400, EXISTS("pump-17"));
			else
				answer(r, 404, NOT_THERE);
		}
		loop_advance(s->loop, 50);
	}
	assert_in_range(s->count, 4, 60);
	assert_ended(&h, LINK_FAILED);
}

/* --- patience --- */

/* It may be a date of another age. */
static void nobody_s_patience_is_asked_for_longer_than_ten_minutes(void **state)
{
	struct scene *s = *state;
	struct linked_hub hub = HUB1;
	struct heard one = {0};

	ensure(s, hub, "pump-17", &one);
	reply_to(expect(s, "POST", "/devices"), &(struct reply){.status = 429, .retry_after = INT32_MAX});
	loop_advance(s->loop, 599000);
	s->seen = s->count;
	s->moods[0] = &well;
	one = (struct heard){0};
	ensure(s, hub, "pump-17", &one);
	loop_advance(s->loop, 1000);
	assert_ended(&one, LINK_DONE);
}

static void a_hub_that_throttles_is_left_alone_as_long_as_it_says(void **state)
{
	static const int statuses[] = {429, 503};
	struct scene *s = *state;

	for (int i = 0; i < 2; i++) {
		struct heard one = {0}, other = {0};

		ensure(s, HUB1, "one", &one);
		reply_to(expect(s, "POST", "/devices"), &(struct reply){.status = statuses[i], .retry_after = 7});
		ensure(s, HUB1, "other", &other);
		loop_advance(s->loop, 6999);
		expect_silence(s);
		s->moods[0] = &well;
		loop_advance(s->loop, 1);
		assert_ended(&one, LINK_DONE);
		assert_ended(&other, LINK_DONE);
		s->moods[0] = NULL;
		s->seen = s->count;
	}
}

static void throttling_is_no_failure_and_opens_no_breaker(void **state)
{
	static const struct reply throttling = {.status = 429};
	struct scene *s = *state;
	struct heard h = {0};

	s->moods[0] = &throttling;
	ensure(s, HUB1, "pump-17", &h);
	loop_advance(s->loop, 40000);
	assert_true(s->count > LINK_BREAKER);
	assert_false(state_of(s, hub1).broken_off);
	assert_int_equal(state_of(s, hub1).failed, 0);
}

/* --- the breaker --- */

static struct linked_hub a_hub = {0};

static struct link_ask *twin_of(struct scene *s, struct heard *h)
{
	struct link_ask *ask;

	a_hub = HUB1;
	ask = link_twin(s->link, &a_hub, SLICE("d"), 45000, note, h);
	assert_non_null(ask);
	return ask;
}

/* The breaker of hub1 is open, and one question waits. */
static void break_hub(struct scene *s, struct heard *h)
{
	s->moods[0] = &dead;
	twin_of(s, h);
	while (!state_of(s, hub1).broken_off)
		loop_advance(s->loop, 1);
	assert_int_equal(s->count, LINK_BREAKER);
	s->seen = s->count;
}

static void failures_in_a_row_open_the_breaker_and_nothing_is_sent(void **state)
{
	struct scene *s = *state;
	struct heard h = {0}, more[5] = {0};

	break_hub(s, &h);
	assert_string_equal(state_of(s, hub1).last_failure, "the line is dead");
	for (int i = 0; i < 5; i++)
		twin_of(s, &more[i]);
	loop_advance(s->loop, 400); /* the shortest that it stays open is 500 */
	expect_silence(s);
	assert_in_range(state_of(s, hub1).waiting, 5, 6);
}

static void an_answer_in_between_starts_the_count_anew(void **state)
{
	struct scene *s = *state;

	for (int i = 0; i < 3 * LINK_BREAKER; i++) {
		struct heard h = {0};
		struct link_ask *ask = twin_of(s, &h);

		if (i % LINK_BREAKER == LINK_BREAKER - 1)
			answer(next_request(s), 404, NOT_THERE);
		else
			lose(next_request(s), ERR_UNREACHABLE);
		if (h.times == 0)
			link_cancel(&ask);
		assert_false(state_of(s, hub1).broken_off);
	}
}

static void when_its_time_is_over_one_question_goes_ahead_of_the_others(void **state)
{
	struct scene *s = *state;
	struct heard h = {0}, more[5] = {0};
	struct request *probe;

	break_hub(s, &h);
	for (int i = 0; i < 5; i++)
		twin_of(s, &more[i]);
	s->moods[0] = NULL;
	loop_advance(s->loop, 1000);
	probe = next_request(s);
	assert_non_null(probe);
	loop_advance(s->loop, 10000);
	expect_silence(s);
	answer(probe, 404, NOT_THERE);
	loop_settle(s->loop);
	assert_int_equal(s->count, LINK_BREAKER + 6);
	assert_false(state_of(s, hub1).broken_off);
	assert_null(state_of(s, hub1).last_failure);
}

static void a_probe_that_fails_keeps_it_open_for_longer_up_to_a_limit(void **state)
{
	struct scene *s = *state;
	struct heard h = {0};
	int64_t last = 0;
	size_t probes = 0;

	break_hub(s, &h);
	for (int second = 0; second < 300; second++) {
		if (second % 20 == 0)
			twin_of(s, &h); /* somebody always wants something */
		loop_advance(s->loop, 1000);
		for (struct request *r; (r = next_request(s)) != NULL; probes++) {
			if (probes > 8)
				assert_true(r->at_ms - last >= BREAK_MAX_MS / 2);
			if (probes > 0)
				assert_true(r->at_ms - last <= BREAK_MAX_MS + 10000); /* it may wait for its own back-off */
			last = r->at_ms;
		}
	}
	assert_in_range(probes, 12, 40);
}

static void a_probe_that_is_cancelled_lets_the_next_one_go(void **state)
{
	struct scene *s = *state;
	struct heard h = {0}, more = {0};
	struct link_ask *ask;

	s->moods[0] = &dead;
	ask = twin_of(s, &h);
	while (!state_of(s, hub1).broken_off)
		loop_advance(s->loop, 1);
	s->seen = s->count;
	s->moods[0] = NULL;
	loop_advance(s->loop, 11000);
	link_cancel(&ask);
	twin_of(s, &more);
	lose(next_request(s), ERR_TIMEOUT); /* the probe without its asker */
	s->moods[0] = &well;
	loop_advance(s->loop, BREAK_MAX_MS + 1000);
	assert_int_equal(more.times, 1);
}

/* They failed because of one and the same moment. */
static void many_failures_at_once_count_as_one_for_the_breaker_s_patience(void **state)
{
	struct scene *s = *state;
	struct heard h[LINK_IN_FLIGHT] = {0};

	for (int i = 0; i < LINK_IN_FLIGHT; i++)
		twin_of(s, &h[i]);
	loop_settle(s->loop);
	for (int i = 0; i < LINK_IN_FLIGHT; i++)
		lose(&s->requests[i], ERR_UNREACHABLE);
	s->seen = s->count;
	s->moods[0] = &well;
	loop_advance(s->loop, 1000);
	assert_non_null(next_request(s));
	assert_false(state_of(s, hub1).broken_off);
}

static void a_late_answer_to_an_old_question_is_no_answer_to_the_probe(void **state)
{
	struct scene *s = *state;
	struct heard h[LINK_IN_FLIGHT] = {0};

	for (int i = 0; i < LINK_IN_FLIGHT; i++)
		twin_of(s, &h[i]);
	loop_settle(s->loop);
	for (int i = 0; i < LINK_BREAKER; i++)
		lose(&s->requests[i], ERR_UNREACHABLE);
	s->seen = s->count;
	loop_advance(s->loop, 1000);
	assert_non_null(next_request(s)); /* the probe; it hangs */
	for (int i = LINK_BREAKER; i < LINK_IN_FLIGHT; i++)
		lose(&s->requests[i], ERR_TIMEOUT);
	loop_advance(s->loop, 20000);
	expect_silence(s);
}

static void a_probe_that_cannot_start_for_lack_of_memory_is_not_the_last_one(void **state)
{
	struct scene *s = *state;
	struct heard h = {0};

	break_hub(s, &h);
	s->no_memory = true;
	loop_advance(s->loop, 5000);
	s->no_memory = false;
	s->moods[0] = &(const struct reply){.status = 404, .body = NOT_THERE};
	loop_advance(s->loop, 20000);
	assert_ended(&h, LINK_ABSENT);
}

/* After an outage many wait: this is when travelling together counts. */
static void those_who_waited_for_a_dead_hub_travel_together_when_it_is_back(void **state)
{
	static const struct reply outages[] = {{.e = ERR_UNREACHABLE}, {.status = 503}, {.status = 429, .retry_after = 3}};
	struct scene *s = *state;

	for (size_t k = 0; k < sizeof(outages) / sizeof(outages[0]); k++) {
		struct heard h[500] = {0};
		char id[32];

		s->moods[0] = &outages[k];
		for (int i = 0; i < 500; i++) {
			snprintf(id, sizeof(id), "d%d", i);
			ensure(s, HUB1, id, &h[i]);
		}
		loop_advance(s->loop, 10000);
		s->seen = s->count;
		s->moods[0] = &well;
		loop_advance(s->loop, 35000);
		for (int i = 0; i < 500; i++)
			assert_ended(&h[i], LINK_DONE);
		assert_in_range(s->count - s->seen, 5, 150);
		s->seen = s->count;
	}
}

static void one_dead_hub_does_not_delay_another(void **state)
{
	struct scene *s = *state;
	struct heard waiting[200] = {0};
	char id[32];

	s->moods[0] = NULL; /* it hears, and says nothing */
	s->moods[1] = &well;
	for (int i = 0; i < 200; i++) {
		struct heard h = {0};

		snprintf(id, sizeof(id), "d%d", i);
		ensure(s, HUB1, id, &waiting[i]);
		ensure(s, HUB2, id, &h);
		loop_settle(s->loop);
		assert_ended(&h, LINK_DONE);
	}
	assert_int_equal(state_of(s, hub1).waiting, 200 - LINK_IN_FLIGHT);
	assert_int_equal(state_of(s, "hub2.elsewhere.test").waiting, 0);
}

static void two_links_with_different_ports_are_two_hubs(void **state)
{
	struct scene *s = *state;
	struct linked_hub other = HUB1;
	struct heard h = {0}, there = {0};

	break_hub(s, &h);
	other.port = 8443;
	s->moods[0] = &well;
	ensure(s, other, "pump-17", &there);
	loop_settle(s->loop);
	assert_ended(&there, LINK_DONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(what_failed_is_asked_again_later_and_later_with_jitter),
		SCENE_TEST(those_who_failed_together_do_not_come_back_together),
		SCENE_TEST(a_hub_that_comes_back_gets_the_device_that_waited),
		SCENE_TEST(a_creation_whose_answer_is_lost_is_looked_for_first),
		SCENE_TEST(a_creation_that_never_reached_the_hub_is_simply_put_again),
		SCENE_TEST(a_refused_key_is_tried_once_more_and_then_it_is_the_operator_s_turn),
		SCENE_TEST(rubbish_ends_in_words_and_is_never_taken_for_a_yes),
		SCENE_TEST(a_hub_that_throttles_is_left_alone_as_long_as_it_says),
		SCENE_TEST(throttling_is_no_failure_and_opens_no_breaker),
		SCENE_TEST(failures_in_a_row_open_the_breaker_and_nothing_is_sent),
		SCENE_TEST(an_answer_in_between_starts_the_count_anew),
		SCENE_TEST(when_its_time_is_over_one_question_goes_ahead_of_the_others),
		SCENE_TEST(a_probe_that_fails_keeps_it_open_for_longer_up_to_a_limit),
		SCENE_TEST(a_probe_that_is_cancelled_lets_the_next_one_go),
		SCENE_TEST(a_creation_that_may_have_been_made_says_so_however_it_ends),
		SCENE_TEST(a_hub_that_has_the_device_and_has_it_not_is_not_asked_without_a_pause),
		SCENE_TEST(nobody_s_patience_is_asked_for_longer_than_ten_minutes),
		SCENE_TEST(many_failures_at_once_count_as_one_for_the_breaker_s_patience),
		SCENE_TEST(a_late_answer_to_an_old_question_is_no_answer_to_the_probe),
		SCENE_TEST(a_probe_that_cannot_start_for_lack_of_memory_is_not_the_last_one),
		SCENE_TEST(those_who_waited_for_a_dead_hub_travel_together_when_it_is_back),
		SCENE_TEST(one_dead_hub_does_not_delay_another),
		SCENE_TEST(two_links_with_different_ports_are_two_hubs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
