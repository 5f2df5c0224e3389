/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "label.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <selinux/label.h>
#include <selinux/selinux.h>

#include "vlog.h"

VLOG_CATEGORY("virtdiag.label");

bool vd_policy_available(void)
{
	return is_selinux_enabled() > 0;
}

const char *vd_policy_class(enum vd_file_type type)
{
	switch (type) {
	case VD_FILE_DIR:
		return "dir";
	case VD_FILE_LNK:
		return "lnk_file";
	case VD_FILE_BLK:
		return "blk_file";
	case VD_FILE_CHR:
		return "chr_file";
	case VD_FILE_FIFO:
		return "fifo_file";
	case VD_FILE_SOCK:
		return "sock_file";
	case VD_FILE_REG:
	case VD_FILE_UNKNOWN:
	default:
		return "file";
	}
}

/*
 * The permissions without which QEMU cannot use the file. Only those that every policy version knows are asked;
 * "map" for instance is checked by newer kernels only.
 */
static access_vector_t wanted_permissions(security_class_t class, enum vd_file_type type, enum vd_access access)
{
	static const char *const read_file[] = { "getattr", "open", "read", NULL };
	static const char *const read_dir[] = { "getattr", "search", NULL };
	static const char *const use_socket[] = { "getattr", "write", NULL };
	static const char *const append[] = { "getattr", "open", "append", NULL };
	/* virtlogd rolls a log over and starts a new one. */
	static const char *const fill_dir[] = { "search", "write", "add_name", "remove_name", NULL };
	const char *const *names = read_file;
	access_vector_t want = 0;

	if (type == VD_FILE_DIR)
		names = access == VD_ACCESS_APPEND ? fill_dir : read_dir;
	else if (type == VD_FILE_SOCK)
		names = use_socket;
	else if (access == VD_ACCESS_APPEND)
		names = append;
	for (; *names; names++)
		want |= string_to_av_perm(class, *names);
	if (access == VD_ACCESS_READ_WRITE && type != VD_FILE_DIR)
		want |= string_to_av_perm(class, "write");
	return want;
}

static int compute(const char *process, const char *file, security_class_t class, access_vector_t want, bool *ret_ok,
                   bool *ret_permissive)
{
	struct av_decision avd;

	memset(&avd, 0, sizeof(avd));
	if (security_compute_av_flags_raw(process, file, class, want, &avd) < 0)
		return -1;
	*ret_ok = (avd.allowed & want) == want;
	*ret_permissive = avd.flags & SELINUX_AVD_FLAGS_PERMISSIVE;
	return 0;
}

enum vd_policy_answer vd_policy_ask(const char *process, const char *file, enum vd_file_type type,
                                    enum vd_access access, bool *ret_permissive)
{
	struct vd_context p = { 0 }, f = { 0 };
	enum vd_policy_answer answer = VD_POLICY_CANNOT_TELL;
	VD_AUTO_BUF same_range = VD_BUF_INIT;
	bool ok = false, permissive = false, ignored;
	security_class_t class;
	access_vector_t want;

	if (!vd_policy_available())
		return VD_POLICY_CANNOT_TELL;
	class = string_to_security_class(vd_policy_class(type));
	if (!class)
		return VD_POLICY_CANNOT_TELL;
	want = wanted_permissions(class, type, access);
	if (!want || compute(process, file, class, want, &ok, &permissive) < 0)
		return VD_POLICY_CANNOT_TELL;
	if (ret_permissive)
		*ret_permissive = permissive;
	if (ok) {
		answer = VD_POLICY_ALLOWED;
	} else {
		/* Asked again with the file at the bare sensitivity: allowed then means that only categories forbid. */
		answer = VD_POLICY_DENIED_TYPE;
		if (!vd_context_parse(process, &p) && !vd_context_parse(file, &f) && f.range && p.range &&
		    !vd_buf_addf(&same_range, "%s:%s:%s:s0", f.user, f.role, f.type) &&
		    compute(process, vd_buf_str(&same_range), class, want, &ok, &ignored) == 0 && ok)
			answer = VD_POLICY_DENIED_CATEGORY;
		vd_context_release(&p);
		vd_context_release(&f);
	}
	VLOG_DEBUG("policy: %s -> %s (%s): answer %d%s", process, file, vd_policy_class(type), answer,
	           permissive ? ", domain is permissive" : "");
	return answer;
}

int vd_policy_allows(const char *scontext, const char *tcontext, const char *tclass, const char *perms)
{
	security_class_t class;
	access_vector_t want = 0;
	bool ok, permissive;

	if (!vd_policy_available())
		return -1;
	class = string_to_security_class(tclass);
	while (class && *perms) {
		size_t len = strcspn(perms, " ");
		VD_AUTO_FREE char *name = strndup(perms, len);
		access_vector_t one = name && len ? string_to_av_perm(class, name) : 0;

		if (!one && len)
			return -1;
		want |= one;
		perms += len + (perms[len] == ' ');
	}
	if (!class || !want || compute(scontext, tcontext, class, want, &ok, &permissive) < 0)
		return -1;
	return ok;
}

int vd_policy_domain_permissive(const char *type)
{
	VD_AUTO_BUF context = VD_BUF_INIT;
	bool ok, permissive = false;
	security_class_t class;
	access_vector_t want;

	if (!vd_policy_available())
		return -ENODATA;
	if (vd_buf_addf(&context, "system_u:system_r:%s%s", type, is_selinux_mls_enabled() > 0 ? ":s0" : "") < 0)
		return -ENODATA;
	if (security_check_context_raw(context.data) < 0)
		return errno == EINVAL ? -ENOENT : -ENODATA;
	class = string_to_security_class("process");
	want = class ? string_to_av_perm(class, "fork") : 0;
	if (!want || compute(context.data, context.data, class, want, &ok, &permissive) < 0)
		return -ENODATA;
	return permissive;
}

