/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "manifest.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.manifest");

#define SCHEMA     "virtdiag-manifest/1"
/* As the kernel's MAXSYMLINKS. */
#define MAX_LINKS  40
#define MAX_QUOTES 4096u
/* json-c makes INT64_MAX of all that is larger. */
#define MAX_NUMBER (INT64_MAX - 1)

struct vd_manifest {
	struct vd_manifest_entry *entries; /* sorted by path, unique */
	size_t len, cap;
};

static const struct {
	const char *word;
	enum vd_file_type type;
} types[] = {
	{ "file", VD_FILE_REG }, { "dir", VD_FILE_DIR },   { "symlink", VD_FILE_LNK }, { "block", VD_FILE_BLK },
	{ "char", VD_FILE_CHR }, { "fifo", VD_FILE_FIFO }, { "socket", VD_FILE_SOCK }, { "missing", VD_FILE_UNKNOWN },
};

static void entry_release(struct vd_manifest_entry *e)
{
	for (size_t i = 0; i < e->nxattrs; i++) {
		free(e->xattrs[i].name);
		free(e->xattrs[i].value);
	}
	free(e->xattrs);
	free(e->path);
	free(e->target);
	free(e->fstype);
	free(e->mount);
	free(e->header_file);
	free(e->acl);
	*e = (struct vd_manifest_entry){ .size = -1, .mtime = -1 };
}

void vd_manifest_free(struct vd_manifest *manifest)
{
	if (!manifest)
		return;
	for (size_t i = 0; i < manifest->len; i++)
		entry_release(&manifest->entries[i]);
	free(manifest->entries);
	free(manifest);
}

static void manifest_cleanup(struct vd_manifest **m)
{
	vd_manifest_free(*m);
}

/* --- values ------------------------------------------------------------------------------------------------------ */

static int base64_digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *p = c ? strchr(digits, c) : NULL;

	return p ? (int)(p - digits) : -1;
}

