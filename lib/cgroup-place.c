/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cgroup-internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup-parse.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.cgroup-place");

/* Does the line speak of hierarchy @h? */
static bool is_of(const struct vd_cgroup_membership *line, const struct vd_cgroup_hierarchy *h)
{
	if (h->v2)
		return line->hierarchy == 0 && !line->controllers.len;
	for (unsigned c = 0; c < VD_CGROUP_CONTROLLER_COUNT_; c++)
		if (h->carries & 1u << c && vd_cgroup_list_has(&line->controllers, vd_cgroup_controller_name(c)))
			return true;
	return false;
}

char *vd_cg_path_in(const struct vd_buf *text, const struct vd_cgroup_hierarchy *h, int *ret_r)
{
	struct vd_cgroup_membership line;
	size_t pos = 0;

	while (vd_cgroup_next_membership(vd_buf_str(text), text->len, &pos, &line)) {
		char *path;

		if (!is_of(&line, h))
			continue;
		path = strndup(line.path.s, line.path.len);
		if (!path) {
			*ret_r = -ENOMEM;
			return NULL;
		}
		/* In a container a part of the hierarchy is mounted, but the kernel may name the whole path. */
		if (strcmp(h->root, "/") && vd_cg_is_below(path, h->root))
			memmove(path, path + strlen(h->root), strlen(path) - strlen(h->root) + 1);
		if (!strcmp(path, "/"))
			path[0] = '\0';
		return path;
	}
	return NULL;
}

/* The group of a guest that @path is in. */
static struct vd_cgroup_node *find_node(struct vd_cgroup_node **nodes, size_t len, const char *path)
{
	for (size_t i = 0; i < len;) {
		struct vd_cgroup_node *node = nodes[i++];

		if (!node->rel || !vd_cg_is_below(path, node->rel))
			continue;
		if (node->kind == VD_CGROUP_GUEST)
			return node;
		len = node->n_children;
		nodes = node->children;
		i = 0;
	}
	return NULL;
}

static bool is_walked(const struct vd_strv *roots, const char *rel)
{
	for (size_t i = 0; i < roots->len; i++)
		if (roots->items[i][0] ? vd_cg_is_below(rel, roots->items[i]) : !*rel)
			return true;
	return false;
}

/* Cut the last component off; false when there is none. */
static bool cut_last(char *path, const char **ret_last)
{
	char *slash = strrchr(path, '/');

	if (!slash)
		return false;
	*slash = '\0';
	*ret_last = slash + 1;
	return true;
}

/*
 * The directory that holds the guest's group when the process is in @path and its group is named as libvirt would:
 * above "libvirt/qemu", or the parent of the group. NULL when the path does not look like libvirt's.
 */
static char *guess_root(const struct vd_cg_match *match, const struct vd_cg_guest *guest, const char *path, int *ret_r)
{
	VD_AUTO_FREE char *copy = strdup(path);
	const char *last = NULL;
	unsigned number;
	const char *old = strstr(path, vd_guest_domain(guest->guest)->driver == VD_DRIVER_LXC ? "/libvirt/lxc/"
	                                                                                      : "/libvirt/qemu/");

	if (!copy) {
		*ret_r = -ENOMEM;
		return NULL;
	}
	if (old) {
		copy[old - path + 8] = '\0';
		return vd_steal(copy);
	}
	if (!cut_last(copy, &last))
		return NULL;
	if (vd_cgroup_child_kind(last, &number) && !cut_last(copy, &last))
		return NULL;
	if (!strcmp(last, "libvirt") && !cut_last(copy, &last))
		return NULL;
	return vd_cg_match_name(match, last, -1) == guest ? vd_steal(copy) : NULL;
}

/* A running guest without a group of libvirt's is a row of its own. */
static int add_nowhere(struct vd_cg_walk *walk, const struct vd_cg_guest *guest, const char *path, int h)
{
	struct vd_cgroup_node *node = vd_cg_add_node(walk->tree, NULL, VD_CGROUP_NOWHERE, NULL, NULL);
	const char *name = vd_guest_name(guest->guest);

	if (!node)
		return -ENOMEM;
	node->guest = guest->guest;
	if (!path)
		return vd_cg_note(walk->tree, VD_CGROUP_NOTE_NO_GROUP, guest->guest,
		                  "%s runs (process %d), but there is no cgroup of libvirt's for it", name,
		                  (int)guest->pid);
	if (asprintf(&node->path, "%s%s", walk->layout->items[h].path, path) < 0) {
		node->path = NULL;
		return -ENOMEM;
	}
	return vd_cg_note(walk->tree, VD_CGROUP_NOTE_NO_GROUP, guest->guest,
	                  "%s runs without a cgroup of libvirt's: its process %d is in %s", name, (int)guest->pid,
	                  *path ? path : "/");
}

static int misplaced(struct vd_cg_walk *walk, const struct vd_cg_guest *guest, const char *path)
{
	guest->node->misplaced = true;
	guest->node->stale = guest->node->orphan = false;
	return vd_cg_note(walk->tree, VD_CGROUP_NOTE_MISPLACED, guest->guest,
	                  "process %d of %s is in %s, not in its group %s", (int)guest->pid,
	                  vd_guest_name(guest->guest), path ? (*path ? path : "/") : "another group", guest->node->rel);
}

