/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Device programs of cgroup v2, as the running kernel hands them out: bpf(2) is used here alone. Reads only. It takes
 * CAP_SYS_ADMIN (or CAP_BPF with CAP_NET_ADMIN and CAP_PERFMON): without, functions return -EPERM.
 */

#include <stdint.h>

#include "devrule.h"

#define VD_BPF_MAX_PROGRAMS 64

/*
 * Ids of the device programs of the group whose directory @fd is: those attached to it, or with @effective all that
 * decide on its tasks, ancestors' ones included. At most VD_BPF_MAX_PROGRAMS (-E2BIG beyond).
 * Returns 0; -EPERM; -ENOSYS or -EINVAL from a kernel without them; another negative errno.
 */
int vd_bpf_device_programs(int fd, bool effective, uint32_t ret_ids[VD_BPF_MAX_PROGRAMS],
                           size_t *ret_count) VD_MUST_CHECK;
/*
 * Read program @id with its map, when that has libvirt's form. Instructions that the kernel keeps to itself are NULL.
 * Returns 0; -ENOENT when it is gone; -EPERM; -ENOMEM; another negative errno. The caller releases *@ret_program.
 */
int vd_bpf_load(uint32_t id, struct vd_bpf_program *ret_program) VD_MUST_CHECK;
