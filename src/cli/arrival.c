#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "codec/json.h"
#include "crypto/token.h"
#include "cli/arrival.h"
#include "cli/command.h"

#define TOKEN_SECONDS 3600 /* beyond the device's patience */
#define POLL_SECONDS  2    /* when the server names no number */

struct arrival {
	const struct arrival_conf *conf;
	struct newcomer *device;
	arrival_done *done;
	void *cookie;
	int64_t deadline; /* loop_now_ms at which patience ends */
	struct channel_device who;
	struct channel *channel;
	bool worked; /* the service has not refused what it shows of its TPM, so far */
	char *token, *body;
	char *operation; /* id, once there is one */
	struct timer *wait;
};

/* --- the end --- */

static void arrival_free(struct arrival *a)
{
	timer_cancel(&a->wait);
	channel_close(&a->channel);
	free(a->token);
	free(a->body);
	free(a->operation);
	free(a);
}

void arrival_cancel(struct arrival **a)
{
	if (*a)
		arrival_free(*a);
	*a = NULL;
}

static void finish(struct arrival *a, enum arrival_end end, const char *why)
{
	struct newcomer *device = a->device;
	arrival_done *done = a->done;
	void *cookie = a->cookie;

	device->end = end;
	device->took_us = clock_mono_us() - device->started_us;
	if (end != ARRIVAL_ASSIGNED)
		device->why = arena_str(a->conf->arena, slice_str(why ? why : "no reason given"));
	arrival_free(a);
	done(cookie, device);
}

/* --- asking --- */

static void on_answer(void *cookie, const struct channel_answer *answer);

static enum err ask(struct arrival *a)
{
	const struct channel_ask question = {.operation = a->operation, .body = slice_str(a->body)};

	return channel_ask(a->channel, &question, on_answer, a);
}

static void ask_again(void *cookie)
{
	struct arrival *a = cookie;

	a->wait = NULL;
	a->device->polls++;
	if (ask(a) != OK)
		finish(a, ARRIVAL_FAILED, "out of memory");
}

/* As long as the server says, but for a last time when patience ends. */
static void wait_and_ask(struct arrival *a, int seconds, const char *why)
{
	struct loop *loop = a->conf->channel.loop;
	int64_t ms = (int64_t)(seconds > 0 ? seconds : POLL_SECONDS) * 1000, left = a->deadline - loop_now_ms(loop);

	if (left <= 0)
		finish(a, ARRIVAL_FAILED, why);
	else if ((a->wait = loop_after(loop, ms < left ? ms : left, ask_again, a)) == NULL)
		finish(a, ARRIVAL_FAILED, "out of memory");
}

/* --- a TPM --- */

static const char *const no_memory = "out of memory";

/* The same question once more, with this token, or with none, which asks for a challenge. */
static void ask_with(struct arrival *a, const char *token)
{
	channel_close(&a->channel);
	a->who.token = token;
	a->worked = false;
	if ((a->channel = channel_open(a->device->kind, &a->conf->channel, &a->who)) == NULL || ask(a) != OK)
		finish(a, ARRIVAL_FAILED, no_memory);
}

static void prove(struct arrival *a, const char *challenge)
{
	const struct channel_tpm *tpm = a->device->tpm;
	const char *token = NULL, *why = "the service's challenge is not base64";
	struct arena *arena = arena_new(2 * CHANNEL_ANSWER_MAX);
	struct slice blob = arena ? base64_decode(arena, slice_str(challenge)) : NO_SLICE;

	if (blob.n)
		token = tpm->prove(tpm->cookie, blob, &why);
	arena_free(&arena);
	if (token)
		ask_with(a, token);
	else
		finish(a, ARRIVAL_FAILED, why);
}

/* Whether a TPM has something to say to this refusal; then it is said. A challenge is good for one registration and for some minutes:
 * what has worked before may have to be proved anew. */
static bool answer_challenge(struct arrival *a, const struct channel_answer *answer, const json_t *json)
{
	const char *challenge = json_path(json, "authenticationKey");

	if (a->device->tpm == NULL || answer->status != 401)
		return false;
	if (challenge && a->who.token == NULL)
		prove(a, challenge);
	else if (a->worked)
		ask_with(a, NULL);
	else
		return false;
	return true;
}

/* A sentence, when the TPM cannot take the key with which the device is to speak to its hub. */
static const char *keep_hub_key(const struct arrival *a, const json_t *json)
{
	const struct channel_tpm *tpm = a->device->tpm;
	const char *wrapped = json_path(json, "registrationState.tpm.authenticationKey"), *why = "it is not base64";
	struct slice blob;

	if (wrapped == NULL)
		return "the answer says assigned, but holds no key for the TPM";
	blob = base64_decode(a->conf->arena, slice_str(wrapped));
	if (blob.n && tpm->keep(tpm->cookie, blob, a->device->hub, a->device->device_id, &why))
		return NULL;
	why = arena_printf(a->conf->arena, "%s was to be its hub, but its TPM does not take the key for that: %s", a->device->hub, why);
	return why ? why : no_memory;
}

/* --- answers --- */

