/*
 * meter.h: what a running server has used so far, threads and children included, as the kernel counts it.
 */
#ifndef BERTH_BENCH_METER_H
#define BERTH_BENCH_METER_H

#include <stdint.h>

struct meter {
	double cpu_us;        /* user and system */
	double written_bytes; /* sent to the disk */
	double switches;      /* how often a thread was given the processor */
};

/* Of the process and its children, as long as they live. */
void meter_read(int pid, struct meter *out);

/* Bytes that lie in memory now, of the process alone. */
double meter_resident(int pid);

#endif
