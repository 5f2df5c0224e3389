/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtdiag source: libvirt run from its source tree. */
#include "source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemons.h"
#include "label.h"

/* --- shared by the verbs ---------------------------------------------------------------------------------------- */

const struct vd_col vd_source_change_cols[] = {
	[VD_SOURCE_TARGET] = { "TARGET", VD_COL_STR, 0, "the file that changes" },
	[VD_SOURCE_OLD] = { "OLD", VD_COL_STR, 0, "what it had" },
	[VD_SOURCE_NEW] = { "NEW", VD_COL_STR, 0, "what it gets" },
	[VD_SOURCE_DONE] = { "DONE", VD_COL_STR, 0, "what came of it: done, would, failed" },
	[VD_SOURCE_UNDO] = { "UNDO", VD_COL_VALUE, VD_COL_JSON_ONLY, "the command that takes it back" },
};

char *vd_source_path(const struct vd_ctx *ctx, const char *path)
{
	VD_AUTO_FREE char *here = *path == '/' || ctx->root_dir ? NULL : getcwd(NULL, 0);
	char *absolute;

	if (asprintf(&absolute, "%s%s%s", here ? here : "", *path == '/' ? "" : "/", path) < 0)
		return NULL;
	return absolute;
}

enum vd_exit vd_source_load(struct vd_ctx *ctx, const char *path, bool built, struct vd_tree *ret_tree)
{
	VD_AUTO_FREE char *absolute = vd_source_path(ctx, path);
	VD_AUTO_TREE tree = { 0 };
	VD_AUTO_ERR err = VD_ERR_INIT;
	int rc = absolute ? vd_tree_load(ctx->root, absolute, &tree, &err) : vd_err_set(&err, ENOMEM, "out of memory");

	if (rc == -EEXIST) {
		vd_error(ctx, "%s", vd_err_text(&err));
		return VD_EXIT_USAGE;
	}
	if (rc < 0)
		return vd_fail(ctx, &err);
	if (built && !tree.build) {
		vd_error(ctx, "%s is not built yet: there is no %s; 'virtdiag source check' tells what to run",
		         tree.source, tree.kind == VD_TREE_MESON ? "build directory in it" : "config.status in it");
		return VD_EXIT_UNKNOWN;
	}
	*ret_tree = tree;
	memset(&tree, 0, sizeof(tree));
	return VD_EXIT_OK;
}

bool vd_source_selinux(struct vd_ctx *ctx)
{
	struct vd_stat st;

	if (vd_root_is_live(ctx->root))
		return vd_policy_available();
	return vd_root_stat(ctx->root, "/sys/fs/selinux/enforce", &st, NULL) == 0;
}

bool vd_source_labelled(const struct vd_tree_program *program)
{
	return !program->wanted || vd_tree_has_type(program->label, program->wanted);
}

/* Does a process of the daemon that is not the tree's serve this host? */
static bool is_other(const struct vd_tree *tree, const struct vd_daemon *d)
{
	const struct vd_daemon_process *p = vd_daemon_main(d);
	size_t len = strlen(tree->build);

	return p && !(p->exe && !strncmp(p->exe, tree->build, len) && p->exe[len] == '/');
}

int vd_source_units(struct vd_ctx *ctx, const struct vd_tree *tree, const char *name, struct vd_strv *units)
{
	VD_AUTO_DAEMONS daemons = { 0 };
	bool monolithic = !strcmp(name, "libvirtd");
	VD_AUTO_BUF unit = VD_BUF_INIT;
	int rc = vd_daemons_load(ctx->root, false, NULL, &daemons, NULL);

	for (size_t i = 0; rc == 0 && i < daemons.len; i++) {
		static const char *const sockets[] = { ".socket", "-ro.socket", "-admin.socket" };
		const struct vd_daemon *d = &daemons.items[i];
		bool clashes = !strcmp(d->name, name) || !strcmp(d->name, "libvirtd") ||
		               (monolithic && vd_daemon_is_modular(d->name));

		/* virtlogd and virtlockd serve beside all others. */
		if (!vd_daemon_is_modular(name) && !monolithic)
			clashes = !strcmp(d->name, name);
		if (!clashes || (!is_other(tree, d) && d->state != VD_DAEMON_WAITING))
			continue;
		if (d->socket.state != VD_UNIT_NONE) {
			for (size_t k = 0; rc == 0 && k < VD_ARRAY_SIZE(sockets); k++) {
				/* virtlogd and virtlockd have no read-only socket. */
				if (k == 1 && !vd_daemon_has_timeout(d->name))
					continue;
				vd_buf_clear(&unit);
				rc = vd_buf_addf(&unit, "%s%s", d->name, sockets[k]);
				rc = rc < 0 ? rc : vd_strv_add(units, vd_buf_str(&unit));
			}
		}
		vd_buf_clear(&unit);
		if (rc == 0 && d->service.state != VD_UNIT_NONE && is_other(tree, d)) {
			rc = vd_buf_addf(&unit, "%s.service", d->name);
			rc = rc < 0 ? rc : vd_strv_add(units, vd_buf_str(&unit));
		}
	}
	return rc;
}

