/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Protects the reader of libvirt's configuration grammar: what libvirt 9.0.0 accepts, refuses and takes from a file.
 * Every case of the two tables was given to the parser inside the real library; the reasons and lines are its own.
 */
#include "../../lib/conf.h"

#include <errno.h>
#include <stdlib.h>

#include "tap.h"

static const struct {
	const char *text;
	const char *error; /* NULL: accepted */
} syntax[] = {
	{ "", NULL },
	{ "# x", NULL },
	{ "#x", NULL },
	{ "# x\n\n", NULL },
	{ "a=1\n#c\n\n#d\n", NULL },
	{ "\n", "conf:2: expecting a name" },
	{ "  ", "conf:1: expecting a name" },
	{ "\n\n  \n", "conf:4: expecting a name" },
	{ "a=1", NULL },
	{ "a=1;\n", NULL },
	{ "a = 1 # c", NULL },
	{ "a=1;#c\n", NULL },
	{ "a=1;  # c\nb=2", NULL },
	{ "a=1 ;b=2;", NULL },
	{ "a=\t1", NULL },
	{ "user = \"x\" ;\nremember_owner = 1\n", NULL },
	{ "security_driver = \"none\"\r\nremember_owner = 1\r\n", NULL },
	{ "fnord_x = \"y\"\n", NULL },
	{ "a=-1", NULL },
	{ "remember_owner = +1\n", NULL },
	{ "a = 99999999999999999999999999\n", NULL },
	{ "user = 'a\"b'\n", NULL },
	{ "user = \"a\\\\n\"\n", NULL },
	{ "a=\"\"\"x\"\"\"", NULL },
	{ "a=\"\"\"\"\"\"\n", NULL },
	{ "user = \"\"\"ro\not\"\"\"\n", NULL },
	{ "a=[[1],[2]]", NULL },
	{ "security_driver = []\n", NULL },
	{ "security_driver = [\n \"selinux\",\n\n \"dac\"\n]\n", NULL },
	{ "security_driver = [\"selinux\",]\n", NULL },
	{ "security_driver = [\"a\"\n,\"b\"]\n", NULL },
	{ "security_driver = none\n", "conf:1: expecting a value" },
	{ "user =\n", "conf:1: expecting a value" },
	{ "user =\n\"a\"\n", "conf:1: expecting a value" },
	{ "security_driver = [ # c\n \"selinux\" ]\n", "conf:1: expecting a value" },
	{ "security_driver = [ \"selinux\", # c\n \"dac\" ]\n", "conf:1: expecting a value" },
	{ "security_driver = [\"a\",", "conf:1: expecting a value" },
	{ "a=[,]", "conf:1: expecting a value" },
	{ "a=[\"x\",,]", "conf:1: expecting a value" },
	{ "#x\ra=b", "conf:1: expecting a value" },
	{ "a=[\"x\"", "conf:1: list is not closed with ]" },
	{ "a=[\n\"x\"\n\n,\"y\"\n", "conf:5: list is not closed with ]" },
	{ "a=[1 2]", "conf:1: expecting a separator in list" },
	{ "security_driver = [\"selinux\" \"dac\"]\n", "conf:1: expecting a separator in list" },
	{ "remember_owner = 0x1\n", "conf:1: expecting a separator" },
	{ "user = \"a\" group = \"b\"\n", "conf:1: expecting a separator" },
	{ "user = \"a\\\"b\"\n", "conf:1: expecting a separator" },
	{ "a=\"\"x", "conf:1: expecting a separator" },
	{ "a=\"\"\"x", "conf:1: expecting a separator" },
	{ "a=\"\"\"x\ny", "conf:1: expecting a separator" },
	{ "a=\"\"\"x\"\"", "conf:1: expecting a separator" },
	{ "a=\"\"\"\"\"\"", "conf:1: expecting a separator" },
	{ "a=\"\"\"x\"\"\" b=1", "conf:1: expecting a separator" },
	{ "a=\"\"\"\n\n\n\"\"\"; b", "conf:4: expecting an assignment" },
	{ "a", "conf:1: expecting an assignment" },
	{ "a-b = 1\n", "conf:1: expecting an assignment" },
	{ "a.b = 1\n", "conf:1: expecting an assignment" },
	{ "_a = 1\n", "conf:1: expecting a name" },
	{ "1a = 1\n", "conf:1: expecting a name" },
	{ "=1", "conf:1: expecting a name" },
	{ ";", "conf:1: expecting a name" },
	{ "a=1;;b=2", "conf:1: expecting a name" },
	{ "a=1\n;b=1", "conf:2: expecting a name" },
	{ "\xef\xbb\xbfuser = \"x\"\n", "conf:1: expecting a name" },
	{ "\fuser = \"x\"\n", "conf:1: expecting a name" },
	{ "security_driver = \"none\n", "conf:1: unterminated string" },
	{ "a=1\r\rb=\"", "conf:1: unterminated string" },
	{ "a=\"x\rb\"", "conf:1: unterminated string" },
	{ "a=\"\"\"xxxxxxxx", "conf:1: unterminated string" },
	{ "a=\"\"\"abc\"\"", "conf:1: unterminated string" },
	{ "a=-\n", "conf:1: unterminated number" },
};

