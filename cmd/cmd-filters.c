/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "log-strings.h"

#define OPT_OUTPUTS                                                                             \
	{                                                                                       \
		.name = "outputs", .type = VD_OPT_OUTPUTS, .arg = "STRING",                     \
		.help = "take into account that the messages must also pass these log outputs", \
	}
#define OPT_DEFAULT_LEVEL                                                                           \
	{                                                                                           \
		.name = "default-level", .type = VD_OPT_NUMBER, .arg = "LEVEL", .min = 1, .max = 4, \
		.help = "the level where no filter matches, as log_level sets it (default: 3)",     \
	}

/* --- completion ----------------------------------------------------------------------------------------------- */

/* Adds LEAD and each category whose name begins with @prefix. */
static void add_categories(const char *lead, size_t lead_len, const char *prefix, struct vd_strv *words)
{
	VD_AUTO_CATALOGUE catalogue = VD_CATALOGUE_INIT;

	if (vd_catalogue_load(0, &catalogue, NULL) < 0)
		return;
	for (size_t i = 0; i < catalogue.count; i++) {
		VD_AUTO_BUF word = VD_BUF_INIT;

		if (strncmp(catalogue.items[i].name, prefix, strlen(prefix)))
			continue;
		if (vd_buf_add(&word, lead, lead_len) < 0 || vd_buf_adds(&word, catalogue.items[i].name) < 0 ||
		    vd_strv_add(words, word.data) < 0)
			return;
	}
}

static void complete_category(struct vd_ctx *ctx, const char *prefix, struct vd_strv *words)
{
	(void)ctx;
	add_categories("", 0, prefix, words);
}

/* The item under the cursor: categories behind its level and colon. */
static void complete_filter(struct vd_ctx *ctx, const char *prefix, struct vd_strv *words)
{
	const char *colon = strchr(prefix, ':');

	(void)ctx;
	if (colon)
		add_categories(prefix, (size_t)(colon - prefix) + 1, colon + 1, words);
}

/* --- check ----------------------------------------------------------------------------------------------------------
 */

static void check_string(struct vd_ctx *ctx, struct vd_report *report, const struct vd_catalogue *catalogue,
                         const struct vd_filters *outputs, const char *text)
{
	unsigned level = (unsigned)vd_opt_num(ctx, "default-level", VD_LOG_DEFAULT_LEVEL);
	VD_AUTO_FILTERS filters = VD_FILTERS_INIT;
	VD_AUTO_FILTER_WARNINGS warnings = VD_FILTER_WARNINGS_INIT;

	vd_parse_string_as(VD_LOG_FILTERS, catalogue->version, text, &filters);
	if (vd_filters_check(&filters, catalogue, outputs, level, &warnings) < 0)
		vd_report_missing(report, text, "no memory", true);
	vd_report_string(ctx, report, catalogue, &filters, &warnings);
}

static enum vd_exit run_check(struct vd_ctx *ctx, int argc, char **argv)
{
	const char *given = vd_opt_str(ctx, "outputs", NULL);
	VD_AUTO_CATALOGUE catalogue = VD_CATALOGUE_INIT;
	VD_AUTO_FILTERS outputs = VD_FILTERS_INIT;
	enum vd_exit status = vd_load_catalogue(ctx, &catalogue);
	struct vd_report *report;

	if (status != VD_EXIT_OK)
		return status;
	report = vd_string_report_new(ctx, &catalogue);
	if (given)
		vd_parse_string_as(VD_LOG_OUTPUTS, catalogue.version, given, &outputs);
	for (int i = 0; i < argc; i++) {
		if (i)
			vd_report_line(report, "%s", "");
		check_string(ctx, report, &catalogue,
		             given && *given && !outputs.invalid && !outputs.open ? &outputs : NULL, argv[i]);
	}
	/* Outputs that libvirt would refuse cannot be taken into account: that is a result too. */
	if (outputs.invalid || outputs.open) {
		VD_AUTO_FILTER_WARNINGS warnings = VD_FILTER_WARNINGS_INIT;

		vd_report_line(report, "%s", "");
		if (vd_outputs_check(&outputs, NULL, &warnings) < 0)
			vd_report_missing(report, given, "no memory", true);
		vd_report_string(ctx, report, &catalogue, &outputs, &warnings);
	}
	return vd_report_finish(report);
}

