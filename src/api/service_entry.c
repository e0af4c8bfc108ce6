/*
 * service_entry.c: what may be stored as an enrollment, and what becomes of it on the way (service-api.md 5, 6.1).
 */
#include "allocate/rule.h"
#include "base/text.h"
#include "crypto/certificate.h"
#include "crypto/digest.h"
#include "crypto/tpm.h"
#include "api/service.h"

const struct entry_kind individual_kind = {&noun_individual,
					   false,
					   "registrationId",
					   "enrollments",
					   "Enrollment",
					   404201,
					   409201,
					   "Enrollment not found.",
					   "Enrollment already exists."};
const struct entry_kind group_kind = {&noun_group,
				      true,
				      "enrollmentGroupId",
				      "enrollmentGroups",
				      "EnrollmentGroup",
				      404202,
				      409202,
				      "EnrollmentGroup not found.",
				      "EnrollmentGroup already exists."};

static struct no bad(struct arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static struct no bad(struct arena *arena, const char *fmt, ...)
{
	struct no no = {400, 400004, ""};
	va_list ap;

	va_start(ap, fmt);
	no.sentence = arena_vprintf(arena, fmt, ap);
	va_end(ap);
	return no;
}

#define FINE ((struct no){0, 0, NULL})

struct no entry_read(const struct entry_kind *kind, struct slice json, struct slice id, struct arena *arena, struct enrollment **out)
{
	struct enrollment *e = noun_new(kind->noun, arena);
	const char *why = NULL;
	enum err err;

	if (e == NULL)
		return (struct no){500, 500001, "Out of memory."};
	if ((err = noun_read(kind->noun, json, arena, e, &why)) != OK)
		return bad(arena, "%s", why ? why : err_text(err));
	if (slice_absent(e->name))
		e->name = arena_copy(arena, id);
	if (!id_is_good(e->name))
		return bad(arena, "%s must be 1 to %d letters, digits, '-', '.', '_' or ':', the last one a letter, a digit or '-'.",
			   kind->id_name, ID_MAX);
	if (!slice_absent(id) && !slice_eq_fold(e->name, id))
		return bad(arena, "%s in the body is not the one in the path.", kind->id_name);
	if (kind->group && !slice_absent(json_member(json, "deviceId", true)) &&
	    !slice_eq(slice_trim(json_member(json, "deviceId", true)), SLICE("null")))
		return bad(arena, "deviceId is not for groups: their devices are named by their registration IDs.");
	e->id = arena_fold(arena, e->name);
	*out = e;
	return FINE;
}

struct no entry_condition(const struct entry_kind *kind, struct slice if_match, const struct enrollment *stored)
{
	if (slice_absent(if_match))
		return stored ? (struct no){409, kind->exists, kind->exists_text} : FINE;
	if (stored == NULL || !etag_matches(if_match, stored->etag))
		return (struct no){412, 412000, "Precondition failed: the etag is not the current one."};
	return FINE;
}

/* --- attestation --- */

static bool is(struct slice text, const char *word)
{
	return slice_eq(text, slice_str(word));
}

/* How many of the x509 objects are there; exactly one may be. */
static int x509_objects(const struct enrollment *e)
{
	return (!slice_absent(e->client_primary) || !slice_absent(e->client_secondary)) +
	       (!slice_absent(e->signing_primary) || !slice_absent(e->signing_secondary)) +
	       (!slice_absent(e->ca_primary) || !slice_absent(e->ca_secondary));
}

static bool has_keys(const struct enrollment *e)
{
	return !slice_absent(e->primary_key) || !slice_absent(e->secondary_key);
}

static bool has_tpm(const struct enrollment *e)
{
	return !slice_absent(e->endorsement_key) || !slice_absent(e->storage_root_key) || !slice_absent(e->endorsement_certificate);
}

static struct no check_keys(const struct enrollment *e, struct arena *arena)
{
	if (x509_objects(e) || has_tpm(e))
		return bad(arena, "attestation.type is symmetricKey, so x509 and tpm must be left out.");
	if (!key_is_good(e->primary_key) || !key_is_good(e->secondary_key))
		return bad(arena, "attestation.symmetricKey: a key is the base64 text of 16 to 64 bytes.");
	return FINE;
}

/* As it will be read when the device comes: a slip shows now, and not in the field. */
static struct no check_tpm_key(const char *member, struct slice text, struct arena *arena)
{
	struct slice bytes = base64_decode(arena, text);
	struct tpm_public key;
	const char *why;

	if (bytes.n == 0)
		return bad(arena, "attestation.tpm.%s must be the base64 text of a TPM2B_PUBLIC.", member);
	if (tpm_public_read(bytes, &key, &why) != OK)
		return bad(arena, "attestation.tpm.%s %s A TPM2B_PUBLIC of a restricted decryption key, RSA 2048 or ECC P-256, is expected.",
			   member, why);
	return FINE;
}

static struct no check_tpm(const struct enrollment *e, bool group, struct arena *arena)
{
	struct no no;

	if (group)
		return bad(arena, "A group cannot attest by tpm: each TPM has an endorsement key of its own.");
	if (x509_objects(e) || has_keys(e))
		return bad(arena, "attestation.type is tpm, so x509 and symmetricKey must be left out.");
	no = check_tpm_key("endorsementKey", e->endorsement_key, arena);
	if (no.status == 0 && !slice_absent(e->storage_root_key))
		no = check_tpm_key("storageRootKey", e->storage_root_key, arena);
	return no;
}

static struct no check_endorsement(const struct entry_context *x, const struct enrollment *e, struct arena *arena)
{
	struct endorsement_fault fault;
	enum err err;

	if (!attest_wants_roots(e, x->endorsement.required))
		return FINE;
	if ((err = attest_endorsement(e, &x->endorsement, x->now, arena, &fault)) == ERR_NO_MEMORY)
		return (struct no){413, 413001, "The enrollment is too large."};
	if (err != OK)
		return (struct no){500, 500001, "The revocation lists of certificates of TPMs cannot be read."};
	return fault.check ? bad(arena, "attestation.tpm.endorsementCertificate: %s", fault.sentence) : FINE;
}

static struct no check_x509(const struct enrollment *e, bool group, struct arena *arena)
{
	if (has_keys(e) || has_tpm(e))
		return bad(arena, "attestation.type is x509, so symmetricKey and tpm must be left out.");
	if (x509_objects(e) != 1)
		return bad(arena, "attestation.x509 needs exactly one of clientCertificates, signingCertificates and caReferences.");
	if (group && (!slice_absent(e->client_primary) || !slice_absent(e->client_secondary)))
		return bad(arena, "A group names signingCertificates or caReferences, not clientCertificates.");
	if (!group && !slice_absent(e->signing_primary))
		return bad(arena, "An individual enrollment names clientCertificates, not signingCertificates.");
	if (slice_absent(e->client_primary) && slice_absent(e->signing_primary) && slice_absent(e->ca_primary))
		return bad(arena, "attestation.x509 needs a primary certificate.");
	return FINE;
}

static struct no check_attestation(const struct enrollment *e, bool group, struct arena *arena)
{
	if (is(e->attestation, "symmetricKey"))
		return check_keys(e, arena);
	if (is(e->attestation, "tpm"))
		return check_tpm(e, group, arena);
	if (is(e->attestation, "x509"))
		return check_x509(e, group, arena);
	return bad(arena, "attestation.type must be symmetricKey, x509%s.", group ? "" : " or tpm");
}

/* --- what X.509 enrollments are found by, and end with --- */

static bool authority_is_known(const struct entry_context *x, struct slice name)
{
	for (size_t i = 0; i < x->authority_count; i++)
		if (slice_eq_fold(x->authorities[i].name, name))
			return true;
	return false;
}

/* A CA certificate must be there when it is named; whether it is verified is asked when a device comes. */
static struct no check_authorities(const struct entry_context *x, const struct enrollment *e, struct arena *arena)
{
	const struct slice names[] = {e->ca_primary, e->ca_secondary};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!slice_absent(names[i]) && !authority_is_known(x, names[i]))
			return bad(arena, "attestation.x509.caReferences names %.*s, but the service has no CA certificate of that name.",
				   SLICE_ARG(names[i]));
	return FINE;
}

