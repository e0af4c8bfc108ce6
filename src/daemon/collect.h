/*
 * collect.h: metrics of all loops, gathered by a record that travels from one to the next.
 */
#ifndef BERTH_DAEMON_COLLECT_H
#define BERTH_DAEMON_COLLECT_H

#include "api/api.h"
#include "daemon/doors.h"
#include "protocol/admin.h"

struct collector_stop {
	struct loop *loop;
	struct api *api;
	const struct doors *doors;
};

struct collector {
	const struct collector_stop *stops; /* the first is the one that asks */
	size_t count;
	bool (*ready)(void *cookie, const char **why);
	void *ready_cookie;
	struct admin_house admin;
};

void collector_init(struct collector *, const struct collector_stop *, size_t count, bool (*ready)(void *cookie, const char **why),
		    void *cookie);

/* What the admin protocol's connections are given. */
struct admin_house *collector_admin(struct collector *);

#endif
