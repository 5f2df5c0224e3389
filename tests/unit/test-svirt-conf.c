/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Protects svirt disable and enable: what a daemon makes of a file, which guests it refuses, and the text that switches
 * confinement off and comes back byte by byte.
 */
#include "../../lib/svirt-conf.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "tap.h"
#include "tree.h"

#define OFF                                                                                                        \
	"# virtdiag svirt disable: begin. `virtdiag svirt enable` takes this block out again.\nsecurity_driver = " \
	"\"none\"\n"
#define END "# virtdiag svirt disable: end"
#define COFF                                                                                                         \
	"# virtdiag svirt disable: begin. `virtdiag svirt enable` takes this block out again.\r\nsecurity_driver = " \
	"\"none\"\r\n"

/* Verdicts of the real daemon: tests/live/svirt.bats asks it again. */
static const struct {
	enum vd_driver driver;
	const char *text;
	enum vd_svirt_active selinux, apparmor;
	const char *models; /* NULL: does not start; "?": cannot tell */
} outcomes[] = {
	{ VD_DRIVER_QEMU, "", VD_SVIRT_ACTIVE, VD_SVIRT_INACTIVE, "selinux,dac" },
	{ VD_DRIVER_QEMU, "", VD_SVIRT_INACTIVE, VD_SVIRT_ACTIVE, "apparmor,dac" },
	{ VD_DRIVER_QEMU, "", VD_SVIRT_INACTIVE, VD_SVIRT_INACTIVE, "dac" },
	{ VD_DRIVER_QEMU, "", VD_SVIRT_ACTIVE_UNKNOWN, VD_SVIRT_INACTIVE, "?" },
	{ VD_DRIVER_QEMU, "security_driver = []", VD_SVIRT_ACTIVE, VD_SVIRT_INACTIVE, "selinux,dac" },
	{ VD_DRIVER_QEMU, "security_driver = \"none\"", VD_SVIRT_ACTIVE, VD_SVIRT_INACTIVE, "dac" },
	{ VD_DRIVER_QEMU, "security_driver = \"none\"", VD_SVIRT_ACTIVE_UNKNOWN, VD_SVIRT_ACTIVE_UNKNOWN, "dac" },
	{ VD_DRIVER_QEMU, "security_driver = [ \"none\" ]", VD_SVIRT_INACTIVE, VD_SVIRT_INACTIVE, "dac" },
	{ VD_DRIVER_QEMU, "security_driver = \"none\"\nsecurity_driver = \"selinux\"", VD_SVIRT_INACTIVE,
	  VD_SVIRT_INACTIVE, "dac" },
	{ VD_DRIVER_QEMU, "security_driver = \"selinux\"", VD_SVIRT_ACTIVE, VD_SVIRT_INACTIVE, "selinux,dac" },
	{ VD_DRIVER_QEMU, "security_driver = \"selinux\"", VD_SVIRT_INACTIVE, VD_SVIRT_INACTIVE, NULL },
	{ VD_DRIVER_QEMU, "security_driver = \"apparmor\"", VD_SVIRT_ACTIVE, VD_SVIRT_INACTIVE, NULL },
	{ VD_DRIVER_QEMU, "security_driver = \"\"", VD_SVIRT_ACTIVE, VD_SVIRT_INACTIVE, NULL },
	{ VD_DRIVER_QEMU, "security_driver = \"dac\"", VD_SVIRT_ACTIVE, VD_SVIRT_INACTIVE, NULL },
	{ VD_DRIVER_QEMU, "security_driver = \"None\"", VD_SVIRT_ACTIVE, VD_SVIRT_INACTIVE, NULL },
	{ VD_DRIVER_QEMU, "security_driver = 1", VD_SVIRT_ACTIVE, VD_SVIRT_INACTIVE, NULL },
	{ VD_DRIVER_QEMU, "security_driver = [ 1 ]", VD_SVIRT_ACTIVE, VD_SVIRT_INACTIVE, NULL },
	{ VD_DRIVER_QEMU, "security_driver = [ \"none\", \"none\" ]", VD_SVIRT_INACTIVE, VD_SVIRT_INACTIVE, NULL },
	{ VD_DRIVER_QEMU, "security_driver = \"none\"\nsecurity_require_confined = 1", VD_SVIRT_ACTIVE,
	  VD_SVIRT_INACTIVE, NULL },
	{ VD_DRIVER_QEMU, "security_require_confined = 1", VD_SVIRT_INACTIVE, VD_SVIRT_INACTIVE, NULL },
	{ VD_DRIVER_QEMU, "security_require_confined = 1", VD_SVIRT_ACTIVE, VD_SVIRT_INACTIVE, "selinux,dac" },
	{ VD_DRIVER_QEMU, "security_require_confined = 2", VD_SVIRT_ACTIVE, VD_SVIRT_INACTIVE, NULL },
	{ VD_DRIVER_LXC, "", VD_SVIRT_ACTIVE, VD_SVIRT_INACTIVE, "selinux" },
	{ VD_DRIVER_LXC, "security_driver = \"none\"", VD_SVIRT_ACTIVE, VD_SVIRT_INACTIVE, "" },
	{ VD_DRIVER_LXC, "security_driver = [ \"none\" ]", VD_SVIRT_ACTIVE, VD_SVIRT_INACTIVE, NULL },
	{ VD_DRIVER_LXC, "security_driver = []", VD_SVIRT_ACTIVE, VD_SVIRT_INACTIVE, NULL },
	{ VD_DRIVER_LXC, "security_driver = \"\"", VD_SVIRT_ACTIVE, VD_SVIRT_INACTIVE, NULL },
};

