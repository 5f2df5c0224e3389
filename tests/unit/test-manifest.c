/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Protects the manifest of a capture: what it may say, that a bad one is refused with its line, that it beats the
 * files, and that silence is no evidence instead of an answer.
 */
#include "manifest.h"

#include <limits.h>

#include "tap.h"
#include "tree.h"

static void test_good(void)
{
	static const char text[] =
	        "{\"schema\":\"virtdiag-manifest/1\",\"by\":\"hand\"}\n"
	        "\n"
	        "{\"path\":\"/z\",\"type\":\"file\",\"mode\":\"0644\",\"uid\":1,\"gid\":2,\"size\":5000000000}\r\n"
	        "{\"path\":\"//a///b/\",\"mode\":420,\"uid\":4294967295,\"gid\":0}\n"
	        "{\"path\":\"/z\",\"type\":\"dir\",\"unheard\":[1,{}]}\n"
	        "{\"path_bytes\":\"L/8=\",\"path\":\"/\xef\xbf\xbd\",\"type\":\"fifo\"}\n"
	        "{\"path\":\"/\",\"mode\":\"40755\"}\n"
	        "{\"path\":\"/x\",\"xattrs\":{\"t\":\"text\",\"b\":{\"base64\":\"AAEC/w==\"},\"n\":null,\"f\":false}}";
	struct vd_manifest *m = NULL;
	VD_AUTO_ERR err = VD_ERR_INIT;
	const struct vd_manifest_entry *e;
	const struct vd_manifest_xattr *x;

	tap_int(vd_manifest_parse(text, sizeof(text) - 1, &m, &err), 0, "good: all kinds of lines");
	if (!m) {
		printf("# %s\n", vd_err_text(&err));
		return;
	}
	tap_int(vd_manifest_count(m), 5, "good: one record for a path");
	e = vd_manifest_find(m, "/z");
	tap_ok(e && e->type == VD_FILE_DIR && !e->has_owner && e->size == -1 && e->line == 5, "good: the last wins");
	e = vd_manifest_find(m, "/a/b");
	tap_ok(e && e->has_owner && e->mode == 0644 && e->uid == UINT32_MAX, "good: slashes collapse, mode as number");
	e = vd_manifest_find(m, "/\xff");
	tap_ok(e && e->type == VD_FILE_FIFO, "good: a path that is not UTF-8");
	e = vd_manifest_find(m, "/");
	tap_ok(e && e->mode == 0755 && !e->has_owner, "good: type bits are ignored; without uid there is no owner");
	e = vd_manifest_find(m, "/x");
	tap_ok(e && e->has_xattrs && e->nxattrs == 4, "good: xattrs");
	if (e) {
		x = vd_manifest_xattr(e, "t");
		tap_ok(x && x->state == VD_XATTR_VALUE && !strcmp(x->value, "text"), "... as text");
		x = vd_manifest_xattr(e, "b");
		tap_ok(x && x->len == 4 && !memcmp(x->value, "\0\1\2\377", 4), "... in base64");
		x = vd_manifest_xattr(e, "n");
		tap_ok(x && x->state == VD_XATTR_UNKNOWN, "... not known");
		x = vd_manifest_xattr(e, "f");
		tap_ok(x && x->state == VD_XATTR_UNSUPPORTED, "... not supported");
	}
	tap_ok(!vd_manifest_find(m, "/none") && !vd_manifest_find(m, ""), "good: an unlisted path");
	vd_manifest_free(m);
}

