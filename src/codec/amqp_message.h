/*
 * amqp_message.h: an AMQP 1.0 message, as far as requests and answers need it (OASIS AMQP 1.0, part 3, section 2).
 */
#ifndef BERTH_CODEC_AMQP_MESSAGE_H
#define BERTH_CODEC_AMQP_MESSAGE_H

#include "codec/amqp_value.h"

#define AMQP_CORRELATION_MAX 256 /* bytes of a correlation-id that are repeated */

struct amqp_message {
	struct slice correlation; /* the correlation-id as it came, with its type; absent: none */
	struct slice properties;  /* of the application: what the map holds, for amqp_map_find */
	struct slice body;        /* of the data sections, or the text of an amqp-value; absent: anything else, or none */
	bool has_data;            /* there were data sections */
};

/* Slices point into `bytes`, where several data sections are pushed together. ERR_MALFORMED; ERR_TOO_BIG: the
 * correlation-id. */
MUST_USE enum err amqp_message_read(char *bytes, size_t n, struct amqp_message *out);

/* A map with the seconds to wait under both of the names that clients look for (device-api.md 12.4); empty when 0. Keys are
 * strings among application properties, symbols in the info of an error. */
void amqp_put_retry_after(struct amqp_out *o, int seconds, bool symbols);

struct amqp_answer {
	struct slice correlation; /* as amqp_message has it */
	int retry_after;
	struct slice body;
};

/* Properties, application properties and one data section. */
void amqp_message_write(struct buf *to, const struct amqp_answer *answer);

#endif
