/*
 * rule_words.c: what a rule can call. Each is short whatever it is given, and the same on every node: no pointer shows, no order of
 * hashing, no clock, no chance.
 */
#include <lauxlib.h>

#include "allocate/rule_own.h"
#include "crypto/digest.h"

#define TEXT_MAX    1024 /* bytes that are matched with a pattern */
#define PATTERN_MAX 128

static struct slice text_arg(lua_State *L, int arg)
{
	size_t n;
	const char *p = luaL_checklstring(L, arg, &n);

	return slice_over(p, n);
}

/* --- texts --- */

static int word_lower(lua_State *L)
{
	struct slice text = text_arg(L, 1);
	luaL_Buffer b;
	char *to = luaL_buffinitsize(L, &b, text.n);

	for (size_t i = 0; i < text.n; i++)
		to[i] = (char)(text.p[i] >= 'A' && text.p[i] <= 'Z' ? text.p[i] + ('a' - 'A') : text.p[i]);
	luaL_pushresultsize(&b, text.n);
	return 1;
}

static int word_starts(lua_State *L)
{
	lua_pushboolean(L, slice_starts(text_arg(L, 1), text_arg(L, 2)));
	return 1;
}

static int word_ends(lua_State *L)
{
	struct slice text = text_arg(L, 1), end = text_arg(L, 2);

	lua_pushboolean(L, text.n >= end.n && slice_eq(slice_from(text, text.n - end.n), end));
	return 1;
}

static int word_contains(lua_State *L)
{
	struct slice text = text_arg(L, 1), part = text_arg(L, 2);

	lua_pushboolean(L, memmem(text.p, text.n, part.p, part.n) != NULL);
	return 1;
}

/* '*' is any text, '?' any byte. On a mismatch the last '*' takes one byte more. */
static bool fits(struct slice text, struct slice pattern)
{
	size_t t = 0, p = 0, star = pattern.n, resume = 0;

	while (t < text.n) {
		if (p < pattern.n && pattern.p[p] == '*') {
			star = p++;
			resume = t;
		} else if (p < pattern.n && (pattern.p[p] == '?' || pattern.p[p] == text.p[t])) {
			p++;
			t++;
		} else if (star < pattern.n) {
			p = star + 1;
			t = ++resume;
		} else {
			return false;
		}
	}
	while (p < pattern.n && pattern.p[p] == '*')
		p++;
	return p == pattern.n;
}

static int word_match(lua_State *L)
{
	struct slice text = text_arg(L, 1), pattern = text_arg(L, 2);

	luaL_argcheck(L, text.n <= TEXT_MAX, 1, "the text is too long to be matched");
	luaL_argcheck(L, pattern.n <= PATTERN_MAX, 2, "the pattern is too long");
	lua_pushboolean(L, fits(text, pattern));
	return 1;
}

static int word_type(lua_State *L)
{
	luaL_checkany(L, 1);
	lua_pushstring(L, luaL_typename(L, 1));
	return 1;
}

/* nil where it is no number. */
static int word_tonumber(lua_State *L)
{
	luaL_checkany(L, 1);
	if (lua_type(L, 1) == LUA_TSTRING && lua_stringtonumber(L, lua_tostring(L, 1)) > 0)
		return 1;
	if (lua_type(L, 1) == LUA_TNUMBER)
		lua_settop(L, 1);
	else
		lua_pushnil(L);
	return 1;
}

/* A table has no text: the one that Lua would give is its address. */
static int word_tostring(lua_State *L)
{
	luaL_checkany(L, 1);
	luaL_argcheck(L, lua_type(L, 1) <= LUA_TSTRING && lua_type(L, 1) != LUA_TLIGHTUSERDATA, 1, "it has no text");
	luaL_tolstring(L, 1, NULL);
	return 1;
}

static int next_element(lua_State *L)
{
	lua_Integer i = luaL_checkinteger(L, 2) + 1;

	lua_pushinteger(L, i);
	return lua_geti(L, 1, i) == LUA_TNIL ? 1 : 2;
}

static int word_ipairs(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_pushcfunction(L, next_element);
	lua_pushvalue(L, 1);
	lua_pushinteger(L, 0);
	return 3;
}

/* --- hubs --- */

static const struct linked_hub *hub_arg(lua_State *L, const struct rule_scene *s, int at)
{
	const struct linked_hub *hub;
	const char *name;

	if (lua_type(L, at) == LUA_TTABLE)
		lua_getfield(L, at, "name");
	else
		lua_pushvalue(L, at);
	if (lua_type(L, -1) != LUA_TSTRING)
		luaL_error(L, "a %s is no hub", luaL_typename(L, at));
	name = lua_tostring(L, -1);
	if ((hub = rule_find_hub(s, slice_str(name))) == NULL)
		luaL_error(L, "%s is none of the hubs to choose from", name);
	lua_pop(L, 1);
	return hub;
}

