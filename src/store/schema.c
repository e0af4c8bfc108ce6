/*
 * schema.c: the tables in the database, and their history.
 */
#include <stdlib.h>

#include "base/text.h"
#include "store/rows.h"
#include "store/schema.h"

#define SCHEMA_TEXT_MAX 16384
#define INDEXES_MAX     8
#define CHECK_WORD      "berth"
#define CHECK_PLACE     "meta/check"

/* Lists of revoked certificates; CA certificates by their end; registrations that went wrong. */
static const char *const to_2[] = {
	"ALTER TABLE enrollment_group ADD COLUMN revocation_lists {int}",
	"CREATE INDEX enrollment_by_attestation ON enrollment (scope, attestation, id)",
	"CREATE INDEX enrollment_by_disabled ON enrollment (scope, provisioning_status, id) WHERE provisioning_status = 'disabled'",
	"ALTER TABLE registration ADD COLUMN moves {text}",
	"CREATE INDEX registration_by_trouble ON registration (scope, status, id) WHERE status IN ('failed', 'disabled')",
	"CREATE INDEX ca_by_end ON ca_certificate (scope, certificate_end, id)",
	"CREATE TABLE revocation_list (scope {text} NOT NULL, group_id {text} NOT NULL, id {text} NOT NULL, name {text}, url {text},"
	" refresh {int}, strict {int}, issuer_certificate {blob}, version {text}, issuer {text}, entries {int}, this_update {int},"
	" next_update {int}, fetched {int}, trouble {text}, due {int}, created {int}, updated {int}, etag {text},"
	" PRIMARY KEY (scope, group_id, id)){small}",
	"CREATE INDEX revocation_by_due ON revocation_list (due, scope, group_id, id) WHERE due IS NOT NULL",
	"CREATE TABLE revocation_body (scope {text} NOT NULL, group_id {text} NOT NULL, id {text} NOT NULL, list {blob},"
	" PRIMARY KEY (scope, group_id, id)){small}",
	NULL,
};

/* Operators of the portal, and their sessions. */
static const char *const to_3[] = {
	"CREATE TABLE operator (id {text} NOT NULL, name {text}, role {text}, password_hash {blob}, created {int}, last_sign_in {int},"
	" etag {text}, PRIMARY KEY (id)){small}",
	"CREATE TABLE session (operator_id {text} NOT NULL, id {text} NOT NULL, name {text}, role {text}, created {int}, used {int},"
	" PRIMARY KEY (operator_id, id)){small}",
	"CREATE UNIQUE INDEX session_by_id ON session (id)",
	NULL,
};

/* The keys of a device with a TPM. */
static const char *const to_4[] = {
	"ALTER TABLE registration ADD COLUMN endorsement_key {text}",
	"ALTER TABLE registration ADD COLUMN storage_root_key {text}",
	NULL,
};

/* What a device sent along with a registration that is not finished. */
static const char *const to_5[] = {
	"ALTER TABLE registration ADD COLUMN device_payload {text}",
	NULL,
};

/* Rules of custom allocation. */
static const char *const to_6[] = {
	"ALTER TABLE enrollment ADD COLUMN rule {text}",
	"ALTER TABLE enrollment_group ADD COLUMN rule {text}",
	NULL,
};

/* Each challenge of a TPM is good for one registration. */
static const char *const to_7[] = {
	"ALTER TABLE registration ADD COLUMN challenge_used {int}",
	"ALTER TABLE registration ADD COLUMN challenge_used_before {int}",
	NULL,
};

/* Where devices register from: what is nearest to them can be asked later. */
static const char *const to_8[] = {
	"ALTER TABLE registration ADD COLUMN source_address {text}",
	NULL,
};

static const struct migration steps[] = {{2, to_2}, {3, to_3}, {4, to_4}, {5, to_5}, {6, to_6}, {7, to_7}, {8, to_8}};

const struct schema schema_current = {.version = SCHEMA_VERSION, .steps = steps, .count = sizeof(steps) / sizeof(steps[0])};

/* --- the text of a table --- */

static const char *take_text(struct buf *text, struct arena *arena)
{
	const char *out = buf_failed(text) ? NULL : arena_str(arena, buf_slice(text));

	buf_clear(text);
	return out;
}

