/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One running daemon whose log settings are changed: what apply and reset share. */
#include "apply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"

const struct vd_col vd_change_cols[VD_N_CHANGE_COLS] = {
	[VD_CHANGE_DAEMON] = { "DAEMON", VD_COL_STR, 0, "name of the daemon" },
	[VD_CHANGE_SETTING] = { "SETTING", VD_COL_STR, 0, "filters or outputs" },
	[VD_CHANGE_OLD] = { "OLD", VD_COL_STR, 0, "what was in force, or in the file, before" },
	[VD_CHANGE_NEW] = { "NEW", VD_COL_STR, 0, "what is now" },
	[VD_CHANGE_DONE] = { "DONE", VD_COL_STR, 0, "set, written, restored, left, unchanged, gone, failed, not yet" },
	[VD_CHANGE_TARGET] = { "TARGET", VD_COL_STR, 0, "URI of the daemon, or its configuration file" },
	[VD_CHANGE_BACKUP] = { "BACKUP", VD_COL_STR, VD_COL_JSON_ONLY, "the file as it was" },
	[VD_CHANGE_DIFF] = { "DIFF", VD_COL_STR, VD_COL_JSON_ONLY, "what changed in the file" },
	[VD_CHANGE_UNDO] = { "UNDO", VD_COL_VALUE, VD_COL_JSON_ONLY, "command that takes the change back" },
	[VD_CHANGE_COMMAND] = { "COMMAND", VD_COL_VALUE, VD_COL_JSON_ONLY, "command that made the change" },
};

void vd_target_daemon_release(struct vd_target_daemon *t)
{
	free(t->uri);
	for (int i = 0; i < VD_N_APPLIED; i++) {
		free(t->old[i]);
		free(t->in_force[i]);
	}
	vd_remembered_release(&t->before);
}

void vd_apply_undo_line(struct vd_apply *a, const struct vd_value *argv)
{
	const char *words[8] = { NULL };
	const char *line;

	for (size_t i = 0; i < vd_value_count(argv) && i < VD_ARRAY_SIZE(words) - 1; i++)
		words[i] = vd_value_get_str(vd_value_item(argv, i), NULL);
	line = vd_shell_line(a->report, words);
	if (line)
		vd_report_line(a->report, "undo    %s", line);
}

int vd_target_get(struct vd_apply *a, struct vd_target_daemon *t, int setting, char **ret_value, struct vd_err *err)
{
	if (!vd_process_is_same(a->ctx->root, t->process->pid, t->process->ticks))
		return vd_err_set(err, ESRCH, "%s has ended meanwhile", t->daemon->name);
	return vd_admin_get(t->uri, (enum vd_log_setting)setting, ret_value, err);
}

int vd_target_set(struct vd_apply *a, struct vd_target_daemon *t, int setting, const char *value, struct vd_err *err)
{
	if (!vd_process_is_same(a->ctx->root, t->process->pid, t->process->ticks))
		return vd_err_set(err, ESRCH, "%s has ended meanwhile", t->daemon->name);
	return vd_admin_set(t->uri, (enum vd_log_setting)setting, value, err);
}

void vd_target_add_row(struct vd_apply *a, struct vd_target_daemon *t, int i, const char *value, const char *done)
{
	struct vd_row *row = vd_table_row(a->table, NULL);

	t->rows[i] = row;
	vd_row_str(row, VD_CHANGE_DAEMON, t->daemon->name);
	vd_row_str(row, VD_CHANGE_SETTING, vd_log_setting_name((enum vd_log_setting)i));
	vd_row_str(row, VD_CHANGE_TARGET, t->uri);
	vd_row_str(row, VD_CHANGE_OLD, t->old[i]);
	if (t->old[i] && !*t->old[i])
		vd_row_text(row, VD_CHANGE_OLD, "none");
	vd_row_str(row, VD_CHANGE_NEW, value);
	if (!*value)
		vd_row_text(row, VD_CHANGE_NEW, "none");
	vd_row_str(row, VD_CHANGE_DONE, done);
	vd_row_value(row, VD_CHANGE_COMMAND, vd_admin_command(t->uri, (enum vd_log_setting)i, value));
	if (t->old[i])
		vd_row_value(row, VD_CHANGE_UNDO, vd_admin_command(t->uri, (enum vd_log_setting)i, t->old[i]));
}

const char *vd_target_restore(struct vd_apply *a, struct vd_target_daemon *t, int i, const char *ours, const char *old)
{
	VD_AUTO_FREE char *now = NULL;
	VD_AUTO_ERR err = VD_ERR_INIT;

	if (!vd_process_is_same(a->ctx->root, t->process->pid, t->process->ticks))
		return "gone";
	if (vd_target_get(a, t, i, &now, &err) == 0) {
		if (ours && strcmp(now, ours) != 0) {
			vd_warn(a->ctx, "%s: its %s are '%s' by now, not what was set here: left alone",
			        t->daemon->name, vd_log_setting_name((enum vd_log_setting)i), now);
			return "left";
		}
		if (vd_target_set(a, t, i, old, &err) == 0)
			return "restored";
	}
	vd_error(a->ctx, "%s", vd_err_text(&err));
	vd_report_unknown(a->report);
	return "failed";
}
