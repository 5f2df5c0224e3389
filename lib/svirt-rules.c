/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Labels of everything but disks, one small rule per kind of resource. Source: libvirt 9.0.0, security_selinux.c. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "svirt-internal.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.svirt.rules");

static bool is(const char *a, const char *b)
{
	return a && !strcmp(a, b);
}

/* A row for the file that @res names, as far as that is the same for all kinds. */
static struct vd_svirt_row row_for(const struct vd_res *res, enum vd_svirt_kind kind, enum vd_after after,
                                   enum vd_access access)
{
	return (struct vd_svirt_row){
		.role = res->role,
		.target = res->target,
		.path = res->source->path,
		.kind = kind,
		.after = after,
		.access = access,
		.optional = res->source->startup_policy_optional,
	};
}

/* Nothing to say about a device that names no file. */
static int add_if_path(struct vd_svirt_run *run, const struct vd_svirt_row *row)
{
	return row->path ? vd_svirt_add(run, row) : 0;
}

static int add_untouched(struct vd_svirt_run *run, const struct vd_res *res, enum vd_access access, const char *note)
{
	struct vd_svirt_row row = row_for(res, VD_SVIRT_UNTOUCHED, VD_AFTER_UNCHANGED, access);

	row.note = note;
	return add_if_path(run, &row);
}

/* Kernel, initrd, device tree, ACPI table, fw_cfg blob: read-only content, put back at the end unlike read-only disks.
 */
static int add_boot_file(struct vd_svirt_run *run, const struct vd_res *res)
{
	struct vd_svirt_row row = row_for(res, VD_SVIRT_CONTENT, VD_AFTER_REMEMBERED, VD_ACCESS_READ);

	return add_if_path(run, &row);
}

static int add_nvram(struct vd_svirt_run *run, const struct vd_res *res)
{
	VD_AUTO_BUF path = VD_BUF_INIT;
	struct vd_svirt_row row = row_for(res, VD_SVIRT_IMAGE, VD_AFTER_REMEMBERED, VD_ACCESS_READ_WRITE);
	struct vd_stat st;

	if (res->source->type != VD_SOURCE_NONE) {
		int r = vd_root_stat(run->root, res->source->path ? res->source->path : "/", &st, NULL);

		/* libvirt makes it from a template at the first start. */
		if (res->source->type != VD_SOURCE_FILE || (r != -ENOENT && r != -ENOTDIR))
			return vd_svirt_add_disk(run, res);
	} else {
		if (run->settings->session)
			return 0;
		if (vd_buf_addf(&path, "/var/lib/libvirt/qemu/nvram/%s_VARS.fd", run->domain->name) < 0)
			return -ENOMEM;
		row.path = vd_buf_str(&path);
	}
	/* Once the guest runs it must be there. */
	row.daemon_creates = !run->running;
	row.note = "libvirt makes it from a template at the first start";
	return vd_svirt_add(run, &row);
}

/* --- character devices --- */

