/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The verbs of `virtdiag selinux`, one file each; cmd-selinux.c lists them. Private to them. */

#include "command.h"
#include "report.h"
#include "selinux-mode.h"

extern const struct vd_cmd vd_selinux_status;
extern const struct vd_cmd vd_selinux_check;
extern const struct vd_cmd vd_selinux_trace;
extern const struct vd_cmd vd_selinux_denials;
extern const struct vd_cmd vd_selinux_permissive;
extern const struct vd_cmd vd_selinux_enforcing;

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

/* --- cmd/selinux-guard.c: taking a change of the mode back, whatever happens to us -------------------------------- */

/* What was switched to permissive: the whole host, or some domains. */
struct vd_mode_change {
	struct vd_selinux_state before; /* the host's mode before, when there are no domains */
	const struct vd_strv *domains;  /* borrowed; NULL: the whole host */
	int argc;                       /* our command line, which the guard shall not be taken for */
	char *const *argv;
};
/* Take the change back, unless somebody else has changed the same since. Domains: the last word of all of them. */
enum vd_selinux_restored vd_mode_take_back(const struct vd_mode_change *change, struct vd_err *err);

/* A small process that takes the change back when this one ends without doing so, even by SIGKILL. */
struct vd_guard {
	pid_t pid;
	int fd; /* its end of life line: inherited by programs that are started, so that it also waits for these */
};
/* Start it, before the change is made. Returns 0 or a negative errno. */
int vd_guard_start(const struct vd_mode_change *change, struct vd_guard *ret_guard, struct vd_err *err) VD_MUST_CHECK;
/* Ends it and waits for it. @done: the change was taken back, or never made; else it still does that. */
void vd_guard_end(struct vd_guard *guard, bool done);

/* --- cmd/selinux-unit.c ------------------------------------------------------------------------------------------- */

/*
 * The same by a transient service of systemd, which survives that the guard is killed too; after the change is made: a
 * policy that is enforced may forbid systemd to run this program. Ends by itself. Returns 0; -ENOENT: no systemd here;
 * another negative errno. @root: this machine.
 */
int vd_guard_unit_start(struct vd_root *root, const struct vd_mode_change *change, struct vd_err *err) VD_MUST_CHECK;
