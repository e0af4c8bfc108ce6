#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listen/door.h"
#include "listen/listen.h"

#define KEEPALIVE_IDLE_SECONDS 120 /* of silence, before the kernel asks whether the peer still lives */

static enum err refuse(const char *address, int port, char *why, size_t room)
{
	int error = errno;

	snprintf(why, room, "cannot listen on %s port %d: %s", address, port, strerror(error));
	switch (error) {
	case EACCES:
	case EPERM: return ERR_FORBIDDEN;
	case EADDRINUSE: return ERR_CONFLICT;
	default: return ERR_IO;
	}
}

static enum err resolve(const char *address, int port, struct addrinfo **out, char *why, size_t room)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	char service[16];

	snprintf(service, sizeof(service), "%d", port);
	if (getaddrinfo(address, service, &hints, out) == 0)
		return OK;
	snprintf(why, room, "%s is not an IPv4 or IPv6 address", address);
	return ERR_INVALID;
}

static void set_option(int fd, int level, int option, int value)
{
	/* None of them is worth failing for: what matters shows at bind(). */
	(void)!setsockopt(fd, level, option, &value, sizeof(value));
}

/* A bound socket, or -1 with errno. Without `shared` nobody else may listen there. */
static int bind_socket(const struct addrinfo *at, bool shared)
{
	int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0)
		return -1;
	set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (at->ai_family == AF_INET6)
		set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1); /* "::" and "0.0.0.0" live side by side */
	if (shared)
		set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (bind(fd, at->ai_addr, at->ai_addrlen) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* Shared ports are shared with every process of the same user: a second server would quietly take half of our
 * connections. So the first socket at an address looks whether it could be alone there. */
static bool nobody_listens(const struct addrinfo *at)
{
	int fd = bind_socket(at, false);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static int bound_port(int fd)
{
	struct sockaddr_storage at = {0};
	socklen_t size = sizeof(at);

	if (getsockname(fd, (struct sockaddr *)&at, &size) != 0)
		return 0;
	return ntohs(at.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&at)->sin6_port : ((struct sockaddr_in *)&at)->sin_port);
}

enum err door_open(const char *address, int *port, bool alone, int *fd, char *why, size_t room)
{
	struct addrinfo *at;
	enum err e;

	if ((e = resolve(address, *port, &at, why, room)) != OK)
		return e;
	if ((alone && *port != 0 && !nobody_listens(at)) || (*fd = bind_socket(at, true)) < 0) {
		e = refuse(address, *port, why, room);
		goto out;
	}
	/* What is accepted inherits these. Without TCP_NODELAY each handshake would wait 40 ms for an acknowledgement. */
	set_option(*fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_option(*fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_option(*fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_SECONDS);
	if (listen(*fd, LISTEN_BACKLOG) != 0) {
		e = refuse(address, *port, why, room);
		close(*fd);
		*fd = -1;
		goto out;
	}
	*port = bound_port(*fd);
out:
	freeaddrinfo(at);
	return e;
}
