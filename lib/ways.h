/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The way to a file: each directory that is searched on it, symlinks followed, with owner, mode, ACL, label and mount.
 * What is known of a directory is kept for the whole run, so that a thousand guests with images in the same place cost
 * one look. Nothing is judged here; lib/reach does that.
 */

#include "mounts.h"
#include "root.h"

/* One object on the way. Pointers are borrowed from the cache. */
struct vd_node {
	const char *path; /* with all symlinks resolved */
	struct vd_stat st;
	int code; /* 0, or why it could not be looked at: -ENOENT, -EACCES, -VD_NO_EVIDENCE, ... */
	/* Its access ACL; @acl_code 0, -ENODATA for none, -EOPNOTSUPP where only a server knows, or an error. */
	struct vd_acl_entry *acl;
	size_t n_acl;
	int acl_code;
	const char *label; /* of a directory: its SELinux context; NULL without one; @label_code tells why */
	int label_code;
	const struct vd_mount *mount; /* what it is on; NULL when there is no mount table */
};

/* All directories that are searched for one path, in that order, and where it ends. */
struct vd_way {
	const struct vd_node **dirs; /* owned array */
	size_t len;
	const struct vd_node *end; /* the file itself; NULL when the way ends before: @code */
	int code;                  /* 0, -ENOENT, -ENOTDIR, -ELOOP, -EACCES, -VD_NO_EVIDENCE, ... */
	char *stop;                /* where it ended with @code; owned; NULL */
};

struct vd_ways;

/*
 * A cache for @root, which must outlive it. Reads the table of mounts; one that cannot be read is like none.
 * The caller frees *@ret_ways with vd_ways_free(). Returns 0 or -ENOMEM.
 */
int vd_ways_new(struct vd_root *root, struct vd_ways **ret_ways) VD_MUST_CHECK;
void vd_ways_free(struct vd_ways *ways);
void vd_ways_cleanup(struct vd_ways **ways);
#define VD_AUTO_WAYS VD_CLEANUP(vd_ways_cleanup)

struct vd_root *vd_ways_root(const struct vd_ways *ways);
const struct vd_mounts *vd_ways_mounts(const struct vd_ways *ways);

/* Find the way to @path, which is absolute. Returns 0, also when it ends early, or -ENOMEM. */
int vd_ways_walk(struct vd_ways *ways, const char *path, struct vd_way *ret_way) VD_MUST_CHECK;
void vd_way_release(struct vd_way *way);
