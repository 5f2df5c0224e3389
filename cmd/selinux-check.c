/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selinux.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apparmor.h"
#include "progress.h"
#include "selinux-page.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.cmd.selinux");

static void check_domain(struct vd_check_run *run, const struct vd_guest *guest, const struct vd_domain *domain,
                         const struct vd_expects *expects)
{
	struct vd_guest_check check = { 0 };
	struct vd_check_subject subject = { guest, domain, expects, &check };

	if (vd_guest_check(&run->host, guest, domain, expects, &check) < 0) {
		vd_report_missing(run->report, domain->name, "out of memory", true);
		return;
	}
	VLOG_DEBUG("guest %s: %zu files", domain->name, expects->len);
	if (run->fix && vd_check_fix(run, &subject)) {
		/* What is shown is what is there now. */
		vd_guest_check_release(&check);
		if (vd_guest_check(&run->host, guest, domain, expects, &check) < 0) {
			vd_report_missing(run->report, domain->name, "out of memory", true);
			return;
		}
	}
	vd_check_page(run, &subject);
	vd_guest_check_release(&check);
}

static enum vd_exit check_xml(struct vd_check_run *run, const char *path)
{
	VD_AUTO_DOMAIN struct vd_domain *domain = NULL;
	VD_AUTO_ROOT struct vd_root *here = NULL;
	VD_AUTO_FREE char *absolute = realpath(path, NULL);
	struct vd_expects expects = { 0 };
	VD_AUTO_BUF xml = VD_BUF_INIT;
	VD_AUTO_ERR err = VD_ERR_INIT;

	/* The file is the user's own, given by its name here, not one of the examined host. */
	if (!absolute)
		vd_err_set(&err, errno, "cannot read %s: %s", path, strerror(errno));
	else if (vd_root_open(NULL, 0, &here, &err) == 0 && vd_root_read(here, absolute, VD_MAX_XML, &xml, &err) == 0 &&
	         vd_domain_parse(vd_buf_str(&xml), xml.len, path, &domain, &err) == 0 &&
	         vd_svirt_expect(run->ctx->root, domain, &run->settings, run->categories, &expects, &err) == 0) {
		check_domain(run, NULL, domain, &expects);
		vd_expects_release(&expects);
	}
	return err.code ? vd_fail(run->ctx, &err) : VD_EXIT_OK;
}

static enum vd_exit check_guests(struct vd_check_run *run, const struct vd_guests *guests, int argc, char **argv)
{
	const struct vd_guest **picked = NULL;
	struct vd_progress progress;
	size_t n = 0;
	enum vd_exit status = vd_pick_guests(run->ctx, guests, argc, argv, &picked, &n);

	vd_progress_begin(run->ctx, "checking guests", n, &progress);
	for (size_t i = 0; status == VD_EXIT_OK && i < n; i++) {
		const struct vd_expects *expects =
		        vd_share_expects(run->host.share, (size_t)(picked[i] - guests->items));

		vd_progress_step(&progress, i);
		if (run->categories && picked[i]->state == VD_GUEST_RUNNING)
			vd_warn(run->ctx, "%s runs and has its categories; --categories is for guests that do not",
			        vd_guest_name(picked[i]));
		if (i)
			vd_report_line(run->report, "%s", "");
		if (expects)
			check_domain(run, picked[i], vd_guest_domain(picked[i]), expects);
		else
			vd_report_missing(run->report, vd_guest_name(picked[i]), "its files cannot be worked out",
			                  true);
	}
	vd_progress_end(&progress);
	/* Without operands every guest was asked for: those that could not be read count. */
	for (size_t i = 0; i < guests->n_problems; i++)
		if (!argc || vd_guests_problem_concerns(&guests->problems[i], picked, n))
			vd_report_missing(run->report, guests->problems[i].path, guests->problems[i].why, true);
	if (status == VD_EXIT_OK && !n && !guests->n_problems)
		vd_report_line(run->report, "no guests");
	free(picked);
	return status;
}

/* All guests are looked at whichever were asked for: a file may be used by several. */
static enum vd_exit check_all(struct vd_check_run *run, const char *xml, int argc, char **argv)
{
	VD_AUTO_SHARE struct vd_share *share = NULL;
	struct vd_guests guests = { 0 };
	struct vd_progress progress;
	enum vd_exit status;

