/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Asking and setting a running daemon's log settings through virt-admin. Whoever asks makes sure that it runs. */

#include "daemons.h"
#include "err.h"

/*
 * The filters or outputs in force at @uri, as one would write them: the stars that libvirt puts around each pattern are
 * taken off. The caller frees *@ret_value. Bounded in time. Returns 0 or a negative errno: -ENOENT when virt-admin is
 * not installed, -ETIMEDOUT, -EIO with what virt-admin says, -ENOMEM.
 */
int vd_admin_get(const char *uri, enum vd_log_setting setting, char **ret_value, struct vd_err *err) VD_MUST_CHECK;
int vd_admin_set(const char *uri, enum vd_log_setting setting, const char *value, struct vd_err *err) VD_MUST_CHECK;
/* The command that vd_admin_set() runs, as an array value of words; NULL without memory. */
struct vd_value *vd_admin_command(const char *uri, enum vd_log_setting setting, const char *value);
