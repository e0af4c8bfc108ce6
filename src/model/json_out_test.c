#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "crypto/certificate.h"
#include "model/model.h"

#define ROOM (1024 * 1024)

struct fixture {
	struct arena *a;
	struct buf text;
};

static int set_up(void **state)
{
	static struct fixture f;

	f = (struct fixture){.a = arena_new(ROOM)};
	buf_init(&f.text, ROOM);
	*state = &f;
	return f.a == NULL;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	buf_fini(&f->text);
	arena_free(&f->a);
	return 0;
}

/* NUL-terminated, in the arena. */
static const char *written(struct fixture *f, const struct noun *noun, const void *record, unsigned views)
{
	struct json_out out;

	buf_clear(&f->text);
	json_out_init(&out, &f->text);
	noun_write(noun, record, views, &out, NULL, f->a);
	assert_false(buf_failed(&f->text));
	return arena_str(f->a, buf_slice(&f->text));
}

static instant at(const char *text)
{
	instant t;

	assert_int_equal(instant_parse(slice_str(text), &t), OK);
	return t;
}

/* service-api.md 6.1, the members in the order of 4.4 */
static void an_enrollment_is_written_in_the_order_of_the_wire(void **state)
{
	struct slice hubs[] = {SLICE("hub1.example.test")};
	struct fixture *f = *state;
	struct enrollment e;

	noun_clear(&noun_individual, &e);
	e.scope = SLICE("0ne00000A12");
	e.id = e.name = SLICE("press-07");
	e.attestation = SLICE("symmetricKey");
	e.primary_key = SLICE("cHJpbWFyeQ==");
	e.secondary_key = SLICE("c2Vjb25kYXJ5");
	e.iot_edge = FLAG_NO;
	e.initial_twin = SLICE("{\"tags\":{\"line\":4},\"properties\":{\"desired\":{\"interval\":30}}}");
	e.etag = SLICE("IjAwMDAwYTExLTAwMDAtMDcwMC0wMDAwLTY1MDAwMDAwMDAwMCI=");
	e.update_hub = e.migrate_data = FLAG_YES;
	e.created = e.updated = at("2026-01-05T10:20:27.1718864Z");
	e.allocation_policy = SLICE("static");
	e.iot_hubs = (struct slices){.at = hubs, .n = 1, .given = true};
	assert_string_equal(
		written(f, &noun_individual, &e, VIEW_SECRETS),
		"{\"registrationId\":\"press-07\",\"attestation\":{\"type\":\"symmetricKey\",\"symmetricKey\":{\"primaryKey\":\"cHJpbWFyeQ="
		"=\","
		"\"secondaryKey\":\"c2Vjb25kYXJ5\"}},\"capabilities\":{\"iotEdge\":false},"
		"\"initialTwin\":{\"tags\":{\"line\":4},\"properties\":{\"desired\":{\"interval\":30}}},"
		"\"etag\":\"IjAwMDAwYTExLTAwMDAtMDcwMC0wMDAwLTY1MDAwMDAwMDAwMCI=\",\"provisioningStatus\":\"enabled\","
		"\"reprovisionPolicy\":{\"updateHubAssignment\":true,\"migrateDeviceData\":true},"
		"\"createdDateTimeUtc\":\"2026-01-05T10:20:27.1718864Z\",\"lastUpdatedDateTimeUtc\":\"2026-01-05T10:20:27.1718864Z\","
		"\"allocationPolicy\":\"static\",\"iotHubs\":[\"hub1.example.test\"]}");
}

/* service-api.md 5.3: GET and query show the type alone. */
static void keys_are_shown_only_on_demand(void **state)
{
	struct fixture *f = *state;
	struct enrollment e;

	noun_clear(&noun_group, &e);
	e.name = SLICE("presses");
	e.attestation = SLICE("symmetricKey");
	e.primary_key = e.secondary_key = SLICE("c2VjcmV0");
	assert_string_equal(
		written(f, &noun_group, &e, VIEW_PLAIN),
		"{\"enrollmentGroupId\":\"presses\",\"attestation\":{\"type\":\"symmetricKey\"},\"provisioningStatus\":\"enabled\"}");
}

/* service-api.md 4.4: stored and returned as null. */
static void a_null_status_is_written_as_null(void **state)
{
	struct fixture *f = *state;
	struct enrollment e;

	noun_clear(&noun_individual, &e);
	e.provisioning_status = SLICE("");
	assert_string_equal(written(f, &noun_individual, &e, VIEW_PLAIN), "{\"provisioningStatus\":null}");
	e.provisioning_status = SLICE("disabled");
	assert_string_equal(written(f, &noun_individual, &e, VIEW_PLAIN), "{\"provisioningStatus\":\"disabled\"}");
}

