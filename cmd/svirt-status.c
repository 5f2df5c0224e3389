/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtdiag svirt status: what confines guests, by configuration and in fact. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "svirt-verbs.h"

enum {
	COL_DRIVER,
	COL_CONFIGURED,
	COL_NEXT,
	COL_NOW,
	COL_CONFINED,
	COL_RUNNING,
	COL_REFUSED,
	COL_DAEMON,
	COL_PID,
	COL_FLAGS,
	COL_LINE,
	COL_DEFAULT_CONFINED,
	COL_REQUIRE_CONFINED,
	COL_PATH,
	COL_WHY,
	COL_GUESTS,
};

static const struct vd_col status_cols[] = {
	[COL_DRIVER] = { "DRIVER", VD_COL_STR, 0, "qemu or lxc" },
	[COL_CONFIGURED] = { "CONFIGURED", VD_COL_STR, 0,
	                     "what security_driver names; probe: the daemon takes what the host has" },
	[COL_NEXT] = { "NEXT", VD_COL_STR, 0, "what a daemon that starts now would use; fails: it would not start" },
	[COL_NOW] = { "NOW", VD_COL_STR, 0, "what the running daemon uses; absent when that is not known" },
	[COL_CONFINED] = { "CONFINED", VD_COL_NUM, 0, "running guests whose process has a label of their own" },
	[COL_RUNNING] = { "RUNNING", VD_COL_NUM, 0, "running guests" },
	[COL_REFUSED] = { "REFUSED", VD_COL_NUM, 0,
	                  "guests that will not start with NEXT, since their XML names another model" },
	[COL_DAEMON] = { "DAEMON", VD_COL_STR, 0, "the daemon that reads the file" },
	[COL_PID] = { "PID", VD_COL_NUM, VD_COL_HIDDEN, "its process" },
	[COL_FLAGS] = { "FLAGS", VD_COL_FLAGS, 0,
	                "by-virtdiag, newer-file (than the daemon), broken-file, require-confined" },
	[COL_LINE] = { "LINE", VD_COL_NUM, VD_COL_HIDDEN, "of the statement that counts" },
	[COL_DEFAULT_CONFINED] = { "DEFAULT_CONFINED", VD_COL_BOOL, VD_COL_HIDDEN, "security_default_confined" },
	[COL_REQUIRE_CONFINED] = { "REQUIRE_CONFINED", VD_COL_BOOL, VD_COL_HIDDEN, "security_require_confined" },
	[COL_PATH] = { "PATH", VD_COL_STR, 0, "the file" },
	[COL_WHY] = { "WHY", VD_COL_STR, VD_COL_JSON_ONLY, "why NEXT fails or is not known" },
	[COL_GUESTS] = { "GUESTS", VD_COL_VALUE, VD_COL_JSON_ONLY, "guests: name, state, confined, refused model" },
};

static const char *active_word(enum vd_svirt_active active)
{
	static const char *const words[] = { "off", "on", "unknown" };

	return words[active];
}

static void host_line(const struct vd_svirt_view *view, struct vd_report *report)
{
	static const char *const modes[] = { "permissive", "enforcing" };
	const char *selinux = view->selinux >= 0 ? modes[view->selinux] : active_word(view->host.selinux),
	           *apparmor = active_word(view->host.apparmor);

	vd_report_extra(report, "selinux", vd_value_str(selinux));
	vd_report_extra(report, "apparmor", vd_value_str(apparmor));
	if (!view->ctx->no_headings)
		vd_report_mark(report, VD_HUE_BOLD, "host   SELinux %s, AppArmor %s\n", selinux, apparmor);
}

/* Has the process of a running guest a label that sets it apart? Its status XML tells what libvirt gave it. */
static bool is_confined(const struct vd_domain *status)
{
	for (size_t i = 0; status && i < status->n_seclabels; i++)
		if (status->seclabels[i].model && status->seclabels[i].label &&
		    status->seclabels[i].type != VD_SECLABEL_NONE &&
		    (!strcmp(status->seclabels[i].model, "selinux") || !strcmp(status->seclabels[i].model, "apparmor")))
			return true;
	return false;
}

/* A shut-off guest starts with its persistent XML; a transient one is gone after its end. */
static const char *refused_model(const struct vd_guest *guest, const struct vd_svirt_outcome *next)
{
	return guest->config ? vd_svirt_refused_model(guest->config, next) : NULL;
}

static struct vd_value *guest_value(const struct vd_guest *guest, bool running, const char *model)
{
	struct vd_value *v = vd_value_object();

