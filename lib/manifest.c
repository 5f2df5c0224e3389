/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "manifest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.manifest");

#define MAX_LINES    500000
#define MAX_SYMLINKS 40

void vd_manifest_release(struct vd_manifest *manifest)
{
	for (size_t i = 0; i < manifest->len; i++)
		vd_value_free(manifest->items[i].record);
	free(manifest->items);
	manifest->items = NULL;
	manifest->len = 0;
}

static int compare_entries(const void *a, const void *b)
{
	return strcmp(((const struct vd_manifest_entry *)a)->path, ((const struct vd_manifest_entry *)b)->path);
}

static int parse_line(const char *text, size_t len, size_t line, struct vd_manifest_entry *ret_entry,
                      struct vd_err *err)
{
	VD_AUTO_VALUE struct vd_value *record = NULL;
	const char *path, *type;
	int r = vd_json_parse(text, len, &record, err);

	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		vd_err_prefix(err, "line %zu", line);
		if (err)
			err->code = EBADMSG;
		return -EBADMSG;
	}
	path = vd_value_get_str(vd_value_find(record, "path"), NULL);
	type = vd_value_get_str(vd_value_find(record, "type"), NULL);
	if (!path || path[0] != '/')
		return vd_err_set(err, EBADMSG, "line %zu: no absolute \"path\"", line);
	if (!type)
		return vd_err_set(err, EBADMSG, "line %zu: no \"type\"", line);
	ret_entry->path = path;
	ret_entry->line = line;
	ret_entry->record = vd_steal(record);
	return 0;
}

static int add_entry(struct vd_manifest *m, size_t *cap, const struct vd_manifest_entry *entry)
{
	if (m->len == *cap) {
		size_t more = *cap ? *cap * 2 : 64;
		struct vd_manifest_entry *items = realloc(m->items, more * sizeof(*items));

		if (!items)
			return -ENOMEM;
		m->items = items;
		*cap = more;
	}
	m->items[m->len++] = *entry;
	return 0;
}

static int find_duplicate(const struct vd_manifest *m, struct vd_err *err)
{
	for (size_t i = 1; i < m->len; i++) {
		const struct vd_manifest_entry *a = &m->items[i - 1], *b = &m->items[i];

		if (!strcmp(a->path, b->path))
			return vd_err_set(err, EBADMSG, "line %zu: path %s was listed in line %zu already",
			                  a->line > b->line ? a->line : b->line, a->path,
			                  a->line > b->line ? b->line : a->line);
	}
	return 0;
}

int vd_manifest_parse(const char *text, size_t len, struct vd_manifest *ret_manifest, struct vd_err *err)
{
	struct vd_manifest m = { NULL, 0 };
	size_t cap = 0, line = 0;
	int r = 0;

	for (size_t pos = 0; pos < len && !r;) {
		const char *start = text + pos, *end = memchr(start, '\n', len - pos);
		size_t n = end ? (size_t)(end - start) : len - pos;
		struct vd_manifest_entry entry;

		pos += n + 1;
		if (++line > MAX_LINES) {
			r = vd_err_set(err, EFBIG, "more than %d lines", MAX_LINES);
			break;
		}
		if (n && start[n - 1] == '\r')
			n--;
		if (!n)
			continue;
		r = parse_line(start, n, line, &entry, err);
		if (!r) {
			r = add_entry(&m, &cap, &entry);
			if (r < 0)
				vd_value_free(entry.record);
		}
	}
	if (!r && m.len) {
		qsort(m.items, m.len, sizeof(*m.items), compare_entries);
		r = find_duplicate(&m, err);
	}
	if (r < 0) {
		vd_manifest_release(&m);
		return r;
	}
	VLOG_DEBUG("manifest: %zu paths", m.len);
	*ret_manifest = m;
	return 0;
}

const struct vd_manifest_entry *vd_manifest_get(const struct vd_manifest *manifest, const char *path)
{
	struct vd_manifest_entry key = { .path = path };

	return manifest->len ? bsearch(&key, manifest->items, manifest->len, sizeof(key), compare_entries) : NULL;
}

