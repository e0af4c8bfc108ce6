/*
 * connection_string.h: "HostName=...;SharedAccessKeyName=...;SharedAccessKey=..."
 * (service-api.md 3.1, hub-api.md 3.1).
 */
#ifndef BERTH_CODEC_CONNECTION_STRING_H
#define BERTH_CODEC_CONNECTION_STRING_H

#include "base/err.h"
#include "base/slice.h"

struct connection_string {
	struct slice host_name;  /* may carry ":port" */
	struct slice key_name;
	struct slice key;        /* base64, not decoded */
	struct slice device_id;
	struct slice signature;  /* SharedAccessSignature=... */
};

/* Parts are split at ';' and at their first '='; names compare without case. Unknown
 * parts are skipped; a part given twice, a part without '=' or a missing HostName is
 * ERR_MALFORMED, and `why` gets a constant sentence that quotes nothing. */
MUST_USE enum err connection_string_read(struct slice text, struct connection_string *out, const char **why);

#endif
