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
#include "cgroup-finding.h"
#include "cgroup-name.h"
#include "cgroup-strays.h"
#include "cgroup-tune.h"

struct check {
	struct vd_ctx *ctx;
	struct vd_report *report;
	struct vd_cgroup_findings f;
	const struct vd_cgroup_view *view;
	size_t guests;
	const struct vd_guest **told; /* whose threads said themselves that they are misplaced */
	size_t n_told;
};

/* --- groups ------------------------------------------------------------------------------------------------------ */

/* The path of @rel and a file below it in hierarchy @h. The caller frees it. */
static char *path_of(const struct check *c, size_t h, const char *rel, const char *below)
{
	char *path;

	vd_need_memory(asprintf(&path, "%s%s%s%s", c->view->layout.items[h].path, rel, *below ? "/" : "", below) >= 0);
	return path;
}

/* A group that was left behind goes with those below it, in each hierarchy: rmdir takes empty ones only. */
static void fix_stale(struct check *c, const struct vd_cgroup_node *node)
{
	for (size_t h = 0; h < c->view->layout.len; h++) {
		VD_AUTO_STRV words = VD_STRV_INIT;
		struct vd_stat st;

		if (!(node->present & 1u << h))
			continue;
		vd_need_memory(vd_strv_add(&words, "rmdir") == 0 && vd_strv_add(&words, "--") == 0);
		for (size_t i = 0; i <= node->n_children; i++) {
			char *path = path_of(c, h, node->rel, i < node->n_children ? node->children[i]->name : "");

			if (vd_root_stat(c->ctx->root, path, &st, NULL) < 0)
				free(path);
			else
				vd_need_memory(vd_strv_take(&words, path) == 0);
		}
		/* The list ends with a NULL. */
		if (words.len > 2)
			vd_cgroup_fix(&c->f, (const char *const *)words.items, NULL, NULL);
	}
}

/* The threads of one guest that are in a wrong group. */
static void check_strays(struct check *c, const struct vd_cgroup_node *node, const struct vd_strays *strays)
{
	for (size_t i = 0; i < strays->len; i++) {
		const struct vd_stray *s = &strays->items[i];
		VD_AUTO_FREE char *what = NULL, *file = NULL;
		const char *kinds[] = { [VD_STRAY_PROCESS] = "its process",
			                [VD_STRAY_VCPU] = "virtual CPU",
			                [VD_STRAY_IOTHREAD] = "I/O thread",
			                [VD_STRAY_EMULATOR] = "a thread of the emulator" };
		bool numbered = s->kind == VD_STRAY_VCPU || s->kind == VD_STRAY_IOTHREAD;

		vd_need_memory((numbered ? asprintf(&what, "%s %u", kinds[s->kind], s->number)
		                         : asprintf(&what, "%s", kinds[s->kind])) >= 0 &&
		               asprintf(&file, "/proc/%d/task/%d/cgroup", (int)node->guest->pid, (int)s->tid) >= 0);
		vd_cgroup_found(&c->f, VD_WARN, "cgroup-misplaced", node->guest, s->group, file,
		                "%s (%s %d%s%s%s) is in %s%s%s, not in %s: the limits of that do not hold for it", what,
		                s->kind == VD_STRAY_PROCESS ? "pid" : "thread", (int)s->tid, s->name[0] ? ", \"" : "",
		                s->name, s->name[0] ? "\"" : "", s->where, s->in ? " of " : "", s->in ? s->in : "",
		                s->group);
		if (!s->certain)
			vd_cgroup_likely(&c->f);
		for (size_t m = 0; m < s->n_moves; m++) {
			char id[32];

			snprintf(id, sizeof(id), "%d", (int)s->moves[m].id);
			vd_cgroup_fix_write(&c->f, id, s->moves[m].file, NULL, id, s->moves[m].back);
		}
	}
}

/* Threads by what each says itself; where they cannot be asked, the notes of the tree are what is known. */
static void look_at_threads(struct check *c, const struct vd_guest *guest)
{
	VD_CLEANUP(vd_strays_release) struct vd_strays strays = { 0 };
	const struct vd_cgroup_node *node = vd_cgroup_view_node(c->view, guest);

	if (!node || node->kind != VD_CGROUP_GUEST || guest->state != VD_GUEST_RUNNING)
		return;
	vd_need_memory(vd_strays_load(c->ctx->root, &c->view->layout, node, &strays, NULL) == 0);
	check_strays(c, node, &strays);
	if (strays.len)
		c->told[c->n_told++] = guest;
}

