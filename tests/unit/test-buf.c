/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Protects lib/buf, lib/err, lib/data and lib/near: escaping, quoting, UTF-8, lists, errors, tables, distances. */

#include <errno.h>
#include <stdlib.h>

#include "buf.h"
#include "data.h"
#include "err.h"
#include "near.h"
#include "tap.h"

static void test_escape(void)
{
	static const struct {
		const char *in, *out, *what;
	} cases[] = {
		{ "plain/path.img", "plain/path.img", "plain text stays" },
		{ "b\xc3\xbcro \xe6\x97\xa5", "b\xc3\xbcro \xe6\x97\xa5", "UTF-8 stays" },
		{ "a\nb\tc\x1b[31m", "a\\nb\\tc\\e[31m", "newline, tab and escape are named" },
		{ "\x01\x7f", "\\x01\\x7f", "control characters and DEL in hex" },
		{ "\xc2\x9b", "\\xc2\\x9b", "C1 control that terminals take for an escape" },
		{ "\xe2\x80\xae", "\\xe2\\x80\\xae", "right-to-left override" },
		{ "\xff\xfe", "\\xff\\xfe", "bytes that are no UTF-8" },
		{ "\xc0\xaf", "\\xc0\\xaf", "overlong form" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80", "surrogate" },
		{ "a\\nb", "a\\nb", "a backslash stays" },
		{ "\xe6\x97", "\\xe6\\x97", "cut character" },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_BUF buf = VD_BUF_INIT;

		tap_int(vd_buf_add_escaped(&buf, cases[i].in, strlen(cases[i].in)), 0, "escape: %s: succeeds",
		        cases[i].what);
		tap_str(vd_buf_str(&buf), cases[i].out, "escape: %s", cases[i].what);
	}
}

static void test_shell(void)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "chcon", "chcon" },
		{ "/var/lib/a-b_c.img", "/var/lib/a-b_c.img" },
		{ "", "''" },
		{ "a b", "'a b'" },
		{ "it's", "'it'\\''s'" },
		{ "$(reboot)", "'$(reboot)'" },
		{ "b\xc3\xbcro", "'b\xc3\xbcro'" },
		{ "~root", "'~root'" },
	};
	VD_AUTO_BUF bad = VD_BUF_INIT;

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_BUF buf = VD_BUF_INIT;

		tap_int(vd_buf_add_shell(&buf, cases[i].in), 0, "shell: '%s' can be quoted", cases[i].in);
		tap_str(vd_buf_str(&buf), cases[i].out, "shell: '%s'", cases[i].in);
	}
	tap_int(vd_buf_adds(&bad, "x"), 0, "shell: a word before");
	tap_int(vd_buf_add_shell(&bad, "a\nb"), -EILSEQ, "shell: a newline is refused");
	tap_int(vd_buf_add_shell(&bad, "a\xff"), -EILSEQ, "shell: a byte that is no UTF-8 is refused");
	tap_str(vd_buf_str(&bad), "x", "shell: a refused word leaves nothing behind");
}

static void test_growth(void)
{
	VD_AUTO_BUF buf = VD_BUF_INIT;
	VD_AUTO_FREE char *stolen = NULL;
	int r = 0;

	for (int i = 0; i < 10000 && !r; i++)
		r = vd_buf_addf(&buf, "%04d", i);
	tap_int(r, 0, "buf: ten thousand additions");
	tap_int(buf.len, 40000, "buf: all bytes are there");
	tap_ok(!memcmp(buf.data + 4 * 1234, "1234", 4), "buf: in their place");
	tap_int(vd_buf_reserve(&buf, (size_t)-1), -ENOMEM, "buf: an impossible size is refused");
	stolen = vd_buf_steal(&buf);
	tap_int(strlen(stolen), 40000, "buf: a stolen string is whole");
	tap_str(vd_buf_str(&buf), "", "buf: and gone from the buffer");
}

static void test_formats(void)
{
	VD_AUTO_BUF buf = VD_BUF_INIT;
	const char *volatile none = NULL;

	tap_int(vd_buf_addf(&buf, "%s", ""), 0, "format: nothing");
	tap_str(vd_buf_str(&buf), "", "format: is the empty string");
	tap_int(vd_buf_addf(&buf, "a%sb%s%sc", "1", "", "23") + vd_buf_addf(&buf, "%%%s", "4") +
	                vd_buf_addf(&buf, "%3s|%.1s|%d", "5", "67", 8) + vd_buf_addf(&buf, "|%s", none) +
	                vd_buf_addf(&buf, "%s|", "9"),
	        0, "format: strings alone, and with other conversions");
	tap_str(vd_buf_str(&buf), "a1b23c%4  5|6|8|(null)9|", "format: as printf does");
	tap_int(buf.len, strlen(buf.data), "format: the length is right");
}

