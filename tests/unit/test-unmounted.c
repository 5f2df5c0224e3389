/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Protects which directories should be mounted: fstab as it is written by hand, and the pools that libvirt mounts. */
#include "unmounted.h"

#include <errno.h>

#include "tap.h"
#include "tree.h"

static void test_missing(const struct vd_mount_points *points)
{
	static const char table[] = "20 1 8:1 / / rw - ext4 /dev/vda1 rw\n21 20 8:2 / /srv/here rw - xfs /dev/vdb rw\n";
	static const struct {
		const char *path, *target;
	} cases[] = {
		{ "/srv/here/a", NULL },
		{ "/srv/nas/a", "/srv/nas" },
		{ "/srv/nas", "/srv/nas" },
		{ "/srv/nasty/a", NULL },
		{ "/data/pool/a", "/data/pool" },
		{ "/data/dir/a", NULL },
		{ "/srv/nas/in/a", "/srv/nas/in" },
		{ "/a", NULL },
	};
	VD_CLEANUP(vd_mounts_release) struct vd_mounts mounts = { 0 }, none = { 0 };

	tree_must(vd_mounts_parse(table, strlen(table), "mountinfo", &mounts, NULL) == 0, "mounts");
	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		const struct vd_mount_point *p = vd_mount_points_missing(points, &mounts, cases[i].path);

		tap_str(p ? p->target : NULL, cases[i].target, "%s: what is not mounted above it", cases[i].path);
	}
	tap_ok(!vd_mount_points_missing(points, &none, "/srv/nas/a"), "without a table of mounts nothing is told");
}

int main(void)
{
	VD_AUTO_ROOT struct vd_root *root = NULL;
	VD_CLEANUP(vd_mount_points_release) struct vd_mount_points points = { 0 };

	tree_begin();
	tree_file("etc/fstab", "# comment\n\nUUID=1-2 / ext4 defaults 0 1\n/dev/vdb\t/srv/here xfs noatime 0 2\n"
	                       "nas:/vm /srv/nas/ nfs4 _netdev,noauto 0 0\nnas:/in /srv/nas/in nfs4\n"
	                       "/dev/vdc none swap sw 0 0\nbroken\n");
	tree_file("etc/libvirt/storage/p.xml",
	          "<pool type='netfs'><name>p</name><source><host name='nas'/><dir path='/p'/></source>"
	          "<target><path>/data/pool</path></target></pool>");
	tree_file("etc/libvirt/storage/d.xml",
	          "<pool type='dir'><name>d</name><target><path>/data/dir</path></target></pool>");
	tree_file("etc/libvirt/storage/bad.xml", "<pool type='fs'>");
	tree_file("etc/libvirt/storage/other.txt", "<pool type='fs'><name>x</name></pool>");
	tree_must(vd_root_open(tree_top, 0, &root, NULL) == 0, "the tree");
	tap_int(vd_mount_points_load(root, &points), 0, "loaded");
	test_missing(&points);
	for (size_t i = 0; i < points.len; i++) {
		const struct vd_mount_point *p = &points.items[i];

		if (!strcmp(p->target, "/srv/nas"))
			tap_ok(p->on_request && !p->pool, "noauto is on request");
		if (!strcmp(p->target, "/data/pool")) {
			tap_str(p->source, "nas:/p", "a pool's source as mount(8) names it");
			tap_str(p->pool, "p", "a pool has its name");
		}
	}
	return tap_done();
}
