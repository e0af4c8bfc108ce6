/*
 * fake_hub.c: an IoT hub played by a script.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "scenario/fake_hub.h"

struct fake_ask {
	struct list link;
	struct fake_hub *hub;
	struct timer *timer;
	struct arena *arena;
	char *method, *path, *body, *if_match;
	fetch_done *done;
	void *cookie;
	int status;
	char *answer;
	char code[64]; /* of an error: the header iothub-errorcode */
	bool acted;
};

void fake_hub_init(struct fake_hub *hub, struct loop *loop, const char *name)
{
	*hub = (struct fake_hub){.name = name, .loop = loop};
	list_init(&hub->asks);
}

static void device_clear(struct fake_device *d)
{
	json_decref(d->authentication);
	json_decref(d->tags);
	json_decref(d->desired);
	json_decref(d->reported);
	memset(d, 0, sizeof(*d));
}

void fake_hub_fini(struct fake_hub *hub)
{
	while (!list_empty(&hub->asks))
		fake_hub_cancel(LIST_ITEM(hub->asks.next, struct fake_ask, link));
	for (size_t i = 0; i < hub->device_count; i++)
		device_clear(&hub->devices[i]);
}

struct fake_device *fake_hub_find(struct fake_hub *hub, const char *id)
{
	for (size_t i = 0; i < hub->device_count; i++)
		if (strcmp(hub->devices[i].id, id) == 0)
			return &hub->devices[i];
	return NULL;
}

static json_t *text_or_empty(const char *text)
{
	json_t *json = text ? json_loads(text, 0, NULL) : NULL;

	return json ? json : json_object();
}

struct fake_device *fake_hub_add(struct fake_hub *hub, const char *id, const char *desired, const char *reported, const char *tags)
{
	struct fake_device *d = &hub->devices[hub->device_count++];

	snprintf(d->id, sizeof(d->id), "%s", id);
	d->authentication = json_object();
	d->desired = text_or_empty(desired);
	d->reported = text_or_empty(reported);
	d->tags = text_or_empty(tags);
	d->version = 1;
	return d;
}

static void remove_device(struct fake_hub *hub, struct fake_device *d)
{
	device_clear(d);
	*d = hub->devices[--hub->device_count];
	memset(&hub->devices[hub->device_count], 0, sizeof(*d));
}

void fake_hub_drop(struct fake_hub *hub, const char *id)
{
	struct fake_device *d = fake_hub_find(hub, id);

	if (d)
		remove_device(hub, d);
}

/* --- what it can do: hub-api.md 4.3 to 4.6 and 4.10 --- */

static void say(struct fake_ask *ask, int status, const char *text)
{
	ask->status = status;
	ask->answer = arena_str(ask->arena, slice_str(text));
}

static void say_json(struct fake_ask *ask, int status, json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);

	say(ask, status, text);
	free(text);
	json_decref(json);
}

static void say_error(struct fake_ask *ask, int status, const char *code)
{
	char message[128];

	snprintf(message, sizeof(message), "ErrorCode:%s;the hub says no.", code);
	snprintf(ask->code, sizeof(ask->code), "%s", code);
	say_json(ask, status, json_pack("{s:s,s:s}", "Message", message, "ExceptionMessage", ""));
}

static json_t *copy_or_empty(const json_t *json)
{
	return json_is_object(json) ? json_deep_copy(json) : json_object();
}

static void create_device(struct fake_hub *hub, const char *id, const json_t *entry)
{
	struct fake_device *d = fake_hub_add(hub, id, NULL, NULL, NULL);
	const json_t *properties = json_object_get(entry, "properties");

	json_decref(d->authentication);
	json_decref(d->tags);
	json_decref(d->desired);
	json_decref(d->reported);
	d->authentication = copy_or_empty(json_object_get(entry, "authentication"));
	d->tags = copy_or_empty(json_object_get(entry, "tags"));
	d->desired = copy_or_empty(json_object_get(properties, "desired"));
	d->reported = copy_or_empty(json_object_get(properties, "reported"));
}

