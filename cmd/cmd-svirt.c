/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "svirt-verbs.h"

static const struct vd_cmd *const verbs[] = {
	&vd_svirt_status,
	&vd_svirt_disable,
	&vd_svirt_enable,
	NULL,
};

extern const struct vd_cmd vd_cmd_svirt;
const struct vd_cmd vd_cmd_svirt = {
	.name = "svirt",
	.summary = "show, switch off and on the confinement of guests",
	.description =
	        "libvirt keeps guests apart with SELinux or AppArmor, as security_driver in qemu.conf and lxc.conf "
	        "says. To see whether that is what stops a guest, switch it off for a while, and on again.",
	.verbs = verbs,
};
