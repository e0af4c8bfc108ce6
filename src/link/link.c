/*
 * link.c: one queue for each hub, and what becomes of each question.
 *
 * A question walks through phases: CREATE (with others, in bulk), LOOK (the identity is there, or may be), CORRECT (its credentials
 * differ), or one of TWIN, REMOVE, PROBE. Every answer ends it, sends it to another phase, or back into the queue for
 * later. Its deadline ends it wherever it is.
 */
#include <stdio.h>
#include <stdlib.h>

#include "link/link_own.h"

#define ASK_ARENA_MAX      (1024 * 1024)
#define EXCHANGE_ARENA_MAX (32 * 1024 * 1024)
#define ANSWER_MAX         (4 * 1024 * 1024)
#define CONNECT_MS         5000
#define EXCHANGE_MS        30000  /* hubs shape bursts before they refuse: slow is normal (hub-api.md 10) */
#define PATIENCE_MAX_MS    600000 /* whatever Retry-After says */
#define DENIALS_MAX        2      /* a key roll in progress looks like a refusal once */
#define CONFLICTS_MAX      4      /* 412 again and again; there, and not there */

/* --- ends --- */

static void ask_free(struct link_ask *ask)
{
	struct arena *arena = ask->arena;

	timer_cancel(&ask->deadline);
	timer_cancel(&ask->again);
	if (ask->link.next != &ask->link)
		ask->hub->waiting_count--;
	list_remove(&ask->link);
	if (ask->exchange)
		ask->exchange->asks[ask->place] = NULL;
	arena_free(&arena); /* the ask lies in it */
}

static void finish(struct link_ask *ask, enum link_outcome outcome, const struct link_answer *parts)
{
	struct link_answer answer = parts ? *parts : (struct link_answer){0};

	answer.outcome = outcome;
	answer.existed = ask->existed;
	answer.may_exist = outcome != LINK_DONE && ask->may_exist;
	answer.sentence = ask->sentence ? ask->sentence : "done";
	answer.status = ask->status;
	ask->done(ask->cookie, &answer);
	ask_free(ask);
}

static void deadline_passed(void *cookie)
{
	struct link_ask *ask = cookie;

	ask->deadline = NULL;
	/* A creation that is on its way may still arrive. */
	if (ask->exchange && ask->phase == CREATE)
		ask->may_exist = true;
	if (ask->sentence == NULL)
		ask->sentence = ask->hub->last_failure[0] ? ask->hub->last_failure : "the hub did not answer in time";
	finish(ask, LINK_FAILED, NULL);
}

void link_cancel(struct link_ask **ask)
{
	if (*ask)
		ask_free(*ask);
	*ask = NULL;
}

/* --- the queue --- */

static void wait_in_line(struct link_ask *ask)
{
	list_append(&ask->hub->waiting, &ask->link);
	ask->hub->waiting_count++;
}

static void enqueue(struct link_ask *ask)
{
	wait_in_line(ask);
	link_pump(ask->hub);
}

static void ask_again(void *cookie)
{
	struct link_ask *ask = cookie;

	ask->again = NULL;
	enqueue(ask);
}

static void retry_later(struct link_ask *ask, int64_t ms)
{
	ask->again = loop_after(ask->hub->link->conf.loop, ms, ask_again, ask);
	/* Without memory for a timer it goes with the next that is sent, or its deadline ends it: never from here, for this may run
	 * inside the call that asked. */
	if (ask->again == NULL)
		wait_in_line(ask);
}

static void retry(struct link_ask *ask)
{
	retry_later(ask, hub_backoff(ask->tries++, RETRY_FIRST_MS, RETRY_MAX_MS));
}

/* Into another phase, at once and before the others: the hub has just answered. */
static void go_to(struct link_ask *ask, enum phase phase)
{
	ask->phase = phase;
	ask->hub->waiting_count++;
	ask->hub->waiting.next->prev = &ask->link;
	ask->link.next = ask->hub->waiting.next;
	ask->link.prev = &ask->hub->waiting;
	ask->hub->waiting.next = &ask->link;
}

/* --- what an answer means for a question (hub-api.md 5.3) --- */

static void denied(struct link_ask *ask)
{
	/* The key may have been rolled a moment ago: make a new token, ask once more. */
	ask->hub->authorized_until = 0;
	if (++ask->denials < DENIALS_MAX)
		retry(ask);
	else
		finish(ask, LINK_REFUSED, NULL);
}

