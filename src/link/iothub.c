#include "base/text.h"
#include "link/iothub.h"

#define VERSION     "?api-version=2021-04-12"
#define REQUEST_MAX (16 * 1024 * 1024)
#define QUOTE_MAX   120 /* of a hub's answer, in a sentence */

/* --- requests --- */

static const char *device_path(struct arena *a, const char *under, struct slice device_id)
{
	return arena_printf(a, "%s%.*s" VERSION, under, SLICE_ARG(percent_encode(a, device_id)));
}

static void write_authentication(struct json_out *j, const struct link_identity *d)
{
	bool thumbprints = strcmp(d->authentication, "selfSigned") == 0;

	json_open(j, "authentication", '{');
	json_str(j, "type", d->authentication);
	if (thumbprints) {
		json_open(j, "x509Thumbprint", '{');
		json_text(j, "primaryThumbprint", d->primary_thumbprint);
		if (d->secondary_thumbprint.n)
			json_text(j, "secondaryThumbprint", d->secondary_thumbprint);
	} else {
		json_open(j, "symmetricKey", '{');
		json_text(j, "primaryKey", d->primary_key);
		json_text(j, "secondaryKey", d->secondary_key);
	}
	json_close(j, '}');
	json_close(j, '}');
}

static void write_common(struct json_out *j, const struct link_identity *d)
{
	write_authentication(j, d);
	json_open(j, "capabilities", '{');
	json_bool(j, "iotEdge", d->iot_edge);
	json_close(j, '}');
}

/* One entry of hub-api.md 4.5: identity and twin in one. */
static void write_entry(struct json_out *j, const struct link_identity *d)
{
	json_open(j, NULL, '{');
	json_text(j, "id", d->device_id);
	json_str(j, "importMode", "create");
	json_str(j, "status", "enabled");
	write_common(j, d);
	if (d->tags.n)
		json_raw(j, "tags", d->tags);
	if (d->desired.n || d->reported.n) {
		json_open(j, "properties", '{');
		if (d->desired.n)
			json_raw(j, "desired", d->desired);
		if (d->reported.n)
			json_raw(j, "reported", d->reported);
		json_close(j, '}');
	}
	json_close(j, '}');
}

static struct slice text_of(struct arena *a, struct buf *text)
{
	struct slice copy = buf_failed(text) ? NO_SLICE : arena_copy(a, buf_slice(text));

	buf_fini(text);
	return copy;
}

void iothub_create(struct arena *a, const struct link_identity *const *devices, size_t count, struct hub_request *out)
{
	struct json_out j;
	struct buf text;

	buf_init(&text, REQUEST_MAX);
	json_out_init(&j, &text);
	json_open(&j, NULL, '[');
	for (size_t i = 0; i < count; i++)
		write_entry(&j, devices[i]);
	json_close(&j, ']');
	*out = (struct hub_request){.method = "POST", .path = "/devices" VERSION, .body = text_of(a, &text)};
}

void iothub_look(struct arena *a, struct slice device_id, struct hub_request *out)
{
	*out = (struct hub_request){.method = "GET", .path = device_path(a, "/devices/", device_id)};
}

/* A PUT replaces all that can be written (hub-api.md 4.4), so it says again what is to stay. */
static const char *const kept[HUB_KEPT] = {"status", "statusReason", "deviceScope", "parentScopes"};

void iothub_correct(struct arena *a, const struct link_identity *d, const struct hub_seen *seen, struct hub_request *out)
{
	struct json_out j;
	struct buf text;

	buf_init(&text, REQUEST_MAX);
	json_out_init(&j, &text);
	json_open(&j, NULL, '{');
	json_text(&j, "deviceId", d->device_id);
	for (int i = 0; i < HUB_KEPT; i++)
		if (!slice_absent(seen->kept[i]))
			json_raw(&j, kept[i], seen->kept[i]);
	write_common(&j, d);
	json_close(&j, '}');
	*out = (struct hub_request){.method = "PUT",
				    .path = device_path(a, "/devices/", d->device_id),
				    .if_match = arena_format(a, "\"%.*s\"", SLICE_ARG(seen->etag)),
				    .body = text_of(a, &text)};
}

