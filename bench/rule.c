/*
 * rule.c: what a rule adds to the choice of a hub, beside the policy "hashed" that chooses among the same hubs.
 *
 *	bench_rule [TIMES]
 *
 * Each chooses for the same DEVICES in turn, TIMES times; what counts is the shortest, for the rest of the machine only adds to it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "allocate/allocate.h"
#include "give_up.h"

#define DEVICES 2000
#define HUBS    4
#define ROOM    (1 << 20)

static const struct {
	const char *what, *rule; /* NULL: the policy "hashed" */
} contests[] = {
	{"hashed over 4 hubs", NULL},
	{"a rule: one hub by name", "'hub-1'"},
	{"a rule: by model, else hashed", "payload.model == 'P9' and 'hub-1' or hashed(hubs)"},
	{"a rule: a loop over the hubs, a twin and a payload",
	 "local t = {} for _, h in ipairs(hubs) do if h.weight > 0 then t[#t + 1] = h end end "
	 "return {hub = hashed(t), twin = {tags = {line = 4}}, payload = {hello = device.id}}"},
};

static struct linked_hub hubs[HUBS];

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Microseconds of the processor for one device. */
static double choose_all(const char *rule)
{
	struct enrollment e;
	double began = cpu_us();

	noun_clear(&noun_individual, &e);
	e.name = SLICE("bench");
	e.allocation_policy = rule ? SLICE("custom") : SLICE("hashed");
	e.rule = slice_str(rule);
	for (int i = 0; i < DEVICES; i++) {
		struct arena *a = arena_new(ROOM);
		struct allocation ask = {.registration_id = arena_format(a, "device-%d", i),
					 .hubs = hubs,
					 .hub_count = HUBS,
					 .enrollment = &e,
					 .payload = SLICE("{\"model\":\"P8\",\"serial\":\"A-123456\"}")};
		struct choice choice;

		if (allocate_choose(&ask, a, &choice) != OK || choice.hub == NULL)
			give_up("no hub was chosen");
		arena_free(&a);
	}
	return (cpu_us() - began) / DEVICES;
}

int main(int argc, char **argv)
{
	static const char *const names[HUBS] = {"hub-1.bench.test", "hub-2.bench.test", "hub-3.bench.test", "hub-4.bench.test"};
	double best[sizeof(contests) / sizeof(contests[0])] = {0};
	int times = argc > 1 ? atoi(argv[1]) : 3;

	for (int i = 0; i < HUBS; i++) {
		noun_clear(&noun_linked_hub, &hubs[i]);
		hubs[i].id = hubs[i].name = slice_str(names[i]);
	}
	for (int round = 0; round < times; round++)
		for (size_t i = 0; i < sizeof(best) / sizeof(best[0]); i++) {
			double took = choose_all(contests[i].rule);

			if (best[i] == 0 || took < best[i])
				best[i] = took;
		}
	for (size_t i = 0; i < sizeof(best) / sizeof(best[0]); i++)
		printf("%-52s %7.1f us  %5.2f times hashed\n", contests[i].what, best[i], best[i] / best[0]);
	return 0;
}
