/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command-internal.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

/*
 * virtdiag __sample: a command that has every type of option and argument and reports every type of column, so that
 * the tests see what the machinery makes of them without depending on what a real command happens to print.
 */

enum {
	COL_NAME,
	COL_NUM,
	COL_BYTES,
	COL_CPU,
	COL_PERCENT,
	COL_SINCE,
	COL_BOOL,
	COL_FLAGS,
	COL_EXTRA,
	COL_VALUE,
	COL_PATH
};

static const struct vd_col cols[] = {
	[COL_NAME] = { "NAME", VD_COL_STR, VD_COL_TREE, "a name" },
	[COL_NUM] = { "NUM", VD_COL_NUM, 0, "a number" },
	[COL_BYTES] = { "BYTES", VD_COL_BYTES, 0, "an amount of memory" },
	[COL_CPU] = { "CPU", VD_COL_CPU, 0, "seconds of processor time" },
	[COL_PERCENT] = { "PERCENT", VD_COL_PERCENT, 0, "a share" },
	[COL_SINCE] = { "SINCE", VD_COL_TIME, 0, "a time" },
	[COL_BOOL] = { "BOOL", VD_COL_BOOL, 0, "yes or no" },
	[COL_FLAGS] = { "FLAGS", VD_COL_FLAGS, 0, "several words" },
	[COL_EXTRA] = { "EXTRA-TEXT", VD_COL_STR, VD_COL_HIDDEN, "shown on request" },
	[COL_VALUE] = { "VALUE", VD_COL_VALUE, 0, "a value of any kind" },
	[COL_PATH] = { "PATH", VD_COL_STR, VD_COL_TRUNC, "a path" },
};

static void fill(struct vd_row *row, int64_t bytes, double cpu, int64_t since)
{
	vd_row_num(row, COL_NUM, bytes);
	vd_row_num(row, COL_BYTES, bytes);
	vd_row_double(row, COL_CPU, cpu);
	vd_row_double(row, COL_PERCENT, 12.34);
	vd_row_num(row, COL_SINCE, since);
	vd_row_bool(row, COL_BOOL, bytes > 1024);
}

static void add_tree(struct vd_table *table)
{
	static const char *const argv[] = { "chcon", "-t", "x_t", "--", "/a b", NULL };
	struct vd_row *top = vd_table_row(table, NULL), *child;

	vd_row_str(top, COL_NAME, "top \xc3\xa9");
	fill(top, 26951440794, 9 * 86400 + 4 * 3600 + 59, 1763866921);
	vd_row_flag(top, COL_FLAGS, "throttled");
	vd_row_flag(top, COL_FLAGS, "oom:2");
	vd_row_str(top, COL_PATH, "/var/lib/a b.img");
	vd_row_value(top, COL_VALUE, vd_value_strings(argv));
	child = vd_table_row(table, top);
	vd_row_str(child, COL_NAME, "bad\xff\033[31m\n\\n");
	fill(child, 512 << 20, 4 * 3600 + 12 * 60, 0);
	vd_row_hue(child, COL_NAME, VD_HUE_BAD);
	vd_row_str(vd_table_row(table, child), COL_NAME, "deep");
	child = vd_table_row(table, top);
	vd_row_str(child, COL_NAME, "last");
	fill(child, 1023, 3.2, 4102444800);
	vd_row_str(child, COL_EXTRA, "more");
	vd_row_str(child, COL_PATH, "/same/path");
	vd_row_text(child, COL_PATH, "same");
}

/* What a command may do to whoever runs it: take long, or crash. */
static void misbehave(struct vd_ctx *ctx)
{
	if (vd_opt_given(ctx, "sleep")) {
		printf("sleeping as process %ld\n", (long)getpid());
		fflush(stdout);
		sleep((unsigned)vd_opt_num(ctx, "sleep", 0));
	}
	if (vd_opt_given(ctx, "raise"))
		raise((int)vd_opt_num(ctx, "raise", SIGTERM));
}

