/*
 * registration.c: a registration's birth, its waiting, what is told of it, and its end.
 */
#include <assert.h>
#include <stdlib.h>

#include "provision/registration.h"
#include "provision/webhook.h"

/* --- birth and end --- */

static struct registration *registration_new(struct provision *p, struct arena *arena)
{
	struct registration *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->magic = REGISTRATION_MAGIC;
	r->p = p;
	r->arena = arena;
	r->asked_ms = loop_now_ms(p->conf.loop);
	list_init(&r->followers);
	list_init(&r->follow);
	list_append(&p->registrations, &r->link);
	p->count++;
	return r;
}

void registration_free(struct registration *r)
{
	assert(r->magic == REGISTRATION_MAGIC);
	list_remove(&r->link);
	list_remove(&r->follow);
	r->p->count--;
	if (r->counted)
		atomic_fetch_sub(&r->p->running, 1);
	timer_cancel(&r->first_answer);
	store_cancel(&r->read_ask);
	store_cancel(&r->write_ask);
	link_cancel(&r->link_ask);
	consult_cancel(r);
	r->magic = 0;
	arena_free(&r->groups_arena);
	arena_free(&r->revoked.arena);
	chain_free(&r->chain);
	arena_free(&r->arena);
	free(r);
}

static void name_keys(struct registration *r)
{
	r->scope = scope_key(r->arena, r->q.scope);
	r->id = arena_fold(r->arena, r->q.registration_id);
	r->key = arena_format(r->arena, "%.*s/%.*s", SLICE_ARG(r->scope), SLICE_ARG(r->id));
}

/* Turned away before it has begun. */
static void turn_away(struct provision *p, struct provision_ask *ask, int code, const char *message)
{
	const struct result result = {.shape = SHAPE_REFUSAL, .code = code, .message = message};

	if (!answer_write(&result, ask->q.request_id, loop_wall(p->conf.loop), ask->arena, &ask->answer, &ask->body))
		ask->answer = (struct device_answer){.status = 500, .error_code = CODE_INTERNAL, .body = SLICE("{}")};
	ask_return(ask);
}

static void first_answer_due(void *cookie);

void registration_begin(struct provision *p, struct provision_ask *ask)
{
	struct registration *r;

	if (p->count >= REGISTRATIONS_MAX) {
		turn_away(p, ask, CODE_THROTTLED, "Too many devices are registering.");
		return;
	}
	if ((r = registration_new(p, ask->arena)) == NULL) {
		turn_away(p, ask, CODE_INTERNAL, "Out of memory.");
		return;
	}
	ask->arena = NULL; /* the registration may outlive its asker */
	r->q = ask->q;
	r->ask = ask;
	r->counted = true;
	atomic_fetch_add(&p->running, 1);
	name_keys(r);
	if (r->q.op == DEVICE_REGISTER)
		r->first_answer = loop_after(p->conf.loop, REGISTRATION_FIRST_ANSWER_MS, first_answer_due, r);
	registration_run(r);
}

enum err registration_take_up(struct provision *p, struct slice scope, struct slice id)
{
	struct arena *arena = arena_new(REGISTRATION_MEMORY);
	struct registration *r;

	if (arena == NULL || (r = registration_new(p, arena)) == NULL) {
		arena_free(&arena);
		return ERR_NO_MEMORY;
	}
	r->taken_up = true;
	r->q = (struct device_question){.op = DEVICE_REGISTER,
					.scope = arena_copy(arena, scope),
					.registration_id = arena_copy(arena, id),
					.protocol = "none",
					.peer = "",
					.request_id = ""};
	name_keys(r);
	registration_run(r);
	return OK;
}

/* Each of them has proven itself, so each may hear it (device-api.md 16.2: equal answers). Who has only waited for
 * the clearing up of an earlier registration begins anew. */
static void release_followers(struct registration *r)
{
	struct list *link;

	while ((link = list_shift(&r->followers)) != NULL) {
		struct registration *f = LIST_ITEM(link, struct registration, follow);

		f->leader = NULL;
		f->result = r->result;
		if (r->aim == AIM_CLEAR)
			registration_again(f);
		else
			registration_conclude(f);
	}
}

