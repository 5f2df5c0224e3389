/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "label.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <selinux/selinux.h>

#include "vlog.h"

VLOG_CATEGORY("virtdiag.label");

bool vd_policy_available(void)
{
	return is_selinux_enabled() > 0;
}

static const char *class_name(enum vd_file_type type)
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
	class = string_to_security_class(class_name(type));
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
	VLOG_DEBUG("policy: %s -> %s (%s): answer %d%s", process, file, class_name(type), answer,
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
