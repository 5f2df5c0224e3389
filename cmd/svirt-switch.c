/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtdiag svirt disable and enable. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf-change.h"
#include "conf-edit.h"
#include "report.h"
#include "svirt-verbs.h"

enum {
	COL_DRIVER,
	COL_OLD,
	COL_NEW,
	COL_DONE,
	COL_DAEMON,
	COL_RESTART,
	COL_TARGET,
	COL_BACKUP,
	COL_DIFF,
	COL_UNDO,
	COL_COMMAND,
	COL_GUESTS,
	N_COLS
};

static const struct vd_col switch_cols[N_COLS] = {
	[COL_DRIVER] = { "DRIVER", VD_COL_STR, 0, "qemu or lxc" },
	[COL_OLD] = { "OLD", VD_COL_STR, 0, "what security_driver named before; probe: nothing" },
	[COL_NEW] = { "NEW", VD_COL_STR, 0, "what it names then" },
	[COL_DONE] = { "DONE", VD_COL_STR, 0, "written, unchanged, not yet (with --dry-run), put back, failed" },
	[COL_DAEMON] = { "DAEMON", VD_COL_STR, 0, "the daemon that reads the file" },
	[COL_RESTART] = { "RESTART", VD_COL_STR, 0,
	                  "done, needed, not needed (it does not run, or has read the file), failed" },
	[COL_TARGET] = { "TARGET", VD_COL_STR, 0, "the file" },
	[COL_BACKUP] = { "BACKUP", VD_COL_STR, VD_COL_HIDDEN, "the old file" },
	[COL_DIFF] = { "DIFF", VD_COL_STR, VD_COL_JSON_ONLY, "the change" },
	[COL_UNDO] = { "UNDO", VD_COL_VALUE, VD_COL_JSON_ONLY, "the command that takes it back" },
	[COL_COMMAND] = { "COMMAND", VD_COL_VALUE, VD_COL_JSON_ONLY, "the command that restarts the daemon" },
	[COL_GUESTS] = { "GUESTS", VD_COL_VALUE, VD_COL_JSON_ONLY, "guests that will not start then" },
};

/* One file on its way. */
struct change {
	struct vd_svirt_file file;
	struct vd_buf after, diff;
	struct vd_svirt_conf conf; /* of @after */
	struct vd_svirt_outcome next;
	bool differs;
	char *target, *backup; /* once written */
	struct vd_svirt_restart restart;
	const char *done, *restarted;
};

struct switching {
	struct vd_ctx *ctx;
	struct vd_svirt_view view;
	bool off, dry_run, restart;
	struct vd_report *report;
	struct change changes[VD_DRIVER_COUNT_];
	size_t n;
};

static void switching_release(struct switching *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct change *c = &s->changes[i];

		vd_svirt_file_release(&c->file);
		vd_buf_release(&c->after);
		vd_buf_release(&c->diff);
		vd_svirt_conf_release(&c->conf);
		vd_svirt_outcome_release(&c->next);
		vd_svirt_restart_release(&c->restart);
		free(c->target);
		free(c->backup);
	}
	vd_svirt_view_release(&s->view);
}

/* --- before anything is written ----------------------------------------------------------------------------------- */

/* The new text, read and judged as the daemon will: what would keep it from starting is never written. */
static int prepare(struct switching *s, struct change *c, struct vd_err *err)
{
	const struct vd_svirt_file *f = &c->file;
	const char *text = vd_buf_str(&f->text);
	int r;

	if (f->err.code)
		return vd_err_set(err, f->err.code, "%s", vd_err_text(&f->err));
	r = s->off ? vd_svirt_conf_disable(text, f->text.len, f->path, f->driver, &c->after, err)
	           : vd_svirt_conf_enable(text, f->text.len, f->path, f->driver, &c->after, err);
	if (r < 0)
		return r;
	c->differs = r > 0;
	r = vd_svirt_conf_parse(vd_buf_str(&c->after), c->after.len, f->path, f->driver, &c->conf, err);
	if (r < 0)
		return r;
	vd_need_memory(vd_svirt_outcome(&c->conf, &s->view.host, &c->next) == 0 &&
	               vd_conf_diff(f->path, &f->text, &c->after, &c->diff) == 0);
	if (c->differs && c->next.fails)
		return vd_err_set(err, EINVAL,
		                  "%s would not start with what %s would then say: %s; nothing was changed",
		                  f->daemon_name, f->path, c->next.fails);
	return 0;
}

