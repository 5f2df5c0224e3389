/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "label-fix.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vlog.h"

VLOG_CATEGORY("virtdiag.label.fix");

/* So many other guests are asked; a file that more of them use is left alone. */
#define MAX_OTHERS 256

VD_PRINTF(3, 4)
static int set_state(struct vd_label_fix *fix, enum vd_label_fix_state state, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = vd_text_setv(&fix->why, fmt, ap);
	va_end(ap);
	if (r == 0)
		fix->state = state;
	return r;
}

/* A guest that runs has its files in use: they get what its libvirt would set, or nothing. */
static bool is_own_label(const struct vd_guest *guest, const struct vd_expect *expect,
                         const struct vd_file_check *check, const struct vd_label_fix *fix)
{
	if (!guest || guest->state != VD_GUEST_RUNNING)
		return true;
	return !fix->count && expect->running && vd_label_compare(expect->running, check->wanted) == VD_LABEL_SAME;
}

/* What every running guest with the file must agree to. */
static int ask_others(const struct vd_check_host *host, const struct vd_guest *guest, const struct vd_expect *expect,
                      const struct vd_file_check *check, struct vd_label_fix *fix)
{
	struct vd_share_use others[MAX_OTHERS];
	size_t n = host->share ? vd_share_others(host->share, guest, expect, others, MAX_OTHERS) : 0;

	if (n > MAX_OTHERS)
		return set_state(fix, VD_LABEL_FIX_REFUSED, "%zu other guests use it", n);
	for (size_t i = 0; i < n; i++) {
		const struct vd_expect *theirs = others[i].expect;
		const char *name = vd_guest_name(others[i].guest);

		if (others[i].guest->state != VD_GUEST_RUNNING)
			continue;
		if (fix->count)
			return set_state(fix, VD_LABEL_FIX_REFUSED, "%s (running) uses it", name);
		if (!theirs->running)
			return set_state(fix, VD_LABEL_FIX_REFUSED,
			                 "%s (running) uses it too, and libvirt does not label it for that guest",
			                 name);
		if (vd_label_compare(theirs->running, check->wanted) != VD_LABEL_SAME)
			return set_state(fix, VD_LABEL_FIX_REFUSED, "%s (running) uses it too and needs %s", name,
			                 theirs->running);
	}
	return 0;
}

int vd_label_fix_plan(const struct vd_check_host *host, const struct vd_guest *guest, const struct vd_expect *expect,
                      const struct vd_file_check *check, struct vd_label_fix *ret_fix)
{
	struct vd_label_fix fix = { .state = VD_LABEL_FIX_NONE };
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r = 0;

	fix.count = !check->wanted && check->stale_users;
	if ((check->wanted || fix.count) && check->n_fixes && expect->path) {
		fix.state = VD_LABEL_FIX_PLANNED;
		if (expect->private_dev)
			r = set_state(&fix, VD_LABEL_FIX_REFUSED,
			              "it is in the guest's private /dev, whose label is that of the whole mount");
		else if (!is_own_label(guest, expect, check, &fix))
			r = set_state(&fix, VD_LABEL_FIX_REFUSED,
			              "%s runs with it, and libvirt does not set this label", vd_guest_name(guest));
		else if (host->settings->selinux < 0)
			r = set_state(&fix, VD_LABEL_FIX_REFUSED, "SELinux is not active on this host");
		else if (vd_root_stat(host->root, expect->path, &fix.seen, &err) < 0)
			r = set_state(&fix, VD_LABEL_FIX_FAILED, "%s", vd_err_text(&err));
		else
			r = ask_others(host, guest, expect, check, &fix);
	}
	if (r < 0) {
		vd_label_fix_release(&fix);
		return r;
	}
	VLOG_DEBUG("%s: %s", expect->path ? expect->path : "-",
	           fix.why ? fix.why : "may be fixed, if there is anything to");
	*ret_fix = fix;
	return 0;
}

const char *vd_label_fix_attribute(const struct vd_label_fix *fix)
{
	return fix->count ? VD_OWNER_NOTE_USERS : "security.selinux";
}

const struct vd_fix *vd_label_fix_command(const struct vd_label_fix *fix, const struct vd_file_check *check)
{
	return &check->fixes[fix->count ? 0 : check->label_fix];
}

int vd_label_fix_apply(const struct vd_check_host *host, const struct vd_expect *expect,
                       const struct vd_file_check *check, struct vd_attr_backup *backup, struct vd_label_fix *fix)
{
	const char *old = fix->count ? check->stale_users : check->actual;
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r = 0;

	if (fix->state != VD_LABEL_FIX_PLANNED)
		return 0;
	/* The kernel tells a label of every file as long as SELinux is on; none is nothing to come back to. */
	if (old)
		r = vd_attr_backup_add(backup, expect->path, vd_label_fix_attribute(fix), old, &err);
	if (r < 0)
		return set_state(fix, VD_LABEL_FIX_FAILED, "%s", vd_err_text(&err));
	if (fix->count)
		r = vd_root_remove_xattr(host->root, expect->path, &fix->seen, VD_OWNER_NOTE_USERS, old, &err);
	else
		r = vd_root_set_label(host->root, expect->path, &fix->seen, old, check->wanted, &err);
	if (r == 0) {
		fix->state = VD_LABEL_FIX_DONE;
		return 0;
	}
	if (old)
		vd_attr_backup_take_back(backup);
	return set_state(fix, VD_LABEL_FIX_FAILED, "%s", vd_err_text(&err));
}

void vd_label_fix_release(struct vd_label_fix *fix)
{
	free(fix->why);
	memset(fix, 0, sizeof(*fix));
}
