/*
 * scene.h: the whole registration path on a stage: a clock moved by hand, a real store in a directory of its own, the
 * real link, and hubs that follow a script.
 *
 * A crash is played too: after the n-th thing that a hub or the store was made to remember, nothing gets through any
 * more. What was in memory is then thrown away, and the service starts again on what is left.
 */
#ifndef BERTH_TEST_SCENARIO_SCENE_H
#define BERTH_TEST_SCENARIO_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "provision/provision.h"
#include "scenario/fake_hub.h"
#include "scenario/fake_webhook.h"

#define SCENE_START ((instant)17000000000000000) /* some day in 2023 */
#define SCOPE       "0ne00AB12CD"
#define OTHER_SCOPE "0ne00CC34EF" /* of a service that scene_open_other makes */
#define HUBS        3
#define HUB1        "hub1.example.net"
#define HUB2        "hub2.example.net"
#define HUB3        "hub3.example.net"

/* What a device was told. */
struct heard {
	int times;
	int status, code, retry_after;
	char body[8192];
	json_t *json;
};

struct scene {
	char place[64], url[128];
	struct seal *seal;
	struct loop *loop;
	struct arena *arena;
	struct store *store;
	struct link *link;
	struct provision *provision;
	struct link_local local;
	struct fake_hub hubs[HUBS];
	struct fake_webhook webhook;  /* of all custom allocations */
	int64_t round_trips_us[HUBS]; /* of those that were asked already, in place of what was measured; 0: as measured */

	int events;   /* what hubs and store were made to remember since the last scene_crash_at */
	int crash_at; /* 0: never */
	bool crashed;
	int fail_writes;    /* that many of the next writes of a registration record fail with ERR_IO ... */
	int spare_writes;   /* ... after so many that do not */
	struct heard *told; /* all that were heard, for the end */
	size_t told_count;
};

int scene_begin(void **state);
int scene_end(void **state);

#define SCENE_TEST(test) cmocka_unit_test_setup_teardown(test, scene_begin, scene_end)

/* --- what there is --- */

struct fake_hub *scene_hub(struct scene *, const char *name);
/* Link hubs to the service; scene_begin links HUB1 and HUB2 with equal weight. */
void scene_link(struct scene *, const char *hub);
void scene_unlink(struct scene *, const char *hub);

/* The key of every enrollment and group: 64 bytes that differ by name. */
struct slice scene_key(struct scene *, const char *name);

/* An individual enrollment for the device, static to `hub` unless that is NULL; with the twin of scene_initial_twin. */
struct enrollment *scene_enrollment(struct scene *, const char *id, const char *hub);
struct enrollment *scene_group(struct scene *, const char *id);
/* From now on a webhook places its devices. */
void scene_customize(struct scene *, const struct noun *, struct enrollment *);
#define WEBHOOK      "https://place.example.net/api/place?code=s3cret"
#define INITIAL_TWIN "{\"tags\":{\"site\":\"north\"},\"properties\":{\"desired\":{\"rate\":5}}}"
/* Write any record as it is now. */
void scene_put(struct scene *, const struct noun *, const void *record);
void scene_delete(struct scene *, const struct noun *, const void *record);
struct registration_record *scene_record(struct scene *, const char *id); /* NULL: none */
struct attempt *scene_attempt(struct scene *, const char *id);            /* the latest; NULL: none */
struct registration_record *scene_record_in(struct scene *, const char *scope, const char *id);
struct attempt *scene_attempt_in(struct scene *, const char *scope, const char *id);

/* A second service beside the first, with HUB3 linked. */
void scene_open_other(struct scene *);

int scene_count(struct scene *, const struct noun *, const void *like, int keys);

/* What the metrics count of such a thing, over all other labels. */
uint64_t scene_counted(struct scene *, const char *what, const char *status);

/* --- what happens --- */

/* The token of a device that has the key of that enrollment, or one derived from that group's key. */
struct slice scene_token(struct scene *, const char *id, const char *enrollment, bool group);

/* Ask, without turning the loop; the answer is linted on its arrival. */
struct heard *scene_ask(struct scene *, const struct device_question *);
struct heard *scene_register(struct scene *, const char *id); /* with the key of the enrollment of that name */
struct heard *scene_register_with(struct scene *, const char *id, struct slice token);
struct heard *scene_register_saying(struct scene *, const char *id, const char *payload); /* JSON */
struct heard *scene_poll(struct scene *, const char *id, const char *operation);
struct heard *scene_status(struct scene *, const char *id);

/* Register, and poll as devices do until it is finished or a minute has passed. */
struct heard *scene_register_fully(struct scene *, const char *id);

void scene_advance(struct scene *, int64_t ms);
const char *heard_text(const struct heard *, const char *member);  /* of the top; NULL: not there */
const char *heard_state(const struct heard *, const char *member); /* of registrationState */

/* Everything in memory is lost; then the service starts again, and takes up what it finds. */
void scene_restart(struct scene *);
void scene_crash_at(struct scene *, int event);

/* --- what must hold --- */

/* On which of the linked hubs the device is; it must be one alone. */
struct fake_hub *scene_only_hub(struct scene *, const char *device);
void assert_assigned(const struct heard *, const char *hub, const char *device, const char *substatus);
void assert_refused(const struct heard *, int code);
void assert_json(const json_t *, const char *expected);

/* The tests, by file. */
extern const struct CMUnitTest first_tests[], again_tests[], crash_tests[], trouble_tests[], refusal_tests[], connect_tests[],
	x509_tests[], tpm_tests[], custom_tests[], foretold_tests[];
extern const size_t first_test_count, again_test_count, crash_test_count, trouble_test_count, refusal_test_count, connect_test_count,
	x509_test_count, tpm_test_count, custom_test_count, foretold_test_count;

#endif
