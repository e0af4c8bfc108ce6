/*
 * device.c: act as a device, or as thousands of them.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "crypto/token.h"
#include "cli/command.h"
#include "cli/fleet.h"
#include "cli/report.h"

#define COUNT_MAX 1000000
#define AT_ONCE   64

/* Where devices go: --host and --scope, else what the server says of the service. */
static bool find_endpoint(struct command *c, struct fleet_conf *conf)
{
	json_t *service;

	if (!client_open(c))
		return false;
	conf->host = given(c, "host");
	conf->scope = given(c, "scope");
	if (conf->host == NULL || conf->scope == NULL) {
		if ((service = resource_find(c, "provisioningServices", given(c, "service"))) == NULL)
			return false;
		if (conf->host == NULL)
			conf->host = arena_str(c->arena, slice_str(json_path(service, "properties.deviceProvisioningHostName")));
		if (conf->scope == NULL)
			conf->scope = arena_str(c->arena, slice_str(json_path(service, "properties.idScope")));
		json_decref(service);
	}
	conf->loop = c->loop;
	conf->fetcher = c->fetcher;
	conf->arena = c->arena;
	conf->port = c->port;
	conf->connect_to = c->connect_to;
	return true;
}

/* The raw bytes of a symmetric key: --key, or --group-key from which the device's is derived, or the key of the enrollment as
 * the administrator may read it. Absent: complained. */
static struct slice fetch_key(struct command *c, const char *kind, const char *id)
{
	const char *host = service_host(c);
	struct answer a;
	json_t *json = NULL;
	struct slice key = NO_SLICE;

	if (host == NULL)
		return NO_SLICE;
	a = client_ask(c, "POST", host,
		       arena_printf(c->arena, "/%s/%.*s/attestationmechanism?api-version=2021-10-01", kind,
				    SLICE_ARG(percent_encode(c->arena, slice_str(id)))),
		       NULL, NULL, NO_SLICE);
	if (!answer_is_good(&a) || json_read(a.body, c->arena, &json, NULL) != OK) {
		client_complain(c, &a);
		return NO_SLICE;
	}
	key = base64_decode(c->arena, slice_str(json_path(json, "symmetricKey.primaryKey")));
	json_decref(json);
	if (key.n == 0)
		failed("%s does not attest by symmetric key", id);
	return key;
}

static struct slice decoded_key(struct command *c, const char *text)
{
	struct slice key = base64_decode(c->arena, slice_str(text));

	if (key.n == 0)
		failed("the key is not base64");
	return key;
}

static struct slice derive(struct command *c, struct slice group_key, const char *id)
{
	unsigned char derived[32];

	device_key(group_key, slice_str(id), derived);
	return arena_copy(c->arena, slice_over(derived, sizeof(derived)));
}

static struct slice group_key_of(struct command *c)
{
	if (given(c, "group-key"))
		return decoded_key(c, given(c, "group-key"));
	return fetch_key(c, "enrollmentGroups", given(c, "group"));
}

static struct slice key_of(struct command *c, const char *id)
{
	struct slice group;

	if (given(c, "key"))
		return decoded_key(c, given(c, "key"));
	if (given(c, "group") || given(c, "group-key")) {
		group = group_key_of(c);
		return group.n ? derive(c, group, id) : NO_SLICE;
	}
	return fetch_key(c, "enrollments", id);
}

static bool is_https(struct command *c)
{
	const char *transport = given_or(c, "transport", "https");

	if (strcmp(transport, "https") == 0)
		return true;
	misused(c, "--transport is https; there is no %s in this version", transport);
	return false;
}

static int do_register(struct command *c)
{
	struct fleet_device device = {.id = c->operand[0]};
	struct fleet_conf conf = {.devices = &device, .count = 1, .at_once = 1};
	bool good = true;

	conf.patience_ms = (int)given_number(c, "patience", 60, 1, 86400, &good) * 1000;
	if (!good || !is_https(c))
		return CLI_USAGE;
	if (!id_is_good(slice_str(device.id)))
		return misused(c, "\"%s\" is not a registration ID: letters, digits and - . _ :, ended by a letter, digit or dash",
			       device.id);
	if (given(c, "payload"))
		conf.payload = text_or_file(c, given(c, "payload"));
	if (!find_endpoint(c, &conf) || (device.key = key_of(c, device.id)).n == 0)
		return CLI_FAILED;
	if (fleet_run(&conf) != OK)
		return failed("out of memory");
	if (device.answer.n)
		show(c, device.answer,
		     (const struct column[]){{"registrationId", "registrationState.registrationId"},
					     {"status", "status"},
					     {"hub", "registrationState.assignedHub"},
					     {"deviceId", "registrationState.deviceId"},
					     {"substatus", "registrationState.substatus"},
					     {NULL, NULL}});
	if (device.end == FLEET_ASSIGNED)
		return CLI_FINE;
	failed("%s was not assigned: %s", device.id, device.why);
	fprintf(stderr, "       \"%s registration explain %s\" tells why.\n", c->env->program, device.id);
	return CLI_FAILED;
}

