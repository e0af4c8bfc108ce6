/*
 * main.c: berth, one binary: the server, the operator's command line, and simulated devices.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "daemon/serve.h"
#include "daemon/settings.h"

static int usage(FILE *out, const struct cli_env *env)
{
	fprintf(out,
		"berth: device provisioning that you host yourself, wire-compatible with Azure IoT Hub DPS.\n\n"
		"usage: %s VERB [...]\n\n"
		"  serve                       run the server (serve --help lists its settings)\n",
		env->program);
	cli_print_help(out, env);
	return out == stdout ? CLI_FINE : CLI_USAGE;
}

int main(int argc, char **argv)
{
	const struct cli_env env = {argv[0], settings_each_flag};

	if (argc < 2)
		return usage(stderr, &env);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
		return usage(stdout, &env);
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "version") == 0) {
		printf("berth %s\n", BERTH_VERSION);
		return CLI_FINE;
	}
	if (strcmp(argv[1], "serve") == 0)
		return serve(argc - 2, argv + 2);
	return cli_run(argc - 1, argv + 1, &env);
}