/* The drivers that were asked for; without --driver those whose file is there, else qemu. */
static enum vd_exit choose(struct switching *s)
{
	const char *given = vd_opt_str(s->ctx, "driver", NULL);

	if (given && !strcmp(given, "lxc") && s->ctx->use_session)
		return vd_usage(s->ctx, "a session has no containers: --driver lxc and --session exclude each other");
	for (unsigned d = 0; d < VD_DRIVER_COUNT_; d++) {
		struct change *c = &s->changes[s->n];

		if (given ? strcmp(given, vd_driver_name(d)) != 0 : d == VD_DRIVER_LXC && s->ctx->use_session)
			continue;
		*c = (struct change){ .done = "unchanged" };
		vd_svirt_file_load(&s->view, (enum vd_driver)d, &c->file);
		if (!given && d == VD_DRIVER_LXC && !c->file.exists)
			vd_svirt_file_release(&c->file);
		else
			s->n++;
	}
	return VD_EXIT_OK;
}

/* Would this change keep a guest from starting that starts now? */
static const char *stopped_by(const struct change *c, const struct vd_guest *guest)
{
	if (!guest->config || guest->config->driver != c->file.driver || !c->differs ||
	    vd_svirt_refused_model(guest->config, &c->file.next))
		return NULL;
	return vd_svirt_refused_model(guest->config, &c->next);
}

static struct vd_value *stopped_guests(const struct switching *s, const struct change *c)
{
	struct vd_value *list = vd_value_array();

	for (size_t i = 0; i < s->view.guests.len; i++) {
		const struct vd_guest *guest = &s->view.guests.items[i];
		const char *model = stopped_by(c, guest);
		struct vd_value *v = model ? vd_value_object() : NULL;

		if (model)
			vd_need_memory(vd_value_set(v, "guest", vd_value_str(vd_guest_name(guest))) == 0 &&
			               vd_value_set(v, "state", vd_value_str(vd_guest_state_text(guest))) == 0 &&
			               vd_value_set(v, "model", vd_value_str(model)) == 0 &&
			               vd_value_append(list, v) == 0);
	}
	return list;
}

/* Said before it is done, so that it can still be thought over or undone at once. */
static void tell_stopped(const struct switching *s, const struct change *c)
{
	for (size_t i = 0; i < s->view.guests.len; i++) {
		const struct vd_guest *guest = &s->view.guests.items[i];
		const char *model = stopped_by(c, guest);

		if (!model)
			continue;
		vd_warn(s->ctx, "guest %s: its XML names the security model %s: %s", vd_guest_name(guest), model,
		        guest->state == VD_GUEST_RUNNING ? "it runs on, and will not start again once it has ended"
		                                         : "it will not start");
	}
	if (c->differs && c->file.nlink > 1)
		vd_warn(s->ctx, "%s has %u names: the others keep the old file", c->file.path, c->file.nlink);
}

/* --- doing it ----------------------------------------------------------------------------------------------------- */

static int write_file(struct switching *s, struct change *c, struct vd_err *err)
{
	const struct vd_svirt_file *f = &c->file;
	int r;

	if (!c->differs)
		return 0;
	if (s->dry_run) {
		c->done = "not yet";
		return 0;
	}
	r = vd_conf_write(s->ctx->root, f->path, f->exists ? &f->text : NULL, &c->after, &c->target, &c->backup, err);
	c->done = r < 0 ? "failed" : "written";
	return r;
}

/* Drivers may share a daemon: it is restarted once. */
static const struct change *same_daemon(const struct switching *s, const struct change *c)
{
	for (const struct change *other = s->changes; other < c; other++)
		if (!strcmp(other->file.daemon_name, c->file.daemon_name) && other->restarted &&
		    strcmp(other->restarted, "not needed"))
			return other;
	return NULL;
}

