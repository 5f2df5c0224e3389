/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtdiag cgroup tree: the groups that libvirt made for its guests. */
#include <stdlib.h>
#include <string.h>

#include "cgroup.h"

enum tree_column {
	COL_NAME,
	COL_GUEST,
	COL_TASKS,
	COL_CPU,
	COL_MEMORY,
	COL_MEMORY_MAX,
	COL_PRESSURE,
	COL_PRESSURE_RESOURCE,
	COL_FLAGS,
	COL_PATH,
	COL_COUNT_
};

static const struct vd_col tree_cols[] = {
	[COL_NAME] = { "NAME", VD_COL_STR, VD_COL_TREE, "the group: machine name, threads or partition" },
	[COL_GUEST] = { "GUEST", VD_COL_STR, 0, "the guest that it belongs to" },
	[COL_TASKS] = { "TASKS", VD_COL_NUM, 0, "threads in it and in the rows below" },
	[COL_CPU] = { "CPU", VD_COL_CPU, 0, "CPU time used since it was made" },
	[COL_MEMORY] = { "MEMORY", VD_COL_BYTES, 0, "memory charged to it" },
	[COL_MEMORY_MAX] = { "MEMORY_MAX", VD_COL_BYTES, 0, "smallest memory limit here or above" },
	[COL_PRESSURE] = { "PRESSURE", VD_COL_PERCENT, 0, "highest pressure of the last ten seconds, per cent" },
	[COL_PRESSURE_RESOURCE] = { "PRESSURE_RESOURCE", VD_COL_STR, VD_COL_JSON_ONLY, "what it waited for" },
	[COL_FLAGS] = { "FLAGS", VD_COL_FLAGS, 0,
	                "throttled, oom:N, stale, orphan, misplaced, frozen, hugepages:SIZE" },
	[COL_PATH] = { "PATH", VD_COL_STR, VD_COL_HIDDEN, "directory of the group" },
};
_Static_assert(VD_ARRAY_SIZE(tree_cols) == COL_COUNT_, "a column for each number");

/* 64.0M: one decimal and the largest unit that keeps a digit before it. */
static void format_size(int64_t kib, char buf[32])
{
	static const char units[] = "KMGTPE";
	double n = (double)kib;
	size_t unit = 0;

	for (; n >= 1024 && unit + 1 < strlen(units); unit++)
		n /= 1024;
	snprintf(buf, 32, "hugepages:%.1f%c", n, units[unit]);
}

static void add_flags(struct vd_row *row, const struct vd_cgroup_node *node)
{
	const struct vd_domain *domain = node->guest ? vd_guest_domain(node->guest) : NULL;
	char buf[32];

	if (vd_cgroup_is_throttled(node))
		vd_row_flag(row, COL_FLAGS, "throttled");
	if (node->oom_kills > 0) {
		snprintf(buf, sizeof(buf), "oom:%lld", (long long)node->oom_kills);
		vd_row_flag(row, COL_FLAGS, buf);
	}
	if (node->stale)
		vd_row_flag(row, COL_FLAGS, "stale");
	if (node->orphan)
		vd_row_flag(row, COL_FLAGS, "orphan");
	if (node->misplaced)
		vd_row_flag(row, COL_FLAGS, "misplaced");
	if (node->frozen)
		vd_row_flag(row, COL_FLAGS, "frozen");
	if (node->kind == VD_CGROUP_NOWHERE)
		vd_row_flag(row, COL_FLAGS, "no-cgroup");
	if (node->kind == VD_CGROUP_GUEST && !node->stale && domain && domain->hugepages) {
		if (domain->memory_kib > 0)
			format_size(domain->memory_kib, buf);
		vd_row_flag(row, COL_FLAGS, domain->memory_kib > 0 ? buf : "hugepages");
	}
}

static void set_pressure(struct vd_row *row, const struct vd_cgroup_node *node)
{
	const char *resource = vd_cgroup_resource_name(node->pressure_resource);
	char buf[32];

	if (node->pressure < 0)
		return;
	vd_row_double(row, COL_PRESSURE, node->pressure);
	vd_row_str(row, COL_PRESSURE_RESOURCE, resource);
	/* "cpu 0.0" would only draw the eye. */
	if (!resource || node->pressure < 0.05)
		snprintf(buf, sizeof(buf), "0.0");
	else
		snprintf(buf, sizeof(buf), "%s %.1f", resource, node->pressure);
	vd_row_text(row, COL_PRESSURE, buf);
}

static void set_number(struct vd_row *row, enum tree_column col, int64_t n)
{
	if (n >= 0)
		vd_row_num(row, col, n);
}

