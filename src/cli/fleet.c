#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "codec/json.h"
#include "base/text.h"
#include "crypto/token.h"
#include "cli/command.h"
#include "cli/fleet.h"

#define TOKEN_SECONDS 3600
#define POLL_SECONDS  2 /* when the server names no number */
#define CONNECT_MS    10000
#define EXCHANGE_MS   60000
#define ANSWER_BYTES  65536
#define PROGRESS_MS   250
#define API_VERSION   "2021-06-01"

struct fleet {
	const struct fleet_conf *conf;
	size_t started, done;
	int64_t began_us;
	struct timer *next, *tick;
	bool out_of_memory;
};

/* One device under way. */
struct run {
	struct fleet *fleet;
	struct fleet_device *device;
	char *authorization, *body;
	char *operation; /* id, once there is one */
	char *url;
	struct timer *wait;
};

static void start_more(struct fleet *f);

/* --- one device --- */

static void run_free(struct run *r)
{
	timer_cancel(&r->wait);
	free(r->authorization);
	free(r->body);
	free(r->operation);
	free(r->url);
	free(r);
}

static void finish(struct run *r, enum fleet_end end, const char *why)
{
	struct fleet *f = r->fleet;

	r->device->end = end;
	r->device->took_us = clock_mono_us() - r->device->started_us;
	if (end != FLEET_ASSIGNED)
		r->device->why = arena_str(f->conf->arena, slice_str(why ? why : "no reason given"));
	run_free(r);
	f->done++;
	if (f->done == f->conf->count)
		loop_stop(f->conf->loop);
	else
		start_more(f);
}

static void send_request(struct run *r);

static void ask_again(void *cookie)
{
	struct run *r = cookie;

	r->wait = NULL;
	r->device->polls++;
	send_request(r);
}

static void wait_and_ask(struct run *r, int seconds)
{
	const struct fleet_conf *conf = r->fleet->conf;

	if (clock_mono_us() - r->device->started_us > (int64_t)conf->patience_ms * 1000) {
		finish(r, FLEET_FAILED, "still not assigned when patience ran out");
		return;
	}
	r->wait = loop_after(conf->loop, (int64_t)(seconds > 0 ? seconds : POLL_SECONDS) * 1000, ask_again, r);
	if (r->wait == NULL)
		finish(r, FLEET_FAILED, "out of memory");
}

static void assigned(struct run *r, const json_t *json)
{
	struct arena *arena = r->fleet->conf->arena;

	r->device->hub = arena_str(arena, slice_str(json_path(json, "registrationState.assignedHub")));
	r->device->device_id = arena_str(arena, slice_str(json_path(json, "registrationState.deviceId")));
	r->device->substatus = arena_str(arena, slice_str(json_path(json, "registrationState.substatus")));
	if (r->device->hub == NULL || r->device->device_id == NULL)
		finish(r, FLEET_FAILED, "the answer says assigned, but not where");
	else
		finish(r, FLEET_ASSIGNED, NULL);
}

static void judge(struct run *r, const struct fetch_answer *a, const json_t *json)
{
	const char *status = json_path(json, "status"), *operation = json_path(json, "operationId");

	if (a->status == 429 || a->status >= 500) {
		wait_and_ask(r, a->retry_after);
	} else if (a->status >= 300) {
		finish(r, FLEET_REFUSED, json_path(json, "message"));
	} else if (status && strcmp(status, "assigned") == 0) {
		assigned(r, json);
	} else if (status && strcmp(status, "assigning") == 0 && operation) {
		free(r->operation);
		r->operation = strdup(operation);
		wait_and_ask(r, a->retry_after);
	} else {
		finish(r, FLEET_REFUSED, json_path(json, "registrationState.errorMessage"));
	}
}

static void answered(void *cookie, const struct fetch_answer *a)
{
	struct run *r = cookie;
	struct arena *arena = r->fleet->conf->arena;
	json_t *json = NULL;
	const char *why = NULL;

	if (a->e != OK) {
		finish(r, FLEET_FAILED, a->why);
		return;
	}
	r->device->status = a->status;
	if (r->fleet->conf->count == 1)
		r->device->answer = arena_copy(arena, a->body);
	if (json_read(a->body, arena, &json, &why) != OK) {
		finish(r, FLEET_FAILED, why);
		return;
	}
	judge(r, a, json);
	json_decref(json);
}

