/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The tables of lib/data/, compiled in as text: lines end with '\n', fields are separated by tabs, comment lines are
 * already gone. A reader walks a table only when it is needed.
 */

#include <stdbool.h>
#include <stddef.h>

/* For each lib/data/NAME.tsv: the text and its length, '-' in NAME turned to '_'. Declared where they are used by */
/* VD_DATA(NAME). */
#define VD_DATA(NAME)                       \
	extern const char vd_data_##NAME[]; \
	extern const size_t vd_data_##NAME##_len

VD_DATA(categories);
VD_DATA(functions);
VD_DATA(denials);
VD_DATA(topics);

/* One field: borrowed bytes, not NUL-terminated. */
struct vd_field {
	const char *s;
	size_t len;
};

/*
 * Split the next line of @text (@len bytes) from *@pos on into at most @max fields and advance *@pos behind it. Missing
 * fields are empty; more than @max stay unsplit in the last one. Returns false at the end.
 */
bool vd_data_next(const char *text, size_t len, size_t *pos, struct vd_field *fields, size_t max);
/* Does @field equal the C string @s? */
bool vd_field_is(const struct vd_field *field, const char *s);