static const struct vd_opt check_opts[] = { OPT_OUTPUTS, OPT_DEFAULT_LEVEL, VD_OPT_LIBVIRT, { 0 } };

static const struct vd_arg check_args[] = {
	{ .name = "STRING",
	  .type = VD_OPT_FILTERS,
	  .repeats = true,
	  .help = "a log filter string",
	  .complete = complete_filter },
	{ 0 },
};

static const char *const check_examples[] = {
	"virtdiag filters check '1:qemu 3:util.json 1:util'",
	"is it valid, and does each item count?",
	"virtdiag filters check --outputs 3:journald 1:qemu",
	"would anything reach the journal?",
	NULL,
};

static const struct vd_cmd cmd_check = {
	.name = "check",
	.summary = "judge log filter strings as libvirt does",
	.description = "Parses each STRING exactly as libvirt does, points at what is wrong, and warns of what libvirt "
	               "accepts silently but you can hardly mean: patterns that match nothing, items that never count, "
	               "wrong separators, floods. An error is exit status 1, a warning only with --strict.",
	.examples = check_examples,
	.opts = check_opts,
	.args = check_args,
	.rows = "strings",
	.flags = VD_CMD_TABLE,
	.cols = vd_filter_string_cols,
	.n_cols = VD_N_STRING_COLS,
	.run = run_check,
};

/* --- explain --------------------------------------------------------------------------------------------------------
 */

enum explain_col {
	EXPLAIN_CATEGORY,
	EXPLAIN_LEVEL,
	EXPLAIN_ITEM,
	EXPLAIN_SOURCE,
	EXPLAIN_MATCHED,
	EXPLAIN_RECEIVED,
	EXPLAIN_OUTPUTS,
};

static const struct vd_col explain_cols[] = {
	[EXPLAIN_CATEGORY] = { "CATEGORY", VD_COL_STR, 0, "the log category" },
	[EXPLAIN_LEVEL] = { "LEVEL", VD_COL_NUM, 0, "the lowest level that passes; a number in JSON, null unknown" },
	[EXPLAIN_ITEM] = { "ITEM", VD_COL_STR, 0, "the item of STRING that decides" },
	[EXPLAIN_SOURCE] = { "SOURCE", VD_COL_STR, 0, "filter, or default where no item matches" },
	[EXPLAIN_MATCHED] = { "MATCHED", VD_COL_FLAGS, VD_COL_HIDDEN,
	                      "what patterns are compared with; before 1.2.3 possible names of the source file" },
	[EXPLAIN_RECEIVED] = { "RECEIVED", VD_COL_STR, VD_COL_TEXT_ONLY, "what each output receives, with --outputs" },
	[EXPLAIN_OUTPUTS] = { "OUTPUTS", VD_COL_VALUE, VD_COL_JSON_ONLY, "the same as a list" },
};
/* Without --outputs the last two are left out. */
#define EXPLAIN_SHORT EXPLAIN_RECEIVED

struct explain {
	struct vd_ctx *ctx;
	struct vd_report *report;
	struct vd_table *table;
	const struct vd_catalogue *catalogue;
	struct vd_filters filters, outputs;
	bool has_outputs;
	unsigned default_level;
	size_t counts[5]; /* categories by level */
};

/* A message must pass the filter and the output. */
static unsigned received_level(unsigned level, const struct vd_filter_item *output)
{
	return level > output->parsed.level ? level : output->parsed.level;
}

static void add_received(struct explain *e, struct vd_row *row, unsigned level)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	struct vd_value *list = vd_value_array();
	int r = list ? 0 : -1;

	for (size_t i = 0; i < e->outputs.count && !r; i++) {
		const struct vd_filter_item *output = &e->outputs.items[i];
		const struct vlog_item *p = &output->parsed;
		const char *destination = vd_filters_span(&e->outputs, &p->match);
		size_t len = p->text.offset + p->text.length - p->match.offset;
		struct vd_value *v;

		if (!vd_outputs_kept(&e->outputs, i))
			continue;
		v = vd_value_object();
		r = !v || vd_value_set(v, "output", vd_value_strn(destination, len)) < 0 ||
		    vd_value_set(v, "level", vd_value_int(received_level(level, output))) < 0 ||
		    vd_buf_addf(&text, "%s%.*s %s", text.len ? ", " : "", (int)len, destination,
		                vlog_level_name(received_level(level, output))) < 0;
		if (r)
			vd_value_free(v);
		else
			r = vd_value_append(list, v);
	}
	if (r)
		vd_report_missing(e->report, "outputs", "no memory", true);
	vd_row_str(row, EXPLAIN_RECEIVED, text.len ? text.data : NULL);
	vd_row_value(row, EXPLAIN_OUTPUTS, list);
}

