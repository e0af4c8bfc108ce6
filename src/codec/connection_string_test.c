/* Connection strings: parts, their order, and refusals that tell no secret. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/connection_string.h"

static void is(struct slice s, struct slice expected)
{
	assert_false(slice_absent(s));
	if (!slice_eq(s, expected))
		fail_msg("\"%.*s\" should be \"%.*s\"", SLICE_ARG(s), SLICE_ARG(expected));
}

/* service-api.md 3.1 */
static void a_connection_string_is_split_at_the_first_equals_sign(void **state)
{
	struct connection_string c;
	const char *why = NULL;

	(void)state;
	assert_int_equal(
		connection_string_read(SLICE("HostName=dps1.example.test;SharedAccessKeyName=owner;SharedAccessKey=AAEC=+/w=="), &c, &why),
		OK);
	is(c.host_name, SLICE("dps1.example.test"));
	is(c.key_name, SLICE("owner"));
	is(c.key, SLICE("AAEC=+/w=="));
	assert_true(slice_absent(c.device_id));
	assert_true(slice_absent(c.signature));
}

static void parts_come_in_any_order_and_case(void **state)
{
	struct connection_string c;
	const char *why = NULL;

	(void)state;
	assert_int_equal(
		connection_string_read(SLICE(" sharedaccesskey = AA== ;Later=x=y;;DEVICEID=press-07; HOSTNAME= h.test:8443 ;"), &c, &why),
		OK);
	is(c.host_name, SLICE("h.test:8443"));
	is(c.key, SLICE("AA=="));
	is(c.device_id, SLICE("press-07"));
	assert_true(slice_absent(c.key_name));
	assert_int_equal(
		connection_string_read(SLICE("HostName=h.test;SharedAccessSignature=SharedAccessSignature sr=a&sig=b%3D&se=1"), &c, &why),
		OK);
	is(c.signature, SLICE("SharedAccessSignature sr=a&sig=b%3D&se=1"));
}

static void a_connection_string_that_is_none_is_told_without_its_key(void **state)
{
	static const char *const wrong[] = {"",
					    ";;",
					    "SharedAccessKey=c2VjcmV0",
					    "HostName=;SharedAccessKey=c2VjcmV0",
					    "HostName=h;c2VjcmV0",
					    "HostName=h;hostname=h;SharedAccessKey=c2VjcmV0",
					    "HostName=h;SharedAccessKey=;SharedAccessKey=c2VjcmV0",
					    "HostNam=h;SharedAccessKey=c2VjcmV0"};
	struct connection_string c;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *why = NULL;

		assert_int_equal(connection_string_read(slice_str(wrong[i]), &c, &why), ERR_MALFORMED);
		assert_non_null(why);
		assert_null(strstr(why, "c2VjcmV0"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_string_is_split_at_the_first_equals_sign),
		cmocka_unit_test(parts_come_in_any_order_and_case),
		cmocka_unit_test(a_connection_string_that_is_none_is_told_without_its_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
