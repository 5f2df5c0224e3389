/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The host view: every file of the examined host is opened here, below a directory that stands for `/`. The host may
 * be this machine, this machine as seen from a process (--pid), or a capture (--root). Host data is hostile: symlinks
 * never lead out of the root, reads are bounded, and only regular files are read as text (a FIFO, device or directory
 * is an error, never a hang).
 *
 * In a capture the manifest, `virtdiag-manifest.jsonl` at its top, overrides stat, label, ACL and xattrs and supplies
 * image headers (see virtdiag-capture(5)): with a manifest, a path that it does not list has no evidence for those.
 * Without one the file's own answer counts, except in a sosreport (it has sos_commands/), where owner, mode and label
 * are those of whoever unpacked it: no evidence.
 *
 * Paths are absolute as seen inside the root. Functions return 0 or a negative errno, with the sentence in @err
 * (which may be NULL). Frequent ones: -ENOENT, -EACCES, -ELOOP, -EFBIG (longer than allowed), -EINVAL (not a regular
 * file), -VD_NO_EVIDENCE.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "buf.h"
#include "err.h"

/* The capture does not say: neither "exists" nor "does not exist" would be true. */
#define VD_NO_EVIDENCE ENOMSG

/* Usual bounds in bytes. */
#define VD_MAX_XML    (8u << 20)
#define VD_MAX_CONF   (10u << 20)
#define VD_MAX_CGROUP (256u << 10) /* one file of cgroupfs or procfs */

struct vd_root;

enum vd_root_flags {
	VD_ROOT_NO_OPENAT2 = 1 << 0, /* use the fallback walk even where the kernel has openat2(); for tests */
	VD_ROOT_LIVE = 1 << 1,       /* a directory of this machine that is alive, such as /proc/PID/root */
};

/*
 * Open the host below @dir; NULL or "/" is this machine. Reads the manifest when there is one: a manifest that cannot
 * be parsed is an error (-EBADMSG, naming the line).
 * The caller frees *@ret_root with vd_root_free().
 */
int vd_root_open(const char *dir, unsigned flags, struct vd_root **ret_root, struct vd_err *err) VD_MUST_CHECK;
/* This machine as process @pid sees it (its root directory and mounts), for a libvirt that runs in a container. */
int vd_root_open_pid(pid_t pid, struct vd_root **ret_root, struct vd_err *err) VD_MUST_CHECK;
void vd_root_free(struct vd_root *root);
void vd_root_cleanup(struct vd_root **root);
#define VD_AUTO_ROOT VD_CLEANUP(vd_root_cleanup)

/* True when processes and kernel state of this machine belong to it. */
bool vd_root_is_live(const struct vd_root *root);
bool vd_root_has_manifest(const struct vd_root *root);
bool vd_root_is_sosreport(const struct vd_root *root);
/* The directory that was given, "/" for this machine. Borrowed. */
const char *vd_root_dir(const struct vd_root *root);
/* The pid given to vd_root_open_pid(), 0 otherwise. */
pid_t vd_root_pid(const struct vd_root *root);

/*
 * Read the whole regular file @path of at most @max bytes into @buf, which is cleared first. Files of procfs, sysfs
 * and cgroupfs, whose size is 0, are read until their end. -EFBIG when it is longer: @buf is then empty.
 */
int vd_root_read(struct vd_root *root, const char *path, size_t max, struct vd_buf *buf,
                 struct vd_err *err) VD_MUST_CHECK;
/*
 * Read at most @max bytes from the start of an image: a regular file or, live, a block device, or the manifest's
 * header_file for it. Less is no error. Never blocks. Bytes that the capture should hold and does not are
 * -VD_NO_EVIDENCE: -ENOENT and -EINVAL speak of the image itself.
 */
int vd_root_read_header(struct vd_root *root, const char *path, size_t max, struct vd_buf *buf,
                        struct vd_err *err) VD_MUST_CHECK;
/*
 * Open the regular file @path for reading and hand out the descriptor (O_CLOEXEC), for libraries that read from a
 * descriptor and for large files.
 */
int vd_root_open_file(struct vd_root *root, const char *path, int *ret_fd, struct vd_err *err) VD_MUST_CHECK;
/* Open the directory @path for reading; a descriptor usable with vd_root_*at() below and with openat() for leaves. */
int vd_root_open_dir(struct vd_root *root, const char *path, int *ret_fd, struct vd_err *err) VD_MUST_CHECK;
/*
 * The names in the directory @path, without "." and "..", sorted by byte value, at most 200,000 (-EFBIG beyond).
 */
int vd_root_list(struct vd_root *root, const char *path, struct vd_strv *names, struct vd_err *err) VD_MUST_CHECK;

enum vd_file_type {
	VD_FILE_UNKNOWN,
	VD_FILE_REG,
	VD_FILE_DIR,
	VD_FILE_LNK,
	VD_FILE_BLK,
	VD_FILE_CHR,
	VD_FILE_FIFO,
	VD_FILE_SOCK
};

