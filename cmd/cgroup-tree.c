/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtdiag cgroup tree: the groups that libvirt made for its guests. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cgroup-strays.h"
#include "cgroup.h"

enum tree_column {
	COL_NAME,
	COL_GUEST,
	COL_TASKS,
	COL_CPU,
	COL_CPU_RATE,
	COL_THROTTLED_RATE,
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
	[COL_CPU_RATE] = { "CPU_RATE", VD_COL_PERCENT, VD_COL_HIDDEN,
	                   "with --sample: CPU time used, per cent of one CPU" },
	[COL_THROTTLED_RATE] = { "THROTTLED_RATE", VD_COL_PERCENT, VD_COL_HIDDEN,
	                         "with --sample: periods cut short by a quota, per cent" },
	[COL_MEMORY] = { "MEMORY", VD_COL_BYTES, 0, "memory charged to it" },
	[COL_MEMORY_MAX] = { "MEMORY_MAX", VD_COL_BYTES, 0, "smallest memory limit here or above" },
	[COL_PRESSURE] = { "PRESSURE", VD_COL_PERCENT, 0, "highest pressure of the last ten seconds, per cent" },
	[COL_PRESSURE_RESOURCE] = { "PRESSURE_RESOURCE", VD_COL_STR, VD_COL_HIDDEN, "what it waited for" },
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

/* What an earlier look at the tree says beside a later one. */
struct sample {
	const struct vd_cgroup_tree *before; /* NULL: there is none */
	double seconds;                      /* between the two */
};

/* The same group in the earlier tree; *@at is where to look first, since both have the same order. NULL: it is new. */
static const struct vd_cgroup_node *same_node(struct vd_cgroup_node *const *nodes, size_t len, size_t *at,
                                              const struct vd_cgroup_node *node)
{
	for (size_t k = 0; k < len && node->path; k++) {
		size_t i = (*at + k) % len;

		if (!nodes[i]->path || strcmp(nodes[i]->path, node->path) != 0)
			continue;
		*at = i + 1;
		return nodes[i];
	}
	return NULL;
}

static void add_rates(struct vd_row *row, const struct vd_cgroup_node *node, const struct vd_cgroup_node *before,
                      double seconds)
{
	int64_t periods;

	if (!before)
		return;
	if (node->cpu_usec >= before->cpu_usec && before->cpu_usec >= 0)
		vd_row_double(row, COL_CPU_RATE, (double)(node->cpu_usec - before->cpu_usec) / 1e4 / seconds);
	periods = node->nr_periods - before->nr_periods;
	/* Without a period in between it did not run, or has no quota: nothing was cut. */
	if (before->nr_periods >= 0 && periods >= 0 && node->nr_throttled >= before->nr_throttled)
		vd_row_double(row, COL_THROTTLED_RATE,
		              periods ? (double)(node->nr_throttled - before->nr_throttled) / (double)periods * 100
		                      : 0);
}

static void add_node(struct vd_table *table, struct vd_row *parent, const struct vd_cgroup_node *node,
                     const struct vd_cgroup_node *before, double seconds)
{
	size_t at = 0;
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
	add_rates(row, node, before, seconds);
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
		add_node(table, row, node->children[i],
		         before ? same_node(before->children, before->n_children, &at, node->children[i]) : NULL,
		         seconds);
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

/* The columns of the table: those of a sample are not hidden when there is one. */
static struct vd_table *new_table(struct vd_report *report, struct vd_col cols[COL_COUNT_], const struct sample *sample)
{
	memcpy(cols, tree_cols, sizeof(tree_cols));
	if (sample->before) {
		cols[COL_CPU_RATE].flags &= ~(unsigned)VD_COL_HIDDEN;
		cols[COL_THROTTLED_RATE].flags &= ~(unsigned)VD_COL_HIDDEN;
	}
	return vd_report_table(report, "cgroups", cols, COL_COUNT_);
}

static void report_tree(struct vd_report *report, struct vd_table *table, const struct vd_cgroup_view *view,
                        const struct sample *sample)
{
	size_t running = 0, at = 0;

	for (size_t i = 0; i < view->tree.n_roots; i++)
		add_node(table, NULL, view->tree.roots[i],
		         sample->before
		                 ? same_node(sample->before->roots, sample->before->n_roots, &at, view->tree.roots[i])
		                 : NULL,
		         sample->seconds);
	add_notes(report, &view->tree);
	vd_cgroup_view_say_off(report, view);
	for (size_t i = 0; i < view->guests.len; i++)
		running += view->guests.items[i].state == VD_GUEST_RUNNING;
	if (!view->tree.n_roots && !view->named && !view->tree.n_problems)
		vd_report_line(report, "no cgroup of libvirt's%s", running ? "" : ", and no guest runs");
	vd_cgroup_view_missing(report, view);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Look once, wait for @usec, and look again: the first tree goes to *@before. */
static enum vd_exit load_twice(struct vd_ctx *ctx, struct vd_cgroup_view *view, struct vd_cgroup_tree_options *options,
                               int64_t usec, struct vd_cgroup_tree *before, double *seconds)
{
	struct timespec wait = { usec / 1000000, usec % 1000000 * 1000 };
	double start = now();
	enum vd_exit status = vd_cgroup_view_tree(ctx, view, options);

	if (status != VD_EXIT_OK)
		return status;
	*before = view->tree;
	view->has_tree = false;
	while (nanosleep(&wait, &wait) < 0)
		continue;
	*seconds = now() - start;
	return vd_cgroup_view_tree(ctx, view, options);
}

static enum vd_exit run_tree(struct vd_ctx *ctx, int argc, char **argv)
{
	VD_AUTO_CGROUP_VIEW view = { 0 };
	VD_CLEANUP(vd_cgroup_tree_release) struct vd_cgroup_tree before = { 0 };
	struct vd_cgroup_tree_options options = { .all_controllers = vd_opt_given(ctx, "all-controllers") };
	int64_t usec = vd_opt_duration(ctx, "sample", 0);
	struct vd_col cols[COL_COUNT_];
	struct sample sample = { 0 };
	VD_AUTO_ERR err = VD_ERR_INIT;
	struct vd_report *report;
	struct vd_table *table;
	enum vd_exit status;

	if (usec && !vd_root_is_live(ctx->root))
		return vd_usage(ctx, "%s", "--sample needs a running host: in a capture nothing changes");
	if (vd_opt_given(ctx, "sample") && usec < 10000)
		return vd_usage(ctx, "%s", "--sample needs at least 10ms");
	if (ctx->use_session)
		return vd_cgroup_session(ctx, "cgroups");
	status = vd_cgroup_view_load(ctx, argc, argv, &view);
	if (status == VD_EXIT_OK && usec) {
		sample.before = &before;
		status = load_twice(ctx, &view, &options, usec, &before, &sample.seconds);
	} else if (status == VD_EXIT_OK) {
		status = vd_cgroup_view_tree(ctx, &view, &options);
	}
	if (status != VD_EXIT_OK)
		return status;
	if (vd_cgroup_tree_add_strays(ctx->root, &view.layout, &view.tree, &err) < 0)
		return vd_fail(ctx, &err);
	report = vd_report_new(ctx);
	vd_report_extra(report, "layout", vd_value_str(vd_cgroup_mode_name(view.layout.mode)));
	if (usec)
		vd_report_extra(report, "sample_seconds", vd_value_double(sample.seconds));
	table = new_table(report, cols, &sample);
	if (vd_cgroup_view_has_files(report, &view))
		report_tree(report, table, &view, &sample);
	return vd_report_finish(report);
}

static const struct vd_opt tree_opts[] = {
	{ .name = "sample",
	  .type = VD_OPT_DURATION,
	  .arg = "SECONDS",
	  .help = "look twice, so far apart, and show rates" },
	{ .name = "all-controllers", .type = VD_OPT_FLAG, .help = "a tree for each hierarchy that libvirt uses" },
	{ 0 },
};

static const struct vd_arg tree_args[] = {
	VD_ARG_GUESTS("only the branches of these guests"),
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
	.rows = "cgroups",
	.flags = VD_CMD_TABLE,
	.cols = tree_cols,
	.n_cols = COL_COUNT_,
	.run = run_tree,
};
