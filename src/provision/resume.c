/*
 * resume.c: what was begun and not finished is taken up: at the start what an earlier run has left, and later, every
 * SWEEP_EVERY_MS, what got stuck (the store was full, a former hub did not answer).
 *
 * The records that say so are read page by page, each loop taking its own. A device that was assigning needs somebody
 * to speak for it; where we know its key we can. Where we cannot, it waits for the device, which asks soon.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "provision/registration.h"

#define PAGE_MEMORY      (16 << 20)
#define VOUCH_SECONDS    60
#define LEFTOVER_REST_MS 60000 /* what failed just now fails again: a device in need comes first */

/* --- speaking for a device --- */

/* The device's own key, or with a TPM that of a challenge. A group's key makes one for the ID as the device spells it, or in lower case (device-api.md
 * 7.2): when these differ, only the device knows which it has. */
static struct slice known_key(struct registration *r, unsigned char derived[32])
{
	const struct enrollment *e = r->enrollment;
	struct slice key = base64_decode(r->arena, e->primary_key), secret = r->p->conf.secret;

	if (slice_eq_fold(e->attestation, SLICE("tpm")) &&
	    attest_tpm_challenge_key(e, secret, registration_now(r), r->record->challenge_used, r->arena, derived) == OK)
		return slice_over(derived, 32);
	if (!slice_eq_fold(r->enrollment->attestation, SLICE("symmetricKey")) || key.n == 0)
		return NO_SLICE;
	if (!r->by_group)
		return key;
	if (!slice_eq(r->record->name, r->id))
		return NO_SLICE;
	device_key(key, r->id, derived);
	return slice_over(derived, 32);
}

bool resume_vouch(struct registration *r)
{
	unsigned char derived[32];
	struct slice key = known_key(r, derived);
	struct slice resource;

	if (slice_absent(key))
		return false;
	r->q.registration_id = r->record->name;
	resource = arena_format(r->arena, "%.*s/registrations/%.*s", SLICE_ARG(r->scope), SLICE_ARG(r->record->name));
	r->q.token = token_make(r->arena, resource, key, NO_SLICE, registration_now(r) + VOUCH_SECONDS * INSTANT_SECOND);
	explicit_bzero(derived, sizeof(derived));
	return !slice_absent(r->q.token);
}

bool resume_gives_up(struct registration *r)
{
	if (registration_now(r) - r->record->updated < UNCLAIMED_MS * (INSTANT_SECOND / 1000))
		return false;
	registration_refuse(r, &(struct verdict){.error_code = CODE_HUB_SILENT,
						 .message = "The registration was interrupted.",
						 .check = "registration-finished",
						 .seen = "an interrupted registration",
						 .expected = "the device asking again",
						 .sentence = "The service stopped in the middle of it, and the device has not come back."});
	return true;
}

/* --- going through the records --- */

static void sweep_read(struct provision *p);

static void sweep_due(void *cookie)
{
	struct provision *p = cookie;

	p->sweep.timer = NULL;
	sweep_read(p);
}

void resume_arm(struct provision *p)
{
	p->sweep.running = p->sweep.from_start = false;
	p->sweep.timer = loop_after(p->conf.loop, SWEEP_EVERY_MS, sweep_due, p);
}

static void forget_place(struct sweep *s)
{
	free(s->scope);
	free(s->id);
	s->scope = s->id = NULL;
}

static void sweep_end(struct provision *p)
{
	forget_place(&p->sweep);
	resume_arm(p);
}

static bool is_ours(const struct provision *p, struct slice key)
{
	return p->all[hash_bytes(key) % p->all_count] == p && map_get(p->leaders, key) == NULL;
}

/* One that is young may be under way elsewhere, or will be taken up by its device. */
static bool is_ripe(const struct provision *p, const struct registration_record *record)
{
	int64_t age_ms = (loop_wall(p->conf.loop) - record->updated) / (INSTANT_SECOND / 1000);

	if (p->sweep.from_start)
		return true;
	return age_ms > (record_has_status(record, "assigning") ? REGISTRATION_DEADLINE_MS : LEFTOVER_REST_MS);
}

static void take_up(struct provision *p, const struct registration_record *record)
{
	struct slice key = arena_format(p->sweep.arena, "%.*s/%.*s", SLICE_ARG(record->scope), SLICE_ARG(record->id));

	if (slice_absent(key) || !is_ours(p, key) || !is_ripe(p, record))
		return;
	p->sweep.active++;
	if (registration_take_up(p, record->scope, record->id) != OK)
		p->sweep.active--;
}

/* The next page begins behind the last record: in its scope, or with the scope that follows. */
static bool remember_place(struct sweep *s, const struct registration_record *last, bool more)
{
	bool scope_done = s->id != NULL && !more;

	s->more = more || s->id != NULL;
	if (last) {
		forget_place(s);
		s->scope = strndup(last->scope.p, last->scope.n);
		s->id = scope_done ? NULL : strndup(last->id.p, last->id.n);
		return s->scope && (scope_done || s->id);
	}
	free(s->id);
	s->id = NULL;
	return true;
}

static void page_read(void *cookie, enum err e)
{
	struct provision *p = cookie;
	struct sweep *s = &p->sweep;
	const struct registration_record *records = s->want.records;
	size_t count = s->want.count;

	s->ask = NULL;
	if (e != OK) {
		log_warn(NULL, "unfinished-not-read", "error", err_text(e), NULL);
		sweep_end(p);
		return;
	}
	if (!remember_place(s, count ? &records[count - 1] : NULL, s->want.more))
		s->more = false;
	s->active++; /* so that the page does not end before all of it has begun */
	for (size_t i = 0; i < count; i++)
		take_up(p, &records[i]);
	resume_ended(p);
}

void resume_ended(struct provision *p)
{
	struct sweep *s = &p->sweep;

	if (--s->active > 0)
		return;
	if (s->more)
		sweep_read(p);
	else
		sweep_end(p);
}

static void sweep_read(struct provision *p)
{
	struct sweep *s = &p->sweep;
	struct registration_record *like;

	s->running = true;
	arena_free(&s->arena);
	if ((s->arena = arena_new(PAGE_MEMORY)) == NULL || (like = noun_new(&noun_registration, s->arena)) == NULL) {
		sweep_end(p);
		return;
	}
	like->pending = 1;
	like->scope = slice_str(s->scope);
	s->want = (struct store_want){.noun = &noun_registration,
				      .by = REGISTRATION_BY_PENDING,
				      .like = like,
				      .keys = s->id ? 2 : 1,
				      .after = slice_str(s->id ? s->id : s->scope),
				      .limit = SWEEP_PAGE};
	s->ask = store_read(p->conf.store, p->conf.loop, s->arena, &s->want, 1, page_read, p);
	if (s->ask == NULL)
		sweep_end(p);
}

void provision_resume(struct provision *p)
{
	if (p->sweep.running)
		return;
	timer_cancel(&p->sweep.timer);
	p->sweep.from_start = true;
	sweep_read(p);
}

void resume_free(struct provision *p)
{
	timer_cancel(&p->sweep.timer);
	store_cancel(&p->sweep.ask);
	arena_free(&p->sweep.arena);
	forget_place(&p->sweep);
}
