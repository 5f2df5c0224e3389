/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Protects the promise that nothing below a hostile root leads out of it, hangs or fills the memory, with openat2() and
 * with the walk that stands in for it; and the difference between "absent" and "no evidence".
 */
#include "root.h"

#include <limits.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "root-open.h"
#include "tap.h"
#include "tree.h"

#define HUGE (INT64_C(100) << 30)

static char secret[96]; /* a file outside of every root that is opened */

static void build(void)
{
	VD_AUTO_BUF path = VD_BUF_INIT, up = VD_BUF_INIT;
	int r = vd_buf_adds(&path, "host/deep");

	tree_file("secret", "outside\n");
	snprintf(secret, sizeof(secret), "%s", tree_path("secret"));
	tree_file("host/etc/passwd", "inside\n");
	tree_file("host/etc/empty", "");
	tree_file("host/a/b/c/file", "deep\n");
	tree_link("host/abs", "/etc/passwd");
	tree_link("host/abs-secret", secret);
	tree_link("host/a/b/abs", "/etc");
	tree_link("host/dots", "../../../../../../../../etc/passwd");
	tree_link("host/dots-secret", "../secret");
	tree_link("host/a/b/up", "../../../..");
	tree_link("host/self", "self");
	tree_link("host/ping", "pong");
	tree_link("host/pong", "ping");
	tree_link("host/dir", "/a/b");
	tree_link("host/slash", "a/b/");
	tree_link("host/zero", "/dev/zero");
	tree_link("host/dangling", "nowhere");
	tree_link("host/top", "/");
	for (unsigned i = 0; i < 50; i++) {
		char name[64], target[32];

		snprintf(name, sizeof(name), "host/chain%u", i);
		snprintf(target, sizeof(target), "chain%u", i + 1);
		tree_link(name, i < 49 ? target : "etc/passwd");
	}
	for (unsigned i = 0; i < 100; i++) {
		char name[32];

		snprintf(name, sizeof(name), "host/many/%u", i * 7 % 100);
		tree_file(name, "");
	}
	for (unsigned i = 0; i < 100; i++)
		r |= vd_buf_adds(&path, "/d") | vd_buf_adds(&up, "../");
	r |= vd_buf_adds(&path, "/climb") | vd_buf_adds(&up, "../../etc/passwd");
	tree_must(r == 0, "memory");
	tree_link(path.data, up.data);
	tree_must(mkfifo(tree_path("host/fifo"), 0666) == 0, "mkfifo");
	tree_link("host/fifo-link", "fifo");
	tree_file("host/sparse", "x");
	/* As large as the file system allows; what is read of it must not depend on that. */
	if (truncate(tree_path("host/sparse"), HUGE) < 0)
		tree_must(truncate(tree_path("host/sparse"), INT64_C(2) << 30) == 0, "truncate");
}

static struct vd_root *open_root(const char *dir, unsigned flags)
{
	VD_AUTO_ERR err = VD_ERR_INIT;
	struct vd_root *root = NULL;

	if (vd_root_open(tree_path(dir), flags, &root, &err) < 0) {
		printf("Bail out! %s\n", vd_err_text(&err));
		exit(1);
	}
	return root;
}

