/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The verdict on one file of a guest: does it carry the label that libvirt gives it, and if not, does that hurt?
 * Compares what lib/svirt expects with what lib/root sees, asks the kernel's policy where that is possible, and says
 * what to do. Changes nothing.
 */

#include "file-verdict.h"
#include "label.h"
#include "svirt.h"

/* What is known of the guest that uses the file. */
struct vd_file_user {
	bool running;
	bool in_force;       /* a label verdict is possible: SELinux confines this guest or would */
	bool permissive;     /* the host is permissive: nothing is denied */
	const char *process; /* context of the running guest, or what the next start gives; NULL: not confined */
	const char *daemon;  /* context of the daemon that will start it; NULL: not known */
	struct vd_defaults *defaults; /* the policy's labels for paths; NULL: nothing is said of them. Borrowed. */
	const char *why_not_in_force; /* a sentence for files that get no verdict */
};

/*
 * Judge @expect for @user. @root is where its path is looked up: the host, or the private /dev of the running guest.
 * Returns 0 or -ENOMEM. Without evidence the status is VD_FILE_UNKNOWN_STATUS, never a pass.
 */
int vd_file_check(struct vd_root *root, const struct vd_expect *expect, const struct vd_file_user *user,
                  struct vd_file_check *ret_check) VD_MUST_CHECK;

/* How an actual context stands to the expected one. */
enum vd_label_match {
	VD_LABEL_SAME,       /* type and range are the same; user and role may differ */
	VD_LABEL_TYPE,       /* another type */
	VD_LABEL_LESS,       /* same type, its categories are a true subset: everybody with more gets in */
	VD_LABEL_CATEGORIES, /* same type, other categories */
	VD_LABEL_MALFORMED,  /* one of them is no context */
};
/* Compare type strictly, categories as sets, user and role not at all (a daemon started by hand sets others). */
enum vd_label_match vd_label_compare(const char *expected, const char *actual);
