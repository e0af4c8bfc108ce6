/*
 * prompt.c: a password, typed unseen at a terminal, else the first line of standard input.
 */
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include "cli/command.h"

#define LINE_SIZE 1024

static struct termios before;

/* Who breaks off shall see what is typed next. */
static void on_signal(int signo)
{
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	signal(signo, SIG_DFL);
	raise(signo);
}

static bool read_line(char line[static LINE_SIZE])
{
	size_t n;

	if (fgets(line, LINE_SIZE, stdin) == NULL)
		return false;
	n = strcspn(line, "\r\n");
	line[n] = 0;
	return n > 0;
}

static bool read_unseen(const char *prompt, char line[static LINE_SIZE])
{
	struct termios unseen = before;
	bool there;

	unseen.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &unseen); /* and what was typed before the question does not answer it */
	fputs(prompt, stderr);
	there = read_line(line);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	fputc('\n', stderr);
	return there;
}

/* Twice, because nobody sees what is typed. */
static bool read_twice(char line[static LINE_SIZE], const char **why)
{
	char again[LINE_SIZE] = "";
	bool same;

	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	*why = "no password was typed";
	same = read_unseen("New password: ", line) && read_unseen("Once more: ", again);
	if (same && strcmp(line, again) != 0) {
		*why = "the two differ";
		same = false;
	}
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	explicit_bzero(again, sizeof(again));
	return same;
}

const char *ask_password(struct command *c)
{
	const char *why = "the first line of standard input is to be the password, and there is none";
	char line[LINE_SIZE] = "";
	const char *password = NULL;

	if (tcgetattr(STDIN_FILENO, &before) == 0 ? read_twice(line, &why) : read_line(line))
		password = arena_str(c->arena, slice_str(line));
	else
		failed("%s", why);
	explicit_bzero(line, sizeof(line));
	return password;
}
