/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cgroup-finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum finding_column {
	COL_SEVERITY,
	COL_ID,
	COL_CONFIDENCE,
	COL_DRIVER,
	COL_GUEST,
	COL_SUBJECT,
	COL_MESSAGE,
	COL_EVIDENCE,
	COL_FIX,
	COL_REFS,
	COL_COUNT_
};
_Static_assert(COL_COUNT_ == VD_N_CGROUP_FINDING_COLS, "as the header says");

const struct vd_col vd_cgroup_finding_cols[] = {
	[COL_SEVERITY] = { "SEVERITY", VD_COL_STR, 0, "fail, warn or info" },
	[COL_ID] = { "ID", VD_COL_STR, 0, "what kind of finding it is" },
	[COL_CONFIDENCE] = { "CONFIDENCE", VD_COL_STR, VD_COL_HIDDEN, "certain, likely or possible" },
	[COL_DRIVER] = { "DRIVER", VD_COL_STR, VD_COL_HIDDEN, "qemu or lxc" },
	[COL_GUEST] = { "GUEST", VD_COL_STR, 0, "the guest that it is about" },
	[COL_SUBJECT] = { "SUBJECT", VD_COL_STR, VD_COL_HIDDEN, "the group or the tunable" },
	[COL_MESSAGE] = { "MESSAGE", VD_COL_STR, 0, "what was found" },
	[COL_EVIDENCE] = { "EVIDENCE", VD_COL_VALUE, VD_COL_JSON_ONLY, "the files that say so" },
	[COL_FIX] = { "FIX", VD_COL_VALUE, VD_COL_JSON_ONLY, "commands; empty: there is none that is safe" },
	[COL_REFS] = { "REFS", VD_COL_VALUE, VD_COL_JSON_ONLY, "where to read more" },
};
_Static_assert(VD_ARRAY_SIZE(vd_cgroup_finding_cols) == COL_COUNT_, "a column for each number");

void vd_cgroup_findings_init(struct vd_cgroup_findings *f, struct vd_report *report)
{
	*f = (struct vd_cgroup_findings){ .report = report };
	f->table = vd_report_table(report, "findings", NULL, 0);
}

void vd_cgroup_findings_finish(struct vd_cgroup_findings *f)
{
	for (size_t i = 0; i < f->lines.len; i++)
		vd_report_line(f->report, "%s", f->lines.items[i]);
	vd_strv_release(&f->lines);
	free(f->title);
}

void vd_cgroup_found(struct vd_cgroup_findings *f, enum vd_severity severity, const char *id,
                     const struct vd_guest *guest, const char *subject, const char *path, const char *fmt, ...)
{
	static const char *const words[] = { "fail", "warn", "info" };
	static const enum vd_hue hues[] = { VD_HUE_BAD, VD_HUE_WARN, VD_HUE_NONE };
	struct vd_row *row = f->row = vd_table_row(f->table, NULL);
	struct vd_value *evidence = vd_value_array();
	VD_AUTO_FREE char *message = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&message, fmt, ap);
	va_end(ap);
	f->fixes = vd_value_array();
	vd_need_memory(n >= 0 && evidence && f->fixes);
	if (path) {
		struct vd_value *item = vd_value_object();

		/* It is the state of a file as a whole, not a line of it. */
		vd_need_memory(vd_value_set(item, "path", vd_value_str(path)) == 0 &&
		               vd_value_set(item, "line", vd_value_null()) == 0 &&
		               vd_value_set(item, "time", vd_value_null()) == 0 &&
		               vd_value_set(item, "text", vd_value_null()) == 0 &&
		               vd_value_append(evidence, item) == 0);
	}
	vd_row_str(row, COL_SEVERITY, words[severity]);
	vd_row_hue(row, COL_SEVERITY, hues[severity]);
	vd_row_str(row, COL_ID, id);
	vd_row_str(row, COL_CONFIDENCE, "certain");
	if (guest) {
		vd_row_str(row, COL_DRIVER, vd_driver_name(vd_guest_domain(guest)->driver));
		vd_row_str(row, COL_GUEST, vd_guest_name(guest));
	}
	vd_row_str(row, COL_SUBJECT, subject);
	vd_row_str(row, COL_MESSAGE, message);
	vd_row_value(row, COL_EVIDENCE, evidence);
	vd_row_value(row, COL_FIX, f->fixes);
	vd_row_value(row, COL_REFS, vd_value_array());
	f->counts[severity]++;
	if (severity == VD_FAIL)
		vd_report_problem(f->report);
	else if (severity == VD_WARN)
		vd_report_warning(f->report);
	free(f->title);
	vd_need_memory(asprintf(&f->title, "%s%s%s%s%s", id, guest ? " of " : "",
	                        guest ? vd_esc(f->report, vd_guest_name(guest)) : "", subject ? ": " : "",
	                        subject ? vd_esc(f->report, subject) : "") >= 0);
}

void vd_cgroup_likely(struct vd_cgroup_findings *f)
{
	vd_row_str(f->row, COL_CONFIDENCE, "likely");
}

static void add_line(struct vd_cgroup_findings *f, const char *word, const char *text)
{
	char *line;

	/* The first command of a finding stands below its name. */
	if (f->title) {
		vd_need_memory(vd_strv_add(&f->lines, "") == 0 && vd_strv_take(&f->lines, f->title) == 0);
		f->title = NULL;
	}
	vd_need_memory(asprintf(&line, "  %-4s  %s", word, text) >= 0 && vd_strv_take(&f->lines, line) == 0);
}

void vd_cgroup_fix(struct vd_cgroup_findings *f, const char *const *command, const char *risk, const char *const *undo)
{
	struct vd_value *item = vd_value_object();
	const char *line = vd_shell_line(f->report, command), *back = undo ? vd_shell_line(f->report, undo) : NULL;

	vd_need_memory(vd_value_set(item, "command", vd_value_strings(command)) == 0 &&
	               vd_value_set(item, "risk", vd_value_str(risk)) == 0 &&
	               vd_value_set(item, "undo", undo ? vd_value_strings(undo) : vd_value_array()) == 0 &&
	               vd_value_append(f->fixes, item) == 0);
	if (line)
		add_line(f, "fix", line);
	if (line && risk)
		add_line(f, "risk", risk);
	if (line && back)
		add_line(f, "undo", back);
}

void vd_cgroup_fix_write(struct vd_cgroup_findings *f, const char *value, const char *path, const char *risk,
                         const char *old, const char *old_path)
{
	static const char script[] = "echo \"$0\" >\"$1\"";
	const char *const command[] = { "sh", "-c", script, value, path, NULL };
	const char *const undo[] = { "sh", "-c", script, old, old_path, NULL };

	vd_cgroup_fix(f, command, risk, old && old_path ? undo : NULL);
}