/* @category may not be of the catalogue: then its name is what patterns are compared with. */
static void explain_category(struct explain *e, const struct vd_category *category, bool only_if_different)
{
	long index;
	unsigned level = vd_filters_level_in(&e->filters, category, e->default_level, &index);
	struct vd_row *row;

	e->counts[level]++;
	if (only_if_different && (level == e->default_level || !category->n_texts))
		return;
	row = vd_table_row(e->table, NULL);
	vd_row_str(row, EXPLAIN_CATEGORY, category->name);
	for (size_t i = 0; i < category->n_texts; i++)
		vd_row_flag(row, EXPLAIN_MATCHED, category->texts[i]);
	if (level)
		vd_row_num(row, EXPLAIN_LEVEL, level);
	else
		vd_report_unknown(e->report);
	vd_row_text(row, EXPLAIN_LEVEL, vlog_level_name(level));
	if (index >= 0) {
		const struct vlog_span *text = &e->filters.items[index].parsed.text;

		vd_row_strn(row, EXPLAIN_ITEM, vd_filters_span(&e->filters, text), text->length);
	}
	vd_row_str(row, EXPLAIN_SOURCE, index >= 0 ? "filter" : "default");
	if (e->has_outputs && level)
		add_received(e, row, level);
}

/* ", 3 unknown" */
static const char *unknown_count(struct explain *e)
{
	char text[48];

	snprintf(text, sizeof(text), ", %zu unknown", e->counts[0]);
	return vd_esc(e->report, text);
}

static void explain_all(struct explain *e)
{
	bool all = vd_opt_given(e->ctx, "all-categories");
	char version[32];

	for (size_t i = 0; i < e->catalogue->count; i++)
		explain_category(e, &e->catalogue->items[i], !all);
	vd_report_line(
	        e->report, "libvirt %s has %s%zu %s: %zu debug, %zu info, %zu warning, %zu error%s.",
	        vd_version_format(e->catalogue->version, version),
	        e->catalogue->fit == VD_FIT_BETWEEN && e->catalogue->version < VD_VERSION(9, 0, 0) ? "about " : "",
	        e->catalogue->count, e->filters.era.file_names ? "of the files of later categories" : "categories",
	        e->counts[1], e->counts[2], e->counts[3], e->counts[4], e->counts[0] ? unknown_count(e) : "");
	/* Other files of that version are not known, so nothing can be said about them. */
	if (e->filters.era.file_names)
		vd_report_unknown(e->report);
}

/* Categories that were asked for by name are judged even when the catalogue does not know them. */
static void explain_some(struct explain *e, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		VD_AUTO_STRV near = VD_STRV_INIT;

		const struct vd_category *known = vd_catalogue_find(e->catalogue, argv[i]);
		const struct vd_category other = { .name = argv[i], .texts = { argv[i] }, .n_texts = 1 };

		explain_category(e, known ? known : &other, false);
		if (known || (e->filters.era.file_names && strstr(argv[i], ".c")))
			continue;
		if (vd_catalogue_nearest(e->catalogue, argv[i], strlen(argv[i]), 1, &near) < 0 || !near.len)
			vd_warn(e->ctx, "libvirt has no log category '%s'", argv[i]);
		else
			vd_warn(e->ctx, "libvirt has no log category '%s'; did you mean %s?", argv[i], near.items[0]);
	}
}

static void explain(struct explain *e, int argc, char **argv)
{
	e->table = vd_report_table(e->report, "categories", explain_cols,
	                           e->has_outputs ? VD_ARRAY_SIZE(explain_cols) : EXPLAIN_SHORT);
	vd_report_string_errors(e->ctx, e->report, &e->filters);
	if (e->has_outputs)
		vd_report_string_errors(e->ctx, e->report, &e->outputs);
	/* Where items count one by one, those before the first bad one are in force. */
	if (!e->filters.era.item_by_item && (e->filters.invalid || e->outputs.invalid))
		return;
	if (argc)
		explain_some(e, argc, argv);
	else
		explain_all(e);
}

