/*
 * tpm_device.h: verbs of a device with a TPM: the options they share, and the TPM as a channel asks it (channel.h).
 */
#ifndef BERTH_CLI_TPM_DEVICE_H
#define BERTH_CLI_TPM_DEVICE_H

#include "cli/command.h"
#include "cli/tpm.h"

/* Rows of a table of options. */
#define TPM_OPTIONS                                                                                                                        \
	{"tcti", "NAME", "the TPM: device:PATH, swtpm:host=H,port=P or mssim:host=H,port=P [" TPM_TCTI "]", OPTION_VALUE},                 \
		{"algorithm", "NAME", "of its keys: rsa or ecc [rsa]", OPTION_VALUE},                                                      \
		{"persist", NULL, "keep its two keys where device SDKs look for them", OPTION_SWITCH},                                     \
		{"owner-auth", "TEXT|@FILE", "password of its owner hierarchy [none]", OPTION_VALUE},                                      \
	{                                                                                                                                  \
		"endorsement-auth", "TEXT|@FILE", "password of its endorsement hierarchy [none]", OPTION_VALUE                             \
	}

/* As the options say, in the command's arena. CLI_FINE, or complained. */
int tpm_of(struct command *, struct tpm **out);

#endif
