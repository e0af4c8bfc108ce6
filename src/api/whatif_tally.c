/*
 * whatif_tally.c: what is foretold of many devices, added up.
 */
#include "api/whatif.h"

static size_t find_place(const struct whatif_tally *t, struct slice name)
{
	for (size_t i = 0; i < t->place_count; i++)
		if (slice_eq_fold(t->places[i].name, name))
			return i;
	return t->place_count;
}

/* Where there is no room for one more, the last place stands for all others. */
static size_t place_of(struct whatif_tally *t, struct slice name, bool lent)
{
	size_t at = find_place(t, name);

	if (at < t->place_count)
		return at;
	if (at == WHATIF_PLACES_MAX) {
		t->places[at].name = SLICE("other hubs");
		return at;
	}
	t->places[at].name = lent ? name : arena_copy(t->arena, name);
	t->place_count++;
	return at;
}

void whatif_tally_init(struct whatif_tally *t, const struct linked_hub *before, size_t before_count, const struct placing *after,
		       struct arena *arena)
{
	memset(t, 0, sizeof(*t));
	t->arena = arena;
	for (size_t i = 0; i < before_count; i++)
		place_of(t, before[i].name, true);
	for (size_t i = 0; i < after->hub_count; i++)
		place_of(t, after->hubs[i].name, true);
}

static void count_reason(struct whatif_tally *t, const char *sentence)
{
	size_t i = 0;

	while (i < t->reason_count && strcmp(t->reasons[i].sentence, sentence) != 0)
		i++;
	if (i == WHATIF_REASONS_MAX) {
		t->reasons[i].sentence = "Other reasons.";
	} else if (i == t->reason_count) {
		if ((t->reasons[i].sentence = arena_str(t->arena, slice_str(sentence))) == NULL)
			return;
		t->reason_count++;
	}
	t->reasons[i].devices++;
}

enum err whatif_tally_add(struct whatif_tally *t, const struct foretold *f)
{
	bool placed = f->from.n > 0;
	size_t from = placed ? place_of(t, f->from, false) : 0;

	t->devices++;
	t->stay += f->fate == FATE_STAYS;
	t->undecided += f->fate == FATE_UNDECIDED;
	t->refused += f->fate == FATE_REFUSED;
	if (placed) {
		t->places[from].now++;
		t->places[from].then += f->fate != FATE_MOVES;
	}
	if (f->fate == FATE_MOVES) {
		size_t to = place_of(t, f->to, true);

		t->move++;
		t->places[to].then++;
		t->moves[from][to]++;
	}
	if (f->fate == FATE_UNDECIDED || f->fate == FATE_REFUSED)
		count_reason(t, f->sentence);
	return arena_failed(t->arena) ? ERR_NO_MEMORY : OK;
}

/* --- the summary --- */

static void write_moves(const struct whatif_tally *t, struct json_out *out)
{
	json_open(out, "moves", '[');
	for (size_t from = 0; from <= t->place_count && from <= WHATIF_PLACES_MAX; from++)
		for (size_t to = 0; to <= t->place_count && to <= WHATIF_PLACES_MAX; to++) {
			if (t->moves[from][to] == 0)
				continue;
			json_open(out, NULL, '{');
			json_text(out, "from", t->places[from].name);
			json_text(out, "to", t->places[to].name);
			json_int(out, "devices", t->moves[from][to]);
			json_close(out, '}');
		}
	json_close(out, ']');
}

static void write_hubs(const struct whatif_tally *t, struct json_out *out)
{
	json_open(out, "hubs", '[');
	for (size_t i = 0; i <= WHATIF_PLACES_MAX && t->places[i].name.n > 0; i++) {
		json_open(out, NULL, '{');
		json_text(out, "name", t->places[i].name);
		json_int(out, "now", t->places[i].now);
		json_int(out, "then", t->places[i].then);
		json_close(out, '}');
	}
	json_close(out, ']');
}

static void write_reasons(const struct whatif_tally *t, struct json_out *out)
{
	json_open(out, "reasons", '[');
	for (size_t i = 0; i <= WHATIF_REASONS_MAX && t->reasons[i].devices > 0; i++) {
		json_open(out, NULL, '{');
		json_str(out, "sentence", t->reasons[i].sentence);
		json_int(out, "devices", t->reasons[i].devices);
		json_close(out, '}');
	}
	json_close(out, ']');
}

void whatif_tally_write(const struct whatif_tally *t, struct json_out *out, const char *name)
{
	json_open(out, name, '{');
	json_int(out, "devices", t->devices);
	json_int(out, "stay", t->stay);
	json_int(out, "move", t->move);
	json_int(out, "undecided", t->undecided);
	json_int(out, "refused", t->refused);
	write_hubs(t, out);
	write_moves(t, out);
	write_reasons(t, out);
	json_close(out, '}');
}
