/*
 * model.h: the nouns of Berth, and what is common to all of them.
 *
 * A noun is a struct and a table of its fields. One row says everything about a field:
 * its type, its C member, its place in the JSON document (a dotted path), whether it
 * belongs to the key, whether a request may set it, and a line of help. Reading and
 * writing JSON, the SQL of the store, and the CLI's options and columns all follow from
 * the rows, so a new field is one row.
 *
 * Text in a struct is a slice into whatever arena the record was read into; an absent
 * field is the absent slice, FLAG_NONE, INT_NONE or instant 0.
 */
#ifndef BERTH_MODEL_MODEL_H
#define BERTH_MODEL_MODEL_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "codec/json.h"

/* --- fields --- */

enum flag { FLAG_NONE, FLAG_NO, FLAG_YES };
#define INT_NONE INT64_MIN

struct slices {
	struct slice *at;
	size_t        n;
	bool          given; /* an empty list was given, rather than none */
};

enum field_type {
	FIELD_TEXT,
	FIELD_ENUM, /* one of `choices`; read without regard to case, kept as spelled there */
	FIELD_FLAG, /* true or false */
	FIELD_INT,
	FIELD_TIME,
	FIELD_JSON, /* any JSON, kept as the text it arrived in */
	FIELD_LIST, /* of strings */
	FIELD_KEY,  /* base64 of a secret: sealed at rest, shown only on demand */
	FIELD_CERT, /* a certificate as DER; given as {"certificate":..}, shown as {"info":..}
		     * (service-api.md 5.3). A present slice of length 0 means "keep the stored one". */
};

enum field_rule {
	FIELD_ID = 1,        /* part of the primary key, in the order of the rows */
	FIELD_FIXED = 2,     /* read-only: a request's value is ignored */
	FIELD_REQUIRED = 4,  /* a request without it is invalid */
	FIELD_UNSTORED = 8,  /* in the JSON only: filled by the api */
	FIELD_SHOW_NULL = 16,/* printed as null when absent */
	FIELD_KEEP_NULL = 32,/* an explicit null is remembered and printed (a present, empty slice); TEXT and ENUM */
	FIELD_DEFAULT = 64,  /* ENUM: absent prints and counts as the first choice */
	FIELD_COLUMN = 128,  /* a column of the CLI's tables */
	FIELD_FILE = 512,    /* TEXT: the CLI's option may name a file: @FILE */
	FIELD_SHOW_ZERO = 256, /* INT, FLAG, TIME: absent prints as 0, false, the year 1 (hub-api.md 4.3) */
};

struct field {
	const char        *name;    /* SQL column; with '-' for '_' the CLI's option */
	const char        *json;    /* dotted path; NULL: internal */
	enum field_type    type;
	unsigned           rules;   /* FIELD_ID and so on */
	const char *const *choices; /* FIELD_ENUM, ended by NULL */
	size_t             offset;
	const char        *help;
};

/* Another way to find records: the store keeps an index over these columns. */
struct noun_index {
	const char *name;
	const char *columns[4];
	bool        unique;
	const char *where; /* only rows for which this holds; NULL: all */
};

struct noun {
	const char              *name; /* of the SQL table */
	const struct field      *fields;
	size_t                   count;
	size_t                   size; /* of the struct */
	const struct noun_index *indexes;
	size_t                   index_count;
};

/* What a document written for somebody may hold. */
enum view {
	VIEW_PLAIN = 0,
	VIEW_SECRETS = 1, /* FIELD_KEY too */
};

/* Read `text` (JSON) into *record, which starts empty: unknown members are skipped, FIELD_FIXED
 * ones too, null is absent. Slices go to the arena. ERR_MALFORMED (not JSON, not an object),
 * ERR_INVALID (wrong type, not a choice, required and missing): `why` gets a sentence naming the
 * member by its path, and never a secret's value. */
MUST_USE enum err noun_read(const struct noun *, struct slice text, struct arena *, void *record, const char **why);

/* Write the record as one JSON object, members in the order of the rows; nested objects appear
 * when something in them does. `name` as in json_open. `arena` is for what must be worked out. */
void noun_write(const struct noun *, const void *record, unsigned views, struct json_out *, const char *name, struct arena *);

/* The same, with the object left open for more members: the caller closes it. */
void noun_write_open(const struct noun *, const void *record, unsigned views, struct json_out *, const char *name, struct arena *);

/* An empty record in the arena (INT_NONE is not 0, so empty is not all zeros). NULL: full. */
void *noun_new(const struct noun *, struct arena *);
void  noun_clear(const struct noun *, void *record);

/* Copy a record and all it points at into the arena. */
void *noun_copy(const struct noun *, const void *record, struct arena *);

/* X509CertificateInfo (service-api.md 5.4) of a certificate (DER) as a member of what is being written. False: it does not read,
 * or the arena is full; nothing is written then. */
bool certificate_write_info(struct json_out *, const char *name, struct slice der, struct arena *);

/* The same of one that was described already. */
struct certificate_info;
void certificate_write_described(struct json_out *, const char *name, const struct certificate_info *);

/* The row of that column, or of that JSON path; NULL: none. */
const struct field *noun_field(const struct noun *, const char *name);
const struct field *noun_field_json(const struct noun *, const char *path);