static void end_no_later_than(struct enrollment *e, struct slice der, struct arena *arena)
{
	struct certificate_info info;

	if (der.n && certificate_describe(der, arena, &info) == OK && (e->certificate_end == 0 || info.not_after < e->certificate_end))
		e->certificate_end = info.not_after;
}

static struct slice mark_of(struct slice der, struct arena *arena)
{
	return der.n ? certificate_subject_mark(der, arena) : NO_SLICE;
}

static void note_certificates(struct enrollment *e, struct arena *arena)
{
	e->ca_primary_id = arena_fold(arena, e->ca_primary);
	e->ca_secondary_id = arena_fold(arena, e->ca_secondary);
	e->signing_primary_mark = mark_of(e->signing_primary, arena);
	e->signing_secondary_mark = mark_of(e->signing_secondary, arena);
	e->certificate_end = 0;
	end_no_later_than(e, e->client_primary, arena);
	end_no_later_than(e, e->client_secondary, arena);
	end_no_later_than(e, e->signing_primary, arena);
	end_no_later_than(e, e->signing_secondary, arena);
}

/* --- what was left out --- */

/* A certificate given as its info alone means the stored one (service-api.md 5.3); so do keys that are left out. */
static bool keep_certificate(struct slice *given, struct slice stored)
{
	if (slice_absent(*given) || given->n > 0)
		return true;
	*given = stored;
	return stored.n > 0;
}

