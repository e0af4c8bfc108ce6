/*
 * hub_own.h: what the files of the hosted hubs' REST face share (hub-api.md 4).
 */
#ifndef BERTH_API_HUB_OWN_H
#define BERTH_API_HUB_OWN_H

#include "api/api_call.h"

/* End the call with an error of hub-api.md 4.10 by its name, which knows its status and number. */
void hub_refuse_as(struct api_call *, const char *word, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The device ID of the path, checked. Absent: the call has been refused. */
struct slice hub_path_device(struct api_call *);

/* Keep what a hub call gave back; NULL ends the call. */
void hub_wait(struct api_call *, struct hub_ask *);

/* Ask for the device of the path, then go on with `next` if it is there; if not, the call is refused. */
void hub_need_device(struct api_call *, void (*next)(struct api_call *));

/* --- handlers of hub_rest.c: what a hub answers before it can do it --- */
void hub_method(struct api_call *);
void hub_purge(struct api_call *);
void hub_modules(struct api_call *);
void hub_module(struct api_call *);
void hub_configuration(struct api_call *);
void hub_job(struct api_call *);
void hub_scheduled_jobs(struct api_call *);
void hub_digital_twin(struct api_call *);
void hub_files(struct api_call *);
void hub_feedback(struct api_call *);
void hub_feedback_lock(struct api_call *);
void hub_nothing(struct api_call *);
void hub_unbuilt(struct api_call *);

#endif
