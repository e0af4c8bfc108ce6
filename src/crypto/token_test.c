/* Tokens in every client's spelling: device-api.md 7, service-api.md 3.3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "crypto/token.h"

#define ROOM       65536
#define DEVICE_SE  "1790000000"
#define SERVICE_SE "1893456000"
#define GROUP_KEY  "8isrFI1sGsIlvvFSSFRiMfCNzv21fjbE/+ah/lSh3lF8e2YG1Te7w1KpZhJFFXJrqYKi9yegxkqIChbqOS9Egw=="

/* device-api.md 7.3 and service-api.md 3.3: the spelling of sr, the signature, the key (bytes 00 to n - 1), se, sr decoded. */
static const struct vector {
	const char *sr, *sig, *se, *resource;
	size_t key_size;
} vectors[] = {
	{"0ne00AB12CD/registrations/dev-1", "stU8soTcmETMkYY/CPplafneE6HmQ3WrfADLHTzcfbs=", DEVICE_SE, "0ne00AB12CD/registrations/dev-1",
	 64},
	{"0ne00AB12CD%2Fregistrations%2Fdev-1", "NxGHpZKHRe0FxQ/iUSMBohjSn1OcaKf5PH43veOJC08=", DEVICE_SE,
	 "0ne00AB12CD/registrations/dev-1", 64},
	{"0ne00AB12CD%2fregistrations%2fdev-1", "qcuF5DgoRaoguGA8syPvZ2M7veiggC87jqVzHGLwPT4=", DEVICE_SE,
	 "0ne00AB12CD/registrations/dev-1", 64},
	{"0ne00ab12cd/registrations/dev-1", "eMHjcfkH7pfiEKPFxutkVmr5GuvbV67hzg7evs+2Pfc=", DEVICE_SE, "0ne00ab12cd/registrations/dev-1",
	 64},
	{"dps1.example.test", "kURowC33V9FTiasujl/CHGUGHtLGRmDD0jFVlCsAubQ=", SERVICE_SE, "dps1.example.test", 32},
	{"dps1.example.test:8443", "DaKFirrBKumdglli7KK4J0XzZMDzbGbbBXJNi55PFY0=", SERVICE_SE, "dps1.example.test:8443", 32},
	{"dps1.example.test%3A8443", "PeimLtM+hAATKxEBPw9m3IrHWFB1NZWDrTSYNjhdx4w=", SERVICE_SE, "dps1.example.test:8443", 32},
	{"dps1.example.test%3a8443", "s0CSOr1onqEj5N6etVlwS8w4NYsM1GfLnjVVIjPDs8A=", SERVICE_SE, "dps1.example.test:8443", 32},
};

#define VECTORS (sizeof(vectors) / sizeof(vectors[0]))

static struct arena *a;
static struct token t;
static const char *why;

static int set_up(void **state)
{
	(void)state;
	return (a = arena_new(ROOM)) == NULL;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(&a);
	return 0;
}

static struct slice key_of(size_t n)
{
	static unsigned char bytes[64];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)i;
	return slice_over(bytes, n);
}

static enum err read_text(struct slice text)
{
	enum err e = token_read(text, a, &t, &why);

	assert_true(e == OK ? why == NULL : why != NULL);
	return e;
}

static void lower_hex(char *text)
{
	for (; *text; text++)
		if (text[0] == '%') {
			text[1] |= 0x20; /* digits have this bit already */
			text[2] |= 0x20;
		}
}

/* The ways in which a signature travels: escaped upper, lower, not at all, and with '+' made a blank by a form decoder. */
static struct slice spelled(const char *sig, int way)
{
	struct slice raw = slice_str(sig);
	char *text = arena_str(a, way < 2 ? percent_encode(a, raw) : raw);

	if (way == 1)
		lower_hex(text);
	for (char *p = text; way == 3 && *p; p++)
		if (*p == '+')
			*p = ' ';
	return slice_str(text);
}

static void every_vector_verifies_in_every_spelling_and_order(void **state)
{
	static const char *const orders[] = {"0123", "0132", "0231", "3210", "1302", "2013"};
	static const char *const schemes[] = {"SharedAccessSignature ", "", "sharedaccesssignature "};
	static const char *const skns[] = {NULL, "&skn=", "&skn=registration", "&skn=a%20b"};

	(void)state;
	for (size_t i = 0; i < VECTORS * 4 * 4; i++) {
		const struct vector *v = &vectors[i / 16];
		const char *skn = skns[i % 4], *order = orders[i % 6], *scheme = schemes[i % 3];
		struct slice fields[4] = {arena_format(a, "&sr=%s", v->sr), arena_format(a, "&sig=%s", spelled(v->sig, (int)(i / 4 % 4)).p),
					  arena_format(a, "&se=%s", v->se), slice_str(skn ? skn : "")};
		struct slice parts = arena_format(a, "%s%s%s%s", fields[order[0] - '0'].p, fields[order[1] - '0'].p,
						  fields[order[2] - '0'].p, fields[order[3] - '0'].p);

		assert_int_equal(read_text(arena_format(a, "%s%s", scheme, parts.p + 1)), OK);
		assert_true(token_signed_by(&t, key_of(v->key_size)));
		assert_false(token_signed_by(&t, key_of(v->key_size - 1)));
		assert_false(token_signed_by(&t, NO_SLICE));
		assert_true(slice_eq(t.sr, slice_str(v->sr)));
		assert_true(slice_eq(t.resource, slice_str(v->resource)));
		assert_int_equal(slice_absent(t.key_name), skn == NULL);
		if (skn)
			assert_true(slice_eq(t.key_name, percent_decode(a, slice_str(skn + 5))));
		arena_free(&a);
		a = arena_new(ROOM);
	}
}

