/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "log-strings.h"
#include "suggest.h"

/*
 * `filters suggest`: shows what cmd/suggest-ways.c has put together, as text, as JSON, or one --format alone.
 */

enum col {
	COL_TOPIC,
	COL_VOLUME,
	COL_DAEMON,
	COL_TITLE,
	COL_ALIASES,
	COL_FILTERS,
	COL_SHOWS,
	COL_SOURCE,
	COL_NOTE,
	COL_LINES,
	COL_BYTES,
	COL_LEFT_OUT,
	COL_LOG_LEVEL,
	COL_WAYS,
};

static const struct vd_col cols[] = {
	[COL_TOPIC] = { "TOPIC", VD_COL_STR, 0, "name of the topic" },
	[COL_VOLUME] = { "VOLUME", VD_COL_STR, 0, "how much it logs: low, medium, high; - not measured" },
	[COL_DAEMON] = { "DAEMON", VD_COL_STR, 0,
	                 "the modular daemon it belongs to; with a topic, this host's daemon" },
	[COL_TITLE] = { "TITLE", VD_COL_STR, 0, "what it is about" },
	[COL_ALIASES] = { "ALIASES", VD_COL_FLAGS, VD_COL_HIDDEN, "other names of the topic" },
	[COL_FILTERS] = { "FILTERS", VD_COL_STR, VD_COL_HIDDEN, "the filter string" },
	[COL_SHOWS] = { "SHOWS", VD_COL_STR, VD_COL_HIDDEN, "what one will see" },
	[COL_SOURCE] = { "SOURCE", VD_COL_STR, VD_COL_HIDDEN, "who recommends it" },
	[COL_NOTE] = { "NOTE", VD_COL_STR, VD_COL_HIDDEN, "what else to know" },
	[COL_LINES] = { "LINES", VD_COL_NUM, VD_COL_HIDDEN, "lines in the measured run" },
	[COL_BYTES] = { "BYTES", VD_COL_BYTES, VD_COL_HIDDEN, "bytes in the measured run" },
	[COL_LEFT_OUT] = { "LEFT_OUT", VD_COL_FLAGS, VD_COL_JSON_ONLY, "items that match nothing in this version" },
	[COL_LOG_LEVEL] = { "LOG_LEVEL", VD_COL_NUM, VD_COL_JSON_ONLY, "what log_level has to be set to as well" },
	[COL_WAYS] = { "WAYS", VD_COL_VALUE, VD_COL_JSON_ONLY, "with a topic: how to use it, with commands and undo" },
};

/* --- text --------------------------------------------------------------------------------------------------------- */

static const char *get(const struct vd_value *way, const char *key)
{
	return vd_value_get_str(vd_value_find(way, key), NULL);
}

static void show_commands(struct vd_suggestion *s, const struct vd_value *commands)
{
	for (size_t i = 0; i < vd_value_count(commands); i++) {
		const struct vd_value *command = vd_value_item(commands, i);
		size_t n = vd_value_count(command);
		const char **argv = calloc(n + 1, sizeof(*argv));
		const char *line;

		vd_need_memory(argv != NULL);
		for (size_t a = 0; a < n; a++)
			argv[a] = vd_value_get_str(vd_value_item(command, a), NULL);
		line = vd_shell_line(s->report, argv);
		free(argv);
		if (line)
			vd_report_line(s->report, "  %s", line);
	}
}

static void show_lines(struct vd_suggestion *s, const struct vd_value *lines)
{
	for (size_t i = 0; i < vd_value_count(lines); i++)
		vd_report_line(s->report, "  %s", vd_esc(s->report, vd_value_get_str(vd_value_item(lines, i), NULL)));
}