static enum vd_exit run_explain(struct vd_ctx *ctx, int argc, char **argv)
{
	VD_AUTO_CATALOGUE catalogue = VD_CATALOGUE_INIT;
	const char *outputs = vd_opt_str(ctx, "outputs", NULL);
	struct explain e = {
		.ctx = ctx,
		.catalogue = &catalogue,
		.filters = VD_FILTERS_INIT,
		.outputs = VD_FILTERS_INIT,
		.has_outputs = outputs != NULL,
		.default_level = (unsigned)vd_opt_num(ctx, "default-level", VD_LOG_DEFAULT_LEVEL),
	};
	enum vd_exit status = vd_load_catalogue(ctx, &catalogue);

	if (status != VD_EXIT_OK)
		return status;
	vd_parse_string_as(VD_LOG_FILTERS, catalogue.version, argv[0], &e.filters);
	vd_parse_string_as(VD_LOG_OUTPUTS, catalogue.version, outputs ? outputs : "", &e.outputs);
	e.report = vd_string_report_new(ctx, &catalogue);
	explain(&e, argc - 1, argv + 1);
	vd_filters_release(&e.filters);
	vd_filters_release(&e.outputs);
	return vd_report_finish(e.report);
}

static const struct vd_opt explain_opts[] = {
	{ .name = "all-categories", .type = VD_OPT_FLAG, .help = "also the categories that keep the default level" },
	OPT_DEFAULT_LEVEL,
	OPT_OUTPUTS,
	VD_OPT_LIBVIRT,
	{ 0 },
};

static const struct vd_arg explain_args[] = {
	{ .name = "STRING", .type = VD_OPT_FILTERS, .help = "a log filter string", .complete = complete_filter },
	{ .name = "CATEGORY",
	  .type = VD_OPT_STRING,
	  .optional = true,
	  .repeats = true,
	  .help = "only this log category",
	  .complete = complete_category },
	{ 0 },
};

static const char *const explain_examples[] = {
	"virtdiag filters explain '3:util.json 1:qemu 1:util'",
	"which categories log more or less than by default",
	"virtdiag filters explain --outputs '1:file:/tmp/x 3:journald' 1:qemu qemu.qemu_process",
	"what each output receives of one category",
	NULL,
};

static const struct vd_cmd cmd_explain = {
	.name = "explain",
	.summary = "show the level each log category gets from a filter string",
	.description = "Lists the log categories whose level STRING changes, and the item that decides: the first that "
	               "matches.",
	.examples = explain_examples,
	.opts = explain_opts,
	.args = explain_args,
	.rows = "categories",
	.flags = VD_CMD_TABLE,
	.cols = explain_cols,
	.n_cols = VD_ARRAY_SIZE(explain_cols),
	.run = run_explain,
};

/* --- list -----------------------------------------------------------------------------------------------------------
 */

enum list_col {
	LIST_CATEGORY,
	LIST_AREA,
	LIST_FILE,
	LIST_SINCE,
	LIST_UNTIL,
	LIST_VOLUME,
};

static const struct vd_col list_cols[] = {
	[LIST_CATEGORY] = { "CATEGORY", VD_COL_STR, 0, "the log category" },
	[LIST_AREA] = { "AREA", VD_COL_STR, 0, "the part of libvirt" },
	[LIST_FILE] = { "FILE", VD_COL_FLAGS, 0, "the source files that log under it" },
	[LIST_SINCE] = { "SINCE", VD_COL_STR, 0, "the first examined version that has it" },
	[LIST_UNTIL] = { "UNTIL", VD_COL_STR, 0, "the last examined version that has it, when it is gone" },
	[LIST_VOLUME] = { "VOLUME", VD_COL_STR, 0, "how much it logged at debug in a measured run: low, high, flood" },
};

static void add_files(struct vd_row *row, const char *files)
{
	for (const char *s = files; *s;) {
		size_t len = strcspn(s, ",");
		VD_AUTO_FREE char *file = strndup(s, len);

		if (file)
			vd_row_flag(row, LIST_FILE, file);
		s += len + (s[len] == ',');
	}
}

/* GLOB knows wildcards whatever the version; names of source files count where patterns are compared with them. */
static bool is_listed(const struct vd_category *c, const char *glob)
{
	bool found = vlog_pattern_matches(glob, strlen(glob), c->name);

	for (size_t i = 0; i < c->n_texts && !found; i++)
		found = vlog_pattern_matches(glob, strlen(glob), c->texts[i]);
	return found;
}

