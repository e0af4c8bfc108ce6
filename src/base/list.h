/*
 * list.h: a doubly linked list whose links live inside the things listed.
 */
#ifndef BERTH_BASE_LIST_H
#define BERTH_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

/* The struct of type `type` whose member `member` is the link `ptr`. */
#define LIST_ITEM(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/* Makes an empty list of a head, and of a link one that is in no list. */
static inline void list_init(struct list *head)
{
	head->next = head->prev = head;
}

static inline bool list_empty(const struct list *head)
{
	return head->next == head;
}

/* At the end. The link must be in no list. */
static inline void list_append(struct list *head, struct list *link)
{
	link->prev = head->prev;
	link->next = head;
	head->prev->next = link;
	head->prev = link;
}

/* Taking out a link that is in no list (only list_init-ed) does nothing. */
static inline void list_remove(struct list *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	link->next = link->prev = link;
}

/* The first link, taken out; NULL when there is none. */
static inline struct list *list_shift(struct list *head)
{
	struct list *first = head->next;

	if (first == head)
		return NULL;
	list_remove(first);
	return first;
}

/* Move everything from `from` to the end of `to`. */
static inline void list_move_all(struct list *to, struct list *from)
{
	struct list *link;

	while ((link = list_shift(from)) != NULL)
		list_append(to, link);
}

#endif