/* -EINVAL unless @s is whole, padded base64. */
static int base64_decode(const char *s, size_t len, struct vd_buf *out)
{
	if (len % 4)
		return -EINVAL;
	for (size_t i = 0; i < len; i += 4) {
		size_t pad = i + 4 == len ? (s[i + 3] == '=') + (size_t)(s[i + 3] == '=' && s[i + 2] == '=') : 0;
		unsigned n = 0;
		char bytes[3];

		for (size_t k = 0; k < 4; k++) {
			int digit = k < 4 - pad ? base64_digit(s[i + k]) : 0;

			if (digit < 0)
				return -EINVAL;
			n = n << 6 | (unsigned)digit;
		}
		bytes[0] = (char)(n >> 16);
		bytes[1] = (char)(n >> 8 & 0xff);
		bytes[2] = (char)(n & 0xff);
		if (vd_buf_add(out, bytes, 3 - pad) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int bad(struct vd_err *err, const char *key, const char *what)
{
	return vd_err_set(err, EBADMSG, "'%s' is not %s", key, what);
}

static int no_memory(struct vd_err *err)
{
	return vd_err_set(err, ENOMEM, "out of memory while reading the manifest");
}

/*
 * A string member, or KEY_bytes in base64 for one that is not UTF-8. *@ret stays NULL when neither is there or it is
 * null.
 */
static int get_text(const struct vd_value *o, const char *key, char **ret, struct vd_err *err)
{
	VD_AUTO_BUF name = VD_BUF_INIT, bytes = VD_BUF_INIT;
	const struct vd_value *v;
	const char *s;
	size_t len;

	if (vd_buf_addf(&name, "%s_bytes", key) < 0)
		return no_memory(err);
	v = vd_value_find(o, name.data);
	s = vd_value_get_str(v, &len);
	if (v && (!s || base64_decode(s, len, &bytes) < 0 || memchr(vd_buf_str(&bytes), 0, bytes.len)))
		return bad(err, name.data, "base64 of a string");
	if (s) {
		*ret = vd_buf_steal(&bytes);
		return *ret ? 0 : no_memory(err);
	}
	v = vd_value_find(o, key);
	if (!v || vd_value_type(v) == VD_VALUE_NULL)
		return 0;
	s = vd_value_get_str(v, NULL);
	if (!s)
		return bad(err, key, "a string");
	*ret = strdup(s);
	return *ret ? 0 : no_memory(err);
}

/* A number from 0 to @max; returns 1 and fills @ret when it is there, 0 when it is absent or null. */
static int get_number(const struct vd_value *o, const char *key, int64_t max, int64_t *ret, struct vd_err *err)
{
	const struct vd_value *v = vd_value_find(o, key);

	if (!v || vd_value_type(v) == VD_VALUE_NULL)
		return 0;
	if (vd_value_type(v) != VD_VALUE_INT || vd_value_get_int(v) < 0 || vd_value_get_int(v) > max)
		return bad(err, key, "a number in its range");
	*ret = vd_value_get_int(v);
	return 1;
}

/* The mode: octal text, "0644", or the number itself. File type bits are ignored. */
static int get_mode(const struct vd_value *o, int64_t *ret, struct vd_err *err)
{
	const struct vd_value *v = vd_value_find(o, "mode");
	const char *s = vd_value_get_str(v, NULL);
	unsigned long mode;
	char *end;

	if (!s)
		return get_number(o, "mode", 0177777, ret, err);
	mode = *s >= '0' && *s <= '7' && strlen(s) <= 7 ? strtoul(s, &end, 8) : ULONG_MAX;
	if (mode > 0177777 || *end)
		return bad(err, "mode", "an octal mode");
	*ret = (int64_t)mode;
	return 1;
}

/* Collapses slashes; refuses relative paths and dot components. @ret is owned by the caller. */
static int normalise(const char *path, char **ret)
{
	VD_AUTO_BUF out = VD_BUF_INIT;

	if (*path != '/' || strlen(path) >= PATH_MAX)
		return -EINVAL;
	for (const char *p = path + strspn(path, "/"); *p; p += strspn(p, "/")) {
		size_t len = strcspn(p, "/");

		if (len > NAME_MAX || (len == 1 && *p == '.') || (len == 2 && p[0] == '.' && p[1] == '.'))
			return -EINVAL;
		if (vd_buf_addc(&out, '/') < 0 || vd_buf_add(&out, p, len) < 0)
			return -ENOMEM;
		p += len;
	}
	if (!out.len && vd_buf_addc(&out, '/') < 0)
		return -ENOMEM;
	*ret = vd_buf_steal(&out);
	return *ret ? 0 : -ENOMEM;
}

/* --- records ----------------------------------------------------------------------------------------------------- */

static int parse_xattr(const struct vd_value *v, struct vd_manifest_xattr *x, struct vd_err *err)
{
	VD_AUTO_BUF bytes = VD_BUF_INIT;
	const char *s = vd_value_get_str(v, &x->len);

	if (vd_value_type(v) == VD_VALUE_NULL) {
		x->state = VD_XATTR_UNKNOWN;
		return 0;
	}
	if (vd_value_type(v) == VD_VALUE_BOOL && !vd_value_get_bool(v)) {
		x->state = VD_XATTR_UNSUPPORTED;
		return 0;
	}
	if (s) {
		if (vd_buf_add(&bytes, s, x->len) < 0)
			return no_memory(err);
	} else {
		s = vd_value_get_str(vd_value_find(v, "base64"), &x->len);
		if (!s || base64_decode(s, x->len, &bytes) < 0)
			return bad(err, x->name, "text, {\"base64\": ...}, null or false");
	}
	x->len = bytes.len;
	x->value = vd_buf_steal(&bytes);
	return x->value ? 0 : no_memory(err);
}

static int parse_xattrs(const struct vd_value *o, struct vd_manifest_entry *e, struct vd_err *err)
{
	const struct vd_value *list = vd_value_find(o, "xattrs");
	size_t count = vd_value_count(list);

	if (!list || vd_value_type(list) == VD_VALUE_NULL)
		return 0;
	if (vd_value_type(list) != VD_VALUE_OBJECT)
		return bad(err, "xattrs", "an object");
	e->has_xattrs = true;
	e->xattrs = calloc(count ? count : 1, sizeof(*e->xattrs));
	if (!e->xattrs)
		return no_memory(err);
	for (size_t i = 0; i < count; i++) {
		struct vd_manifest_xattr *x = &e->xattrs[e->nxattrs++];
		int r;

		x->name = strdup(vd_value_key(list, i));
		if (!x->name)
			return no_memory(err);
		r = parse_xattr(vd_value_item(list, i), x, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int parse_type(const struct vd_value *o, struct vd_manifest_entry *e, struct vd_err *err)
{
	const struct vd_value *v = vd_value_find(o, "type");
	const char *word = vd_value_get_str(v, NULL);

	if (!v || vd_value_type(v) == VD_VALUE_NULL)
		return 0;
	for (size_t i = 0; word && i < VD_ARRAY_SIZE(types); i++) {
		if (strcmp(word, types[i].word) != 0)
			continue;
		e->type = types[i].type;
		e->missing = e->type == VD_FILE_UNKNOWN;
		return 0;
	}
	return bad(err, "type", "one of file, dir, symlink, block, char, fifo, socket, missing");
}

static int parse_numbers(const struct vd_value *o, struct vd_manifest_entry *e, struct vd_err *err)
{
	int64_t mode = 0, uid = 0, gid = 0;
	int m, u, g, s;

	m = get_mode(o, &mode, err);
	if (m < 0)
		return m;
	u = get_number(o, "uid", UINT32_MAX, &uid, err);
	if (u < 0)
		return u;
	g = get_number(o, "gid", UINT32_MAX, &gid, err);
	if (g < 0)
		return g;
	s = get_number(o, "size", MAX_NUMBER, &e->size, err);
	if (s < 0)
		return s;
	s = get_number(o, "mtime", MAX_NUMBER, &e->mtime, err);
	if (s < 0)
		return s;
	e->has_owner = m && u && g;
	e->mode = (mode_t)mode & 07777;
	e->uid = (uid_t)uid;
	e->gid = (gid_t)gid;
	return 0;
}

static int parse_path(const struct vd_value *o, struct vd_manifest_entry *e, struct vd_err *err)
{
	VD_AUTO_FREE char *path = NULL;
	int r = get_text(o, "path", &path, err);

	if (r < 0)
		return r;
	if (!path)
		return vd_err_set(err, EBADMSG, "there is no 'path'");
	r = normalise(path, &e->path);
	if (r == -ENOMEM)
		return no_memory(err);
	return r < 0 ? bad(err, "path", "an absolute path without dot components") : 0;
}

static int parse_record(const struct vd_value *o, struct vd_manifest_entry *e, struct vd_err *err)
{
	const struct vd_value *acl = vd_value_find(o, "acl");
	const struct {
		const char *key;
		char **text;
	} texts[] = {
		{ "target", &e->target },           { "fstype", &e->fstype }, { "mount", &e->mount },
		{ "header_file", &e->header_file }, { "acl", &e->acl },
	};
	int r = parse_path(o, e, err);

	if (!r)
		r = parse_type(o, e, err);
	if (!r)
		r = parse_numbers(o, e, err);
	for (size_t i = 0; !r && i < VD_ARRAY_SIZE(texts); i++)
		r = get_text(o, texts[i].key, texts[i].text, err);
	if (!r)
		r = parse_xattrs(o, e, err);
	if (r < 0)
		return r;
	e->acl_unknown = acl && vd_value_type(acl) == VD_VALUE_NULL;
	if (e->type == VD_FILE_LNK && (!e->target || !*e->target))
		return vd_err_set(err, EBADMSG, "a symlink has no 'target'");
	return 0;
}

/* One line that is not blank. A line with "schema" instead of "path" names the format and holds nothing else. */
static int parse_line(struct vd_manifest *m, const char *text, size_t len, size_t line, struct vd_err *err)
{
	VD_AUTO_VALUE struct vd_value *o = NULL;
	struct vd_manifest_entry *e;
	const char *schema;
	size_t quotes = 0;
	int r;

	/* Looking a key up takes time in proportion to their number: a line of nothing but keys must not stall us. */
	for (const char *p = text; p < text + len && quotes <= MAX_QUOTES; p++)
		quotes += *p == '"';
	if (len > VD_MANIFEST_MAX_LINE || quotes > MAX_QUOTES)
		return vd_err_set(err, EBADMSG, "longer than %u bytes or more than %u quotation marks",
		                  VD_MANIFEST_MAX_LINE, MAX_QUOTES);
	r = vd_json_parse(text, len, &o, err);
	if (r < 0)
		return r == -EINVAL ? vd_err_set(err, EBADMSG, "%s", vd_err_text(err)) : r;
	if (vd_value_type(o) != VD_VALUE_OBJECT)
		return vd_err_set(err, EBADMSG, "not a JSON object");
	schema = vd_value_get_str(vd_value_find(o, "schema"), NULL);
	if (schema && !vd_value_find(o, "path"))
		return !strcmp(schema, SCHEMA) ? 0 : bad(err, "schema", SCHEMA);
	if (m->len == m->cap) {
		size_t cap = m->cap ? m->cap * 2 : 64;
		struct vd_manifest_entry *entries = reallocarray(m->entries, cap, sizeof(*entries));

		if (!entries)
			return no_memory(err);
		m->entries = entries;
		m->cap = cap;
	}
	e = &m->entries[m->len++];
	*e = (struct vd_manifest_entry){ .line = line, .size = -1, .mtime = -1 };
	return parse_record(o, e, err);
}

static int compare(const void *a, const void *b)
{
	const struct vd_manifest_entry *x = a, *y = b;
	int order = strcmp(x->path, y->path);

	return order ? order : x->line < y->line ? -1 : x->line > y->line;
}

/* Sorts and keeps the last record of each path. */
static void settle(struct vd_manifest *m)
{
	size_t kept = 0;

	if (m->len)
		qsort(m->entries, m->len, sizeof(*m->entries), compare);
	for (size_t i = 0; i < m->len; i++) {
		if (i + 1 < m->len && !strcmp(m->entries[i].path, m->entries[i + 1].path)) {
			entry_release(&m->entries[i]);
			continue;
		}
		m->entries[kept++] = m->entries[i];
	}
	m->len = kept;
}

int vd_manifest_parse(const char *text, size_t len, struct vd_manifest **ret_manifest, struct vd_err *err)
{
	VD_CLEANUP(manifest_cleanup) struct vd_manifest *m = calloc(1, sizeof(*m));
	VD_AUTO_ERR why = VD_ERR_INIT;
	size_t line = 0;

	if (!m)
		return no_memory(err);
	for (const char *p = text, *end = text + len, *next; p < end; p = next) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((newline ? newline : end) - p);
		int r = 0;

		next = newline ? newline + 1 : end;
		while (n && memchr(" \t\r", p[n - 1], 3))
			n--;
		if (++line > VD_MANIFEST_MAX_LINES)
			return vd_err_set(err, EBADMSG, "line %zu: more than %u lines", line, VD_MANIFEST_MAX_LINES);
		if (n)
			r = parse_line(m, p, n, line, &why);
		if (r < 0)
			return vd_err_set(err, -r, "line %zu: %s", line, vd_err_text(&why));
	}
	settle(m);
	VLOG_DEBUG("manifest of %zu paths in %zu lines", m->len, line);
	*ret_manifest = vd_steal(m);
	return 0;
}

/* --- lookup ------------------------------------------------------------------------------------------------------ */

size_t vd_manifest_count(const struct vd_manifest *manifest)
{
	return manifest->len;
}

static int compare_path(const void *path, const void *entry)
{
	return strcmp(path, ((const struct vd_manifest_entry *)entry)->path);
}

const struct vd_manifest_entry *vd_manifest_find(const struct vd_manifest *manifest, const char *path)
{
	return manifest->len ? bsearch(path, manifest->entries, manifest->len, sizeof(*manifest->entries), compare_path)
	                     : NULL;
}

const struct vd_manifest_xattr *vd_manifest_xattr(const struct vd_manifest_entry *entry, const char *name)
{
	for (size_t i = 0; i < entry->nxattrs; i++) {
		if (!strcmp(entry->xattrs[i].name, name))
			return &entry->xattrs[i];
	}
	return NULL;
}

struct resolver {
	const struct vd_manifest *manifest;
	vd_manifest_link_fn link;
	void *data;
	struct vd_buf *path; /* resolved so far; "" is the root */
	char *rest;          /* owned: what is still to be resolved */
	unsigned links;
};

static void resolver_release(struct resolver *s)
{
	free(s->rest);
}

static void cut(struct vd_buf *path, size_t len)
{
	if (path->data) {
		path->len = len;
		path->data[len] = '\0';
	}
}

static void drop_last(struct vd_buf *path)
{
	char *slash = path->len ? memrchr(path->data, '/', path->len) : NULL;

	cut(path, slash ? (size_t)(slash - path->data) : 0);
}

/* The path so far is a symlink: continues with its target in front of @behind. */
static int follow_link(struct resolver *s, const char *target, const char *behind)
{
	VD_AUTO_BUF rest = VD_BUF_INIT;

	if (++s->links > MAX_LINKS)
		return -ELOOP;
	/* No kernel has such a link; its parts would be looked up one by one. */
	if (strlen(target) >= PATH_MAX)
		return -ENAMETOOLONG;
	if (vd_buf_adds(&rest, target) < 0 || vd_buf_adds(&rest, behind) < 0)
		return -ENOMEM;
	if (*target == '/')
		cut(s->path, 0);
	else
		drop_last(s->path);
	free(s->rest);
	s->rest = vd_buf_steal(&rest);
	return s->rest ? 0 : -ENOMEM;
}

/* The path so far got a new last component. Returns 1 when it was a symlink that has been put into s->rest. */
static int arrive(struct resolver *s, const char *behind, bool follow)
{
	const struct vd_manifest_entry *e = vd_manifest_find(s->manifest, vd_buf_str(s->path));
	VD_AUTO_FREE char *target = NULL;
	int r;

	if (e && e->missing)
		return -ENOENT;
	if (!*behind && !follow)
		return 0;
	if (e && e->type != VD_FILE_LNK)
		return *behind && e->type != VD_FILE_DIR && e->type != VD_FILE_UNKNOWN ? -ENOTDIR : 0;
	if (!e) {
		r = s->link(s->data, vd_buf_str(s->path), &target);
		if (r <= 0)
			return r;
	}
	r = follow_link(s, e ? e->target : target, behind);
	return r < 0 ? r : 1;
}

int vd_manifest_resolve(const struct vd_manifest *manifest, const char *path, bool follow, vd_manifest_link_fn link,
                        void *data, struct vd_buf *resolved, const struct vd_manifest_entry **ret_entry)
{
	VD_CLEANUP(resolver_release) struct resolver s = { manifest, link, data, resolved, strdup(path), 0 };
	size_t pos = 0;

	vd_buf_clear(resolved);
	if (!s.rest)
		return -ENOMEM;
	if (strlen(path) >= PATH_MAX)
		return -ENAMETOOLONG;
	for (size_t len; pos += strspn(s.rest + pos, "/"), s.rest[pos]; pos += len) {
		const char *name = s.rest + pos;
		int r;

		len = strcspn(name, "/");
		if (len > NAME_MAX)
			return -ENAMETOOLONG;
		if (len == 1 && *name == '.')
			continue;
		if (len == 2 && name[0] == '.' && name[1] == '.') {
			drop_last(resolved);
			continue;
		}
		if (vd_buf_addc(resolved, '/') < 0 || vd_buf_add(resolved, name, len) < 0)
			return -ENOMEM;
		r = arrive(&s, name + len, follow);
		if (r < 0)
			return r;
		if (r == 1)
			pos = len = 0;
	}
	if (!resolved->len && vd_buf_addc(resolved, '/') < 0)
		return -ENOMEM;
	*ret_entry = vd_manifest_find(manifest, resolved->data);
	return 0;
}
