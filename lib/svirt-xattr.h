/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The extended attributes in which libvirt remembers the label that a file had before a guest used it, and how many
 * guests do: trusted.libvirt.security.selinux, ref_selinux, timestamp_selinux. Left behind by a crash, or copied along
 * with a file, they make the next start fail.
 */

#include <time.h>

#include "file-verdict.h"
#include "root.h"
#include "svirt.h"

enum vd_note_part {
	VD_NOTE_USERS, /* how many guests use the file */
	VD_NOTE_LABEL, /* the label from before */
	VD_NOTE_STAMP, /* boot time of the host that wrote the note */
	VD_NOTE_COUNT_
};

struct vd_owner_note {
	char *raw[VD_NOTE_COUNT_]; /* as they stand; NULL: none */
	unsigned long users;       /* 0 when the counter is no number */
	int64_t stamp;             /* seconds since the epoch; -1: none */
};

/* The attribute with the number of users: without it libvirt takes the others for nothing. */
#define VD_OWNER_NOTE_USERS "trusted.libvirt.security.ref_selinux"

/*
 * Read what is remembered of @path. Returns 0; -ENODATA: nothing is, or the file system has no such attributes;
 * -EPERM: only root may look; another negative errno. The caller releases *@ret_note.
 */
int vd_owner_note_read(struct vd_root *root, const char *path, struct vd_owner_note *ret_note) VD_MUST_CHECK;
void vd_owner_note_release(struct vd_owner_note *note);

/*
 * When the host booted, as libvirt may have it in its notes: by the boot record of utmp, which it asks first, by the
 * btime line of /proc/stat, which follows the clock when that is set, and by the notes on files of guests that run,
 * which libvirt wrote in this boot.
 */
struct vd_boot_times {
	time_t times[8];
	size_t len;
};
/* Add @when unless it is there already or there is no room. */
void vd_boot_times_add(struct vd_boot_times *boot, time_t when);
/* Add those that the host itself tells. */
void vd_boot_times_load(struct vd_root *root, struct vd_boot_times *boot);
/* The boot record in the content of a utmp file, -1 when there is none. */
time_t vd_utmp_boot_time(const void *data, size_t len);

/*
 * Judge what is remembered of @expect over what @check says already; a problem that was found before stands.
 * @users: how many running guests of this host have libvirt remember this file; @boot: when the host booted, empty when
 * not known. libvirt forgets notes of another boot by itself: those only differ. One of this boot without a user makes
 * the next start fail with "already in use": wrong.
 * Returns 0 or -ENOMEM.
 */
int vd_owner_judge(struct vd_root *root, const struct vd_expect *expect, unsigned users,
                   const struct vd_boot_times *boot, struct vd_file_check *check) VD_MUST_CHECK;
