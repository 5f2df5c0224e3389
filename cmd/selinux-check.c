/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selinux.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "file-check.h"
#include "report.h"
#include "svirt.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.cmd.selinux");

enum {
	COL_GUEST,
	COL_STATUS,
	COL_ROLE,
	COL_TARGET,
	COL_EXPECTED,
	COL_CATEGORIES,
	COL_ACTUAL,
	COL_PATH,
	COL_REASON_ID,
	COL_REASON,
	COL_FIX
};

static const struct vd_col check_cols[] = {
	[COL_GUEST] = { "GUEST", VD_COL_STR, VD_COL_HIDDEN, "the guest that uses the file" },
	[COL_STATUS] = { "STATUS", VD_COL_STR, 0, "ok, wrong, differs, broken, missing, unlabelled, untouched, ..." },
	[COL_ROLE] = { "ROLE", VD_COL_STR, 0, "what the file is to the guest" },
	[COL_TARGET] = { "TARGET", VD_COL_STR, 0, "device; vda[1] is the first backing file of vda" },
	[COL_EXPECTED] = { "EXPECTED", VD_COL_STR, 0, "the label that libvirt sets" },
	[COL_CATEGORIES] = { "CATEGORIES", VD_COL_STR, VD_COL_JSON_ONLY, "at-start when libvirt draws them at start" },
	[COL_ACTUAL] = { "ACTUAL", VD_COL_STR, 0, "the label now" },
	[COL_PATH] = { "PATH", VD_COL_STR, 0, "the file" },
	[COL_REASON_ID] = { "REASON_ID", VD_COL_STR, VD_COL_HIDDEN, "why, as a stable word" },
	[COL_REASON] = { "REASON", VD_COL_STR, VD_COL_HIDDEN, "why, as a sentence" },
	[COL_FIX] = { "FIX", VD_COL_VALUE, 0, "what to run" },
};

/* What one run of the check carries around. */
struct check_run {
	struct vd_ctx *ctx;
	struct vd_report *report;
	struct vd_svirt_settings settings;
	const char *categories;  /* --categories */
	const char *daemon_name; /* static */
	char *daemon_context;    /* owned; NULL when it does not run or its context cannot be read */
};

static const char *mode_word(int selinux)
{
	return selinux == 1    ? "enforcing"
	       : selinux == 0  ? "permissive"
	       : selinux == -1 ? "SELinux off"
	                       : "SELinux unknown";
}

/* "targeted" out of "/etc/selinux/targeted/contexts". */
static void policy_name(const struct vd_svirt_settings *s, char *buf, size_t size)
{
	const char *start, *end;

	buf[0] = '\0';
	if (!s->contexts_dir)
		return;
	end = strrchr(s->contexts_dir, '/');
	if (!end)
		return;
	for (start = end; start > s->contexts_dir && start[-1] != '/'; start--)
		;
	snprintf(buf, size, "%.*s", (int)(end - start), start);
}

/* The daemon that serves QEMU guests, when it runs: its name and its context. */
static void find_daemon(struct check_run *run)
{
	static const char *const daemons[] = { "virtqemud", "libvirtd" };
	VD_AUTO_BUF buf = VD_BUF_INIT;
	char path[64];

	for (size_t i = 0; i < VD_ARRAY_SIZE(daemons) && !run->daemon_context; i++) {
		long pid;

		snprintf(path, sizeof(path), "/run/%s.pid", daemons[i]);
		if (vd_root_read(run->ctx->root, path, 64, &buf, NULL) < 0)
			continue;
		pid = strtol(vd_buf_str(&buf), NULL, 10);
		snprintf(path, sizeof(path), "/proc/%ld/attr/current", pid);
		if (pid <= 0 || vd_root_read(run->ctx->root, path, 4096, &buf, NULL) < 0 || !buf.len)
			continue;
		run->daemon_name = daemons[i];
		run->daemon_context = vd_buf_steal(&buf);
		if (run->daemon_context)
			run->daemon_context[strcspn(run->daemon_context, "\n")] = '\0';
	}
}

static void daemon_text(struct check_run *run, struct vd_buf *text)
{
	struct vd_context c = { 0 };
	char version[32];
	int r;

	vd_version_format(run->settings.libvirt, version);
	if (run->daemon_context && !vd_context_parse(run->daemon_context, &c))
		r = vd_buf_addf(text, ", %s %s in %s", run->daemon_name, version, vd_esc(run->report, c.type));
	else
		r = vd_buf_addf(text, ", libvirt %s", version);
	vd_context_release(&c);
	if (r < 0)
		vd_buf_clear(text);
}

