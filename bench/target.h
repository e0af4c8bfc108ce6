/*
 * target.h: a running server that is visited, and who comes to it with what question.
 *
 * On the command line a target is NAME,PID,PORT and one of the following; PORT may begin with a transport and a colon: https:8443,
 * mqtt:8883, amqp:5671, or mqtt-ws:8443 and amqp-ws:8443 for both in WebSockets.
 *	file[,IDENTITIES]     a GET of a static file (nginx), by devices that show a certificate if there are such
 *	group,SCOPE,KEY       devices of a group with this key (base64) register
 *	own,SCOPE,COUNT       devices that have enrollments of their own (bench_enrollments) do
 *	x509,SCOPE,IDENTITIES devices that show a certificate (bench_identities) do
 */
#ifndef BERTH_BENCH_TARGET_H
#define BERTH_BENCH_TARGET_H

#include "identities.h"
#include "talk.h"

enum target_kind { TARGET_FILE, TARGET_GROUP, TARGET_OWN, TARGET_X509 };

struct target {
	const char *name;
	int pid, port;
	const struct talk_kind *talk;
	bool websocket; /* around the talk */
	enum target_kind kind;
	const char *file; /* what TARGET_FILE asks for */
	struct slice scope, key;
	unsigned count;          /* devices that are let in; 0: any number */
	struct identities shown; /* of TARGET_X509, and of some files; count 0: none */
	unsigned first, known;   /* those from `first` to before `known` have registered */
};

/* Ends the process with a sentence when `text` is no target. */
void target_read(struct arena *, const char *text, struct target *out);

/* For a talk_owner: its device number `number`. */
struct talk_device target_device(void *target, unsigned number, struct arena *);

/* What that device shows of itself in the handshake, if anything. */
void target_show(const struct target *, unsigned number, SSL *);

#endif
