/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Protects the mount table: which file it is read from in a capture, escapes in names, options of both kinds, and
 * which mount holds a path when mounts hide each other.
 */
#include "mounts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"

static char dir[] = "/tmp/test-mounts-XXXXXX";

static void put(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	for (char *p = path + strlen(dir) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(path, 0700);
		*p = '/';
	}
	f = fopen(path, "w");
	if (f) {
		fputs(text, f);
		fclose(f);
	}
}

static void clean(void)
{
	static const char *const names[] = { "proc/self/mountinfo", "proc/1/mountinfo", "proc/mounts", "etc/mtab",
		                             "proc/self",           "proc/1",           "proc",        "etc" };

	for (size_t i = 0; i < VD_ARRAY_SIZE(names); i++) {
		char path[256];

		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		remove(path);
	}
}

static int load(struct vd_mounts *mounts)
{
	VD_AUTO_ROOT struct vd_root *root = NULL;
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r = vd_root_open(dir, 0, &root, &err);

	if (!r)
		r = vd_mounts_load(root, mounts, &err);
	if (r < 0)
		printf("# %s\n", vd_err_text(&err));
	return r;
}

static void test_sources(void)
{
	static const struct {
		const char *name, *text;
	} files[] = {
		{ "etc/mtab", "/dev/a / ext4 rw 0 0\n" },
		{ "proc/mounts", "/dev/b / ext4 rw 0 0\n" },
		{ "proc/1/mountinfo", "26 1 254:0 / / rw shared:1 - ext4 /dev/c rw\n" },
		{ "proc/self/mountinfo", "26 1 254:0 / / rw,relatime shared:1 - xfs /dev/d ro\n" },
	};
	VD_CLEANUP(vd_mounts_release) struct vd_mounts none = { 0 };

	tap_int(load(&none), 0, "a capture without a mount table is no error");
	tap_ok(none.len == 0 && !none.path, "it has no mounts");
	tap_ok(!vd_mounts_find(&none, "/x"), "no mount holds a path in it");
	for (size_t i = 0; i < VD_ARRAY_SIZE(files); i++) {
		VD_CLEANUP(vd_mounts_release) struct vd_mounts m = { 0 };
		char wanted[64];

		put(files[i].name, files[i].text);
		snprintf(wanted, sizeof(wanted), "/%s", files[i].name);
		tap_int(load(&m), 0, "%s: reads", files[i].name);
		tap_str(m.path, wanted, "%s: goes before the ones so far", files[i].name);
		tap_int(m.len, 1, "%s: one mount", files[i].name);
		tap_str(m.len ? m.items[0].target : NULL, "/", "%s: its target", files[i].name);
	}
	clean();
}

static void test_fields(void)
{
	VD_CLEANUP(vd_mounts_release) struct vd_mounts m = { 0 };

	put("proc/self/mountinfo",
	    "26 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw,seclabel\n"
	    "this line is nonsense\n"
	    "40 26 0:31 /docker/x /sys/fs/cgroup/cpu\\040x ro,nosuid - cgroup cgroup rw,cpu,cpuacct\n"
	    "41 26 0:32 / /mnt rw - nfs4 srv:/e rw,context=\"system_u:object_r:nfs_t:s0:c1,c2\",vers=4.2\n");
	tap_int(load(&m), 0, "a table with a broken line reads");
	tap_int(m.len, 3, "the broken line alone is left out");
	if (m.len != 3)
		return;
	tap_str(m.items[0].source, "/dev/root", "the source is not looked up on the running machine");
	tap_str(m.items[1].target, "/sys/fs/cgroup/cpu x", "escapes in a target are undone");
	tap_str(m.items[1].root, "/docker/x", "the root of a mount in a container");
	tap_str(m.items[1].fstype, "cgroup", "the type");
	tap_ok(m.items[1].id == 40 && m.items[1].parent == 26, "ids");
	for (size_t i = 0; i < 6; i++) {
		static const struct {
			size_t mount;
			const char *name, *value;
		} options[] = {
			{ 1, "cpuacct", "" }, { 1, "nosuid", "" }, { 1, "acct", NULL },
			{ 2, "vers", "4.2" }, { 2, "c2", NULL },   { 2, "context", "system_u:object_r:nfs_t:s0:c1,c2" },
		};
		VD_AUTO_FREE char *value = vd_mount_option(&m.items[options[i].mount], options[i].name);

		tap_str(value, options[i].value, "option %s", options[i].name);
	}
	clean();
}

