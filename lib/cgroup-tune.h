/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the XML of a running guest limits, against what the kernel's files of its cgroups say. The conversions are
 * libvirt's: src/util/vircgroupv1.c and v2.c, src/qemu/qemu_process.c, src/lxc/lxc_cgroup.c from 1.0 to 11. Where they
 * changed, the version of libvirt decides; where that is not known, either is right, and the row's @why says so.
 */

#include "cgroup-tree.h"

enum vd_tunable_status {
	VD_TUNABLE_OK,
	VD_TUNABLE_DIFFERS, /* the kernel has another value than libvirt sets for this XML */
	VD_TUNABLE_UNKNOWN, /* the file could not be read, or a capture does not hold it */
	VD_TUNABLE_STATUS_COUNT_
};
/* "ok", "differs", "unknown". */
const char *vd_tunable_status_name(enum vd_tunable_status status);

/* One limit of one group. */
struct vd_tunable {
	enum vd_tunable_status status;
	const char *name; /* the element of the XML: "hard_limit", "vcpupin", "read_bytes_sec"; "pids" has none */
	char *group;      /* "guest", "scope" (systemd's, around it), "emulator", "vcpu0", "iothread1" */
	char *device;     /* of blkiotune; NULL */
	char *xml;        /* the value in the XML, memory in KiB: "98304 KiB"; NULL: not set */
	char *expected;   /* what libvirt writes for it; NULL: the XML does not say */
	char *kernel;     /* what the file holds: "max" for no limit; NULL: could not be read */
	char *path;       /* the file */
	int64_t use;      /* what is used of it now, in its unit; -1: not measured */
	bool use_bytes;
	char *write;   /* what makes the file hold the expected value, libvirt's own default without one; NULL */
	char *unwrite; /* what takes that back; NULL */
	char *trouble; /* what the kernel counted, in words; NULL: nothing */
	char *why;     /* VD_TUNABLE_UNKNOWN, a value that is missing, or more than one that is right: a reason */
	bool is_set;   /* the XML sets it, or the kernel limits something */
};

/* Waiting of the guest's tasks: `some` of a pressure file, per cent of the last 10, 60 and 300 seconds. */
struct vd_pressure {
	enum vd_cgroup_resource resource;
	double avg10, avg60, avg300;
	char *path;
};

struct vd_tunables {
	struct vd_tunable *items;
	size_t len, cap;
	struct vd_pressure *pressures;
	size_t n_pressures;
};

/*
 * Read the limits of @node, the group of the running guest node->guest in a tree without all_controllers. Controllers
 * that libvirt does not use for it give no rows. @libvirt: its version, 0 unknown. Returns 0 or -ENOMEM; what cannot be
 * read is VD_TUNABLE_UNKNOWN. The caller releases *@ret_list.
 */
int vd_tunables_load(struct vd_root *root, const struct vd_cgroup_layout *layout, const struct vd_cgroup_node *node,
                     unsigned libvirt, struct vd_tunables *ret_list, struct vd_err *err) VD_MUST_CHECK;
void vd_tunables_release(struct vd_tunables *list);
