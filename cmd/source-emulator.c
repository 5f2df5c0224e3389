/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtdiag source emulator: one element of one guest's XML. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf-edit.h"
#include "source.h"

struct edit {
	struct vd_ctx *ctx;
	const struct vd_guest *guest;
	const struct vd_domain *config;
	struct vd_buf before, after;
	char *new_path; /* the emulator that @after names; NULL: none */
	char *from;     /* --restore: the backup that told it */
};

static const char *emulator_of(const struct vd_domain *domain)
{
	return domain->emulator ? domain->emulator : "";
}

/* Is what will be written the same guest in all but its emulator? The parser has the last word, not our scanner. */
static int check_result(struct edit *e, struct vd_err *err)
{
	VD_AUTO_DOMAIN struct vd_domain *now = NULL;
	int rc = vd_domain_parse(e->after.data, e->after.len, e->guest->config_path, &now, err);

	if (rc < 0)
		return rc;
	if (strcmp(emulator_of(now), e->new_path ? e->new_path : "") || strcmp(now->name, e->config->name) ||
	    now->n_resources != e->config->n_resources)
		return vd_err_set(err, EINVAL, "%s: its emulator cannot be changed without changing more",
		                  e->guest->config_path);
	return 0;
}

/* --- the new path ------------------------------------------------------------------------------------------------- */

/* What PATH on the command line means: an emulator, or a tree that has a libvirt_lxc. */
static enum vd_exit choose_path(struct edit *e, const char *arg)
{
	VD_AUTO_FREE char *path = vd_source_path(e->ctx, arg);
	VD_AUTO_TREE tree = { 0 };
	const struct vd_tree_program *lxc;
	struct vd_stat st;
	VD_AUTO_ERR err = VD_ERR_INIT;

	if (!path || vd_root_stat(e->ctx->root, path, &st, &err) < 0)
		return vd_fail(e->ctx, &err);
	if (st.type == VD_FILE_DIR) {
		enum vd_exit status = vd_source_load(e->ctx, arg, true, &tree);

		if (status != VD_EXIT_OK)
			return status;
		lxc = vd_tree_find(&tree, "libvirt_lxc");
		if (!lxc || e->config->driver != VD_DRIVER_LXC) {
			vd_error(e->ctx,
			         lxc ? "%s is a source tree; name the emulator for a guest of QEMU"
			             : "no libvirt_lxc is built in %s",
			         lxc ? arg : tree.build);
			return VD_EXIT_UNKNOWN;
		}
		e->new_path = strdup(lxc->path);
	} else if (st.type != VD_FILE_REG || (st.has_owner && !(st.mode & 0111))) {
		vd_error(e->ctx, "%s is no program: not a file that may be executed", path);
		return VD_EXIT_UNKNOWN;
	} else {
		e->new_path = vd_steal(path);
	}
	if (e->new_path)
		return VD_EXIT_OK;
	vd_error(e->ctx, "out of memory");
	return VD_EXIT_UNKNOWN;
}

static int edit_text(struct edit *e, struct vd_err *err)
{
	int rc = vd_emulator_edit(vd_buf_str(&e->before), e->before.len, e->new_path, &e->after);

	if (rc < 0)
		return vd_err_set(err, -rc, "%s: its emulator cannot be found", e->guest->config_path);
	return check_result(e, err);
}

/* --- taking it back ----------------------------------------------------------------------------------------------- */

/* "web01.xml.2026-11-24T041200Z.bak", ".1.bak": the later one of two, also within a second. */
static bool is_later(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);

	if (!b[0])
		return true;
	/* Same date: the one with a number is longer, or its number is larger. */
	if (!strncmp(a, b, (la < lb ? la : lb) - strlen("bak")) && la != lb)
		return la > lb;
	return strcmp(a, b) > 0;
}

/* The bytes of the emulator element of @xml: with @whole, the tags too. */
static int splice(struct edit *e, const struct vd_buf *backup)
{
	struct vd_emulator_place now, old;
	const char *text = vd_buf_str(&e->before);
	int rc = vd_emulator_find(text, e->before.len, &now),
	    was = vd_emulator_find(vd_buf_str(backup), backup->len, &old);
	size_t from = now.start;

	if (rc < 0 || (was < 0 && was != -ENOENT))
		return -EINVAL;
	/* It had none: the blanks in front of ours came with it. */
	while (was == -ENOENT && from > 0 && strchr(" \n", text[from - 1]))
		from--;
	rc = vd_buf_add(&e->after, text, from);
	if (rc == 0 && was == 0)
		rc = vd_buf_add(&e->after, backup->data + old.start, old.end - old.start);
	return rc < 0 ? rc : vd_buf_add(&e->after, text + now.end, e->before.len - now.end);
}

