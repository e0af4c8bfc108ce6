/*
 * hub.c: the REST face of the hosted hubs: registry, bulk, twins, queries, statistics (hub-api.md 4).
 */
#include <stdio.h>
#include <stdlib.h>

#include "api/hub_own.h"

/* --- errors, hub-api.md 4.10 --- */

static const struct {
	const char *word;
	int status, code;
} errors[] = {
	{"InvalidOperation", 400, 400003},
	{"ArgumentInvalid", 400, 400004},
	{"DeviceDefinedMultipleTimes", 400, 400011},
	{"BulkRegistryOperationFailure", 400, 400013},
	{"DefaultStorageEndpointNotConfigured", 400, 400014},
	{"DeviceNotFound", 404, 404001},
	{"JobNotFound", 404, 404002},
	{"ModuleNotFound", 404, 404010},
	{"FeatureNotSupported", 404, 404013},
	{"DeviceNotOnline", 404, 404103},
	{"ConfigurationNotFound", 404, 404301},
	{"DeviceAlreadyExists", 409, 409001},
	{"PreconditionFailed", 412, 412001},
	{"DeviceMessageLockLost", 412, 412002},
	{"ThrottlingException", 429, 429001},
	{"NotImplemented", 501, 501001},
	{"GatewayTimeout", 504, 504101},
	{"ServerError", 500, 500001}, /* last: also what is not named above */
};

/* "01/02/2026 03:04:05" from "2026-01-02T03:04:05.0000000Z". */
static struct slice us_time(struct arena *arena, const char *iso)
{
	return arena_format(arena, "%.2s/%.2s/%.4s %.8s", iso + 5, iso + 8, iso, iso + 11);
}

/* The request's UUID without its hyphens, as trackers write it. */
static struct slice tracking_id(struct api_call *call, const char *iso)
{
	char hex[33];
	size_t n = 0;

	for (const char *p = call->q->request_id; *p && n < sizeof(hex) - 1; p++)
		if (*p != '-')
			hex[n++] = *p;
	hex[n] = '\0';
	return arena_format(call->arena, "%s-G:1-TimeStamp:%.*s", hex, SLICE_ARG(us_time(call->arena, iso)));
}

/* The second shape is JSON inside JSON, and without `info`: C# reads it as a flat map of strings. */
static struct slice inner_message(struct api_call *call, int code, const char *sentence, const char *iso)
{
	struct slice text;
	struct json_out out;
	struct buf buf;

	buf_init(&buf, API_ARENA_MAX);
	json_out_init(&out, &buf);
	json_open(&out, NULL, '{');
	json_int(&out, "errorCode", code);
	json_text(&out, "trackingId", tracking_id(call, iso));
	json_str(&out, "message", sentence);
	json_str(&out, "timestampUtc", iso);
	json_close(&out, '}');
	text = arena_copy(call->arena, buf_slice(&buf));
	buf_fini(&buf);
	return text;
}

static bool is_method_call(const struct api_call *call)
{
	return call->route && call->route->handle == hub_method;
}

/* Who is not let in is refused before anything knows a hub's words. */
static const char *word_of(int status)
{
	switch (status) {
	case 401: return "IotHubUnauthorizedAccess";
	case 403: return "Forbidden";
	default: return "NotFound";
	}
}

/* RULE of hub-api.md 4.10: the first shape for the registry, twins and queries, the second for methods. */
static void hub_refuse(struct api_call *call, int status, int code, const char *word, const char *sentence)
{
	char iso[INSTANT_TEXT];

	if (word == NULL)
		word = word_of(status);
	instant_print(loop_wall(call->conf->loop), INSTANT_ISO7, iso);
	json_open(&call->out, NULL, '{');
	if (is_method_call(call)) {
		json_text(&call->out, "Message", inner_message(call, code, sentence, iso));
		json_str(&call->out, "ExceptionMessage", "");
	} else {
		json_text(&call->out, "Message", arena_format(call->arena, "ErrorCode:%s;%s", word, sentence));
		json_text(&call->out, "ExceptionMessage", arena_format(call->arena, "Tracking ID:%.*s", SLICE_ARG(tracking_id(call, iso))));
	}
	json_close(&call->out, '}');
	api_add_header(call, "iothub-errorcode", slice_str(word));
}

