/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of a host say about its SELinux: booleans, configured mode, permissive domains. Live and captured. */

#include "root.h"

/*
 * The policy's boolean @name. Returns 1 on, 0 off; -ENOENT: this policy has no such boolean; -VD_NO_EVIDENCE: the
 * booleans cannot be seen (no SELinux, or a capture without them).
 */
int vd_selinux_boolean(struct vd_root *root, const char *name) VD_MUST_CHECK;

/* Names of the policy's booleans, sorted. -VD_NO_EVIDENCE as above; -ENOMEM. */
int vd_selinux_booleans(struct vd_root *root, struct vd_strv *names) VD_MUST_CHECK;

/* What /etc/selinux/config says for the next boot. Owned; NULL: it does not say, or is not there. */
struct vd_selinux_config {
	char *mode;   /* SELINUX: "enforcing", "permissive", "disabled" */
	char *policy; /* SELINUXTYPE: "targeted" */
};
/* Returns 0; -ENOENT: there is no such file; another negative errno. */
int vd_selinux_config_load(struct vd_root *root, struct vd_selinux_config *ret_config,
                           struct vd_err *err) VD_MUST_CHECK;
void vd_selinux_config_release(struct vd_selinux_config *config);

/*
 * The domains that modules named permissive_TYPE of the policy store make permissive, sorted, each once: what semanage
 * permissive and `selinux permissive --domain` have done. Returns 0; -VD_NO_EVIDENCE: there is no store to be seen;
 * another negative errno (-EACCES: only root may look).
 */
int vd_selinux_permissive_modules(struct vd_root *root, const char *policy, struct vd_strv *types) VD_MUST_CHECK;