static int restart(struct switching *s, struct change *c, struct vd_err *err)
{
	const struct change *other = same_daemon(s, c);
	int r;

	if (c->restart.how == VD_RESTART_NOTHING || (!c->differs && !c->file.newer)) {
		c->restarted = "not needed";
		return 0;
	}
	c->restarted = other ? other->restarted : "needed";
	if (other || !s->restart || s->dry_run)
		return 0;
	r = vd_svirt_restart_run(&s->view, &c->file, &c->restart, err);
	c->restarted = r < 0 ? "failed" : "done";
	return r;
}

/* What was written for the daemon of @failed becomes what it was: it may not serve with the new file. */
static int put_back(struct switching *s, const struct change *failed, struct vd_err *err)
{
	int r = 0;

	for (size_t i = 0; i < s->n && r == 0; i++) {
		struct change *c = &s->changes[i];

		if (c->file.daemon != failed->file.daemon || !c->target)
			continue;
		r = vd_conf_put_back(s->ctx->root, c->target, &c->after, c->backup, err);
		if (r < 0)
			break;
		c->done = "put back";
		free(c->backup);
		c->backup = NULL;
		vd_warn(s->ctx, "%s is what it was before", c->target);
	}
	return r;
}

/* The daemon has not come up with the new file: better the old one than none. */
static void back_to_old(struct switching *s, struct change *c)
{
	VD_AUTO_ERR err = VD_ERR_INIT;
	bool ours = false;

	for (size_t i = 0; i < s->n; i++)
		ours |= s->changes[i].target && s->changes[i].file.daemon == c->file.daemon;
	if (!ours || c->restart.how != VD_RESTART_COMMAND)
		return;
	if (put_back(s, c, &err) < 0)
		(void)vd_fail(s->ctx, &err);
	else if (vd_svirt_restart_again(&s->view, &c->file, &c->restart, &err) < 0) {
		vd_error(s->ctx, "%s does not come up with the old file either: it was not the change",
		         c->file.daemon_name);
		(void)vd_fail(s->ctx, &err);
	} else
		vd_warn(s->ctx, "%s was started with it", c->file.daemon_name);
}

/* --- telling ------------------------------------------------------------------------------------------------------ */

/* And still is. */
static bool is_written(const struct change *c)
{
	return c->target && !strcmp(c->done, "written");
}

/* The words of `svirt enable` for the driver (NULL: all) into @words. */
static void enable_words(const struct switching *s, const char *driver, const char *words[8])
{
	*words++ = "virtdiag";
	if (s->ctx->use_session)
		*words++ = "--session";
	*words++ = "svirt";
	*words++ = "enable";
	if (driver) {
		*words++ = "--driver";
		*words++ = driver;
	}
	*words = NULL;
}

static struct vd_value *undo_command(const struct switching *s, const struct change *c)
{
	const char *const mv[] = { "mv", "--", c->backup, c->target, NULL };
	const char *enable[8];

	enable_words(s, vd_driver_name(c->file.driver), enable);
	return vd_value_strings(s->off ? enable : mv);
}

static void add_row(struct switching *s, struct vd_table *table, const struct change *c)
{
	VD_AUTO_FREE char *old = vd_svirt_names(&c->file.conf), *new = vd_svirt_names(&c->conf);
	struct vd_row *row = vd_table_row(table, NULL);

	vd_row_str(row, COL_DRIVER, vd_driver_name(c->file.driver));
	vd_row_str(row, COL_OLD, old);
	vd_row_str(row, COL_NEW, new);
	vd_row_str(row, COL_DONE, c->done);
	vd_row_str(row, COL_DAEMON, c->file.daemon_unknown ? NULL : c->file.daemon_name);
	vd_row_str(row, COL_RESTART, c->restarted);
	vd_row_str(row, COL_TARGET, c->target ? c->target : c->file.path);
	vd_row_str(row, COL_BACKUP, c->backup);
	if (c->diff.len)
		vd_row_str(row, COL_DIFF, c->diff.data);
	if (is_written(c) && (s->off || c->backup))
		vd_row_value(row, COL_UNDO, undo_command(s, c));
	if (c->restart.argv.len)
		vd_row_value(row, COL_COMMAND, vd_value_strings((const char *const *)c->restart.argv.items));
	vd_row_value(row, COL_GUESTS, stopped_guests(s, c));
}

