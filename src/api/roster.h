/*
 * roster.h: every registered device of a service with the enrollment that would serve it now.
 *
 * Registrations and individual enrollments are both read in the order of their IDs and walk side by side, so a device finds its own
 * enrollment without asking for it. Groups are few, and kept as they are met.
 */
#ifndef BERTH_API_ROSTER_H
#define BERTH_API_ROSTER_H

#include "api/pages.h"

#define ROSTER_GROUPS_MAX    1000 /* kept at a time; with more, some are read again */
#define ROSTER_GROUPS_MEMORY (8 << 20)

struct roster;

struct roster_conf {
	struct store *store;
	struct loop *loop;
	struct slice scope; /* lent */
	const char *const *record_columns,
		*const *enrollment_columns; /* to be read; the key always is, and the record's must have group_id */
	void (*more_is_here)(void *cookie); /* as in struct pages_conf */
	void *cookie;
};

struct enrolled {
	const struct registration_record *record;
	const struct enrollment *enrollment; /* NULL: there is none any more */
};

/* NULL: out of memory. */
struct roster *roster_open(const struct roster_conf *);
void roster_close(struct roster **); /* sets NULL; NULL inside is welcome */

/* As pages_look: PAGES_RECORD is a device, which lives until the next call. */
enum pages_look roster_look(struct roster *, struct enrolled *out);
void roster_next(struct roster *);

enum err roster_error(const struct roster *);

#endif
