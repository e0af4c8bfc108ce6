#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/text.h"
#include "crypto/certificate.h"
#include "model/model.h"

#define ROOM (1024 * 1024)

struct fixture {
	struct arena *a;
	struct enrollment e;
	const char *why;
};

static int set_up(void **state)
{
	static struct fixture f;

	f = (struct fixture){.a = arena_new(ROOM)};
	*state = &f;
	return f.a == NULL;
}

static int tear_down(void **state)
{
	arena_free(&((struct fixture *)*state)->a);
	return 0;
}

static enum err read_individual(struct fixture *f, const char *text)
{
	f->why = NULL;
	return noun_read(&noun_individual, slice_str(text), f->a, &f->e, &f->why);
}

#define assert_slice(s, text) assert_true(!slice_absent(s) && slice_eq(s, SLICE(text)))

/* service-api.md 6.1 */
static void the_enrollment_of_the_specification_reads(void **state)
{
	struct fixture *f = *state;
	struct enrollment *e = &f->e;

	assert_int_equal(read_individual(f, "{\"registrationId\":\"press-07\",\"attestation\":{\"type\":\"symmetricKey\",\"symmetricKey\":"
					    "{\"primaryKey\":null,\"secondaryKey\":null}},\n "
					    "\"allocationPolicy\":\"static\",\"iotHubs\":[\"hub1.example.test\"],"
					    "\"capabilities\":{\"iotEdge\":false},\n"
					    " \"initialTwin\":{\"tags\":{\"line\":4},\"properties\":{\"desired\":{\"interval\":30}}},\n"
					    " \"reprovisionPolicy\":{\"updateHubAssignment\":true,\"migrateDeviceData\":true}}"),
			 OK);
	assert_slice(e->name, "press-07");
	assert_slice(e->attestation, "symmetricKey");
	assert_true(slice_absent(e->primary_key) && slice_absent(e->secondary_key));
	assert_slice(e->allocation_policy, "static");
	assert_int_equal(e->iot_hubs.n, 1);
	assert_slice(e->iot_hubs.at[0], "hub1.example.test");
	assert_int_equal(e->iot_edge, FLAG_NO);
	assert_int_equal(e->update_hub, FLAG_YES);
	assert_int_equal(e->migrate_data, FLAG_YES);
	assert_slice(e->initial_twin, "{\"tags\":{\"line\":4},\"properties\":{\"desired\":{\"interval\":30}}}");
	assert_true(slice_absent(e->device_id) && slice_absent(e->provisioning_status));
}

/* service-api.md 4.4: Python sends most optional members as explicit nulls. */
static void null_is_absent_but_for_the_provisioning_status(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(read_individual(f, "{\"registrationId\":\"a\",\"attestation\":{\"type\":\"tpm\",\"tpm\":null,\"x509\":null},"
					    "\"deviceId\":null,\"capabilities\":null,\"iotHubs\":null,\"initialTwin\":null,"
					    "\"reprovisionPolicy\":null,\"provisioningStatus\":null,\"allocationPolicy\":null}"),
			 OK);
	assert_true(slice_absent(f->e.device_id) && slice_absent(f->e.initial_twin) && slice_absent(f->e.allocation_policy));
	assert_true(f->e.iot_edge == FLAG_NONE && f->e.update_hub == FLAG_NONE && !f->e.iot_hubs.given);
	assert_true(!slice_absent(f->e.provisioning_status) && f->e.provisioning_status.n == 0);
}

/* service-api.md 4.4: npm, C# and Java send back whatever they read. */
static void read_only_members_are_ignored(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(read_individual(f, "{\"registrationId\":\"a\",\"attestation\":{\"type\":\"none\"},\"etag\":5,"
					    "\"registrationState\":[],\"createdDateTimeUtc\":\"yesterday\",\"lastUpdatedDateTimeUtc\":{},"
					    "\"somethingNew\":{\"a\":1}}"),
			 OK);
	assert_true(slice_absent(f->e.etag) && slice_absent(f->e.state) && f->e.created == 0 && f->e.updated == 0);
}

static void names_and_enumerations_are_read_in_any_case(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(read_individual(f, "{\"RegistrationID\":\"a\",\"Attestation\":{\"TYPE\":\"SymmetricKey\"},"
					    "\"allocationPolicy\":\"Hashed\",\"InitialTwin\":{}}"),
			 OK);
	assert_slice(f->e.name, "a");
	assert_slice(f->e.attestation, "symmetricKey");
	assert_slice(f->e.allocation_policy, "hashed");
	assert_slice(f->e.initial_twin, "{}");
}

