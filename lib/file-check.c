/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "file-check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.filecheck");

#define RISK_RUNNING "safe while running: libvirt sets this label itself"

enum vd_label_match vd_label_compare(const char *expected, const char *actual)
{
	struct vd_context e = { 0 }, a = { 0 };
	struct vd_catset ec, ac;
	char es[16], as[16];
	enum vd_label_match match = VD_LABEL_MALFORMED;

	if (!vd_context_parse(expected, &e) && !vd_context_parse(actual, &a)) {
		/* A policy without MLS has no ranges at all: then there is nothing to compare. */
		if (strcmp(e.type, a.type))
			match = VD_LABEL_TYPE;
		else if (!e.range && !a.range)
			match = VD_LABEL_SAME;
		else if (!e.range || !a.range || vd_range_parse(e.range, es, &ec) || vd_range_parse(a.range, as, &ac))
			match = VD_LABEL_MALFORMED;
		else if (strcmp(es, as))
			match = VD_LABEL_CATEGORIES;
		else if (vd_catset_equal(&ec, &ac))
			match = VD_LABEL_SAME;
		else
			match = vd_catset_subset(&ac, &ec) ? VD_LABEL_LESS : VD_LABEL_CATEGORIES;
	}
	vd_context_release(&e);
	vd_context_release(&a);
	return match;
}

static enum vd_policy_answer ask(struct vd_root *root, const struct vd_expect *e, const struct vd_file_user *user,
                                 const char *actual, enum vd_file_type type, bool *ret_permissive)
{
	return vd_policy_judge(root, user->process, actual, type, e->access, ret_permissive);
}

/* The policy's label for the file of @e; -ENOENT, -VD_NO_EVIDENCE, -ENOMEM. */
static int find_default(struct vd_root *root, const struct vd_expect *e, const struct vd_file_user *user,
                        enum vd_file_type type, char **ret_label)
{
	VD_AUTO_FREE char *real = NULL;
	int r;

	/* A private /dev is a mount with a label of its own. */
	if (!user->defaults || e->private_dev)
		return -VD_NO_EVIDENCE;
	/* As restorecon(8) does, and libvirt. */
	r = vd_root_realpath(root, e->path, &real, NULL);
	if (r < 0)
		return r == -ENOMEM ? r : -VD_NO_EVIDENCE;
	return vd_defaults_lookup(user->defaults, real, type, ret_label);
}

/* Was the policy's default put back on a file that libvirt has labelled for the running guest? 1, 0 or -ENOMEM. */
static int is_relabelled(struct vd_root *root, const struct vd_expect *e, const struct vd_file_user *user,
                         enum vd_file_type type, const char *actual)
{
	VD_AUTO_FREE char *label = NULL;
	char dtype[128];
	int r;

	if (!user->running || !e->running)
		return 0;
	r = find_default(root, e, user, type, &label);
	if (r == -ENOMEM)
		return r;
	/* Without the rules: this type is the default of the place where images usually are. */
	return !strcmp(actual, r == 0 ? vd_policy_type(label, dtype) : "virt_image_t");
}

/*
 * With a label to be set: what would restorecon(8) do? @who asks for @access: what counts is whether that is refused
 * with the policy's label as well.
 */
static int judge_default(struct vd_root *root, const struct vd_expect *e, const struct vd_file_user *user,
                         enum vd_file_type type, const char *who, enum vd_access access, struct vd_file_check *c)
{
	bool permissive, helps;
	int r;

	if (!c->wanted)
		return 0;
	r = find_default(root, e, user, type, &c->default_label);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		if (r == -ENOENT)
			c->default_state = VD_DEFAULT_NONE;
		else if (user->running && e->running)
			c->default_state = VD_DEFAULT_UNKNOWN;
		return 0;
	}
	helps = vd_label_compare(c->wanted, c->default_label) == VD_LABEL_SAME ||
	        (who && vd_policy_judge(root, who, c->default_label, type, access, &permissive) == VD_POLICY_ALLOWED);
	c->default_state = helps ? VD_DEFAULT_HELPS : VD_DEFAULT_HURTS;
	/* The rule that would keep the label is there already. */
	if (helps)
		vd_strv_release(&c->keep);
	return 0;
}

