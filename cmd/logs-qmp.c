/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtdiag logs qmp: the commands that libvirt gave to QEMU's monitors, with what came of them and how long it took. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "logs-records.h"
#include "logs-verbs.h"
#include "qmp.h"
#include "report.h"
#include "whose.h"

/* Commands that wait for a reply at the same time, of all guests; the oldest is given up beyond. */
#define MAX_WAITING 1024
/* What is kept of names and texts. */
#define MAX_TEXT    256

enum result {
	RESULT_OK,
	RESULT_ERROR,
	RESULT_NONE, /* no reply in the log */
	RESULT_EVENT,
};
static const char *const result_words[] = { "ok", "error", "no reply", "event" };
static const char *const sort_words[] = { "time", "latency", NULL };

struct entry {
	int64_t time, latency; /* microseconds; VD_NO_TIME, -1: unknown */
	uint64_t number;       /* in the order of the log */
	uint64_t monitor;
	size_t log;
	int guest;
	enum result result;
	bool out_of_order;        /* an older command of this monitor still waited */
	char *name, *id, *detail; /* owned */
};

struct session {
	struct vd_ctx *ctx;
	struct vd_select select;
	struct vd_whose *whose;
	bool by_guest, by_latency;
	const char *command;               /* glob; NULL */
	struct entry waiting[MAX_WAITING]; /* in the order they were given */
	size_t n_waiting;
	struct entry *kept; /* those to be shown: a heap whose first is the first to go */
	size_t n_kept, limit;
	uint64_t count, errors, unanswered, events;
};

static void entry_release(struct entry *entry)
{
	free(entry->name);
	free(entry->id);
	free(entry->detail);
}

static char *copy(const struct vd_slice *slice)
{
	size_t len = slice->len < MAX_TEXT ? slice->len : MAX_TEXT;

	return slice->s ? vd_report_need(strndup(slice->s, len)) : NULL;
}

/* --- which are kept --- */

/* Is @a less worth keeping than @b? */
static bool is_less(const struct session *session, const struct entry *a, const struct entry *b)
{
	if (session->by_latency && a->latency != b->latency)
		return a->latency < b->latency;
	return session->by_latency ? a->number > b->number : a->number < b->number;
}

static void sift_down(struct session *session, size_t at)
{
	struct entry *kept = session->kept;

	for (;;) {
		size_t least = at, left = 2 * at + 1;
		struct entry swap;

		for (size_t i = left; i < left + 2 && i < session->n_kept; i++)
			if (is_less(session, &kept[i], &kept[least]))
				least = i;
		if (least == at)
			return;
		swap = kept[at];
		kept[at] = kept[least];
		kept[least] = swap;
		at = least;
	}
}

static void sift_up(struct session *session, size_t at)
{
	struct entry *kept = session->kept;

	while (at && is_less(session, &kept[at], &kept[(at - 1) / 2])) {
		struct entry swap = kept[at];

		kept[at] = kept[(at - 1) / 2];
		kept[(at - 1) / 2] = swap;
		at = (at - 1) / 2;
	}
}

/* Take over @entry, which is complete. */
static void keep(struct session *session, struct entry *entry)
{
	if ((session->by_guest && !vd_whose_wanted(session->whose, entry->guest)) ||
	    (session->command && !vd_glob_matches(session->command, entry->name ? entry->name : "",
	                                          entry->name ? strlen(entry->name) : 0))) {
		entry_release(entry);
		return;
	}
	session->count += entry->result != RESULT_EVENT;
	session->events += entry->result == RESULT_EVENT;
	session->errors += entry->result == RESULT_ERROR;
	session->unanswered += entry->result == RESULT_NONE;
	if (session->by_latency && entry->result == RESULT_EVENT) {
		entry_release(entry);
		return;
	}
	if (session->limit && session->n_kept == session->limit) {
		if (is_less(session, entry, &session->kept[0])) {
			entry_release(entry);
			return;
		}
		entry_release(&session->kept[0]);
		session->kept[0] = *entry;
		sift_down(session, 0);
		return;
	}
	if ((session->n_kept & (session->n_kept - 1)) == 0)
		session->kept = vd_report_need(
		        realloc(session->kept, (session->n_kept ? session->n_kept * 2 : 1) * sizeof(*session->kept)));
	session->kept[session->n_kept++] = *entry;
	sift_up(session, session->n_kept - 1);
}

