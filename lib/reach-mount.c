/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mounts: read-only ones, those that are not there, and file systems that take no label. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"
#include "reach-internal.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.reach.mount");

static bool has_option(const struct vd_mount *mount, const char *name)
{
	VD_AUTO_FREE char *value = vd_mount_option(mount, name);

	return value != NULL;
}

/* --- what should be mounted --- */

static int fix_mount(struct vd_file_check *c, const struct vd_mount_point *p)
{
	if (p->pool)
		return vd_file_add_fix(c, (const char *const[]){ "virsh", "pool-start", "--", p->pool, NULL },
		                       (const char *const[]){ "virsh", "pool-destroy", "--", p->pool, NULL },
		                       "pool-destroy only unmounts it");
	if (p->unit)
		return vd_file_add_fix(c, (const char *const[]){ "systemctl", "start", "--", p->unit, NULL },
		                       (const char *const[]){ "systemctl", "stop", "--", p->unit, NULL }, NULL);
	return vd_file_add_fix(c, (const char *const[]){ "mount", "--", p->target, NULL },
	                       (const char *const[]){ "umount", "--", p->target, NULL }, NULL);
}

int vd_reach_missing_mount(struct vd_reach *reach, const struct vd_expect *e, const struct vd_way *way,
                           struct vd_file_check *c)
{
	const struct vd_mount_point *p =
	        vd_mount_points_missing(&reach->points, vd_ways_mounts(reach->ways), way->stop ? way->stop : e->path);
	VD_AUTO_BUF origin = VD_BUF_INIT;
	int r;

	/* The way stops at the first directory that is not there, which may be above the mount point. */
	if (!p)
		p = vd_mount_points_missing(&reach->points, vd_ways_mounts(reach->ways), e->path);
	if (!p)
		return 0;
	VLOG_DEBUG("%s: %s is not mounted", e->path, p->target);
	if (c->counts_as_problem)
		reach->tally.obstacles++;
	c->reason = VD_REASON_NOT_MOUNTED;
	if (vd_mount_point_origin(p, &origin) < 0)
		return -ENOMEM;
	r = vd_file_also(c, c->status, VD_REASON_NOT_MOUNTED, "%s is not mounted: %s says that %s belongs there",
	                 p->target, vd_buf_str(&origin), p->source);
	return r ? r : fix_mount(c, p);
}

/* The file is there, but on what lies below the mount point. */
static int check_mounted(struct vd_reach *reach, const struct vd_node *n, struct vd_file_check *c)
{
	const struct vd_mount_point *p = vd_mount_points_missing(&reach->points, vd_ways_mounts(reach->ways), n->path);
	VD_AUTO_BUF origin = VD_BUF_INIT;
	int r;

	/* An automount point stands for what is mounted by looking. */
	if (!p || p->on_request || (n->mount && n->mount->fstype && !strcmp(n->mount->fstype, "autofs")))
		return 0;
	if (vd_mount_point_origin(p, &origin) < 0)
		return -ENOMEM;
	reach->tally.obstacles++;
	r = vd_file_also(c, VD_FILE_DIFFERS, VD_REASON_NOT_MOUNTED,
	                 "%s is not mounted, though %s says that %s belongs there: this is a file that lies below",
	                 p->target, vd_buf_str(&origin), p->source);
	return r ? r : fix_mount(c, p);
}

static int check_readonly(struct vd_reach *reach, const struct vd_reach_guest *guest, const struct vd_expect *e,
                          const struct vd_node *n, struct vd_file_check *c)
{
	/* A shared directory does not keep the guest from starting. */
	bool shared = e->res_index >= 0 && guest->domain->resources[e->res_index].kind == VD_RES_FILESYSTEM;
	int r;

	if (e->access != VD_ACCESS_READ_WRITE || (n->st.type != VD_FILE_REG && n->st.type != VD_FILE_DIR) ||
	    !has_option(n->mount, "ro"))
		return 0;
	reach->tally.obstacles++;
	r = vd_file_also(c, shared ? VD_FILE_DIFFERS : VD_FILE_DENIED, VD_REASON_MOUNT_READONLY,
	                 "%s, on which it is, is mounted read-only, and the guest is to write to it", n->mount->target);
	return r ? r : vd_fix_readonly(c, n->mount);
}

/* --- file systems without labels --- */

/*
 * The kernel shows "seclabel" among the options of each mount that takes labels (security/selinux/hooks.c,
 * selinux_sb_show_options()). A table without a single one was not made under SELinux and tells nothing.
 */
static bool takes_labels(const struct vd_mounts *mounts, const struct vd_mount *mount)
{
	if (has_option(mount, "seclabel"))
		return true;
	if (has_option(mount, "context"))
		return false;
	for (size_t i = 0; i < mounts->len; i++)
		if (has_option(&mounts->items[i], "seclabel"))
			return false;
	return true;
}

/* The label of everything on the mount: as found, as mounted, or the one that the policy gives such file systems. */
static int find_label(const struct vd_mount *mount, struct vd_file_check *c)
{
	const struct vd_policy_switch *s = vd_policy_switch_of(NULL, mount->fstype);
	VD_AUTO_BUF text = VD_BUF_INIT;

	if (c->actual)
		return 0;
	c->actual = vd_mount_option(mount, "context");
	if (c->actual || !s)
		return 0;
	if (vd_buf_addf(&text, "system_u:object_r:%s:s0", s->type) < 0)
		return -ENOMEM;
	c->actual = vd_buf_steal(&text);
	return c->actual ? 0 : -ENOMEM;
}

