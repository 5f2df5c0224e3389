/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtdiag cgroup check: what is wrong with the cgroups of guests, and nothing else. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup-conf.h"
#include "cgroup-devices.h"
#include "cgroup-name.h"
#include "cgroup-tune.h"
#include "cgroup.h"
#include "log-strings.h"

enum finding_column {
	COL_SEVERITY,
	COL_ID,
	COL_CONFIDENCE,
	COL_DRIVER,
	COL_GUEST,
	COL_SUBJECT,
	COL_MESSAGE,
	COL_EVIDENCE,
	COL_FIX,
	COL_REFS,
	COL_COUNT_
};

static const struct vd_col finding_cols[] = {
	[COL_SEVERITY] = { "SEVERITY", VD_COL_STR, 0, "fail, warn or info" },
	[COL_ID] = { "ID", VD_COL_STR, 0, "what kind of finding it is" },
	[COL_CONFIDENCE] = { "CONFIDENCE", VD_COL_STR, VD_COL_HIDDEN, "certain, likely or possible" },
	[COL_DRIVER] = { "DRIVER", VD_COL_STR, VD_COL_HIDDEN, "qemu or lxc" },
	[COL_GUEST] = { "GUEST", VD_COL_STR, 0, "the guest that it is about" },
	[COL_SUBJECT] = { "SUBJECT", VD_COL_STR, VD_COL_HIDDEN, "the group or the tunable" },
	[COL_MESSAGE] = { "MESSAGE", VD_COL_STR, 0, "what was found" },
	[COL_EVIDENCE] = { "EVIDENCE", VD_COL_VALUE, VD_COL_JSON_ONLY, "the files that say so" },
	[COL_FIX] = { "FIX", VD_COL_VALUE, VD_COL_JSON_ONLY, "commands; empty: there is none that is safe" },
	[COL_REFS] = { "REFS", VD_COL_VALUE, VD_COL_JSON_ONLY, "where to read more" },
};
_Static_assert(VD_ARRAY_SIZE(finding_cols) == COL_COUNT_, "a column for each number");

enum severity {
	FAIL,
	WARN,
	INFO
};

struct check {
	struct vd_ctx *ctx;
	struct vd_report *report;
	struct vd_table *table;
	const struct vd_cgroup_view *view;
	size_t guests, counts[INFO + 1];
};

/* @path: the file that says so; NULL. */
static void found(struct check *c, enum severity severity, const char *id, const struct vd_guest *guest,
                  const char *subject, const char *path, const char *fmt, ...) VD_PRINTF(7, 8);
static void found(struct check *c, enum severity severity, const char *id, const struct vd_guest *guest,
                  const char *subject, const char *path, const char *fmt, ...)
{
	static const char *const words[] = { "fail", "warn", "info" };
	static const enum vd_hue hues[] = { VD_HUE_BAD, VD_HUE_WARN, VD_HUE_NONE };
	struct vd_row *row = vd_table_row(c->table, NULL);
	struct vd_value *evidence = vd_value_array();
	VD_AUTO_FREE char *message = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&message, fmt, ap);
	va_end(ap);
	vd_need_memory(n >= 0 && evidence);
	if (path) {
		struct vd_value *item = vd_value_object();

		vd_need_memory(vd_value_set(item, "path", vd_value_str(path)) == 0 &&
		               vd_value_append(evidence, item) == 0);
	}
	vd_row_str(row, COL_SEVERITY, words[severity]);
	vd_row_hue(row, COL_SEVERITY, hues[severity]);
	vd_row_str(row, COL_ID, id);
	vd_row_str(row, COL_CONFIDENCE, "certain");
	if (guest) {
		vd_row_str(row, COL_DRIVER, vd_driver_name(vd_guest_domain(guest)->driver));
		vd_row_str(row, COL_GUEST, vd_guest_name(guest));
	}
	vd_row_str(row, COL_SUBJECT, subject);
	vd_row_str(row, COL_MESSAGE, message);
	vd_row_value(row, COL_EVIDENCE, evidence);
	vd_row_value(row, COL_FIX, vd_value_array());
	vd_row_value(row, COL_REFS, vd_value_array());
	c->counts[severity]++;
	if (severity == FAIL)
		vd_report_problem(c->report);
	else if (severity == WARN)
		vd_report_warning(c->report);
}

