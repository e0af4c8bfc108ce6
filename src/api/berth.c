/*
 * berth.c: what the portal's host answers under /berth/: its routes, and its way of saying no.
 */
#include "api/overview.h"
#include "api/service.h"
#include "api/session.h"

#define PORTAL_BODY_MAX 16384

/* What a refusal without a word of its own is called. */
static const char *word_of(int status)
{
	switch (status) {
	case 400: return "ArgumentInvalid";
	case 401: return "SignedOut";
	case 403: return "Forbidden";
	case 404: return "NotFound";
	case 409: return "Conflict";
	case 412: return "PreconditionFailed";
	case 429: return "TooManyRequests";
	default: return "ServerError";
	}
}

static void portal_refuse(struct api_call *call, int status, int code, const char *word, const char *sentence)
{
	(void)code;
	json_open(&call->out, NULL, '{');
	json_str(&call->out, "code", word ? word : word_of(status));
	json_str(&call->out, "message", sentence);
	json_close(&call->out, '}');
}

static const struct route portal_routes[] = {
	{HTTP_POST, "/berth/session", RIGHT_ANYBODY, "SignIn", session_sign_in},
	{HTTP_GET, "/berth/session", RIGHT_OWN_SESSION, "GetSession", session_show},
	{HTTP_DELETE, "/berth/session", RIGHT_OWN_SESSION, "SignOut", session_sign_out},
	{HTTP_PUT, "/berth/session/password", RIGHT_OWN_SESSION, "PutPassword", session_password},
	{HTTP_GET, "/berth/overview", RIGHT_RESOURCE_READ, "GetOverview", overview_get},
	{HTTP_GET, "/berth/events", RIGHT_REGISTRATION_READ, "Watch", service_events},
	{HTTP_POST, "/berth/linktest", RIGHT_RESOURCE_WRITE, "TestLink", service_link_test},
	{HTTP_GET, "/berth/operators", RIGHT_OPERATORS, "ListOperators", operator_list},
	{HTTP_PUT, "/berth/operators/*", RIGHT_OPERATORS, "PutOperator", operator_put},
	{HTTP_DELETE, "/berth/operators/*", RIGHT_OPERATORS, "DeleteOperator", operator_delete},
	{HTTP_OTHER, NULL, 0, NULL, NULL},
};

const struct surface surface_portal = {"portal-operation", portal_routes, PORTAL_BODY_MAX, access_operator, portal_refuse};
