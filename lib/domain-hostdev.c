/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices of the host handed to the guest, and network interfaces, which may be such devices, too. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain-internal.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.domain-hostdev");

/* A number in an address attribute, hexadecimal with 0x, else decimal; 0 when absent or out of range. */
static unsigned address_part(const struct vd_xml_node *address, const char *name)
{
	int64_t n;

	if (vd_parse_number(vd_xml_attr(address, name), 0, &n) < 0 || n < 0 || n > 0xffffffff)
		return 0;
	return (unsigned)n;
}

static void set_address(struct vd_parse *p, struct vd_res *res, const char *text)
{
	free(res->address);
	res->address = vd_parse_dup(p, text);
}

void vd_parse_pci_address(struct vd_parse *p, const struct vd_xml_node *source, struct vd_res *res)
{
	const struct vd_xml_node *address = vd_xml_child(source, "address");
	char text[64];

	if (!address)
		return;
	snprintf(text, sizeof(text), "%04x:%02x:%02x.%x", address_part(address, "domain"), address_part(address, "bus"),
	         address_part(address, "slot"), address_part(address, "function"));
	set_address(p, res, text);
}

/* Bus and device when they are there (always in live XML), because they name the node; else vendor and product. */
static void usb_address(struct vd_parse *p, const struct vd_xml_node *source, struct vd_res *res)
{
	const struct vd_xml_node *address = vd_xml_child(source, "address"), *vendor = vd_xml_child(source, "vendor");
	const char *policy = vd_xml_attr(source, "startupPolicy");
	char text[64];

	res->missing = vd_parse_yes_no(source, "missing") == 1;
	res->source->startup_policy_optional = policy && !strcmp(policy, "optional");
	if (address && address_part(address, "device"))
		snprintf(text, sizeof(text), "%03u/%03u", address_part(address, "bus"),
		         address_part(address, "device"));
	else if (vendor)
		snprintf(text, sizeof(text), "%04x:%04x", address_part(vendor, "id"),
		         address_part(vd_xml_child(source, "product"), "id"));
	else
		return;
	set_address(p, res, text);
}

static void scsi_address(struct vd_parse *p, const struct vd_xml_node *source, struct vd_res *res)
{
	const struct vd_xml_node *address = vd_xml_child(source, "address");
	const char *protocol = vd_xml_attr(source, "protocol");
	const char *adapter = vd_xml_attr(vd_xml_child(source, "adapter"), "name");
	char text[128];

	if (protocol && !strcmp(protocol, "iscsi")) {
		vd_parse_res_path(p, res, VD_SOURCE_NETWORK, vd_xml_attr(source, "name"));
		res->source->type = VD_SOURCE_NETWORK;
		res->source->protocol = vd_parse_dup(p, protocol);
		return;
	}
	if (!adapter || !address)
		return;
	if (!strncmp(adapter, "scsi_", 5))
		adapter += 5;
	snprintf(text, sizeof(text), "%.40s:%u:%u:%u", adapter, address_part(address, "bus"),
	         address_part(address, "target"), address_part(address, "unit"));
	set_address(p, res, text);
}

static void scsi_host_address(struct vd_parse *p, const struct vd_xml_node *source, struct vd_res *res)
{
	set_address(p, res, vd_xml_attr(source, "wwpn"));
}

static void mdev_address(struct vd_parse *p, const struct vd_xml_node *source, struct vd_res *res)
{
	set_address(p, res, vd_xml_attr(vd_xml_child(source, "address"), "uuid"));
}

/* mode='capabilities' (LXC): a node of the host that appears in the container. */
static void capability_path(struct vd_parse *p, const struct vd_xml_node *source, struct vd_res *res)
{
	const char *block = vd_xml_text(vd_xml_child(source, "block")),
	           *chr = vd_xml_text(vd_xml_child(source, "char"));

	if (block)
		vd_parse_res_path(p, res, VD_SOURCE_BLOCK, block);
	else
		vd_parse_res_path(p, res, VD_SOURCE_FILE, chr);
}