static bool is_told(const struct check *c, const struct vd_guest *guest)
{
	for (size_t i = 0; i < c->n_told; i++)
		if (c->told[i] == guest)
			return true;
	return false;
}

/* What the tree found odd, unless the threads of that guest said it better. */
static void check_notes(struct check *c)
{
	static const struct {
		const char *id;
		enum vd_severity severity;
	} kinds[] = {
		[VD_CGROUP_NOTE_NO_GROUP] = { "cgroup-none", VD_FAIL },
		[VD_CGROUP_NOTE_MISPLACED] = { "cgroup-misplaced", VD_WARN },
		[VD_CGROUP_NOTE_STALE] = { "cgroup-stale", VD_WARN },
		[VD_CGROUP_NOTE_ORPHAN] = { "cgroup-orphan", VD_WARN },
	};
	const struct vd_cgroup_tree *tree = &c->view->tree;

	for (size_t i = 0; i < tree->n_notes; i++) {
		const struct vd_cgroup_note *note = &tree->notes[i];

		if (note->id == VD_CGROUP_NOTE_MISPLACED && is_told(c, note->guest))
			continue;
		vd_cgroup_found(&c->f, kinds[note->id].severity, kinds[note->id].id, note->guest,
		                note->node ? note->node->name : NULL, note->node ? note->node->path : NULL, "%s",
		                note->text);
		if (note->id == VD_CGROUP_NOTE_STALE && note->node)
			fix_stale(c, note->node);
	}
}

/* virsh suspend freezes a container: then it is meant to be so. */
static bool is_suspended(const struct vd_guest *guest)
{
	const struct vd_domain *d = vd_guest_domain(guest);

	return d->driver == VD_DRIVER_LXC && d->status && d->status->state && !strcmp(d->status->state, "paused");
}

static void check_frozen(struct check *c, const struct vd_cgroup_node *node)
{
	const struct vd_cgroup_layout *layout = &c->view->layout;
	int h = layout->from[VD_CGROUP_FREEZER] >= 0 ? layout->from[VD_CGROUP_FREEZER] : layout->unified;
	VD_AUTO_FREE char *path = NULL;
	bool v2;

	if (!node->frozen || is_suspended(node->guest))
		return;
	vd_cgroup_found(&c->f, VD_WARN, "cgroup-frozen", node->guest, node->name, node->path,
	                "all its processes are frozen");
	if (h < 0)
		return;
	v2 = layout->items[h].v2;
	path = path_of(c, (size_t)h, node->rel, v2 ? "cgroup.freeze" : "freezer.state");
	vd_cgroup_fix_write(&c->f, v2 ? "0" : "THAWED", path, NULL, v2 ? "1" : "FROZEN", path);
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
			vd_cgroup_found(&c->f, VD_WARN, "cgroup-throttled", node->guest, child->name, child->path,
			                "%s was cut short in %.1f %% of its periods: its quota is too small for what "
			                "it does",
			                child->name, (double)child->nr_throttled / (double)child->nr_periods * 100);
	}
	for (size_t v = 0; any && domain->status && v < domain->status->n_vcpus; v++) {
		char name[32];
		bool there = false;

		snprintf(name, sizeof(name), "vcpu%u", domain->status->vcpus[v].id);
		for (size_t i = 0; i < node->n_children && !there; i++)
			there = !strcmp(node->children[i]->name, name);
		if (!there)
			vd_cgroup_found(&c->f, VD_WARN, "cgroup-vcpu", node->guest, name, node->path,
			                "virtual CPU %u has no group of its own: its limits and pins are not in force",
			                domain->status->vcpus[v].id);
	}
}

