/*
 * devices.h: the devices of the bench: what they are called, and their keys.
 *
 * Both sides of a measurement work them out from a number, so a million of them need no list. Numbers that follow each
 * other make names that lie far apart.
 */
#ifndef BERTH_BENCH_DEVICES_H
#define BERTH_BENCH_DEVICES_H

#include "base/arena.h"

/* "press-1f2e3d4c" for example; numbers below 2^32 make different names. */
struct slice device_name(struct arena *, const char *word, unsigned number);

/* The key, raw, of a device that has an enrollment of its own. */
void device_own_key(struct slice name, unsigned char out[32]);

/* What it shows of itself, for an hour; `key` is raw. */
struct slice device_token(struct arena *, struct slice resource, struct slice key);

#endif
