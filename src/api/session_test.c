/* The life of sessions, on a clock moved by hand and in a real store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/text.h"
#include "crypto/digest.h"
#include "crypto/password.h"
#include "api/passwords.h"
#include "api/session.h"
#include "api/test_store.h"

#define START    ((instant)1790000000 * INSTANT_SECOND)
#define MINUTE   ((int64_t)60 * 1000)
#define HOUR     (60 * MINUTE)
#define PASSWORD "correct horse battery"

static struct {
	struct test_store on;
	struct passwords *passwords;
	struct api *api;

	char cookie[SESSION_HEX], csrf[SESSION_HEX]; /* what the browser knows */
	int status;
	char body[4096];
} t;

/* --- the stage --- */

static void write_done(void *cookie, enum err e, size_t failed)
{
	(void)cookie, (void)failed;
	assert_int_equal(e, OK);
}

static void add_operator(const char *name, const char *role)
{
	struct operator_record *one = noun_new(&noun_operator, t.on.arena);
	const struct store_change change = {.how = STORE_PUT, .noun = &noun_operator, .record = one};
	char hash[PASSWORD_HASH_SIZE];

	assert_int_equal(password_hash(SLICE(PASSWORD), hash), OK);
	one->id = one->name = slice_str(name);
	one->role = slice_str(role);
	one->password_hash = slice_str(hash);
	one->etag = etag_make(t.on.arena, START);
	assert_non_null(store_write(t.on.store, t.on.loop, t.on.arena, &change, 1, write_done, NULL));
	loop_settle(t.on.loop);
}

static int set_up(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	assert_true(test_store_begin(&t.on, START, 1 << 24));
	assert_int_equal(passwords_new(&t.passwords), OK);
	assert_int_equal(
		api_new(&(struct api_conf){.loop = t.on.loop, .store = t.on.store, .domain = "berth.test", .passwords = t.passwords},
			&t.api),
		OK);
	add_operator("ada", "administrator");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	api_free(&t.api);
	passwords_free(&t.passwords);
	return test_store_end(&t.on) ? 0 : -1;
}

/* --- a browser --- */

static void answered(void *cookie, const struct api_answer *a)
{
	(void)cookie;
	t.status = a->status;
	snprintf(t.body, sizeof(t.body), "%.*s", SLICE_ARG(a->body));
	for (size_t i = 0; a->headers[i].name; i++)
		if (strcmp(a->headers[i].name, "Set-Cookie") == 0)
			sscanf(a->headers[i].value.p, SESSION_COOKIE "=%64[0-9a-f]", t.cookie);
}