static int judge_denied(struct vd_root *root, struct vd_file_check *c, const struct vd_expect *e,
                        const struct vd_file_user *user, enum vd_file_type type, enum vd_policy_answer answer,
                        bool domain_permissive)
{
	const char *verb = e->access == VD_ACCESS_READ_WRITE ? "read and write" : "read";
	char ptype[128], atype[128];
	enum vd_reason reason = VD_REASON_TYPE;
	int r;

	vd_policy_type(user->process, ptype);
	vd_policy_type(c->actual, atype);
	if (user->permissive || domain_permissive)
		return vd_file_verdict(c, VD_FILE_DIFFERS, VD_REASON_PERMISSIVE,
		                       "%s may not %s %s, but %s is permissive: denied only once it is enforcing",
		                       ptype, verb, atype, domain_permissive ? ptype : "the host");
	if (answer == VD_POLICY_DENIED_CATEGORY)
		return vd_file_verdict(
		        c, VD_FILE_WRONG, VD_REASON_CATEGORY,
		        "the categories of %s do not cover those of the file (%s): it belongs to another guest or run",
		        user->process, c->actual);
	r = is_relabelled(root, e, user, type, atype);
	if (r < 0)
		return r;
	if (vd_policy_is_home(atype))
		reason = VD_REASON_USER_HOME;
	else if (r)
		reason = VD_REASON_RELABELLED;
	r = vd_file_verdict(c, VD_FILE_WRONG, reason, "policy: %s may not %s %s (type, not categories)%s", ptype, verb,
	                    atype,
	                    reason == VD_REASON_USER_HOME ? "; typical of mv from a home directory"
	                    : reason == VD_REASON_RELABELLED
	                            ? "; the policy's default was put back (restorecon) while the guest runs"
	                            : "");
	return r;
}

/* Do the two contexts have the same range: the guest's own pair of categories? */
static bool has_range_of(const char *process, const char *file)
{
	struct vd_context p = { 0 }, f = { 0 };
	struct vd_catset pc, fc;
	char ps[16], fs[16];
	bool same = process && !vd_context_parse(process, &p) && !vd_context_parse(file, &f) && p.range && f.range &&
	            !vd_range_parse(p.range, ps, &pc) && !vd_range_parse(f.range, fs, &fc) && !strcmp(ps, fs) &&
	            vd_catset_equal(&pc, &fc);

	vd_context_release(&p);
	vd_context_release(&f);
	return same;
}

/* Not libvirt's label, and yet the guest gets in. */
static int judge_tolerated(const struct vd_expect *e, const struct vd_file_user *user, enum vd_label_match match,
                           struct vd_file_check *c)
{
	int r;

	if (match == VD_LABEL_LESS) {
		r = vd_file_verdict(
		        c, VD_FILE_DIFFERS, VD_REASON_CATEGORY,
		        "the guest gets in, but so does every other: the file lacks this guest's categories");
		return r ? r : vd_file_fix_label(c, e->path, e->running, RISK_RUNNING);
	}
	if (e->role == VD_ROLE_BACKING && has_range_of(user->process, c->actual))
		return vd_file_verdict(
		        c, VD_FILE_DIFFERS, match == VD_LABEL_TYPE ? VD_REASON_TYPE : VD_REASON_CATEGORY,
		        "it has the label of a top image, left from before a snapshot or from a block job of "
		        "this guest: libvirt leaves that so, and the next start makes it read-only");
	return vd_file_verdict(c, VD_FILE_DIFFERS, match == VD_LABEL_TYPE ? VD_REASON_TYPE : VD_REASON_CATEGORY,
	                       "not the label that libvirt sets, but the guest gets in");
}

/* A file that libvirt labels, of a guest that runs: the label must be there now. */
static int judge_running(struct vd_root *root, const struct vd_expect *e, const struct vd_file_user *user,
                         enum vd_file_type type, struct vd_file_check *c)
{
	enum vd_label_match match = vd_label_compare(e->running, c->actual);
	enum vd_policy_answer answer;
	bool domain_permissive = false;
	int r;

