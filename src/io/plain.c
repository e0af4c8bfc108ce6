#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/plain.h"
#include "io/socket_own.h"

static enum err outcome(ssize_t n, size_t *done)
{
	if (n >= 0) {
		*done = (size_t)n;
		return OK;
	}
	if (errno == EAGAIN || errno == EINTR)
		return ERR_AGAIN;
	return errno == ECONNRESET || errno == EPIPE ? ERR_CLOSED : ERR_IO;
}

static enum err plain_read(struct socket *k, char *to, size_t room, size_t *got)
{
	enum err e = outcome(recv(k->fd, to, room, MSG_DONTWAIT), got);

	k->more = e == OK && *got == room;
	return e;
}

static enum err plain_write(struct socket *k, struct slice bytes, size_t *taken)
{
	return outcome(send(k->fd, bytes.p, bytes.n, MSG_DONTWAIT | MSG_NOSIGNAL), taken);
}

static void plain_fini(struct socket *k)
{
	(void)k;
}

static const struct transport plain = {
	.read = plain_read,
	.write = plain_write,
	.fini = plain_fini,
};

enum err plain_accept(struct loop *loop, int fd, const struct socket_conf *conf, const struct stream_user *user, void *cookie,
		      struct stream **out)
{
	struct socket *k = calloc(1, sizeof(*k));
	enum err e = ERR_NO_MEMORY;

	if (k == NULL || (e = socket_start(k, &plain, loop, fd, conf, user, cookie)) != OK) {
		free(k);
		close(fd);
		return e;
	}
	*out = &k->s;
	return OK;
}