static void test_syntax(void)
{
	for (size_t i = 0; i < VD_ARRAY_SIZE(syntax); i++) {
		VD_AUTO_CONF conf = { NULL, 0 };
		VD_AUTO_ERR err = VD_ERR_INIT;
		int r = vd_conf_parse(syntax[i].text, strlen(syntax[i].text), "conf", &conf, &err);

		tap_int(r, syntax[i].error ? -EBADMSG : 0, "syntax %zu: accepted or refused as libvirt does", i);
		tap_str(r < 0 ? vd_err_text(&err) : NULL, syntax[i].error, "syntax %zu: the same line and reason", i);
	}
}

/* A row gives the values of security_driver as a list and of remember_owner as a bool. */
static const struct {
	const char *text, *drivers;
	int drivers_result, owner_result, owner;
	const char *error;
} typed[] = {
	{ "security_driver = \"none\"\n", "none", 0, -ENOENT, 0, NULL },
	{ "   security_driver='none'\n", "none", 0, -ENOENT, 0, NULL },
	{ "security_driver = \"\"\"none\"\"\"\n", "none", 0, -ENOENT, 0, NULL },
	{ "security_driver = [ \"selinux\", \"apparmor\" ]\n", "selinux,apparmor", 0, -ENOENT, 0, NULL },
	{ "security_driver = []\n", "", 0, -ENOENT, 0, NULL },
	{ "security_driver = \"\"\n", "", 0, -ENOENT, 0, NULL },
	{ "security_driver = \"none\"\nsecurity_driver = \"selinux\"\n", "none", 0, -ENOENT, 0, NULL },
	{ "security_driver = \"no#ne\" # x\n", "no#ne", 0, -ENOENT, 0, NULL },
	{ "Security_Driver = \"none\"\n", "", -ENOENT, -ENOENT, 0, NULL },
	{ "security_driver = [1,2]\n", "", -EBADMSG, -ENOENT, 0,
	  "line 1: expected a string list for 'security_driver' parameter" },
	{ "security_driver = [[\"a\"],\"b\"]\n", "", -EBADMSG, -ENOENT, 0,
	  "line 1: expected a string list for 'security_driver' parameter" },
	{ "security_driver = \"none\"; remember_owner = 0\n", "none", 0, 0, 0, NULL },
	{ "remember_owner = 1\n", "", -ENOENT, 0, 1, NULL },
	{ "remember_owner = +1\n", "", -ENOENT, 0, 1, NULL },
	{ "\nremember_owner = 2\n", "", -ENOENT, -EBADMSG, 0,
	  "line 2: value for 'remember_owner' parameter must be 0 or 1" },
	{ "remember_owner = 99999999999999999999999999\n", "", -ENOENT, -EBADMSG, 0,
	  "line 1: value for 'remember_owner' parameter must be 0 or 1" },
	{ "remember_owner = \"1\"\n", "", -ENOENT, -EBADMSG, 0,
	  "line 1: expected a bool for 'remember_owner' parameter" },
	{ "remember_owner = -1\n", "", -ENOENT, -EBADMSG, 0, "line 1: expected a bool for 'remember_owner' parameter" },
};

