/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which files of the host a domain uses: its os section, its devices, and the rest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain-internal.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.domain-device");

#define QEMU_NS "http://libvirt.org/schemas/domain/qemu/1.0"

/* A resource that is one file, whose path is @path; none when that is empty. */
static struct vd_res *file_res(struct vd_parse *p, enum vd_res_kind kind, enum vd_role role, const char *target,
                               const char *path)
{
	struct vd_res *res = path && *path ? vd_parse_res(p, kind, role, target) : NULL;

	if (res)
		vd_parse_res_path(p, res, VD_SOURCE_FILE, path);
	return res;
}

/* A device called "NAMEn", n counting those of its kind. */
static struct vd_res *device_res(struct vd_parse *p, enum vd_res_kind kind, enum vd_role role, const char *name)
{
	char target[64];

	snprintf(target, sizeof(target), "%s%u", name, p->counts[kind]++);
	return vd_parse_res(p, kind, role, target);
}

static void parse_loader(struct vd_parse *p, const struct vd_xml_node *loader)
{
	struct vd_res *res = file_res(p, VD_RES_LOADER, VD_ROLE_LOADER, "loader", vd_xml_text(loader));

	if (!res)
		return;
	res->subtype = vd_parse_dup_nonempty(p, vd_xml_attr(loader, "type"));
	res->readonly = vd_parse_yes_no(loader, "readonly") == 1;
	res->source->format = vd_parse_dup_nonempty(p, vd_xml_attr(loader, "format"));
}

static void parse_os(struct vd_parse *p, const struct vd_xml_node *domain)
{
	const struct vd_xml_node *os = vd_xml_child(domain, "os"), *nvram = vd_xml_child(os, "nvram");
	const struct vd_xml_node *varstore = vd_xml_child(os, "varstore");
	struct vd_res *res;

	parse_loader(p, vd_xml_child(os, "loader"));
	if (nvram)
		vd_parse_nvram(p, nvram);
	/* UEFI variables as JSON, libvirt 12.1 and later. */
	res = file_res(p, VD_RES_NVRAM, VD_ROLE_NVRAM, "varstore", vd_xml_attr(varstore, "path"));
	if (res)
		res->subtype = vd_parse_dup(p, "varstore");
	file_res(p, VD_RES_KERNEL, VD_ROLE_KERNEL, "kernel", vd_xml_text(vd_xml_child(os, "kernel")));
	file_res(p, VD_RES_INITRD, VD_ROLE_INITRD, "initrd", vd_xml_text(vd_xml_child(os, "initrd")));
	file_res(p, VD_RES_DTB, VD_ROLE_DTB, "dtb", vd_xml_text(vd_xml_child(os, "dtb")));
	VD_XML_EACH(table, vd_xml_child(os, "acpi"), "table")
	{
		res = file_res(p, VD_RES_SLIC, VD_ROLE_SLIC, "slic", vd_xml_text(table));
		if (res)
			res->subtype = vd_parse_dup_nonempty(p, vd_xml_attr(table, "type"));
	}
}

/* QEMU guests: <driver type=> tells the kind; LXC: the type attribute does. */
static void parse_filesystem(struct vd_parse *p, const struct vd_xml_node *device)
{
	const struct vd_xml_node *source = vd_xml_child(device, "source");
	const char *target = vd_xml_attr(vd_xml_child(device, "target"), "dir");
	const char *type = vd_xml_attr(device, "type"), *driver = vd_xml_attr(vd_xml_child(device, "driver"), "type");
	const char *dir = vd_xml_attr(source, "dir"), *file = vd_xml_attr(source, "file");
	const char *dev = vd_xml_attr(source, "dev"), *socket = vd_xml_attr(source, "socket");
	struct vd_res *res;

	res = vd_parse_res(p, VD_RES_FILESYSTEM, VD_ROLE_FILESYSTEM, target && *target ? target : "filesystem");
	if (!res)
		return;
	if (p->dom->driver == VD_DRIVER_LXC)
		res->subtype = vd_parse_dup(p, type && *type ? type : "mount");
	else
		res->subtype = vd_parse_dup(p, driver && *driver ? driver : "path");
	res->mode = vd_parse_dup_nonempty(p, vd_xml_attr(device, "accessmode"));
	res->readonly = vd_xml_child(device, "readonly") != NULL;
	res->binary = vd_parse_dup_nonempty(p, vd_xml_attr(vd_xml_child(device, "binary"), "path"));
	if (dir)
		vd_parse_res_path(p, res, VD_SOURCE_DIR, dir);
	else if (file)
		vd_parse_res_path(p, res, VD_SOURCE_FILE, file);
	else if (dev)
		vd_parse_res_path(p, res, VD_SOURCE_BLOCK, dev);
	else
		/* The socket of a virtiofsd that somebody else runs. */
		vd_parse_res_path(p, res, VD_SOURCE_VHOSTUSER, socket);
}

