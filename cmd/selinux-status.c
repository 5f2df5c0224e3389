/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtdiag selinux status: what of the host decides whether and how SELinux (or AppArmor) confines guests. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "apparmor.h"
#include "daemon-label.h"
#include "daemons.h"
#include "label.h"
#include "report.h"
#include "selinux-host.h"
#include "selinux.h"
#include "svirt.h"

enum {
	COL_STATUS,
	COL_ITEM,
	COL_NAME,
	COL_VALUE,
	COL_EXPECTED,
	COL_PATH,
	COL_NOTE,
	COL_FIX,
};

static const struct vd_col status_cols[] = {
	[COL_STATUS] = { "STATUS", VD_COL_STR, 0, "ok, wrong, warning, info, unknown" },
	[COL_ITEM] = { "ITEM", VD_COL_STR, 0, "mode, policy, permissive, driver, daemon, binary, boolean, apparmor" },
	[COL_NAME] = { "NAME", VD_COL_STR, 0, "of a daemon, driver, domain or boolean" },
	[COL_VALUE] = { "VALUE", VD_COL_STR, 0, "what it is" },
	[COL_EXPECTED] = { "EXPECTED", VD_COL_STR, 0, "what it should be, where something is to be expected" },
	[COL_PATH] = { "PATH", VD_COL_STR, 0, "the file it stands in, or the binary" },
	[COL_NOTE] = { "NOTE", VD_COL_STR, VD_COL_HIDDEN, "what it means" },
	[COL_FIX] = { "FIX", VD_COL_VALUE, 0, "what to run" },
};

struct status_run {
	struct vd_ctx *ctx;
	struct vd_report *report;
	struct vd_table *table;
	struct vd_svirt_settings settings;
	struct vd_selinux_config config;
	struct vd_strv notes; /* "ITEM: sentence", shown below the table */
};

struct item {
	const char *status, *item, *name, *value, *expected, *path, *note;
};

static struct vd_row *add_item(struct status_run *run, const struct item *i)
{
	struct vd_row *row = vd_table_row(run->table, NULL);
	enum vd_hue hue = VD_HUE_DIM;
	VD_AUTO_BUF line = VD_BUF_INIT;

	if (!strcmp(i->status, "ok"))
		hue = VD_HUE_GOOD;
	if (!strcmp(i->status, "wrong"))
		hue = VD_HUE_BAD, vd_report_problem(run->report);
	if (!strcmp(i->status, "warning"))
		hue = VD_HUE_WARN, vd_report_warning(run->report);
	if (!strcmp(i->status, "unknown"))
		hue = VD_HUE_WARN, vd_report_unknown(run->report);
	vd_row_str(row, COL_STATUS, i->status);
	vd_row_hue(row, COL_STATUS, hue);
	vd_row_str(row, COL_ITEM, i->item);
	vd_row_str(row, COL_NAME, i->name);
	vd_row_str(row, COL_VALUE, i->value);
	vd_row_str(row, COL_EXPECTED, i->expected);
	vd_row_str(row, COL_PATH, i->path);
	vd_row_str(row, COL_NOTE, i->note);
	if (i->note) {
		vd_need_memory(vd_buf_addf(&line, "%s: %s%s%s: %s", i->status, i->item, i->name ? " " : "",
		                           i->name ? i->name : "", i->note) == 0);
		vd_need_memory(vd_strv_add(&run->notes, line.data) == 0);
	}
	return row;
}

/* A context as a value: JSON in full, text short. */
static void context_text(struct status_run *run, struct vd_row *row, size_t col, const char *context)
{
	if (context)
		vd_row_text(row, col, vd_short_context(run->report, context));
}

/* --- mode and policy ---------------------------------------------------------------------------------------------- */

