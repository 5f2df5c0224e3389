/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtdiag selinux permissive, enforcing: the whole host, or one domain, for a while. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "label.h"
#include "report.h"
#include "selinux-domain.h"
#include "selinux-host.h"
#include "selinux.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.cmd.selinux-permissive");

enum {
	COL_TARGET,
	COL_OLD,
	COL_NEW,
	COL_DONE,
	COL_UNDO
};

static const struct vd_col change_cols[] = {
	[COL_TARGET] = { "TARGET", VD_COL_STR, 0, "the host, or a domain of the policy" },
	[COL_OLD] = { "OLD", VD_COL_STR, 0, "its mode before" },
	[COL_NEW] = { "NEW", VD_COL_STR, 0, "the mode that was asked for" },
	[COL_DONE] = { "DONE", VD_COL_STR, 0,
	               "set, not yet (--dry-run), already, restored, left (somebody else changed it), failed" },
	[COL_UNDO] = { "UNDO", VD_COL_VALUE, 0, "the command that takes it back" },
};

struct mode_run {
	struct vd_ctx *ctx;
	struct vd_report *report;
	struct vd_table *table;
	bool permissive; /* what is asked for */
	bool dry_run;
	int64_t duration;      /* microseconds; 0 none */
	char **command;        /* NULL: none */
	struct vd_strv names;  /* domains that were named */
	struct vd_strv change; /* those of them that need a change */
	struct vd_mode_change what;
	struct vd_row *rows[32];
	size_t n_rows;
	bool needed; /* there is something to do */
};

static const char *word(bool permissive)
{
	return permissive ? "permissive" : "enforcing";
}

/* --- what may not be done ----------------------------------------------------------------------------------------- */

static bool has_apparmor(struct vd_ctx *ctx)
{
	VD_AUTO_BUF text = VD_BUF_INIT;

	return vd_root_read(ctx->root, "/sys/module/apparmor/parameters/enabled", 16, &text, NULL) == 0 &&
	       vd_buf_str(&text)[0] == 'Y';
}

static enum vd_exit refuse_without_selinux(struct mode_run *run, const struct vd_err *err)
{
	if (err->code != ENOENT)
		return vd_fail(run->ctx, err);
	vd_error(run->ctx, "%s: there is no mode to switch", vd_err_text(err));
	if (has_apparmor(run->ctx))
		vd_error(run->ctx, "AppArmor confines guests here; for one guest: aa-complain "
		                   "/etc/apparmor.d/libvirt/libvirt-UUID");
	return VD_EXIT_UNKNOWN;
}

static enum vd_exit check_allowed(struct mode_run *run)
{
	struct vd_err err = { .code = EPERM };

	if (vd_selinux_boolean(run->ctx->root, "secure_mode_policyload") == 1) {
		vd_error(run->ctx, "the policy locks its mode and itself until the next boot: the boolean "
		                   "secure_mode_policyload is on");
		return VD_EXIT_UNKNOWN;
	}
	if (geteuid() == 0 || run->dry_run)
		return VD_EXIT_OK;
	err.text = strdup("switching SELinux needs root");
	vd_fail(run->ctx, &err);
	free(err.text);
	return VD_EXIT_UNKNOWN;
}

