/*
 * channel_https.c: a device that asks over HTTPS (device-api.md 9), each time on a connection of its own.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cli/channel.h"

struct https_channel {
	struct channel c;
	const struct channel_conf *conf;
	const struct channel_device *device;
	char *authorization; /* the whole header; NULL: none */
	char *connect_to;    /* NULL: resolve the host */
	struct fetch *fetch;
	channel_done *done;
	void *cookie;
};

static void https_close(struct channel *c)
{
	struct https_channel *h = (struct https_channel *)c;

	fetch_cancel(&h->fetch);
	free(h->authorization);
	free(h->connect_to);
	free(h);
}

/* NULL: out of memory. */
static char *print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static char *print(const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	return n < 0 ? NULL : text;
}

static struct channel *https_open(const struct channel_conf *conf, const struct channel_device *device)
{
	struct https_channel *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	*h = (struct https_channel){.c.kind = &channel_https, .conf = conf, .device = device};
	if ((device->token && (h->authorization = print("Authorization: %s", device->token)) == NULL) ||
	    (conf->address && (h->connect_to = print("%s:%d", conf->address, conf->https_port)) == NULL)) {
		https_close(&h->c);
		return NULL;
	}
	return &h->c;
}

static void on_answer(void *cookie, const struct fetch_answer *a)
{
	struct https_channel *h = cookie;
	const struct channel_answer answer = {
		.e = a->e, .why = a->why, .status = a->status, .retry_after = a->retry_after, .body = a->body};

	h->fetch = NULL;
	h->done(h->cookie, &answer); /* may close the channel: nothing after this */
}

static char *url_of(const struct https_channel *h, const char *operation)
{
	return print("https://%s:%d/%s/registrations/%s/%s%s?api-version=" DEVICE_API_VERSION, h->conf->host, h->conf->https_port,
		     h->conf->scope, h->device->id, operation ? "operations/" : "register", operation ? operation : "");
}

static enum err https_ask(struct channel *c, const struct channel_ask *ask, channel_done *done, void *cookie)
{
	struct https_channel *h = (struct https_channel *)c;
	const char *headers[] = {"Content-Type: application/json; charset=utf-8", h->authorization, NULL};
	struct fetch_ask question = {
		.method = ask->operation ? "GET" : "PUT",
		.headers = headers,
		.body = ask->operation ? NO_SLICE : ask->body,
		.connect_to = h->connect_to,
		.answer_max = CHANNEL_ANSWER_MAX,
		.connect_ms = CHANNEL_CONNECT_MS,
		.deadline_ms = CHANNEL_ANSWER_MS,
		.fresh = true,
		.credential = h->device->credential,
	};
	char *url;

	h->done = done;
	h->cookie = cookie;
	if ((url = url_of(h, ask->operation)) == NULL)
		return ERR_NO_MEMORY;
	question.url = url;
	h->fetch = fetch_start(h->conf->fetcher, &question, on_answer, h);
	free(url);
	return h->fetch ? OK : ERR_NO_MEMORY;
}

const struct channel_kind channel_https = {.name = "https", .tpm = true, .open = https_open, .ask = https_ask, .close = https_close};
