/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Packed logs: whole, from the middle, of several members, damaged, cut off. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "buf.h"
#include "tap.h"
#include "unpack.h"

/* "hello\n" as gzip, xz, zstd make it. */
static const unsigned char gz[] = { 0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0xcb, 0x48, 0xcd,
	                            0xc9, 0xc9, 0xe7, 0x02, 0x00, 0x20, 0x30, 0x3a, 0x36, 0x06, 0x00, 0x00, 0x00 };
static const unsigned char xz[] = { 0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x04, 0xe6, 0xd6, 0xb4, 0x46, 0x02,
	                            0x00, 0x21, 0x01, 0x16, 0x00, 0x00, 0x00, 0x74, 0x2f, 0xe5, 0xa3, 0x01, 0x00,
	                            0x05, 0x68, 0x65, 0x6c, 0x6c, 0x6f, 0x0a, 0x00, 0x00, 0x00, 0xa5, 0x60, 0x97,
	                            0xf1, 0x94, 0xf6, 0xfd, 0xe0, 0x00, 0x01, 0x1e, 0x06, 0xc1, 0x2f, 0xa4, 0x1d,
	                            0x1f, 0xb6, 0xf3, 0x7d, 0x01, 0x00, 0x00, 0x00, 0x00, 0x04, 0x59, 0x5a };
static const unsigned char zst[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x31, 0x00, 0x00, 0x68,
	                             0x65, 0x6c, 0x6c, 0x6f, 0x0a, 0x53, 0x88, 0xbd, 0x91 };

static int file_of(const void *data, size_t len)
{
	int fd = memfd_create("unpack", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, len) != (ssize_t)len) {
		tap_ok(false, "no memory file");
		exit(1);
	}
	return fd;
}

/* Everything from @offset on, @portion bytes at a time; the last result, 0 when it was read to its end. */
static int read_by(size_t portion, const void *data, size_t len, int64_t offset, enum vd_pack *form, struct vd_buf *buf)
{
	VD_AUTO_UNPACK struct vd_unpack *unpack = NULL;
	char chunk[100];
	ssize_t n;
	int rc = vd_unpack_open(file_of(data, len), offset, &unpack, NULL);

	vd_buf_clear(buf);
	if (rc < 0)
		return rc;
	*form = vd_unpack_form(unpack);
	while ((n = vd_unpack_read(unpack, chunk, portion)) > 0)
		if (vd_buf_add(buf, chunk, (size_t)n) < 0)
			return -ENOMEM;
	return (int)n;
}

static int read_all(const void *data, size_t len, int64_t offset, enum vd_pack *form, struct vd_buf *buf)
{
	return read_by(3, data, len, offset, form, buf);
}

/* Damaged data whose first @wanted_len bytes of content are good: they come, then the damage, however it is read. */
static void damaged(const char *name, const void *data, size_t len, const char *wanted, size_t wanted_len)
{
	static const size_t portions[] = { 1, 3, 7, 100 };
	VD_AUTO_BUF buf = VD_BUF_INIT;
	enum vd_pack form;

	for (size_t i = 0; i < VD_ARRAY_SIZE(portions); i++) {
		tap_int(read_by(portions[i], data, len, 0, &form, &buf), -EBADMSG, "%s, by %zu -> said", name,
		        portions[i]);
		tap_ok(buf.len == wanted_len && !memcmp(vd_buf_str(&buf), wanted, wanted_len),
		       "%s, by %zu -> what came before", name, portions[i]);
	}
}

static void one_form(const char *name, enum vd_pack wanted, const unsigned char *data, size_t len, size_t checksum)
{
	VD_AUTO_BUF buf = VD_BUF_INIT, twice = VD_BUF_INIT;
	enum vd_pack form = VD_PACK_NONE;
	char what[64];

	tap_int(read_all(data, len, 0, &form, &buf), 0, "%s: whole -> read to its end", name);
	tap_int(form, wanted, "%s: seen from its bytes", name);
	tap_str(vd_buf_str(&buf), "hello\n", "%s: whole -> its content", name);
	tap_int(read_all(data, len, 3, &form, &buf), 0, "%s: from the middle", name);
	tap_str(vd_buf_str(&buf), "lo\n", "%s: from the middle -> the rest", name);
	if (vd_buf_add(&twice, data, len) == 0 && vd_buf_add(&twice, data, len) == 0)
		tap_int(read_all(twice.data, twice.len, 0, &form, &buf), 0, "%s: two members", name);
	tap_str(vd_buf_str(&buf), "hello\nhello\n", "%s: two members -> both", name);
	snprintf(what, sizeof(what), "%s: cut off", name);
	damaged(what, data, len - 3, "hello\n", 6);
	vd_buf_clear(&twice);
	tap_int(vd_buf_add(&twice, data, len), 0, "%s: enough memory", name);
	twice.data[checksum] ^= 1;
	snprintf(what, sizeof(what), "%s: wrong checksum", name);
	damaged(what, twice.data, len, "hello\n", 6);
}

/* 600 times 'x', cut off behind its only distance: zlib has taken all input when most of it is still to come. */
static void test_held_back(void)
{
	static const unsigned char cut[] = { 0x1f, 0x8b, 8,    0,    0,    0,    0,    0,    0,
		                             3,    0xab, 0xa8, 0x18, 0x05, 0xa3, 0x80, 0xfa, 0x00 };
	char wanted[600];

	memset(wanted, 'x', sizeof(wanted));
	damaged("gzip: cut off in a run", cut, sizeof(cut), wanted, sizeof(wanted));
}

/* A frame of four bytes, and a damaged one of an old form, of which libzstd says that it filled all the room it had. */
static void test_old_frame(void)
{
	static const unsigned char frames[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x04, 0x21, 0x00, 0x00,
		                                'a',  'b',  'c',  'd',  0x26, 0xb5, 0x2f, 0xfd, 0x00,
		                                0x61, 0x21, 0x00, 0x00, 0x65, 0x40, 0x99, 0x02, 0x00 };

	damaged("zstd: a damaged frame of an old form", frames, sizeof(frames), "abcd", 4);
}

int main(void)
{
	VD_AUTO_BUF buf = VD_BUF_INIT;
	enum vd_pack form = VD_PACK_GZIP;

	one_form("gzip", VD_PACK_GZIP, gz, sizeof(gz), 20);
	one_form("xz", VD_PACK_XZ, xz, sizeof(xz), 36);
	one_form("zstd", VD_PACK_ZSTD, zst, sizeof(zst), 16);
	tap_int(read_all("hello\n", 6, 2, &form, &buf), 0, "plain: from the middle");
	tap_int(form, VD_PACK_NONE, "plain: not packed");
	tap_str(vd_buf_str(&buf), "llo\n", "plain: from the middle -> the rest");
	test_held_back();
	test_old_frame();
	tap_int(read_all("", 0, 0, &form, &buf), 0, "empty file -> nothing");
	return tap_done();
}
