/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The shapes of stamps: shared by record.c and record-time.c only. Inline, since every line of every log goes here. */

#include <string.h>

#include "record.h"

static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Eight bytes of text: '0' stands for any digit, all else for itself. The mask is 0xf0 for a digit, 0xff elsewhere. */
struct shape {
	char text[9], mask[9];
};
static const struct shape shape_date = { "0000-00-", "\xf0\xf0\xf0\xf0\xff\xf0\xf0\xff" };
static const struct shape shape_day = { "00 00:00", "\xf0\xf0\xff\xf0\xf0\xff\xf0\xf0" };
static const struct shape shape_clock = { "00:00:00", "\xf0\xf0\xff\xf0\xf0\xff\xf0\xf0" };
static const struct shape shape_tail = { "0:00.000", "\xf0\xff\xf0\xf0\xff\xf0\xf0\xf0" };
static const struct shape shape_digits = { "00000000", "\xf0\xf0\xf0\xf0\xf0\xf0\xf0\xf0" };

/*
 * Compare in one go: after the exclusive or a digit is 0 to 9, so that neither it nor it plus 6 has a bit in the upper
 * half; everything else has to be 0.
 */
static inline bool has_shape(const char *s, const struct shape *shape)
{
	uint64_t a, b, mask;

	memcpy(&a, s, 8);
	memcpy(&b, shape->text, 8);
	memcpy(&mask, shape->mask, 8);
	a ^= b;
	return ((a & mask) | ((a + UINT64_C(0x0606060606060606)) & UINT64_C(0xf0f0f0f0f0f0f0f0))) == 0;
}

/* Does "YYYY-MM-DD HH:MM:SS.mmm" stand at @s? Whether there is such a day is not looked at. */
static inline bool is_date_stamp(const char *s, size_t len)
{
	return len >= 23 && has_shape(s, &shape_date) && has_shape(s + 8, &shape_day) && has_shape(s + 15, &shape_tail);
}

/* "HH:MM:SS.mmm" */
static inline bool is_clock_stamp(const char *s, size_t len)
{
	return len >= 12 && has_shape(s, &shape_clock) && has_shape(s + 4, &shape_tail);
}

/* "+0000" or another zone, in five bytes. */
static inline bool is_zone(const char *s)
{
	return (s[0] == '+' || s[0] == '-') && is_digit(s[1]) && is_digit(s[2]) && is_digit(s[3]) && is_digit(s[4]);
}

/* The length of a stamp as prefixes have it, 0 when none stands at @s. */
size_t vd_stamp_length(const char *s, size_t len);