/* Does the backup at @path name another emulator than the guest has? Its text is left in @text, the emulator in @ret.
 */
static bool differs(struct edit *e, const char *path, struct vd_buf *text, char **ret)
{
	VD_AUTO_DOMAIN struct vd_domain *old = NULL;

	if (vd_root_read(e->ctx->root, path, VD_MAX_XML, text, NULL) < 0 ||
	    vd_domain_parse(text->data, text->len, path, &old, NULL) < 0 || strcmp(old->name, e->config->name) ||
	    !strcmp(emulator_of(old), emulator_of(e->config)))
		return false;
	*ret = old->emulator ? strdup(old->emulator) : NULL;
	return true;
}

static int find_backup(struct edit *e, struct vd_err *err)
{
	const char *config = e->guest->config_path, *slash = strrchr(config, '/'), *base = slash + 1;
	VD_AUTO_FREE char *dir = strndup(config, (size_t)(slash - config));
	VD_AUTO_STRV names = VD_STRV_INIT;
	VD_AUTO_BUF best = VD_BUF_INIT;
	const char *newest = "";
	size_t len = strlen(base);
	int rc = dir ? vd_root_list(e->ctx->root, dir, &names, err) : -ENOMEM;

	for (size_t i = 0; rc == 0 && i < names.len; i++) {
		const char *name = names.items[i];
		size_t n = strlen(name);
		VD_AUTO_FREE char *path = NULL, *emulator = NULL;
		VD_AUTO_BUF text = VD_BUF_INIT;

		if (strncmp(name, base, len) || name[len] != '.' || n < 4 || strcmp(name + n - 4, ".bak") ||
		    !is_later(name, newest))
			continue;
		if (asprintf(&path, "%s/%s", dir, name) < 0)
			return path = NULL, -ENOMEM;
		if (!differs(e, path, &text, &emulator))
			continue;
		newest = name;
		free(e->new_path);
		free(e->from);
		e->new_path = vd_steal(emulator);
		e->from = vd_steal(path);
		vd_buf_clear(&best);
		rc = vd_buf_add(&best, text.data, text.len);
	}
	if (rc == 0 && !e->from)
		return vd_err_set(err, ENOENT, "no backup of %s names another emulator: there is nothing to restore",
		                  config);
	rc = rc < 0 ? rc : splice(e, &best);
	if (rc < 0)
		return vd_err_set(err, -rc, "%s: its emulator cannot be put back: %s", config, strerror(-rc));
	return check_result(e, err);
}

/* --- doing it ----------------------------------------------------------------------------------------------------- */

static void say_next(struct edit *e, struct vd_report *report)
{
	const char *uri = e->config->driver == VD_DRIVER_LXC ? "lxc:///system" : "qemu:///system";
	const char *const define[] = { "virsh", "-c", uri, "define", e->guest->config_path, NULL };
	const char *line = vd_shell_line(report, define);

	if (line)
		vd_report_line(report, "next  %s     a daemon that runs does not see the change by itself", line);
}

static enum vd_exit finish(struct edit *e, bool dry_run)
{
	struct vd_report *report = vd_report_new(e->ctx);
	struct vd_row *row = vd_table_row(vd_report_table(report, "changes", NULL, 0), NULL);
	VD_AUTO_FREE char *path = NULL, *backup = NULL, *spec = NULL;
	VD_AUTO_ERR err = VD_ERR_INIT;
	bool same = e->before.len == e->after.len && !memcmp(e->before.data, e->after.data, e->before.len);

	if (asprintf(&spec, "%s:%s", vd_driver_name(e->config->driver), e->config->name) < 0)
		spec = NULL;
	const char *const undo[] = {
		"virtdiag", "source", "emulator", "--restore", spec ? spec : e->config->name, NULL
	};