static enum vd_exit take_domains(struct mode_run *run, const char *list)
{
	while (*list) {
		size_t len = strcspn(list, ",");
		VD_AUTO_FREE char *name = strndup(list, len);

		vd_need_memory(name != NULL);
		if (!vd_selinux_is_type_name(name))
			return vd_usage(run->ctx, "--domain: '%s' is no name of a domain; svirt_t is one", name);
		if (!vd_strv_has(&run->names, name))
			vd_need_memory(vd_strv_add(&run->names, name) == 0);
		list += len + (list[len] == ',');
	}
	if (!run->names.len || run->names.len > VD_ARRAY_SIZE(run->rows))
		return vd_usage(run->ctx, "--domain needs the name of a domain, such as svirt_t");
	return VD_EXIT_OK;
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static void add_row(struct mode_run *run, const char *target, bool was_permissive, const char *const *undo)
{
	struct vd_row *row = vd_table_row(run->table, NULL);
	bool differs = was_permissive != run->permissive;

	vd_row_str(row, COL_TARGET, target);
	vd_row_str(row, COL_OLD, word(was_permissive));
	vd_row_str(row, COL_NEW, word(run->permissive));
	vd_row_str(row, COL_DONE, !differs ? "already" : run->dry_run ? "not yet" : "set");
	vd_row_value(row, COL_UNDO, differs ? vd_value_strings(undo) : vd_value_array());
	run->needed |= differs;
	if (differs)
		run->rows[run->n_rows++] = row;
}

static void undo_line(struct mode_run *run, const char *const *undo)
{
	if (!run->duration && !run->command)
		vd_report_line(run->report, "undo    %s", vd_shell_line(run->report, undo));
}

static size_t running_guests(struct mode_run *run)
{
	struct vd_guests guests = { 0 };
	struct vd_guests_options options = { .use_session = run->ctx->use_session,
		                             .session_user = run->ctx->session_user };
	size_t n = 0;

	if (vd_guests_load(run->ctx->root, &options, &guests, NULL) < 0)
		return 0;
	for (size_t i = 0; i < guests.len; i++)
		n += guests.items[i].state == VD_GUEST_RUNNING;
	vd_guests_release(&guests);
	return n;
}

/* One line on what nobody is kept from meanwhile. */
static void tell_unprotected(struct mode_run *run)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	size_t n = running_guests(run);
	int r;

	if (!run->permissive || !run->needed)
		return;
	r = vd_buf_addf(&text, "unprotected%s: ", run->dry_run ? " then" : " now");
	if (r == 0 && !run->what.domains)
		r = vd_buf_addf(&text,
		                "every program that SELinux confines on this host, %zu running guest%s and libvirt's "
		                "daemons included; denials are only recorded",
		                n, n == 1 ? "" : "s");
	for (size_t i = 0; r == 0 && run->what.domains && i < run->change.len; i++)
		r = vd_buf_addf(&text, "%s%s", i ? ", " : "what runs in ", run->change.items[i]);
	if (r == 0 && run->what.domains)
		r = vd_buf_addf(&text, " (%zu guest%s run%s here); all else stays enforced", n, n == 1 ? "" : "s",
		                n == 1 ? "s" : "");
	vd_need_memory(r == 0);
	/* While it lasts: the report comes when it is over. */
	if (run->command || run->duration)
		vd_warn(run->ctx, "%s", vd_buf_str(&text));
	else
		vd_report_mark(run->report, VD_HUE_WARN, "%s.", vd_buf_str(&text));
}

/* --- the change --------------------------------------------------------------------------------------------------- */

static enum vd_exit plan_host(struct mode_run *run)
{
	const char *undo[] = { "setenforce", run->permissive ? "1" : "0", NULL };
	VD_AUTO_ERR err = VD_ERR_INIT;

	if (vd_selinux_state_read(&run->what.before, &err) < 0)
		return vd_fail(run->ctx, &err);
	add_row(run, "host", !run->what.before.enforcing, undo);
	if (run->needed)
		undo_line(run, undo);
	return VD_EXIT_OK;
}

/* A domain that the policy itself makes permissive cannot be made to enforce by taking a module away. */
static enum vd_exit check_module(struct mode_run *run, const char *type)
{
	VD_AUTO_ERR err = VD_ERR_INIT;
	int has = vd_selinux_domain_module(type, &err);

	if (has > 0)
		return VD_EXIT_OK;
	if (has < 0)
		return vd_fail(run->ctx, &err);
	vd_error(run->ctx,
	         "%s is permissive by the policy itself, not by a module permissive_%s: only a new policy "
	         "changes that",
	         type, type);
	return VD_EXIT_UNKNOWN;
}

static enum vd_exit plan_domain(struct mode_run *run, const char *type)
{
	const char *undo[] = { "virtdiag", "selinux", word(!run->permissive), "--domain", type, NULL };
	int is = vd_policy_domain_permissive(type);
	enum vd_exit status = VD_EXIT_OK;

