/*
 * demo.c: the tutorial in one command: two hubs, a provisioning service, an enrollment list, evenly weighted distribution,
 * and devices that find their place. It starts a server of its own and then is a client like any other.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "crypto/digest.h"
#include "crypto/password.h"
#include "crypto/token.h"
#include "cli/command.h"
#include "cli/fleet.h"
#include "cli/report.h"

#define SERVICE       "contoso"
#define GROUP         "presses"
#define INDIVIDUALS   2
#define DEVICES_MAX   100000
#define START_SECONDS 30
#define ARM           "/subscriptions/" SUBSCRIPTION "/resourceGroups/" RESOURCE_GROUP "/providers/Microsoft.Devices"
#define VERSION       "?api-version=2022-12-12"

static const char *const hubs[] = {"contoso-east", "contoso-west"};
static const char *const transports[] = {"https", "mqtt", "amqp", "mqtt-ws", "amqp-ws"}; /* the devices take them in turn */

struct demo {
	struct command *c;
	const char *data;
	bool own_data; /* a temporary folder, removed at the end */
	bool first;    /* the server starts for the first time on it */
	pid_t server;
	int step;
	const char *scope, *host; /* of the service */
	struct slice group_key;
	const char *device_host; /* the endpoint of devices */
	struct fleet_conf fleet;
};

