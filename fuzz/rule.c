/*
 * rule.c: a rule and what a device said, separated by a NUL: whatever they are, the rule ends, within its limits, and what it gives is one
 * of the hubs.
 */
#include "fuzz.h"

#include "allocate/custom.h"
#include "allocate/rule.h"

#define ROOM (8 << 20)

static void need_good(const struct choice *c)
{
	need(c->by_rule && c->custom && c->sentence && c->rule->memory <= RULE_MEMORY_MAX && c->rule->steps <= RULE_STEPS_MAX);
	if (c->hub == NULL) {
		need(c->error_code == CUSTOM_FAILED && c->custom->message && c->custom->seen);
		return;
	}
	need(c->hub == c->candidates[0] || c->hub == c->candidates[1]);
	need(c->error_code == 0 && c->custom->payload.n <= CUSTOM_PAYLOAD_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"hub-eu.berth.test", "hub-us.berth.test", "hub-far.berth.test"};
	struct arena *a = arena_new(ROOM);
	struct slice text = slice_over(data, size);
	struct linked_hub hubs[3];
	struct enrollment e;
	struct slice allowed[2];
	struct allocation ask;
	struct choice first, again;
	struct rule_outcome told;
	const char *end = size ? memchr(data, 0, size) : NULL;

	need(a != NULL);
	noun_clear(&noun_individual, &e);
	for (int i = 0; i < 3; i++) {
		noun_clear(&noun_linked_hub, &hubs[i]);
		hubs[i].id = hubs[i].name = slice_str(names[i]);
		hubs[i].location = SLICE("westeurope");
	}
	allowed[0] = hubs[0].name;
	allowed[1] = hubs[1].name;
	e.name = SLICE("fuzz");
	e.allocation_policy = SLICE("custom");
	e.iot_hubs = (struct slices){.at = allowed, .n = 2, .given = true};
	e.rule = end ? slice_to(text, (size_t)(end - text.p)) : text;
	ask = (struct allocation){.registration_id = SLICE("dev-1"),
				  .hubs = hubs,
				  .hub_count = 3,
				  .enrollment = &e,
				  .payload = end ? slice_from(text, (size_t)(end - text.p) + 1) : NO_SLICE};
	need(rule_check(e.rule, a, &told) == OK);
	if (e.rule.n > 0 && allocate_choose(&ask, a, &first) == OK) {
		need_good(&first);
		/* The same again, but for what was ended by the clock. */
		need(allocate_choose(&ask, a, &again) == OK);
		need(first.hub == again.hub || strstr(first.sentence, "processor") || strstr(again.sentence, "processor"));
	}
	arena_free(&a);
	return 0;
}
