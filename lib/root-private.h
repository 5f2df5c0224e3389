/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What lib/root.c and lib/root-attr.c share. Private to them. */

#include <stdbool.h>
#include <sys/types.h>

#include "manifest.h"
#include "root.h"

struct vd_root {
	int fd; /* O_PATH */
	char *dir;
	bool machine; /* `/` of this machine: plain opens, everything from the kernel */
	bool live;
	bool walk; /* no openat2() */
	bool sosreport;
	pid_t pid;
	struct vd_manifest *manifest; /* NULL: none */
	char *held_path;              /* see vd_root_hold(); NULL: none */
	int held_fd;                  /* valid with held_path */
};

/* Room for "/proc/self/fd/N" and "/proc/PID/root". */
#define VD_PROC_NAME 32

/* The sentence "cannot WHAT 'PATH' ...: why" for the errno -@r, which is returned. */
int vd_root_fail(const struct vd_root *root, const char *what, const char *path, int r, struct vd_err *err);
/* The same for -VD_NO_EVIDENCE. */
int vd_root_no_evidence(const struct vd_root *root, const char *path, struct vd_err *err);
/*
 * What to ask about @path: with a manifest *@ret_entry, its record, else *@ret_fd, an O_PATH descriptor that the caller
 * closes. @what is for the sentence: what the caller is up to.
 */
int vd_root_ask(struct vd_root *root, const char *path, bool nofollow, const char *what,
                const struct vd_manifest_entry **ret_entry, int *ret_fd, struct vd_err *err) VD_MUST_CHECK;
