/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unpack.h"

#include <errno.h>
#include <lzma.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define INPUT_SIZE        (64u << 10)
/* The window of xz -9, the largest of its presets, and a little; zstd counts in powers of two. */
#define XZ_MEMORY         (70u << 20)
#define ZSTD_WINDOWLOG    26
/* Bytes of it: what zstd asks for with a block is the header of the next one too (RFC 8878, 3.1.1.2). */
#define ZSTD_BLOCK_HEADER 3

struct vd_unpack {
	int fd;
	enum vd_pack form;
	bool input_ended;
	bool frame_ended; /* at the end of a packed member: the file may end here */
	int failed;       /* negative errno: told once what came before has been handed out */
	unsigned char *input;
	size_t in_pos, in_len;
	z_stream zlib;
	lzma_stream lzma;
	ZSTD_DStream *zstd;
	size_t zstd_wants; /* input for one step: a header, or a block */
	bool zstd_holds;   /* it may hold output for which there was no room */
};

/* Fill the input buffer when it is empty. 0 or a negative errno. */
static int fill(struct vd_unpack *u)
{
	ssize_t n;

	if (u->in_pos < u->in_len || u->input_ended)
		return 0;
	do
		n = read(u->fd, u->input, INPUT_SIZE);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	u->in_pos = 0;
	u->in_len = (size_t)n;
	u->input_ended = n == 0;
	return 0;
}

static enum vd_pack form_of(const unsigned char *head, size_t len)
{
	if (len >= 3 && head[0] == 0x1f && head[1] == 0x8b && head[2] == 8)
		return VD_PACK_GZIP;
	if (len >= 6 && !memcmp(head,
	                        "\xfd"
	                        "7zXZ",
	                        6))
		return VD_PACK_XZ;
	if (len >= 4 && !memcmp(head, "\x28\xb5\x2f\xfd", 4))
		return VD_PACK_ZSTD;
	return VD_PACK_NONE;
}

static int start_decoder(struct vd_unpack *u)
{
	u->lzma = (lzma_stream)LZMA_STREAM_INIT;
	switch (u->form) {
	case VD_PACK_NONE:
		return 0;
	case VD_PACK_GZIP:
		/* 15 bits of window; 16 on top asks for the gzip wrapper. */
		return inflateInit2(&u->zlib, 15 + 16) == Z_OK ? 0 : -ENOMEM;
	case VD_PACK_XZ:
		return lzma_stream_decoder(&u->lzma, XZ_MEMORY, LZMA_CONCATENATED) == LZMA_OK ? 0 : -ENOMEM;
	case VD_PACK_ZSTD:
		u->zstd = ZSTD_createDStream();
		if (!u->zstd)
			return -ENOMEM;
		u->zstd_wants = ZSTD_initDStream(u->zstd);
		return ZSTD_isError(u->zstd_wants) || ZSTD_isError(ZSTD_DCtx_setParameter(u->zstd, ZSTD_d_windowLogMax,
		                                                                          ZSTD_WINDOWLOG))
		               ? -ENOMEM
		               : 0;
	}
	return -EINVAL;
}

/* Go on to @offset of the unpacked content. */
static int skip_to(struct vd_unpack *u, int64_t offset)
{
	char scratch[16384];

	if (u->form == VD_PACK_NONE) {
		u->in_pos = u->in_len = 0;
		return lseek(u->fd, (off_t)offset, SEEK_SET) < 0 ? -errno : 0;
	}
	while (offset > 0) {
		size_t want = offset < (int64_t)sizeof(scratch) ? (size_t)offset : sizeof(scratch);
		ssize_t n = vd_unpack_read(u, scratch, want);

		if (n <= 0)
			return (int)n;
		offset -= n;
	}
	return 0;
}

int vd_unpack_open(int fd, int64_t offset, struct vd_unpack **ret_unpack, struct vd_err *err)
{
	VD_AUTO_UNPACK struct vd_unpack *u = calloc(1, sizeof(*u));
	int rc;

	if (u) {
		u->fd = fd;
		u->input = malloc(INPUT_SIZE);
	}
	if (!u || !u->input) {
		if (!u)
			close(fd);
		return vd_err_set(err, ENOMEM, "no memory to read a log");
	}
	rc = lseek(fd, 0, SEEK_SET) < 0 ? -errno : fill(u);
	if (rc < 0)
		return vd_err_set(err, -rc, "cannot read: %s", strerror(-rc));
	u->form = form_of(u->input, u->in_len);
	rc = start_decoder(u);
	if (rc == 0)
		rc = skip_to(u, offset);
	if (rc < 0)
		return vd_err_set(err, -rc, "cannot unpack: %s", strerror(-rc));
	*ret_unpack = vd_steal(u);
	return 0;
}

enum vd_pack vd_unpack_form(const struct vd_unpack *unpack)
{
	return unpack->form;
}

/*
 * One step of the decoder from input to @to. Returns the bytes that it wrote, 0 when it wants input; a step that ends
 * in a failure, which it notes, may have written some too.
 */
