/*
 * rule.h: a custom allocation without a webhook: a rule that the operator wrote says which hub a device belongs to.
 *
 * A rule is Lua 5.4: an expression, or statements that end with a return. It sees what the device said and the hubs to choose from, and
 * nothing else: no files, no clock, no other device; whatever it does ends with it. So the same device always gets the same answer,
 * on every node. It cannot run away either: its steps, its memory and what it copies have limits, and meeting one ends the rule, not the
 * server. docs/rules.md has it for who writes one; docs/decisions/0013-rules.md has why it is so.
 */
#ifndef BERTH_ALLOCATE_RULE_H
#define BERTH_ALLOCATE_RULE_H

#include "allocate/allocate.h"

#define RULE_TEXT_MAX      8192      /* bytes */
#define RULE_STEPS_MAX     20000     /* instructions of Lua's machine */
#define RULE_MEMORY_MAX    (2 << 20) /* bytes held at once, what the device said included */
#define RULE_ALLOCATED_MAX (8 << 20) /* bytes taken in all: copying long texts in a loop is bounded, too */
#define RULE_MS_MAX        50        /* of processor time: for what is slow within all other limits */

struct rule_outcome {
	struct slice answer; /* in the form of a webhook's (service-api.md 8), in the arena; absent: it gave none */
	const char *fault;   /* why: a sentence for the operator */
	int line;            /* of the rule, where it went wrong; 0: nowhere in particular */
	bool declined;       /* it is no mistake: the rule says that there is no hub for the device */
	int steps;           /* counted by the hundred */
	size_t memory;       /* bytes at most at once */
};

/* Whether it is a rule at all: `fault` is NULL, or says what is wrong. Nothing of it is run. ERR_NO_MEMORY only. */
MUST_USE enum err rule_check(struct slice text, struct arena *, struct rule_outcome *out);

/* The rule of the enrollment, for this device, among the candidates. ERR_NO_MEMORY only. */
MUST_USE enum err rule_run(const struct allocation *, const struct linked_hub *const *candidates, size_t count, struct arena *,
			   struct rule_outcome *out);

#endif
