/*
 * consult.c: the webhook of a custom allocation is asked for one registration, and what it says is taken.
 *
 * It is asked before anything is recorded, for it makes no identity anywhere. Should it be slow, the device hears "assigning", and what
 * it sent along is recorded with that: after a crash the webhook is asked again, with the same payload.
 */
#include <assert.h>

#include "provision/registration.h"
#include "provision/webhook.h"

/* What is told lives only while this runs. */
static void heard(void *cookie, const struct custom_reply *reply)
{
	struct registration *r = cookie;

	assert(r->magic == REGISTRATION_MAGIC);
	r->webhook = NULL;
	r->p->counts.webhooks--;
	count_latency(r->p, TIME_WEBHOOK, loop_now_ms(r->p->conf.loop) - r->webhook_ms);
	r->replied = true;
	r->heard = *reply;
	r->heard.why = arena_str(r->arena, slice_str(reply->why));
	r->heard.location = arena_str(r->arena, slice_str(reply->location));
	r->heard.body = arena_copy(r->arena, reply->body);
	if (arena_failed(r->arena)) {
		registration_refuse_store(r, ERR_TOO_BIG);
		registration_conclude(r);
		return;
	}
	registration_run(r);
}

bool consult_webhook(struct registration *r)
{
	struct place home = record_place(r->record);
	const struct webhook_question question = {
		.enrollment = r->enrollment,
		.by_group = r->by_group,
		.registration_id = r->q.registration_id,
		.hub = home.hub,
		.device_id = home.device,
		.leaf = r->verdict.leaf_info,
		.payload = r->device_payload = choose_payload(r),
		.candidates = r->choice.candidates,
		.candidate_count = r->choice.candidate_count,
	};

	r->webhook = webhook_start(r->p->conf.loop, r->p->conf.webhooks, &question, registration_left_ms(r), heard, r);
	if (r->webhook == NULL) {
		registration_refuse_store(r, ERR_NO_MEMORY);
		return false;
	}
	r->webhook_ms = loop_now_ms(r->p->conf.loop);
	r->p->counts.webhooks++;
	registration_promise(r);
	return true;
}

void consult_cancel(struct registration *r)
{
	if (r->webhook)
		r->p->counts.webhooks--;
	webhook_cancel(&r->webhook);
}

/* Whom to look at when it went wrong: nothing of the address that may be secret. */
static const char *whom(const struct registration *r)
{
	return arena_str(r->arena, webhook_mask(r->arena, r->enrollment->webhook_url));
}

static void fail(struct registration *r, const struct custom_choice *choice)
{
	choose_count(r, "webhook", r->heard.e == OK ? CUSTOM_BAD : CUSTOM_NO_ANSWER);
	registration_fail(
		r, &(struct verdict){.error_code = CUSTOM_FAILED,
				     .message = choice->message,
				     .check = "custom-allocation",
				     .seen = choice->seen,
				     .expected = arena_printf(r->arena, "one of %zu hubs, named by %s", r->choice.candidate_count, whom(r)),
				     .sentence = choice->sentence});
}

enum lookup consult_judge(struct registration *r)
{
	const struct allocation question = choose_question(r);
	struct custom_choice choice;

	if (custom_judge(&r->heard, &question, &r->choice, r->arena, &choice) != OK) {
		registration_refuse_store(r, ERR_NO_MEMORY);
		return LOOKUP_REFUSED;
	}
	if (choice.hub == NULL) {
		fail(r, &choice);
		return LOOKUP_GO_ON;
	}
	r->choice.hub = choice.hub;
	r->choice.sentence = choice.sentence;
	choose_take(r, &choice, "webhook");
	return LOOKUP_FOUND;
}
