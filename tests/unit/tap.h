/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The test anything protocol in a few lines. A test program calls the tap_*() checks and ends with
 * `return tap_done();`, which prints the plan and fails when a check failed or none ran.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static unsigned tap_count, tap_failed;

__attribute__((format(printf, 4, 5), unused)) static bool tap_check(bool ok, const char *file, int line,
                                                                    const char *fmt, ...)
{
	va_list ap;

	printf("%s %u - ", ok ? "ok" : "not ok", ++tap_count);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	if (!ok) {
		tap_failed++;
		printf("#   at %s:%d\n", file, line);
	}
	fflush(stdout);
	return ok;
}

/* tap_ok(CONDITION, FORMAT, ...): the format names the situation and the outcome. */
#define tap_ok(cond, ...) tap_check((cond), __FILE__, __LINE__, __VA_ARGS__)

/* tap_str(GOT, WANTED, FORMAT, ...): both may be NULL. */
#define tap_str(got, wanted, ...)                                                                                      \
	do {                                                                                                           \
		const char *tap_g = (got), *tap_w = (wanted);                                                          \
		bool tap_same = tap_g && tap_w ? !strcmp(tap_g, tap_w) : tap_g == tap_w;                               \
		if (!tap_check(tap_same, __FILE__, __LINE__, __VA_ARGS__))                                             \
			printf("#   got \"%s\", wanted \"%s\"\n", tap_g ? tap_g : "(null)", tap_w ? tap_w : "(null)"); \
	} while (0)

/* tap_int(GOT, WANTED, FORMAT, ...) */
#define tap_int(got, wanted, ...)                                                \
	do {                                                                     \
		long long tap_g = (long long)(got), tap_w = (long long)(wanted); \
		if (!tap_check(tap_g == tap_w, __FILE__, __LINE__, __VA_ARGS__)) \
			printf("#   got %lld, wanted %lld\n", tap_g, tap_w);     \
	} while (0)

__attribute__((unused)) static int tap_done(void)
{
	printf("1..%u\n", tap_count);
	return tap_failed || !tap_count ? 1 : 0;
}
