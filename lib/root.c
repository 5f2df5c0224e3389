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
#include <unistd.h>

#include "root-open.h"
#include "root-private.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.root");

#define MAX_NAMES  200000u
#define READ_CHUNK 65536u

/* --- lookup ------------------------------------------------------------------------------------------------------ */

static const char *relative(const char *path)
{
	path += strspn(path, "/");
	return *path ? path : ".";
}

/* An O_PATH descriptor of @path, or the bare errno. */
static int lookup(const struct vd_root *root, const char *path, bool nofollow, int *ret_fd)
{
	int fd;

	if (!root->machine)
		return vd_below_lookup(root->fd, relative(path),
		                       (nofollow ? VD_BELOW_NOFOLLOW : 0) | (root->walk ? VD_BELOW_WALK : 0), ret_fd);
	fd = openat(root->fd, relative(path), O_PATH | O_CLOEXEC | (nofollow ? O_NOFOLLOW : 0));
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

int vd_root_fail(const struct vd_root *root, const char *what, const char *path, int r, struct vd_err *err)
{
	const char *hint = (r == -EACCES || r == -EPERM) && geteuid() != 0 ? "; root may (sudo)" : "";

	VLOG_DEBUG("cannot %s %s below %s: %s", what, path, root->dir, strerror(-r));
	if (root->machine)
		return vd_err_set(err, -r, "cannot %s '%s': %s%s", what, path, strerror(-r), hint);
	return vd_err_set(err, -r, "cannot %s '%s' below '%s': %s%s", what, path, root->dir, strerror(-r), hint);
}

int vd_root_no_evidence(const struct vd_root *root, const char *path, struct vd_err *err)
{
	const char *why = root->manifest    ? "its manifest does not say"
	                  : root->sosreport ? "a sosreport does not keep that"
	                                    : "it does not keep that";

	VLOG_DEBUG("no evidence about %s below %s: %s", path, root->dir, why);
	return vd_err_set(err, VD_NO_EVIDENCE, "cannot tell about '%s' from the capture '%s': %s", path, root->dir,
	                  why);
}

static const char *type_phrase(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "a directory";
	case S_IFLNK:
		return "a symbolic link";
	case S_IFIFO:
		return "a FIFO";
	case S_IFSOCK:
		return "a socket";
	case S_IFBLK:
		return "a block device";
	case S_IFCHR:
		return "a character device";
	default:
		return "of unknown type";
	}
}

/*
 * Opens for reading what the O_PATH descriptor @fd, already examined, stands for: the very same inode, so that nobody
 * can put a FIFO or a device in its place meanwhile.
 */
static int reopen(int fd, int flags, int *ret_fd)
{
	char name[VD_PROC_NAME];
	int opened;

	vd_proc_fd(fd, name);
	do
		opened = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags);
	while (opened < 0 && errno == EINTR);
	if (opened < 0)
		return -errno;
	*ret_fd = opened;
	return 0;
}

/* Opens @path when it is a regular file, or with @devices a block device of a live host. */
static int open_data(const struct vd_root *root, const char *path, bool devices, int *ret_fd, struct stat *ret_st,
                     struct vd_err *err)
{
	VD_AUTO_CLOSE int fd = -1;
	int r = lookup(root, path, false, &fd);

	if (!r && fstat(fd, ret_st) < 0)
		r = -errno;
	if (r < 0)
		return vd_root_fail(root, "read", path, r, err);
	if (!S_ISREG(ret_st->st_mode) && !(devices && root->live && S_ISBLK(ret_st->st_mode)))
		return vd_err_set(err, EINVAL, "cannot read '%s': it is %s, not a regular file", path,
		                  type_phrase(ret_st->st_mode));
	r = reopen(fd, 0, ret_fd);
	return r < 0 ? vd_root_fail(root, "read", path, r, err) : 0;
}

/* --- opening ----------------------------------------------------------------------------------------------------- */

