/*
 * tpm_device.h: a device with a TPM: the options by which verbs name one, and the TPM as it registers.
 */
#ifndef BERTH_CLI_TPM_DEVICE_H
#define BERTH_CLI_TPM_DEVICE_H

#include "cli/command.h"
#include "cli/tpm.h"

/* Rows of a table of options. */
#define TPM_OPTIONS                                                                                                                        \
	{"tcti", "NAME", "the TPM: device:PATH, swtpm:host=H,port=P or mssim:host=H,port=P [" TPM_TCTI "]", OPTION_VALUE},                 \
		{"algorithm", "NAME", "of its keys: rsa or ecc [rsa]", OPTION_VALUE},                                                      \
		{"range", "NAME", "of its endorsement key, as TCG's profile counts them: low or high [low]", OPTION_VALUE},                \
		{"persist", NULL, "keep its two keys where device SDKs look for them", OPTION_SWITCH},                                     \
		{"owner-auth", "TEXT|@FILE", "password of its owner hierarchy [none]", OPTION_VALUE},                                      \
	{                                                                                                                                  \
		"endorsement-auth", "TEXT|@FILE", "password of its endorsement hierarchy [none]", OPTION_VALUE                             \
	}

/* As the options say, in the command's arena. CLI_FINE, or complained. */
int tpm_of(struct command *, struct tpm **out);

/* A device that registers. */
struct tpm_device {
	struct command *c;
	struct tpm *tpm;
	const char *id, *scope;
	instant token_until;
	struct channel_tpm channel;
	const char *hub, *hub_token; /* once it is assigned */
};

/* `id` NULL: that which its endorsement key makes. There as long as the device registers, up to `patience_ms` from now. CLI_FINE, or
 * complained. */
int tpm_device_open(struct command *, const char *id, const struct channel_conf *, int patience_ms, struct tpm_device *out);
void tpm_device_close(struct tpm_device *);

/* After it was assigned: that its TPM has the hub's key, and a token as --hub-token wants one. CLI_FINE, or complained. */
int tpm_device_tell(struct command *, const struct tpm_device *);

#endif
