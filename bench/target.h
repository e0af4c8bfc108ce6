/*
 * target.h: a running server that is visited, and who comes to it with what question.
 *
 * On the command line a target is NAME,PID,PORT and one of
 *	file[,IDENTITIES]     a GET of a static file (nginx), by devices that show a certificate if there are such
 *	group,SCOPE,KEY       devices of a group with this key (base64) register
 *	own,SCOPE,COUNT       devices that have enrollments of their own (bench_enrollments) do
 *	x509,SCOPE,IDENTITIES devices that show a certificate (bench_identities) do
 */
#ifndef BERTH_BENCH_TARGET_H
#define BERTH_BENCH_TARGET_H

#include "base/buf.h"
#include "identities.h"

enum target_kind { TARGET_FILE, TARGET_GROUP, TARGET_OWN, TARGET_X509 };

struct target {
	const char *name;
	int pid, port;
	enum target_kind kind;
	struct slice scope, key;
	unsigned count;          /* devices that are let in; 0: any number */
	struct identities shown; /* of TARGET_X509, and of some files; count 0: none */
	unsigned first, known;   /* those from `first` to before `known` have registered */
};

/* Ends the process with a sentence when `text` is no target. */
void target_read(struct arena *, const char *text, struct target *out);

/* What device `number` asks; `file` is what the path of a static file ends with. */
void target_ask(const struct target *, unsigned number, const char *file, struct buf *request);

/* What it shows of itself in the handshake. */
void target_show(const struct target *, unsigned number, SSL *);

#endif
