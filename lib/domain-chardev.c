/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices with a character back end: serial, parallel, console, channel, smartcard, random numbers, TPM. */
#include <stdio.h>
#include <string.h>

#include "domain-internal.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.domain-chardev");

/* The <source> that names a file; udp has two without any. */
static const struct vd_xml_node *chardev_source(const struct vd_xml_node *device)
{
	VD_XML_EACH(source, device, "source")
	if (vd_xml_attr(source, "path"))
		return source;
	return vd_xml_child(device, "source");
}

/* Fills @res from an element with the attribute type= and <source path= mode=>. */
static void fill_chardev(struct vd_parse *p, struct vd_res *res, const struct vd_xml_node *device, const char *type)
{
	const struct vd_xml_node *source = chardev_source(device);

	res->subtype = vd_parse_dup_nonempty(p, type);
	res->mode = vd_parse_dup_nonempty(p, vd_xml_attr(source, "mode"));
	vd_parse_res_path(p, res, VD_SOURCE_FILE, vd_xml_attr(source, "path"));
	vd_parse_dev_seclabels(p, source, res->source);
}

/* <log file=>: what the device prints is also written there, by virtlogd. */
static void parse_log(struct vd_parse *p, const struct vd_xml_node *device, enum vd_role role, const char *target)
{
	const char *file = vd_xml_attr(vd_xml_child(device, "log"), "file");
	struct vd_res *res = file && *file ? vd_parse_res(p, VD_RES_CHARDEV_LOG, role, target) : NULL;

	if (res)
		vd_parse_res_path(p, res, VD_SOURCE_FILE, file);
}

/*
 * libvirt shows the first serial port of a QEMU guest a second time as its first console; both are one device. The
 * target type of such a console is "serial", which is also the default where there are serial ports.
 */
static bool is_serial_again(const struct vd_parse *p, const struct vd_xml_node *console)
{
	const char *type = vd_xml_attr(vd_xml_child(console, "target"), "type");

	return p->dom->driver == VD_DRIVER_QEMU && p->serial_0 && (!type || !strcmp(type, "serial"));
}

void vd_parse_chardev(struct vd_parse *p, const struct vd_xml_node *device)
{
	static const struct {
		const char *name;
		enum vd_role role;
	} kinds[] = {
		{ "serial", VD_ROLE_SERIAL },
		{ "parallel", VD_ROLE_PARALLEL },
		{ "console", VD_ROLE_CONSOLE },
		{ "channel", VD_ROLE_CHANNEL },
	};
	const char *name = vd_xml_name(device);
	enum vd_role role = VD_ROLE_OTHER;
	struct vd_res *res;
	char target[64];
	unsigned *count;
	size_t i;

	for (i = 0; i < VD_ARRAY_SIZE(kinds); i++)
		if (!strcmp(name, kinds[i].name))
			role = kinds[i].role;
	count = &p->role_counts[role];
	snprintf(target, sizeof(target), "%s%u", name, (*count)++);
	if (role == VD_ROLE_CONSOLE && *count == 1 && is_serial_again(p, device)) {
		VLOG_DEBUG("%s: %s is serial0 again, left out", p->file, target);
		return;
	}
	res = vd_parse_res(p, VD_RES_CHARDEV, role, target);
	if (!res)
		return;
	fill_chardev(p, res, device, vd_xml_attr(device, "type"));
	parse_log(p, device, role, target);
}

/* mode='host' uses the host's reader, 'host-certificates' an NSS database, 'passthrough' a character device. */
void vd_parse_smartcard(struct vd_parse *p, const struct vd_xml_node *device)
{
	const char *mode = vd_xml_attr(device, "mode");
	bool passthrough = mode && !strcmp(mode, "passthrough");
	struct vd_res *res;
	char target[64];

	snprintf(target, sizeof(target), "smartcard%u", p->counts[VD_RES_SMARTCARD]++);
	/* Passthrough is labelled like any other character device, so it is one. */
	res = vd_parse_res(p, passthrough ? VD_RES_CHARDEV : VD_RES_SMARTCARD, VD_ROLE_OTHER, target);
	if (!res)
		return;
	if (passthrough) {
		fill_chardev(p, res, device, vd_xml_attr(device, "type"));
		parse_log(p, device, VD_ROLE_OTHER, target);
		return;
	}
	res->subtype = vd_parse_dup_nonempty(p, mode);
	vd_parse_res_path(p, res, VD_SOURCE_DIR, vd_xml_text(vd_xml_child(device, "database")));
}

void vd_parse_rng(struct vd_parse *p, const struct vd_xml_node *device)
{
	const struct vd_xml_node *backend = vd_xml_child(device, "backend");
	const char *model = vd_xml_attr(backend, "model");
	struct vd_res *res;
	char target[64];

	snprintf(target, sizeof(target), "rng%u", p->counts[VD_RES_RNG]++);
	res = vd_parse_res(p, VD_RES_RNG, VD_ROLE_RNG, target);
	if (!res)
		return;
	if (model && !strcmp(model, "egd"))
		fill_chardev(p, res, backend, model);
	else if (model && !strcmp(model, "random"))
		/* Without text libvirt takes /dev/urandom (since 1.3.4; before /dev/random). */
		vd_parse_res_path(p, res, VD_SOURCE_FILE, vd_xml_text(backend));
	if (!res->subtype)
		res->subtype = vd_parse_dup_nonempty(p, model);
}

void vd_parse_tpm(struct vd_parse *p, const struct vd_xml_node *device)
{
	const struct vd_xml_node *backend = vd_xml_child(device, "backend");
	const char *type = vd_xml_attr(backend, "type");
	struct vd_res *res;
	char target[64];

	snprintf(target, sizeof(target), "tpm%u", p->counts[VD_RES_TPM]++);
	res = vd_parse_res(p, VD_RES_TPM, VD_ROLE_TPM, target);
	if (!res)
		return;
	if (type && !strcmp(type, "passthrough")) {
		vd_parse_res_path(p, res, VD_SOURCE_FILE, vd_xml_attr(vd_xml_child(backend, "device"), "path"));
	} else {
		/* external: the socket of a swtpm that libvirt does not run; emulator (10.10): where its state is */
		const struct vd_xml_node *source = vd_xml_child(backend, "source");
		const char *kind = vd_xml_attr(source, "type");

		res->mode = vd_parse_dup_nonempty(p, vd_xml_attr(source, "mode"));
		vd_parse_res_path(p, res, kind && !strcmp(kind, "dir") ? VD_SOURCE_DIR : VD_SOURCE_FILE,
		                  vd_xml_attr(source, "path"));
	}
	res->subtype = vd_parse_dup_nonempty(p, type);
}