/* What reading each path gives. NULL text: only the error counts. */
static void test_read(struct vd_root *root, const char *how)
{
	static char longname[NAME_MAX + 3], longpath[PATH_MAX + 10];
	const struct {
		const char *path;
		int result;
		const char *text, *what;
	} cases[] = {
		{ "/etc/passwd", 0, "inside\n", "a plain file" },
		{ "etc/passwd", 0, "inside\n", "without the leading slash" },
		{ "//etc/./../etc//passwd", 0, "inside\n", "dots and double slashes" },
		{ "/etc/empty", 0, "", "an empty file" },
		{ "/abs", 0, "inside\n", "an absolute symlink stays inside" },
		{ "/abs-secret", -ENOENT, NULL, "an absolute symlink to a file outside" },
		{ "/a/b/abs/passwd", 0, "inside\n", "an absolute symlink below a directory" },
		{ "/dots", 0, "inside\n", "a symlink of .. stops at the top" },
		{ "/dots-secret", -ENOENT, NULL, "a symlink to ../secret" },
		{ "/../secret", -ENOENT, NULL, ".. in the path itself" },
		{ "/../../etc/passwd", 0, "inside\n", ".. in the path stops at the top" },
		{ "/a/b/up/secret", -ENOENT, NULL, "a directory symlink above the top" },
		{ "/a/b/up/etc/passwd", 0, "inside\n", "a directory symlink above the top is the top" },
		{ "/dir/c/file", 0, "deep\n", "through a directory symlink" },
		{ "/dir/../b/c/file", 0, "deep\n", ".. behind a symlink is its target's parent" },
		{ "/slash/c/file", 0, "deep\n", "a target with a trailing slash" },
		{ "/top/top/top/etc/passwd", 0, "inside\n", "a symlink to the top" },
		{ "/self", -ELOOP, NULL, "a symlink to itself" },
		{ "/ping", -ELOOP, NULL, "two symlinks in a circle" },
		{ "/chain0", -ELOOP, NULL, "50 symlinks in a row" },
		{ "/chain10", 0, "inside\n", "40 symlinks in a row" },
		{ "/chain9", -ELOOP, NULL, "41 symlinks in a row" },
		{ "/dangling", -ENOENT, NULL, "a dangling symlink" },
		{ "/zero", -ENOENT, NULL, "a symlink to a device of this machine" },
		{ "/etc", -EINVAL, NULL, "a directory" },
		{ "/", -EINVAL, NULL, "the top" },
		{ "", -EINVAL, NULL, "an empty path is the top" },
		{ "/etc/passwd/", -ENOTDIR, NULL, "a file with a trailing slash" },
		{ "/etc/passwd/.", -ENOTDIR, NULL, "a file with a dot behind it" },
		{ "/etc/passwd/..", -ENOTDIR, NULL, "a file with .. behind it" },
		{ "/etc/passwd/x", -ENOTDIR, NULL, "a file as a directory" },
		{ "/fifo", -EINVAL, NULL, "a FIFO" },
		{ "/fifo-link", -EINVAL, NULL, "a symlink to a FIFO" },
		{ "/socket", -EINVAL, NULL, "a socket" },
		{ "/sparse", -EFBIG, NULL, "a huge sparse file" },
		{ longname, -ENAMETOOLONG, NULL, "a name of 256 bytes" },
		{ longpath, -ENAMETOOLONG, NULL, "a path longer than PATH_MAX" },
	};

	memset(longname, 'n', NAME_MAX + 1);
	for (size_t i = 0; i < PATH_MAX + 4; i += 2)
		memcpy(longpath + i, "/.", 2);
	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_BUF buf = VD_BUF_INIT;
		VD_AUTO_ERR err = VD_ERR_INIT;
		int r;

		alarm(10);
		r = vd_root_read(root, cases[i].path, 4096, &buf, &err);
		alarm(0);
		tap_int(r, cases[i].result, "%s: read %s", how, cases[i].what);
		if (cases[i].text)
			tap_str(vd_buf_str(&buf), cases[i].text, "... its content");
		else
			tap_ok(buf.len == 0 && err.code == -r && err.text, "... nothing read, and a sentence");
	}
}

static void test_bounds(struct vd_root *root, const char *how)
{
	VD_AUTO_BUF buf = VD_BUF_INIT;
	VD_AUTO_ERR err = VD_ERR_INIT;

	tap_int(vd_root_read(root, "/etc/passwd", 7, &buf, NULL), 0, "%s: a file of exactly the allowed length", how);
	tap_int(vd_root_read(root, "/etc/passwd", 6, &buf, &err), -EFBIG, "%s: one byte more than allowed", how);
	tap_ok(err.text && strstr(err.text, "longer than the 6 bytes"), "... and the sentence tells the bound");
	tap_int(buf.len, 0, "... leaves nothing");
	tap_int(vd_root_read_header(root, "/sparse", 512, &buf, NULL), 0, "%s: the header of a huge file", how);
	tap_int(buf.len, 512, "... is as long as wanted");
	tap_int(vd_root_read_header(root, "/etc/passwd", 512, &buf, NULL), 0, "%s: the header of a short file", how);
	tap_str(vd_buf_str(&buf), "inside\n", "... is all of it");
	alarm(10);
	tap_int(vd_root_read_header(root, "/fifo", 512, &buf, NULL), -EINVAL, "%s: the header of a FIFO", how);
	alarm(0);
	tap_int(vd_root_read_header(root, "/etc", 512, &buf, NULL), -EINVAL, "%s: the header of a directory", how);
	tap_int(vd_root_read_header(root, "/none", 512, &buf, NULL), -ENOENT, "%s: the header of nothing", how);
}