void registration_end(struct registration *r)
{
	struct provision *p = r->p;
	bool taken_up = r->taken_up;

	if (r->leads)
		map_remove(p->leaders, r->key);
	registration_tell(r, &r->result);
	release_followers(r);
	registration_free(r);
	if (taken_up)
		resume_ended(p);
}

/* --- telling --- */

static const char *status_of(const struct result *result, const struct device_answer *answer, struct arena *arena)
{
	if (answer->error_code)
		return arena_printf(arena, "%d", answer->error_code);
	if (result->shape == SHAPE_STARTED)
		return "assigning";
	if (result->shape == SHAPE_CHALLENGE)
		return "challenged";
	return arena_str(arena, result->record->status);
}

static void count_answer(struct registration *r, const struct result *result, const struct device_answer *answer)
{
	struct slice service = r->service ? r->service->name : SLICE("");
	const char *hub = result->record ? arena_str(r->arena, result->record->assigned_hub) : NULL;
	const char *status;

	if (r->q.op != DEVICE_REGISTER)
		return;
	status = status_of(result, answer, r->arena);
	count_one(r->p, &(struct provision_count){.service = service,
						  .what = "registration",
						  .status = status ? status : "",
						  .protocol = r->q.protocol,
						  .hub = hub ? hub : ""});
	count_latency(r->p, TIME_REGISTER, loop_now_ms(r->p->conf.loop) - r->asked_ms);
}

void registration_tell(struct registration *r, const struct result *result)
{
	struct provision_ask *ask = r->ask;

	timer_cancel(&r->first_answer);
	if (ask == NULL)
		return;
	r->ask = NULL;
	r->late = false;
	if (!answer_write(result, r->q.request_id, registration_now(r), r->arena, &ask->answer, &ask->body))
		ask->answer = (struct device_answer){.status = 500, .error_code = CODE_INTERNAL, .body = SLICE("{}")};
	count_answer(r, result, &ask->answer);
	ask_return(ask);
}

static void tell_late(struct registration *leader, const struct result *result)
{
	struct list *link, *next;

	if (leader->late)
		registration_tell(leader, result);
	for (link = leader->followers.next; link != &leader->followers; link = next) {
		struct registration *f = LIST_ITEM(link, struct registration, follow);

		next = link->next;
		if (!f->late)
			continue;
		registration_tell(f, result);
		registration_free(f);
	}
}

static bool anybody_late(const struct registration *leader)
{
	bool late = leader->late;

	for (struct list *link = leader->followers.next; link != &leader->followers; link = link->next)
		late |= LIST_ITEM(link, struct registration, follow)->late;
	return late;
}

/* For a hub or a webhook. */
static bool is_waiting_outside(const struct registration *r)
{
	return r->link_ask != NULL || r->webhook != NULL;
}

/* Promise 3 of the design: the device hears "assigning" in time, but not before that is on disk (promise 1). Where a
 * hub or a webhook is slow and nothing had to be written yet, it is written for this. */
void registration_promise(struct registration *leader)
{
	struct result started = {.shape = SHAPE_STARTED, .record = leader->record};

	if (leader->aim == AIM_CLEAR || !anybody_late(leader))
		return;
	if (leader->settled)
		tell_late(leader, &leader->result);
	else if (leader->write_ask == NULL && record_promises(leader)) {
		started.operation_id = leader->record->operation_id;
		tell_late(leader, &started);
	} else if (leader->write_ask == NULL && is_waiting_outside(leader))
		record_intend(leader);
}

static void first_answer_due(void *cookie)
{
	struct registration *r = cookie, *leader = r->leader ? r->leader : r;

	r->first_answer = NULL;
	r->late = true;
	if (leader->leads)
		registration_promise(leader);
}

/* --- leading and following --- */

bool registration_lead(struct registration *r)
{
	enum err e = map_put(r->p->leaders, r->key, r);

	r->leads = e == OK;
	if (e != OK)
		registration_refuse_store(r, e == ERR_TOO_BIG ? ERR_THROTTLED : e);
	else
		registration_promise(r);
	return r->leads;
}

bool registration_follow(struct registration *r, struct registration *leader)
{
	if (leader->settled && leader->aim != AIM_CLEAR) {
		r->result = leader->result;
		return false;
	}
	r->leader = leader;
	list_append(&leader->followers, &r->follow);
	registration_promise(leader);
	return true;
}

