/*
 * service_certificate.c: how a chain would be judged before any device has it, and which certificates end soon. Both are ours.
 */
#include "crypto/chain.h"
#include "api/service.h"

/* --- check --- */

static void checked(void *cookie, const struct device_answer *a)
{
	struct api_call *call = cookie;

	call->provision_ask = NULL;
	api_answer_text(call, a->status, arena_copy(call->arena, a->body));
}

/* The body's `chain`: PEM text, leaf first. False: refused. */
static bool read_chain(struct api_call *call, struct slice ders[CHAIN_CERTIFICATES_MAX], size_t *count)
{
	const char *why = NULL;
	json_t *json = NULL;
	struct slice pem;
	enum err e = json_read(call->q->body, call->arena, &json, &why);

	if (e == OK) {
		pem = slice_str(json_string_value(json_get_fold(json, "chain")));
		e = slice_absent(pem) ? ERR_INVALID : certificate_read_all(pem, call->arena, ders, CHAIN_CERTIFICATES_MAX, count, &why);
	}
	json_decref(json);
	if (e != OK)
		api_refuse(call, 400, 400004, NULL, "chain must be the PEM text of the device's certificate and those above it%s%s.",
			   why ? ": " : "", why ? why : "");
	return e == OK;
}

void service_registration_check(struct api_call *call)
{
	struct slice ders[CHAIN_CERTIFICATES_MAX];
	struct device_question q = {
		.op = DEVICE_CHECK,
		.scope = call->service->scope,
		.registration_id = call->segment[2],
		.chain = ders,
		.protocol = call->q->protocol,
		.peer = call->q->peer,
		.request_id = call->q->request_id,
	};

	if (!read_chain(call, ders, &q.chain_count))
		return;
	call->provision_ask = provision_ask(call->conf->provision, &q, checked, call);
	if (call->provision_ask == NULL)
		api_refuse_store(call, ERR_NO_MEMORY);
}

/* --- expiring --- */

#define DAYS_DEFAULT 30
#define DAYS_MAX     36500
#define EXPIRING_MAX 1000 /* of each kind; the first to end come first */
#define DAY          (INSTANT_SECOND * 86400)

enum { WANT_CA, WANT_GROUPS, WANT_INDIVIDUALS, WANT_LEAVES, WANTS };

struct expiring {
	struct ca_certificate ca_like;
	struct enrollment entry_like;
	struct presented presented_like;
	struct store_want want[WANTS];
	instant now, until;
};

static void write_item(struct api_call *call, const char *kind, struct slice name, const char *which, struct slice der)
{
	struct expiring *x = call->state;
	struct json_out *out = &call->out;
	struct certificate_info info;

	if (der.n == 0 || certificate_describe(der, call->arena, &info) != OK || info.not_after > x->until)
		return;
	json_open(out, NULL, '{');
	json_str(out, "kind", kind);
	json_text(out, "name", name);
	if (which)
		json_str(out, "which", which);
	json_int(out, "daysLeft", (info.not_after - x->now) / DAY);
	(void)certificate_write_info(out, "info", der, call->arena);
	json_close(out, '}');
}

static void write_entries(struct api_call *call, const char *kind, const struct store_want *want)
{
	const struct enrollment *e = want->records;

	for (size_t i = 0; i < want->count; i++, e++) {
		if (e->certificate_end == 0)
			continue;
		write_item(call, kind, e->name, "primary", e->client_primary.n ? e->client_primary : e->signing_primary);
		write_item(call, kind, e->name, "secondary", e->client_secondary.n ? e->client_secondary : e->signing_secondary);
	}
}

static void expiring_read(struct api_call *call, enum err e)
{
	struct expiring *x = call->state;
	const struct ca_certificate *ca = x->want[WANT_CA].records;
	const struct presented *leaf = x->want[WANT_LEAVES].records;

	if (e != OK) {
		api_refuse_store(call, e);
		return;
	}
	json_open(&call->out, NULL, '[');
	for (size_t i = 0; i < x->want[WANT_CA].count; i++)
		write_item(call, "caCertificate", ca[i].name, NULL, ca[i].certificate);
	write_entries(call, "enrollmentGroup", &x->want[WANT_GROUPS]);
	write_entries(call, "enrollment", &x->want[WANT_INDIVIDUALS]);
	for (size_t i = 0; i < x->want[WANT_LEAVES].count; i++)
		write_item(call, "device", leaf[i].id, NULL, leaf[i].leaf);
	json_close(&call->out, ']');
	api_answer_out(call, 200);
}

void service_expiring(struct api_call *call)
{
	struct expiring *x = arena_alloc(call->arena, sizeof(*x));
	struct slice given = api_param(call, "days");
	uint64_t days = DAYS_DEFAULT;

	if (!slice_absent(given) && (!slice_to_u64(given, &days) || days > DAYS_MAX)) {
		api_refuse(call, 400, 400004, NULL, "days must be a number from 0 to %d.", DAYS_MAX);
		return;
	}
	if (x == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return;
	}
	call->state = x;
	noun_clear(&noun_ca_certificate, &x->ca_like);
	noun_clear(&noun_group, &x->entry_like);
	noun_clear(&noun_presented, &x->presented_like);
	x->ca_like.scope = x->entry_like.scope = x->presented_like.scope = call->service->scope;
	x->now = loop_wall(call->conf->loop);
	x->until = x->now + (instant)days * DAY;
	x->want[WANT_CA] = (struct store_want){.noun = &noun_ca_certificate, .like = &x->ca_like, .limit = CA_CERTIFICATES_MAX};
	x->want[WANT_GROUPS] = (struct store_want){.noun = &noun_group, .by = GROUP_BY_END, .like = &x->entry_like, .limit = EXPIRING_MAX};
	x->want[WANT_INDIVIDUALS] =
		(struct store_want){.noun = &noun_individual, .by = INDIVIDUAL_BY_END, .like = &x->entry_like, .limit = EXPIRING_MAX};
	x->want[WANT_LEAVES] =
		(struct store_want){.noun = &noun_presented, .by = PRESENTED_BY_END, .like = &x->presented_like, .limit = EXPIRING_MAX};
	for (size_t i = 0; i < WANTS; i++)
		x->want[i].keys = 1;
	api_read(call, x->want, WANTS, expiring_read);
}
