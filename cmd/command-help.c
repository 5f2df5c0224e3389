/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command-internal.h"

#include <string.h>

#include "report.h"

#define WIDTH 80

/* --- layout ---------------------------------------------------------------------------------------------------- */

/*
 * Print @text wrapped at words, each line indented by @indent; the cursor stands at @at already. A newline in the
 * text ends a paragraph.
 */
static void wrap(FILE *out, const char *text, int indent, int at)
{
	while (*text) {
		int len = (int)strcspn(text, " \n");

		if (at > indent && at + 1 + len > WIDTH - 1) {
			fputc('\n', out);
			at = 0;
		}
		if (at < indent)
			at += fprintf(out, "%*s", indent - at, "");
		else if (at > indent)
			at += fprintf(out, " ");
		at += fprintf(out, "%.*s", len, text);
		text += len;
		if (*text == '\n') {
			fputc('\n', out);
			at = 0;
		}
		text += *text ? 1 : 0;
	}
	fputc('\n', out);
}

/* "  LEFT   help", the help from @column on, on a line of its own when LEFT is too long. */
static void entry(FILE *out, const char *left, const char *help, int column)
{
	int at = fprintf(out, "  %s", left);

	if (at + 2 > column) {
		fputc('\n', out);
		at = 0;
	}
	at += fprintf(out, "%*s", column - at, "");
	wrap(out, help, column, at);
}

static void option_left(const struct vd_opt *o, char *buf, size_t size)
{
	char letter[8] = "    ";

	if (o->short_name)
		snprintf(letter, sizeof(letter), "-%c, ", o->short_name);
	if (!o->arg)
		snprintf(buf, size, "%s--%s", letter, o->name);
	else if (o->optional_value)
		snprintf(buf, size, "%s--%s[=%s]", letter, o->name, o->arg);
	else
		snprintf(buf, size, "%s--%s %s", letter, o->name, o->arg);
}

static void options(FILE *out, const char *title, const struct vd_opt *opts)
{
	char left[128];

	if (!opts || !opts->name)
		return;
	fprintf(out, "\n%s:\n", title);
	for (; opts->name; opts++) {
		VD_AUTO_BUF help = VD_BUF_INIT;

		option_left(opts, left, sizeof(left));
		if (vd_buf_adds(&help, opts->help) < 0)
			return;
		/* The words, unless the help names them already. */
		for (size_t i = 0; opts->words && !strstr(opts->help, opts->words[0]) && opts->words[i]; i++)
			if (vd_buf_addf(&help, "%s%s", i ? ", " : ": ", opts->words[i]) < 0)
				return;
		entry(out, left, vd_buf_str(&help), 28);
	}
}

int vd_cmd_synopsis(const struct vd_cmd *cmd, struct vd_buf *buf)
{
	int r = vd_buf_adds(buf, "[OPTIONS]");

	for (const struct vd_arg *a = cmd->args; a && a->name && !r; a++)
		r = vd_buf_addf(buf, a->optional ? " [%s%s]" : " %s%s", a->name, a->repeats ? "..." : "");
	return r;
}

const char *vd_cmd_full_name(const struct vd_cmd *group, const struct vd_cmd *cmd, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s%s", group ? group->name : "", group ? " " : "", cmd->name);
	return buf;
}

/* --- parts of a page ------------------------------------------------------------------------------------------- */

static void list_commands(FILE *out, const struct vd_cmd *const *list)
{
	for (; *list; list++)
		if (!((*list)->flags & VD_CMD_HIDDEN))
			entry(out, (*list)->name, (*list)->summary, 16);
}

static void arguments(FILE *out, const struct vd_arg *args)
{
	if (!args || !args->name)
		return;
	fputs("\nArguments:\n", out);
	for (; args->name; args++) {
		VD_AUTO_BUF help = VD_BUF_INIT;

		if (vd_buf_adds(&help, args->help ? args->help : "") < 0)
			return;
		for (size_t i = 0; args->words && args->words[i]; i++)
			if (vd_buf_addf(&help, "%s%s", i ? ", " : ": ", args->words[i]) < 0)
				return;
		entry(out, args->name, vd_buf_str(&help), 28);
	}
}

static void columns(FILE *out, const struct vd_cmd *cmd)
{
	if (!(cmd->flags & VD_CMD_TABLE))
		return;
	fputs("\nColumns (* only with -o):\n", out);
	for (size_t i = 0; i < cmd->n_cols; i++) {
		const struct vd_col *c = &cmd->cols[i];
		char left[64];

		if (!vd_find_col(c, 1, c->name, strlen(c->name)))
			continue;
		snprintf(left, sizeof(left), "%s%s", c->name, c->flags & VD_COL_HIDDEN ? "*" : "");
		entry(out, left, c->help, 28);
	}
}

/* A command line as it can be pasted: one that is too wide goes on behind a backslash at its last fitting blank. */
static void example_line(FILE *out, const char *line)
{
	int indent = 2;

	while (strlen(line) > (size_t)(WIDTH - 1 - indent)) {
		size_t cut = 0;
		char quote = 0;

		for (size_t i = 0; line[i] && i < (size_t)(WIDTH - 3 - indent); i++) {
			if (quote ? line[i] == quote : line[i] == '\'' || line[i] == '"')
				quote = quote ? 0 : line[i];
			else if (line[i] == ' ' && !quote)
				cut = i;
		}
		if (!cut)
			break;
		fprintf(out, "%*s%.*s \\\n", indent, "", (int)cut, line);
		line += cut + 1;
		indent = 4;
	}
	fprintf(out, "%*s%s\n", indent, "", line);
}

