/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The cgroups that libvirt made for guests, as a tree with their numbers: partitions, guests, groups of threads.
 * Reads cgroup files and, for guests that are not where their name says, /proc/PID/cgroup.
 */

#include "cgroup.h"
#include "guests.h"

enum vd_cgroup_kind {
	VD_CGROUP_HIERARCHY, /* a whole hierarchy, with @all_controllers only */
	VD_CGROUP_PARTITION, /* holds groups of guests: machine.slice, /machine, ... */
	VD_CGROUP_GUEST,
	VD_CGROUP_THREADS, /* emulator, vcpuN, iothreadN */
	VD_CGROUP_NOWHERE, /* no group: a guest that runs without one */
};

enum vd_cgroup_resource {
	VD_CGROUP_NO_RESOURCE,
	VD_CGROUP_RES_CPU,
	VD_CGROUP_RES_MEMORY,
	VD_CGROUP_RES_IO
};
/* "cpu", "mem", "io"; NULL for none. */
const char *vd_cgroup_resource_name(enum vd_cgroup_resource resource);

/* One group. Numbers are -1 when they are not there or could not be read. */
struct vd_cgroup_node {
	enum vd_cgroup_kind kind;
	char *name; /* "machine.slice", "qemu-3-web01", "vcpu0"; NULL for VD_CGROUP_NOWHERE */
	char *rel;  /* from the top of its hierarchies: "/machine.slice/..."; NULL for VD_CGROUP_NOWHERE */
	char *path; /* directory that the numbers come from, inside the root; what libvirt nests is taken as one group
	             */
	const struct vd_guest *guest; /* borrowed; NULL: none known */
	int64_t tasks;                /* threads, those of the shown groups below included; partition: -1 with @only */
	int64_t cpu_usec;             /* used since the group was made */
	int64_t memory, memory_max;   /* bytes; memory_max: the smallest limit here or above, -1 none */
	double pressure;              /* highest `some avg10` in per cent; -1 unknown */
	enum vd_cgroup_resource pressure_resource;
	unsigned quiet; /* 1u << resource: no task here or below waited for it */
	int64_t nr_periods, nr_throttled, oom_kills;
	bool frozen;
	bool stale;       /* no process in it, and no running guest that it belongs to */
	bool orphan;      /* processes in it, but no running guest that it belongs to */
	bool misplaced;   /* a process or thread is here that belongs elsewhere, or the guest's process is elsewhere */
	unsigned present; /* 1u << index of the hierarchy: where the group exists; guests only */
	struct vd_cgroup_node **children; /* owned */
	size_t n_children;
};

/* Something odd about a guest's group, in words. */
enum vd_cgroup_note_id {
	VD_CGROUP_NOTE_NO_GROUP,  /* runs without a group */
	VD_CGROUP_NOTE_MISPLACED, /* process or thread in the wrong group */
	VD_CGROUP_NOTE_STALE,
	VD_CGROUP_NOTE_ORPHAN,
};
struct vd_cgroup_note {
	enum vd_cgroup_note_id id;
	char *text;                        /* a sentence; names in it are not escaped */
	const struct vd_guest *guest;      /* whose group it is, running or not; NULL unknown. Borrowed */
	const struct vd_cgroup_node *node; /* the group that was left behind, or that is not libvirt's; else NULL */
};

/* A file or directory that could not be read. */
struct vd_cgroup_problem {
	char *path, *why;
	bool matters; /* the tree lacks rows because of it */
};

struct vd_cgroup_tree {
	struct vd_cgroup_node **roots; /* owned */
	size_t n_roots;
	struct vd_cgroup_note *notes;
	size_t n_notes;
	struct vd_cgroup_problem *problems; /* at most 50 */
	size_t n_problems;
	size_t n_guest_groups;
};

struct vd_cgroup_tree_options {
	const struct vd_guest *const
	        *only; /* NULL: all; else only groups of these @n_only guests, with their parents */
	size_t n_only;
	bool all_controllers; /* one tree for each hierarchy that libvirt uses */
};

/* Is more than one period in twenty throttled? */
bool vd_cgroup_is_throttled(const struct vd_cgroup_node *node);

/*
 * Build the tree. Groups are matched to the running guests of @guests by name and, where that fails, by the pid's
 * /proc/PID/cgroup. What cannot be read is in problems; groups that vanish meanwhile are left out.
 * @layout and @guests must outlive the tree. Returns 0 or -ENOMEM. The caller releases *@ret_tree.
 */
int vd_cgroup_tree_load(struct vd_root *root, const struct vd_cgroup_layout *layout, const struct vd_guests *guests,
                        const struct vd_cgroup_tree_options *options, struct vd_cgroup_tree *ret_tree,
                        struct vd_err *err) VD_MUST_CHECK;
void vd_cgroup_tree_release(struct vd_cgroup_tree *tree);
