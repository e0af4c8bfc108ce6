/*
 * certificate.c: the CA certificates of a service, certificates that end soon, a device's chain judged before it is flashed; and a CA
 * for development, for those who do not recall openssl's options.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "crypto/certificate.h"
#include "cli/command.h"

#define VERSION   "api-version=2022-12-12"
#define FILE_MAX  (256 * 1024)
#define ROOT_DAYS 3650
#define DAYS      365
#define CN_MAX    64 /* RFC 5280, ub-common-name */

static const struct column ca_columns[] = {
	{"name", "name"},
	{"subject", "properties.subject"},
	{"verified", "properties.isVerified"},
	{"expiry", "properties.expiry"},
	{"thumbprint", "properties.thumbprint"},
	{NULL, NULL},
};
static const struct column code_columns[] = {{"name", "name"}, {"verificationCode", "properties.verificationCode"}, {NULL, NULL}};

/* "{service}/certificates[/{name}][/{step}]"; NULL: complained. */
static const char *path_of(struct command *c, const char *name, const char *step)
{
	json_t *service = resource_find(c, "provisioningServices", given(c, "service"));
	const char *path;

	if (service == NULL)
		return NULL;
	path = arena_printf(c->arena, "%s/certificates%s%s%s%s?" VERSION, json_path(service, "id"), name ? "/" : "", name ? name : "",
			    step ? "/" : "", step ? step : "");
	json_decref(service);
	return path;
}

static struct slice read_file(struct command *c, const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = arena_alloc(c->arena, FILE_MAX);
	size_t n;

	if (f == NULL || text == NULL) {
		failed("%s cannot be read: %s", path, strerror(errno));
		if (f)
			fclose(f);
		return NO_SLICE;
	}
	n = fread(text, 1, FILE_MAX, f);
	fclose(f);
	return slice_over(text, n);
}

/* The certificate in the file that an option names, as base64 of DER; NULL: complained. */
static const char *certificate_text(struct command *c)
{
	const char *file = given(c, "certificate"), *why = "";
	struct slice text, der;

	if (file == NULL) {
		misused(c, "name the file with --certificate");
		return NULL;
	}
	if (slice_absent(text = read_file(c, file)))
		return NULL;
	if (certificate_read(text, c->arena, &der, &why) != OK) {
		failed("%s: %s", file, why);
		return NULL;
	}
	return arena_str(c->arena, base64_encode(c->arena, der));
}

static int send(struct command *c, const char *method, const char *path, const char *etag, json_t *body, const struct column *columns)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	struct answer a = client_ask(c, method, NULL, path, etag, NULL, text ? slice_str(text) : NO_SLICE);
	int status = !answer_is_good(&a) ? client_complain(c, &a) : columns ? show(c, a.body, columns) : CLI_FINE;

	free(text);
	json_decref(body);
	return status;
}

static int create(struct command *c)
{
	const char *text = certificate_text(c), *path;
	struct answer a;

	if (text == NULL)
		return given(c, "certificate") ? CLI_FAILED : CLI_USAGE;
	if ((path = path_of(c, c->operand[0], NULL)) == NULL)
		return CLI_FAILED;
	a = client_ask(c, "GET", NULL, path, NULL, NULL, NO_SLICE);
	if (answer_is_good(&a))
		return failed("there is a certificate called %s already; \"certificate update\" exchanges it", c->operand[0]);
	return send(c, "PUT", path, NULL,
		    json_pack("{s:{s:s,s:b}}", "properties", "certificate", text, "isVerified", given(c, "verified") != NULL), ca_columns);
}

/* The stored one's etag: each step names it. NULL: complained. */
static const char *etag_of(struct command *c, const char *path)
{
	struct answer a = client_ask(c, "GET", NULL, path, NULL, NULL, NO_SLICE);
	json_t *json = NULL;
	const char *etag;

	if (!answer_is_good(&a) || json_read(a.body, c->arena, &json, NULL) != OK) {
		client_complain(c, &a);
		return NULL;
	}
	etag = arena_str(c->arena, slice_str(json_path(json, "etag")));
	json_decref(json);
	return etag;
}

static int update(struct command *c)
{
	const char *text = certificate_text(c), *path, *etag;

	if (text == NULL)
		return given(c, "certificate") ? CLI_FAILED : CLI_USAGE;
	if ((path = path_of(c, c->operand[0], NULL)) == NULL || (etag = etag_of(c, path)) == NULL)
		return CLI_FAILED;
	return send(c, "PUT", path, etag,
		    json_pack("{s:{s:s,s:b}}", "properties", "certificate", text, "isVerified", given(c, "verified") != NULL), ca_columns);
}

