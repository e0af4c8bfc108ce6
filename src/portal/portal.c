#include "portal/portal.h"

#define HEADERS_MAX (sizeof(((struct api_answer *)0)->headers) / sizeof(struct api_header) - 1)

#define LASTING SLICE("/assets/") /* names that change with what is in them */

/* --- headers --- */

/* Fluent UI makes empty <style> elements and fills them rule by rule; the hash is that of the empty text and lets in no other.
 * Scripts come from this origin alone, and nothing is asked of any other. */
#define CONTENT_SECURITY                                                                                                                   \
	"default-src 'none'; script-src 'self'; style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='; "                  \
	"img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; "                             \
	"frame-ancestors 'none'; base-uri 'none'"

static const struct api_header fixed_headers[] = {
	{"Content-Security-Policy", SLICE(CONTENT_SECURITY)},
	{"X-Frame-Options", SLICE("DENY")},
	{"Referrer-Policy", SLICE("no-referrer")},
	{"Permissions-Policy", SLICE("accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), "
				     "microphone=(), midi=(), payment=(), usb=()")},
	{"Cross-Origin-Opener-Policy", SLICE("same-origin")},
	{"Cross-Origin-Resource-Policy", SLICE("same-origin")},
};

static void add_header(struct api_answer *a, const char *name, struct slice value)
{
	size_t n = 0;

	while (a->headers[n].name)
		n++;
	if (n < HEADERS_MAX)
		a->headers[n] = (struct api_header){name, value};
}

static void begin_answer(struct api_answer *a, int status)
{
	*a = (struct api_answer){.status = status};
	for (size_t i = 0; i < sizeof(fixed_headers) / sizeof(fixed_headers[0]); i++)
		add_header(a, fixed_headers[i].name, fixed_headers[i].value);
}

/* --- one file --- */

static const struct {
	struct slice coding; /* of Accept-Encoding; absent: everybody takes it */
} forms[ASSET_FORMS] = {
	[ASSET_BROTLI] = {SLICE("br")},
	[ASSET_GZIP] = {SLICE("gzip")},
	[ASSET_PLAIN] = {{NULL, 0}},
};

static enum asset_form form_for(const struct asset *asset, const struct http_head *head)
{
	for (size_t i = 0; i < ASSET_PLAIN; i++)
		if (!slice_absent(asset->form[i]) && http_accepts(head, "accept-encoding", forms[i].coding))
			return (enum asset_form)i;
	return ASSET_PLAIN;
}

static bool is_compressed(const struct asset *asset)
{
	return !slice_absent(asset->form[ASSET_BROTLI]) || !slice_absent(asset->form[ASSET_GZIP]);
}

static struct slice without_weakness(struct slice etag)
{
	return slice_starts(etag, SLICE("W/")) ? slice_from(etag, 2) : etag;
}

/* RFC 9110 section 13.1.2: compared weakly. */
static bool is_known(const struct http_head *head, const char *etag)
{
	struct slice rest = http_header(head, "if-none-match"), one, ours = without_weakness(slice_str(etag));

	while (slice_next(&rest, ',', &one)) {
		one = slice_trim(one);
		if (slice_eq(one, SLICE("*")) || slice_eq(without_weakness(one), ours))
			return true;
	}
	return false;
}

static void answer_asset(const struct asset *asset, const struct http_head *head, struct api_answer *a)
{
	bool lasting = slice_starts(slice_str(asset->path), LASTING);
	enum asset_form form = form_for(asset, head);

	begin_answer(a, is_known(head, asset->etag) ? 304 : 200);
	add_header(a, "Cache-Control", lasting ? SLICE("public, max-age=31536000, immutable") : SLICE("no-cache"));
	add_header(a, "ETag", slice_str(asset->etag));
	if (is_compressed(asset))
		add_header(a, "Vary", SLICE("Accept-Encoding"));
	if (a->status == 304)
		return;
	if (!slice_absent(forms[form].coding))
		add_header(a, "Content-Encoding", forms[form].coding);
	a->content_type = asset->type;
	a->body = asset->form[form];
}

/* --- which one --- */

static const struct asset *find(const struct assets *assets, struct slice path)
{
	for (size_t i = 0; i < assets->count; i++)
		if (slice_eq(path, slice_str(assets->at[i].path)))
			return &assets->at[i];
	return NULL;
}

/* An address that somebody has typed, kept or followed, rather than one that a program asks: a browser says then what it would like
 * to show. Our APIs' own words, and the files that change their names, are no pages. */
static bool is_page(const struct http_head *head)
{
	static const struct slice others[] = {SLICE("berth"), SLICE("subscriptions"), SLICE("providers"), SLICE("assets")};
	struct slice rest = slice_from(head->path, 1), first = NO_SLICE;

	if (slice_eq(head->path, SLICE("/")))
		return true;
	(void)slice_next(&rest, '/', &first);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (slice_eq_fold(first, others[i]))
			return false;
	return http_accepts(head, "accept", SLICE("text/html"));
}

#define NOT_BUILT                                                                                                                          \
	"<!doctype html><html lang=\"en\"><title>Berth</title><h1>The portal was not built into this server</h1>"                          \
	"<p>Its APIs are here and work. For the pages, build with <code>./run</code>, or <code>npm ci &amp;&amp; npm run build</code> in " \
	"<code>web/</code> before the server.</p></html>\n"

static void answer_not_built(struct api_answer *a)
{
	begin_answer(a, 404);
	add_header(a, "Cache-Control", SLICE("no-cache"));
	a->content_type = "text/html; charset=utf-8";
	a->body = SLICE(NOT_BUILT);
}

bool portal_answer_from(const struct assets *assets, const struct http_head *head, struct api_answer *a)
{
	const struct asset *asset;

	if (head->method != HTTP_GET && head->method != HTTP_HEAD)
		return false;
	if ((asset = find(assets, head->path)) == NULL && is_page(head) && (asset = find(assets, SLICE("/index.html"))) == NULL) {
		answer_not_built(a);
		return true;
	}
	if (asset)
		answer_asset(asset, head, a);
	return asset != NULL;
}

bool portal_answer(const struct api *api, const struct api_question *q, struct api_answer *a)
{
	return api_host_is_portal(api, q->host) && portal_answer_from(&portal_assets, q->head, a);
}
