/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A line as a person types it, taken apart into words and put together again: blanks, '...', "..." and backslashes as a
 * POSIX shell has them, and nothing else of a shell: no variables, no patterns, no pipes. Knows nothing of commands.
 */

#include "buf.h"
#include "err.h"

/*
 * Take the first command off *@line: its words are appended to @words, and *@line is advanced behind the `;` or newline
 * that ends it, to the final NUL when it is the last one. A `#` at the start of a word begins a comment up to the end
 * of the line. A leading `~/` outside quotes becomes $HOME. A backslash before a newline takes both away. A command may
 * be empty.
 *
 * Returns 0; -EINVAL with a sentence, for a quote that is not closed, a backslash at the very end, and unquoted
 * characters that only a shell has a meaning for (| & < >); -ENOMEM. *@line is advanced to the end of it then.
 */
int vd_words_next(const char **line, struct vd_strv *words, struct vd_err *err) VD_MUST_CHECK;

/* Where a line that is still being typed ends. */
struct vd_words_end {
	char quote;  /* the quote that is open: ' or ", 0 none */
	bool escape; /* a backslash stands at the very end: the next character is quoted */
	size_t len;  /* length of the last word so far, quotes removed */
};
/*
 * The words of the last command in the first @len bytes of @line, the word at the end last: "" when a blank stands
 * before the end. Never an error: a line that is being typed is often incomplete. A `~` stays as it is. 0, -ENOMEM.
 */
int vd_words_typed(const char *line, size_t len, struct vd_strv *words, struct vd_words_end *ret_end) VD_MUST_CHECK;

/*
 * Append @word as it must be typed behind what is there: inside the open quote @quote (' or "), without its closing
 * one, or with backslashes when @quote is 0. vd_words_next() reads the same word back.
 */
int vd_words_quote(const char *word, char quote, struct vd_buf *buf) VD_MUST_CHECK;
