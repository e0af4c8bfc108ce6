/* Rules: what they see and may say, and that none of them can run away with the server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "allocate/custom.h"
#include "allocate/rule.h"

#define ROOM (1 << 22)

struct fixture {
	struct arena *a;
	struct linked_hub hubs[3];
	struct enrollment e;
	struct allocation ask;
	struct choice choice;
};

/* hub-far is linked and not allowed. */
static int set_up(void **state)
{
	static const char *const names[] = {"hub-eu.berth.test", "hub-us.berth.test", "hub-far.berth.test"};
	static const char *const places[] = {"West Europe", "eastus2", "japaneast"};
	static struct slice allowed[2];
	static struct fixture f;

	f = (struct fixture){.a = arena_new(ROOM)};
	noun_clear(&noun_individual, &f.e);
	for (int i = 0; i < 3; i++) {
		noun_clear(&noun_linked_hub, &f.hubs[i]);
		f.hubs[i].id = f.hubs[i].name = slice_str(names[i]);
		f.hubs[i].location = slice_str(places[i]);
	}
	allowed[0] = f.hubs[0].name;
	allowed[1] = f.hubs[1].name;
	f.e.name = SLICE("presses");
	f.e.allocation_policy = SLICE("custom");
	f.e.iot_hubs = (struct slices){.at = allowed, .n = 2, .given = true};
	f.ask = (struct allocation){.registration_id = SLICE("press-07"), .hubs = f.hubs, .hub_count = 3, .enrollment = &f.e};
	*state = &f;
	return f.a == NULL;
}

static int tear_down(void **state)
{
	arena_free(&((struct fixture *)*state)->a);
	return 0;
}

static const struct choice *decide(struct fixture *f, const char *rule)
{
	f->e.rule = slice_str(rule);
	assert_int_equal(allocate_choose(&f->ask, f->a, &f->choice), OK);
	assert_true(f->choice.by_rule);
	assert_false(f->choice.elsewhere);
	assert_non_null(f->choice.custom);
	assert_non_null(f->choice.sentence);
	return &f->choice;
}

static void assert_hub(struct fixture *f, const char *rule, const char *hub)
{
	const struct choice *c = decide(f, rule);

	if (c->hub == NULL)
		print_error("%s: %s\n", rule, c->sentence);
	assert_non_null(c->hub);
	assert_int_equal(c->error_code, 0);
	assert_string_equal(c->hub->name.p, hub);
}

static void assert_failed(struct fixture *f, const char *rule, const char *words)
{
	const struct choice *c = decide(f, rule);

	assert_null(c->hub);
	assert_int_equal(c->error_code, 400207);
	assert_non_null(c->custom->message);
	assert_non_null(c->custom->seen);
	if (strstr(c->sentence, words) == NULL)
		print_error("%s: %s\n", rule, c->sentence);
	assert_non_null(strstr(c->sentence, words));
}

#define EU "hub-eu.berth.test"
#define US "hub-us.berth.test"

/* --- what it sees --- */

static void the_payload_decides(void **state)
{
	static const char rule[] = "payload.model == 'P9' and 'hub-eu' or 'hub-us'";
	struct fixture *f = *state;

	assert_hub(f, rule, US);
	f->ask.payload = SLICE("{\"model\":\"P9\"}");
	assert_hub(f, rule, EU);
	f->ask.payload = SLICE("{\"model\":null,\"list\":[1,null,2.5,{\"deep\":true}],\"big\":9007199254740993}");
	assert_hub(f, rule, US);
	assert_hub(f, "payload.model == nil and payload.list[2] == false and payload.list[3] == 2.5 and #payload.list == 4 and 'hub-eu'", EU);
	assert_hub(f, "payload.list[4].deep and payload.big == 9007199254740993 and 'hub-eu'", EU);
	f->ask.payload = SLICE("\"just a text\"");
	assert_hub(f, "payload == 'just a text' and 'hub-eu'", EU);
}

static void the_device_the_twin_and_the_hubs_are_there(void **state)
{
	struct fixture *f = *state;

	f->ask.current_hub = SLICE(US);
	f->e.initial_twin = SLICE("{\"tags\":{\"line\":4}}");
	assert_hub(f, "device.id == 'press-07' and device.enrollment == 'presses' and 'hub-eu'", EU);
	assert_hub(f, "device.hub", US);
	assert_hub(f, "twin.tags.line == 4 and hubs[1]", EU);
	assert_hub(f, "#hubs == 2 and hubs[2].location == 'eastus2' and hubs[2].weight == 1 and hubs[2]", US);
}

