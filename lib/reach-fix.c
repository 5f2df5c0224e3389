/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reach-fix.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vlog.h"

VLOG_CATEGORY("virtdiag.reach.fix");

static bool is_one_of(const char *s, const char *const *words)
{
	for (; s && *words; words++)
		if (!strcmp(s, *words))
			return true;
	return false;
}

bool vd_fstype_has_fixed_owners(const char *fstype)
{
	static const char *const types[] = { "vfat", "exfat", "ntfs",  "ntfs3", "fuseblk", "hfsplus",
		                             "cifs", "smb3",  "smbfs", "9p",    "udf",     NULL };

	return is_one_of(fstype, types);
}

/* File systems whose access is decided elsewhere: a server, or a program. */
static bool is_remote(const char *fstype)
{
	return fstype && (!strncmp(fstype, "nfs", 3) || !strncmp(fstype, "fuse", 4) || !strncmp(fstype, "afs", 3));
}

const char *vd_perm_text(unsigned perm)
{
	static const char *const texts[] = { "---", "--x", "-w-", "-wx", "r--", "r-x", "rw-", "rwx" };

	return texts[perm & 7];
}

/* "rw" for chmod(1) and setfacl(1) into @buf. */
static const char *letters(unsigned perm, char buf[4])
{
	snprintf(buf, 4, "%s%s%s", perm & 4 ? "r" : "", perm & 2 ? "w" : "", perm & 1 ? "x" : "");
	return buf;
}

static int fix_owner(struct vd_file_check *c, const struct vd_node *n, unsigned lacking)
{
	char add[16], drop[16], bits[4];

	letters(lacking, bits);
	snprintf(add, sizeof(add), "u+%s", bits);
	snprintf(drop, sizeof(drop), "u-%s", bits);
	return vd_file_add_fix(c, (const char *const[]){ "chmod", add, "--", n->path, NULL },
	                       (const char *const[]){ "chmod", drop, "--", n->path, NULL },
	                       "gives its owner what the owner lacks, nobody else anything");
}

static const struct vd_acl_entry *entry_of(const struct vd_node *n, uint16_t tag, uint32_t id)
{
	for (size_t i = 0; i < n->n_acl; i++)
		if (n->acl[i].tag == tag && (tag != VD_ACL_USER || n->acl[i].id == id))
			return &n->acl[i];
	return NULL;
}

#define ONE_USER "lets this one user through, nobody else"

/* No ACL yet: setfacl(1) works out the mask, and without the ACL the mode is as before. */
static int fix_new_acl(struct vd_file_check *c, const struct vd_node *n, const struct vd_account *who, unsigned want)
{
	VD_AUTO_BUF entry = VD_BUF_INIT;
	char bits[4];

	if (vd_buf_addf(&entry, "u:%s:%s", who->name, letters(want, bits)) < 0)
		return -ENOMEM;
	return vd_file_add_fix(c, (const char *const[]){ "setfacl", "-m", vd_buf_str(&entry), "--", n->path, NULL },
	                       (const char *const[]){ "setfacl", "-b", "--", n->path, NULL }, ONE_USER);
}

/*
 * An ACL is there: its mask is set by hand (-n), since a recalculated one could give others what the present one takes
 * from them.
 */
static int fix_acl(struct vd_file_check *c, const struct vd_node *n, const struct vd_acl_entry *mask,
                   const struct vd_account *who, unsigned want)
{
	const struct vd_acl_entry *old = entry_of(n, VD_ACL_USER, who->uid);
	VD_AUTO_BUF entry = VD_BUF_INIT;
	VD_AUTO_BUF back = VD_BUF_INIT;
	VD_AUTO_BUF gone = VD_BUF_INIT;
	unsigned perm = want | (old ? old->perm : 0);
	bool wider = (mask->perm & want) != want;
	int r = vd_buf_addf(&entry, "u:%s:%s", who->name, vd_perm_text(perm));

	if (!r && wider)
		r = vd_buf_addf(&entry, ",m::%s", vd_perm_text(mask->perm | want));
	if (!r && old)
		r = vd_buf_addf(&back, "u:%s:%s,m::%s", who->name, vd_perm_text(old->perm), vd_perm_text(mask->perm));
	else if (!r)
		r = vd_buf_addf(&back, "m::%s", vd_perm_text(mask->perm));
	if (!r)
		r = vd_buf_addf(&gone, "u:%s", who->name);
	if (r < 0)
		return r;
	return vd_file_add_fix(
	        c, (const char *const[]){ "setfacl", "-n", "-m", vd_buf_str(&entry), "--", n->path, NULL },
	        old ? (const char *const[]){ "setfacl", "-n", "-m", vd_buf_str(&back), "--", n->path, NULL }
	            : (const char *const[]){ "setfacl", "-n", "-x", vd_buf_str(&gone), "-m", vd_buf_str(&back), "--",
	                                     n->path, NULL },
	        wider ? "lets this user through; the wider mask also counts for other entries of the ACL" : ONE_USER);
}

