/*
 * webhook.c: what the webhook of a custom allocation may answer. The first byte picks the status, '0' the first of `statuses`; the rest
 * is the body, and beside a status that redirects also the address that it redirects to.
 *
 * Whatever comes, either one of the candidates is chosen, and what goes on to a hub and to the device is an object within its limits;
 * or there are words for the device and for the operator, short ones.
 */
#include "allocate/custom.h"
#include "codec/json.h"
#include "fuzz.h"

#define ROOM      (64 * 1024 * 1024)
#define WORDS_MAX 600

static const int statuses[] = {200, 201, 204, 299, 301, 307, 400, 401, 404, 500, 503, 0, 100, 999};

static void object_or_absent(struct slice text, struct arena *a)
{
	json_t *json = NULL;

	if (slice_absent(text))
		return;
	need(json_read(text, a, &json, NULL) == OK && json_is_object(json));
	json_decref(json);
}

static void words(const char *text)
{
	need(text != NULL && *text != '\0' && strlen(text) <= WORDS_MAX);
}

static void sound(const struct custom_reply *reply, const struct choice *asked, const struct custom_choice *out, struct arena *a)
{
	words(out->sentence);
	if (out->hub == NULL) {
		words(out->message);
		words(out->seen);
		need(slice_absent(out->initial_twin) && slice_absent(out->payload));
		return;
	}
	need(reply->status >= 200 && reply->status <= 299);
	need(out->hub == asked->candidates[0] || out->hub == asked->candidates[1]);
	object_or_absent(out->initial_twin, a);
	object_or_absent(out->payload, a);
	need(out->payload.n <= CUSTOM_PAYLOAD_MAX);
	need(!out->payload_dropped || slice_absent(out->payload));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct linked_hub hubs[] = {
		{.name = SLICE("hub1.example.net")}, {.name = SLICE("hub2.example.net")}, {.name = SLICE("hub3.example.net")}};
	const struct linked_hub *const candidates[] = {&hubs[0], &hubs[1]};
	const struct allocation question = {.registration_id = SLICE("press-07"), .hubs = hubs, .hub_count = 3};
	const struct choice asked = {.elsewhere = true, .candidates = candidates, .candidate_count = 2};
	struct custom_reply reply = {.e = OK};
	struct custom_choice out;
	struct arena *a;

	if (size < 1)
		return 0;
	need((a = arena_new(ROOM)) != NULL);
	reply.status = statuses[(unsigned char)(data[0] - '0') % (sizeof(statuses) / sizeof(statuses[0]))];
	reply.body = slice_over(data + 1, size - 1);
	reply.location = arena_str(a, reply.body);
	need(custom_judge(&reply, &question, &asked, a, &out) == OK);
	sound(&reply, &asked, &out, a);
	arena_free(&a);
	return 0;
}