static void write_table(struct buf *text, const struct table *t, const struct store_driver *d)
{
	buf_printf(text, "CREATE TABLE %s (", t->noun->name);
	for (int i = 0; i < t->column_count; i++)
		buf_printf(text, "%s %s%s, ", t->columns[i]->name, d->types[column_type(t->columns[i])],
			   column_is_key(t, i) ? " NOT NULL" : "");
	buf_add_str(text, "PRIMARY KEY (");
	for (int i = 0; i < t->key_count; i++)
		buf_printf(text, "%s%s", i ? ", " : "", t->columns[t->keys[i]]->name);
	buf_printf(text, "))%s", t->small ? d->small_rows : "");
}

static void write_index(struct buf *text, const struct noun *noun, const struct noun_index *index)
{
	buf_printf(text, "CREATE %sINDEX %s ON %s (", index->unique ? "UNIQUE " : "", index->name, noun->name);
	for (int i = 0; i < KEYS_MAX && index->columns[i]; i++)
		buf_printf(text, "%s%s", i ? ", " : "", index->columns[i]);
	buf_printf(text, ")%s%s", index->where ? " WHERE " : "", index->where ? index->where : "");
}

const char *const *schema_create(const struct table *t, const struct store_driver *d, struct arena *arena)
{
	const char **sql = arena_array(arena, INDEXES_MAX + 2, sizeof(*sql));
	size_t n = 0;
	struct buf text;

	if (sql == NULL)
		return NULL;
	buf_init(&text, SCHEMA_TEXT_MAX);
	write_table(&text, t, d);
	sql[n++] = take_text(&text, arena);
	for (size_t i = 0; i < t->noun->index_count && i < INDEXES_MAX; i++) {
		write_index(&text, t->noun, &t->noun->indexes[i]);
		sql[n++] = take_text(&text, arena);
	}
	buf_fini(&text);
	return arena_failed(arena) || sql[0] == NULL ? NULL : sql;
}

/* {int}, {text}, {blob} and {small}, behind a table of short rows, become what the driver calls them. */
static struct slice spell_types(const char *sql, const struct store_driver *d, struct arena *arena)
{
	const struct {
		struct slice word;
		const char *spelled;
	} words[] = {
		{SLICE("{int}"), d->types[VALUE_INT]},
		{SLICE("{text}"), d->types[VALUE_TEXT]},
		{SLICE("{blob}"), d->types[VALUE_BLOB]},
		{SLICE("{small}"), d->small_rows},
	};
	struct slice rest = slice_str(sql);
	struct buf text;
	const char *out;

	buf_init(&text, SCHEMA_TEXT_MAX);
	while (rest.n) {
		size_t eaten = 1;

		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (slice_starts(rest, words[i].word)) {
				buf_add_str(&text, words[i].spelled);
				eaten = words[i].word.n;
			}
		if (eaten == 1)
			buf_add_char(&text, rest.p[0]);
		rest = slice_from(rest, eaten);
	}
	out = take_text(&text, arena);
	buf_fini(&text);
	return slice_str(out);
}

/* --- units, run at once --- */

#define STATEMENTS_MAX 128

struct errand {
	struct db *db;
	struct arena *arena;
	struct statement statements[STATEMENTS_MAX];
	size_t count;
};

static struct statement *errand_add(struct errand *r, struct slice sql)
{
	struct statement *s = &r->statements[r->count < STATEMENTS_MAX ? r->count++ : STATEMENTS_MAX - 1];

	*s = (struct statement){.sql = sql, .rare = true};
	return s;
}

static enum err errand_run(struct errand *r, bool writes)
{
	struct unit unit = {.writes = writes, .statements = r->statements, .count = r->count, .arena = r->arena};

	if (arena_failed(r->arena) || r->count == STATEMENTS_MAX)
		return ERR_NO_MEMORY;
	r->db->driver->run(r->db, &unit);
	return unit.result;
}

static struct value text_of(struct slice s)
{
	return (struct value){.type = VALUE_TEXT, .text = s};
}

static void add_meta(struct errand *r, const char *name, struct slice value)
{
	struct statement *s = errand_add(r, SLICE("INSERT INTO meta (name, value) VALUES ($1, $2)"
						  " ON CONFLICT (name) DO UPDATE SET value = excluded.value"));
	struct value *params = arena_array(r->arena, 2, sizeof(*params));

	if (params == NULL)
		return;
	params[0] = text_of(slice_str(name));
	params[1] = text_of(value);
	s->params = params;
	s->param_count = 2;
}

