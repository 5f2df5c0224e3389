/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Protects lib/words: what a typed line means, where its last word stands, and quoting that reads back as it was. */
#include <errno.h>
#include <stdlib.h>

#include "tap.h"
#include "words.h"

/* The words as "<a><b c>". */
static char *shown(const struct vd_strv *words)
{
	VD_AUTO_BUF buf = VD_BUF_INIT;

	for (size_t i = 0; i < words->len; i++)
		if (vd_buf_addf(&buf, "<%s>", words->items[i]) < 0)
			return NULL;
	return strdup(vd_buf_str(&buf));
}

static void test_next(void)
{
	static const struct {
		const char *line, *words, *rest;
	} cases[] = {
		{ "", "", "" },
		{ "  \t ", "", "" },
		{ "guests", "<guests>", "" },
		{ " selinux  check\tweb01 ", "<selinux><check><web01>", "" },
		{ "a 'b c' d", "<a><b c><d>", "" },
		{ "a \"b c\"", "<a><b c>", "" },
		{ "a b\\ c", "<a><b c>", "" },
		{ "a '' \"\"", "<a><><>", "" },
		{ "x'y'\"z\"\\w", "<xyzw>", "" },
		{ "'a\"b' \"a'b\"", "<a\"b><a'b>", "" },
		{ "\"a\\\"b\\\\c\\$d\\`e\\nf\"", "<a\"b\\c$d`e\\nf>", "" },
		{ "'a\\b'", "<a\\b>", "" },
		{ "guests; daemons", "<guests>", " daemons" },
		{ "guests ';' x", "<guests><;><x>", "" },
		{ ";x", "", "x" },
		{ "guests # all of them", "<guests>", "" },
		{ "# a; b", "", "" },
		{ "web#1 x", "<web#1><x>", "" },
		{ "a\nb", "<a>", "b" },
		{ "a # c\nb", "<a>", "b" },
		{ "'a\nb'", "<a\nb>", "" },
		{ "a\r", "<a>", "" },
		{ "a \\\n  b", "<a><b>", "" },
		{ "a\\\nb", "<ab>", "" },
		{ "$HOME `x` *.img ! ( ) { }", "<$HOME><`x`><*.img><!><(><)><{><}>", "" },
		{ "~ ~/x ~root '~/x' \\~/x a~/x", "</h></h/x><~root><~/x><~/x><a~/x>", "" },
		{ "~/'a b' y", "</h/a b><y>", "" },
		{ "'1:qemu 3:util.json'", "<1:qemu 3:util.json>", "" },
	};

	setenv("HOME", "/h", 1);
	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_STRV words = VD_STRV_INIT;
		VD_AUTO_ERR err = VD_ERR_INIT;
		VD_AUTO_FREE char *got = NULL;
		const char *line = cases[i].line;

		tap_int(vd_words_next(&line, &words, &err), 0, "next: %zu: succeeds", i);
		got = shown(&words);
		tap_str(got, cases[i].words, "next: %zu: the words", i);
		tap_str(line, cases[i].rest, "next: %zu: what is left", i);
	}
}

static void test_errors(void)
{
	static const struct {
		const char *line, *part;
	} cases[] = {
		{ "a 'b", "quote ' is not closed" },
		{ "a \"b", "quote \" is not closed" },
		{ "a \\", "backslash" },
		{ "logs show web01 | grep x", "'|' is not possible" },
		{ "guests > /tmp/x", "'>' is not possible" },
		{ "guests && daemons", "'&' is not possible" },
		{ "a <b", "'<' is not possible" },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_STRV words = VD_STRV_INIT;
		VD_AUTO_ERR err = VD_ERR_INIT;
		const char *line = cases[i].line;

		tap_int(vd_words_next(&line, &words, &err), -EINVAL, "error: %s: told", cases[i].line);
		tap_ok(strstr(vd_err_text(&err), cases[i].part), "error: %s: '%s' says '%s'", cases[i].line,
		       vd_err_text(&err), cases[i].part);
		tap_str(line, "", "error: %s: nothing is left", cases[i].line);
	}
}

static void test_typed(void)
{
	static const struct {
		const char *line, *words;
		char quote;
		size_t len;
	} cases[] = {
		{ "", "<>", 0, 0 },
		{ "sel", "<sel>", 0, 3 },
		{ "selinux ", "<selinux><>", 0, 0 },
		{ "filters check '1:qemu 3:sec", "<filters><check><1:qemu 3:sec>", '\'', 12 },
		{ "filters check \"1:", "<filters><check><1:>", '"', 2 },
		{ "guests web\\ 0", "<guests><web 0>", 0, 5 },
		{ "guests 'web 01'", "<guests><web 01>", 0, 6 },
		{ "guests web\\", "<guests><web>", 0, 3 },
		{ "guests; dae", "<dae>", 0, 3 },
		{ "guests;", "<>", 0, 0 },
		{ "guests | gre", "<gre>", 0, 3 },
		{ "~/x", "<~/x>", 0, 3 },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_STRV words = VD_STRV_INIT;
		VD_AUTO_FREE char *got = NULL;
		struct vd_words_end end = { 0 };

		tap_int(vd_words_typed(cases[i].line, strlen(cases[i].line), &words, &end), 0, "typed: %s: succeeds",
		        cases[i].line);
		got = shown(&words);
		tap_str(got, cases[i].words, "typed: %s: the words", cases[i].line);
		tap_int(end.quote, cases[i].quote, "typed: %s: the open quote", cases[i].line);
		tap_int(end.len, cases[i].len, "typed: %s: the length of the last word", cases[i].line);
	}
}

/* Every word, quoted in each way, is read back as it was. */
static void test_quote(void)
{
	static const char *const words[] = { "web01",    "web 01", "it's", "a\"b",        "$HOME", "a\\b",
		                             "x;y|z&<>", "#1",     "~/x",  "b\xc3\xbcro", "`id`",  "1:qemu 3:a",
		                             "\\",       "a\tb",   "a\nb", "\r" };
	static const char quotes[] = { 0, '\'', '"' };

	for (size_t i = 0; i < VD_ARRAY_SIZE(words); i++) {
		for (size_t k = 0; k < VD_ARRAY_SIZE(quotes); k++) {
			VD_AUTO_BUF line = VD_BUF_INIT;
			VD_AUTO_STRV back = VD_STRV_INIT;
			VD_AUTO_ERR err = VD_ERR_INIT;
			char mark[2] = { quotes[k], 0 };
			const char *p;
			int rc = vd_buf_adds(&line, mark);

			rc = rc < 0 ? rc : vd_words_quote(words[i], quotes[k], &line);
			rc = rc < 0 ? rc : vd_buf_adds(&line, mark);
			p = vd_buf_str(&line);
			rc = rc < 0 ? rc : vd_words_next(&p, &back, &err);
			tap_int(rc, 0, "quote: %zu in %s: reads back", i, *mark ? mark : "none");
			tap_int(back.len, 1, "quote: %zu in %s: one word", i, *mark ? mark : "none");
			tap_str(back.len ? back.items[0] : NULL, words[i], "quote: %zu in %s: the same word", i,
			        *mark ? mark : "none");
		}
	}
}

int main(void)
{
	test_next();
	test_errors();
	test_typed();
	test_quote();
	return tap_done();
}
