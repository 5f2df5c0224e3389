/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mount-unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vlog.h"

VLOG_CATEGORY("virtdiag.mount-unit");

#define BLANKS " \t\r"

/* One line without its end, continued ones joined by a blank; *@at moves behind it. */
static int next_line(const char **at, const char *end, struct vd_buf *line)
{
	bool more = true;
	int r = 0;

	vd_buf_clear(line);
	while (more && *at < end && !r) {
		const char *stop = memchr(*at, '\n', (size_t)(end - *at));
		const char *last = stop ? stop : end;

		more = last > *at && last[-1] == '\\';
		r = vd_buf_add(line, *at, (size_t)(last - *at) - more);
		if (!r && more)
			r = vd_buf_addc(line, ' ');
		*at = stop ? stop + 1 : end;
	}
	return r;
}

/* Cut blanks off both ends, in place. */
static char *trim(char *s)
{
	size_t len;

	s += strspn(s, BLANKS);
	for (len = strlen(s); len && strchr(BLANKS, s[len - 1]); len--)
		;
	s[len] = '\0';
	return s;
}

/* %% is a percent sign; what another specifier stands for only systemd knows: false. */
static bool expand(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (*s == '%' && s[1] != '%')
			return false;
		s += *s == '%';
		*to++ = *s;
	}
	*to = '\0';
	return true;
}

/* "KEY = VALUE" into *@slot. */
static int take(const char *key, char *line, char **slot)
{
	size_t len = strlen(key);
	char *value;

	if (strncmp(line, key, len) != 0)
		return 0;
	value = line + len + strspn(line + len, BLANKS);
	if (*value != '=')
		return 0;
	value = trim(value + 1);
	free(*slot);
	*slot = NULL;
	if (!*value || !expand(value))
		return 0;
	*slot = strdup(value);
	return *slot ? 0 : -ENOMEM;
}

int vd_mount_unit_parse(const char *text, size_t len, struct vd_mount_unit *ret_unit)
{
	VD_CLEANUP(vd_mount_unit_release) struct vd_mount_unit unit = { 0 };
	const char *at = text, *end = text + len;
	VD_AUTO_BUF line = VD_BUF_INIT;
	bool ours = false;
	int r = 0;

	while (at < end && !r) {
		char *s;

		r = next_line(&at, end, &line);
		if (r < 0 || !line.len)
			continue;
		s = trim(line.data);
		if (*s == '[')
			ours = !strcmp(s, "[Mount]");
		else if (ours && (r = take("What", s, &unit.what)) == 0)
			r = take("Where", s, &unit.where);
	}
	if (r < 0)
		return r;
	VLOG_DEBUG("%s on %s", unit.what ? unit.what : "-", unit.where ? unit.where : "-");
	*ret_unit = unit;
	unit = (struct vd_mount_unit){ 0 };
	return 0;
}

void vd_mount_unit_release(struct vd_mount_unit *unit)
{
	free(unit->what);
	free(unit->where);
	*unit = (struct vd_mount_unit){ 0 };
}
