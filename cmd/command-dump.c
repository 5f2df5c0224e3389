/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command-internal.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "report.h"

static const char *const type_words[] = {
	[VD_OPT_FLAG] = "flag",         [VD_OPT_STRING] = "string",   [VD_OPT_NUMBER] = "number",
	[VD_OPT_DURATION] = "duration", [VD_OPT_ENUM] = "enum",       [VD_OPT_PATH] = "path",
	[VD_OPT_GUEST] = "guest",       [VD_OPT_FILTERS] = "filters", [VD_OPT_OUTPUTS] = "outputs",
	[VD_OPT_TOPIC] = "topic",       [VD_OPT_COLUMNS] = "columns",
};
_Static_assert(VD_ARRAY_SIZE(type_words) == VD_OPT_TYPE_COUNT_, "a word for each type");

/* Set @key of @object; without memory the program may end here, a dump has nobody to clean up for. */
static void set(struct vd_value *object, const char *key, struct vd_value *item)
{
	if (vd_value_set(object, key, item) < 0)
		abort();
}

static void append(struct vd_value *array, struct vd_value *item)
{
	if (vd_value_append(array, item) < 0)
		abort();
}

static struct vd_value *dump_words(const char *const *words)
{
	struct vd_value *v = words ? vd_value_array() : vd_value_null();

	for (; words && *words; words++)
		append(v, vd_value_str(*words));
	return v;
}

static struct vd_value *dump_opts(const struct vd_opt *o)
{
	struct vd_value *v = vd_value_array();

	for (; o && o->name; o++) {
		struct vd_value *item = vd_value_object();
		char letter[2] = { o->short_name, 0 };

		set(item, "name", vd_value_str(o->name));
		set(item, "short", o->short_name ? vd_value_str(letter) : vd_value_null());
		set(item, "type", vd_value_str(type_words[o->type]));
		set(item, "arg", vd_value_str(o->arg));
		set(item, "optional_value", vd_value_bool(o->optional_value));
		set(item, "help", vd_value_str(o->help));
		set(item, "words", dump_words(o->words));
		append(v, item);
	}
	return v;
}

static struct vd_value *dump_args(const struct vd_arg *a)
{
	struct vd_value *v = vd_value_array();

	for (; a && a->name; a++) {
		struct vd_value *item = vd_value_object();

		set(item, "name", vd_value_str(a->name));
		set(item, "type", vd_value_str(type_words[a->type]));
		set(item, "optional", vd_value_bool(a->optional));
		set(item, "repeats", vd_value_bool(a->repeats));
		set(item, "help", vd_value_str(a->help));
		set(item, "words", dump_words(a->words));
		append(v, item);
	}
	return v;
}

static struct vd_value *dump_cols(const struct vd_cmd *cmd)
{
	struct vd_value *v = vd_value_array();

	for (size_t i = 0; i < cmd->n_cols; i++) {
		const struct vd_col *c = &cmd->cols[i];
		struct vd_value *item = vd_value_object();

		set(item, "name", vd_value_str(c->name));
		set(item, "hidden", vd_value_bool(c->flags & VD_COL_HIDDEN));
		set(item, "text", vd_value_bool(vd_find_col(c, 1, c->name, strlen(c->name))));
		set(item, "help", vd_value_str(c->help));
		append(v, item);
	}
	return v;
}

static struct vd_value *dump_flags(unsigned flags)
{
	static const struct {
		unsigned flag;
		const char *word;
	} all[] = {
		{ VD_CMD_HIDDEN, "hidden" },
		{ VD_CMD_TABLE, "table" },
		{ VD_CMD_STOP_AT_COMMAND, "stop-at-command" },
		{ VD_CMD_NO_JSON, "no-json" },
		{ VD_CMD_LIVE_ONLY, "live-only" },
		{ VD_CMD_NO_HOST, "no-host" },
		{ VD_CMD_JSON_LINES, "json-lines" },
	};
	struct vd_value *v = vd_value_array();

	for (size_t i = 0; i < VD_ARRAY_SIZE(all); i++)
		if (flags & all[i].flag)
			append(v, vd_value_str(all[i].word));
	return v;
}

static struct vd_value *dump_list(const struct vd_cmd *const *list, const struct vd_cmd *group)
{
	struct vd_value *v = vd_value_array();

	for (; list && *list; list++) {
		const struct vd_cmd *cmd = *list;
		struct vd_value *item = vd_value_object();
		VD_AUTO_BUF synopsis = VD_BUF_INIT;
		char name[128];

		set(item, "name", vd_value_str(cmd->name));
		set(item, "full_name", vd_value_str(vd_cmd_full_name(group, cmd, name, sizeof(name))));
		set(item, "summary", vd_value_str(cmd->summary));
		set(item, "description", vd_value_str(cmd->description));
		if (!cmd->verbs && vd_cmd_synopsis(cmd, &synopsis) == 0)
			set(item, "synopsis", vd_value_str(vd_buf_str(&synopsis)));
		set(item, "rows", vd_value_str(cmd->rows));
		set(item, "flags", dump_flags(cmd->flags));
		set(item, "options", dump_opts(cmd->opts));
		set(item, "arguments", dump_args(cmd->args));
		set(item, "columns", dump_cols(cmd));
		set(item, "examples", dump_words(cmd->examples));
		/* Verbs have no verbs: this goes one level deep. */
		set(item, "verbs", group ? vd_value_array() : dump_list(cmd->verbs, cmd));
		append(v, item);
	}
	return v;
}

static enum vd_exit run_dump(struct vd_ctx *ctx, int argc VD_UNUSED, char **argv VD_UNUSED)
{
	VD_AUTO_VALUE struct vd_value *v = vd_value_object();
	VD_AUTO_BUF text = VD_BUF_INIT;

	set(v, "version", vd_value_str(VD_VERSION_STRING));
	set(v, "global_options", dump_opts(vd_global_opts));
	set(v, "table_options", dump_opts(vd_table_opts));
	set(v, "commands", dump_list(vd_commands, NULL));
	if (vd_json_print(&text, v, 1) < 0) {
		vd_error(ctx, "out of memory");
		return VD_EXIT_UNKNOWN;
	}
	fputs(vd_buf_str(&text), stdout);
	if (text.len && text.data[text.len - 1] != '\n')
		putchar('\n');
	return VD_EXIT_OK;
}

const struct vd_cmd vd_cmd_dump = {
	.name = "__dump",
	.summary = "print the command tables as JSON",
	.flags = VD_CMD_HIDDEN | VD_CMD_NO_HOST,
	.run = run_dump,
};