static void host_line(struct check_run *run)
{
	const struct vd_svirt_settings *s = &run->settings;
	VD_AUTO_BUF daemon = VD_BUF_INIT;
	char policy[64];

	policy_name(s, policy, sizeof(policy));
	daemon_text(run, &daemon);
	vd_report_line(run->report, "host   %s%s%s, driver %s%s", mode_word(s->selinux), policy[0] ? "/" : "",
	               vd_esc(run->report, policy),
	               s->qemu_selinux      ? "selinux"
	               : s->qemu_driver_set ? "not selinux"
	                                    : "none",
	               vd_buf_str(&daemon));
}

/* Contexts as type:range when user and role are the usual ones, else in full. */
static const char *short_context(struct vd_report *report, const char *context, bool at_start)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	struct vd_context c = { 0 };
	const char *result;
	int r;

	if (!context)
		return NULL;
	if (vd_context_parse(context, &c))
		return vd_esc(report, context);
	if ((!strcmp(c.user, "system_u") || !strcmp(c.user, "unconfined_u")) &&
	    (!strcmp(c.role, "object_r") || !strcmp(c.role, "system_r")))
		r = vd_buf_addf(&text, "%s%s%s", c.type, c.range ? ":" : "", c.range ? c.range : "");
	else
		r = vd_buf_adds(&text, context);
	if (!r && at_start)
		r = vd_buf_adds(&text, ":(new)");
	vd_context_release(&c);
	result = vd_esc(report, vd_buf_str(&text));
	return r ? "?" : result;
}

static void guest_line(struct check_run *run, const struct vd_guest *guest, const struct vd_domain *domain,
                       const struct vd_expects *expects)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	const struct vd_seclabel *live = domain->status ? vd_domain_seclabel(domain, "selinux") : NULL;
	/* A process has the context it was started with or none; only the next start may still get one. */
	bool started = domain->status && guest && guest->state == VD_GUEST_RUNNING;
	const char *label = live && live->label ? live->label : started ? NULL : expects->process;
	bool at_start = !(live && live->label) && expects->process_categories == VD_CATEGORIES_AT_START;
	int r = vd_buf_addf(&text, "%s  %s  %s", vd_esc(run->report, domain->name), vd_driver_name(domain->driver),
	                    guest ? vd_guest_state_text(guest) : "given XML");

	if (!r && guest && guest->pid)
		r = vd_buf_addf(&text, "  pid %ld", (long)guest->pid);
	if (!r)
		r = vd_buf_addf(&text, "  %s",
		                label ? short_context(run->report, label, at_start) : "not confined by SELinux");
	if (!r)
		vd_report_mark(run->report, VD_HUE_BOLD, "%s", vd_buf_str(&text));
	if (expects->refused) {
		vd_report_mark(run->report, VD_HUE_BAD, "refused: %s", vd_esc(run->report, expects->refused));
		vd_report_problem(run->report);
	}
}

static enum vd_hue status_hue(const struct vd_file_check *c)
{
	if (c->counts_as_problem)
		return VD_HUE_BAD;
	if (c->counts_as_unknown || c->status == VD_FILE_DIFFERS)
		return VD_HUE_WARN;
	return c->status == VD_FILE_OK ? VD_HUE_GOOD : VD_HUE_DIM;
}

static struct vd_value *argv_value(const struct vd_strv *argv)
{
	return argv->len ? vd_value_strings((const char *const *)argv->items) : vd_value_array();
}

static struct vd_value *fix_value(const struct vd_file_check *c)
{
	struct vd_value *list = vd_value_array();

	for (size_t i = 0; i < c->n_fixes; i++) {
		struct vd_value *one = vd_value_object();

		if (vd_value_set(one, "command", argv_value(&c->fixes[i].command)) < 0 ||
		    vd_value_set(one, "risk", vd_value_str(c->fixes[i].risk)) < 0 ||
		    vd_value_set(one, "undo", argv_value(&c->fixes[i].undo)) < 0 || vd_value_append(list, one) < 0)
			return vd_value_array();
	}
	return list;
}