static void show_heading(struct vd_suggestion *s, const struct vd_value *way)
{
	const char *id = get(way, "id"), *daemon = get(way, "daemon");
	const char *file = get(way, "file") ? vd_esc(s->report, get(way, "file")) : NULL;
	const char *beaten = get(way, "overridden_by");
	bool replaces = vd_value_count(vd_value_find(way, "replaces_lines"));

	vd_report_line(s->report, "%s", "");
	if (!strcmp(id, "virt-admin"))
		vd_report_mark(s->report, VD_HUE_BOLD, "now: %s, until it ends", daemon);
	else if (!strcmp(id, "conf"))
		vd_report_mark(s->report, VD_HUE_BOLD, "lasting: in %s%s", file,
		               replaces ? ", in place of the lines there" : "");
	else if (!strcmp(id, "environment") && replaces)
		vd_report_mark(s->report, VD_HUE_BOLD, "environment: in %s, in place of the lines there", file);
	else if (!strcmp(id, "environment"))
		vd_report_mark(s->report, VD_HUE_BOLD, "environment: a drop-in %s", file);
	else
		vd_report_mark(s->report, VD_HUE_BOLD, "client: for one command; append 2>FILE to keep the log");
	if (beaten)
		vd_report_mark(s->report, VD_HUE_WARN, " overridden: %s, which wins over this file",
		               vd_esc(s->report, beaten));
}

static void show_way(struct vd_suggestion *s, const struct vd_value *way)
{
	const struct vd_value *undo = vd_value_find(way, "undo"), *old = vd_value_find(way, "undo_lines");

	show_heading(s, way);
	if (vd_value_find(way, "lines")) {
		show_lines(s, vd_value_find(way, "lines"));
		vd_report_line(s->report, " then:");
	}
	show_commands(s, vd_value_find(way, "commands"));
	if (!vd_value_count(undo))
		return;
	if (old)
		vd_report_line(s->report, " undo: %s",
		               vd_value_count(old) ? "put back what was there" : "remove the lines");
	else
		vd_report_line(s->report, " undo:");
	show_lines(s, old);
	show_commands(s, undo);
}

static void show_daemon(struct vd_suggestion *s, const struct vd_target *t)
{
	const struct vd_daemon_place *p = &t->place;
	const char *conf = vd_esc(s->report, t->conf);

	if (p->sure == VD_DAEMON_FOUND && p->evidence)
		vd_report_line(s->report, "  daemon   %s (%s)", p->name, vd_esc(s->report, p->evidence));
	else if (p->sure == VD_DAEMON_FOUND)
		vd_report_line(s->report, "  daemon   %s", p->name);
	else
		vd_report_line(s->report,
		               "  daemon   %s, or libvirtd where there are no modular daemons: %s (--daemon)", p->name,
		               p->sure == VD_DAEMON_EITHER ? "both are here" : "no trace of either here");
	if (t->old_filters || t->old_outputs)
		vd_report_line(s->report, "           %s sets log_filters \"%s\", log_outputs \"%s\"", conf,
		               vd_esc(s->report, t->old_filters ? t->old_filters : ""),
		               vd_esc(s->report, t->old_outputs ? t->old_outputs : ""));
	for (int i = 0; i < (int)VD_ARRAY_SIZE(t->now); i++) {
		const char *where = t->now[i].where ? vd_esc(s->report, t->now[i].where) : NULL;
		const char *what = vd_log_setting_name((enum vd_log_setting)i);

		if (where && t->now[i].value)
			vd_report_line(s->report, "           %s says: %s \"%s\"", where, what,
			               vd_esc(s->report, t->now[i].value));
		else if (where)
			vd_report_line(s->report,
			               "           %s sets %s with control characters: the undo cannot put that back",
			               where, what);
	}
	if (t->now_unknown)
		vd_report_line(s->report,
		               "           what it uses now is not known: the undo sets what its next start would use");
	if (t->unknown)
		vd_report_line(s->report, "           what %s sets is unknown: the undo assumes that it sets nothing",
		               conf);
	if (strcmp(p->name, "libvirtd"))
		vd_report_line(s->report,
		               "           nothing rotates %s.log by default (9.0.0 ships that for libvirtd.log): "
		               "watch its size",
		               p->name);
}