static void test_strv(void)
{
	VD_AUTO_STRV v = VD_STRV_INIT;
	static const char *const words[] = { "pear", "apple", "fig" };

	for (size_t i = 0; i < VD_ARRAY_SIZE(words); i++)
		tap_int(vd_strv_add(&v, words[i]), 0, "strv: add %s", words[i]);
	tap_int(vd_strv_addn(&v, "figure", 3), 0, "strv: add a part");
	vd_strv_sort(&v);
	tap_str(v.items[0], "apple", "strv: sorted, first");
	tap_str(v.items[3], "pear", "strv: sorted, last");
	tap_ok(v.items[4] == NULL, "strv: ends with NULL");
	tap_ok(vd_strv_has(&v, "fig") && !vd_strv_has(&v, "figure"), "strv: finds what is in it only");
}

static void test_err(void)
{
	VD_AUTO_ERR err = VD_ERR_INIT;

	tap_int(vd_err_set(&err, ENOENT, "cannot open %s", "x"), -ENOENT, "err: set returns the negative code");
	tap_int(vd_err_prefix(&err, "reading %s", "y"), -ENOENT, "err: prefix too");
	tap_str(vd_err_text(&err), "reading y: cannot open x", "err: context comes in front");
	tap_int(vd_err_set(&err, EIO, "after %s", vd_err_text(&err)), -EIO, "err: its own text may be an argument");
	tap_str(vd_err_text(&err), "after reading y: cannot open x", "err: and is used before it is freed");
	vd_err_release(&err);
	tap_int(vd_err_prefix(&err, "nothing"), 0, "err: no error gets no prefix");
	tap_int(vd_err_set(NULL, EPERM, "x"), -EPERM, "err: NULL is allowed");
}

static void test_data(void)
{
	static const char text[] = "a\tb\tc\td\n\nlast";
	struct vd_field f[3];
	size_t pos = 0;

	tap_ok(vd_data_next(text, sizeof(text) - 1, &pos, f, 3), "data: first line");
	tap_ok(vd_field_is(&f[0], "a") && vd_field_is(&f[1], "b") && vd_field_is(&f[2], "c\td"),
	       "data: the last field keeps the rest");
	tap_ok(vd_data_next(text, sizeof(text) - 1, &pos, f, 3) && !f[0].len && !f[2].len, "data: an empty line");
	tap_ok(vd_data_next(text, sizeof(text) - 1, &pos, f, 3) && vd_field_is(&f[0], "last") && !f[1].len,
	       "data: a last line without newline and fields");
	tap_ok(!vd_data_next(text, sizeof(text) - 1, &pos, f, 3), "data: the end");
}

static void test_near(void)
{
	static const struct {
		const char *a, *b;
		unsigned limit, distance;
	} cases[] = {
		{ "web01", "web01", 3, 0 }, { "wbe01", "web01", 3, 1 }, { "Web01", "wEB01", 3, 0 },
		{ "db", "web01", 3, 4 },    { "", "abc", 5, 3 },        { "@b", "`b", 3, 1 },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++)
		tap_int(vd_edit_distance(cases[i].a, strlen(cases[i].a), cases[i].b, strlen(cases[i].b),
		                         cases[i].limit),
		        cases[i].distance, "near: %s and %s", cases[i].a, cases[i].b);
}

__attribute__((format(printf, 2, 3))) static int set_text(char **slot, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = vd_text_setv(slot, fmt, ap);
	va_end(ap);
	return r;
}

static void test_text(void)
{
	VD_AUTO_FREE char *text = NULL;

	tap_ok(set_text(&text, "%d", 7) == 0 && text && !strcmp(text, "7"), "text: set");
	tap_ok(set_text(&text, "%s, %s", text, "more") == 0 && !strcmp(text, "7, more"), "text: made of the old one");
}

int main(void)
{
	test_text();
	test_escape();
	test_shell();
	test_growth();
	test_formats();
	test_strv();
	test_err();
	test_data();
	test_near();
	return tap_done();
}
