/*
 * globe.c: distances by the haversine, which is good for near places and far ones.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/globe.h"

#define EARTH_KM   6371.0 /* mean radius */
#define NUMBER_MAX 32     /* characters of one coordinate */

static double radians(double degrees)
{
	return degrees * (acos(-1.0) / 180);
}

bool coordinates_good(const struct coordinates *c)
{
	return isfinite(c->latitude) && isfinite(c->longitude) && fabs(c->latitude) <= 90 && fabs(c->longitude) <= 180;
}

/* Digits, a sign and a point: strtod alone would take "inf" and "0x1p3" too. */
static bool read_degrees(struct slice text, double *out)
{
	char number[NUMBER_MAX + 1], *end;

	text = slice_trim(text);
	if (text.n == 0 || text.n > NUMBER_MAX)
		return false;
	for (size_t i = 0; i < text.n; i++)
		if (strchr("+-.0123456789", text.p[i]) == NULL || text.p[i] == 0)
			return false;
	memcpy(number, text.p, text.n);
	number[text.n] = 0;
	*out = strtod(number, &end);
	return *end == 0;
}

bool coordinates_read(struct slice text, struct coordinates *out)
{
	const char *comma = text.n ? memchr(text.p, ',', text.n) : NULL;
	size_t at = comma ? (size_t)(comma - text.p) : 0;

	return comma && read_degrees(slice_to(text, at), &out->latitude) && read_degrees(slice_from(text, at + 1), &out->longitude) &&
	       coordinates_good(out);
}

double globe_km(const struct coordinates *a, const struct coordinates *b)
{
	double north = sin(radians(b->latitude - a->latitude) / 2), east = sin(radians(b->longitude - a->longitude) / 2);
	double h = north * north + cos(radians(a->latitude)) * cos(radians(b->latitude)) * east * east;

	return 2 * EARTH_KM * asin(sqrt(h > 1 ? 1 : h));
}