static void test_find(void)
{
	static const struct {
		const char *path, *type;
	} cases[] = {
		{ "/", "ext4" },       { "/srv/x", "xfs" },        { "/srv", "xfs" },
		{ "/srvx", "ext4" },   { "/sys/fs/a", "sysfs" },   { "/over/deep/f", "tmpfs" },
		{ "/stack", "ramfs" }, { "/over2/deep", "btrfs" },
	};
	VD_CLEANUP(vd_mounts_release) struct vd_mounts m = { 0 };
	VD_CLEANUP(vd_mounts_release) struct vd_mounts circle = { 0 };
	VD_CLEANUP(vd_mounts_release) struct vd_mounts old = { 0 };
	const struct vd_mount *found;

	/* As after a switch of the root: / stands behind its children. /over hides what was mounted below it before. */
	put("proc/self/mountinfo", "21 26 0:20 / /sys rw - sysfs sysfs rw\n"
	                           "26 1 254:0 / / rw - ext4 /dev/vda rw\n"
	                           "30 26 254:1 / /srv rw - xfs /dev/vdb rw\n"
	                           "31 26 254:2 / /over/deep rw - btrfs /dev/vdc rw\n"
	                           "32 26 0:40 / /over rw - tmpfs tmpfs rw\n"
	                           "33 26 254:3 / /stack rw - xfs /dev/vdd rw\n"
	                           "34 33 0:41 / /stack rw - ramfs ramfs rw\n"
	                           "35 26 0:42 / /over2 rw - tmpfs tmpfs rw\n"
	                           "36 35 254:2 / /over2/deep rw - btrfs /dev/vdc rw\n");
	tap_int(load(&m), 0, "a table with hidden mounts reads");
	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		found = vd_mounts_find(&m, cases[i].path);
		tap_str(found ? found->fstype : NULL, cases[i].type, "%s is in", cases[i].path);
	}
	put("proc/self/mountinfo", "5 6 0:1 / / rw - ext4 a rw\n6 5 0:2 / / rw - xfs b rw\n");
	tap_int(load(&circle), 0, "a table whose mounts form a circle reads");
	found = vd_mounts_find(&circle, "/x");
	tap_str(found ? found->fstype : NULL, "xfs", "... and a search in it ends");
	clean();
	put("proc/mounts", "a / ext4 rw 0 0\nb /srv xfs rw 0 0\nc /srv ext2 rw 0 0\n/dev/d /srv/x/y nfs rw 0 0\n");
	tap_int(load(&old), 0, "a table without ids reads");
	found = vd_mounts_find(&old, "/srv/x");
	tap_str(found ? found->fstype : NULL, "ext2", "without ids the last of the longest counts");
	clean();
}

/* All of them at the top, one above the other or without a parent: to look for one would take minutes. */
static void test_many(void)
{
	VD_CLEANUP(vd_mounts_release) struct vd_mounts stack = { 0 }, heap = { 0 };
	VD_AUTO_BUF up = VD_BUF_INIT, flat = VD_BUF_INIT;
	int r = 0;

	for (unsigned i = 1; i <= 200000 && r == 0; i++) {
		r = vd_buf_addf(&up, "%u %u 0:1 / / rw - xfs a rw\n", i + 1, i);
		if (r == 0)
			r = vd_buf_addf(&flat, "%u 999999 0:1 / / rw - xfs a rw\n", i);
	}
	if (r == 0)
		r = vd_mounts_parse(up.data, up.len, "up", &stack, NULL);
	if (r == 0)
		r = vd_mounts_parse(flat.data, flat.len, "flat", &heap, NULL);
	tap_int(r, 0, "two tables of very many mounts");
	alarm(60);
	tap_ok(vd_mounts_find(&stack, "/x") && vd_mounts_find(&heap, "/x"), "... and a search in them ends");
	alarm(0);
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	test_sources();
	test_fields();
	test_find();
	test_many();
	clean();
	rmdir(dir);
	return tap_done();
}