static void command_line(struct switching *s, const char *word, const char *const *argv, const char *remark)
{
	const char *line = vd_shell_line(s->report, argv);

	if (line)
		vd_report_line(s->report, "%-7s %s%s%s", word, line, remark ? "     " : "", remark ? remark : "");
}

static void tell_next(struct switching *s, const struct change *c)
{
	const char *const mv[] = { "mv", "--", c->backup, c->target, NULL };
	const char *enable[8];
	bool needed = c->restarted && !strcmp(c->restarted, "needed") && !same_daemon(s, c);

	if (c->backup)
		vd_report_line(s->report, "backup  %s", vd_esc(s->report, c->backup));
	if (needed && c->restart.argv.len)
		command_line(s, "next", (const char *const *)c->restart.argv.items,
		             "it counts from then on; guests run on");
	else if (needed && c->file.daemon_unknown)
		vd_report_line(
		        s->report,
		        "next    restart the daemon that reads %s, libvirtd or %s: the capture does not show which",
		        vd_esc(s->report, c->file.path), c->file.daemon_name);
	else if (needed)
		vd_report_line(s->report, "next    restart %s%s%s", c->file.daemon_name, c->restart.why ? ": " : "",
		               c->restart.why ? c->restart.why : "");
	else if (c->differs && c->restart.how == VD_RESTART_NOTHING && c->restart.why)
		vd_report_line(s->report, "note    %s: %s", c->file.daemon_name, c->restart.why);
	if (is_written(c) && !s->off && c->backup)
		command_line(s, "undo", mv, NULL);
	/* One command takes all of it back. */
	if (is_written(c) && s->off && c == &s->changes[s->n - 1]) {
		enable_words(s, vd_opt_str(s->ctx, "driver", NULL), enable);
		command_line(s, "undo", enable, NULL);
	}
}

static void tell(struct switching *s)
{
	struct vd_table *table = vd_report_table(s->report, "changes", NULL, 0);
	bool differs = false;

	for (size_t i = 0; i < s->n; i++) {
		add_row(s, table, &s->changes[i]);
		differs |= s->changes[i].differs && strcmp(s->changes[i].done, "put back") != 0;
	}
	for (size_t i = 0; i < s->n && s->dry_run; i++)
		if (s->changes[i].diff.len)
			vd_conf_show_diff(s->report, &s->changes[i].diff);
	vd_report_line(s->report, "%s", "");
	for (size_t i = 0; i < s->n; i++)
		tell_next(s, &s->changes[i]);
	if (s->off && differs)
		vd_report_line(
		        s->report, "%s",
		        "note    guests that start from then on are not kept apart by SELinux or AppArmor; those "
		        "that run keep their label");
	for (size_t i = 0; i < s->n && !s->off; i++)
		if (!s->changes[i].next.confines && !s->changes[i].next.unsure) {
			vd_report_mark(s->report, VD_HUE_WARN, "warning: %s guests are not confined then either: %s",
			               vd_driver_name(s->changes[i].file.driver),
			               s->changes[i].conf.names.len ? "the file says so"
			                                            : "neither SELinux nor AppArmor is active here");
			vd_report_warning(s->report);
		}
}

static enum vd_exit switch_all(struct switching *s)
{
	VD_AUTO_ERR err = VD_ERR_INIT;
	enum vd_exit status = VD_EXIT_OK;