static void judged_create(struct link_ask *ask, enum hub_verdict v)
{
	if (v == HUB_DONE) {
		finish(ask, LINK_DONE, NULL);
	} else if (v == HUB_EXISTS) {
		ask->existed = true;
		go_to(ask, LOOK);
	} else {
		finish(ask, LINK_INVALID, NULL);
	}
}

/* At once; but a hub that goes on saying both "it is there" and "it is not" gets time to make up its mind. */
static void create_again(struct link_ask *ask)
{
	ask->phase = CREATE;
	if (++ask->conflicts < CONFLICTS_MAX)
		go_to(ask, CREATE);
	else
		retry(ask);
}

static void judged_look(struct link_ask *ask, enum hub_verdict v)
{
	ask->existed |= v == HUB_DONE || v == HUB_DIFFERENT;
	if (v == HUB_DONE)
		finish(ask, LINK_DONE, NULL);
	else if (v == HUB_DIFFERENT)
		go_to(ask, CORRECT);
	else if (v == HUB_ABSENT)
		create_again(ask);
	else
		finish(ask, LINK_INVALID, NULL);
}

static void judged_correct(struct link_ask *ask, enum hub_verdict v)
{
	if (v == HUB_DONE)
		finish(ask, LINK_DONE, NULL);
	else if ((v == HUB_CHANGED || v == HUB_ABSENT) && ++ask->conflicts < CONFLICTS_MAX)
		go_to(ask, LOOK);
	else
		finish(ask, LINK_INVALID, NULL);
}

static void judged(struct link_ask *ask, enum hub_verdict v, const char *why, const struct link_answer *parts)
{
	ask->sentence = v == HUB_DONE ? NULL : arena_str(ask->arena, slice_str(why));
	if (v == HUB_DENIED)
		denied(ask);
	else if (v == HUB_BUSY)
		retry(ask);
	else if (ask->phase == CREATE)
		judged_create(ask, v);
	else if (ask->phase == LOOK)
		judged_look(ask, v);
	else if (ask->phase == CORRECT)
		judged_correct(ask, v);
	else if (v == HUB_ABSENT)
		finish(ask, ask->phase == PROBE ? LINK_INVALID : LINK_ABSENT, NULL);
	else
		finish(ask, v == HUB_DONE ? LINK_DONE : LINK_INVALID, parts);
}

/* Whether a creation may have been made although the hub did not say yes. A hub that says "unavailable" or "too many" has not
 * looked at it; one that broke down, or a proxy that lost it, may have passed it on. */
static bool may_have_created(enum hub_verdict v, int status)
{
	return v == HUB_GARBLED || (status >= 500 && status != 503);
}

/* --- exchanges --- */

static void exchange_free(struct exchange *x)
{
	struct arena *arena = x->arena;

	for (size_t i = 0; i < x->count; i++)
		if (x->asks[i])
			x->asks[i]->exchange = NULL;
	list_remove(&x->link);
	arena_free(&arena); /* the exchange lies in it */
}

/* It is under way no more. */
static void give_back_slot(struct exchange *x)
{
	x->hub->in_flight--;
	if (x->probe)
		x->hub->probing = false;
}

/* Take the question out of its exchange; NULL: it has gone. */
static struct link_ask *take(struct exchange *x, size_t i)
{
	struct link_ask *ask = x->asks[i];

	x->asks[i] = NULL;
	if (ask)
		ask->exchange = NULL;
	return ask;
}

/* No answer came. A creation that went out may have arrived, so the next try looks first. */
static void no_answer(struct exchange *x, const struct fetch_answer *a)
{
	struct far_hub *h = x->hub;

	hub_failed(h, a->why, x->probe);
	for (size_t i = 0; i < x->count; i++) {
		struct link_ask *ask = take(x, i);

		if (ask == NULL)
			continue;
		ask->status = 0;
		ask->sentence = arena_printf(ask->arena, "%s could not be asked: %s", h->name_text, a->why ? a->why : err_text(a->e));
		if (ask->phase == CREATE && a->e != ERR_UNREACHABLE) {
			ask->may_exist = ask->alone = true;
			ask->phase = LOOK;
		}
		if (ask->phase == PROBE)
			finish(ask, LINK_FAILED, NULL);
		else
			retry(ask);
	}
}

