/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command.h"
#include "selinux.h"

static const struct vd_cmd *const verbs[] = {
	&vd_selinux_status,
	&vd_selinux_check,
	&vd_selinux_trace,
	&vd_selinux_denials,
	&vd_selinux_permissive,
	&vd_selinux_enforcing,
	NULL,
};

extern const struct vd_cmd vd_cmd_selinux;
const struct vd_cmd vd_cmd_selinux = {
	.name = "selinux",
	.summary = "audit the SELinux labels of guests' files",
	.verbs = verbs,
};
