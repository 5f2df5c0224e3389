/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A message of any bytes becomes one line of printable UTF-8, or of tabs, that nothing in it can break or forge. */
#include "fuzz.h"

#include <stdarg.h>

#include "log-internal.h"

VD_PRINTF(2, 3) static void format(struct vlog_line *line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog_line_format(line, fmt, ap);
	va_end(ap);
}

static void check_safe(const char *s, size_t len)
{
	const char *tab;

	for (; (tab = memchr(s, '\t', len)) != NULL; len -= (size_t)(tab - s) + 1, s = tab + 1)
		fuzz_check_printable(s, (size_t)(tab - s));
	fuzz_check_printable(s, len);
}

FUZZ_TARGET("log-message")
{
	VD_AUTO_FREE char *text = fuzz_string(data, size);
	VD_AUTO_FREE char *escaped = malloc(size * 4 + 1);
	const struct timespec time = { 1700000000, 123456789 };
	VLOG_AUTO_LINE line;
	size_t n;

	vlog_line_start(&line, &time, VLOG_LEVEL_INFO, "function", 12);
	if (size & 1)
		format(&line, "%s", text);
	else
		vlog_line_append(&line, (const char *)data, size);
	vlog_line_make_safe(&line);
	FUZZ_CHECK(line.safe_length && line.safe[line.safe_length - 1] == '\n', "the line has no end");
	FUZZ_CHECK(!memchr(line.safe, '\n', line.safe_length - 1), "the message became two lines");
	FUZZ_CHECK(line.text <= line.length && line.stamp <= line.text, "the parts are not in order");
	check_safe(line.safe, line.safe_length - 1);
	if (!escaped)
		return 0;
	size = strlen(text);
	n = vlog_escape(text, size, escaped, size * 4 + 1);
	FUZZ_CHECK(n <= size * 4 && escaped[n] == '\0', "escaped text of %zu bytes has no end", n);
	check_safe(escaped, n);
	if (size > 1) { /* too little room: characters are left out, never cut */
		n = vlog_escape(text, size, escaped, size / 2 + 1);
		FUZZ_CHECK(n <= size / 2 && escaped[n] == '\0', "escaped text overflows");
		check_safe(escaped, n);
	}
	return 0;
}
