/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtdiag cgroup controllers: what is mounted, what libvirt uses, and taking one away from it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup-conf.h"
#include "cgroup.h"
#include "conf-edit.h"
#include "daemons.h"

#define QEMU_CONF "/etc/libvirt/qemu.conf"

enum controller_column {
	COL_CONTROLLER,
	COL_USED,
	COL_CONFIGURED,
	COL_VERSION,
	COL_WITH,
	COL_GUESTS,
	COL_MOUNT,
	COL_PURPOSE,
	COL_COUNT_
};

static const struct vd_col controller_cols[] = {
	[COL_CONTROLLER] = { "CONTROLLER", VD_COL_STR, 0, "its name in qemu.conf and in cgroup v1" },
	[COL_USED] = { "USED", VD_COL_BOOL, 0, "whether libvirt uses it for guests that start now" },
	[COL_CONFIGURED] = { "CONFIGURED", VD_COL_STR, 0, "yes or no by cgroup_controllers; default: not set" },
	[COL_VERSION] = { "VERSION", VD_COL_STR, 0, "v1 or v2: the hierarchy that libvirt takes it from" },
	[COL_WITH] = { "WITH", VD_COL_FLAGS, 0, "controllers of v1 that are mounted together with it" },
	[COL_GUESTS] = { "GUESTS", VD_COL_NUM, 0, "running guests with a group there" },
	[COL_MOUNT] = { "MOUNT", VD_COL_STR, 0, "where the hierarchy is mounted" },
	[COL_PURPOSE] = { "PURPOSE", VD_COL_STR, 0, "what libvirt needs it for" },
};
_Static_assert(VD_ARRAY_SIZE(controller_cols) == COL_COUNT_, "a column for each number");

static const char *const purposes[] = {
	[VD_CGROUP_CPU] = "shares, period and quota",
	[VD_CGROUP_CPUACCT] = "CPU time; containers need it",
	[VD_CGROUP_CPUSET] = "pins of CPUs and memory nodes",
	[VD_CGROUP_MEMORY] = "memtune; containers need it",
	[VD_CGROUP_BLKIO] = "blkiotune",
	[VD_CGROUP_DEVICES] = "the device filter; containers need it",
	[VD_CGROUP_FREEZER] = "suspending containers",
	[VD_CGROUP_NET_CLS] = "nothing yet",
	[VD_CGROUP_PERF_EVENT] = "perf events",
};
_Static_assert(VD_ARRAY_SIZE(purposes) == VD_CGROUP_NET_PRIO, "a purpose for each controller that libvirt knows");

/* Running guests of QEMU with a group in hierarchy @h. */
static int64_t count_guests(const struct vd_cgroup_view *view, int h)
{
	int64_t n = 0;

	for (size_t i = 0; i < view->guests.len; i++) {
		const struct vd_guest *guest = &view->guests.items[i];
		const struct vd_cgroup_node *node =
		        guest->state == VD_GUEST_RUNNING ? vd_cgroup_view_node(view, guest) : NULL;

		n += node && node->kind == VD_CGROUP_GUEST && node->present & 1u << h;
	}
	return n;
}

static void add_controllers(struct vd_report *report, const struct vd_cgroup_view *view,
                            const struct vd_cgroup_conf *conf)
{
	struct vd_table *table = vd_report_table(report, "controllers", NULL, 0);

	for (unsigned c = 0; c < VD_CGROUP_NET_PRIO; c++) {
		const int h = view->layout.from[c];
		struct vd_row *row = vd_table_row(table, NULL);
		bool allowed = conf->mask & 1u << c;

		vd_row_str(row, COL_CONTROLLER, vd_cgroup_controller_name(c));
		vd_row_bool(row, COL_USED, h >= 0 && allowed);
		vd_row_str(row, COL_CONFIGURED, !conf->is_set ? "default" : allowed ? "yes" : "no");
		vd_row_str(row, COL_PURPOSE, purposes[c]);
		if (h < 0)
			continue;
		vd_row_str(row, COL_VERSION, view->layout.items[h].v2 ? "v2" : "v1");
		vd_row_str(row, COL_MOUNT, view->layout.items[h].path);
		vd_row_num(row, COL_GUESTS, count_guests(view, h));
		for (unsigned d = 0; d < VD_CGROUP_CONTROLLER_COUNT_ && !view->layout.items[h].v2; d++)
			if (d != c && view->layout.items[h].carries & 1u << d)
				vd_row_flag(row, COL_WITH, vd_cgroup_controller_name(d));
	}
}

