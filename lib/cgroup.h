/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Which cgroup hierarchies a host has, and from which of them libvirt takes each controller. Knows lib/root and the
 * mount table; the groups themselves are lib/cgroup-tree.
 */

#include <stdbool.h>

#include "mounts.h"
#include "root.h"

enum vd_cgroup_controller {
	VD_CGROUP_CPU,
	VD_CGROUP_CPUACCT,
	VD_CGROUP_CPUSET,
	VD_CGROUP_MEMORY,
	VD_CGROUP_BLKIO, /* "io" in v2 */
	VD_CGROUP_DEVICES,
	VD_CGROUP_FREEZER,
	VD_CGROUP_NET_CLS,
	VD_CGROUP_PERF_EVENT,
	VD_CGROUP_NET_PRIO, /* from here on libvirt uses none of them */
	VD_CGROUP_HUGETLB,
	VD_CGROUP_PIDS,
	VD_CGROUP_RDMA,
	VD_CGROUP_MISC,
	VD_CGROUP_CONTROLLER_COUNT_
};

/* The name in mount options and /proc/PID/cgroup of v1. */
const char *vd_cgroup_controller_name(enum vd_cgroup_controller controller);

enum vd_cgroup_mode {
	VD_CGROUP_MODE_NONE,   /* no cgroup file system is mounted */
	VD_CGROUP_MODE_V1,     /* libvirt uses v1 only; v2 may be mounted without controllers */
	VD_CGROUP_MODE_V2,     /* unified */
	VD_CGROUP_MODE_HYBRID, /* libvirt uses both: cpuacct, devices and v2's controllers there, the rest in v1 */
};
/* "none", "v1", "v2", "hybrid". */
const char *vd_cgroup_mode_name(enum vd_cgroup_mode mode);

/* Each controller of v1 can be mounted apart; v2 is one more. */
#define VD_CGROUP_MAX_HIERARCHIES (VD_CGROUP_CONTROLLER_COUNT_ + 1)

struct vd_cgroup_hierarchy {
	char *path;  /* mount point inside the root */
	char *root;  /* the group that is mounted there, "/" unless in a container; never NULL */
	char *label; /* "v2", or the controllers: "cpu,cpuacct" */
	bool v2;
	bool kernel;      /* the directory is a real cgroup file system, where a leaf has two links */
	unsigned carries; /* 1u << controller: what is mounted there */
	unsigned used;    /* 1u << controller: what libvirt takes from it */
	int fd;           /* the mount point; -1 when it could not be opened: @error, a positive errno */
	int error;
};

struct vd_cgroup_layout {
	enum vd_cgroup_mode mode;
	struct vd_cgroup_hierarchy items[VD_CGROUP_MAX_HIERARCHIES];
	size_t len;
	int from[VD_CGROUP_CONTROLLER_COUNT_]; /* index into items: where libvirt takes it from; -1 nowhere */
	int unified;                           /* index of v2, used or not: it has the pressure files; -1 none */
};

/*
 * Find out the layout: v1 controllers by mount options, the last mount of a controller counts; v2 counts for libvirt
 * when its cgroup.controllers is not empty, and then gives cpuacct (cpu.stat) and devices (BPF) too. A v2 mount whose
 * cgroup.controllers cannot be read counts as one with controllers. (libvirt 9.0.0, src/util/vircgroupv1.c and v2.c)
 * Returns 0, also for a host without cgroups; -ENOMEM. The caller releases *@ret_layout.
 */
int vd_cgroup_detect(struct vd_root *root, const struct vd_mounts *mounts, struct vd_cgroup_layout *ret_layout,
                     struct vd_err *err) VD_MUST_CHECK;
void vd_cgroup_layout_release(struct vd_cgroup_layout *layout);