static void test_stat(struct vd_root *root, const char *how)
{
	static const struct {
		const char *path;
		int result;
		enum vd_file_type type, ltype;
	} cases[] = {
		{ "/etc/passwd", 0, VD_FILE_REG, VD_FILE_REG }, { "/etc", 0, VD_FILE_DIR, VD_FILE_DIR },
		{ "/", 0, VD_FILE_DIR, VD_FILE_DIR },           { "/abs", 0, VD_FILE_REG, VD_FILE_LNK },
		{ "/dir", 0, VD_FILE_DIR, VD_FILE_LNK },        { "/dir/", 0, VD_FILE_DIR, VD_FILE_DIR },
		{ "/fifo", 0, VD_FILE_FIFO, VD_FILE_FIFO },     { "/socket", 0, VD_FILE_SOCK, VD_FILE_SOCK },
		{ "/dangling", -ENOENT, 0, VD_FILE_LNK },       { "/self", -ELOOP, 0, VD_FILE_LNK },
		{ "/abs-secret", -ENOENT, 0, VD_FILE_LNK },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		struct vd_stat st = { .type = VD_FILE_UNKNOWN };

		tap_int(vd_root_stat(root, cases[i].path, &st, NULL), cases[i].result, "%s: stat %s", how,
		        cases[i].path);
		tap_int(st.type, cases[i].type, "... its type");
		tap_int(vd_root_lstat(root, cases[i].path, &st, NULL), 0, "%s: lstat %s", how, cases[i].path);
		tap_int(st.type, cases[i].ltype, "... its type");
	}
}

static void test_owner(struct vd_root *root, const char *how)
{
	struct vd_stat st = { .type = VD_FILE_UNKNOWN };

	tree_must(chmod(tree_path("host/etc/passwd"), 04640) == 0, "chmod");
	tap_int(vd_root_stat(root, "/abs", &st, NULL), 0, "%s: a plain capture: its files count", how);
	tap_ok(st.has_owner && st.mode == 04640 && st.uid == geteuid() && st.size == 7, "... owner, mode and size");
	tap_ok(!st.dev && !st.ino, "... but no device and inode");
	tree_must(chmod(tree_path("host/etc/passwd"), 0644) == 0, "chmod");
}

static void test_links(struct vd_root *root, const char *how)
{
	static const struct {
		const char *path;
		int result;
		const char *real;
	} cases[] = {
		{ "/dir/c/../c/file", 0, "/a/b/c/file" },
		{ "/abs", 0, "/etc/passwd" },
		{ "/dots", 0, "/etc/passwd" },
		{ "/a/b/up", 0, "/" },
		{ "/slash", 0, "/a/b" },
		{ "/dir/abs/passwd", 0, "/etc/passwd" },
		{ "/../..", 0, "/" },
		{ "/a/b/c/../../..", 0, "/" },
		{ "/top/a/./b/", 0, "/a/b" },
		{ "/dangling", -ENOENT, NULL },
		{ "/self", -ELOOP, NULL },
	};
	VD_AUTO_FREE char *target = NULL;

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_FREE char *real = NULL;

		tap_int(vd_root_realpath(root, cases[i].path, &real, NULL), cases[i].result, "%s: realpath %s", how,
		        cases[i].path);
		tap_str(real, cases[i].real, "... its result");
	}
	tap_int(vd_root_readlink(root, "/dots-secret", &target, NULL), 0, "%s: readlink", how);
	tap_str(target, "../secret", "... as it stands");
	tap_int(vd_root_readlink(root, "/etc", &target, NULL), -EINVAL, "%s: readlink of a directory", how);
	tap_int(vd_root_readlink(root, "/none", &target, NULL), -ENOENT, "%s: readlink of nothing", how);
}

