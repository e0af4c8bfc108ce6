/*
 * status.c: a device asks how its registration stands (device-api.md 5.1).
 */
#include "io/loop.h"
#include "io/rate.h"

#include "provision/registration.h"

static void refuse_unknown(struct registration *r, int code, const char *message, const char *check, const char *sentence)
{
	registration_refuse(r, &(struct verdict){.error_code = code,
						 .message = message,
						 .check = check,
						 .seen = "none",
						 .expected = "a registration record",
						 .sentence = sentence});
}

static bool knows_operation(const struct registration *r)
{
	return slice_eq(r->q.operation_id, r->record->operation_id) ||
	       (r->record->former_operation.n > 0 && slice_eq(r->q.operation_id, r->record->former_operation));
}

/* device-api.md 18. Only who has proven to be the device is counted under its name. */
static bool polls_too_often(struct registration *r)
{
	struct slice id = arena_fold(r->arena, r->q.registration_id);
	struct slice name = arena_format(r->arena, "%.*s/%.*s", SLICE_ARG(r->scope), SLICE_ARG(id));
	int wait_ms = rate_take(r->p->conf.polls, name, loop_now_ms(r->p->conf.loop));

	if (wait_ms > 0)
		registration_throttle(r, wait_ms, "polls-per-10-seconds", "The device asks too often.",
				      "The device asks more often how its registration stands than it may; Retry-After tells it when to.");
	return wait_ms > 0;
}

/* The enrollment was switched off since the record was written; only a register writes that down. */
static const struct registration_record *barred(struct registration *r)
{
	struct registration_record *record = noun_new(&noun_registration, r->arena);

	if (record == NULL)
		return r->record;
	*record = *r->record;
	record->status = SLICE("disabled");
	record->error_code = r->verdict.error_code;
	record->error_message = slice_str(r->verdict.message);
	return record;
}

void status_report(struct registration *r)
{
	bool operation = r->q.op == DEVICE_OPERATION_STATUS;

	if (r->q.op == DEVICE_CHECK) {
		r->result = (struct result){.shape = SHAPE_JUDGEMENT, .judged = r};
		return;
	}
	if (r->q.op == DEVICE_CONNECT) {
		r->result = (struct result){.shape = SHAPE_WELCOME};
		return;
	}
	if (operation && polls_too_often(r))
		return;
	if (operation && (r->record == NULL || r->q.operation_id.n == 0 || !knows_operation(r))) {
		refuse_unknown(r, CODE_UNKNOWN, "The operation is unknown.", "operation-known",
			       "No operation of this device has that ID; the last two are remembered.");
		return;
	}
	if (r->record == NULL) {
		refuse_unknown(r, CODE_NO_RECORD, "The device has not registered.", "record-found",
			       "The device has proven itself, but it has not registered yet.");
		return;
	}
	r->result = registration_result(r);
	if (r->verdict.error_code == CODE_DISABLED)
		r->result.record = barred(r);
	if (operation)
		r->result.operation_id = r->q.operation_id;
	else
		r->result.shape = SHAPE_RECORD;
}
