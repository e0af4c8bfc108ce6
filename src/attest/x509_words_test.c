/* What the operator hears of a chain that was refused, word for word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "attest/test_plant.h"
#include "codec/json.h"

#define ALL_OF_THEM                                                                                                                        \
	" Devices must send every certificate from the leaf up to the one that the enrollment names. The path was to lead to "             \
	"enrollment presses."

/* --- nobody has signed it --- */

static void a_leaf_whose_signer_no_group_names(void **state)
{
	struct plant *p = *state;
	struct explanation x;

	plant_show_odd(p, (struct test_wish){.name = "press-07", .issuer = &p->line7});
	assert_int_equal(attest_x509_group_of(NULL, 0, &p->ev, p->a, &p->v), -1);
	plant_was_refused(p, "certificate-known",
			  "The leaf CN=press-07 is signed by CN=Line 7 CA, which no enrollment group names and which the device did not "
			  "send. Devices must send every certificate from the leaf up to the one that a group names.");
	assert_string_equal(p->v.seen, "CN=Line 7 CA");
	attest_explain(&p->group, 1, &p->ev, p->a, &x);
	assert_int_equal(x.nearest.n, 1);
	assert_true(slice_eq(x.nearest.at[0], SLICE("Enrollment group presses names CN=Line 6 CA.")));
}

static void a_chain_whose_top_no_group_names(void **state)
{
	struct plant *p = *state;

	PRESENT(p, &p->deep, &p->cell);
	assert_int_equal(attest_x509_group_of(NULL, 0, &p->ev, p->a, &p->v), -1);
	plant_was_refused(p, "certificate-known",
			  "The last certificate of the chain, CN=Cell 6.1 CA is signed by CN=Line 6 CA, which no enrollment group names "
			  "and which the device did not send. Devices must send every certificate from the leaf up to the one that a "
			  "group names.");
	PRESENT(p, &p->deep, &p->cell, &p->line6, &p->root);
	assert_int_equal(attest_x509_group_of(NULL, 0, &p->ev, p->a, &p->v), -1);
	plant_was_refused(p, "certificate-known",
			  "The chain ends at the root CN=Plant root, and neither that nor a certificate below it is named by an enabled or "
			  "disabled enrollment group.");
}

static void a_leaf_that_signed_itself(void **state)
{
	struct plant *p = *state;
	struct test_certificate solo = test_make((struct test_wish){.name = "press-07"});

	PRESENT(p, &solo);
	test_unmake(&solo);
	assert_int_equal(attest_x509_group_of(NULL, 0, &p->ev, p->a, &p->v), -1);
	plant_was_refused(p, "certificate-known", "The leaf CN=press-07 is self-signed, and there is no individual enrollment for it.");
}

/* --- the leaf --- */

static void a_leaf_for_another_device(void **state)
{
	struct plant *p = *state;

	plant_show_odd(p, (struct test_wish){.name = "press-08"});
	plant_refuses(p, &p->group, "certificate-common-name",
		      "The leaf is CN=press-08, but the device registers as press-07: its CN must be the registration ID.");
	assert_string_equal(p->v.seen, "CN=press-08");
	assert_string_equal(p->v.expected, "CN=press-07");
}

static void a_leaf_without_a_common_name(void **state)
{
	struct plant *p = *state;

	plant_show_odd(p, (struct test_wish){0});
	plant_refuses(p, &p->group, "certificate-common-name",
		      "The subject of the leaf has 0 common names, but it must have one, and that must be the registration ID press-07.");
}

static const char *at(struct plant *p, instant t)
{
	char text[INSTANT_TEXT];

	return arena_str(p->a, slice_str(instant_print(t, INSTANT_SECONDS, text)));
}

static void a_leaf_that_has_expired(void **state)
{
	struct plant *p = *state;
	const struct certificate_info *leaf;

	plant_show_odd(p, (struct test_wish){.name = "press-07", .from = -9 * TEST_DAY, .to = -3 * TEST_DAY - 60});
	leaf = chain_info(p->ev.chain, 0, p->a);
	plant_refuses(p, &p->group, "certificate-validity",
		      arena_printf(p->a, "The leaf expired at %s, 3 days ago by this server's clock.", at(p, leaf->not_after)));
	assert_string_equal(p->v.seen, arena_printf(p->a, "valid from %s to %s", at(p, leaf->not_before), at(p, leaf->not_after)));
	assert_string_equal(p->v.expected, arena_printf(p->a, "valid at %s", at(p, p->ev.now)));
}

