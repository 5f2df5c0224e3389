/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtdiag selinux trace: what libvirt labelled, by its own log, beside what the XML needs and what is there now. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemons.h"
#include "file-check.h"
#include "lines.h"
#include "logs-records.h"
#include "relabel.h"
#include "report.h"
#include "selinux.h"
#include "svirt.h"

/* A message with a path in it is far shorter. */
#define MAX_LINE  65536u
/* That one log passes on to the next: more guests are not started in it. */
#define MAX_PAIRS 4096u

enum {
	COL_TIME,
	COL_GUEST,
	COL_ACTION,
	COL_STATUS,
	COL_TARGET,
	COL_LABEL,
	COL_NEEDED,
	COL_NOW,
	COL_ROLE,
	COL_THREAD,
	COL_LINE,
	COL_FILE,
	COL_PATH,
	COL_REASON,
};

static const struct vd_col trace_cols[] = {
	[COL_TIME] = { "TIME", VD_COL_TIME, 0, "when the log says so" },
	[COL_GUEST] = { "GUEST", VD_COL_STR, 0,
	                "for which guest: by XML, categories, or the thread that wrote the line" },
	[COL_ACTION] = { "ACTION", VD_COL_STR, 0,
	                 "set, set fd, restore, failed, unsupported, in use, drawn, socket, none" },
	[COL_STATUS] = { "STATUS", VD_COL_STR, 0,
	                 "of the last that happened to a path: ok, differs, failed; missing: nothing happened to it" },
	[COL_TARGET] = { "TARGET", VD_COL_STR, 0, "the device of the XML that uses the path" },
	[COL_LABEL] = { "LABEL", VD_COL_STR, 0, "the label that was set" },
	[COL_NEEDED] = { "NEEDED", VD_COL_STR, 0, "the label that the XML needs, where that is another one" },
	[COL_NOW] = { "NOW", VD_COL_STR, 0, "the label of the path now" },
	[COL_ROLE] = { "ROLE", VD_COL_STR, VD_COL_HIDDEN, "what the path is to its guest" },
	[COL_THREAD] = { "THREAD", VD_COL_NUM, VD_COL_HIDDEN, "that wrote the line" },
	[COL_LINE] = { "LINE", VD_COL_NUM, VD_COL_HIDDEN, "number of the line in the log" },
	[COL_FILE] = { "FILE", VD_COL_STR, VD_COL_HIDDEN, "the log" },
	[COL_PATH] = { "PATH", VD_COL_STR, 0, "what was labelled" },
	[COL_REASON] = { "REASON", VD_COL_STR, VD_COL_JSON_ONLY, "why it failed" },
};

/* A file that the XML of a guest names. Borrowed but for seen. */
struct needed {
	const char *path;
	size_t guest; /* index into run->guests */
	const struct vd_expect *expect;
	bool seen; /* the log tells of it */
};

struct trace_run {
	struct vd_ctx *ctx;
	struct vd_report *report;
	struct vd_table *table;
	struct vd_svirt_settings settings;
	struct vd_guests guests;
	struct vd_expects *expects; /* one for each guest */
	struct needed *needed;      /* by path */
	size_t n_needed;
	bool *started; /* the log holds a start of the guest */
	bool *logged;  /* it names paths that were labelled for the guest */
	/* Labels with categories that an earlier log gave to guests, and the guests' names. */
	struct vd_strv pair_labels, pair_guests;
	bool told; /* a sentence stands below the table */
};

/* --- what the XML needs ------------------------------------------------------------------------------------------- */

static int by_path(const void *a, const void *b)
{
	const struct needed *x = a, *y = b;
	int r = strcmp(x->path, y->path);

	return r ? r : (x->guest > y->guest) - (x->guest < y->guest);
}

