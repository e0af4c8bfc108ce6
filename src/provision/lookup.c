/*
 * lookup.c: what is asked for, and what the store knows about it.
 *
 * Everything that has a known key is read at once. Only a device without an enrollment of its own costs a second
 * read, of the group that served it before, and only when that does not fit a third, of all key groups.
 */
#include "provision/registration.h"

enum { WANT_SERVICE, WANT_ENROLLMENT, WANT_RECORD, WANT_HUBS, WANT_PRESENTED, WANTS };

/* --- the question --- */

/* RULE of device-api.md 4: compared without case; made as "0ne" and upper-case digits, so that is its spelling. */
struct slice scope_key(struct arena *arena, struct slice scope)
{
	char *text = arena_str(arena, scope);

	if (text == NULL)
		return SLICE("");
	for (size_t i = 0; i < scope.n; i++) {
		if (i < 3 && text[i] >= 'A' && text[i] <= 'Z')
			text[i] += 'a' - 'A';
		else if (i >= 3 && text[i] >= 'a' && text[i] <= 'z')
			text[i] -= 'a' - 'A';
	}
	return (struct slice){text, scope.n};
}

static bool refuse_argument(struct registration *r, const char *check, const char *seen, const char *expected, const char *message)
{
	registration_refuse(r, &(struct verdict){.error_code = CODE_BAD_ARGUMENT,
						 .message = message,
						 .check = check,
						 .seen = seen,
						 .expected = expected,
						 .sentence = message});
	return false;
}

/* 14.3; what is no text is as good as absent. */
static void take_tpm(struct registration *r, const json_t *tpm)
{
	struct device_question *q = &r->q;
	const json_t *endorsement = json_get_fold(tpm, "endorsementKey"), *storage = json_get_fold(tpm, "storageRootKey");

	if (json_is_string(endorsement) && slice_absent(q->endorsement_key))
		q->endorsement_key = arena_copy(r->arena, slice_str(json_string_value(endorsement)));
	if (json_is_string(storage) && slice_absent(q->storage_root_key))
		q->storage_root_key = arena_copy(r->arena, slice_str(json_string_value(storage)));
}

/* What a register or a registration status carries, device-api.md 5.2: unknown members do not matter. */
static bool examine_members(struct registration *r, const json_t *body)
{
	const json_t *id = json_get_fold(body, "registrationId");

	take_tpm(r, json_get_fold(body, "tpm"));
	if (r->q.op == DEVICE_REGISTRATION_STATUS && json_get_fold(body, "csr"))
		return refuse_argument(r, "body", "csr", "no csr", "A certificate signing request can only be sent with a register.");
	if (id == NULL || json_is_null(id))
		return true;
	if (!json_is_string(id))
		return refuse_argument(r, "body", "a registrationId that is no string", "a string", "registrationId must be a string.");
	if (!slice_eq_fold(slice_over(json_string_value(id), json_string_length(id)), r->q.registration_id))
		return refuse_argument(r, "registration-id", arena_str(r->arena, slice_str(json_string_value(id))),
				       arena_str(r->arena, r->q.registration_id), "registrationId in the body is not the one in the path.");
	return true;
}

/* RULE of device-api.md 5.2: an empty body equals {}; Python sends one blank over MQTT. */
static bool examine_body(struct registration *r)
{
	struct slice body = slice_trim(r->q.body);
	const char *why = NULL;
	json_t *json;
	bool fine;

	if (body.n == 0 || r->q.op == DEVICE_OPERATION_STATUS)
		return true;
	if (json_read(body, r->arena, &json, &why) != OK)
		return refuse_argument(r, "body", why ? why : "no JSON", "a JSON object", "The body is not JSON.");
	if (json_is_object(json))
		fine = examine_members(r, json);
	else
		fine = refuse_argument(r, "body", "other JSON", "a JSON object", "The body is not a JSON object.");
	json_decref(json);
	return fine;
}

/* What was presented in the handshake. The limits lie above those of the handshake, so only an odd peer meets them. */
static bool examine_chain(struct registration *r)
{
	enum err e;

	if (r->q.chain_count == 0)
		return true;
	if ((e = chain_new(r->q.chain, r->q.chain_count, &r->chain)) == OK)
		return true;
	if (e == ERR_NO_MEMORY) {
		registration_refuse_store(r, e);
		return false;
	}
	registration_refuse(r, &(struct verdict){.error_code = CODE_UNAUTHORIZED,
						 .message = "Invalid certificate",
						 .check = "certificate-chain",
						 .seen = arena_printf(r->arena, "%zu certificates", r->q.chain_count),
						 .expected = "at most 16 certificates, of 32 KiB together",
						 .sentence = "The device sent more certificates than are looked at."});
	return false;
}