/* --- commands and replies --- */

static void answer(struct session *session, size_t at, const struct vd_qmp *reply, int64_t time)
{
	struct entry entry = session->waiting[at];

	memmove(&session->waiting[at], &session->waiting[at + 1],
	        (session->n_waiting - at - 1) * sizeof(*session->waiting));
	session->n_waiting--;
	entry.result = !reply ? RESULT_NONE : reply->is_error ? RESULT_ERROR : RESULT_OK;
	if (reply && time != VD_NO_TIME && entry.time != VD_NO_TIME)
		entry.latency = time - entry.time;
	if (reply && reply->is_error)
		entry.detail = copy(&reply->error);
	keep(session, &entry);
}

static void take_command(struct session *session, const struct vd_qmp *qmp, const struct entry *base)
{
	struct entry *entry;

	if (session->n_waiting == MAX_WAITING)
		answer(session, 0, NULL, VD_NO_TIME);
	entry = &session->waiting[session->n_waiting++];
	*entry = *base;
	entry->name = copy(&qmp->name);
	entry->id = copy(&qmp->id);
}

/* A reply is that of the command with its id; without one that of the oldest. */
static void take_reply(struct session *session, const struct vd_qmp *qmp, const struct entry *base)
{
	bool older = false;

	for (size_t i = 0; i < session->n_waiting; i++) {
		struct entry *entry = &session->waiting[i];

		if (entry->monitor != base->monitor || entry->log != base->log)
			continue;
		if (!qmp->id.len ||
		    (entry->id && strlen(entry->id) == qmp->id.len && memcmp(entry->id, qmp->id.s, qmp->id.len) == 0)) {
			entry->out_of_order = older;
			if (base->guest >= 0)
				entry->guest = base->guest;
			answer(session, i, qmp, base->time);
			return;
		}
		older = true;
	}
}

/* The monitor is closed, or its address belongs to another one now. */
static void take_close(struct session *session, const struct entry *base)
{
	for (size_t i = 0; i < session->n_waiting;) {
		if (session->waiting[i].monitor == base->monitor && session->waiting[i].log == base->log)
			answer(session, i, NULL, VD_NO_TIME);
		else
			i++;
	}
}

static void take_line(struct session *session, const struct vd_records_line *line)
{
	struct entry base = { .time = line->time, .latency = -1, .log = line->number };
	struct vd_qmp qmp;

	if (!line->record)
		return;
	base.guest = vd_whose_record(session->whose, line->number, line->record);
	if (!vd_qmp_parse(line->record, &qmp) ||
	    !vd_select_takes(&session->select, line->record, line->source, line->time))
		return;
	base.monitor = qmp.monitor;
	base.number = (uint64_t)line->line.offset;
	if (qmp.kind == VD_QMP_COMMAND) {
		take_command(session, &qmp, &base);
	} else if (qmp.kind == VD_QMP_REPLY) {
		take_reply(session, &qmp, &base);
	} else if (qmp.kind == VD_QMP_EVENT) {
		base.name = copy(&qmp.name);
		base.detail = copy(&qmp.arguments);
		base.result = RESULT_EVENT;
		keep(session, &base);
	} else {
		take_close(session, &base);
	}
}

/* --- the report --- */

enum {
	COL_TIME,
	COL_GUEST,
	COL_COMMAND,
	COL_LATENCY,
	COL_RESULT,
	COL_DETAIL,
	COL_ID,
	COL_MONITOR,
	COL_OUT_OF_ORDER,
};

