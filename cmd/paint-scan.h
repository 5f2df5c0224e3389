/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Where in a line of a log something may stand that is worth a look: many bytes are asked at once, so that only these
 * places are looked at one by one. Private to paint.c.
 */

#include <stdbool.h>
#include <stddef.h>

/*
 * The first place at or behind @pos, below @len, where a character to escape stands: a control character (a tab is
 * among them), DEL, everything beyond ASCII. With @color also where a path may begin ('/'), a context (":s0"), a
 * guest's name ("me="), or where letters from the middle of a word of failure stand. @len when there is none. @slack:
 * bytes that may be read behind @len.
 */
size_t vd_paint_scan(const char *s, size_t len, size_t pos, bool color, size_t slack);
