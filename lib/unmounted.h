/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Directories that should be mount points: the entries of etc/fstab, systemd's mount units of the administrator, and
 * the storage pools of libvirt that have to be mounted (type fs and netfs). An image that is missing, or that is an old
 * one, below such a directory that is not mounted has its cause there.
 */

#include "mounts.h"
#include "root.h"

struct vd_mount_point {
	char *target;    /* the directory as written, without a slash at its end */
	char *source;    /* "server:/export", "/dev/sdb1", "UUID=..." */
	char *pool;      /* name of the storage pool; NULL: none */
	char *unit;      /* name of the unit, "srv-nas.mount"; NULL: none; neither this nor a pool: an entry of fstab */
	bool on_request; /* fstab says noauto, or nothing starts the unit at boot: it may be meant so */
};

struct vd_mount_points {
	struct vd_mount_point *items;
	size_t len;
};

/*
 * Read etc/fstab, etc/systemd/system/NAME.mount and etc/libvirt/storage. Files that cannot be read or understood are
 * passed over, as are entries without a directory (swap) and of the root file system. Returns 0 or -ENOMEM; the caller
 * releases @ret_points.
 */
int vd_mount_points_load(struct vd_root *root, struct vd_mount_points *ret_points) VD_MUST_CHECK;
void vd_mount_points_release(struct vd_mount_points *points);

/* What says so, for sentences: "/etc/fstab", "the unit srv-nas.mount", "storage pool nas". 0 or -ENOMEM. */
int vd_mount_point_origin(const struct vd_mount_point *point, struct vd_buf *text) VD_MUST_CHECK;

/*
 * The innermost of @points that holds @path, a resolved path, and is not mounted by @mounts. NULL when there is none,
 * and when @mounts is empty: nothing can be told then. An automount point alone is not what should be there. Borrowed
 * from @points.
 */
const struct vd_mount_point *vd_mount_points_missing(const struct vd_mount_points *points,
                                                     const struct vd_mounts *mounts, const char *path);