static struct no keep_what_was_left_out(struct enrollment *e, const struct enrollment *stored, struct arena *arena)
{
	static const struct enrollment nothing;
	const struct enrollment *s = stored ? stored : &nothing;

	if (!keep_certificate(&e->client_primary, s->client_primary) || !keep_certificate(&e->client_secondary, s->client_secondary) ||
	    !keep_certificate(&e->signing_primary, s->signing_primary) || !keep_certificate(&e->signing_secondary, s->signing_secondary))
		return bad(arena, "attestation.x509 has an info without a certificate, and there is no stored certificate to keep.");
	if (!is(e->attestation, "symmetricKey"))
		return FINE;
	if (e->primary_key.n == 0)
		e->primary_key = s->primary_key.n ? s->primary_key : random_key(arena, KEY_BYTES);
	if (e->secondary_key.n == 0)
		e->secondary_key = s->secondary_key.n ? s->secondary_key : random_key(arena, KEY_BYTES);
	return FINE;
}

/* --- allocation --- */

static bool hub_is_linked(const struct entry_context *x, struct slice host)
{
	for (size_t i = 0; i < x->hub_count; i++)
		if (slice_eq_fold(x->hubs[i].name, host))
			return true;
	return false;
}

static bool hub_was_named(const struct enrollment *stored, struct slice host)
{
	for (size_t i = 0; stored && i < stored->iot_hubs.n; i++)
		if (slice_eq_fold(stored->iot_hubs.at[i], host))
			return true;
	return stored && slice_eq_fold(stored->iot_hub_host_name, host);
}

/* Hubs must be linked when they are named; those that were named before and have been unlinked since are tolerated
 * (service-api.md 6.1). */
static struct no check_hubs(const struct entry_context *x, const struct enrollment *e, const struct enrollment *stored, struct arena *arena)
{
	for (size_t i = 0; i < e->iot_hubs.n; i++)
		if (!hub_is_linked(x, e->iot_hubs.at[i]) && !hub_was_named(stored, e->iot_hubs.at[i]))
			return bad(arena, "iotHubs names %.*s, which is not linked to this provisioning service.",
				   SLICE_ARG(e->iot_hubs.at[i]));
	if (e->iot_hub_host_name.n && !hub_is_linked(x, e->iot_hub_host_name) && !hub_was_named(stored, e->iot_hub_host_name))
		return bad(arena, "iotHubHostName is %.*s, which is not linked to this provisioning service.",
			   SLICE_ARG(e->iot_hub_host_name));
	return FINE;
}

