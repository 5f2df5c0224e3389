/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtdiag logs cmdline: the command line of a start, for people, for a shell, or beside that of another start. */
#include <stdlib.h>
#include <string.h>

#include "guestcmd.h"
#include "logs-verbs.h"
#include "logs.h"

enum {
	COL_CHANGE,
	COL_KIND,
	COL_NAME,
	COL_VALUE
};

/* CHANGE stands in the text of a comparison only. */
#define COLUMNS(FLAGS)                                                                                          \
	[COL_CHANGE] = { "CHANGE", VD_COL_STR, (FLAGS),                                                         \
		         "with --diff: removed, added; renumbered in JSON and with --verbose" },                \
	[COL_KIND] = { "KIND", VD_COL_STR, VD_COL_HIDDEN, "env, program, option, word; init: of a container" }, \
	[COL_NAME] = { "NAME", VD_COL_STR, 0, "variable, program or option" },                                  \
	[COL_VALUE] = { "VALUE", VD_COL_STR, 0, "its value" },
static const struct vd_col cmdline_cols[] = { COLUMNS(VD_COL_HIDDEN) };
static const struct vd_col diff_cols[] = { COLUMNS(0) };

/* One start with its command line. */
struct start {
	size_t number, count; /* of all starts, from 0 for the oldest */
	struct vd_guestlog_command logged;
	struct vd_guestcmd cmd, init;
};

static void start_release(struct start *start)
{
	vd_guestlog_command_release(&start->logged);
	vd_guestcmd_release(&start->cmd);
	vd_guestcmd_release(&start->init);
}

/* "0", "-2": how the user names it. */
static long start_name(const struct start *start)
{
	return -(long)(start->count - 1 - start->number);
}

/* Read start @value of the log. VD_EXIT_OK, or a status after a message. */
static enum vd_exit load_start(struct vd_ctx *ctx, const struct vd_guestlog *log, const char *option, const char *value,
                               const struct vd_boots *boots, struct start *start)
{
	VD_AUTO_ERR err = VD_ERR_INIT;
	const struct vd_boot *boot;
	enum vd_exit status;

	start->count = boots->len;
	status = vd_logs_boot_number(ctx, log, option, value, boots->len, &start->number);
	if (status != VD_EXIT_OK)
		return status;
	boot = &boots->items[start->number];
	if (vd_guestlog_find_command(ctx->root, log, start->number, &start->logged, &err) < 0)
		return vd_fail(ctx, &err);
	if (!start->logged.text.len) {
		vd_error(ctx, "start %ld of %s has no command line in the log: %s", start_name(start), log->guest,
		         boot->end_kind == VD_BOOT_EARLY ? "it failed before QEMU ran"
		                                         : "it was rotated away, or never written");
		return VD_EXIT_UNKNOWN;
	}
	if (vd_guestcmd_parse(start->logged.text.data, start->logged.text.len, log->driver, &start->cmd) < 0 ||
	    vd_guestcmd_parse(vd_buf_str(&start->logged.init), start->logged.init.len, log->driver, &start->init) < 0) {
		vd_error(ctx, "out of memory");
		return VD_EXIT_UNKNOWN;
	}
	return VD_EXIT_OK;
}

/* What is missing of a command line, NULL when it is whole. */
static const char *what_is_lost(const struct start *start)
{
	if (start->logged.beginning_lost)
		return "its beginning may have been rotated away";
	if (start->cmd.cut)
		return "the log ends within it";
	return vd_guestcmd_program(&start->cmd) ? NULL : "its beginning is not in the log";
}

static void add_argument(struct vd_table *table, const char *change, const char *kind,
                         const struct vd_guestcmd_arg *arg)
{
	struct vd_row *row = vd_table_row(table, NULL);

	vd_row_str(row, COL_CHANGE, change);
	if (change)
		vd_row_hue(row, COL_CHANGE,
		           *change == 'a'                       ? VD_HUE_GOOD
		           : *change == 'r' && change[2] == 'm' ? VD_HUE_BAD
		                                                : VD_HUE_DIM);
	vd_row_str(row, COL_KIND, kind ? kind : vd_guestcmd_kind_name(arg->kind));
	vd_row_str(row, COL_NAME, arg->name);
	vd_row_str(row, COL_VALUE, arg->value);
}

static enum vd_exit show(struct vd_ctx *ctx, const struct vd_guestlog *log, const struct start *start)
{
	struct vd_report *report = vd_report_new(ctx);
	struct vd_table *table = vd_report_table(report, "arguments", NULL, 0);

