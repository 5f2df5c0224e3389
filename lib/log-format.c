/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log-internal.h"

/* A function name longer than this is cut; together with the other parts the head always fits on the stack. */
#define MAX_FUNCTION 200

#define ZONE        "+0000: "
#define LAST_SECOND 253402300799 /* 9999-12-31 23:59:59 */

/* What the lines of a thread have in common, worked out once a second, or once a thread, not once a message. */
static __thread struct {
	time_t second;
	char text[20];    /* the time of day up to @second, without a NUL; empty: not worked out */
	char id[32];      /* what follows the milliseconds: "+0000: TID: " */
	size_t id_length; /* 0: not worked out */
} cached;

static char *put_digits(char *to, unsigned number, unsigned width)
{
	for (unsigned i = width; i--; number /= 10)
		to[i] = (char)('0' + number % 10);
	return to + width;
}

static char *put(char *to, const char *s, size_t length)
{
	memcpy(to, s, length);
	return to + length;
}

/*
 * "YYYY-MM-DD HH:MM:SS." in UTC, without a NUL. Not gmtime_r(): it takes a lock inside libc that the child of a fork
 * can find locked for ever. Years are counted from March, so that the leap day is the last one.
 */
static void format_second(time_t second, char *to)
{
	long days = (long)(second / 86400) + 719468, of_day = (long)(second % 86400); /* since 0000-03-01 */
	long era = days / 146097, of_era = days % 146097;
	long year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	long of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	long from_march = (5 * of_year + 2) / 153, day = of_year - (153 * from_march + 2) / 5 + 1;
	long month = from_march < 10 ? from_march + 3 : from_march - 9;
	long year = era * 400 + year_of_era + (month <= 2);

	to = put_digits(to, (unsigned)year, 4);
	*to++ = '-';
	to = put_digits(to, (unsigned)month, 2);
	*to++ = '-';
	to = put_digits(to, (unsigned)day, 2);
	*to++ = ' ';
	to = put_digits(to, (unsigned)of_day / 3600, 2);
	*to++ = ':';
	to = put_digits(to, (unsigned)of_day / 60 % 60, 2);
	*to++ = ':';
	to = put_digits(to, (unsigned)of_day % 60, 2);
	*to = '.';
}

static void format_id(void)
{
	char *to = put(cached.id, ZONE, sizeof(ZONE) - 1);

	to = vlog_put_number(to, (unsigned long)syscall(SYS_gettid));
	cached.id_length = (size_t)(put(to, ": ", 2) - cached.id);
}

/* "TIME: TID: " */
static char *put_time_and_id(char *to, const struct timespec *time)
{
	time_t second = time->tv_sec < 0 ? 0 : time->tv_sec > LAST_SECOND ? LAST_SECOND : time->tv_sec;

	if (second != cached.second || !cached.text[0]) {
		format_second(second, cached.text);
		cached.second = second;
	}
	if (!cached.id_length)
		format_id();
	to = put(to, cached.text, sizeof(cached.text));
	to = put_digits(to, (unsigned)time->tv_nsec / 1000000, 3);
	/* All of it, which is quicker: there is room, and the rest is overwritten. */
	memcpy(to, cached.id, sizeof(cached.id));
	return to + cached.id_length;
}

void vlog_forget_thread_id(void)
{
	cached.id_length = 0;
}

void vlog_line_start(struct vlog_line *line, const struct timespec *time, unsigned level, const char *function,
                     int number)
{
	const char *name = vlog_level_name(level);
	char *to = line->stack;

	line->raw = line->stack;
	line->safe = NULL;
	line->time = *time;
	to = put_time_and_id(to, time);
	line->stamp = sizeof(cached.text) + 3 + sizeof(ZONE) - 1;
	to = put(to, name, strlen(name));
	to = put(to, " : ", 3);
	if (function) {
		to = put(to, function, strnlen(function, MAX_FUNCTION));
		*to++ = ':';
		to = vlog_put_number(to, number > 0 ? (unsigned)number : 0);
		to = put(to, " : ", 3);
	}
	*to = 0;
	line->text = line->length = (size_t)(to - line->stack);
}

/* Makes room for @length bytes of message with what follows: a NUL or a newline. What does not fit is cut. */
static size_t make_room(struct vlog_line *line, size_t length)
{
	size_t room = sizeof(line->stack) - line->text - 1;
	char *heap;

	if (length <= room)
		return length;
	heap = malloc(line->text + length + 1);
	if (!heap)
		return room;
	memcpy(heap, line->stack, line->text);
	line->raw = heap;
	return length;
}

void vlog_line_append(struct vlog_line *line, const char *text, size_t length)
{
	length = make_room(line, length);
	memcpy(line->raw + line->text, text, length);
	line->length = line->text + length;
	line->raw[line->length] = 0;
}

static void cut_newline(struct vlog_line *line)
{
	if (line->length > line->text && line->raw[line->length - 1] == '\n')
		line->raw[--line->length] = 0;
}

