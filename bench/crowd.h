/*
 * crowd.h: many devices, each with a connection of its own, and what they do when they are told to.
 *
 * One thread. All of them must stay connected until they are told to leave: one that is cut off ends the process, at the
 * latest when the crowd is next looked at.
 */
#ifndef BERTH_BENCH_CROWD_H
#define BERTH_BENCH_CROWD_H

#include "target.h"
#include "wire.h"

struct crowd_conf {
	const struct target *target;
	const struct talk_owner *owner; /* of the devices */
	unsigned addresses;             /* wire.h */
	unsigned at_once;               /* of them that do something */
};

struct crowd;

/* `conf` lives as long. */
struct crowd *crowd_new(const struct crowd_conf *);
void crowd_free(struct crowd *);

/* Connect and log in, devices number 0 to before `count`. */
void crowd_come(struct crowd *, unsigned count);

/* `count` of them, evenly spread, do as they are told. */
void crowd_do(struct crowd *, enum talk_wish, unsigned count);

/* For so long. */
void crowd_sit(struct crowd *, int ms);

/* All say goodbye and go. Returns how many. */
unsigned crowd_leave(struct crowd *);

#endif
