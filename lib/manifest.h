/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The manifest of a capture, `virtdiag-manifest.jsonl`: what the captured host said about paths whose owner, mode,
 * labels or content a plain copy does not keep. The format is described in virtdiag-capture(5). Parses memory and looks
 * paths up; opens nothing. Private to lib/root.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "root.h"

#define VD_MANIFEST_NAME      "virtdiag-manifest.jsonl"
#define VD_MANIFEST_MAX_BYTES (64u << 20)
#define VD_MANIFEST_MAX_LINES 500000u
#define VD_MANIFEST_MAX_LINE  (128u << 10) /* bytes of one line: holds an xattr of 64 KiB in base64 */

enum vd_xattr_state {
	VD_XATTR_VALUE,
	VD_XATTR_UNKNOWN,     /* null: could not be read on the captured host */
	VD_XATTR_UNSUPPORTED, /* false: its file system has no such attributes */
};

struct vd_manifest_xattr {
	char *name;
	enum vd_xattr_state state;
	char *value; /* len bytes and a NUL behind them */
	size_t len;
};

/* One path. Strings are NULL when the record does not have them. */
struct vd_manifest_entry {
	char *path; /* absolute, without double or trailing slashes and dot components */
	size_t line;
	bool missing; /* the record says that the path does not exist */
	enum vd_file_type type;
	bool has_owner; /* mode, uid and gid are all there */
	mode_t mode;
	uid_t uid;
	gid_t gid;
	int64_t size;  /* -1 unknown */
	int64_t mtime; /* seconds since the epoch, -1 unknown */
	char *target;  /* always there for a symlink */
	char *fstype, *mount, *header_file;
	char *acl;
	bool acl_unknown; /* "acl": null */
	bool has_xattrs;  /* the record lists all xattrs that are known */
	struct vd_manifest_xattr *xattrs;
	size_t nxattrs;
};

struct vd_manifest;

/*
 * Parse @len bytes of JSON Lines. Returns 0 and a manifest for vd_manifest_free(); -EBADMSG with "line N: ..." for the
 * first bad line, also when there are more lines than allowed; -ENOMEM. Of several records of one path the last wins.
 */
int vd_manifest_parse(const char *text, size_t len, struct vd_manifest **ret_manifest,
                      struct vd_err *err) VD_MUST_CHECK;
void vd_manifest_free(struct vd_manifest *manifest);
/* The number of different paths. */
size_t vd_manifest_count(const struct vd_manifest *manifest);
/* The record of exactly @path, in the form of vd_manifest_entry.path; NULL when unlisted. Borrowed. */
const struct vd_manifest_entry *vd_manifest_find(const struct vd_manifest *manifest, const char *path);
/* The xattr @name of @entry; NULL when the record does not have it. Borrowed. */
const struct vd_manifest_xattr *vd_manifest_xattr(const struct vd_manifest_entry *entry, const char *name);

/*
 * How an unlisted path that is a symlink in the captured files is followed: fills *@ret_target (freed by the caller)
 * and returns 1 for a symlink, 0 for anything else, existing or not, or -ENOMEM.
 */
typedef int (*vd_manifest_link_fn)(void *data, const char *path, char **ret_target);

/*
 * Resolve @path component by component through the symlinks of the manifest and, where a path is unlisted, those that
 * @link finds; the last component only when @follow. @resolved gets the path without symlinks; *@ret_entry its record,
 * NULL when it is unlisted.
 * -ENOENT when a record says that the path or a directory on the way is missing, -ENOTDIR, -ELOOP after 40 links,
 * -ENAMETOOLONG, -ENOMEM.
 */
int vd_manifest_resolve(const struct vd_manifest *manifest, const char *path, bool follow, vd_manifest_link_fn link,
                        void *data, struct vd_buf *resolved, const struct vd_manifest_entry **ret_entry) VD_MUST_CHECK;
