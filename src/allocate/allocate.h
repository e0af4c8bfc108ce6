/*
 * allocate.h: which hub a device belongs to.
 *
 * Pure functions of policy, candidates and device: no counter, no clock, so every node
 * chooses alike (design.md promise 4); but what a node has measured is its own. service-api.md 7.
 */
#ifndef BERTH_ALLOCATE_ALLOCATE_H
#define BERTH_ALLOCATE_ALLOCATE_H

#include "base/globe.h"
#include "model/model.h"

struct allocation {
	struct slice             registration_id;
	const struct linked_hub *hubs; /* all that are linked to the service */
	size_t                   hub_count;
	const struct enrollment *enrollment;
	struct slice             service_policy; /* "Hashed", "GeoLatency", "Static"; absent: Hashed */
	const int64_t           *round_trips_us; /* to each of `hubs`, as far as measured (0: not yet); NULL: none is */
	const struct coordinates *from;          /* where the device is; NULL: nobody knows */
	struct slice             current_hub;    /* where the device is; absent: nowhere yet */
	struct slice             payload;        /* JSON that the device sent along; absent: none */
	bool                     hub_only;       /* nobody reads why a hub was chosen: the sentence is "" where there is one */
};

struct custom_choice;
struct rule_outcome;

struct choice {
	const struct linked_hub *hub;   /* NULL: none could be chosen */
	const char              *policy; /* the one that decided: "hashed" */
	int                      error_code; /* 400208 when there is no hub; 0 */
	const char              *sentence;   /* for the operator: why this one, or why none; in the arena */
	bool                     elsewhere;  /* neither: somebody else chooses among the candidates (custom.h) */
	bool                     by_rule;    /* a rule has chosen, or failed to: rule.h */
	struct custom_choice    *custom;     /* by_rule: a twin and a payload, or what went wrong; in the arena */
	struct rule_outcome     *rule;       /* by_rule: what it said, and what it took; in the arena */
	const struct linked_hub *const *candidates; /* those among which was, or is to be, chosen; in the arena */
	size_t                   candidate_count;
};

struct allocate_policy {
	const char *name; /* as an enrollment spells it: "hashed" */
	bool        weighs; /* allocationWeight plays a part: the sentence tells the weights */
	bool        measures; /* distances or round trips play a part */

	/* Choose among the candidates; `count` is at least 1. NULL: none fits. */
	const struct linked_hub *(*choose)(const struct allocation *, const struct linked_hub *const *candidates, size_t count);

	/* In place of choose: say all of the choice, in which the candidates are, or that it is made elsewhere. ERR_NO_MEMORY only. */
	enum err (*decide)(const struct allocation *, struct arena *, struct choice *);
};

/* The policy, the candidates (service-api.md 7.1) and the choice. Never fails for want of a hub: that is a choice
 * with error_code. ERR_NO_MEMORY only. */
MUST_USE enum err allocate_choose(const struct allocation *, struct arena *, struct choice *);

/* Whether what would decide looks at where the device is, and at round trips: others can do without. */
bool allocate_measures(const struct allocation *);

/* Whether a rule would decide, which looks at the payload: rule.h. */
bool allocate_has_rule(const struct allocation *);

extern const struct allocate_policy allocate_hashed;      /* what others fall back on */
extern const struct allocate_policy allocate_geo_latency; /* ... and what a rule may call */

/* To one of its hubs, in microseconds; 0: not measured. */
int64_t allocate_round_trip(const struct allocation *, const struct linked_hub *);

/* From the device to the hub in kilometres; negative: one of the two places is unknown. */
double allocate_distance(const struct allocation *, const struct linked_hub *);

/* Whether distances decide what is nearest among these hubs, rather than round trips: the place of the device is known, and that of one
 * of them. */
bool allocate_by_distance(const struct allocation *, const struct linked_hub *const *hubs, size_t count);

/* Those of the hubs that count as the nearest ones (geo_latency.c); `near` has room for LINKED_HUBS_MAX. At least one of them. */
size_t allocate_nearest(const struct allocation *, const struct linked_hub *const *hubs, size_t count, const struct linked_hub **near);

/* The weight that counts: 1 where none was given (service-api.md 7.2). */
int64_t allocate_weight(const struct linked_hub *);

#endif
