/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ACLs from the xattr and from text: what is accepted is what a kernel would store, and survives printing as text. */
#include "fuzz.h"

#include <errno.h>

#include "acl.h"
#include "buf.h"

static int print_entry(struct vd_buf *buf, const struct vd_acl_entry *e)
{
	bool group = e->tag == VD_ACL_GROUP_OBJ || e->tag == VD_ACL_GROUP;
	const char *word = e->tag == VD_ACL_MASK ? "mask" : e->tag == VD_ACL_OTHER ? "other" : group ? "group" : "user";

	if (e->tag == VD_ACL_USER || e->tag == VD_ACL_GROUP)
		return vd_buf_addf(buf, ",%s:%u:%u", word, e->id, (unsigned)e->perm);
	return vd_buf_addf(buf, ",%s::%u", word, (unsigned)e->perm);
}

static void check_verdicts(const struct vd_acl_entry *entries, size_t count)
{
	const gid_t gids[] = { 5, 64055 };
	const struct vd_acl_who who = { 64055, gids, 2 };
	const struct vd_stat st = { .has_owner = true, .mode = 0640, .uid = 0, .gid = 5 };

	for (unsigned want = 0; want < 8; want++) {
		struct vd_acl_verdict v = vd_acl_check(&st, entries, count, &who, want);

		FUZZ_CHECK(!(v.allowed && v.masked), "allowed and masked");
		FUZZ_CHECK(v.allowed || want, "nothing is not allowed");
	}
}

static void check_entries(const struct vd_acl_entry *entries, size_t count)
{
	VD_AUTO_FREE struct vd_acl_entry *again = NULL;
	VD_AUTO_BUF text = VD_BUF_INIT;
	VD_AUTO_ERR err = VD_ERR_INIT;
	size_t n = 0;

	FUZZ_CHECK(count >= 3, "an ACL of %zu entries", count);
	for (size_t i = 0; i < count; i++) {
		FUZZ_CHECK(entries[i].perm <= 7, "entry %zu: permissions %u", i, entries[i].perm);
		if (print_entry(&text, &entries[i]) < 0)
			return;
	}
	check_verdicts(entries, count);
	if (vd_acl_parse_text(vd_buf_str(&text) + 1, &again, &n, &err) < 0) {
		FUZZ_CHECK(err.code == ENOMEM, "%s: %s", vd_buf_str(&text), vd_err_text(&err));
		return;
	}
	FUZZ_CHECK(n == count, "%zu entries became %zu", count, n);
	for (size_t i = 0; i < n; i++)
		FUZZ_CHECK(again[i].tag == entries[i].tag && again[i].perm == entries[i].perm &&
		                   again[i].id == entries[i].id,
		           "entry %zu of %s is different", i, vd_buf_str(&text));
}

/* No id beyond 32 bits is accepted, which cut short would be another user's. */
static void check_ids(const char *text)
{
	if (strchr(text, '#') || strstr(text, "d:") || strstr(text, "default:"))
		return; /* what is passed over may hold anything */
	for (const char *p = text; *p; p += strcspn(p, ":"), p += *p == ':')
		if (*p >= '0' && *p <= '9')
			FUZZ_CHECK(strtoull(p, NULL, 10) <= UINT32_MAX, "the id %.20s is accepted", p);
}

FUZZ_TARGET("acl")
{
	VD_AUTO_FREE char *text = fuzz_string(data, size);

	for (int i = 0; i < 2; i++) {
		VD_AUTO_FREE struct vd_acl_entry *entries = NULL;
		VD_AUTO_ERR err = VD_ERR_INIT;
		size_t count = 0;
		int r = i ? vd_acl_parse_text(text, &entries, &count, &err)
		          : vd_acl_parse_xattr(data, size, &entries, &count, &err);

		if (r == -ENOMEM)
			continue;
		fuzz_check_err(r, &err);
		FUZZ_CHECK(r == 0 || (r == -EBADMSG && !entries), "returned %d", r);
		if (r == 0)
			check_entries(entries, count);
		if (r == 0 && i)
			check_ids(text);
	}
	return 0;
}