/* Those of the list at 1, each once. */
static size_t read_hubs(lua_State *L, const struct rule_scene *s, const struct linked_hub **out)
{
	size_t n = 0;

	luaL_checktype(L, 1, LUA_TTABLE);
	for (lua_Integer i = 1; lua_rawgeti(L, 1, i) != LUA_TNIL; i++) {
		const struct linked_hub *hub = hub_arg(L, s, lua_gettop(L));
		size_t at = 0;

		lua_pop(L, 1);
		while (at < n && out[at] != hub)
			at++;
		if (at < n)
			continue;
		if (n == LINKED_HUBS_MAX)
			luaL_error(L, "these are more than %d hubs", LINKED_HUBS_MAX);
		out[n++] = hub;
	}
	return n;
}

/* The name of one of the list, as that policy chooses; nil when the list is empty. */
static int choose_by(lua_State *L, const struct allocate_policy *policy)
{
	const struct linked_hub *hubs[LINKED_HUBS_MAX], *chosen = NULL;
	struct rule_scene *s = rule_here(L);
	size_t n = read_hubs(L, s, hubs);

	if (n > 0)
		chosen = policy->choose(s->a, hubs, n);
	if (chosen)
		lua_pushlstring(L, chosen->name.p, chosen->name.n);
	else
		lua_pushnil(L);
	return 1;
}

static int word_hashed(lua_State *L)
{
	return choose_by(L, &allocate_hashed);
}

static int word_nearest(lua_State *L)
{
	return choose_by(L, &allocate_geo_latency);
}

/* The name of a hub to choose from, or nil. */
static int word_hub(lua_State *L)
{
	const struct linked_hub *hub = rule_find_hub(rule_here(L), text_arg(L, 1));

	if (hub)
		lua_pushlstring(L, hub->name.p, hub->name.n);
	else
		lua_pushnil(L);
	return 1;
}

/* "West Europe" and "westeurope" are one place. */
static bool same_place(struct slice one, struct slice other)
{
	size_t i = 0, j = 0;

	for (;; i++, j++) {
		while (i < one.n && one.p[i] == ' ')
			i++;
		while (j < other.n && other.p[j] == ' ')
			j++;
		if (i == one.n || j == other.n)
			return i == one.n && j == other.n;
		if (!slice_eq_fold(slice_over(one.p + i, 1), slice_over(other.p + j, 1)))
			return false;
	}
}

/* Those to choose from that are at a place. */
static int word_located(lua_State *L)
{
	struct slice place = text_arg(L, 1);
	const struct rule_scene *s = rule_here(L);
	lua_Integer n = 0;

	lua_newtable(L);
	for (size_t i = 0; i < s->count; i++) {
		if (!same_place(s->candidates[i]->location, place))
			continue;
		lua_pushlstring(L, s->candidates[i]->name.p, s->candidates[i]->name.n);
		lua_rawseti(L, -2, ++n);
	}
	return 1;
}

/* A number from 1 to n that is always the same for the device, and evenly spread over devices: for "one in twenty". */
static int word_bucket(lua_State *L)
{
	lua_Integer n = luaL_checkinteger(L, 1);
	struct rule_scene *s = rule_here(L);
	struct slice id = arena_fold(s->arena, s->a->registration_id);
	unsigned char digest[SHA256_SIZE];
	uint64_t h = 0;

	luaL_argcheck(L, n >= 1 && n <= 1000000, 1, "it must be 1 to 1000000");
	sha256(id, digest);
	for (int i = 0; i < 8; i++)
		h = h << 8 | digest[i];
	lua_pushinteger(L, (lua_Integer)(h % (uint64_t)n) + 1);
	return 1;
}

static const luaL_Reg words[] = {
	{"bucket", word_bucket}, {"contains", word_contains}, {"ends", word_ends},         {"hashed", word_hashed},     {"hub", word_hub},
	{"ipairs", word_ipairs}, {"located", word_located},   {"lower", word_lower},       {"match", word_match},       {"nearest", word_nearest},
	{"starts", word_starts}, {"tonumber", word_tonumber}, {"tostring", word_tostring}, {"type", word_type},
};

void rule_add_words(lua_State *L)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		lua_pushcfunction(L, words[i].func);
		lua_setfield(L, -2, words[i].name);
	}
}
