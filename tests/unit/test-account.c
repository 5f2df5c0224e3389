/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Protects who QEMU is taken for: names, numbers and defaults as libvirt reads them, all groups, and what the kernel
 * says of a running process.
 */
#include "account.h"

#include <errno.h>
#include <stdlib.h>

#include "host.h"
#include "tap.h"
#include "tree.h"

static void test_status(void)
{
	static const struct {
		const char *text;
		int result;
		uid_t uid;
		size_t groups;
		bool override;
	} cases[] = {
		{ "Name:\tx\nUid:\t1\t2\t3\t107\nGid:\t1\t2\t3\t36\nGroups:\t36 107 \nCapEff:\t0\n", 0, 107, 2, false },
		{ "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nGroups:\t\nCapEff:\t000001ffffffffff\n", 0, 0, 1, true },
		{ "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nGroups:\t\nCapEff:\t0000000000000001\n", 0, 0, 1, false },
		{ "Uid:\t5\t5\t5\t5\nGid:\t6\t6\t6\t6\nGroups:\t7 8 9", 0, 5, 4, false },
		{ "Uid:\t5\t5\t5\nGid:\t6\t6\t6\t6\nGroups:\t\n", -EBADMSG, 0, 0, false },
		{ "Uid:\t5\t5\t5\t4294967296\nGid:\t6\t6\t6\t6\nGroups:\t\n", -EBADMSG, 0, 0, false },
		{ "Uid:\tx\nGid:\t6\t6\t6\t6\nGroups:\t\n", -EBADMSG, 0, 0, false },
		{ "Uid:\t5\t5\t5\t5\nGid:\t6\t6\t6\t6\n", -EBADMSG, 0, 0, false },
		{ "xUid:\t5\t5\t5\t5\nGid:\t6\t6\t6\t6\nGroups:\t\n", -EBADMSG, 0, 0, false },
		{ "", -EBADMSG, 0, 0, false },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		struct vd_account a = { 0 };
		int r = vd_account_parse_status(cases[i].text, &a);

		tap_int(r, cases[i].result, "status %zu: result", i);
		if (!r) {
			tap_int(a.uid, cases[i].uid, "status %zu: the fourth number is the user", i);
			tap_int(a.ngids, cases[i].groups, "status %zu: groups, the process's own among them", i);
			tap_int(a.override, cases[i].override, "status %zu: CAP_DAC_OVERRIDE", i);
		}
		vd_account_release(&a);
	}
}

static bool in(const struct vd_account *a, gid_t gid)
{
	for (size_t i = 0; i < a->ngids; i++)
		if (a->gids[i] == gid)
			return true;
	return false;
}

static void test_qemu(struct vd_root *root)
{
	static const struct {
		const char *user, *group;
		bool known;
		uid_t uid;
		gid_t gid;
		const char *name;
	} cases[] = {
		{ NULL, NULL, true, 64055, 64055, "libvirt-qemu" },
		{ "ann", NULL, true, 1000, 64055, "ann" },
		{ "+1000", "+36", true, 1000, 36, "ann" },
		{ "1000", "kvm", true, 1000, 36, "ann" },
		{ "4711", "4712", true, 4711, 4712, "4711" },
		/* a name that is a number comes first */
		{ "77", NULL, true, 78, 64055, "77" },
		{ "+77", NULL, true, 77, 64055, "77" },
		{ "gone", NULL, false, 0, 0, NULL },
		{ "ann", "gone", false, 0, 0, NULL },
		{ "+4294967295", NULL, false, 0, 0, NULL },
		{ "+", NULL, false, 0, 0, NULL },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		struct vd_svirt_settings s = { .user = (char *)cases[i].user, .group = (char *)cases[i].group };
		struct vd_account a = { 0 };

		tap_int(vd_account_qemu(root, &s, &a), 0, "qemu %zu: no error", i);
		tap_int(a.known, cases[i].known, "qemu %zu: known or not", i);
		if (a.known) {
			tap_int(a.uid, cases[i].uid, "qemu %zu: user", i);
			tap_int(a.gid, cases[i].gid, "qemu %zu: group", i);
			tap_str(a.name, cases[i].name, "qemu %zu: name", i);
			tap_ok(in(&a, a.gid), "qemu %zu: the group is one of its groups", i);
		} else {
			tap_ok(a.why != NULL, "qemu %zu: says why it is not known", i);
		}
		vd_account_release(&a);
	}
}