/* What passes through is not touched: blanks, order, numbers, escapes. */
static void opaque_members_keep_their_text(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(read_individual(f, "{\"attestation\":{\"type\":\"none\"},\"optionalDeviceInformation\" : "
					    "{ \"b\" : 1.0e2,\"a\":[ \"\\u00e9\" , null ]} }"),
			 OK);
	assert_slice(f->e.device_information, "{ \"b\" : 1.0e2,\"a\":[ \"\\u00e9\" , null ]}");
}

static void an_empty_list_is_given(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(read_individual(f, "{\"attestation\":{\"type\":\"none\"},\"iotHubs\":[]}"), OK);
	assert_true(f->e.iot_hubs.given && f->e.iot_hubs.n == 0);
}

static void a_wrong_member_is_named_by_its_path(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"{}", "attestation.type is missing."},
		{"{\"attestation\":null}", "attestation.type is missing."},
		{"{\"attestation\":{}}", "attestation.type is missing."},
		{"{\"attestation\":7}", "attestation must be an object."},
		{"{\"attestation\":{\"type\":\"none\",\"x509\":{\"clientCertificates\":[]}}}",
		 "attestation.x509.clientCertificates must be an object."},
		{"{\"attestation\":{\"type\":\"magic\"}}", "attestation.type must be one of none, tpm, x509, symmetricKey."},
		{"{\"attestation\":{\"type\":1}}", "attestation.type must be a string."},
		{"{\"attestation\":{\"type\":\"none\"},\"deviceId\":1}", "deviceId must be a string."},
		{"{\"attestation\":{\"type\":\"none\"},\"capabilities\":{\"iotEdge\":\"yes\"}}",
		 "capabilities.iotEdge must be true or false."},
		{"{\"attestation\":{\"type\":\"none\"},\"iotHubs\":\"hub1\"}", "iotHubs must be an array of strings."},
		{"{\"attestation\":{\"type\":\"none\"},\"iotHubs\":[\"hub1\",null]}", "iotHubs must be an array of strings."},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(read_individual(f, cases[i].text), ERR_INVALID);
		assert_string_equal(f->why, cases[i].why);
	}
}

static void numbers_and_times_are_checked(void **state)
{
	struct fixture *f = *state;
	struct registration_record r;

	assert_int_equal(noun_read(&noun_registration,
				   SLICE("{\"errorCode\":400207,\"createdDateTimeUtc\":\"2026-01-05T10:20:28.8800437Z\"}"), f->a, &r,
				   &f->why),
			 OK);
	assert_true(r.error_code == 400207 && r.created % INSTANT_SECOND == 8800437);
	assert_int_equal(noun_read(&noun_registration, SLICE("{\"errorCode\":4.5}"), f->a, &r, &f->why), ERR_INVALID);
	assert_string_equal(f->why, "errorCode must be an integer.");
	assert_int_equal(noun_read(&noun_registration, SLICE("{\"createdDateTimeUtc\":\"monday\"}"), f->a, &r, &f->why), ERR_INVALID);
	assert_string_equal(f->why, "createdDateTimeUtc must be a time like 2026-01-05T10:20:30Z.");
}

static void what_is_no_json_object_is_malformed(void **state)
{
	static const char *const texts[] = {"", "nonsense", "[]", "5", "null", "{\"a\":1,\"a\":2}", "{} {}"};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(read_individual(f, texts[i]), ERR_MALFORMED);
		assert_non_null(f->why);
	}
}

static void no_sentence_tells_a_key(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(
		read_individual(f, "{\"attestation\":{\"type\":\"symmetricKey\",\"symmetricKey\":{\"primaryKey\":[\"c2VjcmV0\"]}}}"),
		ERR_INVALID);
	assert_string_equal(f->why, "attestation.symmetricKey.primaryKey must be a string.");
}

static void nobody_has_to_ask_why(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(noun_read(&noun_individual, SLICE("{}"), f->a, &f->e, NULL), ERR_INVALID);
}

/* --- certificates --- */

#define X509 "{\"attestation\":{\"type\":\"x509\",\"x509\":{\"clientCertificates\":{\"primary\":%s}}}}"