	if (match == VD_LABEL_SAME)
		return 0;
	answer = user->process ? ask(root, e, user, c->actual, type, &domain_permissive) : VD_POLICY_CANNOT_TELL;
	if (answer == VD_POLICY_ALLOWED)
		return judge_tolerated(e, user, match, c);
	if (answer == VD_POLICY_CANNOT_TELL && match == VD_LABEL_MALFORMED)
		return vd_file_verdict(c, VD_FILE_UNKNOWN_STATUS, VD_REASON_NO_EVIDENCE,
		                       "'%s' is no context that can be compared", c->actual);
	if (answer == VD_POLICY_CANNOT_TELL)
		/* Nobody to ask: by libvirt's rules alone it is not the label the guest needs. */
		answer = match == VD_LABEL_TYPE ? VD_POLICY_DENIED_TYPE : VD_POLICY_DENIED_CATEGORY;
	r = judge_denied(root, c, e, user, type, answer, domain_permissive);
	if (!r)
		r = vd_file_fix_label(c, e->path, e->running, RISK_RUNNING);
	if (!r && e->categories == VD_CATEGORIES_NONE)
		r = vd_file_keep_label(c, e->path, e->running);
	c->avoid = "setenforce 0";
	return r ? r : judge_default(root, e, user, type, user->process, e->access, c);
}

static bool is_image(const struct vd_expect *e)
{
	return e->role == VD_ROLE_DISK || e->role == VD_ROLE_BACKING || e->role == VD_ROLE_CDROM ||
	       e->role == VD_ROLE_FLOPPY;
}

/*
 * A file that the next start will label. Before it does, the daemon itself looks into images, to follow the chain: many
 * a "Permission denied" is the daemon's own.
 */
static int judge_next_start(struct vd_root *root, const struct vd_expect *e, const struct vd_file_user *user,
                            enum vd_file_type type, struct vd_file_check *c)
{
	char daemon[128], actual[128];
	int r;

	if (!is_image(e) || user->permissive)
		return 0;
	vd_policy_type(c->actual, actual);
	if (!vd_root_is_live(root) || !vd_policy_available() || !user->daemon)
		return vd_policy_is_home(actual)
		               ? vd_file_verdict(c, VD_FILE_UNKNOWN_STATUS, VD_REASON_NO_EVIDENCE,
		                                 "the next start sets the label, if libvirt's daemon may read %s: "
		                                 "only the policy can tell",
		                                 actual)
		               : 0;
	if (vd_policy_ask(user->daemon, c->actual, type, VD_ACCESS_READ, NULL) != VD_POLICY_DENIED_TYPE)
		return 0;
	r = vd_file_verdict(
	        c, VD_FILE_WRONG, vd_policy_is_home(actual) ? VD_REASON_USER_HOME : VD_REASON_TYPE,
	        "policy: libvirt's daemon (%s) may not read %s, so the next start fails before it sets the label",
	        vd_policy_type(user->daemon, daemon), actual);
	if (!r)
		r = vd_file_fix_label(c, e->path, e->running, "the label that libvirt sets at the next start");
	if (!r)
		r = vd_file_keep_label(c, e->path, e->running);
	c->avoid = "setenforce 0";
	return r ? r : judge_default(root, e, user, type, user->daemon, VD_ACCESS_READ, c);
}

/* A file that libvirt leaves alone: can the guest use it anyway? */
static int judge_untouched(struct vd_root *root, const struct vd_expect *e, const struct vd_file_user *user,
                           enum vd_file_type type, struct vd_file_check *c)
{
	VD_AUTO_BUF wanted = VD_BUF_INIT;
	struct vd_context p = { 0 };
	enum vd_policy_answer answer;
	bool domain_permissive = false;
	int r;

