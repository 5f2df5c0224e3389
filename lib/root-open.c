/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "root-open.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>
#if defined(SYS_openat2) && defined(__has_include)
#if __has_include(<linux/openat2.h>)
#include <linux/openat2.h>
#define HAVE_OPENAT2 1
#endif
#endif

/* As the kernel's MAXSYMLINKS. */
#define MAX_LINKS 40
/* openat2() says EAGAIN when something was renamed or mounted while it passed a `..`. */
#define MAX_TRIES 16

struct dir_id {
	dev_t dev;
	ino_t ino;
};

/*
 * Where the walk stands. It holds one descriptor, whatever the depth; a `..` is opened as such and must then be the
 * directory that was passed on the way down, so that a directory moved out of the root meanwhile leads nowhere.
 */
struct walk {
	int rootfd;
	int fd;      /* where we are; O_PATH */
	mode_t mode; /* its st_mode */
	char *rest;  /* owned: what is still to be walked */
	unsigned links;
	struct dir_id *ids; /* the directories from the root, ids[0], to where we are, ids[depth] */
	size_t depth, cap;
	struct vd_buf *resolved; /* may be NULL */
};

static void walk_release(struct walk *w)
{
	vd_cleanup_close(&w->fd);
	free(w->rest);
	free(w->ids);
}

/* Makes @fd (owned from now on) the place where we are, at @depth, which is at most one below the present depth. */
static int walk_arrive(struct walk *w, int fd, const struct stat *st, size_t depth)
{
	vd_cleanup_close(&w->fd);
	w->fd = fd;
	w->mode = st->st_mode;
	if (depth >= w->cap) {
		size_t cap = w->cap ? w->cap * 2 : 32;
		struct dir_id *ids = reallocarray(w->ids, cap, sizeof(*ids));

		if (!ids)
			return -ENOMEM;
		w->ids = ids;
		w->cap = cap;
	}
	w->depth = depth;
	w->ids[depth] = (struct dir_id){ st->st_dev, st->st_ino };
	return 0;
}

static int open_here(int dirfd, const char *name, int *ret_fd, struct stat *ret_st)
{
	VD_AUTO_CLOSE int fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || fstat(fd, ret_st) < 0)
		return -errno;
	*ret_fd = vd_steal_fd(fd);
	return 0;
}

static int walk_to_root(struct walk *w)
{
	struct stat st;
	int fd, r = open_here(w->rootfd, ".", &fd, &st);

	if (r < 0)
		return r;
	if (w->resolved)
		vd_buf_clear(w->resolved);
	return walk_arrive(w, fd, &st, 0);
}

static int walk_up(struct walk *w)
{
	struct stat st;
	int fd, r;

	if (!S_ISDIR(w->mode))
		return -ENOTDIR;
	if (w->depth == 0)
		return 0;
	r = open_here(w->fd, "..", &fd, &st);
	if (r < 0)
		return r;
	if (st.st_dev != w->ids[w->depth - 1].dev || st.st_ino != w->ids[w->depth - 1].ino) {
		close(fd);
		return -EXDEV;
	}
	if (w->resolved && w->resolved->len) {
		char *slash = memrchr(w->resolved->data, '/', w->resolved->len);

		w->resolved->len = slash ? (size_t)(slash - w->resolved->data) : 0;
		w->resolved->data[w->resolved->len] = '\0';
	}
	return walk_arrive(w, fd, &st, w->depth - 1);
}

/*
 * procfs has true symlinks (self, mounts, net), which are relative and without a colon, and magic links (exe, fd/3,
 * ns/mnt), whose text is only a description. openat2() refuses the latter, and so do we.
 */
