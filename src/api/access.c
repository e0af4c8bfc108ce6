/*
 * access.c: who may ask what: tenants by host name, shared access policies, and the administrator.
 */
#include <stdio.h>

#include "base/text.h"
#include "crypto/digest.h"
#include "crypto/token.h"
#include "io/rate.h"
#include "api/api_call.h"

/* --- rights --- */

static const struct {
	struct slice name;
	bool hub;
	unsigned grants; /* the right itself and those that it includes */
} right_names[] = {
	{SLICE("ServiceConfig"), false, RIGHT_SERVICE_CONFIG},
	{SLICE("EnrollmentRead"), false, RIGHT_ENROLLMENT_READ},
	{SLICE("EnrollmentWrite"), false,
	 RIGHT_ENROLLMENT_WRITE | RIGHT_ENROLLMENT_READ | RIGHT_REGISTRATION_READ | RIGHT_REGISTRATION_WRITE},
	{SLICE("RegistrationStatusRead"), false, RIGHT_REGISTRATION_READ},
	{SLICE("RegistrationStatusWrite"), false, RIGHT_REGISTRATION_WRITE | RIGHT_REGISTRATION_READ},
	{SLICE("DeviceConnect"), false, RIGHT_DEVICE_CONNECT},
	{SLICE("RegistryRead"), true, RIGHT_REGISTRY_READ},
	{SLICE("RegistryWrite"), true, RIGHT_REGISTRY_WRITE | RIGHT_REGISTRY_READ},
	{SLICE("ServiceConnect"), true, RIGHT_SERVICE_CONNECT},
	{SLICE("DeviceConnect"), true, RIGHT_HUB_DEVICE_CONNECT},
};

enum err rights_read(struct slice text, bool hub, unsigned *out)
{
	struct slice rest = text, piece;
	unsigned rights = 0;

	while (slice_next(&rest, ',', &piece)) {
		size_t i, n = sizeof(right_names) / sizeof(right_names[0]);

		piece = slice_trim(piece);
		for (i = 0; i < n; i++)
			if (right_names[i].hub == hub && slice_eq_fold(piece, right_names[i].name))
				break;
		if (i == n)
			return ERR_INVALID;
		rights |= right_names[i].grants;
	}
	*out = rights;
	return rights ? OK : ERR_INVALID;
}

/* --- refusals --- */

/* The asker hears "Unauthorized"; the operator's log says which check failed (service-api.md 3.5). */
static void deny(struct api_call *call, const char *reason)
{
	call->refusal = reason;
	api_refuse(call, 401, 401002, "IotHubUnauthorizedAccess", "Unauthorized");
}

/* --- tokens --- */

struct access {
	struct token token;
	struct service service_like;
	struct hub hub_like;
	struct policy policy_like;
	struct store_want want[2];
	bool hub;
};

struct slice host_label(const struct api_call *call, struct slice host)
{
	struct slice domain = slice_str(call->conf->domain), label;

	if (host.n <= domain.n + 1 || !slice_ends_fold(host, domain) || host.p[host.n - domain.n - 1] != '.')
		return NO_SLICE;
	label = slice_to(host, host.n - domain.n - 1);
	return slice_find(label, '.') < 0 ? arena_fold(call->arena, label) : NO_SLICE;
}

/* Whether the token's resource covers the request: the host, or a prefix of host/path on a '/' boundary, with
 * "https://" and a port tolerated (service-api.md 3.3, hub-api.md 3.3). Device IDs in the path keep their case; the rest of the
 * comparison does not need it, because the policy's key has signed for all of the tenant anyway. */
static bool resource_covers(struct api_call *call, struct slice resource)
{
	struct slice host, path, segment;
	ptrdiff_t slash, colon;
	size_t i = 0;

	if (slice_starts_fold(resource, SLICE("https://")))
		resource = slice_from(resource, 8);
	slash = slice_find(resource, '/');
	host = slash < 0 ? resource : slice_to(resource, (size_t)slash);
	path = slash < 0 ? NO_SLICE : slice_from(resource, (size_t)slash + 1);
	if ((colon = slice_find(host, ':')) >= 0)
		host = slice_to(host, (size_t)colon);
	if (!slice_eq_fold(host, call->q->host))
		return false;
	while (slice_next(&path, '/', &segment)) {
		if (segment.n == 0 && slice_absent(path))
			break;
		if (i == call->segments || !slice_eq_fold(segment, call->segment[i]))
			return false;
		i++;
	}
	return true;
}