static void test_outcomes(void)
{
	for (size_t i = 0; i < VD_ARRAY_SIZE(outcomes); i++) {
		struct vd_svirt_host host = { .selinux = outcomes[i].selinux, .apparmor = outcomes[i].apparmor };
		VD_AUTO_SVIRT_OUTCOME o = { 0 };
		VD_AUTO_SVIRT_CONF conf = { 0 };
		VD_AUTO_ERR err = VD_ERR_INIT;
		VD_AUTO_BUF models = VD_BUF_INIT;

		tap_int(vd_svirt_conf_parse(outcomes[i].text, strlen(outcomes[i].text), "f", outcomes[i].driver, &conf,
		                            &err),
		        0, "outcome %zu: %s: parsed", i, outcomes[i].text);
		tap_int(vd_svirt_outcome(&conf, &host, &o), 0, "outcome %zu", i);
		for (size_t k = 0; k < o.models.len; k++)
			tap_int(vd_buf_addf(&models, "%s%s", k ? "," : "", o.models.items[k]), 0, "outcome %zu: %s", i,
			        o.models.items[k]);
		tap_str(o.fails    ? NULL
		        : o.unsure ? "?"
		                   : vd_buf_str(&models),
		        outcomes[i].models, "outcome %zu: %s: models", i, outcomes[i].text);
	}
}

