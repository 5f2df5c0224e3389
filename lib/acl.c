/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "acl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vlog.h"

VLOG_CATEGORY("virtdiag.acl");

#define XATTR_VERSION 2u
#define MAX_ENTRIES   8192u /* of 8 bytes: what 64 KiB can hold */

static const struct {
	const char *word;
	uint16_t tag, named; /* the tag without and with an id; 0: not possible */
} tags[] = {
	{ "user", VD_ACL_USER_OBJ, VD_ACL_USER },
	{ "group", VD_ACL_GROUP_OBJ, VD_ACL_GROUP },
	{ "mask", VD_ACL_MASK, 0 },
	{ "other", VD_ACL_OTHER, 0 },
};

static uint32_t le32(const unsigned char *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* What the kernel demands: owner, group and other once, the mask at most once and whenever somebody is named. */
static int validate(const struct vd_acl_entry *entries, size_t count, struct vd_err *err)
{
	unsigned seen = 0;

	for (size_t i = 0; i < count; i++) {
		unsigned tag = entries[i].tag;

		if ((tag != VD_ACL_USER_OBJ && tag != VD_ACL_USER && tag != VD_ACL_GROUP_OBJ && tag != VD_ACL_GROUP &&
		     tag != VD_ACL_MASK && tag != VD_ACL_OTHER) ||
		    entries[i].perm > 7)
			return vd_err_set(err, EBADMSG, "bad ACL: entry %zu has tag %u and permissions %u", i, tag,
			                  (unsigned)entries[i].perm);
		if ((seen & tag) && tag != VD_ACL_USER && tag != VD_ACL_GROUP)
			return vd_err_set(err, EBADMSG, "bad ACL: entry %zu repeats tag %u", i, tag);
		seen |= tag;
	}
	if (~seen & (VD_ACL_USER_OBJ | VD_ACL_GROUP_OBJ | VD_ACL_OTHER))
		return vd_err_set(err, EBADMSG, "bad ACL: the entry of the owner, the group or others is missing");
	if ((seen & (VD_ACL_USER | VD_ACL_GROUP)) && !(seen & VD_ACL_MASK))
		return vd_err_set(err, EBADMSG, "bad ACL: it names users or groups but has no mask");
	return 0;
}

int vd_acl_parse_xattr(const void *data, size_t len, struct vd_acl_entry **ret_entries, size_t *ret_count,
                       struct vd_err *err)
{
	VD_AUTO_FREE struct vd_acl_entry *entries = NULL;
	const unsigned char *p = data;
	size_t count;
	int r;

	if (len < 4 || (len - 4) % 8 || (len - 4) / 8 > MAX_ENTRIES || le32(p) != XATTR_VERSION)
		return vd_err_set(err, EBADMSG, "bad ACL: not an attribute of version 2 (%zu bytes)", len);
	count = (len - 4) / 8;
	entries = calloc(count ? count : 1, sizeof(*entries));
	if (!entries)
		return vd_err_set(err, ENOMEM, "out of memory while reading an ACL");
	p += 4;
	for (size_t i = 0; i < count; i++, p += 8) {
		entries[i].tag = (uint16_t)(p[0] | p[1] << 8);
		entries[i].perm = (uint16_t)(p[2] | p[3] << 8);
		if (entries[i].tag == VD_ACL_USER || entries[i].tag == VD_ACL_GROUP)
			entries[i].id = le32(p + 4);
	}
	r = validate(entries, count, err);
	if (r < 0)
		return r;
	VLOG_DEBUG("ACL of %zu entries", count);
	*ret_entries = vd_steal(entries);
	*ret_count = count;
	return 0;
}

static bool parse_perm(const char *s, size_t len, uint16_t *ret_perm)
{
	uint16_t perm = 0;

	if (len == 1 && *s >= '0' && *s <= '7') {
		*ret_perm = (uint16_t)(*s - '0');
		return true;
	}
	if (len == 0 || len > 3)
		return false;
	for (size_t i = 0; i < len; i++) {
		uint16_t bit = s[i] == 'r' ? 4 : s[i] == 'w' ? 2 : s[i] == 'x' ? 1 : 0;

		if ((!bit && s[i] != '-') || (perm & bit))
			return false;
		perm |= bit;
	}
	*ret_perm = perm;
	return true;
}

static bool parse_id(const char *s, size_t len, uint32_t *ret_id)
{
	uint64_t id = 0;

	if (!len || len > 10)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		id = id * 10 + (unsigned)(s[i] - '0');
	}
	if (id > UINT32_MAX)
		return false;
	*ret_id = (uint32_t)id;
	return true;
}

