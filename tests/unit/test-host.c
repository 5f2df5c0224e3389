/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Protects how a host tells its name, its libvirt version and its accounts: every source of the version, their order,
 * and look-alikes that must not count.
 */
#include "host.h"

#include "tap.h"
#include "tree.h"

static void test_parse(void)
{
	static const struct {
		const char *text;
		unsigned version; /* 0: refused */
	} cases[] = {
		{ "9.0.0", VD_VERSION(9, 0, 0) },
		{ "9.0", VD_VERSION(9, 0, 0) },
		{ "0.9.13", VD_VERSION(0, 9, 13) },
		{ "10.10.0-4.el9", VD_VERSION(10, 10, 0) },
		{ "9.0.0+dfsg", VD_VERSION(9, 0, 0) },
		{ "9.0-1", VD_VERSION(9, 0, 0) },
		{ "9", 0 },
		{ "9.", 0 },
		{ "9.0.", 0 },
		{ "9.0.0.1", 0 },
		{ "9.0.0 ", 0 },
		{ " 9.0.0", 0 },
		{ "v9.0.0", 0 },
		{ "", 0 },
		{ "-1.0", 0 },
		{ "9.1000.0", 0 },
		{ "99999.0.0", 0 },
		{ "4294967296.0.0", 0 },
		{ "0.0.0", 0 },
	};
	char buf[32];

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		unsigned version = 0;

		tap_int(vd_version_parse(cases[i].text, &version), cases[i].version ? 0 : -EINVAL, "version '%s'",
		        cases[i].text);
		tap_int(version, cases[i].version, "... its number");
	}
	tap_str(vd_version_format(VD_VERSION(10, 10, 1), buf), "10.10.1", "format a version");
	tap_str(vd_version_format(0, buf), "unknown", "format no version");
}