static void test_groups(struct vd_root *root)
{
	struct vd_svirt_settings s = { 0 };
	struct vd_account base = { 0 }, a = { 0 };

	tap_int(vd_account_qemu(root, &s, &base), 0, "groups: default account");
	tap_ok(base.ngids == 3 && in(&base, 64055) && in(&base, 36) && in(&base, 6),
	       "groups: of qemu.conf, the primary one, and the one that lists it as a member");
	tap_int(vd_account_label(root, &base, "+1000:+1000", &a), 0, "dac label: numbers");
	tap_ok(a.known && a.uid == 1000 && a.gid == 1000 && a.ngids == 2 && in(&a, 1000) && in(&a, 500),
	       "dac label: its user and group with that user's groups, not QEMU's");
	vd_account_release(&a);
	tap_int(vd_account_label(root, &base, "+4711:+4712", &a), 0, "dac label: numbers without an account");
	tap_ok(a.known && a.uid == 4711 && a.ngids == 1 && in(&a, 4712),
	       "dac label: a number has no groups but its own");
	vd_account_release(&a);
	tap_int(vd_account_label(root, &base, NULL, &a), 0, "dac label: none");
	tap_ok(a.known && a.uid == base.uid && a.ngids == base.ngids, "dac label: none is the account itself");
	vd_account_release(&a);
	tap_int(vd_account_label(root, &base, "ann", &a), 0, "dac label: no group");
	tap_ok(a.known && a.uid == 1000 && a.gid == base.gid, "dac label: the group stays");
	vd_account_release(&a);
	tap_int(vd_account_label(root, &base, "gone:kvm", &a), 0, "dac label: unknown user");
	tap_ok(!a.known && strstr(a.why, "gone"), "dac label: unknown user is told");
	vd_account_release(&a);
	vd_account_release(&base);
	tap_int(vd_account_user(root, 1000, &a), 0, "session: its user");
	tap_ok(a.known && a.uid == 1000 && in(&a, 1000) && in(&a, 500), "session: with its groups");
	vd_account_release(&a);
	tap_int(vd_account_user(root, 4711, &a), 0, "session: unknown user");
	tap_ok(!a.known, "session: unknown user is not known");
	vd_account_release(&a);
	tap_int(vd_account_process(root, 4711, &a), 0, "process: gone");
	tap_ok(!a.known && a.why, "process: gone is not known");
	vd_account_release(&a);
}

static void test_group_file(struct vd_root *root)
{
	gid_t gid = 0;

	tap_int(vd_host_group(root, "kvm", &gid, NULL), 0, "group: found");
	tap_int(gid, 36, "group: its number");
	tap_int(vd_host_group(root, "bad", &gid, NULL), -ENOENT, "group: a line without a number is none");
	tap_int(vd_host_group(root, "+", &gid, NULL), -ENOENT, "group: a line for NIS is none");
	tap_int(vd_host_group(root, "short", &gid, NULL), -ENOENT, "group: a line that is cut off is none");
}

int main(void)
{
	VD_AUTO_ROOT struct vd_root *root = NULL;

	tree_begin();
	tree_file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"
	                        "libvirt-qemu:x:64055:36:Libvirt:/var/lib/libvirt:/usr/sbin/nologin\n"
	                        "77:x:78:78::/:/bin/false\nann:x:1000:1000::/home/ann:/bin/sh\n");
	tree_file("etc/group", "root:x:0:\nkvm:x:36:\nlibvirt-qemu:x:64055:libvirt-qemu\ndisk:x:6:ann2,libvirt-qemu\n"
	                       "team:x:500:ann\nbad:x::\n+:::\nshort:x:9\n");
	tree_must(vd_root_open(tree_top, 0, &root, NULL) == 0, "the tree");
	test_status();
	test_qemu(root);
	test_groups(root);
	test_group_file(root);
	return tap_done();
}