static void test_deep(struct vd_root *root, const char *how)
{
	VD_AUTO_BUF path = VD_BUF_INIT, buf = VD_BUF_INIT;
	VD_AUTO_FREE char *real = NULL;

	tree_must(vd_buf_adds(&path, "/deep") == 0, "memory");
	for (unsigned i = 0; i < 100; i++)
		tree_must(vd_buf_adds(&path, "/d") == 0, "memory");
	tree_must(vd_buf_adds(&path, "/climb") == 0, "memory");
	tap_int(vd_root_read(root, path.data, 4096, &buf, NULL), 0, "%s: 100 directories down and up again", how);
	tap_str(vd_buf_str(&buf), "inside\n", "... reads the right file");
	tap_int(vd_root_realpath(root, path.data, &real, NULL), 0, "%s: and its real path", how);
	tap_str(real, "/etc/passwd", "... is right");
}

static void test_list(struct vd_root *root, const char *how)
{
	VD_AUTO_STRV names = VD_STRV_INIT;
	VD_AUTO_CLOSE int fd = -1;
	bool sorted = true;

	tap_int(vd_root_list(root, "/etc", &names, NULL), 0, "%s: list a directory", how);
	tap_ok(names.len == 2 && !strcmp(names.items[0], "empty") && !strcmp(names.items[1], "passwd"),
	       "... sorted, without dots");
	tap_int(vd_root_list(root, "/etc/passwd", &names, NULL), -ENOTDIR, "%s: list a file", how);
	tap_int(vd_root_list(root, "/none", &names, NULL), -ENOENT, "%s: list nothing", how);
	alarm(10);
	tap_int(vd_root_list(root, "/fifo", &names, NULL), -ENOTDIR, "%s: list a FIFO", how);
	alarm(0);
	tap_int(names.len, 2, "... a failure leaves the old names");
	tap_int(vd_root_list(root, "/a/b/up", &names, NULL), 0, "%s: list what leads above the top", how);
	tap_ok(vd_strv_has(&names, "etc") && !vd_strv_has(&names, "secret"), "... shows the top");
	tap_int(vd_root_list(root, "/many", &names, NULL), 0, "%s: list many names", how);
	for (size_t i = 1; i < names.len; i++)
		sorted = sorted && strcmp(names.items[i - 1], names.items[i]) < 0;
	tap_ok(names.len == 100 && sorted, "... all of them, sorted");
	tap_int(vd_root_open_dir(root, "/dir", &fd, NULL), 0, "%s: open a directory", how);
	tap_ok(faccessat(fd, "c/file", F_OK, 0) == 0, "... for openat()");
	tap_int(vd_root_open_file(root, "/fifo", &fd, NULL), -EINVAL, "%s: open a FIFO as a file", how);
}

/* The kernel's answers differ with the file system and our rights: each is compared with a direct question. */
static void test_xattrs(struct vd_root *root, const char *how)
{
	const char *file = tree_path("host/etc/passwd");
	static const char acl[] = "\2\0\0\0\1\0\6\0\377\377\377\377\2\0\5\0\153\0\0\0\4\0\4\0\377\377\377\377"
	                          "\20\0\5\0\377\377\377\377\40\0\0\0\377\377\377\377";
	static const char label[] = "system_u:object_r:virt_image_t:s0";
	struct vd_acl_entry *entries = NULL;
	VD_AUTO_BUF value = VD_BUF_INIT;
	VD_AUTO_FREE char *got = NULL;
	size_t count = 0;
	int r, wanted;

	tap_int(vd_root_acl(root, "/abs", &entries, &count, NULL), -ENODATA, "%s: no ACL", how);
	if (setxattr(file, "system.posix_acl_access", acl, sizeof(acl) - 1, 0) == 0) {
		tap_int(vd_root_acl(root, "/abs", &entries, &count, NULL), 0, "%s: an ACL", how);
		tap_ok(count == 5 && entries[1].id == 107, "... of five entries");
		free(entries);
		removexattr(file, "system.posix_acl_access");
	}
	wanted = setxattr(file, "user.vd", "v", 1, 0) == 0 ? 0 : -errno;
	tap_int(vd_root_xattr(root, "/abs", "user.vd", &value, NULL), wanted, "%s: an xattr through a symlink", how);
	tap_str(vd_buf_str(&value), wanted ? "" : "v", "... its value");
	removexattr(file, "user.vd");
	r = vd_root_xattr(root, "/etc/passwd", "trusted.libvirt.security.selinux", &value, NULL);
	if (geteuid() != 0)
		tap_int(r, -EPERM, "%s: trusted xattrs cannot be seen by a user, which is not 'none'", how);
	else
		tap_ok(r == -ENODATA || r == -EOPNOTSUPP, "%s: no trusted xattr", how);
	if (setxattr(file, "security.selinux", label, sizeof(label), 0) == 0) {
		tap_int(vd_root_label(root, "/abs", &got, NULL), 0, "%s: a label", how);
		tap_str(got, label, "... without its NUL");
		removexattr(file, "security.selinux");
	}
	tap_int(vd_root_label(root, "/none", &got, NULL), -ENOENT, "%s: the label of nothing", how);
}

