/*
 * twin.c: merging into twins, and writing them out.
 *
 * A device keeps each section as the text of an object without the members that begin with '$'; the metadata is an
 * object beside it. What is absent stands for the twin of a new device, so such a twin takes no room.
 */
#include "base/text.h"
#include "hub/twin.h"

/* --- JSON from a tree --- */

/* A number with a fraction keeps one, so that it is read as what it was: 4503599627370501.0 is beyond what an integer
 * may be, and -0.0 is no integer. */
static void write_real(struct json_out *out, const char *name, double value)
{
	struct slice number;
	size_t at;

	json_double(out, name, value);
	number = buf_slice(out->to);
	for (at = number.n; at > 0 && number.p[at - 1] != ':' && number.p[at - 1] != ',' && number.p[at - 1] != '['; at--)
		;
	number = slice_from(number, at);
	if (slice_find(number, '.') < 0 && slice_find(number, 'e') < 0)
		buf_add_str(out->to, ".0");
}

static void write_tree(struct json_out *out, const char *name, const json_t *value)
{
	const char *key;
	json_t *member;

	switch (json_typeof(value)) {
	case JSON_OBJECT:
		json_open(out, name, '{');
		json_object_foreach((json_t *)value, key, member) write_tree(out, key, member);
		json_close(out, '}');
		break;
	case JSON_ARRAY:
		json_open(out, name, '[');
		for (size_t i = 0; i < json_array_size(value); i++)
			write_tree(out, NULL, json_array_get(value, i));
		json_close(out, ']');
		break;
	case JSON_STRING: json_text(out, name, slice_over(json_string_value(value), json_string_length(value))); break;
	case JSON_INTEGER: json_int(out, name, json_integer_value(value)); break;
	case JSON_REAL: write_real(out, name, json_real_value(value)); break;
	case JSON_TRUE:
	case JSON_FALSE: json_bool(out, name, json_is_true(value)); break;
	case JSON_NULL: json_none(out, name); break;
	}
}

/* Absent: it does not fit. */
static struct slice tree_text(const json_t *value, struct arena *arena)
{
	struct json_out out;
	struct slice text = NO_SLICE;
	struct buf buf;

	buf_init(&buf, HUB_BODY_MAX);
	json_out_init(&out, &buf);
	write_tree(&out, NULL, value);
	if (!buf_failed(&buf))
		text = arena_copy(arena, buf_slice(&buf));
	buf_fini(&buf);
	return text;
}

/* --- merging --- */

struct stamp {
	char at[INSTANT_TEXT];
	int64_t version; /* 0: not shown, as in reported metadata */
	bool failed;     /* out of memory somewhere */
};

/* Every function that gives a jansson object a new member comes through here. Takes `value` over. */
static void set_member(struct stamp *s, json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) != 0)
		s->failed = true;
}

static void stamp_on(struct stamp *s, json_t *metadata)
{
	set_member(s, metadata, "$lastUpdated", json_string(s->at));
	if (s->version)
		set_member(s, metadata, "$lastUpdatedVersion", json_integer(s->version));
}

/* The object at that key; a new one takes the place of anything else. NULL: out of memory. */
static json_t *object_at(struct stamp *s, json_t *parent, const char *key)
{
	json_t *child = json_object_get(parent, key);

	if (json_is_object(child))
		return child;
	set_member(s, parent, key, json_object());
	return json_object_get(parent, key);
}

static void merge_object(struct stamp *s, json_t *data, json_t *metadata, const json_t *patch, int depth);

static void merge_member(struct stamp *s, json_t *data, json_t *metadata, const char *key, json_t *value, int depth)
{
	if (json_is_null(value)) {
		json_object_del(data, key);
		if (metadata)
			json_object_del(metadata, key);
		return;
	}
	if (json_is_object(value)) {
		bool replaced = !json_is_object(json_object_get(data, key));
		json_t *child = object_at(s, data, key), *below = NULL;

		if (metadata && replaced)
			json_object_del(metadata, key);
		if (metadata)
			below = object_at(s, metadata, key);
		if (child && (below || !metadata))
			merge_object(s, child, below, value, depth + 1);
		return;
	}
	set_member(s, data, key, json_incref(value));
	if (metadata) {
		set_member(s, metadata, key, json_object());
		if (json_object_get(metadata, key))
			stamp_on(s, json_object_get(metadata, key));
	}
}