static const struct vd_col qmp_cols[] = {
	[COL_TIME] = { "TIME", VD_COL_STR, 0, "when the command was given, or the event came" },
	[COL_GUEST] = { "GUEST", VD_COL_STR, 0, "name of the guest" },
	[COL_COMMAND] = { "COMMAND", VD_COL_STR, 0, "the command or event" },
	[COL_LATENCY] = { "LATENCY", VD_COL_CPU, 0, "time until the reply; JSON: seconds" },
	[COL_RESULT] = { "RESULT", VD_COL_STR, 0, "ok, error, no reply, event" },
	[COL_DETAIL] = { "DETAIL", VD_COL_STR, VD_COL_TRUNC, "text of the error, data of the event" },
	[COL_ID] = { "ID", VD_COL_STR, VD_COL_HIDDEN, "number that libvirt gave the command" },
	[COL_MONITOR] = { "MONITOR", VD_COL_STR, VD_COL_HIDDEN, "address of the monitor in the daemon" },
	[COL_OUT_OF_ORDER] = { "OUT_OF_ORDER", VD_COL_BOOL, VD_COL_HIDDEN, "an older command still waited" },
};

static void set_time(struct vd_row *row, int64_t time)
{
	time_t second = (time_t)(time / 1000000);
	char text[48];
	struct tm tm;

	if (time == VD_NO_TIME || !gmtime_r(&second, &tm))
		return;
	snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1,
	         tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(time % 1000000 / 1000));
	vd_row_str(row, COL_TIME, text);
	text[10] = ' ';
	vd_row_text(row, COL_TIME, text);
}

static void set_latency(struct vd_row *row, int64_t latency)
{
	char text[32];

	if (latency < 0)
		return;
	if (latency < 10000000)
		snprintf(text, sizeof(text), "%lld ms", (long long)latency / 1000);
	else
		snprintf(text, sizeof(text), "%.1f s", (double)latency / 1e6);
	vd_row_double(row, COL_LATENCY, (double)latency / 1e6);
	vd_row_text(row, COL_LATENCY, text);
	if (latency >= 1000000)
		vd_row_hue(row, COL_LATENCY, VD_HUE_WARN);
}

static void add_row(struct session *session, struct vd_table *table, const struct entry *entry)
{
	struct vd_row *row = vd_table_row(table, NULL);
	char monitor[32];

	snprintf(monitor, sizeof(monitor), "0x%llx", (unsigned long long)entry->monitor);
	set_time(row, entry->time);
	vd_row_str(row, COL_GUEST, vd_whose_name(session->whose, entry->guest));
	vd_row_str(row, COL_COMMAND, entry->name && entry->name[0] ? entry->name : NULL);
	set_latency(row, entry->latency);
	vd_row_str(row, COL_RESULT, result_words[entry->result]);
	if (entry->result == RESULT_ERROR)
		vd_row_hue(row, COL_RESULT, VD_HUE_BAD);
	else if (entry->result == RESULT_NONE)
		vd_row_hue(row, COL_RESULT, VD_HUE_WARN);
	vd_row_str(row, COL_DETAIL, entry->detail && entry->detail[0] ? entry->detail : NULL);
	vd_row_str(row, COL_ID, entry->id && entry->id[0] ? entry->id : NULL);
	vd_row_str(row, COL_MONITOR, monitor);
	vd_row_bool(row, COL_OUT_OF_ORDER, entry->out_of_order);
}

/* By time, of equal times in the order of the log; or the slowest first. */
static int compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

static int compare_latency(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->latency != y->latency ? (x->latency < y->latency ? 1 : -1) : compare(a, b);
}

static enum vd_exit report_all(struct session *session, bool failed)
{
	struct vd_report *report = vd_report_new(session->ctx);
	struct vd_table *table = vd_report_table(report, "commands", NULL, 0);

	if (session->n_kept)
		qsort(session->kept, session->n_kept, sizeof(*session->kept),
		      session->by_latency ? compare_latency : compare);
	for (size_t i = 0; i < session->n_kept; i++)
		add_row(session, table, &session->kept[i]);
	vd_report_extra(report, "count", vd_value_int((int64_t)session->count));
	vd_report_extra(report, "errors", vd_value_int((int64_t)session->errors));
	vd_report_extra(report, "no_reply", vd_value_int((int64_t)session->unanswered));
	vd_report_extra(report, "events", vd_value_int((int64_t)session->events));
	if (session->n_kept)
		vd_report_line(report, "%s", "");
	vd_report_line(report, "%llu commands: %llu errors, %llu without a reply in the log; %llu events.%s",
	               (unsigned long long)session->count, (unsigned long long)session->errors,
	               (unsigned long long)session->unanswered, (unsigned long long)session->events,
	               session->n_kept < session->count ? " Not all are shown: see --limit." : "");
	if (failed)
		vd_report_unknown(report);
	return vd_report_finish(report);
}

