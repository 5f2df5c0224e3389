/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "root.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/magic.h>
#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342 /* "XFSB" */
#endif

#include "acl.h"
#include "root-private.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.root.attr");

#define MAX_XATTR 65536u

/*
 * Without CAP_SYS_ADMIN the kernel says of every trusted.* attribute that it does not exist (fs/xattr.c,
 * xattr_permission()), which must not pass for an answer.
 */
static bool may_see_trusted(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	return syscall(SYS_capget, &header, data) == 0 && (data[0].effective & 1u << CAP_SYS_ADMIN);
}

static int file_xattr(int fd, const char *name, struct vd_buf *value)
{
	/* The kernel clears as much memory as the caller has room for: the usual attribute is short. */
	static const size_t rooms[] = { 512, MAX_XATTR };
	char proc[VD_PROC_NAME];
	ssize_t n = -1;

	/* fgetxattr() refuses O_PATH descriptors. */
	vd_proc_fd(fd, proc);
	for (size_t i = 0; i < VD_ARRAY_SIZE(rooms); i++) {
		if (vd_buf_reserve(value, rooms[i]) < 0)
			return -ENOMEM;
		n = getxattr(proc, name, value->data, rooms[i]);
		if (n >= 0 || errno != ERANGE)
			break;
	}
	if (n < 0)
		return -errno;
	value->len = (size_t)n;
	value->data[n] = '\0';
	return 0;
}

/*
 * Where a list of attributes is known to be complete it saves asking for each one that is not there. A server behind
 * NFS, 9p or FUSE may well answer for what it does not list.
 */
static bool lists_all(struct vd_root *root, const struct vd_held *held)
{
	struct statfs fs;

	if (!root->lists.known || root->lists.dev != held->st.st_dev) {
		root->lists.known = fstatfs(held->fd, &fs) == 0;
		root->lists.dev = held->st.st_dev;
		root->lists.complete =
		        root->lists.known && (fs.f_type == EXT4_SUPER_MAGIC || fs.f_type == XFS_SUPER_MAGIC ||
		                              fs.f_type == BTRFS_SUPER_MAGIC || fs.f_type == TMPFS_MAGIC);
	}
	return root->lists.complete;
}

/* Has the file that is held certainly no attribute @name? */
static bool is_unlisted(struct vd_root *root, struct vd_held *held, const char *name)
{
	char proc[VD_PROC_NAME];

	/* A security module answers for labels that are nowhere on the disk. */
	if (!strncmp(name, "security.", 9) || !lists_all(root, held))
		return false;
	if (held->n_listed == VD_NOT_ASKED) {
		vd_proc_fd(held->fd, proc);
		held->n_listed = listxattr(proc, held->listed, sizeof(held->listed));
		if (held->n_listed < 0)
			held->n_listed = VD_NOT_LISTED;
	}
	for (ssize_t i = 0; i < held->n_listed; i += (ssize_t)strlen(held->listed + i) + 1)
		if (!strcmp(held->listed + i, name))
			return false;
	return held->n_listed >= 0;
}

/* Returns the bare errno. */
static int asked_xattr(struct vd_root *root, const struct vd_asked *asked, const char *name, struct vd_buf *value)
{
	if (!strncmp(name, "trusted.", 8)) {
		if (root->sees_trusted < 0)
			root->sees_trusted = may_see_trusted();
		if (!root->sees_trusted)
			return -EPERM;
	}
	if (asked->held && is_unlisted(root, asked->held, name))
		return -ENODATA;
	return file_xattr(asked->fd, name, value);
}

/* Returns the bare errno. */
static int listed_xattr(const struct vd_manifest_entry *e, const char *name, struct vd_buf *value)
{
	const struct vd_manifest_xattr *x = vd_manifest_xattr(e, name);

	if (!x)
		return e->has_xattrs ? -ENODATA : -VD_NO_EVIDENCE;
	if (x->state != VD_XATTR_VALUE)
		return x->state == VD_XATTR_UNKNOWN ? -VD_NO_EVIDENCE : -EOPNOTSUPP;
	return vd_buf_add(value, x->value, x->len);
}

