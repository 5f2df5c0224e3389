/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the verbs of virtdiag cgroup share; each has a file of its own. */

#include "cgroup-tree.h"
#include "command.h"
#include "report.h"

/* Guests, mounts and hierarchies of the host, and the groups of the guests that were asked for. */
struct vd_cgroup_view {
	struct vd_guests guests;
	struct vd_mounts mounts;
	struct vd_cgroup_layout layout;
	const struct vd_guest **picked; /* the guests that the operands name, all of them without operands */
	size_t n_picked;
	bool named; /* guests were named */
	struct vd_cgroup_tree tree;
	const struct vd_cgroup_node **nodes; /* in the tree, of each of @guests; see vd_cgroup_view_node() */
	bool has_tree;
};

/*
 * Load guests, mounts and layout, and pick guests. On failure everything was said already; the caller releases @view
 * in any case and returns the status.
 */
enum vd_exit vd_cgroup_view_load(struct vd_ctx *ctx, int argc, char **argv, struct vd_cgroup_view *view);
/* The tree as @options say; options->only is set to the named guests. */
enum vd_exit vd_cgroup_view_tree(struct vd_ctx *ctx, struct vd_cgroup_view *view,
                                 struct vd_cgroup_tree_options *options);
void vd_cgroup_view_release(struct vd_cgroup_view *view);
#define VD_AUTO_CGROUP_VIEW VD_CLEANUP(vd_cgroup_view_release) struct vd_cgroup_view

/* False, and said in the report, when there is no cgroup file system, or none that the capture holds. */
bool vd_cgroup_view_has_files(struct vd_report *report, const struct vd_cgroup_view *view);
/* The node of @guest, one of view->guests, in the tree: its group, or VD_CGROUP_NOWHERE; NULL: none. */
const struct vd_cgroup_node *vd_cgroup_view_node(const struct vd_cgroup_view *view, const struct vd_guest *guest);
/* What could not be read: of the tree, and of the guests. */
void vd_cgroup_view_missing(struct vd_report *report, const struct vd_cgroup_view *view);
/* "web01 is shut off: it has no cgroup", for each named one that does not run. */
void vd_cgroup_view_say_off(struct vd_report *report, const struct vd_cgroup_view *view);
/* With --session there is nothing to see: the report of that, with the empty array @key. */
enum vd_exit vd_cgroup_session(struct vd_ctx *ctx, const char *key);

extern const struct vd_cmd vd_cmd_cgroup_tree, vd_cmd_cgroup_show, vd_cmd_cgroup_devices, vd_cmd_cgroup_controllers,
        vd_cmd_cgroup_check;