static void load_needed(struct trace_run *run)
{
	size_t cap = 0;

	run->expects = calloc(run->guests.len + 1, sizeof(*run->expects));
	run->started = calloc(run->guests.len + 1, sizeof(*run->started));
	run->logged = calloc(run->guests.len + 1, sizeof(*run->logged));
	vd_need_memory(run->expects && run->started && run->logged);
	for (size_t g = 0; g < run->guests.len; g++) {
		vd_need_memory(vd_svirt_expect(run->ctx->root, vd_guest_domain(&run->guests.items[g]), &run->settings,
		                               NULL, &run->expects[g], NULL) == 0);
		cap += run->expects[g].len;
	}
	run->needed = calloc(cap + 1, sizeof(*run->needed));
	vd_need_memory(run->needed != NULL);
	for (size_t g = 0; g < run->guests.len; g++)
		for (size_t i = 0; i < run->expects[g].len; i++) {
			const struct vd_expect *e = &run->expects[g].items[i];

			if (e->path && !e->network)
				run->needed[run->n_needed++] = (struct needed){ e->path, g, e, false };
		}
	if (run->n_needed)
		qsort(run->needed, run->n_needed, sizeof(*run->needed), by_path);
}

/* The first of those that need @path, and how many they are. */
static struct needed *find_needed(struct trace_run *run, const char *path, size_t *ret_count)
{
	size_t low = 0, high = run->n_needed, n = 0;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(run->needed[mid].path, path) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	while (low + n < run->n_needed && !strcmp(run->needed[low + n].path, path))
		n++;
	*ret_count = n;
	return n ? &run->needed[low] : NULL;
}

static const char *name_of(const struct trace_run *run, size_t guest)
{
	return vd_guest_name(&run->guests.items[guest]);
}

/* Who of those that need the path is meant: the guest that the log names, or the only one. */
static struct needed *choose_needed(struct trace_run *run, const struct vd_relabel_event *e)
{
	size_t n = 0;
	struct needed *list = e->path ? find_needed(run, e->path, &n) : NULL;

