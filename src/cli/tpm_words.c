/*
 * tpm_words.c: what a TPM and its library say, in words, with what to do about it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <tss2/tss2_rc.h>

#include "cli/tpm_own.h"

#define DEVICE "device:"

/* --- a TPM that does not answer --- */

static void on_alarm(int signal)
{
	static const char text[] =
		"berth: the TPM has not answered for a minute. One in software serves a single client: is another connected?\n";

	(void)signal;
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	_exit(1);
}

void tpm_watch(bool on)
{
	if (on)
		signal(SIGALRM, on_alarm);
	alarm(on ? TPM_PATIENCE_SECONDS : 0);
}

/* --- codes --- */

TSS2_RC tpm_plain_code(TSS2_RC rc)
{
	if ((rc & TSS2_RC_LAYER_MASK) == TSS2_TPM_RC_LAYER || (rc & TSS2_RC_LAYER_MASK) == TSS2_RESMGR_TPM_RC_LAYER)
		return rc & TPM2_RC_FMT1 ? rc & (TPM2_RC_FMT1 | 0x3f) : rc & 0xfff;
	return rc & ~TSS2_RC_LAYER_MASK;
}

struct advice {
	TSS2_RC rc; /* plain */
	bool base;  /* of the library's layers, not of the TPM */
	enum err e;
	const char *text;
};

static const struct advice advices[] = {
	{TPM2_RC_LOCKOUT, false, ERR_FORBIDDEN,
	 "Too many wrong passwords: the TPM is locked out. Wait until it lets go, or clear that with tpm2_dictionarylockout "
	 "--clear-lockout."},
	{TPM2_RC_AUTH_FAIL, false, ERR_FORBIDDEN, "A hierarchy of this TPM has a password: see --owner-auth and --endorsement-auth."},
	{TPM2_RC_BAD_AUTH, false, ERR_FORBIDDEN, "A hierarchy of this TPM has a password: see --owner-auth and --endorsement-auth."},
	{TPM2_RC_HIERARCHY, false, ERR_IO, "A hierarchy of this TPM is switched off: the firmware's settings may switch it on."},
	{TPM2_RC_INITIALIZE, false, ERR_IO,
	 "Nobody has started this TPM: a swtpm wants --flags not-need-init,startup-clear, or tpm2_startup -c."},
	{TPM2_RC_FAILURE, false, ERR_IO, "The TPM is in failure mode until the machine is restarted."},
	{TPM2_RC_OBJECT_MEMORY, false, ERR_IO, "Others fill its memory: use /dev/tpmrm0 rather than /dev/tpm0, or tpm2_flushcontext -t."},
	{TPM2_RC_SESSION_MEMORY, false, ERR_IO, "Others fill its memory: use /dev/tpmrm0 rather than /dev/tpm0, or tpm2_flushcontext -s."},
	{TPM2_RC_NV_SPACE, false, ERR_IO,
	 "It has no room for another persistent object: tpm2_getcap handles-persistent lists those there are."},
	{TPM2_RC_NV_DEFINED, false, ERR_IO, "Something else is kept at that handle: tpm2_getcap handles-persistent lists what there is."},
	{TPM2_RC_POLICY_FAIL, false, ERR_FORBIDDEN, "The endorsement key is bound to another policy than those of TCG's templates."},
	{TPM2_RC_CURVE, false, ERR_IO, "This TPM does not know that curve: try --algorithm rsa."},
	{TPM2_RC_RETRY, false, ERR_IO, "The TPM is busy: try again."},
	{TPM2_RC_YIELDED, false, ERR_IO, "The TPM is busy: try again."},
	{TPM2_RC_NV_RATE, false, ERR_IO, "The TPM saves its memory from too many writes: wait a minute."},
	{TSS2_BASE_RC_NO_CONNECTION, true, ERR_UNREACHABLE, "The connection to the TPM has gone."},
	{TSS2_BASE_RC_IO_ERROR, true, ERR_UNREACHABLE, "The connection to the TPM has gone."},
	{TSS2_BASE_RC_MEMORY, true, ERR_NO_MEMORY, "There is no memory left."},
};

static const struct advice *advice_find(TSS2_RC rc)
{
	TSS2_RC layer = rc & TSS2_RC_LAYER_MASK, plain = tpm_plain_code(rc);
	bool base = layer != TSS2_TPM_RC_LAYER && layer != TSS2_RESMGR_TPM_RC_LAYER;

	for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++)
		if (advices[i].rc == plain && advices[i].base == base)
			return &advices[i];
	return NULL;
}

enum err tpm_complain(const struct tpm *t, TSS2_RC rc, const char *doing, const char **why)
{
	const struct advice *advice = advice_find(rc);

	*why = arena_printf(t->arena, "%s fails: %s (0x%x).%s%s", doing, Tss2_RC_Decode(rc), rc, advice ? " " : "",
			    advice ? advice->text : "");
	if (*why == NULL)
		return ERR_NO_MEMORY;
	return advice ? advice->e : ERR_IO;
}

/* --- no TPM at all --- */

static enum err complain_of_device(const struct tpm *t, const char *path, TSS2_RC rc, const char **why)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY), e = errno;

	if (fd >= 0) {
		close(fd);
		*why = arena_printf(t->arena, "%s is no TPM 2.0: %s (0x%x).", path, Tss2_RC_Decode(rc), rc);
		return ERR_UNREACHABLE;
	}
	if (e == EACCES || e == EPERM) {
		*why = arena_printf(t->arena,
				    "%s is there, but this user may not open it. Be root, or in the group that may, which is tss on most "
				    "systems: usermod -aG tss USER, and log in again.",
				    path);
		return ERR_FORBIDDEN;
	}
	if (e == EBUSY)
		*why = arena_printf(t->arena, "%s is in use by another program: /dev/tpmrm0 can be shared, /dev/tpm0 cannot.", path);
	else
		*why = arena_printf(
			t->arena,
			"there is no TPM at %s (%s). Is it switched on in the firmware's settings, and is it a TPM 2.0? Another "
			"one is named by --tcti: swtpm:host=127.0.0.1,port=2321.",
			path, strerror(e));
	return ERR_UNREACHABLE;
}

enum err tpm_complain_unreachable(const struct tpm *t, TSS2_RC rc, const char **why)
{
	const char *name = t->tcti_name;
	enum err e = ERR_UNREACHABLE;

	if (strncmp(name, DEVICE, sizeof(DEVICE) - 1) == 0)
		e = complain_of_device(t, name + sizeof(DEVICE) - 1, rc, why);
	else if (tpm_plain_code(rc) == TSS2_BASE_RC_IO_ERROR || tpm_plain_code(rc) == TSS2_BASE_RC_NO_CONNECTION)
		*why = arena_printf(t->arena,
				    "nothing answers as a TPM at \"%s\". Does it listen there? A swtpm listens on two ports, the other by "
				    "--ctrl type=tcp,port=N+1.",
				    name);
	else
		*why = arena_printf(t->arena,
				    "\"%s\" names no TPM: %s (0x%x). It is to be as device:/dev/tpmrm0, swtpm:host=127.0.0.1,port=2321 or "
				    "mssim:host=127.0.0.1,port=2321, and its module libtss2-tcti-NAME.so installed.",
				    name, Tss2_RC_Decode(rc), rc);
	return *why ? e : ERR_NO_MEMORY;
}