/* Another process makes the file longer and shorter while it is read. */
static void test_changing(struct vd_root *root, const char *how)
{
	const char *file = tree_path("host/changing");
	VD_AUTO_BUF buf = VD_BUF_INIT;
	unsigned bad = 0;
	pid_t pid;

	tree_file("host/changing", "x");
	fflush(stdout);
	pid = fork();
	tree_must(pid >= 0, "fork");
	if (pid == 0) {
		for (unsigned i = 0; i < 20000; i++) {
			if (truncate(file, i % 2 ? 300000 : 10) < 0)
				_exit(1);
		}
		_exit(0);
	}
	for (unsigned i = 0; i < 500; i++) {
		int r = vd_root_read(root, "/changing", 100000, &buf, NULL);

		if ((r != 0 && r != -EFBIG) || buf.len > 100000 || (r && buf.len))
			bad++;
	}
	tree_must(waitpid(pid, NULL, 0) == pid, "waitpid");
	tap_int(bad, 0, "%s: a file that changes its size while it is read", how);
}

/* One directory after the other is asked for, as for the images of many guests: each answer is about its own file. */
static void test_same_dirs(struct vd_root *root, const char *how)
{
	static const struct {
		const char *path;
		int code;
		bool link;
	} cases[] = {
		{ "/a/b/c/file", 0, false },
		{ "/etc/passwd", 0, false },
		{ "/etc/nothing", -ENOENT, false },
		{ "/no/where", -ENOENT, false },
		{ "/a/b/abs", 0, true },
		{ "/dir/c/file", 0, false },
		{ "/etc/passwd/x", -ENOTDIR, false },
		{ "/a/b/up", 0, true },
		{ "/dir/abs/passwd", 0, false },
		{ "/no/where", -ENOENT, false },
		{ "/a/b/c/../../b", 0, false },
		{ "/a/b/c/..", 0, false },
		{ "/a/b/c/file/", -ENOTDIR, false },
		{ "/ping/x", -ELOOP, false },
		{ "/dots-secret/x", -ENOENT, false },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++)
		for (int twice = 0; twice < 2; twice++) {
			struct vd_stat st = { 0 };
			int code = vd_root_lstat(root, cases[i].path, &st, NULL);

			tap_int(code, cases[i].code, "%s: %s", how, cases[i].path);
			tap_ok((code == 0 && st.type == VD_FILE_LNK) == cases[i].link, "%s: %s a link", how,
			       cases[i].link ? "it is" : "it is not");
			if (code == 0)
				tap_ok(vd_root_stat(root, cases[i].path, &st, NULL) < 0 || st.type != VD_FILE_LNK,
				       "%s: %s leads to no link", how, cases[i].path);
		}
}

