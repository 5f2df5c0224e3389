/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtdiag cgroup devices: which devices a guest may open, why, and what to do for one that it may not. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup-devices.h"
#include "cgroup.h"

enum rule_column {
	COL_GUEST,
	COL_STATUS,
	COL_TYPE,
	COL_MAJOR,
	COL_MINOR,
	COL_ACCESS,
	COL_RULE,
	COL_PATH,
	COL_ORIGIN,
	COL_COUNT_
};

static const struct vd_col rule_cols[] = {
	[COL_GUEST] = { "GUEST", VD_COL_STR, VD_COL_HIDDEN, "the guest" },
	[COL_STATUS] = { "STATUS", VD_COL_STR, 0, "allowed; missing: libvirt allows it, but no rule is in force" },
	[COL_TYPE] = { "TYPE", VD_COL_STR, VD_COL_HIDDEN, "b block, c character, a both" },
	[COL_MAJOR] = { "MAJOR", VD_COL_NUM, VD_COL_HIDDEN, "major number; absent: any" },
	[COL_MINOR] = { "MINOR", VD_COL_NUM, VD_COL_HIDDEN, "minor number; absent: any" },
	[COL_ACCESS] = { "ACCESS", VD_COL_STR, VD_COL_HIDDEN, "of r, w and m (mknod), what is allowed" },
	[COL_RULE] = { "RULE", VD_COL_STR, 0, "type, numbers and access together" },
	[COL_PATH] = { "PATH", VD_COL_STR, 0, "a device node with these numbers" },
	[COL_ORIGIN] = { "ORIGIN", VD_COL_STR, 0, "why libvirt allows it; absent: nothing known asks for it" },
};
_Static_assert(VD_ARRAY_SIZE(rule_cols) == COL_COUNT_, "a column for each number");

/* One guest on its way. */
struct devices {
	struct vd_ctx *ctx;
	struct vd_report *report;
	const struct vd_guest *guest;
	struct vd_devfilter filter;
	struct vd_devwants wants;
};

static void devices_release(struct devices *d)
{
	vd_devfilter_release(&d->filter);
	vd_devwants_release(&d->wants);
}

static const char *origin_text(const struct vd_devwant *want)
{
	if (!want)
		return NULL;
	switch (want->origin) {
	case VD_DEVORIGIN_DEFAULT:
		return "default list";
	case VD_DEVORIGIN_ACL:
		return "cgroup_device_acl";
	case VD_DEVORIGIN_BUILTIN:
		return want->rule.major == 136 ? "always: pseudo terminals" : "sound of the host";
	default:
		return want->device;
	}
}

static void add_rule(struct devices *d, struct vd_table *table, const struct vd_devrule *rule,
                     const struct vd_devwant *want, bool in_force)
{
	struct vd_row *row = vd_table_row(table, NULL);
	char text[64], type[2] = { rule->type, '\0' }, access[4];

	vd_devrule_text(rule, text);
	vd_devrule_access(rule->access, access);
	vd_row_str(row, COL_GUEST, vd_guest_name(d->guest));
	vd_row_str(row, COL_STATUS, in_force ? "allowed" : "missing");
	vd_row_hue(row, COL_STATUS, in_force ? VD_HUE_GOOD : VD_HUE_BAD);
	vd_row_str(row, COL_TYPE, type);
	if (rule->major >= 0)
		vd_row_num(row, COL_MAJOR, rule->major);
	if (rule->minor >= 0)
		vd_row_num(row, COL_MINOR, rule->minor);
	vd_row_str(row, COL_ACCESS, access);
	vd_row_str(row, COL_RULE, text);
	vd_row_str(row, COL_PATH, want ? want->path : NULL);
	vd_row_str(row, COL_ORIGIN, origin_text(want));
}

/* Devices that libvirt always allows while they exist, and that the filter does not let through. */
static size_t add_missing(struct devices *d, struct vd_table *table)
{
	size_t n = 0;

	for (size_t i = 0; i < d->wants.len; i++) {
		const struct vd_devwant *want = &d->wants.items[i];

		if (!want->certain || !want->has_number || want->rule.major < 0 ||
		    vd_devfilter_allows(&d->filter, want->rule.type, (uint32_t)want->rule.major,
		                        (uint32_t)want->rule.minor, want->rule.access) != 0)
			continue;
		if (table)
			add_rule(d, table, &want->rule, want, false);
		n++;
	}
	return n;
}