	vd_row_str(row, VD_SOURCE_TARGET, e->guest->config_path);
	vd_row_str(row, VD_SOURCE_OLD, e->config->emulator);
	vd_row_str(row, VD_SOURCE_NEW, e->new_path);
	vd_row_str(row, VD_SOURCE_DONE, same ? "same" : dry_run ? "would" : "done");
	if (same) {
		vd_report_line(report, "nothing to change");
		return vd_report_finish(report);
	}
	if (!dry_run &&
	    vd_conf_write(e->ctx->root, e->guest->config_path, &e->before, &e->after, &path, &backup, &err) < 0) {
		vd_row_str(row, VD_SOURCE_DONE, "failed");
		vd_fail(e->ctx, &err);
		vd_report_unknown(report);
		return vd_report_finish(report);
	}
	vd_report_line(report, "%s", "");
	if (!dry_run) {
		vd_row_value(row, VD_SOURCE_UNDO, vd_value_strings(undo));
		vd_report_line(report, "undo  %s", vd_shell_line(report, undo) ? vd_shell_line(report, undo) : "-");
		vd_report_line(report, "kept  %s", vd_esc(report, backup ? backup : "-"));
	}
	say_next(e, report);
	return vd_report_finish(report);
}

static enum vd_exit edit(struct edit *e, const char *path)
{
	VD_AUTO_ERR err = VD_ERR_INIT;
	enum vd_exit status;
	int rc;

	if (!e->guest->config) {
		vd_error(e->ctx, "%s is transient: it has no file to change", vd_guest_name(e->guest));
		return VD_EXIT_UNKNOWN;
	}
	if (e->guest->state == VD_GUEST_RUNNING) {
		vd_error(e->ctx, "%s is %s: shut it down first, libvirt would write its own version over the change",
		         vd_guest_name(e->guest), vd_guest_state_text(e->guest));
		return VD_EXIT_UNKNOWN;
	}
	if (vd_root_read(e->ctx->root, e->guest->config_path, VD_MAX_XML, &e->before, &err) < 0)
		return vd_fail(e->ctx, &err);
	if (path) {
		status = choose_path(e, path);
		if (status != VD_EXIT_OK)
			return status;
		rc = edit_text(e, &err);
	} else {
		rc = find_backup(e, &err);
	}
	return rc < 0 ? vd_fail(e->ctx, &err) : finish(e, vd_opt_given(e->ctx, "dry-run"));
}

static enum vd_exit run_emulator(struct vd_ctx *ctx, int argc, char **argv)
{
	VD_CLEANUP(vd_guests_release) struct vd_guests guests = { 0 };
	VD_AUTO_FREE const struct vd_guest **picked = NULL;
	struct edit e = { .ctx = ctx };
	enum vd_exit status;
	size_t n = 0;

	if (vd_opt_given(ctx, "restore") != (argc == 1))
		return vd_usage(ctx, argc == 1 ? "missing argument PATH; --restore needs none"
		                               : "--restore and PATH exclude each other");
	if (!vd_ctx_guests(ctx, &guests))
		return VD_EXIT_UNKNOWN;
	status = vd_pick_guests(ctx, &guests, 1, argv, &picked, &n);
	if (status != VD_EXIT_OK)
		return status;
	e.guest = picked[0];
	e.config = picked[0]->config;
	status = edit(&e, argc > 1 ? argv[1] : NULL);
	vd_buf_release(&e.before);
	vd_buf_release(&e.after);
	free(e.new_path);
	free(e.from);
	return status;
}

static const struct vd_opt emulator_opts[] = {
	{ .name = "restore", .type = VD_OPT_FLAG, .help = "put the emulator of before the last change back" },
	{ .name = "dry-run", .type = VD_OPT_FLAG, .help = "show what would be done" },
	{ 0 },
};

static const struct vd_arg emulator_args[] = {
	VD_ARG_GUEST("name or UUID of a guest that is shut off"),
	{ .name = "PATH",
	  .type = VD_OPT_PATH,
	  .optional = true,
	  .help = "the emulator, or a tree with its libvirt_lxc" },
	{ 0 },
};

static const char *const emulator_examples[] = {
	"sudo virtdiag source emulator lxc:c1 ~/src/libvirt",
	"let the tree's libvirt_lxc run this container",
	"sudo virtdiag source emulator --restore lxc:c1",
	"as before",
	NULL,
};

const struct vd_cmd vd_source_emulator = {
	.name = "emulator",
	.summary = "let a guest use another emulator, or the tree's libvirt_lxc",
	.description =
	        "Changes the emulator element in the XML file of a guest that is shut off, and no other byte. The XML "
	        "of a container holds the path of libvirt_lxc: with a tree's daemon it would be another version's. The "
	        "file is replaced at once and the old one kept beside it.",
	.examples = emulator_examples,
	.opts = emulator_opts,
	.args = emulator_args,
	.rows = "changes",
	.flags = VD_CMD_TABLE | VD_CMD_LIVE_ONLY,
	.cols = vd_source_change_cols,
	.n_cols = VD_SOURCE_CHANGE_COUNT_,
	.run = run_emulator,
};
