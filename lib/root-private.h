/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What lib/root.c and lib/root-attr.c share. Private to them. */

#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "manifest.h"
#include "root.h"

/* So many paths can be held. */
#define VD_HELD 8

#define VD_NOT_ASKED  (-1)
#define VD_NOT_LISTED (-2)

struct vd_root {
	int fd; /* O_PATH */
	char *dir;
	bool machine; /* `/` of this machine: plain opens, everything from the kernel */
	bool live;
	bool walk; /* no openat2() */
	bool sosreport;
	pid_t pid;
	struct vd_manifest *manifest; /* NULL: none */
	int sees_trusted;             /* may this process read trusted.* attributes? -1: not asked yet */
	/* See vd_root_hold(). Those with a path are valid. */
	struct vd_held {
		char *path;
		size_t len; /* of path */
		int fd;
		struct stat st;
		bool was_link;    /* @fd is what the symlink @path leads to */
		ssize_t n_listed; /* bytes in @listed; VD_NOT_ASKED, VD_NOT_LISTED */
		char listed[512]; /* names of its attributes, each with its NUL */
	} held[VD_HELD];
	unsigned next_held; /* the slot to use next */
	/* The directories of a capture in which files were looked for last, see lstat_in_dir(). */
	struct vd_held_dir {
		char *path; /* NULL: none */
		int fd;     /* -1: it cannot be opened */
	} dirs[2];
	unsigned next_dir; /* the slot to use next */
	/* The file system that was asked last whether its lists of attributes are complete. */
	struct {
		bool known, complete;
		dev_t dev;
	} lists;
};

/* What there is to ask about a path. */
struct vd_asked {
	const struct vd_manifest_entry *entry; /* with a manifest: its record */
	int fd;                                /* else an O_PATH descriptor: the one that is held or @own_fd */
	int own_fd;                            /* -1, or closed by VD_AUTO_ASKED */
	struct vd_held *held;                  /* NULL, or the one that is held */
};
#define VD_ASKED_INIT              \
	{                          \
		NULL, -1, -1, NULL \
	}
static inline void vd_asked_release(struct vd_asked *asked)
{
	vd_cleanup_close(&asked->own_fd);
}
#define VD_AUTO_ASKED VD_CLEANUP(vd_asked_release)

/* Room for "/proc/self/fd/N" and "/proc/PID/root". */
#define VD_PROC_NAME 32
/* Write "/proc/self/fd/@fd" to @name, of VD_PROC_NAME bytes; it is needed several times for every file. */
static inline void vd_proc_fd(int fd, char *name)
{
	static const char dir[] = "/proc/self/fd/";
	char *p = name + VD_PROC_NAME - 1;

	*p = '\0';
	do
		*--p = (char)('0' + fd % 10);
	while (fd /= 10);
	memcpy(name, dir, sizeof(dir) - 1);
	memmove(name + sizeof(dir) - 1, p, (size_t)(name + VD_PROC_NAME - p));
}

/* The sentence "cannot WHAT 'PATH' ...: why" for the errno -@r, which is returned. */
int vd_root_fail(const struct vd_root *root, const char *what, const char *path, int r, struct vd_err *err);
/* The same for -VD_NO_EVIDENCE. */
int vd_root_no_evidence(const struct vd_root *root, const char *path, struct vd_err *err);
/*
 * What to ask about @path; *@ret_asked, VD_ASKED_INIT before, is to be released by the caller. @what is for the
 * sentence: what the caller is up to.
 */
int vd_root_ask(struct vd_root *root, const char *path, bool nofollow, const char *what, struct vd_asked *ret_asked,
                struct vd_err *err) VD_MUST_CHECK;
