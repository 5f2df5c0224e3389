/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Protects the file that keeps attributes from before a change: setfattr(1) restores all of it, odd names too; the
 * first value of a run is the one that comes back; what was not changed after all is not in it.
 */
#include "../../lib/attr-backup.h"

#include <sys/wait.h>
#include <sys/xattr.h>

#include "tap.h"
#include "tree.h"

#define ODD "img/a b\\c\nd\"e"

/* The size of the file that @b writes, -1 without one. */
static long long size_of(const struct vd_attr_backup *b)
{
	const char *path = vd_attr_backup_path(b);
	struct stat st;

	return path && stat(tree_path(path + 1), &st) == 0 ? (long long)st.st_size : -1;
}

static void set(const char *path, const char *value)
{
	tree_must(setxattr(tree_path(path), "user.label", value, strlen(value), 0) == 0, "setxattr");
}

static bool has(const char *path, const char *value)
{
	char now[64];
	ssize_t n = getxattr(tree_path(path), "user.label", now, sizeof(now));

	return n == (ssize_t)strlen(value) && !memcmp(now, value, (size_t)n);
}

/* Runs setfattr --restore on what @b wrote, its paths put below the tree. Returns its status. */
static int restore(const struct vd_attr_backup *b)
{
	static const char mark[] = "# file: ";
	VD_AUTO_BUF text = VD_BUF_INIT, moved = VD_BUF_INIT, option = VD_BUF_INIT;
	VD_AUTO_ROOT struct vd_root *root = NULL;
	int status = -1;
	pid_t pid;

	tree_must(vd_root_open(tree_top, VD_ROOT_LIVE, &root, NULL) == 0 &&
	                  vd_root_read(root, vd_attr_backup_path(b), VD_MAX_CONF, &text, NULL) == 0,
	          "read the backup");
	for (const char *p = vd_buf_str(&text); *p;) {
		const char *hit = strstr(p, mark), *end = hit ? hit + sizeof(mark) - 1 : p + strlen(p);

		tree_must(vd_buf_add(&moved, p, (size_t)(end - p)) == 0 && (!hit || vd_buf_adds(&moved, tree_top) == 0),
		          "memory");
		p = end;
	}
	tree_file("moved", vd_buf_str(&moved));
	tree_must(vd_buf_addf(&option, "--restore=%s", tree_path("moved")) == 0, "memory");
	pid = fork();
	if (pid == 0) {
		execlp("setfattr", "setfattr", vd_buf_str(&option), (char *)NULL);
		_exit(127);
	}
	return waitpid(pid, &status, 0) == pid ? status : -1;
}

static void test_keep(struct vd_root *root)
{
	VD_AUTO_ATTR_BACKUP struct vd_attr_backup *b = NULL, *second = NULL;
	VD_AUTO_ERR err = VD_ERR_INIT;
	long long size;

	tap_int(vd_attr_backup_new(root, &b), 0, "begin");
	tap_ok(!vd_attr_backup_path(b), "no file before there is something to keep");
	tap_int(vd_attr_backup_add(b, "/img/link", "user.label", "old", &err), 0, "a value, through a symlink");
	size = size_of(b);
	tap_ok(size > 0, "it is in the file at once");
	tap_int(vd_attr_backup_add(b, "/img/one.raw", "user.label", "later", &err), 0, "the same file again");
	tap_int(size_of(b), size, "its first value is the one that counts");
	vd_attr_backup_take_back(b);
	tap_int(size_of(b), size, "what was not written is not taken back");
	tap_int(vd_attr_backup_add(b, "/img/gone", "user.label", "x", &err), -ENOENT, "no such file");
	tap_int(size_of(b), size, "no such file: nothing is kept");
	tap_int(vd_attr_backup_add(b, "/img/three", "user.label", "x", &err), 0, "a second file");
	tap_ok(size_of(b) > size, "a second file: it is added");
	vd_attr_backup_take_back(b);
	tap_int(size_of(b), size, "taken back");
	tap_int(vd_attr_backup_add(b, "/" ODD, "user.label", "o\"l\\d", &err), 0, "a name of odd bytes");
	tap_int(restore(b), 0, "setfattr reads it");
	tap_ok(has("img/one.raw", "old"), "a plain file is restored");
	tap_ok(has(ODD, "o\"l\\d"), "one of an odd name is restored");
	tap_ok(has("img/three", "new"), "one that was taken back stays");

	tap_int(vd_attr_backup_new(root, &second), 0, "another run");
	tap_int(vd_attr_backup_add(second, "/img/three", "user.label", "x", &err), 0, "another run: a value");
	tap_ok(strcmp(vd_attr_backup_path(b), vd_attr_backup_path(second)) != 0, "another run: a file of its own");
	vd_attr_backup_take_back(second);
	tap_ok(!vd_attr_backup_path(second), "another run: nothing was changed, no file is named");
}

/* Without a place for it the caller must know. */
static void test_no_place(struct vd_root *root)
{
	VD_AUTO_ATTR_BACKUP struct vd_attr_backup *b = NULL;
	VD_AUTO_ERR err = VD_ERR_INIT;

	tree_must(rename(tree_path("var/lib"), tree_path("var/gone")) == 0, "rename");
	tap_int(vd_attr_backup_new(root, &b), 0, "no /var/lib: begin");
	tap_ok(vd_attr_backup_add(b, "/img/three", "user.label", "x", &err) < 0, "no /var/lib: an error");
	tap_ok(!vd_attr_backup_path(b), "no /var/lib: no file");
}

int main(void)
{
	VD_AUTO_ROOT struct vd_root *root = NULL;

	/* On a disk: a kernel may have no such attributes in memory. */
	setenv("TMPDIR", "/var/tmp", 0);
	tree_begin();
	tree_file("img/one.raw", "1");
	tree_file(ODD, "2");
	tree_file("img/three", "3");
	tree_dirs("var/lib/");
	tree_link("img/link", "one.raw");
	set("img/one.raw", "new");
	set(ODD, "new");
	set("img/three", "new");
	tree_must(vd_root_open(tree_top, VD_ROOT_LIVE, &root, NULL) == 0, "root");
	test_keep(root);
	test_no_place(root);
	return tap_done();
}