static void say_programs(struct devices *d)
{
	struct vd_value *all = vd_value_array();

	for (size_t i = 0; i < d->filter.n_programs; i++) {
		const struct vd_bpf_program *p = &d->filter.programs[i];
		const char *place = d->filter.places[i] ? d->filter.places[i] : "a group above the mount";
		bool ours = vd_bpf_is_libvirt(p);
		struct vd_value *item = vd_value_object();

		vd_need_memory(vd_value_set(item, "id", vd_value_int(p->id)) == 0 &&
		               vd_value_set(item, "tag", vd_value_str(p->tag)) == 0 &&
		               vd_value_set(item, "name", vd_value_str(p->name)) == 0 &&
		               vd_value_set(item, "group", vd_value_str(d->filter.places[i])) == 0 &&
		               vd_value_set(item, "libvirt", vd_value_bool(ours)) == 0 &&
		               vd_value_append(all, item) == 0);
		if (!ours)
			vd_report_line(d->report,
			               "program %u%s%s of %s is not libvirt's: it decides too, and its rules cannot be "
			               "listed",
			               p->id, *p->name ? " " : "", p->name, vd_esc(d->report, place));
	}
	vd_report_extra(d->report, "programs", all);
}

static void show_rules(struct devices *d, bool print)
{
	struct vd_table *table = vd_report_table(d->report, "rules", NULL, 0);
	size_t missing;

	if (!print && !d->ctx->json)
		return;
	for (size_t i = 0; i < d->filter.n_rules; i++)
		add_rule(d, table, &d->filter.rules[i], vd_devwants_find(&d->wants, &d->filter.rules[i]), true);
	missing = d->filter.kind == VD_DEVFILTER_NONE || d->filter.kind == VD_DEVFILTER_UNKNOWN ? 0
	                                                                                        : add_missing(d, table);
	if (missing)
		vd_report_problem(d->report);
	/* What libvirt would allow is worth knowing where the kernel cannot be asked. */
	for (size_t i = 0; i < d->wants.len && d->filter.kind == VD_DEVFILTER_UNKNOWN && !d->ctx->json; i++) {
		if (!i)
			vd_report_line(d->report, "%s", "libvirt allows by its rules:");
		if (d->wants.items[i].path)
			vd_report_line(d->report, "  %s  (%s)", vd_esc(d->report, d->wants.items[i].path),
			               vd_esc(d->report, origin_text(&d->wants.items[i])));
	}
}

/* The whole list with one more path, ready for qemu.conf: setting it replaces libvirt's own. */
static char *acl_line(struct devices *d, const char *path)
{
	VD_AUTO_BUF buf = VD_BUF_INIT;
	char *line;

	vd_need_memory(vd_buf_adds(&buf, "cgroup_device_acl = [ ") == 0);
	for (size_t i = 0; i < d->wants.list.len; i++)
		vd_need_memory(vd_buf_addf(&buf, "\"%s\", ", d->wants.list.items[i]) == 0);
	vd_need_memory(vd_buf_addf(&buf, "\"%s\" ]", path) == 0);
	line = vd_buf_steal(&buf);
	vd_need_memory(line != NULL);
	return line;
}

static bool begins(const char *path, const char *prefix)
{
	return !strncmp(path, prefix, strlen(prefix));
}

/* The element of the XML that makes libvirt allow such a device; NULL: there is none. */
static const char *element_for(const char *path, char type, bool lxc)
{
	if (lxc)
		return type == 'b' ? "<hostdev mode='capabilities' type='storage'>"
		                   : "<hostdev mode='capabilities' type='misc'>";
	if (type == 'b')
		return "<disk type='block'>";
	if (begins(path, "/dev/bus/usb/"))
		return "<hostdev mode='subsystem' type='usb'>";
	if (begins(path, "/dev/vfio/"))
		return "<hostdev mode='subsystem' type='pci'> or type='mdev'";
	if (begins(path, "/dev/sg"))
		return "<hostdev mode='subsystem' type='scsi'>";
	if (begins(path, "/dev/input/"))
		return "<input type='evdev'>";
	if (begins(path, "/dev/tty"))
		return "<serial type='dev'>";
	if (begins(path, "/dev/dri/"))
		return "<gl rendernode='...'> of <graphics>";
	if (begins(path, "/dev/tpm"))
		return "<tpm> with <backend type='passthrough'>";
	if (!strcmp(path, "/dev/hwrng"))
		return "<rng> with <backend model='random'>";
	return NULL;
}

/* What makes libvirt allow @path, as lines below the verdict and as "add" in JSON. */
static void add_advice(struct devices *d, const char *path, char type, struct vd_value *item)
{
	bool lxc = vd_guest_domain(d->guest)->driver == VD_DRIVER_LXC;
	const char *element = element_for(path, type, lxc);
	VD_AUTO_FREE char *line = lxc ? NULL : acl_line(d, path);

	if (element) {
		vd_report_line(d->report, "  add   %s for it to the guest's XML: libvirt then allows it by itself",
		               element);
		vd_need_memory(vd_value_set(item, "add_xml", vd_value_str(element)) == 0);
	}
	if (line) {
		vd_report_line(d->report, "  %s   in /etc/libvirt/qemu.conf, for all guests:", element ? "or " : "add");
		vd_report_line(d->report, "        %s", vd_esc(d->report, line));
		vd_report_line(d->report, "  note  %s; restart the daemon, then start the guest again",
		               d->wants.has_acl ? "the list is set already: this is all of it with the new path"
		                                : "setting the list replaces libvirt's own: it must hold that too");
		vd_need_memory(vd_value_set(item, "add_conf", vd_value_str(line)) == 0);
	}
}

