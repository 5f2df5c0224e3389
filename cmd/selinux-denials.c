/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtdiag selinux denials: what the audit log says of guests and of libvirt's daemons. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "denials.h"
#include "label.h"
#include "report.h"
#include "selinux-host.h"
#include "selinux.h"
#include "when.h"

enum {
	COL_STATUS,
	COL_GUEST,
	COL_DRIVER,
	COL_TIE,
	COL_COUNT,
	COL_FIRST,
	COL_LAST,
	COL_PID,
	COL_PIDS,
	COL_COMM,
	COL_EXE,
	COL_ACCESS,
	COL_CLASS,
	COL_SUBJECT,
	COL_OBJECT,
	COL_KIND,
	COL_NOW,
	COL_PATH,
	COL_DEV,
	COL_INODE,
	COL_CAUSE_ID,
	COL_CAUSE,
	COL_NOTE,
	COL_FIX,
};

static const struct vd_col denials_cols[] = {
	[COL_STATUS] = { "STATUS", VD_COL_STR, 0,
	                 "denied, permitted (recorded by a permissive domain or host), harmless" },
	[COL_GUEST] = { "GUEST", VD_COL_STR, 0, "the guest it belongs to" },
	[COL_DRIVER] = { "DRIVER", VD_COL_STR, VD_COL_HIDDEN, "qemu or lxc" },
	[COL_TIE] = { "TIE", VD_COL_STR, VD_COL_HIDDEN, "how that is known: record, pid, label, file, name, object" },
	[COL_COUNT] = { "COUNT", VD_COL_NUM, 0, "how often it was seen" },
	[COL_FIRST] = { "FIRST", VD_COL_TIME, VD_COL_HIDDEN, "for the first time" },
	[COL_LAST] = { "LAST", VD_COL_TIME, 0, "for the last time" },
	[COL_PID] = { "PID", VD_COL_NUM, VD_COL_HIDDEN, "the process, the first when there were several" },
	[COL_PIDS] = { "PIDS", VD_COL_VALUE, 0, "all processes, at most eight" },
	[COL_COMM] = { "COMM", VD_COL_STR, 0, "name of the thread" },
	[COL_EXE] = { "EXE", VD_COL_STR, VD_COL_HIDDEN, "its program, where the log tells" },
	[COL_ACCESS] = { "ACCESS", VD_COL_FLAGS, 0, "what was denied" },
	[COL_CLASS] = { "CLASS", VD_COL_STR, 0, "kind of the object" },
	[COL_SUBJECT] = { "SUBJECT", VD_COL_STR, 0, "context of the process" },
	[COL_OBJECT] = { "OBJECT", VD_COL_STR, 0, "context of the object" },
	[COL_KIND] = { "KIND", VD_COL_STR, VD_COL_HIDDEN, "type: no rule allows it; category: other categories" },
	[COL_NOW] = { "NOW", VD_COL_STR, VD_COL_HIDDEN, "what the policy in force says today: allowed, denied" },
	[COL_PATH] = { "PATH", VD_COL_STR, 0, "the object; only its last component where the log has no more" },
	[COL_DEV] = { "DEV", VD_COL_STR, VD_COL_HIDDEN, "device of its file system" },
	[COL_INODE] = { "INODE", VD_COL_NUM, VD_COL_HIDDEN, "its inode" },
	[COL_CAUSE_ID] = { "CAUSE_ID", VD_COL_STR, VD_COL_HIDDEN, "the known cause, as a stable word" },
	[COL_CAUSE] = { "CAUSE", VD_COL_STR, VD_COL_HIDDEN, "the known cause, as a sentence" },
	[COL_NOTE] = { "NOTE", VD_COL_STR, VD_COL_HIDDEN, "what else must be known" },
	[COL_FIX] = { "FIX", VD_COL_VALUE, 0, "what to run" },
};