	for (size_t i = 0; i < start->cmd.len; i++)
		add_argument(table, NULL, NULL, &start->cmd.items[i]);
	for (size_t i = 0; i < start->init.len; i++)
		add_argument(table, NULL, "init", &start->init.items[i]);
	if (what_is_lost(start))
		vd_report_missing(report, log->path, what_is_lost(start), true);
	return vd_report_finish(report);
}

/* Descriptors that libvirt hands over are not there for a command that is run by hand. */
static bool uses_descriptors(const struct vd_guestcmd *cmd)
{
	for (size_t i = 0; i < cmd->len; i++) {
		const char *value = cmd->items[i].value, *fd = value ? strstr(value, "fd") : NULL;

		for (; fd; fd = strstr(fd + 1, "fd")) {
			const char *p = fd + 2 + (fd[2] == 's');

			if ((p[0] == '=' && p[1] >= '0' && p[1] <= '9') || !strncmp(p, "\":\"", 3))
				return true;
		}
	}
	return false;
}

static enum vd_exit show_shell(struct vd_ctx *ctx, const struct vd_guestlog *log, const struct start *start)
{
	VD_AUTO_BUF text = VD_BUF_INIT;

	if (what_is_lost(start)) {
		vd_error(ctx, "start %ld of %s cannot be run again: %s", start_name(start), log->guest,
		         what_is_lost(start));
		return VD_EXIT_UNKNOWN;
	}
	if (vd_guestcmd_shell(&text, &start->cmd) < 0) {
		vd_error(ctx, "out of memory");
		return VD_EXIT_UNKNOWN;
	}
	fwrite(text.data, 1, text.len, stdout);
	if (log->driver == VD_DRIVER_LXC)
		vd_warn(ctx, "libvirt does not quote what it logs for LXC: words with blanks may be cut");
	if (uses_descriptors(&start->cmd))
		vd_warn(ctx,
		        "it names descriptors (fd=...) that libvirt had opened: give it others, or take these out");
	return VD_EXIT_OK;
}

/* --- differences ----------------------------------------------------------------------------------------------- */

struct diff {
	struct vd_ctx *ctx;
	struct vd_report *report;
	struct vd_table *table;
	size_t changed, renumbered;
};

/* A line "- -m 32" and its row. */
static void diff_side(struct diff *d, const struct vd_guestcmd *cmd, const enum vd_guestcmd_change *changes, bool added)
{
	for (size_t i = 0; i < cmd->len; i++) {
		const struct vd_guestcmd_arg *arg = &cmd->items[i];
		const char *change = added ? "added" : "removed";

		if (changes[i] == VD_GUESTCMD_SAME)
			continue;
		if (changes[i] == VD_GUESTCMD_RENUMBERED) {
			d->renumbered += added;
			change = added ? "renumbered" : NULL;
			if (!change || (!d->ctx->verbose && !d->ctx->json))
				continue;
		} else {
			d->changed++;
		}
		add_argument(d->table, change, NULL, arg);
	}
}

static enum vd_exit show_diff(struct vd_ctx *ctx, const struct vd_guestlog *log, const struct start *from,
                              const struct start *to)
{
	VD_AUTO_FREE enum vd_guestcmd_change *a = calloc(from->cmd.len + 1, sizeof(*a));
	VD_AUTO_FREE enum vd_guestcmd_change *b = calloc(to->cmd.len + 1, sizeof(*b));
	struct diff d = { .ctx = ctx };

	if (!a || !b || vd_guestcmd_compare(&from->cmd, &to->cmd, a, b) < 0) {
		vd_error(ctx, "out of memory");
		return VD_EXIT_UNKNOWN;
	}
	d.report = vd_report_new(ctx);
	vd_report_extra(d.report, "from", vd_value_int(start_name(from)));
	vd_report_extra(d.report, "to", vd_value_int(start_name(to)));
	if (!ctx->no_headings)
		vd_report_mark(d.report, VD_HUE_BOLD, "%s  from start %ld to start %ld", vd_esc(d.report, log->guest),
		               start_name(from), start_name(to));
	d.table = vd_report_table(d.report, "arguments", diff_cols, VD_ARRAY_SIZE(diff_cols));
	diff_side(&d, &from->cmd, a, false);
	diff_side(&d, &to->cmd, b, true);
	if (!d.changed && !ctx->no_headings)
		vd_report_line(d.report, "the same options");
	if (d.renumbered && !ctx->verbose && !ctx->no_headings)
		vd_report_line(d.report,
		               "%zu more differ only in numbers that libvirt gives anew at each start; -v "
		               "shows them",
		               d.renumbered);
	if (what_is_lost(from) || what_is_lost(to))
		vd_report_missing(d.report, log->path, what_is_lost(from) ? what_is_lost(from) : what_is_lost(to),
		                  true);
	return vd_report_finish(d.report);
}