static void answered_creation(struct exchange *x, const struct fetch_answer *a)
{
	enum hub_verdict verdicts[LINK_BULK_MAX];
	const char *whys[LINK_BULK_MAX];
	bool refused_whole = true;

	iothub_judge_create(a->status, a->body, x->arena, x->devices, x->count, verdicts, whys);
	for (size_t i = 0; i < x->count; i++)
		refused_whole &= verdicts[i] == HUB_WRONG || verdicts[i] == HUB_GARBLED;
	for (size_t i = 0; i < x->count; i++) {
		struct link_ask *ask = take(x, i);

		if (ask == NULL)
			continue;
		ask->status = a->status;
		ask->may_exist |= may_have_created(verdicts[i], a->status);
		ask->alone |= ask->may_exist;
		/* One bad entry may have spoiled it for all: each is asked by itself then. */
		if (refused_whole && x->count > 1) {
			ask->alone = true;
			go_to(ask, CREATE);
		} else {
			judged(ask, verdicts[i], whys[i], NULL);
		}
	}
}

static void answered_one(struct exchange *x, const struct fetch_answer *a)
{
	struct link_ask *ask = take(x, 0);
	struct link_answer parts = {0};
	enum hub_verdict v;
	const char *why = "";

	if (ask == NULL)
		return;
	ask->status = a->status;
	if (ask->phase == LOOK)
		v = iothub_judge_look(a->status, a->body, ask->arena, &ask->identity, &ask->seen, &why);
	else if (ask->phase == TWIN)
		v = iothub_judge_twin(a->status, a->body, ask->arena, &parts, &why);
	else
		v = iothub_judge_plain(a->status, a->body, ask->arena, &why);
	if (ask->phase == PROBE && v == HUB_BUSY)
		v = HUB_WRONG;
	judged(ask, v, why, &parts);
}

/* Throttling is no failure of the hub, but it wants to be left alone; 5xx is one. */
static void judge_hub(struct far_hub *h, const struct fetch_answer *a, int64_t took_us, bool probe)
{
	int64_t patience = (int64_t)a->retry_after * 1000;
	char words[32];

	if (patience <= 0)
		patience = hub_backoff(2, RETRY_FIRST_MS, RETRY_MAX_MS);
	if (a->status == 429 || a->status == 503)
		hub_leave_alone(h, patience < PATIENCE_MAX_MS ? patience : PATIENCE_MAX_MS);
	if (a->status >= 500) {
		snprintf(words, sizeof(words), "it answers %d", a->status);
		hub_failed(h, words, probe);
	} else {
		hub_answered(h, took_us);
	}
}

static void answered(void *cookie, const struct fetch_answer *a)
{
	struct exchange *x = cookie;
	struct far_hub *h = x->hub;

	x->fetch = NULL;
	x->local = NULL;
	give_back_slot(x);
	if (a->e != OK) {
		no_answer(x, a);
	} else {
		judge_hub(h, a, clock_mono_us() - x->started_us, x->probe);
		if (x->phase == CREATE)
			answered_creation(x, a);
		else
			answered_one(x, a);
	}
	exchange_free(x);
	link_pump(h);
}

/* --- sending --- */

static bool send_local(struct exchange *x, const struct hub_request *r, const char *auth)
{
	const struct link_local *local = x->hub->link->conf.local;
	const struct link_local_ask ask = {
		.hub = x->hub->name,
		.method = r->method,
		.path = r->path,
		.authorization = auth ? slice_from(slice_str(auth), sizeof("Authorization: ") - 1) : NO_SLICE,
		.if_match = r->if_match,
		.body = r->body,
	};
	bool mine = false;

	if (local == NULL || local->start == NULL)
		return false;
	x->local = local->start(local->cookie, &ask, answered, x, &mine);
	return mine;
}

static void send_remote(struct exchange *x, const struct hub_request *r, const char *auth)
{
	const char **headers = arena_array(x->arena, 4, sizeof(*headers));
	struct fetch_ask ask = {
		.method = r->method,
		.url = arena_printf(x->arena, "%s%s", x->hub->base, r->path),
		.headers = headers,
		.body = slice_absent(r->body) ? SLICE("") : r->body,
		.connect_to = x->hub->link->conf.connect_to,
		.answer_max = ANSWER_MAX,
		.connect_ms = CONNECT_MS,
		.deadline_ms = EXCHANGE_MS,
	};
	int n = 0;

	if (headers == NULL || ask.url == NULL)
		return;
	headers[n++] = "Content-Type: application/json; charset=utf-8";
	if (auth)
		headers[n++] = auth;
	if (r->if_match.n)
		headers[n++] = arena_printf(x->arena, "If-Match: %.*s", SLICE_ARG(r->if_match));
	x->fetch = fetch_start(x->hub->link->conf.fetcher, &ask, answered, x);
}

