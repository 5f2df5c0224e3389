/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* POSIX ACLs from bytes: the wire format of the xattr system.posix_acl_access, and the text form of a manifest. */

#include "root.h"

/* Parse the xattr's @len bytes (version 2) into a malloc()ed array. -EBADMSG when malformed; -ENOMEM. */
int vd_acl_parse_xattr(const void *data, size_t len, struct vd_acl_entry **ret_entries,
                       size_t *ret_count) VD_MUST_CHECK;
/*
 * Parse "user::rw-,user:64055:r--,group::r--,mask::rw-,other::---" (names must be numbers). -EBADMSG when malformed;
 * -ENOMEM.
 */
int vd_acl_parse_text(const char *text, struct vd_acl_entry **ret_entries, size_t *ret_count) VD_MUST_CHECK;
