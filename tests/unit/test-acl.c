/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Protects the reading of POSIX ACLs from bytes and text, against malformed ones above all, and the decision who gets
 * in, which must be the kernel's.
 */
#include "acl.h"

#include <errno.h>
#include <stdlib.h>

#include "tap.h"

static void test_text(void)
{
	static const struct {
		const char *text;
		int result;
		size_t count;
	} cases[] = {
		{ "user::rw-,user:64055:r--,group::r--,mask::rw-,other::---", 0, 5 },
		{ "u::rw-,u:107:rwx,g::r--,m::r-x,o::---", 0, 5 },
		{ "# file: x\nuser::rwx\nuser:107:--x\t#effective:---\ngroup::6\nmask::4\nother::0\n", 0, 5 },
		{ "user::rw-,group::r--,other::r--,default:user::rwx,d:g::---", 0, 3 },
		{ "user::rw-,group::r--,other::r--,", 0, 3 },
		{ "", -EBADMSG, 0 },
		{ "user::rw-,group::r--", -EBADMSG, 0 },
		{ "user::rw-,user:1:r--,group::r--,other::---", -EBADMSG, 0 },
		{ "user::rw-,user::r--,group::r--,other::---", -EBADMSG, 0 },
		{ "user::rw-,group::r--,other::---,mask:5:r--", -EBADMSG, 0 },
		{ "user::rw-,user:qemu:r--,group::r--,mask::rw-,other::---", -EBADMSG, 0 },
		{ "user::rw-,user:4294967296:r--,group::r--,mask::rw-,other::---", -EBADMSG, 0 },
		{ "user::rq-,group::r--,other::---", -EBADMSG, 0 },
		{ "user::8,group::r--,other::---", -EBADMSG, 0 },
		{ "user::rr-,group::r--,other::---", -EBADMSG, 0 },
		{ "user::rwxr,group::r--,other::---", -EBADMSG, 0 },
		{ "user:rw-,group::r--,other::---", -EBADMSG, 0 },
		{ "user", -EBADMSG, 0 },
		{ ":::", -EBADMSG, 0 },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_FREE struct vd_acl_entry *entries = NULL;
		VD_AUTO_ERR err = VD_ERR_INIT;
		size_t count = 0;

		tap_int(vd_acl_parse_text(cases[i].text, &entries, &count, &err), cases[i].result, "text '%s'",
		        cases[i].text);
		tap_int(count, cases[i].count, "... its number of entries");
		tap_ok(!cases[i].result == !err.text, "... a sentence when it is bad");
	}
}

/* user::rw- user:107:r-x group::r-- mask::r-x other::--- */
#define GOOD                        \
	"\2\0\0\0"                  \
	"\1\0\6\0\377\377\377\377"  \
	"\2\0\5\0\153\0\0\0"        \
	"\4\0\4\0\377\377\377\377"  \
	"\20\0\5\0\377\377\377\377" \
	"\40\0\0\0\377\377\377\377"

static void test_xattr(void)
{
	static const char good[] = GOOD;
	const size_t len = sizeof(good) - 1;
	VD_AUTO_FREE struct vd_acl_entry *entries = NULL;
	size_t count = 0;
	char copy[sizeof(good)];

	tap_int(vd_acl_parse_xattr(good, len, &entries, &count, NULL), 0, "xattr: well-formed");
	tap_int(count, 5, "xattr: five entries");
	tap_ok(count == 5 && entries[1].tag == VD_ACL_USER && entries[1].id == 107 && entries[1].perm == 5,
	       "xattr: the named user with its id and permissions");
	for (size_t cut = 0; cut < len; cut++) {
		VD_AUTO_FREE struct vd_acl_entry *none = NULL;

		if (vd_acl_parse_xattr(good, cut, &none, &count, NULL) != -EBADMSG)
			tap_ok(false, "xattr: cut to %zu bytes -> refused", cut);
	}
	tap_int(count, 5, "xattr: no truncation was accepted");
	static const struct {
		size_t at;
		char byte;
		const char *what;
	} changes[] = {
		{ 0, 1, "version 1" },           { 4, 3, "an unknown tag" }, { 5, 1, "a tag above 255" },
		{ 6, 8, "permission bits > 7" }, { 28, 4, "the mask gone" }, { 36, 16, "a second mask" },
	};
	for (size_t i = 0; i < VD_ARRAY_SIZE(changes); i++) {
		VD_AUTO_FREE struct vd_acl_entry *none = NULL;

		memcpy(copy, good, sizeof(good));
		copy[changes[i].at] = changes[i].byte;
		tap_int(vd_acl_parse_xattr(copy, len, &none, &count, NULL), -EBADMSG, "xattr: %s -> refused",
		        changes[i].what);
	}
}

