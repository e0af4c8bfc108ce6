#include <stdlib.h>

#include "base/map.h"
#include "io/mailbox.h"
#include "provision/news.h"

#define BULLETIN_MEMORY (64 << 10) /* of the names and sentences in one */
#define MINUTE          (60 * INSTANT_SECOND)

/* A curve: its last NEWS_MINUTES minutes, each in its place. */
struct curve {
	int64_t last; /* number of the newest minute */
	unsigned n[NEWS_KINDS][NEWS_MINUTES];
};

struct news_desk {
	struct loop *loop;
	struct mailbox *box;
	struct list parts;
	struct map *curves;
};

struct news {
	struct loop *loop;
	struct news_desk *desk;
	struct list link; /* in desk->parts */
	struct mailbox *box;
	struct map *gathering; /* scope -> struct bulletin */
	struct timer *timer;
	struct list watches, asks;
	atomic_int watchers;
};

struct news_watch {
	struct list link;
	struct news *at;
	void (*told)(void *cookie, const struct bulletin *);
	void *cookie;
};

struct news_ask {
	struct list link; /* in part->asks */
	struct news *at;
	void (*done)(void *cookie, const struct news_curve *); /* NULL: nobody waits any more */
	void *cookie;
};

/* Between a part and the desk. */
struct letter {
	struct list link;
	struct bulletin *bulletin; /* NULL: a question about a curve, or its answer */
	struct news *from;
	struct news_ask *ask;
	char *scope;
	int minutes;
	instant start;
	unsigned *n; /* NEWS_KINDS times `minutes` */
};

/* --- bulletins --- */

static void bulletin_release(struct bulletin *b)
{
	if (b == NULL || atomic_fetch_sub(&b->holders, 1) > 1)
		return;
	arena_free(&b->arena);
	free(b);
}

static struct bulletin *bulletin_new(const struct news_item *item, instant now)
{
	struct bulletin *b = calloc(1, sizeof(*b));

	if (b == NULL || (b->arena = arena_new(BULLETIN_MEMORY)) == NULL) {
		free(b);
		return NULL;
	}
	atomic_init(&b->holders, 1);
	b->at = now;
	b->scope = arena_copy(b->arena, item->scope);
	b->service = arena_copy(b->arena, item->service);
	return b;
}

static void count_hub(struct bulletin *b, struct slice hub)
{
	size_t i = 0;

	while (i < b->hub_count && !slice_eq(b->hubs[i].name, hub))
		i++;
	if (i == NEWS_HUBS) {
		i = NEWS_HUBS - 1;
		b->hubs[i].name = SLICE("");
	} else if (i == b->hub_count) {
		b->hubs[b->hub_count++] = (struct bulletin_hub){.name = arena_copy(b->arena, hub)};
	}
	b->hubs[i].n++;
}

static void name_device(struct bulletin *b, const struct news_item *item)
{
	bool fine = item->what == NEWS_ASSIGNED;
	struct bulletin_device *list = fine ? b->sample : b->refusals;
	size_t *count = fine ? &b->sample_count : &b->refusal_count;

	if (*count == (fine ? NEWS_SAMPLE : NEWS_REFUSALS))
		return;
	list[*count] = (struct bulletin_device){
		.id = arena_copy(b->arena, item->device),
		.hub = arena_copy(b->arena, item->hub),
		.protocol = arena_copy(b->arena, slice_str(item->protocol)),
		.sentence = arena_copy(b->arena, slice_str(item->sentence)),
		.ms = item->ms,
		.code = item->code,
	};
	if (!arena_failed(b->arena))
		(*count)++;
}

/* --- letters --- */

static void letter_free(struct letter *l)
{
	bulletin_release(l->bulletin);
	free(l->scope);
	free(l->n);
	free(l);
}

static void drop(struct list *link)
{
	letter_free(LIST_ITEM(link, struct letter, link));
}

/* --- the desk --- */

static struct curve *curve_of(struct news_desk *desk, struct slice scope, bool make)
{
	struct curve *c = map_get(desk->curves, scope);

	if (c || !make)
		return c;
	if ((c = calloc(1, sizeof(*c))) == NULL || map_put(desk->curves, scope, c) != OK) {
		free(c);
		return NULL;
	}
	return c;
}

/* The minutes between the last one and this had nothing in them. */
static void move_on(struct curve *c, int64_t minute)
{
	int64_t first = c->last + 1 > minute - NEWS_MINUTES + 1 ? c->last + 1 : minute - NEWS_MINUTES + 1;

	for (int64_t m = first; m <= minute; m++)
		for (int kind = 0; kind < NEWS_KINDS; kind++)
			c->n[kind][m % NEWS_MINUTES] = 0;
	if (minute > c->last)
		c->last = minute;
}

