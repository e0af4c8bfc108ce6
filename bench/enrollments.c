/*
 * enrollments.c: puts enrollments into the store of a server that is not running, and reads them.
 *
 *	bench_enrollments DATA SCOPE WHAT
 *
 *	keys COUNT             individual ones, each with two keys, sealed as the server seals them
 *	leaves IDENTITIES      individual ones, each with the certificate of the device (identities.h)
 *	groups IDENTITIES      groups, each with a certificate that signs
 *
 * Then some of them are read one after the other, picked all over the table: what one lookup costs, without anything around it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/text.h"
#include "crypto/certificate.h"
#include "devices.h"
#include "give_up.h"
#include "identities.h"
#include "store/store.h"

#define IN_FLIGHT     8
#define BATCH         200
#define ASK_MEMORY    (1 << 20)
#define GIVEN_MEMORY  (64 << 20)
#define READS         20000
#define STRIDE        611953u /* a prime: steps all over the table, and meets no number twice before all */
#define WANTS         3
#define ANCHORS_LIMIT 16 /* of one name, that the server looks at */

struct bench;

/* Enrollments of one kind. */
struct sort {
	const char *name;
	const struct noun *noun;
	const char *certificates; /* the form of the file (identities_file) that has one for each; NULL: they have keys */

	void (*make)(const struct bench *, struct arena *, unsigned number, struct enrollment *out);
	/* What the server asks for, to find it: fills `wants`, says how many. */
	size_t (*want)(const struct bench *, struct arena *, unsigned number, struct store_want *wants);
};

struct bench {
	const struct sort *sort;
	struct loop *loop;
	struct store *store;
	struct slice scope;
	const char *word;    /* what they are called: devices.h */
	struct slice *given; /* their certificates */
	struct slice *marks; /* ... and what those are found by (certificate_subject_mark) */
	unsigned count, next;
	int under_way;
	unsigned reads;
};

struct asker {
	struct bench *bench;
	struct arena *arena;
	struct store_change changes[BATCH];
	struct store_want wants[WANTS];
	size_t want_count;
};

static void must(enum err e, const char *what)
{
	if (e != OK)
		give_up("%s: %s", what, err_text(e));
}

/* --- the kinds --- */

static void make_key_enrollment(const struct bench *b, struct arena *arena, unsigned number, struct enrollment *e)
{
	unsigned char key[32];

	(void)b;
	(void)number;
	device_own_key(e->id, key);
	e->attestation = SLICE("symmetricKey");
	e->primary_key = e->secondary_key = base64_encode(arena, slice_over(key, sizeof(key)));
}

static instant end_of(struct slice der, struct arena *arena)
{
	struct certificate_info info;

	must(certificate_describe(der, arena, &info), "a certificate cannot be read");
	return info.not_after;
}

static void make_leaf_enrollment(const struct bench *b, struct arena *arena, unsigned number, struct enrollment *e)
{
	e->attestation = SLICE("x509");
	e->client_primary = b->given[number];
	e->certificate_end = end_of(e->client_primary, arena);
}

static void make_group(const struct bench *b, struct arena *arena, unsigned number, struct enrollment *e)
{
	e->attestation = SLICE("x509");
	e->signing_primary = b->given[number];
	e->signing_primary_mark = b->marks[number];
	e->certificate_end = end_of(e->signing_primary, arena);
}

static size_t want_individual(const struct bench *b, struct arena *arena, unsigned number, struct store_want *wants)
{
	struct enrollment *like = noun_new(&noun_individual, arena);

	like->scope = b->scope;
	like->id = device_name(arena, b->word, number);
	wants[0] = (struct store_want){.noun = &noun_individual, .like = like, .keys = 2};
	return 1;
}

/* Groups whose certificate is called like the issuer of the device's, by either of their two, and uploaded CAs. */
static size_t want_signers(const struct bench *b, struct arena *arena, unsigned number, struct store_want *wants)
{
	struct enrollment *group = noun_new(&noun_group, arena);
	struct ca_certificate *ca = noun_new(&noun_ca_certificate, arena);

	group->scope = ca->scope = b->scope;
	group->signing_primary_mark = group->signing_secondary_mark = ca->subject_mark = b->marks[number];
	wants[0] = (struct store_want){.noun = &noun_group, .by = GROUP_BY_PRIMARY_MARK, .like = group, .keys = 2, .limit = ANCHORS_LIMIT};
	wants[1] = wants[0];
	wants[1].by = GROUP_BY_SECONDARY_MARK;
	wants[2] = (struct store_want){.noun = &noun_ca_certificate, .by = CA_BY_MARK, .like = ca, .keys = 2, .limit = CA_CERTIFICATES_MAX};
	return 3;
}