static void statements_end_with_a_return(void **state)
{
	struct fixture *f = *state;

	assert_hub(f, "-- a comment\nlocal n = 0\nfor i, h in ipairs(hubs) do n = n + i end\nif n == 3 then return 'hub-us' end\nreturn nil", US);
	assert_hub(f, "local function f(n) return n == 0 and 'hub-eu' or f(n - 1) end return f(50)", EU);
	assert_hub(f, "goto over; ::back:: do return 'hub-us' end ::over:: goto back", US);
}

static void the_words_help(void **state)
{
	struct fixture *f = *state;

	assert_hub(f, "starts(device.id, 'press') and ends(device.id, '07') and contains(device.id, 'ss-') and 'hub-eu'", EU);
	assert_hub(f, "match(device.id, 'pr*s-?7') and not match(device.id, 'pr*s-?8') and not match(device.id, 'press') and 'hub-eu'", EU);
	assert_hub(f, "lower('PRESS') == 'press' and tostring(12) == '12' and tonumber('7') == 7 and tonumber('x') == nil and type(1) == "
		      "'number' and 'hub-eu'",
		   EU);
	assert_hub(f, "hub('hub-us') or 'hub-eu'", US);
	assert_hub(f, "hub('hub-far') or 'hub-eu'", EU);
	assert_hub(f, "hashed(located('westeurope'))", EU);
	assert_hub(f, "hashed(located('moon')) or 'hub-us'", US);
	assert_hub(f, "hashed({'hub-us', hubs[2], 'HUB-US.berth.test'})", US);
	assert_hub(f, "nearest(hubs) == nil and 'hub-eu' or nearest({'hub-us'})", US);
	assert_hub(f, "bucket(1) == 1 and bucket(100) >= 1 and bucket(100) <= 100 and 'hub-eu'", EU);
}

/* What hashed() says is what the policy of that name would have said. */
static void hashed_is_the_policy_of_that_name(void **state)
{
	struct fixture *f = *state;
	size_t differs = 0;

	for (int i = 0; i < 200; i++) {
		const struct linked_hub *by_rule, *before = f->choice.hub;

		f->ask.registration_id = arena_format(f->a, "press-%d", i);
		f->e.allocation_policy = SLICE("custom");
		by_rule = decide(f, "hashed(hubs)")->hub;
		assert_non_null(by_rule);
		f->e.allocation_policy = SLICE("hashed");
		assert_int_equal(allocate_choose(&f->ask, f->a, &f->choice), OK);
		assert_ptr_equal(by_rule, f->choice.hub);
		differs += before && before != by_rule;
	}
	assert_true(differs > 50);
}

/* It may be kept in the enrollment while another policy decides. */
static void under_another_policy_a_rule_is_not_run(void **state)
{
	struct fixture *f = *state;

	f->e.rule = SLICE("nil");
	f->e.allocation_policy = SLICE("hashed");
	assert_false(allocate_has_rule(&f->ask));
	assert_false(allocate_measures(&f->ask));
	assert_int_equal(allocate_choose(&f->ask, f->a, &f->choice), OK);
	assert_non_null(f->choice.hub);
	assert_false(f->choice.by_rule);
	assert_null(f->choice.rule);
}

static void round_trips_make_the_nearest(void **state)
{
	static const int64_t us[] = {90000, 20000, 1000};
	struct fixture *f = *state;

	f->ask.round_trips_us = us;
	f->e.rule = SLICE("nearest(hubs)");
	assert_true(allocate_measures(&f->ask));
	assert_hub(f, "nearest(hubs)", US);
}

/* --- what it may say --- */

static void a_twin_and_a_payload_come_along(void **state)
{
	struct fixture *f = *state;

	assert_hub(f,
		   "{hub = 'hub-eu', twin = {tags = {z = 1, a = {1, 2.5, true}, e = {}}, properties = {desired = {m = payload.x}}}, payload = "
		   "{hello = 'w\"orld'}}",
		   EU);
	assert_string_equal(f->choice.custom->initial_twin.p,
			    "{\"properties\":{\"desired\":{}},\"tags\":{\"a\":[1,2.5,true],\"e\":{},\"z\":1}}");
	assert_string_equal(f->choice.custom->payload.p, "{\"hello\":\"w\\\"orld\"}");
	assert_hub(f, "{hub = hubs[2]}", US);
	assert_true(slice_absent(f->choice.custom->payload));
}

