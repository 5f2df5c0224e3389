/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Protects what is taken from the policy's contexts files, from qemu.conf and lxc.conf, and whether SELinux is in
 * force. */
#include "../../lib/svirt.h"

#include <errno.h>

#include "make-image.h"
#include "tap.h"

#define CONFIG  "/etc/selinux/config"
#define ENFORCE "/sys/fs/selinux/enforce"
#define QEMU    "/etc/libvirt/qemu.conf"
#define LXC     "/etc/libvirt/lxc.conf"
#define DOMAIN  "/contexts/virtual_domain_context"
#define IMAGE   "/contexts/virtual_image_context"

struct file {
	const char *path, *text;
};

/* Load the settings of a host that has just @files (ends with a NULL path). */
static void load(const char *name, const struct file *files, bool session, struct vd_svirt_settings *settings,
                 struct vd_strv *problems)
{
	const char *tree = make_tree();
	VD_AUTO_ROOT struct vd_root *root = NULL;
	VD_AUTO_ERR err = VD_ERR_INIT;

	for (size_t i = 0; files[i].path; i++)
		if (!make_file(tree, files[i].path, files[i].text, strlen(files[i].text)))
			tap_ok(false, "%s: cannot make %s", name, files[i].path);
	if (tap_ok(vd_root_open(tree, 0, &root, &err) == 0, "%s: the root opens", name))
		tap_int(vd_svirt_settings_load(root, session, settings, problems, &err), 0, "%s: loaded", name);
	remove_tree(tree);
}

static const struct {
	const char *name;
	struct file files[4];
	int selinux;
	bool qemu, lxc, qemu_set;
} modes[] = {
	{ "nothing at all", { { "/etc/hostname", "x" } }, -2, true, true, false },
	{ "enforcing", { { ENFORCE, "1" } }, 1, true, true, false },
	{ "permissive", { { ENFORCE, "0" }, { CONFIG, "SELINUX=enforcing\n" } }, 0, true, true, false },
	{ "garbage in enforce", { { ENFORCE, "" }, { CONFIG, "SELINUX=permissive\n" } }, 0, true, true, false },
	{ "config only",
	  { { CONFIG, "#SELINUX=disabled\n SELINUX=Enforcing \nSELINUXTYPE=x\n" } },
	  1,
	  true,
	  true,
	  false },
	{ "config, last line wins", { { CONFIG, "SELINUX=disabled\nSELINUX=permissive" } }, 0, true, true, false },
	{ "disabled", { { CONFIG, "SELINUX=disabled\n" } }, -1, false, false, false },
	{ "another word", { { CONFIG, "SELINUX=maybe\n" } }, -2, true, true, false },
	{ "kernel without it, installed all the same",
	  { { CONFIG, "SELINUX=enforcing\n" }, { "/sys/kernel/security/lsm", "lockdown,capability,apparmor" } },
	  -1,
	  false,
	  false,
	  false },
	{ "kernel with it",
	  { { CONFIG, "SELINUX=enforcing\n" }, { "/sys/kernel/security/lsm", "capability,selinux" } },
	  1,
	  true,
	  true,
	  false },
	{ "sosreport, permissive though configured enforcing",
	  { { CONFIG, "SELINUX=enforcing\n" },
	    { "/sos_commands/selinux/sestatus_-b", "SELinux status:   enabled\nCurrent mode:      permissive\n" } },
	  0,
	  true,
	  true,
	  false },
	{ "sosreport, disabled",
	  { { CONFIG, "SELINUX=enforcing\n" }, { "/sos_commands/selinux/sestatus", "SELinux status:   disabled\n" } },
	  -1,
	  false,
	  false,
	  false },
	{ "driver none", { { ENFORCE, "1" }, { QEMU, "security_driver = \"none\"\n" } }, 1, false, true, true },
	{ "driver in a list",
	  { { ENFORCE, "1" }, { QEMU, "security_driver = [ \"selinux\", ]" } },
	  1,
	  true,
	  true,
	  true },
	{ "driver of an empty list", { { ENFORCE, "1" }, { QEMU, "security_driver = []" } }, 1, true, true, false },
	{ "driver set though SELinux is off",
	  { { CONFIG, "SELINUX=disabled\n" }, { QEMU, "security_driver = \"selinux\"\n" } },
	  -1,
	  true,
	  false,
	  true },
	{ "first duplicate",
	  { { ENFORCE, "1" }, { QEMU, "security_driver = \"none\"\nsecurity_driver = \"selinux\"\n" } },
	  1,
	  false,
	  true,
	  true },
	{ "lxc driver", { { ENFORCE, "1" }, { LXC, "security_driver = \"none\"\n" } }, 1, true, false, false },
};

