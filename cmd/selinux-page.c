/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selinux-page.h"

#include <stdlib.h>
#include <string.h>

#include "apparmor.h"

/* So many other guests are named; of more only the number is told. */
#define MAX_OTHERS 8

const struct vd_col vd_check_cols[VD_N_CHECK_COLS] = {
	[VD_CHECK_GUEST] = { "GUEST", VD_COL_STR, VD_COL_HIDDEN, "the guest that uses the file" },
	[VD_CHECK_STATUS] = { "STATUS", VD_COL_STR, 0,
	                      "ok, wrong, denied, differs, broken, missing, unlabelled, untouched, ..." },
	[VD_CHECK_ROLE] = { "ROLE", VD_COL_STR, 0, "what the file is to the guest" },
	[VD_CHECK_TARGET] = { "TARGET", VD_COL_STR, 0, "device; vda[1] is the first backing file of vda" },
	[VD_CHECK_EXPECTED] = { "EXPECTED", VD_COL_STR, 0, "the label that libvirt sets" },
	[VD_CHECK_CATEGORIES] = { "CATEGORIES", VD_COL_STR, VD_COL_JSON_ONLY,
	                          "at-start when libvirt draws them at start" },
	[VD_CHECK_NEXT] = { "NEXT", VD_COL_STR, VD_COL_HIDDEN, "the label that the next start sets" },
	[VD_CHECK_AFTER] = { "AFTER", VD_COL_STR, VD_COL_HIDDEN,
	                     "what the end of the guest does: remembered, kept, default, unchanged, gone" },
	[VD_CHECK_ACTUAL] = { "ACTUAL", VD_COL_STR, 0, "the label now" },
	[VD_CHECK_DEFAULT] = { "DEFAULT", VD_COL_STR, VD_COL_HIDDEN,
	                       "of a wrong label: what restorecon would set instead" },
	[VD_CHECK_PATH] = { "PATH", VD_COL_STR, 0, "the file" },
	[VD_CHECK_REASON_ID] = { "REASON_ID", VD_COL_STR, VD_COL_HIDDEN, "why, as a stable word" },
	[VD_CHECK_REASON] = { "REASON", VD_COL_STR, VD_COL_HIDDEN, "why, as a sentence" },
	[VD_CHECK_USED_BY] = { "USED_BY", VD_COL_FLAGS, VD_COL_HIDDEN, "other guests that use the file" },
	[VD_CHECK_FIX] = { "FIX", VD_COL_VALUE, 0, "what to run" },
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

static void daemon_text(struct vd_check_run *run, struct vd_buf *text)
{
	struct vd_context c = { 0 };
	char version[32];
	int r;

	vd_version_format(run->settings.libvirt, version);
	if (run->daemon.context && !vd_context_parse(run->daemon.context, &c))
		r = vd_buf_addf(text, ", %s %s in %s", run->daemon.name, version, vd_esc(run->report, c.type));
	else
		r = vd_buf_addf(text, ", libvirt %s", version);
	vd_context_release(&c);
	if (r < 0)
		vd_buf_clear(text);
}

static const char *driver_word(const struct vd_check_run *run)
{
	const struct vd_svirt_settings *s = &run->settings;

	if (s->qemu_selinux)
		return "selinux";
	/* Probed, libvirt takes AppArmor where that is on. */
	if (s->qemu_driver_set ? s->qemu_apparmor : run->apparmor == 1)
		return "apparmor";
	return s->qemu_driver_set ? "not selinux" : "none";
}

static void host_line(struct vd_check_run *run)
{
	const struct vd_svirt_settings *s = &run->settings;
	VD_AUTO_BUF daemon = VD_BUF_INIT;
	char policy[64];

	policy_name(s, policy, sizeof(policy));
	daemon_text(run, &daemon);
	vd_report_line(run->report, "host   %s%s%s%s, driver %s%s", mode_word(s->selinux), policy[0] ? "/" : "",
	               vd_esc(run->report, policy), run->apparmor == 1 ? ", AppArmor on" : "", driver_word(run),
	               vd_buf_str(&daemon));
}

const char *vd_check_context(struct vd_report *report, const char *context, bool at_start)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	struct vd_context c = { 0 };
	const char *result;
	int r;

	if (!context)
		return NULL;
	if (vd_context_parse(context, &c))
		return vd_esc(report, context);
	/* The type and range are the end of it. */
	if ((!strcmp(c.user, "system_u") || !strcmp(c.user, "unconfined_u")) &&
	    (!strcmp(c.role, "object_r") || !strcmp(c.role, "system_r")))
		r = vd_buf_adds(&text, context + (c.type - c.copy));
	else
		r = vd_buf_adds(&text, context);
	if (!r && at_start)
		r = vd_buf_adds(&text, ":(new)");
	vd_context_release(&c);
	result = vd_esc(report, vd_buf_str(&text));
	return r ? "?" : result;
}

