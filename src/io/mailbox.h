/*
 * mailbox.h: letters from any thread to one loop.
 *
 * A letter is memory of the sender's that belongs to the receiver once it is put. They come in the order of their putting, many in one
 * turn; what is left when the box is freed is thrown away, so none is lost between two threads.
 */
#ifndef BERTH_IO_MAILBOX_H
#define BERTH_IO_MAILBOX_H

#include "io/loop.h"

struct mailbox;

/* got() runs from the loop with all letters that are there: take them out of the list, one by one. drop() is for those that nobody
 * took. NULL: out of memory. */
struct mailbox *mailbox_new(struct loop *, void (*got)(void *cookie, struct list *letters), void (*drop)(struct list *letter),
			    void *cookie);

/* From the loop's own thread, or when no loop runs any more; nobody may put anything after it. */
void mailbox_free(struct mailbox **);

/* From any thread. */
void mailbox_put(struct mailbox *, struct list *letter);

#endif
