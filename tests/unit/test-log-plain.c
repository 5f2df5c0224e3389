/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Protects the quick ways of composing a line: they must give what vsnprintf(3) and a look at each byte would give. */
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "log-internal.h"
#include "tap.h"

#define SIZE 64

/* Formats both ways. @plain: whether the quick way has to take it. */
VD_PRINTF(2, 3) static void same(bool plain, const char *fmt, ...)
{
	char quick[SIZE], slow[SIZE];
	size_t length = 4711;
	int wanted;
	va_list ap;
	bool taken;

	va_start(ap, fmt);
	taken = vlog_format_plain(quick, sizeof(quick), &length, fmt, ap);
	/* The arguments are still there. */
	wanted = vsnprintf(slow, sizeof(slow), fmt, ap);
	va_end(ap);
	tap_ok(taken == plain, "'%s' -> %s", fmt, plain ? "taken" : "left alone");
	if (taken) {
		tap_int(length, wanted, "'%s' -> length", fmt);
		tap_str(quick, slow, "'%s' -> as vsnprintf", fmt);
	}
}

static void test_conversions(void)
{
	same(true, "%s", "");
	same(true, "guest %s: event %ld of %d", "web01", 4711L, 3);
	same(true, "%d %d %d %d %i", 0, -1, INT_MAX, INT_MIN, 9);
	same(true, "%ld %lld", LONG_MIN, LLONG_MIN);
	same(true, "%ld %lld", LONG_MAX, LLONG_MAX);
	same(true, "%zd %zi", (ssize_t)-1, (ssize_t)INT_MAX);
	same(true, "%u %lu", UINT_MAX, ULONG_MAX);
	same(true, "%llu %zu", ULLONG_MAX, SIZE_MAX);
	same(true, "%x %lx %llx %zx", 0u, 0xfedcba98ul, 0x123456789abcdefull, (size_t)16);
	same(true, "100%% of %s%%", "x");
	for (unsigned long long n = 1; n < ULLONG_MAX / 10; n *= 10)
		same(true, "%llu %llu", n - 1, n);
}

static void test_left_alone(void)
{
	const char *none = NULL;

	same(false, "%5d", 1);
	same(false, "%-5s|", "a");
	same(false, "%.3s", "abcdef");
	same(false, "%.*s", 2, "abcdef");
	same(false, "%02x", 1);
	same(false, "%hhd", (signed char)44);
	same(false, "%p", (void *)&none);
	same(false, "%m");
	same(false, "%c", 'x');
	same(false, "%ls", L"wide");
	same(false, "%.1f", 1.5);
	same(false, "%jd", (intmax_t)1);
	same(false, "%s", none);
}

/* At the end of the buffer: all of it and the NUL fits, or it is not taken. */
VD_PRINTF(3, 4) static bool fits(char *to, size_t size, const char *fmt, ...)
{
	size_t length;
	va_list ap;
	bool taken;

	va_start(ap, fmt);
	taken = vlog_format_plain(to, size, &length, fmt, ap);
	va_end(ap);
	return taken && length == strlen(to) && length < size;
}

/* What a compiler warns of where it can see it. */
static void test_broken(void)
{
	static const char *const formats[] = { "%", "a %l", "a %ll", "a %z", "%ls", "%z%", "%q" };

	for (size_t i = 0; i < VD_ARRAY_SIZE(formats); i++) {
		const char *volatile fmt = formats[i];
		char to[SIZE];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		tap_ok(!fits(to, sizeof(to), fmt, 1), "'%s' -> left alone", fmt);
#pragma GCC diagnostic pop
	}
}

static void test_room(void)
{
	/* Of their own memory, so that a sanitizer sees a byte too many. */
	for (size_t size = 1; size < 40; size++) {
		char *to = malloc(size);

		if (!to)
			abort();
		tap_ok(fits(to, size, "%s", "0123456789") == (size > 10), "a string of 10 into %zu", size);
		tap_ok(fits(to, size, "0123456789") == (size > 10), "10 letters into %zu", size);
		tap_ok(size > 20 || !fits(to, size, "%lld", LLONG_MIN), "a number of 20 into %zu", size);
		tap_ok(size <= 20 || fits(to, size, "%lld", LLONG_MIN), "a number of 20 into %zu", size);
		free(to);
	}
}

/* The line as it is written, of a message of @length letters with @byte at @at. */
static bool escaped(size_t length, size_t at, unsigned char byte)
{
	static const struct timespec time = { 1700000000, 0 };
	VLOG_AUTO_LINE line;
	char text[SIZE];

	memset(text, 'a', length);
	text[length] = 0;
	text[at] = (char)byte;
	vlog_line_start(&line, &time, VLOG_LEVEL_INFO, "f", 1);
	vlog_line_append(&line, text, length);
	vlog_line_make_safe(&line);
	return line.safe != line.raw;
}

/* 8 bytes are looked at in one go: each byte must be seen wherever it stands. */
static void test_each_byte(void)
{
	for (unsigned byte = 1; byte < 256; byte++) {
		bool bad = byte < ' ' ? byte != '\t' : byte >= 0x7f;
		unsigned wrong = 0;

		for (size_t length = 1; length < 27; length++)
			for (size_t at = 0; at < length; at++)
				wrong += escaped(length, at, (unsigned char)byte) != bad;
		tap_int(wrong, 0, "byte 0x%02x -> %s at every place", byte, bad ? "escaped" : "shown");
	}
}

int main(void)
{
	test_conversions();
	test_left_alone();
	test_broken();
	test_room();
	test_each_byte();
	return tap_done();
}