/* A bulk of "create" and "delete" entries (4.5). */
static void bulk(struct fake_ask *ask)
{
	json_t *entries = json_loads(ask->body, 0, NULL), *errors = json_array(), *entry;
	size_t i;
	bool fine;

	json_array_foreach(entries, i, entry)
	{
		const char *id = json_string_value(json_object_get(entry, "id"));
		const char *mode = json_string_value(json_object_get(entry, "importMode"));
		struct fake_device *d = fake_hub_find(ask->hub, id);

		if (strcasecmp(mode, "create") == 0 && d == NULL)
			create_device(ask->hub, id, entry);
		else if (strcasecmp(mode, "delete") == 0 && d != NULL)
			remove_device(ask->hub, d);
		else
			json_array_append_new(errors, json_pack("{s:s,s:s,s:s,s:s}", "deviceId", id, "errorCode",
								d ? "DeviceAlreadyExists" : "DeviceNotFound", "errorStatus", "no",
								"operation", mode));
	}
	json_decref(entries);
	fine = json_array_size(errors) == 0;
	say_json(ask, fine ? 200 : 400, json_pack("{s:b,s:o,s:[]}", "isSuccessful", fine, "errors", errors, "warnings"));
}

static void identity(struct fake_ask *ask, const struct fake_device *d)
{
	char etag[32];

	snprintf(etag, sizeof(etag), "v%d", d->version);
	say_json(ask, 200,
		 json_pack("{s:s,s:s,s:s,s:s,s:O}", "deviceId", d->id, "etag", etag, "generationId", "1", "status", "enabled",
			   "authentication", d->authentication));
}

static json_t *with_versions(const json_t *properties)
{
	json_t *out = json_deep_copy(properties);

	json_object_set_new(out, "$version", json_integer(3));
	json_object_set_new(out, "$metadata", json_pack("{s:s}", "$lastUpdated", "2026-01-02T03:04:05Z"));
	return out;
}

static void twin(struct fake_ask *ask, const struct fake_device *d)
{
	say_json(ask, 200,
		 json_pack("{s:s,s:s,s:O,s:{s:o,s:o}}", "deviceId", d->id, "etag", "AAAAAAAAAAE=", "tags", d->tags, "properties", "desired",
			   with_versions(d->desired), "reported", with_versions(d->reported)));
}

static void put_identity(struct fake_ask *ask, const char *id, struct fake_device *d)
{
	json_t *body = json_loads(ask->body, 0, NULL);

	if (d == NULL && ask->if_match) {
		say_error(ask, 404, "DeviceNotFound");
	} else if (d && ask->if_match == NULL) {
		say_error(ask, 409, "DeviceAlreadyExists");
	} else {
		if (d == NULL) {
			create_device(ask->hub, id, body);
			d = fake_hub_find(ask->hub, id);
		}
		json_decref(d->authentication);
		d->authentication = copy_or_empty(json_object_get(body, "authentication"));
		d->version++;
		identity(ask, d);
	}
	json_decref(body);
}

static void one_device(struct fake_ask *ask, const char *id)
{
	struct fake_device *d = fake_hub_find(ask->hub, id);

	if (strcmp(ask->method, "PUT") == 0) {
		put_identity(ask, id, d);
	} else if (d == NULL) {
		say_error(ask, 404, "DeviceNotFound");
	} else if (strcmp(ask->method, "DELETE") == 0) {
		remove_device(ask->hub, d);
		say(ask, 204, "");
	} else {
		identity(ask, d);
	}
}