static void add_row(struct check_run *run, struct vd_table *table, const char *guest, const struct vd_expect *e,
                    const struct vd_file_check *c)
{
	struct vd_row *row = vd_table_row(table, NULL);
	bool at_start = e->running && e->categories == VD_CATEGORIES_AT_START;
	const char *path = e->path ? e->path : e->remote;

	vd_row_str(row, COL_GUEST, guest);
	vd_row_str(row, COL_STATUS, vd_file_status_name(c->status));
	vd_row_hue(row, COL_STATUS, status_hue(c));
	vd_row_str(row, COL_ROLE, vd_role_name(e->role));
	vd_row_str(row, COL_TARGET, e->target);
	vd_row_str(row, COL_EXPECTED, e->running);
	if (e->running)
		vd_row_text(row, COL_EXPECTED, short_context(run->report, e->running, at_start));
	if (at_start)
		vd_row_str(row, COL_CATEGORIES, "at-start");
	vd_row_str(row, COL_ACTUAL, c->actual);
	if (c->actual)
		vd_row_text(row, COL_ACTUAL,
		            e->running && !at_start && vd_label_compare(e->running, c->actual) == VD_LABEL_SAME
		                    ? "same"
		                    : short_context(run->report, c->actual, false));
	vd_row_str(row, COL_PATH, path);
	vd_row_str(row, COL_REASON_ID, vd_reason_id(c->reason));
	vd_row_str(row, COL_REASON, c->why);
	vd_row_value(row, COL_FIX, fix_value(c));
}

static void command_line(struct check_run *run, const char *word, const struct vd_strv *argv, const char *remark)
{
	const char *line;

	if (!argv->len)
		return;
	line = vd_shell_line(run->report, (const char *const *)argv->items);
	if (line)
		vd_report_line(run->report, "  %-5s %s%s%s", word, line, remark ? "     " : "", remark ? remark : "");
	else
		vd_report_line(run->report,
		               "  %-5s (the path holds control characters: take the argument vector from --json)",
		               word);
}

/* Why, what to do, how to undo it: below the table, for each file that is not as it should be. */
static void detail(struct check_run *run, const struct vd_expect *e, const struct vd_file_check *c)
{
	const char *path = e->path ? e->path : e->remote;

	if (!c->why || c->status == VD_FILE_OK || c->status == VD_FILE_UNTOUCHED)
		return;
	vd_report_line(run->report, "%s", "");
	vd_report_mark(run->report, status_hue(c), "%s: %s", vd_file_status_name(c->status),
	               path ? vd_esc(run->report, path) : e->target);
	vd_report_line(run->report, "  %-5s %s", "why", vd_esc(run->report, c->why));
	for (size_t i = 0; i < c->n_fixes; i++)
		command_line(run, i ? "" : "now", &c->fixes[i].command, c->fixes[i].risk);
	/* What was done last is undone first. */
	for (size_t i = c->n_fixes; i > 0; i--)
		command_line(run, i == c->n_fixes ? "undo" : "", &c->fixes[i - 1].undo, NULL);
	command_line(run, "keep", &c->keep, NULL);
	if (c->avoid)
		vd_report_line(run->report, "  %-5s %s", "not", c->avoid);
}

/*
 * Details of files that share status and reason for want of SELinux on the host would be the same sentence over and
 * over: they are told once.
 */
static bool is_host_wide(const struct vd_file_user *user, const struct vd_file_check *c)
{
	return !user->in_force && c->counts_as_unknown && c->why && user->why_not_in_force &&
	       strstr(c->why, user->why_not_in_force);
}

static void summary_line(struct check_run *run, const unsigned *counts, size_t total)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	int r = vd_buf_addf(&text, "%zu file%s:", total, total == 1 ? "" : "s");
	bool first = true;

	for (size_t i = 0; i < VD_FILE_STATUS_COUNT_ && !r; i++) {
		if (!counts[i])
			continue;
		r = vd_buf_addf(&text, "%s %u %s", first ? "" : ",", counts[i], vd_file_status_name(i));
		first = false;
	}
	if (!r)
		vd_report_line(run->report,
		               "\n%s%s. Checked: labels and backing chains; not directories, ACLs, mounts.",
		               vd_buf_str(&text), total ? "" : " none");
}

/* Is a verdict on labels possible for this guest, and in whose name is it given? */
static void describe_user(struct check_run *run, const struct vd_guest *guest, const struct vd_domain *domain,
                          const struct vd_expects *expects, struct vd_file_user *ret_user)
{
	const struct vd_seclabel *label = domain->status ? vd_domain_seclabel(domain, "selinux") : NULL;
	const struct vd_svirt_settings *s = &run->settings;
	bool has_driver = domain->driver == VD_DRIVER_LXC ? s->lxc_selinux : s->qemu_selinux;
	struct vd_file_user user = { 0 };

	user.running = guest && guest->state == VD_GUEST_RUNNING;
	user.process = label && label->label ? label->label : expects->process;
	user.permissive = s->selinux == 0;
	user.daemon = run->daemon_context;
	/* The running guest's own label is the best evidence: it was confined when it started. */
	user.in_force = (user.running && label && label->label) || s->selinux >= 0;
	/* On a kernel without SELinux not even that: nobody enforces it. */
	if (vd_root_is_live(run->ctx->root) && s->selinux == -1)
		user.in_force = false;
	if (!user.in_force)
		user.why_not_in_force = s->selinux == -1
		                                ? "SELinux is not active on this host: no verdict on labels"
		                                : "nothing tells whether SELinux is active: no verdict on labels";
	else if (!has_driver && !user.running)
		user.process = NULL;
	*ret_user = user;
}

