/*
 * x509_words.c: what the operator hears of a chain that is refused: where it broke, who came nearest, and what to do.
 */
#include "base/buf.h"

#include "attest/bearer.h"
#include "attest/words.h"

#define NEAREST_MAX   5
#define PRESENTED_MAX 65536 /* bytes of JSON */

enum err bearer_refuse(struct bearer *b, const char *message, const char *check, const char *seen, const char *expected,
		       const char *sentence)
{
	*b->verdict = (struct verdict){
		.error_code = 401002,
		.message = message,
		.check = check,
		.seen = seen,
		.expected = expected,
		.sentence = sentence,
	};
	return seen && expected && sentence && !arena_failed(b->arena) ? OK : ERR_NO_MEMORY;
}

/* --- pieces of sentences --- */

const char *bearer_name(struct arena *arena, const struct certificate_info *info)
{
	const char *subject = info->subject.n ? arena_str(arena, info->subject) : "a certificate without a name";

	return arena_printf(arena, "%s (SHA-256 thumbprint %.*s)", subject ? subject : "a certificate", SLICE_ARG(info->sha256));
}

static const char *subject_of(struct arena *arena, struct slice der)
{
	struct certificate_info info;

	if (certificate_describe(der, arena, &info) != OK)
		return "a certificate that does not read";
	return info.subject.n ? arena_str(arena, info.subject) : "a certificate without a name";
}

/* "enrollment presses (CA certificate plant-ca)" */
static const char *tell_anchor(struct arena *arena, const char *kind, const struct anchor *a)
{
	const char *of = arena_printf(arena, "%s %.*s", kind, SLICE_ARG(a->of->name));

	if (a->ca.n && of)
		of = arena_printf(arena, "%s (CA certificate %.*s)", of, SLICE_ARG(a->ca));
	return of;
}

/* --- where the path broke --- */

struct fault {
	const char *word, *told; /* `told` is about "CN=Line 6 CA", which stands where the %s is */
};

static const struct fault faults[] = {
	{"signature", "The signature on %s was not made by the certificate that it names as its issuer, or it has been changed since."},
	{"not-a-ca", "%s has signed the certificate below it, but is no CA: its basic constraints or key usage do not allow it."},
	{"purpose", "%s may not be used by a TLS client: its extended key usage or key usage leaves that out."},
	{"path-length", "%s allows fewer intermediate certificates below it (pathlen) than there are."},
	{"name-constraints", "%s has a name that a CA above it is not allowed to give (name constraints)."},
	{"critical-extension", "%s has a critical extension that is not understood here."},
	{"too-long", "The path from the leaf is longer than %s may stand above it."},
	{"revoked", "%s has been revoked: it stands on its issuer's list."},
	{"revocation-unknown",
	 "Whether %s has been revoked is not known: the list of its issuer is out of date, or was not made by that issuer, and it is strict."},
	{"anchor", "%s is the enrollment's own certificate: a device needs one that was signed by it."},
};

static const char *tell_validity(struct bearer *b, const struct certificate_info *info, const char *name)
{
	instant now = b->evidence->now;
	bool early = now < info->not_before;
	char at[INSTANT_TEXT];
	const char *far = words_duration(b->arena, early ? info->not_before - now : now - info->not_after);

	instant_print(early ? info->not_before : info->not_after, INSTANT_SECONDS, at);
	return arena_printf(b->arena,
			    early ? "%s is not valid until %s, %s from now by this server's clock."
				  : "%s expired at %s, %s ago by this server's clock.",
			    name, at, far ? far : "some time");
}

static const char *tell_fault(struct bearer *b, const struct chain_path *path, const struct certificate_info *info, const char *name)
{
	if (info && (strcmp(path->word, "expired") == 0 || strcmp(path->word, "not-yet-valid") == 0))
		return tell_validity(b, info, name);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (strcmp(path->word, faults[i].word) == 0) {
			const char *hole = strstr(faults[i].told, "%s");

			return arena_printf(b->arena, "%.*s%s%s", (int)(hole - faults[i].told), faults[i].told, name, hole + 2);
		}
	return arena_printf(b->arena, "%s is refused: %s.", name, path->reason);
}

/* Whether one of those above the leaf is called like the anchor without being it. */
static bool has_namesake(struct bearer *b, const struct anchor *a, struct slice subject)
{
	for (size_t i = 1; i < chain_count(b->evidence->chain); i++) {
		const struct certificate_info *info = chain_info(b->evidence->chain, i, b->arena);

		if (info && slice_eq(info->subject, subject) && !slice_eq(chain_der(b->evidence->chain, i), a->der))
			return true;
	}
	return false;
}

/* The path has a gap. Either a certificate between the last one that fits and the anchor was not sent, or the anchor has only the
 * name of the issuer, or of one that was sent: key identifiers told them apart. */