void iothub_twin(struct arena *a, struct slice device_id, struct hub_request *out)
{
	*out = (struct hub_request){.method = "GET", .path = device_path(a, "/twins/", device_id)};
}

void iothub_remove(struct arena *a, struct slice device_id, struct hub_request *out)
{
	*out = (struct hub_request){.method = "DELETE", .path = device_path(a, "/devices/", device_id), .if_match = SLICE("\"*\"")};
}

void iothub_statistics(struct hub_request *out)
{
	*out = (struct hub_request){.method = "GET", .path = "/statistics/devices" VERSION};
}

/* --- answers --- */

/* A little of what came, in printable ASCII. */
static const char *quote(struct arena *a, struct slice body)
{
	char *text = arena_str(a, body.p ? slice_to(body, QUOTE_MAX) : SLICE(""));

	for (char *p = text; p && *p; p++)
		if (*p < ' ' || *p > '~')
			*p = ' ';
	return text ? text : "";
}

/* Only the hub itself knows that it has no such device: a proxy's "there is nothing at this path" must not make a device start
 * afresh, or pass for a removal. */
static bool names_missing_device(struct slice body)
{
	return slice_search(body, SLICE("DeviceNotFound")) >= 0 || slice_search(body, SLICE("404001")) >= 0;
}

enum hub_verdict iothub_judge_status(int status, struct slice body, struct arena *a, const char **why)
{
	*why = arena_printf(a, "the hub answered %d: %s", status, quote(a, body));
	if (*why == NULL)
		*why = "the hub refused";
	switch (status) {
	case 401:
	case 403: return HUB_DENIED;
	case 404: return names_missing_device(body) ? HUB_ABSENT : HUB_WRONG;
	case 409: return HUB_EXISTS;
	case 412: return HUB_CHANGED;
	case 408:
	case 429: return HUB_BUSY;
	default: return status >= 500 ? HUB_BUSY : HUB_WRONG;
	}
}

/* The document of a 2xx answer; NULL, with a sentence, when it is none. */
static json_t *document(struct slice body, struct arena *a, const char **why)
{
	json_t *json = NULL;

	if (json_read(body, a, &json, NULL) == OK)
		return json;
	*why = arena_printf(a, "the hub's answer is not JSON: %s", quote(a, body));
	return NULL;
}

/* errorCode may be a name or a number (hub-api.md 4.5, 4.10). */
static enum hub_verdict verdict_of_code(const json_t *code)
{
	static const struct {
		struct slice name;
		enum hub_verdict means;
	} names[] = {
		{SLICE("DeviceAlreadyExists"), HUB_EXISTS}, {SLICE("Throttling"), HUB_BUSY},     {SLICE("ServerError"), HUB_BUSY},
		{SLICE("ServiceUnavailable"), HUB_BUSY},    {SLICE("GatewayTimeout"), HUB_BUSY}, {SLICE("IotHubUnauthorized"), HUB_DENIED},
	};
	struct slice name = slice_str(json_string_value(code));
	json_int_t number = json_integer_value(code);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (slice_starts_fold(name, names[i].name))
			return names[i].means;
	if (number == 409001)
		return HUB_EXISTS;
	if (number / 1000 == 401)
		return HUB_DENIED;
	return number / 1000 == 429 || number / 1000 >= 500 ? HUB_BUSY : HUB_WRONG;
}

