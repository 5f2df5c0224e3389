/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command-internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "report.h"

/*
 * virtdiag __complete -- WORD...: what may stand at the end of the line "virtdiag WORD...", whose last word is the one
 * that the cursor is in. The shells' scripts hand over words without quotes and get
 *
 *     :words            or ":words nospace": no blank after the word. ":files", ":dirs": the shell completes paths
 *     CANDIDATE         a whole word, not quoted
 *     CANDIDATE\tTEXT   with a description
 *
 * Everything is best effort and silent: an error here would land in the middle of the user's line.
 */

struct completion {
	struct vd_ctx ctx;
	struct vd_parse parse;
	const char *cur;  /* the word, or the part of it that is completed now */
	const char *head; /* stands before every candidate: "--color=", "1:qemu " */
	size_t head_len;
	bool any_case; /* candidates match whatever the case of what was typed */
	bool nospace;
	const char *directive;
	struct vd_strv words;
};

/* Keep "WORD" or "WORD\tTEXT" when it begins with what was typed and can be put on a line. */
static void VD_PRINTF(2, 3) add(struct completion *c, const char *fmt, ...)
{
	size_t len = strlen(c->cur);
	char *word = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&word, fmt, ap) < 0)
		word = NULL;
	va_end(ap);
	if (!word)
		return;
	for (size_t i = 0, n, all = strlen(word); i < all; i += n) {
		unsigned code = 0;

		n = vd_utf8_next(word + i, all - i, &code);
		if (n && code != '\t' && vd_char_unsafe(code)) {
			free(word);
			return;
		}
		n = n ? n : 1;
	}
	if ((c->any_case ? strncasecmp(word, c->cur, len) : strncmp(word, c->cur, len)) || vd_strv_has(&c->words, word))
		free(word);
	else if (vd_strv_take(&c->words, word) < 0)
		return;
}

/* From here on only the part of the word behind @from is completed; what is before goes in front of each candidate. */
static void split_head(struct completion *c, const char *from)
{
	c->head_len += (size_t)(from - c->cur);
	c->cur = from;
}

static bool open_root(struct completion *c)
{
	struct vd_ctx *ctx = &c->ctx;

	if (ctx->root)
		return true;
	return (ctx->pid ? vd_root_open_pid((pid_t)ctx->pid, &ctx->root, NULL)
	                 : vd_root_open(ctx->root_dir, 0, &ctx->root, NULL)) == 0;
}

/* --- by type --------------------------------------------------------------------------------------------------- */

/* @shared: another driver has a guest of that name. */
static void add_guest(struct completion *c, const char *name, const char *driver, const char *state, bool shared)
{
	VD_AUTO_BUF qualified = VD_BUF_INIT;

	/* A tab would end the name. */
	if (strchr(name, '\t') || vd_buf_addf(&qualified, "%s:%s", driver, name) < 0)
		return;
	/* One that was named before is not offered again. */
	for (int i = 0; i < c->parse.n_operands; i++)
		if (!strcmp(c->parse.operands[i], name) || !strcmp(c->parse.operands[i], vd_buf_str(&qualified)))
			return;
	if (shared)
		add(c, "%s\tambiguous", name);
	else
		add(c, "%s\t%s, %s", name, driver, state);
	if (shared || strchr(c->cur, ':'))
		add(c, "%s\t%s", vd_buf_str(&qualified), state);
}

/* A guest whose file may not be read has at least a name: that of the file. */
static void add_unread_guest(struct completion *c, const struct vd_guest_problem *p)
{
	const char *slash = strrchr(p->path, '/'), *name = slash ? slash + 1 : p->path;
	size_t len = strlen(name);

	if (len > 4 && !strcmp(name + len - 4, ".xml"))
		add(c, "%.*s", (int)(len - 4), name);
}

static void complete_guests(struct completion *c)
{
	struct vd_guests_options options = { .session_user = c->ctx.session_user, .use_session = c->ctx.use_session };
	struct vd_guests guests = { 0 };

	if (!open_root(c) || vd_guests_load(c->ctx.root, &options, &guests, NULL) < 0)
		return;
	for (int running = 1; running >= 0; running--) {
		for (size_t i = 0; i < guests.len; i++) {
			const struct vd_guest *g = &guests.items[i], *same[2];

			if ((g->state == VD_GUEST_RUNNING) == running)
				add_guest(c, vd_guest_name(g), vd_driver_name(vd_guest_domain(g)->driver),
				          vd_guest_state_text(g),
				          vd_guests_find(&guests, vd_guest_name(g), same, 2) > 1);
		}
	}
	for (size_t i = 0; i < guests.n_problems; i++)
		add_unread_guest(c, &guests.problems[i]);
	vd_guests_release(&guests);
}

