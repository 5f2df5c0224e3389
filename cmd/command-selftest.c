/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command-internal.h"

static enum vd_exit run_selftest(struct vd_ctx *ctx VD_UNUSED, int argc VD_UNUSED, char **argv VD_UNUSED)
{
	return VD_EXIT_UNKNOWN;
}

const struct vd_cmd vd_cmd_selftest = {
	.name = "__selftest",
	.summary = "check the command tables for mistakes",
	.flags = VD_CMD_HIDDEN | VD_CMD_NO_HOST | VD_CMD_NO_JSON,
	.run = run_selftest,
};
