/*
 * talk_https.c: HTTP/1.1, as devices speak it to a provisioning service (device-api.md 9), and as anybody fetches a file.
 */
#include <stdio.h>
#include <stdlib.h>

#include "give_up.h"
#include "talk.h"

#define API_VERSION "2021-06-01"

static bool begin(struct talk *t)
{
	struct talk_words w;

	if (t->wish != TALK_REGISTER)
		return true;
	w = talk_words(t);
	buf_printf(&t->out, "PUT /%.*s/register?api-version=" API_VERSION " HTTP/1.1\r\nHost: global.berth.test\r\n",
		   SLICE_ARG(w.resource));
	if (!slice_absent(w.token))
		buf_printf(&t->out, "Authorization: %.*s\r\n", SLICE_ARG(w.token));
	buf_add_str(&t->out, "Content-Type: application/json; charset=utf-8\r\nAccept: application/json\r\nUser-Agent: bench\r\n");
	buf_printf(&t->out, "Content-Length: %zu\r\n\r\n%.*s", w.body.n, SLICE_ARG(w.body));
	talk_words_free(&w);
	return false;
}

static bool begin_file(struct talk *t)
{
	struct talk_words w;

	if (t->wish != TALK_REGISTER)
		return true;
	w = talk_words(t);
	buf_printf(&t->out, "GET /%.*s HTTP/1.1\r\nHost: global.berth.test\r\nUser-Agent: bench\r\n\r\n", SLICE_ARG(w.device.id));
	talk_words_free(&w);
	return false;
}

/* Enough of HTTP for good answers with a Content-Length. Absent: more is to come. */
static struct slice read_answer(struct talk *t)
{
	static const char name[] = "\r\ncontent-length:";
	struct slice all, body;
	ptrdiff_t head;
	const char *length;

	buf_add_char(&t->in, 0); /* for the C library */
	t->in.n--;
	all = buf_slice(&t->in);
	head = slice_search(all, SLICE("\r\n\r\n"));
	if (head < 0)
		return NO_SLICE;
	length = strcasestr(all.p, name);
	if (!slice_starts(all, SLICE("HTTP/1.1 2")) || length == NULL || length > all.p + head)
		give_up("device %u gets an answer that is not good: %.*s", t->number, SLICE_ARG(all));
	body = slice_from(all, (size_t)head + 4);
	return body.n < strtoul(length + sizeof(name) - 1, NULL, 10) ? NO_SLICE : body;
}

static enum talk_heard hear(struct talk *t)
{
	struct slice body = read_answer(t);
	enum talk_heard heard;

	if (slice_absent(body))
		return TALK_WAITS;
	heard = talk_registered(t, body);
	buf_clear(&t->in);
	return heard;
}

static enum talk_heard hear_file(struct talk *t)
{
	struct slice body = read_answer(t);

	if (slice_absent(body))
		return TALK_WAITS;
	t->owner->registered(t->owner->cookie, body);
	buf_clear(&t->in);
	return TALK_DONE;
}

const struct talk_kind talk_https = {NULL, begin, hear};
const struct talk_kind talk_file = {NULL, begin_file, hear_file};