static const struct {
	const char *type;
	void (*read)(struct vd_parse *p, const struct vd_xml_node *source, struct vd_res *res);
} hostdev_types[] = {
	{ "pci", vd_parse_pci_address },    { "usb", usb_address },   { "scsi", scsi_address },
	{ "scsi_host", scsi_host_address }, { "mdev", mdev_address }, { "storage", capability_path },
	{ "misc", capability_path },
};

static void fill_hostdev(struct vd_parse *p, const struct vd_xml_node *device, const char *type, struct vd_res *res)
{
	const struct vd_xml_node *source = vd_xml_child(device, "source");

	res->subtype = vd_parse_dup_nonempty(p, type);
	res->managed = vd_parse_yes_no(device, "managed") == 1;
	for (size_t i = 0; type && source && i < VD_ARRAY_SIZE(hostdev_types); i++)
		if (!strcmp(type, hostdev_types[i].type))
			hostdev_types[i].read(p, source, res);
	VLOG_DEBUG("%s: %s is %s device %s", p->file, res->target, type ? type : "an unknown",
	           res->address ? res->address : "without address");
}

void vd_parse_hostdev(struct vd_parse *p, const struct vd_xml_node *device)
{
	struct vd_res *res;
	char target[64];

	snprintf(target, sizeof(target), "hostdev%u", p->counts[VD_RES_HOSTDEV]++);
	res = vd_parse_res(p, VD_RES_HOSTDEV, VD_ROLE_HOSTDEV, target);
	if (!res)
		return;
	res->readonly = vd_xml_child(device, "readonly") != NULL;
	res->shareable = vd_xml_child(device, "shareable") != NULL;
	res->mode = vd_parse_dup_nonempty(p, vd_xml_attr(vd_xml_child(device, "driver"), "name"));
	fill_hostdev(p, device, vd_xml_attr(device, "type"), res);
}

static void interface_path(struct vd_parse *p, const char *target, const char *type, const struct vd_xml_node *source,
                           const char *path)
{
	struct vd_res *res = vd_parse_res(p, VD_RES_INTERFACE, VD_ROLE_OTHER, target);

	if (!res)
		return;
	res->subtype = vd_parse_dup(p, type);
	res->mode = vd_parse_dup_nonempty(p, vd_xml_attr(source, "mode"));
	vd_parse_res_path(p, res, VD_SOURCE_FILE, path);
}

/*
 * Of interfaces only these use a file or node of the host's that the XML names. One of type 'network' tells in a status
 * XML what it became, in <actual>.
 */
void vd_parse_interface(struct vd_parse *p, const struct vd_xml_node *device)
{
	const struct vd_xml_node *actual = vd_xml_child(device, "actual");
	const char *mac = vd_xml_attr(vd_xml_child(device, "mac"), "address");
	const struct vd_xml_node *source;
	const char *type;
	struct vd_res *res;
	char target[64];

	if (actual)
		device = actual;
	source = vd_xml_child(device, "source");
	type = vd_xml_attr(device, "type");
	if (mac)
		snprintf(target, sizeof(target), "net:%.48s", mac);
	else
		snprintf(target, sizeof(target), "net%u", p->counts[VD_RES_INTERFACE]);
	p->counts[VD_RES_INTERFACE]++;
	if (!type)
		return;
	if (!strcmp(type, "hostdev")) {
		res = vd_parse_res(p, VD_RES_HOSTDEV, VD_ROLE_HOSTDEV, target);
		if (!res)
			return;
		res->mode = vd_parse_dup_nonempty(p, vd_xml_attr(vd_xml_child(device, "driver"), "name"));
		fill_hostdev(p, device, vd_xml_attr(vd_xml_child(source, "address"), "type"), res);
	} else if (!strcmp(type, "vhostuser")) {
		interface_path(p, target, type, source, vd_xml_attr(source, "path"));
	} else if (!strcmp(type, "vdpa")) {
		interface_path(p, target, type, source, vd_xml_attr(source, "dev"));
	}
}
