/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The narrowest command for each obstacle that lib/reach finds, with its undo. Private to lib/reach*.c. */

#include "ways.h"
#include "account.h"
#include "file-verdict.h"

/*
 * Let @who in to @node, which @verdict refused for @want (4 read, 2 write, 1 search): one more bit for the owner, one
 * more in the mask, or an ACL entry for this user alone. Adds nothing where the file system has no ACLs that this
 * machine could set. Returns 0 or -ENOMEM.
 */
int vd_fix_dac(struct vd_file_check *check, const struct vd_node *node, const struct vd_acl_verdict *verdict,
               const struct vd_account *who, unsigned want) VD_MUST_CHECK;
/* Make the mount writable. Adds nothing for file systems that never are. */
int vd_fix_readonly(struct vd_file_check *check, const struct vd_mount *mount) VD_MUST_CHECK;
/* Take the option "noexec" or "nosuid" away: @option is "exec" or "suid". */
int vd_fix_mount_option(struct vd_file_check *check, const struct vd_mount *mount, const char *option) VD_MUST_CHECK;
/* Mount it anew with @context for everything on it. */
int vd_fix_context(struct vd_file_check *check, const struct vd_mount *mount, const char *context) VD_MUST_CHECK;
/* Switch the boolean @name on. */
int vd_fix_boolean(struct vd_file_check *check, const char *name) VD_MUST_CHECK;

/* "rw-" of a mask of permissions, for sentences. */
const char *vd_perm_text(unsigned perm);
/* True for file systems whose owners chown(2) cannot change, and that have no ACLs: vfat, cifs and the like. */
bool vd_fstype_has_fixed_owners(const char *fstype);
