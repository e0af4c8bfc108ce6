/*
 * pages.h: the records of a service one after the other, in the order of their IDs, however many there are.
 *
 * They are read page by page, by key, and the page that follows is read while the one before is looked at; two pages are all that is held.
 * Each page is as the store was when it was read: what changes meanwhile is seen or not.
 */
#ifndef BERTH_API_PAGES_H
#define BERTH_API_PAGES_H

#include "store/store.h"

#define PAGES_ROWS_MAX   1000
#define PAGES_MEMORY_MAX (8 << 20) /* of one page; where so many rows do not fit, fewer are read */

struct pages;

struct pages_conf {
	struct store *store;
	struct loop *loop;
	const struct noun *noun;            /* its key is scope and id: noun_registration, noun_individual */
	struct slice scope;                 /* lent */
	const char *const *only;            /* as in struct store_want */
	void (*more_is_here)(void *cookie); /* from the loop: whoever was told to wait may look again */
	void *cookie;
};

enum pages_look {
	PAGES_RECORD,
	PAGES_WAIT, /* until more_is_here */
	PAGES_END,
	PAGES_FAILED, /* for good: pages_error says why */
};

/* It begins to read. NULL: out of memory. */
struct pages *pages_open(const struct pages_conf *);
void pages_close(struct pages **); /* sets NULL; NULL inside is welcome */

/* The record that is next; it lives until the next call. */
enum pages_look pages_look(struct pages *, const void **record);
void pages_next(struct pages *);

/* Leave out all whose ID comes before this one; folded. */
void pages_skip_to(struct pages *, struct slice id);

enum err pages_error(const struct pages *);

#endif
