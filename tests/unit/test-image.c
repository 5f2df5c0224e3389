/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Protects the readers of image headers and of backing names against wrong answers and against hostile images: the
 * wrong chain means the wrong labels.
 */
#include "../../lib/image.h"

#include <errno.h>

#include "../../lib/json.h"
#include "make-image.h"
#include "tap.h"

static struct image_bytes image;

static void check_parse(const char *what, enum vd_format format, const char *backing, const char *backing_format,
                        const char *data_file)
{
	struct vd_image got = { 0 };
	VD_AUTO_ERR err = VD_ERR_INIT;

	tap_int(vd_image_probe(image.data, image.len), format, "%s: probed", what);
	if (!tap_ok(vd_image_parse(image.data, image.len, format, &got, &err) == 0, "%s: parsed", what)) {
		printf("# %s\n", vd_err_text(&err));
		return;
	}
	tap_str(got.backing, backing, "%s: backing name", what);
	tap_str(got.backing_format, backing_format, "%s: backing format", what);
	tap_str(got.data_file, data_file, "%s: data file", what);
	tap_int(got.has_data_file, data_file != NULL, "%s: data file bit", what);
	vd_image_release(&got);
}

static void test_qcow(void)
{
	make_qcow(&image, 1, NULL, NULL, NULL);
	check_parse("qcow", VD_FORMAT_QCOW, NULL, NULL, NULL);
	make_qcow(&image, 1, "base.raw", NULL, NULL);
	check_parse("qcow with backing", VD_FORMAT_QCOW, "base.raw", NULL, NULL);
	make_qcow(&image, 2, NULL, NULL, NULL);
	check_parse("qcow2 v2", VD_FORMAT_QCOW2, NULL, NULL, NULL);
	make_qcow(&image, 2, "/a b/base.qcow2", "qcow2", NULL);
	check_parse("qcow2 v2 with format", VD_FORMAT_QCOW2, "/a b/base.qcow2", "qcow2", NULL);
	make_qcow(&image, 3, "base.raw", "raw", NULL);
	check_parse("qcow2 v3 with format", VD_FORMAT_QCOW2, "base.raw", "raw", NULL);
	make_qcow(&image, 3, "base.raw", NULL, NULL);
	check_parse("qcow2 v3 without format", VD_FORMAT_QCOW2, "base.raw", NULL, NULL);
	make_qcow(&image, 3, "base.qcow2", "qcow2", "payload.raw");
	check_parse("qcow2 v3 with data file behind a padded extension", VD_FORMAT_QCOW2, "base.qcow2", "qcow2",
	            "payload.raw");
	make_qcow(&image, 3, NULL, NULL, "/p");
	check_parse("qcow2 v3 with data file alone", VD_FORMAT_QCOW2, NULL, NULL, "/p");
	make_qcow(&image, 3, "a\0b", "raw", NULL);
	put_be32(image.data + 16, 3);
	check_parse("qcow2 with NUL in the name", VD_FORMAT_QCOW2, "a", "raw", NULL);
	make_qcow(&image, 2, NULL, NULL, NULL);
	put_be32(image.data + 16, 99);
	check_parse("qcow2 with a length but no offset", VD_FORMAT_QCOW2, NULL, NULL, NULL);

	/* libvirt steps over an extension by its bare length, so it does not see a format behind an odd one. */
	make_qcow(&image, 3, NULL, NULL, NULL);
	put_be32(image.data + 104, 0x6803F857);
	put_be32(image.data + 108, 5);
	put_extension(image.data + 104 + 16, 0xE2792ACA, "raw");
	put_be64(image.data + 8, 200);
	put_be32(image.data + 16, 4);
	memcpy(image.data + 200, "/x/y", 4);
	check_parse("qcow2 with a format behind an odd extension", VD_FORMAT_QCOW2, "/x/y", NULL, NULL);

	make_qcow(&image, 3, NULL, NULL, NULL);
	put_be64(image.data + 72, 3);
	{
		struct vd_image got = { 0 };

		tap_int(vd_image_parse(image.data, image.len, VD_FORMAT_QCOW2, &got, NULL), 0, "flags: parsed");
		tap_ok(got.dirty && got.corrupt && !got.has_data_file, "flags: dirty and corrupt");
		tap_int(got.version, 3, "flags: version");
		tap_int(got.size, 1048576, "flags: size");
		vd_image_release(&got);
	}
}

static void blank(size_t len)
{
	memset(&image, 0, sizeof(image));
	image.len = len;
}