/* Devices of type 'passthrough' name the node as evdev=, those of type 'evdev' (7.4) as dev=. */
static void parse_input(struct vd_parse *p, const struct vd_xml_node *device)
{
	const struct vd_xml_node *source = vd_xml_child(device, "source");
	const char *type = vd_xml_attr(device, "type");
	struct vd_res *res;

	if (!type || (strcmp(type, "passthrough") != 0 && strcmp(type, "evdev") != 0))
		return;
	res = device_res(p, VD_RES_INPUT, VD_ROLE_OTHER, "input");
	if (!res)
		return;
	res->subtype = vd_parse_dup(p, type);
	vd_parse_res_path(p, res, VD_SOURCE_FILE, vd_xml_attr(source, strcmp(type, "evdev") != 0 ? "evdev" : "dev"));
}

static void parse_shmem(struct vd_parse *p, const struct vd_xml_node *device)
{
	const char *name = vd_xml_attr(device, "name");
	struct vd_res *res = vd_parse_res(p, VD_RES_SHMEM, VD_ROLE_SHMEM, name && *name ? name : "shmem");

	if (!res)
		return;
	res->subtype = vd_parse_dup_nonempty(p, vd_xml_attr(vd_xml_child(device, "model"), "type"));
	vd_parse_res_path(p, res, VD_SOURCE_FILE, vd_xml_attr(vd_xml_child(device, "server"), "path"));
}

/* Only these memory devices have a file; the others are anonymous memory. */
static void parse_memory_device(struct vd_parse *p, const struct vd_xml_node *device)
{
	const char *model = vd_xml_attr(device, "model");
	struct vd_res *res;
	char target[64];

	/* Counted whether they have a file or not: "memory1" is the second one in the XML. */
	snprintf(target, sizeof(target), "memory%u", p->counts[VD_RES_MEMORY]++);
	if (!model ||
	    (strcmp(model, "nvdimm") != 0 && strcmp(model, "virtio-pmem") != 0 && strcmp(model, "sgx-epc") != 0))
		return;
	res = vd_parse_res(p, VD_RES_MEMORY, VD_ROLE_MEMORY, target);
	if (!res)
		return;
	res->subtype = vd_parse_dup(p, model);
	res->readonly = vd_xml_child(vd_xml_child(device, "target"), "readonly") != NULL;
	vd_parse_res_path(p, res, VD_SOURCE_FILE, vd_xml_text(vd_xml_child(vd_xml_child(device, "source"), "path")));
}

/* Sockets stand in socket= of the element (old) and of its <listen> children; the node of the GPU in <gl>. */
static void parse_graphics(struct vd_parse *p, const struct vd_xml_node *device)
{
	const char *type = vd_xml_attr(device, "type"), *socket = vd_xml_attr(device, "socket");
	const char *node = vd_xml_attr(vd_xml_child(device, "gl"), "rendernode");
	struct vd_res *res;
	char target[64];

	snprintf(target, sizeof(target), "graphics%u", p->counts[VD_RES_GRAPHICS]++);
	VD_XML_EACH(listen, device, "listen")
	if (!socket)
		socket = vd_xml_attr(listen, "socket");
	res = file_res(p, VD_RES_GRAPHICS, VD_ROLE_OTHER, target, socket);
	if (res)
		res->subtype = vd_parse_dup_nonempty(p, type);
	res = file_res(p, VD_RES_GRAPHICS, VD_ROLE_OTHER, target, node);
	if (res)
		res->subtype = vd_parse_dup(p, "rendernode");
}

static void parse_vsock(struct vd_parse *p, const struct vd_xml_node *device)
{
	struct vd_res *res = device_res(p, VD_RES_VSOCK, VD_ROLE_OTHER, "vsock");

	if (res)
		res->subtype = vd_parse_dup_nonempty(p, vd_xml_attr(device, "model"));
}

static const struct {
	const char *name;
	void (*parse)(struct vd_parse *p, const struct vd_xml_node *device);
} devices[] = {
	{ "disk", vd_parse_disk },         { "interface", vd_parse_interface },
	{ "serial", vd_parse_chardev },    { "parallel", vd_parse_chardev },
	{ "console", vd_parse_chardev },   { "channel", vd_parse_chardev },
	{ "hostdev", vd_parse_hostdev },   { "filesystem", parse_filesystem },
	{ "input", parse_input },          { "tpm", vd_parse_tpm },
	{ "rng", vd_parse_rng },           { "shmem", parse_shmem },
	{ "memory", parse_memory_device }, { "smartcard", vd_parse_smartcard },
	{ "graphics", parse_graphics },    { "vsock", parse_vsock },
};

static void parse_devices(struct vd_parse *p, const struct vd_xml_node *domain)
{
	const struct vd_xml_node *parent = vd_xml_child(domain, "devices");

	/* Consoles are written after serial ports, but nothing demands it. */
	p->serial_0 = vd_xml_child(parent, "serial") != NULL;
	VD_XML_EACH(device, parent, NULL)
	for (size_t i = 0; i < VD_ARRAY_SIZE(devices) && p->rc == 0; i++)
		if (!strcmp(vd_xml_name(device), devices[i].name)) {
			devices[i].parse(p, device);
			break;
		}
}

