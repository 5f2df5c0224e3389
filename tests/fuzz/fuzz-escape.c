/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text for terminals: nothing that controls or misleads, valid UTF-8, and what is harmless already stays as it is. */
#include "fuzz.h"

#include "buf.h"

/*
 * The character of @n bytes has no width or turns the direction of what follows: zero-width spaces, joiners and marks
 * (U+200B to U+200F), separators, embeddings and overrides (U+2028 to U+202E), isolates (U+2066 to U+2069), U+FEFF.
 */
static bool misleads(const char *s, size_t n)
{
	uint8_t last = n == 3 ? (uint8_t)s[2] : 0;

	if (n != 3)
		return false;
	if (!memcmp(s, "\xe2\x80", 2))
		return (last >= 0x8b && last <= 0x8f) || (last >= 0xa8 && last <= 0xae);
	return (!memcmp(s, "\xe2\x81", 2) && last >= 0xa6 && last <= 0xa9) || !memcmp(s, "\xef\xbb\xbf", 3);
}

/* Harmless: printable UTF-8 throughout. */
static bool is_plain(const char *s, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		n = fuzz_utf8(s + i, len - i);
		if (!n || (uint8_t)s[i] < 0x20 || s[i] == 0x7f || (s[i] == '\xc2' && (uint8_t)s[i + 1] < 0xa0) ||
		    misleads(s + i, n))
			return false;
	}
	return true;
}

static void check_utf8(const char *s, size_t len)
{
	bool valid = true;

	for (size_t i = 0; i < len;) {
		unsigned c = 0;
		size_t mine = fuzz_utf8(s + i, len - i), theirs = vd_utf8_next(s + i, len - i, &c);

		FUZZ_CHECK(mine == theirs, "character at %zu has %zu bytes, not %zu", i, mine, theirs);
		FUZZ_CHECK(!theirs || (c <= 0x10ffff && (c < 0xd800 || c > 0xdfff)), "character %#x", c);
		valid &= mine > 0;
		i += mine ? mine : 1;
	}
	FUZZ_CHECK(vd_utf8_valid(s, len) == valid, "valid: %d", valid);
}

FUZZ_TARGET("escape")
{
	VD_AUTO_BUF out = VD_BUF_INIT;
	const char *s = (const char *)data;

	check_utf8(s, size);
	if (vd_buf_add_escaped(&out, s, size) < 0)
		return 0;
	fuzz_check_printable(vd_buf_str(&out), out.len);
	FUZZ_CHECK(is_plain(vd_buf_str(&out), out.len), "what came out misleads");
	FUZZ_CHECK(out.len >= size && out.len <= size * 4, "%zu bytes became %zu", size, out.len);
	if (is_plain(s, size))
		FUZZ_CHECK(out.len == size && (!size || !memcmp(out.data, s, size)), "plain text was changed");
	return 0;
}
