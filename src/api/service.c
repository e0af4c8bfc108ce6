/*
 * service.c: the service API's enrollments and groups, one by one (service-api.md 6.1 to 6.3).
 */
#include "api/service.h"

/* service-api.md 4.7. */
static void service_refuse(struct api_call *call, int status, int code, const char *word, const char *sentence)
{
	char at[INSTANT_TEXT];

	(void)status;
	(void)word;
	json_open(&call->out, NULL, '{');
	json_int(&call->out, "errorCode", code);
	json_str(&call->out, "trackingId", call->q->request_id);
	json_str(&call->out, "message", sentence);
	json_raw(&call->out, "info", SLICE("{}"));
	json_str(&call->out, "timestampUtc", instant_print(loop_wall(call->conf->loop), INSTANT_ISO7, at));
	json_close(&call->out, '}');
	api_add_header(call, "x-ms-error-code", arena_format(call->arena, "%d", code));
}

void api_refuse_no(struct api_call *call, const struct no *no)
{
	api_refuse(call, no->status, no->code, NULL, "%s", no->sentence);
}

const struct entry_kind *kind_of_path(const struct api_call *call)
{
	return slice_eq_fold(call->segment[0], SLICE("enrollmentgroups")) ? &group_kind : &individual_kind;
}

/* --- one entry --- */

struct one {
	struct entry_context context; /* first: entry_context_read */
	const struct entry_kind *kind;
	struct enrollment *given; /* PUT */
	struct enrollment like;
	struct registration_record *record_like;
	struct store_want want[1 + ENTRY_CONTEXT_WANTS];
	struct store_change change[1 + FORGET_CHANGES];
};

/* Begin a handler: the entry's key from the path. NULL: the call has been refused. */
static struct one *one_begin(struct api_call *call)
{
	struct one *one = arena_alloc(call->arena, sizeof(*one));

	if (one == NULL || (one->record_like = noun_new(&noun_registration, call->arena)) == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return NULL;
	}
	call->state = one;
	one->kind = one->context.kind = kind_of_path(call);
	if (!id_is_good(call->segment[1])) {
		api_refuse(call, 400, 400004, NULL,
			   "%s must be 1 to %d letters, digits, '-', '.', '_' or ':', the last one a letter, a digit or '-'.",
			   one->kind->id_name, ID_MAX);
		return NULL;
	}
	one->like.scope = one->record_like->scope = call->service->scope;
	one->like.id = one->record_like->id = arena_fold(call->arena, call->segment[1]);
	one->want[0] = (struct store_want){.noun = one->kind->noun, .like = &one->like, .keys = 2};
	return one;
}

static const struct enrollment *one_stored(const struct one *one)
{
	return one->want[0].count ? one->want[0].records : NULL;
}

/* Go on unless the store failed or the entry is not there. */
static const struct enrollment *one_found(struct api_call *call, enum err e)
{
	struct one *one = call->state;

	if (e != OK) {
		api_refuse_store(call, e);
		return NULL;
	}
	if (one_stored(one) == NULL)
		api_refuse(call, 404, one->kind->missing, NULL, "%s", one->kind->missing_text);
	return one_stored(one);
}

/* --- PUT --- */

static void put_written(struct api_call *call, enum err e, size_t failed)
{
	struct one *one = call->state;

	(void)failed;
	if (e == ERR_EXISTS) {
		api_refuse(call, 409, one->kind->exists, NULL, "%s", one->kind->exists_text);
	} else if (e == ERR_PRECONDITION) {
		api_refuse(call, 412, 412000, NULL, "Precondition failed: it was changed at the same moment.");
	} else if (e != OK) {
		api_refuse_store(call, e);
	} else {
		entry_write(one->kind, one->given, VIEW_SECRETS, &call->out, call->arena);
		api_answer_out(call, 200);
	}
}