/* The member of a record that a row describes. */
static inline void *field_of(const struct field *f, void *record)
{
	return (char *)record + f->offset;
}

/* --- the rows become structs and tables --- */

#define MEMBER_TEXT struct slice
#define MEMBER_ENUM struct slice
#define MEMBER_FLAG enum flag
#define MEMBER_INT int64_t
#define MEMBER_TIME instant
#define MEMBER_JSON struct slice
#define MEMBER_LIST struct slices
#define MEMBER_KEY struct slice
#define MEMBER_CERT struct slice
#define FIELD_MEMBER(type, member, json, rules, choices, help) MEMBER_##type member;

/* --- nouns: tenants --- */

/* A provisioning service (service-api.md 11.2): a tenant, named in the device API by its ID scope. */
#define SERVICE_FIELDS(F)                                                                                                           \
	F(TEXT, scope, "properties.idScope", FIELD_ID | FIELD_FIXED | FIELD_COLUMN, NULL, "ID scope, made by the server")            \
	F(TEXT, name, "name", FIELD_FIXED | FIELD_COLUMN, NULL, "name, also the first label of its host name")                      \
	F(TEXT, name_folded, NULL, 0, NULL, NULL)                                                                                   \
	F(TEXT, subscription, "subscriptionid", FIELD_FIXED, NULL, "subscription it was created in")                                \
	F(TEXT, resource_group, "resourcegroup", FIELD_FIXED | FIELD_COLUMN, NULL, "resource group it was created in")              \
	F(TEXT, location, "location", FIELD_COLUMN, NULL, "region label")                                                           \
	F(ENUM, allocation_policy, "properties.allocationPolicy", FIELD_DEFAULT | FIELD_COLUMN, service_policies,                   \
	  "how devices are spread over the linked hubs")                                                                            \
	F(ENUM, endorsement_certificates, "properties.endorsementCertificates", 0, endorsement_certificate_rules,                   \
	  "whether devices with a TPM need one; ours")                                                                              \
	F(JSON, tags, "tags", 0, NULL, "labels, as a JSON object")                                                                  \
	F(JSON, sku, "sku", 0, NULL, "tier; echoed")                                                                                \
	F(JSON, extra, NULL, 0, NULL, NULL) /* other members of properties, kept and echoed: an object */                           \
	F(JSON, identity, "identity", 0, NULL, "managed identity; echoed")                                                          \
	F(TIME, created, NULL, 0, NULL, NULL)                                                                                       \
	F(TIME, updated, NULL, 0, NULL, NULL)                                                                                       \
	F(TEXT, etag, "etag", FIELD_FIXED, NULL, "row version")

/* An IoT hub hosted here. Shares the space of names with services. */
#define HUB_FIELDS(F)                                                                                                               \
	F(TEXT, name_folded, NULL, FIELD_ID, NULL, NULL)                                                                            \
	F(TEXT, name, "name", FIELD_FIXED | FIELD_COLUMN, NULL, "name, also the first label of its host name")                      \
	F(TEXT, subscription, "subscriptionid", FIELD_FIXED, NULL, "subscription it was created in")                                \
	F(TEXT, resource_group, "resourcegroup", FIELD_FIXED | FIELD_COLUMN, NULL, "resource group it was created in")              \
	F(TEXT, location, "location", FIELD_COLUMN, NULL, "region label")                                                           \
	F(JSON, tags, "tags", 0, NULL, "labels, as a JSON object")                                                                  \
	F(JSON, sku, "sku", 0, NULL, "tier; echoed")                                                                                \
	F(JSON, extra, NULL, 0, NULL, NULL)                                                                                         \
	F(TIME, created, NULL, 0, NULL, NULL)                                                                                       \
	F(TIME, updated, NULL, 0, NULL, NULL)                                                                                       \
	F(TEXT, etag, "etag", FIELD_FIXED, NULL, "row version")

/* A shared access policy of a service (owner "dps/{folded name}") or a hub ("hub/{folded name}"). */
#define POLICY_FIELDS(F)                                                                                                            \
	F(TEXT, owner, NULL, FIELD_ID, NULL, NULL)                                                                                  \
	F(TEXT, id, NULL, FIELD_ID, NULL, NULL) /* the name, folded */                                                              \
	F(TEXT, name, "keyName", FIELD_REQUIRED | FIELD_COLUMN, NULL, "name of the policy")                                         \
	F(KEY, primary_key, "primaryKey", FIELD_COLUMN, NULL, "base64; made when absent")                                           \
	F(KEY, secondary_key, "secondaryKey", 0, NULL, "base64; made when absent")                                                  \
	F(TEXT, rights, "rights", FIELD_REQUIRED | FIELD_COLUMN, NULL, "names of rights, joined by comma and blank")                \
	F(INT, position, NULL, 0, NULL, NULL) /* order in which they are listed */