static void add_mode(struct status_run *run)
{
	static const char *const words[] = { "unknown", "off", "permissive", "enforcing" };
	int now = run->settings.selinux; /* -2 to 1 */
	const char *value = words[now + 2], *wanted = run->config.mode, *from = run->settings.selinux_from;
	struct item i = { .item = "mode", .value = value, .status = "ok", .path = from };
	VD_AUTO_BUF note = VD_BUF_INIT;
	bool differs;

	if (run->settings.selinux_unread)
		vd_report_missing(run->report, "mode", run->settings.selinux_unread, true);
	/* What a boot was to make of it may have been changed since. */
	if (now >= 0 && from && !strcmp(from, VD_SELINUX_CONFIG)) {
		add_item(run, &(struct item){ .item = "mode",
		                              .value = "unknown",
		                              .expected = value,
		                              .status = "unknown",
		                              .path = from,
		                              .note = "no file tells the mode that was running, only the one that was "
		                                      "configured" });
		return;
	}
	differs = wanted && now >= -1 && strcmp(wanted, now == -1 ? "disabled" : value) != 0;

	if (now == -2) {
		i.status = "unknown";
		i.note = "nothing tells whether SELinux is on";
	} else if (now == -1) {
		i.status = "info";
		i.note = "SELinux confines nothing on this host";
	} else if (now == 0) {
		i.status = "warning";
		i.note = "denials are only recorded: no guest is kept from anything";
	}
	if (differs) {
		vd_need_memory(vd_buf_addf(&note, "%s%s/etc/selinux/config says %s: that rules after the next boot",
		                           i.note ? i.note : "", i.note ? "; " : "", wanted) == 0);
		i.note = note.data;
		/* SELinux that is off is off for a reason that the kernel's command line may hold. */
		if (now >= 0)
			i.status = "warning";
	}
	add_item(run, &i);
}

static void add_policy(struct status_run *run)
{
	const char *dir = run->settings.contexts_dir;
	bool unread = run->settings.unread.len > 0, on = run->settings.selinux >= 0;
	VD_AUTO_FREE char *copy = dir ? strdup(dir) : NULL;
	char *slash = copy ? strrchr(copy, '/') : NULL;
	struct item i = { .status = "info", .item = "policy", .path = dir };

	for (size_t k = 0; k < run->settings.unread.len; k++)
		vd_report_missing(run->report, "policy", run->settings.unread.items[k], on);
	if (slash)
		*slash = '\0';
	i.value = slash ? strrchr(copy, '/') : NULL;
	if (i.value)
		i.value++;
	else
		i.value = run->config.policy;
	if (on && unread) {
		i.status = "unknown";
		i.note = "not all of its contexts files could be read";
	} else if (on && !dir) {
		i.status = "wrong";
		i.note = "the contexts files of the policy are missing: libvirt cannot label anything";
	}
	if (i.value)
		add_item(run, &i);
	if (on && dir && !unread && !run->settings.domain_context)
		add_item(run, &(struct item){ .status = "wrong",
		                              .item = "policy",
		                              .name = "virtual_domain_context",
		                              .value = "missing",
		                              .path = dir,
		                              .note = "libvirt's SELinux driver does not start without it" });
}

/* --- permissive domains ------------------------------------------------------------------------------------------- */

static void add_permissive(struct status_run *run, const char *type, bool by_module)
{
	const char *undo[] = { "virtdiag", "selinux", "enforcing", "--domain", type, NULL };
	struct item i = { .status = "warning",
		          .item = "permissive",
		          .name = type,
		          .value = by_module ? "by a module" : "by the policy itself",
		          .note = "what runs in this domain is only recorded, not denied" };
	struct vd_row *row = add_item(run, &i);

	vd_row_value(row, COL_FIX, vd_fix_value(by_module ? undo : NULL, NULL, NULL));
}

