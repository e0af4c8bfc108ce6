/*
 * introduction.c: the header that a proxy sends before the client's first byte.
 *
 * Not one byte of what follows may be taken: OpenSSL reads the descriptor itself. So we look at what has arrived, without taking it,
 * and take what turns out to be the header's. A header that has not come to its end is all of what there is.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "codec/proxy_header.h"
#include "io/address.h"
#include "io/socket_own.h"

static enum err cut_short(struct socket *k, enum err why)
{
	/* Who says nothing at all only wanted to know whether somebody listens, as balancers do every few seconds. */
	if (k->inbox.n > 0)
		k->fault = "the connection ended within it";
	return why;
}

/* What has arrived, behind what was taken before; it stays where it is. */
static enum err look(struct socket *k, size_t *n)
{
	char bytes[PROXY_HEADER_MAX];
	ssize_t got = recv(k->fd, bytes, sizeof(bytes) - k->inbox.n, MSG_PEEK | MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return ERR_AGAIN;
	if (got <= 0)
		return cut_short(k, got == 0 || errno == ECONNRESET ? ERR_CLOSED : ERR_IO);
	*n = (size_t)got;
	buf_add(&k->inbox, slice_over(bytes, *n));
	return buf_failed(&k->inbox) ? ERR_NO_MEMORY : OK;
}

static enum err take(struct socket *k, size_t n)
{
	char bytes[PROXY_HEADER_MAX];

	return recv(k->fd, bytes, n, MSG_DONTWAIT) == (ssize_t)n ? OK : ERR_IO;
}

static void name_client(struct socket *k, const struct proxy_header *h)
{
	struct address client = address_over(h->at, h->six);
	char text[ADDRESS_TEXT];

	snprintf(k->peer, sizeof(k->peer), client.six ? "[%s]:%d" : "%s:%d", address_write(&client, text), h->port);
}

enum err introduction_read(struct socket *k)
{
	struct proxy_header header;
	enum err e, taken;
	size_t before, n = 0;

	do {
		before = k->inbox.n;
		if ((e = look(k, &n)) != OK)
			return e;
		e = proxy_header_read(buf_slice(&k->inbox), &header, &k->fault);
		if (e == ERR_MALFORMED)
			return e;
		if ((taken = take(k, e == OK ? header.size - before : n)) != OK)
			return taken;
	} while (e == ERR_AGAIN);
	buf_release(&k->inbox);
	if (header.relayed)
		name_client(k, &header);
	return OK;
}
