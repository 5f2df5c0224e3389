/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cpuset.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"

static void skip_blanks(const char *text, size_t len, size_t *pos)
{
	while (*pos < len && isspace((unsigned char)text[*pos]))
		(*pos)++;
}

/* The number at *@pos; false when there is none or it is too large. */
static bool scan(const char *text, size_t len, size_t *pos, unsigned *ret)
{
	unsigned n = 0;
	size_t start;

	skip_blanks(text, len, pos);
	for (start = *pos; *pos < len && isdigit((unsigned char)text[*pos]); (*pos)++) {
		n = n * 10 + (unsigned)(text[*pos] - '0');
		if (n >= VD_CPUSET_MAX)
			return false;
	}
	*ret = n;
	return *pos > start;
}

static bool has(const struct vd_cpuset *set, unsigned n)
{
	return set->bits[n / 8] & 1u << n % 8;
}

/* "3", "0-3", each with "^" in front. */
static bool parse_item(const char *text, size_t len, size_t *pos, struct vd_cpuset *set)
{
	unsigned first, last;
	bool out;

	skip_blanks(text, len, pos);
	out = *pos < len && text[*pos] == '^';
	*pos += out;
	if (!scan(text, len, pos, &first))
		return false;
	skip_blanks(text, len, pos);
	last = first;
	if (*pos < len && text[*pos] == '-') {
		(*pos)++;
		if (!scan(text, len, pos, &last) || last < first)
			return false;
		skip_blanks(text, len, pos);
	}
	for (unsigned n = first; n <= last;) {
		/* Byte by byte where it can be: a long text of nothing but wide ranges takes as long as these are. */
		bool whole = n % 8 == 0 && last - n >= 7;
		unsigned char bits = whole ? 0xff : (unsigned char)(1u << n % 8);

		if (out)
			set->bits[n / 8] &= (unsigned char)~bits;
		else
			set->bits[n / 8] |= bits;
		n += whole ? 8 : 1;
	}
	return true;
}

int vd_cpuset_parse(const char *text, size_t len, struct vd_cpuset *ret_set)
{
	struct vd_cpuset set = { { 0 } };
	size_t pos = 0;

	skip_blanks(text, len, &pos);
	while (pos < len) {
		if (!parse_item(text, len, &pos, &set))
			return -EINVAL;
		if (pos == len)
			break;
		if (text[pos++] != ',' || pos == len)
			return -EINVAL;
	}
	*ret_set = set;
	return 0;
}

bool vd_cpuset_equal(const struct vd_cpuset *a, const struct vd_cpuset *b)
{
	return !memcmp(a->bits, b->bits, sizeof(a->bits));
}

bool vd_cpuset_is_empty(const struct vd_cpuset *set)
{
	for (size_t i = 0; i < sizeof(set->bits); i++)
		if (set->bits[i])
			return false;
	return true;
}

void vd_cpuset_subtract(struct vd_cpuset *a, const struct vd_cpuset *b)
{
	for (size_t i = 0; i < sizeof(a->bits); i++)
		a->bits[i] &= (unsigned char)~b->bits[i];
}

char *vd_cpuset_format(const struct vd_cpuset *set)
{
	VD_AUTO_BUF buf = VD_BUF_INIT;

	for (unsigned n = 0; n < VD_CPUSET_MAX; n++) {
		unsigned last = n;

		if (!has(set, n))
			continue;
		while (last + 1 < VD_CPUSET_MAX && has(set, last + 1))
			last++;
		if (vd_buf_addf(&buf, "%s%u", buf.len ? "," : "", n) < 0 ||
		    (last > n && vd_buf_addf(&buf, "-%u", last) < 0))
			return NULL;
		n = last;
	}
	return buf.len ? vd_buf_steal(&buf) : strdup("");
}