/* What of r, w and m is allowed; false when a program cannot be understood. */
static bool ask(const struct devices *d, char type, uint32_t a, uint32_t b, unsigned *ret_access)
{
	static const unsigned bits[] = { VD_DEV_READ, VD_DEV_WRITE, VD_DEV_MKNOD };

	*ret_access = 0;
	for (size_t i = 0; i < VD_ARRAY_SIZE(bits); i++) {
		int r = vd_devfilter_allows(&d->filter, type, a, b, bits[i]);

		if (r < 0)
			return false;
		*ret_access |= r ? bits[i] : 0;
	}
	return true;
}

static const char *rule_for(struct devices *d, char type, uint32_t a, uint32_t b, char text[64])
{
	for (size_t i = 0; i < d->filter.n_rules; i++) {
		if (!vd_devrule_matches(&d->filter.rules[i], type, a, b))
			continue;
		vd_devrule_text(&d->filter.rules[i], text);
		return text;
	}
	return NULL;
}

static void set_verdict(struct devices *d, struct vd_value *item, const char *path, const char *verdict)
{
	vd_need_memory(vd_value_set(item, "guest", vd_value_str(vd_guest_name(d->guest))) == 0 &&
	               vd_value_set(item, "path", vd_value_str(path)) == 0 &&
	               vd_value_set(item, "verdict", vd_value_str(verdict)) == 0);
}

static void no_verdict(struct devices *d, struct vd_value *item, const char *path, const char *why)
{
	set_verdict(d, item, path, "unknown");
	vd_need_memory(vd_value_set(item, "why", vd_value_str(why)) == 0);
	vd_report_mark(d->report, VD_HUE_WARN, "unknown %s  %s", vd_esc(d->report, path), vd_esc(d->report, why));
	vd_report_unknown(d->report);
}

static void judge_path(struct devices *d, const char *path, struct vd_value *item)
{
	uint32_t a = 0, b = 0;
	char type = 'c', text[64], device[64], access_text[4];
	unsigned access = 0;
	const char *rule;
	int r = vd_device_number(d->ctx->root, path, &type, &a, &b);

	if (r == -EINVAL) {
		set_verdict(d, item, path, "allowed");
		vd_report_mark(d->report, VD_HUE_GOOD, "allowed %s  no device: the filter is not asked",
		               vd_esc(d->report, path));
		return;
	}
	if (r < 0) {
		no_verdict(d, item, path, r == -VD_NO_EVIDENCE ? "its numbers are not in the capture" : strerror(-r));
		return;
	}
	if (!ask(d, type, a, b, &access)) {
		no_verdict(d, item, path,
		           d->filter.why ? d->filter.why : "a program that is not libvirt's decides on it");
		return;
	}
	rule = rule_for(d, type, a, b, text);
	vd_devrule_access(access, access_text);
	snprintf(device, sizeof(device), "%c %u:%u", type, a, b);
	set_verdict(d, item, path, access & ~VD_DEV_MKNOD ? "allowed" : "denied");
	vd_need_memory(vd_value_set(item, "device", vd_value_str(device)) == 0 &&
	               vd_value_set(item, "access", vd_value_str(access_text)) == 0 &&
	               vd_value_set(item, "rule", vd_value_str(rule)) == 0);
	if (access & ~VD_DEV_MKNOD) {
		vd_report_mark(d->report, VD_HUE_GOOD, "allowed %s  %s %s  by %s", vd_esc(d->report, path), device,
		               access_text,
		               d->filter.kind == VD_DEVFILTER_NONE ? "default: nothing is filtered"
		               : rule                              ? rule
		                                                   : "a program that is not libvirt's");
		return;
	}
	vd_report_mark(d->report, VD_HUE_BAD, "denied  %s  %s  %s", vd_esc(d->report, path), device,
	               d->filter.foreign && rule ? "a rule allows it, but another program does not"
	                                         : "no rule allows it");
	add_advice(d, path, type, item);
	vd_report_problem(d->report);
}