	for (size_t i = 0; i < n; i++)
		if (e->guest ? !strcmp(name_of(run, list[i].guest), e->guest) : list[0].guest == list[n - 1].guest)
			return &list[i];
	return NULL;
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static bool gives_label(const struct vd_relabel_event *e)
{
	return e->kind == VD_RELABEL_SET || e->kind == VD_RELABEL_FAILED || e->kind == VD_RELABEL_UNSUPPORTED ||
	       e->kind == VD_RELABEL_IN_USE;
}

static bool is_what_is_needed(const struct vd_expect *need, const char *label)
{
	enum vd_label_match match = vd_label_compare(need->running, label);

	/* Categories that are drawn at the next start say nothing of the last one. */
	if (need->categories == VD_CATEGORIES_AT_START)
		return match != VD_LABEL_TYPE && match != VD_LABEL_MALFORMED;
	return match == VD_LABEL_SAME;
}

/* Of the last message about the path. */
static void judge(struct trace_run *run, struct vd_row *row, const struct vd_relabel_event *e, struct needed *need)
{
	const char *status = NULL;

	switch (e->kind) {
	case VD_RELABEL_FAILED:
	case VD_RELABEL_IN_USE:
		status = "failed";
		vd_row_hue(row, COL_STATUS, VD_HUE_BAD);
		vd_report_problem(run->report);
		break;
	case VD_RELABEL_SET:
		if (!need || !need->expect->running)
			break;
		status = is_what_is_needed(need->expect, e->label) ? "ok" : "differs";
		if (*status == 'o')
			break;
		vd_row_hue(row, COL_STATUS, VD_HUE_WARN);
		vd_row_str(row, COL_NEEDED, need->expect->running);
		vd_row_text(row, COL_NEEDED, vd_short_context(run->report, need->expect->running));
		vd_report_warning(run->report);
		break;
	default:
		break;
	}
	vd_row_str(row, COL_STATUS, status);
}

static void show_now(struct trace_run *run, struct vd_row *row, const char *path, const char *label)
{
	VD_AUTO_FREE char *now = NULL;

	if (!path || *path != '/' || vd_root_label(run->ctx->root, path, &now, NULL) < 0)
		return;
	vd_row_str(row, COL_NOW, now);
	vd_row_text(row, COL_NOW,
	            label && vd_label_compare(label, now) == VD_LABEL_SAME ? "same"
	                                                                   : vd_short_context(run->report, now));
}

static void add_event(struct trace_run *run, const struct vd_relabel_event *e, const char *file, bool is_last)
{
	struct vd_row *row = vd_table_row(run->table, NULL);
	struct needed *need = choose_needed(run, e);
	char fd[32];

	if (e->time != VD_NO_TIME)
		vd_row_num(row, COL_TIME, e->time / 1000000);
	vd_row_str(row, COL_GUEST, e->guest);
	vd_row_str(row, COL_ACTION, vd_relabel_kind_name(e->kind));
	if (need) {
		vd_row_str(row, COL_TARGET, need->expect->target);
		vd_row_str(row, COL_ROLE, vd_role_name(need->expect->role));
	}
	vd_row_str(row, COL_LABEL, e->label);
	if (e->label)
		vd_row_text(row, COL_LABEL, vd_short_context(run->report, e->label));
	if (e->thread)
		vd_row_num(row, COL_THREAD, e->thread);
	vd_row_num(row, COL_LINE, (int64_t)e->number);
	vd_row_str(row, COL_FILE, file);
	vd_row_str(row, COL_REASON, e->reason);
	vd_row_str(row, COL_PATH, e->path);
	if (e->fd >= 0) {
		snprintf(fd, sizeof(fd), "(fd %d)", e->fd);
		vd_row_text(row, COL_PATH, fd);
	}
	if (need && gives_label(e)) {
		need->seen = true;
		run->logged[need->guest] = true;
	}
	if (is_last) {
		judge(run, row, e, need);
		show_now(run, row, e->path, e->label);
	}
}

/* An empty line stands between the table and the first sentence. */
static void before_sentence(struct trace_run *run)
{
	if (!run->told)
		vd_report_line(run->report, "%s", "");
	run->told = true;
}

static void explain(struct trace_run *run, const struct vd_relabel_event *e)
{
	if (e->kind == VD_RELABEL_FAILED || e->kind == VD_RELABEL_IN_USE)
		before_sentence(run);
	if (e->kind == VD_RELABEL_FAILED)
		vd_report_mark(run->report, VD_HUE_BAD, "failed: %s could not get %s%s%s",
		               e->path ? vd_esc(run->report, e->path) : "an open file",
		               e->label ? vd_short_context(run->report, e->label) : "its label", e->reason ? ": " : "",
		               e->reason ? vd_esc(run->report, e->reason) : "");
	else if (e->kind == VD_RELABEL_IN_USE)
		vd_report_mark(run->report, VD_HUE_BAD,
		               "failed: %s is in use by another guest with another label, or its remembered label is "
		               "left over: virtdiag selinux check tells which",
		               vd_esc(run->report, e->path));
}

/* The number of the last message about each path: of a log that grows over days only the end is about what is now. */
static bool is_last_of_path(const struct vd_trace *trace, size_t at, size_t *by_path_next)
{
	return by_path_next[at] == trace->len;
}

struct path_at {
	const char *path;
	size_t at;
};

static int by_path_and_place(const void *a, const void *b)
{
	const struct path_at *x = a, *y = b;
	int r = strcmp(x->path, y->path);

	return r ? r : (x->at > y->at) - (x->at < y->at);
}

/* For each event the next one about the same path, trace->len when there is none. */
static size_t *link_paths(const struct vd_trace *trace)
{
	struct path_at *list = calloc(trace->len + 1, sizeof(*list));
	size_t *next = calloc(trace->len + 1, sizeof(*next));

	vd_need_memory(list && next);
	for (size_t i = 0; i < trace->len; i++)
		list[i] = (struct path_at){ trace->events[i].path ? trace->events[i].path : "", i };
	qsort(list, trace->len, sizeof(*list), by_path_and_place);
	for (size_t i = 0; i < trace->len; i++)
		next[list[i].at] =
		        i + 1 < trace->len && !strcmp(list[i].path, list[i + 1].path) ? list[i + 1].at : trace->len;
	free(list);
	return next;
}

/* --- a log -------------------------------------------------------------------------------------------------------- */

static void note_start(struct trace_run *run, const struct vd_relabel_event *e)
{
	bool starts = e->kind == VD_RELABEL_DRAWN || e->kind == VD_RELABEL_SOCKET;

	for (size_t g = 0; starts && e->guest && e->number && g < run->guests.len; g++)
		if (!strcmp(name_of(run, g), e->guest))
			run->started[g] = true;
}

static void show_log(struct trace_run *run, const struct vd_trace *trace, const char *file)
{
	size_t *next = link_paths(trace);

	for (size_t i = 0; i < trace->len; i++) {
		const struct vd_relabel_event *e = &trace->events[i];

		note_start(run, e);
		if (e->number)
			add_event(run, e, file, e->path && is_last_of_path(trace, i, next));
	}
	for (size_t i = 0; i < trace->len; i++)
		if (trace->events[i].path && is_last_of_path(trace, i, next))
			explain(run, &trace->events[i]);
	if (trace->dropped)
		vd_report_missing(run->report, file, "it tells of more labels than are kept: the first are left out",
		                  false);
	free(next);
}

/* Labels of guests that run tell whose categories are whose, also where the log begins later. */
static void know_guests(struct trace_run *run, struct vd_trace *trace)
{
	for (size_t g = 0; g < run->guests.len; g++) {
		const struct vd_domain *domain = run->guests.items[g].status;
		const struct vd_seclabel *label = domain ? vd_domain_seclabel(domain, "selinux") : NULL;

		if (label && label->imagelabel)
			vd_need_memory(vd_trace_know(trace, label->imagelabel, name_of(run, g)) == 0);
	}
}

static void know_pairs(struct trace_run *run, struct vd_trace *trace)
{
	for (size_t i = 0; i < run->pair_labels.len; i++)
		vd_need_memory(vd_trace_know(trace, run->pair_labels.items[i], run->pair_guests.items[i]) == 0);
}

static void keep_pairs(struct trace_run *run, const struct vd_trace *trace)
{
	for (size_t i = 0; i < trace->len && run->pair_labels.len < MAX_PAIRS; i++) {
		const struct vd_relabel_event *e = &trace->events[i];

		if (e->kind == VD_RELABEL_DRAWN && e->guest && e->label && e->number)
			vd_need_memory(vd_strv_add(&run->pair_labels, e->label) == 0 &&
			               vd_strv_add(&run->pair_guests, e->guest) == 0);
	}
}

/* A path that one guest alone uses is labelled for that guest. */
static void know_paths(struct trace_run *run, struct vd_trace *trace)
{
	for (size_t i = 0; i < trace->len; i++) {
		struct vd_relabel_event *e = &trace->events[i];
		const struct needed *need = e->guest ? NULL : choose_needed(run, e);

		if (!need)
			continue;
		e->guest = strdup(name_of(run, need->guest));
		vd_need_memory(e->guest != NULL);
	}
}

/* Whose each of its lines is, and what they tell. */
static void finish_log(struct trace_run *run, struct vd_trace *trace, const char *file)
{
	know_guests(run, trace);
	know_pairs(run, trace);
	know_paths(run, trace);
	vd_need_memory(vd_trace_finish(trace) == 0);
	keep_pairs(run, trace);
	show_log(run, trace, file);
}

static enum vd_exit read_log(struct trace_run *run, int fd, const char *file)
{
	VD_AUTO_LINES lines = VD_LINES_INIT;
	VD_AUTO_TRACE trace = { 0 };
	VD_AUTO_ERR err = VD_ERR_INIT;
	struct vd_line line;
	int r;