/* "cpu,cpuacct" into a mask; false when it was said that a word is none. */
static bool parse_names(const struct vd_ctx *ctx, const char *list, unsigned *mask)
{
	for (const char *p = list;; p++) {
		size_t n = strcspn(p, ",");
		int c = vd_cgroup_conf_controller(p, n);

		if (c < 0) {
			vd_usage(ctx,
			         "'%.*s' is no controller that libvirt knows: cpu, cpuacct, cpuset, memory, blkio, "
			         "devices, "
			         "freezer, net_cls, perf_event",
			         (int)n, p);
			return false;
		}
		*mask |= 1u << c;
		p += n;
		if (!*p)
			return true;
	}
}

/* The same of an option that may be given several times. */
static bool parse_option(const struct vd_ctx *ctx, const char *name, unsigned *mask)
{
	const char *list;

	for (size_t n = 0; (list = vd_opt_str_at(ctx, name, n)); n++)
		if (!parse_names(ctx, list, mask))
			return false;
	return true;
}

/* libvirt refuses to use one of two controllers that share a hierarchy of v1. False: it was said what is wrong. */
static bool check_together(const struct vd_ctx *ctx, const struct vd_cgroup_layout *layout, unsigned before,
                           unsigned after)
{
	for (unsigned c = 0; c < VD_CGROUP_NET_PRIO; c++) {
		int h = layout->from[c];
		unsigned together;

		if (h < 0 || layout->items[h].v2 || !((before ^ after) & 1u << c))
			continue;
		together = layout->items[h].carries & VD_CGROUP_LIBVIRT;
		if ((after & together) == 0 || (after & together) == together)
			continue;
		vd_error(ctx,
		         "%s is one mount with %s: libvirt starts no guest when it may use only a part of it; name "
		         "them all, "
		         "separated by commas",
		         vd_cgroup_controller_name(c), layout->items[h].label);
		return false;
	}
	return true;
}

/* One change of qemu.conf. */
struct edit {
	struct vd_buf before, after, diff;
	struct vd_cgroup_conf old, now;
	bool exists;
};

static void edit_release(struct edit *e)
{
	vd_buf_release(&e->before);
	vd_buf_release(&e->after);
	vd_buf_release(&e->diff);
}

static int load_conf(struct vd_ctx *ctx, struct edit *e, struct vd_err *err)
{
	int r = vd_root_read(ctx->root, QEMU_CONF, VD_MAX_CONF, &e->before, err);

	e->exists = r != -ENOENT;
	if (r < 0 && r != -ENOENT)
		return r;
	return vd_cgroup_conf_read(vd_buf_str(&e->before), e->before.len, QEMU_CONF, &e->old, err);
}

static struct vd_value *mask_value(const struct vd_cgroup_conf *conf)
{
	struct vd_value *list = vd_value_array();

	if (!conf->is_set) {
		vd_value_free(list);
		return vd_value_null();
	}
	for (unsigned c = 0; c < VD_CGROUP_NET_PRIO; c++)
		if (conf->mask & 1u << c)
			vd_need_memory(vd_value_append(list, vd_value_str(vd_cgroup_controller_name(c))) == 0);
	return list;
}