static int add_pipe(struct vd_svirt_run *run, struct vd_svirt_row *row)
{
	static const char *const ends[] = { ".in", ".out" };
	const char *base = row->path;
	unsigned found = 0;
	struct vd_stat st;

	for (size_t i = 0; i < VD_ARRAY_SIZE(ends); i++) {
		VD_AUTO_BUF path = VD_BUF_INIT;

		if (vd_buf_addf(&path, "%s%s", base, ends[i]) < 0)
			return -ENOMEM;
		found += vd_root_stat(run->root, vd_buf_str(&path), &st, NULL) == 0;
	}
	if (found < VD_ARRAY_SIZE(ends))
		return vd_svirt_add(run, row);
	for (size_t i = 0; i < VD_ARRAY_SIZE(ends); i++) {
		VD_AUTO_BUF path = VD_BUF_INIT;
		int r;

		if (vd_buf_addf(&path, "%s%s", base, ends[i]) < 0)
			return -ENOMEM;
		row->path = vd_buf_str(&path);
		r = vd_svirt_add(run, row);
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * The file of a chardev. With virtlogd in between, which is the default, QEMU gets a pipe and the file is virtlogd's,
 * unless the device has a <seclabel> of its own: then it is labelled all the same.
 */
static void chardev_file_rule(const struct vd_svirt_run *run, const struct vd_dev_seclabel *own,
                              struct vd_svirt_row *row)
{
	bool logd = run->running ? run->domain->status->chardev_stdio_logd : run->settings->stdio_logd;

	row->daemon_creates = true;
	if (logd) {
		row->access = VD_ACCESS_DAEMON;
		if (!own) {
			row->kind = VD_SVIRT_UNTOUCHED;
			row->note = "written by virtlogd, not by the guest";
		}
		return;
	}
	/* libvirtd opens it and labels the descriptor before any rule is asked; nothing takes that label back. */
	row->after = VD_AFTER_KEPT;
	if (row->kind == VD_SVIRT_UNTOUCHED) {
		row->kind = VD_SVIRT_IMAGE;
		row->note = "opened by libvirtd (stdio_handler is \"file\"), which labels it even with relabel='no'";
	}
}

static int add_chardev(struct vd_svirt_run *run, const struct vd_res *res)
{
	const struct vd_dev_seclabel *own = vd_svirt_own_seclabel(res->source);
	struct vd_svirt_row row = row_for(res, VD_SVIRT_IMAGE, VD_AFTER_REMEMBERED, VD_ACCESS_READ_WRITE);
	bool bound = is(res->subtype, "unix") && !is(res->mode, "connect");

	if (own && own->relabel == 0) {
		row.kind = VD_SVIRT_UNTOUCHED;
		row.note = "the device's <seclabel> turns relabelling off";
	} else if (own && own->label) {
		row.kind = VD_SVIRT_OWN;
		row.label = own->label;
	}
	if (is(res->subtype, "file"))
		chardev_file_rule(run, own, &row);
	else if (bound) {
		row.daemon_creates = true;
		row.after = VD_AFTER_GONE;
		if (!row.path) {
			row.note = "a socket that libvirt makes at start";
			row.kind = VD_SVIRT_UNTOUCHED;
			return vd_svirt_add(run, &row);
		}
	} else if (is(res->subtype, "pipe") && row.path) {
		return add_pipe(run, &row);
	} else if (is(res->subtype, "unix")) {
		/* A socket cannot be opened to lock it, so libvirt does not remember its label. */
		row.after = VD_AFTER_DEFAULT;
	} else if (!is(res->subtype, "dev")) {
		/* pty, stdio, tcp, udp, spicevmc, vc, null: no file of the host's, or one that the kernel makes. */
		return 0;
	}
	return add_if_path(run, &row);
}

/* --- devices --- */

static int add_input(struct vd_svirt_run *run, const struct vd_res *res)
{
	struct vd_svirt_row row = row_for(res, VD_SVIRT_IMAGE, VD_AFTER_REMEMBERED, VD_ACCESS_READ_WRITE);

	return add_if_path(run, &row);
}

static int add_memory(struct vd_svirt_run *run, const struct vd_res *res)
{
	static const char *const sgx[] = { "/dev/sgx_vepc", "/dev/sgx_provision" };
	struct vd_svirt_row row = row_for(res, VD_SVIRT_IMAGE, VD_AFTER_REMEMBERED,
	                                  res->readonly ? VD_ACCESS_READ : VD_ACCESS_READ_WRITE);

	if (!is(res->subtype, "sgx-epc"))
		return add_if_path(run, &row);
	for (size_t i = 0; i < VD_ARRAY_SIZE(sgx); i++) {
		int r;

		row.path = sgx[i];
		r = vd_svirt_add(run, &row);
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * "ID-NAME", which ends the names of directories that libvirt makes for one run of a guest; the name is cut after its
 * 20th character (libvirt, virDomainDefGetShortName). Returns 0 or -ENOMEM.
 */
static int short_name(const struct vd_domain *domain, struct vd_buf *ret_name)
{
	size_t len = strlen(domain->name), end = 0;

	for (unsigned n = 0; n < 20 && end < len; n++)
		end += vd_utf8_next(domain->name + end, len - end, NULL);
	return vd_buf_addf(ret_name, "%d-%.*s", domain->id, (int)end, domain->name);
}

/* Add @row with the directory BASE/NAME, if it is there; *@found counts. Returns 0 or -ENOMEM. */
static int add_run_dir(struct vd_svirt_run *run, struct vd_svirt_row row, const char *base, const char *name,
                       unsigned *found)
{
	VD_AUTO_BUF path = VD_BUF_INIT;
	struct vd_stat st;

	if (vd_buf_addf(&path, "%s/%s", base, name) < 0)
		return -ENOMEM;
	row.path = vd_buf_str(&path);
	if (vd_root_stat(run->root, row.path, &st, NULL) < 0)
		return 0;
	++*found;
	return vd_svirt_add(run, &row);
}

/* The directory of memory in files: its own as the status XML has it, or below the one of qemu.conf. */
static int add_memory_files(struct vd_svirt_run *run, const struct vd_svirt_row *row, const char *name, unsigned *found)
{
	const char *told = run->domain->status->memory_backing_dir, *last = told ? strrchr(told, '/') : NULL;
	VD_AUTO_FREE char *parent = NULL;
	const char *bases[] = { told, run->settings->memory_backing_dir, "/var/lib/libvirt/qemu/ram",
		                "/var/lib/libvirt/qemu/ram/libvirt/qemu" /* libvirt 5 and older */ };
	int r = 0;

	if (last && is(last + 1, name)) {
		parent = strndup(told, (size_t)(last - told));
		if (!parent)
			return -ENOMEM;
		bases[0] = parent;
	}
	for (size_t i = 0; i < VD_ARRAY_SIZE(bases) && r == 0 && !*found; i++)
		if (bases[i])
			r = add_run_dir(run, *row, bases[i], name, found);
	return r;
}

/* The directories of huge pages: libvirt makes one on each mount, whichever size the guest asked for. */
static int add_huge_pages(struct vd_svirt_run *run, const struct vd_svirt_row *row, const char *name, unsigned *found)
{
	const struct vd_strv *mounts = &run->settings->hugetlbfs;
	int r = 0;

	for (size_t i = 0; i < mounts->len && r == 0; i++) {
		VD_AUTO_BUF base = VD_BUF_INIT;

		r = vd_buf_addf(&base, "%s/libvirt/qemu", mounts->items[i]);
		if (r == 0)
			r = add_run_dir(run, *row, vd_buf_str(&base), name, found);
	}
	return r;
}

/* Where they are depends on mounts and qemu.conf: only a directory that is there is taken for one of the guest. */
static int add_memory_backing(struct vd_svirt_run *run, const struct vd_res *res)
{
	struct vd_svirt_row row = row_for(res, VD_SVIRT_IMAGE, VD_AFTER_GONE, VD_ACCESS_READ_WRITE);
	VD_AUTO_BUF name = VD_BUF_INIT;
	unsigned found = 0;
	int r = 0;

	row.daemon_creates = true;
	row.host_dev = true;
	if (run->domain->status) {
		r = short_name(run->domain, &name);
		if (r == 0 && is(res->subtype, "file"))
			r = add_memory_files(run, &row, vd_buf_str(&name), &found);
		else if (r == 0)
			r = add_huge_pages(run, &row, vd_buf_str(&name), &found);
	}
	if (r < 0 || found)
		return r;
	row.kind = VD_SVIRT_UNTOUCHED;
	row.note = "libvirt makes a directory for the guest's memory at start and removes it at the end";
	return vd_svirt_add(run, &row);
}

static int add_smartcard(struct vd_svirt_run *run, const struct vd_res *res)
{
	struct vd_svirt_row row = row_for(res, VD_SVIRT_CONTENT, VD_AFTER_DEFAULT, VD_ACCESS_READ);

	if (!is(res->subtype, "host-certificates"))
		return 0;
	if (!row.path)
		row.path = "/etc/pki/nssdb";
	return vd_svirt_add(run, &row);
}

static int add_sev(struct vd_svirt_run *run, const struct vd_res *res)
{
	struct vd_svirt_row row = row_for(res, VD_SVIRT_IMAGE, VD_AFTER_GONE, VD_ACCESS_READ);
	const struct vd_dom_status *status = run->running ? run->domain->status : NULL;
	VD_AUTO_BUF path = VD_BUF_INIT;

	row.daemon_creates = true;
	if (status && status->lib_dir) {
		if (vd_buf_addf(&path, "%s/%s.base64", status->lib_dir,
		                is(res->target, "sev-session") ? "session" : "dh_cert") < 0)
			return -ENOMEM;
		row.path = vd_buf_str(&path);
	} else {
		row.kind = VD_SVIRT_UNTOUCHED;
		row.note = "libvirt writes it into the guest's directory at start";
	}
	return vd_svirt_add(run, &row);
}

static int add_filesystem(struct vd_svirt_run *run, const struct vd_res *res)
{
	struct vd_svirt_row row = row_for(res, VD_SVIRT_UNTOUCHED, VD_AFTER_UNCHANGED,
	                                  res->readonly ? VD_ACCESS_READ : VD_ACCESS_READ_WRITE);

	row.note = "a shared directory: libvirt never labels it";
	if (run->domain->driver == VD_DRIVER_LXC) {
		row.note = "libvirt labels nothing of the host's for a container";
		/* Images are attached by the daemon; the container sees only the file system in them. */
		if (is(res->subtype, "file") || is(res->subtype, "block"))
			row.access = VD_ACCESS_DAEMON;
		else if (is(res->subtype, "ram"))
			return 0;
	} else if (res->source->type == VD_SOURCE_VHOSTUSER) {
		row.note = "a socket of another process: libvirt does not label it";
	}
	return add_if_path(run, &row);
}

static int add_rng(struct vd_svirt_run *run, const struct vd_res *res)
{
	if (is(res->subtype, "egd"))
		return is(res->mode, "bind") ? 0
		                             : add_untouched(run, res, VD_ACCESS_READ_WRITE,
		                                             "a socket of another process: libvirt does not label it");
	return add_untouched(run, res, VD_ACCESS_READ, "libvirt does not label random number sources");
}

static int add_graphics(struct vd_svirt_run *run, const struct vd_res *res)
{
	struct vd_svirt_row row = row_for(res, VD_SVIRT_UNTOUCHED, VD_AFTER_UNCHANGED, VD_ACCESS_READ_WRITE);

	row.daemon_creates = !is(res->subtype, "rendernode");
	row.note = row.daemon_creates ? "a socket that the guest makes itself: libvirt does not label it"
	                              : "libvirt does not label render nodes";
	return add_if_path(run, &row);
}

static int add_cmdline(struct vd_svirt_run *run, const struct vd_res *res)
{
	struct vd_svirt_row row = row_for(res, VD_SVIRT_UNTOUCHED, VD_AFTER_UNCHANGED, VD_ACCESS_READ_WRITE);

	row.note = "named in qemu:commandline, which libvirt does not look into: its label must be set by hand";
	/* It may be an output, or no file at all. */
	row.daemon_creates = true;
	return add_if_path(run, &row);
}

static int add_loader(struct vd_svirt_run *run, const struct vd_res *res)
{
	return add_untouched(run, res, VD_ACCESS_READ, "firmware code: libvirt does not label it");
}

static int add_nvram_template(struct vd_svirt_run *run, const struct vd_res *res)
{
	/* A guest that runs has its nvram file. */
	if (run->running)
		return 0;
	return add_untouched(run, res, VD_ACCESS_DAEMON, "read by libvirtd only, when it makes the nvram file");
}

static int add_chardev_log(struct vd_svirt_run *run, const struct vd_res *res)
{
	struct vd_svirt_row row = row_for(res, VD_SVIRT_UNTOUCHED, VD_AFTER_UNCHANGED, VD_ACCESS_DAEMON);

	row.note = "written by virtlogd, not by the guest";
	row.daemon_creates = true;
	return add_if_path(run, &row);
}

static int add_shmem(struct vd_svirt_run *run, const struct vd_res *res)
{
	return add_untouched(run, res, VD_ACCESS_READ_WRITE, "shared memory: libvirt does not label it");
}

static int add_vsock(struct vd_svirt_run *run, const struct vd_res *res)
{
	return add_untouched(run, res, VD_ACCESS_DAEMON, "opened by the daemon, which passes it on");
}

static int add_interface(struct vd_svirt_run *run, const struct vd_res *res)
{
	struct vd_svirt_row row = row_for(res, VD_SVIRT_UNTOUCHED, VD_AFTER_UNCHANGED, VD_ACCESS_READ_WRITE);

	row.note = "a socket of another process: libvirt does not label it";
	if (is(res->subtype, "vdpa")) {
		row.access = VD_ACCESS_DAEMON;
		row.note = "opened by the daemon, which passes it on";
	} else if (!is(res->mode, "client")) {
		/* QEMU is the server and makes the socket. */
		row.daemon_creates = true;
		row.note = "a socket that the guest makes itself: libvirt does not label it";
	}
	return add_if_path(run, &row);
}

static int (*const rules[])(struct vd_svirt_run *run, const struct vd_res *res) = {
	[VD_RES_DISK] = vd_svirt_add_disk,
	[VD_RES_KERNEL] = add_boot_file,
	[VD_RES_INITRD] = add_boot_file,
	[VD_RES_DTB] = add_boot_file,
	[VD_RES_SLIC] = add_boot_file,
	[VD_RES_FWCFG] = add_boot_file,
	[VD_RES_LOADER] = add_loader,
	[VD_RES_NVRAM] = add_nvram,
	[VD_RES_NVRAM_TEMPLATE] = add_nvram_template,
	[VD_RES_CHARDEV] = add_chardev,
	[VD_RES_CHARDEV_LOG] = add_chardev_log,
	[VD_RES_HOSTDEV] = vd_svirt_add_hostdev,
	[VD_RES_FILESYSTEM] = add_filesystem,
	[VD_RES_INPUT] = add_input,
	[VD_RES_TPM] = vd_svirt_add_tpm,
	[VD_RES_RNG] = add_rng,
	[VD_RES_SHMEM] = add_shmem,
	[VD_RES_MEMORY] = add_memory,
	[VD_RES_MEMORY_BACKING] = add_memory_backing,
	[VD_RES_SMARTCARD] = add_smartcard,
	[VD_RES_GRAPHICS] = add_graphics,
	[VD_RES_VSOCK] = add_vsock,
	[VD_RES_INTERFACE] = add_interface,
	[VD_RES_SEV] = add_sev,
	[VD_RES_CMDLINE] = add_cmdline,
};
_Static_assert(VD_ARRAY_SIZE(rules) == VD_RES_COUNT_, "a rule for every kind of resource");

int vd_svirt_add_resource(struct vd_svirt_run *run, const struct vd_res *res)
{
	VLOG_DEBUG("%s: rule of %s %s", run->domain->name, vd_role_name(res->role), res->target);
	/* A container's nodes are made in its own /dev; of the host's files libvirt relabels none. */
	if (run->domain->driver == VD_DRIVER_LXC && res->kind != VD_RES_FILESYSTEM)
		return add_untouched(run, res, VD_ACCESS_DAEMON,
		                     "libvirt labels nothing of the host's for a container");
	return rules[res->kind](run, res);
}
