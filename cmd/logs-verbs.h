/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The verbs of `virtdiag logs`, each in a file of its own. */

#include "command.h"
#include "match.h"

extern const struct vd_cmd vd_cmd_logs_list, vd_cmd_logs_boots, vd_cmd_logs_starts, vd_cmd_logs_cmdline,
        vd_cmd_logs_show, vd_cmd_logs_tail;

/*
 * Did --grep give up on a line, whose matching would have taken too long? Says so, once for *@said, and returns true:
 * what was printed may not be all. @match may be NULL.
 */
bool vd_logs_gave_up(struct vd_ctx *ctx, const struct vd_match *match, bool *said);
