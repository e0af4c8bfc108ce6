/*
 * register.c: the way of a registration, step by step.
 *
 * Order matters where a crash may come between. Before a hub is told anything that makes an identity, the intent is on
 * disk; the device hears of its place when the assignment is on disk; the former hub forgets the device last. So at
 * every moment the record names all the places where an identity of ours may lie, and none is ever lost.
 */
#include <assert.h>

#include "io/rate.h"
#include "provision/registration.h"

#define STEPS(STEP)                                                                                                                        \
	STEP(examine)  /* is the question well formed */                                                                                   \
	STEP(gather)   /* what the store knows under its names: waits */                                                                   \
	STEP(match)    /* which enrollment speaks for the device: may wait */                                                              \
	STEP(attest)   /* is it who it says it is */                                                                                       \
	STEP(revoke)   /* has what it shows been withdrawn: waits */                                                                       \
	STEP(report)   /* a question about the status ends here */                                                                         \
	STEP(join)     /* a device registers once at a time: others wait for that one */                                                   \
	STEP(allocate) /* which hub it belongs to, or whether it stays where it is */                                                      \
	STEP(consult)  /* a custom allocation: its webhook chooses: waits */                                                               \
	STEP(carry)    /* a move takes the twin along: waits */                                                                            \
	STEP(intend)   /* the store remembers what is about to happen: waits */                                                            \
	STEP(vacate)   /* what lies on the new hub from long ago goes first: waits */                                                      \
	STEP(link)     /* the hub learns of the device: waits */                                                                           \
	STEP(record)   /* the store remembers what came of it: waits */                                                                    \
	STEP(clear)    /* the former hub forgets the device: waits */                                                                      \
	STEP(answer)   /* the device hears of it, unless it has: the end */

#define STEP(name) STEP_##name,
enum step { STEPS(STEP) PAUSE };
#undef STEP

#define STEP(name) static enum step step_##name(struct registration *);
STEPS(STEP)
#undef STEP

static const struct {
	const char *name;
	enum step (*run)(struct registration *);
} steps[] = {
#define STEP(name) {#name, step_##name},
	STEPS(STEP)
#undef STEP
};

/* A step returns the step to take next (a refusal goes straight to STEP_answer), or PAUSE: what it waits for will call
 * here again, and the same step finds the reply in `r`. */
void registration_run(struct registration *r)
{
	enum step next;

	while ((next = steps[r->at].run(r)) != PAUSE) {
		log_debug(NULL, "step", "device", r->id.p, "from", steps[r->at].name, "to", steps[next].name, NULL);
		r->at = next;
	}
}

void registration_conclude(struct registration *r)
{
	r->at = STEP_answer;
	registration_run(r);
}

void registration_again(struct registration *r)
{
	r->at = STEP_gather;
	r->aim = AIM_ASSIGN;
	r->replied = r->recording = r->moves = r->migrate = false;
	registration_run(r);
}

/* --- who asks --- */

static enum step step_examine(struct registration *r)
{
	return r->taken_up || lookup_examine(r) ? STEP_gather : STEP_answer;
}

/* What an earlier run has left may be finished by now; or only the clearing up is left. */
static enum step take_up(struct registration *r)
{
	if (r->record == NULL || r->record->pending != 1)
		return STEP_answer;
	if (record_promises(r))
		return STEP_match;
	r->aim = AIM_CLEAR;
	return STEP_join;
}

static enum step step_gather(struct registration *r)
{
	if (!registration_replied(r))
		return lookup_gather(r) ? PAUSE : STEP_answer;
	if (!lookup_gathered(r))
		return STEP_answer;
	return r->taken_up ? take_up(r) : STEP_match;
}

/* Refused, and the reason is noted. What was begun for the device earlier is given up in good order. */
static enum step refused(struct registration *r)
{
	if (r->taken_up) {
		r->aim = AIM_FAIL;
		return STEP_join;
	}
	if (r->made.hub.n > 0 && r->record == NULL)
		return STEP_clear;
	return STEP_answer;
}

static void count_attestation(struct registration *r)
{
	char code[24];
	const char *status = r->verdict.challenge.n    ? "challenged"
			     : r->verdict.error_code ? log_num(code, r->verdict.error_code)
						     : "attested";

	if (!r->taken_up && r->q.op != DEVICE_CHECK && !attempt_waits(r))
		count_one(r->p, &(struct provision_count){
					.service = r->service->name, .what = "attestation", .status = status, .protocol = r->q.protocol});
}

