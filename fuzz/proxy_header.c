/*
 * proxy_header.c: any bytes as the header that a proxy puts before a connection.
 *
 * However they come apart, the same is read: a beginning waits for the rest or is refused for what the whole is refused for, and what
 * stands behind a header changes nothing in it.
 */
#include <string.h>

#include "codec/proxy_header.h"
#include "fuzz.h"

static void same(const struct proxy_header *a, const struct proxy_header *b)
{
	need(a->size == b->size && a->relayed == b->relayed && a->six == b->six && a->port == b->port);
	need(memcmp(a->at, b->at, sizeof(a->at)) == 0);
}

static void check_header(const struct proxy_header *h, size_t size)
{
	static const unsigned char none[16];

	need(h->size > 0 && h->size <= size && h->size <= PROXY_HEADER_MAX);
	if (!h->relayed)
		need(!h->six && h->port == 0);
	if (!h->relayed || !h->six)
		need(memcmp(h->at + 4, none, 12) == 0);
}

/* Byte by byte, each time from memory of just its size. */
static enum err read_slowly(struct slice bytes, struct proxy_header *h, const char **why)
{
	enum err e = ERR_AGAIN;

	for (size_t n = 1; n <= bytes.n && e == ERR_AGAIN; n++) {
		char *some = malloc(n);

		need(some != NULL);
		memcpy(some, bytes.p, n);
		e = proxy_header_read(slice_over(some, n), h, why);
		need(e != OK || h->size == n);
		free(some);
	}
	return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proxy_header whole, slow;
	const char *why = NULL, *slow_why = NULL;
	enum err e = proxy_header_read(slice_over(data, size), &whole, &why);

	need(e == OK || e == ERR_AGAIN || e == ERR_MALFORMED);
	need((e == ERR_MALFORMED) == (why != NULL));
	need(e != ERR_AGAIN || size < PROXY_HEADER_MAX);
	need(read_slowly(slice_over(data, size), &slow, &slow_why) == e);
	if (e != OK)
		return 0;
	check_header(&whole, size);
	same(&whole, &slow);
	return 0;
}
