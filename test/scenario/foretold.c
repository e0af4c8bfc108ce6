/*
 * foretold.c: what is foretold of a device is what then happens to it: under every policy, and whatever becomes of the hubs.
 */
#include "provision/foretell.h"
#include "scenario/scene.h"

#define PLAIN 24 /* devices of the service's policy */

/* What an enrollment says beside; once the device is placed, it may be switched off. */
static const struct {
	const char *policy, *hub, *rule;
	enum flag update, disabled;
} kinds[] = {
	{"static", HUB1, NULL, FLAG_NONE, FLAG_NO},
	{"hashed", NULL, NULL, FLAG_NO, FLAG_NO},
	{"hashed", HUB2, NULL, FLAG_YES, FLAG_NO},
	{"hashed", NULL, NULL, FLAG_YES, FLAG_YES},
	{"geoLatency", NULL, NULL, FLAG_NONE, FLAG_NO},
	{"geoLatency", HUB1, NULL, FLAG_YES, FLAG_NO},
	{"custom", NULL, "hubs[#hubs]", FLAG_NONE, FLAG_NO},
	{"custom", NULL, "nearest(hubs)", FLAG_NONE, FLAG_NO},
	{"custom", NULL, "device.hub == '" HUB1 "' and 'hub2' or hashed(hubs)", FLAG_YES, FLAG_NO},
	{"custom", NULL, "bucket(2) == 1 and 'hub1' or nil", FLAG_YES, FLAG_NO},
	{"custom", NULL, "payload.model and 'hub1' or 'hub2'", FLAG_YES, FLAG_NO},
	{"custom", NULL, "not a rule's hub", FLAG_YES, FLAG_NO},
};

#define KINDS   (sizeof(kinds) / sizeof(kinds[0]))
#define DEVICES (PLAIN + 2 * KINDS)

static char ids[DEVICES][16];

static void enroll(struct scene *s, size_t i, bool disabled)
{
	size_t k = (i - PLAIN) % KINDS;
	struct enrollment *e = scene_enrollment(s, ids[i], i < PLAIN ? NULL : kinds[k].hub);

	if (i < PLAIN)
		return;
	e->allocation_policy = slice_str(kinds[k].policy);
	e->rule = slice_str(kinds[k].rule);
	e->update_hub = kinds[k].update;
	e->provisioning_status = disabled && kinds[k].disabled == FLAG_YES ? SLICE("disabled") : NO_SLICE;
	scene_put(s, &noun_individual, e);
}

static void settle(struct scene *s)
{
	for (size_t i = 0; i < DEVICES; i++) {
		snprintf(ids[i], sizeof(ids[i]), "dev-%zu", i);
		enroll(s, i, false);
		scene_register_fully(s, ids[i]);
		enroll(s, i, true);
	}
}

static void was_read(void *cookie, enum err e)
{
	(void)cookie;
	assert_int_equal(e, OK);
}

/* Of what the store has, and of that no more than the columns that are said to be enough. */
static struct foretold told_of(struct scene *s, const char *id)
{
	struct service *service = noun_new(&noun_service, s->arena);
	struct linked_hub *hub = noun_new(&noun_linked_hub, s->arena);
	struct registration_record *record = noun_new(&noun_registration, s->arena);
	struct enrollment *enrollment = noun_new(&noun_individual, s->arena);
	struct store_want wants[] = {
		{.noun = &noun_service, .like = service, .keys = 1},
		{.noun = &noun_linked_hub, .like = hub, .keys = 1, .limit = LINKED_HUBS_MAX},
		{.noun = &noun_registration, .like = record, .keys = 2, .only = foretell_record_columns},
		{.noun = &noun_individual, .like = enrollment, .keys = 2, .only = foretell_enrollment_columns},
	};
	struct placing placing = {0};
	struct foretold told;

	service->scope = hub->scope = record->scope = enrollment->scope = SLICE(SCOPE);
	record->id = enrollment->id = slice_str(id);
	assert_non_null(store_read(s->store, s->loop, s->arena, wants, 4, was_read, NULL));
	loop_settle(s->loop);
	placing.policy = ((struct service *)wants[0].records)->allocation_policy;
	placing.hubs = wants[1].records;
	placing.hub_count = wants[1].count;
	placing.round_trips_us = provision_round_trips(s->provision, placing.hubs, placing.hub_count, s->arena);
	assert_int_equal(foretell(&placing, wants[2].records, wants[3].records, s->arena, &told), OK);
	return told;
}

static void assert_comes_true(struct scene *s, const char *id, unsigned fates[4])
{
	const struct foretold told = told_of(s, id);
	const struct heard *h = scene_register_fully(s, id);
	const struct registration_record *record = scene_record(s, id);
	struct slice hub = told.fate == FATE_MOVES ? told.to : told.from;

	fates[told.fate]++;
	if (told.fate == FATE_UNDECIDED)
		return;
	if (!slice_eq_fold(record->assigned_hub, hub))
		fail_msg("%s: fate %d, %.*s, but it is on %.*s", id, told.fate, SLICE_ARG(hub), SLICE_ARG(record->assigned_hub));
	if (told.fate == FATE_REFUSED)
		assert_false(slice_eq(record->status, SLICE("assigned")));
	else
		assert_string_equal(heard_text(h, "status"), "assigned");
}

static void set_policy(struct scene *s, const char *policy)
{
	struct service *service = noun_new(&noun_service, s->arena);

	service->scope = SLICE(SCOPE);
	service->name = service->name_folded = SLICE("plant");
	service->allocation_policy = slice_str(policy);
	scene_put(s, &noun_service, service);
}

static void as_it_is(struct scene *s)
{
	(void)s;
}

static void a_hub_more(struct scene *s)
{
	scene_link(s, HUB3);
}

static void another_policy(struct scene *s)
{
	set_policy(s, "Static");
}

static void a_hub_fewer(struct scene *s)
{
	scene_unlink(s, HUB1);
}

static void lowest_latency(struct scene *s)
{
	set_policy(s, "GeoLatency");
	s->round_trips_us[0] = 10000;
	s->round_trips_us[1] = 90000;
	s->round_trips_us[2] = 20000;
}

static void another_is_nearest(struct scene *s)
{
	scene_link(s, HUB1);
	s->round_trips_us[2] = 200000;
}

static void no_hub_at_all(struct scene *s)
{
	scene_unlink(s, HUB1);
	scene_unlink(s, HUB2);
	scene_unlink(s, HUB3);
}

static void what_is_foretold_comes_true(void **state)
{
	static void (*const changes[])(struct scene *) = {as_it_is,       a_hub_more,         another_policy, a_hub_fewer,
							  lowest_latency, another_is_nearest, no_hub_at_all};
	struct scene *s = *state;
	unsigned fates[4] = {0};

	settle(s);
	for (size_t c = 0; c < sizeof(changes) / sizeof(changes[0]); c++) {
		changes[c](s);
		for (size_t i = 0; i < DEVICES; i++)
			assert_comes_true(s, ids[i], fates);
	}
	for (int i = 0; i < 4; i++)
		assert_true(fates[i] > DEVICES / 8);
}

const struct CMUnitTest foretold_tests[] = {SCENE_TEST(what_is_foretold_comes_true)};
const size_t foretold_test_count = sizeof(foretold_tests) / sizeof(foretold_tests[0]);