/* null deletes, objects are merged, all else is replaced. `metadata` NULL: tags, which have none. */
static void merge_object(struct stamp *s, json_t *data, json_t *metadata, const json_t *patch, int depth)
{
	const char *key;
	json_t *value;

	if (metadata)
		stamp_on(s, metadata);
	json_object_foreach((json_t *)patch, key, value)
	{
		if (depth > 0 || key[0] != '$')
			merge_member(s, data, metadata, key, value, depth);
	}
}

/* One section on its way. */
struct section {
	const char *name;
	size_t max;
	struct slice *data, *metadata; /* of the device; metadata NULL: tags */
};

static json_t *tree_of(struct slice text, struct arena *arena)
{
	json_t *tree = NULL;

	if (slice_absent(text))
		return json_object();
	return json_read(text, arena, &tree, NULL) == OK ? tree : NULL;
}

static struct hub_no merge_section(const struct section *x, const json_t *patch, bool replace, struct stamp *s, struct arena *arena)
{
	json_t *data = replace ? json_object() : tree_of(*x->data, arena);
	json_t *metadata = x->metadata == NULL || replace ? json_object() : tree_of(*x->metadata, arena);
	struct hub_no no = HUB_FINE;
	size_t size;

	if (data == NULL || metadata == NULL) {
		no = hub_no_memory();
		goto done;
	}
	merge_object(s, data, x->metadata ? metadata : NULL, patch, 0);
	if ((size = twin_size(data)) > x->max) {
		no = hub_no_invalid(arena, "%s would have %zu bytes where %zu are allowed.", x->name, size, x->max);
		goto done;
	}
	*x->data = tree_text(data, arena);
	if (x->metadata)
		*x->metadata = tree_text(metadata, arena);
	if (s->failed || slice_absent(*x->data) || (x->metadata && slice_absent(*x->metadata)))
		no = hub_no_memory();
done:
	json_decref(data);
	json_decref(metadata);
	return no;
}

static struct stamp stamp_of(instant now, int64_t version)
{
	struct stamp s = {.version = version};

	instant_print(now, INSTANT_ISO7, s.at);
	return s;
}

void twin_start(struct device *d)
{
	d->twin_writes = d->desired_version = d->reported_version = 1;
}

static struct hub_no apply_all(struct device *d, const struct twin_parts *parts, bool replace, bool fresh, instant now, struct arena *arena)
{
	const struct section tags = {"tags", TWIN_TAGS_MAX, &d->twin_tags, NULL};
	const struct section desired = {"properties.desired", TWIN_DESIRED_MAX, &d->desired, &d->desired_metadata};
	const struct section reported = {"properties.reported", TWIN_REPORTED_MAX, &d->reported, &d->reported_metadata};
	struct stamp s = stamp_of(now, 0);
	struct hub_no no;

	if (!fresh) {
		d->twin_writes += parts->tags || parts->desired;
		d->desired_version += parts->desired != NULL;
		d->reported_version += parts->reported != NULL;
	}
	if (parts->tags && (no = merge_section(&tags, parts->tags, replace, &s, arena)).e != OK)
		return no;
	if (parts->reported && (no = merge_section(&reported, parts->reported, replace, &s, arena)).e != OK)
		return no;
	s.version = d->desired_version;
	return parts->desired ? merge_section(&desired, parts->desired, replace, &s, arena) : HUB_FINE;
}

struct hub_no twin_apply(struct device *d, const struct twin_parts *parts, enum twin_how how, instant now, struct arena *arena)
{
	struct device changed = *d;
	struct hub_no no = apply_all(&changed, parts, how != TWIN_MERGE, how == TWIN_FRESH, now, arena);