/* The four spellings of one resource have four signatures: none is good for another. */
static void a_signature_is_over_the_spelling_that_was_sent(void **state)
{
	(void)state;
	for (size_t i = 0; i < VECTORS; i++)
		for (size_t k = 0; k < VECTORS; k++) {
			if (vectors[i].key_size != vectors[k].key_size)
				continue;
			assert_int_equal(read_text(arena_format(a, "sr=%s&sig=%s&se=%s", vectors[i].sr, vectors[k].sig, vectors[i].se)),
					 OK);
			assert_int_equal(token_signed_by(&t, key_of(vectors[i].key_size)), i == k);
		}
	assert_int_equal(read_text(arena_format(a, "sr=%s&sig=%s&se=1790000001", vectors[0].sr, vectors[0].sig)), OK);
	assert_false(token_signed_by(&t, key_of(64)));
	assert_int_equal(read_text(arena_format(a, "sr=%s&sig=%s&se=01790000000", vectors[0].sr, vectors[0].sig)), OK);
	assert_false(token_signed_by(&t, key_of(64)));
}

#define SIG "stU8soTcmETMkYY/CPplafneE6HmQ3WrfADLHTzcfbs="

static void a_token_that_does_not_read_is_told_without_its_signature(void **state)
{
	static const char *const wrong[] = {
		"",
		"SharedAccessSignature ",
		"Bearer sr=a&sig=" SIG "&se=1",
		"sr=a&sig=" SIG,
		"sr=a&se=1",
		"sig=" SIG "&se=1",
		"sr=&sig=" SIG "&se=1",
		"sr=a&sig=&se=1",
		"sr=a&sig=" SIG "&se=",
		"sr=a&sr=b&sig=" SIG "&se=1",
		"sr=a&sig=" SIG "&se=1&se=2",
		"sr=a&sig=" SIG "&sig=" SIG "&se=1",
		"sr=a&sig=" SIG "&se=1&skn=&skn=b",
		"sr=a&sig=" SIG "&se=1&",
		"SR=a&sig=" SIG "&se=1&stU8soTcmETM",
		"sr=a&sig=" SIG "&se=-1",
		"sr=a&sig=" SIG "&se=+1",
		"sr=a&sig=" SIG "&se=1.5",
		"sr=a&sig=" SIG "&se=%31",
		"sr=a&sig=" SIG "&se=253402300800",
		"sr=a&sig=" SIG "&se=99999999999999999999",
		"sr=a%&sig=" SIG "&se=1",
		"sr=a%2&sig=" SIG "&se=1",
		"sr=a&sig=" SIG "&se=1&skn=%zz",
		"sr=a&sig=stU8soTcmETM%zz&se=1",
		"sr=a&sig=stU8soTcmETMkYY/CPplafneE6HmQ3WrfADLHTzcfbs&se=1",
		"sr=a&sig=stU8soTcmETMkYY/CPplafneE6HmQ3WrfADLHTzcfbt=&se=1",
		"sr=a&sig=stU8soTcmETMkYY/CPplafneE6HmQ3WrfADLHTzcfQ==&se=1",
		"sr=a&sig=stU8soTcmETMkYY_CPplafneE6HmQ3WrfADLHTzcfbs=&se=1",
		"sr=a&sig=stU8soTcmETMkYY/CPplafneE6HmQ3WrfADLHTzcfbsA&se=1",
		"sr=a&sig=stU8soTcmETMkYY%252FCPplafneE6HmQ3WrfADLHTzcfbs=&se=1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (read_text(slice_str(wrong[i])) != ERR_MALFORMED)
			fail_msg("taken: %s", wrong[i]);
		assert_null(strstr(why, "stU8"));
	}
	assert_int_equal(read_text(SLICE("sr=a&sig=" SIG "&se=253402300799&later=x")), OK);
}

