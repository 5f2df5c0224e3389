/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Protects the names of guests' cgroups: machine names as the real libvirt 9.0.0 made them, scopes, partitions, old
 * forms, and reading a name back.
 */
#include "cgroup-name.h"

#include <errno.h>
#include <stdlib.h>

#include "tap.h"

static void test_machine_names(void)
{
	static const struct {
		enum vd_driver driver;
		int id;
		const char *name, *machine;
	} cases[] = {
		/* The first seven are from a real host. */
		{ VD_DRIVER_QEMU, 1, "sf-v1", "qemu-1-sf-v1" },
		{ VD_DRIVER_QEMU, 2, "sf-..dots--and.-.dash.", "qemu-2-sf-dots-and.dash" },
		{ VD_DRIVER_QEMU, 3,
		  "sf-aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggggggggghhhhhhhhhh",
		  "qemu-3-sf-aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffff" },
		{ VD_DRIVER_QEMU, 5, "sf-x_y z\\w:@%+", "qemu-5-sf-xyzw" },
		{ VD_DRIVER_QEMU, 4, "sf-日本語", "qemu-4-sf" },
		{ VD_DRIVER_QEMU, 5, "sf-a.b_c é-x", "qemu-5-sf-a.bc-x" },
		{ VD_DRIVER_QEMU, 2, "cg-a-_-b é", "qemu-2-cg-a-b" },
		{ VD_DRIVER_LXC, 507, "c1", "lxc-507-c1" },
		{ VD_DRIVER_QEMU, 7, "..", "qemu-7" },
		{ VD_DRIVER_QEMU, 7, "日本", "qemu-7" },
		{ VD_DRIVER_QEMU, 7, "_-a.é.b", "qemu-7-a.b" },
		{ VD_DRIVER_QEMU, 7, "a-.-_", "qemu-7-a" },
		{ VD_DRIVER_QEMU, 10, "12345678901234567890123456789012345678901234567890123456-8",
		  "qemu-10-12345678901234567890123456789012345678901234567890123456" },
		{ VD_DRIVER_QEMU, 10, "1234567890123456789012345678901234567890123456789012345-78",
		  "qemu-10-1234567890123456789012345678901234567890123456789012345" },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_FREE char *machine = NULL;
		int r = vd_cgroup_machine_name(cases[i].driver, cases[i].id, cases[i].name, &machine);

		tap_int(r, 0, "machine name %zu: succeeds", i);
		tap_str(machine, cases[i].machine, "machine name of %s", cases[i].name);
	}
}

static void test_scopes(void)
{
	static const struct {
		const char *machine, *scope;
	} cases[] = {
		{ "qemu-1-g1", "machine-qemu\\x2d1\\x2dg1.scope" },
		{ "lxc-507-c1", "machine-lxc\\x2d507\\x2dc1.scope" },
		{ "qemu-2-a.b", "machine-qemu\\x2d2\\x2da.b.scope" },
		{ ".x", "machine-\\x2ex.scope" },
		{ "a b\\c/d\xc3\xa9:_", "machine-a\\x20b\\x5cc-d\\xc3\\xa9:_.scope" },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_FREE char *scope = NULL;
		int r = vd_cgroup_scope_name(cases[i].machine, &scope);

		tap_int(r, 0, "scope %zu: succeeds", i);
		tap_str(scope, cases[i].scope, "scope of %s", cases[i].machine);
	}
}

static void test_unescape(void)
{
	static const struct {
		const char *text, *plain;
	} cases[] = {
		{ "qemu\\x2d1\\x2dg1", "qemu-1-g1" },
		{ "a\\xC3\\xa9", "a\xc3\xa9" },
		{ "a-b", "a-b" },
		{ "cut\\x2", "cut\\x2" },
		{ "no\\xzz", "no\\xzz" },
		{ "nul\\x00x", "nul\\x00x" },
		{ "\\\\x2d", "\\-" },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_BUF buf = VD_BUF_INIT;
		int r = vd_cgroup_systemd_unescape(cases[i].text, strlen(cases[i].text), &buf);

		tap_int(r, 0, "unescape %zu: succeeds", i);
		tap_str(vd_buf_str(&buf), cases[i].plain, "unescaped %s", cases[i].text);
	}
}

