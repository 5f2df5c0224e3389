/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the verbs of `virtdiag source` share. */

#include "command.h"
#include "report.h"
#include "source-tree.h"

extern const struct vd_cmd vd_source_check, vd_source_env, vd_source_label, vd_source_run, vd_source_emulator;

/* @path as given on the command line, absolute: live, from the current directory. The caller frees it; NULL: no memory.
 */
char *vd_source_path(const struct vd_ctx *ctx, const char *path);
/*
 * The tree that @path names. @built: it must have been configured. On failure prints why and returns VD_EXIT_UNKNOWN;
 * VD_EXIT_USAGE when one of several build directories has to be named.
 */
enum vd_exit vd_source_load(struct vd_ctx *ctx, const char *path, bool built, struct vd_tree *ret_tree);
/* Is SELinux on, on the examined host? */
bool vd_source_selinux(struct vd_ctx *ctx);
/* Has @program the type that an installed one has? */
bool vd_source_labelled(const struct vd_tree_program *program);
/*
 * The units, of those that systemd has active or listening by the evidence of files and processes, that get in the way
 * of the daemon @name ("libvirtd.service", "libvirtd.socket", ...). Processes of the tree itself do not count. 0,
 * -ENOMEM.
 */
int vd_source_units(struct vd_ctx *ctx, const struct vd_tree *tree, const char *name, struct vd_strv *units);
/* A row of `changes`; columns VD_SOURCE_CHANGE_*. */
enum vd_source_change_col {
	VD_SOURCE_TARGET,
	VD_SOURCE_OLD,
	VD_SOURCE_NEW,
	VD_SOURCE_DONE,
	VD_SOURCE_UNDO,
	VD_SOURCE_CHANGE_COUNT_
};
extern const struct vd_col vd_source_change_cols[VD_SOURCE_CHANGE_COUNT_];
#define VD_SOURCE_ARG_TREE                                                                                         \
	{                                                                                                          \
		.name = "TREE", .type = VD_OPT_PATH, .help = "the top of libvirt's sources, or where it was built" \
	}
