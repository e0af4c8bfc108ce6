/*
 * foretell.h: where a device would be placed if it registered now, while the service is as it might be.
 *
 * Pure, and decided by what decides when the device comes (choose.c), so what is foretold is what then happens, as long as nothing else
 * changes and the device shows what it showed before. What only the device, or somebody else, can say is left undecided.
 */
#ifndef BERTH_PROVISION_FORETELL_H
#define BERTH_PROVISION_FORETELL_H

#include "io/geo.h"
#include "model/model.h"

/* The service, and what devices may be placed on. */
struct placing {
	struct slice policy; /* the service's; absent: Hashed */
	const struct linked_hub *hubs;
	size_t hub_count;
	const int64_t *round_trips_us; /* to each of them, as struct allocation has it; NULL: none is measured */
	struct geo *geo;               /* where addresses are; NULL: nobody knows */
};

enum fate {
	FATE_STAYS,
	FATE_MOVES,
	FATE_UNDECIDED, /* nobody can say before it registers */
	FATE_REFUSED,   /* it would be turned away, or find no hub; it stays where it is */
};

struct foretold {
	enum fate fate;
	struct slice from;    /* the hub where it is; absent: nowhere yet */
	struct slice to;      /* FATE_MOVES: where it goes */
	const char *sentence; /* UNDECIDED, REFUSED: why; it may lie in the arena */
};

/* Of the record and the enrollment that serves the device (NULL: none any more). ERR_NO_MEMORY only. */
MUST_USE enum err foretell(const struct placing *, const struct registration_record *, const struct enrollment *, struct arena *,
			   struct foretold *out);

/* What that looks at, for who reads no more of each: columns of the nouns, ended by NULL. */
extern const char *const foretell_record_columns[], *const foretell_enrollment_columns[];

#endif
