/*
 * question.h: from what is wanted to a statement.
 */
#ifndef BERTH_STORE_QUESTION_H
#define BERTH_STORE_QUESTION_H

#include "store/sql.h"

/* `shown` is the table, or what of its columns is to be read. Everything is copied into the arena. ERR_INVALID: a condition on what is no column, or an `after`
 * that its column cannot hold; ERR_TOO_BIG: too many conditions; ERR_NO_MEMORY. */
MUST_USE enum err question_write(const struct table *, const struct table *shown, const struct store_want *, struct arena *,
				 struct statement *out);

#endif
