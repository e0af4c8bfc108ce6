/* A device's arrival over a transport that a script plays, on a clock that is moved by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crypto/token.h"
#include "cli/arrival.h"

#define WALL ((instant)17900000000000000) /* 2026 */
#define ASSIGNED                                                                                                                           \
	"{\"operationId\":\"5.o\",\"status\":\"assigned\",\"registrationState\":{\"assignedHub\":\"hub-a.berth.test\","                    \
	"\"deviceId\":\"d1\",\"substatus\":\"initialAssignment\"}}"
#define ASSIGNING "{\"operationId\":\"5.o\",\"status\":\"assigning\"}"
#define ASKS_MAX  64

/* What the service says to one question after another; the last answer again and again. */
static const struct channel_answer *script;
static size_t script_n;

static struct {
	int open, closed;
	size_t asks;
	struct {
		int64_t at_ms;
		char operation[16], body[128];
	} asked[ASKS_MAX];
	char token[512];
	const struct credential *credential;
} seen;

struct fake_channel {
	struct channel c;
	const struct channel_conf *conf;
	struct task answer;
	channel_done *done;
	void *cookie;
};

static const struct channel_kind fake;

static void on_answer(struct task *t)
{
	struct fake_channel *f = LIST_ITEM(t, struct fake_channel, answer);

	f->done(f->cookie, &script[seen.asks <= script_n ? seen.asks - 1 : script_n - 1]);
}

static struct channel *fake_open(const struct channel_conf *conf, const struct channel_device *device)
{
	struct fake_channel *f = calloc(1, sizeof(*f));

	*f = (struct fake_channel){.c.kind = &fake, .conf = conf, .answer.run = on_answer};
	seen.open++;
	seen.credential = device->credential;
	snprintf(seen.token, sizeof(seen.token), "%s", device->token ? device->token : "(none)");
	return &f->c;
}

static enum err fake_ask(struct channel *c, const struct channel_ask *ask, channel_done *done, void *cookie)
{
	struct fake_channel *f = (struct fake_channel *)c;

	assert_in_range(seen.asks, 0, ASKS_MAX - 1);
	seen.asked[seen.asks].at_ms = loop_now_ms(f->conf->loop);
	snprintf(seen.asked[seen.asks].operation, sizeof(seen.asked[0].operation), "%s", ask->operation ? ask->operation : "");
	snprintf(seen.asked[seen.asks].body, sizeof(seen.asked[0].body), "%.*s", SLICE_ARG(ask->body));
	seen.asks++;
	f->done = done;
	f->cookie = cookie;
	loop_post(f->conf->loop, &f->answer);
	return OK;
}

static void fake_close(struct channel *c)
{
	struct fake_channel *f = (struct fake_channel *)c;

	loop_unpost(f->conf->loop, &f->answer);
	seen.closed++;
	free(f);
}

static const struct channel_kind fake = {.name = "fake", .open = fake_open, .ask = fake_ask, .close = fake_close};

/* --- one arrival --- */

struct scene {
	struct arena *arena;
	struct arrival_conf conf;
	struct newcomer device;
	struct arrival *arrival;
	int done;
};

static void on_done(void *cookie, struct newcomer *device)
{
	struct scene *s = cookie;

	assert_ptr_equal(&s->device, device);
	s->arrival = NULL;
	s->done++;
}

static void scene_init(struct scene *s)
{
	memset(s, 0, sizeof(*s));
	memset(&seen, 0, sizeof(seen));
	s->arena = arena_new(65536);
	s->conf = (struct arrival_conf){.channel = {.scope = "0ne1"}, .arena = s->arena, .patience_ms = 60000, .keep_answers = true};
	assert_int_equal(OK, loop_new_manual(WALL, &s->conf.channel.loop));
	s->device = (struct newcomer){.id = "d1", .kind = &fake, .key = SLICE("secret")};
}

static void scene_start(struct scene *s, const struct channel_answer *answers, size_t n)
{
	script = answers;
	script_n = n;
	s->arrival = arrival_start(&s->conf, &s->device, on_done, s);
	assert_non_null(s->arrival);
	assert_int_equal(0, s->done); /* never inside the call */
	loop_settle(s->conf.channel.loop);
}

static void scene_fini(struct scene *s)
{
	assert_int_equal(1, seen.open);
	assert_int_equal(1, seen.closed);
	loop_free(&s->conf.channel.loop);
	arena_free(&s->arena);
}

#define PLAY(s, ...)                                                                                                                       \
	do {                                                                                                                               \
		static const struct channel_answer answers[] = {__VA_ARGS__};                                                              \
		scene_init(s);                                                                                                             \
		scene_start(s, answers, sizeof(answers) / sizeof(answers[0]));                                                             \
	} while (0)

#define ANSWER(number, after, text)                                                                                                        \
	{                                                                                                                                  \
		.status = number, .retry_after = after, .body = { text, sizeof(text) - 1 }                                                 \
	}
#define NO_ANSWER(error, sentence)                                                                                                         \
	{                                                                                                                                  \
		.e = error, .why = sentence, .retry_after = -1                                                                             \
	}

static void assert_ended(const struct scene *s, enum arrival_end end, const char *why)
{
	assert_int_equal(1, s->done);
	assert_int_equal(end, s->device.end);
	if (why)
		assert_string_equal(why, s->device.why);
}

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
