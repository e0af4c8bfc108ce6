/*
 * clock.h: instants as text and back.
 *
 * An instant is a count of 100 ns ticks since 1970-01-01 UTC (int64_t), because
 * the wire carries seven fractional digits (service-api.md 4.5). 0 means "never".
 * Code that waits or stamps asks its loop for the time (io/loop.h), so that tests
 * can move the clock; only io/ and command line programs ask here.
 */
#ifndef BERTH_BASE_CLOCK_H
#define BERTH_BASE_CLOCK_H

#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

typedef int64_t instant;

#define INSTANT_SECOND ((instant)10000000)
#define INSTANT_TEXT 96 /* more than enough for every form below */

enum instant_form {
	INSTANT_ISO,     /* 2023-05-19T23:10:43.9486465Z: trailing zeros dropped, service-api.md 4.5 */
	INSTANT_ISO7,    /* 2022-08-31T22:02:50.5163352Z: always seven digits, device-api.md 4 */
	INSTANT_SECONDS, /* 2023-05-19T23:10:43Z: certificates */
	INSTANT_HTTP,    /* Wed, 31 Aug 2022 22:02:50 GMT: RFC 9110 section 5.6.7 */
};

/* The time of day. */
instant clock_wall(void);

/* Milliseconds, or microseconds, that only ever go forward. */
int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);

/* NUL-terminated into `out`, which is returned. 0 gives 0001-01-01T00:00:00Z, as a
 * hub says "never" (hub-api.md section 1). */
const char *instant_print(instant t, enum instant_form form, char out[INSTANT_TEXT]);

/* ISO 8601 in UTC, 0 to 7 fractional digits, `Z` or nothing behind; any day of the year 1
 * is "never". Otherwise ERR_MALFORMED, also for a leap second, which no instant can hold. */
MUST_USE enum err instant_parse(struct slice text, instant *out);

#endif