	if (!vd_ctx_guests(run->ctx, &guests))
		return VD_EXIT_UNKNOWN;
	vd_progress_begin(run->ctx, "working out files of guests", guests.len, &progress);
	if (vd_share_new(run->ctx->root, &guests, &run->settings, xml ? NULL : run->categories, vd_progress_step,
	                 &progress, &share) < 0)
		vd_report_missing(run->report, "guests", "out of memory", true);
	vd_progress_end(&progress);
	run->host.share = share;
	if (share)
		vd_share_boot_times(share, &run->boot);
	vd_check_daemon(run);
	if (!share)
		status = VD_EXIT_UNKNOWN;
	else
		status = xml ? check_xml(run, xml) : check_guests(run, &guests, argc, argv);
	run->host.share = NULL;
	/* It looks into the guests to the last. */
	vd_share_cleanup(&share);
	vd_guests_release(&guests);
	return status;
}

/* What is known of directories, mounts and accounts; NULL after a message. */
static struct vd_reach *new_reach(struct vd_ctx *ctx, const struct vd_svirt_settings *settings)
{
	struct vd_reach *reach = NULL;
	VD_AUTO_FREE char *home = NULL;
	uid_t uid = 0;

	if (ctx->use_session && vd_session_user(ctx->root, ctx->session_user, &uid, &home, NULL) < 0)
		uid = getuid();
	return vd_reach_new(ctx->root, settings, uid, &reach) < 0 ? NULL : reach;
}

/* "c1,c2" as libvirt draws them: two different ones from c0 to c1023; one alone when both draws gave the same. */
static bool is_category_pair(const char *s)
{
	const char *comma = strchr(s, ',');
	VD_AUTO_BUF range = VD_BUF_INIT;
	struct vd_catset set;
	char sens[16];
	int n = 0;

	/* No other notation of a set. */
	if (s[strspn(s, "c,0123456789")])
		return false;
	vd_need_memory(vd_buf_addf(&range, "s0:%s", s) == 0);
	if (vd_range_parse(range.data, sens, &set) < 0)
		return false;
	for (size_t i = 0; i < VD_ARRAY_SIZE(set.bits); i++)
		n += __builtin_popcountll(set.bits[i]);
	return n == (comma ? 2 : 1) && !(comma && strchr(comma + 1, ','));
}

static enum vd_exit run_check(struct vd_ctx *ctx, int argc, char **argv)
{
	struct vd_check_run run = { .ctx = ctx,
		                    .categories = vd_opt_str(ctx, "categories", NULL),
		                    .fix = vd_opt_given(ctx, "fix"),
		                    .dry_run = vd_opt_given(ctx, "dry-run") };
	const char *xml = vd_opt_str(ctx, "xml", NULL);
	VD_AUTO_STRV problems = VD_STRV_INIT;
	VD_AUTO_REACH struct vd_reach *reach = NULL;
	VD_AUTO_DEFAULTS struct vd_defaults *defaults = NULL;
	VD_AUTO_ATTR_BACKUP struct vd_attr_backup *backup = NULL;
	VD_AUTO_ERR err = VD_ERR_INIT;
	enum vd_exit status, finished;