	trace.clock.reference = time(NULL);
	vd_need_memory(vd_lines_init(&lines, fd, 0, MAX_LINE) == 0);
	while ((r = vd_lines_next(&lines, &line)) == 0)
		if (line.first)
			vd_need_memory(vd_trace_line(&trace, line.text, line.len) == 0);
	if (r < 0) {
		vd_err_set(&err, -r, "cannot read %s: %s", file, strerror(-r));
		return vd_fail(run->ctx, &err);
	}
	finish_log(run, &trace, file);
	return VD_EXIT_OK;
}

/* All logs of @input; those that nobody could open are told of before. */
static enum vd_exit read_input(struct trace_run *run, struct vd_records_input *input)
{
	struct vd_records_line line;
	struct vd_trace *traces = calloc(input->records.len, sizeof(*traces));

	vd_need_memory(traces != NULL);
	for (size_t i = 0; i < input->records.len; i++)
		traces[i].clock.reference = time(NULL);
	while (vd_input_next(run->ctx, input, &line))
		if (line.line.first)
			vd_need_memory(vd_trace_line(&traces[line.number], line.line.text, line.line.len) == 0);
	for (size_t i = 0; i < input->records.len; i++) {
		finish_log(run, &traces[i], input->records.items[i]->name);
		vd_trace_release(&traces[i]);
	}
	free(traces);
	return input->failed ? VD_EXIT_UNKNOWN : VD_EXIT_OK;
}

/* A file of the journal is no text. */
static enum vd_exit read_journal_file(struct trace_run *run, char *path)
{
	struct vd_records_input input;
	enum vd_exit status = VD_EXIT_UNKNOWN;