static int load_manifest(struct vd_root *root, struct vd_err *err)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	int r = vd_root_read(root, "/" VD_MANIFEST_NAME, VD_MANIFEST_MAX_BYTES, &text, err);

	if (r == -ENOENT) {
		if (err)
			vd_err_release(err);
		return 0;
	}
	if (!r)
		r = vd_manifest_parse(vd_buf_str(&text), text.len, &root->manifest, err);
	if (r < 0)
		vd_err_prefix(err, "the manifest of the capture '%s' is unusable", root->dir);
	return r;
}

static bool has_directory(const struct vd_root *root, const char *path)
{
	VD_AUTO_CLOSE int fd = -1;
	struct stat st;

	return lookup(root, path, false, &fd) == 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_slash(const char *dir)
{
	return *dir == '/' && dir[strspn(dir, "/")] == '\0';
}

int vd_root_open(const char *dir, unsigned flags, struct vd_root **ret_root, struct vd_err *err)
{
	VD_AUTO_ROOT struct vd_root *root = calloc(1, sizeof(*root));
	int r;

	if (!root)
		return vd_err_set(err, ENOMEM, "out of memory while opening a root directory");
	root->fd = -1;
	root->sees_trusted = -1;
	root->machine = !dir || is_slash(dir);
	root->live = root->machine || (flags & VD_ROOT_LIVE);
	root->dir = strdup(root->machine ? "/" : dir);
	if (!root->dir)
		return vd_err_set(err, ENOMEM, "out of memory while opening a root directory");
	root->fd = open(root->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root->fd < 0)
		return vd_err_set(err, errno, "cannot open the root directory '%s': %s", root->dir, strerror(errno));
	root->walk = (flags & VD_ROOT_NO_OPENAT2) || !vd_below_has_openat2();
	if (!root->live) {
		r = load_manifest(root, err);
		if (r < 0)
			return r;
		root->sosreport = has_directory(root, "sos_commands");
	}
	VLOG_DEBUG("root %s: %s%s%s%s", root->dir, root->live ? "live" : "capture", root->walk ? ", own walk" : "",
	           root->manifest ? ", manifest" : "", root->sosreport ? ", sosreport" : "");
	*ret_root = vd_steal(root);
	return 0;
}

int vd_root_open_pid(pid_t pid, struct vd_root **ret_root, struct vd_err *err)
{
	char dir[VD_PROC_NAME];
	int r;

	if (pid <= 0)
		return vd_err_set(err, EINVAL, "%ld is not the id of a process", (long)pid);
	/* openat2(RESOLVE_IN_ROOT) from "/" would refuse this magic link; as a root of its own it is fine. */
	snprintf(dir, sizeof(dir), "/proc/%ld/root", (long)pid);
	r = vd_root_open(dir, VD_ROOT_LIVE, ret_root, err);
	if (r == -ENOENT)
		return vd_err_set(err, ENOENT, "there is no process %ld", (long)pid);
	if ((r == -EACCES || r == -EPERM) && geteuid() != 0)
		vd_err_prefix(err, "seeing the host as process %ld does needs root (sudo)", (long)pid);
	if (!r)
		(*ret_root)->pid = pid;
	return r;
}

static void forget_dir(struct vd_held_dir *dir)
{
	if (dir->path)
		vd_cleanup_close(&dir->fd);
	free(dir->path);
	dir->path = NULL;
}

void vd_root_free(struct vd_root *root)
{
	if (!root)
		return;
	vd_root_let_go(root);
	for (size_t i = 0; i < VD_ARRAY_SIZE(root->dirs); i++)
		forget_dir(&root->dirs[i]);
	vd_cleanup_close(&root->fd);
	vd_manifest_free(root->manifest);
	free(root->dir);
	free(root);
}

void vd_root_cleanup(struct vd_root **root)
{
	vd_root_free(*root);
	*root = NULL;
}

bool vd_root_is_live(const struct vd_root *root)
{
	return root->live;
}

bool vd_root_has_manifest(const struct vd_root *root)
{
	return root->manifest;
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

/* --- content ----------------------------------------------------------------------------------------------------- */

/* Appends up to @max bytes of @fd; stops at the end of the file. */
static int read_some(int fd, size_t max, struct vd_buf *buf)
{
	while (max) {
		size_t want = max < READ_CHUNK ? max : READ_CHUNK;
		ssize_t n;

		if (vd_buf_reserve(buf, want) < 0)
			return -ENOMEM;
		n = read(fd, buf->data + buf->len, want);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		buf->len += (size_t)n;
		buf->data[buf->len] = '\0';
		max -= (size_t)n;
	}
	return 0;
}

int vd_root_read(struct vd_root *root, const char *path, size_t max, struct vd_buf *buf, struct vd_err *err)
{
	VD_AUTO_CLOSE int fd = -1;
	struct stat st;
	int r;

	vd_buf_clear(buf);
	r = open_data(root, path, false, &fd, &st, err);
	if (r < 0)
		return r;
	/* The size may lie (0 in procfs) or change: it only saves work. One byte more than allowed tells "too long". */
	r = (uint64_t)st.st_size > max ? -EFBIG : 0;
	if (!r)
		r = vd_buf_reserve(buf, (size_t)st.st_size + 1);
	if (!r)
		r = read_some(fd, max + (max < SIZE_MAX), buf);
	if (!r && buf->len > max)
		r = -EFBIG;
	if (!r) {
		VLOG_DEBUG("read %zu bytes of %s", buf->len, path);
		return 0;
	}
	vd_buf_clear(buf);
	if (r == -EFBIG)
		return vd_err_set(err, EFBIG, "cannot read '%s': it is longer than the %zu bytes expected at most",
		                  path, max);
	return vd_root_fail(root, "read", path, r, err);
}

int vd_root_open_file(struct vd_root *root, const char *path, int *ret_fd, struct vd_err *err)
{
	struct stat st;

	return open_data(root, path, false, ret_fd, &st, err);
}

int vd_root_open_dir(struct vd_root *root, const char *path, int *ret_fd, struct vd_err *err)
{
	VD_AUTO_CLOSE int fd = -1;
	int r = lookup(root, path, false, &fd);

	if (!r)
		r = reopen(fd, O_DIRECTORY, ret_fd);
	return r < 0 ? vd_root_fail(root, "open the directory", path, r, err) : 0;
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
	struct dirent *e;
	int fd, r;

	r = vd_root_open_dir(root, path, &fd, err);
	if (r < 0)
		return r;
	dir = fdopendir(fd);
	if (!dir) {
		r = -errno;
		close(fd);
		return vd_root_fail(root, "list", path, r, err);
	}
	while (errno = 0, (e = readdir(dir))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (found.len >= MAX_NAMES)
			return vd_err_set(err, EFBIG, "cannot list '%s': it holds more than %u names", path, MAX_NAMES);
		if (vd_strv_add(&found, e->d_name) < 0)
			return vd_root_fail(root, "list", path, -ENOMEM, err);
	}
	if (errno)
		return vd_root_fail(root, "list", path, -errno, err);
	vd_strv_sort(&found);
	vd_strv_release(names);
	*names = found;
	found = (struct vd_strv)VD_STRV_INIT;
	return 0;
}

/* --- the manifest or the file ------------------------------------------------------------------------------------ */

/* For vd_manifest_resolve(): the symlinks among the captured files. */
static int captured_link(void *data, const char *path, char **ret_target)
{
	const struct vd_root *root = data;
	VD_AUTO_CLOSE int fd = -1;
	struct stat st;
	int r;

	if (lookup(root, path, true, &fd) < 0 || fstat(fd, &st) < 0 || !S_ISLNK(st.st_mode))
		return 0;
	r = vd_below_readlink(fd, ret_target);
	return !r ? **ret_target != '\0' : r == -ENOMEM ? r : 0;
}

static void let_go(struct vd_held *held)
{
	if (held->path)
		vd_cleanup_close(&held->fd);
	free(held->path);
	held->path = NULL;
}

void vd_root_let_go(struct vd_root *root)
{
	for (size_t i = 0; i < VD_HELD; i++)
		let_go(&root->held[i]);
	root->next_held = 0;
}

void vd_root_hold(struct vd_root *root, const char *path)
{
	struct vd_held *held = &root->held[root->next_held % VD_HELD];
	VD_AUTO_CLOSE int fd = -1;

	if (root->manifest || lookup(root, path, true, &fd) < 0)
		return;
	let_go(held);
	if (fstat(fd, &held->st) < 0)
		return;
	/* Mostly it is no symlink: then the one descriptor answers for the path itself and for what it leads to. */
	held->was_link = S_ISLNK(held->st.st_mode);
	if (held->was_link) {
		vd_cleanup_close(&fd);
		if (lookup(root, path, false, &fd) < 0 || fstat(fd, &held->st) < 0)
			return;
	}
	held->path = strdup(path);
	if (!held->path)
		return;
	held->len = strlen(path);
	held->fd = vd_steal_fd(fd);
	held->n_listed = VD_NOT_ASKED;
	root->next_held++;
}

static struct vd_held *find_held(struct vd_root *root, const char *path, bool nofollow)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < VD_HELD; i++) {
		struct vd_held *held = &root->held[i];

		if (held->path && held->len == len && !memcmp(held->path, path, len))
			return nofollow && held->was_link ? NULL : held;
	}
	return NULL;
}