static void check_node(struct check *c, const struct vd_cgroup_node *node)
{
	if (node->oom_kills > 0)
		vd_cgroup_found(&c->f, VD_WARN, "cgroup-oom", node->guest, node->name, node->path,
		                "the kernel killed %" PRId64 " of its processes for want of memory", node->oom_kills);
	check_frozen(c, node);
	if (vd_cgroup_is_throttled(node))
		vd_cgroup_found(&c->f, VD_WARN, "cgroup-throttled", node->guest, node->name, node->path,
		                "it was cut short in %.1f %% of its periods: its quota is too small for what it does",
		                (double)node->nr_throttled / (double)node->nr_periods * 100);
	if (node->memory_max > 0 && node->memory >= 0 && (double)node->memory >= (double)node->memory_max * 0.95)
		vd_cgroup_found(&c->f, VD_WARN, "cgroup-memory-full", node->guest, node->name, node->path,
		                "it uses %.0f %% of the memory that it or a group above may use: it will be slow, or "
		                "be killed",
		                (double)node->memory / (double)node->memory_max * 100);
	check_threads(c, node);
}

/* --- limits ------------------------------------------------------------------------------------------------------ */

static void check_tunable(struct check *c, const struct vd_guest *guest, const struct vd_tunable *t)
{
	int64_t limit = t->kernel && !strcmp(t->name, "pids") ? strtoll(t->kernel, NULL, 10) : 0;

	if (t->status == VD_TUNABLE_DIFFERS && t->expected)
		vd_cgroup_found(&c->f, VD_FAIL, "cgroup-limit", guest, t->name, t->path,
		                "%s of %s: the kernel has %s, libvirt sets %s for its XML", t->name, t->group,
		                t->kernel ? t->kernel : "no such file", t->expected);
	else if (t->status == VD_TUNABLE_DIFFERS)
		vd_cgroup_found(&c->f, VD_FAIL, "cgroup-limit", guest, t->name, t->path,
		                "%s of %s: the kernel has %s, the XML sets nothing", t->name, t->group, t->kernel);
	if (t->status == VD_TUNABLE_DIFFERS && t->write)
		vd_cgroup_fix_write(&c->f, t->write, t->path,
		                    strcmp(t->group, "scope")
		                            ? NULL
		                            : "systemd writes its own value again when it reloads its "
		                              "units: systemctl set-property changes that one",
		                    t->unwrite, t->path);
	if (t->status == VD_TUNABLE_UNKNOWN)
		vd_report_missing(c->report, t->path, t->why, true);
	if (t->trouble && strstr(t->trouble, "cannot be used"))
		vd_cgroup_found(&c->f, VD_WARN, "cgroup-cpus", guest, t->name, t->path, "%s of %s is %s, but %s",
		                t->name, t->group, t->kernel, t->trouble);
	if (limit > 0 && t->use >= limit / 10 * 9)
		vd_cgroup_found(&c->f, VD_WARN, "cgroup-tasks", guest, t->name, t->path,
		                "it has %" PRId64 " of %" PRId64 " tasks: soon it can start no thread", t->use, limit);
}

static void check_pressure(struct check *c, const struct vd_guest *guest, const struct vd_pressure *p)
{
	/* A minute in which tasks waited a fifth of the time is felt in the guest. */
	if (p->avg60 >= 20)
		vd_cgroup_found(&c->f, VD_WARN, "cgroup-pressure", guest, vd_cgroup_resource_name(p->resource), p->path,
		                "its tasks waited for %s in %.0f %% of the last minute",
		                vd_cgroup_resource_name(p->resource), p->avg60);
}

static void check_limits(struct check *c, const struct vd_cgroup_node *node)
{
	const struct vd_tuning *t = &vd_guest_domain(node->guest)->tuning;
	VD_CLEANUP(vd_tunables_release) struct vd_tunables list = { 0 };
	VD_AUTO_ERR err = VD_ERR_INIT;
	int h = c->view->layout.from[VD_CGROUP_MEMORY];

	vd_need_memory(
	        vd_tunables_load(c->ctx->root, &c->view->layout, node, vd_ctx_host(c->ctx)->libvirt, &list, &err) == 0);
	for (size_t i = 0; i < list.len; i++)
		check_tunable(c, node->guest, &list.items[i]);
	for (size_t i = 0; i < list.n_pressures; i++)
		check_pressure(c, node->guest, &list.pressures[i]);
	if (h >= 0 && c->view->layout.items[h].v2 && t->swap_hard_limit >= 0)
		vd_cgroup_found(&c->f, VD_INFO, "cgroup-swap", node->guest, "swap_hard_limit", node->path,
		                "swap_hard_limit means memory and swap together, but on cgroup v2 libvirt limits swap "
		                "alone to it");
	if (vd_guest_domain(node->guest)->hugepages && t->hard_limit >= 0)
		vd_cgroup_found(&c->f, VD_INFO, "cgroup-hugepages", node->guest, "hard_limit", node->path,
		                "its memory is on huge pages, which hard_limit does not count");
}

