/* What a webhook may answer, and what becomes of it: service-api.md 8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "allocate/custom.h"

#define ROOM (1 << 20)

struct fixture {
	struct arena *a;
	struct linked_hub hubs[3];
	const struct linked_hub *candidates[2];
	struct enrollment e;
	struct allocation ask;
	struct choice asked;
	struct custom_choice out;
};

/* hub3 is linked and not allowed. */
static int set_up(void **state)
{
	static struct fixture f;
	static const char *names[] = {"hub1.example.test", "hub2.example.test", "hub3.example.test"};

	f = (struct fixture){.a = arena_new(ROOM)};
	noun_clear(&noun_individual, &f.e);
	for (int i = 0; i < 3; i++) {
		noun_clear(&noun_linked_hub, &f.hubs[i]);
		f.hubs[i].id = f.hubs[i].name = slice_str(names[i]);
	}
	f.candidates[0] = &f.hubs[0];
	f.candidates[1] = &f.hubs[1];
	f.ask = (struct allocation){.registration_id = SLICE("press-07"), .hubs = f.hubs, .hub_count = 3, .enrollment = &f.e};
	f.asked = (struct choice){.elsewhere = true, .candidates = f.candidates, .candidate_count = 2};
	*state = &f;
	return f.a == NULL;
}

static int tear_down(void **state)
{
	arena_free(&((struct fixture *)*state)->a);
	return 0;
}

static void judge(struct fixture *f, const struct custom_reply *reply)
{
	assert_int_equal(custom_judge(reply, &f->ask, &f->asked, f->a, &f->out), OK);
	assert_non_null(f->out.sentence);
	assert_true(f->out.hub ? f->out.message == NULL : f->out.message != NULL && f->out.seen != NULL);
}

static void answer(struct fixture *f, const char *body)
{
	judge(f, &(struct custom_reply){.status = 200, .body = slice_str(body)});
}

static void assert_text(struct slice text, const char *expected)
{
	assert_string_equal(text.n ? text.p : "", expected);
}

static void assert_failed(struct fixture *f, const char *message, const char *sentence)
{
	assert_null(f->out.hub);
	assert_string_equal(f->out.message, message);
	assert_string_equal(f->out.sentence, sentence);
}

#define UNUSABLE "Custom allocation failed: the answer of the webhook cannot be used."
#define SILENT   "Custom allocation failed: the webhook did not answer."

static void a_hub_that_is_named_gets_the_device(void **state)
{
	struct fixture *f = *state;

	answer(f, "{\"iotHubHostName\":\"hub2.example.test\"}");
	assert_ptr_equal(f->out.hub, &f->hubs[1]);
	assert_string_equal(f->out.sentence, "custom: the webhook chose hub2.example.test out of 2 hubs");
	assert_true(slice_absent(f->out.initial_twin) && slice_absent(f->out.payload));
}

/* One table of the original spells it iotHubHostname; host names have no case either. */
static void case_does_not_count(void **state)
{
	struct fixture *f = *state;

	answer(f, "{\"IotHubHostname\":\"HUB1.example.TEST\"}");
	assert_ptr_equal(f->out.hub, &f->hubs[0]);
}

static void any_2xx_will_do(void **state)
{
	struct fixture *f = *state;

	judge(f, &(struct custom_reply){.status = 202, .body = SLICE("{\"iotHubHostName\":\"hub1.example.test\"}")});
	assert_ptr_equal(f->out.hub, &f->hubs[0]);
}

static void twin_and_payload_go_on_as_they_came(void **state)
{
	struct fixture *f = *state;

	answer(f, "{ \"iotHubHostName\": \"hub1.example.test\",\n \"initialTwin\": { \"tags\": {\"b\": 1.50, \"a\": null},\n"
		  " \"properties\": {\"desired\": {}} },\n \"payload\": { \"z\" : [1, 2], \"a\" : \"x y\" } }");
	assert_ptr_equal(f->out.hub, &f->hubs[0]);
	assert_text(f->out.initial_twin, "{\"tags\":{\"b\":1.50,\"a\":null},\"properties\":{\"desired\":{}}}");
	assert_text(f->out.payload, "{\"z\":[1,2],\"a\":\"x y\"}");
	assert_false(f->out.payload_dropped);
}