/* --- waiting --- */

int registration_left_ms(const struct registration *r)
{
	int64_t left = r->asked_ms + REGISTRATION_DEADLINE_MS - loop_now_ms(r->p->conf.loop);

	return left > 1 ? (int)left : 1;
}

instant registration_now(const struct registration *r)
{
	return loop_wall(r->p->conf.loop);
}

bool registration_replied(struct registration *r)
{
	bool replied = r->replied;

	r->replied = false;
	return replied;
}

static void read_done(void *cookie, enum err e)
{
	struct registration *r = cookie;

	assert(r->magic == REGISTRATION_MAGIC);
	r->read_ask = NULL;
	r->replied = true;
	if (e == OK) {
		registration_run(r);
		return;
	}
	registration_refuse_store(r, e);
	registration_conclude(r);
}

bool registration_read(struct registration *r, struct arena *arena, size_t wants)
{
	if (!arena_failed(r->arena))
		r->read_ask = store_read(r->p->conf.store, r->p->conf.loop, arena, r->wants, wants, read_done, r);
	if (r->read_ask == NULL)
		registration_refuse_store(r, ERR_NO_MEMORY);
	return r->read_ask != NULL;
}

/* Somebody else has written the record: an operator has deleted it, or another node was quicker. Once is chance
 * (device-api.md 18: 409203). */
static void start_over(struct registration *r)
{
	if (r->restarts++ == 0) {
		log_info(NULL, "registration-restarted", "device", arena_str(r->arena, r->q.registration_id), NULL);
		registration_again(r);
		return;
	}
	registration_refuse(r, &(struct verdict){.error_code = CODE_CONCURRENT,
						 .message = "Precondition failed.",
						 .check = "record-unchanged",
						 .seen = "another version of the registration record, twice",
						 .expected = "the version that was read",
						 .sentence = "The registration record was changed by somebody else in the meantime."});
	registration_conclude(r);
}

static void write_failed(struct registration *r, enum err e)
{
	link_cancel(&r->link_ask);
	consult_cancel(r);
	if (r->settled) /* it was about leftovers: they stay on the list, and are looked at again later */
		registration_conclude(r);
	else if (e == ERR_PRECONDITION || e == ERR_EXISTS)
		start_over(r);
	else {
		registration_refuse_store(r, e);
		registration_conclude(r);
	}
}

static void write_done(void *cookie, enum err e, size_t failed)
{
	struct registration *r = cookie;

	(void)failed;
	assert(r->magic == REGISTRATION_MAGIC);
	r->write_ask = NULL;
	if (e != OK) {
		write_failed(r, e);
		return;
	}
	r->record = r->writing;
	r->uses_challenge = false; /* that is on disk now */
	if (r->leads)
		registration_promise(r);
	if (!is_waiting_outside(r))
		registration_run(r);
}

bool registration_write(struct registration *r, struct registration_record *next)
{
	struct store_change changes[2] = {
		{.how = r->record ? STORE_UPDATE : STORE_INSERT, .noun = &noun_registration, .record = next},
		{.how = STORE_PUT, .noun = &noun_presented},
	};
	size_t count = 1;

	if (r->record)
		changes[0].if_etag = r->record->etag;
	if (next && record_has_status(next, "assigned") && (changes[1].record = record_presented(r)) != NULL)
		count = 2;
	if (next && !arena_failed(r->arena))
		r->write_ask = store_write(r->p->conf.store, r->p->conf.loop, r->arena, changes, count, write_done, r);
	r->writing = next;
	if (r->write_ask == NULL)
		registration_refuse_store(r, ERR_NO_MEMORY);
	return r->write_ask != NULL;
}

void registration_hub_told(void *cookie, const struct link_answer *answer)
{
	struct registration *r = cookie;

	assert(r->magic == REGISTRATION_MAGIC);
	r->link_ask = NULL;
	r->replied = true;
	r->told = *answer;
	r->told.sentence = arena_str(r->arena, slice_str(answer->sentence));
	r->told.tags = arena_copy(r->arena, answer->tags);
	r->told.desired = arena_copy(r->arena, answer->desired);
	r->told.reported = arena_copy(r->arena, answer->reported);
	if (arena_failed(r->arena)) {
		registration_refuse_store(r, ERR_TOO_BIG);
		registration_conclude(r);
		return;
	}
	registration_run(r);
}