static void test_partitions(void)
{
	static const struct {
		const char *partition, *plain, *systemd;
	} cases[] = {
		{ NULL, "/machine", "/machine.slice" },
		{ "/machine", "/machine", "/machine.slice" },
		{ "/machine/production/sub.x", "/machine/production.partition/sub.x",
		  "/machine.slice/machine-production.slice/machine-production-sub.x.slice" },
		{ "/machine/a-b", "/machine/a-b.partition", "/machine.slice/machine-a\\x2db.slice" },
		{ "/vms", "/vms.partition", "/vms.slice" },
		{ "/vms/machine", "/vms.partition/machine.partition", "/vms.slice/vms-machine.slice" },
		{ "/system", "/system", "/system.slice" },
		{ "/user/_x", "/user/__x.partition", "/user.slice/user-_x.slice" },
		{ "/cpu.fast", "/_cpu.fast", "/cpu.fast.slice" },
		{ "/cpux.fast", "/cpux.fast", "/cpux.fast.slice" },
		{ "/", "", "" },
		{ "//machine//x/", "/machine/x.partition", "/machine.slice/machine-x.slice" },
	};
	VD_AUTO_BUF deep = VD_BUF_INIT;
	char *untouched = NULL;

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_FREE char *plain = NULL;
		VD_AUTO_FREE char *slice = NULL;
		const char *name = cases[i].partition ? cases[i].partition : "(default)";

		tap_int(vd_cgroup_partition_path(cases[i].partition, false, &plain), 0, "%s: a directory", name);
		tap_int(vd_cgroup_partition_path(cases[i].partition, true, &slice), 0, "%s: a slice", name);
		tap_str(plain, cases[i].plain, "%s: its directory", name);
		tap_str(slice, cases[i].systemd, "%s: its slice", name);
	}
	tap_int(vd_cgroup_partition_path("/machine/../etc", false, &untouched), -EINVAL, "dot-dot is refused");
	tap_int(vd_cgroup_partition_path("/./x", true, &untouched), -EINVAL, "dot is refused");
	/* As slices this would be terabytes. */
	for (unsigned i = 0; i < 2000000; i++)
		if (vd_buf_adds(&deep, "/a") < 0)
			break;
	tap_int(vd_cgroup_partition_path(vd_buf_str(&deep), true, &untouched), -EINVAL, "a path too long is refused");
	tap_ok(!untouched, "a refused partition leaves the result alone");
}

static void test_guest_names(void)
{
	static const char *const wanted[] = {
		"machine-qemu\\x2d3\\x2dweb01.scope",
		"qemu-3-web01.libvirt-qemu",
		"web.01_.libvirt-qemu",
		"machine-qemu\\x2dweb.01_.scope",
		"qemu-3-web.01",
		"web.01_",
	};
	VD_AUTO_STRV names = VD_STRV_INIT;
	VD_AUTO_STRV odd = VD_STRV_INIT;

	tap_int(vd_cgroup_guest_names(VD_DRIVER_QEMU, 3, "web.01_", &names), 0, "names of a guest: succeeds");
	tap_int(names.len, VD_ARRAY_SIZE(wanted), "names of a guest: all forms");
	for (size_t i = 2; i < VD_ARRAY_SIZE(wanted) && i < names.len; i++)
		tap_str(names.items[i], wanted[i], "names of a guest: form %zu", i);
	tap_str(names.items[0], "machine-qemu\\x2d3\\x2dweb.01.scope", "names of a guest: today's scope");
	tap_str(names.items[1], "qemu-3-web.01.libvirt-qemu", "names of a guest: today's plain group");
	tap_int(vd_cgroup_guest_names(VD_DRIVER_LXC, 9, "cpu.x", &odd), 0, "a guest named like a file of the kernel");
	tap_str(odd.items[2], "_cpu.x.libvirt-lxc", "... gets an underscore in the form without id");
}

