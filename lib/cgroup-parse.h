/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Parsers of the kernel's cgroup files. Pure: they take memory, do no I/O, accept any bytes, and never overflow.
 * Formats: kernel Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "data.h"
#include "macros.h"

/*
 * One decimal number of the whole file ("33554432\n"): memory.current, cpuacct.usage, pids.current. Above INT64_MAX it
 * is INT64_MAX. Returns 0 or -EINVAL.
 */
int vd_cgroup_parse_number(const char *text, size_t len, int64_t *ret_number) VD_MUST_CHECK;

/*
 * A limit: the number, or -1 for none: "max" (v2), a negative number, or the value that v1 shows for none, LONG_MAX
 * rounded down to a page; every number from 2^62 on counts as that. Returns 0 or -EINVAL.
 */
int vd_cgroup_parse_limit(const char *text, size_t len, int64_t *ret_limit) VD_MUST_CHECK;

/*
 * The value of @key in a "KEY VALUE" file: memory.events, memory.oom_control, cgroup.events. Returns 0, -ENOENT when
 * no line has the key, -EINVAL when its value is no number.
 */
int vd_cgroup_parse_keyed(const char *text, size_t len, const char *key, int64_t *ret_value) VD_MUST_CHECK;

/* cpu.stat of either version; fields that the file lacks are -1. */
struct vd_cgroup_cpu_stat {
	int64_t usage_usec; /* v2 only */
	int64_t nr_periods, nr_throttled;
	int64_t throttled_usec; /* v1 has nanoseconds: converted */
};
/* Never fails: what is not understood stays -1. */
void vd_cgroup_parse_cpu_stat(const char *text, size_t len, struct vd_cgroup_cpu_stat *ret_stat);

/*
 * The `some avg10` of a pressure file: per cent of the last ten seconds in which a task waited. Returns 0 or -EINVAL.
 */
int vd_cgroup_parse_pressure(const char *text, size_t len, double *ret_avg10) VD_MUST_CHECK;

/*
 * freezer.state of v1: is the group frozen, or on its way? Returns 0, and -EINVAL for a word that is none of the
 * kernel's.
 */
int vd_cgroup_parse_freezer(const char *text, size_t len, bool *ret_frozen) VD_MUST_CHECK;

/*
 * The next number of a list with one per line (cgroup.threads, tasks) from *@pos on, which moves behind it.
 * Returns 1 and the number, 0 at the end; lines that are no positive number are passed over.
 */
int vd_cgroup_next_id(const char *text, size_t len, size_t *pos, pid_t *ret_id);

/* One line of /proc/PID/cgroup: borrowed. */
struct vd_cgroup_membership {
	int hierarchy;               /* 0: v2 */
	struct vd_field controllers; /* "cpu,cpuacct", "name=systemd"; empty for v2 */
	struct vd_field path;
};
/* The next line of @text from *@pos on. Returns 1, 0 at the end; malformed lines are passed over. */
int vd_cgroup_next_membership(const char *text, size_t len, size_t *pos, struct vd_cgroup_membership *ret_line);
/* Is @word one of the comma-separated words in @list? */
bool vd_cgroup_list_has(const struct vd_field *list, const char *word);