static void make_request(struct exchange *x, struct hub_request *r)
{
	struct link_ask *ask = x->asks[0];

	switch (x->phase) {
	case CREATE: iothub_create(x->arena, x->devices, x->count, r); break;
	case LOOK: iothub_look(x->arena, ask->identity.device_id, r); break;
	case CORRECT: iothub_correct(x->arena, &ask->identity, &ask->seen, r); break;
	case TWIN: iothub_twin(x->arena, ask->identity.device_id, r); break;
	case REMOVE: iothub_remove(x->arena, ask->identity.device_id, r); break;
	case PROBE: iothub_statistics(r); break;
	}
}

static void send_exchange(struct exchange *x)
{
	struct far_hub *h = x->hub;
	const char *auth = hub_authorization(h);
	struct hub_request r;

	make_request(x, &r);
	x->started_us = clock_mono_us();
	h->in_flight++;
	h->asked++;
	if (r.path && !arena_failed(x->arena) && !send_local(x, &r, auth))
		send_remote(x, &r, auth);
	if (x->fetch || x->local)
		return;
	/* It could not even start: no memory. The questions wait for better times. */
	give_back_slot(x);
	for (size_t i = 0; i < x->count; i++) {
		struct link_ask *ask = take(x, i);

		ask->sentence = "out of memory";
		retry(ask);
	}
	exchange_free(x);
}

static bool named_already(const struct exchange *x, struct slice id)
{
	for (size_t i = 0; i < x->count; i++)
		if (slice_eq(x->devices[i]->device_id, id))
			return true;
	return false;
}

static void put_in(struct exchange *x, struct link_ask *ask)
{
	list_remove(&ask->link);
	ask->hub->waiting_count--;
	ask->exchange = x;
	ask->place = x->count;
	x->devices[x->count] = &ask->identity;
	x->asks[x->count++] = ask;
}

/* Other creations that wait travel along, as far as they have not failed in company before (a hub that could not be reached,
 * or had no time, has not judged them). Their devices are copied: a
 * question may go while the request is on its way. */
static void fill_up(struct exchange *x)
{
	struct list *at = x->hub->waiting.next, *next;

	for (; at != &x->hub->waiting && x->count < LINK_BULK_MAX; at = next) {
		struct link_ask *ask = LIST_ITEM(at, struct link_ask, link);

		next = at->next;
		if (ask->phase == CREATE && !ask->alone && !named_already(x, ask->identity.device_id))
			put_in(x, ask);
	}
}

static bool copy_identity(struct arena *a, const struct link_identity *from, struct link_identity *to)
{
	*to = (struct link_identity){
		.device_id = arena_copy(a, from->device_id),
		.authentication = from->authentication ? arena_str(a, slice_str(from->authentication)) : "sas",
		.primary_key = arena_copy(a, from->primary_key),
		.secondary_key = arena_copy(a, from->secondary_key),
		.primary_thumbprint = arena_copy(a, from->primary_thumbprint),
		.secondary_thumbprint = arena_copy(a, from->secondary_thumbprint),
		.iot_edge = from->iot_edge,
		.tags = arena_copy(a, from->tags),
		.desired = arena_copy(a, from->desired),
		.reported = arena_copy(a, from->reported),
	};
	return !arena_failed(a);
}

/* The answer names devices, and is read when questions may have gone: the exchange keeps IDs of its own. Without memory for them
 * the request is too large for its arena as well, and does not start. */
static void keep_ids(struct exchange *x)
{
	for (size_t i = 0; i < x->count; i++) {
		struct link_identity *d = arena_alloc(x->arena, sizeof(*d));

		if (d == NULL)
			return;
		*d = *x->devices[i];
		d->device_id = arena_copy(x->arena, d->device_id);
		x->devices[i] = d;
	}
}

static void start_exchange(struct far_hub *h)
{
	struct link_ask *first = LIST_ITEM(h->waiting.next, struct link_ask, link);
	struct arena *arena = arena_new(EXCHANGE_ARENA_MAX);
	struct exchange *x = arena ? arena_alloc(arena, sizeof(*x)) : NULL;
	bool last_slot = h->in_flight == LINK_IN_FLIGHT - 1;

	if (x == NULL) {
		arena_free(&arena);
		hub_wake_at(h, loop_now_ms(h->link->conf.loop) + RETRY_FIRST_MS);
		return;
	}
	*x = (struct exchange){.hub = h, .arena = arena, .phase = first->phase, .probe = h->broken_off};
	h->probing |= x->probe;
	list_append(&h->link->exchanges, &x->link);
	put_in(x, first);
	if (first->phase == CREATE && !first->alone && last_slot)
		fill_up(x);
	keep_ids(x);
	send_exchange(x);
}