void hub_refuse_as(struct api_call *call, const char *word, const char *fmt, ...)
{
	const char *sentence;
	size_t i = 0;
	va_list ap;

	va_start(ap, fmt);
	sentence = arena_vprintf(call->arena, fmt, ap);
	va_end(ap);
	while (i + 1 < sizeof(errors) / sizeof(errors[0]) && strcmp(errors[i].word, word) != 0)
		i++;
	if (errors[i].status == 429)
		api_add_header(call, "Retry-After", SLICE("2"));
	api_refuse(call, errors[i].status, errors[i].code, errors[i].word, "%s", sentence ? sentence : "");
}

/* --- what a hub answered --- */

static void refuse_answer(struct api_call *call, const struct hub_answer *a)
{
	if (strcmp(a->code, "ServerError") == 0)
		log_error(&call->log, "hub-failed", "error", err_text(a->e), "reason", arena_str(call->arena, slice_str(a->sentence)),
			  NULL);
	hub_refuse_as(call, a->code, "%s", a->sentence);
}

static void answered(void *cookie, const struct hub_answer *a)
{
	struct api_call *call = cookie;
	struct slice body;

	call->hub_ask = NULL;
	if (a->e != OK && slice_absent(a->body)) {
		refuse_answer(call, a);
		return;
	}
	if (!slice_absent(a->etag))
		api_add_header(call, "ETag", arena_format(call->arena, "\"%.*s\"", SLICE_ARG(a->etag)));
	if (a->item_type)
		api_add_header(call, "x-ms-item-type", slice_str(a->item_type));
	api_add_header(call, "x-ms-continuation", arena_copy(call->arena, a->continuation));
	if (a->e != OK) /* a bulk call that succeeded in part */
		api_add_header(call, "iothub-errorcode", slice_str(a->code));
	if (slice_absent(a->body)) {
		api_answer_empty(call, 204);
		return;
	}
	body = arena_copy(call->arena, a->body);
	if (slice_absent(body))
		hub_refuse_as(call, "ServerError", "The answer is too large.");
	else
		api_answer_text(call, a->e == OK ? 200 : 400, body);
}

void hub_wait(struct api_call *call, struct hub_ask *ask)
{
	call->hub_ask = ask;
	if (ask == NULL)
		api_refuse_store(call, ERR_NO_MEMORY);
}

struct slice hub_path_device(struct api_call *call)
{
	if (device_id_is_good(call->segment[1]))
		return call->segment[1];
	hub_refuse_as(call, "ArgumentInvalid",
		      "A device ID has 1 to %d of the characters A-Z a-z 0-9 - : . + %% _ # * ? ! ( ) , = @ $ ' and the semicolon.",
		      ID_MAX);
	return NO_SLICE;
}

static void device_there(void *cookie, const struct hub_answer *a)
{
	struct api_call *call = cookie;
	void (*next)(struct api_call *) = *(void (**)(struct api_call *))call->state;

	call->hub_ask = NULL;
	if (a->e != OK)
		refuse_answer(call, a);
	else
		next(call);
}

void hub_need_device(struct api_call *call, void (*next)(struct api_call *))
{
	struct slice id = hub_path_device(call);
	void (**slot)(struct api_call *);

	if (slice_absent(id))
		return;
	if ((slot = arena_alloc(call->arena, sizeof(*slot))) == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return;
	}
	*slot = next;
	call->state = slot;
	hub_wait(call, hub_device_get(call->conf->hubs, call->hub, id, device_there, call));
}

/* --- registry --- */

static void device_get(struct api_call *call)
{
	struct slice id = hub_path_device(call);

	if (!slice_absent(id))
		hub_wait(call, hub_device_get(call->conf->hubs, call->hub, id, answered, call));
}

static void device_put(struct api_call *call)
{
	struct slice id = hub_path_device(call);

	if (!slice_absent(id))
		hub_wait(call,
			 hub_device_put(call->conf->hubs, call->hub, id, api_header(call, "if-match"), call->q->body, answered, call));
}

static void device_delete(struct api_call *call)
{
	struct slice id = hub_path_device(call);

	if (!slice_absent(id))
		hub_wait(call, hub_device_delete(call->conf->hubs, call->hub, id, api_header(call, "if-match"), answered, call));
}

/* A number of at most 1000 from a header or parameter; 0: it is not there, or not such a number. */
static int page_size(struct slice text)
{
	uint64_t n;

	return slice_to_u64(text, &n) && n <= HUB_PAGE_MAX ? (int)n : 0;
}

