/*
 * operator.c: who may sign in at the portal.
 */
#include <stdlib.h>

#include "base/text.h"
#include "cli/command.h"

static int show_operators(struct command *c, struct slice text)
{
	struct column columns[8];

	columns_of(&noun_operator, columns, sizeof(columns) / sizeof(columns[0]));
	return show(c, text, columns);
}

static struct answer get_all(struct command *c)
{
	return client_ask(c, "GET", NULL, "/berth/operators", NULL, NULL, NO_SLICE);
}

/* Whether there is one of that name. False in *good: complained. */
static bool is_there(struct command *c, bool *good)
{
	struct answer a = get_all(c);
	json_t *all = NULL, *one;
	bool found = false;
	size_t i;

	*good = answer_is_good(&a);
	if (!*good)
		client_complain(c, &a);
	else if (!(*good = json_read(a.body, c->arena, &all, NULL) == OK))
		failed("the server's answer is not JSON");
	json_array_foreach(all, i, one) found |= slice_eq_fold(slice_str(json_path(one, "name")), slice_str(c->operand[0]));
	json_decref(all);
	return found;
}

static const char *path_of(struct command *c)
{
	return arena_printf(c->arena, "/berth/operators/%.*s", SLICE_ARG(percent_encode(c->arena, slice_str(c->operand[0]))));
}

/* Takes the document. */
static int put(struct command *c, json_t *document)
{
	char *text = json_dumps(document, JSON_COMPACT);
	struct answer a = client_ask(c, "PUT", NULL, path_of(c), NULL, NULL, slice_str(text));
	int status = answer_is_good(&a) ? show_operators(c, a.body) : client_complain(c, &a);

	free(text);
	json_decref(document);
	return status;
}

/* What is put must be there already, or must not. */
static bool expects(struct command *c, bool wanted)
{
	bool good, there = is_there(c, &good);

	if (good && there != wanted)
		failed(there ? "there is an operator called %s already" : "there is no operator called %s", c->operand[0]);
	return good && there == wanted;
}

static int create(struct command *c)
{
	json_t *document;
	const char *password;

	if (!expects(c, false) || (password = ask_password(c)) == NULL)
		return CLI_FAILED;
	document = json_pack("{s:s,s:s}", "role", operator_roles[0], "password", password);
	if (document == NULL)
		return failed("the password is not UTF-8");
	if (!document_set(c, &noun_operator, document)) {
		json_decref(document);
		return CLI_USAGE;
	}
	return put(c, document);
}

static int update(struct command *c)
{
	json_t *document = json_object();
	int status = CLI_USAGE;

	if (document_set(c, &noun_operator, document)) {
		if (json_object_size(document) == 0)
			status = misused(c, "nothing to change: give --role");
		else if (expects(c, true))
			return put(c, document);
		else
			status = CLI_FAILED;
	}
	json_decref(document);
	return status;
}

static int set_password(struct command *c)
{
	const char *password;
	json_t *document;

	if (!expects(c, true) || (password = ask_password(c)) == NULL)
		return CLI_FAILED;
	document = json_pack("{s:s}", "password", password);
	return document ? put(c, document) : failed("the password is not UTF-8");
}

static int list(struct command *c)
{
	struct answer a = get_all(c);

	return answer_is_good(&a) ? show_operators(c, a.body) : client_complain(c, &a);
}

static int delete (struct command *c)
{
	struct answer a = client_ask(c, "DELETE", NULL, path_of(c), NULL, NULL, NO_SLICE);

	return answer_is_good(&a) ? CLI_FINE : client_complain(c, &a);
}

const struct verb operator_verbs[] = {
	{"operator", "create", "NAME", "let somebody sign in at the portal; asks for the password [--role administrator]", NULL,
	 &noun_operator, create},
	{"operator", "list", "", "all of them", NULL, NULL, list},
	{"operator", "update", "NAME", "change the role; ends what is signed in", NULL, &noun_operator, update},
	{"operator", "set-password", "NAME", "asks for a new password, or reads it from standard input; ends what is signed in", NULL, NULL,
	 set_password},
	{"operator", "delete", "NAME", "sign-in and sessions end", NULL, NULL, delete},
	{NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};
