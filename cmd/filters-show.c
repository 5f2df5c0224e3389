/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtdiag filters show, virtdiag outputs show: what every daemon of the host is told to log. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "command.h"
#include "daemons.h"
#include "log-strings.h"
#include "report.h"

enum {
	COL_DAEMON,
	COL_SETTING,
	COL_APPLIES,
	COL_SOURCE,
	COL_VALUE,
	COL_VALID,
	COL_WHERE,
	COL_PATH,
	COL_LINE,
	COL_ERROR,
	COL_WARNINGS,
	N_COLS
};

static const struct vd_col show_cols[N_COLS] = {
	[COL_DAEMON] = { "DAEMON", VD_COL_STR, 0, "name of the daemon" },
	[COL_SETTING] = { "SETTING", VD_COL_STR, 0, "filters, outputs, or level: where no filter matches" },
	[COL_APPLIES] = { "APPLIES", VD_COL_FLAGS, 0, "now: in the running daemon; next: after its next start" },
	[COL_SOURCE] = { "SOURCE", VD_COL_STR, 0,
	                 "virt-admin, command-line, environment, unit, conf, built-in; earlier beats later" },
	[COL_VALUE] = { "VALUE", VD_COL_STR, 0, "what it says" },
	[COL_VALID] = { "VALID", VD_COL_BOOL, 0, "whether libvirt takes it" },
	[COL_WHERE] = { "WHERE", VD_COL_STR, VD_COL_TEXT_ONLY, "file and line, or URI" },
	[COL_PATH] = { "PATH", VD_COL_STR, VD_COL_JSON_ONLY, "file or URI" },
	[COL_LINE] = { "LINE", VD_COL_NUM, VD_COL_JSON_ONLY, "line of the file" },
	[COL_ERROR] = { "ERROR", VD_COL_STR, VD_COL_JSON_ONLY, "why libvirt does not take it" },
	[COL_WARNINGS] = { "WARNINGS", VD_COL_VALUE, VD_COL_JSON_ONLY, "what libvirt accepts but you may not mean" },
};

/* One run of the command. */
struct show {
	struct vd_ctx *ctx;
	struct vd_report *report;
	struct vd_table *table;
	const struct vd_daemons *daemons;
	const struct vd_catalogue *catalogue;
	enum vd_log_setting setting;
	struct vd_strv remarks; /* lines below the table: "E..." or "W..." */
};

VD_PRINTF(3, 4) static void remark(struct show *s, char kind, const char *fmt, ...)
{
	va_list ap;
	char *text, *line;

	va_start(ap, fmt);
	vd_need_memory(vasprintf(&text, fmt, ap) >= 0);
	va_end(ap);
	vd_need_memory(asprintf(&line, "%c%s", kind, text) >= 0);
	free(text);
	vd_need_memory(vd_strv_take(&s->remarks, line) == 0);
}

static void show_remarks(struct show *s)
{
	if (s->remarks.len)
		vd_report_line(s->report, "%s", "");
	for (size_t i = 0; i < s->remarks.len; i++) {
		const char *text = s->remarks.items[i];
		bool bad = *text == 'E';

		vd_report_mark(s->report, bad ? VD_HUE_BAD : VD_HUE_WARN, "%s: %s", bad ? "error" : "warning",
		               vd_esc(s->report, text + 1));
		if (bad)
			vd_report_problem(s->report);
		else
			vd_report_warning(s->report);
	}
}

/* --- judging ------------------------------------------------------------------------------------------------------ */

/* The string of another setting that is in force with @v. */
static const char *companion(const struct vd_log_values *values, const struct vd_log_value *v,
                             enum vd_log_setting setting)
{
	const struct vd_log_value *other = vd_log_values_get(values, setting, !v->now);

	return other && !other->error ? other->value : NULL;
}

static void check_filters(struct show *s, const struct vd_log_values *values, const struct vd_log_value *v,
                          const struct vd_filters *filters, struct vd_filter_warnings *warnings)
{
	const char *outputs = companion(values, v, VD_SETTING_OUTPUTS), *level = companion(values, v, VD_SETTING_LEVEL);
	VD_AUTO_FILTERS parsed = VD_FILTERS_INIT;
	unsigned default_level = level && *level >= '1' ? (unsigned)(*level - '0') : VD_LOG_DEFAULT_LEVEL;

	if (outputs && *outputs)
		vd_parse_string_as(VD_LOG_OUTPUTS, s->catalogue->version, outputs, &parsed);
	vd_need_memory(vd_filters_check(filters, s->catalogue, parsed.count && !parsed.invalid ? &parsed : NULL,
	                                default_level, warnings) == 0);
}

static struct vd_value *warnings_value(const struct vd_filter_warnings *w)
{
	struct vd_value *array = vd_value_array();