/* The private /dev of a running guest is another root. */
static struct vd_root *root_of(struct check_run *run, const struct vd_guest *guest, const struct vd_expect *e,
                               struct vd_root **guest_root)
{
	if (!e->private_dev || !guest || guest->state != VD_GUEST_RUNNING || !vd_root_is_live(run->ctx->root))
		return run->ctx->root;
	if (!*guest_root && vd_root_open_pid(guest->pid, guest_root, NULL) < 0)
		*guest_root = NULL;
	return *guest_root ? *guest_root : run->ctx->root;
}

static void check_files(struct check_run *run, const struct vd_guest *guest, const struct vd_domain *domain,
                        const struct vd_expects *expects, const struct vd_file_user *user)
{
	struct vd_table *table = vd_report_table(run->report, "files", NULL, 0);
	VD_AUTO_ROOT struct vd_root *guest_root = NULL;
	struct vd_file_check *checks = calloc(expects->len ? expects->len : 1, sizeof(*checks));
	unsigned counts[VD_FILE_STATUS_COUNT_] = { 0 };
	bool told = false;

	if (!checks) {
		vd_report_missing(run->report, domain->name, "out of memory", true);
		return;
	}
	for (size_t i = 0; i < expects->len; i++) {
		const struct vd_expect *e = &expects->items[i];

		if (vd_file_check(root_of(run, guest, e, &guest_root), e, user, &checks[i]) < 0) {
			vd_report_missing(run->report, domain->name, "out of memory", true);
			continue;
		}
		counts[checks[i].status]++;
		add_row(run, table, domain->name, e, &checks[i]);
		if (checks[i].counts_as_problem)
			vd_report_problem(run->report);
		else if (checks[i].counts_as_unknown)
			vd_report_unknown(run->report);
		else if (checks[i].status == VD_FILE_DIFFERS)
			vd_report_warning(run->report);
	}
	for (size_t i = 0; i < expects->len; i++) {
		if (!is_host_wide(user, &checks[i])) {
			detail(run, &expects->items[i], &checks[i]);
		} else if (!told) {
			vd_report_line(run->report, "\n%s.", user->why_not_in_force);
			told = true;
		}
	}
	summary_line(run, counts, expects->len);
	for (size_t i = 0; i < expects->len; i++)
		vd_file_check_release(&checks[i]);
	free(checks);
}

static void check_domain(struct check_run *run, const struct vd_guest *guest, const struct vd_domain *domain, bool more)
{
	struct vd_expects expects = { 0 };
	struct vd_file_user user;
	VD_AUTO_ERR err = VD_ERR_INIT;

	if (vd_svirt_expect(run->ctx->root, domain, &run->settings, run->categories, &expects, &err) < 0) {
		vd_report_missing(run->report, domain->name, vd_err_text(&err), true);
		return;
	}
	VLOG_DEBUG("guest %s: %zu files", domain->name, expects.len);
	describe_user(run, guest, domain, &expects, &user);
	guest_line(run, guest, domain, &expects);
	host_line(run);
	vd_report_line(run->report, "%s", "");
	if (!user.in_force)
		vd_report_unknown(run->report);
	check_files(run, guest, domain, &expects, &user);
	if (more)
		vd_report_line(run->report, "%s", "");
	vd_expects_release(&expects);
}

static enum vd_exit check_xml(struct check_run *run, const char *path)
{
	VD_AUTO_DOMAIN struct vd_domain *domain = NULL;
	VD_AUTO_ROOT struct vd_root *here = NULL;
	VD_AUTO_FREE char *absolute = realpath(path, NULL);
	VD_AUTO_BUF xml = VD_BUF_INIT;
	VD_AUTO_ERR err = VD_ERR_INIT;