/* A hub that a service may place devices on (service-api.md 7.3, 10). */
#define LINKED_HUB_FIELDS(F)                                                                                                        \
	F(TEXT, scope, NULL, FIELD_ID, NULL, NULL)                                                                                  \
	F(TEXT, id, NULL, FIELD_ID, NULL, NULL) /* the host name, folded, without a port */                                         \
	F(TEXT, name, "name", FIELD_FIXED | FIELD_COLUMN, NULL, "host name of the hub, as devices use it")                          \
	F(INT, port, NULL, 0, NULL, NULL) /* for our requests; INT_NONE: 443 */                                                     \
	F(FLAG, hosted, NULL, 0, NULL, NULL) /* linked by name: it lives in this server and needs no key */                         \
	F(TEXT, key_name, NULL, 0, NULL, NULL)                                                                                      \
	F(KEY, key, NULL, 0, NULL, NULL)                                                                                            \
	F(TEXT, location, "location", FIELD_COLUMN, NULL, "region label of the hub")                                                \
	F(INT, weight, "allocationWeight", FIELD_SHOW_NULL | FIELD_COLUMN, NULL, "share of devices, 1 to 1000; absent counts as 1") \
	F(FLAG, apply, "applyAllocationPolicy", FIELD_SHOW_NULL | FIELD_COLUMN, NULL, "whether it takes part unless named")         \
	F(INT, position, NULL, 0, NULL, NULL)

/* --- nouns: enrollments --- */

/* What individual enrollments and groups have in common (service-api.md 5.1, 5.2), in the order
 * of the wire. */
#define ENROLLMENT_ATTESTATION(F)                                                                                                   \
	F(ENUM, attestation, "attestation.type", FIELD_REQUIRED | FIELD_COLUMN, attestation_types, "how the device proves itself")  \
	F(TEXT, endorsement_key, "attestation.tpm.endorsementKey", 0, NULL, "TPM endorsement key, base64 of TPM2B_PUBLIC")          \
	F(TEXT, storage_root_key, "attestation.tpm.storageRootKey", 0, NULL, "TPM storage root key, base64 of TPM2B_PUBLIC")        \
	F(TEXT, endorsement_certificate, "attestation.tpm.endorsementCertificate", FIELD_FILE, NULL,                                \
	  "what its manufacturer says of that key: PEM, with intermediates, or base64 of DER; ours")                                \
	F(CERT, client_primary, "attestation.x509.clientCertificates.primary", 0, NULL, "certificate of the device")                \
	F(CERT, client_secondary, "attestation.x509.clientCertificates.secondary", 0, NULL, "its successor")                        \
	F(CERT, signing_primary, "attestation.x509.signingCertificates.primary", 0, NULL, "certificate that signs the devices'")    \
	F(CERT, signing_secondary, "attestation.x509.signingCertificates.secondary", 0, NULL, "its successor")                      \
	F(TEXT, ca_primary, "attestation.x509.caReferences.primary", 0, NULL, "name of an uploaded CA certificate")                 \
	F(TEXT, ca_secondary, "attestation.x509.caReferences.secondary", 0, NULL, "its successor")                                  \
	F(KEY, primary_key, "attestation.symmetricKey.primaryKey", 0, NULL, "base64 of 16 to 64 bytes; made when absent")           \
	F(KEY, secondary_key, "attestation.symmetricKey.secondaryKey", 0, NULL, "base64 of 16 to 64 bytes; made when absent")       \
	F(TEXT, ca_primary_id, NULL, 0, NULL, NULL) /* folded, by which those that name a CA are found */                           \
	F(TEXT, ca_secondary_id, NULL, 0, NULL, NULL)                                                                               \
	F(TIME, certificate_end, NULL, 0, NULL, NULL) /* when the first of its certificates ends */

/* What a group's signing certificates are found by: certificate_subject_mark. */
#define GROUP_MARKS(F)                                                                                                              \
	F(TEXT, signing_primary_mark, NULL, 0, NULL, NULL)                                                                          \
	F(TEXT, signing_secondary_mark, NULL, 0, NULL, NULL)                                                                        \
	F(FLAG, revocation_lists, NULL, 0, NULL, NULL) /* whether it may have any */

#define ENROLLMENT_REST(F)                                                                                                          \
	F(FLAG, iot_edge, "capabilities.iotEdge", 0, NULL, "an IoT Edge device")                                                    \
	F(TEXT, iot_hub_host_name, "iotHubHostName", 0, NULL, "one hub: the old way to say static")                                 \
	F(JSON, initial_twin, "initialTwin", 0, NULL, "tags and desired properties of a new device")                                \
	F(TEXT, etag, "etag", FIELD_FIXED, NULL, "version, base64 of a quoted text")                                                \
	F(ENUM, provisioning_status, "provisioningStatus", FIELD_DEFAULT | FIELD_KEEP_NULL | FIELD_COLUMN, provisioning_states,     \
	  "whether devices are let in")                                                                                             \
	F(FLAG, update_hub, "reprovisionPolicy.updateHubAssignment", 0, NULL, "choose the hub anew when the device registers again") \
	F(FLAG, migrate_data, "reprovisionPolicy.migrateDeviceData", 0, NULL, "carry the twin over to the new hub")                 \
	F(TIME, created, "createdDateTimeUtc", FIELD_FIXED, NULL, "when it was created")                                            \
	F(TIME, updated, "lastUpdatedDateTimeUtc", FIELD_FIXED, NULL, "when it was last written")                                   \
	F(ENUM, allocation_policy, "allocationPolicy", FIELD_COLUMN, enrollment_policies, "absent: the service's")                  \
	F(LIST, iot_hubs, "iotHubs", 0, NULL, "hubs to choose from; absent: all linked hubs")                                       \
	F(TEXT, webhook_url, "customAllocationDefinition.webhookUrl", 0, NULL, "asked by the custom policy")                        \
	F(TEXT, webhook_version, "customAllocationDefinition.apiVersion", 0, NULL, "form of the question")                          \
	F(TEXT, rule, "customAllocationDefinition.rule", FIELD_FILE, NULL, "in place of a webhook: Lua that names the hub; ours")  \
	F(TEXT, credential_policy, "credentialPolicyName", 0, NULL, "stored and echoed")                                            \
	F(TEXT, namespace_name, "namespaceName", 0, NULL, "stored and echoed")                                                      \
	F(TEXT, authority_name, "certificateAuthorityName", 0, NULL, "stored and echoed")                                           \
	F(TEXT, certificate_policy, "certificatePolicyName", 0, NULL, "stored and echoed")

