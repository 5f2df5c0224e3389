/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Replacing a configuration file at once, with all that hangs on it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "conf-edit.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.conf-write");

#define MAX_XATTR 65536u
#define NEW_MODE  0644

/* One replacement on its way. */
struct change {
	struct vd_root *root;
	char *path, *dir; /* the file itself, behind any symlinks */
	const char *base; /* its name, in @path */
	char *temp, *backup;
	char date[32];
	int dirfd, oldfd, newfd;
	struct stat old; /* of @oldfd when its content was found to be the expected one */
	bool temp_made, backup_made;
	struct vd_err *err;
};

static int fail(struct change *c, const char *what, int r)
{
	if (r == -ENOMEM)
		return vd_err_set(c->err, ENOMEM, "no memory to change '%s'", c->path ? c->path : "");
	return vd_err_set(c->err, -r, "cannot %s '%s': %s; nothing was changed", what, c->path, strerror(-r));
}

static void change_release(struct change *c)
{
	if (c->temp_made)
		unlinkat(c->dirfd, c->temp, 0);
	if (c->backup_made)
		unlinkat(c->dirfd, c->backup, 0);
	vd_cleanup_close(&c->dirfd);
	vd_cleanup_close(&c->oldfd);
	vd_cleanup_close(&c->newfd);
	free(c->path);
	free(c->dir);
	free(c->temp);
	free(c->backup);
}

/* --- where -------------------------------------------------------------------------------------------------------- */

static int resolve(struct change *c, const char *path, bool exists)
{
	VD_AUTO_FREE char *parent = NULL, *dir = NULL;
	const char *slash = strrchr(path, '/');
	int r;

	if (exists) {
		r = vd_root_realpath(c->root, path, &c->path, c->err);
		if (r < 0)
			return r;
	} else {
		/* Only its directory can be resolved. */
		parent = slash ? strndup(path, slash > path ? (size_t)(slash - path) : 1) : NULL;
		if (!parent)
			return vd_err_set(c->err, slash ? ENOMEM : EINVAL, "cannot make '%s'", path);
		r = vd_root_realpath(c->root, parent, &dir, c->err);
		if (r < 0)
			return r;
		if (asprintf(&c->path, "%s/%s", strcmp(dir, "/") ? dir : "", slash + 1) < 0)
			return c->path = NULL, -ENOMEM;
	}
	slash = strrchr(c->path, '/');
	c->base = slash + 1;
	c->dir = strndup(c->path, slash > c->path ? (size_t)(slash - c->path) : 1);
	return c->dir ? vd_root_open_dir(c->root, c->dir, &c->dirfd, c->err) : -ENOMEM;
}

static int make_names(struct change *c)
{
	struct tm tm;
	time_t now = time(NULL);
	unsigned salt = 0;

	if (getrandom(&salt, sizeof(salt), GRND_NONBLOCK) < 0)
		salt = (unsigned)getpid();
	if (!gmtime_r(&now, &tm) || !strftime(c->date, sizeof(c->date), "%Y-%m-%dT%H%M%SZ", &tm))
		return -EOVERFLOW;
	if (asprintf(&c->temp, ".%s.%08x.tmp", c->base, salt) < 0)
		return c->temp = NULL, -ENOMEM;
	return 0;
}

/* --- the old file ------------------------------------------------------------------------------------------------- */

static int fail_changed(struct change *c)
{
	return vd_err_set(c->err, ESTALE, "'%s' was changed by someone else meanwhile; nothing was changed", c->path);
}

static int check_content(struct change *c, const struct vd_buf *before)
{
	VD_AUTO_BUF now = VD_BUF_INIT;
	int r = vd_root_read(c->root, c->path, VD_MAX_CONF, &now, c->err);

	if (r < 0)
		return r;
	if (now.len != before->len || memcmp(vd_buf_str(&now), vd_buf_str(before), now.len) != 0)
		return fail_changed(c);
	return 0;
}

