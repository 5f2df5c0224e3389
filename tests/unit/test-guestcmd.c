/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The logged command line taken apart, quoted again, compared. */
#include <stdlib.h>
#include <unistd.h>

#include "guestcmd.h"
#include "tap.h"

/* "kind name=value|..." */
static char *spelled(const struct vd_guestcmd *cmd)
{
	VD_AUTO_BUF buf = VD_BUF_INIT;
	int rc = vd_buf_adds(&buf, "");

	for (size_t i = 0; i < cmd->len && rc == 0; i++)
		rc = vd_buf_addf(&buf, "%s%s %s%s%s", i ? "|" : "", vd_guestcmd_kind_name(cmd->items[i].kind),
		                 cmd->items[i].name, cmd->items[i].value ? "=" : "",
		                 cmd->items[i].value ? cmd->items[i].value : "");
	return vd_buf_steal(&buf);
}

static void test_parse(void)
{
	static const struct {
		const char *text, *wanted;
		enum vd_driver driver;
		bool cut;
	} cases[] = {
		{ "A=b \\\n/usr/bin/q \\\n-name guest=a \\\n-S\n",
		  "env A=b|program /usr/bin/q|option -name=guest=a|option -S", VD_DRIVER_QEMU, false },
		{ "A='x '\\''y' \\\n'/a b/q' \\\n-x '' \\\nz\n", "env A=x 'y|program /a b/q|option -x=|word z",
		  VD_DRIVER_QEMU, false },
		{ "LC_ALL=C PATH=/bin /usr/bin/kvm -S -m 512 -a 'x\n",
		  "env LC_ALL=C|env PATH=/bin|program /usr/bin/kvm|"
		  "option -S|option -m=512|option -a=x\n",
		  VD_DRIVER_QEMU, true },
		{ "F=1:*lxc* 1:*util*  G=3:stderr /usr/lib/lxc --name c --security=none\n",
		  "env F=1:*lxc* 1:*util*|env G=3:stderr|program /usr/lib/lxc|option --name=c|option --security=none",
		  VD_DRIVER_LXC, false },
		{ "-smp 1 \\\n-m 2\n", "option -smp=1|option -m=2", VD_DRIVER_QEMU, false },
		{ "", "", VD_DRIVER_QEMU, false },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_CLEANUP(vd_guestcmd_release) struct vd_guestcmd cmd = { 0 };
		VD_AUTO_FREE char *got = NULL;

		tap_int(vd_guestcmd_parse(cases[i].text, strlen(cases[i].text), cases[i].driver, &cmd), 0,
		        "parse: case %zu", i);
		got = spelled(&cmd);
		tap_str(got, cases[i].wanted, "parse: case %zu -> its arguments", i);
		tap_int(cmd.cut, cases[i].cut, "parse: case %zu -> cut within a word or not", i);
	}
}

/* Were the value copied for each word, this would take minutes. */
static void test_long_value(void)
{
	VD_CLEANUP(vd_guestcmd_release) struct vd_guestcmd cmd = { 0 };
	VD_AUTO_BUF text = VD_BUF_INIT;
	int rc = vd_buf_adds(&text, "A=b");

	for (unsigned i = 0; i < 2000000 && rc == 0; i++)
		rc = vd_buf_adds(&text, " c");
	alarm(60);
	if (rc == 0)
		rc = vd_guestcmd_parse(text.data, text.len, VD_DRIVER_LXC, &cmd);
	alarm(0);
	tap_int(rc, 0, "parse: a value of two million words");
	tap_ok(cmd.len == 1 && !strcmp(cmd.items[0].value, text.data + 2), "... is one value");
}

static void test_quote(void)
{
	static const char *const cases[][2] = {
		{ "plain-1.2,x=/y:z@%+", "plain-1.2,x=/y:z@%+" },
		{ "", "''" },
		{ "a b", "'a b'" },
		{ "it's", "'it'\\''s'" },
		{ "'", "\\'" },
		{ "two\nlines", "'two\nlines'" },
		{ "esc\033[1m", "'esc'\"$(printf '\\033')\"'[1m'" },
		{ "csi\xc2\x9b"
		  "31m\xe2\x80\xae",
		  "'csi'\"$(printf '\\302\\233')\"'31m'\"$(printf '\\342\\200\\256')\"" },
		{ "not UTF-8: \xff", "'not UTF-8: \xff'" },
		{ "~", "'~'" },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_BUF buf = VD_BUF_INIT;

		tap_int(vd_guestcmd_quote(&buf, cases[i][0]), 0, "quote: case %zu", i);
		tap_str(vd_buf_str(&buf), cases[i][1], "quote: case %zu -> for a shell", i);
	}
}

/* One letter an argument: s same, c changed, r renumbered. */
static void compare(const char *a, const char *b, const char *wanted)
{
	VD_CLEANUP(vd_guestcmd_release) struct vd_guestcmd ca = { 0 }, cb = { 0 };
	enum vd_guestcmd_change ra[16], rb[16];
	char got[40] = "";
	size_t n = 0;

	if (vd_guestcmd_parse(a, strlen(a), VD_DRIVER_QEMU, &ca) < 0 ||
	    vd_guestcmd_parse(b, strlen(b), VD_DRIVER_QEMU, &cb) < 0 || vd_guestcmd_compare(&ca, &cb, ra, rb) < 0) {
		tap_ok(false, "out of memory");
		return;
	}
	for (size_t i = 0; i < ca.len; i++)
		got[n++] = "scr"[ra[i]];
	got[n++] = '/';
	for (size_t i = 0; i < cb.len; i++)
		got[n++] = "scr"[rb[i]];
	tap_str(got, wanted, "compare: '%s' and '%s'", a, b);
}

static void test_compare(void)
{
	compare("-a 1 -b 2", "-b 2 -a 1", "ss/ss");
	compare("-a x=1,y=2", "-a y=2,x=1", "s/s");
	compare("-d drv,x=1,y=2", "-d drv,y=2,x=1", "s/s");
	compare("-d '{\"a\":1,\"b\":{\"c\":[1,2],\"d\":0}}'", "-d '{\"b\":{\"d\":0,\"c\":[1,2]},\"a\":1}'", "s/s");
	compare("-d '{\"a\":[1,2]}'", "-d '{\"a\":[2,1]}'", "c/c");
	compare("-a 1 -a 1", "-a 1", "sc/s");
	compare("-n tap,fd=30", "-n tap,fd=4", "r/r");
	compare("-n tap,id=30", "-n tap,id=4", "c/c");
	compare("H=/x/domain-1-a /q", "H=/x/domain-22-a /q", "rs/rs");
	compare("", "-a", "/c");
}

int main(void)
{
	test_parse();
	test_long_value();
	test_quote();
	test_compare();
	return tap_done();
}