static void send_request(struct run *r)
{
	const struct fleet_conf *conf = r->fleet->conf;
	const char *headers[] = {r->authorization, "Content-Type: application/json; charset=utf-8", NULL};
	const char *id = r->device->id;
	struct fetch_ask ask = {
		.method = r->operation ? "GET" : "PUT",
		.headers = headers,
		.body = r->operation ? SLICE("") : slice_str(r->body),
		.connect_to = conf->connect_to,
		.answer_max = ANSWER_BYTES,
		.connect_ms = CONNECT_MS,
		.deadline_ms = EXCHANGE_MS,
		.fresh = true,
	};

	free(r->url);
	r->url = NULL;
	if ((r->operation ? asprintf(&r->url, "https://%s%s/%s/registrations/%s/operations/%s?api-version=" API_VERSION, conf->host,
				     conf->port, conf->scope, id, r->operation)
			  : asprintf(&r->url, "https://%s%s/%s/registrations/%s/register?api-version=" API_VERSION, conf->host, conf->port,
				     conf->scope, id)) < 0)
		r->url = NULL;
	ask.url = r->url;
	if (r->url == NULL || fetch_start(conf->fetcher, &ask, answered, r) == NULL)
		finish(r, FLEET_FAILED, "out of memory");
}

/* The token and the body, once for register and all polls. */
static enum err prepare(struct run *r)
{
	const struct fleet_conf *conf = r->fleet->conf;
	struct arena *arena = arena_new(65536);
	struct slice token, resource;
	enum err e = ERR_NO_MEMORY;

	if (arena == NULL)
		return e;
	resource = arena_format(arena, "%s/registrations/%s", conf->scope, r->device->id);
	token = token_make(arena, resource, r->device->key, SLICE("registration"), clock_wall() + TOKEN_SECONDS * INSTANT_SECOND);
	if (token.n && asprintf(&r->authorization, "Authorization: %.*s", SLICE_ARG(token)) > 0 &&
	    asprintf(&r->body, "{\"registrationId\":\"%s\"%s%.*s}", r->device->id, conf->payload.n ? ",\"payload\":" : "",
		     SLICE_ARG(conf->payload)) > 0)
		e = OK;
	arena_free(&arena);
	return e;
}

static void start_one(struct fleet *f, struct fleet_device *device)
{
	struct run *r = calloc(1, sizeof(*r));

	if (r == NULL) {
		f->out_of_memory = true;
		loop_stop(f->conf->loop);
		return;
	}
	r->fleet = f;
	r->device = device;
	device->started_us = clock_mono_us();
	if (prepare(r) != OK)
		finish(r, FLEET_FAILED, "out of memory");
	else
		send_request(r);
}

/* --- all of them --- */

/* How many the rate allows by now. */
static size_t due(const struct fleet *f)
{
	if (f->conf->rate <= 0)
		return f->conf->count;
	return (size_t)((double)(clock_mono_us() - f->began_us) / 1e6 * f->conf->rate) + 1;
}

static void start_later(void *cookie)
{
	struct fleet *f = cookie;

	f->next = NULL;
	start_more(f);
}

static void start_more(struct fleet *f)
{
	while (f->started < f->conf->count && f->started - f->done < (size_t)f->conf->at_once && f->started < due(f) && !f->out_of_memory)
		start_one(f, &f->conf->devices[f->started++]);
	if (f->started < f->conf->count && f->next == NULL && f->started - f->done < (size_t)f->conf->at_once)
		f->next = loop_after(f->conf->loop, 2, start_later, f);
}

static void tick(void *cookie)
{
	struct fleet *f = cookie;

	f->conf->progress(f->conf->cookie, f->done, f->started - f->done);
	f->tick = loop_after(f->conf->loop, PROGRESS_MS, tick, f);
}

enum err fleet_run(const struct fleet_conf *conf)
{
	struct fleet f = {.conf = conf, .began_us = clock_mono_us()};

	if (conf->count == 0)
		return OK;
	if (conf->progress)
		f.tick = loop_after(conf->loop, PROGRESS_MS, tick, &f);
	f.next = loop_after(conf->loop, 0, start_later, &f);
	loop_run(conf->loop);
	timer_cancel(&f.next);
	timer_cancel(&f.tick);
	return f.out_of_memory ? ERR_NO_MEMORY : OK;
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

int64_t fleet_percentile(const struct fleet_conf *conf, double share)
{
	int64_t *took = calloc(conf->count ? conf->count : 1, sizeof(*took)), result = 0;
	size_t n = 0, at;

	for (size_t i = 0; took && i < conf->count; i++)
		if (conf->devices[i].end == FLEET_ASSIGNED)
			took[n++] = conf->devices[i].took_us;
	if (n) {
		qsort(took, n, sizeof(*took), by_size);
		at = (size_t)((double)n * share);
		result = took[at < n ? at : n - 1];
	}
	free(took);
	return result;
}