static void device_list(struct api_call *call)
{
	hub_wait(call, hub_device_list(call->conf->hubs, call->hub, page_size(api_param(call, "top")), answered, call));
}

static void device_bulk(struct api_call *call)
{
	hub_wait(call, hub_device_bulk(call->conf->hubs, call->hub, call->q->body, answered, call));
}

/* --- twins --- */

static void twin_get(struct api_call *call)
{
	struct slice id = hub_path_device(call);

	if (!slice_absent(id))
		hub_wait(call, hub_twin_get(call->conf->hubs, call->hub, id, answered, call));
}

static void twin_put(struct api_call *call)
{
	struct slice id = hub_path_device(call);
	bool replace = call->route->method == HTTP_PUT;

	if (!slice_absent(id))
		hub_wait(call, hub_twin_write(call->conf->hubs, call->hub, id, api_header(call, "if-match"), call->q->body, replace,
					      answered, call));
}

/* --- queries and counts --- */

static void query(struct api_call *call)
{
	struct slice most = api_header(call, "x-ms-max-item-count"), from = api_header(call, "x-ms-continuation");
	uint64_t n = 0;

	/* -1 asks for the usual number, here as in the vendor's other query interfaces. */
	if (!slice_absent(most) && !slice_eq(most, SLICE("-1")) && (!slice_to_u64(most, &n) || n == 0)) {
		hub_refuse_as(call, "ArgumentInvalid", "x-ms-max-item-count must be a number from 1 to %d.", HUB_PAGE_MAX);
		return;
	}
	if (from.n == 0)
		from = NO_SLICE;
	hub_wait(call,
		 hub_query(call->conf->hubs, call->hub, call->q->body, from, n > HUB_PAGE_MAX ? HUB_PAGE_MAX : (int)n, answered, call));
}

static void statistics(struct api_call *call)
{
	bool service = slice_eq_fold(call->segment[1], SLICE("service"));

	hub_wait(call, hub_statistics(call->conf->hubs, call->hub, service, answered, call));
}

/* --- routes: hub-api.md 4.2 and 4.9, with the rights of 3.2, and that of operators who may look but see no keys --- */

