/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "acl.h"
#include "root-internal.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.root");

#define MANIFEST     "/virtdiag-manifest.jsonl"
#define MAX_MANIFEST (64u << 20)
#define MAX_XATTR    (64u << 10)
#define MAX_NAMES    200000

void vd_root_free(struct vd_root *root)
{
	if (!root)
		return;
	vd_cleanup_close(&root->fd);
	free(root->dir);
	vd_manifest_release(&root->manifest);
	free(root);
}

void vd_root_cleanup(struct vd_root **root)
{
	vd_root_free(*root);
	*root = NULL;
}

static int load_manifest(struct vd_root *root, struct vd_err *err)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	int r = vd_root_read(root, MANIFEST, MAX_MANIFEST, &text, err);

	if (r == -ENOENT) {
		vd_err_release(err);
		return 0;
	}
	if (!r)
		r = vd_manifest_parse(vd_buf_str(&text), text.len, &root->manifest, err);
	if (r < 0) {
		vd_err_prefix(err, "reading the manifest %s%s", root->dir, MANIFEST);
		return r;
	}
	root->has_manifest = true;
	return 0;
}

int vd_root_open(const char *dir, unsigned flags, struct vd_root **ret_root, struct vd_err *err)
{
	VD_AUTO_ROOT struct vd_root *root = calloc(1, sizeof(*root));
	VD_AUTO_ERR own = VD_ERR_INIT;
	struct stat st;
	int r;

	if (!root)
		return vd_err_set(err, ENOMEM, "out of memory");
	root->foreign = dir && strcmp(dir, "/");
	root->live = !root->foreign || (flags & VD_ROOT_LIVE);
	root->openat2 = !(flags & VD_ROOT_NO_OPENAT2);
	root->fd = -1;
	root->dir = strdup(dir ? dir : "/");
	if (!root->dir)
		return vd_err_set(err, ENOMEM, "out of memory");
	root->fd = open(root->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root->fd < 0)
		return vd_err_set(err, errno, "cannot use %s as the root of a host: %s", root->dir, strerror(errno));
	if (!root->live) {
		r = load_manifest(root, err ? err : &own);
		if (r < 0)
			return r;
		root->sosreport =
		        fstatat(root->fd, "sos_commands", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
	}
	VLOG_DEBUG("root %s: %s%s%s", root->dir, root->live ? "live" : "capture",
	           root->has_manifest ? ", manifest" : "", root->sosreport ? ", sosreport" : "");
	*ret_root = vd_steal(root);
	return 0;
}

int vd_root_open_pid(pid_t pid, struct vd_root **ret_root, struct vd_err *err)
{
	char path[64];
	int r;

	snprintf(path, sizeof(path), "/proc/%ld/root", (long)pid);
	r = vd_root_open(path, VD_ROOT_LIVE, ret_root, err);
	if (r < 0)
		return vd_err_prefix(err, "looking at the host as process %ld sees it", (long)pid), r;
	(*ret_root)->pid = pid;
	return 0;
}

bool vd_root_is_live(const struct vd_root *root)
{
	return root->live;
}

bool vd_root_has_manifest(const struct vd_root *root)
{
	return root->has_manifest;
}

bool vd_root_is_sosreport(const struct vd_root *root)
{
	return root->sosreport;
}

const char *vd_root_dir(const struct vd_root *root)
{
	return root->dir;
}

pid_t vd_root_pid(const struct vd_root *root)
{
	return root->pid;
}

/*
 * Open @path for reading when it is of one of the types in @types (S_IFMT values; 0 ends). The type is looked at
 * before the real open, because opening a FIFO waits and opening a device may act.
 */
static int open_typed(struct vd_root *root, const char *path, const mode_t *types, struct stat *ret_stat, int *ret_fd,
                      struct vd_err *err)
{
	VD_AUTO_CLOSE int look = vd_root_openat(root, path, O_PATH);
	char self[64];
	struct stat st;
	int fd;

	if (look < 0)
		return vd_err_set(err, -look, "cannot open %s: %s", path, strerror(-look));
	if (fstat(look, &st) < 0)
		return vd_err_set(err, errno, "cannot examine %s: %s", path, strerror(errno));
	while (*types && *types != (st.st_mode & S_IFMT))
		types++;
	if (!*types)
		return vd_err_set(err, EINVAL, "cannot read %s: it is a %s, not a regular file", path,
		                  S_ISDIR(st.st_mode)    ? "directory"
		                  : S_ISFIFO(st.st_mode) ? "FIFO"
		                  : S_ISSOCK(st.st_mode) ? "socket"
		                                         : "device");
	/* The same inode again, not the name: it may have been exchanged in the meantime. */
	snprintf(self, sizeof(self), "/proc/self/fd/%d", look);
	fd = open(self, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return vd_err_set(err, errno, "cannot open %s: %s", path, strerror(errno));
	*ret_stat = st;
	*ret_fd = fd;
	return 0;
}

int vd_root_open_file(struct vd_root *root, const char *path, int *ret_fd, struct vd_err *err)
{
	static const mode_t types[] = { S_IFREG, 0 };
	struct stat st;

	return open_typed(root, path, types, &st, ret_fd, err);
}

/* Append up to @max bytes of @fd. Returns 0, 1 when there was more, or a negative errno. */
static int read_bounded(int fd, size_t max, struct vd_buf *buf)
{
	while (buf->len < max) {
		size_t want = max - buf->len < 65536 ? max - buf->len : 65536;
		ssize_t n;

		if (vd_buf_reserve(buf, want) < 0)
			return -ENOMEM;
		n = read(fd, buf->data + buf->len, want);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		buf->len += (size_t)n;
		buf->data[buf->len] = '\0';
	}
	for (;;) {
		char one;
		ssize_t n = read(fd, &one, 1);

		if (n < 0 && errno == EINTR)
			continue;
		return n < 0 ? -errno : n > 0;
	}
}

int vd_root_read(struct vd_root *root, const char *path, size_t max, struct vd_buf *buf, struct vd_err *err)
{
	static const mode_t types[] = { S_IFREG, 0 };
	VD_AUTO_CLOSE int fd = -1;
	struct stat st;
	int r;

	vd_buf_clear(buf);
	r = open_typed(root, path, types, &st, &fd, err);
	if (r < 0)
		return r;
	if (st.st_size > 0 && (uintmax_t)st.st_size > max)
		return vd_err_set(err, EFBIG, "%s is too large: %jd bytes, at most %zu are read", path,
		                  (intmax_t)st.st_size, max);
	r = read_bounded(fd, max, buf);
	if (r) {
		vd_buf_clear(buf);
		return r < 0 ? vd_err_set(err, -r, "cannot read %s: %s", path, strerror(-r))
		             : vd_err_set(err, EFBIG, "%s is too large: at most %zu bytes are read", path, max);
	}
	if (vd_buf_reserve(buf, 0) < 0)
		return vd_err_set(err, ENOMEM, "out of memory while reading %s", path);
	VLOG_DEBUG("read %s: %zu bytes", path, buf->len);
	return 0;
}

static int no_evidence(const char *path, struct vd_err *err)
{
	return vd_err_set(err, VD_NO_EVIDENCE, "the capture does not tell about %s", path);
}

/*
 * The manifest's line for @path, symlinks followed as @follow says. 1: there is a manifest and this is the line;
 * 0: no manifest; -VD_NO_EVIDENCE: not listed; -ELOOP.
 */
static int from_manifest(struct vd_root *root, const char *path, bool follow,
                         const struct vd_manifest_entry **ret_entry, struct vd_err *err)
{
	VD_AUTO_FREE char *resolved = NULL;
	const struct vd_manifest_entry *entry;
	int r;

	if (!root->has_manifest)
		return 0;
	r = vd_manifest_resolve(&root->manifest, path, follow, &resolved);
	if (r < 0)
		return vd_err_set(err, -r, "cannot resolve %s in the manifest: %s", path, strerror(-r));
	entry = vd_manifest_get(&root->manifest, resolved);
	if (!entry)
		return no_evidence(path, err);
	*ret_entry = entry;
	return 1;
}

int vd_root_read_header(struct vd_root *root, const char *path, size_t max, struct vd_buf *buf, struct vd_err *err)
{
	static const mode_t types[] = { S_IFREG, S_IFBLK, 0 };
	const struct vd_manifest_entry *entry = NULL;
	VD_AUTO_CLOSE int fd = -1;
	struct vd_stat listed;
	struct stat st;
	const char *file = path;
	int r;

	vd_buf_clear(buf);
	r = from_manifest(root, path, true, &entry, err);
	if (r < 0)
		return r;
	if (entry) {
		if (vd_manifest_stat(entry, &listed) < 0)
			return vd_err_set(err, ENOENT, "cannot open %s: %s", path, strerror(ENOENT));
		file = vd_value_get_str(vd_value_find(entry->record, "header_file"), NULL);
		if (!file)
			return vd_err_set(err, VD_NO_EVIDENCE, "the capture does not hold the header of %s", path);
	}
	r = open_typed(root, file, types, &st, &fd, err);
	if (r == -ENOENT && (entry || root->sosreport))
		return vd_err_set(err, VD_NO_EVIDENCE, "the capture does not hold the header of %s", path);
	if (r < 0)
		return r;
	r = read_bounded(fd, max, buf);
	if (r < 0 || vd_buf_reserve(buf, 0) < 0) {
		vd_buf_clear(buf);
		return vd_err_set(err, r < 0 ? -r : ENOMEM, "cannot read %s: %s", path, strerror(r < 0 ? -r : ENOMEM));
	}
	return 0;
}

int vd_root_open_dir(struct vd_root *root, const char *path, int *ret_fd, struct vd_err *err)
{
	int fd = vd_root_openat(root, path, O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return vd_err_set(err, -fd, "cannot open the directory %s: %s", path, strerror(-fd));
	*ret_fd = fd;
	return 0;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

int vd_root_list(struct vd_root *root, const char *path, struct vd_strv *names, struct vd_err *err)
{
	VD_CLEANUP(close_dir) DIR *dir = NULL;
	VD_AUTO_STRV found = VD_STRV_INIT;
	VD_AUTO_CLOSE int fd = -1;
	struct dirent *e;
	int r = vd_root_open_dir(root, path, &fd, err);

	if (r < 0)
		return r;
	dir = fdopendir(fd);
	if (!dir)
		return vd_err_set(err, errno, "cannot list %s: %s", path, strerror(errno));
	(void)vd_steal_fd(fd); /* dir owns it now */
	for (errno = 0; (e = readdir(dir)) != NULL; errno = 0) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (found.len >= MAX_NAMES)
			return vd_err_set(err, EFBIG, "%s holds more than %d names", path, MAX_NAMES);
		if (vd_strv_add(&found, e->d_name) < 0)
			return vd_err_set(err, ENOMEM, "out of memory while listing %s", path);
	}
	if (errno)
		return vd_err_set(err, errno, "cannot list %s: %s", path, strerror(errno));
	vd_strv_sort(&found);
	vd_strv_release(names);
	*names = found;
	found = (struct vd_strv)VD_STRV_INIT;
	return 0;
}

static enum vd_file_type type_from_mode(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return VD_FILE_REG;
	case S_IFDIR:
		return VD_FILE_DIR;
	case S_IFLNK:
		return VD_FILE_LNK;
	case S_IFBLK:
		return VD_FILE_BLK;
	case S_IFCHR:
		return VD_FILE_CHR;
	case S_IFIFO:
		return VD_FILE_FIFO;
	case S_IFSOCK:
		return VD_FILE_SOCK;
	default:
		return VD_FILE_UNKNOWN;
	}
}

/*
 * A sosreport does not copy images and the like: that a file is not in it says nothing about the host, unless its
 * directory was copied... which cannot be known.
 */
static int absent(struct vd_root *root, const char *path, int code, struct vd_err *err)
{
	if (root->sosreport && (code == ENOENT || code == ENOTDIR))
		return no_evidence(path, err);
	return vd_err_set(err, code, "cannot examine %s: %s", path, strerror(code));
}

static int get_stat(struct vd_root *root, const char *path, bool follow, struct vd_stat *ret_stat, struct vd_err *err)
{
	const struct vd_manifest_entry *entry = NULL;
	VD_AUTO_CLOSE int fd = -1;
	struct stat st;
	int r = from_manifest(root, path, follow, &entry, err);

	if (r < 0)
		return r;
	if (entry)
		return vd_manifest_stat(entry, ret_stat) < 0
		               ? vd_err_set(err, ENOENT, "cannot examine %s: %s", path, strerror(ENOENT))
		               : 0;
	fd = vd_root_openat(root, path, O_PATH | (follow ? 0 : O_NOFOLLOW));
	if (fd < 0)
		return absent(root, path, -fd, err);
	if (fstat(fd, &st) < 0)
		return vd_err_set(err, errno, "cannot examine %s: %s", path, strerror(errno));
	*ret_stat = (struct vd_stat){
		.type = type_from_mode(st.st_mode),
		.has_owner = !root->sosreport,
		.mode = root->sosreport ? 0 : st.st_mode & 07777,
		.uid = root->sosreport ? 0 : st.st_uid,
		.gid = root->sosreport ? 0 : st.st_gid,
		.size = st.st_size,
	};
	if (root->live) {
		ret_stat->dev = st.st_dev;
		ret_stat->rdev = st.st_rdev;
		ret_stat->ino = st.st_ino;
	}
	return 0;
}

int vd_root_stat(struct vd_root *root, const char *path, struct vd_stat *ret_stat, struct vd_err *err)
{
	return get_stat(root, path, true, ret_stat, err);
}

int vd_root_lstat(struct vd_root *root, const char *path, struct vd_stat *ret_stat, struct vd_err *err)
{
	return get_stat(root, path, false, ret_stat, err);
}

static int xattr_from_manifest(const struct vd_manifest_entry *entry, const char *path, const char *name,
                               struct vd_buf *value, struct vd_err *err)
{
	const struct vd_value *xattrs = vd_value_find(entry->record, "xattrs"), *v;
	struct vd_stat st;
	const char *text;
	size_t len;

	if (vd_manifest_stat(entry, &st) < 0)
		return vd_err_set(err, ENOENT, "cannot examine %s: %s", path, strerror(ENOENT));
	/* "xattrs":null says that they could not be read; no key or an object without the name: it has none. */
	if (xattrs && vd_value_type(xattrs) == VD_VALUE_NULL)
		return no_evidence(path, err);
	v = vd_value_find(xattrs, name);
	text = vd_value_get_str(v, &len);
	if (!text)
		return vd_err_set(err, ENODATA, "%s has no attribute %s", path, name);
	return vd_buf_add(value, text, len) < 0 ? vd_err_set(err, ENOMEM, "out of memory") : 0;
}

int vd_root_xattr(struct vd_root *root, const char *path, const char *name, struct vd_buf *value, struct vd_err *err)
{
	const struct vd_manifest_entry *entry = NULL;
	VD_AUTO_CLOSE int fd = -1;
	char self[64];
	ssize_t n;
	int r;

	vd_buf_clear(value);
	r = from_manifest(root, path, true, &entry, err);
	if (r < 0)
		return r;
	if (entry)
		return xattr_from_manifest(entry, path, name, value, err);
	if (root->sosreport)
		return no_evidence(path, err);
	fd = vd_root_openat(root, path, O_PATH);
	if (fd < 0)
		return absent(root, path, -fd, err);
	/* An O_PATH descriptor takes no fgetxattr(); through /proc it does, and the name is not walked again. */
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (vd_buf_reserve(value, MAX_XATTR) < 0)
		return vd_err_set(err, ENOMEM, "out of memory");
	n = getxattr(self, name, value->data, MAX_XATTR);
	if (n < 0)
		return vd_err_set(err, errno, "cannot read %s of %s: %s", name, path, strerror(errno));
	value->len = (size_t)n;
	value->data[value->len] = '\0';
	return 0;
}

int vd_root_label(struct vd_root *root, const char *path, char **ret_label, struct vd_err *err)
{
	VD_AUTO_BUF value = VD_BUF_INIT;
	char *label;
	int r = vd_root_xattr(root, path, "security.selinux", &value, err);

	if (r < 0)
		return r;
	/* The kernel counts the final NUL; labels set by other tools may lack it. */
	while (value.len && (value.data[value.len - 1] == '\0' || value.data[value.len - 1] == '\n'))
		value.data[--value.len] = '\0';
	if (!value.len || memchr(value.data, '\0', value.len))
		return vd_err_set(err, ENODATA, "%s has an empty or malformed label", path);
	label = vd_buf_steal(&value);
	if (!label)
		return vd_err_set(err, ENOMEM, "out of memory");
	*ret_label = label;
	return 0;
}

int vd_root_acl(struct vd_root *root, const char *path, struct vd_acl_entry **ret_entries, size_t *ret_count,
                struct vd_err *err)
{
	const struct vd_manifest_entry *entry = NULL;
	VD_AUTO_BUF value = VD_BUF_INIT;
	int r = from_manifest(root, path, true, &entry, err);

	if (r < 0)
		return r;
	if (entry) {
		const char *text = vd_value_get_str(vd_value_find(entry->record, "acl"), NULL);

		if (!text)
			return vd_err_set(err, ENODATA, "%s has no ACL", path);
		r = vd_acl_parse_text(text, ret_entries, ret_count);
	} else {
		r = vd_root_xattr(root, path, "system.posix_acl_access", &value, err);
		if (r < 0)
			return r;
		r = vd_acl_parse_xattr(value.data, value.len, ret_entries, ret_count);
	}
	return r < 0 ? vd_err_set(err, -r, "the ACL of %s cannot be understood: %s", path, strerror(-r)) : 0;
}

int vd_root_readlink(struct vd_root *root, const char *path, char **ret_target, struct vd_err *err)
{
	VD_AUTO_CLOSE int fd = vd_root_openat(root, path, O_PATH | O_NOFOLLOW);
	char target[PATH_MAX];
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return vd_err_set(err, -fd, "cannot open %s: %s", path, strerror(-fd));
	/* readlinkat() on the descriptor of what is no symlink says ENOENT. */
	if (fstat(fd, &st) == 0 && !S_ISLNK(st.st_mode))
		return vd_err_set(err, EINVAL, "%s is no symlink", path);
	n = readlinkat(fd, "", target, sizeof(target) - 1);
	if (n < 0)
		return vd_err_set(err, errno, "cannot read the symlink %s: %s", path, strerror(errno));
	target[n] = '\0';
	*ret_target = strdup(target);
	return *ret_target ? 0 : vd_err_set(err, ENOMEM, "out of memory");
}

int vd_root_realpath(struct vd_root *root, const char *path, char **ret_path, struct vd_err *err)
{
	VD_AUTO_CLOSE int fd = -1;
	char self[64], real[PATH_MAX], base[PATH_MAX];
	size_t base_len;
	ssize_t n;

	if (root->has_manifest) {
		int r = vd_manifest_resolve(&root->manifest, path, true, ret_path);

		return r < 0 ? vd_err_set(err, -r, "cannot resolve %s: %s", path, strerror(-r)) : 0;
	}
	fd = vd_root_openat(root, path, O_PATH);
	if (fd < 0)
		return absent(root, path, -fd, err);
	/* The kernel knows where a descriptor leads; what lies before it is the root's own place. */
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	n = readlink(self, real, sizeof(real) - 1);
	if (n < 0)
		return vd_err_set(err, errno, "cannot resolve %s: %s", path, strerror(errno));
	real[n] = '\0';
	base_len = 0;
	if (root->foreign) {
		snprintf(self, sizeof(self), "/proc/self/fd/%d", root->fd);
		n = readlink(self, base, sizeof(base) - 1);
		if (n < 0)
			return vd_err_set(err, errno, "cannot resolve %s: %s", root->dir, strerror(errno));
		base_len = n == 1 ? 0 : (size_t)n;
		if (strncmp(real, base, base_len) || (real[base_len] && real[base_len] != '/'))
			return vd_err_set(err, EXDEV, "%s leads out of %s", path, root->dir);
	}
	*ret_path = strdup(real[base_len] ? real + base_len : "/");
	return *ret_path ? 0 : vd_err_set(err, ENOMEM, "out of memory");
}

int vd_root_fstype(struct vd_root *root, const char *path, char **ret_fstype, struct vd_err *err)
{
	const struct vd_manifest_entry *entry = NULL;
	const char *fstype;
	int r = from_manifest(root, path, true, &entry, err);

	if (r < 0)
		return r;
	fstype = entry ? vd_value_get_str(vd_value_find(entry->record, "fstype"), NULL) : NULL;
	if (!fstype)
		return no_evidence(path, err);
	*ret_fstype = strdup(fstype);
	return *ret_fstype ? 0 : vd_err_set(err, ENOMEM, "out of memory");
}