static bool is_magic_link(int fd, const char *target)
{
	struct statfs fs;

	return (*target == '/' || strchr(target, ':')) && fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

/* Puts the target of the symlink @fd in front of @behind, which is what follows it in the path. */
static int walk_link(struct walk *w, int fd, const char *behind)
{
	VD_AUTO_FREE char *target = NULL;
	VD_AUTO_BUF rest = VD_BUF_INIT;
	int r;

	if (++w->links > MAX_LINKS)
		return -ELOOP;
	r = vd_below_readlink(fd, &target);
	if (r < 0)
		return r;
	if (!*target)
		return -ENOENT;
	if (is_magic_link(fd, target))
		return -ELOOP;
	if (vd_buf_adds(&rest, target) < 0 || vd_buf_adds(&rest, behind) < 0)
		return -ENOMEM;
	if (*target == '/') {
		r = walk_to_root(w);
		if (r < 0)
			return r;
	}
	free(w->rest);
	w->rest = vd_buf_steal(&rest);
	return w->rest ? 0 : -ENOMEM;
}

/* Enters @name; returns 1 when it was a symlink and w->rest is new. @behind is what follows in the path. */
static int walk_down(struct walk *w, const char *name, const char *behind, bool follow)
{
	VD_AUTO_CLOSE int fd = -1;
	struct stat st;
	int r = open_here(w->fd, name, &fd, &st);

	if (r < 0)
		return r;
	if (S_ISLNK(st.st_mode) && (follow || *behind)) {
		r = walk_link(w, fd, behind);
		return r < 0 ? r : 1;
	}
	if (w->resolved && (vd_buf_addc(w->resolved, '/') < 0 || vd_buf_adds(w->resolved, name) < 0))
		return -ENOMEM;
	return walk_arrive(w, vd_steal_fd(fd), &st, w->depth + 1);
}

/* One component of w->rest, from *@pos on, which is advanced (to the start, when w->rest is new). */
static int walk_component(struct walk *w, size_t *pos, bool follow)
{
	const char *p = w->rest + *pos;
	size_t len = strcspn(p, "/");
	char name[NAME_MAX + 1];
	int r;

	if (len > NAME_MAX)
		return -ENAMETOOLONG;
	*pos += len;
	memcpy(name, p, len);
	name[len] = '\0';
	if (!strcmp(name, ".."))
		return walk_up(w);
	if (len == 0 || !strcmp(name, ".")) {
		/* "file/" and "file/." are errors for the kernel too. */
		return S_ISDIR(w->mode) ? 0 : -ENOTDIR;
	}
	r = walk_down(w, name, p + len, follow);
	if (r == 1)
		*pos = 0;
	return r < 0 ? r : 0;
}

int vd_below_walk(int rootfd, const char *path, unsigned flags, struct vd_buf *resolved, int *ret_fd)
{
	VD_CLEANUP(walk_release) struct walk w = { .rootfd = rootfd, .fd = -1, .resolved = resolved };
	bool follow = !(flags & VD_BELOW_NOFOLLOW);
	size_t pos = 0;
	int r;

	if (strlen(path) >= PATH_MAX)
		return -ENAMETOOLONG;
	w.rest = strdup(path);
	if (!w.rest)
		return -ENOMEM;
	r = walk_to_root(&w);
	while (!r && w.rest[pos]) {
		if (w.rest[pos] == '/')
			pos += strspn(w.rest + pos, "/");
		r = walk_component(&w, &pos, follow);
	}
	if (r < 0)
		return r;
	if (resolved && !resolved->len && vd_buf_addc(resolved, '/') < 0)
		return -ENOMEM;
	*ret_fd = vd_steal_fd(w.fd);
	return 0;
}

#ifdef HAVE_OPENAT2
/* openat2() below @rootfd; -ENOSYS also when a seccomp filter (old container runtimes answer EPERM) is in the way. */
static int lookup_openat2(int rootfd, const char *path, unsigned flags, int *ret_fd)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC | (flags & VD_BELOW_NOFOLLOW ? O_NOFOLLOW : 0),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	for (int try = 0; try < MAX_TRIES; try++) {
		long fd = syscall(SYS_openat2, rootfd, path, &how, sizeof(how));

		if (fd >= 0) {
			*ret_fd = (int)fd;
			return 0;
		}
		if (errno != EAGAIN && errno != EINTR)
			return errno == EPERM ? -ENOSYS : -errno;
	}
	return -EAGAIN;
}
#else
static int lookup_openat2(int rootfd, const char *path, unsigned flags, int *ret_fd)
{
	(void)rootfd, (void)path, (void)flags, (void)ret_fd;
	return -ENOSYS;
}
#endif

bool vd_below_has_openat2(void)
{
	VD_AUTO_CLOSE int fd = -1;
	VD_AUTO_CLOSE int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return top >= 0 && lookup_openat2(top, ".", 0, &fd) == 0;
}

int vd_below_lookup(int rootfd, const char *path, unsigned flags, int *ret_fd)
{
	int r = -ENOSYS;

	if (!(flags & VD_BELOW_WALK))
		r = lookup_openat2(rootfd, *path ? path : ".", flags, ret_fd);
	if (r == -ENOSYS || r == -EAGAIN)
		r = vd_below_walk(rootfd, path, flags, NULL, ret_fd);
	return r;
}

int vd_below_readlink(int fd, char **ret_target)
{
	char target[PATH_MAX + 1];
	ssize_t n = readlinkat(fd, "", target, sizeof(target));

	if (n < 0)
		return -errno;
	if ((size_t)n >= sizeof(target))
		return -ENAMETOOLONG;
	*ret_target = strndup(target, (size_t)n);
	return *ret_target ? 0 : -ENOMEM;
}
