/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Can everybody who needs a file of a guest get to it? Labels are lib/file-check's matter; here it is the rest:
 * owner, mode and ACL of the file and of each directory on the way, the mount, and what the policy says of directories,
 * of the daemon and of virtlogd. The verdict of lib/file-check is completed, never made better.
 *
 * Who: QEMU runs as an ordinary user without capabilities; libvirt's daemon is root, whom no mode stops, but has an
 * SELinux domain of its own. libvirt gives most files to QEMU's user itself (dynamic_ownership), so for a guest that is
 * shut off the owner counts only where libvirt leaves it alone; the mode always does.
 * Rules: libvirt 9.0.0, src/security/security_dac.c, checked against the real daemon.
 */

#include "account.h"
#include "domain.h"
#include "file-check.h"
#include "root.h"

struct vd_reach; /* what is known of directories, mounts and accounts, for one run */

/*
 * @root and @settings must outlive it. @session_uid: the user of a session's libvirt, ignored for the system's.
 * The caller frees *@ret_reach with vd_reach_free(). Returns 0 or -ENOMEM.
 */
int vd_reach_new(struct vd_root *root, const struct vd_svirt_settings *settings, uid_t session_uid,
                 struct vd_reach **ret_reach) VD_MUST_CHECK;
void vd_reach_free(struct vd_reach *reach);
void vd_reach_cleanup(struct vd_reach **reach);
#define VD_AUTO_REACH VD_CLEANUP(vd_reach_cleanup)

/* One guest, as the check of its files needs it. */
struct vd_reach_guest {
	const struct vd_domain *domain;
	const struct vd_file_user *user; /* whether it runs, and the contexts */
	struct vd_account account;       /* what QEMU is; owned */
	const char *program;             /* whose account it is, for sentences; NULL: "QEMU". Static. */
};
/*
 * Who the guest is: @pid of its live process, 0 when it does not run. Borrows @domain and @user.
 * Returns 0 or -ENOMEM; the caller releases *@ret_guest.
 */
int vd_reach_guest(struct vd_reach *reach, const struct vd_domain *domain, const struct vd_file_user *user, pid_t pid,
                   struct vd_reach_guest *ret_guest) VD_MUST_CHECK;
void vd_reach_guest_release(struct vd_reach_guest *guest);

/*
 * Complete @check, the verdict of vd_file_check() on @expect, with what stops the guest or the daemon on the way.
 * Returns 0 or -ENOMEM.
 */
int vd_reach_check(struct vd_reach *reach, const struct vd_reach_guest *guest, const struct vd_expect *expect,
                   struct vd_file_check *check) VD_MUST_CHECK;

/*
 * The same for the program that runs the guest, domain->emulator: is it there, may it be executed, and does its mount
 * let SELinux change the domain when it is? *@check is filled, VD_FILE_OK when there is nothing to say or no emulator
 * is named. Returns 0 or -ENOMEM.
 */
int vd_reach_emulator(struct vd_reach *reach, const struct vd_reach_guest *guest,
                      struct vd_file_check *check) VD_MUST_CHECK;

/* How the files of a run fared, for the closing line. */
struct vd_reach_tally {
	unsigned files;     /* looked at */
	unsigned obstacles; /* found */
	unsigned unknown;   /* files of which something could not be told */
};
const struct vd_reach_tally *vd_reach_tally(const struct vd_reach *reach);
/* The same for the files looked at since @before was taken. */
struct vd_reach_tally vd_reach_since(const struct vd_reach *reach, const struct vd_reach_tally *before);
/* False for a capture without a mount table: all is taken for one file system then. */
bool vd_reach_knows_mounts(const struct vd_reach *reach);
/* A sentence about the evidence that was missing; NULL when none was. Borrowed. */
const char *vd_reach_missing(const struct vd_reach *reach);

/*
 * Does libvirt give the file of @expect to the guest's user before it starts QEMU? *@ret_label is the owner that a
 * <seclabel model='dac'> of the device names, else NULL. Pure.
 */
bool vd_reach_is_owned(const struct vd_domain *domain, const struct vd_svirt_settings *settings,
                       const struct vd_expect *expect, const char **ret_label);
