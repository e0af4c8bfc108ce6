/* Passwords off the loop: judged, made, cancelled at every moment; and how often they may be tried. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "crypto/password.h"
#include "api/passwords.h"

static struct loop *loop;
static struct passwords *passwords;
static char hash[PASSWORD_HASH_SIZE];
static int times;
static enum err heard;

static int set_up(void **state)
{
	(void)state;
	times = 0;
	hash[0] = 0;
	return loop_new_manual(INSTANT_SECOND, &loop) == OK && passwords_new(&passwords) == OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	passwords_free(&passwords);
	loop_free(&loop);
	return 0;
}

static void done(void *cookie, enum err e, struct slice made)
{
	(void)cookie;
	times++;
	heard = e;
	if (!slice_absent(made))
		snprintf(hash, sizeof(hash), "%.*s", SLICE_ARG(made));
}

static enum err judge(const char *password, struct slice by)
{
	struct password_ask *ask;
	int before = times;

	assert_int_equal(password_judge(passwords, loop, slice_str(password), by, done, NULL, &ask), OK);
	assert_int_equal(times, before);
	loop_settle(loop);
	assert_int_equal(times, before + 1);
	return heard;
}

static void a_password_that_is_kept_is_the_right_one_later(void **state)
{
	struct password_ask *ask;

	(void)state;
	assert_int_equal(password_keep(passwords, loop, SLICE("correct horse"), done, NULL, &ask), OK);
	loop_settle(loop);
	assert_int_equal(heard, OK);
	assert_int_equal(judge("correct horse", slice_str(hash)), OK);
	assert_int_equal(judge("correct horsE", slice_str(hash)), ERR_UNAUTHORIZED);
	assert_int_equal(judge("correct horse", NO_SLICE), ERR_UNAUTHORIZED);
}

static void an_overlong_password_is_nobodys(void **state)
{
	char text[PASSWORD_BYTES_MAX + 2];
	struct password_ask *ask;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[PASSWORD_BYTES_MAX] = 0;
	assert_int_equal(password_keep(passwords, loop, slice_str(text), done, NULL, &ask), OK);
	loop_settle(loop);
	assert_int_equal(judge(text, slice_str(hash)), OK);
	text[PASSWORD_BYTES_MAX] = 'x';
	text[PASSWORD_BYTES_MAX + 1] = 0;
	assert_int_equal(judge(text, slice_str(hash)), ERR_UNAUTHORIZED);
	assert_int_equal(password_keep(passwords, loop, slice_str(text), done, NULL, &ask), ERR_TOO_BIG);
}

/* Some of these have begun when they are cancelled and some have not. */
static void what_is_cancelled_stays_silent(void **state)
{
	struct password_ask *asks[8];

	(void)state;
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(password_judge(passwords, loop, SLICE("some password"), NO_SLICE, done, NULL, &asks[i]), OK);
	for (size_t i = 0; i < 8; i++) {
		password_cancel(&asks[i]);
		assert_null(asks[i]);
	}
	loop_settle(loop);
	assert_int_equal(times, 0);
}

/* As at the end of a server: the loops do not turn any more, and nothing is left behind. */
static void what_is_out_on_a_thread_may_end_with_its_loop(void **state)
{
	struct password_ask *asks[3];

	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(password_judge(passwords, loop, SLICE("some password"), NO_SLICE, done, NULL, &asks[i]), OK);
	for (size_t i = 0; i < 3; i++)
		password_cancel(&asks[i]);
}

static void more_than_may_wait_are_turned_away(void **state)
{
	struct password_ask *asks[200];
	size_t n = 0;
	enum err e = OK;

	(void)state;
	while (n < 200 && (e = password_judge(passwords, loop, SLICE("x"), NO_SLICE, done, NULL, &asks[n])) == OK)
		n++;
	assert_int_equal(e, ERR_THROTTLED);
	for (size_t i = 0; i < n; i++)
		password_cancel(&asks[i]);
	loop_settle(loop);
	assert_int_equal(times, 0);
}

static void five_wrong_ones_a_minute_by_name(void **state)
{
	char peer[32];

	(void)state;
	for (int i = 0; i < WRONG_PER_MINUTE; i++) {
		snprintf(peer, sizeof(peer), "192.0.2.%d:1000", i);
		assert_int_equal(passwords_try(passwords, SLICE("ada"), peer, 0), 0);
	}
	assert_int_equal(passwords_try(passwords, SLICE("ada"), "192.0.2.99:1000", 0), 12000);
	assert_int_equal(passwords_try(passwords, SLICE("bob"), "192.0.2.99:1000", 0), 0);
	assert_int_equal(passwords_try(passwords, SLICE("ada"), "192.0.2.99:1000", 12000), 0);
}

static void five_wrong_ones_a_minute_by_address_whatever_the_port(void **state)
{
	static const char *const places[][2] = {
		{"192.0.2.7:%d", "192.0.2.8:1"}, {"[2001:db8:0:1::%d]:4", "[2001:db8:0:2::1]:4"}, {"2001:db8:0:3::%d", "2001:db8:0:4::1"}};
	char peer[64], name[16];

	(void)state;
	for (size_t place = 0; place < sizeof(places) / sizeof(places[0]); place++) {
		for (int i = 1; i <= WRONG_PER_MINUTE + 1; i++) {
			snprintf(peer, sizeof(peer), places[place][0], i);
			snprintf(name, sizeof(name), "n%zu-%d", place, i);
			assert_int_equal(passwords_try(passwords, slice_str(name), peer, 0), i > WRONG_PER_MINUTE ? 12000 : 0);
		}
		assert_int_equal(passwords_try(passwords, SLICE("somebody else"), places[place][1], 0), 0);
	}
}

static void right_ones_do_not_count(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_int_equal(passwords_try(passwords, SLICE("ada"), "192.0.2.7:1", 0), 0);
		passwords_was_right(passwords, SLICE("ada"), "192.0.2.7:2");
	}
}

/* Who is kept from trying by somebody else's mistakes has made none himself. */
static void a_name_that_is_barred_does_not_bar_the_address(void **state)
{
	(void)state;
	for (int i = 0; i < WRONG_PER_MINUTE; i++)
		assert_int_equal(passwords_try(passwords, SLICE("ada"), "192.0.2.1:1", 0), 0);
	for (int i = 0; i < 20; i++)
		assert_true(passwords_try(passwords, SLICE("ada"), "192.0.2.2:1", 0) > 0);
	assert_int_equal(passwords_try(passwords, SLICE("bob"), "192.0.2.2:1", 0), 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_password_that_is_kept_is_the_right_one_later),
		TEST(an_overlong_password_is_nobodys),
		TEST(what_is_cancelled_stays_silent),
		TEST(what_is_out_on_a_thread_may_end_with_its_loop),
		TEST(more_than_may_wait_are_turned_away),
		TEST(five_wrong_ones_a_minute_by_name),
		TEST(five_wrong_ones_a_minute_by_address_whatever_the_port),
		TEST(right_ones_do_not_count),
		TEST(a_name_that_is_barred_does_not_bar_the_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
