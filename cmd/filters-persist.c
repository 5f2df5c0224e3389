/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* filters apply --persist: the configuration file of a daemon. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "apply.h"
#include "conf-change.h"
#include "conf-edit.h"
#include "report.h"

static const char *const keys[VD_N_APPLIED] = { "log_filters", "log_outputs" };

/* One file on its way. */
struct edit {
	const char *path;
	bool exists;
	struct vd_buf before, after, diff;
	bool changed[VD_N_APPLIED];
	char *old[VD_N_APPLIED];
};

static void edit_release(struct edit *e)
{
	vd_buf_release(&e->before);
	vd_buf_release(&e->after);
	vd_buf_release(&e->diff);
	for (int i = 0; i < VD_N_APPLIED; i++)
		free(e->old[i]);
}

static void read_old(struct edit *e)
{
	VD_AUTO_CONF conf = { 0 };

	if (vd_conf_parse(vd_buf_str(&e->before), e->before.len, e->path, &conf, NULL) < 0)
		return;
	for (int i = 0; i < VD_N_APPLIED; i++) {
		const char *value;

		if (vd_conf_string(&conf, keys[i], &value, NULL) == 0)
			vd_need_memory((e->old[i] = strdup(value)) != NULL);
	}
}

/* A hunk for each setting, so that what lies between them is not shown. */
static int edit_text(struct vd_apply *a, struct edit *e, struct vd_err *err)
{
	vd_need_memory(vd_buf_add(&e->after, vd_buf_str(&e->before), e->before.len) == 0);
	for (int i = 0; i < VD_N_APPLIED; i++) {
		struct vd_conf_value value = { .type = VD_CONF_STRING };
		VD_AUTO_BUF text = VD_BUF_INIT;
		int r;

		if (!a->values[i])
			continue;
		value.string = strdup(a->values[i]);
		vd_need_memory(value.string != NULL);
		r = vd_conf_edit(vd_buf_str(&e->after), e->after.len, e->path, keys[i], &value, &text, err);
		free(value.string);
		if (r < 0)
			return r;
		e->changed[i] = r > 0;
		vd_need_memory(vd_conf_diff(e->path, &e->after, &text, &e->diff) == 0);
		vd_buf_release(&e->after);
		e->after = text;
		text = (struct vd_buf)VD_BUF_INIT;
	}
	return 0;
}

static struct vd_value *undo_command(const struct edit *e, const char *path, const char *backup)
{
	const char *const put_back[] = { "mv", "--", backup, path, NULL };
	const char *const take_away[] = { "rm", "--", path, NULL };

	return vd_value_strings(e->exists ? put_back : take_away);
}

static void add_rows(struct vd_apply *a, const struct edit *e, const char *daemon, const char *path, const char *backup)
{
	bool told = false;

	for (int i = 0; i < VD_N_APPLIED; i++) {
		struct vd_row *row;

		if (!a->values[i])
			continue;
		row = vd_table_row(a->table, NULL);
		vd_row_str(row, VD_CHANGE_DAEMON, daemon);
		vd_row_str(row, VD_CHANGE_SETTING, vd_log_setting_name((enum vd_log_setting)i));
		vd_row_str(row, VD_CHANGE_TARGET, path);
		vd_row_str(row, VD_CHANGE_OLD, e->old[i]);
		vd_row_str(row, VD_CHANGE_NEW, a->values[i]);
		vd_row_str(row, VD_CHANGE_DONE, !e->changed[i] ? "unchanged" : a->dry_run ? "not yet" : "written");
		vd_row_str(row, VD_CHANGE_BACKUP, backup);
		if (e->changed[i] && !told) {
			vd_row_str(row, VD_CHANGE_DIFF, vd_buf_str(&e->diff));
			told = true;
		}
		if (e->changed[i] && !a->dry_run)
			vd_row_value(row, VD_CHANGE_UNDO, undo_command(e, path, backup));
	}
}

/* The environment beats the file: without a word the user would wait in vain. */
static void warn_overridden(struct vd_apply *a, const char *daemon)
{
	const struct vd_daemon *d = vd_daemons_get(a->daemons, daemon);
	VD_AUTO_LOG_VALUES values = { 0 };

	if (!d)
		return;
	vd_need_memory(vd_daemon_log_load(a->ctx->root, &a->daemons->scope, d, &values) == 0);
	for (int i = 0; i < VD_N_APPLIED; i++) {
		const struct vd_log_value *v = vd_log_values_get(&values, (enum vd_log_setting)i, true);

		if (!a->values[i] || !v || v->origin != VD_ORIGIN_UNIT)
			continue;
		vd_report_mark(a->report, VD_HUE_WARN,
		               "warning: %s:%u sets the %s in the environment, which wins over "
		               "the file",
		               vd_esc(a->report, v->path), v->line, vd_log_setting_name((enum vd_log_setting)i));
		vd_report_warning(a->report);
	}
}

static void show_next(struct vd_apply *a, const struct edit *e, const char *daemon, const char *path,
                      const char *backup)
{
	VD_AUTO_VALUE struct vd_value *undo = undo_command(e, path, backup);

	vd_report_line(a->report, "%s", "");
	vd_need_memory(undo != NULL);
	if (backup)
		vd_report_line(a->report, "backup  %s", vd_esc(a->report, backup));
	/* Restarting these loses guests' logs and locks; they read the file again when they re-execute. */
	if (!vd_daemon_has_timeout(daemon))
		vd_report_line(a->report, "next    systemctl reload %s     it counts from then on", daemon);
	else if (!a->daemons->scope.session)
		vd_report_line(a->report, "next    systemctl restart %s     it counts from then on", daemon);
	vd_apply_undo_line(a, undo);
}

enum vd_exit vd_apply_persist(struct vd_apply *a, const char *daemon)
{
	VD_CLEANUP(edit_release) struct edit e = { .exists = true };
	VD_AUTO_FREE char *path = NULL, *backup = NULL, *conf = NULL;
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r;

	vd_need_memory(asprintf(&conf, "%s/%s.conf", a->daemons->scope.conf_dir, daemon) >= 0);
	e.path = conf;
	r = vd_root_read(a->ctx->root, conf, VD_MAX_CONF, &e.before, &err);
	if (r == -ENOENT) {
		e.exists = false;
		r = 0;
	}
	if (r == 0) {
		read_old(&e);
		r = edit_text(a, &e, &err);
	}
	if (r == 0 && e.diff.len && !a->dry_run)
		r = vd_conf_write(a->ctx->root, conf, e.exists ? &e.before : NULL, &e.after, &path, &backup, &err);
	if (r < 0)
		return vd_fail(a->ctx, &err);
	add_rows(a, &e, daemon, path ? path : conf, backup);
	if (a->dry_run && e.diff.len)
		vd_conf_show_diff(a->report, &e.diff);
	else if (e.diff.len)
		show_next(a, &e, daemon, path, backup);
	warn_overridden(a, daemon);
	return VD_EXIT_OK;
}
