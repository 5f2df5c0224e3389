/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Running another program of this machine without a shell, bounded in time and output. */

#include "buf.h"
#include "err.h"

#define VD_PROGRAM_MAX_OUTPUT (1u << 20)

/*
 * Run argv[0], found in PATH, with the arguments @argv (ends with NULL) and standard input from /dev/null, and collect
 * what it prints, up to VD_PROGRAM_MAX_OUTPUT bytes each; what follows is read and dropped. Its environment is ours
 * with LC_ALL=C, so that its messages can be understood, and without variables that make libvirt's clients log. It runs
 * in a process group of its own with default signals: an interrupt at the terminal ends us and not it. After
 * @timeout_ms it is killed with its group.
 *
 * *@ret_status is its exit status, 128 + N when signal N ended it. Returns 0; -ENOENT when there is no such program;
 * -ETIMEDOUT; -ENOMEM; another negative errno.
 */
int vd_program_run(const char *const *argv, unsigned timeout_ms, struct vd_buf *out, struct vd_buf *errors,
                   int *ret_status, struct vd_err *err) VD_MUST_CHECK;
