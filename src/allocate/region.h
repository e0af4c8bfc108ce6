/*
 * region.h: where a hub is, by the location that its operator gave it (service-api.md 10): the name of a public cloud region, or
 * coordinates.
 */
#ifndef BERTH_ALLOCATE_REGION_H
#define BERTH_ALLOCATE_REGION_H

#include "base/globe.h"

/* "West Europe", "westeurope", "West-Europe", or "47.38,8.54". False: nobody knows. */
bool region_find(struct slice location, struct coordinates *out);

/* The names of the regions as the table has them, one after the other from *at = 0; NULL at the end. */
const char *region_each(size_t *at, struct coordinates *out);

#endif
