/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Paths and symlinks of a hostile host: the kernel's resolution below the root and our own walk agree, and neither ever
 * leaves the root. Input: PATH NUL TARGET NUL TARGET; the targets become the symlinks /l1 and /dir/l2.
 */
#include "fuzz.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "root.h"

static char dir[64];
static int top = -1, upper = -1;

static void remove_host(void)
{
	static const char *const names[] = { "l1", "dir/l2", "dir/file", "file" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlinkat(top, names[i], 0);
	unlinkat(top, "dir/deep", AT_REMOVEDIR);
	unlinkat(top, "dir", AT_REMOVEDIR);
	unlinkat(upper, "secret", 0);
	unlinkat(upper, "top", AT_REMOVEDIR);
	rmdir(dir);
}

static void put_file(int at, const char *name, const char *text)
{
	VD_AUTO_CLOSE int fd = openat(at, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		exit(3);
}

/* DIR/top is the root; DIR/secret must never be seen through it. */
static bool make_host(void)
{
	if (top >= 0)
		return true;
	upper = fuzz_dir(dir, remove_host);
	if (mkdirat(upper, "top", 0700) < 0)
		return false;
	top = openat(upper, "top", O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	mkdirat(top, "dir", 0700);
	mkdirat(top, "dir/deep", 0700);
	put_file(upper, "secret", "outside");
	put_file(top, "file", "inside");
	put_file(top, "dir/file", "inside");
	return true;
}

static void compare(struct vd_root *a, struct vd_root *b, const char *path)
{
	VD_AUTO_BUF text_a = VD_BUF_INIT, text_b = VD_BUF_INIT;
	VD_AUTO_FREE char *real_a = NULL;
	VD_AUTO_FREE char *real_b = NULL;
	struct vd_stat st_a = { 0 }, st_b = { 0 };
	int ra = vd_root_stat(a, path, &st_a, NULL), rb = vd_root_stat(b, path, &st_b, NULL);

	FUZZ_CHECK(ra == rb && st_a.type == st_b.type && st_a.size == st_b.size, "stat of \"%s\": %d and %d", path, ra,
	           rb);
	ra = vd_root_lstat(a, path, &st_a, NULL);
	rb = vd_root_lstat(b, path, &st_b, NULL);
	FUZZ_CHECK(ra == rb && st_a.type == st_b.type, "lstat of \"%s\": %d and %d", path, ra, rb);
	ra = vd_root_read(a, path, 100, &text_a, NULL);
	rb = vd_root_read(b, path, 100, &text_b, NULL);
	FUZZ_CHECK(ra == rb && text_a.len == text_b.len, "read of \"%s\": %d and %d", path, ra, rb);
	FUZZ_CHECK(ra < 0 || !strcmp(vd_buf_str(&text_a), "inside"), "\"%s\" leaves the root", path);
	ra = vd_root_realpath(a, path, &real_a, NULL);
	rb = vd_root_realpath(b, path, &real_b, NULL);
	FUZZ_CHECK(ra == rb && (ra < 0 || !strcmp(real_a, real_b)), "realpath of \"%s\": %d %s and %d %s", path, ra,
	           real_a ? real_a : "", rb, real_b ? real_b : "");
	FUZZ_CHECK(ra < 0 || (real_a[0] == '/' && !strstr(real_a, "/..")), "realpath of \"%s\" is %s", path, real_a);
}

FUZZ_TARGET("root")
{
	VD_AUTO_FREE char *path = fuzz_piece(&data, &size);
	VD_AUTO_FREE char *target1 = fuzz_piece(&data, &size);
	VD_AUTO_FREE char *target2 = fuzz_string(data, size);
	VD_AUTO_ROOT struct vd_root *a = NULL;
	VD_AUTO_ROOT struct vd_root *b = NULL;
	char top_path[80];

	if (path[0] != '/' || !make_host())
		return 0;
	unlinkat(top, "l1", 0);
	unlinkat(top, "dir/l2", 0);
	if ((*target1 && symlinkat(target1, top, "l1") < 0) || (*target2 && symlinkat(target2, top, "dir/l2") < 0))
		return 0;
	snprintf(top_path, sizeof(top_path), "%s/top", dir);
	if (vd_root_open(top_path, 0, &a, NULL) < 0 || vd_root_open(top_path, VD_ROOT_NO_OPENAT2, &b, NULL) < 0)
		return 0;
	compare(a, b, path);
	return 0;
}