static const struct {
	const char *what, *before, *after;
} offs[] = {
	{ "an empty file", "", OFF END "\n" },
	{ "no statement", "a = 1\n", "a = 1\n" OFF END "\n" },
	{ "no final line end", "a = 1", "a = 1\n" OFF END },
	{ "below the example", "#security_driver = \"selinux\"\n\nb = 2\n",
	  "#security_driver = \"selinux\"\n" OFF END "\n\nb = 2\n" },
	{ "a line of its own", "a = 1\n  security_driver = \"selinux\"  # why\nb = 2\n",
	  "a = 1\n" OFF "#was:   security_driver = \"selinux\"  # why\n" END "\nb = 2\n" },
	{ "a list over lines", "security_driver = [\n \"selinux\",\n]\nb = 2\n",
	  OFF "#was: security_driver = [\n#was:  \"selinux\",\n#was: ]\n" END "\nb = 2\n" },
	{ "the last line, without its end", "a = 1\nsecurity_driver = []",
	  "a = 1\n" OFF "#was: security_driver = []\n" END },
	{ "a value that is none for a daemon", "security_driver = \"\"\n",
	  OFF "#was: security_driver = \"\"\n" END "\n" },
	{ "line ends of Windows", "a = 1\r\nsecurity_driver = \"selinux\"\r\n",
	  "a = 1\r\n" COFF "#was: security_driver = \"selinux\"\r\n" END "\r\n" },
	{ "behind a semicolon", "x = 1\na = 1; security_driver = \"selinux\"\nb = 2\n",
	  "x = 1\n" OFF END "\na = 1; security_driver = \"selinux\"\nb = 2\n" },
	{ "before a semicolon", "security_driver = \"selinux\"; a = 1\n",
	  OFF END "\nsecurity_driver = \"selinux\"; a = 1\n" },
	{ "behind a string of several lines", "a = \"\"\"\nx\n\"\"\"; security_driver = \"selinux\"\n",
	  OFF END "\na = \"\"\"\nx\n\"\"\"; security_driver = \"selinux\"\n" },
	{ "a carriage return that ends a comment", "security_driver = \"selinux\" # c\rb = 2\n",
	  OFF END "\nsecurity_driver = \"selinux\" # c\rb = 2\n" },
	{ "the first of two", "security_driver = \"selinux\"\nsecurity_driver = \"none\"\n",
	  OFF "#was: security_driver = \"selinux\"\n" END "\nsecurity_driver = \"none\"\n" },
};

static void test_off_and_on(void)
{
	for (size_t i = 0; i < VD_ARRAY_SIZE(offs); i++) {
		VD_AUTO_BUF off = VD_BUF_INIT, twice = VD_BUF_INIT, on = VD_BUF_INIT;
		VD_AUTO_ERR err = VD_ERR_INIT;

		tap_int(vd_svirt_conf_disable(offs[i].before, strlen(offs[i].before), "f", VD_DRIVER_QEMU, &off, &err),
		        1, "off: %s: changed", offs[i].what);
		tap_str(vd_buf_str(&off), offs[i].after, "off: %s: text", offs[i].what);
		tap_int(vd_svirt_conf_disable(off.data, off.len, "f", VD_DRIVER_QEMU, &twice, &err), 0,
		        "off: %s: twice: no change", offs[i].what);
		tap_str(vd_buf_str(&twice), vd_buf_str(&off), "off: %s: twice: same text", offs[i].what);
		tap_int(vd_svirt_conf_enable(off.data, off.len, "f", VD_DRIVER_QEMU, &on, &err), 1, "on: %s: changed",
		        offs[i].what);
		tap_str(vd_buf_str(&on), offs[i].before, "on: %s: the old text", offs[i].what);
	}
}

static const struct {
	const char *what, *before;
	int result;
	const char *after; /* or what the message holds */
} ons[] = {
	{ "nothing to do", "a = 1\n", 0, "a = 1\n" },
	{ "nothing to do with a driver", "security_driver = \"selinux\"\n", 0, "security_driver = \"selinux\"\n" },
	{ "by hand", "a = 1\nsecurity_driver = \"none\" # x\nb = 2\n", 1,
	  "a = 1\n#security_driver = \"none\" # x\nb = 2\n" },
	{ "by hand, as a list over lines", "security_driver = [\n\"none\"\n]\n", 1,
	  "#security_driver = [\n#\"none\"\n#]\n" },
	{ "by hand, before another", "security_driver = \"none\"\nsecurity_driver = \"selinux\"\n", 1,
	  "#security_driver = \"none\"\nsecurity_driver = \"selinux\"\n" },
	{ "by hand, on a line with others", "a = 1; security_driver = \"none\"; b = 2\n", 1, "a = 1; b = 2\n" },
	{ "with other edits since", "a = 3\n" OFF "#was: security_driver = []\n" END "\nc = 4\n", 1,
	  "a = 3\nsecurity_driver = []\nc = 4\n" },
	{ "a block that was edited", "a = 1\n" OFF "x = 1\n" END "\n", -ESTALE, "f:2:" },
	{ "a block with another value",
	  "# virtdiag svirt disable: begin. `virtdiag svirt enable` takes this block out again.\n"
	  "security_driver = \"selinux\"\n" END "\n",
	  -ESTALE, "edited since" },
	{ "a block without its end", OFF, -ESTALE, "f:1:" },
	{ "a broken file", "a = \n", -EBADMSG, "f:1:" },
};

