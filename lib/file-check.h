/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The verdict on one file of a guest: does it carry the label that libvirt gives it, and if not, does that hurt?
 * Compares what lib/svirt expects with what lib/root sees, asks the kernel's policy where that is possible, and says
 * what to do. Changes nothing.
 */

#include "label.h"
#include "svirt.h"

enum vd_file_status {
	VD_FILE_OK,
	VD_FILE_WRONG,          /* not the label, and the guest or its next start is denied */
	VD_FILE_DIFFERS,        /* not libvirt's label, but the guest gets in */
	VD_FILE_BROKEN,         /* the chain cannot be walked beyond it */
	VD_FILE_MISSING,        /* does not exist */
	VD_FILE_UNLABELLED,     /* has no label at all */
	VD_FILE_UNTOUCHED,      /* libvirt does not label it */
	VD_FILE_UNSUPPORTED,    /* its file system takes no label */
	VD_FILE_UNKNOWN_STATUS, /* cannot tell */
	VD_FILE_STATUS_COUNT_
};
/* "ok", "wrong", ... */
const char *vd_file_status_name(enum vd_file_status status);

enum vd_reason {
	VD_REASON_NONE,
	VD_REASON_TYPE,
	VD_REASON_CATEGORY,
	VD_REASON_USER_HOME,
	VD_REASON_RELABELLED,
	VD_REASON_FS_NOLABEL,
	VD_REASON_CHAIN_FORMAT,
	VD_REASON_CHAIN_LOOP,
	VD_REASON_CHAIN_HEADER,
	VD_REASON_MISSING,
	VD_REASON_PERMISSIVE,
	VD_REASON_NO_EVIDENCE,
	VD_REASON_COUNT_
};
/* "type", "category", ...; NULL for VD_REASON_NONE. */
const char *vd_reason_id(enum vd_reason reason);

/* What is known of the guest that uses the file. */
struct vd_file_user {
	bool running;
	bool in_force;       /* a label verdict is possible: SELinux confines this guest or would */
	bool permissive;     /* the host is permissive: nothing is denied */
	const char *process; /* context of the running guest, or what the next start gives; NULL: not confined */
	const char *daemon;  /* context of the daemon that will start it; NULL: not known */
	const char *why_not_in_force; /* a sentence for files that get no verdict */
};

struct vd_file_check {
	enum vd_file_status status;
	enum vd_reason reason;
	bool counts_as_problem;         /* exit 1 */
	bool counts_as_unknown;         /* exit 3 */
	char *actual;                   /* context as found; NULL: none or not known */
	char *why;                      /* a sentence; NULL when there is nothing to say */
	struct vd_strv fix, undo, keep; /* argument vectors; empty when there is none */
	const char *risk;               /* of the fix; static; NULL */
	const char *avoid;              /* what not to do; static; NULL */
};

/*
 * Judge @expect for @user. @root is where its path is looked up: the host, or the private /dev of the running guest.
 * Returns 0 or -ENOMEM. Without evidence the status is VD_FILE_UNKNOWN_STATUS, never a pass.
 */
int vd_file_check(struct vd_root *root, const struct vd_expect *expect, const struct vd_file_user *user,
                  struct vd_file_check *ret_check) VD_MUST_CHECK;
void vd_file_check_release(struct vd_file_check *check);

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