/* What is held answers for itself, and only as long as it is held. */
static void test_hold(struct vd_root *root, const char *how)
{
	VD_AUTO_BUF value = VD_BUF_INIT;
	struct vd_stat st = { 0 };
	char path[32];
	bool has;

	tree_file("host/held", "12345");
	tree_link("host/to-held", "held");
	has = setxattr(tree_path("host/held"), "user.vd", "v", 1, 0) == 0;
	vd_root_hold(root, "/held");
	vd_root_hold(root, "/to-held");
	vd_root_hold(root, "/nowhere");
	unlink(tree_path("host/held"));
	tree_file("host/held", "123456789");
	tap_ok(vd_root_stat(root, "/held", &st, NULL) == 0 && st.size == 5, "%s: what is held is the old file", how);
	tap_ok(vd_root_lstat(root, "/held", &st, NULL) == 0 && st.size == 5, "%s: ... by lstat too", how);
	tap_ok(vd_root_stat(root, "/to-held", &st, NULL) == 0 && st.size == 5, "%s: ... through a symlink", how);
	tap_ok(vd_root_lstat(root, "/to-held", &st, NULL) == 0 && st.type == VD_FILE_LNK, "%s: a held symlink is one",
	       how);
	tap_ok(!has || (vd_root_xattr(root, "/held", "user.vd", &value, NULL) == 0 && value.len == 1),
	       "%s: an attribute of what is held", how);
	tap_ok(vd_root_xattr(root, "/held", "user.none", &value, NULL) < 0, "%s: ... and none that it has not", how);
	tap_int(vd_root_stat(root, "/nowhere", &st, NULL), -ENOENT, "%s: what is not there is not held", how);
	for (unsigned i = 0; i < 20; i++) {
		snprintf(path, sizeof(path), "/many/%u", i);
		vd_root_hold(root, path);
	}
	tap_ok(vd_root_stat(root, "/held", &st, NULL) == 0 && st.size == 9, "%s: the oldest goes first", how);
	vd_root_hold(root, "/held");
	vd_root_let_go(root);
	unlink(tree_path("host/held"));
	tap_int(vd_root_stat(root, "/held", &st, NULL), -ENOENT, "%s: let go: what is there now", how);
	unlink(tree_path("host/to-held"));
}

static void test_root(unsigned flags, const char *how)
{
	VD_AUTO_ROOT struct vd_root *root = open_root("host", flags);

	tap_ok(!vd_root_is_live(root) && !vd_root_has_manifest(root) && !vd_root_is_sosreport(root),
	       "%s: a plain capture", how);
	test_read(root, how);
	test_bounds(root, how);
	test_stat(root, how);
	test_same_dirs(root, how);
	test_owner(root, how);
	test_links(root, how);
	test_deep(root, how);
	test_list(root, how);
	test_xattrs(root, how);
	test_changing(root, how);
	test_hold(root, how);
}

/* Two lookups of the same paths must agree, also on procfs with its magic links. */
static void test_agreement(void)
{
	static const char *const paths[] = {
		"self/status", "self/exe",    "self/root/etc/passwd", "self/cwd/x", "self/fd/0",
		"mounts",      "self/ns/mnt", "thread-self/comm",     "../../self", "net/dev",
	};
	VD_AUTO_CLOSE int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (!vd_below_has_openat2())
		printf("# no openat2() here: both lookups are our own walk\n");
	for (size_t i = 0; i < VD_ARRAY_SIZE(paths); i++) {
		VD_AUTO_CLOSE int one = -1;
		VD_AUTO_CLOSE int other = -1;
		int r = vd_below_lookup(proc, paths[i], 0, &one);

		tap_int(vd_below_lookup(proc, paths[i], VD_BELOW_WALK, &other), r, "proc: both lookups agree on %s",
		        paths[i]);
	}
}

static unsigned seed = 1;

static unsigned pick(unsigned n)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % n;
}

/* A path of up to six components, made of the names of the random tree. */
static void random_path(struct vd_buf *path)
{
	static const char *const names[] = { "a", "b", "c", "d", "..", ".", "f", "" };

	vd_buf_clear(path);
	if (pick(3) == 0)
		tree_must(vd_buf_addc(path, '/') == 0, "memory");
	for (unsigned i = 0, n = 1 + pick(6); i < n; i++)
		tree_must(vd_buf_addf(path, "%s%s", i ? "/" : "", names[pick(VD_ARRAY_SIZE(names))]) == 0, "memory");
	if (!path->len)
		tree_must(vd_buf_addc(path, '.') == 0, "memory");
}

