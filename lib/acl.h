/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * POSIX access control lists: from the xattr's bytes, from text, and the decision that the kernel takes by them. Pure
 * functions; the entry itself is declared in root.h.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "root.h"

enum vd_acl_tag {
	VD_ACL_USER_OBJ = 1,
	VD_ACL_USER = 2,
	VD_ACL_GROUP_OBJ = 4,
	VD_ACL_GROUP = 8,
	VD_ACL_MASK = 16,
	VD_ACL_OTHER = 32,
};

/*
 * Parse the value of system.posix_acl_access: a little-endian version 2 and entries of 8 bytes (Linux,
 * include/uapi/linux/posix_acl_xattr.h). The caller frees *@ret_entries, in the order of the input.
 * -EBADMSG for anything that the kernel would not have stored, which includes a missing mask.
 */
int vd_acl_parse_xattr(const void *data, size_t len, struct vd_acl_entry **ret_entries, size_t *ret_count,
                       struct vd_err *err) VD_MUST_CHECK;
/*
 * Parse setfacl's text: TAG:ID:PERM separated by commas or newlines; TAG may be one letter; ID is a number; PERM is
 * "rwx" with dashes or one octal digit. Entries of a default ACL ("default:...") and comments are passed over.
 * -EBADMSG as above.
 */
int vd_acl_parse_text(const char *text, struct vd_acl_entry **ret_entries, size_t *ret_count,
                      struct vd_err *err) VD_MUST_CHECK;

/* Who asks: user id, and all group ids, the primary one included. */
struct vd_acl_who {
	uid_t uid;
	const gid_t *gids;
	size_t ngids;
};

struct vd_acl_verdict {
	bool allowed;
	bool masked;  /* not allowed, and the entry alone would have allowed it: the mask took it away */
	uint16_t tag; /* the entry that decided, one of enum vd_acl_tag; for a refused group member the last that
	                 matched */
	uint32_t id;  /* its id, for user and group entries */
};

/*
 * May @who have @want (4 read, 2 write, 1 execute or search, or-ed) on a file with the owner and mode of @st? @entries
 * is its ACL, @count 0 when it has none. The order is acl(5)'s: owner, named user, the groups (one of them must grant
 * all that is wanted), other. Capabilities are the caller's matter. @st must have has_owner.
 */
struct vd_acl_verdict vd_acl_check(const struct vd_stat *st, const struct vd_acl_entry *entries, size_t count,
                                   const struct vd_acl_who *who, unsigned want);