static void what_is_no_hub_is_told(void **state)
{
	struct fixture *f = *state;

	assert_failed(f, "nil", "The rule failed");
	assert_failed(f, "return nil, 'no hub for model P9'", "no hub for model P9");
	assert_true(f->choice.rule->declined);
	assert_failed(f, "do return end", "it returns nothing");
	assert_false(f->choice.rule->declined);
	assert_failed(f, "7", "returns a number where a hub is named");
	assert_failed(f, "true", "returns a boolean");
	assert_failed(f, "{}", "returns a table");
	assert_failed(f, "hashed", "returns a function");
	assert_failed(f, "'hub-far'", "The rule names hub-far");
	assert_failed(f, "'hub-far.berth.test'", "linked but not among the hubs");
	assert_failed(f, "'nowhere'", "not linked");
	assert_failed(f, "hashed({'hub-far'})", "none of the hubs to choose from");
	assert_failed(f, "{hub = 'hub-eu', twin = 7}", "The initialTwin of the rule's answer");
	assert_failed(f, "{hub = 'hub-eu', payload = {f = hashed}}", "a table with a function in it");
	assert_failed(f, "{hub = 'hub-eu', payload = {x = 0/0}}", "not finite");
	assert_failed(f, "{hub = 'hub-eu', payload = {[1.5] = 1}}", "keys are neither");
	assert_failed(f, "{hub = 'hub-eu', payload = {x = '\\xff'}}", "no UTF-8");
	assert_failed(f, "local t = {} t.t = t return {hub = 'hub-eu', payload = t}", "rule");
}

static void what_cannot_be_read_is_told_with_its_line(void **state)
{
	struct fixture *f = *state;

	assert_failed(f, "payload.model == \"P9\" ? \"hub-eu\" : hashed(hubs)", "Lua has no ?:");
	assert_failed(f, "payload.model != 'x' and 'hub-eu'", "~=");
	assert_failed(f, "payload.a && payload.b", "'and' and 'or'");
	assert_failed(f, "local x = 1\nif x then\nreturn 'hub-eu'", "line 3");
	assert_int_equal(f->choice.rule->line, 3);
	assert_failed(f, "payload.a.b", "line 1");
	assert_failed(f, "  \n", "empty");
	assert_failed(f, "\x1bLuaT", "rule");
}

static void reading_alone_runs_nothing(void **state)
{
	struct fixture *f = *state;
	struct rule_outcome told;
	char *longest = malloc(RULE_TEXT_MAX + 2);

	assert_int_equal(rule_check(SLICE("while true do end"), f->a, &told), OK);
	assert_null(told.fault);
	assert_int_equal(rule_check(SLICE("return ("), f->a, &told), OK);
	assert_non_null(told.fault);
	assert_int_equal(rule_check((struct slice){"x\0y", 3}, f->a, &told), OK);
	assert_non_null(strstr(told.fault, "NUL"));
	memset(longest, ' ', RULE_TEXT_MAX + 1);
	memcpy(longest, "hubs[1]", 7);
	assert_int_equal(rule_check((struct slice){longest, RULE_TEXT_MAX}, f->a, &told), OK);
	assert_null(told.fault);
	assert_int_equal(rule_check((struct slice){longest, RULE_TEXT_MAX + 1}, f->a, &told), OK);
	assert_non_null(strstr(told.fault, "8192"));
	free(longest);
}

/* --- what it must not do --- */

static void nothing_else_can_be_reached(void **state)
{
	static const char *const names[] = {"io",	"os",	   "package",  "debug",	       "load",	       "loadstring", "dofile", "loadfile",
					    "require",	"string",  "table",    "math",	       "coroutine",    "utf8",	     "pairs",  "next",
					    "pcall",	"error",   "rawget",   "rawset",       "setmetatable", "getmetatable", "select", "print",
					    "xpcall",	"assert",  "_G",       "collectgarbage", "unpack",     "warn"};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_hub(f, arena_printf(f->a, "%s == nil and 'hub-eu'", names[i]), EU);
	assert_failed(f, "('x'):rep(9)", "rule");
	assert_failed(f, "tostring(hubs)", "it has no text");
	assert_failed(f, "'x' .. {}", "concatenate");
}

static void nothing_stays_for_the_next_device(void **state)
{
	struct fixture *f = *state;

	assert_hub(f, "seen = 'hub-us' hashed = nil return seen", US);
	assert_hub(f, "seen or hashed and 'hub-eu'", EU);
	assert_hub(f, "hubs[1].name = 'hub-us' return hubs[1]", US);
	assert_hub(f, "hubs[1]", EU);
}