static void a_leaf_that_is_not_valid_yet(void **state)
{
	struct plant *p = *state;

	plant_show_odd(p, (struct test_wish){.name = "press-07", .from = 7 * 3600 + 60, .to = TEST_DAY});
	plant_refuses(p, &p->group, "certificate-validity",
		      arena_printf(p->a, "The leaf is not valid until %s, 7 hours from now by this server's clock.",
				   at(p, chain_info(p->ev.chain, 0, p->a)->not_before)));
}

static void a_leaf_that_is_not_the_enrolled_one(void **state)
{
	struct plant *p = *state;
	struct slice one = plant_thumbprint(p, &p->deep), two = plant_thumbprint(p, &p->line7), seen = plant_thumbprint(p, &p->press);

	p->own.client_primary = plant_der(p, &p->deep);
	plant_refuses(p, &p->own, "certificate-match",
		      arena_printf(p->a,
				   "The device presented CN=press-07 (SHA-256 thumbprint %.*s), which is neither the primary nor the "
				   "secondary certificate of enrollment press-07. To roll certificates, put the new one into secondary "
				   "first.",
				   SLICE_ARG(seen)));
	assert_string_equal(p->v.seen, arena_printf(p->a, "SHA-256 thumbprint %.*s", SLICE_ARG(seen)));
	assert_string_equal(p->v.expected, arena_printf(p->a, "SHA-256 thumbprint %.*s", SLICE_ARG(one)));
	p->own.client_secondary = plant_der(p, &p->line7);
	plant_refuses(p, &p->own, "certificate-match", NULL);
	assert_string_equal(p->v.expected, arena_printf(p->a, "SHA-256 thumbprint %.*s or %.*s", SLICE_ARG(one), SLICE_ARG(two)));
}

/* --- the path --- */

static void an_intermediate_that_was_not_sent(void **state)
{
	struct plant *p = *state;

	PRESENT(p, &p->deep);
	plant_refuses(p, &p->group, "certificate-path-incomplete",
		      "The chain does not reach CN=Line 6 CA: it ends at CN=press-07, whose issuer is CN=Cell 6.1 CA." ALL_OF_THEM);
	assert_string_equal(p->v.message, "Invalid certificate");
	assert_string_equal(p->v.expected, "a valid path to CN=Line 6 CA");
	p->group.signing_primary = plant_der(p, &p->root);
	PRESENT(p, &p->deep, &p->cell);
	plant_refuses(p, &p->group, "certificate-path-incomplete",
		      "The chain does not reach CN=Plant root: it ends at CN=Cell 6.1 CA, whose issuer is CN=Line 6 CA." ALL_OF_THEM);
}

static void name_the_key_of_the_signer(X509 *x)
{
	ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
	AUTHORITY_KEYID *key = AUTHORITY_KEYID_new();

	ASN1_OCTET_STRING_set(id, (const unsigned char *)"another", 7);
	key->keyid = id;
	X509_add1_ext_i2d(x, NID_authority_key_identifier, key, 0, X509V3_ADD_DEFAULT);
	AUTHORITY_KEYID_free(key);
}

static void name_its_own_key(X509 *x)
{
	test_extend(x, x, NID_subject_key_identifier, "hash");
}

/* The CA was renewed with a new key and an old name, and key identifiers tell the two apart. */
static void a_signer_with_the_right_name_and_another_key(void **state)
{
	struct plant *p = *state;
	struct test_certificate old = test_make((struct test_wish){.name = "Line 6 CA", .ca = 1, .odd = name_its_own_key});

	p->group.signing_primary = plant_der(p, &old);
	test_unmake(&old);
	plant_show_odd(p, (struct test_wish){.name = "press-07", .odd = name_the_key_of_the_signer});
	plant_refuses(p, &p->group, "certificate-path-other-key",
		      "CN=press-07 was signed by a CA called CN=Line 6 CA, but with another key than that of the certificate of this "
		      "name which the enrollment has. Was the CA renewed? The path was to lead to enrollment presses.");
}