/* May the guest use it? @ret_switch: the boolean that decides. */
static enum vd_policy_answer ask(struct vd_reach *reach, const struct vd_reach_guest *guest, const struct vd_expect *e,
                                 const struct vd_node *n, const char *actual,
                                 const struct vd_policy_switch **ret_switch, bool *ret_permissive)
{
	enum vd_policy_answer answer =
	        vd_policy_judge(reach->root, guest->user->process, actual, n->st.type, e->access, ret_permissive);
	char type[128];
	int state;

	*ret_switch = vd_policy_switch_of(vd_policy_type(actual, type), NULL);
	if (!*ret_switch)
		return answer;
	state = vd_policy_boolean(reach->root, (*ret_switch)->boolean);
	if (answer == VD_POLICY_CANNOT_TELL && state >= 0)
		answer = state ? VD_POLICY_ALLOWED : VD_POLICY_DENIED_TYPE;
	if (state != 0)
		*ret_switch = NULL;
	return answer;
}

static int refuse(struct vd_reach *reach, const struct vd_expect *e, const struct vd_node *n, const char *process,
                  const struct vd_policy_switch *s, struct vd_file_check *c)
{
	bool context = has_option(n->mount, "context");
	char ptype[128], atype[128];
	int r;

	vd_policy_type(process, ptype);
	vd_policy_type(c->actual, atype);
	reach->tally.obstacles++;
	if (context) {
		r = vd_file_verdict(
		        c, VD_FILE_DENIED, VD_REASON_MOUNT_CONTEXT,
		        "%s is mounted with context=, so everything on it is %s and libvirt can label nothing; "
		        "policy: %s may not use that",
		        n->mount->target, atype, ptype);
		if (!r)
			r = vd_fix_context(c, n->mount,
			                   e->access == VD_ACCESS_READ_WRITE ? "system_u:object_r:svirt_image_t:s0"
			                                                     : "system_u:object_r:virt_content_t:s0");
	} else if (s) {
		r = vd_file_verdict(
		        c, VD_FILE_DENIED, VD_REASON_BOOLEAN,
		        "%s (%s) takes no labels, so everything on it is %s, which %s may use only with the "
		        "boolean %s: it is off",
		        n->mount->target, n->mount->fstype, atype, ptype, s->boolean);
		if (!r)
			r = vd_fix_boolean(c, s->boolean);
	} else {
		r = vd_file_verdict(c, VD_FILE_DENIED, VD_REASON_FS_NOLABEL,
		                    "%s (%s) takes no labels, so everything on it is %s; policy: %s may not use that",
		                    n->mount->target, n->mount->fstype, atype, ptype);
	}
	c->avoid = "setenforce 0";
	return r;
}

static int check_labels(struct vd_reach *reach, const struct vd_reach_guest *guest, const struct vd_expect *e,
                        const struct vd_node *n, struct vd_file_check *c)
{
	const struct vd_file_user *user = guest->user;
	const struct vd_policy_switch *s = NULL;
	enum vd_policy_answer answer;
	bool permissive = false;
	char type[128];

	if (!user->in_force || !user->process || e->access == VD_ACCESS_DAEMON || c->status == VD_FILE_BROKEN ||
	    takes_labels(vd_ways_mounts(reach->ways), n->mount))
		return 0;
	if (find_label(n->mount, c) < 0)
		return -ENOMEM;
	if (!c->actual)
		return 0; /* lib/file-check said already that the file system takes no label */
	if (e->running && vd_label_compare(e->running, c->actual) == VD_LABEL_SAME)
		return 0;
	answer = ask(reach, guest, e, n, c->actual, &s, &permissive);
	vd_file_drop_fixes(c);
	vd_policy_type(c->actual, type);
	if (answer == VD_POLICY_ALLOWED)
		return vd_file_verdict(c, VD_FILE_UNSUPPORTED, VD_REASON_FS_NOLABEL,
		                       "%s (%s) takes no labels; everything on it is %s, which the guest may use",
		                       n->mount->target, n->mount->fstype, type);
	if (answer == VD_POLICY_CANNOT_TELL)
		return vd_file_verdict(
		        c, VD_FILE_UNKNOWN_STATUS, VD_REASON_NO_EVIDENCE,
		        "%s (%s) takes no labels; everything on it is %s, and whether the guest may use that "
		        "only the policy can tell",
		        n->mount->target, n->mount->fstype, type);
	if (user->permissive || permissive)
		return vd_file_verdict(
		        c, VD_FILE_DIFFERS, VD_REASON_PERMISSIVE,
		        "%s (%s) takes no labels, and the guest may not use %s: denied only once SELinux is "
		        "enforcing",
		        n->mount->target, n->mount->fstype, type);
	return refuse(reach, e, n, user->process, s, c);
}

int vd_reach_mount(struct vd_reach *reach, const struct vd_reach_guest *guest, const struct vd_expect *e,
                   const struct vd_way *way, struct vd_file_check *c)
{
	const struct vd_node *n = way->end;
	int r = n->mount ? check_labels(reach, guest, e, n, c) : 0;

	if (!r && n->mount)
		r = check_readonly(reach, guest, e, n, c);
	return r ? r : check_mounted(reach, n, c);
}