static enum vd_exit run_sample(struct vd_ctx *ctx, int argc, char **argv)
{
	struct vd_report *report = vd_report_new(ctx);
	const char *status = vd_opt_str(ctx, "status", "ok"), *missing = vd_opt_str(ctx, "missing", NULL);
	struct vd_table *table;

	misbehave(ctx);
	vd_report_mark(report, VD_HUE_WARN, "number: %ld duration: %lld enum: %s string: %s",
	               vd_opt_num(ctx, "number", -1), (long long)vd_opt_duration(ctx, "duration", -1), status,
	               vd_esc(report, vd_opt_str(ctx, "string", "-")));
	for (int i = 0; i < argc; i++)
		vd_report_line(report, "word %d: %s", i, vd_esc(report, argv[i]));
	table = vd_report_table(report, "rows", NULL, 0);
	if (vd_opt_given(ctx, "tree"))
		add_tree(table);
	for (long i = 0; i < vd_opt_num(ctx, "rows", 0); i++) {
		struct vd_row *row = vd_table_row(table, NULL);

		vd_row_str(row, COL_NAME, "row");
		vd_row_num(row, COL_NUM, i);
	}
	vd_report_extra(report, "words", vd_value_int(argc));
	if (!strcmp(status, "problem"))
		vd_report_problem(report);
	else if (!strcmp(status, "unknown"))
		vd_report_unknown(report);
	else if (!strcmp(status, "warning"))
		vd_report_warning(report);
	if (missing)
		vd_report_missing(report, missing, "not there", vd_opt_given(ctx, "matters"));
	return vd_report_finish(report);
}

static const char *const statuses[] = { "ok", "problem", "unknown", "warning", NULL };

static const struct vd_opt opts[] = {
	{ .name = "number",
	  .short_name = 'N',
	  .type = VD_OPT_NUMBER,
	  .arg = "N",
	  .min = -5,
	  .max = 100,
	  .help = "a number" },
	{ .name = "duration", .short_name = 'd', .type = VD_OPT_DURATION, .arg = "DURATION", .help = "a duration" },
	{ .name = "status", .type = VD_OPT_ENUM, .arg = "STATUS", .words = statuses, .help = "what was found" },
	{ .name = "string", .short_name = 's', .type = VD_OPT_STRING, .arg = "TEXT", .help = "a text" },
	{ .name = "file", .type = VD_OPT_PATH, .arg = "FILE", .help = "a file" },
	{ .name = "guest", .type = VD_OPT_GUEST, .arg = "GUEST", .help = "a guest" },
	{ .name = "filters", .type = VD_OPT_FILTERS, .arg = "STRING", .help = "a filter string" },
	{ .name = "tree", .short_name = 't', .type = VD_OPT_FLAG, .help = "add a tree" },
	{ .name = "rows", .type = VD_OPT_NUMBER, .arg = "N", .min = 0, .max = 1000000, .help = "add plain rows" },
	{ .name = "missing", .type = VD_OPT_STRING, .arg = "WHAT", .help = "report missing evidence" },
	{ .name = "matters", .type = VD_OPT_FLAG, .help = "and say that it matters" },
	{ .name = "sleep", .type = VD_OPT_NUMBER, .arg = "SECONDS", .min = 0, .max = 1000, .help = "take that long" },
	{ .name = "raise", .type = VD_OPT_NUMBER, .arg = "SIGNAL", .min = 1, .max = 31, .help = "end by a signal" },
	{ 0 },
};

static const struct vd_arg args[] = {
	{ .name = "WORD", .type = VD_OPT_STRING, .help = "a word" },
	{ .name = "COMMAND", .type = VD_OPT_STRING, .optional = true, .repeats = true, .help = "a command with words" },
	{ 0 },
};

const struct vd_cmd vd_cmd_sample = {
	.name = "__sample",
	.summary = "report every type of column",
	.opts = opts,
	.args = args,
	.rows = "rows",
	.flags = VD_CMD_HIDDEN | VD_CMD_TABLE | VD_CMD_NO_HOST | VD_CMD_STOP_AT_COMMAND,
	.cols = cols,
	.n_cols = VD_ARRAY_SIZE(cols),
	.run = run_sample,
};