#define INDIVIDUAL_FIELDS(F)                                                                                                        \
	F(TEXT, scope, NULL, FIELD_ID, NULL, NULL)                                                                                  \
	F(TEXT, id, NULL, FIELD_ID, NULL, NULL) /* folded */                                                                        \
	F(TEXT, name, "registrationId", FIELD_COLUMN, NULL, "registration ID of the device")                                        \
	F(TEXT, device_id, "deviceId", FIELD_COLUMN, NULL, "its ID at the hub; absent: the registration ID")                        \
	F(JSON, state, "registrationState", FIELD_FIXED | FIELD_UNSTORED, NULL, "the registration record")                          \
	F(JSON, device_information, "optionalDeviceInformation", 0, NULL, "echoed")                                                 \
	ENROLLMENT_ATTESTATION(F)                                                                                                   \
	ENROLLMENT_REST(F)

#define GROUP_FIELDS(F)                                                                                                             \
	F(TEXT, scope, NULL, FIELD_ID, NULL, NULL)                                                                                  \
	F(TEXT, id, NULL, FIELD_ID, NULL, NULL) /* folded */                                                                        \
	F(TEXT, name, "enrollmentGroupId", FIELD_COLUMN, NULL, "name of the group")                                                 \
	ENROLLMENT_ATTESTATION(F)                                                                                                   \
	ENROLLMENT_REST(F)                                                                                                          \
	GROUP_MARKS(F)

/* --- nouns: certificates --- */

/* A CA certificate of a service (service-api.md 11.6). Its JSON has dates and spellings of its own: api/manage_certificate.c. */
#define CA_CERTIFICATE_FIELDS(F)                                                                                                    \
	F(TEXT, scope, NULL, FIELD_ID, NULL, NULL)                                                                                  \
	F(TEXT, id, NULL, FIELD_ID, NULL, NULL) /* the name, folded */                                                              \
	F(TEXT, name, "name", FIELD_FIXED | FIELD_COLUMN, NULL, "name of the certificate")                                          \
	F(CERT, certificate, NULL, 0, NULL, NULL)                                                                                   \
	F(TEXT, subject_mark, NULL, 0, NULL, NULL) /* certificate_subject_mark */                                                   \
	F(FLAG, verified, NULL, 0, NULL, NULL)     /* its owner has shown that he has the key, or may say so */                     \
	F(TEXT, code, NULL, 0, NULL, NULL)         /* to be signed as proof of that; absent: none was asked for */                  \
	F(TIME, certificate_end, NULL, 0, NULL, NULL)                                                                               \
	F(TIME, created, NULL, 0, NULL, NULL)                                                                                       \
	F(TIME, updated, NULL, 0, NULL, NULL)                                                                                       \
	F(TEXT, etag, "etag", FIELD_FIXED, NULL, "version")

/* A certificate that manufacturers of TPMs sign endorsement certificates with, and that the operator trusts for that. All of it is ours. */
#define ENDORSEMENT_ROOT_FIELDS(F)                                                                                                  \
	F(TEXT, scope, NULL, FIELD_ID, NULL, NULL)                                                                                  \
	F(TEXT, id, NULL, FIELD_ID, NULL, NULL) /* the name, folded */                                                              \
	F(TEXT, name, "name", FIELD_FIXED | FIELD_COLUMN, NULL, "name of the root")                                                 \
	F(CERT, certificate, NULL, 0, NULL, NULL)                                                                                   \
	F(TEXT, subject_mark, NULL, 0, NULL, NULL) /* certificate_subject_mark */                                                   \
	F(TIME, created, "createdDateTimeUtc", FIELD_FIXED, NULL, "when it was created")                                            \
	F(TIME, updated, "lastUpdatedDateTimeUtc", FIELD_FIXED, NULL, "when it was last written")                                   \
	F(TEXT, etag, "etag", FIELD_FIXED, NULL, "version")

/* What a device presented when it was last assigned by X.509, and the enrollment's certificate that vouched for it. */
#define PRESENTED_FIELDS(F)                                                                                                         \
	F(TEXT, scope, NULL, FIELD_ID, NULL, NULL)                                                                                  \
	F(TEXT, id, NULL, FIELD_ID, NULL, NULL) /* folded registration ID */                                                        \
	F(CERT, leaf, NULL, 0, NULL, NULL)                                                                                          \
	F(CERT, signer, NULL, 0, NULL, NULL) /* absent: the leaf itself is the enrollment's */                                      \
	F(TIME, certificate_end, NULL, 0, NULL, NULL) /* of the leaf */                                                             \
	F(TIME, at, NULL, 0, NULL, NULL)

