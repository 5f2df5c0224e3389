/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "data.h"

#include <string.h>

bool vd_data_next(const char *text, size_t len, size_t *pos, struct vd_field *fields, size_t max)
{
	const char *p, *end;

	if (*pos >= len)
		return false;
	p = text + *pos;
	end = memchr(p, '\n', len - *pos);
	if (!end)
		end = text + len;
	*pos = (size_t)(end - text) + 1;
	for (size_t i = 0; i < max; i++) {
		const char *tab = i + 1 < max ? memchr(p, '\t', (size_t)(end - p)) : NULL;

		fields[i].s = p;
		fields[i].len = (size_t)((tab ? tab : end) - p);
		p = tab ? tab + 1 : end;
	}
	return true;
}

bool vd_field_is(const struct vd_field *field, const char *s)
{
	return strlen(s) == field->len && !memcmp(s, field->s, field->len);
}