static void a_signer_that_was_sent_and_is_a_namesake_of_the_enrolled_one(void **state)
{
	struct plant *p = *state;
	struct test_certificate root = test_make((struct test_wish){.name = "Plant root", .ca = 1, .full = 1});
	struct test_certificate ours = test_make((struct test_wish){.name = "Line 6 CA", .ca = 1, .full = 1, .issuer = &root});
	struct test_certificate other = test_make((struct test_wish){.name = "Line 6 CA", .ca = 1, .full = 1, .issuer = &root});
	struct test_certificate leaf = test_make((struct test_wish){.name = "press-07", .full = 1, .issuer = &other});
	struct test_certificate *const all[] = {&root, &ours, &other, &leaf};

	p->group.signing_primary = plant_der(p, &ours);
	PRESENT(p, &leaf, &other);
	plant_refuses(p, &p->group, "certificate-path-other-key",
		      "The device sent a CA called CN=Line 6 CA, but it is not the one of this name which the enrollment has. Was the CA "
		      "renewed? The path was to lead to enrollment presses.");
	for (size_t i = 0; i < 4; i++)
		test_unmake(all[i]);
}

/* A chain of leaf and middle under line6; what is wrong is the middle's business or the leaf's. */
static void refused_below(struct plant *p, struct test_wish middle, struct test_wish leaf, const char *check, const char *sentence)
{
	struct test_certificate above, below;

	middle.issuer = &p->line6;
	middle.name = middle.name ? middle.name : "Middle";
	above = test_make(middle);
	leaf.issuer = &above;
	leaf.name = leaf.name ? leaf.name : "press-07";
	below = test_make(leaf);
	PRESENT(p, &below, &above);
	test_unmake(&below);
	test_unmake(&above);
	plant_refuses(p, &p->group, check, arena_printf(p->a, "%s The path was to lead to enrollment presses.", sentence));
}

static void for_servers_alone(X509 *x)
{
	test_extend(x, x, NID_ext_key_usage, "serverAuth");
}

static void with_something_critical(X509 *x)
{
	ASN1_OBJECT *type = OBJ_txt2obj("1.2.3.4", 1);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *extension;

	ASN1_OCTET_STRING_set(value, (const unsigned char *)"\x05", 1);
	extension = X509_EXTENSION_create_by_OBJ(NULL, type, 1, value);
	X509_add_ext(x, extension, -1);
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(type);
}

static void for_others_alone(X509 *x)
{
	test_extend(x, x, NID_name_constraints, "critical,permitted;DNS:plant.test");
}