static void show_diff(struct vd_report *report, const struct edit *e)
{
	for (const char *text = vd_buf_str(&e->diff); *text;) {
		size_t n = strcspn(text, "\n");
		VD_AUTO_FREE char *line = strndup(text, n);

		vd_need_memory(line != NULL);
		vd_report_line(report, "%s", vd_esc(report, line));
		text += n + (text[n] == '\n');
	}
}

/* @daemon: who has to read the file again; NULL: libvirtd or virtqemud. */
static void tell_change(struct vd_report *report, const struct edit *e, const char *path, const char *backup,
                        bool dry_run, const char *daemon)
{
	const char *const put_back[] = { "mv", "--", backup, path, NULL };
	const char *const take_away[] = { "rm", "--", path, NULL };
	const char *const *undo = backup ? put_back : take_away;
	struct vd_value *changes = vd_value_array(), *item = vd_value_object();

	vd_need_memory(vd_value_set(item, "target", vd_value_str(path)) == 0 &&
	               vd_value_set(item, "setting", vd_value_str("cgroup_controllers")) == 0 &&
	               vd_value_set(item, "old", mask_value(&e->old)) == 0 &&
	               vd_value_set(item, "new", mask_value(&e->now)) == 0 &&
	               vd_value_set(item, "done", vd_value_bool(!dry_run && e->diff.len)) == 0 &&
	               vd_value_set(item, "backup", vd_value_str(backup)) == 0 &&
	               vd_value_set(item, "daemon", vd_value_str(daemon)) == 0 &&
	               vd_value_set(item, "diff", vd_value_str(vd_buf_str(&e->diff))) == 0 &&
	               vd_value_set(item, "undo", dry_run || !e->diff.len ? vd_value_null() : vd_value_strings(undo)) ==
	                       0 &&
	               vd_value_append(changes, item) == 0);
	vd_report_extra(report, "changes", changes);
	if (!e->diff.len) {
		vd_report_line(report, "%s is as you want it: nothing was changed", vd_esc(report, path));
		return;
	}
	if (dry_run) {
		show_diff(report, e);
		vd_report_line(report, "%s", "");
	} else {
		vd_report_line(report, "%s was changed", vd_esc(report, path));
	}
	if (backup)
		vd_report_line(report, "backup  %s", vd_esc(report, backup));
	vd_report_line(report, "next    restart %s, then stop and start the guests: running ones keep their groups",
	               daemon ? daemon : "the daemon that serves QEMU, libvirtd or virtqemud");
	if (!dry_run)
		vd_report_line(report, "undo    %s", vd_shell_line(report, undo));
}

/* What of the XML libvirt refuses to start a guest with when it may not use controller @c; NULL: nothing. */
static const char *needs(const struct vd_domain *domain, enum vd_cgroup_controller c)
{
	const struct vd_tuning *t = &domain->tuning;

	switch (c) {
	case VD_CGROUP_MEMORY:
		return t->hard_limit >= 0 || t->soft_limit >= 0 || t->swap_hard_limit >= 0 ? "<memtune>" : NULL;
	case VD_CGROUP_CPU:
		return t->cpu_shares >= 0 || t->quota > 0 || t->period > 0 || t->global_quota > 0 ||
		                       t->global_period > 0 || t->emulator_quota > 0 || t->emulator_period > 0 ||
		                       t->iothread_quota > 0 || t->iothread_period > 0
		               ? "shares, a quota or a period in <cputune>"
		               : NULL;
	case VD_CGROUP_BLKIO:
		return t->blkio_weight >= 0 || t->n_blkio_devices ? "<blkiotune>" : NULL;
	default:
		return NULL;
	}
}