static void put_read(struct api_call *call, enum err e)
{
	struct one *one = call->state;
	struct entry_context *x = &one->context;
	const struct enrollment *stored;
	struct no no;

	if (e != OK) {
		api_refuse_store(call, e);
		return;
	}
	stored = one_stored(one);
	if (stored && slice_eq(stored->attestation, SLICE("symmetricKey")) && x->key_groups > 0)
		x->key_groups--; /* it counts already */
	if ((no = entry_condition(one->kind, api_header(call, "if-match"), stored)).status ||
	    (no = entry_prepare(x, one->given, stored, call->arena)).status) {
		api_refuse_no(call, &no);
		return;
	}
	one->change[0] = (struct store_change){
		.how = stored ? STORE_UPDATE : STORE_INSERT,
		.noun = one->kind->noun,
		.record = one->given,
		.if_etag = stored ? stored->etag : NO_SLICE,
	};
	api_write(call, one->change, 1, put_written);
}

static void entry_put(struct api_call *call)
{
	struct one *one = one_begin(call);
	struct no no;

	if (one == NULL)
		return;
	if ((no = entry_read(one->kind, call->q->body, call->segment[1], call->arena, &one->given)).status) {
		api_refuse_no(call, &no);
		return;
	}
	one->context.certificates = entry_has_certificate(one->given);
	entry_context_read(call, one->want, 1, put_read);
}

/* --- GET --- */

static void get_read(struct api_call *call, enum err e)
{
	struct one *one = call->state;
	const struct enrollment *stored = one_found(call, e);
	struct enrollment shown;

	if (stored == NULL)
		return;
	shown = *stored;
	if (!one->kind->group)
		shown.state = one->want[1].count ? registration_text(one->want[1].records, NULL, call->arena)
						 : arena_format(call->arena, "{\"registrationId\":\"%.*s\",\"status\":\"unassigned\"}",
								SLICE_ARG(stored->name));
	entry_write(one->kind, &shown, VIEW_PLAIN, &call->out, call->arena);
	api_answer_out(call, 200);
}

static void entry_get(struct api_call *call)
{
	struct one *one = one_begin(call);

	if (one == NULL)
		return;
	one->want[1] = (struct store_want){.noun = &noun_registration, .like = one->record_like, .keys = 2};
	api_read(call, one->want, one->kind->group ? 1 : 2, get_read);
}

/* --- DELETE --- */

static void delete_written(struct api_call *call, enum err e, size_t failed)
{
	struct one *one = call->state;

	(void)failed;
	if (e == ERR_PRECONDITION)
		api_refuse(call, 412, 412000, NULL, "Precondition failed: it was changed at the same moment.");
	else if (e == ERR_NOT_FOUND)
		api_refuse(call, 404, one->kind->missing, NULL, "%s", one->kind->missing_text);
	else if (e != OK)
		api_refuse_store(call, e);
	else
		api_answer_empty(call, 204);
}

static void delete_read(struct api_call *call, enum err e)
{
	struct one *one = call->state;
	const struct enrollment *stored = one_found(call, e);
	struct slice if_match = api_header(call, "if-match");

	if (stored == NULL)
		return;
	if (!etag_matches(if_match, stored->etag)) {
		api_refuse(call, 412, 412000, NULL, "Precondition failed: the etag is not the current one.");
		return;
	}
	one->change[0] = (struct store_change){.how = STORE_DELETE, .noun = one->kind->noun, .record = stored};
	if (!slice_absent(if_match) && !etag_is_any(if_match))
		one->change[0].if_etag = stored->etag;
	if (!entry_forget(one->kind, one->like.scope, one->like.id, call->arena, &one->change[1])) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return;
	}
	api_write(call, one->change, 1 + FORGET_CHANGES, delete_written);
}

static void entry_delete(struct api_call *call)
{
	struct one *one = one_begin(call);

	if (one)
		api_read(call, one->want, 1, delete_read);
}

/* --- attestation mechanism --- */

