/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Labels of devices whose nodes and directories the XML does not name: host devices and TPMs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "svirt-internal.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.svirt.device");

static bool is(const char *a, const char *b)
{
	return a && !strcmp(a, b);
}

/* --- host devices --- */

/* The node was found, or a row says that it is not known here. */
static int add_node(struct vd_svirt_run *run, struct vd_svirt_row *row, const char *path, const char *unknown)
{
	VLOG_DEBUG("%s (%s): %s", row->target, row->remote ? row->remote : "no address", path ? path : unknown);
	row->path = path;
	if (!path) {
		row->kind = VD_SVIRT_UNTOUCHED;
		row->note = unknown;
	}
	return vd_svirt_add(run, row);
}

static int add_vfio(struct vd_svirt_run *run, const struct vd_res *res, struct vd_svirt_row *row, bool pci)
{
	VD_AUTO_FREE char *path = NULL;
	int r = 0;

	/* Only PCI devices are left out of what libvirt remembers. */
	if (pci)
		row->after = VD_AFTER_DEFAULT;
	if (res->address)
		r = vd_svirt_vfio_group(run->root, pci ? "pci" : "mdev", res->address, &path);
	if (r < 0)
		return r;
	return add_node(run, row, path, "its IOMMU group, which names the device node, is not known here");
}

static int add_usb(struct vd_svirt_run *run, const struct vd_res *res, struct vd_svirt_row *row)
{
	VD_AUTO_FREE char *path = NULL;

	if (res->missing)
		return 0;
	row->optional = res->source->startup_policy_optional;
	if (res->address && vd_svirt_usb_node(run->root, res->address, &path) < 0)
		return -ENOMEM;
	return add_node(run, row, path, "a USB device by vendor and product: its node is known only once it is found");
}

static int add_scsi(struct vd_svirt_run *run, const struct vd_res *res, struct vd_svirt_row *row)
{
	VD_AUTO_FREE char *path = NULL;

	if (res->source->type == VD_SOURCE_NETWORK) {
		row->network = true;
		row->kind = VD_SVIRT_UNTOUCHED;
		row->remote = res->source->path;
		row->path = NULL;
		row->note = "a network source: libvirt sets no label";
		return vd_svirt_add(run, row);
	}
	if (res->shareable) {
		row->kind = VD_SVIRT_SHARED;
		row->after = VD_AFTER_KEPT;
	} else if (res->readonly) {
		row->kind = VD_SVIRT_CONTENT;
		row->after = VD_AFTER_KEPT;
		row->access = VD_ACCESS_READ;
	}
	if (res->address && vd_svirt_scsi_generic(run->root, res->address, &path) < 0)
		return -ENOMEM;
	return add_node(run, row, path, "its SCSI generic node is not known here");
}

int vd_svirt_add_hostdev(struct vd_svirt_run *run, const struct vd_res *res)
{
	struct vd_svirt_row row = {
		.role = res->role,
		.target = res->target,
		.path = res->source->path,
		.remote = res->address,
		.kind = VD_SVIRT_IMAGE,
		.after = VD_AFTER_REMEMBERED,
		.access = VD_ACCESS_READ_WRITE,
	};

	if (is(res->subtype, "pci") && res->mode && !is(res->mode, "vfio"))
		return add_node(run, &row, NULL, "assigned without vfio: its files in sysfs are labelled");
	if (is(res->subtype, "pci"))
		return add_vfio(run, res, &row, true);
	if (is(res->subtype, "mdev"))
		return add_vfio(run, res, &row, false);
	if (is(res->subtype, "usb"))
		return add_usb(run, res, &row);
	if (is(res->subtype, "scsi"))
		return add_scsi(run, res, &row);
	if (is(res->subtype, "scsi_host"))
		return add_node(run, &row, "/dev/vhost-scsi", NULL);
	return row.path ? vd_svirt_add(run, &row) : 0;
}

/* --- TPM --- */