static void above_leaves_alone(X509 *x)
{
	test_extend(x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
	test_extend(x, x, NID_key_usage, "critical,keyCertSign");
}

static void every_fault_of_a_path_has_its_sentence(void **state)
{
	struct plant *p = *state;
	struct test_wish good = {.ca = 1}, leaf = {0};

	refused_below(p, (struct test_wish){0}, leaf, "certificate-path-not-a-ca",
		      "CN=Middle has signed the certificate below it, but is no CA: its basic constraints or key usage do not allow it.");
	refused_below(p, good, (struct test_wish){.odd = for_servers_alone}, "certificate-path-purpose",
		      "CN=press-07 may not be used by a TLS client: its extended key usage or key usage leaves that out.");
	refused_below(p, good, (struct test_wish){.odd = with_something_critical}, "certificate-path-critical-extension",
		      "CN=press-07 has a critical extension that is not understood here.");
	refused_below(p, (struct test_wish){.ca = 1, .odd = for_others_alone}, (struct test_wish){.alt = "DNS:mill.test"},
		      "certificate-path-name-constraints",
		      "CN=press-07 has a name that a CA above it is not allowed to give (name constraints).");
	refused_below(p, good, (struct test_wish){.kind = "RSA-1024"}, "certificate-path-weak",
		      "CN=press-07 is refused: EE certificate key too weak.");
	refused_below(p, (struct test_wish){.ca = 1, .kind = "RSA-1024"}, leaf, "certificate-path-weak",
		      "CN=Middle is refused: CA certificate key too weak.");
}

static void a_path_longer_than_its_ca_allows(void **state)
{
	struct plant *p = *state;
	struct test_certificate top = test_make((struct test_wish){.name = "Top", .issuer = &p->line6, .odd = above_leaves_alone});
	struct test_certificate below = test_make((struct test_wish){.name = "Below", .ca = 1, .issuer = &top});
	struct test_certificate leaf = test_make((struct test_wish){.name = "press-07", .issuer = &below});

	PRESENT(p, &leaf, &below, &top);
	plant_refuses(p, &p->group, "certificate-path-path-length",
		      "CN=Top allows fewer intermediate certificates below it (pathlen) than there are. The path was to lead to enrollment "
		      "presses.");
	test_unmake(&leaf);
	test_unmake(&below);
	test_unmake(&top);
}

static void a_signature_that_was_not_made_by_the_issuer(void **state)
{
	struct plant *p = *state;
	struct test_certificate fake = test_make((struct test_wish){.name = "Line 6 CA", .ca = 1});

	plant_show_odd(p, (struct test_wish){.name = "press-07", .issuer = &fake});
	test_unmake(&fake);
	plant_refuses(p, &p->group, "certificate-path-signature",
		      "The signature on CN=press-07 was not made by the certificate that it names as its issuer, or it has been changed "
		      "since. The path was to lead to enrollment presses.");
	assert_string_equal(p->v.seen, "certificate signature failure at CN=press-07");
}

static void an_intermediate_that_is_out_of_date(void **state)
{
	struct plant *p = *state;
	struct test_certificate old = test_make(
		(struct test_wish){.name = "Old CA", .ca = 1, .issuer = &p->line6, .from = -9 * TEST_DAY, .to = -3 * TEST_DAY - 60});
	struct test_certificate leaf = test_make((struct test_wish){.name = "press-07", .issuer = &old});

	PRESENT(p, &leaf, &old);
	plant_refuses(
		p, &p->group, "certificate-path-expired",
		arena_printf(p->a,
			     "CN=Old CA expired at %s, 3 days ago by this server's clock. The path was to lead to enrollment presses.",
			     at(p, chain_info(p->ev.chain, 1, p->a)->not_after)));
	test_unmake(&leaf);
	test_unmake(&old);
}

static void the_certificate_of_the_enrollment_in_the_hands_of_a_device(void **state)
{
	struct plant *p = *state;

	p->ev.registration_id = SLICE("Line 6 CA");
	PRESENT(p, &p->line6);
	plant_refuses(p, &p->group, "certificate-path-anchor",
		      "CN=Line 6 CA is the enrollment's own certificate: a device needs one that was signed by it. The path was to lead to "
		      "enrollment presses.");
}

/* --- CA certificates --- */

static void a_ca_that_an_enrollment_refers_to_and_that_is_of_no_use(void **state)
{
	struct plant *p = *state;

	p->group.signing_primary = NO_SLICE;
	p->group.ca_primary = SLICE("plant-ca");
	plant_refuses(p, &p->group, "certificate-authority",
		      "Enrollment group presses relies on CA certificates, but none of them may be: CA certificate plant-ca is not there.");
	p->ev.authorities = &p->authority;
	p->ev.authority_count = 1;
	p->authority.verified = FLAG_NO;
	plant_refuses(
		p, &p->group, "certificate-authority",
		"Enrollment group presses relies on CA certificates, but none of them may be: CA certificate plant-ca (CN=Plant root) "
		"is not verified: its owner has not shown yet that he has its key.");
	p->authority.verified = FLAG_YES;
	plant_refuses(
		p, &p->group, "certificate-path-incomplete",
		"The chain does not reach CN=Plant root: it ends at CN=press-07, whose issuer is CN=Line 6 CA. Devices must send every "
		"certificate from the leaf up to the one that the enrollment names. The path was to lead to enrollment presses (CA "
		"certificate plant-ca).");
}

static void a_ca_that_signed_the_chain_and_is_idle_is_pointed_out(void **state)
{
	struct plant *p = *state;
	struct explanation x;

	p->ev.authorities = &p->authority;
	p->ev.authority_count = 1;
	PRESENT(p, &p->press, &p->line6);
	p->authority.verified = FLAG_NO;
	attest_explain(NULL, 0, &p->ev, p->a, &x);
	assert_int_equal(x.nearest.n, 1);
	assert_true(slice_eq(x.nearest.at[0], SLICE("CA certificate plant-ca (CN=Plant root) is there, but not verified.")));
	p->authority.verified = FLAG_YES;
	attest_explain(NULL, 0, &p->ev, p->a, &x);
	assert_int_equal(x.nearest.n, 1);
	assert_true(slice_eq(x.nearest.at[0],
			     SLICE("CA certificate plant-ca (CN=Plant root) is verified, but no enrollment group refers to it.")));
	p->group.signing_primary = NO_SLICE;
	p->group.ca_secondary = SLICE("Plant-CA");
	attest_explain(&p->group, 1, &p->ev, p->a, &x);
	assert_int_equal(x.nearest.n, 1);
	assert_true(slice_eq(x.nearest.at[0], SLICE("Enrollment group presses (CA certificate plant-ca) names CN=Plant root.")));
	p->authority.certificate = plant_der(p, &p->line7);
	attest_explain(NULL, 0, &p->ev, p->a, &x);
	assert_int_equal(x.nearest.n, 0);
}

/* --- the whole picture --- */

static void the_chain_is_shown_as_it_was_presented(void **state)
{
	struct plant *p = *state;
	struct slice ders[] = {plant_der(p, &p->deep), SLICE("rubbish"), plant_der(p, &p->cell)};
	struct explanation x;
	json_t *json;

	plant_present_ders(p, ders, 3);
	attest_explain(NULL, 0, &p->ev, p->a, &x);
	assert_non_null(json = json_loadb(x.presented.p, x.presented.n, 0, NULL));
	assert_int_equal(json_array_size(json), 2); /* what does not read is not there */
	assert_string_equal(json_string_value(json_object_get(json_array_get(json, 0), "subjectName")), "CN=press-07");
	assert_string_equal(json_string_value(json_object_get(json_array_get(json, 1), "subjectName")), "CN=Cell 6.1 CA");
	assert_string_equal(json_string_value(json_object_get(json_array_get(json, 1), "issuerName")), "CN=Line 6 CA");
	json_decref(json);
	chain_free(&p->ev.chain);
	attest_explain(&p->group, 1, &p->ev, p->a, &x);
	assert_true(slice_absent(x.presented));
	assert_int_equal(x.nearest.n, 0);
}

static void of_many_groups_the_five_most_alike_are_told_the_most_alike_first(void **state)
{
	static const char *const names[] = {"Zoo", "Line 99 CA", "Line 7 CB", "Line 7 CA", "Mine 7 CA", "Lines", "Line 7 C"};
	struct plant *p = *state;
	struct enrollment groups[7];
	struct explanation x;

	for (size_t i = 0; i < 7; i++) {
		struct test_certificate ca = test_make((struct test_wish){.name = names[i], .ca = 1});

		groups[i] = p->group;
		groups[i].signing_primary = plant_der(p, &ca);
		test_unmake(&ca);
	}
	plant_show_odd(p, (struct test_wish){.name = "press-07", .issuer = &p->line7});
	attest_explain(groups, 7, &p->ev, p->a, &x);
	assert_int_equal(x.nearest.n, 5);
	assert_true(slice_eq(x.nearest.at[0], SLICE("Enrollment group presses names CN=Line 7 CA.")));
	for (size_t i = 0; i < 5; i++)
		assert_true(slice_search(x.nearest.at[i], SLICE("Zoo")) < 0);
}

static void ring_the_bell(X509 *x)
{
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "O", MBSTRING_UTF8, (const unsigned char *)"\x1b[2J\a\xc2\x9b", -1, -1, 0);
}

