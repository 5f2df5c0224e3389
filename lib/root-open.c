/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "root-internal.h"

/* As many symlinks as the kernel follows before it says ELOOP. */
#define MAX_SYMLINKS 40
/* A descriptor is held for each directory on the way; deeper paths than this no host has. */
#define MAX_DEPTH    128

/* The way from the root to where the walk stands: one O_PATH descriptor a directory. */
struct walk {
	int fds[MAX_DEPTH];
	unsigned depth;
	unsigned symlinks;
	struct vd_buf rest; /* the components still to go */
};

static void release_walk(struct walk *w)
{
	while (w->depth)
		vd_cleanup_close(&w->fds[--w->depth]);
	vd_buf_release(&w->rest);
}

/* Put the target of the symlink @name in @parent before what is left. An absolute one starts again at the root. */
static int enter_symlink(struct walk *w, int parent, const char *name, const char *rest)
{
	VD_AUTO_BUF path = VD_BUF_INIT;
	char target[PATH_MAX];
	ssize_t n = readlinkat(parent, name, target, sizeof(target) - 1);
	int r;

	if (n < 0)
		return -errno;
	if (++w->symlinks > MAX_SYMLINKS)
		return -ELOOP;
	target[n] = '\0';
	r = vd_buf_addf(&path, "%s/%s", target, rest);
	if (r < 0)
		return r;
	if (path.len >= PATH_MAX)
		return -ENAMETOOLONG;
	if (target[0] == '/')
		while (w->depth)
			vd_cleanup_close(&w->fds[--w->depth]);
	vd_buf_release(&w->rest);
	w->rest = path;
	path = (struct vd_buf)VD_BUF_INIT;
	return 0;
}

/* Take the first component off @rest into @name. Returns false when there is none. */
static bool next_component(const char **rest, char name[NAME_MAX + 1], int *error)
{
	const char *end;

	while (**rest == '/')
		(*rest)++;
	if (!**rest)
		return false;
	end = strchrnul(*rest, '/');
	if (end - *rest > NAME_MAX) {
		*error = -ENAMETOOLONG;
		return false;
	}
	memcpy(name, *rest, (size_t)(end - *rest));
	name[end - *rest] = '\0';
	while (*end == '/')
		end++;
	*rest = end;
	return true;
}

/*
 * Kernels before 5.6 have no openat2(): walk component by component, never following a symlink by the kernel's own
 * means, and open the last component only when all before it are known to lie inside.
 */
static int walk_open(const struct vd_root *root, const char *path, int flags)
{
	VD_CLEANUP(release_walk) struct walk w = { .rest = VD_BUF_INIT };
	char name[NAME_MAX + 1];
	int error = 0;

	if (vd_buf_adds(&w.rest, path) < 0)
		return -ENOMEM;
	for (;;) {
		const char *rest = vd_buf_str(&w.rest);
		int parent = w.depth ? w.fds[w.depth - 1] : root->fd;
		VD_AUTO_BUF left = VD_BUF_INIT;
		VD_AUTO_CLOSE int fd = -1;
		struct stat st;
		bool last;

		if (!next_component(&rest, name, &error))
			break;
		last = !*rest;
		if (vd_buf_adds(&left, rest) < 0)
			return -ENOMEM;
		if (!strcmp(name, "..")) {
			if (w.depth)
				vd_cleanup_close(&w.fds[--w.depth]);
		} else if (strcmp(name, ".")) {
			fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
			if (fd < 0 || fstat(fd, &st) < 0)
				return -errno;
			if (S_ISLNK(st.st_mode) && !(last && (flags & O_NOFOLLOW))) {
				int r = enter_symlink(&w, parent, name, vd_buf_str(&left));

				if (r < 0)
					return r;
				continue;
			}
			if (last && !S_ISDIR(st.st_mode)) {
				/* Reopen what was looked at, not the name, which may have changed since. */
				char self[64];

				if (flags & O_DIRECTORY)
					return -ENOTDIR;
				if (flags & O_PATH)
					return vd_steal_fd(fd);
				snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
				error = open(self, (flags & ~O_NOFOLLOW) | O_CLOEXEC);
				return error < 0 ? -errno : error;
			}
			if (!S_ISDIR(st.st_mode))
				return -ENOTDIR;
			if (w.depth == MAX_DEPTH)
				return -ENAMETOOLONG;
			w.fds[w.depth++] = vd_steal_fd(fd);
		}
		vd_buf_clear(&w.rest);
		if (vd_buf_add(&w.rest, left.data ? left.data : "", left.len) < 0)
			return -ENOMEM;
	}
	if (error)
		return error;
	/* A directory: the root itself or the last one entered. */
	error = openat(w.depth ? w.fds[w.depth - 1] : root->fd, ".", (flags & ~O_NOFOLLOW) | O_CLOEXEC);
	return error < 0 ? -errno : error;
}

int vd_root_openat(const struct vd_root *root, const char *path, int flags)
{
	struct open_how how = { .flags = (unsigned)flags | O_CLOEXEC,
		                .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	const char *relative = path;
	int fd;

	while (*relative == '/')
		relative++;
	if (!root->foreign) {
		fd = open(path, flags | O_CLOEXEC);
		return fd < 0 ? -errno : fd;
	}
	if (root->openat2) {
		/* A rename() of a directory anywhere makes the kernel give up with EAGAIN: try again a few times. */
		for (int tries = 0; tries < 8; tries++) {
			fd = (int)syscall(SYS_openat2, root->fd, *relative ? relative : ".", &how, sizeof(how));
			if (fd >= 0)
				return fd;
			if (errno != EAGAIN)
				break;
		}
		if (errno != ENOSYS && errno != EPERM)
			return -errno;
	}
	return walk_open(root, relative, flags);
}
