/*
 * link_test.c: the way of a question to a hub that is well: phases, bulk, tokens, deadlines, cancelling (hub-api.md 5.2).
 */
#include "link/test_transport.h"

#include "codec/json.h"
#include "link/link_own.h"

/* --- one question --- */

static void a_new_device_takes_one_request(void **state)
{
	struct scene *s = *state;
	struct heard h = {0};
	struct request *r;

	ensure(s, HUB1, "pump-17", &h);
	r = expect(s, "POST", "/devices");
	assert_string_equal(r->hub, "hub1.elsewhere.test");
	assert_non_null(strstr(r->body, "\"id\":\"pump-17\",\"importMode\":\"create\""));
	assert_int_equal(h.times, 0);
	answer(r, 200, ALL_DONE);
	assert_ended(&h, LINK_DONE);
	assert_false(h.existed || h.may_exist);
	expect_silence(s);
}

static void a_device_that_is_there_with_its_keys_is_left_alone(void **state)
{
	struct scene *s = *state;
	struct heard h = {0};

	ensure(s, HUB1, "pump-17", &h);
	answer(expect(s, "POST", "/devices"), 400, EXISTS("pump-17"));
	answer(expect(s, "GET", "/devices/pump-17"), 200, IDENTITY("pump-17", "e1", "cHJp"));
	assert_ended(&h, LINK_DONE);
	assert_true(h.existed);
	expect_silence(s);
}

static void other_keys_are_corrected_under_the_etag_that_was_seen(void **state)
{
	struct scene *s = *state;
	struct heard h = {0};
	struct request *r;

	ensure(s, HUB1, "pump-17", &h);
	answer(expect(s, "POST", "/devices"), 400, EXISTS("pump-17"));
	answer(expect(s, "GET", "/devices/pump-17"), 200, IDENTITY("pump-17", "e1", "b2xk"));
	r = expect(s, "PUT", "/devices/pump-17");
	assert_string_equal(r->if_match, "\"e1\"");
	assert_non_null(strstr(r->body, "\"primaryKey\":\"cHJp\""));
	answer(r, 200, IDENTITY("pump-17", "e2", "cHJp"));
	assert_ended(&h, LINK_DONE);
	assert_true(h.existed);
}

/* hub-api.md 5.3: 412 is read again; 404 on an update counts as absent. */
static void who_was_faster_is_looked_at_again(void **state)
{
	struct scene *s = *state;
	struct heard h = {0};
	struct request *r;

	ensure(s, HUB1, "pump-17", &h);
	answer(expect(s, "POST", "/devices"), 400, EXISTS("pump-17"));
	answer(expect(s, "GET", "/devices/pump-17"), 200, IDENTITY("pump-17", "e1", "b2xk"));
	answer(expect(s, "PUT", "/devices/pump-17"), 412, "{\"Message\":\"ErrorCode:PreconditionFailed;no\"}");
	answer(expect(s, "GET", "/devices/pump-17"), 200, IDENTITY("pump-17", "e2", "b2xk"));
	r = expect(s, "PUT", "/devices/pump-17");
	assert_string_equal(r->if_match, "\"e2\"");
	answer(r, 404, NOT_THERE);
	answer(expect(s, "GET", "/devices/pump-17"), 404, NOT_THERE);
	answer(expect(s, "POST", "/devices"), 200, ALL_DONE);
	assert_ended(&h, LINK_DONE);
}

static void a_412_without_end_is_given_up(void **state)
{
	struct scene *s = *state;
	struct heard h = {0};
	int puts = 0;

	ensure(s, HUB1, "pump-17", &h);
	answer(expect(s, "POST", "/devices"), 400, EXISTS("pump-17"));
	while (h.times == 0 && puts++ < 50) {
		answer(expect(s, "GET", "/devices/pump-17"), 200, IDENTITY("pump-17", "e1", "b2xk"));
		answer(expect(s, "PUT", "/devices/pump-17"), 412, "{}");
	}
	assert_in_range(puts, 2, 5);
	assert_ended(&h, LINK_INVALID);
}