	/* The file is the user's own, given by its name here, not one of the examined host. */
	if (!absolute)
		vd_err_set(&err, errno, "cannot read %s: %s", path, strerror(errno));
	else if (vd_root_open(NULL, 0, &here, &err) == 0 && vd_root_read(here, absolute, VD_MAX_XML, &xml, &err) == 0 &&
	         vd_domain_parse(vd_buf_str(&xml), xml.len, path, &domain, &err) == 0)
		check_domain(run, NULL, domain, false);
	return err.code ? vd_fail(run->ctx, &err) : VD_EXIT_OK;
}

static enum vd_exit check_guests(struct check_run *run, int argc, char **argv)
{
	struct vd_guests guests = { 0 };
	const struct vd_guest **picked = NULL;
	enum vd_exit status;
	size_t n = 0;

	if (!vd_ctx_guests(run->ctx, &guests))
		return VD_EXIT_UNKNOWN;
	status = vd_pick_guests(run->ctx, &guests, argc, argv, &picked, &n);
	for (size_t i = 0; status == VD_EXIT_OK && i < n; i++)
		check_domain(run, picked[i], vd_guest_domain(picked[i]), i + 1 < n);
	/* Without operands every guest was asked for: those that could not be read count. */
	for (size_t i = 0; !argc && i < guests.n_problems; i++)
		vd_report_missing(run->report, guests.problems[i].path, guests.problems[i].why, true);
	if (status == VD_EXIT_OK && !n && !guests.n_problems)
		vd_report_line(run->report, "no guests");
	free(picked);
	vd_guests_release(&guests);
	return status;
}

static enum vd_exit run_check(struct vd_ctx *ctx, int argc, char **argv)
{
	struct check_run run = { .ctx = ctx, .categories = vd_opt_str(ctx, "categories", NULL) };
	const char *xml = vd_opt_str(ctx, "xml", NULL);
	VD_AUTO_STRV problems = VD_STRV_INIT;
	VD_AUTO_ERR err = VD_ERR_INIT;
	enum vd_exit status, finished;

	if (xml && (argc || vd_opt_given(ctx, "all")))
		return vd_usage(ctx, "--xml FILE and GUEST exclude each other");
	if (argc && vd_opt_given(ctx, "all"))
		return vd_usage(ctx, "--all and GUEST exclude each other");
	if (vd_svirt_settings_load(ctx->root, ctx->use_session, &run.settings, &problems, &err) < 0)
		return vd_fail(ctx, &err);
	if (vd_ctx_host(ctx)->libvirt)
		run.settings.libvirt = vd_ctx_host(ctx)->libvirt;
	find_daemon(&run);
	run.report = vd_report_new(ctx);
	for (size_t i = 0; i < problems.len; i++)
		vd_report_missing(run.report, "configuration", problems.items[i], true);
	status = xml ? check_xml(&run, xml) : check_guests(&run, argc, argv);
	finished = vd_report_finish(run.report);
	vd_svirt_settings_release(&run.settings);
	free(run.daemon_context);
	return status == VD_EXIT_OK ? finished : status;
}

static const struct vd_opt check_opts[] = {
	{ .name = "all", .type = VD_OPT_FLAG, .help = "all guests, as without GUEST" },
	{ .name = "xml",
	  .type = VD_OPT_PATH,
	  .arg = "FILE",
	  .help = "check the domain XML in FILE, registered or not" },
	{ .name = "categories",
	  .type = VD_OPT_STRING,
	  .arg = "cA,cB",
	  .help = "assume that the start draws this category pair" },
	{ 0 },
};

static const struct vd_arg check_args[] = {
	{ .name = "GUEST",
	  .type = VD_OPT_GUEST,
	  .optional = true,
	  .repeats = true,
	  .help = "name, UUID or id of a guest" },
	{ 0 },
};

static const char *const check_examples[] = {
	"virtdiag selinux check web01",
	"every file of web01, its backing chain included",
	"virtdiag selinux check --xml new.xml --categories c1,c2",
	"which labels a start of new.xml would set",
	NULL,
};

const struct vd_cmd vd_selinux_check = {
	.name = "check",
	.summary = "check the SELinux label of every file a guest uses",
	.description =
	        "Lists each file that a guest uses, the whole backing chain of its disks included, with the label that "
	        "libvirt sets, the label it has now, and what follows: why the guest is denied, the narrowest fix and "
	        "its "
	        "undo. A running guest is judged by what it needs now, one that is shut off by what its next start "
	        "will do. "
	        "Needs no daemon. Nothing is changed.",
	.examples = check_examples,
	.opts = check_opts,
	.args = check_args,
	.flags = VD_CMD_TABLE,
	.cols = check_cols,
	.n_cols = VD_ARRAY_SIZE(check_cols),
	.run = run_check,
};
