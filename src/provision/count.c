/*
 * count.c: what the room has seen, for the metrics (service-api.md 12.2).
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "provision/registration.h"

#define LABEL_MAX 320

const double latency_bounds[LATENCY_BUCKETS] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, INFINITY};

struct counter {
	struct provision_count labels; /* and how often */
	struct arena *arena;           /* theirs */
};

static const char *copy(struct arena *arena, const char *text)
{
	return text ? arena_str(arena, slice_str(text)) : NULL;
}

static void counter_free(struct counter *c)
{
	arena_free(&c->arena);
	free(c);
}

static struct counter *counter_new(const struct provision_count *labels)
{
	struct counter *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	if ((c->arena = arena_new(8192)) != NULL) {
		c->labels = (struct provision_count){
			.service = arena_copy(c->arena, labels->service),
			.what = copy(c->arena, labels->what),
			.status = copy(c->arena, labels->status),
			.protocol = copy(c->arena, labels->protocol),
			.hub = copy(c->arena, labels->hub),
			.by = copy(c->arena, labels->by),
		};
	}
	if (c->arena == NULL || arena_failed(c->arena)) {
		counter_free(c);
		return NULL;
	}
	return c;
}

static const char *or_nothing(const char *text)
{
	return text ? text : "";
}

/* Beyond COUNTS_MAX combinations nothing new is counted: the metrics stay bounded, whoever names services and hubs. */
void count_one(struct provision *p, const struct provision_count *labels)
{
	char key[LABEL_MAX];
	int n = snprintf(key, sizeof(key), "%.*s|%s|%s|%s|%s|%s", SLICE_ARG(labels->service), labels->what, or_nothing(labels->status),
			 or_nothing(labels->protocol), or_nothing(labels->hub), or_nothing(labels->by));
	struct slice label = slice_over(key, n < LABEL_MAX ? (size_t)n : LABEL_MAX - 1);
	struct counter *c = map_get(p->counts.map, label);

	if (c == NULL) {
		if ((c = counter_new(labels)) == NULL)
			return;
		if (map_put(p->counts.map, label, c) != OK) {
			counter_free(c);
			return;
		}
	}
	c->labels.n++;
}

void counts_free(struct provision *p)
{
	struct counter *c;
	size_t at = 0;

	while ((c = map_each(p->counts.map, &at, NULL)) != NULL)
		counter_free(c);
	map_free(&p->counts.map);
}

bool provision_each_count(const struct provision *p, size_t *at, struct provision_count *out)
{
	const struct counter *c = map_each(p->counts.map, at, NULL);

	if (c == NULL)
		return false;
	*out = c->labels;
	return true;
}

void count_latency(struct provision *p, enum provision_time time, int64_t ms)
{
	struct provision_latency *l = &p->counts.latency[time];
	double seconds = (double)ms / 1000;
	int i = 0;

	while (seconds > latency_bounds[i])
		i++;
	l->bucket[i]++;
	l->sum += seconds;
	l->n++;
}

void provision_latency(const struct provision *p, enum provision_time time, struct provision_latency *out)
{
	*out = p->counts.latency[time];
}

size_t provision_webhooks_running(const struct provision *p)
{
	return p->counts.webhooks;
}

uint64_t provision_rule_steps(const struct provision *p)
{
	return p->counts.rule_steps;
}
