/*
 * register.c: what a new connection with a registration costs a running server, beside what a new connection costs
 * others.
 *
 *	bench_register [OPTIONS] --certificate PEM --answer FILE TARGET...
 *
 *	--rounds N, --visits N, --at-once N    how many rounds, connections in each, and of them under way together
 *	--first N                              devices before number N have registered in an earlier run
 *	--cold                                 no warming up
 *
 * Targets are spelled as target.h says. Devices that register come first as new ones, then as such that are known already.
 * Before the first round each registering target is asked once, and the answer goes to FILE: a static file has the same bytes.
 *
 * In each round every target is visited, in the order given, and in every second round the other way round. Figures of different rounds
 * are not comparable on a noisy machine, so a ratio is to the last static file named before the target, in the same round; without
 * one, to the first target.
 */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "give_up.h"
#include "meter.h"
#include "target.h"
#include "visit.h"

#define TARGETS_MAX 8
#define COLUMNS_MAX (2 * TARGETS_MAX)
#define ROUNDS_MAX  101
#define SCATTER     0x9e3779b1u
#define SETTLE_US   150000 /* what a server does after its last answer counts too */

enum figure { CPU, RATIO, RATE, MEDIAN, SLOWEST, WRITTEN, SLICES, FIGURES };

/* One kind of visit. */
struct column {
	struct target *target;
	bool again;
	struct column *base; /* what it is compared with */
	double figures[FIGURES][ROUNDS_MAX];
	const char *session;
};

struct bench {
	int rounds, visits, at_once;
	unsigned first; /* devices before this one have been here in another run */
	bool cold;
	const char *answer_file;
	size_t answer_size;
	SSL_CTX *tls;
	X509 *certificate;
	struct target targets[TARGETS_MAX];
	size_t target_count;
	struct column columns[COLUMNS_MAX];
	size_t column_count;
	struct arena *arena; /* as long as the process */
};

struct visiting {
	struct bench *bench;
	struct column *column;
	unsigned next; /* the number of the first device */
};

/* --- asking and checking --- */

/* Those that come again are picked from all that have come. Of one visit a device is the same whenever it is asked for. */
static unsigned number_of(void *cookie, int connection)
{
	const struct visiting *v = cookie;
	const struct target *t = v->column->target;
	unsigned number = v->next + (unsigned)connection;

	return v->column->again ? t->first + number * SCATTER % (t->known - t->first) : number;
}

static void keep_answer(struct bench *b, struct slice body)
{
	FILE *f = fopen(b->answer_file, "w");

	if (f == NULL || fwrite(body.p, 1, body.n, f) != body.n || fclose(f) != 0)
		give_up("%s cannot be written", b->answer_file);
	b->answer_size = body.n;
}

/* The talk has seen to it that the device is assigned; a file must be as long as such an answer. */
static void registered(void *cookie, struct slice body)
{
	const struct visiting *v = cookie;
	struct bench *b = v->bench;

	if (v->column->target->kind == TARGET_FILE && body.n != b->answer_size)
		give_up("%s has another file", v->column->target->name);
	if (b->answer_size == 0)
		keep_answer(b, body);
}

static struct talk_device device(void *cookie, unsigned number, struct arena *arena)
{
	const struct visiting *v = cookie;

	return target_device(v->column->target, number, arena);
}

/* --- visiting --- */

static void note(struct column *c, int round, const struct visit *v, const struct meter *before, const struct meter *after)
{
	double n = v->count;

	c->figures[CPU][round] = (after->cpu_us - before->cpu_us) / n;
	c->figures[RATE][round] = n * 1e6 / (double)v->took_us;
	c->figures[MEDIAN][round] = visit_latency(v, 0.5) / 1e3;
	c->figures[SLOWEST][round] = visit_latency(v, 0.99) / 1e3;
	c->figures[WRITTEN][round] = (after->written_bytes - before->written_bytes) / n / 1024;
	c->figures[SLICES][round] = (after->switches - before->switches) / n;
	c->session = v->session;
}

static void visit(struct bench *b, struct column *c, int round, int count)
{
	struct target *t = c->target;
	struct visiting who = {.bench = b, .column = c, .next = t->known};
	struct talk_owner owner = {.device = device, .registered = registered, .cookie = &who};
	struct visit_conf conf = {.target = t,
				  .tls = b->tls,
				  .expects = b->certificate,
				  .count = count,
				  .at_once = b->at_once,
				  .number = number_of,
				  .cookie = &who,
				  .owner = &owner};
	struct meter before, after;
	struct visit v;

	if (t->count && !c->again && t->known + (unsigned)count > t->count)
		give_up("%s has only %u devices", t->name, t->count);
	meter_read(t->pid, &before);
	visit_run(&conf, &v);
	usleep(SETTLE_US);
	meter_read(t->pid, &after);
	note(c, round, &v, &before, &after);
	if (!c->again)
		t->known += (unsigned)count;
	visit_free(&v);
}

/* Servers and caches are warm, and the file is there, before anything counts. */
static void warm_up(struct bench *b)
{
	for (size_t i = 0; i < b->column_count; i++)
		if (b->columns[i].target->kind != TARGET_FILE)
			visit(b, &b->columns[i], 0, b->at_once);
	for (size_t i = 0; i < b->column_count; i++)
		visit(b, &b->columns[i], 0, b->visits / 4 > b->at_once ? b->visits / 4 : b->at_once);
}

static const char *title(const struct bench *b, const struct column *c)
{
	if (c->target->kind == TARGET_FILE)
		return c->target->name;
	return arena_printf(b->arena, "%s, %s", c->target->name, c->again ? "again" : "first");
}

