/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The verbs of `virtdiag selinux`, one file each; cmd-selinux.c lists them. Private to them. */

#include "command.h"
#include "report.h"

extern const struct vd_cmd vd_selinux_check;
extern const struct vd_cmd vd_selinux_trace;
extern const struct vd_cmd vd_selinux_denials;

/* --- cmd/selinux-words.c ------------------------------------------------------------------------------------------ */

/* A context as type:range when user and role are the usual ones, else in full; escaped. NULL for NULL. */
const char *vd_short_context(struct vd_report *report, const char *context);
/*
 * The value of a FIX column with one command: [{"command", "risk", "undo"}]; [] when @command is NULL or empty. @risk
 * and @undo may be NULL. NULL without memory.
 */
struct vd_value *vd_fix_value(const char *const *command, const char *risk, const char *const *undo);
/* Open the file @path that the user named for reading; "-" is standard input. The caller closes *@ret_fd. */
int vd_open_given(const char *path, int *ret_fd, struct vd_err *err) VD_MUST_CHECK;