/* The process is in the group @node, which no running guest's name leads to. */
static int claim(struct vd_cg_walk *walk, struct vd_cg_guest *guest, struct vd_cgroup_node *node)
{
	node->guest = guest->guest;
	for (size_t i = 0; i < node->n_children; i++)
		node->children[i]->guest = guest->guest;
	node->stale = node->orphan = false;
	node->misplaced = true;
	guest->node = node;
	return vd_cg_note(walk->tree, VD_CGROUP_NOTE_MISPLACED, guest->guest,
	                  "process %d of %s is in %s, whose name is not that of its group", (int)guest->pid,
	                  vd_guest_name(guest->guest), node->rel);
}

static int place_one(struct vd_cg_walk *walk, struct vd_cg_guest *guest, const char *path, int h, struct vd_strv *roots)
{
	VD_AUTO_FREE char *extra = NULL;
	struct vd_cgroup_node *node;
	int r = 0;

	extra = path ? guess_root(&walk->match, guest, path, &r) : NULL;
	if (extra && !is_walked(roots, extra)) {
		r = vd_strv_add(roots, extra);
		if (!r)
			r = vd_cg_walk_root(walk, NULL, extra, false);
		if (guest->placed)
			return r;
	}
	if (r < 0)
		return r;
	node = path ? find_node(walk->tree->roots, walk->tree->n_roots, path) : NULL;
	/* The numbers in the group are of our own pid namespace; a libvirt in a container counts otherwise. */
	if (guest->node && path && vd_cg_is_below(path, guest->node->rel))
		return 0;
	if (guest->node)
		return misplaced(walk, guest, path);
	if (node && (node->stale || node->orphan || !node->guest))
		return claim(walk, guest, node);
	if (walk->denied)
		return vd_cg_problem(walk->tree, vd_guest_name(guest->guest),
		                     "its group is not among those that may be looked into", true);
	return add_nowhere(walk, guest, path, h);
}

/* In a cgroup namespace the kernel names what is above its top with "..". */
static bool is_outside(const char *path)
{
	return !strncmp(path, "/..", 3) && (!path[3] || path[3] == '/');
}

/* In v1 each hierarchy has its own opinion: where the group exists, the process should be in it. */
static int compare_hierarchies(struct vd_cg_walk *walk, const struct vd_cg_guest *guest, const struct vd_buf *text)
{
	int r = 0;

	for (size_t h = 0; h < walk->layout->len && !r; h++) {
		const struct vd_cgroup_hierarchy *hier = &walk->layout->items[h];
		VD_AUTO_FREE char *path = NULL;

		if (!(guest->node->present & walk->listed & 1u << h))
			continue;
		path = vd_cg_path_in(text, hier, &r);
		if (!path || is_outside(path) || vd_cg_is_below(path, guest->node->rel))
			continue;
		guest->node->misplaced = true;
		r = vd_cg_note(walk->tree, VD_CGROUP_NOTE_MISPLACED, guest->guest,
		               "process %d of %s is in %s of %s, not in its group", (int)guest->pid,
		               vd_guest_name(guest->guest), *path ? path : "/", hier->label);
	}
	return r;
}

static int place_guest(struct vd_cg_walk *walk, struct vd_cg_guest *guest, struct vd_strv *roots)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	VD_AUTO_BUF file = VD_BUF_INIT;
	VD_AUTO_FREE char *path = NULL;
	bool several = walk->listed & (walk->listed - 1);
	int h = vd_cg_primary(walk, walk->listed), r;

	if (guest->pid <= 0 || !vd_cg_wanted(walk, guest->guest) || (guest->placed && !several) || h < 0)
		return 0;
	r = vd_buf_addf(&file, "/proc/%d/cgroup", (int)guest->pid);
	if (r < 0)
		return r;
	r = vd_root_read(walk->root, vd_buf_str(&file), VD_MAX_CGROUP, &text, NULL);
	if (r == -ENOMEM)
		return r;
	VLOG_DEBUG("%s of %s: %s", vd_buf_str(&file), vd_guest_name(guest->guest), r < 0 ? strerror(-r) : "read");
	if (guest->placed)
		return r < 0 || !guest->node ? 0 : compare_hierarchies(walk, guest, &text);
	/* Live, a process that is gone by now is no news. A capture may not have the file. */
	if (r < 0 && vd_root_is_live(walk->root) && r != -EACCES)
		return 0;
	if (r < 0 && r != -ENOENT)
		return vd_cg_problem(walk->tree, vd_buf_str(&file), strerror(-r), false);
	r = 0;
	path = text.len ? vd_cg_path_in(&text, &walk->layout->items[h], &r) : NULL;
	if (path && is_outside(path))
		return vd_cg_problem(
		        walk->tree, vd_buf_str(&file),
		        "the process is outside of this cgroup namespace: its group cannot be seen from here", true);
	return r < 0 ? r : place_one(walk, guest, path, h, roots);
}

int vd_cg_place(struct vd_cg_walk *walk, struct vd_strv *roots)
{
	int r = 0;

	for (size_t i = 0; i < walk->match.n_running && !r; i++)
		r = place_guest(walk, &walk->match.running[i], roots);
	return r;
}
