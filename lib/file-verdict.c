/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "file-verdict.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "svirt.h"

const char *vd_file_status_name(enum vd_file_status status)
{
	static const char *const names[] = {
		[VD_FILE_OK] = "ok",
		[VD_FILE_WRONG] = "wrong",
		[VD_FILE_DIFFERS] = "differs",
		[VD_FILE_DENIED] = "denied",
		[VD_FILE_BROKEN] = "broken",
		[VD_FILE_MISSING] = "missing",
		[VD_FILE_UNLABELLED] = "unlabelled",
		[VD_FILE_UNTOUCHED] = "untouched",
		[VD_FILE_UNSUPPORTED] = "unsupported",
		[VD_FILE_UNKNOWN_STATUS] = "unknown",
	};

	_Static_assert(VD_ARRAY_SIZE(names) == VD_FILE_STATUS_COUNT_, "a word for each status");
	return names[status];
}

const char *vd_reason_id(enum vd_reason reason)
{
	static const char *const ids[] = {
		[VD_REASON_NONE] = NULL,
		[VD_REASON_TYPE] = "type",
		[VD_REASON_CATEGORY] = "category",
		[VD_REASON_USER_HOME] = "user-home",
		[VD_REASON_DAC_SEARCH] = "dac-search",
		[VD_REASON_DAC_FILE] = "dac-file",
		[VD_REASON_ACL_MASK] = "acl-mask",
		[VD_REASON_MOUNT_CONTEXT] = "mount-context",
		[VD_REASON_MOUNT_READONLY] = "mount-readonly",
		[VD_REASON_MOUNT_NOEXEC] = "mount-noexec",
		[VD_REASON_MOUNT_NOSUID] = "mount-nosuid",
		[VD_REASON_FS_NOLABEL] = "fs-nolabel",
		[VD_REASON_BOOLEAN] = "boolean",
		[VD_REASON_RELABELLED] = "relabelled",
		[VD_REASON_REPLACED] = "replaced",
		[VD_REASON_SHARED_RW] = "shared-rw",
		[VD_REASON_STALE_XATTR] = "stale-xattr",
		[VD_REASON_CHAIN_FORMAT] = "chain-format",
		[VD_REASON_CHAIN_LOOP] = "chain-loop",
		[VD_REASON_CHAIN_HEADER] = "chain-header",
		[VD_REASON_MISSING] = "missing",
		[VD_REASON_NOT_MOUNTED] = "not-mounted",
		[VD_REASON_PERMISSIVE] = "permissive",
		[VD_REASON_NO_EVIDENCE] = "no-evidence",
	};

	_Static_assert(VD_ARRAY_SIZE(ids) == VD_REASON_COUNT_, "an id for each reason");
	return ids[reason];
}

void vd_file_drop_fixes(struct vd_file_check *check)
{
	for (size_t i = 0; i < check->n_fixes; i++) {
		vd_strv_release(&check->fixes[i].command);
		vd_strv_release(&check->fixes[i].undo);
	}
	free(check->wanted);
	free(check->stale_users);
	free(check->default_label);
	check->wanted = check->stale_users = check->default_label = NULL;
	check->default_state = VD_DEFAULT_NOT_ASKED;
	free(check->fixes);
	check->fixes = NULL;
	check->n_fixes = 0;
	vd_strv_release(&check->keep);
	check->avoid = NULL;
}

void vd_file_check_release(struct vd_file_check *check)
{
	free(check->actual);
	free(check->why);
	vd_file_drop_fixes(check);
	memset(check, 0, sizeof(*check));
}

int vd_file_verdict(struct vd_file_check *c, enum vd_file_status status, enum vd_reason reason, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = vd_text_setv(&c->why, fmt, ap);
	va_end(ap);
	if (r < 0)
		return r;
	c->status = status;
	c->reason = reason;
	c->counts_as_problem = status == VD_FILE_WRONG || status == VD_FILE_DENIED || status == VD_FILE_BROKEN ||
	                       status == VD_FILE_MISSING;
	c->counts_as_unknown = status == VD_FILE_UNKNOWN_STATUS || status == VD_FILE_UNLABELLED;
	return 0;
}

