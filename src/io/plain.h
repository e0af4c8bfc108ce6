/*
 * plain.h: bare TCP on an accepted socket, as a stream (io/stream.h): for the health and metrics
 * of the machine's own tools, on the loopback address.
 */
#ifndef BERTH_IO_PLAIN_H
#define BERTH_IO_PLAIN_H

#include "io/socket.h"

/* Take over the connected, non-blocking `fd`; on_open is called later, from the loop. On failure
 * here the descriptor is closed, and gone() is not called. */
MUST_USE enum err plain_accept(struct loop *, int fd, const struct socket_conf *, const struct stream_user *, void *cookie,
			       struct stream **out);

#endif
