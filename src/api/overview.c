/*
 * overview.c: everything there is, with how much of it, for the portal's first page.
 */
#include "api/overview.h"

#define SERVICES_MAX 200 /* that are counted; the list of resources has them all */
#define HUBS_MAX     500

enum { COUNT_ENROLLMENTS, COUNT_GROUPS, COUNT_REGISTRATIONS, COUNTS };

/* The counts of one service. */
struct tally {
	struct enrollment entry_like;
	struct registration_record record_like;
	struct linked_hub link_like;
};

struct overview {
	struct service service_like;
	struct hub hub_like;
	struct store_want all[2]; /* the services, the hubs */
	struct tally *tallies;
	struct device *devices;
	struct store_want *counts; /* COUNTS of each service, then one of each hub */
	struct store_want *links;  /* of each service */
	size_t services, hubs;
};

static bool links_to(const struct overview *o, size_t service, struct slice host)
{
	const struct linked_hub *links = o->links[service].records;

	for (size_t i = 0; i < o->links[service].count; i++)
		if (slice_eq_fold(links[i].name, host))
			return true;
	return false;
}

static void write_service(struct json_out *out, const struct overview *o, size_t i)
{
	const struct service *s = (const struct service *)o->all[0].records + i;

	json_open(out, NULL, '{');
	json_text(out, "name", s->name);
	json_text(out, "idScope", s->scope);
	json_int(out, "enrollments", (int64_t)o->counts[i * COUNTS + COUNT_ENROLLMENTS].count);
	json_int(out, "enrollmentGroups", (int64_t)o->counts[i * COUNTS + COUNT_GROUPS].count);
	json_int(out, "registrations", (int64_t)o->counts[i * COUNTS + COUNT_REGISTRATIONS].count);
	json_int(out, "linkedHubs", (int64_t)o->links[i].count);
	json_str(out, "state", "Active");
	json_close(out, '}');
}

static void write_hub(struct api_call *call, const struct overview *o, size_t i)
{
	const struct hub *hub = (const struct hub *)o->all[1].records + i;
	const struct service *services = o->all[0].records;
	struct slice host = arena_format(call->arena, "%.*s.%s", SLICE_ARG(hub->name), call->conf->domain);
	struct json_out *out = &call->out;

	json_open(out, NULL, '{');
	json_text(out, "name", hub->name);
	json_int(out, "devices", (int64_t)o->counts[o->services * COUNTS + i].count);
	json_open(out, "linkedBy", '[');
	for (size_t s = 0; s < o->services; s++)
		if (links_to(o, s, host))
			json_text(out, NULL, services[s].name);
	json_close(out, ']');
	json_str(out, "state", "Active");
	json_close(out, '}');
}

static void counted(struct api_call *call, enum err e)
{
	struct overview *o = call->state;

	if (e != OK) {
		api_refuse_store(call, e);
		return;
	}
	json_open(&call->out, NULL, '{');
	json_open(&call->out, "services", '[');
	for (size_t i = 0; i < o->services; i++)
		write_service(&call->out, o, i);
	json_close(&call->out, ']');
	json_open(&call->out, "hubs", '[');
	for (size_t i = 0; i < o->hubs; i++)
		write_hub(call, o, i);
	json_close(&call->out, ']');
	json_close(&call->out, '}');
	api_answer_out(call, 200);
}

static struct store_want count_of(const struct noun *noun, const void *like)
{
	return (struct store_want){.noun = noun, .like = like, .keys = 1, .count_only = true};
}

static void want_service(struct overview *o, size_t i)
{
	struct slice scope = ((const struct service *)o->all[0].records)[i].scope;
	struct tally *t = &o->tallies[i];
	struct store_want *counts = o->counts + i * COUNTS;

	noun_clear(&noun_individual, &t->entry_like);
	noun_clear(&noun_registration, &t->record_like);
	noun_clear(&noun_linked_hub, &t->link_like);
	t->entry_like.scope = t->record_like.scope = t->link_like.scope = scope;
	counts[COUNT_ENROLLMENTS] = count_of(&noun_individual, &t->entry_like);
	counts[COUNT_GROUPS] = count_of(&noun_group, &t->entry_like);
	counts[COUNT_REGISTRATIONS] = count_of(&noun_registration, &t->record_like);
	o->links[i] = (struct store_want){.noun = &noun_linked_hub, .like = &t->link_like, .keys = 1, .limit = LINKED_HUBS_MAX};
}

static void all_read(struct api_call *call, enum err e)
{
	struct overview *o = call->state;
	size_t wants;

	o->services = o->all[0].count;
	o->hubs = o->all[1].count;
	wants = o->services * COUNTS + o->hubs;
	o->tallies = arena_array(call->arena, o->services, sizeof(*o->tallies));
	o->devices = arena_array(call->arena, o->hubs, sizeof(*o->devices));
	o->counts = arena_array(call->arena, wants + o->services, sizeof(*o->counts));
	if (e != OK || o->tallies == NULL || o->devices == NULL || o->counts == NULL) {
		api_refuse_store(call, e != OK ? e : ERR_NO_MEMORY);
		return;
	}
	o->links = o->counts + wants;
	for (size_t i = 0; i < o->services; i++)
		want_service(o, i);
	for (size_t i = 0; i < o->hubs; i++) {
		noun_clear(&noun_device, &o->devices[i]);
		o->devices[i].hub = ((const struct hub *)o->all[1].records)[i].name_folded;
		o->counts[o->services * COUNTS + i] = count_of(&noun_device, &o->devices[i]);
	}
	if (wants + o->services == 0)
		counted(call, OK);
	else
		api_read(call, o->counts, wants + o->services, counted);
}

void overview_get(struct api_call *call)
{
	struct overview *o = arena_alloc(call->arena, sizeof(*o));

	if (o == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return;
	}
	call->state = o;
	noun_clear(&noun_service, &o->service_like);
	noun_clear(&noun_hub, &o->hub_like);
	o->all[0] = (struct store_want){.noun = &noun_service, .by = SERVICE_BY_NAME, .like = &o->service_like, .limit = SERVICES_MAX};
	o->all[1] = (struct store_want){.noun = &noun_hub, .like = &o->hub_like, .limit = HUBS_MAX};
	api_read(call, o->all, 2, all_read);
}