static bool key_made(const struct api_call *call, const struct token *token, struct slice key_text)
{
	struct slice key = base64_decode(call->arena, key_text);

	return key.n > 0 && token_signed_by(token, key);
}

static const char *check_token(struct api_call *call, const struct access *a, const struct policy *policy)
{
	unsigned rights;

	if (!resource_covers(call, a->token.resource))
		return "the token is for another resource";
	if (token_expired(&a->token, loop_wall(call->conf->loop)))
		return "the token has expired";
	if (!key_made(call, &a->token, policy->primary_key) && !key_made(call, &a->token, policy->secondary_key))
		return "the signature was made with neither key of the policy";
	if (rights_read(policy->rights, a->hub, &rights) != OK || (call->route->rights && !(rights & call->route->rights)))
		return "the policy does not grant the right that this operation needs";
	return NULL;
}

static bool bearer_is_administrator(const struct api_call *call)
{
	struct slice given = api_header(call, "authorization"), expected = slice_str(call->conf->admin_token);

	if (!slice_starts_fold(given, SLICE("Bearer ")) || expected.n == 0)
		return false;
	return same_secret(slice_trim(slice_from(given, 7)), expected);
}

/* --- tenants --- */

static void tenant_found(struct api_call *call, enum err e)
{
	struct access *a = call->state;
	struct store_want *tenant = &a->want[0], *policy = &a->want[1];
	const char *reason;
	int wait_ms;

	if (e != OK) {
		api_refuse_store(call, e);
		return;
	}
	if (tenant->count == 0) {
		deny(call, a->hub ? "no hub of this name lives here" : "no provisioning service of this name lives here");
		return;
	}
	if (a->hub)
		call->hub = ((struct hub *)tenant->records)->name_folded;
	else
		call->service = tenant->records;
	if (call->q->trusted || bearer_is_administrator(call)) {
		call->who = call->q->trusted ? "this server" : "administrator";
		api_go_on(call);
		return;
	}
	if (policy->noun == NULL)
		reason = "no SharedAccessSignature and no valid bearer token";
	else if (policy->count == 0)
		reason = "there is no policy of that name";
	else
		reason = check_token(call, a, policy->records);
	if (reason) {
		deny(call, reason);
		return;
	}
	call->who = arena_str(call->arena, a->token.key_name);
	if (!a->hub && (wait_ms = rate_take(call->conf->operations, call->service->scope, loop_now_ms(call->conf->loop))) > 0) {
		api_add_header(call, "Retry-After", arena_format(call->arena, "%d", wait_ms / 1000 + 1));
		api_refuse(call, 429, 429000, NULL, "This provisioning service takes no more operations within this minute.");
		return;
	}
	api_go_on(call);
}

/* Everything that the decision needs, in one read: the tenant by its folded name, and the policy that the token names. */
static void access_tenant(struct api_call *call, bool hub)
{
	struct slice label = host_label(call, call->q->host), given = api_header(call, "authorization");
	struct access *a = arena_alloc(call->arena, sizeof(*a));
	size_t wants = 1;
	const char *why;

	if (a == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return;
	}
	if (slice_absent(label)) {
		deny(call, "the host name is none of this server's");
		return;
	}
	call->state = a;
	a->hub = hub;
	a->service_like.name_folded = a->hub_like.name_folded = label;
	a->want[0] = hub ? (struct store_want){.noun = &noun_hub, .like = &a->hub_like, .keys = 1}
			 : (struct store_want){.noun = &noun_service, .by = SERVICE_BY_NAME, .like = &a->service_like, .keys = 1};
	if (slice_starts_fold(given, SLICE("SharedAccessSignature "))) {
		if (token_read(given, call->arena, &a->token, &why) != OK || slice_absent(a->token.key_name)) {
			deny(call, "the token cannot be read, or names no policy");
			return;
		}
		a->policy_like.owner = arena_format(call->arena, "%s/%.*s", hub ? "hub" : "dps", SLICE_ARG(label));
		a->policy_like.id = arena_fold(call->arena, a->token.key_name);
		a->want[wants++] = (struct store_want){.noun = &noun_policy, .like = &a->policy_like, .keys = 2};
	}
	api_read(call, a->want, wants, tenant_found);
}

void access_service(struct api_call *call)
{
	access_tenant(call, false);
}

void access_hub(struct api_call *call)
{
	access_tenant(call, true);
}

void access_administrator(struct api_call *call)
{
	if (!bearer_is_administrator(call)) {
		deny(call, "the bearer token is not the administrator's");
		return;
	}
	call->who = "administrator";
	api_go_on(call);
}