static const char *tell_gap(struct bearer *b, const struct anchor *a, const char **word)
{
	struct chain *chain = b->evidence->chain;
	const struct certificate_info *last = chain_info(chain, chain_top(chain), b->arena);
	struct certificate_info anchor;

	if (last == NULL || certificate_describe(a->der, b->arena, &anchor) != OK)
		return NULL;
	if (slice_eq(last->issuer, anchor.subject)) {
		*word = "other-key";
		return arena_printf(
			b->arena,
			"%.*s was signed by a CA called %.*s, but with another key than that of the certificate of this name which the "
			"enrollment has. Was the CA renewed?",
			SLICE_ARG(last->subject), SLICE_ARG(last->issuer));
	}
	if (has_namesake(b, a, anchor.subject)) {
		*word = "other-key";
		return arena_printf(
			b->arena,
			"The device sent a CA called %.*s, but it is not the one of this name which the enrollment has. Was the CA "
			"renewed?",
			SLICE_ARG(anchor.subject));
	}
	return arena_printf(
		b->arena,
		"The chain does not reach %.*s: it ends at %.*s, whose issuer is %.*s. Devices must send every certificate from the "
		"leaf up to the one that the enrollment names.",
		SLICE_ARG(anchor.subject), SLICE_ARG(last->subject), SLICE_ARG(last->issuer));
}

enum err bearer_refuse_path(struct bearer *b, const struct anchor *a, const struct chain_path *path)
{
	const struct certificate_info *info = path->culprit >= 0 ? chain_info(b->evidence->chain, (size_t)path->culprit, b->arena) : NULL;
	const char *name = subject_of(b->arena, path->culprit >= 0 ? chain_der(b->evidence->chain, (size_t)path->culprit) : a->der);
	const char *of = tell_anchor(b->arena, "enrollment", a), *anchor = subject_of(b->arena, a->der), *word = path->word, *told = NULL;

	if (strcmp(word, "incomplete") == 0)
		told = tell_gap(b, a, &word);
	else if (name)
		told = tell_fault(b, path, info, name);
	if (told && of)
		told = arena_printf(b->arena, "%s%s%s The path was to lead to %s.", told, path->list ? " The list is " : "",
				    path->list ? arena_printf(b->arena, "%s.", path->list) : "", of);
	return bearer_refuse(b, "Invalid certificate", arena_printf(b->arena, "certificate-path-%s", word),
			     arena_printf(b->arena, "%s at %s", path->reason, name ? name : "a certificate"),
			     arena_printf(b->arena, "a valid path to %s", anchor ? anchor : "the enrollment's certificate"), told);
}

/* --- nobody has signed it --- */

enum err bearer_refuse_stranger(struct bearer *b)
{
	struct chain *chain = b->evidence->chain;
	size_t top = chain_top(chain);
	const struct certificate_info *last = chain_info(chain, top, b->arena);
	const char *sentence;

	if (last == NULL)
		return ERR_NO_MEMORY;
	if (top == 0 && chain_self_issued(chain, 0))
		sentence = arena_printf(b->arena, "The leaf %.*s is self-signed, and there is no individual enrollment for it.",
					SLICE_ARG(last->subject));
	else if (chain_self_issued(chain, top))
		sentence = arena_printf(
			b->arena,
			"The chain ends at the root %.*s, and neither that nor a certificate below it is named by an enabled or "
			"disabled enrollment group.",
			SLICE_ARG(last->subject));
	else
		sentence = arena_printf(
			b->arena,
			"%s %.*s is signed by %.*s, which no enrollment group names and which the device did not send. Devices must "
			"send every certificate from the leaf up to the one that a group names.",
			top == 0 ? "The leaf" : "The last certificate of the chain,", SLICE_ARG(last->subject), SLICE_ARG(last->issuer));
	return bearer_refuse(b, "CA certificate not found", "certificate-known", arena_printf(b->arena, "%.*s", SLICE_ARG(last->issuer)),
			     "a certificate that an enrollment group names", sentence);
}

static const char *tell_authority(struct bearer *b, struct slice name)
{
	const struct ca_certificate *ca = bearer_authority(b->evidence, name);

	if (ca == NULL)
		return arena_printf(b->arena, "CA certificate %.*s is not there.", SLICE_ARG(name));
	return arena_printf(b->arena, "CA certificate %.*s (%s) is not verified: its owner has not shown yet that he has its key.",
			    SLICE_ARG(ca->name), subject_of(b->arena, ca->certificate));
}

enum err bearer_refuse_authorities(struct bearer *b, const struct enrollment *e, bool group)
{
	const char *which = tell_authority(b, e->ca_primary.n ? e->ca_primary : e->ca_secondary);

	return bearer_refuse(b, "CA certificate not found", "certificate-authority",
			     arena_printf(b->arena, "%.*s", SLICE_ARG(e->ca_primary)), "a verified CA certificate",
			     arena_printf(b->arena, "Enrollment%s %.*s relies on CA certificates, but none of them may be: %s",
					  group ? " group" : "", SLICE_ARG(e->name), which ? which : ""));
}

/* --- the whole picture --- */

static struct slice present(struct chain *chain, struct arena *arena)
{
	struct json_out out;
	struct buf text;
	struct slice copy;