/* One entry, already without blanks at its ends. */
static bool parse_entry(const char *s, size_t len, struct vd_acl_entry *entry)
{
	const char *id = memchr(s, ':', len), *perm;
	size_t word_len, id_len;

	if (!id)
		return false;
	word_len = (size_t)(id++ - s);
	perm = memchr(id, ':', len - word_len - 1);
	if (!perm)
		return false;
	id_len = (size_t)(perm++ - id);
	for (size_t i = 0; i < VD_ARRAY_SIZE(tags); i++) {
		if ((word_len != 1 && word_len != strlen(tags[i].word)) || memcmp(s, tags[i].word, word_len) != 0)
			continue;
		entry->tag = id_len ? tags[i].named : tags[i].tag;
		return entry->tag && (!id_len || parse_id(id, id_len, &entry->id)) &&
		       parse_perm(perm, len - (size_t)(perm - s), &entry->perm);
	}
	return false;
}

int vd_acl_parse_text(const char *text, struct vd_acl_entry **ret_entries, size_t *ret_count, struct vd_err *err)
{
	VD_AUTO_FREE struct vd_acl_entry *entries = NULL;
	size_t count = 0, max = 1;
	int r;

	for (const char *p = text; *p; p++)
		max += *p == ',' || *p == '\n';
	if (max > MAX_ENTRIES)
		return vd_err_set(err, EBADMSG, "bad ACL: more than %u entries", MAX_ENTRIES);
	entries = calloc(max, sizeof(*entries));
	if (!entries)
		return vd_err_set(err, ENOMEM, "out of memory while reading an ACL");
	for (const char *p = text; *p; p += *p != '\0') {
		size_t len;

		p += strspn(p, " \t");
		len = strcspn(p, ",\n#");
		while (len && (p[len - 1] == ' ' || p[len - 1] == '\t'))
			len--;
		if (len && strncmp(p, "default:", 8) != 0 && strncmp(p, "d:", 2) != 0 &&
		    !parse_entry(p, len, &entries[count++]))
			return vd_err_set(err, EBADMSG, "bad ACL: cannot understand the entry '%.*s'", (int)len, p);
		p += strcspn(p, ",\n#");
		if (*p == '#') /* setfacl's comment; getfacl appends "#effective:r--" */
			p += strcspn(p, "\n");
	}
	r = validate(entries, count, err);
	if (r < 0)
		return r;
	*ret_entries = vd_steal(entries);
	*ret_count = count;
	return 0;
}

static bool in_group(const struct vd_acl_who *who, gid_t gid)
{
	for (size_t i = 0; i < who->ngids; i++) {
		if (who->gids[i] == gid)
			return true;
	}
	return false;
}

static struct vd_acl_verdict verdict(const struct vd_acl_entry *entry, unsigned mask, unsigned want)
{
	return (struct vd_acl_verdict){
		.allowed = (entry->perm & mask & want) == want,
		.masked = (entry->perm & want) == want && (entry->perm & mask & want) != want,
		.tag = entry->tag,
		.id = entry->id,
	};
}

static struct vd_acl_verdict check_entries(const struct vd_stat *st, const struct vd_acl_entry *entries, size_t count,
                                           const struct vd_acl_who *who, unsigned want)
{
	struct vd_acl_verdict group = { .tag = 0 }, other = { .tag = VD_ACL_OTHER };
	unsigned mask = 7;

	for (size_t i = 0; i < count; i++) {
		if (entries[i].tag == VD_ACL_MASK)
			mask = entries[i].perm;
		if (entries[i].tag == VD_ACL_USER_OBJ && st->uid == who->uid)
			return verdict(&entries[i], 7, want);
	}
	for (size_t i = 0; i < count; i++) {
		if (entries[i].tag == VD_ACL_USER && entries[i].id == who->uid)
			return verdict(&entries[i], mask, want);
	}
	for (size_t i = 0; i < count; i++) {
		if (entries[i].tag == VD_ACL_OTHER)
			other = verdict(&entries[i], 7, want);
		if ((entries[i].tag != VD_ACL_GROUP_OBJ || !in_group(who, st->gid)) &&
		    (entries[i].tag != VD_ACL_GROUP || !in_group(who, entries[i].id)))
			continue;
		/* A refusal by the mask tells more than a plain one. */
		if (!group.allowed && !(group.masked && !verdict(&entries[i], mask, want).allowed))
			group = verdict(&entries[i], mask, want);
	}
	return group.tag ? group : other;
}

struct vd_acl_verdict vd_acl_check(const struct vd_stat *st, const struct vd_acl_entry *entries, size_t count,
                                   const struct vd_acl_who *who, unsigned want)
{
	struct vd_acl_entry from_mode[] = {
		{ VD_ACL_USER_OBJ, st->mode >> 6 & 7, 0 },
		{ VD_ACL_GROUP_OBJ, st->mode >> 3 & 7, 0 },
		{ VD_ACL_OTHER, st->mode & 7, 0 },
	};

	return count ? check_entries(st, entries, count, who, want)
	             : check_entries(st, from_mode, VD_ARRAY_SIZE(from_mode), who, want);
}