int vd_root_xattr(struct vd_root *root, const char *path, const char *name, struct vd_buf *value, struct vd_err *err)
{
	VD_AUTO_ASKED struct vd_asked asked = VD_ASKED_INIT;
	const struct vd_manifest_entry *e;
	int r;

	vd_buf_clear(value);
	if (root->sosreport && !root->manifest)
		return vd_root_no_evidence(root, path, err);
	r = vd_root_ask(root, path, false, "read the attributes of", &asked, err);
	if (r < 0)
		return r;
	e = asked.entry;
	r = e ? listed_xattr(e, name, value) : asked_xattr(root, &asked, name, value);
	if (r == -VD_NO_EVIDENCE)
		return vd_root_no_evidence(root, path, err);
	if (r == -ENODATA)
		return vd_err_set(err, ENODATA, "'%s' has no attribute %s", path, name);
	if (r == -EOPNOTSUPP)
		return vd_err_set(err, EOPNOTSUPP, "the file system of '%s' has no attribute %s", path, name);
	return r < 0 ? vd_root_fail(root, "read the attributes of", path, r, err) : 0;
}

/* The context in @value, an attribute as it was read: -ENODATA when it is empty, -EBADMSG when it cannot be one. */
static int trim_label(struct vd_buf *value)
{
	/* libselinux stores the final NUL, setfattr and some build tools do not; hand-made ones may end with a newline.
	 */
	while (value->len && (value->data[value->len - 1] == '\0' || value->data[value->len - 1] == '\n'))
		value->data[--value->len] = '\0';
	if (!value->len)
		return -ENODATA;
	return memchr(value->data, '\0', value->len) ? -EBADMSG : 0;
}

int vd_root_label(struct vd_root *root, const char *path, char **ret_label, struct vd_err *err)
{
	VD_AUTO_BUF value = VD_BUF_INIT;
	int r = vd_root_xattr(root, path, "security.selinux", &value, err);

	if (r < 0)
		return r;
	r = trim_label(&value);
	if (r == -ENODATA)
		return vd_err_set(err, ENODATA, "the SELinux label of '%s' is empty", path);
	if (r < 0)
		return vd_err_set(err, EBADMSG, "the SELinux label of '%s' holds a NUL byte", path);
	VLOG_DEBUG("label of %s is %s", path, value.data);
	*ret_label = vd_buf_steal(&value);
	return *ret_label ? 0 : vd_root_fail(root, "read the label of", path, -ENOMEM, err);
}

/* Is the open file still the one that was looked at, with the label that it had? */
static int still_the_same(int fd, const struct vd_stat *seen, const char *old)
{
	VD_AUTO_BUF now = VD_BUF_INIT;
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return -EINVAL;
	if (st.st_dev != seen->dev || st.st_ino != seen->ino)
		return -ESTALE;
	r = file_xattr(fd, "security.selinux", &now);
	if (r == 0)
		r = trim_label(&now);
	if (r == -ENODATA)
		return old ? -ESTALE : 0;
	if (r < 0)
		return r;
	return old && !strcmp(old, vd_buf_str(&now)) ? 0 : -ESTALE;
}

int vd_root_set_label(struct vd_root *root, const char *path, const struct vd_stat *seen, const char *old,
                      const char *label, struct vd_err *err)
{
	VD_AUTO_ASKED struct vd_asked asked = VD_ASKED_INIT;
	char proc[VD_PROC_NAME];
	int r;

	if (!root->live || root->manifest)
		return vd_err_set(err, EROFS, "'%s' belongs to a capture, which is not changed", path);
	r = vd_root_ask(root, path, false, "label", &asked, err);
	if (r < 0)
		return r;
	r = still_the_same(asked.fd, seen, old);
	if (r == -ESTALE)
		return vd_err_set(err, ESTALE,
		                  "'%s' was replaced or relabelled since it was looked at: nothing was changed", path);
	if (r == -EINVAL)
		return vd_err_set(err, EINVAL, "'%s' is neither a regular file nor a block device", path);
	/* fsetxattr() refuses O_PATH descriptors. */
	vd_proc_fd(asked.fd, proc);
	if (r == 0 && setxattr(proc, "security.selinux", label, strlen(label) + 1, 0) < 0)
		r = -errno;
	VLOG_INFO("label of %s: %s -> %s: %s", path, old ? old : "none", label, r ? strerror(-r) : "done");
	return r < 0 ? vd_root_fail(root, "label", path, r, err) : 0;
}

