/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <string.h>

#include "log-internal.h"

/* The longest that a number becomes: 64 bits in decimal, with a sign. */
#define MAX_NUMBER 20

char *vlog_put_number(char *to, unsigned long long number)
{
	char *end = to + 1;

	for (unsigned long long rest = number; rest >= 10; rest /= 10)
		end++;
	for (char *at = end; at > to; number /= 10)
		*--at = (char)('0' + number % 10);
	return end;
}

static char *put_hex(char *to, unsigned long long number)
{
	char *end = to + 1;

	for (unsigned long long rest = number; rest >= 16; rest >>= 4)
		end++;
	for (char *at = end; at > to; number >>= 4)
		*--at = "0123456789abcdef"[number & 15];
	return end;
}

static char *put_signed(char *to, long long number)
{
	if (number < 0)
		*to++ = '-';
	/* Negated as unsigned, where the smallest number has its counterpart. */
	return vlog_put_number(to, number < 0 ? 0 - (unsigned long long)number : (unsigned long long)number);
}

/* How wide an integer argument is; behind the letters for it in a format. */
enum width {
	WIDTH_INT,
	WIDTH_LONG,
	WIDTH_LONG_LONG,
	WIDTH_SIZE
};

static enum width take_width(const char **fmt)
{
	enum width width = WIDTH_INT;

	if (**fmt == 'z') {
		width = WIDTH_SIZE;
		++*fmt;
	} else if (**fmt == 'l') {
		width = *++*fmt == 'l' ? WIDTH_LONG_LONG : WIDTH_LONG;
		*fmt += width == WIDTH_LONG_LONG;
	}
	return width;
}

/* va_list in a structure, so that it is handed on by reference on every machine. */
struct arguments {
	va_list list;
};

static long long take_signed(struct arguments *arguments, enum width width)
{
	switch (width) {
	case WIDTH_LONG:
		return va_arg(arguments->list, long);
	case WIDTH_LONG_LONG:
		return va_arg(arguments->list, long long);
	case WIDTH_SIZE:
		return va_arg(arguments->list, ssize_t);
	default:
		return va_arg(arguments->list, int);
	}
}

static unsigned long long take_unsigned(struct arguments *arguments, enum width width)
{
	switch (width) {
	case WIDTH_LONG:
		return va_arg(arguments->list, unsigned long);
	case WIDTH_LONG_LONG:
		return va_arg(arguments->list, unsigned long long);
	case WIDTH_SIZE:
		return va_arg(arguments->list, size_t);
	default:
		return va_arg(arguments->list, unsigned);
	}
}

/* NULL when it does not fit, or is no string. */
static char *put_string(char *to, const char *end, const char *s)
{
	size_t length = s ? strlen(s) : 0;

	if (!s || length > (size_t)(end - to))
		return NULL;
	memcpy(to, s, length);
	return to + length;
}

/* One conversion, *@fmt behind its '%'. NULL when it is not a plain one or may not fit before @end. */
static char *put_conversion(char *to, const char *end, const char **fmt, struct arguments *arguments)
{
	enum width width = take_width(fmt);
	char kind = *(*fmt)++;

	if (kind == 's')
		return width == WIDTH_INT ? put_string(to, end, va_arg(arguments->list, const char *)) : NULL;
	if (end - to < MAX_NUMBER)
		return NULL;
	switch (kind) {
	case 'd':
	case 'i':
		return put_signed(to, take_signed(arguments, width));
	case 'u':
		return vlog_put_number(to, take_unsigned(arguments, width));
	case 'x':
		return put_hex(to, take_unsigned(arguments, width));
	case '%':
		*to = kind;
		return width == WIDTH_INT ? to + 1 : NULL;
	default:
		return NULL;
	}
}

bool vlog_format_plain(char *to, size_t size, size_t *ret_length, const char *fmt, va_list ap)
{
	const char *start = to, *end = to + size - 1;
	struct arguments arguments;

	va_copy(arguments.list, ap);
	while (to && *fmt) {
		char c = *fmt++;

		if (c == '%')
			to = put_conversion(to, end, &fmt, &arguments);
		else if (to < end)
			*to++ = c;
		else
			to = NULL;
	}
	va_end(arguments.list);
	if (!to)
		return false;
	*to = 0;
	*ret_length = (size_t)(to - start);
	return true;
}