static void show_topic(struct vd_suggestion *s, const struct vd_topic *t)
{
	vd_report_mark(s->report, VD_HUE_BOLD, "%s: %s", t->id, t->title);
	vd_report_line(s->report, "  shows    %s", t->shows);
	vd_report_line(s->report, "  source   %s", strcmp(t->source, "own") ? t->source : "virtdiag's own proposal");
	if (t->lines)
		vd_report_line(s->report,
		               "  volume   %s: %u lines, %u bytes in a run of nine client calls around one guest",
		               t->volume ? t->volume : "-", t->lines, t->bytes);
	else
		vd_report_line(s->report, "  volume   %s", t->volume ? t->volume : "not measured");
	if (t->note)
		vd_report_line(s->report, "  note     %s", t->note);
}

static void show_filters(struct vd_suggestion *s)
{
	vd_report_line(s->report, "  filters  %s", *s->filters ? s->filters : "-");
	if (s->log_level)
		vd_report_line(s->report,
		               "           with log_level = %u: before libvirt 4.4.0 no filter means everything",
		               s->log_level);
	for (size_t i = 0; i < s->left_out.len; i++)
		vd_report_line(s->report, "           without %s, which matches nothing in this version",
		               s->left_out.items[i]);
}

/* From 0.9.0 until 1.2.3 each message went through a ring buffer, logged or not. */
static const char ring_note[] =
        "the daemon formats every message into a ring buffer, wanted or not: log_buffer_size = 0 "
        "in its configuration turns that off";

static bool has_ring_buffer(const struct vd_suggestion *s)
{
	return s->version >= VD_VERSION(0, 9, 0) && s->version < VD_VERSION(1, 2, 3);
}

static void show_text(struct vd_suggestion *s, const struct vd_target *targets, size_t n)
{
	for (size_t i = 0; i < s->count; i++)
		show_topic(s, s->topics[i]);
	if (s->count > 1)
		vd_report_line(s->report, "all of it:");
	show_filters(s);
	for (size_t i = 0; i < n; i++)
		show_daemon(s, &targets[i]);
	if (has_ring_buffer(s))
		vd_report_line(s->report, "  note     %s", ring_note);
	for (size_t i = 0; i < vd_value_count(s->ways); i++)
		show_way(s, vd_value_item(s->ways, i));
}

/* --- --format ----------------------------------------------------------------------------------------------------- */

/* NAME='VALUE' reads the same in a shell and in a systemd EnvironmentFile. */
static void show_variable(struct vd_suggestion *s, const char *name, const char *value)
{
	VD_AUTO_BUF line = VD_BUF_INIT;

	vd_need_memory(vd_buf_addf(&line, "%s=", name) == 0);
	vd_need_memory(vd_buf_add_shell(&line, value) == 0);
	vd_report_line(s->report, "%s", line.data);
}

static void show_formatted(struct vd_suggestion *s, const struct vd_value *way, const char *format_name)
{
	if (!strcmp(format_name, "virt-admin")) {
		const struct vd_value *commands = vd_value_find(way, "commands");

		for (size_t i = 0; i < vd_value_count(commands); i++) {
			const char *argv[16] = { NULL };
			const struct vd_value *command = vd_value_item(commands, i);
			const char *line;

			for (size_t a = 0; a < vd_value_count(command) && a < VD_ARRAY_SIZE(argv) - 1; a++)
				argv[a] = vd_value_get_str(vd_value_item(command, a), NULL);
			line = vd_shell_line(s->report, argv);
			if (line)
				vd_report_line(s->report, "%s", line);
		}
		return;
	}
	if (!strcmp(format_name, "conf")) {
		const struct vd_value *lines = vd_value_find(way, "lines");

		for (size_t i = 0; i < vd_value_count(lines); i++)
			vd_report_line(s->report, "%s", vd_value_get_str(vd_value_item(lines, i), NULL));
		return;
	}
	if (s->log_level) {
		VD_AUTO_BUF level = VD_BUF_INIT;

		vd_need_memory(vd_buf_addf(&level, "%u", s->log_level) == 0);
		show_variable(s, "LIBVIRT_DEBUG", level.data);
	}
	show_variable(s, "LIBVIRT_LOG_FILTERS", get(way, "filters"));
	show_variable(s, "LIBVIRT_LOG_OUTPUTS", get(way, "outputs"));
}

