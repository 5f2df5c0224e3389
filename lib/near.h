/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How near two words are, for "did you mean". Depends on nothing. */

#include <stddef.h>

/*
 * Number of single-character insertions, deletions and replacements, and swaps of neighbours, that turn @a into @b;
 * anything above @limit is returned as @limit + 1. Bytes, not characters; the case of ASCII letters does not count;
 * words above 64 bytes are never near.
 */
unsigned vd_edit_distance(const char *a, size_t a_len, const char *b, size_t b_len, unsigned limit);
