/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtdiag cgroup show: the limits of guests, by their XML and by the kernel. */
#include <stdio.h>

#include "cgroup-tune.h"
#include "cgroup.h"

enum show_column {
	COL_GUEST,
	COL_STATUS,
	COL_GROUP,
	COL_TUNABLE,
	COL_DEVICE,
	COL_XML,
	COL_EXPECTED,
	COL_KERNEL,
	COL_USE,
	COL_TROUBLE,
	COL_WHY,
	COL_PATH,
	COL_COUNT_
};

static const struct vd_col show_cols[] = {
	[COL_GUEST] = { "GUEST", VD_COL_STR, VD_COL_HIDDEN, "the guest" },
	[COL_STATUS] = { "STATUS", VD_COL_STR, 0, "ok, differs or unknown" },
	[COL_GROUP] = { "GROUP", VD_COL_STR, 0, "guest, scope, emulator, vcpuN or iothreadN" },
	[COL_TUNABLE] = { "TUNABLE", VD_COL_STR, 0, "what is limited, by its name in the XML" },
	[COL_DEVICE] = { "DEVICE", VD_COL_STR, 0, "the disk that it is about" },
	[COL_XML] = { "XML", VD_COL_STR, VD_COL_RIGHT, "value in the XML" },
	[COL_EXPECTED] = { "EXPECTED", VD_COL_STR, VD_COL_RIGHT | VD_COL_HIDDEN, "what libvirt writes for it" },
	[COL_KERNEL] = { "KERNEL", VD_COL_STR, VD_COL_RIGHT, "value in force" },
	[COL_USE] = { "USE", VD_COL_BYTES, 0, "how much of it is used now" },
	[COL_TROUBLE] = { "TROUBLE", VD_COL_STR, 0, "what the kernel counted since the group was made" },
	[COL_WHY] = { "WHY", VD_COL_STR, VD_COL_HIDDEN, "why a value is missing" },
	[COL_PATH] = { "PATH", VD_COL_STR, VD_COL_HIDDEN, "the kernel's file" },
};
_Static_assert(VD_ARRAY_SIZE(show_cols) == COL_COUNT_, "a column for each number");

static void add_row(struct vd_report *report, struct vd_table *table, const struct vd_guest *guest,
                    const struct vd_tunable *t)
{
	static const enum vd_hue hues[] = { VD_HUE_GOOD, VD_HUE_BAD, VD_HUE_WARN };
	struct vd_row *row = vd_table_row(table, NULL);
	char buf[32];

	vd_row_str(row, COL_GUEST, vd_guest_name(guest));
	vd_row_str(row, COL_STATUS, vd_tunable_status_name(t->status));
	vd_row_hue(row, COL_STATUS, hues[t->status]);
	vd_row_str(row, COL_GROUP, t->group);
	vd_row_str(row, COL_TUNABLE, t->name);
	vd_row_str(row, COL_DEVICE, t->device);
	vd_row_str(row, COL_XML, t->xml);
	vd_row_str(row, COL_EXPECTED, t->expected);
	vd_row_str(row, COL_KERNEL, t->kernel);
	if (t->use >= 0)
		vd_row_num(row, COL_USE, t->use);
	if (t->use >= 0 && !t->use_bytes) {
		snprintf(buf, sizeof(buf), "%lld", (long long)t->use);
		vd_row_text(row, COL_USE, buf);
	}
	vd_row_str(row, COL_TROUBLE, t->trouble);
	vd_row_str(row, COL_WHY, t->why);
	vd_row_str(row, COL_PATH, t->path);
	if (t->trouble)
		vd_row_hue(row, COL_TROUBLE, VD_HUE_WARN);
	if (t->status == VD_TUNABLE_DIFFERS)
		vd_report_problem(report);
	else if (t->status == VD_TUNABLE_UNKNOWN)
		vd_report_unknown(report);
}

/* Under the table: what differs, in words. */
static void explain(struct vd_report *report, const struct vd_tunables *list)
{
	bool first = true;

	for (size_t i = 0; i < list->len; i++) {
		const struct vd_tunable *t = &list->items[i];

		if (t->status == VD_TUNABLE_OK)
			continue;
		if (first)
			vd_report_line(report, "%s", "");
		first = false;
		if (t->status == VD_TUNABLE_UNKNOWN)
			vd_report_mark(report, VD_HUE_WARN, "unknown: %s: %s", vd_esc(report, t->path), t->why);
		else if (!t->kernel)
			vd_report_mark(report, VD_HUE_BAD, "differs: %s: %s", vd_esc(report, t->path), t->why);
		else if (t->expected)
			vd_report_mark(report, VD_HUE_BAD, "differs: %s holds %s, libvirt sets %s for this XML",
			               vd_esc(report, t->path), vd_esc(report, t->kernel), vd_esc(report, t->expected));
		else
			vd_report_mark(report, VD_HUE_BAD, "differs: %s holds %s, but the XML sets nothing",
			               vd_esc(report, t->path), vd_esc(report, t->kernel));
	}
}

static void add_pressure(struct vd_report *report, struct vd_value *all, const struct vd_guest *guest,
                         const struct vd_tunables *list)
{
	VD_AUTO_BUF text = VD_BUF_INIT;

	for (size_t i = 0; i < list->n_pressures; i++) {
		const struct vd_pressure *p = &list->pressures[i];
		const char *resource = vd_cgroup_resource_name(p->resource);
		struct vd_value *item = vd_value_object();

		vd_need_memory(vd_buf_addf(&text, "%s%s %.1f/%.1f/%.1f %%", text.len ? ", " : "", resource, p->avg10,
		                           p->avg60, p->avg300) == 0 &&
		               vd_value_set(item, "guest", vd_value_str(vd_guest_name(guest))) == 0 &&
		               vd_value_set(item, "resource", vd_value_str(resource)) == 0 &&
		               vd_value_set(item, "avg10", vd_value_double(p->avg10)) == 0 &&
		               vd_value_set(item, "avg60", vd_value_double(p->avg60)) == 0 &&
		               vd_value_set(item, "avg300", vd_value_double(p->avg300)) == 0 &&
		               vd_value_set(item, "path", vd_value_str(p->path)) == 0 &&
		               vd_value_append(all, item) == 0);
	}
	if (text.len) {
		vd_report_line(report, "%s", "");
		vd_report_line(report, "tasks waited in the last 10/60/300 seconds: %s", vd_buf_str(&text));
	}
}