/* Send what may be sent. While the breaker is open nothing goes; when its time is over, one question goes ahead of the others. */
void link_pump(struct far_hub *h)
{
	while (!list_empty(&h->waiting) && h->in_flight < LINK_IN_FLIGHT && !h->link->halted) {
		int in_flight = h->in_flight;

		if (loop_now_ms(h->link->conf.loop) < h->closed_until_ms) {
			if (h->wake == NULL)
				hub_wake_at(h, h->closed_until_ms);
			return;
		}
		if (h->broken_off && h->probing)
			return;
		start_exchange(h);
		if (h->in_flight == in_flight)
			return;
	}
}

/* --- the room --- */

enum err link_new(const struct link_conf *conf, struct link **out)
{
	struct link *link = calloc(1, sizeof(*link));

	if (link == NULL || (link->hubs = map_new(HUBS_MAX)) == NULL) {
		free(link);
		return ERR_NO_MEMORY;
	}
	link->conf = *conf;
	list_init(&link->exchanges);
	*out = link;
	return OK;
}

void link_halt(struct link *link)
{
	struct list *at;

	link->halted = true;
	while ((at = list_shift(&link->exchanges)) != NULL) {
		struct exchange *x = LIST_ITEM(at, struct exchange, link);

		fetch_cancel(&x->fetch);
		if (x->local)
			link->conf.local->cancel(link->conf.local->cookie, x->local);
		exchange_free(x);
	}
}

void link_free(struct link **link)
{
	struct far_hub *h;
	size_t place = 0;

	if (*link == NULL)
		return;
	link_halt(*link);
	while ((h = map_each((*link)->hubs, &place, NULL)) != NULL)
		hub_free(h);
	map_free(&(*link)->hubs);
	free(*link);
	*link = NULL;
}

static struct link_ask *ask_new(struct link *link, const struct linked_hub *record, const struct link_identity *identity, enum phase phase,
				int deadline_ms, link_done *done, void *cookie)
{
	struct far_hub *h = hub_of(link, record);
	struct arena *arena = h && h->waiting_count < LINK_WAITING_MAX ? arena_new(ASK_ARENA_MAX) : NULL;
	struct link_ask *ask = arena ? arena_alloc(arena, sizeof(*ask)) : NULL;

	if (ask == NULL || !copy_identity(arena, identity, &ask->identity))
		goto fail;
	ask->hub = h;
	ask->arena = arena;
	ask->phase = phase;
	ask->done = done;
	ask->cookie = cookie;
	list_init(&ask->link);
	if ((ask->deadline = loop_after(link->conf.loop, deadline_ms, deadline_passed, ask)) == NULL)
		goto fail;
	enqueue(ask);
	return ask;

fail:
	arena_free(&arena);
	return NULL;
}

struct link_ask *link_ensure(struct link *link, const struct linked_hub *hub, const struct link_identity *identity, int deadline_ms,
			     link_done *done, void *cookie)
{
	return ask_new(link, hub, identity, CREATE, deadline_ms, done, cookie);
}

struct link_ask *link_twin(struct link *link, const struct linked_hub *hub, struct slice device_id, int deadline_ms, link_done *done,
			   void *cookie)
{
	return ask_new(link, hub, &(struct link_identity){.device_id = device_id}, TWIN, deadline_ms, done, cookie);
}

struct link_ask *link_remove(struct link *link, const struct linked_hub *hub, struct slice device_id, int deadline_ms, link_done *done,
			     void *cookie)
{
	return ask_new(link, hub, &(struct link_identity){.device_id = device_id}, REMOVE, deadline_ms, done, cookie);
}

struct link_ask *link_probe(struct link *link, const struct linked_hub *hub, int deadline_ms, link_done *done, void *cookie)
{
	return ask_new(link, hub, &(struct link_identity){0}, PROBE, deadline_ms, done, cookie);
}

bool link_each(const struct link *link, size_t *at, struct link_state *out)
{
	const struct far_hub *h = map_each(link->hubs, at, NULL);

	if (h == NULL)
		return false;
	*out = (struct link_state){
		.hub = h->name_text,
		.in_flight = h->in_flight,
		.waiting = h->waiting_count,
		.broken_off = h->broken_off,
		.asked = h->asked,
		.failed = h->failed,
		.smoothed_us = h->smoothed_us,
		.last_failure = h->last_failure[0] ? h->last_failure : NULL,
	};
	return true;
}
