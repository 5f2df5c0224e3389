/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words for a shell: a shell reads back exactly the word, as one word, and expands nothing in it. */
#include "fuzz.h"

#include <errno.h>

#include "buf.h"

/* The characters that mean something to a POSIX shell outside of quotes, at any place or at the start of a word. */
#define SPECIAL " \t\n|&;<>()$`\\\"'*?[]#~=%{}!^"

/* Read one word as a shell would; false when it is not exactly one word of plain text. */
static bool unquote(const char *s, struct vd_buf *word)
{
	if (!*s)
		return false;
	while (*s) {
		if (*s == '\'') {
			const char *end = strchr(s + 1, '\'');

			if (!end || vd_buf_add(word, s + 1, (size_t)(end - s - 1)) < 0)
				return false;
			s = end + 1;
		} else if (*s == '\\' && s[1] && s[1] != '\n') {
			if (vd_buf_addc(word, s[1]) < 0)
				return false;
			s += 2;
		} else if (strchr(SPECIAL, *s) && !(*s == '=' || *s == '%')) {
			return false;
		} else {
			if (vd_buf_addc(word, *s++) < 0)
				return false;
		}
	}
	return true;
}

static bool has_control(const char *s)
{
	for (; *s; s++)
		if ((uint8_t)*s < 0x20 || *s == 0x7f)
			return true;
	return false;
}

FUZZ_TARGET("shell")
{
	VD_AUTO_FREE char *word = fuzz_string(data, size);
	VD_AUTO_BUF quoted = VD_BUF_INIT, back = VD_BUF_INIT;
	int r = vd_buf_add_shell(&quoted, word);

	if (r == -ENOMEM)
		return 0;
	FUZZ_CHECK(r == 0 || r == -EILSEQ, "returned %d", r);
	FUZZ_CHECK(r == -EILSEQ || !has_control(word), "a control character is let through");
	if (r < 0) {
		FUZZ_CHECK(!quoted.len, "refused, but appended %zu bytes", quoted.len);
		return 0;
	}
	FUZZ_CHECK(unquote(vd_buf_str(&quoted), &back), "%s is not one plain word", vd_buf_str(&quoted));
	FUZZ_CHECK(back.len == strlen(word) && !memcmp(vd_buf_str(&back), word, back.len), "%s reads back as %s",
	           vd_buf_str(&quoted), vd_buf_str(&back));
	return 0;
}
