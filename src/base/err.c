#include "base/err.h"

const char *err_text(enum err e)
{
	static const char *const texts[] = {
#define E(name, text) text,
		ERRORS(E)
#undef E
	};

	return (unsigned)e < sizeof(texts) / sizeof(texts[0]) ? texts[e] : "unknown error";
}
