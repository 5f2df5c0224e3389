/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtdiag logs list: the log of each guest and what became of its last start. */
#include <stdlib.h>
#include <string.h>

#include "logs-verbs.h"
#include "logs.h"

enum {
	COL_GUEST,
	COL_DRIVER,
	COL_STATE,
	COL_STARTS,
	COL_LAST_START,
	COL_LAST_END,
	COL_REASON,
	COL_SIZE,
	COL_PATH,
	COL_KIND,
	COL_ALIAS,
	COL_FILES,
};

static const struct vd_col list_cols[] = {
	[COL_GUEST] = { "GUEST", VD_COL_STR, 0, "name of the guest" },
	[COL_DRIVER] = { "DRIVER", VD_COL_STR, 0, "qemu or lxc" },
	[COL_STATE] = { "STATE", VD_COL_STR, 0, "state of the guest now; undefined: only the log is left" },
	[COL_STARTS] = { "STARTS", VD_COL_NUM, 0, "starts that the log tells of" },
	[COL_LAST_START] = { "LAST_START", VD_COL_TIME, 0, "when the last one began" },
	[COL_LAST_END] = { "LAST_END", VD_COL_TIME, 0, "when it ended" },
	[COL_REASON] = { "REASON", VD_COL_STR, 0, "how it ended" },
	[COL_SIZE] = { "SIZE", VD_COL_BYTES, 0, "bytes of the log with its rotated files" },
	[COL_PATH] = { "PATH", VD_COL_STR, 0, "the file that is written to" },
	[COL_KIND] = { "KIND", VD_COL_STR, VD_COL_HIDDEN, "guest; virtiofsd, swtpm: the log of a helper" },
	[COL_ALIAS] = { "ALIAS", VD_COL_STR, VD_COL_HIDDEN, "device of the helper" },
	[COL_FILES] = { "FILES", VD_COL_FLAGS, VD_COL_HIDDEN, "all files of the log, oldest first" },
};

/* What a log's last start came to. */
static void fill_last(struct vd_ctx *ctx, struct vd_report *report, struct vd_row *row, const struct vd_logs *logs,
                      const struct vd_guestlog *log, const struct vd_boots *boots)
{
	const struct vd_boot *boot = boots->len ? &boots->items[boots->len - 1] : NULL;
	const char *reason;

	vd_row_num(row, COL_STARTS, (int64_t)vd_boots_count(boots));
	if (!boot)
		return;
	vd_logs_time(row, COL_LAST_START, boot->start);
	vd_logs_time(row, COL_LAST_END, boot->end);
	reason = vd_logs_reason(report, boot, log, true, vd_logs_running(ctx, logs, log));
	vd_row_str(row, COL_REASON, reason);
	if (!strcmp(reason, "crashed") || !strcmp(reason, "lost") || !strncmp(reason, "failed", 6))
		vd_row_hue(row, COL_REASON, VD_HUE_BAD);
	else if (!strcmp(reason, "running"))
		vd_row_hue(row, COL_REASON, VD_HUE_GOOD);
}

static bool add_log(struct vd_ctx *ctx, struct vd_report *report, struct vd_table *table, const struct vd_logs *logs,
                    const struct vd_guestlog *log)
{
	const struct vd_guest *guest = vd_logs_guest(logs, log);
	struct vd_row *row = vd_table_row(table, NULL);
	VD_CLEANUP(vd_boots_release) struct vd_boots boots = { 0 };
	VD_AUTO_STRV problems = VD_STRV_INIT;
	VD_AUTO_ERR err = VD_ERR_INIT;
	int64_t size = 0;

	for (size_t i = 0; i < log->n_files; i++) {
		size += log->files[i].size > 0 ? log->files[i].size : 0;
		vd_row_flag(row, COL_FILES, log->files[i].path);
	}
	vd_row_str(row, COL_GUEST, log->guest);
	vd_row_str(row, COL_DRIVER, vd_driver_name(log->driver));
	vd_row_str(row, COL_STATE, guest ? vd_guest_state_text(guest) : "undefined");
	vd_row_num(row, COL_SIZE, size);
	vd_row_str(row, COL_PATH, log->path);
	vd_row_str(row, COL_KIND, log->only == VD_KIND_START ? "guest" : vd_guestline_kind_name(log->only));
	vd_row_str(row, COL_ALIAS, log->alias);
	if (log->only != VD_KIND_START)
		return true;
	if (vd_guestlog_boots(ctx->root, log, false, &boots, &problems, &err) < 0) {
		vd_fail(ctx, &err);
		return false;
	}
	fill_last(ctx, report, row, logs, log, &boots);
	vd_logs_problems(report, &problems);
	return true;
}

/* Was the guest of @log picked? */
static bool is_picked(const struct vd_guestlog *log, const struct vd_guestlog *const *picked, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (picked[i] == log || (log->only != VD_KIND_START && picked[i]->driver == log->driver &&
		                         !strcmp(picked[i]->guest, log->guest)))
			return true;
	return false;
}

static enum vd_exit run_list(struct vd_ctx *ctx, int argc, char **argv)
{
	VD_CLEANUP(vd_logs_release) struct vd_logs logs = { 0 };
	VD_AUTO_FREE const struct vd_guestlog **picked = NULL;
	struct vd_report *report;
	struct vd_table *table;
	enum vd_exit status;
	size_t count = 0;
	bool fine = true;

	if (vd_opt_given(ctx, "all") && argc)
		return vd_usage(ctx, "--all and GUEST exclude each other");
	if (!vd_logs_load(ctx, &logs))
		return VD_EXIT_UNKNOWN;
	status = vd_logs_pick(ctx, &logs, argc, argv, &picked, &count);
	if (status != VD_EXIT_OK)
		return status;
	report = vd_report_new(ctx);
	table = vd_report_table(report, "logs", NULL, 0);
	for (size_t i = 0; i < logs.logs.len && fine; i++)
		if (!argc || is_picked(&logs.logs.items[i], picked, count))
			fine = add_log(ctx, report, table, &logs, &logs.logs.items[i]);
	if (!logs.logs.len && !logs.logs.n_problems && !ctx->no_headings)
		vd_report_line(report, "no logs of guests");
	vd_logs_dir_problems(report, &logs);
	status = vd_report_finish(report);
	return fine ? status : VD_EXIT_UNKNOWN;
}

static const struct vd_opt list_opts[] = {
	{ .name = "all", .type = VD_OPT_FLAG, .help = "all guests, as without GUEST" },
	{ 0 },
};

static const struct vd_arg list_args[] = {
	VD_ARG_GUESTS("name, UUID or id of a guest, or the name of a log"),
	{ 0 },
};

static const char *const list_examples[] = {
	"virtdiag logs list",
	"which guests have logs, and how their last starts ended",
	NULL,
};

const struct vd_cmd vd_cmd_logs_list = {
	.name = "list",
	.summary = "list guests' logs and how their last starts ended",
	.description =
	        "Lists the log of each guest, rotated files included, with the number of starts that it tells of "
	        "and when and how the last one ended. A log outlives its guest: one that is no longer defined "
	        "is listed too. Logs of virtiofsd and swtpm are listed with the guest they belong to.",
	.examples = list_examples,
	.opts = list_opts,
	.args = list_args,
	.rows = "logs",
	.flags = VD_CMD_TABLE,
	.cols = list_cols,
	.n_cols = VD_ARRAY_SIZE(list_cols),
	.run = run_list,
};