/* What confines the guest on a host with AppArmor: "libvirt-UUID (enforce)". NULL: nothing is known of that. */
static const char *apparmor_text(struct vd_check_run *run, const struct vd_check_subject *subject)
{
	const struct vd_seclabel *label = vd_domain_seclabel(subject->domain, "apparmor");
	VD_AUTO_FREE char *profile = NULL;
	VD_AUTO_FREE char *mode = NULL;
	VD_AUTO_BUF text = VD_BUF_INIT;

	if (run->apparmor != 1 || !subject->check->user.running)
		return NULL;
	if (vd_apparmor_profile(run->ctx->root, subject->guest->pid, label ? label->label : NULL, &profile, &mode) < 0)
		return NULL;
	if (vd_buf_addf(&text, "AppArmor %s (%s)", profile, mode ? mode : "mode not known") < 0)
		return NULL;
	return vd_esc(run->report, vd_buf_str(&text));
}

/* The context of the guest, or of its next start. NULL: SELinux does not confine it. */
static const char *process_text(struct vd_check_run *run, const struct vd_check_subject *subject)
{
	const struct vd_domain *domain = subject->domain;
	const struct vd_seclabel *live = domain->status ? vd_domain_seclabel(domain, "selinux") : NULL;
	/* A process has the context it was started with or none; only the next start may still get one. */
	bool started = domain->status && subject->check->user.running;
	const char *label = live && live->label ? live->label : started ? NULL : subject->expects->process;
	bool at_start = !(live && live->label) && subject->expects->process_categories == VD_CATEGORIES_AT_START;

	return label ? vd_check_context(run->report, label, at_start) : NULL;
}

static void guest_line(struct vd_check_run *run, const struct vd_check_subject *subject)
{
	const struct vd_guest *guest = subject->guest;
	const char *process = process_text(run, subject), *apparmor = apparmor_text(run, subject);
	VD_AUTO_BUF text = VD_BUF_INIT;
	int r = vd_buf_addf(&text, "%s  %s  %s", vd_esc(run->report, subject->domain->name),
	                    vd_driver_name(subject->domain->driver), guest ? vd_guest_state_text(guest) : "given XML");

	if (!r && guest && guest->pid)
		r = vd_buf_addf(&text, "  pid %ld", (long)guest->pid);
	if (!r)
		r = vd_buf_addf(&text, "  %s", process ? process : apparmor ? apparmor : "not confined by SELinux");
	if (!r && subject->check->migration)
		r = vd_buf_addf(&text, "  %s migration", subject->check->migration);
	if (!r)
		vd_report_mark(run->report, VD_HUE_BOLD, "%s", vd_buf_str(&text));
	if (subject->expects->refused) {
		vd_report_mark(run->report, VD_HUE_BAD, "refused: %s", vd_esc(run->report, subject->expects->refused));
		vd_report_problem(run->report);
	}
	if (subject->check->twin) {
		vd_report_mark(
		        run->report, VD_HUE_BAD,
		        "isolation: %s (running) has the same categories: SELinux keeps neither from the files and "
		        "memory of the other. Restart one of them; give static labels a pair of their own.",
		        vd_esc(run->report, vd_guest_name(subject->check->twin)));
		vd_report_problem(run->report);
	}
}

