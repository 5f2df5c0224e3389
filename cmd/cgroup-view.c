/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the verbs of virtdiag cgroup load before they begin. */
#include <stdlib.h>
#include <string.h>

#include "cgroup.h"

enum vd_exit vd_cgroup_view_load(struct vd_ctx *ctx, int argc, char **argv, struct vd_cgroup_view *view)
{
	VD_AUTO_ERR err = VD_ERR_INIT;
	enum vd_exit status;

	*view = (struct vd_cgroup_view){ .named = argc > 0 };
	if (!vd_ctx_guests(ctx, &view->guests))
		return VD_EXIT_UNKNOWN;
	status = vd_pick_guests(ctx, &view->guests, argc, argv, &view->picked, &view->n_picked);
	if (status != VD_EXIT_OK)
		return status;
	if (vd_mounts_load(ctx->root, &view->mounts, &err) < 0 ||
	    vd_cgroup_detect(ctx->root, &view->mounts, &view->layout, &err) < 0)
		return vd_fail(ctx, &err);
	return VD_EXIT_OK;
}

/* Remember the first node of each guest; below its group there is none of another. */
static void index_nodes(struct vd_cgroup_view *view, struct vd_cgroup_node *const *nodes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const struct vd_cgroup_node *node = nodes[i];
		bool own = node->kind == VD_CGROUP_GUEST || node->kind == VD_CGROUP_NOWHERE;

		if (own && node->guest && !view->nodes[node->guest - view->guests.items])
			view->nodes[node->guest - view->guests.items] = node;
		if (node->kind != VD_CGROUP_GUEST)
			index_nodes(view, node->children, node->n_children);
	}
}

enum vd_exit vd_cgroup_view_tree(struct vd_ctx *ctx, struct vd_cgroup_view *view,
                                 struct vd_cgroup_tree_options *options)
{
	VD_AUTO_ERR err = VD_ERR_INIT;

	options->only = view->named ? view->picked : NULL;
	options->n_only = view->n_picked;
	if (view->has_tree)
		vd_cgroup_tree_release(&view->tree);
	view->has_tree = false;
	if (vd_cgroup_tree_load(ctx->root, &view->layout, &view->guests, options, &view->tree, &err) < 0)
		return vd_fail(ctx, &err);
	view->has_tree = true;
	free(view->nodes);
	view->nodes = calloc(view->guests.len + 1, sizeof(*view->nodes));
	vd_need_memory(view->nodes);
	index_nodes(view, view->tree.roots, view->tree.n_roots);
	return VD_EXIT_OK;
}

void vd_cgroup_view_release(struct vd_cgroup_view *view)
{
	if (view->has_tree)
		vd_cgroup_tree_release(&view->tree);
	free(view->nodes);
	free(view->picked);
	vd_cgroup_layout_release(&view->layout);
	vd_mounts_release(&view->mounts);
	vd_guests_release(&view->guests);
}

bool vd_cgroup_view_has_files(struct vd_report *report, const struct vd_cgroup_view *view)
{
	const struct vd_cgroup_layout *layout = &view->layout;
	bool open = false;

	for (size_t i = 0; i < layout->len; i++)
		open |= layout->items[i].used && layout->items[i].fd >= 0;
	if (open)
		return true;
	if (layout->mode == VD_CGROUP_MODE_NONE)
		vd_report_missing(report, "cgroups",
		                  view->mounts.path ? "no cgroup file system is mounted"
		                                    : "the capture has no mount table (proc/self/mountinfo)",
		                  true);
	for (size_t i = 0; i < layout->len; i++)
		if (layout->items[i].used)
			vd_report_missing(report, layout->items[i].path, strerror(layout->items[i].error), true);
	return false;
}

const struct vd_cgroup_node *vd_cgroup_view_node(const struct vd_cgroup_view *view, const struct vd_guest *guest)
{
	return view->nodes[guest - view->guests.items];
}

void vd_cgroup_view_missing(struct vd_report *report, const struct vd_cgroup_view *view)
{
	for (size_t i = 0; i < view->tree.n_problems; i++)
		vd_report_missing(report, view->tree.problems[i].path, view->tree.problems[i].why,
		                  view->tree.problems[i].matters);
	for (size_t i = 0; i < view->guests.n_problems; i++) {
		const struct vd_guest_problem *problem = &view->guests.problems[i];
		/* Only the status XML tells which guest runs, and with it whose group it is. */
		bool matters = !strncmp(problem->path, "/run/", 5);

		if (view->named)
			matters &= vd_guests_problem_concerns(problem, view->picked, view->n_picked);
		vd_report_missing(report, problem->path, problem->why, matters);
	}
}

void vd_cgroup_view_say_off(struct vd_report *report, const struct vd_cgroup_view *view)
{
	for (size_t i = 0; i < view->n_picked && view->named; i++)
		if (view->picked[i]->state != VD_GUEST_RUNNING)
			vd_report_line(report, "%s is %s: it has no cgroup",
			               vd_esc(report, vd_guest_name(view->picked[i])),
			               vd_guest_state_text(view->picked[i]));
}

enum vd_exit vd_cgroup_session(struct vd_ctx *ctx, const char *key)
{
	struct vd_report *report = vd_report_new(ctx);

	vd_report_table(report, key, NULL, 0);
	vd_report_line(report, "%s", "a session libvirt makes no cgroups for its guests");
	return vd_report_finish(report);
}