static void an_empty_list_is_written_when_it_was_given(void **state)
{
	struct fixture *f = *state;
	struct enrollment e;

	noun_clear(&noun_individual, &e);
	e.provisioning_status = SLICE("enabled");
	e.iot_hubs.given = true;
	assert_string_equal(written(f, &noun_individual, &e, VIEW_PLAIN), "{\"provisioningStatus\":\"enabled\",\"iotHubs\":[]}");
}

/* service-api.md 5.6 */
static void a_registration_record_says_no_more_than_it_knows(void **state)
{
	struct fixture *f = *state;
	struct registration_record r;

	noun_clear(&noun_registration, &r);
	r.scope = SLICE("0ne00000A12");
	r.name = r.device_id = SLICE("press-07");
	r.created = at("2026-01-05T10:20:28.8800437Z");
	r.assigned_hub = SLICE("hub1.example.test");
	r.status = SLICE("assigned");
	r.substatus = SLICE("initialAssignment");
	r.updated = at("2026-01-05T10:20:29.1734179Z");
	r.etag = SLICE("IjAwMDAwYTExLTAwMDAtMDcwMC0wMDAwLTY1MDAwMDAwMDAwMCI=");
	r.operation_id = SLICE("5.0.0");
	assert_string_equal(written(f, &noun_registration, &r, VIEW_PLAIN),
			    "{\"registrationId\":\"press-07\",\"createdDateTimeUtc\":\"2026-01-05T10:20:28.8800437Z\","
			    "\"assignedHub\":\"hub1.example.test\",\"deviceId\":\"press-07\",\"status\":\"assigned\","
			    "\"substatus\":\"initialAssignment\",\"lastUpdatedDateTimeUtc\":\"2026-01-05T10:20:29.1734179Z\","
			    "\"etag\":\"IjAwMDAwYTExLTAwMDAtMDcwMC0wMDAwLTY1MDAwMDAwMDAwMCI=\"}");
}

/* hub-api.md 4.3 */
static void a_new_identity_shows_nulls_zeros_and_year_one(void **state)
{
	struct fixture *f = *state;
	struct device d;

	noun_clear(&noun_device, &d);
	d.device_id = SLICE("pump-17");
	d.generation = SLICE("639000000000000001");
	d.etag = SLICE("MTAwMDAwMDE=");
	d.primary_key = SLICE("q83v");
	d.secondary_key = SLICE("mZ4k");
	assert_string_equal(written(f, &noun_device, &d, VIEW_SECRETS),
			    "{\"deviceId\":\"pump-17\",\"generationId\":\"639000000000000001\",\"etag\":\"MTAwMDAwMDE=\","
			    "\"connectionState\":\"Disconnected\",\"status\":\"enabled\",\"statusReason\":null,"
			    "\"connectionStateUpdatedTime\":\"0001-01-01T00:00:00Z\",\"statusUpdatedTime\":\"0001-01-01T00:00:00Z\","
			    "\"lastActivityTime\":\"0001-01-01T00:00:00Z\",\"cloudToDeviceMessageCount\":0,"
			    "\"authentication\":{\"symmetricKey\":{\"primaryKey\":\"q83v\",\"secondaryKey\":\"mZ4k\"},"
			    "\"x509Thumbprint\":{\"primaryThumbprint\":null,\"secondaryThumbprint\":null},\"type\":\"sas\"},"
			    "\"capabilities\":{\"iotEdge\":false}}");
}

/* service-api.md 11.2 */
static void a_link_without_weight_shows_null(void **state)
{
	struct fixture *f = *state;
	struct linked_hub hub;

	noun_clear(&noun_linked_hub, &hub);
	hub.name = SLICE("hub1.example.test");
	hub.location = SLICE("westus");
	hub.key = SLICE("c2VjcmV0");
	assert_string_equal(
		written(f, &noun_linked_hub, &hub, VIEW_SECRETS),
		"{\"name\":\"hub1.example.test\",\"location\":\"westus\",\"allocationWeight\":null,\"applyAllocationPolicy\":null}");
}

/* The rows of `properties` do not stand together; the object must. */
static void an_object_is_opened_once(void **state)
{
	struct fixture *f = *state;
	struct service s;

	noun_clear(&noun_service, &s);
	s.scope = SLICE("0ne00000A12");
	s.name = SLICE("dps1");
	s.tags = SLICE("{}");
	assert_string_equal(written(f, &noun_service, &s, VIEW_PLAIN),
			    "{\"properties\":{\"idScope\":\"0ne00000A12\",\"allocationPolicy\":\"Hashed\"},\"name\":\"dps1\",\"tags\":{}}");
}

