/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtdiag logs boots: every start of a guest, and how it ended. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "logs-verbs.h"
#include "logs.h"

enum {
	COL_GUEST,
	COL_BOOT,
	COL_HOW,
	COL_START,
	COL_END,
	COL_DURATION,
	COL_REASON,
	COL_LIBVIRT,
	COL_QEMU,
	COL_KERNEL,
	COL_TAINTS,
	COL_ERRORS,
	COL_SIGNAL,
	COL_SIGNAL_PID,
	COL_SIGNAL_BY,
};

static const struct vd_col boots_cols[] = {
	[COL_GUEST] = { "GUEST", VD_COL_STR, VD_COL_HIDDEN, "name of the guest" },
	[COL_BOOT] = { "BOOT", VD_COL_NUM, 0, "0 is the last start, -1 the one before" },
	[COL_HOW] = { "HOW", VD_COL_STR, 0, "fresh, restored, incoming" },
	[COL_START] = { "START", VD_COL_TIME, 0, "when it began" },
	[COL_END] = { "END", VD_COL_TIME, 0, "when it ended" },
	[COL_DURATION] = { "DURATION", VD_COL_NUM, 0, "seconds between the two, or until now" },
	[COL_REASON] = { "REASON", VD_COL_STR, 0, "how it ended" },
	[COL_LIBVIRT] = { "LIBVIRT", VD_COL_STR, 0, "version of libvirt that started it" },
	[COL_QEMU] = { "QEMU", VD_COL_STR, 0, "version of QEMU" },
	[COL_KERNEL] = { "KERNEL", VD_COL_STR, VD_COL_HIDDEN, "version of the host's kernel" },
	[COL_TAINTS] = { "TAINTS", VD_COL_FLAGS, 0, "what libvirt called it tainted by" },
	[COL_ERRORS] = { "ERRORS", VD_COL_NUM, 0, "lines that report an error; at least 1 for a failed start" },
	[COL_SIGNAL] = { "SIGNAL", VD_COL_NUM, VD_COL_HIDDEN, "signal that QEMU says it was ended with" },
	[COL_SIGNAL_PID] = { "SIGNAL_PID", VD_COL_NUM, VD_COL_HIDDEN, "process that sent it" },
	[COL_SIGNAL_BY] = { "SIGNAL_BY", VD_COL_STR, VD_COL_HIDDEN, "name of that process" },
};