static enum step match_roots(struct registration *r)
{
	if (!registration_replied(r))
		return signers_read_roots(r) ? PAUSE : STEP_answer;
	switch (signers_take_roots(r)) {
	case LOOKUP_FOUND: return STEP_attest;
	case LOOKUP_GO_ON: return STEP_match;
	case LOOKUP_REFUSED: break;
	}
	return STEP_answer;
}

static enum step step_match(struct registration *r)
{
	bool authorities = r->enrollment && signers_wants_authorities(r);

	if (r->enrollment && !authorities)
		return signers_wants_roots(r) ? match_roots(r) : STEP_attest;
	if (!registration_replied(r))
		return (authorities ? signers_read_authorities(r) : lookup_groups(r)) ? PAUSE : STEP_answer;
	if (authorities)
		return signers_take_authorities(r) ? STEP_attest : STEP_answer;
	switch (lookup_match(r)) {
	case LOOKUP_FOUND: return STEP_attest;
	case LOOKUP_GO_ON: return STEP_match;
	case LOOKUP_REFUSED: break;
	}
	count_attestation(r);
	return refused(r);
}

/* It has proven itself, but its enrollment is switched off: the record says so, once (service-api.md 6.6). */
static enum step bar(struct registration *r)
{
	attempt_note(r);
	if (r->q.op != DEVICE_REGISTER)
		return STEP_report;
	r->aim = AIM_BAR;
	if (r->taken_up)
		return STEP_join;
	if (r->made.hub.n > 0 || !record_has_status(r->record, "disabled"))
		return STEP_record;
	r->result = (struct result){.shape = SHAPE_OPERATION, .record = r->record, .operation_id = r->record->operation_id};
	return STEP_answer;
}

/* Who has proven itself counts, so that strangers cannot use up what belongs to the fleet. Polls have a limit of their own. */
static enum step let_in(struct registration *r)
{
	struct provision_conf *conf = &r->p->conf;
	int wait_ms = r->taken_up ? 0 : rate_take(conf->registers, r->scope, loop_now_ms(conf->loop));

	if (wait_ms == 0)
		return STEP_join;
	registration_throttle(r, wait_ms, "registrations-per-minute", "Too many devices are registering.",
			      "The provisioning service has had its registrations of this minute.");
	return STEP_answer;
}

static enum step attested(struct registration *r)
{
	count_attestation(r);
	return r->q.op == DEVICE_REGISTER ? let_in(r) : STEP_report;
}

/* A first round that is as it should be is no attempt that failed (device-api.md 14.3). */
static enum step challenged(struct registration *r)
{
	count_attestation(r);
	registration_challenge(r, r->verdict.challenge);
	return STEP_answer;
}

static enum step judge(struct registration *r)
{
	const struct evidence evidence = lookup_evidence(r);
	enum err e = attest_judge(r->enrollment, r->by_group, &evidence, r->arena, &r->verdict);

	if (e == ERR_AGAIN)
		return challenged(r);
	if (e != OK) {
		registration_refuse_store(r, e);
		return STEP_answer;
	}
	r->uses_challenge = r->verdict.uses_challenge && !r->taken_up;
	if (r->verdict.error_code == 0)
		return revoked_applies(r) ? STEP_revoke : attested(r);
	count_attestation(r);
	if (r->verdict.error_code == CODE_DISABLED)
		return bar(r);
	registration_refuse(r, &r->verdict);
	return refused(r);
}

static enum step step_attest(struct registration *r)
{
	if (r->taken_up && !resume_vouch(r))
		return resume_gives_up(r) ? refused(r) : STEP_answer;
	return judge(r);
}

static enum step step_revoke(struct registration *r)
{
	if (!registration_replied(r))
		return revoked_read(r) ? PAUSE : STEP_answer;
	switch (revoked_judge(r)) {
	case LOOKUP_FOUND: return attested(r);
	case LOOKUP_GO_ON: return STEP_revoke;
	case LOOKUP_REFUSED: break;
	}
	count_attestation(r);
	return refused(r);
}

