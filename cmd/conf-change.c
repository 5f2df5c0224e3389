/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "conf-change.h"

#include <string.h>

#include "report.h"

void vd_conf_show_diff(struct vd_report *report, const struct vd_buf *diff)
{
	const char *at = vd_buf_str(diff);

	vd_report_line(report, "%s", "");
	while (*at) {
		size_t n = strcspn(at, "\n");
		VD_AUTO_FREE char *line = strndup(at, n);

		vd_need_memory(line != NULL);
		vd_report_line(report, "%s", vd_esc(report, line));
		at += n + (at[n] == '\n');
	}
}
