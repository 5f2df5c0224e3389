/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shared by lib/svirt*.c only: the labels of one guest and how a rule adds a file to the result. */

#include "svirt.h"

/* The labels that libvirt chooses from. */
enum vd_svirt_kind {
	VD_SVIRT_UNTOUCHED,
	VD_SVIRT_IMAGE,   /* image context with the guest's categories */
	VD_SVIRT_SHARED,  /* first line of virtual_image_context as it is */
	VD_SVIRT_CONTENT, /* second line as it is */
	VD_SVIRT_OWN,     /* the label of the device's own <seclabel> */
};

/* What is known of the guest as a whole. */
struct vd_svirt_run {
	struct vd_root *root;
	const struct vd_domain *domain;
	const struct vd_svirt_settings *settings;
	const char *override; /* categories asked for; NULL */
	bool running;         /* judged by its status XML, not by its next start */
	bool labelling;       /* libvirt relabels files of this guest */
	const char *off_note; /* why not */
	const char *refused;  /* the first reason why libvirt would not start it; NULL */
	bool private_dev;     /* QEMU has its own /dev */
	char *image;          /* VD_SVIRT_IMAGE; owned; NULL when the guest is not confined */
	enum vd_categories image_categories;
	bool drawn;                   /* by libvirt at start, not written in the XML */
	const char *shared, *content; /* borrowed */
	struct vd_expects *out;
	size_t cap;
	int res_index; /* of the resource being worked on; -1 */
};

/* One file as a rule describes it. Pointers are borrowed and copied. */
struct vd_svirt_row {
	enum vd_role role;
	const char *target, *path, *remote, *label; /* label: with VD_SVIRT_OWN */
	enum vd_svirt_kind kind;
	enum vd_after after;
	enum vd_access access;
	bool optional, network, daemon_creates, quiet;
	bool host_dev; /* a path below /dev that is not moved into the private /dev */
	int layer;
	const char *note;
	enum vd_chain_problem problem;
	const char *problem_text;
};

/* Add a file. Applies what holds for the whole guest: relabelling off, the private /dev. Returns 0 or -ENOMEM. */
int vd_svirt_add(struct vd_svirt_run *run, const struct vd_svirt_row *row) VD_MUST_CHECK;

/*
 * Work out the labels of the guest: fills process, refused and confined of run->out and image, labelling of @run.
 * Returns 0 or -ENOMEM.
 */
int vd_svirt_labels(struct vd_svirt_run *run) VD_MUST_CHECK;

/* The <seclabel model='selinux'> of a source; NULL when there is none. Borrowed. */
const struct vd_dev_seclabel *vd_svirt_own_seclabel(const struct vd_source *source);

/* The files of a disk, or of the nvram, which follows the rules of disks. Returns 0 or -ENOMEM. */
int vd_svirt_add_disk(struct vd_svirt_run *run, const struct vd_res *res) VD_MUST_CHECK;
/* The files of any resource. Returns 0 or -ENOMEM. */
int vd_svirt_add_resource(struct vd_svirt_run *run, const struct vd_res *res) VD_MUST_CHECK;
/* The files of a TPM, and of a <hostdev>. Return 0 or -ENOMEM. */
int vd_svirt_add_tpm(struct vd_svirt_run *run, const struct vd_res *res) VD_MUST_CHECK;
int vd_svirt_add_hostdev(struct vd_svirt_run *run, const struct vd_res *res) VD_MUST_CHECK;

/*
 * Find device nodes in sysfs. The caller frees *@ret_path; it is NULL when the host does not tell.
 * All return 0 or -ENOMEM.
 */
/* "/dev/vfio/GROUP" of a PCI address ("0000:03:00.0") or of a mediated device (UUID). */
int vd_svirt_vfio_group(struct vd_root *root, const char *bus, const char *device, char **ret_path) VD_MUST_CHECK;
/* "/dev/sgN" of "host2:0:1:0". */
int vd_svirt_scsi_generic(struct vd_root *root, const char *address, char **ret_path) VD_MUST_CHECK;
/* "/dev/bus/usb/BBB/DDD" of "001/004", or of "046d:c52b" where sysfs knows exactly one such device. */
int vd_svirt_usb_node(struct vd_root *root, const char *address, char **ret_path) VD_MUST_CHECK;

/*
 * What a volume of a storage pool is: a copy of @source with type and path from the pool's XML. *@ret_source is NULL
 * when the pool is not known. The caller frees it. Returns 0 or -ENOMEM.
 */
int vd_svirt_volume(struct vd_svirt_run *run, const struct vd_source *source,
                    struct vd_source **ret_source) VD_MUST_CHECK;