static enum vd_exit show_guest(struct vd_ctx *ctx, struct vd_report *report, const struct vd_cgroup_view *view,
                               const struct vd_cgroup_node *node, struct vd_value *pressure)
{
	VD_CLEANUP(vd_tunables_release) struct vd_tunables list = { 0 };
	VD_AUTO_ERR err = VD_ERR_INIT;
	const char *name = vd_esc(report, vd_guest_name(node->guest));
	bool all = ctx->json || vd_opt_given(ctx, "all");
	struct vd_table *table;
	size_t shown = 0;

	if (node->kind == VD_CGROUP_NOWHERE) {
		vd_report_mark(report, VD_HUE_BAD,
		               "%s runs without a cgroup of libvirt's: no limit of its XML is in force", name);
		vd_report_problem(report);
		return VD_EXIT_OK;
	}
	if (vd_tunables_load(ctx->root, &view->layout, node, vd_ctx_host(ctx)->libvirt, &list, &err) < 0)
		return vd_fail(ctx, &err);
	vd_report_mark(report, VD_HUE_BOLD, "%s  %s  %s", name, vd_driver_name(vd_guest_domain(node->guest)->driver),
	               vd_esc(report, node->path ? node->path : node->rel));
	table = vd_report_table(report, "tunables", NULL, 0);
	for (size_t i = 0; i < list.len; i++) {
		if (!all && !list.items[i].is_set && list.items[i].status == VD_TUNABLE_OK && !list.items[i].trouble)
			continue;
		add_row(report, table, node->guest, &list.items[i]);
		shown++;
	}
	if (!shown)
		vd_report_line(report, "%s", "no limit is set, in the XML or in the kernel");
	explain(report, &list);
	add_pressure(report, pressure, node->guest, &list);
	return VD_EXIT_OK;
}

static enum vd_exit show_all(struct vd_ctx *ctx, struct vd_report *report, const struct vd_cgroup_view *view)
{
	struct vd_value *pressure = vd_value_array();
	size_t running = 0;

	vd_need_memory(pressure != NULL);
	for (size_t i = 0; i < view->n_picked; i++) {
		const struct vd_cgroup_node *node;

		if (view->picked[i]->state != VD_GUEST_RUNNING)
			continue;
		if (running++)
			vd_report_line(report, "%s", "");
		node = vd_cgroup_view_node(view, view->picked[i]);
		if (!node)
			vd_report_missing(report, vd_guest_name(view->picked[i]), "its cgroup was not found", true);
		else if (show_guest(ctx, report, view, node, pressure) != VD_EXIT_OK)
			vd_report_unknown(report);
	}
	vd_report_extra(report, "pressure", pressure);
	vd_cgroup_view_say_off(report, view);
	if (!running && !view->named && !view->guests.n_problems)
		vd_report_line(report, "%s", "no guest runs");
	vd_cgroup_view_missing(report, view);
	return VD_EXIT_OK;
}

static enum vd_exit run_show(struct vd_ctx *ctx, int argc, char **argv)
{
	VD_AUTO_CGROUP_VIEW view = { 0 };
	struct vd_cgroup_tree_options options = { 0 };
	struct vd_report *report;
	enum vd_exit status;

	if (ctx->use_session)
		return vd_cgroup_session(ctx, "tunables");
	status = vd_cgroup_view_load(ctx, argc, argv, &view);
	if (status == VD_EXIT_OK)
		status = vd_cgroup_view_tree(ctx, &view, &options);
	if (status != VD_EXIT_OK)
		return status;
	report = vd_report_new(ctx);
	vd_report_extra(report, "layout", vd_value_str(vd_cgroup_mode_name(view.layout.mode)));
	vd_report_table(report, "tunables", NULL, 0);
	if (vd_cgroup_view_has_files(report, &view))
		show_all(ctx, report, &view);
	return vd_report_finish(report);
}

static const struct vd_opt show_opts[] = {
	{ .name = "all", .type = VD_OPT_FLAG, .help = "also tunables that neither the XML nor the kernel limits" },
	{ 0 },
};

static const struct vd_arg show_args[] = {
	VD_ARG_GUESTS("only these guests"),
	{ 0 },
};

static const char *const show_examples[] = {
	"virtdiag cgroup show web01",
	"what limits a guest, and what it met of that",
	"virtdiag cgroup show web01 --all -o STATUS,TUNABLE,KERNEL,PATH",
	"every tunable, and the file that it is in",
	NULL,
};

const struct vd_cmd vd_cmd_cgroup_show = {
	.name = "show",
	.summary = "compare limits of guests with what the kernel enforces",
	.description =
	        "For each limit of a running guest: the value in its XML, the value in the kernel's file, how much "
	        "of it is used, and how often it was met. A value that libvirt would not have set for this XML "
	        "differs, and is a problem.",
	.examples = show_examples,
	.opts = show_opts,
	.args = show_args,
	.rows = "tunables",
	.flags = VD_CMD_TABLE,
	.cols = show_cols,
	.n_cols = COL_COUNT_,
	.run = run_show,
};