/* Host trees of one file, or two when the second must lose or win. */
static void test_evidence(void)
{
	static const struct {
		const char *what, *path, *text, *path2, *text2, *version, *evidence;
	} cases[] = {
		{ "library, rpm layout", "usr/lib64/libvirt.so.0.9000.0", "", NULL, NULL, "9.0.0",
		  "/usr/lib64/libvirt.so.0.9000.0" },
		{ "library, Debian layout", "usr/lib/x86_64-linux-gnu/libvirt.so.0.10010.0", "", NULL, NULL, "10.10.0",
		  "/usr/lib/x86_64-linux-gnu/libvirt.so.0.10010.0" },
		{ "library, arm", "usr/lib/arm-linux-gnueabihf/libvirt.so.0.1002.9", "", NULL, NULL, "1.2.9",
		  "/usr/lib/arm-linux-gnueabihf/libvirt.so.0.1002.9" },
		{ "library, old", "lib64/libvirt.so.0.9.13", "", NULL, NULL, "0.9.13", "/lib64/libvirt.so.0.9.13" },
		{ "library link decides", "usr/lib64/libvirt.so.0.9010.0", "", "usr/lib64/libvirt.so.0",
		  "->libvirt.so.0.8000.0", "8.0.0", "/usr/lib64/libvirt.so.0.8000.0" },
		{ "other libraries", "usr/lib64/libvirt-qemu.so.0.9000.0", "", "usr/lib64/libvirt.so.0.9000.0.debug",
		  "", "unknown", NULL },
		{ "library with a silly number", "usr/lib64/libvirt.so.0.99999999999999999999.0", "", NULL, NULL,
		  "unknown", NULL },
		{ "library before packages", "usr/lib64/libvirt.so.0.9000.0", "", "installed-rpms",
		  "libvirt-libs-8.0.0-1.x86_64\n", "9.0.0", "/usr/lib64/libvirt.so.0.9000.0" },
		{ "dpkg status", "var/lib/dpkg/status",
		  "Package: libvirt-clients\nStatus: install ok installed\nVersion: 7.0.0\n\n"
		  "Package: libvirt0\nStatus: install ok installed\nSource: libvirt\nVersion: 9.0.0-4+deb12u2\n\n",
		  NULL, NULL, "9.0.0", "/var/lib/dpkg/status" },
		{ "dpkg status without final empty line", "var/lib/dpkg/status",
		  "Package: libvirt0\nVersion: 1:6.0.0-0ubuntu8\nStatus: install ok installed\n", NULL, NULL, "6.0.0",
		  "/var/lib/dpkg/status" },
		{ "dpkg status of a removed package", "var/lib/dpkg/status",
		  "Package: libvirt0\nStatus: deinstall ok config-files\nVersion: 9.0.0-4\n\n", NULL, NULL, "unknown",
		  NULL },
		{ "rpm list of a sosreport", "installed-rpms",
		  "libvirt-glib-4.0.0-6.el9.x86_64   Mon\nlibvirt-daemon-driver-qemu-1.0.0-1.x86_64  Mon\n"
		  "libvirt-libs-9.5.0-7.el9_3.x86_64     Mon\n",
		  NULL, NULL, "9.5.0", "/installed-rpms" },
		{ "rpm list by its command's name", "sos_commands/rpm/sh_-c_rpm_-qa",
		  "libvirt-daemon-10.0.0-6.el9.x86_64\n", NULL, NULL, "10.0.0", "/sos_commands/rpm/sh_-c_rpm_-qa" },
		{ "dpkg list of a sosreport", "sos_commands/dpkg/dpkg_-l",
		  "rc  libvirt-daemon  5.0.0-4  amd64  x\nii  libvirt0:amd64  8.0.0-1ubuntu7.10  amd64  x\n", NULL,
		  NULL, "8.0.0", "/sos_commands/dpkg/dpkg_-l" },
		{ "log banner, the latest of a file", "var/log/libvirt/qemu/vm.log",
		  "2023-01-01 00:00:00.000+0000: starting up libvirt version: 8.0.0, package: 1, qemu version: 7\n"
		  "2024-01-01 00:00:00.000+0000: starting up libvirt version: 9.0.0, package: 1, qemu version: 7\n"
		  "guest says 2025-01-01 00:00:00.000+0000: starting up libvirt version: 1.0.0, package\n",
		  NULL, NULL, "9.0.0", "/var/log/libvirt/qemu/vm.log" },
		{ "log banner, the latest of the guests", "var/log/libvirt/qemu/a.log",
		  "2024-05-01 00:00:00.000+0000: starting up libvirt version: 9.0.0, qemu version: 7\n",
		  "var/log/libvirt/lxc/b.log", "2024-06-01 00:00:00.000+0000: starting up libvirt version: 10.1.0, x\n",
		  "10.1.0", "/var/log/libvirt/lxc/b.log" },
		{ "nothing", "etc/motd", "libvirt 9.0.0\n", NULL, NULL, "unknown", NULL },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_ROOT struct vd_root *root = NULL;
		VD_AUTO_BUF path = VD_BUF_INIT;
		struct vd_host host = { .name = NULL };
		size_t base;
		char buf[32];

		tree_must(vd_buf_addf(&path, "host%zu/", i) == 0, "memory");
		base = path.len;
		tree_must(vd_buf_adds(&path, cases[i].path) == 0, "memory");
		tree_file(path.data, cases[i].text);
		path.len = base;
		if (cases[i].path2) {
			tree_must(vd_buf_adds(&path, cases[i].path2) == 0, "memory");
			if (!strncmp(cases[i].text2, "->", 2))
				tree_link(path.data, cases[i].text2 + 2);
			else
				tree_file(path.data, cases[i].text2);
		}
		path.data[base] = '\0';
		tree_must(vd_root_open(tree_path(path.data), 0, &root, NULL) == 0, "root");
		tap_int(vd_host_load(root, &host), 0, "%s", cases[i].what);
		tap_str(vd_version_format(host.libvirt, buf), cases[i].version, "... the version");
		tap_str(host.libvirt_evidence, cases[i].evidence, "... the evidence");
		vd_host_release(&host);
	}
}

/* A long log whose last banner is far from its end, a line without end, NUL bytes, lines of nothing but banners. */
static void test_hostile_logs(void)
{
	VD_AUTO_ROOT struct vd_root *root = NULL;
	VD_AUTO_BUF text = VD_BUF_INIT;
	struct vd_host host = { .name = NULL };

	tree_must(vd_buf_reserve(&text, 2u << 20) == 0, "memory");
	memset(text.data, 0, 1u << 20);
	text.len = 1u << 20;
	tree_must(vd_buf_adds(&text, "\n2024-01-01 00:00:00.000+0000: starting up libvirt version: 9.0.0, x\n") == 0,
	          "memory");
	tree_bytes("logs/var/log/libvirt/qemu/a.log", text.data, text.len);
	tree_bytes("logs/var/lib/dpkg/status", text.data, 1u << 20);
	tree_link("logs/var/log/libvirt/qemu/b.log", "/dev/zero");
	tree_must(mkfifo(tree_path("logs/var/log/libvirt/qemu/c.log"), 0644) == 0, "mkfifo");
	vd_buf_clear(&text);
	for (size_t i = 0; i < 8000; i++)
		tree_must(vd_buf_adds(&text, ": starting up libvirt version: ") == 0, "memory");
	tree_bytes("logs/var/log/libvirt/qemu/d", text.data, text.len);
	for (unsigned i = 0; i < 40; i++) {
		char name[64];

		snprintf(name, sizeof(name), "logs/var/log/libvirt/qemu/d%u.log", i);
		tree_link(name, "d");
	}
	tree_must(vd_root_open(tree_path("logs"), 0, &root, NULL) == 0, "root");
	alarm(20);
	tap_int(vd_host_load(root, &host), 0, "hostile logs");
	alarm(0);
	tap_int(host.libvirt, VD_VERSION(9, 0, 0), "... the banner behind a megabyte of NUL bytes");
	vd_host_release(&host);
}