/* Whether the error is about one of ours. */
static bool mark(const json_t *error, struct arena *a, const struct link_identity *const *devices, size_t count, enum hub_verdict *verdicts,
		 const char **whys)
{
	struct slice id = slice_str(json_string_value(json_get_fold(error, "deviceId")));
	const char *status = json_string_value(json_get_fold(error, "errorStatus"));
	bool marked = false;

	for (size_t i = 0; i < count; i++)
		if (slice_eq(devices[i]->device_id, id)) {
			verdicts[i] = verdict_of_code(json_get_fold(error, "errorCode"));
			whys[i] = arena_printf(a, "the hub says: %s", quote(a, slice_str(status)));
			marked = true;
		}
	return marked;
}

static void judge_all(enum hub_verdict verdict, const char *why, size_t count, enum hub_verdict *verdicts, const char **whys)
{
	for (size_t i = 0; i < count; i++) {
		verdicts[i] = verdict;
		whys[i] = why;
	}
}

/* hub-api.md 4.5. Those whom no error names have succeeded only if the hub says that all have, or if every error names one
 * of the others: "assigned" must not rest on less. */
static void judge_entries(int status, const json_t *json, struct slice body, struct arena *a, const struct link_identity *const *devices,
			  size_t count, enum hub_verdict *verdicts, const char **whys)
{
	const json_t *successful = json_get_fold(json, "isSuccessful"), *errors = json_get_fold(json, "errors"), *error;
	const char *why = arena_printf(a, "the hub does not say what failed: %s", quote(a, body));
	bool clear = json_is_true(successful) ? status == 200 : json_array_size(errors) > 0;
	size_t i;

	judge_all(HUB_DONE, "", count, verdicts, whys);
	json_array_foreach(errors, i, error) clear &= mark(error, a, devices, count, verdicts, whys);
	for (i = 0; i < count && !clear; i++)
		if (verdicts[i] == HUB_DONE) {
			verdicts[i] = HUB_GARBLED;
			whys[i] = why;
		}
}

void iothub_judge_create(int status, struct slice body, struct arena *a, const struct link_identity *const *devices, size_t count,
			 enum hub_verdict *verdicts, const char **whys)
{
	const char *why = "";
	enum hub_verdict all;
	json_t *json;

	if (status != 200 && status != 400) {
		all = iothub_judge_status(status, body, a, &why);
		judge_all(status < 300 ? HUB_GARBLED : all, why, count, verdicts, whys);
		return;
	}
	json = document(body, a, &why);
	if (json == NULL)
		judge_all(HUB_GARBLED, why, count, verdicts, whys);
	else if (status == 400 && json_get_fold(json, "Message") && json_get_fold(json, "errors") == NULL)
		judge_all(HUB_WRONG, arena_printf(a, "the hub refused the request: %s", quote(a, body)), count, verdicts, whys);
	else
		judge_entries(status, json, body, a, devices, count, verdicts, whys);
	json_decref(json);
}

static bool same_text(const json_t *json, struct slice wanted, bool fold)
{
	struct slice have = slice_str(json_string_value(json));

	return fold ? slice_eq_fold(have, wanted) : slice_eq(have, wanted);
}

/* Type and credentials, and that it is enabled: an identity that somebody switched off at the hub stays off, it is the
 * operator's word there; so `status` does not count. */
static bool credentials_match(const json_t *json, const struct link_identity *d)
{
	const json_t *authentication = json_get_fold(json, "authentication");
	const json_t *keys = json_get_fold(authentication, "symmetricKey"), *prints = json_get_fold(authentication, "x509Thumbprint");

	if (!same_text(json_get_fold(authentication, "type"), slice_str(d->authentication), true))
		return false;
	if (strcmp(d->authentication, "selfSigned") == 0)
		return same_text(json_get_fold(prints, "primaryThumbprint"), d->primary_thumbprint, true) &&
		       same_text(json_get_fold(prints, "secondaryThumbprint"), d->secondary_thumbprint, true);
	return same_text(json_get_fold(keys, "primaryKey"), d->primary_key, false) &&
	       same_text(json_get_fold(keys, "secondaryKey"), d->secondary_key, false);
}

