/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Image headers for tests, made byte by byte from the format descriptions, without qemu-img. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define IMAGE_MAX 65536u

struct image_bytes {
	unsigned char data[IMAGE_MAX];
	size_t len;
};

__attribute__((unused)) static void put_be32(unsigned char *p, uint32_t n)
{
	p[0] = (unsigned char)(n >> 24), p[1] = (unsigned char)(n >> 16);
	p[2] = (unsigned char)(n >> 8), p[3] = (unsigned char)n;
}

__attribute__((unused)) static void put_be64(unsigned char *p, uint64_t n)
{
	put_be32(p, (uint32_t)(n >> 32));
	put_be32(p + 4, (uint32_t)n);
}

__attribute__((unused)) static void put_le32(unsigned char *p, uint32_t n)
{
	p[3] = (unsigned char)(n >> 24), p[2] = (unsigned char)(n >> 16);
	p[1] = (unsigned char)(n >> 8), p[0] = (unsigned char)n;
}

__attribute__((unused)) static size_t put_extension(unsigned char *p, uint32_t type, const char *text)
{
	put_be32(p, type);
	put_be32(p + 4, (uint32_t)strlen(text));
	memcpy(p + 8, text, strlen(text));
	return 8 + ((strlen(text) + 7) & ~(size_t)7);
}

/* @version 1 is qcow, 2 and 3 qcow2. Any text may be NULL. */
__attribute__((unused)) static void make_qcow(struct image_bytes *image, unsigned version, const char *backing,
                                              const char *format, const char *data_file)
{
	size_t at = version == 3 ? 104 : version == 2 ? 72 : 48;

	memset(image, 0, sizeof(*image));
	memcpy(image->data, "QFI\xfb", 4);
	put_be32(image->data + 4, version);
	put_be64(image->data + 24, 1048576);
	if (version > 1)
		put_be32(image->data + 20, 16);
	if (version == 3) {
		put_be64(image->data + 72, data_file ? 4 : 0);
		put_be32(image->data + 96, 4);
		put_be32(image->data + 100, 104);
	}
	if (format)
		at += put_extension(image->data + at, 0xE2792ACA, format);
	if (data_file)
		at += put_extension(image->data + at, 0x44415441, data_file);
	if (version > 1)
		at += 8; /* the end marker */
	if (backing) {
		put_be64(image->data + 8, at);
		put_be32(image->data + 16, (uint32_t)strlen(backing));
		memcpy(image->data + at, backing, strlen(backing));
		at += strlen(backing);
	}
	image->len = at < 512 ? 512 : at;
}

__attribute__((unused)) static void make_qed(struct image_bytes *image, const char *backing, const char *format)
{
	memset(image, 0, sizeof(*image));
	memcpy(image->data, "QED", 4);
	if (backing) {
		put_le32(image->data + 16, format && !strcmp(format, "raw") ? 5 : 1);
		put_le32(image->data + 56, 64);
		put_le32(image->data + 60, (uint32_t)strlen(backing));
		memcpy(image->data + 64, backing, strlen(backing));
	}
	image->len = 512;
}

__attribute__((unused)) static void make_vmdk(struct image_bytes *image, const char *backing)
{
	memset(image, 0, sizeof(*image));
	memcpy(image->data, "KDMV\1", 5);
	snprintf((char *)image->data + 512, 4096, "# Disk DescriptorFile\nparentFileNameHint=\"%s\"\n",
	         backing ? backing : "");
	image->len = 8192;
}

/* @path with the directories above it, below @dir. Returns false when that fails. */
__attribute__((unused)) static bool make_file(const char *dir, const char *path, const void *data, size_t len)
{
	char full[4096];
	FILE *f;
	bool good;

	if (snprintf(full, sizeof(full), "%s%s", dir, path) >= (int)sizeof(full))
		return false;
	for (char *p = full + strlen(dir) + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = '\0';
		(void)mkdir(full, 0755);
	}
	f = fopen(full, "w");
	if (!f)
		return false;
	good = fwrite(data, 1, len, f) == len;
	return fclose(f) == 0 && good;
}

/* A temporary directory that remove_tree() removes; exits when it cannot be made. */
__attribute__((unused)) static char *make_tree(void)
{
	const char *base = getenv("TMPDIR");
	static char dir[4096];

	snprintf(dir, sizeof(dir), "%s/virtdiag-test-XXXXXX", base && *base ? base : "/tmp");
	if (!mkdtemp(dir)) {
		perror(dir);
		exit(1);
	}
	return dir;
}

__attribute__((unused)) static void remove_tree(const char *dir)
{
	char command[4200];

	snprintf(command, sizeof(command), "rm -rf -- '%s'", dir);
	if (system(command) != 0)
		perror(command);
}
