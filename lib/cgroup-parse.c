/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cgroup-parse.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "vlog.h"

VLOG_CATEGORY("virtdiag.cgroup-parse");

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits from @text on, saturating; the number of bytes used, 0 when there is none. */
static size_t scan_number(const char *text, size_t len, int64_t *ret_number)
{
	int64_t n = 0;
	size_t i = 0;

	for (; i < len && is_digit(text[i]); i++) {
		int digit = text[i] - '0';

		n = n > (INT64_MAX - digit) / 10 ? INT64_MAX : n * 10 + digit;
	}
	if (i)
		*ret_number = n;
	return i;
}

static size_t trimmed(const char *text, size_t len)
{
	while (len && (text[len - 1] == '\n' || text[len - 1] == ' '))
		len--;
	return len;
}

int vd_cgroup_parse_number(const char *text, size_t len, int64_t *ret_number)
{
	int64_t n = 0;

	len = trimmed(text, len);
	if (!len || scan_number(text, len, &n) != len) {
		VLOG_DEBUG("not a number: %.*s", (int)(len < 40 ? len : 40), text);
		return -EINVAL;
	}
	*ret_number = n;
	return 0;
}

int vd_cgroup_parse_limit(const char *text, size_t len, int64_t *ret_limit)
{
	int64_t n = 0;
	int r;

	len = trimmed(text, len);
	if (len == 3 && !memcmp(text, "max", 3)) {
		*ret_limit = -1;
		return 0;
	}
	if (len > 1 && text[0] == '-') {
		r = vd_cgroup_parse_number(text + 1, len - 1, &n);
		n = -1;
	} else {
		r = vd_cgroup_parse_number(text, len, &n);
		if (n >= INT64_C(1) << 62)
			n = -1;
	}
	if (!r)
		*ret_limit = n;
	return r;
}

/* Split the line at *@pos into key and value and move on. */
static bool next_pair(const char *text, size_t len, size_t *pos, struct vd_field *key, struct vd_field *value)
{
	struct vd_field line;
	const char *end, *space;

	if (*pos >= len)
		return false;
	line.s = text + *pos;
	end = memchr(line.s, '\n', len - *pos);
	line.len = end ? (size_t)(end - line.s) : len - *pos;
	*pos += line.len + (end ? 1 : 0);
	space = line.len ? memchr(line.s, ' ', line.len) : NULL;
	key->s = line.s;
	key->len = space ? (size_t)(space - line.s) : line.len;
	value->s = space ? space + 1 : line.s + line.len;
	value->len = space ? line.len - key->len - 1 : 0;
	return true;
}

int vd_cgroup_parse_keyed(const char *text, size_t len, const char *key, int64_t *ret_value)
{
	struct vd_field name, value;
	size_t pos = 0;

	while (next_pair(text, len, &pos, &name, &value))
		if (vd_field_is(&name, key))
			return vd_cgroup_parse_number(value.s, value.len, ret_value);
	return -ENOENT;
}

void vd_cgroup_parse_cpu_stat(const char *text, size_t len, struct vd_cgroup_cpu_stat *ret_stat)
{
	struct vd_cgroup_cpu_stat stat = { -1, -1, -1, -1 };
	struct vd_field key, value;
	size_t pos = 0;

	while (next_pair(text, len, &pos, &key, &value)) {
		int64_t n;

		if (vd_cgroup_parse_number(value.s, value.len, &n) < 0)
			continue;
		if (vd_field_is(&key, "usage_usec"))
			stat.usage_usec = n;
		else if (vd_field_is(&key, "nr_periods"))
			stat.nr_periods = n;
		else if (vd_field_is(&key, "nr_throttled"))
			stat.nr_throttled = n;
		else if (vd_field_is(&key, "throttled_usec"))
			stat.throttled_usec = n;
		else if (vd_field_is(&key, "throttled_time"))
			stat.throttled_usec = n / 1000;
	}
	*ret_stat = stat;
}

int vd_cgroup_parse_pressure(const char *text, size_t len, double *ret_avg10)
{
	static const char head[] = "some avg10=";
	size_t skip = sizeof(head) - 1, used, digits;
	int64_t whole = 0, part = 0;

	if (len <= skip || memcmp(text, head, skip))
		return -EINVAL;
	text += skip;
	len -= skip;
	used = scan_number(text, len, &whole);
	if (!used || used == len || text[used] != '.')
		return -EINVAL;
	/* The kernel always writes two decimals. */
	digits = scan_number(text + used + 1, len - used - 1, &part);
	if (digits != 2 || whole > 1000)
		return -EINVAL;
	*ret_avg10 = (double)(whole * 100 + part) / 100.0;
	return 0;
}

int vd_cgroup_parse_freezer(const char *text, size_t len, bool *ret_frozen)
{
	struct vd_field word = { text, trimmed(text, len) };
	bool frozen = vd_field_is(&word, "FROZEN") || vd_field_is(&word, "FREEZING");

	if (!frozen && !vd_field_is(&word, "THAWED"))
		return -EINVAL;
	*ret_frozen = frozen;
	return 0;
}

int vd_cgroup_next_id(const char *text, size_t len, size_t *pos, pid_t *ret_id)
{
	while (*pos < len) {
		const char *line = text + *pos, *end = memchr(line, '\n', len - *pos);
		size_t n = end ? (size_t)(end - line) : len - *pos;
		int64_t id = 0;

		*pos += n + (end ? 1 : 0);
		if (n && scan_number(line, n, &id) == n && id > 0 && id <= INT_MAX) {
			*ret_id = (pid_t)id;
			return 1;
		}
	}
	return 0;
}

/* "ID:CONTROLLERS:PATH"; a path may hold colons, controllers may not. */
static bool split_membership(const char *line, size_t len, struct vd_cgroup_membership *ret)
{
	int64_t id = 0;
	size_t used = scan_number(line, len, &id);
	const char *colon;

	if (!used || used == len || line[used] != ':' || id > INT_MAX)
		return false;
	line += used + 1;
	len -= used + 1;
	colon = memchr(line, ':', len);
	if (!colon || (size_t)(colon - line) + 1 == len || colon[1] != '/')
		return false;
	ret->hierarchy = (int)id;
	ret->controllers = (struct vd_field){ line, (size_t)(colon - line) };
	ret->path = (struct vd_field){ colon + 1, len - (size_t)(colon - line) - 1 };
	return true;
}

int vd_cgroup_next_membership(const char *text, size_t len, size_t *pos, struct vd_cgroup_membership *ret_line)
{
	while (*pos < len) {
		const char *line = text + *pos, *end = memchr(line, '\n', len - *pos);
		size_t n = end ? (size_t)(end - line) : len - *pos;

		*pos += n + (end ? 1 : 0);
		if (split_membership(line, n, ret_line))
			return 1;
	}
	return 0;
}

bool vd_cgroup_list_has(const struct vd_field *list, const char *word)
{
	for (size_t i = 0; i < list->len;) {
		const char *start = list->s + i, *comma = memchr(start, ',', list->len - i);
		struct vd_field item = { start, comma ? (size_t)(comma - start) : list->len - i };

		if (vd_field_is(&item, word))
			return true;
		i += item.len + 1;
	}
	return false;
}
