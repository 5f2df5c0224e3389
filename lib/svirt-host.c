/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the XML names indirectly, looked up on the host: device nodes through sysfs, volumes through pool XML. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "svirt-internal.h"
#include "vlog.h"
#include "xml.h"

VLOG_CATEGORY("virtdiag.svirt.host");

/* One component of a path below sysfs: anything that could lead elsewhere is no address. */
static bool is_component(const char *name)
{
	return name[0] && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* "/dev/PREFIX" and a name that sysfs gave, into *@ret_path. */
static int make_node(const char *prefix, const char *name, char **ret_path)
{
	VD_AUTO_BUF path = VD_BUF_INIT;

	if (!is_component(name))
		return 0;
	if (vd_buf_addf(&path, "/dev/%s%s", prefix, name) < 0)
		return -ENOMEM;
	*ret_path = vd_buf_steal(&path);
	return *ret_path ? 0 : -ENOMEM;
}

int vd_svirt_vfio_group(struct vd_root *root, const char *bus, const char *device, char **ret_path)
{
	VD_AUTO_BUF path = VD_BUF_INIT;
	VD_AUTO_FREE char *link = NULL;
	const char *slash;
	int r;

	*ret_path = NULL;
	if (!is_component(device))
		return 0;
	if (vd_buf_addf(&path, "/sys/bus/%s/devices/%s/iommu_group", bus, device) < 0)
		return -ENOMEM;
	r = vd_root_readlink(root, vd_buf_str(&path), &link, NULL);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	slash = strrchr(link, '/');
	return make_node("vfio/", slash ? slash + 1 : link, ret_path);
}

int vd_svirt_scsi_generic(struct vd_root *root, const char *address, char **ret_path)
{
	VD_AUTO_BUF path = VD_BUF_INIT;
	VD_AUTO_STRV names = VD_STRV_INIT;
	const char *numbers = address;
	int r;

	*ret_path = NULL;
	if (!strncmp(numbers, "host", 4))
		numbers += 4;
	if (!is_component(numbers))
		return 0;
	if (vd_buf_addf(&path, "/sys/bus/scsi/devices/%s/scsi_generic", numbers) < 0)
		return -ENOMEM;
	r = vd_root_list(root, vd_buf_str(&path), &names, NULL);
	if (r < 0 || names.len != 1)
		return r == -ENOMEM ? r : 0;
	return make_node("", names.items[0], ret_path);
}

/* The number in the attribute @name of a USB device, -1 without one. */
static long usb_attr(struct vd_root *root, const char *device, const char *name, int base)
{
	VD_AUTO_BUF path = VD_BUF_INIT;
	VD_AUTO_BUF text = VD_BUF_INIT;
	long n;
	char *end;

	if (vd_buf_addf(&path, "/sys/bus/usb/devices/%s/%s", device, name) < 0 ||
	    vd_root_read(root, vd_buf_str(&path), 64, &text, NULL) < 0)
		return -1;
	n = strtol(vd_buf_str(&text), &end, base);
	return end == vd_buf_str(&text) || n < 0 ? -1 : n;
}

/* The bus and device number of the only device with @vendor and @product. False when there is none or several. */
static bool find_usb(struct vd_root *root, unsigned vendor, unsigned product, long *ret_bus, long *ret_device)
{
	VD_AUTO_STRV names = VD_STRV_INIT;
	unsigned found = 0;

	if (vd_root_list(root, "/sys/bus/usb/devices", &names, NULL) < 0)
		return false;
	for (size_t i = 0; i < names.len; i++) {
		if (usb_attr(root, names.items[i], "idVendor", 16) != (long)vendor ||
		    usb_attr(root, names.items[i], "idProduct", 16) != (long)product)
			continue;
		*ret_bus = usb_attr(root, names.items[i], "busnum", 10);
		*ret_device = usb_attr(root, names.items[i], "devnum", 10);
		found++;
	}
	return found == 1 && *ret_bus > 0 && *ret_device > 0;
}

int vd_svirt_usb_node(struct vd_root *root, const char *address, char **ret_path)
{
	long bus = 0, device = 0;
	unsigned vendor, product;
	char node[64];

	*ret_path = NULL;
	if (strchr(address, '/')) {
		bus = strtol(address, NULL, 10);
		device = strtol(strchr(address, '/') + 1, NULL, 10);
	} else if (sscanf(address, "%4x:%4x", &vendor, &product) != 2 ||
	           !find_usb(root, vendor, product, &bus, &device)) {
		return 0;
	}
	if (bus <= 0 || device <= 0 || bus > 999 || device > 999)
		return 0;
	snprintf(node, sizeof(node), "/dev/bus/usb/%03ld/%03ld", bus, device);
	*ret_path = strdup(node);
	return *ret_path ? 0 : -ENOMEM;
}

/* How the volumes of a pool type appear on the host. */
static const struct {
	const char *pool;
	enum vd_source_type type;
} pool_types[] = {
	{ "dir", VD_SOURCE_FILE },        { "fs", VD_SOURCE_FILE },       { "netfs", VD_SOURCE_FILE },
	{ "vstorage", VD_SOURCE_FILE },   { "logical", VD_SOURCE_BLOCK }, { "disk", VD_SOURCE_BLOCK },
	{ "zfs", VD_SOURCE_BLOCK },       { "rbd", VD_SOURCE_NETWORK },   { "sheepdog", VD_SOURCE_NETWORK },
	{ "gluster", VD_SOURCE_NETWORK },
};

static int read_pool(struct vd_svirt_run *run, const char *name, struct vd_xml **ret_xml)
{
	static const char *const dirs[] = { "/run/libvirt/storage", "/etc/libvirt/storage" };

	*ret_xml = NULL;
	if (!is_component(name))
		return 0;
	for (size_t i = 0; i < VD_ARRAY_SIZE(dirs) && !*ret_xml; i++) {
		VD_AUTO_BUF path = VD_BUF_INIT;
		VD_AUTO_BUF text = VD_BUF_INIT;
		int r;

		if (vd_buf_addf(&path, "%s/%s.xml", dirs[i], name) < 0)
			return -ENOMEM;
		r = vd_root_read(run->root, vd_buf_str(&path), VD_MAX_XML, &text, NULL);
		if (r == 0)
			r = vd_xml_parse(text.data ? text.data : "", text.len, vd_buf_str(&path), ret_xml, NULL);
		if (r == -ENOMEM)
			return r;
	}
	return 0;
}

/* @source as a source of @type at @dir/VOLUME. */
static int place_volume(const struct vd_source *source, enum vd_source_type type, const char *dir,
                        struct vd_source **ret_source)
{
	struct vd_source *copy = vd_source_copy(source);
	VD_AUTO_BUF path = VD_BUF_INIT;

	if (!copy)
		return -ENOMEM;
	copy->type = type;
	if (vd_buf_addf(&path, "%s/%s", dir, source->volume) == 0) {
		free(copy->path);
		copy->path = vd_buf_steal(&path);
	}
	if (!copy->path) {
		vd_source_free(copy);
		return -ENOMEM;
	}
	/* Only the end of the chain is copied: a volume has no <backingStore> worth keeping before its start. */
	if (source->backing_state == VD_BACKING_END)
		copy->backing_state = VD_BACKING_END;
	*ret_source = copy;
	return 0;
}

int vd_svirt_volume(struct vd_svirt_run *run, const struct vd_source *source, struct vd_source **ret_source)
{
	VD_AUTO_XML struct vd_xml *xml = NULL;
	const struct vd_xml_node *pool;
	const char *type, *dir;
	int r;

	*ret_source = NULL;
	if (!source->pool || !source->volume)
		return 0;
	r = read_pool(run, source->pool, &xml);
	if (r < 0 || !xml)
		return r;
	pool = vd_xml_root(xml);
	/* A running pool's file has <poolstate> around it. */
	if (!vd_xml_is(pool, "pool"))
		pool = vd_xml_child(pool, "pool");
	type = vd_xml_attr(pool, "type");
	dir = vd_xml_text(vd_xml_child(vd_xml_child(pool, "target"), "path"));
	VLOG_DEBUG("volume %s/%s: pool of type %s at %s", source->pool, source->volume, type ? type : "?",
	           dir ? dir : "?");
	for (size_t i = 0; type && i < VD_ARRAY_SIZE(pool_types); i++) {
		if (strcmp(type, pool_types[i].pool) != 0)
			continue;
		if (pool_types[i].type == VD_SOURCE_NETWORK)
			return place_volume(source, VD_SOURCE_NETWORK, type, ret_source);
		if (dir && dir[0] == '/' && strcmp(source->volume, "..") != 0)
			return place_volume(source, pool_types[i].type, dir, ret_source);
	}
	return 0;
}