bool lookup_examine(struct registration *r)
{
	if (!id_is_good(r->q.registration_id))
		return refuse_argument(r, "registration-id", arena_str(r->arena, slice_to(r->q.registration_id, ID_MAX)),
				       "1 to 128 letters, digits, '-', '.', '_' or ':'", "The registration ID is not a valid one.");
	return examine_chain(r) && examine_body(r);
}

/* --- what has a known key --- */

bool lookup_gather(struct registration *r)
{
	struct service *service = noun_new(&noun_service, r->arena);
	struct enrollment *enrollment = noun_new(&noun_individual, r->arena);
	struct registration_record *record = noun_new(&noun_registration, r->arena);
	struct linked_hub *hub = noun_new(&noun_linked_hub, r->arena);
	struct presented *presented = noun_new(&noun_presented, r->arena);

	r->wants = arena_array(r->arena, WANTS, sizeof(*r->wants));
	if (service == NULL || enrollment == NULL || record == NULL || hub == NULL || presented == NULL || r->wants == NULL) {
		registration_refuse_store(r, ERR_NO_MEMORY);
		return false;
	}
	service->scope = enrollment->scope = record->scope = hub->scope = presented->scope = r->scope;
	enrollment->id = record->id = presented->id = r->id;
	r->wants[WANT_SERVICE] = (struct store_want){.noun = &noun_service, .like = service, .keys = 1};
	r->wants[WANT_ENROLLMENT] = (struct store_want){.noun = &noun_individual, .like = enrollment, .keys = 2};
	r->wants[WANT_RECORD] = (struct store_want){.noun = &noun_registration, .like = record, .keys = 2};
	r->wants[WANT_HUBS] = (struct store_want){.noun = &noun_linked_hub, .like = hub, .keys = 1, .limit = LINKED_HUBS_MAX};
	r->wants[WANT_PRESENTED] = (struct store_want){.noun = &noun_presented, .like = presented, .keys = 2};
	return registration_read(r, r->arena, r->chain ? WANTS : WANT_PRESENTED);
}

static const void *first_of(const struct store_want *want)
{
	return want->count ? want->records : NULL;
}

/* An interrupted registration may have put an identity at its target. */
static struct slices places_in_doubt(struct registration *r)
{
	struct slices places = {0};

	if (r->record) {
		places = r->record->leftovers;
		if (record_has_status(r->record, "assigning"))
			places = places_with(r->arena, places, (struct place){r->record->target_hub, r->record->target_device});
	}
	return places_with(r->arena, places, r->made);
}

bool lookup_gathered(struct registration *r)
{
	r->service = first_of(&r->wants[WANT_SERVICE]);
	r->enrollment = first_of(&r->wants[WANT_ENROLLMENT]);
	r->record = first_of(&r->wants[WANT_RECORD]);
	r->hubs = r->wants[WANT_HUBS].records;
	r->hub_count = r->wants[WANT_HUBS].count;
	r->presented_before = first_of(&r->wants[WANT_PRESENTED]);
	r->signers = (struct signers){0};
	r->revoked.lists = NULL;
	r->revoked.count = 0;
	r->by_group = false;
	r->groups_tried = false;
	r->suspects = places_in_doubt(r);
	if (r->service)
		return true;
	registration_refuse(r, &(struct verdict){.error_code = CODE_UNKNOWN,
						 .message = "The ID scope is unknown.",
						 .check = "scope-known",
						 .seen = arena_str(r->arena, r->q.scope),
						 .expected = "the ID scope of a provisioning service",
						 .sentence = "No provisioning service has this ID scope."});
	return false;
}

const struct linked_hub *lookup_hub(const struct registration *r, struct slice name)
{
	for (size_t i = 0; i < r->hub_count; i++)
		if (slice_eq_fold(r->hubs[i].name, name))
			return &r->hubs[i];
	return NULL;
}

/* --- groups --- */

static struct slice remembered_group(const struct registration *r)
{
	return r->record && !r->groups_tried ? r->record->group_id : NO_SLICE;
}

/* The remembered group, else all key groups of the service, into memory that is soon given back. */
bool lookup_groups(struct registration *r)
{
	struct enrollment *like = noun_new(&noun_group, r->arena);
	struct slice remembered = remembered_group(r);

	if (signers_decide(r))
		return signers_read(r);
	arena_free(&r->groups_arena);
	r->groups_arena = arena_new(GROUPS_MEMORY);
	if (like == NULL || r->groups_arena == NULL) {
		registration_refuse_store(r, ERR_NO_MEMORY);
		return false;
	}
	like->scope = r->scope;
	like->id = remembered;
	like->attestation = SLICE("symmetricKey");
	r->wants[0] = (struct store_want){.noun = &noun_group, .like = like, .keys = 2};
	if (slice_absent(remembered)) {
		r->wants[0].by = GROUP_BY_ATTESTATION;
		r->wants[0].limit = GROUP_KEYS_MAX;
	}
	return registration_read(r, r->groups_arena, 1);
}

