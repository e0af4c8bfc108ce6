#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "api/api_counts.h"
#include "api/expiry.h"
#include "api/metrics.h"

#define SAMPLES_MAX       20000
#define METRICS_ARENA_MAX (8 * 1024 * 1024)

enum metric_type { COUNTER, GAUGE, HISTOGRAM };

static const struct {
	const char *name, *help;
	enum metric_type type;
} families[] = {
#define M(name, type, help) {#name, help, type},
	METRICS(M)
#undef M
};

static const char *const type_names[] = {"counter", "gauge", "histogram"};

struct sample {
	struct list link;
	enum metric metric;
	const char *suffix;
	struct slice labels;
	double value;
};

struct metrics {
	struct arena *arena;
	struct map *by_key;
	struct list samples[METRIC_COUNT]; /* in the order of their coming */
};

struct metrics *metrics_new(void)
{
	struct metrics *m;

	if ((m = calloc(1, sizeof(*m))) == NULL)
		return NULL;
	for (size_t i = 0; i < METRIC_COUNT; i++)
		list_init(&m->samples[i]);
	m->arena = arena_new(METRICS_ARENA_MAX);
	m->by_key = map_new(SAMPLES_MAX);
	if (m->arena == NULL || m->by_key == NULL)
		metrics_free(&m);
	return m;
}

void metrics_free(struct metrics **m)
{
	if (*m == NULL)
		return;
	map_free(&(*m)->by_key);
	arena_free(&(*m)->arena);
	free(*m);
	*m = NULL;
}

void metrics_add(struct metrics *m, enum metric metric, const char *suffix, struct slice labels, double value)
{
	struct slice key = arena_format(m->arena, "%d %s %.*s", metric, suffix ? suffix : "", SLICE_ARG(labels));
	struct sample *s;

	if (slice_absent(key))
		return;
	if ((s = map_get(m->by_key, key)) == NULL) {
		if ((s = arena_alloc(m->arena, sizeof(*s))) == NULL)
			return;
		*s = (struct sample){.metric = metric, .suffix = suffix, .labels = arena_copy(m->arena, labels)};
		if (map_put(m->by_key, key, s) != OK)
			return;
		list_append(&m->samples[metric], &s->link);
	}
	s->value += value;
}

void metrics_label(struct buf *labels, const char *name, struct slice value)
{
	buf_printf(labels, "%s%s=\"", labels->n ? "," : "", name);
	for (size_t i = 0; i < value.n; i++) {
		char c = value.p[i];

		if (c == '\\' || c == '"')
			buf_add_char(labels, '\\');
		if (c == '\n')
			buf_add_str(labels, "\\n");
		else
			buf_add_char(labels, c);
	}
	buf_add_char(labels, '"');
}

static void print_sample(const struct sample *s, struct buf *out)
{
	bool counter = families[s->metric].type == COUNTER;

	buf_printf(out, "%s%s", families[s->metric].name, s->suffix ? s->suffix : counter ? "_total" : "");
	if (s->labels.n)
		buf_printf(out, "{%.*s}", SLICE_ARG(s->labels));
	buf_printf(out, " %.15g\n", s->value);
}

void metrics_print(const struct metrics *m, struct buf *out)
{
	for (size_t i = 0; i < METRIC_COUNT; i++) {
		if (list_empty(&m->samples[i]))
			continue;
		buf_printf(out, "# TYPE %s %s\n# HELP %s %s.\n", families[i].name, type_names[families[i].type], families[i].name,
			   families[i].help);
		for (const struct list *l = m->samples[i].next; l != &m->samples[i]; l = l->next)
			print_sample(LIST_ITEM(l, struct sample, link), out);
	}
	buf_add_str(out, "# EOF\n");
}

/* --- what a loop has to say --- */

static void collect_answers(const struct api_counts *counts, struct metrics *m)
{
	static const char *const classes[] = {"0xx", "1xx", "2xx", "3xx", "4xx", "5xx"};
	struct buf labels;

	buf_init(&labels, 256);
	for (size_t i = 0; i < API_SURFACES && counts->surface[i]; i++) {
		struct slice name = slice_str(counts->surface[i]->name);

		for (size_t j = 2; j < 6; j++) {
			if (counts->answers[i][j] == 0)
				continue;
			buf_clear(&labels);
			metrics_label(&labels, "api", name);
			metrics_label(&labels, "status", slice_str(classes[j]));
			metrics_add(m, METRIC_berth_requests, NULL, buf_slice(&labels), (double)counts->answers[i][j]);
		}
		buf_clear(&labels);
		metrics_label(&labels, "api", name);
		metrics_add(m, METRIC_berth_request_seconds, NULL, buf_slice(&labels), (double)counts->ms_sum[i] / 1000);
	}
	buf_fini(&labels);
}

static enum metric metric_of_count(const char *what)
{
	if (strcmp(what, "attestation") == 0)
		return METRIC_AttestationAttempts;
	if (strcmp(what, "custom allocation") == 0)
		return METRIC_berth_custom_allocations;
	return strcmp(what, "assignment") == 0 ? METRIC_DeviceAssignments : METRIC_RegistrationAttempts;
}