static void keep(struct slice body, struct arena *a, struct hub_seen *seen)
{
	for (int i = 0; i < HUB_KEPT; i++) {
		struct slice text = json_member(body, kept[i], true);

		seen->kept[i] = slice_eq(text, SLICE("null")) ? NO_SLICE : arena_copy(a, text);
	}
}

/* It goes back in a header: a hub that puts a line break there would write lines into our request. */
static bool etag_can_travel(struct slice etag)
{
	for (size_t i = 0; i < etag.n; i++)
		if (etag.p[i] <= ' ' || etag.p[i] > '~')
			return false;
	return etag.n > 0;
}

enum hub_verdict iothub_judge_look(int status, struct slice body, struct arena *a, const struct link_identity *d, struct hub_seen *seen,
				   const char **why)
{
	enum hub_verdict verdict = HUB_DONE;
	json_t *json;

	if (status != 200)
		return iothub_judge_status(status, body, a, why);
	if ((json = document(body, a, why)) == NULL)
		return HUB_WRONG;
	seen->etag = arena_copy(a, slice_str(json_string_value(json_get_fold(json, "etag"))));
	keep(body, a, seen);
	if (!same_text(json_get_fold(json, "deviceId"), d->device_id, false) || !etag_can_travel(seen->etag)) {
		*why = arena_printf(a, "the hub's answer is no device identity: %s", quote(a, body));
		verdict = HUB_WRONG;
	} else if (!credentials_match(json, d)) {
		verdict = HUB_DIFFERENT;
	}
	json_decref(json);
	return verdict;
}

/* Names come with their escapes, and a dollar can be spelled so too. */
static bool is_metadata(struct slice name)
{
	return slice_starts(name, SLICE("$")) || slice_starts(name, SLICE("\\u0024"));
}

/* An object without the members that begin with '$'. */
static struct slice without_metadata(struct arena *a, struct slice object)
{
	struct slice name, value;
	struct json_out j;
	struct buf text;
	size_t at = 0;

	if (object.n == 0 || object.p[0] != '{')
		return NO_SLICE;
	buf_init(&text, REQUEST_MAX);
	buf_add_char(&text, '{');
	json_out_init(&j, &text);
	while (json_each(object, &at, &name, &value)) {
		if (is_metadata(name))
			continue;
		if (text.n > 1)
			buf_add_char(&text, ',');
		/* The name goes out as it came, escapes and all. */
		buf_printf(&text, "\"%.*s\":", SLICE_ARG(name));
		buf_add(&text, value);
	}
	buf_add_char(&text, '}');
	return text_of(a, &text);
}

enum hub_verdict iothub_judge_twin(int status, struct slice body, struct arena *a, struct link_answer *out, const char **why)
{
	struct slice properties;
	json_t *json;

	if (status != 200)
		return iothub_judge_status(status, body, a, why);
	if ((json = document(body, a, why)) == NULL)
		return HUB_WRONG;
	json_decref(json);
	properties = json_member(body, "properties", true);
	if (properties.n == 0 || properties.p[0] != '{') {
		*why = arena_printf(a, "the hub's answer is no twin: %s", quote(a, body));
		return HUB_WRONG;
	}
	out->tags = without_metadata(a, json_member(body, "tags", true));
	out->desired = without_metadata(a, json_member(properties, "desired", true));
	out->reported = without_metadata(a, json_member(properties, "reported", true));
	return HUB_DONE;
}

enum hub_verdict iothub_judge_plain(int status, struct slice body, struct arena *a, const char **why)
{
	json_t *json;

	if (status < 200 || status > 299)
		return iothub_judge_status(status, body, a, why);
	if (body.n == 0)
		return HUB_DONE;
	if ((json = document(body, a, why)) == NULL)
		return HUB_WRONG;
	json_decref(json);
	return HUB_DONE;
}
