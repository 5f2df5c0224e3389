/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtdiag daemons: libvirt's daemons, by their files and processes. */
#include <string.h>

#include "command.h"
#include "daemons.h"
#include "report.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.cmd.daemons");

enum {
	COL_DAEMON,
	COL_STATE,
	COL_PID,
	COL_SINCE,
	COL_ENABLED,
	COL_SOCKET,
	COL_CONTEXT,
	COL_FLAGS,
	COL_VERSION,
	COL_BINARY,
	COL_CONF,
	COL_UNIT,
	COL_SOCKET_UNIT,
	COL_URI,
	COL_TIMEOUT,
};

static const struct vd_col daemons_cols[] = {
	[COL_DAEMON] = { "DAEMON", VD_COL_STR, 0, "name of the daemon" },
	[COL_STATE] = { "STATE", VD_COL_STR, 0, "running, waiting (its socket starts it), stopped, absent, unknown" },
	[COL_PID] = { "PID", VD_COL_NUM, 0, "its process" },
	[COL_SINCE] = { "SINCE", VD_COL_TIME, 0, "start of that process" },
	[COL_ENABLED] = { "ENABLED", VD_COL_STR, 0, "its service unit: enabled, disabled, indirect, static, masked" },
	[COL_SOCKET] = { "SOCKET", VD_COL_STR, 0, "its socket unit, likewise" },
	[COL_CONTEXT] = { "CONTEXT", VD_COL_STR, 0, "SELinux context or AppArmor profile of the process" },
	[COL_FLAGS] = { "FLAGS", VD_COL_FLAGS, 0,
	                "conf-newer, deleted-binary, deleted-library, no-binary, stale-pid-file, elsewhere" },
	[COL_VERSION] = { "VERSION", VD_COL_STR, VD_COL_HIDDEN,
	                  "of the libvirt that it runs, else of the installed one" },
	[COL_BINARY] = { "BINARY", VD_COL_STR, VD_COL_HIDDEN, "its program" },
	[COL_CONF] = { "CONF", VD_COL_STR, VD_COL_HIDDEN, "its configuration file, where there is one" },
	[COL_UNIT] = { "UNIT", VD_COL_STR, VD_COL_HIDDEN, "file of its service unit" },
	[COL_SOCKET_UNIT] = { "SOCKET_UNIT", VD_COL_STR, VD_COL_HIDDEN, "file of its socket unit" },
	[COL_URI] = { "URI", VD_COL_STR, VD_COL_HIDDEN, "where virt-admin finds it" },
	[COL_TIMEOUT] = { "TIMEOUT", VD_COL_NUM, VD_COL_HIDDEN, "seconds without work after which it ends by itself" },
};

static enum vd_hue state_hue(enum vd_daemon_state state)
{
	static const enum vd_hue hues[VD_DAEMON_STATE_COUNT_] = {
		[VD_DAEMON_UNKNOWN] = VD_HUE_WARN,
		[VD_DAEMON_RUNNING] = VD_HUE_GOOD,
		[VD_DAEMON_STOPPED] = VD_HUE_DIM,
		[VD_DAEMON_ABSENT] = VD_HUE_DIM,
	};

	return hues[state];
}

static void set_version(struct vd_ctx *ctx, struct vd_row *row, unsigned version)
{
	char text[32];

	if (!version)
		version = vd_ctx_host(ctx)->libvirt;
	if (version)
		vd_row_str(row, COL_VERSION, vd_version_format(version, text));
}

static void fill_process(struct vd_ctx *ctx, struct vd_row *row, const struct vd_daemon_process *p)
{
	vd_row_num(row, COL_PID, p->pid);
	if (p->since)
		vd_row_num(row, COL_SINCE, p->since);
	vd_row_str(row, COL_CONTEXT, p->context);
	if (p->exe)
		vd_row_str(row, COL_BINARY, p->exe);
	if (p->timeout > 0)
		vd_row_num(row, COL_TIMEOUT, p->timeout);
	set_version(ctx, row, p->version);
	if (p->exe_deleted)
		vd_row_flag(row, COL_FLAGS, "deleted-binary");
	if (p->library_deleted)
		vd_row_flag(row, COL_FLAGS, "deleted-library");
	if (p->elsewhere)
		vd_row_flag(row, COL_FLAGS, "elsewhere");
}

