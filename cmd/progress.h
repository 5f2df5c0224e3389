/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Progress of long work: one line on stderr that is written over and wiped at the end. Only when stderr is a terminal,
 * not with --quiet, and not before half a second has passed.
 */

#include "command.h"

struct vd_progress {
	const char *what; /* static: "checking guests" */
	size_t total;
	int64_t next; /* when to show again, nanoseconds of the monotonic clock; 0: never */
	bool shown;
};

/* Begin: nothing is shown yet. */
void vd_progress_begin(const struct vd_ctx *ctx, const char *what, size_t total, struct vd_progress *ret_progress);
/* @done of the total are done. Cheap: shows at most ten times a second. @progress is a struct vd_progress. */
void vd_progress_step(void *progress, size_t done);
/* Wipe the line. */
void vd_progress_end(struct vd_progress *progress);
