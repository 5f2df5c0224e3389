/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The shapes of stamps: shared by record.c and record-time.c only. Inline, since every line of every log goes here. */

#include <string.h>

#include "record.h"

static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * Compare eight bytes with a shape in one go: '0' stands for any digit, all else for itself. After the exclusive or a
 * digit is 0 to 9, so that neither it nor it plus 6 has a bit in the upper half; everything else has to be 0.
 */
static inline bool has_shape(const char *s, const char *shape)
{
	unsigned char strict[8];
	uint64_t a, b, mask;

	for (size_t i = 0; i < 8; i++)
		strict[i] = shape[i] == '0' ? 0xf0 : 0xff;
	memcpy(&mask, strict, 8);
	memcpy(&a, s, 8);
	memcpy(&b, shape, 8);
	a ^= b;
	return ((a & mask) | ((a + UINT64_C(0x0606060606060606)) & UINT64_C(0xf0f0f0f0f0f0f0f0))) == 0;
}

/* Does "YYYY-MM-DD HH:MM:SS.mmm" stand at @s? Whether there is such a day is not looked at. */
static inline bool is_date_stamp(const char *s, size_t len)
{
	return len >= 23 && has_shape(s, "0000-00-") && has_shape(s + 8, "00 00:00") && has_shape(s + 15, "0:00.000");
}

/* "HH:MM:SS.mmm" */
static inline bool is_clock_stamp(const char *s, size_t len)
{
	return len >= 12 && has_shape(s, "00:00:00") && has_shape(s + 4, "0:00.000");
}

/* "+0000" or another zone, in five bytes. */
static inline bool is_zone(const char *s)
{
	return (s[0] == '+' || s[0] == '-') && is_digit(s[1]) && is_digit(s[2]) && is_digit(s[3]) && is_digit(s[4]);
}

/* The length of a stamp as prefixes have it, 0 when none stands at @s. */
size_t vd_stamp_length(const char *s, size_t len);
