/*
 * query_lex.h: the words of a query.
 */
#ifndef BERTH_HUB_QUERY_LEX_H
#define BERTH_HUB_QUERY_LEX_H

#include "base/arena.h"
#include "base/err.h"

enum token_type { TOKEN_END, TOKEN_WORD, TOKEN_NAME, TOKEN_STRING, TOKEN_NUMBER, TOKEN_SIGN, TOKEN_BAD };

struct query_token {
	enum token_type type;
	struct slice text; /* as it stands there; of a NAME, what is in the [[ ]]; of a STRING, with escapes undone */
	double number;
	size_t at; /* where it starts, from 0 */
};

struct query_lexer {
	struct slice text;
	size_t at;
	struct arena *arena;
};

/* The next token; the text ends with TOKEN_END for ever. TOKEN_BAD: a character that begins nothing, a string
 * without an end, a number that is none. */
void query_lex(struct query_lexer *, struct query_token *out);

#endif