static void assigned(struct arrival *a, const json_t *json)
{
	struct arena *arena = a->conf->arena;
	struct newcomer *device = a->device;
	const char *why;

	device->hub = arena_str(arena, slice_str(json_path(json, "registrationState.assignedHub")));
	device->device_id = arena_str(arena, slice_str(json_path(json, "registrationState.deviceId")));
	device->substatus = arena_str(arena, slice_str(json_path(json, "registrationState.substatus")));
	if (device->hub == NULL || device->device_id == NULL)
		finish(a, ARRIVAL_FAILED, "the answer says assigned, but not where");
	else if (device->tpm && (why = keep_hub_key(a, json)) != NULL)
		finish(a, ARRIVAL_FAILED, why);
	else
		finish(a, ARRIVAL_ASSIGNED, NULL);
}

static void assigning(struct arrival *a, const char *operation, int retry_after)
{
	free(a->operation);
	if ((a->operation = strdup(operation)) == NULL)
		finish(a, ARRIVAL_FAILED, "out of memory");
	else
		wait_and_ask(a, retry_after, "still not assigned when patience ran out");
}

static void judge(struct arrival *a, const struct channel_answer *answer, const json_t *json)
{
	const char *status = json_path(json, "status"), *operation = json_path(json, "operationId");

	if (answer->status >= 300 && answer_challenge(a, answer, json))
		return;
	if (answer->status >= 300)
		finish(a, ARRIVAL_REFUSED, json_path(json, "message"));
	else if (status && strcmp(status, "assigned") == 0)
		assigned(a, json);
	else if (status && strcmp(status, "assigning") == 0 && operation)
		assigning(a, operation, answer->retry_after);
	else
		finish(a, ARRIVAL_REFUSED, json_path(json, "registrationState.errorMessage"));
}

static void read_answer(struct arrival *a, const struct channel_answer *answer)
{
	struct arena *arena = arena_new(2 * CHANNEL_ANSWER_MAX);
	json_t *json = NULL;
	const char *why = "out of memory";

	if (arena == NULL || json_read(answer->body, arena, &json, &why) != OK)
		finish(a, ARRIVAL_FAILED, why);
	else
		judge(a, answer, json);
	json_decref(json);
	arena_free(&arena);
}

static void on_answer(void *cookie, const struct channel_answer *answer)
{
	struct arrival *a = cookie;

	if (answer->e != OK) {
		finish(a, answer->e == ERR_UNAUTHORIZED ? ARRIVAL_REFUSED : ARRIVAL_FAILED, answer->why);
		return;
	}
	a->device->status = answer->status;
	a->worked |= answer->status != 401;
	if (a->conf->keep_answers)
		a->device->answer = arena_copy(a->conf->arena, answer->body);
	if (answer->status == 429 || answer->status >= 500)
		wait_and_ask(a, answer->retry_after, "the service was too busy until patience ran out");
	else
		read_answer(a, answer);
}

/* --- the beginning --- */

static char *make_token(const struct arrival *a)
{
	instant expires = loop_wall(a->conf->channel.loop) + (TOKEN_SECONDS + a->conf->patience_ms / 1000) * INSTANT_SECOND;
	struct arena *arena = arena_new(4 * TOKEN_MAX);
	struct slice resource, token = NO_SLICE;
	char *copy;

	if (arena) {
		resource = arena_format(arena, "%s/registrations/%s", a->conf->channel.scope, a->device->id);
		token = token_make(arena, resource, a->device->key, SLICE("registration"), expires);
	}
	copy = token.n ? strndup(token.p, token.n) : NULL;
	arena_free(&arena);
	return copy;
}

/* What a register message says of the TPM, of which there may be none. Absent: the arena is full. */
static struct slice tpm_member(const struct channel_tpm *tpm, struct arena *arena)
{
	struct slice endorsement, storage;

	if (tpm == NULL)
		return SLICE("");
	endorsement = base64_encode(arena, tpm->endorsement_key);
	storage = base64_encode(arena, tpm->storage_root_key);
	return arena_format(arena, ",\"tpm\":{\"endorsementKey\":\"%.*s\",\"storageRootKey\":\"%.*s\"}", SLICE_ARG(endorsement),
			    SLICE_ARG(storage));
}

static char *make_body(const struct arrival *a)
{
	struct slice payload = a->conf->payload, tpm = tpm_member(a->device->tpm, a->conf->arena);
	char *body;

	if (slice_absent(tpm) || asprintf(&body, "{\"registrationId\":\"%s\"%.*s%s%.*s}", a->device->id, SLICE_ARG(tpm),
					  payload.n ? ",\"payload\":" : "", SLICE_ARG(payload)) < 0)
		return NULL;
	return body;
}

/* The body, and the token, once for all questions. */
static bool prepare(struct arrival *a)
{
	if ((a->body = make_body(a)) == NULL)
		return false;
	if (a->device->key.n && (a->token = make_token(a)) == NULL)
		return false;
	a->who =
		(struct channel_device){.id = a->device->id, .token = a->token, .credential = a->device->credential, .tpm = a->device->tpm};
	return (a->channel = channel_open(a->device->kind, &a->conf->channel, &a->who)) != NULL;
}

struct arrival *arrival_start(const struct arrival_conf *conf, struct newcomer *device, arrival_done *done, void *cookie)
{
	struct arrival *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	*a = (struct arrival){.conf = conf, .device = device, .done = done, .cookie = cookie};
	a->deadline = loop_now_ms(conf->channel.loop) + conf->patience_ms;
	device->end = ARRIVAL_RUNNING;
	device->started_us = clock_mono_us();
	if (!prepare(a) || ask(a) != OK)
		arrival_cancel(&a);
	return a;
}