static void test_modes(void)
{
	for (size_t i = 0; i < VD_ARRAY_SIZE(modes); i++) {
		struct vd_svirt_settings s = { 0 };

		load(modes[i].name, modes[i].files, false, &s, NULL);
		tap_int(s.selinux, modes[i].selinux, "%s: in force", modes[i].name);
		tap_int(s.qemu_selinux, modes[i].qemu, "%s: qemu driver", modes[i].name);
		tap_int(s.lxc_selinux, modes[i].lxc, "%s: lxc driver", modes[i].name);
		tap_int(s.qemu_driver_set, modes[i].qemu_set, "%s: written in qemu.conf", modes[i].name);
		vd_svirt_settings_release(&s);
	}
}

static const struct {
	const char *name;
	struct file files[5];
	const char *dir, *domain, *tcg, *image, *content;
} contexts[] = {
	{ "none", { { CONFIG, "SELINUXTYPE=targeted\n" } }, NULL, NULL, NULL, NULL, NULL },
	{ "two lines",
	  { { CONFIG, "SELINUXTYPE=targeted\n" },
	    { "/etc/selinux/targeted" DOMAIN, "a:b:c:s0\nd:e:f:s0\nmore\n" },
	    { "/etc/selinux/targeted" IMAGE, "g:h:i:s0\nj:k:l:s0" } },
	  "/etc/selinux/targeted/contexts",
	  "a:b:c:s0",
	  "d:e:f:s0",
	  "g:h:i:s0",
	  "j:k:l:s0" },
	{ "one line, blanks",
	  { { CONFIG, "SELINUXTYPE=mine\t\r\n" },
	    { "/etc/selinux/mine" DOMAIN, " a:b:c:s0 \r\n\n" },
	    { "/etc/selinux/targeted" DOMAIN, "other\n" } },
	  "/etc/selinux/mine/contexts",
	  "a:b:c:s0",
	  NULL,
	  NULL,
	  NULL },
	{ "without config: the directory that exists",
	  { { "/etc/selinux/default" DOMAIN, "a:b:c:s0\n" } },
	  "/etc/selinux/default/contexts",
	  "a:b:c:s0",
	  NULL,
	  NULL,
	  NULL },
	{ "a type that is a path",
	  { { CONFIG, "SELINUXTYPE=../../srv\n" }, { "/srv" DOMAIN, "evil\n" } },
	  NULL,
	  NULL,
	  NULL,
	  NULL,
	  NULL },
};

static void test_contexts(void)
{
	for (size_t i = 0; i < VD_ARRAY_SIZE(contexts); i++) {
		struct vd_svirt_settings s = { 0 };

		load(contexts[i].name, contexts[i].files, false, &s, NULL);
		tap_str(s.contexts_dir, contexts[i].dir, "%s: directory", contexts[i].name);
		tap_str(s.domain_context, contexts[i].domain, "%s: process", contexts[i].name);
		tap_str(s.domain_context_tcg, contexts[i].tcg, "%s: process without virtualisation", contexts[i].name);
		tap_str(s.image_context, contexts[i].image, "%s: image", contexts[i].name);
		tap_str(s.content_context, contexts[i].content, "%s: content", contexts[i].name);
		vd_svirt_settings_release(&s);
	}
}

static void test_lxc_contexts(void)
{
	static const struct file files[] = { { "/etc/selinux/default/contexts/lxc_contexts",
		                               "process = \"a:b:c:s0\"\n# x\ncontent='g:h:i:s0'\nfile = \"d:e:f:s0\"" },
		                             { NULL, NULL } };
	struct vd_svirt_settings s = { 0 };

	load("lxc_contexts", files, false, &s, NULL);
	tap_str(s.lxc_process, "a:b:c:s0", "lxc_contexts: process");
	tap_str(s.lxc_file, "d:e:f:s0", "lxc_contexts: file");
	tap_str(s.lxc_content, "g:h:i:s0", "lxc_contexts: content");
	vd_svirt_settings_release(&s);
}

