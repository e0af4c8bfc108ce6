/*
 * rule_value.c: what goes into a rule and what comes out of it: JSON and Lua's values.
 */
#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>

#include "allocate/rule_own.h"
#include "base/utf8.h"

#define STACK_FOR_ONE 6 /* slots that one level of nesting takes */

/* --- in --- */

static void push_members(lua_State *L, const json_t *json)
{
	const char *name;
	json_t *member;

	lua_createtable(L, 0, (int)json_object_size(json));
	json_object_foreach((json_t *)json, name, member) {
		if (json_is_null(member))
			continue;
		lua_pushstring(L, name);
		rule_push_json(L, member);
		lua_rawset(L, -3);
	}
}

static void push_elements(lua_State *L, const json_t *json)
{
	const json_t *element;
	size_t i;

	lua_createtable(L, (int)json_array_size(json), 0);
	json_array_foreach(json, i, element) {
		rule_push_json(L, element);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
}

/* As deep as codec/json.h lets JSON be. */
void rule_push_json(lua_State *L, const json_t *json)
{
	luaL_checkstack(L, STACK_FOR_ONE, "JSON is nested too deep");
	switch (json_typeof(json)) {
	case JSON_OBJECT: push_members(L, json); break;
	case JSON_ARRAY: push_elements(L, json); break;
	case JSON_STRING: lua_pushlstring(L, json_string_value(json), json_string_length(json)); break;
	case JSON_INTEGER: lua_pushinteger(L, json_integer_value(json)); break;
	case JSON_REAL: lua_pushnumber(L, json_real_value(json)); break;
	case JSON_TRUE: lua_pushboolean(L, true); break;
	case JSON_FALSE:
	case JSON_NULL: lua_pushboolean(L, false); break;
	}
}

static void set_text(lua_State *L, const char *name, struct slice value)
{
	lua_pushlstring(L, value.n ? value.p : "", value.n);
	lua_setfield(L, -2, name);
}

void rule_push_hubs(lua_State *L, const struct rule_scene *s)
{
	lua_createtable(L, (int)s->count, 0);
	for (size_t i = 0; i < s->count; i++) {
		lua_createtable(L, 0, 3);
		set_text(L, "name", s->candidates[i]->name);
		set_text(L, "location", s->candidates[i]->location);
		lua_pushinteger(L, allocate_weight(s->candidates[i]));
		lua_setfield(L, -2, "weight");
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
}

/* --- out --- */

static struct slice text_at(lua_State *L, int at)
{
	size_t n = 0;
	const char *p = lua_type(L, at) == LUA_TSTRING ? lua_tolstring(L, at, &n) : NULL;

	return p ? (struct slice){p, n} : NO_SLICE;
}

static void write_value(lua_State *L, int at, struct json_out *out, const char *name);

static void write_number(lua_State *L, int at, struct json_out *out, const char *name)
{
	if (lua_isinteger(L, at))
		json_int(out, name, lua_tointeger(L, at));
	else if (isfinite(lua_tonumber(L, at)))
		json_double(out, name, lua_tonumber(L, at));
	else
		luaL_error(L, "it returns a number that is not finite");
}

static void write_text(lua_State *L, int at, struct json_out *out, const char *name)
{
	if (!utf8_good(text_at(L, at)))
		luaL_error(L, "it returns a text that is no UTF-8");
	json_text(out, name, text_at(L, at));
}

static size_t keys_of(lua_State *L, int table)
{
	size_t n = 0;

	lua_pushnil(L);
	for (; lua_next(L, table); lua_pop(L, 1))
		n++;
	return n;
}

static void write_list(lua_State *L, int table, size_t n, struct json_out *out, const char *name)
{
	json_open(out, name, '[');
	for (size_t i = 1; i <= n && !buf_failed(out->to); i++) {
		lua_rawgeti(L, table, (lua_Integer)i);
		write_value(L, lua_gettop(L), out, NULL);
		lua_pop(L, 1);
	}
	json_close(out, ']');
}

static int by_text(const void *one, const void *other)
{
	return strcmp(*(const char *const *)one, *(const char *const *)other);
}

/* In order, so that the same table is the same JSON on every node. They lie in a userdatum, which is left on the stack. */
static const char **sorted_keys(lua_State *L, int table, size_t count)
{
	const char **keys = lua_newuserdatauv(L, (count + 1) * sizeof(*keys), 0);
	size_t n = 0;

	lua_pushnil(L);
	for (; lua_next(L, table); lua_pop(L, 1)) {
		struct slice key = text_at(L, -2);

		if (slice_absent(key) || memchr(key.p, 0, key.n) || !utf8_good(key))
			luaL_error(L, "it returns a table whose keys are neither texts nor 1, 2, 3");
		keys[n++] = key.p;
	}
	qsort(keys, n, sizeof(*keys), by_text);
	return keys;
}

static void write_members(lua_State *L, int table, size_t count, struct json_out *out, const char *name)
{
	const char **keys = sorted_keys(L, table, count);

	json_open(out, name, '{');
	for (size_t i = 0; i < count && !buf_failed(out->to); i++) {
		lua_getfield(L, table, keys[i]);
		write_value(L, lua_gettop(L), out, keys[i]);
		lua_pop(L, 1);
	}
	json_close(out, '}');
	lua_pop(L, 1);
}

/* A table within itself, and one that is there a thousand times, end with the buffer or with its depth. */
static void write_value(lua_State *L, int at, struct json_out *out, const char *name)
{
	size_t keys;

	luaL_checkstack(L, STACK_FOR_ONE, "it returns a table that is nested too deep");
	switch (lua_type(L, at)) {
	case LUA_TBOOLEAN: json_bool(out, name, lua_toboolean(L, at)); break;
	case LUA_TNUMBER: write_number(L, at, out, name); break;
	case LUA_TSTRING: write_text(L, at, out, name); break;
	case LUA_TTABLE:
		rule_look_at_clock(L);
		keys = keys_of(L, at);
		if (keys > 0 && lua_rawlen(L, at) == keys)
			write_list(L, at, keys, out, name);
		else
			write_members(L, at, keys, out, name);
		break;
	default: luaL_error(L, "it returns a table with a %s in it", lua_typename(L, lua_type(L, at)));
	}
}

/* "press" for "press.berth.test", where no other candidate begins so. */
const struct linked_hub *rule_find_hub(const struct rule_scene *s, struct slice name)
{
	const struct linked_hub *found = NULL;

	for (size_t i = 0; i < s->count; i++) {
		const struct linked_hub *hub = s->candidates[i];

		if (slice_eq_fold(hub->name, name))
			return hub;
		if (hub->name.n <= name.n || hub->name.p[name.n] != '.' || !slice_starts_fold(hub->name, name))
			continue;
		if (found)
			return NULL;
		found = hub;
	}
	return found;
}

/* A hub is named by its text, or it is one of `hubs`. */
static struct slice hub_at(lua_State *L, const struct rule_scene *s, int at)
{
	const struct linked_hub *hub;
	struct slice name;

	if (lua_type(L, at) == LUA_TTABLE)
		lua_getfield(L, at, "name");
	else
		lua_pushvalue(L, at);
	name = text_at(L, -1);
	if (name.n == 0 || !utf8_good(name))
		luaL_error(L, "it returns a %s where a hub is named", luaL_typename(L, at));
	hub = rule_find_hub(s, name);
	return hub ? hub->name : name; /* it stays on the stack, and so its text stays alive */
}

static void write_part(lua_State *L, int table, const char *from, const char *to, struct json_out *out)
{
	lua_getfield(L, table, from);
	if (!lua_isnil(L, -1))
		write_value(L, lua_gettop(L), out, to);
	lua_pop(L, 1);
}

static void refuse_nil(lua_State *L, int first)
{
	rule_here(L)->out->declined = lua_gettop(L) >= first;
	if (lua_type(L, first + 1) == LUA_TSTRING)
		luaL_error(L, "it gives no hub, and says: %s", lua_tostring(L, first + 1));
	luaL_error(L, lua_gettop(L) < first ? "it returns nothing" : "it returns nil, which is no hub");
}

void rule_write_answer(lua_State *L, struct rule_scene *s, int first)
{
	struct json_out out;
	bool whole = false;

	if (lua_isnoneornil(L, first))
		refuse_nil(L, first);
	if (lua_type(L, first) == LUA_TTABLE) {
		lua_getfield(L, first, "hub");
		whole = !lua_isnil(L, -1);
		lua_pop(L, 1);
	}
	json_out_init(&out, &s->answer);
	json_open(&out, NULL, '{');
	if (whole) {
		lua_getfield(L, first, "hub");
		json_text(&out, "iotHubHostName", hub_at(L, s, lua_gettop(L)));
		write_part(L, first, "twin", "initialTwin", &out);
		write_part(L, first, "payload", "payload", &out);
	} else {
		json_text(&out, "iotHubHostName", hub_at(L, s, first));
	}
	json_close(&out, '}');
}
