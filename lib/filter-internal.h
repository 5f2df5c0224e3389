/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the checks of filters and of outputs share. */

#include "filter.h"

/*
 * Append a warning about item @item (-1: the whole string) with the message that @fmt makes. @id is static.
 * Returns 0 or -ENOMEM.
 */
int vd_filter_warn(struct vd_filter_warnings *w, const char *id, long item, const char *fmt, ...) VD_PRINTF(4, 5);