	if (is < 0) {
		vd_error(run->ctx,
		         is == -ENOENT ? "the policy has no domain %s" : "the policy cannot be asked about domain %s",
		         type);
		return VD_EXIT_UNKNOWN;
	}
	if (is == 1 && !run->permissive && !run->dry_run)
		status = check_module(run, type);
	if (status != VD_EXIT_OK)
		return status;
	add_row(run, type, is == 1, undo);
	if (is != run->permissive) {
		vd_need_memory(vd_strv_add(&run->change, type) == 0);
		undo_line(run, undo);
	}
	return VD_EXIT_OK;
}

static int make_change(struct mode_run *run, struct vd_err *err)
{
	int r = 0;

	if (!run->what.domains)
		return vd_selinux_set_enforcing(!run->permissive, err);
	if (!run->ctx->quiet && isatty(STDERR_FILENO))
		vd_warn(run->ctx, "rebuilding the policy ...");
	for (size_t i = 0; i < run->change.len && r == 0; i++)
		r = vd_selinux_domain_set(run->change.items[i], run->permissive, err);
	return r;
}

/* A guard that nobody takes for ours; without systemd the child alone must do. */
static void start_unit(struct mode_run *run)
{
	VD_AUTO_ERR err = VD_ERR_INIT;

	if (run->needed && vd_guard_unit_start(run->ctx->root, &run->what, &err) < 0)
		VLOG_INFO("no guard by systemd: %s", vd_err_text(&err));
}

/* --- waiting ------------------------------------------------------------------------------------------------------ */

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static const int held[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD };

static void hold_signals(sigset_t *set, sigset_t *ret_old)
{
	sigemptyset(set);
	for (size_t i = 0; i < VD_ARRAY_SIZE(held); i++)
		sigaddset(set, held[i]);
	sigprocmask(SIG_BLOCK, set, ret_old);
}