static void examples(FILE *out, const char *const *pairs)
{
	if (!pairs || !pairs[0])
		return;
	fputs("\nExamples:\n", out);
	for (; pairs[0] && pairs[1]; pairs += 2) {
		example_line(out, pairs[0]);
		fputs("      ", out);
		wrap(out, pairs[1], 6, 6);
	}
}

static void exit_status(FILE *out)
{
	fputs("\nExit status: 0 nothing wrong; 1 a problem was found; 2 usage error;\n"
	      "3 could not examine, or could not do it.\n",
	      out);
}

static void page(const struct vd_cmd *group, FILE *out)
{
	char man[64];

	snprintf(man, sizeof(man), "virtdiag%s%s", group ? "-" : "", group ? group->name : "");
	fprintf(out, "\nSee also: man %s\n", man);
}

/* --- pages ----------------------------------------------------------------------------------------------------- */

static void help_top(FILE *out)
{
	fputs("Usage: virtdiag [OPTIONS] COMMAND [VERB] [OPTIONS] [ARGUMENTS]\n\n"
	      "Finds out why a libvirt guest does not work: logging, SELinux labels, control\n"
	      "groups. Reads the host's files, needs no daemon, changes nothing unasked.\n"
	      "\nCommands:\n",
	      out);
	list_commands(out, vd_commands);
	options(out, "Options (anywhere before --)", vd_global_opts);
	options(out, "Options of commands that print a table", vd_table_opts);
	exit_status(out);
	page(NULL, out);
}

static void help_group(FILE *out, const struct vd_cmd *group)
{
	fprintf(out, "Usage: virtdiag %s VERB [OPTIONS] [ARGUMENTS]\n\n", group->name);
	wrap(out, group->description ? group->description : group->summary, 0, 0);
	fputs("\nVerbs:\n", out);
	list_commands(out, group->verbs);
	examples(out, group->examples);
	fprintf(out, "\nMore: virtdiag %s VERB --help\n", group->name);
	page(group, out);
}

static void help_command(FILE *out, const struct vd_cmd *group, const struct vd_cmd *cmd)
{
	VD_AUTO_BUF synopsis = VD_BUF_INIT;
	char name[128];
	int at;

	if (vd_cmd_synopsis(cmd, &synopsis) < 0)
		return;
	at = fprintf(out, "Usage: virtdiag %s", vd_cmd_full_name(group, cmd, name, sizeof(name)));
	wrap(out, vd_buf_str(&synopsis), 7, at);
	fputc('\n', out);
	wrap(out, cmd->description ? cmd->description : cmd->summary, 0, 0);
	arguments(out, cmd->args);
	options(out, "Options", cmd->opts);
	if (cmd->flags & VD_CMD_TABLE)
		options(out, "Options for the table", vd_table_opts);
	fputs("\nOptions for every command (more: virtdiag --help):\n"
	      "  --root DIR, --pid PID, --session[=USER], --json, --color[=WHEN], --no-pager,\n"
	      "  --utc, --local, -v, -q, --strict, --log-filters STRING, --log-outputs STRING\n",
	      out);
	columns(out, cmd);
	examples(out, cmd->examples);
	exit_status(out);
	page(group ? group : cmd, out);
}

void vd_help_print(FILE *out, const struct vd_cmd *group, const struct vd_cmd *cmd)
{
	if (cmd)
		help_command(out, group, cmd);
	else if (group)
		help_group(out, group);
	else
		help_top(out);
}

void vd_help_short(FILE *out)
{
	fputs("Usage: virtdiag [OPTIONS] COMMAND [VERB] [OPTIONS] [ARGUMENTS]\n\nCommands:\n", out);
	list_commands(out, vd_commands);
	fputs("\nMore: virtdiag --help, virtdiag COMMAND --help, man virtdiag\n", out);
}

/* --- virtdiag help --------------------------------------------------------------------------------------------- */

static enum vd_exit run_help(struct vd_ctx *ctx, int argc, char **argv)
{
	const struct vd_cmd *const *list = vd_commands;
	const struct vd_cmd *group = NULL, *cmd = NULL;

	for (int i = 0; i < argc; i++) {
		cmd = cmd ? NULL : vd_find_cmd(list, argv[i]);
		if (!cmd)
			return vd_usage(ctx, "no help: there is no command '%s%s%s'", i ? argv[0] : "", i ? " " : "",
			                argv[i]);
		if (cmd->verbs) {
			group = cmd;
			list = cmd->verbs;
			cmd = NULL;
		}
	}
	vd_help_print(stdout, group, cmd);
	return VD_EXIT_OK;
}

static void complete_command(struct vd_ctx *ctx VD_UNUSED, const char *prefix VD_UNUSED, struct vd_strv *words)
{
	for (const struct vd_cmd *const *c = vd_commands; *c; c++)
		if (!((*c)->flags & VD_CMD_HIDDEN) && vd_strv_add(words, (*c)->name) < 0)
			return;
}

static const struct vd_arg help_args[] = {
	{ .name = "COMMAND",
	  .type = VD_OPT_STRING,
	  .optional = true,
	  .help = "a command",
	  .complete = complete_command },
	{ .name = "VERB", .type = VD_OPT_STRING, .optional = true, .help = "a verb of it" },
	{ 0 },
};

const struct vd_cmd vd_cmd_help = {
	.name = "help",
	.summary = "show help for a command",
	.args = help_args,
	.flags = VD_CMD_NO_JSON | VD_CMD_NO_HOST,
	.run = run_help,
};