static int list(struct command *c)
{
	const char *path = path_of(c, NULL, NULL);
	struct answer a;

	if (path == NULL)
		return CLI_FAILED;
	a = client_ask(c, "GET", NULL, path, NULL, NULL, NO_SLICE);
	return answer_is_good(&a) ? show(c, json_member(a.body, "value", false), ca_columns) : client_complain(c, &a);
}

static int show_one(struct command *c)
{
	const char *path = path_of(c, c->operand[0], NULL);

	return path ? send(c, "GET", path, NULL, NULL, ca_columns) : CLI_FAILED;
}

static int delete (struct command *c)
{
	const char *path = path_of(c, c->operand[0], NULL), *etag = path ? etag_of(c, path) : NULL;

	return etag ? send(c, "DELETE", path, etag, NULL, NULL) : CLI_FAILED;
}

static int generate(struct command *c)
{
	const char *path = path_of(c, c->operand[0], NULL), *etag = path ? etag_of(c, path) : NULL;

	if (etag == NULL)
		return CLI_FAILED;
	return send(c, "POST", path_of(c, c->operand[0], "generateVerificationCode"), etag, NULL, code_columns);
}

static int verify(struct command *c)
{
	const char *text = certificate_text(c), *path, *etag;

	if (text == NULL)
		return given(c, "certificate") ? CLI_FAILED : CLI_USAGE;
	if ((path = path_of(c, c->operand[0], NULL)) == NULL || (etag = etag_of(c, path)) == NULL)
		return CLI_FAILED;
	return send(c, "POST", path_of(c, c->operand[0], "verify"), etag, json_pack("{s:s}", "certificate", text), ca_columns);
}

/* --- expiring --- */

static int expiring(struct command *c)
{
	static const struct column columns[] = {{"kind", "kind"},
						{"name", "name"},
						{"which", "which"},
						{"daysLeft", "daysLeft"},
						{"ends", "info.notAfterUtc"},
						{"subject", "info.subjectName"},
						{NULL, NULL}};
	bool good = true;
	long long days = given_number(c, "days", 30, 0, 36500, &good);

	if (!good)
		return CLI_USAGE;
	return service_show(c, "GET", arena_printf(c->arena, "/berth/certificates/expiring?days=%lld", days), NULL, columns);
}

/* --- check --- */

static void say(const char *what, const char *value)
{
	if (value)
		printf("  %-10s %s\n", what, value);
}

static int tell_judgement(const json_t *j, const char *id)
{
	const char *group = json_path(j, "enrollmentGroupId"), *own = json_path(j, "enrollment");
	const json_t *item;
	size_t i;

	if (json_is_true(json_object_get(j, "attested"))) {
		printf("%s would be let in by enrollment%s %s.\n", id, group ? " group" : "", group ? group : own ? own : "");
		return CLI_FINE;
	}
	printf("%s would be refused with %lld.\n", id, (long long)json_integer_value(json_object_get(j, "errorCode")));
	say("why", json_path(j, "reason"));
	say("check", json_path(j, "check"));
	say("seen", json_path(j, "seen"));
	say("expected", json_path(j, "expected"));
	json_array_foreach(json_object_get(j, "nearest"), i, item) say(i ? "" : "nearest", json_string_value(item));
	return CLI_FAILED;
}

static int check(struct command *c)
{
	const char *file = given(c, "chain"), *id = given(c, "registration-id"), *host, *form = given(c, "output");
	struct slice pem;
	struct answer a;
	json_t *json;
	char *text;
	int status;

	if (file == NULL || id == NULL)
		return misused(c, "name the file with --chain, and the device with --registration-id");
	if (form && strcmp(form, "json") != 0 && strcmp(form, "table") != 0)
		return misused(c, "--output is json or table, not \"%s\"", form);
	if (slice_absent(pem = read_file(c, file)) || (host = service_host(c)) == NULL)
		return CLI_FAILED;
	json = json_pack("{s:s%}", "chain", pem.p, pem.n);
	if (json == NULL)
		return failed("%s is no PEM text", file);
	text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	a = client_ask(
		c, "POST", host,
		arena_printf(c->arena, "/berth/registrations/%s/check", arena_str(c->arena, percent_encode(c->arena, slice_str(id)))), NULL,
		NULL, slice_str(text));
	free(text);
	if (!answer_is_good(&a) || json_read(a.body, c->arena, &json, NULL) != OK)
		return client_complain(c, &a);
	status = json_is_true(json_object_get(json, "attested")) ? CLI_FINE : CLI_FAILED;
	if (form && strcmp(form, "json") == 0)
		(void)show(c, a.body, NULL);
	else
		status = tell_judgement(json, id);
	json_decref(json);
	return status;
}

