/*
 * store.c: how much the store takes from one loop.
 *
 *	bench_store DIRECTORY [RECORDS [SECONDS]]
 *
 * Fills a fresh store with registration records of about 300 bytes and random keys, then
 * rewrites them in random order, each time with other values (SQLite does not write a page
 * that did not change), then reads them one by one, with 64 asks under way.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/store.h"

#define IN_FLIGHT  64
#define ASK_MEMORY (64 << 10)

enum phase { FILL, REWRITE, READ, PHASES };

struct bench {
	struct loop *loop;
	struct store *store;
	enum phase phase;
	long records, asked, answered, until;
	int64_t end_us; /* REWRITE, READ: no new ask after this */
	int under_way;
	unsigned long long dice;
};

struct asker {
	struct bench *bench;
	struct arena *arena;
	struct store_want want;
};

static void ask(struct asker *a);

static void answered(struct asker *a, enum err e)
{
	struct bench *b = a->bench;

	if (e != OK) {
		fprintf(stderr, "the store says: %s\n", err_text(e));
		exit(1);
	}
	if (b->phase == READ && a->want.count != 1) {
		fprintf(stderr, "a record is missing\n");
		exit(1);
	}
	b->answered++;
	b->under_way--;
	arena_free(&a->arena);
	ask(a);
}

static void read_done(void *cookie, enum err e)
{
	answered(cookie, e);
}

static void write_done(void *cookie, enum err e, size_t failed)
{
	(void)failed;
	answered(cookie, e);
}

/* xorshift64: any order will do, the same each time. */
static unsigned long long throw_dice(struct bench *b)
{
	b->dice ^= b->dice << 13;
	b->dice ^= b->dice >> 7;
	b->dice ^= b->dice << 17;
	return b->dice;
}

static struct registration_record *make_record(struct asker *a, long number)
{
	struct registration_record *r = noun_new(&noun_registration, a->arena);
	/* An odd factor scatters the numbers and meets none twice. */
	unsigned long long scattered = (unsigned long long)number * 0x9e3779b97f4a7c15ull;

	r->scope = SLICE("0ne00A1B2C3");
	r->id = arena_format(a->arena, "press-%016llx", scattered);
	r->name = r->id;
	r->device_id = r->id;
	r->assigned_hub = SLICE("harbour-hub.example.net");
	r->status = SLICE("assigned");
	r->substatus = SLICE("initialAssignment");
	r->created = r->updated = clock_wall();
	r->etag = arena_format(a->arena, "%016llx", throw_dice(a->bench));
	r->operation_id = arena_format(a->arena, "5.%016llx.%016llx", throw_dice(a->bench), throw_dice(a->bench));
	r->group_id = SLICE("presses");
	return r;
}

static void ask(struct asker *a)
{
	struct bench *b = a->bench;
	bool over = b->phase == FILL ? b->asked == b->records : clock_mono_us() > b->end_us;
	struct store_change change = {.how = STORE_PUT, .noun = &noun_registration};
	struct registration_record *record;

	if (over) {
		if (b->under_way == 0)
			loop_stop(b->loop);
		return;
	}
	a->arena = arena_new(ASK_MEMORY);
	record = make_record(a, b->phase == FILL ? b->asked : (long)(throw_dice(b) % (unsigned long long)b->records));
	b->asked++;
	b->under_way++;
	change.record = record;
	a->want = (struct store_want){.noun = &noun_registration, .like = record, .keys = 2};
	if (b->phase == READ)
		store_read(b->store, b->loop, a->arena, &a->want, 1, read_done, a);
	else
		store_write(b->store, b->loop, a->arena, &change, 1, write_done, a);
}

static void run_phase(struct bench *b, enum phase phase, int seconds)
{
	static const char *const words[PHASES] = {"insert", "rewrite", "read"};
	struct asker askers[IN_FLIGHT] = {0};
	struct store_counts before, after;
	int64_t begin = clock_mono_us(), took;

	b->phase = phase;
	b->asked = b->answered = 0;
	b->end_us = begin + (int64_t)seconds * 1000000;
	store_counts(b->store, &before);
	for (int i = 0; i < IN_FLIGHT; i++) {
		askers[i].bench = b;
		ask(&askers[i]);
	}
	loop_run(b->loop);
	took = clock_mono_us() - begin;
	store_counts(b->store, &after);
	printf("%-8s %9ld in %6.2f s: %8.0f a second", words[phase], b->answered, (double)took / 1e6,
	       (double)b->answered * 1e6 / (double)took);
	if (after.commits > before.commits)
		printf(", %5.1f to a commit of %.2f ms", (double)(after.writes - before.writes) / (double)(after.commits - before.commits),
		       (double)(after.commit_us_sum - before.commit_us_sum) / 1e3 / (double)(after.commits - before.commits));
	printf("\n");
}

int main(int argc, char **argv)
{
	struct bench b = {.dice = 88172645463325252ull, .records = argc > 2 ? atol(argv[2]) : 100000};
	int seconds = argc > 3 ? atoi(argv[3]) : 4;
	struct arena *arena = arena_new(1 << 20);
	struct store_conf conf = {.readers = 2};
	struct seal *seal;
	const char *why = NULL;

	if (argc < 2 || arena == NULL || b.records < 1) {
		fprintf(stderr, "usage: %s DIRECTORY [RECORDS [SECONDS]]\n", argv[0]);
		return 1;
	}
	conf.url = arena_printf(arena, "sqlite:%s/bench.db", argv[1]);
	if (seal_from_key((const unsigned char *)"a key of thirty-two bytes, no le", &seal) != OK || loop_new(&b.loop) != OK)
		return 1;
	conf.seal = seal;
	if (store_open(&conf, arena, &b.store, &why) != OK) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}
	run_phase(&b, FILL, 0);
	run_phase(&b, REWRITE, seconds);
	run_phase(&b, READ, seconds);
	store_close(&b.store);
	loop_free(&b.loop);
	seal_free(&seal);
	arena_free(&arena);
	return 0;
}