bool registration_await_link(struct registration *r)
{
	if (r->link_ask == NULL)
		registration_refuse_store(r, ERR_NO_MEMORY);
	else
		registration_promise(r);
	return r->link_ask != NULL;
}

/* --- refusing --- */

void registration_refuse(struct registration *r, const struct verdict *why)
{
	struct verdict reason = *why;

	if (r->settled)
		return; /* what the device hears does not change any more */
	r->verdict = reason;
	r->result = (struct result){.shape = r->q.op == DEVICE_CHECK ? SHAPE_JUDGEMENT : SHAPE_REFUSAL,
				    .judged = r,
				    .code = reason.error_code,
				    .message = reason.message};
	attempt_note(r);
}

void registration_throttle(struct registration *r, int wait_ms, const char *check, const char *message, const char *sentence)
{
	registration_refuse(r, &(struct verdict){.error_code = CODE_THROTTLED,
						 .message = message,
						 .check = check,
						 .seen = "more than that",
						 .expected = "as many as the server's settings allow",
						 .sentence = sentence});
	r->result.retry_after = wait_ms / 1000 + 1;
}

void registration_refuse_store(struct registration *r, enum err e)
{
	bool busy = e == ERR_THROTTLED;

	registration_refuse(r, &(struct verdict){.error_code = busy ? CODE_THROTTLED : CODE_INTERNAL,
						 .message = busy ? "Too many requests." : "Internal error.",
						 .check = "store",
						 .seen = err_text(e),
						 .expected = err_text(OK),
						 .sentence = "The service could not read or write its own store."});
}

void registration_challenge(struct registration *r, struct slice challenge)
{
	r->result = (struct result){.shape = r->q.op == DEVICE_CHECK ? SHAPE_JUDGEMENT : SHAPE_CHALLENGE,
				    .judged = r,
				    .message = "Authorization required",
				    .challenge = challenge};
}

void registration_fail(struct registration *r, const struct verdict *why)
{
	struct verdict reason = *why;

	r->aim = AIM_FAIL;
	r->verdict = reason;
	attempt_note(r);
}

/* --- what came of it --- */

struct result registration_result(const struct registration *r)
{
	const struct enrollment *e = r->enrollment;
	struct slice shown = r->verdict.storage_root_key;

	return (struct result){
		.shape = SHAPE_OPERATION,
		.record = r->record,
		.operation_id = r->record->operation_id,
		.group = e && r->by_group ? e->name : NO_SLICE,
		.x509 = e && slice_eq_fold(e->attestation, SLICE("x509")),
		.leaf_info = r->verdict.leaf_info,
		.signer = r->verdict.signer,
		.tpm = e && slice_eq_fold(e->attestation, SLICE("tpm")) ? e : NULL,
		.storage_root_key = shown.n ? shown : r->record->storage_root_key,
		.hub_key = r->verdict.primary_key,
	};
}

void registration_log_assigned(const struct registration *r, const char *why)
{
	char ms[24];

	log_info(NULL, "assigned", "service", arena_str(r->arena, r->service->name), "device", arena_str(r->arena, r->record->name), "hub",
		 arena_str(r->arena, r->record->assigned_hub), "substatus", arena_str(r->arena, r->record->substatus), "ms",
		 log_num(ms, loop_now_ms(r->p->conf.loop) - r->asked_ms), "enrollment", arena_str(r->arena, r->enrollment->name),
		 "protocol", r->q.protocol, "operation", arena_str(r->arena, r->record->operation_id), "because", why, NULL);
	count_one(r->p, &(struct provision_count){
				.service = r->service->name, .what = "assignment", .hub = arena_str(r->arena, r->record->assigned_hub)});
	news_report(r->p->conf.news, &(struct news_item){.what = NEWS_ASSIGNED,
							 .scope = r->scope,
							 .service = r->service->name,
							 .device = r->record->name,
							 .hub = r->record->assigned_hub,
							 .protocol = r->q.protocol,
							 .ms = loop_now_ms(r->p->conf.loop) - r->asked_ms});
}