/* --- groups ------------------------------------------------------------------------------------------------------ */

/* The guest whose name a note of the tree begins or holds is not kept apart in it: the nodes tell. */
static void check_notes(struct check *c)
{
	static const struct {
		const char *id;
		enum severity severity;
	} kinds[] = {
		[VD_CGROUP_NOTE_NO_GROUP] = { "cgroup-none", FAIL },
		[VD_CGROUP_NOTE_MISPLACED] = { "cgroup-misplaced", WARN },
		[VD_CGROUP_NOTE_STALE] = { "cgroup-stale", WARN },
		[VD_CGROUP_NOTE_ORPHAN] = { "cgroup-orphan", WARN },
	};
	const struct vd_cgroup_tree *tree = &c->view->tree;

	for (size_t i = 0; i < tree->n_notes; i++)
		found(c, kinds[tree->notes[i].id].severity, kinds[tree->notes[i].id].id, NULL, NULL, NULL, "%s",
		      tree->notes[i].text);
}

/* Groups of threads: throttled ones, and online virtual CPUs without one where others have theirs. */
static void check_threads(struct check *c, const struct vd_cgroup_node *node)
{
	const struct vd_domain *domain = vd_guest_domain(node->guest);
	bool any = false;

	for (size_t i = 0; i < node->n_children; i++) {
		const struct vd_cgroup_node *child = node->children[i];
		unsigned number;

		any |= vd_cgroup_child_kind(child->name, &number) == VD_CGROUP_CHILD_VCPU;
		if (vd_cgroup_is_throttled(child))
			found(c, WARN, "cgroup-throttled", node->guest, child->name, child->path,
			      "%s was cut short in %.1f %% of its periods: its quota is too small for what it does",
			      child->name, (double)child->nr_throttled / (double)child->nr_periods * 100);
	}
	for (size_t v = 0; any && domain->status && v < domain->status->n_vcpus; v++) {
		char name[32];
		bool there = false;

		snprintf(name, sizeof(name), "vcpu%u", domain->status->vcpus[v].id);
		for (size_t i = 0; i < node->n_children && !there; i++)
			there = !strcmp(node->children[i]->name, name);
		if (!there)
			found(c, WARN, "cgroup-vcpu", node->guest, name, node->path,
			      "virtual CPU %u has no group of its own: its limits and pins are not in force",
			      domain->status->vcpus[v].id);
	}
}

static void check_node(struct check *c, const struct vd_cgroup_node *node)
{
	if (node->oom_kills > 0)
		found(c, WARN, "cgroup-oom", node->guest, node->name, node->path,
		      "the kernel killed %" PRId64 " of its processes for want of memory", node->oom_kills);
	if (node->frozen)
		found(c, WARN, "cgroup-frozen", node->guest, node->name, node->path, "all its processes are frozen");
	if (vd_cgroup_is_throttled(node))
		found(c, WARN, "cgroup-throttled", node->guest, node->name, node->path,
		      "it was cut short in %.1f %% of its periods: its quota is too small for what it does",
		      (double)node->nr_throttled / (double)node->nr_periods * 100);
	if (node->memory_max > 0 && node->memory >= 0 && (double)node->memory >= (double)node->memory_max * 0.95)
		found(c, WARN, "cgroup-memory-full", node->guest, node->name, node->path,
		      "it uses %.0f %% of the memory that it or a group above may use: it will be slow, or be killed",
		      (double)node->memory / (double)node->memory_max * 100);
	check_threads(c, node);
}

/* --- limits ------------------------------------------------------------------------------------------------------ */

