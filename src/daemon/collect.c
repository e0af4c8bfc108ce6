#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/metrics.h"
#include "daemon/collect.h"

#define METRICS_TEXT_MAX (16 * 1024 * 1024)

/* One journey. It belongs to the loop that it is on; `dropped` is set and read at home only. */
struct journey {
	struct collector *collector;
	struct metrics *metrics;
	size_t at;
	struct task task;
	struct loop_guest guest; /* at home, should the server stop on the way */
	bool dropped;            /* whoever asked has gone */
	void (*done)(void *cookie, struct slice text);
	void *cookie;
};

static void add_connections(const struct listener *listener, const char *protocol, struct metrics *m)
{
	struct listener_counts c;
	char labels[64];
	struct slice label = slice_over(labels, (size_t)snprintf(labels, sizeof(labels), "protocol=\"%s\"", protocol));

	listener_count(listener, &c);
	metrics_add(m, METRIC_berth_connections, NULL, label, (double)c.open);
	metrics_add(m, METRIC_berth_connections_accepted, NULL, label, (double)c.accepted);
	metrics_add(m, METRIC_berth_connections_refused, NULL, label, (double)c.refused);
	metrics_add(m, METRIC_berth_proxy_headers_refused, NULL, label, (double)c.header_refused);
	metrics_add(m, METRIC_berth_handshakes_failed, NULL, label, (double)c.handshake_failed);
}

static double resident_bytes(void)
{
	unsigned long size = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f && fscanf(f, "%lu %lu", &size, &resident) != 2)
		resident = 0;
	if (f)
		fclose(f);
	return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static double open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	double n = -3; /* ".", ".." and the folder's own */

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

static void add_process(struct metrics *m)
{
	static instant started;
	struct rusage usage;

	if (started == 0)
		started = clock_wall(); /* the first look is at start */
	getrusage(RUSAGE_SELF, &usage);
	metrics_add(m, METRIC_process_cpu_seconds, NULL, NO_SLICE,
		    (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
			    (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
	metrics_add(m, METRIC_process_resident_memory_bytes, NULL, NO_SLICE, resident_bytes());
	metrics_add(m, METRIC_process_open_fds, NULL, NO_SLICE, open_descriptors());
	metrics_add(m, METRIC_process_start_time_seconds, NULL, NO_SLICE, (double)started / (double)INSTANT_SECOND);
	metrics_add(m, METRIC_berth_build_info, NULL, SLICE("version=\"" BERTH_VERSION "\""), 1);
}

static void journey_free(struct journey *j)
{
	metrics_free(&j->metrics);
	free(j);
}

/* The loop on which it is, or whose turn it waits for. */
static struct loop *loop_of(const struct journey *j)
{
	const struct collector *c = j->collector;

	return c->stops[j->at == c->count ? 0 : j->at].loop;
}

/* All loops stand still by now. */
static void on_loop_end(struct loop_guest *guest)
{
	struct journey *j = LIST_ITEM(guest, struct journey, guest);

	loop_unpost(loop_of(j), &j->task);
	journey_free(j);
}

static void home(struct journey *j)
{
	struct buf text;

	list_remove(&j->guest.link);
	if (!j->dropped) {
		add_process(j->metrics);
		buf_init(&text, METRICS_TEXT_MAX);
		metrics_print(j->metrics, &text);
		j->done(j->cookie, buf_slice(&text));
		buf_fini(&text);
	}
	journey_free(j);
}

/* On the loop of stop number `at`; behind the last one, at home again. */
static void arrive(struct task *task)
{
	struct journey *j = LIST_ITEM(task, struct journey, task);
	const struct collector *c = j->collector;

	if (j->at == c->count) {
		home(j);
		return;
	}
	api_collect(c->stops[j->at].api, j->metrics, j->at == 0);
	for (size_t i = 0; i < DOORS; i++)
		add_connections(c->stops[j->at].doors->at[i], door_protocol((enum door_name)i), j->metrics);
	j->at++;
	loop_post(loop_of(j), &j->task);
}

static void *collect(void *cookie, void (*done)(void *, struct slice), void *done_cookie)
{
	struct collector *c = cookie;
	struct journey *j = calloc(1, sizeof(*j));

	if (j == NULL || (j->metrics = metrics_new()) == NULL) {
		free(j);
		return NULL;
	}
	j->collector = c;
	j->done = done;
	j->cookie = done_cookie;
	j->task.run = arrive;
	j->guest.end = on_loop_end;
	loop_invite(c->stops[0].loop, &j->guest);
	loop_post(c->stops[0].loop, &j->task);
	return j;
}

static void collect_cancel(void *ask)
{
	struct journey *j = ask;

	j->dropped = true;
}

static bool ready(void *cookie, const char **why)
{
	const struct collector *c = cookie;

	return c->ready(c->ready_cookie, why);
}

void collector_init(struct collector *c, const struct collector_stop *stops, size_t count, bool (*is_ready)(void *, const char **),
		    void *cookie)
{
	struct metrics *first;

	*c = (struct collector){.stops = stops, .count = count, .ready = is_ready, .ready_cookie = cookie};
	c->admin = (struct admin_house){stops[0].loop, ready, collect, collect_cancel, c};
	if ((first = metrics_new()) != NULL)
		add_process(first); /* remembers the start */
	metrics_free(&first);
}

struct admin_house *collector_admin(struct collector *c)
{
	return &c->admin;
}
