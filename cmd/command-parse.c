/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command-internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "report.h"
#include "when.h"

static const char *const color_words[] = { "auto", "always", "never", NULL };

const struct vd_opt vd_global_opts[] = {
	{ .name = "root", .type = VD_OPT_PATH, .arg = "DIR", .help = "examine the host captured in DIR, not this one" },
	{ .name = "pid",
	  .type = VD_OPT_NUMBER,
	  .arg = "PID",
	  .min = 1,
	  .max = INT32_MAX,
	  .help = "examine this host as process PID sees it" },
	{ .name = "session",
	  .type = VD_OPT_STRING,
	  .arg = "USER",
	  .optional_value = true,
	  .help = "the session libvirt of USER (default: the caller)" },
	{ .name = "json", .type = VD_OPT_FLAG, .help = "print one JSON document" },
	{ .name = "color",
	  .type = VD_OPT_ENUM,
	  .arg = "WHEN",
	  .optional_value = true,
	  .words = color_words,
	  .help = "colour: auto (default), always or never" },
	{ .name = "no-pager", .type = VD_OPT_FLAG, .help = "do not pipe long output into a pager" },
	{ .name = "utc", .type = VD_OPT_FLAG, .help = "print times in UTC (default)" },
	{ .name = "local", .type = VD_OPT_FLAG, .help = "print times in local time" },
	{ .name = "verbose", .short_name = 'v', .type = VD_OPT_FLAG, .help = "say more; log from level info on" },
	{ .name = "quiet", .short_name = 'q', .type = VD_OPT_FLAG, .help = "no warnings on stderr" },
	{ .name = "strict", .type = VD_OPT_FLAG, .help = "count warnings as problems" },
	{ .name = "log-filters", .type = VD_OPT_FILTERS, .arg = "STRING", .help = "filters of virtdiag's own log" },
	{ .name = "log-outputs", .type = VD_OPT_OUTPUTS, .arg = "STRING", .help = "outputs of virtdiag's own log" },
	{ .name = "help", .short_name = 'h', .type = VD_OPT_FLAG, .help = "show help and exit" },
	{ .name = "version", .short_name = 'V', .type = VD_OPT_FLAG, .help = "show the version and exit" },
	{ 0 },
};

const struct vd_opt vd_table_opts[] = {
	{ .name = "output",
	  .short_name = 'o',
	  .type = VD_OPT_COLUMNS,
	  .arg = "COLUMNS",
	  .help = "columns to show, comma separated; +COLUMNS adds" },
	{ .name = "noheadings", .short_name = 'n', .type = VD_OPT_FLAG, .help = "do not print headings" },
	{ .name = "raw", .short_name = 'r', .type = VD_OPT_FLAG, .help = "rows only, single blanks, unscaled numbers" },
	{ .name = "ascii", .type = VD_OPT_FLAG, .help = "draw trees with ASCII characters" },
	{ 0 },
};

/* --- did you mean ---------------------------------------------------------------------------------------------- */

#define MAX_ECHO 64 /* bytes of a word that a message repeats */

/* @word for a message about it: the start of one that nobody would read to its end. In @buf or as it is. */
static const char *echo(const char *word, char buf[MAX_ECHO + 4])
{
	size_t len = strnlen(word, MAX_ECHO + 1);

	if (len <= MAX_ECHO)
		return word;
	/* Not within a character of UTF-8. */
	for (len = MAX_ECHO; len > MAX_ECHO - 3 && ((unsigned char)word[len] & 0xc0) == 0x80; len--)
		continue;
	memcpy(buf, word, len);
	memcpy(buf + len, "...", 4);
	return buf;
}

