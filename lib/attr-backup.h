/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A file that holds what extended attributes were before they were changed, in the form of getfattr --dump, so that
 * `setfattr --restore=FILE` puts all of it back. It lies in /var/lib/virtdiag, one for each run that changed something;
 * each value is on the disk before its attribute is touched.
 */

#include "root.h"

struct vd_attr_backup;

/* No file is made yet. @root must outlive it. The caller frees *@ret_backup. Returns 0 or -ENOMEM. */
int vd_attr_backup_new(struct vd_root *root, struct vd_attr_backup **ret_backup) VD_MUST_CHECK;
/*
 * Write down that the attribute @name of what @path leads to is the text @value. What was written down of it before in
 * this run stands, since that is what a restore is to bring back. Returns 0; otherwise a negative errno, the sentence
 * in @err, and the file holds what it held before: the attribute must not be changed then.
 */
int vd_attr_backup_add(struct vd_attr_backup *backup, const char *path, const char *name, const char *value,
                       struct vd_err *err) VD_MUST_CHECK;
/* The attribute of the last vd_attr_backup_add() was not changed after all: forget it. Once for each. */
void vd_attr_backup_take_back(struct vd_attr_backup *backup);
/* The file; NULL as long as it holds nothing. Borrowed. */
const char *vd_attr_backup_path(const struct vd_attr_backup *backup);
/* Closes the file, which stays unless it holds nothing. */
void vd_attr_backup_free(struct vd_attr_backup *backup);
void vd_attr_backup_cleanup(struct vd_attr_backup **backup);
#define VD_AUTO_ATTR_BACKUP VD_CLEANUP(vd_attr_backup_cleanup)
