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
#include "cli/tpm_device.h"

#define COUNT_MAX 1000000
#define AT_ONCE   64

#define TRANSPORTS_MAX 8

/* --- where to, and how --- */

/* --host and --scope, else what the server says of the service. */
static bool find_endpoint(struct command *c, struct channel_conf *to)
{
	bool good = true;
	json_t *service;

	if (!client_open(c) || !client_channels(c, to))
		return false;
	to->mqtts_port = (int)given_number(c, "mqtts-port", to->mqtts_port, 1, 65535, &good);
	to->amqps_port = (int)given_number(c, "amqps-port", to->amqps_port, 1, 65535, &good);
	to->host = given(c, "host");
	to->scope = given(c, "scope");
	if (to->host && to->scope)
		return good;
	if (!good || (service = resource_find(c, "provisioningServices", given(c, "service"))) == NULL)
		return false;
	if (to->host == NULL)
		to->host = arena_str(c->arena, slice_str(json_path(service, "properties.deviceProvisioningHostName")));
	if (to->scope == NULL)
		to->scope = arena_str(c->arena, slice_str(json_path(service, "properties.idScope")));
	json_decref(service);
	return true;
}

/* Those of --transport, in order. */
struct transports {
	const struct channel_kind *kinds[TRANSPORTS_MAX];
	size_t count;
};

static int complain_of_transport(struct command *c, struct slice name)
{
	struct slice all = SLICE("");

	for (size_t i = 0; channel_kinds[i]; i++)
		all = arena_format(c->arena, "%.*s%s%s", SLICE_ARG(all), i ? ", " : "", channel_kinds[i]->name);
	return misused(c, "there is no transport \"%.*s\"; there are %.*s", SLICE_ARG(name), SLICE_ARG(all));
}

/* CLI_FINE, or complained. */
static int read_transports(struct command *c, size_t max, struct transports *out)
{
	struct slice rest = slice_str(given_or(c, "transport", "https")), name;

	out->count = 0;
	while (slice_next(&rest, ',', &name)) {
		const struct channel_kind *kind = channel_find(slice_trim(name));

		if (kind == NULL)
			return complain_of_transport(c, name);
		if (out->count == max)
			return misused(c, "so many transports do not fit in --transport");
		out->kinds[out->count++] = kind;
	}
	return CLI_FINE;
}

/* --- who --- */

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

/* --certificate and --private-key. NULL: complained. */
static struct credential *credential_of(struct command *c)
{
	const char *certificate = given(c, "certificate"), *key = given_or(c, "private-key", certificate), *why;
	struct slice texts[] = {text_or_file(c, arena_printf(c->arena, "@%s", certificate)),
				text_or_file(c, arena_printf(c->arena, "@%s", key))};
	struct credential *credential = NULL;

	if (!slice_absent(texts[0]) && !slice_absent(texts[1]) && credential_read(texts[0], texts[1], &credential, &why) != OK)
		failed("%s%s%s: %s", certificate, key == certificate ? "" : " and ", key == certificate ? "" : key, why);
	return credential;
}

/* --- one --- */

static int register_one(struct command *c, struct newcomer *device, const struct arrival_conf *arrival)
{
	const struct fleet_conf conf = {.arrival = *arrival, .devices = device, .count = 1, .at_once = 1};

	if (fleet_run(&conf) != OK)
		return failed("out of memory");
	if (device->answer.n)
		show(c, device->answer,
		     (const struct column[]){{"registrationId", "registrationState.registrationId"},
					     {"status", "status"},
					     {"hub", "registrationState.assignedHub"},
					     {"deviceId", "registrationState.deviceId"},
					     {"substatus", "registrationState.substatus"},
					     {NULL, NULL}});
	if (device->end == ARRIVAL_ASSIGNED)
		return CLI_FINE;
	failed("%s was not assigned: %s", device->id, device->why);
	if (device->end == ARRIVAL_REFUSED)
		fprintf(stderr, "       \"%s registration explain %s\" tells why.\n", c->env->program, device->id);
	return CLI_FAILED;
}