int vd_root_ask(struct vd_root *root, const char *path, bool nofollow, const char *what, struct vd_asked *ret_asked,
                struct vd_err *err)
{
	VD_AUTO_BUF resolved = VD_BUF_INIT;
	struct vd_asked *a = ret_asked;
	int r = 0;

	if (root->manifest) {
		r = vd_manifest_resolve(root->manifest, path, !nofollow, captured_link, root, &resolved, &a->entry);
		if (!r && !a->entry)
			return vd_root_no_evidence(root, path, err);
	} else if ((a->held = find_held(root, path, nofollow))) {
		a->fd = a->held->fd;
	} else {
		r = lookup(root, path, nofollow, &a->own_fd);
		a->fd = a->own_fd;
		/* A sosreport leaves out most of the host: absence there proves nothing. */
		if (r == -ENOENT && root->sosreport)
			return vd_root_no_evidence(root, path, err);
	}
	return r < 0 ? vd_root_fail(root, what, path, r, err) : 0;
}

static enum vd_file_type file_type(mode_t mode)
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

static struct vd_stat convert(const struct vd_root *root, const struct stat *st)
{
	struct vd_stat s = {
		.type = file_type(st->st_mode),
		.has_owner = !root->sosreport,
		.size = S_ISREG(st->st_mode) || S_ISDIR(st->st_mode) || S_ISLNK(st->st_mode) ? st->st_size : -1,
		/* That of a copied file is often the time of the copy. */
		.mtime = root->live ? st->st_mtim.tv_sec : -1,
		.changed = root->live ? st->st_ctim.tv_sec : -1,
		.nlink = root->live ? (unsigned)st->st_nlink : 0,
	};