/* A device that polls for what nobody works on any more brings the evidence with which to go on. */
static enum step step_report(struct registration *r)
{
	status_report(r);
	if (r->result.shape != SHAPE_OPERATION || !record_abandoned(r) || r->verdict.error_code || map_get(r->p->leaders, r->key))
		return STEP_answer;
	registration_tell(r, &r->result);
	r->q.op = DEVICE_REGISTER;
	return STEP_join;
}

static enum step step_join(struct registration *r)
{
	struct registration *leader = map_get(r->p->leaders, r->key);

	if (leader && leader != r && !r->taken_up)
		return registration_follow(r, leader) ? PAUSE : STEP_answer;
	if (leader != r && (leader || !registration_lead(r)))
		return STEP_answer;
	switch (r->aim) {
	case AIM_ASSIGN: return STEP_allocate;
	case AIM_CLEAR: return STEP_clear;
	case AIM_FAIL:
	case AIM_BAR: break;
	}
	return STEP_record;
}

/* --- where it belongs --- */

/* service-api.md 9.1, "never": the stored assignment as it is, without asking a hub. That a challenge is used up is written down. */
static enum step stay(struct registration *r, struct place home)
{
	r->target = home;
	r->payload = r->record->payload;
	r->substatus = r->record->substatus.n ? r->record->substatus : SLICE("initialAssignment");
	if (!record_has_status(r->record, "assigned") || r->record->operation_id.n == 0 || r->uses_challenge)
		return STEP_record;
	r->result = registration_result(r);
	registration_log_assigned(r, "unchanged");
	return STEP_answer;
}

static struct slice object_in(struct slice json, const char *name)
{
	struct slice member = slice_trim(json_member(json, name, true));

	return member.n > 0 && member.p[0] == '{' ? member : NO_SLICE;
}

/* The twin that the enrollment gives (service-api.md 5.5), or its webhook in its place. */
static void start_afresh(struct registration *r)
{
	struct slice twin = r->given_twin.n ? r->given_twin : r->enrollment->initial_twin;

	r->migrate = false;
	r->tags = twin.n ? object_in(twin, "tags") : NO_SLICE;
	r->desired = twin.n ? object_in(object_in(twin, "properties"), "desired") : NO_SLICE;
	r->reported = NO_SLICE;
	if (r->moves)
		r->substatus = SLICE("deviceDataReset");
}

/* device-api.md 4: a group's devices are named by their registration IDs, as they spelled it first. */
static struct slice device_id(const struct registration *r)
{
	if (!r->by_group && r->enrollment->device_id.n > 0)
		return r->enrollment->device_id;
	return r->record ? r->record->name : r->q.registration_id;
}

static enum step go_to(struct registration *r, struct place home)
{
	r->moves = home.hub.n > 0 && !place_same(home, r->target);
	r->substatus = home.hub.n > 0 ? SLICE("reprovisionedToInitialAssignment") : SLICE("initialAssignment");
	start_afresh(r);
	if (home.hub.n == 0)
		return STEP_intend;
	if (!r->moves)
		return STEP_link; /* the record names the place already: there is nothing to be announced */
	r->migrate = r->enrollment->migrate_data != FLAG_NO && r->given_twin.n == 0; /* service-api.md 8 */
	return r->migrate ? STEP_carry : STEP_intend;
}

static bool has_new_certificate(const struct registration *r)
{
	struct slice leaf = r->verdict.leaf;

	return leaf.n > 0 && (r->presented_before == NULL || !slice_eq(r->presented_before->leaf, leaf));
}

/* The key for the hub is that of the endorsement key. */
static bool has_new_tpm(const struct registration *r)
{
	const struct enrollment *e = r->enrollment;

	return slice_eq_fold(e->attestation, SLICE("tpm")) && !slice_eq(r->record->endorsement_key, e->endorsement_key);
}

/* A device of a policy "never" whose certificate was rolled, or that has another TPM: its hub must know, or it is locked out. */
static bool must_be_told(const struct registration *r, struct place home)
{
	return (has_new_certificate(r) || has_new_tpm(r)) && lookup_hub(r, home.hub);
}

static enum step tell_home(struct registration *r, struct place home)
{
	r->hub = lookup_hub(r, home.hub);
	r->target = home;
	r->payload = r->record->payload;
	r->why = "never to be moved; the hub learns of a new credential";
	return go_to(r, home);
}

