/*
 * overview.h: what the portal shows of everything at once.
 */
#ifndef BERTH_API_OVERVIEW_H
#define BERTH_API_OVERVIEW_H

#include "api/api_call.h"

/* GET /berth/overview: services and hubs, with how much there is in each. */
void overview_get(struct api_call *);

#endif