/* Only what was asked for, ready for a file or a shell; several daemons are told apart by a comment. */
static enum vd_exit show_format(struct vd_suggestion *s, const char *name)
{
	const char *id = !strcmp(name, "env") ? (s->only_client ? "client" : "environment") : name;
	const char *cause = "";
	size_t shown = 0, ways = 0;

	if (!strcmp(name, "plain")) {
		vd_report_line(s->report, "%s", s->filters);
		return VD_EXIT_OK;
	}
	for (size_t i = 0; i < vd_value_count(s->ways); i++)
		ways += !strcmp(get(vd_value_item(s->ways, i), "id"), id);
	for (size_t i = 0; i < vd_value_count(s->ways); i++) {
		const struct vd_value *way = vd_value_item(s->ways, i);

		if (strcmp(get(way, "id"), id))
			continue;
		if (ways > 1)
			vd_report_line(s->report, "# %s", get(way, "daemon"));
		if (vd_value_find(way, "overridden_by") && get(way, "overridden_by"))
			vd_warn(s->ctx, "%s, which wins over %s", get(way, "overridden_by"), get(way, "file"));
		show_formatted(s, way, name);
		shown++;
	}
	if (shown)
		return VD_EXIT_OK;
	if (!s->only_client && !s->at_start && !vd_suggest_has_admin(s))
		return vd_usage(s->ctx,
		                s->log_level ? "virt-admin cannot set log_level, which this needs before libvirt 4.4.0"
		                             : "virt-admin sets log filters and outputs from libvirt 3.0.0 on only");
	for (size_t t = 0; t < s->count; t++)
		if (s->only_client || s->topics[t]->use == VD_TOPIC_AT_START)
			cause = s->topics[t]->id;
	return vd_usage(s->ctx,
	                s->only_client ? "%s is for a client, which has only --format env and plain"
	                               : "%s is about the start of a daemon: virt-admin comes too late",
	                cause);
}

/* --- putting it together ------------------------------------------------------------------------------------------ */

static void add_topic_cells(struct vd_row *row, const struct vd_topic *t)
{
	vd_row_str(row, COL_TOPIC, t->id);
	vd_row_str(row, COL_VOLUME, t->volume);
	vd_row_str(row, COL_DAEMON, t->daemon ? t->daemon : t->use == VD_TOPIC_CLIENT ? "client" : "any");
	vd_row_str(row, COL_TITLE, t->title);
	vd_row_str(row, COL_FILTERS, t->filters);
	vd_row_str(row, COL_SHOWS, t->shows);
	vd_row_str(row, COL_SOURCE, t->source);
	vd_row_str(row, COL_NOTE, t->note);
	if (t->lines)
		vd_row_num(row, COL_LINES, t->lines);
	if (t->bytes)
		vd_row_num(row, COL_BYTES, t->bytes);
	for (const char *a = t->aliases; *a;) {
		size_t len = strcspn(a, ",");
		VD_AUTO_FREE char *alias = strndup(a, len);

		vd_need_memory(alias != NULL);
		vd_row_flag(row, COL_ALIASES, alias);
		a += len + (a[len] == ',');
	}
}

static void list_topics(struct vd_report *report, const struct vd_topics *topics)
{
	struct vd_table *table = vd_report_table(report, "suggestions", NULL, 0);

	for (size_t i = 0; i < topics->count; i++)
		add_topic_cells(vd_table_row(table, NULL), &topics->items[i]);
}

