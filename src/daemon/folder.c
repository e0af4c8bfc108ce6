#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec/json.h"
#include "base/text.h"
#include "crypto/certificate.h"
#include "crypto/digest.h"
#include "daemon/folder.h"

#define CA_DAYS       3650
#define SERVER_DAYS   825 /* longer ones are refused by some clients */
#define FILE_TEXT_MAX 65536
#define TOKEN_BYTES   32

/* --- files --- */

struct slice file_read(struct arena *arena, const char *path, size_t max)
{
	FILE *f = fopen(path, "re");
	char *text;
	size_t n;

	if (f == NULL)
		return NO_SLICE;
	text = arena_alloc(arena, max + 1);
	n = text ? fread(text, 1, max + 1, f) : 0;
	fclose(f);
	return text && n <= max ? slice_over(text, n) : NO_SLICE;
}

static enum err sync_folder_of(const char *path)
{
	char folder[4096];
	char *slash;
	int fd, e;

	snprintf(folder, sizeof(folder), "%s", path);
	if ((slash = strrchr(folder, '/')) == NULL)
		return OK;
	*slash = 0;
	if ((fd = open(*folder ? folder : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return ERR_IO;
	e = fsync(fd);
	close(fd);
	return e == 0 ? OK : ERR_IO;
}

enum err file_write(const char *path, struct slice text, unsigned mode)
{
	char temporary[4096];
	int fd;

	if (snprintf(temporary, sizeof(temporary), "%s.new", path) >= (int)sizeof(temporary))
		return ERR_TOO_BIG;
	if ((fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)) < 0)
		return ERR_IO;
	if (write(fd, text.p, text.n) != (ssize_t)text.n || fsync(fd) != 0) {
		close(fd);
		unlink(temporary);
		return ERR_IO;
	}
	close(fd);
	if (rename(temporary, path) != 0) {
		unlink(temporary);
		return ERR_IO;
	}
	return sync_folder_of(path);
}

static const char *in_folder(struct arena *arena, const struct folder *f, const char *name)
{
	return arena_printf(arena, "%s/%s", f->path, name);
}

/* --- opening --- */

static enum err make_folders(char *path)
{
	for (char *p = path + 1; *p; p++)
		if (*p == '/') {
			*p = 0;
			if (mkdir(path, 0755) != 0 && errno != EEXIST) {
				*p = '/';
				return ERR_IO;
			}
			*p = '/';
		}
	return mkdir(path, 0700) == 0 || errno == EEXIST ? OK : ERR_IO;
}

static enum err take_lock(struct folder *f, struct arena *arena, const char **why)
{
	f->lock = open(in_folder(arena, f, "lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (f->lock < 0) {
		*why = arena_printf(arena, "The data folder %s cannot be written: %s.", f->path, strerror(errno));
		return ERR_IO;
	}
	if (flock(f->lock, LOCK_EX | LOCK_NB) != 0) {
		*why = arena_printf(arena, "Another Berth is running on the data folder %s.", f->path);
		return ERR_CONFLICT;
	}
	return OK;
}

static enum err read_admin_token(struct folder *f, struct arena *arena, const char **why)
{
	const char *path = in_folder(arena, f, "admin.token");
	struct slice text = slice_trim(file_read(arena, path, 1024));
	unsigned char bytes[TOKEN_BYTES];

	while (text.n && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
		text.n--;
	if (text.n == 0) {
		random_bytes(bytes, sizeof(bytes));
		text = hex_lower(arena, slice_over(bytes, sizeof(bytes)));
		if (file_write(path, text, 0600) != OK) {
			*why = arena_printf(arena, "The file %s cannot be written: %s.", path, strerror(errno));
			return ERR_IO;
		}
	}
	f->admin_token = arena_str(arena, text);
	return f->admin_token ? OK : ERR_NO_MEMORY;
}

/* --- certificates --- */

static enum err write_pair(const char *certificate_file, const char *key_file, const struct certificate_pair *pair)
{
	enum err e;

	if ((e = file_write(key_file, pair->key, 0600)) != OK)
		return e;
	return file_write(certificate_file, pair->certificate, 0644);
}

static enum err read_or_make_ca(struct folder *f, struct arena *arena, instant now, struct certificate_pair *ca)
{
	const char *key_file = in_folder(arena, f, "ca.key");
	enum err e;

	f->ca_file = in_folder(arena, f, "ca.pem");
	ca->certificate = file_read(arena, f->ca_file, FILE_TEXT_MAX);
	ca->key = file_read(arena, key_file, FILE_TEXT_MAX);
	if (ca->certificate.n && ca->key.n)
		return OK;
	f->made = true;
	if ((e = certificate_make_ca(arena, "Berth development CA", now, CA_DAYS, ca)) != OK)
		return e;
	return write_pair(f->ca_file, key_file, ca);
}

/* The names that the server's certificate must have: all under the domain, this machine, and the addresses listened on. */
static size_t server_names(const struct settings *s, struct arena *arena, const char *names[static LISTEN_MAX + 8])
{
	struct slice rest = slice_str(s->listen), address;
	size_t n = 0;

	names[n++] = arena_printf(arena, "*.%s", s->domain);
	names[n++] = s->domain;
	names[n++] = "localhost";
	names[n++] = "127.0.0.1";
	names[n++] = "::1";
	while (slice_next(&rest, ',', &address) && n < LISTEN_MAX + 5) {
		address = slice_trim(address);
		if (!slice_eq(address, SLICE("127.0.0.1")) && !slice_eq(address, SLICE("::1")) && !slice_eq(address, SLICE("0.0.0.0")) &&
		    !slice_eq(address, SLICE("::")))
			names[n++] = arena_str(arena, address);
	}
	return n;
}

/* What the certificate was made for is kept beside it, so that another domain or address makes a new one; so does one that
 * has less than 30 days left. */
static bool server_is_current(struct arena *arena, const char *certificate_file, const char *names_file, struct slice names, instant now)
{
	struct slice pem = file_read(arena, certificate_file, FILE_TEXT_MAX), der;
	struct certificate_info info;
	const char *why;

	if (pem.n == 0 || !slice_eq(file_read(arena, names_file, FILE_TEXT_MAX), names))
		return false;
	if (certificate_read(pem, arena, &der, &why) != OK || certificate_describe(der, arena, &info) != OK)
		return false;
	return info.not_after - now > 30 * 86400 * INSTANT_SECOND;
}

static enum err make_certificates(const struct settings *s, struct folder *f, struct arena *arena, instant now)
{
	const char *names[LISTEN_MAX + 8], *names_file = in_folder(arena, f, "server.names");
	size_t count = server_names(s, arena, names);
	struct certificate_pair ca, server;
	struct buf text;
	enum err e;

	f->certificate_file = in_folder(arena, f, "server.pem");
	f->key_file = in_folder(arena, f, "server.key");
	buf_init(&text, FILE_TEXT_MAX);
	for (size_t i = 0; i < count; i++)
		buf_printf(&text, "%s\n", names[i]);
	if ((e = read_or_make_ca(f, arena, now, &ca)) != OK)
		goto out;
	if (server_is_current(arena, f->certificate_file, names_file, buf_slice(&text), now))
		goto out;
	if ((e = certificate_make_server(arena, &ca, names, count, now, SERVER_DAYS, &server)) != OK)
		goto out;
	if ((e = write_pair(f->certificate_file, f->key_file, &server)) != OK)
		goto out;
	e = file_write(names_file, buf_slice(&text), 0600);
out:
	buf_fini(&text);
	return e;
}

/* --- the whole --- */

enum err folder_open(const struct settings *s, struct arena *arena, instant now, struct folder *f, const char **why)
{
	enum err e;

	memset(f, 0, sizeof(*f));
	f->lock = -1;
	f->path = s->data;
	if (make_folders(arena_str(arena, slice_str(s->data))) != OK) {
		*why = arena_printf(arena, "The data folder %s cannot be made: %s.", s->data, strerror(errno));
		return ERR_IO;
	}
	if ((e = take_lock(f, arena, why)) != OK)
		goto fail;
	if ((e = seal_open_file(s->master_key ? s->master_key : in_folder(arena, f, "master.key"), s->master_key == NULL, &f->seal, why)) !=
	    OK)
		goto fail;
	if ((e = read_admin_token(f, arena, why)) != OK)
		goto fail;
	if (s->tls_certificate) {
		f->certificate_file = s->tls_certificate;
		f->key_file = s->tls_key;
		f->ca_file = s->ca;
	} else if ((e = make_certificates(s, f, arena, now)) != OK) {
		*why = arena_printf(arena, "The certificates in %s cannot be made: %s.", s->data, err_text(e));
		goto fail;
	}
	return OK;

fail:
	folder_close(f);
	return e;
}

void folder_close(struct folder *f)
{
	seal_free(&f->seal);
	if (f->lock >= 0)
		close(f->lock);
	f->lock = -1;
}

enum err folder_announce(const struct folder *f, const struct settings *s, const struct announcement *a, struct arena *arena)
{
	struct slice listen = slice_str(s->listen), first;
	struct buf text;
	struct json_out out;
	enum err e;

	buf_init(&text, 4096);
	json_out_init(&out, &text);
	(void)slice_next(&listen, ',', &first);
	first = slice_trim(first);
	if (slice_eq(first, SLICE("0.0.0.0")))
		first = SLICE("127.0.0.1");
	if (slice_eq(first, SLICE("::")))
		first = SLICE("::1");
	bool six = slice_find(first, ':') >= 0;
	json_open(&out, NULL, '{');
	json_str(&out, "url", arena_printf(arena, "https://%s%.*s%s:%d", six ? "[" : "", SLICE_ARG(first), six ? "]" : "", a->https_port));
	json_str(&out, "domain", s->domain);
	json_int(&out, "httpsPort", a->https_port);
	json_int(&out, "mqttsPort", a->mqtts_port);
	json_int(&out, "amqpsPort", a->amqps_port);
	if (f->ca_file)
		json_str(&out, "ca", f->ca_file);
	json_int(&out, "pid", getpid());
	json_close(&out, '}');
	buf_add_char(&text, '\n');
	e = buf_failed(&text) ? ERR_NO_MEMORY : file_write(in_folder(arena, f, "server.json"), buf_slice(&text), 0600);
	buf_fini(&text);
	return e;
}
