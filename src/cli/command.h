/*
 * command.h: what the files of the command line share.
 *
 * A verb is a row: its noun, its options, a line of help and a function. The function gets a `struct command` with
 * the options read, a client of the server, and returns the exit status.
 */
#ifndef BERTH_CLI_COMMAND_H
#define BERTH_CLI_COMMAND_H

#include "codec/json.h"
#include "cli/channel.h"
#include "cli/cli.h"
#include "model/model.h"

#define OPTIONS_MAX    64
#define OPERANDS_MAX   4
#define CLI_ARENA_MAX  (256 * 1024 * 1024)
#define ANSWER_MAX     (64 * 1024 * 1024)
#define SUBSCRIPTION   "00000000-0000-0000-0000-000000000000" /* unless --subscription says otherwise */
#define RESOURCE_GROUP "berth"

enum option_kind { OPTION_VALUE, OPTION_SWITCH };

struct option {
	const char *name;  /* "primary-key" */
	const char *value; /* what stands for it in help: "KEY" */
	const char *help;
	enum option_kind kind;
};

/* Of a table that is shown. */
struct column {
	const char *title, *path; /* dotted, into each element */
};

struct command;

struct verb {
	const char *noun, *name;
	const char *operands; /* "NAME", "ID HUB"; "" for none */
	const char *help;
	const struct option *options; /* ended by a NULL name; may be NULL */
	const struct noun *fields;    /* the settable fields of this noun are options too; may be NULL */
	int (*run)(struct command *);
};

struct command {
	const struct cli_env *env;
	const struct verb *verb;
	struct arena *arena;
	const char *operand[OPERANDS_MAX];
	int operands;
	struct given {
		const char *name, *value;
	} given[OPTIONS_MAX];
	size_t given_count;

	/* The client, made at the first request. */
	struct loop *loop;
	struct fetcher *fetcher;
	struct dialer *dialer; /* made by the first client_channels */
	const char *server, *token, *ca;
	const char *address; /* of the server, to connect to: "127.0.0.1", "[::1]" */
	int https_port, mqtts_port, amqps_port;
};

/* The option's value; NULL when it was not given. A switch has the value "". */
const char *given(const struct command *, const char *name);
const char *given_or(const struct command *, const char *name, const char *otherwise);

/* A number between low and high; *good false, with a message on stderr, when it is not one. */
int64_t given_number(const struct command *, const char *name, int64_t otherwise, int64_t low, int64_t high, bool *good);

/* Complain on stderr; return CLI_FAILED or CLI_USAGE. */
int failed(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int misused(const struct command *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* --- the client (client.c) --- */

struct answer {
	enum err e;
	int status;
	const char *why;          /* when e is not OK */
	struct slice body;        /* in the command's arena */
	const char *continuation; /* x-ms-continuation; NULL: none */
};

/* Where the server is and how to speak to it: --server, --token, --ca, else the data folder's server.json, admin.token.
 * False: complained. */
bool client_open(struct command *);
void client_close(struct command *);

/* One request to `host` (NULL: the server's own name), and wait. `if_match`, `continuation`, `body` may be NULL/absent. */
struct answer client_ask(struct command *, const char *method, const char *host, const char *path, const char *if_match,
			 const char *continuation, struct slice body);

/* One line of an answer, without its end; it lives only while this runs. */
typedef void client_line(void *cookie, struct slice line);

/* POST the body, and be told each line of a good answer as it comes, however many there are; the answer's own body is empty then. */
struct answer client_post_lines(struct command *, const char *host, const char *path, struct slice body, client_line *, void *cookie);

/* Where this server's devices go, but for host and scope: they connect to the server whatever names resolve to. False: complained. */
bool client_channels(struct command *, struct channel_conf *out);

/* Complain about an answer that is not 2xx: the server's words. Returns CLI_FAILED. */
int client_complain(struct command *, const struct answer *);

static inline bool answer_is_good(const struct answer *a)
{
	return a->e == OK && a->status >= 200 && a->status < 300;
}

/* --- resources (resource.c) --- */

/* The service or hub of that name, whatever resource group it is in; NULL: complained. `name` NULL: the only service there is.
 * `kind` is "provisioningServices" or "IotHubs". The caller owns the answer: json_decref. */
json_t *resource_find(struct command *, const char *kind, const char *name);

/* A text inside a document by a dotted path; NULL: not there. */
const char *json_path(const json_t *, const char *path);

/* The service API's host name of --service (or of the only one); NULL: complained. */
const char *service_host(struct command *);

/* The keys of a policy: primary key and name; false: complained. `policy` NULL: the first. */
bool policy_keys(struct command *, const json_t *resource, const char *policy, const char **name, const char **key);

/* --- the service API (ask.c) --- */

/* One request to the service API of --service, If-Match as --etag says, and the answer. `body` is taken; NULL: none. False: complained. */
bool service_ask(struct command *, const char *method, const char *path, json_t *body, struct answer *out);

/* The same, and its answer shown in these columns, if it has a body; NULL: not shown. The exit status. */
int service_show(struct command *, const char *method, const char *path, json_t *body, const struct column *columns);

/* Rows of a table of options. */
#define SERVICE_OPTION {"service", "NAME", "the provisioning service [the only one there is]", OPTION_VALUE}
#define ETAG_OPTION    {"etag", "ETAG", "only if it is still this version", OPTION_VALUE}
#define OPTIONS_END    {NULL, NULL, NULL, OPTION_VALUE}

/* --- output (output.c) --- */


/* Whether --output, or a terminal, asks for tables rather than JSON. */
bool shows_tables(const struct command *);

/* One document or an array of them, as --output says: JSON, or a table of these columns. */
int show(struct command *, struct slice json, const struct column *columns);

/* Columns from the rows of a noun that are marked for it. At most `max`, the last with a NULL title. */
void columns_of(const struct noun *, struct column *out, size_t max);

/* --- options into documents (document.c) --- */

/* Put every given option that is a settable field of the noun into `into` at its JSON path. False: complained. */
bool document_set(struct command *, const struct noun *, json_t *into);
bool document_put(json_t *into, const char *path, json_t *value); /* takes the value */

/* The same for one field and its text. A certificate is the name of its file. */
bool document_set_field(struct command *, const struct field *, const char *text, json_t *into);

/* What an enrollment must be by what it has, where it does not say: symmetricKey when there is nothing. */
void document_guess_attestation(json_t *document);

/* A file's text, or the value itself when it does not begin with '@'. Absent: complained. */
struct slice text_or_file(struct command *, const char *value);

/* --- passwords (prompt.c) --- */

/* Typed twice and unseen at a terminal, else the first line of standard input; NULL: complained. */
const char *ask_password(struct command *);

/* --- the rows, one table a file --- */
extern const struct verb service_verbs[], hub_verbs[], linked_hub_verbs[], policy_verbs[], certificate_verbs[], enrollment_verbs[], import_verbs[], revocation_list_verbs[],
	registration_verbs[], device_verbs[], operator_verbs[], demo_verbs[], completion_verbs[], allocation_preview_verbs[],
	allocation_rule_verbs[], allocation_explain_verbs[], endorsement_root_verbs[], tpm_verbs[];

/* All tables, ended by NULL. */
extern const struct verb *const verb_tables[];

extern const struct option common_options[];

#endif
