/*
 * record.c: what the store is told of a registration: what is about to happen, and what came of it.
 *
 * Every write builds on the record as it was read, and holds only if that is still the one on disk.
 */
#include <string.h>

#include "crypto/digest.h"
#include "provision/registration.h"

bool record_has_status(const struct registration_record *record, const char *status)
{
	return record && slice_eq(record->status, slice_str(status));
}

struct place record_place(const struct registration_record *record)
{
	if (record == NULL || record->assigned_hub.n == 0)
		return (struct place){NO_SLICE, NO_SLICE};
	return (struct place){record->assigned_hub, record->device_id};
}

bool record_abandoned(const struct registration *r)
{
	return record_has_status(r->record, "assigning") &&
	       r->record->updated + REGISTRATION_DEADLINE_MS * (INSTANT_SECOND / 1000) < registration_now(r);
}

struct presented *record_presented(struct registration *r)
{
	struct presented *p = r->verdict.leaf.n ? noun_new(&noun_presented, r->arena) : NULL;

	if (p == NULL)
		return NULL;
	p->scope = r->scope;
	p->id = r->id;
	p->leaf = r->verdict.leaf;
	p->signer = r->verdict.signer;
	p->certificate_end = r->verdict.leaf_info->not_after;
	p->at = registration_now(r);
	return p;
}

/* --- pieces --- */

/* `5.{16 hex}.{guid}`, device-api.md 4. A registration that was interrupted goes on under its own name: clients keep
 * the first they hear (16.2). The one before stays answered (17). */
static void name_operation(struct registration *r, struct registration_record *next)
{
	char uuid[37];

	if (slice_absent(r->operation_id) && record_has_status(r->record, "assigning"))
		r->operation_id = r->record->operation_id;
	if (slice_absent(r->operation_id)) {
		random_uuid(uuid);
		r->operation_id = arena_format(r->arena, "5.%016llx.%s", (unsigned long long)hash_bytes(r->key), uuid);
	}
	if (!slice_eq(next->operation_id, r->operation_id))
		next->former_operation = next->operation_id;
	next->operation_id = r->operation_id;
}

/* Later than the last one, whatever the clock does: no two are alike. */
static void use_challenge(const struct registration *r, struct registration_record *next)
{
	next->challenge_used_before = next->challenge_used;
	next->challenge_used = registration_now(r);
	if (next->challenge_used <= next->challenge_used_before)
		next->challenge_used = next->challenge_used_before + 1;
}

static struct registration_record *record_next(struct registration *r)
{
	struct registration_record *next = noun_new(&noun_registration, r->arena);

	if (next == NULL)
		return NULL;
	if (r->record)
		*next = *r->record;
	next->scope = r->scope;
	next->id = r->id;
	next->updated = registration_now(r);
	next->etag = etag_make(r->arena, next->updated);
	if (slice_absent(next->name))
		next->name = r->q.registration_id;
	if (next->created == 0)
		next->created = next->updated;
	if (r->enrollment)
		next->group_id = r->by_group ? r->enrollment->id : NO_SLICE;
	if (r->verdict.storage_root_key.n > 0)
		next->storage_root_key = r->verdict.storage_root_key;
	if (choose_address(r).n > 0)
		next->source_address = choose_address(r);
	if (r->uses_challenge)
		use_challenge(r, next);
	next->error_code = INT_NONE;
	next->error_message = next->target_hub = next->target_device = NO_SLICE;
	next->target_migrate = FLAG_NONE;
	next->device_payload = NO_SLICE;
	name_operation(r, next);
	return arena_failed(r->arena) ? NULL : next;
}

/* A restart looks for work only where there is some: nobody can remove anything from a hub that is linked no longer. */
static int64_t pending(const struct registration *r, const struct slices *leftovers)
{
	for (size_t i = 0; i < leftovers->n; i++)
		if (lookup_hub(r, place_read(leftovers->at[i]).hub))
			return 1;
	return INT_NONE;
}

static void leave_over(struct registration *r, struct registration_record *next, struct slices leftovers)
{
	next->leftovers = leftovers;
	next->pending = pending(r, &leftovers);
}