static void test_bad(void)
{
	static const struct {
		const char *line, *part;
	} cases[] = {
		{ "{\"path\":\"/a\"", "bad JSON" },
		{ "nonsense", "bad JSON" },
		{ "{\"path\":\"/a\"} {\"path\":\"/b\"}", "bad JSON" },
		{ "[]", "not a JSON object" },
		{ "{}", "no 'path'" },
		{ "{\"schema\":\"virtdiag-manifest/2\"}", "'schema'" },
		{ "{\"path\":7}", "'path'" },
		{ "{\"path\":\"a\"}", "'path'" },
		{ "{\"path\":\"\"}", "'path'" },
		{ "{\"path\":\"/a/../b\"}", "'path'" },
		{ "{\"path\":\"/./b\"}", "'path'" },
		{ "{\"path_bytes\":\"L\"}", "'path_bytes'" },
		{ "{\"path_bytes\":\"LwBh\"}", "'path_bytes'" },
		{ "{\"path_bytes\":\"L=8=\"}", "'path_bytes'" },
		{ "{\"path\":\"/a\",\"type\":\"door\"}", "'type'" },
		{ "{\"path\":\"/a\",\"type\":1}", "'type'" },
		{ "{\"path\":\"/a\",\"type\":\"symlink\"}", "'target'" },
		{ "{\"path\":\"/a\",\"mode\":\"0888\"}", "'mode'" },
		{ "{\"path\":\"/a\",\"mode\":\"\"}", "'mode'" },
		{ "{\"path\":\"/a\",\"mode\":\"-644\"}", "'mode'" },
		{ "{\"path\":\"/a\",\"mode\":\"rw-r--r--\"}", "'mode'" },
		{ "{\"path\":\"/a\",\"mode\":99999999}", "'mode'" },
		{ "{\"path\":\"/a\",\"uid\":-1}", "'uid'" },
		{ "{\"path\":\"/a\",\"uid\":4294967296}", "'uid'" },
		{ "{\"path\":\"/a\",\"gid\":\"kvm\"}", "'gid'" },
		{ "{\"path\":\"/a\",\"size\":1.5}", "'size'" },
		{ "{\"path\":\"/a\",\"size\":-1}", "'size'" },
		{ "{\"path\":\"/a\",\"size\":18446744073709551616}", "'size'" },
		{ "{\"path\":\"/a\",\"mtime\":9223372036854775808}", "'mtime'" },
		{ "{\"path\":\"/a\",\"xattrs\":[]}", "'xattrs'" },
		{ "{\"path\":\"/a\",\"xattrs\":{\"n\":true}}", "'n'" },
		{ "{\"path\":\"/a\",\"xattrs\":{\"n\":{\"base64\":\"A\"}}}", "'n'" },
		{ "{\"path\":\"/a\",\"header_file\":[]}", "'header_file'" },
		{ "{\"path\":\"/a\\u0000b\"}", "NUL" },
		{ "{\"path\":\"/\xff\"}", "bad JSON" },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		struct vd_manifest *m = NULL;
		VD_AUTO_BUF text = VD_BUF_INIT;
		VD_AUTO_ERR err = VD_ERR_INIT;

		tree_must(vd_buf_addf(&text, "{\"path\":\"/ok\"}\n\n%s\n{\"path\":\"/ok2\"}\n", cases[i].line) == 0,
		          "memory");
		tap_int(vd_manifest_parse(text.data, text.len, &m, &err), -EBADMSG, "bad: %s", cases[i].line);
		tap_ok(!m && err.text && !strncmp(err.text, "line 3: ", 8) && strstr(err.text, cases[i].part),
		       "... names line 3 and %s: %s", cases[i].part, vd_err_text(&err));
	}
}

static int no_link(void *data, const char *path, char **ret_target)
{
	(void)data, (void)path, (void)ret_target;
	return 0;
}

static void test_long_link(void)
{
	VD_AUTO_BUF text = VD_BUF_INIT, resolved = VD_BUF_INIT;
	const struct vd_manifest_entry *entry = NULL;
	struct vd_manifest *m = NULL;

	tree_must(vd_buf_adds(&text, "{\"path\":\"/l\",\"type\":\"symlink\",\"target\":\"") == 0, "memory");
	for (unsigned i = 0; i < 50000; i++)
		tree_must(vd_buf_adds(&text, "a/") == 0, "memory");
	tree_must(vd_buf_adds(&text, "\"}\n") == 0, "memory");
	tap_int(vd_manifest_parse(text.data, text.len, &m, NULL), 0, "a symlink with a target that no kernel takes");
	tap_int(vd_manifest_resolve(m, "/l", true, no_link, NULL, &resolved, &entry), -ENAMETOOLONG,
	        "... is not followed");
	vd_manifest_free(m);
}

