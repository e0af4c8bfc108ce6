/*
 * enrollments.c: puts individual enrollments into the store of a server that is not running, and reads them.
 *
 *	bench_enrollments DATA SCOPE FROM TO
 *
 * Devices FROM to TO-1 are let in, each with two keys, sealed as the server seals them. Then some of the TO are read
 * one after the other, picked all over the table: what one lookup costs, without anything around it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/text.h"
#include "devices.h"
#include "give_up.h"
#include "store/store.h"

#define IN_FLIGHT  8
#define BATCH      200
#define ASK_MEMORY (1 << 20)
#define READS      20000
#define STRIDE     611953u /* a prime: steps all over the table, and meets no number twice before all */

struct bench {
	struct loop *loop;
	struct store *store;
	struct slice scope;
	unsigned next, to;
	int under_way;
	unsigned reads;
};

struct asker {
	struct bench *bench;
	struct arena *arena;
	struct store_change changes[BATCH];
	struct store_want want;
};

static void must(enum err e, const char *what)
{
	if (e != OK)
		give_up("%s: %s", what, err_text(e));
}

/* --- filling --- */

static struct enrollment *make_enrollment(struct asker *a, unsigned number)
{
	struct enrollment *e = noun_new(&noun_individual, a->arena);
	unsigned char key[32];

	e->scope = a->bench->scope;
	e->id = e->name = device_name(a->arena, "press", number);
	device_own_key(e->id, key);
	e->attestation = SLICE("symmetricKey");
	e->primary_key = e->secondary_key = base64_encode(a->arena, slice_over(key, sizeof(key)));
	e->provisioning_status = SLICE("enabled");
	e->etag = arena_format(a->arena, "%08x", number);
	e->created = e->updated = clock_wall();
	return e;
}

static void fill(struct asker *a);

static void filled(void *cookie, enum err e, size_t failed)
{
	struct asker *a = cookie;

	(void)failed;
	must(e, "enrollments cannot be written");
	arena_free(&a->arena);
	a->bench->under_way--;
	fill(a);
}

static void fill(struct asker *a)
{
	struct bench *b = a->bench;
	size_t count = 0;

	if (b->next == b->to) {
		if (b->under_way == 0)
			loop_stop(b->loop);
		return;
	}
	a->arena = arena_new(ASK_MEMORY);
	for (; count < BATCH && b->next < b->to; count++)
		a->changes[count] =
			(struct store_change){.how = STORE_PUT, .noun = &noun_individual, .record = make_enrollment(a, b->next++)};
	b->under_way++;
	store_write(b->store, b->loop, a->arena, a->changes, count, filled, a);
}

/* --- reading --- */

static void look(struct asker *a);

static void looked(void *cookie, enum err e)
{
	struct asker *a = cookie;

	must(e, "enrollments cannot be read");
	if (a->want.count != 1)
		give_up("an enrollment is missing");
	arena_free(&a->arena);
	look(a);
}

static void look(struct asker *a)
{
	struct bench *b = a->bench;
	struct enrollment *like;

	if (b->reads++ == READS) {
		loop_stop(b->loop);
		return;
	}
	a->arena = arena_new(ASK_MEMORY);
	like = noun_new(&noun_individual, a->arena);
	like->scope = b->scope;
	like->id = device_name(a->arena, "press", (unsigned)((uint64_t)b->reads * STRIDE % b->to));
	a->want = (struct store_want){.noun = &noun_individual, .like = like, .keys = 2};
	store_read(b->store, b->loop, a->arena, &a->want, 1, looked, a);
}

static double cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* --- the whole --- */

static void fill_all(struct bench *b)
{
	static struct asker askers[IN_FLIGHT];
	int64_t began = clock_mono_us();
	unsigned count = b->to - b->next;

	for (int i = 0; i < IN_FLIGHT; i++) {
		askers[i].bench = b;
		fill(&askers[i]);
	}
	loop_run(b->loop);
	printf("%u enrollments: %u more in %.1f s", b->to, count, (double)(clock_mono_us() - began) / 1e6);
}

static void look_at_some(struct bench *b)
{
	static struct asker asker;
	int64_t began;
	double cpu;

	asker.bench = b;
	look(&asker); /* once through, so that the pages are in memory */
	loop_run(b->loop);
	b->reads = 0;
	began = clock_mono_us();
	cpu = cpu_us();
	look(&asker);
	loop_run(b->loop);
	printf("; a lookup alone %.1f us, CPU %.1f us\n", (double)(clock_mono_us() - began) / READS, (cpu_us() - cpu) / READS);
}

int main(int argc, char **argv)
{
	struct arena *arena = arena_new(1 << 20);
	struct store_conf conf = {.readers = 1};
	struct seal *seal;
	struct bench b = {0};
	const char *why = NULL;

	if (argc != 5)
		give_up("usage: %s DATA SCOPE FROM TO", argv[0]);
	b.scope = slice_str(argv[2]);
	b.next = (unsigned)atol(argv[3]);
	b.to = (unsigned)atol(argv[4]);
	conf.url = arena_printf(arena, "sqlite:%s/berth.db", argv[1]);
	if (seal_open_file(arena_printf(arena, "%s/master.key", argv[1]), false, &seal, &why) != OK)
		give_up("%s", why);
	conf.seal = seal;
	if (store_open(&conf, arena, &b.store, &why) != OK)
		give_up("%s", why);
	must(loop_new(&b.loop), "no loop");
	fill_all(&b);
	look_at_some(&b);
	store_close(&b.store);
	loop_free(&b.loop);
	seal_free(&seal);
	arena_free(&arena);
	return 0;
}