static void add_json_row(struct vd_suggestion *s, const struct vd_target *targets, size_t n)
{
	struct vd_table *table = vd_report_table(s->report, "suggestions", NULL, 0);
	struct vd_row *row = vd_table_row(table, NULL);
	VD_AUTO_BUF ids = VD_BUF_INIT;
	VD_AUTO_BUF daemons = VD_BUF_INIT;

	if (s->count == 1)
		add_topic_cells(row, s->topics[0]);
	for (size_t i = 0; i < s->count; i++)
		vd_need_memory(vd_buf_addf(&ids, "%s%s", i ? " " : "", s->topics[i]->id) == 0);
	for (size_t i = 0; i < n; i++)
		vd_need_memory(vd_buf_addf(&daemons, "%s%s", i ? " " : "", targets[i].place.name) == 0);
	vd_row_str(row, COL_TOPIC, ids.data);
	vd_row_str(row, COL_FILTERS, s->filters);
	if (daemons.len)
		vd_row_str(row, COL_DAEMON, daemons.data);
	for (size_t i = 0; i < s->left_out.len; i++)
		vd_row_flag(row, COL_LEFT_OUT, s->left_out.items[i]);
	if (s->log_level)
		vd_row_num(row, COL_LOG_LEVEL, s->log_level);
	if (has_ring_buffer(s))
		vd_report_extra(s->report, "note", vd_value_str(ring_note));
	vd_row_value(row, COL_WAYS, vd_steal(s->ways));
}

static enum vd_exit suggest(struct vd_suggestion *s)
{
	const char *format_name = vd_opt_str(s->ctx, "format", NULL);
	struct vd_target *targets = calloc(s->count + 1, sizeof(*targets));
	enum vd_exit status = VD_EXIT_OK;
	size_t n;

	vd_need_memory(targets != NULL);
	n = vd_suggest_ways(s, vd_opt_str(s->ctx, "daemon", NULL), targets);
	if (format_name)
		status = show_format(s, format_name);
	else if (s->ctx->json)
		add_json_row(s, targets, n);
	else
		show_text(s, targets, n);
	for (size_t i = 0; i < n; i++)
		vd_target_release(&targets[i]);
	free(targets);
	return status;
}

/* Look the topics up; a misspelt one is a usage error. */
static enum vd_exit pick_topics(struct vd_ctx *ctx, const struct vd_topics *topics, int argc, char **argv,
                                const struct vd_topic **ret_picked)
{
	for (int i = 0; i < argc; i++) {
		VD_AUTO_FREE char *near = NULL;

		ret_picked[i] = vd_topics_find(topics, argv[i]);
		if (ret_picked[i])
			continue;
		near = vd_topics_nearest(topics, argv[i]);
		if (near)
			return vd_usage(ctx, "there is no topic '%s'; did you mean '%s'?", argv[i], near);
		return vd_usage(ctx, "there is no topic '%s'; `virtdiag filters suggest` lists them", argv[i]);
	}
	return VD_EXIT_OK;
}

static enum vd_exit suggest_topics(struct vd_ctx *ctx, const struct vd_topics *topics,
                                   const struct vd_catalogue *catalogue, int argc, char **argv)
{
	struct vd_suggestion s = {
		.ctx = ctx, .count = (size_t)argc, .version = catalogue->version, .left_out = VD_STRV_INIT
	};
	VD_AUTO_ERR err = VD_ERR_INIT;
	enum vd_exit status, finished;

	s.topics = calloc((size_t)argc + 1, sizeof(*s.topics));
	vd_need_memory(s.topics != NULL);
	status = pick_topics(ctx, topics, argc, argv, s.topics);
	if (status == VD_EXIT_OK && vd_topics_merge(s.topics, s.count, catalogue, &s.left_out, &s.filters, &err) < 0)
		status = vd_fail(ctx, &err);
	if (status == VD_EXIT_OK) {
		s.report = vd_string_report_new(ctx, catalogue);
		if (!*s.filters && !vd_topics_log_level(s.topics, s.count, s.version))
			vd_report_missing(s.report, argv[0], "no item of its filters is known to match in this version",
			                  true);
		else
			status = suggest(&s);
		finished = vd_report_finish(s.report);
		status = status == VD_EXIT_OK ? finished : status;
	}
	vd_value_free(s.ways);
	vd_daemons_release(&s.daemons);
	vd_strv_release(&s.left_out);
	free(s.filters);
	free(s.topics);
	return status;
}