/* How a device proves itself, and what it needs for that. */
struct proof {
	const char *name; /* as an enrollment spells it */
	int (*run)(struct command *, struct newcomer *, const struct arrival_conf *);
};

static int register_with_key(struct command *c, struct newcomer *device, const struct arrival_conf *arrival)
{
	device->key = key_of(c, device->id);
	return device->key.n ? register_one(c, device, arrival) : CLI_FAILED;
}

static int register_with_certificate(struct command *c, struct newcomer *device, const struct arrival_conf *arrival)
{
	struct credential *credential;
	int status;

	if (given(c, "certificate") == NULL)
		return misused(c, "a device that attests by x509 shows its --certificate");
	if ((credential = credential_of(c)) == NULL)
		return CLI_FAILED;
	device->credential = credential;
	status = register_one(c, device, arrival);
	credential_free(&credential);
	return status;
}

/* The ID may be left to the TPM. */
static int register_with_tpm(struct command *c, struct newcomer *device, const struct arrival_conf *arrival)
{
	struct tpm_device it;
	int status;

	if (!device->kind->tpm)
		return misused(c, "a TPM registers over https, amqp or amqp-ws: over %s there is no way to challenge it",
			       device->kind->name);
	if ((status = tpm_device_open(c, device->id, &arrival->channel, arrival->patience_ms, &it)) != CLI_FINE)
		return status;
	device->id = it.id;
	device->tpm = &it.channel;
	if ((status = register_one(c, device, arrival)) == CLI_FINE)
		status = tpm_device_tell(c, &it);
	tpm_device_close(&it);
	return status;
}

static const struct proof proofs[] = {{"symmetricKey", register_with_key}, {"x509", register_with_certificate}, {"tpm", register_with_tpm}};

/* --attestation, else what the other options suggest. NULL: complained. */
static const struct proof *proof_of(struct command *c)
{
	const char *name = given_or(c, "attestation", given(c, "certificate") ? "x509" : "symmetricKey");

	for (size_t i = 0; i < sizeof(proofs) / sizeof(proofs[0]); i++)
		if (strcasecmp(name, proofs[i].name) == 0)
			return &proofs[i];
	misused(c, "--attestation is symmetricKey, x509 or tpm, not \"%s\"", name);
	return NULL;
}

static bool id_complaint(struct command *c, const char *id, const struct proof *proof)
{
	if (id == NULL && proof->run == register_with_tpm)
		return false;
	if (id == NULL)
		misused(c, "ID is missing");
	else if (!id_is_good(slice_str(id)))
		misused(c, "\"%s\" is not a registration ID: letters, digits and - . _ :, ended by a letter, digit or dash", id);
	else
		return false;
	return true;
}

static int do_register(struct command *c)
{
	struct newcomer device = {.id = c->operand[0]};
	struct arrival_conf arrival = {.arena = c->arena, .keep_answers = true};
	struct transports transport;
	const struct proof *proof;
	bool good = true;

	arrival.patience_ms = (int)given_number(c, "patience", 60, 1, 86400, &good) * 1000;
	if (!good || read_transports(c, 1, &transport) != CLI_FINE)
		return CLI_USAGE;
	if ((proof = proof_of(c)) == NULL || id_complaint(c, device.id, proof))
		return CLI_USAGE;
	device.kind = transport.kinds[0];
	if (given(c, "payload") && slice_absent(arrival.payload = text_or_file(c, given(c, "payload"))))
		return CLI_FAILED;
	if (!find_endpoint(c, &arrival.channel))
		return CLI_FAILED;
	return proof->run(c, &device, &arrival);
}

/* --- many --- */

