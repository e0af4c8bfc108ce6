/*
 * words.h: what the kinds of attestation say alike.
 */
#ifndef BERTH_ATTEST_WORDS_H
#define BERTH_ATTEST_WORDS_H

#include "attest/attest.h"

/* "90 seconds", "3 days": the largest unit of which there are several. NULL: the arena is full. */
const char *words_duration(struct arena *, instant d);

/* A verdict for when there is no memory left to judge `what`, or to print a better one. `sentence` is constant. */
void words_out_of_memory(struct verdict *, const char *sentence);

#endif