static void put_text(size_t at, const char *text)
{
	memcpy(image.data + at, text, strlen(text) + 1);
}

static void test_others(void)
{
	blank(512);
	memcpy(image.data, "QED\0", 4);
	put_le32(image.data + 16, 1);
	put_le32(image.data + 56, 64);
	put_le32(image.data + 60, 8);
	memcpy(image.data + 64, "base.raw", 8);
	check_parse("qed, format to be probed", VD_FORMAT_QED, "base.raw", NULL, NULL);
	put_le32(image.data + 16, 5);
	check_parse("qed, raw backing", VD_FORMAT_QED, "base.raw", "raw", NULL);
	put_le32(image.data + 16, 0);
	check_parse("qed, backing bit off", VD_FORMAT_QED, NULL, NULL, NULL);

	blank(2048);
	memcpy(image.data, "KDMV", 4);
	put_le32(image.data + 4, 1);
	put_text(512, "# Disk DescriptorFile\nparentFileNameHint=\"par ent.vmdk\"\n");
	check_parse("vmdk", VD_FORMAT_VMDK, "par ent.vmdk", NULL, NULL);
	put_text(512, "parentFileNameHint=\"\"\n");
	check_parse("vmdk without parent", VD_FORMAT_VMDK, NULL, NULL, NULL);
	put_le32(image.data + 4, 4);
	tap_int(vd_image_probe(image.data, image.len), VD_FORMAT_RAW, "vmdk of version 4: not recognised");

	blank(2048);
	memcpy(image.data, "OOOM\0\0\0\2base.raw", 16);
	check_parse("cow", VD_FORMAT_COW, "base.raw", NULL, NULL);

	blank(512);
	memcpy(image.data, "conectix", 8);
	put_be32(image.data + 12, 0x10000);
	check_parse("vpc", VD_FORMAT_VPC, NULL, NULL, NULL);
	blank(512);
	put_le32(image.data + 64, 0xbeda107f);
	put_le32(image.data + 68, 0x10001);
	check_parse("vdi", VD_FORMAT_VDI, NULL, NULL, NULL);
	blank(1024);
	memcpy(image.data, "LUKS\xba\xbe\0\1", 8);
	check_parse("luks", VD_FORMAT_LUKS, NULL, NULL, NULL);
	image.data[7] = 2;
	tap_int(vd_image_probe(image.data, image.len), VD_FORMAT_RAW, "luks version 2: not recognised");
	blank(VD_IMAGE_HEADER);
	memcpy(image.data + 32769, "CD001", 5);
	check_parse("iso", VD_FORMAT_ISO, NULL, NULL, NULL);
	image.len = 32770;
	tap_int(vd_image_probe(image.data, image.len), VD_FORMAT_RAW, "iso cut off: raw");
	blank(512);
	memcpy(image.data, "WithouFreSpacExt", 16);
	check_parse("ploop", VD_FORMAT_PLOOP, NULL, NULL, NULL);
	blank(512);
	check_parse("raw", VD_FORMAT_RAW, NULL, NULL, NULL);
	make_qcow(&image, 3, "x", "raw", NULL);
	put_be32(image.data + 4, 4);
	tap_int(vd_image_probe(image.data, image.len), VD_FORMAT_RAW, "qcow2 of version 4: not recognised");
	tap_int(vd_image_probe("", 0), VD_FORMAT_RAW, "empty: raw");
}

static void refused(const char *what, enum vd_format format)
{
	struct vd_image got = { 0 };
	VD_AUTO_ERR err = VD_ERR_INIT;

	tap_int(vd_image_parse(image.data, image.len, format, &got, &err), -EBADMSG, "%s: refused", what);
	tap_ok(err.text != NULL, "%s: with a reason", what);
}

