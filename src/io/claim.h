/*
 * claim.h: a name that is held by one holder at a time, over all loops together.
 *
 * Who takes a name takes it from whoever held it, and that one is told on its own loop. All calls may come from any thread, but a claim
 * is taken and dropped on the loop that it names.
 */
#ifndef BERTH_IO_CLAIM_H
#define BERTH_IO_CLAIM_H

#include "base/err.h"
#include "base/slice.h"
#include "io/loop.h"

#define CLAIMS_MAX (1 << 20) /* names held at once */

struct claims;

/* Memory of the holder's, zeroed but for these three. */
struct claim {
	struct loop *loop;
	struct slice name;            /* lent until it is dropped */
	void (*lost)(struct claim *); /* somebody else has taken it: runs once, later, and not after claim_drop */

	struct claims *in; /* NULL: not taken */
	struct task task;
};

struct claims *claims_new(void); /* NULL: out of memory */

/* Nobody may hold anything any more. NULL inside is welcome. */
void claims_free(struct claims **);

/* ERR_TOO_BIG: CLAIMS_MAX names are held; ERR_NO_MEMORY. Then nothing is taken from anybody. */
MUST_USE enum err claim_take(struct claims *, struct claim *);

/* One that was not taken, or was lost, is welcome. */
void claim_drop(struct claim *);

#endif
