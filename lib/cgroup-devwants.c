/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The devices that libvirt allows a guest: its own list or qemu.conf's, and those of the XML. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/sysmacros.h>

#include "cgroup-devices.h"
#include "conf.h"

#define MAX_LAYERS 200 /* of a backing chain, as in libvirt */
#define MAX_DEPTH  8   /* of device-mapper targets */
#define RW         (VD_DEV_READ | VD_DEV_WRITE)
#define RWM        (RW | VD_DEV_MKNOD)

/* Numbers that are the same on every Linux (kernel Documentation/admin-guide/devices.txt). */
static const struct {
	const char *path;
	char type;
	uint16_t major, minor;
} known[] = {
	{ "/dev/null", 'c', 1, 3 },         { "/dev/zero", 'c', 1, 5 },       { "/dev/full", 'c', 1, 7 },
	{ "/dev/random", 'c', 1, 8 },       { "/dev/urandom", 'c', 1, 9 },    { "/dev/kmsg", 'c', 1, 11 },
	{ "/dev/mem", 'c', 1, 1 },          { "/dev/tty", 'c', 5, 0 },        { "/dev/console", 'c', 5, 1 },
	{ "/dev/ptmx", 'c', 5, 2 },         { "/dev/kvm", 'c', 10, 232 },     { "/dev/fuse", 'c', 10, 229 },
	{ "/dev/hpet", 'c', 10, 228 },      { "/dev/net/tun", 'c', 10, 200 }, { "/dev/vhost-net", 'c', 10, 238 },
	{ "/dev/vfio/vfio", 'c', 10, 196 }, { "/dev/hwrng", 'c', 10, 183 },
};

/* libvirt's own lists, 9.0.0. Files that do not exist are passed over by it. */
static const char *const qemu_list[] = { "/dev/null",    "/dev/full", "/dev/zero", "/dev/random",
	                                 "/dev/urandom", "/dev/ptmx", "/dev/kvm" };
/* In the lists of other versions: until 2.x, and since 10.1.0. */
static const char *const qemu_list_others[] = { "/dev/rtc", "/dev/hpet", "/dev/kqemu", "/dev/vfio/vfio",
	                                        "/dev/userfaultfd" };
static const char *const lxc_list[] = { "/dev/null",    "/dev/zero", "/dev/full", "/dev/random",
	                                "/dev/urandom", "/dev/tty",  "/dev/ptmx", "/dev/fuse" };

int vd_device_number(struct vd_root *root, const char *path, char *ret_type, uint32_t *ret_major, uint32_t *ret_minor)
{
	struct vd_stat st;
	int r = vd_root_stat(root, path, &st, NULL);
	bool live = vd_root_is_live(root);

	if (live && r < 0)
		return r;
	if (live && st.type != VD_FILE_CHR && st.type != VD_FILE_BLK)
		return -EINVAL;
	if (live) {
		*ret_type = st.type == VD_FILE_CHR ? 'c' : 'b';
		*ret_major = major(st.rdev);
		*ret_minor = minor(st.rdev);
		return 0;
	}
	for (size_t i = 0; i < VD_ARRAY_SIZE(known); i++) {
		if (strcmp(known[i].path, path) != 0)
			continue;
		*ret_type = known[i].type;
		*ret_major = known[i].major;
		*ret_minor = known[i].minor;
		return 0;
	}
	return r < 0 ? r : -VD_NO_EVIDENCE;
}

struct wants {
	struct vd_root *root;
	const struct vd_guest *guest;
	struct vd_devwants *list;
	int r; /* -ENOMEM: everything else does nothing */
};

static struct vd_devwant *add(struct wants *w, enum vd_devorigin origin, const char *path, const char *device)
{
	size_t n = w->list->len;
	struct vd_devwant want = { .origin = origin };

	if (w->r < 0)
		return NULL;
	if (!(n & (n - 1))) {
		struct vd_devwant *items = reallocarray(w->list->items, n ? n * 2 : 1, sizeof(*items));

		if (!items) {
			w->r = -ENOMEM;
			return NULL;
		}
		w->list->items = items;
	}
	if (path && !(want.path = strdup(path)))
		w->r = -ENOMEM;
	if (device && !(want.device = strdup(device)))
		w->r = -ENOMEM;
	w->list->items[w->list->len++] = want;
	return &w->list->items[n];
}