static void a_twin_is_read_and_a_missing_one_is_absent(void **state)
{
	struct scene *s = *state;
	struct linked_hub hub = HUB1;
	struct heard one = {0}, two = {0};

	assert_non_null(link_twin(s->link, &hub, SLICE("a#b"), 1000, note, &one));
	answer(expect(s, "GET", "/twins/a%23b"), 200,
	       "{\"tags\":{\"site\":\"n\"},\"properties\":{\"desired\":{\"r\":5,\"$version\":3},\"reported\":{\"fw\":\"1\",\"$metadata\":{}"
	       "}}}");
	assert_ended(&one, LINK_DONE);
	assert_string_equal(one.tags, "{\"site\":\"n\"}");
	assert_string_equal(one.desired, "{\"r\":5}");
	assert_string_equal(one.reported, "{\"fw\":\"1\"}");
	assert_non_null(link_twin(s->link, &hub, SLICE("d"), 1000, note, &two));
	answer(expect(s, "GET", "/twins/d"), 404, NOT_THERE);
	assert_ended(&two, LINK_ABSENT);
}

static void a_removal_is_done_or_was_not_needed(void **state)
{
	struct scene *s = *state;
	struct linked_hub hub = HUB1;
	struct heard one = {0}, two = {0};

	assert_non_null(link_remove(s->link, &hub, SLICE("d"), 1000, note, &one));
	answer(expect(s, "DELETE", "/devices/d"), 204, "");
	assert_ended(&one, LINK_DONE);
	assert_non_null(link_remove(s->link, &hub, SLICE("d"), 1000, note, &two));
	answer(expect(s, "DELETE", "/devices/d"), 404, NOT_THERE);
	assert_ended(&two, LINK_ABSENT);
}

static void a_probe_asks_once_and_never_again(void **state)
{
	static const struct {
		struct reply reply;
		enum link_outcome outcome;
	} rows[] = {
		{{.status = 200, .body = "{\"totalDeviceCount\":1}"}, LINK_DONE},
		{{.status = 200, .body = "<html>"}, LINK_INVALID},
		{{.status = 404, .body = NOT_THERE}, LINK_INVALID},
		{{.status = 503}, LINK_INVALID},
		{{.e = ERR_UNREACHABLE}, LINK_FAILED},
		{{.e = ERR_TIMEOUT}, LINK_FAILED},
	};
	struct scene *s = *state;
	struct linked_hub hub = HUB1;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct heard h = {0};

		assert_non_null(link_probe(s->link, &hub, 1000, note, &h));
		loop_advance(s->loop, 900); /* the row before may have asked for patience */
		reply_to(expect(s, "GET", "/statistics/devices"), &rows[i].reply);
		assert_ended(&h, rows[i].outcome);
		assert_true(h.sentence[0] != '\0');
		loop_advance(s->loop, 60000);
		expect_silence(s);
	}
}

/* --- tokens --- */

static struct token read_token(struct arena *arena, const struct request *r)
{
	struct token t;
	const char *why;

	assert_non_null(r->authorization);
	assert_int_equal(token_read(slice_str(r->authorization), arena, &t, &why), OK);
	return t;
}

/* hub-api.md 3.3: the bare host name is the resource, the policy is named, and the raw key signs. */
static void a_request_carries_a_token_of_the_link_s_policy(void **state)
{
	struct scene *s = *state;
	struct arena *arena = arena_new(65536);
	struct heard h = {0};
	struct token t;

	ensure(s, HUB1, "pump-17", &h);
	t = read_token(arena, next_request(s));
	assert_true(slice_eq(t.resource, SLICE("hub1.elsewhere.test")));
	assert_true(slice_eq(t.key_name, SLICE("iothubowner")));
	assert_true(token_signed_by(&t, SLICE("0123456789abcdef0123456789abcdef")));
	assert_true(t.expires > START + 600 * INSTANT_SECOND && t.expires < START + 86400 * INSTANT_SECOND);
	arena_free(&arena);
}

static void a_token_is_kept_and_renewed_before_it_ends(void **state)
{
	struct scene *s = *state;
	struct arena *arena = arena_new(65536);
	const struct reply well = {.status = 200, .body = ALL_DONE};
	struct heard h = {0};
	struct request *first, *second;

	s->moods[0] = &well;
	ensure(s, HUB1, "a", &h);
	first = next_request(s);
	loop_advance(s->loop, 60000);
	ensure(s, HUB1, "b", &h);
	second = next_request(s);
	assert_string_equal(first->authorization, second->authorization);
	loop_advance(s->loop, 3400 * 1000);
	ensure(s, HUB1, "c", &h);
	assert_true(read_token(arena, next_request(s)).expires > loop_wall(s->loop) + 600 * INSTANT_SECOND);
	assert_int_equal(h.times, 3);
	arena_free(&arena);
}