	if (vd_input_open(run->ctx, 1, &path, INT64_MIN, &input))
		status = read_input(run, &input);
	vd_input_release(&input);
	return status;
}

static enum vd_exit read_given(struct trace_run *run, char *path)
{
	VD_AUTO_CLOSE int fd = -1;
	VD_AUTO_ERR err = VD_ERR_INIT;

	if (vd_open_given(path, &fd, &err) < 0)
		return vd_fail(run->ctx, &err);
	if (vd_journal_is_file(fd))
		return read_journal_file(run, path);
	return read_log(run, fd, strcmp(path, "-") ? path : "standard input");
}

/*
 * The logs of the daemons of this host, as `logs daemon` finds them, and the journal in any case: what is labelled in a
 * process of its own goes to the daemon's standard error, whatever its outputs are.
 */
static bool open_defaults(struct trace_run *run, struct vd_records_input *input)
{
	bool journal = false;
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r;

	(void)vd_input_open(run->ctx, 0, NULL, INT64_MIN, input);
	for (size_t i = 0; i < input->records.len; i++)
		journal |= input->records.items[i]->journal != NULL;
	if (!journal && input->records.len) {
		r = vd_records_add_journal(&input->records, run->ctx->root, INT64_MIN, &err);
		if (r < 0 && r != -ENOENT && r != -EOPNOTSUPP)
			vd_report_missing(run->report, "journal", vd_err_text(&err), true);
	}
	if (input->records.len)
		return true;
	vd_error(run->ctx, "give FILE, or - and its log on standard input (`journalctl -o short-iso -u libvirtd -u "
	                   "virtqemud`); `virtdiag filters suggest selinux` tells how to make it log labels");
	return false;
}

static enum vd_exit read_daemons(struct trace_run *run)
{
	struct vd_records_input input;
	enum vd_exit status = VD_EXIT_UNKNOWN;

	if (open_defaults(run, &input))
		status = read_input(run, &input);
	vd_input_release(&input);
	return status;
}

/* --- what is not there -------------------------------------------------------------------------------------------- */

static bool must_be_set(const struct trace_run *run, const struct needed *n)
{
	return run->started[n->guest] && n->expect->running && !n->seen && !n->expect->optional &&
	       !n->expect->daemon_creates;
}

/* The row of a file of which the log does not tell. */
static struct vd_row *add_needed(struct trace_run *run, const struct needed *n)
{
	struct vd_row *row = vd_table_row(run->table, NULL);

