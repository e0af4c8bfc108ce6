/*
 * hub_answer.c: what a linked hub may answer, to each question that is put to one. The first byte picks the status,
 * '0' the first of `statuses`; the rest is the body.
 *
 * Whatever comes, there is a verdict, and a sentence of plain text where it is not good; an identity is only taken for the
 * one asked about, and the parts of a twin are objects without metadata.
 */
#include "fuzz.h"
#include "link/iothub.h"

#define ROOM (64 * 1024 * 1024)

static const int statuses[] = {200, 400, 401, 403, 404, 409, 412, 429, 500, 503, 204, 201, 302, 0};

static const struct link_identity pump = {
	.device_id = SLICE("pump-17"),
	.authentication = "sas",
	.primary_key = SLICE("AAECAwQFBgcICQoLDA0ODw=="),
	.secondary_key = SLICE("Dw4NDAsKCQgHBgUEAwIBAA=="),
};
static const struct link_identity press = {
	.device_id = SLICE("press-07"),
	.authentication = "selfSigned",
	.primary_thumbprint = SLICE("00112233445566778899AABBCCDDEEFF00112233"),
};
static const struct link_identity *const devices[] = {&pump, &press};

/* A verdict that a question can have, with words when it is not plainly good. */
static void sound(enum hub_verdict v, int status, const char *why)
{
	need(v <= HUB_GARBLED);
	need(why != NULL);
	need((v == HUB_DONE || v == HUB_DIFFERENT) || *why != '\0');
	need((v != HUB_DONE && v != HUB_DIFFERENT) || (status >= 200 && status <= 299) || status == 400);
	for (; *why != '\0'; why++)
		need(*why >= ' ' && *why <= '~');
}

static void create(int status, struct slice body, struct arena *a)
{
	enum hub_verdict verdicts[2];
	const char *whys[2] = {NULL, NULL};

	iothub_judge_create(status, body, a, devices, 2, verdicts, whys);
	for (size_t i = 0; i < 2; i++) {
		sound(verdicts[i], status, whys[i]);
		need(verdicts[i] != HUB_DIFFERENT);
	}
}

static bool json_is_good(struct slice text, struct arena *a)
{
	json_t *json = NULL;
	bool good = json_read(text, a, &json, NULL) == OK;

	json_decref(json);
	return good;
}

static void look(int status, struct slice body, const struct link_identity *d, struct arena *a)
{
	struct hub_seen seen = {.etag = NO_SLICE};
	const char *why = "";
	enum hub_verdict v = iothub_judge_look(status, body, a, d, &seen, &why);
	struct hub_request correction;

	sound(v, status, why);
	if (v != HUB_DONE && v != HUB_DIFFERENT)
		return;
	need(status == 200 && !slice_absent(seen.etag));
	need(slice_search(body, d->device_id) >= 0 || slice_find(body, '\\') >= 0);
	iothub_correct(a, d, &seen, &correction);
	need(correction.path != NULL && correction.body.n > 0 && correction.if_match.n == seen.etag.n + 2);
	need(slice_trim(correction.body).p[0] == '{' && json_is_good(correction.body, a));
	/* It travels in a header: a hub must not be able to write lines into our requests. */
	need(slice_find(correction.if_match, '\r') < 0 && slice_find(correction.if_match, '\n') < 0);
}

/* It will be the twin of a new identity: JSON, an object, nothing that begins with '$'. */
static void part_of_twin(struct slice part, struct arena *a)
{
	json_t *json = NULL, *value;
	const char *name;

	if (slice_absent(part))
		return;
	need(json_read(part, a, &json, NULL) == OK && json_is_object(json));
	json_object_foreach(json, name, value) need(name[0] != '$');
	json_decref(json);
}

static void twin(int status, struct slice body, struct arena *a)
{
	struct link_answer out = {.outcome = LINK_DONE};
	const char *why = "";
	enum hub_verdict v = iothub_judge_twin(status, body, a, &out, &why);
	struct link_identity moved = pump;
	const struct link_identity *const one = &moved;
	struct hub_request creation;
	json_t *json = NULL;

	sound(v, status, why);
	if (v != HUB_DONE)
		return;
	part_of_twin(out.tags, a);
	part_of_twin(out.desired, a);
	part_of_twin(out.reported, a);
	moved.tags = out.tags;
	moved.desired = out.desired;
	moved.reported = out.reported;
	iothub_create(a, &one, 1, &creation);
	/* Deeper than one can read is one level deeper than what was read: the entry stands in a list. */
	if (json_read(creation.body, a, &json, NULL) == OK)
		need(json_is_array(json) && json_array_size(json) == 1);
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a;
	struct slice body;
	const char *why = "";
	enum hub_verdict v;
	int status;

	if (size < 1)
		return 0;
	need((a = arena_new(ROOM)) != NULL);
	status = statuses[(unsigned char)(data[0] - '0') % (sizeof(statuses) / sizeof(statuses[0]))];
	body = slice_over(data + 1, size - 1);
	create(status, body, a);
	look(status, body, &pump, a);
	look(status, body, &press, a);
	twin(status, body, a);
	v = iothub_judge_plain(status, body, a, &why);
	sound(v, status, why);
	if (status < 200 || status > 299)
		need(iothub_judge_status(status, body, a, &why) != HUB_DONE);
	arena_free(&a);
	return 0;
}