/* Is @name one of the comma separated columns in the @len bytes at @list? */
static bool listed(const char *list, size_t len, const char *name)
{
	for (const char *s = list, *end = list + len; s < end;) {
		size_t n = strcspn(s, ",");

		if (n == strlen(name) && !strncasecmp(s, name, n))
			return true;
		s += n + 1;
	}
	return false;
}

static void complete_columns(struct completion *c)
{
	const struct vd_cmd *cmd = c->parse.cmd;
	const char *list = c->cur + (*c->cur == '+'), *comma = strrchr(list, ',');

	if (!cmd)
		return;
	split_head(c, comma ? comma + 1 : list);
	c->any_case = c->nospace = true;
	for (size_t i = 0; i < cmd->n_cols; i++)
		if (vd_find_col(&cmd->cols[i], 1, cmd->cols[i].name, strlen(cmd->cols[i].name)) &&
		    !listed(list, (size_t)(c->cur - list), cmd->cols[i].name))
			add(c, "%s\t%s", cmd->cols[i].name, cmd->cols[i].help);
}

/* The item of a filter or output string that the cursor is in: the level, then what the callback knows. */
static void complete_item(struct completion *c, bool outputs)
{
	static const char *const levels[] = { "debug", "info", "warning", "error" };
	static const char *const destinations[] = { "stderr", "syslog:", "file:/", "journald" };
	const char *space = strrchr(c->cur, ' ');

	if (space)
		split_head(c, space + 1);
	for (size_t i = 0; i < VD_ARRAY_SIZE(levels); i++) {
		if (!outputs && !*c->cur)
			add(c, "%zu:\t%s and above", i + 1, levels[i]);
		for (size_t k = 0; outputs && k < VD_ARRAY_SIZE(destinations); k++)
			add(c, "%zu:%s\t%s and above", i + 1, destinations[k], levels[i]);
	}
	c->nospace = true;
}

static void complete_type(struct completion *c, enum vd_opt_type type, const char *arg, const char *const *words)
{
	switch (type) {
	case VD_OPT_ENUM:
		for (; *words; words++)
			add(c, "%s", *words);
		break;
	case VD_OPT_PATH:
		c->directive = !strcmp(arg, "DIR") || !strcmp(arg, "TREE") ? ":dirs" : ":files";
		break;
	case VD_OPT_GUEST:
		complete_guests(c);
		break;
	case VD_OPT_COLUMNS:
		complete_columns(c);
		break;
	case VD_OPT_FILTERS:
	case VD_OPT_OUTPUTS:
		complete_item(c, type == VD_OPT_OUTPUTS);
		break;
	default:
		break;
	}
}

/* Filters match any part of a category, so "1:qemu_mon" may go on with what stands behind the dot of one. */
static void complete_last_part(struct completion *c, vd_complete_fn callback)
{
	VD_AUTO_FREE char *level = strndup(c->cur, strcspn(c->cur, ":") + 1);
	VD_AUTO_STRV all = VD_STRV_INIT;

	if (level)
		callback(&c->ctx, level, &all);
	for (size_t i = 0; i < all.len; i++) {
		const char *dot = strchr(all.items[i], '.');

		if (dot && !strncmp(all.items[i], level, strlen(level)))
			add(c, "%s%s", level, dot + 1);
	}
}

static void complete_value(struct completion *c, enum vd_opt_type type, const char *arg, const char *const *words,
                           vd_complete_fn callback)
{
	VD_AUTO_STRV more = VD_STRV_INIT;
	char level[3] = ":";
	const char *prefix;

	complete_type(c, type, arg, words);
	if (!callback || !open_root(c))
		return;
	/*
	 * "1" alone goes on with the categories at once. "1:" as the only candidate would be finished by the shell
	 * with a closing quote.
	 */
	snprintf(level, sizeof(level), "%c:", c->cur[0]);
	prefix = type == VD_OPT_FILTERS && c->cur[0] && !c->cur[1] ? level : c->cur;
	callback(&c->ctx, prefix, &more);
	for (size_t i = 0; i < more.len; i++)
		add(c, "%s", more.items[i]);
	if (type == VD_OPT_FILTERS && !c->words.len && strchr(c->cur, ':'))
		complete_last_part(c, callback);
}