static void add_to_curve(struct news_desk *desk, const struct bulletin *b)
{
	struct curve *c = curve_of(desk, b->scope, true);

	if (c == NULL)
		return;
	move_on(c, b->at / MINUTE);
	for (int kind = 0; kind < NEWS_KINDS; kind++)
		c->n[kind][c->last % NEWS_MINUTES] += b->n[kind];
}

static void hand_on(struct news_desk *desk, struct bulletin *b)
{
	for (struct list *link = desk->parts.next; link != &desk->parts; link = link->next) {
		struct news *part = LIST_ITEM(link, struct news, link);
		struct letter *l;

		if (atomic_load(&part->watchers) == 0 || (l = calloc(1, sizeof(*l))) == NULL)
			continue;
		atomic_fetch_add(&b->holders, 1);
		l->bulletin = b;
		mailbox_put(part->box, &l->link);
	}
}

/* The answer travels home in the letter that asked; without memory for it, it goes home without. */
static void answer_curve(struct news_desk *desk, struct letter *l)
{
	struct curve *c = curve_of(desk, slice_str(l->scope), false);
	int64_t now = loop_wall(desk->loop) / MINUTE;

	l->start = (now - l->minutes + 1) * MINUTE;
	if (c)
		move_on(c, now);
	if ((l->n = calloc((size_t)l->minutes * NEWS_KINDS, sizeof(*l->n))) != NULL && c)
		for (int kind = 0; kind < NEWS_KINDS; kind++)
			for (int i = 0; i < l->minutes; i++)
				l->n[kind * l->minutes + i] = c->n[kind][(now - l->minutes + 1 + i) % NEWS_MINUTES];
	mailbox_put(l->from->box, &l->link);
}

static void desk_got(void *cookie, struct list *letters)
{
	struct news_desk *desk = cookie;
	struct list *link;

	while ((link = list_shift(letters)) != NULL) {
		struct letter *l = LIST_ITEM(link, struct letter, link);

		if (l->bulletin == NULL) {
			answer_curve(desk, l);
			continue;
		}
		add_to_curve(desk, l->bulletin);
		hand_on(desk, l->bulletin);
		letter_free(l);
	}
}

struct news_desk *news_desk_new(struct loop *loop)
{
	struct news_desk *desk = calloc(1, sizeof(*desk));

	if (desk == NULL)
		return NULL;
	desk->loop = loop;
	list_init(&desk->parts);
	desk->curves = map_new(NEWS_SERVICES);
	desk->box = mailbox_new(loop, desk_got, drop, desk);
	if (desk->curves == NULL || desk->box == NULL)
		news_desk_free(&desk);
	return desk;
}

void news_desk_free(struct news_desk **it)
{
	struct news_desk *desk = *it;
	struct curve *c;
	size_t at = 0;

	*it = NULL;
	if (desk == NULL)
		return;
	while (desk->curves && (c = map_each(desk->curves, &at, NULL)) != NULL)
		free(c);
	map_free(&desk->curves);
	mailbox_free(&desk->box);
	free(desk);
}

/* --- a part --- */

static void tell_watchers(struct news *part, const struct bulletin *b)
{
	struct list turn, *link;

	/* Any of them may be unwatched by what is told to another. */
	list_init(&turn);
	list_move_all(&turn, &part->watches);
	while ((link = list_shift(&turn)) != NULL) {
		struct news_watch *w = LIST_ITEM(link, struct news_watch, link);

		list_append(&part->watches, link);
		w->told(w->cookie, b);
	}
}

static void curve_is_here(struct letter *l)
{
	struct news_ask *ask = l->ask;
	struct news_curve curve = {.from = l->start, .minutes = l->n ? l->minutes : 0};

	for (int kind = 0; l->n && kind < NEWS_KINDS; kind++)
		curve.n[kind] = l->n + kind * l->minutes;
	list_remove(&ask->link);
	if (ask->done)
		ask->done(ask->cookie, &curve);
	free(ask);
}

static void part_got(void *cookie, struct list *letters)
{
	struct news *part = cookie;
	struct list *link;

	while ((link = list_shift(letters)) != NULL) {
		struct letter *l = LIST_ITEM(link, struct letter, link);

		if (l->bulletin)
			tell_watchers(part, l->bulletin);
		else
			curve_is_here(l);
		letter_free(l);
	}
}