int vd_file_also(struct vd_file_check *c, enum vd_file_status status, enum vd_reason reason, const char *fmt, ...)
{
	VD_AUTO_FREE char *text = NULL;
	char *both = NULL;
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = vd_text_setv(&text, fmt, ap);
	va_end(ap);
	if (r < 0)
		return r;
	if (!c->counts_as_problem && c->status != status)
		return vd_file_verdict(c, status, reason, "%s", text);
	if (asprintf(&both, "%s%s%s", c->why ? c->why : "", c->why ? "; also: " : "", text) < 0)
		return -ENOMEM;
	free(c->why);
	c->why = both;
	return 0;
}

/* Room for one more fix; NULL without memory. */
static struct vd_fix *new_fix(struct vd_file_check *c, const char *risk)
{
	struct vd_fix *grown = reallocarray(c->fixes, c->n_fixes + 1, sizeof(*grown));

	if (!grown)
		return NULL;
	c->fixes = grown;
	grown += c->n_fixes++;
	memset(grown, 0, sizeof(*grown));
	grown->risk = risk;
	return grown;
}

static int add_words(struct vd_strv *v, const char *const *words)
{
	int r = 0;

	for (; words && *words && !r; words++)
		r = vd_strv_add(v, *words);
	return r;
}

int vd_file_add_fix(struct vd_file_check *c, const char *const *command, const char *const *undo, const char *risk)
{
	struct vd_fix *fix = new_fix(c, risk);
	int r = fix ? add_words(&fix->command, command) : -ENOMEM;

	return r ? r : add_words(&fix->undo, undo);
}

/* "chcon -t TYPE [-l RANGE] -- PATH"; nothing when @context is none. */
static int add_chcon(struct vd_strv *v, const char *context, const char *path)
{
	struct vd_context c = { 0 };
	int r = vd_context_parse(context, &c);

	if (!r) {
		const char *const with_range[] = { "chcon", "-t", c.type, "-l", c.range, "--", path, NULL };
		const char *const without[] = { "chcon", "-t", c.type, "--", path, NULL };

		r = add_words(v, c.range ? with_range : without);
	}
	vd_context_release(&c);
	return r == -EINVAL ? 0 : r;
}

int vd_file_fix_label(struct vd_file_check *c, const char *path, const char *wanted, const char *risk)
{
	const char *const remove[] = { "setfattr", "-x", "security.selinux", "--", path, NULL };
	struct vd_context parsed = { 0 };
	struct vd_fix *fix;
	int r = vd_context_parse(wanted, &parsed);

	vd_context_release(&parsed);
	if (r)
		return r == -EINVAL ? 0 : r;
	free(c->wanted);
	c->wanted = strdup(wanted);
	c->label_fix = c->n_fixes;
	fix = c->wanted ? new_fix(c, risk) : NULL;
	r = fix ? add_chcon(&fix->command, wanted, path) : -ENOMEM;
	if (r)
		return r;
	return c->actual ? add_chcon(&fix->undo, c->actual, path) : add_words(&fix->undo, remove);
}

int vd_file_keep_label(struct vd_file_check *c, const char *path, const char *context)
{
	struct vd_context parsed = { 0 };
	VD_AUTO_BUF regex = VD_BUF_INIT;
	int r = vd_context_parse(context, &parsed);

	if (r)
		return r == -EINVAL ? 0 : r;
	vd_strv_release(&c->keep);
	/* The rule is a regular expression; ours matches the literal path. */
	for (const char *p = path; *p && !r; p++) {
		if (strchr(".^$?*+|[](){}\\", *p))
			r = vd_buf_addc(&regex, '\\');
		if (!r)
			r = vd_buf_addc(&regex, *p);
	}
	if (!r) {
		const char *const plain[] = { "semanage", "fcontext",         "-a", "-t", parsed.type,
			                      "--",       vd_buf_str(&regex), NULL };
		const char *const ranged[] = { "semanage",         "fcontext", "-a",         "-t",
			                       parsed.type,        "-r",       parsed.range, "--",
			                       vd_buf_str(&regex), NULL };

		r = add_words(&c->keep, parsed.range && strcmp(parsed.range, "s0") != 0 ? ranged : plain);
	}
	vd_context_release(&parsed);
	return r;
}
