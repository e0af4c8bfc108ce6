/*
 * globe.h: places on the earth, and how far apart they are.
 */
#ifndef BERTH_BASE_GLOBE_H
#define BERTH_BASE_GLOBE_H

#include <stdbool.h>

#include "base/slice.h"

struct coordinates {
	double latitude, longitude; /* degrees, north and east are positive */
};

/* Whether there is such a place: -90 to 90, -180 to 180, and numbers. */
bool coordinates_good(const struct coordinates *);

/* "47.38,8.54", with blanks or without. False: it is nothing of the kind. */
bool coordinates_read(struct slice text, struct coordinates *out);

/* The great-circle distance in kilometres, on a sphere: half a percent more or less. */
double globe_km(const struct coordinates *, const struct coordinates *);

#endif