/* Huge pages and memory in files live in a directory for each guest, which no path in the XML names. */
static void parse_memory_backing(struct vd_parse *p, const struct vd_xml_node *domain)
{
	const struct vd_xml_node *backing = vd_xml_child(domain, "memoryBacking");
	const char *type = vd_xml_attr(vd_xml_child(backing, "source"), "type");
	struct vd_res *res;

	if (vd_xml_child(backing, "hugepages")) {
		res = vd_parse_res(p, VD_RES_MEMORY_BACKING, VD_ROLE_MEMORY, "hugepages");
		if (res)
			res->subtype = vd_parse_dup(p, "hugepages");
	} else if (type && !strcmp(type, "file")) {
		res = vd_parse_res(p, VD_RES_MEMORY_BACKING, VD_ROLE_MEMORY, "memory-file");
		if (res)
			res->subtype = vd_parse_dup(p, "file");
	}
}

static void parse_fwcfg(struct vd_parse *p, const struct vd_xml_node *domain)
{
	VD_XML_EACH(sysinfo, domain, "sysinfo")
	{
		const char *type = vd_xml_attr(sysinfo, "type");

		if (!type || strcmp(type, "fwcfg") != 0)
			continue;
		VD_XML_EACH(entry, sysinfo, "entry")
		{
			const char *name = vd_xml_attr(entry, "name");

			file_res(p, VD_RES_FWCFG, VD_ROLE_FWCFG, name && *name ? name : "fwcfg",
			         vd_xml_attr(entry, "file"));
		}
	}
}

/* The two blobs of a SEV guest become files in its directory; the XML holds only their content. */
static void parse_launch_security(struct vd_parse *p, const struct vd_xml_node *domain)
{
	static const struct {
		const char *element, *target;
	} blobs[] = { { "dhCert", "sev-dh-cert" }, { "session", "sev-session" } };
	const struct vd_xml_node *sec = vd_xml_child(domain, "launchSecurity");
	const char *type = vd_xml_attr(sec, "type");

	for (size_t i = 0; type && i < VD_ARRAY_SIZE(blobs); i++) {
		struct vd_res *res = NULL;

		if (!strcmp(type, "sev") && vd_xml_child(sec, blobs[i].element))
			res = vd_parse_res(p, VD_RES_SEV, VD_ROLE_OTHER, blobs[i].target);
		if (res)
			res->subtype = vd_parse_dup(p, type);
	}
}

/* The value at @s up to a single comma, QEMU's doubled commas undone, into @out. Returns what follows the comma. */
static const char *option_value(const char *s, char *out)
{
	for (; *s; s++) {
		if (*s == ',') {
			if (s[1] != ',') {
				s++;
				break;
			}
			s++;
		}
		*out++ = *s;
	}
	*out = '\0';
	return s;
}

/* Strings of a JSON argument (-blockdev '{"filename":"/x"}') that are absolute paths and hold no escapes. */
static void json_paths(struct vd_parse *p, const char *arg, char *scratch)
{
	const char *s = arg, *end;

	while ((s = strstr(s, "\"/"))) {
		end = strchr(++s, '"');
		if (!end)
			return;
		memcpy(scratch, s, (size_t)(end - s));
		scratch[end - s] = '\0';
		if (!strchr(scratch, '\\'))
			file_res(p, VD_RES_CMDLINE, VD_ROLE_OTHER, "qemu:commandline", scratch);
		s = end + 1;
	}
}

/* An argument is a path, or options such as "file=/x,if=none" whose values may be paths. */
static void arg_paths(struct vd_parse *p, const char *arg, char *scratch)
{
	if (*arg == '{') {
		json_paths(p, arg, scratch);
		return;
	}
	while (*arg) {
		const char *path;

		arg = option_value(arg, scratch);
		path = *scratch == '/' ? scratch : strstr(scratch, "=/");
		if (path)
			file_res(p, VD_RES_CMDLINE, VD_ROLE_OTHER, "qemu:commandline", path + (*path == '='));
	}
}

static void parse_commandline(struct vd_parse *p, const struct vd_xml_node *domain)
{
	const struct vd_xml_node *line = vd_xml_child_ns(domain, "commandline", QEMU_NS);

	for (const struct vd_xml_node *arg = vd_xml_child_ns(line, "arg", QEMU_NS); arg && p->rc == 0;
	     arg = vd_xml_next_ns(arg, "arg", QEMU_NS)) {
		const char *value = vd_xml_attr(arg, "value");
		/* As large as the argument, so no piece of it can be larger. */
		VD_AUTO_FREE char *scratch = vd_parse_dup_nonempty(p, value);

		if (scratch)
			arg_paths(p, value, scratch);
	}
}

void vd_parse_resources(struct vd_parse *p, const struct vd_xml_node *domain)
{
	parse_os(p, domain);
	parse_devices(p, domain);
	VLOG_DEBUG("%s: %zu resources in os and devices", p->file, p->dom->n_resources);
	parse_memory_backing(p, domain);
	parse_fwcfg(p, domain);
	parse_launch_security(p, domain);
	parse_commandline(p, domain);
}
