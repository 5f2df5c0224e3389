/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtdiag logs: the table of its verbs. */
#include "logs-records.h"
#include "logs-verbs.h"

/* In help order, one a line. */
/* clang-format off */
static const struct vd_cmd *const verbs[] = {
	&vd_cmd_logs_list,
	&vd_cmd_logs_show,
	&vd_cmd_logs_tail,
	&vd_cmd_logs_boots,
	&vd_cmd_logs_starts,
	&vd_cmd_logs_cmdline,
	/* of daemons' logs */
	&vd_cmd_logs_daemon,
	&vd_cmd_logs_stats,
	&vd_cmd_logs_qmp,
	NULL,
};
/* clang-format on */

extern const struct vd_cmd vd_cmd_logs;
const struct vd_cmd vd_cmd_logs = {
	.name = "logs",
	.summary = "read, follow and explain the logs of guests",
	.verbs = verbs,
};
