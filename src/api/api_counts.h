/*
 * api_counts.h: what one loop's api has answered, for /metrics.
 */
#ifndef BERTH_API_API_COUNTS_H
#define BERTH_API_API_COUNTS_H

#include "api/api_call.h"

#define API_SURFACES 5

/* Answers by surface and first digit of the status, and how long they took. */
struct api_counts {
	const struct surface *surface[API_SURFACES];
	uint64_t answers[API_SURFACES][6];
	uint64_t ms_sum[API_SURFACES];
};

void api_count_call(struct api_counts *, const struct surface *, int status, int64_t ms);

/* For metrics.c. */
const struct api_counts *api_counts_of(const struct api *);
struct expiry *api_expiry_of(struct api *);

#endif
