/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the fuzz targets share. A target is one function that takes any bytes:
 *
 *     FUZZ_TARGET("conf")
 *     {
 *             ... data, size ...
 *             return 0;
 *     }
 *
 * Linked with libFuzzer it is LLVMFuzzerTestOneInput(); with -DFUZZ_REPLAY it registers itself with replay.c, which
 * runs the seeds through all targets. A target checks properties, not only that nothing crashes: FUZZ_CHECK() ends the
 * process with a sentence when one does not hold.
 */

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"

struct fuzz_target {
	const char *name;
	int (*run)(const uint8_t *data, size_t size);
	struct fuzz_target *next;
};
void fuzz_register(struct fuzz_target *target);

#ifdef FUZZ_REPLAY
#define FUZZ_TARGET(NAME)                                               \
	static int fuzz_run(const uint8_t *data, size_t size);          \
	static struct fuzz_target fuzz_self = { NAME, fuzz_run, NULL }; \
	__attribute__((constructor)) static void fuzz_add(void)         \
	{                                                               \
		fuzz_register(&fuzz_self);                              \
	}                                                               \
	static int fuzz_run(const uint8_t *data, size_t size)
#else
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
#define FUZZ_TARGET(NAME) int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
#endif

/* FUZZ_CHECK(CONDITION, FORMAT, ...): the format says what does not hold. */
#define FUZZ_CHECK(cond, ...)                                                      \
	do {                                                                       \
		if (!(cond)) {                                                     \
			printf("# property fails at %s:%d: ", __FILE__, __LINE__); \
			printf(__VA_ARGS__);                                       \
			putchar('\n');                                             \
			fflush(stdout);                                            \
			abort();                                                   \
		}                                                                  \
	} while (0)

/* The input as a C string that ends at its first NUL, in memory of exactly that size. The caller frees it. */
__attribute__((unused)) static char *fuzz_string(const uint8_t *data, size_t size)
{
	size_t len = size ? strnlen((const char *)data, size) : 0;
	char *s = malloc(len + 1);

	if (!s)
		exit(0);
	if (len)
		memcpy(s, data, len);
	s[len] = '\0';
	return s;
}

/* The next piece of the input, up to a NUL byte or the end, as a C string; moves on behind it. The caller frees it. */
__attribute__((unused)) static char *fuzz_piece(const uint8_t **data, size_t *size)
{
	char *s = fuzz_string(*data, *size);
	size_t used = strlen(s);

	used += used < *size;
	*data += used;
	*size -= used;
	return s;
}

/* Make an empty directory, its name to @dir of 64 bytes; returns it opened. It stays until @at_exit removes it. */
__attribute__((unused)) static int fuzz_dir(char *dir, void (*at_exit)(void))
{
	int fd;

	snprintf(dir, 64, "/tmp/virtdiag-fuzz-XXXXXX");
	fd = mkdtemp(dir) ? open(dir, O_DIRECTORY | O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0)
		exit(3);
	atexit(at_exit);
	return fd;
}

/* A function that returned @r < 0 must have filled in @err, and one that succeeded must not have left an error. */
__attribute__((unused)) static void fuzz_check_err(int r, const struct vd_err *err)
{
	if (r < 0) {
		FUZZ_CHECK(err->code == -r, "returned %d, but the error has code %d", r, err->code);
		FUZZ_CHECK(err->text && *err->text, "returned %d without a sentence", r);
	} else {
		FUZZ_CHECK(!err->code, "succeeded with error %d: %s", err->code, vd_err_text(err));
	}
}

/*
 * A second opinion on UTF-8 (RFC 3629, section 4), written as its table says: the length of the character at @p, 0 when
 * there is none.
 */
__attribute__((unused)) static size_t fuzz_utf8(const char *s, size_t len)
{
	static const struct {
		uint8_t first, last, low, high; /* range of the first byte, range of the second */
		size_t length;
	} rows[] = {
		{ 0x00, 0x7f, 0x00, 0x00, 1 }, { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};
	const uint8_t *p = (const uint8_t *)s;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && len; i++) {
		if (p[0] < rows[i].first || p[0] > rows[i].last)
			continue;
		if (rows[i].length > len || (rows[i].length > 1 && (p[1] < rows[i].low || p[1] > rows[i].high)))
			return 0;
		for (size_t k = 2; k < rows[i].length; k++)
			if (p[k] < 0x80 || p[k] > 0xbf)
				return 0;
		return rows[i].length;
	}
	return 0;
}

/* What may reach a terminal: printable UTF-8 without C0, DEL and C1 controls. */
__attribute__((unused)) static void fuzz_check_printable(const char *s, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = fuzz_utf8(s + i, len - i);
		uint8_t c = (uint8_t)s[i];

		FUZZ_CHECK(n, "byte %#x at %zu is not UTF-8", c, i);
		FUZZ_CHECK(c >= 0x20 && c != 0x7f, "control character %#x at %zu", c, i);
		FUZZ_CHECK(c != 0xc2 || (uint8_t)s[i + 1] >= 0xa0, "C1 control character at %zu", i);
		i += n;
	}
}