static void a_token_has_a_longest_length(void **state)
{
	static char text[TOKEN_MAX + 2];

	(void)state;
	for (int extra = 0; extra < 2; extra++) {
		struct slice tail = SLICE("&sig=" SIG "&se=1");
		size_t n = TOKEN_MAX + (size_t)extra;

		memset(text, 'x', n);
		memcpy(text, "sr=", 3);
		memcpy(text + n - tail.n, tail.p, tail.n);
		assert_int_equal(read_text(slice_over(text, n)), extra ? ERR_MALFORMED : OK);
		if (extra == 0)
			assert_false(token_signed_by(&t, key_of(64)));
	}
}

/* service-api.md 3.3, device-api.md 7.1: five minutes of clock error */
static void an_expired_token_is_good_for_five_minutes_more(void **state)
{
	instant se = 1790000000 * INSTANT_SECOND;

	(void)state;
	assert_int_equal(read_text(SLICE("sr=a&sig=" SIG "&se=" DEVICE_SE)), OK);
	assert_true(t.expires == se);
	assert_false(token_expired(&t, se - 1));
	assert_false(token_expired(&t, se + 4 * 60 * INSTANT_SECOND));
	assert_false(token_expired(&t, se + 5 * 60 * INSTANT_SECOND));
	assert_true(token_expired(&t, se + 5 * 60 * INSTANT_SECOND + 1));
	assert_true(token_expired(&t, se + 6 * 60 * INSTANT_SECOND));
	assert_int_equal(read_text(SLICE("sr=a&sig=" SIG "&se=253402300799")), OK);
	assert_false(token_expired(&t, se));
}

static void what_we_make_is_what_the_vectors_say(void **state)
{
	struct slice made =
		token_make(a, SLICE("0ne00AB12CD/registrations/dev-1"), key_of(64), SLICE("registration"), 1790000000 * INSTANT_SECOND);

	(void)state;
	assert_true(slice_eq(made, SLICE("SharedAccessSignature sr=0ne00AB12CD%2Fregistrations%2Fdev-1"
					 "&sig=NxGHpZKHRe0FxQ%2FiUSMBohjSn1OcaKf5PH43veOJC08%3D&se=1790000000&skn=registration")));
	made = token_make(a, SLICE("a b"), key_of(16), NO_SLICE, 1790000000 * INSTANT_SECOND);
	assert_int_equal(slice_search(made, SLICE("skn")), -1);
	assert_int_equal(read_text(made), OK);
	assert_true(token_signed_by(&t, key_of(16)));
	assert_true(slice_eq(t.resource, SLICE("a b")));
}

/* device-api.md 7.3 */
static void a_group_key_gives_each_device_its_own(void **state)
{
	struct slice group = base64_decode(a, SLICE(GROUP_KEY));
	unsigned char key[32];

	(void)state;
	device_key(group, SLICE("sn-007-888-abc-mac-a1-b2-c3-d4-e5-f6"), key);
	assert_true(slice_eq(base64_encode(a, slice_over(key, 32)), SLICE("Jsm0lyGpjaVYVP2g3FnmnmG9dI/9qU24wNoykUmermc=")));
	device_key(key_of(64), SLICE("dev-1"), key); /* of the key that signed the vectors above */
	assert_true(slice_eq(base64_encode(a, slice_over(key, 32)), SLICE("hwMX6ImusIQR3uC8iZ8xvHD4mtPX7fK4reK/A0B+wK8=")));
}

/* Whatever the arena has room for: the token whole, or too little memory, never "malformed". */
static void without_room_a_token_is_not_malformed(void **state)
{
	struct slice text = SLICE("sr=0ne00AB12CD%2Fregistrations%2Fdev-1&sig=NxGHpZKHRe0FxQ%2FiUSMBohjSn1OcaKf5PH43veOJC08%3D&se="
				  "1790000000&skn=registration");
	enum err e = ERR_TOO_BIG;
	int refused = 0;

	(void)state;
	for (size_t ceiling = 16; e != OK; ceiling += 16, refused++) {
		struct arena *small = arena_new(ceiling);
		struct slice made = token_make(small, SLICE("a"), key_of(64), SLICE("b"), 1);

		assert_true(slice_absent(made) == arena_failed(small));
		arena_free(&small);
		small = arena_new(ceiling);
		e = token_read(text, small, &t, &why);
		assert_true(e == OK || e == ERR_TOO_BIG);
		assert_true(e != OK || token_signed_by(&t, key_of(64)));
		arena_free(&small);
	}
	assert_true(refused > 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_vector_verifies_in_every_spelling_and_order),
		TEST(a_signature_is_over_the_spelling_that_was_sent),
		TEST(a_token_that_does_not_read_is_told_without_its_signature),
		TEST(a_token_has_a_longest_length),
		TEST(an_expired_token_is_good_for_five_minutes_more),
		TEST(what_we_make_is_what_the_vectors_say),
		TEST(a_group_key_gives_each_device_its_own),
		TEST(without_room_a_token_is_not_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
