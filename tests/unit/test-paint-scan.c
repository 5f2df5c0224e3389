/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Protects the search for what is worth a colour: whatever the processor can, every place is found, and no character
 * that has to be escaped is missed, wherever in a block it stands and however few bytes may be read behind.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

/* Its parts are tested each for itself, which the program only uses as the processor allows. */
#include "paint-scan.c"

#define SLACK 64

static bool escaped(const char *s)
{
	unsigned char c = (unsigned char)*s;

	return c < 0x20 || c >= 0x7f;
}

static bool begins(const char *s, const char *end, const char *word)
{
	size_t len = strlen(word);

	return (size_t)(end - s) >= len && !memcmp(s, word, len);
}

static const char *const words[] = { "/", ":s0", "me=", "rro", "nno", "nie", "nab", "ail", "fus", "med" };

/* One byte after the other, by the words of the description. */
static size_t slowly(const char *s, size_t len, size_t pos, bool color)
{
	for (; pos < len; pos++) {
		if (escaped(s + pos))
			return pos;
		for (size_t i = 0; color && i < VD_ARRAY_SIZE(words); i++)
			if (begins(s + pos, s + len, words[i]))
				return pos;
	}
	return len;
}

/* How often @scan finds a place later than it is, or something to escape where nothing is, in random lines. */
static unsigned misses(size_t (*scan)(const char *, size_t, size_t, bool, size_t))
{
	static const char letters[] = "aabdeefiilmnnoorrsu/:=0x- \t\033\177\200\377";
	char text[200 + SLACK];
	unsigned wrong = 0;

	srandom(7);
	for (unsigned round = 0; round < 20000; round++) {
		size_t len = (size_t)random() % 200, slack = round & 1 ? SLACK : 0;
		bool color = round & 2;

		for (size_t i = 0; i < sizeof(text); i++)
			text[i] = random() % 64 ? 'x' : letters[(size_t)random() % (sizeof(letters) - 1)];
		for (size_t i = 0; i < 3; i++) {
			const char *word = words[(size_t)random() % VD_ARRAY_SIZE(words)];

			memcpy(text + (size_t)random() % (sizeof(text) - 3), word, strlen(word));
		}
		for (size_t pos = 0; pos < len;) {
			size_t at = scan(text, len, pos, color, slack), wanted = slowly(text, len, pos, color);

			wrong += at > wanted || (!color && at != wanted);
			pos = at + 1;
		}
	}
	return wrong;
}

#ifdef __x86_64__
static size_t scan_wide(const char *s, size_t len, size_t pos, bool color, size_t slack)
{
	return scan_32(s, len, color, slack, &pos) || pos >= len ? pos : slowly(s, len, pos, color);
}
#endif

int main(void)
{
	tap_int(misses(scan_16), 0, "scan: 16 bytes at a time");
	tap_int(misses(vd_paint_scan), 0, "scan: as this processor does it");
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2"))
		tap_int(misses(scan_wide), 0, "scan: 32 bytes at a time");
#endif
	return tap_done();
}
