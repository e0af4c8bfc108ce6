/*
 * wire.h: a device's TLS connection to a server on this machine, perhaps with a WebSocket in it.
 *
 * Nothing waits: epoll tells when there is something to do. What it takes from the owner and brings are the bytes of a talk.
 * A connection without anything under way holds no buffers. One that breaks ends the process.
 */
#ifndef BERTH_BENCH_WIRE_H
#define BERTH_BENCH_WIRE_H

#include <openssl/ssl.h>

#include "base/buf.h"
#include "codec/websocket.h"

struct wire_conf {
	SSL_CTX *tls;
	int poll; /* of epoll */
	int port;
	unsigned addresses;      /* come from 127.0.0.1 and so many in all: each has ports of its own */
	const char *subprotocol; /* of a WebSocket; NULL: none */
};

struct wire {
	const struct wire_conf *conf;
	void *cookie; /* what epoll hands back; the app data of `ssl` too */
	enum { WIRE_CONNECTING, WIRE_SHAKING, WIRE_UPGRADING, WIRE_OPEN } state;
	bool ended; /* the server has said goodbye */
	int fd;
	uint32_t watched;
	SSL *ssl;
	struct websocket *frames;
	struct buf raw; /* on its way out */
};

/* TLS 1.3 with X25519 and AES-128-GCM; the certificate is not looked at. */
SSL_CTX *wire_tls(void);

/* `number` chooses the address. */
void wire_open(struct wire *, const struct wire_conf *, unsigned number, void *cookie);

/* When epoll says so, one after the other: append what has come, send what is to go. Once the state is WIRE_OPEN, what
 * has come is for the owner. */
void wire_receive(struct wire *, struct buf *in);
void wire_send(struct wire *, struct buf *out);

/* With TLS's goodbye, but waiting for nothing. */
void wire_close(struct wire *);

#endif