/* Directories and files in random nesting, and symlinks to random places wherever the name is free. */
static void random_tree(const char *top)
{
	VD_AUTO_BUF target = VD_BUF_INIT;

	for (unsigned i = 0; i < 60; i++) {
		char full[512];
		size_t base = (size_t)snprintf(full, sizeof(full), "%s/%s", tree_top, top);

		for (unsigned k = 0, n = 1 + pick(4); k < n; k++) {
			snprintf(full + base, sizeof(full) - base, "/%c", "abcd"[pick(4)]);
			base = strlen(full);
			if (k + 1 < n && mkdir(full, 0755) < 0 && errno != EEXIST)
				break;
		}
		random_path(&target);
		/* Either fails where the name is taken or a parent is no directory: that is part of the randomness. */
		if (pick(3) ? symlink(target.data, full) < 0 : mknod(full, S_IFREG | 0644, 0) < 0)
			continue;
	}
}

/* The kernel's lookup and ours give the same inode or the same error for any path in any tree. */
static void test_random(void)
{
	VD_AUTO_BUF path = VD_BUF_INIT;
	unsigned wrong = 0, found = 0, loops = 0;

	for (unsigned t = 0; t < 40; t++) {
		char top[32];
		VD_AUTO_CLOSE int root = -1;

		snprintf(top, sizeof(top), "random%u", t);
		tree_must(mkdir(tree_path(top), 0755) == 0, "mkdir");
		random_tree(top);
		root = open(tree_path(top), O_PATH | O_DIRECTORY | O_CLOEXEC);
		for (unsigned i = 0; i < 250; i++) {
			VD_AUTO_CLOSE int one = -1;
			VD_AUTO_CLOSE int other = -1;
			struct stat a = { .st_ino = 0 }, b = { .st_ino = 0 };
			unsigned flags = pick(2) ? VD_BELOW_NOFOLLOW : 0;
			int r, w;

			random_path(&path);
			r = vd_below_lookup(root, path.data, flags, &one);
			w = vd_below_lookup(root, path.data, flags | VD_BELOW_WALK, &other);
			if (!r && !w)
				tree_must(fstat(one, &a) == 0 && fstat(other, &b) == 0, "fstat");
			found += !r;
			loops += r == -ELOOP;
			if ((r != w || a.st_ino != b.st_ino) && wrong++ < 5)
				printf("# %s: %s: openat2 %d, walk %d\n", top, path.data, r, w);
		}
	}
	tap_int(wrong, 0, "random: both lookups agree on 10,000 paths in 40 trees");
	tap_ok(found > 1000 && loops > 100, "... of which %u lead somewhere and %u in circles", found, loops);
}

static void test_sosreport(unsigned flags, const char *how)
{
	VD_AUTO_ROOT struct vd_root *root = open_root("sos", flags);
	VD_AUTO_BUF buf = VD_BUF_INIT;
	struct vd_acl_entry *entries;
	VD_AUTO_FREE char *text = NULL;
	struct vd_stat st;
	size_t count;

	tap_ok(vd_root_is_sosreport(root), "%s: a sosreport is known by sos_commands", how);
	tap_int(vd_root_stat(root, "/etc/passwd", &st, NULL), 0, "%s: sosreport: stat", how);
	tap_ok(st.type == VD_FILE_REG && st.size == 4 && !st.has_owner && !st.mode, "... type and size, no owner");
	tap_int(vd_root_stat(root, "/img", &st, NULL), -VD_NO_EVIDENCE, "%s: sosreport: absence proves nothing", how);
	tap_int(vd_root_read_header(root, "/img", 9, &buf, NULL), -VD_NO_EVIDENCE, "... nor for an image");
	tap_int(vd_root_realpath(root, "/img", &text, NULL), -VD_NO_EVIDENCE, "... nor for its real path");
	tap_int(vd_root_readlink(root, "/img", &text, NULL), -VD_NO_EVIDENCE, "... nor for a link");
	tap_int(vd_root_label(root, "/etc/passwd", &text, NULL), -VD_NO_EVIDENCE, "%s: sosreport: no labels", how);
	tap_int(vd_root_acl(root, "/etc/passwd", &entries, &count, NULL), -VD_NO_EVIDENCE, "... no ACLs");
	tap_int(vd_root_fstype(root, "/etc/passwd", &text, NULL), -VD_NO_EVIDENCE, "... no file systems");
	tap_int(vd_root_read(root, "/etc/passwd", 99, &buf, NULL), 0, "%s: sosreport: text is read", how);
	tap_int(vd_root_read(root, "/etc/none", 99, &buf, NULL), -ENOENT, "... and absent when it is");
}

