/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shared by lib/root*.c only. */

#include "manifest.h"
#include "root.h"

struct vd_root {
	int fd;    /* the directory that stands for "/", O_PATH */
	char *dir; /* as given */
	pid_t pid;
	bool live, foreign; /* foreign: not "/" itself, so names must be resolved inside */
	bool openat2, sosreport;
	struct vd_manifest manifest;
	bool has_manifest;
};

/*
 * Open @path inside the root with @flags (O_CLOEXEC is added). Symlinks are resolved inside; with O_NOFOLLOW the last
 * component is not. Returns a descriptor or a negative errno.
 */
int vd_root_openat(const struct vd_root *root, const char *path, int flags);
