/*
 * service_trial.h: a device that is thought up, or one that there is, for questions of the kind "which hub would it get?".
 */
#ifndef BERTH_API_SERVICE_TRIAL_H
#define BERTH_API_SERVICE_TRIAL_H

#include "api/service.h"

#define TRIAL_ID "device" /* where none is given */

struct trial_device {
	const struct entry_kind *kind; /* NULL: no enrollment is named */
	struct enrollment entry_like;  /* what is named, fit to be read */
	struct slice id, payload;      /* payload: absent when there is none */
};

/* The member of that name, if it is there. False: it is no text. */
bool trial_text(struct api_call *, const json_t *body, const char *name, struct slice *out);

/* `registrationId`, `enrollment` or `group`, `payload` of the body. False: they do not read; whether the ID is good the caller asks. */
bool trial_device(struct api_call *, const json_t *body, struct trial_device *out);

#endif