	vd_need_memory(array != NULL);
	for (size_t i = 0; i < w->count; i++) {
		struct vd_value *v = vd_value_object();

		vd_need_memory(v && vd_value_set(v, "id", vd_value_str(w->items[i].id)) == 0 &&
		               vd_value_set(v, "item",
		                            w->items[i].item < 0 ? vd_value_null() : vd_value_int(w->items[i].item)) ==
		                       0 &&
		               vd_value_set(v, "message", vd_value_str(w->items[i].message)) == 0 &&
		               vd_value_append(array, v) == 0);
	}
	return array;
}

static void judge(struct show *s, struct vd_row *row, const struct vd_daemon *d, const struct vd_log_values *values,
                  const struct vd_log_value *v, const char *where)
{
	VD_AUTO_FILTERS parsed = VD_FILTERS_INIT;
	VD_AUTO_FILTER_WARNINGS warnings = VD_FILTER_WARNINGS_INIT;
	const char *error = v->error;
	bool counts = v->now || v->next;

	if (!error && v->setting != VD_SETTING_LEVEL) {
		vd_parse_string_as(v->setting == VD_SETTING_FILTERS ? VD_LOG_FILTERS : VD_LOG_OUTPUTS,
		                   s->catalogue->version, v->value, &parsed);
		if (v->setting == VD_SETTING_FILTERS)
			check_filters(s, values, v, &parsed, &warnings);
		else
			vd_need_memory(vd_outputs_check(&parsed, s->ctx->root, &warnings) == 0);
		for (size_t i = 0; i < parsed.count && !error; i++)
			error = parsed.items[i].error;
	}
	/* What an old version does to a string is not always known. */
	if (error || !parsed.open) {
		vd_row_bool(row, COL_VALID, !error);
		vd_row_text(row, COL_VALID, error ? "no" : "yes");
		vd_row_hue(row, COL_VALID, error ? VD_HUE_BAD : VD_HUE_GOOD);
	} else {
		vd_report_unknown(s->report);
	}
	vd_row_str(row, COL_ERROR, error);
	vd_row_value(row, COL_WARNINGS, warnings_value(&warnings));
	/* What is overridden does no harm, but a bad string in the file stops the next start all the same. */
	if (error)
		remark(s, 'E', "%s: %s: %s", d->name, where, error);
	for (size_t i = 0; i < warnings.count && counts; i++)
		remark(s, 'W', "%s: %s: %s: %s", d->name, where, warnings.items[i].id, warnings.items[i].message);
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static void add_value(struct show *s, const struct vd_daemon *d, const struct vd_log_values *values,
                      const struct vd_log_value *v)
{
	struct vd_row *row = vd_table_row(s->table, NULL);
	VD_AUTO_BUF where = VD_BUF_INIT;

	vd_row_str(row, COL_DAEMON, d->name);
	vd_row_str(row, COL_SETTING, vd_log_setting_name(v->setting));
	vd_row_str(row, COL_SOURCE, vd_log_origin_name(v->origin));
	vd_row_str(row, COL_VALUE, v->value);
	if (v->value && !*v->value)
		vd_row_text(row, COL_VALUE, "none");
	if (v->unread) {
		vd_row_text(row, COL_VALUE, "unknown");
		vd_row_hue(row, COL_VALUE, VD_HUE_WARN);
	}
	vd_row_str(row, COL_PATH, v->path);
	if (v->line)
		vd_row_num(row, COL_LINE, v->line);
	if (v->now)
		vd_row_flag(row, COL_APPLIES, "now");
	if (v->next)
		vd_row_flag(row, COL_APPLIES, "next");
	if (v->path) {
		vd_need_memory(vd_buf_adds(&where, v->path) == 0);
		if (v->line)
			vd_need_memory(vd_buf_addf(&where, ":%u", v->line) == 0);
		vd_row_str(row, COL_WHERE, where.data);
	}
	/* That it could not be read is said as missing. */
	if (!v->unread)
		judge(s, row, d, values, v, where.len ? where.data : vd_log_origin_name(v->origin));
}

static void ask(struct show *s, const struct vd_daemon *d, struct vd_log_values *values)
{
	static const enum vd_log_setting both[] = { VD_SETTING_FILTERS, VD_SETTING_OUTPUTS };
	VD_AUTO_FREE char *uri = vd_daemon_admin_uri(s->ctx->root, &s->daemons->scope, d->name);

	vd_need_memory(uri != NULL);
	for (size_t i = 0; i < VD_ARRAY_SIZE(both); i++) {
		VD_AUTO_FREE char *value = NULL;
		VD_AUTO_ERR err = VD_ERR_INIT;

		if (vd_admin_get(uri, both[i], &value, &err) < 0) {
			vd_report_missing(s->report, uri, vd_err_text(&err), true);
			return;
		}
		vd_need_memory(vd_log_values_add_admin(values, both[i], value, uri) == 0);
	}
}

static void show_daemon(struct show *s, const struct vd_daemon *d)
{
	VD_AUTO_LOG_VALUES values = { 0 };
	bool live = vd_opt_given(s->ctx, "live") && vd_daemon_main(d);

	vd_need_memory(vd_daemon_log_load(s->ctx->root, &s->daemons->scope, d, &values) == 0);
	if (values.missing)
		vd_report_missing(s->report, values.missing, values.missing_why, true);
	if (live)
		ask(s, d, &values);
	for (size_t i = values.len; i-- > 0;)
		if (values.items[i].origin == VD_ORIGIN_ADMIN && values.items[i].setting == s->setting)
			add_value(s, d, &values, &values.items[i]);
	for (size_t i = 0; i < values.len; i++) {
		const struct vd_log_value *v = &values.items[i];
		bool wanted = v->setting == s->setting ||
		              (v->setting == VD_SETTING_LEVEL && s->setting == VD_SETTING_FILTERS);

		/* What is built in is of interest only where nothing else is said. */
		if (wanted && v->origin != VD_ORIGIN_ADMIN && (v->origin != VD_ORIGIN_BUILTIN || v->now || v->next))
			add_value(s, d, &values, v);
	}
	if (d->conf_newer && !live)
		remark(s, 'W', "%s: %s was edited after it started: what it uses now is not known; --live asks it",
		       d->name, d->conf);
}

static enum vd_exit show(struct vd_ctx *ctx, enum vd_log_setting setting)
{
	VD_AUTO_CATALOGUE catalogue = VD_CATALOGUE_INIT;
	VD_AUTO_DAEMONS ds = { 0 };
	VD_AUTO_ERR err = VD_ERR_INIT;
	struct show s = { .ctx = ctx, .daemons = &ds, .catalogue = &catalogue, .setting = setting };
	unsigned version;
	enum vd_exit status;

	if (vd_opt_given(ctx, "live") && !vd_root_is_live(ctx->root))
		return vd_usage(ctx, "--live asks running daemons: a capture has none");
	status = vd_load_catalogue(ctx, &catalogue);
	if (status != VD_EXIT_OK)
		return status;
	if (vd_daemons_load(ctx->root, ctx->use_session, ctx->session_user, &ds, &err) < 0)
		return vd_fail(ctx, &err);
	s.report = vd_string_report_new(ctx, &catalogue);
	s.table = vd_report_table(s.report, "settings", NULL, 0);
	for (size_t i = 0; i < ds.len; i++)
		show_daemon(&s, &ds.items[i]);
	if (ds.unsure)
		vd_report_missing(s.report, "daemons", ds.unsure, true);
	else if (!ds.len && !ctx->no_headings)
		vd_report_line(s.report, "no daemons");
	version = catalogue.version;
	if (setting == VD_SETTING_FILTERS && version && version < VD_VERSION(1, 2, 3))
		vd_report_line(s.report,
		               "This version keeps all debug messages in a ring buffer, whatever the filters; "
		               "log_buffer_size = 0 in its configuration turns that off.");
	show_remarks(&s);
	vd_strv_release(&s.remarks);
	return vd_report_finish(s.report);
}

static enum vd_exit run_filters_show(struct vd_ctx *ctx, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return show(ctx, VD_SETTING_FILTERS);
}

static enum vd_exit run_outputs_show(struct vd_ctx *ctx, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return show(ctx, VD_SETTING_OUTPUTS);
}

static const struct vd_opt show_opts[] = {
	{ .name = "live", .type = VD_OPT_FLAG, .help = "also ask the daemons that run, through virt-admin" },
	VD_OPT_LIBVIRT,
	{ 0 },
};

static const char *const filters_examples[] = {
	"virtdiag filters show",
	"which filters count, and where they come from",
	"sudo virtdiag filters show --live",
	"the same with what virt-admin has changed since",
	NULL,
};

static const char *const outputs_examples[] = {
	"virtdiag outputs show",
	"where each daemon logs",
	NULL,
};

extern const struct vd_cmd vd_cmd_filters_show, vd_cmd_outputs_show;

const struct vd_cmd vd_cmd_filters_show = {
	.name = "show",
	.summary = "show each daemon's log filters and where they come from",
	.description =
	        "For every daemon of the host: each place that sets its log filters or default level, which of them "
	        "counts now and which after its next start, and a verdict on the string. Asks no daemon, unless "
	        "--live is given, and never starts one.",
	.examples = filters_examples,
	.opts = show_opts,
	.rows = "settings",
	.flags = VD_CMD_TABLE,
	.cols = show_cols,
	.n_cols = N_COLS,
	.run = run_filters_show,
};

const struct vd_cmd vd_cmd_outputs_show = {
	.name = "show",
	.summary = "show each daemon's log outputs and where they come from",
	.description =
	        "For every daemon of the host: each place that sets its log outputs, which of them counts now and "
	        "which after its next start, and a verdict on the string. Asks no daemon, unless --live is given, "
	        "and never starts one.",
	.examples = outputs_examples,
	.opts = show_opts,
	.rows = "settings",
	.flags = VD_CMD_TABLE,
	.cols = show_cols,
	.n_cols = N_COLS,
	.run = run_outputs_show,
};
