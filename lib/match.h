/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Patterns for --grep: Perl-compatible regular expressions, compiled to machine code where that is possible. The border
 * to PCRE2, and to fnmatch-like globs for names.
 */

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

struct vd_match;

/*
 * Compile @pattern. Text is taken as UTF-8 when the pattern asks for more than ASCII; bytes of a line that are not
 * UTF-8 match nothing then, and do no harm. Matching is case-sensitive; "(?i)" in front makes it otherwise. The effort
 * for a line is bounded, so that no pattern hangs. The caller frees *@ret_match. Returns 0; -EINVAL with the reason and
 * the place in @err; -ENOMEM.
 */
int vd_match_new(const char *pattern, struct vd_match **ret_match, struct vd_err *err) VD_MUST_CHECK;
void vd_match_free(struct vd_match *match);
void vd_match_cleanup(struct vd_match **match);
#define VD_AUTO_MATCH VD_CLEANUP(vd_match_cleanup) struct vd_match

/* Does the pattern match in the @len bytes at @text? A line on which the effort ran out counts as no match. */
bool vd_match_has(struct vd_match *match, const char *text, size_t len);
/* The same, with where the first match begins and ends. */
bool vd_match_find(struct vd_match *match, const char *text, size_t len, size_t *ret_start, size_t *ret_end);
/*
 * For searching many lines at once, which is several times faster than line by line: can it be done with this pattern?
 * Not when it could tell a line's edge from a newline otherwise than by '^' and '$'.
 */
bool vd_match_can_scan(const struct vd_match *match);
/*
 * Where in the lines of @len bytes at @text, from the line start @from on, a match may begin; every line that matches
 * is found, and some that do not: vd_match_has() is to judge the line. Returns 0; 1: no further line matches; -E2BIG:
 * the effort ran out, the lines are to be judged one by one.
 */
int vd_match_scan(struct vd_match *match, const char *text, size_t len, size_t from, size_t *ret_start) VD_MUST_CHECK;
/* How many lines were given up on. */
unsigned long vd_match_given_up(const struct vd_match *match);

/* Does the @len bytes long name match @glob, in which '*' stands for any run and '?' for one byte? */
bool vd_glob_matches(const char *glob, const char *name, size_t len);