	r = vd_file_verdict(c, VD_FILE_UNTOUCHED, VD_REASON_NONE, "%s",
	                    e->note ? e->note : "libvirt does not label it");
	if (r)
		return r;
	answer = ask(root, e, user, c->actual, type, &domain_permissive);
	if (answer == VD_POLICY_ALLOWED)
		return 0;
	if (answer == VD_POLICY_CANNOT_TELL)
		return vd_file_verdict(
		        c, VD_FILE_UNKNOWN_STATUS, VD_REASON_NO_EVIDENCE,
		        "libvirt does not label it, and whether the guest may use '%s' only the policy can tell",
		        c->actual);
	r = judge_denied(root, c, e, user, type, answer, domain_permissive);
	if (r || c->status != VD_FILE_WRONG || vd_context_parse(user->process, &p))
		return r;
	/* A static label without relabelling leaves it to the administrator to give the file the guest's range. */
	if (e->access == VD_ACCESS_READ_WRITE)
		r = vd_buf_addf(&wanted, "system_u:object_r:svirt_image_t:%s", p.range ? p.range : "s0");
	else
		r = vd_buf_adds(&wanted, "system_u:object_r:virt_content_t:s0");
	vd_context_release(&p);
	if (!r)
		r = vd_file_fix_label(c, e->path, vd_buf_str(&wanted),
		                      "libvirt does not set this label: it stays until changed");
	if (!r)
		r = vd_file_keep_label(c, e->path, vd_buf_str(&wanted));
	c->avoid = "setenforce 0";
	return r ? r : judge_default(root, e, user, type, user->process, e->access, c);
}

static int judge_label_error(struct vd_file_check *c, const struct vd_expect *e, const struct vd_file_user *user,
                             int code, const struct vd_err *err)
{
	if (code == -ENODATA && !user->in_force)
		return vd_file_verdict(c, VD_FILE_UNLABELLED, VD_REASON_NO_EVIDENCE, "it has no label; %s",
		                       user->why_not_in_force);
	if (code == -ENODATA && e->running && !user->running) {
		/* The next start gives it one, where nothing can be in its way. */
		if (user->permissive)
			return 0;
		/* A kernel with SELinux gives every file one, unlabeled_t at least: it was not captured. */
		return vd_file_verdict(
		        c, VD_FILE_UNKNOWN_STATUS, VD_REASON_NO_EVIDENCE,
		        "the capture has no label of it; the next start sets one, if libvirt's daemon may "
		        "read the file as it is");
	}
	if (code == -ENODATA) {
		int r = vd_file_verdict(c, VD_FILE_UNLABELLED, VD_REASON_TYPE,
		                        "it has no label: the kernel treats it as unlabeled_t");

		if (!r && e->running)
			r = vd_file_fix_label(c, e->path, e->running, RISK_RUNNING);
		c->counts_as_problem = user->running;
		return r;
	}
	if (code == -EOPNOTSUPP)
		return vd_file_verdict(c, VD_FILE_UNSUPPORTED, VD_REASON_FS_NOLABEL,
		                       "its file system takes no labels: the mount's own context or a boolean decides");
	return vd_file_verdict(c, VD_FILE_UNKNOWN_STATUS, VD_REASON_NO_EVIDENCE, "%s", vd_err_text(err));
}

static int judge_chain(struct vd_file_check *c, const struct vd_expect *e)
{
	const char *text = e->problem_text ? e->problem_text : "the backing chain cannot be followed";

	switch (e->problem) {
	case VD_CHAIN_FORMAT:
		return vd_file_verdict(c, VD_FILE_BROKEN, VD_REASON_CHAIN_FORMAT, "%s", text);
	case VD_CHAIN_LOOP:
		return vd_file_verdict(c, VD_FILE_BROKEN, VD_REASON_CHAIN_LOOP, "%s", text);
	case VD_CHAIN_HEADER:
		return vd_file_verdict(c, VD_FILE_BROKEN, VD_REASON_CHAIN_HEADER, "%s", text);
	case VD_CHAIN_ACCESS:
	case VD_CHAIN_EVIDENCE:
		/* What is certainly wrong with the file itself is worth more than what is not known below it. */
		return c->counts_as_problem
		               ? 0
		               : vd_file_verdict(c, VD_FILE_UNKNOWN_STATUS, VD_REASON_NO_EVIDENCE, "%s", text);
	case VD_CHAIN_MISSING: /* the file itself says so below */
	case VD_CHAIN_OK:
	default:
		return 0;
	}
}

/* Device nodes do not get into most captures: without any directory /dev none did. */
static bool is_uncaptured_node(struct vd_root *root, const char *path)
{
	struct vd_stat st;

	return !vd_root_is_live(root) && !strncmp(path, "/dev/", 5) && vd_root_stat(root, "/dev", &st, NULL) == -ENOENT;
}

