/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How libvirt names the cgroups of guests: pure text, no I/O. Rules: libvirt 9.0.0 (src/util/vircgroup.c,
 * virsystemd.c, src/hypervisor/domain_driver.c) and the older forms that it still accepts.
 */

#include <stdbool.h>

#include "buf.h"
#include "domain.h"

/*
 * The machine name that libvirt gives to systemd-machined and uses for the group: "qemu-ID-NAME" with the guest's name
 * reduced to letters, digits, dots and dashes: of a run of dots and dashes only the first stays, leading ones vanish,
 * all other bytes are dropped, the whole string stops at 64 bytes, and dots and dashes at its end are cut.
 * A name with nothing left gives "qemu-ID". The caller frees *@ret_machine. Returns 0 or -ENOMEM.
 */
int vd_cgroup_machine_name(enum vd_driver driver, int id, const char *name, char **ret_machine) VD_MUST_CHECK;

/*
 * The reduced form of a guest's name alone, not cut at 64 bytes, appended to @buf: what a machine name holds behind
 * "qemu-ID-", or a longer string that begins with it. Returns 0 or -ENOMEM.
 */
int vd_cgroup_reduce_name(const char *name, struct vd_buf *buf) VD_MUST_CHECK;

/*
 * Must libvirt put '_' before the path component @name, so that it is not taken for a file of the kernel: does it
 * begin with '_', '.', "cgroup." or the name of a controller and a dot?
 */
bool vd_cgroup_needs_underscore(const char *name);

/*
 * The group of a machine where systemd does not rule: "MACHINE.libvirt-qemu", with the underscore where it is needed.
 * The caller frees it. Returns 0 or -ENOMEM.
 */
int vd_cgroup_plain_name(enum vd_driver driver, const char *machine, char **ret_name) VD_MUST_CHECK;

/* Append @text escaped as systemd escapes unit names: a leading '.', '-' and others become \xHH, '/' becomes '-'. */
int vd_cgroup_systemd_escape(const char *text, struct vd_buf *buf) VD_MUST_CHECK;
/* Append @len bytes at @text with each \xHH turned into its byte; '-' stays. A broken escape stays as it is. */
int vd_cgroup_systemd_unescape(const char *text, size_t len, struct vd_buf *buf) VD_MUST_CHECK;

/* The scope of a machine: "machine-ESCAPED.scope". The caller frees it. Returns 0 or -ENOMEM. */
int vd_cgroup_scope_name(const char *machine, char **ret_name) VD_MUST_CHECK;

/*
 * All names that the last component of a guest's cgroup may have, most likely first, appended to @names: of today's
 * scope and plain group, of the ones without an id (libvirt before 1.3.3), and the bare machine and guest names.
 * Returns 0 or -ENOMEM.
 */
int vd_cgroup_guest_names(enum vd_driver driver, int id, const char *name, struct vd_strv *names) VD_MUST_CHECK;

/*
 * Where the groups of @partition ("/machine/production", NULL or "": the default, "/machine") lie, from the top of a
 * hierarchy: with @systemd "/machine.slice/machine-production.slice", otherwise
 * "/machine/production.partition" (a component gets ".partition" unless it has a dot, or is the first one and is
 * machine, system or user). "/" and empty components are left out; the result is "" for "/".
 * The caller frees it. Returns 0; -EINVAL for a partition with "." or ".." as a component, or with more of them than a
 * path of the kernel (PATH_MAX) has room for; -ENOMEM.
 */
int vd_cgroup_partition_path(const char *partition, bool systemd, char **ret_path) VD_MUST_CHECK;

/* What the name of a group says when no guest is known that it belongs to. */
struct vd_cgroup_id {
	enum vd_driver driver;
	int id;        /* -1: the name has none */
	char *machine; /* unescaped, without prefix and suffix: "qemu-3-web01", "web01" */
	char *guest;   /* the part behind "qemu-ID-"; the whole for a name without an id; borrowed from @machine */
};

/*
 * Read @name, the last component of a path, as the group of a guest. Returns 0, and -ENOENT when it cannot be one
 * (@ret_id is then untouched), -ENOMEM. The caller releases *@ret_id.
 */
int vd_cgroup_parse_name(const char *name, struct vd_cgroup_id *ret_id) VD_MUST_CHECK;
void vd_cgroup_id_release(struct vd_cgroup_id *id);

/* The groups of a guest's threads, in the order in which they are shown. */
enum vd_cgroup_child {
	VD_CGROUP_CHILD_NONE, /* another group */
	VD_CGROUP_CHILD_EMULATOR,
	VD_CGROUP_CHILD_VCPU,
	VD_CGROUP_CHILD_IOTHREAD,
};
/* Which one @name is: "emulator", "vcpuN", "iothreadN"; N goes to *@ret_number (0 for emulator). */
enum vd_cgroup_child vd_cgroup_child_kind(const char *name, unsigned *ret_number);