/* --- a CA for development --- */

static const char *in_dir(struct command *c, const char *name, const char *ending)
{
	return arena_printf(c->arena, "%s/%s%s", given_or(c, "dir", "dev-ca"), name, ending);
}

/* Never over a file that is there: keys are not made twice. */
static bool write_new(const char *path, mode_t mode, struct slice text, struct slice more)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	bool fine;

	if (fd < 0) {
		failed("%s cannot be written: %s", path, strerror(errno));
		return false;
	}
	fine = write(fd, text.p, text.n) == (ssize_t)text.n && (more.n == 0 || write(fd, more.p, more.n) == (ssize_t)more.n);
	if (close(fd) != 0 || !fine) {
		failed("%s cannot be written: %s", path, strerror(errno));
		unlink(path);
		return false;
	}
	return true;
}

/* NAME.pem, with the certificates above it behind it, and NAME.key. */
static bool write_pair(struct command *c, const char *name, const struct certificate_pair *pair, struct slice above)
{
	return write_new(in_dir(c, name, ".key"), 0600, pair->key, NO_SLICE) &&
	       write_new(in_dir(c, name, ".pem"), 0644, pair->certificate, above);
}

static bool read_pair(struct command *c, const char *name, struct certificate_pair *pair)
{
	pair->certificate = read_file(c, in_dir(c, name, ".pem"));
	pair->key = slice_absent(pair->certificate) ? NO_SLICE : read_file(c, in_dir(c, name, ".key"));
	return !slice_absent(pair->key);
}

static int ca_create(struct command *c)
{
	const char *name = given_or(c, "name", "Berth development");
	const char *root_name = arena_printf(c->arena, "%s root", name), *middle_name = arena_printf(c->arena, "%s intermediate", name);
	struct certificate_pair root, middle;

	if (strlen(middle_name) > CN_MAX)
		return misused(c, "the name may have at most %d characters", CN_MAX - 13);
	if (mkdir(given_or(c, "dir", "dev-ca"), 0700) != 0 && errno != EEXIST)
		return failed("%s cannot be made: %s", given_or(c, "dir", "dev-ca"), strerror(errno));
	if (certificate_make_ca(c->arena, root_name, clock_wall(), ROOT_DAYS, &root) != OK ||
	    certificate_make_intermediate(c->arena, &root, middle_name, clock_wall(), ROOT_DAYS, &middle) != OK)
		return failed("the certificates cannot be made");
	if (!write_pair(c, "root", &root, NO_SLICE) || !write_pair(c, "intermediate", &middle, NO_SLICE))
		return CLI_FAILED;
	printf("%s and %s, with their keys beside them. Not for production: the keys lie there unprotected.\n\n", in_dir(c, "root", ".pem"),
	       in_dir(c, "intermediate", ".pem"));
	printf("  berth enrollment-group create GROUP --attestation x509 --signing-primary %s\n", in_dir(c, "intermediate", ".pem"));
	printf("  berth certificate create NAME --certificate %s   then prove that the key is yours\n", in_dir(c, "root", ".pem"));
	printf("  berth certificate dev-ca issue press-07   a device's certificate and key\n");
	return CLI_FINE;
}

/* The answer to a verification code: a certificate with that name, signed by the CA that is to be verified. */
static int answer_code(struct command *c, const char *code, instant now)
{
	struct certificate_pair ca, leaf;

	if (!read_pair(c, given_or(c, "by", "root"), &ca))
		return CLI_FAILED;
	if (certificate_make_device(c->arena, &ca, code, now, 1, &leaf) != OK)
		return failed("the certificate cannot be made");
	if (!write_new(in_dir(c, "verification", ".pem"), 0644, leaf.certificate, NO_SLICE))
		return CLI_FAILED;
	printf("%s answers the code for one day:\n\n  berth certificate verify NAME --certificate %s\n", in_dir(c, "verification", ".pem"),
	       in_dir(c, "verification", ".pem"));
	return CLI_FINE;
}

