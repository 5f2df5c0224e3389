/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Setting the label that a check found missing, and when not to: a file that a guest uses gets only the label which
 * that guest's libvirt would set now, never a default of the policy, and none at all when two guests disagree about it.
 * Of a file that no guest uses also libvirt's count of its users is taken away where that keeps the next start from
 * labelling it. Owners, modes, ACLs and mounts are not touched.
 */

#include "attr-backup.h"
#include "guest-check.h"

enum vd_label_fix_state {
	VD_LABEL_FIX_NONE,    /* the label is not what is wrong with the file */
	VD_LABEL_FIX_PLANNED, /* it may be set */
	VD_LABEL_FIX_REFUSED, /* it must not be set */
	VD_LABEL_FIX_DONE,
	VD_LABEL_FIX_FAILED,
};

struct vd_label_fix {
	enum vd_label_fix_state state;
	bool count;          /* it is libvirt's count of users that is taken away, not the label that is set */
	char *why;           /* a sentence when it is refused or has failed; NULL */
	struct vd_stat seen; /* the file as it was when that was decided */
};

/*
 * Decide whether the label that @check wants for @expect of @guest may be set. Returns 0 or -ENOMEM. The caller
 * releases
 * *@ret_fix.
 */
int vd_label_fix_plan(const struct vd_check_host *host, const struct vd_guest *guest, const struct vd_expect *expect,
                      const struct vd_file_check *check, struct vd_label_fix *ret_fix) VD_MUST_CHECK;
/*
 * Do it, if it is planned, after what was there is in @backup: without that nothing is done. The state becomes done or
 * failed. Returns 0 or -ENOMEM.
 */
int vd_label_fix_apply(const struct vd_check_host *host, const struct vd_expect *expect,
                       const struct vd_file_check *check, struct vd_attr_backup *backup,
                       struct vd_label_fix *fix) VD_MUST_CHECK;
/* The attribute that @fix changes. Static. */
const char *vd_label_fix_attribute(const struct vd_label_fix *fix);
/* Which of check->fixes takes it back. */
const struct vd_fix *vd_label_fix_command(const struct vd_label_fix *fix, const struct vd_file_check *check);
void vd_label_fix_release(struct vd_label_fix *fix);
