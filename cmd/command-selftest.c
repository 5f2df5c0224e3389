/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command-internal.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

/* virtdiag __selftest: mistakes in the command tables that the compiler cannot see. */

#define MAX_SUMMARY 60
#define MAX_HELP    100

struct selftest {
	char name[128]; /* of the command that is looked at */
	unsigned bad, commands, options, examples;
};

static void VD_PRINTF(2, 3) fault(struct selftest *t, const char *fmt, ...)
{
	va_list ap;

	printf("%s: ", t->name);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	t->bad++;
}

/* A line of help: there, short, without a full stop. */
static void check_line(struct selftest *t, const char *what, const char *name, const char *line, size_t max)
{
	size_t len = line ? strlen(line) : 0;

	if (!len)
		fault(t, "%s %s has no text", what, name);
	else if (len > max)
		fault(t, "%s %s: %zu characters, at most %zu", what, name, len, max);
	else if (line[len - 1] == '.' && strcmp(line + len - (len < 3 ? len : 3), "..."))
		fault(t, "%s %s ends with a full stop", what, name);
}

static bool is_name(const char *s)
{
	if (!islower((unsigned char)*s))
		return false;
	for (; *s; s++)
		if (!islower((unsigned char)*s) && !isdigit((unsigned char)*s) && *s != '-')
			return false;
	return true;
}

static const struct vd_opt *same_option(const struct vd_opt *list, const struct vd_opt *o)
{
	for (; list && list->name; list++)
		if (list != o && (!strcmp(list->name, o->name) || (o->short_name && list->short_name == o->short_name)))
			return list;
	return NULL;
}

static void check_option(struct selftest *t, const struct vd_cmd *cmd, const struct vd_opt *o)
{
	bool flag = o->type == VD_OPT_FLAG;

	t->options++;
	if (!is_name(o->name))
		fault(t, "option %s: not a name", o->name);
	check_line(t, "option", o->name, o->help, MAX_HELP);
	if (flag != !o->arg)
		fault(t, "option %s: flags and only flags have no name for a value", o->name);
	if ((o->type == VD_OPT_ENUM) != (o->words && o->words[0]))
		fault(t, "option %s: enums and only enums have words", o->name);
	if (o->type == VD_OPT_NUMBER && o->min > o->max)
		fault(t, "option %s: empty range", o->name);
	if (flag && o->optional_value)
		fault(t, "option %s: a flag has no value", o->name);
	if (o->type == VD_OPT_TOPIC && !o->complete)
		fault(t, "option %s: topics need a callback to be completed", o->name);
	if (cmd && (same_option(cmd->opts, o) || same_option(vd_global_opts, o) ||
	            (cmd->flags & VD_CMD_TABLE && same_option(vd_table_opts, o))))
		fault(t, "option %s: name or letter is taken", o->name);
}

static void check_arguments(struct selftest *t, const struct vd_cmd *cmd)
{
	bool optional = false, repeats = false;

	for (const struct vd_arg *a = cmd->args; a && a->name; a++) {
		check_line(t, "argument", a->name, a->help, MAX_HELP);
		if (repeats)
			fault(t, "argument %s: stands behind one that repeats", a->name);
		if (optional && !a->optional)
			fault(t, "argument %s: required, behind an optional one", a->name);
		if ((a->type == VD_OPT_ENUM) != (a->words && a->words[0]))
			fault(t, "argument %s: enums and only enums have words", a->name);
		if (a->type == VD_OPT_FLAG || a->type == VD_OPT_NUMBER || a->type == VD_OPT_DURATION ||
		    a->type == VD_OPT_COLUMNS)
			fault(t, "argument %s: not a type for arguments", a->name);
		optional |= a->optional;
		repeats |= a->repeats;
	}
}

static void check_columns(struct selftest *t, const struct vd_cmd *cmd)
{
	if (!(cmd->flags & VD_CMD_TABLE) != !cmd->n_cols)
		fault(t, "tables and only tables have columns");
	if (cmd->flags & VD_CMD_TABLE && !cmd->rows)
		fault(t, "a table needs the name of its rows in JSON");
	for (size_t i = 0; i < cmd->n_cols; i++) {
		const char *name = cmd->cols[i].name;

		if (!name) {
			fault(t, "column %zu has no name", i);
			continue;
		}
		check_line(t, "column", name, cmd->cols[i].help, MAX_HELP);
		for (const char *p = name; *p; p++)
			if (islower((unsigned char)*p) || strchr(" ,+", *p))
				fault(t, "column %s: not a name", name);
		for (size_t k = 0; k < i; k++)
			if (cmd->cols[k].name && !strcmp(cmd->cols[k].name, name))
				fault(t, "column %s: twice", name);
	}
}