/* Guests of QEMU that could not be read may be among those that would not start any more. */
static void tell_unread(struct vd_report *report, const struct vd_guests *guests)
{
	for (size_t i = 0; i < guests->n_problems; i++) {
		const struct vd_guest_problem *p = &guests->problems[i];
		VD_AUTO_BUF why = VD_BUF_INIT;

		/* The links of autostart lead to what is listed anyway. */
		if (!strncmp(p->path, "/etc/libvirt/lxc", 16) || !strncmp(p->path, "/run/libvirt/lxc", 16) ||
		    strstr(p->path, "/autostart"))
			continue;
		vd_need_memory(vd_buf_addf(&why, "%s; what of it will not start then is not known", p->why) == 0);
		vd_report_missing(report, p->path, vd_buf_str(&why), false);
	}
}

/* Guests that would not start any more. */
static void warn_guests(struct vd_report *report, const struct vd_cgroup_view *view, const struct edit *e)
{
	struct vd_value *all = vd_value_array();

	if (e->old.mask & ~e->now.mask)
		tell_unread(report, &view->guests);
	for (size_t i = 0; i < view->guests.len; i++) {
		const struct vd_guest *guest = &view->guests.items[i];
		const struct vd_domain *domain = guest->config ? guest->config : vd_guest_domain(guest);

		if (domain->driver != VD_DRIVER_QEMU)
			continue;
		for (unsigned c = 0; c < VD_CGROUP_NET_PRIO; c++) {
			const char *what = e->old.mask & ~e->now.mask & 1u << c ? needs(domain, c) : NULL;

			if (!what)
				continue;
			vd_report_mark(report, VD_HUE_WARN,
			               "warning: %s has %s in its XML and will not start without %s",
			               vd_esc(report, vd_guest_name(guest)), what, vd_cgroup_controller_name(c));
			vd_report_warning(report);
			vd_need_memory(vd_value_append(all, vd_value_str(vd_guest_name(guest))) == 0);
			break;
		}
	}
	vd_report_extra(report, "guests", all);
}

static enum vd_exit change(struct vd_ctx *ctx, const struct vd_cgroup_view *view, struct edit *e, unsigned remove,
                           unsigned add)
{
	VD_AUTO_FREE char *path = NULL, *backup = NULL;
	VD_AUTO_DAEMON_PLACE place = { 0 };
	VD_AUTO_DAEMONS daemons = { 0 };
	VD_AUTO_ERR err = VD_ERR_INIT;
	bool dry_run = vd_opt_given(ctx, "dry-run");
	struct vd_report *report;
	int r = vd_cgroup_conf_change(vd_buf_str(&e->before), e->before.len, QEMU_CONF, remove, add, &e->after, &err);

	if (r >= 0)
		r = vd_cgroup_conf_read(vd_buf_str(&e->after), e->after.len, QEMU_CONF, &e->now, &err);
	if (r < 0)
		return vd_fail(ctx, &err);
	if (!check_together(ctx, &view->layout, e->old.mask, e->now.mask))
		return VD_EXIT_UNKNOWN;
	vd_need_memory(vd_conf_diff(QEMU_CONF, &e->before, &e->after, &e->diff) == 0);
	if (e->diff.len && !dry_run &&
	    vd_conf_write(ctx->root, QEMU_CONF, e->exists ? &e->before : NULL, &e->after, &path, &backup, &err) < 0)
		return vd_fail(ctx, &err);
	report = vd_report_new(ctx);
	vd_report_table(report, "controllers", NULL, 0);
	if (ctx->json)
		add_controllers(report, view, dry_run ? &e->old : &e->now);
	warn_guests(report, view, e);
	vd_need_memory(vd_daemons_load(ctx->root, false, NULL, &daemons, NULL) == 0 &&
	               vd_daemons_serving(ctx->root, &daemons, "virtqemud", &place, NULL) == 0);
	tell_change(report, e, path ? path : QEMU_CONF, backup, dry_run,
	            place.sure == VD_DAEMON_FOUND ? place.name : NULL);
	return vd_report_finish(report);
}

static enum vd_exit list(struct vd_ctx *ctx, const struct vd_cgroup_view *view, const struct edit *e)
{
	struct vd_report *report = vd_report_new(ctx);

