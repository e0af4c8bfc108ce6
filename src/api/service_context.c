/*
 * service_context.c: what must be known before enrollments are judged.
 *
 * One read brings it, but for what revocation lists list: that is long, so this loop keeps it decoded, and it is read only where certificates
 * of TPMs are to be judged and it is not at hand.
 */
#include "provision/lists.h"
#include "api/service.h"

enum { WANT_HUBS, WANT_KEY_GROUPS, WANT_AUTHORITIES, WANT_ROOTS, WANT_LISTS };

static void want(const struct api_call *call, struct store_want out[ENTRY_CONTEXT_WANTS])
{
	struct linked_hub *hub = noun_new(&noun_linked_hub, call->arena);
	struct enrollment *group = noun_new(&noun_group, call->arena);
	struct ca_certificate *ca = noun_new(&noun_ca_certificate, call->arena);
	struct endorsement_root *root = noun_new(&noun_endorsement_root, call->arena);

	if (hub == NULL || group == NULL || ca == NULL || root == NULL)
		return;
	hub->scope = group->scope = ca->scope = root->scope = call->service->scope;
	group->attestation = SLICE("symmetricKey");
	out[WANT_HUBS] = (struct store_want){.noun = &noun_linked_hub, .like = hub, .keys = 1, .limit = LINKED_HUBS_MAX};
	out[WANT_KEY_GROUPS] =
		(struct store_want){.noun = &noun_group, .by = GROUP_BY_ATTESTATION, .like = group, .keys = 2, .count_only = true};
	out[WANT_AUTHORITIES] = (struct store_want){.noun = &noun_ca_certificate, .like = ca, .keys = 1, .limit = CA_CERTIFICATES_MAX};
	out[WANT_ROOTS] = (struct store_want){.noun = &noun_endorsement_root, .like = root, .keys = 1, .limit = ENDORSEMENT_ROOTS_MAX};
	out[WANT_LISTS] = lists_want(call->service->scope, SLICE(ENDORSEMENT_LISTS), call->arena);
}

static void fill(struct entry_context *x, const struct api_call *call)
{
	const struct store_want *wants = x->wants;

	x->scope = call->service->scope;
	x->now = loop_wall(call->conf->loop);
	x->hubs = wants[WANT_HUBS].records;
	x->hub_count = wants[WANT_HUBS].count;
	x->key_groups = wants[WANT_KEY_GROUPS].count;
	x->authorities = wants[WANT_AUTHORITIES].records;
	x->authority_count = wants[WANT_AUTHORITIES].count;
	x->endorsement = (struct endorsement_trust){
		.required = slice_eq_fold(call->service->endorsement_certificates, SLICE("required")),
		.roots = wants[WANT_ROOTS].records,
		.root_count = wants[WANT_ROOTS].count,
		.lists = wants[WANT_LISTS].records,
		.list_count = wants[WANT_LISTS].count,
		.now = x->now,
	};
}

/* --- what lists list --- */

static struct lists_known known(const struct entry_context *x)
{
	return (struct lists_known){
		.scope = x->scope, .owner = SLICE(ENDORSEMENT_LISTS), .lists = x->endorsement.lists, .count = x->endorsement.list_count};
}

static void end(struct api_call *call)
{
	struct entry_context *x = call->state;

	store_cancel(&call->store_ask);
	arena_free(&x->lists_arena);
}

static void bodies_read(struct api_call *call, enum err e)
{
	struct entry_context *x = call->state;
	const struct lists_known those = known(x);

	if (e == OK)
		x->endorsement.withdrawn =
			lists_keep(provision_lists(call->conf->provision), &those, x->bodies.records, x->bodies.count, call->arena);
	arena_free(&x->lists_arena);
	if (e == OK && x->endorsement.withdrawn == NULL)
		e = ERR_NO_MEMORY;
	x->then(call, e);
}

static void read_bodies(struct api_call *call, struct entry_context *x)
{
	x->bodies = lists_want_bodies(x->scope, SLICE(ENDORSEMENT_LISTS), call->arena);
	x->lists_arena = arena_new(x->endorsement.list_count * LIST_MEMORY);
	call->end = end;
	if (x->lists_arena == NULL || arena_failed(call->arena)) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return;
	}
	api_read_into(call, x->lists_arena, &x->bodies, 1, bodies_read);
}

/* --- all of it --- */

static void context_read(struct api_call *call, enum err e)
{
	struct entry_context *x = call->state;
	struct lists_known those;

	if (e != OK) {
		x->then(call, e);
		return;
	}
	fill(x, call);
	those = known(x);
	if (!x->certificates || !attest_lists_say_something(those.lists, those.count)) {
		x->then(call, OK);
		return;
	}
	x->endorsement.withdrawn = lists_at_hand(provision_lists(call->conf->provision), &those, call->arena);
	if (x->endorsement.withdrawn)
		x->then(call, OK);
	else
		read_bodies(call, x);
}

void entry_context_read(struct api_call *call, struct store_want *wants, size_t count, void (*then)(struct api_call *, enum err))
{
	struct entry_context *x = call->state;

	x->wants = wants + count;
	x->then = then;
	want(call, wants + count);
	if (arena_failed(call->arena))
		api_refuse_store(call, ERR_NO_MEMORY);
	else
		api_read(call, wants, count + ENTRY_CONTEXT_WANTS, context_read);
}

bool entry_has_certificate(const struct enrollment *e)
{
	return e->endorsement_certificate.n > 0;
}