struct news *news_new(struct loop *loop, struct news_desk *desk)
{
	struct news *part = calloc(1, sizeof(*part));

	if (part == NULL)
		return NULL;
	part->loop = loop;
	part->desk = desk;
	list_init(&part->watches);
	list_init(&part->asks);
	part->gathering = map_new(NEWS_SERVICES);
	part->box = mailbox_new(loop, part_got, drop, part);
	if (part->gathering == NULL || part->box == NULL) {
		map_free(&part->gathering);
		mailbox_free(&part->box);
		free(part);
		return NULL;
	}
	list_append(&desk->parts, &part->link);
	return part;
}

void news_free(struct news **it)
{
	struct news *part = *it;
	struct list *link;
	struct bulletin *b;
	size_t at = 0;

	*it = NULL;
	if (part == NULL)
		return;
	timer_cancel(&part->timer);
	while ((b = map_each(part->gathering, &at, NULL)) != NULL)
		bulletin_release(b);
	map_free(&part->gathering);
	mailbox_free(&part->box);
	while ((link = list_shift(&part->asks)) != NULL)
		free(LIST_ITEM(link, struct news_ask, link));
	while ((link = list_shift(&part->watches)) != NULL)
		free(LIST_ITEM(link, struct news_watch, link));
	list_remove(&part->link);
	free(part);
}

/* --- reporting --- */

static void send_bulletin(struct news *part, struct bulletin *b)
{
	struct letter *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		bulletin_release(b);
		return;
	}
	b->at = loop_wall(part->loop);
	l->bulletin = b;
	mailbox_put(part->desk->box, &l->link);
}

static void send_all(void *cookie)
{
	struct news *part = cookie;
	struct bulletin *b;
	struct slice key;
	size_t at = 0;

	part->timer = NULL;
	while ((b = map_each(part->gathering, &at, &key)) != NULL) {
		map_remove(part->gathering, key);
		send_bulletin(part, b);
	}
}

static struct bulletin *gathered(struct news *part, const struct news_item *item)
{
	struct bulletin *b = map_get(part->gathering, item->scope);

	if (b)
		return b;
	if ((b = bulletin_new(item, loop_wall(part->loop))) == NULL || map_put(part->gathering, item->scope, b) != OK) {
		bulletin_release(b);
		return NULL;
	}
	if (part->timer == NULL)
		part->timer = loop_after(part->loop, NEWS_EVERY_MS, send_all, part);
	return b;
}

void news_report(struct news *part, const struct news_item *item)
{
	struct bulletin *b = part ? gathered(part, item) : NULL;

	if (b == NULL)
		return;
	b->n[item->what]++;
	if (item->what == NEWS_ASSIGNED)
		count_hub(b, item->hub);
	name_device(b, item);
}

/* --- watching and asking --- */

struct news_watch *news_watch(struct news *part, void (*told)(void *, const struct bulletin *), void *cookie)
{
	struct news_watch *w = atomic_load(&part->watchers) < NEWS_WATCHERS ? calloc(1, sizeof(*w)) : NULL;

	if (w == NULL)
		return NULL;
	*w = (struct news_watch){.at = part, .told = told, .cookie = cookie};
	list_append(&part->watches, &w->link);
	atomic_fetch_add(&part->watchers, 1);
	return w;
}

void news_unwatch(struct news_watch **it)
{
	struct news_watch *w = *it;

	*it = NULL;
	if (w == NULL)
		return;
	atomic_fetch_sub(&w->at->watchers, 1);
	list_remove(&w->link);
	free(w);
}

struct news_ask *news_ask_curve(struct news *part, struct slice scope, int minutes, void (*done)(void *, const struct news_curve *),
				void *cookie)
{
	struct news_ask *ask = calloc(1, sizeof(*ask));
	struct letter *l = calloc(1, sizeof(*l));

	if (ask == NULL || l == NULL || (l->scope = strndup(scope.p, scope.n)) == NULL) {
		free(ask);
		free(l);
		return NULL;
	}
	*ask = (struct news_ask){.at = part, .done = done, .cookie = cookie};
	list_append(&part->asks, &ask->link);
	l->from = part;
	l->ask = ask;
	l->minutes = minutes < 1 ? 1 : minutes > NEWS_MINUTES ? NEWS_MINUTES : minutes;
	mailbox_put(part->desk->box, &l->link);
	return ask;
}

/* The letter is on its way, and finds that nobody waits. */
void news_cancel(struct news_ask **it)
{
	if (*it)
		(*it)->done = NULL;
	*it = NULL;
}