static void add_version(struct errand *r, int version)
{
	add_meta(r, "schema", arena_format(r->arena, "%d", version));
}

/* --- what is there --- */

struct state {
	uint64_t version;   /* 0: a fresh store */
	struct slice check; /* hex of the sealed word */
};

static enum err read_state(struct errand *r, struct state *out)
{
	enum err e;

	*out = (struct state){0};
	r->count = 0;
	errand_add(r, spell_types("CREATE TABLE IF NOT EXISTS meta (name {text} NOT NULL, value {text} NOT NULL, PRIMARY KEY (name))",
				  r->db->driver, r->arena));
	if ((e = errand_run(r, true)) != OK)
		return e;
	r->count = 0;
	errand_add(r, SLICE("SELECT name, value FROM meta"));
	if ((e = errand_run(r, false)) != OK)
		return e;
	for (const struct row *row = r->statements[0].rows; row; row = row->next) {
		if (slice_eq(row->cells[0].text, SLICE("schema")) && !slice_to_u64(row->cells[1].text, &out->version))
			return ERR_CORRUPT;
		if (slice_eq(row->cells[0].text, SLICE("check")))
			out->check = row->cells[1].text;
	}
	return OK;
}

static enum err create_all(struct errand *r, const struct schema *schema, const struct seal *seal, const struct table *tables, size_t count)
{
	struct slice check = hex_lower(r->arena, seal_close(seal, r->arena, SLICE(CHECK_PLACE), SLICE(CHECK_WORD)));

	r->count = 0;
	for (size_t i = 0; i < count; i++) {
		const char *const *sql = schema_create(&tables[i], r->db->driver, r->arena);

		if (sql == NULL)
			return ERR_NO_MEMORY;
		for (; *sql; sql++)
			errand_add(r, slice_str(*sql));
	}
	add_version(r, schema->version);
	add_meta(r, "check", check);
	return errand_run(r, true);
}

static enum err migrate(struct errand *r, const struct schema *schema, uint64_t from)
{
	enum err e = OK;

	for (size_t i = 0; i < schema->count && e == OK; i++) {
		const struct migration *step = &schema->steps[i];

		if ((uint64_t)step->version <= from)
			continue;
		r->count = 0;
		for (const char *const *sql = step->sql; *sql; sql++)
			errand_add(r, spell_types(*sql, r->db->driver, r->arena));
		add_version(r, step->version);
		e = errand_run(r, true);
	}
	return e;
}

static bool key_fits(const struct seal *seal, struct arena *arena, struct slice check)
{
	struct slice word;

	return seal_reveal(seal, arena, SLICE(CHECK_PLACE), hex_decode(arena, check), &word) == OK && slice_eq(word, SLICE(CHECK_WORD));
}

static enum err judge(struct errand *r, const struct state *state, const struct schema *schema, const struct seal *seal,
		      struct arena *arena, const char **why)
{
	if (state->version > (uint64_t)schema->version) {
		*why = arena_printf(arena, "the store was written by a newer Berth (its tables are version %llu, this one knows %d)",
				    (unsigned long long)state->version, schema->version);
		return ERR_UNSUPPORTED;
	}
	if (!key_fits(seal, r->arena, state->check)) {
		*why = "the master key is not the one that the store was written with";
		return ERR_CORRUPT;
	}
	return OK;
}

#define ERRAND_MEMORY (1 << 20)

enum err schema_ready(struct db *db, const struct schema *schema, const struct seal *seal, const struct table *tables, size_t count,
		      struct arena *arena, const char **why)
{
	struct errand *r = calloc(1, sizeof(*r));
	struct state state;
	enum err e = ERR_NO_MEMORY;

	*why = NULL;
	if (r == NULL || (r->arena = arena_new(ERRAND_MEMORY)) == NULL)
		goto done;
	r->db = db;
	if ((e = read_state(r, &state)) != OK)
		goto done;
	if (state.version == 0)
		e = create_all(r, schema, seal, tables, count);
	else if ((e = judge(r, &state, schema, seal, arena, why)) == OK)
		e = migrate(r, schema, state.version);
done:
	if (e != OK && *why == NULL)
		*why = arena_printf(arena, "the tables of the store cannot be made ready: %s", err_text(e));
	if (r)
		arena_free(&r->arena);
	free(r);
	return e;
}
