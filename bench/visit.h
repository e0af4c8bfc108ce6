/*
 * visit.h: many TLS connections to one server, each with one question.
 *
 * A connection is a new TCP connection, a full TLS 1.3 handshake (X25519, AES-128-GCM), a talk from the login to the
 * goodbye, with one register in it, and the client's end. One thread, `at_once` connections under way.
 */
#ifndef BERTH_BENCH_VISIT_H
#define BERTH_BENCH_VISIT_H

#include "target.h"

struct visit_conf {
	const struct target *target; /* on 127.0.0.1 */
	SSL_CTX *tls;                /* visit_tls() */
	X509 *expects;               /* the certificate that the server must have */
	int count, at_once;

	/* Which device connection `connection` (from 0) is of; and what it registers for is told to the owner. A device that would show
	 * something of itself, which the server does not want to see, ends the process. */
	unsigned (*number)(void *cookie, int connection);
	void *cookie;
	const struct talk_owner *owner;
};

struct visit {
	int64_t took_us;
	int count;
	double *latency_us;  /* of each connection, sorted: from connect() to the end of the talk */
	const char *session; /* what was agreed on: "TLSv1.3 TLS_AES_128_GCM_SHA256" */
};

SSL_CTX *visit_tls(void);

/* Ends the process with a sentence when anything is not as it must be: a bench of failures measures nothing. */
void visit_run(const struct visit_conf *, struct visit *);
void visit_free(struct visit *);

/* The latency below which `share` (0 to 1) of the connections stayed, in microseconds. */
double visit_latency(const struct visit *, double share);

#endif
