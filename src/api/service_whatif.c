/*
 * service_whatif.c: which of the registered devices would move at their next registration, if the service were as it might be. Ours.
 *
 * The devices are read page by page and judged in turns, so others on the loop get theirs; the answer goes out line by line (JSON
 * lines), as fast as the asker takes it, and ends with a summary. An answer without one was cut off.
 */
#include "api/roster.h"
#include "api/service.h"
#include "api/whatif.h"

#define IN_A_TURN   500       /* devices ... */
#define TURN_MS     2         /* ... unless that takes longer; then others get their turn */
#define TURN_MEMORY (4 << 20) /* likewise */
#define PIECE       16384     /* bytes of lines that go out together */
#define LINES_MAX   (4 << 20) /* a summary with all its hubs and moves fits */
#define PROGRESS_MS 500
#define AT_ONCE     2 /* of one loop: each holds some pages, and costs the others time */

struct whatif {
	struct api_call *call;
	struct task turn;
	struct linked_hub like;
	struct store_want hubs;
	struct placing then;
	struct whatif_tally tally;
	struct roster *roster;
	struct buf lines; /* that have not gone out yet */
	bool list;        /* each device that would move is named */
	bool full;        /* the asker takes no more for now */
	bool over;        /* the last line is written */
	int64_t progress_ms;
};

/* --- lines --- */

/* What was written goes out. False: the asker is slow, and there will be a call of `room`. */
static bool send_lines(struct whatif *w)
{
	while (w->lines.n > 0 && !w->full) {
		struct slice piece = slice_to(buf_slice(&w->lines), PIECE);

		w->full = !api_answer_part(w->call, NULL, piece);
		if (!w->full)
			buf_eat(&w->lines, piece.n);
	}
	return !w->full;
}

static void begin_line(struct whatif *w, struct json_out *out)
{
	json_out_init(out, &w->lines);
	json_open(out, NULL, '{');
}

static void end_line(struct whatif *w, struct json_out *out)
{
	json_close(out, '}');
	buf_add_char(&w->lines, '\n');
}

static void write_progress(struct whatif *w)
{
	struct json_out out;

	w->progress_ms = loop_now_ms(w->call->conf->loop);
	begin_line(w, &out);
	json_open(&out, "progress", '{');
	json_int(&out, "done", w->tally.devices);
	json_close(&out, '}');
	end_line(w, &out);
}

static void write_device(struct whatif *w, struct slice id, const struct foretold *f)
{
	struct json_out out;

	begin_line(w, &out);
	json_text(&out, "registrationId", id);
	json_text(&out, "from", f->from);
	json_text(&out, "to", f->to);
	end_line(w, &out);
}

static void write_summary(struct whatif *w)
{
	struct json_out out;

	begin_line(w, &out);
	whatif_tally_write(&w->tally, &out, "summary");
	end_line(w, &out);
	w->over = true;
}

/* In place of the summary. */
static void write_error(struct whatif *w, enum err e)
{
	struct json_out out;

	log_error(&w->call->log, "what-if-failed", "error", err_text(e), NULL);
	begin_line(w, &out);
	json_open(&out, "error", '{');
	json_int(&out, "errorCode", e == ERR_THROTTLED ? 429000 : 500001);
	json_str(&out, "message",
		 arena_printf(w->call->arena, "The devices could not all be looked at: %s. Nothing is known of those that are left.",
			      err_text(e)));
	json_close(&out, '}');
	end_line(w, &out);
	w->over = true;
}

/* --- turns --- */

static enum err judge(struct whatif *w, const struct enrolled *device, struct arena *arena)
{
	struct foretold f;
	enum err e = foretell(&w->then, device->record, device->enrollment, arena, &f);

	if (e == OK && w->list && f.fate == FATE_MOVES)
		write_device(w, device->record->name, &f);
	return e == OK ? whatif_tally_add(&w->tally, &f) : e;
}

/* Until there is nothing more for now: PAGES_RECORD says that others come first. */
static enum pages_look judge_some(struct whatif *w, struct arena *arena, enum err *e)
{
	int64_t until = clock_mono_ms() + TURN_MS;
	enum pages_look look = PAGES_RECORD;
	struct enrolled device;

	for (int i = 0; i < IN_A_TURN && w->lines.n < PIECE && arena_used(arena) < TURN_MEMORY / 2 && clock_mono_ms() <= until; i++) {
		if ((look = roster_look(w->roster, &device)) != PAGES_RECORD)
			break;
		if ((*e = judge(w, &device, arena)) != OK)
			return PAGES_FAILED;
		roster_next(w->roster);
	}
	if (look == PAGES_FAILED)
		*e = roster_error(w->roster);
	return look;
}

static void go_on(struct whatif *w)
{
	if (!w->turn.queued && !w->full)
		loop_post(w->call->conf->loop, &w->turn);
}