static void a_hub_linked_by_name_is_asked_without_a_token(void **state)
{
	struct scene *s = *state;
	struct heard h = {0};
	struct linked_hub hub = {.name = SLICE("hub1.berth.test"), .hosted = FLAG_YES, .port = INT_NONE};

	ensure(s, hub, "pump-17", &h);
	assert_null(next_request(s)->authorization);
}

/* service-api.md 10: the operator rolls the key and updates the link; what was wrong with the old one does not count. */
static void a_link_with_a_new_key_starts_with_a_clean_slate(void **state)
{
	static const struct reply dead = {.e = ERR_UNREACHABLE}, well = {.status = 200, .body = ALL_DONE};
	struct scene *s = *state;
	struct arena *arena = arena_new(65536);
	struct heard old = {0}, new = {0};
	struct token t;

	s->moods[0] = &dead;
	ensure(s, HUB1, "a", &old);
	loop_advance(s->loop, 30000);
	assert_true(state_of(s, "hub1.elsewhere.test").broken_off);
	s->moods[0] = &well;
	s->seen = s->count;
	ensure(s, hub_named("hub1.elsewhere.test", "bmV3bmV3bmV3bmV3bmV3bmV3"), "b", &new);
	t = read_token(arena, next_request(s));
	assert_true(token_signed_by(&t, SLICE("newnewnewnewnewnew")));
	assert_ended(&new, LINK_DONE);
	arena_free(&arena);
}

/* --- bulk --- */

static size_t entries_in(const struct request *r, char ids[][16])
{
	struct slice entry;
	size_t n = 0, at = 0;

	while (json_each(slice_str(r->body), &at, NULL, &entry)) {
		struct slice id = json_member(entry, "id", false);

		if (ids)
			snprintf(ids[n], 16, "%.*s", (int)id.n - 2, id.p + 1);
		n++;
	}
	return n;
}

/* All but the last slot carry one device each; what waits fills the last one. Returns the request in it. */
static struct request *crowd(struct scene *s, struct heard *h, size_t n)
{
	char id[32];

	for (size_t i = 0; i < n; i++) {
		snprintf(id, sizeof(id), "d%zu", i);
		ensure(s, HUB1, id, &h[i]);
	}
	loop_settle(s->loop);
	assert_int_equal(s->count, LINK_IN_FLIGHT);
	s->seen = s->count;
	return &s->requests[0];
}

static void creations_that_wait_travel_together_a_hundred_at_most(void **state)
{
	struct scene *s = *state;
	struct heard *h = calloc(300, sizeof(*h));
	struct request *r;

	crowd(s, h, 300);
	assert_int_equal(state_of(s, "hub1.elsewhere.test").waiting, 300 - LINK_IN_FLIGHT);
	answer(&s->requests[0], 200, ALL_DONE);
	r = expect(s, "POST", "/devices");
	assert_int_equal(entries_in(r, NULL), LINK_BULK_MAX);
	answer(&s->requests[1], 200, ALL_DONE);
	assert_int_equal(entries_in(expect(s, "POST", "/devices"), NULL), LINK_BULK_MAX);
	answer(r, 200, ALL_DONE);
	assert_int_equal(entries_in(expect(s, "POST", "/devices"), NULL), 300 - LINK_IN_FLIGHT - 2 * LINK_BULK_MAX);
	for (size_t i = 2; i < s->count; i++)
		if (s->requests[i].done)
			answer(&s->requests[i], 200, ALL_DONE);
	expect_silence(s);
	for (size_t i = 0; i < 300; i++)
		assert_ended(&h[i], LINK_DONE);
	free(h);
}