/* A list of certificates that were withdrawn before their end (RFC 5280 section 5), for the devices of a group, or for TPMs. It was given, or
 * is fetched. What it lists stands apart, so that a registration need not read it each time. */
#define REVOCATION_LIST_FIELDS(F)                                                                                                   \
	F(TEXT, scope, NULL, FIELD_ID, NULL, NULL)                                                                                  \
	F(TEXT, group_id, NULL, FIELD_ID, NULL, NULL) /* folded; ENDORSEMENT_LISTS: of no group */                                  \
	F(TEXT, id, NULL, FIELD_ID, NULL, NULL)       /* the name, folded */                                                        \
	F(TEXT, name, "name", FIELD_FIXED | FIELD_COLUMN, NULL, "name of the list")                                                 \
	F(TEXT, url, "url", FIELD_COLUMN, NULL, "where it is fetched from; absent: it was given")                                   \
	F(INT, refresh, "refreshMinutes", 0, NULL, "how often it is fetched")                                                       \
	F(FLAG, strict, "strict", FIELD_COLUMN | FIELD_SHOW_ZERO, NULL, "refuse devices when there is no list of today")            \
	F(CERT, issuer_certificate, NULL, 0, NULL, NULL) /* who signs it, when that is none of the group's certificates */          \
	F(TEXT, version, NULL, 0, NULL, NULL)            /* of what it lists; absent: nothing is there yet */                       \
	F(TEXT, issuer, "issuer", FIELD_FIXED | FIELD_COLUMN, NULL, "who has signed it")                                            \
	F(INT, entries, "entries", FIELD_FIXED | FIELD_COLUMN, NULL, "how many certificates it lists")                              \
	F(TIME, this_update, "thisUpdateUtc", FIELD_FIXED, NULL, "when it was made")                                                \
	F(TIME, next_update, "nextUpdateUtc", FIELD_FIXED | FIELD_COLUMN, NULL, "when there will be a newer one")                   \
	F(TIME, fetched, "lastFetchedUtc", FIELD_FIXED, NULL, "when it was fetched last, with success")                             \
	F(TEXT, trouble, "lastError", FIELD_FIXED | FIELD_COLUMN, NULL, "why it could not be fetched since")                        \
	F(TIME, due, NULL, 0, NULL, NULL) /* to be fetched */                                                                       \
	F(TIME, created, "createdDateTimeUtc", FIELD_FIXED, NULL, "when it was created")                                            \
	F(TIME, updated, "lastUpdatedDateTimeUtc", FIELD_FIXED, NULL, "when it was last written")                                   \
	F(TEXT, etag, "etag", FIELD_FIXED, NULL, "version")

#define REVOCATION_BODY_FIELDS(F)                                                                                                   \
	F(TEXT, scope, NULL, FIELD_ID, NULL, NULL)                                                                                  \
	F(TEXT, group_id, NULL, FIELD_ID, NULL, NULL)                                                                               \
	F(TEXT, id, NULL, FIELD_ID, NULL, NULL)                                                                                     \
	F(CERT, list, NULL, 0, NULL, NULL) /* DER */

/* --- nouns: registrations --- */

/* The registration record (service-api.md 5.6) and the operation behind it. */
#define REGISTRATION_FIELDS(F)                                                                                                      \
	F(TEXT, scope, NULL, FIELD_ID, NULL, NULL)                                                                                  \
	F(TEXT, id, NULL, FIELD_ID, NULL, NULL) /* folded */                                                                        \
	F(TEXT, name, "registrationId", FIELD_COLUMN, NULL, "as the device spelled it first")                                       \
	F(TIME, created, "createdDateTimeUtc", 0, NULL, "first registration")                                                       \
	F(TEXT, assigned_hub, "assignedHub", FIELD_COLUMN, NULL, "host name of its hub")                                            \
	F(TEXT, device_id, "deviceId", FIELD_COLUMN, NULL, "its ID there")                                                          \
	F(ENUM, status, "status", FIELD_COLUMN, registration_states, "where the registration stands")                               \
	F(ENUM, substatus, "substatus", FIELD_COLUMN, registration_substates, "how it came to its hub")                             \
	F(INT, error_code, "errorCode", 0, NULL, "why it failed")                                                                   \
	F(TEXT, error_message, "errorMessage", 0, NULL, "why it failed, in words")                                                  \
	F(TIME, updated, "lastUpdatedDateTimeUtc", FIELD_COLUMN, NULL, "last change")                                               \
	F(TEXT, etag, "etag", 0, NULL, "version")                                                                                   \
	F(JSON, payload, "payload", 0, NULL, "from custom allocation")                                                              \
	F(TEXT, group_id, NULL, 0, NULL, NULL)      /* folded; absent: individual enrollment */                                     \
	F(TEXT, operation_id, NULL, 0, NULL, NULL)  /* of the latest register */                                                    \
	F(TEXT, former_operation, NULL, 0, NULL, NULL) /* of the one before, still answered (device-api.md 17) */                   \
	F(TEXT, target_hub, NULL, 0, NULL, NULL)    /* while assigning: the hub that was chosen */                                  \
	F(TEXT, target_device, NULL, 0, NULL, NULL) /* ... and the device ID for it */                                              \
	F(FLAG, target_migrate, NULL, 0, NULL, NULL)                                                                                \
	F(JSON, device_payload, NULL, 0, NULL, NULL) /* ... and what the device sent along, for custom allocation */                \
	F(LIST, leftovers, NULL, 0, NULL, NULL)     /* "hub/device": identities of ours still to be removed */                      \
	F(INT, pending, NULL, 0, NULL, NULL)        /* 1: assigning, or leftovers; a restart takes it up */                         \
	F(LIST, moves, NULL, 0, NULL, NULL)         /* "date substatus hub/device": where it was placed, the latest last */          \
	F(TEXT, endorsement_key, NULL, 0, NULL, NULL)  /* TPM: that of the enrollment when it was last assigned */                   \
	F(TEXT, storage_root_key, NULL, 0, NULL, NULL) /* TPM: as the device showed it last; polls do not carry it */               \
	F(TIME, challenge_used, NULL, 0, NULL, NULL)   /* TPM: when it last used a challenge, and the time before that */            \
	F(TIME, challenge_used_before, NULL, 0, NULL, NULL)                                                                         \
	F(TEXT, source_address, NULL, 0, NULL, NULL)   /* from where it registered last, as far as that is known */