static void test_typed(void)
{
	for (size_t i = 0; i < VD_ARRAY_SIZE(typed); i++) {
		VD_AUTO_CONF conf = { NULL, 0 };
		VD_AUTO_ERR err = VD_ERR_INIT;
		VD_AUTO_STRV drivers = VD_STRV_INIT;
		VD_AUTO_BUF joined = VD_BUF_INIT;
		bool owner = false;

		tap_int(vd_conf_parse(typed[i].text, strlen(typed[i].text), "conf", &conf, &err), 0,
		        "typed %zu: parsed", i);
		tap_int(vd_conf_strings(&conf, "security_driver", true, &drivers, &err), typed[i].drivers_result,
		        "typed %zu: result for the list", i);
		for (size_t k = 0; k < drivers.len; k++)
			if (vd_buf_addf(&joined, "%s%s", k ? "," : "", drivers.items[k]) < 0)
				return;
		tap_str(vd_buf_str(&joined), typed[i].drivers, "typed %zu: the first statement's list", i);
		tap_int(vd_conf_bool(&conf, "remember_owner", &owner, &err), typed[i].owner_result,
		        "typed %zu: result for the bool", i);
		tap_int(owner, typed[i].owner, "typed %zu: the bool", i);
		tap_str(err.code ? vd_err_text(&err) : NULL, typed[i].error, "typed %zu: the reason", i);
	}
}

static void test_places(void)
{
	static const char text[] = "# comment\n\nuser = \"a\"\n  group =  'b' # tail\nuser=\"late\"; x = [\n1,\n2]\n";
	VD_AUTO_CONF conf = { NULL, 0 };
	VD_AUTO_STRV list = VD_STRV_INIT;
	VD_AUTO_ERR err = VD_ERR_INIT;
	const char *s = NULL;

	tap_int(vd_conf_parse(text, strlen(text), "conf", &conf, &err), 0, "places: parsed");
	tap_int(conf.len, 4, "places: duplicates are kept");
	if (conf.len != 4)
		return;
	tap_int(conf.stmts[1].line, 4, "places: line of the second statement");
	tap_int(conf.stmts[3].line, 5, "places: line of a statement behind a semicolon");
	tap_ok(!strncmp(text + conf.stmts[1].start, "group =  'b'", conf.stmts[1].end - conf.stmts[1].start) &&
	               conf.stmts[1].end - conf.stmts[1].start == 12,
	       "places: bytes of a statement without blanks and comment");
	tap_int(conf.stmts[3].end, strlen(text) - 1, "places: a list ends behind its bracket");
	tap_int(vd_conf_string(&conf, "user", &s, &err), 0, "places: string found");
	tap_str(s, "a", "places: the first duplicate counts");
	tap_int(vd_conf_string(&conf, "x", &s, &err), -EBADMSG, "places: a list is no string");
	tap_int(vd_conf_strings(&conf, "user", false, &list, &err), -EBADMSG,
	        "places: a plain string is no list where libvirt wants one");
	tap_ok(vd_conf_find(&conf, "x")->value.items[1].number == 2, "places: integers of a list");
}

static void test_hostile(void)
{
	VD_AUTO_BUF deep = VD_BUF_INIT;
	VD_AUTO_CONF conf = { NULL, 0 };
	VD_AUTO_ERR err = VD_ERR_INIT;
	static const char nul[] = "user = \"a\0b\"\n\0x";

	if (vd_buf_adds(&deep, "a=") < 0)
		return;
	for (int i = 0; i < 100000; i++)
		if (vd_buf_addc(&deep, '[') < 0)
			return;
	tap_int(vd_conf_parse(deep.data, deep.len, "conf", &conf, &err), -EBADMSG, "hostile: deep nesting is refused");
	tap_int(vd_conf_parse(nul, sizeof(nul) - 1, "conf", &conf, &err), -EBADMSG, "hostile: a NUL is no name");
	/* Every prefix of a valid text, on the heap so that a read beyond it is seen by the address sanitizer. */
	for (size_t len = 0; len <= 30; len++) {
		static const char full[] = "a=\"\"\"x\"\"\";b=['y',[-1]]#\r\nc=+2";
		char *part = malloc(len ? len : 1);
		VD_AUTO_CONF got = { NULL, 0 };
		int r;

		if (!part)
			return;
		memcpy(part, full, len);
		r = vd_conf_parse(part, len, "conf", &got, NULL);
		free(part);
		tap_ok(r == 0 || r == -EBADMSG, "hostile: prefix of %zu bytes gives a verdict", len);
	}
}

int main(void)
{
	test_syntax();
	test_typed();
	test_places();
	test_hostile();
	return tap_done();
}
