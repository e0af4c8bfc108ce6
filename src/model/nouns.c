/*
 * nouns.c: the rows of model.h become tables.
 *
 * What a noun adds to its rows: the name of its SQL table and the other ways to find its records.
 */
#include "model/model.h"

/* --- choices; the first one is the default where a row says FIELD_DEFAULT --- */

const char *const endorsement_certificate_rules[] = {"optional", "required", NULL};
const char *const service_policies[] = {"Hashed", "GeoLatency", "Static", NULL};                               /* service-api.md 7.1 */
const char *const attestation_types[] = {"none", "tpm", "x509", "symmetricKey", NULL};                         /* 5.3 */
const char *const provisioning_states[] = {"enabled", "disabled", NULL};                                       /* 5.1 */
const char *const enrollment_policies[] = {"hashed", "geoLatency", "static", "custom", NULL};                  /* 5.1 */
const char *const registration_states[] = {"unassigned", "assigning", "assigned", "failed", "disabled", NULL}; /* 5.6 */
const char *const registration_substates[] = {"initialAssignment", "deviceDataMigrated", "deviceDataReset",
					      "reprovisionedToInitialAssignment", NULL};                /* 5.6 */
const char *const connection_states[] = {"Disconnected", "Connected", NULL};                            /* hub-api.md 4.3 */
const char *const device_states[] = {"enabled", "disabled", NULL};                                      /* 4.3 */
const char *const authentication_types[] = {"sas", "selfSigned", "certificateAuthority", "none", NULL}; /* 4.3 */
const char *const operator_roles[] = {"administrator", "reader", NULL};

/* --- fields --- */

#define ROW(type, member, json, rules, choices, help) {#member, json, FIELD_##type, rules, choices, offsetof(struct ROW_OF, member), help},

#define ROW_OF service
static const struct field service_fields[] = {SERVICE_FIELDS(ROW)};
#undef ROW_OF

#define ROW_OF hub
static const struct field hub_fields[] = {HUB_FIELDS(ROW)};
#undef ROW_OF

#define ROW_OF policy
static const struct field policy_fields[] = {POLICY_FIELDS(ROW)};
#undef ROW_OF

#define ROW_OF linked_hub
static const struct field linked_hub_fields[] = {LINKED_HUB_FIELDS(ROW)};
#undef ROW_OF

#define ROW_OF enrollment
static const struct field individual_fields[] = {INDIVIDUAL_FIELDS(ROW)};
static const struct field group_fields[] = {GROUP_FIELDS(ROW)};
#undef ROW_OF

#define ROW_OF ca_certificate
static const struct field ca_certificate_fields[] = {CA_CERTIFICATE_FIELDS(ROW)};
#undef ROW_OF

#define ROW_OF presented
static const struct field presented_fields[] = {PRESENTED_FIELDS(ROW)};
#undef ROW_OF

#define ROW_OF registration_record
static const struct field registration_fields[] = {REGISTRATION_FIELDS(ROW)};
#undef ROW_OF

#define ROW_OF attempt
static const struct field attempt_fields[] = {ATTEMPT_FIELDS(ROW)};
#undef ROW_OF

#define ROW_OF device
static const struct field device_fields[] = {DEVICE_FIELDS(ROW)};
#undef ROW_OF

#define ROW_OF name
static const struct field name_fields[] = {NAME_FIELDS(ROW)};
#undef ROW_OF

#define ROW_OF revocation_list
static const struct field revocation_list_fields[] = {REVOCATION_LIST_FIELDS(ROW)};
#undef ROW_OF

#define ROW_OF revocation_body
static const struct field revocation_body_fields[] = {REVOCATION_BODY_FIELDS(ROW)};
#undef ROW_OF

#define ROW_OF endorsement_root
static const struct field endorsement_root_fields[] = {ENDORSEMENT_ROOT_FIELDS(ROW)};
#undef ROW_OF

#define ROW_OF operator_record
static const struct field operator_fields[] = {OPERATOR_FIELDS(ROW)};
#undef ROW_OF

#define ROW_OF session_record
static const struct field session_fields[] = {SESSION_FIELDS(ROW)};
#undef ROW_OF

/* --- indexes: the numbers of the enums in model.h, less one --- */

static const struct noun_index service_indexes[] = {
	{"service_by_name", {"name_folded"}, true, NULL},
};

static const struct noun_index registration_indexes[] = {
	{"registration_by_group", {"scope", "group_id", "id"}, false, NULL},
	/* Partial: nearly all registrations are finished, and a restart asks only for the others. */
	{"registration_by_pending", {"pending", "scope", "id"}, false, "pending = 1"},
	/* ... and an operator mostly for those that went wrong. */
	{"registration_by_trouble", {"scope", "status", "id"}, false, "status IN ('failed', 'disabled')"},
};

