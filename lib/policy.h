/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Answers of the SELinux policy: the running kernel's where there is one to ask (lib/label), otherwise what holds in
 * every policy for guests, which leaves most questions open. And the booleans of the policy that let guests use file
 * systems and devices without labels of their own.
 */

#include "label.h"

/*
 * May a process of context @process use a file of context @actual and type @type? Live the kernel is asked. Of a
 * capture only what the targeted and the reference policy have in common is answered, for guests (svirt_t and such);
 * for the rest it cannot be told. @ret_permissive: the domain alone is permissive.
 */
enum vd_policy_answer vd_policy_judge(struct vd_root *root, const char *process, const char *actual,
                                      enum vd_file_type type, enum vd_access access, bool *ret_permissive);

/* "svirt_t" of a context, or all of what is no context, into @buf, which is also returned. */
const char *vd_policy_type(const char *context, char buf[128]);
/* A type of users' home directories and what is in them. */
bool vd_policy_is_home(const char *type);

/* A boolean that opens a kind of file system or device to all guests. */
struct vd_policy_switch {
	const char *type;    /* the label of what it opens */
	const char *fstype;  /* of the file system that has this label as a whole; NULL for devices */
	const char *boolean; /* not every policy has each of them */
};
/* By label type, or by file system when @type is NULL. NULL when there is none. Static. */
const struct vd_policy_switch *vd_policy_switch_of(const char *type, const char *fstype);
/* State of the boolean @name in @root: 1 on, 0 off, -1 the policy has none, or nothing tells. */
int vd_policy_boolean(struct vd_root *root, const char *name);
