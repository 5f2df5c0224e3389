/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtdiag cgroup: its verbs; each has a file of its own. */
#include "cgroup.h"

static const struct vd_cmd *const cgroup_verbs[] = {
	&vd_cmd_cgroup_tree,        &vd_cmd_cgroup_show,  &vd_cmd_cgroup_devices,
	&vd_cmd_cgroup_controllers, &vd_cmd_cgroup_check, NULL,
};

extern const struct vd_cmd vd_cmd_cgroup;
const struct vd_cmd vd_cmd_cgroup = {
	.name = "cgroup",
	.summary = "look into the cgroups of guests",
	.verbs = cgroup_verbs,
};
