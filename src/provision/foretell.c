/*
 * foretell.c: a registration as far as it can be thought through without the device.
 */
#include "provision/registration.h"

const char *const foretell_record_columns[] = {"name", "assigned_hub", "device_id", "status", "group_id", "device_payload", NULL};

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

/* Whether what the device says may make a difference: its text would have to name the payload, or the table of all names. */
static bool rule_asks_device(const struct allocation *question)
{
	return allocate_has_rule(question) && slice_absent(question->payload) &&
	       (slice_search(question->enrollment->rule, SLICE("payload")) >= 0 ||
		slice_search(question->enrollment->rule, SLICE("_ENV")) >= 0);
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
	if (rule_asks_device(&question))
		return say(out, FATE_UNDECIDED, "A rule decides by what the device sends along when it registers.");
	if (allocate_choose(&question, arena, &choice) != OK)
		return ERR_NO_MEMORY;
	return take_choice(p, &choice, out);
}
