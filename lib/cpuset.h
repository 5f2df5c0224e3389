/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Lists of CPUs or memory nodes, as the kernel's cpuset files ("0-3,8") and libvirt's XML ("0-3,^2") write them. Pure.
 */

#include <stdbool.h>
#include <stddef.h>

#include "macros.h"

/* More CPUs than any kernel is built for. */
#define VD_CPUSET_MAX 16384

struct vd_cpuset {
	unsigned char bits[VD_CPUSET_MAX / 8];
};

/*
 * Read @len bytes of @text; blanks around numbers are accepted, the empty text is the empty set. "^N" and "^N-M" take
 * out what stands before them, as in libvirt. Returns 0, or -EINVAL (@ret_set is then untouched).
 */
int vd_cpuset_parse(const char *text, size_t len, struct vd_cpuset *ret_set) VD_MUST_CHECK;
bool vd_cpuset_equal(const struct vd_cpuset *a, const struct vd_cpuset *b);
bool vd_cpuset_is_empty(const struct vd_cpuset *set);
/* What is in @a and not in @b, into @a. */
void vd_cpuset_subtract(struct vd_cpuset *a, const struct vd_cpuset *b);
/* The set as the kernel writes it: "0-3,8"; the caller frees it, NULL when there is no memory. */
char *vd_cpuset_format(const struct vd_cpuset *set);
