/*
 * service_import.c: many entries at once, from a file of the operator's: each row is judged by itself, what is good is written together,
 * and every row hears what became of it. With dryRun nothing is written. Ours; the original's bulk operation takes ten.
 */
#include "api/service.h"

#define ROWS_MAX 500 /* of one request; a file has as many requests as it needs */

enum existing { EXISTING_UPDATE, EXISTING_SKIP, EXISTING_FAIL };

static const char *const existing_words[] = {"update", "skip", "fail"};

struct row {
	struct enrollment *given;
	const struct enrollment *stored;
	struct no no;
	const char *result; /* "created", "updated", "skipped", "failed" */
};

struct import {
	struct entry_context context; /* first: entry_context_read */
	const struct entry_kind *kind;
	bool dry_run;
	enum existing existing;
	size_t count;
	struct row row[ROWS_MAX];
	struct store_want want[ROWS_MAX + ENTRY_CONTEXT_WANTS];
	struct store_change change[ROWS_MAX];
	size_t changed[ROWS_MAX]; /* the row of each change */
	size_t changes;
};

/* --- the answer --- */

static int64_t count_of(const struct import *x, const char *result)
{
	int64_t n = 0;

	for (size_t i = 0; i < x->count; i++)
		n += strcmp(x->row[i].result, result) == 0;
	return n;
}

static void report(struct api_call *call)
{
	static const char *const results[] = {"created", "updated", "skipped", "failed"};
	struct import *x = call->state;
	struct json_out *out = &call->out;

	json_open(out, NULL, '{');
	json_bool(out, "dryRun", x->dry_run);
	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++)
		json_int(out, results[i], count_of(x, results[i]));
	json_open(out, "rows", '[');
	for (size_t i = 0; i < x->count; i++) {
		const struct row *row = &x->row[i];

		json_open(out, NULL, '{');
		json_int(out, "index", (int64_t)i);
		if (row->given)
			json_text(out, "id", row->given->name);
		json_str(out, "result", row->result);
		if (row->no.status)
			json_str(out, "message", row->no.sentence);
		json_close(out, '}');
	}
	json_close(out, ']');
	json_close(out, '}');
	api_answer_out(call, 200);
}

/* --- writing --- */

static void fail_row(struct row *row, struct no no)
{
	row->no = no;
	row->result = "failed";
}

static void write_good(struct api_call *call);

/* One row that somebody else has written at the same moment is left out, and the others are tried again. */
static void written(struct api_call *call, enum err e, size_t failed)
{
	struct import *x = call->state;

	if ((e == ERR_EXISTS || e == ERR_PRECONDITION) && failed < x->changes) {
		fail_row(&x->row[x->changed[failed]], (struct no){412, 412000, "It was changed by somebody else at the same moment."});
		write_good(call);
	} else if (e != OK) {
		api_refuse_store(call, e);
	} else {
		report(call);
	}
}

static void write_good(struct api_call *call)
{
	struct import *x = call->state;

	x->changes = 0;
	for (size_t i = 0; i < x->count && !x->dry_run; i++) {
		const struct row *row = &x->row[i];

		if (row->no.status || strcmp(row->result, "skipped") == 0)
			continue;
		x->changed[x->changes] = i;
		x->change[x->changes++] = (struct store_change){.how = row->stored ? STORE_UPDATE : STORE_INSERT,
								.noun = x->kind->noun,
								.record = row->given,
								.if_etag = row->stored ? row->stored->etag : NO_SLICE};
	}
	if (x->changes == 0)
		report(call);
	else
		api_write(call, x->change, x->changes, written);
}

/* --- judging --- */

static bool named_before(const struct import *x, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (x->row[j].given && slice_eq(x->row[j].given->id, x->row[i].given->id))
			return true;
	return false;
}

static void judge_row(struct api_call *call, struct import *x, size_t i)
{
	struct row *row = &x->row[i];
	struct no no;

	row->stored = x->want[i].count ? x->want[i].records : NULL;
	row->result = row->stored ? "updated" : "created";
	if (named_before(x, i)) {
		fail_row(row, (struct no){400, 400004, "Its ID stands in an earlier row already."});
	} else if (row->stored && x->existing == EXISTING_SKIP) {
		row->result = "skipped";
	} else if (row->stored && x->existing == EXISTING_FAIL) {
		fail_row(row, (struct no){409, x->kind->exists, x->kind->exists_text});
	} else if ((no = entry_prepare(&x->context, row->given, row->stored, call->arena)).status) {
		fail_row(row, no);
	} else if (row->stored == NULL && slice_eq(row->given->attestation, SLICE("symmetricKey"))) {
		x->context.key_groups += x->kind->group;
	}
}

static void entries_read(struct api_call *call, enum err e)
{
	struct import *x = call->state;

	if (e != OK) {
		api_refuse_store(call, e);
		return;
	}
	for (size_t i = 0; i < x->count; i++)
		if (x->row[i].no.status == 0)
			judge_row(call, x, i);
	write_good(call);
}

/* --- the request --- */

static void take_row(struct api_call *call, struct import *x, struct slice json)
{
	struct row *row = &x->row[x->count];
	struct enrollment *like = noun_new(x->kind->noun, call->arena);
	struct no no = entry_read(x->kind, json, NO_SLICE, call->arena, &row->given);

	if (no.status)
		fail_row(row, no);
	if (like == NULL)
		return;
	like->scope = call->service->scope;
	like->id = row->given ? row->given->id : SLICE("");
	x->context.certificates |= row->given && entry_has_certificate(row->given);
	x->want[x->count++] = (struct store_want){.noun = x->kind->noun, .like = like, .keys = 2};
}

static bool take_parameters(struct api_call *call, struct import *x)
{
	struct slice dry = api_param(call, "dryRun"), existing = api_param(call, "existing");

	x->dry_run = slice_eq_fold(dry, SLICE("true"));
	x->kind = slice_eq_fold(call->segment[1], SLICE("enrollmentgroups")) ? &group_kind : &individual_kind;
	for (size_t i = 0; i < sizeof(existing_words) / sizeof(existing_words[0]); i++)
		if (existing.n == 0 || slice_eq_fold(existing, slice_str(existing_words[i]))) {
			x->existing = (enum existing)i;
			return dry.n == 0 || x->dry_run || slice_eq_fold(dry, SLICE("false"));
		}
	return false;
}

void service_import(struct api_call *call)
{
	struct import *x = arena_alloc(call->arena, sizeof(*x));
	struct slice list, item;
	size_t at = 0;

	if (x == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return;
	}
	call->state = x;
	list = json_member(call->q->body, "entries", true);
	if (!take_parameters(call, x) || list.n == 0 || list.p[0] != '[') {
		api_refuse(call, 400, 400004, NULL,
			   "An import has entries, an array; dryRun is true or false, existing is update, skip or fail.");
		return;
	}
	while (json_each(list, &at, NULL, &item)) {
		if (x->count == ROWS_MAX) {
			api_refuse(call, 400, 400004, NULL, "One request takes at most %d entries; send more requests.", ROWS_MAX);
			return;
		}
		take_row(call, x, item);
	}
	x->context.kind = x->kind;
	entry_context_read(call, x->want, x->count, entries_read);
}
