/*
 * rule.c: a rule is read and run, within its limits.
 *
 * Each run has a machine of its own, made for it and thrown away after it: nothing can be kept from one device to the next. Of Lua's
 * own library nothing is opened; all that a rule can call is in rule_words.c.
 */
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "allocate/custom.h"
#include "allocate/rule_own.h"

#define LOOK_EVERY 100 /* steps: then the limits are looked at */

static int64_t processor_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* --- limits --- */

struct rule_scene *rule_here(lua_State *L)
{
	return *(struct rule_scene **)lua_getextraspace(L);
}

/* A lua_Alloc. Giving back always works; where it cannot take, the rule ends. */
static void *take(void *cookie, void *memory, size_t from, size_t to)
{
	struct rule_scene *s = cookie;
	void *moved;

	from = memory ? from : 0;
	if (to > from && (s->held - from + to > RULE_MEMORY_MAX || s->taken + to > RULE_ALLOCATED_MAX)) {
		s->too_big = true;
		return NULL;
	}
	if (to == 0) {
		free(memory);
		s->held -= from;
		return NULL;
	}
	/* To make less of it must not fail, as Lua sees it. */
	if ((moved = realloc(memory, to)) == NULL && to > from)
		return NULL;
	if (moved == NULL)
		return memory;
	s->held = s->held - from + to;
	s->taken += to > from ? to : 0;
	if (s->held > s->out->memory)
		s->out->memory = s->held;
	return moved;
}

void rule_look_at_clock(lua_State *L)
{
	struct rule_scene *s = rule_here(L);

	s->too_slow = processor_ns() - s->began_ns > RULE_MS_MAX * (int64_t)1000000;
	if (s->too_slow)
		luaL_error(L, "too slow");
}

static void look(lua_State *L, lua_Debug *unused)
{
	struct rule_scene *s = rule_here(L);

	(void)unused;
	s->out->steps += LOOK_EVERY;
	s->too_long = s->out->steps >= RULE_STEPS_MAX;
	if (s->too_long)
		luaL_error(L, "too long");
	rule_look_at_clock(L);
}

/* --- what is wrong with it --- */

static bool has(struct slice text, const char *word)
{
	return memmem(text.p, text.n, word, strlen(word)) != NULL;
}

/* For who comes from other languages. */
static const char *hint(struct slice text)
{
	if (has(text, "?"))
		return " Lua has no ?: but 'condition and this or that'.";
	if (has(text, "!="))
		return " Lua writes ~= for 'is not'.";
	if (has(text, "&&") || has(text, "||"))
		return " Lua writes 'and' and 'or'.";
	return "";
}

/* Lua's messages begin with "rule:LINE: ". */
static void explain(lua_State *L, struct rule_scene *s, int status, struct slice text)
{
	const char *message = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "it failed without a word";
	struct rule_outcome *out = s->out;
	int at = 0;

	if (sscanf(message, "rule:%d: %n", &out->line, &at) == 1 && at > 0)
		message += at;
	if (s->too_long)
		out->fault = arena_printf(s->arena, "The rule runs too long: it may take %d steps, and was not done.", RULE_STEPS_MAX);
	else if (s->too_slow)
		out->fault = arena_printf(s->arena, "The rule takes more than %d ms of the processor.", RULE_MS_MAX);
	else if (s->too_big)
		out->fault = arena_printf(s->arena, "The rule needs too much memory: it may hold %d bytes, and take %d in all.",
					  RULE_MEMORY_MAX, RULE_ALLOCATED_MAX);
	else if (status == LUA_ERRSYNTAX)
		out->fault = arena_printf(s->arena, "The rule cannot be read, line %d: %s.%s", out->line, message, hint(text));
	else if (out->line)
		out->fault = arena_printf(s->arena, "The rule failed in line %d: %s.", out->line, message);
	else
		out->fault = arena_printf(s->arena, "The rule failed: %s.", message);
}

/* --- reading --- */

/* What is no expression is statements, which say `return` somewhere. Where both fail, the error of the one that was meant counts. */
static int read_text(lua_State *L, struct rule_scene *s, struct slice text)
{
	struct slice expression = arena_format(s->arena, "return %.*s", SLICE_ARG(text));
	int status = luaL_loadbufferx(L, expression.p, expression.n, "=rule", "t");

	if (status != LUA_ERRSYNTAX)
		return status;
	status = luaL_loadbufferx(L, text.p, text.n, "=rule", "t");
	if (status == LUA_ERRSYNTAX && !has(text, "return"))
		lua_pop(L, 1);
	else
		lua_remove(L, -2);
	return status;
}

static bool is_blank(struct slice text)
{
	for (size_t i = 0; i < text.n; i++)
		if (strchr(" \t\r\n", text.p[i]) == NULL)
			return false;
	return true;
}

