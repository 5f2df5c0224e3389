/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of `filters apply` and `filters reset` share. Private to them. */

#include "command.h"
#include "daemons.h"
#include "report.h"

/* Settings that virt-admin can change: VD_SETTING_FILTERS and VD_SETTING_OUTPUTS. */
#define VD_N_APPLIED 2

enum {
	VD_CHANGE_DAEMON,
	VD_CHANGE_SETTING,
	VD_CHANGE_OLD,
	VD_CHANGE_NEW,
	VD_CHANGE_DONE,
	VD_CHANGE_TARGET,
	VD_CHANGE_BACKUP,
	VD_CHANGE_DIFF,
	VD_CHANGE_UNDO,
	VD_CHANGE_COMMAND,
	VD_N_CHANGE_COLS
};
extern const struct vd_col vd_change_cols[VD_N_CHANGE_COLS];

/* A setting of a running daemon that virtdiag has changed, for a later reset. Owned strings; NULL: not changed. */
struct vd_remembered {
	pid_t pid;
	uint64_t ticks;
	char *old[VD_N_APPLIED], *set[VD_N_APPLIED];
};
void vd_remembered_release(struct vd_remembered *memory);
#define VD_AUTO_REMEMBERED VD_CLEANUP(vd_remembered_release) struct vd_remembered

/* What is remembered of the daemon @name and its process. Returns 0; -ENOENT: nothing; another negative errno. */
int vd_remember_load(struct vd_root *root, const struct vd_daemon_scope *scope, const char *name,
                     const struct vd_daemon_process *process, struct vd_remembered *ret_memory,
                     struct vd_err *err) VD_MUST_CHECK;
/* Keep @memory for @name; with nothing in it, forget. */
int vd_remember_save(struct vd_root *root, const struct vd_daemon_scope *scope, const char *name,
                     const struct vd_remembered *memory, struct vd_err *err) VD_MUST_CHECK;

/* What is to be applied. */
struct vd_apply {
	struct vd_ctx *ctx;
	struct vd_report *report;
	struct vd_table *table;
	const struct vd_daemons *daemons;
	const char *values[VD_N_APPLIED]; /* NULL: leave that one alone */
	bool dry_run;
};

/* One running daemon whose settings are changed. Released with vd_target_daemon_release(). */
struct vd_target_daemon {
	const struct vd_daemon *daemon;
	const struct vd_daemon_process *process;
	char *uri;
	char *old[VD_N_APPLIED];      /* before */
	char *in_force[VD_N_APPLIED]; /* as the daemon reports what was set; NULL: not set */
	struct vd_row *rows[VD_N_APPLIED];
	struct vd_remembered before; /* what was remembered when we came */
};

void vd_target_daemon_release(struct vd_target_daemon *t);

/*
 * Ask or set a running daemon, provided that it is still the process that was seen: another one would be started by
 * the question. Errors as vd_admin_get(); -ESRCH when it has ended.
 */
int vd_target_get(struct vd_apply *a, struct vd_target_daemon *t, int setting, char **ret_value,
                  struct vd_err *err) VD_MUST_CHECK;
int vd_target_set(struct vd_apply *a, struct vd_target_daemon *t, int setting, const char *value,
                  struct vd_err *err) VD_MUST_CHECK;
/* Add the row of a change to @value; t->old must be known. */
void vd_target_add_row(struct vd_apply *a, struct vd_target_daemon *t, int setting, const char *value,
                       const char *done);
/*
 * Put @old back if @ours is still in force (NULL: whatever is). Returns what came of it: "restored", "left" (someone
 * else's by now), "gone" (with its process), "failed" (told on stderr).
 */
const char *vd_target_restore(struct vd_apply *a, struct vd_target_daemon *t, int setting, const char *ours,
                              const char *old);

/* Write the values into the configuration file of @daemon, both in one replacement. */
enum vd_exit vd_apply_persist(struct vd_apply *a, const char *daemon);

/* Text below the table: the undo of a change, when a shell line can hold it. */
void vd_apply_undo_line(struct vd_apply *a, const struct vd_value *argv);

#define VD_OPT_DAEMON(what)                                                                                  \
	{                                                                                                    \
		.name = "daemon", .type = VD_OPT_ENUM, .arg = "NAME", .words = vd_daemon_names, .help = what \
	}
#define VD_OPT_DRY_RUN                                                                    \
	{                                                                                 \
		.name = "dry-run", .type = VD_OPT_FLAG, .help = "show what would be done" \
	}