static void test_limits(void)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	VD_AUTO_ERR err = VD_ERR_INIT;
	struct vd_manifest *m = NULL;

	for (unsigned i = 0; i <= VD_MANIFEST_MAX_LINES; i++)
		tree_must(vd_buf_addc(&text, '\n') == 0, "memory");
	tap_int(vd_manifest_parse(text.data, text.len, &m, &err), -EBADMSG, "limits: a line too many");
	tap_int(vd_manifest_parse(text.data, text.len - 1, &m, &err), 0, "limits: as many lines as allowed");
	tap_ok(m && vd_manifest_count(m) == 0, "... blank ones, of nothing");
	vd_manifest_free(m);
	m = NULL;
	vd_buf_clear(&text);
	tree_must(vd_buf_adds(&text, "{\"path\":\"/a\",") == 0, "memory");
	while (text.len < VD_MANIFEST_MAX_LINE - 64)
		tree_must(vd_buf_addf(&text, "\"%zu\":1,", text.len) == 0, "memory");
	tree_must(vd_buf_adds(&text, "\"x\":1}") == 0, "memory");
	tap_int(vd_manifest_parse(text.data, text.len, &m, &err), -EBADMSG, "limits: a line of nothing but keys");
	vd_buf_clear(&text);
	for (unsigned i = 0; i < 100; i++)
		tree_must(vd_buf_addc(&text, '[') == 0, "memory");
	tap_int(vd_manifest_parse(text.data, text.len, &m, &err), -EBADMSG, "limits: deep nesting");
}

/* Ten symlinks in a row: /a0 to /a9; the last leads to the first of the next letter. */
#define LINK(from, to) "{\"path\":\"/" from "\",\"type\":\"symlink\",\"target\":\"" to "\"}\n"
#define CHAIN(l, next)     \
	LINK(l "0", l "1") \
	LINK(l "1", l "2") \
	LINK(l "2", l "3") \
	LINK(l "3", l "4") \
	LINK(l "4", l "5") \
	LINK(l "5", l "6") \
	LINK(l "6", l "7") \
	LINK(l "7", l "8") \
	LINK(l "8", l "9") \
	LINK(l "9", next "0")

/* clang-format off */
static const char manifest[] =
	CHAIN("a", "b") CHAIN("b", "c") CHAIN("c", "d") CHAIN("d", "e") LINK("more", "/a0")
	"{\"path\":\"/e0\",\"type\":\"dir\"}\n"
	"{\"path\":\"/img\",\"type\":\"dir\",\"mode\":\"0711\",\"uid\":0,\"gid\":0,\"fstype\":\"xfs\",\"mount\":\"/\"}\n"
	"{\"path\":\"/img/a\",\"type\":\"file\",\"mode\":\"0600\",\"uid\":107,\"gid\":107,\"size\":21474836480,"
	"\"acl\":\"user::rw-,user:1:r--,group::---,mask::r--,other::---\","
	"\"xattrs\":{\"security.selinux\":\"system_u:object_r:svirt_image_t:s0:c1,c2\\n\",\"trusted.x\":null},"
	"\"header_file\":\"headers/a\"}\n"
	"{\"path\":\"/img/bare\",\"type\":\"file\"}\n"
	"{\"path\":\"/img/noacl\",\"mode\":\"0600\",\"uid\":0,\"gid\":0,\"acl\":null,\"xattrs\":{}}\n"
	"{\"path\":\"/img/nfs\",\"mode\":\"0600\",\"uid\":0,\"gid\":0,\"xattrs\":{\"security.selinux\":false}}\n"
	"{\"path\":\"/img/badacl\",\"acl\":\"user::q\"}\n"
	"{\"path\":\"/img/gone\",\"type\":\"missing\"}\n"
	"{\"path\":\"/img/dev\",\"type\":\"block\",\"mode\":\"0660\",\"uid\":0,\"gid\":6,\"header_file\":\"/headers/a\"}\n"
	"{\"path\":\"/img/out\",\"type\":\"file\",\"header_file\":\"../../secret\"}\n"
	"{\"path\":\"/img/out2\",\"type\":\"file\",\"header_file\":\"headers/out\"}\n"
	"{\"path\":\"/img/fifo\",\"type\":\"file\",\"header_file\":\"headers/fifo\"}\n"
	"{\"path\":\"/img/link\",\"type\":\"symlink\",\"target\":\"../pool/a\"}\n"
	"{\"path\":\"/pool\",\"type\":\"symlink\",\"target\":\"/img\"}\n"
	"{\"path\":\"/loop\",\"type\":\"symlink\",\"target\":\"loop\"}\n"
	"{\"path\":\"/etc/passwd\",\"type\":\"file\",\"mode\":\"0604\",\"uid\":5,\"gid\":6,\"size\":9}\n";