/* The rule is on the stack then; else out->fault says what is wrong with it. */
static bool load(lua_State *L, struct rule_scene *s, struct slice text)
{
	int status;

	if (text.n > RULE_TEXT_MAX) {
		s->out->fault = arena_printf(s->arena, "The rule has %zu bytes; %d are the most.", text.n, RULE_TEXT_MAX);
		return false;
	}
	if (is_blank(text)) {
		s->out->fault = "The rule is empty.";
		return false;
	}
	if (memchr(text.p, 0, text.n)) {
		s->out->fault = "The rule has a NUL in it.";
		return false;
	}
	if ((status = read_text(L, s, text)) == LUA_OK)
		return true;
	explain(L, s, status, text);
	return false;
}

static lua_State *machine(struct rule_scene *s)
{
	lua_State *L = lua_newstate(take, s);

	if (L)
		*(struct rule_scene **)lua_getextraspace(L) = s;
	return L;
}

enum err rule_check(struct slice text, struct arena *arena, struct rule_outcome *out)
{
	struct rule_scene s = {.arena = arena, .out = out};
	lua_State *L;

	*out = (struct rule_outcome){.answer = NO_SLICE};
	if ((L = machine(&s)) == NULL)
		return ERR_NO_MEMORY;
	load(L, &s, text);
	lua_close(L);
	return arena_failed(arena) ? ERR_NO_MEMORY : OK;
}

/* --- running --- */

static void push_json_or_empty(lua_State *L, const json_t *json)
{
	if (json)
		rule_push_json(L, json);
	else
		lua_newtable(L);
}

static void set_text(lua_State *L, const char *name, struct slice value)
{
	if (value.n == 0)
		return;
	lua_pushlstring(L, value.p, value.n);
	lua_setfield(L, -2, name);
}

/* The names that the rule knows, as a table on the stack. */
static void push_names(lua_State *L, const struct rule_scene *s)
{
	lua_createtable(L, 0, 32);
	push_json_or_empty(L, s->payload);
	lua_setfield(L, -2, "payload");
	push_json_or_empty(L, s->twin);
	lua_setfield(L, -2, "twin");
	lua_createtable(L, 0, 3);
	set_text(L, "id", s->a->registration_id);
	set_text(L, "enrollment", s->a->enrollment->name);
	set_text(L, "hub", s->a->current_hub);
	lua_setfield(L, -2, "device");
	rule_push_hubs(L, s);
	lua_setfield(L, -2, "hubs");
	rule_add_words(L);
}

/* In protected mode, with the rule as its argument. Without a name in it a rule has no place for its names. */
static int run(lua_State *L)
{
	push_names(L, rule_here(L));
	if (lua_setupvalue(L, 1, 1) == NULL)
		lua_pop(L, 1);
	lua_call(L, 0, LUA_MULTRET);
	rule_write_answer(L, rule_here(L), 1);
	return 0;
}

static void run_on(lua_State *L, struct rule_scene *s, struct slice text)
{
	int status;

	if (!load(L, s, text))
		return;
	lua_pushcfunction(L, run);
	lua_insert(L, 1);
	s->began_ns = processor_ns();
	lua_sethook(L, look, LUA_MASKCOUNT, LOOK_EVERY);
	status = lua_pcall(L, 1, 0, 0);
	if (status != LUA_OK)
		explain(L, s, status, text);
	else if (buf_failed(&s->answer))
		s->out->fault = arena_printf(s->arena, "What the rule returns has more than %d bytes.", CUSTOM_ANSWER_MAX);
	else
		s->out->answer = arena_copy(s->arena, buf_slice(&s->answer));
}

static json_t *json_of(struct slice text, struct arena *arena)
{
	json_t *json = NULL;

	return text.n > 0 && json_read(text, arena, &json, NULL) == OK ? json : NULL;
}

enum err rule_run(const struct allocation *a, const struct linked_hub *const *candidates, size_t count, struct arena *arena,
		  struct rule_outcome *out)
{
	json_t *payload = json_of(a->payload, arena), *twin = json_of(a->enrollment->initial_twin, arena);
	struct rule_scene s = {
		.a = a, .candidates = candidates, .count = count, .payload = payload, .twin = twin, .arena = arena, .out = out};
	lua_State *L;

	*out = (struct rule_outcome){.answer = NO_SLICE};
	buf_init(&s.answer, CUSTOM_ANSWER_MAX);
	if ((L = machine(&s)) != NULL) {
		run_on(L, &s, a->enrollment->rule);
		lua_close(L);
	}
	buf_fini(&s.answer);
	json_decref(payload);
	json_decref(twin);
	return L == NULL || arena_failed(arena) ? ERR_NO_MEMORY : OK;
}
