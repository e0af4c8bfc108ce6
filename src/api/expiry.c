#include <stdlib.h>

#include "api/expiry.h"

#define DAY            (INSTANT_SECOND * 86400)
#define SERVICES_MAX   10000 /* whose certificates are counted */
#define LOOK_MEMORY    (4 << 20)
#define FIGURES_MEMORY (16 << 20)

static const int windows[] = {0, 7, 30}; /* days; 0: ended already */

#define WINDOWS (sizeof(windows) / sizeof(windows[0]))

static const struct kind {
	const char *name; /* as `certificate expiring` calls it */
	const struct noun *noun;
	int by;
} kinds[] = {
	{"caCertificate", &noun_ca_certificate, CA_BY_END},
	{"enrollmentGroup", &noun_group, GROUP_BY_END},
	{"enrollment", &noun_individual, INDIVIDUAL_BY_END},
	{"device", &noun_presented, PRESENTED_BY_END},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* What one service has. */
struct figures {
	struct list link;
	struct slice service;
	size_t within[KINDS][WINDOWS];
	instant next[KINDS]; /* when the first one ends that has not ended yet; 0: there is none */
};

struct expiry {
	struct loop *loop;
	struct store *store;
	struct arena *arena; /* of the figures */
	struct list figures;
	bool looked;
	int64_t looked_ms;

	/* A look under way. */
	struct arena *work, *fresh_arena;
	struct list fresh;
	size_t services;
	instant now;
	struct store_ask *ask;
	struct service like;
	struct store_want service, want[KINDS][WINDOWS + 1]; /* the last one: the next to end */
};

static void look_over(struct expiry *x)
{
	store_cancel(&x->ask);
	arena_free(&x->work);
	arena_free(&x->fresh_arena);
	list_init(&x->fresh);
}

struct expiry *expiry_new(struct loop *loop, struct store *store)
{
	struct expiry *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return NULL;
	x->loop = loop;
	x->store = store;
	list_init(&x->figures);
	list_init(&x->fresh);
	return x;
}

void expiry_free(struct expiry **it)
{
	struct expiry *x = *it;

	*it = NULL;
	if (x == NULL)
		return;
	look_over(x);
	arena_free(&x->arena);
	free(x);
}

/* --- looking: one service after the other --- */

static void read_service(struct expiry *x, struct slice after);

static void take_figures(struct expiry *x)
{
	const struct service *service = x->service.records;
	struct figures *f = arena_alloc(x->fresh_arena, sizeof(*f));

	if (f == NULL)
		return;
	*f = (struct figures){.service = arena_copy(x->fresh_arena, service->name)};
	for (size_t k = 0; k < KINDS; k++) {
		const struct store_want *next = &x->want[k][WINDOWS];
		const struct field *end = noun_field(kinds[k].noun, "certificate_end");

		for (size_t w = 0; w < WINDOWS; w++)
			f->within[k][w] = x->want[k][w].count;
		if (next->count)
			f->next[k] = *(const instant *)field_of(end, next->records);
	}
	list_append(&x->fresh, &f->link);
}

static void publish(struct expiry *x)
{
	arena_free(&x->arena);
	x->arena = x->fresh_arena;
	x->fresh_arena = NULL;
	list_init(&x->figures);
	list_move_all(&x->figures, &x->fresh);
	look_over(x);
}

static void service_counted(void *cookie, enum err e)
{
	struct expiry *x = cookie;
	const struct service *service = x->service.records;

	x->ask = NULL;
	if (e != OK) {
		log_warn(NULL, "expiry-not-counted", "error", err_text(e), NULL);
		look_over(x);
		return;
	}
	take_figures(x);
	if (x->service.more && ++x->services < SERVICES_MAX)
		read_service(x, arena_copy(x->fresh_arena, service->scope));
	else
		publish(x);
}

static struct slice iso(struct expiry *x, instant t)
{
	char text[INSTANT_TEXT];

	return arena_copy(x->work, slice_str(instant_print(t, INSTANT_ISO7, text)));
}

static void want_kind(struct expiry *x, size_t k, struct slice scope)
{
	const struct kind *kind = &kinds[k];
	void *like = noun_new(kind->noun, x->work);
	const struct store_want all = {.noun = kind->noun, .by = kind->by, .like = like, .keys = 1};

	if (like == NULL)
		return;
	*(struct slice *)field_of(noun_field(kind->noun, "scope"), like) = scope;
	for (size_t w = 0; w < WINDOWS; w++) {
		x->want[k][w] = all;
		x->want[k][w].count_only = true;
		x->want[k][w].until = iso(x, x->now + windows[w] * DAY);
	}
	x->want[k][WINDOWS] = all;
	x->want[k][WINDOWS].after = iso(x, x->now);
}

static void service_read(void *cookie, enum err e)
{
	struct expiry *x = cookie;
	const struct service *service = x->service.records;

	x->ask = NULL;
	if (e == OK && x->service.count == 0) {
		publish(x);
		return;
	}
	for (size_t k = 0; e == OK && k < KINDS; k++)
		want_kind(x, k, service->scope);
	if (e == OK && !arena_failed(x->work))
		x->ask = store_read(x->store, x->loop, x->work, x->want[0], KINDS * (WINDOWS + 1), service_counted, x);
	if (x->ask == NULL)
		look_over(x);
}

static void read_service(struct expiry *x, struct slice after)
{
	arena_free(&x->work);
	if ((x->work = arena_new(LOOK_MEMORY)) != NULL) {
		noun_clear(&noun_service, &x->like);
		x->service = (struct store_want){.noun = &noun_service, .like = &x->like, .after = after, .limit = 1};
		x->ask = store_read(x->store, x->loop, x->work, &x->service, 1, service_read, x);
	}
	if (x->ask == NULL)
		look_over(x);
}

static void look(struct expiry *x)
{
	x->looked = true;
	x->looked_ms = loop_now_ms(x->loop);
	x->now = loop_wall(x->loop);
	x->services = 0;
	if ((x->fresh_arena = arena_new(FIGURES_MEMORY)) != NULL)
		read_service(x, NO_SLICE);
}

/* --- telling --- */

static void tell(const struct figures *f, struct metrics *m)
{
	struct buf labels;

	buf_init(&labels, 1024);
	for (size_t k = 0; k < KINDS; k++) {
		for (size_t w = 0; w < WINDOWS; w++) {
			char days[16];

			snprintf(days, sizeof(days), "%dd", windows[w]);
			buf_clear(&labels);
			metrics_label(&labels, "ProvisioningServiceName", f->service);
			metrics_label(&labels, "kind", slice_str(kinds[k].name));
			metrics_label(&labels, "within", slice_str(days));
			metrics_add(m, METRIC_berth_certificates_expiring, NULL, buf_slice(&labels), (double)f->within[k][w]);
		}
		if (f->next[k] == 0)
			continue;
		buf_clear(&labels);
		metrics_label(&labels, "ProvisioningServiceName", f->service);
		metrics_label(&labels, "kind", slice_str(kinds[k].name));
		metrics_add(m, METRIC_berth_certificate_next_expiry_seconds, NULL, buf_slice(&labels),
			    (double)f->next[k] / (double)INSTANT_SECOND);
	}
	buf_fini(&labels);
}

void expiry_collect(struct expiry *x, struct metrics *m)
{
	for (const struct list *l = x->figures.next; l != &x->figures; l = l->next)
		tell(LIST_ITEM(l, struct figures, link), m);
	if (x->work == NULL && (!x->looked || loop_now_ms(x->loop) - x->looked_ms >= EXPIRY_LOOK_MS))
		look(x);
}