static void what_runs_for_ever_is_ended(void **state)
{
	static const char *const loops[] = {"while true do end",
					    "::a:: goto a",
					    "for i = 1, 1e18 do end return 'hub-eu'",
					    "local function f() return f() end return f()",
					    "local i = 0 repeat i = i + 1 until false"};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(loops) / sizeof(loops[0]); i++) {
		assert_failed(f, loops[i], "runs too long");
		assert_int_equal(f->choice.rule->steps, RULE_STEPS_MAX);
	}
}

static void what_eats_memory_is_ended(void **state)
{
	static const char *const eaters[] = {
		"local s = 'x' while true do s = s .. s end",
		"local t = {} while true do t = {t, t, t, t, t, t, t, t, t, t, t, t, t, t, t, t, t, t} end",
		"local s = 'x' for i = 1, 18 do s = s .. s end while true do local u = s .. 'y' end",
		"local t = {} for i = 1, 1e9 do t[i * 1000003] = {} end",
		"local function f(n) return 1 + f(n + 1) end return f(1)",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(eaters) / sizeof(eaters[0]); i++) {
		const struct choice *c = decide(f, eaters[i]);

		assert_null(c->hub);
		if (!strstr(c->sentence, "memory") && !strstr(c->sentence, "too long") && !strstr(c->sentence, "overflow"))
			print_error("%s: %s\n", eaters[i], c->sentence);
		assert_true(strstr(c->sentence, "memory") || strstr(c->sentence, "too long") || strstr(c->sentence, "overflow"));
		assert_true(c->rule->memory <= RULE_MEMORY_MAX);
	}
}

/* Long work without a step of Lua's: comparing, and writing the same table again and again. */
static void what_is_slow_within_the_limits_is_ended(void **state)
{
	struct fixture *f = *state;
	const struct choice *c;

	c = decide(f, "local s = 'x' for i = 1, 19 do s = s .. s end local t, u = s .. 'a', s .. 'b' local n = 0 "
		      "for i = 1, 1e9 do if t < u then n = n + 1 end if t == u then n = n - 1 end end return 'hub-eu'");
	assert_null(c->hub);
	c = decide(f, "local e = {} for i = 1, 2000 do e[i] = i end for i = 1, 2000 do e[i] = nil end local t = {} "
		      "for i = 1, 3000 do t[i] = e end return {hub = 'hub-eu', payload = {t = t}}");
	assert_non_null(c->sentence);
	c = decide(f, "local t = {} for i = 1, 60 do t = {t, t} end return {hub = 'hub-eu', payload = {t = t}}");
	assert_null(c->hub);
}

static void a_deep_text_is_no_danger_to_its_reader(void **state)
{
	struct fixture *f = *state;
	char *text = malloc(RULE_TEXT_MAX + 1);

	for (size_t kind = 0; kind < 4; kind++) {
		memset(text, "({-~"[kind], RULE_TEXT_MAX);
		text[RULE_TEXT_MAX] = 0;
		assert_failed(f, text, "rule");
	}
	free(text);
}

static void a_payload_that_is_too_big_for_a_rule_is_told(void **state)
{
	struct fixture *f = *state;
	struct buf payload;

	buf_init(&payload, 1 << 20);
	buf_add_char(&payload, '[');
	for (int i = 0; i < 32000; i++)
		buf_add_str(&payload, "[],");
	buf_add_str(&payload, "0]");
	f->ask.payload = buf_slice(&payload);
	assert_failed(f, "'hub-eu'", "memory");
	buf_fini(&payload);
}

#define SCENE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(the_payload_decides),
		SCENE(the_device_the_twin_and_the_hubs_are_there),
		SCENE(statements_end_with_a_return),
		SCENE(the_words_help),
		SCENE(hashed_is_the_policy_of_that_name),
		SCENE(under_another_policy_a_rule_is_not_run),
		SCENE(round_trips_make_the_nearest),
		SCENE(a_twin_and_a_payload_come_along),
		SCENE(what_is_no_hub_is_told),
		SCENE(what_cannot_be_read_is_told_with_its_line),
		SCENE(reading_alone_runs_nothing),
		SCENE(nothing_else_can_be_reached),
		SCENE(nothing_stays_for_the_next_device),
		SCENE(what_runs_for_ever_is_ended),
		SCENE(what_eats_memory_is_ended),
		SCENE(what_is_slow_within_the_limits_is_ended),
		SCENE(a_deep_text_is_no_danger_to_its_reader),
		SCENE(a_payload_that_is_too_big_for_a_rule_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
