/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The bytes of a line that is too long to be kept in memory, for "text_bytes": its pieces are printed as text one by
 * one, and whether they are also wanted as bytes is known behind the last. They wait in an unnamed temporary file, in
 * $TMPDIR or /var/tmp. Zeroed is a valid start.
 */

#include <stdbool.h>
#include <stddef.h>

#include "out.h"

struct vd_spool {
	int fd; /* with is_open */
	bool is_open;
	bool failed; /* bytes are missing */
};

/* Forget what is there: a line begins. */
void vd_spool_begin(struct vd_spool *spool);
void vd_spool_add(struct vd_spool *spool, const char *s, size_t len);
/* Print ,"text_bytes":"..." with all that was added; nothing, with a message, when it could not be kept. */
void vd_spool_print(struct vd_ctx *ctx, struct vd_spool *spool, struct vd_out *out);
void vd_spool_release(struct vd_spool *spool);