static bool choose_group(struct registration *r, const struct enrollment *group)
{
	r->enrollment = noun_copy(&noun_group, group, r->arena);
	r->by_group = true;
	arena_free(&r->groups_arena);
	return r->enrollment != NULL;
}

static void refuse_absent(struct registration *r, const char *expected, const char *sentence)
{
	registration_refuse(r, &(struct verdict){.error_code = CODE_NO_ENROLLMENT,
						 .message = "Enrollment not found.",
						 .check = "enrollment-found",
						 .seen = "none",
						 .expected = expected,
						 .sentence = sentence});
}

/* Only a device that has logged in hears why it is refused, so a login over AMQP goes on with a challenge that leads nowhere
 * (device-api.md 14.3). */
static void refuse_tpm(struct registration *r)
{
	const struct evidence evidence = lookup_evidence(r);
	struct slice decoy;

	refuse_absent(r, "an individual enrollment with its endorsement key",
		      "The device presented the keys of a TPM, and there is no enrollment for this registration ID.");
	if (r->q.op != DEVICE_CONNECT || r->q.token.n > 0)
		return;
	if ((decoy = attest_tpm_decoy(&evidence, r->arena)).n > 0)
		registration_challenge(r, decoy);
}

/* device-api.md 18: nobody could have given this device a key. */
static void refuse_stranger(struct registration *r)
{
	if (r->q.endorsement_key.n > 0)
		refuse_tpm(r);
	else
		refuse_absent(r, "an enrollment or a symmetric key group",
			      "There is no enrollment for this registration ID, and no symmetric key group.");
}

enum lookup lookup_match(struct registration *r)
{
	const struct enrollment *groups = r->wants[0].records;
	size_t count = r->wants[0].count;
	bool was_remembered = !slice_absent(remembered_group(r));
	const struct evidence evidence = lookup_evidence(r);
	int found = -1;

	if (signers_decide(r))
		return signers_match(r);
	r->groups_tried = true;
	if (count == 0 && was_remembered)
		return LOOKUP_GO_ON;
	if (count == 0 || (r->taken_up && !was_remembered)) {
		refuse_stranger(r);
		return LOOKUP_REFUSED;
	}
	/* Nobody presents anything for a registration that is taken up: the group is the one on record. */
	if (r->taken_up)
		found = 0;
	else
		found = attest_group_of(groups, count, -1, &evidence, r->arena, &r->verdict);
	if (found < 0 && was_remembered)
		return LOOKUP_GO_ON;
	if (found >= 0 && choose_group(r, &groups[found]))
		return LOOKUP_FOUND;
	if (found >= 0)
		registration_refuse_store(r, ERR_NO_MEMORY);
	else if (r->q.endorsement_key.n > 0 && r->verdict.error_code == CODE_UNAUTHORIZED)
		refuse_stranger(r);
	else
		registration_refuse(r, &r->verdict);
	return LOOKUP_REFUSED;
}

/* A register that meets one under way gets that one's answer. */
static bool goes_on(const struct registration *r)
{
	return r->q.op == DEVICE_OPERATION_STATUS || r->q.op == DEVICE_REGISTRATION_STATUS || record_promises(r);
}

static struct endorsement_trust endorsement_trust(const struct registration *r)
{
	struct endorsement_trust trust = {.required = slice_eq_fold(r->service->endorsement_certificates, SLICE("required")),
					  .roots = r->signers.roots,
					  .root_count = r->signers.root_count,
					  .now = registration_now(r)};

	if (r->signers.roots_read) {
		trust.lists = r->revoked.lists;
		trust.list_count = r->revoked.count;
		trust.withdrawn = revoked_at_hand(r);
	}
	return trust;
}

struct evidence lookup_evidence(const struct registration *r)
{
	return (struct evidence){
		.scope = r->q.scope,
		.registration_id = r->q.registration_id,
		.token = r->q.token,
		.chain = r->chain,
		.authorities = r->signers.authorities,
		.authority_count = r->signers.authority_count,
		.endorsement_key = r->q.endorsement_key,
		.storage_root_key = r->q.storage_root_key,
		.challenge_used = r->record ? r->record->challenge_used : 0,
		.challenge_used_before = r->record ? r->record->challenge_used_before : 0,
		.goes_on = goes_on(r),
		.endorsement = endorsement_trust(r),
		.secret = r->p->conf.secret,
		.now = registration_now(r),
	};
}
