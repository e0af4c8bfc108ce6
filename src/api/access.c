/*
 * access.c: who may ask what: tenants by host name, shared access policies, operators by their role, and the administrator.
 */
#include <stdio.h>

#include "base/text.h"
#include "crypto/digest.h"
#include "crypto/token.h"
#include "io/rate.h"
#include "api/session.h"

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

bool rights_suffice(unsigned needed, unsigned has)
{
	if (needed & RIGHT_ALL_OF)
		return (needed & ~RIGHT_ALL_OF & ~has) == 0;
	return (needed & has) != 0;
}

/* --- roles: what operators may --- */

static const struct {
	struct slice role;
	unsigned rights;
} roles[] = {
	{SLICE("administrator"), ~0u},
	{SLICE("reader"), RIGHT_OWN_SESSION | RIGHT_RESOURCE_READ | RIGHT_ENROLLMENT_READ | RIGHT_REGISTRATION_READ | RIGHT_HUB_READ},
};

unsigned role_rights(struct slice role)
{
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (slice_eq(role, roles[i].role))
			return roles[i].rights;
	return 0;
}

/* --- refusals --- */

/* The asker hears "Unauthorized"; the operator's log says which check failed (service-api.md 3.5). */
static void deny(struct api_call *call, const char *reason)
{
	call->refusal = reason;
	api_refuse(call, 401, 401002, NULL, "Unauthorized");
}

/* --- credentials --- */

/* A header counts before a cookie: it is meant for this request, and a cookie comes by itself. */
enum asker { NOBODY, THIS_SERVER, ADMINISTRATOR, TOKEN_HOLDER, OPERATOR };

struct access {
	enum asker asker;
	struct token token;
	struct service service_like;
	struct hub hub_like;
	struct policy policy_like;
	struct store_want want[2]; /* the tenant; the policy of the token, or the session */
	bool hub;
};

static bool bearer_is_administrator(const struct api_call *call, struct slice given)
{
	struct slice expected = slice_str(call->conf->admin_token);

	if (!slice_starts_fold(given, SLICE("Bearer ")) || expected.n == 0)
		return false;
	return same_secret(slice_trim(slice_from(given, 7)), expected);
}

/* A session is to be read with the want. */
static enum asker asker_of(struct api_call *call, struct store_want *session)
{
	struct slice given = api_header(call, "authorization");

	if (call->q->trusted)
		return THIS_SERVER;
	if (slice_absent(given))
		return session_wanted(call, session) ? OPERATOR : NOBODY;
	if (slice_starts_fold(given, SLICE("SharedAccessSignature ")))
		return TOKEN_HOLDER;
	return bearer_is_administrator(call, given) ? ADMINISTRATOR : NOBODY;
}

/* --- tokens --- */

struct slice label_below(struct slice domain, struct slice host)
{
	struct slice label;

	if (host.n <= domain.n + 1 || !slice_ends_fold(host, domain) || host.p[host.n - domain.n - 1] != '.')
		return NO_SLICE;
	label = slice_to(host, host.n - domain.n - 1);
	return slice_find(label, '.') < 0 ? label : NO_SLICE;
}

struct slice host_label(const struct api_call *call, struct slice host)
{
	return arena_fold(call->arena, label_below(slice_str(call->conf->domain), host));
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
	if (rights_read(policy->rights, a->hub, &rights) != OK || (call->route->rights && !rights_suffice(call->route->rights, rights)))
		return "the policy does not grant the right that this operation needs";
	return NULL;
}

/* --- tenants --- */

/* One who may know hears that there is no such tenant; anybody else hears what he hears of one that is there. */
static void refuse_tenant(struct api_call *call, const struct access *a)
{
	struct slice label = a->hub ? a->hub_like.name_folded : a->service_like.name_folded;
	const char *kind = a->hub ? "hub" : "provisioning service";

	if (a->asker == ADMINISTRATOR || a->asker == OPERATOR)
		api_refuse(call, 404, 404000, NULL, "There is no %s called %.*s.", kind, SLICE_ARG(label));
	else
		deny(call, arena_printf(call->arena, "no %s of this name lives here", kind));
}

