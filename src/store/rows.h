/*
 * rows.h: records to values and back.
 *
 * What is absent is NULL; what is empty is kept as empty. A FIELD_KEY is sealed on its way
 * in, bound to the table, the keys and the column where it lies, and revealed on its way out.
 */
#ifndef BERTH_STORE_ROWS_H
#define BERTH_STORE_ROWS_H

#include "store/sql.h"

/* The whole record: one value for each column of the table, copied into the arena. */
MUST_USE enum err record_to_values(const struct table *, const struct seal *, const void *record, struct arena *, struct value *out);

/* One column of it; not a FIELD_KEY. */
MUST_USE enum err field_to_value(const struct field *, const void *record, struct arena *, struct value *out);

/* A value from its spelling in JSON: a string's text, "true", a number; times as ISO 8601. False: this
 * column cannot hold such a value. The text is copied into the arena (VALUE_NULL: it is full, or `text` is absent). */
bool text_to_value(const struct field *, struct slice text, struct arena *, struct value *out);

/* Replace the sealed values of a row by what they reveal. ERR_CORRUPT, ERR_NO_MEMORY. */
MUST_USE enum err row_reveal(const struct table *, const struct seal *, struct row *, struct arena *);

/* Fill a record, copied into the arena. ERR_CORRUPT, ERR_NO_MEMORY. */
MUST_USE enum err row_to_record(const struct table *, const struct row *, struct arena *, void *record);

#endif