static const struct route hub_routes[] = {
	{HTTP_GET, "/devices", RIGHT_REGISTRY_READ, "ListDevices", device_list},
	{HTTP_POST, "/devices", RIGHT_REGISTRY_WRITE, "BulkDevices", device_bulk},
	{HTTP_POST, "/devices/query", RIGHT_SERVICE_CONNECT | RIGHT_HUB_READ, "Query", query},
	{HTTP_GET, "/devices/*", RIGHT_REGISTRY_READ, "GetDevice", device_get},
	{HTTP_PUT, "/devices/*", RIGHT_REGISTRY_WRITE, "PutDevice", device_put},
	{HTTP_DELETE, "/devices/*", RIGHT_REGISTRY_WRITE, "DeleteDevice", device_delete},
	{HTTP_DELETE, "/devices/*/commands", RIGHT_SERVICE_CONNECT, "PurgeMessages", hub_purge},
	{HTTP_GET, "/devices/*/modules", RIGHT_REGISTRY_READ | RIGHT_HUB_READ, "ListModules", hub_modules},
	{HTTP_GET, "/devices/*/modules/*", RIGHT_REGISTRY_READ | RIGHT_HUB_READ, "GetModule", hub_module},
	{HTTP_PUT, "/devices/*/modules/*", RIGHT_REGISTRY_WRITE, "PutModule", hub_unbuilt},
	{HTTP_DELETE, "/devices/*/modules/*", RIGHT_REGISTRY_WRITE, "DeleteModule", hub_module},
	{HTTP_POST, "/devices/*/applyConfigurationContent", RIGHT_REGISTRY_WRITE, "ApplyConfiguration", hub_unbuilt},
	{HTTP_POST, "/devices/*/files", RIGHT_HUB_DEVICE_CONNECT, "UploadFile", hub_files},
	{HTTP_POST, "/devices/*/files/notifications", RIGHT_HUB_DEVICE_CONNECT, "UploadFile", hub_files},

	{HTTP_GET, "/twins/*", RIGHT_SERVICE_CONNECT | RIGHT_HUB_READ, "GetTwin", twin_get},
	{HTTP_PATCH, "/twins/*", RIGHT_SERVICE_CONNECT, "UpdateTwin", twin_put},
	{HTTP_PUT, "/twins/*", RIGHT_SERVICE_CONNECT, "ReplaceTwin", twin_put},
	{HTTP_POST, "/twins/*/methods", RIGHT_SERVICE_CONNECT, "InvokeMethod", hub_method},
	{HTTP_GET, "/twins/*/modules/*", RIGHT_SERVICE_CONNECT | RIGHT_HUB_READ, "GetModuleTwin", hub_module},
	{HTTP_PATCH, "/twins/*/modules/*", RIGHT_SERVICE_CONNECT, "UpdateModuleTwin", hub_module},
	{HTTP_PUT, "/twins/*/modules/*", RIGHT_SERVICE_CONNECT, "ReplaceModuleTwin", hub_module},
	{HTTP_POST, "/twins/*/modules/*/methods", RIGHT_SERVICE_CONNECT, "InvokeModuleMethod", hub_module},

	{HTTP_GET, "/statistics/devices", RIGHT_REGISTRY_READ | RIGHT_HUB_READ, "GetStatistics", statistics},
	{HTTP_GET, "/statistics/service", RIGHT_REGISTRY_READ | RIGHT_HUB_READ, "GetStatistics", statistics},

	{HTTP_GET, "/configurations", RIGHT_REGISTRY_WRITE | RIGHT_HUB_READ, "ListConfigurations", hub_nothing},
	{HTTP_POST, "/configurations/testQueries", RIGHT_REGISTRY_WRITE, "TestConfiguration", hub_unbuilt},
	{HTTP_GET, "/configurations/*", RIGHT_REGISTRY_WRITE | RIGHT_HUB_READ, "GetConfiguration", hub_configuration},
	{HTTP_PUT, "/configurations/*", RIGHT_REGISTRY_WRITE, "PutConfiguration", hub_unbuilt},
	{HTTP_DELETE, "/configurations/*", RIGHT_REGISTRY_WRITE, "DeleteConfiguration", hub_configuration},

	{HTTP_GET, "/jobs", RIGHT_REGISTRY_READ | RIGHT_HUB_READ, "ListJobs", hub_nothing},
	{HTTP_POST, "/jobs/create", RIGHT_REGISTRY_WRITE, "CreateJob", hub_unbuilt},
	{HTTP_GET, "/jobs/*", RIGHT_REGISTRY_READ | RIGHT_HUB_READ, "GetJob", hub_job},
	{HTTP_DELETE, "/jobs/*", RIGHT_REGISTRY_WRITE, "CancelJob", hub_job},
	{HTTP_GET, "/jobs/v2/query", RIGHT_SERVICE_CONNECT | RIGHT_HUB_READ, "QueryJobs", hub_scheduled_jobs},
	{HTTP_GET, "/jobs/v2/*", RIGHT_SERVICE_CONNECT | RIGHT_HUB_READ, "GetJob", hub_job},
	{HTTP_PUT, "/jobs/v2/*", RIGHT_SERVICE_CONNECT, "CreateJob", hub_unbuilt},
	{HTTP_POST, "/jobs/v2/*/cancel", RIGHT_SERVICE_CONNECT, "CancelJob", hub_job},

	{HTTP_GET, "/digitaltwins/*", RIGHT_SERVICE_CONNECT | RIGHT_HUB_READ, "GetDigitalTwin", hub_digital_twin},
	{HTTP_PATCH, "/digitaltwins/*", RIGHT_SERVICE_CONNECT, "UpdateDigitalTwin", hub_digital_twin},
	{HTTP_POST, "/digitaltwins/*/commands/*", RIGHT_SERVICE_CONNECT, "InvokeCommand", hub_digital_twin},
	{HTTP_POST, "/digitaltwins/*/components/*/commands/*", RIGHT_SERVICE_CONNECT, "InvokeCommand", hub_digital_twin},

	{HTTP_GET, "/messages/serviceBound/feedback", RIGHT_SERVICE_CONNECT, "ReceiveFeedback", hub_feedback},
	{HTTP_DELETE, "/messages/serviceBound/feedback/*", RIGHT_SERVICE_CONNECT, "CompleteFeedback", hub_feedback_lock},
	{HTTP_POST, "/messages/serviceBound/feedback/*/abandon", RIGHT_SERVICE_CONNECT, "AbandonFeedback", hub_feedback_lock},
	{HTTP_OTHER, NULL, 0, NULL, NULL},
};

const struct surface surface_hub = {"hub-operation", hub_routes, API_BODY_MAX, access_hub, hub_refuse};
