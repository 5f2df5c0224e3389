/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The verdict on all files of one guest: each file by itself (lib/file-check), then what only its process (lib/svirt-
 * open), directories, owners and mounts (lib/reach), the host's other guests (lib/svirt-share) and libvirt's notes
 * (lib/svirt-xattr) can tell.
 */

#include "file-check.h"
#include "guests.h"
#include "reach.h"
#include "svirt-share.h"
#include "svirt-xattr.h"

/* What is the same for all guests of the host. Everything is borrowed. */
struct vd_check_host {
	struct vd_root *root;
	const struct vd_svirt_settings *settings;
	const struct vd_share *share; /* NULL: nothing is said of other guests */
	const char *daemon;           /* context of the daemon that starts the guests; NULL unknown */
	const struct vd_boot_times *boot;
	struct vd_defaults *defaults; /* the policy's labels for paths; NULL: nothing is said of them */
	struct vd_reach *reach;       /* NULL: the way to the files is not looked at */
};

struct vd_guest_check {
	const struct vd_expects *expects; /* borrowed: what was judged */
	struct vd_file_user user;    /* in whose name the files were judged; borrows from domain, expects and host */
	struct vd_file_check *files; /* one for each of the files expected, in that order */
	size_t len;
	struct vd_file_check emulator; /* the program that runs the guest, domain->emulator: the way to it */
	const struct vd_guest *twin;   /* a running guest with the same categories; NULL */
	bool mounts_known;             /* there is a mount table */
	bool open_known;               /* what the process has open could be looked at */
	struct vd_reach_tally reach;   /* directories, owners and mounts: of this guest's files */
	const char *migration;         /* "incoming", "outgoing" while that lasts; NULL */
};

/*
 * Judge @expects, the files of @domain; @guest is NULL for XML that is not registered. Changes nothing.
 * Returns 0 or -ENOMEM. The caller releases *@ret_check.
 */
int vd_guest_check(const struct vd_check_host *host, const struct vd_guest *guest, const struct vd_domain *domain,
                   const struct vd_expects *expects, struct vd_guest_check *ret_check) VD_MUST_CHECK;
void vd_guest_check_release(struct vd_guest_check *check);