static void check_tunable(struct check *c, const struct vd_guest *guest, const struct vd_tunable *t)
{
	int64_t limit = t->kernel && !strcmp(t->name, "pids") ? strtoll(t->kernel, NULL, 10) : 0;

	if (t->status == VD_TUNABLE_DIFFERS && t->expected)
		found(c, FAIL, "cgroup-limit", guest, t->name, t->path,
		      "%s of %s: the kernel has %s, libvirt sets %s for its XML", t->name, t->group,
		      t->kernel ? t->kernel : "no such file", t->expected);
	else if (t->status == VD_TUNABLE_DIFFERS)
		found(c, FAIL, "cgroup-limit", guest, t->name, t->path,
		      "%s of %s: the kernel has %s, the XML sets nothing", t->name, t->group, t->kernel);
	else if (t->status == VD_TUNABLE_UNKNOWN)
		vd_report_missing(c->report, t->path, t->why, true);
	if (t->trouble && strstr(t->trouble, "cannot be used"))
		found(c, WARN, "cgroup-cpus", guest, t->name, t->path, "%s of %s is %s, but %s", t->name, t->group,
		      t->kernel, t->trouble);
	if (limit > 0 && t->use >= limit / 10 * 9)
		found(c, WARN, "cgroup-tasks", guest, t->name, t->path,
		      "it has %" PRId64 " of %" PRId64 " tasks: soon it can start no thread", t->use, limit);
}

static void check_pressure(struct check *c, const struct vd_guest *guest, const struct vd_pressure *p)
{
	/* A minute in which tasks waited a fifth of the time is felt in the guest. */
	if (p->avg60 >= 20)
		found(c, WARN, "cgroup-pressure", guest, vd_cgroup_resource_name(p->resource), p->path,
		      "its tasks waited for %s in %.0f %% of the last minute", vd_cgroup_resource_name(p->resource),
		      p->avg60);
}

static void check_limits(struct check *c, const struct vd_cgroup_node *node)
{
	const struct vd_tuning *t = &vd_guest_domain(node->guest)->tuning;
	VD_CLEANUP(vd_tunables_release) struct vd_tunables list = { 0 };
	VD_AUTO_ERR err = VD_ERR_INIT;
	int h = c->view->layout.from[VD_CGROUP_MEMORY];

	vd_need_memory(vd_tunables_load(c->ctx->root, &c->view->layout, node, &list, &err) == 0);
	for (size_t i = 0; i < list.len; i++)
		check_tunable(c, node->guest, &list.items[i]);
	for (size_t i = 0; i < list.n_pressures; i++)
		check_pressure(c, node->guest, &list.pressures[i]);
	if (h >= 0 && c->view->layout.items[h].v2 && t->swap_hard_limit >= 0)
		found(c, INFO, "cgroup-swap", node->guest, "swap_hard_limit", node->path,
		      "swap_hard_limit means memory and swap together, but on cgroup v2 libvirt limits swap alone to "
		      "it");
	if (vd_guest_domain(node->guest)->hugepages && t->hard_limit >= 0)
		found(c, INFO, "cgroup-hugepages", node->guest, "hard_limit", node->path,
		      "its memory is on huge pages, which hard_limit does not count");
}

/* --- devices ----------------------------------------------------------------------------------------------------- */

static void check_devices(struct check *c, const struct vd_cgroup_node *node, bool configured)
{
	VD_CLEANUP(vd_devfilter_release) struct vd_devfilter filter = { 0 };
	VD_CLEANUP(vd_devwants_release) struct vd_devwants wants = { 0 };
	const struct vd_guest *guest = node->guest;

	vd_need_memory(vd_devfilter_load(c->ctx->root, &c->view->layout, node, &filter, NULL) == 0 &&
	               vd_devwants_load(c->ctx->root, guest, &wants, NULL) == 0);
	if (filter.kind == VD_DEVFILTER_UNKNOWN)
		vd_report_missing(c->report, "device rules", filter.why, false);
	if (filter.kind == VD_DEVFILTER_NONE && filter.path && configured)
		found(c, WARN, "cgroup-devices-open", guest, "devices", filter.path,
		      "nothing filters its devices, although libvirt may use the devices controller");
	if (filter.foreign)
		found(c, INFO, "cgroup-devices-foreign", guest, "devices", filter.path,
		      "a device program that is not libvirt's decides on its devices too");
	for (size_t i = 0; i < wants.len && filter.kind != VD_DEVFILTER_UNKNOWN; i++) {
		const struct vd_devwant *w = &wants.items[i];

		if (w->certain && w->path && w->has_number && w->rule.major >= 0 &&
		    vd_devfilter_allows(&filter, w->rule.type, (uint32_t)w->rule.major, (uint32_t)w->rule.minor,
		                        w->rule.access) == 0)
			found(c, w->origin == VD_DEVORIGIN_XML ? FAIL : WARN, "cgroup-device-denied", guest, w->path,
			      filter.path, "%s%s%s may not be opened: no device rule allows it",
			      w->device ? w->device : "", w->device ? ": " : "", w->path);
	}
}

