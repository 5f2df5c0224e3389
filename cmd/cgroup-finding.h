/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The findings of virtdiag cgroup check: rows of the shape that all findings have, and the commands that mend them. */

#include "cgroup.h"

enum vd_severity {
	VD_FAIL,
	VD_WARN,
	VD_INFO,
	VD_SEVERITY_COUNT_
};

struct vd_cgroup_findings {
	struct vd_report *report;
	struct vd_table *table;
	size_t counts[VD_SEVERITY_COUNT_];
	struct vd_row *row;     /* the last finding */
	struct vd_value *fixes; /* of it; the row's */
	char *title;            /* of it: what stands above its commands; NULL: they were begun already */
	struct vd_strv lines;   /* what text shows below the table */
};

extern const struct vd_col vd_cgroup_finding_cols[];
#define VD_N_CGROUP_FINDING_COLS 10

/* Begin; the report gets the table. */
void vd_cgroup_findings_init(struct vd_cgroup_findings *f, struct vd_report *report);
/* The commands below the table; then frees what @f owns. */
void vd_cgroup_findings_finish(struct vd_cgroup_findings *f);
/* Add a finding. @guest, @subject (the group or the tunable) and @path (the file that says so): NULL where there is
 * none. */
void vd_cgroup_found(struct vd_cgroup_findings *f, enum vd_severity severity, const char *id,
                     const struct vd_guest *guest, const char *subject, const char *path, const char *fmt, ...)
        VD_PRINTF(7, 8);
/* The last finding is not certain. */
void vd_cgroup_likely(struct vd_cgroup_findings *f);
/* A command that mends the last finding; @risk and @undo may be NULL. */
void vd_cgroup_fix(struct vd_cgroup_findings *f, const char *const *command, const char *risk, const char *const *undo);
/*
 * The same, by writing @value to the kernel's file @path; undone by writing @old to @old_path, which may be NULL. A
 * redirection needs a shell: value and path are its operands, no part of its script.
 */
void vd_cgroup_fix_write(struct vd_cgroup_findings *f, const char *value, const char *path, const char *risk,
                         const char *old, const char *old_path);
