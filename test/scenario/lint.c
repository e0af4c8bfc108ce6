/*
 * lint.c: what every answer must be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "codec/json.h"
#include "scenario/lint.h"

static void no_nulls(const json_t *json)
{
	const char *name;
	json_t *value;
	size_t i;

	assert_false(json_is_null(json));
	if (json_is_string(json))
		assert_true(json_string_length(json) > 0);
	json_object_foreach((json_t *)json, name, value) no_nulls(value);
	json_array_foreach(json, i, value) no_nulls(value);
}

static const char *text(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	if (value == NULL)
		fail_msg("the member %s is missing or no string", name);
	return value;
}

/* 4: seven fractional digits and Z. */
static void date(const json_t *object, const char *name)
{
	const char *value = text(object, name);

	assert_int_equal(strlen(value), strlen("2022-08-31T22:02:50.5163352Z"));
	assert_int_equal(value[27], 'Z');
}

static bool is(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* 5.4, and 5.6 rows Python, Java, .NET, Edge. */
static void lint_state(const json_t *state, bool whole)
{
	const char *status = text(state, "status");
	bool assigned = is(status, "assigned");
	const json_t *payload = json_object_get(state, "payload");

	text(state, "registrationId");
	assert_true(payload == NULL || json_is_object(payload));
	assert_true(assigned == (json_object_get(state, "assignedHub") != NULL));
	assert_true(assigned == (json_object_get(state, "deviceId") != NULL));
	assert_true(assigned == (json_object_get(state, "substatus") != NULL));
	if (is(status, "failed") || is(status, "disabled")) {
		assert_true(json_integer_value(json_object_get(state, "errorCode")) >= 400000);
		text(state, "errorMessage");
	} else {
		assert_null(json_object_get(state, "errorCode"));
	}
	if (!whole && is(status, "assigning"))
		return;
	date(state, "createdDateTimeUtc");
	date(state, "lastUpdatedDateTimeUtc");
	text(state, "etag");
}

static void lint_operation(enum device_op op, const json_t *json, int number)
{
	const char *status = text(json, "status"), *id = text(json, "operationId");
	const json_t *state = json_object_get(json, "registrationState");
	bool assigning = is(status, "assigning");

	/* RULE of 4: what goes into a path, a topic and a property. */
	assert_int_equal(strspn(id, "0123456789abcdefghijklmnopqrstuvwxyz.-"), strlen(id));
	assert_true(strncmp(id, "5.", 2) == 0 && id[18] == '.' && strlen(id) == 19 + 36);
	assert_int_equal(number, assigning ? 202 : 200);
	assert_false(is(status, "unassigned"));
	if (op == DEVICE_OPERATION_STATUS || !assigning)
		assert_non_null(state);
	if (state) {
		assert_string_equal(text(state, "status"), status);
		lint_state(state, false);
	}
}

/* 5.5. */
static void lint_refusal(const json_t *json, const struct device_answer *answer)
{
	assert_int_equal(json_integer_value(json_object_get(json, "errorCode")), answer->error_code);
	assert_int_equal(answer->error_code / 1000, answer->status);
	text(json, "trackingId");
	text(json, "message");
	date(json, "timestampUtc");
	assert_null(json_object_get(json, "info"));
}

/* 14.3: no status, or the C SDK reads an operation. */
static void lint_challenge(const json_t *json)
{
	text(json, "authenticationKey");
	assert_string_equal(text(json, "keyName"), "registration");
	text(json, "message");
	assert_int_equal(json_object_size(json), 3);
}

void lint_answer(enum device_op op, const struct device_answer *answer)
{
	struct arena *arena = arena_new(1 << 20);
	const char *why = NULL;
	json_t *json;

	if (json_read(answer->body, arena, &json, &why) != OK)
		fail_msg("%s: %.*s", why, SLICE_ARG(answer->body));
	assert_true(json_is_object(json));
	assert_true(answer->body.n <= 65536);
	no_nulls(json);
	if (answer->error_code)
		lint_refusal(json, answer);
	else if (answer->status == 401)
		lint_challenge(json);
	else if (op == DEVICE_CONNECT)
		assert_int_equal(json_object_size(json), 0);
	else if (op == DEVICE_REGISTRATION_STATUS)
		lint_state(json, true);
	else
		lint_operation(op, json, answer->status);
	assert_int_equal(answer->retry_after, answer->status == 202 || answer->status == 429 || answer->status >= 500 ? 3 : 0);
	json_decref(json);
	arena_free(&arena);
}
