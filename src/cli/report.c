#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/report.h"

#define HUBS_MAX    64
#define REASONS_MAX 5
#define BAR         50

struct tally {
	const char *name;
	size_t n;
};

static void progress(void *cookie, size_t done, size_t running)
{
	const struct report *r = cookie;
	double seconds = (double)(clock_mono_us() - r->began_us) / 1e6;

	fprintf(stderr, "\r%zu of %zu registered, %zu under way, %.0f/s   ", done, r->count, running,
		seconds > 0 ? (double)done / seconds : 0);
	fflush(stderr);
}

void report_begin(struct report *r, struct fleet_conf *conf)
{
	r->began_us = clock_mono_us();
	r->count = conf->count;
	r->on_terminal = isatty(STDERR_FILENO);
	if (r->on_terminal) {
		conf->progress = progress;
		conf->cookie = r;
	}
}

static size_t count_up(struct tally *tallies, size_t *count, size_t max, const char *name)
{
	size_t i;

	for (i = 0; i < *count && strcmp(tallies[i].name, name) != 0; i++)
		;
	if (i == *count) {
		if (i == max)
			return i;
		tallies[(*count)++] = (struct tally){name, 0};
	}
	tallies[i].n++;
	return i;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct tally *)a)->name, ((const struct tally *)b)->name);
}

/* Devices by hub, in the order of the hubs' names. */
static size_t tally_hubs(const struct fleet_conf *conf, struct tally hubs[HUBS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < conf->count; i++)
		if (conf->devices[i].end == ARRIVAL_ASSIGNED)
			count_up(hubs, &count, HUBS_MAX, conf->devices[i].hub);
	qsort(hubs, count, sizeof(*hubs), by_name);
	return count;
}

void report_spread(FILE *out, const struct fleet_conf *conf)
{
	struct tally hubs[HUBS_MAX];
	size_t count = tally_hubs(conf, hubs), all = 0, width = 0;

	for (size_t i = 0; i < count; i++) {
		all += hubs[i].n;
		width = strlen(hubs[i].name) > width ? strlen(hubs[i].name) : width;
	}
	for (size_t i = 0; i < count; i++) {
		fprintf(out, "  %-*s ", (int)width, hubs[i].name);
		for (size_t k = 0; k < (hubs[i].n * BAR + all / 2) / all; k++)
			fputs("█", out);
		fprintf(out, " %zu (%.0f %%)\n", hubs[i].n, 100.0 * (double)hubs[i].n / (double)all);
	}
}

static size_t wider(size_t width, const char *text)
{
	return text && strlen(text) > width ? strlen(text) : width;
}

void report_table(FILE *out, const struct fleet_conf *conf)
{
	size_t width = strlen("device"), transport_width = strlen("transport"), hub_width = strlen("hub");

	for (size_t i = 0; i < conf->count; i++) {
		width = wider(width, conf->devices[i].id);
		transport_width = wider(transport_width, conf->devices[i].kind->name);
		hub_width = wider(hub_width, conf->devices[i].hub);
	}
	fprintf(out, "  %-*s  %-*s  %-*s  %s\n", (int)width, "device", (int)transport_width, "transport", (int)hub_width, "hub",
		"time to assigned");
	for (size_t i = 0; i < conf->count; i++) {
		const struct newcomer *d = &conf->devices[i];

		fprintf(out, "  %-*s  %-*s  ", (int)width, d->id, (int)transport_width, d->kind->name);
		if (d->end == ARRIVAL_ASSIGNED)
			fprintf(out, "%-*s  %.1f ms\n", (int)hub_width, d->hub, (double)d->took_us / 1000);
		else
			fprintf(out, "%-*s  %s\n", (int)hub_width, "-", d->why ? d->why : "not finished");
	}
}

bool report_end(const struct report *r, const struct fleet_conf *conf)
{
	struct tally reasons[REASONS_MAX];
	size_t reason_count = 0, assigned = 0, polls = 0;
	double seconds = (double)(clock_mono_us() - r->began_us) / 1e6;

	for (size_t i = 0; i < conf->count; i++) {
		polls += (size_t)conf->devices[i].polls;
		if (conf->devices[i].end == ARRIVAL_ASSIGNED)
			assigned++;
		else
			count_up(reasons, &reason_count, REASONS_MAX, conf->devices[i].why ? conf->devices[i].why : "not finished");
	}
	if (r->on_terminal)
		fputs("\r\033[K", stderr);
	fprintf(r->out, "%zu devices in %.1f s: %zu assigned, %zu not; %.0f per second, %zu polls\n", conf->count, seconds, assigned,
		conf->count - assigned, (double)conf->count / seconds, polls);
	if (assigned)
		fprintf(r->out, "time to assigned: median %.1f ms, 90 %% %.1f ms, 99 %% %.1f ms, longest %.1f ms\n",
			(double)fleet_percentile(conf, 0.5) / 1000, (double)fleet_percentile(conf, 0.9) / 1000,
			(double)fleet_percentile(conf, 0.99) / 1000, (double)fleet_percentile(conf, 1) / 1000);
	report_spread(r->out, conf);
	for (size_t i = 0; i < reason_count; i++)
		fprintf(r->out, "not assigned: %zu times: %s\n", reasons[i].n, reasons[i].name);
	return assigned == conf->count;
}
