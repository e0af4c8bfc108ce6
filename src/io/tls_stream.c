#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/log.h"
#include "io/socket_own.h"
#include "io/tls_own.h"

struct tls_socket {
	struct socket k;
	struct tls *tls; /* NULL: the connection is ours, made to a server */
	SSL *ssl;
	const char *reason;  /* of a refused handshake */
	struct slice *chain; /* in one piece with the bytes */
};

/* What a failed call of OpenSSL means. Its error queue belongs to the thread, not to the connection:
 * empty before each call, or SSL_get_error blames this peer for another's error; and empty after. */
static enum err outcome(struct tls_socket *t, int result, int *wants)
{
	unsigned long error;
	enum err e = ERR_IO;

	switch (SSL_get_error(t->ssl, result)) {
	case SSL_ERROR_WANT_READ: *wants = WATCH_READ; return ERR_AGAIN;
	case SSL_ERROR_WANT_WRITE: *wants = WATCH_WRITE; return ERR_AGAIN;
	case SSL_ERROR_SYSCALL: e = errno == 0 || errno == ECONNRESET || errno == EPIPE ? ERR_CLOSED : ERR_IO; break;
	default:
		error = ERR_peek_last_error();
		/* The end of TCP without the end of TLS: somebody may have cut it off. */
		if (ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
			e = ERR_CLOSED;
		if (t->k.phase == SOCKET_OPENING) {
			t->reason = ERR_reason_error_string(error);
			log_debug(NULL, "handshake refused", "peer", t->k.peer, "why", t->reason, NULL);
		}
	}
	ERR_clear_error();
	return e;
}

/* --- what is known about the peer after the handshake --- */

/* The peer's certificates, leaf first. On the server OpenSSL keeps the leaf apart from the rest; on a client, and
 * of a client that sends its leaf twice, it is in both. */
struct presented {
	X509 *leaf;
	STACK_OF(X509) * rest;
	int skip, count;
};

static struct presented what_was_presented(const SSL *ssl)
{
	struct presented p = {.leaf = SSL_get0_peer_certificate(ssl), .rest = SSL_get_peer_cert_chain(ssl)};
	int n = p.rest ? sk_X509_num(p.rest) : 0;

	if (p.leaf == NULL)
		return p;
	p.skip = n > 0 && X509_cmp(p.leaf, sk_X509_value(p.rest, 0)) == 0;
	p.count = 1 + n - p.skip;
	return p;
}

static X509 *presented_at(const struct presented *p, int i)
{
	return i == 0 ? p->leaf : sk_X509_value(p->rest, i - 1 + p->skip);
}

static enum err keep_chain(struct tls_socket *t)
{
	struct presented p = what_was_presented(t->ssl);
	size_t size = (size_t)p.count * sizeof(struct slice);
	unsigned char *at;

	if (p.count == 0)
		return OK;
	for (int i = 0; i < p.count; i++)
		size += (size_t)i2d_X509(presented_at(&p, i), NULL);
	if ((t->chain = malloc(size)) == NULL)
		return ERR_NO_MEMORY;
	at = (unsigned char *)(t->chain + p.count);
	for (int i = 0; i < p.count; i++) {
		unsigned char *start = at;

		i2d_X509(presented_at(&p, i), &at);
		t->chain[i] = slice_over(start, (size_t)(at - start));
	}
	t->k.s.chain = t->chain;
	t->k.s.chain_count = (size_t)p.count;
	return OK;
}

/* --- the transport --- */

static enum err tls_open(struct socket *k)
{
	struct tls_socket *t = (struct tls_socket *)k;
	int result;

	ERR_clear_error();
	if ((result = SSL_do_handshake(t->ssl)) != 1)
		return outcome(t, result, &k->read_wants);
	k->s.server_name = SSL_get_servername(t->ssl, TLSEXT_NAMETYPE_host_name);
	return keep_chain(t);
}

static enum err tls_read(struct socket *k, char *to, size_t room, size_t *got)
{
	struct tls_socket *t = (struct tls_socket *)k;
	int result;

	ERR_clear_error();
	if ((result = SSL_read_ex(t->ssl, to, room, got)) == 1) {
		k->more = SSL_has_pending(t->ssl) != 0;
		return OK;
	}
	*got = 0;
	if (SSL_get_error(t->ssl, result) == SSL_ERROR_ZERO_RETURN)
		return OK;
	return outcome(t, result, &k->read_wants);
}

static enum err tls_write(struct socket *k, struct slice bytes, size_t *taken)
{
	struct tls_socket *t = (struct tls_socket *)k;
	int result;

	ERR_clear_error();
	if ((result = SSL_write_ex(t->ssl, bytes.p, bytes.n, taken)) == 1)
		return OK;
	*taken = 0;
	return outcome(t, result, &k->write_wants);
}

static enum err tls_goodbye(struct socket *k)
{
	struct tls_socket *t = (struct tls_socket *)k;
	int result;

	ERR_clear_error();
	if ((result = SSL_shutdown(t->ssl)) >= 0) /* 0: sent, and theirs has not come yet */
		return OK;
	return outcome(t, result, &k->write_wants);
}

static void tls_fini(struct socket *k)
{
	struct tls_socket *t = (struct tls_socket *)k;

	SSL_free(t->ssl);
	if (t->tls)
		tls_drop(t->tls);
	free(t->chain);
}

static const struct transport transport = {
	.open = tls_open,
	.read = tls_read,
	.write = tls_write,
	.goodbye = tls_goodbye,
	.fini = tls_fini,
};

enum err tls_stream_new(struct loop *loop, struct tls *tls, SSL *ssl, int fd, const struct socket_conf *conf,
			const struct stream_user *user, void *cookie, struct stream **out)
{
	struct tls_socket *t = calloc(1, sizeof(*t));
	enum err e = ERR_NO_MEMORY;

	if (t == NULL)
		goto fail;
	t->tls = tls;
	t->ssl = ssl;
	t->k.read_wants = SSL_is_server(ssl) ? WATCH_READ : WATCH_WRITE; /* a client speaks first */
	if (SSL_set_fd(ssl, fd) != 1 || (e = socket_start(&t->k, &transport, loop, fd, conf, user, cookie)) != OK)
		goto fail;
	*out = &t->k.s;
	return OK;

fail:
	free(t);
	SSL_free(ssl);
	if (tls)
		tls_drop(tls);
	close(fd);
	return e;
}

enum err tls_accept(struct loop *loop, struct tls *tls, int fd, const struct socket_conf *conf, const struct stream_user *user,
		    void *cookie, struct stream **out)
{
	SSL *ssl = tls_begin(tls);

	if (ssl)
		return tls_stream_new(loop, tls, ssl, fd, conf, user, cookie, out);
	close(fd);
	return ERR_NO_MEMORY;
}

struct tls_failure tls_stream_failure(const struct stream *s)
{
	const struct tls_socket *t = (const struct tls_socket *)s;

	return (struct tls_failure){SSL_get_verify_result(t->ssl), t->reason};
}