static void print_head(const struct bench *b)
{
	printf("%d rounds of %d connections, %d at once; answers of %zu bytes; %s, X25519, no tickets, no resumption\n\n", b->rounds,
	       b->visits, b->at_once, b->answer_size, b->columns[0].session);
	printf("server CPU per connection in us, and the ratio in the same round\nround");
	for (size_t i = 0; i < b->column_count; i++)
		printf("   %21s", title(b, &b->columns[i]));
	printf("\n");
}

static void run_round(struct bench *b, int round)
{
	for (size_t i = 0; i < b->target_count; i++) {
		struct target *t = &b->targets[round % 2 ? b->target_count - 1 - i : i];

		for (size_t at = 0; at < b->column_count; at++)
			if (b->columns[at].target == t)
				visit(b, &b->columns[at], round, b->visits);
	}
	if (round == 0)
		print_head(b);
	printf("%5d", round + 1);
	for (size_t i = 0; i < b->column_count; i++) {
		struct column *c = &b->columns[i];

		c->figures[RATIO][round] = c->figures[CPU][round] / c->base->figures[CPU][round];
		printf("   %14.0f  %5.2f", c->figures[CPU][round], c->figures[RATIO][round]);
	}
	printf("\n");
	fflush(stdout);
}

/* --- telling --- */

static int by_size(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static const char *spread(const struct bench *b, struct column *c, enum figure f, int digits)
{
	double *at = c->figures[f];

	qsort(at, (size_t)b->rounds, sizeof(double), by_size);
	return arena_printf(b->arena, "%.*f [%.*f..%.*f]", digits, at[b->rounds / 2], digits, at[0], digits, at[b->rounds - 1]);
}

static double middle(const struct bench *b, struct column *c, enum figure f)
{
	qsort(c->figures[f], (size_t)b->rounds, sizeof(double), by_size);
	return c->figures[f][b->rounds / 2];
}

static void print_sums(struct bench *b)
{
	printf("\n%-22s %22s %20s %9s %8s %8s %9s %8s\n", "median [min..max]", "CPU us/connection", "ratio", "a second", "ms, half",
	       "ms, 99 %", "KB to disk", "switches");
	for (size_t i = 0; i < b->column_count; i++) {
		struct column *c = &b->columns[i];

		printf("%-22s %22s %20s %9.0f %8.1f %8.1f %9.1f %8.1f\n", title(b, c), spread(b, c, CPU, 0), spread(b, c, RATIO, 2),
		       middle(b, c, RATE), middle(b, c, MEDIAN), middle(b, c, SLOWEST), middle(b, c, WRITTEN), middle(b, c, SLICES));
	}
}

/* --- the command line --- */

static struct column *base_of(struct bench *b, bool again)
{
	for (size_t i = b->column_count; i > 0; i--)
		if (b->columns[i - 1].target->kind == TARGET_FILE)
			return &b->columns[i - 1];
	return &b->columns[again ? 1 : 0];
}

static void add_column(struct bench *b, struct target *t, bool again)
{
	struct column *c = &b->columns[b->column_count++];

	c->target = t;
	c->again = again;
	c->base = base_of(b, again);
}

static void add_target(struct bench *b, const char *text)
{
	struct target *t = &b->targets[b->target_count++];

	if (b->target_count > TARGETS_MAX)
		give_up("more than %d targets", TARGETS_MAX);
	target_read(b->arena, text, t);
	t->file = strrchr(b->answer_file, '/') ? strrchr(b->answer_file, '/') + 1 : b->answer_file;
	t->first = t->known = b->first;
	add_column(b, t, false);
	if (t->kind != TARGET_FILE)
		add_column(b, t, true);
}

static X509 *read_certificate(const char *path)
{
	FILE *f = path ? fopen(path, "re") : NULL;
	X509 *certificate = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;

	if (certificate == NULL)
		give_up("%s is no certificate", path ? path : "--certificate");
	fclose(f);
	return certificate;
}

static void read_options(struct bench *b, int argc, char **argv)
{
	static const struct option options[] = {{"rounds", required_argument, NULL, 'r'},
						{"visits", required_argument, NULL, 'v'},
						{"at-once", required_argument, NULL, 'n'},
						{"answer", required_argument, NULL, 'a'},
						{"certificate", required_argument, NULL, 'c'},
						{"first", required_argument, NULL, 'f'},
						{"cold", no_argument, NULL, 'C'},
						{0}};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'r': b->rounds = atoi(optarg); break;
		case 'v': b->visits = atoi(optarg); break;
		case 'n': b->at_once = atoi(optarg); break;
		case 'f': b->first = (unsigned)atol(optarg); break;
		case 'C': b->cold = true; break;
		case 'a': b->answer_file = optarg; break;
		case 'c': b->certificate = read_certificate(optarg); break;
		default: give_up("usage: %s [options] TARGET...", argv[0]);
		}
	}
	if (b->rounds < 1 || b->rounds > ROUNDS_MAX || b->visits < 1 || b->at_once < 1 || optind == argc || b->answer_file == NULL ||
	    b->certificate == NULL)
		give_up("usage: %s [options] TARGET...", argv[0]);
	for (; optind < argc; optind++)
		add_target(b, argv[optind]);
}

int main(int argc, char **argv)
{
	static struct bench b = {.rounds = 9, .visits = 2000, .at_once = 16};

	b.arena = arena_new(1 << 20);
	b.tls = visit_tls();
	read_options(&b, argc, argv);
	if (!b.cold)
		warm_up(&b);
	for (int round = 0; round < b.rounds; round++)
		run_round(&b, round);
	print_sums(&b);
	SSL_CTX_free(b.tls);
	X509_free(b.certificate);
	arena_free(&b.arena);
	return 0;
}
