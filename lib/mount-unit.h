/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The lines of a systemd.mount(5) unit that say what is mounted where. Pure. */

#include "buf.h"

struct vd_mount_unit {
	char *what, *where; /* owned; NULL when the unit does not say */
};

/*
 * Read What= and Where= of the section [Mount] from @len bytes of @text: the last ones count, an empty one takes those
 * before it back, a backslash continues a line. Specifiers other than %% are not known here: such a value counts for
 * none. Anything else is passed over. The caller releases *@ret_unit. Returns 0 or -ENOMEM.
 */
int vd_mount_unit_parse(const char *text, size_t len, struct vd_mount_unit *ret_unit) VD_MUST_CHECK;
void vd_mount_unit_release(struct vd_mount_unit *unit);