static int open_old(struct change *c, const struct vd_buf *before)
{
	c->oldfd = openat(c->dirfd, c->base, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (c->oldfd < 0 || fstat(c->oldfd, &c->old) < 0)
		return fail(c, "open", -errno);
	return S_ISREG(c->old.st_mode) ? check_content(c, before) : fail(c, "replace", -EINVAL);
}

/* Is what the name @name leads to still what we have read? */
static bool is_old(const struct change *c, const char *name)
{
	struct stat st;

	return fstatat(c->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_dev == c->old.st_dev &&
	       st.st_ino == c->old.st_ino && st.st_size == c->old.st_size &&
	       st.st_mtim.tv_sec == c->old.st_mtim.tv_sec && st.st_mtim.tv_nsec == c->old.st_mtim.tv_nsec;
}

/* Access is decided by these; without them the new file would not be the old one with other words in it. */
static bool is_vital(const char *name)
{
	return !strcmp(name, "security.selinux") || !strncmp(name, "system.posix_acl_", 17) ||
	       !strncmp(name, "security.SMACK64", 16);
}

static int copy_xattr(struct change *c, const char *name, char *value)
{
	ssize_t n = fgetxattr(c->oldfd, name, value, MAX_XATTR);

	if (n >= 0 && fsetxattr(c->newfd, name, value, (size_t)n, 0) == 0)
		return 0;
	VLOG_DEBUG("%s of %s was not copied: %s", name, c->path, strerror(errno));
	return is_vital(name) ? -errno : 0;
}

static int copy_xattrs(struct change *c)
{
	VD_AUTO_FREE char *names = malloc(MAX_XATTR), *value = malloc(MAX_XATTR);
	ssize_t len;
	int r = 0;

	if (!names || !value)
		return -ENOMEM;
	len = flistxattr(c->oldfd, names, MAX_XATTR);
	if (len < 0)
		return errno == EOPNOTSUPP ? 0 : -errno;
	for (const char *name = names; name < names + len && r == 0; name += strlen(name) + 1)
		r = copy_xattr(c, name, value);
	return r;
}

/* --- the new file ------------------------------------------------------------------------------------------------- */

/* Owner before mode: chown() may drop bits of it. */
static int take_after_old(struct change *c)
{
	struct stat st;

	if (c->oldfd < 0)
		return fchmod(c->newfd, NEW_MODE) < 0 ? -errno : 0;
	if (fstat(c->oldfd, &st) < 0 || fchown(c->newfd, st.st_uid, st.st_gid) < 0 ||
	    fchmod(c->newfd, st.st_mode & 07777) < 0)
		return -errno;
	return copy_xattrs(c);
}

static int make_new(struct change *c, const struct vd_buf *after)
{
	int r;

	c->newfd = openat(c->dirfd, c->temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (c->newfd < 0)
		return fail(c, "make a new file beside", -errno);
	c->temp_made = true;
	r = vd_buf_write(after, c->newfd);
	if (r < 0)
		return fail(c, "write the new text of", r);
	r = take_after_old(c);
	if (r < 0)
		return fail(c, "keep owner, mode, ACL and label of", r);
	return fsync(c->newfd) < 0 ? fail(c, "write the new text of", -errno) : 0;
}

/* The old inode itself, under a second name: it keeps everything. */
static int keep_old(struct change *c)
{
	if (c->oldfd < 0)
		return 0;
	/* Within one second of the last change the name is taken: that backup is older still, and stays. */
	for (unsigned i = 0; i < 100; i++) {
		char number[8] = "";

		free(c->backup);
		if (i)
			snprintf(number, sizeof(number), ".%u", i);
		if (asprintf(&c->backup, "%s.%s%s.bak", c->base, c->date, number) < 0)
			return c->backup = NULL, fail(c, "keep a backup of", -ENOMEM);
		if (linkat(c->dirfd, c->base, c->dirfd, c->backup, 0) == 0) {
			c->backup_made = true;
			return 0;
		}
		if (errno != EEXIST)
			break;
	}
	return fail(c, "keep a backup of", -errno);
}

/*
 * The two files change names at once, so that what was there at that very moment can still be looked at, and put back
 * when it is not what we have read. Where a file system cannot do that, the look comes just before.
 */
static int put_over_old(struct change *c)
{
	if (!is_old(c, c->base))
		return fail_changed(c);
	if (renameat2(c->dirfd, c->temp, c->dirfd, c->base, RENAME_EXCHANGE) == 0) {
		if (is_old(c, c->temp)) {
			unlinkat(c->dirfd, c->temp, 0);
			return 0;
		}
		if (renameat2(c->dirfd, c->temp, c->dirfd, c->base, RENAME_EXCHANGE) < 0)
			return fail(c, "take back the replacement of", -errno);
		return fail_changed(c);
	}
	if (errno != EINVAL && errno != ENOSYS)
		return fail(c, "replace", -errno);
	return renameat(c->dirfd, c->temp, c->dirfd, c->base) < 0 ? fail(c, "replace", -errno) : 0;
}

static int put_in_place(struct change *c)
{
	int r;

	if (c->oldfd >= 0)
		r = put_over_old(c);
	else if (renameat2(c->dirfd, c->temp, c->dirfd, c->base, RENAME_NOREPLACE) < 0)
		r = fail(c, "replace", -errno); /* not over a file that came into being meanwhile */
	else
		r = 0;
	if (r < 0)
		return r;
	c->temp_made = c->backup_made = false;
	/* The change is done; only a power cut could still take it back. */
	if (fsync(c->dirfd) < 0)
		VLOG_WARN("the directory of %s could not be synced: %s", c->path, strerror(errno));
	return 0;
}

static int replace(struct change *c, const char *path, const struct vd_buf *before, const struct vd_buf *after)
{
	int r = resolve(c, path, before != NULL);

	if (r == 0)
		r = make_names(c);
	if (r == -ENOMEM || r == -EOVERFLOW)
		return fail(c, "change", r);
	if (r == 0 && before)
		r = open_old(c, before);
	if (r == 0)
		r = make_new(c, after);
	if (r == 0)
		r = keep_old(c);
	return r < 0 ? r : put_in_place(c);
}

int vd_conf_write(struct vd_root *root, const char *path, const struct vd_buf *before, const struct vd_buf *after,
                  char **ret_path, char **ret_backup, struct vd_err *err)
{
	VD_CLEANUP(change_release)
	struct change c = { .root = root, .dirfd = -1, .oldfd = -1, .newfd = -1, .err = err };
	char *backup = NULL;
	int r;

	if (!vd_root_is_live(root))
		return vd_err_set(err, EROFS, "cannot change '%s': a capture is evidence and stays as it is", path);
	r = replace(&c, path, before, after);
	if (r < 0)
		return r;
	if (before && asprintf(&backup, "%s/%s", strcmp(c.dir, "/") ? c.dir : "", c.backup) < 0)
		return vd_err_set(err, ENOMEM, "'%s' was changed, but there is no memory to name its backup", path);
	VLOG_DEBUG("replaced %s, backup %s", c.path, backup ? backup : "none");
	*ret_path = vd_steal(c.path);
	*ret_backup = backup;
	return 0;
}

int vd_conf_put_back(struct vd_root *root, const char *path, const struct vd_buf *after, const char *backup,
                     struct vd_err *err)
{
	VD_CLEANUP(change_release)
	struct change c = { .root = root, .dirfd = -1, .oldfd = -1, .newfd = -1, .err = err };
	const char *name = backup ? strrchr(backup, '/') : NULL;
	int r;

	if (!vd_root_is_live(root))
		return vd_err_set(err, EROFS, "cannot change '%s': a capture is evidence and stays as it is", path);
	r = resolve(&c, path, true);
	if (r == 0)
		r = check_content(&c, after);
	if (r < 0)
		return r;
	if (name)
		r = renameat(c.dirfd, name + 1, c.dirfd, c.base) < 0 ? -errno : 0;
	else
		r = unlinkat(c.dirfd, c.base, 0) < 0 ? -errno : 0;
	if (r < 0)
		return fail(&c, "put back", r);
	if (fsync(c.dirfd) < 0)
		VLOG_WARN("the directory of %s could not be synced: %s", c.path, strerror(errno));
	VLOG_DEBUG("%s is what it was", c.path);
	return 0;
}