static int judge_missing(struct vd_root *root, struct vd_file_check *c, const struct vd_expect *e,
                         const struct vd_file_user *user)
{
	int r;

	if (is_uncaptured_node(root, e->path))
		return vd_file_verdict(c, VD_FILE_UNKNOWN_STATUS, VD_REASON_NO_EVIDENCE, "the capture has no /dev");
	if (e->daemon_creates && !user->running)
		return vd_file_verdict(c, VD_FILE_OK, VD_REASON_NONE, "not there yet: made when the guest starts");
	r = vd_file_verdict(c, VD_FILE_MISSING, VD_REASON_MISSING, "no such file%s",
	                    e->optional ? "; startupPolicy lets the guest start without it" : "");
	if (e->optional)
		c->counts_as_problem = false;
	return r;
}

/* Does anything hang on the label of the file? Not when libvirt leaves it alone and nothing confined opens it. */
static bool label_matters(const struct vd_expect *e, const struct vd_file_user *user)
{
	return e->running || (user->process && user->in_force && e->access != VD_ACCESS_DAEMON);
}

static int judge_existing(struct vd_root *root, const struct vd_expect *e, const struct vd_file_user *user,
                          enum vd_file_type type, struct vd_file_check *c)
{
	VD_AUTO_ERR err = VD_ERR_INIT;
	int code = vd_root_label(root, e->path, &c->actual, &err);

	if (code == -ENOMEM)
		return code;
	if (!label_matters(e, user))
		return vd_file_verdict(c, VD_FILE_UNTOUCHED, VD_REASON_NONE, "%s",
		                       e->note ? e->note : "libvirt does not label it");
	if (code < 0)
		return judge_label_error(c, e, user, code, &err);
	if (!user->in_force)
		return vd_file_verdict(c, VD_FILE_UNKNOWN_STATUS, VD_REASON_NO_EVIDENCE, "%s", user->why_not_in_force);
	if (!e->running)
		return judge_untouched(root, e, user, type, c);
	return user->running ? judge_running(root, e, user, type, c) : judge_next_start(root, e, user, type, c);
}

int vd_file_check(struct vd_root *root, const struct vd_expect *expect, const struct vd_file_user *user,
                  struct vd_file_check *ret_check)
{
	struct vd_file_check c = { .status = VD_FILE_OK };
	VD_AUTO_ERR err = VD_ERR_INIT;
	struct vd_stat st;
	int r = 0, code;

	if (expect->network || !expect->path) {
		r = vd_file_verdict(&c, VD_FILE_UNTOUCHED, VD_REASON_NONE, "%s",
		                    expect->note      ? expect->note
		                    : expect->network ? "a network source: libvirt sets no label"
		                                      : "no file of this host");
	} else {
		code = vd_root_stat(root, expect->path, &st, &err);
		if (code == -ENOENT || code == -ENOTDIR)
			r = judge_missing(root, &c, expect, user);
		else if (code < 0 && label_matters(expect, user))
			r = vd_file_verdict(&c, VD_FILE_UNKNOWN_STATUS, VD_REASON_NO_EVIDENCE, "%s", vd_err_text(&err));
		else if (code < 0)
			r = vd_file_verdict(&c, VD_FILE_UNTOUCHED, VD_REASON_NONE, "%s",
			                    expect->note ? expect->note : "libvirt does not label it");
		else
			r = judge_existing(root, expect, user, st.type, &c);
		/* libvirt labels a directory gladly (type='dir' is not labelled at all); QEMU cannot open it. */
		if (!r && code == 0 && st.type == VD_FILE_DIR && expect->running && is_image(expect))
			r = vd_file_verdict(&c, VD_FILE_BROKEN, VD_REASON_CHAIN_HEADER,
			                    "it is a directory, not an image");
		else if (!r && c.status != VD_FILE_MISSING)
			r = judge_chain(&c, expect);
	}
	if (r < 0) {
		vd_file_check_release(&c);
		return r;
	}
	VLOG_DEBUG("%s %s: %s (%s)", expect->target, expect->path ? expect->path : "-", vd_file_status_name(c.status),
	           c.why ? c.why : "as expected");
	*ret_check = c;
	return 0;
}