/* --- examples -------------------------------------------------------------------------------------------------- */

/* Split @line at blanks outside quotes, as far as a pipe, a redirection or the next command. */
static void split_words(const char *line, struct vd_strv *words)
{
	VD_AUTO_BUF word = VD_BUF_INIT;
	bool started = false;
	char quote = 0;

	for (const char *p = line; *p && (quote || !strchr("|<>&;", *p)); p++) {
		if (quote ? *p == quote : *p == '\'' || *p == '"') {
			quote = quote ? 0 : *p;
			started = true;
		} else if (*p == ' ' && !quote) {
			if (started && vd_strv_add(words, vd_buf_str(&word)) < 0)
				return;
			vd_buf_clear(&word);
			started = false;
		} else if (vd_buf_addc(&word, *p) < 0) {
			return;
		} else {
			started = true;
		}
	}
	if (started && vd_strv_add(words, vd_buf_str(&word)) < 0)
		return;
}

static void check_example(struct selftest *t, const struct vd_cmd *owner, const char *line)
{
	VD_AUTO_STRV words = VD_STRV_INIT;
	struct vd_ctx ctx = { 0 };
	struct vd_parse p = { .ctx = &ctx };
	size_t start = 0;
	bool ok = true;

	t->examples++;
	split_words(line, &words);
	while (start < words.len && strcmp(words.items[start], "virtdiag"))
		start++;
	if (start == words.len) {
		fault(t, "example without virtdiag: %s", line);
		return;
	}
	for (size_t i = start + 1; i < words.len && ok; i++)
		ok = vd_parse_word(&p, words.items[i]) == VD_EXIT_OK;
	if (!ok || vd_parse_finish(&p) != VD_EXIT_OK)
		fault(t, "example cannot be parsed: %s", line);
	else if (p.cmd != owner && p.group != owner)
		fault(t, "example of another command: %s", line);
	vd_parse_release(&p);
	vd_ctx_release(&ctx);
}

/* --- commands -------------------------------------------------------------------------------------------------- */

static void check_command(struct selftest *t, const struct vd_cmd *group, const struct vd_cmd *cmd)
{
	const char *const *e = cmd->examples;

	t->commands++;
	vd_cmd_full_name(group, cmd, t->name, sizeof(t->name));
	if (!(cmd->flags & VD_CMD_HIDDEN) && !is_name(cmd->name))
		fault(t, "not a name");
	check_line(t, "summary of", cmd->name, cmd->summary, MAX_SUMMARY);
	if (!cmd->verbs == !cmd->run)
		fault(t, "has verbs or a function, not both and not neither");
	if (group && cmd->verbs)
		fault(t, "a verb has no verbs");
	for (const struct vd_opt *o = cmd->opts; o && o->name; o++)
		check_option(t, cmd, o);
	check_arguments(t, cmd);
	check_columns(t, cmd);
	for (; e && e[0]; e += 2) {
		check_example(t, cmd, e[0]);
		if (!e[1]) {
			fault(t, "example without a text: %s", e[0]);
			break;
		}
	}
}

static void check_list(struct selftest *t, const struct vd_cmd *const *list, const struct vd_cmd *group)
{
	for (size_t i = 0; list[i]; i++) {
		check_command(t, group, list[i]);
		for (size_t k = 0; k < i; k++)
			if (!strcmp(list[i]->name, list[k]->name))
				fault(t, "the name is taken");
		if (list[i]->verbs && !group)
			check_list(t, list[i]->verbs, list[i]);
	}
}

static enum vd_exit run_selftest(struct vd_ctx *ctx VD_UNUSED, int argc VD_UNUSED, char **argv VD_UNUSED)
{
	struct selftest t = { .name = "virtdiag" };

	for (const struct vd_opt *o = vd_global_opts; o->name; o++)
		check_option(&t, NULL, o);
	for (const struct vd_opt *o = vd_table_opts; o->name; o++)
		check_option(&t, NULL, o);
	check_list(&t, vd_commands, NULL);
	printf("%u commands, %u options, %u examples: %u faults\n", t.commands, t.options, t.examples, t.bad);
	return t.bad ? VD_EXIT_PROBLEM : VD_EXIT_OK;
}

const struct vd_cmd vd_cmd_selftest = {
	.name = "__selftest",
	.summary = "check the command tables for mistakes",
	.flags = VD_CMD_HIDDEN | VD_CMD_NO_HOST | VD_CMD_NO_JSON,
	.run = run_selftest,
};