static void complete_optval(struct completion *c, const struct vd_opt *o)
{
	complete_value(c, o->type, o->arg ? o->arg : "", o->words, o->complete);
}

/* --- options, commands ----------------------------------------------------------------------------------------- */

static void add_options(struct completion *c, const struct vd_opt *o)
{
	for (; o && o->name; o++) {
		add(c, "--%s\t%s", o->name, o->help);
		if (o->optional_value)
			add(c, "--%s=\t%s", o->name, o->help);
	}
}

static void complete_option(struct completion *c)
{
	const struct vd_cmd *cmd = c->parse.cmd;
	const char *equals = strchr(c->cur, '=');
	const struct vd_opt *o;

	if (!strncmp(c->cur, "--", 2) && equals) {
		o = vd_find_long(cmd, c->cur + 2, (size_t)(equals - c->cur - 2));
		split_head(c, equals + 1);
		if (o && o->type != VD_OPT_FLAG)
			complete_optval(c, o);
		return;
	}
	/* -oNAME: the value sticks to the letter. */
	o = c->cur[1] && c->cur[1] != '-' ? vd_find_short(cmd, c->cur[1]) : NULL;
	if (o && o->type != VD_OPT_FLAG) {
		split_head(c, c->cur + 2);
		complete_optval(c, o);
		return;
	}
	if (cmd)
		add_options(c, cmd->opts);
	if (cmd && cmd->flags & VD_CMD_TABLE)
		add_options(c, vd_table_opts);
	add_options(c, vd_global_opts);
}

static void complete_command(struct completion *c, const struct vd_cmd *const *list)
{
	for (; *list; list++)
		if (!((*list)->flags & VD_CMD_HIDDEN))
			add(c, "%s\t%s", (*list)->name, (*list)->summary);
}

static void complete_last(struct completion *c)
{
	const struct vd_parse *p = &c->parse;
	const struct vd_arg *a;

	if (p->pending) {
		complete_optval(c, p->pending);
	} else if (!p->ended && c->cur[0] == '-') {
		complete_option(c);
	} else if (!p->cmd) {
		complete_command(c, p->group ? p->group->verbs : vd_commands);
	} else {
		a = vd_arg_at(p->cmd, p->n_operands);
		if (a)
			complete_value(c, a->type, a->name, a->words, a->complete);
	}
}

int vd_complete(int argc, char **argv, struct vd_completion *ret)
{
	struct completion c = { .directive = ":words" };
	bool lost = false;

	if (!argc)
		return -EINVAL;
	c.parse.ctx = &c.ctx;
	c.parse.lenient = true;
	for (int i = 0; i + 1 < argc && !lost; i++)
		/* Behind a command that does not exist nothing sensible can be offered. */
		lost = vd_parse_word(&c.parse, argv[i]) != VD_EXIT_OK && !c.parse.cmd && argv[i][0] != '-';
	c.head = c.cur = argv[argc - 1];
	if (!lost)
		complete_last(&c);
	vd_parse_release(&c.parse);
	vd_ctx_release(&c.ctx);
	*ret = (struct vd_completion){ c.directive, c.nospace, c.head, c.head_len, c.words };
	return 0;
}

static enum vd_exit run_complete(struct vd_ctx *ctx VD_UNUSED, int argc, char **argv)
{
	struct vd_completion found;

	if (vd_complete(argc, argv, &found) < 0)
		return VD_EXIT_USAGE;
	printf("%s%s\n", found.directive, found.nospace ? " nospace" : "");
	for (size_t i = 0; i < found.words.len; i++)
		printf("%.*s%s\n", (int)found.head_len, found.head, found.words.items[i]);
	vd_strv_release(&found.words);
	return VD_EXIT_OK;
}

static const struct vd_arg complete_args[] = {
	{ .name = "WORD",
	  .type = VD_OPT_STRING,
	  .optional = true,
	  .repeats = true,
	  .help = "the words of the line, the one at the cursor last" },
	{ 0 },
};

const struct vd_cmd vd_cmd_complete = {
	.name = "__complete",
	.summary = "list what may stand at the end of a command line",
	.args = complete_args,
	.flags = VD_CMD_HIDDEN | VD_CMD_NO_HOST | VD_CMD_NO_JSON | VD_CMD_STOP_AT_COMMAND,
	.run = run_complete,
};
