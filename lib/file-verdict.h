/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What is said of one file of a guest: status, reason, sentence, and the commands that put it right. Pure data; the
 * judges (lib/file-check and what it asks) fill it, the commands show it.
 */

#include <stdbool.h>

#include "buf.h"

enum vd_file_status {
	VD_FILE_OK,
	VD_FILE_WRONG,          /* not the label, and the guest or its next start is denied; or another file is open */
	VD_FILE_DIFFERS,        /* not libvirt's label, but the guest gets in; or a danger that has not struck yet */
	VD_FILE_DENIED,         /* the label is fine, but the mode, an ACL, a directory or the mount stops the guest */
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
	VD_REASON_DAC_SEARCH,
	VD_REASON_DAC_FILE,
	VD_REASON_ACL_MASK,
	VD_REASON_MOUNT_CONTEXT,
	VD_REASON_MOUNT_READONLY,
	VD_REASON_MOUNT_NOEXEC,
	VD_REASON_MOUNT_NOSUID,
	VD_REASON_FS_NOLABEL,
	VD_REASON_BOOLEAN,
	VD_REASON_RELABELLED,
	VD_REASON_REPLACED,
	VD_REASON_SHARED_RW,
	VD_REASON_STALE_XATTR,
	VD_REASON_CHAIN_FORMAT,
	VD_REASON_CHAIN_LOOP,
	VD_REASON_CHAIN_HEADER,
	VD_REASON_MISSING,
	VD_REASON_NOT_MOUNTED,
	VD_REASON_PERMISSIVE,
	VD_REASON_NO_EVIDENCE,
	VD_REASON_COUNT_
};
/* "type", "category", ...; NULL for VD_REASON_NONE. */
const char *vd_reason_id(enum vd_reason reason);

/* What the policy has for a file whose label is to be set: would restorecon(8) do as well? */
enum vd_default {
	VD_DEFAULT_NOT_ASKED, /* the label is not what is to be fixed, or nothing is to be said of it */
	VD_DEFAULT_UNKNOWN,   /* the rules cannot be read; it is not the label that the guest needs now */
	VD_DEFAULT_NONE,      /* no label: restorecon leaves the file alone */
	VD_DEFAULT_HURTS,     /* a label that does not help */
	VD_DEFAULT_HELPS,     /* the label that is needed, or one that does */
};

/* One command that puts something right, as an argument vector, and the one that takes it back (empty: none). */
struct vd_fix {
	struct vd_strv command, undo;
	const char *risk; /* static; NULL */
};

struct vd_file_check {
	enum vd_file_status status;
	enum vd_reason reason;
	bool counts_as_problem; /* exit 1 */
	bool counts_as_unknown; /* exit 3 */
	char *actual;           /* context as found; NULL: none or not known */
	char *why;              /* a sentence; NULL when there is nothing to say */
	char *wanted; /* the context that the fix of the label sets; NULL: the label is not what is to be fixed */
	enum vd_default default_state;
	char *default_label;  /* the policy's, with VD_DEFAULT_HURTS and VD_DEFAULT_HELPS; else NULL */
	struct vd_fix *fixes; /* to be run in this order */
	size_t n_fixes;
	size_t label_fix;    /* with @wanted: which of @fixes sets it */
	char *stale_users;   /* libvirt's count of users of the file, which has to go; NULL. The fixes take it away. */
	struct vd_strv keep; /* what makes the fix last over a relabelling of the file system; may be empty */
	const char *avoid;   /* what not to do; static; NULL */
};

/*
 * Set the verdict with its sentence; whether it counts follows from @status. Fixes stay as they are.
 * Returns 0 or -ENOMEM.
 */
int vd_file_verdict(struct vd_file_check *check, enum vd_file_status status, enum vd_reason reason, const char *fmt,
                    ...) VD_PRINTF(4, 5) VD_MUST_CHECK;
/*
 * Add what else stops the guest, besides what was found before: it decides status and reason unless the file has a
 * problem already; then its sentence is put behind the other. @status is VD_FILE_DENIED, or VD_FILE_DIFFERS for what
 * does no harm yet, which never hides a problem. Returns 0 or -ENOMEM.
 */
int vd_file_also(struct vd_file_check *check, enum vd_file_status status, enum vd_reason reason, const char *fmt, ...)
        VD_PRINTF(4, 5) VD_MUST_CHECK;
/* Add a command (copied) with its undo (NULL: none). @risk is static or NULL. Returns 0 or -ENOMEM. */
int vd_file_add_fix(struct vd_file_check *check, const char *const *command, const char *const *undo,
                    const char *risk) VD_MUST_CHECK;
/*
 * The narrowest repair of a label: chcon to the type and range of @wanted, on @path alone; undone to check->actual, or
 * to no label at all. Returns 0, also when @wanted is no context (then nothing is added), or -ENOMEM.
 */
int vd_file_fix_label(struct vd_file_check *check, const char *path, const char *wanted,
                      const char *risk) VD_MUST_CHECK;
/* The rule (semanage fcontext) that keeps @context on @path over a relabelling of the file system. 0 or -ENOMEM. */
int vd_file_keep_label(struct vd_file_check *check, const char *path, const char *context) VD_MUST_CHECK;
/* Forget fixes, keep, avoid, and what was said of the policy's default. */
void vd_file_drop_fixes(struct vd_file_check *check);
void vd_file_check_release(struct vd_file_check *check);
