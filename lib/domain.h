/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One guest as its XML describes it: persistent (/etc/libvirt/qemu/NAME.xml), status (/run/libvirt/qemu/NAME.xml, root
 * element <domstatus>) or a given file (virsh dumpxml). The parser takes memory and does no I/O. It never fetches
 * anything: no network, no external entity, no external DTD; internal entities are expanded as libvirt does, within
 * limits on size and depth.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "buf.h"
#include "err.h"

enum vd_driver {
	VD_DRIVER_QEMU,
	VD_DRIVER_LXC,
	VD_DRIVER_COUNT_
};

/* "qemu" or "lxc". */
const char *vd_driver_name(enum vd_driver driver);

/* What a file is to its guest; the words are those of design 1.4. */
enum vd_role {
	VD_ROLE_DISK,
	VD_ROLE_BACKING,
	VD_ROLE_CDROM,
	VD_ROLE_FLOPPY,
	VD_ROLE_KERNEL,
	VD_ROLE_INITRD,
	VD_ROLE_DTB,
	VD_ROLE_SLIC,
	VD_ROLE_NVRAM,
	VD_ROLE_LOADER,
	VD_ROLE_SERIAL,
	VD_ROLE_CONSOLE,
	VD_ROLE_CHANNEL,
	VD_ROLE_PARALLEL,
	VD_ROLE_HOSTDEV,
	VD_ROLE_FILESYSTEM,
	VD_ROLE_MEMORY,
	VD_ROLE_RNG,
	VD_ROLE_TPM,
	VD_ROLE_SHMEM,
	VD_ROLE_FWCFG,
	VD_ROLE_SAVE,
	VD_ROLE_DATA_FILE,
	VD_ROLE_OTHER,
	VD_ROLE_COUNT_
};
const char *vd_role_name(enum vd_role role);

/* <seclabel> of the domain. */
enum vd_seclabel_type {
	VD_SECLABEL_DYNAMIC,
	VD_SECLABEL_STATIC,
	VD_SECLABEL_NONE
};
struct vd_seclabel {
	enum vd_seclabel_type type;           /* dynamic when the attribute is absent */
	char *model;                          /* NULL when absent */
	int relabel;                          /* 1 yes, 0 no, -1 absent: the default of the type applies (static: no) */
	char *label, *imagelabel, *baselabel; /* NULL when absent */
};

/* <seclabel> below a <source>. */
struct vd_dev_seclabel {
	char *model; /* NULL when absent */
	int relabel; /* 1, 0, -1 absent */
	char *label; /* NULL when absent */
	bool labelskip;
};

enum vd_source_type {
	VD_SOURCE_NONE, /* no <source>, or an empty one: an empty drive */
	VD_SOURCE_FILE,
	VD_SOURCE_BLOCK,
	VD_SOURCE_DIR,
	VD_SOURCE_NETWORK,
	VD_SOURCE_VOLUME,
	VD_SOURCE_NVME,
	VD_SOURCE_VHOSTUSER,
	VD_SOURCE_VHOSTVDPA,
	VD_SOURCE_OTHER,
	VD_SOURCE_COUNT_
};

enum vd_backing {
	VD_BACKING_ABSENT, /* no <backingStore>: what lies below stands in the image's header */
	VD_BACKING_END,    /* an empty <backingStore/>: the chain ends here */
	VD_BACKING_GIVEN,  /* described: @backing */
};

/* One layer of storage: a disk's <source>, a <backingStore>, a <mirror>, or the file of another device. */
struct vd_source {
	enum vd_source_type type;
	char *path;          /* file, block, dir: the path; network: the volume name; NULL when absent */
	char *protocol;      /* network: "nbd", "rbd", ...; NULL */
	char *pool, *volume; /* type volume */
	char *format;        /* "qcow2", ... as written; NULL when absent */
	char *fdgroup;       /* passed file descriptors (virDomainFDAssociate); NULL */
	/* 1: startupPolicy='optional'. 'requisite' lets a migration or restore go on without the file, not a start. */
	int startup_policy_optional;
	struct vd_dev_seclabel *seclabels;
	size_t n_seclabels;
	enum vd_backing backing_state;
	struct vd_source *backing;   /* owned; only with VD_BACKING_GIVEN */
	struct vd_source *data_file; /* owned; <dataStore> since libvirt 10.10; NULL */
};

