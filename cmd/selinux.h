/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The verbs of `virtdiag selinux`, one file each; cmd-selinux.c lists them. Private to them. */

#include "command.h"

extern const struct vd_cmd vd_selinux_check;