static enum step go_to_choice(struct registration *r)
{
	r->hub = r->choice.hub;
	r->why = r->choice.sentence;
	r->target = (struct place){r->hub->name, device_id(r)};
	return go_to(r, record_place(r->record));
}

/* Whoever starts over begins without what was decided before. */
static void decide_nothing_yet(struct registration *r)
{
	r->hub = NULL;
	r->target = (struct place){NO_SLICE, NO_SLICE};
	r->device_payload = r->given_twin = r->payload = NO_SLICE;
}

static enum step step_allocate(struct registration *r)
{
	struct place home = record_place(r->record);

	decide_nothing_yet(r);
	if (choose_stays(r->enrollment, r->record))
		return must_be_told(r, home) ? tell_home(r, home) : stay(r, home);
	if (!choose_hub(r))
		return STEP_answer;
	if (r->choice.elsewhere)
		return STEP_consult;
	if (r->choice.hub)
		return go_to_choice(r);
	choose_none(r);
	return STEP_record;
}

static enum step step_consult(struct registration *r)
{
	if (!registration_replied(r))
		return consult_webhook(r) ? PAUSE : STEP_answer;
	switch (consult_judge(r)) {
	case LOOKUP_FOUND: return go_to_choice(r);
	case LOOKUP_GO_ON: return STEP_record;
	case LOOKUP_REFUSED: break;
	}
	return STEP_answer;
}

/* --- hubs --- */

/* hub-api.md 5.3, in the words of device-api.md 18. Codes beyond those known are {status}001, a RULE there: a silent hub
 * is a 503, for which trying again may help; rubbish is a 500. */
static enum step hub_failed(struct registration *r, struct slice hub)
{
	struct verdict why = {.check = "hub",
			      .seen = arena_printf(r->arena, "status %d from %.*s", r->told.status, SLICE_ARG(hub)),
			      .expected = "an answer that the hub knows the device",
			      .sentence = r->told.sentence};

	switch (r->told.outcome) {
	case LINK_REFUSED:
		why.error_code = CODE_HUB_UNAUTHORIZED;
		why.message = "ErrorCode:IotHubUnauthorizedAccess; the hub refused the service.";
		break;
	case LINK_FAILED:
		why.error_code = CODE_HUB_SILENT;
		why.message = "The hub could not be reached.";
		break;
	default:
		why.error_code = CODE_INTERNAL;
		why.message = "The hub gave no usable answer.";
		break;
	}
	registration_fail(r, &why);
	return STEP_record;
}

/* service-api.md 9.1: with the twin, or from the enrollment's when there is none to be had any more. A hub that only
 * does not answer keeps the device: nothing may be lost. */
static enum step carried(struct registration *r)
{
	switch (r->told.outcome) {
	case LINK_DONE:
		r->tags = r->told.tags;
		r->desired = r->told.desired;
		r->reported = r->told.reported;
		r->substatus = SLICE("deviceDataMigrated");
		return STEP_intend;
	case LINK_ABSENT: start_afresh(r); return STEP_intend;
	default: return hub_failed(r, r->record->assigned_hub);
	}
}

static enum step step_carry(struct registration *r)
{
	const struct linked_hub *from = lookup_hub(r, r->record->assigned_hub);
	struct link *link = r->p->conf.link;

	if (registration_replied(r))
		return carried(r);
	if (from == NULL) {
		log_warn(NULL, "twin-left-behind", "device", r->id.p, "hub", arena_str(r->arena, r->record->assigned_hub), "reason",
			 "The former hub is linked no longer, so the device starts with the twin of its enrollment.", NULL);
		start_afresh(r);
		return STEP_intend;
	}
	r->link_ask = link_twin(link, from, r->record->device_id, registration_left_ms(r), registration_hub_told, r);
	return registration_await_link(r) ? PAUSE : STEP_answer;
}

static enum step step_intend(struct registration *r)
{
	if (r->write_ask)
		return PAUSE; /* the first answer was due, and has written it */
	if (record_intends(r))
		return STEP_vacate;
	return record_intend(r) ? PAUSE : STEP_answer;
}

/* An identity that an earlier move could not remove, or that an interrupted one has made, has an old twin: a move must
 * not end with that. */