static void collect_latency(const struct provision *p, enum provision_time time, enum metric metric, struct metrics *m)
{
	struct provision_latency latency;
	uint64_t below = 0;
	struct buf label;

	provision_latency(p, time, &latency);
	buf_init(&label, 64);
	for (size_t i = 0; i < LATENCY_BUCKETS; i++) {
		char bound[32];

		below += latency.bucket[i];
		if (isinf(latency_bounds[i]))
			snprintf(bound, sizeof(bound), "+Inf");
		else
			snprintf(bound, sizeof(bound), "%g", latency_bounds[i]);
		buf_clear(&label);
		metrics_label(&label, "le", slice_str(bound));
		metrics_add(m, metric, "_bucket", buf_slice(&label), (double)below);
	}
	metrics_add(m, metric, "_sum", NO_SLICE, latency.sum);
	metrics_add(m, metric, "_count", NO_SLICE, (double)latency.n);
	buf_fini(&label);
}

static void collect_registrations(const struct provision *p, struct metrics *m)
{
	struct provision_count count;
	struct buf labels;
	size_t at = 0;

	buf_init(&labels, 1024);
	while (provision_each_count(p, &at, &count)) {
		buf_clear(&labels);
		metrics_label(&labels, "ProvisioningServiceName", count.service);
		if (count.hub)
			metrics_label(&labels, "IotHubName", slice_str(count.hub));
		if (count.status)
			metrics_label(&labels, "Status", slice_str(count.status));
		if (count.protocol)
			metrics_label(&labels, "Protocol", slice_str(count.protocol));
		if (count.by)
			metrics_label(&labels, "By", slice_str(count.by));
		metrics_add(m, metric_of_count(count.what), NULL, buf_slice(&labels), (double)count.n);
	}
	buf_fini(&labels);
	collect_latency(p, TIME_REGISTER, METRIC_berth_registration_seconds, m);
	collect_latency(p, TIME_WEBHOOK, METRIC_berth_webhook_seconds, m);
	metrics_add(m, METRIC_berth_webhooks_running, NULL, NO_SLICE, (double)provision_webhooks_running(p));
	metrics_add(m, METRIC_berth_rule_steps, NULL, NO_SLICE, (double)provision_rule_steps(p));
	metrics_add(m, METRIC_berth_registrations_running, NULL, NO_SLICE, (double)provision_running(p));
}

static void collect_links(const struct link *link, struct metrics *m)
{
	struct link_state state;
	struct buf labels;
	size_t at = 0;

	buf_init(&labels, 512);
	while (link_each(link, &at, &state)) {
		buf_clear(&labels);
		metrics_label(&labels, "hub", slice_str(state.hub));
		metrics_add(m, METRIC_berth_hub_requests, NULL, buf_slice(&labels), (double)state.asked);
		metrics_add(m, METRIC_berth_hub_failures, NULL, buf_slice(&labels), (double)state.failed);
		metrics_add(m, METRIC_berth_hub_in_flight, NULL, buf_slice(&labels), state.in_flight);
		metrics_add(m, METRIC_berth_hub_waiting, NULL, buf_slice(&labels), state.waiting);
		metrics_add(m, METRIC_berth_hub_broken_off, NULL, buf_slice(&labels), state.broken_off);
		metrics_add(m, METRIC_berth_hub_round_trip_seconds, NULL, buf_slice(&labels), (double)state.smoothed_us / 1e6);
	}
	buf_fini(&labels);
}

static void collect_store(const struct store *store, struct metrics *m)
{
	struct store_counts c;

	store_counts(store, &c);
	metrics_add(m, METRIC_berth_store_waiting, NULL, SLICE("kind=\"read\""), c.reads_waiting);
	metrics_add(m, METRIC_berth_store_waiting, NULL, SLICE("kind=\"write\""), c.writes_waiting);
	metrics_add(m, METRIC_berth_store_questions, NULL, NO_SLICE, (double)c.reads);
	metrics_add(m, METRIC_berth_store_changes, NULL, NO_SLICE, (double)c.writes);
	metrics_add(m, METRIC_berth_store_commits, NULL, NO_SLICE, (double)c.commits);
	metrics_add(m, METRIC_berth_store_commit_seconds, NULL, NO_SLICE, (double)c.commit_us_sum / 1e6);
}

void api_collect(struct api *api, struct metrics *m, bool with_store)
{
	const struct api_conf *conf = api_conf_of(api);

	collect_answers(api_counts_of(api), m);
	collect_registrations(conf->provision, m);
	collect_links(conf->link, m);
	if (with_store) {
		collect_store(conf->store, m);
		expiry_collect(api_expiry_of(api), m);
	}
}

void api_count_call(struct api_counts *counts, const struct surface *surface, int status, int64_t ms)
{
	size_t i;

	for (i = 0; i < API_SURFACES && counts->surface[i] && counts->surface[i] != surface; i++)
		;
	if (i == API_SURFACES)
		return;
	counts->surface[i] = surface;
	counts->answers[i][status / 100 < 6 ? status / 100 : 5]++;
	counts->ms_sum[i] += (uint64_t)ms;
}
