/*
 * foretell.c: a registration as far as it can be thought through without the device.
 */
#include "provision/registration.h"

const char *const foretell_record_columns[] = {"name",     "assigned_hub",   "device_id",      "status",
					       "group_id", "device_payload", "source_address", NULL};

/* The twin is for rules, which may look at it. */
const char *const foretell_enrollment_columns[] = {
	"name", "provisioning_status", "update_hub", "allocation_policy", "iot_hubs", "iot_hub_host_name", "webhook_url",
	"rule", "initial_twin",        NULL};

static enum err say(struct foretold *out, enum fate fate, const char *sentence)
{
	out->fate = fate;
	out->sentence = sentence;
	return OK;
}

static bool is_linked(const struct placing *p, struct slice hub)
{
	for (size_t i = 0; i < p->hub_count; i++)
		if (slice_eq_fold(p->hubs[i].name, hub))
			return true;
	return false;
}

/* Whether a rule decides and may look at what has that name: its text would have to say it, or name the table of all names. */
static bool rule_asks(const struct allocation *question, struct slice name)
{
	struct slice rule = question->enrollment->rule;

	return allocate_has_rule(question) && (slice_search(rule, name) >= 0 || slice_search(rule, SLICE("_ENV")) >= 0);
}

/* Where it was when it registered last. False: that is not known, and may make a difference. */
static bool find_device(const struct placing *p, const struct registration_record *record, struct allocation *question,
			struct geo_place *where)
{
	if (!allocate_measures(question) || (allocate_has_rule(question) && !rule_asks(question, SLICE("nearest"))))
		return true;
	if (slice_absent(record->source_address))
		return p->geo == NULL || !geo_loaded(p->geo);
	geo_find(p->geo, record->source_address, where);
	question->from = where->found ? &where->at : NULL;
	return true;
}

static enum err take_choice(const struct placing *p, const struct choice *choice, struct foretold *out)
{
	if (choice->elsewhere)
		return say(out, FATE_UNDECIDED,
			   is_linked(p, out->from) ? "A webhook decides, which is asked only when the device registers."
						   : "A webhook decides where to, and the hub where the device is now is not linked.");
	if (choice->hub == NULL)
		return say(out, FATE_REFUSED, choice->sentence);
	if (slice_eq_fold(choice->hub->name, out->from))
		return say(out, FATE_STAYS, NULL);
	out->to = choice->hub->name;
	return say(out, FATE_MOVES, NULL);
}

/* In the order of register.c: who is let in, who is never moved, and then the policy. */
enum err foretell(const struct placing *p, const struct registration_record *record, const struct enrollment *enrollment,
		  struct arena *arena, struct foretold *out)
{
	struct allocation question;
	struct geo_place where;
	struct choice choice;

	*out = (struct foretold){.from = record_place(record).hub};
	if (enrollment == NULL)
		return say(out, FATE_REFUSED, "The enrollment that let the device in is gone; without one that fits it is turned away.");
	if (slice_eq_fold(enrollment->provisioning_status, SLICE("disabled")))
		return say(out, FATE_REFUSED, "The enrollment of the device is disabled.");
	if (out->from.n == 0 || record_has_status(record, "assigning"))
		return say(out, FATE_UNDECIDED, "The registration of the device was not finished.");
	if (choose_stays(enrollment, record))
		return say(out, FATE_STAYS, NULL);
	question = choose_allocation(p, enrollment, record);
	question.hub_only = true;
	question.payload = record->device_payload;
	if (slice_absent(question.payload) && rule_asks(&question, SLICE("payload")))
		return say(out, FATE_UNDECIDED, "A rule decides by what the device sends along when it registers.");
	if (!find_device(p, record, &question, &where))
		return say(out, FATE_UNDECIDED, "The nearest hub is wanted, and nobody knows from where the device registers.");
	if (allocate_choose(&question, arena, &choice) != OK)
		return ERR_NO_MEMORY;
	return take_choice(p, &choice, out);
}