static void test_on(void)
{
	for (size_t i = 0; i < VD_ARRAY_SIZE(ons); i++) {
		VD_AUTO_BUF text = VD_BUF_INIT;
		VD_AUTO_ERR err = VD_ERR_INIT;
		int r = vd_svirt_conf_enable(ons[i].before, strlen(ons[i].before), "f", VD_DRIVER_QEMU, &text, &err);

		tap_int(r, ons[i].result, "on: %s: result", ons[i].what);
		if (r >= 0)
			tap_str(vd_buf_str(&text), ons[i].after, "on: %s: text", ons[i].what);
		else
			tap_ok(err.text && strstr(err.text, ons[i].after), "on: %s: says \"%s\"", ons[i].what,
			       vd_err_text(&err));
	}
}

static void test_refusals(void)
{
	static const char required[] = "a=1\nsecurity_require_confined = 1\n", broken[] = "a = 'x\n",
	                  left[] = "security_driver = \"selinux\"\n" OFF END "\n";
	VD_AUTO_BUF text = VD_BUF_INIT;
	VD_AUTO_ERR err = VD_ERR_INIT;

	tap_int(vd_svirt_conf_disable(required, strlen(required), "f", VD_DRIVER_QEMU, &text, &err), -EPERM,
	        "off: confinement required: refused");
	tap_ok(strstr(vd_err_text(&err), "f:2:") != NULL, "off: confinement required: line named");
	tap_int(vd_svirt_conf_disable(broken, strlen(broken), "f", VD_DRIVER_QEMU, &text, &err), -EBADMSG,
	        "off: broken file: refused");
	tap_int(vd_svirt_conf_disable(left, strlen(left), "f", VD_DRIVER_QEMU, &text, &err), -ESTALE,
	        "off: a block that does not count: refused");
	tap_int((long long)text.len, 0, "off: refused: no text");
}

static const struct {
	const char *what, *xml, *model;
} domains[] = {
	{ "no seclabel", "", NULL },
	{ "no model", "<seclabel type='dynamic'/>", NULL },
	{ "dac", "<seclabel type='none' model='dac'/>", NULL },
	{ "none", "<seclabel type='none' model='none'/>", NULL },
	{ "selinux", "<seclabel type='dynamic' model='selinux'/>", "selinux" },
	{ "selinux, type none", "<seclabel type='none' model='selinux'/>", "selinux" },
	{ "apparmor behind dac", "<seclabel type='none' model='dac'/><seclabel type='dynamic' model='apparmor'/>",
	  "apparmor" },
	{ "a disk",
	  "<devices><disk type='file'><source file='/x'><seclabel model='selinux' relabel='no'/></source>"
	  "<target dev='vda'/></disk></devices>",
	  "selinux" },
	{ "a serial port",
	  "<devices><serial type='file'><source path='/x'><seclabel model='selinux' relabel='no'/></source>"
	  "</serial></devices>",
	  "selinux" },
};