static void add_class(struct wants *w, enum vd_devorigin origin, const char *device, int64_t major_number,
                      unsigned access)
{
	struct vd_devwant *want = add(w, origin, NULL, device);

	if (!want)
		return;
	want->has_number = true;
	want->rule = (struct vd_devrule){ 'c', major_number, -1, access };
}

/* A device node; @certain: a guest that runs has a rule for it while it exists. */
static void add_path(struct wants *w, enum vd_devorigin origin, const char *path, const char *device, unsigned access,
                     bool certain)
{
	uint32_t major_number, minor_number;
	struct vd_devwant *want;
	char type;
	int r = vd_device_number(w->root, path, &type, &major_number, &minor_number);

	/* What is no device needs no rule. */
	if (r == -EINVAL)
		return;
	want = add(w, origin, path, device);
	if (!want || r < 0)
		return;
	want->has_number = true;
	want->certain = certain;
	want->rule = (struct vd_devrule){ type, major_number, minor_number, access };
}

static int list_paths(struct wants *w, bool lxc)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	VD_AUTO_CONF conf = { 0 };
	VD_AUTO_ERR err = VD_ERR_INIT;
	static const char file[] = "/etc/libvirt/qemu.conf";
	int r = lxc ? -ENOENT : vd_root_read(w->root, file, VD_MAX_CONF, &text, &err);

	if (!r)
		r = vd_conf_parse(vd_buf_str(&text), text.len, file, &conf, &err);
	if (!r)
		r = vd_conf_strings(&conf, "cgroup_device_acl", false, &w->list->list, &err);
	if (r == -ENOMEM)
		return r;
	if (r < 0 && r != -ENOENT) {
		w->list->problem = strdup(vd_err_text(&err));
		if (!w->list->problem)
			return -ENOMEM;
	}
	w->list->has_acl = !r;
	if (w->list->has_acl)
		return 0;
	r = 0;
	for (size_t i = 0; i < (lxc ? VD_ARRAY_SIZE(lxc_list) : VD_ARRAY_SIZE(qemu_list)) && !r; i++)
		r = vd_strv_add(&w->list->list, lxc ? lxc_list[i] : qemu_list[i]);
	return r;
}

static void add_list(struct wants *w, bool lxc)
{
	enum vd_devorigin origin = w->list->has_acl ? VD_DEVORIGIN_ACL : VD_DEVORIGIN_DEFAULT;

	for (size_t i = 0; i < w->list->list.len; i++)
		add_path(w, origin, w->list->list.items[i], NULL, lxc ? RWM : RW,
		         w->list->has_acl || strcmp(w->list->list.items[i], "/dev/fuse") != 0);
	for (size_t i = 0; i < VD_ARRAY_SIZE(qemu_list_others) && !lxc && !w->list->has_acl; i++)
		add_path(w, origin, qemu_list_others[i], NULL, RW, false);
	add_class(w, VD_DEVORIGIN_BUILTIN, NULL, 136, lxc ? RWM : RW);
	if (!lxc)
		add_class(w, VD_DEVORIGIN_BUILTIN, NULL, 116, RW);
}

/* The last component of the symlink @path; the caller frees it, NULL when there is none. */
static char *link_name(struct wants *w, const char *path)
{
	VD_AUTO_FREE char *target = NULL;
	const char *slash;

	if (vd_root_readlink(w->root, path, &target, NULL) < 0)
		return NULL;
	slash = strrchr(target, '/');
	return strdup(slash ? slash + 1 : target);
}

