/*
 * amqp_link.c: the device's links; their address names its registration (device-api.md 12.2).
 */
#include "base/text.h"
#include "protocol/amqp_own.h"

#define ADDRESS_ARENA 4096 /* an address, decoded */

bool amqp_split_name(struct slice name, struct slice *scope, struct slice *registration_id)
{
	struct slice rest = name, word;

	return slice_next(&rest, '/', scope) && slice_next(&rest, '/', &word) && slice_next(&rest, '/', registration_id) &&
	       slice_absent(rest) && scope->n > 0 && slice_eq(word, SLICE("registrations")) && registration_id->n > 0;
}

bool amqp_identify(struct connection *c, struct slice scope, struct slice registration_id, struct slice token)
{
	struct slice all;

	buf_clear(&c->identity);
	buf_add(&c->identity, scope);
	buf_add(&c->identity, registration_id);
	buf_add(&c->identity, token);
	if (buf_failed(&c->identity))
		return false;
	all = buf_slice(&c->identity);
	c->scope = slice_to(all, scope.n);
	c->registration_id = slice_to(slice_from(all, scope.n), registration_id.n);
	c->token = slice_absent(token) ? NO_SLICE : slice_from(all, scope.n + registration_id.n);
	return true;
}

/* Without "amqps://authority", which the C SDK puts there, and without a leading slash, as from Java. */
static struct slice strip(struct slice address)
{
	struct slice scheme = SLICE("amqps://");

	if (slice_starts_fold(address, scheme)) {
		ptrdiff_t slash = slice_find(slice_from(address, scheme.n), '/');

		address = slash < 0 ? SLICE("") : slice_from(address, scheme.n + (size_t)slash);
	}
	return slice_starts(address, SLICE("/")) ? slice_from(address, 1) : address;
}

static bool read_address(struct arena *arena, struct slice address, struct slice *scope, struct slice *registration_id)
{
	if (!amqp_split_name(strip(address), scope, registration_id))
		return false;
	*scope = percent_decode(arena, *scope);
	*registration_id = percent_decode(arena, *registration_id);
	return !slice_absent(*scope) && !slice_absent(*registration_id);
}

/* NULL: the address names this device, or the first link of one with a certificate gives it its name. */
static const char *objection(struct connection *c, struct slice address)
{
	struct arena *arena;
	struct slice scope, registration_id;
	const char *why = NULL;

	if (address.n == 0)
		return c->scope.n > 0 ? NULL : "the link's address does not name a registration";
	if ((arena = arena_new(ADDRESS_ARENA)) == NULL)
		return "out of memory";
	if (!read_address(arena, address, &scope, &registration_id))
		why = "the link's address is not {scope}/registrations/{id}";
	else if (c->scope.n == 0)
		why = amqp_identify(c, scope, registration_id, NO_SLICE) ? NULL : "the link's address is too long";
	else if (!slice_eq_fold(scope, c->scope) || !slice_eq_fold(registration_id, c->registration_id))
		why = "the link's address names another registration";
	arena_free(&arena);
	return why;
}

void amqp_link_attached(struct connection *c, const struct amqp_event *event)
{
	const char *why = objection(c, event->address);

	if (why) {
		amqps_log_refusal(c, NULL, why);
		amqp_link_refuse(c->amqp, event->link, "amqp:unauthorized-access", why);
		return;
	}
	amqp_link_accept(c->amqp, event->link);
	if (event->peer_sends)
		amqp_link_credit(c->amqp, event->link, AMQPS_CREDIT);
	else
		c->answer_link = event->link;
}
