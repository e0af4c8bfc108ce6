/*
 * attempt.c: why a device was turned away: one line in the log, and one row with its registration ID.
 *
 * Nobody waits for the row. When many are on their way already the new one is only counted: a storm of refusals must
 * not hold up those who are welcome.
 */
#include <stdlib.h>

#include "provision/registration.h"

#define ATTEMPT_MEMORY (256 << 10) /* most of it for what a chain of certificates says of itself */

struct attempt_write {
	struct list link; /* in p->attempts.waiting */
	struct provision *p;
	struct arena *arena;
	struct store_ask *ask;
};

static const char *const operations[] = {
	[DEVICE_REGISTER] = "register",
	[DEVICE_OPERATION_STATUS] = "operationStatus",
	[DEVICE_REGISTRATION_STATUS] = "registrationStatus",
	[DEVICE_CHECK] = "check",
	[DEVICE_CONNECT] = "connect",
};

static void write_free(struct attempt_write *w)
{
	list_remove(&w->link);
	w->p->attempts.count--;
	store_cancel(&w->ask);
	arena_free(&w->arena);
	free(w);
}

void attempts_free(struct provision *p)
{
	struct list *link;

	while ((link = p->attempts.waiting.next) != &p->attempts.waiting)
		write_free(LIST_ITEM(link, struct attempt_write, link));
}

static void written(void *cookie, enum err e, size_t failed)
{
	struct attempt_write *w = cookie;

	(void)failed;
	w->ask = NULL;
	if (e != OK)
		w->p->attempts.dropped++;
	write_free(w);
}

static struct attempt *attempt_of(const struct registration *r, struct arena *arena)
{
	const struct verdict *why = &r->verdict;
	struct attempt *a = noun_new(&noun_attempt, arena);

	if (a == NULL)
		return NULL;
	a->scope = r->scope;
	a->id = r->id;
	a->at = registration_now(r);
	a->name = r->q.registration_id;
	a->operation = slice_str(operations[r->q.op]);
	a->protocol = slice_str(r->q.protocol);
	a->peer = slice_str(r->q.peer);
	a->error_code = why->error_code;
	a->check_name = slice_str(why->check);
	a->seen = slice_str(why->seen);
	a->expected = slice_str(why->expected);
	a->sentence = slice_str(why->sentence);
	a->enrollment = r->enrollment ? r->enrollment->name : NO_SLICE;
	a->request_id = slice_str(r->q.request_id);
	a->presented = r->explanation.presented;
	a->nearest = r->explanation.nearest;
	return noun_copy(&noun_attempt, a, arena);
}

/* PUT: two refusals within a tick of the clock are one to remember. */
static void keep(struct registration *r)
{
	struct provision *p = r->p;
	struct attempt_write *w = NULL;
	struct store_change change = {.how = STORE_PUT, .noun = &noun_attempt};

	if (p->attempts.count >= ATTEMPTS_WAITING_MAX || (w = calloc(1, sizeof(*w))) == NULL) {
		p->attempts.dropped++;
		return;
	}
	w->p = p;
	list_append(&p->attempts.waiting, &w->link);
	p->attempts.count++;
	if ((w->arena = arena_new(ATTEMPT_MEMORY)) != NULL && (change.record = attempt_of(r, w->arena)) != NULL)
		w->ask = store_write(p->conf.store, p->conf.loop, w->arena, &change, 1, written, w);
	if (w->ask == NULL) {
		p->attempts.dropped++;
		write_free(w);
	}
}

/* For a chain it is told what it was, unless whoever looked for its signers has told more already. */
static void explain(struct registration *r)
{
	const struct evidence evidence = lookup_evidence(r);

	if (slice_absent(r->explanation.presented))
		attest_explain(NULL, 0, &evidence, r->arena, &r->explanation);
}

bool attempt_waits(const struct registration *r)
{
	int code = r->verdict.error_code;

	return r->q.op == DEVICE_CONNECT && (code / 1000 != 401 || code == CODE_DISABLED);
}

/* An attempt on what is no ID, or under nobody's scope, could not be asked for later: it is only logged. */
void attempt_note(struct registration *r)
{
	const struct verdict *why = &r->verdict;
	/* Codes of 400207 and on are about webhooks and hubs, and 5xx are about us: the operator's business rather than the device's. */
	bool ours = why->error_code >= 500000 || why->error_code == CUSTOM_FAILED || why->error_code == CODE_NO_HUB ||
		    why->error_code == CODE_HUB_UNAUTHORIZED;
	char code[24];

	if (attempt_waits(r))
		return;
	if (r->q.op == DEVICE_CHECK) {
		explain(r);
		return;
	}
	log_event(ours ? LOG_WARN : LOG_INFO, NULL, "refused", "scope", arena_str(r->arena, r->q.scope), "device",
		  arena_str(r->arena, r->q.registration_id), "operation", operations[r->q.op], "protocol", r->q.protocol, "peer", r->q.peer,
		  "request", r->q.request_id, "code", log_num(code, why->error_code), "check", why->check, "seen", why->seen, "expected",
		  why->expected, "reason", why->sentence, NULL);
	if (r->service && id_is_good(r->q.registration_id)) {
		explain(r);
		keep(r);
		news_report(r->p->conf.news, &(struct news_item){.what = r->aim == AIM_FAIL ? NEWS_FAILED : NEWS_REFUSED,
								 .scope = r->scope,
								 .service = r->service->name,
								 .device = r->q.registration_id,
								 .protocol = r->q.protocol,
								 .code = why->error_code,
								 .sentence = why->sentence});
	}
}

/* --- not too many of them --- */

static void trimmed(void *cookie, enum err e, size_t failed)
{
	struct provision *p = cookie;

	(void)failed;
	p->trim_ask = NULL;
	if (e != OK)
		log_warn(NULL, "attempts-not-trimmed", "error", err_text(e), NULL);
}

void attempts_trim(void *cookie)
{
	struct provision *p = cookie;

	p->trim_timer = loop_after(p->conf.loop, TRIM_EVERY_MS, attempts_trim, p);
	/* The attempts are everybody's; one of the loops is enough. */
	if (p->index == 0 && p->trim_ask == NULL)
		p->trim_ask =
			store_trim_attempts(p->conf.store, p->conf.loop, NULL, p->conf.max_attempts_kept, ATTEMPTS_IN_ALL, trimmed, p);
}