	if (no.e == OK)
		*d = changed;
	return no;
}

/* --- the document --- */

struct slice twin_etag(const struct device *d, struct arena *arena)
{
	unsigned char bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)((uint64_t)d->twin_writes >> (56 - 8 * i));
	return base64_encode(arena, slice_over(bytes, sizeof(bytes)));
}

int64_t twin_version(const struct device *d)
{
	return d->twin_writes + d->reported_version;
}

/* The stored object with its metadata and version as last members. */
static void write_section(struct json_out *out, const char *name, struct slice data, struct slice metadata, int64_t version, instant born,
			  struct arena *arena)
{
	char at[INSTANT_TEXT];
	struct slice open = slice_absent(data) ? SLICE("{") : slice_to(data, data.n - 1);

	if (slice_absent(metadata))
		metadata = arena_format(arena, "{\"$lastUpdated\":\"%s\"}", instant_print(born, INSTANT_ISO7, at));
	json_raw(out, name, open);
	buf_printf(out->to, "%s\"$metadata\":", open.n > 1 ? "," : "");
	buf_add(out->to, metadata);
	buf_printf(out->to, ",\"$version\":%lld}", (long long)version);
}

static void text_or_null(struct json_out *out, const char *name, struct slice text)
{
	if (text.n)
		json_text(out, name, text);
	else
		json_none(out, name);
}

static void write_scopes(const struct device *d, struct json_out *out)
{
	if (d->device_scope.n)
		json_text(out, "deviceScope", d->device_scope);
	if (d->parent_scopes.n == 0)
		return;
	json_open(out, "parentScopes", '[');
	for (size_t i = 0; i < d->parent_scopes.n; i++)
		json_text(out, NULL, d->parent_scopes.at[i]);
	json_close(out, ']');
}

/* What the twin repeats of the identity, in its own spelling. */
static void write_identity_part(const struct device *d, struct json_out *out, struct arena *arena)
{
	char at[INSTANT_TEXT];

	json_text(out, "deviceId", d->device_id);
	json_text(out, "etag", twin_etag(d, arena));
	json_text(out, "deviceEtag", d->etag);
	json_text(out, "status", d->status.n ? d->status : slice_str(device_states[0]));
	if (d->status_reason.n)
		json_text(out, "statusReason", d->status_reason);
	json_str(out, "statusUpdateTime", instant_print(d->status_time, INSTANT_ISO7, at));
	json_text(out, "connectionState", d->connection_state.n ? d->connection_state : slice_str(connection_states[0]));
	json_str(out, "lastActivityTime", instant_print(d->activity_time, INSTANT_ISO7, at));
	json_int(out, "cloudToDeviceMessageCount", d->message_count == INT_NONE ? 0 : d->message_count);
	json_text(out, "authenticationType", d->authentication.n ? d->authentication : slice_str(authentication_types[0]));
	json_open(out, "x509Thumbprint", '{');
	text_or_null(out, "primaryThumbprint", d->primary_thumbprint);
	text_or_null(out, "secondaryThumbprint", d->secondary_thumbprint);
	json_close(out, '}');
	json_text(out, "modelId", d->model_id.n ? d->model_id : SLICE(""));
	json_int(out, "version", twin_version(d));
	write_scopes(d, out);
}

void twin_write(const struct device *d, struct json_out *out, struct arena *arena)
{
	json_open(out, NULL, '{');
	write_identity_part(d, out, arena);
	json_raw(out, "tags", slice_absent(d->twin_tags) ? SLICE("{}") : d->twin_tags);
	json_open(out, "properties", '{');
	write_section(out, "desired", d->desired, d->desired_metadata, d->desired_version, d->created, arena);
	write_section(out, "reported", d->reported, d->reported_metadata, d->reported_version, d->created, arena);
	json_close(out, '}');
	json_open(out, "capabilities", '{');
	json_bool(out, "iotEdge", d->iot_edge == FLAG_YES);
	json_close(out, '}');
	json_close(out, '}');
}