static void say(struct demo *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(struct demo *d, const char *fmt, ...)
{
	va_list ap;

	printf("%d. ", ++d->step);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

/* --- the server --- */

static const char *log_path(const struct demo *d)
{
	return arena_printf(d->c->arena, "%s/server.log", d->data);
}

static bool make_data(struct demo *d)
{
	char *template = arena_str(d->c->arena, SLICE("/tmp/berth-demo-XXXXXX"));

	if ((d->data = given(d->c, "data")) != NULL)
		return mkdir(d->data, 0700) == 0 || errno == EEXIST || failed("%s: %s", d->data, strerror(errno)) == CLI_FINE;
	d->data = mkdtemp(template);
	d->own_data = d->data != NULL;
	return d->own_data || failed("no temporary folder: %s", strerror(errno)) == CLI_FINE;
}

/* Become the server: this binary, with what was given to the demo. Does not return. */
static void become_server(const struct demo *d)
{
	static const char *const passed[] = {"https-port", "mqtts-port", "amqps-port", "listen", "domain", "admin-listen"};
	const char *argv[6 + 2 * sizeof(passed) / sizeof(passed[0]) + 1] = {"berth", "serve", "--data", d->data, "--log-format", "text"};
	int n = 6, log = open(log_path(d), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
		if (given(d->c, passed[i])) {
			argv[n++] = arena_printf(d->c->arena, "--%s", passed[i]);
			argv[n++] = given(d->c, passed[i]);
		}
	argv[n] = NULL;
	setpgid(0, 0); /* Ctrl-C is for the demo, which ends the server itself */
	if (log >= 0)
		dup2(log, 2);
	execv("/proc/self/exe", (char *const *)argv);
	_exit(127);
}

static int tell_log(const struct demo *d)
{
	FILE *f = fopen(log_path(d), "re");
	char line[1024];

	failed("the server did not start. Its log says:");
	while (f && fgets(line, sizeof(line), f))
		fprintf(stderr, "  %s", line);
	if (f)
		fclose(f);
	return CLI_FAILED;
}

/* Until the server has said where it is: it does so once it listens. */
static bool wait_for_server(struct demo *d)
{
	const char *announcement = arena_printf(d->c->arena, "%s/server.json", d->data);
	int status;

	for (int i = 0; i < START_SECONDS * 20; i++) {
		if (access(announcement, R_OK) == 0)
			return true;
		if (waitpid(d->server, &status, WNOHANG) == d->server) {
			d->server = 0;
			return false;
		}
		usleep(50000);
	}
	return false;
}

static bool start_server(struct demo *d)
{
	struct command *c = d->c;

	if (!make_data(d))
		return false;
	unlink(arena_printf(c->arena, "%s/server.json", d->data));
	d->first = access(arena_printf(c->arena, "%s/berth.db", d->data), F_OK) != 0;
	d->server = fork();
	if (d->server == 0)
		become_server(d);
	if (d->server < 0 || !wait_for_server(d)) {
		tell_log(d);
		return false;
	}
	c->given[c->given_count++] = (struct given){"data", d->data};
	if (!client_open(c))
		return false;
	say(d, "A server of its own at %s; everything is in %s", c->server, d->data);
	return true;
}

static void remove_data(const struct demo *d)
{
	static const char *const names[] = {"berth.db",     "berth.db-wal", "berth.db-shm", "berth.db-lock", "master.key",
					    "admin.token",  "ca.pem",       "ca.key",       "server.pem",    "server.key",
					    "server.names", "server.json",  "server.log",   "lock"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(arena_printf(d->c->arena, "%s/%s", d->data, names[i]));
	rmdir(d->data);
}

static void end_server(struct demo *d)
{
	if (d->server > 0) {
		kill(d->server, SIGTERM);
		waitpid(d->server, NULL, 0);
	}
	if (d->own_data && d->data)
		remove_data(d);
}

/* --- the steps of the tutorial --- */

/* PUT; what is there already is fine. False: complained. */
static bool put(struct demo *d, const char *host, const char *path, const char *body, struct answer *out)
{
	struct answer a = client_ask(d->c, "PUT", host, path, NULL, NULL, slice_str(body));

	if (out)
		*out = a;
	if (answer_is_good(&a) || (a.e == OK && a.status == 409))
		return true;
	client_complain(d->c, &a);
	return false;
}

static bool make_hubs(struct demo *d)
{
	for (size_t i = 0; i < 2; i++)
		if (!put(d, NULL, arena_printf(d->c->arena, ARM "/IotHubs/%s" VERSION, hubs[i]),
			 "{\"location\":\"local\",\"sku\":{\"name\":\"S1\",\"capacity\":1},\"properties\":{}}", NULL))
			return false;
	say(d, "Two IoT hubs, hosted by this server: %s and %s", hubs[0], hubs[1]);
	return true;
}

static bool make_service(struct demo *d)
{
	struct answer a;
	json_t *json = NULL;

	if (!put(d, NULL, ARM "/provisioningServices/" SERVICE VERSION,
		 "{\"location\":\"local\",\"sku\":{\"name\":\"S1\",\"capacity\":1},\"properties\":{}}", &a))
		return false;
	if (json_read(a.body, d->c->arena, &json, NULL) != OK)
		return failed("the server's answer is not JSON") == CLI_FINE;
	d->scope = arena_str(d->c->arena, slice_str(json_path(json, "properties.idScope")));
	d->host = arena_str(d->c->arena, slice_str(json_path(json, "properties.serviceOperationsHostName")));
	d->device_host = arena_str(d->c->arena, slice_str(json_path(json, "properties.deviceProvisioningHostName")));
	json_decref(json);
	say(d, "A provisioning service, %s: its ID scope is %s, devices know it as %s", SERVICE, d->scope, d->device_host);
	return true;
}

static bool link_hubs(struct demo *d)
{
	const char *body = arena_printf(
		d->c->arena,
		"{\"location\":\"local\",\"sku\":{\"name\":\"S1\",\"capacity\":1},\"properties\":{\"allocationPolicy\":\"Hashed\","
		"\"iotHubs\":[{\"name\":\"%s\",\"location\":\"local\"},{\"name\":\"%s\",\"location\":\"local\"}]}}",
		hubs[0], hubs[1]);

	if (!put(d, NULL, ARM "/provisioningServices/" SERVICE VERSION, body, NULL))
		return false;
	say(d, "Both hubs linked to it");
	say(d, "Allocation policy: evenly weighted distribution");
	return true;
}

static bool enroll(struct demo *d)
{
	struct answer a;
	json_t *json = NULL;

	for (int i = 1; i <= INDIVIDUALS; i++)
		if (!put(d, d->host, arena_printf(d->c->arena, "/enrollments/device-%d?api-version=2021-10-01", i),
			 "{\"attestation\":{\"type\":\"symmetricKey\"}}", NULL))
			return false;
	if (!put(d, d->host, "/enrollmentGroups/" GROUP "?api-version=2021-10-01", "{\"attestation\":{\"type\":\"symmetricKey\"}}", NULL))
		return false;
	a = client_ask(d->c, "POST", d->host, "/enrollmentGroups/" GROUP "/attestationmechanism?api-version=2021-10-01", NULL, NULL,
		       NO_SLICE);
	if (!answer_is_good(&a) || json_read(a.body, d->c->arena, &json, NULL) != OK)
		return client_complain(d->c, &a) == CLI_FINE;
	d->group_key = base64_decode(d->c->arena, slice_str(json_path(json, "symmetricKey.primaryKey")));
	json_decref(json);
	say(d, "The enrollment list: device-1 and device-2 by themselves, and the group %s; all by symmetric key", GROUP);
	return true;
}

/* The key of an individual enrollment, raw. */
static struct slice individual_key(struct demo *d, int i)
{
	struct answer a = client_ask(d->c, "POST", d->host,
				     arena_printf(d->c->arena, "/enrollments/device-%d/attestationmechanism?api-version=2021-10-01", i),
				     NULL, NULL, NO_SLICE);
	json_t *json = NULL;
	struct slice key = NO_SLICE;

	if (answer_is_good(&a) && json_read(a.body, d->c->arena, &json, NULL) == OK)
		key = base64_decode(d->c->arena, slice_str(json_path(json, "symmetricKey.primaryKey")));
	json_decref(json);
	return key;
}

static bool make_fleet(struct demo *d, size_t count)
{
	struct command *c = d->c;
	unsigned char derived[32];

	d->fleet = (struct fleet_conf){.arrival = {.arena = c->arena, .patience_ms = 60000}, .count = count, .at_once = 16};
	if (!client_channels(c, &d->fleet.arrival.channel))
		return false;
	d->fleet.arrival.channel.host = d->device_host;
	d->fleet.arrival.channel.scope = d->scope;
	if ((d->fleet.devices = arena_array(c->arena, count, sizeof(*d->fleet.devices))) == NULL)
		return failed("out of memory") == CLI_FINE;
	for (size_t i = 0; i < count; i++) {
		struct newcomer *device = &d->fleet.devices[i];

		device->kind = channel_find(slice_str(transports[i % (sizeof(transports) / sizeof(transports[0]))]));
		if (i < INDIVIDUALS) {
			device->id = arena_printf(c->arena, "device-%zu", i + 1);
			device->key = individual_key(d, (int)i + 1);
			continue;
		}
		device->id = arena_printf(c->arena, "press-%03zu", i + 1 - INDIVIDUALS);
		device_key(d->group_key, slice_str(device->id), derived);
		device->key = arena_copy(c->arena, slice_over(derived, sizeof(derived)));
	}
	return true;
}

/* Each hub is asked whether it knows as many devices as were sent there. */
static bool check_hubs(struct demo *d)
{
	size_t known = 0, assigned = 0;

	for (size_t i = 0; i < 2; i++) {
		const char *host = arena_printf(d->c->arena, "%s%s", hubs[i], strchr(d->device_host, '.'));
		struct answer a = client_ask(d->c, "GET", host, "/statistics/devices?api-version=2021-04-12", NULL, NULL, NO_SLICE);
		json_t *json = NULL;

		if (!answer_is_good(&a) || json_read(a.body, d->c->arena, &json, NULL) != OK)
			return client_complain(d->c, &a) == CLI_FINE;
		known += (size_t)json_integer_value(json_object_get(json, "totalDeviceCount"));
		json_decref(json);
	}
	for (size_t i = 0; i < d->fleet.count; i++)
		assigned += d->fleet.devices[i].end == ARRIVAL_ASSIGNED;
	say(d, "The hubs were asked: together they know %zu devices", known);
	return known >= assigned;
}

static bool register_all(struct demo *d)
{
	struct report report = {.out = stdout};
	bool all;

	say(d, "%zu devices are switched on, some over HTTPS, some over MQTT or AMQP; each proves itself and asks for its place",
	    d->fleet.count);
	report_begin(&report, &d->fleet);
	if (fleet_run(&d->fleet) != OK)
		return failed("out of memory") == CLI_FINE;
	if (d->fleet.count <= 100) {
		putchar('\n');
		report_table(stdout, &d->fleet);
	}
	putchar('\n');
	all = report_end(&report, &d->fleet);
	putchar('\n');
	return all;
}

/* The password that the server gave its first operator is in its log; this one is known to nobody but who reads it here. */
static bool set_admin_password(struct demo *d, char password[PASSWORD_MADE_SIZE])
{
	password_make(password);
	return put(d, NULL, "/berth/operators/admin",
		   arena_printf(d->c->arena, "{\"role\":\"administrator\",\"password\":\"%s\"}", password), NULL);
}

static void tell_portal(struct demo *d)
{
	char password[PASSWORD_MADE_SIZE];

	printf("\nThe portal is at %s/ (the browser asks whether it may trust a certificate that this server made for itself).\n",
	       d->c->server);
	if (!d->first)
		printf("Sign in as before; \"%s operator set-password admin\" sets another password.\n", d->c->env->program);
	else if (set_admin_password(d, password))
		printf("Sign in as admin with the password %s\n", password);
}

static void tell_what_next(const struct demo *d)
{
	printf("\nThe server goes on until Ctrl-C. In another terminal:\n\n"
	       "  export BERTH_DATA=%s\n"
	       "  %s registration show press-001            where a device is\n"
	       "  %s service connection-string show %s   for a service SDK\n"
	       "  %s device simulate --group %s --count 1000\n"
	       "  %s --help                                 everything else\n\n",
	       d->data, d->c->env->program, d->c->env->program, SERVICE, d->c->env->program, GROUP, d->c->env->program);
	fflush(stdout);
}

static volatile sig_atomic_t interrupted;

static void on_signal(int signo)
{
	(void)signo;
	interrupted = 1;
}

/* Until Ctrl-C, or until the server ends by itself. */
static void go_on_serving(struct demo *d)
{
	while (!interrupted && waitpid(d->server, NULL, WNOHANG) == 0)
		usleep(100000);
	printf("\nEnding.\n");
}

static int demo(struct command *c)
{
	struct demo d = {.c = c};
	struct sigaction action = {.sa_handler = on_signal};
	bool good = true, fine;
	size_t count = (size_t)given_number(c, "devices", 20, 1, DEVICES_MAX, &good);

	if (!good)
		return CLI_USAGE;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	fine = start_server(&d) && make_hubs(&d) && make_service(&d) && link_hubs(&d) && enroll(&d) && make_fleet(&d, count) &&
	       register_all(&d) && check_hubs(&d);
	if (fine && given(c, "once") == NULL && !interrupted) {
		tell_portal(&d);
		tell_what_next(&d);
		go_on_serving(&d);
	}
	client_close(c); /* its idle connection would hold up the drain */
	end_server(&d);
	return fine ? CLI_FINE : CLI_FAILED;
}

static const struct option demo_options[] = {
	{"devices", "N", "how many are switched on [20]", OPTION_VALUE},
	{"once", NULL, "end after the table; exit status 0 only if all devices arrived", OPTION_SWITCH},
	{"https-port", "PORT", "of the server [443, or 8443 where that may not be bound]", OPTION_VALUE},
	{"mqtts-port", "PORT", "of the server [8883]", OPTION_VALUE},
	{"amqps-port", "PORT", "of the server [5671]", OPTION_VALUE},
	{"listen", "ADDRESS", "of the server [127.0.0.1]", OPTION_VALUE},
	{"domain", "NAME", "of the server [berth.test]", OPTION_VALUE},
	{"admin-listen", "ADDRESS:PORT", "of its health and metrics [127.0.0.1:9464]", OPTION_VALUE},
	{NULL, NULL, NULL, OPTION_VALUE},
};

const struct verb demo_verbs[] = {
	{"demo", "", "", "the tutorial: a server, two hubs, a service, devices that find their place", demo_options, NULL, demo},
	{NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};