static void session_cleanup(struct session **pointer)
{
	struct session *session = *pointer;

	for (size_t i = 0; i < session->n_kept; i++)
		entry_release(&session->kept[i]);
	for (size_t i = 0; i < session->n_waiting; i++)
		entry_release(&session->waiting[i]);
	free(session->kept);
	vd_whose_free(session->whose);
	vd_select_release(&session->select);
	free(session);
}

static enum vd_exit run_qmp(struct vd_ctx *ctx, int argc, char **argv)
{
	VD_CLEANUP(session_cleanup) struct session *session = vd_report_need(calloc(1, sizeof(*session)));
	VD_CLEANUP(vd_input_release) struct vd_records_input input = { .records = VD_RECORDS_INIT };
	const char *guest = vd_opt_str(ctx, "guest", NULL);
	VD_AUTO_STRV names = VD_STRV_INIT;
	struct vd_records_line line;
	enum vd_exit status = vd_select_init(ctx, true, &session->select);

	if (status != VD_EXIT_OK)
		return status;
	session->ctx = ctx;
	session->whose = vd_report_need(vd_whose_new());
	session->by_guest = guest != NULL;
	if (guest)
		vd_want_guest(ctx, session->whose, guest, &names);
	session->by_latency = !strcmp(vd_opt_str(ctx, "sort", "time"), "latency");
	session->command = vd_opt_str(ctx, "command", NULL);
	session->limit = (size_t)vd_opt_num(ctx, "limit", 1000);
	if (!vd_input_open(ctx, argc, argv, session->select.since, &input))
		return VD_EXIT_UNKNOWN;
	input.records.want_time = true;
	while (vd_input_next(ctx, &input, &line))
		take_line(session, &line);
	while (session->n_waiting)
		answer(session, 0, NULL, VD_NO_TIME);
	return report_all(session, input.failed);
}

static const struct vd_opt qmp_opts[] = {
	VD_SELECT_TIME_OPTS,
	{ .name = "guest", .type = VD_OPT_GUEST, .arg = "GUEST", .help = "only the monitor of this guest" },
	{ .name = "command", .type = VD_OPT_STRING, .arg = "GLOB", .help = "only commands and events that match" },
	{ .name = "sort",
	  .type = VD_OPT_ENUM,
	  .arg = "BY",
	  .help = "time, or latency: the slowest first",
	  .words = sort_words },
	{ .name = "limit",
	  .type = VD_OPT_NUMBER,
	  .arg = "N",
	  .help = "show the last or slowest N (1000); 0 all",
	  .max = 1000000000 },
	{ 0 },
};

static const struct vd_arg qmp_args[] = {
	{ .name = "FILE",
	  .type = VD_OPT_PATH,
	  .optional = true,
	  .repeats = true,
	  .help = "a log, which may be compressed; - is standard input" },
	{ 0 },
};

static const char *const qmp_examples[] = {
	"virtdiag logs qmp --sort latency --limit 10 /var/log/libvirt/libvirtd.log",
	"the ten slowest commands",
	NULL,
};

const struct vd_cmd vd_cmd_logs_qmp = {
	.name = "qmp",
	.summary = "list what libvirt asked QEMU, with replies and latencies",
	.description =
	        "Lists the commands that libvirt gave to QEMU's monitors, the replies, how long they took, and the "
	        "events, "
	        "as libvirt's debug log tells of them (filter 1:qemu.qemu_monitor). A reply belongs to the command "
	        "with "
	        "its number, in whatever order replies come. Without FILE it reads the logs of this host's daemons.",
	.examples = qmp_examples,
	.opts = qmp_opts,
	.args = qmp_args,
	.rows = "commands",
	.flags = VD_CMD_TABLE,
	.cols = qmp_cols,
	.n_cols = VD_ARRAY_SIZE(qmp_cols),
	.run = run_qmp,
};