void vlog_line_format(struct vlog_line *line, const char *fmt, va_list ap)
{
	va_list again;
	int length;
	size_t got;

	if (vlog_format_plain(line->raw + line->text, sizeof(line->stack) - line->text, &got, fmt, ap)) {
		line->length = line->text + got;
		cut_newline(line);
		return;
	}
	va_copy(again, ap);
	length = vsnprintf(line->raw + line->text, sizeof(line->stack) - line->text, fmt, ap);
	if (length < 0) {
		/* A wide string that cannot be converted, or more than 2 GB: the format still says what it was. */
		vlog_line_append(line, fmt, strlen(fmt));
	} else {
		got = make_room(line, (size_t)length);
		if (line->raw != line->stack)
			vsnprintf(line->raw + line->text, got + 1, fmt, again);
		line->length = line->text + got;
	}
	va_end(again);
	cut_newline(line);
}

/*
 * How many bytes at @s can be shown as they are: 0 when the first one must be escaped. Bytes 0x80 to 0x9f, alone or as
 * the UTF-8 of U+0080 to U+009F, are control characters to many terminals.
 */
static size_t printable(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;

	if (u[0] < 0x80)
		return (u[0] >= ' ' && u[0] != 0x7f) || u[0] == '\t';
	return u[0] == 0xc2 && u[1] < 0xa0 ? 0 : vlog_utf8_length(s);
}

/* The escape for a byte, in @to. Returns its length. */
static size_t escape_byte(unsigned char byte, char *to)
{
	static const char hex[] = "0123456789abcdef";

	to[0] = '\\';
	if (byte == '\n' || byte == '\r') {
		to[1] = byte == '\n' ? 'n' : 'r';
		return 2;
	}
	to[1] = 'x';
	to[2] = hex[byte >> 4];
	to[3] = hex[byte & 15];
	return 4;
}

size_t vlog_escape(const char *s, size_t length, char *to, size_t size)
{
	size_t used = 0;

	for (size_t i = 0, step; i < length; i += step) {
		char escaped[4];
		const char *from = s + i;
		size_t width;

		step = width = printable(from);
		if (!width || width > length - i) {
			width = escape_byte((unsigned char)s[i], escaped);
			from = escaped;
			step = 1;
		}
		if (used + width + 1 > size)
			break;
		memcpy(to + used, from, width);
		used += width;
	}
	to[used] = 0;
	return used;
}

/* Whether each of 8 bytes is from ' ' to '~'. One that is not sets the top bit of a byte in one of the three ways. */
static bool all_plain(const char *s)
{
	uint64_t bytes;

	memcpy(&bytes, s, sizeof(bytes));
	return !((bytes | (bytes + 0x0101010101010101) | (bytes - 0x2020202020202020)) & 0x8080808080808080);
}

static bool all_printable(const char *s, size_t length)
{
	size_t i = 0;

	while (i + 8 <= length && all_plain(s + i))
		i += 8;
	/* The last 8 bytes for the rest, some of them again. */
	if (i + 8 > length && length >= 8 && all_plain(s + length - 8))
		return true;
	for (size_t step; i < length; i += step) {
		step = printable(s + i);
		if (!step)
			return false;
	}
	return true;
}

static void replace_unprintable(char *s, size_t length)
{
	for (size_t i = 0, step; i < length; i += step) {
		step = printable(s + i);
		if (!step) {
			s[i] = '?';
			step = 1;
		}
	}
}

void vlog_line_make_safe(struct vlog_line *line)
{
	size_t length = line->length - line->text, size = line->text + 4 * length + 2;
	bool clean;

	if (line->safe)
		return;
	clean = all_printable(line->raw + line->text, length);
	line->safe = clean ? NULL : malloc(size);
	if (line->safe) {
		memcpy(line->safe, line->raw, line->text);
		line->safe_length = line->text + vlog_escape(line->raw + line->text, length, line->safe + line->text,
		                                             size - line->text);
	} else {
		if (!clean)
			replace_unprintable(line->raw + line->text, length);
		line->safe = line->raw;
		line->safe_length = line->length;
	}
	line->safe[line->safe_length++] = '\n';
}

void vlog_line_release(struct vlog_line *line)
{
	if (line->safe != line->raw)
		free(line->safe);
	if (line->raw != line->stack)
		free(line->raw);
	line->raw = line->safe = NULL;
}

int vlog_fail(struct vlog_error *error, int code, struct vlog_span where, const char *fmt, ...)
{
	va_list ap;

	if (!error)
		return code;
	error->offset = where.offset;
	error->length = where.length;
	va_start(ap, fmt);
	vsnprintf(error->message, sizeof(error->message), fmt, ap);
	va_end(ap);
	return code;
}

int vlog_fail_item(struct vlog_error *error, const char *s, const struct vlog_item *item)
{
	static const char *const why[] = {
		[VLOG_ITEM_MALFORMED] = "has no colon behind its level",
		[VLOG_ITEM_LEVEL] = "does not begin with a level from 1 (debug) to 4 (error)",
		[VLOG_ITEM_MATCH] = "has no name or pattern behind its level",
		[VLOG_ITEM_DESTINATION] = "has none of the destinations stderr, syslog, file, journald",
		[VLOG_ITEM_REQUIREMENT] = "is not LEVEL:stderr, LEVEL:journald, LEVEL:syslog:IDENT or LEVEL:file:PATH",
	};
	char shown[128];

	vlog_escape(s + item->text.offset, item->text.length, shown, sizeof(shown));
	return vlog_fail(error, -EINVAL, item->fault, "'%s' %s", shown, why[item->error]);
}