static void one_entry_that_fails_does_not_fail_those_who_travel_with_it(void **state)
{
	struct scene *s = *state;
	struct heard h[20] = {0};
	struct request *r;

	crowd(s, h, 20);
	answer(&s->requests[0], 200, ALL_DONE);
	r = expect(s, "POST", "/devices");
	assert_int_equal(entries_in(r, NULL), 4);
	answer(r, 400,
	       "{\"isSuccessful\":false,\"errors\":[{\"deviceId\":\"d17\",\"errorCode\":\"ArgumentInvalid\",\"errorStatus\":\"Bad "
	       "key.\"},{\"deviceId\":\"d19\",\"errorCode\":409001,\"errorStatus\":\"It is there.\"}],\"warnings\":[]}");
	assert_ended(&h[16], LINK_DONE);
	assert_ended(&h[17], LINK_INVALID);
	assert_non_null(strstr(h[17].sentence, "Bad key."));
	assert_ended(&h[18], LINK_DONE);
	answer(expect(s, "GET", "/devices/d19"), 200, IDENTITY("d19", "e", "cHJp"));
	assert_ended(&h[19], LINK_DONE);
}

/* hub-api.md 4.5: an ID given twice spoils the request for all. */
static void one_device_is_never_twice_in_a_request(void **state)
{
	struct scene *s = *state;
	struct heard h[20] = {0}, twin[3] = {0};
	char ids[LINK_BULK_MAX][16];
	struct request *r;
	size_t n;

	crowd(s, h, 18);
	for (int i = 0; i < 3; i++)
		ensure(s, HUB1, "d17", &twin[i]);
	answer(&s->requests[0], 200, ALL_DONE);
	r = expect(s, "POST", "/devices");
	n = entries_in(r, ids);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(ids[i], ids[k]);
	assert_int_equal(n, 2);
	answer(r, 200, ALL_DONE);
	assert_int_equal(entries_in(expect(s, "POST", "/devices"), ids), 1);
	assert_string_equal(ids[0], "d17");
}

static void a_request_that_is_refused_as_a_whole_is_put_again_one_by_one(void **state)
{
	struct scene *s = *state;
	struct heard h[20] = {0};
	struct request *r;

	crowd(s, h, 20);
	answer(&s->requests[0], 200, ALL_DONE);
	r = expect(s, "POST", "/devices");
	for (size_t i = 1; i < LINK_IN_FLIGHT; i++)
		answer(&s->requests[i], 200, ALL_DONE);
	answer(r, 400, "{\"Message\":\"ErrorCode:ArgumentInvalid;BadRequest\",\"ExceptionMessage\":\"\"}");
	for (int i = 0; i < 4; i++) {
		r = expect(s, "POST", "/devices");
		assert_int_equal(entries_in(r, NULL), 1);
		if (strstr(r->body, "\"d18\""))
			answer(r, 400, "{\"Message\":\"ErrorCode:ArgumentInvalid;BadRequest\",\"ExceptionMessage\":\"\"}");
		else
			answer(r, 200, ALL_DONE);
	}
	expect_silence(s);
	for (int i = 0; i < 20; i++)
		assert_ended(&h[i], i == 18 ? LINK_INVALID : LINK_DONE);
}

static void no_more_than_the_allowed_number_are_on_their_way(void **state)
{
	struct scene *s = *state;
	struct linked_hub hub = HUB1;
	struct heard h[40] = {0};
	char id[16];

	for (int i = 0; i < 40; i++) {
		snprintf(id, sizeof(id), "d%d", i);
		assert_non_null(link_remove(s->link, &hub, slice_str(id), 1000, note, &h[i]));
	}
	for (size_t answered = 0; answered < 40; answered++) {
		loop_settle(s->loop);
		assert_true(s->count - answered <= LINK_IN_FLIGHT);
		answer(&s->requests[answered], 204, "");
	}
	for (int i = 0; i < 40; i++)
		assert_ended(&h[i], LINK_DONE);
}

/* --- ends --- */

static void cancelled_at_any_moment_it_stays_silent(void **state)
{
	struct scene *s = *state;

	/* While it waits for an answer, n answers into a long way: 0, 1, 2 ...; then while it waits for another try. */
	for (int n = 0; n < 4; n++) {
		struct heard h = {0};
		struct link_ask *ask = ensure(s, HUB1, "pump-17", &h);
		struct request *r;

		if (n > 0)
			answer(expect(s, "POST", "/devices"), 400, EXISTS("pump-17"));
		if (n > 1)
			answer(expect(s, "GET", "/devices/pump-17"), 200, IDENTITY("pump-17", "e1", "b2xk"));
		if (n > 2)
			lose(expect(s, "PUT", "/devices/pump-17"), ERR_CLOSED);
		link_cancel(&ask);
		assert_null(ask);
		if ((r = next_request(s)) != NULL && r->done)
			answer(r, 200, ALL_DONE);
		loop_advance(s->loop, 60000);
		assert_int_equal(h.times, 0);
		expect_silence(s);
		assert_int_equal(state_of(s, "hub1.elsewhere.test").in_flight, 0);
		assert_int_equal(state_of(s, "hub1.elsewhere.test").waiting, 0);
	}
}