static void test_hostile(void)
{
	blank(512);
	refused("zeros called qcow2", VD_FORMAT_QCOW2);
	make_qcow(&image, 3, "base", "raw", NULL);
	refused("qcow2 called qed", VD_FORMAT_QED);
	put_be64(image.data + 8, UINT64_MAX);
	refused("backing offset of all ones", VD_FORMAT_QCOW2);
	put_be64(image.data + 8, image.len + 1);
	refused("backing offset behind the end", VD_FORMAT_QCOW2);
	put_be64(image.data + 8, image.len - 2);
	refused("backing name across the end", VD_FORMAT_QCOW2);
	make_qcow(&image, 3, "base", "raw", NULL);
	put_be32(image.data + 16, 1024);
	refused("name of 1024 bytes", VD_FORMAT_QCOW2);
	put_be32(image.data + 16, 0xffffffff);
	refused("name length of all ones", VD_FORMAT_QCOW2);
	make_qcow(&image, 3, "base", "raw", NULL);
	put_be32(image.data + 100, 72);
	refused("version 3 header too short", VD_FORMAT_QCOW2);
	make_qcow(&image, 3, "base", "raw", NULL);
	image.len = 80;
	refused("version 3 header cut off", VD_FORMAT_QCOW2);

	make_qcow(&image, 3, "base", NULL, NULL);
	put_be32(image.data + 100, 0xfffffff8);
	check_parse("header length of all ones", VD_FORMAT_QCOW2, "base", NULL, NULL);
	make_qcow(&image, 3, "base", "raw", NULL);
	put_be32(image.data + 108, 0xffffffff);
	check_parse("extension of 4 GiB", VD_FORMAT_QCOW2, "base", NULL, NULL);
	/* Extensions of length 0 up to the end: must end, whatever they say. */
	make_qcow(&image, 3, NULL, NULL, NULL);
	put_be64(image.data + 72, 4);
	image.len = VD_IMAGE_HEADER;
	for (size_t at = 104; at + 8 <= image.len; at += 8)
		put_be32(image.data + at, 0x11111111);
	{
		struct vd_image got = { 0 };

		tap_int(vd_image_parse(image.data, image.len, VD_FORMAT_QCOW2, &got, NULL), 0,
		        "thousands of empty extensions: parsed");
		tap_ok(got.has_data_file && !got.data_file, "thousands of empty extensions: bit without a name");
		vd_image_release(&got);
	}
	blank(512);
	memcpy(image.data, "QED\0", 4);
	put_le32(image.data + 16, 1);
	put_le32(image.data + 56, 0xffffffff);
	put_le32(image.data + 60, 0xffffffff);
	refused("qed with offset and length of all ones", VD_FORMAT_QED);
	blank(600);
	memcpy(image.data, "KDMV", 4);
	put_le32(image.data + 4, 1);
	memset(image.data + 512, 'x', 88);
	memcpy(image.data + 512, "parentFileNameHint=\"abc", 23);
	refused("vmdk with an open quote", VD_FORMAT_VMDK);
}

/* Each prefix of a good header, in a block of exactly that size: the address sanitizer sees a read beyond it. */
static void test_prefixes(void)
{
	static const enum vd_format formats[] = { VD_FORMAT_QCOW2, VD_FORMAT_QED, VD_FORMAT_VMDK, VD_FORMAT_COW };
	unsigned verdicts = 0, tries = 0;

	for (size_t f = 0; f < VD_ARRAY_SIZE(formats); f++) {
		make_qcow(&image, 3, "/base", "qcow2", "/data");
		if (formats[f] == VD_FORMAT_QED)
			memcpy(image.data, "QED\0", 4);
		if (formats[f] == VD_FORMAT_VMDK)
			memcpy(image.data, "KDMV\1\0\0\0", 8);
		if (formats[f] == VD_FORMAT_COW)
			memcpy(image.data, "OOOM\0\0\0\2", 8);
		for (size_t len = 0; len < 560; len++, tries++) {
			unsigned char *part = malloc(len ? len : 1);
			struct vd_image got = { 0 };
			int r;

			if (!part)
				return;
			memcpy(part, image.data, len);
			r = vd_image_parse(part, len, formats[f], &got, NULL);
			verdicts += r == 0 || r == -EBADMSG;
			vd_image_release(&got);
			free(part);
		}
	}
	tap_int(verdicts, tries, "prefixes: a verdict for each length of each format");
}

