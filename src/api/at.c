/*
 * at.c: the APIs of services and hubs at the portal's own host name, for pages, which may talk to one origin alone:
 * /berth/at/dps1/enrollments/press-07 there is /enrollments/press-07 at dps1.{domain}.
 *
 * Only the first part of the path is taken away, the rest stays escaped as it came. What comes out is a question to another host than
 * the portal's, so there is no going further from there.
 */
#include "api/api_call.h"

#define PREFIX SLICE("/berth/at/")

/* The label and what is behind it, from its slash on. False: the path is none of these. */
static bool split(struct slice path, struct slice *label, struct slice *behind)
{
	struct slice rest = slice_from(path, PREFIX.n);

	if (!slice_starts_fold(path, PREFIX) || !slice_next(&rest, '/', label) || slice_absent(rest))
		return false;
	*behind = slice_from(path, PREFIX.n + label->n);
	return name_is_good(*label) && !slice_eq_fold(*label, SLICE("portal")) && !slice_eq_fold(*label, SLICE("global"));
}

enum err at_enter(struct api_call *call, bool *entered)
{
	struct slice label, behind;
	struct api_question *q;
	struct http_head *head;

	*entered = split(call->q->head->path, &label, &behind);
	if (!*entered)
		return OK;
	q = arena_alloc(call->arena, sizeof(*q));
	head = arena_alloc(call->arena, sizeof(*head));
	if (q == NULL || head == NULL)
		return ERR_NO_MEMORY;
	*head = *call->q->head; /* its authority stays the portal's: the browser's origin is compared with that */
	head->path = behind;
	*q = *call->q;
	q->head = head;
	q->host = arena_format(call->arena, "%.*s.%s", SLICE_ARG(label), call->conf->domain);
	call->q = q;
	return OK;
}
