/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selinux-host.h"

#include <errno.h>
#include <string.h>

#define BOOLEANS "/sys/fs/selinux/booleans"

int vd_selinux_boolean(struct vd_root *root, const char *name)
{
	VD_AUTO_BUF path = VD_BUF_INIT, text = VD_BUF_INIT;
	struct vd_stat st;
	int r;

	if (strchr(name, '/'))
		return -ENOENT;
	if (vd_root_stat(root, BOOLEANS, &st, NULL) < 0)
		return -VD_NO_EVIDENCE;
	if (vd_buf_addf(&path, BOOLEANS "/%s", name) < 0)
		return -ENOMEM;
	r = vd_root_read(root, path.data, 64, &text, NULL);
	if (r == -ENOENT)
		return -ENOENT;
	/* "1 0": the value in force, the value after the next commit. */
	return r < 0 ? -VD_NO_EVIDENCE : vd_buf_str(&text)[0] == '1';
}
