/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Does a running guest have that file open which its path names now? An image that was replaced or deleted under QEMU
 * lives on in the descriptor alone. Compares /proc/PID/fd with the paths; of a capture only the links' texts remain.
 */

#include "file-verdict.h"
#include "root.h"
#include "svirt.h"

/* One descriptor that leads to a file with a name. */
struct vd_open_file {
	unsigned fd;
	char *path;   /* as the kernel names it now, without " (deleted)" */
	bool deleted; /* no name leads to it any more */
	bool known;   /* @type, @dev, @ino and @rdev are: live only */
	enum vd_file_type type;
	dev_t dev, rdev;
	ino_t ino;
};

struct vd_open_files {
	struct vd_open_file *items;
	size_t len;
	pid_t pid;
};

/*
 * List what the process @pid has open. Returns 0; -ENOENT: there is no such process, or the capture has no list;
 * -EACCES: not allowed to look; another negative errno.
 */
int vd_open_files_load(struct vd_root *root, pid_t pid, struct vd_open_files *ret_files,
                       struct vd_err *err) VD_MUST_CHECK;
void vd_open_files_release(struct vd_open_files *files);

/*
 * Judge @expect, one of @all the files of the guest that runs as that process, over what @check says already: `wrong`,
 * reason replaced, when another file is open than the one its path names, or one that has no name any more. No other
 * verdict is changed: a guest that has neither open (an empty drive, a file read once at start) says nothing.
 * @root is where the path is looked up. Returns 0 or -ENOMEM.
 */
int vd_open_judge(const struct vd_open_files *files, struct vd_root *root, const struct vd_expects *all,
                  const struct vd_expect *expect, struct vd_file_check *check) VD_MUST_CHECK;