/* They take the transports in turn. */
static bool make_devices(struct command *c, struct fleet_conf *conf, const struct transports *transports)
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
		conf->devices[i].kind = transports->kinds[i % transports->count];
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
	struct fleet_conf conf = {.arrival.arena = c->arena};
	struct report report = {.out = stdout};
	struct transports transports;
	bool good = true;

	conf.count = (size_t)given_number(c, "count", 100, 1, COUNT_MAX, &good);
	conf.rate = (int)given_number(c, "rate", 0, 0, 1000000, &good);
	conf.at_once = (int)given_number(c, "at-once", AT_ONCE, 1, 10000, &good);
	conf.arrival.patience_ms = (int)given_number(c, "patience", 60, 1, 86400, &good) * 1000;
	if (!good || read_transports(c, TRANSPORTS_MAX, &transports) != CLI_FINE)
		return CLI_USAGE;
	if (given(c, "group") == NULL && given(c, "group-key") == NULL)
		return misused(c, "name the --group that the devices belong to, or give its --group-key");
	if (!find_endpoint(c, &conf.arrival.channel) || !make_devices(c, &conf, &transports))
		return CLI_FAILED;
	report_begin(&report, &conf);
	if (fleet_run(&conf) != OK)
		return failed("out of memory");
	return report_end(&report, &conf) ? CLI_FINE : CLI_FAILED;
}

#define TRANSPORTS "https, mqtt, mqtt-ws, amqp or amqp-ws"

#define ENDPOINT                                                                                                                           \
	SERVICE_OPTION, {"host", "NAME", "the device endpoint [asked of the server]", OPTION_VALUE},                                       \
		{"scope", "ID", "the ID scope [asked of the server]", OPTION_VALUE},                                                       \
		{"group", "NAME", "the device belongs to this symmetric key group", OPTION_VALUE},                                         \
		{"group-key", "KEY", "the group's key, base64 [fetched]", OPTION_VALUE},                                                   \
		{"mqtts-port", "PORT", "of the server, for MQTT [as it announces, else 8883]", OPTION_VALUE},                              \
		{"amqps-port", "PORT", "of the server, for AMQP [as it announces, else 5671]", OPTION_VALUE},                              \
	{                                                                                                                                  \
		"patience", "SECONDS", "how long to go on asking [60]", OPTION_VALUE                                                       \
	}

static const struct option register_options[] = {
	ENDPOINT,
	{"transport", "NAME", TRANSPORTS " [https]", OPTION_VALUE},
	{"attestation", "NAME", "how it proves itself: symmetricKey, x509 or tpm [symmetricKey; x509 with --certificate]", OPTION_VALUE},
	{"key", "KEY", "the device's symmetric key, base64 [fetched from its enrollment]", OPTION_VALUE},
	{"certificate", "FILE", "PEM: the device's certificate, and those that signed it, in place of a key", OPTION_VALUE},
	{"private-key", "FILE", "PEM: the certificate's key [in the same file]", OPTION_VALUE},
	{"payload", "JSON|@FILE", "sent along, for custom allocation", OPTION_VALUE},
	TPM_OPTIONS,
	{"hub-token", "FILE", "write a token there with which the TPM's device may log in at its hub for an hour", OPTION_VALUE},
	OPTIONS_END,
};
static const struct option simulate_options[] = {
	ENDPOINT,
	{"transport", "A,B,..", TRANSPORTS "; several take turns [https]", OPTION_VALUE},
	{"count", "N", "so many devices [100]", OPTION_VALUE},
	{"rate", "N", "started per second [as fast as they go]", OPTION_VALUE},
	{"at-once", "N", "under way together [64]", OPTION_VALUE},
	{"prefix", "TEXT", "registration IDs are TEXT00001 and so on [sim-]", OPTION_VALUE},
	OPTIONS_END,
};

const struct verb device_verbs[] = {
	{"device", "register", "[ID]", "act as one device: register and say where it belongs", register_options, NULL, do_register},
	{"device", "simulate", "", "act as many devices of a group", simulate_options, NULL, simulate},
	{NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};
