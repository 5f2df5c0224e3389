/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The manifest of a capture, virtdiag-manifest.jsonl: one JSON object a line, one path each. See virtdiag-capture(5).
 */

#include "err.h"
#include "root.h"
#include "value.h"

/* One line. All strings and values borrowed from @record. */
struct vd_manifest_entry {
	const char *path;
	struct vd_value *record; /* owned */
	size_t line;
};

struct vd_manifest {
	struct vd_manifest_entry *items; /* by path */
	size_t len;
};

/*
 * Parse @len bytes. Empty lines are passed over; a path that comes twice is an error, as is a line that is no object
 * or has no absolute path. -EBADMSG with "line N: reason" in @err; -EFBIG beyond 500,000 lines; -ENOMEM.
 */
int vd_manifest_parse(const char *text, size_t len, struct vd_manifest *ret_manifest, struct vd_err *err) VD_MUST_CHECK;
void vd_manifest_release(struct vd_manifest *manifest);
/* The line of exactly @path; NULL when it is not listed. Symlinks are not followed. */
const struct vd_manifest_entry *vd_manifest_get(const struct vd_manifest *manifest, const char *path);
/*
 * Resolve @path through the symlinks that the manifest lists, textually; the last component too when @follow. The
 * caller frees *@ret_path. -ELOOP beyond 40 symlinks.
 */
int vd_manifest_resolve(const struct vd_manifest *manifest, const char *path, bool follow,
                        char **ret_path) VD_MUST_CHECK;
/* The stat of a line. Returns 0, or -ENOENT for one of type "missing". */
int vd_manifest_stat(const struct vd_manifest_entry *entry, struct vd_stat *ret_stat) VD_MUST_CHECK;