static void act(struct fake_ask *ask)
{
	char *path = arena_str(ask->arena, slice_str(ask->path)), *query = strchr(path, '?');
	struct fake_device *d;

	if (query)
		*query = '\0';
	ask->acted = true;
	path = arena_str(ask->arena, percent_decode(ask->arena, slice_str(path)));
	if (strncmp(path, "/twins/", 7) == 0) {
		if ((d = fake_hub_find(ask->hub, path + 7)) != NULL)
			twin(ask, d);
		else
			say_error(ask, 404, "DeviceNotFound");
	} else if (strncmp(path, "/devices/", 9) == 0 && path[9] != '\0') {
		one_device(ask, path + 9);
	} else if (strncmp(path, "/devices", 8) == 0) {
		bulk(ask);
	} else {
		say(ask, 200, "{\"totalDeviceCount\":0,\"enabledDeviceCount\":0,\"disabledDeviceCount\":0}");
	}
}

/* --- how it behaves --- */

static void ask_free(struct fake_ask *ask)
{
	list_remove(&ask->link);
	timer_cancel(&ask->timer);
	arena_free(&ask->arena);
	free(ask);
}

void fake_hub_cancel(void *ask)
{
	ask_free(ask);
}

static const char *header_of(const struct fetch_answer *answer, const char *name)
{
	const struct fake_ask *ask = answer->own;

	return strcasecmp(name, "iothub-errorcode") == 0 && ask->code[0] ? ask->code : NULL;
}

static void answer(struct fake_ask *ask, enum err e, int retry_after)
{
	const struct fetch_answer a = {.e = e,
				       .why = e == OK ? NULL : err_text(e),
				       .status = e == OK ? ask->status : 0,
				       .body = slice_str(ask->answer ? ask->answer : ""),
				       .retry_after = retry_after,
				       .header = header_of,
				       .own = ask};

	list_remove(&ask->link);
	ask->done(ask->cookie, &a);
	ask_free(ask);
}

static void silence_ends(void *cookie)
{
	struct fake_ask *ask = cookie;

	ask->timer = NULL;
	answer(ask, ERR_TIMEOUT, -1);
}

static void fall_silent(struct fake_ask *ask)
{
	ask->timer = loop_after(ask->hub->loop, FAKE_SILENCE_MS, silence_ends, ask);
}

static void behave(void *cookie)
{
	struct fake_ask *ask = cookie;
	struct fake_hub *hub = ask->hub;
	int retry_after = -1;

	ask->timer = NULL;
	if (*hub->ended)
		return;
	hub->calls++;
	hub->writes += strcmp(ask->method, "GET") != 0;
	switch (hub->mood) {
	case MOOD_SILENT: fall_silent(ask); return;
	case MOOD_UNREACHABLE: answer(ask, ERR_UNREACHABLE, -1); return;
	case MOOD_BROKEN: say_error(ask, 500, "ServerError"); break;
	case MOOD_REFUSING: say_error(ask, 401, "IotHubUnauthorizedAccess"); break;
	case MOOD_THROTTLING:
		say_error(ask, 429, "ThrottlingException");
		retry_after = 5;
		break;
	case MOOD_RUBBISH: say(ask, 200, "<html>welcome</html>"); break;
	case MOOD_WELL:
	case MOOD_FORGETFUL: act(ask); break;
	}
	if (ask->acted && strcmp(ask->method, "GET") != 0 && hub->witness && !hub->witness(hub->cookie))
		return;
	if (hub->mood == MOOD_FORGETFUL)
		fall_silent(ask);
	else
		answer(ask, OK, retry_after);
}

void *fake_hub_ask(struct fake_hub *hub, const struct link_local_ask *what, fetch_done *done, void *cookie)
{
	struct fake_ask *ask = calloc(1, sizeof(*ask));

	if (ask == NULL)
		return NULL;
	list_append(&hub->asks, &ask->link);
	ask->hub = hub;
	ask->arena = arena_new(1 << 20);
	ask->method = arena_str(ask->arena, slice_str(what->method));
	ask->path = arena_str(ask->arena, slice_str(what->path));
	ask->body = arena_str(ask->arena, slice_absent(what->body) ? SLICE("") : what->body);
	ask->if_match = arena_str(ask->arena, what->if_match);
	ask->done = done;
	ask->cookie = cookie;
	ask->timer = loop_after(hub->loop, hub->delay_ms, behave, ask);
	return ask;
}
