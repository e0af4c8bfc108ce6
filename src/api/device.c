/*
 * device.c: the device API over HTTPS (device-api.md 9).
 */
#include <stdio.h>

#include "api/api_call.h"

/* device-api.md 5.5. What the device reads; no `info`, because Java types its values as strings. */
static void device_refuse(struct api_call *call, int status, int code, const char *word, const char *sentence)
{
	char at[INSTANT_TEXT];

	(void)word;
	json_open(&call->out, NULL, '{');
	json_int(&call->out, "errorCode", code);
	json_str(&call->out, "trackingId", call->q->request_id);
	json_str(&call->out, "message", sentence);
	json_str(&call->out, "timestampUtc", instant_print(loop_wall(call->conf->loop), INSTANT_ISO7, at));
	json_close(&call->out, '}');
	api_add_header(call, "x-ms-error-code", arena_format(call->arena, "%d", code));
	if (status >= 500)
		api_add_header(call, "Retry-After", arena_format(call->arena, "%d", RETRY_AFTER_SECONDS)); /* 9.2 */
}

/* A device is judged by its enrollment, later; here only the form of the request is looked at (device-api.md 3.1). */
static void device_admit(struct api_call *call)
{
	struct slice version = http_query(call->q->head->query, "api-version");

	if (version.n == 0) {
		api_refuse(call, 400, 400004, NULL, "The query parameter api-version is missing.");
		return;
	}
	api_go_on(call);
}

static void answered(void *cookie, const struct device_answer *a)
{
	struct api_call *call = cookie;
	bool registering = call->route->method == HTTP_PUT;
	int status = a->status;

	call->provision_ask = NULL;
	/* .NET and IoT Edge take nothing but 202 for a register (device-api.md 2, rule 1). */
	if (registering && status == 200)
		status = 202;
	if (status < 300 && registering)
		api_add_header(
			call, "Location",
			arena_format(call->arena, "https://%.*s%.*s", SLICE_ARG(call->q->head->authority), SLICE_ARG(call->q->head->path)));
	if (a->retry_after > 0)
		api_add_header(call, "Retry-After", arena_format(call->arena, "%d", a->retry_after));
	if (a->error_code)
		api_add_header(call, "x-ms-error-code", arena_format(call->arena, "%d", a->error_code));
	api_answer_text(call, status, arena_copy(call->arena, a->body));
}

static void ask(struct api_call *call, enum device_op op)
{
	const struct device_question q = {
		.op = op,
		.scope = call->segment[0],
		.registration_id = call->segment[2],
		.operation_id = op == DEVICE_OPERATION_STATUS ? call->segment[4] : NO_SLICE,
		.token = api_header(call, "authorization"),
		.chain = call->q->chain,
		.chain_count = call->q->chain_count,
		.body = call->q->body,
		.protocol = call->q->protocol,
		.peer = call->q->peer,
		.request_id = call->q->request_id,
	};

	call->provision_ask = provision_ask(call->conf->provision, &q, answered, call);
	if (call->provision_ask == NULL)
		api_refuse(call, 500, 500001, NULL, "Out of memory.");
}

static void register_device(struct api_call *call)
{
	ask(call, DEVICE_REGISTER);
}

static void operation_status(struct api_call *call)
{
	ask(call, DEVICE_OPERATION_STATUS);
}

static void registration_status(struct api_call *call)
{
	ask(call, DEVICE_REGISTRATION_STATUS);
}

static const struct route device_routes[] = {
	{HTTP_PUT, "/*/registrations/*/register", 0, "Register", register_device},
	{HTTP_GET, "/*/registrations/*/operations/*", 0, "OperationStatusLookup", operation_status},
	{HTTP_POST, "/*/registrations/*", 0, "DeviceRegistrationStatusLookup", registration_status},
	{HTTP_OTHER, NULL, 0, NULL, NULL},
};

const struct surface surface_device = {"device-operation", device_routes, API_DEVICE_BODY_MAX, device_admit, device_refuse};