static void mechanism_read(struct api_call *call, enum err e)
{
	struct one *one = call->state;
	const struct enrollment *stored = one_found(call, e);
	struct slice whole;

	if (stored == NULL)
		return;
	entry_write(one->kind, stored, VIEW_SECRETS, &call->out, call->arena);
	whole = buf_slice(&call->body);
	api_answer_text(call, 200, arena_copy(call->arena, json_member(whole, "attestation", false)));
}

static void entry_mechanism(struct api_call *call)
{
	struct one *one = one_begin(call);

	if (one)
		api_read(call, one->want, 1, mechanism_read);
}

/* service-api.md 6, with the rights of 3.2. The paths under /berth/ are ours. */
static const struct route service_routes[] = {
	{HTTP_POST, "/enrollments/query", RIGHT_ENROLLMENT_READ, "Query", service_query_enrollments},
	{HTTP_POST, "/enrollments", RIGHT_ENROLLMENT_WRITE, "Bulk", service_bulk},
	{HTTP_PUT, "/enrollments/*", RIGHT_ENROLLMENT_WRITE, "Upsert", entry_put},
	{HTTP_GET, "/enrollments/*", RIGHT_ENROLLMENT_READ, "Get", entry_get},
	{HTTP_DELETE, "/enrollments/*", RIGHT_ENROLLMENT_WRITE, "Delete", entry_delete},
	{HTTP_POST, "/enrollments/*/attestationmechanism", RIGHT_ENROLLMENT_WRITE, "GetAttestationMechanism", entry_mechanism},
	{HTTP_POST, "/enrollmentgroups/query", RIGHT_ENROLLMENT_READ, "Query", service_query_enrollments},
	{HTTP_POST, "/enrollmentgroups", RIGHT_ENROLLMENT_WRITE, "Bulk", service_bulk},
	{HTTP_PUT, "/enrollmentgroups/*", RIGHT_ENROLLMENT_WRITE, "Upsert", entry_put},
	{HTTP_GET, "/enrollmentgroups/*", RIGHT_ENROLLMENT_READ, "Get", entry_get},
	{HTTP_DELETE, "/enrollmentgroups/*", RIGHT_ENROLLMENT_WRITE, "Delete", entry_delete},
	{HTTP_POST, "/enrollmentgroups/*/attestationmechanism", RIGHT_ENROLLMENT_WRITE, "GetAttestationMechanism", entry_mechanism},
	{HTTP_POST, "/registrations/*/query", RIGHT_REGISTRATION_READ, "Query", service_query_registrations},
	{HTTP_GET, "/registrations/*", RIGHT_REGISTRATION_READ, "Get", service_registration_get},
	{HTTP_DELETE, "/registrations/*", RIGHT_REGISTRATION_WRITE, "Delete", service_registration_delete},
	{HTTP_GET, "/berth/registrations/*/attempts", RIGHT_REGISTRATION_READ, "Explain", service_registration_attempts},
	{HTTP_GET, "/berth/registrations/*/history", RIGHT_REGISTRATION_READ, "History", service_registration_history},
	{HTTP_POST, "/berth/registrations/*/check", RIGHT_ENROLLMENT_READ, "Check", service_registration_check},
	{HTTP_POST, "/berth/enrollments/import", RIGHT_ENROLLMENT_WRITE, "Import", service_import},
	{HTTP_POST, "/berth/enrollmentgroups/import", RIGHT_ENROLLMENT_WRITE, "Import", service_import},
	{HTTP_POST, "/berth/allocation/rule/test", RIGHT_ENROLLMENT_READ, "TestRule", service_rule_test},
	{HTTP_POST, "/berth/allocation/explain", RIGHT_ENROLLMENT_READ, "ExplainAllocation", service_allocation_explain},
	{HTTP_POST, "/berth/allocation/preview", RIGHT_ENROLLMENT_READ, "PreviewAllocation", service_allocation_preview},
	{HTTP_POST, "/berth/allocation/whatif", RIGHT_ALL_OF | RIGHT_ENROLLMENT_READ | RIGHT_REGISTRATION_READ, "WhatIf", service_whatif},
	{HTTP_GET, "/berth/linkedhubs", RIGHT_ENROLLMENT_READ, "ListLinkedHubs", service_links},
	{HTTP_POST, "/berth/linktest", RIGHT_SERVICE_CONFIG, "TestLink", service_link_test},
	{HTTP_GET, "/berth/statistics", RIGHT_REGISTRATION_READ, "GetStatistics", service_statistics},
	{HTTP_GET, "/berth/events", RIGHT_REGISTRATION_READ, "Watch", service_events},
	{HTTP_GET, "/berth/enrollments", RIGHT_ENROLLMENT_READ, "ListEnrollments", service_list_enrollments},
	{HTTP_GET, "/berth/enrollmentgroups", RIGHT_ENROLLMENT_READ, "ListEnrollments", service_list_enrollments},
	{HTTP_GET, "/berth/registrations", RIGHT_REGISTRATION_READ, "ListRegistrations", service_list_registrations},
	{HTTP_GET, "/berth/enrollmentgroups/*/revocationlists", RIGHT_ENROLLMENT_READ, "ListRevocationLists", service_revocation_list},
	{HTTP_GET, "/berth/enrollmentgroups/*/revocationlists/*", RIGHT_ENROLLMENT_READ, "GetRevocationList", service_revocation_get},
	{HTTP_PUT, "/berth/enrollmentgroups/*/revocationlists/*", RIGHT_ENROLLMENT_WRITE, "PutRevocationList", service_revocation_put},
	{HTTP_DELETE, "/berth/enrollmentgroups/*/revocationlists/*", RIGHT_ENROLLMENT_WRITE, "DeleteRevocationList",
	 service_revocation_delete},
	{HTTP_POST, "/berth/enrollmentgroups/*/revocationlists/*/refresh", RIGHT_ENROLLMENT_WRITE, "RefreshRevocationList",
	 service_revocation_refresh},
	{HTTP_GET, "/berth/endorsementroots", RIGHT_ENROLLMENT_READ, "ListEndorsementRoots", service_endorsement_list},
	{HTTP_GET, "/berth/endorsementroots/*", RIGHT_ENROLLMENT_READ, "GetEndorsementRoot", service_endorsement_get},
	{HTTP_PUT, "/berth/endorsementroots/*", RIGHT_SERVICE_CONFIG, "PutEndorsementRoot", service_endorsement_put},
	{HTTP_DELETE, "/berth/endorsementroots/*", RIGHT_SERVICE_CONFIG, "DeleteEndorsementRoot", service_endorsement_delete},
	{HTTP_GET, "/berth/endorsementrevocationlists", RIGHT_ENROLLMENT_READ, "ListEndorsementRevocationLists", service_revocation_list},
	{HTTP_GET, "/berth/endorsementrevocationlists/*", RIGHT_ENROLLMENT_READ, "GetEndorsementRevocationList", service_revocation_get},
	{HTTP_PUT, "/berth/endorsementrevocationlists/*", RIGHT_SERVICE_CONFIG, "PutEndorsementRevocationList", service_revocation_put},
	{HTTP_DELETE, "/berth/endorsementrevocationlists/*", RIGHT_SERVICE_CONFIG, "DeleteEndorsementRevocationList",
	 service_revocation_delete},
	{HTTP_POST, "/berth/endorsementrevocationlists/*/refresh", RIGHT_SERVICE_CONFIG, "RefreshEndorsementRevocationList",
	 service_revocation_refresh},
	{HTTP_GET, "/berth/certificates/expiring", RIGHT_ENROLLMENT_READ, "ListExpiring", service_expiring},
	{HTTP_OTHER, NULL, 0, NULL, NULL},
};

const struct surface surface_service = {"service-operation", service_routes, API_BODY_MAX, access_service, service_refuse};
