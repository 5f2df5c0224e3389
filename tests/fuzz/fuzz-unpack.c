/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Packed files, damaged in any way: reading ends, and reading from the middle gives what reading from the start gives
 * there. The first byte says where the middle is.
 */
#include "fuzz.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "buf.h"
#include "unpack.h"

#define MOST (256u << 10) /* of the content; a few bytes can be packed gigabytes */

/* Appends the content from @offset on, at most MOST bytes of it. Returns how reading ended. */
static int content(int fd, int64_t offset, size_t portion, enum vd_pack *ret_form, struct vd_buf *ret)
{
	VD_AUTO_UNPACK struct vd_unpack *unpack = NULL;
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r = vd_unpack_open(dup(fd), offset, &unpack, &err);
	char part[4096];

	FUZZ_CHECK(r < 0 || unpack, "opened, but nothing is there");
	*ret_form = unpack ? vd_unpack_form(unpack) : VD_PACK_NONE;
	while (r == 0 && ret->len < MOST) {
		ssize_t n = vd_unpack_read(unpack, part, portion);

		FUZZ_CHECK(n <= (ssize_t)portion, "%zd bytes of %zu", n, portion);
		if (n <= 0)
			return (int)n;
		if (vd_buf_add(ret, part, (size_t)n) < 0)
			exit(0);
	}
	return r < 0 ? r : 1;
}

FUZZ_TARGET("unpack")
{
	VD_AUTO_BUF all = VD_BUF_INIT, behind = VD_BUF_INIT;
	VD_AUTO_CLOSE int fd = -1;
	enum vd_pack form;
	size_t from;
	int r, r2;

	if (!size)
		return 0;
	from = data[0];
	data++, size--;
	fd = memfd_create("packed", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		exit(0);
	r = content(fd, 0, 4096, &form, &all);
	FUZZ_CHECK(r == 0 || r == 1 || r == -EBADMSG || r == -ENOMEM, "reading ends with %d", r);
	r2 = content(fd, (int64_t)from, 1 + from, &form, &behind);
	FUZZ_CHECK(r == 1 || from > all.len || r2 == r, "from the start it ends with %d, from %zu with %d", r, from,
	           r2);
	from = from < all.len ? from : all.len;
	for (size_t i = 0; from + i < all.len && i < behind.len; i++)
		FUZZ_CHECK(all.data[from + i] == behind.data[i], "byte %zu is another one from %zu on", from + i, from);
	/* How far liblzma gets with damaged data depends on how much is asked for at a time. */
	FUZZ_CHECK(r == 1 || (r < 0 && form == VD_PACK_XZ) || behind.len == all.len - from,
	           "%zu bytes behind %zu of %zu", behind.len, from, all.len);
	return 0;
}