static size_t step_gzip(struct vd_unpack *u, char *to, size_t max)
{
	int rc;

	/* A gzip file may have several members, one after the other; zeros may fill it up. */
	if (u->frame_ended) {
		if (u->input[u->in_pos] == 0) {
			u->in_pos++;
			return 0;
		}
		if (inflateReset(&u->zlib) != Z_OK) {
			u->failed = -EBADMSG;
			return 0;
		}
	}
	u->zlib.next_in = u->input + u->in_pos;
	u->zlib.avail_in = (unsigned)(u->in_len - u->in_pos);
	u->zlib.next_out = (unsigned char *)to;
	u->zlib.avail_out = max > UINT32_MAX ? UINT32_MAX : (unsigned)max;
	rc = inflate(&u->zlib, Z_NO_FLUSH);
	u->in_pos = u->in_len - u->zlib.avail_in;
	u->frame_ended = rc == Z_STREAM_END;
	if (rc == Z_MEM_ERROR)
		u->failed = -ENOMEM;
	else if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
		u->failed = -EBADMSG;
	return (size_t)((char *)u->zlib.next_out - to);
}

static size_t step_xz(struct vd_unpack *u, char *to, size_t max)
{
	lzma_ret rc;

	u->lzma.next_in = u->input + u->in_pos;
	u->lzma.avail_in = u->in_len - u->in_pos;
	u->lzma.next_out = (unsigned char *)to;
	u->lzma.avail_out = max;
	rc = lzma_code(&u->lzma, u->input_ended ? LZMA_FINISH : LZMA_RUN);
	u->in_pos = u->in_len - u->lzma.avail_in;
	u->frame_ended = rc == LZMA_STREAM_END;
	if (rc == LZMA_MEM_ERROR || rc == LZMA_MEMLIMIT_ERROR)
		u->failed = -ENOMEM;
	else if (rc != LZMA_OK && rc != LZMA_STREAM_END && rc != LZMA_BUF_ERROR)
		u->failed = -EBADMSG;
	return max - u->lzma.avail_out;
}

/*
 * zstd does not tell what it wrote before it failed, so it gets what it needs for one block at a time, and nothing
 * while it holds output.
 */
static size_t step_zstd(struct vd_unpack *u, char *to, size_t max)
{
	size_t have = u->in_len - u->in_pos, rc;
	size_t give = u->zstd_holds ? 0 : have < u->zstd_wants ? have : u->zstd_wants;
	ZSTD_inBuffer in = { u->input + u->in_pos, give, 0 };
	ZSTD_outBuffer out = { to, max, 0 };

	rc = ZSTD_decompressStream(u->zstd, &out, &in);
	u->in_pos += in.pos;
	u->frame_ended = rc == 0;
	if (ZSTD_isError(rc)) {
		u->failed = strstr(ZSTD_getErrorName(rc), "memory") ? -ENOMEM : -EBADMSG;
		return 0;
	}
	u->zstd_wants = rc > ZSTD_BLOCK_HEADER ? rc - ZSTD_BLOCK_HEADER : 1;
	u->zstd_holds = out.pos == max;
	return out.pos;
}

/* What is not packed: at the end of a file that grows there may be more the next time. */
static size_t copy_input(struct vd_unpack *u, char *to, size_t max)
{
	size_t have = u->in_len - u->in_pos, n = have < max ? have : max;

	memcpy(to, u->input + u->in_pos, n);
	u->in_pos += n;
	if (n == 0)
		u->input_ended = false;
	return n;
}

ssize_t vd_unpack_read(struct vd_unpack *u, char *to, size_t max)
{
	size_t n = 0;
	int rc;

	while (n == 0 && max) {
		if (u->failed)
			return u->failed;
		rc = fill(u);
		if (rc < 0)
			return rc;
		if (u->form == VD_PACK_NONE)
			return (ssize_t)copy_input(u, to, max);
		if (u->input_ended && u->frame_ended)
			return 0;
		/* All may still hold output when all input was taken; liblzma wants to be told of the end. */
		n = u->form == VD_PACK_GZIP ? step_gzip(u, to, max)
		    : u->form == VD_PACK_XZ ? step_xz(u, to, max)
		                            : step_zstd(u, to, max);
		if (n == 0 && u->input_ended && !u->frame_ended && !u->failed)
			u->failed = -EBADMSG;
	}
	return (ssize_t)n;
}

void vd_unpack_free(struct vd_unpack *u)
{
	if (!u)
		return;
	if (u->form == VD_PACK_GZIP)
		inflateEnd(&u->zlib);
	if (u->form == VD_PACK_XZ)
		lzma_end(&u->lzma);
	ZSTD_freeDStream(u->zstd);
	free(u->input);
	if (u->fd >= 0)
		close(u->fd);
	free(u);
}

void vd_unpack_cleanup(struct vd_unpack **unpack)
{
	vd_unpack_free(*unpack);
}