static void add_iommu_group(struct wants *w, const char *bus, const char *address, const char *device)
{
	VD_AUTO_BUF path = VD_BUF_INIT;
	VD_AUTO_FREE char *group = NULL;

	if (strchr(address, '/') || vd_buf_addf(&path, "/sys/bus/%s/devices/%s/iommu_group", bus, address) < 0)
		return;
	group = link_name(w, vd_buf_str(&path));
	if (group) {
		vd_buf_clear(&path);
		if (vd_buf_addf(&path, "/dev/vfio/%s", group) < 0)
			w->r = -ENOMEM;
		else
			add_path(w, VD_DEVORIGIN_XML, vd_buf_str(&path), device, RW, true);
	}
	add_path(w, VD_DEVORIGIN_XML, "/dev/vfio/vfio", device, RW, true);
}

/* Bus and device number make the numbers of the node: no need to see it. */
static void add_usb(struct wants *w, const char *address, const char *device, unsigned access)
{
	VD_AUTO_BUF path = VD_BUF_INIT;
	struct vd_devwant *want;
	unsigned bus, dev;

	if (sscanf(address, "%3u/%3u", &bus, &dev) != 2 || !bus || !dev || dev > 127)
		return;
	if (vd_buf_addf(&path, "/dev/bus/usb/%03u/%03u", bus, dev) < 0) {
		w->r = -ENOMEM;
		return;
	}
	want = add(w, VD_DEVORIGIN_XML, vd_buf_str(&path), device);
	if (!want)
		return;
	want->has_number = want->certain = true;
	want->rule = (struct vd_devrule){ 'c', 189, (int64_t)(bus - 1) * 128 + dev - 1, access };
}

/* "host2:0:1:0" is the generic SCSI device of 2:0:1:0. */
static void add_scsi(struct wants *w, const struct vd_res *res, const char *device)
{
	VD_AUTO_BUF path = VD_BUF_INIT;
	VD_AUTO_STRV names = VD_STRV_INIT;
	const char *p = res->address;

	if (strncmp(p, "host", 4) || strchr(p, '/') ||
	    vd_buf_addf(&path, "/sys/bus/scsi/devices/%s/scsi_generic", p + 4) < 0 ||
	    vd_root_list(w->root, vd_buf_str(&path), &names, NULL) < 0 || !names.len)
		return;
	vd_buf_clear(&path);
	if (vd_buf_addf(&path, "/dev/%s", names.items[0]) < 0)
		w->r = -ENOMEM;
	else
		add_path(w, VD_DEVORIGIN_XML, vd_buf_str(&path), device, res->readonly ? VD_DEV_READ : RW, true);
}

static void add_hostdev(struct wants *w, const struct vd_res *res, const char *device)
{
	bool lxc = vd_guest_domain(w->guest)->driver == VD_DRIVER_LXC;

	if (!res->address || !res->subtype || res->missing)
		return;
	if (!strcmp(res->subtype, "pci"))
		add_iommu_group(w, "pci", res->address, device);
	else if (!strcmp(res->subtype, "mdev"))
		add_iommu_group(w, "mdev", res->address, device);
	else if (!strcmp(res->subtype, "usb"))
		add_usb(w, res->address, device, lxc ? RWM : RW);
	else if (!strcmp(res->subtype, "scsi"))
		add_scsi(w, res, device);
}

/* The devices that the block device MAJ:MIN is made of: QEMU may ask them for persistent reservations. */
static void add_below(struct wants *w, uint32_t major_number, uint32_t minor_number, const char *device,
                      unsigned access, unsigned depth)
{
	VD_AUTO_BUF path = VD_BUF_INIT;
	VD_AUTO_STRV names = VD_STRV_INIT;

	if (depth > MAX_DEPTH || !vd_root_is_live(w->root))
		return;
	if (vd_buf_addf(&path, "/sys/dev/block/%u:%u/slaves", major_number, minor_number) < 0) {
		w->r = -ENOMEM;
		return;
	}
	if (vd_root_list(w->root, vd_buf_str(&path), &names, NULL) < 0)
		return;
	for (size_t i = 0; i < names.len; i++) {
		VD_AUTO_BUF text = VD_BUF_INIT;
		struct vd_devwant *want;
		unsigned a, b;

		vd_buf_clear(&path);
		if (vd_buf_addf(&path, "/sys/class/block/%s/dev", names.items[i]) < 0)
			w->r = -ENOMEM;
		if (w->r < 0 || vd_root_read(w->root, vd_buf_str(&path), 64, &text, NULL) < 0 ||
		    sscanf(vd_buf_str(&text), "%9u:%9u", &a, &b) != 2)
			continue;
		vd_buf_clear(&path);
		want = vd_buf_addf(&path, "/dev/%s", names.items[i]) < 0
		               ? NULL
		               : add(w, VD_DEVORIGIN_XML, vd_buf_str(&path), device);
		if (!want)
			continue;
		want->has_number = true;
		want->rule = (struct vd_devrule){ 'b', a, b, access };
		add_below(w, a, b, device, access, depth + 1);
	}
}

