/* Secrets at rest, and the file of the key they rest under. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "crypto/seal.h"

#define ROOM     (4 * 1024 * 1024)
#define WHERE    SLICE("enrollment/0ne00AB12CD/press-07/primary_key")
#define KEY_TEXT "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" /* bytes 00 to 1f */

static struct arena *a;
static struct seal *s;
static char folder[] = "/tmp/seal_test.XXXXXX", path[64];
static const char *why;

static int set_up(void **state)
{
	unsigned char key[32];

	(void)state;
	for (int i = 0; i < 32; i++)
		key[i] = (unsigned char)i;
	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	a = arena_new(ROOM);
	if (a == NULL || mkdtemp(folder) == NULL || seal_from_key(key, &s) != OK)
		return -1;
	snprintf(path, sizeof(path), "%s/master.key", folder);
	unsetenv("CREDENTIALS_DIRECTORY");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	seal_free(&s);
	arena_free(&a);
	unlink(path);
	return rmdir(folder); /* fails if anything else is left in it */
}

static void a_sealed_secret_opens_again(void **state)
{
	static char large[1 << 20];
	struct slice secrets[] = {SLICE("secret"), SLICE(""), NO_SLICE, SLICE("a\0b"), slice_over(large, sizeof(large))}, sealed, out;

	(void)state;
	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
		sealed = seal_close(s, a, WHERE, secrets[i]);
		assert_int_equal(sealed.n, 1 + 12 + secrets[i].n + 16);
		assert_int_equal(sealed.p[0], 1);
		assert_int_equal(seal_reveal(s, a, WHERE, sealed, &out), OK);
		assert_true(slice_eq(out, secrets[i]));
		assert_int_equal(out.p[out.n], 0);
	}
	assert_int_equal(slice_search(seal_close(s, a, WHERE, SLICE("secret")), SLICE("secret")), -1);
	assert_true(slice_absent(seal_close(s, a, WHERE, slice_over(large, sizeof(large) + 1))));
}

static void a_derived_secret_is_one_of_its_use_and_of_the_master_key(void **state)
{
	unsigned char one[32], again[32], other[32], of_other_key[32];
	static const unsigned char key[32] = "some other master key";
	struct seal *second;

	(void)state;
	assert_int_equal(seal_from_key(key, &second), OK);
	seal_derive(s, SLICE("one"), one);
	seal_derive(s, SLICE("one"), again);
	seal_derive(s, SLICE("other"), other);
	seal_derive(second, SLICE("one"), of_other_key);
	assert_memory_equal(one, again, sizeof(one));
	assert_memory_not_equal(one, other, sizeof(one));
	assert_memory_not_equal(one, of_other_key, sizeof(one));
	seal_free(&second);
}

static void the_same_secret_never_seals_to_the_same_bytes(void **state)
{
	(void)state;
	assert_false(slice_eq(seal_close(s, a, WHERE, SLICE("secret")), seal_close(s, a, WHERE, SLICE("secret"))));
}

static void every_flipped_bit_is_noticed(void **state)
{
	struct slice sealed = seal_close(s, a, WHERE, SLICE("secret")), out = NO_SLICE;
	char *bytes = arena_str(a, sealed);

	(void)state;
	for (size_t bit = 0; bit < sealed.n * 8; bit++) {
		bytes[bit / 8] ^= (char)(1 << bit % 8);
		assert_int_equal(seal_reveal(s, a, WHERE, slice_over(bytes, sealed.n), &out), ERR_CORRUPT);
		bytes[bit / 8] ^= (char)(1 << bit % 8);
	}
	assert_true(slice_absent(out));
	assert_int_equal(seal_reveal(s, a, WHERE, slice_over(bytes, sealed.n), &out), OK);
}

static void a_part_of_it_or_more_than_it_does_not_open(void **state)
{
	struct slice sealed = seal_close(s, a, WHERE, SLICE("secret")), out;
	char *longer = arena_alloc(a, sealed.n + 1);

	(void)state;
	for (size_t n = 0; n < sealed.n; n++)
		assert_int_equal(seal_reveal(s, a, WHERE, slice_to(sealed, n), &out), ERR_CORRUPT);
	assert_int_equal(seal_reveal(s, a, WHERE, NO_SLICE, &out), ERR_CORRUPT);
	memcpy(longer, sealed.p, sealed.n);
	assert_int_equal(seal_reveal(s, a, WHERE, slice_over(longer, sealed.n + 1), &out), ERR_CORRUPT);
}

static void it_opens_only_where_it_lay_and_under_its_own_key(void **state)
{
	struct slice sealed = seal_close(s, a, WHERE, SLICE("secret")), out;
	unsigned char key[32] = {1};
	struct seal *other;

	(void)state;
	assert_int_equal(seal_reveal(s, a, SLICE("enrollment/0ne00AB12CD/press-08/primary_key"), sealed, &out), ERR_CORRUPT);
	assert_int_equal(seal_reveal(s, a, slice_to(WHERE, 5), sealed, &out), ERR_CORRUPT);
	assert_int_equal(seal_from_key(key, &other), OK);
	assert_int_equal(seal_reveal(other, a, WHERE, sealed, &out), ERR_CORRUPT);
	seal_free(&other);
	assert_null(other);
	seal_free(&other);
}

