/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* AppArmor as the files of the kernel show it: is it on, and which profile confines a process in which mode. */

#include <sys/types.h>

#include "root.h"

/* Is AppArmor on? 1 yes, 0 no, -1 cannot tell. */
int vd_apparmor_enabled(struct vd_root *root);

/*
 * The profile of the process @pid and its mode ("enforce", "complain", "unconfined"), from /proc. @profile (may be
 * NULL, as when the capture has no /proc) is what libvirt recorded: its mode is looked up in the list of loaded
 * profiles. The caller frees *@ret_profile and *@ret_mode, the latter NULL when not known. Returns 0; -ENOENT: nothing
 * is known; -ENOMEM.
 */
int vd_apparmor_profile(struct vd_root *root, pid_t pid, const char *profile, char **ret_profile,
                        char **ret_mode) VD_MUST_CHECK;

/* Take "NAME (mode)" or "unconfined" apart. The caller frees both. Returns 0, -EBADMSG for anything else, -ENOMEM. */
int vd_apparmor_parse(const char *text, size_t len, char **ret_profile, char **ret_mode) VD_MUST_CHECK;
