/*
 * manage.c: the management API: routes, refusals, and the operations that are about no resource in particular
 * (service-api.md 11.1, 11.3, 11.5).
 */
#include "api/manage.h"

/* Validation errors are flat, as the provider's; a missing resource and missing rights are wrapped, as ARM's own (11.5). */
static void manage_refuse(struct api_call *call, int status, int code, const char *word, const char *sentence)
{
	struct json_out *out = &call->out;

	json_open(out, NULL, '{');
	if (status == 401 || status == 403 || status == 404 || status == 405) {
		json_open(out, "error", '{');
		/* Who is not let in at all hears ARM's word for it, whatever the other surfaces call it. */
		json_str(out, "code",
			 status == 401   ? "AuthenticationFailed"
			 : word          ? word
			 : status == 404 ? "ResourceNotFound"
					 : "AuthorizationFailed");
		json_str(out, "message", sentence);
		json_close(out, '}');
	} else {
		json_int(out, "code", code);
		json_str(out, "httpStatusCode", word ? word : "BadRequest");
		json_str(out, "message", sentence);
	}
	json_close(out, '}');
}

/* --- names --- */

const char *resource_name_wrong(struct slice name)
{
	if (!name_is_good(name))
		return "A name has 3 to 50 letters, digits or '-', no '-' at either end, and is not all digits.";
	if (slice_eq_fold(name, SLICE("global")) || slice_eq_fold(name, SLICE("portal")))
		return "The names global and portal are this server's own.";
	return NULL;
}

struct name_check {
	struct name like;
	struct slice wanted;
	struct store_want want;
};

static void name_answer(struct api_call *call, const char *reason, const char *message)
{
	json_open(&call->out, NULL, '{');
	json_bool(&call->out, "nameAvailable", reason == NULL);
	/* An available name has the reason "Invalid" in the original too; clients look at nameAvailable only (11.3). */
	json_str(&call->out, "reason", reason ? reason : "Invalid");
	if (message)
		json_str(&call->out, "message", message);
	else
		json_none(&call->out, "message");
	json_close(&call->out, '}');
	api_answer_out(call, 200);
}

static void name_read(struct api_call *call, enum err e)
{
	struct name_check *check = call->state;

	if (e != OK)
		api_refuse_store(call, e);
	else if (check->want.count)
		name_answer(call, "AlreadyExists",
			    arena_printf(call->arena, "The name %.*s is taken: services and hubs share one space of names.",
					 SLICE_ARG(check->wanted)));
	else
		name_answer(call, NULL, NULL);
}

static void check_name(struct api_call *call)
{
	struct name_check *check = arena_alloc(call->arena, sizeof(*check));
	const char *why = NULL, *wrong;
	json_t *json = NULL;

	if (check == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return;
	}
	if (json_read(call->q->body, call->arena, &json, &why) != OK || !json_is_object(json)) {
		json_decref(json);
		api_refuse(call, 400, 400001, NULL, "%s", why ? why : "The body must be an object.");
		return;
	}
	check->wanted = arena_copy(call->arena, slice_str(json_string_value(json_get_fold(json, "name"))));
	json_decref(json);
	call->state = check;
	if ((wrong = resource_name_wrong(check->wanted)) != NULL) {
		name_answer(call, "Invalid", wrong);
		return;
	}
	check->like.id = arena_fold(call->arena, check->wanted);
	check->want = (struct store_want){.noun = &noun_name, .like = &check->like, .keys = 1};
	api_read(call, &check->want, 1, name_read);
}

/* --- what is there to be listed --- */

static const char *const operations[][2] = {
	{"Microsoft.Devices/provisioningServices/Read", "Read a provisioning service"},
	{"Microsoft.Devices/provisioningServices/Write", "Create or change a provisioning service"},
	{"Microsoft.Devices/provisioningServices/Delete", "Delete a provisioning service"},
	{"Microsoft.Devices/provisioningServices/listkeys/Action", "Read its keys"},
	{"Microsoft.Devices/iotHubs/Read", "Read a hosted IoT hub"},
	{"Microsoft.Devices/iotHubs/Write", "Create or change a hosted IoT hub"},
	{"Microsoft.Devices/iotHubs/Delete", "Delete a hosted IoT hub"},
	{"Microsoft.Devices/iotHubs/listkeys/Action", "Read its keys"},
};