/* Why a device was turned away: the last attempts of each registration ID. */
#define ATTEMPT_FIELDS(F)                                                                                                           \
	F(TEXT, scope, NULL, FIELD_ID, NULL, NULL)                                                                                  \
	F(TEXT, id, NULL, FIELD_ID, NULL, NULL)                                                                                     \
	F(TIME, at, "dateTimeUtc", FIELD_ID | FIELD_COLUMN, NULL, "when")                                                           \
	F(TEXT, name, "registrationId", 0, NULL, "as the device spelled it")                                                        \
	F(TEXT, operation, "operation", 0, NULL, "what the device asked")                                                           \
	F(TEXT, protocol, "protocol", FIELD_COLUMN, NULL, "how it asked")                                                           \
	F(TEXT, peer, "callerIpAddress", FIELD_COLUMN, NULL, "from where")                                                          \
	F(INT, error_code, "errorCode", FIELD_COLUMN, NULL, "what the device was told")                                             \
	F(TEXT, check_name, "check", FIELD_COLUMN, NULL, "which check failed")                                                      \
	F(TEXT, seen, "seen", 0, NULL, "what was presented")                                                                        \
	F(TEXT, expected, "expected", 0, NULL, "what would have passed")                                                            \
	F(TEXT, sentence, "reason", FIELD_COLUMN, NULL, "the same in one sentence")                                                 \
	F(TEXT, enrollment, "enrollment", 0, NULL, "the enrollment that was looked at")                                             \
	F(TEXT, request_id, "trackingId", 0, NULL, "as in the answer and the log")                                                  \
	F(JSON, presented, "presented", 0, NULL, "the certificates that the device sent, leaf first")                               \
	F(LIST, nearest, "nearest", 0, NULL, "enrollments that came nearest, and what differs")

/* --- nouns: hosted hubs --- */

