/*
 * region.c: the table of regions. A name counts without its blanks and hyphens, in either case.
 */
#include <string.h>

#include "allocate/region.h"

#define NAME_MAX_LENGTH 40

static const struct {
	const char *name;
	struct coordinates at;
} regions[] = {
#define REGION(name, latitude, longitude) {name, {latitude, longitude}},
#include "allocate/regions.def"
#undef REGION
};

#define REGIONS (sizeof(regions) / sizeof(regions[0]))

/* Into `out`, with a NUL. False: it is longer than any name. */
static bool fold(struct slice location, char out[NAME_MAX_LENGTH + 1])
{
	size_t n = 0;

	for (size_t i = 0; i < location.n; i++) {
		char c = location.p[i];

		if (c == ' ' || c == '-' || c == '_')
			continue;
		if (n == NAME_MAX_LENGTH || c == 0)
			return false;
		out[n++] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
	}
	out[n] = 0;
	return true;
}

bool region_find(struct slice location, struct coordinates *out)
{
	char name[NAME_MAX_LENGTH + 1];

	if (coordinates_read(location, out))
		return true;
	if (!fold(location, name))
		return false;
	for (size_t i = 0; i < REGIONS; i++)
		if (strcmp(regions[i].name, name) == 0) {
			*out = regions[i].at;
			return true;
		}
	return false;
}

const char *region_each(size_t *at, struct coordinates *out)
{
	if (*at >= REGIONS)
		return NULL;
	*out = regions[*at].at;
	return regions[(*at)++].name;
}