static const struct {
	const char *name, *parent;
	enum vd_source_type type; /* VD_SOURCE_NONE: refused */
	const char *protocol, *path, *format;
} names[] = {
	{ "/a/b", "/x/y", VD_SOURCE_FILE, NULL, "/a/b", NULL },
	{ "b", "/x/y", VD_SOURCE_FILE, NULL, "/x/b", NULL },
	{ "../b", "/x/./y", VD_SOURCE_FILE, NULL, "/x/./../b", NULL },
	{ "b", "/y", VD_SOURCE_FILE, NULL, "/b", NULL },
	{ "b", "/x//y", VD_SOURCE_FILE, NULL, "/x/b", NULL },
	{ "b", "y", VD_SOURCE_FILE, NULL, "./b", NULL },
	{ "./a:b", "/x/y", VD_SOURCE_FILE, NULL, "/x/./a:b", NULL },
	{ "/a:b", "/x/y", VD_SOURCE_FILE, NULL, "/a:b", NULL },
	{ "d/a:b", "/x/y", VD_SOURCE_FILE, NULL, "/x/d/a:b", NULL },
	{ "", "/x/y", VD_SOURCE_NONE, NULL, NULL, NULL },
	{ "a:b", "/x/y", VD_SOURCE_NONE, NULL, NULL, NULL },
	{ "fat:rw:/d", "/x/y", VD_SOURCE_NONE, NULL, NULL, NULL },
	{ "file:///a", "/x/y", VD_SOURCE_NONE, NULL, NULL, NULL },
	{ "nbd:host:10809:exportname=e", "/x/y", VD_SOURCE_NETWORK, "nbd", "e", NULL },
	{ "nbd:unix:/run/s", "/x/y", VD_SOURCE_NETWORK, "nbd", "", NULL },
	{ "nbd:host", "/x/y", VD_SOURCE_NONE, NULL, NULL, NULL },
	{ "nbd://host/e", "/x/y", VD_SOURCE_NETWORK, "nbd", "e", NULL },
	{ "nbd+unix:///e?socket=/run/s", "/x/y", VD_SOURCE_NETWORK, "nbd", "e", NULL },
	{ "nbd+carrier://h/e", "/x/y", VD_SOURCE_NONE, NULL, NULL, NULL },
	{ "rbd:pool/im\\:age:id=x", "/x/y", VD_SOURCE_NETWORK, "rbd", "pool/im:age", NULL },
	{ "sheepdog:vdi", "/x/y", VD_SOURCE_NONE, NULL, NULL, NULL },
	{ "sheepdog://h/vdi", "/x/y", VD_SOURCE_NETWORK, "sheepdog", "vdi", NULL },
	{ "nbd+rdma://h/e", "/x/y", VD_SOURCE_NONE, NULL, NULL, NULL },
	{ "HTTP://h/e", "/x/y", VD_SOURCE_NONE, NULL, NULL, NULL },
	{ "nvme://0000:01:00.0/1", "/x/y", VD_SOURCE_NONE, NULL, NULL, NULL },
	{ "json:{\"driver\":\"file\",\"filename\":\"a\"}", "/x/y", VD_SOURCE_FILE, NULL, "/a", NULL },
	{ "json:{\"driver\":\"file\",\"filename\":1}", "/x/y", VD_SOURCE_NONE, NULL, NULL, NULL },
	{ "json:{\"driver\":\"nbd\",\"export\":\"e\"}", "/x/y", VD_SOURCE_NONE, NULL, NULL, NULL },
	{ "json:{\"driver\":\"nbd\",\"export\":\"e\",\"server.host\":\"h\"}", "/x/y", VD_SOURCE_NETWORK, "nbd", "e",
	  NULL },
	{ "json:{\"driver\":\"gluster\"}", "/x/y", VD_SOURCE_NONE, NULL, NULL, NULL },
	{ "json:{\"driver\":\"gluster\",\"volume\":\"v\",\"path\":\"p\",\"server\":[{\"host\":\"h\"}]}", "/x/y",
	  VD_SOURCE_NETWORK, "gluster", "p", NULL },
	{ "json:{\"driver\":\"iscsi\"}", "/x/y", VD_SOURCE_NONE, NULL, NULL, NULL },
	{ "json:{\"driver\":\"ssh\"}", "/x/y", VD_SOURCE_NONE, NULL, NULL, NULL },
	{ "json:{\"driver\":\"sheepdog\"}", "/x/y", VD_SOURCE_NONE, NULL, NULL, NULL },
	{ "json:{\"driver\":\"nfs\",\"path\":\"/x\"}", "/x/y", VD_SOURCE_NONE, NULL, NULL, NULL },
	{ "json:{\"driver\":\"vxhs\",\"vdisk-id\":\"x\"}", "/x/y", VD_SOURCE_NONE, NULL, NULL, NULL },
	{ "json:{\"driver\":\"https\",\"file.url\":\"x\"}", "/x/y", VD_SOURCE_NONE, NULL, NULL, NULL },
	{ "json:{\"file.driver\":\"file\",\"file\":{\"filename\":\"/a\"}}", "/x/y", VD_SOURCE_NONE, NULL, NULL, NULL },
	{ "iscsi:x", "/x/y", VD_SOURCE_NONE, NULL, NULL, NULL },
	{ "https://h/a/b.qcow2?x=1", "/x/y", VD_SOURCE_NETWORK, "https", "a/b.qcow2", NULL },
	{ "gluster+tcp://h/vol/img", "/x/y", VD_SOURCE_NETWORK, "gluster", "vol/img", NULL },
	{ "json:{\"driver\":\"file\",\"filename\":\"/a\"}", "/x/y", VD_SOURCE_FILE, NULL, "/a", NULL },
	{ "json:{\"file\":{\"driver\":\"file\",\"filename\":\"/a\"}}", "/x/y", VD_SOURCE_FILE, NULL, "/a", NULL },
	{ "json:{\"file.driver\":\"file\",\"file.filename\":\"/a\"}", "/x/y", VD_SOURCE_FILE, NULL, "/a", NULL },
	{ "json:{\"driver\":\"raw\",\"file\":{\"driver\":\"file\",\"filename\":\"/a\"}}", "/x/y", VD_SOURCE_FILE, NULL,
	  "/a", "raw" },
	{ "json:{\"driver\":\"raw\",\"file.driver\":\"host_device\",\"file.filename\":\"/dev/x\"}", "/x/y",
	  VD_SOURCE_BLOCK, NULL, "/dev/x", "raw" },
	{ "json:{\"file\":{\"driver\":\"raw\",\"file\":{\"driver\":\"file\",\"filename\":\"/a\"}}}", "/x/y",
	  VD_SOURCE_FILE, NULL, "/a", "raw" },
	{ "json:{\"driver\":\"qcow2\",\"file\":{\"driver\":\"file\",\"filename\":\"/a\"}}", "/x/y", VD_SOURCE_NONE,
	  NULL, NULL, NULL },
	{ "json:{\"driver\":\"raw\",\"file\":{\"driver\":\"raw\",\"file\":{\"driver\":\"file\",\"filename\":\"/a\"}}}",
	  "/x/y", VD_SOURCE_NONE, NULL, NULL, NULL },
	{ "json:{\"driver\":\"file\"}", "/x/y", VD_SOURCE_NONE, NULL, NULL, NULL },
	{ "json:{\"filename\":\"/a\"}", "/x/y", VD_SOURCE_NONE, NULL, NULL, NULL },
	{ "json:{\"driver\":\"https\",\"url\":\"https://h/x\"}", "/x/y", VD_SOURCE_NETWORK, "https", "https://h/x",
	  NULL },
	{ "json:{\"driver\":\"nbd\",\"host\":\"h\",\"port\":\"1\",\"export\":\"e\"}", "/x/y", VD_SOURCE_NETWORK, "nbd",
	  "e", NULL },
	{ "json:{\"driver\":\"rbd\",\"pool\":\"p\"}", "/x/y", VD_SOURCE_NONE, NULL, NULL, NULL },
	{ "json:{\"driver\":\"blkdebug\"}", "/x/y", VD_SOURCE_NONE, NULL, NULL, NULL },
	{ "json:{", "/x/y", VD_SOURCE_NONE, NULL, NULL, NULL },
	{ "json:[]", "/x/y", VD_SOURCE_NONE, NULL, NULL, NULL },
};

