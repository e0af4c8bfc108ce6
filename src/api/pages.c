/*
 * pages.c: see pages.h.
 */
#include <stdlib.h>

#include "api/pages.h"

/* Behind every character that an ID may have (device-api.md 4). */
#define LAST_CHARACTER 0x7f

struct page {
	struct arena *arena; /* NULL: there is none */
	struct store_want want;
	size_t at;
};

struct pages {
	struct pages_conf conf;
	const struct field *id;
	void *like;
	struct arena *arena;     /* of `like` */
	struct page here, ahead; /* looked at; read, or being read */
	struct store_ask *ask;
	int rows;               /* of the next page */
	char after[ID_MAX + 1]; /* it begins behind this ID */
	size_t after_length;    /* 0: at the start */
	bool waited_for;        /* somebody was told to wait */
	bool last;              /* nothing comes after `here` and `ahead` */
	enum err error;
};

static void drop_page(struct page *page)
{
	arena_free(&page->arena);
	*page = (struct page){.arena = NULL};
}

static struct slice id_of(const struct pages *p, const void *record)
{
	return *(const struct slice *)((const char *)record + p->id->offset);
}

static const void *record_at(const struct pages *p, const struct page *page, size_t i)
{
	return (const char *)page->want.records + i * p->conf.noun->size;
}

static void go_on_after(struct pages *p, struct slice id)
{
	p->after_length = id.n < sizeof(p->after) ? id.n : sizeof(p->after);
	if (p->after_length > 0)
		memcpy(p->after, id.p, p->after_length);
}

static void page_is_here(void *cookie, enum err e);

static void read_ahead(struct pages *p)
{
	struct page *page = &p->ahead;

	*page = (struct page){.arena = arena_new(PAGES_MEMORY_MAX)};
	page->want = (struct store_want){.noun = p->conf.noun,
					 .like = p->like,
					 .keys = 1,
					 .after = p->after_length ? slice_over(p->after, p->after_length) : NO_SLICE,
					 .limit = p->rows,
					 .only = p->conf.only};
	if (page->arena)
		p->ask = store_read(p->conf.store, p->conf.loop, page->arena, &page->want, 1, page_is_here, p);
	if (p->ask == NULL)
		p->error = ERR_NO_MEMORY;
}

/* Read as many as fit: a page of long rows is asked for again, shorter. */
static void page_is_here(void *cookie, enum err e)
{
	struct pages *p = cookie;
	struct page *page = &p->ahead;

	p->ask = NULL;
	if (e == ERR_TOO_BIG && p->rows > 1) {
		drop_page(page);
		p->rows = p->rows / 4 > 1 ? p->rows / 4 : 1;
		read_ahead(p);
		if (p->error == OK)
			return;
	} else if (e != OK) {
		p->error = e;
	} else {
		p->last = !page->want.more;
		if (page->want.count > 0)
			go_on_after(p, id_of(p, record_at(p, page, page->want.count - 1)));
	}
	if (!p->waited_for)
		return;
	p->waited_for = false;
	p->conf.more_is_here(p->conf.cookie);
}

struct pages *pages_open(const struct pages_conf *conf)
{
	struct pages *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->conf = *conf;
	p->rows = PAGES_ROWS_MAX;
	p->id = noun_field(conf->noun, "id");
	if ((p->arena = arena_new(1 << 16)) == NULL || (p->like = noun_new(conf->noun, p->arena)) == NULL) {
		pages_close(&p);
		return NULL;
	}
	*(struct slice *)field_of(noun_field(conf->noun, "scope"), p->like) = conf->scope;
	read_ahead(p);
	return p;
}

void pages_close(struct pages **it)
{
	struct pages *p = *it;

	*it = NULL;
	if (p == NULL)
		return;
	store_cancel(&p->ask);
	drop_page(&p->here);
	drop_page(&p->ahead);
	arena_free(&p->arena);
	free(p);
}

/* The page that was looked at is done with: on to the next, and the one after it is asked for. False: there is none, or not yet. */
static bool turn_page(struct pages *p)
{
	if (p->ask || p->ahead.arena == NULL)
		return false;
	drop_page(&p->here);
	p->here = p->ahead;
	p->ahead = (struct page){.arena = NULL};
	if (!p->last)
		read_ahead(p);
	return true;
}

enum pages_look pages_look(struct pages *p, const void **record)
{
	while (p->here.arena == NULL || p->here.at == p->here.want.count) {
		if (p->error != OK)
			return PAGES_FAILED;
		if (turn_page(p))
			continue;
		p->waited_for = p->ask != NULL;
		return p->ask ? PAGES_WAIT : PAGES_END;
	}
	*record = record_at(p, &p->here, p->here.at);
	return PAGES_RECORD;
}

void pages_next(struct pages *p)
{
	p->here.at++;
}

/* Just before it, and behind all that come before it. */
static void go_on_at(struct pages *p, struct slice id)
{
	go_on_after(p, slice_to(id, id.n < ID_MAX ? id.n : ID_MAX));
	p->after[p->after_length - 1]--;
	p->after[p->after_length++] = LAST_CHARACTER;
}

static bool ends_before(const struct pages *p, const struct page *page, struct slice id)
{
	return page->want.count == 0 || slice_cmp(id_of(p, record_at(p, page, page->want.count - 1)), id) < 0;
}

/* What is between the page that was read ahead and the ID need not be read. */
void pages_skip_to(struct pages *p, struct slice id)
{
	while (p->here.arena && p->here.at < p->here.want.count && slice_cmp(id_of(p, record_at(p, &p->here, p->here.at)), id) < 0)
		p->here.at++;
	if (id.n == 0 || p->last || p->ask || p->error != OK || p->ahead.arena == NULL ||
	    (p->here.arena && p->here.at < p->here.want.count) || !ends_before(p, &p->ahead, id))
		return;
	drop_page(&p->ahead);
	go_on_at(p, id);
	read_ahead(p);
}

enum err pages_error(const struct pages *p)
{
	return p->error;
}
