/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What commands that edit a configuration file have in common on their page. */

#include "buf.h"
#include "report.h"

/* The lines of @diff, escaped, behind an empty line. Text output only. */
void vd_conf_show_diff(struct vd_report *report, const struct vd_buf *diff);