static void test_check(void)
{
	static const gid_t kvm[] = { 36 }, both[] = { 107, 36 };
	static const struct {
		const char *acl; /* "": none */
		mode_t mode;
		uid_t uid;
		const gid_t *gids;
		size_t ngids;
		unsigned want;
		bool allowed, masked;
		unsigned tag;
		const char *what;
	} cases[] = {
		{ "", 0600, 0, NULL, 0, 6, true, false, VD_ACL_USER_OBJ, "mode: the owner" },
		{ "", 0077, 0, NULL, 0, 4, false, false, VD_ACL_USER_OBJ, "mode: the owner is not other" },
		{ "", 0640, 107, kvm, 1, 4, true, false, VD_ACL_GROUP_OBJ, "mode: the group" },
		{ "", 0604, 107, kvm, 1, 4, false, false, VD_ACL_GROUP_OBJ, "mode: a group member is not other" },
		{ "", 0604, 107, NULL, 0, 4, true, false, VD_ACL_OTHER, "mode: other" },
		{ "", 0711, 107, NULL, 0, 1, true, false, VD_ACL_OTHER, "mode: search" },
		{ "", 0711, 107, NULL, 0, 5, false, false, VD_ACL_OTHER, "mode: read and search" },
		{ "u::rwx,u:107:--x,g::---,m::--x,o::---", 0710, 107, NULL, 0, 1, true, false, VD_ACL_USER,
		  "acl: a named user" },
		{ "u::rwx,u:107:rwx,g::---,m::r--,o::rwx", 0747, 107, NULL, 0, 1, false, true, VD_ACL_USER,
		  "acl: the mask takes the named user's right away" },
		{ "u::---,u:0:rwx,g::rwx,m::rwx,o::rwx", 0077, 0, kvm, 1, 4, false, false, VD_ACL_USER_OBJ,
		  "acl: the owner's entry wins over a named one" },
		{ "u::rwx,g::r--,g:107:-w-,m::rwx,o::---", 0770, 107, both, 2, 6, false, false, VD_ACL_GROUP,
		  "acl: one group must grant all that is wanted" },
		{ "u::rwx,g::---,g:107:rw-,m::rwx,o::---", 0770, 107, both, 2, 6, true, false, VD_ACL_GROUP,
		  "acl: any of the groups is enough" },
		{ "u::rwx,g::rw-,g:107:---,m::r--,o::rwx", 0747, 107, both, 2, 2, false, true, VD_ACL_GROUP_OBJ,
		  "acl: the mask holds for the owning group, and is named as the reason" },
		{ "u::rwx,g:5:rwx,g::---,m::rwx,o::r--", 0774, 107, NULL, 0, 4, true, false, VD_ACL_OTHER,
		  "acl: other, beyond the mask" },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_FREE struct vd_acl_entry *entries = NULL;
		struct vd_stat st = { .has_owner = true, .mode = cases[i].mode, .uid = 0, .gid = 36 };
		struct vd_acl_who who = { cases[i].uid, cases[i].gids, cases[i].ngids };
		struct vd_acl_verdict v;
		size_t count = 0;

		if (*cases[i].acl && vd_acl_parse_text(cases[i].acl, &entries, &count, NULL) < 0)
			tap_ok(false, "%s: the case itself is bad", cases[i].what);
		v = vd_acl_check(&st, entries, count, &who, cases[i].want);
		tap_ok(v.allowed == cases[i].allowed && v.masked == cases[i].masked && v.tag == cases[i].tag,
		       "%s -> %s by tag %u", cases[i].what, cases[i].allowed ? "allowed" : "refused", cases[i].tag);
	}
}

int main(void)
{
	test_text();
	test_xattr();
	test_check();
	return tap_done();
}
