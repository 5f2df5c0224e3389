/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Image headers: probed and parsed as every format, whole and cut short. */
#include "fuzz.h"

#include <errno.h>

#include "image.h"

static void check_name(const char *name)
{
	if (name)
		FUZZ_CHECK(strlen(name) < VD_IMAGE_HEADER, "a name of %zu bytes", strlen(name));
}

static void check(const void *data, size_t size, enum vd_format format)
{
	VD_CLEANUP(vd_image_release) struct vd_image image = { .format = VD_FORMAT_COUNT_ };
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r = vd_image_parse(data, size, format, &image, &err);

	if (r == -ENOMEM)
		return;
	fuzz_check_err(r, &err);
	if (r < 0) {
		FUZZ_CHECK(r == -EBADMSG, "%s: returned %d", vd_format_name(format), r);
		FUZZ_CHECK(image.format == VD_FORMAT_COUNT_, "%s: written on failure", vd_format_name(format));
		return;
	}
	FUZZ_CHECK(image.format == format, "%s parsed as %s", vd_format_name(format), vd_format_name(image.format));
	FUZZ_CHECK(image.size >= -1, "%s: size %lld", vd_format_name(format), (long long)image.size);
	FUZZ_CHECK(!image.data_file || image.has_data_file, "a data file without its feature");
	FUZZ_CHECK(!image.backing_format || format == VD_FORMAT_QCOW2 || format == VD_FORMAT_QED,
	           "%s records a backing format", vd_format_name(format));
	check_name(image.backing);
	check_name(image.backing_format);
	check_name(image.data_file);
}

FUZZ_TARGET("image")
{
	enum vd_format probed;

	if (size > VD_IMAGE_HEADER)
		size = VD_IMAGE_HEADER;
	probed = vd_image_probe(data, size);
	FUZZ_CHECK(probed != VD_FORMAT_UNKNOWN && probed < VD_FORMAT_COUNT_, "probed as %d", (int)probed);
	FUZZ_CHECK(size || probed == VD_FORMAT_RAW, "nothing is %s", vd_format_name(probed));
	for (int f = 0; f < VD_FORMAT_COUNT_; f++) {
		FUZZ_CHECK(f == VD_FORMAT_OTHER || f == VD_FORMAT_UNKNOWN ||
		                   vd_format_from_name(vd_format_name((enum vd_format)f)) == (enum vd_format)f,
		           "format %d has no name of its own", f);
		check(data, size, (enum vd_format)f);
	}
	if (size > 1) {
		/* A copy, so that reading behind the shorter end is seen. */
		void *cut = malloc(size / 2);

		if (cut) {
			memcpy(cut, data, size / 2);
			check(cut, size / 2, probed);
		}
		free(cut);
	}
	return 0;
}
