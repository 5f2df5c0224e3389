/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Patterns of filters against a second matcher, written as a table of dynamic programming. Input: PATTERN NUL NAME. */
#include "fuzz.h"

#include "log-grammar.h"
#include "macros.h"

#define MAX 128

static bool is_utf8(const char *s)
{
	for (size_t i = 0, len = strlen(s), n; i < len; i += n) {
		n = fuzz_utf8(s + i, len - i);
		if (!n)
			return false;
	}
	return true;
}

/* Cut @s into characters: offsets of their starts, one more for the end. A byte that is not UTF-8 counts as one. */
static size_t characters(const char *s, size_t starts[MAX + 1])
{
	size_t len = strlen(s), n = 0;

	for (size_t i = 0; i < len && n < MAX;) {
		size_t c = fuzz_utf8(s + i, len - i);

		starts[n++] = i;
		i += c ? c : 1;
		starts[n] = i;
	}
	if (!n)
		starts[0] = 0;
	return n;
}

static bool same(const char *a, size_t a_len, const char *b, size_t b_len)
{
	return a_len == b_len && !memcmp(a, b, a_len);
}

/* row[j]: the pattern so far matches the first j characters of the name. */
static bool matches(const char *pattern, const char *name)
{
	size_t p[MAX + 1], t[MAX + 1], np = characters(pattern, p), nt = characters(name, t);
	bool row[MAX + 1];

	for (size_t j = 0; j <= nt; j++)
		row[j] = true; /* the star in front */
	for (size_t i = 0; i < np; i++) {
		char c = pattern[p[i]];
		bool next[MAX + 1];

		next[0] = c == '*' && row[0];
		for (size_t j = 1; j <= nt; j++) {
			if (c == '*')
				next[j] = row[j] || next[j - 1];
			else
				next[j] = row[j - 1] && (c == '?' || same(pattern + p[i], p[i + 1] - p[i],
				                                          name + t[j - 1], t[j] - t[j - 1]));
		}
		memcpy(row, next, sizeof(row));
	}
	for (size_t j = 0; j <= nt; j++) /* the star behind */
		if (row[j])
			return true;
	return false;
}

FUZZ_TARGET("log-pattern")
{
	VD_AUTO_FREE char *pattern = fuzz_piece(&data, &size);
	VD_AUTO_FREE char *name = fuzz_string(data, size);
	bool got = vlog_pattern_matches(pattern, strlen(pattern), name);

	/* A pattern that is not UTF-8 is compared byte by byte, as GLib does, and may match half a character. */
	if (strlen(pattern) >= MAX || strlen(name) >= MAX || !is_utf8(pattern))
		return 0;
	FUZZ_CHECK(got == matches(pattern, name), "\"%s\" against \"%s\" gives %d", pattern, name, got);
	return 0;
}
