/*
 * serve.h: the server, from its settings to its end.
 */
#ifndef BERTH_DAEMON_SERVE_H
#define BERTH_DAEMON_SERVE_H

/* Run until SIGTERM or SIGINT, which drain; SIGHUP reloads. `argv` starts behind "serve". Returns the exit status:
 * 0 after a drain, 1 when it could not start, 2 for wrong usage. */
int serve(int argc, char **argv);

#endif