static const struct sort sorts[] = {
	{"keys", &noun_individual, NULL, make_key_enrollment, want_individual},
	{"leaves", &noun_individual, "devices", make_leaf_enrollment, want_individual},
	{"groups", &noun_group, "groups", make_group, want_signers},
};

/* --- filling --- */

static struct enrollment *make_enrollment(struct asker *a, unsigned number)
{
	const struct bench *b = a->bench;
	struct enrollment *e = noun_new(b->sort->noun, a->arena);

	e->scope = b->scope;
	e->id = e->name = device_name(a->arena, b->word, number);
	e->provisioning_status = SLICE("enabled");
	e->etag = arena_format(a->arena, "%08x", number);
	e->created = e->updated = clock_wall();
	b->sort->make(b, a->arena, number, e);
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

	if (b->next == b->count) {
		if (b->under_way == 0)
			loop_stop(b->loop);
		return;
	}
	a->arena = arena_new(ASK_MEMORY);
	for (; count < BATCH && b->next < b->count; count++)
		a->changes[count] = (struct store_change){.how = STORE_PUT, .noun = b->sort->noun, .record = make_enrollment(a, b->next++)};
	b->under_way++;
	store_write(b->store, b->loop, a->arena, a->changes, count, filled, a);
}

/* --- reading --- */

static void look(struct asker *a);

static void looked(void *cookie, enum err e)
{
	struct asker *a = cookie;

	must(e, "enrollments cannot be read");
	if (a->wants[0].count == 0)
		give_up("an enrollment is missing");
	arena_free(&a->arena);
	look(a);
}

static void look(struct asker *a)
{
	struct bench *b = a->bench;

	if (b->reads++ == READS) {
		loop_stop(b->loop);
		return;
	}
	a->arena = arena_new(ASK_MEMORY);
	a->want_count = b->sort->want(b, a->arena, (unsigned)((uint64_t)b->reads * STRIDE % b->count), a->wants);
	store_read(b->store, b->loop, a->arena, a->wants, a->want_count, looked, a);
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

	for (int i = 0; i < IN_FLIGHT; i++) {
		askers[i].bench = b;
		fill(&askers[i]);
	}
	loop_run(b->loop);
	printf("%u %s in %.1f s", b->count, b->sort->name, (double)(clock_mono_us() - began) / 1e6);
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

static const struct sort *find_sort(const char *name)
{
	for (size_t i = 0; i < sizeof(sorts) / sizeof(sorts[0]); i++)
		if (strcmp(name, sorts[i].name) == 0)
			return &sorts[i];
	give_up("there are no enrollments of the kind %s", name);
}

static struct slice *marks_of(const struct slice *ders, unsigned count, struct arena *arena)
{
	struct slice *marks = arena_array(arena, count, sizeof(*marks));

	for (unsigned i = 0; marks && i < count; i++)
		marks[i] = certificate_subject_mark(ders[i], arena);
	if (arena_failed(arena))
		give_up("out of memory");
	return marks;
}

static void read_given(struct bench *b, struct arena *arena, const char *given)
{
	b->word = b->sort->certificates ? identities_word(given) : "press";
	if (b->sort->certificates)
		b->count = identities_ders(arena, identities_file(arena, given, b->sort->certificates), &b->given);
	else
		b->count = (unsigned)atol(given);
	if (b->count == 0)
		give_up("%s: no enrollments", given);
	b->marks = b->given ? marks_of(b->given, b->count, arena) : NULL;
}

int main(int argc, char **argv)
{
	struct arena *arena = arena_new(GIVEN_MEMORY);
	struct store_conf conf = {.readers = 1};
	struct seal *seal;
	struct bench b = {0};
	const char *why = NULL;

	if (argc != 5)
		give_up("usage: %s DATA SCOPE keys|leaves|groups COUNT|IDENTITIES", argv[0]);
	b.scope = slice_str(argv[2]);
	b.sort = find_sort(argv[3]);
	read_given(&b, arena, argv[4]);
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
	free(b.given);
	arena_free(&arena);
	return 0;
}