static void list_operations(struct api_call *call)
{
	json_open(&call->out, NULL, '{');
	json_open(&call->out, "value", '[');
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		json_open(&call->out, NULL, '{');
		json_str(&call->out, "name", operations[i][0]);
		json_open(&call->out, "display", '{');
		json_str(&call->out, "provider", "Microsoft Devices");
		json_str(&call->out, "operation", operations[i][1]);
		json_close(&call->out, '}');
		json_close(&call->out, '}');
	}
	json_close(&call->out, ']');
	json_close(&call->out, '}');
	api_answer_out(call, 200);
}

/* Resource groups are labels here: any name is one (11.1). */
static void resource_group(struct api_call *call)
{
	struct slice group = call->segment[SEGMENT_GROUP];

	json_open(&call->out, NULL, '{');
	json_text(&call->out, "id",
		  arena_format(call->arena, "/subscriptions/%.*s/resourceGroups/%.*s", SLICE_ARG(call->segment[SEGMENT_SUBSCRIPTION]),
			       SLICE_ARG(group)));
	json_text(&call->out, "name", group);
	json_str(&call->out, "type", "Microsoft.Resources/resourceGroups");
	json_str(&call->out, "location", "local");
	json_open(&call->out, "properties", '{');
	json_str(&call->out, "provisioningState", "Succeeded");
	json_close(&call->out, '}');
	json_close(&call->out, '}');
	api_answer_out(call, 200);
}

static void list_skus(struct api_call *call)
{
	api_answer_text(call, 200, SLICE("{\"value\":[{\"name\":\"S1\"}]}"));
}

/* Every change is done when it is answered, so an operation that is asked about has succeeded (11.4). */
static void operation_result(struct api_call *call)
{
	api_answer_text(call, 200, SLICE("{\"status\":\"Succeeded\"}"));
}

static void empty_array(struct api_call *call)
{
	api_answer_text(call, 200, SLICE("[]"));
}

/* The one group that the original has. */
#define PRIVATE_LINK                                                                                                                       \
	"{\"name\":\"iotDps\",\"type\":\"Microsoft.Devices/provisioningServices/privateLinkResources\","                                   \
	"\"properties\":{\"groupId\":\"iotDps\",\"requiredMembers\":[\"iotDps\"],"                                                         \
	"\"requiredZoneNames\":[\"privatelink.azure-devices-provisioning.net\"]}}"

static void private_links(struct api_call *call)
{
	api_answer_text(call, 200, SLICE("{\"value\":[" PRIVATE_LINK "]}"));
}

static void private_link(struct api_call *call)
{
	api_answer_text(call, 200, SLICE(PRIVATE_LINK));
}

#define SUB      "/subscriptions/*"
#define DEVICES  SUB "/providers/Microsoft.Devices"
#define GROUPED  SUB "/resourceGroups/*/providers/Microsoft.Devices"
#define SERVICES GROUPED "/provisioningServices"
#define HUBS     GROUPED "/IotHubs"