/* service-api.md 5.4: all eight members, and never the certificate itself. */
static void a_certificate_is_described_and_not_echoed(void **state)
{
	static const char *const members[] = {"subjectName",  "sha1Thumbprint", "sha256Thumbprint", "issuerName",
					      "notBeforeUtc", "notAfterUtc",    "serialNumber",     "version"};
	struct fixture *f = *state;
	struct certificate_pair ca;
	struct enrollment e;
	struct slice part;
	const char *why;

	noun_clear(&noun_individual, &e);
	e.attestation = SLICE("x509");
	assert_int_equal(certificate_make_ca(f->a, "device-01", at("2026-01-05T10:20:30Z"), 30, &ca), OK);
	assert_int_equal(certificate_read(ca.certificate, f->a, &e.client_primary, &why), OK);
	e.client_secondary = SLICE(""); /* "keep the stored one" shows nothing */
	part = slice_str(written(f, &noun_individual, &e, VIEW_SECRETS));
	part = json_member(part, "attestation", false);
	part = json_member(part, "x509", false);
	part = json_member(part, "clientCertificates", false);
	assert_true(slice_absent(json_member(part, "secondary", false)));
	part = json_member(part, "primary", false);
	assert_true(slice_absent(json_member(part, "certificate", false)));
	part = json_member(part, "info", false);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		assert_false(slice_absent(json_member(part, members[i], false)));
	assert_true(slice_eq(json_member(part, "subjectName", false), SLICE("\"CN=device-01\"")));
	/* whole seconds, service-api.md 4.5 */
	assert_int_equal(json_member(part, "notAfterUtc", false).n, sizeof("\"2026-02-04T10:20:30Z\"") - 1);
	assert_true(slice_starts(json_member(part, "notAfterUtc", false), SLICE("\"2026-02-04T")));
	assert_true(slice_eq(json_member(part, "version", false), SLICE("3")));
}

static void a_document_that_can_not_be_whole_has_failed(void **state)
{
	struct fixture *f = *state;
	struct json_out out;
	struct enrollment e;

	noun_clear(&noun_individual, &e);
	e.client_primary = SLICE("no certificate");
	buf_clear(&f->text);
	json_out_init(&out, &f->text);
	noun_write(&noun_individual, &e, VIEW_PLAIN, &out, NULL, f->a);
	assert_true(buf_failed(&f->text));
}

static void a_record_may_be_a_member(void **state)
{
	struct fixture *f = *state;
	struct policy p;
	struct json_out out;

	noun_clear(&noun_policy, &p);
	p.name = SLICE("device \"reader\"");
	json_out_init(&out, &f->text);
	json_open(&out, NULL, '{');
	noun_write(&noun_policy, &p, VIEW_PLAIN, &out, "policy", f->a);
	json_close(&out, '}');
	assert_true(slice_eq(buf_slice(&f->text), SLICE("{\"policy\":{\"keyName\":\"device \\\"reader\\\"\"}}")));
}

/* service-api.md 14 check 9: GET, PUT back. */
static void what_is_written_reads_back(void **state)
{
	static const char text[] =
		"{\"registrationId\":\"press-07\",\"deviceId\":\"Press 7\",\"optionalDeviceInformation\":[1,{}],"
		"\"attestation\":{\"type\":\"tpm\",\"tpm\":{\"endorsementKey\":\"AToAAQ==\",\"storageRootKey\":\"AAE=\"}},"
		"\"capabilities\":{\"iotEdge\":true},\"iotHubHostName\":\"hub1\",\"initialTwin\":{\"tags\":{}},"
		"\"provisioningStatus\":null,\"reprovisionPolicy\":{\"updateHubAssignment\":false,\"migrateDeviceData\":true},"
		"\"allocationPolicy\":\"custom\",\"iotHubs\":[\"a\",\"\"],"
		"\"customAllocationDefinition\":{\"webhookUrl\":\"https://f/?c=1\",\"apiVersion\":\"2021-10-01\"},"
		"\"credentialPolicyName\":\"x\",\"namespaceName\":\"y\"}";
	struct fixture *f = *state;
	struct enrollment e;

	assert_int_equal(noun_read(&noun_individual, SLICE(text), f->a, &e, NULL), OK);
	assert_string_equal(written(f, &noun_individual, &e, VIEW_SECRETS), text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_enrollment_is_written_in_the_order_of_the_wire),
		TEST(keys_are_shown_only_on_demand),
		TEST(a_null_status_is_written_as_null),
		TEST(an_empty_list_is_written_when_it_was_given),
		TEST(a_registration_record_says_no_more_than_it_knows),
		TEST(a_new_identity_shows_nulls_zeros_and_year_one),
		TEST(a_link_without_weight_shows_null),
		TEST(an_object_is_opened_once),
		TEST(a_certificate_is_described_and_not_echoed),
		TEST(a_document_that_can_not_be_whole_has_failed),
		TEST(a_record_may_be_a_member),
		TEST(what_is_written_reads_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