	for (size_t i = 0; i < s->n; i++) {
		if (prepare(s, &s->changes[i], &err) < 0)
			return vd_fail(s->ctx, &err);
		/* While the processes are those that we have seen. */
		vd_svirt_restart_plan(&s->view, &s->changes[i].file, &s->changes[i].restart);
	}
	for (size_t i = 0; i < s->n; i++)
		tell_stopped(s, &s->changes[i]);
	for (size_t i = 0; i < s->view.guests.n_problems; i++)
		vd_warn(s->ctx, "%s: %s: cannot tell whether this guest will start then",
		        s->view.guests.problems[i].path, s->view.guests.problems[i].why);
	for (size_t i = 0; i < s->n && status == VD_EXIT_OK; i++)
		if (write_file(s, &s->changes[i], &err) < 0)
			status = vd_fail(s->ctx, &err);
	for (size_t i = 0; i < s->n && status == VD_EXIT_OK; i++)
		if (restart(s, &s->changes[i], &err) < 0) {
			status = vd_fail(s->ctx, &err);
			back_to_old(s, &s->changes[i]);
		}
	tell(s);
	return status;
}

static enum vd_exit run_switch(struct vd_ctx *ctx, bool off)
{
	struct switching s = {
		.ctx = ctx, .off = off, .dry_run = vd_opt_given(ctx, "dry-run"), .restart = vd_opt_given(ctx, "restart")
	};
	enum vd_exit status, finished;

	if (!vd_root_is_live(ctx->root) && !s.dry_run)
		return vd_usage(ctx, "a captured host is not changed: add --dry-run to see what would be");
	status = vd_svirt_view_load(ctx, &s.view);
	if (status == VD_EXIT_OK)
		status = choose(&s);
	if (status == VD_EXIT_OK) {
		s.report = vd_report_new(ctx);
		status = switch_all(&s);
		if (status != VD_EXIT_OK)
			vd_report_unknown(s.report);
		finished = vd_report_finish(s.report);
		status = status == VD_EXIT_OK ? finished : status;
	}
	switching_release(&s);
	return status;
}

static enum vd_exit run_disable(struct vd_ctx *ctx, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return run_switch(ctx, true);
}

static enum vd_exit run_enable(struct vd_ctx *ctx, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return run_switch(ctx, false);
}

static const struct vd_opt switch_opts[] = {
	{ .name = "driver",
	  .type = VD_OPT_ENUM,
	  .arg = "NAME",
	  .words = vd_svirt_driver_words,
	  .help = "only for this driver (default: each whose file is there)" },
	{ .name = "restart", .type = VD_OPT_FLAG, .help = "restart the daemon, so that it counts at once" },
	{ .name = "dry-run", .type = VD_OPT_FLAG, .help = "show what would be done" },
	{ 0 },
};

static const char *const disable_examples[] = {
	"sudo virtdiag svirt disable --dry-run",
	"which guests would not start, and what would be written",
	"sudo virtdiag svirt disable --driver qemu --restart",
	"start QEMU guests without confinement from now on",
	NULL,
};

static const char *const enable_examples[] = {
	"sudo virtdiag svirt enable --restart",
	"confine guests again, as before",
	NULL,
};

const struct vd_cmd vd_svirt_disable = {
	.name = "disable",
	.summary = "start guests without SELinux or AppArmor confinement",
	.description =
	        "Writes security_driver = \"none\" where it counts in qemu.conf and lxc.conf, in a block from which "
	        "`svirt enable` makes the old file again, and keeps a backup. Says first which guests will not start "
	        "then, because their XML names a model that is not there. Refuses what would keep the daemon from "
	        "starting. Guests that run keep their label.",
	.examples = disable_examples,
	.opts = switch_opts,
	.rows = "changes",
	.flags = VD_CMD_TABLE,
	.cols = switch_cols,
	.n_cols = N_COLS,
	.run = run_disable,
};

const struct vd_cmd vd_svirt_enable = {
	.name = "enable",
	.summary = "confine guests again",
	.description =
	        "Takes out what `svirt disable` has written, so that the file is what it was, with what was edited "
	        "elsewhere in it since. Where someone else has written \"none\", that statement becomes a comment.",
	.examples = enable_examples,
	.opts = switch_opts,
	.rows = "changes",
	.flags = VD_CMD_TABLE,
	.cols = switch_cols,
	.n_cols = N_COLS,
	.run = run_enable,
};
