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
 * A target is NAME,PID,PORT and what to ask there:
 *	file                  a GET of /FILE's last part: a static file (nginx)
 *	group,SCOPE,KEY       devices of a group with this key (base64), each new; then such as are known already
 *	own,SCOPE,COUNT       devices with enrollments of their own (bench_enrollments), the same way
 *
 * Before the first round each registering target is asked once, and the answer goes to FILE: nginx serves the same bytes.
 * In each round every target is visited, in the order given, and in every second round the other way round. Figures
 * of different rounds are not comparable on a noisy machine, so a ratio is to the first target in the same round.
 */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "base/text.h"
#include "crypto/token.h"
#include "devices.h"
#include "give_up.h"
#include "meter.h"
#include "visit.h"

#define TARGETS_MAX 8
#define COLUMNS_MAX (2 * TARGETS_MAX)
#define ROUNDS_MAX  101
#define ASK_MEMORY  65536
#define SETTLE_US   150000 /* what a server does after its last answer counts too */
#define STRIDE      611953u

enum kind { FILE_KIND, GROUP_KIND, OWN_KIND };
enum figure { CPU, RATIO, RATE, MEDIAN, SLOWEST, WRITTEN, SLICES, FIGURES };

struct target {
	const char *name;
	int pid, port;
	enum kind kind;
	struct slice scope, key;
	unsigned count;        /* devices that are let in */
	unsigned first, known; /* those from `first` to before `known` have registered */
};

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

static unsigned number_of(const struct visiting *v, int connection)
{
	const struct target *t = v->column->target;

	if (v->column->again)
		return t->first + (unsigned)rand() % (t->known - t->first);
	return v->next + (unsigned)connection;
}

static void ask_to_register(const struct target *t, unsigned number, struct buf *request)
{
	struct arena *arena = arena_new(ASK_MEMORY);
	unsigned char key[32];
	struct slice name;

	if (t->kind == OWN_KIND) {
		name = device_name(arena, "press", (unsigned)((uint64_t)number * STRIDE % t->count));
		device_own_key(name, key);
	} else {
		name = device_name(arena, "mill", number);
		device_key(t->key, name, key);
	}
	device_register(arena, t->scope, name, slice_over(key, sizeof(key)), request);
	arena_free(&arena);
}

static void ask(void *cookie, int connection, struct buf *request)
{
	const struct visiting *v = cookie;
	const char *slash = strrchr(v->bench->answer_file, '/');

	if (v->column->target->kind == FILE_KIND)
		buf_printf(request, "GET /%s HTTP/1.1\r\nHost: global.berth.test\r\nUser-Agent: bench\r\n\r\n",
			   slash ? slash + 1 : v->bench->answer_file);
	else
		ask_to_register(v->column->target, number_of(v, connection), request);
}

static void keep_answer(struct bench *b, struct slice body)
{
	FILE *f = fopen(b->answer_file, "w");

	if (f == NULL || fwrite(body.p, 1, body.n, f) != body.n || fclose(f) != 0)
		give_up("%s cannot be written", b->answer_file);
	b->answer_size = body.n;
}

static bool check(void *cookie, int connection, int status, struct slice body)
{
	const struct visiting *v = cookie;
	struct bench *b = v->bench;

	(void)connection;
	if (v->column->target->kind == FILE_KIND)
		return status == 200 && body.n == b->answer_size;
	if (b->answer_size == 0)
		keep_answer(b, body);
	return status / 100 == 2 && slice_search(body, SLICE("\"status\":\"assigned\"")) >= 0 &&
	       slice_search(body, SLICE("\"assignedHub\":\"")) >= 0;
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
	struct visit_conf conf = {.port = t->port,
				  .tls = b->tls,
				  .expects = b->certificate,
				  .count = count,
				  .at_once = b->at_once,
				  .ask = ask,
				  .check = check,
				  .cookie = &who};
	struct meter before, after;
	struct visit v;

	if (t->kind == OWN_KIND && !c->again && t->known + (unsigned)count > t->count)
		give_up("%s has only %u enrollments", t->name, t->count);
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
		if (b->columns[i].target->kind != FILE_KIND)
			visit(b, &b->columns[i], 0, b->at_once);
	for (size_t i = 0; i < b->column_count; i++)
		visit(b, &b->columns[i], 0, b->visits / 4 > b->at_once ? b->visits / 4 : b->at_once);
}

static const char *title(const struct bench *b, const struct column *c)
{
	if (c->target->kind == FILE_KIND)
		return c->target->name;
	return arena_printf(b->arena, "%s, %s", c->target->name, c->again ? "again" : "first");
}

static void print_head(const struct bench *b)
{
	printf("%d rounds of %d connections, %d at once; answers of %zu bytes; %s, X25519, no tickets, no resumption\n\n", b->rounds,
	       b->visits, b->at_once, b->answer_size, b->columns[0].session);
	printf("server CPU per connection in us, and the ratio to the first of its kind in the same round\nround");
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

static void add_column(struct bench *b, struct target *t, bool again)
{
	struct column *c = &b->columns[b->column_count++];

	c->target = t;
	c->again = again;
	c->base = again && b->targets[0].kind != FILE_KIND ? &b->columns[1] : &b->columns[0];
}

static struct slice piece(struct slice *rest, const char *target)
{
	struct slice it;

	if (!slice_next(rest, ',', &it))
		give_up("%s is no target", target);
	return it;
}

static void add_target(struct bench *b, const char *text)
{
	struct target *t = &b->targets[b->target_count++];
	struct slice rest = slice_str(text), kind;

	if (b->target_count > TARGETS_MAX)
		give_up("more than %d targets", TARGETS_MAX);
	t->name = arena_str(b->arena, piece(&rest, text));
	t->pid = atoi(arena_str(b->arena, piece(&rest, text)));
	t->port = atoi(arena_str(b->arena, piece(&rest, text)));
	kind = piece(&rest, text);
	t->kind = slice_eq(kind, SLICE("file")) ? FILE_KIND : slice_eq(kind, SLICE("own")) ? OWN_KIND : GROUP_KIND;
	t->first = t->known = b->first;
	if (t->kind != FILE_KIND)
		t->scope = piece(&rest, text);
	if (t->kind == GROUP_KIND)
		t->key = base64_decode(b->arena, piece(&rest, text));
	if (t->kind == OWN_KIND)
		t->count = (unsigned)atol(arena_str(b->arena, piece(&rest, text)));
	add_column(b, t, false);
	if (t->kind != FILE_KIND)
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
	for (; optind < argc; optind++)
		add_target(b, argv[optind]);
	if (b->rounds < 1 || b->rounds > ROUNDS_MAX || b->visits < 1 || b->at_once < 1 || b->target_count == 0 || b->answer_file == NULL ||
	    b->certificate == NULL)
		give_up("usage: %s [options] TARGET...", argv[0]);
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