static void add_domains(struct status_run *run)
{
	/* Those that libvirt, its helpers and its guests run in. */
	static const char *const types[] = { "svirt_t",     "svirt_tcg_t", "svirt_kvm_net_t", "svirt_qemu_net_t",
		                             "container_t", "virtd_t",     "virtqemud_t",     "virtlxcd_t",
		                             "virtd_lxc_t", "virtlogd_t",  "swtpm_t",         "virtstoraged_t" };
	VD_AUTO_STRV modules = VD_STRV_INIT;
	int r = vd_selinux_permissive_modules(run->ctx->root, run->config.policy, &modules);
	bool live = vd_root_is_live(run->ctx->root);

	vd_need_memory(r != -ENOMEM);
	if (run->settings.selinux < 0)
		return;
	if (r == -EACCES)
		vd_report_missing(run->report, "/var/lib/selinux", "only root may see which domains are permissive",
		                  false);
	for (size_t i = 0; i < modules.len; i++)
		add_permissive(run, modules.items[i], true);
	for (size_t i = 0; i < VD_ARRAY_SIZE(types) && live; i++)
		if (!vd_strv_has(&modules, types[i]) && vd_policy_domain_permissive(types[i]) == 1)
			add_permissive(run, types[i], false);
}

/* --- drivers ------------------------------------------------------------------------------------------------------ */

static void add_driver(struct status_run *run, const char *name, bool is_selinux, bool is_apparmor, bool is_set,
                       const char *conf)
{
	VD_AUTO_CLOSE int fd = -1;
	struct item i = { .status = "info", .item = "driver", .name = name, .path = conf };

	/* Without its file the driver is not installed. */
	if (vd_root_open_file(run->ctx->root, conf, &fd, NULL) == -ENOENT)
		return;
	i.value = is_selinux    ? is_set ? "selinux (configured)" : "selinux (found by itself)"
	          : is_apparmor ? "apparmor (configured)"
	          : is_set      ? "not selinux (configured)"
	                        : "none found by itself";
	if (run->settings.selinux >= 0 && !is_selinux) {
		i.status = "warning";
		i.note = "SELinux is on, but libvirt does not confine these guests with it: they run in the daemon's "
		         "domain";
	} else if (run->settings.selinux >= 0) {
		i.status = "ok";
	}
	add_item(run, &i);
}

/* --- daemons ------------------------------------------------------------------------------------------------------ */

/* Domains that no policy means for a daemon of libvirt. */
static bool is_stray(const char *context)
{
	static const char *const strays[] = { "unconfined_t", "unconfined_service_t",
		                              "initrc_t",     "init_t",
		                              "kernel_t",     "sysadm_t",
		                              "staff_t",      "user_t" };
	struct vd_context c = { 0 };
	bool stray = false;

	if (vd_context_parse(context, &c) < 0)
		return false;
	for (size_t i = 0; i < VD_ARRAY_SIZE(strays); i++)
		stray |= !strcmp(c.type, strays[i]);
	vd_context_release(&c);
	return stray;
}

static void fix_lines(struct status_run *run, const struct vd_file_check *check, struct vd_row *row)
{
	struct vd_value *list = vd_value_array();

	for (size_t i = 0; i < check->n_fixes; i++) {
		const struct vd_fix *f = &check->fixes[i];
		struct vd_value *one = vd_value_object();
		VD_AUTO_BUF line = VD_BUF_INIT;
		const char *shell = vd_shell_line(run->report, (const char *const *)f->command.items);

		vd_need_memory(!vd_value_set(one, "command", vd_value_strings((const char *const *)f->command.items)) &&
		               !vd_value_set(one, "risk", vd_value_str(f->risk)) &&
		               !vd_value_set(one, "undo",
		                             f->undo.len ? vd_value_strings((const char *const *)f->undo.items)
		                                         : vd_value_array()) &&
		               !vd_value_append(list, one));
		vd_need_memory(vd_buf_addf(&line, "  now   %s%s%s", shell ? shell : "(see --json)",
		                           f->risk ? "     " : "", f->risk ? f->risk : "") == 0);
		vd_need_memory(vd_strv_add(&run->notes, line.data) == 0);
	}
	vd_row_value(row, COL_FIX, list);
}