	vd_need_memory(vd_value_set(v, "guest", vd_value_str(vd_guest_name(guest))) == 0 &&
	               vd_value_set(v, "state", vd_value_str(vd_guest_state_text(guest))) == 0 &&
	               vd_value_set(v, "confined",
	                            running ? vd_value_bool(is_confined(guest->status)) : vd_value_null()) == 0 &&
	               vd_value_set(v, "refused_model", vd_value_str(model)) == 0);
	return v;
}

static void count_guests(struct vd_svirt_view *view, struct vd_report *report, struct vd_row *row,
                         const struct vd_svirt_file *f)
{
	unsigned n_running = 0, n_confined = 0, n_refused = 0;
	struct vd_value *list = vd_value_array();

	for (size_t i = 0; i < view->guests.len; i++) {
		const struct vd_guest *guest = &view->guests.items[i];
		bool running = guest->state == VD_GUEST_RUNNING;
		const char *model;

		if (vd_guest_domain(guest)->driver != f->driver)
			continue;
		model = refused_model(guest, &f->next);
		n_running += running;
		n_confined += running && is_confined(guest->status);
		n_refused += model != NULL;
		vd_need_memory(vd_value_append(list, guest_value(guest, running, model)) == 0);
	}
	vd_row_num(row, COL_RUNNING, n_running);
	vd_row_num(row, COL_CONFINED, n_confined);
	vd_row_num(row, COL_REFUSED, n_refused);
	vd_row_value(row, COL_GUESTS, list);
	if (n_refused) {
		vd_row_hue(row, COL_REFUSED, VD_HUE_BAD);
		vd_report_problem(report);
	}
}

static void fill_file(struct vd_report *report, struct vd_row *row, const struct vd_svirt_file *f)
{
	VD_AUTO_FREE char *names = vd_svirt_names(&f->conf), *next = vd_svirt_models(&f->next);

	if (f->err.code && f->err.code != EBADMSG) {
		vd_row_str(row, COL_WHY, vd_err_text(&f->err));
		vd_report_missing(report, f->path, vd_err_text(&f->err), true);
		return;
	}
	if (f->err.code || f->next.fails) {
		vd_row_str(row, COL_NEXT, "fails");
		vd_row_hue(row, COL_NEXT, VD_HUE_BAD);
		vd_row_str(row, COL_WHY, f->err.code ? vd_err_text(&f->err) : f->next.fails);
		vd_report_problem(report);
	}
	if (f->err.code) {
		vd_row_flag(row, COL_FLAGS, "broken-file");
		return;
	}
	vd_row_str(row, COL_CONFIGURED, names);
	if (f->conf.line)
		vd_row_num(row, COL_LINE, f->conf.line);
	vd_row_bool(row, COL_DEFAULT_CONFINED, f->conf.default_confined);
	vd_row_bool(row, COL_REQUIRE_CONFINED, f->conf.require_confined);
	if (f->conf.by_us)
		vd_row_flag(row, COL_FLAGS, "by-virtdiag");
	if (f->conf.require_confined)
		vd_row_flag(row, COL_FLAGS, "require-confined");
	if (f->next.unsure) {
		vd_row_str(row, COL_WHY, "the capture does not tell whether SELinux or AppArmor is active");
		vd_report_unknown(report);
	}
	if (next)
		vd_row_str(row, COL_NEXT, next);
	if (next && f->process && f->process->since && !f->newer)
		vd_row_str(row, COL_NOW, next);
}

static void add_driver(struct vd_svirt_view *view, struct vd_report *report, struct vd_table *table,
                       const struct vd_svirt_file *f)
{
	struct vd_row *row = vd_table_row(table, NULL);

	vd_row_str(row, COL_DRIVER, vd_driver_name(f->driver));
	vd_row_str(row, COL_DAEMON, f->daemon_unknown ? NULL : f->daemon_name);
	if (f->process)
		vd_row_num(row, COL_PID, f->process->pid);
	vd_row_str(row, COL_PATH, f->path);
	fill_file(report, row, f);
	if (f->newer)
		vd_row_flag(row, COL_FLAGS, "newer-file");
	count_guests(view, report, row, f);
}

/* --- in words ----------------------------------------------------------------------------------------------------- */

/* An empty line stands between the table and the first sentence. */
static void before_sentence(struct vd_report *report, bool *told)
{
	if (!*told)
		vd_report_line(report, "%s", "");
	*told = true;
}

