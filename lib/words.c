/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What outside quotes is more than a character. */
#define SPECIAL " \t\n\"'\\;|&<>#~"

/* One character at a time: the state between two of them. */
struct scan {
	struct vd_strv *words;
	struct vd_buf word;
	bool started; /* a word has begun, be it empty: '' */
	bool tilde;   /* it began with an unquoted ~ */
	bool escape;  /* the last character was a backslash that quotes the next */
	char quote;
};

enum end {
	END_NONE,    /* the command goes on */
	END_COMMAND, /* ; or newline */
	END_COMMENT, /* # at the start of a word */
	END_FOREIGN, /* | & < > */
};

static int finish_word(struct scan *s)
{
	int rc = s->started ? vd_strv_addn(s->words, vd_buf_str(&s->word), s->word.len) : 0;

	vd_buf_clear(&s->word);
	s->started = s->tilde = false;
	return rc;
}

static int quoted_char(struct scan *s, char c)
{
	int rc = 0;

	if (s->escape) {
		s->escape = false;
		/* A line that goes on. */
		if (c == '\n' && s->quote != '\'')
			return 0;
		s->started = true;
		/* Inside "..." a backslash quotes these only, and is itself before others. */
		if (s->quote && !strchr("\"\\$`", c))
			rc = vd_buf_addc(&s->word, '\\');
		return rc < 0 ? rc : vd_buf_addc(&s->word, c);
	}
	if (c == s->quote) {
		s->quote = 0;
		return 0;
	}
	if (c == '\\' && s->quote == '"') {
		s->escape = true;
		return 0;
	}
	return vd_buf_addc(&s->word, c);
}

/* Returns a negative errno or an enum end. */
static int next_char(struct scan *s, char c)
{
	int rc;

	if (s->quote || s->escape)
		return quoted_char(s, c);
	switch (c) {
	case ' ':
	case '\t':
	case '\r':
		return finish_word(s);
	case ';':
	case '\n':
		rc = finish_word(s);
		return rc < 0 ? rc : END_COMMAND;
	case '|':
	case '&':
	case '<':
	case '>':
		return END_FOREIGN;
	case '#':
		if (!s->started)
			return END_COMMENT;
		break;
	case '\'':
	case '"':
		s->quote = c;
		s->started = true;
		return 0;
	case '\\':
		s->escape = true;
		return 0;
	case '~':
		s->tilde |= !s->started;
		break;
	default:
		break;
	}
	s->started = true;
	return vd_buf_addc(&s->word, c);
}

/* The home directory for the ~ that the last word began with. */
static int expand_tilde(struct scan *s, size_t n_before)
{
	const char *home = getenv("HOME"), *word;
	VD_AUTO_BUF path = VD_BUF_INIT;
	char *copy;

	if (s->words->len == n_before || !home || !*home)
		return 0;
	word = s->words->items[s->words->len - 1];
	if (word[0] != '~' || (word[1] && word[1] != '/'))
		return 0;
	if (vd_buf_addf(&path, "%s%s", home, word + 1) < 0)
		return -ENOMEM;
	copy = vd_buf_steal(&path);
	if (!copy)
		return -ENOMEM;
	free(s->words->items[s->words->len - 1]);
	s->words->items[s->words->len - 1] = copy;
	return 0;
}

static int take_command(struct scan *s, const char **line, struct vd_err *err)
{
	const char *p = *line;
	int rc = END_NONE;

	for (; *p && rc == END_NONE; p++) {
		size_t before = s->words->len;
		bool tilde = s->tilde;

		rc = next_char(s, *p);
		if (rc >= 0 && tilde && !s->started && expand_tilde(s, before) < 0)
			rc = -ENOMEM;
	}
	if (rc == END_COMMENT) {
		p += strcspn(p, "\n");
		p += *p == '\n';
	}
	*line = rc < 0 || rc == END_FOREIGN ? p + strlen(p) : p;
	if (rc == END_FOREIGN)
		return vd_err_set(err, EINVAL,
		                  "'%c' is not possible here: there are no pipes and redirections; quote it "
		                  "if it is part of a word",
		                  p[-1]);
	return rc < 0 ? rc : 0;
}

int vd_words_next(const char **line, struct vd_strv *words, struct vd_err *err)
{
	struct scan s = { .words = words };
	size_t before;
	bool tilde;
	int rc = take_command(&s, line, err);

	if (rc == 0 && s.quote)
		rc = vd_err_set(err, EINVAL, "the quote %c is not closed", s.quote);
	else if (rc == 0 && s.escape)
		rc = vd_err_set(err, EINVAL, "nothing follows the backslash at the end of the line");
	if (rc == 0) {
		before = words->len;
		tilde = s.tilde;
		rc = finish_word(&s);
		if (rc == 0 && tilde)
			rc = expand_tilde(&s, before);
	}
	vd_buf_release(&s.word);
	return rc == -ENOMEM ? vd_err_set(err, ENOMEM, "out of memory") : rc;
}

int vd_words_typed(const char *line, size_t len, struct vd_strv *words, struct vd_words_end *ret_end)
{
	struct scan s = { .words = words };
	struct vd_words_end end;
	int rc = 0;

	for (size_t i = 0; i < len && rc >= 0; i++) {
		rc = next_char(&s, line[i]);
		/* What stands before belongs to another command. */
		if (rc > 0) {
			vd_strv_release(words);
			vd_buf_clear(&s.word);
			s.started = s.tilde = false;
		}
	}
	end = (struct vd_words_end){ .quote = s.quote, .escape = s.escape, .len = s.word.len };
	s.started = true;
	if (rc >= 0)
		rc = finish_word(&s);
	vd_buf_release(&s.word);
	if (rc < 0)
		return rc;
	*ret_end = end;
	return 0;
}

int vd_words_quote(const char *word, char quote, struct vd_buf *buf)
{
	const char *special = quote == '"' ? "\"\\$`" : SPECIAL;
	int rc = 0;

	for (; *word && rc == 0; word++) {
		if (quote == '\'' && *word == '\'')
			rc = vd_buf_adds(buf, "'\\''");
		else if (!quote && (*word == '\n' || *word == '\r'))
			/* A backslash would take the line's end away. */
			rc = vd_buf_addf(buf, "'%c'", *word);
		else if (quote != '\'' && strchr(special, *word))
			rc = vd_buf_addf(buf, "\\%c", *word);
		else
			rc = vd_buf_addc(buf, *word);
	}
	return rc;
}
