/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guest-check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "svirt-open.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.guest.check");

/* Is a verdict on labels possible for this guest, and in whose name is it given? */
static void describe_user(const struct vd_check_host *host, const struct vd_guest *guest,
                          const struct vd_domain *domain, const struct vd_expects *expects,
                          struct vd_file_user *ret_user)
{
	const struct vd_seclabel *label = domain->status ? vd_domain_seclabel(domain, "selinux") : NULL;
	const struct vd_svirt_settings *s = host->settings;
	bool has_driver = domain->driver == VD_DRIVER_LXC ? s->lxc_selinux : s->qemu_selinux;
	struct vd_file_user user = { 0 };

	user.running = guest && guest->state == VD_GUEST_RUNNING;
	user.process = label && label->label ? label->label : expects->process;
	user.permissive = s->selinux == 0;
	user.daemon = host->daemon;
	user.defaults = host->defaults;
	/* The running guest's own label is the best evidence: it was confined when it started. */
	user.in_force = (user.running && label && label->label) || s->selinux >= 0;
	/* On a kernel without SELinux not even that: nobody enforces it. */
	if (vd_root_is_live(host->root) && s->selinux == -1)
		user.in_force = false;
	if (!user.in_force)
		user.why_not_in_force = s->selinux == -1
		                                ? "SELinux is not active on this host: no verdict on labels"
		                                : "nothing tells whether SELinux is active: no verdict on labels";
	else if (!has_driver && !user.running)
		user.process = NULL;
	*ret_user = user;
}

/* The private /dev of a running guest is another root. */
static struct vd_root *root_of(const struct vd_check_host *host, const struct vd_guest *guest,
                               const struct vd_expect *e, struct vd_root **guest_root)
{
	if (!e->private_dev || !guest || guest->state != VD_GUEST_RUNNING || !vd_root_is_live(host->root))
		return host->root;
	if (!*guest_root && vd_root_open_pid(guest->pid, guest_root, NULL) < 0)
		*guest_root = NULL;
	return *guest_root ? *guest_root : host->root;
}

/* The direction of a migration that goes on, as the status XML tells it. */
static const char *find_migration(const struct vd_guest *guest, const struct vd_domain *domain)
{
	const char *job = domain->status ? domain->status->async_job : NULL;

	if (!guest || guest->state != VD_GUEST_RUNNING || !job)
		return NULL;
	return !strcmp(job, "migration in") ? "incoming" : !strcmp(job, "migration out") ? "outgoing" : NULL;
}

/*
 * While a guest moves, a file on shared storage has the label of one side or the other, and libvirt on this side leaves
 * it alone.
 */
static int judge_migration(const struct vd_guest_check *all, struct vd_file_check *check)
{
	if (!all->migration || (check->status != VD_FILE_WRONG && check->status != VD_FILE_UNLABELLED))
		return 0;
	vd_file_drop_fixes(check);
	return vd_file_verdict(
	        check, VD_FILE_UNKNOWN_STATUS, VD_REASON_NO_EVIDENCE,
	        "an %s migration goes on: on shared storage the other host's libvirt decides on the label",
	        all->migration);
}

/* What goes beyond the file by itself. */
static int judge_more(const struct vd_check_host *host, const struct vd_guest *guest, const struct vd_domain *domain,
                      const struct vd_open_files *open, struct vd_root *root, const struct vd_expect *e,
                      const struct vd_guest_check *all, struct vd_file_check *check)
{
	bool remembers = domain->status ? domain->status->remember_owner : host->settings->remember_owner;
	int r = judge_migration(all, check);

	if (r == 0 && host->share && remembers && all->user.in_force && !e->private_dev && !all->migration)
		r = vd_owner_judge(host->root, e, vd_share_remembered(host->share, guest, e), host->boot, check);
	if (r == 0 && host->share)
		r = vd_share_judge(host->share, guest, domain, e, check);
	if (r == 0 && all->open_known)
		r = vd_open_judge(open, root, all->expects, e, check);
	return r;
}

/* By itself, then the way to it, then what goes beyond the file. */
static int judge_file(const struct vd_check_host *host, const struct vd_reach_guest *who, const struct vd_guest *guest,
                      const struct vd_open_files *open, struct vd_root *root, const struct vd_guest_check *all,
                      const struct vd_expect *e, struct vd_file_check *file)
{
	int r;

	/* All that is said of the file is to be about one and the same. */
	if (e->path)
		vd_root_hold(root, e->path);
	r = vd_file_check(root, e, &all->user, file);
	if (r == 0 && host->reach)
		r = vd_reach_check(host->reach, who, e, file);
	if (r == 0)
		r = judge_more(host, guest, who->domain, open, root, e, all, file);
	vd_root_let_go(root);
	if (r < 0)
		vd_file_check_release(file);
	return r;
}

int vd_guest_check(const struct vd_check_host *host, const struct vd_guest *guest, const struct vd_domain *domain,
                   const struct vd_expects *expects, struct vd_guest_check *ret_check)
{
	VD_AUTO_ROOT struct vd_root *guest_root = NULL;
	struct vd_open_files open = { 0 };
	struct vd_reach_guest who = { .domain = domain };
	struct vd_guest_check all = { 0 };
	struct vd_reach_tally before = { 0 };
	int r = 0;

	all.files = calloc(expects->len ? expects->len : 1, sizeof(*all.files));
	if (!all.files)
		return -ENOMEM;
	describe_user(host, guest, domain, expects, &all.user);
	all.expects = expects;
	all.migration = find_migration(guest, domain);
	if (host->share && guest)
		all.twin = vd_share_twin(host->share, guest);
	if (all.user.running && guest->pid > 0 && domain->driver == VD_DRIVER_QEMU) {
		r = vd_open_files_load(host->root, guest->pid, &open, NULL);
		all.open_known = r == 0;
		r = r == -ENOMEM ? r : 0;
	}
	if (r == 0 && host->reach) {
		before = *vd_reach_tally(host->reach);
		all.mounts_known = vd_reach_knows_mounts(host->reach);
		r = vd_reach_guest(host->reach, domain, &all.user, guest ? guest->pid : 0, &who);
	}
	while (r == 0 && all.len < expects->len) {
		const struct vd_expect *e = &expects->items[all.len];
		struct vd_file_check *file = &all.files[all.len];
		struct vd_root *root = root_of(host, guest, e, &guest_root);

		r = judge_file(host, &who, guest, &open, root, &all, e, file);
		if (r == 0)
			all.len++;
	}
	if (r == 0 && host->reach)
		r = vd_reach_emulator(host->reach, &who, &all.emulator);
	if (host->reach)
		all.reach = vd_reach_since(host->reach, &before);
	vd_reach_guest_release(&who);
	vd_open_files_release(&open);
	if (r < 0) {
		vd_guest_check_release(&all);
		return r;
	}
	VLOG_DEBUG("%s: %zu files judged", domain->name, all.len);
	*ret_check = all;
	return 0;
}

void vd_guest_check_release(struct vd_guest_check *check)
{
	for (size_t i = 0; i < check->len; i++)
		vd_file_check_release(&check->files[i]);
	vd_file_check_release(&check->emulator);
	free(check->files);
	memset(check, 0, sizeof(*check));
}