static void explain_file(struct vd_report *report, const struct vd_svirt_file *f, bool *told)
{
	bool unconfined = !f->err.code && !f->next.fails && !f->next.unsure && !f->next.confines;

	if (f->err.code == EBADMSG || f->next.fails || unconfined || f->newer)
		before_sentence(report, told);
	if (f->err.code == EBADMSG) {
		vd_report_mark(report, VD_HUE_BAD, "broken: %s; %s does not start with it",
		               vd_esc(report, vd_err_text(&f->err)), f->daemon_name);
	} else if (f->next.fails) {
		vd_report_mark(report, VD_HUE_BAD, "fails: %s does not start with %s: %s", f->daemon_name,
		               vd_esc(report, f->path), vd_esc(report, f->next.fails));
	} else if (unconfined) {
		vd_report_mark(report, VD_HUE_WARN, "warning: nothing keeps %s guests apart that start %s%s",
		               vd_driver_name(f->driver), f->newer ? "after the daemon is restarted" : "now",
		               f->conf.by_us ? "; virtdiag svirt enable takes that back" : "");
		vd_report_warning(report);
	}
	if (f->newer && !f->err.code) {
		vd_report_mark(report, VD_HUE_WARN,
		               "warning: %s was changed after %s started: what it says counts after a restart",
		               vd_esc(report, f->path), f->daemon_name);
		vd_report_warning(report);
	}
}

static void explain_guests(struct vd_svirt_view *view, struct vd_report *report, const struct vd_svirt_file *f,
                           bool *told)
{
	for (size_t i = 0; i < view->guests.len; i++) {
		const struct vd_guest *guest = &view->guests.items[i];
		const char *model = vd_guest_domain(guest)->driver == f->driver ? refused_model(guest, &f->next) : NULL;

		if (!model)
			continue;
		before_sentence(report, told);
		vd_report_mark(report, VD_HUE_BAD,
		               "refused: %s will not start: its XML names the model %s, which %s then does not have",
		               vd_esc(report, vd_guest_name(guest)), vd_esc(report, model), f->daemon_name);
	}
}

static bool has_guests_of(const struct vd_svirt_view *view, enum vd_driver driver)
{
	for (size_t i = 0; i < view->guests.len; i++)
		if (vd_guest_domain(&view->guests.items[i])->driver == driver)
			return true;
	return false;
}

static enum vd_exit run_status(struct vd_ctx *ctx, int argc, char **argv)
{
	struct vd_svirt_view view;
	struct vd_svirt_file files[VD_DRIVER_COUNT_];
	enum vd_exit status = vd_svirt_view_load(ctx, &view);
	struct vd_report *report;
	struct vd_table *table;
	bool told = false;
	size_t n = 0;

	(void)argc;
	(void)argv;
	if (status != VD_EXIT_OK) {
		vd_svirt_view_release(&view);
		return status;
	}
	report = vd_report_new(ctx);
	host_line(&view, report);
	table = vd_report_table(report, "drivers", NULL, 0);
	for (unsigned d = 0; d < VD_DRIVER_COUNT_; d++) {
		/* There are no containers in a session. */
		if (d == VD_DRIVER_LXC && ctx->use_session)
			continue;
		vd_svirt_file_load(&view, (enum vd_driver)d, &files[n]);
		if (d == VD_DRIVER_LXC && !files[n].exists && !has_guests_of(&view, VD_DRIVER_LXC)) {
			vd_svirt_file_release(&files[n]);
			continue;
		}
		add_driver(&view, report, table, &files[n++]);
	}
	for (size_t i = 0; i < n; i++) {
		explain_file(report, &files[i], &told);
		explain_guests(&view, report, &files[i], &told);
	}
	for (size_t i = 0; i < view.guests.n_problems; i++)
		vd_report_missing(report, view.guests.problems[i].path, view.guests.problems[i].why, true);
	status = vd_report_finish(report);
	for (size_t i = 0; i < n; i++)
		vd_svirt_file_release(&files[i]);
	vd_svirt_view_release(&view);
	return status;
}

static const char *const status_examples[] = {
	"virtdiag svirt status",
	"is anything confined, and would every guest start?",
	"virtdiag --root /srv/captures/host7 svirt status",
	"the same of a captured host",
	NULL,
};

const struct vd_cmd vd_svirt_status = {
	.name = "status",
	.summary = "what confines guests, by configuration and in fact",
	.description =
	        "Shows for each driver which security drivers its configuration file chooses, what a daemon that "
	        "starts with it makes of that on this host, and what the running one uses: one that started before "
	        "the file was changed may use something else. Counts the running guests that are confined, and the "
	        "guests that would not start because their XML names a model that is not there.",
	.examples = status_examples,
	.rows = "drivers",
	.flags = VD_CMD_TABLE,
	.cols = status_cols,
	.n_cols = VD_ARRAY_SIZE(status_cols),
	.run = run_status,
};