static void add_node(struct vd_table *table, struct vd_row *parent, const struct vd_cgroup_node *node)
{
	struct vd_row *row = vd_table_row(table, parent);
	bool bad = node->oom_kills > 0 || node->misplaced || node->kind == VD_CGROUP_NOWHERE;

	vd_row_str(row, COL_NAME, node->name);
	if (node->guest)
		vd_row_str(row, COL_GUEST, vd_guest_name(node->guest));
	/* People see whose threads these are by the tree; programs should not have to. */
	if (node->guest && node->kind == VD_CGROUP_THREADS)
		vd_row_text(row, COL_GUEST, "-");
	set_number(row, COL_TASKS, node->tasks);
	if (node->cpu_usec >= 0)
		vd_row_double(row, COL_CPU, (double)node->cpu_usec / 1e6);
	set_number(row, COL_MEMORY, node->memory);
	set_number(row, COL_MEMORY_MAX, node->memory_max);
	set_pressure(row, node);
	add_flags(row, node);
	vd_row_str(row, COL_PATH, node->path);
	if (bad)
		vd_row_hue(row, COL_FLAGS, VD_HUE_BAD);
	else if (node->stale || node->orphan || vd_cgroup_is_throttled(node))
		vd_row_hue(row, COL_FLAGS, VD_HUE_WARN);
	for (size_t i = 0; i < node->n_children; i++)
		add_node(table, row, node->children[i]);
}

/* The sentences under the table; in JSON "notes". */
static void add_notes(struct vd_report *report, const struct vd_cgroup_tree *tree)
{
	static const char *const ids[] = { [VD_CGROUP_NOTE_NO_GROUP] = "no-cgroup",
		                           [VD_CGROUP_NOTE_MISPLACED] = "misplaced",
		                           [VD_CGROUP_NOTE_STALE] = "stale",
		                           [VD_CGROUP_NOTE_ORPHAN] = "orphan" };
	struct vd_value *notes = vd_value_array();

	if (tree->n_notes)
		vd_report_line(report, "%s", "");
	for (size_t i = 0; i < tree->n_notes; i++) {
		const struct vd_cgroup_note *note = &tree->notes[i];
		struct vd_value *item = vd_value_object();

		vd_report_mark(report, VD_HUE_WARN, "%s: %s", ids[note->id], vd_esc(report, note->text));
		vd_report_warning(report);
		if (vd_value_set(item, "id", vd_value_str(ids[note->id])) < 0 ||
		    vd_value_set(item, "message", vd_value_str(note->text)) < 0 || vd_value_append(notes, item) < 0) {
			vd_report_missing(report, "notes", "out of memory", true);
			break;
		}
	}
	vd_report_extra(report, "notes", notes);
}

static void report_tree(struct vd_report *report, const struct vd_cgroup_view *view)
{
	struct vd_table *table = vd_report_table(report, "cgroups", NULL, 0);
	size_t running = 0;

	for (size_t i = 0; i < view->tree.n_roots; i++)
		add_node(table, NULL, view->tree.roots[i]);
	add_notes(report, &view->tree);
	vd_cgroup_view_say_off(report, view);
	for (size_t i = 0; i < view->guests.len; i++)
		running += view->guests.items[i].state == VD_GUEST_RUNNING;
	if (!view->tree.n_roots && !view->named && !view->tree.n_problems)
		vd_report_line(report, "no cgroup of libvirt's%s", running ? "" : ", and no guest runs");
	vd_cgroup_view_missing(report, view);
}

static enum vd_exit run_tree(struct vd_ctx *ctx, int argc, char **argv)
{
	VD_AUTO_CGROUP_VIEW view = { 0 };
	struct vd_cgroup_tree_options options = { .all_controllers = vd_opt_given(ctx, "all-controllers") };
	struct vd_report *report;
	enum vd_exit status;

	if (ctx->use_session)
		return vd_cgroup_session(ctx, "cgroups");
	status = vd_cgroup_view_load(ctx, argc, argv, &view);
	if (status == VD_EXIT_OK)
		status = vd_cgroup_view_tree(ctx, &view, &options);
	if (status != VD_EXIT_OK)
		return status;
	report = vd_report_new(ctx);
	vd_report_extra(report, "layout", vd_value_str(vd_cgroup_mode_name(view.layout.mode)));
	if (vd_cgroup_view_has_files(report, &view))
		report_tree(report, &view);
	else
		vd_report_table(report, "cgroups", NULL, 0);
	return vd_report_finish(report);
}

static const struct vd_opt tree_opts[] = {
	{ .name = "all-controllers", .type = VD_OPT_FLAG, .help = "a tree for each hierarchy that libvirt uses" },
	{ 0 },
};

static const struct vd_arg tree_args[] = {
	{ "GUEST", VD_OPT_GUEST, true, true, "only the branches of these guests", NULL, NULL },
	{ 0 },
};

static const char *const tree_examples[] = {
	"virtdiag cgroup tree",
	"every group of libvirt's, by guest",
	"virtdiag cgroup tree web01 -o NAME,TASKS,PATH",
	"one guest, and where its files are",
	NULL,
};

const struct vd_cmd vd_cmd_cgroup_tree = {
	.name = "tree",
	.summary = "show libvirt's part of the cgroup tree, by guest",
	.description = "Finds the groups that libvirt made for guests on cgroup v1, v2 and both together, in any "
	               "partition, and shows what they use, their limits and signs of trouble. Lines under the table "
	               "explain what is odd. Needs no daemon.",
	.examples = tree_examples,
	.opts = tree_opts,
	.args = tree_args,
	.flags = VD_CMD_TABLE,
	.cols = tree_cols,
	.n_cols = COL_COUNT_,
	.run = run_tree,
};