/* --- source env --------------------------------------------------------------------------------------------------- */

static bool is_list(const char *name)
{
	size_t len = strlen(name);

	return len >= 4 && !strcmp(name + len - 4, "PATH") && strcmp(name, "LIBVIRTD_PATH");
}

enum {
	COL_NAME,
	COL_VALUE,
	COL_LIST
};

static const struct vd_col env_cols[] = {
	[COL_NAME] = { "NAME", VD_COL_STR, VD_COL_JSON_ONLY, "the variable" },
	[COL_VALUE] = { "VALUE", VD_COL_STR, VD_COL_JSON_ONLY, "its value" },
	[COL_LIST] = { "LIST", VD_COL_BOOL, VD_COL_JSON_ONLY, "the value goes in front of what is there" },
};

static void add_variable(struct vd_report *report, struct vd_table *table, const char *name, const char *value)
{
	VD_AUTO_BUF quoted = VD_BUF_INIT;
	struct vd_row *row;

	if (table) {
		row = vd_table_row(table, NULL);
		vd_row_str(row, COL_NAME, name);
		vd_row_str(row, COL_VALUE, value);
		vd_row_bool(row, COL_LIST, is_list(name));
		return;
	}
	if (vd_buf_add_shell(&quoted, value) < 0) {
		vd_report_missing(report, name, "its value holds a control character: no line can be printed", true);
		return;
	}
	if (is_list(name))
		vd_report_line(report, "export %s=%s${%s:+:$%s}", name, vd_buf_str(&quoted), name, name);
	else
		vd_report_line(report, "export %s=%s", name, vd_buf_str(&quoted));
}

static enum vd_exit run_env(struct vd_ctx *ctx, int argc VD_UNUSED, char **argv)
{
	VD_AUTO_TREE tree = { 0 };
	VD_AUTO_STRV pairs = VD_STRV_INIT;
	struct vd_report *report;
	struct vd_table *table;
	enum vd_exit status = vd_source_load(ctx, argv[0], true, &tree);

	if (status != VD_EXIT_OK)
		return status;
	if (vd_tree_environment(&tree, &pairs) < 0) {
		vd_error(ctx, "out of memory");
		return VD_EXIT_UNKNOWN;
	}
	report = vd_report_new(ctx);
	/* Text is lines for a shell, not a table. */
	table = ctx->json ? vd_report_table(report, "variables", env_cols, VD_ARRAY_SIZE(env_cols)) : NULL;
	for (size_t i = 0; i + 1 < pairs.len; i += 2)
		add_variable(report, table, pairs.items[i], pairs.items[i + 1]);
	return vd_report_finish(report);
}

static const struct vd_arg env_args[] = { VD_SOURCE_ARG_TREE, { 0 } };

static const char *const env_examples[] = {
	"virtdiag source env ~/src/libvirt",
	"lines for eval: then virsh is the tree's, and other programs use its library",
	NULL,
};

const struct vd_cmd vd_source_env = {
	.name = "env",
	.summary = "print the variables that make programs use the tree",
	.description =
	        "Prints lines for a POSIX shell to evaluate: programs started from it then use the library, drivers "
	        "and helpers of the tree. Not for daemons: 'source run' starts those.",
	.examples = env_examples,
	.args = env_args,
	.rows = "variables",
	.run = run_env,
};

static const struct vd_cmd *const verbs[] = {
	&vd_source_check, &vd_source_env, &vd_source_label, &vd_source_run, &vd_source_emulator, NULL,
};

extern const struct vd_cmd vd_cmd_source;
const struct vd_cmd vd_cmd_source = {
	.name = "source",
	.summary = "run libvirt from its source tree, correctly labelled",
	.description =
	        "For libvirt built with autotools or meson and not installed: what stands in the way, the environment, "
	        "the SELinux labels of its programs, running its daemons in place of the installed ones, and "
	        "containers that use its libvirt_lxc.",
	.verbs = verbs,
};
