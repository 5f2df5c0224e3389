/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mounts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmount.h>

#include "vlog.h"

VLOG_CATEGORY("virtdiag.mounts");

static void unref_table(struct libmnt_table **table)
{
	mnt_unref_table(*table);
}

static void free_iter(struct libmnt_iter **iter)
{
	mnt_free_iter(*iter);
}

static void close_stream(FILE **f)
{
	if (*f)
		fclose(*f);
}

static int copy(const char *s, char **ret)
{
	if (!s)
		return 0;
	*ret = strdup(s);
	return *ret ? 0 : -ENOMEM;
}

/* libmount would turn "/dev/root" into the root device of the running machine; undone in add_mount(). */
#define ROOT_DEVICE     " /dev/root "
#define ROOT_DEVICE_ALT "/dev//root"

static int hide_root_device(const char *text, size_t len, struct vd_buf *ret)
{
	const char *p = text, *end = text + len, *hit;

	while ((hit = memmem(p, (size_t)(end - p), ROOT_DEVICE, strlen(ROOT_DEVICE)))) {
		int r = vd_buf_add(ret, p, (size_t)(hit - p));

		if (!r)
			r = vd_buf_adds(ret, " " ROOT_DEVICE_ALT " ");
		if (r < 0)
			return r;
		p = hit + strlen(ROOT_DEVICE);
	}
	return vd_buf_add(ret, p, (size_t)(end - p));
}

static int add_mount(struct vd_mounts *mounts, struct libmnt_fs *fs, size_t *cap)
{
	struct vd_mount *m;
	const char *source = mnt_fs_get_source(fs);
	int r;

	if (!mnt_fs_get_target(fs))
		return 0;
	if (mounts->len == *cap) {
		size_t n = *cap ? *cap * 2 : 64;

		m = reallocarray(mounts->items, n, sizeof(*m));
		if (!m)
			return -ENOMEM;
		mounts->items = m;
		*cap = n;
	}
	m = &mounts->items[mounts->len++];
	*m = (struct vd_mount){ .id = mnt_fs_get_id(fs), .parent = mnt_fs_get_parent_id(fs) };
	if (source && !strcmp(source, ROOT_DEVICE_ALT))
		source = "/dev/root";
	r = copy(mnt_fs_get_target(fs), &m->target);
	if (!r)
		r = copy(mnt_fs_get_root(fs), &m->root);
	if (!r)
		r = copy(mnt_fs_get_fstype(fs), &m->fstype);
	if (!r)
		r = copy(source, &m->source);
	return r < 0 ? r : copy(mnt_fs_get_options(fs), &m->options);
}

static int parse(const char *text, size_t len, const char *path, struct vd_mounts *mounts, struct vd_err *err)
{
	VD_CLEANUP(unref_table) struct libmnt_table *table = mnt_new_table();
	VD_CLEANUP(free_iter) struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	VD_CLEANUP(close_stream) FILE *stream = NULL;
	VD_AUTO_BUF clean = VD_BUF_INIT;
	struct libmnt_fs *fs = NULL;
	size_t cap = 0;
	int r = hide_root_device(text, len, &clean);

	if (!table || !iter || r < 0)
		return vd_err_set(err, ENOMEM, "out of memory while reading %s", path);
	if (!clean.len)
		return 0; /* fmemopen() refuses an empty buffer */
	stream = fmemopen(clean.data, clean.len, "r");
	if (!stream)
		return vd_err_set(err, ENOMEM, "out of memory while reading %s", path);
	r = mnt_table_parse_stream(table, stream, path);
	if (r < 0)
		return vd_err_set(err, EBADMSG, "%s is no mount table", path);
	while (!r && mnt_table_next_fs(table, iter, &fs) == 0)
		r = add_mount(mounts, fs, &cap);
	return r < 0 ? vd_err_set(err, -r, "out of memory while reading %s", path) : 0;
}

int vd_mounts_parse(const char *text, size_t len, const char *path, struct vd_mounts *ret_mounts, struct vd_err *err)
{
	VD_CLEANUP(vd_mounts_release) struct vd_mounts mounts = { 0 };
	int r = parse(text, len, path, &mounts, err);

	if (r < 0)
		return r;
	mounts.path = strdup(path);
	if (!mounts.path)
		return vd_err_set(err, ENOMEM, "out of memory while reading %s", path);
	VLOG_DEBUG("%zu mounts from %s", mounts.len, path);
	*ret_mounts = mounts;
	mounts = (struct vd_mounts){ 0 };
	return 0;
}

/* The first mount table that @root has, its text in @text and its name in *@ret_path, NULL when it has none. */
static int read_table(struct vd_root *root, struct vd_buf *text, const char **ret_path, struct vd_err *err)
{
	static const char *const captured[] = { "/proc/self/mountinfo", "/proc/1/mountinfo", "/proc/mounts",
		                                "/etc/mtab" };
	/* On this machine only the first will do: another process may see other mounts. */
	size_t n = vd_root_is_live(root) ? 1 : VD_ARRAY_SIZE(captured);
	int r = 0;

	*ret_path = NULL;
	for (size_t i = 0; i < n; i++) {
		r = vd_root_read(root, captured[i], VD_MAX_CONF, text, err);
		if (!r)
			*ret_path = captured[i];
		if (r != -ENOENT && r != -ENOTDIR)
			return r;
	}
	if (!vd_root_is_live(root)) {
		vd_err_release(err);
		r = 0;
	}
	return r;
}