/* clang-format on */

static struct vd_root *open_root(unsigned flags)
{
	VD_AUTO_ERR err = VD_ERR_INIT;
	struct vd_root *root = NULL;

	if (vd_root_open(tree_path("host"), flags, &root, &err) < 0) {
		printf("Bail out! %s\n", vd_err_text(&err));
		exit(1);
	}
	return root;
}

static void test_stat(struct vd_root *root)
{
	static const struct {
		const char *path;
		int result;
		enum vd_file_type type;
		bool has_owner;
		mode_t mode;
		int64_t size;
		const char *real; /* NULL: the same error */
	} cases[] = {
		{ "/img/a", 0, VD_FILE_REG, true, 0600, INT64_C(21474836480), "/img/a" },
		{ "img//./a", 0, VD_FILE_REG, true, 0600, INT64_C(21474836480), "/img/a" },
		{ "/img/link", 0, VD_FILE_REG, true, 0600, INT64_C(21474836480), "/img/a" },
		{ "/pool/../pool/link", 0, VD_FILE_REG, true, 0600, INT64_C(21474836480), "/img/a" },
		{ "/pool", 0, VD_FILE_DIR, true, 0711, -1, "/img" },
		{ "/captured-link/a", 0, VD_FILE_REG, true, 0600, INT64_C(21474836480), "/img/a" },
		{ "/img/dev", 0, VD_FILE_BLK, true, 0660, -1, "/img/dev" },
		{ "/img/bare", 0, VD_FILE_REG, false, 0, -1, "/img/bare" },
		{ "/img/gone", -ENOENT, 0, false, 0, 0, NULL },
		{ "/img/gone/x", -ENOENT, 0, false, 0, 0, NULL },
		{ "/img/a/x", -ENOTDIR, 0, false, 0, 0, NULL },
		{ "/img/a/", -ENOTDIR, 0, false, 0, 0, NULL },
		{ "/loop", -ELOOP, 0, false, 0, 0, NULL },
		{ "/a0", 0, VD_FILE_DIR, false, 0, -1, "/e0" },
		{ "/more", -ELOOP, 0, false, 0, 0, NULL },
		{ "/loop/x", -ELOOP, 0, false, 0, 0, NULL },
		{ "/img/unlisted", -VD_NO_EVIDENCE, 0, false, 0, 0, NULL },
		{ "/etc/passwd", 0, VD_FILE_REG, true, 0604, 9, "/etc/passwd" },
		{ "/etc/group", -VD_NO_EVIDENCE, 0, false, 0, 0, "/etc/group" },
		{ "/../../img/bare", 0, VD_FILE_REG, false, 0, -1, "/img/bare" },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_FREE char *real = NULL;
		VD_AUTO_ERR err = VD_ERR_INIT;
		struct vd_stat st = { .type = VD_FILE_UNKNOWN };

		tap_int(vd_root_stat(root, cases[i].path, &st, &err), cases[i].result, "stat %s", cases[i].path);
		tap_ok(st.type == cases[i].type && st.has_owner == cases[i].has_owner && st.mode == cases[i].mode &&
		               st.size == cases[i].size,
		       "... its type, mode and size");
		tap_ok(!cases[i].result == !err.text, "... a sentence when it fails");
		tap_int(vd_root_realpath(root, cases[i].path, &real, NULL), cases[i].real ? 0 : cases[i].result,
		        "realpath %s", cases[i].path);
		tap_str(real, cases[i].real, "... its result");
	}
}