static enum err read_x509(struct fixture *f, const char *primary)
{
	return read_individual(f, arena_printf(f->a, X509, primary));
}

static enum err read_certificate_text(struct fixture *f, struct slice text)
{
	json_t *string = json_stringn(text.p, text.n);
	char *quoted = json_dumps(string, JSON_ENCODE_ANY);
	enum err e = read_x509(f, arena_printf(f->a, "{\"certificate\":%s}", quoted));

	free(quoted);
	json_decref(string);
	return e;
}

/* service-api.md 14 check 8 */
static void a_certificate_is_read_in_three_spellings(void **state)
{
	struct fixture *f = *state;
	struct certificate_pair ca;
	struct slice der;
	const char *why;

	assert_int_equal(certificate_make_ca(f->a, "device-01", 17000000000000000, 30, &ca), OK);
	assert_int_equal(certificate_read(ca.certificate, f->a, &der, &why), OK);
	assert_int_equal(read_certificate_text(f, ca.certificate), OK);
	assert_true(slice_eq(f->e.client_primary, der));
	assert_int_equal(read_certificate_text(f, base64_encode(f->a, der)), OK);
	assert_true(slice_eq(f->e.client_primary, der));
	assert_int_equal(read_certificate_text(f, base64_encode(f->a, ca.certificate)), OK);
	assert_true(slice_eq(f->e.client_primary, der));
}

/* service-api.md 5.3, RULE: C# and npm send back what they read. */
static void info_alone_keeps_the_stored_certificate(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(read_x509(f, "{\"info\":{\"subjectName\":\"CN=device-01\"}}"), OK);
	assert_true(!slice_absent(f->e.client_primary) && f->e.client_primary.n == 0);
	assert_int_equal(read_x509(f, "{\"certificate\":null,\"info\":{}}"), OK);
	assert_true(!slice_absent(f->e.client_primary) && f->e.client_primary.n == 0);
	assert_int_equal(read_x509(f, "{\"certificate\":null,\"info\":null}"), OK);
	assert_true(slice_absent(f->e.client_primary));
	assert_int_equal(read_x509(f, "null"), OK);
	assert_true(slice_absent(f->e.client_primary));
}

static void an_unreadable_certificate_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(read_x509(f, "{\"certificate\":\"AAAA\"}"), ERR_INVALID);
	assert_non_null(strstr(f->why, "attestation.x509.clientCertificates.primary holds no readable certificate"));
	assert_int_equal(read_x509(f, "{\"certificate\":5}"), ERR_INVALID);
	assert_int_equal(read_x509(f, "\"PEM\""), ERR_INVALID);
}

/* --- what if it fails here? --- */

static void a_record_is_read_whole_or_refused(void **state)
{
	static const char text[] = "{\"registrationId\":\"a\",\"attestation\":{\"type\":\"none\"},\"iotHubs\":[\"h1\",\"h2\"],"
				   "\"initialTwin\":{\"tags\":{}},\"certificatePolicyName\":\"the last row\"}";
	enum err e = ERR_TOO_BIG;
	int refused = 0;

	(void)state;
	for (size_t ceiling = 16; e != OK && ceiling < ROOM; ceiling += 8) {
		struct arena *a = arena_new(ceiling);
		struct enrollment r;

		if (a != NULL && (e = noun_read(&noun_individual, SLICE(text), a, &r, NULL)) == OK)
			assert_slice(r.certificate_policy, "the last row");
		refused += e != OK;
		arena_free(&a);
	}
	assert_int_equal(e, OK);
	assert_true(refused > 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_enrollment_of_the_specification_reads),
		TEST(null_is_absent_but_for_the_provisioning_status),
		TEST(read_only_members_are_ignored),
		TEST(names_and_enumerations_are_read_in_any_case),
		TEST(opaque_members_keep_their_text),
		TEST(an_empty_list_is_given),
		TEST(a_wrong_member_is_named_by_its_path),
		TEST(numbers_and_times_are_checked),
		TEST(what_is_no_json_object_is_malformed),
		TEST(no_sentence_tells_a_key),
		TEST(nobody_has_to_ask_why),
		TEST(a_certificate_is_read_in_three_spellings),
		TEST(info_alone_keeps_the_stored_certificate),
		TEST(an_unreadable_certificate_is_refused),
		TEST(a_record_is_read_whole_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
