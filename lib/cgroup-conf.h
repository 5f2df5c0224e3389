/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which controllers qemu.conf lets libvirt use (cgroup_controllers), and changing that. Takes text, does no I/O. */

#include "cgroup.h"
#include "conf.h"

/* What libvirt knows by name: 1u << controller. */
#define VD_CGROUP_LIBVIRT ((1u << VD_CGROUP_NET_PRIO) - 1)

struct vd_cgroup_conf {
	bool is_set;   /* else libvirt uses what it finds */
	unsigned line; /* of the statement; 0 */
	unsigned mask; /* the controllers it may use */
};

/*
 * Read the setting. Returns 0; -EBADMSG, with the reason, for what keeps libvirt's QEMU driver from starting: a file
 * that it cannot read, a value that is no list of strings, a controller that it does not know; -ENOMEM.
 */
int vd_cgroup_conf_read(const char *text, size_t len, const char *file, struct vd_cgroup_conf *ret_conf,
                        struct vd_err *err) VD_MUST_CHECK;

/* The controller called @name; -1: libvirt knows none of that name. */
int vd_cgroup_conf_controller(const char *name, size_t len);

/*
 * Append to @result the text with the controllers of @remove taken from the list and those of @add put into it. Without
 * a setting the list is that of all controllers that libvirt knows. A list that has all of them again is taken out: so
 * the file is as it was. Words of the list that are no controllers (name=systemd) stay.
 * Returns 1 when the text changed, 0 when not; errors as vd_cgroup_conf_read().
 */
int vd_cgroup_conf_change(const char *text, size_t len, const char *file, unsigned remove, unsigned add,
                          struct vd_buf *result, struct vd_err *err) VD_MUST_CHECK;
