/*
 * admin.h: health and metrics over plain HTTP, for the machine's own tools: /healthz, /readyz, /metrics.
 *
 * The daemon says how to find out; here it is only spoken.
 */
#ifndef BERTH_PROTOCOL_ADMIN_H
#define BERTH_PROTOCOL_ADMIN_H

#include "base/buf.h"
#include "io/loop.h"

/* What an admin connection's env->house points at. */
struct admin_house {
	struct loop *loop;

	/* Whether requests can be served now; *why gets a constant sentence when not. */
	bool (*ready)(void *cookie, const char **why);

	/* Gather the metrics of all loops and hand the text over, later, once. NULL: out of memory. */
	void *(*collect)(void *cookie, void (*done)(void *done_cookie, struct slice text), void *done_cookie);
	void (*collect_cancel)(void *ask);
	void *cookie;
};

#endif
