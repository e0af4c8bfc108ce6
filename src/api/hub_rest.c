/*
 * hub_rest.c: what a hosted hub answers about things it does not have: methods, modules, configurations, jobs, digital
 * twins, files and feedback (hub-api.md 4.8, 4.9). Each is told so in the words its clients know.
 */
#include "api/hub_own.h"

/* --- direct methods --- */

/* No device can be connected, for nothing but REST is spoken yet; so there is nothing to wait for either. */
static void method_device_there(struct api_call *call)
{
	hub_refuse_as(call, "DeviceNotOnline", "Timed out waiting for device to connect.");
}

void hub_method(struct api_call *call)
{
	json_t *body = NULL, *name;
	const char *why = NULL;
	bool named;

	if (json_read(call->q->body, call->arena, &body, &why) != OK) {
		hub_refuse_as(call, "ArgumentInvalid", "%s", why ? why : "The JSON is malformed.");
		return;
	}
	name = json_get_fold(body, "methodName");
	named = json_is_string(name) && json_string_length(name) > 0;
	json_decref(body);
	if (named)
		hub_need_device(call, method_device_there);
	else
		hub_refuse_as(call, "ArgumentInvalid", "methodName is missing.");
}

/* --- of a device --- */

static void purged(struct api_call *call)
{
	json_open(&call->out, NULL, '{');
	json_int(&call->out, "totalMessagesPurged", 0);
	json_text(&call->out, "deviceId", call->segment[1]);
	json_none(&call->out, "moduleId");
	json_close(&call->out, '}');
	api_answer_out(call, 200);
}

void hub_purge(struct api_call *call)
{
	hub_need_device(call, purged);
}

void hub_modules(struct api_call *call)
{
	hub_need_device(call, hub_nothing);
}

static void no_module(struct api_call *call)
{
	hub_refuse_as(call, "ModuleNotFound", "The device '%.*s' has no module '%.*s'.", SLICE_ARG(call->segment[1]),
		      SLICE_ARG(call->segment[3]));
}

void hub_module(struct api_call *call)
{
	hub_need_device(call, no_module);
}

void hub_files(struct api_call *call)
{
	hub_refuse_as(call, "DefaultStorageEndpointNotConfigured", "This hub has no storage for files.");
}

/* --- of the hub --- */

void hub_configuration(struct api_call *call)
{
	hub_refuse_as(call, "ConfigurationNotFound", "There is no configuration '%.*s'.", SLICE_ARG(call->segment[1]));
}

void hub_job(struct api_call *call)
{
	hub_refuse_as(call, "JobNotFound", "There is no such job.");
}

void hub_scheduled_jobs(struct api_call *call)
{
	api_add_header(call, "x-ms-item-type", SLICE("JobResponse"));
	hub_nothing(call);
}

void hub_digital_twin(struct api_call *call)
{
	hub_refuse_as(call, "FeatureNotSupported", "This hub has no digital twins.");
}

/* 204: no feedback is waiting, for no message was ever sent. */
void hub_feedback(struct api_call *call)
{
	api_answer_empty(call, 204);
}

void hub_feedback_lock(struct api_call *call)
{
	hub_refuse_as(call, "DeviceMessageLockLost", "Nothing is locked under this token.");
}

void hub_nothing(struct api_call *call)
{
	api_answer_text(call, 200, SLICE("[]"));
}

void hub_unbuilt(struct api_call *call)
{
	hub_refuse_as(call, "NotImplemented", "This hub cannot do that yet.");
}