/* --- many --- */

static bool make_devices(struct command *c, struct fleet_conf *conf)
{
	const char *prefix = given_or(c, "prefix", "sim-");
	struct slice group = group_key_of(c);

	if (group.n == 0)
		return false;
	conf->devices = arena_array(c->arena, conf->count, sizeof(*conf->devices));
	if (conf->devices == NULL) {
		failed("out of memory: so many devices do not fit");
		return false;
	}
	for (size_t i = 0; i < conf->count; i++) {
		conf->devices[i].id = arena_printf(c->arena, "%s%05zu", prefix, i + 1);
		conf->devices[i].key = derive(c, group, conf->devices[i].id);
	}
	if (conf->count && !id_is_good(slice_str(conf->devices[0].id))) {
		failed("\"%s\" does not make registration IDs", prefix);
		return false;
	}
	return true;
}

static int simulate(struct command *c)
{
	struct fleet_conf conf = {0};
	struct report report = {.out = stdout};
	bool good = true;

	conf.count = (size_t)given_number(c, "count", 100, 1, COUNT_MAX, &good);
	conf.rate = (int)given_number(c, "rate", 0, 0, 1000000, &good);
	conf.at_once = (int)given_number(c, "at-once", AT_ONCE, 1, 10000, &good);
	conf.patience_ms = (int)given_number(c, "patience", 60, 1, 86400, &good) * 1000;
	if (!good || !is_https(c))
		return CLI_USAGE;
	if (given(c, "group") == NULL && given(c, "group-key") == NULL)
		return misused(c, "name the --group that the devices belong to, or give its --group-key");
	if (!find_endpoint(c, &conf) || !make_devices(c, &conf))
		return CLI_FAILED;
	report_begin(&report, &conf);
	if (fleet_run(&conf) != OK)
		return failed("out of memory");
	return report_end(&report, &conf) ? CLI_FINE : CLI_FAILED;
}

#define ENDPOINT                                                                                                                           \
	{"service", "NAME", "the provisioning service [the only one there is]", OPTION_VALUE},                                             \
		{"host", "NAME", "the device endpoint [asked of the server]", OPTION_VALUE},                                               \
		{"scope", "ID", "the ID scope [asked of the server]", OPTION_VALUE},                                                       \
		{"group", "NAME", "the device belongs to this symmetric key group", OPTION_VALUE},                                         \
		{"group-key", "KEY", "the group's key, base64 [fetched]", OPTION_VALUE},                                                   \
		{"patience", "SECONDS", "how long to go on asking [60]", OPTION_VALUE},                                                    \
	{                                                                                                                                  \
		"transport", "NAME", "https", OPTION_VALUE                                                                                 \
	}

#define END                                                                                                                                \
	{                                                                                                                                  \
		NULL, NULL, NULL, OPTION_VALUE                                                                                             \
	}

static const struct option register_options[] = {
	ENDPOINT,
	{"key", "KEY", "the device's symmetric key, base64 [fetched from its enrollment]", OPTION_VALUE},
	{"payload", "JSON|@FILE", "sent along, for custom allocation", OPTION_VALUE},
	END,
};
static const struct option simulate_options[] = {
	ENDPOINT,
	{"count", "N", "so many devices [100]", OPTION_VALUE},
	{"rate", "N", "started per second [as fast as they go]", OPTION_VALUE},
	{"at-once", "N", "under way together [64]", OPTION_VALUE},
	{"prefix", "TEXT", "registration IDs are TEXT00001 and so on [sim-]", OPTION_VALUE},
	END,
};

const struct verb device_verbs[] = {
	{"device", "register", "ID", "act as one device: register and say where it belongs", register_options, NULL, do_register},
	{"device", "simulate", "", "act as many devices of a group", simulate_options, NULL, simulate},
	{NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};
