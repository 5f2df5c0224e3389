/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Who a guest's process is to the file system: user, all groups and the capabilities that count. For a running guest
 * its process tells; for the next start qemu.conf, the <seclabel model='dac'> of the guest and the distribution do.
 */

#include <stdbool.h>

#include "acl.h"
#include "root.h"
#include "svirt.h"

struct vd_account {
	bool known;    /* false: @why says what is missing, and the rest means nothing */
	bool override; /* no mode and no ACL stops it (CAP_DAC_OVERRIDE) */
	uid_t uid;
	gid_t gid;   /* the group that libvirt gives the guest's files */
	gid_t *gids; /* all groups, @gid included; owned */
	size_t ngids;
	char *name; /* of the user, its number without a name; for fixes and sentences; owned */
	char *why;  /* a sentence; owned */
};

/*
 * The account that QEMU gets at the next start: user and group of @settings ("qemu", "107" and "+107" are understood,
 * as libvirt does), else the distribution's default: libvirt-qemu where that account exists (Debian, Ubuntu, Arch),
 * else qemu. The groups are those of etc/group and the group of qemu.conf.
 * Returns 0 or -ENOMEM.
 */
int vd_account_qemu(struct vd_root *root, const struct vd_svirt_settings *settings,
                    struct vd_account *ret_account) VD_MUST_CHECK;
/*
 * The account of a <seclabel model='dac'> @label ("+64055:+64055", "qemu:kvm"; without a group that of @base stays);
 * with NULL a copy of @base, which is that of vd_account_qemu(). The supplementary groups are the user's own: libvirt
 * 9.0.0 draws them anew for the guest. Returns 0 or -ENOMEM.
 */
int vd_account_label(struct vd_root *root, const struct vd_account *base, const char *label,
                     struct vd_account *ret_account) VD_MUST_CHECK;
/*
 * The account that libvirt starts swtpm as, for the guest's TPM: swtpm_user and swtpm_group of @settings, else tss,
 * else root. Returns 0 or -ENOMEM.
 */
int vd_account_swtpm(struct vd_root *root, const struct vd_svirt_settings *settings,
                     struct vd_account *ret_account) VD_MUST_CHECK;
/* The account of a user's session: @uid with its groups. Returns 0 or -ENOMEM. */
int vd_account_user(struct vd_root *root, uid_t uid, struct vd_account *ret_account) VD_MUST_CHECK;
/*
 * What the process @pid has: proc/PID/status of the live machine or the capture. Returns 0 or -ENOMEM; not known when
 * there is no such file.
 */
int vd_account_process(struct vd_root *root, pid_t pid, struct vd_account *ret_account) VD_MUST_CHECK;
void vd_account_release(struct vd_account *account);

/* For vd_acl_check(). Borrowed from @account. */
struct vd_acl_who vd_account_who(const struct vd_account *account);

/*
 * Parse proc/PID/status, @text: Uid and Gid of the file system (the fourth number), Groups and CapEff. -EBADMSG when
 * one of the first three is missing or malformed; -ENOMEM. Pure.
 */
int vd_account_parse_status(const char *text, struct vd_account *ret_account) VD_MUST_CHECK;
