/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The verbs of `virtdiag logs`, each in a file of its own. */

#include "command.h"

extern const struct vd_cmd vd_cmd_logs_list, vd_cmd_logs_boots, vd_cmd_logs_starts, vd_cmd_logs_cmdline,
        vd_cmd_logs_show, vd_cmd_logs_tail;