/* --- the writes --- */

bool record_promises(const struct registration *r)
{
	return record_has_status(r->record, "assigning");
}

/* What lies where the device moves to stays listed until it was removed. */
static struct slices leftovers_meanwhile(const struct registration *r)
{
	if (r->moves && r->record && places_have(&r->record->leftovers, r->target))
		return r->suspects;
	return places_without(r->arena, r->suspects, r->target);
}

bool record_intends(const struct registration *r)
{
	const struct registration_record *record = r->record;
	const struct slices leftovers = leftovers_meanwhile(r);

	if (!record_promises(r) || !place_same((struct place){record->target_hub, record->target_device}, r->target) ||
	    (record->target_migrate == FLAG_YES) != r->migrate || !slice_eq(record->device_payload, r->device_payload))
		return false;
	for (size_t i = 0; i < leftovers.n; i++)
		if (!places_have(&record->leftovers, place_read(leftovers.at[i])))
			return false;
	return true;
}

bool record_intend(struct registration *r)
{
	struct registration_record *next = record_next(r);

	if (next) {
		next->status = SLICE("assigning");
		next->substatus = NO_SLICE;
		next->target_hub = r->target.hub;
		next->target_device = r->target.device;
		next->target_migrate = r->migrate ? FLAG_YES : FLAG_NONE;
		next->device_payload = r->device_payload;
		next->leftovers = leftovers_meanwhile(r);
		next->pending = 1;
	}
	return registration_write(r, next);
}

/* Where it was placed before, and now: the latest MOVES_KEPT. Whoever stays where he is adds nothing. */
static struct slices moves_with(const struct registration *r, const struct registration_record *next)
{
	size_t skip = next->moves.n >= MOVES_KEPT ? next->moves.n - MOVES_KEPT + 1 : 0;
	struct slices out = {.at = arena_array(r->arena, next->moves.n + 1, sizeof(struct slice))};
	char at[INSTANT_TEXT];

	if (out.at == NULL || place_same(record_place(next), r->target))
		return next->moves;
	for (size_t i = skip; i < next->moves.n; i++)
		out.at[out.n++] = next->moves.at[i];
	out.at[out.n++] = arena_format(r->arena, "%s %.*s %.*s/%.*s", instant_print(next->updated, INSTANT_ISO7, at),
				       SLICE_ARG(r->substatus), SLICE_ARG(r->target.hub), SLICE_ARG(r->target.device));
	return out;
}

static void assign(struct registration *r, struct registration_record *next)
{
	struct slices leftovers = places_with(r->arena, r->suspects, record_place(next));

	next->moves = moves_with(r, next);
	next->status = SLICE("assigned");
	next->substatus = r->substatus;
	next->assigned_hub = r->target.hub;
	next->device_id = r->target.device;
	next->endorsement_key = r->enrollment->endorsement_key;
	next->payload = r->payload;
	leave_over(r, next, places_without(r->arena, leftovers, r->target));
}

/* The device stays where it is, if it is anywhere: nothing is lost by a failure. */
static void fail(struct registration *r, struct registration_record *next)
{
	next->status = r->aim == AIM_BAR ? SLICE("disabled") : SLICE("failed");
	next->substatus = NO_SLICE;
	next->error_code = r->verdict.error_code;
	next->error_message = arena_copy(r->arena, slice_str(r->verdict.message));
	leave_over(r, next, places_without(r->arena, r->suspects, record_place(next)));
}

bool record_result(struct registration *r)
{
	struct registration_record *next = record_next(r);

	if (next && r->aim == AIM_ASSIGN)
		assign(r, next);
	else if (next)
		fail(r, next);
	return registration_write(r, next);
}

/* Nothing that anybody sees has changed, so the tag and the date stay. */
bool record_cleared(struct registration *r)
{
	struct registration_record *next = noun_new(&noun_registration, r->arena);

	if (next) {
		*next = *r->record;
		if (record_has_status(next, "assigning"))
			next->leftovers = r->kept;
		else
			leave_over(r, next, r->kept);
	}
	return registration_write(r, next);
}
