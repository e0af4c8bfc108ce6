/*
 * rule_own.h: what the files of a rule share. All functions but rule_here run in protected mode: they may raise errors of Lua's.
 */
#ifndef BERTH_ALLOCATE_RULE_OWN_H
#define BERTH_ALLOCATE_RULE_OWN_H

#include <lua.h>

#include "allocate/rule.h"
#include "codec/json.h"

/* What a rule may look at while it runs, and what it has used: one for each run. */
struct rule_scene {
	const struct allocation *a;
	const struct linked_hub *const *candidates;
	size_t count;
	const json_t *payload, *twin; /* NULL: none */
	struct arena *arena;
	struct rule_outcome *out;
	struct buf answer;

	size_t held, taken; /* bytes: now, and in all */
	int64_t began_ns;
	bool too_big, too_long, too_slow; /* which limit it met */
};

struct rule_scene *rule_here(lua_State *);

/* Raises an error when the rule has had its time: for what is long without a step of Lua's. */
void rule_look_at_clock(lua_State *);

/* JSON as a value on the stack; an object's null members are left out, an array's are false. */
void rule_push_json(lua_State *, const json_t *);

/* A list of the candidates on the stack. */
void rule_push_hubs(lua_State *, const struct rule_scene *);

/* The words of a rule, into the table on the top of the stack. */
void rule_add_words(lua_State *);

/* What the rule returned, the values from `first` on, as an answer in the scene's buffer. */
void rule_write_answer(lua_State *, struct rule_scene *, int first);

/* The candidate that a text names, by its host name or by the first label of it. NULL: none. */
const struct linked_hub *rule_find_hub(const struct rule_scene *, struct slice name);

#endif
