/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Which devices the cgroup of a running guest lets it open, and why: the rules in force, and what libvirt allows for
 * its XML and qemu.conf.
 */

#include "cgroup-tree.h"
#include "devrule.h"

enum vd_devfilter_kind {
	VD_DEVFILTER_NONE,    /* nothing filters: every device is allowed */
	VD_DEVFILTER_V1,      /* devices.list */
	VD_DEVFILTER_BPF,     /* device programs */
	VD_DEVFILTER_UNKNOWN, /* it cannot be told: see why */
};

struct vd_devfilter {
	enum vd_devfilter_kind kind;
	char *path; /* devices.list, or the group's directory in v2; NULL */
	struct vd_devrule *rules;
	size_t n_rules;                  /* of devices.list, or of libvirt's program */
	struct vd_bpf_program *programs; /* all that decide, ancestors' ones included */
	char **places;                   /* of each program: the group that it is attached to; NULL not found */
	size_t n_programs;
	bool foreign; /* one of the programs is not libvirt's: it allows or denies more than the rules say */
	char *why;    /* VD_DEVFILTER_UNKNOWN: a sentence */
};

/*
 * Read the filter of @node, the group of a running guest. Returns 0 or -ENOMEM; what cannot be read is
 * VD_DEVFILTER_UNKNOWN. The caller releases *@ret_filter.
 */
int vd_devfilter_load(struct vd_root *root, const struct vd_cgroup_layout *layout, const struct vd_cgroup_node *node,
                      struct vd_devfilter *ret_filter, struct vd_err *err) VD_MUST_CHECK;
void vd_devfilter_release(struct vd_devfilter *filter);
/* May a task of the group do @access (VD_DEV_*) on that device? 1 yes, 0 no, -ENOTSUP cannot be told. */
int vd_devfilter_allows(const struct vd_devfilter *filter, char type, uint32_t major, uint32_t minor,
                        unsigned access) VD_MUST_CHECK;

/* Why a device is allowed. */
enum vd_devorigin {
	VD_DEVORIGIN_DEFAULT, /* libvirt's own list */
	VD_DEVORIGIN_ACL,     /* cgroup_device_acl of qemu.conf, which replaces that list */
	VD_DEVORIGIN_BUILTIN, /* always: pseudo terminals, and with sound devices the host's */
	VD_DEVORIGIN_XML,     /* a device of the guest */
};
struct vd_devwant {
	enum vd_devorigin origin;
	char *path;   /* "/dev/null"; NULL for a whole class of devices */
	char *device; /* of VD_DEVORIGIN_XML: "disk vda"; NULL */
	bool has_number;
	struct vd_devrule rule; /* access: the least that libvirt gives */
	bool certain;           /* libvirt always gives it while the device exists: without a rule something is wrong */
};
struct vd_devwants {
	struct vd_devwant *items;
	size_t len;
	bool has_acl;        /* qemu.conf sets cgroup_device_acl */
	struct vd_strv list; /* the paths of cgroup_device_acl, or of libvirt's own list */
	char *problem;       /* qemu.conf cannot be read: why; NULL */
};

/*
 * What libvirt allows @guest: from qemu.conf, the XML, and for the numbers of devices the host, live; in a capture only
 * those of well-known devices and of USB are known. Returns 0 or -ENOMEM. The caller releases *@ret_wants.
 */
int vd_devwants_load(struct vd_root *root, const struct vd_guest *guest, struct vd_devwants *ret_wants,
                     struct vd_err *err) VD_MUST_CHECK;
void vd_devwants_release(struct vd_devwants *wants);
/* Why @rule is there; NULL: nothing that is known asks for it. Borrowed. */
const struct vd_devwant *vd_devwants_find(const struct vd_devwants *wants, const struct vd_devrule *rule);

/*
 * Numbers of the device node @path: from the host, or where that cannot tell, of a well-known one. Returns 0; -ENOENT
 * when it does not exist; -EINVAL when it is no device; another negative errno.
 */
int vd_device_number(struct vd_root *root, const char *path, char *ret_type, uint32_t *ret_major,
                     uint32_t *ret_minor) VD_MUST_CHECK;