static enum vd_exit run_log(struct vd_ctx *ctx, const struct vd_guestlog *log)
{
	VD_CLEANUP(vd_boots_release) struct vd_boots boots = { 0 };
	VD_CLEANUP(start_release) struct start start = { 0 }, other = { 0 };
	VD_AUTO_STRV problems = VD_STRV_INIT;
	VD_AUTO_ERR err = VD_ERR_INIT;
	const char *diff = vd_opt_str(ctx, "diff", NULL);
	enum vd_exit status;

	if (vd_guestlog_boots(ctx->root, log, true, &boots, &problems, &err) < 0)
		return vd_fail(ctx, &err);
	for (size_t i = 0; i + 1 < problems.len; i += 2)
		vd_warn(ctx, "%s: %s", problems.items[i], problems.items[i + 1]);
	status = load_start(ctx, log, "boot", vd_opt_str(ctx, "boot", "0"), &boots, &start);
	if (status == VD_EXIT_OK && diff)
		status = load_start(ctx, log, "diff", diff, &boots, &other);
	if (status != VD_EXIT_OK)
		return status;
	if (diff)
		return show_diff(ctx, log, &other, &start);
	return vd_opt_given(ctx, "shell") ? show_shell(ctx, log, &start) : show(ctx, log, &start);
}

static enum vd_exit run_cmdline(struct vd_ctx *ctx, int argc, char **argv)
{
	VD_CLEANUP(vd_logs_release) struct vd_logs logs = { 0 };
	VD_AUTO_FREE const struct vd_guestlog **picked = NULL;
	enum vd_exit status;
	size_t count = 0;

	if (vd_opt_given(ctx, "shell") && vd_opt_given(ctx, "diff"))
		return vd_usage(ctx, "--shell and --diff exclude each other");
	if (vd_opt_given(ctx, "shell") && ctx->json)
		return vd_usage(ctx, "--shell prints no JSON");
	if (!vd_logs_load(ctx, &logs))
		return VD_EXIT_UNKNOWN;
	status = vd_logs_pick(ctx, &logs, argc, argv, &picked, &count);
	return status == VD_EXIT_OK ? run_log(ctx, picked[0]) : status;
}

static const struct vd_opt cmdline_opts[] = {
	{ .name = "boot",
	  .short_name = 'b',
	  .type = VD_OPT_STRING,
	  .arg = "N",
	  .help = "which start: 0 the last (default), -1 the one before, 1 the oldest" },
	{ .name = "diff", .type = VD_OPT_STRING, .arg = "M", .help = "what changed from start M to start N" },
	{ .name = "shell", .type = VD_OPT_FLAG, .help = "print it for a shell, ready to run" },
	{ 0 },
};

static const struct vd_arg cmdline_args[] = {
	VD_ARG_GUEST("name, UUID or id of a guest, or the name of a log"),
	{ 0 },
};

static const char *const cmdline_examples[] = {
	"virtdiag logs cmdline web01",
	"with which options web01 was started last",
	"virtdiag logs cmdline --diff -1 web01",
	"what changed since the start before",
	"virtdiag logs cmdline --shell web01 > run-web01.sh",
	"the command of the last start as a script",
	NULL,
};

const struct vd_cmd vd_cmd_logs_cmdline = {
	.name = "cmdline",
	.summary = "show the command line of a start, or what changed",
	.description =
	        "Shows the environment and the command line that libvirt logged for a start, one option per line. "
	        "With --diff what changed between two starts: options in another order are no difference, "
	        "nor are the numbers that libvirt gives anew each time.",
	.examples = cmdline_examples,
	.opts = cmdline_opts,
	.args = cmdline_args,
	.rows = "arguments",
	.flags = VD_CMD_TABLE,
	.cols = cmdline_cols,
	.n_cols = VD_ARRAY_SIZE(cmdline_cols),
	.run = run_cmdline,
};