static int fix_mask(struct vd_file_check *c, const struct vd_node *n, const struct vd_acl_entry *mask, unsigned want)
{
	char add[16], back[16];

	snprintf(add, sizeof(add), "m::%s", vd_perm_text(mask->perm | want));
	snprintf(back, sizeof(back), "m::%s", vd_perm_text(mask->perm));
	return vd_file_add_fix(c, (const char *const[]){ "setfacl", "-n", "-m", add, "--", n->path, NULL },
	                       (const char *const[]){ "setfacl", "-n", "-m", back, "--", n->path, NULL },
	                       "the mask counts for all users and groups that the ACL names");
}

int vd_fix_dac(struct vd_file_check *check, const struct vd_node *node, const struct vd_acl_verdict *verdict,
               const struct vd_account *who, unsigned want)
{
	const struct vd_acl_entry *mask = entry_of(node, VD_ACL_MASK, 0);
	const char *fstype = node->mount ? node->mount->fstype : NULL;

	VLOG_DEBUG("%s on %s: entry %u refused %s", who->name, node->path, verdict->tag, vd_perm_text(want));
	if (is_remote(fstype) || vd_fstype_has_fixed_owners(fstype))
		return 0;
	if (verdict->tag == VD_ACL_USER_OBJ)
		return fix_owner(check, node, want & ~(node->st.mode >> 6 & 7));
	if (!mask)
		return fix_new_acl(check, node, who, want);
	return verdict->masked ? fix_mask(check, node, mask, want) : fix_acl(check, node, mask, who, want);
}

int vd_fix_readonly(struct vd_file_check *check, const struct vd_mount *mount)
{
	static const char *const never[] = { "iso9660", "squashfs", "erofs", "cramfs", "romfs", "udf", NULL };

	if (is_one_of(mount->fstype, never))
		return 0;
	return vd_file_add_fix(check, (const char *const[]){ "mount", "-o", "remount,rw", "--", mount->target, NULL },
	                       (const char *const[]){ "mount", "-o", "remount,ro", "--", mount->target, NULL },
	                       "makes the whole file system writable; first find out why it is not (dmesg, etc/fstab)");
}

int vd_fix_mount_option(struct vd_file_check *check, const struct vd_mount *mount, const char *option)
{
	char now[32], before[32];

	snprintf(now, sizeof(now), "remount,%s", option);
	snprintf(before, sizeof(before), "remount,no%s", option);
	return vd_file_add_fix(
	        check, (const char *const[]){ "mount", "-o", now, "--", mount->target, NULL },
	        (const char *const[]){ "mount", "-o", before, "--", mount->target, NULL },
	        "counts for every program there; change the options in etc/fstab too, or move the emulator");
}

/* The options of @mount that mount(8) takes back, with @context in place of the old one. */
static int mount_options(const struct vd_mount *mount, const char *context, struct vd_buf *ret)
{
	static const char *const kept[] = { "ro", "nosuid", "nodev", "noexec", "noatime", NULL };
	int r = 0;

	for (size_t i = 0; kept[i] && !r; i++) {
		VD_AUTO_FREE char *value = vd_mount_option(mount, kept[i]);

		if (value)
			r = vd_buf_addf(ret, "%s,", kept[i]);
	}
	return r ? r : vd_buf_addf(ret, "context=\"%s\"", context);
}

int vd_fix_context(struct vd_file_check *check, const struct vd_mount *mount, const char *context)
{
	VD_AUTO_FREE char *old = vd_mount_option(mount, "context");
	VD_AUTO_BUF now = VD_BUF_INIT;
	VD_AUTO_BUF before = VD_BUF_INIT;
	int r;

	/*
	 * A part of a file system that is mounted here cannot be named to mount(8) by its source, and what is in memory
	 * would be gone with the mount.
	 */
	if (!mount->source || !mount->fstype || !old || (mount->root && strcmp(mount->root, "/") != 0) ||
	    !strcmp(mount->fstype, "tmpfs") || !strcmp(mount->fstype, "ramfs"))
		return 0;
	if (mount_options(mount, context, &now) < 0 || mount_options(mount, old, &before) < 0)
		return -ENOMEM;
	/* The kernel changes no context on a remount. */
	r = vd_file_add_fix(check, (const char *const[]){ "umount", "--", mount->target, NULL },
	                    (const char *const[]){ "mount", "-t", mount->fstype, "-o", vd_buf_str(&before), "--",
	                                           mount->source, mount->target, NULL },
	                    "nothing on it may be in use; change the options in etc/fstab too");
	if (!r)
		r = vd_file_add_fix(check,
		                    (const char *const[]){ "mount", "-t", mount->fstype, "-o", vd_buf_str(&now), "--",
		                                           mount->source, mount->target, NULL },
		                    (const char *const[]){ "umount", "--", mount->target, NULL }, NULL);
	return r;
}

int vd_fix_boolean(struct vd_file_check *check, const char *name)
{
	return vd_file_add_fix(check, (const char *const[]){ "setsebool", "-P", name, "on", NULL },
	                       (const char *const[]){ "setsebool", "-P", name, "off", NULL },
	                       "opens it to every guest of this host");
}