/* "/dev/tpmN" and the file in sysfs that cancels a command. */
static int add_passthrough(struct vd_svirt_run *run, struct vd_svirt_row *row)
{
	static const char *const classes[] = { "tpm", "misc" };
	const char *slash;
	int r;

	if (!row->path)
		return 0;
	row->after = VD_AFTER_DEFAULT;
	slash = strrchr(row->path, '/');
	r = vd_svirt_add(run, row);
	for (size_t i = 0; r == 0 && slash && i < VD_ARRAY_SIZE(classes); i++) {
		VD_AUTO_BUF path = VD_BUF_INIT;
		struct vd_stat st;

		if (vd_buf_addf(&path, "/sys/class/%s/%s/device/cancel", classes[i], slash + 1) < 0)
			return -ENOMEM;
		if (vd_root_stat(run->root, vd_buf_str(&path), &st, NULL) < 0)
			continue;
		row->path = vd_buf_str(&path);
		return vd_svirt_add(run, row);
	}
	return r;
}

/* A state directory of swtpm and what is directly in it. *@ret_found tells whether it exists. */
static int add_state(struct vd_svirt_run *run, struct vd_svirt_row *row, const char *dir, bool *ret_found)
{
	VD_AUTO_STRV names = VD_STRV_INIT;
	struct vd_stat st;
	int r = vd_root_stat(run->root, dir, &st, NULL);

	*ret_found = r == 0 && st.type == VD_FILE_DIR;
	if (!*ret_found)
		return r == -ENOMEM ? r : 0;
	row->path = dir;
	row->after = VD_AFTER_DEFAULT;
	r = vd_svirt_add(run, row);
	if (r == 0)
		r = vd_root_list(run->root, dir, &names, NULL);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	row->after = VD_AFTER_REMEMBERED;
	for (size_t i = 0; r == 0 && i < names.len; i++) {
		VD_AUTO_BUF path = VD_BUF_INIT;

		if (vd_buf_addf(&path, "%s/%s", dir, names.items[i]) < 0)
			return -ENOMEM;
		row->path = vd_buf_str(&path);
		r = vd_svirt_add(run, row);
	}
	return r;
}

static int add_emulator(struct vd_svirt_run *run, const struct vd_res *res, struct vd_svirt_row *row)
{
	static const char *const versions[] = { "tpm2", "tpm1.2" };
	VD_AUTO_BUF log = VD_BUF_INIT;
	bool found = false;
	struct vd_stat st;
	int r = 0;

	row->daemon_creates = true;
	if (res->source->path) {
		r = add_state(run, row, res->source->path, &found);
	} else if (!run->settings->session && run->domain->uuid[0]) {
		for (size_t i = 0; r == 0 && !found && i < VD_ARRAY_SIZE(versions); i++) {
			VD_AUTO_BUF dir = VD_BUF_INIT;

			if (vd_buf_addf(&dir, "/var/lib/libvirt/swtpm/%s/%s", run->domain->uuid, versions[i]) < 0)
				return -ENOMEM;
			r = add_state(run, row, vd_buf_str(&dir), &found);
		}
	}
	if (r < 0)
		return r;
	if (!found) {
		row->path = NULL;
		row->kind = VD_SVIRT_UNTOUCHED;
		row->note = "libvirt makes the TPM's state directory at the first start";
		return vd_svirt_add(run, row);
	}
	if (vd_buf_addf(&log, "/var/log/swtpm/libvirt/qemu/%s-swtpm.log", run->domain->name) < 0)
		return -ENOMEM;
	if (run->settings->session || vd_root_stat(run->root, vd_buf_str(&log), &st, NULL) < 0)
		return 0;
	row->path = vd_buf_str(&log);
	row->after = VD_AFTER_REMEMBERED;
	return vd_svirt_add(run, row);
}

int vd_svirt_add_tpm(struct vd_svirt_run *run, const struct vd_res *res)
{
	struct vd_svirt_row row = {
		.role = res->role,
		.target = res->target,
		.path = res->source->path,
		.kind = VD_SVIRT_IMAGE,
		.access = VD_ACCESS_READ_WRITE,
	};

	if (is(res->subtype, "passthrough"))
		return add_passthrough(run, &row);
	if (is(res->subtype, "emulator"))
		return add_emulator(run, res, &row);
	/* external: the socket of a swtpm that somebody else runs */
	row.kind = VD_SVIRT_UNTOUCHED;
	row.note = "a socket of another process: libvirt does not label it";
	return row.path ? vd_svirt_add(run, &row) : 0;
}