static const struct noun_index individual_indexes[] = {
	{"enrollment_by_ca_primary", {"scope", "ca_primary_id", "id"}, false, "ca_primary_id IS NOT NULL"},
	{"enrollment_by_ca_secondary", {"scope", "ca_secondary_id", "id"}, false, "ca_secondary_id IS NOT NULL"},
	{"enrollment_by_end", {"scope", "certificate_end", "id"}, false, "certificate_end IS NOT NULL"},
	{"enrollment_by_attestation", {"scope", "attestation", "id"}, false, NULL},
	{"enrollment_by_disabled", {"scope", "provisioning_status", "id"}, false, "provisioning_status = 'disabled'"},
};

/* What a device's certificate leads to is found by the names of its issuers: one step each, however many groups there are. */
static const struct noun_index group_indexes[] = {
	{"group_by_attestation", {"scope", "attestation", "id"}, false, NULL},
	{"group_by_primary_mark", {"scope", "signing_primary_mark", "id"}, false, "signing_primary_mark IS NOT NULL"},
	{"group_by_secondary_mark", {"scope", "signing_secondary_mark", "id"}, false, "signing_secondary_mark IS NOT NULL"},
	{"group_by_ca_primary", {"scope", "ca_primary_id", "id"}, false, "ca_primary_id IS NOT NULL"},
	{"group_by_ca_secondary", {"scope", "ca_secondary_id", "id"}, false, "ca_secondary_id IS NOT NULL"},
	{"group_by_end", {"scope", "certificate_end", "id"}, false, "certificate_end IS NOT NULL"},
};

static const struct noun_index ca_certificate_indexes[] = {
	{"ca_by_mark", {"scope", "subject_mark", "id"}, false, NULL},
	{"ca_by_end", {"scope", "certificate_end", "id"}, false, NULL},
};

static const struct noun_index presented_indexes[] = {
	{"presented_by_end", {"scope", "certificate_end", "id"}, false, NULL},
};

static const struct noun_index revocation_list_indexes[] = {
	{"revocation_by_due", {"due", "scope", "group_id", "id"}, false, "due IS NOT NULL"},
};

static const struct noun_index attempt_indexes[] = {
	{"attempt_by_time", {"at"}, false, NULL},
};

static const struct noun_index session_indexes[] = {
	{"session_by_id", {"id"}, true, NULL},
};

/* --- nouns --- */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NOUN(table, fields, type, ...)                                                                                                     \
	{                                                                                                                                  \
		table, fields, COUNT(fields), sizeof(struct type), __VA_ARGS__                                                             \
	}

const struct noun noun_service = NOUN("service", service_fields, service, service_indexes, COUNT(service_indexes));
const struct noun noun_hub = NOUN("hub", hub_fields, hub, NULL, 0);
const struct noun noun_policy = NOUN("policy", policy_fields, policy, NULL, 0);
const struct noun noun_linked_hub = NOUN("linked_hub", linked_hub_fields, linked_hub, NULL, 0);
const struct noun noun_individual = NOUN("enrollment", individual_fields, enrollment, individual_indexes, COUNT(individual_indexes));
const struct noun noun_group = NOUN("enrollment_group", group_fields, enrollment, group_indexes, COUNT(group_indexes));
const struct noun noun_registration =
	NOUN("registration", registration_fields, registration_record, registration_indexes, COUNT(registration_indexes));
const struct noun noun_attempt = NOUN("attempt", attempt_fields, attempt, attempt_indexes, COUNT(attempt_indexes));
const struct noun noun_device = NOUN("device", device_fields, device, NULL, 0);
const struct noun noun_name = NOUN("name", name_fields, name, NULL, 0);
const struct noun noun_ca_certificate =
	NOUN("ca_certificate", ca_certificate_fields, ca_certificate, ca_certificate_indexes, COUNT(ca_certificate_indexes));
const struct noun noun_presented = NOUN("presented", presented_fields, presented, presented_indexes, COUNT(presented_indexes));
const struct noun noun_revocation_list =
	NOUN("revocation_list", revocation_list_fields, revocation_list, revocation_list_indexes, COUNT(revocation_list_indexes));
const struct noun noun_revocation_body = NOUN("revocation_body", revocation_body_fields, revocation_body, NULL, 0);
const struct noun noun_endorsement_root = NOUN("endorsement_root", endorsement_root_fields, endorsement_root, NULL, 0);
const struct noun noun_operator = NOUN("operator", operator_fields, operator_record, NULL, 0);
const struct noun noun_session = NOUN("session", session_fields, session_record, session_indexes, COUNT(session_indexes));

const struct noun *const nouns[] = {
	&noun_service,  &noun_hub,     &noun_policy, &noun_linked_hub,     &noun_individual, &noun_group,           &noun_registration,
	&noun_attempt,  &noun_device,  &noun_name,   &noun_ca_certificate, &noun_presented,  &noun_revocation_list, &noun_revocation_body,
	&noun_operator, &noun_session, &noun_endorsement_root, NULL};