static void judge_turn(struct whatif *w)
{
	struct arena *arena = arena_new(TURN_MEMORY);
	enum pages_look look = PAGES_FAILED;
	enum err e = ERR_NO_MEMORY;

	if (arena)
		look = judge_some(w, arena, &e);
	arena_free(&arena);
	if (look == PAGES_END)
		write_summary(w);
	else if (look == PAGES_FAILED)
		write_error(w, e);
	else if (loop_now_ms(w->call->conf->loop) - w->progress_ms >= PROGRESS_MS)
		write_progress(w);
	if (look != PAGES_WAIT)
		go_on(w);
}

static void take_turn(struct task *task)
{
	struct whatif *w = LIST_ITEM(task, struct whatif, turn);

	if (!send_lines(w))
		return;
	if (w->over)
		api_answer_empty(w->call, 200);
	else
		judge_turn(w);
}

static void more_is_here(void *cookie)
{
	go_on(cookie);
}

static void room(struct api_call *call)
{
	struct whatif *w = call->state;

	if (!w->full)
		return;
	w->full = false;
	go_on(w);
}

/* --- the beginning --- */

static void end(struct api_call *call)
{
	struct whatif *w = call->state;

	loop_unpost(call->conf->loop, &w->turn);
	roster_close(&w->roster);
	buf_fini(&w->lines);
}

static bool open_roster(struct whatif *w)
{
	struct api_call *call = w->call;

	w->roster = roster_open(&(struct roster_conf){.store = call->conf->store,
						      .loop = call->conf->loop,
						      .scope = call->service->scope,
						      .record_columns = foretell_record_columns,
						      .enrollment_columns = foretell_enrollment_columns,
						      .more_is_here = more_is_here,
						      .cookie = w});
	return w->roster != NULL;
}

static void begin(struct api_call *call)
{
	const struct api_answer head = {
		.status = 200, .content_type = "application/x-ndjson", .headers = {{"Cache-Control", SLICE("no-store")}}};
	struct whatif *w = call->state;

	whatif_tally_init(&w->tally, w->hubs.records, w->hubs.count, &w->then, call->arena);
	w->then.geo = call->conf->geo;
	w->then.round_trips_us = provision_round_trips(call->conf->provision, w->then.hubs, w->then.hub_count, call->arena);
	if (!open_roster(w)) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return;
	}
	write_progress(w);
	if (!api_answer_part(call, &head, buf_slice(&w->lines))) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return;
	}
	buf_clear(&w->lines);
	call->room = room;
	go_on(w);
}

static void hubs_read(struct api_call *call, enum err e)
{
	struct whatif *w = call->state;
	const struct whatif_service now = {call->service->allocation_policy, slice_str(call->conf->domain), w->hubs.records, w->hubs.count};
	const char *why = NULL;
	json_t *body = NULL;

	if (e != OK) {
		api_refuse_store(call, e);
		return;
	}
	/* It was looked at before. */
	if (json_read(call->q->body, call->arena, &body, NULL) == OK)
		why = whatif_change(&now, body, call->arena, &w->then);
	w->list = json_is_true(json_get_fold(body, "list"));
	json_decref(body);
	if (why)
		api_refuse(call, 400, 400004, NULL, "%s", why);
	else
		begin(call);
}

static bool is_question(struct api_call *call)
{
	const json_t *list;
	json_t *body = NULL;
	bool good = json_read(call->q->body, call->arena, &body, NULL) == OK && json_is_object(body);

	list = good ? json_get_fold(body, "list") : NULL;
	good = good && (list == NULL || json_is_null(list) || json_is_boolean(list));
	json_decref(body);
	return good;
}

static void ask_hubs(struct api_call *call)
{
	struct whatif *w = arena_alloc(call->arena, sizeof(*w));

	if (w == NULL) {
		api_refuse_store(call, ERR_NO_MEMORY);
		return;
	}
	w->call = call;
	w->turn.run = take_turn;
	buf_init(&w->lines, LINES_MAX);
	noun_clear(&noun_linked_hub, &w->like);
	w->like.scope = call->service->scope;
	w->hubs = (struct store_want){.noun = &noun_linked_hub, .like = &w->like, .keys = 1, .limit = LINKED_HUBS_MAX};
	call->state = w;
	call->end = end;
	api_read(call, &w->hubs, 1, hubs_read);
}

void service_whatif(struct api_call *call)
{
	if (call->q->part == NULL) {
		api_refuse(call, 406, 406001, NULL, "The answer to a what-if comes in pieces, over HTTP/1.1 only.");
	} else if (!is_question(call)) {
		api_refuse(call, 400, 400004, NULL,
			   "A what-if is a JSON object: allocationPolicy, iotHubs (add, remove, weights) and list (true or false), all of "
			   "them "
			   "optional.");
	} else if (api_count_begun(call, end) >= AT_ONCE) {
		api_add_header(call, "Retry-After", SLICE("10"));
		api_refuse(call, 429, 429000, NULL, "%d what-ifs are being answered already; try again when one is done.", AT_ONCE);
	} else {
		ask_hubs(call);
	}
}
