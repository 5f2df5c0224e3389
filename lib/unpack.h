/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Reading a file that may be compressed: gzip, xz, zstd, or as it is. What it is is seen from its first bytes, not from
 * its name. The border of zlib, liblzma and libzstd. Bytes come in a stream, so that a file of any size needs the same
 * memory: a few KiB for gzip, up to the window that the file was packed with for xz and zstd.
 */

#include <stdint.h>
#include <sys/types.h>

#include "err.h"
#include "macros.h"

enum vd_pack {
	VD_PACK_NONE,
	VD_PACK_GZIP,
	VD_PACK_XZ,
	VD_PACK_ZSTD
};

struct vd_unpack;

/*
 * Begin at byte @offset of the unpacked content of @fd, a regular file; @fd belongs to the reader from now on, also
 * when this fails. Returns 0; -ENOMEM; a negative errno with @err set.
 */
int vd_unpack_open(int fd, int64_t offset, struct vd_unpack **ret_unpack, struct vd_err *err) VD_MUST_CHECK;
/* How the file is packed. */
enum vd_pack vd_unpack_form(const struct vd_unpack *unpack);
/*
 * At most @max bytes to @to. Returns their number, 0 at the end; -EBADMSG when the packed data is damaged or cut off
 * (what came before was handed out), -ENOMEM when it wants a window above 64 MiB, another negative errno.
 */
ssize_t vd_unpack_read(struct vd_unpack *unpack, char *to, size_t max) VD_MUST_CHECK;
void vd_unpack_free(struct vd_unpack *unpack);
void vd_unpack_cleanup(struct vd_unpack **unpack);
#define VD_AUTO_UNPACK VD_CLEANUP(vd_unpack_cleanup)