static void test_names(void)
{
	VD_AUTO_ROOT struct vd_root *root = NULL;
	VD_AUTO_ROOT struct vd_root *sos = NULL;
	VD_AUTO_ROOT struct vd_root *live = NULL;
	struct vd_host host = { .name = NULL };

	tree_file("names/etc/hostname", "\n hv01.example \n");
	tree_file("names/etc/machine-id", "3d1219c7c4c5404aaa1f6d2a48adfda4\n");
	tree_must(vd_root_open(tree_path("names"), 0, &root, NULL) == 0, "root");
	tap_int(vd_host_load(root, &host), 0, "names of a capture");
	tap_str(host.name, "hv01.example", "... its host name");
	tap_str(host.machine_id, "3d1219c7c4c5404aaa1f6d2a48adfda4", "... its machine id");
	vd_host_release(&host);
	tree_file("sos/sos_commands/x", "");
	tree_file("sos/hostname", "hv02\n");
	tree_must(vd_root_open(tree_path("sos"), 0, &sos, NULL) == 0, "root");
	tap_int(vd_host_load(sos, &host), 0, "names of a sosreport");
	tap_str(host.name, "hv02", "... from its hostname file");
	tap_str(host.machine_id, NULL, "... no machine id");
	vd_host_release(&host);
	tree_must(vd_root_open(NULL, 0, &live, NULL) == 0, "root");
	tap_int(vd_host_load(live, &host), 0, "names of this machine");
	tap_ok(host.name && *host.name, "... it has a name");
	vd_host_release(&host);
}

static void test_users(void)
{
	VD_AUTO_ROOT struct vd_root *root = NULL;
	VD_AUTO_FREE char *home = NULL, *name = NULL;
	VD_AUTO_ERR err = VD_ERR_INIT;
	uid_t uid = 1;
	gid_t gid = 1;

	tree_file("users/etc/passwd", "# qemu:x:1:1::/:\n"
	                              "+qemu::::::\n"
	                              "qemu:x:bad:107::/:\n"
	                              "short:x:5\n"
	                              ":x:107:107::/nameless:\n"
	                              "\n"
	                              "root:x:0:0:root:/root:/bin/sh\n"
	                              "big:x:4294967296:0::/:\n"
	                              "qemu:x:107:36:qemu user:/var/lib/qemu:/sbin/nologin\n"
	                              "qemu:x:108:36::/second:\n"
	                              "last:x:9:9::/last");
	tree_must(vd_root_open(tree_path("users"), 0, &root, NULL) == 0, "root");
	tap_int(vd_host_user(root, "qemu", &uid, &gid, &home, NULL), 0, "user by name, past bad lines");
	tap_ok(uid == 107 && gid == 36, "... its ids");
	tap_str(home, "/var/lib/qemu", "... its home");
	tap_int(vd_host_user_by_uid(root, 107, &name, &gid, NULL, NULL), 0, "user by uid");
	tap_str(name, "qemu", "... its name");
	tap_int(vd_host_user(root, "last", &uid, NULL, NULL, NULL), 0, "a line without shell and newline");
	tap_int(vd_host_user(root, "qem", &uid, NULL, NULL, &err), -ENOENT, "no abbreviations");
	tap_ok(err.text && strstr(err.text, "qem"), "... the sentence names it");
	tap_int(vd_host_user(root, "big", &uid, NULL, NULL, NULL), -ENOENT, "a uid of more than 32 bits");
	tap_int(vd_host_user_by_uid(root, 4242, NULL, NULL, NULL, NULL), -ENOENT, "no such uid");
}

int main(void)
{
	tree_begin();
	test_parse();
	test_evidence();
	test_hostile_logs();
	test_names();
	test_users();
	return tap_done();
}