/* --- all --------------------------------------------------------------------------------------------------------- */

static void check_guest(struct check *c, const struct vd_guest *guest, const struct vd_cgroup_conf *conf)
{
	const struct vd_cgroup_node *node = vd_cgroup_view_node(c->view, guest);
	bool qemu = vd_guest_domain(guest)->driver == VD_DRIVER_QEMU;

	if (guest->state != VD_GUEST_RUNNING)
		return;
	c->guests++;
	/* A guest without a group is a note of the tree already. */
	if (!node || node->kind != VD_CGROUP_GUEST)
		return;
	check_node(c, node);
	check_limits(c, node);
	check_devices(c, node, !qemu || conf->mask & 1u << VD_CGROUP_DEVICES);
}

static void read_conf(struct check *c, struct vd_cgroup_conf *conf)
{
	static const char file[] = "/etc/libvirt/qemu.conf";
	VD_AUTO_BUF text = VD_BUF_INIT;
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r = vd_root_read(c->ctx->root, file, VD_MAX_CONF, &text, &err);

	*conf = (struct vd_cgroup_conf){ .mask = VD_CGROUP_LIBVIRT };
	if (r == -ENOENT)
		return;
	if (r < 0) {
		vd_report_missing(c->report, file, vd_err_text(&err), false);
		return;
	}
	if (vd_cgroup_conf_read(vd_buf_str(&text), text.len, file, conf, &err) == -EBADMSG)
		found(c, FAIL, "cgroup-conf", NULL, "cgroup_controllers", file,
		      "libvirt's QEMU driver will not start: %s", vd_err_text(&err));
}

static void check_all(struct check *c)
{
	const struct vd_cgroup_view *view = c->view;
	struct vd_cgroup_conf conf;

	read_conf(c, &conf);
	check_notes(c);
	for (size_t i = 0; i < view->n_picked; i++)
		check_guest(c, view->picked[i], &conf);
	if (c->counts[FAIL] + c->counts[WARN] + c->counts[INFO])
		vd_report_line(c->report, "%s", "");
	vd_report_line(c->report, "%zu running guest%s checked: %zu fail, %zu warn, %zu info", c->guests,
	               c->guests == 1 ? "" : "s", c->counts[FAIL], c->counts[WARN], c->counts[INFO]);
	vd_cgroup_view_missing(c->report, view);
}

static enum vd_exit run_check(struct vd_ctx *ctx, int argc, char **argv)
{
	VD_AUTO_CGROUP_VIEW view = { 0 };
	struct vd_cgroup_tree_options options = { 0 };
	struct check c = { .ctx = ctx, .view = &view };
	enum vd_exit status;

	if (ctx->use_session)
		return vd_cgroup_session(ctx, "findings");
	status = vd_cgroup_view_load(ctx, argc, argv, &view);
	if (status == VD_EXIT_OK)
		status = vd_cgroup_view_tree(ctx, &view, &options);
	if (status != VD_EXIT_OK)
		return status;
	c.report = vd_report_new(ctx);
	c.table = vd_report_table(c.report, "findings", NULL, 0);
	if (vd_cgroup_view_has_files(c.report, &view))
		check_all(&c);
	return vd_report_finish(c.report);
}

static const struct vd_arg check_args[] = {
	{ "GUEST", VD_OPT_GUEST, true, true, "only these guests", NULL, NULL },
	{ 0 },
};

static const char *const check_examples[] = {
	"virtdiag cgroup check",
	"what is wrong with the cgroups of running guests",
	NULL,
};

const struct vd_cmd vd_cmd_cgroup_check = {
	.name = "check",
	.summary = "find what is wrong with the cgroups of guests",
	.description =
	        "Findings only: guests without a group or in the wrong one, groups left behind, limits that are not "
	        "those of the XML, throttling, processes killed for want of memory, denied devices. A session guest "
	        "has no cgroup of libvirt's: that is no finding.",
	.examples = check_examples,
	.args = check_args,
	.rows = "findings",
	.flags = VD_CMD_TABLE,
	.cols = finding_cols,
	.n_cols = COL_COUNT_,
	.run = run_check,
};