static void add_daemon_process(struct status_run *run, const struct vd_daemon *d, const struct vd_daemon_process *p)
{
	struct vd_daemon_label label = { 0 };
	struct vd_file_check check = { .status = VD_FILE_OK };
	struct item i = { .status = "ok", .item = "daemon", .name = d->name, .value = p->context, .path = p->exe };
	bool judged = false;
	struct vd_row *row;

	/* Those that serve guests are judged in full, with what mends it. */
	for (int lxc = 0; lxc <= 1 && !judged; lxc++) {
		vd_daemon_label_release(&label);
		if (vd_daemon_label_find(run->ctx->root, lxc, &label) == 0)
			judged = label.pid == p->pid;
	}
	if (judged)
		vd_need_memory(vd_daemon_label_judge(&label, &check) == 0);
	if (judged)
		i.expected = label.domain;
	if (check.status == VD_FILE_WRONG || (!judged && is_stray(p->context))) {
		i.status = "wrong";
		i.note = judged ? check.why
		                : "it does not run in the domain that the policy made for it: started by hand, or its "
		                  "binary has lost its label";
	}
	row = add_item(run, &i);
	context_text(run, row, COL_VALUE, p->context);
	if (judged)
		fix_lines(run, &check, row);
	vd_file_check_release(&check);
	vd_daemon_label_release(&label);
}

/* "virtd_exec_t" and the like: a binary without makes the daemon stay in the domain of who starts it. */
static void add_binary(struct status_run *run, const struct vd_daemon *d, const char *path)
{
	const char *restore[] = { "restorecon", "-Fv", "--", path, NULL };
	VD_AUTO_FREE char *label = NULL;
	struct vd_context c = { 0 };
	struct item i = { .status = "ok", .item = "binary", .name = d->name, .path = path };
	struct vd_row *row;
	size_t len;
	bool fits;

	if (vd_root_label(run->ctx->root, path, &label, NULL) < 0 || vd_context_parse(label, &c) < 0)
		return;
	len = strlen(c.type);
	fits = len > 7 && !strcmp(c.type + len - 7, "_exec_t") && strcmp(c.type, "shell_exec_t") != 0;
	vd_context_release(&c);
	i.value = label;
	if (!fits) {
		i.status = "wrong";
		i.expected = !strcmp(d->name, "libvirtd") ? "virtd_exec_t" : NULL;
		i.note = "with this label it does not change to its domain at start";
	}
	row = add_item(run, &i);
	context_text(run, row, COL_VALUE, label);
	vd_row_value(row, COL_FIX, vd_fix_value(fits ? NULL : restore, NULL, NULL));
}

static void add_daemons(struct status_run *run)
{
	VD_AUTO_DAEMONS ds = { 0 };
	VD_AUTO_ERR err = VD_ERR_INIT;

	if (run->settings.selinux < 0)
		return;
	if (vd_daemons_load(run->ctx->root, run->ctx->use_session, run->ctx->session_user, &ds, &err) < 0) {
		vd_report_missing(run->report, "daemons", vd_err_text(&err), true);
		return;
	}
	for (size_t i = 0; i < ds.len; i++) {
		const struct vd_daemon_process *p = vd_daemon_main(&ds.items[i]);
		const char *binary = p && p->exe ? p->exe : ds.items[i].binary;

		if (p && p->context)
			add_daemon_process(run, &ds.items[i], p);
		if (binary)
			add_binary(run, &ds.items[i], binary);
	}
}

/* --- booleans, AppArmor ------------------------------------------------------------------------------------------- */

static void add_booleans(struct status_run *run)
{
	VD_AUTO_STRV names = VD_STRV_INIT;

	if (run->settings.selinux < 0 || vd_selinux_booleans(run->ctx->root, &names) < 0)
		return;
	for (size_t i = 0; i < names.len; i++) {
		const char *name = names.items[i];
		int on = vd_selinux_boolean(run->ctx->root, name);
		struct item item = {
			.status = "info", .item = "boolean", .name = name, .value = on == 1 ? "on" : "off"
		};

		if (on < 0)
			continue;
		if (!strcmp(name, "secure_mode_policyload") && on)
			item.note = "neither the mode nor the policy can be changed until the next boot";
		else if (strncmp(name, "virt_", 5) && strncmp(name, "container_", 10))
			continue;
		add_item(run, &item);
	}
}