/* The same for programs: one object for each guest. */
static void add_guest_value(struct vd_check_run *run, const struct vd_check_subject *subject)
{
	const struct vd_domain *domain = subject->domain;
	const struct vd_seclabel *live = domain->status ? vd_domain_seclabel(domain, "selinux") : NULL;
	const struct vd_seclabel *apparmor = vd_domain_seclabel(domain, "apparmor");
	const struct vd_guest *guest = subject->guest, *twin = subject->check->twin;
	struct vd_value *v = run->ctx->json ? vd_value_object() : NULL;
	VD_AUTO_FREE char *profile = NULL;
	VD_AUTO_FREE char *mode = NULL;

	if (!run->ctx->json)
		return;
	if (run->apparmor == 1 && subject->check->user.running &&
	    vd_apparmor_profile(run->ctx->root, guest->pid, apparmor ? apparmor->label : NULL, &profile, &mode) < 0)
		profile = mode = NULL;
	if (vd_value_set(v, "guest", vd_value_str(domain->name)) < 0 ||
	    vd_value_set(v, "driver", vd_value_str(vd_driver_name(domain->driver))) < 0 ||
	    vd_value_set(v, "state", vd_value_str(guest ? vd_guest_state_text(guest) : NULL)) < 0 ||
	    vd_value_set(v, "pid", guest && guest->pid ? vd_value_int(guest->pid) : vd_value_null()) < 0 ||
	    vd_value_set(v, "label", vd_value_str(live && live->label ? live->label : subject->expects->process)) < 0 ||
	    vd_value_set(v, "apparmor_profile", vd_value_str(profile)) < 0 ||
	    vd_value_set(v, "apparmor_mode", vd_value_str(mode)) < 0 ||
	    vd_value_set(v, "migration", vd_value_str(subject->check->migration)) < 0 ||
	    vd_value_set(v, "refused", vd_value_str(subject->expects->refused)) < 0 ||
	    vd_value_set(v, "same_categories_as", vd_value_str(twin ? vd_guest_name(twin) : NULL)) < 0 ||
	    vd_value_append(run->guests, v) < 0)
		vd_report_missing(run->report, domain->name, "out of memory", true);
}

static enum vd_hue status_hue(const struct vd_file_check *c)
{
	if (c->counts_as_problem)
		return VD_HUE_BAD;
	if (c->counts_as_unknown || c->status == VD_FILE_DIFFERS)
		return VD_HUE_WARN;
	return c->status == VD_FILE_OK ? VD_HUE_GOOD : VD_HUE_DIM;
}

struct vd_value *vd_check_argv(const struct vd_strv *argv)
{
	return argv->len ? vd_value_strings((const char *const *)argv->items) : vd_value_array();
}

static struct vd_value *fix_value(const struct vd_file_check *c)
{
	struct vd_value *list = vd_value_array();

	for (size_t i = 0; i < c->n_fixes; i++) {
		struct vd_value *one = vd_value_object();

		if (vd_value_set(one, "command", vd_check_argv(&c->fixes[i].command)) < 0 ||
		    vd_value_set(one, "risk", vd_value_str(c->fixes[i].risk)) < 0 ||
		    vd_value_set(one, "undo", vd_check_argv(&c->fixes[i].undo)) < 0 || vd_value_append(list, one) < 0)
			return vd_value_array();
	}
	return list;
}

static const char *after_word(enum vd_after after)
{
	static const char *const words[] = {
		[VD_AFTER_UNCHANGED] = "unchanged", [VD_AFTER_REMEMBERED] = "remembered",
		[VD_AFTER_KEPT] = "kept",           [VD_AFTER_DEFAULT] = "default",
		[VD_AFTER_GONE] = "gone",
	};

	return words[after];
}

/* The label that the next start sets: categories that were drawn are drawn anew. */
static void add_next(struct vd_row *row, const struct vd_expect *e)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	struct vd_context c = { 0 };
	struct vd_catset set;
	char sens[16];

	if (!e->running || e->after == VD_AFTER_GONE)
		return;
	if (e->drawn && vd_context_parse(e->running, &c) == 0 && c.range && vd_range_parse(c.range, sens, &set) == 0 &&
	    vd_buf_addf(&text, "%s:%s:%s:%s", c.user, c.role, c.type, sens) == 0)
		vd_row_str(row, VD_CHECK_NEXT, vd_buf_str(&text));
	else
		vd_row_str(row, VD_CHECK_NEXT, e->running);
	vd_context_release(&c);
}

