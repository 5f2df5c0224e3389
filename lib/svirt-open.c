/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "svirt-open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "vlog.h"

VLOG_CATEGORY("virtdiag.svirt.open");

/* What the kernel appends to the name of a file that was unlinked. */
#define DELETED " (deleted)"

/* More descriptors than this no guest has; a hostile capture may list as many as it likes. */
#define MAX_FDS 65536u

static enum vd_file_type type_of_mode(mode_t mode)
{
	return S_ISREG(mode)    ? VD_FILE_REG
	       : S_ISBLK(mode)  ? VD_FILE_BLK
	       : S_ISCHR(mode)  ? VD_FILE_CHR
	       : S_ISDIR(mode)  ? VD_FILE_DIR
	       : S_ISFIFO(mode) ? VD_FILE_FIFO
	       : S_ISSOCK(mode) ? VD_FILE_SOCK
	                        : VD_FILE_UNKNOWN;
}

/* Take @link apart. A file may well be called "x (deleted)": live the link count tells, see add_live(). */
static int add_file(struct vd_open_files *files, const char *name, const char *link, const struct stat *st)
{
	struct vd_open_file *grown, *f;
	size_t len = strlen(link), tail = strlen(DELETED);

	grown = reallocarray(files->items, files->len + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	files->items = grown;
	f = &grown[files->len];
	memset(f, 0, sizeof(*f));
	f->fd = (unsigned)strtoul(name, NULL, 10);
	f->deleted = len > tail && !strcmp(link + len - tail, DELETED) && (!st || st->st_nlink == 0);
	f->path = strndup(link, f->deleted ? len - tail : len);
	if (!f->path)
		return -ENOMEM;
	if (st) {
		f->known = true;
		f->type = type_of_mode(st->st_mode);
		f->dev = st->st_dev;
		f->ino = st->st_ino;
		f->rdev = st->st_rdev;
	}
	files->len++;
	return 0;
}

int vd_open_files_load(struct vd_root *root, pid_t pid, struct vd_open_files *ret_files, struct vd_err *err)
{
	struct vd_open_files files = { .pid = pid };
	VD_AUTO_STRV names = VD_STRV_INIT;
	VD_AUTO_CLOSE int dir = -1;
	char path[64];
	int r;

	snprintf(path, sizeof(path), "/proc/%ld/fd", (long)pid);
	r = vd_root_list(root, path, &names, err);
	if (r == 0 && vd_root_is_live(root))
		r = vd_root_open_dir(root, path, &dir, err);
	for (size_t i = 0; r == 0 && i < names.len && i < MAX_FDS; i++) {
		VD_AUTO_FREE char *link = NULL;
		struct stat st;

		snprintf(path, sizeof(path), "/proc/%ld/fd/%.20s", (long)pid, names.items[i]);
		/* It may be closed again by now; sockets, pipes and the like have no path. */
		if (vd_root_readlink(root, path, &link, NULL) < 0 || link[0] != '/')
			continue;
		/* Following a link of /proc asks about the open file itself, whatever its name leads to now. */
		if (dir >= 0 && fstatat(dir, names.items[i], &st, 0) < 0)
			continue;
		r = add_file(&files, names.items[i], link, dir >= 0 ? &st : NULL);
	}
	if (r < 0) {
		vd_open_files_release(&files);
		return r;
	}
	VLOG_DEBUG("process %ld has %zu files open", (long)pid, files.len);
	*ret_files = files;
	return 0;
}

void vd_open_files_release(struct vd_open_files *files)
{
	for (size_t i = 0; i < files->len; i++)
		free(files->items[i].path);
	free(files->items);
	memset(files, 0, sizeof(*files));
}

/* Only what QEMU keeps open as long as it has it: a kernel is read once, a socket is another inode than its name. */
static bool is_kept_open(const struct vd_expect *e)
{
	switch (e->role) {
	case VD_ROLE_DISK:
	case VD_ROLE_BACKING:
	case VD_ROLE_CDROM:
	case VD_ROLE_FLOPPY:
	case VD_ROLE_NVRAM:
	case VD_ROLE_DATA_FILE:
		return e->path && !e->network && e->access != VD_ACCESS_DAEMON;
	default:
		return false;
	}
}

static bool is_same_file(const struct vd_open_file *f, const struct vd_stat *st)
{
	if (!f->known || f->type != st->type)
		return false;
	if (st->type == VD_FILE_BLK || st->type == VD_FILE_CHR)
		return f->rdev == st->rdev;
	return f->dev == st->dev && f->ino == st->ino;
}

/*
 * Is @f what @path was called before somebody moved it aside? Taken for it when its name begins with the whole of
 * @path, as x.qcow2.old and x.qcow2~ do, and is not that of another file of the guest.
 */
static bool is_moved_aside(const struct vd_open_file *f, const char *path, const struct vd_expects *all)
{
	size_t len = strlen(path);

	if (!f->known || f->type != VD_FILE_REG || strncmp(f->path, path, len) != 0 || !f->path[len] ||
	    !strchr(".~-_", f->path[len]) || strchr(f->path + len, '/'))
		return false;
	for (size_t i = 0; i < all->len; i++)
		if (all->items[i].path && !strcmp(all->items[i].path, f->path))
			return false;
	return true;
}

static int say_replaced(const struct vd_open_files *files, const struct vd_open_file *f, bool exists,
                        struct vd_file_check *check)
{
	int r;

	vd_file_drop_fixes(check);
	if (exists)
		r = vd_file_verdict(check, VD_FILE_WRONG, VD_REASON_REPLACED,
		                    "another file has taken its place while the guest runs: QEMU (pid %ld) still has "
		                    "%s open as descriptor %u, and what the guest writes goes there",
		                    (long)files->pid, f->deleted ? "the old one, which has no name any more," : f->path,
		                    f->fd);
	else
		r = vd_file_verdict(check, VD_FILE_WRONG, VD_REASON_REPLACED,
		                    "it was deleted while the guest runs: QEMU (pid %ld) still has it open as "
		                    "descriptor %u, and it is lost when the guest ends",
		                    (long)files->pid, f->fd);
	check->avoid = "stopping the guest before the open file is saved, for example by virsh blockcopy to a new path";
	return r;
}

int vd_open_judge(const struct vd_open_files *files, struct vd_root *root, const struct vd_expects *all,
                  const struct vd_expect *expect, struct vd_file_check *check)
{
	const struct vd_open_file *gone = NULL, *aside = NULL;
	VD_AUTO_FREE char *real = NULL;
	struct vd_stat st = { 0 };
	const char *path = expect->path;
	bool exists;
	int r;

	if (!is_kept_open(expect) || !files->len)
		return 0;
	r = vd_root_stat(root, path, &st, NULL);
	exists = r == 0;
	if (r < 0 && r != -ENOENT && r != -ENOTDIR)
		return r == -ENOMEM ? r : 0;
	for (size_t i = 0; exists && i < files->len; i++)
		if (is_same_file(&files->items[i], &st))
			return 0;
	if (exists && vd_root_realpath(root, path, &real, NULL) == 0)
		path = real;
	for (size_t i = 0; i < files->len; i++) {
		const struct vd_open_file *f = &files->items[i];

		/* Some file systems change inode numbers; the name is still that of the open file. */
		if (!f->deleted && !strcmp(f->path, path))
			return 0;
		if (f->deleted && !strcmp(f->path, path))
			gone = f;
		else if (!f->deleted && is_moved_aside(f, path, all))
			aside = f;
	}
	if (gone)
		return say_replaced(files, gone, exists, check);
	return aside && exists ? say_replaced(files, aside, true, check) : 0;
}