	if (xml && (argc || vd_opt_given(ctx, "all")))
		return vd_usage(ctx, "--xml FILE and GUEST exclude each other");
	if (argc && vd_opt_given(ctx, "all"))
		return vd_usage(ctx, "--all and GUEST exclude each other");
	if (run.dry_run && !run.fix)
		return vd_usage(ctx, "--dry-run goes with --fix");
	if (run.fix && (xml || run.categories))
		return vd_usage(ctx, "--fix is for registered guests as they are: without --xml and --categories");
	if (run.fix && !run.dry_run && (!vd_root_is_live(ctx->root) || ctx->pid))
		return vd_usage(ctx, "--fix changes this machine only; --dry-run shows what it would do elsewhere");
	if (run.categories && !is_category_pair(run.categories))
		return vd_usage(ctx, "--categories '%s' is no pair as libvirt draws it; write for example c12,c345",
		                run.categories);
	if (vd_svirt_settings_load(ctx->root, ctx->use_session, &run.settings, &problems, &err) < 0)
		return vd_fail(ctx, &err);
	if (vd_ctx_host(ctx)->libvirt)
		run.settings.libvirt = vd_ctx_host(ctx)->libvirt;
	run.report = vd_report_new(ctx);
	if (run.fix && vd_attr_backup_new(ctx->root, &backup) < 0) {
		vd_report_missing(run.report, "backup", "out of memory", true);
		run.fix = false;
	}
	run.backup = backup;
	if (run.dry_run)
		vd_report_extra(run.report, "dry_run", vd_value_bool(true));
	run.guests = vd_value_array();
	run.apparmor = vd_apparmor_enabled(ctx->root);
	if (vd_daemon_label_find(ctx->root, false, &run.daemon) == -ENOMEM)
		vd_report_missing(run.report, "daemon", "out of memory", true);
	if (vd_defaults_new(ctx->root, run.settings.contexts_dir, &defaults) < 0)
		vd_report_missing(run.report, "file contexts", "out of memory", true);
	reach = new_reach(ctx, &run.settings);
	if (!reach)
		vd_report_missing(run.report, "directories, ACLs, mounts", "out of memory", true);
	else if (!vd_reach_knows_mounts(reach))
		vd_report_missing(run.report, "mounts",
		                  "the capture has no mount table (proc/self/mountinfo): taken for one file system",
		                  false);
	run.host = (struct vd_check_host){
		.root = ctx->root,
		.settings = &run.settings,
		.daemon = run.daemon.context,
		.boot = &run.boot,
		.defaults = defaults,
		.reach = reach,
	};
	vd_boot_times_load(ctx->root, &run.boot);
	for (size_t i = 0; i < problems.len; i++)
		vd_report_missing(run.report, "configuration", problems.items[i], true);
	/* Without them the usual labels are taken, and this policy may have others. */
	for (size_t i = 0; i < run.settings.unread.len; i++)
		vd_report_missing(run.report, "policy", run.settings.unread.items[i], run.settings.selinux >= 0);
	status = check_all(&run, xml, argc, argv);
	vd_check_backup(&run);
	if (reach && vd_reach_missing(reach))
		vd_report_missing(run.report, "directories, ACLs, mounts", vd_reach_missing(reach), true);
	vd_report_extra(run.report, "guests", run.guests);
	finished = vd_report_finish(run.report);
	vd_svirt_settings_release(&run.settings);
	vd_daemon_label_release(&run.daemon);
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
	{ .name = "fix", .type = VD_OPT_FLAG, .help = "set the labels that are wrong, and say how to undo it" },
	{ .name = "dry-run", .type = VD_OPT_FLAG, .help = "with --fix: only show what would be set" },
	{ 0 },
};

static const struct vd_arg check_args[] = {
	VD_ARG_GUESTS("name, UUID or id of a guest"),
	{ 0 },
};

static const char *const check_examples[] = {
	"virtdiag selinux check web01",
	"every file of web01, its backing chain included",
	"virtdiag selinux check --xml new.xml --categories c1,c2",
	"which labels a start of new.xml would set",
	"virtdiag selinux check --fix --dry-run web01",
	"which labels of web01's files --fix would set",
	NULL,
};

const struct vd_cmd vd_selinux_check = {
	.name = "check",
	.summary = "check label and access of every file a guest uses",
	.description =
	        "Lists each file that a guest uses, the whole backing chain of its disks included, with the label that "
	        "libvirt sets, the label it has now, and what follows: why the guest is denied, the narrowest fix and "
	        "its "
	        "undo. A running guest is judged by what it needs now, one that is shut off by what its next start "
	        "will do. "
	        "Needs no daemon. Nothing is changed without --fix, which sets on a file in use only the label that "
	        "the "
	        "using guest's libvirt would set now.",
	.examples = check_examples,
	.opts = check_opts,
	.args = check_args,
	.rows = "files",
	.flags = VD_CMD_TABLE,
	.cols = vd_check_cols,
	.n_cols = VD_N_CHECK_COLS,
	.run = run_check,
};