/* Every layer of a disk that is a device; only the top one is written to. */
static void add_source(struct wants *w, const struct vd_source *source, const char *device, unsigned access)
{
	for (unsigned layer = 0; source && layer < MAX_LAYERS; layer++, source = source->backing) {
		uint32_t a, b;
		char type;

		if (!source->path || source->type == VD_SOURCE_NETWORK || strncmp(source->path, "/dev/", 5) != 0)
			continue;
		if (layer)
			access &= ~VD_DEV_WRITE;
		add_path(w, VD_DEVORIGIN_XML, source->path, device, access, source->type == VD_SOURCE_BLOCK);
		if (vd_device_number(w->root, source->path, &type, &a, &b) == 0 && type == 'b')
			add_below(w, a, b, device, access, 0);
	}
}

static void add_resource(struct wants *w, const struct vd_res *res, bool lxc)
{
	VD_AUTO_FREE char *device = NULL;
	unsigned access = lxc ? RWM : res->readonly ? VD_DEV_READ : RW;

	if (asprintf(&device, "%s %s", vd_role_name(res->role), res->target) < 0) {
		device = NULL;
		w->r = -ENOMEM;
		return;
	}
	if (res->kind == VD_RES_HOSTDEV)
		add_hostdev(w, res, device);
	else if (res->kind == VD_RES_SEV)
		add_path(w, VD_DEVORIGIN_XML, "/dev/sev", device, RW, false);
	/* A socket, or a file that virtlogd writes, is nothing that QEMU opens as a device. */
	else if (res->kind != VD_RES_CHARDEV_LOG && res->kind != VD_RES_VSOCK && res->kind != VD_RES_INTERFACE)
		add_source(w, res->source, device, access);
	if (res->mirror)
		add_source(w, res->mirror, device, RW);
}

int vd_devwants_load(struct vd_root *root, const struct vd_guest *guest, struct vd_devwants *ret_wants,
                     struct vd_err *err)
{
	VD_CLEANUP(vd_devwants_release) struct vd_devwants list = { 0 };
	const struct vd_domain *domain = vd_guest_domain(guest);
	struct wants w = { .root = root, .guest = guest, .list = &list };
	bool lxc = domain->driver == VD_DRIVER_LXC;

	w.r = list_paths(&w, lxc);
	for (size_t i = 0; i < domain->n_resources && !w.r; i++)
		add_resource(&w, &domain->resources[i], lxc);
	if (!w.r)
		add_list(&w, lxc);
	if (w.r < 0)
		return vd_err_set(err, ENOMEM, "out of memory while looking for the devices of %s",
		                  vd_guest_name(guest));
	*ret_wants = list;
	list = (struct vd_devwants){ 0 };
	return 0;
}

void vd_devwants_release(struct vd_devwants *wants)
{
	for (size_t i = 0; i < wants->len; i++) {
		free(wants->items[i].path);
		free(wants->items[i].device);
	}
	free(wants->items);
	free(wants->problem);
	vd_strv_release(&wants->list);
	*wants = (struct vd_devwants){ 0 };
}

const struct vd_devwant *vd_devwants_find(const struct vd_devwants *wants, const struct vd_devrule *rule)
{
	/* The list comes last: a device of the XML says more. */
	for (size_t i = 0; i < wants->len; i++)
		if (wants->items[i].has_number && vd_devrule_same_device(&wants->items[i].rule, rule))
			return &wants->items[i];
	return NULL;
}
