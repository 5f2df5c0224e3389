/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "acl.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	TAG_USER_OBJ = 1,
	TAG_USER = 2,
	TAG_GROUP_OBJ = 4,
	TAG_GROUP = 8,
	TAG_MASK = 16,
	TAG_OTHER = 32
};

/* linux/posix_acl_xattr.h: a little-endian version word, then 8 bytes an entry: tag, perm, id. */
#define XATTR_VERSION 2
#define HEADER_SIZE   4
#define ENTRY_SIZE    8

int vd_acl_parse_xattr(const void *data, size_t len, struct vd_acl_entry **ret_entries, size_t *ret_count)
{
	const unsigned char *p = data;
	struct vd_acl_entry *entries;
	uint32_t version;
	size_t n;

	if (len < HEADER_SIZE || (len - HEADER_SIZE) % ENTRY_SIZE)
		return -EBADMSG;
	memcpy(&version, p, sizeof(version));
	if (le32toh(version) != XATTR_VERSION)
		return -EBADMSG;
	n = (len - HEADER_SIZE) / ENTRY_SIZE;
	entries = calloc(n ? n : 1, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		uint16_t tag, perm;
		uint32_t id;

		memcpy(&tag, p + HEADER_SIZE + i * ENTRY_SIZE, 2);
		memcpy(&perm, p + HEADER_SIZE + i * ENTRY_SIZE + 2, 2);
		memcpy(&id, p + HEADER_SIZE + i * ENTRY_SIZE + 4, 4);
		entries[i].tag = le16toh(tag);
		entries[i].perm = le16toh(perm) & 7;
		entries[i].id = le32toh(id);
	}
	*ret_entries = entries;
	*ret_count = n;
	return 0;
}

/* One "tag:id:rwx". */
static int parse_entry(const char *s, size_t len, struct vd_acl_entry *ret_entry)
{
	static const struct {
		const char *word;
		uint16_t plain, named;
	} tags[] = {
		{ "user", TAG_USER_OBJ, TAG_USER },
		{ "group", TAG_GROUP_OBJ, TAG_GROUP },
		{ "mask", TAG_MASK, 0 },
		{ "other", TAG_OTHER, 0 },
	};
	const char *id = memchr(s, ':', len), *perm, *end = s + len;
	struct vd_acl_entry e = { 0 };

	if (!id)
		return -EBADMSG;
	perm = memchr(id + 1, ':', (size_t)(end - id - 1));
	if (!perm || end - perm - 1 != 3)
		return -EBADMSG;
	for (size_t i = 0; i < VD_ARRAY_SIZE(tags); i++)
		if (strlen(tags[i].word) == (size_t)(id - s) && !memcmp(tags[i].word, s, (size_t)(id - s)))
			e.tag = perm == id + 1 ? tags[i].plain : tags[i].named;
	for (const char *p = id + 1; p < perm; p++) {
		if (*p < '0' || *p > '9' || e.id > UINT32_MAX / 10)
			return -EBADMSG;
		e.id = e.id * 10 + (uint32_t)(*p - '0');
	}
	for (int i = 0; i < 3; i++) {
		if (perm[1 + i] == "rwx"[i])
			e.perm |= (uint16_t)(4 >> i);
		else if (perm[1 + i] != '-')
			return -EBADMSG;
	}
	if (!e.tag)
		return -EBADMSG;
	*ret_entry = e;
	return 0;
}

int vd_acl_parse_text(const char *text, struct vd_acl_entry **ret_entries, size_t *ret_count)
{
	struct vd_acl_entry *entries = NULL;
	size_t n = 0;
	int r = 0;

	while (*text && !r) {
		const char *end = strchrnul(text, ',');
		struct vd_acl_entry *more = realloc(entries, (n + 1) * sizeof(*more));

		if (!more) {
			r = -ENOMEM;
			break;
		}
		entries = more;
		r = parse_entry(text, (size_t)(end - text), &entries[n++]);
		text = *end ? end + 1 : end;
	}
	if (!r && !n)
		r = -EBADMSG;
	if (r < 0) {
		free(entries);
		return r;
	}
	*ret_entries = entries;
	*ret_count = n;
	return 0;
}
