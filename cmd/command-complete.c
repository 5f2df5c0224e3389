/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command-internal.h"
static enum vd_exit run_complete(struct vd_ctx *ctx VD_UNUSED, int argc VD_UNUSED, char **argv VD_UNUSED)
{
	return VD_EXIT_UNKNOWN;
}
const struct vd_cmd vd_cmd_complete = {
	.name = "__complete",
	.summary = "list what may stand at the end of a command line",
	.flags = VD_CMD_HIDDEN | VD_CMD_NO_HOST | VD_CMD_NO_JSON,
	.run = run_complete,
};
