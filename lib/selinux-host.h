/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of a host say about its SELinux: booleans, configured mode, permissive domains. Live and captured. */

#include "root.h"

/*
 * The policy's boolean @name. Returns 1 on, 0 off; -ENOENT: this policy has no such boolean; -VD_NO_EVIDENCE: the
 * booleans cannot be seen (no SELinux, or a capture without them).
 */
int vd_selinux_boolean(struct vd_root *root, const char *name) VD_MUST_CHECK;