static void test_names(void)
{
	for (size_t i = 0; i < VD_ARRAY_SIZE(names); i++) {
		struct vd_source *source = NULL;
		VD_AUTO_ERR err = VD_ERR_INIT;
		int r = vd_image_backing_parse(names[i].name, names[i].parent, &source, &err);

		tap_int(r, names[i].type == VD_SOURCE_NONE ? -EBADMSG : 0, "name %s: accepted as libvirt does",
		        names[i].name);
		if (r == 0 && source) {
			tap_int(source->type, names[i].type, "name %s: type", names[i].name);
			tap_str(source->path, names[i].path, "name %s: path", names[i].name);
			tap_str(source->protocol, names[i].protocol, "name %s: protocol", names[i].name);
			tap_str(source->format, names[i].format, "name %s: format", names[i].name);
		}
		vd_source_free(source);
	}
}

static void test_format_names(void)
{
	tap_int(vd_format_from_name(NULL), VD_FORMAT_UNKNOWN, "format: none");
	tap_int(vd_format_from_name("qcow2"), VD_FORMAT_QCOW2, "format: qcow2");
	tap_int(vd_format_from_name("bochs"), VD_FORMAT_OTHER, "format: not one of ours");
	tap_int(vd_format_from_name("unknown"), VD_FORMAT_OTHER, "format: a reserved word is no format");
	tap_str(vd_format_name(VD_FORMAT_ISO), "iso", "format: name");
}

int main(void)
{
	test_qcow();
	test_others();
	test_hostile();
	test_prefixes();
	test_names();
	test_format_names();
	return tap_done();
}
