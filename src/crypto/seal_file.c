/* The master key's file: made once, read at every start. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "base/text.h"
#include "crypto/digest.h"

#include "crypto/seal.h"

#define KEY_SIZE     32
#define KEY_TEXT_MAX 64   /* 44 characters of base64, and a line end */
#define FILE_ARENA   8192 /* for the path and the key's two forms */

static enum err fail(const char **why, enum err e, const char *sentence)
{
	*why = sentence;
	return e;
}

static bool write_all(int fd, struct slice s)
{
	ssize_t n;

	while (s.n > 0) {
		n = write(fd, s.p, s.n);
		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0)
			s = slice_from(s, (size_t)n);
	}
	return true;
}

/* The new name in a folder lasts only once the folder itself is synced. */
static bool sync_folder_of(const char *path, struct arena *a)
{
	char *copy = arena_str(a, slice_str(path));
	int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	bool good = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	return good;
}

/* Give `temp` its real name unless somebody was faster: a key that is in use must never be
 * replaced, for all that was sealed under it would be lost. */
static bool settle(const char *temp, const char *path)
{
	if (renameat2(AT_FDCWD, temp, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
		return true;
	if (errno == EINVAL || errno == ENOSYS) { /* a file system without that flag: a link does not replace either */
		if (link(temp, path) != 0 && errno != EEXIST)
			return false;
	} else if (errno != EEXIST) {
		return false;
	}
	unlink(temp);
	return true;
}

/* Complete or not there at all, whenever the power goes. */
static enum err make_file(const char *path, struct arena *a, const char **why)
{
	char *temp = arena_printf(a, "%s.XXXXXX", path);
	struct slice key = random_key(a, KEY_SIZE);
	int fd;
	bool good;

	if (arena_failed(a))
		return fail(why, ERR_TOO_BIG, "The path of the master key file is too long.");
	if ((fd = mkstemp(temp)) < 0) /* mode 0600 */
		return fail(why, ERR_IO, "The master key file cannot be made in its folder.");
	good = write_all(fd, key) && write_all(fd, SLICE("\n")) && fsync(fd) == 0;
	good = close(fd) == 0 && good;
	good = good && settle(temp, path) && sync_folder_of(path, a);
	if (good)
		return OK;
	unlink(temp);
	return fail(why, ERR_IO, "The master key file cannot be written.");
}

/* A service manager hands credentials over in a folder that only the service enters, and
 * gives the service's user access by an ACL, which shows as a group's permission. */
static bool is_credential(const char *path)
{
	struct slice folder = slice_str(getenv("CREDENTIALS_DIRECTORY")), p = slice_str(path);

	return folder.n > 0 && slice_starts(p, folder) && p.n > folder.n && p.p[folder.n] == '/' && strstr(path, "/../") == NULL;
}

static enum err check_file(int fd, const char *path, const char **why)
{
	struct stat st;
	mode_t forbidden = is_credential(path) ? S_IWGRP | S_IRWXO : S_IRWXG | S_IRWXO;

	if (fstat(fd, &st) != 0)
		return fail(why, ERR_IO, "The master key file cannot be examined.");
	if (!S_ISREG(st.st_mode))
		return fail(why, ERR_INVALID, "The master key must be a plain file.");
	if (st.st_mode & forbidden)
		return fail(why, ERR_INVALID, "The master key file is open to others than its owner: chmod 600 it.");
	return OK;
}

/* `text` is what the file holds; its line end is not part of the key. */
static enum err read_key(struct slice text, struct arena *a, struct seal **out, const char **why)
{
	struct slice key;

	if (text.n > KEY_TEXT_MAX) /* and perhaps more, which was not read */
		return fail(why, ERR_MALFORMED, "The master key file holds more than 32 bytes in base64.");
	while (text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
		text.n--;
	key = base64_decode(a, text);
	if (slice_absent(key) || key.n != KEY_SIZE)
		return fail(why, ERR_MALFORMED, "The master key file does not hold 32 bytes in base64.");
	*why = "There is no memory for the master key.";
	return seal_from_key((const unsigned char *)key.p, out);
}

static enum err read_file(int fd, const char *path, struct arena *a, struct seal **out, const char **why)
{
	char text[KEY_TEXT_MAX + 1];
	size_t size = 0;
	ssize_t n;
	enum err e;

	if ((e = check_file(fd, path, why)) != OK)
		return e;
	while ((n = read(fd, text + size, sizeof(text) - size)) != 0) {
		if (n < 0 && errno != EINTR)
			break;
		size += n > 0 ? (size_t)n : 0;
	}
	e = n < 0 ? fail(why, ERR_IO, "The master key file cannot be read.") : read_key(slice_over(text, size), a, out, why);
	OPENSSL_cleanse(text, sizeof(text));
	return e;
}

enum err seal_open_file(const char *path, bool create, struct seal **out, const char **why)
{
	struct arena *a = arena_new(FILE_ARENA);
	enum err e = OK;
	int fd;

	if (a == NULL)
		return fail(why, ERR_NO_MEMORY, "There is no memory for the master key.");
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe is refused, not waited for */
	if (fd < 0 && errno == ENOENT && create) {
		if ((e = make_file(path, a, why)) != OK)
			goto done;
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (fd < 0) {
		e = fail(why, ERR_IO, errno == ENOENT ? "There is no master key file." : "The master key file cannot be opened.");
		goto done;
	}
	if ((e = read_file(fd, path, a, out, why)) == OK)
		*why = NULL;
	close(fd);
done:
	arena_free(&a); /* wipes the key's text */
	return e;
}