static void test_links(struct vd_root *root)
{
	VD_AUTO_FREE char *a = NULL, *b = NULL, *c = NULL;
	struct vd_stat st = { .type = VD_FILE_UNKNOWN };

	tap_int(vd_root_lstat(root, "/pool/link", &st, NULL), 0, "lstat of a listed link");
	tap_int(st.type, VD_FILE_LNK, "... is a link");
	tap_int(vd_root_readlink(root, "/pool/link", &a, NULL), 0, "readlink of a listed link");
	tap_str(a, "../pool/a", "... its target");
	tap_int(vd_root_readlink(root, "/captured-link", &b, NULL), 0, "readlink of a captured, unlisted link");
	tap_str(b, "pool", "... its target");
	tap_int(vd_root_readlink(root, "/img/a", &c, NULL), -EINVAL, "readlink of a listed file");
	tap_int(vd_root_readlink(root, "/img/unlisted", &c, NULL), -VD_NO_EVIDENCE, "readlink of an unlisted path");
	tap_int(vd_root_readlink(root, "/img/gone", &c, NULL), -ENOENT, "readlink of a missing path");
}

static void test_header(struct vd_root *root)
{
	static const struct {
		const char *path;
		int result;
		const char *text;
	} cases[] = {
		{ "/img/a", 0, "QFI\xfb" },
		{ "/pool/link", 0, "QFI\xfb" },
		{ "/img/dev", 0, "QFI\xfb" },
		{ "/etc/passwd", 0, "root" },
		{ "/img/bare", -VD_NO_EVIDENCE, "" },
		{ "/img/unlisted", -VD_NO_EVIDENCE, "" },
		{ "/etc/group", -VD_NO_EVIDENCE, "" },
		{ "/img/out", -VD_NO_EVIDENCE, "" },
		{ "/img/out2", -VD_NO_EVIDENCE, "" },
		{ "/img/fifo", -VD_NO_EVIDENCE, "" },
		{ "/img/gone", -ENOENT, "" },
		{ "/img", -EINVAL, "" },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_BUF buf = VD_BUF_INIT;
		VD_AUTO_ERR err = VD_ERR_INIT;

		alarm(10);
		tap_int(vd_root_read_header(root, cases[i].path, 4, &buf, &err), cases[i].result, "header of %s",
		        cases[i].path);
		alarm(0);
		tap_str(vd_buf_str(&buf), cases[i].text, "... its bytes");
		tap_ok(!cases[i].result == !err.text, "... a sentence when it fails");
	}
}