static const char *symlink_target(const struct vd_manifest_entry *entry)
{
	const char *type;

	if (!entry)
		return NULL;
	type = vd_value_get_str(vd_value_find(entry->record, "type"), NULL);
	return type && !strcmp(type, "symlink") ? vd_value_get_str(vd_value_find(entry->record, "target"), NULL) : NULL;
}

/* Drop the last component of @path ("/a/b" to "/a"); the root stays the root. */
static void go_up(struct vd_buf *path)
{
	while (path->len && path->data[path->len - 1] != '/')
		path->len--;
	if (path->len)
		path->len--;
	if (path->data)
		path->data[path->len] = '\0';
}

int vd_manifest_resolve(const struct vd_manifest *manifest, const char *path, bool follow, char **ret_path)
{
	VD_AUTO_BUF done = VD_BUF_INIT;
	VD_AUTO_BUF rest = VD_BUF_INIT;
	unsigned links = 0;

	if (vd_buf_adds(&rest, path) < 0 || vd_buf_reserve(&done, 1) < 0)
		return -ENOMEM;
	for (;;) {
		VD_AUTO_BUF next = VD_BUF_INIT;
		const char *s = vd_buf_str(&rest), *end, *target;
		size_t before = done.len;

		while (*s == '/')
			s++;
		if (!*s)
			break;
		end = strchrnul(s, '/');
		if (end - s == 2 && !memcmp(s, "..", 2)) {
			go_up(&done);
		} else if (!(end - s == 1 && *s == '.')) {
			if (vd_buf_addc(&done, '/') < 0 || vd_buf_add(&done, s, (size_t)(end - s)) < 0)
				return -ENOMEM;
			target = *end || follow ? symlink_target(vd_manifest_get(manifest, vd_buf_str(&done))) : NULL;
			if (target) {
				if (++links > MAX_SYMLINKS)
					return -ELOOP;
				done.len = target[0] == '/' ? 0 : before;
				done.data[done.len] = '\0';
				if (vd_buf_adds(&next, target) < 0)
					return -ENOMEM;
			}
		}
		if (vd_buf_adds(&next, end) < 0)
			return -ENOMEM;
		vd_buf_release(&rest);
		rest = next;
		next = (struct vd_buf)VD_BUF_INIT;
	}
	if (!done.len && vd_buf_addc(&done, '/') < 0)
		return -ENOMEM;
	*ret_path = vd_buf_steal(&done);
	return *ret_path ? 0 : -ENOMEM;
}

static enum vd_file_type type_from_word(const char *word)
{
	static const struct {
		const char *word;
		enum vd_file_type type;
	} words[] = {
		{ "file", VD_FILE_REG }, { "dir", VD_FILE_DIR },   { "symlink", VD_FILE_LNK }, { "block", VD_FILE_BLK },
		{ "char", VD_FILE_CHR }, { "fifo", VD_FILE_FIFO }, { "socket", VD_FILE_SOCK },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(words); i++)
		if (!strcmp(word, words[i].word))
			return words[i].type;
	return VD_FILE_UNKNOWN;
}

int vd_manifest_stat(const struct vd_manifest_entry *entry, struct vd_stat *ret_stat)
{
	const struct vd_value *mode = vd_value_find(entry->record, "mode"),
	                      *size = vd_value_find(entry->record, "size");
	const struct vd_value *uid = vd_value_find(entry->record, "uid"), *gid = vd_value_find(entry->record, "gid");
	const char *type = vd_value_get_str(vd_value_find(entry->record, "type"), NULL);
	const char *octal = vd_value_get_str(mode, NULL);
	struct vd_stat st = { .size = -1 };

	if (!strcmp(type, "missing"))
		return -ENOENT;
	st.type = type_from_word(type);
	if ((octal || vd_value_type(mode) == VD_VALUE_INT) && vd_value_type(uid) == VD_VALUE_INT &&
	    vd_value_type(gid) == VD_VALUE_INT) {
		st.has_owner = true;
		st.mode = (octal ? (mode_t)strtoul(octal, NULL, 8) : (mode_t)vd_value_get_int(mode)) & 07777;
		st.uid = (uid_t)vd_value_get_int(uid);
		st.gid = (gid_t)vd_value_get_int(gid);
	}
	if (vd_value_type(size) == VD_VALUE_INT)
		st.size = vd_value_get_int(size);
	*ret_stat = st;
	return 0;
}