/* The nearest name of a command, or of an option ("--name"), as " (did you mean ...?)"; "" when nothing is near. */
static const char *meant_cmd(const struct vd_cmd *const *list, const char *word, char *buf, size_t size)
{
	const char *names[64], *near;
	size_t n = 0;

	for (; *list && n + 1 < VD_ARRAY_SIZE(names); list++)
		if (!((*list)->flags & VD_CMD_HIDDEN))
			names[n++] = (*list)->name;
	names[n] = NULL;
	near = vd_nearest(word, names);
	snprintf(buf, size, "%s%s%s", near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	return buf;
}

static const char *meant_opt(const struct vd_cmd *cmd, const char *name, char *buf, size_t size)
{
	const struct vd_opt *lists[] = { cmd ? cmd->opts : NULL,
		                         cmd && cmd->flags & VD_CMD_TABLE ? vd_table_opts : NULL, vd_global_opts };
	const char *names[128], *near;
	size_t n = 0;

	for (size_t i = 0; i < VD_ARRAY_SIZE(lists); i++)
		for (const struct vd_opt *o = lists[i]; o && o->name && n + 1 < VD_ARRAY_SIZE(names); o++)
			names[n++] = o->name;
	names[n] = NULL;
	near = vd_nearest(name, names);
	snprintf(buf, size, "%s%s%s", near ? "; did you mean '--" : "", near ? near : "", near ? "'?" : "");
	return buf;
}

/* --- values ---------------------------------------------------------------------------------------------------- */

static enum vd_exit VD_PRINTF(2, 3) usage(struct vd_parse *p, const char *fmt, ...)
{
	VD_AUTO_FREE char *text = NULL;
	va_list ap;

	if (p->lenient)
		return VD_EXIT_USAGE;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	return vd_usage(p->ctx, "%s", text ? text : "out of memory");
}

static void join_words(const char *const *words, struct vd_buf *buf)
{
	for (size_t i = 0; words[i]; i++)
		if (vd_buf_addf(buf, "%s%s", i ? ", " : "", words[i]) < 0)
			return;
}

static enum vd_exit check_number(struct vd_parse *p, const struct vd_opt *o, const char *value, long *ret_number)
{
	bool ranged = o->min || o->max;
	char *end;
	long n;

	errno = 0;
	n = strtol(value, &end, 10);
	if (!*value || *end || isspace((unsigned char)*value) || *value == '+')
		return usage(p, "--%s: '%s' is not a whole number", o->name, value);
	if (errno || (ranged && (n < o->min || n > o->max))) {
		if (ranged)
			return usage(p, "--%s: %s is not between %ld and %ld", o->name, value, o->min, o->max);
		return usage(p, "--%s: %s is too large", o->name, value);
	}
	*ret_number = n;
	return VD_EXIT_OK;
}

static enum vd_exit check_columns(struct vd_parse *p, const char *value)
{
	const struct vd_cmd *cmd = p->cmd;
	VD_AUTO_BUF valid = VD_BUF_INIT;
	const char *s = value + (*value == '+');
	bool bad = false;
	size_t len = 0;

	for (;; s += len + 1) {
		len = strcspn(s, ",");
		if (!vd_find_col(cmd->cols, cmd->n_cols, s, len)) {
			bad = true;
			break;
		}
		if (!s[len])
			break;
	}
	if (!bad)
		return VD_EXIT_OK;
	for (size_t i = 0; i < cmd->n_cols; i++)
		if (vd_find_col(&cmd->cols[i], 1, cmd->cols[i].name, strlen(cmd->cols[i].name)) &&
		    vd_buf_addf(&valid, "%s%s", valid.len ? ", " : "", cmd->cols[i].name) < 0)
			break;
	return usage(p, "unknown column '%.*s'; columns are %s", (int)len, s, vd_buf_str(&valid));
}

static enum vd_exit check_word(struct vd_parse *p, const char *what, const char *const *words, const char *value)
{
	VD_AUTO_BUF list = VD_BUF_INIT;
	const char *near;

	for (size_t i = 0; words[i]; i++)
		if (!strcmp(words[i], value))
			return VD_EXIT_OK;
	join_words(words, &list);
	near = vd_nearest(value, words);
	if (near)
		return usage(p, "%s: '%s' is not one of %s; did you mean '%s'?", what, value, vd_buf_str(&list), near);
	return usage(p, "%s: '%s' is not one of %s", what, value, vd_buf_str(&list));
}

static enum vd_exit check_value(struct vd_parse *p, struct vd_optval *v)
{
	const struct vd_opt *o = v->opt;
	char what[128];

	if (!v->value)
		return VD_EXIT_OK;
	snprintf(what, sizeof(what), "--%s", o->name);
	switch (o->type) {
	case VD_OPT_NUMBER:
		return check_number(p, o, v->value, &v->number);
	case VD_OPT_DURATION:
		switch (vd_duration_parse(v->value, &v->usec)) {
		case 0:
			return VD_EXIT_OK;
		case -ERANGE:
			return usage(p, "--%s: %s is too long", o->name, v->value);
		default:
			return usage(p, "--%s: '%s' is not a duration; write 90, 5s, 10min, 2h or '1d 3h'", o->name,
			             v->value);
		}
	case VD_OPT_ENUM:
		return check_word(p, what, o->words, v->value);
	case VD_OPT_COLUMNS:
		return check_columns(p, v->value);
	case VD_OPT_PATH:
	case VD_OPT_GUEST:
		return *v->value ? VD_EXIT_OK : usage(p, "--%s: the %s is empty", o->name, o->arg);
	default:
		return VD_EXIT_OK;
	}
}

/* --- words ----------------------------------------------------------------------------------------------------- */

static bool is_opt(const struct vd_opt *o, const char *name)
{
	return !strcmp(o->name, name);
}

static void apply_global(struct vd_parse *p, const struct vd_optval *v)
{
	static const struct {
		const char *name;
		size_t offset;
		bool value;
	} flags[] = {
		{ "json", offsetof(struct vd_ctx, json), true },
		{ "no-pager", offsetof(struct vd_ctx, no_pager), true },
		{ "utc", offsetof(struct vd_ctx, local_time), false },
		{ "local", offsetof(struct vd_ctx, local_time), true },
		{ "verbose", offsetof(struct vd_ctx, verbose), true },
		{ "quiet", offsetof(struct vd_ctx, quiet), true },
		{ "strict", offsetof(struct vd_ctx, strict), true },
		{ "noheadings", offsetof(struct vd_ctx, no_headings), true },
		{ "raw", offsetof(struct vd_ctx, raw), true },
		{ "ascii", offsetof(struct vd_ctx, ascii), true },
	};
	const struct vd_opt *o = v->opt;

	for (size_t i = 0; i < VD_ARRAY_SIZE(flags); i++)
		if (is_opt(o, flags[i].name))
			*(bool *)((char *)p->ctx + flags[i].offset) = flags[i].value;
	if (is_opt(o, "root")) {
		p->ctx->root_dir = v->value;
	} else if (is_opt(o, "pid")) {
		p->ctx->pid = v->number;
	} else if (is_opt(o, "session")) {
		p->ctx->use_session = true;
		p->ctx->session_user = v->value ? v->value : "";
	} else if (is_opt(o, "color")) {
		p->ctx->color = !v->value || !strcmp(v->value, "always") ? VD_COLOR_ALWAYS
		                : !strcmp(v->value, "never")             ? VD_COLOR_NEVER
		                                                         : VD_COLOR_AUTO;
	} else if (is_opt(o, "output")) {
		p->ctx->columns = v->value;
	} else if (is_opt(o, "log-filters")) {
		p->ctx->log_filters = v->value;
	} else if (is_opt(o, "log-outputs")) {
		p->ctx->log_outputs = v->value;
	} else if (is_opt(o, "help")) {
		p->want_help = true;
	} else if (is_opt(o, "version")) {
		p->want_version = true;
	}
}

static enum vd_exit store(struct vd_parse *p, const struct vd_opt *o, const char *value)
{
	struct vd_optval v = { .opt = o, .value = value }, *values;
	enum vd_exit status = check_value(p, &v);

	if (status != VD_EXIT_OK)
		return status;
	if (!vd_is_own_opt(p->cmd, o)) {
		apply_global(p, &v);
		return VD_EXIT_OK;
	}
	values = realloc(p->ctx->values, (p->ctx->n_values + 1) * sizeof(*values));
	if (!values)
		return usage(p, "out of memory");
	p->ctx->values = values;
	values[p->ctx->n_values++] = v;
	return VD_EXIT_OK;
}

/* An option without a known command: is it one of a command, given too early? */
static bool is_too_early(const char *name, size_t len, char letter, const struct vd_cmd *const *list, int depth)
{
	for (; list && *list; list++) {
		const struct vd_opt *o = name ? vd_find_long(*list, name, len) : vd_find_short(*list, letter);

		if (o || (depth && is_too_early(name, len, letter, (*list)->verbs, depth - 1)))
			return true;
	}
	return false;
}

static enum vd_exit long_option(struct vd_parse *p, char *word)
{
	const char *name = word + 2, *value = strchr(name, '=');
	size_t len = value ? (size_t)(value - name) : strlen(name);
	const struct vd_opt *o = vd_find_long(p->cmd, name, len);
	char hint[128];

	if (!o) {
		VD_AUTO_FREE char *typed = strndup(name, len);

		if (!p->cmd && is_too_early(name, len, 0, p->group ? p->group->verbs : vd_commands, 1))
			return usage(p, "option '--%s' belongs behind the command it is for", typed ? typed : name);
		if (!p->cmd)
			return usage(p, "unknown option '--%s'%s", typed ? typed : name,
			             meant_opt(NULL, typed ? typed : name, hint, sizeof(hint)));
		return usage(p, "unknown option '--%s' for '%s'%s", typed ? typed : name, p->ctx->command_name,
		             meant_opt(p->cmd, typed ? typed : name, hint, sizeof(hint)));
	}
	if (o->type == VD_OPT_FLAG && value)
		return usage(p, "option '--%s' takes no value", o->name);
	if (o->type == VD_OPT_FLAG || value || o->optional_value)
		return store(p, o, value ? value + 1 : NULL);
	p->pending = o;
	return VD_EXIT_OK;
}

static enum vd_exit short_options(struct vd_parse *p, char *word)
{
	enum vd_exit status = VD_EXIT_OK;

	for (char *c = word + 1; *c && status == VD_EXIT_OK; c++) {
		const struct vd_opt *o = vd_find_short(p->cmd, *c);

		if (!o && isdigit((unsigned char)word[1]))
			return usage(p, "'%s' looks like an option; put -- before it to pass it as an argument", word);
		if (!o && !p->cmd && is_too_early(NULL, 0, *c, p->group ? p->group->verbs : vd_commands, 1))
			return usage(p, "option '-%c' belongs behind the command it is for", *c);
		if (!o)
			return usage(p, "unknown option '-%c'%s%s%s", *c, p->cmd ? " for '" : "",
			             p->cmd ? p->ctx->command_name : "", p->cmd ? "'" : "");
		if (o->type == VD_OPT_FLAG) {
			status = store(p, o, NULL);
		} else if (c[1] || o->optional_value) {
			return store(p, o, c[1] ? c + 1 : NULL);
		} else {
			p->pending = o;
		}
	}
	return status;
}

static enum vd_exit name_command(struct vd_parse *p, const char *word)
{
	const struct vd_cmd *const *list = p->group ? p->group->verbs : vd_commands;
	const struct vd_cmd *cmd = vd_find_cmd(list, word);
	char hint[128], name[128], start[MAX_ECHO + 4];

	if (!cmd && p->group)
		return usage(p, "'%s' has no command '%s'%s", p->group->name, echo(word, start),
		             meant_cmd(list, word, hint, sizeof(hint)));
	if (!cmd)
		return usage(p, "unknown command '%s'%s", echo(word, start), meant_cmd(list, word, hint, sizeof(hint)));
	free(p->ctx->command_name);
	p->ctx->command_name = strdup(vd_cmd_full_name(p->group, cmd, name, sizeof(name)));
	if (!p->ctx->command_name)
		return usage(p, "out of memory");
	if (cmd->verbs)
		p->group = cmd;
	else
		p->ctx->cmd = p->cmd = cmd;
	return VD_EXIT_OK;
}

static int count_required(const struct vd_cmd *cmd)
{
	int n = 0;

	for (const struct vd_arg *a = cmd->args; a && a->name && !a->optional; a++)
		n++;
	return n;
}

static enum vd_exit operand(struct vd_parse *p, char *word)
{
	const struct vd_arg *a;
	char **operands, start[MAX_ECHO + 4];

	if (!p->cmd)
		return name_command(p, word);
	a = vd_arg_at(p->cmd, p->n_operands);
	if (!a && !p->want_help)
		return usage(p, "unexpected argument '%s'", echo(word, start));
	if (a && a->type == VD_OPT_PATH && !*word)
		return usage(p, "the %s is empty", a->name);
	if (a && a->type == VD_OPT_ENUM && check_word(p, a->name, a->words, word) != VD_EXIT_OK)
		return VD_EXIT_USAGE;
	operands = realloc(p->operands, ((size_t)p->n_operands + 2) * sizeof(*operands));
	if (!operands)
		return usage(p, "out of memory");
	p->operands = operands;
	operands[p->n_operands++] = word;
	operands[p->n_operands] = NULL;
	if (p->cmd->flags & VD_CMD_STOP_AT_COMMAND && p->n_operands > count_required(p->cmd))
		p->ended = true;
	return VD_EXIT_OK;
}

enum vd_exit vd_parse_word(struct vd_parse *p, char *word)
{
	const struct vd_opt *pending = p->pending;

	p->pending = NULL;
	if (pending)
		return store(p, pending, word);
	if (p->ended || word[0] != '-' || !word[1])
		return operand(p, word);
	if (!strcmp(word, "--")) {
		p->ended = true;
		return VD_EXIT_OK;
	}
	return word[1] == '-' ? long_option(p, word) : short_options(p, word);
}

static enum vd_exit check_combination(struct vd_parse *p)
{
	const struct vd_ctx *ctx = p->ctx;

	if (ctx->root_dir && ctx->pid)
		return usage(p, "--root and --pid exclude each other");
	if (ctx->root_dir && p->cmd->flags & VD_CMD_LIVE_ONLY)
		return usage(p, "'%s' works on this machine only: --root is not possible", ctx->command_name);
	if (ctx->json && p->cmd->flags & VD_CMD_NO_JSON)
		return usage(p, "'%s' has no --json", ctx->command_name);
	return VD_EXIT_OK;
}

enum vd_exit vd_parse_finish(struct vd_parse *p)
{
	int n = 0;

	if (p->pending && p->pending->short_name)
		return usage(p, "option '-%c/--%s' needs a value: %s", p->pending->short_name, p->pending->name,
		             p->pending->arg);
	if (p->pending)
		return usage(p, "option '--%s' needs a value: %s", p->pending->name, p->pending->arg);
	if (p->want_help || p->want_version)
		return VD_EXIT_OK;
	if (!p->cmd)
		return usage(p, "'%s' needs a command", p->group->name);
	for (const struct vd_arg *a = p->cmd->args; a && a->name; a++, n++)
		if (!a->optional && n >= p->n_operands)
			return usage(p, "missing argument %s", a->name);
	return check_combination(p);
}

void vd_parse_release(struct vd_parse *p)
{
	free(p->operands);
	p->operands = NULL;
	p->n_operands = 0;
}