struct vd_stat {
	enum vd_file_type type;
	bool has_owner; /* mode, uid, gid are known */
	mode_t mode;    /* permission bits only: 07777 */
	uid_t uid;
	gid_t gid;
	int64_t size;    /* bytes, -1 unknown */
	int64_t mtime;   /* seconds since the epoch, -1 unknown: of a capture only a manifest tells it */
	int64_t changed; /* live only, else -1: when content, owner, mode, label or name last changed */
	unsigned nlink;  /* live only, else 0: names of the file */
	dev_t dev, rdev; /* live only, else 0 */
	ino_t ino;       /* live only, else 0 */
};

/* Follows symlinks inside the root, from the file or the manifest alike. */
int vd_root_stat(struct vd_root *root, const char *path, struct vd_stat *ret_stat, struct vd_err *err) VD_MUST_CHECK;
/* Does not follow the last component. */
int vd_root_lstat(struct vd_root *root, const char *path, struct vd_stat *ret_stat, struct vd_err *err) VD_MUST_CHECK;
/*
 * Until vd_root_let_go() answer vd_root_stat(), _lstat(), _label(), _xattr(), _acl() and _set_label() for exactly @path
 * from one descriptor: they then speak of one file, whatever is renamed meanwhile, and cost less. What stat says, and
 * which attributes there are, is that of the first time. Eight paths can be held, the oldest goes first. One that
 * cannot be opened is not held, and none is below a manifest.
 */
void vd_root_hold(struct vd_root *root, const char *path);
void vd_root_let_go(struct vd_root *root);
/*
 * The SELinux context of what @path leads to, raw, without trailing NUL or newline. -ENODATA: it has none;
 * -EOPNOTSUPP: its file system has no labels; -VD_NO_EVIDENCE. The caller frees *@ret_label.
 */
int vd_root_label(struct vd_root *root, const char *path, char **ret_label, struct vd_err *err) VD_MUST_CHECK;
/*
 * Give the regular file or block device that @path leads to the SELinux context @label, provided that its context is
 * still @old (NULL: none) and its device and inode are still those of @seen: the decision was about that file. Done
 * through one descriptor, so that no rename in between can divert it; one call of the kernel, so that it is done or
 * not. On this machine only. Returns 0; -EROFS below a capture; -ESTALE: it is another file, or has another label, than
 * when it was looked at; -EINVAL: a file of another type; another negative errno of the kernel.
 */
int vd_root_set_label(struct vd_root *root, const char *path, const struct vd_stat *seen, const char *old,
                      const char *label, struct vd_err *err) VD_MUST_CHECK;
/*
 * Take the extended attribute @name off what @path leads to, provided that its value is still @old and that it is still
 * the file of @seen. Conditions and errors as for vd_root_set_label(), files of any type.
 */
int vd_root_remove_xattr(struct vd_root *root, const char *path, const struct vd_stat *seen, const char *name,
                         const char *old, struct vd_err *err) VD_MUST_CHECK;
/*
 * Any extended attribute, for example "trusted.libvirt.security.selinux", at most 64 KiB. Errors as vd_root_label();
 * -EPERM for trusted.* without CAP_SYS_ADMIN, of which the kernel then says -ENODATA whether it is there or not.
 */
int vd_root_xattr(struct vd_root *root, const char *path, const char *name, struct vd_buf *value,
                  struct vd_err *err) VD_MUST_CHECK;

/* One entry of a POSIX ACL; @tag as in acl(5) on the wire: 1 user_obj, 2 user, 4 group_obj, 8 group, 16 mask, 32 other.
 */
struct vd_acl_entry {
	uint16_t tag, perm; /* perm: 4 read, 2 write, 1 execute */
	uint32_t id;        /* user and group entries only */
};
/*
 * The access ACL of @path into a malloc()ed array. -ENODATA when there is none beyond the mode, also where the file
 * system has no ACLs; -EOPNOTSUPP on NFS without POSIX ACLs, whose server alone knows; -EBADMSG when it is malformed;
 * -VD_NO_EVIDENCE. The manifest holds it in setfacl's short text form, "user::rw-,user:64055:r--,...".
 */
int vd_root_acl(struct vd_root *root, const char *path, struct vd_acl_entry **ret_entries, size_t *ret_count,
                struct vd_err *err) VD_MUST_CHECK;
/* The target of a symlink as it stands. The caller frees it. -EINVAL when @path is no symlink. */
int vd_root_readlink(struct vd_root *root, const char *path, char **ret_target, struct vd_err *err) VD_MUST_CHECK;
/*
 * @path with all symlinks resolved, absolute inside the root. The caller frees it. -VD_NO_EVIDENCE when a manifest does
 * not list the result and the capture has no such file either.
 */
int vd_root_realpath(struct vd_root *root, const char *path, char **ret_path, struct vd_err *err) VD_MUST_CHECK;
/*
 * The file system type ("ext4", "nfs4") that the manifest records for @path. -VD_NO_EVIDENCE without one: the mount
 * table (lib/mounts) answers then. The caller frees it.
 */
int vd_root_fstype(struct vd_root *root, const char *path, char **ret_fstype, struct vd_err *err) VD_MUST_CHECK;
