/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The mount table of the examined host. The only module that knows libmount, which gets a stream, never a path. */

#include "root.h"

struct vd_mount {
	char *target; /* where it is mounted, unescaped */
	char *root;   /* which directory of the file system, "/" usually; NULL in old formats */
	char *fstype;
	char *source;
	char *options;  /* per mount and per superblock together, comma separated */
	int id, parent; /* of the mount and of the one that it is mounted on; 0 in old formats */
};

struct vd_mounts {
	struct vd_mount *items; /* in the order of the file: a later one hides an earlier one on the same target */
	size_t len;
	char *path; /* the file that it came from; NULL when there was none */
};

/*
 * Read the mount table: live proc/self/mountinfo (with --pid: that process's), in a capture the first of
 * proc/self/mountinfo, proc/1/mountinfo, proc/mounts, etc/mtab. A capture without any gives an empty table and path
 * NULL: not an error.
 */
int vd_mounts_load(struct vd_root *root, struct vd_mounts *ret_mounts, struct vd_err *err) VD_MUST_CHECK;
/*
 * The same from @len bytes of @text, mountinfo or the older format; @path names it and is copied. -EBADMSG when it is
 * no mount table, -ENOMEM.
 */
int vd_mounts_parse(const char *text, size_t len, const char *path, struct vd_mounts *ret_mounts,
                    struct vd_err *err) VD_MUST_CHECK;
/* The mount that holds @path, which must be resolved already; NULL when the table is empty. Borrowed. */
const struct vd_mount *vd_mounts_find(const struct vd_mounts *mounts, const char *path);
/*
 * The value of option @name in @mount, "" when it has none, without its quotes; NULL when the option is absent, or
 * there is no memory. The caller frees it.
 */
char *vd_mount_option(const struct vd_mount *mount, const char *name);
void vd_mounts_release(struct vd_mounts *mounts);
