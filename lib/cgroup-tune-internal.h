/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shared by cgroup-tune.c, -tune-io.c and -tune-read.c only. */

#include "cgroup-tune.h"

/* The limits of one guest while they are read. The first lack of memory ends it: @r is then -ENOMEM. */
struct vd_tune {
	struct vd_root *root;
	const struct vd_cgroup_layout *layout;
	const struct vd_cgroup_node *node;
	const struct vd_domain *domain;
	unsigned libvirt; /* version; 0 unknown */
	struct vd_tunables *list;
	struct vd_buf text;  /* the file that was read last */
	struct vd_buf other; /* a second one, beside it */
	struct vd_buf path;
	struct vd_tunable scratch; /* a row for which there was no memory */
	int r;
};

/* Where a limit stands: in a group, by the directory of that group from the top of the hierarchy. */
struct vd_tune_group {
	const char *name; /* "guest" */
	const char *rel;
};

/* Does libvirt limit by @c on this guest: does the guest have a group where it takes the controller from? */
bool vd_tune_has(const struct vd_tune *tune, enum vd_cgroup_controller c);
bool vd_tune_is_v2(const struct vd_tune *tune, enum vd_cgroup_controller c);
/*
 * Read @file of the group into tune->text; tune->path is its name, also when that fails. Returns 0 or a negative errno.
 */
int vd_tune_read(struct vd_tune *tune, enum vd_cgroup_controller c, const struct vd_tune_group *group,
                 const char *file) VD_MUST_CHECK;
/* The number in @file, by @key in it when that is not NULL, 0 and up; -1 when there is none. Keeps text and path. */
int64_t vd_tune_count(struct vd_tune *tune, enum vd_cgroup_controller c, const struct vd_tune_group *group,
                      const char *file, const char *key);

/*
 * A new row for the file in tune->path, status ok; read_result is what vd_tune_read() gave. Never NULL: without memory
 * tune->r is set, and the row is a scratch one.
 */
struct vd_tunable *vd_tune_row(struct vd_tune *tune, const struct vd_tune_group *group, const char *name,
                               int read_result);
/* Set *@slot, which is NULL or is freed, to the formatted text. */
void vd_tune_set(struct vd_tune *tune, char **slot, const char *fmt, ...) VD_PRINTF(3, 4);
/* Append to row->trouble, after ", " when there is something. */
void vd_tune_trouble(struct vd_tune *tune, struct vd_tunable *row, const char *fmt, ...) VD_PRINTF(3, 4);
/* Set status, is_set and why of @row from what it holds; @matches: the kernel's value is the expected one. */
void vd_tune_judge(struct vd_tune *tune, struct vd_tunable *row, int read_result, bool matches, bool kernel_limits);

/*
 * After vd_tune_judge(), of a row that differs: what to write to its file, @want, and what takes that back, @now, both
 * behind @before. Nothing where a value is not known or the file is not there.
 */
void vd_tune_mend(struct vd_tune *tune, struct vd_tunable *row, const char *before, const char *want, const char *now);

/* Weights and throttling of block devices. */
void vd_tune_blkio(struct vd_tune *tune, const struct vd_tune_group *guest, const struct vd_tune_group *weight_group);
/* CPUs and memory nodes of one group; @pin: CPUs that the XML gives it, NULL none. */
void vd_tune_cpuset(struct vd_tune *tune, const struct vd_tune_group *group, const char *tunable, const char *pin);
