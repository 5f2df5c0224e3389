/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `selinux check --fix`: sets the labels that the check wants and may have, keeps the old ones, and says how to take it
 * back.
 */
#include <stdlib.h>

#include "label-fix.h"
#include "selinux-page.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.cmd.selinux-fix");

enum {
	COL_GUEST,
	COL_DONE,
	COL_OLD,
	COL_NEW,
	COL_TARGET,
	COL_ATTRIBUTE,
	COL_WHY,
	COL_BACKUP,
	COL_UNDO
};

static const struct vd_col change_cols[] = {
	[COL_GUEST] = { "GUEST", VD_COL_STR, VD_COL_HIDDEN, "the guest whose file it is" },
	[COL_DONE] = { "DONE", VD_COL_BOOL, 0, "the label was set" },
	[COL_OLD] = { "OLD", VD_COL_STR, 0, "the label before; libvirt's count of users" },
	[COL_NEW] = { "NEW", VD_COL_STR, 0, "the label that is set, or would be; none: taken away" },
	[COL_TARGET] = { "TARGET", VD_COL_STR, 0, "the file" },
	[COL_ATTRIBUTE] = { "ATTRIBUTE", VD_COL_STR, VD_COL_JSON_ONLY, "the extended attribute that is changed" },
	[COL_WHY] = { "WHY", VD_COL_STR, VD_COL_JSON_ONLY, "why it was not set" },
	[COL_BACKUP] = { "BACKUP", VD_COL_STR, VD_COL_JSON_ONLY, "the file that holds what was there" },
	[COL_UNDO] = { "UNDO", VD_COL_VALUE, 0, "the command that takes it back" },
};

/* The table, made when there is something to go into it: in text it stands above the page. */
static struct vd_table *table_of(struct vd_check_run *run, struct vd_table **table)
{
	if (!*table)
		*table = vd_report_table(run->report, "changes", change_cols, VD_ARRAY_SIZE(change_cols));
	return *table;
}

static void add_change(struct vd_check_run *run, struct vd_table *table, const struct vd_check_subject *subject,
                       size_t index, const struct vd_label_fix *fix)
{
	const struct vd_file_check *c = &subject->check->files[index];
	const char *old = fix->count ? c->stale_users : c->actual, *new = fix->count ? NULL : c->wanted;
	struct vd_row *row = vd_table_row(table, NULL);

	vd_row_str(row, COL_GUEST, subject->domain->name);
	vd_row_bool(row, COL_DONE, fix->state == VD_LABEL_FIX_DONE);
	vd_row_hue(row, COL_DONE, fix->state == VD_LABEL_FIX_DONE ? VD_HUE_GOOD : VD_HUE_WARN);
	vd_row_str(row, COL_OLD, old);
	if (old)
		vd_row_text(row, COL_OLD, vd_check_context(run->report, old, false));
	vd_row_str(row, COL_NEW, new);
	if (new)
		vd_row_text(row, COL_NEW, vd_check_context(run->report, new, false));
	vd_row_str(row, COL_TARGET, subject->expects->items[index].path);
	vd_row_str(row, COL_ATTRIBUTE, vd_label_fix_attribute(fix));
	vd_row_str(row, COL_WHY, fix->why);
	if (fix->state == VD_LABEL_FIX_DONE)
		vd_row_str(row, COL_BACKUP, vd_attr_backup_path(run->backup));
	vd_row_value(row, COL_UNDO, vd_check_argv(&vd_label_fix_command(fix, c)->undo));
}

/* Below the table: how to take back what was done, and why the rest was not. */
static void add_lines(struct vd_check_run *run, const struct vd_check_subject *subject, size_t index,
                      const struct vd_label_fix *fix)
{
	const struct vd_file_check *c = &subject->check->files[index];

	if (fix->state == VD_LABEL_FIX_DONE)
		vd_check_command(run, "undo", &vd_label_fix_command(fix, c)->undo, NULL);
	else if (fix->state == VD_LABEL_FIX_PLANNED)
		vd_check_command(run, "would", &vd_label_fix_command(fix, c)->command, NULL);
	else
		vd_report_line(run->report, "  %-5s %s: %s", fix->state == VD_LABEL_FIX_REFUSED ? "left" : "failed",
		               vd_esc(run->report, subject->expects->items[index].path),
		               vd_esc(run->report, fix->why ? fix->why : ""));
}

bool vd_check_fix(struct vd_check_run *run, const struct vd_check_subject *subject)
{
	struct vd_label_fix *fixes = calloc(subject->check->len ? subject->check->len : 1, sizeof(*fixes));
	struct vd_table *table = NULL;
	bool any = false;

	for (size_t i = 0; fixes && i < subject->check->len; i++) {
		const struct vd_expect *e = &subject->expects->items[i];
		const struct vd_file_check *c = &subject->check->files[i];

		if (vd_label_fix_plan(&run->host, subject->guest, e, c, &fixes[i]) < 0 ||
		    (!run->dry_run && vd_label_fix_apply(&run->host, e, c, run->backup, &fixes[i]) < 0)) {
			vd_report_missing(run->report, subject->domain->name, "out of memory", true);
			break;
		}
		if (fixes[i].state == VD_LABEL_FIX_NONE)
			continue;
		add_change(run, table_of(run, &table), subject, i, &fixes[i]);
		any |= fixes[i].state == VD_LABEL_FIX_DONE;
		/* A problem that stays is told by the page; that the action failed is news. */
		if (fixes[i].state == VD_LABEL_FIX_FAILED)
			vd_report_unknown(run->report);
	}
	for (size_t i = 0; fixes && i < subject->check->len; i++) {
		if (fixes[i].state != VD_LABEL_FIX_NONE)
			add_lines(run, subject, i, &fixes[i]);
		vd_label_fix_release(&fixes[i]);
	}
	if (table)
		vd_report_line(run->report, "%s", "");
	free(fixes);
	VLOG_DEBUG("%s: %s", subject->domain->name, any ? "labels were set" : "nothing was set");
	return any;
}

void vd_check_backup(struct vd_check_run *run)
{
	const char *path = run->backup ? vd_attr_backup_path(run->backup) : NULL;
	VD_AUTO_BUF option = VD_BUF_INIT;
	struct vd_value *v;

	if (!path)
		return;
	if (vd_buf_addf(&option, "--restore=%s", path) < 0) {
		vd_report_missing(run->report, path, "out of memory", true);
		return;
	}
	vd_report_line(run->report, "\nThe labels from before are kept in %s; all of them back: setfattr %s", path,
	               vd_buf_str(&option));
	v = vd_value_object();
	if (vd_value_set(v, "path", vd_value_str(path)) < 0 ||
	    vd_value_set(v, "undo", vd_value_strings((const char *const[]){ "setfattr", vd_buf_str(&option), NULL })) <
	            0)
		vd_report_missing(run->report, path, "out of memory", true);
	vd_report_extra(run->report, "backup", v);
}