static void test_live(void)
{
	VD_AUTO_ROOT struct vd_root *root = NULL;
	VD_AUTO_ROOT struct vd_root *mine = NULL;
	VD_AUTO_BUF buf = VD_BUF_INIT;
	VD_AUTO_ERR err = VD_ERR_INIT;
	VD_AUTO_FREE char *real = NULL;
	struct vd_stat st;
	struct stat direct;

	tap_int(vd_root_open("//", 0, &root, NULL), 0, "live: /");
	tap_ok(vd_root_is_live(root) && !strcmp(vd_root_dir(root), "/"), "... is this machine");
	tap_int(vd_root_stat(root, secret, &st, NULL), 0, "live: stat");
	tap_ok(stat(secret, &direct) == 0 && st.ino == direct.st_ino && st.dev == direct.st_dev, "... with the inode");
	tap_int(vd_root_read(root, "/proc/self/status", VD_MAX_CGROUP, &buf, NULL), 0, "live: a file of procfs");
	tap_ok(strstr(vd_buf_str(&buf), "Name:") != NULL, "... is read although its size is 0");
	tap_int(vd_root_read(root, "/proc/self/status", 10, &buf, NULL), -EFBIG, "... and bounded");
	alarm(10);
	tap_int(vd_root_read(root, "/dev/zero", 10, &buf, NULL), -EINVAL, "live: a device is no text");
	tap_int(vd_root_read_header(root, "/dev/zero", 10, &buf, NULL), -EINVAL, "live: nor an image");
	alarm(0);
	tap_int(vd_root_realpath(root, tree_path("host/abs-secret"), &real, NULL), 0,
	        "live: symlinks are the kernel's");
	tap_str(real, secret, "... and lead anywhere");
	tap_int(vd_root_open_pid(getpid(), &mine, NULL), 0, "pid: this process");
	tap_ok(vd_root_is_live(mine) && vd_root_pid(mine) == getpid(), "... is live");
	tap_int(vd_root_read(mine, secret, 99, &buf, NULL), 0, "pid: a file below its root");
	tap_int(vd_root_open_pid(0, &mine, &err), -EINVAL, "pid: 0");
	tap_int(vd_root_open_pid(INT_MAX, &mine, &err), -ENOENT, "pid: one that does not exist");
	tap_ok(err.text && strstr(err.text, "no process"), "... says so");
}

static void test_no_root(void)
{
	VD_AUTO_ERR err = VD_ERR_INIT;
	struct vd_root *root = NULL;

	tap_int(vd_root_open(tree_path("nothing"), 0, &root, &err), -ENOENT, "a root that does not exist");
	tap_ok(!root && err.text && strstr(err.text, "nothing"), "... is named");
	tap_int(vd_root_open(secret, 0, &root, &err), -ENOTDIR, "a root that is a file");
}

int main(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	VD_AUTO_CLOSE int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	tree_begin();
	build();
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/host/socket", tree_top);
	tree_must(bind(sock, (struct sockaddr *)&sun, sizeof(sun)) == 0, "bind");
	tree_file("sos/sos_commands/x", "");
	tree_file("sos/etc/passwd", "text");
	test_root(0, "openat2");
	test_root(VD_ROOT_NO_OPENAT2, "walk");
	test_agreement();
	test_random();
	test_sosreport(0, "openat2");
	test_sosreport(VD_ROOT_NO_OPENAT2, "walk");
	test_live();
	test_no_root();
	return tap_done();
}
