/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Making one SELinux domain of this machine permissive, and taking that back: a policy module named permissive_TYPE, as
 * semanage(8) makes it, so that both know of each other's. Live only; runs semodule(8), else semanage(8), which rebuild
 * the policy and take seconds.
 */

#include <stdbool.h>

#include "err.h"
#include "macros.h"

/* Is @type a name that a policy could have? Nothing else may get into a file name or a module. */
bool vd_selinux_is_type_name(const char *type);
/*
 * Does the module permissive_TYPE exist? 1 yes, 0 no, a negative errno when that cannot be told (not root, no
 * semodule).
 */
int vd_selinux_domain_module(const char *type, struct vd_err *err) VD_MUST_CHECK;
/*
 * Make @type permissive, or take that back. -ENOENT: neither semodule nor semanage is installed; -EIO: the tool failed,
 * its words are in @err.
 */
int vd_selinux_domain_set(const char *type, bool permissive, struct vd_err *err) VD_MUST_CHECK;