static void without_room_nothing_is_sealed_or_revealed(void **state)
{
	struct slice sealed = seal_close(s, a, WHERE, SLICE("secret")), out;
	struct arena *small = arena_new(16);

	(void)state;
	assert_true(slice_absent(seal_close(s, small, WHERE, SLICE("secret"))));
	assert_int_equal(seal_reveal(s, small, WHERE, sealed, &out), ERR_TOO_BIG);
	arena_free(&small);
}

/* --- the file --- */

static void write_file(struct slice text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0 && write(fd, text.p, text.n) == (ssize_t)text.n);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static enum err open_file(bool create)
{
	struct seal *opened = NULL;
	enum err e = seal_open_file(path, create, &opened, &why);

	assert_int_equal(opened != NULL, e == OK);
	assert_int_equal(why != NULL, e != OK);
	seal_free(&opened);
	return e;
}

static void a_missing_file_is_made_only_when_asked(void **state)
{
	struct seal *first = NULL, *second = NULL;
	struct slice sealed, out;
	struct stat st;

	(void)state;
	assert_int_equal(open_file(false), ERR_IO);
	assert_int_equal(access(path, F_OK), -1);
	umask(0);
	assert_int_equal(seal_open_file(path, true, &first, &why), OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, 45);
	assert_int_equal(seal_open_file(path, true, &second, &why), OK); /* and it is not made anew */
	sealed = seal_close(first, a, WHERE, SLICE("secret"));
	assert_int_equal(seal_reveal(second, a, WHERE, sealed, &out), OK);
	assert_int_equal(seal_reveal(s, a, WHERE, sealed, &out), ERR_CORRUPT);
	seal_free(&first);
	seal_free(&second);
}

static void the_key_is_the_one_in_the_file(void **state)
{
	static const char *const texts[] = {KEY_TEXT, KEY_TEXT "\n", KEY_TEXT "\r\n"};
	struct slice sealed = seal_close(s, a, WHERE, SLICE("secret")), out;
	struct seal *read = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		write_file(slice_str(texts[i]), 0400);
		assert_int_equal(chmod(path, 0600), 0);
		assert_int_equal(seal_open_file(path, false, &read, &why), OK);
		assert_int_equal(seal_reveal(read, a, WHERE, sealed, &out), OK);
		seal_free(&read);
	}
}

static void a_file_that_holds_no_key_is_refused_and_left_alone(void **state)
{
	static const char *const wrong[] = {"",
					    "\n",
					    "AAEC",
					    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==", /* 31 bytes */
					    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g", /* 33 */
					    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",  /* not padded */
					    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
					    KEY_TEXT KEY_TEXT,
					    " " KEY_TEXT,
					    KEY_TEXT "\n" KEY_TEXT,
					    KEY_TEXT "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\nsomething else behind"};
	struct stat st;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		write_file(slice_str(wrong[i]), 0600);
		if (open_file(true) != ERR_MALFORMED)
			fail_msg("taken: %s", wrong[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_size, strlen(wrong[i]));
	}
}

static void a_file_that_others_may_enter_is_refused(void **state)
{
	static const mode_t wrong[] = {0640, 0660, 0604, 0602, 0601, 0610, 0620, 0666, 0777};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		write_file(SLICE(KEY_TEXT), wrong[i]);
		assert_int_equal(open_file(false), ERR_INVALID);
	}
	write_file(SLICE(KEY_TEXT), 0400);
	assert_int_equal(open_file(false), OK);
}

/* What a service manager hands over is the group's to read, and only in the manager's folder. */
static void a_credential_may_be_readable_by_its_group(void **state)
{
	(void)state;
	write_file(SLICE(KEY_TEXT), 0440);
	assert_int_equal(open_file(false), ERR_INVALID);
	setenv("CREDENTIALS_DIRECTORY", folder, 1);
	assert_int_equal(open_file(false), OK);
	assert_int_equal(chmod(path, 0460), 0);
	assert_int_equal(open_file(false), ERR_INVALID);
	assert_int_equal(chmod(path, 0444), 0);
	assert_int_equal(open_file(false), ERR_INVALID);
	assert_int_equal(chmod(path, 0440), 0);
	setenv("CREDENTIALS_DIRECTORY", "/tmp/seal_tes", 1); /* a name that only begins alike */
	assert_int_equal(open_file(false), ERR_INVALID);
	unsetenv("CREDENTIALS_DIRECTORY");
}

static void what_is_no_plain_file_is_refused(void **state)
{
	(void)state;
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_not_equal(open_file(true), OK);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0); /* nobody writes to it: opening must not wait */
	assert_int_equal(open_file(true), ERR_INVALID);
	assert_int_equal(unlink(path), 0);
	snprintf(path, sizeof(path), "%s/missing/master.key", folder);
	assert_int_equal(open_file(true), ERR_IO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_sealed_secret_opens_again),
		TEST(a_derived_secret_is_one_of_its_use_and_of_the_master_key),
		TEST(the_same_secret_never_seals_to_the_same_bytes),
		TEST(every_flipped_bit_is_noticed),
		TEST(a_part_of_it_or_more_than_it_does_not_open),
		TEST(it_opens_only_where_it_lay_and_under_its_own_key),
		TEST(without_room_nothing_is_sealed_or_revealed),
		TEST(a_missing_file_is_made_only_when_asked),
		TEST(the_key_is_the_one_in_the_file),
		TEST(a_file_that_holds_no_key_is_refused_and_left_alone),
		TEST(a_file_that_others_may_enter_is_refused),
		TEST(a_credential_may_be_readable_by_its_group),
		TEST(what_is_no_plain_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