static void test_domains(void)
{
	char dac[] = "dac", *models[] = { dac, NULL };
	struct vd_svirt_outcome off = { .models = { models, 1, 1 } }, unsure = { .unsure = true };

	for (size_t i = 0; i < VD_ARRAY_SIZE(domains); i++) {
		VD_AUTO_DOMAIN struct vd_domain *domain = NULL;
		VD_AUTO_BUF xml = VD_BUF_INIT;
		VD_AUTO_ERR err = VD_ERR_INIT;

		tap_int(vd_buf_addf(&xml, "<domain type='kvm'><name>g</name>%s</domain>", domains[i].xml), 0,
		        "guest: %s: xml", domains[i].what);
		tap_int(vd_domain_parse(xml.data, xml.len, "g.xml", &domain, &err), 0, "guest: %s: parsed: %s",
		        domains[i].what, vd_err_text(&err));
		if (!domain)
			continue;
		tap_str(vd_svirt_refused_model(domain, &off), domains[i].model, "guest: %s: refused model",
		        domains[i].what);
		tap_str(vd_svirt_refused_model(domain, &unsure), NULL, "guest: %s: not known, not refused",
		        domains[i].what);
	}
}

static void test_apparmor(void)
{
	static const struct {
		const char *profiles;
		enum vd_svirt_active active;
	} cases[] = {
		{ "libvirtd (enforce)\n", VD_SVIRT_ACTIVE },
		{ "/usr/bin/man (enforce)\n/usr/sbin/libvirtd (enforce)\n", VD_SVIRT_ACTIVE },
		{ "virtqemud (enforce)\n", VD_SVIRT_ACTIVE },
		{ "libvirtd (complain)\n", VD_SVIRT_INACTIVE },
		{ "libvirtd//qemu_bridge_helper (enforce)\n", VD_SVIRT_INACTIVE },
		{ "", VD_SVIRT_INACTIVE },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_ROOT struct vd_root *root = NULL;
		struct vd_svirt_host host;
		VD_AUTO_ERR err = VD_ERR_INIT;

		tree_file("sys/kernel/security/apparmor/profiles", cases[i].profiles);
		tap_int(vd_root_open(tree_top, 0, &root, &err), 0, "apparmor %zu: root", i);
		tap_int(vd_svirt_host_load(root, -1, false, &host), 0, "apparmor %zu: loaded", i);
		tap_int(host.apparmor, cases[i].active, "apparmor %zu: %s", i, cases[i].profiles);
		tap_int(host.selinux, VD_SVIRT_INACTIVE, "apparmor %zu: no SELinux", i);
		tap_int(vd_svirt_host_load(root, 1, false, &host), 0, "apparmor %zu: loaded again", i);
		tap_int(host.apparmor, VD_SVIRT_INACTIVE, "apparmor %zu: not beside SELinux", i);
	}
}

/* Were each line compared with each statement, this would take minutes. */
static void test_large(void)
{
	VD_AUTO_SVIRT_CONF conf = { 0 };
	VD_AUTO_BUF text = VD_BUF_INIT;
	int r = 0;

	for (unsigned i = 0; i < 1000000 && r == 0; i++)
		r = vd_buf_adds(&text, "a=1\n");
	if (r == 0)
		r = vd_buf_adds(&text, "s = \"\"\"\n");
	for (unsigned i = 0; i < 60000 && r == 0; i++)
		r = vd_buf_adds(
		        &text,
		        "# virtdiag svirt disable: begin. `virtdiag svirt enable` takes this block out again.\n");
	if (r == 0)
		r = vd_buf_adds(&text, "\"\"\"\n");
	alarm(60);
	if (r == 0)
		r = vd_svirt_conf_parse(text.data, text.len, "qemu.conf", VD_DRIVER_QEMU, &conf, NULL);
	alarm(0);
	tap_int(r, 0, "a million statements are read");
	tap_ok(!conf.by_us, "... and our words within one of them are no block");
}

int main(void)
{
	tree_begin();
	test_outcomes();
	test_off_and_on();
	test_on();
	test_refusals();
	test_domains();
	test_apparmor();
	test_large();
	return tap_done();
}
