/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vlog.h"

VLOG_CATEGORY("virtdiag.image");

/* Longest backing name that QEMU writes and libvirt accepts in qcow and qcow2. */
#define QCOW_NAME_MAX 1023u

#define QCOW2_EXT_END            0u
#define QCOW2_EXT_BACKING_FORMAT 0xE2792ACAu
#define QCOW2_EXT_DATA_FILE      0x44415441u

#define QCOW2_INCOMPATIBLE_DIRTY     (UINT64_C(1) << 0)
#define QCOW2_INCOMPATIBLE_CORRUPT   (UINT64_C(1) << 1)
#define QCOW2_INCOMPATIBLE_DATA_FILE (UINT64_C(1) << 2)

#define QED_BACKING     1u
#define QED_BACKING_RAW 4u

struct view {
	const unsigned char *data;
	size_t len;
};

static uint32_t be32(const struct view *v, size_t at)
{
	const unsigned char *p = v->data + at;

	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t be64(const struct view *v, size_t at)
{
	return (uint64_t)be32(v, at) << 32 | be32(v, at + 4);
}

static uint32_t le32(const struct view *v, size_t at)
{
	const unsigned char *p = v->data + at;

	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static uint64_t le64(const struct view *v, size_t at)
{
	return (uint64_t)le32(v, at + 4) << 32 | le32(v, at);
}

static int64_t clamp_size(uint64_t size)
{
	return size > INT64_MAX ? -1 : (int64_t)size;
}

static const char *const format_names[] = {
	[VD_FORMAT_UNKNOWN] = "unknown", [VD_FORMAT_RAW] = "raw", [VD_FORMAT_QCOW] = "qcow",
	[VD_FORMAT_QCOW2] = "qcow2",     [VD_FORMAT_QED] = "qed", [VD_FORMAT_VMDK] = "vmdk",
	[VD_FORMAT_VPC] = "vpc",         [VD_FORMAT_VDI] = "vdi", [VD_FORMAT_LUKS] = "luks",
	[VD_FORMAT_COW] = "cow",         [VD_FORMAT_ISO] = "iso", [VD_FORMAT_PLOOP] = "ploop",
	[VD_FORMAT_OTHER] = "other",
};
_Static_assert(VD_ARRAY_SIZE(format_names) == VD_FORMAT_COUNT_, "a name for every format");

const char *vd_format_name(enum vd_format format)
{
	return (unsigned)format < VD_FORMAT_COUNT_ ? format_names[format] : format_names[VD_FORMAT_OTHER];
}

enum vd_format vd_format_from_name(const char *name)
{
	if (!name)
		return VD_FORMAT_UNKNOWN;
	for (unsigned f = VD_FORMAT_RAW; f < VD_FORMAT_OTHER; f++)
		if (!strcmp(name, format_names[f]))
			return (enum vd_format)f;
	return VD_FORMAT_OTHER;
}

void vd_image_release(struct vd_image *image)
{
	free(image->backing);
	free(image->backing_format);
	free(image->data_file);
	memset(image, 0, sizeof(*image));
}

/* What tells the formats apart: magic bytes and, where libvirt looks at it, a version. */
struct magic {
	enum vd_format format;
	size_t offset;
	const char *bytes;
	size_t len;
	enum {
		ANY_VERSION,
		VERSION_BE32,
		VERSION_LE32,
		VERSION_BE16
	} version_kind;
	size_t version_offset;
	uint32_t version_min, version_max;
};

/* In libvirt's order: an ISO image that begins with a partition table is an ISO image. */
static const struct magic magics[] = {
	{ VD_FORMAT_ISO, 32769, "CD001", 5, ANY_VERSION, 0, 0, 0 },
	{ VD_FORMAT_VPC, 0, "conectix", 8, VERSION_BE32, 12, 0x10000, 0x10000 },
	{ VD_FORMAT_VDI, 64, "\x7f\x10\xda\xbe", 4, VERSION_LE32, 68, 0x10001, 0x10001 },
	{ VD_FORMAT_PLOOP, 0, "WithouFreSpacExt", 16, ANY_VERSION, 0, 0, 0 },
	{ VD_FORMAT_COW, 0, "OOOM", 4, VERSION_BE32, 4, 2, 2 },
	{ VD_FORMAT_QCOW, 0, "QFI\xfb", 4, VERSION_BE32, 4, 1, 1 },
	{ VD_FORMAT_QCOW2, 0, "QFI\xfb", 4, VERSION_BE32, 4, 2, 3 },
	{ VD_FORMAT_QED, 0, "QED", 4, ANY_VERSION, 0, 0, 0 },
	{ VD_FORMAT_VMDK, 0, "KDMV", 4, VERSION_LE32, 4, 1, 3 },
	{ VD_FORMAT_LUKS, 0, "LUKS\xba\xbe", 6, VERSION_BE16, 6, 1, 1 },
};

static uint32_t read_version(const struct view *v, const struct magic *m)
{
	if (m->version_kind == VERSION_LE32)
		return le32(v, m->version_offset);
	if (m->version_kind == VERSION_BE16)
		return (uint32_t)v->data[m->version_offset] << 8 | v->data[m->version_offset + 1];
	return be32(v, m->version_offset);
}

static bool magic_matches(const struct view *v, const struct magic *m)
{
	uint32_t version;

	if (v->len < m->offset + m->len || memcmp(v->data + m->offset, m->bytes, m->len) != 0)
		return false;
	if (m->version_kind == ANY_VERSION)
		return true;
	if (v->len < m->version_offset + 4)
		return false;
	version = read_version(v, m);
	return version >= m->version_min && version <= m->version_max;
}

static const struct magic *magic_of(enum vd_format format)
{
	for (size_t i = 0; i < VD_ARRAY_SIZE(magics); i++)
		if (magics[i].format == format)
			return &magics[i];
	return NULL;
}

enum vd_format vd_image_probe(const void *data, size_t len)
{
	struct view v = { data, len };

	for (size_t i = 0; i < VD_ARRAY_SIZE(magics); i++)
		if (magic_matches(&v, &magics[i]))
			return magics[i].format;
	return VD_FORMAT_RAW;
}

/* A copy of @len bytes at @at up to the first NUL; *@ret_text stays NULL when that is empty. */
static int copy_text(const struct view *v, size_t at, size_t len, char **ret_text)
{
	const char *text = (const char *)v->data + at;
	size_t used = strnlen(text, len);

	if (!used)
		return 0;
	*ret_text = strndup(text, used);
	return *ret_text ? 0 : -ENOMEM;
}

/* The name that a header places at @offset, @len bytes long; both come from the image and are not to be trusted. */
static int copy_backing(const struct view *v, uint64_t offset, uint64_t len, struct vd_image *image, struct vd_err *err)
{
	if (!offset || !len)
		return 0;
	if (offset > v->len || len > v->len - offset)
		return vd_err_set(err, EBADMSG,
		                  "the backing file name, %llu bytes at offset %llu, lies outside the first %zu bytes",
		                  (unsigned long long)len, (unsigned long long)offset, v->len);
	return copy_text(v, (size_t)offset, (size_t)len, &image->backing);
}

/*
 * One pass over the header extensions for the text of @type. libvirt steps over an extension by its bare length, the
 * format (and QEMU) pads to 8 bytes: @padded chooses.
 */
static int find_extension(const struct view *v, size_t at, size_t end, uint32_t type, bool padded, char **ret_text)
{
	while (at < end && end - at >= 8) {
		uint32_t found = be32(v, at);
		size_t len = be32(v, at + 4);

		at += 8;
		if (found == QCOW2_EXT_END || len > v->len - at)
			return 0;
		if (found == type)
			return copy_text(v, at, len, ret_text);
		at += padded ? (len + 7) & ~(size_t)7 : len;
	}
	return 0;
}

static int parse_extensions(const struct view *v, struct vd_image *image, uint64_t backing_offset)
{
	size_t start = image->version == 2 ? 72 : be32(v, 100);
	size_t end = v->len;
	int r;

	/* Extensions fill the space between the header and the backing name; without one they end in the first cluster.
	 */
	if (backing_offset && backing_offset < end)
		end = (size_t)backing_offset;
	if (image->backing) {
		r = find_extension(v, start, end, QCOW2_EXT_BACKING_FORMAT, false, &image->backing_format);
		if (r < 0)
			return r;
	}
	return image->has_data_file ? find_extension(v, start, end, QCOW2_EXT_DATA_FILE, true, &image->data_file) : 0;
}

static int parse_qcow(const struct view *v, struct vd_image *image, struct vd_err *err)
{
	bool v1 = image->format == VD_FORMAT_QCOW;
	uint64_t offset, features;
	uint32_t len;
	int r;

	if (v->len < (v1 ? 48u : 72u))
		return vd_err_set(err, EBADMSG, "the %s header is cut off after %zu bytes",
		                  vd_format_name(image->format), v->len);
	image->version = be32(v, 4);
	offset = be64(v, 8);
	len = be32(v, 16);
	image->size = clamp_size(be64(v, 24));
	image->encrypted = be32(v, v1 ? 36 : 32) != 0;
	if (image->version == 3) {
		if (v->len < 104 || be32(v, 100) < 104)
			return vd_err_set(err, EBADMSG, "the qcow2 version 3 header is shorter than 104 bytes");
		features = be64(v, 72);
		image->dirty = features & QCOW2_INCOMPATIBLE_DIRTY;
		image->corrupt = features & QCOW2_INCOMPATIBLE_CORRUPT;
		image->has_data_file = features & QCOW2_INCOMPATIBLE_DATA_FILE;
	}
	if (offset && len > QCOW_NAME_MAX)
		return vd_err_set(err, EBADMSG, "the backing file name is %u bytes long, at most %u are allowed", len,
		                  QCOW_NAME_MAX);
	r = copy_backing(v, offset, len, image, err);
	if (r < 0 || v1)
		return r;
	return parse_extensions(v, image, offset);
}

static int parse_qed(const struct view *v, struct vd_image *image, struct vd_err *err)
{
	uint64_t features;
	int r;

	if (v->len < 64)
		return vd_err_set(err, EBADMSG, "the qed header is cut off after %zu bytes", v->len);
	features = le64(v, 16);
	image->size = clamp_size(le64(v, 48));
	if (!(features & QED_BACKING))
		return 0;
	r = copy_backing(v, le32(v, 56), le32(v, 60), image, err);
	if (r < 0)
		return r;
	if (image->backing && (features & QED_BACKING_RAW)) {
		image->backing_format = strdup("raw");
		if (!image->backing_format)
			return -ENOMEM;
	}
	return 0;
}

/* The descriptor is text from the second sector on; libvirt looks for one line of it. */
static int parse_vmdk(const struct view *v, struct vd_image *image, struct vd_err *err)
{
	static const char hint[] = "parentFileNameHint=\"";
	const char *text = (const char *)v->data + 512, *found, *quote;
	size_t len;

	image->version = le32(v, 4);
	if (v->len >= 20 && le64(v, 12) < (UINT64_C(1) << 54))
		image->size = clamp_size(le64(v, 12) * 512);
	if (v->len <= 512)
		return 0;
	len = strnlen(text, v->len - 512);
	found = memmem(text, len, hint, sizeof(hint) - 1);
	if (!found)
		return 0;
	found += sizeof(hint) - 1;
	quote = memchr(found, '"', (size_t)(text + len - found));
	if (!quote)
		return vd_err_set(err, EBADMSG, "the parent name in the vmdk descriptor has no closing quote");
	if (quote == found)
		return 0;
	image->backing = strndup(found, (size_t)(quote - found));
	return image->backing ? 0 : -ENOMEM;
}

static int parse_cow(const struct view *v, struct vd_image *image, struct vd_err *err)
{
	if (v->len < 8 + 1024)
		return vd_err_set(err, EBADMSG, "the cow header is cut off after %zu bytes", v->len);
	image->version = be32(v, 4);
	return copy_text(v, 8, 1024, &image->backing);
}

static int parse_body(const struct view *v, struct vd_image *image, struct vd_err *err)
{
	switch (image->format) {
	case VD_FORMAT_QCOW:
	case VD_FORMAT_QCOW2:
		return parse_qcow(v, image, err);
	case VD_FORMAT_QED:
		return parse_qed(v, image, err);
	case VD_FORMAT_VMDK:
		return parse_vmdk(v, image, err);
	case VD_FORMAT_COW:
		return parse_cow(v, image, err);
	case VD_FORMAT_LUKS:
		image->encrypted = true;
		return 0;
	default:
		return 0;
	}
}

int vd_image_parse(const void *data, size_t len, enum vd_format format, struct vd_image *ret_image, struct vd_err *err)
{
	struct view v = { data, len };
	struct vd_image image = { .format = format, .size = -1 };
	const struct magic *magic = magic_of(format);
	int r;

	/* A fixed vpc image has its magic in the last sector, which nobody reads here. */
	if (magic && format != VD_FORMAT_VPC && !magic_matches(&v, magic))
		return vd_err_set(err, EBADMSG, "the header is not that of a %s image (it looks like %s)",
		                  vd_format_name(format), vd_format_name(vd_image_probe(data, len)));
	r = parse_body(&v, &image, err);
	if (r < 0) {
		vd_image_release(&image);
		return r == -ENOMEM ? vd_err_set(err, ENOMEM, "no memory to read an image header") : r;
	}
	VLOG_DEBUG("%s version %u, backing %s (%s)", vd_format_name(format), image.version,
	           image.backing ? image.backing : "none", image.backing_format ? image.backing_format : "no format");
	*ret_image = image;
	return 0;
}