/* Every device or element that makes the guest use a file of the host: the rows of the labelling rules. */
enum vd_res_kind {
	VD_RES_DISK, /* source, mirror; device below */
	VD_RES_KERNEL,
	VD_RES_INITRD,
	VD_RES_DTB,
	VD_RES_SLIC,
	VD_RES_FWCFG,
	VD_RES_LOADER,
	VD_RES_NVRAM,          /* source: a storage source with format (nvram is labelled by disk rules) */
	VD_RES_NVRAM_TEMPLATE, /* only read by libvirtd */
	VD_RES_CHARDEV,        /* chardev_type: file, dev, pipe, unix, ...; path may be NULL */
	VD_RES_CHARDEV_LOG,    /* <log file=>: written by virtlogd */
	VD_RES_HOSTDEV,        /* hostdev_type: pci, usb, scsi, scsi_host, mdev, storage, misc */
	VD_RES_FILESYSTEM,     /* fs_driver: path, virtiofs, ...; lxc: mount, block, file, ram, bind */
	VD_RES_INPUT,          /* passthrough or evdev */
	VD_RES_TPM,            /* chardev_type: passthrough, emulator, external */
	VD_RES_RNG,
	VD_RES_SHMEM,
	VD_RES_MEMORY,         /* nvdimm, virtio-pmem, sgx-epc */
	VD_RES_MEMORY_BACKING, /* hugepages or file backed: no path in the XML */
	VD_RES_SMARTCARD,
	VD_RES_GRAPHICS,
	VD_RES_VSOCK,
	VD_RES_INTERFACE /* vhostuser socket */,
	VD_RES_SEV,
	VD_RES_CMDLINE, /* a path in qemu:commandline: unknown to libvirt */
	VD_RES_COUNT_
};

struct vd_res {
	enum vd_res_kind kind;
	enum vd_role role;
	char *target;  /* how the user knows it: "vda", "kernel", "serial0", "net:52:54:00:..."; never NULL */
	char *device;  /* disks: "disk", "cdrom", "floppy", "lun"; NULL else */
	char *subtype; /* chardev_type, hostdev_type, fs type, tpm backend, memory model, input type, ...; NULL */
	char *mode;    /* chardev unix: "connect" or "bind"; hostdev pci: driver name; fs: accessmode; NULL */
	bool readonly, shareable, transient, managed;
	struct vd_source *source; /* owned, never NULL; type VD_SOURCE_NONE when the element names no file */
	struct vd_source *mirror; /* owned; <mirror> of an active block copy or commit; NULL */
	char *mirror_job;         /* "copy", "active-commit"; NULL */
	/*
	 * Hostdevs and NVMe disks: canonical text of the source address: "0000:03:00.0" (pci), "001/004" (usb
	 * bus/device), "046d:c52b" (usb vendor:product without bus), "host2:0:1:0" (scsi), UUID (mdev), wwpn (vhost);
	 * NULL.
	 */
	char *address;
	char *binary; /* filesystem: the virtiofsd to run; NULL */
	bool missing; /* a USB device with startupPolicy='optional' that was not there at start (live XML) */
};

/* Which threads a <vcpupin>, <emulatorpin> or <iothreadpin> is of. */
enum vd_pin_kind {
	VD_PIN_VCPU,
	VD_PIN_EMULATOR, /* id is 0 */
	VD_PIN_IOTHREAD,
};
struct vd_pin {
	enum vd_pin_kind kind;
	unsigned id;
	char *cpus; /* as written: "0-3,^2" */
};
/* <device> of <blkiotune>; -1: not set. */
struct vd_blkio_device {
	char *path;
	int64_t weight, read_bytes, write_bytes, read_iops, write_iops;
};