static void add_category(struct vd_table *table, const struct vd_category *c)
{
	struct vd_row *row = vd_table_row(table, NULL);

	vd_row_str(row, LIST_CATEGORY, c->name);
	vd_row_str(row, LIST_AREA, c->area);
	/* Before 1.2.3 what counts is what the file may have been called then. */
	if (c->n_texts && strcmp(c->texts[0], c->name) != 0)
		for (size_t i = 0; i < c->n_texts; i++)
			vd_row_flag(row, LIST_FILE, c->texts[i]);
	else
		add_files(row, c->files);
	vd_row_str(row, LIST_SINCE, c->since);
	vd_row_str(row, LIST_UNTIL, c->until);
	vd_row_str(row, LIST_VOLUME, c->volume == VD_VOLUME_NONE ? NULL : vd_volume_name(c->volume));
	if (c->volume == VD_VOLUME_FLOOD)
		vd_row_hue(row, LIST_VOLUME, VD_HUE_WARN);
}

static void report_no_category(struct vd_report *report, const struct vd_catalogue *catalogue, const char *glob)
{
	VD_AUTO_STRV near = VD_STRV_INIT;
	bool found = vd_catalogue_nearest(catalogue, glob, strlen(glob), 1, &near) == 0 && near.len;

	vd_report_mark(report, VD_HUE_BAD, "no log category matches '%s'%s%s%s", vd_esc(report, glob),
	               found ? "; did you mean " : "", found ? near.items[0] : "", found ? "?" : "");
	vd_report_problem(report);
}

static enum vd_exit run_list(struct vd_ctx *ctx, int argc, char **argv)
{
	VD_AUTO_CATALOGUE catalogue = VD_CATALOGUE_INIT;
	enum vd_exit status = vd_load_catalogue(ctx, &catalogue);
	const char *glob = argc ? argv[0] : "*";
	struct vd_report *report;
	struct vd_table *table;
	size_t n = 0;

	if (status != VD_EXIT_OK)
		return status;
	report = vd_string_report_new(ctx, &catalogue);
	table = vd_report_table(report, "categories", NULL, 0);
	for (size_t i = 0; i < catalogue.count; i++)
		if (is_listed(&catalogue.items[i], glob)) {
			add_category(table, &catalogue.items[i]);
			n++;
		}
	if (!n)
		report_no_category(report, &catalogue, glob);
	return vd_report_finish(report);
}

static const struct vd_opt list_opts[] = { VD_OPT_LIBVIRT, { 0 } };

static const struct vd_arg list_args[] = {
	{ .name = "GLOB",
	  .type = VD_OPT_STRING,
	  .optional = true,
	  .help = "what a filter's pattern would be; matches any part of a name",
	  .complete = complete_category },
	{ 0 },
};

static const char *const list_examples[] = {
	"virtdiag filters list qemu_monitor",
	"what a filter 1:qemu_monitor matches",
	NULL,
};

static const struct vd_cmd cmd_list = {
	.name = "list",
	.summary = "list libvirt's log categories",
	.description = "Lists the log categories that GLOB matches as the pattern of a filter would, or all of them.",
	.examples = list_examples,
	.opts = list_opts,
	.args = list_args,
	.rows = "categories",
	.flags = VD_CMD_TABLE,
	.cols = list_cols,
	.n_cols = VD_ARRAY_SIZE(list_cols),
	.run = run_list,
};

extern const struct vd_cmd vd_cmd_filters_suggest, vd_cmd_filters_show, vd_cmd_filters_apply, vd_cmd_filters_reset;

static const struct vd_cmd *const verbs[] = {
	&cmd_check,           &cmd_explain,          &vd_cmd_filters_suggest, &cmd_list,
	&vd_cmd_filters_show, &vd_cmd_filters_apply, &vd_cmd_filters_reset,   NULL
};

extern const struct vd_cmd vd_cmd_filters;

const struct vd_cmd vd_cmd_filters = {
	.name = "filters",
	.summary = "check, explain, suggest, show and apply log filters",
	.description = "Log filters decide which of libvirt's messages are logged: LEVEL:PATTERN items separated by "
	               "spaces, of which the first that matches a category wins.",
	.verbs = verbs,
};