static pid_t start_command(struct mode_run *run, const struct vd_guard *guard, const sigset_t *old)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	/* The guard shall not wait for the command when we are killed. */
	if (guard->pid > 0)
		close(guard->fd);
	sigprocmask(SIG_SETMASK, old, NULL);
	execvp(run->command[0], run->command);
	vd_error(run->ctx, "cannot run '%s': %s", run->command[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static const char *take_back(struct mode_run *run)
{
	VD_AUTO_ERR err = VD_ERR_INIT;

	switch (vd_mode_take_back(&run->what, &err)) {
	case VD_RESTORED:
		return "restored";
	case VD_RESTORED_OTHERS:
	case VD_RESTORED_NOTHING:
		vd_warn(run->ctx, "somebody else has changed it since: left as it is");
		return "left";
	default:
		vd_error(run->ctx, "not restored: %s", vd_err_text(&err));
		return "failed";
	}
}

/* Until the time is over, a signal comes, or the command ends. Returns the wait status of the command, -1 without. */
static int wait_and_restore(struct mode_run *run, const sigset_t *set, pid_t command, const char **ret_done)
{
	int64_t start = now_us();
	int status = -1;

	*ret_done = NULL;
	for (;;) {
		int64_t left = run->duration ? run->duration - (now_us() - start) : 1000000;
		struct timespec ts = { 1, 0 };
		int sig;

		if (left <= 0 && !*ret_done)
			*ret_done = take_back(run);
		if (left < 1000000 && left > 0)
			ts = (struct timespec){ 0, (long)left * 1000 };
		if (*ret_done && command < 0)
			return status;
		sig = sigtimedwait(set, NULL, &ts);
		if (command >= 0 && waitpid(command, &status, WNOHANG) == command)
			break;
		if (sig <= 0 || sig == SIGCHLD)
			continue;
		VLOG_DEBUG("signal %d", sig);
		if (!*ret_done)
			*ret_done = take_back(run);
		/* The terminal has sent its signals to the command too. */
		if (command >= 0 && (sig == SIGTERM || sig == SIGHUP))
			kill(command, sig);
	}
	if (!*ret_done)
		*ret_done = take_back(run);
	return status;
}

static enum vd_exit command_status(int status)
{
	if (status < 0)
		return VD_EXIT_OK;
	return (enum vd_exit)(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static enum vd_exit change_for_a_while(struct mode_run *run)
{
	struct vd_guard guard = { .pid = 0, .fd = -1 };
	enum vd_exit status = VD_EXIT_OK;
	const char *done = NULL;
	VD_AUTO_ERR err = VD_ERR_INIT;
	sigset_t set, old;
	pid_t command = -1;
	int code = -1;

	hold_signals(&set, &old);
	if (run->needed && (vd_guard_start(&run->what, &guard, &err) < 0 || make_change(run, &err) < 0))
		status = vd_fail(run->ctx, &err);
	if (status == VD_EXIT_OK) {
		start_unit(run);
		tell_unprotected(run);
		if (run->duration && run->needed)
			vd_warn(run->ctx, "restored in %" PRId64 " seconds, or now with Ctrl-C",
			        (run->duration + 999999) / 1000000);
		if (run->command)
			command = start_command(run, &guard, &old);
		if (!run->needed)
			done = "already";
		if (run->needed || command >= 0)
			code = wait_and_restore(run, &set, command, &done);
	} else if (guard.pid > 0) {
		done = take_back(run);
	}
	/* Only now: a signal that came meanwhile has done its part. */
	while (sigtimedwait(&set, NULL, &(struct timespec){ 0, 0 }) > 0)
		;
	vd_guard_end(&guard, !done || strcmp(done, "failed") != 0);
	sigprocmask(SIG_SETMASK, &old, NULL);
	for (size_t i = 0; i < run->n_rows && done && run->needed; i++)
		vd_row_str(run->rows[i], COL_DONE, done);
	if (status != VD_EXIT_OK || (done && !strcmp(done, "failed")))
		return VD_EXIT_UNKNOWN;
	return command_status(code);
}

static enum vd_exit change_for_good(struct mode_run *run)
{
	VD_AUTO_ERR err = VD_ERR_INIT;

	if (run->needed && !run->dry_run && make_change(run, &err) < 0)
		return vd_fail(run->ctx, &err);
	tell_unprotected(run);
	if (run->needed && run->what.domains && run->permissive)
		vd_report_line(run->report, "It stays so after a boot too, until it is undone.");
	else if (run->needed && !run->what.domains)
		vd_report_line(run->report, "Until the next boot: SELINUX= in /etc/selinux/config rules then.");
	return VD_EXIT_OK;
}

/* --- the commands ------------------------------------------------------------------------------------------------- */

static enum vd_exit plan(struct mode_run *run)
{
	enum vd_exit status = VD_EXIT_OK;

	if (!run->what.domains)
		return plan_host(run);
	for (size_t i = 0; i < run->names.len && status == VD_EXIT_OK; i++)
		status = plan_domain(run, run->names.items[i]);
	run->what.domains = &run->change;
	return status;
}

static enum vd_exit run_mode(struct vd_ctx *ctx, bool permissive, char **command)
{
	struct mode_run run = { .ctx = ctx, .permissive = permissive, .command = command };
	const char *domains = vd_opt_str(ctx, "domain", NULL);
	VD_AUTO_ERR err = VD_ERR_INIT;
	enum vd_exit status, finished = VD_EXIT_OK;
	bool a_while;

	run.what.argc = ctx->argc;
	run.what.argv = ctx->argv;
	run.dry_run = vd_opt_given(ctx, "dry-run");
	run.duration = permissive ? vd_opt_duration(ctx, "for", 0) : 0;
	a_while = (run.duration || command) && !run.dry_run;
	if (permissive && vd_opt_given(ctx, "for") && run.duration <= 0)
		return vd_usage(ctx, "--for needs a time longer than nothing");
	status = domains ? take_domains(&run, domains) : VD_EXIT_OK;
	if (status == VD_EXIT_OK && vd_selinux_state_read(&run.what.before, &err) < 0)
		status = refuse_without_selinux(&run, &err);
	if (status == VD_EXIT_OK)
		status = check_allowed(&run);
	if (status == VD_EXIT_OK) {
		run.what.domains = domains ? &run.names : NULL;
		run.report = vd_report_new(ctx);
		run.table = vd_report_table(run.report, "changes", NULL, 0);
		status = plan(&run);
		if (status == VD_EXIT_OK)
			status = a_while ? change_for_a_while(&run) : change_for_good(&run);
		if (status == VD_EXIT_UNKNOWN && !command)
			vd_report_unknown(run.report);
		/* The output is the command's. */
		if (command && !ctx->json && a_while)
			vd_report_discard(run.report);
		else
			finished = vd_report_finish(run.report);
	}
	vd_strv_release(&run.names);
	vd_strv_release(&run.change);
	return status != VD_EXIT_OK ? status : finished;
}

static enum vd_exit run_permissive(struct vd_ctx *ctx, int argc, char **argv)
{
	return run_mode(ctx, true, argc ? argv : NULL);
}

static enum vd_exit run_enforcing(struct vd_ctx *ctx, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return run_mode(ctx, false, NULL);
}

static void complete_domains(struct vd_ctx *ctx, const char *prefix, struct vd_strv *words)
{
	static const char *const domains[] = { "svirt_t",    "svirt_tcg_t", "virtd_t",     "virtqemud_t",
		                               "virtlogd_t", "swtpm_t",     "container_t", "virtd_lxc_t" };

	(void)ctx;
	for (size_t i = 0; i < VD_ARRAY_SIZE(domains); i++)
		if (!strncmp(domains[i], prefix, strlen(prefix)) && vd_strv_add(words, domains[i]) < 0)
			return;
}

#define OPT_DOMAIN                                                                               \
	{                                                                                        \
		.name = "domain", .type = VD_OPT_STRING, .arg = "TYPE",                          \
		.help = "only this domain, or several with commas", .complete = complete_domains \
	}
#define OPT_DRY_RUN                                                                       \
	{                                                                                 \
		.name = "dry-run", .type = VD_OPT_FLAG, .help = "show what would be done" \
	}

static const struct vd_opt permissive_opts[] = {
	{ .name = "for", .type = VD_OPT_DURATION, .arg = "DURATION", .help = "wait this long, then restore" },
	OPT_DOMAIN,
	OPT_DRY_RUN,
	{ 0 },
};

static const struct vd_opt enforcing_opts[] = {
	OPT_DOMAIN,
	OPT_DRY_RUN,
	{ 0 },
};

static const struct vd_arg permissive_args[] = {
	{ .name = "COMMAND",
	  .type = VD_OPT_STRING,
	  .optional = true,
	  .repeats = true,
	  .help = "run this, then restore; its exit status is ours" },
	{ 0 },
};

static const char *const permissive_examples[] = {
	"sudo virtdiag selinux permissive --for 5min",
	"only record denials for five minutes",
	"sudo virtdiag selinux permissive --domain svirt_t -- virsh start web01",
	"start web01 while guests alone are not confined",
	NULL,
};

static const char *const enforcing_examples[] = {
	"sudo virtdiag selinux enforcing",
	"enforce the policy again",
	"sudo virtdiag selinux enforcing --domain svirt_t",
	"take back what permissive --domain svirt_t did",
	NULL,
};

const struct vd_cmd vd_selinux_permissive = {
	.name = "permissive",
	.summary = "let SELinux only record, for a while or for one domain",
	.description =
	        "Switches this machine, or with --domain one domain of the policy alone, to permissive: denials are "
	        "recorded and not enforced. With --for or COMMAND the old mode comes back when the time is over, when "
	        "COMMAND ends, on a signal, and also when virtdiag itself is killed; but not where somebody else has "
	        "changed the mode meanwhile. Says what is unprotected, and the undo. Refuses where SELinux is off or "
	        "the "
	        "policy locks its mode. To find out what is denied, see selinux denials afterwards.",
	.examples = permissive_examples,
	.opts = permissive_opts,
	.args = permissive_args,
	.rows = "changes",
	.flags = VD_CMD_TABLE | VD_CMD_LIVE_ONLY | VD_CMD_STOP_AT_COMMAND,
	.cols = change_cols,
	.n_cols = VD_ARRAY_SIZE(change_cols),
	.run = run_permissive,
};

const struct vd_cmd vd_selinux_enforcing = {
	.name = "enforcing",
	.summary = "let SELinux enforce its policy again",
	.description = "Switches this machine to enforcing, or takes back that one domain is permissive. Refuses where "
	               "SELinux "
	               "is off, and for a domain that the policy itself makes permissive.",
	.examples = enforcing_examples,
	.opts = enforcing_opts,
	.rows = "changes",
	.flags = VD_CMD_TABLE | VD_CMD_LIVE_ONLY,
	.cols = change_cols,
	.n_cols = VD_ARRAY_SIZE(change_cols),
	.run = run_enforcing,
};
