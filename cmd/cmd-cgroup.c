/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtdiag cgroup: the groups that libvirt made for its guests. */
#include <stdlib.h>
#include <string.h>

#include "cgroup-tree.h"
#include "command.h"
#include "report.h"

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

static void say_shut_off(struct vd_report *report, const struct vd_guest *const *picked, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (picked[i]->state != VD_GUEST_RUNNING)
			vd_report_line(report, "%s is %s: it has no cgroup", vd_esc(report, vd_guest_name(picked[i])),
			               vd_guest_state_text(picked[i]));
}

static void report_tree(struct vd_report *report, const struct vd_guests *guests, const struct vd_cgroup_tree *tree,
                        const struct vd_cgroup_tree_options *options)
{
	struct vd_table *table = vd_report_table(report, "cgroups", NULL, 0);
	size_t running = 0;

	for (size_t i = 0; i < tree->n_roots; i++)
		add_node(table, NULL, tree->roots[i]);
	add_notes(report, tree);
	if (options->only)
		say_shut_off(report, options->only, options->n_only);
	for (size_t i = 0; i < guests->len; i++)
		running += guests->items[i].state == VD_GUEST_RUNNING;
	if (!tree->n_roots && !options->only && !tree->n_problems)
		vd_report_line(report, "no cgroup of libvirt's%s", running ? "" : ", and no guest runs");
	for (size_t i = 0; i < tree->n_problems; i++)
		vd_report_missing(report, tree->problems[i].path, tree->problems[i].why, tree->problems[i].matters);
	for (size_t i = 0; i < guests->n_problems; i++)
		/* Only the status XML tells which guest runs, and with it whose group it is. */
		vd_report_missing(report, guests->problems[i].path, guests->problems[i].why,
		                  !strncmp(guests->problems[i].path, "/run/", 5));
}

/* False when there is nothing to look at: no cgroup file system, or none that the capture holds. */
static bool have_hierarchy(struct vd_report *report, const struct vd_mounts *mounts,
                           const struct vd_cgroup_layout *layout)
{
	bool open = false;

	for (size_t i = 0; i < layout->len; i++)
		open |= layout->items[i].used && layout->items[i].fd >= 0;
	if (open)
		return true;
	if (layout->mode == VD_CGROUP_MODE_NONE)
		vd_report_missing(report, "cgroups",
		                  mounts->path ? "no cgroup file system is mounted"
		                               : "the capture has no mount table (proc/self/mountinfo)",
		                  true);
	for (size_t i = 0; i < layout->len; i++)
		if (layout->items[i].used)
			vd_report_missing(report, layout->items[i].path, strerror(layout->items[i].error), true);
	return false;
}

static enum vd_exit show(struct vd_ctx *ctx, const struct vd_mounts *mounts, const struct vd_cgroup_layout *layout,
                         const struct vd_guests *guests, const struct vd_cgroup_tree_options *options)
{
	VD_CLEANUP(vd_cgroup_tree_release) struct vd_cgroup_tree tree = { 0 };
	VD_AUTO_ERR err = VD_ERR_INIT;
	struct vd_report *report;

	if (vd_cgroup_tree_load(ctx->root, layout, guests, options, &tree, &err) < 0)
		return vd_fail(ctx, &err);
	report = vd_report_new(ctx);
	vd_report_extra(report, "layout", vd_value_str(vd_cgroup_mode_name(layout->mode)));
	if (have_hierarchy(report, mounts, layout))
		report_tree(report, guests, &tree, options);
	else
		vd_report_table(report, "cgroups", NULL, 0);
	return vd_report_finish(report);
}

static enum vd_exit show_session(struct vd_ctx *ctx)
{
	struct vd_report *report = vd_report_new(ctx);

	vd_report_table(report, "cgroups", NULL, 0);
	vd_report_line(report, "%s", "a session libvirt makes no cgroups for its guests");
	return vd_report_finish(report);
}

static enum vd_exit run_tree(struct vd_ctx *ctx, int argc, char **argv)
{
	VD_CLEANUP(vd_guests_release) struct vd_guests guests = { 0 };
	VD_CLEANUP(vd_mounts_release) struct vd_mounts mounts = { 0 };
	VD_CLEANUP(vd_cgroup_layout_release) struct vd_cgroup_layout layout = { 0 };
	VD_AUTO_FREE const struct vd_guest **picked = NULL;
	VD_AUTO_ERR err = VD_ERR_INIT;
	struct vd_cgroup_tree_options options = { .all_controllers = vd_opt_given(ctx, "all-controllers") };
	size_t n = 0;
	enum vd_exit status;

	if (ctx->use_session)
		return show_session(ctx);
	if (!vd_ctx_guests(ctx, &guests))
		return VD_EXIT_UNKNOWN;
	if (argc) {
		status = vd_pick_guests(ctx, &guests, argc, argv, &picked, &n);
		if (status != VD_EXIT_OK)
			return status;
		options.only = picked;
		options.n_only = n;
	}
	if (vd_mounts_load(ctx->root, &mounts, &err) < 0 || vd_cgroup_detect(ctx->root, &mounts, &layout, &err) < 0)
		return vd_fail(ctx, &err);
	return show(ctx, &mounts, &layout, &guests, &options);
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

static const struct vd_cmd cmd_tree = {
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

static const struct vd_cmd *const cgroup_verbs[] = { &cmd_tree, NULL };

extern const struct vd_cmd vd_cmd_cgroup;
const struct vd_cmd vd_cmd_cgroup = {
	.name = "cgroup",
	.summary = "look into the cgroups of guests",
	.verbs = cgroup_verbs,
};