	buf_init(&text, PRESENTED_MAX);
	json_out_init(&out, &text);
	json_open(&out, NULL, '[');
	for (size_t i = 0; i < chain_count(chain); i++)
		(void)certificate_write_info(&out, NULL, chain_der(chain, i), arena);
	json_close(&out, ']');
	copy = buf_failed(&text) ? NO_SLICE : arena_copy(arena, buf_slice(&text));
	buf_fini(&text);
	return copy;
}

/* How alike two names are: the length of what they begin with alike, and of what they end with. */
static size_t likeness(struct slice a, struct slice b)
{
	size_t n = a.n < b.n ? a.n : b.n, front = 0, back = 0;

	while (front < n && a.p[front] == b.p[front])
		front++;
	while (back < n - front && a.p[a.n - 1 - back] == b.p[b.n - 1 - back])
		back++;
	return front + back;
}

struct near {
	struct anchor anchor;
	struct slice subject;
	size_t likeness;
};

static void rank(struct near *list, size_t *n, struct near one)
{
	size_t at = *n;

	while (at > 0 && list[at - 1].likeness < one.likeness)
		at--;
	if (at == NEAREST_MAX)
		return;
	if (*n < NEAREST_MAX)
		(*n)++;
	memmove(&list[at + 1], &list[at], (*n - 1 - at) * sizeof(*list));
	list[at] = one;
}

/* The likeness of the anchor to the issuer in the chain that is most like it. */
static size_t likeness_to_chain(const struct evidence *evidence, struct slice subject, struct arena *arena)
{
	size_t best = 0;

	for (size_t i = 0; i < chain_count(evidence->chain); i++) {
		const struct certificate_info *info = chain_info(evidence->chain, i, arena);
		size_t l = info ? likeness(info->issuer, subject) : 0;

		best = l > best ? l : best;
	}
	return best;
}

static void consider(const struct enrollment *e, const struct evidence *evidence, struct arena *arena, struct near *list, size_t *n)
{
	struct anchor anchors[ANCHORS_OF_ENROLLMENT];
	size_t count = bearer_anchors(e, evidence, anchors);

	for (size_t i = 0; i < count; i++) {
		struct certificate_info info;

		if (certificate_describe(anchors[i].der, arena, &info) == OK)
			rank(list, n, (struct near){anchors[i], info.subject, likeness_to_chain(evidence, info.subject, arena)});
	}
}

static const char *tell_near(struct arena *arena, const struct near *one)
{
	const char *of = tell_anchor(arena, "Enrollment group", &one->anchor);

	return of ? arena_printf(arena, "%s names %.*s.", of, SLICE_ARG(one->subject)) : NULL;
}

static void add_sentence(struct slices *list, const char *sentence)
{
	if (sentence)
		list->at[list->n++] = slice_str(sentence);
}

static bool is_named(const struct enrollment *groups, size_t count, struct slice ca)
{
	for (size_t i = 0; i < count; i++)
		if (slice_eq_fold(groups[i].ca_primary, ca) || slice_eq_fold(groups[i].ca_secondary, ca))
			return true;
	return false;
}

static bool is_an_issuer(const struct evidence *evidence, struct slice subject, struct arena *arena)
{
	for (size_t i = 0; i < chain_count(evidence->chain); i++) {
		const struct certificate_info *info = chain_info(evidence->chain, i, arena);

		if (info && slice_eq(info->issuer, subject))
			return true;
	}
	return false;
}

/* A CA certificate that has signed the chain, by its name, and is of no use yet; NULL: it is of use, or has nothing to do with it. */
static const char *tell_idle_authority(const struct ca_certificate *ca, const struct enrollment *groups, size_t count,
				       const struct evidence *evidence, struct arena *arena)
{
	struct certificate_info info;

	if (certificate_describe(ca->certificate, arena, &info) != OK || !is_an_issuer(evidence, info.subject, arena))
		return NULL;
	if (ca->verified != FLAG_YES)
		return arena_printf(arena, "CA certificate %.*s (%.*s) is there, but not verified.", SLICE_ARG(ca->name),
				    SLICE_ARG(info.subject));
	if (!is_named(groups, count, ca->name))
		return arena_printf(arena, "CA certificate %.*s (%.*s) is verified, but no enrollment group refers to it.",
				    SLICE_ARG(ca->name), SLICE_ARG(info.subject));
	return NULL;
}

void attest_explain(const struct enrollment *groups, size_t count, const struct evidence *evidence, struct arena *arena,
		    struct explanation *out)
{
	struct near list[NEAREST_MAX + 1];
	size_t n = 0;

	*out = (struct explanation){0};
	if (evidence->chain == NULL)
		return;
	out->presented = present(evidence->chain, arena);
	for (size_t i = 0; i < count; i++)
		consider(&groups[i], evidence, arena, list, &n);
	if ((out->nearest.at = arena_array(arena, n + evidence->authority_count, sizeof(struct slice))) == NULL)
		return;
	for (size_t i = 0; i < n; i++)
		add_sentence(&out->nearest, tell_near(arena, &list[i]));
	for (size_t i = 0; i < evidence->authority_count; i++)
		add_sentence(&out->nearest, tell_idle_authority(&evidence->authorities[i], groups, count, evidence, arena));
}
