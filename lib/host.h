/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who the examined host is: names, libvirt's version, accounts. Read without any daemon. */

#include <sys/types.h>

#include "root.h"

/* A libvirt version as one number: major * 1000000 + minor * 1000 + micro; 0 is unknown. */
#define VD_VERSION(major, minor, micro) ((major)*1000000u + (minor)*1000u + (micro))

/* Parse "9.0.0", "9.0" or "0.9.13"; text behind it that begins with - or + is ignored. -EINVAL for anything else. */
int vd_version_parse(const char *s, unsigned *ret_version) VD_MUST_CHECK;
/* "9.0.0" into @buf, which is also returned; "unknown" for 0. */
const char *vd_version_format(unsigned version, char buf[32]);

struct vd_host {
	char *name;             /* etc/hostname, live: uname; NULL unknown */
	char *machine_id;       /* etc/machine-id; NULL unknown */
	unsigned libvirt;       /* version, 0 unknown */
	char *libvirt_evidence; /* the file that told the version; NULL when unknown */
};

/*
 * Fill @ret_host. What cannot be found stays NULL or 0: not an error. Only -ENOMEM is returned.
 * The version comes from the library's file name (libvirt.so.0.9000.0), else from package data (dpkg, rpm lists of a
 * sosreport), else from the newest guest log banner.
 */
int vd_host_load(struct vd_root *root, struct vd_host *ret_host) VD_MUST_CHECK;
void vd_host_release(struct vd_host *host);

/*
 * The part of vd_host_load() that finds libvirt's version: *@ret_version 0 and *@ret_evidence NULL when nothing tells.
 * Returns 0 or -ENOMEM. The caller frees *@ret_evidence.
 */
int vd_host_find_version(struct vd_root *root, unsigned *ret_version, char **ret_evidence) VD_MUST_CHECK;

/*
 * Find a user by @name in the root's etc/passwd (live: the same file). -ENOENT when there is none. Output pointers may
 * be NULL.
 */
int vd_host_user(struct vd_root *root, const char *name, uid_t *ret_uid, gid_t *ret_gid, char **ret_home,
                 struct vd_err *err) VD_MUST_CHECK;
/* The same by uid; the caller frees *@ret_name and *@ret_home. */
int vd_host_user_by_uid(struct vd_root *root, uid_t uid, char **ret_name, gid_t *ret_gid, char **ret_home,
                        struct vd_err *err) VD_MUST_CHECK;

/* Find a group by @name in the root's etc/group. -ENOENT when there is none. */
int vd_host_group(struct vd_root *root, const char *name, gid_t *ret_gid, struct vd_err *err) VD_MUST_CHECK;
/*
 * Add the groups of etc/group that list the user @name as a member to the array *@gids of *@count, which the caller
 * frees, also after an error. Those that are in it already are not added again. Errors as vd_root_read(); -ENOMEM.
 */
int vd_host_groups_of(struct vd_root *root, const char *name, gid_t **gids, size_t *count) VD_MUST_CHECK;