static void test_attributes(struct vd_root *root)
{
	static const struct {
		const char *path;
		int label, acl, trusted;
	} cases[] = {
		{ "/img/a", 0, 0, -VD_NO_EVIDENCE },
		{ "/pool/link", 0, 0, -VD_NO_EVIDENCE },
		{ "/img/bare", -VD_NO_EVIDENCE, -VD_NO_EVIDENCE, -VD_NO_EVIDENCE },
		{ "/img/noacl", -ENODATA, -VD_NO_EVIDENCE, -ENODATA },
		{ "/img/nfs", -EOPNOTSUPP, -ENODATA, -ENODATA },
		{ "/img/dev", -VD_NO_EVIDENCE, -ENODATA, -VD_NO_EVIDENCE },
		{ "/img/badacl", -VD_NO_EVIDENCE, -EBADMSG, -VD_NO_EVIDENCE },
		{ "/img/gone", -ENOENT, -ENOENT, -ENOENT },
		{ "/img/unlisted", -VD_NO_EVIDENCE, -VD_NO_EVIDENCE, -VD_NO_EVIDENCE },
		{ "/etc/group", -VD_NO_EVIDENCE, -VD_NO_EVIDENCE, -VD_NO_EVIDENCE },
	};
	VD_AUTO_BUF value = VD_BUF_INIT;
	VD_AUTO_FREE char *fstype = NULL;

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_FREE struct vd_acl_entry *entries = NULL;
		VD_AUTO_FREE char *label = NULL;
		size_t count = 0;

		tap_int(vd_root_label(root, cases[i].path, &label, NULL), cases[i].label, "label of %s", cases[i].path);
		tap_str(label, cases[i].label ? NULL : "system_u:object_r:svirt_image_t:s0:c1,c2", "... its text");
		tap_int(vd_root_acl(root, cases[i].path, &entries, &count, NULL), cases[i].acl, "acl of %s",
		        cases[i].path);
		tap_int(count, cases[i].acl ? 0 : 5, "... its entries");
		tap_int(vd_root_xattr(root, cases[i].path, "trusted.x", &value, NULL), cases[i].trusted,
		        "trusted xattr of %s", cases[i].path);
	}
	tap_int(vd_root_fstype(root, "/pool", &fstype, NULL), 0, "file system of a directory");
	tap_str(fstype, "xfs", "... as recorded");
	tap_int(vd_root_fstype(root, "/img/a", &fstype, NULL), -VD_NO_EVIDENCE, "file system of a record without");
}

static void test_refused(void)
{
	VD_AUTO_ERR err = VD_ERR_INIT;
	struct vd_root *root = NULL;

	tree_file("broken/" VD_MANIFEST_NAME, "{\"path\":\"/a\"}\n{\"path\":\n");
	tap_int(vd_root_open(tree_path("broken"), 0, &root, &err), -EBADMSG, "a broken manifest refuses the capture");
	tap_ok(err.text && strstr(err.text, "line 2: ") && strstr(err.text, "broken"), "... names capture and line");
	tree_dirs("pipe/");
	tree_must(mkfifo(tree_path("pipe/" VD_MANIFEST_NAME), 0644) == 0, "mkfifo");
	alarm(10);
	tap_int(vd_root_open(tree_path("pipe"), 0, &root, &err), -EINVAL, "a manifest that is a FIFO");
	alarm(0);
	tree_file("big/" VD_MANIFEST_NAME, "");
	tree_must(truncate(tree_path("big/" VD_MANIFEST_NAME), VD_MANIFEST_MAX_BYTES + 1) == 0, "truncate");
	tap_int(vd_root_open(tree_path("big"), 0, &root, &err), -EFBIG, "a manifest that is too long");
	tap_ok(!root, "... no root");
}

int main(void)
{
	tree_begin();
	test_good();
	test_bad();
	test_limits();
	test_long_link();
	tree_file("secret", "outside");
	tree_file("host/" VD_MANIFEST_NAME, manifest);
	tree_file("host/headers/a", "QFI\xfb and more");
	tree_file("host/etc/passwd", "root:x:0:0::/root:/bin/sh\n");
	tree_file("host/etc/group", "root:x:0:\n");
	tree_link("host/captured-link", "pool");
	tree_link("host/headers/out", tree_path("secret"));
	tree_must(mkfifo(tree_path("host/headers/fifo"), 0644) == 0, "mkfifo");
	for (unsigned walk = 0; walk < 2; walk++) {
		VD_AUTO_ROOT struct vd_root *root = open_root(walk ? VD_ROOT_NO_OPENAT2 : 0);

		printf("# %s\n", walk ? "walk" : "openat2");
		tap_ok(vd_root_has_manifest(root), "a capture with a manifest");
		test_stat(root);
		test_links(root);
		test_header(root);
		test_attributes(root);
	}
	test_refused();
	return tap_done();
}
