/*
 * fuzz.h: what every target shares.
 *
 * A target takes any bytes and aborts when something that must always hold does not. libFuzzer calls it with what it
 * thinks up (fuzz/run.sh); replay.c calls it with the files of its corpus, as a test.
 */
#ifndef BERTH_FUZZ_FUZZ_H
#define BERTH_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stays on in every build; says what did not hold. */
#define need(holds) ((holds) ? (void)0 : need_failed(__FILE__, __LINE__, #holds))

static inline void need_failed(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

#endif
