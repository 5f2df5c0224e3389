/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Path lookup below a directory that stands for `/`: the kernel's openat2(RESOLVE_IN_ROOT), or a walk of our own where
 * the kernel (before 5.6) or a seccomp filter does not offer it. Both follow symlinks inside the root, let `..` stop at
 * its top, refuse magic links of procfs, and give up after 40 links. Private to lib/root; depends on libc and lib/buf.
 */

#include <stdbool.h>

#include "buf.h"

enum vd_below_flags {
	VD_BELOW_NOFOLLOW = 1 << 0, /* do not follow the last component */
	VD_BELOW_WALK = 1 << 1,     /* our own walk, even where there is openat2() */
};

/* True when this kernel lets us use openat2(). */
bool vd_below_has_openat2(void);

/*
 * Look @path up below the directory @rootfd, without opening what it leads to: *@ret_fd is an O_PATH descriptor, owned
 * by the caller. A leading slash makes no difference.
 * Returns 0 or a negative errno; -ELOOP for too many links and for magic links, -EXDEV when directories were moved
 * about during the walk.
 */
int vd_below_lookup(int rootfd, const char *path, unsigned flags, int *ret_fd) VD_MUST_CHECK;

/*
 * The same by our own walk, which also tells the path with all symlinks resolved, absolute inside the root, in
 * @resolved (may be NULL; unspecified on failure).
 */
int vd_below_walk(int rootfd, const char *path, unsigned flags, struct vd_buf *resolved, int *ret_fd) VD_MUST_CHECK;

/* The target of the symlink that the O_PATH descriptor @fd is. The caller frees *@ret_target. */
int vd_below_readlink(int fd, char **ret_target) VD_MUST_CHECK;
