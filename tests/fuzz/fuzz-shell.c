/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words for a shell: a shell reads back exactly the word, as one word, and expands nothing in it. */
#include "fuzz.h"

#include <errno.h>

#include "buf.h"
#include "words.h"

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

/* What is typed is taken apart whatever it is, also in the middle. */
static void check_typed(const char *line, size_t len)
{
	VD_AUTO_STRV words = VD_STRV_INIT;
	struct vd_words_end end;

	if (vd_words_typed(line, len, &words, &end) < 0)
		return;
	FUZZ_CHECK(words.len && end.len >= strlen(words.items[words.len - 1]), "%zu words, the last of %zu bytes",
	           words.len, end.len);
	FUZZ_CHECK(!end.quote || end.quote == '\'' || end.quote == '"', "the quote %#x", end.quote);
}

static void check_commands(const char *line)
{
	VD_AUTO_STRV words = VD_STRV_INIT;

	while (*line) {
		const char *before = line;
		VD_AUTO_ERR err = VD_ERR_INIT;
		int r = vd_words_next(&line, &words, &err);

		fuzz_check_err(r, &err);
		FUZZ_CHECK(line > before && (r == 0 || !*line), "no command is taken off");
	}
}

/* A word that is quoted in any way is read back as it was. */
static void check_word(const char *word)
{
	static const char quotes[] = { 0, '\'', '"' };

	for (size_t i = 0; i < sizeof(quotes) && (*word || quotes[i]); i++) {
		VD_AUTO_BUF line = VD_BUF_INIT;
		VD_AUTO_STRV back = VD_STRV_INIT;
		const char *mark = (const char[]){ quotes[i], '\0' }, *at;

		if (vd_buf_adds(&line, mark) < 0 || vd_words_quote(word, quotes[i], &line) < 0 ||
		    vd_buf_adds(&line, mark) < 0)
			return;
		at = vd_buf_str(&line);
		if (vd_words_next(&at, &back, NULL) == -ENOMEM)
			return;
		FUZZ_CHECK(back.len == 1 && !strcmp(back.items[0], word) && !*at, "%s is not the word %s",
		           vd_buf_str(&line), word);
	}
}

FUZZ_TARGET("shell")
{
	VD_AUTO_FREE char *word = fuzz_string(data, size);
	VD_AUTO_BUF quoted = VD_BUF_INIT, back = VD_BUF_INIT;
	int r = vd_buf_add_shell(&quoted, word);

	check_typed((const char *)data, size);
	check_commands(word);
	check_word(word);
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