/* --- file contexts ------------------------------------------------------------------------------------------------ */

struct vd_defaults {
	struct vd_root *root;
	const char *contexts_dir;
	bool tried;
	struct selabel_handle *handle; /* NULL: there are no rules to be had */
};

/* What selabel_open() reads beside the file that it is given; only the first has to be there. */
static const char *const context_files[] = { "", ".homedirs", ".local", ".subs_dist", ".subs" };

int vd_defaults_new(struct vd_root *root, const char *contexts_dir, struct vd_defaults **ret_defaults)
{
	struct vd_defaults *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->root = root;
	d->contexts_dir = contexts_dir;
	*ret_defaults = d;
	return 0;
}

static int write_copy(int dirfd, const char *name, const struct vd_buf *text)
{
	VD_AUTO_CLOSE int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : vd_buf_write(text, fd);
}

static int copy_files(struct vd_defaults *d, int dirfd)
{
	int r = 0;

	for (size_t i = 0; i < VD_ARRAY_SIZE(context_files) && r == 0; i++) {
		VD_AUTO_BUF from = VD_BUF_INIT, name = VD_BUF_INIT, text = VD_BUF_INIT;

		if (vd_buf_addf(&from, "%s/files/file_contexts%s", d->contexts_dir, context_files[i]) < 0 ||
		    vd_buf_addf(&name, "fc%s", context_files[i]) < 0)
			return -ENOMEM;
		r = vd_root_read(d->root, from.data, VD_MAX_CONF, &text, NULL);
		if (r == 0)
			r = write_copy(dirfd, name.data, &text);
		else if (i && r == -ENOENT)
			r = 0;
	}
	return r;
}

/* A rule that libselinux does not like is no message of ours: it writes to standard error else. */
VD_PRINTF(2, 3)
static int log_quietly(int type, const char *fmt, ...)
{
	VD_AUTO_FREE char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	VLOG_DEBUG("libselinux: %d %s", type, text ? text : fmt);
	return 0;
}

/* libselinux opens files by name only: a directory for the moment. */
static void load_defaults(struct vd_defaults *d)
{
	const char *tmp = getenv("TMPDIR");
	VD_AUTO_BUF dir = VD_BUF_INIT, path = VD_BUF_INIT;
	VD_AUTO_CLOSE int dirfd = -1;
	struct selinux_opt opt = { SELABEL_OPT_PATH, NULL };
	int r;

	selinux_set_callback(SELINUX_CB_LOG, (union selinux_callback){ .func_log = log_quietly });
	if (vd_buf_addf(&dir, "%s/virtdiag-XXXXXX", tmp && tmp[0] == '/' ? tmp : "/tmp") < 0 || !mkdtemp(dir.data))
		return;
	dirfd = open(dir.data, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = dirfd < 0 ? -errno : copy_files(d, dirfd);
	if (r == 0 && vd_buf_addf(&path, "%s/fc", dir.data) == 0) {
		opt.value = path.data;
		d->handle = selabel_open(SELABEL_CTX_FILE, &opt, 1);
	}
	VLOG_DEBUG("file contexts below %s: %s", d->contexts_dir, d->handle ? "read" : "cannot be read");
	for (size_t i = 0; i < VD_ARRAY_SIZE(context_files); i++) {
		VD_AUTO_BUF name = VD_BUF_INIT;

		if (dirfd >= 0 && vd_buf_addf(&name, "fc%s", context_files[i]) == 0)
			unlinkat(dirfd, name.data, 0);
	}
	rmdir(dir.data);
}

static mode_t mode_of(enum vd_file_type type)
{
	switch (type) {
	case VD_FILE_DIR:
		return S_IFDIR;
	case VD_FILE_LNK:
		return S_IFLNK;
	case VD_FILE_BLK:
		return S_IFBLK;
	case VD_FILE_CHR:
		return S_IFCHR;
	case VD_FILE_FIFO:
		return S_IFIFO;
	case VD_FILE_SOCK:
		return S_IFSOCK;
	case VD_FILE_REG:
		return S_IFREG;
	case VD_FILE_UNKNOWN:
	default:
		return 0;
	}
}

int vd_defaults_lookup(struct vd_defaults *d, const char *path, enum vd_file_type type, char **ret_context)
{
	char *context = NULL;

	if (!d->tried && d->contexts_dir)
		load_defaults(d);
	d->tried = true;
	if (!d->handle)
		return -VD_NO_EVIDENCE;
	if (selabel_lookup_raw(d->handle, &context, path, (int)mode_of(type)) < 0)
		return errno == ENOENT ? -ENOENT : errno == ENOMEM ? -ENOMEM : -VD_NO_EVIDENCE;
	*ret_context = strdup(context);
	freecon(context);
	VLOG_DEBUG("the policy has %s for %s", *ret_context ? *ret_context : "?", path);
	return *ret_context ? 0 : -ENOMEM;
}

void vd_defaults_free(struct vd_defaults *d)
{
	if (d && d->handle)
		selabel_close(d->handle);
	free(d);
}

void vd_defaults_cleanup(struct vd_defaults **d)
{
	vd_defaults_free(*d);
}