	if (s.has_owner) {
		s.mode = st->st_mode & 07777;
		s.uid = st->st_uid;
		s.gid = st->st_gid;
	}
	if (root->live) {
		s.dev = st->st_dev;
		s.rdev = st->st_rdev;
		s.ino = st->st_ino;
	}
	return s;
}

/* The directory @path, @len bytes of it, opened once while it is asked for often; -1 when it cannot be. */
static int dir_of(struct vd_root *root, const char *path, size_t len)
{
	struct vd_held_dir *dir = &root->dirs[root->next_dir];

	for (size_t i = 0; i < VD_ARRAY_SIZE(root->dirs); i++) {
		const char *known = root->dirs[i].path;

		if (known && !strncmp(known, path, len) && !known[len])
			return root->dirs[i].fd;
	}
	root->next_dir = (root->next_dir + 1) % VD_ARRAY_SIZE(root->dirs);
	forget_dir(dir);
	dir->fd = -1;
	dir->path = strndup(path, len);
	if (!dir->path || lookup(root, dir->path, false, &dir->fd) < 0)
		return -1;
	return dir->fd;
}

/*
 * lstat() of a file of a capture that has no manifest. The files of guests are mostly in one directory, and a capture
 * stays as it is while it is looked at. False when @path has to be looked up as a whole.
 */
