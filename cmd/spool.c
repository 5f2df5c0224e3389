/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include "command.h"

/* What is encoded at a time: whole groups of base64. */
#define PART (3 * 4096)

static int open_unnamed(void)
{
	const char *const dirs[] = { getenv("TMPDIR"), "/var/tmp", "/tmp" };
	int fd = -1;

	for (size_t i = 0; i < VD_ARRAY_SIZE(dirs) && fd < 0; i++)
		if (dirs[i] && dirs[i][0] == '/')
			fd = open(dirs[i], O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return fd;
}

void vd_spool_begin(struct vd_spool *spool)
{
	spool->failed = false;
	if (spool->is_open && (ftruncate(spool->fd, 0) < 0 || lseek(spool->fd, 0, SEEK_SET) < 0))
		spool->failed = true;
}

void vd_spool_add(struct vd_spool *spool, const char *s, size_t len)
{
	if (!spool->is_open && !spool->failed) {
		spool->fd = open_unnamed();
		spool->is_open = spool->fd >= 0;
		spool->failed = !spool->is_open;
	}
	while (len && !spool->failed) {
		ssize_t n = write(spool->fd, s, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			spool->failed = true;
			return;
		}
		s += n;
		len -= (size_t)n;
	}
}

/* Fill @part as far as there is anything; 0 at the end, a negative number when reading fails. */
static ssize_t read_part(int fd, char *part, off_t offset)
{
	size_t have = 0;

	while (have < PART) {
		ssize_t n = pread(fd, part + have, PART - have, offset + (off_t)have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return n;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

void vd_spool_print(struct vd_ctx *ctx, struct vd_spool *spool, struct vd_out *out)
{
	char part[PART];
	off_t offset = 0;
	ssize_t n = 0;

	if (!spool->failed && spool->is_open) {
		vd_out_adds(out, ",\"text_bytes\":\"");
		while ((n = read_part(spool->fd, part, offset)) > 0) {
			vd_out_base64(out, part, (size_t)n);
			offset += n;
		}
		vd_out_add(out, "\"", 1);
	}
	if (spool->failed || n < 0)
		vd_warn(ctx, "the bytes of a long line are left out: no room for them in a temporary file in TMPDIR");
}

void vd_spool_release(struct vd_spool *spool)
{
	if (spool->is_open)
		close(spool->fd);
	spool->is_open = false;
}