int vd_root_remove_xattr(struct vd_root *root, const char *path, const struct vd_stat *seen, const char *name,
                         const char *old, struct vd_err *err)
{
	VD_AUTO_ASKED struct vd_asked asked = VD_ASKED_INIT;
	VD_AUTO_BUF now = VD_BUF_INIT;
	char proc[VD_PROC_NAME];
	struct stat st;
	int r;

	if (!root->live || root->manifest)
		return vd_err_set(err, EROFS, "'%s' belongs to a capture, which is not changed", path);
	r = vd_root_ask(root, path, false, "change the attributes of", &asked, err);
	if (r < 0)
		return r;
	r = fstat(asked.fd, &st) < 0 ? -errno : file_xattr(asked.fd, name, &now);
	if (r == -ENODATA || (r == 0 && (st.st_dev != seen->dev || st.st_ino != seen->ino || now.len != strlen(old) ||
	                                 memcmp(now.data, old, now.len) != 0)))
		return vd_err_set(err, ESTALE,
		                  "'%s' was replaced or its %s changed since it was looked at: nothing was changed",
		                  path, name);
	vd_proc_fd(asked.fd, proc);
	if (r == 0 && removexattr(proc, name) < 0)
		r = -errno;
	VLOG_INFO("%s of %s, %s, taken away: %s", name, path, old, r ? strerror(-r) : "done");
	return r < 0 ? vd_root_fail(root, "change the attributes of", path, r, err) : 0;
}

int vd_root_acl(struct vd_root *root, const char *path, struct vd_acl_entry **ret_entries, size_t *ret_count,
                struct vd_err *err)
{
	static const char name[] = "system.posix_acl_access";
	VD_AUTO_ASKED struct vd_asked asked = VD_ASKED_INIT;
	const struct vd_manifest_entry *e;
	VD_AUTO_BUF value = VD_BUF_INIT;
	struct statfs fs;
	int r;

	if (root->sosreport && !root->manifest)
		return vd_root_no_evidence(root, path, err);
	r = vd_root_ask(root, path, false, "read the ACL of", &asked, err);
	if (r < 0)
		return r;
	e = asked.entry;
	if (e && e->acl) {
		r = vd_acl_parse_text(e->acl, ret_entries, ret_count, err);
		if (r < 0)
			vd_err_prefix(err, "line %zu of the manifest, about '%s'", e->line, path);
		return r;
	}
	/* A record without "acl" says that the mode is all there is, provided that it has a mode. */
	r = e ? listed_xattr(e, name, &value) : asked_xattr(root, &asked, name, &value);
	if (e && r == -VD_NO_EVIDENCE && e->has_owner && !e->acl_unknown && !vd_manifest_xattr(e, name))
		r = -ENODATA;
	if (e && r == -ENODATA && (e->acl_unknown || !e->has_owner))
		r = -VD_NO_EVIDENCE;
	if (r == -VD_NO_EVIDENCE)
		return vd_root_no_evidence(root, path, err);
	/* Over NFS the server decides, by an ACL that this call does not show. */
	if (r == -EOPNOTSUPP && !e && fstatfs(asked.fd, &fs) == 0 && fs.f_type == NFS_SUPER_MAGIC)
		return vd_err_set(err, EOPNOTSUPP, "the ACL of '%s' is known to its NFS server only", path);
	if (r == -ENODATA || r == -EOPNOTSUPP)
		return vd_err_set(err, ENODATA, "'%s' has no ACL", path);
	if (r < 0)
		return vd_root_fail(root, "read the ACL of", path, r, err);
	r = vd_acl_parse_xattr(value.data, value.len, ret_entries, ret_count, err);
	return r < 0 ? (vd_err_prefix(err, "'%s'", path), r) : 0;
}

int vd_root_fstype(struct vd_root *root, const char *path, char **ret_fstype, struct vd_err *err)
{
	VD_AUTO_ASKED struct vd_asked asked = VD_ASKED_INIT;
	const struct vd_manifest_entry *e;
	int r;

	if (!root->manifest)
		return vd_root_no_evidence(root, path, err);
	r = vd_root_ask(root, path, false, "examine", &asked, err);
	if (r < 0)
		return r;
	e = asked.entry;
	if (!e->fstype)
		return vd_root_no_evidence(root, path, err);
	*ret_fstype = strdup(e->fstype);
	return *ret_fstype ? 0 : vd_root_fail(root, "examine", path, -ENOMEM, err);
}
