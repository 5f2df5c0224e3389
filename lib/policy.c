/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy.h"

#include <stdio.h>
#include <string.h>

#include "vlog.h"

VLOG_CATEGORY("virtdiag.policy");

static bool is_one_of(const char *s, const char *const *words)
{
	for (; *words; words++)
		if (!strcmp(s, *words))
			return true;
	return false;
}

bool vd_policy_is_home(const char *type)
{
	static const char *const types[] = { "user_home_t", "home_root_t", "user_home_dir_t", "admin_home_t", NULL };

	return is_one_of(type, types);
}

/*
 * Without a kernel to ask, what svirt_t may read is known for these types from the targeted and reference policies;
 * for all others the answer is "cannot tell".
 */
static enum vd_policy_answer ask_rules(const char *process, const char *file, enum vd_access access)
{
	static const char *const readable[] = { "virt_content_t", "usr_t", "etc_t", "bin_t", "lib_t", "cert_t", NULL };
	/* Nodes that every guest may read and write. */
	static const char *const open_nodes[] = { "urandom_device_t", "random_device_t", "dri_device_t",
		                                  "null_device_t", NULL };
	static const char *const refused[] = { "user_home_t",  "home_root_t",         "user_home_dir_t",
		                               "admin_home_t", "default_t",           "unlabeled_t",
		                               "tmp_t",        "user_tmp_t",          "mnt_t",
		                               "virt_image_t", "fixed_disk_device_t", NULL };
	struct vd_context p = { 0 }, f = { 0 };
	struct vd_catset pc, fc;
	char ps[16], fs[16];
	enum vd_policy_answer answer = VD_POLICY_CANNOT_TELL;

	if (!vd_context_parse(process, &p) && !vd_context_parse(file, &f) && p.range && f.range &&
	    !vd_range_parse(p.range, ps, &pc) && !vd_range_parse(f.range, fs, &fc)) {
		bool inside = vd_catset_subset(&fc, &pc);

		if (!strcmp(f.type, "svirt_image_t"))
			answer = inside ? VD_POLICY_ALLOWED : VD_POLICY_DENIED_CATEGORY;
		else if (is_one_of(f.type, open_nodes))
			answer = VD_POLICY_ALLOWED;
		else if (is_one_of(f.type, refused))
			answer = VD_POLICY_DENIED_TYPE;
		else if (is_one_of(f.type, readable))
			answer = access == VD_ACCESS_READ_WRITE ? VD_POLICY_DENIED_TYPE
			         : inside                       ? VD_POLICY_ALLOWED
			                                        : VD_POLICY_DENIED_CATEGORY;
	}
	vd_context_release(&p);
	vd_context_release(&f);
	return answer;
}

enum vd_policy_answer vd_policy_judge(struct vd_root *root, const char *process, const char *actual,
                                      enum vd_file_type type, enum vd_access access, bool *ret_permissive)
{
	enum vd_policy_answer answer;

	*ret_permissive = false;
	if (vd_root_is_live(root) && vd_policy_available())
		return vd_policy_ask(process, actual, type, access, ret_permissive);
	answer = ask_rules(process, actual, access);
	VLOG_DEBUG("by rule: %s -> %s: answer %d", process, actual, answer);
	return answer;
}

const char *vd_policy_type(const char *context, char buf[128])
{
	struct vd_context c = { 0 };

	snprintf(buf, 128, "%s", vd_context_parse(context, &c) ? context : c.type);
	vd_context_release(&c);
	return buf;
}

/* Text types of nfs4 and fuse.sshfs alike. */
static bool fstype_is(const char *fstype, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(fstype, name, len) && (!fstype[len] || fstype[len] == '.' || fstype[len] == '4');
}

const struct vd_policy_switch *vd_policy_switch_of(const char *type, const char *fstype)
{
	static const struct vd_policy_switch switches[] = {
		{ "nfs_t", "nfs", "virt_use_nfs" },           { "cifs_t", "cifs", "virt_use_samba" },
		{ "cifs_t", "smb3", "virt_use_samba" },       { "fusefs_t", "fuse", "virt_use_fusefs" },
		{ "fusefs_t", "fuseblk", "virt_use_fusefs" }, { "usb_device_t", NULL, "virt_use_usb" },
		{ "tty_device_t", NULL, "virt_use_comm" },    { "event_device_t", NULL, "virt_use_evdev" },
		{ "vfio_device_t", NULL, "virt_use_vfio" },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(switches); i++) {
		if (type ? !strcmp(switches[i].type, type)
		         : fstype && switches[i].fstype && fstype_is(fstype, switches[i].fstype))
			return &switches[i];
	}
	return NULL;
}

int vd_policy_boolean(struct vd_root *root, const char *name)
{
	VD_AUTO_BUF path = VD_BUF_INIT;
	VD_AUTO_BUF text = VD_BUF_INIT;

	/* "CURRENT PENDING", each 0 or 1; the file is there only when the policy has the boolean. */
	if (vd_buf_addf(&path, "/sys/fs/selinux/booleans/%s", name) < 0 ||
	    vd_root_read(root, vd_buf_str(&path), 64, &text, NULL) < 0)
		return -1;
	return vd_buf_str(&text)[0] == '1' ? 1 : vd_buf_str(&text)[0] == '0' ? 0 : -1;
}
