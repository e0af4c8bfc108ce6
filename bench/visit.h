/*
 * visit.h: many TLS connections to one server, each with one question.
 *
 * A connection is a new TCP connection, a full TLS 1.3 handshake (X25519, AES-128-GCM), one HTTP request, its answer, and
 * the client's goodbye. One thread, `at_once` connections under way.
 */
#ifndef BERTH_BENCH_VISIT_H
#define BERTH_BENCH_VISIT_H

#include <openssl/ssl.h>

#include "base/buf.h"

#define REQUEST_MAX 4096
#define ANSWER_MAX  8192

struct visit_conf {
	int port;      /* on 127.0.0.1 */
	SSL_CTX *tls;  /* visit_tls() */
	X509 *expects; /* the certificate that the server must have */
	int count, at_once;

	/* The whole request of connection `number` (from 0). */
	void (*ask)(void *cookie, int number, struct buf *request);
	/* What it shows of itself. NULL: nothing. A server that does not want to see it ends the process. */
	void (*show)(void *cookie, int number, SSL *);
	/* False: that is not the answer that was to come. */
	bool (*check)(void *cookie, int number, int status, struct slice body);
	void *cookie;
};

struct visit {
	int64_t took_us;
	int count;
	double *latency_us;  /* of each connection, sorted: from connect() to the whole answer */
	const char *session; /* what was agreed on: "TLSv1.3 TLS_AES_128_GCM_SHA256" */
};

SSL_CTX *visit_tls(void);

/* Ends the process with a sentence when anything is not as it must be: a bench of failures measures nothing. */
void visit_run(const struct visit_conf *, struct visit *);
void visit_free(struct visit *);

/* The latency below which `share` (0 to 1) of the connections stayed, in microseconds. */
double visit_latency(const struct visit *, double share);

#endif
