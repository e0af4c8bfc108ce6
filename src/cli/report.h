/*
 * report.h: how a fleet is doing, and how it went: a progress line, a summary, a table and a picture in text.
 */
#ifndef BERTH_CLI_REPORT_H
#define BERTH_CLI_REPORT_H

#include <stdio.h>

#include "cli/fleet.h"

struct report {
	FILE *out;
	int64_t began_us;
	size_t count;
	bool on_terminal;
};

/* Set the fleet's progress to a line on stderr, when that is a terminal. */
void report_begin(struct report *, struct fleet_conf *);

/* The summary. True: every device was assigned. */
bool report_end(const struct report *, const struct fleet_conf *);

/* One row a device: how it spoke, where it went and how long it took. */
void report_table(FILE *, const struct fleet_conf *);

/* A bar for each hub. */
void report_spread(FILE *, const struct fleet_conf *);

#endif
