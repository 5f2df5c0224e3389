/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Which guests use which file: an index over the files of all guests of a host. Finds guests that write to one image,
 * and running guests with equal categories, between which SELinux no longer stands.
 */

#include "file-verdict.h"
#include "guests.h"
#include "svirt-xattr.h"
#include "svirt.h"

struct vd_share;

/*
 * Work out the files of all @guests and index them. @guests and @settings must outlive the result; @categories as for
 * vd_svirt_expect(). Guests whose files cannot be worked out are left out. @step (may be NULL) is called with @arg
 * and how many guests are done.
 * The caller frees *@ret_share. Returns 0 or -ENOMEM.
 */
int vd_share_new(struct vd_root *root, const struct vd_guests *guests, const struct vd_svirt_settings *settings,
                 const char *categories, void (*step)(void *arg, size_t done), void *arg,
                 struct vd_share **ret_share) VD_MUST_CHECK;
void vd_share_free(struct vd_share *share);
void vd_share_cleanup(struct vd_share **share);
#define VD_AUTO_SHARE VD_CLEANUP(vd_share_cleanup)

/* The files of the guest @index of the guests given; NULL when they could not be worked out. Borrowed. */
const struct vd_expects *vd_share_expects(const struct vd_share *share, size_t index);

/* A guest that uses a file. */
struct vd_share_use {
	const struct vd_guest *guest;
	const struct vd_expect *expect;
};

/*
 * The other guests that use the file of @expect, each once, running ones first; @self (may be NULL) is left out. Up to
 * @max go to @ret_uses; returns how many there are.
 */
size_t vd_share_others(const struct vd_share *share, const struct vd_guest *self, const struct vd_expect *expect,
                       struct vd_share_use *ret_uses, size_t max);
/* How many running guests have libvirt remember the label of the file of @expect, a file of @guest (may be NULL). */
unsigned vd_share_remembered(const struct vd_share *share, const struct vd_guest *guest,
                             const struct vd_expect *expect);
/* Add the boot times that libvirt noted on files of running guests; a few files are looked at, not all. */
void vd_share_boot_times(const struct vd_share *share, struct vd_boot_times *boot);
/* Another running guest whose process has exactly the categories of @guest's; NULL: none. */
const struct vd_guest *vd_share_twin(const struct vd_share *share, const struct vd_guest *guest);

/*
 * Judge @expect of @guest over what @check says already: `wrong`, reason shared-rw, when another running guest writes
 * to what this running one uses, or the other way round; `differs` when only the next start would bring that about.
 * Returns 0 or -ENOMEM.
 */
int vd_share_judge(const struct vd_share *share, const struct vd_guest *guest, const struct vd_domain *domain,
                   const struct vd_expect *expect, struct vd_file_check *check) VD_MUST_CHECK;