static const struct route manage_routes[] = {
	{HTTP_GET, "/providers/Microsoft.Devices/operations", RIGHT_RESOURCE_READ, "ListOperations", list_operations},
	{HTTP_POST, DEVICES "/checkProvisioningServiceNameAvailability", RIGHT_RESOURCE_READ, "CheckName", check_name},
	{HTTP_POST, DEVICES "/checkNameAvailability", RIGHT_RESOURCE_READ, "CheckName", check_name},
	{HTTP_GET, SUB "/resourceGroups/*", RIGHT_RESOURCE_READ, "GetResourceGroup", resource_group},

	{HTTP_GET, DEVICES "/provisioningServices", RIGHT_RESOURCE_READ, "ListServices", manage_service_list},
	{HTTP_GET, SERVICES, RIGHT_RESOURCE_READ, "ListServices", manage_service_list},
	{HTTP_GET, SERVICES "/*", RIGHT_RESOURCE_READ, "GetService", manage_service_get},
	{HTTP_PUT, SERVICES "/*", RIGHT_RESOURCE_WRITE, "PutService", manage_service_put},
	{HTTP_PATCH, SERVICES "/*", RIGHT_RESOURCE_WRITE, "PatchService", manage_service_patch},
	{HTTP_DELETE, SERVICES "/*", RIGHT_RESOURCE_WRITE, "DeleteService", manage_service_delete},
	{HTTP_POST, SERVICES "/*/listkeys", RIGHT_RESOURCE_KEYS, "ListServiceKeys", manage_service_keys},
	{HTTP_POST, SERVICES "/*/keys/*/listkeys", RIGHT_RESOURCE_KEYS, "ListServiceKeys", manage_service_keys},
	{HTTP_GET, SERVICES "/*/skus", RIGHT_RESOURCE_READ, "ListSkus", list_skus},
	{HTTP_GET, SERVICES "/*/operationresults/*", RIGHT_RESOURCE_READ, "OperationResult", operation_result},
	{HTTP_GET, SERVICES "/*/certificates", RIGHT_RESOURCE_READ, "ListCertificates", manage_certificate_list},
	{HTTP_GET, SERVICES "/*/certificates/*", RIGHT_RESOURCE_READ, "GetCertificate", manage_certificate_get},
	{HTTP_PUT, SERVICES "/*/certificates/*", RIGHT_RESOURCE_WRITE, "PutCertificate", manage_certificate_put},
	{HTTP_DELETE, SERVICES "/*/certificates/*", RIGHT_RESOURCE_WRITE, "DeleteCertificate", manage_certificate_delete},
	{HTTP_POST, SERVICES "/*/certificates/*/generateVerificationCode", RIGHT_RESOURCE_WRITE, "GenerateVerificationCode",
	 manage_certificate_code},
	{HTTP_POST, SERVICES "/*/certificates/*/verify", RIGHT_RESOURCE_WRITE, "VerifyCertificate", manage_certificate_verify},
	{HTTP_GET, SERVICES "/*/privateLinkResources", RIGHT_RESOURCE_READ, "ListPrivateLinks", private_links},
	{HTTP_GET, SERVICES "/*/privateLinkResources/iotDps", RIGHT_RESOURCE_READ, "GetPrivateLink", private_link},
	{HTTP_GET, SERVICES "/*/privateEndpointConnections", RIGHT_RESOURCE_READ, "ListPrivateEndpoints", empty_array},

	{HTTP_GET, DEVICES "/IotHubs", RIGHT_RESOURCE_READ, "ListHubs", manage_hub_list},
	{HTTP_GET, HUBS, RIGHT_RESOURCE_READ, "ListHubs", manage_hub_list},
	{HTTP_GET, HUBS "/*", RIGHT_RESOURCE_READ, "GetHub", manage_hub_get},
	{HTTP_PUT, HUBS "/*", RIGHT_RESOURCE_WRITE, "PutHub", manage_hub_put},
	{HTTP_PATCH, HUBS "/*", RIGHT_RESOURCE_WRITE, "PatchHub", manage_hub_patch},
	{HTTP_DELETE, HUBS "/*", RIGHT_RESOURCE_WRITE, "DeleteHub", manage_hub_delete},
	{HTTP_POST, HUBS "/*/listkeys", RIGHT_RESOURCE_KEYS, "ListHubKeys", manage_hub_keys},
	{HTTP_POST, HUBS "/*/IotHubKeys/*/listkeys", RIGHT_RESOURCE_KEYS, "ListHubKeys", manage_hub_keys},
	{HTTP_OTHER, NULL, 0, NULL, NULL},
};

const struct surface surface_manage = {"management-operation", manage_routes, API_BODY_MAX, access_operator, manage_refuse};
