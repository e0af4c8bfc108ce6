/*
 * make_identities.c: makes devices that show a certificate (identities.h), ECDSA P-256 all of them.
 *
 *	bench_identities PATH DEVICES GROUPS [intermediate]
 *
 * Each of the groups has a root of its own. With `intermediate` the one root signs a certificate that signs the devices'.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/certificate.h"
#include "devices.h"
#include "give_up.h"
#include "identities.h"

#define DAYS          3650
#define DEVICE_MEMORY 65536
#define GROUPS_MEMORY (64 << 20)

static void must(enum err e)
{
	if (e != OK)
		give_up("a certificate cannot be made: %s", err_text(e));
}

static void put(FILE *f, struct slice text)
{
	if (fwrite(text.p, 1, text.n, f) != text.n)
		give_up("the disk is full");
}

static FILE *create(struct arena *arena, const char *path, const char *form)
{
	FILE *f = fopen(identities_file(arena, path, form), "we");

	if (f == NULL)
		give_up("%s cannot be written", path);
	return f;
}

static void finish(FILE *f)
{
	if (fclose(f) != 0)
		give_up("the disk is full");
}

static struct certificate_pair *make_groups(struct arena *arena, const char *path, unsigned count)
{
	struct certificate_pair *groups = arena_array(arena, count, sizeof(*groups));
	FILE *f = create(arena, path, "groups");

	for (unsigned i = 0; groups && i < count; i++) {
		must(certificate_make_ca(arena, arena_printf(arena, "%s root %u", identities_word(path), i), clock_wall(), DAYS,
					 &groups[i]));
		put(f, groups[i].certificate);
	}
	finish(f);
	return groups;
}

/* Signs in place of the only group. */
static void make_intermediate(struct arena *arena, const char *path, struct certificate_pair *group, bool wanted)
{
	FILE *f = create(arena, path, "chain");

	if (wanted) {
		must(certificate_make_intermediate(arena, group, arena_printf(arena, "%s line", identities_word(path)), clock_wall(), DAYS,
						   group));
		put(f, group->certificate);
	}
	finish(f);
}

static void make_devices(struct arena *arena, const char *path, const struct certificate_pair *groups, unsigned group_count, unsigned count)
{
	FILE *f = create(arena, path, "devices");

	for (unsigned i = 0; i < count; i++) {
		struct arena *memory = arena_new(DEVICE_MEMORY);
		struct slice name = device_name(memory, identities_word(path), i);
		struct certificate_pair device;

		must(certificate_make_device(memory, &groups[i % group_count], name.p, clock_wall(), DAYS, &device));
		put(f, device.key);
		put(f, device.certificate);
		arena_free(&memory);
	}
	finish(f);
}

int main(int argc, char **argv)
{
	struct arena *arena = arena_new(GROUPS_MEMORY);
	unsigned devices = argc > 3 ? (unsigned)atol(argv[2]) : 0, groups = argc > 3 ? (unsigned)atol(argv[3]) : 0;
	bool intermediate = argc == 5 && strcmp(argv[4], "intermediate") == 0;
	struct certificate_pair *signers;

	if (devices == 0 || groups == 0 || argc > 5 || (argc == 5 && !intermediate) || (intermediate && groups > 1))
		give_up("usage: %s PATH DEVICES GROUPS [intermediate]", argv[0]);
	if ((signers = make_groups(arena, argv[1], groups)) == NULL)
		give_up("out of memory");
	make_intermediate(arena, argv[1], signers, intermediate);
	make_devices(arena, argv[1], signers, groups, devices);
	arena_free(&arena);
	return 0;
}
