/*
 * twin_limits.c: what a section of a twin may hold, and how large it is (hub-api.md 4.6).
 */
#include "hub/twin.h"

/* --- size --- */

static size_t value_size(const json_t *value);

static size_t object_size(const json_t *object)
{
	const char *key;
	json_t *value;
	size_t n = 0;

	json_object_foreach((json_t *)object, key, value)
	{
		n += strlen(key) + value_size(value);
	}
	return n;
}

/* As deep as the parser lets JSON be. */
static size_t value_size(const json_t *value)
{
	size_t n = 0;

	switch (json_typeof(value)) {
	case JSON_OBJECT: return object_size(value);
	case JSON_ARRAY:
		for (size_t i = 0; i < json_array_size(value); i++)
			n += value_size(json_array_get(value, i));
		return n;
	case JSON_STRING: return json_string_length(value);
	case JSON_INTEGER:
	case JSON_REAL: return 8;
	case JSON_TRUE:
	case JSON_FALSE: return 4;
	case JSON_NULL: return 0;
	}
	return 0;
}

size_t twin_size(const json_t *section)
{
	return value_size(section);
}

/* --- keys and values --- */

struct check {
	const char *section; /* "properties.desired" */
	struct arena *arena;
};

/* Control characters are U+0000 to U+001F and U+007F to U+009F; the latter but one are 0xC2 and a byte in UTF-8. */
static bool is_control(const unsigned char *p)
{
	return p[0] < 0x20 || p[0] == 0x7F || (p[0] == 0xC2 && p[1] >= 0x80 && p[1] <= 0x9F);
}

static struct hub_no check_key(const struct check *c, const char *key)
{
	const unsigned char *p = (const unsigned char *)key;

	if (strlen(key) > TWIN_KEY_MAX)
		return hub_no_invalid(c->arena, "%s: a key is longer than %d bytes.", c->section, TWIN_KEY_MAX);
	for (; *p; p++)
		if (is_control(p) || *p == '.' || *p == '$' || *p == ' ')
			return hub_no_invalid(c->arena, "%s: the key '%s' has a control character, a point, a '$' or a blank in it.",
					      c->section, key);
	return HUB_FINE;
}

static struct hub_no check_value(const struct check *c, const char *key, const json_t *value, int depth);

static struct hub_no check_members(const struct check *c, const json_t *object, int depth)
{
	const char *key;
	json_t *value;
	struct hub_no no;

	json_object_foreach((json_t *)object, key, value)
	{
		if (depth == 0 && key[0] == '$') /* an echoed $metadata or $version is no matter of the caller's */
			continue;
		if ((no = check_key(c, key)).e != OK || (no = check_value(c, key, value, depth)).e != OK)
			return no;
	}
	return HUB_FINE;
}

static struct hub_no check_value(const struct check *c, const char *key, const json_t *value, int depth)
{
	struct hub_no no;

	if ((json_is_object(value) || json_is_array(value)) && ++depth > TWIN_DEPTH_MAX)
		return hub_no_invalid(c->arena, "%s: it is nested deeper than %d levels at '%s'.", c->section, TWIN_DEPTH_MAX, key);
	switch (json_typeof(value)) {
	case JSON_OBJECT: return check_members(c, value, depth);
	case JSON_ARRAY:
		for (size_t i = 0; i < json_array_size(value); i++)
			if ((no = check_value(c, key, json_array_get(value, i), depth)).e != OK)
				return no;
		return HUB_FINE;
	case JSON_STRING:
		if (json_string_length(value) > TWIN_STRING_MAX)
			return hub_no_invalid(c->arena, "%s: the text at '%s' is longer than %d bytes.", c->section, key, TWIN_STRING_MAX);
		return HUB_FINE;
	case JSON_INTEGER:
		if (json_integer_value(value) > TWIN_INTEGER_MAX || json_integer_value(value) < -TWIN_INTEGER_MAX)
			return hub_no_invalid(c->arena, "%s: the integer at '%s' is beyond 2 to the power of 52.", c->section, key);
		return HUB_FINE;
	default: return HUB_FINE;
	}
}

/* --- reading --- */

/* Find a section and check it. */
static struct hub_no take_section(json_t *parent, const char *member, const char *section, struct arena *arena, json_t **out)
{
	struct check c = {section, arena};
	json_t *value = json_get_fold(parent, member);

	*out = NULL;
	if (value == NULL || json_is_null(value))
		return HUB_FINE;
	if (!json_is_object(value))
		return hub_no_invalid(arena, "Provided json is not a valid '%s' object: it must be an object.", section);
	*out = value;
	return check_members(&c, value, 0);
}

static struct hub_no take_properties(json_t *properties, bool with_reported, struct arena *arena, struct twin_parts *out)
{
	struct hub_no no;

	if (properties == NULL || json_is_null(properties))
		return HUB_FINE;
	if (!json_is_object(properties))
		return hub_no_invalid(arena, "properties must be an object.");
	if ((no = take_section(properties, "desired", "properties.desired", arena, &out->desired)).e != OK)
		return no;
	/* RULE of hub-api.md 4.6: a service that writes what only the device may write is told so. */
	if (!with_reported && json_get_fold(properties, "reported") != NULL)
		return hub_no_invalid(arena, "properties.reported is written by the device alone.");
	return take_section(properties, "reported", "properties.reported", arena, &out->reported);
}

struct hub_no twin_parts_read(struct slice json, bool with_reported, struct arena *arena, struct twin_parts *out)
{
	const char *why = NULL;
	struct hub_no no;

	memset(out, 0, sizeof(*out));
	if (json_read(json, arena, &out->root, &why) != OK)
		return hub_no_invalid(arena, "%s", why ? why : "The JSON is malformed.");
	if (!json_is_object(out->root))
		no = hub_no_invalid(arena, "A twin is an object with tags and properties.");
	else if ((no = take_section(out->root, "tags", "tags", arena, &out->tags)).e == OK)
		no = take_properties(json_get_fold(out->root, "properties"), with_reported, arena, out);
	if (no.e != OK)
		twin_parts_free(out);
	return no;
}

void twin_parts_free(struct twin_parts *parts)
{
	json_decref(parts->root);
	memset(parts, 0, sizeof(*parts));
}

bool twin_parts_given(const struct twin_parts *parts)
{
	return parts->tags || parts->desired || parts->reported;
}