/* Sentences go to terminals and logs: what a device has in its name is shown there and does nothing. */
static void no_name_plays_on_the_operator_s_terminal(void **state)
{
	struct plant *p = *state;

	plant_show_odd(p, (struct test_wish){.name = "press-08", .odd = ring_the_bell});
	plant_refuses(
		p, &p->group, "certificate-common-name",
		"The leaf is O=\\1B[2J\\07\\C2\\9B, CN=press-08, but the device registers as press-07: its CN must be the registration "
		"ID.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLANT_TEST(a_leaf_whose_signer_no_group_names),
		PLANT_TEST(a_chain_whose_top_no_group_names),
		PLANT_TEST(a_leaf_that_signed_itself),
		PLANT_TEST(a_leaf_for_another_device),
		PLANT_TEST(a_leaf_without_a_common_name),
		PLANT_TEST(a_leaf_that_has_expired),
		PLANT_TEST(a_leaf_that_is_not_valid_yet),
		PLANT_TEST(a_leaf_that_is_not_the_enrolled_one),
		PLANT_TEST(an_intermediate_that_was_not_sent),
		PLANT_TEST(a_signer_with_the_right_name_and_another_key),
		PLANT_TEST(a_signer_that_was_sent_and_is_a_namesake_of_the_enrolled_one),
		PLANT_TEST(every_fault_of_a_path_has_its_sentence),
		PLANT_TEST(a_path_longer_than_its_ca_allows),
		PLANT_TEST(a_signature_that_was_not_made_by_the_issuer),
		PLANT_TEST(an_intermediate_that_is_out_of_date),
		PLANT_TEST(the_certificate_of_the_enrollment_in_the_hands_of_a_device),
		PLANT_TEST(a_ca_that_an_enrollment_refers_to_and_that_is_of_no_use),
		PLANT_TEST(a_ca_that_signed_the_chain_and_is_idle_is_pointed_out),
		PLANT_TEST(the_chain_is_shown_as_it_was_presented),
		PLANT_TEST(of_many_groups_the_five_most_alike_are_told_the_most_alike_first),
		PLANT_TEST(no_name_plays_on_the_operator_s_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