/* The mounts of process @pid as /proc of this machine shows them: its own /proc may be of another pid namespace. */
static int read_table_of(pid_t pid, struct vd_buf *text, char path[64], struct vd_err *err)
{
	VD_AUTO_ROOT struct vd_root *live = NULL;
	int r = vd_root_open(NULL, 0, &live, err);

	snprintf(path, 64, "/proc/%d/mountinfo", (int)pid);
	return r < 0 ? r : vd_root_read(live, path, VD_MAX_CONF, text, err);
}

int vd_mounts_load(struct vd_root *root, struct vd_mounts *ret_mounts, struct vd_err *err)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	VD_AUTO_ERR local = VD_ERR_INIT;
	char of_pid[64];
	const char *path = of_pid;
	int r;

	if (!err)
		err = &local;
	if (vd_root_pid(root))
		r = read_table_of(vd_root_pid(root), &text, of_pid, err);
	else
		r = read_table(root, &text, &path, err);
	if (r < 0)
		return r;
	if (path)
		return vd_mounts_parse(vd_buf_str(&text), text.len, path, ret_mounts, err);
	VLOG_DEBUG("no table of mounts");
	*ret_mounts = (struct vd_mounts){ 0 };
	return 0;
}

static bool holds(const char *target, const char *path)
{
	size_t len = strlen(target);

	while (len > 1 && target[len - 1] == '/')
		len--;
	if (len == 1 && target[0] == '/')
		return true;
	return !strncmp(path, target, len) && (!path[len] || path[len] == '/');
}

/* No table has so many root mounts, or mounts one below the other on one way: each costs a look at all others. */
#define MAX_TOPS  16
#define MAX_STEPS 64

/*
 * Walk as the kernel does: from the root mount to the child mount that @path meets first, then to that one's children.
 * The order of the lines alone does not tell: after a switch of the root its line can stand behind its children's.
 */
static const struct vd_mount *find_by_ids(const struct vd_mounts *mounts, const char *path)
{
	const struct vd_mount *at = NULL;
	unsigned tops = 0;

	for (size_t i = 0; i < mounts->len; i++) {
		const struct vd_mount *m = &mounts->items[i];
		bool has_parent = false;

		if (m->id <= 0 || m->parent <= 0)
			return NULL;
		if (strcmp(m->target, "/"))
			continue;
		if (++tops > MAX_TOPS)
			return NULL;
		for (size_t j = 0; j < mounts->len && !has_parent; j++)
			has_parent = j != i && mounts->items[j].id == m->parent;
		if (!has_parent)
			at = m;
	}
	/* A table that names its mounts in a circle must not hold us. */
	for (size_t steps = 0; at && steps < mounts->len && steps < MAX_STEPS; steps++) {
		const struct vd_mount *next = NULL;

		for (size_t i = 0; i < mounts->len; i++) {
			const struct vd_mount *m = &mounts->items[i];

			if (m->parent == at->id && m != at && holds(m->target, path) &&
			    (!next || strlen(m->target) <= strlen(next->target)))
				next = m;
		}
		if (!next)
			return at;
		at = next;
	}
	return at;
}

/* Old formats have no ids: the longest target, of equal ones the last. */
static const struct vd_mount *find_by_length(const struct vd_mounts *mounts, const char *path)
{
	const struct vd_mount *best = NULL;

	for (size_t i = 0; i < mounts->len; i++) {
		const struct vd_mount *m = &mounts->items[i];

		if (holds(m->target, path) && (!best || strlen(m->target) >= strlen(best->target)))
			best = m;
	}
	return best;
}

const struct vd_mount *vd_mounts_find(const struct vd_mounts *mounts, const char *path)
{
	const struct vd_mount *best = find_by_ids(mounts, path);

	return best ? best : find_by_length(mounts, path);
}

char *vd_mount_option(const struct vd_mount *mount, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = mount->options; p && *p;) {
		const char *item = p;
		bool quoted = false;

		/* A comma inside quotes belongs to the value: context="system_u:object_r:x_t:s0:c1,c2" */
		for (; *p && (quoted || *p != ','); p++)
			if (*p == '"')
				quoted = !quoted;
		if ((size_t)(p - item) >= len && !memcmp(item, name, len)) {
			const char *value = item + len + 1;

			if (item + len == p)
				return strdup("");
			if (item[len] == '=' && *value == '"' && p[-1] == '"' && p - value >= 2)
				return strndup(value + 1, (size_t)(p - value) - 2);
			if (item[len] == '=')
				return strndup(value, (size_t)(p - value));
		}
		p += *p == ',';
	}
	return NULL;
}

void vd_mounts_release(struct vd_mounts *mounts)
{
	for (size_t i = 0; i < mounts->len; i++) {
		free(mounts->items[i].target);
		free(mounts->items[i].root);
		free(mounts->items[i].fstype);
		free(mounts->items[i].source);
		free(mounts->items[i].options);
	}
	free(mounts->items);
	free(mounts->path);
	*mounts = (struct vd_mounts){ 0 };
}
