/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Protects: which daemon is taken to serve a driver, from the traces that daemons leave on a host. */

#include "daemon.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"

static const char *const dirs[] = { "",
	                            "/run",
	                            "/run/libvirt",
	                            "/usr",
	                            "/usr/sbin",
	                            "/etc",
	                            "/etc/systemd",
	                            "/etc/systemd/system",
	                            "/etc/systemd/system/sockets.target.wants" };

static void make_tree(const char *root, const char *const *files)
{
	char path[256];

	for (size_t i = 0; i < VD_ARRAY_SIZE(dirs); i++) {
		snprintf(path, sizeof(path), "%s%s", root, dirs[i]);
		mkdir(path, 0755);
	}
	for (; *files; files++) {
		FILE *file;

		snprintf(path, sizeof(path), "%s%s", root, *files);
		file = fopen(path, "w");
		if (file)
			fclose(file);
	}
}

static void remove_tree(const char *root, const char *const *files)
{
	char path[256];

	for (; *files; files++) {
		snprintf(path, sizeof(path), "%s%s", root, *files);
		unlink(path);
	}
	for (size_t i = VD_ARRAY_SIZE(dirs); i-- > 0;) {
		snprintf(path, sizeof(path), "%s%s", root, dirs[i]);
		rmdir(path);
	}
}

static void test_find(void)
{
	static const struct {
		const char *files[4], *daemon, *found;
		enum vd_daemon_sure sure;
		const char *evidence;
	} cases[] = {
		{ { NULL }, "virtqemud", "virtqemud", VD_DAEMON_NOWHERE, NULL },
		{ { "/usr/sbin/libvirtd" }, "virtqemud", "libvirtd", VD_DAEMON_FOUND, "/usr/sbin/libvirtd" },
		{ { "/usr/sbin/virtqemud" }, "virtqemud", "virtqemud", VD_DAEMON_FOUND, "/usr/sbin/virtqemud" },
		{ { "/usr/sbin/virtqemud", "/usr/sbin/libvirtd" },
		  "virtqemud",
		  "virtqemud",
		  VD_DAEMON_EITHER,
		  "/usr/sbin/virtqemud" },
		{ { "/usr/sbin/virtqemud", "/usr/sbin/libvirtd", "/run/libvirt/libvirt-admin-sock" },
		  "virtqemud",
		  "libvirtd",
		  VD_DAEMON_FOUND,
		  "/run/libvirt/libvirt-admin-sock" },
		{ { "/run/libvirtd.pid", "/etc/systemd/system/sockets.target.wants/virtqemud.socket" },
		  "virtqemud",
		  "libvirtd",
		  VD_DAEMON_FOUND,
		  "/run/libvirtd.pid" },
		{ { "/usr/sbin/libvirtd", "/etc/systemd/system/sockets.target.wants/virtqemud.socket" },
		  "virtqemud",
		  "virtqemud",
		  VD_DAEMON_FOUND,
		  "/etc/systemd/system/sockets.target.wants/virtqemud.socket" },
		/* The socket of clients may be virtproxyd's. */
		{ { "/usr/sbin/virtqemud", "/run/libvirt/libvirt-sock" },
		  "virtqemud",
		  "virtqemud",
		  VD_DAEMON_FOUND,
		  "/usr/sbin/virtqemud" },
		/* virtlogd serves beside libvirtd, not instead of it. */
		{ { "/run/libvirtd.pid" }, "virtlogd", "virtlogd", VD_DAEMON_NOWHERE, NULL },
		{ { "/run/libvirtd.pid" }, "libvirtd", "libvirtd", VD_DAEMON_FOUND, "/run/libvirtd.pid" },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		char dir[] = "/tmp/virtdiag-test-daemon-XXXXXX";
		VD_AUTO_DAEMON_PLACE place = { 0 };
		VD_AUTO_ROOT struct vd_root *root = NULL;

		tap_ok(mkdtemp(dir) != NULL, "daemon: a root for case %zu", i);
		make_tree(dir, cases[i].files);
		tap_int(vd_root_open(dir, 0, &root, NULL), 0, "daemon: case %zu is opened", i);
		tap_int(vd_daemon_find(root, cases[i].daemon, &place, NULL), 0, "daemon: case %zu is looked at", i);
		tap_str(place.name, cases[i].found, "daemon: case %zu -> who serves", i);
		tap_int(place.sure, cases[i].sure, "daemon: case %zu -> how sure", i);
		tap_str(place.evidence, cases[i].evidence, "daemon: case %zu -> evidence", i);
		remove_tree(dir, cases[i].files);
	}
}

int main(void)
{
	VD_AUTO_DAEMON_PLACE place = { 0 };
	VD_AUTO_ERR err = VD_ERR_INIT;

	test_find();
	tap_int(vd_daemon_find(NULL, "virtnosuchd", &place, &err), -EINVAL, "daemon: an unknown name");
	tap_ok(vd_daemon_is_modular("virtqemud") && !vd_daemon_is_modular("libvirtd") &&
	               !vd_daemon_is_modular("virtlogd"),
	       "daemon: who is modular");
	tap_ok(vd_daemon_has_timeout("libvirtd") && !vd_daemon_has_timeout("virtlockd"), "daemon: who ends by itself");
	return tap_done();
}
