/*
 * csv.h: tables as spreadsheets write them (RFC 4180): fields between commas, or semicolons or tabs when the first line has those, in
 * quotes where they must be, lines ended by CR LF or LF. Pure; values are put into the arena.
 */
#ifndef BERTH_CODEC_CSV_H
#define BERTH_CODEC_CSV_H

#include "base/arena.h"
#include "base/err.h"

#define CSV_FIELDS_MAX 200 /* of one line */

struct csv {
	struct slice rest;
	char separator;
	size_t line; /* where the record that was read last begins, from 1 */
	size_t next_line;
};

/* A byte order mark in front is passed over. `text` is lent. */
void csv_init(struct csv *, struct slice text);

/* The next record; lines without anything are passed over. ERR_NOT_FOUND: the end; ERR_MALFORMED: a quote that is not closed, or
 * something behind a closing one; ERR_TOO_BIG: too many fields; ERR_NO_MEMORY. */
MUST_USE enum err csv_next(struct csv *, struct arena *, struct slice fields[CSV_FIELDS_MAX], size_t *count);

#endif