static int ca_issue(struct command *c)
{
	struct certificate_pair root, middle, leaf;
	const char *id = c->operands ? c->operand[0] : NULL, *code = given(c, "verification-code");
	bool good = true;
	int days = (int)given_number(c, "days", DAYS, 1, ROOT_DAYS, &good);
	struct slice above;

	if (!good)
		return CLI_USAGE;
	if (code)
		return answer_code(c, code, clock_wall());
	if (id == NULL)
		return misused(c, "name the device, or give --verification-code");
	if (!id_is_good(slice_str(id)) || strlen(id) > CN_MAX)
		return misused(c, "a registration ID that is to be a common name has 1 to %d letters, digits, '-', '.', '_' or ':'",
			       CN_MAX);
	if (!read_pair(c, "intermediate", &middle) || !read_pair(c, "root", &root))
		return CLI_FAILED;
	if (certificate_make_device(c->arena, &middle, id, clock_wall(), days, &leaf) != OK)
		return failed("the certificate cannot be made");
	above = arena_format(c->arena, "%.*s%.*s", SLICE_ARG(middle.certificate), SLICE_ARG(root.certificate));
	if (!write_pair(c, id, &leaf, above))
		return CLI_FAILED;
	printf("%s has the device's certificate and those above it, %s its key.\n", in_dir(c, id, ".pem"), in_dir(c, id, ".key"));
	return CLI_FINE;
}

#define IN_DIR                                                                                                                             \
	{                                                                                                                                  \
		"dir", "DIR", "where its files are [dev-ca]", OPTION_VALUE                                                                 \
	}

static const struct option of_service[] = {SERVICE_OPTION, OPTIONS_END};
static const struct option upload_options[] = {
	SERVICE_OPTION,
	{"certificate", "FILE", "PEM or DER", OPTION_VALUE},
	{"verified", NULL, "you may say that its owner has its key: no proof is asked for", OPTION_SWITCH},
	OPTIONS_END};
static const struct option verify_options[] = {
	SERVICE_OPTION,
	{"certificate", "FILE", "PEM or DER: its common name is the code, and the CA's key has signed it", OPTION_VALUE},
	OPTIONS_END};
static const struct option expiring_options[] = {
	SERVICE_OPTION, {"days", "N", "that end within so many days [30]", OPTION_VALUE}, OPTIONS_END};
static const struct option check_options[] = {
	SERVICE_OPTION,
	{"chain", "FILE", "PEM: the device's certificate and those above it, as it will send them", OPTION_VALUE},
	{"registration-id", "ID", "as what it will register", OPTION_VALUE},
	OPTIONS_END};
static const struct option ca_create_options[] = {
	IN_DIR, {"name", "TEXT", "begins the names of both [Berth development]", OPTION_VALUE}, OPTIONS_END};
static const struct option ca_issue_options[] = {
	IN_DIR,
	{"days", "N", "how long it is valid [365]", OPTION_VALUE},
	{"verification-code", "CODE", "answer this code instead of issuing for a device", OPTION_VALUE},
	{"by", "NAME", "the CA that answers it: root or intermediate [root]", OPTION_VALUE},
	OPTIONS_END};

const struct verb certificate_verbs[] = {
	{"certificate", "create", "NAME", "upload a CA certificate", upload_options, NULL, create},
	{"certificate", "list", "", "the CA certificates of a service", of_service, NULL, list},
	{"certificate", "show", "NAME", "one of them", of_service, NULL, show_one},
	{"certificate", "update", "NAME", "exchange it for another, which has to be verified anew", upload_options, NULL, update},
	{"certificate", "delete", "NAME", "delete it, unless enrollments need it", of_service, NULL, delete},
	{"certificate", "generate-verification-code", "NAME", "a code to be signed, as proof that its key is yours", of_service, NULL,
	 generate},
	{"certificate", "verify", "NAME", "hand in the proof", verify_options, NULL, verify},
	{"certificate", "expiring", "", "certificates that end soon: of CAs, of enrollments, of devices", expiring_options, NULL, expiring},
	{"certificate", "check", "", "how a device's chain would be judged, before it is flashed", check_options, NULL, check},
	{"certificate", "dev-ca create", "", "a root and an intermediate, for development", ca_create_options, NULL, ca_create},
	{"certificate", "dev-ca issue", "[ID]", "a device's certificate under them, or the answer to a verification code", ca_issue_options,
	 NULL, ca_issue},
	{NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};