/* Limits from the XML; -1: not set. Memory in KiB and time in microseconds as in the XML. */
struct vd_tuning {
	int64_t cpu_shares, period, quota, global_period, global_quota, emulator_period, emulator_quota;
	int64_t iothread_period, iothread_quota;
	int64_t hard_limit, soft_limit, swap_hard_limit, min_guarantee;
	int64_t blkio_weight;
	char *cpuset;                   /* <vcpu cpuset=>: for all threads without a pin of their own; NULL */
	bool cpuset_auto;               /* numad chooses: cpuset means nothing */
	char *numa_mode, *numa_nodeset; /* <numatune><memory>: "strict"...; NULL */
	bool numa_cells;                /* there is a <memnode>: nodes differ between virtual CPUs */
	struct vd_pin *pins;
	size_t n_pins;
	struct vd_blkio_device *blkio_devices;
	size_t n_blkio_devices;
};

/* What only a status XML tells. */
struct vd_dom_status {
	char *state, *reason; /* "running", "booted", ...: domstatus attributes; NULL when absent */
	pid_t pid;            /* QEMU, or the LXC controller; 0 unknown */
	pid_t init_pid;       /* LXC: the container's init; 0 */
	bool mount_namespace; /* QEMU has a private /dev */
	bool remember_owner;
	bool chardev_stdio_logd;            /* virtlogd writes the guest's log and file chardevs */
	char *lib_dir, *channel_target_dir; /* NULL when absent */
	struct {
		unsigned id;
		pid_t tid;
	} * vcpus; /* threads of virtual CPUs */
	size_t n_vcpus;
	char *job, *job_owner;         /* kind of the active job ("none" is NULL), its owner when recorded */
	char *async_job, *async_phase; /* "migration out", ...; NULL when none */
	int64_t async_started_ms;      /* milliseconds since the epoch as recorded by newer libvirt; 0 unknown */
	bool async_paused;             /* a migration that is stuck in its postcopy phase */
	bool block_jobs;               /* at least one active block job */
	char *memory_backing_dir;      /* directory of file-backed memory; NULL when absent */
};

struct vd_domain {
	enum vd_driver driver;
	char *virt_type;                                     /* "kvm", "qemu", "hvf", "lxc": the type attribute */
	char *name;                                          /* never NULL */
	char uuid[37];                                       /* lower case; "" when absent */
	int id;                                              /* -1 when inactive */
	char *title, *emulator, *machine, *init, *partition; /* NULL when absent */
	int64_t memory_kib;                                  /* <memory> in KiB, -1 absent */
	unsigned vcpus;                                      /* maximum; 0 absent */
	bool hugepages; /* memory is on huge pages: the memory controller does not count it */
	struct vd_tuning tuning;
	struct vd_seclabel *seclabels; /* in document order */
	size_t n_seclabels;
	struct vd_res *resources; /* in document order: os, then devices, then the rest */
	size_t n_resources;
	struct vd_dom_status *status; /* NULL when the XML is no status XML */
};

/*
 * Parse @len bytes of XML. @file names it in messages ("FILE:LINE: reason"). Accepts <domain> and <domstatus> roots of
 * the qemu and lxc drivers (type kvm, qemu, hvf, xen is refused). libvirt's defaults are not filled in.
 * Returns 0 and a domain that the caller frees; -EBADMSG for broken XML or a document that is no domain;
 * -E2BIG when it is deeper or larger than allowed; -ENOTSUP for a domain type of another driver; -ENOMEM.
 */
int vd_domain_parse(const char *xml, size_t len, const char *file, struct vd_domain **ret_domain,
                    struct vd_err *err) VD_MUST_CHECK;
void vd_domain_free(struct vd_domain *domain);
void vd_domain_cleanup(struct vd_domain **domain);
#define VD_AUTO_DOMAIN VD_CLEANUP(vd_domain_cleanup)

/*
 * The seclabel that libvirt applies for @model ("selinux", "dac", "apparmor"): the one that names it, or a single one
 * without a model. NULL: none is written, libvirt generates a dynamic one. Borrowed.
 */
const struct vd_seclabel *vd_domain_seclabel(const struct vd_domain *domain, const char *model);

/* Sources are also made by lib/image. NULL without memory; free(NULL) is harmless. */
struct vd_source *vd_source_new(enum vd_source_type type);
/* A deep copy, without @backing and @data_file: backing_state becomes VD_BACKING_ABSENT. */
struct vd_source *vd_source_copy(const struct vd_source *source);
/* Frees the whole chain below it too, however long it is. */
void vd_source_free(struct vd_source *source);
