/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The program that runs a guest. No start gets beyond one that is not there or that the kernel does not execute. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"
#include "reach-internal.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.reach.emulator");

void vd_reach_emulator_release(struct vd_reach_emulator *emulator)
{
	free(emulator->path);
	free(emulator->label);
	vd_way_release(&emulator->way);
	*emulator = (struct vd_reach_emulator){ 0 };
}

static int look(struct vd_reach *reach, const char *path)
{
	struct vd_reach_emulator *e = &reach->emulator;
	int r;

	if (e->path && !strcmp(e->path, path))
		return 0;
	vd_reach_emulator_release(e);
	r = vd_ways_walk(reach->ways, path, &e->way);
	if (!r && e->way.end && vd_root_label(reach->root, e->way.end->path, &e->label, NULL) == -ENOMEM)
		r = -ENOMEM;
	if (!r)
		e->path = strdup(path);
	return r ? r : e->path ? 0 : -ENOMEM;
}

static bool has_option(const struct vd_mount *mount, const char *name)
{
	VD_AUTO_FREE char *value = vd_mount_option(mount, name);

	return value != NULL;
}

/* What keeps every start from succeeding; a guest that runs has started before. */
static enum vd_file_status denied(const struct vd_reach_guest *guest)
{
	return guest->user->running ? VD_FILE_DIFFERS : VD_FILE_DENIED;
}

static int check_noexec(struct vd_reach *reach, const struct vd_reach_guest *guest, const struct vd_mount *mount,
                        struct vd_file_check *c)
{
	int r;

	if (!has_option(mount, "noexec"))
		return 0;
	reach->tally.obstacles++;
	r = vd_file_also(c, denied(guest), VD_REASON_MOUNT_NOEXEC,
	                 "%s, on which the emulator is, is mounted noexec: nothing there can be executed, and no guest "
	                 "with this emulator starts",
	                 mount->target);
	return r ? r : vd_fix_mount_option(c, mount, "exec");
}

/*
 * On a nosuid mount the kernel lets a program change the domain only with the permission nosuid_transition
 * (security/selinux/hooks.c, check_nnp_nosuid()); 1: the policy gives it, 0 no, -1 cannot tell.
 */
static int may_transit(struct vd_reach *reach, const struct vd_file_user *user)
{
	VD_AUTO_BUF text = VD_BUF_INIT;

	if (!vd_root_is_live(reach->root) || !vd_policy_available() || !user->daemon)
		return -1;
	/* A policy that does not know of it leaves no way. */
	if (vd_root_read(reach->root, "/sys/fs/selinux/policy_capabilities/nnp_nosuid_transition", 64, &text, NULL) <
	            0 ||
	    vd_buf_str(&text)[0] != '1')
		return 0;
	return vd_policy_allows(user->daemon, user->process, "process2", "nosuid_transition");
}

static int check_nosuid(struct vd_reach *reach, const struct vd_reach_guest *guest, const struct vd_mount *mount,
                        struct vd_file_check *c)
{
	const struct vd_file_user *user = guest->user;
	int allowed, r;

	if (!user->in_force || !user->process || !has_option(mount, "nosuid"))
		return 0;
	allowed = may_transit(reach, user);
	VLOG_DEBUG("%s is nosuid; transition: %d", mount->target, allowed);
	if (allowed > 0)
		return 0;
	if (allowed < 0)
		return vd_file_also(
		        c, VD_FILE_DIFFERS, VD_REASON_MOUNT_NOSUID,
		        "%s, on which the emulator is, is mounted nosuid: SELinux then refuses to start it in "
		        "the guest's domain, unless the policy has nosuid_transition",
		        mount->target);
	reach->tally.obstacles++;
	r = vd_file_also(c, user->permissive ? VD_FILE_DIFFERS : denied(guest), VD_REASON_MOUNT_NOSUID,
	                 "%s, on which the emulator is, is mounted nosuid: SELinux refuses to start it in the guest's "
	                 "domain, since the policy has no nosuid_transition for it",
	                 mount->target);
	return r ? r : vd_fix_mount_option(c, mount, "suid");
}

/* Each domain can be entered through programs of certain labels only. */
static int check_entry(struct vd_reach *reach, const struct vd_reach_guest *guest, struct vd_file_check *c)
{
	static const char usual[] = "system_u:object_r:qemu_exec_t:s0";
	const struct vd_file_user *user = guest->user;
	const struct vd_reach_emulator *e = &reach->emulator;
	char ptype[128], etype[128];
	int r;

	if (!user->in_force || !user->process || !e->label || guest->domain->driver != VD_DRIVER_QEMU ||
	    !vd_root_is_live(reach->root) ||
	    vd_policy_allows(user->process, e->label, "file", "entrypoint execute") != 0)
		return 0;
	reach->tally.obstacles++;
	r = vd_file_also(c, user->permissive || user->running ? VD_FILE_DIFFERS : VD_FILE_WRONG, VD_REASON_TYPE,
	                 "policy: the guest's domain %s cannot be entered through a program of the label %s, so the "
	                 "emulator is not started in it",
	                 vd_policy_type(user->process, ptype), vd_policy_type(e->label, etype));
	if (r || vd_policy_allows(user->process, usual, "file", "entrypoint execute") != 1)
		return r;
	free(c->actual);
	c->actual = strdup(e->label);
	r = c->actual ? vd_file_fix_label(c, e->way.end->path, usual, "the label that the policy has for QEMU")
	              : -ENOMEM;
	return r ? r : vd_file_keep_label(c, e->way.end->path, usual);
}

static int check_way(struct vd_reach *reach, const struct vd_reach_guest *guest, struct vd_file_check *c)
{
	const struct vd_way *way = &reach->emulator.way;
	int r = 0;

	/* A container's is started by root. */
	if (guest->domain->driver != VD_DRIVER_QEMU || !guest->account.known || guest->account.override ||
	    guest->user->running)
		return 0;
	for (size_t i = 0; i < way->len && !r; i++)
		r = vd_reach_node(reach, guest, way->dirs[i], &way->dirs[i]->st, 1, c);
	return r ? r : vd_reach_node(reach, guest, way->end, &way->end->st, 1, c);
}

int vd_reach_emulator(struct vd_reach *reach, const struct vd_reach_guest *guest, struct vd_file_check *check)
{
	const char *path = guest->domain->emulator;
	const struct vd_mount *mount;
	const struct vd_way *way;
	int r;

	if (!path || path[0] != '/')
		return 0;
	r = look(reach, path);
	if (r < 0)
		return r;
	way = &reach->emulator.way;
	if (!way->end && way->code == -ENOENT && vd_root_is_live(reach->root)) {
		reach->tally.obstacles++;
		return vd_file_verdict(check, guest->user->running ? VD_FILE_DIFFERS : VD_FILE_MISSING,
		                       VD_REASON_MISSING, "the emulator is not there: no guest with it starts");
	}
	/* A capture mostly lacks the program; where it is is known all the same. */
	mount = way->end ? way->end->mount : vd_mounts_find(vd_ways_mounts(reach->ways), path);
	if (mount)
		r = check_noexec(reach, guest, mount, check);
	if (!r && mount)
		r = check_nosuid(reach, guest, mount, check);
	if (!r && way->end)
		r = check_entry(reach, guest, check);
	return r || !way->end || !vd_root_is_live(reach->root) ? r : check_way(reach, guest, check);
}