static void add_row(struct vd_check_run *run, struct vd_table *table, const struct vd_check_subject *subject,
                    const struct vd_expect *e, const struct vd_file_check *c)
{
	struct vd_row *row = vd_table_row(table, NULL);
	bool at_start = e->running && e->categories == VD_CATEGORIES_AT_START;
	const char *path = e->path ? e->path : e->remote;
	struct vd_share_use others[MAX_OTHERS];
	size_t n;

	vd_row_str(row, VD_CHECK_GUEST, subject->domain->name);
	vd_row_str(row, VD_CHECK_STATUS, vd_file_status_name(c->status));
	vd_row_hue(row, VD_CHECK_STATUS, status_hue(c));
	vd_row_str(row, VD_CHECK_ROLE, vd_role_name(e->role));
	vd_row_str(row, VD_CHECK_TARGET, e->target);
	vd_row_str(row, VD_CHECK_EXPECTED, e->running);
	if (e->running)
		vd_row_text(row, VD_CHECK_EXPECTED, vd_check_context(run->report, e->running, at_start));
	if (at_start)
		vd_row_str(row, VD_CHECK_CATEGORIES, "at-start");
	add_next(row, e);
	vd_row_str(row, VD_CHECK_AFTER, after_word(e->after));
	vd_row_str(row, VD_CHECK_ACTUAL, c->actual);
	if (c->actual)
		vd_row_text(row, VD_CHECK_ACTUAL,
		            e->running && !at_start && vd_label_compare(e->running, c->actual) == VD_LABEL_SAME
		                    ? "same"
		                    : vd_check_context(run->report, c->actual, false));
	vd_row_str(row, VD_CHECK_DEFAULT, c->default_label);
	if (c->default_label)
		vd_row_text(row, VD_CHECK_DEFAULT, vd_check_context(run->report, c->default_label, false));
	vd_row_str(row, VD_CHECK_PATH, path);
	vd_row_str(row, VD_CHECK_REASON_ID, vd_reason_id(c->reason));
	vd_row_str(row, VD_CHECK_REASON, c->why);
	n = run->host.share ? vd_share_others(run->host.share, subject->guest, e, others, MAX_OTHERS) : 0;
	for (size_t i = 0; i < n && i < MAX_OTHERS; i++)
		vd_row_flag(row, VD_CHECK_USED_BY, vd_guest_name(others[i].guest));
	if (run->ctx->json)
		vd_row_value(row, VD_CHECK_FIX, fix_value(c));
}

void vd_check_command(struct vd_check_run *run, const char *word, const struct vd_strv *argv, const char *remark)
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

/* "Also used by: web02 (running), db01 (shut off)" */
static void others_line(struct vd_check_run *run, const struct vd_check_subject *subject, const struct vd_expect *e)
{
	struct vd_share_use others[MAX_OTHERS];
	VD_AUTO_BUF text = VD_BUF_INIT;
	size_t n = run->host.share ? vd_share_others(run->host.share, subject->guest, e, others, MAX_OTHERS) : 0;
	int r = 0;

	if (!n)
		return;
	for (size_t i = 0; i < n && i < MAX_OTHERS && !r; i++)
		r = vd_buf_addf(&text, "%s%s (%s)", i ? ", " : "", vd_esc(run->report, vd_guest_name(others[i].guest)),
		                vd_guest_state_text(others[i].guest));
	if (!r && n > MAX_OTHERS)
		r = vd_buf_addf(&text, " and %zu more", n - MAX_OTHERS);
	if (!r)
		vd_report_line(run->report, "  %-5s Also used by: %s", "", vd_buf_str(&text));
}

/* What not to do; restorecon(8) is what many would try first. */
static void avoid_line(struct vd_check_run *run, const struct vd_file_check *c)
{
	const char *label = vd_check_context(run->report, c->default_label, false), *more = c->avoid ? c->avoid : "";
	const char *comma = c->avoid ? ", " : "";

	switch (c->default_state) {
	case VD_DEFAULT_HURTS:
		vd_report_line(run->report, "  %-5s restorecon (would set %s)%s%s", "not", label, comma, more);
		break;
	case VD_DEFAULT_NONE:
		vd_report_line(run->report, "  %-5s restorecon (the policy has no label for it)%s%s", "not", comma,
		               more);
		break;
	case VD_DEFAULT_UNKNOWN:
		vd_report_line(run->report, "  %-5s restorecon (it puts the policy's default back)%s%s", "not", comma,
		               more);
		break;
	case VD_DEFAULT_NOT_ASKED:
	case VD_DEFAULT_HELPS:
	default:
		if (c->avoid)
			vd_report_line(run->report, "  %-5s %s", "not", c->avoid);
	}
}