/* Those who wait or travel in company can go alone as well. */
static void one_of_many_can_be_cancelled_and_the_others_do_not_notice(void **state)
{
	struct scene *s = *state;
	struct heard h[24] = {0};
	struct link_ask *asks[24];
	char id[16];

	for (int i = 0; i < 24; i++) {
		snprintf(id, sizeof(id), "d%d", i);
		asks[i] = ensure(s, HUB1, id, &h[i]);
	}
	loop_settle(s->loop);
	link_cancel(&asks[20]); /* it waits */
	answer(&s->requests[0], 200, ALL_DONE);
	link_cancel(&asks[22]); /* it is on its way, with others */
	for (size_t i = 1; i < s->count; i++)
		answer(&s->requests[i], 200, ALL_DONE);
	for (int i = 0; i < 24; i++)
		assert_int_equal(h[i].times, i == 20 || i == 22 ? 0 : 1);
}

struct canceller {
	struct heard heard;
	struct link_ask **victim;
};

static void cancel_another(void *cookie, const struct link_answer *a)
{
	struct canceller *c = cookie;

	note(&c->heard, a);
	link_cancel(c->victim);
}

static void one_can_be_cancelled_from_within_the_answer_of_another(void **state)
{
	struct scene *s = *state;
	struct heard h[16] = {0}, last = {0};
	const struct link_identity d = {.device_id = SLICE("first"), .authentication = "sas"};
	struct linked_hub hub = HUB1;
	struct link_ask *victim = NULL;
	struct canceller c = {.victim = &victim};

	crowd(s, h, 16);
	assert_non_null(link_ensure(s->link, &hub, &d, 1000, cancel_another, &c));
	victim = ensure(s, HUB1, "second", &last);
	answer(&s->requests[0], 200, ALL_DONE);
	answer(expect(s, "POST", "/devices"), 200, ALL_DONE); /* both of them */
	assert_int_equal(c.heard.times, 1);
	assert_int_equal(last.times, 0);
}

static void a_deadline_ends_a_question_on_its_way_and_a_creation_may_have_arrived(void **state)
{
	struct scene *s = *state;
	struct linked_hub hub = HUB1;
	struct heard made = {0}, twin = {0};

	ensure_within(s, HUB1, "pump-17", 3000, &made);
	assert_non_null(link_twin(s->link, &hub, SLICE("pump-18"), 3000, note, &twin));
	loop_advance(s->loop, 2999);
	assert_int_equal(made.times + twin.times, 0);
	loop_advance(s->loop, 1);
	assert_ended(&made, LINK_FAILED);
	assert_true(made.may_exist);
	assert_ended(&twin, LINK_FAILED);
	assert_false(twin.may_exist);
	answer(&s->requests[0], 200, ALL_DONE); /* too late, and nobody is there */
	answer(&s->requests[1], 404, NOT_THERE);
	assert_int_equal(made.times + twin.times, 2);
}

static void a_deadline_ends_a_question_that_was_never_put(void **state)
{
	struct scene *s = *state;
	struct heard h[16] = {0}, late = {0};

	crowd(s, h, 16);
	ensure_within(s, HUB1, "late", 3000, &late);
	loop_advance(s->loop, 3000);
	assert_ended(&late, LINK_FAILED);
	assert_false(late.may_exist);
	assert_int_equal(late.status, 0);
	assert_int_equal(state_of(s, "hub1.elsewhere.test").waiting, 0);
}

