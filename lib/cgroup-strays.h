/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Threads of a running guest that are not in the group that libvirt put them into: in every hierarchy, by
 * /proc/PID/task/TID/cgroup. A tree sees only the groups of one hierarchy; this asks each thread.
 */

#include "cgroup-tree.h"

enum vd_stray_kind {
	VD_STRAY_PROCESS,  /* the whole process is outside of the guest's group */
	VD_STRAY_VCPU,     /* the thread of a virtual CPU */
	VD_STRAY_IOTHREAD, /* QEMU calls it "IO iothreadN" */
	VD_STRAY_EMULATOR, /* any other thread of QEMU */
};

/* Write @id to @file, and it is where it belongs; to @back, and it is where it was. */
struct vd_stray_move {
	pid_t id;
	char *file, *back;
};

struct vd_stray {
	enum vd_stray_kind kind;
	unsigned number; /* of the virtual CPU or I/O thread */
	pid_t tid;
	char *name;   /* what the kernel calls it; NULL unknown */
	char *where;  /* the group that it is in, from the top of its hierarchy; "/" for the top */
	char *group;  /* where it belongs: "iothread1", or "its group" */
	char *in;     /* the hierarchies, "cpu,cpuacct"; several after one another with " and "; NULL with v2 */
	bool certain; /* a thread whose name says nothing may have been made by the one whose group it is in */
	struct vd_stray_move *moves;
	size_t n_moves;
};

struct vd_strays {
	struct vd_stray *items;
	size_t len;
};

/*
 * Look at the threads of the guest of @node, its group in a tree without all_controllers. Threads that end meanwhile
 * are left out; where a capture does not hold them there are none. Returns 0 or -ENOMEM. The caller releases
 * *@ret_strays.
 */
int vd_strays_load(struct vd_root *root, const struct vd_cgroup_layout *layout, const struct vd_cgroup_node *node,
                   struct vd_strays *ret_strays, struct vd_err *err) VD_MUST_CHECK;
void vd_strays_release(struct vd_strays *strays);

/*
 * Flag the groups in @tree whose guest has such threads as misplaced, and add a note for each thread. Guests that have
 * a note of that kind already are left alone, and on a live host those whose group has at least as many tasks as they
 * have threads. Returns 0 or -ENOMEM.
 */
int vd_cgroup_tree_add_strays(struct vd_root *root, const struct vd_cgroup_layout *layout, struct vd_cgroup_tree *tree,
                              struct vd_err *err) VD_MUST_CHECK;