/* What to do, how to undo it, how to keep it, what not to do. */
static void remedy_lines(struct vd_check_run *run, const struct vd_file_check *c, const char *path)
{
	const char *const restorecon[] = { "restorecon", "-F", "--", path, NULL };

	for (size_t i = 0; i < c->n_fixes; i++)
		vd_check_command(run, i ? "" : "now", &c->fixes[i].command, c->fixes[i].risk);
	/* What was done last is undone first. */
	for (size_t i = c->n_fixes, first = 1; i > 0; i--) {
		if (!c->fixes[i - 1].undo.len)
			continue;
		vd_check_command(run, first ? "undo" : "", &c->fixes[i - 1].undo, NULL);
		first = 0;
	}
	if (c->default_state == VD_DEFAULT_HELPS && path && vd_shell_line(run->report, restorecon))
		vd_report_line(run->report, "  %-5s %s     also does: the policy has %s for it", "or",
		               vd_shell_line(run->report, restorecon),
		               vd_check_context(run->report, c->default_label, false));
	vd_check_command(run, "keep", &c->keep, NULL);
	avoid_line(run, c);
}

/* Below the table, for each file that is not as it should be. */
static void detail(struct vd_check_run *run, const struct vd_check_subject *subject, const struct vd_expect *e,
                   const struct vd_file_check *c)
{
	const char *path = e->path ? e->path : e->remote;

	if (!c->why || c->status == VD_FILE_OK || c->status == VD_FILE_UNTOUCHED)
		return;
	vd_report_line(run->report, "%s", "");
	vd_report_mark(run->report, status_hue(c), "%s: %s", vd_file_status_name(c->status),
	               path ? vd_esc(run->report, path) : e->target);
	vd_report_line(run->report, "  %-5s %s", "why", vd_esc(run->report, c->why));
	others_line(run, subject, e);
	remedy_lines(run, c, e->path);
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

/* What was looked at besides the files' labels, and how it stands: "Directories, ACLs, mounts, open files: ok." */
static int checked_text(const struct vd_guest_check *check, struct vd_buf *text)
{
	const struct vd_reach_tally *t = &check->reach;
	int r;

	/* Of no file there is nothing to be all right. */
	if (!t->files)
		return 0;
	r = vd_buf_addf(text, " Directories, ACLs%s%s: ", check->mounts_known ? ", mounts" : "",
	                check->open_known ? ", open files" : "");
	if (!r && t->obstacles)
		r = vd_buf_addf(text, "%u obstacle%s, see above", t->obstacles, t->obstacles == 1 ? "" : "s");
	else if (!r && !t->unknown)
		r = vd_buf_adds(text, "ok");
	if (!r && t->unknown)
		r = vd_buf_addf(text, "%snot all is known for %u file%s", t->obstacles ? "; " : "", t->unknown,
		                t->unknown == 1 ? "" : "s");
	return r ? r : vd_buf_addc(text, '.');
}

static void summary_line(struct vd_check_run *run, const struct vd_check_subject *subject, const unsigned *counts)
{
	const struct vd_guest_check *check = subject->check;
	VD_AUTO_BUF text = VD_BUF_INIT;
	size_t total = 0, shown = 0;
	int r;

	for (size_t i = 0; i < VD_FILE_STATUS_COUNT_; i++)
		total += counts[i];
	r = total ? vd_buf_addf(&text, "%zu file%s:", total, total == 1 ? "" : "s") : vd_buf_adds(&text, "No files");
	for (size_t i = 0; i < VD_FILE_STATUS_COUNT_ && !r; i++)
		if (counts[i])
			r = vd_buf_addf(&text, "%s %u %s", shown++ ? "," : "", counts[i], vd_file_status_name(i));
	if (!r)
		r = vd_buf_addc(&text, '.');
	if (!r)
		r = checked_text(check, &text);
	if (!r)
		vd_report_line(run->report, "\n%s", vd_buf_str(&text));
}

static void count(struct vd_check_run *run, const struct vd_file_check *c)
{
	if (c->counts_as_problem)
		vd_report_problem(run->report);
	else if (c->counts_as_unknown)
		vd_report_unknown(run->report);
	else if (c->status == VD_FILE_DIFFERS)
		vd_report_warning(run->report);
}

/* Files of libvirt's own that say nothing as long as they are as they should be. */
static bool is_left_out(const struct vd_expect *e, const struct vd_file_check *c)
{
	return e->quiet && !c->counts_as_problem && c->status != VD_FILE_DIFFERS;
}

/* The program that runs the guest, as a file of it. Owns nothing. */
static struct vd_expect emulator_of(const struct vd_check_subject *subject)
{
	static char target[] = "emulator";

	return (struct vd_expect){ .role = VD_ROLE_OTHER,
		                   .target = target,
		                   .path = subject->domain->emulator,
		                   .after = VD_AFTER_UNCHANGED,
		                   .quiet = true,
		                   .res_index = -1 };
}

void vd_check_page(struct vd_check_run *run, const struct vd_check_subject *subject)
{
	const struct vd_guest_check *check = subject->check;
	const struct vd_expect emulator = emulator_of(subject);
	unsigned counts[VD_FILE_STATUS_COUNT_] = { 0 };
	struct vd_table *table;
	bool told = false;

	guest_line(run, subject);
	add_guest_value(run, subject);
	host_line(run);
	vd_report_line(run->report, "%s", "");
	if (!check->user.in_force)
		vd_report_unknown(run->report);
	table = vd_report_table(run->report, "files", NULL, 0);
	for (size_t i = 0; i < check->len; i++) {
		if (is_left_out(&subject->expects->items[i], &check->files[i]))
			continue;
		counts[check->files[i].status]++;
		add_row(run, table, subject, &subject->expects->items[i], &check->files[i]);
		count(run, &check->files[i]);
	}
	if (!is_left_out(&emulator, &check->emulator)) {
		counts[check->emulator.status]++;
		add_row(run, table, subject, &emulator, &check->emulator);
		count(run, &check->emulator);
	}
	for (size_t i = 0; i < check->len; i++) {
		if (is_left_out(&subject->expects->items[i], &check->files[i]))
			continue;
		if (!is_host_wide(&check->user, &check->files[i])) {
			detail(run, subject, &subject->expects->items[i], &check->files[i]);
		} else if (!told) {
			vd_report_line(run->report, "\n%s.", check->user.why_not_in_force);
			told = true;
		}
	}
	if (!is_left_out(&emulator, &check->emulator))
		detail(run, subject, &emulator, &check->emulator);
	if (!check->user.in_force && !told)
		vd_report_missing(run->report, "labels", check->user.why_not_in_force, true);
	summary_line(run, subject, counts);
}

void vd_check_daemon(struct vd_check_run *run)
{
	struct vd_file_check check = { .status = VD_FILE_OK };
	struct vd_value *v;

	/* Without SELinux nobody has a domain. */
	if (!run->daemon.name || run->settings.selinux < 0)
		return;
	if (vd_daemon_label_judge(&run->daemon, &check) < 0) {
		vd_report_missing(run->report, run->daemon.name, "out of memory", true);
	} else if (check.status != VD_FILE_OK) {
		v = vd_value_object();
		vd_report_mark(run->report, VD_HUE_BAD, "daemon: %s",
		               run->daemon.exe ? vd_esc(run->report, run->daemon.exe) : run->daemon.name);
		vd_report_line(run->report, "  %-5s %s", "why", vd_esc(run->report, check.why));
		remedy_lines(run, &check, NULL);
		vd_report_line(run->report, "%s", "");
		vd_report_problem(run->report);
		if (vd_value_set(v, "name", vd_value_str(run->daemon.name)) < 0 ||
		    vd_value_set(v, "pid", vd_value_int(run->daemon.pid)) < 0 ||
		    vd_value_set(v, "context", vd_value_str(run->daemon.context)) < 0 ||
		    vd_value_set(v, "binary", vd_value_str(run->daemon.exe)) < 0 ||
		    vd_value_set(v, "binary_label", vd_value_str(run->daemon.exe_label)) < 0 ||
		    vd_value_set(v, "reason", vd_value_str(check.why)) < 0 ||
		    vd_value_set(v, "fix", fix_value(&check)) < 0)
			vd_report_missing(run->report, run->daemon.name, "out of memory", true);
		vd_report_extra(run->report, "daemon", v);
	}
	vd_file_check_release(&check);
}
