/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command-internal.h"

/*
 * The list of commands in help order. A new command is declared and listed here and nowhere else.
 *
 * TEMPORARY while the parts are being put together: the list takes the commands whose file exists. To remove: drop the
 * #if lines.
 */
#if __has_include("cmd-guests.c")
extern const struct vd_cmd vd_cmd_guests;
#endif
#if __has_include("cmd-filters.c")
extern const struct vd_cmd vd_cmd_filters;
#endif
#if __has_include("cmd-outputs.c")
extern const struct vd_cmd vd_cmd_outputs;
#endif
#if __has_include("cmd-selinux.c")
extern const struct vd_cmd vd_cmd_selinux;
#endif
#if __has_include("cmd-cgroup.c")
extern const struct vd_cmd vd_cmd_cgroup;
#endif

const struct vd_cmd *const vd_commands[] = {
#if __has_include("cmd-guests.c")
	&vd_cmd_guests,
#endif
#if __has_include("cmd-filters.c")
	&vd_cmd_filters,
#endif
#if __has_include("cmd-outputs.c")
	&vd_cmd_outputs,
#endif
#if __has_include("cmd-selinux.c")
	&vd_cmd_selinux,
#endif
#if __has_include("cmd-cgroup.c")
	&vd_cmd_cgroup,
#endif
	&vd_cmd_help,    &vd_cmd_complete, &vd_cmd_dump, &vd_cmd_selftest, NULL,
};
