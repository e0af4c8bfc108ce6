/*
 * limbo.c: the public corpus of hard chains (C2SP x509-limbo), where it is on this machine: every case ends as the corpus says, or
 * stands in differences.inc with the reason. A case listed there that ends as it should is a mistake too.
 *
 * Most cases are a server's; their chains are judged as a server's, since what is tried is the path. usage: limbo limbo.json
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "codec/json.h"
#include "crypto/chain.h"

#define SKIPPED     77
#define CASE_MEMORY (16 << 20)

static const struct {
	const char *id, *reason;
} differences[] = {
#include "limbo/differences.inc"
};

static const char *reason_for(const char *id)
{
	for (size_t i = 0; i < sizeof(differences) / sizeof(differences[0]); i++)
		if (strcmp(differences[i].id, id) == 0)
			return differences[i].reason;
	return NULL;
}

static const char *text(const json_t *c, const char *name)
{
	return json_string_value(json_object_get(c, name));
}

/* What does not read is left out, and then the chain cannot be good. */
static bool add(const char *pem, struct arena *a, struct slice *ders, size_t *count)
{
	const char *why;

	if (*count == CHAIN_CERTIFICATES_MAX || certificate_read(slice_str(pem), a, &ders[*count], &why) != OK)
		return false;
	(*count)++;
	return true;
}

static instant time_of(const json_t *c)
{
	const char *given = text(c, "validation_time");
	struct tm tm = {0};

	if (given == NULL || strptime(given, "%Y-%m-%dT%H:%M:%S", &tm) == NULL)
		return clock_wall();
	return (instant)timegm(&tm) * INSTANT_SECOND;
}

static bool leads(const json_t *c, struct chain *chain, struct arena *a)
{
	enum chain_purpose purpose = strcmp(text(c, "validation_kind"), "SERVER") == 0 ? CHAIN_SERVER : CHAIN_CLIENT;
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(c, "trusted_certs"), i, item)
	{
		struct chain_path path;
		struct slice anchor;
		const char *why;

		if (certificate_read(slice_str(json_string_value(item)), a, &anchor, &why) == OK &&
		    chain_judge(chain, anchor, purpose, time_of(c), &path) == OK && path.leads)
			return true;
	}
	return false;
}

static bool accepted(const json_t *c, struct arena *a)
{
	struct slice ders[CHAIN_CERTIFICATES_MAX];
	struct chain *chain = NULL;
	const json_t *item;
	size_t count = 0, i;
	bool good = add(text(c, "peer_certificate"), a, ders, &count);

	json_array_foreach(json_object_get(c, "untrusted_intermediates"), i, item) good =
		add(json_string_value(item), a, ders, &count) && good;
	if (count == 0 || chain_new(ders, count, &chain) != OK)
		return false;
	good = good && leads(c, chain, a);
	chain_free(&chain);
	return good;
}

/* 1 when it ends otherwise than it should. */
static int try_case(const json_t *c)
{
	struct arena *a = arena_new(CASE_MEMORY);
	const char *id = text(c, "id"), *reason = reason_for(id);
	bool wanted = strcmp(text(c, "expected_result"), "SUCCESS") == 0, got = accepted(c, a);

	arena_free(&a);
	if (got == wanted && reason == NULL)
		return 0;
	if (got != wanted && reason != NULL)
		return 0;
	printf("%s: %s, and the corpus says %s%s\n", id, got ? "accepted" : "refused", wanted ? "accept" : "refuse",
	       reason ? "; it stands among the differences" : "");
	return 1;
}

int main(int argc, char **argv)
{
	json_error_t error;
	const json_t *item;
	json_t *corpus;
	int failed = 0;
	size_t i;

	if (argc < 2 || access(argv[1], R_OK) != 0) {
		printf("skipped: the corpus x509-limbo is not on this machine\n");
		return SKIPPED;
	}
	if ((corpus = json_load_file(argv[1], 0, &error)) == NULL) {
		printf("%s: %s\n", argv[1], error.text);
		return 1;
	}
	json_array_foreach(json_object_get(corpus, "testcases"), i, item) failed += try_case(item);
	printf("%zu cases, %zu of them known to end otherwise, %d wrong\n", json_array_size(json_object_get(corpus, "testcases")),
	       sizeof(differences) / sizeof(differences[0]), failed);
	json_decref(corpus);
	return failed != 0;
}
