#include <stdlib.h>

#include "base/clock.h"
#include "cli/fleet.h"

#define PROGRESS_MS 250
#define RATE_MS     2 /* how often a fleet that is held back by its rate looks at the clock */

struct fleet {
	const struct fleet_conf *conf;
	struct loop *loop;
	size_t started, done;
	int64_t began_us;
	struct timer *next, *tick;
	bool out_of_memory;
};

static void start_more(struct fleet *f);

static void on_done(void *cookie, struct newcomer *device)
{
	struct fleet *f = cookie;

	(void)device;
	f->done++;
	if (f->done == f->conf->count)
		loop_stop(f->loop);
	else
		start_more(f);
}

/* How many the rate allows by now. */
static size_t due(const struct fleet *f)
{
	if (f->conf->rate <= 0)
		return f->conf->count;
	return (size_t)((double)(clock_mono_us() - f->began_us) / 1e6 * f->conf->rate) + 1;
}

static void start_later(void *cookie)
{
	struct fleet *f = cookie;

	f->next = NULL;
	start_more(f);
}

/* Whether one more may be under way. */
static bool has_room(const struct fleet *f)
{
	return f->started < f->conf->count && f->started - f->done < (size_t)f->conf->at_once;
}

static void start_one(struct fleet *f)
{
	struct newcomer *device = &f->conf->devices[f->started++];

	if (arrival_start(&f->conf->arrival, device, on_done, f))
		return;
	f->out_of_memory = true;
	loop_stop(f->loop);
}

static void start_more(struct fleet *f)
{
	while (has_room(f) && f->started < due(f) && !f->out_of_memory)
		start_one(f);
	if (has_room(f) && f->next == NULL)
		f->next = loop_after(f->loop, RATE_MS, start_later, f);
}

static void tick(void *cookie)
{
	struct fleet *f = cookie;

	f->conf->progress(f->conf->cookie, f->done, f->started - f->done);
	f->tick = loop_after(f->loop, PROGRESS_MS, tick, f);
}

enum err fleet_run(const struct fleet_conf *conf)
{
	struct fleet f = {.conf = conf, .loop = conf->arrival.channel.loop, .began_us = clock_mono_us()};

	if (conf->count == 0)
		return OK;
	if (conf->progress)
		f.tick = loop_after(f.loop, PROGRESS_MS, tick, &f);
	f.next = loop_after(f.loop, 0, start_later, &f);
	loop_run(f.loop);
	timer_cancel(&f.next);
	timer_cancel(&f.tick);
	return f.out_of_memory ? ERR_NO_MEMORY : OK;
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

int64_t fleet_percentile(const struct fleet_conf *conf, double share)
{
	int64_t *took = calloc(conf->count ? conf->count : 1, sizeof(*took)), result = 0;
	size_t n = 0, at;

	for (size_t i = 0; took && i < conf->count; i++)
		if (conf->devices[i].end == ARRIVAL_ASSIGNED)
			took[n++] = conf->devices[i].took_us;
	if (n) {
		qsort(took, n, sizeof(*took), by_size);
		at = (size_t)((double)n * share);
		result = took[at < n ? at : n - 1];
	}
	free(took);
	return result;
}