static enum step step_vacate(struct registration *r)
{
	if (registration_replied(r))
		return r->told.outcome == LINK_DONE || r->told.outcome == LINK_ABSENT ? STEP_link : hub_failed(r, r->target.hub);
	if (!r->moves || !places_have(&r->suspects, r->target))
		return STEP_link;
	r->link_ask = link_remove(r->p->conf.link, r->hub, r->target.device, registration_left_ms(r), registration_hub_told, r);
	return registration_await_link(r) ? PAUSE : STEP_answer;
}

static enum step linked(struct registration *r)
{
	if (r->told.outcome == LINK_DONE) {
		if (!r->told.existed)
			r->made = r->target;
		return STEP_record;
	}
	if (r->told.may_exist)
		r->suspects = places_with(r->arena, r->suspects, r->target);
	return hub_failed(r, r->target.hub);
}

static enum step step_link(struct registration *r)
{
	const struct link_identity identity = {.device_id = r->target.device,
					       .authentication = r->verdict.hub_authentication,
					       .primary_key = r->verdict.primary_key,
					       .secondary_key = r->verdict.secondary_key,
					       .primary_thumbprint = r->verdict.primary_thumbprint,
					       .secondary_thumbprint = r->verdict.secondary_thumbprint,
					       .iot_edge = r->enrollment->iot_edge == FLAG_YES,
					       .tags = r->tags,
					       .desired = r->desired,
					       .reported = r->reported};

	if (registration_replied(r))
		return linked(r);
	r->link_ask = link_ensure(r->p->conf.link, r->hub, &identity, registration_left_ms(r), registration_hub_told, r);
	return registration_await_link(r) ? PAUSE : STEP_answer;
}

/* --- what came of it --- */

static enum step step_record(struct registration *r)
{
	if (r->write_ask)
		return PAUSE; /* the intent, for a first answer that was due: it comes first */
	if (!r->recording) {
		r->recording = true;
		return record_result(r) ? PAUSE : STEP_answer;
	}
	r->settled = true;
	r->result = registration_result(r);
	if (r->aim != AIM_ASSIGN)
		return STEP_answer; /* what may lie on a hub that fails is looked at later, by the sweep */
	registration_log_assigned(r, r->why);
	return r->leads ? STEP_clear : STEP_answer;
}

static void begin_to_clear(struct registration *r)
{
	r->clearing = r->settled = true;
	r->cleared = 0;
	if (r->record)
		r->suspects = r->record->leftovers;
	r->kept = r->suspects;
	r->clear_until = loop_now_ms(r->p->conf.loop) + (r->aim == AIM_CLEAR ? SWEEP_CLEAR_MS : CLEAR_MS);
	registration_promise(r);
}

static void cleared_one(struct registration *r)
{
	struct place place = place_read(r->suspects.at[r->cleared++]);
	bool gone = r->told.outcome == LINK_DONE || r->told.outcome == LINK_ABSENT;

	if (gone)
		r->kept = places_without(r->arena, r->kept, place);
	log_event(gone ? LOG_INFO : LOG_WARN, NULL, gone ? "cleared" : "not-cleared", "device", arena_str(r->arena, place.device), "hub",
		  arena_str(r->arena, place.hub), "reason", r->told.sentence, NULL);
}

/* The next of the leftovers whose hub can be asked; the others stay listed. */
static bool clear_next(struct registration *r)
{
	int64_t left = r->clear_until - loop_now_ms(r->p->conf.loop);

	for (; r->cleared < r->suspects.n && left > 0; r->cleared++) {
		struct place place = place_read(r->suspects.at[r->cleared]);
		const struct linked_hub *hub = lookup_hub(r, place.hub);

		if (hub)
			r->link_ask = link_remove(r->p->conf.link, hub, place.device, (int)left, registration_hub_told, r);
		if (r->link_ask)
			return true;
	}
	return false;
}

static enum step step_clear(struct registration *r)
{
	if (!r->clearing)
		begin_to_clear(r);
	if (registration_replied(r))
		cleared_one(r);
	if (clear_next(r))
		return PAUSE;
	if (r->record && r->kept.n != r->record->leftovers.n)
		return record_cleared(r) ? PAUSE : STEP_answer;
	return STEP_answer;
}

static enum step step_answer(struct registration *r)
{
	registration_end(r);
	return PAUSE;
}
