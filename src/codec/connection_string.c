#include "codec/connection_string.h"

static struct slice *member_of(struct connection_string *c, struct slice name)
{
	const struct {
		struct slice name;
		struct slice *member;
	} parts[] = {
		{SLICE("HostName"), &c->host_name}, {SLICE("SharedAccessKeyName"), &c->key_name},    {SLICE("SharedAccessKey"), &c->key},
		{SLICE("DeviceId"), &c->device_id}, {SLICE("SharedAccessSignature"), &c->signature},
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (slice_eq_fold(name, parts[i].name))
			return parts[i].member;
	return NULL;
}

enum err connection_string_read(struct slice text, struct connection_string *out, const char **why)
{
	struct slice part, *member;
	ptrdiff_t equals;

	*out = (struct connection_string){0};
	while (slice_next(&text, ';', &part)) {
		part = slice_trim(part);
		if (part.n == 0)
			continue;
		if ((equals = slice_find(part, '=')) < 0) {
			*why = "has a part without '='";
			return ERR_MALFORMED;
		}
		if ((member = member_of(out, slice_trim(slice_to(part, (size_t)equals)))) == NULL)
			continue;
		if (!slice_absent(*member)) {
			*why = "has a part twice";
			return ERR_MALFORMED;
		}
		*member = slice_trim(slice_from(part, (size_t)equals + 1));
	}
	if (out->host_name.n == 0) {
		*why = "has no HostName";
		return ERR_MALFORMED;
	}
	return OK;
}