static void add_apparmor(struct status_run *run)
{
	int on = vd_apparmor_enabled(run->ctx->root);

	if (on < 0 || (!on && run->settings.selinux >= 0))
		return;
	add_item(run,
	         &(struct item){ .status = "info",
	                         .item = "apparmor",
	                         .value = on ? "on" : "off",
	                         .path = on ? "/sys/kernel/security/apparmor/profiles" : NULL,
	                         .note = on ? "AppArmor confines guests here: a profile libvirt-UUID each" : NULL });
}

/* --- the command -------------------------------------------------------------------------------------------------- */

static void fill(struct status_run *run)
{
	const struct vd_svirt_settings *s = &run->settings;

	add_mode(run);
	add_policy(run);
	add_domains(run);
	add_driver(run, "qemu", s->qemu_selinux, s->qemu_apparmor, s->qemu_driver_set, "/etc/libvirt/qemu.conf");
	add_driver(run, "lxc", s->lxc_selinux, false, s->lxc_driver_set, "/etc/libvirt/lxc.conf");
	add_daemons(run);
	add_booleans(run);
	add_apparmor(run);
	if (run->notes.len)
		vd_report_line(run->report, "%s", "");
	for (size_t i = 0; i < run->notes.len; i++)
		vd_report_line(run->report, "%s", vd_esc(run->report, run->notes.items[i]));
}

static enum vd_exit run_status(struct vd_ctx *ctx, int argc, char **argv)
{
	struct status_run run = { .ctx = ctx };
	VD_AUTO_STRV problems = VD_STRV_INIT;
	VD_AUTO_ERR err = VD_ERR_INIT;
	enum vd_exit status;
	int r;

	(void)argc;
	(void)argv;
	if (vd_svirt_settings_load(ctx->root, ctx->use_session, &run.settings, &problems, &err) < 0)
		return vd_fail(ctx, &err);
	r = vd_selinux_config_load(ctx->root, &run.config, &err);
	run.report = vd_report_new(ctx);
	if (r < 0 && r != -ENOENT)
		vd_report_missing(run.report, "/etc/selinux/config", vd_err_text(&err), true);
	for (size_t i = 0; i < problems.len; i++)
		vd_report_missing(run.report, "configuration", problems.items[i], true);
	run.table = vd_report_table(run.report, "items", NULL, 0);
	fill(&run);
	status = vd_report_finish(run.report);
	vd_svirt_settings_release(&run.settings);
	vd_selinux_config_release(&run.config);
	vd_strv_release(&run.notes);
	return status;
}

static const char *const status_examples[] = {
	"virtdiag selinux status",
	"mode, policy, domains of the daemons, booleans",
	"virtdiag --root /srv/captures/host7 selinux status",
	"the same of a captured host",
	NULL,
};

const struct vd_cmd vd_selinux_status = {
	.name = "status",
	.summary = "show what decides how SELinux confines guests here",
	.description =
	        "Shows the mode and the policy, domains that are permissive, the security drivers of libvirt, the "
	        "domain "
	        "that each of libvirt's daemons runs in and the label of its binary, the policy's booleans for guests, "
	        "and AppArmor where that is the host's system. What is wrong gets a reason and a fix: a daemon that "
	        "was "
	        "started by hand or whose binary has lost its label runs in the wrong domain, and its guests fail.",
	.examples = status_examples,
	.rows = "items",
	.flags = VD_CMD_TABLE,
	.cols = status_cols,
	.n_cols = VD_ARRAY_SIZE(status_cols),
	.run = run_status,
};