static void add_daemon(struct vd_ctx *ctx, struct vd_report *report, struct vd_table *table,
                       const struct vd_daemons *ds, const struct vd_daemon *d)
{
	const struct vd_daemon_process *p = vd_daemon_main(d);
	VD_AUTO_FREE char *uri = vd_daemon_admin_uri(ctx->root, &ds->scope, d->name);
	struct vd_row *row = vd_table_row(table, NULL);

	vd_row_str(row, COL_DAEMON, d->name);
	vd_row_str(row, COL_STATE, vd_daemon_state_name(d->state));
	vd_row_hue(row, COL_STATE, state_hue(d->state));
	vd_row_str(row, COL_ENABLED, vd_unit_state_name(d->service.state));
	vd_row_str(row, COL_SOCKET, vd_unit_state_name(d->socket.state));
	vd_row_str(row, COL_BINARY, d->binary);
	vd_row_str(row, COL_CONF, d->has_conf ? d->conf : NULL);
	vd_row_str(row, COL_UNIT, d->service.path);
	vd_row_str(row, COL_SOCKET_UNIT, d->socket.path);
	vd_row_str(row, COL_URI, uri);
	if (p)
		fill_process(ctx, row, p);
	else if (d->binary)
		set_version(ctx, row, 0);
	if (d->conf_newer)
		vd_row_flag(row, COL_FLAGS, "conf-newer");
	if (!d->binary && !p && (d->service.state != VD_UNIT_NONE || d->socket.state != VD_UNIT_NONE))
		vd_row_flag(row, COL_FLAGS, "no-binary");
	if (d->stale_pid_file)
		vd_row_flag(row, COL_FLAGS, "stale-pid-file");
	if (d->unsure)
		vd_report_missing(report, d->name, d->unsure, false);
}

/* Further processes of the same name: a second instance, or one in a container. */
static void add_others(struct vd_ctx *ctx, struct vd_table *table, const struct vd_daemon *d)
{
	for (size_t i = vd_daemon_main(d) ? 1 : 0; i < d->n_processes; i++) {
		struct vd_row *row = vd_table_row(table, NULL);

		vd_row_str(row, COL_DAEMON, d->name);
		vd_row_str(row, COL_STATE, vd_daemon_state_name(VD_DAEMON_RUNNING));
		fill_process(ctx, row, &d->processes[i]);
		if (!d->processes[i].elsewhere)
			vd_row_flag(row, COL_FLAGS, "second");
	}
}

static void warn(struct vd_report *report, const struct vd_daemon *d)
{
	const struct vd_daemon_process *p = vd_daemon_main(d);

	if (d->conf_newer) {
		vd_report_mark(report, VD_HUE_WARN,
		               "warning: %s started before %s was edited: what it says now counts "
		               "after a restart",
		               d->name, vd_esc(report, d->conf));
		vd_report_warning(report);
	}
	if (p && (p->exe_deleted || p->library_deleted)) {
		vd_report_mark(report, VD_HUE_WARN, "warning: %s still runs the %s from before an upgrade", d->name,
		               p->exe_deleted ? "program" : "library");
		vd_report_warning(report);
	}
	if (d->stale_pid_file) {
		vd_report_mark(report, VD_HUE_WARN,
		               "warning: %s names a process that is not %s: it has crashed or was "
		               "killed",
		               vd_esc(report, d->pid_file), d->name);
		vd_report_warning(report);
	}
}

static bool in_use(const struct vd_daemon *d)
{
	return d->state == VD_DAEMON_RUNNING || d->state == VD_DAEMON_WAITING || d->service.state == VD_UNIT_ENABLED ||
	       d->socket.state == VD_UNIT_ENABLED;
}

