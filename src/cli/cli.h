/*
 * cli.h: the operator's command line and the simulated devices: an ordinary client of the same APIs that everyone
 * uses.
 */
#ifndef BERTH_CLI_CLI_H
#define BERTH_CLI_CLI_H

#include <stddef.h>
#include <stdio.h>

/* What the program that holds us knows and we do not. */
struct cli_env {
	const char *program;                   /* argv[0], for help texts and for starting a server (demo) */
	const char *(*serve_flag)(size_t *at); /* names of `serve`'s flags, for completion; NULL at the end */
};

enum { CLI_FINE = 0, CLI_FAILED = 1, CLI_USAGE = 2 }; /* exit status, design.md 3 */

/* Run one verb: argv[0] is the noun ("enrollment"), what follows is its own. Returns the exit status. */
int cli_run(int argc, char **argv, const struct cli_env *);

/* All nouns and verbs, one line each. */
void cli_print_help(FILE *, const struct cli_env *);

#endif
