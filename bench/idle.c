/*
 * idle.c: thousands of devices that log in over TLS, and then sit there.
 *
 *	bench_idle [OPTIONS] TARGET
 *
 *	--addresses N      that they come from: 127.0.0.1, 127.0.0.2 ... [8]
 *	--at-once N        how many do something together [64]
 *
 * The target is spelled as target.h says. What they do is read from standard input, a command a line; each is answered with a line
 * when it is done. Whatever goes wrong ends the process with a sentence and status 1.
 *
 *	hold N         connect and log in                       held N
 *	ping N         N of them ask whether the server lives   pinged N
 *	register N     N of them register                       registered N
 *	sit SECONDS    all of them do nothing                   sat SECONDS
 *	weigh          how large is the server?                 weighs BYTES, resident
 *	clock          how much has it computed so far?         used MICROSECONDS of the processors
 *	close          all say goodbye                          closed N
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "crowd.h"
#include "give_up.h"
#include "meter.h"

#define TARGET_MEMORY     65536
#define COMMAND_MAX       128
#define OTHER_DESCRIPTORS 16

struct idle {
	struct arena *arena;
	struct target target;
	struct talk_owner owner;
	struct crowd_conf conf;
	struct crowd *crowd;
};

/* --- commands --- */

static void hold(struct idle *i, unsigned count)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max < (rlim_t)count + OTHER_DESCRIPTORS)
		give_up("%u connections are more than this system lets a process have", count);
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		give_up("the limit of open files cannot be raised");
	crowd_come(i->crowd, count);
	printf("held %u\n", count);
}

static void ping(struct idle *i, unsigned count)
{
	crowd_do(i->crowd, TALK_PING, count);
	printf("pinged %u\n", count);
}

static void enroll(struct idle *i, unsigned count)
{
	crowd_do(i->crowd, TALK_REGISTER, count);
	printf("registered %u\n", count);
}

static void sit(struct idle *i, unsigned seconds)
{
	crowd_sit(i->crowd, (int)seconds * 1000);
	printf("sat %u\n", seconds);
}

static void weigh(struct idle *i, unsigned unused)
{
	(void)unused;
	crowd_sit(i->crowd, 0);
	printf("weighs %.0f\n", meter_resident(i->target.pid));
}

static void clock_in(struct idle *i, unsigned unused)
{
	struct meter used;

	(void)unused;
	crowd_sit(i->crowd, 0);
	meter_read(i->target.pid, &used);
	printf("used %.0f\n", used.cpu_us);
}

static void leave(struct idle *i, unsigned unused)
{
	(void)unused;
	printf("closed %u\n", crowd_leave(i->crowd));
}

static void obey(struct idle *i, const char *line)
{
	static const struct {
		const char *word;
		void (*run)(struct idle *, unsigned);
	} commands[] = {{"hold", hold},   {"ping", ping},      {"register", enroll}, {"sit", sit},
			{"weigh", weigh}, {"clock", clock_in}, {"close", leave}};
	char word[COMMAND_MAX] = "";
	unsigned number = 0;

	sscanf(line, "%127s %u", word, &number);
	for (size_t at = 0; at < sizeof(commands) / sizeof(commands[0]); at++)
		if (strcmp(commands[at].word, word) == 0) {
			commands[at].run(i, number);
			fflush(stdout);
			return;
		}
	give_up("nobody knows how to %s", word);
}

/* --- the command line --- */

static void read_options(struct idle *i, int argc, char **argv)
{
	static const struct option options[] = {
		{"addresses", required_argument, NULL, 'a'}, {"at-once", required_argument, NULL, 'n'}, {0}};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'a': i->conf.addresses = (unsigned)atoi(optarg); break;
		case 'n': i->conf.at_once = (unsigned)atoi(optarg); break;
		default: give_up("usage: %s [options] TARGET", argv[0]);
		}
	}
	if (i->conf.addresses == 0 || i->conf.at_once == 0 || optind != argc - 1)
		give_up("usage: %s [options] TARGET", argv[0]);
	target_read(i->arena, argv[optind], &i->target);
}

int main(int argc, char **argv)
{
	struct idle i = {.arena = arena_new(TARGET_MEMORY), .conf = {.addresses = 8, .at_once = 64}};
	char line[COMMAND_MAX];

	i.owner = (struct talk_owner){.device = target_device, .cookie = &i.target};
	i.conf.target = &i.target;
	i.conf.owner = &i.owner;
	read_options(&i, argc, argv);
	i.crowd = crowd_new(&i.conf);
	while (fgets(line, sizeof(line), stdin))
		obey(&i, line);
	crowd_free(i.crowd);
	arena_free(&i.arena);
	return 0;
}
