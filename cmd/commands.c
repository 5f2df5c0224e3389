/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command-internal.h"

/* The list of commands in help order. A new command is declared and listed here and nowhere else. */

extern const struct vd_cmd vd_cmd_guests, vd_cmd_daemons, vd_cmd_filters, vd_cmd_outputs, vd_cmd_selinux, vd_cmd_cgroup,
        vd_cmd_logs, vd_cmd_shell, vd_cmd_source;
extern const struct vd_cmd vd_cmd_svirt, vd_cmd_guard;

/* clang-format off */
const struct vd_cmd *const vd_commands[] = {
	&vd_cmd_guests,
	&vd_cmd_daemons,
	&vd_cmd_logs,
	&vd_cmd_selinux,
	&vd_cmd_svirt,
	&vd_cmd_cgroup,
	&vd_cmd_filters,
	&vd_cmd_outputs,
	&vd_cmd_source,
	&vd_cmd_shell,
	&vd_cmd_help,
	&vd_cmd_complete,
	&vd_cmd_dump,
	&vd_cmd_selftest,
	&vd_cmd_sample,
	&vd_cmd_guard,
	NULL,
};
/* clang-format on */