/* A device of a hosted hub: identity (hub-api.md 4.3) and twin (4.6) in one row. */
#define DEVICE_FIELDS(F)                                                                                                            \
	F(TEXT, hub, NULL, FIELD_ID, NULL, NULL) /* folded name of the hub */                                                       \
	F(TEXT, device_id, "deviceId", FIELD_ID | FIELD_REQUIRED | FIELD_COLUMN, NULL, "ID, case counts")                           \
	F(TEXT, generation, "generationId", FIELD_FIXED, NULL, "new each time the ID is created")                                   \
	F(TEXT, etag, "etag", FIELD_FIXED, NULL, "version of the identity")                                                         \
	F(ENUM, connection_state, "connectionState", FIELD_FIXED | FIELD_UNSTORED | FIELD_DEFAULT, connection_states, "now")        \
	F(ENUM, status, "status", FIELD_DEFAULT | FIELD_COLUMN, device_states, "whether it may connect")                            \
	F(TEXT, status_reason, "statusReason", FIELD_SHOW_NULL, NULL, "why not")                                                    \
	F(TIME, connection_time, "connectionStateUpdatedTime", FIELD_FIXED | FIELD_SHOW_ZERO, NULL, "last connect or disconnect")   \
	F(TIME, status_time, "statusUpdatedTime", FIELD_FIXED | FIELD_SHOW_ZERO, NULL, "last change of status")                     \
	F(TIME, activity_time, "lastActivityTime", FIELD_FIXED | FIELD_SHOW_ZERO, NULL, "last message")                             \
	F(INT, message_count, "cloudToDeviceMessageCount", FIELD_FIXED | FIELD_SHOW_ZERO, NULL, "messages waiting")                 \
	F(KEY, primary_key, "authentication.symmetricKey.primaryKey", FIELD_SHOW_NULL, NULL, "base64 of 16 to 64 bytes")            \
	F(KEY, secondary_key, "authentication.symmetricKey.secondaryKey", FIELD_SHOW_NULL, NULL, "base64 of 16 to 64 bytes")        \
	F(TEXT, primary_thumbprint, "authentication.x509Thumbprint.primaryThumbprint", FIELD_SHOW_NULL, NULL, "hex, 40 or 64 digits")\
	F(TEXT, secondary_thumbprint, "authentication.x509Thumbprint.secondaryThumbprint", FIELD_SHOW_NULL, NULL, "its successor")  \
	F(ENUM, authentication, "authentication.type", FIELD_DEFAULT | FIELD_COLUMN, authentication_types, "how it proves itself")  \
	F(FLAG, iot_edge, "capabilities.iotEdge", FIELD_SHOW_ZERO, NULL, "an IoT Edge device")                                      \
	F(TEXT, device_scope, "deviceScope", 0, NULL, "edge scope")                                                                 \
	F(LIST, parent_scopes, "parentScopes", 0, NULL, "scopes of its parents")                                                    \
	F(JSON, twin_tags, NULL, 0, NULL, NULL)         /* an object; absent: {} */                                                 \
	F(JSON, desired, NULL, 0, NULL, NULL)           /* without $metadata and $version */                                        \
	F(JSON, desired_metadata, NULL, 0, NULL, NULL)                                                                              \
	F(INT, desired_version, NULL, 0, NULL, NULL)                                                                                \
	F(JSON, reported, NULL, 0, NULL, NULL)                                                                                      \
	F(JSON, reported_metadata, NULL, 0, NULL, NULL)                                                                             \
	F(INT, reported_version, NULL, 0, NULL, NULL)                                                                               \
	F(INT, twin_writes, NULL, 0, NULL, NULL)        /* the counter behind the twin's etag */                                    \
	F(TEXT, model_id, NULL, 0, NULL, NULL)                                                                                      \
	F(TIME, created, NULL, 0, NULL, NULL)

/* Who has which name: services and hubs are unique in one space (design.md 2). */
#define NAME_FIELDS(F)                                                                                                              \
	F(TEXT, id, NULL, FIELD_ID, NULL, NULL)                                                                                     \
	F(TEXT, kind, NULL, 0, NULL, NULL) /* "service" or "hub" */                                                                 \
	F(TEXT, owner, NULL, 0, NULL, NULL) /* scope of the service, folded name of the hub */

/* --- nouns: who works with this server --- */

/* A person who signs in at the portal. What the password's hash is made of is sealed, so a stolen store alone tries no passwords. */
#define OPERATOR_FIELDS(F)                                                                                                          \
	F(TEXT, id, NULL, FIELD_ID, NULL, NULL) /* the name, folded */                                                              \
	F(TEXT, name, "name", FIELD_FIXED | FIELD_COLUMN, NULL, "name to sign in with")                                             \
	F(ENUM, role, "role", FIELD_COLUMN, operator_roles, "administrator, or reader: sees everything but keys, changes nothing")  \
	F(KEY, password_hash, NULL, 0, NULL, NULL)                                                                                  \
	F(TIME, created, "created", FIELD_FIXED | FIELD_COLUMN, NULL, "when the operator was made")                                 \
	F(TIME, last_sign_in, "lastSignIn", FIELD_FIXED | FIELD_SHOW_NULL | FIELD_COLUMN, NULL, "when it was last used")            \
	F(TEXT, etag, NULL, 0, NULL, NULL) /* new with every change of role or password, not by signing in */

/* An operator who is signed in with one browser. A change of role or password ends it, so that what stands here holds. */
#define SESSION_FIELDS(F)                                                                                                           \
	F(TEXT, operator_id, NULL, FIELD_ID, NULL, NULL)                                                                            \
	F(TEXT, id, NULL, FIELD_ID, NULL, NULL) /* SHA-256 of what the browser keeps, in hexadecimal */                             \
	F(TEXT, name, NULL, 0, NULL, NULL) /* the operator's, as spelled */                                                         \
	F(ENUM, role, NULL, 0, operator_roles, NULL)                                                                                \
	F(TIME, created, NULL, 0, NULL, NULL)                                                                                       \
	F(TIME, used, NULL, 0, NULL, NULL) /* by and large: session.c */

struct service {
	SERVICE_FIELDS(FIELD_MEMBER)
};
struct hub {
	HUB_FIELDS(FIELD_MEMBER)
};
struct policy {
	POLICY_FIELDS(FIELD_MEMBER)
};
struct linked_hub {
	LINKED_HUB_FIELDS(FIELD_MEMBER)
};
struct registration_record {
	REGISTRATION_FIELDS(FIELD_MEMBER)
};
struct attempt {
	ATTEMPT_FIELDS(FIELD_MEMBER)
};
struct device {
	DEVICE_FIELDS(FIELD_MEMBER)
};
struct name {
	NAME_FIELDS(FIELD_MEMBER)
};
/* One struct for both kinds of enrollment: a group leaves device_id, state and
 * device_information absent. Which noun it was read as tells what it is. */
