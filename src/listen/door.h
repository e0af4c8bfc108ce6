/*
 * door.h: one listening socket.
 */
#ifndef BERTH_LISTEN_DOOR_H
#define BERTH_LISTEN_DOOR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Bind and listen at `address` and *port; 0 becomes the port that was free. `alone`: fail when somebody listens there already.
 * The descriptor does not block. Words and sentence as listener_open has them. */
MUST_USE enum err door_open(const char *address, int *port, bool alone, int *fd, char *why, size_t room);

#endif
