#include <assert.h>
#include <stdlib.h>

#include "base/text.h"
#include "codec/json.h"
#include "provision/webhook.h"

#define WEBHOOK_MAGIC  0x77656268u
#define QUESTION_ROOM  (2 << 20)
#define PAYLOAD_SINCE  SLICE("2019-03-31") /* the form of the question before knew no payload: service-api.md 8 */
#define URL_SHOWN_TAIL "?****"

struct webhook_ask {
	unsigned magic;
	struct loop *loop;
	struct fetcher *fetcher;
	struct arena *arena;
	const char *url;
	struct buf body;
	struct fetch *fetch;
	struct timer *pause;
	int64_t until_ms;
	int tries;
	webhook_done *done;
	void *cookie;
};

/* --- the question --- */

struct slice webhook_mask(struct arena *arena, struct slice url)
{
	ptrdiff_t query = slice_find(url, '?');

	return query < 0 ? url : arena_format(arena, "%.*s" URL_SHOWN_TAIL, (int)query, url.p);
}

/* An enrollment keeps the form of etag that its API shows; here it is the tag itself, quotes and all. */
static struct slice raw_etag(struct arena *arena, struct slice etag)
{
	struct slice raw = base64_decode(arena, etag);

	return raw.n > 0 && raw.p[0] == '"' ? raw : etag;
}

static void enrollment(struct json_out *out, const struct webhook_question *q, struct arena *arena)
{
	struct enrollment shown = *q->enrollment;

	shown.etag = raw_etag(arena, shown.etag);
	shown.webhook_url = webhook_mask(arena, shown.webhook_url);
	noun_write(q->by_group ? &noun_group : &noun_individual, &shown, VIEW_PLAIN, out,
		   q->by_group ? "enrollmentGroup" : "individualEnrollment", arena);
}

static void empty(struct json_out *out, const char *name)
{
	json_open(out, name, '{');
	json_close(out, '}');
}

/* RULE of service-api.md 8. */
static void certificate(struct json_out *out, const struct certificate_info *leaf)
{
	json_open(out, "x509", '{');
	if (leaf) {
		json_open(out, "clientCertificates", '{');
		json_open(out, "primary", '{');
		certificate_write_described(out, "info", leaf);
		json_close(out, '}');
		json_close(out, '}');
	}
	json_close(out, '}');
}

static void context(struct json_out *out, const struct webhook_question *q)
{
	struct slice kind = q->enrollment->attestation;

	json_open(out, "deviceRuntimeContext", '{');
	json_text(out, "registrationId", q->registration_id);
	if (q->hub.n > 0) {
		json_text(out, "currentIotHubHostName", q->hub);
		json_text(out, "currentDeviceId", q->device_id);
	}
	if (slice_eq_fold(kind, SLICE("x509")))
		certificate(out, q->leaf);
	else
		empty(out, slice_eq_fold(kind, SLICE("tpm")) ? "tpm" : "symmetricKey");
	if (!slice_absent(q->payload) && slice_cmp(q->enrollment->webhook_version, PAYLOAD_SINCE) >= 0)
		json_raw(out, "payload", q->payload);
	json_close(out, '}');
}

void webhook_write(const struct webhook_question *q, struct arena *arena, struct buf *to)
{
	struct json_out out;

	json_out_init(&out, to);
	json_open(&out, NULL, '{');
	enrollment(&out, q, arena);
	context(&out, q);
	json_open(&out, "linkedHubs", '[');
	for (size_t i = 0; i < q->candidate_count; i++)
		json_text(&out, NULL, q->candidates[i]->name);
	json_close(&out, ']');
	json_close(&out, '}');
}

/* --- asking --- */

static void ask_free(struct webhook_ask *ask)
{
	fetch_cancel(&ask->fetch);
	timer_cancel(&ask->pause);
	buf_fini(&ask->body);
	arena_free(&ask->arena);
	ask->magic = 0;
	free(ask);
}

static void tell(struct webhook_ask *ask, const struct custom_reply *reply)
{
	webhook_done *done = ask->done;
	void *cookie = ask->cookie;

	ask_free(ask); /* what is told lies in the exchange */
	done(cookie, reply);
}

static int left_ms(const struct webhook_ask *ask)
{
	int64_t left = ask->until_ms - loop_now_ms(ask->loop);

	return left > 1 ? (int)left : 1;
}

static void send(void *cookie);

/* ERR_UNREACHABLE promises that nobody has heard the question. */
static bool try_again(struct webhook_ask *ask, enum err e)
{
	if (e != ERR_UNREACHABLE || ask->tries >= WEBHOOK_TRIES || left_ms(ask) <= WEBHOOK_PAUSE_MS)
		return false;
	ask->pause = loop_after(ask->loop, WEBHOOK_PAUSE_MS, send, ask);
	return ask->pause != NULL;
}

static void answered(void *cookie, const struct fetch_answer *a)
{
	struct webhook_ask *ask = cookie;

	assert(ask->magic == WEBHOOK_MAGIC);
	ask->fetch = NULL;
	if (!try_again(ask, a->e))
		tell(ask, &(struct custom_reply){.e = a->e,
						 .why = a->why,
						 .status = a->status,
						 .location = a->e == OK ? a->header(a, "Location") : NULL,
						 .body = a->body});
}

static struct fetch *start_fetch(struct webhook_ask *ask)
{
	static const char *const headers[] = {"Content-Type: application/json; charset=utf-8", "Accept: application/json", NULL};
	const struct fetch_ask question = {.method = "POST",
					   .url = ask->url,
					   .headers = headers,
					   .body = buf_slice(&ask->body),
					   .answer_max = CUSTOM_ANSWER_MAX,
					   .connect_ms = WEBHOOK_CONNECT_MS,
					   .deadline_ms = left_ms(ask)};

	ask->tries++;
	return fetch_start(ask->fetcher, &question, answered, ask);
}

static void send(void *cookie)
{
	struct webhook_ask *ask = cookie;

	assert(ask->magic == WEBHOOK_MAGIC);
	ask->pause = NULL;
	if ((ask->fetch = start_fetch(ask)) == NULL)
		tell(ask, &(struct custom_reply){.e = ERR_NO_MEMORY});
}

struct webhook_ask *webhook_start(struct loop *loop, struct fetcher *fetcher, const struct webhook_question *q, int deadline_ms,
				  webhook_done *done, void *cookie)
{
	struct webhook_ask *ask = calloc(1, sizeof(*ask));

	if (ask == NULL)
		return NULL;
	*ask = (struct webhook_ask){.magic = WEBHOOK_MAGIC, .loop = loop, .fetcher = fetcher, .done = done, .cookie = cookie};
	ask->until_ms = loop_now_ms(loop) + (deadline_ms < WEBHOOK_MS ? deadline_ms : WEBHOOK_MS);
	buf_init(&ask->body, WEBHOOK_QUESTION_MAX);
	if ((ask->arena = arena_new(QUESTION_ROOM)) == NULL)
		goto fail;
	ask->url = arena_str(ask->arena, q->enrollment->webhook_url);
	webhook_write(q, ask->arena, &ask->body);
	if (buf_failed(&ask->body) || arena_failed(ask->arena) || (ask->fetch = start_fetch(ask)) == NULL)
		goto fail;
	return ask;

fail:
	ask_free(ask);
	return NULL;
}

void webhook_cancel(struct webhook_ask **it)
{
	struct webhook_ask *ask = *it;

	*it = NULL;
	if (ask == NULL)
		return;
	assert(ask->magic == WEBHOOK_MAGIC);
	ask_free(ask);
}