/* --- devices ----------------------------------------------------------------------------------------------------- */

/* In v1 a rule can be added while the guest runs; v2's program is libvirt's own, and changes at the next start. */
static void fix_rule(struct check *c, const struct vd_devfilter *filter, const struct vd_devrule *rule)
{
	const char *slash = filter->path ? strrchr(filter->path, '/') : NULL;
	VD_AUTO_FREE char *allow = NULL, *deny = NULL;
	char text[64];
	int len = slash ? (int)(slash - filter->path) : 0;

	if (!slash)
		return;
	vd_devrule_text(rule, text);
	vd_need_memory(asprintf(&allow, "%.*s/devices.allow", len, filter->path) >= 0 &&
	               asprintf(&deny, "%.*s/devices.deny", len, filter->path) >= 0);
	vd_cgroup_fix_write(&c->f, text, allow, NULL, text, deny);
}

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
		vd_cgroup_found(&c->f, VD_WARN, "cgroup-devices-open", guest, "devices", filter.path,
		                "nothing filters its devices, although libvirt may use the devices controller");
	if (filter.foreign)
		vd_cgroup_found(&c->f, VD_INFO, "cgroup-devices-foreign", guest, "devices", filter.path,
		                "a device program that is not libvirt's decides on its devices too");
	for (size_t i = 0; i < wants.len && filter.kind != VD_DEVFILTER_UNKNOWN; i++) {
		const struct vd_devwant *w = &wants.items[i];

		if (!w->certain || !w->path || !w->has_number || w->rule.major < 0 ||
		    vd_devfilter_allows(&filter, w->rule.type, (uint32_t)w->rule.major, (uint32_t)w->rule.minor,
		                        w->rule.access) != 0)
			continue;
		vd_cgroup_found(&c->f, w->origin == VD_DEVORIGIN_XML ? VD_FAIL : VD_WARN, "cgroup-device-denied", guest,
		                w->path, filter.path, "%s%s%s may not be opened: no device rule allows it",
		                w->device ? w->device : "", w->device ? ": " : "", w->path);
		if (filter.kind == VD_DEVFILTER_V1)
			fix_rule(c, &filter, &w->rule);
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
		vd_cgroup_found(&c->f, VD_FAIL, "cgroup-conf", NULL, "cgroup_controllers", file,
		                "libvirt's QEMU driver will not start: %s", vd_err_text(&err));
}

static void check_all(struct check *c)
{
	const struct vd_cgroup_view *view = c->view;
	const size_t *counts = c->f.counts;
	struct vd_cgroup_conf conf;

	read_conf(c, &conf);
	c->told = calloc(view->n_picked + 1, sizeof(*c->told));
	vd_need_memory(c->told);
	for (size_t i = 0; i < view->n_picked; i++)
		look_at_threads(c, view->picked[i]);
	check_notes(c);
	for (size_t i = 0; i < view->n_picked; i++)
		check_guest(c, view->picked[i], &conf);
	free(c->told);
	if (counts[VD_FAIL] + counts[VD_WARN] + counts[VD_INFO]) {
		vd_cgroup_findings_finish(&c->f);
		vd_report_line(c->report, "%s", "");
	}
	vd_report_line(c->report, "%zu running guest%s checked: %zu fail, %zu warn, %zu info", c->guests,
	               c->guests == 1 ? "" : "s", counts[VD_FAIL], counts[VD_WARN], counts[VD_INFO]);
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
	vd_cgroup_findings_init(&c.f, c.report);
	if (vd_cgroup_view_has_files(c.report, &view))
		check_all(&c);
	return vd_report_finish(c.report);
}

static const struct vd_arg check_args[] = {
	VD_ARG_GUESTS("only these guests"),
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
	.cols = vd_cgroup_finding_cols,
	.n_cols = VD_N_CGROUP_FINDING_COLS,
	.run = run_check,
};
