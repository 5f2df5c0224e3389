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
	char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return -ENOMEM;
	free(fix->why);
	fix->why = text;
	fix->state = state;
	return 0;
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

	if (check->wanted && check->n_fixes && expect->path) {
		fix.state = VD_LABEL_FIX_PLANNED;
		if (expect->private_dev)
			r = set_state(&fix, VD_LABEL_FIX_REFUSED,
			              "it is in the guest's private /dev, whose label is that of the whole mount");
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

int vd_label_fix_apply(const struct vd_check_host *host, const struct vd_expect *expect,
                       const struct vd_file_check *check, struct vd_label_fix *fix)
{
	VD_AUTO_ERR err = VD_ERR_INIT;

	if (fix->state != VD_LABEL_FIX_PLANNED)
		return 0;
	if (vd_root_set_label(host->root, expect->path, &fix->seen, check->actual, check->wanted, &err) < 0)
		return set_state(fix, VD_LABEL_FIX_FAILED, "%s", vd_err_text(&err));
	fix->state = VD_LABEL_FIX_DONE;
	return 0;
}

void vd_label_fix_release(struct vd_label_fix *fix)
{
	free(fix->why);
	memset(fix, 0, sizeof(*fix));
}