static void the_room_can_be_left_with_everything_under_way(void **state)
{
	struct scene *s = *state;
	struct heard h[20] = {0};
	struct linked_hub hub = HUB1;
	struct link_ask *asks[20];

	for (int i = 0; i < 20; i++)
		asks[i] = ensure(s, hub, i % 2 ? "a" : "b", &h[i]);
	loop_settle(s->loop);
	for (int i = 0; i < 20; i++)
		link_cancel(&asks[i]);
	link_free(&s->link);
	for (size_t i = 0; i < s->count; i++)
		assert_true(s->requests[i].dropped);
}

static void after_a_halt_nothing_is_sent_and_questions_can_be_cancelled(void **state)
{
	struct scene *s = *state;
	struct heard h[3] = {0};
	struct linked_hub hub = HUB1;
	struct link_ask *on_its_way = ensure(s, hub, "a", &h[0]), *waiting, *late;
	size_t sent;

	loop_settle(s->loop);
	waiting = ensure(s, hub, "b", &h[1]);
	sent = s->count;
	link_halt(s->link);
	late = ensure(s, hub, "c", &h[2]);
	loop_settle(s->loop);
	loop_advance(s->loop, 1000);
	assert_int_equal(s->count, sent);
	for (size_t i = 0; i < sent; i++)
		assert_true(s->requests[i].dropped);
	link_cancel(&on_its_way);
	link_cancel(&waiting);
	link_cancel(&late);
	for (int i = 0; i < 3; i++)
		assert_int_equal(h[i].times, 0);
}

/* --- round trips --- */

static void round_trips_are_smoothed(void **state)
{
	int64_t us = link_smoothed(0, 40000);

	(void)state;
	assert_int_equal(us, 40000);
	assert_int_equal(link_smoothed(us, 48000), 41000);
	assert_int_equal(link_smoothed(us, 32000), 39000);
	for (int i = 0; i < 100; i++)
		us = link_smoothed(us, 90000);
	assert_in_range(us, 89900, 90000);
}

/* One that waited for a retransmission moves it by three eighths at most; a way that has become long shows all the same. */
static void one_slow_answer_does_not_make_a_hub_look_far(void **state)
{
	int64_t us = 10000;

	(void)state;
	assert_int_equal(link_smoothed(us, 3000000), 13750);
	for (int i = 0; i < 100; i++)
		us = link_smoothed(us, 3000000);
	assert_true(us > 2900000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trips_are_smoothed),
		cmocka_unit_test(one_slow_answer_does_not_make_a_hub_look_far),
		SCENE_TEST(a_new_device_takes_one_request),
		SCENE_TEST(a_device_that_is_there_with_its_keys_is_left_alone),
		SCENE_TEST(other_keys_are_corrected_under_the_etag_that_was_seen),
		SCENE_TEST(who_was_faster_is_looked_at_again),
		SCENE_TEST(a_412_without_end_is_given_up),
		SCENE_TEST(a_twin_is_read_and_a_missing_one_is_absent),
		SCENE_TEST(a_removal_is_done_or_was_not_needed),
		SCENE_TEST(a_probe_asks_once_and_never_again),
		SCENE_TEST(a_request_carries_a_token_of_the_link_s_policy),
		SCENE_TEST(a_token_is_kept_and_renewed_before_it_ends),
		SCENE_TEST(a_hub_linked_by_name_is_asked_without_a_token),
		SCENE_TEST(a_link_with_a_new_key_starts_with_a_clean_slate),
		SCENE_TEST(creations_that_wait_travel_together_a_hundred_at_most),
		SCENE_TEST(one_entry_that_fails_does_not_fail_those_who_travel_with_it),
		SCENE_TEST(one_device_is_never_twice_in_a_request),
		SCENE_TEST(a_request_that_is_refused_as_a_whole_is_put_again_one_by_one),
		SCENE_TEST(no_more_than_the_allowed_number_are_on_their_way),
		SCENE_TEST(cancelled_at_any_moment_it_stays_silent),
		SCENE_TEST(one_of_many_can_be_cancelled_and_the_others_do_not_notice),
		SCENE_TEST(one_can_be_cancelled_from_within_the_answer_of_another),
		SCENE_TEST(a_deadline_ends_a_question_on_its_way_and_a_creation_may_have_arrived),
		SCENE_TEST(a_deadline_ends_a_question_that_was_never_put),
		SCENE_TEST(the_room_can_be_left_with_everything_under_way),
		SCENE_TEST(after_a_halt_nothing_is_sent_and_questions_can_be_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