/* It is not run before a device registers; but what cannot be read is refused now. */
static struct no check_rule(const struct enrollment *e, struct arena *arena)
{
	struct rule_outcome told;

	if (rule_check(e->rule, arena, &told) != OK)
		return (struct no){500, 500001, "There is no memory to read the rule."};
	return told.fault ? bad(arena, "customAllocationDefinition.rule: %s", told.fault) : FINE;
}

static struct no check_allocation(const struct enrollment *e, struct arena *arena)
{
	if (e->iot_hubs.n && slice_absent(e->allocation_policy))
		return bad(arena, "iotHubs is given without allocationPolicy: name both, or neither.");
	if (e->rule.n > 0 && (e->webhook_url.n > 0 || e->webhook_version.n > 0))
		return bad(arena, "customAllocationDefinition has a rule and a webhook: one of them decides, so name one.");
	if (is(e->allocation_policy, "custom") && e->rule.n == 0 && (e->webhook_url.n == 0 || e->webhook_version.n == 0))
		return bad(arena, "allocationPolicy custom needs customAllocationDefinition with webhookUrl and apiVersion, or with a rule.");
	if (e->webhook_url.n && !slice_starts_fold(e->webhook_url, SLICE("https://")) &&
	    !slice_starts_fold(e->webhook_url, SLICE("http://")))
		return bad(arena, "customAllocationDefinition.webhookUrl must be an https or http address.");
	if (is(e->allocation_policy, "static") && e->iot_hubs.n > 1)
		return bad(arena, "allocationPolicy static takes one hub in iotHubs, not %zu.", e->iot_hubs.n);
	return e->rule.n > 0 ? check_rule(e, arena) : FINE;
}

static struct no check_rest(const struct entry_context *x, const struct enrollment *e, struct arena *arena)
{
	struct slice twin = e->initial_twin;

	if (!slice_absent(e->device_id) && !device_id_is_good(e->device_id))
		return bad(arena, "deviceId must be 1 to %d characters of A-Z a-z 0-9 - : . + %% _ # * ? ! ( ) , = @ ; $ '.", ID_MAX);
	if (twin.n && twin.p[0] != '{')
		return bad(arena, "initialTwin must be an object with tags and properties.desired.");
	if (x->kind->group && is(e->attestation, "symmetricKey") && x->key_groups >= GROUP_KEYS_MAX)
		return (struct no){403, 403001, "There are 100 symmetric key groups already; a service holds no more."};
	return FINE;
}

struct no entry_prepare(const struct entry_context *x, struct enrollment *e, const struct enrollment *stored, struct arena *arena)
{
	struct no no;

	e->scope = x->scope;
	if ((no = keep_what_was_left_out(e, stored, arena)).status || (no = check_attestation(e, x->kind->group, arena)).status ||
	    (no = check_allocation(e, arena)).status || (no = check_hubs(x, e, stored, arena)).status ||
	    (no = check_rest(x, e, arena)).status || (no = check_authorities(x, e, arena)).status ||
	    (no = check_endorsement(x, e, arena)).status)
		return no;
	note_certificates(e, arena);
	if (stored)
		e->name = stored->name; /* the spelling of the first write stays (service-api.md 4.3) */
	e->state = NO_SLICE;
	e->revocation_lists = stored ? stored->revocation_lists : FLAG_NONE;
	e->created = stored ? stored->created : x->now;
	e->updated = x->now;
	e->etag = etag_make(arena, x->now);
	return arena_failed(arena) ? (struct no){413, 413001, "The enrollment is too large."} : FINE;
}

/* --- for all who handle entries --- */

bool entry_forget(const struct entry_kind *kind, struct slice scope, struct slice id, struct arena *arena,
		  struct store_change out[FORGET_CHANGES])
{
	return kind->group ? revocation_forget(scope, id, arena, out) : registration_forget(scope, id, arena, out);
}

void entry_write(const struct entry_kind *kind, const struct enrollment *e, unsigned views, struct json_out *out, struct arena *arena)
{
	noun_write(kind->noun, e, views, out, NULL, arena);
}
