/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ways.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vlog.h"

VLOG_CATEGORY("virtdiag.ways");

/* As the kernel: more symlinks than this on one way are a loop. */
#define MAX_LINKS 40

#define BUCKETS 1024u

struct entry {
	struct vd_node node;
	char *path, *label, *link; /* owned; @link: target of a symlink */
	struct entry *next;
};

struct vd_ways {
	struct vd_root *root;
	struct vd_mounts mounts;
	struct entry *buckets[BUCKETS];
};

struct vd_root *vd_ways_root(const struct vd_ways *ways)
{
	return ways->root;
}

const struct vd_mounts *vd_ways_mounts(const struct vd_ways *ways)
{
	return &ways->mounts;
}

int vd_ways_new(struct vd_root *root, struct vd_ways **ret_ways)
{
	struct vd_ways *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return -ENOMEM;
	a->root = root;
	r = vd_mounts_load(root, &a->mounts, NULL);
	if (r == -ENOMEM) {
		free(a);
		return r;
	}
	VLOG_DEBUG("%zu mounts from %s", a->mounts.len, a->mounts.path ? a->mounts.path : "nowhere");
	*ret_ways = a;
	return 0;
}

void vd_ways_free(struct vd_ways *ways)
{
	if (!ways)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct entry *e = ways->buckets[i], *next; e; e = next) {
			next = e->next;
			free(e->node.acl);
			free(e->path);
			free(e->label);
			free(e->link);
			free(e);
		}
	}
	vd_mounts_release(&ways->mounts);
	free(ways);
}

void vd_ways_cleanup(struct vd_ways **ways)
{
	vd_ways_free(*ways);
}

void vd_way_release(struct vd_way *way)
{
	free(way->dirs);
	free(way->stop);
	memset(way, 0, sizeof(*way));
}

/* --- looking at one object, once --- */

static unsigned bucket_of(const char *path)
{
	uint32_t hash = 2166136261u;

	for (; *path; path++)
		hash = (hash ^ (unsigned char)*path) * 16777619u;
	return hash % BUCKETS;
}

static void look(struct vd_ways *a, struct entry *e)
{
	struct vd_node *n = &e->node;

	n->path = e->path;
	n->acl_code = n->label_code = -VD_NO_EVIDENCE;
	n->code = vd_root_lstat(a->root, e->path, &n->st, NULL);
	if (n->code < 0)
		return;
	if (n->st.type == VD_FILE_LNK) {
		n->code = vd_root_readlink(a->root, e->path, &e->link, NULL);
		return;
	}
	n->acl_code = vd_root_acl(a->root, e->path, &n->acl, &n->n_acl, NULL);
	if (n->st.type == VD_FILE_DIR)
		n->label_code = vd_root_label(a->root, e->path, &e->label, NULL);
	n->label = e->label;
	n->mount = vd_mounts_find(&a->mounts, e->path);
}

/* The object at @path, all of whose directories are resolved. NULL without memory. */
static struct entry *get(struct vd_ways *a, const char *path)
{
	struct entry **slot = &a->buckets[bucket_of(path)], *e;

	for (e = *slot; e; e = e->next)
		if (!strcmp(e->path, path))
			return e;
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->path = strdup(path);
	if (!e->path) {
		free(e);
		return NULL;
	}
	e->next = *slot;
	*slot = e;
	look(a, e);
	return e;
}

/* --- the way --- */

static int add_dir(struct vd_way *way, const struct vd_node *dir, size_t *cap)
{
	for (size_t i = 0; i < way->len; i++)
		if (way->dirs[i] == dir)
			return 0;
	if (way->len == *cap) {
		size_t want = *cap ? *cap * 2 : 8;
		const struct vd_node **grown = reallocarray(way->dirs, want, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		way->dirs = grown;
		*cap = want;
	}
	way->dirs[way->len++] = dir;
	return 0;
}

/* @dir and a component of a path; the parent of @dir for "..". */
static int step(const char *dir, const char *name, size_t len, struct vd_buf *ret)
{
	const char *slash = strrchr(dir, '/');
	int r;

	vd_buf_clear(ret);
	if (len == 2 && !memcmp(name, "..", 2)) {
		r = vd_buf_add(ret, dir, slash == dir ? 1 : (size_t)(slash - dir));
		return r;
	}
	r = vd_buf_adds(ret, dir[1] ? dir : "");
	if (!r)
		r = vd_buf_addc(ret, '/');
	return r ? r : vd_buf_add(ret, name, len);
}

/* The way ends at @path with @code. */
static int end_at(struct vd_way *way, int code, const char *path)
{
	way->code = code;
	way->stop = strdup(path);
	return way->stop ? 0 : -ENOMEM;
}

/* What is still to be walked: @target of a symlink, then the @rest behind it. */
static int put_in_front(struct vd_buf *pending, const char *target, const char *rest)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	int r = vd_buf_addf(&text, "%s/%s", target, rest);

	if (r < 0)
		return r;
	vd_buf_clear(pending);
	return vd_buf_adds(pending, vd_buf_str(&text));
}

static int walk(struct vd_ways *a, const char *path, struct vd_way *way)
{
	VD_AUTO_BUF pending = VD_BUF_INIT;
	VD_AUTO_BUF next = VD_BUF_INIT;
	struct entry *dir = get(a, "/"), *e = dir;
	unsigned links = 0;
	size_t cap = 0, at = 0;
	int r = dir ? vd_buf_adds(&pending, path) : -ENOMEM;

	while (!r) {
		const char *name = vd_buf_str(&pending) + at;
		size_t len;

		name += strspn(name, "/");
		len = strcspn(name, "/");
		at = (size_t)(name - vd_buf_str(&pending)) + len;
		if (!len)
			break;
		if (len == 1 && *name == '.')
			continue;
		if (!dir->node.code && dir->node.st.type != VD_FILE_DIR)
			return end_at(way, -ENOTDIR, dir->path);
		r = add_dir(way, &dir->node, &cap);
		if (!r)
			r = step(dir->path, name, len, &next);
		e = r ? NULL : get(a, vd_buf_str(&next));
		if (!e)
			return -ENOMEM;
		/* A directory that a manifest does not list may still hold what it lists. */
		if (e->node.code < 0 && e->node.code != -VD_NO_EVIDENCE)
			return end_at(way, e->node.code, e->path);
		if (e->node.code < 0 || e->node.st.type != VD_FILE_LNK) {
			dir = e;
			continue;
		}
		if (++links > MAX_LINKS)
			return end_at(way, -ELOOP, e->path);
		r = put_in_front(&pending, e->link, vd_buf_str(&pending) + at);
		at = 0;
		if (*e->link == '/')
			dir = get(a, "/");
	}
	if (!r && dir->node.code < 0)
		return end_at(way, dir->node.code, dir->path);
	if (!r)
		way->end = &dir->node;
	return r;
}

int vd_ways_walk(struct vd_ways *ways, const char *path, struct vd_way *ret_way)
{
	struct vd_way way = { 0 };
	int r = walk(ways, path, &way);

	if (r < 0) {
		vd_way_release(&way);
		return r;
	}
	*ret_way = way;
	return 0;
}