	vd_report_extra(report, "layout", vd_value_str(vd_cgroup_mode_name(view->layout.mode)));
	vd_report_table(report, "controllers", NULL, 0);
	if (!vd_cgroup_view_has_files(report, view))
		return vd_report_finish(report);
	add_controllers(report, view, &e->old);
	vd_report_line(report, "%s", "");
	if (e->old.is_set)
		vd_report_line(report, "cgroup_controllers is set in " QEMU_CONF ":%u", e->old.line);
	else
		vd_report_line(report, "%s",
		               "cgroup_controllers is not set in " QEMU_CONF ": libvirt uses what it finds");
	vd_cgroup_view_missing(report, view);
	return vd_report_finish(report);
}

static enum vd_exit run_controllers(struct vd_ctx *ctx, int argc, char **argv)
{
	VD_CLEANUP(edit_release) struct edit e = { 0 };
	VD_AUTO_CGROUP_VIEW view = { 0 };
	struct vd_cgroup_tree_options options = { 0 };
	VD_AUTO_ERR err = VD_ERR_INIT;
	unsigned remove = 0, add = 0;
	enum vd_exit status;

	if (!parse_option(ctx, "disable", &remove) || !parse_option(ctx, "enable", &add))
		return VD_EXIT_USAGE;
	if (remove & add)
		return vd_usage(ctx, "%s", "the same controller is to be disabled and enabled");
	if (vd_opt_given(ctx, "dry-run") && !remove && !add)
		return vd_usage(ctx, "%s", "--dry-run needs --disable or --enable");
	if (ctx->use_session)
		return vd_cgroup_session(ctx, "controllers");
	status = vd_cgroup_view_load(ctx, argc, argv, &view);
	if (status == VD_EXIT_OK)
		status = vd_cgroup_view_tree(ctx, &view, &options);
	if (status != VD_EXIT_OK)
		return status;
	if (load_conf(ctx, &e, &err) < 0)
		return vd_fail(ctx, &err);
	return remove || add ? change(ctx, &view, &e, remove, add) : list(ctx, &view, &e);
}

static void complete_names(struct vd_ctx *ctx, const char *prefix, struct vd_strv *words)
{
	(void)ctx;
	(void)prefix;
	for (unsigned c = 0; c < VD_CGROUP_NET_PRIO; c++)
		if (vd_strv_add(words, vd_cgroup_controller_name(c)) < 0)
			return;
}

static const struct vd_opt controller_opts[] = {
	{ .name = "disable",
	  .type = VD_OPT_STRING,
	  .arg = "NAME",
	  .help = "take it from libvirt in qemu.conf; several with commas",
	  .complete = complete_names },
	{ .name = "enable", .type = VD_OPT_STRING, .arg = "NAME", .help = "give it back", .complete = complete_names },
	{ .name = "dry-run", .type = VD_OPT_FLAG, .help = "only show what would be changed" },
	{ 0 },
};

static const char *const controller_examples[] = {
	"virtdiag cgroup controllers",
	"what is mounted, and what libvirt uses",
	"virtdiag cgroup controllers --disable memory --dry-run",
	"how qemu.conf would change",
	NULL,
};

const struct vd_cmd vd_cmd_cgroup_controllers = {
	.name = "controllers",
	.summary = "show which controllers libvirt uses, or take one away",
	.description =
	        "The controllers that libvirt knows: where they are mounted, whether qemu.conf lets libvirt use them, "
	        "and what for. --disable and --enable change cgroup_controllers in qemu.conf, with a backup; they "
	        "count for guests that start after the daemon was restarted.",
	.examples = controller_examples,
	.opts = controller_opts,
	.rows = "controllers",
	.flags = VD_CMD_TABLE,
	.cols = controller_cols,
	.n_cols = COL_COUNT_,
	.run = run_controllers,
};