static bool lstat_in_dir(struct vd_root *root, const char *path, struct stat *ret_st)
{
	const char *slash = strrchr(path, '/');
	int dirfd;

	if (root->live || root->manifest || root->sosreport || !slash || slash == path || !slash[1] ||
	    !strcmp(slash, "/.") || !strcmp(slash, "/.."))
		return false;
	dirfd = dir_of(root, path, (size_t)(slash - path));
	return dirfd >= 0 && fstatat(dirfd, slash + 1, ret_st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int stat_path(struct vd_root *root, const char *path, bool nofollow, struct vd_stat *ret_stat,
                     struct vd_err *err)
{
	VD_AUTO_ASKED struct vd_asked asked = VD_ASKED_INIT;
	const struct vd_manifest_entry *e;
	struct stat st;
	int r;

	if (!find_held(root, path, nofollow) && lstat_in_dir(root, path, &st) && (nofollow || !S_ISLNK(st.st_mode))) {
		*ret_stat = convert(root, &st);
		return 0;
	}
	r = vd_root_ask(root, path, nofollow, "examine", &asked, err);
	if (r < 0)
		return r;
	e = asked.entry;
	if (e) {
		*ret_stat = (struct vd_stat){
			.type = e->type,
			.has_owner = e->has_owner,
			.mode = e->has_owner ? e->mode : 0,
			.uid = e->has_owner ? e->uid : 0,
			.gid = e->has_owner ? e->gid : 0,
			.size = e->size,
			.mtime = e->mtime,
			.changed = -1,
		};
		return 0;
	}
	if (!asked.held && fstat(asked.fd, &st) < 0)
		return vd_root_fail(root, "examine", path, -errno, err);
	*ret_stat = convert(root, asked.held ? &asked.held->st : &st);
	return 0;
}

int vd_root_stat(struct vd_root *root, const char *path, struct vd_stat *ret_stat, struct vd_err *err)
{
	return stat_path(root, path, false, ret_stat, err);
}

int vd_root_lstat(struct vd_root *root, const char *path, struct vd_stat *ret_stat, struct vd_err *err)
{
	return stat_path(root, path, true, ret_stat, err);
}

int vd_root_readlink(struct vd_root *root, const char *path, char **ret_target, struct vd_err *err)
{
	const struct vd_manifest_entry *e = NULL;
	VD_AUTO_BUF resolved = VD_BUF_INIT;
	VD_AUTO_CLOSE int fd = -1;
	struct stat st;
	int r;

	if (root->manifest) {
		r = vd_manifest_resolve(root->manifest, path, false, captured_link, root, &resolved, &e);
		if (r < 0)
			return vd_root_fail(root, "read the link", path, r, err);
		path = vd_buf_str(&resolved);
	}
	if (e) {
		if (e->type == VD_FILE_UNKNOWN)
			return vd_root_no_evidence(root, path, err);
		if (e->type != VD_FILE_LNK)
			return vd_err_set(err, EINVAL, "cannot read the link '%s': it is no symbolic link", path);
		*ret_target = strdup(e->target);
		return *ret_target ? 0 : vd_root_fail(root, "read the link", path, -ENOMEM, err);
	}
	r = lookup(root, path, true, &fd);
	if (r == -ENOENT && (root->manifest || root->sosreport))
		return vd_root_no_evidence(root, path, err);
	if (!r && fstat(fd, &st) < 0)
		r = -errno;
	if (!r && !S_ISLNK(st.st_mode))
		return vd_err_set(err, EINVAL, "cannot read the link '%s': it is no symbolic link", path);
	if (!r)
		r = vd_below_readlink(fd, ret_target);
	return r < 0 ? vd_root_fail(root, "read the link", path, r, err) : 0;
}

int vd_root_realpath(struct vd_root *root, const char *path, char **ret_path, struct vd_err *err)
{
	const struct vd_manifest_entry *e = NULL;
	VD_AUTO_BUF resolved = VD_BUF_INIT, absolute = VD_BUF_INIT;
	VD_AUTO_CLOSE int fd = -1;
	int r;

	if (root->machine) {
		r = vd_buf_addf(&absolute, "/%s", relative(path));
		*ret_path = r < 0 ? NULL : realpath(absolute.data, NULL);
		return *ret_path ? 0 : vd_root_fail(root, "resolve", path, r < 0 ? r : -errno, err);
	}
	if (root->manifest) {
		r = vd_manifest_resolve(root->manifest, path, true, captured_link, root, &resolved, &e);
		/* An unlisted path still counts when the capture has the file itself. */
		if (!r && !e && lookup(root, vd_buf_str(&resolved), true, &fd) < 0)
			return vd_root_no_evidence(root, path, err);
	} else {
		r = vd_below_walk(root->fd, path, 0, &resolved, &fd);
		if (r == -ENOENT && root->sosreport)
			return vd_root_no_evidence(root, path, err);
	}
	if (r < 0)
		return vd_root_fail(root, "resolve", path, r, err);
	*ret_path = vd_buf_steal(&resolved);
	return *ret_path ? 0 : vd_root_fail(root, "resolve", path, -ENOMEM, err);
}

/*
 * The bytes that the capture holds for the image of record @e. Whatever goes wrong says nothing about the image itself:
 * it must not look as if that were missing or no file.
 */
static int open_header(const struct vd_root *root, const struct vd_manifest_entry *e, int *ret_fd, struct vd_err *err)
{
	const char *file = e->header_file ? e->header_file : e->path;
	VD_AUTO_ERR why = VD_ERR_INIT;
	struct stat st;
	int r;

	if (e->type != VD_FILE_REG && e->type != VD_FILE_BLK && e->type != VD_FILE_UNKNOWN)
		return vd_err_set(err, EINVAL, "cannot read '%s': it is neither a regular file nor a block device",
		                  e->path);
	r = open_data(root, file, false, ret_fd, &st, &why);
	if (!r || r == -ENOMEM)
		return r;
	return vd_err_set(err, VD_NO_EVIDENCE, "the start of '%s' is not in the capture '%s': %s", e->path, root->dir,
	                  vd_err_text(&why));
}

int vd_root_read_header(struct vd_root *root, const char *path, size_t max, struct vd_buf *buf, struct vd_err *err)
{
	VD_AUTO_ASKED struct vd_asked asked = VD_ASKED_INIT;
	const struct vd_manifest_entry *e;
	VD_AUTO_CLOSE int fd = -1;
	struct stat st;
	int r;

	vd_buf_clear(buf);
	r = vd_root_ask(root, path, false, "read", &asked, err);
	if (r < 0)
		return r;
	e = asked.entry;
	/* A device node in a capture is not the device that it was on the host. */
	if (!e && !root->live && fstat(asked.fd, &st) == 0 && S_ISBLK(st.st_mode))
		return vd_root_no_evidence(root, path, err);
	r = e ? open_header(root, e, &fd, err) : open_data(root, path, true, &fd, &st, err);
	if (r < 0)
		return r;
	r = read_some(fd, max, buf);
	if (!r)
		return 0;
	vd_buf_clear(buf);
	return vd_root_fail(root, "read", path, r, err);
}