static void add_mode(struct vd_ctx *ctx, struct vd_report *report, const struct vd_daemons *ds)
{
	const char *mode = vd_daemon_mode_name(ds->mode);
	const char *meaning[] = { "no libvirt daemon is here", "libvirtd serves all drivers",
		                  "each driver has its own daemon", "libvirtd and modular daemons",
		                  "the capture does not tell which libvirt daemons are here" };

	vd_report_extra(report, "mode", vd_value_str(mode));
	if (ds->unsure)
		vd_report_missing(report, "daemons", ds->unsure, true);
	if (ctx->no_headings)
		return;
	vd_report_mark(report, ds->mode == VD_MODE_MIXED || ds->mode == VD_MODE_UNKNOWN ? VD_HUE_WARN : VD_HUE_BOLD,
	               "%s: %s%s", mode, meaning[ds->mode],
	               ds->mode && !ds->mode_by_use && !ds->unsure ? "; installed, but neither enabled nor running"
	                                                           : "");
	if (ds->len)
		vd_report_line(report, "%s", "");
}

/* libvirtd and virtqemud drive the same guests with the same files: only one may. */
static void warn_mixed(struct vd_report *report, const struct vd_daemons *ds)
{
	if (ds->mode != VD_MODE_MIXED || !ds->mode_by_use)
		return;
	for (size_t i = 0; i < ds->len; i++)
		if (vd_daemon_is_modular(ds->items[i].name) && in_use(&ds->items[i])) {
			vd_report_mark(report, VD_HUE_WARN,
			               "warning: libvirtd and %s are both in use; they must not serve the same driver: "
			               "disable and stop one of them",
			               ds->items[i].name);
			vd_report_warning(report);
			return;
		}
}

static enum vd_exit run_daemons(struct vd_ctx *ctx, int argc, char **argv)
{
	VD_AUTO_DAEMONS ds = { 0 };
	VD_AUTO_ERR err = VD_ERR_INIT;
	struct vd_report *report;
	struct vd_table *table;

	(void)argc;
	(void)argv;
	if (vd_daemons_load(ctx->root, ctx->use_session, ctx->session_user, &ds, &err) < 0)
		return vd_fail(ctx, &err);
	VLOG_DEBUG("%zu daemons", ds.len);
	report = vd_report_new(ctx);
	add_mode(ctx, report, &ds);
	table = vd_report_table(report, "daemons", NULL, 0);
	for (size_t i = 0; i < ds.len; i++) {
		add_daemon(ctx, report, table, &ds, &ds.items[i]);
		add_others(ctx, table, &ds.items[i]);
	}
	for (size_t i = 0; i < ds.len; i++)
		warn(report, &ds.items[i]);
	warn_mixed(report, &ds);
	return vd_report_finish(report);
}

static const char *const daemons_examples[] = {
	"virtdiag daemons",
	"which daemons are here, and which of them run",
	"virtdiag daemons -o DAEMON,STATE,VERSION,FLAGS",
	"what still runs the code or configuration of before",
	"virtdiag --root /srv/captures/host7 daemons",
	"the daemons of a captured host",
	NULL,
};

extern const struct vd_cmd vd_cmd_daemons;
const struct vd_cmd vd_cmd_daemons = {
	.name = "daemons",
	.summary = "list libvirt's daemons without asking them",
	.description =
	        "Says whether the host has a monolithic libvirt (libvirtd) or a modular one (virtqemud and others), "
	        "and shows each daemon: whether it runs, since when, with which SELinux context, what starts it, and "
	        "whether its program or configuration has changed since. Reads files and /proc alone: asking a "
	        "daemon through its socket would start it.",
	.examples = daemons_examples,
	.rows = "daemons",
	.flags = VD_CMD_TABLE,
	.cols = daemons_cols,
	.n_cols = VD_ARRAY_SIZE(daemons_cols),
	.run = run_daemons,
};
