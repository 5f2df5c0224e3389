/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How `selinux check` shows what it found: header lines, rows, details, the last line. Private to it. */

#include "attr-backup.h"
#include "daemon-label.h"
#include "guest-check.h"
#include "report.h"

enum {
	VD_CHECK_GUEST,
	VD_CHECK_STATUS,
	VD_CHECK_ROLE,
	VD_CHECK_TARGET,
	VD_CHECK_EXPECTED,
	VD_CHECK_CATEGORIES,
	VD_CHECK_NEXT,
	VD_CHECK_AFTER,
	VD_CHECK_ACTUAL,
	VD_CHECK_DEFAULT,
	VD_CHECK_PATH,
	VD_CHECK_REASON_ID,
	VD_CHECK_REASON,
	VD_CHECK_USED_BY,
	VD_CHECK_FIX,
	VD_N_CHECK_COLS
};
extern const struct vd_col vd_check_cols[VD_N_CHECK_COLS];

/* What one run of the check carries around. */
struct vd_check_run {
	struct vd_ctx *ctx;
	struct vd_report *report;
	struct vd_svirt_settings settings;
	struct vd_check_host host;
	struct vd_boot_times boot;
	struct vd_daemon_label daemon; /* name NULL: none runs */
	int apparmor;                  /* 1 on, 0 off, -1 cannot tell */
	struct vd_value *guests;       /* the JSON array of guests */
	const char *categories;        /* --categories */
	bool fix, dry_run;             /* --fix, --dry-run */
	struct vd_attr_backup *backup; /* with --fix: what was there before */
};

/* One guest as it is shown. */
struct vd_check_subject {
	const struct vd_guest *guest; /* NULL: given XML */
	const struct vd_domain *domain;
	const struct vd_expects *expects;
	const struct vd_guest_check *check;
};

/* Contexts as type:range when user and role are the usual ones, else in full, with ":(new)" when @at_start. */
const char *vd_check_context(struct vd_report *report, const char *context, bool at_start);
/* An argument vector as a JSON array; empty for an empty one. */
struct vd_value *vd_check_argv(const struct vd_strv *argv);
/* "  WORD  COMMAND LINE     REMARK"; nothing for an empty vector. */
void vd_check_command(struct vd_check_run *run, const char *word, const struct vd_strv *argv, const char *remark);
/* The page of one guest: header lines, table, details and the last line; the exit status follows from it. */
void vd_check_page(struct vd_check_run *run, const struct vd_check_subject *subject);
/*
 * Set the labels that the check of @subject wants, or with --dry-run show which would be set, as changes of the report.
 * Returns whether any was set: then the files are to be judged anew.
 */
bool vd_check_fix(struct vd_check_run *run, const struct vd_check_subject *subject);
/* Once, at the end: where the old labels are kept, and the command that brings all of them back. */
void vd_check_backup(struct vd_check_run *run);
/* Once: what is wrong with the daemon itself. */
void vd_check_daemon(struct vd_check_run *run);
