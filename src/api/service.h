/*
 * service.h: what the files of the service API share (service-api.md 5 and 6).
 */
#ifndef BERTH_API_SERVICE_H
#define BERTH_API_SERVICE_H

#include "api/api_call.h"

#define BULK_MAX       10  /* service-api.md 6.5 */
#define PAGE_DEFAULT   100 /* service-api.md 6.4 */
#define PAGE_MAX       1000
#define KEY_BYTES      64 /* of a key that we make, service-api.md 5.3 */
#define QUERY_TEXT_MAX 8192

/* Individual enrollments and groups have the same operations; what differs stands here. */
struct entry_kind {
	const struct noun *noun;
	bool group;
	const char *id_name;   /* member that names it */
	const char *list_name; /* member of a bulk request */
	const char *item_type; /* service-api.md 6.4 */
	int missing, exists;   /* error codes of service-api.md 4.7 */
	const char *missing_text, *exists_text;
};

extern const struct entry_kind individual_kind, group_kind;

/* By the first word of the path. */
const struct entry_kind *kind_of_path(const struct api_call *);

/* Why something was refused: an HTTP status, a code of service-api.md 4.7, and a sentence. status 0: it was not. */
struct no {
	int status, code;
	const char *sentence;
};

/* What is known when an enrollment is judged. The state of a handler that judges begins with it. */
struct entry_context {
	const struct entry_kind *kind;
	struct slice scope;
	const struct linked_hub *hubs;
	size_t hub_count;
	size_t key_groups; /* symmetric key groups there are already */
	const struct ca_certificate *authorities; /* the service's CA certificates */
	size_t authority_count;
	struct endorsement_trust endorsement;
	instant now;

	/* While it is brought. */
	const struct store_want *wants; /* its own */
	bool certificates;              /* of TPMs are to be judged: what was withdrawn must be known */
	struct arena *lists_arena;
	struct store_want bodies;
	void (*then)(struct api_call *, enum err);
};

/* Make `given` (just read) fit to be stored in the place of `stored` (NULL: there is none): keep secrets and
 * certificates that were left out, make keys, set etag and times, and check every rule of service-api.md 6.1. */
struct no entry_prepare(const struct entry_context *, struct enrollment *given, const struct enrollment *stored, struct arena *);

/* Read the JSON of one entry; its ID must equal `id` when that is not absent. */
struct no entry_read(const struct entry_kind *, struct slice json, struct slice id, struct arena *, struct enrollment **out);

/* service-api.md 6.1's table: what If-Match means for a write. */
struct no entry_condition(const struct entry_kind *, struct slice if_match, const struct enrollment *stored);

/* The document of an enrollment. */
void entry_write(const struct entry_kind *, const struct enrollment *, unsigned views, struct json_out *, struct arena *);

void api_refuse_no(struct api_call *, const struct no *);

/* --- what has a name, an etag and no more to it: endorsement roots, revocation lists (service_named.c) --- */

/* Whether it can be called so; `what` is "an endorsement root". False: refused. */
bool service_name_is_good(struct api_call *, struct slice name, const char *what);

/* What If-Match says of the one that is stored (absent: none is). False: refused. */
bool service_is_current(struct api_call *, struct slice stored_etag);

/* What came of writing it as it was read. False: refused, also when somebody else was quicker. */
bool service_is_written(struct api_call *, enum err);

/* The callback of a write that deletes it: the answer. */
void service_deleted(struct api_call *, enum err, size_t failed);

/* --- handlers in files of their own --- */
void service_query_enrollments(struct api_call *);
void service_query_registrations(struct api_call *);
void service_bulk(struct api_call *);
void service_registration_get(struct api_call *);
void service_registration_delete(struct api_call *);
void service_registration_attempts(struct api_call *);
void service_registration_history(struct api_call *);
void service_registration_check(struct api_call *);
void service_expiring(struct api_call *);
void service_import(struct api_call *);
void service_allocation_preview(struct api_call *);
void service_whatif(struct api_call *);
void service_rule_test(struct api_call *);
void service_allocation_explain(struct api_call *);
void service_links(struct api_call *);
void service_link_test(struct api_call *);
void service_statistics(struct api_call *);
void service_events(struct api_call *);
void service_list_enrollments(struct api_call *);
void service_list_registrations(struct api_call *);
void service_endorsement_list(struct api_call *);
void service_endorsement_get(struct api_call *);
void service_endorsement_put(struct api_call *);
void service_endorsement_delete(struct api_call *);
void service_revocation_list(struct api_call *);
void service_revocation_get(struct api_call *);
void service_revocation_put(struct api_call *);
void service_revocation_refresh(struct api_call *);
void service_revocation_delete(struct api_call *);

/* The registration record as the service API shows it; `presented` (NULL: nothing) is what the device showed then. */
struct slice registration_text(const struct registration_record *, const struct presented *, struct arena *);

/* All that is known of a registration goes: so many changes. `scope` and `id` as the store spells them. False: no memory. */
#define FORGET_CHANGES 2
bool registration_forget(struct slice scope, struct slice id, struct arena *, struct store_change out[FORGET_CHANGES]);

/* The revocation lists of a group, likewise. */
bool revocation_forget(struct slice scope, struct slice group, struct arena *, struct store_change out[FORGET_CHANGES]);

/* What goes with an entry that is deleted: an individual enrollment takes its record along; a group leaves those of its devices
 * (service-api.md 6.2), but not its revocation lists. */
bool entry_forget(const struct entry_kind *, struct slice scope, struct slice id, struct arena *, struct store_change out[FORGET_CHANGES]);

/* Before entries are judged: read `count` wants of the handler's, behind which there is room for ENTRY_CONTEXT_WANTS more, and fill the
 * context with which call->state begins; then go on. What the context holds of lists is good until the loop turns, so all entries are
 * judged at once. Its `kind` and `certificates` are the handler's to set. */
#define ENTRY_CONTEXT_WANTS 5
void entry_context_read(struct api_call *, struct store_want *wants, size_t count, void (*then)(struct api_call *, enum err));

/* Whether that entry comes with a certificate of a TPM. */
bool entry_has_certificate(const struct enrollment *);

#endif