struct denials_run {
	struct vd_ctx *ctx;
	struct vd_report *report;
	struct vd_denials denials;
	struct vd_audit_counts counts;
	struct vd_audit_sources sources;
	const struct vd_guest **picked; /* borrowed; NULL: all */
	size_t n_picked;
	bool policy;     /* the kernel can be asked */
	uint64_t others; /* denials of programs that have nothing to do with libvirt */
	uint64_t untied; /* of libvirt, but of no one guest, while guests were named */
	uint64_t shown;
};

/* --- reading ------------------------------------------------------------------------------------------------------ */

static enum vd_exit read_since(struct vd_ctx *ctx, int64_t *ret_ms)
{
	const char *text = vd_opt_str(ctx, "since", NULL);
	struct timespec now;
	int64_t usec;

	*ret_ms = 0;
	if (!text)
		return VD_EXIT_OK;
	clock_gettime(CLOCK_REALTIME, &now);
	if (vd_when_parse(text, (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000, &usec) < 0)
		return vd_usage(ctx, "--since: '%s' is no time; write '2026-11-23 03:02', 'today', '-1h' or '@SECONDS'",
		                text);
	*ret_ms = usec / 1000;
	return VD_EXIT_OK;
}

static int read_logs(struct denials_run *run, int64_t since_ms, struct vd_err *err)
{
	const char *given = vd_opt_str(run->ctx, "log", NULL);
	VD_AUTO_CLOSE int fd = -1;
	int r;

	if (!given)
		return vd_audit_read_host(run->ctx->root, since_ms, vd_denials_add, &run->denials, &run->counts,
		                          &run->sources, err);
	r = vd_open_given(given, &fd, err);
	if (r == 0) {
		r = vd_audit_read_fd(fd, since_ms, vd_denials_add, &run->denials, &run->counts, err);
		if (r < 0)
			vd_err_prefix(err, "%s", given);
	}
	if (r == 0 && vd_strv_add(&run->sources.read, strcmp(given, "-") ? given : "standard input") < 0)
		r = vd_err_set(err, ENOMEM, "no memory");
	return r;
}

static int tie(struct denials_run *run, const struct vd_guests *guests, struct vd_err *err)
{
	struct vd_denial_files files = { 0 };
	struct vd_svirt_settings settings = { 0 };
	VD_AUTO_STRV problems = VD_STRV_INIT;
	bool want = vd_denials_want_files(&run->denials);
	int r = 0;

	if (want)
		r = vd_svirt_settings_load(run->ctx->root, run->ctx->use_session, &settings, &problems, err);
	if (r == 0 && want)
		r = vd_denial_files_load(run->ctx->root, guests, &settings, &files);
	if (r == 0)
		r = vd_denials_tie(&run->denials, guests, want ? &files : NULL);
	vd_denial_files_release(&files);
	vd_svirt_settings_release(&settings);
	return r < 0 && !(err && err->code) ? vd_err_set(err, -r, "cannot tie denials to guests: %s", strerror(-r)) : r;
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static const char *status_word(const struct vd_denial *d)
{
	return d->cause && d->cause->harmless ? "harmless" : d->permissive ? "permitted" : "denied";
}

static const char *base_name(const char *path)
{
	return strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
}

static void set_access(struct vd_row *row, const char *perms)
{
	while (*perms) {
		size_t n = strcspn(perms, " ");
		VD_AUTO_FREE char *word = strndup(perms, n);

		vd_need_memory(word != NULL);
		if (n)
			vd_row_flag(row, COL_ACCESS, word);
		perms += n + (perms[n] == ' ');
	}
}

static struct vd_value *pids_value(const struct vd_denial *d)
{
	struct vd_value *list = vd_value_array();

	for (size_t i = 0; i < d->n_pids && i < VD_DENIAL_PIDS; i++)
		vd_need_memory(vd_value_append(list, vd_value_int(d->pids[i])) == 0);
	return list;
}

/* The policy's switch, where this policy has it and it is off. */
static bool boolean_helps(struct denials_run *run, const struct vd_denial *d)
{
	int on = d->cause && d->cause->boolean ? vd_selinux_boolean(run->ctx->root, d->cause->boolean) : -1;

	return on == 0 || on == -VD_NO_EVIDENCE;
}

static void add_row(struct denials_run *run, struct vd_table *table, const struct vd_denial *d, int now)
{
	struct vd_row *row = vd_table_row(table, NULL);
	const char *status = status_word(d);
	const char *set[] = { "setsebool", "-P", d->cause ? d->cause->boolean : NULL, "on", NULL };
	const char *unset[] = { "setsebool", "-P", set[2], "off", NULL };
	bool helps = boolean_helps(run, d);

	vd_row_str(row, COL_STATUS, status);
	vd_row_hue(row, COL_STATUS, *status == 'd' ? VD_HUE_BAD : *status == 'p' ? VD_HUE_WARN : VD_HUE_DIM);
	vd_row_str(row, COL_GUEST, d->guest);
	vd_row_str(row, COL_DRIVER, d->guest ? vd_driver_name(d->driver) : NULL);
	vd_row_str(row, COL_TIE, vd_denial_tie_name(d->tie));
	vd_row_num(row, COL_COUNT, (int64_t)d->count);
	if (d->first_ms >= 0)
		vd_row_num(row, COL_FIRST, d->first_ms / 1000);
	if (d->last_ms >= 0)
		vd_row_num(row, COL_LAST, d->last_ms / 1000);
	if (d->n_pids)
		vd_row_num(row, COL_PID, d->pids[0]);
	vd_row_value(row, COL_PIDS, pids_value(d));
	vd_row_str(row, COL_COMM, d->comm);
	vd_row_str(row, COL_EXE, d->exe);
	set_access(row, d->perms);
	vd_row_str(row, COL_CLASS, d->tclass);
	vd_row_str(row, COL_SUBJECT, d->scontext);
	vd_row_text(row, COL_SUBJECT, vd_short_context(run->report, d->scontext));
	vd_row_str(row, COL_OBJECT, d->tcontext);
	vd_row_text(row, COL_OBJECT,
	            strcmp(d->scontext, d->tcontext) ? vd_short_context(run->report, d->tcontext) : "same");
	vd_row_str(row, COL_KIND, vd_denial_kind_name(d->kind));
	if (now >= 0)
		vd_row_str(row, COL_NOW, now ? "allowed" : "denied");
	vd_row_str(row, COL_PATH, d->path ? d->path : d->name);
	vd_row_str(row, COL_DEV, d->dev);
	if (d->has_ino)
		vd_row_num(row, COL_INODE, (int64_t)d->ino);
	vd_row_str(row, COL_CAUSE_ID, d->cause ? d->cause->id : NULL);
	vd_row_str(row, COL_CAUSE, d->cause ? d->cause->text : NULL);
	vd_row_str(row, COL_NOTE, d->note);
	vd_row_value(row, COL_FIX, vd_fix_value(helps ? set : NULL, "for all guests, and after a boot too", unset));
}

/* --- below the table ---------------------------------------------------------------------------------------------- */

/* Of a process or capability, object and subject are the same thing. */
static bool is_self(const struct vd_denial *d)
{
	return !strcmp(d->tclass, "process") || !strncmp(d->tclass, "cap", 3) || !strcmp(d->tclass, "bpf");
}

static void why_line(struct denials_run *run, const struct vd_denial *d)
{
	VD_AUTO_BUF perms = VD_BUF_INIT;

	/* "read write" as "read, write" */
	for (const char *p = d->perms; *p; p++)
		vd_need_memory((*p == ' ' ? vd_buf_adds(&perms, ", ") : vd_buf_addc(&perms, *p)) == 0);
	vd_report_line(run->report, "  %-5s %s may not %s %s (%s)", "why", vd_short_context(run->report, d->scontext),
	               vd_esc(run->report, vd_buf_str(&perms)),
	               strcmp(d->scontext, d->tcontext) == 0 ? is_self(d) ? "itself" : "its own kind"
	                                                     : vd_short_context(run->report, d->tcontext),
	               d->kind == VD_DENIAL_CATEGORY ? "categories, not types" : "type, not categories");
	if (d->cause)
		vd_report_line(run->report, "        %s", d->cause->text);
	else
		vd_report_line(run->report, "        no usual cause: see `ausearch -m avc | audit2why`");
}

static void fix_lines(struct denials_run *run, const struct vd_denial *d)
{
	const char *boolean = d->cause ? d->cause->boolean : NULL;
	const char *check[] = { "virtdiag", "selinux", "check", d->guest, NULL };
	int on = boolean ? vd_selinux_boolean(run->ctx->root, boolean) : 0;

	if (boolean && boolean_helps(run, d)) {
		vd_report_line(run->report, "  %-5s setsebool -P %s on     for all guests, and after a boot too", "now",
		               boolean);
		vd_report_line(run->report, "  %-5s setsebool -P %s off", "undo", boolean);
	} else if (boolean && on == 1) {
		vd_report_line(run->report, "  %-5s %s is on now: it was denied before, or for another reason", "note",
		               boolean);
	} else if (boolean && on == -ENOENT) {
		vd_report_line(run->report, "  %-5s this policy has no boolean %s", "note", boolean);
	}
	if (d->cause && d->cause->see_check && d->guest)
		vd_report_line(run->report, "  %-5s %s", "see", vd_shell_line(run->report, check));
	if (d->cause && d->cause->advice)
		vd_report_line(run->report, "  %-5s %s", "also", d->cause->advice);
}

static void detail(struct denials_run *run, const struct vd_denial *d, int now)
{
	const char *object = d->path ? d->path : d->name;

	vd_report_line(run->report, "%s", "");
	vd_report_mark(run->report, d->permissive ? VD_HUE_WARN : VD_HUE_BAD, "%s: %s%s%s%s", status_word(d),
	               d->guest  ? vd_esc(run->report, d->guest)
	               : d->comm ? vd_esc(run->report, d->comm)
	                         : "?",
	               object ? ": " : "", object ? vd_esc(run->report, object) : "",
	               d->tie == VD_TIE_NAME ? " (by its name alone)" : "");
	why_line(run, d);
	if (d->note)
		vd_report_line(run->report, "  %-5s %s", "note", vd_esc(run->report, d->note));
	if (now == 1)
		vd_report_line(run->report, "  %-5s the policy in force allows it: it, or the label, has changed since",
		               "note");
	fix_lines(run, d);
}

/* The same cause at the same object needs no second paragraph. */
static bool told_before(const struct vd_denial *const *told, size_t n, const struct vd_denial *d)
{
	for (size_t i = 0; i < n; i++) {
		const struct vd_denial *t = told[i];
		const char *a = t->path ? t->path : t->name, *b = d->path ? d->path : d->name;

		if (t->cause != d->cause || t->permissive != d->permissive || t->kind != d->kind ||
		    (t->guest && d->guest ? strcmp(t->guest, d->guest) != 0 : t->guest != d->guest))
			continue;
		/* What was only recorded is told once a cause. */
		if (d->permissive || (a && b ? !strcmp(base_name(a), base_name(b)) : a == b))
			return true;
	}
	return false;
}

static void details(struct denials_run *run, const struct vd_denial *const *rows, const int *now, size_t n)
{
	enum {
		MAX_TOLD = 20
	};
	const struct vd_denial *told[MAX_TOLD];
	size_t n_told = 0, left = 0;

	/* The newest first: they are what somebody is looking for. */
	for (size_t i = n; i-- > 0;) {
		if (rows[i]->cause && rows[i]->cause->harmless)
			continue;
		if (told_before(told, n_told, rows[i]))
			continue;
		if (n_told == MAX_TOLD) {
			left++;
			continue;
		}
		told[n_told++] = rows[i];
		detail(run, rows[i], now[i]);
	}
	if (left)
		vd_report_line(run->report, "\n%zu more are explained in --json and with -o +CAUSE,NOTE.", left);
}

static void summary(struct denials_run *run)
{
	VD_AUTO_BUF from = VD_BUF_INIT;
	struct vd_report *report = run->report;

	for (size_t i = 0; i < run->sources.read.len; i++)
		vd_need_memory(vd_buf_addf(&from, "%s%s", i ? ", " : "", run->sources.read.items[i]) == 0);
	if (!run->sources.read.len)
		return;
	vd_report_line(report, "%s%" PRIu64 " denial%s of guests and of libvirt in %s.", run->shown ? "\n" : "",
	               run->shown, run->shown == 1 ? "" : "s", vd_esc(report, vd_buf_str(&from)));
	if (run->untied)
		vd_report_line(report,
		               "%" PRIu64 " of libvirt could be tied to no single guest: "
		               "`virtdiag selinux denials` shows them.",
		               run->untied);
	if (run->others)
		vd_report_line(report, "%" PRIu64 " of other programs not shown.", run->others);
	if (run->counts.damaged)
		vd_report_line(report, "%" PRIu64 " damaged lines left out.", run->counts.damaged);
	if (run->denials.dropped)
		vd_report_line(report, "%" PRIu64 " left out: there are more than %d different ones.",
		               run->denials.dropped, VD_DENIALS_MAX);
	if (!run->shown)
		vd_report_line(report,
		               "Rules marked dontaudit deny without a record: `semodule -DB` shows those too, "
		               "`semodule -B` hides them again.\nWhere owner, mode or a cgroup denies, there is no "
		               "record either.");
}

/* --- the command -------------------------------------------------------------------------------------------------- */

static bool is_wanted(struct denials_run *run, const struct vd_denial *d)
{
	if (!d->guest && !vd_context_is_libvirt(d->scontext) && !vd_context_is_libvirt(d->tcontext)) {
		run->others += d->count;
		return false;
	}
	if (!run->picked)
		return true;
	for (size_t i = 0; i < run->n_picked && d->guest; i++)
		if (!strcmp(d->guest, vd_guest_name(run->picked[i])) &&
		    d->driver == vd_guest_domain(run->picked[i])->driver)
			return true;
	if (!d->guest)
		run->untied += d->count;
	return false;
}

static void fill(struct denials_run *run)
{
	struct vd_table *table = vd_report_table(run->report, "denials", NULL, 0);
	VD_AUTO_FREE const struct vd_denial **rows = calloc(run->denials.len + 1, sizeof(*rows));
	VD_AUTO_FREE int *now = calloc(run->denials.len + 1, sizeof(*now));
	size_t n = 0;

	vd_need_memory(rows && now);
	for (size_t i = 0; i < run->denials.len; i++) {
		const struct vd_denial *d = &run->denials.items[i];

		if (!is_wanted(run, d))
			continue;
		now[n] = run->policy ? vd_policy_allows(d->scontext, d->tcontext, d->tclass, d->perms) : -1;
		add_row(run, table, d, now[n]);
		rows[n++] = d;
		run->shown += d->count;
		if (d->cause && d->cause->harmless)
			continue;
		if (d->permissive)
			vd_report_warning(run->report);
		else
			vd_report_problem(run->report);
	}
	details(run, rows, now, n);
	summary(run);
}

static void tell_sources(struct denials_run *run)
{
	struct vd_value *sources = vd_value_array();
	VD_AUTO_BUF dropped = VD_BUF_INIT;

	for (size_t i = 0; i < run->sources.read.len; i++)
		vd_need_memory(vd_value_append(sources, vd_value_str(run->sources.read.items[i])) == 0);
	vd_report_extra(run->report, "sources", sources);
	vd_report_extra(run->report, "damaged_lines", vd_value_int((int64_t)run->counts.damaged));
	if (run->denials.dropped) {
		vd_need_memory(vd_buf_addf(&dropped, "%" PRIu64 " left out: there are more than %d different ones",
		                           run->denials.dropped, VD_DENIALS_MAX) == 0);
		vd_report_missing(run->report, "denials", dropped.data, true);
	}
	for (size_t i = 0; i < run->sources.unreadable.len; i++)
		vd_report_missing(run->report, run->sources.unreadable.items[i], run->sources.reason.items[i], true);
	if (!run->sources.read.len && !run->sources.unreadable.len)
		vd_report_missing(run->report, "/var/log/audit/audit.log",
		                  "there is no audit log, and no other log that holds the kernel's audit records",
		                  true);
}

static enum vd_exit report_denials(struct denials_run *run, const struct vd_guests *guests, int64_t since_ms)
{
	VD_AUTO_DENIAL_CAUSES causes = { 0 };
	VD_AUTO_ERR err = VD_ERR_INIT;
	enum vd_exit status;

	if (read_logs(run, since_ms, &err) < 0 || tie(run, guests, &err) < 0)
		return vd_fail(run->ctx, &err);
	vd_need_memory(vd_denial_causes_load(&causes) == 0);
	vd_denials_explain(&run->denials, &causes);
	run->policy = vd_root_is_live(run->ctx->root) && vd_policy_available();
	run->report = vd_report_new(run->ctx);
	tell_sources(run);
	fill(run);
	status = vd_report_finish(run->report);
	if (run->sources.code == EACCES || run->sources.code == EPERM)
		vd_sudo_hint(run->ctx);
	return status;
}

static enum vd_exit run_denials(struct vd_ctx *ctx, int argc, char **argv)
{
	struct denials_run run = { .ctx = ctx, .counts = VD_AUDIT_COUNTS_INIT };
	struct vd_guests guests = { 0 };
	VD_AUTO_FREE const struct vd_guest **picked = NULL;
	enum vd_exit status;
	int64_t since_ms;

	if (argc && vd_opt_given(ctx, "all"))
		return vd_usage(ctx, "--all and GUEST exclude each other");
	status = read_since(ctx, &since_ms);
	if (status != VD_EXIT_OK)
		return status;
	if (!vd_ctx_guests(ctx, &guests))
		return VD_EXIT_UNKNOWN;
	if (argc)
		status = vd_pick_guests(ctx, &guests, argc, argv, &picked, &run.n_picked);
	run.picked = picked;
	if (status == VD_EXIT_OK)
		status = report_denials(&run, &guests, since_ms);
	vd_denials_release(&run.denials);
	vd_audit_sources_release(&run.sources);
	vd_guests_release(&guests);
	return status;
}

static const struct vd_opt denials_opts[] = {
	{ .name = "all", .type = VD_OPT_FLAG, .help = "all guests, as without GUEST" },
	{ .name = "since",
	  .type = VD_OPT_STRING,
	  .arg = "TIME",
	  .help = "only what is newer: '2026-11-23 03:02', today, -1h, @SECONDS" },
	{ .name = "log",
	  .type = VD_OPT_PATH,
	  .arg = "FILE",
	  .help = "read the records of FILE, - for standard input, instead of the host's log" },
	{ 0 },
};

static const struct vd_arg denials_args[] = {
	VD_ARG_GUESTS("name, UUID or id of a guest"),
	{ 0 },
};

static const char *const denials_examples[] = {
	"virtdiag selinux denials web01 --since today",
	"what SELinux denied web01 today, and why",
	"virtdiag selinux denials --log messages.txt",
	"the records in a log that somebody sent",
	NULL,
};

const struct vd_cmd vd_selinux_denials = {
	.name = "denials",
	.summary = "list what SELinux denied guests and libvirt, and why",
	.description =
	        "Reads the audit log and its rotated files, or without auditd what the kernel wrote elsewhere, and "
	        "lists "
	        "the denials that concern guests and libvirt's daemons, equal ones folded. Each is tied to its guest "
	        "by "
	        "libvirt's own audit records, by process, label or file; a label that belonged to another guest at "
	        "that "
	        "time is not taken for the one that has it now. Denials that were only recorded (permissive) are told "
	        "apart, and so is what is harmless.",
	.examples = denials_examples,
	.opts = denials_opts,
	.args = denials_args,
	.rows = "denials",
	.flags = VD_CMD_TABLE,
	.cols = denials_cols,
	.n_cols = VD_ARRAY_SIZE(denials_cols),
	.run = run_denials,
};