static void test_parse(void)
{
	static const struct {
		const char *name;
		int r;
		enum vd_driver driver;
		int id;
		const char *machine, *guest;
	} cases[] = {
		{ "machine-qemu\\x2d1\\x2dg1.scope", 0, VD_DRIVER_QEMU, 1, "qemu-1-g1", "g1" },
		{ "machine-lxc\\x2d507\\x2dc1.scope", 0, VD_DRIVER_LXC, 507, "lxc-507-c1", "c1" },
		{ "machine-qemu\\x2dweb01.scope", 0, VD_DRIVER_QEMU, -1, "qemu-web01", "web01" },
		{ "qemu-5-sf-a.bc-x.libvirt-qemu", 0, VD_DRIVER_QEMU, 5, "qemu-5-sf-a.bc-x", "sf-a.bc-x" },
		{ "lxc-8105-sf-lxch.libvirt-lxc", 0, VD_DRIVER_LXC, 8105, "lxc-8105-sf-lxch", "sf-lxch" },
		{ "my guest.libvirt-qemu", 0, VD_DRIVER_QEMU, -1, "my guest", "my guest" },
		{ "_cpu.x.libvirt-lxc", 0, VD_DRIVER_LXC, -1, "cpu.x", "cpu.x" },
		{ "qemu-7.libvirt-qemu", 0, VD_DRIVER_QEMU, 7, "qemu-7", "" },
		{ "qemu-99999999999-x.libvirt-qemu", 0, VD_DRIVER_QEMU, -1, "qemu-99999999999-x",
		  "qemu-99999999999-x" },
		{ "machine-nspawn.scope", -ENOENT, 0, 0, NULL, NULL },
		{ "machine-qemu\\x2d1\\x2dg1.service", -ENOENT, 0, 0, NULL, NULL },
		{ ".libvirt-qemu", -ENOENT, 0, 0, NULL, NULL },
		{ "production.partition", -ENOENT, 0, 0, NULL, NULL },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		struct vd_cgroup_id id = { 0 };
		int r = vd_cgroup_parse_name(cases[i].name, &id);

		tap_int(r, cases[i].r, "parse %s", cases[i].name);
		if (!r && !cases[i].r) {
			tap_int(id.driver, cases[i].driver, "%s: its driver", cases[i].name);
			tap_int(id.id, cases[i].id, "%s: its id", cases[i].name);
			tap_str(id.machine, cases[i].machine, "%s: its machine name", cases[i].name);
			tap_str(id.guest, cases[i].guest, "%s: its guest", cases[i].name);
		}
		vd_cgroup_id_release(&id);
	}
}

static void test_children(void)
{
	static const struct {
		const char *name;
		enum vd_cgroup_child kind;
		unsigned number;
	} cases[] = {
		{ "emulator", VD_CGROUP_CHILD_EMULATOR, 0 },
		{ "vcpu0", VD_CGROUP_CHILD_VCPU, 0 },
		{ "vcpu12", VD_CGROUP_CHILD_VCPU, 12 },
		{ "iothread3", VD_CGROUP_CHILD_IOTHREAD, 3 },
		{ "vcpu", VD_CGROUP_CHILD_NONE, 0 },
		{ "vcpu1x", VD_CGROUP_CHILD_NONE, 0 },
		{ "emulators", VD_CGROUP_CHILD_NONE, 0 },
		{ "libvirt", VD_CGROUP_CHILD_NONE, 0 },
		{ "vcpu99999999999", VD_CGROUP_CHILD_NONE, 0 },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		unsigned number = 0;
		enum vd_cgroup_child kind = vd_cgroup_child_kind(cases[i].name, &number);

		tap_int(kind, cases[i].kind, "%s: which group of threads", cases[i].name);
		if (cases[i].kind)
			tap_int(number, cases[i].number, "%s: its number", cases[i].name);
	}
}

int main(void)
{
	test_machine_names();
	test_scopes();
	test_unescape();
	test_partitions();
	test_guest_names();
	test_parse();
	test_children();
	return tap_done();
}