struct enrollment {
	INDIVIDUAL_FIELDS(FIELD_MEMBER)
	GROUP_MARKS(FIELD_MEMBER)
};
struct ca_certificate {
	CA_CERTIFICATE_FIELDS(FIELD_MEMBER)
};
struct endorsement_root {
	ENDORSEMENT_ROOT_FIELDS(FIELD_MEMBER)
};
struct presented {
	PRESENTED_FIELDS(FIELD_MEMBER)
};
struct revocation_list {
	REVOCATION_LIST_FIELDS(FIELD_MEMBER)
};
struct revocation_body {
	REVOCATION_BODY_FIELDS(FIELD_MEMBER)
};
struct operator_record {
	OPERATOR_FIELDS(FIELD_MEMBER)
};
struct session_record {
	SESSION_FIELDS(FIELD_MEMBER)
};

extern const struct noun noun_service, noun_hub, noun_policy, noun_linked_hub, noun_individual, noun_group, noun_registration,
	noun_attempt, noun_device, noun_name, noun_ca_certificate, noun_presented, noun_revocation_list, noun_revocation_body,
	noun_operator, noun_session, noun_endorsement_root;

/* All of them, ended by NULL: what the store keeps. */
extern const struct noun *const nouns[];

/* Index numbers for struct store_want.by; 0 is the primary key. */
enum { SERVICE_BY_NAME = 1 };                                    /* name_folded */
enum {
	REGISTRATION_BY_GROUP = 1, /* scope, group_id, id */
	REGISTRATION_BY_PENDING,   /* pending, scope, id */
	REGISTRATION_BY_TROUBLE,   /* scope, status ("failed" or "disabled"), id */
};
enum {
	INDIVIDUAL_BY_CA_PRIMARY = 1, /* scope, ca_.._id, id */
	INDIVIDUAL_BY_CA_SECONDARY,
	INDIVIDUAL_BY_END,            /* scope, certificate_end, id */
	INDIVIDUAL_BY_ATTESTATION,    /* scope, attestation, id */
	INDIVIDUAL_BY_DISABLED,       /* scope, provisioning_status ("disabled"), id */
};
enum {
	GROUP_BY_ATTESTATION = 1,  /* scope, attestation, id */
	GROUP_BY_PRIMARY_MARK,     /* scope, signing_.._mark, id */
	GROUP_BY_SECONDARY_MARK,
	GROUP_BY_CA_PRIMARY,       /* scope, ca_.._id, id */
	GROUP_BY_CA_SECONDARY,
	GROUP_BY_END,              /* scope, certificate_end, id */
};
enum { CA_BY_MARK = 1, CA_BY_END };                              /* scope, subject_mark, id; scope, certificate_end, id */
enum { PRESENTED_BY_END = 1 };                                   /* scope, certificate_end, id */
enum { REVOCATION_BY_DUE = 1 };                                  /* due, scope, group_id, id */
enum { ATTEMPT_BY_TIME = 1 };                                    /* at */
enum { SESSION_BY_ID = 1 };                                      /* id */

extern const char *const endorsement_certificate_rules[], *const service_policies[], *const attestation_types[], *const provisioning_states[], *const enrollment_policies[],
	*const registration_states[], *const registration_substates[], *const connection_states[], *const device_states[],
	*const authentication_types[], *const operator_roles[];

/* --- rules that hold wherever a noun comes from --- */

#define ID_MAX 128       /* registrationId, enrollmentGroupId, deviceId: characters */
#define GROUP_KEYS_MAX 100 /* symmetric key groups of a service, service-api.md 12.1: bounds the trying */
#define LINKED_HUBS_MAX 50
#define CA_CERTIFICATES_MAX 25 /* of a service, service-api.md 12.1 */
#define ENDORSEMENT_ROOTS_MAX 64 /* of a service */
#define OPERATORS_MAX 500
#define REVOCATION_LISTS_MAX 8 /* of a group: one for each CA between its devices and what it trusts */
#define ENDORSEMENT_LISTS "*endorsement" /* in the place of a group, for lists about certificates of TPMs; no group can be called so */
#define ENDORSEMENT_LISTS_MAX 32 /* of a service: makers of TPMs have a CA for each of their products */

/* registrationId and enrollmentGroupId: letters, digits, '-' '.' '_' ':', the last one a letter,
 * digit or '-' (device-api.md 4, service-api.md 4.3). */
bool id_is_good(struct slice id);

/* deviceId at a hub: hub-api.md 4.3. */
bool device_id_is_good(struct slice id);

/* Name of a service or hub: service-api.md 11.2. */
bool name_is_good(struct slice name);

/* Name of an operator: 1 to 64 letters, digits, '-' '.' '_' '@' '+', the first one a letter or digit. */
bool operator_name_is_good(struct slice name);

/* A password to be taken: 12 to 128 characters of UTF-8. */
bool password_is_good(struct slice password);

/* A new tag for service-api.md 4.6: base64 of a quoted, GUID-like text that ends with the time. */
struct slice etag_make(struct arena *, instant now);

/* If-Match in any spelling of service-api.md 4.6 against a stored tag; "*" matches all. An absent
 * `given` matches too. */
bool etag_matches(struct slice given, struct slice stored);
bool etag_is_any(struct slice given);

/* The symmetric keys rule, service-api.md 5.3: base64 of 16 to 64 bytes. */
bool key_is_good(struct slice base64);

#endif