/* As .NET writes what is not set. */
static void null_is_nothing(void **state)
{
	struct fixture *f = *state;

	answer(f, "{\"iotHubHostName\":\"hub1.example.test\",\"initialTwin\":null,\"payload\":null}");
	assert_ptr_equal(f->out.hub, &f->hubs[0]);
	assert_true(slice_absent(f->out.initial_twin) && slice_absent(f->out.payload));
	assert_false(f->out.payload_dropped);
	answer(f, "{\"iotHubHostName\":\"hub1.example.test\",\"initialTwin\":{\"tags\":null,\"properties\":{\"desired\":null}}}");
	assert_ptr_equal(f->out.hub, &f->hubs[0]);
}

/* device-api.md 5.7, rule 5. */
static void a_payload_that_is_no_object_is_dropped(void **state)
{
	static const char *const payloads[] = {"[1]", "\"text\"", "7", "true"};
	struct fixture *f = *state;

	for (size_t i = 0; i < 4; i++) {
		answer(f, arena_printf(f->a, "{\"iotHubHostName\":\"hub1.example.test\",\"payload\":%s}", payloads[i]));
		assert_ptr_equal(f->out.hub, &f->hubs[0]);
		assert_true(slice_absent(f->out.payload) && f->out.payload_dropped);
	}
}

static void a_payload_that_no_answer_has_room_for_is_a_failure(void **state)
{
	struct fixture *f = *state;
	char *long_text = arena_alloc(f->a, CUSTOM_PAYLOAD_MAX + 1);

	memset(long_text, 'x', CUSTOM_PAYLOAD_MAX - 8);
	answer(f, arena_printf(f->a, "{\"iotHubHostName\":\"hub1.example.test\",\"payload\":{\"a\":\"%s\"}}", long_text));
	assert_int_equal(f->out.payload.n, CUSTOM_PAYLOAD_MAX);
	memset(long_text, 'x', CUSTOM_PAYLOAD_MAX - 7);
	answer(f, arena_printf(f->a, "{\"iotHubHostName\":\"hub1.example.test\",\"payload\":{\"a\":\"%s\"}}", long_text));
	assert_failed(f, UNUSABLE, "The webhook's payload has 49153 bytes; a device is told at most 49152.");
}

static void a_twin_of_another_shape_is_a_failure(void **state)
{
	static const char *const twins[] = {"[]", "\"{}\"", "{\"tags\":[]}", "{\"properties\":5}", "{\"properties\":{\"desired\":\"x\"}}"};
	struct fixture *f = *state;

	for (size_t i = 0; i < 5; i++) {
		answer(f, arena_printf(f->a, "{\"iotHubHostName\":\"hub1.example.test\",\"initialTwin\":%s}", twins[i]));
		assert_failed(f, UNUSABLE,
			      "The initialTwin of the webhook's answer is no object with objects tags and properties.desired.");
	}
}

static void a_hub_that_is_not_linked_is_a_failure(void **state)
{
	struct fixture *f = *state;

	answer(f, "{\"iotHubHostName\":\"hub9.example.test\"}");
	assert_failed(f, UNUSABLE, "The webhook names hub9.example.test, which is not linked to the service.");
	assert_string_equal(f->out.seen, "hub9.example.test");
}

static void a_hub_that_is_linked_but_not_allowed_is_a_failure(void **state)
{
	struct fixture *f = *state;

	answer(f, "{\"iotHubHostName\":\"hub3.example.test\"}");
	assert_failed(f, UNUSABLE, "The webhook names hub3.example.test, which is linked but not among the hubs for this enrollment.");
}

static void an_answer_without_a_hub_is_a_failure(void **state)
{
	static const char *const bodies[] = {"{}", "{\"iotHubHostName\":null}", "{\"iotHubHostName\":\"\"}",
					     "{\"iotHubHostName\":[\"hub1\"]}"};
	struct fixture *f = *state;

	for (size_t i = 0; i < 4; i++) {
		answer(f, bodies[i]);
		assert_failed(f, UNUSABLE, "The webhook's answer names no hub: it has no text iotHubHostName.");
	}
}