static void test_defaults(void)
{
	static const struct file none[] = { { NULL, NULL } };
	static const struct file set[] = {
		{ QEMU, "namespaces = []\nstdio_handler = \"file\"\nsecurity_default_confined = 0\n"
		        "security_require_confined = 1\ndynamic_ownership = 0\nremember_owner = 0\nuser = \"q\"\n"
		        "group = \"+7\"\n" },
		{ LXC, "security_default_confined = 1\nsecurity_require_confined = 1\n" },
		{ NULL, NULL },
	};
	struct vd_svirt_settings s = { 0 };

	load("defaults", none, false, &s, NULL);
	tap_ok(s.qemu_default_confined && !s.lxc_default_confined && !s.qemu_require_confined && s.stdio_logd &&
	               s.mount_namespace && s.dynamic_ownership && s.remember_owner && !s.user && !s.group,
	       "defaults: of the system daemon");
	vd_svirt_settings_release(&s);
	load("session", none, true, &s, NULL);
	tap_ok(s.session && !s.mount_namespace && !s.remember_owner, "session: no private /dev, nothing remembered");
	vd_svirt_settings_release(&s);
	load("all set", set, false, &s, NULL);
	tap_ok(!s.qemu_default_confined && s.lxc_default_confined && s.qemu_require_confined &&
	               s.lxc_require_confined && !s.stdio_logd && !s.mount_namespace && !s.dynamic_ownership &&
	               !s.remember_owner,
	       "all set: taken from the files");
	tap_str(s.user, "q", "all set: user");
	tap_str(s.group, "+7", "all set: group");
	vd_svirt_settings_release(&s);
}

/* What libvirt would refuse is told, once, with the line; the values count as unset. */
static void test_problems(void)
{
	static const struct file files[] = {
		{ QEMU, "user = \"q\"\nsecurity_driver = none\n" },
		{ LXC, "\nsecurity_default_confined = \"1\"\nsecurity_driver = [ \"selinux\" ]\n" },
		{ ENFORCE, "1" },
		{ NULL, NULL },
	};
	struct vd_svirt_settings s = { 0 };
	VD_AUTO_STRV problems = VD_STRV_INIT;

	load("problems", files, false, &s, &problems);
	tap_int(problems.len, 3, "problems: three of them");
	tap_str(problems.len > 0 ? problems.items[0] : NULL, "/etc/libvirt/qemu.conf:2: expecting a value",
	        "problems: a syntax error");
	tap_str(problems.len > 1 ? problems.items[1] : NULL,
	        "/etc/libvirt/lxc.conf:3: expected a string for 'security_driver' parameter",
	        "problems: no list for lxc");
	tap_str(problems.len > 2 ? problems.items[2] : NULL,
	        "/etc/libvirt/lxc.conf:2: expected a bool for 'security_default_confined' parameter",
	        "problems: a string for a bool");
	tap_ok(!s.user && s.qemu_selinux && !s.lxc_default_confined, "problems: defaults count");
	vd_svirt_settings_release(&s);
}

/* Each is compared with those before it, and later looked into for each guest. */
static void test_many_hugetlbfs(void)
{
	VD_AUTO_BUF table = VD_BUF_INIT;
	struct vd_svirt_settings s = { 0 };
	int r = vd_buf_adds(&table, "1 0 0:1 / / rw - xfs a rw\n");

	for (unsigned i = 2; i < 202 && r == 0; i++)
		r = vd_buf_addf(&table, "%u 1 0:1 / /h%u rw - hugetlbfs h rw\n", i, i);
	tap_int(r, 0, "enough memory");
	load("hugetlbfs", (const struct file[]){ { "/proc/self/mountinfo", vd_buf_str(&table) }, { NULL, NULL } },
	     false, &s, NULL);
	tap_int(s.hugetlbfs.len, 64, "hugetlbfs: of very many mounts some count");
	vd_svirt_settings_release(&s);
}

int main(void)
{
	test_modes();
	test_contexts();
	test_lxc_contexts();
	test_defaults();
	test_problems();
	test_many_hugetlbfs();
	return tap_done();
}
