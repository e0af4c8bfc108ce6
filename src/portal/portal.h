/*
 * portal.h: the web pages, built into the binary and handed out by HTTP (docs/decisions/0008-portal-sessions.md).
 *
 * A page is one program that draws everything, so each address that is a page's gets the same document, and the program
 * reads the rest from the address. What it shows and changes it asks of the api, like everybody.
 */
#ifndef BERTH_PORTAL_PORTAL_H
#define BERTH_PORTAL_PORTAL_H

#include "api/api.h"
#include "portal/assets.h"

/* Answer a request for a file of the portal, or for a page. The answer's parts live as long as the process. False: it is neither, and
 * a question to the api. */
bool portal_answer(const struct api *, const struct api_question *, struct api_answer *);

/* The same of other files, at the portal's host: for tests. */
bool portal_answer_from(const struct assets *, const struct http_head *, struct api_answer *);

#endif