static void what_is_no_json_object_is_a_failure(void **state)
{
	struct fixture *f = *state;

	answer(f, "<html>");
	assert_failed(f, UNUSABLE, "The webhook's answer is not JSON: The JSON is malformed at line 1, column 1.");
	answer(f, "");
	assert_failed(f, UNUSABLE, "The webhook's answer is not JSON: There is no JSON in the body.");
	answer(f, "{\"iotHubHostName\":\"hub1.example.test\",\"iotHubHostName\":\"hub2.example.test\"}");
	assert_null(f->out.hub);
	answer(f, "\"hub1.example.test\"");
	assert_failed(f, UNUSABLE, "The webhook's answer is JSON, but not an object.");
}

/* device-api.md 18: the message that was seen at the original. */
static void a_status_that_is_not_2xx_is_told_in_the_words_of_the_original(void **state)
{
	struct fixture *f = *state;

	judge(f, &(struct custom_reply){.status = 400, .body = SLICE("{\"iotHubHostName\":\"hub1.example.test\"}")});
	assert_failed(f, "Custom allocation failed with status code: 400", "The webhook answered with status 400.");
}

static void a_redirect_is_not_followed_and_its_query_not_told(void **state)
{
	struct fixture *f = *state;

	judge(f, &(struct custom_reply){.status = 307, .location = "https://other.example.test/x?code=s3cret"});
	assert_failed(
		f, "Custom allocation failed with status code: 307",
		"The webhook redirects to https://other.example.test/x with status 307; a redirect is not followed, so name the address "
		"itself.");
	judge(f, &(struct custom_reply){.status = 301});
	assert_non_null(strstr(f->out.sentence, "redirects to nowhere"));
}

static void each_way_of_not_answering_has_its_words(void **state)
{
	static const struct {
		enum err e;
		const char *message, *sentence;
	} ways[] = {
		{ERR_TIMEOUT, SILENT, "The webhook is too slow: so it is."},
		{ERR_UNREACHABLE, SILENT, "The webhook could not be reached: so it is."},
		{ERR_CLOSED, SILENT, "The webhook ended the connection before it had answered: so it is."},
		{ERR_TOO_BIG, UNUSABLE, "The webhook's answer is longer than 98304 bytes, which are all that is read."},
		{ERR_IO, SILENT, "The webhook could not be asked: so it is."},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		judge(f, &(struct custom_reply){.e = ways[i].e, .why = "so it is"});
		assert_failed(f, ways[i].message, ways[i].sentence);
	}
}

/* What a webhook says may be long; what is repeated of it is not. */
static void long_names_are_cut(void **state)
{
	struct fixture *f = *state;
	char name[1001] = {0};

	memset(name, 'h', 1000);
	answer(f, arena_printf(f->a, "{\"iotHubHostName\":\"%s\"}", name));
	assert_int_equal(strlen(f->out.seen), 200);
}

static void without_memory_nothing_is_judged(void **state)
{
	struct fixture *f = *state;
	struct arena *small = arena_new(1024);
	const struct custom_reply reply = {.status = 200, .body = SLICE("{\"iotHubHostName\":\"hub1.example.test\"}")};

	while (arena_alloc(small, 16))
		;
	assert_int_equal(custom_judge(&reply, &f->ask, &f->asked, small, &f->out), ERR_NO_MEMORY);
	arena_free(&small);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_hub_that_is_named_gets_the_device),
		TEST(case_does_not_count),
		TEST(any_2xx_will_do),
		TEST(twin_and_payload_go_on_as_they_came),
		TEST(null_is_nothing),
		TEST(a_payload_that_is_no_object_is_dropped),
		TEST(a_payload_that_no_answer_has_room_for_is_a_failure),
		TEST(a_twin_of_another_shape_is_a_failure),
		TEST(a_hub_that_is_not_linked_is_a_failure),
		TEST(a_hub_that_is_linked_but_not_allowed_is_a_failure),
		TEST(an_answer_without_a_hub_is_a_failure),
		TEST(what_is_no_json_object_is_a_failure),
		TEST(a_status_that_is_not_2xx_is_told_in_the_words_of_the_original),
		TEST(a_redirect_is_not_followed_and_its_query_not_told),
		TEST(each_way_of_not_answering_has_its_words),
		TEST(long_names_are_cut),
		TEST(without_memory_nothing_is_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