static enum vd_exit run_suggest(struct vd_ctx *ctx, int argc, char **argv)
{
	VD_AUTO_CATALOGUE catalogue = VD_CATALOGUE_INIT;
	VD_AUTO_TOPICS topics = VD_TOPICS_INIT;
	VD_AUTO_ERR err = VD_ERR_INIT;
	const char *daemon;
	enum vd_exit status;
	struct vd_report *report;

	if (ctx->use_session)
		return vd_usage(ctx, "suggestions are for the daemons of the system; --session is not supported here");
	if (vd_opt_given(ctx, "format") && (ctx->json || !argc))
		return vd_usage(ctx, ctx->json ? "--format and --json exclude each other" : "--format needs a TOPIC");
	status = vd_load_catalogue(ctx, &catalogue);
	daemon = vd_opt_str(ctx, "daemon", NULL);
	if (status == VD_EXIT_OK && daemon && catalogue.version < VD_VERSION(5, 7, 0) && vd_daemon_is_modular(daemon))
		return vd_usage(ctx, "there is no %s before libvirt 5.7.0, only libvirtd", daemon);
	if (status != VD_EXIT_OK)
		return status;
	if (vd_topics_load(&topics, &err) < 0)
		return vd_fail(ctx, &err);
	if (argc)
		return suggest_topics(ctx, &topics, &catalogue, argc, argv);
	report = vd_string_report_new(ctx, &catalogue);
	list_topics(report, &topics);
	return vd_report_finish(report);
}

/* Topics with their titles. */
static void complete_topic(struct vd_ctx *ctx, const char *prefix, struct vd_strv *words)
{
	VD_AUTO_TOPICS topics = VD_TOPICS_INIT;

	(void)ctx;
	if (vd_topics_load(&topics, NULL) < 0)
		return;
	for (size_t i = 0; i < topics.count; i++) {
		VD_AUTO_BUF word = VD_BUF_INIT;

		if (strncmp(topics.items[i].id, prefix, strlen(prefix)))
			continue;
		if (vd_buf_addf(&word, "%s\t%s", topics.items[i].id, topics.items[i].title) < 0 ||
		    vd_strv_add(words, word.data) < 0)
			return;
	}
}

static const char *const formats[] = { "conf", "env", "virt-admin", "plain", NULL };

static const struct vd_opt opts[] = {
	{ .name = "format",
	  .type = VD_OPT_ENUM,
	  .arg = "FORMAT",
	  .words = formats,
	  .help = "print only configuration lines, variables, commands or the bare string" },
	{ .name = "daemon",
	  .type = VD_OPT_ENUM,
	  .arg = "NAME",
	  .words = vd_daemon_names,
	  .help = "for this daemon instead of the one that serves the topic here" },
	VD_OPT_LIBVIRT,
	{ 0 },
};

static const struct vd_arg args[] = {
	{ .name = "TOPIC",
	  .type = VD_OPT_TOPIC,
	  .optional = true,
	  .repeats = true,
	  .help = "a driver or subsystem",
	  .complete = complete_topic },
	{ 0 },
};

static const char *const examples[] = {
	"virtdiag filters suggest",
	"list the topics",
	"virtdiag filters suggest qemu",
	"debug the QEMU driver: what to paste, and how to undo it",
	"virtdiag filters suggest --format plain network cgroup",
	"one filter string for both",
	NULL,
};

extern const struct vd_cmd vd_cmd_filters_suggest;

const struct vd_cmd vd_cmd_filters_suggest = {
	.name = "suggest",
	.summary = "suggest filter strings by topic",
	.description =
	        "With a TOPIC: a filter string for it, how much it logs, which daemon of this host it belongs to, and "
	        "how to use it: at run time, in the configuration, in the environment, each with the outputs it "
	        "needs and with an undo. Several topics are merged into one string. Changes nothing and asks no "
	        "daemon.",
	.examples = examples,
	.opts = opts,
	.args = args,
	.rows = "suggestions",
	.flags = VD_CMD_TABLE,
	.cols = cols,
	.n_cols = VD_ARRAY_SIZE(cols),
	.run = run_suggest,
};
