/* Where addresses are, by databases that are made here. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/geo.h"
#include "io/test_mmdb.h"

#define ROOM 65536

static const struct mmdb_row rows[] = {
	{"203.0.113.0/25", 47.38, 8.54, "CH", "Zurich"},
	{"203.0.113.128/25", -23.55, -46.63, "BR", "Sao Paulo"},
	{"2001:db8:81::/48", 35.68, 139.77, "JP", "Tokyo"},
	{"192.168.7.0/24", 52.37, 4.9, "NL", "our plant"},
	{"198.51.100.0/24", MMDB_NONE, 0, "FR", ""},
	{"198.51.101.0/24", 123, 0, "XX", "nowhere"},
	{"198.51.102.0/24", 1, 2, "XX", "a name that is so long that there is no room for all of it, whatever one does, however one counts"},
};

struct fixture {
	struct geo *geo;
	struct arena *a;
	char path[64];
	struct buf bytes;
	struct geo_place place;
};

static void save(struct fixture *f, struct slice bytes)
{
	FILE *file = fopen(f->path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes.p, 1, bytes.n, file), bytes.n);
	fclose(file);
}

static int set_up(void **state)
{
	static struct fixture f;

	f = (struct fixture){.geo = geo_new(), .a = arena_new(ROOM)};
	snprintf(f.path, sizeof(f.path), "/tmp/berth-geo-%d.mmdb", getpid());
	buf_init(&f.bytes, 1 << 20);
	*state = &f;
	return !mmdb_make(&f.bytes, rows, sizeof(rows) / sizeof(rows[0]));
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	unlink(f->path);
	buf_fini(&f->bytes);
	geo_free(&f->geo);
	arena_free(&f->a);
	return 0;
}

static void load(struct fixture *f)
{
	const char *why = NULL;

	save(f, buf_slice(&f->bytes));
	assert_int_equal(geo_load(f->geo, f->path, f->a, &why), OK);
	assert_true(geo_loaded(f->geo));
}

static void is_at(struct fixture *f, const char *address, double latitude, double longitude, const char *name)
{
	geo_find(f->geo, slice_str(address), &f->place);
	if (!f->place.found)
		fail_msg("%s: %s", address, f->place.why);
	assert_true(fabs(f->place.at.latitude - latitude) < 1e-6 && fabs(f->place.at.longitude - longitude) < 1e-6);
	assert_string_equal(f->place.name, name);
}

static void is_nowhere(struct fixture *f, const char *address, const char *why)
{
	geo_find(f->geo, slice_str(address), &f->place);
	assert_false(f->place.found);
	assert_string_equal(f->place.why, why);
}

static void addresses_are_found(void **state)
{
	struct fixture *f = *state;

	load(f);
	is_at(f, "203.0.113.7", 47.38, 8.54, "Zurich, CH");
	is_at(f, "203.0.113.200:4711", -23.55, -46.63, "Sao Paulo, BR");
	is_at(f, "::ffff:203.0.113.7", 47.38, 8.54, "Zurich, CH");
	is_at(f, "[2001:db8:81::9]:1", 35.68, 139.77, "Tokyo, JP");
}

/* Somebody may make a database of a plant's own network. */
static void private_addresses_may_be_in_it(void **state)
{
	struct fixture *f = *state;

	load(f);
	is_at(f, "192.168.7.20", 52.37, 4.9, "our plant, NL");
	is_nowhere(f, "192.168.8.20", "It is a private address, which the database does not know.");
}

static void what_is_not_known_is_said(void **state)
{
	struct fixture *f = *state;

	is_nowhere(f, "203.0.113.7", "No database of places is set (--geo-database).");
	load(f);
	is_nowhere(f, "8.8.8.8", "The database does not know the address.");
	is_nowhere(f, "2001:db8:82::1", "The database does not know the address.");
	is_nowhere(f, "127.0.0.1:5", "It is this machine's own address, which the database does not know.");
	is_nowhere(f, "rubbish", "It is no IPv4 or IPv6 address.");
	is_nowhere(f, "198.51.100.1", "The database knows the address, but no coordinates of it; one that lists cities does.");
	assert_string_equal(f->place.name, ", FR" + 2);
	is_nowhere(f, "198.51.101.1", "The database knows the address, but no coordinates of it; one that lists cities does.");
	geo_find(NULL, SLICE("203.0.113.7"), &f->place);
	assert_false(f->place.found);
}

static void a_name_that_is_too_long_is_left_out(void **state)
{
	struct fixture *f = *state;

	load(f);
	is_at(f, "198.51.102.1", 1, 2, "XX");
}

static void a_file_that_is_none_leaves_the_one_before(void **state)
{
	struct fixture *f = *state;
	const char *why = NULL;

	load(f);
	assert_int_equal(geo_load(f->geo, "/nowhere/places.mmdb", f->a, &why), ERR_NOT_FOUND);
	assert_non_null(strstr(why, "/nowhere/places.mmdb"));
	is_at(f, "203.0.113.7", 47.38, 8.54, "Zurich, CH");
	unlink(f->path);
	save(f, SLICE("this is no database"));
	assert_int_equal(geo_load(f->geo, f->path, f->a, &why), ERR_MALFORMED);
	is_at(f, "203.0.113.7", 47.38, 8.54, "Zurich, CH");
	assert_int_equal(geo_load(f->geo, NULL, f->a, &why), OK);
	is_nowhere(f, "203.0.113.7", "No database of places is set (--geo-database).");
}

/* The library (1.7) forgets what it has read of the metadata when the rest of that is damaged: once for each file that is refused. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libmaxminddb";
}

/* Whatever is wrong with a file, it is refused, or finds something or nothing: no more. */
static void damaged_files_do_no_harm(void **state)
{
	struct fixture *f = *state;
	struct slice whole = buf_slice(&f->bytes);
	size_t loaded = 0;
	const char *why;
	char *bytes = malloc(whole.n);

	for (size_t i = 0; i < 2000; i++) {
		size_t n = i < 200 ? whole.n * i / 200 : whole.n;

		memcpy(bytes, whole.p, whole.n);
		for (size_t k = 0; k < 1 + i % 4 && i >= 200; k++)
			bytes[(i * 7919 + k * 104729) % whole.n] ^= (char)(1 << (i + k) % 8);
		unlink(f->path);
		save(f, slice_over(bytes, n));
		if (geo_load(f->geo, f->path, f->a, &why) != OK)
			continue;
		loaded++;
		for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++)
			geo_find(f->geo, slice_str(rows[k].network), &f->place);
		geo_find(f->geo, SLICE("203.0.113.7"), &f->place);
		geo_find(f->geo, SLICE("2001:db8:81::9"), &f->place);
	}
	assert_true(loaded > 500);
	free(bytes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(addresses_are_found),
		TEST(private_addresses_may_be_in_it),
		TEST(what_is_not_known_is_said),
		TEST(a_name_that_is_too_long_is_left_out),
		TEST(a_file_that_is_none_leaves_the_one_before),
		TEST(damaged_files_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
