#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/log.h"
#include "io/loop.h"
#include "daemon/first_operator.h"
#include "daemon/folder.h"
#include "daemon/house.h"
#include "daemon/serve.h"
#include "daemon/settings.h"

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#else
#define sd_notify(unset, state) ((void)0)
#endif

#define SETTINGS_ARENA_MAX (4 * 1024 * 1024)
#define OTHER_DESCRIPTORS  512 /* of the store, the loops, linked hubs, health */

struct server {
	int argc;
	char **argv;
	struct settings settings;
	struct folder folder;
	struct house *house;
	struct arena *arena;
};

static void set_up_log(const struct settings *s)
{
	enum log_level level = LOG_INFO;
	enum log_form form = LOG_AUTO;

	(void)log_parse_level(slice_str(s->log_level), &level);
	if (s->log_format && strcmp(s->log_format, "json") == 0)
		form = LOG_JSON;
	else if (s->log_format && strcmp(s->log_format, "text") == 0)
		form = LOG_TEXT;
	log_setup(2, form, level);
}

static int print_help(void)
{
	printf("usage: berth serve [options]\n\nRuns provisioning services and IoT hubs until SIGTERM; SIGHUP reloads certificates and "
	       "settings.\n\n");
	settings_print_help(stdout);
	return 0;
}

/* --- descriptors --- */

/* Soft limits are kept low for programs that still use select(); we take what we may have. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)!setrlimit(RLIMIT_NOFILE, &limit);
}

/* Connections beyond what the system lets us have wait at the door. */
static void compare_with_descriptor_limit(int64_t connections)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < (rlim_t)connections + OTHER_DESCRIPTORS)
		log_info(NULL, "few-descriptors", "connections", log_num((char[24]){0}, connections), "descriptors",
			 log_num((char[24]){0}, (long long)limit.rlim_cur), "reason",
			 "the limit of open files, which the system sets, is too low for so many connections", NULL);
}

/* --- signals, on the first loop --- */

static void on_end(void *cookie)
{
	struct server *server = cookie;

	log_info(NULL, "draining", NULL);
	sd_notify(0, "STOPPING=1");
	house_drain(server->house);
}

/* Read everything again; what is wrong leaves things as they were. */
static void on_reload(void *cookie)
{
	struct server *server = cookie;
	struct settings fresh;
	const char *why = NULL;
	bool help;

	if (settings_read(server->argc, server->argv, server->arena, &fresh, &help, &why) != OK ||
	    house_reload(server->house, &fresh, &why) != OK) {
		log_error(NULL, "reload-failed", "reason", why, NULL);
	} else {
		compare_with_descriptor_limit(fresh.connections);
		log_info(NULL, "reloaded", NULL);
	}
}

static void announce(struct server *server)
{
	const struct announcement a = {.https_port = house_port(server->house, DOOR_HTTPS),
				       .mqtts_port = house_port(server->house, DOOR_MQTTS),
				       .amqps_port = house_port(server->house, DOOR_AMQPS)};

	if (folder_announce(&server->folder, &server->settings, &a, server->arena) != OK)
		log_warn(NULL, "not-announced", "reason", "server.json cannot be written, so the CLI will not find this server by itself",
			 NULL);
}

/* Said once and stored nowhere: on stderr, but not in the words and the form of the log. */
static void tell_first_password(const struct server *server)
{
	const char *password = house_first_password(server->house);

	if (*password)
		fprintf(stderr,
			"\nThe portal is at https://portal.%s:%d/ and at every address of this server.\n"
			"Sign in as %s with the password %s\n"
			"It is not shown again; \"berth operator set-password %s\" sets another one.\n\n",
			server->settings.domain, house_port(server->house, DOOR_HTTPS), FIRST_OPERATOR, password, FIRST_OPERATOR);
}

static int run(struct server *server)
{
	struct loop *loop = house_first_loop(server->house);
	struct signal_watch *term = loop_on_signal(loop, SIGTERM, on_end, server);
	struct signal_watch *interrupt = loop_on_signal(loop, SIGINT, on_end, server);
	struct signal_watch *hangup = loop_on_signal(loop, SIGHUP, on_reload, server);
	char ports[DOORS][24];

	for (size_t i = 0; i < DOORS; i++)
		log_num(ports[i], house_port(server->house, (enum door_name)i));
	log_info(NULL, "serving", "version", BERTH_VERSION, "domain", server->settings.domain, "listen", server->settings.listen,
		 "https-port", ports[DOOR_HTTPS], "mqtts-port", ports[DOOR_MQTTS], "amqps-port", ports[DOOR_AMQPS], "data",
		 server->folder.path, "ca", server->folder.ca_file, NULL);
	tell_first_password(server);
	sd_notify(0, "READY=1");
	house_run(server->house);
	signal_watch_stop(&term);
	signal_watch_stop(&interrupt);
	signal_watch_stop(&hangup);
	log_info(NULL, "stopped", NULL);
	return 0;
}

int serve(int argc, char **argv)
{
	struct server server = {.argc = argc, .argv = argv};
	const char *why = NULL;
	bool help;
	int status = 1;

	if ((server.arena = arena_new(SETTINGS_ARENA_MAX)) == NULL)
		return 1;
	signal(SIGPIPE, SIG_IGN);
	if (settings_read(argc, argv, server.arena, &server.settings, &help, &why) != OK) {
		fprintf(stderr, "berth: %s\n", why);
		arena_free(&server.arena);
		return 2;
	}
	if (help) {
		arena_free(&server.arena);
		return print_help();
	}
	set_up_log(&server.settings);
	raise_descriptor_limit();
	compare_with_descriptor_limit(server.settings.connections);
	if (folder_open(&server.settings, server.arena, clock_wall(), &server.folder, &why) != OK) {
		log_error(NULL, "cannot-start", "reason", why, NULL);
		goto out;
	}
	if (house_open(&server.settings, &server.folder, server.arena, &server.house, &why) != OK) {
		log_error(NULL, "cannot-start", "reason", why, NULL);
		goto close_folder;
	}
	announce(&server);
	status = run(&server);
	house_close(&server.house);
close_folder:
	folder_close(&server.folder);
out:
	arena_free(&server.arena);
	return status;
}