static void judge_paths(struct devices *d, int argc, char **argv)
{
	struct vd_value *all = vd_value_array();

	for (int i = 0; i < argc; i++) {
		struct vd_value *item = vd_value_object();

		vd_need_memory(item != NULL);
		judge_path(d, argv[i], item);
		vd_need_memory(vd_value_append(all, item) == 0);
	}
	vd_report_extra(d->report, "paths", all);
}

static void report_filter(struct devices *d, int argc, char **argv)
{
	static const char *const kinds[] = { "none", "v1", "bpf", "unknown" };
	const char *name = vd_esc(d->report, vd_guest_name(d->guest));

	vd_report_extra(d->report, "filter", vd_value_str(kinds[d->filter.kind]));
	vd_report_mark(d->report, VD_HUE_BOLD, "%s  %s", name,
	               d->filter.path ? vd_esc(d->report, d->filter.path) : "no devices controller");
	if (d->filter.kind == VD_DEVFILTER_NONE)
		vd_report_line(d->report, "%s", "nothing filters devices here: every device is allowed");
	if (d->filter.kind == VD_DEVFILTER_UNKNOWN)
		vd_report_missing(d->report, "device rules", d->filter.why, true);
	show_rules(d, !argc);
	if (argc)
		judge_paths(d, argc, argv);
	if (d->filter.n_programs)
		say_programs(d);
	if (d->wants.problem)
		vd_report_missing(d->report, "/etc/libvirt/qemu.conf", d->wants.problem, false);
}

static enum vd_exit run_guest(struct vd_ctx *ctx, struct vd_report *report, const struct vd_cgroup_view *view, int argc,
                              char **argv)
{
	VD_CLEANUP(devices_release) struct devices d = { .ctx = ctx, .report = report, .guest = view->picked[0] };
	const struct vd_cgroup_node *node = vd_cgroup_view_node(view, d.guest);
	VD_AUTO_ERR err = VD_ERR_INIT;

	if (d.guest->state != VD_GUEST_RUNNING) {
		vd_cgroup_view_say_off(report, view);
		if (argc)
			vd_report_unknown(report);
		return VD_EXIT_OK;
	}
	if (!node || node->kind == VD_CGROUP_NOWHERE) {
		vd_report_missing(report, vd_guest_name(d.guest), "it runs in no cgroup of libvirt's", true);
		return VD_EXIT_OK;
	}
	if (vd_devfilter_load(ctx->root, &view->layout, node, &d.filter, &err) < 0 ||
	    vd_devwants_load(ctx->root, d.guest, &d.wants, &err) < 0)
		return vd_fail(ctx, &err);
	report_filter(&d, argc, argv);
	return VD_EXIT_OK;
}

static enum vd_exit run_devices(struct vd_ctx *ctx, int argc, char **argv)
{
	VD_AUTO_CGROUP_VIEW view = { 0 };
	struct vd_cgroup_tree_options options = { 0 };
	struct vd_report *report;
	enum vd_exit status;

	if (ctx->use_session)
		return vd_cgroup_session(ctx, "rules");
	for (int i = 1; i < argc; i++)
		if (argv[i][0] != '/')
			return vd_usage(ctx, "'%s' is no absolute path of a device", argv[i]);
	status = vd_cgroup_view_load(ctx, 1, argv, &view);
	if (status == VD_EXIT_OK)
		status = vd_cgroup_view_tree(ctx, &view, &options);
	if (status != VD_EXIT_OK)
		return status;
	report = vd_report_new(ctx);
	vd_report_table(report, "rules", NULL, 0);
	if (vd_cgroup_view_has_files(report, &view) && run_guest(ctx, report, &view, argc - 1, argv + 1) != VD_EXIT_OK)
		vd_report_unknown(report);
	vd_cgroup_view_missing(report, &view);
	return vd_report_finish(report);
}

static const struct vd_arg devices_args[] = {
	VD_ARG_GUEST("a running guest"),
	{ "PATH", VD_OPT_PATH, true, true, "a device node to judge", NULL, NULL },
	{ 0 },
};

static const char *const devices_examples[] = {
	"virtdiag cgroup devices web01",
	"what a guest may open, and why",
	"virtdiag cgroup devices web01 /dev/vfio/12",
	"whether it may open one device, and what to add when it may not",
	NULL,
};

const struct vd_cmd vd_cmd_cgroup_devices = {
	.name = "devices",
	.summary = "show which devices a guest may open, and why",
	.description =
	        "The rules of the devices cgroup of a running guest: devices.list of v1, or the BPF program of v2 and "
	        "those of the groups above it. A denied open gives EPERM although mode, ACL and label are right, and "
	        "leaves no log. Reading BPF programs takes root.",
	.examples = devices_examples,
	.args = devices_args,
	.rows = "rules",
	.flags = VD_CMD_TABLE,
	.cols = rule_cols,
	.n_cols = COL_COUNT_,
	.run = run_devices,
};