/* The token is good: only its rate is left to be kept. */
static void let_token_in(struct api_call *call, const struct access *a)
{
	int wait_ms;

	call->who = arena_str(call->arena, a->token.key_name);
	if (!a->hub && (wait_ms = rate_take(call->conf->operations, call->service->scope, loop_now_ms(call->conf->loop))) > 0) {
		api_add_header(call, "Retry-After", arena_format(call->arena, "%d", wait_ms / 1000 + 1));
		api_refuse(call, 429, 429000, NULL, "This provisioning service takes no more operations within this minute.");
		return;
	}
	api_go_on(call);
}

static void judge_token(struct api_call *call, const struct access *a)
{
	const struct store_want *policy = &a->want[1];
	const char *reason = policy->count ? check_token(call, a, policy->records) : "there is no policy of that name";

	if (reason)
		deny(call, reason);
	else
		let_token_in(call, a);
}

static void tenant_found(struct api_call *call, enum err e)
{
	struct access *a = call->state;
	struct store_want *tenant = &a->want[0];

	if (e != OK) {
		api_refuse_store(call, e);
		return;
	}
	if (a->asker == OPERATOR && !session_accepted(call, &a->want[1]))
		return;
	if (tenant->count == 0) {
		refuse_tenant(call, a);
		return;
	}
	if (a->hub)
		call->hub = ((struct hub *)tenant->records)->name_folded;
	else
		call->service = tenant->records;
	switch (a->asker) {
	case NOBODY: deny(call, "no SharedAccessSignature, no valid bearer token and no session"); break;
	case TOKEN_HOLDER: judge_token(call, a); break;
	case OPERATOR: session_go_on(call); break;
	default: call->who = a->asker == THIS_SERVER ? "this server" : "administrator"; api_go_on(call);
	}
}

/* False: the token cannot be one of a policy. */
static bool want_policy(struct api_call *call, struct access *a, struct slice label)
{
	const char *why;

	if (token_read(api_header(call, "authorization"), call->arena, &a->token, &why) != OK || slice_absent(a->token.key_name))
		return false;
	a->policy_like.owner = arena_format(call->arena, "%s/%.*s", a->hub ? "hub" : "dps", SLICE_ARG(label));
	a->policy_like.id = arena_fold(call->arena, a->token.key_name);
	a->want[1] = (struct store_want){.noun = &noun_policy, .like = &a->policy_like, .keys = 2};
	return true;
}

/* Everything that the decision needs, in one read: the tenant by its folded name, and the policy that the token names or the
 * session. */
static void access_tenant(struct api_call *call, bool hub)
{
	struct slice label = host_label(call, call->q->host);
	struct access *a = arena_alloc(call->arena, sizeof(*a));

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
	a->asker = asker_of(call, &a->want[1]);
	if (a->asker == TOKEN_HOLDER && !want_policy(call, a, label)) {
		deny(call, "the token cannot be read, or names no policy");
		return;
	}
	api_read(call, a->want, a->asker == TOKEN_HOLDER || a->asker == OPERATOR ? 2 : 1, tenant_found);
}

void access_service(struct api_call *call)
{
	access_tenant(call, false);
}

void access_hub(struct api_call *call)
{
	access_tenant(call, true);
}

/* --- without a tenant --- */

static void session_found(struct api_call *call, enum err e)
{
	struct access *a = call->state;

	if (e != OK)
		api_refuse_store(call, e);
	else if (session_accepted(call, &a->want[1]))
		session_go_on(call);
}

void access_operator(struct api_call *call)
{
	struct access *a = arena_alloc(call->arena, sizeof(*a));

	if (a == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return;
	}
	if (call->route->rights & RIGHT_ANYBODY) {
		api_go_on(call);
		return;
	}
	call->state = a;
	switch (asker_of(call, &a->want[1])) {
	case ADMINISTRATOR:
		call->who = "administrator";
		api_go_on(call);
		break;
	case OPERATOR: api_read(call, &a->want[1], 1, session_found); break;
	default: deny(call, "no session, and no bearer token that is the administrator's");
	}
}