/* "2d 23:07", "01:02:03". */
static const char *duration_text(int64_t seconds, char buf[40])
{
	long long s = (long long)seconds;

	if (s >= 86400)
		snprintf(buf, 40, "%lldd %02lld:%02lld", s / 86400, s / 3600 % 24, s / 60 % 60);
	else
		snprintf(buf, 40, "%02lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
	return buf;
}

static void fill_duration(struct vd_ctx *ctx, struct vd_row *row, const struct vd_boot *boot, bool runs)
{
	int64_t end = boot->end;
	char text[40];

	if (runs && vd_root_is_live(ctx->root))
		end = (int64_t)time(NULL) * 1000000;
	if (boot->start == VD_NO_TIME || end == VD_NO_TIME || end < boot->start)
		return;
	/* Of whole seconds, as START and END show them. */
	end = end / 1000000 - boot->start / 1000000;
	vd_row_num(row, COL_DURATION, end);
	vd_row_text(row, COL_DURATION, duration_text(end, text));
}

static enum vd_hue reason_hue(const char *reason)
{
	if (!strcmp(reason, "running"))
		return VD_HUE_GOOD;
	if (!strcmp(reason, "crashed") || !strcmp(reason, "lost") || !strncmp(reason, "failed", 6))
		return VD_HUE_BAD;
	return VD_HUE_NONE;
}

static void add_boot(struct vd_ctx *ctx, struct vd_report *report, struct vd_table *table,
                     const struct vd_guestlog *log, const struct vd_boot *boot, size_t back, int running)
{
	struct vd_row *row = vd_table_row(table, NULL);
	const char *reason = vd_logs_reason(report, boot, log, back == 0, running);

	vd_row_str(row, COL_GUEST, log->guest);
	vd_row_num(row, COL_BOOT, -(int64_t)back);
	vd_row_str(row, COL_HOW, vd_boot_how_name(boot->how));
	vd_logs_time(row, COL_START, boot->start);
	vd_logs_time(row, COL_END, boot->end);
	fill_duration(ctx, row, boot, !strcmp(reason, "running"));
	vd_row_str(row, COL_REASON, reason);
	vd_row_hue(row, COL_REASON, reason_hue(reason));
	vd_row_str(row, COL_LIBVIRT, boot->libvirt[0] ? boot->libvirt : NULL);
	vd_row_str(row, COL_QEMU, boot->qemu[0] ? boot->qemu : NULL);
	vd_row_str(row, COL_KERNEL, boot->kernel[0] ? boot->kernel : NULL);
	for (size_t i = 0; i < boot->taints.len; i++)
		vd_row_flag(row, COL_TAINTS, boot->taints.items[i]);
	vd_row_num(row, COL_ERRORS, (int64_t)boot->errors);
	if (boot->signal)
		vd_row_num(row, COL_SIGNAL, boot->signal);
	if (boot->signal_pid)
		vd_row_num(row, COL_SIGNAL_PID, boot->signal_pid);
	vd_row_str(row, COL_SIGNAL_BY, boot->signal_name[0] ? boot->signal_name : NULL);
}

/* "web01  qemu  web01.log, .log.0, .log.1 (older lines rotated away)  times UTC" */
static void head_line(struct vd_ctx *ctx, struct vd_report *report, const struct vd_guestlog *log,
                      const struct vd_boots *boots)
{
	const char *name = strrchr(log->path, '/') + 1;
	size_t base = strlen(name) - strlen(".log");
	VD_AUTO_BUF files = VD_BUF_INIT;
	bool cut = boots->len && boots->items[0].start == VD_NO_TIME && boots->items[0].end_kind != VD_BOOT_EARLY;
	int rc = 0;

	for (size_t i = log->n_files; i > 0 && rc == 0; i--) {
		const char *file = strrchr(log->files[i - 1].path, '/') + 1;

		if (i == log->n_files)
			rc = vd_buf_adds(&files, file);
		else
			rc = vd_buf_addf(&files, ", %s", file + base);
	}
	if (rc == 0)
		vd_report_mark(report, VD_HUE_BOLD, "%s  %s  %s%s  times %s", vd_esc(report, log->guest),
		               vd_driver_name(log->driver), vd_esc(report, vd_buf_str(&files)),
		               cut ? " (older lines rotated away)" : "", ctx->local_time ? "local" : "UTC");
}

static bool show_log(struct vd_ctx *ctx, struct vd_report *report, const struct vd_logs *logs,
                     const struct vd_guestlog *log, bool first)
{
	VD_CLEANUP(vd_boots_release) struct vd_boots boots = { 0 };
	VD_AUTO_STRV problems = VD_STRV_INIT;
	VD_AUTO_ERR err = VD_ERR_INIT;
	int running = vd_logs_running(ctx, logs, log);
	struct vd_table *table;

	if (vd_guestlog_boots(ctx->root, log, true, &boots, &problems, &err) < 0) {
		vd_fail(ctx, &err);
		return false;
	}
	if (!ctx->no_headings) {
		if (!first)
			vd_report_line(report, "%s", "");
		head_line(ctx, report, log, &boots);
	}
	table = vd_report_table(report, "boots", NULL, 0);
	for (size_t i = 0; i < boots.len; i++)
		add_boot(ctx, report, table, log, &boots.items[i], boots.len - 1 - i, running);
	if (!boots.len && !ctx->no_headings)
		vd_report_line(report, "no starts in the log");
	vd_logs_problems(report, &problems);
	return true;
}

static enum vd_exit run_boots(struct vd_ctx *ctx, int argc, char **argv)
{
	VD_CLEANUP(vd_logs_release) struct vd_logs logs = { 0 };
	VD_AUTO_FREE const struct vd_guestlog **picked = NULL;
	struct vd_report *report;
	enum vd_exit status;
	size_t count = 0;
	bool fine = true;

	if (!vd_logs_load(ctx, &logs))
		return VD_EXIT_UNKNOWN;
	status = vd_logs_pick(ctx, &logs, argc, argv, &picked, &count);
	if (status != VD_EXIT_OK)
		return status;
	report = vd_report_new(ctx);
	for (size_t i = 0; i < count && fine; i++)
		fine = show_log(ctx, report, &logs, picked[i], i == 0);
	status = vd_report_finish(report);
	return fine ? status : VD_EXIT_UNKNOWN;
}

static const struct vd_arg boots_args[] = {
	{ .name = "GUEST",
	  .type = VD_OPT_GUEST,
	  .repeats = true,
	  .help = "name, UUID or id of a guest, or the name of a log" },
	{ 0 },
};

static const char *const boots_examples[] = {
	"virtdiag logs boots web01",
	"every start of web01: when, how, and what ended it",
	NULL,
};

#define BOOTS(NAME, EXAMPLES, FLAGS)                                                                                   \
	{                                                                                                              \
		.name = NAME, .summary = "list every start of a guest and how it ended",                               \
		.description = "Lists the starts that a guest's log tells of, oldest first: of QEMU or of the "        \
		               "container; a reboot inside the guest is none. A start that failed before QEMU ran is " \
		               "one too, and so is one whose end nobody logged because the host crashed.",             \
		.examples = (EXAMPLES), .args = boots_args, .rows = "boots", .flags = VD_CMD_TABLE | (FLAGS),          \
		.cols = boots_cols, .n_cols = VD_ARRAY_SIZE(boots_cols), .run = run_boots,                             \
	}

const struct vd_cmd vd_cmd_logs_boots = BOOTS("boots", boots_examples, 0);
/* The same by another name: they are starts of QEMU, not of the guest's system. */
const struct vd_cmd vd_cmd_logs_starts = BOOTS("starts", NULL, VD_CMD_HIDDEN);