	vd_row_str(row, COL_GUEST, name_of(run, n->guest));
	vd_row_str(row, COL_ACTION, "none");
	vd_row_str(row, COL_TARGET, n->expect->target);
	vd_row_str(row, COL_ROLE, vd_role_name(n->expect->role));
	vd_row_str(row, COL_NEEDED, n->expect->running);
	vd_row_text(row, COL_NEEDED, vd_short_context(run->report, n->expect->running));
	vd_row_str(row, COL_PATH, n->path);
	show_now(run, row, n->path, n->expect->running);
	return row;
}

/*
 * Is everything there that a start must label? Only of guests whose start the log holds. A libvirt that gives guests a
 * private /dev, or remembers labels, sets them in a process of its own, whose messages go to the daemon's standard
 * error instead of its log, and only from log_level 2 down: then the log names no path at all.
 */
static void tell_missing(struct trace_run *run)
{
	unsigned n_whole = 0, n_silent = 0, n_missing = 0;

	for (size_t g = 0; g < run->guests.len; g++) {
		n_whole += run->started[g] && run->logged[g];
		n_silent += run->started[g] && !run->logged[g];
	}
	for (size_t i = 0; i < run->n_needed; i++) {
		const struct needed *n = &run->needed[i];
		struct vd_row *row;

		if (!must_be_set(run, n))
			continue;
		row = add_needed(run, n);
		if (!run->logged[n->guest])
			continue;
		n_missing++;
		vd_row_str(row, COL_STATUS, "missing");
		vd_row_hue(row, COL_STATUS, VD_HUE_BAD);
		vd_report_problem(run->report);
	}
	before_sentence(run);
	if (n_missing)
		vd_report_mark(run->report, VD_HUE_BAD,
		               "missing: %u file%s of the XML got no label in the log of the start: see the rows above",
		               n_missing, n_missing == 1 ? "" : "s");
	else if (n_whole)
		vd_report_line(run->report,
		               "everything expected is present: each file of the %u guest%s whose start is in the log "
		               "was labelled",
		               n_whole, n_whole == 1 ? "" : "s");
	if (n_silent) {
		vd_report_mark(
		        run->report, VD_HUE_WARN,
		        "unknown: the log holds the start of %u guest%s, but no path: this libvirt labels in a process "
		        "whose messages reach only the daemon's standard error (its journal), with log_level = 2 or "
		        "1; or ask virtdiag selinux check",
		        n_silent, n_silent == 1 ? "" : "s");
		vd_report_unknown(run->report);
	}
	if (!n_whole && !n_silent)
		vd_report_line(run->report, "%s",
		               "the log holds no start of a guest of this host: nothing can be missed");
}

static void run_release(struct trace_run *run)
{
	for (size_t g = 0; run->expects && g < run->guests.len; g++)
		vd_expects_release(&run->expects[g]);
	free(run->expects);
	free(run->needed);
	free(run->started);
	free(run->logged);
	vd_strv_release(&run->pair_labels);
	vd_strv_release(&run->pair_guests);
	vd_guests_release(&run->guests);
	vd_svirt_settings_release(&run->settings);
}

static enum vd_exit run_trace(struct vd_ctx *ctx, int argc, char **argv)
{
	struct trace_run run = { .ctx = ctx };
	VD_AUTO_ERR err = VD_ERR_INIT;
	enum vd_exit status = VD_EXIT_OK, finished;

	if (vd_svirt_settings_load(ctx->root, ctx->use_session, &run.settings, NULL, &err) < 0)
		return vd_fail(ctx, &err);
	if (!vd_ctx_guests(ctx, &run.guests)) {
		vd_svirt_settings_release(&run.settings);
		return VD_EXIT_UNKNOWN;
	}
	/* What was labelled in the past was so with SELinux on, whatever is on now. */
	load_needed(&run);
	run.report = vd_report_new(ctx);
	run.table = vd_report_table(run.report, "labels", NULL, 0);
	for (int i = 0; i < argc && status == VD_EXIT_OK; i++)
		status = read_given(&run, argv[i]);
	if (!argc)
		status = read_daemons(&run);
	if (status == VD_EXIT_OK)
		tell_missing(&run);
	else
		vd_report_unknown(run.report);
	for (size_t i = 0; i < run.guests.n_problems; i++)
		vd_report_missing(run.report, run.guests.problems[i].path, run.guests.problems[i].why, false);
	finished = vd_report_finish(run.report);
	run_release(&run);
	return status == VD_EXIT_OK ? finished : status;
}

static const struct vd_arg trace_args[] = {
	{ .name = "FILE",
	  .type = VD_OPT_PATH,
	  .optional = true,
	  .repeats = true,
	  .help = "a daemon's debug log, or a piece of one; - is standard input" },
	{ 0 },
};

static const char *const trace_examples[] = {
	"virtdiag selinux trace /var/log/libvirt/libvirtd.log",
	"what did libvirt label, and is all of it as the XML needs?",
	"virtdiag selinux trace libvirtd.log journal.txt",
	"the same of a log and the journal of that time, as somebody sent them",
	NULL,
};

const struct vd_cmd vd_selinux_trace = {
	.name = "trace",
	.summary = "follow the labels that libvirt set, through its debug log",
	.description =
	        "Finds in a debug log of libvirtd or virtqemud which paths libvirt labelled, with which label, when "
	        "and for which guest, and what it could not label. The last of each path is compared with what the "
	        "guest's XML needs and with the label now; for a guest whose start is in the log, each file that "
	        "got none is named. Reads pasted pieces of logs too. The log needs the filter 1:security.",
	.examples = trace_examples,
	.args = trace_args,
	.rows = "labels",
	.flags = VD_CMD_TABLE,
	.cols = trace_cols,
	.n_cols = VD_ARRAY_SIZE(trace_cols),
	.run = run_trace,
};