static int ask(const char *line, const char *body)
{
	char text[4096];
	struct http_head head;
	const char *why;
	size_t used;

	snprintf(text, sizeof(text), "%s HTTP/1.1\r\nHost: portal.berth.test\r\nCookie: " SESSION_COOKIE "=%s\r\nX-Berth-CSRF: %s\r\n\r\n",
		 line, t.cookie, t.csrf);
	assert_int_equal(http_read_head(slice_str(text), &head, &used, &why), OK);
	const struct api_question q = {.head = &head,
				       .host = SLICE("portal.berth.test"),
				       .body = slice_str(body),
				       .protocol = "https",
				       .peer = "192.0.2.7:5123",
				       .request_id = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"};
	t.status = 0;
	assert_non_null(api_ask(t.api, &q, answered, NULL));
	assert_int_equal(t.status, 0);
	loop_settle(t.on.loop);
	return t.status;
}

static int sign_in(void)
{
	int status = ask("POST /berth/session", "{\"name\":\"ada\",\"password\":\"" PASSWORD "\"}");

	if (status == 200)
		sscanf(strstr(t.body, "\"csrf\":\"") + 8, "%64[0-9a-f]", t.csrf);
	return status;
}

static int look(void)
{
	return ask("GET /berth/session", "");
}

static void read_done(void *cookie, enum err e)
{
	(void)cookie;
	assert_int_equal(e, OK);
}

static const struct session_record *sessions(size_t *count)
{
	struct session_record like;
	struct store_want want = {.noun = &noun_session, .like = &like, .limit = 1000};

	noun_clear(&noun_session, &like);
	assert_non_null(store_read(t.on.store, t.on.loop, t.on.arena, &want, 1, read_done, NULL));
	loop_settle(t.on.loop);
	*count = want.count;
	return want.records;
}

/* --- tests --- */

static void the_store_knows_neither_the_cookie_nor_the_token(void **state)
{
	const struct session_record *all;
	unsigned char digest[SHA256_SIZE];
	size_t count;

	(void)state;
	assert_int_equal(sign_in(), 200);
	all = sessions(&count);
	assert_int_equal(count, 1);
	sha256(slice_str(t.cookie), digest);
	assert_true(slice_eq(all[0].id, hex_lower(t.on.arena, slice_over(digest, sizeof(digest)))));
	assert_false(slice_eq(all[0].id, slice_str(t.cookie)));
	assert_false(slice_eq(all[0].id, slice_str(t.csrf)));
}

static void twelve_idle_hours_end_a_session(void **state)
{
	(void)state;
	assert_int_equal(sign_in(), 200);
	loop_advance(t.on.loop, 12 * HOUR - MINUTE);
	assert_int_equal(look(), 200);
	loop_advance(t.on.loop, 12 * HOUR - MINUTE);
	assert_int_equal(look(), 200);
	loop_advance(t.on.loop, 12 * HOUR);
	assert_int_equal(look(), 401);
	assert_int_equal(look(), 401);
}

static void seven_days_end_a_session_that_is_always_used(void **state)
{
	(void)state;
	assert_int_equal(sign_in(), 200);
	for (int hour = 1; hour < 7 * 24; hour++) {
		loop_advance(t.on.loop, HOUR);
		assert_int_equal(look(), 200);
	}
	loop_advance(t.on.loop, HOUR);
	assert_int_equal(look(), 401);
}

static void use_is_noted_no_more_often_than_it_must(void **state)
{
	size_t count;

	(void)state;
	assert_int_equal(sign_in(), 200);
	loop_advance(t.on.loop, 4 * MINUTE);
	assert_int_equal(look(), 200);
	assert_int_equal(sessions(&count)->used, START);
	loop_advance(t.on.loop, 2 * MINUTE);
	assert_int_equal(look(), 200);
	assert_int_equal(sessions(&count)->used, START + 360 * INSTANT_SECOND);
}

static void what_has_ended_is_cleared_away_at_the_next_sign_in(void **state)
{
	size_t count;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(sign_in(), 200);
	(void)sessions(&count);
	assert_int_equal(count, 3);
	loop_advance(t.on.loop, 13 * HOUR);
	assert_int_equal(sign_in(), 200);
	(void)sessions(&count);
	assert_int_equal(count, 1);
}

static void a_twenty_first_session_ends_the_one_used_least_lately(void **state)
{
	char first[SESSION_HEX], second[SESSION_HEX], csrf[SESSION_HEX];
	size_t count;

	(void)state;
	assert_int_equal(sign_in(), 200);
	strcpy(first, t.cookie);
	assert_int_equal(sign_in(), 200);
	strcpy(second, t.cookie);
	strcpy(csrf, t.csrf);
	loop_advance(t.on.loop, 10 * MINUTE);
	strcpy(t.cookie, first);
	assert_int_equal(look(), 200);
	for (int i = 2; i < SESSIONS_MAX; i++)
		assert_int_equal(sign_in(), 200);
	strcpy(t.cookie, second);
	assert_int_equal(look(), 200);
	loop_advance(t.on.loop, 10 * MINUTE);
	strcpy(t.cookie, first);
	assert_int_equal(look(), 200);
	assert_int_equal(sign_in(), 200);
	(void)sessions(&count);
	assert_int_equal(count, SESSIONS_MAX);
	strcpy(t.cookie, first);
	assert_int_equal(look(), 200);
}

static void who_leaves_while_the_password_is_judged_leaves_nothing_behind(void **state)
{
	static const char body[] = "{\"name\":\"ada\",\"password\":\"" PASSWORD "\"}";
	struct http_head head;
	struct api_call *call;
	const char *why;
	size_t used, count;

	(void)state;
	assert_int_equal(http_read_head(SLICE("POST /berth/session HTTP/1.1\r\nHost: localhost\r\n\r\n"), &head, &used, &why), OK);
	const struct api_question q = {.head = &head,
				       .host = SLICE("localhost"),
				       .body = SLICE(body),
				       .protocol = "https",
				       .peer = "192.0.2.7:1",
				       .request_id = "1"};
	t.status = 0;
	assert_non_null(call = api_ask(t.api, &q, answered, NULL));
	api_cancel(&call);
	loop_settle(t.on.loop);
	assert_int_equal(t.status, 0);
	(void)sessions(&count);
	assert_int_equal(count, 0);
}

static void the_table_of_roles_says_what_a_reader_may(void **state)
{
	(void)state;
	assert_int_equal(role_rights(SLICE("reader")) & (RIGHT_ENROLLMENT_WRITE | RIGHT_REGISTRATION_WRITE | RIGHT_REGISTRY_WRITE |
							 RIGHT_REGISTRY_READ | RIGHT_SERVICE_CONNECT | RIGHT_SERVICE_CONFIG |
							 RIGHT_RESOURCE_WRITE | RIGHT_RESOURCE_KEYS | RIGHT_OPERATORS),
			 0);
	assert_true(role_rights(SLICE("reader")) & RIGHT_RESOURCE_READ);
	assert_int_equal(role_rights(SLICE("administrator")), ~0u);
	assert_int_equal(role_rights(SLICE("king")), 0);
	assert_int_equal(role_rights(NO_SLICE), 0);
}

/* A route that forgets to say what it needs is closed to sessions, not open. */
static void every_route_that_sessions_reach_names_a_right(void **state)
{
	const struct surface *const surfaces[] = {&surface_service, &surface_manage, &surface_hub, &surface_portal};

	(void)state;
	for (size_t i = 0; i < 4; i++)
		for (const struct route *r = surfaces[i]->routes; r->pattern; r++)
			assert_int_not_equal(r->rights, 0);
	for (const struct route *r = surface_manage.routes; r->pattern; r++)
		if (r->rights & RIGHT_RESOURCE_READ)
			assert_null(strstr(r->pattern, "listkeys"));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_store_knows_neither_the_cookie_nor_the_token),
		TEST(twelve_idle_hours_end_a_session),
		TEST(seven_days_end_a_session_that_is_always_used),
		TEST(use_is_noted_no_more_often_than_it_must),
		TEST(what_has_ended_is_cleared_away_at_the_next_sign_in),
		TEST(a_twenty_first_session_ends_the_one_used_least_lately),
		TEST(who_leaves_while_the_password_is_judged_leaves_nothing_behind),
		cmocka_unit_test(the_table_of_roles_says_what_a_reader_may),
		cmocka_unit_test(every_route_that_sessions_reach_names_a_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
