/*
 * link_hub.c: a hub that is linked: how it is reached and proven to, and whether it is left alone for a while.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "crypto/token.h"
#include "link/link_own.h"

#define TOKEN_SECONDS       3600
#define TOKEN_RENEW_SECONDS 600 /* before its end */
#define BREAK_FIRST_MS      1000
#define BREAK_MAX_MS        15000

/* A wait that grows, with full jitter: many that failed together do not come back together. */
int64_t hub_backoff(int tries, int64_t first, int64_t most)
{
	int64_t ms = first;
	uint32_t dice;

	while (tries-- > 0 && ms < most)
		ms *= 2;
	random_bytes(&dice, sizeof(dice));
	ms = ms < most ? ms : most;
	return ms / 2 + (int64_t)(dice % (uint32_t)(ms / 2 + 1));
}

/* --- the breaker --- */

static void wake(void *cookie)
{
	struct far_hub *h = cookie;

	h->wake = NULL;
	link_pump(h);
}

void hub_wake_at(struct far_hub *h, int64_t at_ms)
{
	int64_t now = loop_now_ms(h->link->conf.loop);

	timer_cancel(&h->wake);
	h->wake = loop_after(h->link->conf.loop, at_ms > now ? at_ms - now : 0, wake, h);
}

void hub_leave_alone(struct far_hub *h, int64_t ms)
{
	int64_t until = loop_now_ms(h->link->conf.loop) + ms;

	if (until > h->closed_until_ms)
		h->closed_until_ms = until;
	hub_wake_at(h, h->closed_until_ms);
}

/* What was on its way when the breaker opened fails for the same reason: only a probe says anything new. */
void hub_failed(struct far_hub *h, const char *why, bool probe)
{
	h->failed++;
	snprintf(h->last_failure, sizeof(h->last_failure), "%s", why ? why : "no reason");
	if (h->broken_off && !probe)
		return;
	if (++h->failures < LINK_BREAKER)
		return;
	if (!h->broken_off)
		log_warn(NULL, "hub-left-alone", "hub", h->name_text, "reason", h->last_failure, NULL);
	h->broken_off = true;
	hub_leave_alone(h, hub_backoff(h->failures - LINK_BREAKER, BREAK_FIRST_MS, BREAK_MAX_MS));
}

/* RFC 6298's share for a new one. A request that had to wait for a retransmission says little of the way, and must not make a hub look far. */
int64_t link_smoothed(int64_t smoothed_us, int64_t took_us)
{
	if (smoothed_us == 0)
		return took_us;
	if (took_us > OUTLIER * smoothed_us)
		took_us = OUTLIER * smoothed_us;
	return smoothed_us + (took_us - smoothed_us) / SMOOTHING;
}

void hub_answered(struct far_hub *h, int64_t took_us)
{
	if (h->broken_off)
		log_info(NULL, "hub-is-back", "hub", h->name_text, NULL);
	h->failures = 0;
	h->broken_off = false;
	h->last_failure[0] = 0;
	h->smoothed_us = link_smoothed(h->smoothed_us, took_us);
}

/* --- its token --- */

const char *hub_authorization(struct far_hub *h)
{
	instant now = loop_wall(h->link->conf.loop);
	struct arena *arena;
	struct slice token;

	if (slice_absent(h->secret))
		return NULL;
	/* Also after the clock has jumped back. */
	if (h->authorization && now < h->authorized_until - TOKEN_RENEW_SECONDS * INSTANT_SECOND &&
	    now > h->authorized_until - (TOKEN_SECONDS + 60) * INSTANT_SECOND)
		return h->authorization;
	if ((arena = arena_new(16384)) == NULL)
		return NULL;
	free(h->authorization);
	h->authorization = NULL;
	h->authorized_until = now + TOKEN_SECONDS * INSTANT_SECOND;
	token = token_make(arena, h->name, h->secret, slice_str(h->key_name), h->authorized_until);
	if (token.n && asprintf(&h->authorization, "Authorization: %.*s", SLICE_ARG(token)) < 0)
		h->authorization = NULL;
	arena_free(&arena);
	return h->authorization;
}

/* --- hubs --- */

void hub_free(struct far_hub *h)
{
	timer_cancel(&h->wake);
	free(h->key);
	free(h->name_text);
	free(h->base);
	free(h->key_name);
	if (h->secret.p) {
		explicit_bzero((char *)h->secret.p, h->secret.n);
		free((char *)h->secret.p);
	}
	free(h->authorization);
	free(h);
}

static struct far_hub *hub_new(struct link *link, const struct linked_hub *record, struct slice key, struct slice secret)
{
	struct far_hub *h = calloc(1, sizeof(*h));
	char port[16] = "";

	if (h == NULL)
		return NULL;
	h->link = link;
	list_init(&h->waiting);
	if (record->port != INT_NONE && record->port != 443)
		snprintf(port, sizeof(port), ":%d", (int)record->port);
	h->key = strndup(key.p, key.n);
	h->name_text = strndup(record->name.p, record->name.n);
	h->key_name = strndup(record->key_name.p ? record->key_name.p : "", record->key_name.n);
	if (h->name_text && asprintf(&h->base, "https://%s%s", h->name_text, port) < 0)
		h->base = NULL;
	if (secret.n && (h->secret.p = malloc(secret.n)) != NULL) {
		memcpy((char *)h->secret.p, secret.p, secret.n);
		h->secret.n = secret.n;
	}
	if (h->key == NULL || h->name_text == NULL || h->key_name == NULL || h->base == NULL || (secret.n && h->secret.p == NULL) ||
	    map_put(link->hubs, key, h) != OK) {
		hub_free(h);
		return NULL;
	}
	h->name = slice_str(h->name_text);
	return h;
}

/* By host, port and credentials: a link with a rolled key is another hub, without the old one's failures. */
struct far_hub *hub_of(struct link *link, const struct linked_hub *record)
{
	struct arena *arena = arena_new(65536);
	unsigned char digest[SHA256_SIZE];
	struct slice key, secret;
	struct far_hub *h = NULL;

	if (arena == NULL)
		return NULL;
	secret = record->hosted == FLAG_YES ? NO_SLICE : base64_decode(arena, record->key);
	sha256(secret, digest);
	key = arena_format(arena, "%.*s:%lld/%.*s/%.*s", SLICE_ARG(arena_fold(arena, record->name)), (long long)record->port,
			   SLICE_ARG(record->key_name), SLICE_ARG(hex_lower(arena, slice_over(digest, 8))));
	if (!arena_failed(arena) && (h = map_get(link->hubs, key)) == NULL)
		h = hub_new(link, record, key, secret);
	arena_free(&arena);
	return h;
}
